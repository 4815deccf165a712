# SPDX-License-Identifier: GPL-2.0-or-later
# The tools of one project on the hypervisor of the other: xl, xenstored and xenconsoled of Debian on
# Hospes, hl, our xenstored and hospesd on Debian's Xen. What the commands print is looked at by columns
# and values. Then the views: what Linux sees in Domain 0 and in a guest (views.sh), lines `view dom0.KEY`
# and `view guest.KEY`, which tests/system/compat compares between the hypervisors.
. /tests/lib.sh
snapshot /tmp/before

# column NAME N COMMAND...: the Nth word of the line that begins with NAME.
column()
{
    local name=$1 n=$2
    shift 2
    "$@" 2>/dev/null | awk -v name="$name" -v n="$n" '$1 == name { print $n; exit }'
}

# A value of what `hl info` said at the start.
info()
{
    sed -n "s/^$1 *: //p" /tmp/info
}

# between NAME LOW HIGH VALUE
between()
{
    if [ "$4" -ge "$2" ] 2>/dev/null && [ "$4" -le "$3" ]; then
        ok "$1"
    else
        fail "$1" "$4 is not within $2 and $3"
    fi
}

# The row of a vCPU: CPU, state, affinities, as `CPU STATE HARD / SOFT`.
vcpu()
{
    $HL vcpu-list "$1" | awk -v n="$2" 'NR > 1 && $3 == n { print $4, $5, $7, $8, $9 }'
}

vcpu_is()
{
    vcpu "$1" "$2" | grep -qE "$3"
}

# How many vCPUs the listing says are in use.
vcpus()
{
    column "$1" 4 $HL list "$1"
}

vcpus_are()
{
    [ "$(vcpus "$1")" = "$2" ]
}

memory_is()
{
    [ "$(column "$1" 3 $HL list "$1")" = "$2" ]
}

booted_again()
{
    [ "$(grep -ca '^guest ready' "$(console_log "$1")")" -ge 2 ]
}

# The host.
works "info" $HL info
cp $OUT /tmp/info
is "info: nr_cpus" 2 "$(info nr_cpus)"
is "info: xen_version" 4.17 "$(info xen_version | cut -d. -f1-2)"
is "info: xen_scheduler" credit2 "$(info xen_scheduler)"
prints "info: xen_caps" '^xen_caps +: .*xen-3\.0-x86_64( |$)' cat /tmp/info
prints "info: virt_caps" '^virt_caps +: pv( |$)' cat /tmp/info
between "info: total_memory" 1000 1024 "$(info total_memory)"
between "info: free_memory" 400 512 "$(info free_memory)"
between "info: cpu_mhz is the TSC's" 100 10000 "$(info cpu_mhz | cut -d. -f1)"
prints "info -n: a line for each CPU" '^ +1: +[01] +[01] +0$' $HL info -n
prints "info -n: memory of node 0" '^ +0: +[0-9]+ +[0-9]+ +10$' $HL info -n
prints "list: columns" '^Name +ID +Mem VCPUs	State	Time\(s\)$' $HL list
prints "list: Domain-0" '^Domain-0 +0 +51[0-2] +2 +[rb-]{6} +[0-9]+\.[0-9]$' $HL list
prints "vcpu-list: columns" '^Name +ID +VCPU +CPU State +Time\(s\) Affinity \(Hard / Soft\)$' $HL vcpu-list
prints "cpupool-list" '^Pool-0 +2 +credit2 +y +1$' $HL cpupool-list
prints "cpupool-list -c" '^Pool-0 +0,1$' $HL cpupool-list -c
prints "uptime of Domain 0" '^Domain-0 +0 +0:[0-9]{2}:[0-9]{2}$' $HL uptime
is "domid of Domain 0" 0 "$($HL domid Domain-0)"
is "domname of 0" Domain-0 "$($HL domname 0)"
lines=$($HL dmesg | wc -l)
between "dmesg: has the boot" 10 10000 "$lines"
works "debug-keys" $HL debug-keys q
becomes "dmesg has its answer" 5 sh -c "[ \$($HL dmesg | wc -l) -gt $lines ]"

# A kernel that is quickly unpacked, for guests that never run.
small='kernel = "/tests/spin.elf"'

