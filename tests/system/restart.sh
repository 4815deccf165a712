# SPDX-License-Identifier: GPL-2.0-or-later
# The daemons are killed and started again while guests run; no guest notices. (Debian's cannot do this.)
. /tests/lib.sh
if ! ours; then
    skip "restart of daemons" "these are Debian's"
    finish
fi

works "a guest" $HL create "$(config one)"
becomes "it boots" 90 booted one

die "$(pidof hospesd)"
sleep 1
prints "without hospesd, list works" '^one ' $HL list
refuses "what needs it is not waited for" 'hospesd, which it needs, is not running' $HL create -e "$(config none "p9 = [ 'tag=a,path=/tmp,security_model=none' ]")"
works "hospesd starts again" hospesd
sleep 1
becomes "it serves the console again" 15 console_answers one afresh
if [ -n "$(pidof hospesd)" ]; then ok "hospesd runs"; else fail "hospesd runs" "no process"; fi

refuses "a second one, whatever its pid file" "running already .pid $(pidof hospesd).$" hospesd --pid-file=/run/other.pid

id=$($HL domid one)
die "$(pidof hospesd)"
echo "# the guest reboots itself while nobody watches"
xenstore-write "/local/domain/$id/control/shutdown" reboot
becomes "it waits for somebody" 60 state_is one '^...s'
works "hospesd starts a third time" hospesd
becomes "it sees the reboot it missed" 60 sh -c "new=\$($HL domid one) && [ \$new != $id ]"
# Its log goes on where it was.
becomes "the guest boots again" 60 sh -c "[ \$(grep -ca '^guest ready' $(console_log one)) -ge 2 ]"

die "$(pidof xenstored)"
sleep 1
refuses "without it hl says so" 'reach xenstored.*start it' timeout 300 $HL destroy one
rm /run/xenstored/socket
refuses "and where there never was one" 'reach xenstored.*start it' timeout 300 $HL destroy one
prints "what needs none still works" '^\(null\) +[0-9]+ +9' timeout 300 $HL list
works "xenstored starts again" xenstored --pid-file /run/xenstored.pid
works "it still knows the guest" $HL domid one
becomes "the console still works" 30 console_answers one onward
works "shutdown through the new store" within 60 $HL shutdown -w one
becomes "it is gone" 10 gone one
works "another guest" $HL create "$(config two)"
becomes "it boots, too" 90 booted two
audited "audit after all that"
works "destroy it" $HL destroy two
finish
