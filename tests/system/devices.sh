# SPDX-License-Identifier: GPL-2.0-or-later
# Domain 0 drives the machine's devices: each disk of the lab holds the same known bytes, and is read
# through a controller with another kind of interrupt.
. /tests/lib.sh

# reads NAME MODULES DEVICE IRQ-REGEX
reads()
{
    local name=$1 modules=$2 device=$3 irq=$4
    for module in $modules; do
        modprobe "$module" 2>/dev/null
    done
    if ! soon 30 test -b "/dev/$device"; then
        fail "$name" "there is no /dev/$device: $(dmesg | tail -n 2 | tr '\n' ' ')"
        return
    fi
    is "$name: what the disk holds" "$LAB_sum" "$(within 60 dd if="/dev/$device" bs=64k count=16 2>/dev/null | md5sum | cut -d' ' -f1)"
    if grep -qE "$irq" /proc/interrupts && grep -E "$irq" /proc/interrupts | awk '{ for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) n += $i } END { exit !n }'; then
        ok "$name: its interrupt came"
    else
        fail "$name: its interrupt came" "$(grep -E "$irq" /proc/interrupts)"
    fi
}

case $LAB_machine in
pc)
    # Event channels by Domain 0's own device.
    modprobe xen-evtchn 2>/dev/null
    works "whoever waits for event channels is told of each" /tests/ports 1000
    reads "IDE, ISA interrupt" "sd_mod ata_piix" sda 'ata_piix'
    ;;
q35) reads "AHCI, MSI" "sd_mod ahci" sda 'ahci' ;;
esac
reads "virtio, MSI-X" "virtio_pci virtio_blk" vda 'virtio'
modprobe e1000
becomes "e1000, I/O APIC interrupt: its link comes up" 20 sh -c 'ip link set eth0 up && sleep 1 && grep -q 1 /sys/class/net/eth0/carrier'
finish