# What is not there.
for verb in pause unpause destroy shutdown reboot console vcpu-list list uptime "sched-credit2 -d"; do
    refuses "$verb of nobody" 'nobody.*(invalid domain|no such|not exist|does not)|no domain' $HL $verb nobody
done
refuses "mem-set of nobody" nobody $HL mem-set nobody 100
refuses "rename of nobody" nobody $HL rename nobody somebody
refuses "vcpu-set of nobody" nobody $HL vcpu-set nobody 1
refuses "domid of nobody" nobody $HL domid nobody
refuses "domname of none" 77 $HL domname 77
refuses "create without a file" '/nowhere.cfg.*(no such file|not exist)' $HL create /nowhere.cfg
refuses "create without its kernel" '/nokernel.*no such file' $HL create "$(config none 'kernel = "/nokernel"')"
refuses "create with too much memory" 'memory' $HL create "$(config much "$small" 'memory = 3000')"
refuses "a verb that there is not" 'not implemented|no such|unknown' $HL frobnicate

# A guest that may have more memory and more CPUs than it starts with. Its initramfs gets views.sh.
# No word of its kernel shall fall into the lines of views.sh.
free=$(free_memory)
mkdir -p /tmp/more/tests
cp /tests/view /tests/views.sh /tests/cpus.sh /tests/msr.ko /tmp/more/tests/
{
    cat $RAMDISK
    (cd /tmp/more && find tests | cpio -o -H newc 2>/dev/null)
} >/tmp/ramdisk
cfg=$(config one "ramdisk = \"/tmp/ramdisk\"" 'vcpus = 2' 'maxvcpus = 4' 'memory = 112' 'maxmem = 144' \
    'extra = "console=hvc0 loglevel=1"')
works "create" $HL create "$cfg" || finish
id=$($HL domid one)
is "domname" one "$($HL domname "$id")"
becomes "it boots to user space" 120 booted one
between "info: free_memory went down by its memory" $((free - 118)) $((free - 110)) "$(free_memory)"
prints "list" "^one +$id +112 +2 +[rb-]{6} +[0-9]+\.[0-9]\$" $HL list one
prints "list -v" "^one +$id .* $(xenstore-read "/local/domain/$id/vm" | cut -d/ -f3) " $HL list -v
works "list -l" $HL list -l one
cp $OUT /tmp/list
for line in "\"domid\": $id,?" '"name": "one",?' '"max_memkb": 147456,?' '"target_memkb": 114688,?' '"max_vcpus": 4,?' \
    '"weight": 256,?|"type.pv": \{' '"type": "pv",?'; do
    prints "list -l: $line" "^ *($line)\$" cat /tmp/list
done
prints "vcpu-list: a running one" "^one +$id +1 +[01] +[rb-]{3} +[0-9]+\.[0-9] +all / all\$" $HL vcpu-list one
prints "vcpu-list: one that is off" "^one +$id +3 +- +--p +[0-9]+\.[0-9] +all / all\$" $HL vcpu-list one
prints "uptime" "^one +$id +0:[0-9]{2}:[0-9]{2}\$" $HL uptime one
prints "cpupool-list counts it" '^Pool-0 +2 +credit2 +y +2$' $HL cpupool-list
becomes "console, both ways" 15 console_answers one sum
talk one
ask one "sh /tests/views.sh" >/tmp/inside
# On Xen this is about Linux and Xen alone: once, to try the test.
rounds=3
grep -q hospes /sys/hypervisor/version/extra || rounds=1
prints "its CPUs go and come" "^cpus: $rounds rounds, 2 of 2 CPUs, 0 complaints" \
    ask one "touch /run/cpus; sh /tests/cpus.sh $rounds; rm /run/cpus"
hush one
if ! ours; then
    prints "xentop" '^ +one +[-b]{5}[-r] +[0-9]+ +[0-9.]+ +114688 +1[01]\.[0-9] +1[0-9]{5} +1[0-9]\.[0-9] +4 ' \
        /usr/lib/xen-4.17/bin/xentop -b -i 1
fi

