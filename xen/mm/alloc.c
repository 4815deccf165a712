/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of the hypervisor and of domains: who may have how many, and what becomes of them. Free memory is in buddy.c. */
#include "mm/alloc.h"
#include "mm/fault.h"
#include "mm/internal.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "x86/tlb.h"

static uint64_t total_frames;

void frames_add(paddr_t start, paddr_t end)
{
    uint64_t m = ROUND_UP(start, PAGE_SIZE) >> PAGE_SHIFT, e = end >> PAGE_SHIFT;

    for (uint64_t i = m; i < e; i++)
        frame_table[i] = (struct frame){.info = FI_RAM, .owner = FRAME_NO_OWNER};
    total_frames += m < e ? e - m : 0;
    spin_lock(&frames_lock);
    while (m < e) {
        unsigned int o = m ? (unsigned int)__builtin_ctzll(m) : MAX_ORDER;
        o = MIN(o, (unsigned int)MAX_ORDER);
        while (m + (1ull << o) > e)
            o--;
        free_block(m, o);
        m += 1ull << o;
    }
    spin_unlock(&frames_lock);
}

void frames_add_used(paddr_t start, paddr_t end)
{
    for (uint64_t m = ROUND_UP(start, PAGE_SIZE) >> PAGE_SHIFT; m < end >> PAGE_SHIFT; m++) {
        struct frame *f = &frame_table[m];
        /* Only whole frames of RAM that nobody has: what a loader says is checked like anything else. */
        if (m >= max_mfn || f->info != FI_RAM || f->owner != FRAME_NO_OWNER)
            continue;
        total_frames++;
        frames_free(f, 0);
    }
}

struct frame *frames_take(unsigned int order, unsigned int below_bits)
{
    if (order > MAX_ORDER)
        return NULL;
    spin_lock(&frames_lock);
    mfn_t m =
        free_frames - claimed_frames >= 1ull << order ? take_block(order, below_bits) : INVALID_MFN;
    spin_unlock(&frames_lock);
    if (mfn_eq(m, INVALID_MFN))
        return NULL;
    prepare_block(m, order, 0);
    return mfn_to_frame(m);
}

struct frame *frames_alloc(unsigned int order, unsigned int below_bits)
{
    return alloc_fault() ? NULL : frames_take(order, below_bits);
}

void frames_free(struct frame *f, unsigned int order)
{
    for (uint64_t i = 0; i < 1ull << order; i++) {
        f[i].info = FI_RAM | FI_DIRTY;
        f[i].owner = FRAME_NO_OWNER;
        f[i].stamp = tlb_stamp();
    }
    spin_lock(&frames_lock);
    free_block(mfn_x(frame_to_mfn(f)), order);
    spin_unlock(&frames_lock);
}

void *page_zalloc(void)
{
    struct frame *f = alloc_fault() ? NULL : frames_take(0, 0);

    if (!f)
        return NULL;
    void *p = frame_to_virt(f);
    memset(p, 0, PAGE_SIZE);
    return p;
}

void page_free(void *page)
{
    if (page)
        frames_free(mfn_to_frame(virt_to_mfn(page)), 0);
}

struct frame *dom_frames_alloc(struct domain *d, unsigned int order, unsigned int below_bits)
{
    uint64_t n = 1ull << order;
    mfn_t m = INVALID_MFN;

    if (order > MAX_ORDER || alloc_fault())
        return NULL;
    spin_lock(&d->mem_lock);
    if (!dom_charge(d, n)) {
        spin_unlock(&d->mem_lock);
        return NULL;
    }
    spin_lock(&frames_lock);
    uint64_t own_claim = MIN((uint64_t)d->claimed_pages, n);
    if (free_frames - (claimed_frames - own_claim) >= n)
        m = take_block(order, below_bits);
    if (!mfn_eq(m, INVALID_MFN)) {
        claimed_frames -= own_claim;
        d->claimed_pages -= (uint32_t)own_claim;
    }
    spin_unlock(&frames_lock);
    if (mfn_eq(m, INVALID_MFN)) {
        bool put = dom_uncharge(d, n);
        spin_unlock(&d->mem_lock);
        if (put)
            domain_put(d);
        return NULL;
    }
    spin_unlock(&d->mem_lock);

    prepare_block(m, order, d->generation);
    spin_lock(&d->mem_lock);
    if (unlikely(d->dying)) {
        /* Its frames may have been taken from it already: this one would stay for ever. */
        bool put = dom_uncharge(d, n);
        spin_unlock(&d->mem_lock);
        frames_free(mfn_to_frame(m), order);
        if (put)
            domain_put(d);
        return NULL;
    }
    for (uint64_t i = n; i-- > 0;) {
        struct frame *f = mfn_to_frame(mfn_add(m, i));
        dom_own(d, f, 0);
        dom_list_add(d, f);
    }
    spin_unlock(&d->mem_lock);
    return mfn_to_frame(m);
}

