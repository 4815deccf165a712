/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices of domains: giving, taking away, listing; the part that all classes share. See device.h
 * and, for the steps, device_class.h.
 *
 *   both ends in xenstore   front  /local/domain/N/device/KIND/D           belongs to the guest
 *                           back   /local/domain/B/backend/KIND/N/D        B's, the guest may read it
 *   for the toolstack       copy   /libxl/N/device/KIND/D                  what there is to undo
 *                           left   /libxl/N/left/KIND/D                    the guest had it, and may not know that it went
 *
 * A device that has nothing to show to the guest, an empty drive, has the copy alone: a Linux that boots waits for its disks
 * to connect, minutes long.
 *
 * B is 0, or the driver domain that serves the device (backend=): it does the host's half and takes its folder away when
 * that is undone (hotplug.c). Where it is dead nobody is waited for.
 *
 * The kernel's back ends appear as /sys/devices/KIND-N-D and go by themselves when the front end's folder is gone.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/device_wait.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/driver_domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/lock.h"
#include "dom0-toolstack/lib/record.h"

/* ---- adding ------------------------------------------------------------------------------- */

struct set {
    struct device_job *jobs;
    size_t count;
};

static bool is_hidden(const struct hl_device *d)
{
    const struct device_class *class = device_class(d->kind);

    return class->hidden != NULL && class->hidden(d);
}

static void make_ends(struct device_job *j, struct store_writer *w)
{
    store_make_frontend(w, j->front, j->backend_domid);
    store_put(w, j->front, "backend", "%s", j->back);
    store_put(w, j->front, "backend-id", "%" PRIu32, j->backend_domid);
    store_put(w, j->front, "state", "%d", DEVICE_INITIALISING);
    store_make_backend(w, j->back, j->backend_domid);
    store_put(w, j->back, "frontend", "%s", j->front);
}

static void write_device(struct device_job *j, struct store_writer *w)
{
    char home[48];

    /* What is written for a domain that is gone would stay for ever. */
    snprintf(home, sizeof(home), "/local/domain/%" PRIu32, j->backend_domid);
    if (j->elsewhere && !store_has(w, home)) {
        store_missing(w, home);
        return;
    }
    store_make_private(w, j->copy);
    if (!j->hidden)
        make_ends(j, w);
    store_put(w, j->copy, "frontend", "%s", j->front);
    store_put(w, j->copy, "backend", "%s", j->back);
    device_put(j, w, "frontend-id", "%" PRIu32, j->domid);
    device_put(j, w, "online", "1");
    device_put(j, w, "state", "%d", DEVICE_INITIALISING);
    j->class->nodes(j, w);
    if (j->hidden)
        return;
    if (!j->elsewhere && j->class->host_nodes != NULL)
        j->class->host_nodes(j, w);
    if (!j->elsewhere && j->class->hotplug != NULL)
        store_put(w, j->copy, DEVICE_HOTPLUG, "%s", j->class->hotplug(j));
}

static void write_all(struct store_writer *w, void *opaque)
{
    struct set *set = opaque;

    for (size_t i = 0; i < set->count; i++)
        write_device(&set->jobs[i], w);
}

static int set_up_job(struct hl_ctx *ctx, uint32_t domid, const struct hl_device *dev,
                      struct device_job *j, struct hl_error *e)
{
    const struct device_class *class = device_class(dev->kind);
    const struct device_backend *backend = class->backend(dev, e);
    const char *server = device_backend_domain(dev);
    uint32_t backend_domid = ctx->domid;
    int rc = 0;

    if (backend == NULL)
        return -EOPNOTSUPP;
    if (!driver_domain_is_none(server))
        rc = driver_domain_find(ctx, server, domid, &backend_domid, e);
    if (rc < 0)
        return rc;
    device_job_init(j, ctx, domid, class, backend, backend_domid, dev->devid);
    j->dev = dev;
    j->hidden = is_hidden(dev);
    if (!j->elsewhere && !j->hidden)
        rc = device_job_need_driver(j, e);
    if (rc < 0)
        return rc;
    if (hs_exists(ctx->xs, HS_TX_NONE, j->copy) == 1)
        return hl_fail_dom(e, EEXIST, domid, "add a device", "it has the %s %" PRIu32 " already",
                           class->noun, dev->devid);
    return 0;
}

