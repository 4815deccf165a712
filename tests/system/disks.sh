# SPDX-License-Identifier: GPL-2.0-or-later
# Disks of guests: files and block devices, written and read on both sides; attached, detached, listed;
# media; and nothing left of any of it.
. /tests/lib.sh

# Noise of known content; $1 MiB into file $2.
noise()
{
    dd if=/dev/urandom of="$2" bs=1M count="$1" 2>/dev/null
}

sum()
{
    md5sum "$1" | cut -d' ' -f1
}

mkdir -p /disks
noise 8 /disks/root.img
noise 4 /disks/two.img
noise 2 /disks/cd.iso
noise 2 /disks/cd2.iso
modprobe -a loop xen-blkback ext4
dd if=/dev/zero of=/disks/block.img bs=1M count=8 2>/dev/null
losetup /dev/loop7 /disks/block.img
mke2fs /dev/loop7 >/dev/null 2>&1
# Debian's tools want a device where ours take a file.
if ours; then
    first=/disks/root.img
    second=/disks/two.img
else
    losetup /dev/loop6 /disks/root.img
    losetup -r /dev/loop5 /disks/two.img
    first=/dev/loop6
    second=/dev/loop5
fi
# Linux would wait for it to connect, for five minutes.
empty=
ours && empty=", ',xvdh:cdrom,r'"
snapshot /tmp/before

# ---- a guest with three disks ------------------------------------------------------------------
before=$(sum /disks/root.img)
cfg=$(config one 'memory = 160' "disk = [ 'phy:$first,xvda,w', '$second,raw,xvdb,r', 'vdev=xvdc, access=rw, target=/dev/loop7'$empty ]")
works "create with a file, a read-only file and a block device" $HL create "$cfg" || finish
id=$($HL domid one)
becomes "it boots" 90 booted one
talk one
is "the guest did not wait for its empty drive" 0 "$(ask one 'dmesg | grep -cE "Waiting for devices|Timeout connecting"')"
is "the guest reads what the file holds" "$before" "$(ask one 'md5sum </dev/xvda' | cut -d' ' -f1)"
is "and the read-only one" "$(sum /disks/two.img)" "$(ask one 'md5sum </dev/xvdb' | cut -d' ' -f1)"
is "its size" 8192 "$(ask one "awk '\$4 == \"xvda\" { print \$3 }' /proc/partitions")"
is "the read-only disk is read-only" 1 "$(ask one 'cat /sys/block/xvdb/ro')"
if ask one 'dd if=/dev/zero of=/dev/xvdb bs=4k count=1 conv=fsync' >$OUT; then
    fail "the guest cannot write to it" "it wrote"
else
    ok "the guest cannot write to it"
fi
becomes "the guest writes" 5 ask one 'dd if=/bin/busybox of=/dev/xvda bs=64k count=16 conv=fsync && sync'
guest=$(ask one 'echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/xvda bs=64k count=16 2>/dev/null | md5sum' | cut -d' ' -f1)
is "what it wrote is in the file" "$guest" "$(dd if=/disks/root.img bs=64k count=16 2>/dev/null | md5sum | cut -d' ' -f1)"
works "the guest makes files in a file system on the block device" ask one \
    'mkdir -p /mnt && mount -t ext4 /dev/xvdc /mnt && cp /bin/busybox /mnt/copy && sync && md5sum /mnt/copy && umount /mnt'
is "the read-only file is as it was" "$(sum /disks/two.img)" "$(ask one 'md5sum </dev/xvdb' | cut -d' ' -f1)"

# ---- lists ------------------------------------------------------------------------------------
prints "block-list has the columns" '^Vdev +BE +handle +state +evt-ch +ring-ref +BE-path' $HL block-list one
prints "block-list shows the first disk" "^51712 +0 +[0-9]+ +[^ ]+ +[0-9]+ +[0-9]+ +/local/domain/0/backend/vbd/$id/51712" $HL block-list one
ours && prints "states have names" '^51712 .* Connected ' $HL block-list one
prints "list -l has the disks" '"vdev": *"xvda"' $HL list -l one
for node in "device/vbd/51712/virtual-device 51712" "device/vbd/51712/device-type disk" "device/vbd/51712/state 4" \
    "device/vbd/51712/backend-id 0" "device/vbd/51712/backend /local/domain/0/backend/vbd/$id/51712"; do
    is "front end node ${node% *}" "${node#* }" "$(xenstore-read "/local/domain/$id/${node% *}")"
