/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl and xen_version, typed; see hv_system.h. */
#include "dom0-toolstack/lib/hv_system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/abi.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_memory.h"
#include "dom0-toolstack/lib/hv_private.h"

_Static_assert(sizeof(struct xen_sysctl) <= HV_ARGS_SIZE, "the argument buffer holds a sysctl");

long hv_sysctl(struct hv *hv, struct xen_sysctl *op)
{
    long rc;

    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    memcpy(hv->args, op, sizeof(*op));
    rc = hv_call(hv, __HYPERVISOR_sysctl, (uintptr_t)hv->args, 0, 0, 0, 0);
    memcpy(op, hv->args, sizeof(*op));
    return rc;
}

int hv_sysctl_fail(struct hl_error *e, long rc, const char *step)
{
    int err = (int)-rc;

    hl_fail(e, err, step, NULL, NULL);
    if (err == EACCES)
        hl_error_advise(e, "the hypervisor speaks another version of the tools interface than %#x",
                        XEN_SYSCTL_INTERFACE_VERSION);
    else if (err == EPERM)
        hl_error_advise(e, "only the control domain may do this");
    return -err;
}

int hv_physinfo(struct hv *hv, struct hv_physinfo *info, struct hl_error *e)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_physinfo};
    const struct xen_sysctl_physinfo *p = &op.u.physinfo;
    long rc = hv_sysctl(hv, &op);

    if (rc < 0)
        return hv_sysctl_fail(e, rc, "read the host's facts");
    *info = (struct hv_physinfo){
        .threads_per_core = p->threads_per_core,
        .cores_per_socket = p->cores_per_socket,
        .nr_cpus = p->nr_cpus,
        .max_cpu_id = p->max_cpu_id,
        .nr_nodes = p->nr_nodes,
        .max_node_id = p->max_node_id,
        .cpu_khz = p->cpu_khz,
        .cap_hvm = (p->capabilities & XEN_SYSCTL_PHYSCAP_hvm) != 0,
        .cap_pv = (p->capabilities & XEN_SYSCTL_PHYSCAP_pv) != 0,
        .cap_directio = (p->capabilities & XEN_SYSCTL_PHYSCAP_directio) != 0,
        .cap_hap = (p->capabilities & XEN_SYSCTL_PHYSCAP_hap) != 0,
        .cap_shadow = (p->capabilities & XEN_SYSCTL_PHYSCAP_shadow) != 0,
        .cap_iommu_hap_pt_share = (p->capabilities & XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share) != 0,
        .cap_vmtrace = (p->capabilities & XEN_SYSCTL_PHYSCAP_vmtrace) != 0,
        .cap_vpmu = (p->capabilities & XEN_SYSCTL_PHYSCAP_vpmu) != 0,
        .cap_gnttab_v1 = (p->capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v1) != 0,
        .cap_gnttab_v2 = (p->capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v2) != 0,
        .total_pages = p->total_pages,
        .free_pages = p->free_pages,
        .scrub_pages = p->scrub_pages,
        .outstanding_pages = p->outstanding_pages,
        .max_mfn = p->max_mfn,
    };
    memcpy(info->hw_cap, p->hw_cap, sizeof(info->hw_cap));
    hv_memory_sharing(hv, &info->sharing_freed_pages, &info->sharing_used_frames);
    return 0;
}

/* ---- version ---- */

static long version_text(struct hv *hv, unsigned int cmd, char *to, size_t size, size_t abi_size)
{
    char *buf = hv->args;
    long rc;

    memset(buf, 0, HV_ARGS_SIZE);
    rc = hv_call(hv, __HYPERVISOR_xen_version, cmd, (uintptr_t)buf, 0, 0, 0);
    if (rc < 0)
        return rc;
    buf[abi_size] = '\0';
    snprintf(to, size, "%s", buf);
    return 0;
}

