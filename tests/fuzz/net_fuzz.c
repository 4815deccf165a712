/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of hospes-net's rings and packets: requests, extra infos, indices and changes at any time, packets of any form in
 * both directions, and backends that follow one that was killed. What is copied stays within the guest's pages and
 * the packet; each request that was taken is answered once; what is said of a packet is within it.
 *
 *   input: steps of one byte each with what they need behind it
 */
#include <errno.h>

#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/linux_xen_ioctl.h"
#include "pv-backends/lib/backend.h"
#include "pv-backends/net/queue.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"

#define TX_REF 1u
#define RX_REF 2u
#define DATA   4u /* grants from here on are pages of data */
#define PAGES  8u

static _Alignas(4096) uint8_t rings[2][4096], data[PAGES][4096];
static struct input *feed;
static uint8_t packet[NET_MAX_PACKET];

/* ---- stand-ins ---- */

void *guest_pages(const uint32_t *refs, size_t count)
{
    FUZZ_CHECK(count == 1 && (refs[0] == TX_REF || refs[0] == RX_REF));
    return rings[refs[0] - TX_REF];
}

/* What Linux and the hypervisor check, and one that fails now and then. */
int gntdev_copy(struct gntdev *g, struct gntdev_copy_segment *segments, unsigned int count)
{
    int rc = in_u8(feed) % 16 ? 0 : -EIO;

    (void)g;
    for (unsigned int i = 0; i < count; i++) {
        struct gntdev_copy_segment *s = &segments[i];
        bool to = s->flags & GNTDEV_COPY_TO_GRANT;
        const struct gntdev_copy_page *grant = to ? &s->to : &s->from;
        uint8_t *local = to ? s->from.local : s->to.local;

        FUZZ_CHECK(s->flags == GNTDEV_COPY_TO_GRANT || s->flags == GNTDEV_COPY_FROM_GRANT);
        FUZZ_CHECK(grant->grant.domid == 1);
        FUZZ_CHECK(local >= packet && s->len <= packet + sizeof(packet) - local);
        FUZZ_CHECK(grant->grant.offset + s->len <= 4096);
        if (grant->grant.ref < DATA) {
            rc = -EIO;
            continue;
        }
        uint8_t *page = data[grant->grant.ref % PAGES] + grant->grant.offset;
        memcpy(to ? page : local, to ? local : page, s->len);
    }
    return rc;
}

/* ---- the guest ---- */

static struct netif_tx_sring *tx_ring(void)
{
    return (struct netif_tx_sring *)(void *)rings[0];
}

static struct netif_rx_sring *rx_ring(void)
{
    return (struct netif_rx_sring *)(void *)rings[1];
}

/* A request that is nearly good. */
static void put_request(struct net_queue *q)
{
    uint8_t form = in_u8(feed);
    struct netif_tx_request *req = RING_GET_REQUEST(&q->tx, q->tx.req_cons + in_u8(feed) % 24);

    *req = (struct netif_tx_request){.gref = DATA + form % PAGES,
                                     .offset = form % 3 ? 0 : (uint16_t)in_uint(feed, 2),
                                     .flags = (uint16_t)(in_u8(feed) % 16),
                                     .id = form,
                                     .size = (uint16_t)(form % 5 ? 60 + form : in_uint(feed, 2))};
}

static void put_extra(struct net_queue *q)
{
    struct netif_extra_info extra = {.type = in_u8(feed) % 6, .flags = in_u8(feed) % 4};

    extra.u.gso.size = (uint16_t)in_uint(feed, 2);
    extra.u.gso.type = in_u8(feed) % 4;
    memcpy(RING_GET_REQUEST(&q->tx, q->tx.req_cons + in_u8(feed) % 24), &extra, sizeof(extra));
}