done
for node in "frontend /local/domain/$id/device/vbd/51712" "frontend-id $id" "online 1" "state 4" "dev xvda" "type phy" \
    "mode w" "device-type disk" "params $first" "hotplug-status connected" "bootable 1" "removable 0" "specification xen"; do
    is "back end node ${node% *}" "${node#* }" "$(xenstore-read "/local/domain/0/backend/vbd/$id/51712/${node% *}")"
done
is "libxl's copy" "/local/domain/0/backend/vbd/$id/51712" "$(xenstore-read "/libxl/$id/device/vbd/51712/backend")"

# ---- attach and detach --------------------------------------------------------------------------
noise 3 /disks/three.img
third=/disks/three.img
if ! ours; then
    losetup /dev/loop4 /disks/three.img
    third=/dev/loop4
fi
works "block-attach" $HL block-attach one "$third,raw,xvdd,rw"
becomes "the guest sees the disk" 20 ask one 'test -b /dev/xvdd'
is "and what it holds" "$(sum /disks/three.img)" "$(ask one 'md5sum </dev/xvdd' | cut -d' ' -f1)"
ours && prints "a dry run says what it would be" '"vdev": *"xvde"' $HL -N block-attach one "$third,raw,xvde,rw"
ours && refuses "and that the domain is not there" 'nothere' $HL -N block-attach nothere "$third,raw,xvde,rw"
refuses "the same vdev twice" . $HL block-attach one "$third,raw,xvdd,rw"
works "block-detach" $HL block-detach one xvdd
becomes "the guest has lost it" 20 ask one 'test ! -e /dev/xvdd'
becomes "nothing of it is in the store" 5 sh -c "! xenstore-read /local/domain/0/backend/vbd/$id/51760/dev"
works "attach it again, by name" $HL block-attach one vdev=xvdd access=r "target=$third"
becomes "the guest sees it again" 20 ask one 'test -b /dev/xvdd'
works "block-detach by number" $HL block-detach one 51760
refuses "detach of what is not there" . $HL block-detach one xvdz
ours || losetup -d /dev/loop4

