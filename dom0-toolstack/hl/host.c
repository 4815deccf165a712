/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs on the host: info, dmesg, debug-keys, getenforce. */
#include "dom0-toolstack/hl/hl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "dom0-toolstack/hl/json.h"
#include "dom0-toolstack/lib/cpumask.h"
#include "dom0-toolstack/lib/hv_memory.h"
#include "dom0-toolstack/lib/hv_system.h"

#define PAGES_PER_MIB 256

/* One "key : value" line of info, or a member of its JSON. */
static void __attribute__((format(printf, 3, 4)))
line(struct json *j, const char *key, const char *fmt, ...)
{
    char value[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (j)
        json_string(j, key, value);
    else
        printf("%-22s : %s\n", key, value);
}

static void number(struct json *j, const char *key, uint64_t value)
{
    if (j)
        json_int(j, key, (int64_t)value);
    else
        printf("%-22s : %" PRIu64 "\n", key, value);
}

static void virt_caps(const struct hv_physinfo *p, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s%s%s%s%s%s%s", p->cap_pv ? " pv" : "", p->cap_hvm ? " hvm" : "",
             p->cap_hvm && p->cap_directio ? " hvm_directio" : "",
             p->cap_pv && p->cap_directio ? " pv_directio" : "", p->cap_hap ? " hap" : "",
             p->cap_shadow ? " shadow" : "", p->cap_iommu_hap_pt_share ? " iommu_hap_pt_share" : "",
             p->cap_vmtrace ? " vmtrace" : "", p->cap_gnttab_v1 ? " gnttab-v1" : "",
             p->cap_gnttab_v2 ? " gnttab-v2" : "");
    if (out[0] == ' ')
        memmove(out, out + 1, strlen(out));
}

static int show_physical(struct app *app, struct json *j)
{
    struct hl_cpumask free_cpus;
    struct hv_physinfo p;
    char caps[128];

    if (hv_physinfo(app->ctx.hv, &p, app->err) < 0 ||
        hv_cpupool_free_cpus(app->ctx.hv, &free_cpus, app->err) < 0)
        return -1;
    number(j, "nr_cpus", p.nr_cpus);
    number(j, "max_cpu_id", p.max_cpu_id);
    number(j, "nr_nodes", p.nr_nodes);
    number(j, "cores_per_socket", p.cores_per_socket);
    number(j, "threads_per_core", p.threads_per_core);
    line(j, "cpu_mhz", "%u.%03u", p.cpu_khz / 1000, p.cpu_khz % 1000);
    line(j, "hw_caps", "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", p.hw_cap[0], p.hw_cap[1],
         p.hw_cap[2], p.hw_cap[3], p.hw_cap[4], p.hw_cap[5], p.hw_cap[6], p.hw_cap[7]);
    virt_caps(&p, caps, sizeof(caps));
    line(j, "virt_caps", "%s", caps);
    number(j, "total_memory", p.total_pages / PAGES_PER_MIB);
    number(j, "free_memory", (p.free_pages - p.outstanding_pages) / PAGES_PER_MIB);
    number(j, "sharing_freed_memory", p.sharing_freed_pages / PAGES_PER_MIB);
    number(j, "sharing_used_memory", p.sharing_used_frames / PAGES_PER_MIB);
    number(j, "outstanding_claims", p.outstanding_pages / PAGES_PER_MIB);
    number(j, "free_cpus", hl_cpumask_count(&free_cpus));
    return 0;
}

static void topology_json(struct json *j, const struct hv_topology *t)
{
    json_array(j, "cpu_topology");
    for (size_t i = 0; i < t->nr_cpus; i++) {
        if (t->cpus[i].core == HV_TOPO_NONE)
            continue;
        json_map(j, NULL);
        json_int(j, "cpu", (int64_t)i);
        json_int(j, "core", t->cpus[i].core);
        json_int(j, "socket", t->cpus[i].socket);
        json_int(j, "node", t->cpus[i].node);
        json_map_end(j);
    }
    json_array_end(j);
    json_array(j, "numa_info");
    for (size_t i = 0; i < t->nr_nodes; i++) {
        if (t->nodes[i].mem_bytes == ~(uint64_t)0)
            continue;
        json_map(j, NULL);
        json_int(j, "node", (int64_t)i);
        json_int(j, "memory_mib", (int64_t)(t->nodes[i].mem_bytes >> 20));
        json_int(j, "free_mib", (int64_t)(t->nodes[i].free_bytes >> 20));
        json_array(j, "distances");
        for (size_t k = 0; k < t->nr_nodes; k++)
            json_int(j, NULL, t->distance[i * t->nr_nodes + k]);
        json_array_end(j);
        json_map_end(j);
    }
    json_array_end(j);
}

static void topology_text(const struct hv_topology *t)
{
    printf("cpu_topology           :\n");
    printf("cpu:    core    socket     node\n");
    for (size_t i = 0; i < t->nr_cpus; i++) {
        if (t->cpus[i].core != HV_TOPO_NONE)
            printf("%3zu:    %4u     %4u     %4u\n", i, t->cpus[i].core, t->cpus[i].socket,
                   t->cpus[i].node);
    }
    printf("device topology        :\ndevice           node\n");
    printf("No device topology data available\n");
    printf("numa_info              :\nnode:    memsize    memfree    distances\n");
    for (size_t i = 0; i < t->nr_nodes; i++) {
        const char *comma = "";

        if (t->nodes[i].mem_bytes == ~(uint64_t)0)
            continue;
        printf("%4zu:    %6" PRIu64 "     %6" PRIu64 "      ", i, t->nodes[i].mem_bytes >> 20,
               t->nodes[i].free_bytes >> 20);
        for (size_t k = 0; k < t->nr_nodes; k++, comma = ",")
            printf("%s%u", comma, t->distance[i * t->nr_nodes + k]);
        printf("\n");
    }
}

