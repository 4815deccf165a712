/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of the daemon's core. Every allocation goes through here, so that the tests can make any
 * one of them fail.
 */
#ifndef HOSPES_XENSTORE_MEM_H
#define HOSPES_XENSTORE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of allocations that still succeed; negative: no limit. Only tests set it. */
extern long mem_budget;

/* malloc() and realloc() with that limit; released by free(). */
void *mem_alloc(size_t size);
void *mem_realloc(void *old, size_t size);
char *mem_strdup(const char *s);

/*
 * A growing byte buffer. A failed addition sets `failed` and leaves the content as it was, so a
 * sequence of additions needs one check at its end.
 */
struct buf {
    unsigned char *data;
    size_t len, room;
    bool failed;
};

void buf_add(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s); /* with its NUL */
void buf_u8(struct buf *b, uint8_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_reset(struct buf *b); /* empties it and keeps the memory */
void buf_free(struct buf *b);

#endif
