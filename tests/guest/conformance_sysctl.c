/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl. */
#include "conformance.h"
#include "kit/domains.h"
#include "hypercalls/abi/sysctl.h"

static struct xen_sysctl op;
static char buffer[65536] __attribute__((aligned(8)));

static long sysctl(void *arg)
{
    return HYPERCALL1(__HYPERVISOR_sysctl, arg);
}

static long call(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return sysctl(&op);
}

static void clear(void)
{
    memset(&op, 0, sizeof(op));
}

static void console(void)
{
    static char keys[] = "h";

    clear();
    op.u.readconsole.buffer.p = buffer;
    op.u.readconsole.count = 64;
    ROW("readconsole", 0, call(XEN_SYSCTL_readconsole));
    ROW("readconsole/count", 64, op.u.readconsole.count);
    op.u.readconsole.count = 0;
    ROW("readconsole/none", 0, call(XEN_SYSCTL_readconsole));
    op.u.readconsole.count = 64;
    op.u.readconsole.buffer.p = (void *)NO_ADDRESS;
    ROW("readconsole/unmapped", -XEN_EFAULT, call(XEN_SYSCTL_readconsole));
    op.u.readconsole.buffer.p = (void *)0xffff830000000000UL;
    ROW("readconsole/hypervisor", -XEN_EFAULT, call(XEN_SYSCTL_readconsole));
    op.u.readconsole.buffer.p = buffer;
    op.u.readconsole.count = sizeof(buffer);
    op.u.readconsole.incremental = 1;
    op.u.readconsole.index = 0x7fffffff;
    ROW("readconsole/index-ahead", 0, call(XEN_SYSCTL_readconsole));
    ROW("readconsole/index-ahead/nothing", 1, op.u.readconsole.count == 0);
    clear();
    op.u.debug_keys.keys.p = keys;
    ROW("debug_keys/none", 0, call(XEN_SYSCTL_debug_keys));
    op.u.debug_keys.nr_keys = 1;
    op.u.debug_keys.keys.p = (void *)NO_ADDRESS;
    ROW("debug_keys/unmapped", -XEN_EFAULT, call(XEN_SYSCTL_debug_keys));
    clear();
    ROW("sched_id", 0, call(XEN_SYSCTL_sched_id));
    ROW("sched_id/credit2", XEN_SCHEDULER_CREDIT2, op.u.sched_id.sched_id);
}

static long list(domid_t first, uint32_t room, void *to)
{
    clear();
    op.u.getdomaininfolist.first_domain = first;
    op.u.getdomaininfolist.max_domains = room;
    op.u.getdomaininfolist.buffer.p = to;
    return call(XEN_SYSCTL_getdomaininfolist);
}

