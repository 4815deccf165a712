/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's entries in xenstore; see domain_store.h. */
#include "dom0-toolstack/lib/domain_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-toolstack/lib/build.h"
#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "xenstore/client/xs_client.h"

#define PATH_SIZE 256

/* One attempt at the transaction: after the first failure nothing more is sent. */
struct writer {
    struct hs *xs;
    hs_tx_t tx;
    uint32_t domid;
    int err; /* errno of the first failure */
    char failed[PATH_SIZE];
};

static void note_failure(struct writer *w, const char *path)
{
    if (w->err != 0)
        return;
    w->err = errno == 0 ? EIO : errno;
    snprintf(w->failed, sizeof(w->failed), "%s", path);
}

static void put(struct writer *w, const char *base, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void put(struct writer *w, const char *base, const char *name, const char *fmt, ...)
{
    char path[PATH_SIZE], *value;
    va_list args;
    int n;

    if (w->err != 0)
        return;
    snprintf(path, sizeof(path), "%s/%s", base, name);
    va_start(args, fmt);
    n = vasprintf(&value, fmt, args);
    va_end(args);
    if (n < 0) {
        errno = ENOMEM;
        note_failure(w, path);
        return;
    }
    if (hs_write(w->xs, w->tx, path, value, (size_t)n) < 0)
        note_failure(w, path);
    free(value);
}

static void set_perms(struct writer *w, const char *path, const struct hs_perm *perms,
                      unsigned int n)
{
    if (w->err == 0 && hs_set_perms(w->xs, w->tx, path, perms, n) < 0)
        note_failure(w, path);
}

/* A folder of Domain 0's that the guest may read; what is made below it inherits that. */
static void make_readable(struct writer *w, const char *path)
{
    struct hs_perm perms[2] = {{0, HS_PERM_NONE}, {w->domid, HS_PERM_READ}};

    if (w->err == 0 && hs_mkdir(w->xs, w->tx, path) < 0)
        note_failure(w, path);
    set_perms(w, path, perms, 2);
}

static void make_private(struct writer *w, const char *path)
{
    struct hs_perm perm = {0, HS_PERM_NONE};

    if (w->err == 0 && hs_mkdir(w->xs, w->tx, path) < 0)
        note_failure(w, path);
    set_perms(w, path, &perm, 1);
}

/* An empty node that belongs to the guest. */
static void make_guests(struct writer *w, const char *base, const char *name)
{
    struct hs_perm perm = {w->domid, HS_PERM_NONE};
    char path[PATH_SIZE];

    if (w->err != 0)
        return;
    snprintf(path, sizeof(path), "%s/%s", base, name);
    if (hs_write(w->xs, w->tx, path, "", 0) < 0)
        note_failure(w, path);
    set_perms(w, path, &perm, 1);
}

/* ---- the parts ---- */

static void write_home(struct writer *w, const struct hl_domain_config *c,
                       const struct hl_build_result *r, const char *home, const char *vm)
{
    static const char *const guests[] = {
        "control/shutdown",
        "control/feature-poweroff",
        "control/feature-reboot",
        "control/feature-suspend",
        "control/feature-s3",
        "control/feature-s4",
        "control/sysrq",
        "device/suspend/event-channel",
        "data",
        "drivers",
        "feature",
        "attr",
        "error",
    };

    make_readable(w, home);
    put(w, home, "vm", "%s", vm);
    put(w, home, "name", "%s", c->name);
    put(w, home, "domid", "%" PRIu32, w->domid);
    for (uint32_t i = 0; i < c->maxvcpus; i++) {
        char name[48];

        snprintf(name, sizeof(name), "cpu/%" PRIu32 "/availability", i);
        put(w, home, name, "%s", i < c->vcpus ? "online" : "offline");
    }
    put(w, home, "memory/static-max", "%" PRIu64, c->maxmem_kib);
    put(w, home, "memory/target", "%" PRIu64, c->memory_kib);
    put(w, home, "memory/videoram", "0");
    put(w, home, "store/port", "%" PRIu32, r->store_port);
    put(w, home, "store/ring-ref", "%" PRIu64, r->store_mfn);
    for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
        make_guests(w, home, guests[i]);
    put(w, home, "control/platform-feature-multiprocessor-suspend", "1");
    put(w, home, "control/platform-feature-xs_reset_watches", "1");
}

static void write_console(struct writer *w, const struct hl_build_result *r, const char *home)
{
    char frontend[PATH_SIZE], backend[PATH_SIZE], copy[PATH_SIZE];

    snprintf(frontend, sizeof(frontend), "%s/console", home);
    snprintf(backend, sizeof(backend), "/local/domain/0/backend/console/%" PRIu32 "/0", w->domid);
    snprintf(copy, sizeof(copy), "/libxl/%" PRIu32 "/device/console/0", w->domid);
    make_readable(w, backend);
    put(w, backend, "frontend", "%s", frontend);
    put(w, backend, "frontend-id", "%" PRIu32, w->domid);
    put(w, backend, "online", "1");
    put(w, backend, "state", "1");
    put(w, backend, "protocol", "vt100");
    put(w, frontend, "backend", "%s", backend);
    put(w, frontend, "backend-id", "0");
    put(w, frontend, "limit", "1048576");
    put(w, frontend, "type", "xenconsoled");
    put(w, frontend, "output", "pty");
    put(w, frontend, "tty", "%s", "");
    put(w, frontend, "port", "%" PRIu32, r->console_port);
    put(w, frontend, "ring-ref", "%" PRIu64, r->console_mfn);
    put(w, copy, "frontend", "%s", frontend);
    put(w, copy, "backend", "%s", backend);
    put(w, copy, "frontend-id", "%" PRIu32, w->domid);
    put(w, copy, "online", "1");
    put(w, copy, "state", "1");
    put(w, copy, "protocol", "vt100");
}

static void write_vm(struct writer *w, const struct hl_domain_config *c, const char *vm,
                     const char *uuid)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    make_readable(w, vm);
    put(w, vm, "uuid", "%s", uuid);
    put(w, vm, "name", "%s", c->name);
    put(w, vm, "start_time", "%lld.%02ld", (long long)now.tv_sec, now.tv_nsec / 10000000);
    put(w, vm, "image/ostype", "linux");
    put(w, vm, "image/kernel", "%s", c->kernel);
    if (c->ramdisk != NULL)
        put(w, vm, "image/ramdisk", "%s", c->ramdisk);
    put(w, vm, "image/cmdline", "%s", c->cmdline == NULL ? "" : c->cmdline);
    put(w, vm, "rtc/timeoffset", "0");
}

