# SPDX-License-Identifier: GPL-2.0-or-later
# Who reboots and who ends, of a driver domain and the guest that it serves: the guest's devices come back with it; a guest
# outlives its driver domain, lets go of the dead devices and gets them anew; and nothing stays of what is gone.
. /tests/lib.sh
. /tests/driver-domain-lib.sh
if ! ours; then
    skip "a driver domain's life" "its daemon is ours"
    finish
fi

# It begins anew each time: what it serves is made of a file that it always has.
prepare_store()
{
    ask store 'mkdir /shared; echo from the driver domain >/shared/word; dd if=/bin/busybox of=/disk bs=64k count=8 2>/dev/null' >/dev/null
    store_bridge
    store_daemon
}

disk=$(dd if=/bin/busybox bs=64k count=8 2>/dev/null | md5sum)
per_guest='^/local/domain/[0-9]+/(backend/[^/ ]*|error/backend/[^/ ]*|libxl)'
nodes_of_others()
{
    nodes | grep -E "$per_guest/[0-9]+[/ ]" | grep -vE "$per_guest/$id[/ ]"
}
# The guest has all that it serves, and nothing else is served.
all_there()
{
    is "the guest reads the disk" "$disk" "$(ask third 'md5sum </dev/xvda')"
    ask third 'ip addr add 192.168.9.2/24 dev eth0; ip link set eth0 up; modprobe -a 9p 9pnet_xen; mkdir -p /mnt' >/dev/null
    becomes "it pings the driver domain" 20 ask third 'ping -c 1 -W 5 192.168.9.1'
    becomes "it mounts the folder" 20 ask third 'mount -t 9p -o trans=xen,version=9p2000.L share /mnt'
    comes_to "what is served" "9pfs-$id-0 vbd-$id-51712 vif-$id-0 loop vif$id.0" 10 served_now
    comes_to "nodes of others" "" 10 nodes_of_others
}

# another NAME NUMBER: a test that the domain of this name is not NUMBER any more.
another()
{
    becomes "$1 is another domain" 60 sh -c "new=\$($HL domid $1) && [ \$new != $2 ]"
}

store_begins /tests/hospes.cpio.zst
prepare_store
cfg=$(third 'memory = 128' "vif = [ 'mac=00:16:3e:11:22:33,bridge=xenbr0,backend=store' ]" \
    "p9 = [ 'tag=share,path=/shared,security_model=none,backend=store' ]")
works "create a guest" $HL create "$cfg" || finish
id=$($HL domid third)
becomes "it boots" 90 boots third 1
talk third
all_there

# ---- the guest reboots by itself -----------------------------------------------------------------------------------------
echo "reboot -f" 1<>/tmp/in.third
another third "$id"
hush third
becomes "it boots again" 90 boots third 2
id=$($HL domid third)
talk third
all_there

# ---- the driver domain reboots under a guest ---------------------------------------------------------------------------
old=$store
hush store
works "the driver domain reboots" $HL reboot store
another store "$old"
is "the guest lives" "still here" "$(ask third 'echo still here')"
comes_to "nothing of the old one is in xenstore" "" 10 sh -c "xenstore-ls -f / | grep '^/local/domain/$old[/ ]'"
prints "block-list shows the dead disk" "^51712 +$old " $HL block-list third
refuses "the dead disk is in the way of another" 'has the disk.*already' $HL block-attach third vdev=xvda,backend=0,target=/dev/null
works "it is detached" within 60 $HL block-detach third xvda
becomes "the guest has lost it" 20 ask third 'test ! -e /sys/block/xvda'
works "and the interface" within 60 $HL network-detach third 0
becomes "which the guest has lost, too" 20 ask third 'test ! -e /sys/class/net/eth0'
store_runs "it boots again" 2
prepare_store
works "the disk anew" $HL block-attach third format=raw,vdev=xvda,access=rw,backend=store,target=/disk
becomes "the guest sees it" 20 ask third 'test -b /dev/xvda'
is "and reads it" "$disk" "$(ask third 'md5sum </dev/xvda')"
works "the interface anew" $HL network-attach third mac=00:16:3e:11:22:33 bridge=xenbr0 backend=store
becomes "the guest sees it, too" 20 ask third 'test -e /sys/class/net/eth0'
hush third
works "the toolstack reboots the guest" $HL reboot third
another third "$id"
becomes "it boots once more" 90 boots third 3
id=$($HL domid third)
talk third
all_there

# ---- both end --------------------------------------------------------------------------------------------------------
hush store
works "the driver domain ends" $HL destroy store
is "the guest lives on" "still here" "$(ask third 'echo still here')"
hush third
works "and ends" within 60 $HL destroy third
nothing_left "nothing is left behind" 20
finish
