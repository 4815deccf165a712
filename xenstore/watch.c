/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches. A change of /a/b/c asks the hash for watches of /a/b/c, /a/b, /a and /, so its cost
 * depends on the path's depth and not on the number of watches.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/core.h"
#include "xenstore/journal.h"
#include "xenstore/path.h"
#include "xenstore/perm.h"
#include "xenstore/watch.h"

/* FNV-1a, a byte at a time. */
#define HASH_START 2166136261u

static uint32_t hash_byte(uint32_t h, char c)
{
    return (h ^ (unsigned char)c) * 16777619u;
}

static struct watch **bucket_of(struct core *core, uint32_t h)
{
    return &core->watches[(h ^ h >> 15) & (CORE_HASH - 1)];
}

static struct watch **bucket(struct core *core, const char *path, size_t len)
{
    uint32_t h = HASH_START;

    while (len--) {
        h = hash_byte(h, *path++);
    }
    return bucket_of(core, h);
}

static size_t watch_bytes(const struct watch *w)
{
    return sizeof(*w) + strlen(w->path) + strlen(w->token) + 2;
}

static struct watch *find(struct conn *c, const char *path, const char *token)
{
    struct watch *w;

    for (w = *bucket(c->core, path, strlen(path)); w; w = w->hash_next) {
        if (w->conn == c && !strcmp(w->path, path) && !strcmp(w->token, token)) {
            break;
        }
    }
    return w;
}

int watch_add(struct conn *c, const char *path, uint32_t strip, const char *token)
{
    struct usage *use = conn_usage(c);
    size_t plen = strlen(path) + 1, tlen = strlen(token) + 1;
    struct watch *w, **slot;

    if (find(c, path, token)) {
        return EEXIST;
    }
    if (!quota_allows(c, QUOTA_WATCHES, use->watches + 1ull, path)) {
        return E2BIG;
    }
    if (!quota_allows_bytes(c, sizeof(*w) + plen + tlen, path)) {
        return ENOSPC;
    }
    w = mem_alloc(sizeof(*w) + plen + tlen);
    if (!w) {
        return ENOMEM;
    }
    *w = (struct watch){.conn = c, .strip = strip, .prev = c->last_watch};
    memcpy(w->path, path, plen);
    w->token = w->path + plen;
    memcpy(w->token, token, tlen);
    *(w->prev ? &w->prev->next : &c->watches) = w;
    c->last_watch = w;
    slot = bucket(c->core, path, plen - 1);
    w->hash_next = *slot;
    *slot = w;
    use->watches++;
    use->work_bytes += watch_bytes(w);
    journal_watch(c, w);
    return 0;
}

void watch_free(struct watch *w)
{
    struct conn *c = w->conn;
    struct watch **slot = bucket(c->core, w->path, strlen(w->path));

    while (*slot != w) {
        slot = &(*slot)->hash_next;
    }
    *slot = w->hash_next;
    *(w->prev ? &w->prev->next : &c->watches) = w->next;
    *(w->next ? &w->next->prev : &c->last_watch) = w->prev;
    conn_usage(c)->watches--;
    conn_usage(c)->work_bytes -= watch_bytes(w);
    free(w);
}

int watch_remove(struct conn *c, const char *path, const char *token)
{
    struct watch *w = find(c, path, token);

    if (!w) {
        return ENOENT;
    }
    journal_unwatch(c, w);
    watch_free(w);
    return 0;
}

/* ---- events ------------------------------------------------------------------------------- */

struct event {
    struct core *core;
    const char *path;
    const struct acl *before, *after;
    const struct acl *parent; /* looked up when first asked for */
    bool parent_known;
};

static const struct acl *parent_acl(struct event *e)
{
    char parent[XENSTORE_ABS_PATH_MAX + 1];
    size_t len = path_parent_len(e->path);
    struct node *n;

    if (!e->parent_known) {
        memcpy(parent, e->path, len);
        parent[len] = '\0';
        n = tree_find(e->core->root, parent);
        e->parent = n ? n->acl : NULL;
        e->parent_known = true;
    }
    return e->parent;
}

