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
    int evtchn, gntdev, privcmd;
    void *bounce; /* a locked page for hypercall arguments */
};

struct xenif_page {
    void *addr;
    bool granted; /* through gntdev, at this index */
    uint64_t index;
};

/* Opens the devices; evtchn must be there, the others may be missing until they are needed. Undone
 * by xenif_close(). */
int xenif_open(struct xenif *x);
void xenif_close(struct xenif *x);

/* Maps a domain's xenstore page: by the grant that every builder leaves for it, else as the frame
 * gfn. Undone by xenif_unmap(), which also takes what was never mapped. */
int xenif_map(struct xenif *x, uint32_t domid, uint64_t gfn, struct xenif_page *page);
void xenif_unmap(struct xenif *x, struct xenif_page *page);

/* Domain 0's own page and port, as its kernel gives them. */
int xenif_map_own(struct xenif_page *page, uint32_t *port);

int xenif_bind(struct xenif *x, uint32_t domid, uint32_t remote_port, uint32_t *port);
int xenif_bind_virq(struct xenif *x, uint32_t virq, uint32_t *port);
void xenif_unbind(struct xenif *x, uint32_t port);
void xenif_notify(struct xenif *x, uint32_t port);

/* The ports that fired: up to max of them, 0 if none. Each stays masked until xenif_unmask(). */
int xenif_pending(struct xenif *x, uint32_t *ports, int max);
void xenif_unmask(struct xenif *x, uint32_t port);

/* How a domain is. An error means that it could not be asked. */
int xenif_domain_state(struct xenif *x, uint32_t domid, bool *alive, bool *is_shutdown);

#endif
