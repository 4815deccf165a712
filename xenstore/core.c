/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core as a whole: its start, its end, its log, and the check of its books. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "xenstore/core.h"
#include "xenstore/perm.h"
#include "xenstore/txn.h"

/* Domain 0 owns what is there from the start; others see nothing of it. */
static struct node *make_root(void)
{
    struct acl_entry owner = {0, 0};
    struct acl *acl = acl_new(&owner, 1);
    struct node *n = acl ? node_new("", 0, acl, 0) : NULL;

    acl_unref(acl);
    return n;
}

static bool make_nodes(struct core *core)
{
    return !tree_create(&core->root, "/tool/xenstored", core->root->acl, NULL, core_gen(core)) &&
           !tree_create(&core->special, "/introduceDomain", core->special->acl, NULL,
                        core_gen(core)) &&
           !tree_create(&core->special, "/releaseDomain", core->special->acl, NULL, core_gen(core));
}

static bool count_initial(struct core *core)
{
    struct domain *d = domain_get(core, 0);

    if (!d) {
        return false;
    }
    d->use.nodes = 3;
    d->use.node_bytes = node_size(core->root) + node_size(tree_find(core->root, "/tool")) +
                        node_size(tree_find(core->root, "/tool/xenstored"));
    return true;
}

struct core *core_new(const struct core_ops *ops, void *arg)
{
    struct core *core = mem_alloc(sizeof(*core));
    enum quota q;

    if (!core) {
        return NULL;
    }
    memset(core, 0, sizeof(*core));
    core->ops = ops;
    core->arg = arg;
    if (getrandom(&core->hash_key, sizeof(core->hash_key), GRND_NONBLOCK) < 0) {
        core->hash_key =
            (uint32_t)((uintptr_t)core >> 4); /* so early in the host's life no guest lives */
    }
    for (q = 0; q < QUOTA_COUNT; q++) {
        core->quota.limit[q] = quota_info[q].initial;
    }
    core->root = make_root();
    core->special = make_root();
    if (!core->root || !core->special || !make_nodes(core) || !count_initial(core)) {
        core_free(core);
        return NULL;
    }
    return core;
}

void core_free(struct core *core)
{
    struct domain *d;
    size_t i;

    while (core->conns) {
        conn_free(core->conns);
    }
    for (i = 0; i < CORE_HASH; i++) {
        while ((d = core->domains[i])) {
            core->domains[i] = d->next;
            free(d);
        }
    }
    node_unref(core->root);
    node_unref(core->special);
    buf_free(&core->batch);
    free(core);
}

void core_log(struct core *core, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    core->ops->log(core->arg, line);
}

static void hand_over(struct core *core)
{
    struct buf *b = &core->batch;

    if (b->failed || b->len) {
        core->ops->journal(core->arg, b);
    }
    buf_reset(b);
}

void core_flush_journal(struct core *core)
{
    if (!core->current) {
        hand_over(core);
    }
}

void core_end_request(struct core *core)
{
    hand_over(core);
    core->current = NULL;
}

/* ---- checking ----------------------------------------------------------------------------- */

struct recount {
    struct delta_list list;
    struct buf *reply;
    bool ok;
};

static void recount_node(struct recount *r, const struct node *n)
{
    uint32_t i, bytes = 0;

    if (delta_add(&r->list, node_owner(n), 1, node_size(n))) {
        r->ok = false;
        buf_printf(r->reply, "no memory to count\n");
        return;
    }
    for (i = 0; i < n->nkids; i++) {
        const char *name = n->kids[i]->name;

        bytes += (uint32_t)strlen(name) + 1;
        if (i && name_compare(n->kids[i - 1]->name, strlen(n->kids[i - 1]->name), name,
                              strlen(name)) >= 0) {
            r->ok = false;
            buf_printf(r->reply, "children of \"%s\" out of order at \"%s\"\n", n->name, name);
        }
        recount_node(r, n->kids[i]);
    }
    if (bytes != n->kid_bytes) {
        r->ok = false;
        buf_printf(r->reply, "node \"%s\": names of children take %u bytes, booked %u\n", n->name,
                   bytes, n->kid_bytes);
    }
}

static void compare_books(struct core *core, struct recount *r)
{
    const struct node_delta *d;
    const struct domain *dom;
    size_t i, total = 0;

    for (d = r->list.d; d < r->list.d + r->list.n; d++) {
        dom = domain_find(core, d->domid);
        if (!dom || dom->use.nodes != (uint64_t)d->nodes ||
            dom->use.node_bytes != (uint64_t)d->bytes) {
            r->ok = false;
            buf_printf(r->reply, "domain %u: %ld nodes (%ld bytes), booked %u (%llu)\n", d->domid,
                       d->nodes, d->bytes, dom ? dom->use.nodes : 0,
                       dom ? (unsigned long long)dom->use.node_bytes : 0);
        }
        total += (size_t)d->nodes;
    }
    for (i = 0; i < CORE_HASH; i++) {
        for (dom = core->domains[i]; dom; dom = dom->next) {
            total -= dom->use.nodes;
        }
    }
    if (total) {
        r->ok = false;
        buf_printf(r->reply, "nodes are booked for domains that own none\n");
    }
}

bool core_check(struct core *core, struct buf *reply)
{
    struct recount r = {.reply = reply, .ok = true};

    recount_node(&r, core->root);
    if (r.ok) {
        compare_books(core, &r);
    }
    free(r.list.d);
    return r.ok;
}
