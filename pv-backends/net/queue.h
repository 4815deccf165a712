/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair of rings: packets from the guest, packets to it. Data is copied by the hypervisor.
 *
 * A ring's place in shared memory is enough to go on after a backend was killed: what was taken and not answered is taken again,
 * and a network bears a packet that comes twice.
 */
#ifndef PVB_NET_QUEUE_H
#define PVB_NET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hypercalls/abi/io-netif.h"
#include "pv-backends/net/packet.h"

struct backend;
struct hl_error;

struct net_queue {
    struct backend *b;
    struct netif_tx_back_ring tx;
    struct netif_rx_back_ring rx;
    int tx_port, rx_port; /* the same one where the frontend has no two; -1 */
};

struct net_queue_nodes {
    uint32_t tx_ref, rx_ref, tx_port, rx_port; /* the frontend's; ports may be the same */
};

/* Undone by net_queue_close(), also after a failure. */
int net_queue_open(struct net_queue *q, struct backend *b, const struct net_queue_nodes *nodes,
                   struct hl_error *e);
void net_queue_close(struct net_queue *q);

/* Copies the guest's next packet to `packet`, which has NET_MAX_PACKET bytes, and answers it. Its length; 0: there is none, and
 * the guest rings for the next; -EAGAIN: packets that are none were dropped, a ring full of them: there may be more; -EPROTO: the
 * ring's index cannot be. */
ssize_t net_queue_take(struct net_queue *q, uint8_t *packet, struct net_offload *o);

/* Gives the guest a packet. 0, also when the guest offered bad pages (then it is lost); -EAGAIN: it offers too few, and rings
 * when there are more; -EPROTO as above. */
int net_queue_give(struct net_queue *q, uint8_t *packet, size_t len, const struct net_offload *o);

#endif
