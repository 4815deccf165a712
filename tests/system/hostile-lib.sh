# SPDX-License-Identifier: GPL-2.0-or-later
# For the scripts with small guests of tests/front, after lib.sh.

# small NAME ELF EXTRA [LINE...]: its configuration's path.
small()
{
    local name=$1 elf=$2 extra=$3
    shift 3
    kit "$name" "$elf" 'vcpus = 2' "extra = \"$extra\"" 'on_reboot = "destroy"' "$@"
}

ended()
{
    grep -qa '^# end' "$(console_log "$1")"
}

# verdicts NAME COUNT: the guest's own lines, as ours, once it has come to its end; at least COUNT of its tests are good.
verdicts()
{
    becomes "$1: it comes to its end" 120 ended "$1"
    tr -d '\r' <"$(console_log "$1")" | grep -aE '^(ok|not ok|#) ' >/tmp/lines
    while read -r line; do
        case $line in
        "ok "*) ok "$1: ${line#ok }" ;;
        "not ok "*) line=${line#not ok } && fail "$1: ${line%%:*}" "${line#*: }" ;;
        *) echo "$line" ;;
        esac
    done </tmp/lines
    [ "$(grep -c '^ok ' /tmp/lines)" -ge "$2" ] || fail "$1: tests were run" "$(grep -c '^ok ' /tmp/lines) of $2"
}

# Words of Domain 0's kernel that are its own fault, not a guest's. xen-blkback warns of every connection that it could not
# make, of requests that it had not allocated yet (xen_blkif_disconnect); xen-netback's dev_warn() says WARNING of nothing.
kernel_is_well()
{
    if dmesg | grep -E 'BUG|Oops|WARNING: CPU|blocked for more' | grep -v 'xen_blkif_disconnect' >$OUT; then
        fail "no word of trouble from Domain 0's kernel" "$(said)"
    else
        ok "no word of trouble from Domain 0's kernel"
    fi
}
