# SPDX-License-Identifier: GPL-2.0-or-later
# What every script of the lab shares: places, messages, and a cpio that comes out the same each time.
# Sourced by bash scripts; expects nothing.
# shellcheck shell=bash
SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
B=${B:-$SRC/build}
case $B in /*) ;; *) B=$SRC/$B ;; esac
LAB=$B/lab
export LC_ALL=C

say()
{
    echo "lab: $*" >&2
}

die()
{
    echo "lab: $*" >&2
    exit 1
}

# pack DIR FILE: archive DIR as an initramfs. Sorted names, no times, no owners: the same tree gives
# the same bytes. FILE's suffix chooses the compression (.cpio: none, .zst: quick to
# unpack). Linux wants an archive behind another one to begin at a multiple of four.
pack()
{
    local dir=$1 out=$2
    (
        cd "$dir" || exit 1
        find . -mindepth 1 -exec touch -h -d @0 {} +
        find . -mindepth 1 -print0 | sort -z | cpio -o -0 -H newc -R 0:0 --reproducible --quiet
    ) | case $out in
        *.zst) zstd -q -3 -c ;;
        *) cat ;;
    esac >"$out.tmp.$$" && truncate -s %512 "$out.tmp.$$" && mv "$out.tmp.$$" "$out"
}

# copy_program ROOT DEST FILE...: copy programs into ROOT/DEST with the shared libraries they need, at
# the places where the loader looks for them.
copy_program()
{
    local root=$1 dest=$2 file lib libs real
    shift 2
    mkdir -p "$root$dest"
    for file in "$@"; do
        # Links to a neighbour stay links: one program may have many names.
        if [ -L "$file" ] && [ "$(readlink "$file")" = "$(basename "$(readlink "$file")")" ]; then
            cp -P "$file" "$root$dest/"
            continue
        fi
        cp -L "$file" "$root$dest/"
        # libgcc_s: pthread_cancel() loads it by name.
        libs=$(ldd "$file" 2>/dev/null |
            sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p')
        [ -n "$libs" ] && libs="$libs /lib/x86_64-linux-gnu/libgcc_s.so.1"
        for lib in $libs; do
            # Libraries below build/lab stand for installed ones.
            real=$lib lib=${lib#"$LAB/xen-root"}
            [ -e "$root$lib" ] && continue
            mkdir -p "$root$(dirname "$lib")"
            cp -L "$real" "$root$lib"
        done
    done
}
