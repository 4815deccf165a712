/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's half of devices in a driver domain; see hotplug.h. */
#include "dom0-toolstack/lib/hotplug.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/device_wait.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/lock.h"

static const char step[] = "set the device up";

/* ---- paths ---- */

/* The class and the back end that serve a folder, of those that a driver domain can. */
static bool find_kind(const char *path, const struct device_class **class,
                      const struct device_backend **backend, uint32_t *self)
{
    for (int k = 0; k < HL_DEVICE_KINDS; k++) {
        *class = device_class((enum hl_device_kind)k);
        *backend = device_backend_of_path((enum hl_device_kind)k, path, self);
        if (*backend != NULL && (*class)->from_nodes != NULL)
            return true;
    }
    return false;
}

static bool job_of_path(struct hl_ctx *ctx, const char *path, struct device_job *j)
{
    const struct device_class *class;
    const struct device_backend *backend;
    uint32_t self, domid, devid;

    if (!find_kind(path, &class, &backend, &self) || self != ctx->domid ||
        sscanf(path, "/local/domain/%*[0-9]/backend/%*[^/]/%" SCNu32 "/%" SCNu32, &domid, &devid) !=
            2)
        return false;
    device_job_init(j, ctx, domid, class, backend, self, devid);
    return true;
}

bool hotplug_device_path(struct hl_ctx *ctx, const char *path, char out[128])
{
    struct device_job j;

    if (!job_of_path(ctx, path, &j))
        return false;
    snprintf(out, 128, "%s", j.back);
    return true;
}

/* ---- looking ---- */

static bool has(const struct device_job *j, const char *base, const char *name)
{
    char path[STORE_PATH_SIZE];

    snprintf(path, sizeof(path), "%s/%s", base, name);
    return hs_exists(j->ctx->xs, HS_TX_NONE, path) == 1;
}

static bool status_is(const struct device_job *j, const char *word)
{
    char *status = hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, "hotplug-status");
    bool yes = status != NULL && strcmp(status, word) == 0;

    free(status);
    return yes;
}

static enum hotplug_work look(const struct device_job *j)
{
    bool begun = hs_exists(j->ctx->xs, HS_TX_NONE, j->copy) == 1;
    bool online = hs_number_at(j->ctx->xs, HS_TX_NONE, j->back, "online", 1) != 0;

    if (!has(j, j->back, "frontend"))
        return begun ? HOTPLUG_LET_GO : HOTPLUG_NOTHING;
    /* What is not there any more may not be asked about either, so an error means gone, too. */
    if (hs_exists(j->ctx->xs, HS_TX_NONE, j->front) != 1 ||
        (!online && device_state(j->ctx, j->back) == DEVICE_CLOSED))
        return HOTPLUG_LET_GO;
    if (!online)
        return HOTPLUG_LATER;
    if (has(j, j->back, "hotplug-error") || status_is(j, "error") ||
        (begun && status_is(j, "connected")))
        return HOTPLUG_NOTHING;
    return HOTPLUG_SET_UP;
}

enum hotplug_work hotplug_look(struct hl_ctx *ctx, const char *path)
{
    struct device_job j;

    return job_of_path(ctx, path, &j) ? look(&j) : HOTPLUG_NOTHING;
}

bool hotplug_begun(struct hl_ctx *ctx, const char *path)
{
    struct device_job j;

    return job_of_path(ctx, path, &j) && hs_exists(ctx->xs, HS_TX_NONE, j.copy) == 1;
}

/* ---- setting up ---- */

/* What `unplug` will need, from before there is anything to undo. */
static void write_record(struct store_writer *w, void *opaque)
{
    static const char *const kept[] = {"script", "gatewaydev", "bridge", "mac", "vifname", NULL};
    struct device_job *j = opaque;
    char path[STORE_PATH_SIZE];

    /* Domain 0 may have taken the device back meanwhile. */
    snprintf(path, sizeof(path), "%s/frontend", j->back);
    if (!store_has(w, path)) {
        store_missing(w, path);
        return;
    }
    for (const char *const *name = kept; *name != NULL; name++) {
        char *value = hs_read_at(w->xs, w->tx, j->back, *name);

        if (value != NULL)
            store_put(w, j->copy, *name, "%s", value);
        free(value);
    }
    store_put(w, j->copy, "backend", "%s", j->back);
    if (j->class->hotplug != NULL)
        store_put(w, j->copy, DEVICE_HOTPLUG, "%s", j->class->hotplug(j));
    if (j->class->host_nodes != NULL)
        j->class->host_nodes(j, w);
}

static int prepare(struct device_job *j, struct hl_error *e)
{
    int lock = lock_take(LOCK_DISKS, e), rc = lock < 0 ? lock : 0;

    if (rc == 0 && j->class->prepare != NULL)
        rc = j->class->prepare(j, e);
    if (rc == 0)
        rc = store_transact(j->ctx->xs, j->domid, write_record, j, step, e);
    if (rc == -EACCES)
        hl_error_advise(e, "this domain needs driver_domain = 1 in its configuration");
    lock_drop(lock);
    return rc;
}

static void forget_record(struct store_writer *w, void *opaque)
{
    const struct device_job *j = opaque;
    char base[64];

    snprintf(base, sizeof(base), "/local/domain/%" PRIu32 "/libxl", j->ctx->domid);
    store_remove_below(w, base, j->copy);
}

static void undo(struct device_job *j)
{
    if (j->class->unplug != NULL && hs_exists(j->ctx->xs, HS_TX_NONE, j->copy) == 1)
        j->class->unplug(j);
    (void)store_transact(j->ctx->xs, j->domid, forget_record, j, "forget the device", NULL);
}

