/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing and reading journal entries. See journal.h for their form. */
#include <stdlib.h>
#include <string.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/core.h"
#include "xenstore/journal.h"
#include "xenstore/path.h"
#include "xenstore/perm.h"
#include "xenstore/txn.h"
#include "xenstore/view.h"
#include "xenstore/watch.h"

/* ---- writing ------------------------------------------------------------------------------ */

size_t journal_begin(struct buf *b, uint8_t code)
{
    buf_u8(b, code);
    buf_u32(b, 0);
    return b->len;
}

void journal_end(struct buf *b, size_t mark)
{
    uint32_t len = (uint32_t)(b->len - mark);

    if (!b->failed) {
        memcpy(b->data + mark - sizeof(len), &len, sizeof(len));
    }
}

static void put_blob(struct buf *b, const void *data, size_t len)
{
    buf_u32(b, (uint32_t)len);
    buf_add(b, data, len);
}

static void put_string(struct buf *b, const char *s)
{
    put_blob(b, s, strlen(s) + 1);
}

static void put_acl(struct buf *b, const struct acl *acl)
{
    uint32_t i;

    buf_u32(b, acl->n);
    for (i = 0; i < acl->n; i++) {
        buf_u32(b, acl->e[i].domid);
        buf_u32(b, acl->e[i].access);
    }
}

static void put_node(struct buf *b, const char *path, const struct node *n)
{
    size_t m = journal_begin(b, 'N');

    put_string(b, path);
    put_acl(b, n->acl);
    put_blob(b, n->value ? n->value->data : NULL, node_value_len(n));
    journal_end(b, m);
}

static void put_path_acl(struct buf *b, const char *name, const struct acl *acl)
{
    size_t m = journal_begin(b, 'P');

    put_string(b, name);
    put_acl(b, acl);
    journal_end(b, m);
}

static void put_introduce(struct buf *b, const struct domain *d)
{
    size_t m = journal_begin(b, 'I');

    buf_u32(b, d->domid);
    buf_u32(b, d->port);
    buf_u64(b, d->gfn);
    journal_end(b, m);
}

static void put_numbers(struct buf *b, uint8_t code, uint32_t first, const uint32_t *second)
{
    size_t m = journal_begin(b, code);

    buf_u32(b, first);
    if (second) {
        buf_u32(b, *second);
    }
    journal_end(b, m);
}

static void put_watch(struct buf *b, const struct watch *w)
{
    size_t m = journal_begin(b, 'W');

    buf_u32(b, w->conn->domid);
    buf_u32(b, w->strip);
    put_string(b, w->path);
    put_string(b, w->token);
    journal_end(b, m);
}

static void put_quota(struct buf *b, uint32_t domid, const struct quota_set *set, enum quota q)
{
    size_t m = journal_begin(b, 'Q');

    buf_u32(b, domid);
    put_string(b, quota_info[q].name);
    buf_u32(b, set->own[q]);
    buf_u32(b, set->limit[q]);
    journal_end(b, m);
}

void journal_node(struct core *core, const char *path, const struct node *n)
{
    if (!core->replaying) {
        put_node(&core->batch, path, n);
    }
}

void journal_remove(struct core *core, const char *path)
{
    size_t m;

    if (!core->replaying) {
        m = journal_begin(&core->batch, 'R');
        put_string(&core->batch, path);
        journal_end(&core->batch, m);
    }
}

void journal_special(struct core *core, const char *name, const struct acl *acl)
{
    if (!core->replaying) {
        put_path_acl(&core->batch, name, acl);
    }
}

void journal_introduce(struct core *core, const struct domain *d)
{
    if (!core->replaying) {
        put_introduce(&core->batch, d);
    }
}

static void add_numbers(struct core *core, uint8_t code, uint32_t first, const uint32_t *second)
{
    if (!core->replaying) {
        put_numbers(&core->batch, code, first, second);
    }
}

void journal_release(struct core *core, uint32_t domid)
{
    add_numbers(core, 'L', domid, NULL);
}

void journal_shutdown(struct core *core, uint32_t domid, bool is_shutdown)
{
    uint32_t flag = is_shutdown;

    add_numbers(core, 'S', domid, &flag);
}

