# SPDX-License-Identifier: GPL-2.0-or-later
# The daemons are killed at random moments (LAB_seed) while guests are made, get and lose disks, and go
# (LAB_cycles, at most 200; after LAB_seconds, 120, only as many as make ten). A guest at work does not notice, the tools
# work again soon, and nothing is left behind.
. /tests/lib.sh
if ! ours; then
    skip "restart of daemons" "these are Debian's"
    finish
fi
cycles=${LAB_cycles:-200}
seconds=${LAB_seconds:-120}
seed=${LAB_seed:-$(($(date +%s) % 100000))}
echo "# LAB_seed=$seed"
modprobe -a loop xen-blkback
mkdir -p /disks
for name in steady cycle more; do
    dd if=/dev/zero of=/disks/$name.img bs=1M count=2 2>/dev/null
done
cp /tests/empty.qcow2 /disks/steady.qcow2
cp /tests/empty.qcow2 /disks/cycle.qcow2

# random N: 0 to N-1 in $r.
random()
{
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    r=$((seed / 65536 % $1))
}

now()
{
    sed 's/ .*//; s/\.//' /proc/uptime
}

rounds()
{
    tr -d '\r' <"$(console_log steady)" | sed -n 's/^# round \([0-9]*\)$/\1/p' | tail -n 1
}

more_rounds()
{
    [ "$(rounds)" -gt "$1" ]
}

manages()
{
    $HL domid steady >/dev/null 2>&1 && [ -n "$(pidof hospesd)" ]
}

# started DAEMON: hospesd starts hospes-block by itself.
started()
{
    case $1 in
    xenstored) xenstored --pid-file /run/xenstored.pid 2>/dev/null ;;
    hospesd) hospesd 2>/dev/null ;;
    esac
}

# What systemd does on a server. The hundredths of a second until the tools work go to /tmp/away.
killed()
{
    local began looks=0
    sleep "$2"
    began=$(now)
    kill -9 $(pidof "$1") 2>/dev/null
    # The dead one may hold its lock for a moment yet.
    while ! started "$1" && [ $looks -lt 600 ]; do
        looks=$((looks + 1))
        sleep 0.1
    done
    while ! manages && [ $looks -lt 250 ]; do
        looks=$((looks + 1))
        sleep 0.2
    done
    echo "$1 $(($(now) - began))" >>/tmp/away
}

steady=$(kit steady front-busy.elf "disk = [ '/disks/steady.img,raw,xvda,w', '/disks/steady.qcow2,qcow2,xvdb,w' ]")
cycle=$(kit cycle front-block.elf "disk = [ '/disks/cycle.img,raw,xvda,w', '/disks/cycle.qcow2,qcow2,xvdb,w' ]")
works "a guest that works" $HL create -q "$steady" || finish
becomes "it works" 20 more_rounds 20
id=$($HL domid steady)
$HL create -q -p "$cycle" >$OUT 2>$ERR || fail "the first guest to come and go" "$(said)"
$HL destroy cycle
settled /tmp/snapshot
grep -v '^process hospes-block' /tmp/snapshot >/tmp/before

: >/tmp/away
end=$(($(now) + 100 * seconds))
i=0
refused=0
stuck=
# step COMMAND...: it may fail, since a daemon may be away.
step()
{
    local status
    within 30 "$@" >$OUT 2>$ERR </dev/null
    status=$?
    [ $status = 0 ] && return
    refused=$((refused + 1))
    [ $status != 124 ] && [ $status != 143 ] || stuck="$stuck; $*"
}
while [ $i -lt "$cycles" ] && { [ $i -lt 10 ] || [ "$(now)" -lt $end ]; }; do
    random 3
    who=$(echo xenstored hospesd hospes-block | cut -d' ' -f$((r + 1)))
    random 20
    killed $who "$((r / 10)).$((r % 10))" &
    killer=$!
    step $HL create -q -p "$cycle"
    step $HL block-attach cycle /disks/more.img,raw,xvdc,w
    step $HL block-detach cycle xvdc
    step $HL destroy cycle
    wait $killer
    if ! soon 5 manages; then
        stuck="$stuck; cycle $i: the tools do not work again"
        break
    fi
    # What could not be destroyed while a daemon was away.
    soon 10 sh -c "! $HL domid cycle || $HL destroy cycle" || stuck="$stuck; cycle $i: the guest stays"
    i=$((i + 1))
done
echo "# $i cycles, $refused commands came when a daemon was away"
is "no command and no cycle hangs" "" "$stuck"
for who in xenstored hospesd hospes-block; do
    sed -n "s/^$who //p" /tmp/away | sort -n | awk -v who=$who '{ v[NR] = $1 } END {
        if (NR) printf "# %s: %d times; away for %.2f s, at worst %.2f s\n", who, NR, v[int((NR + 1) / 2)] / 100, v[NR] / 100 }'
done
worst=$(sort -k 2 -n /tmp/away | tail -n 1 | cut -d' ' -f2)
# Two seconds on a quiet machine; a busy one decides nothing.
if [ "${worst:-0}" -le 30000 ]; then ok "the tools work again soon"; else fail "the tools work again soon" "after $worst hundredths of a second"; fi

is "the working guest is the same" "$id" "$($HL domid steady)"
before=$(rounds)
becomes "and works on" 20 more_rounds "$before"
if grep -qa '^not ok' "$(console_log steady)"; then fail "its disks never failed" "$(grep -a '^not ok' "$(console_log steady)")"; else ok "its disks never failed"; fi
# A program that serves a disk outlives its hospesd; the next one has another in waiting, and no more.
servers()
{
    [ "$(pidof hospes-block | wc -w)" -le 2 ]
}
same()
{
    snapshot /tmp/snapshot
    grep -v '^process hospes-block' /tmp/snapshot >/tmp/after
    diff /tmp/before /tmp/after
}
nothing_left "nothing is left behind" 10
becomes "no program for a disk is left that nobody needs" 20 servers
audited "audit after all that"
works "destroy" $HL destroy steady
finish
