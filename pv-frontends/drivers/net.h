/* SPDX-License-Identifier: MIT */
/*
 * A network frontend (hypercalls/abi/io-netif.h): one queue, frames of one page, copied by the backend. Frames are whole:
 * the backend is told to finish checksums and to cut nothing together.
 *
 * For one caller at a time (the boot vCPU), one device at a time.
 */
#ifndef DRIVERS_NET_H
#define DRIVERS_NET_H

#include "drivers/front.h"
#include "hypercalls/abi/io-netif.h"

#define NET_MAX_FRAME 1514u
#define NET_TX_PAGES  32 /* frames on their way out at once */
#define NET_RX_PAGES  64 /* room for frames that come */

/* A page with its grant; the id of its requests is its place in the array. */
struct net_buffer {
    char *page;
    grant_ref_t ref;
    bool busy;
};

struct net_device {
    struct front front;
    unsigned long id;
    uint8_t mac[6];
    struct netif_tx_front_ring tx;
    struct netif_rx_front_ring rx;
    grant_ref_t tx_ref, rx_ref;
    evtchn_port_t port;
    struct net_buffer out[NET_TX_PAGES], in[NET_RX_PAGES];
};

/* Connects to vif `id`. Undone by net_close(). -XEN_ENOENT: no such device; -XEN_EIO: the backend did not connect. */
long net_open(struct net_device *n, unsigned long id);
/* False: the backend keeps a grant, whose page is then never used again. */
bool net_close(struct net_device *n);

/* Sends a frame of up to NET_MAX_FRAME bytes. -XEN_EAGAIN: no room, wait; -XEN_EINVAL: too long. */
long net_send(struct net_device *n, const void *frame, size_t length);
/* The next frame that came, cut at `size`: its length. 0: none. Takes the answers to what was sent, too. */
size_t net_receive(struct net_device *n, void *frame, size_t size);
/* Waits for a frame, or for room. False at the deadline (system time, 0: never). */
bool net_wait(struct net_device *n, uint64_t deadline);

#endif