void journal_target(struct core *core, uint32_t domid, uint32_t target)
{
    add_numbers(core, 'T', domid, &target);
}

void journal_watch(const struct conn *c, const struct watch *w)
{
    if (c->domain && !c->core->replaying) {
        put_watch(&c->core->batch, w);
    }
}

void journal_unwatch(const struct conn *c, const struct watch *w)
{
    struct buf *b = &c->core->batch;
    size_t m;

    if (c->domain && !c->core->replaying) {
        m = journal_begin(b, 'U');
        buf_u32(b, c->domid);
        put_string(b, w->path);
        put_string(b, w->token);
        journal_end(b, m);
    }
}

void journal_reset(const struct conn *c)
{
    if (c->domain) {
        add_numbers(c->core, 'X', c->domid, NULL);
    }
}

void journal_txn(const struct conn *c, uint32_t id, bool begin)
{
    if (c->domain) {
        add_numbers(c->core, begin ? 'B' : 'E', c->domid, &id);
    }
}

void journal_quota(struct core *core, uint32_t domid, unsigned int quota)
{
    struct domain *d = domid == DOMAIN_NONE ? NULL : domain_find(core, domid);

    if (!core->replaying) {
        put_quota(&core->batch, domid, d ? &d->quota : &core->quota, (enum quota)quota);
    }
}

/* ---- a snapshot --------------------------------------------------------------------------- */

static void snapshot_tree(struct buf *b, const struct node *n, char *path, size_t len)
{
    uint32_t i;

    put_node(b, len ? path : "/", n);
    for (i = 0; i < n->nkids; i++) {
        size_t klen = strlen(n->kids[i]->name);

        path[len] = '/';
        memcpy(path + len + 1, n->kids[i]->name, klen + 1);
        snapshot_tree(b, n->kids[i], path, len + 1 + klen);
        path[len] = '\0';
    }
}

static void snapshot_special(struct buf *b, const struct node *n, char *path, size_t len)
{
    uint32_t i;

    if (len) {
        put_path_acl(b, path, n->acl);
    }
    for (i = 0; i < n->nkids; i++) {
        size_t klen = strlen(n->kids[i]->name);

        path[len] = len ? '/' : '@';
        memcpy(path + len + 1, n->kids[i]->name, klen + 1);
        snapshot_special(b, n->kids[i], path, len + 1 + klen);
        path[len] = '\0';
    }
}

static void snapshot_quotas(struct buf *b, uint32_t domid, const struct quota_set *set)
{
    enum quota q;

    for (q = 0; q < QUOTA_COUNT; q++) {
        if (domid == DOMAIN_NONE || set->own[q]) {
            put_quota(b, domid, set, q);
        }
    }
}

static void snapshot_domain(struct buf *b, const struct domain *d)
{
    uint32_t flag = d->shutdown;
    const struct watch *w;
    const struct txn *t;

    snapshot_quotas(b, d->domid, &d->quota);
    if (!d->introduced) {
        return;
    }
    put_introduce(b, d);
    if (flag) {
        put_numbers(b, 'S', d->domid, &flag);
    }
    for (w = d->conn->watches; w; w = w->next) {
        put_watch(b, w);
    }
    for (t = d->conn->txns; t; t = t->next) {
        put_numbers(b, 'B', d->domid, &t->id);
    }
}

void journal_snapshot(struct core *core, struct buf *b)
{
    char path[XENSTORE_ABS_PATH_MAX + 2] = "";
    struct domain *d;
    size_t i;

    snapshot_quotas(b, DOMAIN_NONE, &core->quota);
    snapshot_special(b, core->special, path, 0);
    snapshot_tree(b, core->root, path, 0);
    for (i = 0; i < CORE_HASH; i++) {
        for (d = core->domains[i]; d; d = d->next) {
            snapshot_domain(b, d);
        }
    }
    for (i = 0; i < CORE_HASH; i++) {
        for (d = core->domains[i]; d; d = d->next) {
            if (d->target != DOMAIN_NONE) {
                put_numbers(b, 'T', d->domid, &d->target);
            }
        }
    }
}

