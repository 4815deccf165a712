# SPDX-License-Identifier: GPL-2.0-or-later
# For the scripts with a driver domain, after lib.sh: a Linux guest named "store" with our programs in it.

# store_config [ARCHIVE...]: its configuration, /tmp/store.cfg; ARCHIVEs are unpacked over the guest's own files.
store_config()
{
    # Archives one behind the other, each at a multiple of four.
    cat $RAMDISK >/tmp/driver
    (cd / && find lib/modules | cpio -o -H newc 2>/dev/null) >>/tmp/driver
    cat "$@" >>/tmp/driver
    config store 'memory = 288' 'driver_domain = 1' >/dev/null
    sed -i 's|^ramdisk = .*|ramdisk = "/tmp/driver"|; /^memory = 96/d' /tmp/store.cfg
}

# boots NAME NUMBER: its user space runs for the NUMBERth time.
boots()
{
    [ "$(grep -ca '^guest ready' "$(console_log "$1")")" -ge "$2" ]
}

# store_runs NAME NUMBER: a test that it has booted for the NUMBERth time; its drivers, then. $store is its number.
store_runs()
{
    becomes "$1" 120 boots store "$2"
    store=$($HL domid store)
    talk store
    works "modules" ask store 'modprobe -a xen-blkback xen-netback xen-gntdev xen-evtchn bridge tun loop'
}

# store_begins [ARCHIVE...]: with its configuration, for the first time; /tmp/before is how all was without it.
store_begins()
{
    store_config "$@"
    snapshot /tmp/before
    works "create a driver domain" $HL create /tmp/store.cfg || finish
    store_runs "it boots" 1
}

store_bridge()
{
    ask store 'brctl addbr xenbr0; ip addr add 192.168.9.1/24 dev xenbr0; ip link set xenbr0 up' >/dev/null
}

# A test that its daemon starts. "Text file busy": its memory had no room for all archives.
store_daemon()
{
    works "its daemon" ask store 'hl devd -p /run/devd.pid'
}

# third [LINE...]: the configuration of a guest with a disk of its.
third()
{
    config third "$@" "disk = [ 'format=raw,vdev=xvda,access=rw,backend=store,target=/disk' ]"
}

# What it serves now, as it sees it.
served()
{
    ask store 'ls /sys/bus/xen-backend/devices; losetup -a; ls /sys/class/net | grep vif; ls /run/hospes/block 2>/dev/null'
}

# The same in one line, however the loop devices are called.
served_now()
{
    served | sed 's/^.dev.loop.*/loop/' | xargs
}

# Its nodes for what it serves.
nodes()
{
    xenstore-ls -f / | grep -E "^/local/domain/$store/(backend|error/|libxl/)"
}
