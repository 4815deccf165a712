/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit of frames: who lists them, what is free, and whether the counts are what they ought to be. */
#include "mm/audit.h"
#include "mm/internal.h"
#include "lib/lib.h"

size_t audit_memory_size(void)
{
    return max_mfn * sizeof(struct audit_frame);
}

bool audit_violation(struct audit *a)
{
    return ++a->violations <= AUDIT_MAX_LINES;
}

struct domain *audit_domain(domid_t id)
{
    struct domain *d = domain_list;

    while (d && d->id != id)
        d = d->list_next;
    return d;
}

void audit_count(struct audit *a, uint64_t mfn, enum frame_type kind)
{
    if (!AUDIT(a, mfn < max_mfn, "a reference on frame %#lx, which is not there", mfn))
        return;
    a->frame[mfn].refs++;
    if (kind != FRAME_NONE) {
        a->frame[mfn].uses++;
        a->frame[mfn].kinds |= (uint8_t)(1u << kind);
    }
}

/* ---- free memory ------------------------------------------------------------------------------ */

static void mark_free(struct audit *a, uint64_t first, uint64_t n)
{
    for (uint64_t m = first; m < first + n; m++) {
        if (!AUDIT(a, m < max_mfn && (frame_table[m].info & FI_RAM), "free frame %#lx is no RAM",
                   m))
            return;
        AUDIT(a, !(a->frame[m].marks & AUDIT_FREE), "frame %#lx is free twice", m);
        a->frame[m].marks |= AUDIT_FREE;
        AUDIT(a, m == first || frame_table[m].owner == FRAME_NO_OWNER,
              "frame %#lx is free, but owned by %u", m, frame_table[m].owner);
    }
}

static uint64_t audit_free_list(struct audit *a, unsigned int zone, unsigned int order)
{
    uint64_t frames = 0;
    uint32_t prev = FRAME_LINK_END;
    bool dirty = false;

    for (uint32_t m = free_list_head(zone, order); m != FRAME_LINK_END; m = frame_table[m].next) {
        if (!AUDIT(a, m < max_mfn, "the list of free blocks of order %u goes to %#x", order, m))
            break;
        const struct frame *f = &frame_table[m];
        AUDIT(a,
              f->owner == FRAME_FREE_HEAD && block_order(f) == order && zone_of(m) == zone &&
                  !(m & ((1u << order) - 1)),
              "frame %#x is no free block of order %u", m, order);
        if (!AUDIT(a, f->prev == prev, "free block %#x does not link back", m))
            break;
        AUDIT(a, !dirty || block_dirty(f), "clean block %#x follows a dirty one", m);
        dirty = block_dirty(f);
        for (uint64_t i = m; !dirty && i < m + (1ull << order); i++)
            AUDIT(a, !(frame_table[i].info & FI_DIRTY), "frame %#lx of a clean block is dirty", i);
        prev = m;
        frames += 1ull << order;
        mark_free(a, m, 1ull << order);
    }
    return frames;
}

static void audit_free(struct audit *a)
{
    uint64_t frames = 0, claimed = 0;
    uint32_t loose = 0;

    for (unsigned int z = 0; z < ZONES; z++) {
        for (unsigned int o = 0; o <= MAX_ORDER; o++)
            frames += audit_free_list(a, z, o);
        for (uint32_t m = loose_head[z]; m != FRAME_LINK_END; m = frame_table[m].next) {
            if (!AUDIT(a, m < max_mfn && loose < LOOSE_MAX, "the list of loose frames goes to %#x",
                       m))
                break;
            AUDIT(a, frame_table[m].owner == FRAME_NO_OWNER, "loose frame %#x is owned by %u", m,
                  frame_table[m].owner);
            loose++;
            mark_free(a, m, 1);
        }
    }
    AUDIT(a, loose == loose_count, "%u loose frames, counted as %u", loose, loose_count);
    frames += loose;
    AUDIT(a, frames == free_frames, "%lu free frames, counted as %lu", frames, free_frames);
    for (const struct domain *d = domain_list; d; d = d->list_next)
        claimed += d->claimed_pages;
    AUDIT(a, claimed == claimed_frames && claimed <= frames, "%lu frames claimed, counted as %lu",
          claimed, claimed_frames);
}

/* ---- domains ------------------------------------------------------------------------------------ */

static void audit_lists(struct audit *a, struct domain *d)
{
    uint64_t listed = 0, queued = 0;
    uint32_t prev = FRAME_LINK_END;

    for (uint32_t m = d->frames_head; m != FRAME_LINK_END; m = frame_table[m].next) {
        if (!AUDIT(a, m < max_mfn, "d%u's list goes to frame %#x", d->id, m))
            break;
        const struct frame *f = &frame_table[m];
        if (!AUDIT(a, !(a->frame[m].marks & AUDIT_LISTED), "frame %#x is on lists twice", m))
            break;
        a->frame[m].marks |= AUDIT_LISTED;
        AUDIT(a, f->owner == d->id && (f->info & FI_RAM) && !(f->info & FI_XENHEAP),
              "frame %#x, owner %u, info %#lx, is on d%u's list", m, f->owner, f->info, d->id);
        AUDIT(a, f->prev == prev, "frame %#x of d%u does not link back", m, d->id);
        prev = m;
        listed++;
    }
    AUDIT(a, listed == d->tot_pages, "d%u has %lu frames, counted as %u", d->id, listed,
          d->tot_pages);
    a->frames += listed;
    for (uint32_t m = d->pt_teardown; m != FRAME_LINK_END; m = frame_table[m].stamp) {
        if (!AUDIT(a, m < max_mfn && queued <= listed, "d%u's teardown queue goes to %#x", d->id,
                   m))
            break;
        AUDIT(a, (frame_table[m].info & FI_TEARDOWN) && frame_table[m].owner == d->id,
              "frame %#x, owner %u, info %#lx, is on d%u's teardown queue", m, frame_table[m].owner,
              frame_table[m].info, d->id);
        queued++;
    }
    for (uint32_t m = d->frames_head; m < max_mfn && queued; m = frame_table[m].next)
        queued -= !!(frame_table[m].info & FI_TEARDOWN);
    AUDIT(a, !queued, "d%u's teardown queue is longer than it has frames for it", d->id);
}

