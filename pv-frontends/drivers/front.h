/* SPDX-License-Identifier: MIT */
/*
 * What all frontends have in common: a place in xenstore (device/CLASS/ID), a backend, shared pages,
 * event channels, and the states through which both sides go (hypercalls/abi/io-xenbus.h):
 *
 *   frontend   Initialising ─ writes its details ─► Initialised ─► Connected ─► Closing ─► Closed
 *   backend    Initialising ─► InitWait ─────────────────────────► Connected ─► Closing ─► Closed
 */
#ifndef DRIVERS_FRONT_H
#define DRIVERS_FRONT_H

#include "drivers/store.h"
#include "hypercalls/abi/io-xenbus.h"

#define FRONT_WAIT 120000000000ull /* nanoseconds that a peer may take to answer */

struct front {
    char path[64]; /* device/CLASS/ID */
    char backend[STORE_PATH_MAX];
    domid_t backend_id;
};

/* The id of the class's n-th device (0, 1 ...), in the store's order; -XEN_ENOENT: there are not so many. */
long front_find(const char *class, unsigned int n);

/* Looks the device up. -XEN_ENOENT: there is none. */
long front_open(struct front *f, const char *class, unsigned long id);

/* Nodes of ours and of the backend's. A number that is missing is `otherwise`. */
__attribute__((format(printf, 3, 4))) long front_write(struct front *f, const char *name,
                                                       const char *format, ...);
long front_remove(struct front *f, const char *name);
unsigned long front_backend_number(struct front *f, const char *name, unsigned long otherwise);
long front_backend_text(struct front *f, const char *name, char *value, size_t size);

long front_set_state(struct front *f, enum xenbus_state state);
enum xenbus_state front_backend_state(struct front *f);
/* Waits until the backend is in one of the states, a mask of FRONT_STATE()s. False when it is in one of `lost` before, or
 * after FRONT_WAIT. */
#define FRONT_STATE(s) (1u << (s))
#define FRONT_GONE                                                       \
    (FRONT_STATE(XenbusStateUnknown) | FRONT_STATE(XenbusStateClosing) | \
     FRONT_STATE(XenbusStateClosed))
bool front_wait_backend(struct front *f, unsigned int states, unsigned int lost);

/* Initialising, also after an earlier end, until the backend waits for details. */
bool front_begin(struct front *f);

/* Grants a page to the backend, writable. */
unsigned int front_grant(struct front *f, const void *page);
/* A channel for the backend to bind, masked. */
long front_channel(struct front *f);

/* Goes through Closing to Closed, and waits for the backend. What was granted can be taken back then. */
void front_close(struct front *f);

#endif