int hv_version_numbers(struct hv *hv, unsigned int *major, unsigned int *minor, struct hl_error *e)
{
    long rc = hv_call(hv, __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0);

    if (rc < 0)
        return hv_sysctl_fail(e, rc, "read the hypervisor's version");
    *major = (unsigned int)rc >> 16;
    *minor = (unsigned int)rc & 0xffff;
    return 0;
}

static void read_build_id(struct hv *hv, char *hex, size_t size)
{
    /* A length, then that many bytes. */
    uint32_t *len = hv->args;
    const unsigned char *bytes = (const unsigned char *)(len + 1);
    long rc;

    hex[0] = '\0';
    *len = (uint32_t)(size / 2);
    rc = hv_call(hv, __HYPERVISOR_xen_version, XENVER_build_id, (uintptr_t)hv->args, 0, 0, 0);
    for (long i = 0; i < rc && (size_t)(2 * i + 3) <= size; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static int read_compile_info(struct hv *hv, struct hv_version *v)
{
    struct xen_compile_info c = {{0}, {0}, {0}, {0}};
    long rc = hv_call_struct(hv, __HYPERVISOR_xen_version, XENVER_compile_info, &c, sizeof(c));

    if (rc < 0)
        return (int)rc;
    snprintf(v->compiler, sizeof(v->compiler), "%.63s", c.compiler);
    snprintf(v->compile_by, sizeof(v->compile_by), "%.15s", c.compile_by);
    snprintf(v->compile_domain, sizeof(v->compile_domain), "%.31s", c.compile_domain);
    snprintf(v->compile_date, sizeof(v->compile_date), "%.31s", c.compile_date);
    return 0;
}

int hv_version(struct hv *hv, struct hv_version *v, struct hl_error *e)
{
    struct xen_platform_parameters pp = {0};
    long rc;

    memset(v, 0, sizeof(*v));
    rc = hv_version_numbers(hv, &v->major, &v->minor, e);
    if (rc < 0)
        return (int)rc;
    rc = version_text(hv, XENVER_extraversion, v->extra, sizeof(v->extra), 16);
    if (rc == 0)
        rc = version_text(hv, XENVER_capabilities, v->capabilities, sizeof(v->capabilities), 1024);
    if (rc == 0)
        rc = version_text(hv, XENVER_changeset, v->changeset, sizeof(v->changeset), 64);
    if (rc == 0)
        rc = version_text(hv, XENVER_commandline, v->commandline, sizeof(v->commandline), 1024);
    if (rc == 0)
        rc = read_compile_info(hv, v);
    if (rc == 0)
        rc = hv_call_struct(hv, __HYPERVISOR_xen_version, XENVER_platform_parameters, &pp,
                            sizeof(pp));
    if (rc < 0)
        return hv_sysctl_fail(e, rc, "read the hypervisor's version");
    v->virt_start = pp.virt_start;
    rc = hv_call(hv, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0, 0);
    v->page_size = rc > 0 ? (uint32_t)rc : 4096;
    read_build_id(hv, v->build_id, sizeof(v->build_id));
    return 0;
}

/* ---- topology ---- */

/* Asks for the count with a NULL array, then fetches; the arrays of both calls work like this. */
static int read_cpus(struct hv *hv, struct hv_topology *t, struct hl_error *e)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_cputopoinfo};
    struct xen_sysctl_cputopo *buf;
    size_t size, n;
    long rc = hv_sysctl(hv, &op);

    if (rc < 0)
        return hv_sysctl_fail(e, rc, "read the CPU topology");
    n = op.u.cputopoinfo.num_cpus;
    size = n * sizeof(*buf);
    buf = n == 0 || n > 65536 ? NULL : hv_buffer_alloc(hv, size);
    t->cpus = buf == NULL ? NULL : calloc(n, sizeof(*t->cpus));
    if (t->cpus == NULL) {
        hv_buffer_free(hv, buf, size);
        return hl_fail(e, ENOMEM, "read the CPU topology", NULL, NULL);
    }
    HANDLE_SET(op.u.cputopoinfo.cputopo, buf);
    rc = hv_sysctl(hv, &op);
    if (rc == 0) {
        t->nr_cpus = op.u.cputopoinfo.num_cpus < n ? op.u.cputopoinfo.num_cpus : n;
        for (size_t i = 0; i < t->nr_cpus; i++)
            t->cpus[i] = (struct hv_cpu_topo){buf[i].core, buf[i].socket, buf[i].node};
    }
    hv_buffer_free(hv, buf, size);
    return rc < 0 ? hv_sysctl_fail(e, rc, "read the CPU topology") : 0;
}

