/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings of hospes-net, with this program as the guest: grants are pages of an array, events are counted. What comes out is
 * what went in, in both directions; indices that cannot be close the ring; and a guest that goes on offering nonsense gets no
 * more than its share of time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "dom0-toolstack/lib/linux_xen_ioctl.h"
#include "pv-backends/lib/backend.h"
#include "pv-backends/net/queue.h"
#include "tests/unit/toolstack_test.h"

#define GRANTS  64u
#define TX_RING 60u
#define RX_RING 61u
#define TX_PORT 5u
#define RX_PORT 6u

static uint8_t memory[GRANTS][4096] __attribute__((aligned(4096)));
static unsigned int rung[8], mapped;
static bool offer_more; /* each answer brings another request of nonsense */
static struct backend b = {.domid = 3};
static struct net_queue q;
static struct netif_tx_front_ring tx;
static struct netif_rx_front_ring rx;
static uint8_t packet[NET_MAX_PACKET], data[NET_MAX_PACKET];

/* ---- in place of the library ---- */

void *gntdev_map(struct gntdev *g, uint32_t domid, const uint32_t *refs, size_t count,
                 struct hl_error *e)
{
    (void)g;
    (void)e;
    if (domid != 3 || count != 1 || refs[0] >= GRANTS)
        return NULL;
    mapped++;
    return memory[refs[0]];
}

int gntdev_unmap(struct gntdev *g, void *p, size_t count)
{
    (void)g;
    (void)p;
    mapped -= (unsigned int)count;
    return 0;
}

int gntdev_copy(struct gntdev *g, struct gntdev_copy_segment *segments, unsigned int count)
{
    int rc = 0;

    (void)g;
    for (unsigned int i = 0; i < count; i++) {
        struct gntdev_copy_segment *s = &segments[i];
        bool out = s->flags == GNTDEV_COPY_TO_GRANT;
        struct gntdev_copy_page *grant = out ? &s->to : &s->from;

        if (grant->grant.ref >= GRANTS || grant->grant.domid != 3 ||
            grant->grant.offset + s->len > 4096) {
            rc = -EIO;
            continue;
        }
        uint8_t *there = memory[grant->grant.ref] + grant->grant.offset;

        memcpy(out ? there : s->to.local, out ? s->from.local : there, s->len);
    }
    return rc;
}

int evtchn_bind_interdomain(struct evtchn *ev, uint32_t domid, uint32_t remote, struct hl_error *e)
{
    (void)ev;
    (void)e;
    return domid == 3 ? (int)remote : -EINVAL;
}

int evtchn_unbind(struct evtchn *ev, uint32_t port)
{
    (void)ev;
    (void)port;
    return 0;
}

int evtchn_notify(struct evtchn *ev, uint32_t port)
{
    (void)ev;
    rung[port]++;
    if (offer_more) {
        tx.sring->rsp_event = tx.sring->rsp_prod + 1;
        tx.sring->req_prod++;
    }
    return 0;
}

/* ---- the guest ---- */

static bool begin(void)
{
    const struct net_queue_nodes nodes = {TX_RING, RX_RING, TX_PORT, RX_PORT};

    memset(memory, 0, sizeof(memory));
    memset(rung, 0, sizeof(rung));
    offer_more = false;
    XEN_FRONT_RING_INIT(&tx, (struct netif_tx_sring *)(void *)memory[TX_RING], 4096);
    XEN_FRONT_RING_INIT(&rx, (struct netif_rx_sring *)(void *)memory[RX_RING], 4096);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)test_random();
    return net_queue_open(&q, &b, &nodes, NULL) == 0;
}

static void send_request(uint32_t gref, unsigned int flags, unsigned int size)
{
    *RING_GET_REQUEST(&tx, tx.req_prod_pvt) = (struct netif_tx_request){
        gref, 0, (uint16_t)flags, (uint16_t)(tx.req_prod_pvt & 255), (uint16_t)size};
    tx.req_prod_pvt++;
}

static void push_tx(void)
{
    int notify;

    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&tx, notify);
    (void)notify;
}

static void offer_pages(unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        *RING_GET_REQUEST(&rx, rx.req_prod_pvt) =
            (struct netif_rx_request){(uint16_t)(rx.req_prod_pvt & 255), 0, i % 40};
        rx.req_prod_pvt++;
    }
    rx.sring->req_prod = rx.req_prod_pvt;
}

/* ---- tests ---- */

static void from_guest(void)
{
    struct net_offload o;

    CHECK(begin());
    memcpy(memory[1], data, 4096);
    memcpy(memory[2], data + 4096, 4096);
    memcpy(memory[3], data + 8192, 100);
    CHECK(net_queue_take(&q, packet, &o) == 0);
    CHECK(tx.sring->req_event == 1); /* it wants to hear of the first */
    send_request(1, NETTXF_more_data, 8292);
    send_request(2, NETTXF_more_data, 4096);
    push_tx();
    CHECK(net_queue_take(&q, packet, &o) == 0); /* not complete */
    send_request(3, 0, 100);
    send_request(9, 0, 5000); /* none */
    send_request(GRANTS, 0, 100);
    send_request(1, 0, 60);
    push_tx();
    rung[TX_PORT] = 0;
    CHECK(net_queue_take(&q, packet, &o) == 8292 && memcmp(packet, data, 8292) == 0);
    CHECK(!o.checksum && o.gso_type == XEN_NETIF_GSO_TYPE_NONE && rung[TX_PORT] == 1);
    CHECK(net_queue_take(&q, packet, &o) == 60 && memcmp(packet, data, 60) == 0);
    CHECK(tx.sring->rsp_prod == 6);
    for (unsigned int i = 0; i < 6; i++) {
        const struct netif_tx_response *r = RING_GET_RESPONSE(&tx, i);

        CHECK(r->id == i && r->status == (i == 3 || i == 4 ? NETIF_RSP_ERROR : NETIF_RSP_OKAY));
    }
    CHECK(net_queue_take(&q, packet, &o) == 0);
    net_queue_close(&q);
    CHECK(mapped == 0);
}

