/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a guest's packets go and come from: a TAP interface of Domain 0 (tap.c), or a network that exists in this process alone
 * (user.c: libslirp, connections of the guest become sockets of ours).
 */
#ifndef PVB_NET_PORT_H
#define PVB_NET_PORT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pv-backends/net/packet.h"

struct hl_error;

/* What the frontend takes without help. */
struct net_abilities {
    bool checksum, segments4, segments6;
};

#define NET_MAX_POLL 1024u

struct net_port {
    const struct net_port_kind *kind;
};

struct net_port_kind {
    bool offload; /* checksums may be blank, segments uncut, in both directions */

    /* Sends what the guest sent; whatever becomes of it, it is gone. */
    void (*send)(struct net_port *p, uint8_t *packet, size_t len, struct net_offload *o);
    /* The next packet for the guest, into NET_MAX_PACKET bytes. 0: there is none. */
    ssize_t (*receive)(struct net_port *p, uint8_t *packet, struct net_offload *o);
    /* Adds what to wait for, of `room` places; lessens *timeout (milliseconds, -1: for ever). The number added. `full`: the guest has no room,
     * so what comes in does not matter. */
    unsigned int (*wait)(struct net_port *p, struct pollfd *fds, unsigned int room, bool full,
                         int *timeout);
    /* After the wait. */
    void (*woken)(struct net_port *p, const struct pollfd *fds);
    void (*close)(struct net_port *p);
};

/* 0 or a negative errno with the record; undone by kind->close(). */
int tap_open(struct net_port **p, const char *name, struct net_abilities can, struct hl_error *e);
int user_open(struct net_port **p, struct hl_error *e);

#endif
