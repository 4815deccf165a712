# SPDX-License-Identifier: GPL-2.0-or-later
# Hostile block frontends (tests/front/hostile_block.c) against hospes-block and against the kernel's xen-blkback, beside
# victims whose disks the same two serve: each wrong is answered or ends the device, the device can be used again, the
# victims notice nothing, and nothing is left.
. /tests/lib.sh
. /tests/hostile-lib.sh

last_beat()
{
    grep -a '^beat' "$(console_log "$1")" | tail -n 1 | tr -dc 0-9
}

# Beats twice from here on, and has never complained.
lives()
{
    local before
    before=$(last_beat "$1")
    soon 10 sh -c "[ \$(grep -ac '^beat' '$(console_log "$1")') -ge $((${before:-0} + 2)) ]" &&
        ! grep -aq '^not ok' "$(console_log "$1")"
}

victims_live()
{
    if lives vq && lives vk; then
        ok "$1: the victims notice nothing"
    else
        fail "$1: the victims notice nothing" "$(grep -ah '^not ok' "$(console_log vq)" "$(console_log vk)" | head -n 3 | tr '\n' ' ')"
    fi
}

available()
{
    echo 3 >/proc/sys/vm/drop_caches
    awk '/^MemAvailable/ { print $2 }' /proc/meminfo
}

mkdir -p /disks
for disk in vq vk q k; do
    dd if=/dev/zero of=/disks/$disk.img bs=1M count=8 2>/dev/null
done
by_us='xvda,w,backendtype=qdisk'
by_kernel='xvda,w'
works "create a victim of hospes-block" $HL create -q "$(small vq front-beat.elf '' "disk = [ '/disks/vq.img,raw,$by_us' ]")"
works "create a victim of the kernel" $HL create -q "$(small vk front-beat.elf '' "disk = [ '/disks/vk.img,raw,$by_kernel' ]")"
becomes "they work" 20 sh -c "grep -aq '^beat 2' '$(console_log vq)' && grep -aq '^beat 2' '$(console_log vk)'"
snapshot /tmp/before
before=$(available)

works "create one against hospes-block" $HL create -q "$(small hospes front-hostile_block.elf '' "disk = [ '/disks/q.img,raw,$by_us' ]")"
works "create one against the kernel" $HL create -q "$(small kernel front-hostile_block.elf 'kernel' "disk = [ '/disks/k.img,raw,$by_kernel' ]")"
for name in hospes kernel; do
    verdicts $name 20
    becomes "$name: it is gone" 20 gone $name
done
victims_live "afterwards"

# The tools, and a guest that says that another's back end is its own.
other=/local/domain/0/backend/qdisk/$($HL domid vq)/51712
works "create one that takes a stranger's back end" $HL create -q "$(small liar front-hostile_block.elf \
    "only=backend_of_another victim=$other" "disk = [ '/disks/q.img,raw,$by_us' ]" 'on_reboot = "preserve"')"
verdicts liar 1
prints "its list is that of its own disk" '^51712 ' $HL block-list liar
if grep -q "/qdisk/$($HL domid vq)/" $OUT; then
    fail "the list does not believe it" "$(said)"
else
    ok "the list does not believe it"
fi
works "detach" $HL block-detach --force liar xvda
works "destroy" $HL destroy liar
victims_live "liar"

becomes "one server is left, the victim's" 20 sh -c '[ "$(pidof hospes-block | wc -w)" = 1 ]'
nothing_left "nothing is left behind" 20
after=$(available)
echo "# Domain 0 has $before kB, then $after kB available"
if [ $((before - after)) -lt 8192 ]; then
    ok "Domain 0 has its memory"
else
    fail "Domain 0 has its memory" "$before kB, then $after kB"
fi
kernel_is_well
audited "the audit finds all consistent"
works "destroy a victim" $HL destroy vq
works "destroy the other" $HL destroy vk
finish
