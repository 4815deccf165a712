#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hospes-bootloader on disk images: tables and file systems made by the usual tools, broken ones, and what the process
# that reads them may do.
#     tests/unit/bootloader.sh build/bin/hospes-bootloader build/test/bootloader_run
LOADER=$(realpath "$1")
RUN=$(realpath "$2")
PATH=$(dirname "$LOADER"):$PATH:/usr/sbin:/sbin
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
failures=0
cd "$DIR" || exit 1
mkdir out

# verdict NAME STATUS [why]
verdict()
{
    if [ "$2" = 0 ]; then
        echo "ok bootloader_$1"
    else
        echo "not ok bootloader_$1: ${3:-} $(cat said 2>/dev/null | tr '\n' ' ')"
        failures=$((failures + 1))
    fi
}

# boots NAME IMAGE [OPTION...]: kernel, ramdisk and words come out as they went in.
boots()
{
    local name=$1 image=$2
    shift 2
    rm -f out/*
    "$LOADER" -q "$@" --output-format=simple --output-directory=out --output=result "$image" >said 2>&1 &&
        cmp -s root/boot/vmlinuz "$(sed -n 's/^kernel //p' result)" &&
        cmp -s root/boot/initrd "$(sed -n 's/^ramdisk //p' result)" &&
        [ "$(sed 1,2d result)" = "args ${WORDS:-root=LABEL=x ro quiet}" ]
    verdict "$name" $? "$(tr '\n' ' ' <result)"
}

# refuses NAME REGEX IMAGE [OPTION...]: it fails with that message, and leaves nothing.
refuses()
{
    local name=$1 regex=$2 image=$3
    shift 3
    rm -f out/*
    if "$LOADER" --output-directory=out "$@" "$image" >said 2>&1; then
        verdict "$name" 1 "it succeeded:"
    elif ! grep -qE "$regex" said; then
        verdict "$name" 1 "the message does not match '$regex':"
    else
        [ -z "$(ls out)" ]
        verdict "$name" $? "files are left"
    fi
}

# on_disk FILE SIZE START FS: a copy of the file system at byte START (a multiple of a megabyte) of a new disk.
on_disk()
{
    truncate -s "$2" "$1"
    dd if="$4" of="$1" bs=1M seek=$(($3 / 1048576)) conv=notrunc,sparse status=none
}

mkdir -p root/boot/grub root/empty
head -c 3000001 /dev/urandom >root/boot/vmlinuz
head -c 1234567 /dev/urandom >root/boot/initrd
printf '%s\n' 'set default=0' 'menuentry "One" {' ' linux /boot/vmlinuz root=LABEL=x ro quiet' \
    ' initrd /boot/initrd' '}' 'menuentry "Two" {' ' linux /boot/vmlinuz two' ' initrd /boot/initrd' '}' \
    'menuentry "Lost" {' ' linux /boot/lost' '}' >root/boot/grub/grub.cfg
for fs in ext2 ext3 ext4; do
    mke2fs -q -t $fs -d root $fs.img 16M >/dev/null 2>&1
    boots $fs $fs.img
done
mke2fs -q -t ext4 -b 4096 -O inline_data,64bit,bigalloc,metadata_csum -d root features.img 24M >/dev/null 2>&1
boots features features.img
# ---- other file systems ------------------------------------------------------------------------------
# Folders that do not fit into a block, links short and long (mkfs makes a wrong long one in version 5).
many=$(for i in $(seq 150); do echo "a-file-with-a-long-name-$i ---644 0 0 root/boot/grub/grub.cfg"; done)
# xfs_root LINK
xfs_root()
{
    printf '%s\n' /dev/null '0 0' 'd--755 0 0' 'boot d--755 0 0'
    printf '%s\n' 'grub d--755 0 0' 'grub.cfg ---644 0 0 root/boot/grub/grub.cfg' '$' "$many"
    printf '%s\n' 'kernels d--755 0 0' 'vmlinuz-1 ---644 0 0 root/boot/vmlinuz' '$'
    printf '%s\n' "vmlinuz l--777 0 0 /boot/$1kernels/../kernels/vmlinuz-1" 'initrd ---644 0 0 root/boot/initrd' '$' '$'
}
for options in '-m crc=1 -b size=4096' '-m crc=1 -b size=1024' '-m crc=0,finobt=0 -b size=1024 -i size=256' \
    '-m crc=0,finobt=0 -b size=512 -i size=256 -n size=4096,ftype=1'; do
    truncate -s 24M xfs.img
    case $options in
    *crc=1*) xfs_root '' >proto ;;
    *) xfs_root "$(printf './%.0s' $(seq 300))" >proto ;;
    esac
    # A small one is not for use, says mkfs.
    mkfs.xfs --unsupported -q -f $options -p proto xfs.img >said 2>&1
    boots "xfs_$(echo "$options" | tr -c 'a-z0-9\n' '_')" xfs.img
done
for bits in 12 16 32; do
    rm -f fat.img
    truncate -s "$((bits == 12 ? 8 : bits == 16 ? 48 : 300))M" fat.img
    mkfs.fat -F "$bits" fat.img >said 2>&1
    mcopy -s -i fat.img root/boot :: >>said 2>&1
    boots "fat$bits" fat.img
done
# Entries by name, with cases and characters that only long names have.
mkdir -p esp/loader/entries esp/EFI
cp root/boot/vmlinuz "esp/EFI/A kernel's näme, of more than 26 characters"
cp root/boot/initrd esp/INITRD.IMG
printf '%s\n' 'title Debian' 'version 1' "linux /efi/a kernel's näme, of more than 26 characters" 'initrd /initrd.img' \
    'options root=LABEL=x ro' 'options quiet' >esp/loader/entries/debian-6.1.0-9.conf
sed 's/x ro/old/' esp/loader/entries/debian-6.1.0-9.conf >esp/loader/entries/debian-6.1.0-10~rc1.conf
printf '%s\n' 'timeout 3' 'default debian-*-9.conf' >esp/loader/loader.conf
rm -f fat.img
truncate -s 8M fat.img
mkfs.fat fat.img >said 2>&1
LC_ALL=C.UTF-8 mcopy -s -i fat.img esp/* :: >>said 2>&1
boots systemd_boot fat.img
"$LOADER" -l fat.img >said 2>&1 && [ "$(cat said)" = "$(printf '0: Debian\n1: Debian')" ]
verdict systemd_boot_list $?
for rr in '-r -J' '-r' '-J' ''; do
    xorriso -as mkisofs -quiet -iso-level 3 $rr -o iso.img root >said 2>&1
    boots "iso_9660_${rr//[ -]/}" iso.img
done
(
    # As on installation discs: a table of partitions, and links.
    mkdir -p disc
    cp -r root/boot disc/
    mv disc/boot/vmlinuz disc/vmlinuz-1
    ln -s ../kernels/v disc/boot/vmlinuz
    mkdir disc/links
    ln -s links disc/kernels
    ln -s ../vmlinuz-1 disc/links/v
    xorriso -as mkisofs -quiet -r -partition_offset 16 -append_partition 2 0xef fat.img -o iso.img disc
) >said 2>&1
boots iso_9660_hybrid iso.img
# Red Hat's kin: a /boot of its own, XFS, entries apart from grub.cfg.
printf '%s\n' 'set default="${saved_entry}"' 'insmod blscfg' blscfg >blscfg.cfg
printf '%s\n' '# GRUB Environment Block' saved_entry=m-2 'kernelopts=root=LABEL=x ro quiet ' '####' >grubenv
printf '%s\n' 'title Rocky' 'linux /vmlinuz-2' 'initrd /initrd-2 $tuned_initrd' 'options $kernelopts $tuned_params' >m-2.conf
printf '%s\n' 'title Rocky, newer' 'linux /vmlinuz-2' 'initrd /initrd-2' 'options new' >m-10.conf
printf '%s\n' /dev/null '0 0' 'd--755 0 0' 'grub2 d--755 0 0' 'grub.cfg ---644 0 0 blscfg.cfg' \
    'grubenv ---644 0 0 grubenv' '$' 'loader d--755 0 0' 'entries d--755 0 0' 'm-2.conf ---644 0 0 m-2.conf' \
    'm-10.conf ---644 0 0 m-10.conf' '$' '$' 'vmlinuz-2 ---644 0 0 root/boot/vmlinuz' \
    'initrd-2 ---644 0 0 root/boot/initrd' '$' >proto
truncate -s 24M xfs.img
mkfs.xfs --unsupported -q -f -p proto xfs.img >said 2>&1
boots blscfg xfs.img
WORDS=new boots blscfg_by_number xfs.img --entry=0

WORDS="two more" boots entry_by_number ext4.img --entry=1 --args=more
WORDS="two" boots entry_by_title ext4.img --entry=Two
# The last result was longer: nothing of it stays.
WORDS="a b" boots kernel_by_name ext4.img --kernel=/boot/vmlinuz --ramdisk=/boot/initrd "--args=a b"

# ---- tables, formats ---------------------------------------------------------------------------------
on_disk mbr.img 40M 16777216 ext4.img
printf '%s\n' 'label: dos' '2048,4096,82' '32768,32768,83,*' | sfdisk -q mbr.img
boots mbr mbr.img
on_disk logical.img 64M 33554432 ext4.img
printf '%s\n' 'label: dos' '2048,4096,83' '8192,,E' '10240,2048,83' '65536,32768,83' | sfdisk -q logical.img
boots logical_partition logical.img
on_disk gpt.img 64M 33554432 ext4.img
printf '%s\n' 'label: gpt' '2048,4096,U' '65536,32768,L' | sfdisk -q gpt.img
boots gpt gpt.img
boots offset gpt.img --offset=33554432
qemu-img convert -O qcow2 -c gpt.img gpt.qcow2
boots qcow2 gpt.qcow2 --format=qcow2
(
    # A /boot of its own, and its links.
    mkdir -p apart
    cp -r root/boot/* apart/
    mv apart/vmlinuz apart/vmlinuz-1
    ln -s vmlinuz-1 apart/vmlinuz
    sed -i 's|/boot/|/|' apart/grub/grub.cfg
    mke2fs -q -t ext4 -d apart apart.img 16M
) >/dev/null 2>&1
boots boot_apart apart.img
# A guest that shares its disk (access w!) is at work on it.
coproc python3 -c 'import fcntl, struct, sys
f = open("ext4.img", "r+b")
fcntl.fcntl(f, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
print(flush=True)
sys.stdin.read()'
read -r -u "${COPROC[0]}"
boots locked ext4.img
eval "exec ${COPROC[1]}>&-"
wait

# ---- lists and formats of the result ---------------------------------------------------------------
"$LOADER" -l ext4.img >said 2>&1 && [ "$(cat said)" = "$(printf '0: One\n1: Two\n2: Lost')" ]
verdict list $?
"$LOADER" --output-directory=out --output-format=simple0 ext4.img | tr '\0' '\n' >said &&
    grep -q '^kernel out/boot_kernel\.' said && grep -q '^ramdisk out/boot_ramdisk\.' said && [ "$(wc -l <said)" = 3 ]
verdict simple0 $?
"$LOADER" --output-directory=out ext4.img >said &&
    grep -qE '^linux \(kernel out/boot_kernel\.[^ )]+\)\(ramdisk out/boot_ramdisk\.[^ )]+\)\(args "root=LABEL=x ro quiet"\)$' said
verdict sxp $?


# ---- the menu, for a program ------------------------------------------------------------------------
{ echo 'set timeout=9'; sed 's/default=0/default=1/' root/boot/grub/grub.cfg; } >grub.cfg
cp ext4.img menu.img
debugfs -w -R 'rm /boot/grub/grub.cfg' menu.img 2>/dev/null
debugfs -w -R 'write grub.cfg /boot/grub/grub.cfg' menu.img >/dev/null 2>&1
"$LOADER" --menu menu.img >said 2>&1 &&
    [ "$(cat said)" = "$(printf 'default 1\ntimeout 9\nentry One\nentry Two\nentry Lost')" ]
verdict menu $?
"$LOADER" --menu ext4.img >said 2>&1 && ! grep timeout said && grep -q '^default 0$' said
verdict menu_without_timeout $?
status=0
for words in -q --entry=1 --kernel=/boot/vmlinuz; do
    "$LOADER" --menu $words menu.img >said 2>&1 && [ ! -s said ] || status=1
done
verdict menu_with_nothing_to_choose $status
# A title is the guest's: it is no command to the terminal, and no line of its own.
printf 'menuentry "a\033[2Jb\177c\nentry d\302\233e\303\244f\377\303" {\n linux /boot/vmlinuz\n}\n' >grub.cfg
debugfs -w -R 'rm /boot/grub/grub.cfg' menu.img 2>/dev/null
debugfs -w -R 'write grub.cfg /boot/grub/grub.cfg' menu.img >/dev/null 2>&1
"$LOADER" --menu menu.img >said 2>&1 &&
    [ "$(cat said)" = "$(printf 'default 0\nentry a?[2Jb?c entry d??e\303\244f??')" ]
verdict menu_of_a_hostile_guest $?
"$LOADER" -l menu.img >said 2>&1 && [ "$(cat said)" = "$(printf '0: a?[2Jb?c entry d??e\303\244f??')" ]
verdict list_of_a_hostile_guest $?

# ---- as hl does it ------------------------------------------------------------------------------------
[ "$("$RUN" gpt.qcow2 qcow2 'a b' 2>said)" = "root=LABEL=x ro quiet a b" ] && cmp root/boot/vmlinuz got.kernel >>said &&
    cmp root/boot/initrd got.ramdisk >>said
verdict for_hl $?
[ "$(BOOT_MENU=1 "$RUN" gpt.qcow2 qcow2 'a b' 2>said)" = "$(printf 'default 0\nentry One\nentry Two\nentry Lost')" ]
verdict menu_for_hl $?
[ -z "$(BOOT_MENU=1 "$RUN" gpt.qcow2 qcow2 'a b' -q 2>said)" ]
verdict no_menu_for_hl $?
! BOOT_MENU=1 "$RUN" none.img raw '' >said 2>&1 && grep -q 'No such file' said
verdict menu_of_nothing_for_hl $?
[ "$(BOOT_ENTRY=1 "$RUN" ext4.img raw '' --entry=0 2>said)" = two ]
verdict chosen_for_hl $?
[ "$("$RUN" ext4.img raw '' -q --entry=Two 2>said)" = two ]
verdict for_hl_with_arguments $?
! "$RUN" ext4.img raw '' --entry=9 >said 2>&1 && grep -q "find a kernel on the guest's disk .*has no entry" said
verdict for_hl_without_entry $?
! "$RUN" ext4.img raw '' -l >said 2>&1 && grep -q 'found no kernel' said
verdict for_hl_with_a_list $?
! "$RUN" -x raw '' >said 2>&1 && grep -q 'No such file' said
verdict for_hl_with_a_strange_name $?

# ---- what cannot be --------------------------------------------------------------------------------
refuses no_image 'nothere' nothere
refuses no_such_entry 'grub.cfg has no entry "7"' ext4.img --entry=7
refuses no_such_kernel 'the kernel /boot/lost, which /boot/grub/grub.cfg names, is not there' ext4.img --entry=Lost
refuses no_such_path 'looked for /boot/none' ext4.img --kernel=/boot/none
truncate -s 20M zeros.img
refuses nothing_there 'looked for a grub.cfg.*the disk as a whole: there is no file system' zeros.img
mkdir -p bare/etc
mke2fs -q -t ext4 -d bare bare.img 8M >/dev/null 2>&1
on_disk two.img 40M 16777216 bare.img
printf '%s\n' 'label: dos' '2048,4096,82' '32768,16384,83,*' | sfdisk -q two.img
refuses no_menu 'MBR.*partition 2: not there; partition 1: there is no file system' two.img
printf _BHRfS_M | dd of=zeros.img bs=1 seek=65600 conv=notrunc status=none
refuses another_file_system 'btrfs, which is not supported' zeros.img
cp ext4.img cut.img
truncate -s 2M cut.img
refuses cut_short 'cut short' cut.img
refuses offset_beyond 'ends before the offset' ext4.img --offset=1099511627776
refuses not_qcow2 'qcow2' ext4.img --format=qcow2
refuses no_folder 'make a file in' ext4.img --output-directory=/nowhere

# Damaged at random places of the metadata: it ends, by itself, with or without a kernel.
# damaged FILE START LENGTH
damaged()
{
    cp --sparse=always "$1" damaged.img
    python3 - "$LOADER" "$2" "$3" >said 2>&1 <<'PY'
import os, random, shutil, subprocess, sys
loader, start, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(1)
image = os.open('damaged.img', os.O_RDWR)
for round in range(40):
    was = {}
    for i in range(8):
        at = start + random.randrange(length)
        was.setdefault(at, os.pread(image, 1, at))
        os.pwrite(image, bytes([random.randrange(256)]), at)
    shutil.rmtree('out')
    os.mkdir('out')
    status = subprocess.run([loader, '--output-directory=out', 'damaged.img'], capture_output=True, timeout=600).returncode
    if status not in (0, 1):
        sys.exit(f'status {status} in round {round}')
    for at, byte in was.items():
        os.pwrite(image, byte, at)
PY
    verdict "damaged_$1" $?
}
damaged ext4.img 1024 400000
damaged iso.img 32768 30000

[ $failures = 0 ]
