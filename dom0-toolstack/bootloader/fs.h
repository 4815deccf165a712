/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems on a guest's disk, for reading: ext2, ext3 and ext4, by libext2fs. A journal is not replayed: what the
 * guest wrote in the last seconds before a crash may be missing.
 */
#ifndef BOOTLOADER_FS_H
#define BOOTLOADER_FS_H

#include <stddef.h>
#include <stdint.h>

#include "dom0-toolstack/bootloader/disk.h"

struct fs;

/* 0, or a negative errno and *why (static text): "btrfs is not supported", "it is damaged". Undone by fs_close(). */
int fs_open(struct disk *d, const struct partition *p, struct fs **fs, const char **why);
void fs_close(struct fs *fs);

/* A whole file of at most `max` bytes (-EFBIG), malloc'd, with a NUL behind it. -ENOENT, -EIO, -EISDIR. */
int fs_read_file(struct fs *fs, const char *path, size_t max, char **data, size_t *size);

/* In pieces, to a function that returns 0 or a negative errno. */
typedef int fs_sink(void *opaque, const void *data, size_t n);
int fs_copy(struct fs *fs, const char *path, uint64_t max, fs_sink *sink, void *opaque);

#endif
