/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See channels.h. The guest's driver offers a page (ring-ref) and a port and says Initialised; we map
 * both and say Connected. All that the guest writes is a number that the hypervisor checks, and a state.
 */
#include "dom0-toolstack/hospesd/channels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/hospesd/console.h"
#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/hospesd/guests.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "hypercalls/abi/io-xenbus.h"
#include "xenstore/client/xs_client.h"

#define BACKEND_DIR "/local/domain/0/backend/console"

struct channel {
    struct channel *next;
    struct daemon *d;
    uint32_t domid;
    unsigned int number;
    uint8_t uuid[16];
    char back[96], front[96];
    struct console *console;
    bool changed; /* its nodes are to be looked at */
    bool connected;
    bool failed; /* it has no end in Domain 0: no word about its nodes changes that */
};

static bool look_for_new; /* below BACKEND_DIR */

static struct channel *find(struct daemon *d, uint32_t domid, unsigned int number)
{
    struct channel *ch = d->channels;

    while (ch && (ch->domid != domid || ch->number != number))
        ch = ch->next;
    return ch;
}

struct console *channel_console(struct daemon *d, uint32_t domid, unsigned int number)
{
    struct channel *ch = find(d, domid, number);

    return ch ? ch->console : NULL;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static long long read_number(const struct channel *ch, const char *dir, const char *key)
{
    return hs_number_at(ch->d->ctx.xs, HS_TX_NONE, dir, key, -1);
}

/* A state that is not there, or none of the protocol's, is Unknown. */
static enum xenbus_state read_state(const struct channel *ch, const char *dir)
{
    long long state = read_number(ch, dir, "state");

    return state < 0 || state > XenbusStateClosed ? XenbusStateUnknown : (enum xenbus_state)state;
}

/*
 * Writes up to two nodes of ours, and the guest's tty; only while the toolstack's stand there: what it
 * removed does not come back by a late word of ours.
 */
struct words {
    const char *state, *key, *value, *tty;
};

struct saying {
    const struct channel *ch;
    struct words words;
};

static int write_all(struct hs *xs, hs_tx_t tx, void *opaque)
{
    const struct saying *s = opaque;
    const struct words *w = &s->words;
    char tty[128];

    if (w->key)
        hs_write_at(xs, tx, s->ch->back, w->key, "%s", w->value);
    snprintf(tty, sizeof(tty), "%s/tty", s->ch->front);
    if (w->tty && hs_exists(xs, tx, tty) == 1)
        hs_writef(xs, tx, tty, "%s", w->tty);
    if (w->state)
        hs_write_at(xs, tx, s->ch->back, "state", "%s", w->state);
    return 0;
}

static void write_words(struct channel *ch, struct words words)
{
    struct saying s = {ch, words};
    char there[128];

    snprintf(there, sizeof(there), "%s/frontend", ch->back);
    hs_change(ch->d->ctx.xs, there, write_all, &s);
}

static void set_state(struct channel *ch, enum xenbus_state state)
{
    char text[4];

    snprintf(text, sizeof(text), "%d", (int)state);
    write_words(ch, (struct words){.state = text});
}

/* It does not work: says why where `hl` waits for it. */
static void give_up(struct channel *ch, struct hl_error *e)
{
    char *why = hl_error_sentence(e);

    say("channel %u of domain %" PRIu32 ": %s", ch->number, ch->domid,
        why ? why : "it does not work");
    write_words(ch, (struct words){.state = "6", .key = "hotplug-error", .value = why ? why : "?"});
    free(why);
    hl_error_clear(e);
}

/* ---- the guest's end ------------------------------------------------------------------------ */

static void disconnect(struct channel *ch)
{
    if (ch->connected)
        console_disconnect(ch->console);
    ch->connected = false;
}

static int map_page(struct channel *ch, void **page, struct hl_error *e)
{
    long long value = read_number(ch, ch->front, "ring-ref");
    uint32_t ref;
    int rc = 0;

    if (value < 0 || value > UINT32_MAX)
        return hl_fail(e, EINVAL, "connect to the guest", ch->front, "it has no ring-ref");
    ref = (uint32_t)value;
    if (!ch->d->grants)
        rc = gntdev_open(&ch->d->grants, e);
    if (rc < 0)
        return rc;
    *page = gntdev_map(ch->d->grants, ch->domid, &ref, 1, e);
    return *page ? 0 : -EIO;
}

static int connect_guest(struct channel *ch, struct hl_error *e)
{
    long long port = read_number(ch, ch->front, "port");
    void *page = NULL;
    int rc;

    if (port <= 0 || port > UINT32_MAX)
        return hl_fail(e, EINVAL, "connect to the guest", ch->front, "it has no port");
    rc = map_page(ch, &page, e);
    if (rc < 0)
        return rc;
    rc = evtchn_bind_interdomain(ch->d->ev, ch->domid, (uint32_t)port, e);
    if (rc < 0) {
        gntdev_unmap(ch->d->grants, page, 1);
        return rc;
    }
    ch->connected = true;
    set_state(ch, XenbusStateConnected);
    console_connect(ch->console, page, (uint32_t)rc, ch->d->grants);
    return 0;
}

static void try_connect(struct channel *ch)
{
    struct hl_error *e = hl_error_new();

    if (connect_guest(ch, e) < 0)
        give_up(ch, e);
    hl_error_free(e);
}

/* The front end's driver leaves, or asks for nothing any more. */
static void guest_left(struct channel *ch, enum xenbus_state ours)
{
    disconnect(ch);
    if (ours != XenbusStateClosed)
        set_state(ch, XenbusStateClosed);
}

static bool wanted(const struct channel *ch)
{
    return read_number(ch, ch->back, "online") > 0;
}

static void follow(struct channel *ch)
{
    enum xenbus_state ours, theirs;

    if (ch->failed)
        return;
    ours = read_state(ch, ch->back);
    theirs = read_state(ch, ch->front);
    switch (theirs) {
    case XenbusStateInitialising:
    case XenbusStateInitWait:
        disconnect(ch);
        if (ours != XenbusStateInitWait && wanted(ch))
            set_state(ch, XenbusStateInitWait);
        break;
    case XenbusStateInitialised:
    case XenbusStateConnected:
        /* We may have been killed while it was connected. */
        if (!ch->connected && (ours == XenbusStateInitWait || ours == XenbusStateConnected ||
                               ours == XenbusStateInitialising))
            try_connect(ch);
        break;
    default: guest_left(ch, ours); break;
    }
}

/* ---- the table ------------------------------------------------------------------------------ */

static void watch_front(struct channel *ch, bool on)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/state", ch->front);
    if (on)
        hs_watch(ch->d->ctx.xs, path, CHANNELS_TOKEN);
    else
        hs_unwatch(ch->d->ctx.xs, path, CHANNELS_TOKEN);
}

