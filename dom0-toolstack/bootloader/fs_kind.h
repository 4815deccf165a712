/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fs.c asks of one kind of file system. All that is read is the guest's: every walk is bounded by what the kind
 * allows, whatever stands on the disk.
 */
#ifndef BOOTLOADER_FS_KIND_H
#define BOOTLOADER_FS_KIND_H

#include <stddef.h>
#include <stdint.h>

#include "dom0-toolstack/bootloader/fs.h"

/* Names are at most 255 bytes in all of them (of FAT and ISO 9660: in UTF-8, cut off). */
#define FS_MAX_NAME  255
#define FS_MAX_LINKS 8

struct fs_kind {
    /* 0; -ENODEV: it is another kind; another error, and *why (static text). On 0 undone by close(). */
    int (*open)(struct fs *fs, const char **why);
    void (*close)(struct fs *fs);
    /* A regular file and its size. Undone by close_file(). */
    int (*open_file)(struct fs *fs, const char *path, uint64_t *size);
    /* The next `n` bytes of it, which are there by its size; all of them, or a negative errno. */
    int (*read)(struct fs *fs, void *to, size_t n);
    void (*close_file)(struct fs *fs);
    int (*list)(struct fs *fs, const char *path, fs_name *each, void *opaque);
};

struct fs {
    const struct fs_kind *kind;
    struct disk *disk;
    struct partition part;
    void *state; /* the kind's own */
};

extern const struct fs_kind fs_ext, fs_xfs, fs_fat, fs_iso9660;

/* Exactly n bytes of the partition: 0, -EIO. */
int fs_read_part(struct fs *fs, uint64_t offset, void *to, size_t n);

/* The next name of a path, without slashes, and what is behind it; false at the end. Too long a name is cut by one. */
bool fs_next_name(const char **path, char name[FS_MAX_NAME + 2]);

#endif
