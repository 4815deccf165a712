/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PV domain's reservation: increase, decrease, populate, exchange, claim.
 *
 * The first three answer how many extents they have done, also where others would answer an error:
 * a guest asks for much and takes what there is. Single pages, the common case, go in batches.
 */
#include "hypercalls/memory.h"
#include "mm/alloc.h"
#include "mm/balloon.h"

#define BATCH 64 /* pages between two looks at the preemption flag */

/* A reservation under way. */
struct request {
    unsigned int op;
    struct domain *d;
    guest_ptr_t list;
    unsigned int order, bits;
};

static guest_ptr_t element(const struct request *r, unsigned long i)
{
    return guest_ptr(r->list.va + i * sizeof(xen_pfn_t));
}

/* Numbers of extents from i on. One is copied in line. */
static inline int read_list(const struct request *r, unsigned long i, uint64_t *to, unsigned int n)
{
    return n == 1 ? copy_from_guest(to, element(r, i), sizeof(*to))
                  : copy_from_guest(to, element(r, i), n * sizeof(*to));
}
static inline int write_list(const struct request *r, unsigned long i, const uint64_t *from,
                             unsigned int n)
{
    return n == 1 ? copy_to_guest(element(r, i), from, sizeof(*from))
                  : copy_to_guest(element(r, i), from, n * sizeof(*from));
}

/* Each of these does extents i to i+n-1 at most, and tells how many it did. */

static unsigned int decrease_pages(const struct request *r, unsigned long i, unsigned int n)
{
    uint64_t mfns[BATCH];

    if (unlikely(read_list(r, i, mfns, n)))
        return 0;
    return dom_frames_give(r->d, mfns, n);
}

static unsigned int decrease_extent(const struct request *r, unsigned long i)
{
    uint64_t mfns[BATCH], first;

    if (copy_from_guest(&first, element(r, i), sizeof(first)))
        return 0;
    for (unsigned long done = 0; done < 1ul << r->order; done += BATCH) {
        unsigned int n = (unsigned int)MIN((1ul << r->order) - done, (unsigned long)BATCH);
        for (unsigned int j = 0; j < n; j++)
            mfns[j] = first + done + j;
        if (dom_frames_give(r->d, mfns, n) != n)
            return 0;
    }
    return 1;
}

static unsigned int populate_pages(const struct request *r, unsigned long i, unsigned int n)
{
    uint64_t pfns[BATCH], mfns[BATCH];

    if (unlikely(read_list(r, i, pfns, n)))
        return 0;
    n = dom_frames_take(r->d, n, r->bits, mfns);
    for (unsigned int j = 0; j < n; j++)
        m2p_set(mfn_make(mfns[j]), pfns[j]);
    /* Frames that the guest was not told of would be lost to it. */
    if (unlikely(write_list(r, i, mfns, n))) {
        dom_frames_give(r->d, mfns, n);
        return 0;
    }
    return n;
}

/* One extent, its first frame told to the guest. */
static unsigned int take_extent(const struct request *r, unsigned long i, mfn_t *first)
{
    struct frame *f = dom_frames_alloc(r->d, r->order, r->bits);

    if (!f)
        return 0;
    *first = frame_to_mfn(f);
    if (guest_ptr_null(r->list) || !copy_to_guest(element(r, i), &first->v, sizeof(first->v)))
        return 1;
    for (unsigned long j = 0; j < 1ul << r->order; j++)
        dom_frame_free(f + j, r->d);
    return 0;
}

static unsigned int populate_extent(const struct request *r, unsigned long i)
{
    uint64_t pfn;
    mfn_t m;

    if (copy_from_guest(&pfn, element(r, i), sizeof(pfn)) || !take_extent(r, i, &m))
        return 0;
    for (unsigned long j = 0; j < 1ul << r->order; j++)
        m2p_set(mfn_add(m, j), pfn + j);
    return 1;
}

static __attribute__((noinline)) unsigned int increase_pages(const struct request *r,
                                                             unsigned long i, unsigned int n)
{
    uint64_t mfns[BATCH];

    n = dom_frames_take(r->d, n, r->bits, mfns);
    if (!guest_ptr_null(r->list) && copy_to_guest(element(r, i), mfns, n * sizeof(mfns[0]))) {
        dom_frames_give(r->d, mfns, n);
        return 0;
    }
    return n;
}

static unsigned int increase_extent(const struct request *r, unsigned long i)
{
    mfn_t m;

    return take_extent(r, i, &m);
}

