# SPDX-License-Identifier: GPL-2.0-or-later
# A driver domain with Debian's tools in it: its "xl devd" and hotplug scripts serve a disk and an interface to a guest that our
# hl makes. With TOOLS=xen the other way round: our daemon there, and xl in Domain 0.
. /tests/lib.sh
. /tests/driver-domain-lib.sh
layer=/tests/xen.cpio.zst
daemon='xl devd -F'
if ! ours; then
    layer=/tests/hospes.cpio.zst
    daemon='hl devd -F'
fi

devices()
{
    ask store 'ls /sys/bus/xen-backend/devices' | xargs
}

nodes_of_it()
{
    nodes | grep -E "/$id[/ ]"
}

store_begins $layer
# Its script for disks wants a block device.
ask store 'modprobe xen-privcmd; mkdir -p /var/log/xen /run/xen /var/lib/xen; dd if=/bin/busybox of=/disk bs=64k count=8 2>/dev/null
losetup /dev/loop0 /disk; cp /disk /two; losetup /dev/loop1 /two' >/dev/null
store_bridge
disk=$(dd if=/bin/busybox bs=64k count=8 2>/dev/null | md5sum)
works "its daemon" ask store "$daemon >/run/devd.log 2>&1 & sleep 1; kill -0 \$!"
works "create a guest" timeout 300 $HL create "$(config third 'memory = 128' \
    "disk = [ 'format=raw,vdev=xvda,access=rw,backend=store,target=/dev/loop0' ]" "vif = [ 'bridge=xenbr0,backend=store' ]")"
id=$($HL domid third)
becomes "it boots" 90 booted third
talk third
is "it reads the disk" "$disk" "$(ask third 'md5sum </dev/xvda')"
works "it writes" ask third 'dd if=/bin/busybox of=/dev/xvda bs=64k count=8 conv=fsync'
ask third 'ip addr add 192.168.9.2/24 dev eth0; ip link set eth0 up' >/dev/null
becomes "it pings the driver domain" 20 ask third 'ping -c 1 -W 5 192.168.9.1'
works "block-attach" timeout 300 $HL block-attach third vdev=xvdb,access=rw,backend=store,target=/dev/loop1
becomes "the guest sees it" 20 ask third 'test -b /dev/xvdb'
works "block-detach" timeout 300 $HL block-detach third xvdb
becomes "the guest has lost it" 20 ask third 'test ! -e /dev/xvdb'
comes_to "what is still served" "vbd-$id-51712 vif-$id-0" 10 devices
# Xen's daemon tells its log alone what goes wrong.
ours && refuses "a script that it does not have" 'domain [0-9]+ did not answer' timeout 300 $HL block-attach third vdev=xvdb,script=block-nosuch,backend=store,target=x
hush third
works "destroy the guest" timeout 300 $HL destroy third
becomes "the driver domain has let go of all" 20 ask store 'test -z "$(ls /sys/bus/xen-backend/devices)"'
comes_to "nothing of it is in xenstore" "" 10 nodes_of_it
hush store
works "destroy the driver domain" $HL destroy store
nothing_left "nothing is left behind" 20
finish
