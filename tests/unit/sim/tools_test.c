/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl, sysctl and CPU policies: as the tools call them, with bad arguments, and with noise. */
#include "sim.h"
#include "hypercalls/abi/physdev.h"
#include "hypercalls/abi/sysctl.h"
#include "x86/cpuid_policy.h"

static struct xen_domctl op;
static struct xen_sysctl sys;

static long domctl(uint32_t cmd, domid_t domain)
{
    op.cmd = cmd;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = domain;
    return hc_domctl((unsigned long)&op, 0, 0, 0, 0);
}
static long sysctl(uint32_t cmd)
{
    sys.cmd = cmd;
    sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return hc_sysctl((unsigned long)&sys, 0, 0, 0, 0);
}
static domid_t create(unsigned int vcpus)
{
    memset(&op, 0, sizeof(op));
    op.u.createdomain = (struct xen_domctl_createdomain){.max_vcpus = vcpus,
                                                         .max_evtchn_port = 1023,
                                                         .max_grant_frames = 4,
                                                         .max_maptrack_frames = 4,
                                                         .grant_opts = 1};
    EXPECT_EQ(domctl(XEN_DOMCTL_createdomain, 0), 0);
    domid_t id = op.domain;
    op.u.max_vcpus.max = vcpus;
    EXPECT_EQ(domctl(XEN_DOMCTL_max_vcpus, id), 0);
    return id;
}
static struct domain *domain(domid_t id)
{
    struct domain *d = domain_get_by_id(id);
    EXPECT(d);
    domain_put(d);
    return d;
}

/* ---- domctl ---- */

static void version_and_names(void)
{
    sim_start(1);
    EXPECT_EQ(hc_domctl((unsigned long)SIM_BAD, 0, 0, 0, 0), -EFAULT);
    op.interface_version = 0x14;
    EXPECT_EQ(hc_domctl((unsigned long)&op, 0, 0, 0, 0), -EACCES);
    EXPECT_EQ(domctl(999, 0), -ENOSYS);
    EXPECT_EQ(domctl(XEN_DOMCTL_gethvmcontext, 0), -EOPNOTSUPP);
    EXPECT_EQ(domctl(XEN_DOMCTL_pausedomain, 55), -ESRCH);
    EXPECT_EQ(domctl(XEN_DOMCTL_pausedomain, DOMID_IO), -ESRCH);
    EXPECT_EQ(domctl(XEN_DOMCTL_pausedomain, 0), -EINVAL);
    EXPECT_EQ(domctl(XEN_DOMCTL_destroydomain, 0), -EINVAL);
    EXPECT_EQ(hc_sysctl((unsigned long)SIM_BAD, 0, 0, 0, 0), -EFAULT);
    EXPECT_EQ(hc_sysctl((unsigned long)&sys, 0, 0, 0, 0), -EACCES);
    EXPECT_EQ(sysctl(999), -ENOSYS);
}

static void configurations(void)
{
    struct xen_domctl_createdomain good = {.max_vcpus = 1, .max_grant_frames = 1, .grant_opts = 1},
                                   c;
    sim_start(1);
#define REFUSED(field, value, error)                          \
    do {                                                      \
        c = good;                                             \
        c.field = value;                                      \
        op.u.createdomain = c;                                \
        EXPECT_EQ(domctl(XEN_DOMCTL_createdomain, 0), error); \
    } while (0)
    REFUSED(flags, XEN_DOMCTL_CDF_hvm, -EINVAL);
    REFUSED(flags, 0x80000000, -EINVAL);
    REFUSED(iommu_opts, 1, -EINVAL);
    REFUSED(max_vcpus, 0, -EINVAL);
    REFUSED(max_vcpus, 129, -EINVAL);
    REFUSED(max_vcpus, ~0u, -EINVAL);
    REFUSED(grant_opts, 0, -EINVAL);
    REFUSED(grant_opts, 0x11, -EINVAL);
    REFUSED(vmtrace_size, 4096, -EINVAL);
    REFUSED(cpupool_id, 1, -ESRCH);
    REFUSED(max_grant_frames, 0, -EINVAL);
    REFUSED(max_grant_frames, 4097, -EINVAL);
    REFUSED(max_maptrack_frames, 65537, -EINVAL);
    REFUSED(arch.emulation_flags, 1, -EOPNOTSUPP);
    REFUSED(arch.emulation_flags, 1u << 31, -EINVAL);
    REFUSED(arch.misc_flags, 2, -EINVAL);
    op.u.createdomain = good;
    EXPECT_EQ(domctl(XEN_DOMCTL_createdomain, 7), 0);
    EXPECT_EQ(op.domain, 7);
    EXPECT_EQ(domctl(XEN_DOMCTL_createdomain, 7), -EEXIST);
    /* Ids go up, past what is taken. */
    EXPECT_EQ(create(1), 1);
    EXPECT_EQ(create(1), 2);
    EXPECT_EQ(domctl(XEN_DOMCTL_destroydomain, 2), 0);
    sim_settle();
    EXPECT_EQ(create(1), 3);
    op.u.max_vcpus.max = 2;
    EXPECT_EQ(domctl(XEN_DOMCTL_max_vcpus, 3), -EINVAL);
}

