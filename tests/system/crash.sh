# SPDX-License-Identifier: GPL-2.0-or-later
# Guests with disks and an interface that crash: what on_crash= asks for happens, and nothing stays of
# those that go. And guests that do not let go of a device.
. /tests/lib.sh
if ! ours; then
    skip "crashes of guests with image files" "these are Debian's tools, which take none"
    finish
fi

mkdir -p /disks
dd if=/dev/zero of=/disks/raw.img bs=1M count=2 2>/dev/null
cp /tests/empty.qcow2 /disks/
modprobe -a loop xen-blkback xen-netback bridge
brctl addbr xenbr0
ip link set xenbr0 up
disks="disk = [ '/disks/raw.img,raw,xvda,w', '/disks/empty.qcow2,qcow2,xvdb,w' ]"

# busy NAME LINE...: a small guest whose disks are at work until it is told to crash.
busy()
{
    local name=$1
    shift
    kit "$name" front-busy.elf "$@"
}

works_on()
{
    on_console "$1" '^# round [0-9]{2,}'
}

crash()
{
    xenstore-write "/local/domain/$($HL domid "$1")/data/crash" 1
}

# The first time loads modules and makes what stays.
works "a first one" $HL create -p "$(busy first "$disks")"
works "it goes" $HL destroy first
settled /tmp/before

works "destroy: create" $HL create "$(busy destroy 'on_crash = "destroy"' "vif = [ 'bridge=xenbr0' ]" "$disks")"
becomes "destroy: its disks are at work" 20 works_on destroy
works "destroy: it crashes" crash destroy
becomes "destroy: it goes" 30 gone destroy
nothing_left "destroy: nothing is left" 10

works "preserve: create" $HL create "$(busy preserve 'on_crash = "preserve"' "vif = [ 'bridge=xenbr0' ]" "$disks")"
becomes "preserve: its disks are at work" 20 works_on preserve
works "preserve: it crashes" crash preserve
becomes "preserve: it stays, crashed" 30 state_is preserve 'sc'
works "preserve: destroy" $HL destroy preserve
nothing_left "preserve: nothing is left" 10

# ---- dumps ------------------------------------------------------------------------------------------------
# dump_is NAME MARKER: there is one of it, and nothing else.
dump_is()
{
    is "$1: there is its dump alone" "$1" "$(ls -A /var/lib/xen/dump)"
    prints "$1: the dump has its CPU, pages and words" '^core: 1 vCPUs at known code, [0-9]+ pages, [1-9][0-9]* with the marker' \
        /tests/core "/var/lib/xen/dump/$1" "$2"
    rm -f "/var/lib/xen/dump/$1"
}
works "dump: create" $HL create "$(busy dump 'on_crash = "coredump-restart"')"
id=$($HL domid dump)
becomes "dump: it is at work" 20 works_on dump
works "dump: it crashes" crash dump
becomes "dump: it is another domain" 30 sh -c "new=\$($HL domid dump) && [ \$new != $id ]"
dump_is dump 'disks are connected'
mkdir /var/lib/xen/dump/dump
id=$($HL domid dump)
becomes "dump: it is at work again" 20 sh -c "[ \$(grep -ca '^# 0 disks' $(console_log dump)) = 2 ]"
works "dump: it crashes where no dump can be made" crash dump
becomes "dump: it restarts all the same" 30 sh -c "new=\$($HL domid dump) && [ \$new != $id ]"
prints "dump: that is in the log" 'write a dump.*/var/lib/xen/dump/dump' cat /var/log/hospes/hospesd.log
rmdir /var/lib/xen/dump/dump
works "dump: destroy" $HL destroy dump
nothing_left "dump: nothing is left" 10

# ---- a new one beside the dead ----------------------------------------------------------------------------
# Disks have one writer, sockets one owner, ports one listener.
works "rename-restart: create" $HL create "$(busy again 'on_crash = "rename-restart"' "vif = [ 'bridge=xenbr0,vifname=again0' ]" "$disks" \
    "channel = [ 'name=a,connection=socket,path=/run/again.sock' ]" "vfb = [ 'vncdisplay=7,vncunused=0' ]")"
