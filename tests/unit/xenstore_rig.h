/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A core of xenstored without processes: domains whose messages tests write and read by hand. */
#ifndef HOSPES_TESTS_XENSTORE_RIG_H
#define HOSPES_TESTS_XENSTORE_RIG_H

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/core.h"
#include "xenstore/journal.h"
#include "xenstore/path.h"
#include "xenstore/perm.h"
#include "xenstore/request.h"
#include "xenstore/ring.h"
#include "xenstore/txn.h"
#include "xenstore/view.h"
#include "xenstore/watch.h"

#define MAX_LOG 64

struct rig {
    struct core *core;
    struct conn *dom0; /* a socket */
    struct buf journal;
    bool journal_lost;
    uint64_t now;
    int introduce_error;
    unsigned int introduced, released;
    char log[MAX_LOG][256];
    unsigned int nlog;
    struct ring_memory memory[8];
    struct ring *ring[8];              /* whose state goes with the changes of its domain */
    void (*on_journal)(struct rig *r); /* called before and after each addition */
};

void rig_start(struct rig *r);
void rig_stop(struct rig *r);

/* Forgets the core as a kill does and makes one from the journal. Sockets are gone; dom0 is new. */
void rig_restart(struct rig *r);

/* Introduces a domain by a message and gives its connection. */
struct conn *rig_domain(struct rig *r, uint32_t domid);

struct answer {
    uint32_t type, req_id, tx_id, len;
    char data[XENSTORE_PAYLOAD_MAX + 1]; /* with a NUL behind it */
};

/* Takes the next message from the connection's output; false if there is none. */
bool rig_next(struct conn *c, struct answer *a);

/* Sends a message of len bytes and takes its answer, which must be the first thing in the output
 * that is no event (events before it are dropped). */
void rig_raw(struct conn *c, uint32_t type, uint32_t tx, const void *data, size_t len,
             struct answer *a);

/* The same, and the answer as text: an error's name, or the payload with '|' for NULs inside. The
 * payload is given in the same way: '|' stands for a NUL, and one is added at the end. */
const char *rig_ask(struct conn *c, uint32_t type, uint32_t tx, const char *payload);

/* WRITE, whose value has no NUL at the end. */
const char *rig_write(struct conn *c, uint32_t tx, const char *path, const char *value);

/* The events that wait, as "path|token path|token ...", in order; drops everything else. */
const char *rig_events(struct conn *c);

/* True if a line of the log holds the text. */
bool rig_logged(const struct rig *r, const char *text);

/* The whole tree as text: "path owner-and-permissions value" lines. */
char *rig_dump(struct core *core);

/* ---- verdicts ----------------------------------------------------------------------------- */

extern const char *test_name;
extern int test_failures;

void test_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define CHECK(cond)                                     \
    do {                                                \
        if (!(cond)) {                                  \
            test_fail(__FILE__, __LINE__, "%s", #cond); \
        }                                               \
    } while (0)

#define SAME(actual, expected) test_same(__FILE__, __LINE__, actual, expected)
void test_same(const char *file, int line, const char *actual, const char *expected);

/* Runs one test and prints its verdict. */
void test_run(const char *name, void (*test)(void));

#endif
