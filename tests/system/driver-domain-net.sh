# SPDX-License-Identifier: GPL-2.0-or-later
# Interfaces that a driver domain makes as Domain 0 would: a private network, a route, a script of its own, one for a single
# guest. All of it is there and nothing here; a script's words reach us; and it goes with the guest.
. /tests/lib.sh
. /tests/driver-domain-lib.sh
if ! ours; then
    skip "a driver domain's networks" "they are ours"
    finish
fi

# What Domain 0 has for private networks. A guest's memory has little room.
needed()
{
    local file
    echo usr usr/sbin usr/lib usr/lib/x86_64-linux-gnu lib lib/x86_64-linux-gnu | tr ' ' '\n'
    for file in usr/sbin/dnsmasq usr/sbin/nft usr/lib/x86_64-linux-gnu/libnftables.so.1; do
        echo $file
        /lib64/ld-linux-x86-64.so.2 --list /$file | sed -n 's/.*=> \/\([^ ]*\).*/\1/p'
    done | sort -u
}
(cd / && needed | cpio -o -H newc 2>/dev/null) >/tmp/networks
store_begins /tests/hospes.cpio.zst /tmp/networks
rm /tmp/networks
# Two scripts of the administrator's there: one tells what it was called with, one fails.
ask store 'mkdir -p /etc/xen/scripts; cd /etc/xen/scripts
echo "root:x:0:0::/:/bin/sh" >/etc/passwd; echo "dnsmasq:x:100:65534::/:/bin/false" >>/etc/passwd
printf "#!/bin/sh\nenv >/run/script.\$1\necho \$# \$2 >>/run/script.\$1\n[ \$1 = offline ] || ip addr add 192.168.60.1/24 dev \$vif && ip link set \$vif up\n" >vif-mine
printf "#!/bin/sh\necho the switch is on fire >&2\nexit 3\n" >vif-bad
chmod 755 vif-*; cd /; ip addr add 192.168.50.1/32 dev lo' >/dev/null
store_daemon
ask store 'ip route; ls /sys/class/net' >/tmp/routes

# ---- failures ---------------------------------------------------------------------------------------------------------
refuses "a script that fails there" 'interface 0.*vif-bad.*exit status 3: the switch is on fire' $HL create -p \
    "$(config third "vif = [ 'script=vif-bad,backend=store' ]")"
refuses "a script that is not there" 'interface 0.*vif-nosuch.*No such file' $HL create -p \
    "$(config third "vif = [ 'script=vif-nosuch,backend=store' ]")"
refuses "a name that is taken there" 'not a private network' $HL create -p \
    "$(config third "vif = [ 'mode=nat,bridge=lo,backend=store' ]")"
refuses "a route without an address" 'ip=' $HL create -p "$(config third "vif = [ 'mode=route,backend=store' ]")"
comes_to "nothing is left of those, there" "" 10 served
comes_to "nor in xenstore" "" 10 nodes

# ---- one of each --------------------------------------------------------------------------------------------------------
works "create a guest with one of each" $HL create "$(config third 'memory = 128' "vif = [ 'mode=nat,ip=10.77.0.77,backend=store',
    'mode=route,ip=192.168.50.7,backend=store', 'script=vif-mine,mac=00:16:3e:11:22:33,gatewaydev=eth7,backend=store',
    'mode=user,backend=store' ]")" || finish
id=$($HL domid third)
becomes "it boots" 90 booted third
talk third
leased()
{
    ask third "udhcpc -i $1 -n -q -t 5 && test -s /etc/resolv.conf"
}
becomes "a lease of the private network" 30 leased eth0
prints "the address that was asked for" 'inet 10\.77\.0\.77/24' ask third 'ip -4 addr show dev eth0'
becomes "it reaches its gateway" 20 ask third 'ping -c 1 -W 5 10.77.0.1'
prints "whose translation is there" masquerade ask store 'nft list table ip hospes_nat_hlnat0'
prints "a way to the routed interface" "^192\.168\.50\.7 dev vif$id\.1" ask store 'ip route'
works "an address for it" ask third 'ip link set eth1 up && ip addr add 192.168.50.7/24 dev eth1'
becomes "it reaches the driver domain" 20 ask third 'ping -c 1 -W 5 192.168.50.1'
works "an address for the script's" ask third 'ip link set eth2 up && ip addr add 192.168.60.2/24 dev eth2'
becomes "it reaches what the script made" 20 ask third 'ping -c 1 -W 5 192.168.60.1'
back=/local/domain/$store/backend/vif/$id/2
called="XENBUS_PATH=$back XENBUS_BASE_PATH=backend XENBUS_TYPE=vif INTERFACE=vif$id.2 vif=vif$id.2 netdev=eth7 script=/etc/xen/scripts/vif-mine"
# says ACTION: what the script was called with, as `called` has it.
says()
{
    for word in $called; do
        ask store "grep -x '$word' /run/script.$1"
    done | xargs
}
is "what the script was called with" "$called" "$(says online)"
is "and its words" "2 type_if=vif" "$(ask store 'tail -n 1 /run/script.online')"
becomes "a lease of the fourth's" 30 leased eth3
if [ -e /sys/class/net/hlnat0 ] || ls /run/hospes/nat* >$OUT 2>&1; then fail "nothing of it is in Domain 0" "$(said)"; else ok "nothing of it is in Domain 0"; fi

# ---- they go --------------------------------------------------------------------------------------------------------------
works "network-detach" $HL network-detach third 0
becomes "the private network is gone" 10 ask store 'test ! -e /sys/class/net/hlnat0 && test -z "$(pidof dnsmasq)" && ! nft list table ip hospes_nat_hlnat0 2>/dev/null'
works "network-attach with mode=nat" $HL network-attach third mode=nat backend=store
becomes "the guest sees it" 20 ask third 'test -e /sys/class/net/eth0'
becomes "a lease for it" 30 leased eth0
hush third
works "destroy the guest" $HL destroy third
comes_to "the script was called again" "$called" 10 says offline
comes_to "the driver domain has let go of all" "" 10 served
comes_to "its routes and interfaces are as before" "$(cat /tmp/routes)" 10 ask store 'ip route; ls /sys/class/net'
comes_to "nothing of it is in xenstore" "" 10 nodes
hush store
works "destroy the driver domain" $HL destroy store
nothing_left "nothing is left behind" 20
finish
