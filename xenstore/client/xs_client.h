/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client library for xenstored: what the xenstore-* commands, hl, hospesd and the back ends speak.
 *
 * Conventions
 *   - int functions return 0, or -1 with errno set; pointer functions return NULL with errno set.
 *     The daemon's own errors arrive as errno (ENOENT, EACCES, EAGAIN, EINVAL, ENOSPC, E2BIG, ...).
 *   - Every returned pointer is one allocation: release it with free().
 *   - A handle belongs to one thread at a time. Open as many handles as you like.
 *   - Paths are absolute; inside a guest they may also be relative to the guest's home.
 *
 * Restarts of xenstored
 *   Over the socket a handle reconnects by itself (unless HS_NO_RECONNECT): it waits up to ten
 *   seconds for the daemon, registers its watches again (each fires once, as a new watch does) and
 *   repeats the request. Transactions do not survive: requests in them and their commit fail with
 *   EAGAIN, so the ordinary retry loop is all that a caller needs:
 *
 *       do {
 *           hs_tx_t tx = hs_tx_start(h);
 *           ...
 *       } while (hs_tx_commit(h, tx) < 0 && errno == EAGAIN);
 */
#ifndef HOSPES_XS_CLIENT_H
#define HOSPES_XS_CLIENT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hs; /* one connection */

/* A transaction of one handle; HS_TX_NONE outside of any. */
typedef uint32_t hs_tx_t;
#define HS_TX_NONE ((hs_tx_t)0)

/* Flags of hs_open(). */
#define HS_SOCKET       1u /* only the daemon's socket, never the kernel's /dev/xen/xenbus */
#define HS_READONLY     2u /* the daemon's read-only socket */
#define HS_NO_RECONNECT 4u /* fail with EPIPE or ECONNRESET when the daemon goes away */
#define HS_WAIT         8u /* if no daemon listens yet, wait up to ten seconds for it */

/*
 * Connects: to the socket in $XENSTORED_PATH, else $XENSTORED_RUNDIR/socket, else
 * /run/xenstored/socket; if there is none, to /dev/xen/xenbus, then /proc/xen/xenbus.
 * A daemon that died a moment ago (its socket refuses) is waited for up to ten seconds. In Domain 0, where no daemon answers
 * at the kernel's device within ten seconds, there is none (the socket's errno).
 * Undone by hs_close(), which also ends the handle's transactions and watches. NULL is closed fine.
 */
struct hs *hs_open(unsigned int flags);
void hs_close(struct hs *h);

/* ---- nodes ------------------------------------------------------------------------------- */

/* The value of a node, with a NUL behind it. *len (may be NULL) gets its length without that NUL. */
char *hs_read(struct hs *h, hs_tx_t tx, const char *path, size_t *len);

/* The value of the node "DIR/KEY" (KEY may hold slashes). */
char *hs_read_at(struct hs *h, hs_tx_t tx, const char *dir, const char *key);

