/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See queue.h. */
#include "pv-backends/net/queue.h"

#include <errno.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "dom0-toolstack/lib/linux_xen_ioctl.h"
#include "pv-backends/lib/backend.h"

#define PAGE 4096u

/* ---- from the guest ---- */

static int fetch(struct net_queue *q, const struct net_request *r, uint8_t *packet)
{
    struct gntdev_copy_segment copy[NET_MAX_FRAGMENTS];

    for (unsigned int i = 0; i < r->fragments; i++) {
        const struct net_fragment *f = &r->fragment[i];

        copy[i] = (struct gntdev_copy_segment){
            .from = {.grant = {f->gref, f->offset, (uint16_t)q->b->domid}},
            .to = {.local = packet},
            .len = f->size,
            .flags = GNTDEV_COPY_FROM_GRANT,
        };
        packet += f->size;
    }
    return gntdev_copy(q->b->grants, copy, r->fragments);
}

static void answer(struct net_queue *q, const struct net_request *r, int16_t status)
{
    int notify;

    for (unsigned int i = 0; i < r->slots; i++) {
        struct netif_tx_response rsp = {.id = (uint16_t)r->id[i], .status = status};

        if (r->id[i] < 0)
            rsp.status = NETIF_RSP_NULL;
        *RING_GET_RESPONSE(&q->tx, q->tx.rsp_prod_pvt) = rsp;
        q->tx.rsp_prod_pvt++;
    }
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&q->tx, notify);
    if (notify)
        evtchn_notify(q->b->ev, (uint32_t)q->tx_port);
}

/* The checksum's place, and what the segments are. False: drop it. */
static bool describe(const struct net_request *r, uint8_t *packet, struct net_offload *o)
{
    *o = (struct net_offload){.gso_type = r->gso_type, .gso_size = r->gso_size};
    return !r->csum_blank ||
           net_packet_blank(packet, r->size, r->gso_type != XEN_NETIF_GSO_TYPE_NONE, o) == 0;
}

/* The next request of the ring. As net_request_decode(); 0 also: asked to be rung. */
static int next(struct net_queue *q, struct net_request *r)
{
    int more = 1;

    /* A guest that goes on writing indices while they are read keeps us from nothing. */
    for (unsigned int i = 0; more && i < NET_RING_SIZE; i++) {
        RING_IDX prod = XEN_RING_ONCE_(q->tx.sring->req_prod);

        if (RING_REQUEST_PROD_OVERFLOW(&q->tx, prod))
            return -EPROTO;
        xen_rmb(); /* the index before the entries */
        if (q->tx.req_cons != prod)
            return net_request_decode(&q->tx, q->tx.req_cons, prod, r);
        RING_FINAL_CHECK_FOR_REQUESTS(&q->tx, more);
    }
    return 0;
}

