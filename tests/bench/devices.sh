# SPDX-License-Identifier: GPL-2.0-or-later
# What devices and guests with devices cost, in Domain 0 (hl's or xl's): lines `bench NAME NS`. Run by
# tests/bench/run-devices on one CPU whose clock counts instructions.
. /tests/lib.sh
IO=/tests/io
modprobe -a loop xen-blkback bridge xen-netback 2>/dev/null
brctl addbr xenbr0
ip addr add 192.168.7.1/24 dev xenbr0
ip link set xenbr0 up
mkdir -p /disks
for n in 1 2 3; do
    dd if=/dev/zero of=/disks/$n.img bs=1M count=16 2>/dev/null
    losetup /dev/loop$n /disks/$n.img
done
# Guests get the program, too.
cp $RAMDISK /tmp/ramdisk
(cd / && printf 'tests\ntests/io\n' | cpio -o -H newc 2>/dev/null) >>/tmp/ramdisk
RAMDISK=/tmp/ramdisk

# with NAME DISK ADDRESS [LINE]: a guest's configuration.
with()
{
    config "$1" 'memory = 160' "ramdisk = \"$RAMDISK\"" "disk = [ 'phy:/dev/loop$2,xvda,w' ]" \
        "vif = [ 'mac=00:16:3e:00:00:0$2,bridge=xenbr0' ]"
}

# ---- making guests ------------------------------------------------------------------------------
# A small kernel, so that it is the toolstack that is measured; the first time fills caches.
KERNEL=/tests/worker.elf
small=$(config small 'memory = 16' "disk = [ 'phy:/dev/loop3,xvda,w' ]" "vif = [ 'mac=00:16:3e:00:00:09,bridge=xenbr0' ]")
sed -i '/^ramdisk/d' "$small"
bare=$(config bare 'memory = 16')
sed -i '/^ramdisk/d' "$bare"
KERNEL=/boot/guest/vmlinuz
for i in 1 2 3; do
    $IO time "$([ $i = 3 ] && echo create_no_devices || echo -)" $HL create -q -p "$bare" || fail create_no_devices "$?"
    $IO time "$([ $i = 3 ] && echo destroy_no_devices || echo -)" $HL destroy bare
    $IO time "$([ $i = 3 ] && echo create_disk_and_vif || echo -)" $HL create -q -p "$small" || fail create "$?"
    $IO time "$([ $i = 3 ] && echo destroy_disk_and_vif || echo -)" $HL destroy small
done
for verb in list info; do
    $IO time - $HL $verb >/dev/null
    $IO time $verb sh -c "$HL $verb >/dev/null"
done

# ---- disks ----------------------------------------------------------------------------------------
$HL create -q "$(with one 1)" || { fail "create one" "$?"; finish; }
$HL create -q "$(with two 2)" || { fail "create two" "$?"; finish; }
soon 100 booted one
soon 100 booted two
talk one
talk two
# measure GUEST WORDS...: the program in the guest; its first run (the name -) prints nothing.
measure()
{
    guest=$1
    shift
    ask "$guest" "$IO $*" >$OUT || fail "$2" "$(cat $OUT)"
    grep -a '^bench' $OUT
}
measure one read - /dev/xvda 4
measure one read disk_read_mib /dev/xvda 12
measure one write disk_write_mib /dev/xvda 12
measure one random disk_random_read /dev/xvda 400
measure one scatter disk_random_write /dev/xvda 400

# ---- networks -------------------------------------------------------------------------------------
ask one 'ip addr add 192.168.7.2/24 dev eth0; ip link set eth0 up'
ask two 'ip addr add 192.168.7.3/24 dev eth0; ip link set eth0 up'
$IO sink 5001 >/dev/null &
servers=$!
$IO echo 5002 >/dev/null &
servers="$servers $!"
ask one "($IO sink 5001 &) ; ($IO echo 5002 &)" >$OUT
soon 20 ask one 'ping -c 1 -W 2 192.168.7.1'
soon 20 ask two 'ping -c 1 -W 2 192.168.7.2'
measure one send - 192.168.7.1 5001 1
measure one send net_guest_to_dom0_mib 192.168.7.1 5001 8
$IO send - 192.168.7.2 5001 1
$IO send net_dom0_to_guest_mib 192.168.7.2 5001 8
measure one ping net_guest_dom0_roundtrip 192.168.7.1 5002 200
measure one packets net_guest_dom0_packets 192.168.7.1 5002 480
measure two send - 192.168.7.2 5001 1
measure two send net_guest_to_guest_mib 192.168.7.2 5001 8
measure two ping net_guest_guest_roundtrip 192.168.7.2 5002 200
measure two packets net_guest_guest_packets 192.168.7.2 5002 480
# shellcheck disable=SC2086
kill $servers
hush one
hush two
finish
