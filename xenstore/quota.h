/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an unprivileged domain may use, and what it does use. Every refusal for this reason leaves a
 * line in the log that names the quota (at most one per domain and quota in ten seconds).
 */
#ifndef HOSPES_XENSTORE_QUOTA_H
#define HOSPES_XENSTORE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;
struct conn;

/* What recurs is in the log once in ten seconds. `last`: when that was, + 1; 0: never. `now`: seconds. */
bool log_is_due(uint64_t *last, uint64_t now);

enum quota {
    QUOTA_NODES, /* nodes that the domain owns */
    QUOTA_WATCHES,
    QUOTA_TRANSACTIONS, /* open at a time */
    QUOTA_OUTSTANDING,  /* answers and events that it has not read yet, before it may ask again */
    QUOTA_TX_NODES,     /* nodes used in one transaction */
    QUOTA_MEMORY,       /* bytes of all the above together */
    QUOTA_MEMORY_SOFT,  /* the same, but only warned about */
    QUOTA_NODE_SIZE,    /* bytes of one node: value, permissions, names of children */
    QUOTA_PATH_MAX,     /* length of a path below the domain's own directory */
    QUOTA_PERMISSIONS,  /* entries of one permission list */
    QUOTA_COUNT
};

struct quota_info {
    const char *name;
    const char *text;
    uint32_t initial;
};
extern const struct quota_info quota_info[QUOTA_COUNT];

struct quota_set {
    uint32_t limit[QUOTA_COUNT];
    bool own[QUOTA_COUNT]; /* set for this domain; the others follow the defaults */
};

struct usage {
    uint32_t nodes, watches, transactions;
    uint64_t node_bytes;          /* of nodes in the tree */
    uint64_t work_bytes;          /* of transactions, watches and messages */
    uint64_t warned[QUOTA_COUNT]; /* when + 1 */
    uint64_t ended;               /* when + 1 it was last told that a connection ended */
};

/* The quota of that name, or QUOTA_COUNT. */
enum quota quota_find(const char *name);

/* The limit that holds for a connection. */
uint32_t quota_limit(const struct conn *c, enum quota q);

/* True if the connection may have `wanted` of q (always, if it is privileged). If not, says so in
 * the log, naming `what`. */
bool quota_allows(struct conn *c, enum quota q, uint64_t wanted, const char *what);

/* True if the connection may have more bytes; warns at the soft limit. */
bool quota_allows_bytes(struct conn *c, uint64_t more, const char *what);

#endif
