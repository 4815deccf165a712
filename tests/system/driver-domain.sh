# SPDX-License-Identifier: GPL-2.0-or-later
# A driver domain: a Linux guest with our programs in it serves disks and interfaces to another guest, which reads, writes
# and pings; errors of its come through; who dies first; and nothing left of any of it, here or there.
. /tests/lib.sh
. /tests/driver-domain-lib.sh
if ! ours; then
    skip "a driver domain" "its daemon is ours"
    finish
fi

store_config /tests/hospes.cpio.zst
snapshot /tmp/before
refuses "backend= names nobody" 'no such domain' $HL create "$(third)"
works "create a driver domain" $HL create /tmp/store.cfg || finish
store_runs "it boots" 1
is "it has a place of its own in xenstore" "libxl = \"\"   (n$store)" "$(xenstore-ls -p /local/domain/"$store" | sed -n 's/^\(libxl = .*)\).*/\1/p' | sed 's/ \. .*  (/   (/')"
ask store 'dd if=/dev/urandom of=/disk bs=64k count=64 2>/dev/null; dd if=/dev/urandom of=/two bs=64k count=32 2>/dev/null
dd if=/dev/urandom of=/cd bs=64k count=8 2>/dev/null; dd if=/dev/urandom of=/cd2 bs=64k count=8 2>/dev/null
mkdir /shared; echo from the driver domain >/shared/word' >/dev/null
store_bridge
store_daemon
is "the daemon's pid file" hospesd "$(ask store 'cat /proc/$(cat /run/devd.pid)/comm')"
disk=$(ask store 'md5sum </disk')

comes_to "it serves nothing yet" "" 10 served

# ---- errors of its reach us -----------------------------------------------------------------------------
refuses "a file that it does not have" 'xvda.*nothere.*(No such file|ENOENT)' $HL create -p \
    "$(config third "disk = [ 'format=raw,vdev=xvda,access=rw,backend=store,target=/nothere' ]")"
refuses "a bridge that it does not have" 'nowhere0.*no such bridge in the driver domain' $HL create -p \
    "$(config third "vif = [ 'bridge=nowhere0,backend=store' ]")"
refuses "a script that it does not have" 'nosuch' $HL create -p \
    "$(config third "disk = [ 'vdev=xvda,script=block-nosuch,backend=$store,target=x' ]")"
refuses "a screen" 'Domain 0 alone' $HL create -p "$(config third "vfb = [ 'backend=store' ]")"
comes_to "nothing is left of those, there" "" 10 served
comes_to "nor in xenstore" "" 10 nodes

# ---- a guest of its -------------------------------------------------------------------------------------
# A front end keeps pages for each request that a ring has room for.
cfg=$(third 'memory = 128' "p9 = [ 'tag=share,path=/shared,security_model=none,backend=store' ]" \
    "vif = [ 'mac=00:16:3e:11:22:33,bridge=xenbr0,backend=store', 'bridge=xenbr0,backend=$store,backendtype=tap' ]")
works "create a guest whose disk and interfaces it serves" $HL create "$cfg" || finish
id=$($HL domid third)
becomes "the guest boots" 90 booted third
talk third
back=/local/domain/$store/backend/vbd/$id/51712
for node in "device/vbd/51712/backend-id $store" "device/vbd/51712/backend $back" "device/vif/0/backend-id $store"; do
    is "front end node ${node% *}" "${node#* }" "$(xenstore-read "/local/domain/$id/${node% *}")"
done
is "the back end's folder is the driver domain's, and the guest may read it" "(n$store,r$id)" \
    "$(xenstore-ls -fp / | sed -n "s|^$back = .*\((.*)\)\$|\1|p")"
is "hotplug-status" connected "$(xenstore-read $back/hotplug-status)"
is "the guest reads the disk" "$disk" "$(ask third 'md5sum </dev/xvda')"
works "it writes" ask third 'dd if=/bin/busybox of=/dev/xvda bs=64k count=8 conv=fsync'
is "what it wrote is in the driver domain's file" "$(dd if=/bin/busybox bs=64k count=8 2>/dev/null | md5sum)" \
    "$(ask store 'dd if=/disk bs=64k count=8 2>/dev/null | md5sum')"
