/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backend.h. */
#include "pv-backends/lib/backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "xenstore/client/xs_client.h"

char *backend_text(const struct backend *b, const char *key)
{
    return hs_read_at(b->xs, HS_TX_NONE, b->path, key);
}

char *backend_front_text(const struct backend *b, const char *key)
{
    return hs_read_at(b->xs, HS_TX_NONE, b->frontend, key);
}

long long backend_number(const struct backend *b, const char *key, long long otherwise)
{
    return hs_number_at(b->xs, HS_TX_NONE, b->path, key, otherwise);
}

long long backend_front_number(const struct backend *b, const char *key, long long otherwise)
{
    return hs_number_at(b->xs, HS_TX_NONE, b->frontend, key, otherwise);
}

struct change {
    struct backend *b;
    void (*write)(struct backend *b, void *opaque);
    void *opaque;
};

static int run_change(struct hs *xs, hs_tx_t tx, void *opaque)
{
    struct change *c = opaque;

    (void)xs;
    c->b->tx = tx;
    c->write(c->b, c->opaque);
    c->b->tx = HS_TX_NONE;
    return 0;
}

int backend_change(struct backend *b, void (*write)(struct backend *b, void *opaque), void *opaque)
{
    struct change c = {b, write, opaque};
    char there[512];

    snprintf(there, sizeof(there), "%s/frontend", b->path);
    return hs_change(b->xs, there, run_change, &c) < 0 ? -errno : 0;
}

struct node {
    const char *key, *value;
};

static void write_node(struct backend *b, void *opaque)
{
    const struct node *n = opaque;

    hs_write_at(b->xs, b->tx, b->path, n->key, "%s", n->value);
}

int backend_write(struct backend *b, const char *key, const char *fmt, ...)
{
    char value[1024];
    struct node node = {key, value};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (b->tx == HS_TX_NONE)
        return backend_change(b, write_node, &node);
    write_node(b, &node);
    return 0;
}

/* A number that is no state is none that anybody waits for; the end is only where no number stands. */
static enum xenbus_state valid_state(long long state)
{
    return state <= XenbusStateReconfigured ? (enum xenbus_state)state : XenbusStateReconfigured;
}

enum xenbus_state backend_state(const struct backend *b)
{
    return valid_state(backend_number(b, "state", XenbusStateUnknown));
}

enum xenbus_state backend_front_state(const struct backend *b)
{
    return valid_state(backend_front_number(b, "state", XenbusStateUnknown));
}

int backend_set_state(struct backend *b, enum xenbus_state state)
{
    return backend_write(b, "state", "%d", state);
}

/* Of "/local/domain/B/": 0 if the path is none of a domain's. */
static int home_length(const char *path)
{
    int end = 0;

    sscanf(path, "/local/domain/%*[0-9]/%n", &end);
    return end;
}

/* In Domain 0 the daemon may be starting beside us; a driver domain has no socket to wait for. */
static struct hs *connect_store(const char *path)
{
    return hs_open(strncmp(path, "/local/domain/0/", 16) == 0 ? HS_WAIT : 0);
}

static void write_complaint(struct backend *b, void *opaque)
{
    const char *why = opaque;
    char path[512];
    int home = home_length(b->path);

    backend_write(b, "hotplug-error", "%s", why);
    backend_write(b, "hotplug-status", "error");
    if (home > 0) {
        snprintf(path, sizeof(path), "%.*serror/%s/error", home, b->path, b->path + home);
        hs_write(b->xs, b->tx, path, why, strlen(why));
    }
}

void backend_complain(struct backend *b, const struct hl_error *e)
{
    char *why = hl_error_sentence(e);

    if (why != NULL && b->path != NULL)
        backend_change(b, write_complaint, why);
    fprintf(stderr, "%s\n", why != NULL ? why : "out of memory");
    free(why);
}

static int read_paths(struct backend *b, struct hl_error *e)
{
    b->frontend = backend_text(b, "frontend");
    long long domid = backend_number(b, "frontend-id", -1);

    if (b->frontend == NULL || domid < 0 || domid >= 0x7ff0)
        return hl_fail(e, ENOENT, "look up the device", b->path,
                       "its nodes frontend and frontend-id are missing");
    b->domid = (uint32_t)domid;
    return 0;
}

static int watch(struct backend *b, struct hl_error *e)
{
    char *state = NULL;
    int rc = 0;

    if (asprintf(&state, "%s/state", b->frontend) < 0)
        return hl_fail(e, ENOMEM, "watch the frontend", b->frontend, NULL);
    if (hs_watch(b->xs, state, "frontend") < 0 || hs_watch(b->xs, b->path, "backend") < 0)
        rc = hl_fail(e, errno, "watch the device", b->path, NULL);
    free(state);
    return rc;
}

int backend_open(struct backend *b, const char *path, struct hl_error *e)
{
    *b = (struct backend){.path = strdup(path), .xs = connect_store(path)};
    int rc = 0;

    if (b->path == NULL)
        rc = hl_fail(e, ENOMEM, "look up the device", path, NULL);
    else if (b->xs == NULL)
        rc = hl_fail(e, errno, "connect to xenstored", NULL, NULL);
    if (rc == 0)
        rc = read_paths(b, e);
    if (rc == 0)
        rc = evtchn_open(&b->ev, e);
    if (rc == 0)
        rc = gntdev_open(&b->grants, e);
    if (rc == 0)
        rc = watch(b, e);
    return rc;
}

void backend_close(struct backend *b)
{
    gntdev_close(b->grants);
    evtchn_close(b->ev);
    hs_close(b->xs);
    free(b->path);
    free(b->frontend);
    *b = (struct backend){.xs = NULL};
}

bool backend_events(struct backend *b)
{
    struct hs_event *event;
    bool any = false;

    while ((event = hs_event(b->xs, 0)) != NULL) {
        free(event);
        any = true;
    }
    return any;
}
