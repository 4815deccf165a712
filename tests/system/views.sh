# SPDX-License-Identifier: GPL-2.0-or-later
# What Linux sees of the machine, from where this runs (Domain 0, or a guest in which it was put): lines
# `view KEY VALUE`, to be compared with what it sees on another hypervisor. Busybox's shell.
view()
{
    key=$1
    shift
    echo "view $key $*"
}

# The lines of a file as one, in $flat. All without a process, which QEMU's emulation makes dear.
flatten()
{
    local line
    flat=
    while read -r line || [ -n "$line" ]; do
        flat="$flat${flat:+ }$line"
    done <"$1"
} 2>/dev/null

view cpus "$(grep -c '^processor' /proc/cpuinfo)"
# The first CPU.
awk -F '[ \t]*: *' '
    /^$/ { exit }
    $1 == "flags" { n = split($2, flag, " "); for (i = 1; i <= n; i++) print "view flag." flag[i], "yes" }
    $1 ~ /^(vendor_id|cpu family|model|model name|stepping|clflush size|cache_alignment|address sizes|bugs|siblings)$/ {
        gsub(/ /, "_", $1); print "view cpuinfo." $1, $2
    }' /proc/cpuinfo
/tests/view cpuid
insmod /tests/msr.ko 2>/dev/null
/tests/view msr

for file in $(find /sys/hypervisor -type f | sort); do
    key=${file#/sys/hypervisor/}
    key=sys.${key//\//.}
    flatten "$file"
    case $key in
    *uuid) [ ${#flat} = 36 ] && view "$key" some ;;
    *) view "$key" "$flat" ;;
    esac
done
ls -l /proc/xen | awk 'NF > 8 { print "view proc.xen." $9, substr($1, 1, 10) }'
view proc.xen.capabilities "$(cat /proc/xen/capabilities 2>/dev/null)"
view clocksource "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
view clocksources "$(cat /sys/devices/system/clocksource/clocksource0/available_clocksource)"
view clockevent "$(cat /sys/devices/system/clockevents/clockevent0/current_device 2>/dev/null)"

# Interrupts: which there are; that the timer's come; that none storms.
counts()
{
    awk 'NR > 1 { n = 0; for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) n += $i
                  name = $1; if ($1 ~ /^[0-9]+:$/) name = $NF; if (name !~ /^evtchn:/) print name, n }' /proc/interrupts
}
counts >/tmp/interrupts.1
sleep 2
counts >/tmp/interrupts.2
awk '{ print $1 }' /tmp/interrupts.2 | sort -u | while read -r name; do
    view "interrupt.$name" yes
done
awk 'NR == FNR { before[$1] += $2; next }
     { moved = $2 - before[$1]; if ($1 ~ /^timer[0-9]/) timer += moved; if (moved > 20000) storm = storm " " $1 "=" moved }
     END { print "view interrupts.timer", (timer > 0 ? "moves" : "stands"); print "view interrupts.storm" (storm == "" ? " none" : storm) }' \
    /tmp/interrupts.1 /tmp/interrupts.2