/* ---- reading ------------------------------------------------------------------------------ */

/* A cursor over the fields of one entry. Past the end all numbers are 0 and `bad` is set. */
struct fields {
    const unsigned char *p, *end;
    bool bad;
};

static const void *take(struct fields *f, size_t len)
{
    const void *p = f->p;

    if (f->bad || len > (size_t)(f->end - f->p)) {
        f->bad = true;
        return NULL;
    }
    f->p += len;
    return p;
}

static uint32_t take_u32(struct fields *f)
{
    uint32_t v = 0;
    const void *p = take(f, sizeof(v));

    if (p) {
        memcpy(&v, p, sizeof(v));
    }
    return v;
}

static uint64_t take_u64(struct fields *f)
{
    uint64_t v = 0;
    const void *p = take(f, sizeof(v));

    if (p) {
        memcpy(&v, p, sizeof(v));
    }
    return v;
}

static const void *take_blob(struct fields *f, uint32_t *len)
{
    *len = take_u32(f);
    return take(f, *len);
}

static const char *take_string(struct fields *f)
{
    uint32_t len;
    const char *s = take_blob(f, &len);

    if (!s || !len || memchr(s, 0, len) != s + len - 1) {
        f->bad = true;
        return "/";
    }
    return s;
}

static const char *take_path(struct fields *f)
{
    const char *path = take_string(f);

    if (!path_valid(path, true, XENSTORE_ABS_PATH_MAX)) {
        f->bad = true;
        return "/";
    }
    return path;
}

/* At most 4,096 bytes of entries fit in a message, so this many are never exceeded. */
#define MAX_ENTRIES 2048u

static struct acl *take_acl(struct fields *f)
{
    uint32_t n = take_u32(f);
    const void *e = n && n <= MAX_ENTRIES ? take(f, n * sizeof(struct acl_entry)) : NULL;

    if (!e) {
        f->bad = true;
        return NULL;
    }
    return acl_new(e, n);
}

static bool read_node(struct core *core, struct fields *f)
{
    struct conn nobody = {.core = core, .privileged = true};
    struct view v = {.conn = &nobody};
    const char *path = take_path(f);
    struct acl *acl = take_acl(f);
    uint32_t len;
    const void *value = take_blob(f, &len);
    bool ok = acl && !f->bad && !path_is_special(path) && len <= XENSTORE_PAYLOAD_MAX &&
              !view_write(&v, path, value, len) && !view_force_acl(core, path, acl->e, acl->n);

    acl_unref(acl);
    return ok;
}

static bool read_removed(struct core *core, struct fields *f)
{
    const char *path = take_path(f);

    if (f->bad || path_is_special(path) || !path[1]) {
        return false;
    }
    return !tree_find(core->root, path) || !view_purge(core, path);
}

static bool read_special(struct core *core, struct fields *f)
{
    const char *path = take_path(f);
    struct acl *acl = take_acl(f);
    bool ok =
        acl && !f->bad && path_is_special(path) && !view_force_acl(core, path, acl->e, acl->n);

    acl_unref(acl);
    return ok;
}

static bool read_introduce(struct core *core, struct fields *f)
{
    uint32_t domid = take_u32(f), port = take_u32(f);
    uint64_t gfn = take_u64(f);
    struct domain *d = domain_find(core, domid);

    if (f->bad || domid >= DOMID_LIMIT) {
        return false;
    }
    if (d && d->introduced) {
        d->gfn = gfn;
        d->port = port;
        return true;
    }
    return !domain_introduce(core, domid, gfn, port);
}

/* Only the connection goes: the nodes that went with it have entries of their own. */
static bool read_release(struct core *core, struct fields *f)
{
    struct domain *d = domain_find(core, take_u32(f));

    if (!d) {
        return !f->bad;
    }
    if (d->introduced) {
        conn_free(d->conn);
        d->conn = NULL;
        d->introduced = false;
    }
    memset(&d->quota, 0, sizeof(d->quota));
    domain_put(d);
    return true;
}

