# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts of tests/system share. They run in Domain 0 (busybox's shell), print one line a test
# (`ok NAME`, `not ok NAME: why`, `skip NAME: why`) and end with `finish`.
# With Debian's tools (lab.tools=xen) the tool is xl: what we test of hl must be true of xl, too, unless
# the test says that it is ours alone (`ours && ...`).
HL=hl
[ "$LAB_tools" = xen ] && HL=xl
failures=0
# As it is unpacked, where tests/lab/boot put that, too: unpacking is dear in QEMU's emulation.
PACKED_KERNEL=/boot/guest/vmlinuz
PACKED_RAMDISK=/boot/guest/initramfs.cpio.zst
KERNEL=/boot/guest/vmlinux
RAMDISK=/boot/guest/initramfs.cpio
if [ ! -e $KERNEL ]; then
    KERNEL=$PACKED_KERNEL
    RAMDISK=$PACKED_RAMDISK
fi
OUT=/tmp/out
ERR=/tmp/err

ours()
{
    [ "$LAB_tools" = hospes ]
}

ok()
{
    echo "ok $1"
}

fail()
{
    failures=$((failures + 1))
    echo "not ok $1: $2"
}

skip()
{
    echo "skip $1: $2"
}

finish()
{
    [ "$failures" = 0 ]
    exit
}

# The last thing that a command said, on one line.
said()
{
    # What the kernel says of programs that crash.
    dmesg | grep segfault | tail -n 1 >/tmp/segfault
    cat $ERR $OUT /tmp/segfault | tr '\n' ' ' | tail -c 300
}

# works NAME COMMAND...: it must succeed. Its output stays in $OUT and $ERR.
works()
{
    local name=$1 status
    shift
    "$@" >$OUT 2>$ERR </dev/null
    status=$?
    if [ $status = 0 ]; then
        ok "$name"
        return 0
    fi
    fail "$name" "'$*' ended with $status: $(said)"
    return 1
}

# prints NAME REGEX COMMAND...: it must succeed and print a line that matches.
prints()
{
    local name=$1 regex=$2 status
    shift 2
    "$@" >$OUT 2>$ERR </dev/null
    status=$?
    if [ $status != 0 ]; then
        fail "$name" "'$*' ended with $status: $(said)"
    elif ! grep -qE -- "$regex" $OUT; then
        fail "$name" "no line of '$*' matches '$regex': $(said)"
    else
        ok "$name"
    fi
}

# refuses NAME REGEX COMMAND...: it must fail (but not by a signal) and say why on stderr.
refuses()
{
    local name=$1 regex=$2 status
    shift 2
    "$@" >$OUT 2>$ERR </dev/null
    status=$?
    if [ $status = 0 ]; then
        fail "$name" "'$*' succeeded: $(said)"
    elif [ $status -ge 126 ] && [ $status -le 192 ]; then
        fail "$name" "'$*' died of status $status: $(said)"
    elif ! grep -qiE -- "$regex" $ERR; then
        fail "$name" "the message of '$*' does not match '$regex': $(said)"
    else
        ok "$name"
    fi
}

# is NAME EXPECTED ACTUAL
is()
{
    if [ "$2" = "$3" ]; then
        ok "$1"
    else
        fail "$1" "expected '$2', got '$3'"
    fi
}

# die PID...: killed, and waited for: a dying process holds its locks for a moment yet.
die()
{
    local pid
    kill -9 "$@" || return
    for pid; do
        # Whose parent does not ask is left as a zombie, which holds nothing.
        while grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" 2>/dev/null; do
            sleep 0.1
        done
    done
}

# soon SECONDS COMMAND...: try it until it succeeds. SECONDS is what a quiet machine needs at the most; a
# busy one gets eight times that, since time must not decide.
soon()
{
    local now rest begin most=$((8 * $1)) pause=0.2
    # In QEMU's emulation each process is dear: none to read the time, and less often what takes long.
    read -r now rest </proc/uptime
    begin=${now%.*}
    shift
    while ! "$@" >/dev/null 2>&1; do
        read -r now rest </proc/uptime
        [ $((${now%.*} - begin)) -lt $most ] || return 1
        [ $((${now%.*} - begin)) -lt 5 ] || pause=0.5
        sleep $pause
    done
}

