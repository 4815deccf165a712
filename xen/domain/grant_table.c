/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grant tables themselves: their memory, and pinning single entries. */
#include "domain/grant_internal.h"
#include "mm/alloc.h"
#include "x86/cpu.h"

/* Times that a lender may change an entry under our hands before we give up. */
#define STATUS_TRIES 5

/* ---- pins ------------------------------------------------------------------------------------------- */

/* flags and domid of an entry, which are changed together. */
static uint32_t *entry_word(grant_entry_v1_t *e)
{
    return (uint32_t *)e;
}

/* Set our bits in the entry, if it lets the borrower do this. active->lock held. */
static int16_t set_status(grant_entry_v1_t *e, domid_t borrower, bool writable)
{
    uint32_t set = writable ? GTF_reading | GTF_writing : GTF_reading;
    uint32_t old = READ_ONCE(*entry_word(e));

    for (unsigned int i = 0; i < STATUS_TRIES; i++) {
        if ((old & (GTF_type_mask | GTF_sub_page)) != GTF_permit_access || old >> 16 != borrower)
            return GNTST_general_error;
        if (writable && (old & GTF_readonly))
            return GNTST_general_error;
        if (atomic_cmpxchg(entry_word(e), &old, old | set))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

/* Take back the bits that no pin needs any more. active->lock held. */
static void clear_status(grant_entry_v1_t *e, const struct grant_active *a)
{
    uint32_t clear = a->writers ? 0 : GTF_writing;

    if (!a->writers && !a->readers)
        clear |= GTF_reading;
    if (clear)
        atomic_and(entry_word(e), ~clear);
}

/* A reference on the frame that the entry names. */
static int16_t get_frame(const struct domain *lender, uint32_t mfn, bool writable,
                         struct frame **frame)
{
    struct frame *f;

    if (unlikely(mfn >= max_mfn))
        return GNTST_bad_page;
    f = mfn_to_frame(mfn_make(index_nospec(mfn, max_mfn)));
    if (likely(writable ? frame_get_writable(f, lender) : frame_get(f, lender))) {
        /* What we share with the lender (this table, for one) is not the lender's to lend. */
        if (likely(!(READ_ONCE(f->info) & FI_XENHEAP))) {
            *frame = f;
            return GNTST_okay;
        }
        if (writable)
            frame_put_writable(f);
        else
            frame_put(f);
        return GNTST_bad_page;
    }
    /* The lender's, but a page table for instance? */
    if (writable && frame_get(f, lender)) {
        frame_put(f);
        return GNTST_general_error;
    }
    return GNTST_bad_page;
}

int16_t grant_pin(struct domain *lender, grant_ref_t ref, domid_t borrower, bool writable,
                  struct frame **frame)
{
    struct grant_table *gt = lender->grant_table;
    struct grant_active *a;
    grant_entry_v1_t *e;
    int16_t status = GNTST_okay;

    if (!grant_ref_valid(gt, &ref))
        return GNTST_bad_gntref;
    a = active_entry(gt, ref);
    e = shared_entry(gt, ref);
    spin_lock(&a->lock);
    if (a->readers | a->writers) {
        if (a->domid != borrower || a->readers == ~0u || a->writers == ~0u)
            status = GNTST_general_error;
        else if (writable && !a->writers)
            status = set_status(e, borrower, true);
    } else {
        status = set_status(e, borrower, writable);
        if (status == GNTST_okay) {
            a->domid = borrower;
            a->mfn = READ_ONCE(e->frame);
        }
    }
    if (status == GNTST_okay) {
        status = get_frame(lender, a->mfn, writable, frame);
        if (likely(status == GNTST_okay)) {
            if (writable)
                a->writers++;
            else
                a->readers++;
        } else {
            clear_status(e, a);
        }
    }
    spin_unlock(&a->lock);
    return status;
}

void grant_unpin(struct domain *lender, grant_ref_t ref, bool writable, struct frame *frame)
{
    struct grant_active *a = active_entry(lender->grant_table, ref);

    if (writable)
        frame_put_writable(frame);
    else
        frame_put(frame);
    /* The lender may use the frame for something else as soon as it sees the bits clear. */
    spin_lock(&a->lock);
    if (writable)
        a->writers--;
    else
        a->readers--;
    clear_status(shared_entry(lender->grant_table, ref), a);
    spin_unlock(&a->lock);
}

int16_t grant_swap(grant_ref_t ra, grant_ref_t rb)
{
    struct grant_table *gt = current->domain->grant_table;
    struct grant_active *a, *b;
    int16_t status = GNTST_eagain;

    if (!grant_ref_valid(gt, &ra) || !grant_ref_valid(gt, &rb))
        return GNTST_bad_gntref;
    if (ra == rb)
        return GNTST_okay;
    /* The table's lock keeps two swaps from taking the two entries' locks in different orders. */
    spin_lock(&gt->lock);
    a = active_entry(gt, MIN(ra, rb));
    b = active_entry(gt, MAX(ra, rb));
    spin_lock(&a->lock);
    spin_lock(&b->lock);
    if (!(a->readers | a->writers | b->readers | b->writers)) {
        grant_entry_v1_t *ea = shared_entry(gt, ra), *eb = shared_entry(gt, rb), t = *ea;
        *ea = *eb;
        *eb = t;
        status = GNTST_okay;
    }
    spin_unlock(&b->lock);
    spin_unlock(&a->lock);
    spin_unlock(&gt->lock);
    return status;
}

/* ---- memory ----------------------------------------------------------------------------------------- */

/* gt->lock held. */
static int add_frame(struct domain *d, struct grant_table *gt)
{
    struct grant_active *active = hv_zalloc(GRANTS_PER_FRAME * sizeof(*active));
    grant_entry_v1_t *shared = active ? page_zalloc() : NULL;

    if (!shared) {
        hv_free(active);
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < GRANTS_PER_FRAME; i++)
        spin_lock_init(&active[i].lock, LOCK_GRANT);
    frame_share(mfn_to_frame(virt_to_mfn(shared)), d, true);
    gt->active[gt->nr_frames] = active;
    gt->shared[gt->nr_frames] = shared;
    atomic_store(&gt->nr_frames, gt->nr_frames + 1);
    return 0;
}

int grant_table_frame(struct domain *d, unsigned long idx, mfn_t *mfn)
{
    struct grant_table *gt = d->grant_table;
    int rc = 0;

    if (idx >= gt->max_frames)
        return -EINVAL;
    idx = index_nospec(idx, gt->max_frames);
    spin_lock(&gt->lock);
    while (!rc && gt->nr_frames <= idx)
        rc = d->dying ? -EINVAL : add_frame(d, gt);
    if (!rc)
        *mfn = virt_to_mfn(gt->shared[idx]);
    spin_unlock(&gt->lock);
    return rc;
}

void grant_table_size(const struct domain *d, uint32_t *nr, uint32_t *max)
{
    *nr = atomic_load(&d->grant_table->nr_frames);
    *max = d->grant_table->max_frames;
}

bool grant_table_limits_ok(int max_frames, int max_maptrack)
{
    return max_frames && max_frames <= (int)MAX_GRANT_FRAMES && max_maptrack <= MAX_MAPTRACK;
}

int grant_table_init(struct domain *d, int max_frames, int max_maptrack,
                     unsigned int max_version __unused)
{
    struct grant_table *gt = hv_zalloc(sizeof(*gt));
    mfn_t mfn;
    int rc;

    if (!gt)
        return -ENOMEM;
    spin_lock_init(&gt->lock, LOCK_GRANT);
    spin_lock_init(&gt->maptrack_lock, LOCK_GRANT_MAP);
    gt->max_frames = MIN(max_frames < 0 ? DEFAULT_FRAMES : (uint32_t)max_frames, MAX_GRANT_FRAMES);
    gt->max_maptrack =
        (max_maptrack < 0 ? DEFAULT_MAPTRACK : (uint32_t)MIN(max_maptrack, MAX_MAPTRACK)) *
        MAPTRACK_PER_UNIT;
    gt->maptrack_free = MAPTRACK_NONE;
    d->grant_table = gt;
    gt->shared = hv_zalloc(MAX(gt->max_frames, 1u) * sizeof(*gt->shared));
    gt->active = hv_zalloc(MAX(gt->max_frames, 1u) * sizeof(*gt->active));
    rc = gt->shared && gt->active ? 0 : -ENOMEM;
    if (!rc && gt->max_frames)
        rc = grant_table_frame(d, 0, &mfn);
    if (rc)
        grant_table_free(d);
    return rc;
}

void grant_table_free(struct domain *d)
{
    struct grant_table *gt = d->grant_table;

    if (!gt)
        return;
    d->grant_table = NULL;
    for (uint32_t i = 0; i < gt->nr_frames; i++) {
        frame_unshare(mfn_to_frame(virt_to_mfn(gt->shared[i])), d);
        hv_free(gt->active[i]);
    }
    for (uint32_t i = 0; i < DIV_ROUND_UP(gt->nr_maptrack, MAPTRACK_PER_PAGE); i++)
        page_free(gt->maptrack[i]);
    hv_free(gt->maptrack);
    hv_free(gt->shared);
    hv_free(gt->active);
    hv_free(gt);
}
