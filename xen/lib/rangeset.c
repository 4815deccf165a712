/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Range sets: a sorted array of ranges that neither overlap nor touch. Sets are small (a domain's
 * I/O rights), looked up far more often than changed; a search is a bisection.
 */
#include "lib/lib.h"
#include "lib/rangeset.h"

void rangeset_init(struct rangeset *r, unsigned int limit)
{
    *r = (struct rangeset){.limit = limit};
    spin_lock_init(&r->lock, LOCK_RANGESET);
}

void rangeset_destroy(struct rangeset *r)
{
    hv_free(r->ranges);
    r->ranges = NULL;
    r->count = r->space = 0;
}

/* Index of the first range that ends at or after n; count if none does. Lock held. */
static unsigned int find(const struct rangeset *r, uint64_t n)
{
    unsigned int lo = 0, hi = r->count;
    while (lo < hi) {
        unsigned int mid = (lo + hi) / 2;
        if (r->ranges[mid].last < n)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/*
 * Make room for one more range. The lock is dropped over the allocation, because the heap's lock
 * may not be needed by whoever waits here; the caller must look again afterwards. 0: there is room
 * and the lock was held throughout; 1: room was made, look again.
 */
static int make_room(struct rangeset *r)
{
    if (r->limit && r->count >= r->limit)
        return -ENOSPC;
    if (r->count < r->space)
        return 0;

    unsigned int space = r->space ? r->space * 2 : 8;
    spin_unlock(&r->lock);
    struct range *bigger = hv_zalloc(space * sizeof(*bigger));
    spin_lock(&r->lock);
    if (!bigger)
        return -ENOMEM;
    struct range *unneeded = bigger;
    if (space > r->space) {
        unneeded = r->ranges;
        if (r->count)
            memcpy(bigger, r->ranges, r->count * sizeof(*bigger));
        r->ranges = bigger;
        r->space = space;
    }
    spin_unlock(&r->lock);
    hv_free(unneeded);
    spin_lock(&r->lock);
    return 1;
}

static void insert_at(struct rangeset *r, unsigned int i, uint64_t first, uint64_t last)
{
    memmove(&r->ranges[i + 1], &r->ranges[i], (r->count - i) * sizeof(r->ranges[0]));
    r->ranges[i] = (struct range){first, last};
    r->count++;
}

static void delete_from(struct rangeset *r, unsigned int i, unsigned int n)
{
    memmove(&r->ranges[i], &r->ranges[i + n], (r->count - i - n) * sizeof(r->ranges[0]));
    r->count -= n;
}

int rangeset_add(struct rangeset *r, uint64_t first, uint64_t last)
{
    int rc = 0;

    if (first > last)
        return -EINVAL;
    spin_lock(&r->lock);
    for (;;) {
        /* The first that overlaps or touches from below. */
        unsigned int i = find(r, first ? first - 1 : 0);
        unsigned int n = 0;
        while (i + n < r->count && (last == ~0ull || r->ranges[i + n].first <= last + 1)) {
            first = MIN(first, r->ranges[i + n].first);
            last = MAX(last, r->ranges[i + n].last);
            n++;
        }
        if (n) {
            r->ranges[i] = (struct range){first, last};
            delete_from(r, i + 1, n - 1);
            break;
        }
        rc = make_room(r);
        if (rc < 0)
            break;
        if (rc == 0) {
            insert_at(r, i, first, last);
            break;
        }
    }
    spin_unlock(&r->lock);
    return rc < 0 ? rc : 0;
}

int rangeset_remove(struct rangeset *r, uint64_t first, uint64_t last)
{
    int rc;

    if (first > last)
        return -EINVAL;
    spin_lock(&r->lock);
again:
    rc = 0;
    for (unsigned int i = find(r, first); i < r->count && r->ranges[i].first <= last;) {
        struct range *x = &r->ranges[i];
        if (x->first < first && x->last > last) { /* splits into two */
            rc = make_room(r);
            if (rc < 0)
                break;
            if (rc > 0)
                goto again;
            insert_at(r, i + 1, last + 1, x->last);
            r->ranges[i].last = first - 1;
            break;
        }
        if (x->first < first) {
            x->last = first - 1;
            i++;
        } else if (x->last > last) {
            x->first = last + 1;
            break;
        } else {
            delete_from(r, i, 1);
        }
    }
    spin_unlock(&r->lock);
    return rc < 0 ? rc : 0;
}

bool rangeset_contains(struct rangeset *r, uint64_t first, uint64_t last)
{
    spin_lock(&r->lock);
    unsigned int i = find(r, first);
    bool in = i < r->count && r->ranges[i].first <= first && r->ranges[i].last >= last;
    spin_unlock(&r->lock);
    return in;
}

bool rangeset_overlaps(struct rangeset *r, uint64_t first, uint64_t last)
{
    spin_lock(&r->lock);
    unsigned int i = find(r, first);
    bool in = i < r->count && r->ranges[i].first <= last;
    spin_unlock(&r->lock);
    return in;
}