ask third 'ip addr add 192.168.9.2/24 dev eth0; ip link set eth0 up' >/dev/null
becomes "it pings the driver domain" 20 ask third 'ping -c 2 -W 5 -s 1400 192.168.9.1'
ask third 'ip addr del 192.168.9.2/24 dev eth0; ip addr add 192.168.9.2/24 dev eth1; ip link set eth1 up' >/dev/null
becomes "and by the other interface, hospes-net's" 20 ask third 'ping -c 2 -W 5 192.168.9.1'
ask third 'modprobe -a 9p 9pnet_xen; mkdir -p /mnt' >/dev/null
becomes "it mounts a folder of the driver domain's" 20 ask third 'mount -t 9p -o trans=xen,version=9p2000.L share /mnt'
is "and reads there" "from the driver domain" "$(ask third 'cat /mnt/word')"
works "it lets go of the folder" ask third 'umount /mnt'
prints "block-list shows who serves it" "^51712 +$store +[0-9]+ +Connected +.* $back" $HL block-list third
prints "network-list, too" "^0 +$store +00:16:3e:11:22:33 .* /local/domain/$store/backend/vif/$id/0" $HL network-list third

# ---- attach, detach --------------------------------------------------------------------------------
works "block-attach, by hospes-block" $HL block-attach third backendtype=qdisk,vdev=xvdb,access=rw,backend=store,target=/two
becomes "the guest sees it" 20 ask third 'test -b /dev/xvdb'
is "and reads it" "$(ask store 'md5sum </two')" "$(ask third 'md5sum </dev/xvdb')"
refuses "the same file once more" 'two.*(uses|loop)|uses it' $HL block-attach third vdev=xvdc,access=rw,backend=store,target=/disk
# The daemon there dies; its follower finds what there is to undo.
ask store 'kill -9 $(cat /run/devd.pid)' >/dev/null
refuses "without its daemon" 'nobody in domain [0-9]+ looks for devices' $HL network-attach third bridge=xenbr0,backend=store
works "its daemon again" ask store 'hl devd -p /run/devd.pid'
works "block-detach" $HL block-detach third xvdb
works "network-detach" $HL network-detach third 1
becomes "the guest has lost both" 20 ask third 'test ! -e /dev/xvdb && test ! -e /sys/class/net/eth1'
# Media: the drive goes and comes again, and the guest must have seen both.
# reads DEVICE FILE: the guest reads there what the driver domain's file holds.
reads()
{
    [ "$(ask third "md5sum <$1")" = "$(ask store "md5sum <$2")" ]
}
works "a drive" $HL block-attach third vdev=xvde,access=ro,devtype=cdrom,backend=store,target=/cd
becomes "the guest reads the medium" 20 reads /dev/xvde /cd
works "cd-insert of another" $HL cd-insert third xvde /cd2
becomes "the guest reads the other" 20 reads /dev/xvde /cd2
works "cd-eject" $HL cd-eject third xvde
becomes "the medium is gone" 20 ask third 'test ! -e /sys/block/xvde'
works "cd-insert again" $HL cd-insert third xvde /cd
becomes "the guest reads the first again" 20 reads /dev/xvde /cd
works "the drive goes" $HL block-detach third xvde
comes_to "what it still serves" "9pfs-$id-0 vbd-$id-51712 vif-$id-0 loop vif$id.0" 10 served_now
hush third
works "destroy the guest" $HL destroy third
comes_to "the driver domain has let go of all" "" 10 served
comes_to "and nothing of it is in xenstore" "" 10 nodes

# ---- the driver domain goes first --------------------------------------------------------------------------
works "another guest, not started" $HL create -p "$cfg"
hush store
works "destroy the driver domain" $HL destroy store
comes_to "all of it is gone from xenstore" "" 10 sh -c "xenstore-ls -f / | grep '^/local/domain/$store[/ ]'"
refuses "its disks are not to be had" 'store.*no such domain' $HL block-attach third vdev=xvdb,access=rw,backend=store,target=/two
works "what it served is detached all the same" within 60 $HL block-detach third xvda
works "and goes with its guest" within 60 $HL destroy third
nothing_left "nothing is left behind" 20
finish
