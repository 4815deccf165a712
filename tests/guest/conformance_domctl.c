/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl: creation and end, state, vCPUs, rights, scheduling. On `w`, a whole domain that never runs unless a row
 * says so, and `d`, one without memory. conformance_domctl_cpu.c has vCPU contexts and CPU policies.
 */
#include "conformance.h"
#include "conformance_domctl.h"
#include "kit/time.h"

struct xen_domctl conform_domctl_op;
#define ctl conform_domctl_op
domid_t conform_whole, conform_empty;

long conform_domctl_call(uint32_t cmd, domid_t dom)
{
    return domain_control(&ctl, cmd, dom);
}
#define call conform_domctl_call

void conform_domctl_clear(void)
{
    memset(&ctl, 0, sizeof(ctl));
}
#define clear conform_domctl_clear

static struct xen_domctl_getdomaininfo info(domid_t dom)
{
    struct xen_domctl_getdomaininfo i = {0};

    domain_info(dom, &i);
    return i;
}

static void good_config(void)
{
    clear();
    ctl.u.createdomain = (struct xen_domctl_createdomain){.max_vcpus = 1,
                                                          .max_evtchn_port = 1023,
                                                          .max_grant_frames = 4,
                                                          .max_maptrack_frames = 4,
                                                          .grant_opts = 1};
}

/* createdomain with one thing wrong; what should not have been made is destroyed. */
static long create(domid_t id)
{
    long rc = call(XEN_DOMCTL_createdomain, id);

    if (rc == 0) {
        domid_t made = ctl.domain;
        clear();
        call(XEN_DOMCTL_destroydomain, made);
    }
    return rc;
}
#define CREATE(key, want, id, change) \
    do {                              \
        good_config();                \
        change;                       \
        ROW(key, want, create(id));   \
    } while (0)

