# SPDX-License-Identifier: GPL-2.0-or-later
# Interfaces that our own program serves: over a TAP interface on a bridge, with two queues, and in a network of its own;
# killed while it works; and nothing left of it.
. /tests/lib.sh
if ! ours; then
    skip "interfaces by hospes-net" "xl has none"
    finish
fi
modprobe -a bridge tun
brctl addbr xenbr0
ip addr add 192.168.7.1/24 dev xenbr0
ip link set xenbr0 up
dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null
sum=$(md5sum </tmp/data)
mkfifo /tmp/endless
snapshot /tmp/before

cfg=$(config one 'memory = 128' "vif = [ 'mac=00:16:3e:11:22:33,bridge=xenbr0,backendtype=tap', 'mode=user' ]")
sed -i 's/^vcpus = 1/vcpus = 2/' "$cfg"
works "create with two interfaces" $HL create "$cfg" || finish
id=$($HL domid one)
back=/local/domain/0/backend/qnic/$id/0
works "its port is on the bridge" test -e "/sys/class/net/xenbr0/brif/vif$id.0"
is "one process for each" 2 "$(pidof hospes-net | wc -w)"
becomes "it boots" 90 booted one
talk one
works "an address in the guest" ask one 'ip addr add 192.168.7.2/24 dev eth0 && ip link set eth0 up'
becomes "guest to Domain 0" 20 ask one 'ping -c 2 -W 5 192.168.7.1'
becomes "Domain 0 to guest, full packets" 20 ping -c 2 -W 5 -s 1472 192.168.7.2
is "its address is the one asked for" 00:16:3e:11:22:33 "$(ask one 'cat /sys/class/net/eth0/address')"
is "two queues" 2 "$(xenstore-read "/local/domain/$id/device/vif/0/multi-queue-num-queues")"
is "state" 4 "$(xenstore-read $back/state)"
prints "network-list shows it" "^0 +0 +00:16:3e:11:22:33 +0 +Connected +[0-9]+ +[0-9]+/[0-9]+ +$back" $HL network-list one
works "an input without an end" ask one 'mkfifo /run/endless'

# listening PORT
listening()
{
    netstat -ltn | grep -q ":$1 "
}
# to_guest NAME: sends the data; the guest has it in /run/data. nc ends when the other's data does.
to_guest()
{
    nc -l -p 77 </tmp/data >/dev/null &
    soon 10 listening 77
    is "$1" "$sum" "$(ask one "nc $2 77 0<>/run/endless >/run/data; md5sum </run/data")"
}
# from_guest NAME
from_guest()
{
    nc -l -p 78 0<>/tmp/endless >/tmp/back &
    soon 10 listening 78
    ask one "nc $2 78 </run/data >/dev/null" >/dev/null
    is "$1" "$sum" "$(md5sum </tmp/back)"
}
to_guest "2 MiB to the guest" 192.168.7.1
from_guest "2 MiB from the guest" 192.168.7.1
echo "# segments: $(cat "/sys/class/net/vif$id.0/statistics/rx_packets") packets from the guest, $(cat "/sys/class/net/vif$id.0/statistics/rx_bytes") bytes"

# ---- killed -----------------------------------------------------------------------------------------
# served PATH: the process of that device.
served()
{
    grep -lz "$1" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3 | while read -r pid; do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = hospes-net ] && echo "$pid"
    done
}
first=$(served "$back")
kill -9 "$first"
another()
{
    [ -n "$(served "$back")" ] && [ "$(served "$back")" != "$first" ]
}
becomes "killed, it is started again" 10 another
becomes "and goes on" 20 ask one 'ping -c 1 -W 5 192.168.7.1'
# While data flows.
nc -l -p 77 </tmp/data >/dev/null &
soon 10 listening 77
(sleep 1; kill -9 "$(served "$back")") &
is "killed under load, nothing is lost" "$sum" "$(ask one 'nc 192.168.7.1 77 0<>/run/endless >/run/data; md5sum </run/data')"
from_guest "2 MiB from the guest after that" 192.168.7.1

# ---- a network of its own ------------------------------------------------------------------------------
becomes "a lease" 30 ask one 'udhcpc -i eth1 -n -q -t 5'
prints "the address" '10\.0\.2\.15/24' ask one 'ip addr show dev eth1'
becomes "its gateway" 20 ask one 'ping -c 1 -W 5 10.0.2.2'
# The only way to this address is through sockets of Domain 0.
ip addr add 192.168.60.1/32 dev lo
to_guest "2 MiB through it" 192.168.60.1
from_guest "2 MiB back" 192.168.60.1
# The gateway's address would be Domain 0's 127.0.0.1.
nc -l -p 79 </dev/null >/tmp/loop &
inner=$!
becomes "a service of Domain 0" 10 listening 79
ask one 'echo hello | nc -w 5 10.0.2.2 79' >/dev/null
if [ -s /tmp/loop ]; then fail "Domain 0's own services are not reached" "$(cat /tmp/loop)"; else ok "Domain 0's own services are not reached"; fi
kill $inner 2>/dev/null
if ls /sys/class/net | grep -q "vif$id.1"; then fail "no interface in Domain 0" "$(ls /sys/class/net)"; else ok "no interface in Domain 0"; fi
first=$(served "/local/domain/0/backend/qnic/$id/1")
kill -9 "$first"
becomes "killed, it serves again" 30 ask one 'ping -c 1 -W 5 10.0.2.2'

# ---- attach and detach ----------------------------------------------------------------------------------
works "network-attach with mode=nat and a rate" $HL network-attach one mode=nat,backendtype=tap,rate=200KB/s
becomes "the guest sees it" 20 ask one 'test -e /sys/class/net/eth2'
becomes "its lease" 30 ask one 'udhcpc -i eth2 -n -q -t 5'
works "network-detach" $HL network-detach one 2
becomes "the guest has lost it" 20 ask one 'test ! -e /sys/class/net/eth2'
works "network-detach of the other" $HL network-detach one 1
becomes "its bridge still works" 20 ask one 'ping -c 1 -W 5 192.168.7.1'
hush one
works "destroy" $HL destroy one
rm -f /tmp/back
nothing_left "nothing is left behind" 20
finish
