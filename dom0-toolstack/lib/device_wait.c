/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for devices; see device_wait.h. */
#include "dom0-toolstack/lib/device_wait.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/driver_domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_domain.h"

/* All is looked at again after so long; what shows in the kernel's files alone, and is cheap to see, more often. */
#define LOOK_MS       5
#define LOOK_QUICK_MS 1

/* A round takes no longer than that, unless we stood still, or the whole machine did, and those with it that are waited for. */
#define ROUND_MS 1000

/* How often one looks whether the domain that is to serve a device has a daemon, and how long it may have none. */
#define ASK_MS        500
#define ALONE_MS      10000

#define MAX_COMPLAINT 1000u

int device_state(struct hl_ctx *ctx, const char *dir)
{
    return (int)hs_number_at(ctx->xs, HS_TX_NONE, dir, "state", DEVICE_UNKNOWN);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Of the nodes below `back` those that anybody here waits for; a back end writes a dozen others when it starts. */
static bool matters(const char *back, const char *path)
{
    static const char *const names[] = {"", "/state", "/hotplug-status", "/hotplug-error"};
    size_t len = strlen(back);

    if (strncmp(path, back, len) != 0)
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(path + len, names[i]) == 0)
            return true;
    return false;
}

typedef bool quick_look(struct device_job *j);

/* Waits for news, or until `quick` (may be NULL) sees something, for LOOK_MS at most. What came with the news is seen by the
 * next look, too. */
static void wait_change(struct device_job *j, quick_look *quick)
{
    int64_t end = now_ms() + LOOK_MS, left;
    bool news = false;

    while (!news && (left = end - now_ms()) > 0) {
        struct hs_event *event = hs_event(j->ctx->xs, quick == NULL ? (int)left : LOOK_QUICK_MS);

        for (; event != NULL; event = hs_event(j->ctx->xs, 0)) {
            news |= matters(j->back, event->path);
            free(event);
        }
        news = news || (quick != NULL && quick(j));
    }
}

/*
 * Calls `look` until it answers something other than -EAGAIN: at changes of the back end's nodes, when `quick` sees
 * something, and every few milliseconds. -ETIMEDOUT after `seconds`, in which the machine ran.
 */
static int watch_until(struct device_job *j, unsigned int seconds,
                       int (*look)(struct device_job *j, void *opaque), void *opaque,
                       quick_look *quick)
{
    int64_t left = (int64_t)seconds * 1000, last = now_ms(), now;
    struct hs *xs = j->ctx->xs;
    bool watched = false;
    int rc;

    while ((rc = look(j, opaque)) == -EAGAIN) {
        now = now_ms();
        left -= now - last < ROUND_MS ? now - last : ROUND_MS;
        last = now;
        if (left <= 0) {
            rc = -ETIMEDOUT;
            break;
        }
        if (!watched && hs_watch(xs, j->back, "device-wait") == 0)
            watched = true;
        if (watched)
            wait_change(j, quick);
        else
            usleep(LOOK_MS * 1000);
    }
    if (watched)
        (void)hs_unwatch(xs, j->back, "device-wait");
    return rc;
}

/* Another domain may have written it, and people read it on terminals. */
static void make_plain(char *text)
{
    if (strlen(text) > MAX_COMPLAINT)
        text[MAX_COMPLAINT] = '\0';
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
}

/* What a script or the kernel's back end wrote; malloc'd or NULL. */
static char *complaint(struct device_job *j)
{
    char *text = hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, "hotplug-error");

    if (text == NULL)
        text = hs_read_at(j->ctx->xs, HS_TX_NONE, j->error, "error");
    if (text != NULL)
        make_plain(text);
    return text;
}

struct wanted {
    int state;                           /* 0: not asked for */
    bool (*there)(struct device_job *j); /* NULL: not asked for */
    bool in_kernel;                      /* `there` asks the kernel alone */
    int64_t asked, alone_since;          /* is_alone(); 0: never */
};

/*
 * Does anything in the domain that is to serve the device watch for it, beside the domain's kernel, which has one watch for all
 * back ends, and, in our own, us? False also where this xenstored does not tell (only ours does).
 */
static bool nobody_watches(struct device_job *j)
{
    const unsigned int others = j->elsewhere ? 1 : 2;
    const char *args[] = {"watchers", j->back};
    char *text = hs_control(j->ctx->xs, args, 2), *line, *rest = text;
    unsigned int count = 0;

    if (text == NULL)
        return false;
    while ((line = strsep(&rest, "\n")) != NULL) {
        unsigned int domid, n;

        if (sscanf(line, "%u %u", &domid, &n) == 2 && domid == j->backend_domid)
            count += n;
    }
    free(text);
    return count <= others;
}

