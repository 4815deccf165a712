#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `make install` and `make deb` lay out: xl's names, units that can all be enabled, a package that lets those of
# Xen's be installed that use its tools.
#     tests/unit/install.sh BUILD-DIRECTORY
B=$(realpath "$1")
# The jobs of the make that called are not for those that run here.
unset MAKEFLAGS MFLAGS MAKELEVEL
GROUP=install
. "$(dirname "$0")/verdict.sh"

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
deb=$(tail -n 1 "$DIR/deb")
units=$(dpkg-deb -I "$deb" postinst | sed -n 's/.*systemctl .* enable -q \([^;]*\);.*/\1/p')
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

# ---- beside Debian's xen-utils-common -------------------------------------------------------------
# That one has two names of ours, which choose the programs of the Xen that runs: in either order both are installed.
theirs=$DIR/theirs
mkdir -p "$theirs/usr/sbin" "$theirs/DEBIAN"
for name in xl xenstored; do
    ln -s ../lib/xen-common/bin/xen-utils-wrapper "$theirs/usr/sbin/$name"
done
printf 'Package: xen-utils-common\nVersion: 4.17\nArchitecture: all\nMaintainer: none <none@localhost>\nDescription: %s\n' \
    "a stand-in" >"$theirs/DEBIAN/control"
dpkg-deb --root-owner-group -Znone -b "$theirs" "$DIR/theirs.deb" >/dev/null

# dpkg in a root of its own, whose packages' scripts run with DPKG_ROOT.
in_root()
{
    mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info"
    touch "$root/var/lib/dpkg/status"
    PATH=$PATH:/usr/sbin:/sbin dpkg --root="$root" --log="$DIR/dpkg.log" --force-script-chrootless --force-not-root \
        --force-depends "$@" >"$DIR/log" 2>&1 ||
        { cat "$DIR/log"; false; }
}

ours_is_there()
{
    [ "$(readlink "$root/usr/sbin/xl")" = hl ] && cmp -s "$root/usr/sbin/xenstored" "$B/bin/xenstored"
}

theirs_is_there()
{
    [ "$(readlink "$root/usr/sbin/xl$1")$(readlink "$root/usr/sbin/xenstored$1")" = \
        "$(readlink "$theirs/usr/sbin/xl")$(readlink "$theirs/usr/sbin/xl")" ]
}

root=$DIR/common_first
in_root -i "$DIR/theirs.deb" && in_root -i "$deb" && in_root -i "$deb" && ours_is_there && theirs_is_there .xen
verdict beside_xen_utils_common $?
in_root -r hospes && theirs_is_there '' && ! ls "$root"/usr/sbin/*.xen 2>/dev/null
verdict removed_from_there $?
root=$DIR/common_second
in_root -i "$deb" && in_root -i "$DIR/theirs.deb" && ours_is_there && theirs_is_there .xen
verdict xen_utils_common_beside $?
in_root -r xen-utils-common && ours_is_there
verdict xen_utils_common_removed $?
rm -f "$deb"
[ $failures = 0 ]
