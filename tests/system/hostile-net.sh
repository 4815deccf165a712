# SPDX-License-Identifier: GPL-2.0-or-later
# The kit's network frontend, and hostile ones (tests/front/hostile_net.c) against hospes-net and the kernel's xen-netback,
# beside guests that answer all the time.
. /tests/lib.sh
. /tests/hostile-lib.sh

# interfaces COUNT SPEC
interfaces()
{
    printf "vif = ["
    for n in $(seq "$1"); do
        printf " '%s'," "$2"
    done
    echo " ]"
}

answer()
{
    becomes "$1: who answers, still answers" 20 ping -c 3 -W 5 192.168.9.2
    becomes "$1: the other, too" 20 ping -c 3 -W 5 192.168.9.4
}

modprobe -a bridge tun xen-netback
brctl addbr xenbr0
ip addr add 192.168.9.1/24 dev xenbr0
ip link set xenbr0 up
by_us=bridge=xenbr0,backendtype=tap
by_kernel=bridge=xenbr0
works "create one that answers by the kernel" $HL create -q "$(small besidek front-net.elf 'ip=192.168.9.2' "$(interfaces 1 $by_kernel)")"
works "create one that answers by hospes-net" $HL create -q "$(small besideq front-net.elf 'ip=192.168.9.4' "$(interfaces 1 $by_us)")"
becomes "it answers" 20 ping -c 3 -W 5 192.168.9.2
becomes "so does the other" 20 ping -c 3 -W 5 192.168.9.4
becomes "it answers full frames" 20 ping -c 3 -W 5 -s 1472 192.168.9.2
becomes "so does the other, full frames" 20 ping -c 3 -W 5 -s 1472 192.168.9.4
snapshot /tmp/before

works "create one against hospes-net" $HL create -q "$(small hospes front-hostile_net.elf 'ip=192.168.9.5 gw=192.168.9.1' "$(interfaces 1 $by_us)")"
works "create one against the kernel" $HL create -q "$(small kernel front-hostile_net.elf 'ip=192.168.9.3 gw=192.168.9.1 kernel' "$(interfaces 13 $by_kernel)")"
for name in hospes kernel; do
    verdicts $name 12
    becomes "$name: it is gone" 20 gone $name
done
answer "afterwards"

nothing_left "nothing is left behind" 20
kernel_is_well
audited "the audit finds all consistent"
works "destroy" $HL destroy besidek
works "destroy the other" $HL destroy besideq
ip link set xenbr0 down
brctl delbr xenbr0
finish
