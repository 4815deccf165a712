/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a transaction, except its commit (commit.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/core.h"
#include "xenstore/journal.h"
#include "xenstore/txn.h"

static uint32_t hash_path(const char *path, size_t len)
{
    uint64_t h = len, w;

    for (; len >= sizeof(w); path += sizeof(w), len -= sizeof(w)) {
        memcpy(&w, path, sizeof(w));
        h = (h ^ w) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 32;
    }
    w = 0;
    memcpy(&w, path, len);
    h = (h ^ w) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(h >> 32);
}

static uint32_t new_id(struct core *core)
{
    struct conn *c;

again:
    if (++core->last_tx == 0) {
        core->last_tx = 1;
    }
    for (c = core->conns; c; c = c->next) {
        if (txn_find(c, core->last_tx)) {
            goto again;
        }
    }
    return core->last_tx;
}

int txn_start(struct conn *c, uint32_t id, struct txn **out)
{
    struct usage *use = conn_usage(c);
    struct core *core = c->core;
    struct txn *t;

    if (!quota_allows(c, QUOTA_TRANSACTIONS, use->transactions + 1ull, "another transaction") ||
        !quota_allows_bytes(c, sizeof(*t), "another transaction")) {
        return ENOSPC;
    }
    t = mem_alloc(sizeof(*t));
    if (!t) {
        return ENOMEM;
    }
    *t = (struct txn){.conn = c, .id = id ? id : new_id(core), .next = c->txns};
    t->base = node_ref(core->root);
    t->root = node_ref(core->root);
    t->last = &t->touches;
    t->bytes = sizeof(*t);
    t->started = core->ops->now(core->arg);
    c->txns = t;
    use->transactions++;
    use->work_bytes += t->bytes;
    journal_txn(c, t->id, true);
    *out = t;
    return 0;
}

struct txn *txn_find(struct conn *c, uint32_t id)
{
    struct txn *t = c->txns;

    while (t && t->id != id) {
        t = t->next;
    }
    return t;
}

void txn_free(struct txn *t)
{
    struct conn *c = t->conn;
    struct txn **slot = &c->txns;

    while (*slot != t) {
        slot = &(*slot)->next;
    }
    *slot = t->next;
    while (t->touches) {
        struct touch *next = t->touches->next;

        free(t->touches);
        t->touches = next;
    }
    conn_usage(c)->transactions--;
    conn_usage(c)->work_bytes -= t->bytes;
    node_unref(t->base);
    node_unref(t->root);
    free(t->hash);
    free(t->delta.d);
    free(t);
}

int txn_charge(struct txn *t, uint64_t bytes, const char *what)
{
    if (!quota_allows_bytes(t->conn, bytes, what)) {
        return ENOSPC;
    }
    t->bytes += bytes;
    conn_usage(t->conn)->work_bytes += bytes;
    return 0;
}

static int grow_hash(struct txn *t)
{
    uint32_t n = t->nbuckets ? t->nbuckets * 2 : 16;
    struct touch **hash, *e;

    if (t->ntouches < t->nbuckets) {
        return 0;
    }
    hash = mem_alloc(n * sizeof(*hash));
    if (!hash) {
        return ENOMEM;
    }
    memset(hash, 0, n * sizeof(*hash));
    for (e = t->touches; e; e = e->next) {
        struct touch **slot = &hash[hash_path(e->path, strlen(e->path)) & (n - 1)];

        e->hash_next = *slot;
        *slot = e;
    }
    free(t->hash);
    t->hash = hash;
    t->nbuckets = n;
    return 0;
}

int txn_touch(struct txn *t, const char *path, size_t len, uint32_t how)
{
    uint32_t h = hash_path(path, len);
    struct touch *e = t->nbuckets ? t->hash[h & (t->nbuckets - 1)] : NULL;
    int err;

    while (e && (strncmp(e->path, path, len) || e->path[len])) {
        e = e->hash_next;
    }
    if (e) {
        e->how |= how;
        return 0;
    }
    if (!quota_allows(t->conn, QUOTA_TX_NODES, t->ntouches + 1ull, path)) {
        return ENOSPC;
    }
    err = grow_hash(t);
    if (!err) {
        err = txn_charge(t, sizeof(*e) + len + 1, path);
    }
    if (err) {
        return err;
    }
    e = mem_alloc(sizeof(*e) + len + 1);
    if (!e) {
        return ENOMEM;
    }
    *e = (struct touch){.how = how, .hash_next = t->hash[h & (t->nbuckets - 1)]};
    memcpy(e->path, path, len);
    e->path[len] = '\0';
    t->hash[h & (t->nbuckets - 1)] = e;
    *t->last = e;
    t->last = &e->next;
    t->ntouches++;
    return 0;
}

static void let_go(struct txn *t, struct node *now)
{
    node_unref(t->base);
    node_unref(t->root);
    t->base = node_ref(now);
    t->root = node_ref(now);
    t->delta.n = 0;
    t->doomed = true;
}

void txn_expire(struct core *core)
{
    uint64_t now = core->ops->now(core->arg);
    struct conn *c;
    struct txn *t;

    for (c = core->conns; c; c = c->next) {
        for (t = c->txns; t && !c->privileged; t = t->next) {
            if (t->base != core->root && now - t->started > TXN_MAX_AGE) {
                let_go(t, core->root);
            }
        }
    }
}

int delta_add(struct delta_list *list, uint32_t domid, long nodes, long bytes)
{
    size_t i, room;
    struct node_delta *d;

    for (i = 0; i < list->n && list->d[i].domid != domid; i++) {
    }
    if (i == list->room) {
        room = list->room ? list->room * 2 : 4;
        d = mem_realloc(list->d, room * sizeof(*d));
        if (!d) {
            return ENOMEM;
        }
        list->d = d;
        list->room = room;
    }
    if (i == list->n) {
        list->d[list->n++] = (struct node_delta){.domid = domid};
    }
    list->d[i].nodes += nodes;
    list->d[i].bytes += bytes;
    return 0;
}

long delta_nodes(const struct delta_list *list, uint32_t domid)
{
    size_t i;

    for (i = 0; i < list->n; i++) {
        if (list->d[i].domid == domid) {
            return list->d[i].nodes;
        }
    }
    return 0;
}
