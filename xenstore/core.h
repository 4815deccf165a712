/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon without its input and output: one tree, the domains, the connections and what they
 * watch. A transport feeds it whole messages with request_handle() and sends what conn_out_peek()
 * offers; everything else it wants from the world goes through struct core_ops.
 *
 * Single-threaded; nothing here blocks. Errors between the modules are positive errno values, as the
 * protocol sends them (store.h alone returns negative ones).
 */
#ifndef HOSPES_XENSTORE_CORE_H
#define HOSPES_XENSTORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "xenstore/mem.h"
#include "xenstore/quota.h"
#include "xenstore/store.h"

struct conn;
struct core;
struct domain;
struct msg;
struct txn;
struct watch;

struct core_ops {
    /* A domain becomes known: map its ring and bind its event channel. 0 or an errno. Called again
     * for a known domain whose gfn or port was given anew, and by a restart for the domains of old
     * (the connection then keeps what the ring holds). */
    int (*introduce)(void *arg, struct domain *d);
    /* The reverse. The domain's connection is still there, and goes when this returns. */
    void (*release)(void *arg, struct domain *d);
    /* A batch of changes to keep (journal.h); called before anybody can see them. The transport may
     * add entries of its own first. b->failed: changes were lost for want of memory, only a new
     * snapshot of everything is right again. */
    void (*journal)(void *arg, struct buf *b);
    /* The connection has output. */
    void (*wake)(void *arg, struct conn *c);
    /* One line for the log, without a newline. */
    void (*log)(void *arg, const char *line);
    /* Commands of CONTROL that concern the process: 0 with the answer in reply, or an errno (ENOSYS
     * if it is none of them). */
    int (*control)(void *arg, const char *const *args, unsigned int n, struct buf *reply);
    /* An entry of the journal that the transport wrote (code: a lower-case letter). */
    void (*replay)(void *arg, uint8_t code, const void *data, size_t len);
    /* Seconds of a clock that only goes forward. */
    uint64_t (*now)(void *arg);
};

/* All that is known about one domain, kept while anything of it is: a connection or nodes. */
struct domain {
    struct core *core;
    struct domain *next; /* hash chain */
    uint32_t domid;
    uint32_t target; /* the domain whose rights this one has as well, or DOMAIN_NONE */
    bool introduced;
    bool shutdown; /* its shutdown has been announced by @releaseDomain */
    uint64_t gfn;
    uint32_t port;     /* the domain's end of the event channel */
    struct conn *conn; /* while introduced */
    struct usage use;
    struct quota_set quota;
    void *transport;
};

#define DOMAIN_NONE (~0u)

/* A message on its way out, with its header. */
struct msg {
    struct msg *next;
    struct msg *chain; /* of the connection's index, if it is an event */
    uint32_t len, hash;
    bool event;
    unsigned char data[];
};

struct conn {
    struct core *core;
    struct conn *prev, *next;
    struct domain *domain; /* NULL for sockets */
    uint32_t domid;
    uint32_t id; /* for the log: unique as long as the daemon runs */
    bool privileged, readonly;
    bool broken; /* cannot go on (an answer was lost): the transport must close it */
    struct watch *watches, *last_watch;
    struct txn *txns;
    struct usage local; /* of sockets; a domain's is in its struct domain */
    struct msg *out, *out_last;
    uint32_t out_done;             /* bytes of the first message that are gone */
    uint32_t out_count, out_bytes; /* messages, and bytes still to be sent */
    /* All events that wait, by their hash. NULL: few, or without memory for it; the queue is searched. */
    struct msg **index;
    uint32_t index_size, out_events; /* chains (a power of two), events that wait */
    void *transport;
};

#define CORE_HASH 1024 /* a power of two */

struct core {
    const struct core_ops *ops;
    void *arg;
    struct node *root;
    struct node *special; /* "@name" is the child "name": only its permissions are used */
    uint64_t gen;         /* the last generation given out */
    uint32_t last_tx, last_conn;
    uint32_t hash_key; /* guests choose what is hashed, and must not choose what falls together */
    struct domain *domains[CORE_HASH];
    struct watch *watches[CORE_HASH];
    struct conn *conns;
    struct quota_set quota; /* defaults for all domains */
    struct buf batch;       /* changes of the request at hand, for the journal */
    struct conn *current;   /* whose request is being handled */
    bool replaying;         /* the journal is being read: write none, announce nothing */
    bool trace;
};

