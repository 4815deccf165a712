/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapping grants: the borrower's side.
 *
 * There is no IOMMU: a device reaches every frame by its machine address, so a mapping for a
 * device is a pin and that address.
 */
#include "domain/grant_internal.h"
#include "hypercalls/hypercall.h"
#include "mm/alloc.h"
#include "x86/cpu.h"

/* Handles looked at between two looks at whether to let others run. */
#define RELEASE_BATCH 64

#define KNOWN_FLAGS                                                                   \
    (GNTMAP_device_map | GNTMAP_host_map | GNTMAP_readonly | GNTMAP_application_map | \
     GNTMAP_contains_pte | GNTMAP_guest_avail_mask)

static struct maptrack *track_entry(const struct grant_table *gt, grant_handle_t handle)
{
    return &gt->maptrack[handle / MAPTRACK_PER_PAGE][handle % MAPTRACK_PER_PAGE];
}

/* ---- handles; maptrack_lock held ----------------------------------------------------------------------- */

static bool add_page(struct grant_table *gt)
{
    uint32_t n = MIN(MAPTRACK_PER_PAGE, gt->max_maptrack - gt->nr_maptrack);
    struct maptrack *page;

    if (!n)
        return false;
    if (!gt->maptrack) {
        gt->maptrack =
            hv_zalloc(DIV_ROUND_UP(gt->max_maptrack, MAPTRACK_PER_PAGE) * sizeof(*gt->maptrack));
        if (!gt->maptrack)
            return false;
    }
    page = page_zalloc();
    if (!page)
        return false;
    for (uint32_t i = 0; i < n; i++)
        page[i].ref = i + 1 < n ? gt->nr_maptrack + i + 1 : gt->maptrack_free;
    gt->maptrack[gt->nr_maptrack / MAPTRACK_PER_PAGE] = page;
    gt->maptrack_free = gt->nr_maptrack;
    atomic_store(&gt->nr_maptrack, gt->nr_maptrack + n);
    return true;
}

/* A handle for the mapping, with no part of it yet, and its entry; MAPTRACK_NONE: none left. */
static grant_handle_t get_handle(struct grant_table *gt, struct domain *lender, grant_ref_t ref,
                                 uint32_t mfn, struct maptrack **entry)
{
    grant_handle_t h;

    spin_lock(&gt->maptrack_lock);
    h = gt->maptrack_free;
    if (unlikely(h == MAPTRACK_NONE) && add_page(gt))
        h = gt->maptrack_free;
    if (likely(h != MAPTRACK_NONE)) {
        struct maptrack *t = track_entry(gt, h);
        gt->maptrack_free = t->ref;
        t->ref = ref;
        t->mfn = mfn;
        t->lender = lender;
        *entry = t;
    }
    spin_unlock(&gt->maptrack_lock);
    return h;
}

static void put_handle(struct grant_table *gt, grant_handle_t handle)
{
    struct maptrack *t = track_entry(gt, handle);

    spin_lock(&gt->maptrack_lock);
    t->lender = NULL;
    atomic_store(&t->state, ((t->state >> TRACK_GEN_SHIFT) + 1) << TRACK_GEN_SHIFT);
    t->ref = gt->maptrack_free;
    gt->maptrack_free = handle;
    spin_unlock(&gt->maptrack_lock);
}

/* ---- mapping ----------------------------------------------------------------------------------------- */

/* One pin for each part, undone if a later step fails. Fills op on success. */
static int16_t map_pinned(struct gnttab_map_grant_ref *op, struct domain *lender)
{
    struct domain *d = current->domain;
    struct grant_table *gt = d->grant_table;
    bool writable = !(op->flags & GNTMAP_readonly);
    bool both = (op->flags & TRACK_PARTS) == TRACK_PARTS;
    struct maptrack *track = NULL;
    struct frame *f = NULL;
    int16_t status = grant_pin(lender, op->ref, d->id, writable, &f);
    grant_handle_t handle;
    mfn_t mfn;

    if (unlikely(status != GNTST_okay))
        return status;
    if (unlikely(both)) {
        status = grant_pin(lender, op->ref, d->id, writable, &f);
        if (status != GNTST_okay)
            goto unpin;
        domain_get(lender);
    }
    /* The handle before the entry: what the guest can reach must be on record. It cannot be used
     * meanwhile, having no parts. */
    mfn = frame_to_mfn(f);
    status = GNTST_no_space;
    handle = get_handle(gt, lender, op->ref, (uint32_t)mfn_x(mfn), &track);
    if (unlikely(handle == MAPTRACK_NONE))
        goto unpin_second;
    if (likely(op->flags & GNTMAP_host_map)) {
        uint64_t pte = PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY | (writable ? PTE_RW : 0) |
                       ((uint64_t)(op->flags >> _GNTMAP_guest_avail0) << 9 & PTE_AVAIL);
        status = GNTST_general_error;
        if (unlikely(pv_grant_map_pte(op->host_addr, op->flags & GNTMAP_contains_pte, mfn, pte)))
            goto free_handle;
    }
    atomic_store(&track->state, track->state | (op->flags & TRACK_FLAGS));
    op->handle = handle;
    op->dev_bus_addr = mfn_x(mfn) << PAGE_SHIFT;
    return GNTST_okay;

free_handle:
    put_handle(gt, handle);
unpin_second:
    if (both) {
        grant_unpin(lender, op->ref, writable, f);
        domain_put(lender);
    }
unpin:
    grant_unpin(lender, op->ref, writable, f);
    return status;
}

