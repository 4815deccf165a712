/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ring.h. */
#include "pv-backends/9p/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "hypercalls/abi/io-9pfs.h"
#include "pv-backends/lib/backend.h"

/* Messages in a row, before something else is looked at. */
#define AT_ONCE 64

int p9_ring_open(struct p9_ring *r, struct backend *b, uint32_t ref, uint32_t port,
                 struct hl_error *e)
{
    uint32_t refs[1u << P9_MAX_ORDER];

    *r = (struct p9_ring){.b = b, .port = -1};
    r->message = malloc(P9_MAX_MESSAGE);
    r->answer = malloc(P9_MAX_MESSAGE);
    if (r->message == NULL || r->answer == NULL)
        return hl_fail(e, ENOMEM, "connect to the frontend", b->frontend, NULL);
    r->intf = gntdev_map(b->grants, b->domid, &ref, 1, e);
    if (r->intf == NULL)
        return -EIO;
    r->order = XEN_RING_ONCE_(r->intf->ring_order);
    if (r->order < P9_MIN_ORDER || r->order > P9_MAX_ORDER)
        return hl_fail(e, EINVAL, "connect to the frontend", b->frontend,
                       "its ring is of 2^%u pages", r->order);
    for (unsigned int i = 0; i < 1u << r->order; i++)
        refs[i] = XEN_RING_ONCE_(r->intf->ref[i]);
    r->data = gntdev_map(b->grants, b->domid, refs, (size_t)1 << r->order, e);
    if (r->data == NULL)
        return -EIO;
    r->size = (uint32_t)XEN_FLEX_RING_SIZE(r->order);
    r->out_cons = XEN_RING_ONCE_(r->intf->out_cons);
    r->in_prod = XEN_RING_ONCE_(r->intf->in_prod);
    r->port = evtchn_bind_interdomain(b->ev, b->domid, port, e);
    return r->port < 0 ? r->port : 0;
}

void p9_ring_close(struct p9_ring *r)
{
    if (r->port >= 0)
        evtchn_unbind(r->b->ev, (uint32_t)r->port);
    if (r->data != NULL)
        gntdev_unmap(r->b->grants, r->data, (size_t)1 << r->order);
    if (r->intf != NULL)
        gntdev_unmap(r->b->grants, r->intf, 1);
    free(r->message);
    free(r->answer);
    *r = (struct p9_ring){.port = -1};
}

/* Reads bytes of the request, `from` bytes behind the place where it begins. */
static void fetch(const struct p9_ring *r, uint32_t from, void *to, uint32_t n)
{
    RING_IDX at = xen_9pfs_mask(r->out_cons + from, r->size);

    xen_9pfs_read_packet(to, r->data + r->size, n, 0, &at, r->size);
}

/* A whole request into r->message; its size, 0: there is none yet. */
static int take(struct p9_ring *r)
{
    uint32_t ready = XEN_RING_ONCE_(r->intf->out_prod) - r->out_cons, size = 0;

    if (ready > r->size)
        return -EPROTO;
    if (ready < P9_HEADER)
        return 0;
    xen_rmb(); /* the index before the bytes */
    fetch(r, 0, &size, sizeof(size));
    size = le32toh(size);
    if (size < P9_HEADER || size > P9_MAX_MESSAGE || size > r->size)
        return -EPROTO;
    if (ready < size)
        return 0;
    fetch(r, sizeof(size), r->message + sizeof(size), size - (uint32_t)sizeof(size));
    return (int)size;
}

/* Puts the answer into its ring, and then takes the request off the other. 1: no room yet. */
static int show(struct p9_ring *r)
{
    uint32_t used = r->in_prod - XEN_RING_ONCE_(r->intf->in_cons);
    RING_IDX at = xen_9pfs_mask(r->in_prod, r->size);

    if (used > r->size)
        return -EPROTO;
    if (r->size - used < r->answered)
        return 1;
    xen_mb(); /* the guest has read what stood there */
    xen_9pfs_write_packet(r->data, r->answer, r->answered, &at, 0, r->size);
    r->in_prod += r->answered;
    xen_ring_push_(&r->intf->in_prod, r->in_prod);
    r->out_cons += r->taken;
    xen_ring_push_(&r->intf->out_cons, r->out_cons);
    r->answered = 0;
    return 0;
}

int p9_ring_work(struct p9_ring *r, struct p9_server *s)
{
    unsigned int n;
    int rc = 0;

    for (n = 0; n < AT_ONCE; n++) {
        if (r->answered == 0) {
            rc = take(r);
            if (rc <= 0)
                break;
            r->taken = (uint32_t)rc;
            r->answered = p9_server_answer(s, r->message, r->taken, r->answer);
        }
        rc = show(r);
        if (rc != 0)
            break;
    }
    if (n != 0)
        evtchn_notify(r->b->ev, (uint32_t)r->port);
    return rc < 0 ? rc : n == AT_ONCE;
}
