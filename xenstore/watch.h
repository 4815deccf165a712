/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches: who wants to hear of which path, found by a hash of the path. */
#ifndef HOSPES_XENSTORE_WATCH_H
#define HOSPES_XENSTORE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acl;
struct conn;
struct core;
struct node;

struct watch {
    struct conn *conn;
    struct watch *hash_next;
    struct watch *prev, *next; /* of the connection */
    uint32_t strip; /* bytes to leave out at the start of reported paths (a relative watch) */
    char *token;
    char path[];
};

/* Sets a watch on a valid absolute or special path. 0, EEXIST, ENOMEM or a quota's error. Sends no
 * first event. */
int watch_add(struct conn *c, const char *path, uint32_t strip, const char *token);

/* 0 or ENOENT. */
int watch_remove(struct conn *c, const char *path, const char *token);

void watch_free(struct watch *w);

/* Reports that path changed to all who watch it (exact) or also anything above it, if they may read
 * it. The permissions it had and has now; either may be NULL. */
void watch_fire(struct core *core, const char *path, const struct acl *before,
                const struct acl *after, bool exact);

/* Reports everything below path (and not path itself) as removed, as far as someone watches exactly
 * that. `removed` is what was there, `now` is what is there instead or NULL. */
void watch_fire_removed(struct core *core, const char *path, const struct node *removed,
                        const struct node *now);

/* Reports "@introduceDomain" or "@releaseDomain", plain and with "/N". */
void watch_fire_special(struct core *core, const char *name, uint32_t domid);

/* Sends each watch of a connection once, as if new. */
void watch_refire(struct conn *c);

#endif