static bool has_booted(struct device_job *j)
{
    uint64_t up;

    return !j->elsewhere || (hl_domain_uptime(j->ctx, j->backend_domid, &up, NULL) == 0 &&
                             up >= DEVICE_READY_SECONDS);
}

/*
 * For so long that no daemon is just being started, in a domain that has had the time to boot. What is set up there without
 * a daemon (by udev) has had the time, too. Here it is hospesd that a device needs which the kernel does not serve.
 */
static bool is_alone(struct device_job *j, struct wanted *want)
{
    int64_t now = now_ms();

    if ((!j->elsewhere && j->backend->driver != NULL) || now - want->asked < ASK_MS)
        return false;
    want->asked = now;
    if (!nobody_watches(j))
        want->alone_since = 0;
    else if (want->alone_since == 0)
        want->alone_since = now;
    return want->alone_since != 0 && now - want->alone_since >= ALONE_MS && has_booted(j);
}

/* Whoever destroys the guest waits for us: its devices are locked. In a driver domain there is nobody to ask. */
static bool guest_is_gone(struct device_job *j)
{
    struct hv_domain_info info;

    return j->ctx->hv != NULL &&
           (hv_domain_info(j->ctx->hv, j->domid, &info, NULL) != 0 || info.dying);
}

static int look_ready(struct device_job *j, void *opaque)
{
    struct wanted *want = opaque;
    int state = device_state(j->ctx, j->back);
    char *text;

    if (state >= DEVICE_CLOSING)
        return -EIO;
    if (state >= want->state && (want->there == NULL || want->there(j)))
        return 0;
    text = complaint(j);
    if (text != NULL) {
        free(text);
        return -EIO;
    }
    if (j->elsewhere && !driver_domain_lives(j->ctx, j->backend_domid))
        return -ESRCH;
    if (guest_is_gone(j))
        return -ENXIO;
    return is_alone(j, want) ? -ENOTCONN : -EAGAIN;
}

/* Nothing came from a driver domain: by how far it went one sees what is missing there. */
static void say_silent(struct device_job *j, const char *step, struct hl_error *e)
{
    int state = device_state(j->ctx, j->back);

    hl_fail(e, ETIMEDOUT, step, j->back, "domain %" PRIu32 " did not answer within %d s (state %s)",
            j->backend_domid, DEVICE_READY_SECONDS, hl_device_state_name(state));
    if (state < DEVICE_INIT_WAIT && j->backend->driver != NULL)
        hl_error_advise(e, "does it run, with the driver %s and \"hl devd\"?", j->backend->module);
    else
        hl_error_advise(e, "does \"hl devd\" run there?");
}

static int wait_for(struct device_job *j, struct wanted want, const char *step, struct hl_error *e)
{
    int rc =
        watch_until(j, DEVICE_READY_SECONDS, look_ready, &want, want.in_kernel ? want.there : NULL);
    char *text;

    if (rc == 0)
        return 0;
    text = complaint(j);
    if (text != NULL)
        hl_fail(e, EIO, step, j->back, "the back end reports: %s", text);
    else if (rc == -ENXIO)
        hl_fail_dom(e, ENXIO, j->domid, step, "it has ended meanwhile");
    else if (rc == -ESRCH)
        hl_fail(e, ESRCH, step, j->back, "domain %" PRIu32 ", which was to serve it, has ended",
                j->backend_domid);
    else if (rc == -ENOTCONN && !j->elsewhere) {
        hl_fail(e, ENOTCONN, step, j->back, "hospesd, which it needs, is not running");
        hl_error_advise(e, "start it: 'systemctl start hospesd', or run 'hospesd'");
    } else if (rc == -ENOTCONN) {
        hl_fail(e, ENOTCONN, step, j->back, "nobody in domain %" PRIu32 " looks for devices",
                j->backend_domid);
        hl_error_advise(e, "start \"hl devd\" there");
    } else if (rc == -ETIMEDOUT && j->elsewhere)
        say_silent(j, step, e);
    else if (rc == -ETIMEDOUT)
        hl_fail(e, ETIMEDOUT, step, j->back, "the back end did not answer within %d s (state %s)",
                DEVICE_READY_SECONDS, hl_device_state_name(device_state(j->ctx, j->back)));
    else
        hl_fail(e, EIO, step, j->back, "the back end closed without saying why");
    if (text != NULL)
        rc = -EIO;
    free(text);
    return rc;
}

