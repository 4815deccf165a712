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

# ---- a boot loader in Domain 0 -------------------------------------------------------------------
if ours; then
    works "create with bootloader=" $HL create "$(own pygrub 'bootloader = "/usr/lib/xen-4.17/bin/pygrub"' 'extra = "more=words"')"
    becomes "the disk's kernel boots" 60 booted pygrub
    talk pygrub
    prints "its words, and those of the configuration" 'entry=second more=words' ask pygrub 'cat /proc/cmdline'
    works "another entry becomes the default, and the menu waits" ask pygrub \
        'modprobe -a ext4 crc32c_generic; mkdir -p /mnt; mount -t ext4 /dev/xvda /mnt &&
         sed -i -e s/default=1/default=2/ -e s/timeout=0/timeout=-1/ /mnt/boot/grub/grub.cfg && umount /mnt && sync'
    hush pygrub
    prints "list -l has the boot loader" '"bootloader": "/usr/lib/xen-4.17/bin/pygrub"' $HL list -l pygrub
    works "reboot" $HL reboot pygrub
    becomes "it boots again" 60 times_booted pygrub 2
    talk pygrub
    prints "the disk was read again" 'entry=third more=words' ask pygrub 'cat /proc/cmdline'
    hush pygrub
    works "destroy" $HL destroy pygrub

    # ---- its menu, on the terminal of hl create -c ------------------------------------------------
    own menu 'bootloader = "pygrub"' >/dev/null
    mkfifo /tmp/keys
    # at_terminal: hl create -c there; what it shows is in /tmp/screen, what it ends with in /tmp/ended.
    at_terminal()
    {
        rm -f /tmp/ended
        : >/tmp/screen
        { script -qec "$HL create -c /tmp/menu.cfg" /dev/null <>/tmp/keys >/tmp/screen 2>&1; echo $? >/tmp/ended; } &
    }
    at_terminal
    becomes "create -c shows the menu" 20 grep -qa 'Enter: boot' /tmp/screen
    prints "with its entries, the default marked" '> The third' cat /tmp/screen
    printf 'q' 1<>/tmp/keys
    becomes "who gives up" 20 test -s /tmp/ended
    is "gets an error" 1 "$(cat /tmp/ended)"
    prints "that says so" 'nothing was chosen' cat /tmp/screen
    if $HL domid menu >$OUT 2>&1; then fail "and no guest" "$(said)"; else ok "and no guest"; fi
    at_terminal
    becomes "the menu again" 20 grep -qa 'Enter: boot' /tmp/screen
    printf '\033[A\r' 1<>/tmp/keys
    becomes "what was chosen boots on the same terminal" 120 grep -qa '^guest ready' /tmp/screen
    printf '\035' 1<>/tmp/keys
    becomes "the terminal is free again" 20 test -s /tmp/ended
    talk menu
    prints "it is the second entry" 'entry=second' ask menu 'cat /proc/cmdline'
    hush menu
    works "reboot" $HL reboot menu
    becomes "nobody is asked" 60 times_booted menu 2
    talk menu
    prints "the default boots" 'entry=third' ask menu 'cat /proc/cmdline'
    hush menu
    works "destroy" $HL destroy menu
    rm -f /tmp/keys

    dd if=/dev/zero of=/disks/empty.img bs=1M count=4 2>/dev/null
    refuses "a disk with nothing on it" 'looked for a grub.cfg.*no file system' \
        $HL create "$(own none 'bootloader = "pygrub"' "disk = [ '/disks/empty.img,raw,xvda,w' ]")"
    refuses "an entry that is not there" 'has no entry "9"' \
        $HL create "$(own none 'bootloader = "pygrub"' 'bootloader_args = "--entry=9"')"
    refuses "a boot loader that is not known" 'bootloader must be' $HL create "$(own none 'bootloader = "/bin/true"')"
fi

nothing_left "nothing is left behind" 20
finish
