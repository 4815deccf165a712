/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of inclusive ranges of numbers, kept sorted and merged. */
#ifndef XEN_LIB_RANGESET_H
#define XEN_LIB_RANGESET_H
#include "lib/spinlock.h"

struct range {
    uint64_t first, last;
};
struct rangeset {
    struct spinlock lock; /* LOCK_RANGESET */
    unsigned int count, space;
    unsigned int limit; /* at most so many ranges: a guest cannot grow it without end */
    struct range *ranges;
};
void rangeset_init(struct rangeset *r, unsigned int limit);
void rangeset_destroy(struct rangeset *r);
/* 0, -ENOMEM, -ENOSPC (limit). */
int rangeset_add(struct rangeset *r, uint64_t first, uint64_t last);
int rangeset_remove(struct rangeset *r, uint64_t first, uint64_t last);
/* Whether all of [first, last] is in the set. */
bool rangeset_contains(struct rangeset *r, uint64_t first, uint64_t last);
/* Whether any of it is. */
bool rangeset_overlaps(struct rangeset *r, uint64_t first, uint64_t last);

#endif
