/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See console.h. The guest's side is here; what people look through is in viewer.c. */
#include "dom0-toolstack/hospesd/console.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/hospesd/console_private.h"
#include "dom0-toolstack/hospesd/ring.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "hypercalls/abi/io-console.h"
#include "xenstore/client/xs_client.h"

/*
 * A guest may print this much per window; then its port stays masked until the next window, so that
 * no guest can keep the daemon from the others.
 */
#define WINDOW_MS    100
#define WINDOW_BYTES (256u << 10)

static void windows_over(void *opaque);

/* The ring's indices are broken: the guest's doing, and its own loss. */
static void broken(struct console *c)
{
    static const char note[] = "\r\n[hospesd: the guest broke its console ring; closed]\r\n";

    say("console of %s (domain %" PRIu32 "): its ring has impossible indices; closed", c->name,
        c->domid);
    console_disconnect(c);
    c->waiting = false;
    history_append(&c->history, note, sizeof(note) - 1);
}

/* Everything that the guest has written, within the window's bound. */
static void take_output(struct console *c)
{
    char buf[sizeof(((struct xencons_interface *)0)->out)];
    bool notify = false;

    while (c->page && c->window_bytes < WINDOW_BYTES) {
        long n = ring_take_output(c->page, buf, sizeof(buf));

        if (n < 0) {
            broken(c);
            break;
        }
        if (n == 0)
            break;
        notify = true;
        c->window_bytes += (size_t)n;
        logfile_write(&c->log, buf, (size_t)n);
        history_append(&c->history, buf, (size_t)n);
    }
    if (notify && c->port)
        evtchn_notify(c->d->ev, c->port);
}

void console_flush_input(struct console *c)
{
    long n;

    if (!c->page || !c->input_len)
        return;
    n = ring_put_input(c->page, c->input, c->input_len);
    if (n < 0) {
        broken(c);
        return;
    }
    if (n == 0)
        return;
    memmove(c->input, c->input + n, c->input_len - (size_t)n);
    c->input_len -= (size_t)n;
    if (c->port)
        evtchn_notify(c->d->ev, c->port);
}

void console_input(struct console *c, const char *data, size_t len)
{
    while (len) {
        size_t room = sizeof(c->input) - c->input_len;
        size_t n = len < room ? len : room;

        if (!n)
            break; /* callers look at the room first; a rest here is the start of a request */
        memcpy(c->input + c->input_len, data, n);
        c->input_len += n;
        data += n;
        len -= n;
        console_flush_input(c);
    }
}

static void serve(struct console *c)
{
    take_output(c);
    console_flush_input(c);
    if (c->window_bytes < WINDOW_BYTES) {
        if (c->port)
            evtchn_unmask(c->d->ev, c->port);
    } else {
        c->held = true;
    }
    if (!c->d->held.due)
        loop_timer_set(&c->d->loop, &c->d->held, WINDOW_MS, windows_over, c->d);
    viewers_pump(c);
}

static void windows_over(void *opaque)
{
    struct daemon *d = opaque;
    struct console *next;

    for (struct console *c = d->consoles; c; c = next) {
        next = c->next;
        c->window_bytes = 0;
        if (c->held) {
            c->held = false;
            serve(c);
        }
    }
}

bool console_event(struct daemon *d, uint32_t port)
{
    for (struct console *c = d->consoles; c; c = c->next) {
        if (c->port == port) {
            serve(c);
            return true;
        }
    }
    return false;
}

/* ---- connecting ---------------------------------------------------------------------------- */

int console_find(struct daemon *d, uint32_t domid, struct console_place *place)
{
    long long value;
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/console/ring-ref", domid);
    if (hs_read_int(d->ctx.xs, HS_TX_NONE, path, &value) < 0 || value <= 0)
        return -ENOENT;
    place->frame = (uint64_t)value;
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/console/port", domid);
    if (hs_read_int(d->ctx.xs, HS_TX_NONE, path, &value) < 0 || value <= 0 || value > UINT32_MAX)
        return -ENOENT;
    place->port = (uint32_t)value;
    return 0;
}

static void open_log(struct console *c, bool old_output)
{
    const struct options *opt = &c->d->opt;
    char *path = NULL, *tail;
    size_t len = 0;
    int rc;

    if (!opt->log_dir[0] || asprintf(&path, "%s/guest-%s.log", opt->log_dir, c->name) < 0)
        return;
    /* Our names have no slash, but other tools make domains, too. */
    for (char *p = path + strlen(opt->log_dir) + 1; *p; p++) {
        if (*p == '/')
            *p = '_';
    }
    rc = logfile_open(&c->log, path, opt->log_size);
    if (rc < 0)
        say("log file %s: %s; the console of %s is not logged", path, strerror(-rc), c->name);
    free(path);
    tail = old_output && rc == 0 ? logfile_tail(&c->log, HISTORY_SIZE, &len) : NULL;
    if (tail)
        history_append(&c->history, tail, len);
    c->old_output = c->history.end;
    free(tail);
}