static void to_guest(void)
{
    struct net_offload o = {
        .checksum = true, .gso_type = XEN_NETIF_GSO_TYPE_TCPV6, .gso_size = 1400};
    struct netif_extra_info extra;

    CHECK(begin());
    CHECK(net_queue_give(&q, data, 9000, &o) == -EAGAIN && rx.sring->req_event == 1);
    offer_pages(3);
    CHECK(net_queue_give(&q, data, 9000, &o) == -EAGAIN && rx.sring->req_event == 4);
    offer_pages(30);
    rung[RX_PORT] = 0;
    CHECK(net_queue_give(&q, data, 9000, &o) == 0 && rx.sring->rsp_prod == 4 && rung[RX_PORT] == 1);
    for (unsigned int i = 0, at = 0; i < 4; i++) {
        const struct netif_rx_response *r = RING_GET_RESPONSE(&rx, i);
        unsigned int gref = i < 3 ? i : 0, size = at + 4096 < 9000 ? 4096 : 9000 - at;

        if (i == 1)
            continue;
        CHECK(r->id == i && r->offset == 0 && r->status == (int)size);
        CHECK(!(r->flags & NETRXF_more_data) == (i == 3));
        CHECK(!(r->flags & NETRXF_extra_info) == (i != 0));
        CHECK(!(r->flags & NETRXF_csum_blank) == (i != 0));
        CHECK(memcmp(memory[gref], data + at, size) == 0 || gref == 0);
        at += size;
    }
    memcpy(&extra, RING_GET_RESPONSE(&rx, 1), sizeof(extra));
    CHECK(extra.type == XEN_NETIF_EXTRA_TYPE_GSO && extra.flags == 0 && extra.u.gso.size == 1400);
    CHECK(extra.u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6);
    /* A page that is none loses the packet, and nothing else. */
    RING_GET_REQUEST(&rx, 4)->gref = GRANTS;
    o = (struct net_offload){.checksum = false};
    CHECK(net_queue_give(&q, data, 100, &o) == 0);
    CHECK(RING_GET_RESPONSE(&rx, 4)->status == NETIF_RSP_ERROR);
    CHECK(net_queue_give(&q, data, 4096, &o) == 0);
    CHECK(RING_GET_RESPONSE(&rx, 5)->status == 4096 && RING_GET_RESPONSE(&rx, 5)->flags == 0);
    net_queue_close(&q);
}

/* The next program begins where the one that was killed had answered. */
static void taken_up(void)
{
    const struct net_queue_nodes nodes = {TX_RING, RX_RING, TX_PORT, TX_PORT};
    struct net_offload o = {.checksum = false};

    CHECK(begin());
    offer_pages(2);
    for (unsigned int i = 0; i < 300; i++) {
        memcpy(memory[1], data + i, 60);
        send_request(1, 0, 60);
        push_tx();
        if (i % 7 == 0) {
            net_queue_close(&q);
            CHECK(net_queue_open(&q, &b, &nodes, NULL) == 0 && q.rx_port == q.tx_port);
        }
        CHECK(net_queue_take(&q, packet, &o) == 60 && memcmp(packet, data + i, 60) == 0);
        CHECK(RING_GET_RESPONSE(&tx, i)->id == (i & 255));
        tx.rsp_cons++;
    }
    CHECK(net_queue_give(&q, data, 60, &o) == 0 && net_queue_give(&q, data, 60, &o) == 0);
    net_queue_close(&q);
    CHECK(net_queue_open(&q, &b, &nodes, NULL) == 0);
    CHECK(net_queue_give(&q, data, 60, &o) == -EAGAIN);
    net_queue_close(&q);
}

static void hostile(void)
{
    struct net_offload o = {.checksum = false};
    unsigned int calls = 0;

    CHECK(begin());
    tx.sring->req_prod = 257;
    rx.sring->req_prod = (RING_IDX)-1;
    CHECK(net_queue_take(&q, packet, &o) == -EPROTO);
    CHECK(net_queue_give(&q, data, 60, &o) == -EPROTO);
    net_queue_close(&q);
    /* The whole ring is one packet. */
    CHECK(begin());
    for (unsigned int i = 0; i < 256; i++)
        send_request(1, NETTXF_more_data, 1);
    push_tx();
    CHECK(net_queue_take(&q, packet, &o) == -EPROTO);
    net_queue_close(&q);
    /* Nonsense without an end. */
    CHECK(begin());
    send_request(1, 0, 0);
    push_tx();
    tx.sring->rsp_event = 1;
    offer_more = true;
    for (; calls < 10; calls++) {
        CHECK(net_queue_take(&q, packet, &o) == -EAGAIN);
        CHECK(rung[TX_PORT] > 256 * calls);
    }
    net_queue_close(&q);
}

int main(void)
{
    static const struct test tests[] = {
        {"from_guest", from_guest},
        {"to_guest", to_guest},
        {"taken_up", taken_up},
        {"hostile", hostile},
    };

    return test_run("net_queue", tests, sizeof(tests) / sizeof(tests[0]));
}