# within SECONDS COMMAND...: it is ended when it has not come to its end by then, with the same patience.
within()
{
    local most=$((8 * $1))
    shift
    timeout $most "$@"
}

# becomes NAME SECONDS COMMAND...: a test that COMMAND succeeds within that time.
becomes()
{
    local name=$1 seconds=$2
    shift 2
    if soon "$seconds" "$@"; then
        ok "$name"
    else
        fail "$name" "not within $seconds s: $*"
    fi
}

gives()
{
    actual=$("$@")
    [ "$actual" = "$expected" ]
}

# comes_to NAME EXPECTED SECONDS COMMAND...: a test that what COMMAND prints becomes that within that time.
comes_to()
{
    local name=$1 expected=$2 seconds=$3 actual=
    shift 3
    soon "$seconds" gives "$@"
    is "$name" "$expected" "$actual"
}

# What spares a Linux in emulation half of its boot: tests of its own ciphers, the check of a certificate, tables for
# tracing and BTF, protecting its own kernel page by page, and itself against a CPU's guesses, string instructions, programs
# at ever other addresses (tests/lab/boot). For a guest that is not asked about that; some keep to Debian's ways ($PLAIN).
PLAIN="console=hvc0 quiet"
QUICK="$PLAIN cryptomgr.notests norandmaps rodata=off clearcpuid=rep_good mitigations=off"
QUICK="$QUICK initcall_blacklist=crypto_kdf108_init,load_system_certificate_list,init_kprobe_trace,cubictcp_register"

# config NAME [LINE...]: a configuration file for a guest that boots; prints its path.
config()
{
    local name=$1 file=/tmp/$1.cfg
    shift
    {
        echo "name = \"$name\""
        echo "kernel = \"$KERNEL\""
        echo "ramdisk = \"$RAMDISK\""
        echo "extra = \"$QUICK\""
        echo "memory = 96"
        echo "vcpus = 1"
        for line; do
            echo "$line"
        done
    } >"$file"
    echo "$file"
}

# kit NAME ELF LINE...: the same for a small guest of ours (tests/front, tests/guest).
kit()
{
    local name=$1 elf=$2 file=/tmp/$1.cfg
    shift 2
    {
        echo "name = \"$name\""
        echo "kernel = \"/tests/$elf\""
        echo "memory = 16"
        for line; do
            echo "$line"
        done
    } >"$file"
    echo "$file"
}

# Where a guest's console is logged, in $console.
find_console()
{
    for console in /var/log/hospes/console/$1.log /var/log/hospes/guest-$1.log /var/log/hospes/$1.log \
        /var/log/hospes/console/guest-$1.log /var/log/xen/guest-$1.log; do
        [ ! -e "$console" ] || return
    done
    console=/nowhere
}

# The same, printed.
console_log()
{
    find_console "$1"
    echo "$console"
}

on_console()
{
    find_console "$1"
    grep -qaE -- "$2" "$console"
}

# console_answers NAME WORD: type a sum on its console, and see the guest's answer. For `becomes`: a busy
# guest may need more than one try.
console_answers()
{
    (sleep 1; echo "echo $2 \$((40 + 2))"; sleep 4; printf '\035') |
        timeout 60 script -qec "$HL console $1" /dev/null >$OUT 2>$ERR
    grep -qa "$2 42" $OUT
}

# talk NAME: opens its console for `ask`, until `hush NAME` or the guest's end.
talk()
{
    rm -f "/tmp/in.$1"
    mkfifo "/tmp/in.$1"
    # Opened for reading and writing, the FIFO never ends; opened by us, it is before `ask` writes, and what that writes stays.
    {
        script -qec "$HL console $1" /dev/null <&3 3<&- >/dev/null 2>&1 &
        echo $! >"/tmp/talk.$1"
    } 3<>"/tmp/in.$1"
}

hush()
{
    kill "$(cat "/tmp/talk.$1")" 2>/dev/null
    rm -f "/tmp/in.$1" "/tmp/talk.$1"
}