/* Like hs_read() with the path given as a format. */
char *hs_readf(struct hs *h, hs_tx_t tx, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads a decimal or 0x-hexadecimal number; EINVAL when the node holds something else. */
int hs_read_int(struct hs *h, hs_tx_t tx, const char *path, long long *value);

/* The number from 0 to 2^32-1 in "DIR/KEY"; `otherwise` where there is none or something else. */
long long hs_number_at(struct hs *h, hs_tx_t tx, const char *dir, const char *key,
                       long long otherwise);

/* Writes a node and makes it and its parents where missing. */
int hs_write(struct hs *h, hs_tx_t tx, const char *path, const void *data, size_t len);

/* Writes a formatted value. */
int hs_writef(struct hs *h, hs_tx_t tx, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Writes a formatted value to "DIR/KEY". */
int hs_write_at(struct hs *h, hs_tx_t tx, const char *dir, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Makes an empty node (and its parents); an existing one is left alone and is no error. */
int hs_mkdir(struct hs *h, hs_tx_t tx, const char *path);

/* Removes a node and all below it. Missing: ENOENT, except that a missing last name whose parent
 * exists is no error (xenstored's own rule). */
int hs_rm(struct hs *h, hs_tx_t tx, const char *path);

/* Removes a node and then each parent that has thereby become empty, never "/" or a path of one
 * name. A missing node is no error. Use it inside a transaction if others write there. */
int hs_rm_prune(struct hs *h, hs_tx_t tx, const char *path);

/* 1 the node exists (and may be read), 0 it does not, -1 error. */
int hs_exists(struct hs *h, hs_tx_t tx, const char *path);

/* The names of the children, sorted as the daemon sorts them; *n of them, then a NULL. Directories
 * larger than one message are fetched in parts. */
char **hs_directory(struct hs *h, hs_tx_t tx, const char *path, unsigned int *n);

/* ---- permissions ------------------------------------------------------------------------- */

#define HS_PERM_NONE  0u
#define HS_PERM_READ  1u
#define HS_PERM_WRITE 2u
#define HS_PERM_BOTH  3u

/* The first entry of a list names the owner (who may do anything) and what all others may do; each
 * further one says what one domain may do. */
struct hs_perm {
    uint32_t domid;
    uint32_t access; /* HS_PERM_* */
};

struct hs_perm *hs_get_perms(struct hs *h, hs_tx_t tx, const char *path, unsigned int *n);
int hs_set_perms(struct hs *h, hs_tx_t tx, const char *path, const struct hs_perm *perms,
                 unsigned int n);

/* Text form of one entry, as "r5": out gets at most 12 bytes. Parse: false if it is not one. */
void hs_perm_format(const struct hs_perm *perm, char out[12]);
bool hs_perm_parse(const char *text, struct hs_perm *perm);

/* ---- transactions ------------------------------------------------------------------------ */

/* A snapshot to work on, HS_TX_NONE on error. Ended by exactly one hs_tx_commit() or hs_tx_abort().
 */
hs_tx_t hs_tx_start(struct hs *h);

/* Makes the changes visible, all or none. EAGAIN: somebody else changed what was used; nothing was
 * done, start again. (EAGAIN also when the daemon was restarted in between; it may then have
 * committed just before it went.) */
int hs_tx_commit(struct hs *h, hs_tx_t tx);
void hs_tx_abort(struct hs *h, hs_tx_t tx);

/* So often a transaction that somebody interferes with is begun again. Whoever does it so often means to: a guest may change
 * nodes of its own as often as it likes. */
#define HS_TX_TRIES 200

/*
 * Runs `change` in a transaction, again where somebody else interferes, but only while the node `there` stands: what its
 * owner has removed does not come back by somebody's late word. `change` may be called several times; -1 (with errno) from it
 * ends all without a change. -1 with ENOENT also where `there` does not stand, with EAGAIN after HS_TX_TRIES.
 */
int hs_change(struct hs *h, const char *there,
              int (*change)(struct hs *h, hs_tx_t tx, void *opaque), void *opaque);

/* The same for one value. */
int hs_write_while(struct hs *h, const char *there, const char *path, const char *value);

/* ---- many changes in a transaction -------------------------------------------------------- */

/*
 * Changes that are collected and go to the daemon together: one wait for all answers in place of one for each. The
 * daemon makes them in their order; one that fails does not keep it from those behind, so give the transaction up then.
 * A batch may be filled and run again until its transaction ends.
 */
struct hs_batch;

struct hs_batch *hs_batch_new(struct hs *h, hs_tx_t tx);
void hs_batch_free(struct hs_batch *b);

/* As the calls of one change; nothing is sent yet. E2BIG, ENOMEM. */
int hs_batch_write(struct hs_batch *b, const char *path, const void *data, size_t len);
int hs_batch_mkdir(struct hs_batch *b, const char *path);
int hs_batch_set_perms(struct hs_batch *b, const char *path, const struct hs_perm *perms,
                       unsigned int n);

/* Sends what was collected and forgets it. On failure errno is that of the first change that failed, and *path (path may be
 * NULL) its node, good until something is added. EAGAIN as of any request of a transaction. */
int hs_batch_run(struct hs_batch *b, const char **path);

/* ---- watches ----------------------------------------------------------------------------- */

/* One event: both strings live in the same allocation, freed by free(event). */
struct hs_event {
    const char *path;  /* what changed: the watched node or one below it */
    const char *token; /* as given to hs_watch() */
};

/* Reports changes of path and all below it; fires once at once. Special paths: "@introduceDomain"
 * and "@releaseDomain" (a domain came, or died or was released). EEXIST: the same pair is set. */
int hs_watch(struct hs *h, const char *path, const char *token);

/* Ends a watch; its events that were not fetched yet are dropped. */
int hs_unwatch(struct hs *h, const char *path, const char *token);

/* For poll(): readable when hs_event() may have something. Constant while the handle lives (also
 * over reconnections); never read from it. */
int hs_fd(struct hs *h);

/* The next event. timeout_ms: 0 does not wait, -1 waits for ever. NULL with errno EAGAIN when there
 * was none in time, or with another errno when the connection is broken. After poll() call it with
 * 0 until it returns NULL. */
struct hs_event *hs_event(struct hs *h, int timeout_ms);

/* ---- domains (privileged) ---------------------------------------------------------------- */

/* Tells the daemon of a domain: the frame of its ring and the port on the domain's side. Doing so
 * again for the same domain is fine. */
int hs_introduce(struct hs *h, uint32_t domid, uint64_t gfn, uint32_t port);
int hs_release(struct hs *h, uint32_t domid);
int hs_resume(struct hs *h, uint32_t domid);
int hs_set_target(struct hs *h, uint32_t domid, uint32_t target);
int hs_is_introduced(struct hs *h, uint32_t domid); /* 1, 0 or -1 */

/* "/local/domain/N", whether or not the domain exists. */
char *hs_domain_path(struct hs *h, uint32_t domid);

/* Sends a control command ("help" lists them) with its arguments; the answer's text. */
char *hs_control(struct hs *h, const char *const *args, unsigned int n);

#ifdef __cplusplus
}
#endif
#endif
