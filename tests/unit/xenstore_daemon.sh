#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xenstored as a process, without a hypervisor: sockets, the xenstore-* commands, what survives a
# kill. The output of Xen's own xenstore command is the reference for ours.
# Usage: xenstore_daemon.sh BUILD-DIRECTORY
set -u
bin=$(realpath "$1")/bin
xen=$(realpath "$1")/lab/xen-root
dir=$(mktemp -d)
export XENSTORED_RUNDIR=$dir/run
unset XENSTORED_PATH
failed=0
daemon=

# Waits until a command succeeds: long enough for a machine that does much else. False: it never did.
soon() { # COMMAND...
    for _ in $(seq 1200); do
        "$@" && return
        sleep 0.05
    done
    return 1
}
# The watcher has told of so many events.
told() { # COUNT
    [ "$(wc -l <"$dir/events")" -ge "$1" ]
}
start() {
    "$bin/xenstored" --no-domain-init --no-fork "$@" >>"$dir/log" 2>&1 &
    daemon=$!
    soon "$bin/xenstore" exists / 2>/dev/null && return
    echo "not ok start: $(tail -n 1 "$dir/log")"
    exit 1
}
stop() { # SIGNAL
    kill "-$1" "$daemon" 2>/dev/null
    wait "$daemon" 2>/dev/null
}
trap 'stop KILL; rm -rf "$dir"' EXIT

verdict() { # NAME WHY-NOT; an empty WHY-NOT is success
    if [ -z "$2" ]; then
        echo "ok $1"
    else
        echo "not ok $1: $(printf %s "$2" | tr '\n' ' ' | cut -c 1-300)"
        failed=1
    fi
}
equal() { # NAME EXPECTED ACTUAL
    local why=
    [ "$2" = "$3" ] || why="expected \"$2\", got \"$3\""
    verdict "$1" "$why"
}
xs() { "$bin/xenstore" "$@"; }

start
# ---- plain use
xs write /a/b hello /a/c 'x y'
equal xenstore_write_read "hello" "$(xs read /a/b)"
equal xenstore_read_prefix "/a/b: hello" "$("$bin/xenstore-read" -p /a/b)"
equal xenstore_list "b c" "$(xs list /a | xargs)"
equal xenstore_ls 'b = "hello"
c = "x y"' "$(xs ls /a)"
xs exists /a/nope; equal xenstore_exists_missing 1 $?
xs exists /a /a/b; equal xenstore_exists 0 $?
why=$(xs read /a/nope 2>&1); equal xenstore_read_missing "1 xenstore: couldn't read path /a/nope" "$? $why"
xs write /odd 2>/dev/null; equal xenstore_write_odd_arguments 1 $?
xs read -Z / 2>/dev/null; equal xenstore_unknown_option 1 $?
xs frobnicate 2>/dev/null; equal xenstore_unknown_command 1 $?
xs write /t/u/v 1; xs rm -t /t/u/v; xs exists /t; equal xenstore_rm_tidy 1 $?
xs chmod /a r0 b5 w6; equal xenstore_chmod 'a = ""   (r0,b5,w6)' "$(xs ls -p / | grep '^a ' | sed 's/ \. .*  (/   (/')"
xs write /p/q/r 1; xs chmod -u /p/q/r b9; equal xenstore_chmod_upto 3 "$(xs ls -fp / | grep -c '(b9)')"
xs chmod -r /p n4; equal xenstore_chmod_recurse 3 "$(xs ls -fp / | grep -c '(n4)')"
xs write /raw '\x01\x02\n'; equal xenstore_escapes '\001\002\n' "$(xs read /raw)"
equal xenstore_raw '01 02 0a' "$(xs read -R /raw | od -An -tx1 | xargs)"

# ---- watches
timeout 120 "$bin/xenstore-watch" -n 3 /a >"$dir/events" &
watcher=$!
soon told 1
xs write /a/b new
xs rm /a/c
wait $watcher
equal xenstore_watch "/a /a/b /a/c" "$(xargs <"$dir/events")"

# ---- large directories go in parts
for i in $(seq 0 20 980); do
    args=()
    for j in $(seq "$i" $((i + 19))); do args+=("/big/child-number-$j" x); done
    xs write "${args[@]}"
done
equal xenstore_directory_in_parts 1000 "$(xs list /big | sort -u | grep -c child-number-)"
xs rm /big

# ---- more clients than descriptors: the last ones are refused, and do not wait for ever
idle=()
prlimit --nofile=20: --pid "$daemon"
for i in $(seq 20); do
    "$bin/xenstore-watch" /idle >/dev/null 2>&1 &
    idle+=($!)