static void audit_locks(struct audit *a, const struct domain *d)
{
    AUDIT(a,
          !spin_is_locked(&d->lock) && !spin_is_locked(&d->mem_lock) &&
              !spin_is_locked(&d->pt_lock) && !spin_is_locked(&d->evtchn.lock) &&
              !spin_is_locked(&d->shutdown_lock) && !spin_is_locked(&d->irq_lock),
          "d%u: a lock is held", d->id);
}

/* ---- frames --------------------------------------------------------------------------------------- */

/* What its own flags hold of it. */
static void count_flags(struct audit *a, uint64_t m, uint64_t x)
{
    enum frame_type type = (enum frame_type)((x & FI_TYPE) >> FI_TYPE_SHIFT);

    if (x & FI_ALLOCATED)
        audit_count(a, m, FRAME_NONE);
    for (uint64_t flag = x & (FI_PINNED | FI_PARTIAL | FI_TEARDOWN); flag; flag &= flag - 1)
        audit_count(a, m, type);
    /* Frames shared read-only: a use of no type, which keeps writers away. */
    if ((x & FI_XENHEAP) && frame_table[m].owner == DOMID_XEN)
        a->frame[m].uses++;
}

static void compare(struct audit *a, uint64_t m)
{
    const struct frame *f = &frame_table[m];
    const struct audit_frame *e = &a->frame[m];
    uint64_t x = f->info, type = (x & FI_TYPE) >> FI_TYPE_SHIFT;

    if (!audit_owned(f)) {
        AUDIT(a, !e->refs && !e->uses, "frame %#lx of nobody has %u references", m, e->refs);
        return;
    }
    AUDIT(a, !(e->marks & AUDIT_FREE), "frame %#lx of d%u is free", m, f->owner);
    AUDIT(a, (x & FI_REF_MASK) == e->refs && e->refs, "frame %#lx of d%u, info %#lx: %u references",
          m, f->owner, x, e->refs);
    AUDIT(a, (x & FI_TCOUNT) >> 32 == e->uses, "frame %#lx of d%u, info %#lx: %u type uses", m,
          f->owner, x, e->uses);
    /* The invariant's first half: no page is of two kinds at once, so no table is written. */
    AUDIT(a, !(e->kinds & ~(1u << type)), "frame %#lx of d%u, info %#lx: used as types %#x", m,
          f->owner, x, e->kinds);
    AUDIT(a, (x & FI_XENHEAP) || (e->marks & AUDIT_LISTED), "frame %#lx of d%u is on no list", m,
          f->owner);
    AUDIT(a, !(x & FI_XENHEAP) || !(e->kinds & ~(1u << FRAME_WRITABLE)),
          "frame %#lx of the hypervisor is a table of d%u", m, f->owner);
    AUDIT(a, !(x & (FI_PARTIAL | FI_TEARDOWN)) || audit_is_table(x),
          "frame %#lx of d%u, info %#lx: no table", m, f->owner, x);
    AUDIT(a, !(x & FI_VALIDATED) || audit_is_table(x) || ((x & FI_TCOUNT) && type == FRAME_SEG),
          "frame %#lx of d%u, info %#lx: valid without a use", m, f->owner, x);
    AUDIT(a, !(x & FI_VALIDATED) || !(x & (FI_PARTIAL | FI_TEARDOWN)),
          "frame %#lx of d%u, info %#lx: valid, and not", m, f->owner, x);
    AUDIT(a, !(x & FI_PINNED) || (x & FI_VALIDATED),
          "frame %#lx of d%u, info %#lx: pinned, not valid", m, f->owner, x);
    AUDIT(a, !audit_is_table(x) || (x & (FI_VALIDATED | FI_PARTIAL | FI_TEARDOWN)),
          "frame %#lx of d%u, info %#lx: a table that nobody checked", m, f->owner, x);
}

bool audit_run(struct audit *a)
{
    memset(a->frame, 0, audit_memory_size());
    a->frames = a->tables = a->grants = a->channels = a->violations = 0;
    audit_free(a);
    for (struct domain *d = domain_list; d; d = d->list_next) {
        audit_lists(a, d);
        audit_locks(a, d);
        audit_vcpus(a, d);
        audit_events(a, d);
    }
    for (uint64_t m = 0; m < max_mfn; m++)
        if (audit_owned(&frame_table[m]))
            count_flags(a, m, frame_table[m].info);
    audit_tables(a);
    audit_grants(a);
    audit_cpus(a);
    if (a->others)
        a->others(a);
    for (uint64_t m = 0; m < max_mfn; m++)
        compare(a, m);
    if (a->violations > AUDIT_MAX_LINES)
        a->say(LOG_ERR "audit: and %lu more\n", a->violations - AUDIT_MAX_LINES);
    return !a->violations;
}
