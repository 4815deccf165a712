/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's reservation: taking and giving single frames in batches, under one taking of each
 * lock, and exchanging frames. Given frames go to the loose ones (mm/internal.h), where the next
 * taker finds them; their contents stay until somebody else gets them.
 */
#include "mm/balloon.h"
#include "mm/alloc.h"
#include "mm/fault.h"
#include "mm/internal.h"
#include "lib/lib.h"
#include "x86/tlb.h"

/* One free frame; frames_lock held. */
static inline uint64_t take_one(unsigned int below_bits)
{
    /* Zones differ in address only: without a limit, the high one first, as for blocks. */
    if (likely(!below_bits)) {
        for (int z = ZONES - 1; z >= 0; z--) {
            uint32_t m = loose_head[z];
            if (m == FRAME_LINK_END)
                continue;
            loose_head[z] = frame_table[m].next;
            loose_count--;
            free_frames--;
            return m;
        }
    }
    return mfn_x(take_block(0, below_bits));
}

/* How many of n frames d may have, charged to it already and taken off its claim, if those are
 * there; both locks held. */
static unsigned int reserve(struct domain *d, unsigned int n)
{
    uint64_t free = free_frames - (claimed_frames - d->claimed_pages);

    if (unlikely(d->dying || d->tot_pages >= d->max_pages))
        return 0;
    n = MIN(n, d->max_pages - d->tot_pages);
    return (unsigned int)MIN((uint64_t)n, free);
}

static void use_claim(struct domain *d, unsigned int n)
{
    uint32_t own = MIN(d->claimed_pages, n);

    d->claimed_pages -= own;
    claimed_frames -= own;
}

unsigned int dom_frames_take(struct domain *d, unsigned int n, unsigned int below_bits,
                             uint64_t *mfns)
{
    bool put = false, clean = true;
    unsigned int i;

    if (alloc_fault())
        n /= 2; /* as if memory had run out */
    spin_lock(&d->mem_lock);
    spin_lock(&frames_lock);
    n = reserve(d, n);
    for (i = 0; i < n; i++) {
        uint64_t m = take_one(below_bits);
        if (unlikely(m == mfn_x(INVALID_MFN)))
            break;
        mfns[i] = m;
        uint64_t x = frame_table[m].info;
        clean &= !(x & FI_DIRTY) || x >> 32 == d->generation;
    }
    n = i;
    if (unlikely(d->claimed_pages))
        use_claim(d, n);
    spin_unlock(&frames_lock);
    if (unlikely(!n))
        goto out;
    if (unlikely(!d->tot_pages))
        domain_get(d);
    d->tot_pages += n;

    if (unlikely(!clean)) {
        /* Scrubbing takes long, and d may be killed meanwhile. */
        spin_unlock(&d->mem_lock);
        for (i = 0; i < n; i++)
            prepare_block(mfn_make(mfns[i]), 0, d->generation);
        spin_lock(&d->mem_lock);
        if (unlikely(d->dying)) {
            put = dom_uncharge(d, n);
            spin_unlock(&d->mem_lock);
            for (i = 0; i < n; i++)
                frames_free(mfn_to_frame(mfn_make(mfns[i])), 0);
            if (put)
                domain_put(d);
            return 0;
        }
    }
    for (i = 0; i < n; i++) {
        struct frame *f = mfn_to_frame(mfn_make(mfns[i]));
        dom_own(d, f, 0);
        dom_list_add(d, f);
    }
out:
    spin_unlock(&d->mem_lock);
    return n;
}

/* Whether a frame in this state is one that a domain may give back at all. */
static bool may_give(uint64_t x)
{
    if (!(x & FI_ALLOCATED) || (x & (FI_XENHEAP | FI_PINNED)))
        return false;
    return !(x & FI_TCOUNT) || (x & FI_TYPE) == FI_TYPE_OF(FRAME_WRITABLE);
}