static void host(void)
{
    clear();
    ROW("physinfo", 0, call(XEN_SYSCTL_physinfo));
    struct xen_sysctl_physinfo *p = &op.u.physinfo;
    ROW("physinfo/nr_cpus", 2, p->nr_cpus);
    ROW("physinfo/max_cpu_id", 1, p->max_cpu_id);
    ROW("physinfo/nr_nodes", 1, p->nr_nodes);
    ROW("physinfo/max_node_id", 0, p->max_node_id);
    ROW("physinfo/threads_per_core", 1, p->threads_per_core);
    ROW("physinfo/pv", 1, p->capabilities >> 1 & 1);
    ROW("physinfo/gnttab_v1", 1, p->capabilities >> 8 & 1);
    ROW("physinfo/cpu_khz", 1, p->cpu_khz > 1000);
    ROW("physinfo/total_pages", 1, p->total_pages > 130000 && p->total_pages <= 131072);
    ROW("physinfo/free-below-total", 1, p->free_pages < p->total_pages);
    ROW("physinfo/outstanding", 0, p->outstanding_pages);
    ROW("physinfo/max_mfn", 1, p->max_mfn >= 0x1ffdf && p->max_mfn <= 0x1fffff);
    ROW("physinfo/vme-for-libvirt", 1, p->hw_cap[0] >> 1 & 1);
    ROW("getdomaininfolist", 0, list(0, 16, buffer));
    ROW("getdomaininfolist/count", 2, op.u.getdomaininfolist.num_domains);
    ROW("getdomaininfolist/first", 0, ((struct xen_domctl_getdomaininfo *)buffer)->domain);
    ROW("getdomaininfolist/room-1", 0, list(0, 1, buffer));
    ROW("getdomaininfolist/room-1/count", 1, op.u.getdomaininfolist.num_domains);
    ROW("getdomaininfolist/room-0", 0, list(0, 0, buffer));
    ROW("getdomaininfolist/past-the-last", 0, list(30000, 16, buffer));
    ROW("getdomaininfolist/past-the-last/count", 0, op.u.getdomaininfolist.num_domains);
    ROW("getdomaininfolist/system", 0, list(DOMID_SELF, 16, buffer));
    ROW("getdomaininfolist/system/count", 0, op.u.getdomaininfolist.num_domains);
    ROW("getdomaininfolist/unmapped", -XEN_EFAULT, list(0, 16, (void *)NO_ADDRESS));
    clear();
    op.u.getcpuinfo.max_cpus = 16;
    op.u.getcpuinfo.info.p = (void *)buffer;
    ROW("getcpuinfo", 0, call(XEN_SYSCTL_getcpuinfo));
    ROW("getcpuinfo/count", 2, op.u.getcpuinfo.nr_cpus);
    op.u.getcpuinfo.max_cpus = 1;
    ROW("getcpuinfo/room-1", 0, call(XEN_SYSCTL_getcpuinfo));
    ROW("getcpuinfo/room-1/count", 1, op.u.getcpuinfo.nr_cpus);
    op.u.getcpuinfo.info.p = (void *)NO_ADDRESS;
    ROW("getcpuinfo/unmapped", -XEN_EFAULT, call(XEN_SYSCTL_getcpuinfo));
    clear();
    op.u.availheap.node = -1;
    ROW("availheap", 0, call(XEN_SYSCTL_availheap));
    ROW("availheap/some", 1, op.u.availheap.avail_bytes > 1 << 20);
    op.u.availheap.node = 0;
    ROW("availheap/node-0", 0, call(XEN_SYSCTL_availheap));
    ROW("availheap/node-0/some", 1, op.u.availheap.avail_bytes > 1 << 20);
    op.u.availheap.node = 1000;
    ROW("availheap/node-1000", 0, call(XEN_SYSCTL_availheap));
}

static void topology(void)
{
    struct xen_sysctl_cputopo *cpus = (void *)buffer;
    uint32_t distance = 99;

    clear();
    ROW("cputopoinfo/size", 0, call(XEN_SYSCTL_cputopoinfo));
    ROW("cputopoinfo/size/count", 2, op.u.cputopoinfo.num_cpus);
    op.u.cputopoinfo.num_cpus = 16;
    op.u.cputopoinfo.cputopo.p = cpus;
    ROW("cputopoinfo", 0, call(XEN_SYSCTL_cputopoinfo));
    ROW("cputopoinfo/count", 2, op.u.cputopoinfo.num_cpus);
    ROW("cputopoinfo/node", 0, cpus[1].node);
    op.u.cputopoinfo.num_cpus = 1;
    ROW("cputopoinfo/room-1", 0, call(XEN_SYSCTL_cputopoinfo));
    ROW("cputopoinfo/room-1/count", 1, op.u.cputopoinfo.num_cpus);
    op.u.cputopoinfo.cputopo.p = (void *)NO_ADDRESS;
    ROW("cputopoinfo/unmapped", -XEN_EFAULT, call(XEN_SYSCTL_cputopoinfo));
    clear();
    ROW("numainfo/size", 0, call(XEN_SYSCTL_numainfo));
    ROW("numainfo/size/count", 1, op.u.numainfo.num_nodes);
    op.u.numainfo.num_nodes = 8;
    op.u.numainfo.meminfo.p = (void *)buffer;
    op.u.numainfo.distance.p = &distance;
    ROW("numainfo", 0, call(XEN_SYSCTL_numainfo));
    ROW("numainfo/count", 1, op.u.numainfo.num_nodes);
    ROW("numainfo/distance", 10, distance);
    ROW("numainfo/memory", 1, ((struct xen_sysctl_meminfo *)buffer)->memsize > 500UL << 20);
    op.u.numainfo.num_nodes = 1;
    op.u.numainfo.meminfo.p = (void *)NO_ADDRESS;
    ROW("numainfo/unmapped", -XEN_EFAULT, call(XEN_SYSCTL_numainfo));
    clear();
    op.u.pcitopoinfo.num_devs = 0;
    ROW("pcitopoinfo/no-arrays", -XEN_EINVAL, call(XEN_SYSCTL_pcitopoinfo));
}

