/* SPDX-License-Identifier: GPL-2.0-or-later */
/* References on frames: counts and writable types. Page-table types are in pagetype.c. */
#include "mm/alloc.h"
#include "mm/internal.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "x86/tlb.h"

bool frame_get(struct frame *f, const struct domain *d)
{
    return frame_get_inline(f, d);
}

bool frame_get_slowly(struct frame *f, const struct domain *d)
{
    uint64_t x = READ_ONCE(f->info);

    do {
        if (unlikely(!(x & FI_ALLOCATED) || f->owner != d->id))
            return false;
        if (unlikely((x & FI_REF_MASK) == FI_REF_MASK))
            return false;
    } while (unlikely(!atomic_cmpxchg(&f->info, &x, x + FI_REF_ONE)));

    /* It may have been freed and given to somebody else between the test and the exchange. */
    if (unlikely(f->owner != d->id)) {
        frame_put(f);
        return false;
    }
    return true;
}

struct frame *mfn_get(mfn_t m, const struct domain *d)
{
    if (unlikely(!mfn_valid(m)))
        return NULL;
    struct frame *f = &frame_table[index_nospec(mfn_x(m), max_mfn)];
    return frame_get(f, d) ? f : NULL;
}

void frame_put(struct frame *f)
{
    frame_put_inline(f);
}

void frame_put_slowly(struct frame *f)
{
    uint64_t x = READ_ONCE(f->info), y;

    do {
        y = x - FI_REF_ONE;
        /* Mappings without type may linger in TLBs: the next owner looks at the stamp. */
        if (unlikely(!(y & FI_REF_MASK)))
            f->stamp = tlb_stamp();
    } while (unlikely(!atomic_cmpxchg(&f->info, &x, y)));
    if (unlikely(!(y & FI_REF_MASK)))
        frame_release(f);
}

/*
 * A frame changed its use: entries for the old one must leave the TLBs before the new one counts. d's own
 * CPUs are enough, but for domains with a device model: other domains' grant mappings are flushed when
 * they go, while a device model maps and unmaps frames as if they were its own, and need not flush.
 */
void frame_flush_stale(struct frame *f, const struct domain *d)
{
    cpumask_t m =
        READ_ONCE(d->controlled) ? cpu_online_map : (cpumask_t){READ_ONCE(d->dirty_cpus.bits)};

    m = tlb_need_flush(m, f->stamp);
    if (unlikely(!cpumask_empty(m)))
        tlb_flush_mask(m, 0);
}

/*
 * It was a table until lately: a CPU's paging caches may still hold entries from it. Nobody may write to
 * it before they are gone, also who asks while another one, the first, still waits for that: each
 * of them looks for himself.
 */
static __attribute__((noinline)) void become_data(struct frame *f, cpumask_t cpus, bool first)
{
    cpumask_t m = tlb_need_flush(cpus, f->stamp);

    if (!cpumask_empty(m))
        tlb_flush_mask(m, 0);
    if (first)
        atomic_and(&f->info, ~FI_PARTIAL);
}

bool frame_get_writable(struct frame *f, const struct domain *d)
{
    return frame_get_writable_inline(f, d);
}

bool frame_get_writable_slowly(struct frame *f, const struct domain *d)
{
    uint64_t x = READ_ONCE(f->info), y;

    do {
        if (unlikely(!(x & FI_ALLOCATED) || f->owner != d->id))
            return false;
        if (unlikely((x & FI_REF_MASK) == FI_REF_MASK || (x & FI_TCOUNT) == FI_TCOUNT))
            return false;
        y = (x + FI_REF_ONE + FI_TYPE_ONE) & ~FI_LAST_WRITER;
        if ((x & FI_TYPE) != FI_TYPE_OF(FRAME_WRITABLE)) {
            if (unlikely(x & FI_TCOUNT))
                return false; /* in use as a table */
            y = (y & ~FI_TYPE) | FI_TYPE_OF(FRAME_WRITABLE);
            if (x & FI_TYPE)
                y |= FI_PARTIAL;
        }
    } while (unlikely(!atomic_cmpxchg(&f->info, &x, y)));

    bool ours = f->owner == d->id;

    if (unlikely(y & FI_PARTIAL))
        become_data(f, ours ? (cpumask_t){READ_ONCE(d->dirty_cpus.bits)} : cpu_online_map,
                    !(x & FI_PARTIAL));
    if (unlikely(!ours)) {
        frame_put_writable(f);
        return false;
    }
    return true;
}

void frame_put_writable(struct frame *f)
{
    frame_put_writable_inline(f);
}

/*
 * The stamp of the last one must not be older than any mapping that there was. Between reading the clock and giving the
 * reference back, another CPU may map the frame, use it and unmap it, and leave the word as it was: so the word
 * first gets a mark, which every taker removes.
 */
void frame_put_writable_slowly(struct frame *f)
{
    uint64_t x = READ_ONCE(f->info), y;

    for (;;) {
        ASSERT_DEBUG((x & FI_TCOUNT) && frame_type(f) == FRAME_WRITABLE);
        y = (x - FI_REF_ONE - FI_TYPE_ONE) & ~FI_LAST_WRITER;
        if (!(y & FI_TCOUNT)) {
            if (!(x & FI_LAST_WRITER) && !atomic_cmpxchg(&f->info, &x, x | FI_LAST_WRITER))
                continue;
            x |= FI_LAST_WRITER;
            f->stamp = tlb_stamp();
        }
        if (likely(atomic_cmpxchg(&f->info, &x, y)))
            break;
    }
    if (unlikely(!(y & FI_REF_MASK)))
        frame_release(f);
}