static void take_away(struct set *set);

static int prepare_and_write(struct hl_ctx *ctx, uint32_t domid, struct set *set,
                             struct hl_error *e)
{
    /* Nobody else may look for users of a disk while we are not visible yet. */
    int lock = lock_take(LOCK_DISKS, e), rc = lock < 0 ? lock : 0;

    for (size_t i = 0; rc == 0 && i < set->count; i++) {
        struct device_job *j = &set->jobs[i];

        rc = hl_fault("prepare the device", e);
        if (rc == 0 && j->class->prepare != NULL && !j->elsewhere)
            rc = j->class->prepare(j, e);
        if (rc != 0)
            device_job_name(j, e);
    }
    if (rc == 0)
        rc = hl_fault("write the devices' nodes", e);
    if (rc == 0)
        rc = store_transact(ctx->xs, domid, write_all, set, "write the devices' nodes", e);
    for (size_t i = 0; i < set->count; i++)
        set->jobs[i].added = rc == 0;
    lock_drop(lock);
    return rc;
}

static int add_locked(struct hl_ctx *ctx, uint32_t domid, const struct hl_device_list *list,
                      struct hl_error *e)
{
    struct set set = {calloc(list->count, sizeof(struct device_job)), 0};
    int rc = 0;

    if (set.jobs == NULL)
        return hl_fail_dom(e, ENOMEM, domid, "add devices", NULL);
    for (; rc == 0 && set.count < list->count; set.count++) {
        rc = set_up_job(ctx, domid, &list->items[set.count], &set.jobs[set.count], e);
        set.jobs[set.count].with = list;
    }
    if (rc == 0)
        rc = prepare_and_write(ctx, domid, &set, e);
    for (size_t i = 0; rc == 0 && i < set.count; i++) {
        rc = device_job_bring_up(&set.jobs[i], e);
        if (rc != 0)
            device_job_name(&set.jobs[i], e);
    }
    for (size_t i = 0; i < set.count; i++)
        if (set.jobs[i].class != NULL && set.jobs[i].class->release != NULL)
            set.jobs[i].class->release(&set.jobs[i]);
    if (rc != 0)
        take_away(&set);
    free(set.jobs);
    return rc;
}

int hl_devices_add(struct hl_ctx *ctx, uint32_t domid, const struct hl_device_list *list,
                   struct hl_error *e)
{
    int lock, rc;

    if (list->count == 0)
        return 0;
    lock = lock_take(LOCK_DOMAIN(domid), e);
    if (lock < 0)
        return lock;
    rc = add_locked(ctx, domid, list, e);
    lock_drop(lock);
    return rc;
}

/* ---- taking away -------------------------------------------------------------------------- */

static void left_path(const struct device_job *j, char path[STORE_PATH_SIZE])
{
    snprintf(path, STORE_PATH_SIZE, "/libxl/%" PRIu32 "/left/%s/%" PRIu32, j->domid, j->class->name,
             j->devid);
}

/*
 * A program of ours gives all back, as an image that is open, before it writes Closed, where it knows that nobody comes again.
 * Xen's tools in a driver domain wait for its kernel to write Closed, which it does where it was told to close. Where nobody
 * has answered yet nobody would.
 */
static void tell_server(const struct device_job *j, struct store_writer *w)
{
    long long state;

    if ((!j->elsewhere && j->backend->driver != NULL) || !store_has(w, j->back))
        return;
    if (!j->elsewhere) {
        store_put(w, j->back, "online", "0");
        return;
    }
    state = hs_number_at(w->xs, w->tx, j->back, "state", DEVICE_UNKNOWN);
    store_put(w, j->back, "online", "0");
    if (state > DEVICE_INITIALISING && state < DEVICE_CLOSING)
        store_put(w, j->back, "state", "%d", DEVICE_CLOSING);
}

/* The front ends' folders go: a kernel's back end then lets go at once. A driver domain's programs are told. */
static void remove_fronts(struct store_writer *w, void *opaque)
{
    struct set *set = opaque;
    char path[STORE_PATH_SIZE];

    for (size_t i = 0; i < set->count; i++) {
        const struct device_job *j = &set->jobs[i];

        tell_server(j, w);
        if (j->used) {
            left_path(j, path);
            store_put(w, path, "backend", "%s", j->back);
        }
        store_remove(w, j->front);
    }
}

