/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs on scheduling: sched-credit2, cpupool-list. */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/hl/json.h"
#include "dom0-toolstack/lib/cpumask.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "xenstore/client/xs_client.h"

static char *pool_name(struct app *app, uint32_t pool)
{
    char *name = hs_readf(app->ctx.xs, HS_TX_NONE, "/local/pool/%" PRIu32 "/name", pool);

    if (!name && asprintf(&name, "Pool-%" PRIu32, pool) < 0)
        name = NULL;
    return name;
}

/* Finds a pool by its name or number. */
static int find_pool(struct app *app, const char *wanted, struct hv_cpupool_info *info)
{
    uint32_t id = 0;

    for (; hv_cpupool_info(app->ctx.hv, id, info, NULL) == 0; id = info->id + 1) {
        char *name = pool_name(app, info->id), number[16];
        bool match;

        snprintf(number, sizeof(number), "%" PRIu32, info->id);
        match = (name && strcmp(name, wanted) == 0) || strcmp(number, wanted) == 0;
        free(name);
        if (match)
            return 0;
    }
    return hl_fail(app->err, ENOENT, "find the CPU pool", wanted, "there is no such pool");
}

struct credit2 {
    const char *domain, *pool;
    long long weight, cap, ratelimit;
    bool set_weight, set_cap, set_ratelimit, pool_wide;
};