id=$($HL domid again)
becomes "rename-restart: its disks are at work" 20 works_on again
works "rename-restart: it crashes" crash again
becomes "rename-restart: it is another domain" 60 sh -c "new=\$($HL domid again) && [ \$new != $id ]"
becomes "rename-restart: the disks are at work again" 60 sh -c "[ \$(grep -ca '^# 2 disks' $(console_log again)) = 2 ]"
is "rename-restart: the dead one is kept" "$id" "$($HL list | awk '/^again-2/ { print $2 }')"
becomes "rename-restart: without its devices" 5 sh -c "! xenstore-list /libxl/$id/device | grep -vx console"
works "rename-restart: destroy the new one" $HL destroy again
works "rename-restart: destroy the dead one" $HL destroy "$id"
nothing_left "rename-restart: nothing is left" 10

# ---- created anew while a restart waits to be tried again ----------------------------------------------
works "anew: a bridge" sh -c 'brctl addbr xenbr1 && ip link set xenbr1 up'
cfg=$(busy anew 'on_crash = "restart"' 'uuid = "5a1c0b3e-7d2f-4b8a-9c61-0e2d3f4a5b6c"' "vif = [ 'bridge=xenbr1' ]" "$disks")
works "anew: create" $HL create "$cfg"
becomes "anew: its disks are at work" 20 works_on anew
works "anew: the bridge goes" sh -c 'ip link set xenbr1 down && brctl delbr xenbr1'
works "anew: it crashes" crash anew
becomes "anew: it cannot restart" 30 grep -q 'restart anew: .*no such bridge' /var/log/hospes/hospesd.log
# It may just be tried when we come.
becomes "anew: create, without the bridge" 20 $HL create "$cfg" 'vif=[]'
becomes "anew: its disks are at work again" 60 sh -c "[ \$(grep -ca '^# 2 disks' $(console_log anew)) = 2 ]"
prints "anew: hospesd says so" 'anew was created anew' cat /var/log/hospes/hospesd.log
works "anew: destroy" $HL destroy anew
nothing_left "anew: nothing is left" 10

# ---- given up while a restart waits to be tried again ---------------------------------------------------
no_bridge()
{
    ip link set xenbr1 down && brctl delbr xenbr1
}
works "give up: a bridge" sh -c 'brctl addbr xenbr1 && ip link set xenbr1 up'
works "give up: create" $HL create "$(busy given 'on_crash = "restart"' "vif = [ 'bridge=xenbr1' ]" "$disks")"
becomes "give up: its disks are at work" 20 works_on given
works "give up: the bridge goes" no_bridge
works "give up: it crashes" crash given
becomes "give up: it cannot restart" 30 grep -q 'restart given: .*no such bridge' /var/log/hospes/hospesd.log
# It may just be tried when we come; then it has a domain.
becomes "give up: list says what it waits for" 20 sh -c "$HL list given 2>&1 | grep 'hospesd restarts it.*gives the restart up'"
works "give up: destroy" $HL destroy given
refuses "give up: it is gone, and not awaited" 'no domain of this name' $HL domid given
prints "give up: hospesd says so" 'given is not wanted any more' cat /var/log/hospes/hospesd.log
is "give up: no mark stays" "" "$(ls -A /run/hospes/restarting)"
is "give up: no record stays" "" "$(ls -A /var/lib/hospes/domains)"
refuses "give up: destroy again" 'no domain of this name' $HL destroy given
nothing_left "give up: nothing is left" 10

# One that dies as soon as it lives has its domain while it waits. Time and again it waits longer.
works "short: create" $HL create "$(busy short 'on_crash = "restart"')"
# Each once: what is written for one that is dead stays.
crashed=
crashes()
{
    local id
    id=$($HL domid short) || id=$crashed
    if [ "$id" != "$crashed" ]; then
        xenstore-write "/local/domain/$id/data/crash" 1
        crashed=$id
    fi
    grep -q 'short restarts in [248] s' /var/log/hospes/hospesd.log
}
becomes "short: it waits before it is restarted" 60 crashes
works "short: destroy" $HL destroy short
refuses "short: it is gone, and not awaited" 'no domain of this name' $HL domid short
is "short: no mark stays" "" "$(ls -A /run/hospes/restarting)"
nothing_left "short: nothing is left" 10

