/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit of grants: each pin of an entry belongs to exactly one part of a borrower's mapping, each
 * grant entry of a page table to one host part, each reference on a domain to a reason.
 */
#include "domain/grant_internal.h"
#include "mm/audit.h"

static const struct maptrack *track_of(const struct grant_table *gt, uint32_t handle)
{
    return &gt->maptrack[handle / MAPTRACK_PER_PAGE][handle % MAPTRACK_PER_PAGE];
}
static inline uint64_t parts_of(const struct maptrack *t)
{
    return t->state & TRACK_PARTS;
}
static inline bool writable(const struct maptrack *t)
{
    return !(t->state & GNTMAP_readonly);
}

/*
 * Pins are compared as sums of a hash of what they are: equal sums mean the same pins, but for one
 * chance in 2^64, and need no memory. (The mixer is the finaliser of splitmix64.)
 */
static uint64_t pin_hash(uint32_t ref, uint32_t mfn, domid_t borrower, bool write)
{
    uint64_t x = ref | (uint64_t)mfn << 32;

    for (unsigned int i = 0; i < 2; i++) {
        x += 0x9e3779b97f4a7c15ull + borrower * 2u + write;
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
        x = (x ^ x >> 27) * 0x94d049bb133111ebull;
        x ^= x >> 31;
    }
    return x;
}

/* The lender's side: what is pinned, which holds references on frames. */
static uint64_t lent(struct audit *a, const struct domain *d, uint64_t *pins)
{
    const struct grant_table *gt = d->grant_table;
    uint64_t sum = 0;

    for (uint32_t ref = 0; ref < gt->nr_frames * (uint32_t)GRANTS_PER_FRAME; ref++) {
        const struct grant_active *e = &gt->active[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
        AUDIT(a, !spin_is_locked(&e->lock), "d%u: grant %u is locked", d->id, ref);
        if (!e->readers && !e->writers)
            continue;
        a->grants++;
        *pins += (uint64_t)e->readers + e->writers;
        for (uint32_t i = 0; i < e->readers; i++)
            audit_count(a, e->mfn, FRAME_NONE);
        for (uint32_t i = 0; i < e->writers; i++)
            audit_count(a, e->mfn, FRAME_WRITABLE);
        sum += e->readers * pin_hash(ref, e->mfn, e->domid, false) +
               e->writers * pin_hash(ref, e->mfn, e->domid, true);
        AUDIT(a,
              e->mfn < max_mfn && frame_table[e->mfn].owner == d->id &&
                  !(frame_table[e->mfn].info & FI_XENHEAP),
              "d%u: grant %u lends frame %#x, which is not its own", d->id, ref, e->mfn);
    }
    return sum;
}

/* The borrowers' sides of the same. */
static uint64_t borrowed(const struct domain *lender, uint64_t *parts)
{
    uint64_t sum = 0;

    for (const struct domain *d = domain_list; d; d = d->list_next) {
        const struct grant_table *gt = d->grant_table;
        for (uint32_t h = 0; gt && h < gt->nr_maptrack; h++) {
            const struct maptrack *t = track_of(gt, h);
            if (t->lender != lender || !parts_of(t))
                continue;
            uint64_t n = parts_of(t) == TRACK_PARTS ? 2 : 1;
            *parts += n;
            sum += n * pin_hash(t->ref, t->mfn, d->id, writable(t));
        }
    }
    return sum;
}

/* The references on a domain: its creation, its frames, what it lent. */
static void audit_domain_refs(struct audit *a, const struct domain *d, uint64_t parts)
{
    uint64_t refs = (d->dying != DOMAIN_DEAD) + (d->tot_pages != 0) + parts;

    refs += d->crash_tasklet.queued; /* about to shut it down */
    AUDIT(a, d->refs == refs, "d%u: %lu references, counted as %u", d->id, refs, d->refs);
}

/* The chain of free handles: all that are nobody's, once. */
static void audit_handles(struct audit *a, const struct domain *d)
{
    const struct grant_table *gt = d->grant_table;
    uint32_t chained = 0, unused = 0;

    for (uint32_t h = gt->maptrack_free; h != MAPTRACK_NONE; h = track_of(gt, h)->ref)
        if (!AUDIT(a, h < gt->nr_maptrack && chained++ < gt->nr_maptrack,
                   "d%u: the chain of handles goes to %#x", d->id, h))
            return;
    for (uint32_t h = 0; h < gt->nr_maptrack; h++) {
        const struct maptrack *t = track_of(gt, h);
        AUDIT(a, !t->lender == !parts_of(t), "d%u: handle %u has a lender or parts, not both",
              d->id, h);
        unused += !t->lender;
    }
    AUDIT(a, chained == unused, "d%u: %u handles are free, %u can be had", d->id, unused, chained);
    AUDIT(a, !spin_is_locked(&gt->lock) && !spin_is_locked(&gt->maptrack_lock),
          "d%u: a lock of its grants is held", d->id);
}

static void note_host_parts(struct audit *a, const struct grant_table *gt, bool forget)
{
    for (uint32_t h = 0; h < gt->nr_maptrack; h++) {
        const struct maptrack *t = track_of(gt, h);
        if (!t->lender || !(t->state & GNTMAP_host_map) || t->mfn >= max_mfn)
            continue;
        struct audit_frame *f = &a->frame[t->mfn];
        uint16_t *n = writable(t) ? &f->host_rw : &f->host_ro;
        *n = forget ? 0 : (uint16_t)(*n + 1);
    }
}

/* What its tables map by grants is what it has mapped. (It may have overwritten such entries: fewer.) */
static void audit_grant_entries(struct audit *a, const struct domain *d)
{
    for (uint32_t m = d->frames_head; m < max_mfn; m = frame_table[m].next) {
        const struct frame *f = &frame_table[m];
        const pte_t *table = frame_to_virt(f);
        if ((f->info & (FI_VALIDATED | FI_TYPE)) != (FI_VALIDATED | FI_TYPE_OF(FRAME_L1)))
            continue;
        for (unsigned int i = 0; i < 512; i++) {
            uint64_t to = (table[i] & PTE_ADDR) >> PAGE_SHIFT;
            if ((table[i] & (PTE_PRESENT | PTE_GRANT)) != (PTE_PRESENT | PTE_GRANT))
                continue;
            if (!AUDIT(a, to < max_mfn, "d%u maps a grant of no frame", d->id))
                continue;
            uint16_t *n = table[i] & PTE_RW ? &a->frame[to].host_rw : &a->frame[to].host_ro;
            if (AUDIT(a, *n, "table %#x of d%u maps frame %#lx of d%u, not granted%s", m, d->id, to,
                      frame_table[to].owner, table[i] & PTE_RW ? " for writing" : ""))
                --*n;
        }
    }
}

void audit_grants(struct audit *a)
{
    for (const struct domain *d = domain_list; d; d = d->list_next) {
        uint64_t pins = 0, parts = 0, sum = borrowed(d, &parts);
        audit_domain_refs(a, d, parts);
        if (d->grant_table) {
            uint64_t lent_sum = lent(a, d, &pins);
            AUDIT(a, sum == lent_sum && pins == parts,
                  "d%u: %lu pins of its grants, %lu parts of mappings, which differ", d->id, pins,
                  parts);
            audit_handles(a, d);
            note_host_parts(a, d->grant_table, false);
        }
        /* Of a dying domain they are in no CPU's tables, and go with these. */
        if (!d->dying)
            audit_grant_entries(a, d);
        if (d->grant_table)
            note_host_parts(a, d->grant_table, true);
    }
}