struct console *console_new(struct daemon *d, uint32_t domid, unsigned int number,
                            const uint8_t uuid[16], const char *name)
{
    struct console *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->d = d;
    c->domid = domid;
    c->number = number;
    c->waiting = number != 0;
    c->log.fd = -1;
    c->pty.fd = c->pty_slave = -1;
    c->socket.listener.fd = c->socket.peer.fd = c->socket.parked = -1;
    memcpy(c->uuid, uuid, sizeof(c->uuid));
    c->name = strdup(name);
    if (!c->name || history_init(&c->history, HISTORY_SIZE) < 0) {
        free(c->name);
        free(c);
        return NULL;
    }
    c->next = d->consoles;
    d->consoles = c;
    return c;
}

static void console_free(struct console *c)
{
    struct console **p = &c->d->consoles;

    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    history_free(&c->history);
    free(c->name);
    free(c);
}

void console_connect(struct console *c, void *page, uint32_t port, struct gntdev *grants)
{
    c->page = page;
    c->port = port;
    c->grants = grants;
    c->waiting = false;
    viewers_adopt(c);
    serve(c);
}

/* Where xl's own console program looks. The domain may be destroyed at any time. */
static void publish_tty(struct console *c)
{
    const char *tty = console_open_pty(c);
    char home[32], path[64];

    snprintf(home, sizeof(home), "/local/domain/%" PRIu32, c->domid);
    snprintf(path, sizeof(path), "%s/console/tty", home);
    if (*tty && hs_write_while(c->d->ctx.xs, home, path, tty) < 0 && errno != ENOENT)
        say("%s cannot be written: %s", path, strerror(errno));
}

int console_open(struct daemon *d, uint32_t domid, const struct console_place *place,
                 const uint8_t uuid[16], const char *name, bool old_output, struct console **out,
                 struct hl_error *e)
{
    struct console *c;
    uint32_t port;
    void *page;
    int rc;

    *out = NULL;
    page = hv_map_frames(d->ctx.hv, domid, &place->frame, 1, true, NULL, e);
    if (!page)
        return -EIO;
    rc = evtchn_bind_interdomain(d->ev, domid, place->port, e);
    if (rc < 0) {
        hv_unmap(page, 1);
        return rc;
    }
    port = (uint32_t)rc;
    c = console_new(d, domid, 0, uuid, name);
    if (!c) {
        evtchn_unbind(d->ev, port);
        hv_unmap(page, 1);
        return hl_fail_dom(e, ENOMEM, domid, "open the console", NULL);
    }
    open_log(c, old_output);
    publish_tty(c);
    console_connect(c, page, port, NULL);
    *out = c;
    return 0;
}

void console_disconnect(struct console *c)
{
    if (c->port)
        evtchn_unbind(c->d->ev, c->port);
    c->port = 0;
    if (c->page && c->grants)
        gntdev_unmap(c->grants, c->page, 1);
    else if (c->page)
        hv_unmap(c->page, 1);
    c->page = NULL;
    c->waiting = c->number != 0;
}

void console_guest_stopped(struct console *c)
{
    c->window_bytes = 0;
    take_output(c);
    viewers_pump(c);
}

void console_end(struct console *c, bool restarting)
{
    c->window_bytes = 0;
    take_output(c);
    console_disconnect(c);
    logfile_close(&c->log);
    pty_close(c);
    socket_close(c);
    c->ended = true;
    c->restarting = restarting;
    viewers_pump(c);
    console_free_if_idle(c);
}

void console_free_if_idle(struct console *c)
{
    if (c->ended && !c->viewers)
        console_free(c);
}

void console_reopen_logs(struct daemon *d)
{
    for (struct console *c = d->consoles; c; c = c->next)
        logfile_reopen(&c->log);
}

void console_close_all(struct daemon *d)
{
    while (d->consoles) {
        struct console *c = d->consoles;

        if (!c->ended) {
            c->window_bytes = 0;
            take_output(c);
        }
        console_disconnect(c);
        logfile_close(&c->log);
        pty_close(c);
        socket_close(c);
        viewers_close_all(c);
        c->ended = true;
        console_free_if_idle(c);
    }
    loop_timer_cancel(&d->loop, &d->held);
}