static void write_all(struct writer *w, const struct hl_domain_config *c,
                      const struct hl_build_result *r)
{
    char home[64], own[64], vm[64], uuid[37];

    hl_uuid_format(r->uuid, uuid);
    snprintf(home, sizeof(home), "/local/domain/%" PRIu32, w->domid);
    snprintf(own, sizeof(own), "/libxl/%" PRIu32, w->domid);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid);
    make_private(w, own);
    put(w, own, "type", "%s", hl_domain_type_name(c->type));
    put(w, own, "dm-version", "qemu_xen");
    write_vm(w, c, vm, uuid);
    write_home(w, c, r, home, vm);
    write_console(w, r, home);
}

int domain_store_write(struct hl_ctx *ctx, const struct hl_domain_config *c,
                       const struct hl_build_result *r, struct hl_error *e)
{
    static const char step[] = "write the domain's xenstore entries";
    struct writer w = {.xs = ctx->xs, .domid = r->domid};

    for (;;) {
        w.tx = hs_tx_start(ctx->xs);
        if (w.tx == HS_TX_NONE)
            return hl_fail(e, errno, step, NULL, NULL);
        write_all(&w, c, r);
        if (w.err != 0 && w.err != EAGAIN) {
            hs_tx_abort(ctx->xs, w.tx);
            return hl_fail(e, w.err, step, w.failed, NULL);
        }
        if (w.err == EAGAIN)
            hs_tx_abort(ctx->xs, w.tx);
        else if (hs_tx_commit(ctx->xs, w.tx) == 0)
            return 0;
        else if (errno != EAGAIN)
            return hl_fail(e, errno, step, NULL, NULL);
        w.err = 0;
    }
}

/* ---- removal ---- */

/* The domain's folders below /local/domain/0/backend, one in each kind of device. */
static void remove_backends(struct hl_ctx *ctx, hs_tx_t tx, uint32_t domid)
{
    static const char base[] = "/local/domain/0/backend";
    char path[PATH_SIZE];
    unsigned int n;
    char **kinds = hs_directory(ctx->xs, tx, base, &n);

    if (kinds == NULL)
        return;
    for (unsigned int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s/%" PRIu32, base, kinds[i], domid);
        (void)hs_rm_prune(ctx->xs, tx, path);
    }
    free(kinds);
}

static void remove_all(struct hl_ctx *ctx, hs_tx_t tx, uint32_t domid, const uint8_t uuid[16])
{
    char path[64], text[37];

    remove_backends(ctx, tx, domid);
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32, domid);
    (void)hs_rm(ctx->xs, tx, path);
    snprintf(path, sizeof(path), "/libxl/%" PRIu32, domid);
    (void)hs_rm(ctx->xs, tx, path);
    hl_uuid_format(uuid, text);
    snprintf(path, sizeof(path), "/vm/%s", text);
    if (!hl_uuid_is_nil(uuid))
        (void)hs_rm(ctx->xs, tx, path);
}

void domain_store_remove(struct hl_ctx *ctx, uint32_t domid, const uint8_t uuid[16])
{
    hs_tx_t tx;

    do {
        tx = hs_tx_start(ctx->xs);
        if (tx == HS_TX_NONE)
            return;
        remove_all(ctx, tx, domid, uuid);
    } while (hs_tx_commit(ctx->xs, tx) < 0 && errno == EAGAIN);
}
