/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See states.h. */
#include "pv-backends/lib/states.h"

#include <stddef.h>

#include "dom0-toolstack/lib/error.h"

static void write_offer(struct backend *b, void *opaque)
{
    const struct states *s = opaque;

    s->kind->offer(b, s->device);
    backend_set_state(b, XenbusStateInitWait);
}

static void write_connected(struct backend *b, void *opaque)
{
    const struct states *s = opaque;

    if (s->kind->tell != NULL)
        s->kind->tell(b, s->device);
    backend_set_state(b, XenbusStateConnected);
}

static int connect_front(struct states *s, bool again, struct hl_error *e)
{
    int rc = s->kind->connect(s->device, again, e);

    if (rc < 0)
        return rc;
    s->connected = true;
    return backend_change(s->b, write_connected, s);
}

static void disconnect(struct states *s)
{
    s->kind->disconnect(s->device);
    s->connected = false;
}

void states_give_up(struct states *s, struct hl_error *e)
{
    backend_complain(s->b, e);
    hl_error_clear(e);
    disconnect(s);
    backend_set_state(s->b, XenbusStateClosed);
}

static bool may_connect(const struct states *s, enum xenbus_state ours)
{
    return !s->connected && ours == XenbusStateInitWait &&
           (s->kind->ready == NULL || s->kind->ready(s->b));
}

/* Its frontend is gone. Whether it may come again. */
static bool end_it(struct states *s, enum xenbus_state ours)
{
    bool online = backend_number(s->b, "online", 0);

    if (s->connected || ours != XenbusStateClosed)
        disconnect(s);
    if (!online && s->kind->over != NULL)
        s->kind->over(s->device);
    /* Whoever took the frontend away waits for this, also where it never connected. */
    if (ours != XenbusStateClosed)
        backend_set_state(s->b, XenbusStateClosed);
    return online;
}

/* False: it is over. */
static bool follow(struct states *s, enum xenbus_state ours, struct hl_error *e)
{
    switch (backend_front_state(s->b)) {
    case XenbusStateInitialising:
        if (ours == XenbusStateClosed || ours == XenbusStateClosing)
            backend_change(s->b, write_offer, s);
        break;
    case XenbusStateInitialised:
    case XenbusStateConnected:
        if (may_connect(s, ours) && connect_front(s, false, e) < 0)
            states_give_up(s, e);
        break;
    case XenbusStateClosing:
        if (ours != XenbusStateClosed)
            backend_set_state(s->b, XenbusStateClosing);
        break;
    case XenbusStateUnknown:
    case XenbusStateClosed: return end_it(s, ours);
    default: break;
    }
    return true;
}

bool states_changed(struct states *s)
{
    struct hl_error *e;
    bool alive;

    if (!backend_events(s->b))
        return true;
    enum xenbus_state ours = backend_state(s->b);
    if (ours == XenbusStateUnknown)
        return false; /* our directory was removed */
    e = hl_error_new();
    if (s->kind->changed != NULL)
        s->kind->changed(s->device, e);
    alive = follow(s, ours, e);
    hl_error_free(e);
    return alive;
}

int states_begin(struct states *s, struct hl_error *e)
{
    enum xenbus_state ours = backend_state(s->b), theirs = backend_front_state(s->b);

    if (ours == XenbusStateConnected &&
        (theirs == XenbusStateConnected || theirs == XenbusStateInitialised))
        return connect_front(s, true, e);
    if (ours <= XenbusStateInitWait)
        backend_change(s->b, write_offer, s);
    /* The watches fire once: what the frontend does is seen then. */
    return 0;
}
