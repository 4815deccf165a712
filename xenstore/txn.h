/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions. One holds the version of the tree that it started from (base), its own version
 * (root), and a note for every node that it used and how. At its end each note is checked: what it
 * used must still be what it was in base. Then its changes are put into the present tree.
 *
 * Two transactions conflict only if one changed what the other used: creating two different nodes in
 * one directory is no conflict, listing a directory in which another creates a node is one.
 */
#ifndef HOSPES_XENSTORE_TXN_H
#define HOSPES_XENSTORE_TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct core;
struct node;

#define TOUCH_SELF  1u  /* used its existence, value or permissions */
#define TOUCH_KIDS  2u  /* used the names of its children */
#define TOUCH_TREE  4u  /* used all below it */
#define TOUCH_DIRTY 8u  /* made, changed or removed it */
#define TOUCH_GONE  16u /* removed it, whatever came after */
#define TOUCH_FIRE  32u /* its watchers are to be told (not for parents made on the way) */

struct touch {
    struct touch *hash_next;
    struct touch *next; /* in the order in which they were first touched */
    struct node *before,
        *after; /* while the commit is recorded and told: what stood and stands there */
    uint32_t how;
    char path[];
};

/* How many nodes of a domain the transaction makes (or removes). */
struct node_delta {
    uint32_t domid;
    long nodes, bytes;
};

struct delta_list {
    struct node_delta *d;
    size_t n, room;
};

struct txn {
    struct txn *next;
    struct conn *conn;
    uint32_t id;
    bool doomed; /* comes from before a restart: works, but must be repeated */
    struct node *base, *root;
    struct touch **hash;
    uint32_t ntouches, nbuckets;
    struct touch *touches, **last;
    struct delta_list delta;
    uint64_t bytes; /* charged to the connection */
    uint64_t started;
};

/* 0 with *out, or ENOSPC or ENOMEM. id 0: a new one. */
int txn_start(struct conn *c, uint32_t id, struct txn **out);

struct txn *txn_find(struct conn *c, uint32_t id);

/* Notes that the first len bytes of path were used. 0, ENOMEM or ENOSPC (quota). */
int txn_touch(struct txn *t, const char *path, size_t len, uint32_t how);

/* Charges bytes to the transaction's connection for as long as it lasts; 0 or ENOSPC. */
int txn_charge(struct txn *t, uint64_t bytes, const char *what);

/* Counts nodes of a domain; 0 or ENOMEM. */
int delta_add(struct delta_list *list, uint32_t domid, long nodes, long bytes);
long delta_nodes(const struct delta_list *list, uint32_t domid);

/* Dooms the transactions of unprivileged connections that have been open for longer than
 * TXN_MAX_AGE seconds, and lets go of the versions of the tree that they hold: a domain must not be
 * able to keep many of them. Their requests go on working, on the present version, until their commit
 * is answered with EAGAIN. */
#define TXN_MAX_AGE 60
void txn_expire(struct core *core);

/* Makes its changes the present, or changes nothing: EAGAIN, ENOSPC or ENOMEM. The transaction stays
 * and must be freed. */
int txn_commit(struct txn *t);
void txn_free(struct txn *t);

#endif
