/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs that show domains: list, vm-list, uptime. */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yajl/yajl_gen.h>

#include "dom0-toolstack/hl/format.h"
#include "dom0-toolstack/hl/json.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "dom0-toolstack/lib/record.h"
#include "dom0-toolstack/lib/xl_conf.h"
#include "xenstore/client/xs_client.h"

/* The domains that a verb is about: all, or those named. */
struct selection {
    struct hv_domain_info *info;
    size_t count;
};

/* What xl prints for a domain without a name in xenstore. */
#define NO_NAME "(null)"

static char *name_of(struct app *app, uint32_t domid)
{
    char *name = NULL;

    if (app->ctx.xs && hl_domain_name(&app->ctx, domid, &name, NULL) == 0 && name)
        return name;
    return strdup(domid == 0 && !app->ctx.xs ? "Domain-0" : NO_NAME);
}

static bool select_named(struct app *app, int n, char **names, struct selection *s)
{
    s->info = calloc((size_t)n, sizeof(*s->info));
    if (!s->info) {
        hl_fail(app->err, ENOMEM, "list domains", NULL, NULL);
        app_failed(app);
        return false;
    }
    for (int i = 0; i < n; i++) {
        uint32_t domid;

        if (app_find(app, names[i], &domid) < 0 ||
            hv_domain_info(app->ctx.hv, domid, &s->info[i], app->err) < 0) {
            app_failed(app);
            free(s->info);
            s->info = NULL;
            return false;
        }
        s->count++;
    }
    return true;
}

/* False: the error was printed. */
static bool select_domains(struct app *app, int n, char **names, struct selection *s)
{
    memset(s, 0, sizeof(*s));
    if (!app_open(app, n > 0 ? 0 : HL_CTX_STORE_OPTIONAL))
        return false;
    if (n > 0)
        return select_named(app, n, names, s);
    if (hv_domain_list(app->ctx.hv, &s->info, &s->count, app->err) < 0) {
        app_failed(app);
        return false;
    }
    return true;
}

static char *pool_name(struct app *app, uint32_t pool)
{
    char *name = NULL;

    if (app->ctx.xs)
        name = hs_readf(app->ctx.xs, HS_TX_NONE, "/local/pool/%" PRIu32 "/name", pool);
    if (!name && asprintf(&name, "Pool-%" PRIu32, pool) < 0)
        name = NULL;
    return name;
}

/* The configuration that the domain was made from, or as much as can be found out of one that
 * another toolstack made. */
static int config_of(const struct hv_domain_info *info, const char *name,
                     struct hl_domain_config *c)
{
    if (!hl_uuid_is_nil(info->uuid) && hl_record_load(info->uuid, c, NULL) == 0)
        return 0;
    hl_domain_config_init(c);
    c->name = strdup(name);
    memcpy(c->uuid, info->uuid, sizeof(c->uuid));
    c->type = info->hvm ? HL_TYPE_HVM : HL_TYPE_PV;
    c->memory_kib = info->pages * 4;
    c->maxmem_kib = info->max_pages * 4;
    c->vcpus = info->vcpus_online;
    c->maxvcpus = info->max_vcpu_id + 1;
    return c->name ? 0 : -ENOMEM;
}

static void json_state(struct json *j, const struct hv_domain_info *info)
{
    char letters[7];

    format_state(info, letters);
    json_string(j, "state", letters);
    json_string(j, "state_name", state_word(info));
    json_string(j, "shutdown_reason", info->shutdown ? reason_word(info->shutdown_reason) : NULL);
    json_int(j, "memory_mib", (int64_t)domain_mib(info));
    json_int(j, "claimed_mib", (int64_t)(info->outstanding_pages / 256));
    json_int(j, "vcpus_online", info->vcpus_online);
    json_double(j, "cpu_seconds", (double)info->cpu_time_ns / 1e9, 3);
    json_int(j, "cpupool", info->cpupool);
    json_uuid(j, "uuid", info->uuid);
}

/*
 * xl's `list -l`: [{"domid", "config"}]; the config from the record. --json without -l adds the
 * columns of the table.
 */
static int print_json(struct app *app, const struct selection *s, bool with_config)
{
    struct json j;

    if (!json_start(&j))
        return EXIT_FAILED;
    json_array(&j, NULL);
    for (size_t i = 0; i < s->count; i++) {
        const struct hv_domain_info *info = &s->info[i];
        char *name = name_of(app, info->domid);
        struct hl_domain_config c;

        json_map(&j, NULL);
        json_int(&j, "domid", info->domid);
        json_string(&j, "name", name);
        json_state(&j, info);
        if (with_config && config_of(info, name ? name : NO_NAME, &c) == 0) {
            yajl_gen_string(j.gen, (const unsigned char *)"config", 6);
            hl_domain_config_gen(&c, j.gen);
            hl_domain_config_free(&c);
        }
        json_map_end(&j);
        free(name);
    }
    json_array_end(&j);
    return json_finish(&j);
}

static void print_table(struct app *app, const struct selection *s, const struct list_columns *c)
{
    list_header(stdout, c);
    for (size_t i = 0; i < s->count; i++) {
        char *name = name_of(app, s->info[i].domid);
        char *pool = c->cpupool ? pool_name(app, s->info[i].cpupool) : NULL;

        list_row(stdout, c, name ? name : NO_NAME, &s->info[i], pool ? pool : "");
        free(pool);
        free(name);
    }
}

