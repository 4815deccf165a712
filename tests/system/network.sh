# SPDX-License-Identifier: GPL-2.0-or-later
# Networks of guests: two of them on a bridge; data both ways; attached and detached; scripts; rates; and nothing
# left of any of it.
. /tests/lib.sh

modprobe -a bridge xen-netback
brctl addbr xenbr0
ip addr add 192.168.7.1/24 dev xenbr0
ip link set xenbr0 mtu 1400 up
snapshot /tmp/before

# port BRIDGE INTERFACE
port()
{
    [ -e "/sys/class/net/$1/brif/$2" ]
}

# ---- two guests on a bridge ---------------------------------------------------------------------
cfg=$(config one 'memory = 112' "vif = [ 'mac=00:16:3e:11:22:33,bridge=xenbr0,mtu=1400' ]")
sed -i 's/^vcpus = 1/vcpus = 2/' "$cfg" # and two queues
works "create with an interface" $HL create "$cfg" || finish
id=$($HL domid one)
works "create another, with a default bridge" $HL create "$(config two 'memory = 112' "vif = [ '' ]")"
id2=$($HL domid two)
if port xenbr0 "vif$id.0"; then ok "its port is on the bridge"; else fail "its port is on the bridge" "$(ls /sys/class/net/xenbr0/brif)"; fi
becomes "it boots" 90 booted one
becomes "the other boots" 90 booted two
talk one
talk two
works "an address in the guest" ask one 'ip addr add 192.168.7.2/24 dev eth0 && ip link set eth0 up'
works "and in the other" ask two 'ip addr add 192.168.7.3/24 dev eth0 && ip link set eth0 up'
becomes "guest to Domain 0" 20 ask one 'ping -c 2 -W 5 192.168.7.1'
becomes "Domain 0 to guest, full packets" 20 ping -c 2 -W 5 -s 1372 192.168.7.2
becomes "guest to guest" 20 ask one 'ping -c 2 -W 5 192.168.7.3'
is "its address is the one asked for" 00:16:3e:11:22:33 "$(ask one 'cat /sys/class/net/eth0/address')"
is "the MTU in Domain 0" 1400 "$(cat "/sys/class/net/vif$id.0/mtu")"
is "the MTU for the guest" 1400 "$(xenstore-read "/local/domain/$id/device/vif/0/mtu")"
prints "network-list has the columns" '^Idx +BE +Mac Addr\. +handle +state +evt-ch +tx-/rx-ring-ref +BE-path' $HL network-list one
prints "network-list shows it" "^0 +0 +00:16:3e:11:22:33 +0 +[^ ]+ +[-0-9]+ +[0-9]+/[0-9]+ +/local/domain/0/backend/vif/$id/0" $HL network-list one
ours && prints "states have names" ' Connected ' $HL network-list one
prints "list -l has the interface" '00:16:3e:11:22:33' $HL list -l one
for node in "frontend /local/domain/$id/device/vif/0" "frontend-id $id" "online 1" "state 4" "mac 00:16:3e:11:22:33" \
    "bridge xenbr0" "handle 0" "type vif" "hotplug-status connected" "script /etc/xen/scripts/vif-bridge"; do
    is "back end node ${node% *}" "${node#* }" "$(xenstore-read "/local/domain/0/backend/vif/$id/0/${node% *}")"
done

# What netback offers; each of the guest's queues has its rings and its channels.
back=/local/domain/0/backend/vif/$id/0
front=/local/domain/$id/device/vif/0
for node in feature-sg feature-gso-tcpv4 feature-gso-tcpv6 feature-rx-copy feature-split-event-channels; do
    is "back end node $node" 1 "$(xenstore-read $back/$node)"
done
is "two queues" 2 "$(xenstore-read "$front/multi-queue-num-queues")"
for node in 0/tx-ring-ref 0/rx-ring-ref 0/event-channel-tx 1/tx-ring-ref 1/rx-ring-ref 1/event-channel-rx; do
    works "front end node queue-$node" xenstore-read "$front/queue-$node"
done

# ---- data both ways: checksums and segments are the other end's work -------------------------------
# nc ends when the other's data does. A FIFO opened for reading and writing is an input without an end.
dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null
sum=$(md5sum </tmp/data)
mkfifo /tmp/endless
# listens PORT INPUT OUTPUT
listens()
{
    nc -l -p "$1" 0<>"$2" >"$3" &
    soon 10 sh -c "netstat -ltn | grep -q ':$1 '"
}
works "an input without an end" ask one 'mkfifo /run/endless'
nc -l -p 77 </tmp/data >/dev/null &
soon 10 sh -c "netstat -ltn | grep -q ':77 '"
is "2 MiB to the guest" "$sum" "$(ask one 'nc 192.168.7.1 77 0<>/run/endless >/run/data; md5sum </run/data')"
listens 78 /tmp/endless /tmp/back
ask one 'nc 192.168.7.1 78 </run/data >/dev/null' >/dev/null
is "2 MiB from the guest" "$sum" "$(md5sum </tmp/back)"

# ---- attach and detach ------------------------------------------------------------------------
works "network-attach" $HL network-attach one mac=00:16:3e:44:55:66 bridge=xenbr0
becomes "the guest sees it" 20 ask one 'test -e /sys/class/net/eth1'
becomes "its port is on the bridge, too" 5 port xenbr0 "vif$id.1"
works "network-detach by address" $HL network-detach one 00:16:3e:44:55:66
becomes "the guest has lost it" 20 ask one 'test ! -e /sys/class/net/eth1'
becomes "and Domain 0" 5 test ! -e "/sys/class/net/vif$id.1"
becomes "it still reaches the other" 20 ask one 'ping -c 1 -W 5 192.168.7.3'
works "network-detach by number" $HL network-detach one 0
refuses "detach of what is not there" . $HL network-detach one 0
hush two
works "destroy" $HL destroy two

