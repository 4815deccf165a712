/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor as seen from Domain 0: ring pages, event channels, states of domains. All through
 * Linux's devices below /dev/xen. Functions return 0 or a positive errno.
 */
#ifndef HOSPES_XENSTORE_XENIF_H
#define HOSPES_XENSTORE_XENIF_H

#include <stdbool.h>
#include <stdint.h>

struct xenif {
    int gntdev, privcmd;
    void *bounce; /* a locked page for hypercall arguments */
};

/* One of our ports, and a descriptor that can be read from when it fires.
 * Each has a descriptor of its own: with several ports on one, Linux 6.1 loses the wake-up of who waits
 * for it. Its interrupt handler looks whether the ring of fired ports was empty before it puts a port
 * in (drivers/xen/evtchn.c); when the reader takes what else is in there between the two, nobody is
 * told of the new port, nor of any after it. With one port nothing fires before it was read. */
struct xenif_port {
    int fd; /* -1: not bound */
    uint32_t number;
};

struct xenif_page {
    void *addr;
    bool granted; /* through gntdev, at this index */
    uint64_t index;
};

/* Sees whether there is a hypervisor (evtchn must be there; the other devices may be missing until they are
 * needed). Undone by xenif_close(). */
int xenif_open(struct xenif *x);
void xenif_close(struct xenif *x);

/* Maps a domain's xenstore page: by the grant that every builder leaves for it, else as the frame
 * gfn. Undone by xenif_unmap(), which also takes what was never mapped. */
int xenif_map(struct xenif *x, uint32_t domid, uint64_t gfn, struct xenif_page *page);
void xenif_unmap(struct xenif *x, struct xenif_page *page);

/* Domain 0's own page and port, as its kernel gives them. */
int xenif_map_own(struct xenif_page *page, uint32_t *port);

/* Undone by xenif_unbind(), which also takes what is not bound. */
int xenif_bind(uint32_t domid, uint32_t remote_port, struct xenif_port *port);
int xenif_bind_virq(uint32_t virq, struct xenif_port *port);
void xenif_unbind(struct xenif_port *port);
void xenif_notify(const struct xenif_port *port);

/* Whether it has fired since the last call. If so it may fire again. */
bool xenif_take(struct xenif_port *port);

/* How a domain is. An error means that it could not be asked. */
int xenif_domain_state(struct xenif *x, uint32_t domid, bool *alive, bool *is_shutdown);

#endif
