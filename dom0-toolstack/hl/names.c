/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs on names: domid, domname, rename. */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dom0-toolstack/hl/json.h"
#include "dom0-toolstack/lib/domain.h"

static int print_pair(struct app *app, uint32_t domid, const char *name)
{
    struct json j;

    (void)app;
    if (!json_start(&j))
        return EXIT_FAILED;
    json_map(&j, NULL);
    json_int(&j, "domid", domid);
    json_string(&j, "name", name);
    json_map_end(&j);
    return json_finish(&j);
}

static int run_domid(struct app *app, const struct verb *verb, int argc, char **argv)
{
    uint32_t domid;

    if (!app_no_options(app, verb, argc, argv, 1, 1))
        return app->exit_code;
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    if (app->json)
        return print_pair(app, domid, argv[optind]);
    printf("%" PRIu32 "\n", domid);
    return 0;
}

static int run_domname(struct app *app, const struct verb *verb, int argc, char **argv)
{
    long long number;
    char *name = NULL;
    int rc = 0;

    if (!app_no_options(app, verb, argc, argv, 1, 1))
        return app->exit_code;
    if (!app_number(app, "a domain's id", argv[optind], 0, UINT16_MAX, &number))
        return EXIT_FAILED;
    if (!app_open(app, 0))
        return EXIT_FAILED;
    if (hl_domain_name(&app->ctx, (uint32_t)number, &name, app->err) < 0)
        return app_failed(app);
    if (app->json)
        rc = print_pair(app, (uint32_t)number, name);
    else
        printf("%s\n", name);
    free(name);
    return rc;
}

static int run_rename(struct app *app, const struct verb *verb, int argc, char **argv)
{
    uint32_t domid;

    if (!app_no_options(app, verb, argc, argv, 2, 2))
        return app->exit_code;
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    if (hl_domain_rename(&app->ctx, domid, argv[optind + 1], app->err) < 0)
        return app_failed(app);
    return 0;
}

const struct verb name_verbs[] = {
    {"domid", run_domid, "<DomainName>", "Convert a domain name to domain id", NULL, VERB_READS},
    {"domname", run_domname, "<DomainId>", "Convert a domain id to domain name", NULL, VERB_READS},
    {"rename", run_rename, "<Domain> <NewDomainName>", "Rename a domain", NULL, 0},
    {0},
};
