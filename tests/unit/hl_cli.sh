#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What hl does without a hypervisor, from the outside: exit codes, streams, help, the dry run.
#     tests/unit/hl_cli.sh build/bin/hl
HL=$(realpath "$1")
GROUP=hl_cli
. "$(dirname "$0")/verdict.sh"

# run STATUS ARGUMENT...: output in $DIR/out and $DIR/err; fails when hl ends otherwise.
run()
{
    want=$1
    shift
    "${PROGRAM:-$HL}" "$@" >"$DIR/out" 2>"$DIR/err" </dev/null
    got=$?
    [ "$got" = "$want" ] && return 0
    echo "hl $*: exit status $got, not $want" >&2
    cat "$DIR/out" "$DIR/err" >&2
    return 1
}

has()
{
    grep -q -- "$2" "$DIR/$1" && return 0
    echo "no '$2' on $1:" >&2
    cat "$DIR/$1" >&2
    return 1
}

# On a host with a hypervisor the tests below would touch it.
cat >"$DIR/a.cfg" <<END
name = "g1"
kernel = '/boot/vmlinuz'
memory = 128
vcpus = 2
END

run 0 help && ! grep -q toolstack "$DIR/err" && has out 'create ' && ! has out 'sched-credit2' 2>/dev/null
verdict help $?
run 0 help --long && has out ' sched-credit2 ' && has out ' getenforce '
verdict help_long $?
run 0 help create && has out 'key=value' && run 0 create -h && has out 'Usage: hl'
verdict help_verb $?
run 1 && has out 'common subcommands'
verdict no_verb $?
run 1 nosuch && has err "'nosuch' is not implemented" && run 1 mem && has err 'mem-max mem-set'
verdict unknown_verb $?
run 2 list -Q && run 2 -Z && run 2 destroy && has err 'requires at least 1 argument' &&
    run 2 rename a && run 2 domid a b && run 2 trigger a && run 2 trigger a bell && has err "'bell' is no trigger" &&
    run 2 trigger a nmi x && has err "not 'x'"
verdict usage_errors $?
run 0 getenforce && [ "$(cat "$DIR/out")" = Disabled ]
verdict getenforce $?
run 1 shutdown && has err 'You must specify -a or a domain id'
verdict shutdown_without_domain $?

run 0 create -n "$DIR/a.cfg" && has out '"name": "g1"' && has out '"c_info": {' && has err 'Parsing config from' &&
    ! grep -q Parsing "$DIR/out"
verdict dry_run $?
run 0 create --quiet --dryrun --defconfig "$DIR/a.cfg" && [ ! -s "$DIR/err" ] && python3 -c '
import json, sys
c = json.load(open(sys.argv[1]))
sys.exit(c["c_info"]["name"] != "g1" or c["b_info"]["max_memkb"] != 131072)' "$DIR/out"
verdict dry_run_as_xendomains $?
run 0 -N create "$DIR/a.cfg" && has out '"g1"' && run 0 --json create "$DIR/a.cfg" -n && has out '"g1"'
verdict dry_run_global $?
run 1 -N destroy g1 && has err 'nothing was done'
verdict dry_run_refused $?
# Which domain it is for, is looked up: here there is no hypervisor to ask.
run 1 -N block-attach nothere /dev/null,,xvda,r && [ ! -s "$DIR/out" ] && [ -s "$DIR/err" ]
verdict dry_run_for_nobody $?
run 0 create -n "$DIR/a.cfg" 'name="other"' 'memory=64; vcpus=1' && has out '"other"' && has out 65536
verdict overrides $?
run 1 create -n "$DIR/a.cfg" name=other && has err 'needs quotes'
verdict override_without_quotes $?
run 2 create -n "$DIR/a.cfg" second.cfg
verdict two_files $?
run 6 create && run 3 create -n /nonexistent.cfg && has err '/nonexistent.cfg'
verdict missing_file $?