static void domain_header(void)
{
    printf("%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
}

static int show_domain(struct app *app, struct json *j, uint32_t domid)
{
    struct hv_sched_params p;
    char *name = NULL;

    if (hv_domain_sched_get(app->ctx.hv, domid, &p, app->err) < 0)
        return -1;
    hl_domain_name(&app->ctx, domid, &name, NULL);
    if (j) {
        json_map(j, NULL);
        json_int(j, "domid", domid);
        json_string(j, "name", name);
        json_int(j, "weight", p.weight);
        json_int(j, "cap", p.cap);
        json_map_end(j);
    } else {
        printf("%-33s %4" PRIu32 " %6d %4d\n", name ? name : "(null)", domid, p.weight, p.cap);
    }
    free(name);
    return 0;
}

/* One pool: its parameters and, unless only those are wanted, its domains. */
static int show_pool(struct app *app, struct json *j, const struct hv_cpupool_info *pool,
                     bool only_pool)
{
    struct hv_domain_info *list = NULL;
    char *name = pool_name(app, pool->id);
    unsigned int ratelimit = 0;
    size_t count = 0;
    int rc = hv_sched_credit2_get(app->ctx.hv, pool->id, &ratelimit, app->err);

    if (rc == 0 && !only_pool)
        rc = hv_domain_list(app->ctx.hv, &list, &count, app->err);
    if (rc < 0) {
        free(name);
        return -1;
    }
    if (j) {
        json_map(j, NULL);
        json_int(j, "pool", pool->id);
        json_string(j, "pool_name", name);
        json_int(j, "ratelimit_us", ratelimit);
        json_array(j, "domains");
    } else {
        printf("Cpupool %s: ratelimit=%uus\n", name ? name : "", ratelimit);
        if (!only_pool)
            domain_header();
    }
    for (size_t i = 0; i < count && !only_pool; i++) {
        /* One that dies meanwhile is left out. */
        if (list[i].cpupool == pool->id && show_domain(app, j, list[i].domid) < 0)
            hl_error_clear(app->err);
    }
    if (j) {
        json_array_end(j);
        json_map_end(j);
    }
    free(list);
    free(name);
    return 0;
}

static int show_pools(struct app *app, const struct credit2 *o)
{
    struct hv_cpupool_info pool;
    struct json json, *j = app->json ? &json : NULL;
    uint32_t id = 0;
    int rc = 0;

    if (j && !json_start(j))
        return EXIT_FAILED;
    if (j)
        json_array(j, NULL);
    if (o->pool || o->pool_wide) {
        rc = find_pool(app, o->pool ? o->pool : "0", &pool);
        if (rc == 0)
            rc = show_pool(app, j, &pool, o->pool_wide);
    } else {
        for (; rc == 0 && hv_cpupool_info(app->ctx.hv, id, &pool, NULL) == 0; id = pool.id + 1)
            rc = show_pool(app, j, &pool, false);
    }
    if (rc < 0)
        return app_failed(app);
    if (j)
        json_array_end(j);
    return j ? json_finish(j) : 0;
}

static int credit2_pool(struct app *app, const struct credit2 *o)
{
    struct hv_cpupool_info pool;

    if (!o->set_ratelimit)
        return show_pools(app, o);
    if (find_pool(app, o->pool ? o->pool : "0", &pool) < 0 ||
        hv_sched_credit2_set(app->ctx.hv, pool.id, (unsigned int)o->ratelimit, app->err) < 0)
        return app_failed(app);
    return 0;
}

static int credit2_domain(struct app *app, const struct credit2 *o)
{
    struct hv_sched_params p = {-1, -1};
    struct json json, *j = app->json ? &json : NULL;
    uint32_t domid;

    if (!app_domain(app, o->domain, &domid))
        return EXIT_FAILED;
    if (o->set_weight || o->set_cap) {
        p.weight = o->set_weight ? (int)o->weight : -1;
        p.cap = o->set_cap ? (int)o->cap : -1;
        if (hv_domain_sched_set(app->ctx.hv, domid, &p, app->err) < 0)
            return app_failed(app);
        return 0;
    }
    if (j && !json_start(j))
        return EXIT_FAILED;
    if (j)
        json_array(j, NULL);
    else
        domain_header();
    if (show_domain(app, j, domid) < 0)
        return app_failed(app);
    if (j)
        json_array_end(j);
    return j ? json_finish(j) : 0;
}

static bool ratelimit_is_sane(struct app *app, long long us)
{
    if (us == 0 || us >= 100)
        return true;
    app_say(app, "the rate limit is 0 (none) or from 100 to 500000 us, not %lld", us);
    return false;
}

static bool credit2_option(struct app *app, int opt, struct credit2 *o)
{
    switch (opt) {
    case 'd': o->domain = optarg; return true;
    case 'p': o->pool = optarg; return true;
    case 's': o->pool_wide = true; return true;
    case 'w':
        o->set_weight = true;
        return app_number(app, "the weight", optarg, 1, 65535, &o->weight);
    case 'c': o->set_cap = true; return app_number(app, "the cap", optarg, 0, 65535, &o->cap);
    case 'r':
        o->set_ratelimit = true;
        return app_number(app, "the rate limit", optarg, 0, 500000, &o->ratelimit) &&
               ratelimit_is_sane(app, o->ratelimit);
    default: return true;
    }
}

static int run_sched_credit2(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"domain", 1, 0, 'd'},       {"weight", 1, 0, 'w'},
                                          {"cap", 1, 0, 'c'},          {"schedparam", 0, 0, 's'},
                                          {"ratelimit_us", 1, 0, 'r'}, {"cpupool", 1, 0, 'p'},
                                          {"help", 0, 0, 'h'},         {0}};
    struct credit2 o = {0};
    int opt;

    while ((opt = app_getopt(app, verb, argc, argv, "d:w:c:sr:p:h", longs)) >= 0) {
        if (!credit2_option(app, opt, &o))
            return EXIT_FAILED;
    }
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 0, 0))
        return EXIT_USAGE;
    if ((o.pool || o.pool_wide) && (o.domain || o.set_weight || o.set_cap)) {
        app_say(app, "-p and -s are about a CPU pool, -d, -w and -c about a domain: give one kind");
        return EXIT_FAILED;
    }
    if (!o.domain && (o.set_weight || o.set_cap)) {
        app_say(app, "Must specify a domain (-d).");
        return EXIT_FAILED;
    }
    if (!o.pool_wide && o.set_ratelimit) {
        app_say(app, "-r sets a value of a whole CPU pool and needs -s");
        return EXIT_FAILED;
    }
    if (!app_open(app, 0))
        return EXIT_FAILED;
    if (o.domain)
        return credit2_domain(app, &o);
    return o.pool_wide ? credit2_pool(app, &o) : show_pools(app, &o);
}