/* Makes the core with the nodes that every store has: "/", "/tool", "/tool/xenstored" and the two
 * special ones. NULL without memory. core_free() undoes it and all that was made since. */
struct core *core_new(const struct core_ops *ops, void *arg);
void core_free(struct core *core);

/* A new generation number. */
static inline uint64_t core_gen(struct core *core)
{
    return ++core->gen;
}

/* Writes to the log. */
void core_log(struct core *core, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Hands the changes collected in core->batch to the journal. Within a request it does nothing: all
 * changes of a request go together at its end. */
void core_flush_journal(struct core *core);

/* The end of a request: its changes go to the journal; core->current tells whose they are. */
void core_end_request(struct core *core);

/* Recounts all nodes and compares with the books; says what is wrong in reply. True if all is well.
 */
bool core_check(struct core *core, struct buf *reply);

/* ---- connections (conn.c) ---------------------------------------------------------------- */

/* A connection on behalf of domid; domain is NULL for a socket. */
struct conn *conn_new(struct core *core, uint32_t domid, struct domain *domain);

/* Ends it with its watches, transactions and pending output. */
void conn_free(struct conn *c);

/* Drops watches and transactions, keeps the connection. */
void conn_reset(struct conn *c);

/* Drops what waits to be sent. */
void conn_drop_output(struct conn *c);

/* Says in the log that a connection ends, and why: once in ten seconds for a domain, which may come again at will. */
void conn_log_end(struct conn *c, const char *why);

#define SOCKET_MAX_OUT (64ull << 20) /* bytes */

/* Queues a message. Without memory for it the connection is marked broken. */
void conn_send(struct conn *c, uint32_t type, uint32_t req_id, uint32_t tx_id, const void *data,
               size_t len);

/* Queues a watch event, unless the very same one waits already. An unprivileged connection that lets
 * more events pile up than its memory quota holds is marked broken, and so is a socket beyond SOCKET_MAX_OUT: what there is to
 * be told may be a guest's making. */
void conn_send_event(struct conn *c, const char *path, const char *token);

/* Queues a message that is ready, and takes it over. */
void conn_queue(struct conn *c, struct msg *m);

/* The next bytes to send: 0 if there are none. conn_out_done() says how many went. */
size_t conn_out_peek(struct conn *c, const void **data);
/* The same of several messages at once: how many parts of at most `max` were filled in. */
unsigned int conn_out_gather(struct conn *c, struct iovec *parts, unsigned int max);
void conn_out_done(struct conn *c, size_t len);

/* True while the connection may have another request handled: it reads its answers. */
bool conn_may_request(const struct conn *c);

/* Where the usage of the connection is counted. */
struct usage *conn_usage(struct conn *c);
const struct quota_set *conn_quota(const struct conn *c);

/* ---- domains (domain.c) ------------------------------------------------------------------ */

struct domain *domain_find(struct core *core, uint32_t domid);

/* The domain's record, made if need be; NULL without memory. */
struct domain *domain_get(struct core *core, uint32_t domid);

/* Forgets the record if nothing needs it any more. */
void domain_put(struct domain *d);

int domain_introduce(struct core *core, uint32_t domid, uint64_t gfn, uint32_t port);
int domain_release(struct core *core, uint32_t domid);
int domain_resume(struct core *core, uint32_t domid);
int domain_set_target(struct core *core, uint32_t domid, uint32_t target);

/* What the hypervisor says of a domain: it is gone or going, or it has shut down. Announces the
 * change and removes what a domain that is gone owns. */
void domain_observe(struct core *core, uint32_t domid, bool alive, bool is_shutdown);

/* Counts nodes and bytes for their owner; 0 or ENOMEM (only when counting up). */
int domain_charge(struct core *core, uint32_t domid, long nodes, long bytes);

#endif
