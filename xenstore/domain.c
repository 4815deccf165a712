/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains: how they come, what is kept for them, and what goes with them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/core.h"
#include "xenstore/journal.h"
#include "xenstore/perm.h"
#include "xenstore/view.h"
#include "xenstore/watch.h"

static struct domain **slot_of(struct core *core, uint32_t domid)
{
    struct domain **slot = &core->domains[domid & (CORE_HASH - 1)];

    while (*slot && (*slot)->domid != domid) {
        slot = &(*slot)->next;
    }
    return slot;
}

struct domain *domain_find(struct core *core, uint32_t domid)
{
    return *slot_of(core, domid);
}

struct domain *domain_get(struct core *core, uint32_t domid)
{
    struct domain **slot = slot_of(core, domid), *d = *slot;

    if (d) {
        return d;
    }
    d = mem_alloc(sizeof(*d));
    if (d) {
        memset(d, 0, sizeof(*d));
        d->core = core;
        d->domid = domid;
        d->target = DOMAIN_NONE;
        *slot = d;
    }
    return d;
}

void domain_put(struct domain *d)
{
    struct domain **slot = slot_of(d->core, d->domid);
    enum quota q;

    if (d->introduced || d->conn || d->use.nodes) {
        return;
    }
    for (q = 0; q < QUOTA_COUNT; q++) {
        if (d->quota.own[q]) {
            return;
        }
    }
    *slot = d->next;
    free(d);
}

int domain_charge(struct core *core, uint32_t domid, long nodes, long bytes)
{
    struct domain *d = domain_get(core, domid);

    if (!d) {
        return ENOMEM;
    }
    d->use.nodes += (uint32_t)nodes;
    d->use.node_bytes += (uint64_t)bytes;
    domain_put(d);
    return 0;
}

/* ---- coming ------------------------------------------------------------------------------- */

static int known_again(struct domain *d, uint64_t gfn, uint32_t port)
{
    struct core *core = d->core;
    uint64_t old_gfn = d->gfn;
    uint32_t old_port = d->port;
    int err;

    d->gfn = gfn;
    d->port = port;
    err = core->ops->introduce(core->arg, d);
    if (err) {
        d->gfn = old_gfn;
        d->port = old_port;
        return err;
    }
    /* A domain that was restored or went through a soft reset starts afresh. */
    if (d->domid != 0) {
        conn_reset(d->conn);
        journal_reset(d->conn);
    }
    return 0;
}

int domain_introduce(struct core *core, uint32_t domid, uint64_t gfn, uint32_t port)
{
    struct domain *d = domain_get(core, domid);
    int err;

    if (!d) {
        return ENOMEM;
    }
    if (d->introduced) {
        err = known_again(d, gfn, port);
        goto out;
    }
    d->conn = conn_new(core, domid, d);
    if (!d->conn) {
        domain_put(d);
        return ENOMEM;
    }
    d->introduced = true;
    d->shutdown = false;
    d->gfn = gfn;
    d->port = port;
    err = core->replaying ? 0 : core->ops->introduce(core->arg, d);
    if (err) {
        conn_free(d->conn);
        d->conn = NULL;
        d->introduced = false;
        domain_put(d);
        return err;
    }

out:
    if (!err) {
        journal_introduce(core, d);
        watch_fire_special(core, "@introduceDomain", domid);
    }
    return err;
}

/* ---- going -------------------------------------------------------------------------------- */

struct sweep {
    struct core *core;
    uint32_t domid;
    struct buf paths; /* NUL-terminated, each led by 'R' (remove) or 'P' (permissions) */
    char path[XENSTORE_ABS_PATH_MAX + 2];
};

static bool names_domain(const struct acl *acl, uint32_t domid)
{
    uint32_t i;

    for (i = 1; i < acl->n; i++) {
        if (acl->e[i].domid == domid) {
            return true;
        }
    }
    return false;
}

/* Notes the topmost nodes that the domain owns, and the others that mention it. */
static void sweep(struct sweep *s, const struct node *n, size_t len)
{
    uint32_t i;

    if (len > 0 && node_owner(n) == s->domid) {
        buf_u8(&s->paths, 'R');
        buf_str(&s->paths, s->path);
        return;
    }
    if (names_domain(n->acl, s->domid)) {
        buf_u8(&s->paths, 'P');
        buf_str(&s->paths, len ? s->path : "/");
    }
    for (i = 0; i < n->nkids; i++) {
        size_t klen = strlen(n->kids[i]->name);

        if (len + klen + 1 >= sizeof(s->path)) {
            continue; /* cannot happen: no path is that long */
        }
        s->path[len] = '/';
        memcpy(s->path + len + 1, n->kids[i]->name, klen + 1);
        sweep(s, n->kids[i], len + klen + 1);
        s->path[len] = '\0';
    }
}