static bool may_see(struct event *e, const struct conn *c)
{
    if (c->privileged || (e->after && perm_granted(c, e->after) & PERM_READ) ||
        (e->before && perm_granted(c, e->before) & PERM_READ)) {
        return true;
    }
    return parent_acl(e) && perm_granted(c, e->parent) & PERM_READ;
}

/* Tells those who watch the first len bytes of the event's path, which are in that bucket. */
static void fire_at(struct event *e, size_t len, uint32_t hash)
{
    struct watch *w;

    for (w = *bucket_of(e->core, hash); w; w = w->hash_next) {
        if (!strncmp(w->path, e->path, len) && !w->path[len] && may_see(e, w->conn)) {
            conn_send_event(w->conn, e->path + w->strip, w->token);
        }
    }
}

/* The path itself first, then what is above it. */
static void fire(struct event *e, bool exact)
{
    struct {
        uint32_t hash;
        size_t len;
    } above[XENSTORE_ABS_PATH_MAX / 2 + 1];
    uint32_t h = HASH_START;
    unsigned int n = 0;
    size_t len;

    for (len = 0; e->path[len]; len++) {
        if (e->path[len] == '/' && len && !exact) {
            above[n].hash = h;
            above[n++].len = len;
        }
        h = hash_byte(h, e->path[len]);
        if (len == 0 && e->path[1] && !exact) {
            above[n].hash = h; /* "/" */
            above[n++].len = 1;
        }
    }
    fire_at(e, len, h);
    while (n--) {
        fire_at(e, above[n].len, above[n].hash);
    }
}

void watch_fire(struct core *core, const char *path, const struct acl *before,
                const struct acl *after, bool exact)
{
    struct event e = {.core = core, .path = path, .before = before, .after = after};

    if (!core->replaying) {
        fire(&e, exact);
    }
}

static void fire_kids(struct core *core, char *path, const struct node *removed,
                      const struct node *now)
{
    size_t len = strlen(path), at = len > 1 ? len : 0;
    uint32_t i;

    for (i = 0; i < removed->nkids; i++) {
        struct node *kid = removed->kids[i], *other = NULL;
        char name[XENSTORE_ABS_PATH_MAX + 2];

        if (now) {
            snprintf(name, sizeof(name), "/%s", kid->name);
            other = tree_find((struct node *)now, name);
        }
        snprintf(path + at, XENSTORE_ABS_PATH_MAX + 1 - at, "/%s", kid->name);
        if (!other) {
            watch_fire(core, path, kid->acl, NULL, true);
        }
        fire_kids(core, path, kid, other);
        path[len] = '\0';
    }
}

void watch_fire_removed(struct core *core, const char *path, const struct node *removed,
                        const struct node *now)
{
    char scratch[XENSTORE_ABS_PATH_MAX + 1];

    if (!core->replaying) {
        snprintf(scratch, sizeof(scratch), "%s", path);
        fire_kids(core, scratch, removed, now);
    }
}

/* The permissions of "@name/N" are its own if somebody set them, else those of "@name". */
static void fire_name(struct core *core, const char *name)
{
    char path[64];
    size_t len;
    struct node *n;
    struct watch *w;

    snprintf(path, sizeof(path), "/%s", name + 1);
    n = tree_nearest(core->special, path, &len);
    for (w = *bucket(core, name, strlen(name)); w; w = w->hash_next) {
        if (!strcmp(w->path, name) && perm_granted(w->conn, n->acl) & PERM_READ) {
            conn_send_event(w->conn, name, w->token);
        }
    }
}

void watch_fire_special(struct core *core, const char *name, uint32_t domid)
{
    char one[64];

    if (core->replaying) {
        return;
    }
    fire_name(core, name);
    snprintf(one, sizeof(one), "%s/%u", name, domid);
    fire_name(core, one);
}

void watch_refire(struct conn *c)
{
    struct watch *w;

    for (w = c->watches; w; w = w->next) {
        conn_send_event(c, w->path + w->strip, w->token);
    }
}
