/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of xen/mm share among themselves. */
#ifndef XEN_MM_INTERNAL_H
#define XEN_MM_INTERNAL_H
#include "domain/domain.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "mm/frame.h"

/* The last reference went: back to the allocator, uncharged. (alloc.c) */
void frame_release(struct frame *f);
/* Flush d's CPUs if they may hold TLB entries of the frame's former use. (frame.c) */
void frame_flush_stale(struct frame *f, const struct domain *d);

/* ---- references in line (the contracts are in frame.h) -------------------------------------- */

/* What is left to do when the word changed under our hands, or the case is a rare one. (frame.c) */
bool frame_get_slowly(struct frame *f, const struct domain *d);
bool frame_get_writable_slowly(struct frame *f, const struct domain *d);
void frame_put_slowly(struct frame *f);
void frame_put_writable_slowly(struct frame *f);

static inline __attribute__((always_inline)) bool frame_get_inline(struct frame *f,
                                                                   const struct domain *d)
{
    uint64_t x = READ_ONCE(f->info), y = x + FI_REF_ONE;

    /* (A count that overflows turns ALLOCATED off in y.) */
    if (unlikely(!(y & FI_ALLOCATED) || f->owner != d->id))
        return false;
    if (unlikely(!atomic_cmpxchg(&f->info, &x, y)))
        return frame_get_slowly(f, d);
    /* It may have been freed and given to somebody else between the test and the exchange. */
    if (unlikely(f->owner != d->id)) {
        frame_put(f);
        return false;
    }
    return true;
}

static inline __attribute__((always_inline)) bool frame_get_writable_inline(struct frame *f,
                                                                            const struct domain *d)
{
    uint64_t x = READ_ONCE(f->info), y = x + FI_REF_ONE + FI_TYPE_ONE;

    /* Of this type already? (Counts that overflow turn ALLOCATED off, or PARTIAL on, in y.) */
    if (unlikely((y & (FI_TYPE | FI_PARTIAL | FI_ALLOCATED | FI_LAST_WRITER)) !=
                     (FI_TYPE_OF(FRAME_WRITABLE) | FI_ALLOCATED) ||
                 f->owner != d->id || !atomic_cmpxchg(&f->info, &x, y)))
        return frame_get_writable_slowly(f, d);
    if (unlikely(f->owner != d->id)) {
        frame_put_writable(f);
        return false;
    }
    return true;
}

static inline __attribute__((always_inline)) void frame_put_inline(struct frame *f)
{
    uint64_t x = READ_ONCE(f->info), y = x - FI_REF_ONE;

    if (unlikely(!(y & FI_REF_MASK) || !atomic_cmpxchg(&f->info, &x, y)))
        frame_put_slowly(f);
}

static inline __attribute__((always_inline)) void frame_put_writable_inline(struct frame *f)
{
    uint64_t x = READ_ONCE(f->info), y = x - FI_REF_ONE - FI_TYPE_ONE;

    ASSERT_DEBUG((x & FI_TCOUNT) && frame_type(f) == FRAME_WRITABLE);
    /* Where type references remain, so do others. */
    if (unlikely(!(y & FI_TCOUNT) || !atomic_cmpxchg(&f->info, &x, y)))
        frame_put_writable_slowly(f);
}

/* ---- free memory (buddy.c) ------------------------------------------------------------------ */

#define ZONES         2
#define ZONE_BOUNDARY (GB(4) >> PAGE_SHIFT)

static inline unsigned int zone_of(uint64_t mfn)
{
    return mfn >= ZONE_BOUNDARY;
}

/* A free block's first frame is marked by this otherwise impossible owner. */
#define FRAME_FREE_HEAD 0xfffe

extern struct spinlock frames_lock;
extern uint64_t free_frames, claimed_frames; /* frames_lock */
/* The first of the free blocks of an order, chained through frame.next, or FRAME_LINK_END; of one of them, its order.
 * frames_lock held. */
uint32_t free_list_head(unsigned int zone, unsigned int order);
unsigned int block_order(const struct frame *f);
/* Whether one of a free block's frames may be DIRTY. Blocks of which none is come first in their list. */
bool block_dirty(const struct frame *f);
/*
 * Single free frames that were not joined with their buddies, chained through frame.next: what a
 * domain gives back page by page it, or another, often wants soon. They count as free; they are
 * joined when a block cannot be had otherwise, and there are never more than LOOSE_MAX.
 */
extern uint32_t loose_head[ZONES], loose_count; /* frames_lock */
#define LOOSE_MAX 1024

/* A block of the order below the address limit (bits, 0: none), or INVALID_MFN; and back. Both
 * count free_frames. frames_lock held. */
mfn_t take_block(unsigned int order, unsigned int below_bits);
void free_block(uint64_t mfn, unsigned int order);
/* Make a block fit for a new owner of this generation (0: the hypervisor). No locks needed. */
void prepare_block(mfn_t m, unsigned int order, uint32_t generation);

/* As frames_alloc(), of which it is all but the failures on purpose (mm/fault.h). */
struct frame *frames_take(unsigned int order, unsigned int below_bits);

/* ---- frames of a domain; mem_lock held ----------------------------------------------------- */

static inline void dom_list_add(struct domain *d, struct frame *f)
{
    uint32_t m = (uint32_t)mfn_x(frame_to_mfn(f));

    f->prev = FRAME_LINK_END;
    f->next = d->frames_head;
    if (d->frames_head != FRAME_LINK_END)
        frame_table[d->frames_head].prev = m;
    d->frames_head = m;
}

static inline void dom_list_del(struct domain *d, struct frame *f)
{
    if (unlikely((uint32_t)mfn_x(frame_to_mfn(f)) == d->frames_left))
        d->frames_left = f->next;
    if (f->prev != FRAME_LINK_END)
        frame_table[f->prev].next = f->next;
    else
        d->frames_head = f->next;
    if (f->next != FRAME_LINK_END)
        frame_table[f->next].prev = f->prev;
}

/* Charge n frames. A domain with frames holds a reference on itself. */
static inline bool dom_charge(struct domain *d, uint64_t n)
{
    if (d->dying || (uint64_t)d->tot_pages + n > d->max_pages)
        return false;
    if (!d->tot_pages)
        domain_get(d);
    d->tot_pages += (uint32_t)n;
    return true;
}

/* Uncharge; true: the caller drops the domain's reference on itself after unlocking. */
static inline bool dom_uncharge(struct domain *d, uint64_t n)
{
    d->tot_pages -= (uint32_t)n;
    return !d->tot_pages;
}

/*
 * The state of a free frame of d's whose last state was x. What was a table last is as anybody's: paging
 * caches may hold entries from it, so not even d gets it back before every CPU flushed.
 */
static inline uint64_t freed_info(uint64_t x, const struct domain *d)
{
    uint64_t t = x & FI_TYPE;
    uint32_t generation = !t || t == FI_TYPE_OF(FRAME_WRITABLE) ? d->generation : 0;

    return FI_RAM | FI_DIRTY | (uint64_t)generation << 32;
}

static inline void dom_own(struct domain *d, struct frame *f, uint64_t flags)
{
    f->owner = d->id;
    f->validated = 0;
    atomic_store(&f->info, FI_RAM | FI_ALLOCATED | FI_REF_ONE | flags);
}

#endif