static long pool(uint32_t what, uint32_t id)
{
    static uint64_t bits;

    clear();
    bits = ~0UL;
    op.u.cpupool_op.op = what;
    op.u.cpupool_op.cpupool_id = id;
    op.u.cpupool_op.cpumap.bitmap.p = (uint8_t *)&bits;
    op.u.cpupool_op.cpumap.nr_bits = 64;
    long rc = call(XEN_SYSCTL_cpupool_op);
    *(uint64_t *)buffer = bits;
    return rc;
}

static long scheduler(uint32_t id, uint32_t cmd, uint32_t cpupool, uint32_t rate)
{
    clear();
    op.u.scheduler_op.sched_id = id;
    op.u.scheduler_op.cmd = cmd;
    op.u.scheduler_op.cpupool_id = cpupool;
    op.u.scheduler_op.u.sched_credit2.ratelimit_us = rate;
    return call(XEN_SYSCTL_scheduler_op);
}

static void scheduling(void)
{
    ROW("cpupool_op/info", 0, pool(XEN_SYSCTL_CPUPOOL_OP_INFO, 0));
    ROW("cpupool_op/info/scheduler", XEN_SCHEDULER_CREDIT2, op.u.cpupool_op.sched_id);
    ROW("cpupool_op/info/domains", 1, op.u.cpupool_op.n_dom >= 2);
    ROW("cpupool_op/info/cpus", 3, *(uint64_t *)buffer);
    ROW("cpupool_op/info/past-the-last", -XEN_ENOENT, pool(XEN_SYSCTL_CPUPOOL_OP_INFO, 1));
    ROW("cpupool_op/info/max", -XEN_ENOENT, pool(XEN_SYSCTL_CPUPOOL_OP_INFO, ~0U));
    ROW("cpupool_op/freeinfo", 0, pool(XEN_SYSCTL_CPUPOOL_OP_FREEINFO, 0));
    ROW("cpupool_op/freeinfo/none", 0, *(uint64_t *)buffer);
    ROW("cpupool_op/destroy-absent", -XEN_EOPNOTSUPP, pool(XEN_SYSCTL_CPUPOOL_OP_DESTROY, 7));
    ROW("cpupool_op/destroy-0", -XEN_EOPNOTSUPP, pool(XEN_SYSCTL_CPUPOOL_OP_DESTROY, 0));
    ROW("cpupool_op/add-to-absent", -XEN_EOPNOTSUPP, pool(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 7));
    ROW("cpupool_op/remove-from-absent", -XEN_EOPNOTSUPP, pool(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 7));
    ROW("cpupool_op/move-domain-0-to-absent", -XEN_ENOENT,
        pool(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 7));
    ROW("cpupool_op/create-by-unknown-scheduler", -XEN_EOPNOTSUPP,
        pool(XEN_SYSCTL_CPUPOOL_OP_CREATE, 5));
    ROW("cpupool_op/0", -XEN_ENOSYS, pool(0, 0));
    ROW("cpupool_op/8", -XEN_ENOSYS, pool(8, 0));
    ROW("cpupool_op/max", -XEN_ENOSYS, pool(~0U, 0));
    ROW("scheduler_op/get", 0, scheduler(XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_getinfo, 0, 0));
    ROW("scheduler_op/get/ratelimit", 100, op.u.scheduler_op.u.sched_credit2.ratelimit_us);
    ROW("scheduler_op/put", 0,
        scheduler(XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, 0, 2000));
    ROW("scheduler_op/put/effect", 2000,
        (scheduler(XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_getinfo, 0, 0),
         op.u.scheduler_op.u.sched_credit2.ratelimit_us));
    ROW("scheduler_op/put/99", -XEN_EINVAL,
        scheduler(XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, 0, 99));
    ROW("scheduler_op/put/500001", -XEN_EINVAL,
        scheduler(XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, 0, 500001));
    ROW("scheduler_op/put/off", 0,
        scheduler(XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, 0, 0));
    ROW("scheduler_op/put/back", 0,
        scheduler(XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, 0, 1000));
    ROW("scheduler_op/command-2", -XEN_EINVAL, scheduler(XEN_SCHEDULER_CREDIT2, 2, 0, 0));
    ROW("scheduler_op/other-scheduler", -XEN_EINVAL,
        scheduler(XEN_SCHEDULER_CREDIT, XEN_SYSCTL_SCHEDOP_getinfo, 0, 0));
    ROW("scheduler_op/pool-absent", -XEN_ESRCH,
        scheduler(XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_getinfo, 7, 0));
}