static unsigned int do_pages(const struct request *r, unsigned long i, unsigned int n)
{
    switch (r->op) {
    case XENMEM_decrease_reservation: return decrease_pages(r, i, n);
    case XENMEM_populate_physmap: return populate_pages(r, i, n);
    default: return increase_pages(r, i, n);
    }
}

static __attribute__((noinline)) unsigned int do_extent(const struct request *r, unsigned long i)
{
    switch (r->op) {
    case XENMEM_decrease_reservation: return decrease_extent(r, i);
    case XENMEM_populate_physmap: return populate_extent(r, i);
    default: return increase_extent(r, i);
    }
}

/* Bits that addresses of new frames must fit in, from mem_flags; false: nothing fits. */
static bool decode_bits(unsigned int mem_flags, unsigned int *bits)
{
    *bits = XENMEMF_get_address_bits(mem_flags);
    if (*bits >= 64 || (*bits && (1ull << *bits) >> PAGE_SHIFT >= max_mfn))
        *bits = 0;
    return !*bits || *bits > PAGE_SHIFT;
}

/* Order and address bits of a request that asks for anything but single pages, of any kind. False:
 * not to be had. */
static __attribute__((noinline)) bool decode_kind(const struct xen_memory_reservation *res,
                                                  struct request *r)
{
    r->order = res->extent_order;
    return res->extent_order <= max_extent_order() && decode_bits(res->mem_flags, &r->bits) &&
           !(res->mem_flags & XENMEMF_populate_on_demand);
}

long memory_reservation(unsigned int op, guest_ptr_t arg, unsigned long start)
{
    struct xen_memory_reservation res;
    struct request r;
    long rc = (long)start;

    if (unlikely(copy_struct_from_guest(&res, arg)))
        return rc;
    /* The count must fit in a continuation's command, the list in the address space. */
    if (unlikely(res.nr_extents > ~0ul >> (MEMOP_EXTENT_SHIFT + 1)) ||
        unlikely(start >= res.nr_extents))
        return rc;
    r.order = r.bits = 0;
    if (unlikely(res.extent_order | res.mem_flags) && !decode_kind(&res, &r))
        return rc;
    r.op = op;
    r.list = guest_ptr_of(res.extent_start);
    r.d = memory_get_domain(res.domid, &rc);
    if (unlikely(!r.d))
        return rc == -ESRCH ? (long)start : rc;

    unsigned long i = start;
    for (;;) {
        unsigned long want = r.order ? 1 : MIN(res.nr_extents - i, (unsigned long)BATCH);
        unsigned int got =
            unlikely(r.order) ? do_extent(&r, i) : do_pages(&r, i, (unsigned int)want);
        i += got;
        if (likely(i == res.nr_extents) || unlikely(got < want))
            break;
        if (unlikely(preempt_check())) {
            memory_put(r.d);
            return hypercall_continuation(12, 2, op | i << MEMOP_EXTENT_SHIFT, arg.va);
        }
    }
    memory_put(r.d);
    return (long)i;
}

long memory_claim(guest_ptr_t arg)
{
    struct xen_memory_reservation res;
    long rc = 0;

    if (!current->domain->privileged)
        return -EPERM;
    if (copy_struct_from_guest(&res, arg))
        return -EFAULT;
    if (!guest_ptr_null(guest_ptr_of(res.extent_start)) || res.extent_order || res.mem_flags)
        return -EINVAL;
    struct domain *d = memory_get_domain(res.domid, &rc);
    if (!d)
        return -EINVAL;
    rc = dom_claim(d, res.nr_extents);
    memory_put(d);
    return rc;
}

/* ---- exchange ------------------------------------------------------------------------------ */

#define EXCHANGE_MAX_ORDER 9
#define EXCHANGE_FRAMES    (1u << EXCHANGE_MAX_ORDER)

/* Frames of one piece: as many as the larger extent has. */
struct exchange {
    uint64_t in[EXCHANGE_FRAMES], out[EXCHANGE_FRAMES];
};

/* Numbers of a piece's frames from the guest's list of extents. */
static int read_frames(uint64_t *mfns, guest_ptr_t list, unsigned long first, unsigned int extents,
                       unsigned int order)
{
    for (unsigned int i = 0; i < extents; i++) {
        uint64_t m;
        if (copy_elem_from_guest(&m, list, first + i, sizeof(m)))
            return -EFAULT;
        for (unsigned int j = 0; j < 1u << order; j++)
            *mfns++ = m + j;
    }
    return 0;
}

static void free_blocks(const uint64_t *mfns, unsigned int extents, unsigned int order)
{
    for (unsigned int i = 0; i < extents; i++)
        frames_free(mfn_to_frame(mfn_make(mfns[i << order])), order);
}

