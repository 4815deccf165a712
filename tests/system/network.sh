# SPDX-License-Identifier: GPL-2.0-or-later
# Networks of guests: two of them on a bridge; attached and detached; and nothing left of any of it.
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

# ---- attach and detach ------------------------------------------------------------------------
works "network-attach" $HL network-attach one mac=00:16:3e:44:55:66 bridge=xenbr0
becomes "the guest sees it" 20 ask one 'test -e /sys/class/net/eth1'
becomes "its port is on the bridge, too" 5 port xenbr0 "vif$id.1"
works "network-detach by address" $HL network-detach one 00:16:3e:44:55:66
becomes "the guest has lost it" 20 ask one 'test ! -e /sys/class/net/eth1'
becomes "and Domain 0" 5 test ! -e "/sys/class/net/vif$id.1"
works "it still reaches the other" ask one 'ping -c 1 -W 10 192.168.7.3'
works "network-detach by number" $HL network-detach one 0
refuses "detach of what is not there" . $HL network-detach one 0
hush one
hush two
works "destroy" $HL destroy two
works "destroy the first" $HL destroy one
becomes "no port is left" 5 sh -c '[ "$(ls /sys/class/net/xenbr0/brif)" = "" ]'

same()
{
    snapshot /tmp/after
    diff /tmp/before /tmp/after
}
if soon 20 same; then
    ok "nothing is left behind"
else
    same >$OUT
    fail "nothing is left behind" "$(said)"
fi
finish