/* The folder "error" is its domain's own, who could not make it again. */
static void remove_errors(struct store_writer *w, uint32_t domid, const char *path)
{
    char base[64];

    snprintf(base, sizeof(base), "/local/domain/%" PRIu32 "%s", domid, domid == 0 ? "" : "/error");
    if (store_has(w, path))
        store_remove_below(w, base, path);
}

/* What the back end and the guest said of it. */
static void remove_words(struct store_writer *w, void *opaque)
{
    const struct device_job *j = opaque;
    char path[STORE_PATH_SIZE];

    remove_errors(w, j->backend_domid, j->error);
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/error/device/%s/%" PRIu32, j->domid,
             j->class->name, j->devid);
    remove_errors(w, j->domid, path);
}

static void remove_rest(struct store_writer *w, void *opaque)
{
    struct set *set = opaque;

    for (size_t i = 0; i < set->count; i++) {
        struct device_job *j = &set->jobs[i];

        store_remove(w, j->front);
        store_remove(w, j->back);
        remove_words(w, j);
        store_remove(w, j->copy);
    }
}

static int forget_nodes(struct set *set, struct hl_error *e)
{
    hl_fault_kill();
    return set->count == 0 ? 0
                           : store_transact(set->jobs[0].ctx->xs, set->jobs[0].domid, remove_rest,
                                            set, "remove the devices' nodes", e);
}

/*
 * Before the i-th of a set was waited for, its driver domain kept us waiting as long as we do: its daemon is away, and the
 * others have had the same time.
 */
static bool server_is_away(const struct set *set, size_t i)
{
    const struct device_job *j = &set->jobs[i];
    bool away = j->lingers;

    for (size_t k = 0; k < i; k++)
        away = away || (set->jobs[k].lingers && set->jobs[k].backend_domid == j->backend_domid);
    return j->elsewhere && away;
}

/* Without asking the guest. A living one can keep its nodes (-EBUSY). */
static int drop_fronts(struct set *set, struct hl_error *e)
{
    return set->count == 0 ? 0
                           : store_transact(set->jobs[0].ctx->xs, set->jobs[0].domid, remove_fronts,
                                            set, "remove the front ends", e);
}

/* The front ends are gone. The nodes that say what there is to undo stay until it is undone. */
static void let_go(struct set *set)
{
    if (set->count == 0)
        return;
    hl_fault_kill();
    for (size_t i = 0; i < set->count; i++)
        set->jobs[i].lingers =
            device_wait_gone(&set->jobs[i], server_is_away(set, i) ? 0 : DEVICE_GONE_SECONDS) != 0;
    hl_fault_kill();
    for (size_t i = 0; i < set->count; i++)
        if (set->jobs[i].class->unplug != NULL && !set->jobs[i].elsewhere)
            set->jobs[i].class->unplug(&set->jobs[i]);
}

/* Of a guest that is dead, or is to be: nobody is asked, and nobody told. */
static void release_all(struct set *set)
{
    (void)drop_fronts(set, NULL);
    let_go(set);
    /* What was undone is not undone again by whoever comes after an interruption. */
    (void)forget_nodes(set, NULL);
}

static void take_away(struct set *set)
{
    size_t n = 0;

    for (size_t i = 0; i < set->count; i++)
        if (set->jobs[i].added)
            set->jobs[n++] = set->jobs[i];
    set->count = n;
    release_all(set);
}

