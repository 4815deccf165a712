#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The block backend's image formats, with QEMU's tools as the judge: random requests (tests/unit/image_test.c) on images
# that qemu-img made, then `qemu-img check` and `compare`.
#   tests/unit/image_formats.sh BUILD
set -u
B=$1
TEST=$B/test/image_test
dir=$(mktemp -d)
pids=()
trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done; rm -rf "$dir"' EXIT
status=0
REQUESTS=${REQUESTS:-400}

verdict()
{
    if [ "$2" = 0 ]; then
        echo "ok image/$1"
    else
        echo "not ok image/$1: $(tail -n 3 "$dir/out" | tr '\n' ' ')"
        status=1
    fi
}

# exercise NAME FORMAT IMAGE SEEDS [OPTION]: the model is what qemu-img reads before.
exercise()
{
    local name=$1 format=$2 image=$3 seeds=$4 option=${5-} rc=0 seed
    qemu-img convert -O raw "$image" "$dir/model" >"$dir/out" 2>&1 || rc=1
    for seed in $seeds; do
        [ $rc = 0 ] || break
        "$TEST" "$format" "$image" "$dir/model" "$seed" "$REQUESTS" $option >"$dir/out" 2>&1 || { rc=1; break; }
        if [ "$format" = qcow2 ]; then
            # 3: leaked clusters, which only a killed process may leave.
            qemu-img check "$image" >"$dir/out" 2>&1
            case $?$option in 0* | 3kill) ;; *) rc=1 ;; esac
        fi
        qemu-img compare "$image" -F raw "$dir/model" >"$dir/out" 2>&1 || rc=1
    done
    verdict "$name" $rc
    rm -f "$dir/model"
}

cd "$dir" || exit 1
qemu-img create -q -f raw raw.img 40M
exercise raw raw raw.img "1 2"

qemu-img create -q -f qcow2 plain.qcow2 60M
exercise qcow2 qcow2 plain.qcow2 "1 2 3 4"
exercise qcow2-again qcow2 plain.qcow2 "5 6"
qemu-img create -q -f qcow2 killed.qcow2 60M
exercise qcow2-killed qcow2 killed.qcow2 "1 2 3 4" kill
qemu-img create -q -f qcow2 -o compat=0.10 old.qcow2 60M
exercise qcow2-version-2 qcow2 old.qcow2 "1 2"
qemu-img create -q -f qcow2 -o cluster_size=512 small.qcow2 20M
exercise qcow2-small-clusters qcow2 small.qcow2 "1 2"
qemu-img create -q -f qcow2 -o cluster_size=2M large.qcow2 100M
exercise qcow2-large-clusters qcow2 large.qcow2 "1 2"
for bits in 1 8 64; do
    qemu-img create -q -f qcow2 -o refcount_bits=$bits bits.qcow2 60M
    exercise qcow2-counts-of-$bits-bits qcow2 bits.qcow2 "1"
    rm bits.qcow2
done

# A backing file that is shorter than the disk, and one in another folder, named relatively.
mkdir base
qemu-img create -q -f raw base/base.raw 30M
dd if=/dev/urandom of=base/base.raw bs=1M count=20 conv=notrunc status=none
qemu-img create -q -f qcow2 -b base/base.raw -F raw over.qcow2 60M
exercise qcow2-backing-raw qcow2 over.qcow2 "1 2"
qemu-img create -q -f qcow2 -b over.qcow2 -F qcow2 over2.qcow2
exercise qcow2-backing-qcow2 qcow2 over2.qcow2 "1 2"

# Compressed clusters, and an internal snapshot that must keep what it has.
for how in zlib zstd; do
    qemu-img convert -q -c -O qcow2 -o compression_type=$how base/base.raw packed.qcow2
    exercise qcow2-compressed-$how qcow2 packed.qcow2 "1 2"
    rm packed.qcow2
done
qemu-img convert -q -O qcow2 base/base.raw snap.qcow2
qemu-img snapshot -c before snap.qcow2
exercise qcow2-snapshot qcow2 snap.qcow2 "1 2"
qemu-img convert -q -l before -O raw snap.qcow2 then.raw 2>"$dir/out"
cmp then.raw base/base.raw >"$dir/out" 2>&1
verdict qcow2-snapshot-kept $?

for sub in fixed dynamic; do
    qemu-img convert -q -O vpc -o subformat=$sub,force_size=on base/base.raw disk.vhd
    exercise vhd-$sub vhd disk.vhd "1 2" ro
done