int device_wait_backend(struct device_job *j, int state, struct hl_error *e)
{
    return wait_for(j, (struct wanted){.state = state}, "wait for the back end", e);
}

static bool plugged(struct device_job *j)
{
    char *status = hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, "hotplug-status");
    bool yes = status != NULL && strcmp(status, "connected") == 0;

    free(status);
    return yes;
}

int device_wait_plugged(struct device_job *j, struct hl_error *e)
{
    return wait_for(j, (struct wanted){.there = plugged}, "wait for the driver domain", e);
}

int device_wait_ready(struct device_job *j, struct hl_error *e)
{
    return wait_for(j, (struct wanted){.there = j->class->ready, .in_kernel = true},
                    "wait for the back end", e);
}

int device_wait_until(struct device_job *j, bool (*there)(struct device_job *j), const char *step,
                      struct hl_error *e)
{
    return wait_for(j, (struct wanted){.there = there, .in_kernel = true}, step, e);
}

static bool has_driver(const struct device_job *j)
{
    char path[sizeof(j->sysfs) + 8];

    snprintf(path, sizeof(path), "%s/driver", j->sysfs);
    return access(path, F_OK) == 0;
}

/* Whoever did the host's half there takes the folder away last. Ours keeps a record of it; Xen's tools may be there, too. */
static int look_gone_elsewhere(struct device_job *j, int state)
{
    char record[160];

    if (hs_exists(j->ctx->xs, HS_TX_NONE, j->back) == 0 ||
        !driver_domain_lives(j->ctx, j->backend_domid))
        return 0;
    snprintf(record, sizeof(record), "/local/domain/%" PRIu32 "%s", j->backend_domid, j->copy);
    if (hs_exists(j->ctx->xs, HS_TX_NONE, record) != 0 || plugged(j))
        return -EAGAIN;
    return state <= DEVICE_INITIALISING || state == DEVICE_CLOSED ? 0 : -EAGAIN;
}

/* The kernel's device, where it serves it. */
static bool is_gone(struct device_job *j)
{
    return j->sysfs[0] != '\0' && access(j->sysfs, F_OK) != 0;
}

static int look_gone(struct device_job *j, void *opaque)
{
    int state;

    (void)opaque;
    if (is_gone(j))
        return 0;
    if (j->sysfs[0] != '\0' && has_driver(j))
        return -EAGAIN;
    state = device_state(j->ctx, j->back);
    if (j->elsewhere)
        return look_gone_elsewhere(j, state);
    /*
     * A program that has not said that it is there has nothing to give back. Where the front end went before the kernel's
     * driver had taken the device up, it never will: such a device holds nothing, and stays until the back end's nodes go.
     */
    return state <= DEVICE_INITIALISING || (j->sysfs[0] == '\0' && state == DEVICE_CLOSED)
               ? 0
               : -EAGAIN;
}

int device_wait_gone(struct device_job *j, unsigned int seconds)
{
    return watch_until(j, seconds, look_gone, NULL, is_gone);
}

static bool guest_runs(const struct device_job *j)
{
    struct hv_domain_info info;

    return hv_domain_info(j->ctx->hv, j->domid, &info, NULL) == 0 && !info.dying &&
           !info.shutdown && !info.paused;
}

static int look_taken_up(struct device_job *j, void *opaque)
{
    int state = device_state(j->ctx, j->front);

    (void)opaque;
    if (!guest_runs(j))
        return -ESRCH;
    return state >= DEVICE_INIT_WAIT && state <= DEVICE_CONNECTED ? 0 : -EAGAIN;
}

int device_wait_taken_up(struct device_job *j, unsigned int seconds)
{
    return watch_until(j, seconds, look_taken_up, NULL, NULL);
}

static int look_settled(struct device_job *j, void *opaque)
{
    int front = device_state(j->ctx, j->front), back = device_state(j->ctx, j->back);

    (void)opaque;
    if (back < DEVICE_INIT_WAIT || back > DEVICE_CONNECTED || front < DEVICE_INITIALISING ||
        front >= DEVICE_CONNECTED)
        return 0;
    return guest_runs(j) ? -EAGAIN : -ESRCH;
}

int device_wait_settled(struct device_job *j, unsigned int seconds)
{
    return watch_until(j, seconds, look_settled, NULL, NULL);
}