static void channel_free(struct channel *ch)
{
    struct guest *g = guest_by_uuid(ch->d, ch->uuid);
    struct channel **p = &ch->d->channels;

    watch_front(ch, false);
    disconnect(ch);
    if (ch->console)
        console_end(ch->console, g && (g->state == GUEST_RESTARTING || g->state == GUEST_WAITING));
    while (*p != ch)
        p = &(*p)->next;
    *p = ch->next;
    free(ch);
}

/* The end for programs of Domain 0. */
static int open_outside(struct channel *ch, struct hl_error *e)
{
    struct hs *xs = ch->d->ctx.xs;
    char *connection = hs_read_at(xs, HS_TX_NONE, ch->back, "connection");
    char *path = hs_read_at(xs, HS_TX_NONE, ch->back, "path");
    int rc = 0;

    if (connection && strcmp(connection, "socket") == 0) {
        rc = path ? console_open_socket(ch->console, path, e)
                  : hl_fail(e, EINVAL, "make the channel's socket", ch->back, "it has no path");
    } else {
        const char *tty = console_open_pty(ch->console);

        write_words(ch, (struct words){.key = "tty", .value = tty, .tty = tty});
    }
    free(connection);
    free(path);
    return rc;
}

static struct channel *channel_new(struct daemon *d, const struct hv_domain_info *info,
                                   unsigned int number)
{
    struct guest *g = guest_by_domid(d, info->domid);
    struct channel *ch = calloc(1, sizeof(*ch));
    char name[32];

    if (!ch)
        return NULL;
    ch->d = d;
    ch->domid = info->domid;
    ch->number = number;
    ch->changed = true;
    memcpy(ch->uuid, info->uuid, sizeof(ch->uuid));
    snprintf(ch->back, sizeof(ch->back), BACKEND_DIR "/%" PRIu32 "/%u", ch->domid, number);
    snprintf(ch->front, sizeof(ch->front), "/local/domain/%" PRIu32 "/device/console/%u", ch->domid,
             number);
    snprintf(name, sizeof(name), "domain %" PRIu32, ch->domid);
    ch->console = console_new(d, ch->domid, number, info->uuid, g ? g->name : name);
    if (!ch->console) {
        free(ch);
        return NULL;
    }
    ch->next = d->channels;
    d->channels = ch;
    return ch;
}

