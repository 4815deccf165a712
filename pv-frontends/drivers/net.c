/* SPDX-License-Identifier: MIT */
/* The network frontend: connection first, then frames. */
#include "drivers/net.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/memory.h"
#include "kit/string.h"
#include "hypercalls/abi/errno.h"

#define NO_GRANT 0

static char tx_page[PAGE_SIZE] __attribute__((aligned(4096)));
static char rx_page[PAGE_SIZE] __attribute__((aligned(4096)));

/* ---- connection ---- */

/* "00:16:3e:01:02:03" */
static bool parse_mac(const char *text, uint8_t mac[6])
{
    for (unsigned int i = 0; i < 12; i++) {
        char c = *text++;
        unsigned int digit = c >= '0' && c <= '9'   ? (unsigned int)(c - '0')
                             : c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a' + 10)
                             : c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A' + 10)
                                                    : 99;
        if (digit == 99) {
            return false;
        }
        mac[i / 2] = (uint8_t)(mac[i / 2] << 4 | digit);
        if (i % 2 == 1 && i != 11 && *text++ != ':') {
            return false;
        }
    }
    return *text == '\0';
}

static long read_mac(struct net_device *n)
{
    char path[STORE_PATH_MAX], text[32];
    long rc =
        store_read(0, store_path(path, sizeof(path), n->front.path, "mac"), text, sizeof(text));

    return rc < 0 ? rc : parse_mac(text, n->mac) ? 0 : -XEN_EINVAL;
}

static void make_buffers(struct net_device *n, struct net_buffer *buffers, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        buffers[i].page = page_alloc_zeroed();
        buffers[i].ref = front_grant(&n->front, buffers[i].page);
    }
}

/* Gives a page to the backend to be filled. */
static void offer(struct net_device *n, unsigned int i)
{
    *RING_GET_REQUEST(&n->rx, n->rx.req_prod_pvt) =
        (struct netif_rx_request){.id = (uint16_t)i, .gref = n->in[i].ref};
    n->rx.req_prod_pvt++;
}

static long make_rings(struct net_device *n)
{
    memset(tx_page, 0, PAGE_SIZE);
    memset(rx_page, 0, PAGE_SIZE);
    XEN_FRONT_RING_INIT(&n->tx, (struct netif_tx_sring *)tx_page, PAGE_SIZE);
    XEN_FRONT_RING_INIT(&n->rx, (struct netif_rx_sring *)rx_page, PAGE_SIZE);
    n->tx_ref = front_grant(&n->front, tx_page);
    n->rx_ref = front_grant(&n->front, rx_page);
    make_buffers(n, n->out, NET_TX_PAGES);
    make_buffers(n, n->in, NET_RX_PAGES);
    for (unsigned int i = 0; i < NET_RX_PAGES; i++) {
        offer(n, i);
    }
    RING_PUSH_REQUESTS(&n->rx);
    long port = front_channel(&n->front);
    if (port < 0) {
        return port;
    }
    n->port = (evtchn_port_t)port;
    return 0;
}

static long publish(struct net_device *n)
{
    const struct {
        const char *name;
        unsigned int value;
    } nodes[] = {
        {"tx-ring-ref", n->tx_ref},     {"rx-ring-ref", n->rx_ref}, {"event-channel", n->port},
        {"request-rx-copy", 1},         {"feature-rx-notify", 1},   {"feature-sg", 0},
        {"feature-no-csum-offload", 1}, {"feature-gso-tcpv4", 0},
    };
    long rc = 0;

    for (unsigned int i = 0; rc == 0 && i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        rc = front_write(&n->front, nodes[i].name, "%u", nodes[i].value);
    }
    return rc;
}

/* A network backend, unlike others, waits for Connected. */
static long connect(struct net_device *n)
{
    long rc = make_rings(n);

    if (rc == 0) {
        rc = publish(n);
    }
    if (rc == 0) {
        rc = front_set_state(&n->front, XenbusStateConnected);
    }
    if (rc == 0 && !front_wait_backend(&n->front, FRONT_STATE(XenbusStateConnected), FRONT_GONE)) {
        rc = -XEN_EIO;
    }
    return rc;
}

long net_open(struct net_device *n, unsigned long id)
{
    memset(n, 0, sizeof(*n));
    n->id = id;
    long rc = front_open(&n->front, "vif", id);
    if (rc == 0) {
        rc = read_mac(n);
    }
    if (rc < 0) {
        return rc;
    }
    if (!front_begin(&n->front)) {
        return -XEN_EIO;
    }
    rc = connect(n);
    if (rc < 0) {
        net_close(n);
    }
    return rc;
}

