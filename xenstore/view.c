/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and changing nodes on behalf of a request. */
#include <errno.h>
#include <string.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/core.h"
#include "xenstore/journal.h"
#include "xenstore/path.h"
#include "xenstore/perm.h"
#include "xenstore/txn.h"
#include "xenstore/view.h"
#include "xenstore/watch.h"

static struct node **root_of(const struct view *v)
{
    return v->txn ? &v->txn->root : &v->conn->core->root;
}

static int touch(const struct view *v, const char *path, size_t len, uint32_t how)
{
    return v->txn ? txn_touch(v->txn, path, len, how) : 0;
}

/* Counts nodes for their owner, in the transaction or for good. */
static int charge(const struct view *v, uint32_t owner, long nodes, long bytes)
{
    return v->txn ? delta_add(&v->txn->delta, owner, nodes, bytes)
                  : domain_charge(v->conn->core, owner, nodes, bytes);
}

/* ---- looking ------------------------------------------------------------------------------ */

static int check_rights(const struct view *v, const struct node *n, unsigned int want, int missing)
{
    return (perm_granted(v->conn, n->acl) & want) == want ? missing : EACCES;
}

/* "@name" is the node "/name" of the special tree, "@name/N" falls back to it. */
static int find_special(const struct view *v, const char *path, unsigned int want,
                        struct node **out)
{
    char real[XENSTORE_ABS_PATH_MAX + 1];
    size_t len;
    struct node *n;

    memcpy(real, path, strlen(path) + 1);
    real[0] = '/';
    n = tree_nearest(v->conn->core->special, real, &len);
    if (len == 1) {
        return check_rights(v, n, want, ENOENT);
    }
    *out = n;
    return check_rights(v, n, want, 0);
}

/* What there is of a path that is not special: the lowest node and how much of the path that is. */
struct found {
    struct node *n;
    size_t len;
};

static int look_up(const struct view *v, const char *path, unsigned int want, struct found *f)
{
    int err;

    f->n = tree_nearest(*root_of(v), path, &f->len);
    if (!path[f->len]) {
        err = touch(v, path, f->len, TOUCH_SELF);
        return err ? err : check_rights(v, f->n, want, 0);
    }
    /* That it is missing hangs on the first missing name, the answer on who may see that. */
    err = touch(v, path, path_next(path, f->len), TOUCH_SELF);
    if (!err && !v->conn->privileged) {
        err = touch(v, path, f->len, TOUCH_SELF);
    }
    return err ? err : check_rights(v, f->n, want, ENOENT);
}

int view_find(const struct view *v, const char *path, unsigned int want, struct node **out)
{
    struct found f;
    int err;

    if (path_is_special(path)) {
        return find_special(v, path, want, out);
    }
    err = look_up(v, path, want, &f);
    *out = f.n;
    return err;
}

int view_list(const struct view *v, const char *path, struct node **out)
{
    int err = view_find(v, path, PERM_READ, out);

    if (!err && !path_is_special(path)) {
        err = touch(v, path, strlen(path), TOUCH_SELF | TOUCH_KIDS);
    }
    return err;
}

/* ---- creating ----------------------------------------------------------------------------- */

/* What the new nodes' permissions are: the parent's, and an unprivileged creator owns them. */
static struct acl *inherit(const struct conn *c, struct acl *from)
{
    struct acl *a;

    if (c->privileged || from->e[0].domid == c->domid) {
        return acl_ref(from);
    }
    a = acl_new(from->e, from->n);
    if (a) {
        a->e[0].domid = c->domid;
    }
    return a;
}

/* Marks all new nodes down to path; *made says how many they are. */
static int touch_chain(const struct view *v, const char *path, size_t len, uint32_t *made)
{
    int err = touch(v, path, len, TOUCH_SELF);

    *made = 0;
    while (!err && path[len]) {
        len = path_next(path, len);
        err = touch(v, path, len, TOUCH_SELF | TOUCH_DIRTY | (path[len] ? 0 : TOUCH_FIRE));
        (*made)++;
    }
    return err;
}

static int check_creation(const struct view *v, const struct node *parent, const char *path,
                          size_t len, const struct acl *acl, uint32_t vlen, uint32_t made)
{
    const struct conn *c = v->conn;
    struct domain *owner = domain_find(c->core, acl->e[0].domid);
    uint64_t nodes = made + (owner ? owner->use.nodes : 0);
    uint32_t own_size = node_size_of(acl, 0, 0);

    if (v->txn) {
        long more = delta_nodes(&v->txn->delta, acl->e[0].domid);

        nodes = more < 0 && (uint64_t)-more > nodes ? 0 : nodes + (uint64_t)more;
    }
    if (!quota_allows(v->conn, QUOTA_NODES, nodes, path) ||
        !quota_allows(v->conn, QUOTA_NODE_SIZE, own_size + vlen, path) ||
        !quota_allows(v->conn, QUOTA_NODE_SIZE, node_size(parent) + path_next(path, len) - len,
                      path) ||
        !quota_allows_bytes(v->conn, (uint64_t)made * own_size + vlen + strlen(path), path)) {
        return ENOSPC;
    }
    return 0;
}

