/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's grant table and map track, shared by the files that make and use them. */
#ifndef XEN_DOMAIN_GRANT_INTERNAL_H
#define XEN_DOMAIN_GRANT_INTERNAL_H
#include "domain/grant_table.h"
#include "lib/lib.h"

#define GRANTS_PER_FRAME  (PAGE_SIZE / sizeof(grant_entry_v1_t))
#define DEFAULT_FRAMES    64
#define DEFAULT_MAPTRACK  1024
#define MAX_GRANT_FRAMES  4096u
#define MAX_MAPTRACK      65536
#define MAPTRACK_PER_PAGE 128u /* a power of two: handles are looked up often */
/* The ABI counts map-track frames of 8-byte entries. */
#define MAPTRACK_PER_UNIT 512u
#define MAPTRACK_NONE     (~0u)

/* Our side of an entry of the lender's table: who uses it, and how often. */
struct grant_active {
    struct spinlock lock; /* LOCK_GRANT: everything here, and our bits in the shared entry */
    uint32_t mfn;         /* read from the shared entry at the first pin */
    domid_t domid;        /* borrower, while pinned */
    uint32_t readers, writers;
};

/*
 * The borrower's side: a mapping that exists, with a reference on the lender for each part of it
 * (host, device). `state`: GNTMAP_* flags of the parts that exist, and above TRACK_GEN_SHIFT a number
 * that changes with each use of the entry. Who takes a part out of state by an exchange owns that
 * part's references; nobody can take from a later use of the entry what he read of an earlier one.
 */
struct maptrack {
    struct domain *lender; /* NULL: free */
    uint32_t ref;          /* free: the next free one */
    uint32_t mfn;
    uint64_t state; /* atomic */
    uint64_t spare;
};
_Static_assert(sizeof(struct maptrack) * MAPTRACK_PER_PAGE == PAGE_SIZE, "a page of them");
#define TRACK_PARTS     (GNTMAP_host_map | GNTMAP_device_map)
#define TRACK_FLAGS     0xffull
#define TRACK_GEN_SHIFT 8

struct grant_table {
    struct spinlock lock; /* LOCK_GRANT: growth */
    uint32_t nr_frames, max_frames;
    grant_entry_v1_t **shared;    /* the frames, in the map of RAM; guest-writable */
    struct grant_active **active; /* GRANTS_PER_FRAME for each frame */

    struct spinlock maptrack_lock; /* LOCK_GRANT_MAP */
    uint32_t nr_maptrack, max_maptrack, maptrack_free;
    uint32_t released;          /* grant_release_mappings(): how far */
    struct maptrack **maptrack; /* pages; the array is made at the first mapping */
};

/* Entry and shadow of a reference that is in range of the table's size. */
static inline struct grant_active *active_entry(const struct grant_table *gt, grant_ref_t ref)
{
    return &gt->active[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}
static inline grant_entry_v1_t *shared_entry(const struct grant_table *gt, grant_ref_t ref)
{
    return &gt->shared[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}
/* Clamps *ref if it is one; else false. */
static inline bool grant_ref_valid(const struct grant_table *gt, grant_ref_t *ref)
{
    uint32_t nr = atomic_load(&gt->nr_frames) * (uint32_t)GRANTS_PER_FRAME;

    if (unlikely(*ref >= nr))
        return false;
    *ref = (grant_ref_t)index_nospec(*ref, nr);
    return true;
}

/*
 * Pin an entry of the lender for the borrower: sets the bits in the shared entry and takes a
 * reference on the frame (a writable one, if so), returned in *frame, which is left alone if it
 * fails. GNTST_*.
 */
int16_t grant_pin(struct domain *lender, grant_ref_t ref, domid_t borrower, bool writable,
                  struct frame **frame);
/* Drop the reference and the pin. */
void grant_unpin(struct domain *lender, grant_ref_t ref, bool writable, struct frame *frame);

#endif
