# SPDX-License-Identifier: GPL-2.0-or-later
# Hostile guests (tests/guest/attack), one idea each, beside a victim that checks itself and a Domain 0 that works.
# Each must find everything refused, contained or harmless; then it ends, or is crashed alone, and nothing is left.
. /tests/lib.sh
LAB_only=${LAB_only:-.}

# small NAME VCPUS EXTRA: a configuration of the image with all attacks.
small()
{
    cat >"/tmp/$1.cfg" <<END
name = "$1"
kernel = "/tests/attack.elf"
memory = ${4:-12}
vcpus = $2
extra = "$3"
on_poweroff = "preserve"
on_crash = "preserve"
on_reboot = "preserve"
END
    echo "/tmp/$1.cfg"
}

last_beat()
{
    grep -a '^beat' "$(console_log victim)" | tail -n 1 | tr -d '\r'
}

# The victim beats twice from here on, and has never complained.
victim_lives()
{
    local before after
    before=$(last_beat | cut -d' ' -f2)
    soon 15 sh -c "[ \$(grep -ac '^beat' '$(console_log victim)') -ge $((${before:-0} + 2)) ]" || return 1
    ! grep -aq '^not ok' "$(console_log victim)"
}

stopped()
{
    state_is "$1" '^...s' || gone "$1"
}

domains()
{
    $HL list | awk 'NR > 1 { print $1, $2 }' | tr '\n' ' '
}

# Its last word is in the log. It may come there after it has stopped: some attacks close even their console's port.
told()
{
    if [ "$2" = ends ]; then
        grep -aqE '^(done|not ok)' "$1"
    else
        grep -aq '^held' "$1"
    fi
}

# attack CASE VCPUS may-crash|ends
attack()
{
    local name=$1 log verdict
    if ! $HL create -q "$(small attacker "$2" "case=$name victim=$victim ${LAB_seed:+seed=$LAB_seed}")" >$OUT 2>$ERR; then
        fail "$name" "create: $(said)"
        return
    fi
    log=$(console_log attacker)
    soon 20 stopped attacker && soon 5 told "$log" "$3"
    if ! stopped attacker; then
        fail "$name" "it does not end: $(tail -n 1 "$log")"
    elif grep -aq '^not ok' "$log"; then
        grep -a '^not ok' "$log" >$OUT
        fail "$name" "$(tr '\n' ' ' <$OUT | tail -c 300)"
    elif ! grep -aq '^held' "$log"; then
        fail "$name" "nothing was tried: $(tail -n 1 "$log")"
    elif [ "$3" = ends ] && ! grep -aq '^done' "$log"; then
        fail "$name" "it ended before its time: $(tail -n 1 "$log")"
    elif ! victim_lives; then
        fail "$name" "the victim: $(last_beat) $(grep -a '^not ok' "$(console_log victim)" | head -n 2)"
    else
        ok "$name ($(grep -ac '^held' "$log") attempts)"
    fi
    $HL destroy attacker >$OUT 2>$ERR || fail "$name/destroy" "$(said)"
    rm -f "$log"
}

works "create the victim" $HL create -q "$(small victim 1 "case=victim")" || finish
victim=$($HL domid victim)
becomes "the victim beats" 10 sh -c "grep -aq '^beat 2 ' '$(console_log victim)'"
works "create the one that knows the list" $HL create -q "$(small list 1 "case=list")"
becomes "it has told it" 10 stopped list
grep -a '^case ' "$(console_log list)" | tr -d '\r' >/tmp/list
$HL destroy list
is "attacks are known" yes "$([ "$(wc -l </tmp/list)" -gt 25 ] && echo yes)"

free=$(free_memory)
before=$(domains)
while read -r _ name vcpus end; do
    echo "$name" | grep -qE "$LAB_only" && attack "$name" "$vcpus" "$end"
done </tmp/list
is "the domains are those that were" "$before" "$(domains)"
same_memory()
{
    [ "$(free_memory)" = "$free" ]
}
becomes "all memory is back" 10 same_memory

# Who burns its vCPUs in the longest calls may not keep the others from their share: the victim, always
# ready now, gets a third of a CPU of the two at least (its share is more: 4 vCPUs want them).
$HL destroy victim
works "create a busy victim" $HL create -q "$(small victim 1 "case=victim busy")"
becomes "it beats" 15 sh -c "grep -aq '^beat 3 ' '$(console_log victim)'"
ran()
{
    $HL vcpu-list victim | awk 'NR == 2 { print $6 }'
}
works "create one that burns" $HL create -q "$(small attacker 2 "case=burning seconds=6" 16)"
becomes "it burns" 15 on_console attacker '^# burning'
# In four seconds, one after the other: where the machine stands still in one of them, it tells nothing.
shares()
{
    local i begin end ran ran2
    for i in 1 2 3 4; do
        begin=$(cut -d' ' -f1 /proc/uptime) ran=$(ran)
        sleep 1
        end=$(cut -d' ' -f1 /proc/uptime) ran2=$(ran)
        awk "BEGIN { printf \"%d\\n\", 100 * ($ran2 - $ran) / ($end - $begin) }"
    done | sort -n
}
share=$(shares | sed -n 3p)
echo "# the victim had $share % of a CPU beside two vCPUs that burn"
if [ "$share" -ge 33 ]; then
    ok "the victim's share beside burning vCPUs"
else
    fail "the victim's share beside burning vCPUs" "$share % of a CPU"
fi
becomes "the burning ends" 60 stopped attacker
works "destroy it" $HL destroy attacker
if victim_lives; then
    ok "the victim was never touched"
else
    fail "the victim was never touched" "$(grep -a '^not ok' "$(console_log victim)" | head -n 2)"
fi
works "destroy the victim" $HL destroy victim
# The hypervisor's own recount of every reference and type.
works "debug key I" $HL debug-keys I
becomes "the audit ends" 10 sh -c "$HL dmesg | grep -qE 'audit: (.*: consistent|[0-9]+ violations)'"
prints "the audit finds all consistent" 'audit: .*: consistent' $HL dmesg
works "Domain 0 works" sh -c '[ "$(seq 2000 | sort -rn | tail -n 1)" = 1 ]'
if $HL dmesg | grep -E 'Panic|Assertion|BUG' >$OUT; then
    fail "no word of trouble in the log" "$(said)"
else
    ok "no word of trouble in the log"
fi
finish
