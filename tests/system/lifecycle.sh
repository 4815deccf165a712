# SPDX-License-Identifier: GPL-2.0-or-later
# The life of a guest through every verb of the tool.
. /tests/lib.sh
snapshot /tmp/before

cfg=$(config one "extra = \"$QUICK marker=to-be-found\"" 'on_poweroff = "preserve"' 'on_crash = "preserve"')
works "create" $HL create "$cfg" || finish
is "the new guest's domid by name" "$($HL domid one)" "$(xenstore-list /local/domain | grep -vx 0)"
id=$($HL domid one)
is "domname" one "$($HL domname "$id")"
prints "list shows it" '^one +[0-9]+ +9[0-9] +1 +[-rb]{6} +[0-9]+\.[0-9]' $HL list
becomes "it boots to user space" 90 booted one
audited "audit with a guest that runs"
prints "its greeting is in the console log" 'Hello from a guest: Linux 6\.' cat "$(console_log one)"
prints "list -v" '^one +.* [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}' $HL list -v
prints "list -l is JSON with its name" '"name": *"one"' $HL list -l one
prints "list -l has the domid" "\"domid\": *$id" $HL list -l one
prints "vcpu-list" '^one +[0-9]+ +0 +[-0-9]+ +[-rb]+ +[0-9.]+ +' $HL vcpu-list one
prints "uptime" '^one +[0-9]+ +' $HL uptime
prints "uptime -s" 'one' $HL uptime -s one

# The console takes input and gives what the guest says.
becomes "console, both ways" 15 console_answers one sum

works "pause" $HL pause one
becomes "it is listed as paused" 5 state_is one '^--p'
works "unpause" $HL unpause one
becomes "it is not paused any more" 5 state_is one '^[^p]*$'
works "unpause of what is not paused" $HL unpause one

works "rename" $HL rename one uno
works "the new name is known" $HL domid uno
refuses "the old name is not" . $HL domid one
works "rename back" $HL rename uno one

works "vcpu-pin hard" $HL vcpu-pin one 0 0
prints "vcpu-list shows the pin" '^one .* 0 / ' $HL vcpu-list one
works "vcpu-pin all" $HL vcpu-pin one 0 all all
prints "vcpu-list shows no pin" '^one .* all / all' $HL vcpu-list one
works "sched-credit2 sets" $HL sched-credit2 -d one -w 512 -c 50
prints "sched-credit2 shows" '^one +[0-9]+ +512 +50' $HL sched-credit2 -d one
works "sched-credit2 without a cap" $HL sched-credit2 -d one -w 256 -c 0
works "sched-credit2 sets the rate limit" $HL sched-credit2 -s -r 2000
prints "and shows it" 'ratelimit=2000us' $HL sched-credit2 -s
works "and sets it back" $HL sched-credit2 -s -r 100

works "mem-set down" $HL mem-set one 80
becomes "list shows less memory" 20 sh -c "$HL list one | awk 'NR == 2 { exit !(\$3 <= 81) }'"
works "mem-set up" $HL mem-set one 96
becomes "list shows it again" 20 sh -c "$HL list one | awk 'NR == 2 { exit !(\$3 >= 94) }'"
audited "audit after ballooning"
works "mem-max" $HL mem-max one 100
works "sysrq" $HL sysrq one s
becomes "the guest acts on the sysrq" 10 on_console one 'sysrq: |Emergency Sync'
works "trigger nmi" $HL trigger one nmi
becomes "the guest sees the NMI" 10 on_console one 'NMI received|NMI: '
if ours; then
    refuses "trigger nmi of a vCPU that is not there" 'no vCPU 9' $HL trigger one nmi 9
    for trigger in reset init power sleep s3resume; do
        refuses "trigger $trigger, for a PV guest" "does not know '$trigger'" $HL trigger one $trigger
    done
fi

# Its memory as a file.
dumped()
{
    prints "$1" '^core: 1 vCPUs at known code, 2[0-9]{4} pages, [1-9][0-9]* with the marker' /tests/core "$2" marker=to-be-found
}
mkdir /tmp/dump
if ours && ! $HL dmesg | grep -qa 'Hospes, a type-1'; then
    skip "dump-core" "Debian's Xen prints a line for each frame that is not the guest's"
else
    works "dump-core" $HL dump-core one /tmp/dump/core
    dumped "it has the guest's CPU, pages and words" /tmp/dump/core
fi
if ours && [ -e /tmp/dump/core ]; then
    works "dump-core -p, over the other" $HL dump-core -p one /tmp/dump/core
    dumped "that has all, too" /tmp/dump/core
    is "there is that file alone" core "$(ls -A /tmp/dump)"
    is "the guest is not paused" "" "$(state one | grep p)"
    rm /tmp/dump/core
    mount -t tmpfs -o size=4M small /tmp/dump
    refuses "dump-core on a disk that is too small" 'there must be room for up to [0-9]+ MiB more' $HL dump-core -p one /tmp/dump/core
    is "nothing of that is left" "" "$(ls -A /tmp/dump)"
    is "the guest is not paused then, either" "" "$(state one | grep p)"
    umount /tmp/dump
    refuses "dump-core of domain 0" 'cannot dump itself' $HL dump-core 0 /tmp/dump/core
