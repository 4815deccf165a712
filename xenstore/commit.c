/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a transaction: find conflicts, build the next version of the tree, check the quotas of
 * the owners, and only then (nothing can fail any more) install it, write the journal and tell the
 * watchers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/core.h"
#include "xenstore/journal.h"
#include "xenstore/txn.h"
#include "xenstore/watch.h"

/* What the transaction used of one path is still as it was in base. Equal pointers mean an equal
 * subtree: base keeps its nodes from being changed in place. */
static bool still_valid(const struct touch *e, struct finger *base, struct finger *now)
{
    struct node *b = finger_find(base, e->path), *n = finger_find(now, e->path);

    if (!b || !n || b == n) {
        return b == n;
    }
    if (e->how & TOUCH_TREE) {
        return false;
    }
    if (e->how & TOUCH_KIDS && b->kids_gen != n->kids_gen) {
        return false;
    }
    return b->gen == n->gen;
}

static bool has_conflict(const struct txn *t)
{
    struct finger base = {.root = t->base}, now = {.root = t->conn->core->root};
    const struct touch *e;

    if (base.root == now.root) {
        return false;
    }
    for (e = t->touches; e; e = e->next) {
        if (!still_valid(e, &base, &now)) {
            return true;
        }
    }
    return false;
}

/* ---- the list of changed paths ------------------------------------------------------------ */

struct changes {
    struct touch **by_path; /* parents before their children */
    size_t n;
};

static int compare_paths(const void *a, const void *b)
{
    return strcmp((*(struct touch *const *)a)->path, (*(struct touch *const *)b)->path);
}

static int collect(const struct txn *t, struct changes *c)
{
    struct touch *e;

    c->n = 0;
    c->by_path = mem_alloc((t->ntouches + 1) * sizeof(struct touch *));
    if (!c->by_path) {
        return ENOMEM;
    }
    for (e = t->touches; e; e = e->next) {
        if (e->how & TOUCH_DIRTY) {
            c->by_path[c->n++] = e;
        }
    }
    qsort(c->by_path, c->n, sizeof(c->by_path[0]), compare_paths);
    return 0;
}

static bool differs(const struct touch *e, const struct node *before, const struct node *after)
{
    if (!before || !after) {
        return before != after;
    }
    return e->how & TOUCH_GONE || before->gen != after->gen;
}

/* ---- putting the changes into a version of the tree --------------------------------------- */

static int remove_node(struct node **root, const char *path, uint64_t gen)
{
    struct node *removed;

    if (tree_remove(root, path, gen, &removed)) {
        return ENOMEM;
    }
    node_unref(removed);
    return 0;
}

static struct value *share_value(const struct node *n)
{
    if (n->value) {
        n->value->refs++;
    }
    return n->value;
}

/* The node alone: its children have entries of their own. */
static int create_node(struct node **root, const char *path, const struct node *n, uint64_t gen)
{
    return tree_create(root, path, n->acl, share_value(n), gen) ? ENOMEM : 0;
}

static int update_node(struct node **root, const char *path, const struct node *n, uint64_t gen)
{
    if (tree_set_value(root, path, share_value(n), gen) ||
        tree_set_acl(root, path, acl_ref(n->acl), gen)) {
        return ENOMEM;
    }
    return 0;
}

static int graft(const struct txn *t, const struct touch *e, struct node **root)
{
    struct node *mine = tree_find(t->root, e->path), *there = tree_find(*root, e->path);
    uint64_t gen;
    int err = 0;

    if (!differs(e, tree_find(t->base, e->path), mine)) {
        return 0;
    }
    gen = core_gen(t->conn->core);
    if (there && (!mine || e->how & TOUCH_GONE)) {
        err = remove_node(root, e->path, gen);
        there = NULL;
    }
    if (err || !mine) {
        return err;
    }
    return there ? update_node(root, e->path, mine, gen) : create_node(root, e->path, mine, gen);
}