static void tell_created(const struct view *v, const char *path, size_t len)
{
    struct core *core = v->conn->core;
    char step[XENSTORE_ABS_PATH_MAX + 1];
    struct node *n = NULL;

    while (path[len]) {
        len = path_next(path, len);
        memcpy(step, path, len);
        step[len] = '\0';
        n = tree_find(core->root, step);
        journal_node(core, step, n);
    }
    watch_fire(core, path, NULL, n->acl, false);
}

/* The sizes of `made` new nodes down to path, the first of them behind its first len bytes; the last one has the value. */
static long chain_bytes(const char *path, size_t len, const struct acl *acl, uint32_t vlen,
                        uint32_t made)
{
    /* Of all but the first one, each with a byte. */
    size_t names = strlen(path) - path_next(path, len);

    return (long)(made * node_size_of(acl, 0, 0) + vlen + names);
}

/* Below what there is of the path, which is not all. */
static int create(const struct view *v, const char *path, const struct found *f, const void *data,
                  uint32_t vlen)
{
    struct core *core = v->conn->core;
    struct node **root = root_of(v), *parent = f->n;
    struct value *value = NULL;
    uint32_t made, parent_owner;
    size_t len = f->len;
    struct acl *acl;
    int err;

    parent_owner = node_owner(parent);
    acl = inherit(v->conn, parent->acl);
    if (!acl) {
        return ENOMEM;
    }
    err = touch_chain(v, path, len, &made);
    if (!err) {
        err = check_creation(v, parent, path, len, acl, vlen, made);
    }
    if (!err && v->txn) {
        err = txn_charge(v->txn, vlen + made * sizeof(struct node), path);
    }
    if (err) {
        goto out;
    }
    /* The books first: after them nothing but a lack of memory can stop it. */
    err = charge(v, acl->e[0].domid, made, 0);
    if (err) {
        goto out;
    }
    if (vlen) {
        value = value_new(data, vlen);
        err = value ? 0 : ENOMEM;
    }
    if (err || tree_create(root, path, acl, value, core_gen(core))) {
        charge(v, acl->e[0].domid, -(long)made, 0);
        err = ENOMEM;
        goto out;
    }
    charge(v, acl->e[0].domid, 0, chain_bytes(path, len, acl, vlen, made));
    charge(v, parent_owner, 0, (long)(path_next(path, len) - (len == 1 ? 0 : len)));
    if (!v->txn) {
        tell_created(v, path, len);
    }

out:
    acl_unref(acl);
    return err;
}

/* ---- changing ----------------------------------------------------------------------------- */

static int overwrite(const struct view *v, const char *path, struct node *n, const void *data,
                     uint32_t len)
{
    struct core *core = v->conn->core;
    uint32_t before = node_value_len(n), owner = node_owner(n);
    struct value *value = NULL;
    int err;

    if (!quota_allows(v->conn, QUOTA_NODE_SIZE, node_size(n) - before + (uint64_t)len, path) ||
        (len > before && !quota_allows_bytes(v->conn, len - before, path))) {
        return ENOSPC;
    }
    err = touch(v, path, strlen(path), TOUCH_SELF | TOUCH_DIRTY | TOUCH_FIRE);
    if (!err && v->txn) {
        err = txn_charge(v->txn, len, path);
    }
    if (!err && len) {
        value = value_new(data, len);
        err = value ? 0 : ENOMEM;
    }
    if (err) {
        return err;
    }
    if (tree_set_value(root_of(v), path, value, core_gen(core))) {
        return ENOMEM;
    }
    charge(v, owner, 0, (long)len - (long)before);
    if (!v->txn) {
        n = tree_find(core->root, path);
        journal_node(core, path, n);
        watch_fire(core, path, NULL, n->acl, false);
    }
    return 0;
}

int view_write(const struct view *v, const char *path, const void *data, uint32_t len)
{
    struct found f;
    int err = look_up(v, path, PERM_WRITE, &f);

    if (err == ENOENT) {
        return create(v, path, &f, data, len);
    }
    return err ? err : overwrite(v, path, f.n, data, len);
}

int view_mkdir(const struct view *v, const char *path)
{
    struct found f;
    int err = look_up(v, path, PERM_WRITE, &f);

    return err == ENOENT ? create(v, path, &f, NULL, 0) : err;
}

/* ---- removing ----------------------------------------------------------------------------- */

static void uncharge_tree(const struct view *v, const struct node *n)
{
    uint32_t i;

    charge(v, node_owner(n), -1, -(long)node_size(n));
    for (i = 0; i < n->nkids; i++) {
        uncharge_tree(v, n->kids[i]);
    }
}

