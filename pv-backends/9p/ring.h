/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ring of a shared folder: two rings of bytes, requests to us ("out") and answers ("in"), in memory that the guest may
 * change at any time. A message is copied once; indices that cannot be stop the device.
 *
 * A request is taken off its ring when its answer stands in the other: after the process was killed the next one does it
 * again.
 */
#ifndef PVB_9P_RING_H
#define PVB_9P_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "pv-backends/9p/server.h"

#define P9_MAX_ORDER 7u /* pages of a ring, of both directions together */
#define P9_MIN_ORDER 1u

struct backend;
struct hl_error;
struct xen_9pfs_data_intf;

struct p9_ring {
    struct backend *b;
    struct xen_9pfs_data_intf *intf;
    unsigned char *data; /* in, and behind it out */
    unsigned int order;
    uint32_t size; /* bytes of each direction */
    int port;
    uint32_t out_cons,
        in_prod;       /* ours: what the guest makes of them in shared memory does not count */
    uint32_t taken;    /* bytes of the request that is being answered */
    uint32_t answered; /* bytes of an answer that has no room yet; 0: none */
    uint8_t *message, *answer;
};

/* Maps it and binds the channel. Undone by p9_ring_close(), also after a failure. */
int p9_ring_open(struct p9_ring *r, struct backend *b, uint32_t ref, uint32_t port,
                 struct hl_error *e);
void p9_ring_close(struct p9_ring *r);

/* Answers what there is. 0: all, or no room; 1: there is more, call again; -EPROTO: the ring is broken. */
int p9_ring_work(struct p9_ring *r, struct p9_server *s);

#endif
