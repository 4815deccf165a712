# SPDX-License-Identifier: GPL-2.0-or-later
# Each step of making a guest with disks and an interface fails once, and is where the command is killed
# once; the same for attaching and detaching devices and for destroying. Nothing stays of any of it. LAB_every=3: each
# third step, which takes a third of the time.
. /tests/lib.sh
if ! ours; then
    skip "failures on purpose" "these tools have none"
    finish
fi

every=${LAB_every:-1}

# some N...: each of them, or each third.
some()
{
    local i=0 n
    for n; do
        [ $((i % every)) = 0 ] && echo "$n"
        i=$((i + 1))
    done
}

mkdir -p /disks
dd if=/dev/zero of=/disks/raw.img bs=1M count=2 2>/dev/null
dd if=/dev/zero of=/disks/more.img bs=1M count=2 2>/dev/null
cp /tests/empty.qcow2 /disks/
modprobe -a loop xen-blkback xen-netback bridge
brctl addbr xenbr0
ip link set xenbr0 up

# Linux may come to look at a device when it goes, and say so when it is gone: such a word stays until the guest's end.
forget_late_words()
{
    local node device
    for node in $(xenstore-ls -f /local/domain/0/error/backend 2>/dev/null | sed -n 's,/error = .*,,p'); do
        device=${node#/local/domain/0/error/backend/}
        xenstore-exists "/local/domain/0/backend/$device" || xenstore-rm -t "$node"
    done
}

# Is all as in /tmp/before, soon? Else what differs is in $OUT.
as_before()
{
    soon 5 same && return
    forget_late_words
    same >/dev/null && return
    same >$OUT
    : >$ERR
    return 1
}

# A command that was made to fail at step $1: it says so, and at which step. What is wrong is in $wrong.
failed_well()
{
    if ! grep -q "made to fail by HOSPES_FAIL_AT=$1" $ERR; then
        wrong="step $1 ended with $2: $(said)"
    elif ! grep -qE '^hl: .*(make|set|fill|write|introduce|add|keep|prepare|wait|report|hand|start|ask|take|configure|remove)' $ERR; then
        wrong="step $1 is not named: $(said)"
    fi
}

# A command that was killed at step $1. $AFTER, if set, is run then.
killed_well()
{
    if [ "$2" != 137 ]; then
        wrong="step $1 ended with $2: $(said)"
    elif [ -n "$AFTER" ] && ! $AFTER >$OUT 2>$ERR; then
        wrong="step $1: $AFTER: $(said)"
    fi
}
AFTER=

# everywhere NAME VARIABLE VERDICT COMMAND...: with VARIABLE at its first step, its second ... until it
# succeeds; each time VERDICT finds nothing wrong, and all is as before.
everywhere()
{
    local name=$1 variable=$2 verdict=$3 n=1 wrong= status
    shift 3
    while [ $n -lt 60 ] && [ -z "$wrong" ]; do
        env "$variable=$n" "$@" >$OUT 2>$ERR </dev/null
        status=$?
        [ $status = 0 ] && break
        $verdict $n $status
        [ -n "$wrong" ] || as_before || wrong="step $n leaves something: $(said)"
        n=$((n + every))
    done
    if [ -n "$wrong" ]; then
        fail "$name" "$wrong"
    elif [ $n -ge 60 ] || [ $n -lt 3 ]; then
        fail "$name" "$n steps: $(said)"
    else
        ok "$name"
        echo "# fewer than $((n + 1)) steps"
    fi
}

fails_everywhere()
{
    local name=$1
    shift
    everywhere "$name" HOSPES_FAIL_AT failed_well "$@"
}

killed_everywhere()
{
    local name=$1
    shift
    everywhere "$name" HOSPES_KILL_AT killed_well "$@"
}

# ---- create -------------------------------------------------------------------------------------
cfg=$(kit one front-block.elf "disk = [ '/disks/raw.img,raw,xvda,w', '/disks/empty.qcow2,qcow2,xvdb,w' ]" "vif = [ 'bridge=xenbr0' ]")
# The first time loads modules and fills caches.
works "create" $HL create -q -p "$cfg" || finish
works "destroy" $HL destroy one
sleep 1
snapshot /tmp/before
fails_everywhere "each step of create fails" $HL create -q -p "$cfg"
works "the guest that was made in the end goes" $HL destroy one
if as_before; then ok "and leaves nothing"; else fail "and leaves nothing" "$(said)"; fi
killed_everywhere "each step of create is its last" $HL create -q -p "$cfg"
works "this one goes, too" $HL destroy one
if as_before; then ok "and it leaves nothing"; else fail "and it leaves nothing" "$(said)"; fi
# In the middle of its own undoing, after the tenth step and more went well.
undone=
killed=0
for n in $(some 14 15 16 17 18 19 20 21); do
    HOSPES_FAIL_AT=12 HOSPES_KILL_AT=$n $HL create -q -p "$cfg" >$OUT 2>$ERR </dev/null
    [ $? = 137 ] && killed=$((killed + 1))
    as_before || undone="$undone $n: $(said)"
done
is "create is killed while it undoes what it did" "" "$undone"
if [ $killed -ge 1 ]; then ok "that happened"; else fail "that happened" "$killed times"; fi

# ---- destroyed meanwhile ------------------------------------------------------------------------------
# destroyed_at N COMMAND...: the command stops at its step N, and somebody destroys what guest there is by then, who may have to
# wait for the command. What is wrong is in $wrong; false: there is no such step.
ended()
{
    ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}
stands()
{
    ended "$1" || grep -q '^State:.T' "/proc/$1/status" 2>/dev/null
}
destroyed_at()
{
    local n=$1 id command status destroy=
    shift
    HOSPES_STOP_AT=$n "$@" >/tmp/said 2>&1 </dev/null &
    command=$!
    soon 20 stands $command
    if ended $command; then
        wait $command
        return 1
    fi
    id=$($HL list | awk 'NR == 3 { print $2 }')
    if [ -n "$id" ]; then
        $HL destroy "$id" >$OUT 2>$ERR </dev/null &
        destroy=$!
        for _ in 1 2 3 4 5; do
            ended $destroy && break
            sleep 0.2
        done
    fi
    kill -CONT $command
    wait $command
    status=$?
    if [ $status != 0 ] && ! grep -qE '^hl: .*(somebody has destroyed it|no such domain|no domain of|has ended)' /tmp/said; then
        wrong="step $n ended with $status: $(cat /tmp/said)"
    fi
    # The command may have been a destroy itself.
    if [ -n "$destroy" ] && ! wait $destroy && ! grep -q 'no such domain' $ERR; then
        wrong="step $n: destroy: $(said)"
    fi
    # The memory of a dead one stays as long as somebody has it mapped.
    [ -z "$id" ] || soon 5 gone "$id" || wrong="step $n: it is still there"
    $HL destroy one >/dev/null 2>&1
    [ -n "$wrong" ] || as_before || wrong="step $n leaves something: $(said)"
}
# destroyed_everywhere NAME BEFORE COMMAND...: at each of its steps; BEFORE comes first each time.
destroyed_everywhere()
{
    local name=$1 before=$2 n=1 wrong=
    shift 2
    while [ -z "$wrong" ] && $before && destroyed_at $n "$@"; do
        n=$((n + every))
    done
    $HL destroy one >/dev/null 2>&1
    [ $n -gt 3 ] || wrong="$n steps: $wrong"
    is "$name" "" "$wrong"
    echo "# fewer than $((n + 1)) steps"
}
again()
{
    $HL create -q -p "$cfg" >$OUT 2>$ERR </dev/null || fail "create again" "$(said)"
}
cfg=$(kit one front-block.elf "disk = [ '/disks/raw.img,raw,xvda,w', '/disks/empty.qcow2,qcow2,xvdb,w' ]" "vif = [ 'bridge=xenbr0' ]")
destroyed_everywhere "each step of create may find it destroyed" true $HL create -q -p "$cfg"
destroyed_everywhere "each step of destroy may" again $HL destroy one
destroyed_everywhere "each step of block-attach may" again $HL block-attach one /disks/more.img,raw,xvdc,w
destroyed_everywhere "each step of block-detach may" again $HL block-detach one xvda

# ---- without hospesd ------------------------------------------------------------------------------
die "$(pidof hospesd)"
late=$(some 2 4 6 8 9 10 11 13 15)
for n in $late; do
    cfg=$(kit "late$n" front-block.elf "disk = [ '/disks/raw.img,raw,xvda,r' ]" "vif = [ 'bridge=xenbr0' ]")
    HOSPES_KILL_AT=$n $HL create -q -e -p "$cfg" >$OUT 2>$ERR </dev/null
    [ $? = 137 ] || fail "create without hospesd is killed at step $n" "$(said)"
done
half=$(($($HL list | wc -l) - 2))
if [ $half -ge 1 ] && [ $half -ge $(($(echo "$late" | wc -l) - 4)) ]; then ok "half-made guests"; else fail "half-made guests" "$half"; fi
works "hospesd starts" hospesd
if as_before; then ok "and removes them"; else fail "and removes them" "$(said)"; fi

# ---- destroy ----------------------------------------------------------------------------------------
cfg=$(kit one front-block.elf "disk = [ '/disks/raw.img,raw,xvda,w', '/disks/empty.qcow2,qcow2,xvdb,w' ]" "vif = [ 'bridge=xenbr0' ]")
left=
for n in $(some 2 3 4 5 6 7); do
    again
    HOSPES_KILL_AT=$n $HL destroy one >$OUT 2>$ERR </dev/null
    [ $? = 137 ] || left="$left no step $n"
    as_before || left="$left $n: $(said)"
done
is "destroy is killed, and hospesd ends what it began" "" "$left"
left=
for n in $(some 2 4 5 7); do
    again
    die "$(pidof hospesd)"
    HOSPES_KILL_AT=$n $HL destroy one >$OUT 2>$ERR </dev/null
    [ $? = 137 ] || left="$left no step $n"
    hospesd
    as_before || left="$left $n: $(said)"
done
is "destroy is killed without hospesd, which starts later" "" "$left"
again
refuses "destroy fails half-way" 'made to fail' env HOSPES_FAIL_AT=1 $HL destroy one
if as_before; then ok "and hospesd ends it"; else fail "and hospesd ends it" "$(said)"; fi

# ---- attach and detach --------------------------------------------------------------------------------
again
snapshot /tmp/before
fails_everywhere "each step of block-attach fails" $HL block-attach one /disks/more.img,raw,xvdc,w
snapshot /tmp/with
cp /tmp/before /tmp/without
cp /tmp/with /tmp/before
HOSPES_FAIL_AT=1 $HL block-detach one xvdc >$OUT 2>$ERR && fail "block-detach fails at its first step"
if as_before; then ok "block-detach that failed at once changed nothing"; else fail "block-detach that failed at once changed nothing" "$(said)"; fi
cp /tmp/without /tmp/before
for n in 2 3; do
    HOSPES_FAIL_AT=$n $HL block-detach one xvdc >$OUT 2>$ERR
    $HL block-detach one xvdc >$OUT 2>$ERR
    as_before || fail "block-detach failed at step $n and came again" "$(said)"
    $HL block-attach one /disks/more.img,raw,xvdc,w >$OUT 2>$ERR || fail "block-attach after that" "$(said)"
done
works "block-detach" $HL block-detach one xvdc
fails_everywhere "each step of network-attach fails" $HL network-attach one bridge=xenbr0
works "network-detach" $HL network-detach one 1
# Killed: what it began can be taken away, or was not begun yet.
take_away()
{
    ! $HL block-list one | grep -q '^51744 ' || $HL block-detach -f one xvdc
}
AFTER=take_away
killed_everywhere "each step of block-attach is its last" $HL block-attach one /disks/more.img,raw,xvdc,w
works "block-detach again" $HL block-detach one xvdc
cut_off()
{
    ! $HL network-list one | grep -q '^1 ' || $HL network-detach -f one 1
}
AFTER=cut_off
killed_everywhere "each step of network-attach is its last" $HL network-attach one bridge=xenbr0
works "network-detach again" $HL network-detach one 1
works "destroy at the end" $HL destroy one
audited "audit after all that"
finish