static void creation(void)
{
    CREATE("createdomain", 0, 0, );
    CREATE("createdomain/id-given", 0, 1234, );
    CREATE("createdomain/id-in-use", -XEN_EEXIST, conform_empty, );
    CREATE("createdomain/id-reserved", 0, DOMID_FIRST_RESERVED, );
    CREATE("createdomain/xs_domain", 0, 0, ctl.u.createdomain.flags = XEN_DOMCTL_CDF_xs_domain);
    CREATE("createdomain/flag-unknown", -XEN_EINVAL, 0, ctl.u.createdomain.flags = 1U << 8);
    CREATE("createdomain/flags-max", -XEN_EINVAL, 0, ctl.u.createdomain.flags = ~0U);
    CREATE("createdomain/hap-of-pv", -XEN_EINVAL, 0, ctl.u.createdomain.flags = XEN_DOMCTL_CDF_hap);
    CREATE("createdomain/hvm-without-hardware", -XEN_EINVAL, 0,
           ctl.u.createdomain.flags = XEN_DOMCTL_CDF_hvm);
    CREATE("createdomain/iommu-without-one", -XEN_EINVAL, 0,
           ctl.u.createdomain.flags = XEN_DOMCTL_CDF_iommu);
    CREATE("createdomain/iommu_opts", -XEN_EINVAL, 0, ctl.u.createdomain.iommu_opts = 1);
    CREATE("createdomain/nested-of-pv", -XEN_EINVAL, 0,
           ctl.u.createdomain.flags = XEN_DOMCTL_CDF_nested_virt);
    CREATE("createdomain/vpmu", -XEN_EINVAL, 0, ctl.u.createdomain.flags = XEN_DOMCTL_CDF_vpmu);
    CREATE("createdomain/vcpus-0", -XEN_EINVAL, 0, ctl.u.createdomain.max_vcpus = 0);
    CREATE("createdomain/vcpus-128", 0, 0, ctl.u.createdomain.max_vcpus = 128);
    CREATE("createdomain/vcpus-max", -XEN_EINVAL, 0, ctl.u.createdomain.max_vcpus = ~0U);
    CREATE("createdomain/grant-version-0", -XEN_EINVAL, 0, ctl.u.createdomain.grant_opts = 0);
    CREATE("createdomain/grant-version-2", 0, 0, ctl.u.createdomain.grant_opts = 2);
    CREATE("createdomain/grant-version-3", -XEN_EINVAL, 0, ctl.u.createdomain.grant_opts = 3);
    CREATE("createdomain/grant-option-unknown", -XEN_EINVAL, 0,
           ctl.u.createdomain.grant_opts = 0x11);
    CREATE("createdomain/grant-frames-0", -XEN_EINVAL, 0, ctl.u.createdomain.max_grant_frames = 0);
    CREATE("createdomain/grant-frames-default", 0, 0, ctl.u.createdomain.max_grant_frames = -1);
    CREATE("createdomain/grant-frames-beyond", -XEN_EINVAL, 0,
           ctl.u.createdomain.max_grant_frames = 0x7fffffff);
    CREATE("createdomain/maptrack-0", 0, 0, ctl.u.createdomain.max_maptrack_frames = 0);
    CREATE("createdomain/maptrack-beyond", -XEN_EINVAL, 0,
           ctl.u.createdomain.max_maptrack_frames = 0x7fffffff);
    CREATE("createdomain/evtchn-port-max", 0, 0, ctl.u.createdomain.max_evtchn_port = ~0U);
    CREATE("createdomain/vmtrace", -XEN_EINVAL, 0, ctl.u.createdomain.vmtrace_size = 4096);
    CREATE("createdomain/pool-absent", -XEN_ESRCH, 0, ctl.u.createdomain.cpupool_id = 7);
    CREATE("createdomain/emulation-of-pv", -XEN_EOPNOTSUPP, 0,
           ctl.u.createdomain.arch.emulation_flags = 1);
    CREATE("createdomain/emulation-unknown", -XEN_EINVAL, 0,
           ctl.u.createdomain.arch.emulation_flags = 1U << 31);
    CREATE("createdomain/misc-flags-unknown", -XEN_EINVAL, 0,
           ctl.u.createdomain.arch.misc_flags = 1U << 31);

    ROW("max_vcpus/the-same", 0,
        (clear(), ctl.u.max_vcpus.max = 1, call(XEN_DOMCTL_max_vcpus, conform_empty)));
    ROW("max_vcpus/other-number", -XEN_EINVAL,
        (ctl.u.max_vcpus.max = 2, call(XEN_DOMCTL_max_vcpus, conform_empty)));
    ROW("max_vcpus/zero", -XEN_EINVAL,
        (ctl.u.max_vcpus.max = 0, call(XEN_DOMCTL_max_vcpus, conform_empty)));
    ROW("max_vcpus/max", -XEN_EINVAL,
        (ctl.u.max_vcpus.max = ~0U, call(XEN_DOMCTL_max_vcpus, conform_empty)));
    ROW("max_vcpus/self", -XEN_EINVAL, (ctl.u.max_vcpus.max = 2, call(XEN_DOMCTL_max_vcpus, 0)));
    ROW("destroydomain/self", -XEN_EINVAL, call(XEN_DOMCTL_destroydomain, 0));
    ROW("destroydomain/DOMID_SELF", -XEN_EINVAL, call(XEN_DOMCTL_destroydomain, DOMID_SELF));
}