ssize_t net_queue_take(struct net_queue *q, uint8_t *packet, struct net_offload *o)
{
    struct net_request r;

    for (unsigned int i = 0; i < NET_RING_SIZE; i++) {
        int rc = next(q, &r);

        if (rc <= 0)
            return rc;
        bool good = r.good && fetch(q, &r, packet) == 0 && describe(&r, packet, o);

        q->tx.req_cons += r.slots;
        answer(q, &r, good ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
        if (good)
            return (ssize_t)r.size;
    }
    return -EAGAIN;
}

/* ---- to the guest ---- */

/* Are there `need` requests? Else the guest rings for the next. */
static int enough(struct net_queue *q, unsigned int need)
{
    for (unsigned int i = 0; i < NET_RING_SIZE; i++) {
        RING_IDX prod = XEN_RING_ONCE_(q->rx.sring->req_prod);

        if (RING_REQUEST_PROD_OVERFLOW(&q->rx, prod))
            return -EPROTO;
        xen_rmb();
        if (prod - q->rx.req_cons >= need)
            return 0;
        /* Whatever the guest offers next is news. */
        q->rx.sring->req_event = prod + 1;
        xen_mb();
        if (XEN_RING_ONCE_(q->rx.sring->req_prod) == prod)
            break;
    }
    return -EAGAIN;
}

static uint16_t rx_flags(const struct net_offload *o)
{
    return o->checksum ? NETRXF_csum_blank | NETRXF_data_validated : 0;
}

static void put_response(struct net_queue *q, struct netif_rx_response rsp)
{
    *RING_GET_RESPONSE(&q->rx, q->rx.rsp_prod_pvt) = rsp;
    q->rx.rsp_prod_pvt++;
}

static void put_gso(struct net_queue *q, const struct net_offload *o)
{
    struct netif_extra_info extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

    extra.u.gso.size = o->gso_size;
    extra.u.gso.type = o->gso_type;
    memcpy(RING_GET_RESPONSE(&q->rx, q->rx.rsp_prod_pvt), &extra, sizeof(extra));
    q->rx.rsp_prod_pvt++;
}

int net_queue_give(struct net_queue *q, uint8_t *packet, size_t len, const struct net_offload *o)
{
    struct gntdev_copy_segment copy[NET_MAX_PACKET / PAGE + 1];
    struct netif_rx_request slot[NET_MAX_PACKET / PAGE + 2];
    unsigned int pages = (unsigned int)((len + PAGE - 1) / PAGE), n = 0;
    bool gso = o->gso_type != XEN_NETIF_GSO_TYPE_NONE;
    unsigned int slots = pages + gso;
    int notify, rc;

    if (len == 0 || len > NET_MAX_PACKET)
        return 0;
    rc = enough(q, slots);
    if (rc < 0)
        return rc;
    for (unsigned int i = 0; i < slots; i++) {
        RING_COPY_REQUEST(&q->rx, q->rx.req_cons + i, &slot[i]);
        if (gso && i == 1)
            continue; /* the extra info's place: its page is not used */
        size_t at = (size_t)n * PAGE, part = len - at < PAGE ? len - at : PAGE;

        copy[n++] = (struct gntdev_copy_segment){
            .from = {.local = packet + at},
            .to = {.grant = {slot[i].gref, 0, (uint16_t)q->b->domid}},
            .len = (uint16_t)part,
            .flags = GNTDEV_COPY_TO_GRANT,
        };
    }
    rc = gntdev_copy(q->b->grants, copy, n);
    q->rx.req_cons += slots;
    n = 0;
    for (unsigned int i = 0; i < slots; i++) {
        if (gso && i == 1) {
            put_gso(q, o);
            continue;
        }
        struct netif_rx_response rsp = {
            .id = slot[i].id,
            .status = rc < 0 ? NETIF_RSP_ERROR : (int16_t)copy[n].len,
        };
        rsp.flags = i == 0 ? rx_flags(o) : 0;
        if (i == 0 && gso)
            rsp.flags |= NETRXF_extra_info;
        if (++n < pages)
            rsp.flags |= NETRXF_more_data;
        put_response(q, rsp);
    }
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&q->rx, notify);
    if (notify)
        evtchn_notify(q->b->ev, (uint32_t)q->rx_port);
    return 0;
}

/* ---- opening ---- */

static int open_tx(struct net_queue *q, uint32_t ref, struct hl_error *e)
{
    struct netif_tx_sring *shared = gntdev_map(q->b->grants, q->b->domid, &ref, 1, e);

    if (shared == NULL)
        return -EIO;
    BACK_RING_ATTACH(&q->tx, shared, XEN_RING_ONCE_(shared->rsp_prod), PAGE);
    return 0;
}

static int open_rx(struct net_queue *q, uint32_t ref, struct hl_error *e)
{
    struct netif_rx_sring *shared = gntdev_map(q->b->grants, q->b->domid, &ref, 1, e);

    if (shared == NULL)
        return -EIO;
    BACK_RING_ATTACH(&q->rx, shared, XEN_RING_ONCE_(shared->rsp_prod), PAGE);
    return 0;
}

static int bind(struct net_queue *q, uint32_t remote, int *port, struct hl_error *e)
{
    *port = evtchn_bind_interdomain(q->b->ev, q->b->domid, remote, e);
    if (*port < 0)
        return *port;
    /* Answers of a predecessor that was killed may not have been announced. */
    evtchn_notify(q->b->ev, (uint32_t)*port);
    return 0;
}

int net_queue_open(struct net_queue *q, struct backend *b, const struct net_queue_nodes *nodes,
                   struct hl_error *e)
{
    *q = (struct net_queue){.b = b, .tx_port = -1, .rx_port = -1};
    int rc = open_tx(q, nodes->tx_ref, e);

    if (rc == 0)
        rc = open_rx(q, nodes->rx_ref, e);
    if (rc == 0)
        rc = bind(q, nodes->tx_port, &q->tx_port, e);
    if (rc == 0 && nodes->rx_port == nodes->tx_port)
        q->rx_port = q->tx_port;
    else if (rc == 0)
        rc = bind(q, nodes->rx_port, &q->rx_port, e);
    return rc;
}

void net_queue_close(struct net_queue *q)
{
    if (q->rx_port >= 0 && q->rx_port != q->tx_port)
        evtchn_unbind(q->b->ev, (uint32_t)q->rx_port);
    if (q->tx_port >= 0)
        evtchn_unbind(q->b->ev, (uint32_t)q->tx_port);
    if (q->rx.sring != NULL)
        gntdev_unmap(q->b->grants, q->rx.sring, 1);
    if (q->tx.sring != NULL)
        gntdev_unmap(q->b->grants, q->tx.sring, 1);
    *q = (struct net_queue){.tx_port = -1, .rx_port = -1};
}
