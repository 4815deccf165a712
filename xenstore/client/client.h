/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the client library share. */
#ifndef HOSPES_XENSTORE_CLIENT_PRIVATE_H
#define HOSPES_XENSTORE_CLIENT_PRIVATE_H

#include <sys/types.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/client/xs_client.h"

struct hs_pending {
    struct hs_pending *next;
    struct hs_event event; /* strings follow */
};

struct hs_set_watch {
    struct hs_set_watch *next;
    char *token;
    char path[];
};

struct hs_txn {
    uint32_t wire;       /* the daemon's number, 0: entry unused */
    uint32_t generation; /* of the connection that it belongs to */
};

struct hs {
    int fd;
    bool is_socket;
    unsigned int flags;
    uint32_t last_id;
    uint32_t generation;  /* counts connections */
    int wake_fd, poll_fd; /* see hs_fd() */
    struct hs_pending *events, **last_event;
    struct hs_set_watch *watches;
    struct hs_txn *txns;
    unsigned int ntxns;
    /* What was read together with the message before; nothing of it lies here while the caller waits on hs_fd(). */
    char in[2048];
    size_t in_at, in_end;
    /* A message that has come in part. */
    struct xsd_sockmsg hdr;
    char *body;
    size_t got; /* bytes of header and body together */
};

struct hs_part {
    const void *data;
    size_t len;
};

/* Sends one request and waits for its answer: a NUL-terminated allocation, or NULL with errno. The
 * answer's length goes to *len if len is not NULL. Events that come meanwhile are queued. */
char *hs_talk(struct hs *h, uint32_t type, hs_tx_t tx, const struct hs_part *parts, unsigned int n,
              size_t *len);

/* The same for one string, and where the answer is of no interest (0 or -1). */
char *hs_ask(struct hs *h, uint32_t type, hs_tx_t tx, const char *arg, size_t *len);
int hs_tell(struct hs *h, uint32_t type, hs_tx_t tx, const struct hs_part *parts, unsigned int n);

/* Reads what has come: 1 when an answer is complete (*reply; NULL for an error, its errno in *err), 0 when more must
 * come (never with `wait`), -1 when the connection is gone. Queues events. */
int hs_receive(struct hs *h, bool wait, char **reply, size_t *len, int *err);

/* The answers are there: makes events of what was read beyond them. */
void hs_take_rest(struct hs *h);

/* The number by which the daemon knows a transaction; false with its error in *err where it does not. */
bool hs_wire_txn(const struct hs *h, hs_tx_t tx, uint32_t *wire, int *err);

/* A list of permissions as a message has it. E2BIG: too long. */
int hs_perms_format(const struct hs_perm *perms, unsigned int n, char text[XENSTORE_PAYLOAD_MAX],
                    size_t *len);

/* Connects (again). 0 or -1. Waits for the daemon up to ten seconds if wait is set. */
int hs_connect(struct hs *h, bool wait);
void hs_disconnect(struct hs *h);

/* Waits for input or output on the connection: 1, or 0 at the time limit. */
int hs_poll(struct hs *h, short events, int timeout_ms);

/* Sends what the connection takes at once: how much, 0 if nothing, -1 if it is gone. */
ssize_t hs_send_some(struct hs *h, const void *data, size_t len);

#endif