done
refused() { grep -q 'a client is refused' "$dir/log"; }
soon refused
timeout 100 "$bin/xenstore" read / >/dev/null 2>&1
equal xenstored_out_of_descriptors 1 $?
kill "${idle[@]}" 2>/dev/null
wait "${idle[@]}" 2>/dev/null
why=
soon timeout 100 "$bin/xenstore" read / >/dev/null 2>"$dir/err" || why=$(cat "$dir/err")
verdict xenstored_has_descriptors_again "$why"
prlimit --nofile=1024: --pid "$daemon"

# ---- control
equal xenstore_control_check OK "$("$bin/xenstore-control" check)"
"$bin/xenstore-control" quota set nodes 17 >/dev/null
equal xenstore_control_quota 17 "$("$bin/xenstore-control" quota | awk '$1 == "nodes" {print $3}')"
"$bin/xenstore-control" frobnicate >/dev/null 2>&1
equal xenstore_control_unknown 3 $?

# ---- a second daemon must not take the place of the first
"$bin/xenstored" --no-domain-init --no-fork >/dev/null 2>&1
equal xenstored_refuses_a_second 1 $?

# ---- restarts
before=$(xs ls -fp /)
stop KILL
start
equal xenstored_survives_sigkill "$before" "$(xs ls -fp /)"
equal xenstored_keeps_quota 17 "$("$bin/xenstore-control" quota | awk '$1 == "nodes" {print $3}')"
stop TERM
start
equal xenstored_survives_sigterm "$before" "$(xs ls -fp /)"
timeout 120 "$bin/xenstore-watch" -n 3 /a/w >"$dir/events" &
watcher=$!
soon told 1
"$bin/xenstore-control" live-update "$bin/xenstored"
soon told 2
equal xenstored_live_update "$before" "$(xs ls -fp /)"
xs write /a/w 1
wait $watcher
equal xenstore_client_reconnects "/a/w /a/w /a/w" "$(xargs <"$dir/events")"
xs rm /a/w

# Writers that are in the middle of things when the daemon is killed, again and again: whatever was
# acknowledged must be there.
(
    for i in $(seq 300); do
        "$bin/xenstore-write" "/k/$((i % 7))/$i" "$i" "/k/last" "$i" || exit 1
        echo "$i" >"$dir/acknowledged"
    done
) &
writer=$!
for _ in 1 2 3 4 5 6; do
    sleep 0.15
    stop KILL
    start