static int read_nodes(struct hv *hv, struct hv_topology *t, struct hl_error *e)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_numainfo};
    struct xen_sysctl_meminfo *mem;
    size_t size, n;
    uint32_t *distance;
    long rc = hv_sysctl(hv, &op);

    if (rc < 0)
        return hv_sysctl_fail(e, rc, "read the NUMA nodes");
    n = op.u.numainfo.num_nodes;
    size = n * sizeof(*mem) + n * n * sizeof(*distance);
    mem = n == 0 || n > 1024 ? NULL : hv_buffer_alloc(hv, size);
    if (mem == NULL)
        return hl_fail(e, ENOMEM, "read the NUMA nodes", NULL, NULL);
    distance = (uint32_t *)(mem + n);
    t->nodes = calloc(n, sizeof(*t->nodes));
    t->distance = calloc(n * n, sizeof(*t->distance));
    HANDLE_SET(op.u.numainfo.meminfo, mem);
    HANDLE_SET(op.u.numainfo.distance, distance);
    rc = t->nodes == NULL || t->distance == NULL ? -ENOMEM : hv_sysctl(hv, &op);
    if (rc == 0 && op.u.numainfo.num_nodes != n)
        rc = -EAGAIN;
    if (rc == 0) {
        t->nr_nodes = n;
        for (size_t i = 0; i < n; i++)
            t->nodes[i] = (struct hv_node_info){mem[i].memsize, mem[i].memfree};
        memcpy(t->distance, distance, n * n * sizeof(*distance));
    }
    hv_buffer_free(hv, mem, size);
    return rc < 0 ? hv_sysctl_fail(e, rc, "read the NUMA nodes") : 0;
}

int hv_topology(struct hv *hv, struct hv_topology *t, struct hl_error *e)
{
    int rc;

    memset(t, 0, sizeof(*t));
    rc = read_cpus(hv, t, e);
    if (rc == 0)
        rc = read_nodes(hv, t, e);
    if (rc != 0)
        hv_topology_free(t);
    return rc;
}

void hv_topology_free(struct hv_topology *t)
{
    free(t->cpus);
    free(t->nodes);
    free(t->distance);
    memset(t, 0, sizeof(*t));
}

/* ---- pools and schedulers ---- */

static long cpupool_op(struct hv *hv, uint32_t cmd, uint32_t id, struct xen_sysctl *op,
                       struct hl_cpumask *cpus)
{
    struct hl_cpumask *m = hv_buffer_alloc(hv, sizeof(*m));
    long rc;

    if (m == NULL)
        return -ENOMEM;
    *op = (struct xen_sysctl){.cmd = XEN_SYSCTL_cpupool_op};
    op->u.cpupool_op.op = cmd;
    op->u.cpupool_op.cpupool_id = id;
    HANDLE_SET(op->u.cpupool_op.cpumap.bitmap, m);
    op->u.cpupool_op.cpumap.nr_bits = HL_CPUMASK_BITS;
    rc = hv_sysctl(hv, op);
    if (rc == 0)
        *cpus = *m;
    hv_buffer_free(hv, m, sizeof(*m));
    return rc;
}

