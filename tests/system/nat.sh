# SPDX-License-Identifier: GPL-2.0-or-later
# Networks that hl makes itself: a private one with address translation and DHCP for two guests, and a routed
# interface. "Beyond" is a network namespace behind Domain 0 that knows no way back to guests.
. /tests/lib.sh
if ! ours; then
    skip "private networks" "xl has none of its own"
    finish
fi
# As on a host with Debian's dnsmasq.
echo dnsmasq:x:100:65534::/:/bin/false >>/etc/passwd
echo "192.168.99.2 beyond.test" >>/etc/hosts

modprobe -a bridge xen-netback veth
unshare -n sleep 100000 &
beyond=$!
# In a namespace of its own by now?
soon 10 sh -c "[ \$(readlink /proc/$beyond/ns/net) != \$(readlink /proc/self/ns/net) ]"
ip link add out0 type veth
peer=$(ls /sys/class/net | grep '^veth')
ip link set "$peer" netns $beyond
ip addr add 192.168.99.1/24 dev out0
ip link set out0 up
beyond()
{
    nsenter --net="/proc/$beyond/ns/net" "$@"
}
beyond ip addr add 192.168.99.2/24 dev "$peer"
beyond ip link set "$peer" up
becomes "Domain 0 reaches what is beyond" 10 ping -c 1 -W 2 192.168.99.2
snapshot /tmp/before

# address GUEST: of its eth0
address()
{
    ask "$1" 'ip -4 addr show dev eth0' | sed -n 's/.*inet \([0-9.]*\).*/\1/p' | head -n 1
}

leased()
{
    ask "$1" 'udhcpc -i eth0 -n -q -t 5 && test -s /etc/resolv.conf'
}

# ---- a private network --------------------------------------------------------------------------
memory='memory = 112'
works "create with mode=nat" $HL create "$(config one "$memory" "vif = [ 'mode=nat' ]")" || finish
works "its bridge is there" test -d /sys/class/net/hlnat0/bridge
prints "its translation is there" 'masquerade' nft list table ip hospes_nat_hlnat0
works "its DHCP server is there" pidof dnsmasq
works "create another, with an address" $HL create "$(config two "$memory" "vif = [ 'mode=nat,ip=10.77.0.77' ]")"
is "one server for both" 1 "$(pidof dnsmasq | wc -w)"
becomes "it boots" 90 booted one
becomes "the other boots" 90 booted two
talk one
talk two
becomes "a lease" 30 leased one
becomes "a lease for the other" 30 leased two
ip1=$(address one)
is "the address that was asked for" 10.77.0.77 "$(address two)"
if [ -n "$ip1" ] && [ "${ip1%.*}" = 10.77.0 ] && [ "$ip1" != 10.77.0.77 ]; then
    ok "an address of its own"
else
    fail "an address of its own" "'$ip1'"
fi
becomes "it reaches its gateway" 20 ask one 'ping -c 2 -W 5 10.77.0.1'
becomes "it reaches the other" 20 ask one 'ping -c 2 -W 5 10.77.0.77'
becomes "it reaches what is beyond" 20 ask one 'ping -c 2 -W 5 192.168.99.2'
becomes "by name" 20 ask one 'ping -c 1 -W 5 beyond.test'

# What is beyond sees Domain 0's address alone, and gets in by no route.
mkfifo /tmp/beyond.in
beyond nc -l -p 99 <>/tmp/beyond.in >/tmp/beyond.out &
listener=$!
soon 10 sh -c "nsenter --net=/proc/$beyond/ns/net netstat -ltn | grep -q ':99 '"
works "a connection from within" ask one 'sh -c "echo from the guest; sleep 2" | timeout 160 nc 192.168.99.2 99'
becomes "its bytes arrive" 10 grep -q 'from the guest' /tmp/beyond.out
kill $listener 2>/dev/null
rm -f /tmp/beyond.in
beyond ip route add 10.77.0.0/24 via 192.168.99.1
if beyond ping -c 1 -W 3 "$ip1" >$OUT 2>&1; then fail "no way in" "$(said)"; else ok "no way in"; fi
beyond ip route del 10.77.0.0/24