done
wait $writer
why=
last=$(cat "$dir/acknowledged")
[ "$last" = 300 ] || why="writer stopped at $last"
[ "$(xs read /k/last)" = 300 ] || why="last is $(xs read /k/last)"
[ "$(xs ls -f /k | grep -c ' = "[0-9]')" = 301 ] || why="$(xs ls -f /k | grep -c ' = "[0-9]') of 301 values"
[ "$("$bin/xenstore-control" check)" = OK ] || why="check: $("$bin/xenstore-control" check)"
verdict xenstored_killed_among_writers "$why"
xs rm /k
stop TERM
start --fresh
equal xenstored_fresh "" "$(xs list /a 2>/dev/null)"

# ---- damaged state
stop TERM
head -c 2000 /dev/urandom >"$dir/run/journal"
start
equal xenstored_ignores_damaged_journal "tool" "$(xs list /)"

# ---- options
equal xenstored_help 0 "$("$bin/xenstored" --help >/dev/null; echo $?)"
"$bin/xenstored" --frobnicate 2>/dev/null; equal xenstored_unknown_option 1 $?
"$bin/xenstored" -Q frobnicate=1 2>/dev/null; equal xenstored_unknown_quota 1 $?
stop TERM
mkdir "$dir/run2"
XENSTORED_RUNDIR=$dir/run2 "$bin/xenstored" -D --pid-file "$dir/pid" -E 5 &&
    export XENSTORED_RUNDIR=$dir/run2
equal xenstored_background tool "$(xs list /)"
equal xenstored_quota_option 5 "$("$bin/xenstore-control" quota | awk '$1 == "nodes" {print $3}')"
kill "$(cat "$dir/pid")"

# ---- sd_notify
export XENSTORED_RUNDIR=$dir/run
python3 - "$dir/notify" >"$dir/notified" <<'PY' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(120)
print(s.recv(100).decode())
PY
listener=$!
soon test -S "$dir/notify"
NOTIFY_SOCKET=$dir/notify start
wait $listener
equal xenstored_notifies READY=1 "$(cat "$dir/notified")"

# ---- clients that misbehave
python3 - "$XENSTORED_RUNDIR/socket" "$dir/enough" >"$dir/rude" <<'PY' &
import os, socket, struct, sys, time
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    return s
def message(kind, payload):
    return struct.pack('<4I', kind, 1, 0, len(payload)) + payload
def closed(s):
    s.settimeout(120)
    try:
        return s.recv(100) == b''
    except ConnectionResetError:
        return True
long = connect()
long.sendall(struct.pack('<4I', 2, 1, 0, 4097))
print('too long: closed', closed(long))
cut = connect()
cut.sendall(message(2, b'/tool\0')[:-3])
cut.close()
many = [connect() for _ in range(300)]
for s in many:
    s.sendall(message(4, b'/\0t\0'))   # all watch everything and read nothing
flood = connect()
flood.settimeout(1)
try:
    while True:
        flood.sendall(message(1, b'/\0') * 500)   # and one asks without end
except TimeoutError:
    print('flood: stopped')
sys.stdout.flush()
while not os.path.exists(sys.argv[2]):
    time.sleep(0.05)
PY
rude=$!
soon grep -q flood "$dir/rude"
why=
for i in 1 2 3 4 5 6 7 8 9 10; do
    timeout 60 "$bin/xenstore" write "/rude/$i" x || why="write $i beside misbehaving clients did not end"
done
[ "$(xs list /rude | wc -l)" = 10 ] || why="writes are lost"
verdict xenstored_serves_beside_rude_clients "$why"
memory=$(awk '/VmRSS/ {print $2}' "/proc/$daemon/status")
why=
[ "$memory" -lt 60000 ] || why="$memory KiB"
verdict xenstored_memory_beside_rude_clients "$why"
: >"$dir/enough"
wait $rude
equal xenstored_closes_long_messages "too long: closed True flood: stopped" "$(xargs <"$dir/rude")"
equal xenstored_check_after_rude_clients OK "$("$bin/xenstore-control" check)"

# ---- the same question to Xen's command and to ours
# Debian's, as the lab has it.
if ! tests/lab/fetch-xen >/dev/null 2>"$dir/err" || [ ! -x "$xen/usr/bin/xenstore" ]; then
    echo "not ok xenstore_same_output: there is no xenstore of Debian's: $(tail -n 1 "$dir/err")"
    exit 1
fi
reference=$dir/reference
cat >"$reference" <<END
#!/bin/sh
LD_LIBRARY_PATH=$xen/usr/lib/x86_64-linux-gnu exec $xen/usr/bin/xenstore "\$@"
END
chmod +x "$reference"
long=$(printf 'v%.0s' $(seq 200))
xs write /x/esc 'tab\there\\back\nnl\001\xff"q' /x/long "$long" /x/empty '' /x/deep/er/still 1
for n in $(seq 40 90); do xs write "/w/n$n" "${long:0:$n}"; done
for b in $(seq 1 255); do xs write "/bytes/$b" "$(printf '\\x%02x7' "$b")"; done
xs chmod /x/long r1 w2 b3 n4
while read -r line; do
    eval "set -- $line"
    xs write /y/1 a /y/2 b /y/3 c
    want=$("$reference" "$@" 2>/dev/null; echo "exit $?")
    want+=$("$reference" ls -fp /y 2>/dev/null)
    xs write /y/1 a /y/2 b /y/3 c
    got=$(xs "$@" 2>/dev/null; echo "exit $?")
    got+=$("$reference" ls -fp /y 2>/dev/null)
    equal "xenstore_same_output: $line" "$want" "$got"
done <<'CASES'
ls
ls /x
ls -p
ls -f
ls -fp
ls -p /w
ls /bytes
ls -f /w /x
ls /x/empty
ls /nope
list /
list -p /x
list /x /w
list /nope
read /x/esc /x/long
read -p /x/esc /x/empty
read -R /x/esc
read /x/esc /nope
exists /x /x/esc
exists /x /nope
write /y/1 '\q\101\x41\x4z\8\\n\r' /y/2 '\1'
write -R /y/3 'a\tb'
rm /nope
rm /nope/x
rm /y/1 /y/2
rm -t /y/3
rm -t /y/1 /y/2 /y/3
chmod /x n0 r7
chmod -u /x/deep/er/still r3 b4
chmod /x q5
chmod /nope r5
ls -p /
CASES
for columns in 40 60 61 62 63 70 100; do
    for options in "-p" "-fp" ""; do
        want=$(script -qc "stty cols $columns; $reference ls $options /w /x" /dev/null </dev/null)
        got=$(script -qc "stty cols $columns; $bin/xenstore ls $options /w /x" /dev/null </dev/null)
        equal "xenstore_same_output: ls $options at $columns columns" "$want" "$got"
    done
done
exit $failed