int hv_cpupool_info(struct hv *hv, uint32_t id, struct hv_cpupool_info *info, struct hl_error *e)
{
    struct xen_sysctl op;
    long rc = cpupool_op(hv, XEN_SYSCTL_CPUPOOL_OP_INFO, id, &op, &info->cpus);

    if (rc == -ENOENT)
        return -ENOENT;
    if (rc < 0)
        return hv_sysctl_fail(e, rc, "read a CPU pool");
    info->id = op.u.cpupool_op.cpupool_id;
    info->sched_id = op.u.cpupool_op.sched_id;
    info->nr_domains = op.u.cpupool_op.n_dom;
    return 0;
}

int hv_cpupool_free_cpus(struct hv *hv, struct hl_cpumask *cpus, struct hl_error *e)
{
    struct xen_sysctl op;
    long rc = cpupool_op(hv, XEN_SYSCTL_CPUPOOL_OP_FREEINFO, 0, &op, cpus);

    return rc < 0 ? hv_sysctl_fail(e, rc, "read the free CPUs") : 0;
}

int hv_sched_id(struct hv *hv, uint32_t *id, struct hl_error *e)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_sched_id};
    long rc = hv_sysctl(hv, &op);

    if (rc < 0)
        return hv_sysctl_fail(e, rc, "ask for the scheduler");
    *id = op.u.sched_id.sched_id;
    return 0;
}

const char *hv_sched_name(uint32_t id)
{
    switch (id) {
    case XEN_SCHEDULER_CREDIT: return "credit";
    case XEN_SCHEDULER_CREDIT2: return "credit2";
    case XEN_SCHEDULER_ARINC653: return "arinc653";
    case XEN_SCHEDULER_RTDS: return "rtds";
    case XEN_SCHEDULER_NULL: return "null";
    default: return "unknown";
    }
}

static int credit2(struct hv *hv, uint32_t pool, uint32_t cmd, unsigned int *ratelimit,
                   const char *step, struct hl_error *e)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_scheduler_op};
    long rc;

    op.u.scheduler_op.cpupool_id = pool;
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    op.u.scheduler_op.cmd = cmd;
    op.u.scheduler_op.u.sched_credit2.ratelimit_us = *ratelimit;
    rc = hv_sysctl(hv, &op);
    if (rc < 0)
        return hv_sysctl_fail(e, rc, step);
    *ratelimit = op.u.scheduler_op.u.sched_credit2.ratelimit_us;
    return 0;
}

int hv_sched_credit2_get(struct hv *hv, uint32_t pool, unsigned int *ratelimit_us,
                         struct hl_error *e)
{
    *ratelimit_us = 0;
    return credit2(hv, pool, XEN_SYSCTL_SCHEDOP_getinfo, ratelimit_us,
                   "read the scheduler's rate limit", e);
}

int hv_sched_credit2_set(struct hv *hv, uint32_t pool, unsigned int ratelimit_us,
                         struct hl_error *e)
{
    return credit2(hv, pool, XEN_SYSCTL_SCHEDOP_putinfo, &ratelimit_us,
                   "set the scheduler's rate limit", e);
}

/* ---- console ---- */

#define CONSOLE_CHUNK 16384u
#define CONSOLE_MAX   (64u << 20) /* a hypervisor that never says "no more" must not fill memory */

static int read_console(struct hv *hv, bool clear, uint32_t *index, char **text, size_t *len,
                        struct hl_error *e)
{
    static const char step[] = "read the hypervisor's console";
    char *buf = hv_buffer_alloc(hv, CONSOLE_CHUNK), *all = NULL, *grown;
    uint32_t got = 0, at = index == NULL ? 0 : *index;
    bool incremental = index != NULL;
    size_t n = 0;
    int err = 0;

