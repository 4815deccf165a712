/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree as one request sees it: the present version, or its transaction's. All permission checks
 * on nodes, all quotas on nodes and all notes for transactions are made here.
 *
 * Paths are valid absolute ones. Results are 0 or a positive errno.
 */
#ifndef HOSPES_XENSTORE_VIEW_H
#define HOSPES_XENSTORE_VIEW_H

#include <stddef.h>
#include <stdint.h>

struct acl_entry;
struct conn;
struct node;
struct txn;

struct view {
    struct conn *conn;
    struct txn *txn; /* or NULL */
};

/* The node, for someone who needs the rights `want` (PERM_*). A node that does not exist is ENOENT
 * only for those who have these rights on the nearest node above it; for others it is EACCES, so
 * that nobody can probe what is hidden from him. Special names give their permission holder. */
int view_find(const struct view *v, const char *path, unsigned int want, struct node **out);

/* The same for listing its children. */
int view_list(const struct view *v, const char *path, struct node **out);

int view_write(const struct view *v, const char *path, const void *data, uint32_t len);
int view_mkdir(const struct view *v, const char *path);
int view_remove(const struct view *v, const char *path);
int view_set_acl(const struct view *v, const char *path, const struct acl_entry *e, uint32_t n);

/* Removes a subtree whatever its permissions, outside of any transaction. */
struct core;
int view_purge(struct core *core, const char *path);

/* Replaces permissions outside of any transaction and without checks. */
int view_force_acl(struct core *core, const char *path, const struct acl_entry *e, uint32_t n);

#endif