/* The next version, with a reference for the caller. */
static int build_root(const struct txn *t, const struct changes *c, struct node **out)
{
    struct node *now = t->conn->core->root, *root;
    size_t i;

    if (now == t->base) {
        *out = node_ref(t->root);
        return 0;
    }
    root = node_ref(now);
    for (i = 0; i < c->n; i++) {
        if (graft(t, c->by_path[i], &root)) {
            node_unref(root);
            return ENOMEM;
        }
    }
    *out = root;
    return 0;
}

/* ---- owners' books ------------------------------------------------------------------------ */

struct books {
    struct delta_list list;
    int err;
};

static void count_change(void *arg, const struct node *before, const struct node *after)
{
    struct books *b = arg;

    if (before && !b->err) {
        b->err = delta_add(&b->list, node_owner(before), -1, -(long)node_size(before));
    }
    if (after && !b->err) {
        b->err = delta_add(&b->list, node_owner(after), 1, node_size(after));
    }
}

/* Charges all owners, or none. The first pass makes every record that the second one needs. */
static int settle(const struct txn *t, struct books *b)
{
    struct core *core = t->conn->core;
    size_t i;

    for (i = 0; i < b->list.n; i++) {
        const struct node_delta *d = &b->list.d[i];
        struct domain *dom = domain_get(core, d->domid);

        if (!dom) {
            return ENOMEM;
        }
        if (d->nodes > 0 && d->domid == t->conn->domid &&
            !quota_allows(t->conn, QUOTA_NODES, dom->use.nodes + (uint64_t)d->nodes, "a commit")) {
            return ENOSPC;
        }
    }
    for (i = 0; i < b->list.n; i++) {
        domain_charge(core, b->list.d[i].domid, b->list.d[i].nodes, b->list.d[i].bytes);
    }
    return 0;
}

/* ---- telling ------------------------------------------------------------------------------ */

static void announce(struct core *core, const struct touch *e)
{
    struct node *before = e->before, *after = e->after;

    /* Made and removed again within the transaction is told, too: a parent may have been left. */
    if (!(e->how & TOUCH_FIRE) || ((before || after) && !differs(e, before, after))) {
        return;
    }
    if (before && (!after || e->how & TOUCH_GONE)) {
        watch_fire_removed(core, e->path, before, after);
    }
    watch_fire(core, e->path, before ? before->acl : NULL, after ? after->acl : NULL, false);
}

static void record(struct core *core, const struct touch *e)
{
    if (!differs(e, e->before, e->after)) {
        return;
    }
    if (e->before && (!e->after || e->how & TOUCH_GONE)) {
        journal_remove(core, e->path);
    }
    if (e->after) {
        journal_node(core, e->path, e->after);
    }
}

static void install(struct txn *t, const struct changes *c, struct node *root)
{
    struct core *core = t->conn->core;
    struct node *old = core->root;
    struct finger before = {.root = old}, after = {.root = root};
    const struct touch *e;
    size_t i;

    core->root = root;
    for (i = 0; i < c->n; i++) {
        struct touch *changed = c->by_path[i];

        changed->before = finger_find(&before, changed->path);
        changed->after = finger_find(&after, changed->path);
        record(core, changed);
    }
    for (e = t->touches; e; e = e->next) {
        if (e->how & TOUCH_DIRTY) {
            announce(core, e);
        }
    }
    node_unref(old);
}

int txn_commit(struct txn *t)
{
    struct core *core = t->conn->core;
    struct changes c = {0};
    struct books b = {0};
    struct node *root = NULL;
    int err;

    if (t->doomed || has_conflict(t)) {
        return EAGAIN;
    }
    err = collect(t, &c);
    if (err) {
        return err;
    }
    err = build_root(t, &c, &root);
    if (err) {
        goto out;
    }
    tree_diff(core->root, root, count_change, &b);
    err = b.err ? b.err : settle(t, &b);
    if (err) {
        node_unref(root);
        goto out;
    }
    install(t, &c, root);

out:
    free(b.list.d);
    free(c.by_path);
    return err;
}