static long featureset(uint32_t index, uint32_t room, void *to)
{
    clear();
    op.u.cpu_featureset.index = index;
    op.u.cpu_featureset.nr_features = room;
    op.u.cpu_featureset.features.p = to;
    return call(XEN_SYSCTL_get_cpu_featureset);
}

static long policy(uint32_t index, uint32_t leaves, uint32_t msrs, void *to)
{
    clear();
    op.u.cpu_policy.index = index;
    op.u.cpu_policy.nr_leaves = leaves;
    op.u.cpu_policy.nr_msrs = msrs;
    op.u.cpu_policy.leaves.p = to;
    op.u.cpu_policy.msrs.p = to != NULL ? (void *)(buffer + 32768) : NULL;
    return call(XEN_SYSCTL_get_cpu_policy);
}

static void model(void)
{
    clear();
    ROW("get_cpu_levelling_caps", 0, call(XEN_SYSCTL_get_cpu_levelling_caps));
    ROW("get_cpu_featureset/size", 0, featureset(0, 0, NULL));
    ROW("get_cpu_featureset/size/words", 1, op.u.cpu_featureset.nr_features >= 14);
    for (uint32_t i = 0; i < 4; i++) {
        char key[40];
        ksnprintf(key, sizeof(key), "get_cpu_featureset/%u", i);
        ROW(key, i == 3 ? -XEN_EOPNOTSUPP : 0, featureset(i, 64, buffer));
    }
    ROW("get_cpu_featureset/room-1", -XEN_ENOBUFS, featureset(1, 1, buffer));
    ROW("get_cpu_featureset/6", -XEN_EINVAL, featureset(6, 64, buffer));
    ROW("get_cpu_featureset/max", -XEN_EINVAL, featureset(~0U, 64, buffer));
    ROW("get_cpu_featureset/unmapped", -XEN_EFAULT, featureset(1, 64, (void *)NO_ADDRESS));
    ROW("get_cpu_policy/size", 0, policy(0, 0, 0, NULL));
    ROW("get_cpu_policy/size/some", 1,
        op.u.cpu_policy.nr_leaves > 20 && op.u.cpu_policy.nr_msrs > 0);
    ROW("get_cpu_policy/raw", 0, policy(XEN_SYSCTL_cpu_policy_raw, 400, 400, buffer));
    ROW("get_cpu_policy/host", 0, policy(XEN_SYSCTL_cpu_policy_host, 400, 400, buffer));
    ROW("get_cpu_policy/pv_max", 0, policy(XEN_SYSCTL_cpu_policy_pv_max, 400, 400, buffer));
    ROW("get_cpu_policy/pv_default", 0, policy(XEN_SYSCTL_cpu_policy_pv_default, 400, 400, buffer));
    ROW("get_cpu_policy/room-1", -XEN_ENOBUFS,
        policy(XEN_SYSCTL_cpu_policy_pv_max, 1, 400, buffer));
    ROW("get_cpu_policy/msr-room-0", -XEN_ENOBUFS,
        policy(XEN_SYSCTL_cpu_policy_pv_max, 400, 0, buffer));
    ROW("get_cpu_policy/6", -XEN_EINVAL, policy(6, 400, 400, buffer));
    ROW("get_cpu_policy/max", -XEN_EINVAL, policy(~0U, 400, 400, buffer));
    ROW("get_cpu_policy/unmapped", -XEN_EFAULT, policy(1, 400, 400, (void *)NO_ADDRESS));
    clear();
    op.u.cpu_policy._rsvd = 1;
    ROW("get_cpu_policy/reserved", -XEN_EINVAL, call(XEN_SYSCTL_get_cpu_policy));
}

