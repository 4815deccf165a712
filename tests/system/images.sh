# SPDX-License-Identifier: GPL-2.0-or-later
# Disks that a program of ours serves (pv-backends/block): qcow2 over a backing file, raw, read-only; the program and
# hospesd killed while the guest writes; a file system without room; and nothing left of any of it.
. /tests/lib.sh

# reader NAME DISK [EXTRA]: a guest of tests/front that checks its disk.
reader()
{
    kit "$1" front-block.elf "disk = [ '$2' ]" "extra = \"${3-}\"" 'on_reboot = "destroy"'
}

ended()
{
    grep -qa '^# end' "$(console_log "$1")" 2>/dev/null
}

# all_held NAME: every line of the guest's console is a verdict that it passed.
all_held()
{
    becomes "$1: it comes to its end" 200 ended "$1"
    if grep -qa '^ok plain\|^ok read_only' "$(console_log "$1")" && ! grep -qa '^not ok' "$(console_log "$1")"; then
        ok "$1: all that it tried"
    else
        fail "$1: all that it tried" "$(grep -a '^not ok' "$(console_log "$1")" | tr '\n' ' ')"
    fi
    becomes "$1: it is gone" 20 gone "$1"
}

server()
{
    pidof hospes-block
}

mkdir -p /disks
modprobe -a loop xen-blkback
cp /tests/base.raw /tests/over.qcow2 /disks/
dd if=/dev/zero of=/disks/raw.img bs=1M count=8 2>/dev/null
snapshot /tmp/before

works "create with a qcow2 disk" $HL create "$(reader cow '/disks/over.qcow2,qcow2,xvda,w')"
all_held cow
cmp -s /tests/base.raw /disks/base.raw && ok "the backing file is as it was" || fail "the backing file is as it was"

works "create with backendtype=qdisk" $HL create "$(reader raw '/disks/raw.img,raw,xvda,w,backendtype=qdisk')"
all_held raw
is "what the guest wrote is in the file" "written by the guest" "$(head -n 1 /disks/raw.img)"

works "create with a read-only one" $HL create "$(reader ro 'vdev=xvda,access=ro,backendtype=qdisk,target=/disks/raw.img' ro)"
all_held ro

# ---- killed ---------------------------------------------------------------------------------------
works "create for the killing" $HL create -p "$(reader kill '/disks/over.qcow2,qcow2,xvda,w')"
refuses "its image as a plain disk" 'kill\) uses it for writing' $HL block-attach kill '/disks/over.qcow2,raw,xvdb,r'
refuses "what its image is based on, for writing" 'based on' $HL block-attach kill '/disks/base.raw,raw,xvdb,w'
refuses "the image a second time, shared or not" 'a qcow2 image has one writer' $HL block-attach kill '/disks/over.qcow2,qcow2,xvdb,w!'
works "it works" $HL unpause kill
kills=0
while [ $kills -lt 15 ] && ! ended kill; do
    pid=$(server)
    [ -n "$pid" ] && kill -9 $pid && kills=$((kills + 1))
    [ $kills = 6 ] && die "$(pidof hospesd)" && hospesd
    sleep 0.4
done
[ $kills -ge 3 ] && ok "the program is killed while the guest works" || fail "the program is killed while the guest works" "$kills times"
all_held kill

# ---- what an image is based on ---------------------------------------------------------------------
cp /tests/over.qcow2 /disks/second.qcow2
works "a loop device" losetup /dev/loop7 /disks/base.raw
refuses "an image whose base is a loop device's, for writing" 'loop7 uses it for writing' $HL create "$(reader based '/disks/second.qcow2,qcow2,xvda,w')"
losetup -d /dev/loop7
losetup -r /dev/loop7 /disks/base.raw
works "an image whose base is a read-only loop device's" $HL create "$(reader based '/disks/second.qcow2,qcow2,xvda,w')"
all_held based
works "an image whose base is a device" $HL create -p "$(reader based '/tests/ondev.qcow2,qcow2,xvda,w')"
refuses "the device itself, for writing" 'based on' $HL block-attach based '/dev/loop7,raw,xvdb,w'
works "for reading" $HL block-attach based '/dev/loop7,raw,xvdb,r'
works "it goes" $HL destroy based
losetup -d /dev/loop7
losetup /dev/loop7 /disks/base.raw
works "the device, for writing" $HL create -p "$(reader dev '/dev/loop7,raw,xvda,w')"
refuses "an image that is based on it" '\(dev\) uses it for writing' $HL create "$(reader based '/tests/ondev.qcow2,qcow2,xvda,w')"
works "that goes, too" $HL destroy dev
losetup -d /dev/loop7
# The loop device comes when the guest is there: the file behind it tells.
works "an image whose base nobody else has" $HL create -p "$(reader based '/disks/second.qcow2,qcow2,xvda,w')"
losetup /dev/loop7 /disks/base.raw
refuses "then a loop device over its base, for writing" 'based on' $HL create "$(reader behind '/dev/loop7,raw,xvda,w')"
refuses "by a program" 'based on' $HL create "$(reader behind '/dev/loop7,raw,xvda,w,backendtype=qdisk')"
works "for reading" $HL create -p "$(reader behind '/dev/loop7,raw,xvda,r')"
works "the reader goes" $HL destroy behind
works "the image's guest goes" $HL destroy based
losetup -d /dev/loop7
works "an image" $HL create -p "$(reader based '/disks/second.qcow2,qcow2,xvda,w')"
losetup /dev/loop7 /disks/second.qcow2
refuses "a loop device over the image itself" '\(based\) uses it for writing' $HL create "$(reader behind '/dev/loop7,raw,xvda,r')"
works "the image's guest goes again" $HL destroy based
losetup -d /dev/loop7
rm /disks/second.qcow2