/* Takes the domain out of a permission list: a later domain of that number must not inherit it. */
static void strip(struct core *core, const char *path, const struct acl *acl, uint32_t domid)
{
    struct acl_entry *e = mem_alloc(acl->n * sizeof(*e));
    uint32_t i, n = 1;

    if (!e) {
        core_log(core, "no memory to take dead domain %u out of the permissions of %s", domid,
                 path);
        return;
    }
    e[0] = acl->e[0];
    for (i = 1; i < acl->n; i++) {
        if (acl->e[i].domid != domid) {
            e[n++] = acl->e[i];
        }
    }
    if (view_force_acl(core, path, e, n)) {
        core_log(core, "cannot take dead domain %u out of the permissions of %s", domid, path);
    }
    free(e);
}

static void apply_sweep(struct sweep *s)
{
    const char *p;
    size_t at;

    for (at = 0; at < s->paths.len; at += strlen(p) + 1) {
        struct node *n;

        p = (const char *)s->paths.data + at;
        n = tree_find(s->core->root, p + 1);

        if (*p == 'R' && view_purge(s->core, p + 1)) {
            core_log(s->core, "no memory to remove %s of dead domain %u", p + 1, s->domid);
        }
        if (*p == 'P') {
            strip(s->core, p + 1, n->acl, s->domid);
        }
    }
}

/* A domain's nodes go with it; Domain 0's stay whatever happens. */
static void remove_traces(struct core *core, uint32_t domid)
{
    struct sweep s = {.core = core, .domid = domid};

    if (domid == 0) {
        return;
    }
    sweep(&s, core->root, 0);
    if (s.paths.failed) {
        core_log(core, "no memory to remove all nodes of dead domain %u", domid);
    }
    apply_sweep(&s);
    buf_free(&s.paths);
}

static void forget_targets(struct core *core, uint32_t domid)
{
    struct conn *c;

    for (c = core->conns; c; c = c->next) {
        if (c->domain && c->domain->target == domid) {
            c->domain->target = DOMAIN_NONE;
            journal_target(core, c->domid, DOMAIN_NONE);
        }
    }
}

static void disconnect(struct domain *d)
{
    struct core *core = d->core;

    if (!core->replaying) {
        core->ops->release(core->arg, d);
    }
    conn_free(d->conn);
    d->conn = NULL;
    d->introduced = false;
    journal_release(core, d->domid);
    forget_targets(core, d->domid);
}

/* The domain's own quotas were for this domain, not for the next one of that number. */
static void forget_domain(struct core *core, uint32_t domid)
{
    struct domain *d = domain_find(core, domid);

    remove_traces(core, domid);
    d = domain_find(core, domid);
    if (d) {
        memset(&d->quota, 0, sizeof(d->quota));
        domain_put(d);
    }
}

int domain_release(struct core *core, uint32_t domid)
{
    struct domain *d = domain_find(core, domid);

    if (!d || !d->introduced) {
        return ENOENT;
    }
    if (domid == 0) {
        return EINVAL; /* it would cut off the kernel that we run on */
    }
    disconnect(d);
    forget_domain(core, domid);
    watch_fire_special(core, "@releaseDomain", domid);
    return 0;
}

void domain_observe(struct core *core, uint32_t domid, bool alive, bool is_shutdown)
{
    struct domain *d = domain_find(core, domid);

    if (!d || domid == 0) {
        return;
    }
    if (!alive) {
        if (d->introduced) {
            domain_release(core, domid);
        } else {
            forget_domain(core, domid);
            journal_release(core, domid); /* the quotas that it was given */
        }
    } else if (d->introduced && is_shutdown && !d->shutdown) {
        d->shutdown = true;
        journal_shutdown(core, domid, true);
        watch_fire_special(core, "@releaseDomain", domid);
    }
}

/* ---- the rest ----------------------------------------------------------------------------- */

int domain_resume(struct core *core, uint32_t domid)
{
    struct domain *d = domain_find(core, domid);

    if (!d || !d->introduced) {
        return ENOENT;
    }
    d->shutdown = false;
    journal_shutdown(core, domid, false);
    return 0;
}

int domain_set_target(struct core *core, uint32_t domid, uint32_t target)
{
    struct domain *d = domain_find(core, domid), *t = domain_find(core, target);

    if (!d || !d->introduced || !t || !t->introduced) {
        return ENOENT;
    }
    d->target = target;
    journal_target(core, domid, target);
    return 0;
}
