/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeping the core's state in the journal's file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/daemon.h"
#include "xenstore/journal.h"
#include "xenstore/perm.h"

static void journal_path(const struct daemon *d, char *out, size_t size)
{
    snprintf(out, size, "%s/journal", d->opt.rundir);
}

bool state_load(struct daemon *d, bool *clean)
{
    char path[4096];
    const void *data;
    size_t len;

    journal_path(d, path, sizeof(path));
    if (d->opt.fresh || !jfile_load(&d->journal, path, &data, &len, clean)) {
        return false;
    }
    d->memory = calloc(DOMID_LIMIT, sizeof(*d->memory));
    if (!d->memory) {
        log_line(d, "no memory to read the journal");
        return false;
    }
    if (!journal_replay(d->core, data, len)) {
        log_line(d, "the journal %s is damaged: what follows the damage is lost", path);
    }
    return true;
}

void state_save(struct daemon *d, bool force)
{
    uint64_t now = daemon_now();
    struct buf b = {0};
    char path[4096];
    int err;

    if (!force && (!jfile_wants_snapshot(&d->journal) || now < d->journal_retry)) {
        return;
    }
    journal_path(d, path, sizeof(path));
    journal_snapshot(d->core, &b);
    rings_snapshot(d, &b);
    err = b.failed ? ENOMEM : jfile_start(&d->journal, path, b.data, b.len);
    buf_free(&b);
    if (err) {
        d->journal.failed = true;
        d->journal_retry = now + 5;
        log_line(d, "cannot write %s: %s; a restart would lose changes", path, strerror(err));
    }
}

void state_add(struct daemon *d, struct buf *b)
{
    const struct conn *c = d->core->current;
    struct peer *p = c && c->domain ? c->transport : NULL;

    /* The answer to a domain's request and how far its ring is consumed go with the changes. */
    if (p) {
        ring_keep(&((struct ring_peer *)p)->ring, b);
    }
    if (b->failed) {
        d->journal.failed = true;
        return;
    }
    jfile_add(&d->journal, b->data, b->len);
}
