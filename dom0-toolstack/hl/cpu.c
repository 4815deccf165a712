/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs on virtual CPUs: vcpu-list, vcpu-pin, vcpu-set. */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/hl/format.h"
#include "dom0-toolstack/hl/json.h"
#include "dom0-toolstack/lib/cpumask.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "dom0-toolstack/lib/xl_conf.h"

/* Where the vCPUs of all domains are shown: as a table or as JSON. */
struct vcpu_output {
    struct json *json; /* NULL: a table */
    unsigned int nr_cpus;
};

static void show_vcpu(const struct vcpu_output *out, const char *name, uint32_t domid,
                      const struct hv_vcpu_info *v, const struct hl_cpumask *hard,
                      const struct hl_cpumask *soft)
{
    char *hard_text = hl_cpumask_format(hard, out->nr_cpus);
    char *soft_text = hl_cpumask_format(soft, out->nr_cpus);

    if (!out->json) {
        vcpu_row(stdout, name, domid, v, hard_text ? hard_text : "?", soft_text ? soft_text : "?");
    } else {
        json_map(out->json, NULL);
        json_int(out->json, "vcpu", v->vcpu);
        json_bool(out->json, "online", v->online);
        json_bool(out->json, "running", v->running);
        json_bool(out->json, "blocked", v->blocked);
        json_int(out->json, "cpu", v->cpu);
        json_double(out->json, "cpu_seconds", (double)v->cpu_time_ns / 1e9, 3);
        json_string(out->json, "hard_affinity", hard_text);
        json_string(out->json, "soft_affinity", soft_text);
        json_map_end(out->json);
    }
    free(hard_text);
    free(soft_text);
}

/* A domain that dies meanwhile just ends its list. */
static void show_domain(struct app *app, const struct vcpu_output *out,
                        const struct hv_domain_info *info)
{
    struct hl_cpumask hard, soft;
    char *name = NULL;

    hl_domain_name(&app->ctx, info->domid, &name, NULL);
    if (out->json) {
        json_map(out->json, NULL);
        json_int(out->json, "domid", info->domid);
        json_string(out->json, "name", name);
        json_array(out->json, "vcpus");
    }
    for (uint32_t i = 0; i <= info->max_vcpu_id; i++) {
        struct hv_vcpu_info v;

        if (hv_vcpu_info(app->ctx.hv, info->domid, i, &v, NULL) < 0)
            continue;
        if (hv_vcpu_get_affinity(app->ctx.hv, info->domid, i, &hard, &soft, NULL) < 0)
            break;
        show_vcpu(out, name ? name : "(null)", info->domid, &v, &hard, &soft);
    }
    if (out->json) {
        json_array_end(out->json);
        json_map_end(out->json);
    }
    free(name);
}

/* The domains named on the command line, or all. The caller frees *list. */
static bool chosen_domains(struct app *app, int n, char **names, struct hv_domain_info **list,
                           size_t *count)
{
    *list = NULL;
    *count = 0;
    if (!app_open(app, 0))
        return false;
    if (n == 0) {
        if (hv_domain_list(app->ctx.hv, list, count, app->err) == 0)
            return true;
        app_failed(app);
        return false;
    }
    *list = calloc((size_t)n, sizeof(**list));
    for (int i = 0; *list && i < n; i++) {
        uint32_t domid;

        if (app_find(app, names[i], &domid) < 0 ||
            hv_domain_info(app->ctx.hv, domid, &(*list)[i], app->err) < 0) {
            app_failed(app);
            free(*list);
            *list = NULL;
            return false;
        }
        ++*count;
    }
    return *list != NULL;
}

static int run_vcpu_list(struct app *app, const struct verb *verb, int argc, char **argv)
{
    struct hv_domain_info *list;
    struct hv_physinfo host;
    struct vcpu_output out;
    struct json json;
    size_t count;
    int rc = 0;

    if (!app_no_options(app, verb, argc, argv, 0, -1))
        return app->exit_code;
    if (!chosen_domains(app, argc - optind, argv + optind, &list, &count))
        return EXIT_FAILED;
    if (hv_physinfo(app->ctx.hv, &host, app->err) < 0) {
        free(list);
        return app_failed(app);
    }
    out.nr_cpus = host.nr_cpus;
    out.json = app->json ? &json : NULL;
    if (app->json && !json_start(&json)) {
        free(list);
        return EXIT_FAILED;
    }
    if (app->json)
        json_array(&json, NULL);
    else
        vcpu_header(stdout);
    for (size_t i = 0; i < count; i++)
        show_domain(app, &out, &list[i]);
    if (app->json) {
        json_array_end(&json);
        rc = json_finish(&json);
    }
    free(list);
    return rc;
}

/* ---- pinning ------------------------------------------------------------------------------- */

/* One mask of the command line: "-" or nothing leaves it as it is (*given stays false). */
static bool parse_mask(struct app *app, const char *text, const struct hv_topology *topo,
                       struct hl_cpumask *mask, bool *given)
{
    *given = false;
    if (!text || strcmp(text, "-") == 0)
        return true;
    hl_cpumask_clear_all(mask);
    if (hl_cpumask_parse(text, topo, mask, app->err) < 0) {
        app_failed(app);
        return false;
    }
    *given = true;
    return true;
}

/* Within what the host allows its guests. */
static bool confine(struct app *app, bool hvm, const struct hv_topology *topo,
                    struct hl_cpumask *hard)
{
    struct hl_cpumask allowed;
    bool given;

