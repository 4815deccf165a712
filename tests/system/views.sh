# SPDX-License-Identifier: GPL-2.0-or-later
# What Linux sees of the machine, from where this runs (Domain 0, or a guest in which it was put): lines
# `view KEY VALUE`, to be compared with what it sees on another hypervisor. Busybox's shell.
view()
{
    key=$1
    shift
    echo "view $key $*"
}

# The lines of a file as one.
flat()
{
    tr '\n' ' ' <"$1" | tr -cd ' -~' | sed 's/ *$//'
}

view cpus "$(grep -c '^processor' /proc/cpuinfo)"
for flag in $(sed -n 's/^flags[^:]*: //p' /proc/cpuinfo | head -n 1); do
    view "flag.$flag" yes
done
for key in vendor_id "cpu family" model "model name" stepping "clflush size" cache_alignment "address sizes" bugs; do
    view "cpuinfo.$(echo "$key" | tr ' ' _)" "$(sed -n "s/^$key[^:]*: //p" /proc/cpuinfo | head -n 1)"
done
[ "$(sed -n 's/^siblings[^:]*: //p' /proc/cpuinfo | head -n 1)" ] &&
    view cpuinfo.siblings "$(sed -n 's/^siblings[^:]*: //p' /proc/cpuinfo | head -n 1)"
/tests/view cpuid
insmod /tests/msr.ko 2>/dev/null
/tests/view msr

for file in $(find /sys/hypervisor -type f | sort); do
    key=sys.$(echo "${file#/sys/hypervisor/}" | tr / .)
    case $key in
    *uuid) [ "$(wc -c <"$file")" = 37 ] && view "$key" some ;;
    *) view "$key" "$(flat "$file" 2>/dev/null)" ;;
    esac
done
for file in /proc/xen/*; do
    [ -e "$file" ] && view "proc.xen.$(basename "$file")" "$(ls -ld "$file" | cut -c1-10)"
done
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
