/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must outlive the process, as a sequence of entries: a change of the tree, a watch or a
 * transaction of a domain, a domain that came or went. A journal is a snapshot followed by changes;
 * both have the same form, so reading one is reading entries from the start to the end.
 *
 *   entry:   code (1 byte), length (4), fields
 *   fields:  numbers of 4 or 8 bytes in this machine's order, strings and blobs led by 4 bytes of
 *            length (strings with their NUL)
 *
 *   N node      path, n, n x (domid, access), value        made or changed
 *   R removed   path                                       with all below
 *   P special   name, n, n x (domid, access)
 *   I introduce domid, port, gfn (8)
 *   L release   domid
 *   S shutdown  domid, flag
 *   T target    domid, target
 *   W watch     domid, strip, path, token                  of domains only: sockets die with us
 *   U unwatch   domid, path, token
 *   X reset     domid
 *   B begin     domid, transaction
 *   E end       domid, transaction
 *   Q quota     domid or ~0, quota's name, own, limit
 *   a to z      the transport's own
 */
#ifndef HOSPES_XENSTORE_JOURNAL_H
#define HOSPES_XENSTORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acl;
struct buf;
struct conn;
struct core;
struct domain;
struct node;
struct watch;

/* Each adds one entry to the batch of the request at hand; nothing while a journal is read. */
void journal_node(struct core *core, const char *path, const struct node *n);
void journal_remove(struct core *core, const char *path);
void journal_special(struct core *core, const char *name, const struct acl *acl);
void journal_introduce(struct core *core, const struct domain *d);
void journal_release(struct core *core, uint32_t domid);
void journal_shutdown(struct core *core, uint32_t domid, bool is_shutdown);
void journal_target(struct core *core, uint32_t domid, uint32_t target);
void journal_watch(const struct conn *c, const struct watch *w);
void journal_unwatch(const struct conn *c, const struct watch *w);
void journal_reset(const struct conn *c);
void journal_txn(const struct conn *c, uint32_t id, bool begin);
void journal_quota(struct core *core, uint32_t domid, unsigned int quota);

/* Starts an entry in b and, with what it returned, ends it: for the transport's own. */
size_t journal_begin(struct buf *b, uint8_t code);
void journal_end(struct buf *b, size_t mark);

/* Writes entries that make a core like this one. */
void journal_snapshot(struct core *core, struct buf *b);

/* Applies entries. False if they are damaged; what came before the damage is applied. Transactions
 * that were open come back as doomed ones. */
bool journal_replay(struct core *core, const void *data, size_t len);

#endif
