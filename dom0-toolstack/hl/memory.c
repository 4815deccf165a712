/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs on memory: mem-set, mem-max. A bare number counts MiB, which callers of xl rely on. */
#include "dom0-toolstack/hl/hl.h"

#include <stdio.h>

#include "dom0-toolstack/hl/format.h"
#include "dom0-toolstack/lib/domain.h"

static int set_memory(struct app *app, const struct verb *verb, int argc, char **argv,
                      int (*set)(struct hl_ctx *, uint32_t, uint64_t, struct hl_error *))
{
    uint32_t domid;
    uint64_t kib;

    if (!app_no_options(app, verb, argc, argv, 2, 2))
        return app->exit_code;
    if (!parse_memory(argv[optind + 1], &kib))
        return app_misused(app, verb,
                           "'%s' is no size: give a number of MiB, or one with b, k, m, "
                           "g or t behind it",
                           argv[optind + 1]);
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    if (set(&app->ctx, domid, kib, app->err) < 0)
        return app_failed(app);
    return 0;
}

static int run_mem_set(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return set_memory(app, verb, argc, argv, hl_domain_mem_set);
}

static int run_mem_max(struct app *app, const struct verb *verb, int argc, char **argv)
{
    return set_memory(app, verb, argc, argv, hl_domain_mem_max);
}

const struct verb memory_verbs[] = {
    {"mem-max", run_mem_max, "<Domain> <MemMB['b'[bytes]|'k'[KB]|'m'[MB]|'g'[GB]|'t'[TB]]>",
     "Set the maximum amount reservation for a domain", NULL, 0},
    {"mem-set", run_mem_set, "<Domain> <MemMB['b'[bytes]|'k'[KB]|'m'[MB]|'g'[GB]|'t'[TB]]>",
     "Set the current memory usage for a domain", NULL, VERB_COMMON},
    {0},
};
