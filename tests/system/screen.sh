# SPDX-License-Identifier: GPL-2.0-or-later
# A guest's screen, keyboard and pointer by VNC (hospes-fb): what the guest draws is what a viewer gets, what the viewer
# types and points at reaches the guest; passwords; the program and hospesd killed; the keyboard taken away and given back;
# nothing left of any of it.
. /tests/lib.sh

server()
{
    pidof hospes-fb
}

# viewer PASSWORD COMMAND... (One that does not read a whole picture within a second, on a machine that stands still, is left
# by the program.)
viewer()
{
    /tests/rfb "$(xenstore-read "/local/domain/$id/console/vnc-port")" "$@"
}

# asked COMMAND REGEX: the guest's shell prints what matches.
asked()
{
    ask one "$1" 2>/dev/null | grep -qE -- "$2"
}

# draw BYTES ROW COUNT: lines of one colour.
draw()
{
    ask one "printf '$1' >/tmp/p; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do cat /tmp/p /tmp/p >/tmp/q; mv /tmp/q /tmp/p; done; dd if=/tmp/p of=/dev/fb0 bs=3200 seek=$2 count=$3 2>/dev/null"
}

# record NAME FILE: what the input device of that name reports, from now on. Who has not opened it yet is told nothing.
record()
{
    ask one "for e in /sys/class/input/event*; do
        [ \"\$(cat \$e/device/name)\" = '$1' ] || continue
        (cat /dev/input/\${e##*/} >$2 & until ls -l /proc/\$!/fd | grep -q /dev/input/; do sleep 0.1; done)
    done"
}

# reported FILE TYPE CODE VALUE (hexadecimal words)
reported()
{
    asked "hexdump -v -e '12/2 \"%04x \"' $1; echo" "$2 $3 $4 0000"
}

# types_and_points NAME SYMBOL CODE X: a key and a place of their own each time.
types_and_points()
{
    works "$1: a key and the pointer" viewer secret key "$2" pointer 5,5,0 pointer "$4,40,1" pointer "$4,40,0"
    becomes "$1: the guest sees the key" 10 reported /tmp/kbd 0001 "$3" 0001
    becomes "$1: and its release" 10 reported /tmp/kbd 0001 "$3" 0000
    becomes "$1: the pointer's place" 10 reported /tmp/ptr 0003 0000 "$(printf %04x "$4")"
    becomes "$1: its button" 10 reported /tmp/ptr 0001 0110 0001
}

snapshot /tmp/before
works "create with a screen" $HL create "$(config one "vfb = [ 'vnc=1,vncpasswd=secret' ]")"
id=$($HL domid one)
is "the port is in the store" 5900 "$(xenstore-read "/local/domain/$id/console/vnc-port")"
is "so is the address" 127.0.0.1 "$(xenstore-read "/local/domain/$id/console/vnc-listen")"
is "it listens to this machine alone" "127.0.0.1:5900" "$(netstat -ltn | awk '/:5900 / { print $4 }')"
prints "the guest may not read the password" 'vncpasswd = "secret"[ .]*\(n0\)' xenstore-ls -p "/local/domain/0/backend/vfb/$id/0"
prints "the guest may read the rest" 'vnclisten = "127.0.0.1"[ .]*\(n0,r[0-9]+\)' xenstore-ls -p "/local/domain/0/backend/vfb/$id/0"
becomes "it boots" 60 booted one
talk one

# ---- the picture ------------------------------------------------------------------------------------
becomes "the back ends are connected" 20 sh -c "[ \$(xenstore-read /local/domain/0/backend/vfb/$id/0/state)\$(xenstore-read /local/domain/0/backend/vkbd/$id/0/state) = 44 ]"
works "the guest draws one half" draw '\020\100\200\000' 0 300
works "and the other" draw '\001\002\003\000' 300 300
becomes "a viewer sees both" 5 viewer secret size 800x600 pixel 400,200 804010 pixel 799,599 030201
viewer wrong size 800x600 2>$ERR
is "a wrong password is refused" 3 $?
viewer "" size 800x600 2>$ERR
is "no password is refused" 3 $?
soon 5 viewer secret pixel 400,105 0000ff &
watcher=$!
works "the guest draws while a viewer looks" draw '\377\000\000\000' 100 10
wait $watcher
is "the viewer sees the change" 0 $?

# ---- keys and pointer ---------------------------------------------------------------------------------
record "Xen Virtual Keyboard" /tmp/kbd
record "Xen Virtual Pointer" /tmp/ptr
types_and_points first 0x61 001e 300

# ---- deaths ---------------------------------------------------------------------------------------------
old=$(server)
kill -9 "$old"
changed()
{
    [ -n "$(server)" ] && [ "$(server)" != "$old" ] && viewer secret size 800x600
}
becomes "another program takes over" 20 changed
is "on the same port" 5900 "$(xenstore-read "/local/domain/$id/console/vnc-port")"
becomes "what was drawn before is still there" 5 viewer secret pixel 400,400 030201
works "the guest draws for it" draw '\000\377\000\000' 200 10
becomes "and the viewer sees it" 5 viewer secret pixel 400,205 00ff00
types_and_points "after the death" 0xff0d 001c 301
hush one
die "$(pidof hospesd)"
works "hospesd dies and comes back" hospesd
talk one
becomes "the viewer does not notice" 5 viewer secret pixel 400,205 00ff00

# ---- the verbs --------------------------------------------------------------------------------------------
prints "vkb-list has xl's columns" '^Idx +BE +handle +state +evt-ch +ref +ID +BE-type +BE-path' $HL vkb-list one
prints "vkb-list" "^0 +0 +0 +Connected +[0-9]+ +[0-9]+ +qemu +/local/domain/0/backend/vkbd/$id/0" $HL vkb-list one
works "vkb-detach" $HL vkb-detach one 0
becomes "the guest has no keyboard" 10 asked 'grep -c Xen.Virtual /proc/bus/input/devices' '^0'
refuses "a key that is none of a keyboard's" 'parameter .speed.' $HL vkb-attach one speed=7
works "vkb-attach" $HL vkb-attach one
refuses "a second keyboard, without a screen" 'no screen \(vfb\) 1' $HL vkb-attach one
becomes "the guest has it again" 10 asked 'grep -c Xen.Virtual /proc/bus/input/devices' '^2'
becomes "it is connected again" 10 sh -c "[ \$(xenstore-read /local/domain/$id/device/vkbd/0/state)\$(xenstore-read /local/domain/0/backend/vkbd/$id/0/state) = 44 ]"
ask one 'rm -f /tmp/kbd /tmp/ptr' >/dev/null
record "Xen Virtual Keyboard" /tmp/kbd
record "Xen Virtual Pointer" /tmp/ptr
types_and_points "the other keyboard" 0x7a 002c 302
refuses "vncviewer without a viewer says where" '127\.0\.0\.1:0' $HL vncviewer one
printf '#!/bin/sh\necho "$@"\nread -r word\necho "word $word"\n' >/usr/bin/vncviewer
chmod 755 /usr/bin/vncviewer
prints "vncviewer starts one" '^127.0.0.1:0$' $HL vncviewer one
prints "vncviewer --autopass hands it the password" '^word secret' $HL vncviewer --autopass one

# ---- create with a viewer -----------------------------------------------------------------------------
printf '#!/bin/sh\nread -r word\necho "$@ word $word" >/tmp/viewed\n' >/usr/bin/vncviewer
viewed()
{
    rm -f /tmp/viewed
    works "create $1 makes the guest" $HL create -p "$1" "$(config two "$2")"
    becomes "create $1: its viewer" 10 grep -qx -- "$3" /tmp/viewed
    works "create $1: it goes" $HL destroy two
}
viewed -V "vfb = [ 'vnclisten=::1,vncdisplay=8' ]" '\[::1\]:8 word '
viewed --vncviewer-autopass "vfb = [ 'vncdisplay=9,vncpasswd=of two' ]" '127.0.0.1:9 -autopass word of two'
works "create -V without a screen makes the guest" $HL create -p -V "$(config two)"
becomes "and says that it has none" 10 grep -q 'no screen' $ERR
works "that goes, too" $HL destroy two
rm /usr/bin/vncviewer

# ---- what cannot be -----------------------------------------------------------------------------------------
refuses "a display that is taken" '5900.*in use' $HL create "$(config two "vfb = [ 'vncunused=0' ]")"
refuses "an address that is none" 'nothere' $HL create "$(config two "vfb = [ 'vnclisten=nothere.invalid' ]")"
refuses "a keymap that we do not have" 'keymap de' $HL create "$(config two "vfb = [ 'keymap=de' ]")"
works "another guest" $HL create -p "$(config two "vfb = [ 'vnc=1' ]")"
is "it has the next display" 5901 "$(xenstore-read "/local/domain/$($HL domid two)/console/vnc-port")"
works "it goes" $HL destroy two

hush one
works "destroy" $HL destroy one
gone_all()
{
    [ -z "$(server)" ] && ! netstat -ltn | grep -q ':590[0-9] '
}
becomes "no program or port is left" 20 gone_all
nothing_left "nothing is left behind" 10
finish
