# SPDX-License-Identifier: GPL-2.0-or-later
# cpus.sh ROUNDS: takes every CPU but the first off and on again, that often. Each time what ran there
# must have moved on, and after it timers and processes must work there. Prints `cpus: ROUNDS rounds, ...`.
# Runs in Domain 0 and in guests (busybox's shell).
sys=/sys/devices/system/cpu
bad=0

complain()
{
    bad=$((bad + 1))
    echo "cpus: $*"
}

count()
{
    grep -c '^processor' /proc/cpuinfo
}

all=$(count)
round=0
while [ $round -lt "$1" ]; do
    round=$((round + 1))
    cpu=1
    while [ -e $sys/cpu$cpu/online ]; do
        mask=$(printf %x $((1 << cpu)))
        # Somebody who is at home there, asleep by that CPU's timer.
        taskset "$mask" sleep 0.3 &
        echo 0 >$sys/cpu$cpu/online 2>/dev/null || complain "round $round: CPU $cpu does not go"
        [ "$(count)" = $((all - 1)) ] || complain "round $round: $(count) CPUs without CPU $cpu"
        echo 1 >$sys/cpu$cpu/online 2>/dev/null || complain "round $round: CPU $cpu does not come"
        [ "$(count)" = "$all" ] || complain "round $round: $(count) CPUs of $all after CPU $cpu came"
        taskset "$mask" sleep 0.01 || complain "round $round: nothing runs on CPU $cpu"
        wait
        cpu=$((cpu + 1))
    done
done
echo "cpus: $round rounds, $(count) of $all CPUs, $bad complaints"
