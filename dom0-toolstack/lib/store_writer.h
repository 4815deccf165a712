/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing many nodes in one transaction: what is put goes to xenstored together, when something is asked or at the end.
 * After the first failure nothing more is sent, and the caller looks once, at the end. Internal to the library.
 */
#ifndef HL_STORE_WRITER_H
#define HL_STORE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "xenstore/client/xs_client.h"

struct hl_error;

#define STORE_PATH_SIZE 256

struct store_writer {
    struct hs *xs;
    hs_tx_t tx;
    struct hs_batch *batch; /* what is not sent yet */
    uint32_t domid;         /* whose nodes they are */
    int err;                /* errno of the first failure */
    char failed[STORE_PATH_SIZE];
};

/* A value below `base`. */
void store_put(struct store_writer *w, const char *base, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A folder of Domain 0's that w->domid may read; what is made below it inherits that. */
void store_make_readable(struct store_writer *w, const char *path);
/* The same with another owner: a driver domain's. */
void store_make_backend(struct store_writer *w, const char *path, uint32_t owner);
/* A folder for Domain 0 alone. */
void store_make_private(struct store_writer *w, const char *path);
/* A value below `base`, which is others': w->domid may read it, and not change it; or Domain 0 alone sees it. */
void store_put_readable(struct store_writer *w, const char *base, const char *name,
                        const char *value);
void store_put_private(struct store_writer *w, const char *base, const char *name,
                       const char *value);
/* An empty node that belongs to the guest. */
void store_make_guests(struct store_writer *w, const char *base, const char *name);
/* A folder that belongs to the guest, and that domain `reader` may read. */
void store_make_frontend(struct store_writer *w, const char *path, uint32_t reader);

/* Removes a node and its empty parents. */
void store_remove(struct store_writer *w, const char *path);
/* The same up to `base`, which stays. */
void store_remove_below(struct store_writer *w, const char *base, const char *path);

/* Does a node stand there, as this transaction sees it? */
bool store_has(struct store_writer *w, const char *path);
/* Fails all: what must be there is not. */
void store_missing(struct store_writer *w, const char *path);

/*
 * Runs `fill` in a transaction, again where somebody else interferes (HS_TX_TRIES; -EBUSY). -errno with a record that
 * has `step` and the path that failed.
 */
int store_transact(struct hs *xs, uint32_t domid,
                   void (*fill)(struct store_writer *w, void *opaque), void *opaque,
                   const char *step, struct hl_error *e);

#endif
