/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a backend through the states (pv-backends/lib/states.h): each state of the frontend's, met in each of ours. The
 * store is two numbers here, and the device counts what it is told to do.
 */
#include <errno.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/lib/states.h"
#include "tests/unit/toolstack_test.h"

/* ---- in place of backend.c ---- */

static enum xenbus_state ours, theirs;
static bool event, online, gone_meanwhile;
static unsigned int changes, complaints;

bool backend_events(struct backend *b)
{
    bool was = event;

    (void)b;
    event = false;
    return was;
}

enum xenbus_state backend_state(const struct backend *b)
{
    (void)b;
    return ours;
}

enum xenbus_state backend_front_state(const struct backend *b)
{
    (void)b;
    return theirs;
}

int backend_set_state(struct backend *b, enum xenbus_state state)
{
    (void)b;
    ours = state;
    return 0;
}

int backend_change(struct backend *b, void (*write)(struct backend *b, void *opaque), void *opaque)
{
    if (gone_meanwhile)
        return -ENOENT;
    changes++;
    write(b, opaque);
    return 0;
}

long long backend_number(const struct backend *b, const char *key, long long otherwise)
{
    (void)b;
    return strcmp(key, "online") == 0 ? online : otherwise;
}

void backend_complain(struct backend *b, const struct hl_error *e)
{
    (void)b;
    (void)e;
    complaints++;
}

/* ---- the device ---- */

static struct device {
    unsigned int offers, connects, disconnects, tells, looks, overs;
    bool again, fails, late;
} dev;

static void offer(struct backend *b, void *device)
{
    (void)b;
    ((struct device *)device)->offers++;
}

static bool ready(const struct backend *b)
{
    (void)b;
    return !dev.late;
}

static int connect_it(void *device, bool again, struct hl_error *e)
{
    struct device *d = device;

    d->again = again;
    d->connects++;
    return d->fails ? hl_fail(e, EINVAL, "connect", "x", NULL) : 0;
}

static void tell(struct backend *b, void *device)
{
    (void)b;
    ((struct device *)device)->tells++;
}

static void disconnect(void *device)
{
    ((struct device *)device)->disconnects++;
}

/* Nobody has been told yet that it is closed. */
static void over(void *device)
{
    struct device *d = device;

    d->overs += 1 + 100 * (ours == XenbusStateClosed);
}

static void looks(void *device, struct hl_error *e)
{
    (void)e;
    ((struct device *)device)->looks++;
}

static const struct states_kind whole = {offer, ready, connect_it, tell, disconnect, over, looks};
static const struct states_kind least = {
    .offer = offer, .connect = connect_it, .disconnect = disconnect};

static struct states states;

/* One event with the two in these states: was it the device's end? */
static bool ends(enum xenbus_state front, enum xenbus_state back, bool connected)
{
    static struct backend b;
    bool fails = dev.fails, late = dev.late;

    states = (struct states){states.kind == NULL ? &whole : states.kind, &b, &dev, connected};
    dev = (struct device){.fails = fails, .late = late};
    changes = complaints = 0;
    event = true;
    theirs = front;
    ours = back;
    return !states_changed(&states);
}

/* ---- tests ---- */

#define ALL_STATES (XenbusStateReconfigured + 1)

static void it_comes(void)
{
    for (enum xenbus_state s = XenbusStateInitialising; s < ALL_STATES; s++) {
        bool offered = s == XenbusStateClosing || s == XenbusStateClosed;

        CHECK(!ends(XenbusStateInitialising, s, false));
        CHECK(dev.offers == offered && dev.connects == 0 && dev.disconnects == 0);
        CHECK(ours == (offered ? XenbusStateInitWait : s));
    }
}