/* Headers of Ethernet, IP and TCP or UDP, or nearly. */
static void put_headers(void)
{
    uint8_t *p = data[in_u8(feed) % PAGES], form = in_u8(feed);
    unsigned int ip = form & 1 ? 20 : 40;

    memset(p, 0, 14 + 60);
    p[12] = form & 1 ? 0x08 : 0x86;
    p[13] = form & 1 ? 0x00 : 0xdd;
    p[14] = form & 1 ? 0x45 : 0x60;
    p[14 + (form & 1 ? 9 : 6)] = form & 2 ? 6 : 17;
    p[14 + (form & 1 ? 3 : 5)] = in_u8(feed);
    p[14 + ip + 12] = 0x50;
    for (unsigned int n = form >> 6; n != 0; n--)
        p[in_u8(feed) % 80] = in_u8(feed);
}

/* ---- the backend ---- */

static void open_queue(struct net_queue *q, struct backend *b)
{
    const struct net_queue_nodes nodes = {TX_REF, RX_REF, 5, 5 + in_u8(feed) % 2};

    FUZZ_CHECK(net_queue_open(q, b, &nodes, NULL) == 0);
    FUZZ_CHECK(q->tx.rsp_prod_pvt == q->tx.req_cons && q->rx.rsp_prod_pvt == q->rx.req_cons);
}

static void check_offload(const struct net_offload *o, size_t len)
{
    FUZZ_CHECK(!o->checksum || (o->csum_start < o->csum_end && o->csum_end <= len &&
                                o->csum_start + o->csum_offset + 2u <= o->csum_end));
}

/* False: the ring is over. */
static bool take(struct net_queue *q)
{
    struct net_offload o;
    ssize_t n = net_queue_take(q, packet, &o);

    FUZZ_CHECK(n == 0 || n == -EAGAIN || n == -EPROTO ||
               (n >= (ssize_t)NET_MIN_PACKET && n <= (ssize_t)NET_MAX_PACKET));
    FUZZ_CHECK(q->tx.rsp_prod_pvt == q->tx.req_cons);
    if (n > 0) {
        check_offload(&o, (size_t)n);
        net_packet_flow(packet, (size_t)n);
        if (in_u8(feed) % 2)
            net_packet_complete(packet, (size_t)n, &o);
    }
    return n != -EPROTO;
}

static bool give(struct net_queue *q)
{
    size_t len = in_uint(feed, 2);
    struct net_offload o = {.gso_type = in_u8(feed) % 3, .gso_size = 1400};
    RING_IDX before = q->rx.req_cons;

    /* From another guest or the network: whatever it is, it is as long as that. */
    if (in_u8(feed) % 2 && len > 0)
        net_packet_blank(packet, len, o.gso_type != 0, &o);
    check_offload(&o, len);
    int rc = net_queue_give(q, packet, len, &o);

    FUZZ_CHECK(rc == 0 || rc == -EAGAIN || rc == -EPROTO);
    FUZZ_CHECK(q->rx.rsp_prod_pvt == q->rx.req_cons && q->rx.req_cons - before <= 18);
    return rc != -EPROTO;
}

static bool step(struct net_queue *q, struct backend *b)
{
    switch (in_u8(feed) % 12) {
    case 0:
    case 1: put_request(q); break;
    case 2: put_extra(q); break;
    case 3: put_headers(); break;
    case 4: tx_ring()->req_prod = q->tx.req_cons + in_u8(feed) % 24; break;
    case 5: tx_ring()->req_prod += in_u8(feed); break;
    case 6: rx_ring()->req_prod = q->rx.req_cons + in_u8(feed); break;
    case 7: rings[in_u8(feed) % 2][in_uint(feed, 2) % 4096] = in_u8(feed); break;
    case 8: /* killed, and followed by another; the guest may say what it likes of answers */
        net_queue_close(q);
        if (in_u8(feed) % 4 == 0)
            tx_ring()->rsp_prod = (uint32_t)in_uint(feed, 4);
        open_queue(q, b);
        break;
    case 9: return give(q);
    default: return take(q);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input in = {bytes, bytes + size};
    struct backend b = {.domid = 1};
    struct net_queue q;

    feed = &in;
    memset(rings, 0, sizeof(rings));
    memset(data, 0, sizeof(data));
    open_queue(&q, &b);
    while (in_left(&in) != 0 && step(&q, &b))
        ;
    net_queue_close(&q);
    FUZZ_CHECK(guest_mapped == 0);
    return 0;
}