fi
rm -r /tmp/dump

lines=$($HL dmesg | wc -l)
works "debug-keys" $HL debug-keys h
becomes "dmesg has its answer" 5 sh -c "[ \$($HL dmesg | wc -l) -gt $lines ]"
works "an unambiguous prefix" sh -c "$HL pau one && $HL unpa one"
works "help" $HL help
prints "help VERB" create $HL help create
prints "dry run" 'one' $HL create -n "$cfg"

# Reboot: a new incarnation under the same name.
works "reboot" $HL reboot one
becomes "it has another domid" 60 sh -c "new=\$($HL domid one) && [ \$new != $id ]"
becomes "it boots again" 90 sh -c "[ \$(grep -ca '^guest ready' $(console_log one)) -ge 2 ]"

# Policies.
works "shutdown -w" within 60 $HL shutdown -w one
becomes "it is preserved, shut down" 10 state_is one '^---s--'
ours && refuses "it cannot reboot any more" 'shut down already .poweroff.*create it anew' $HL reboot one
works "destroy of it" $HL destroy one
becomes "then it is gone" 10 gone one
becomes "nothing of it is in the store" 5 sh -c "[ \"\$(xenstore-list /local/domain)\" = 0 ]"

cfg=$(kit crash front-busy.elf 'on_crash = "preserve"')
works "create one that crashes" $HL create "$cfg"
becomes "it runs" 20 on_console crash '^# 0 disks are connected'
works "it crashes" xenstore-write "/local/domain/$($HL domid crash)/data/crash" 1
becomes "it is preserved, crashed" 60 state_is crash '^...(sc|[^d]*c)'
works "destroy it" $HL destroy crash

# Several CPUs, their number changed.
cfg=$(config smp 'vcpus = 2' 'maxvcpus = 4')
works "create with two CPUs of four" $HL create "$cfg"
becomes "it boots" 120 booted smp
prints "it sees two" ' 2 CPU' cat "$(console_log smp)"
audited "audit with a guest of two CPUs"
works "vcpu-set 3" $HL vcpu-set -i smp 3
becomes "three are online" 30 sh -c "[ \$($HL list smp | awk 'NR == 2 { print \$4 }') = 3 ]"
works "vcpu-set 1" $HL vcpu-set smp 1
becomes "one is" 30 sh -c "[ \$($HL list smp | awk 'NR == 2 { print \$4 }') = 1 ]"
last=$($HL domid smp)
works "shutdown -a -w" within 90 $HL shutdown -a -w
becomes "all are gone" 10 gone smp

# Created paused, with the console attached before it runs.
cfg=$(kit early front-busy.elf)
mkdir -p /etc/xen
touch /etc/xen/xl.conf
cp /etc/xen/xl.conf /tmp/xl.conf
echo 'vm.cpumask = "1"; domid_policy = "random"' >>/etc/xen/xl.conf
works "create -p" $HL create -p "$cfg"
id=$($HL domid early)
if [ "$id" -gt 0 ] && [ "$id" != $((last + 1)) ]; then ok "its number is a random one"; else fail "its number is a random one" "$id follows $last"; fi
becomes "it is paused" 5 state_is early '^--p'
prints "its CPUs are those that xl.conf leaves to guests" '^early .* 1 / ' $HL vcpu-list early
refuses "vcpu-pin to another" . $HL vcpu-pin early 0 0
works "unless told not to look" $HL vcpu-pin --ignore-global-affinity-masks early 0 0
prints "that holds" '^early .* 0 / ' $HL vcpu-list early
works "vcpu-pin all" $HL vcpu-pin early 0 all
prints "are all that xl.conf leaves" '^early .* 1 / ' $HL vcpu-list early
cp /tmp/xl.conf /etc/xen/xl.conf
sleep 900 | timeout 900 script -qec "$HL console early" /dev/null >/tmp/early 2>&1 &
sleep 1
works "unpause it" $HL unpause early
becomes "the console shows it from its first word" 60 grep -qa '# 0 disks are connected' /tmp/early
works "destroy" $HL destroy early
kill $(pidof sleep)
wait

# create -c shows the console and returns when the guest goes. Here with a kernel and an initramfs as Debian packs them.
cfg=$(config short "kernel = \"$PACKED_KERNEL\"" "ramdisk = \"$PACKED_RAMDISK\"" "extra = \"$PLAIN guest.do=/sbin/poweroff\"")
sleep 900 | timeout 900 script -qec "$HL create -c $cfg" /dev/null >$OUT 2>&1 &
job=$!
becomes "create -c shows the guest's greeting" 60 grep -qa 'Hello from a guest' $OUT
becomes "the guest powers itself off" 60 gone short
kill $job $(pidof sleep) 2>/dev/null
wait

works "key=value overrides" $HL create -q "$(config over)" 'memory=80' 'name="other"'
prints "they hold" '^other +[0-9]+ +(79|80) ' $HL list
works "destroy other" $HL destroy other

audited "audit with no guest"
nothing_left "nothing is left behind" 20
finish