    *text = NULL;
    *len = 0;
    if (buf == NULL)
        return hl_fail(e, ENOMEM, step, NULL, NULL);
    do {
        struct xen_sysctl op = {.cmd = XEN_SYSCTL_readconsole};
        long rc;

        op.u.readconsole.incremental = incremental;
        op.u.readconsole.index = at;
        op.u.readconsole.count = CONSOLE_CHUNK;
        HANDLE_SET(op.u.readconsole.buffer, buf);
        rc = hv_sysctl(hv, &op);
        if (rc < 0) {
            err = hv_sysctl_fail(e, rc, step);
            break;
        }
        got = op.u.readconsole.count;
        at = op.u.readconsole.index;
        incremental = true;
        if (got > CONSOLE_CHUNK || n + got > CONSOLE_MAX)
            break;
        grown = realloc(all, n + got + 1);
        if (grown == NULL) {
            err = hl_fail(e, ENOMEM, step, NULL, NULL);
            break;
        }
        all = grown;
        memcpy(all + n, buf, got);
        n += got;
        all[n] = '\0';
    } while (got != 0);
    if (err == 0 && clear) {
        struct xen_sysctl op = {.cmd = XEN_SYSCTL_readconsole};
        long rc;

        op.u.readconsole.clear = 1;
        op.u.readconsole.incremental = 1;
        op.u.readconsole.index = at;
        op.u.readconsole.count = CONSOLE_CHUNK;
        HANDLE_SET(op.u.readconsole.buffer, buf);
        rc = hv_sysctl(hv, &op);
        if (rc < 0)
            err = hv_sysctl_fail(e, rc, "clear the hypervisor's console");
    }
    hv_buffer_free(hv, buf, CONSOLE_CHUNK);
    if (err != 0) {
        free(all);
        return err;
    }
    if (index != NULL)
        *index = at;
    *text = all;
    *len = n;
    return 0;
}

int hv_console_read(struct hv *hv, bool clear, char **text, size_t *len, struct hl_error *e)
{
    return read_console(hv, clear, NULL, text, len, e);
}

int hv_console_read_from(struct hv *hv, uint32_t *index, char **text, size_t *len,
                         struct hl_error *e)
{
    return read_console(hv, false, index, text, len, e);
}

int hv_debug_keys(struct hv *hv, const char *keys, struct hl_error *e)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_debug_keys};
    size_t len = strlen(keys);
    char *buf;
    long rc;

    if (len == 0 || len > 4096)
        return hl_fail(e, EINVAL, "send debug keys", NULL, "%zu keys are not 1 to 4096", len);
    buf = hv_buffer_alloc(hv, len);
    if (buf == NULL)
        return hl_fail(e, ENOMEM, "send debug keys", NULL, NULL);
    memcpy(buf, keys, len);
    HANDLE_SET(op.u.debug_keys.keys, buf);
    op.u.debug_keys.nr_keys = (uint32_t)len;
    rc = hv_sysctl(hv, &op);
    hv_buffer_free(hv, buf, len);
    return rc < 0 ? hv_sysctl_fail(e, rc, "send debug keys") : 0;
}

int hv_cpu_idle_times(struct hv *hv, uint64_t **ns, size_t *count, struct hl_error *e)
{
    static const char step[] = "read the CPUs' idle times";
    const size_t max = HL_CPUMASK_BITS, size = max * sizeof(struct xen_sysctl_cpuinfo);
    struct xen_sysctl_cpuinfo *buf = hv_buffer_alloc(hv, size);
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_getcpuinfo};
    long rc;

    *ns = NULL;
    *count = 0;
    if (buf == NULL)
        return hl_fail(e, ENOMEM, step, NULL, NULL);
    op.u.getcpuinfo.max_cpus = (uint32_t)max;
    HANDLE_SET(op.u.getcpuinfo.info, buf);
    rc = hv_sysctl(hv, &op);
    if (rc == 0) {
        size_t n = op.u.getcpuinfo.nr_cpus < max ? op.u.getcpuinfo.nr_cpus : max;

        *ns = calloc(n == 0 ? 1 : n, sizeof(**ns));
        if (*ns == NULL)
            rc = -ENOMEM;
        for (size_t i = 0; rc == 0 && i < n; i++)
            (*ns)[i] = buf[i].idletime;
        if (rc == 0)
            *count = n;
    }
    hv_buffer_free(hv, buf, size);
    return rc < 0 ? hv_sysctl_fail(e, rc, step) : 0;
}
