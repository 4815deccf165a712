# SPDX-License-Identifier: GPL-2.0-or-later
# Many guests made and destroyed (LAB_cycles, 40): memory, domains, store and processes end as they began.
# A fifth are stock kernels, the others a small one, which takes a tenth of the time; most are destroyed before they run.
# Frames and open files are counted exactly: one that each tenth cycle keeps is found.
. /tests/lib.sh
cycles=${LAB_cycles:-40}
linux=$(config cycle)
small=/tmp/small.cfg
sed "s,$KERNEL,/tests/spin.elf,; /^ramdisk/d; s/^memory.*/memory = 16/; s/^vcpus.*/vcpus = 2/" "$linux" >$small

# The hypervisor's free frames; nothing if it does not tell.
frames()
{
    $HL debug-keys m && $HL dmesg | sed -n 's/.*Frames: \([0-9]*\) free of .*/\1/p' | tail -n 1
}

# What the daemons have open.
files()
{
    for pid in $(pidof xenstored hospesd xenconsoled); do
        ls "/proc/$pid/fd"
    done | wc -l
}

# near BEFORE COMMAND: what it prints, in $after, is less than one in ten cycles away.
near()
{
    after=$($2)
    [ $((${after:-0} - $1)) -le $((cycles / 10)) ] && [ $(($1 - ${after:-0})) -le $((cycles / 10)) ]
}

# few NAME BEFORE COMMAND: what went is few, soon.
few()
{
    if soon 5 near "$2" "$3"; then
        ok "$1"
    else
        fail "$1" "$2 before, $after after"
    fi
    echo "# $1: $2 before, $after after"
}

# The first time fills caches (an unpacked kernel, a log file); compare with the second.
for cfg in $linux $small $linux $small; do
    $HL create -q $cfg >$OUT 2>&1 || { fail "the first guest" "$(said)"; finish; }
    $HL destroy cycle
done
settled /tmp/before
frames_before=$(frames)
files_before=$(files)
began=$(cut -d. -f1 /proc/uptime)
i=0
broken=
while [ $i -lt "$cycles" ] && [ -z "$broken" ]; do
    paused=-p
    cfg=$small
    case $((i % 10)) in
    0 | 5) paused= ;;
    8) cfg=$linux ;;
    9)
        paused=
        cfg=$linux
        ;;
    esac
    if ! $HL create -q $paused $cfg >$OUT 2>$ERR </dev/null; then
        broken="create number $i: $(said)"
    elif ! $HL destroy cycle >$OUT 2>$ERR </dev/null; then
        broken="destroy number $i: $(said)"
    fi
    i=$((i + 1))
done
ended=$(cut -d. -f1 /proc/uptime)
if [ -n "$broken" ]; then
    fail "$cycles cycles" "$broken"
else
    ok "$cycles cycles"
    echo "# $((ended - began)) s"
fi
# Frames are scrubbed, and domains reaped, in the background.
nothing_left "everything is as before" 20
[ -z "$frames_before" ] || few "free frames" "$frames_before" frames
few "open files of the daemons" "$files_before" files
audited "audit after all of them"

# A name has one owner, however many want it at once: those who come late are refused, and leave nothing.
mkdir -p /tmp/race
racers='1 2 3 4 5 6'
# race COMMAND...: at once, each with its number behind it.
race()
{
    local i pids=
    for i in $racers; do
        "$@" $i >/dev/null 2>"/tmp/race/$i" </dev/null &
        pids="$pids $!"
    done
    wait $pids
}
contest()
{
    sed "s/^name = .*/name = \"contested\"/" $small >"/tmp/race/$1.cfg"
    $HL create -q -p "/tmp/race/$1.cfg"
}
rename()
{
    $HL rename "racer$1" contested
}
owners()
{
    $HL list | grep -c '^contested '
}
worst=1
for round in 1 2 3; do
    race contest
    n=$(owners)
    [ "$n" = 1 ] || worst=$n
    $HL list | awk '$1 == "contested" { print $2 }' >/tmp/race/ids
    while read -r id; do
        $HL destroy "$id"
    done </tmp/race/ids
done
is "six creations of one name at once" 1 "$worst"
prints "the others are told why" 'contested' cat /tmp/race/1 /tmp/race/2 /tmp/race/3
named()
{
    sed "s/^name = .*/name = \"racer$1\"/" $small >"/tmp/race/$1.cfg"
    $HL create -q -p "/tmp/race/$1.cfg"
}
race named
is "six creations at once" 6 "$($HL list | grep -c '^racer')"
# hospesd sees those that are half made when another is made known.
if ours; then
    logs=$(cd /var/log/hospes && echo guest-racer*.log guest-domain*)
    is "each has its name in its log's" "$(printf 'guest-racer%s.log ' $racers)guest-domain*" "$logs"
fi
race rename
is "six domains of one new name" 1 "$(owners)"
for id in contested racer1 racer2 racer3 racer4 racer5 racer6; do
    $HL destroy $id >$OUT 2>$ERR
done
nothing_left "nothing is left of them" 20
finish