static int run_list(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {
        {"long", 0, 0, 'l'},
        {"verbose", 0, 0, 'v'},
        {"context", 0, 0, 'Z'},
        {"cpupool", 0, 0, 'c'},
        {"numa", 0, 0, 'n'},
        {"help", 0, 0, 'h'},
        {0},
    };
    struct list_columns columns = {0};
    struct selection s;
    bool details = false;
    int opt, rc = 0;

    while ((opt = app_getopt(app, verb, argc, argv, "lvhZcn", longs)) >= 0) {
        switch (opt) {
        case 'l': details = true; break;
        case 'v': columns.verbose = true; break;
        case 'Z': columns.context = true; break;
        case 'c': columns.cpupool = true; break;
        case 'n': columns.numa = true; break;
        default: break;
        }
    }
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!select_domains(app, argc - optind, argv + optind, &s))
        return EXIT_FAILED;
    if (details || app->json)
        rc = print_json(app, &s, details);
    else
        print_table(app, &s, &columns);
    free(s.info);
    return rc;
}

static int run_claims(struct app *app, const struct verb *verb, int argc, char **argv)
{
    const struct list_columns columns = {.claims = true};
    struct selection s;
    bool claim = true;
    int rc = 0;

    if (!app_no_options(app, verb, argc, argv, 0, 0))
        return app->exit_code;
    if (xl_conf_claim_mode(&claim, app->err) < 0)
        return app_failed(app);
    if (!claim)
        app_say(app, "claim_mode is off in xl.conf: create claims nothing");
    if (!select_domains(app, 0, NULL, &s))
        return EXIT_FAILED;
    if (app->json)
        rc = print_json(app, &s, false);
    else
        print_table(app, &s, &columns);
    free(s.info);
    return rc;
}

static int run_vm_list(struct app *app, const struct verb *verb, int argc, char **argv)
{
    struct selection s;
    int rc = 0;

    if (!app_no_options(app, verb, argc, argv, 0, 0))
        return app->exit_code;
    if (!select_domains(app, 0, NULL, &s))
        return EXIT_FAILED;
    if (app->json) {
        rc = print_json(app, &s, false);
        free(s.info);
        return rc;
    }
    printf("UUID                                  ID    name\n");
    for (size_t i = 0; i < s.count; i++) {
        char *name = name_of(app, s.info[i].domid);
        char uuid[37];

        hl_uuid_format(s.info[i].uuid, uuid);
        printf("%s  %" PRIu32 "    %-30s\n", uuid, s.info[i].domid, name ? name : NO_NAME);
        free(name);
    }
    free(s.info);
    return rc;
}

static void uptime_text(struct app *app, const struct selection *s, bool short_form)
{
    char now_text[16];
    time_t now = time(NULL);
    struct tm tm;

    strftime(now_text, sizeof(now_text), "%H:%M:%S", localtime_r(&now, &tm));
    if (!short_form)
        printf("%-33s %4s %s\n", "Name", "ID", "Uptime");
    for (size_t i = 0; i < s->count; i++) {
        uint32_t domid = s->info[i].domid;
        char *name = name_of(app, domid);
        uint64_t seconds = 0;
        char text[64];

        hl_domain_uptime(&app->ctx, domid, &seconds, NULL);
        format_uptime(seconds, short_form, text, sizeof(text));
        if (short_form)
            printf(" %s up %s, %s (%" PRIu32 ")\n", now_text, text, name ? name : NO_NAME, domid);
        else
            printf("%-33s %4" PRIu32 " %s\n", name ? name : NO_NAME, domid, text);
        free(name);
    }
}

static int uptime_json(struct app *app, const struct selection *s)
{
    struct json j;

    if (!json_start(&j))
        return EXIT_FAILED;
    json_array(&j, NULL);
    for (size_t i = 0; i < s->count; i++) {
        char *name = name_of(app, s->info[i].domid);
        uint64_t seconds = 0;

        hl_domain_uptime(&app->ctx, s->info[i].domid, &seconds, NULL);
        json_map(&j, NULL);
        json_int(&j, "domid", s->info[i].domid);
        json_string(&j, "name", name);
        json_int(&j, "uptime_seconds", (int64_t)seconds);
        json_map_end(&j);
        free(name);
    }
    json_array_end(&j);
    return json_finish(&j);
}

static int run_uptime(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"short", 0, 0, 's'}, {"help", 0, 0, 'h'}, {0}};
    bool short_form = false;
    struct selection s;
    int opt, rc = 0;

    while ((opt = app_getopt(app, verb, argc, argv, "sh", longs)) >= 0)
        short_form |= opt == 's';
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_open(app, 0) || !select_domains(app, argc - optind, argv + optind, &s))
        return EXIT_FAILED;
    if (app->json)
        rc = uptime_json(app, &s);
    else
        uptime_text(app, &s, short_form);
    free(s.info);
    return rc;
}

const struct verb list_verbs[] = {
    {"list", run_list, "[options] [Domain]...", "List information about all/some domains",
     "-l, --long              Output all VM details\n"
     "-v, --verbose           Prints out UUIDs and security context\n"
     "-Z, --context           Prints out security context\n"
     "-c, --cpupool           Prints the cpupool the domain is in\n"
     "-n, --numa              Prints out NUMA node affinity\n",
     VERB_READS | VERB_COMMON},
    {"vm-list", run_vm_list, "", "List all domains with their UUIDs", NULL, VERB_READS},
    {"claims", run_claims, "", "List all domains with the memory claimed for them", NULL,
     VERB_READS},
    {"uptime", run_uptime, "[-s] [Domain]...", "Print uptime for all/some domains",
     "-s, --short             One line per domain, without seconds\n", VERB_READS},
    {0},
};