static void states(void)
{
    struct xen_domctl_getdomaininfo i = info(conform_empty);

    ROW("getdomaininfo/empty/pages", 0, i.tot_pages);
    ROW("getdomaininfo/empty/vcpu", 0, i.max_vcpu_id);
    ROW("getdomaininfo/empty/online", 0, i.nr_online_vcpus);
    ROW("getdomaininfo/empty/flags", XEN_DOMINF_paused, i.flags & ~XEN_DOMINF_blocked);
    ROW("getdomaininfo/empty/pool", 0, i.cpupool);
    ROW("getdomaininfo/empty/gpaddr_bits", info(0).gpaddr_bits, i.gpaddr_bits);
    i = info(conform_whole);
    ROW("getdomaininfo/whole/online", 1, i.nr_online_vcpus);
    ROW("getdomaininfo/whole/flags", XEN_DOMINF_paused, i.flags & ~XEN_DOMINF_blocked);
    ROW("getdomaininfo/self/flags", XEN_DOMINF_running, info(0).flags);
    ROW("getdomaininfo/next", conform_empty,
        (clear(), call(XEN_DOMCTL_getdomaininfo, (domid_t)(conform_whole + 1)) ? 0 : ctl.domain));
    ROW("getdomaininfo/past-the-last", -XEN_ESRCH, call(XEN_DOMCTL_getdomaininfo, 30000));
    ROW("getdomaininfo/reserved", -XEN_EINVAL, call(XEN_DOMCTL_getdomaininfo, DOMID_XEN));

    ROW("pausedomain", 0, call(XEN_DOMCTL_pausedomain, conform_whole));
    ROW("pausedomain/nested", 0, call(XEN_DOMCTL_pausedomain, conform_whole));
    ROW("unpausedomain", 0, call(XEN_DOMCTL_unpausedomain, conform_whole));
    ROW("unpausedomain/still-paused", XEN_DOMINF_paused,
        info(conform_whole).flags & XEN_DOMINF_paused);
    ROW("unpausedomain/second", 0, call(XEN_DOMCTL_unpausedomain, conform_whole));
    ROW("pausedomain/self", -XEN_EINVAL, call(XEN_DOMCTL_pausedomain, 0));
    ROW("unpausedomain/not-paused", -XEN_EINVAL, call(XEN_DOMCTL_unpausedomain, 0));
    ROW("resumedomain/not-shut-down", 0, call(XEN_DOMCTL_resumedomain, conform_whole));
    ROW("resumedomain/self", -XEN_EINVAL, call(XEN_DOMCTL_resumedomain, 0));

    clear();
    memset(ctl.u.setdomainhandle.handle, 0x5a, 16);
    ROW("setdomainhandle", 0, call(XEN_DOMCTL_setdomainhandle, conform_empty));
    ROW("setdomainhandle/effect", 0x5a, info(conform_empty).handle[15]);
    clear();
    ctl.u.max_mem.max_memkb = 4096;
    ROW("max_mem", 0, call(XEN_DOMCTL_max_mem, conform_empty));
    ROW("max_mem/effect", 1024, info(conform_empty).max_pages);
    ctl.u.max_mem.max_memkb = 3;
    ROW("max_mem/below-a-page", 0, call(XEN_DOMCTL_max_mem, conform_empty));
    ROW("max_mem/below-a-page/effect", 0, info(conform_empty).max_pages);
    ctl.u.max_mem.max_memkb = ~0UL;
    ROW("max_mem/max", 0, call(XEN_DOMCTL_max_mem, conform_empty));
    clear();
    ctl.u.settimeoffset.time_offset_seconds = -3600;
    ROW("settimeoffset", 0, call(XEN_DOMCTL_settimeoffset, conform_empty));
    clear();
    ctl.u.subscribe.port = 5;
    ROW("subscribe", 0, call(XEN_DOMCTL_subscribe, conform_empty));
    ctl.u.subscribe.port = 0;
    ROW("subscribe/off", 0, call(XEN_DOMCTL_subscribe, conform_empty));
    clear();
    ctl.u.set_target.target = conform_whole;
    ROW("set_target", 0, call(XEN_DOMCTL_set_target, conform_empty));
    ROW("set_target/again", -XEN_EINVAL, call(XEN_DOMCTL_set_target, conform_empty));
    ctl.u.set_target.target = conform_empty;
    ROW("set_target/itself", -XEN_EINVAL, call(XEN_DOMCTL_set_target, conform_empty));
    ctl.u.set_target.target = NOBODY;
    ROW("set_target/target-nobody", -XEN_ESRCH, call(XEN_DOMCTL_set_target, conform_whole));
    clear();
    ctl.u.set_virq_handler.virq = VIRQ_TIMER;
    ROW("set_virq_handler/of-a-vcpu", -XEN_ENOSYS,
        call(XEN_DOMCTL_set_virq_handler, conform_empty));
    ctl.u.set_virq_handler.virq = 99;
    ROW("set_virq_handler/99", -XEN_ENOSYS, call(XEN_DOMCTL_set_virq_handler, conform_empty));
}

static long permission(uint32_t cmd, uint64_t first, uint64_t n, bool allow)
{
    clear();
    switch (cmd) {
    case XEN_DOMCTL_irq_permission:
        ctl.u.irq_permission.pirq = (uint32_t)first;
        ctl.u.irq_permission.allow_access = allow;
        break;
    case XEN_DOMCTL_iomem_permission:
        ctl.u.iomem_permission.first_mfn = first;
        ctl.u.iomem_permission.nr_mfns = n;
        ctl.u.iomem_permission.allow_access = allow;
        break;
    default:
        ctl.u.ioport_permission.first_port = (uint32_t)first;
        ctl.u.ioport_permission.nr_ports = (uint32_t)n;
        ctl.u.ioport_permission.allow_access = allow;
    }
    return call(cmd, conform_empty);
}

