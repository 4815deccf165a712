/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a disk to what a guest boots: the partition, its menu, the item, and kernel, ramdisk and command line of that.
 * This is the part that reads what the guest wrote; it runs in a sandbox (sandbox.h).
 */
#ifndef BOOTLOADER_FIND_H
#define BOOTLOADER_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dom0-toolstack/bootloader/disk.h"

struct boot_request {
    const char *entry;            /* NULL: the menu's default */
    const char *kernel, *ramdisk; /* paths in the guest's file system, in place of a menu; NULL */
    const char *args;             /* what comes behind the kernel's own words; NULL */
    uint64_t offset;              /* where the partition begins, if not 0 */
    bool list;                    /* only the menu is wanted, for people */
    bool menu;                    /* only the menu is wanted, for a program that shows it */
};

/* What comes out, in pieces, in this order: first ARGS or LIST, then KERNEL, then RAMDISK (if there is one). */
enum boot_part { BOOT_ARGS, BOOT_LIST, BOOT_KERNEL, BOOT_RAMDISK, BOOT_PARTS };

struct boot_output {
    /* 0 or a negative errno, which ends the search. */
    int (*put)(struct boot_output *o, enum boot_part part, const void *data, size_t n);
    void *opaque;
};

#define BOOT_MAX_KERNEL  ((uint64_t)512 << 20)
#define BOOT_MAX_RAMDISK ((uint64_t)2 << 30)
#define BOOT_MAX_ARGS    4096
#define BOOT_MAX_LIST    65536

/*
 * What `menu` puts, a line each: "default N", "timeout S" where the menu says one (-1: it waits), "entry TITLE" for each
 * item with a kernel. N counts those.
 */

/* 0, or a negative errno with a sentence in `why`: what was looked for, and where. */
int boot_find(struct disk *d, const struct boot_request *r, struct boot_output *out, char *why,
              size_t size);

#endif