# ---- a file by ways that do not look alike ----------------------------------------------------------
works "a file" $HL create -p "$(reader plain '/disks/raw.img,raw,xvda,w')"
losetup -r /dev/loop6 /disks/raw.img
losetup -r /dev/loop7 /disks/raw.img
refuses "a loop device over it" '\(plain\) uses it for writing' $HL create "$(reader behind '/dev/loop7,raw,xvda,r')"
works "it goes" $HL destroy plain
works "a loop device" $HL create -p "$(reader first '/dev/loop6,raw,xvda,r')"
works "another over the same file, for reading" $HL create -p "$(reader other '/dev/loop7,raw,xvda,r')"
refuses "the file, for writing" 'uses it' $HL create "$(reader third '/disks/raw.img,raw,xvda,w')"
works "that goes" $HL destroy other
losetup -d /dev/loop7
losetup /dev/loop7 /disks/raw.img
refuses "for writing" '\(first\) uses it' $HL create "$(reader other '/dev/loop7,raw,xvda,w')"
works "but for those who share it" $HL create -p "$(reader other '/dev/loop7,raw,xvda,w!')"
works "both go" sh -c "$HL destroy first && $HL destroy other"
losetup -d /dev/loop6
refuses "both in one guest" 'its disk xvda uses it for writing' $HL create "$(kit both front-block.elf "disk = [ '/dev/loop7,raw,xvda,w', '/disks/raw.img,raw,xvdb,r' ]")"
losetup /dev/loop6 /disks/raw.img
refuses "beside one that nobody uses yet" '/dev/loop6 uses it for writing' $HL create "$(reader other '/dev/loop7,raw,xvda,w')"
losetup -d /dev/loop6
works "alone" $HL create -p "$(reader other '/dev/loop7,raw,xvda,w')"
works "it goes as well" $HL destroy other
losetup -d /dev/loop7

# ---- shared on purpose ------------------------------------------------------------------------------
works "create one that shares its disk" $HL create -p "$(reader share1 '/disks/raw.img,raw,xvda,w!,backendtype=qdisk')"
works "a second one has the same" $HL create -p "$(reader share2 '/disks/raw.img,raw,xvda,w!,backendtype=qdisk')"
refuses "one who was not told so" 'uses it for writing' $HL create "$(reader share3 '/disks/raw.img,raw,xvda,w,backendtype=qdisk')"
works "the second goes" $HL destroy share2
works "the first goes" $HL destroy share1

# ---- a real kernel, and a full file system ----------------------------------------------------------
mkdir -p /small
mount -t tmpfs -o size=6m tmpfs /small
cp /tests/empty.qcow2 /small/
cfg=$(config lin 'memory = 160' "disk = [ '/small/empty.qcow2,qcow2,xvda,w' ]")
works "create Linux" $HL create "$cfg"
becomes "it boots" 120 booted lin
talk lin
works "it writes and reads" ask lin 'dd if=/bin/busybox of=/dev/xvda bs=64k count=16 conv=fsync 2>/dev/null &&
    echo 3 >/proc/sys/vm/drop_caches && dd if=/dev/xvda bs=64k count=16 2>/dev/null | cmp -n 700000 - /bin/busybox'
if ask lin 'dd if=/dev/urandom of=/dev/xvda bs=1M seek=2 count=12 conv=fsync' >$OUT 2>&1; then
    fail "where there is no room left it gets an error" "it wrote"
else
    grep -q 'nput/output error' $OUT && ok "where there is no room left it gets an error" || fail "where there is no room left it gets an error" "$(cat $OUT)"
fi
works "what was there before can be read" ask lin 'echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/xvda bs=64k count=16 2>/dev/null | cmp -n 700000 - /bin/busybox'
mount -o remount,size=40m /small
works "with room again it writes" ask lin 'dd if=/dev/urandom of=/dev/xvda bs=1M seek=2 count=4 conv=fsync'
hush lin
works "shutdown" $HL shutdown -w lin
umount /small

# ---- what cannot be ---------------------------------------------------------------------------------
refuses "an image that is no qcow2" 'no qcow2 image' $HL create "$(reader bad '/disks/raw.img,qcow2,xvda,w')"
refuses "an image that is not there" 'nothere' $HL create "$(reader bad '/disks/nothere,qcow2,xvda,w')"
refuses "a server that is not there" 'nbd|NBD' $HL create "$(reader bad 'nbd+unix:///x?socket=/nothere,raw,xvda,w')"
refuses "a format that is not supported" 'qed' $HL create "$(reader bad '/disks/raw.img,qed,xvda,w')"

gone_all()
{
    [ -z "$(server)" ] && [ -z "$(ls /run/hospes/block 2>/dev/null)" ]
}
becomes "no program and no file of it is left" 20 gone_all
gone_all || echo "# left: $(server) $(ls /run/hospes/block) $(xenstore-ls /local/domain/0/backend)"
nothing_left "nothing is left behind" 20
finish