static void rights(void)
{
    const uint32_t irq = XEN_DOMCTL_irq_permission, mem = XEN_DOMCTL_iomem_permission,
                   port = XEN_DOMCTL_ioport_permission;

    ROW("ioport_permission", 0, permission(port, 0x300, 8, true));
    ROW("ioport_permission/take", 0, permission(port, 0x300, 8, false));
    ROW("ioport_permission/none", -XEN_EINVAL, permission(port, 0x300, 0, true));
    ROW("ioport_permission/console's", -XEN_EPERM, permission(port, 0x3f8, 8, true));
    ROW("ioport_permission/over-the-end", -XEN_EINVAL, permission(port, 0xffff, 2, true));
    ROW("ioport_permission/max", -XEN_EINVAL, permission(port, ~0U, ~0U, true));
    ROW("iomem_permission", 0, permission(mem, 0xa0, 32, true));
    ROW("iomem_permission/take", 0, permission(mem, 0xa0, 32, false));
    ROW("iomem_permission/wraps", -XEN_EINVAL, permission(mem, ~0UL, 2, true));
    ROW("iomem_permission/none", -XEN_EINVAL, permission(mem, 0xa0, 0, true));
    ROW("iomem_permission/local-apic", -XEN_EPERM, permission(mem, 0xfee00, 1, true));
    ROW("irq_permission", 0, permission(irq, 10, 0, true));
    ROW("irq_permission/beyond", -XEN_EINVAL, permission(irq, 100000, 0, true));
    ROW("irq_permission/max", -XEN_EINVAL, permission(irq, ~0U, 0, true));
}

static long affinity(uint32_t cmd, domid_t dom, uint32_t vcpu, uint32_t flags, uint64_t *hard,
                     uint64_t *soft)
{
    clear();
    ctl.u.vcpuaffinity.vcpu = vcpu;
    ctl.u.vcpuaffinity.flags = flags;
    ctl.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)hard;
    ctl.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    ctl.u.vcpuaffinity.cpumap_soft.bitmap.p = (uint8_t *)soft;
    ctl.u.vcpuaffinity.cpumap_soft.nr_bits = 64;
    return call(cmd, dom);
}

static long nodes(uint32_t cmd, uint64_t *map)
{
    clear();
    ctl.u.nodeaffinity.nodemap.bitmap.p = (uint8_t *)map;
    ctl.u.nodeaffinity.nodemap.nr_bits = 64;
    return call(cmd, conform_whole);
}

static long sched(uint32_t id, uint32_t cmd, uint16_t weight, uint16_t cap)
{
    clear();
    ctl.u.scheduler_op.sched_id = id;
    ctl.u.scheduler_op.cmd = cmd;
    ctl.u.scheduler_op.u.credit2.weight = weight;
    ctl.u.scheduler_op.u.credit2.cap = cap;
    return call(XEN_DOMCTL_scheduler_op, conform_whole);
}

