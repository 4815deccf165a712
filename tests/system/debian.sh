# SPDX-License-Identifier: GPL-2.0-or-later
# Debian 12 as a guest, as its user has it: it boots from its own disk through GRUB; at its console one logs in and
# works; it gets an address by DHCP on a private network, installs a package from a server in Domain 0, writes its own
# GRUB menu, reboots by that, finds the package running, shuts down.
. /tests/lib.sh

modprobe -a virtio_pci virtio_blk ext4 bridge xen-netback xen-blkback
# As on a host with Debian's dnsmasq.
echo dnsmasq:x:100:65534::/:/bin/false >>/etc/passwd
mkdir -p /data
works "the disk with the guest's image" mount -t ext4 /dev/vda /data || finish
cat >/tmp/deb.cfg <<END
name = "deb"
kernel = "/tests/grub-x86_64-xen.bin"
memory = 400
vcpus = 1
disk = [ '/data/disk.qcow2,qcow2,xvda,w' ]
vif = [ 'mode=nat' ]
END
started=$(cut -d. -f1 /proc/uptime)
# Into the serial log, for who wants to see how it went.
show_console()
{
    echo "# the guest's console:"
    sed 's/^/# | /' "$(console_log deb)"
}
give_up()
{
    show_console
    finish
}
# took WHAT: since it was last said.
took()
{
    local now
    now=$(cut -d. -f1 /proc/uptime)
    echo "# $1: $((now - started)) s; the guest's CPU time so far: $($HL list deb 2>/dev/null | awk 'NR == 2 { print $6 }')"
    started=$now
}
works "create" $HL create /tmp/deb.cfg || finish

# times_on_console N REGEX: N lines of it match, one for each start of the guest.
times_on_console()
{
    [ "$(grep -acE -- "$2" "$(console_log deb)")" -ge "$1" ]
}
# log_in N: at the prompt, as root, for the Nth time; then a shell that echoes plainly, for `ask`.
log_in()
{
    becomes "a name is asked its password ($1)" 60 typed "$1" '^Password:' root
    becomes "root gets a shell ($1)" 60 typed "$1" 'root@guest:~# ' hospes
    echo 'TERM=dumb exec sh' 1<>/tmp/in.deb
}
# typed N REGEX TEXT: once REGEX has come for the Nth time; until then TEXT is typed, once.
typed()
{
    if [ "$(cat /tmp/typed 2>/dev/null)" != "$1 $3" ]; then
        echo "$3" 1<>/tmp/in.deb
        echo "$1 $3" >/tmp/typed
    fi
    times_on_console "$1" "$2"
}
systemd_is_done()
{
    ask deb 'systemctl is-system-running --wait' | grep -E '^(running|degraded)'
}
becomes "GRUB starts" 60 on_console deb 'Welcome to GRUB'
took "GRUB"
becomes "Linux starts" 120 on_console deb 'Linux version'
took "from GRUB to Linux"
becomes "its root is mounted" 120 on_console deb 'Mounting root file system|EXT4-fs \(xvda1\): mounted'
took "kernel and initramfs"
becomes "its own kernel boots up to a prompt" 240 on_console deb 'guest login:'
on_console deb 'guest login:' || give_up
took "from the root to the prompt"

# ---- work in it ---------------------------------------------------------------------------------
talk deb
log_in 1
becomes "systemd is done" 60 systemd_is_done
prints "no unit has failed" '^0 loaded units' ask deb 'systemctl --failed --no-pager --plain'
prints "the command line is grub.cfg's" '^root=UUID=.* ro console=hvc0' ask deb 'cat /proc/cmdline'
prints "its root is its disk" '^/dev/xvda1 / ext4 rw' ask deb 'cat /proc/mounts'
prints "systemd knows where it runs" '^xen$' ask deb 'systemd-detect-virt'
took "login"

# ---- the network and the package ----------------------------------------------------------------
address()
{
    ask deb 'ip -4 -o addr show scope global' >/tmp/address && grep -q 'inet 10\.77\.' /tmp/address
}
becomes "an address by DHCP" 60 address
gateway=$(ip -4 -o addr show | sed -n 's/.* inet \(10\.77\.[0-9.]*\)\/.*/\1/p' | head -n 1)
busybox httpd -f -p "$gateway:8080" -h /data/repo &
server=$!
works "apt reads the repository in Domain 0" ask deb \
    "echo 'deb [trusted=yes] http://$gateway:8080/ ./' >/etc/apt/sources.list; apt-get -q update"
works "apt installs the package" ask deb 'DEBIAN_FRONTEND=noninteractive apt-get -q -y install lab-hello'
prints "dpkg has it" 'install ok installed' ask deb "dpkg-query -W -f '\${Status}\\n' lab-hello"
took "the package"
works "update-grub writes a menu" ask deb \
    "sed -i 's/console=hvc0/console=hvc0 lab.menu=own/' /etc/default/grub && update-grub"
took "update-grub"

# ---- again --------------------------------------------------------------------------------------
old=$($HL domid deb)
hush deb
works "reboot" $HL reboot deb
restarted()
{
    id=$($HL domid deb) && [ "$id" != "$old" ]
}
becomes "it comes back as a new domain" 90 restarted
took "going down"
becomes "the package's service says so on the console" 240 on_console deb 'installed from Domain 0'
becomes "the prompt is there again" 240 times_on_console 2 'guest login:'
took "boot"
talk deb
log_in 2
becomes "systemd is done again" 60 systemd_is_done
prints "it booted by its own menu" 'lab.menu=own' ask deb 'cat /proc/cmdline'
prints "the service is active" '^active' ask deb 'systemctl is-active lab-hello'
prints "the file system needed no repair" '^0$' ask deb 'journalctl -b | grep -ciE "recovery complete|orphan" || true'
hush deb
works "shutdown" $HL shutdown -w deb
becomes "it is gone" 30 gone deb
took "shutdown"
kill $server
becomes "the private network has gone with it" 20 sh -c '! ls /run/hospes/nat* 2>/dev/null'
audited "the hypervisor is consistent"
becomes "the disk can be let go" 20 umount /data
show_console
finish