void frame_release(struct frame *f)
{
    uint64_t x = f->info;

    if (x & FI_XENHEAP) {
        frames_free(f, 0);
        return;
    }
    struct domain *d = domain_get_by_id(f->owner);
    ASSERT(d);
    spin_lock(&d->mem_lock);
    dom_list_del(d, f);
    bool put = dom_uncharge(d, 1);
    f->owner = FRAME_NO_OWNER; /* first: the generation could be read as type and flags */
    atomic_store(&f->info, freed_info(x, d));
    m2p_set(frame_to_mfn(f), INVALID_M2P_ENTRY);
    spin_lock(&frames_lock);
    free_block(mfn_x(frame_to_mfn(f)), 0);
    spin_unlock(&frames_lock);
    spin_unlock(&d->mem_lock);
    if (put)
        domain_put(d);
    domain_put(d);
}

bool dom_frame_free(struct frame *f, struct domain *d)
{
    uint64_t x = READ_ONCE(f->info);

    do {
        if (!(x & FI_ALLOCATED) || (x & FI_XENHEAP) || f->owner != d->id)
            return false;
    } while (!atomic_cmpxchg(&f->info, &x, x & ~FI_ALLOCATED));
    frame_put(f);
    return true;
}

void frame_share(struct frame *f, struct domain *d, bool writable)
{
    f->owner = d->id;
    f->validated = 0;
    /* A type reference of no type, which is never dropped, keeps writers away. */
    uint64_t type = writable ? 0 : FI_TYPE_OF(FRAME_NONE) | FI_TYPE_ONE;
    atomic_store(&f->info, FI_RAM | FI_ALLOCATED | FI_XENHEAP | FI_REF_ONE | type);
}

void frame_unshare(struct frame *f, struct domain *d)
{
    ASSERT(f->owner == d->id && (READ_ONCE(f->info) & FI_XENHEAP));
    atomic_and(&f->info, ~FI_ALLOCATED);
    frame_put(f);
}

bool dom_frame_steal(struct frame *f, struct domain *d)
{
    uint64_t x = FI_RAM | FI_ALLOCATED | FI_REF_ONE;

    spin_lock(&d->mem_lock);
    uint64_t cur = READ_ONCE(f->info);
    /* Only the allocation's own reference, and no use of any type. */
    if (f->owner != d->id || (cur & ~FI_TYPE) != x ||
        !atomic_cmpxchg(&f->info, &cur, FI_RAM | (cur & FI_TYPE))) {
        spin_unlock(&d->mem_lock);
        return false;
    }
    dom_list_del(d, f);
    bool put = dom_uncharge(d, 1);
    f->owner = FRAME_NO_OWNER;
    spin_unlock(&d->mem_lock);
    if (put)
        domain_put(d);
    f->stamp = tlb_stamp();
    return true;
}

int dom_frame_assign(struct frame *f, struct domain *d)
{
    spin_lock(&d->mem_lock);
    if (!dom_charge(d, 1)) {
        spin_unlock(&d->mem_lock);
        return -ENOMEM;
    }
    dom_own(d, f, 0);
    dom_list_add(d, f);
    spin_unlock(&d->mem_lock);
    return 0;
}

uint64_t frames_free_count(void)
{
    return READ_ONCE(free_frames);
}
uint64_t frames_total_count(void)
{
    return total_frames;
}
uint64_t frames_claimed_count(void)
{
    return READ_ONCE(claimed_frames);
}

int dom_claim(struct domain *d, uint64_t pages)
{
    int rc = 0;

    spin_lock(&d->mem_lock);
    spin_lock(&frames_lock);
    if (pages && (d->dying || d->claimed_pages)) {
        rc = -EINVAL; /* nobody would give it back; the one that there is must be given up first */
    } else if (!pages) {
        claimed_frames -= d->claimed_pages;
        d->claimed_pages = 0;
    } else {
        /* The claim is for the domain's total; what it has already is part of it. */
        uint64_t more = pages > d->tot_pages ? pages - d->tot_pages : 0;
        if (pages > d->max_pages || more == 0)
            rc = -EINVAL;
        else if (more > free_frames - claimed_frames)
            rc = -ENOMEM;
        else {
            d->claimed_pages = (uint32_t)more;
            claimed_frames += more;
        }
    }
    spin_unlock(&frames_lock);
    spin_unlock(&d->mem_lock);
    return rc;
}
