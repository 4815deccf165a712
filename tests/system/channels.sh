# SPDX-License-Identifier: GPL-2.0-or-later
# Consoles beyond the first: one by a pty, one by a Unix socket; text both ways; hospesd killed in between; a reboot; and
# nothing left of any of it.
. /tests/lib.sh

tty_of()
{
    xenstore-read "/local/domain/$1/device/console/$2/tty"
}

# From our side (the channel's pty) to a file, until the next time.
listen_pty()
{
    [ -n "$listener" ] && kill "$listener" 2>/dev/null && wait "$listener"
    : >/tmp/from-pty
    cat "$1" >>/tmp/from-pty &
    listener=$!
}
listener=

heard()
{
    grep -qa -- "$2" "$1"
}

# asked NAME COMMAND REGEX: the guest's shell prints a line that matches.
asked()
{
    ask "$1" "$2" 2>/dev/null | grep -qE -- "$3"
}

# The two ways, each in both directions. $1: a word that makes this round's texts its own.
both_ways()
{
    local tty
    tty=$(tty_of "$id" 1)
    listen_pty "$tty"
    works "$1: the guest writes to the pty channel" ask one "echo from guest $1 >/dev/hvc1"
    becomes "$1: it is on the pty" 5 heard /tmp/from-pty "from guest $1"
    ask one "(read -r line </dev/hvc1; echo \"pty gave \$line\" >/tmp/pty.$1) & sleep 0.2"
    echo "to guest $1" >"$tty"
    becomes "$1: what is written to the pty reaches the guest" 5 asked one "cat /tmp/pty.$1" "^pty gave to guest $1"
    ask one "(read -r line </dev/hvc2; echo \"socket gave \$line\" >/tmp/socket.$1) & sleep 0.2"
    echo "hello $1" | /tests/unix /run/one.sock 1 >/dev/null
    becomes "$1: what is written to the socket reaches the guest" 5 asked one "cat /tmp/socket.$1" "^socket gave hello $1"
    # Nobody listens while the guest writes: it is kept.
    works "$1: the guest writes to the socket channel" ask one "echo by socket $1 >/dev/hvc2"
    /tests/unix /run/one.sock 1 "by socket $1" </dev/null >/tmp/from-socket
    heard /tmp/from-socket "by socket $1" && ok "$1: it comes by the socket" || fail "$1: it comes by the socket" "$(cat /tmp/from-socket)"
    /tests/unix /run/one.sock 1 </dev/null >/tmp/from-socket
    is "$1: and comes once" "" "$(cat /tmp/from-socket)"
}

snapshot /tmp/before
cfg=$(config one "channel = [ 'name=org.example.agent,connection=pty', 'connection=socket, path = /run/one.sock, name=org.example.config' ]")
works "create with two channels" $HL create "$cfg"
id=$($HL domid one)
becomes "it boots" 60 booted one
talk one

# ---- what the store and the lists say -------------------------------------------------------------
for node in "name org.example.agent" "output pty" "type ioemu" "state 4" "limit 1048576" "protocol vt100" "backend-id 0" \
    "backend /local/domain/0/backend/console/$id/1"; do
    becomes "front end node ${node% *} is ${node#* }" 10 sh -c "[ \"\$(xenstore-read /local/domain/$id/device/console/1/${node% *})\" = '${node#* }' ]"
done
for node in "connection socket" "path /run/one.sock" "name org.example.config" "state 4" "online 1" "frontend-id $id"; do
    becomes "back end node ${node% *} is ${node#* }" 10 sh -c "[ \"\$(xenstore-read /local/domain/0/backend/console/$id/2/${node% *})\" = '${node#* }' ]"
done
prints "channel-list has the columns" '^Idx +BE +state +evt-ch +ring-ref +connection' $HL channel-list one
prints "channel-list has the pty" "^1 +0 +Connected +[0-9]+ +[0-9]+ +pty +$(tty_of "$id" 1) " $HL channel-list one
prints "channel-list has the socket" '^2 +0 +Connected +[0-9]+ +[0-9]+ +socket +/run/one.sock ' $HL channel-list one
prints "list -l has the channels" '"name": *"org.example.config"' $HL list -l one
is "only root may use the socket" "srw-------" "$(ls -l /run/one.sock | cut -c1-10)"

both_ways first