static int alloc_blocks(uint64_t *mfns, unsigned int extents, unsigned int order, unsigned int bits)
{
    for (unsigned int i = 0; i < extents; i++) {
        struct frame *f = frames_alloc(order, bits);
        if (!f) {
            free_blocks(mfns, i, order);
            return -ENOMEM;
        }
        for (unsigned int j = 0; j < 1u << order; j++)
            mfns[(i << order) + j] = mfn_x(frame_to_mfn(f)) + j;
    }
    return 0;
}

/* Tell the M2P and the guest which frames its PFNs have now. */
static int write_frames(const uint64_t *mfns, guest_ptr_t list, unsigned long first,
                        unsigned int extents, unsigned int order)
{
    for (unsigned int i = 0; i < extents; i++, mfns += 1ul << order) {
        uint64_t pfn;
        if (copy_elem_from_guest(&pfn, list, first + i, sizeof(pfn)))
            return -EFAULT;
        for (unsigned int j = 0; j < 1u << order; j++)
            m2p_set(mfn_make(mfns[j]), pfn + j);
        if (copy_elem_to_guest(list, first + i, mfns, sizeof(*mfns)))
            return -EFAULT;
    }
    return 0;
}

static long exchange_piece(const struct xen_memory_exchange *x, struct domain *d,
                           struct exchange *buf, unsigned long piece, unsigned int bits)
{
    unsigned int order = MAX(x->in.extent_order, x->out.extent_order);
    unsigned int n_in = 1u << (order - x->in.extent_order);
    unsigned int n_out = 1u << (order - x->out.extent_order);
    int rc = read_frames(buf->in, guest_ptr_of(x->in.extent_start), piece * n_in, n_in,
                         x->in.extent_order);

    if (!rc)
        rc = alloc_blocks(buf->out, n_out, x->out.extent_order, bits);
    if (rc)
        return rc;
    rc = dom_frames_exchange(d, buf->in, buf->out, 1u << order);
    if (rc) {
        free_blocks(buf->out, n_out, x->out.extent_order);
        return rc;
    }
    return write_frames(buf->out, guest_ptr_of(x->out.extent_start), piece * n_out, n_out,
                        x->out.extent_order);
}

static long check_exchange(const struct xen_memory_exchange *x)
{
    const struct xen_memory_reservation *in = &x->in, *out = &x->out;
    const unsigned long max = ~0ul >> (EXCHANGE_MAX_ORDER + 4);

    if (MAX(in->extent_order, out->extent_order) > EXCHANGE_MAX_ORDER)
        return -EPERM;
    if (in->domid != out->domid || in->nr_extents > max || out->nr_extents > max ||
        in->nr_extents << in->extent_order != out->nr_extents << out->extent_order ||
        x->nr_exchanged > in->nr_extents)
        return -EINVAL;
    /* Whole pieces only, also where a continued call goes on. */
    if (out->extent_order > in->extent_order) {
        unsigned long mask = (1ul << (out->extent_order - in->extent_order)) - 1;
        if ((in->nr_extents | x->nr_exchanged) & mask)
            return -EINVAL;
    }
    return 0;
}

long memory_exchange(guest_ptr_t arg)
{
    struct xen_memory_exchange x;
    unsigned int bits;
    long rc = 0;

    if (copy_struct_from_guest(&x, arg))
        return -EFAULT;
    rc = check_exchange(&x);
    if (rc)
        return rc;
    if (!decode_bits(x.out.mem_flags, &bits))
        return -ENOMEM;
    struct domain *d = memory_get_domain(x.in.domid, &rc);
    if (!d)
        return rc;
    struct exchange *buf = hv_zalloc(sizeof(*buf));
    if (!buf) {
        memory_put(d);
        return -ENOMEM;
    }
    /* Input extents of a piece. */
    unsigned int order = MAX(x.in.extent_order, x.out.extent_order) - x.in.extent_order;
    while (!rc && x.nr_exchanged < x.in.nr_extents) {
        rc = exchange_piece(&x, d, buf, x.nr_exchanged >> order, bits);
        if (!rc)
            x.nr_exchanged += 1ul << order;
        if (!rc && x.nr_exchanged < x.in.nr_extents && preempt_check())
            rc = -ERESTART;
    }
    hv_free(buf);
    memory_put(d);
    if (copy_to_guest(guest_ptr(arg.va + offsetof(struct xen_memory_exchange, nr_exchanged)),
                      &x.nr_exchanged, sizeof(x.nr_exchanged)))
        return -EFAULT;
    if (rc == -ERESTART)
        return hypercall_continuation(12, 2, (unsigned long)XENMEM_exchange, arg.va);
    return rc;
}