# CPUs.
works "vcpu-pin" $HL vcpu-pin one 0 0
becomes "vcpu-list shows pin and place" 10 vcpu_is one 0 '^0 [rb-]{3} 0 / all$'
works "vcpu-pin, soft" $HL vcpu-pin one 1 - 1
becomes "vcpu-list shows it" 10 vcpu_is one 1 '^[01] [rb-]{3} all / 1$'
works "vcpu-pin all" $HL vcpu-pin one all all all
becomes "vcpu-list shows none" 10 vcpu_is one 0 ' all / all$'
refuses "vcpu-pin to a CPU that there is not" 'affinity|CPU' $HL vcpu-pin one 0 9
for n in 1 2 1 2 1; do
    works "vcpu-set $n" $HL vcpu-set one $n
    becomes "$n in use" 30 vcpus_are one $n
done
becomes "vcpu-list: the second is off" 30 vcpu_is one 1 '^- --p '
works "vcpu-set 4" $HL vcpu-set -i one 4
becomes "four in use" 30 vcpus_are one 4
becomes "vcpu-list: the fourth runs" 30 vcpu_is one 3 '^[01] [rb-]{3} '
refuses "vcpu-set of more than there are" . $HL vcpu-set -i one 5
works "vcpu-set 2" $HL vcpu-set one 2
becomes "two in use" 30 vcpus_are one 2
works "sched-credit2 sets" $HL sched-credit2 -d one -w 512 -c 50
prints "sched-credit2 shows" "^one +$id +512 +50\$" $HL sched-credit2 -d one
works "sched-credit2 takes the cap away" $HL sched-credit2 -d one -c 0
refuses "sched-credit2 of no weight" '(1|65535)' $HL sched-credit2 -d one -w 0

# Memory.
works "mem-set down" $HL mem-set one 88
becomes "list shows less" 30 memory_is one 88
works "mem-set up, above what it began with" $HL mem-set one 136
becomes "list shows more" 30 memory_is one 136
works "mem-max" $HL mem-max one 160
is "its limit is in the store" 163840 "$(xenstore-read "/local/domain/$id/memory/static-max")"
# Paused, it does not see what was only asked for in passing.
works "pause before mem-set" $HL pause one
works "mem-set up to the new limit" $HL mem-set one 160
refuses "mem-set above it" . $HL mem-set one 161
works "mem-set back" $HL mem-set one 136
works "unpause after it" $HL unpause one
refuses "mem-max below what it may have" . $HL mem-max one 20

# Life.
works "pause" $HL pause one
becomes "it is paused" 5 state_is one '^--p---$'
works "unpause" $HL unpause one
becomes "it is not" 5 state_is one '^[rb-]+$'
works "rename" $HL rename one uno
prints "list has the new name" "^uno +$id " $HL list
refuses "and not the old" . $HL list one
works "rename back" $HL rename uno one
refuses "rename to a name that is taken" 'already|exists|has this name' $HL rename one Domain-0
refuses "a second of that name" 'already|exists' $HL create "$cfg"
works "reboot" $HL reboot one
becomes "it has another domid" 60 sh -c "new=\$($HL domid one) && [ \$new != $id ]"
becomes "it boots again" 120 booted_again one
works "shutdown -w" within 90 $HL shutdown -w one
becomes "it is gone" 10 gone one
works "create paused" $HL create -p "$(config two "$small")"
becomes "it waits" 5 state_is two '^--p---$'
works "destroy" $HL destroy two
becomes "that is gone, too" 10 gone two

nothing_left "nothing is left behind" 10

# Domain 0 lets a CPU go and takes it again.
works "Domain 0: vcpu-set 1" $HL vcpu-set 0 1
becomes "Domain 0 has one" 30 vcpus_are Domain-0 1
prints "vcpu-list: its second is off" '^Domain-0 +0 +1 +- +--p ' $HL vcpu-list 0
works "Domain 0: vcpu-set 2" $HL vcpu-set 0 2
# On a distribution, udev does this.
soon 10 sh -c 'echo 1 >/sys/devices/system/cpu/cpu1/online'
becomes "Domain 0 has two" 30 vcpus_are Domain-0 2
prints "Domain 0's CPUs go and come" "^cpus: $rounds rounds, 2 of 2 CPUs, 0 complaints" sh /tests/cpus.sh $rounds

sh /tests/views.sh 2>/dev/null | sed -n 's/^view /view dom0./p' >/tmp/views
sed -n 's/^view /view guest./p' /tmp/inside >>/tmp/views
between "views: lines" 200 2000 "$(wc -l </tmp/views)"
cat /tmp/views
finish