void grant_map(struct gnttab_map_grant_ref *op)
{
    struct domain *lender;

    if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)) || op->flags & ~KNOWN_FLAGS) {
        op->status = GNTST_bad_gntref;
        return;
    }
    lender = domain_get_by_id(op->dom);
    if (unlikely(!lender)) {
        op->status = GNTST_bad_domain;
        return;
    }
    if (likely(!lender->dying && lender->grant_table))
        op->status = map_pinned(op, lender);
    else
        op->status = GNTST_bad_domain;
    /* A mapping keeps the reference. */
    if (op->status != GNTST_okay)
        domain_put(lender);
}

/* ---- unmapping ---------------------------------------------------------------------------------------- */

/*
 * First the entry goes, then the part is taken out of the handle's state. Two CPUs that end the same
 * part find only one entry; one that names another mapping's entry of the same frame only makes
 * that one impossible to end, which is its own loss: references stay.
 */
void grant_unmap_begin(struct grant_unmap *u, uint64_t host_addr, uint64_t dev_bus_addr,
                       grant_handle_t handle)
{
    struct grant_table *gt = current->domain->grant_table;
    uint32_t nr = atomic_load(&gt->nr_maptrack);
    uint64_t read, state, wanted;
    struct maptrack *t;

    u->parts = 0;
    u->status = GNTST_bad_handle;
    if (unlikely(handle >= nr))
        return;
    handle = (grant_handle_t)index_nospec(handle, nr);
    t = track_entry(gt, handle);
    read = state = atomic_load(&t->state);
    if (unlikely(!(state & TRACK_PARTS)))
        return;
    u->lender = t->lender;
    u->ref = t->ref;
    u->mfn = t->mfn;
    u->handle = handle;
    u->writable = !(state & GNTMAP_readonly);
    wanted = state & ((host_addr ? GNTMAP_host_map : 0) | (dev_bus_addr ? GNTMAP_device_map : 0));

    u->status = GNTST_bad_dev_addr;
    if (unlikely((wanted & GNTMAP_device_map) && dev_bus_addr >> PAGE_SHIFT != u->mfn))
        return;
    u->status = GNTST_general_error;
    if ((wanted & GNTMAP_host_map) &&
        unlikely(pv_grant_unmap_pte(host_addr, state & GNTMAP_contains_pte, mfn_make(u->mfn),
                                    u->writable)))
        return;
    u->status = GNTST_bad_handle;
    while (unlikely(!atomic_cmpxchg(&t->state, &state, state & ~wanted)))
        if ((state ^ read) >> TRACK_GEN_SHIFT || (state & wanted) != wanted)
            return;
    u->parts = (uint8_t)wanted;
    u->last = wanted && !(state & ~wanted & TRACK_PARTS);
    u->status = GNTST_okay;
}

void grant_unmap_end(struct grant_unmap *u)
{
    struct frame *f = mfn_to_frame(mfn_make(u->mfn));

    if (unlikely(!u->parts))
        return;
    if (u->last)
        put_handle(current->domain->grant_table, u->handle);
    if (likely(u->parts & GNTMAP_host_map)) {
        grant_unpin(u->lender, u->ref, u->writable, f);
        domain_put(u->lender);
    }
    if (unlikely(u->parts & GNTMAP_device_map)) {
        grant_unpin(u->lender, u->ref, u->writable, f);
        domain_put(u->lender);
    }
}

/*
 * d is dying and runs nowhere; its tables are still there, and go next. Their grant entries hold no
 * references and are in no TLB.
 */
int grant_release_mappings(struct domain *d)
{
    struct grant_table *gt = d->grant_table;

    while (gt && gt->released < gt->nr_maptrack) {
        grant_handle_t handle = gt->released++;
        struct maptrack *t = track_entry(gt, handle);
        if (t->lender) {
            struct grant_unmap u = {.parts = t->state & TRACK_PARTS,
                                    .writable = !(t->state & GNTMAP_readonly),
                                    .lender = t->lender,
                                    .ref = t->ref,
                                    .mfn = t->mfn};
            put_handle(gt, handle);
            grant_unmap_end(&u);
        }
        if (gt->released % RELEASE_BATCH == 0 && preempt_check())
            return -ERESTART;
    }
    return 0;
}
