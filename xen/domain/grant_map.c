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
    struct maptrack *page;

    if (gt->nr_maptrack + MAPTRACK_PER_PAGE > gt->max_maptrack)
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
    for (uint32_t i = 0; i < MAPTRACK_PER_PAGE; i++)
        page[i].ref = i + 1 < MAPTRACK_PER_PAGE ? gt->nr_maptrack + i + 1 : gt->maptrack_free;
    gt->maptrack[gt->nr_maptrack / MAPTRACK_PER_PAGE] = page;
    gt->maptrack_free = gt->nr_maptrack;
    atomic_store(&gt->nr_maptrack, (uint32_t)(gt->nr_maptrack + MAPTRACK_PER_PAGE));
    return true;
}

/* A handle for the mapping; MAPTRACK_NONE: none left. The reference on the lender goes into it. */
static grant_handle_t get_handle(struct grant_table *gt, struct domain *lender, grant_ref_t ref,
                                 uint16_t flags)
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
        t->flags = flags;
        t->lender = lender;
    }
    spin_unlock(&gt->maptrack_lock);
    return h;
}

/* Give the handle back. Returns the lender, whose reference the caller drops. */
static struct domain *put_handle(struct grant_table *gt, grant_handle_t handle)
{
    struct maptrack *t = track_entry(gt, handle);
    struct domain *lender;

    spin_lock(&gt->maptrack_lock);
    lender = t->lender;
    t->lender = NULL;
    t->flags = 0;
    t->ref = gt->maptrack_free;
    gt->maptrack_free = handle;
    spin_unlock(&gt->maptrack_lock);
    return lender;
}

/* ---- mapping ----------------------------------------------------------------------------------------- */

/* One pin for each kind of mapping, undone if a later step fails. Fills op on success. */
static int16_t map_pinned(struct gnttab_map_grant_ref *op, struct domain *lender)
{
    struct domain *d = current->domain;
    bool writable = !(op->flags & GNTMAP_readonly);
    bool host = op->flags & GNTMAP_host_map, dev = op->flags & GNTMAP_device_map;
    struct frame *host_frame = NULL, *dev_frame = NULL;
    grant_handle_t handle = MAPTRACK_NONE;
    int16_t status = GNTST_okay;
    uint64_t pte;
    mfn_t mfn;

    if (host)
        status = grant_pin(lender, op->ref, d->id, writable, &host_frame);
    if (status != GNTST_okay)
        return status;
    if (dev)
        status = grant_pin(lender, op->ref, d->id, writable, &dev_frame);
    if (status != GNTST_okay)
        goto unpin_host;
    /* The handle before the entry: what the guest can reach must be on record. It cannot be used
     * meanwhile, flags being zero. */
    handle = get_handle(d->grant_table, lender, op->ref, 0);
    if (handle == MAPTRACK_NONE) {
        status = GNTST_no_space;
        goto unpin_dev;
    }
    mfn = frame_to_mfn(host ? host_frame : dev_frame);
    if (host) {
        pte = PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY | (writable ? PTE_RW : 0) |
              ((uint64_t)(op->flags >> _GNTMAP_guest_avail0) << 9 & PTE_AVAIL);
        if (pv_grant_map_pte(op->host_addr, op->flags & GNTMAP_contains_pte, mfn, pte)) {
            status = GNTST_general_error;
            goto free_handle;
        }
    }
    atomic_store(&track_entry(d->grant_table, handle)->flags, (uint16_t)op->flags);
    op->handle = handle;
    op->dev_bus_addr = mfn_x(mfn) << PAGE_SHIFT;
    return GNTST_okay;

free_handle:
    put_handle(d->grant_table, handle);
unpin_dev:
    if (dev)
        grant_unpin(lender, op->ref, writable, dev_frame);
unpin_host:
    if (host)
        grant_unpin(lender, op->ref, writable, host_frame);
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
    if (!lender || lender->dying || !lender->grant_table) {
        op->status = GNTST_bad_domain;
    } else if (!grant_ref_valid(lender->grant_table, &op->ref)) {
        op->status = GNTST_bad_gntref;
    } else {
        op->status = map_pinned(op, lender);
        if (op->status == GNTST_okay)
            return; /* the mapping keeps the reference */
    }
    if (lender)
        domain_put(lender);
}

/* ---- unmapping ---------------------------------------------------------------------------------------- */