static void print_cpus(const struct hl_cpumask *cpus)
{
    const char *comma = "";

    for (unsigned int i = 0; i < HL_CPUMASK_BITS; i++) {
        if (hl_cpumask_test(cpus, i)) {
            printf("%s%u", comma, i);
            comma = ",";
        }
    }
}

static void cpupool_row(struct app *app, struct json *j, const struct hv_cpupool_info *pool,
                        bool list_cpus)
{
    char *name = pool_name(app, pool->id);

    if (j) {
        json_map(j, NULL);
        json_int(j, "pool", pool->id);
        json_string(j, "name", name);
        json_string(j, "scheduler", hv_sched_name(pool->sched_id));
        json_int(j, "domains", pool->nr_domains);
        json_array(j, "cpus");
        for (unsigned int i = 0; i < HL_CPUMASK_BITS; i++) {
            if (hl_cpumask_test(&pool->cpus, i))
                json_int(j, NULL, i);
        }
        json_array_end(j);
        json_map_end(j);
    } else if (list_cpus) {
        printf("%-19s", name ? name : "");
        print_cpus(&pool->cpus);
        printf("\n");
    } else {
        printf("%-19s%3u %9s       y       %4u\n", name ? name : "", hl_cpumask_count(&pool->cpus),
               hv_sched_name(pool->sched_id), pool->nr_domains);
    }
    free(name);
}

static int run_cpupool_list(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"cpus", 0, 0, 'c'}, {"help", 0, 0, 'h'}, {0}};
    struct json json, *j = app->json ? &json : NULL;
    struct hv_cpupool_info pool;
    bool cpus = false;
    uint32_t id = 0;
    int opt;

    while ((opt = app_getopt(app, verb, argc, argv, "ch", longs)) >= 0)
        cpus |= opt == 'c';
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 0, 1))
        return EXIT_USAGE;
    if (!app_open(app, 0))
        return EXIT_FAILED;
    if (optind < argc && find_pool(app, argv[optind], &pool) < 0)
        return app_failed(app);
    if (j && !json_start(j))
        return EXIT_FAILED;
    if (j)
        json_array(j, NULL);
    else if (cpus)
        printf("%-19s%s\n", "Name", "CPU list");
    else
        printf("%-19s%s\n", "Name", "CPUs   Sched     Active   Domain count");
    if (optind < argc)
        cpupool_row(app, j, &pool, cpus);
    else
        for (; hv_cpupool_info(app->ctx.hv, id, &pool, NULL) == 0; id = pool.id + 1)
            cpupool_row(app, j, &pool, cpus);
    if (j)
        json_array_end(j);
    return j ? json_finish(j) : 0;
}

const struct verb sched_verbs[] = {
    {"sched-credit2", run_sched_credit2,
     "[-d <Domain> [-w[=WEIGHT]|-c[=CAP]]] [-s [-r RLIMIT]] "
     "[-p CPUPOOL]",
     "Get/set credit2 scheduler parameters",
     "-d DOMAIN, --domain=DOMAIN        Domain to modify\n"
     "-w WEIGHT, --weight=WEIGHT        Weight (int)\n"
     "-c CAP,    --cap=CAP              Cap (int)\n"
     "-s         --schedparam           Query / modify scheduler parameters\n"
     "-r RLIMIT, --ratelimit_us=RLIMIT  Set the scheduling rate limit, in microseconds\n"
     "-p CPUPOOL, --cpupool=CPUPOOL     Restrict output to CPUPOOL\n",
     0},
    {"cpupool-list", run_cpupool_list, "[-c|--cpus] [<CPU Pool>]", "List CPU pools on host",
     "-c, --cpus              Output list of CPUs used by a pool\n", VERB_READS},
    {0},
};
