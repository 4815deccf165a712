# SPDX-License-Identifier: GPL-2.0-or-later
# Wrong files, kernels, names and numbers: each gets a message that says what is wrong, and leaves nothing.
. /tests/lib.sh
snapshot /tmp/before

refuses "a config file that is not there" 'nothere|No such file' $HL create /tmp/nothere.cfg
printf 'name = "x"\nmemory = = 3\n' >/tmp/bad.cfg
refuses "a syntax error names file and line" 'bad\.cfg:2' $HL create /tmp/bad.cfg
printf 'name = "x\nmemory = 3\n' >/tmp/bad.cfg
refuses "a string without an end" 'bad\.cfg' $HL create /tmp/bad.cfg
head -c 4096 /dev/urandom >/tmp/bad.cfg
refuses "a config file of noise" . $HL create /tmp/bad.cfg
: >/tmp/bad.cfg
refuses "an empty config file" 'name' $HL create /tmp/bad.cfg
refuses "a wrong type" 'memory' $HL create "$(config x 'memory = "many"')"
refuses "no kernel named" 'kernel' sh -c "grep -v kernel $(config x) >/tmp/nokernel.cfg; $HL create /tmp/nokernel.cfg"
refuses "a kernel that is not there" 'nokernel' $HL create "$(config x 'kernel = "/boot/nokernel"')"
: >/tmp/empty
refuses "an empty kernel" . $HL create "$(config x 'kernel = "/tmp/empty"')"
head -c 1000000 $PACKED_KERNEL >/tmp/short
refuses "a kernel cut short" . $HL create "$(config x 'kernel = "/tmp/short"')"
{ head -c 200000 $PACKED_KERNEL; head -c 7000000 /dev/urandom; } >/tmp/noise
refuses "a corrupt kernel" . $HL create "$(config x 'kernel = "/tmp/noise"')"
refuses "a kernel without Xen notes" . $HL create "$(config x 'kernel = "/bin/busybox"')"
refuses "a ramdisk that is not there" 'noramdisk' $HL create "$(config x 'ramdisk = "/boot/noramdisk"')"
refuses "more memory than there is" 'memory' $HL create "$(config x 'memory = 900000')"
if ours; then
    refuses "no CPUs" 'vcpus' $HL create "$(config x 'vcpus = 0')"
    refuses "too little memory for its kernel" 'memory' $HL create "$(config x 'memory = 8')"
    refuses "more CPUs than maxvcpus" 'vcpus' $HL create "$(config x 'vcpus = 4' 'maxvcpus = 2')"
    refuses "a known key that is not supported yet" 'spice' $HL create "$(config x 'spice = 1')"
    refuses "a bad action" 'on_poweroff' $HL create "$(config x 'on_poweroff = "explode"')"
    refuses "a bad uuid" 'uuid' $HL create "$(config x 'uuid = "xyz"')"
fi

works "a guest to collide with" $HL create -p "$(config twin)"
refuses "a name that is taken" 'twin.*exist|already|duplicate|taken|in use' $HL create "$(config twin)"
refuses "rename to a name that is taken" . $HL rename twin Domain-0
works "an unknown key is accepted" $HL create -p "$(config odd 'cpu_capp = 3')"
$HL destroy odd 2>/dev/null
if ours; then
    $HL create -p "$(config odd 'memoryy = 3')" >$OUT 2>$ERR
    if grep -qE 'odd\.cfg:[0-9]+.*memoryy' $ERR && grep -q 'memory\b' $ERR; then
        ok "an unknown key is warned of, with the nearest one"
    else
        fail "an unknown key is warned of, with the nearest one" "$(said)"
    fi
    $HL destroy odd 2>/dev/null
fi
refuses "destroy of Domain 0" . $HL destroy 0
for verb in list domid pause unpause destroy shutdown reboot vcpu-list uptime console mem-set rename sysrq; do
    case $verb in
    mem-set) more=64 ;;
    rename) more=other ;;
    sysrq) more=s ;;
    *) more= ;;
    esac
    refuses "$verb of a domain that is not there" 'nobody|not exist|invalid|no such' $HL $verb nobody $more
done
refuses "domname of no domain" . $HL domname 31000
refuses "mem-set without a number" . $HL mem-set twin many
refuses "vcpu-pin to a CPU that is not there" . $HL vcpu-pin twin 0 900
refuses "vcpu-pin of a vCPU that is not there" . $HL vcpu-pin twin 77 0
if ours; then
    refuses "vcpu-set beyond the maximum" . $HL vcpu-set twin 64
    refuses "a weight of nothing" . $HL sched-credit2 -d twin -w 0
    refuses "a rate limit too short for one" "100 to 500000" $HL sched-credit2 -s -r 50
fi
refuses "a verb that is not there" 'frobnicate|not implemented' $HL frobnicate
refuses "an ambiguous prefix" . $HL vcpu-
refuses "an option that is not there" . $HL create --frobnicate /tmp/twin.cfg
works "destroy the twin" $HL destroy twin

nothing_left "nothing is left behind" 20
finish