static bool read_shutdown(struct core *core, struct fields *f)
{
    struct domain *d = domain_find(core, take_u32(f));
    uint32_t flag = take_u32(f);

    if (d) {
        d->shutdown = flag;
    }
    return !f->bad;
}

static bool read_target(struct core *core, struct fields *f)
{
    struct domain *d = domain_find(core, take_u32(f));
    uint32_t target = take_u32(f);

    if (d) {
        d->target = target;
    }
    return !f->bad;
}

static struct conn *take_conn(struct core *core, struct fields *f)
{
    struct domain *d = domain_find(core, take_u32(f));

    return d ? d->conn : NULL;
}

static bool read_watch(struct core *core, struct fields *f)
{
    struct conn *c = take_conn(core, f);
    uint32_t strip = take_u32(f);
    const char *path = take_path(f), *token = take_string(f);

    if (f->bad || strip >= strlen(path)) {
        return false;
    }
    if (c) {
        watch_add(c, path, strip, token);
    }
    return true;
}

static bool read_unwatch(struct core *core, struct fields *f)
{
    struct conn *c = take_conn(core, f);
    const char *path = take_path(f), *token = take_string(f);

    if (c && !f->bad) {
        watch_remove(c, path, token);
    }
    return !f->bad;
}

static bool read_reset(struct core *core, struct fields *f)
{
    struct conn *c = take_conn(core, f);

    if (c) {
        conn_reset(c);
    }
    return !f->bad;
}

static bool read_begin(struct core *core, struct fields *f)
{
    struct conn *c = take_conn(core, f);
    uint32_t id = take_u32(f);
    struct txn *t;

    if (f->bad || !id) {
        return false;
    }
    if (c && !txn_find(c, id) && !txn_start(c, id, &t)) {
        t->doomed = true;
        core->last_tx = id > core->last_tx ? id : core->last_tx;
    }
    return true;
}

static bool read_end(struct core *core, struct fields *f)
{
    struct conn *c = take_conn(core, f);
    struct txn *t = c ? txn_find(c, take_u32(f)) : NULL;

    if (t) {
        txn_free(t);
    }
    return !f->bad;
}

static bool read_quota(struct core *core, struct fields *f)
{
    uint32_t domid = take_u32(f);
    enum quota q = quota_find(take_string(f));
    uint32_t own = take_u32(f), limit = take_u32(f);
    struct quota_set *set = &core->quota;
    struct domain *d;

    if (f->bad) {
        return false;
    }
    if (q == QUOTA_COUNT) {
        return true; /* of another version of us */
    }
    if (domid != DOMAIN_NONE) {
        d = domain_get(core, domid);
        if (!d) {
            return false;
        }
        set = &d->quota;
    }
    set->own[q] = own;
    set->limit[q] = limit;
    return true;
}

typedef bool reader(struct core *core, struct fields *f);

static reader *const readers['Z' + 1] = {
    ['N'] = read_node,    ['R'] = read_removed,  ['P'] = read_special, ['I'] = read_introduce,
    ['L'] = read_release, ['S'] = read_shutdown, ['T'] = read_target,  ['W'] = read_watch,
    ['U'] = read_unwatch, ['X'] = read_reset,    ['B'] = read_begin,   ['E'] = read_end,
    ['Q'] = read_quota,
};

static bool read_entry(struct core *core, uint8_t code, struct fields *f)
{
    if (code >= 'a' && code <= 'z') {
        core->ops->replay(core->arg, code, f->p, (size_t)(f->end - f->p));
        return true;
    }
    return code <= 'Z' && readers[code] && readers[code](core, f);
}

bool journal_replay(struct core *core, const void *data, size_t len)
{
    struct fields all = {data, len ? (const unsigned char *)data + len : data, false};
    bool ok = true;

    core->replaying = true;
    while (ok && all.p < all.end) {
        const uint8_t *code = take(&all, 1);
        uint32_t n;
        const unsigned char *p = take_blob(&all, &n);
        struct fields f = {p, p ? p + n : NULL, false};

        ok = code && p && read_entry(core, *code, &f);
    }
    core->replaying = false;
    return ok;
}
