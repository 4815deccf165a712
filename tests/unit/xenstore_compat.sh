#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Asks Xen's C xenstored and ours the same questions (xenstore_probe.script), side by side in a Domain 0
# on Debian's Xen, where alone Xen's runs. Any difference in the answers is a failure.
# Usage: xenstore_compat.sh BUILD-DIRECTORY
set -u
build=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
name=xenstore_answers_like_xens
if ! B=$build "$here/../lab/fetch-xen" >/dev/null; then
    echo "skip $name: Debian's Xen 4.17 could not be fetched"
    exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/ask.sh" <<'ASK'
mkdir /tmp/run
/tests/xenstored -D -r /tmp/run || exit 2
for socket in /run/xenstored/socket /tmp/run/socket; do
    /tests/xenstore_probe $socket </tests/xenstore_probe.script >>/tmp/said || exit 2
    mv /tmp/said /tmp/said.$(echo $socket | cut -d/ -f2)
done
diff /tmp/said.run /tmp/said.tmp
ASK
"$here/../lab/boot" --hv=xen --tools=xen --smp=1 --timeout=900 --log="$dir/log" --run="$dir/ask.sh" \
    --add="$build/bin/xenstored:/tests/xenstored" --add="$build/test/xenstore_probe" \
    --add="$here/xenstore_probe.script" >"$dir/out" 2>&1
status=$?
case $status in
0) echo "ok $name" ;;
1)
    sed -n '/^lab: Domain 0 is up/,/^lab: exit/p' "$dir/log" | tail -n 40 >&2
    echo "not ok $name: the answers differ"
    ;;
*) echo "not ok $name: the machine ended with $status: $(tail -n 1 "$dir/out")" ;;
esac
[ $status = 0 ]