static void channel_add(struct daemon *d, uint32_t domid, unsigned int number)
{
    struct hv_domain_info info;
    struct hl_error *e;
    struct channel *ch;

    if (hv_domain_info(d->ctx.hv, domid, &info, NULL) < 0 || info.dying)
        return;
    ch = channel_new(d, &info, number);
    if (!ch) {
        say("channel %u of domain %" PRIu32 ": out of memory", number, domid);
        return;
    }
    e = hl_error_new();
    if (open_outside(ch, e) < 0) {
        give_up(ch, e);
        ch->failed = true;
    } else
        watch_front(ch, true);
    hl_error_free(e);
}

static void scan_domain(struct daemon *d, const char *name)
{
    uint32_t domid = (uint32_t)strtoul(name, NULL, 10);
    char dir[64];
    unsigned int n;
    char **list;

    snprintf(dir, sizeof(dir), BACKEND_DIR "/%" PRIu32, domid);
    list = hs_directory(d->ctx.xs, HS_TX_NONE, dir, &n);
    for (unsigned int i = 0; list && i < n; i++) {
        unsigned int number = (unsigned int)strtoul(list[i], NULL, 10);

        if (number != 0 && !find(d, domid, number))
            channel_add(d, domid, number);
    }
    free(list);
}

static void scan(struct daemon *d)
{
    unsigned int n;
    char **domains = hs_directory(d->ctx.xs, HS_TX_NONE, BACKEND_DIR, &n);

    for (unsigned int i = 0; domains && i < n; i++)
        scan_domain(d, domains[i]);
    free(domains);
}

void channels_note(struct daemon *d, const char *path)
{
    struct channel *ch = NULL;
    uint32_t domid;
    unsigned int number;

    if (sscanf(path, BACKEND_DIR "/%" SCNu32 "/%u", &domid, &number) == 2 ||
        sscanf(path, "/local/domain/%" SCNu32 "/device/console/%u", &domid, &number) == 2) {
        ch = find(d, domid, number);
        if (ch)
            ch->changed = true;
    } else {
        /* A folder above: all may have gone with it. */
        for (ch = d->channels; ch; ch = ch->next)
            ch->changed = true;
        ch = NULL;
    }
    look_for_new |= !ch;
}

void channels_work(struct daemon *d)
{
    struct channel *next;
    char path[128];

    for (struct channel *ch = d->channels; ch; ch = next) {
        next = ch->next;
        if (!ch->changed)
            continue;
        ch->changed = false;
        snprintf(path, sizeof(path), "%s/frontend", ch->back);
        if (hs_exists(d->ctx.xs, HS_TX_NONE, path) == 1)
            follow(ch);
        else
            channel_free(ch);
    }
    if (!look_for_new)
        return;
    look_for_new = false;
    scan(d);
    for (struct channel *ch = d->channels; ch; ch = ch->next) {
        if (ch->changed)
            follow(ch);
        ch->changed = false;
    }
}

void channels_let_go(struct daemon *d, uint32_t domid)
{
    for (struct channel *ch = d->channels; ch; ch = ch->next) {
        if (ch->domid == domid)
            disconnect(ch);
    }
}

int channels_start(struct daemon *d, struct hl_error *e)
{
    if (hs_watch(d->ctx.xs, BACKEND_DIR, CHANNELS_TOKEN) < 0)
        return hl_fail(e, errno, "watch for channels", BACKEND_DIR, NULL);
    return 0;
}

void channels_stop(struct daemon *d)
{
    while (d->channels) {
        struct channel *ch = d->channels;

        /* The consoles themselves end with all others. */
        d->channels = ch->next;
        free(ch);
    }
}