    if (xl_conf_cpumask(hvm, topo, &allowed, &given, app->err) == 0) {
        if (!given || hl_cpumask_confine(hard, &allowed, app->err) == 0)
            return true;
        hl_error_advise(app->err, XL_CONF_CPUMASK_ADVICE);
    }
    app_failed(app);
    return false;
}

static int pin(struct app *app, uint32_t domid, uint32_t first, uint32_t last,
               const struct hl_cpumask *hard, const struct hl_cpumask *soft, bool force)
{
    for (uint32_t v = first; v <= last; v++) {
        /* The masks come back as what is in effect, so each vCPU gets a copy. */
        struct hl_cpumask h, s;

        if (hard)
            h = *hard;
        if (soft)
            s = *soft;
        if (hv_vcpu_set_affinity(app->ctx.hv, domid, v, hard ? &h : NULL, soft ? &s : NULL, force,
                                 app->err) < 0) {
            hl_error_within(app->err, "pin vCPU %" PRIu32 " of domain %" PRIu32, v, domid);
            return app_failed(app);
        }
        if (soft && hl_cpumask_empty(&s))
            app_say(app,
                    "vCPU %" PRIu32 ": the soft affinity has no CPU within the hard one and "
                    "so has no effect",
                    v);
    }
    return 0;
}

static int run_vcpu_pin(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"force", 0, 0, 'f'},
                                          {"help", 0, 0, 'h'},
                                          {"ignore-global-affinity-masks", 0, 0, 'i'},
                                          {0}};
    struct hl_cpumask hard, soft;
    bool force = false, ignore_masks = false, with_hard, with_soft;
    struct hv_domain_info info;
    struct hv_topology topo;
    long long vcpu = 0;
    uint32_t domid;
    int opt, rc = EXIT_FAILED;

    while ((opt = app_getopt(app, verb, argc, argv, "+fh", longs)) >= 0) {
        force |= opt == 'f';
        ignore_masks |= opt == 'i';
    }
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 3, 4))
        return EXIT_USAGE;
    argv += optind;
    argc -= optind;
    if (!app_domain(app, argv[0], &domid))
        return EXIT_FAILED;
    if (hv_domain_info(app->ctx.hv, domid, &info, app->err) < 0 ||
        hv_topology(app->ctx.hv, &topo, app->err) < 0)
        return app_failed(app);
    if (strcmp(argv[1], "all") != 0 &&
        !app_number(app, "a vCPU of this domain", argv[1], 0, info.max_vcpu_id, &vcpu))
        goto out;
    if (!parse_mask(app, argv[2], &topo, &hard, &with_hard) ||
        !parse_mask(app, argc > 3 ? argv[3] : NULL, &topo, &soft, &with_soft))
        goto out;
    /* Domain 0 is no guest. */
    if (with_hard && !ignore_masks && domid != 0 && !confine(app, info.hvm, &topo, &hard))
        goto out;
    if (strcmp(argv[1], "all") == 0)
        rc = pin(app, domid, 0, info.max_vcpu_id, with_hard ? &hard : NULL,
                 with_soft ? &soft : NULL, force);
    else
        rc = pin(app, domid, (uint32_t)vcpu, (uint32_t)vcpu, with_hard ? &hard : NULL,
                 with_soft ? &soft : NULL, force);
out:
    hv_topology_free(&topo);
    return rc;
}

static int run_vcpu_set(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"ignore-host", 0, 0, 'i'}, {"help", 0, 0, 'h'}, {0}};
    bool ignore_host = false;
    struct hv_physinfo host;
    long long count;
    uint32_t domid;
    int opt;

    while ((opt = app_getopt(app, verb, argc, argv, "ih", longs)) >= 0)
        ignore_host |= opt == 'i';
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 2, 2))
        return EXIT_USAGE;
    if (!app_number(app, "the count of vCPUs", argv[optind + 1], 1, INT32_MAX, &count))
        return EXIT_FAILED;
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    if (!ignore_host) {
        if (hv_physinfo(app->ctx.hv, &host, app->err) < 0)
            return app_failed(app);
        if (count > host.nr_cpus) {
            app_say(app,
                    "%lld vCPUs are more than the %u CPUs of this host; --ignore-host sets "
                    "them nevertheless",
                    count, host.nr_cpus);
            return EXIT_FAILED;
        }
    }
    if (hl_domain_vcpu_set(&app->ctx, domid, (unsigned int)count, app->err) < 0)
        return app_failed(app);
    return 0;
}

const struct verb cpu_verbs[] = {
    {"vcpu-list", run_vcpu_list, "[Domain]...", "List the VCPUs for all/some domains", NULL,
     VERB_READS | VERB_COMMON},
    {"vcpu-pin", run_vcpu_pin, "[option] <Domain> <VCPU|all> <Hard affinity|-|all> [Soft|-|all]",
     "Set which CPUs a VCPU can use",
     "-f, --force             Also undo a pin that the guest itself asked for\n"
     "--ignore-global-affinity-masks\n"
     "                        Do not keep to vm.cpumask and vm.pv.cpumask of xl.conf\n",
     0},
    {"vcpu-set", run_vcpu_set, "[option] <Domain> <vCPUs>",
     "Set the number of active VCPUs allowed for the domain",
     "-i, --ignore-host       Do not limit the number to the CPUs of the host\n", 0},
    {0},
};
