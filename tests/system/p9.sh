# SPDX-License-Identifier: GPL-2.0-or-later
# Folders of Domain 0 that a guest mounts (p9=): a day's work with files, seen from both sides; links that lead out; the
# server killed; and nothing left of any of it.
. /tests/lib.sh

server()
{
    pidof hospes-9p
}

mkdir -p /srv/data /srv/other /outside
echo "from Domain 0" >/srv/data/hello
echo secret >/outside/secret
ln -s /outside/secret /srv/data/out
ln -s hello /srv/data/same
dd if=/dev/urandom of=/srv/data/big bs=1M count=4 2>/dev/null
snapshot /tmp/before

refuses "a folder that is not there" 'nothere' $HL create "$(config bad "p9 = [ 'tag=x,path=/nothere,security_model=none' ]")"
refuses "a model that is not supported" 'security_model must be none' $HL create "$(config bad "p9 = [ 'tag=x,path=/srv,security_model=mapped' ]")"
refuses "no tag" 'tag= is missing' $HL create "$(config bad "p9 = [ 'path=/srv,security_model=none' ]")"

cfg=$(config lin 'memory = 160' "p9 = [ 'tag=data,path=/srv/data,security_model=none', 'tag=other,path=/srv/other,security_model=none' ]")
works "create with two folders" $HL create "$cfg" || finish
becomes "it boots" 120 booted lin
is "a server for each" 2 "$(server | wc -w)"
prints "list -l has them" '"security_model": *"none"' $HL list -l lin
talk lin
works "modules" ask lin 'modprobe -a 9p 9pnet_xen'
becomes "mount" 20 ask lin 'mkdir -p /a /b; mount -t 9p -o trans=xen,version=9p2000.L data /a'
becomes "mount the other" 20 ask lin 'mount -t 9p -o trans=xen,version=9p2000.L other /b'
is "what stands there" "from Domain 0" "$(ask lin 'cat /a/hello' | tr -d '\r')"
is "by a link within" "from Domain 0" "$(ask lin 'cat /a/same' | tr -d '\r')"
is "a file of several megabytes" "$(md5sum </srv/data/big | cut -c1-32)" "$(ask lin 'md5sum </a/big' | cut -c1-32)"
works "the guest writes" ask lin 'echo "from the guest" >/a/answer && cp /a/big /b/big && sync'
is "Domain 0 reads it" "from the guest" "$(cat /srv/data/answer)"
cmp -s /srv/data/big /srv/other/big && ok "and what it copied" || fail "and what it copied" "$(ls -l /srv/other)"
works "folders, names, links" ask lin 'cd /b && mkdir -p d/e && for i in $(seq 100); do echo $i >d/f$i; done && mv d/f7 d/e/seven &&
    ln d/f8 also && ln -s d/f9 soft && [ "$(ls d | wc -l)" = 100 ] && [ "$(cat soft)" = 9 ] && [ "$(cat d/e/seven)" = 7 ] &&
    rm -r d/f10 && chmod 640 also && chown 12:34 also && touch -d "2020-01-01 00:00" also && truncate -s 1 also && cd /'
is "as Domain 0 sees them" "12 34 640 1 2" "$(stat -c '%u %g %a %s %h' /srv/other/also)"
is "how many" 98 "$(ls /srv/other/d | grep -c '^f')"
works "removed again" ask lin 'rm -r /b/d && [ ! -e /b/d ]'
works "names of odd forms" ask lin "cd /b && echo x >'a b;c' && echo y >-- '-n' && ls | grep -q 'a b;c' && rm 'a b;c' ./-n; cd /"
# /outside is not the guest's folder of that name: a link is the guest's to follow.
works "a link out leads nowhere" ask lin '! cat /a/out && mkdir /outside && echo own >/outside/secret && [ "$(cat /a/out)" = own ]'
works "no devices" ask lin '! mknod /b/null c 1 3 && [ ! -e /b/null ]'
works "nothing set-uid" ask lin 'echo x >/b/su && chmod 4755 /b/su; [ ! -u /b/su ]'
is "on the other side, too" 755 "$(stat -c %a /srv/other/su)"
works "many files at once" ask lin 'cd /b && for i in 1 2 3 4; do (for n in $(seq 50); do echo $i.$n >m$i.$n; done) & done; wait; [ "$(ls | grep -c ^m)" = 200 ]; s=$?; rm -f m*; cd /; [ $s = 0 ]'
works "room in the file system" ask lin 'df /b | grep -q /b'

# ---- killed ---------------------------------------------------------------------------------------
kill -9 $(server)
both()
{
    [ "$(server | wc -w)" = 2 ]
}
becomes "killed, they are there again" 20 both
works "what was mounted can be left" ask lin 'umount -l /a; umount -l /b'
becomes "mounted anew, the folder is there" 20 ask lin 'mount -t 9p -o trans=xen,version=9p2000.L data /a && [ "$(cat /a/answer)" = "from the guest" ]'

hush lin
works "shutdown" $HL shutdown -w lin
becomes "no server is left" 20 sh -c '! pidof hospes-9p'
nothing_left "nothing is left behind" 20
is "what is outside is as it was" secret "$(cat /outside/secret)"
finish