static void scheduling(void)
{
    const uint32_t set = XEN_DOMCTL_setvcpuaffinity, get = XEN_DOMCTL_getvcpuaffinity, both = 3;
    const uint32_t credit2 = XEN_SCHEDULER_CREDIT2;
    uint64_t hard = 1, soft = 2;

    ROW("setvcpuaffinity", 0, affinity(set, conform_whole, 0, both, &hard, &soft));
    ROW("setvcpuaffinity/hard-that-holds", 1, hard);
    ROW("setvcpuaffinity/soft-that-holds", 0, soft);
    hard = soft = 0;
    ROW("getvcpuaffinity", 0, affinity(get, conform_whole, 0, both, &hard, &soft));
    ROW("getvcpuaffinity/hard", 1, hard);
    ROW("getvcpuaffinity/soft", 2, soft);
    hard = 0;
    ROW("setvcpuaffinity/hard-none", -XEN_EINVAL, affinity(set, conform_whole, 0, 1, &hard, &soft));
    hard = 1UL << 40;
    ROW("setvcpuaffinity/hard-absent-cpu", -XEN_EINVAL,
        affinity(set, conform_whole, 0, 1, &hard, &soft));
    ROW("setvcpuaffinity/no-kind", -XEN_EINVAL, affinity(set, conform_whole, 0, 0, &hard, &soft));
    ROW("setvcpuaffinity/flag-unknown", -XEN_EINVAL,
        affinity(set, conform_whole, 0, 8, &hard, &soft));
    ROW("setvcpuaffinity/hard-null", -XEN_EINVAL, affinity(set, conform_whole, 0, 1, NULL, &soft));
    ROW("setvcpuaffinity/hard-unmapped", -XEN_EFAULT,
        affinity(set, conform_whole, 0, 1, (void *)NO_ADDRESS, &soft));
    ROW("setvcpuaffinity/vcpu-beyond", -XEN_EINVAL,
        affinity(set, conform_whole, 1, 1, &hard, &soft));
    ROW("setvcpuaffinity/vcpu-max", -XEN_EINVAL,
        affinity(set, conform_whole, ~0U, 1, &hard, &soft));
    hard = ~0UL;
    ROW("setvcpuaffinity/all", 0, affinity(set, conform_whole, 0, both, &hard, &hard));
    ROW("getvcpuaffinity/no-kind", -XEN_EINVAL, affinity(get, conform_whole, 0, 0, &hard, &soft));
    ROW("getvcpuaffinity/vcpu-beyond", -XEN_EINVAL,
        affinity(get, conform_whole, 1, 1, &hard, &soft));
    ROW("getvcpuaffinity/unmapped", -XEN_EFAULT,
        affinity(get, conform_whole, 0, 1, (void *)NO_ADDRESS, &soft));
    uint64_t map = 1;
    ROW("setnodeaffinity", 0, nodes(XEN_DOMCTL_setnodeaffinity, &map));
    map = ~0UL;
    ROW("setnodeaffinity/all", 0, nodes(XEN_DOMCTL_setnodeaffinity, &map));
    map = 0;
    ROW("setnodeaffinity/none", -XEN_EINVAL, nodes(XEN_DOMCTL_setnodeaffinity, &map));
    map = 2;
    ROW("setnodeaffinity/absent", -XEN_EINVAL, nodes(XEN_DOMCTL_setnodeaffinity, &map));
    ROW("setnodeaffinity/unmapped", -XEN_EFAULT,
        nodes(XEN_DOMCTL_setnodeaffinity, (void *)NO_ADDRESS));
    ROW("getnodeaffinity", 0, nodes(XEN_DOMCTL_getnodeaffinity, &map));
    ROW("getnodeaffinity/node-0", 1, map & 1);
    ROW("getnodeaffinity/unmapped", -XEN_EFAULT,
        nodes(XEN_DOMCTL_getnodeaffinity, (void *)NO_ADDRESS));

    ROW("scheduler_op/get", 0, sched(credit2, XEN_DOMCTL_SCHEDOP_getinfo, 0, 0));
    ROW("scheduler_op/get/weight", 256, ctl.u.scheduler_op.u.credit2.weight);
    ROW("scheduler_op/get/cap", 0, ctl.u.scheduler_op.u.credit2.cap);
    ROW("scheduler_op/put", 0, sched(credit2, XEN_DOMCTL_SCHEDOP_putinfo, 512, 50));
    ROW("scheduler_op/put/weight", 512,
        (sched(credit2, XEN_DOMCTL_SCHEDOP_getinfo, 0, 0), ctl.u.scheduler_op.u.credit2.weight));
    ROW("scheduler_op/put/cap", 50, ctl.u.scheduler_op.u.credit2.cap);
    ROW("scheduler_op/put-weight-0", 0, sched(credit2, XEN_DOMCTL_SCHEDOP_putinfo, 0, 0));
    ROW("scheduler_op/put-weight-0/keeps", 512,
        (sched(credit2, XEN_DOMCTL_SCHEDOP_getinfo, 0, 0), ctl.u.scheduler_op.u.credit2.weight));
    ROW("scheduler_op/cap-beyond-its-vcpus", -XEN_EINVAL,
        sched(credit2, XEN_DOMCTL_SCHEDOP_putinfo, 0, 1000));
    ROW("scheduler_op/weight-max", 0, sched(credit2, XEN_DOMCTL_SCHEDOP_putinfo, 0xffff, 0));
    ROW("scheduler_op/other-scheduler", -XEN_EINVAL,
        sched(XEN_SCHEDULER_CREDIT, XEN_DOMCTL_SCHEDOP_getinfo, 0, 0));
    ROW("scheduler_op/command-4", -XEN_EINVAL, sched(credit2, 4, 0, 0));
    ROW("scheduler_op/putvcpuinfo", -XEN_EINVAL,
        sched(credit2, XEN_DOMCTL_SCHEDOP_putvcpuinfo, 0, 0));
    ROW("scheduler_op/getvcpuinfo", -XEN_EINVAL,
        sched(credit2, XEN_DOMCTL_SCHEDOP_getvcpuinfo, 0, 0));
}

