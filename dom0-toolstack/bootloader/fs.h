/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems on a guest's disk, for reading: ext2, ext3, ext4, XFS, FAT and ISO 9660. A journal is not replayed: what
 * the guest wrote in the last seconds before a crash may be missing. One file is open at a time.
 */
#ifndef BOOTLOADER_FS_H
#define BOOTLOADER_FS_H

#include <stddef.h>
#include <stdint.h>

#include "dom0-toolstack/bootloader/disk.h"

struct fs;

/* Has libraries read now what they read of the host once; to be called before that is out of reach. */
void fs_prepare(void);

/* 0, or a negative errno and *why (static text): "it is btrfs ...", "it is damaged". Undone by fs_close(). */
int fs_open(struct disk *d, const struct partition *p, struct fs **fs, const char **why);
void fs_close(struct fs *fs);

/* A whole file of at most `max` bytes (-EFBIG), malloc'd, with a NUL behind it. -ENOENT, -EIO, -EISDIR, -ELOOP. */
int fs_read_file(struct fs *fs, const char *path, size_t max, char **data, size_t *size);

/* In pieces, to a function that returns 0 or a negative errno. */
typedef int fs_sink(void *opaque, const void *data, size_t n);
int fs_copy(struct fs *fs, const char *path, uint64_t max, fs_sink *sink, void *opaque);

/*
 * The names in a folder, in no order, "." and ".." perhaps among them, each once at least; each() may not use `fs`, and
 * ends the walk with a negative errno. -ENOENT where there is no such folder.
 */
typedef int fs_name(void *opaque, const char *name);
int fs_list(struct fs *fs, const char *path, fs_name *each, void *opaque);

#endif
