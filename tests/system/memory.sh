# SPDX-License-Identifier: GPL-2.0-or-later
# Memory of guests that follows what they are told, claims, Domain 0 that makes room, and what is said
# when there is none.
. /tests/lib.sh

host_free=$(free_memory)

# ---- a guest below its maximum, made larger and smaller --------------------------------------------
cfg=$(config one 'memory = 128' 'maxmem = 224')
works "create with maxmem" $HL create "$cfg" || finish
id=$($HL domid one)
is "static-max" $((224 * 1024)) "$(xenstore-read "/local/domain/$id/memory/static-max")"
is "target" $((128 * 1024)) "$(xenstore-read "/local/domain/$id/memory/target")"
becomes "it boots" 90 booted one

has()
{
    $HL list one | awk -v low="$1" -v high="$2" 'NR == 2 { exit !($3 >= low && $3 <= high) }'
}
becomes "it has what it was given" 5 has 126 129
talk one
total()
{
    ask one "awk '/^MemTotal/ { print int(\$2 / 1024) }' /proc/meminfo"
}
before=$(total)
works "mem-set up to its maximum" $HL mem-set one 224
becomes "it follows" 20 has 222 225
grown=$(total)
if [ "$grown" -ge $((before + 80)) ]; then ok "the guest sees it"; else fail "the guest sees it" "$before MiB, then $grown MiB"; fi
works "it can use it" ask one 'mkdir -p /big && mount -t tmpfs -o size=120m tmpfs /big && dd if=/dev/zero of=/big/file bs=1M count=90 && umount /big'
works "mem-set down" $HL mem-set one 112
becomes "it follows again" 30 has 110 114
refuses "mem-set above its maximum" 'max' $HL mem-set one 225
ours && refuses "mem-set of nothing" 'without memory' $HL mem-set one 0
refuses "mem-max below what it has" . $HL mem-max one 64
refuses "Domain 0 is not starved" 'least|minimum' $HL mem-set 0 64
if ours; then
    works "mem-max" $HL mem-max one 160
    works "mem-set up to that" $HL mem-set one 160
    becomes "it has that" 20 has 158 161
    refuses "but not above" 'maximum.*160' $HL mem-set one 161
fi
works "the guest is well" ask one true
hush one
works "destroy" $HL destroy one || tail -n 30 "$(console_log one)"
freed()
{
    [ "$(free_memory)" -ge $((host_free - 2)) ]
}
becomes "the host has it all again" 20 freed

# ---- claims -----------------------------------------------------------------------------------------
prints "claims" 'Name .*Time\(s\) +Claimed' $HL claims
prints "claims has Domain 0" '^Domain-0 .* 0$' $HL claims
prints "info has the claims" '^outstanding_claims *: 0$' $HL info
if ours; then
    die "$(pidof hospesd)"
    n=1
    while [ $n -lt 20 ]; do
        HOSPES_KILL_AT=$n $HL create -q -e -p "$(config "claim$n")" >$OUT 2>$ERR </dev/null
        $HL claims | grep -q ' 96$' && break
        n=$((n + 1))
    done
    if [ $n -lt 20 ]; then ok "a guest that is being made has its memory claimed"; else fail "a guest that is being made has its memory claimed" "$(said)"; fi
    prints "info counts it" '^outstanding_claims *: 96$' $HL info
    works "hospesd starts" hospesd
    becomes "and what was claimed is free" 20 freed
    prints "nothing is claimed any more" '^outstanding_claims *: 0$' $HL info
    echo 'claim_mode=0' >/tmp/xl.conf
    export HOSPES_XL_CONF=/tmp/xl.conf
    works "create without a claim" $HL create -q -p "$(config one)"
    $HL destroy one
    unset HOSPES_XL_CONF
fi

# ---- a host without enough ----------------------------------------------------------------------------
works "a guest that holds something" $HL create -q -p "$(config one)"
lots=$(($(free_memory) + 60))
if ours; then
    refuses "more than is free" "MiB are free, [0-9]+ MiB are missing.*Domain-0 [0-9]+ MiB, one 96 MiB, the hypervisor [0-9]+ MiB" \
        $HL create -q -p "$(config big "memory = $lots")"
    refuses "and as JSON" '"cause": *".*Domain-0 [0-9]+ MiB' $HL --json create -q -p "$(config big "memory = $lots")"
    echo 'autoballoon="perhaps"' >/tmp/xl.conf
    export HOSPES_XL_CONF=/tmp/xl.conf
    refuses "a bad word in xl.conf" "autoballoon is 'perhaps'.*auto" $HL create -q -p "$(config big "memory = $lots")"
    echo 'autoballoon="on"' >/tmp/xl.conf
    dom0=$($HL list 0 | awk 'NR == 2 { print $3 }')
    works "autoballoon makes room" $HL create -q -p "$(config big "memory = $lots")"
    dom0_now=$($HL list 0 | awk 'NR == 2 { print $3 }')
    if [ "$dom0_now" -le $((dom0 - 50)) ] && [ "$dom0_now" -ge $((dom0 - 90)) ]; then
        ok "Domain 0 gave it"
        echo "# Domain 0: $dom0 MiB, then $dom0_now MiB"
    else
        fail "Domain 0 gave it" "$dom0 MiB, then $dom0_now MiB"
    fi
    target=$(xenstore-read /local/domain/0/memory/target)
    refuses "more than Domain 0 can give" "MiB are missing.*big $lots MiB" $HL create -q -p "$(config huge 'memory = 5000')"
    is "Domain 0's target is as before that" "$target" "$(xenstore-read /local/domain/0/memory/target)"
    works "destroy the big one" $HL destroy big
    works "Domain 0 takes its memory back" $HL mem-set 0 "$dom0"
    grown()
    {
        [ "$($HL list 0 | awk 'NR == 2 { print $3 }')" -ge $((dom0 - 1)) ]
    }
    becomes "and has it" 20 grown
    unset HOSPES_XL_CONF
else
    refuses "more than is free" . $HL create -q -p "$(config big "memory = $lots")"
fi
works "destroy the small one" $HL destroy one
becomes "the host has it all at the end" 20 freed
audited "audit after all that"
finish
