/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's disk as the boot loader sees it: something that can be read, and the partitions on it. Nothing here waits
 * for anything but the reading, and every byte read is the guest's: hostile.
 */
#ifndef BOOTLOADER_DISK_H
#define BOOTLOADER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk {
    uint64_t size; /* bytes */
    /* Exactly n bytes or a negative errno; within `size`. */
    int (*read)(struct disk *d, uint64_t offset, void *to, size_t n);
    void *opaque;
};

/* The same with a check of the range: -EIO beyond the end. */
int disk_read(struct disk *d, uint64_t offset, void *to, size_t n);

struct partition {
    unsigned int number; /* 0: the disk as a whole */
    uint64_t start, size;
    bool active; /* the one marked as bootable */
};

#define MAX_PARTITIONS 128

/*
 * Fills out[] from the disk's table, GPT or MBR with its logical ones; parts that lie outside the disk are left out.
 * The number of them, 0 where there is no table; *kind says which ("GPT", "MBR", "no").
 */
unsigned int disk_partitions(struct disk *d, struct partition out[MAX_PARTITIONS],
                             const char **kind);

#endif