static int show_topology(struct app *app, struct json *j)
{
    struct hv_topology t;

    if (hv_topology(app->ctx.hv, &t, app->err) < 0)
        return -1;
    if (j)
        topology_json(j, &t);
    else
        topology_text(&t);
    hv_topology_free(&t);
    return 0;
}

static int show_version(struct app *app, struct json *j)
{
    struct hv_version v;
    uint32_t sched = 0;

    if (hv_version(app->ctx.hv, &v, app->err) < 0 || hv_sched_id(app->ctx.hv, &sched, app->err) < 0)
        return -1;
    number(j, "xen_major", v.major);
    number(j, "xen_minor", v.minor);
    line(j, "xen_extra", "%s", v.extra);
    line(j, "xen_version", "%u.%u%s", v.major, v.minor, v.extra);
    line(j, "xen_caps", "%s", v.capabilities);
    line(j, "xen_scheduler", "%s", hv_sched_name(sched));
    number(j, "xen_pagesize", v.page_size);
    line(j, "platform_params", "virt_start=0x%" PRIx64, v.virt_start);
    line(j, "xen_changeset", "%s", v.changeset);
    line(j, "xen_commandline", "%s", v.commandline);
    line(j, "cc_compiler", "%s", v.compiler);
    line(j, "cc_compile_by", "%s", v.compile_by);
    line(j, "cc_compile_domain", "%s", v.compile_domain);
    line(j, "cc_compile_date", "%s", v.compile_date);
    line(j, "build_id", "%s", v.build_id);
    number(j, "xend_config_format", 4);
    return 0;
}

static int show_info(struct app *app, struct json *j, bool numa)
{
    struct utsname uts;

    if (uname(&uts) == 0) {
        line(j, "host", "%s", uts.nodename);
        line(j, "release", "%s", uts.release);
        line(j, "version", "%s", uts.version);
        line(j, "machine", "%s", uts.machine);
    }
    if (show_physical(app, j) < 0 || (numa && show_topology(app, j) < 0) ||
        show_version(app, j) < 0)
        return -1;
    return 0;
}

static int run_info(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"numa", 0, 0, 'n'}, {"help", 0, 0, 'h'}, {0}};
    struct json json, *j = app->json ? &json : NULL;
    bool numa = false;
    int opt;

    while ((opt = app_getopt(app, verb, argc, argv, "nh", longs)) >= 0)
        numa |= opt == 'n';
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 0, 0))
        return EXIT_USAGE;
    if (!app_open(app, HL_CTX_STORE_OPTIONAL))
        return EXIT_FAILED;
    if (j && !json_start(j))
        return EXIT_FAILED;
    if (j)
        json_map(j, NULL);
    if (show_info(app, j, numa) < 0)
        return app_failed(app);
    if (j)
        json_map_end(j);
    return j ? json_finish(j) : 0;
}

static int run_dmesg(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"clear", 0, 0, 'c'}, {"help", 0, 0, 'h'}, {0}};
    bool clear = false;
    char *text = NULL;
    size_t len = 0;
    struct json j;
    int opt, rc = 0;

    while ((opt = app_getopt(app, verb, argc, argv, "ch", longs)) >= 0)
        clear |= opt == 'c';
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 0, 0))
        return EXIT_USAGE;
    if (!app_open(app, HL_CTX_STORE_OPTIONAL))
        return EXIT_FAILED;
    if (hv_console_read(app->ctx.hv, clear, &text, &len, app->err) < 0)
        return app_failed(app);
    if (!app->json) {
        fwrite(text, 1, len, stdout);
    } else if (json_start(&j)) {
        json_map(&j, NULL);
        json_string(&j, "text", text);
        json_map_end(&j);
        rc = json_finish(&j);
    }
    free(text);
    return rc;
}

static int run_debug_keys(struct app *app, const struct verb *verb, int argc, char **argv)
{
    if (!app_no_options(app, verb, argc, argv, 1, 1))
        return app->exit_code;
    if (!app_open(app, HL_CTX_STORE_OPTIONAL))
        return EXIT_FAILED;
    if (hv_debug_keys(app->ctx.hv, argv[optind], app->err) < 0)
        return app_failed(app);
    return 0;
}

/* There is no Flask policy module; scripts ask nevertheless. */
static int run_getenforce(struct app *app, const struct verb *verb, int argc, char **argv)
{
    if (!app_no_options(app, verb, argc, argv, 0, -1))
        return app->exit_code;
    printf(app->json ? "\"Disabled\"\n" : "Disabled\n");
    return 0;
}

const struct verb host_verbs[] = {
    {"info", run_info, "[-n]", "Get information about Xen host",
     "-n, --numa              List host NUMA topology information\n", VERB_READS | VERB_COMMON},
    {"dmesg", run_dmesg, "[-c]", "Read and/or clear dmesg buffer",
     "-c, --clear             Clear dmesg buffer as well as printing it\n", VERB_COMMON},
    {"debug-keys", run_debug_keys, "<Keys>", "Send debug keys to Xen", NULL, 0},
    {"getenforce", run_getenforce, "", "Show whether the hypervisor enforces a Flask policy", NULL,
     VERB_READS},
    {0},
};
