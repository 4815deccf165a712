/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's entries in xenstore; see domain_store.h. */
#include "dom0-toolstack/lib/domain_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-toolstack/lib/build.h"
#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/store_writer.h"
#include "xenstore/client/xs_client.h"

#define PATH_SIZE STORE_PATH_SIZE

/* ---- the parts ---- */

static void write_home(struct store_writer *w, const struct hl_domain_config *c,
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

    store_make_readable(w, home);
    store_put(w, home, "vm", "%s", vm);
    store_put(w, home, "name", "%s", c->name);
    store_put(w, home, "domid", "%" PRIu32, w->domid);
    for (uint32_t i = 0; i < c->maxvcpus; i++) {
        char name[48];

        snprintf(name, sizeof(name), "cpu/%" PRIu32 "/availability", i);
        store_put(w, home, name, "%s", i < c->vcpus ? "online" : "offline");
    }
    store_put(w, home, "memory/static-max", "%" PRIu64, c->maxmem_kib);
    store_put(w, home, "memory/target", "%" PRIu64, c->memory_kib);
    store_put(w, home, "memory/videoram", "0");
    store_put(w, home, "store/port", "%" PRIu32, r->store_port);
    store_put(w, home, "store/ring-ref", "%" PRIu64, r->store_mfn);
    for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
        store_make_guests(w, home, guests[i]);
    if (c->driver_domain) {
        /* Where its own toolstack keeps what there is to undo, and where device models keep theirs. */
        store_make_guests(w, home, "libxl");
        store_make_guests(w, home, "device-model");
    }
    store_put(w, home, "control/platform-feature-multiprocessor-suspend", "1");
    store_put(w, home, "control/platform-feature-xs_reset_watches", "1");
}

static void write_console(struct store_writer *w, const struct hl_build_result *r, const char *home)
{
    char frontend[PATH_SIZE], backend[PATH_SIZE], copy[PATH_SIZE];

    snprintf(frontend, sizeof(frontend), "%s/console", home);
    snprintf(backend, sizeof(backend), "/local/domain/0/backend/console/%" PRIu32 "/0", w->domid);
    snprintf(copy, sizeof(copy), "/libxl/%" PRIu32 "/device/console/0", w->domid);
    store_make_readable(w, backend);
    store_put(w, backend, "frontend", "%s", frontend);
    store_put(w, backend, "frontend-id", "%" PRIu32, w->domid);
    store_put(w, backend, "online", "1");
    store_put(w, backend, "state", "1");
    store_put(w, backend, "protocol", "vt100");
    store_put(w, frontend, "backend", "%s", backend);
    store_put(w, frontend, "backend-id", "0");
    store_put(w, frontend, "limit", "1048576");
    store_put(w, frontend, "type", "xenconsoled");
    store_put(w, frontend, "output", "pty");
    store_put(w, frontend, "tty", "%s", "");
    store_put(w, frontend, "port", "%" PRIu32, r->console_port);
    store_put(w, frontend, "ring-ref", "%" PRIu64, r->console_mfn);
    store_put(w, copy, "frontend", "%s", frontend);
    store_put(w, copy, "backend", "%s", backend);
    store_put(w, copy, "frontend-id", "%" PRIu32, w->domid);
    store_put(w, copy, "online", "1");
    store_put(w, copy, "state", "1");
    store_put(w, copy, "protocol", "vt100");
}

static void write_vm(struct store_writer *w, const struct hl_domain_config *c, const char *vm,
                     const char *uuid)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    store_make_readable(w, vm);
    store_put(w, vm, "uuid", "%s", uuid);
    store_put(w, vm, "name", "%s", c->name);
    store_put(w, vm, "start_time", "%lld.%02ld", (long long)now.tv_sec, now.tv_nsec / 10000000);
    store_put(w, vm, "image/ostype", "linux");
    if (c->kernel != NULL)
        store_put(w, vm, "image/kernel", "%s", c->kernel);
    if (c->ramdisk != NULL)
        store_put(w, vm, "image/ramdisk", "%s", c->ramdisk);
    store_put(w, vm, "image/cmdline", "%s", c->cmdline == NULL ? "" : c->cmdline);
    store_put(w, vm, "rtc/timeoffset", "0");
}

static void write_all(struct store_writer *w, const struct hl_domain_config *c,
                      const struct hl_build_result *r)
{
    char home[64], own[64], vm[64], uuid[37];

    hl_uuid_format(r->uuid, uuid);
    snprintf(home, sizeof(home), "/local/domain/%" PRIu32, w->domid);
    snprintf(own, sizeof(own), "/libxl/%" PRIu32, w->domid);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid);
    store_make_private(w, own);
    store_put(w, own, "type", "%s", hl_domain_type_name(c->type));
    store_put(w, own, "dm-version", "qemu_xen");
    /* hospesd finishes what an interrupted tool of ours began, not what others do. */
    store_put(w, own, "toolstack", "hospes");
    write_vm(w, c, vm, uuid);
    write_home(w, c, r, home, vm);
    write_console(w, r, home);
}

struct contents {
    const struct hl_domain_config *c;
    const struct hl_build_result *r;
};

static void fill(struct store_writer *w, void *opaque)
{
    const struct contents *all = opaque;

    write_all(w, all->c, all->r);
}

int domain_store_write(struct hl_ctx *ctx, const struct hl_domain_config *c,
                       const struct hl_build_result *r, struct hl_error *e)
{
    struct contents all = {c, r};

    return store_transact(ctx->xs, r->domid, fill, &all, "write the domain's xenstore entries", e);
}

/* ---- removal ---- */

/* The domain's folders, one in each kind of device: below /local/domain/0/backend, and where the
 * kernel's back ends report errors. */
static void remove_backends(struct hl_ctx *ctx, hs_tx_t tx, const char *base, uint32_t domid)
{
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

    remove_backends(ctx, tx, "/local/domain/0/backend", domid);
    remove_backends(ctx, tx, "/local/domain/0/error/backend", domid);
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