/* What only other kinds of guests, or hosts with other devices, have. */
static void absent(void)
{
    static const struct {
        const char *name;
        uint32_t cmd;
        long rc;
    } ops[] = {{"setdebugging", XEN_DOMCTL_setdebugging, -XEN_ENOSYS},
               {"soft_reset_cont", XEN_DOMCTL_soft_reset_cont, -XEN_ENOSYS},
               {"real_mode_area", XEN_DOMCTL_real_mode_area, -XEN_ENOSYS},
               {"gethvmcontext", XEN_DOMCTL_gethvmcontext, -XEN_EOPNOTSUPP},
               {"sethvmcontext", XEN_DOMCTL_sethvmcontext, -XEN_EOPNOTSUPP},
               {"gethvmcontext_partial", XEN_DOMCTL_gethvmcontext_partial, -XEN_EOPNOTSUPP},
               {"assign_device", XEN_DOMCTL_assign_device, -XEN_EOPNOTSUPP},
               {"test_assign_device", XEN_DOMCTL_test_assign_device, -XEN_EOPNOTSUPP},
               {"deassign_device", XEN_DOMCTL_deassign_device, -XEN_EOPNOTSUPP},
               {"get_device_group", XEN_DOMCTL_get_device_group, -XEN_EOPNOTSUPP},
               {"bind_pt_irq", XEN_DOMCTL_bind_pt_irq, -XEN_EOPNOTSUPP},
               {"unbind_pt_irq", XEN_DOMCTL_unbind_pt_irq, -XEN_EOPNOTSUPP},
               {"memory_mapping", XEN_DOMCTL_memory_mapping, -XEN_EOPNOTSUPP},
               {"ioport_mapping", XEN_DOMCTL_ioport_mapping, -XEN_EOPNOTSUPP},
               {"set_opt_feature", XEN_DOMCTL_set_opt_feature, -XEN_ENOSYS},
               {"debug_op", XEN_DOMCTL_debug_op, -XEN_EOPNOTSUPP},
               {"vm_event_op", XEN_DOMCTL_vm_event_op, -XEN_EOPNOTSUPP},
               {"mem_sharing_op", XEN_DOMCTL_mem_sharing_op, -XEN_EOPNOTSUPP},
               {"set_access_required", XEN_DOMCTL_set_access_required, -XEN_ENOSYS},
               {"audit_p2m", XEN_DOMCTL_audit_p2m, -XEN_ENOSYS},
               {"set_broken_page_p2m", XEN_DOMCTL_set_broken_page_p2m, -XEN_ENOSYS},
               {"cacheflush", XEN_DOMCTL_cacheflush, -XEN_ENOSYS},
               {"psr_cmt_op", XEN_DOMCTL_psr_cmt_op, -XEN_EOPNOTSUPP},
               {"psr_alloc", XEN_DOMCTL_psr_alloc, -XEN_EOPNOTSUPP},
               {"monitor_op", XEN_DOMCTL_monitor_op, -XEN_EOPNOTSUPP},
               {"vuart_op", XEN_DOMCTL_vuart_op, -XEN_ENOSYS},
               {"vmtrace_op", XEN_DOMCTL_vmtrace_op, -XEN_EOPNOTSUPP},
               {"get_paging_mempool_size", XEN_DOMCTL_get_paging_mempool_size, -XEN_EOPNOTSUPP},
               {"set_paging_mempool_size", XEN_DOMCTL_set_paging_mempool_size, -XEN_EOPNOTSUPP},
               {"gdbsx_pausevcpu", XEN_DOMCTL_gdbsx_pausevcpu, -XEN_ENOSYS},
               {"gdbsx_unpausevcpu", XEN_DOMCTL_gdbsx_unpausevcpu, -XEN_ENOSYS},
               {"gdbsx_domstatus", XEN_DOMCTL_gdbsx_domstatus, -XEN_ENOSYS}};

    for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        clear();
        conform_row(ops[i].name, "pv", ops[i].rc, call(ops[i].cmd, conform_empty));
    }
    clear();
    ctl.u.vnuma.pad = 1;
    ROW("setvnumainfo/padding", -XEN_EOPNOTSUPP, call(XEN_DOMCTL_setvnumainfo, conform_empty));
    static const uint32_t unknown[] = {0,  6,  7,  8,  30, 31, 32, 41,  49,   51,
                                       52, 53, 58, 70, 76, 80, 87, 999, 1004, ~0U};
    for (unsigned int i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        char key[16];
        clear();
        ksnprintf(key, sizeof(key), "%d", (int)unknown[i]);
        ROW(key, -XEN_ENOSYS, call(unknown[i], conform_empty));
    }
}