static void rest(void)
{
    static const struct {
        const char *name;
        uint32_t cmd;
        long rc;
    } absent[] = {{"perfc_op", 5, -XEN_ENOSYS},
                  {"lockprof_op", 15, -XEN_ENOSYS},
                  {"coverage_op", 20, -XEN_ENOSYS}};

    for (unsigned int i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        clear();
        conform_row(absent[i].name, "not-built", absent[i].rc, call(absent[i].cmd));
    }
    clear();
    op.u.cpu_hotplug.op = 99;
    ROW("cpu_hotplug/99", -XEN_ENOSYS, call(XEN_SYSCTL_cpu_hotplug));
    clear();
    op.u.cpu_hotplug.cpu = 0;
    op.u.cpu_hotplug.op = XEN_SYSCTL_CPU_HOTPLUG_OFFLINE;
    ROW("cpu_hotplug/boot-cpu-offline", -XEN_ENOSYS, call(XEN_SYSCTL_cpu_hotplug));
    op.u.cpu_hotplug.cpu = 100000;
    ROW("cpu_hotplug/cpu-beyond", -XEN_ENOSYS, call(XEN_SYSCTL_cpu_hotplug));
    clear();
    op.u.page_offline.start = 5;
    op.u.page_offline.end = 4;
    ROW("page_offline_op/end-before-start", -XEN_ENOSYS, call(XEN_SYSCTL_page_offline_op));
    clear();
    op.u.tbuf_op.cmd = XEN_SYSCTL_TBUFOP_get_info;
    ROW("tbuf_op/get_info", -XEN_ENOSYS, call(XEN_SYSCTL_tbuf_op));
    op.u.tbuf_op.cmd = 99;
    ROW("tbuf_op/99", -XEN_ENOSYS, call(XEN_SYSCTL_tbuf_op));
    clear();
    ROW("psr_cmt_op/get_total_rmid", -XEN_ENOSYS, call(XEN_SYSCTL_psr_cmt_op));
    op.u.psr_cmt_op.cmd = XEN_SYSCTL_PSR_CMT_enabled;
    ROW("psr_cmt_op/enabled", -XEN_ENOSYS, call(XEN_SYSCTL_psr_cmt_op));
    clear();
    ROW("psr_alloc/get_l3_info", -XEN_ENOSYS, call(XEN_SYSCTL_psr_alloc));
    clear();
    ROW("livepatch_op/0", -XEN_ENOSYS, call(XEN_SYSCTL_livepatch_op));
    clear();
    op.u.get_pmstat.cpuid = 0;
    op.u.get_pmstat.type = PMSTAT_get_max_px;
    ROW("get_pmstat/max_px", -XEN_ENOSYS, call(XEN_SYSCTL_get_pmstat));
    op.u.get_pmstat.cpuid = 1000;
    ROW("get_pmstat/cpu-1000", -XEN_ENOSYS, call(XEN_SYSCTL_get_pmstat));
    clear();
    op.u.pm_op.cpuid = 1000;
    ROW("pm_op/cpu-1000", -XEN_ENOSYS, call(XEN_SYSCTL_pm_op));
    static const uint32_t unknown[] = {0, 13, 24, 28, 30, 1000, ~0U};
    for (unsigned int i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        char key[16];
        clear();
        ksnprintf(key, sizeof(key), "%d", (int)unknown[i]);
        ROW(key, -XEN_ENOSYS, call(unknown[i]));
    }
}

void conform_sysctl(void)
{
    struct domain d;

    conform_family("sysctl");
    if (domain_create_empty(&d, &(struct domain_config){.vcpus = 1}) != 0) {
        kit_panic("no domain");
    }
    clear();
    op.cmd = XEN_SYSCTL_physinfo;
    ROW("version-0", -XEN_EACCES, sysctl(&op));
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION - 1;
    ROW("version-older", -XEN_EACCES, sysctl(&op));
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION + 1;
    ROW("version-newer", -XEN_EACCES, sysctl(&op));
    POINTERS("any", -XEN_EFAULT, p, sysctl(p));
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    READONLY("physinfo", -XEN_EFAULT, p, op, sysctl(p));
    console();
    host();
    topology();
    scheduling();
    model();
    rest();
    domain_destroy(&d);
}
