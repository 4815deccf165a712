# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels from the guest's own disk: Debian's GRUB for PV guests is the kernel, reads its grub.cfg and starts
# what that names; a reboot goes through it again.
. /tests/lib.sh

mkdir -p /disks
cp /tests/disk.ext4 /disks/
snapshot /tmp/before

# own NAME LINE...: a guest that boots from its disk.
own()
{
    local file=/tmp/$1.cfg
    {
        echo "name = \"$1\""
        echo "memory = 192"
        echo "disk = [ '/disks/disk.ext4,raw,xvda,w' ]"
        shift
        for line; do
            echo "$line"
        done
    } >"$file"
    echo "$file"
}

times_booted()
{
    [ "$(grep -ac '^guest ready' "$(console_log "$1")")" = "$2" ]
}

works "create with GRUB as kernel" $HL create "$(own pvgrub 'kernel = "/tests/grub-x86_64-xen.bin"')" || finish
becomes "GRUB starts the disk's kernel" 90 booted pvgrub
on_console pvgrub 'Welcome to GRUB' && ok "GRUB was there" || fail "GRUB was there"
talk pvgrub
prints "it is the entry that grub.cfg asks for" 'entry=first' ask pvgrub 'cat /proc/cmdline'
works "GRUB left the disk usable" ask pvgrub \
    'modprobe -a ext4 crc32c_generic; mkdir -p /mnt; mount -t ext4 /dev/xvda /mnt'
works "another entry becomes the default" ask pvgrub \
    'sed -i s/default=0/default=1/ /mnt/boot/grub/grub.cfg && umount /mnt && sync'
hush pvgrub
works "reboot" $HL reboot pvgrub
becomes "it boots once more" 120 times_booted pvgrub 2
talk pvgrub
prints "GRUB has read its file again" 'entry=second' ask pvgrub 'cat /proc/cmdline'
hush pvgrub
works "shutdown" $HL shutdown -w pvgrub
becomes "it is gone" 20 gone pvgrub

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