# ask NAME COMMAND: the guest's shell runs it; prints what it printed. The answer is the command's.
ask()
{
    local mark log
    mark=$(($(cat /tmp/asked 2>/dev/null || echo 0) + 1))
    echo $mark >/tmp/asked
    log=$(console_log "$1")
    # Without a reader (the console's program ended) a FIFO opened for writing alone waits for ever.
    echo "echo =b=$mark=; $2; echo =\$?=$mark=" 1<>"/tmp/in.$1"
    if ! soon 30 grep -qaE "^=[0-9]+=$mark=" "$log"; then
        echo "no answer from $1 to '$2'"
        return 124
    fi
    # One process, not six.
    awk -v mark="$mark" '{ gsub(/\r/, "") }
        index($0, "=b=" mark "=") == 1 { inside = 1; next }
        inside && $0 ~ "^=[0-9]+=" mark "=" { split($0, part, "="); status = part[2]; exit }
        inside { print }
        END { exit status }' "$log"
}

# booted NAME: its user space runs.
booted()
{
    on_console "$1" '^guest ready'
}

# state NAME: the letters of hl list, - for blank.
state()
{
    $HL list "$1" 2>/dev/null | awk 'NR == 2 { print $5 }'
}

state_is()
{
    state "$1" | grep -qE "$2"
}

gone()
{
    ! $HL list "$1"
}

free_memory()
{
    $HL info | sed -n 's/^free_memory *: *//p'
}

# Everything that must be the same before and after: domains, stores, processes, device nodes.
# (/libxl and /vm stay, empty, once there was a guest.) Few processes: each is dear, and this is done often.
snapshot()
{
    local file
    {
        $HL info
        echo "--list"
        $HL list
        echo "--store"
        xenstore-ls -f / 2>/dev/null
        # By way of a file: in a pipe, ps may see a shell that is not awk yet.
        echo "--processes"
        ps -o comm,args
        echo "--names"
        for file in /dev/pts/* /sys/class/net/* /sys/bus/xen-backend/devices/* /sys/block/loop*/loop; do
            [ ! -e "$file" ] || echo "$file"
        done
        find /run/hospes -type f ! -name '*.lock' 2>/dev/null
    } >/tmp/things
    # Kernel threads come and go; processes have a command line.
    awk '/^--/ && NF == 1 { part = $1; line = 0; next }
        part == "" && $1 == "free_memory" { print "free", $3 }
        part == "--list" && line++ > 0 { print "domain", $1, $2 }
        part == "--store" {
            sub(/ = .*/, "")
            if ($0 !~ /^\/(local\/domain\/0\/memory|libxl$|vm$|libxl\/0|vm\/0)/) print
        }
        part == "--processes" && $2 !~ /^\[/ && $1 != "ps" { print "process", $1 }
        part == "--names" { print }' /tmp/things | sort >"$1"
}

# settled FILE: the same of what has come to rest: what was just destroyed goes in the background.
settled()
{
    local looks=0
    snapshot "$1"
    sleep 0.5
    snapshot /tmp/settled
    while ! cmp -s "$1" /tmp/settled && [ $looks -lt 200 ]; do
        looks=$((looks + 1))
        mv /tmp/settled "$1"
        sleep 0.5
        snapshot /tmp/settled
    done
}

# Is all as it was when `snapshot /tmp/before` was taken? Prints what is not.
same()
{
    snapshot /tmp/after
    diff /tmp/before /tmp/after
}

# nothing_left NAME SECONDS: a test that it soon is.
nothing_left()
{
    if soon "$2" same; then
        ok "$1"
        return
    fi
    same >$OUT
    : >$ERR
    fail "$1" "$(said)"
    sed 's/^/# /' $OUT
}

# audited NAME: the hypervisor's audit (debug key I), with whatever runs now, finds all consistent.
audit_answers()
{
    $HL dmesg | grep -aE 'audit: (.*: consistent|[0-9]+ violations|another|no block|CPUs)'
}
audited()
{
    local before
    $HL debug-keys h
    if ! $HL dmesg | grep -qa "key 'I'"; then
        skip "$1" "this hypervisor has no audit"
        return
    fi
    before=$(audit_answers | wc -l)
    $HL debug-keys I
    if ! soon 30 sh -c "[ \$($HL dmesg | grep -acE 'audit: (.*: consistent|[0-9]+ violations|another|no block|CPUs)') -gt $before ]"; then
        fail "$1" "the audit says nothing"
    elif audit_answers | tail -n 1 | grep -q ': consistent'; then
        ok "$1"
        echo "# $(audit_answers | tail -n 1)"
    else
        $HL dmesg | grep -a 'audit: ' | tail -n 20 | sed 's/^/# /'
        fail "$1" "$(audit_answers | tail -n 1)"
    fi
}