static void write_complaint(struct store_writer *w, void *opaque)
{
    struct device_job *j = ((void **)opaque)[0];
    const char *why = ((void **)opaque)[1];
    char path[STORE_PATH_SIZE];

    snprintf(path, sizeof(path), "%s/frontend", j->back);
    if (!store_has(w, path))
        return;
    snprintf(path, sizeof(path), "%s/hotplug-error", j->back);
    /* What a script or a program said itself is nearer to the cause. */
    if (!store_has(w, path))
        store_put(w, j->back, "hotplug-error", "%s", why);
    store_put(w, j->back, "hotplug-status", "error");
}

static void complain(struct device_job *j, struct hl_error *e)
{
    char *why = hl_error_sentence(e);
    void *both[2] = {j, why == NULL ? "out of memory" : why};

    (void)store_transact(j->ctx->xs, j->domid, write_complaint, both, "report a failure", NULL);
    free(why);
}

static int set_up_with(struct device_job *j, struct hl_device *d, struct hl_error *e)
{
    int rc = j->class->from_nodes(j, d, e);

    j->dev = d;
    if (rc == 0)
        rc = device_job_need_driver(j, e);
    if (rc != 0)
        return rc;
    /* One of us may have been killed on the way. */
    undo(j);
    rc = prepare(j, e);
    if (rc == 0)
        rc = device_job_bring_up(j, e);
    if (j->class->release != NULL)
        j->class->release(j);
    if (rc != 0)
        undo(j);
    return rc;
}

static int set_up(struct device_job *j, struct hl_error *e)
{
    struct hl_device d;
    int rc;

    device_init(&d, j->backend->kind);
    d.devid = j->devid;
    rc = set_up_with(j, &d, e);
    if (rc != 0) {
        j->dev = NULL;
        device_job_name(j, e);
        complain(j, e);
    }
    hl_device_free(&d);
    return rc;
}

/* ---- letting go ---- */

/* The folders above are Domain 0's, who takes them away when they are empty. */
static void remove_folder(struct store_writer *w, void *opaque)
{
    const struct device_job *j = opaque;
    char base[64];

    if (store_has(w, j->back) && hs_rm(w->xs, w->tx, j->back) < 0)
        store_missing(w, j->back);
    snprintf(base, sizeof(base), "/local/domain/%" PRIu32 "/error", j->ctx->domid);
    if (store_has(w, j->error))
        store_remove_below(w, base, j->error);
    forget_record(w, opaque);
}

static int let_go(struct device_job *j, struct hl_error *e)
{
    /* A program or a kernel that does not let go keeps what it has open: there is no more to do for us. */
    (void)device_wait_gone(j, DEVICE_GONE_SECONDS);
    if (j->class->unplug != NULL && hs_exists(j->ctx->xs, HS_TX_NONE, j->copy) == 1)
        j->class->unplug(j);
    return store_transact(j->ctx->xs, j->domid, remove_folder, j, "take the device away", e);
}

int hotplug_do(struct hl_ctx *ctx, const char *path, struct hl_error *e)
{
    struct device_job j;
    int lock, rc = 0;

    if (!job_of_path(ctx, path, &j))
        return 0;
    lock = lock_take(LOCK_DOMAIN(j.domid), e);
    if (lock < 0)
        return lock;
    switch (look(&j)) {
    case HOTPLUG_SET_UP: rc = set_up(&j, e); break;
    case HOTPLUG_LET_GO: rc = let_go(&j, e); break;
    default: break;
    }
    lock_drop(lock);
    return rc;
}

/* ---- all of them ---- */

struct walk {
    struct hl_ctx *ctx;
    void (*found)(void *opaque, const char *path);
    void *opaque;
};

/* Calls `down` with each child's path. */
static void children(const struct walk *k, const char *path,
                     void (*down)(const struct walk *k, const char *path))
{
    char child[STORE_PATH_SIZE];
    unsigned int n;
    char **names = hs_directory(k->ctx->xs, HS_TX_NONE, path, &n);

    for (unsigned int i = 0; names != NULL && i < n; i++) {
        if (snprintf(child, sizeof(child), "%s/%s", path, names[i]) < (int)sizeof(child))
            down(k, child);
    }
    free(names);
}

static void back_end(const struct walk *k, const char *path)
{
    char device[128];

    if (hotplug_device_path(k->ctx, path, device))
        k->found(k->opaque, device);
}

static void back_guest(const struct walk *k, const char *path)
{
    children(k, path, back_end);
}

static void back_kind(const struct walk *k, const char *path)
{
    children(k, path, back_guest);
}

/* Of a device that is in both, the first call does the work; the second finds nothing. */
static void record(const struct walk *k, const char *path)
{
    char *back = hs_read_at(k->ctx->xs, HS_TX_NONE, path, "backend");

    if (back != NULL)
        back_end(k, back);
    free(back);
}

static void record_kind(const struct walk *k, const char *path)
{
    children(k, path, record);
}

static void record_guest(const struct walk *k, const char *path)
{
    char device[STORE_PATH_SIZE];

    snprintf(device, sizeof(device), "%.200s/device", path);
    children(k, device, record_kind);
}

void hotplug_each(struct hl_ctx *ctx, void (*found)(void *opaque, const char *path), void *opaque)
{
    const struct walk k = {ctx, found, opaque};
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/backend", ctx->domid);
    children(&k, path, back_kind);
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/libxl", ctx->domid);
    children(&k, path, record_guest);
}
