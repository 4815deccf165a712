/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocol of a ring page, and nothing of how the page got here: tests run it on ordinary
 * memory.
 *
 * The guest owns the page and may write anything into it at any time. Each index is read once and
 * checked; our own indices are kept here and only written out; a request is copied before it is
 * looked at. A ring that breaks the rules is closed with a code in its error field, and works again
 * when the guest asks for a reconnection or is introduced anew.
 *
 * Surviving a kill. The page outlives us, so the order of steps matters:
 *   - A request stays in the ring (req_cons is not moved) until its changes are in the journal and
 *     its answer is in the ring, or in the journal if the ring has no room. The answer becomes
 *     visible at once (rsp_prod moves over whole messages) except when it is larger than the room.
 *   - Bytes that leave the ring before the request is complete are in the journal first.
 * With the journal's last word about a ring ("consumed up to here, these bytes are on their way out
 * from this position") and the page's indices, a new process knows exactly what was done.
 */
#ifndef HOSPES_XENSTORE_RING_H
#define HOSPES_XENSTORE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/mem.h"

struct conn;

/* What the journal knows of a ring, collected while it is read. */
struct ring_memory {
    bool known;
    uint32_t cons;      /* consumed at least up to here */
    uint32_t out_start; /* position of the first byte of out */
    struct buf out;
    uint32_t in_end; /* position behind the last byte of in */
    struct buf in;   /* of an incomplete request */
};

struct ring {
    struct conn *conn;
    struct xenstore_domain_interface *page;
    uint32_t req_cons, rsp_prod;
    bool dead;
    bool notify;         /* something changed that the guest must be told of */
    uint32_t kept_until; /* output up to this position needs no more journal */
    uint32_t in_got;     /* bytes of the request at hand that have left the ring */
    uint32_t in_need;    /* while a request is handled: the bytes of it still in the ring */
    unsigned char in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
};

/* Starts serving a page from the indices that it has. With memory (of before a restart; may be
 * NULL), goes on where the last process was stopped. */
void ring_attach(struct ring *r, struct conn *c, struct xenstore_domain_interface *page,
                 const struct ring_memory *m);

/* Handles up to budget requests and sends what can be sent. True if there is more to do at once. */
bool ring_service(struct ring *r, unsigned int budget);

/* Sends what can be sent. */
void ring_flush(struct ring *r);

/* Empties the ring and forgets everything about the connection (the guest's wish). */
void ring_reset(struct ring *r);

/* Adds an entry for output that nobody has yet; called within a request (for the batch of its
 * changes) and where the ring has no room. */
void ring_keep(struct ring *r, struct buf *b);

/* Adds all that a new process must know. */
void ring_snapshot(struct ring *r, struct buf *b);

/* Takes in an entry of the journal: 'i' or 'o' (without the domid in front). False: damaged. */
bool ring_remember(struct ring_memory *m, uint8_t code, const void *data, size_t len);
void ring_forget(struct ring_memory *m);

#endif
