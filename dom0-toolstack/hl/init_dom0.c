/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hospes-init-dom0: describes Domain 0 and the CPU pools in xenstore, once xenstored runs. Programs
 * find "Domain-0", its memory and "Pool-0" there. May be run again at any time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "xenstore/client/xs_client.h"

/* Writes a node that is not there; what a user or tool changed stays. */
static int write_new(struct hs *xs, hs_tx_t tx, const char *path, const char *value)
{
    int there = hs_exists(xs, tx, path);

    if (there != 0)
        return there < 0 ? -1 : 0;
    return hs_write(xs, tx, path, value, strlen(value));
}

static int write_number(struct hs *xs, hs_tx_t tx, const char *path, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    return write_new(xs, tx, path, text);
}

static int describe(struct hl_ctx *ctx, hs_tx_t tx, const struct hv_domain_info *info)
{
    static const char base[] = "/local/domain/0";
    struct hv_cpupool_info pool;
    struct hs *xs = ctx->xs;
    uint32_t id = 0;

    if (write_new(xs, tx, "/local/domain/0/domid", "0") < 0 ||
        write_new(xs, tx, "/local/domain/0/name", "Domain-0") < 0 ||
        hs_mkdir(xs, tx, "/libxl") < 0 ||
        /* The tools set devices up themselves: udev's rules of Xen's scripts must not. */
        write_new(xs, tx, "/libxl/disable_udev", "1") < 0 || hs_mkdir(xs, tx, base) < 0 ||
        write_number(xs, tx, "/local/domain/0/memory/target", info->pages * 4) < 0 ||
        write_number(xs, tx, "/local/domain/0/memory/static-max",
                     info->max_pages >= UINT32_MAX ? 17179869180ull : info->max_pages * 4) < 0)
        return -1;
    for (; hv_cpupool_info(ctx->hv, id, &pool, NULL) == 0; id = pool.id + 1) {
        char path[64], name[32];

        snprintf(path, sizeof(path), "/local/pool/%" PRIu32 "/name", pool.id);
        snprintf(name, sizeof(name), "Pool-%" PRIu32, pool.id);
        if (write_new(xs, tx, path, name) < 0)
            return -1;
    }
    return 0;
}

static int init_dom0(struct hl_ctx *ctx, struct hl_error *e)
{
    struct hv_domain_info info;
    int rc = hv_domain_info(ctx->hv, 0, &info, e);

    if (rc < 0)
        return rc;
    for (;;) {
        hs_tx_t tx = hs_tx_start(ctx->xs);

        if (tx == HS_TX_NONE)
            return hl_fail(e, errno, "describe Domain 0", "xenstore", NULL);
        if (describe(ctx, tx, &info) < 0) {
            int saved = errno;

            hs_tx_abort(ctx->xs, tx);
            if (saved == EAGAIN)
                continue;
            return hl_fail(e, saved, "describe Domain 0", "xenstore", NULL);
        }
        if (hs_tx_commit(ctx->xs, tx) == 0)
            return 0;
        if (errno != EAGAIN)
            return hl_fail(e, errno, "describe Domain 0", "xenstore", NULL);
    }
}

int main(int argc, char **argv)
{
    struct hl_error *e = hl_error_new();
    struct hl_ctx ctx;
    int rc;

    if (argc > 1) {
        printf("usage: %s\nDescribes Domain 0 in xenstore, after xenstored was started.\n",
               argv[0]);
        hl_error_free(e);
        return strcmp(argv[1], "--help") != 0;
    }
    rc = hl_ctx_open(&ctx, 0, e);
    if (rc == 0) {
        rc = init_dom0(&ctx, e);
        hl_ctx_close(&ctx);
    }
    if (rc < 0) {
        char *text = hl_error_sentence(e);

        fprintf(stderr, "hospes-init-dom0: %s\n", text ? text : "failed");
        free(text);
    }
    hl_error_free(e);
    return rc < 0;
}
