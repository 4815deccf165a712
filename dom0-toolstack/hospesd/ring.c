/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ring.h. */
#include "dom0-toolstack/hospesd/ring.h"

#include <errno.h>

#include "hypercalls/abi/io-console.h"

/*
 * Indices run freely modulo 2^32; their difference is the fill. Acquire on the other side's index
 * orders our reads of the bytes behind it, release on ours orders our copy before it.
 */
long ring_take_output(struct xencons_interface *page, char *buf, size_t size)
{
    XENCONS_RING_IDX cons = __atomic_load_n(&page->out_cons, __ATOMIC_RELAXED);
    XENCONS_RING_IDX prod = __atomic_load_n(&page->out_prod, __ATOMIC_ACQUIRE);
    XENCONS_RING_IDX fill = prod - cons;
    size_t n = 0;

    if (fill > sizeof(page->out))
        return -EPROTO;
    while (n < fill && n < size) {
        buf[n++] = page->out[MASK_XENCONS_IDX(cons, page->out)];
        cons++;
    }
    if (n)
        __atomic_store_n(&page->out_cons, cons, __ATOMIC_SEQ_CST);
    return (long)n;
}

long ring_put_input(struct xencons_interface *page, const char *data, size_t len)
{
    XENCONS_RING_IDX prod = __atomic_load_n(&page->in_prod, __ATOMIC_RELAXED);
    XENCONS_RING_IDX cons = __atomic_load_n(&page->in_cons, __ATOMIC_ACQUIRE);
    XENCONS_RING_IDX fill = prod - cons;
    size_t n = 0;

    if (fill > sizeof(page->in))
        return -EPROTO;
    while (n < len && fill + n < sizeof(page->in)) {
        page->in[MASK_XENCONS_IDX(prod, page->in)] = data[n++];
        prod++;
    }
    if (n)
        __atomic_store_n(&page->in_prod, prod, __ATOMIC_SEQ_CST);
    return (long)n;
}