# ---- a rate: 10,000 bytes each 50 ms ---------------------------------------------------------------
works "network-attach with a rate" $HL network-attach one mac=00:16:3e:44:55:77 bridge=xenbr0 rate=200KB/s
is "its node" 10000,50000 "$(xenstore-read "/local/domain/0/backend/vif/$id/0/rate")"
becomes "the guest sees it" 20 ask one 'test -e /sys/class/net/eth0'
works "an address for it" ask one 'ip addr add 192.168.7.2/24 dev eth0 && ip link set eth0 up'
becomes "it works" 20 ask one 'ping -c 1 -W 5 192.168.7.1'
listens 78 /tmp/endless /tmp/back
start=$(cut -d. -f1 /proc/uptime)
ask one 'head -c 1048576 /run/data | nc 192.168.7.1 78 >/dev/null' >/dev/null
took=$(($(cut -d. -f1 /proc/uptime) - start))
is "1 MiB through it" 1048576 "$(stat -c %s /tmp/back)"
# A burst of 128 KiB is free.
if [ $took -ge 4 ]; then ok "not faster than its rate"; else fail "not faster than its rate" "$took s"; fi
hush one
works "destroy the first" $HL destroy one

# ---- scripts --------------------------------------------------------------------------------------
mkdir -p /etc/xen/scripts
cat >/etc/xen/scripts/vif-test <<'END'
#!/bin/sh
echo "$* vif=$vif type=$XENBUS_TYPE path=$XENBUS_PATH base=$XENBUS_BASE_PATH script=$script netdev=$netdev" >>/tmp/said.script
[ "$1" = online ] || exit 0
brctl addif "$(xenstore-read "$XENBUS_PATH/bridge")" "$vif" && ip link set "$vif" up
xenstore-write "$XENBUS_PATH/hotplug-status" connected
END
cat >/etc/xen/scripts/vif-fails <<'END'
#!/bin/sh
[ "$1" = online ] || exit 0
echo "the switch is on fire" >&2
exit 3
END
cat >/etc/xen/scripts/vif-reports <<'END'
#!/bin/sh
[ "$1" = online ] || exit 0
xenstore-write "$XENBUS_PATH/hotplug-error" "the cable is cut"
xenstore-write "$XENBUS_PATH/hotplug-status" error
exit 1
END
chmod 755 /etc/xen/scripts/vif-*
works "create with a script" $HL create -p "$(config scripted "vif = [ 'script=vif-test,bridge=xenbr0,gatewaydev=xenbr0,model=e1000,type=vif,ip=192.168.7.9' ]")"
id=$($HL domid scripted)
back=/local/domain/0/backend/vif/$id/0
is "what the script got" "online type_if=vif vif=vif$id.0 type=vif path=$back base=backend script=/etc/xen/scripts/vif-test netdev=xenbr0" "$(cat /tmp/said.script)"
is "the script's node" /etc/xen/scripts/vif-test "$(xenstore-read $back/script)"
is "the address's node" 192.168.7.9 "$(xenstore-read $back/ip)"
becomes "the script's port is on the bridge" 5 port xenbr0 "vif$id.0"
works "destroy the paused one" $HL destroy scripted
is "the script was told" "offline type_if=vif vif=vif$id.0 type=vif path=$back" "$(sed -n '2s/ base=.*//p' /tmp/said.script)"
refuses "a script that fails, and what it said" 'the switch is on fire' $HL create -p "$(config bad "vif = [ 'script=vif-fails' ]")"
refuses "a script that reports" 'the cable is cut' $HL create -p "$(config bad "vif = [ 'script=vif-reports' ]")"
refuses "a script that is not there" 'vif-nowhere' $HL create -p "$(config bad "vif = [ 'script=vif-nowhere' ]")"
works "nothing of them is left" gone bad
if ours; then
    refuses "a bridge that is not there" 'no such bridge' $HL create -p "$(config bad "vif = [ 'bridge=nowhere0' ]")"
    refuses "a bridge that is none" 'not a bridge' $HL create -p "$(config bad "vif = [ 'bridge=lo' ]")"
    works "create with a name for the interface" $HL create -p "$(config named "vif = [ 'vifname=web0,bridge=xenbr0' ]")"
    works "the interface has it" port xenbr0 web0
    refuses "a name that is taken" 'web0' $HL create -p "$(config bad "vif = [ 'vifname=web0' ]")"
    works "destroy it" $HL destroy named
fi
refuses "a rate that is none" 'rate' $HL create -p "$(config bad "vif = [ 'rate=much' ]")"
refuses "an address that is none" 'mac' $HL create -p "$(config bad "vif = [ 'mac=00:16:3e' ]")"
becomes "no port is left" 5 sh -c '[ "$(ls /sys/class/net/xenbr0/brif)" = "" ]'

# Whoever waits for a device does not keep its guest from being destroyed.
if ours; then
    works "create one" $HL create -p "$(config ends)"
    die "$(pidof hospesd)" # who would start hospes-net
    timeout 300 $HL network-attach ends backendtype=tap,bridge=xenbr0 >/tmp/attach 2>&1 &
    attach=$!
    becomes "network-attach waits" 10 xenstore-read "/local/domain/0/backend/qnic/$($HL domid ends)/0/frontend"
    works "destroy" $HL destroy ends
    wait $attach
    prints "network-attach says why" 'it has ended meanwhile' cat /tmp/attach
    works "hospesd again" hospesd
fi

nothing_left "nothing is left behind" 20
finish
