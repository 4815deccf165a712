/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unpacked kernels, kept by the SHA-256 of the packed file, so that a second create of the same
 * kernel does not unpack it again. An entry is written under a temporary name and renamed; it ends
 * in a trailer that is verified on use, and a bad one is removed. Total size is bounded: the
 * least recently used go first.
 */
#ifndef HL_KERNEL_CACHE_H
#define HL_KERNEL_CACHE_H

#include <stdbool.h>
#include <stddef.h>

struct hl_error;

/* An unpacked kernel in memory: mapped from the cache or malloc'd. */
struct kernel_file {
    const void *data;
    size_t size;
    void *map; /* private */
    size_t map_size;
    bool from_cache; /* no unpacking was needed */
};

/*
 * Reads the kernel `path`, unpacks it where needed, by the cache where that works (a cache that
 * cannot be read or written is only slower). Undone by kernel_file_close().
 */
int kernel_file_open(const char *path, struct kernel_file *k, struct hl_error *e);
void kernel_file_close(struct kernel_file *k);

/* For tests: another folder (NULL: the default, HOSPES_KERNEL_CACHE or /var/cache/hospes/kernels)
 * and bound. */
void kernel_cache_configure(const char *dir, size_t max_bytes);

#endif