static bool take_back(struct net_buffer *buffers, unsigned int count)
{
    bool all = true;

    for (unsigned int i = 0; i < count; i++) {
        if (buffers[i].page != NULL && grant_free(buffers[i].ref)) {
            page_free(buffers[i].page);
        } else if (buffers[i].page != NULL) {
            all = false;
        }
        buffers[i].page = NULL;
    }
    return all;
}

bool net_close(struct net_device *n)
{
    front_close(&n->front);
    if (n->port != 0) {
        event_close(n->port);
    }
    bool all = take_back(n->out, NET_TX_PAGES);
    all &= take_back(n->in, NET_RX_PAGES);
    all &= n->tx_ref == NO_GRANT || grant_free(n->tx_ref);
    all &= n->rx_ref == NO_GRANT || grant_free(n->rx_ref);
    n->port = 0;
    n->tx_ref = n->rx_ref = NO_GRANT;
    return all;
}

/* ---- frames ---- */

static void take_answers(struct net_device *n)
{
    struct netif_tx_response rsp;

    while (RING_HAS_UNCONSUMED_RESPONSES(&n->tx)) {
        xen_rmb(); /* the index before the response */
        RING_COPY_RESPONSE(&n->tx, n->tx.rsp_cons, &rsp);
        n->tx.rsp_cons++;
        if (rsp.status == NETIF_RSP_NULL) {
            continue;
        }
        if (rsp.id >= NET_TX_PAGES || !n->out[rsp.id].busy) {
            kit_panic("net: an answer to nothing, id %u", rsp.id);
        }
        n->out[rsp.id].busy = false;
    }
}

long net_send(struct net_device *n, const void *frame, size_t length)
{
    unsigned int i = 0;
    int notify;

    if (length == 0 || length > NET_MAX_FRAME) {
        return -XEN_EINVAL;
    }
    take_answers(n);
    while (i < NET_TX_PAGES && n->out[i].busy) {
        i++;
    }
    if (i == NET_TX_PAGES || RING_FULL(&n->tx)) {
        return -XEN_EAGAIN;
    }
    memcpy(n->out[i].page, frame, length);
    n->out[i].busy = true;
    *RING_GET_REQUEST(&n->tx, n->tx.req_prod_pvt) = (struct netif_tx_request){
        .gref = n->out[i].ref, .id = (uint16_t)i, .size = (uint16_t)length};
    n->tx.req_prod_pvt++;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&n->tx, notify);
    if (notify) {
        event_send(n->port);
    }
    return 0;
}

/* Frames of several slots, which were not asked for, and those that failed are dropped. */
size_t net_receive(struct net_device *n, void *frame, size_t size)
{
    struct netif_rx_response rsp;
    size_t length = 0;
    int notify;

    take_answers(n);
    while (length == 0 && RING_HAS_UNCONSUMED_RESPONSES(&n->rx)) {
        xen_rmb(); /* the index before the response */
        RING_COPY_RESPONSE(&n->rx, n->rx.rsp_cons, &rsp);
        n->rx.rsp_cons++;
        if (rsp.id >= NET_RX_PAGES || rsp.offset > PAGE_SIZE ||
            (rsp.status > 0 && (unsigned int)rsp.status > PAGE_SIZE - rsp.offset)) {
            kit_panic("net: a frame that cannot be, id %u", rsp.id);
        }
        if (rsp.status > 0 && !(rsp.flags & (NETRXF_more_data | NETRXF_extra_info))) {
            length = (size_t)rsp.status < size ? (size_t)rsp.status : size;
            memcpy(frame, n->in[rsp.id].page + rsp.offset, length);
        }
        offer(n, rsp.id);
        RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&n->rx, notify);
        if (notify) {
            event_send(n->port);
        }
    }
    return length;
}

bool net_wait(struct net_device *n, uint64_t deadline)
{
    int in, out;

    for (;;) {
        RING_FINAL_CHECK_FOR_RESPONSES(&n->rx, in);
        RING_FINAL_CHECK_FOR_RESPONSES(&n->tx, out);
        if (in || out) {
            return true;
        }
        if (!event_wait(&n->port, 1, deadline)) {
            return false;
        }
        event_clear(n->port);
    }
}