static void a_life(void)
{
    sim_start(2);
    domid_t id = create(2);
    struct xen_domctl_getdomaininfo *info = &op.u.getdomaininfo;
    EXPECT_EQ(domctl(XEN_DOMCTL_getdomaininfo, 1), 0);
    EXPECT_EQ(op.domain, id);
    EXPECT(info->flags & XEN_DOMINF_paused && !(info->flags & XEN_DOMINF_dying));
    EXPECT_EQ(info->max_vcpu_id, 1);
    EXPECT_EQ(info->nr_online_vcpus, 0);
    op.u.max_mem.max_memkb = 4096;
    EXPECT_EQ(domctl(XEN_DOMCTL_max_mem, id), 0);
    EXPECT_EQ(domain(id)->max_pages, 1024);
    for (unsigned int i = 0; i < 16; i++)
        op.u.setdomainhandle.handle[i] = (uint8_t)i;
    EXPECT_EQ(domctl(XEN_DOMCTL_setdomainhandle, id), 0);
    EXPECT_EQ(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
    EXPECT_EQ(info->handle[5], 5);
    /* vCPU 0's start state, online. */
    struct vcpu_guest_context *ctx = calloc(1, sizeof(*ctx));
    ctx->flags = VGCF_online;
    op.u.vcpucontext.vcpu = 0;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, ctx);
    EXPECT_EQ(domctl(XEN_DOMCTL_setvcpucontext, 0), -EINVAL);
    EXPECT_EQ(domctl(XEN_DOMCTL_setvcpucontext, id), 0);
    op.u.vcpucontext.vcpu = 2;
    EXPECT_EQ(domctl(XEN_DOMCTL_setvcpucontext, id), -EINVAL);
    EXPECT_EQ(domctl(XEN_DOMCTL_getvcpucontext, id), -EINVAL);
    op.u.vcpucontext.vcpu = 1;
    EXPECT_EQ(domctl(XEN_DOMCTL_getvcpucontext, id), -ENODATA);
    op.u.vcpucontext.vcpu = 0;
    EXPECT_EQ(domctl(XEN_DOMCTL_getvcpucontext, id), 0);
    EXPECT(ctx->flags & VGCF_online);
    free(ctx);
    sim_set_load(domain(id)->vcpu[0], 0, 0);
    EXPECT_EQ(domctl(XEN_DOMCTL_unpausedomain, id), 0);
    sim_run(10 * SIM_MS);
    sim_as(dom0->vcpu[0]);
    op.u.getvcpuinfo.vcpu = 0;
    EXPECT_EQ(domctl(XEN_DOMCTL_getvcpuinfo, id), 0);
    EXPECT(op.u.getvcpuinfo.online && op.u.getvcpuinfo.running && !op.u.getvcpuinfo.blocked);
    EXPECT_EQ(op.u.getvcpuinfo.cpu_time, 10 * SIM_MS);
    op.u.getvcpuinfo.vcpu = 2;
    EXPECT_EQ(domctl(XEN_DOMCTL_getvcpuinfo, id), -EINVAL);
    domain_shutdown(domain(id), 0);
    sim_settle();
    EXPECT_EQ(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
    EXPECT(info->flags & XEN_DOMINF_shutdown);
    /* Re-entered until it is done. */
    sim_preempt_every = 2;
    long rc;
    while ((rc = domctl(XEN_DOMCTL_destroydomain, id)) == -ERESTART)
        ;
    EXPECT_EQ(rc, 0);
    sim_settle();
    EXPECT_EQ(domctl(XEN_DOMCTL_destroydomain, id), -ESRCH);
    EXPECT_EQ(domctl(XEN_DOMCTL_getdomaininfo, id), -ESRCH);
}

static void affinities(void)
{
    uint8_t hard[16], soft[16];
    sim_start(4);
    domid_t id = create(1);
    struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;
    memset(&op, 0, sizeof(op));
    memset(hard, 0xff, sizeof(hard));
    memset(soft, 0, sizeof(soft));
    soft[0] = 0x3c;
    set_xen_guest_handle(a->cpumap_hard.bitmap, hard);
    set_xen_guest_handle(a->cpumap_soft.bitmap, soft);
    a->cpumap_hard.nr_bits = a->cpumap_soft.nr_bits = 128;
    EXPECT_EQ(domctl(XEN_DOMCTL_setvcpuaffinity, id), -EINVAL);
    a->flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    hard[0] = 0xf6;
    EXPECT_EQ(domctl(XEN_DOMCTL_setvcpuaffinity, id), 0);
    EXPECT_EQ(hard[0], 0x06); /* what holds: with the CPUs that are there */
    EXPECT_EQ(soft[0], 0x04);
    EXPECT(!hard[8] && !hard[15]);
    EXPECT_EQ(domctl(XEN_DOMCTL_getvcpuaffinity, id), 0);
    EXPECT_EQ(hard[0], 0xf6);
    memset(hard, 0, sizeof(hard));
    hard[1] = 1;
    EXPECT_EQ(domctl(XEN_DOMCTL_setvcpuaffinity, id), -EINVAL);
    a->vcpu = 1;
    EXPECT_EQ(domctl(XEN_DOMCTL_setvcpuaffinity, id), -EINVAL);
    a->vcpu = 0;
    set_xen_guest_handle(a->cpumap_hard.bitmap, SIM_BAD);
    EXPECT_EQ(domctl(XEN_DOMCTL_setvcpuaffinity, id), -EFAULT);
    /* A short bitmap of the caller's is not overrun. */
    uint8_t tiny[2] = {0x0e, 0x77};
    set_xen_guest_handle(a->cpumap_hard.bitmap, tiny);
    a->cpumap_hard.nr_bits = 8;
    a->flags = XEN_VCPUAFFINITY_HARD;
    EXPECT_EQ(domctl(XEN_DOMCTL_setvcpuaffinity, id), 0);
    EXPECT_EQ(domctl(XEN_DOMCTL_getvcpuaffinity, id), 0);
    EXPECT(tiny[0] == 0x0e && tiny[1] == 0x77);
}

static void scheduling(void)
{
    sim_start(1);
    domid_t id = create(1);
    struct xen_domctl_scheduler_op *s = &op.u.scheduler_op;
    *s = (struct xen_domctl_scheduler_op){.sched_id = XEN_SCHEDULER_CREDIT};
    EXPECT_EQ(domctl(XEN_DOMCTL_scheduler_op, id), -EINVAL);
    s->sched_id = XEN_SCHEDULER_CREDIT2;
    s->cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    s->u.credit2.weight = 512;
    s->u.credit2.cap = 40;
    EXPECT_EQ(domctl(XEN_DOMCTL_scheduler_op, id), 0);
    s->u.credit2.weight = 0; /* as it is */
    EXPECT_EQ(domctl(XEN_DOMCTL_scheduler_op, id), 0);
    s->u.credit2.cap = 101; /* more than its vCPU can use */
    EXPECT_EQ(domctl(XEN_DOMCTL_scheduler_op, id), -EINVAL);
    s->cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    EXPECT_EQ(domctl(XEN_DOMCTL_scheduler_op, id), 0);
    EXPECT_EQ(s->u.credit2.weight, 512);
    EXPECT_EQ(s->u.credit2.cap, 40);
    s->cmd = 9;
    EXPECT_EQ(domctl(XEN_DOMCTL_scheduler_op, id), -EINVAL);
}

static void permissions(void)
{
    sim_start(1);
    domid_t id = create(1);
    rangeset_add(&dom0->ioport_caps, 0x300, 0x3ff);
    op.u.ioport_permission = (struct xen_domctl_ioport_permission){0x3f8, 8, 1};
    EXPECT_EQ(domctl(XEN_DOMCTL_ioport_permission, id), 0);
    EXPECT(rangeset_contains(&domain(id)->ioport_caps, 0x3f8, 0x3ff));
    op.u.ioport_permission.nr_ports = 9;
    EXPECT_EQ(domctl(XEN_DOMCTL_ioport_permission, id), -EPERM);
    op.u.ioport_permission.nr_ports = 0;
    EXPECT_EQ(domctl(XEN_DOMCTL_ioport_permission, id), -EINVAL);
    op.u.ioport_permission = (struct xen_domctl_ioport_permission){0xffff, 2, 1};
    EXPECT_EQ(domctl(XEN_DOMCTL_ioport_permission, id), -EINVAL);
    op.u.ioport_permission = (struct xen_domctl_ioport_permission){~0u, ~0u, 1};
    EXPECT_EQ(domctl(XEN_DOMCTL_ioport_permission, id), -EINVAL);
    op.u.iomem_permission = (struct xen_domctl_iomem_permission){2, ~0ull, 1};
    EXPECT_EQ(domctl(XEN_DOMCTL_iomem_permission, id), -EINVAL);
    op.u.iomem_permission = (struct xen_domctl_iomem_permission){0xfe000, 1, 1};
    EXPECT_EQ(domctl(XEN_DOMCTL_iomem_permission, id), -EPERM);
    op.u.irq_permission = (struct xen_domctl_irq_permission){.pirq = 5, .allow_access = 1};
    EXPECT_EQ(domctl(XEN_DOMCTL_irq_permission, id), 0);
    op.u.irq_permission.pirq = 64;
    EXPECT_EQ(domctl(XEN_DOMCTL_irq_permission, id), -EINVAL);
}

static void page_types(void)
{
    xen_pfn_t list[4];
    sim_start(1);
    domid_t id = create(1);
    struct frame *f = sim_frame(domain(id)), *g = sim_frame(domain(id));
    g->info |= FI_TYPE_OF(FRAME_L4) | FI_TYPE_ONE | FI_PINNED;
    list[0] = mfn_x(frame_to_mfn(f));
    list[1] = mfn_x(frame_to_mfn(g));
    list[2] = 3;
    list[3] = ~0ul;
    set_xen_guest_handle(op.u.getpageframeinfo3.array, list);
    op.u.getpageframeinfo3.num = 4;
    EXPECT_EQ(domctl(XEN_DOMCTL_getpageframeinfo3, id), 0);
    EXPECT_EQ(list[0], XEN_DOMCTL_PFINFO_NOTAB);
    EXPECT_EQ(list[1], XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB);
    EXPECT_EQ(list[2], XEN_DOMCTL_PFINFO_XTAB);
    EXPECT_EQ(list[3], XEN_DOMCTL_PFINFO_XTAB);
    op.u.getpageframeinfo3.num = 1025;
    EXPECT_EQ(domctl(XEN_DOMCTL_getpageframeinfo3, id), -E2BIG);
    EXPECT_EQ(sim_frame_refs(f) + sim_frame_refs(g), 0);
}

/* ---- sysctl ---- */

static void host_questions(void)
{
    struct xen_sysctl_cputopo topo[8];
    struct xen_sysctl_meminfo mem;
    struct xen_domctl_getdomaininfo list[8];
    uint32_t words[32], distance;
    uint8_t map[8];
    char text[32] = "";
    sim_start(4);
    create(1);
    create(1);
    EXPECT_EQ(sysctl(XEN_SYSCTL_physinfo), 0);
    EXPECT_EQ(sys.u.physinfo.nr_cpus, 4);
    EXPECT(sys.u.physinfo.capabilities & XEN_SYSCTL_PHYSCAP_pv && sys.u.physinfo.hw_cap[0] & 2);
    memset(&sys, 0, sizeof(sys));
    EXPECT_EQ(sysctl(XEN_SYSCTL_cputopoinfo), 0);
    EXPECT_EQ(sys.u.cputopoinfo.num_cpus, 4);
    set_xen_guest_handle(sys.u.cputopoinfo.cputopo, topo);
    sys.u.cputopoinfo.num_cpus = 8;
    EXPECT_EQ(sysctl(XEN_SYSCTL_cputopoinfo), 0);
    EXPECT_EQ(sys.u.cputopoinfo.num_cpus, 4);
    EXPECT_EQ(topo[3].socket, 0);
    memset(&sys, 0, sizeof(sys));
    EXPECT_EQ(sysctl(XEN_SYSCTL_numainfo), 0);
    EXPECT_EQ(sys.u.numainfo.num_nodes, 1);
    set_xen_guest_handle(sys.u.numainfo.meminfo, &mem);
    set_xen_guest_handle(sys.u.numainfo.distance, &distance);
    EXPECT_EQ(sysctl(XEN_SYSCTL_numainfo), 0);
    EXPECT(distance == 10 && mem.memsize == SIM_FRAMES * PAGE_SIZE);
    memset(&sys, 0, sizeof(sys));
    set_xen_guest_handle(sys.u.getdomaininfolist.buffer, list);
    sys.u.getdomaininfolist.max_domains = 2;
    EXPECT_EQ(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
    EXPECT_EQ(sys.u.getdomaininfolist.num_domains, 2);
    EXPECT(list[0].domain == 0 && list[1].domain == 1);
    sys.u.getdomaininfolist.first_domain = 2;
    sys.u.getdomaininfolist.max_domains = 8;
    EXPECT_EQ(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
    EXPECT_EQ(sys.u.getdomaininfolist.num_domains, 1);
    memset(&sys, 0, sizeof(sys));
    sys.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    set_xen_guest_handle(sys.u.cpupool_op.cpumap.bitmap, map);
    sys.u.cpupool_op.cpumap.nr_bits = 64;
    EXPECT_EQ(sysctl(XEN_SYSCTL_cpupool_op), 0);
    EXPECT(map[0] == 0xf && sys.u.cpupool_op.n_dom == 3);
    sys.u.cpupool_op.cpupool_id = 1;
    EXPECT_EQ(sysctl(XEN_SYSCTL_cpupool_op), -ENOENT);
    memset(&sys, 0, sizeof(sys));
    set_xen_guest_handle(sys.u.readconsole.buffer, text);
    sys.u.readconsole.count = 5;
    EXPECT_EQ(sysctl(XEN_SYSCTL_readconsole), 0);
    EXPECT(sys.u.readconsole.count == 5 && !strcmp(text, "hello"));
    sys.u.readconsole.count = ~0u;
    EXPECT_EQ(sysctl(XEN_SYSCTL_readconsole), 0);
    memset(&sys, 0, sizeof(sys));
    EXPECT_EQ(sysctl(XEN_SYSCTL_get_cpu_featureset), 0);
    EXPECT_EQ(sys.u.cpu_featureset.nr_features, CPU_FEATURESET_WORDS);
    set_xen_guest_handle(sys.u.cpu_featureset.features, words);
    sys.u.cpu_featureset.nr_features = 4;
    EXPECT_EQ(sysctl(XEN_SYSCTL_get_cpu_featureset), -ENOBUFS);
    sys.u.cpu_featureset.nr_features = 32;
    sys.u.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_hvm;
    EXPECT_EQ(sysctl(XEN_SYSCTL_get_cpu_featureset), -EOPNOTSUPP);
    sys.u.cpu_featureset.index = 6;
    EXPECT_EQ(sysctl(XEN_SYSCTL_get_cpu_featureset), -EINVAL);
}

/* ---- CPU policies ---- */

static xen_cpuid_leaf_t leaves[CPU_POLICY_MAX_LEAVES];
static xen_msr_entry_t msrs[CPU_POLICY_MAX_MSRS];

static uint32_t system_policy(uint32_t index)
{
    memset(&sys, 0, sizeof(sys));
    sys.u.cpu_policy.index = index;
    sys.u.cpu_policy.nr_leaves = ARRAY_SIZE(leaves);
    sys.u.cpu_policy.nr_msrs = ARRAY_SIZE(msrs);
    set_xen_guest_handle(sys.u.cpu_policy.leaves, leaves);
    set_xen_guest_handle(sys.u.cpu_policy.msrs, msrs);
    EXPECT_EQ(sysctl(XEN_SYSCTL_get_cpu_policy), 0);
    return sys.u.cpu_policy.nr_leaves;
}

/* Which node a device belongs to: what is a device, and what is none. */
static void device_nodes(void)
{
    struct physdev_pci_device devs[3] = {
        {.devfn = 2 << 3}, {.bus = 1, .devfn = 2 << 3}, {.seg = 7}};
    uint32_t nodes[3] = {0, 0, 0};
    sim_start(1);
    memset(&sys, 0, sizeof(sys));
    sys.u.pcitopoinfo.num_devs = 3;
    EXPECT_EQ(sysctl(XEN_SYSCTL_pcitopoinfo), -EINVAL);
    set_xen_guest_handle(sys.u.pcitopoinfo.devs, devs);
    EXPECT_EQ(sysctl(XEN_SYSCTL_pcitopoinfo), -EINVAL);
    set_xen_guest_handle(sys.u.pcitopoinfo.nodes, nodes);
    EXPECT_EQ(sysctl(XEN_SYSCTL_pcitopoinfo), 0);
    EXPECT_EQ(sys.u.pcitopoinfo.num_devs, 3);
    EXPECT_EQ(nodes[0], XEN_INVALID_NODE_ID);
    EXPECT(nodes[1] == XEN_INVALID_DEV && nodes[2] == XEN_INVALID_DEV);
    sys.u.pcitopoinfo.num_devs = 0;
    EXPECT_EQ(sysctl(XEN_SYSCTL_pcitopoinfo), 0);
    EXPECT_EQ(sys.u.pcitopoinfo.num_devs, 0);
    sys.u.pcitopoinfo.num_devs = 1;
    set_xen_guest_handle(sys.u.pcitopoinfo.nodes, SIM_BAD);
    EXPECT_EQ(sysctl(XEN_SYSCTL_pcitopoinfo), -EFAULT);
}

/* Triggers: NMIs only; a PV guest has no buttons. */
static void triggers(void)
{
    sim_start(1);
    domid_t id = create(1);
    memset(&op, 0, sizeof(op));
    op.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_NMI;
    EXPECT_EQ(domctl(XEN_DOMCTL_sendtrigger, id), 0);
    op.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_POWER;
    EXPECT_EQ(domctl(XEN_DOMCTL_sendtrigger, id), -EINVAL);
    op.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_RESET;
    EXPECT_EQ(domctl(XEN_DOMCTL_sendtrigger, id), -ENOSYS);
    op.u.sendtrigger.vcpu = 1;
    EXPECT_EQ(domctl(XEN_DOMCTL_sendtrigger, id), -ESRCH);
}

/* What of the first leaf a PV guest always gets, where the processor has it. */
static void policy_features(void)
{
    sim_start(1);
    const struct cpu_policy *raw = cpu_policy_system(CPU_POLICY_RAW);
    const struct cpu_policy *pv = cpu_policy_system(CPU_POLICY_PV_DEFAULT);
    uint32_t checks = 1u << 7 | 1u << 14 | 1u << 22; /* MCE MCA ACPI */
    EXPECT_EQ(pv->basic[1].d & checks, raw->basic[1].d & checks);
    EXPECT_EQ(pv->basic[1].d & (1u << 3 | 1u << 12), 0); /* PSE MTRR */
    EXPECT_EQ(pv->ext[8].a >> 8 & 0xff, 48);             /* bits of an address */
}

static void policy_round_trip(void)
{
    sim_start(1);
    domid_t id = create(1);
    memset(&sys, 0, sizeof(sys));
    EXPECT_EQ(sysctl(XEN_SYSCTL_get_cpu_policy), 0);
    EXPECT_EQ(sys.u.cpu_policy.nr_leaves, CPU_POLICY_MAX_LEAVES);
    sys.u.cpu_policy.index = XEN_SYSCTL_cpu_policy_hvm_max;
    EXPECT_EQ(sysctl(XEN_SYSCTL_get_cpu_policy), -EOPNOTSUPP);
    uint32_t n = system_policy(XEN_SYSCTL_cpu_policy_pv_default);
    struct cpu_policy before = *domain(id)->policy;
    struct xen_domctl_cpu_policy *c = &op.u.cpu_policy;
    memset(&op, 0, sizeof(op));
    c->nr_leaves = n;
    c->nr_msrs = sys.u.cpu_policy.nr_msrs;
    set_xen_guest_handle(c->leaves, leaves);
    set_xen_guest_handle(c->msrs, msrs);
    EXPECT_EQ(domctl(XEN_DOMCTL_set_cpu_policy, id), 0);
    EXPECT(!memcmp(&before, domain(id)->policy, sizeof(before)));
    /* Too small, and leaves that do not exist. */
    c->nr_leaves = 3;
    EXPECT_EQ(domctl(XEN_DOMCTL_get_cpu_policy, id), -ENOBUFS);
    c->nr_leaves = 100000;
    EXPECT_EQ(domctl(XEN_DOMCTL_set_cpu_policy, id), -E2BIG);
    leaves[0] = (xen_cpuid_leaf_t){.leaf = 0x12345, .subleaf = XEN_CPUID_NO_SUBLEAF};
    c->nr_leaves = 1;
    c->nr_msrs = 0;
    EXPECT_EQ(domctl(XEN_DOMCTL_set_cpu_policy, id), -ERANGE);
    EXPECT_EQ(c->err_leaf, 0x12345);
    leaves[0] = (xen_cpuid_leaf_t){.leaf = 7, .subleaf = 77};
    EXPECT_EQ(domctl(XEN_DOMCTL_set_cpu_policy, id), -ERANGE);
    EXPECT_EQ(c->err_subleaf, 77);
}

/* Whatever the tools ask for, a guest gets no feature beyond the maximum, and a sane leaf 0xd. */
static void policy_is_bounded(void)
{
    uint32_t max[CPU_FEATURESET_WORDS], got[CPU_FEATURESET_WORDS];
    sim_start(1);
    domid_t id = create(1);
    cpu_policy_featureset(cpu_policy_system(CPU_POLICY_PV_MAX), max);
    EXPECT(max[1] & 1u << 31);
    EXPECT(!(max[1] & 1u << 5) && !(max[3] & 1u << 2)); /* no VMX, no SVM */
    for (unsigned int round = 0; round < 200; round++) {
        uint32_t n = system_policy(XEN_SYSCTL_cpu_policy_pv_default);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t *regs = &leaves[i].a;
            for (int r = 0; r < 4; r++)
                if (round)
                    regs[r] ^= sim_random(1u << 31) & (sim_random(2) ? ~0u : 0);
                else
                    regs[r] = ~0u;
        }
        memset(&op, 0, sizeof(op));
        op.u.cpu_policy.nr_leaves = n;
        set_xen_guest_handle(op.u.cpu_policy.leaves, leaves);
        EXPECT_EQ(domctl(XEN_DOMCTL_set_cpu_policy, id), 0);
        cpu_policy_featureset(domain(id)->policy, got);
        for (unsigned int w = 0; w < CPU_FEATURESET_WORDS; w++)
            EXPECT_EQ(got[w] & ~max[w], 0);
        struct cpuid_regs r;
        struct vcpu *v = domain(id)->vcpu[0];
        v->pv.xcr0 = 1;
        cpuid_guest(v, 0xd, 0, &r);
        EXPECT(r.c <= cpuid_count(0xd, 0).c && !(r.a & ~0xe7u));
        for (unsigned int i = 0; i < 300; i++)
            cpuid_guest(v, sim_random(2) ? sim_random(40) : 0x80000000 + sim_random(64),
                        sim_random(70), &r);
        cpuid_guest(v, 0x40000000, 0, &r);
        EXPECT_EQ(r.b, 0x566e6558);
        cpuid_guest(v, 0x40000001, 0, &r);
        EXPECT_EQ(r.a, 4u << 16 | 17);
    }
}

/* ---- noise: each operation with random contents. The machine must stand. ---- */

static void noise(void)
{
    static uint8_t buffer[1 << 16];
    sim_start(2);
    for (unsigned int i = 0; i < 3; i++)
        create(2);
    for (unsigned int step = 0; step < 60000; step++) {
        uint64_t *w = (uint64_t *)&op.u;
        for (unsigned int i = 0; i < sizeof(op.u) / 8; i++) {
            switch (sim_random(6)) {
            case 0: w[i] = sim_random(4); break;
            case 1: w[i] = (uint64_t)buffer; break;
            case 2: w[i] = ~0ull >> sim_random(64); break;
            case 3: w[i] = (uint64_t)SIM_BAD; break;
            case 4: w[i] = (uint64_t)sim_random(300) << 32 | sim_random(300); break;
            default: break;
            }
        }
        memcpy(&sys.u, &op.u, sizeof(sys.u));
        /* Bit counts that would walk over our buffer are the caller's problem, not tested here. */
        op.u.vcpuaffinity.cpumap_hard.nr_bits %= 1024;
        if (sim_random(3)) {
            uint32_t cmd = 1 + sim_random(90);
            if (cmd == XEN_DOMCTL_setvcpuaffinity || cmd == XEN_DOMCTL_getvcpuaffinity ||
                cmd == XEN_DOMCTL_getnodeaffinity || cmd == XEN_DOMCTL_setnodeaffinity) {
                set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, buffer);
                set_xen_guest_handle(op.u.vcpuaffinity.cpumap_soft.bitmap, buffer);
                op.u.vcpuaffinity.cpumap_soft.nr_bits %= 1024;
                if (cmd >= XEN_DOMCTL_setnodeaffinity) {
                    set_xen_guest_handle(op.u.nodeaffinity.nodemap.bitmap, buffer);
                    op.u.nodeaffinity.nodemap.nr_bits %= 1024;
                }
            } else if (cmd != XEN_DOMCTL_getdomaininfo && cmd != XEN_DOMCTL_createdomain &&
                       cmd != XEN_DOMCTL_scheduler_op) {
                /* Operations with one handle: make it good or bad, nothing between. */
                for (unsigned int i = 0; i < sizeof(op.u) / 8; i++)
                    if (w[i] > 0x10000 && w[i] != (uint64_t)buffer)
                        w[i] = (uint64_t)SIM_BAD;
            }
            domctl(cmd, (domid_t)sim_random(8));
        } else {
            uint32_t cmd = 1 + sim_random(30);
            uint64_t *s = (uint64_t *)&sys.u;
            for (unsigned int i = 0; i < sizeof(sys.u) / 8; i++)
                if (s[i] > 0x10000 && s[i] != (uint64_t)buffer)
                    s[i] = (uint64_t)SIM_BAD;
            if (cmd == XEN_SYSCTL_cpupool_op) {
                set_xen_guest_handle(sys.u.cpupool_op.cpumap.bitmap, buffer);
                sys.u.cpupool_op.cpumap.nr_bits %= 1024;
            } else if (cmd == XEN_SYSCTL_pcitopoinfo) {
                sys.u.pcitopoinfo.num_devs %= 8192;
            }
            sysctl(cmd);
        }
        sim_settle();
    }
}

static const struct sim_test tests[] = {
    {"tools/version_and_names", version_and_names},
    {"tools/configurations", configurations},
    {"tools/a_life", a_life},
    {"tools/affinities", affinities},
    {"tools/scheduling", scheduling},
    {"tools/permissions", permissions},
    {"tools/page_types", page_types},
    {"tools/host_questions", host_questions},
    {"tools/device_nodes", device_nodes},
    {"tools/triggers", triggers},
    {"tools/policy_features", policy_features},
    {"tools/policy_round_trip", policy_round_trip},
    {"tools/policy_is_bounded", policy_is_bounded},
    {"tools/noise", noise},
};

int main(int argc, char **argv)
{
    return sim_main(tests, ARRAY_SIZE(tests), argc, argv);
}
