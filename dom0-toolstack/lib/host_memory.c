/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making room by shrinking Domain 0; see host_memory.h. */
#include "dom0-toolstack/lib/host_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "dom0-toolstack/lib/xl_conf.h"
#include "xenstore/client/xs_client.h"

#define POLL_MS     20
#define PATIENCE_MS 3000 /* without any progress */

static const char step[] = "make room for the domain";

static uint64_t available_kib(const struct hv_physinfo *p)
{
    /* Claimed memory is counted as free but is somebody's already; what waits for scrubbing comes. */
    uint64_t pages = p->free_pages + p->scrub_pages;

    return pages < p->outstanding_pages ? 0 : (pages - p->outstanding_pages) * 4;
}

/* As xl has it: words of min:, max: and plain sizes behind dom0_mem=, and nothing else. */
static bool is_sizes(const char *text, size_t len)
{
    bool any = false;

    while (len > 0) {
        size_t digits, n = 0;

        if (len > 4 && (strncmp(text, "min:", 4) == 0 || strncmp(text, "max:", 4) == 0))
            n = 4;
        digits = strspn(text + n, "0123456789");
        if (digits == 0 || n + digits > len)
            return false;
        n += digits;
        if (n < len && strchr("bBkKmMgG", text[n]) != NULL)
            n++;
        if (n < len && text[n] == ',')
            n++;
        else if (n < len)
            return false;
        text += n;
        len -= n;
        any = true;
    }
    return any;
}

bool hl_dom0_mem_given(const char *commandline)
{
    static const char key[] = "dom0_mem=";
    const size_t skip = sizeof(key) - 1;

    for (const char *word = commandline; *word != '\0';) {
        size_t len = strcspn(word, " ");

        if (len > skip && strncmp(word, key, skip) == 0 && is_sizes(word + skip, len - skip))
            return true;
        word += len + (word[len] == ' ');
    }
    return false;
}

/* May Domain 0 be shrunk without being asked for? */
static int may_shrink(struct hl_ctx *ctx, bool *may, struct hl_error *e)
{
    enum xl_autoballoon mode;
    struct hv_version v;
    int rc = xl_conf_autoballoon(&mode, e);

    if (rc != 0)
        return rc;
    *may = mode == XL_AUTOBALLOON_ON;
    if (mode == XL_AUTOBALLOON_AUTO)
        *may = hv_version(ctx->hv, &v, NULL) == 0 && !hl_dom0_mem_given(v.commandline);
    return 0;
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

/* ---- who holds what ---- */

#define MAX_HOLDERS 12 /* in a message */

static int more_pages(const void *a, const void *b)
{
    const struct hv_domain_info *x = a, *y = b;

    if (x->pages != y->pages)
        return x->pages < y->pages ? 1 : -1;
    return x->domid < y->domid ? -1 : 1;
}

static void add_holder(struct hl_ctx *ctx, FILE *f, const struct hv_domain_info *d)
{
    char *name = NULL;

    if (ctx->xs != NULL)
        (void)hl_domain_name(ctx, d->domid, &name, NULL);
    if (name != NULL)
        fprintf(f, "%s %" PRIu64 " MiB", name, d->pages / 256);
    else
        fprintf(f, "domain %" PRIu32 " %" PRIu64 " MiB", d->domid, d->pages / 256);
    free(name);
    if (d->dying)
        fprintf(f, " (dying)");
    if (d->outstanding_pages != 0)
        fprintf(f, " (and %" PRIu64 " MiB claimed)", d->outstanding_pages / 256);
    fprintf(f, ", ");
}

/* "Domain-0 512 MiB, web 256 MiB, the hypervisor 21 MiB"; malloc'd or NULL. */
static char *holders(struct hl_ctx *ctx)
{
    struct hv_domain_info *list = NULL;
    uint64_t total = 0, rest = 0;
    struct hv_physinfo p;
    char *text = NULL;
    size_t n, size;
    FILE *f;

    if (hv_physinfo(ctx->hv, &p, NULL) != 0 || hv_domain_list(ctx->hv, &list, &n, NULL) != 0)
        return NULL;
    f = open_memstream(&text, &size);
    if (f == NULL) {
        free(list);
        return NULL;
    }
    qsort(list, n, sizeof(*list), more_pages);
    for (size_t i = 0; i < n; i++) {
        total += list[i].pages;
        if (i < MAX_HOLDERS)
            add_holder(ctx, f, &list[i]);
        else
            rest += list[i].pages;
    }
    if (n > MAX_HOLDERS)
        fprintf(f, "%zu others %" PRIu64 " MiB, ", n - MAX_HOLDERS, rest / 256);
    total += p.free_pages + p.scrub_pages;
    fprintf(f, "the hypervisor %" PRIu64 " MiB",
            p.total_pages > total ? (p.total_pages - total) / 256 : 0);
    free(list);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int hl_host_short_of(struct hl_ctx *ctx, uint64_t kib, uint64_t have, bool fixed,
                     struct hl_error *e)
{
    char *who = e == NULL ? NULL : holders(ctx);

    hl_fail(e, ENOMEM, step, NULL,
            "it needs %" PRIu64 " MiB (with what the hypervisor needs for it), %" PRIu64
            " MiB are free, %" PRIu64 " MiB are missing; the host's memory is with: %s",
            (kib + 1023) / 1024, have / 1024, kib > have ? (kib - have + 1023) / 1024 : 0,
            who == NULL ? "(unknown)" : who);
    free(who);
    if (fixed)
        hl_error_advise(e, "lower memory=, end another domain, or shrink one (hl mem-set 0 …)");
    else
        hl_error_advise(e, "lower memory=, or end or shrink another domain");
    return -ENOMEM;
}

/* ---- making room ---- */

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
    bool may = false;
    int rc = hv_physinfo(ctx->hv, &p, e);

    if (rc != 0)
        return rc;
    have = available_kib(&p);
    if (have >= kib)
        return 0;
    rc = may_shrink(ctx, &may, e);
    if (rc != 0)
        return rc;
    if (!may)
        return hl_host_short_of(ctx, kib, have, true, e);
    missing = kib - have;
    rc = dom0_target(ctx, &target, e);
    if (rc != 0)
        return rc;
    if (target < missing + HL_DOM0_MIN_KIB)
        return hl_host_short_of(ctx, kib, have, false, e);
    rc = hl_domain_mem_set(ctx, 0, target - missing, e);
    if (rc == 0)
        rc = wait_for(ctx, kib, &have, e);
    if (rc == 0)
        return 0;
    (void)hl_domain_mem_set(ctx, 0, target, NULL);
    return rc == -ENOMEM ? hl_host_short_of(ctx, kib, have, false, e) : rc;
}