# ---- console -n -------------------------------------------------------------------------------------
ask one "(read -r line </dev/hvc2; echo \"two gave \$line\" >/tmp/two) & true" >/dev/null
mkfifo /tmp/typing
within 30 script -qec "$HL console -n 2 one" /dev/null <>/tmp/typing >/tmp/shown 2>&1 &
typist=$!
becomes "console -n 2 shows what was said" 10 heard /tmp/shown "by socket first"
printf 'typed on two\n' 1<>/tmp/typing
becomes "console -n 2: what is typed reaches the guest" 10 asked one "cat /tmp/two" '^two gave typed on two'
printf '\035' 1<>/tmp/typing
wait $typist
is "console -n 2 is left" 0 $?
rm /tmp/typing
refuses "console -n 3" 'no console 3' $HL console -n 3 one
works "console -n 1 -t pv" sh -c "(sleep 1; printf '\035') | timeout 240 script -qec '$HL console -t pv -n 1 one' /dev/null"

# ---- the daemon dies --------------------------------------------------------------------------------
# Two people are at the console and stay there: one of them types for `ask`.
mkfifo /tmp/silent
script -qec "$HL console one" /dev/null <>/tmp/silent >/tmp/stays 2>&1 &
stays=$!
works "the guest speaks" ask one 'echo "before the $((40 + 2))nd"'
becomes "who looks sees it" 10 heard /tmp/stays 'before the 42nd'
die "$(pidof hospesd)"
becomes "who looks is told" 10 heard /tmp/stays 'hospesd has ended'
works "hospesd again" hospesd
becomes "the pty is there again" 10 sh -c "test -c \$(xenstore-read /local/domain/$id/device/console/1/tty)"
works "the guest speaks to who stayed" ask one 'echo "after the $((40 + 2))nd"'
becomes "who looks sees that" 10 heard /tmp/stays 'after the 42nd'
is "and what came before once" 1 "$(grep -ac 'before the 42nd' /tmp/stays)"
kill $stays
both_ways second

# ---- what cannot be -----------------------------------------------------------------------------------
refuses "a channel without a name" 'name= is missing' $HL create "$(config two "channel = [ 'connection=pty' ]")"
refuses "a channel without a connection" 'connection= is missing' $HL create "$(config two "channel = [ 'name=x' ]")"
refuses "a socket that another guest has" 'one\.sock' $HL create "$(config two "channel = [ 'name=x,connection=socket,path=/run/one.sock' ]")"
refuses "a socket where a file is" 'passwd' $HL create "$(config two "channel = [ 'name=x,connection=socket,path=/etc/passwd' ]")"
refuses "a folder that is not there" '/nothere/x' $HL create "$(config two "channel = [ 'name=x,connection=socket,path=/nothere/x' ]")"

# A channel's nodes as the toolstack writes them, for one who looks at them late; the guest is paused, and does nothing.
works "create a paused guest" $HL create -p "$(config two)"
late=$($HL domid two)
late_channel()
{
    local front=/local/domain/$late/device/console/$1
    back=/local/domain/0/backend/console/$late/$1
    xenstore-write "$front/state" 1
    xenstore-write "$back/connection" socket "$back/path" "$2" "$back/online" 1 "$back/state" 1 "$back/frontend" "$front"
}
late_channel 1 /etc/passwd
becomes "a channel that cannot be says why" 10 xenstore-read "$back/hotplug-error"
xenstore-write "$back/online" 1
# hospesd hears of this one after that.
late_channel 2 /nothere/x
becomes "so does another one" 10 xenstore-read "$back/hotplug-error"
is "the first one stays closed" 6 "$(xenstore-read "/local/domain/0/backend/console/$late/1/state")"
works "destroy the paused guest" $HL destroy two
xenstore-rm "/local/domain/0/backend/console/$late" 2>/dev/null

echo "still there" | /tests/unix /run/one.sock 1 >/dev/null && ok "the other guest's socket works on" || fail "the other guest's socket works on" "$?"

# ---- a guest that breaks its ring loses the channel and no more -----------------------------------------
works "the guest's driver lets go" ask one 'echo console-1 >/sys/bus/xen/drivers/xenconsole/unbind'
becomes "the back end has closed" 10 sh -c "[ \$(xenstore-read /local/domain/0/backend/console/$id/1/state) = 6 ]"
becomes "the first console works on" 20 asked one 'echo $((6 * 7))' '^42'

# ---- reboot, and the end --------------------------------------------------------------------------------
hush one
works "reboot" $HL reboot one
becomes "it has another domid" 90 sh -c "new=\$($HL domid one) && [ \$new != $id ]"
becomes "it boots again" 90 sh -c "[ \$(grep -ca '^guest ready' $(console_log one)) -ge 2 ]"
id=$($HL domid one)
talk one
both_ways third
hush one
[ -n "$listener" ] && kill "$listener"
wait 2>/dev/null
works "destroy" $HL destroy one
becomes "the socket is gone" 5 sh -c '! test -e /run/one.sock'
nothing_left "nothing is left behind" 10
finish