static int cut(const struct view *v, const char *path)
{
    struct core *core = v->conn->core;
    size_t plen = path_parent_len(path);
    struct node *removed, *parent;
    char up[XENSTORE_ABS_PATH_MAX + 1];

    if (tree_remove(root_of(v), path, core_gen(core), &removed)) {
        return ENOMEM;
    }
    memcpy(up, path, plen);
    up[plen] = '\0';
    parent = tree_find(*root_of(v), up);
    charge(v, node_owner(parent), 0, -(long)strlen(removed->name) - 1);
    uncharge_tree(v, removed);
    if (!v->txn) {
        journal_remove(core, path);
        watch_fire_removed(core, path, removed, NULL);
        watch_fire(core, path, removed->acl, NULL, false);
    }
    node_unref(removed);
    return 0;
}

/* A missing node whose parent is there counts as removed. */
static int remove_missing(const struct view *v, const char *path)
{
    char parent[XENSTORE_ABS_PATH_MAX + 1];
    size_t len = path_parent_len(path);
    int err;

    memcpy(parent, path, len);
    parent[len] = '\0';
    err = touch(v, parent, len, TOUCH_SELF);
    if (err) {
        return err;
    }
    return tree_find(*root_of(v), parent) ? 0 : ENOENT;
}

int view_remove(const struct view *v, const char *path)
{
    struct node *n;
    int err = view_find(v, path, PERM_WRITE, &n);

    if (err == ENOENT) {
        return remove_missing(v, path);
    }
    if (err) {
        return err;
    }
    if (!strcmp(path, "/")) {
        return EINVAL;
    }
    err = touch(v, path, strlen(path),
                TOUCH_SELF | TOUCH_TREE | TOUCH_DIRTY | TOUCH_GONE | TOUCH_FIRE);
    return err ? err : cut(v, path);
}

int view_purge(struct core *core, const char *path)
{
    struct conn nobody = {.core = core, .privileged = true};
    struct view v = {.conn = &nobody};

    return cut(&v, path);
}

/* ---- permissions -------------------------------------------------------------------------- */

static int set_special(struct core *core, const char *path, struct acl *acl)
{
    char real[XENSTORE_ABS_PATH_MAX + 1];
    size_t len;
    int err;

    memcpy(real, path, strlen(path) + 1);
    real[0] = '/';
    tree_nearest(core->special, real, &len);
    if (real[len]) {
        err = tree_create(&core->special, real, acl, NULL, core_gen(core));
        acl_unref(acl);
    } else {
        err = tree_set_acl(&core->special, real, acl, core_gen(core));
    }
    if (!err) {
        journal_special(core, path, tree_find(core->special, real)->acl);
    }
    return -err;
}

/* Takes over the caller's reference on acl. */
static int replace_acl(const struct view *v, const char *path, struct node *n, struct acl *acl)
{
    struct core *core = v->conn->core;
    struct acl *before = acl_ref(n->acl);
    long size = node_size(n), grow = ((long)acl->n - before->n) * (long)sizeof(acl->e[0]);
    uint32_t owner = acl->e[0].domid;
    int err = charge(v, owner, 1, size + grow);

    if (err) {
        acl_unref(acl);
        goto out;
    }
    if (tree_set_acl(root_of(v), path, acl, core_gen(core))) {
        charge(v, owner, -1, -(size + grow));
        err = ENOMEM;
        goto out;
    }
    charge(v, before->e[0].domid, -1, -size);
    if (!v->txn) {
        n = tree_find(core->root, path);
        journal_node(core, path, n);
        watch_fire(core, path, before, n->acl, false);
    }

out:
    acl_unref(before);
    return err;
}

int view_set_acl(const struct view *v, const char *path, const struct acl_entry *e, uint32_t n)
{
    struct node *node;
    struct acl *acl;
    int err = view_find(v, path, PERM_WRITE | PERM_OWNER, &node);

    if (err) {
        return err;
    }
    if (!v->conn->privileged && e[0].domid != node_owner(node)) {
        return EPERM;
    }
    if (!quota_allows(v->conn, QUOTA_PERMISSIONS, n, path) ||
        !quota_allows(v->conn, QUOTA_NODE_SIZE,
                      node_size(node) + (uint64_t)n * sizeof(*e) - node->acl->n * sizeof(*e),
                      path)) {
        return ENOSPC;
    }
    if (!path_is_special(path)) {
        err = touch(v, path, strlen(path), TOUCH_SELF | TOUCH_DIRTY | TOUCH_FIRE);
    }
    if (!err && v->txn) {
        err = txn_charge(v->txn, n * sizeof(*e), path);
    }
    if (err) {
        return err;
    }
    acl = acl_new(e, n);
    if (!acl) {
        return ENOMEM;
    }
    return path_is_special(path) ? set_special(v->conn->core, path, acl)
                                 : replace_acl(v, path, node, acl);
}

int view_force_acl(struct core *core, const char *path, const struct acl_entry *e, uint32_t n)
{
    struct conn nobody = {.core = core, .privileged = true};
    struct view v = {.conn = &nobody};
    struct node *node;
    struct acl *acl;

    acl = acl_new(e, n);
    if (!acl) {
        return ENOMEM;
    }
    if (path_is_special(path)) {
        return set_special(core, path, acl);
    }
    node = tree_find(core->root, path);
    if (!node) {
        acl_unref(acl);
        return ENOENT;
    }
    return replace_acl(&v, path, node, acl);
}
