# SPDX-License-Identifier: GPL-2.0-or-later
# `make demo`, seen from Domain 0: what a user would type, and what comes.
. /tests/lib.sh
cfg=/etc/hospes/demo.cfg
[ -e $cfg ] || cfg=$(config demo)

show()
{
    echo "dom0# $*"
    "$@"
}

show $HL info | grep -E 'dom0#|^(release|nr_cpus|total_memory|free_memory|xen_version|xen_caps) '
show $HL list
works "the guest is created" $HL create $cfg
becomes "it boots to its own user space" 120 booted demo
echo "The guest's console:"
sed 's/^/    demo| /' "$(console_log demo)"
echo
show $HL list
works "it shuts down when asked" timeout 120 $HL shutdown -w demo
becomes "it is gone" 20 gone demo
show $HL list
finish