# ---- hospesd is another one; guests come and go -----------------------------------------------------
hush one
hush two
die "$(pidof hospesd)"
works "hospesd starts again" hospesd
talk one
talk two
becomes "the lease is renewed" 30 leased one
is "it is the same" "$ip1" "$(address one)"
works "network-attach with mode=nat" $HL network-attach one mode=nat
becomes "the guest sees it" 20 ask one 'test -e /sys/class/net/eth1'
becomes "a lease for it" 30 ask one 'udhcpc -i eth1 -n -q -t 5'
works "network-detach" $HL network-detach one 1
hush two
works "destroy of one" $HL destroy two
becomes "leaves the other its network" 20 ask one 'ping -c 1 -W 5 192.168.99.2'
works "and its server" pidof dnsmasq
if [ -z "$(ls /run/hospes/nat-hlnat0.hosts)" ]; then ok "the reserved address is free"; else fail "the reserved address is free" "$(ls /run/hospes/nat-hlnat0.hosts)"; fi
# As the host's firewall does when it is loaded anew, and who restarts the host's own dnsmasq.
nft flush ruleset
die "$(pidof dnsmasq)"
if ask one 'ping -c 1 -W 2 192.168.99.2' >$OUT; then fail "nothing is translated now" "$(said)"; else ok "nothing is translated now"; fi
kill -HUP "$(pidof hospesd)"
becomes "hospesd, told to reload, translates again" 10 ask one 'ping -c 1 -W 5 192.168.99.2'
becomes "a server, too" 10 pidof dnsmasq
nft flush ruleset
die "$(pidof dnsmasq)"
works "another interface comes" $HL network-attach one mode=nat
becomes "with it the translation" 10 ask one 'ping -c 1 -W 5 192.168.99.2'
becomes "and leases" 30 leased one
is "the same as before" "$ip1" "$(address one)"
works "it goes" $HL network-detach one 1
refuses "a name that is taken" 'not a private network' $HL network-attach one mode=nat,bridge=out0
works "a reboot by the toolstack" $HL reboot one
again()
{
    [ "$(grep -ca '^guest ready' "$(console_log one)")" -ge 2 ]
}
becomes "it boots again" 90 again
becomes "its network is there" 20 test -d /sys/class/net/hlnat0/bridge
hush one
talk one
becomes "and gives it a lease" 30 leased one
is "the same address as before" "$ip1" "$(address one)"
hush one
works "destroy the last" $HL destroy one
if nft list table ip hospes_nat_hlnat0 >$OUT 2>&1; then fail "no translation is left" "$(said)"; else ok "no translation is left"; fi

nothing_left "nothing is left of it" 20

# ---- a routed interface ---------------------------------------------------------------------------
refuses "a route needs an address" 'ip=' $HL create "$(config routed "$memory" "vif = [ 'mode=route' ]")"
ip addr add 192.168.50.1/32 dev lo
ip route >/tmp/routes
works "create with mode=route" $HL create "$(config routed "$memory" "vif = [ 'mode=route,ip=192.168.50.7 192.168.50.32/28' ]")"
id=$($HL domid routed)
prints "the way to the guest" "^192\.168\.50\.7 dev vif$id\.0" ip route
prints "and to its other addresses" "^192\.168\.50\.32/28 dev vif$id\.0" ip route
becomes "it boots" 90 booted routed
talk routed
works "an address in the guest" ask routed 'ip link set eth0 up && ip addr add 192.168.50.7/24 dev eth0'
becomes "Domain 0 to guest" 20 ping -c 2 -W 5 192.168.50.7
# No route there but the network of its interface: Domain 0 answers for all neighbours.
becomes "guest to Domain 0" 20 ask routed 'ping -c 2 -W 5 192.168.50.1'
works "a gateway in the guest" ask routed 'ip route add default via 192.168.50.1'
beyond ip route add 192.168.50.7/32 via 192.168.99.1
becomes "guest to what is beyond" 20 ask routed 'ping -c 2 -W 5 192.168.99.2'
becomes "and back" 20 beyond ping -c 2 -W 5 192.168.50.7
is "its node" "192.168.50.7 192.168.50.32/28" "$(xenstore-read "/local/domain/0/backend/vif/$id/0/ip")"
hush routed
works "destroy" $HL destroy routed
soon 10 test ! -e "/sys/class/net/vif$id.0"
ip route >/tmp/routes.after
is "its route is gone" "$(cat /tmp/routes)" "$(cat /tmp/routes.after)"
nothing_left "nothing is left of that either" 20
kill $beyond
finish
