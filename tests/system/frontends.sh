# SPDX-License-Identifier: GPL-2.0-or-later
# The kit's console, 9p, screen and keyboard frontends used by small guests, and hostile ones beside them (tests/front): each
# wrong is answered or ends the device, the device can be used again, the others notice nothing, and nothing is left.
. /tests/lib.sh
. /tests/hostile-lib.sh

tty_of()
{
    xenstore-read "/local/domain/$($HL domid "$1")/device/console/1/tty"
}

echoed()
{
    timeout 5 sh -c "echo '$1' >$tty; grep -qm 1 -- '$1' <$tty"
}

# echoes WORD: typed on the second console, it comes back; and on the first.
echoes()
{
    becomes "echo answers on its second console: $1" 20 echoed "$1"
    (sleep 0.5; echo "$1"; sleep 2; printf '\035') | timeout 60 script -qec "$HL console echo" /dev/null >/dev/null 2>&1
    becomes "and on its first: $1" 20 on_console echo "$1"
}

# frame_of NAME: the number of a frame that is its own.
frame_of()
{
    xenstore-read "/local/domain/$($HL domid "$1")/console/ring-ref"
}

# viewer COMMAND...: of the guest that is a good one.
viewer()
{
    /tests/rfb "$(xenstore-read "/local/domain/$($HL domid screen)/console/vnc-port")" "" "$@"
}

# shows X SYMBOL CODE: its picture, a key, and a square where a button was pressed.
shows()
{
    works "the screen shows what was drawn" viewer size 320x200 pixel 10,10 804010 pixel 300,10 102030
    works "a key and a button" viewer key "$2" pointer "$1,50,0" pointer "$1,50,1" pointer "$1,50,0" pixel "$(($1 + 1)),51" ffffff
    becomes "the key has come" 10 on_console screen "^key $3 down"
    becomes "and its release" 10 on_console screen "^key $3 up"
    becomes "and the pointer's place" 10 on_console screen "^at $1,50"
}

folder_is_well()
{
    is "$1: what is outside is as it was" "secret 1" "$(cat /outside/secret) $(ls /outside | wc -l)"
    is "$1: so is what is inside" "from Domain 0" "$(cat /srv/ill/hello)"
}

# ---- those that mean well ---------------------------------------------------------------------------
channel="channel = [ 'name=second,connection=pty' ]"
vfb="vfb = [ 'vnc=1' ]"
mkdir -p /srv/data/folder /srv/ill /outside
echo "from Domain 0" | tee /srv/data/hello >/srv/ill/hello
echo secret >/outside/secret
ln -s /outside/secret /srv/ill/outside
yes abcdefghijklmnopqrstuvwxy | tr -d '\n' | head -c 100000 >/srv/data/big
works "create a guest that echoes" $HL create -q "$(small echo front-echo.elf '' "$channel")"
works "create a guest with a screen" $HL create -q "$(small screen front-screen.elf '' "$vfb")"
becomes "the one is ready" 20 on_console echo '^2 consoles'
becomes "the other, too" 20 on_console screen '^drawn'
tty=$(tty_of echo)
stty -F "$tty" raw -echo
echoes good-day
shows 100 0x61 30
snapshot /tmp/before
daemon=$(pidof hospesd)

works "create one with a shared folder" $HL create -q "$(small p9 front-p9.elf '' "p9 = [ 'tag=data,path=/srv/data,security_model=none' ]")"
verdicts p9 5
becomes "p9: it is gone" 20 gone p9
is "what it wrote" "from the guest" "$(cat /srv/data/answer)"
cmp -s /srv/data/big /srv/data/folder/copy && ok "what it copied" || fail "what it copied" "$(ls -l /srv/data/folder)"

# ---- those that do not -------------------------------------------------------------------------------
works "create one with a console" $HL create -q "$(small console front-hostile_console.elf '' "$channel")"
works "create one with a folder" $HL create -q "$(small ill9p front-hostile_p9.elf '' "p9 = [ 'tag=ill,path=/srv/ill,security_model=none' ]")"
works "create one with a screen" $HL create -q -p "$(small illfb front-hostile_screen.elf "frame=$(frame_of echo)" "$vfb")"
stty -F "$(tty_of console)" raw -echo
cat "$(tty_of console)" >/tmp/heard &
listener=$!
illport=$(xenstore-read "/local/domain/$($HL domid illfb)/console/vnc-port")
$HL unpause illfb
touch /tmp/typing
while [ -e /tmp/typing ]; do
    /tests/rfb "$illport" "" key 0x61 stay 1
    sleep 0.2
done >/dev/null 2>&1 &
verdicts console 13
becomes "what it wrote in between came through" 10 grep -aq 'works 11' /tmp/heard
kill $listener
verdicts ill9p 18
becomes "ill9p: it is gone" 20 gone ill9p
folder_is_well ill9p
verdicts illfb 11
rm /tmp/typing
becomes "illfb: it is gone" 20 gone illfb
echoes all-is-well
shows 120 0x62 48
works "destroy the one with a console" $HL destroy console
is "hospesd is the same" "$daemon" "$(pidof hospesd)"
nothing_left "nothing is left behind" 20
kernel_is_well
audited "the audit finds all consistent"
works "destroy" $HL destroy echo
works "destroy the other" $HL destroy screen
finish