# With hospes-block's system calls only.
SANITIZED=$TEST
TEST=$B/test/image_sandbox_test
exercise sandbox-raw raw raw.img "3" sandbox
exercise sandbox-qcow2 qcow2 plain.qcow2 "7" sandbox
qemu-img convert -q -c -O qcow2 base/base.raw packed.qcow2
exercise sandbox-qcow2-compressed qcow2 packed.qcow2 "3" sandbox
exercise sandbox-vhd vhd disk.vhd "3" "ro sandbox"
cp base/base.raw model
"$TEST" raw base/base.raw model 1 1 blocked sandbox >out 2>&1
[ $? = 159 ] && grep -q 'getppid' out # killed by SIGSYS
verdict sandbox-blocked $?
TEST=$SANITIZED

# NBD, from QEMU's server, over a socket; the model is the file that it serves.
qemu-img create -q -f raw served.raw 40M
cp served.raw model
qemu-nbd -t -f raw -k "$dir/nbd.sock" --discard=unmap served.raw &
pids+=($!)
# Whether it listens; the file is there before.
for _ in $(seq 600); do grep -q " 00010000 .* $dir/nbd.sock" /proc/net/unix && break; sleep 0.1; done
"$TEST" nbd "nbd+unix:///?socket=$dir/nbd.sock" model 1 "$REQUESTS" >out 2>&1
rc=$?
[ $rc = 0 ] && { "$B/test/image_sandbox_test" nbd "nbd+unix:///?socket=$dir/nbd.sock" model 2 "$REQUESTS" sandbox >out 2>&1; rc=$?; }
kill "${pids[0]}"
wait "${pids[0]}" 2>/dev/null
[ $rc = 0 ] && { cmp served.raw model >out 2>&1 || rc=1; }
verdict nbd $rc

# What must be refused, with a reason.
refused()
{
    local name=$1 pattern=$2
    shift 2
    truncate -s 1M model
    "$TEST" "$@" >out 2>&1 && rc=1 || { grep -q "$pattern" out; rc=$?; }
    verdict "refused-$name" $rc
}
refused vhd-writing "can only be read" vhd disk.vhd model 1 1
refused not-there "No such file" raw nothing model 1 1
refused no-qcow2 "no qcow2 image" qcow2 raw.img model 1 1
cp plain.qcow2 dirty.qcow2
printf '\0\0\0\0\0\0\0\1' | dd of=dirty.qcow2 bs=1 seek=72 conv=notrunc status=none
refused dirty "marked dirty" qcow2 dirty.qcow2 model 1 1
head -c 100 plain.qcow2 >cut.qcow2
refused cut "" qcow2 cut.qcow2 model 1 1
qemu-img create -q -f qcow2 -o extended_l2=on ext.qcow2 10M
refused extended-l2 "not supported" qcow2 ext.qcow2 model 1 1
qemu-img create -q -f qcow2 -u -b circle2.qcow2 -F qcow2 circle.qcow2 10M
qemu-img create -q -f qcow2 -u -b circle.qcow2 -F qcow2 circle2.qcow2 10M
refused circle "circle" qcow2 circle.qcow2 model 1 1

# Who has one open, and who may open it beside: image_test waits for a line before it ends.
beside()
{
    local name=$1 first=$2 second=$3 image=$4 format=$5 pattern=$6 rc
    truncate -s 1M model
    rm -f held
    exec 7> >("$TEST" "$format" "$image" model 1 0 "$first" hold >held 2>&1)
    pids[0]=$!
    for _ in $(seq 600); do [ -s held ] && break; sleep 0.1; done
    "$TEST" "$format" "$image" model 1 0 "$second" >out 2>&1
    rc=$?
    exec 7>&-
    wait "${pids[0]}"
    grep -q '^# open' held || rc=2
    if [ -n "$pattern" ]; then
        [ $rc = 1 ] && grep -q "$pattern" out
        rc=$?
    fi
    verdict "beside-$name" $rc
}
beside readers ro ro raw.img raw ""
beside writers rw rw raw.img raw "another disk is using it"
beside writer-and-reader rw ro raw.img raw "another disk is using it"
beside reader-and-writer ro rw raw.img raw "another disk is using it"
beside sharers shared shared raw.img raw ""
beside writer-and-sharer rw shared raw.img raw ""
beside sharer-and-writer shared rw raw.img raw "another disk is using it"
beside sharer-and-reader shared ro raw.img raw "another disk is using it"
beside sharers-of-qcow2 shared shared plain.qcow2 qcow2 "a qcow2 image has one writer"
beside reader-of-backing ro ro over.qcow2 qcow2 ""
exit $status