/* Every operation on a domain that is not there. createdomain and getdomaininfo take other ids. */
static void nobody(void)
{
    static const struct {
        const char *name;
        uint32_t cmd;
    } ops[] = {{"destroydomain", 2},        {"pausedomain", 3},        {"unpausedomain", 4},
               {"setvcpuaffinity", 9},      {"shadow_op", 10},         {"max_mem", 11},
               {"setvcpucontext", 12},      {"getvcpucontext", 13},    {"getvcpuinfo", 14},
               {"max_vcpus", 15},           {"scheduler_op", 16},      {"setdomainhandle", 17},
               {"irq_permission", 19},      {"iomem_permission", 20},  {"ioport_permission", 21},
               {"hypercall_init", 22},      {"settimeoffset", 24},     {"getvcpuaffinity", 25},
               {"resumedomain", 27},        {"sendtrigger", 28},       {"subscribe", 29},
               {"set_address_size", 35},    {"get_address_size", 36},  {"set_ext_vcpucontext", 42},
               {"get_ext_vcpucontext", 43}, {"set_target", 46},        {"gettscinfo", 59},
               {"settscinfo", 60},          {"getpageframeinfo3", 61}, {"setvcpuextstate", 62},
               {"getvcpuextstate", 63},     {"setnodeaffinity", 68},   {"getnodeaffinity", 69},
               {"get_vcpu_msrs", 72},       {"set_vcpu_msrs", 73},     {"get_cpu_policy", 82},
               {"set_cpu_policy", 83}};

    for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        clear();
        conform_row(ops[i].name, "nobody", -XEN_ESRCH, call(ops[i].cmd, NOBODY));
        conform_row(ops[i].name, "system", -XEN_ESRCH, call(ops[i].cmd, DOMID_XEN));
        conform_row(ops[i].name, "invalid", -XEN_ESRCH, call(ops[i].cmd, DOMID_INVALID));
    }
}

void conform_domctl(void)
{
    struct domain w, d;

    conform_family("domctl");
    if (domain_make(&w, &(struct domain_config){.vcpus = 1}) != 0 ||
        domain_create_empty(&d, &(struct domain_config){.vcpus = 1}) != 0) {
        kit_panic("no domains");
    }
    conform_whole = w.id;
    conform_empty = d.id;
    clear();
    ctl.cmd = XEN_DOMCTL_getdomaininfo;
    ROW("version-0", -XEN_EACCES, HYPERCALL1(__HYPERVISOR_domctl, &ctl));
    ctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION - 1;
    ROW("version-older", -XEN_EACCES, HYPERCALL1(__HYPERVISOR_domctl, &ctl));
    ctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION + 1;
    ROW("version-newer", -XEN_EACCES, HYPERCALL1(__HYPERVISOR_domctl, &ctl));
    POINTERS("any", -XEN_EFAULT, p, HYPERCALL1(__HYPERVISOR_domctl, p));
    ctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    READONLY("getdomaininfo", -XEN_EFAULT, p, ctl, HYPERCALL1(__HYPERVISOR_domctl, p));
    creation();
    states();
    rights();
    scheduling();
    conform_domctl_vcpus(&w);
    absent();
    nobody();
    ROW("destroydomain", 0, domain_destroy(&w));
    domain_destroy(&d);
}