# ---- destroyed while it crashes -------------------------------------------------------------------------
# destroy has looked at it and saw it run; then it crashes, and hospesd is about to restart it, or has done so.
stopped()
{
    grep -q '^State:.T' "/proc/$1/status"
}
for then in at-once restarted; do
    works "meanwhile, $then: create" $HL create "$(busy $then 'on_crash = "restart"')"
    id=$($HL domid $then)
    becomes "meanwhile, $then: it is at work" 20 on_console $then '^# 0 disks'
    HOSPES_STOP_AT=1 $HL destroy $then >$OUT 2>$ERR </dev/null &
    pid=$!
    becomes "meanwhile, $then: destroy has looked" 20 stopped $pid
    works "meanwhile, $then: it crashes" xenstore-write "/local/domain/$id/data/crash" 1
    [ $then = at-once ] ||
        becomes "meanwhile, $then: it is another domain" 30 sh -c "new=\$($HL domid $then) && [ \$new != $id ]"
    kill -CONT $pid
    wait $pid
    is "meanwhile, $then: destroy succeeds" 0 $?
    refuses "meanwhile, $then: it is gone, and not awaited" 'no domain of this name' $HL domid $then
    nothing_left "meanwhile, $then: nothing is left" 10
done

# ---- restart ----------------------------------------------------------------------------------------------
connected()
{
    $HL block-list "$1" | grep -q '^51712 .* Connected ' && $HL block-list "$1" | grep -q '^51728 .* Connected ' &&
        [ -e "/sys/class/net/xenbr0/brif/vif$($HL domid "$1").0" ]
}
works "restart: create" $HL create "$(busy restart 'on_crash = "restart"' "vif = [ 'bridge=xenbr0' ]" "$disks")"
id=$($HL domid restart)
becomes "restart: its disks are at work" 20 works_on restart
works "restart: it crashes" crash restart
becomes "restart: it is another domain" 30 sh -c "new=\$($HL domid restart) && [ \$new != $id ]"
becomes "restart: its disks are connected again" 30 connected restart
becomes "restart: they are at work" 20 sh -c "[ \$(grep -ca '^# 2 disks' $(console_log restart)) = 2 ]"

# ---- a guest that does not let go ---------------------------------------------------------------------
refuses "block-detach of a disk that the guest keeps" 'does not let go of the disk within' $HL block-detach restart xvda
becomes "it is still there" 5 sh -c "$HL block-list restart | grep -q '^51712 '"
works "block-detach -f" $HL block-detach -f restart xvda
if $HL block-list restart | grep -q '^51712 '; then fail "that takes it away" "$($HL block-list restart)"; else ok "that takes it away"; fi
becomes "its loop device, too" 10 sh -c "! losetup -a | grep raw.img"
refuses "block-detach of the other" 'does not let go of the disk within' $HL block-detach restart xvdb
works "block-detach -f of the other" $HL block-detach --force restart xvdb
becomes "its program, too" 10 sh -c '[ -z "$(pidof hospes-block)" ]'
works "network-detach of what was never connected" $HL network-detach restart 0
works "restart: destroy" $HL destroy restart
nothing_left "restart: nothing is left" 10

# ---- Linux ------------------------------------------------------------------------------------------------
works "Linux: create" $HL create "$(config linux 'memory = 112' "extra = \"$QUICK sysrq_always_enabled marker=to-be-found\"" 'on_crash = "coredump-destroy"' "vif = [ 'bridge=xenbr0' ]" "$disks")"
becomes "Linux: it boots" 90 booted linux
net_connected()
{
    connected linux && $HL network-list linux | grep -q '^0 .* Connected '
}
becomes "Linux: its devices are connected" 20 net_connected
works "Linux: it crashes" $HL sysrq linux c
becomes "Linux: it goes" 60 gone linux
dump_is linux marker=to-be-found
nothing_left "Linux: nothing is left" 10
audited "audit after all that"
finish
