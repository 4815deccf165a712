/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One network interface: its port, its connection to a frontend, and the states in between. */
#ifndef PVB_NET_VIF_H
#define PVB_NET_VIF_H

#include "pv-backends/lib/backend.h"
#include "pv-backends/lib/states.h"
#include "pv-backends/net/port.h"
#include "pv-backends/net/queue.h"

#define NET_MAX_QUEUES 4u

struct vif {
    struct backend b;
    struct states states;
    bool user;             /* by its node "mode": no interface of Domain 0 */
    char name[32];         /* else this one */
    struct net_port *port; /* as the queues, NULL where it is not connected */
    unsigned int queues;
    struct net_queue queue[NET_MAX_QUEUES];
    bool sg,
        checksum6; /* the frontend takes packets of several pages; IPv6 with a blank checksum */

    /* The guest may send `rate` bytes in each `interval` (microseconds); 0: as much as it likes. */
    uint32_t rate, interval;
    int64_t credit;
    uint64_t filled; /* when: microseconds */

    /* A packet for the guest that had no room for it. */
    size_t held;
    struct net_offload held_offload;
    uint8_t held_packet[NET_MAX_PACKET];
};

/* Opens the device at `path` (…/backend/qnic/DOMID/DEVID) and offers it to the frontend; or goes on with the connection of an earlier backend.
 * Undone by vif_close(), also after a failure. */
int vif_open(struct vif *v, const char *path, struct hl_error *e);
void vif_close(struct vif *v);

/* Something changed in xenstore. False: the device is gone, its end has come. */
bool vif_changed(struct vif *v);

/* Moves packets, in both directions, until there is nothing to do but wait. The milliseconds after which there is more; -1: none. */
int vif_work(struct vif *v);

#endif
