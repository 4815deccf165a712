/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes in one transaction; see store_writer.h. */
#include "dom0-toolstack/lib/store_writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"

static void note_failure(struct store_writer *w, const char *path)
{
    if (w->err != 0)
        return;
    w->err = errno == 0 ? EIO : errno;
    snprintf(w->failed, sizeof(w->failed), "%s", path);
}

void store_put(struct store_writer *w, const char *base, const char *name, const char *fmt, ...)
{
    char path[STORE_PATH_SIZE], *value;
    va_list args;
    int n;

    if (w->err != 0)
        return;
    snprintf(path, sizeof(path), "%s/%s", base, name);
    va_start(args, fmt);
    n = vasprintf(&value, fmt, args);
    va_end(args);
    if (n < 0) {
        errno = ENOMEM;
        note_failure(w, path);
        return;
    }
    if (hs_batch_write(w->batch, path, value, (size_t)n) < 0)
        note_failure(w, path);
    free(value);
}

/* What was put is there before anything is asked or removed. */
static bool flush(struct store_writer *w)
{
    const char *path = "";

    if (w->err == 0 && hs_batch_run(w->batch, &path) < 0)
        note_failure(w, path);
    return w->err == 0;
}

static void set_perms(struct store_writer *w, const char *path, const struct hs_perm *perms,
                      unsigned int n)
{
    if (w->err == 0 && hs_batch_set_perms(w->batch, path, perms, n) < 0)
        note_failure(w, path);
}

static void make(struct store_writer *w, const char *path, const struct hs_perm *perms,
                 unsigned int n)
{
    if (w->err == 0 && hs_batch_mkdir(w->batch, path) < 0)
        note_failure(w, path);
    set_perms(w, path, perms, n);
}

void store_make_readable(struct store_writer *w, const char *path)
{
    store_make_backend(w, path, 0);
}

void store_make_backend(struct store_writer *w, const char *path, uint32_t owner)
{
    struct hs_perm perms[2] = {{owner, HS_PERM_NONE}, {w->domid, HS_PERM_READ}};

    make(w, path, perms, 2);
}

void store_make_private(struct store_writer *w, const char *path)
{
    struct hs_perm perm = {0, HS_PERM_NONE};

    make(w, path, &perm, 1);
}

void store_make_frontend(struct store_writer *w, const char *path, uint32_t reader)
{
    struct hs_perm perms[2] = {{w->domid, HS_PERM_NONE}, {reader, HS_PERM_READ}};

    make(w, path, perms, 2);
}

static void put_made(struct store_writer *w, const char *base, const char *name, const char *value,
                     void (*make_it)(struct store_writer *w, const char *path))
{
    char path[STORE_PATH_SIZE];

    snprintf(path, sizeof(path), "%s/%s", base, name);
    make_it(w, path);
    store_put(w, base, name, "%s", value);
}

void store_put_readable(struct store_writer *w, const char *base, const char *name,
                        const char *value)
{
    put_made(w, base, name, value, store_make_readable);
}

void store_put_private(struct store_writer *w, const char *base, const char *name,
                       const char *value)
{
    put_made(w, base, name, value, store_make_private);
}

void store_make_guests(struct store_writer *w, const char *base, const char *name)
{
    struct hs_perm perm = {w->domid, HS_PERM_NONE};
    char path[STORE_PATH_SIZE];

    if (w->err != 0)
        return;
    snprintf(path, sizeof(path), "%s/%s", base, name);
    if (hs_batch_write(w->batch, path, "", 0) < 0)
        note_failure(w, path);
    set_perms(w, path, &perm, 1);
}

void store_remove(struct store_writer *w, const char *path)
{
    if (flush(w) && hs_rm_prune(w->xs, w->tx, path) < 0)
        note_failure(w, path);
}

void store_remove_below(struct store_writer *w, const char *base, const char *path)
{
    char up[STORE_PATH_SIZE];
    unsigned int n = 0;

    snprintf(up, sizeof(up), "%s", path);
    while (flush(w) && n == 0 && strlen(up) > strlen(base)) {
        char **names;

        if (hs_rm(w->xs, w->tx, up) < 0 && errno != ENOENT)
            note_failure(w, up);
        *strrchr(up, '/') = '\0';
        names = hs_directory(w->xs, w->tx, up, &n);
        if (names == NULL)
            n = 0;
        free(names);
    }
}

bool store_has(struct store_writer *w, const char *path)
{
    return flush(w) && hs_exists(w->xs, w->tx, path) == 1;
}

void store_missing(struct store_writer *w, const char *path)
{
    errno = ENOENT;
    note_failure(w, path);
}

/* One attempt: 0, or the errno. */
static int attempt(struct store_writer *w, void (*fill)(struct store_writer *w, void *opaque),
                   void *opaque)
{
    w->tx = hs_tx_start(w->xs);
    if (w->tx == HS_TX_NONE)
        return errno;
    w->batch = hs_batch_new(w->xs, w->tx);
    if (w->batch == NULL)
        w->err = ENOMEM;
    else
        fill(w, opaque);
    (void)flush(w);
    hs_batch_free(w->batch);
    if (w->err != 0) {
        hs_tx_abort(w->xs, w->tx);
        return w->err;
    }
    return hs_tx_commit(w->xs, w->tx) == 0 ? 0 : errno;
}

int store_transact(struct hs *xs, uint32_t domid,
                   void (*fill)(struct store_writer *w, void *opaque), void *opaque,
                   const char *step, struct hl_error *e)
{
    for (unsigned int i = 0; i < HS_TX_TRIES; i++) {
        struct store_writer w = {.xs = xs, .domid = domid};
        int err = attempt(&w, fill, opaque);

        if (err == 0)
            return 0;
        if (err != EAGAIN)
            return hl_fail(e, err, step, *w.failed == '\0' ? NULL : w.failed, NULL);
    }
    hl_fail_dom(e, EBUSY, domid, step, "the guest changes the same nodes over and over");
    hl_error_advise(e, "pause it first");
    return -EBUSY;
}
