#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `make install` and `make deb` lay out: xl's names, units that can all be enabled, a package that lets those of
# Xen's be installed that use its tools.
#     tests/unit/install.sh BUILD-DIRECTORY
B=$(realpath "$1")
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
failures=0

# verdict NAME STATUS [why]
verdict()
{
    if [ "$2" = 0 ]; then
        echo "ok install_$1"
    else
        echo "not ok install_$1: ${3:-see above}"
        failures=$((failures + 1))
    fi
}

install_to()
{
    make -s install B="$B" DESTDIR="$1" >"$DIR/log" 2>&1 || { cat "$DIR/log"; false; }
}

# ---- xl's names -----------------------------------------------------------------------------------
root=$DIR/fresh
install_to "$root" && install_to "$root"
verdict twice $?
for name in hl xl xm; do
    "$root/usr/sbin/$name" help | grep -q "^Usage $name "
    verdict "${name}_runs" $? "$(ls -l "$root/usr/sbin/$name")"
done
# Xen's own, even where it is a link into a package that is gone.
root=$DIR/xens
mkdir -p "$root/usr/sbin"
ln -s ../lib/xen-common/bin/xen-utils-wrapper "$root/usr/sbin/xl"
install_to "$root" && [ "$(readlink "$root/usr/sbin/xl")" = ../lib/xen-common/bin/xen-utils-wrapper ]
verdict xens_own_xl_stays $?

# ---- the package ----------------------------------------------------------------------------------
dom0-toolstack/make-deb 0 "$B" -Znone >"$DIR/deb" 2>&1
verdict deb $? "$(cat "$DIR/deb")"
deb=$(cat "$DIR/deb")
units=$(dpkg-deb -I "$deb" postinst | sed -n 's/.*systemctl enable -q \([^;]*\);.*/\1/p')
rm -f "$deb"
[ -n "$units" ]
verdict enables_units $? "no unit is enabled"
# systemd starts one of two units that exclude each other, and only those of files that exist.
root=$B/deb/lib/systemd/system
for unit in $units; do
    [ -f "$root/$unit" ] && [ ! -L "$root/$unit" ]
    verdict "$unit" $? "it is no unit's own name"
    for enemy in $(sed -n 's/^Conflicts=//p' "$root/$unit"); do
        enemy=$(basename "$(realpath -m "$root/$enemy")")
        case " $units " in *" $enemy "*) false ;; esac
        verdict "${unit}_beside_$enemy" $? "$unit conflicts with it, and both are enabled"
    done
done
# What Debian's init scripts call xen, which xendomains comes after.
[ "$(realpath "$root/xen.service")" = "$root/hospesd.service" ]
verdict xen_is_hospesd $?
[ $failures = 0 ]