static void it_connects(void)
{
    for (enum xenbus_state s = XenbusStateInitialising; s < ALL_STATES; s++) {
        bool connects = s == XenbusStateInitWait;

        CHECK(!ends(XenbusStateInitialised, s, false));
        CHECK(dev.connects == connects && dev.tells == connects && !dev.again);
        CHECK(states.connected == connects && ours == (connects ? XenbusStateConnected : s));
        CHECK(!ends(XenbusStateConnected, s, false));
        CHECK(dev.connects == connects);
        CHECK(!ends(XenbusStateConnected, s, true));
        CHECK(dev.connects == 0 && states.connected && ours == s);
    }
    /* All that goes with the state is one change. */
    CHECK(!ends(XenbusStateInitialised, XenbusStateInitWait, false) && changes == 1);
    dev.late = true;
    CHECK(!ends(XenbusStateInitialised, XenbusStateInitWait, false));
    dev.late = false;
    CHECK(dev.connects == 0 && ours == XenbusStateInitWait);
    states.kind = &least;
    CHECK(!ends(XenbusStateInitialised, XenbusStateInitWait, false));
    states.kind = NULL;
    CHECK(dev.connects == 1 && ours == XenbusStateConnected);
}

static void it_cannot(void)
{
    dev.fails = true;
    CHECK(!ends(XenbusStateInitialised, XenbusStateInitWait, false));
    CHECK(!states.connected && ours == XenbusStateClosed && complaints == 1);
    /* Not again and again, but for one that begins anew. */
    event = true;
    CHECK(states_changed(&states) && dev.connects == 1);
    dev.fails = false;
    theirs = XenbusStateInitialising;
    event = true;
    CHECK(states_changed(&states) && ours == XenbusStateInitWait);
    theirs = XenbusStateInitialised;
    event = true;
    CHECK(states_changed(&states) && ours == XenbusStateConnected && states.connected);
    /* Our folder went while it connected. */
    gone_meanwhile = true;
    CHECK(!ends(XenbusStateInitialised, XenbusStateInitWait, false));
    gone_meanwhile = false;
    CHECK(!states.connected && dev.disconnects == 1 && dev.tells == 0);
}

static void it_goes(void)
{
    for (enum xenbus_state s = XenbusStateInitialising; s < ALL_STATES; s++) {
        CHECK(!ends(XenbusStateClosing, s, true));
        CHECK(ours == (s == XenbusStateClosed ? s : XenbusStateClosing) && states.connected);
        for (int i = 0; i < 2; i++) {
            online = true;
            CHECK(!ends(i == 0 ? XenbusStateClosed : XenbusStateUnknown, s, true));
            CHECK(dev.disconnects == 1 && !states.connected && ours == XenbusStateClosed);
            CHECK(dev.overs == 0);
            online = false;
            CHECK(ends(i == 0 ? XenbusStateClosed : XenbusStateUnknown, s, false));
            CHECK(dev.disconnects == (s != XenbusStateClosed) && ours == XenbusStateClosed);
            CHECK(s == XenbusStateClosed || dev.overs == 1);
        }
    }
    /* The toolstack has taken our folder away. */
    CHECK(ends(XenbusStateConnected, XenbusStateUnknown, true) && dev.looks == 0);
}

static void other_nodes(void)
{
    CHECK(!ends(XenbusStateConnected, XenbusStateConnected, true));
    CHECK(dev.looks == 1);
    CHECK(states_changed(&states) && dev.looks == 1); /* no event */
}

/* What an earlier process left. */
static void it_begins(void)
{
    for (enum xenbus_state s = XenbusStateInitialising; s < ALL_STATES; s++) {
        bool goes_on = s == XenbusStateConnected;

        (void)ends(XenbusStateUnknown, XenbusStateUnknown, false);
        ours = s;
        theirs = XenbusStateConnected;
        CHECK(states_begin(&states, NULL) == 0);
        CHECK(dev.connects == goes_on && dev.again == goes_on && states.connected == goes_on);
        CHECK(dev.offers == (s <= XenbusStateInitWait));
        CHECK(ours == (s <= XenbusStateInitWait ? XenbusStateInitWait : s));
    }
    dev.fails = true;
    ours = XenbusStateConnected;
    CHECK(states_begin(&states, NULL) == -EINVAL && !states.connected);
    dev.fails = false;
}

int main(void)
{
    static const struct test tests[] = {
        {"it_comes", it_comes}, {"it_connects", it_connects}, {"it_cannot", it_cannot},
        {"it_goes", it_goes},   {"other_nodes", other_nodes}, {"it_begins", it_begins},
    };

    return test_run("states", tests, sizeof(tests) / sizeof(tests[0]));
}
