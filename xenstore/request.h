/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages of the protocol: one table says what each is and who may send it. */
#ifndef HOSPES_XENSTORE_REQUEST_H
#define HOSPES_XENSTORE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xenstore/mem.h"

struct conn;
struct txn;
struct xsd_sockmsg;

/* A request being handled: everything that a handler may look at. */
struct request {
    struct conn *conn;
    struct txn *txn;
    uint32_t type, req_id, tx_id;
    const char *data; /* the payload */
    uint32_t len;
    struct buf reply; /* what the handler answers */
    char *paths[2];   /* scratch for absolute paths, freed at the end */
};

/* Handles one whole message (hdr->len bytes of payload, at most XENSTORE_PAYLOAD_MAX) and queues its
 * answer. Changes are in the journal, and events queued, when this returns. */
void request_handle(struct conn *c, const struct xsd_sockmsg *hdr, const void *payload);

/* The name of a message type for traces. */
const char *request_name(uint32_t type);

/* The NUL-terminated strings of a payload: their number, up to max of them in out; -1 if the last
 * one does not end or there are more. */
int request_strings(const struct request *r, const char **out, int max);

/* The handler of CONTROL (control.c). */
int handle_control(struct request *r);

#endif