/* Claim the parts of a mapping that are to end: its flags lose them, so that nobody else on another
 * CPU ends them as well. */
static int16_t claim_parts(struct grant_table *gt, grant_handle_t handle, bool host, bool dev,
                           struct grant_unmap *u, uint16_t *flags)
{
    struct maptrack *t;
    int16_t status = GNTST_bad_handle;

    if (handle >= atomic_load(&gt->nr_maptrack))
        return GNTST_bad_handle;
    handle = (grant_handle_t)index_nospec(handle, gt->nr_maptrack);
    t = track_entry(gt, handle);
    spin_lock(&gt->maptrack_lock);
    if (t->lender && t->flags) {
        *flags = t->flags;
        u->lender = t->lender;
        u->ref = t->ref;
        u->handle = handle;
        u->writable = !(t->flags & GNTMAP_readonly);
        u->host = host && (t->flags & GNTMAP_host_map);
        u->dev = dev && (t->flags & GNTMAP_device_map);
        if (u->host)
            t->flags &= (uint16_t)~GNTMAP_host_map;
        if (u->dev)
            t->flags &= (uint16_t)~GNTMAP_device_map;
        if (u->host || u->dev)
            t->ending++;
        status = GNTST_okay;
    }
    spin_unlock(&gt->maptrack_lock);
    return status;
}

static void return_parts(struct grant_table *gt, const struct grant_unmap *u)
{
    struct maptrack *t = track_entry(gt, u->handle);

    spin_lock(&gt->maptrack_lock);
    if (u->host)
        t->flags |= GNTMAP_host_map;
    if (u->dev)
        t->flags |= GNTMAP_device_map;
    t->ending--;
    spin_unlock(&gt->maptrack_lock);
}

void grant_unmap_begin(struct grant_unmap *u, uint64_t host_addr, uint64_t dev_bus_addr,
                       grant_handle_t handle)
{
    struct grant_table *gt = current->domain->grant_table;
    uint16_t flags = 0;
    uint32_t mfn;

    *u = (struct grant_unmap){.handle = handle};
    u->status = claim_parts(gt, handle, host_addr != 0, dev_bus_addr != 0, u, &flags);
    if (u->status != GNTST_okay || !(u->host || u->dev)) {
        u->host = u->dev = false;
        return;
    }
    /* Pinned, it does not change. */
    mfn = active_entry(u->lender->grant_table, u->ref)->mfn;
    if (u->dev && dev_bus_addr >> PAGE_SHIFT != mfn)
        u->status = GNTST_bad_dev_addr;
    else if (u->host &&
             pv_grant_unmap_pte(host_addr, flags & GNTMAP_contains_pte, mfn_make(mfn), u->writable))
        u->status = GNTST_general_error;
    if (u->status != GNTST_okay) {
        return_parts(gt, u);
        return;
    }
    u->frame = mfn_to_frame(mfn_make(mfn));
    u->va = flags & GNTMAP_contains_pte ? 0 : host_addr & PAGE_MASK;
}

void grant_unmap_end(struct grant_unmap *u)
{
    struct grant_table *gt = current->domain->grant_table;
    struct maptrack *t;
    bool last;

    if (u->status != GNTST_okay || !u->frame)
        return;
    t = track_entry(gt, u->handle);
    if (u->host)
        grant_unpin(u->lender, u->ref, u->writable, u->frame);
    if (u->dev)
        grant_unpin(u->lender, u->ref, u->writable, u->frame);
    /* The other part of it may be ending on another CPU: the later one clears up. */
    spin_lock(&gt->maptrack_lock);
    t->ending--;
    last = !t->ending && !(t->flags & (GNTMAP_host_map | GNTMAP_device_map));
    spin_unlock(&gt->maptrack_lock);
    if (last)
        domain_put(put_handle(gt, u->handle));
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
            bool writable = !(t->flags & GNTMAP_readonly);
            struct frame *f =
                mfn_to_frame(mfn_make(active_entry(t->lender->grant_table, t->ref)->mfn));
            if (t->flags & GNTMAP_host_map)
                grant_unpin(t->lender, t->ref, writable, f);
            if (t->flags & GNTMAP_device_map)
                grant_unpin(t->lender, t->ref, writable, f);
            domain_put(put_handle(gt, handle));
        }
        if (gt->released % RELEASE_BATCH == 0 && preempt_check())
            return -ERESTART;
    }
    return 0;
}