/* A frame that somebody still uses: it goes when they are done. No locks held. */
static bool give_used(struct domain *d, struct frame *f)
{
    uint64_t x = READ_ONCE(f->info);

    do {
        if (!may_give(x) || f->owner != d->id)
            return false;
    } while (!atomic_cmpxchg(&f->info, &x, x & ~FI_ALLOCATED));
    frame_put(f);
    return true;
}

/*
 * If f has no reference but its allocation's: take it from d, to be free. Both locks held. From
 * here on nobody can get a reference, and frames_lock keeps it from a next owner.
 */
static inline bool give_unused(struct domain *d, struct frame *f)
{
    uint64_t x = READ_ONCE(f->info);

    if (unlikely((x & ~FI_TYPE) != (FI_RAM | FI_ALLOCATED | FI_REF_ONE) || f->owner != d->id))
        return false;
    if (unlikely(!atomic_cmpxchg(&f->info, &x, FI_RAM)))
        return false;
    dom_list_del(d, f);
    f->stamp = tlb_stamp(); /* after the exchange: mappings were dropped until then */
    f->owner = FRAME_NO_OWNER;
    /* The generation reads as type and flags to those who do not look at the owner first. */
    atomic_store(&f->info, freed_info(x, d));
    return true;
}

unsigned int dom_frames_give(struct domain *d, const uint64_t *mfns, unsigned int n)
{
    unsigned int i = 0;

    while (i < n) {
        unsigned int first = i;
        spin_lock(&d->mem_lock);
        spin_lock(&frames_lock);
        for (; i < n && likely(mfns[i] < max_mfn); i++) {
            uint64_t m = index_nospec(mfns[i], max_mfn);
            struct frame *f = &frame_table[m];
            if (unlikely(!give_unused(d, f)))
                break;
            m2p_set(mfn_make(m), INVALID_M2P_ENTRY);
            if (likely(loose_count < LOOSE_MAX)) {
                unsigned int z = zone_of(m);
                f->next = loose_head[z];
                loose_head[z] = (uint32_t)m;
                loose_count++;
                free_frames++;
            } else {
                free_block(m, 0);
            }
        }
        spin_unlock(&frames_lock);
        bool put = i > first && dom_uncharge(d, i - first);
        spin_unlock(&d->mem_lock);
        if (unlikely(put))
            domain_put(d);
        if (likely(i == n))
            break;
        /* One that is in use, or none of d's. */
        if (mfns[i] >= max_mfn || !give_used(d, &frame_table[index_nospec(mfns[i], max_mfn)]))
            break;
        i++;
    }
    return i;
}

int dom_frames_exchange(struct domain *d, const uint64_t *in, const uint64_t *out, unsigned int n)
{
    const uint64_t unused = FI_RAM | FI_ALLOCATED | FI_REF_ONE;
    unsigned int i;
    int rc = 0;

    spin_lock(&d->mem_lock);
    for (i = 0; i < n; i++) {
        if (d->dying || in[i] >= max_mfn)
            break;
        struct frame *f = &frame_table[index_nospec(in[i], max_mfn)];
        uint64_t x = READ_ONCE(f->info);
        if (f->owner != d->id || (x & ~FI_TYPE) != unused ||
            !atomic_cmpxchg(&f->info, &x, FI_RAM | (x & FI_TYPE)))
            break;
    }
    if (i < n) {
        while (i-- > 0)
            atomic_or(&frame_table[in[i]].info, unused);
        rc = -EINVAL;
        goto out;
    }
    for (i = 0; i < n; i++) {
        dom_list_del(d, &frame_table[in[i]]);
        frame_table[in[i]].owner = FRAME_NO_OWNER;
    }
    for (i = 0; i < n; i++) {
        dom_own(d, &frame_table[out[i]], 0);
        dom_list_add(d, &frame_table[out[i]]);
    }
out:
    spin_unlock(&d->mem_lock);
    for (i = 0; !rc && i < n; i++) {
        m2p_set(mfn_make(in[i]), INVALID_M2P_ENTRY);
        frames_free(&frame_table[in[i]], 0);
    }
    return rc;
}
