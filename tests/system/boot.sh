# SPDX-License-Identifier: GPL-2.0-or-later
# Is Domain 0 healthy on this machine? LAB_cpus says how many CPUs it must see.
. /tests/lib.sh

is "the hypervisor's name" xen "$(cat /sys/hypervisor/type)"
is "the hypervisor's version" 4.17 "$(cat /sys/hypervisor/version/major).$(cat /sys/hypervisor/version/minor)"
is "CPUs of Domain 0" "$LAB_cpus" "$(grep -c ^processor /proc/cpuinfo)"
cpu=0
while [ $cpu -lt "$LAB_cpus" ]; do
    works "CPU $cpu runs processes" taskset -c $cpu true
    cpu=$((cpu + 1))
done

# A sleep takes its time, and not for ever: how much longer it takes is the laptop's affair.
before=$(cut -d' ' -f1 /proc/uptime)
sleep 2
after=$(cut -d' ' -f1 /proc/uptime)
if awk "BEGIN { exit !($after - $before > 1.9 && $after - $before < 120) }"; then
    ok "timers"
else
    fail "timers" "sleep 2 took from $before to $after"
fi
if [ "$(date +%s)" -gt 1700000000 ]; then
    ok "wall clock"
else
    fail "wall clock" "it is $(date)"
fi

total=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)
want=$((${LAB_mem:-512} * 1024))
if [ "$total" -gt $((want * 3 / 4)) ] && [ "$total" -le $want ]; then
    ok "memory of Domain 0"
else
    fail "memory of Domain 0" "$total kB of $want"
fi
# Touch most of what is free: every frame must hold what was written to it. Bochs takes half a second for each MiB.
hold=64
[ -n "$LAB_bochs" ] || hold=$(awk '/^MemAvailable:/ { print int($2 * 3 / 4 / 1024) }' /proc/meminfo)
prints "memory holds what is written" '^memory: held [1-9][0-9]+ MiB' /tests/memory hold $hold

# Processes: fork, page faults, copy on write, signals, pipes and floating point.
works "processes" sh -c 'for i in $(seq 200); do (exit 0) || exit 1; done; [ "$(seq 2000 | sort -rn | tail -n 1)" = 1 ]'
works "floating point over context switches" sh -c '
    calc() { awk "BEGIN { x = 0; for (i = 1; i < 10000; i++) x += 1.0 / i; printf \"%.9f\", x }"; }
    one=$(calc)
    for i in 1 2 3 4; do calc >/tmp/fp.$i & done
    wait
    for i in 1 2 3 4; do [ "$(cat /tmp/fp.$i)" = "$one" ] || exit 1; done'
works "memory and registers of processes" /tests/memory 3 2
works "a signal handler" sh -c 'trap "exit 0" USR1; kill -USR1 $$; exit 1'
sh -c 'kill -SEGV $$' 2>/dev/null
is "a process that dies of a signal" 139 $?

prints "PCI devices" '8086' sh -c 'cat /sys/bus/pci/devices/*/vendor'
prints "hl list" '^Domain-0 +0 +[0-9]+ +[0-9]+ +r-----' $HL list
prints "hl info" "^nr_cpus +: ${LAB_host_cpus:-$LAB_cpus}\$" $HL info
prints "hl dmesg" . $HL dmesg
if $HL dmesg | grep -q Hospes; then
    works "debug key w" $HL debug-keys w
    becomes "the hypervisor checked its page tables" 5 sh -c "$HL dmesg | grep -qE 'Page tables of the hypervisor: [0-9]+ mappings, [0-9]+ faults'"
    if $HL dmesg | grep -E 'Page tables: ' >$OUT; then
        fail "no page of the hypervisor is mapped wrongly" "$(said)"
    else
        prints "no page of the hypervisor is mapped wrongly" 'Page tables of the hypervisor: [1-9][0-9]+ mappings, 0 faults' $HL dmesg
    fi
fi
works "xenstore" sh -c 'xenstore-write /tmp/x hello && [ "$(xenstore-read /tmp/x)" = hello ] && xenstore-rm /tmp/x'

# Bochs describes its extended state in a way that Linux warns of, on Debian's Xen just so.
known=nothing
[ -n "$LAB_bochs" ] && known=fpu__init_system_xstate
if dmesg | grep -E 'WARNING: CPU|BUG: |Oops|unhandled|general protection' | grep -v "$known" >$OUT; then
    fail "a quiet kernel log" "$(head -n 3 $OUT | tr '\n' ' ')"
else
    ok "a quiet kernel log"
fi
finish