static bool is_among(char **names, unsigned int n, const char *name)
{
    for (unsigned int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* All devices of a domain of the classes that we know, from the toolstack's copies. */
static void find_all(struct hl_ctx *ctx, uint32_t domid, struct set *set)
{
    unsigned int kinds = 0;
    char base[64], **kind;

    snprintf(base, sizeof(base), "/libxl/%" PRIu32 "/device", domid);
    kind = hs_directory(ctx->xs, HS_TX_NONE, base, &kinds);
    for (int k = 0; kind != NULL && k < HL_DEVICE_KINDS; k++) {
        const struct device_class *class = device_class((enum hl_device_kind)k);
        char path[96];
        unsigned int n;
        char **names;

        if (!is_among(kind, kinds, class->name))
            continue;
        snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%s", domid, class->name);
        names = hs_directory(ctx->xs, HS_TX_NONE, path, &n);
        for (unsigned int i = 0; names != NULL && i < n; i++) {
            char *back = hs_readf(ctx->xs, HS_TX_NONE, "%s/%s/backend", path, names[i]);
            uint32_t server = 0;
            const struct device_backend *backend =
                back == NULL ? NULL : device_backend_of_path((enum hl_device_kind)k, back, &server);
            struct device_job *jobs =
                backend == NULL ? NULL : realloc(set->jobs, (set->count + 1) * sizeof(*jobs));

            uint32_t devid = (uint32_t)strtoul(names[i], NULL, 10);

            free(back);
            if (jobs == NULL)
                continue;
            set->jobs = jobs;
            /* The first console is no device of its own. */
            if (devid >= class->first)
                device_job_init(&jobs[set->count++], ctx, domid, class, backend, server, devid);
        }
        free(names);
    }
    free(kind);
}

void hl_devices_release(struct hl_ctx *ctx, uint32_t domid)
{
    struct set set = {NULL, 0};

    if (ctx->xs == NULL)
        return;
    find_all(ctx, domid, &set);
    release_all(&set);
    free(set.jobs);
}

static void ask_to_close(struct store_writer *w, void *opaque)
{
    const struct device_job *j = opaque;

    store_put(w, j->back, "online", "0");
    store_put(w, j->back, "state", "%d", DEVICE_CLOSING);
}

/* Does a driver in the guest use it? Before it connects, and after it closed, nobody has to agree. */
static bool in_use(const struct device_job *j)
{
    int state = device_state(j->ctx, j->front);

    return state >= DEVICE_INIT_WAIT && state != DEVICE_CLOSED;
}

static int say_guest_holds(const struct device_job *j, struct hl_error *e)
{
    char *why = hs_readf(j->ctx->xs, HS_TX_NONE,
                         "/local/domain/%" PRIu32 "/error/device/%s/%" PRIu32 "/error", j->domid,
                         j->class->name, j->devid);

    hl_fail_dom(e, EBUSY, j->domid, "detach the device",
                "the guest does not let go of the %s within %d s%s%s", j->class->noun,
                DEVICE_CLOSE_SECONDS, why == NULL ? "" : ": ", why == NULL ? "" : why);
    hl_error_advise(e, "unmount it in the guest and try again, or detach it with --force");
    free(why);
    return -EBUSY;
}

static int say_server_holds(const struct device_job *j, struct hl_error *e)
{
    hl_fail_dom(e, EBUSY, j->domid, "detach the device",
                "domain %" PRIu32 ", which serves the %s, does not let go of it within %d s",
                j->backend_domid, j->class->noun, DEVICE_CLOSE_SECONDS);
    hl_error_advise(e, "does \"hl devd\" run there? Start it, or detach it with --force");
    return -EBUSY;
}

static int close_device(struct device_job *j, bool force, struct hl_error *e)
{
    int rc;

    /* The guest hears of the wish by the back end's nodes, which go with a domain that served it. */
    if (!in_use(j) || (j->elsewhere && !driver_domain_lives(j->ctx, j->backend_domid)))
        return 0;
    rc = store_transact(j->ctx->xs, j->domid, ask_to_close, j, "ask the guest to let go", e);
    if (rc < 0 || device_wait_gone(j, DEVICE_CLOSE_SECONDS) == 0)
        return rc;
    j->lingers = j->elsewhere && !in_use(j);
    if (force)
        return 0;
    return j->lingers ? say_server_holds(j, e) : say_guest_holds(j, e);
}

/* The domain's record follows what it has, so that a restart makes the same. */
static int change_record(struct hl_ctx *ctx, uint32_t domid, const struct hl_device *add,
                         enum hl_device_kind kind, uint32_t devid, struct hl_error *e)
{
    struct hv_domain_info info;
    struct hl_domain_config c;
    struct hl_device copy;
    int rc = hl_fault("keep the domain's configuration", e);

    if (rc == 0)
        rc = hv_domain_info(ctx->hv, domid, &info, e);
    if (rc != 0)
        return rc;
    if (hl_record_load(info.uuid, &c, NULL) != 0)
        return 0; /* another toolstack's domain has none */
    hl_device_list_remove(&c.devices, kind, devid);
    if (add != NULL) {
        rc = hl_device_copy(&copy, add);
        if (rc == 0)
            rc = hl_device_list_add(&c.devices, &copy);
    }
    rc = rc == 0 ? hl_record_save(&c, e)
                 : hl_fail_dom(e, -rc, domid, "keep the domain's configuration", NULL);
    hl_domain_config_free(&c);
    return rc;
}

static int find_job(struct hl_ctx *ctx, uint32_t domid, enum hl_device_kind kind, uint32_t devid,
                    struct device_job *j, struct hl_error *e)
{
    const struct device_class *class = device_class(kind);
    const struct device_backend *backend = NULL;
    uint32_t server = 0;
    char *back = hs_readf(ctx->xs, HS_TX_NONE, "/libxl/%" PRIu32 "/device/%s/%" PRIu32 "/backend",
                          domid, class->name, devid);

    if (back != NULL)
        backend = device_backend_of_path(kind, back, &server);
    free(back);
    if (backend == NULL)
        return hl_fail_dom(e, ENOENT, domid, "find the device", "it has no %s %" PRIu32,
                           class->noun, devid);
    device_job_init(j, ctx, domid, class, backend, server, devid);
    return 0;
}

/* So long a guest may take to set a device up that goes again; where it has no driver, all of it is waited for. */
#define SETTLE_SECONDS 10

static int remove_locked(struct hl_ctx *ctx, uint32_t domid, enum hl_device_kind kind,
                         uint32_t devid, bool force, struct hl_error *e)
{
    struct device_job j;
    struct set set = {&j, 1};
    int rc = find_job(ctx, domid, kind, devid, &j, e);

    if (rc == 0)
        rc = hl_fault("ask the guest to let go", e);
    j.used = rc == 0 && device_state(ctx, j.front) > DEVICE_INITIALISING;
    if (rc == 0)
        rc = close_device(&j, force, e);
    if (rc == 0)
        rc = hl_fault("take the device away", e);
    if (rc == 0)
        rc = drop_fronts(&set, e);
    if (rc != 0)
        return rc;
    let_go(&set);
    return forget_nodes(&set, e);
}

int hl_device_remove(struct hl_ctx *ctx, uint32_t domid, enum hl_device_kind kind, uint32_t devid,
                     bool force, struct hl_error *e)
{
    int lock = lock_take(LOCK_DOMAIN(domid), e), rc;
    struct device_job j;

    if (lock < 0)
        return lock;
    if (find_job(ctx, domid, kind, devid, &j, NULL) == 0)
        (void)device_wait_settled(&j, SETTLE_SECONDS);
    rc = remove_locked(ctx, domid, kind, devid, force, e);
    if (rc == 0)
        rc = change_record(ctx, domid, NULL, kind, devid, e);
    else if (rc == -ENOENT) /* an earlier attempt may have come that far, and no further */
        (void)change_record(ctx, domid, NULL, kind, devid, NULL);
    lock_drop(lock);
    return rc;
}

/* ---- devices that come again -------------------------------------------------------------- */

/*
 * Linux in the guest looks, when it is told of a change below "device", whether the device is there. If one went and came
 * again before it looked, it keeps the closed one that it had, and never connects (xenbus_dev_changed() in
 * drivers/xen/xenbus/xenbus_probe.c). Nothing says that it has looked, but an end that leaves the state Initialising. So a
 * device that a guest had is waited for when it comes again, and one that is not taken up goes once more, for longer.
 */
static const struct {
    unsigned int away_ms, seconds;
} tries[] = {{100, 5}, {1000, 10}, {5000, 30}};

#define TRIES (sizeof(tries) / sizeof(tries[0]))

static bool was_left(const struct device_job *j)
{
    char path[STORE_PATH_SIZE];

    left_path(j, path);
    return hs_exists(j->ctx->xs, HS_TX_NONE, path) == 1;
}

static void remove_left(struct store_writer *w, void *opaque)
{
    char path[STORE_PATH_SIZE];

    left_path(opaque, path);
    if (store_has(w, path))
        store_remove(w, path);
}

static void forget_left(struct device_job *j)
{
    (void)store_transact(j->ctx->xs, j->domid, remove_left, j, "forget that a device went", NULL);
}

/* Adds a device by `add`. 0, 1 if it came again and the guest does not take it up, or a negative errno. */
static int bring(struct device_job *j, struct hl_device *d,
                 int (*add)(struct hl_ctx *ctx, uint32_t domid, struct hl_device *d,
                            struct hl_error *e),
                 struct hl_error *e)
{
    for (size_t i = 0; i < TRIES; i++) {
        bool again = was_left(j);
        int rc = i == 0 ? 0 : remove_locked(j->ctx, j->domid, d->kind, j->devid, true, e);

        if (rc != 0)
            return rc;
        if (again)
            usleep(tries[i].away_ms * 1000);
        /* Linux may have come to look at one before when it went, and have said that when it was gone. */
        (void)store_transact(j->ctx->xs, j->domid, remove_words, j, "forget what was said", NULL);
        rc = add(j->ctx, j->domid, d, e);
        if (rc != 0 || !again || is_hidden(d))
            return rc;
        rc = device_wait_taken_up(j, tries[i].seconds);
        if (rc == 0)
            forget_left(j);
        if (rc != -ETIMEDOUT)
            return 0;
    }
    /* Who has no driver any more shall not be waited for each time. */
    forget_left(j);
    return 1;
}

static int add_one(struct hl_ctx *ctx, uint32_t domid, struct hl_device *d, struct hl_error *e)
{
    struct hl_device_list list = {d, 1};

    return add_locked(ctx, domid, &list, e);
}

static int bring_new(struct hl_ctx *ctx, uint32_t domid, struct hl_device *d, struct hl_error *e)
{
    const struct device_class *class = device_class(d->kind);
    const struct device_backend *backend = class->backend(d, e);
    struct device_job j;
    int rc;

    if (backend == NULL)
        return -EOPNOTSUPP;
    device_job_init(&j, ctx, domid, class, backend, ctx->domid, d->devid);
    rc = bring(&j, d, add_one, e);
    if (rc != 1)
        return rc;
    (void)remove_locked(ctx, domid, d->kind, d->devid, true, NULL);
    hl_fail_dom(e, ETIMEDOUT, domid, "attach the device",
                "the guest, which had one of this number, does not take it up: it is detached");
    device_job_name(&j, e);
    hl_error_advise(e, "see whether the guest runs and answers, then attach it once more");
    return -ETIMEDOUT;
}

int hl_device_attach(struct hl_ctx *ctx, uint32_t domid, struct hl_device *d, struct hl_error *e)
{
    struct hl_device_list list = {d, 1};
    int lock = lock_take(LOCK_DOMAIN(domid), e), rc = 0;
    struct hl_device_info *have;
    char *name = NULL;
    size_t n;

    if (lock < 0)
        return lock;
    if (d->devid == HL_NO_DEVID) {
        rc = hl_device_infos(ctx, domid, d->kind, &have, &n, e);
        d->devid = device_class(d->kind)->first;
        for (size_t i = 0; rc == 0 && i < n && have[i].devid == d->devid; i++)
            d->devid++;
        if (rc == 0)
            hl_device_info_free(have, n);
    }
    if (rc == 0) {
        name = hs_readf(ctx->xs, HS_TX_NONE, "/local/domain/%" PRIu32 "/name", domid);
        rc = hl_device_list_finish(&list, name == NULL ? "" : name, e);
        free(name);
    }
    if (rc == 0)
        rc = bring_new(ctx, domid, d, e);
    if (rc == 0) {
        rc = change_record(ctx, domid, d, d->kind, d->devid, e);
        if (rc != 0)
            (void)remove_locked(ctx, domid, d->kind, d->devid, true, NULL);
    }
    lock_drop(lock);
    return rc;
}

/* ---- CD-ROMs ------------------------------------------------------------------------------ */

static int find_drive(struct hl_ctx *ctx, uint32_t domid, uint32_t devid, const char *vdev,
                      struct device_job *j, struct hl_error *e)
{
    int rc = find_job(ctx, domid, HL_DEVICE_VBD, devid, j, NULL);
    char *type = NULL;
    bool drive;

    if (rc == 0)
        type = hs_read_at(ctx->xs, HS_TX_NONE, j->copy, "device-type");
    drive = type != NULL && strcmp(type, "cdrom") == 0;
    free(type);
    if (drive)
        return 0;
    return hl_fail_dom(e, ENOENT, domid, "change the medium", "%s is no CD-ROM drive of it", vdev);
}

/* The new medium is where the drive is: by name, which outlives a number. */
static int name_server(const struct device_job *j, struct hl_device *d, struct hl_error *e)
{
    char *name =
        hs_readf(j->ctx->xs, HS_TX_NONE, "/local/domain/%" PRIu32 "/name", j->backend_domid);

    if (name == NULL && asprintf(&name, "%" PRIu32, j->backend_domid) < 0)
        return hl_fail_dom(e, ENOMEM, j->domid, "change the medium", NULL);
    d->disk.backend_domain = name;
    return 0;
}

/* Without the medium where there is no other way: the guest keeps its drive. */
static int bring_drive(struct hl_ctx *ctx, uint32_t domid, struct hl_device *d, struct hl_error *e)
{
    struct hl_device empty = *d;
    int rc = add_one(ctx, domid, d, e);

    if (rc == 0)
        return 0;
    empty.disk.target = NULL;
    empty.disk.format = HL_DISK_EMPTY;
    (void)add_one(ctx, domid, &empty, NULL);
    (void)change_record(ctx, domid, &empty, HL_DEVICE_VBD, d->devid, NULL);
    return rc;
}

static int say_not_taken(const struct device_job *j, const char *vdev, struct hl_error *e)
{
    hl_fail_dom(e, ETIMEDOUT, j->domid, "change the medium",
                "it is changed, but the guest does not take the drive %s up again", vdev);
    hl_error_advise(e, "see whether the guest runs and answers, then change the medium once more");
    return -ETIMEDOUT;
}

/* Before the drive goes: what is no medium, a name mistyped, leaves the one that is in it. */
static int try_medium(struct hl_ctx *ctx, uint32_t domid, struct hl_device *d, struct hl_error *e)
{
    const struct device_class *class = device_class(d->kind);
    const struct device_backend *backend = class->backend(d, e);
    struct device_job j;
    int lock, rc;

    if (backend == NULL)
        return -EOPNOTSUPP;
    device_job_init(&j, ctx, domid, class, backend, ctx->domid, d->devid);
    j.dev = d;
    lock = lock_take(LOCK_DISKS, e);
    rc = lock < 0 ? lock : class->prepare(&j, e);
    class->release(&j);
    lock_drop(lock);
    if (rc < 0)
        device_job_name(&j, e);
    return rc;
}

static int change_medium(struct hl_ctx *ctx, uint32_t domid, struct hl_device *d,
                         struct hl_error *e)
{
    struct device_job j;
    int left, rc = find_drive(ctx, domid, d->devid, d->disk.vdev, &j, e);

    if (rc == 0 && j.elsewhere)
        rc = name_server(&j, d, e);
    if (rc == 0)
        rc = device_class(d->kind)->finish(d, "", e);
    if (rc == 0 && !j.elsewhere)
        rc = try_medium(ctx, domid, d, e);
    /* blkback keeps the medium that it was started with, so the drive is taken away and comes again. */
    if (rc == 0)
        (void)device_wait_settled(&j, SETTLE_SECONDS);
    if (rc == 0)
        rc = remove_locked(ctx, domid, HL_DEVICE_VBD, d->devid, false, e);
    if (rc != 0)
        return rc;
    left = bring(&j, d, bring_drive, e);
    rc = left < 0 ? left : change_record(ctx, domid, d, HL_DEVICE_VBD, d->devid, e);
    return rc == 0 && left == 1 ? say_not_taken(&j, d->disk.vdev, e) : rc;
}

int hl_cdrom_change(struct hl_ctx *ctx, uint32_t domid, const char *vdev, const char *target,
                    struct hl_error *e)
{
    static const char step[] = "change the medium";
    struct hl_device d;
    char why[256], *spec;
    int lock, rc;

    if (asprintf(&spec, "format=,vdev=%s,access=ro,devtype=cdrom,target=%s", vdev,
                 target == NULL ? "" : target) < 0)
        return hl_fail(e, ENOMEM, step, vdev, NULL);
    rc = hl_device_parse(HL_DEVICE_VBD, spec, &d, why, sizeof(why));
    free(spec);
    if (rc < 0)
        return hl_fail(e, -rc, step, vdev, "%s", why);
    lock = lock_take(LOCK_DOMAIN(domid), e);
    rc = lock < 0 ? lock : change_medium(ctx, domid, &d, e);
    lock_drop(lock);
    hl_device_free(&d);
    return rc;
}

/* ---- lists -------------------------------------------------------------------------------- */

/* The first of the names that has a number. */
static long long read_first(struct hl_ctx *ctx, const char *dir, const char *const *names)
{
    long long v = -1;

    for (; v < 0 && *names != NULL; names++)
        v = hs_number_at(ctx->xs, HS_TX_NONE, dir, *names, -1);
    return v;
}

static void fill_info(struct hl_ctx *ctx, const struct device_class *class, uint32_t domid,
                      struct hl_device_info *info)
{
    static const char *const ports[] = {"event-channel",
                                        "event-channel-tx",
                                        "queue-0/event-channel",
                                        "queue-0/event-channel-tx",
                                        "port",
                                        NULL};
    char copy[96], *front = NULL;

    snprintf(copy, sizeof(copy), "/libxl/%" PRIu32 "/device/%s/%" PRIu32, domid, class->name,
             info->devid);
    info->backend = hs_read_at(ctx->xs, HS_TX_NONE, copy, "backend");
    if (asprintf(&front, "/local/domain/%" PRIu32 "/device/%s/%" PRIu32, domid, class->name,
                 info->devid) < 0)
        front = NULL;
    info->frontend = front;
    info->state = 0;
    info->event_channel = -1;
    info->ring_ref[0] = info->ring_ref[1] = -1;
    if (front == NULL)
        return;
    /* The front end's own node is the guest's to write. */
    if (info->backend == NULL ||
        sscanf(info->backend, "/local/domain/%" SCNu32 "/", &info->backend_domid) != 1)
        info->backend_domid = 0;
    info->state = device_state(ctx, front);
    info->event_channel = (int)read_first(ctx, front, ports);
    class->info(ctx, info);
}

static int compare_info(const void *a, const void *b)
{
    uint32_t x = ((const struct hl_device_info *)a)->devid;
    uint32_t y = ((const struct hl_device_info *)b)->devid;

    return x < y ? -1 : x > y;
}

int hl_device_infos(struct hl_ctx *ctx, uint32_t domid, enum hl_device_kind kind,
                    struct hl_device_info **list, size_t *count, struct hl_error *e)
{
    const struct device_class *class = device_class(kind);
    char path[64];
    unsigned int n;
    char **names;

    *list = NULL;
    *count = 0;
    snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%s", domid, class->name);
    names = hs_directory(ctx->xs, HS_TX_NONE, path, &n);
    if (names == NULL)
        return errno == ENOENT ? 0 : hl_fail_dom(e, errno, domid, "list the devices", NULL);
    *list = calloc(n == 0 ? 1 : n, sizeof(**list));
    if (*list == NULL) {
        free(names);
        return hl_fail_dom(e, ENOMEM, domid, "list the devices", NULL);
    }
    for (unsigned int i = 0; i < n; i++) {
        uint32_t devid = (uint32_t)strtoul(names[i], NULL, 10);

        if (devid < class->first)
            continue;
        (*list)[*count].devid = devid;
        fill_info(ctx, class, domid, &(*list)[(*count)++]);
    }
    free(names);
    qsort(*list, *count, sizeof(**list), compare_info);
    return 0;
}

void hl_device_info_free(struct hl_device_info *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].backend);
        free(list[i].frontend);
        free(list[i].mac);
        free(list[i].target);
        free(list[i].name);
        free(list[i].connection);
    }
    free(list);
}
