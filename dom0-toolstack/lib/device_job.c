/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One device on its way: who serves it, its paths, and from its nodes to a back end that waits for the guest. What Domain 0
 * does with devices (device_life.c) and what a driver domain does (hotplug.c) share this; see device_class.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/device_wait.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/script.h"

/* Who serves which kind. A program of ours gets a row here and an answer in the class's backend(). */
static const struct device_backend backends[] = {
    {HL_DEVICE_VBD, "phy", "vbd", "vbd", "xen-blkback"},
    {HL_DEVICE_VBD, "qdisk", "qdisk", NULL, NULL},
    {HL_DEVICE_VIF, "vif", "vif", "vif", "xen-netback"},
    {HL_DEVICE_VIF, "qnic", "qnic", NULL, NULL},
    {HL_DEVICE_CONSOLE, "console", "console", NULL, NULL}, /* hospesd */
    {HL_DEVICE_P9, "9pfs", "9pfs", NULL, NULL},
    {HL_DEVICE_VFB, "vfb", "vfb", NULL, NULL}, /* both: hospes-fb */
    {HL_DEVICE_VKB, "vkbd", "vkbd", NULL, NULL},
};

const struct device_backend *device_backend_find(enum hl_device_kind kind, const char *name)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
        if (backends[i].kind == kind && strcmp(backends[i].name, name) == 0)
            return &backends[i];
    return NULL;
}

const struct device_backend *device_backend_of_path(enum hl_device_kind kind, const char *path,
                                                    uint32_t *domid)
{
    char directory[32];
    int end = 0;

    if (sscanf(path, "/local/domain/%" SCNu32 "/backend/%31[^/]%n", domid, directory, &end) != 2 ||
        path[end] != '/')
        return NULL;
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
        if (backends[i].kind == kind && strcmp(backends[i].directory, directory) == 0)
            return &backends[i];
    return NULL;
}

void device_job_init(struct device_job *j, struct hl_ctx *ctx, uint32_t domid,
                     const struct device_class *class, const struct device_backend *backend,
                     uint32_t backend_domid, uint32_t devid)
{
    char own[48] = "";

    *j = (struct device_job){.ctx = ctx,
                             .domid = domid,
                             .devid = devid,
                             .class = class,
                             .backend = backend,
                             .backend_domid = backend_domid,
                             .elsewhere = backend_domid != ctx->domid,
                             .fd = -1};
    snprintf(j->front, sizeof(j->front), "/local/domain/%" PRIu32 "/device/%s/%" PRIu32, domid,
             class->name, devid);
    snprintf(j->back, sizeof(j->back), "/local/domain/%" PRIu32 "/backend/%s/%" PRIu32 "/%" PRIu32,
             backend_domid, backend->directory, domid, devid);
    snprintf(j->error, sizeof(j->error),
             "/local/domain/%" PRIu32 "/error/backend/%s/%" PRIu32 "/%" PRIu32, backend_domid,
             backend->directory, domid, devid);
    if (ctx->domid != 0)
        snprintf(own, sizeof(own), "/local/domain/%" PRIu32, ctx->domid);
    snprintf(j->copy, sizeof(j->copy), "%s/libxl/%" PRIu32 "/device/%s/%" PRIu32, own, domid,
             class->name, devid);
    if (backend->driver != NULL && !j->elsewhere)
        snprintf(j->sysfs, sizeof(j->sysfs), "/sys/devices/%s-%" PRIu32 "-%" PRIu32,
                 backend->directory, domid, devid);
}

void device_job_name(const struct device_job *j, struct hl_error *e)
{
    char vdev[32];

    hl_vdev_name(j->devid, vdev);
    if (j->class == &vbd_class)
        hl_error_within(e, "disk %s", j->dev != NULL ? j->dev->disk.vdev : vdev);
    else
        hl_error_within(e, "%s %" PRIu32, j->class->noun, j->devid);
}

int device_job_need_driver(const struct device_job *j, struct hl_error *e)
{
    char probe[96];

    if (j->backend->driver == NULL)
        return 0;
    snprintf(probe, sizeof(probe), "/sys/bus/xen-backend/drivers/%s", j->backend->driver);
    return module_need(j->backend->module, probe, "find the back end", e);
}

/* The host's half, which needs the back end and which the back end needs. */
static int plug(struct device_job *j, struct hl_error *e)
{
    int rc = hl_fault("set the host's side up", e);

    if (rc == 0 && j->class->plug != NULL)
        rc = j->class->plug(j, e);
    if (rc == 0 && j->class->ready != NULL)
        rc = device_wait_ready(j, e);
    if (rc == 0)
        rc = hl_fault("report the device", e);
    if (rc == 0 && hs_write_at(j->ctx->xs, HS_TX_NONE, j->back, "hotplug-status", "connected") < 0)
        rc = hl_fail(e, errno, "report the device", j->back, NULL);
    return rc;
}

int device_job_bring_up(struct device_job *j, struct hl_error *e)
{
    int rc = hl_fault("wait for the back end", e);

    if (rc == 0 && j->hidden)
        return 0;
    if (rc == 0)
        rc = device_wait_backend(j, DEVICE_INIT_WAIT, e);
    if (rc != 0)
        return rc;
    return j->elsewhere ? device_wait_plugged(j, e) : plug(j, e);
}

void device_put(struct device_job *j, struct store_writer *w, const char *name, const char *fmt,
                ...)
{
    va_list ap;
    char *text;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0) {
        w->err = w->err == 0 ? ENOMEM : w->err;
        return;
    }
    if (!j->hidden)
        store_put(w, j->back, name, "%s", text);
    store_put(w, j->copy, name, "%s", text);
    free(text);
}