printf 'name="g"\nkernel="k"\nmemory=[1\n' >"$DIR/bad.cfg"
run 1 create -n "$DIR/bad.cfg" && has err "$DIR/bad.cfg:4:1" && has err "expected ',' or ']'"
verdict syntax_error $?
run 1 --json create -n "$DIR/bad.cfg" && tail -n 1 "$DIR/err" | python3 -c '
import json, sys
e = json.load(sys.stdin)
sys.exit("bad.cfg:4:1" not in e["object"] or e["errno"] != 22)'
verdict syntax_error_json $?
printf 'name="g"\nkernel="k"\nmemory=1\nvfi=["x"]\n' >"$DIR/warn.cfg"
run 0 create -n "$DIR/warn.cfg" && has err "warn.cfg:4:1: warning: unknown key 'vfi'" && has err "'vif'" &&
    run 0 create -q -n "$DIR/warn.cfg" && [ ! -s "$DIR/err" ]
verdict unknown_key $?

# Each key of xl.conf(5), at what holds anyway: nothing is said.
cat >"$DIR/xl.conf" <<END
domid_policy = "random"
autoballoon = "auto"
run_hotplug_scripts = 1
lockfile = "/var/lock/xl"
max_grant_frames = 64
max_maptrack_frames = 1024
max_grant_version = 1
vif.default.script = "vif-bridge"
vif.default.bridge = "xenbr0"
vif.default.backend = "0"
vif.default.gatewaydev = "eth0"
vif.nat.bridge = "nat0"
vif.nat.address = "192.168.99.1/24"
vifscript = "vif-bridge"
defaultbridge = "xenbr0"
output_format = "json"
blkdev_start = "xvda"
claim_mode = 1
vm.cpumask = "all"
vm.hvm.cpumask = "all"
vm.pv.cpumask = "all"
END
HOSPES_XL_CONF=$DIR/xl.conf run 0 create -n "$DIR/a.cfg" && ! grep warning "$DIR/err"
verdict host_defaults $?
cat >"$DIR/xl.conf" <<END
run_hotplug_scripts = 0
output_format = "sxp"
lockfile = "/var/lock/mine"
 blkdev_start = "xvdx"
remus.default.netbufscript = "/r"
colo.default.proxyscript = "/c"
autobaloon = "off"
END
HOSPES_XL_CONF=$DIR/xl.conf run 0 create -n "$DIR/a.cfg" && has err "xl.conf:1:1: warning: 'run_hotplug_scripts' is ignored: .*udev" &&
    has err "xl.conf:2:1: .*'output_format'.*JSON" && has err "'lockfile'" && has err "xl.conf:4:2: .*'blkdev_start'" && has err "'remus" &&
    has err "'colo" && has err "'autobaloon' is ignored: there is no such key" && [ "$(grep -c warning "$DIR/err")" = 7 ] &&
    HOSPES_XL_CONF=$DIR/xl.conf run 0 create -q -n "$DIR/a.cfg" && [ ! -s "$DIR/err" ]
verdict host_defaults_ignored $?

ln -s "$HL" "$DIR/xl"
PROGRAM=$DIR/xl run 1 nosuch && has err '^xl: '
verdict called_as_xl $?
if [ ! -e /proc/xen/privcmd ] && [ ! -e /dev/xen/privcmd ]; then
    run 1 list && has err 'hypervisor' && run 1 debug q && has err 'hypervisor' && run 1 domid x
    verdict no_hypervisor $?
else
    echo "skip hl_cli_no_hypervisor: there is one"
fi

# Two would restart each guest twice; "hl devd -p" and a service have pid files of their own.
mkdir "$DIR/run"
echo 4711 >"$DIR/run/hospesd.lock"
flock "$DIR/run/hospesd.lock" env HOSPES_RUN_DIR="$DIR/run" "$(dirname "$HL")/hospesd" --log-dir= --pid-file="$DIR/other.pid" 2>"$DIR/err"
[ $? = 1 ] && has err 'running already (pid 4711)' && [ ! -e "$DIR/other.pid" ]
verdict one_hospesd $?
exit $((failures != 0))
