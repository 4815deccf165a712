/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making room by shrinking Domain 0; see host_memory.h. */
#include "dom0-toolstack/lib/host_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "xenstore/client/xs_client.h"

#define DOM0_MIN_KIB (128u << 10)
#define POLL_MS      20
#define PATIENCE_MS  3000 /* without any progress */

static const char step[] = "make room for the domain";

static uint64_t available_kib(const struct hv_physinfo *p)
{
    /* Claimed memory is counted as free but is somebody's already; what waits for scrubbing comes. */
    uint64_t pages = p->free_pages + p->scrub_pages;

    return pages < p->outstanding_pages ? 0 : (pages - p->outstanding_pages) * 4;
}

static bool dom0_is_fixed(struct hl_ctx *ctx)
{
    struct hv_version v;
    const char *word;

    if (hv_version(ctx->hv, &v, NULL) != 0)
        return true;
    word = strstr(v.commandline, "dom0_mem=");
    return word != NULL && (word == v.commandline || word[-1] == ' ');
}

/* What Domain 0 is to have; before anybody set a target, that is what it has. */
static int dom0_target(struct hl_ctx *ctx, uint64_t *kib, struct hl_error *e)
{
    struct hv_domain_info info;
    long long v;
    int rc;

    if (hs_read_int(ctx->xs, HS_TX_NONE, "/local/domain/0/memory/target", &v) == 0 && v > 0) {
        *kib = (uint64_t)v;
        return 0;
    }
    rc = hv_domain_info(ctx->hv, 0, &info, e);
    if (rc == 0)
        *kib = info.pages * 4;
    return rc;
}

static int short_of(struct hl_error *e, uint64_t kib, uint64_t have, bool fixed)
{
    hl_fail(e, ENOMEM, step, NULL,
            "it needs %" PRIu64 " MiB (with what the hypervisor needs for it), and %" PRIu64
            " MiB are free",
            (kib + 1023) / 1024, have / 1024);
    if (fixed)
        hl_error_advise(e,
                        "lower memory=, end another domain, or shrink domain 0 (hl mem-set 0 …)");
    else
        hl_error_advise(e, "lower memory= or end another domain");
    return -ENOMEM;
}

/* Waits while the host's free memory still grows. */
static int wait_for(struct hl_ctx *ctx, uint64_t kib, uint64_t *have, struct hl_error *e)
{
    const struct timespec pause = {0, POLL_MS * 1000000};
    struct hv_physinfo p;
    uint64_t best = *have;

    for (unsigned int idle = 0; idle < PATIENCE_MS; idle += POLL_MS) {
        int rc = hv_physinfo(ctx->hv, &p, e);

        if (rc != 0)
            return rc;
        *have = available_kib(&p);
        if (*have >= kib)
            return 0;
        if (*have > best) {
            best = *have;
            idle = 0;
        }
        nanosleep(&pause, NULL);
    }
    return -ENOMEM;
}

int hl_host_make_room(struct hl_ctx *ctx, uint64_t kib, struct hl_error *e)
{
    struct hv_physinfo p;
    uint64_t have, missing, target;
    int rc = hv_physinfo(ctx->hv, &p, e);

    if (rc != 0)
        return rc;
    have = available_kib(&p);
    if (have >= kib)
        return 0;
    if (dom0_is_fixed(ctx))
        return short_of(e, kib, have, true);
    missing = kib - have;
    rc = dom0_target(ctx, &target, e);
    if (rc != 0)
        return rc;
    if (target < missing + DOM0_MIN_KIB)
        return short_of(e, kib, have, false);
    rc = hl_domain_mem_set(ctx, 0, target - missing, e);
    if (rc == 0)
        rc = wait_for(ctx, kib, &have, e);
    if (rc == 0)
        return 0;
    (void)hl_domain_mem_set(ctx, 0, target, NULL);
    return rc == -ENOMEM ? short_of(e, kib, have, false) : rc;
}