if ours; then
    # ---- media --------------------------------------------------------------------------------
    works "an empty drive" $HL block-attach one ',xvde:cdrom,r'
    works "cd-insert" $HL cd-insert one xvde /disks/cd.iso
    becomes "the guest has the medium" 20 ask one 'test -b /dev/xvde'
    is "it is what was inserted" "$(sum /disks/cd.iso)" "$(ask one 'md5sum </dev/xvde' | cut -d' ' -f1)"
    works "cd-insert of another" $HL cd-insert one xvde /disks/cd2.iso
    becomes "the guest reads the other" 20 sh -c ". /tests/lib.sh; ask one 'md5sum </dev/xvde' | grep -q '$(sum /disks/cd2.iso)'"
    works "cd-eject" $HL cd-eject one xvde
    becomes "the medium is gone" 20 ask one "test ! -e /sys/block/xvde"
    becomes "its loop device, too" 5 sh -c "! losetup -a | grep cd2.iso"
    refuses "cd-insert into a disk" 'no CD-ROM' $HL cd-insert one xvda /disks/cd.iso
    refuses "a medium that is not there" 'nothere' $HL cd-insert one xvde /disks/nothere
    prints "the drive is still there" '^51776 ' $HL block-list one
    works "another medium" $HL cd-insert one xvde /disks/cd.iso
    becomes "the guest has it" 20 ask one 'test -b /dev/xvde'
    refuses "and again one that is not there" 'nothere' $HL cd-insert one xvde /disks/nothere
    is "the guest keeps the one it had" "$(sum /disks/cd.iso)" "$(ask one 'md5sum </dev/xvde' | cut -d' ' -f1)"
    works "the drive goes" $HL block-detach one xvde

    # ---- who uses what ------------------------------------------------------------------------
    two="disk = [ '/disks/root.img,,xvda,w' ]"
    refuses "a disk that another guest writes" 'root\.img.*one|one.*writ' $HL create "$(config two "$two")"
    refuses "reading it, too" 'root\.img' $HL create "$(config two "disk = [ '/disks/root.img,,xvda,r' ]")"
    refuses "writing what another reads" 'two\.img' $HL block-attach one '/disks/two.img,,xvde,w'
    works "two may read" $HL block-attach one '/disks/two.img,,xvde,r'
    works "w! shares" $HL block-attach one '/disks/root.img,,xvdf,w!'
    works "detach one" $HL block-detach one xvde
    works "detach the other" $HL block-detach one xvdf
    noise 1 /disks/mounted.img
    losetup /dev/loop3 /disks/mounted.img && mke2fs /dev/loop3 >/dev/null 2>&1 && mkdir -p /mnt && mount -t ext4 /dev/loop3 /mnt
    refuses "a device that Domain 0 has mounted" 'mounted at /mnt' $HL block-attach one '/dev/loop3,,xvde,w'
    refuses "a file under a loop device" 'loop3' $HL block-attach one '/disks/mounted.img,,xvde,w'
    umount /mnt
    losetup -d /dev/loop3
    refuses "the same file twice" 'xvdb.*its disk xvda uses it for writing' $HL create \
        "$(config two "disk = [ '/disks/three.img,,xvda,w', '/disks/three.img,,xvdb,w' ]")"
    refuses "a file that is not there" 'nothere\.img' $HL create "$(config two "disk = [ '/disks/nothere.img,,xvda,w' ]")"
    refuses "a folder" 'neither a file' $HL create "$(config two "disk = [ '/disks,,xvda,w' ]")"
    refuses "a bad vdev, with its place" 'two\.cfg:[0-9]+:[0-9]+.*disk.*vdev' $HL create "$(config two "disk = [ '/disks/root.img,,zda,w' ]")"
    noise 1 /disks/none.img
    refuses "a qcow2 image that is none" 'no qcow2 image' $HL create "$(config two "disk = [ '/disks/none.img,qcow2,xvda,w' ]")"
fi

# ---- reboot -----------------------------------------------------------------------------------
if ours; then
    works "a drive, for its next life" $HL block-attach one '/disks/cd.iso,,xvde,cdrom'
    works "with another medium" $HL cd-insert one xvde /disks/cd2.iso
    works "an empty one" $HL block-attach one '/disks/cd.iso,,xvdf,cdrom'
    works "whose medium is taken out" $HL cd-eject one xvdf
    works "and a disk" $HL block-attach one '/disks/three.img,,xvdd,r'
fi
hush one
works "reboot" $HL reboot one
becomes "it has another domid" 90 sh -c "new=\$($HL domid one) && [ \$new != $id ]"
becomes "it boots again" 90 sh -c "[ \$(grep -ca '^guest ready' $(console_log one)) -ge 2 ]"
talk one
is "the disk holds what was written" "$guest" "$(ask one 'dd if=/dev/xvda bs=64k count=16 2>/dev/null | md5sum' | cut -d' ' -f1)"
if ours; then
    is "the drive has the medium that it had" "$(sum /disks/cd2.iso)" "$(ask one 'md5sum </dev/xvde' | cut -d' ' -f1)"
    is "the disk that was attached is there" "$(sum /disks/three.img)" "$(ask one 'md5sum </dev/xvdd' | cut -d' ' -f1)"
    prints "the empty drive, too" '^51792 ' $HL block-list one
    works "it takes a medium" $HL cd-insert one xvdf /disks/cd.iso
    becomes "the guest has it" 20 ask one 'test -b /dev/xvdf'
fi
hush one
works "shutdown" within 60 $HL shutdown -w one
becomes "it is gone" 10 gone one

nothing_left "nothing is left behind" 10
mkdir -p /mnt && mount -t ext4 /dev/loop7 /mnt
is "the file that the guest made" "$(sum /bin/busybox)" "$(sum /mnt/copy)"
umount /mnt
finish
