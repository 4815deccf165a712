/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process around the core: an epoll loop over the sockets and the event channels, the
 * journal, the log.
 *
 * Fairness: whoever has something to be done gets TURN requests handled and then waits for all
 * others; nobody is read from while it does not read its answers.
 */
#ifndef HOSPES_XENSTORE_DAEMON_H
#define HOSPES_XENSTORE_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xenstore/core.h"
#include "xenstore/jfile.h"
#include "xenstore/options.h"
#include "xenstore/ring.h"
#include "xenstore/xenif.h"

#define TURN 8u

struct daemon;

/* A descriptor of the event loop. */
struct source {
    void (*ready)(struct daemon *d, struct source *s, uint32_t events);
};

/* The transport's end of a core connection (conn->transport). */
struct peer {
    struct peer *next_woken;
    bool woken; /* in the list of those with output */
    void (*flush)(struct daemon *d, struct peer *p);
};

/* A ring's place in one of the lists below. */
struct ring_link {
    struct ring_link *next;
    struct ring_peer *ring;
    bool in;
};

struct ring_list {
    struct ring_link *first, **last;
    unsigned int count;
};

/* A ring of one domain. */
struct ring_peer {
    struct peer peer;
    struct ring_link busy;  /* has requests, perhaps */
    struct ring_link again; /* to be looked at once more */
    uint64_t changed;       /* when we last changed something in it, in milliseconds */
    struct domain *domain;
    struct xenif_page page;
    uint64_t gfn;
    uint32_t remote_port;
    struct xenif_port port;
    struct source fired; /* the port's descriptor */
    struct ring ring;
};

struct daemon {
    struct options opt;
    struct core *core;
    int epoll;
    struct jfile journal;
    uint64_t journal_retry; /* when to try again after a failure, in seconds */
    uint64_t last_expiry;   /* when old transactions were looked for */
    struct xenif xen;
    bool have_xen;
    struct xenif_port virq; /* VIRQ_DOM_EXC: the state of a domain changed */
    struct source virq_fired;
    struct peer *woken;
    struct ring_list busy, again;
    struct ring_memory *memory; /* by domid, while the journal is read */
    struct socket_conn *sockets;
    struct source listener[2];
    int listen_fd[2];
    int spare_fd; /* given up for a moment to refuse a client when all others are used; -1: none */
    uint64_t last_refusal; /* when + 1 that was in the log */
    int trace_fd;
    bool stop, reexec;
    char *update_program;
};

/* ---- sock.c ------------------------------------------------------------------------------ */

/* Makes and serves the sockets in the run directory; 0 or an errno. */
int sock_start(struct daemon *d);
/* Closes them, and all connections. */
void sock_stop(struct daemon *d);

/* ---- rings.c ----------------------------------------------------------------------------- */

/* Opens the hypervisor's devices; 0 or an errno. */
int rings_start(struct daemon *d);
void rings_stop(struct daemon *d);

/* Connects Domain 0's kernel, unless the journal already knows it; 0 or an errno. */
int rings_introduce_own(struct daemon *d);

/* Connects the rings of all domains that the journal knows and removes the domains that died
 * meanwhile. After an unclean end every watch of theirs fires once. */
void rings_resume(struct daemon *d, bool clean);

int rings_introduce(struct daemon *d, struct domain *dom);
void rings_release(struct daemon *d, struct domain *dom);
void rings_replay(struct daemon *d, uint8_t code, const void *data, size_t len);
void rings_snapshot(struct daemon *d, struct buf *b);

/* Empty lists, before anything else. */
void rings_init(struct daemon *d);

/* Gives each busy ring its turn. */
void rings_run(struct daemon *d);

/* How long may be waited for an event, in milliseconds; -1: for ever. */
int rings_wait(const struct daemon *d);

/* ---- log.c ------------------------------------------------------------------------------- */

/* One line to the log: the trace file if there is one, and standard error or syslog. */
void log_line(struct daemon *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Opens (again) the trace file; 0 or an errno. */
int log_open(struct daemon *d);

/* ---- state.c ----------------------------------------------------------------------------- */

/* Reads the journal of an earlier process into the core. False if there was none. */
bool state_load(struct daemon *d, bool *clean);

/* Writes a new snapshot if one is due, or whenever force is set. */
void state_save(struct daemon *d, bool force);

/* The core's hook: adds a batch. */
void state_add(struct daemon *d, struct buf *b);

/* ---- main.c ------------------------------------------------------------------------------ */

uint64_t daemon_now(void); /* seconds */
uint64_t daemon_now_ms(void);

/* Adds, changes or removes a descriptor of the loop; 0 or an errno. */
int loop_add(struct daemon *d, int fd, uint32_t events, struct source *s);
void loop_change(struct daemon *d, int fd, uint32_t events, struct source *s);
void loop_remove(struct daemon *d, int fd);

#endif
