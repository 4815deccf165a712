/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl: the host's CPUs, memory and console. */
#include "hypercalls/sysctl.h"
#include "hypercalls/abi/physdev.h"
#include "hypercalls/domctl.h"
#include "console/console.h"
#include "mm/alloc.h"
#include "x86/cpuid_policy.h"
#include "x86/pci.h"
#include "x86/smp.h"
#include "x86/time.h"

#define MAX_CONSOLE_READ 65536u
#define MAX_DEBUG_KEYS   64u
#define NODE_DISTANCE    10 /* to itself */

static unsigned int nr_cpu_ids(void)
{
    return 64 - (unsigned int)__builtin_clzll(cpu_online_map.bits | 1);
}

long sysctl_readconsole(struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *r = &op->u.readconsole;
    uint32_t room = MIN(r->count, MAX_CONSOLE_READ);
    char *buf = hv_zalloc(MAX(room, 1u));
    long rc;

    if (!buf)
        return -ENOMEM;
    r->count = (uint32_t)console_ring_read(buf, room, &r->index, r->clear, r->incremental);
    rc = copy_to_guest(guest_ptr_of(r->buffer), buf, r->count);
    hv_free(buf);
    return rc;
}

long sysctl_debug_keys(struct xen_sysctl *op)
{
    guest_ptr_t keys = guest_ptr_of(op->u.debug_keys.keys);

    for (uint32_t i = 0; i < MIN(op->u.debug_keys.nr_keys, MAX_DEBUG_KEYS); i++) {
        char key;
        if (copy_elem_from_guest(&key, keys, i, sizeof(key)))
            return -EFAULT;
        debug_key_handle(key);
    }
    return 0;
}

/* Logical CPUs that share what in CPUID leaf 0xb level type says; 1 if unknown. */
static uint32_t threads_per_core(void)
{
    const struct cpuid_regs *topo = cpu_policy_system(CPU_POLICY_HOST)->topo;
    uint32_t n = topo[0].b & 0xffff;

    return ((topo[0].c >> 8) & 0xff) == 1 && n ? MIN(n, cpumask_weight(cpu_online_map)) : 1;
}

long sysctl_physinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_physinfo *p = &op->u.physinfo;
    uint32_t words[CPU_FEATURESET_WORDS];

    memset(p, 0, sizeof(*p));
    p->nr_cpus = cpumask_weight(cpu_online_map);
    p->max_cpu_id = nr_cpus_present - 1;
    p->threads_per_core = threads_per_core();
    p->cores_per_socket = MAX(p->nr_cpus / p->threads_per_core, 1u);
    p->nr_nodes = 1;
    p->cpu_khz = tsc_khz;
    p->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    p->total_pages = host_ram_pages;
    p->free_pages = frames_free_count();
    p->outstanding_pages = frames_claimed_count();
    p->max_mfn = max_mfn - 1;
    cpu_policy_featureset(cpu_policy_system(CPU_POLICY_HOST), words);
    memcpy(p->hw_cap, words, sizeof(p->hw_cap));
    /* Every CPU model that libvirt knows has VME, which not every emulated CPU says. */
    p->hw_cap[0] |= 1u << 1;
    return 0;
}

long sysctl_getcpuinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_getcpuinfo *g = &op->u.getcpuinfo;
    uint32_t n = MIN(g->max_cpus, nr_cpu_ids());

    for (uint32_t i = 0; i < n; i++) {
        struct xen_sysctl_cpuinfo info = {.idletime = (uint64_t)cpu_idle_time(i)};
        if (copy_elem_to_guest(guest_ptr_of(g->info), i, &info, sizeof(info)))
            return -EFAULT;
    }
    g->nr_cpus = n;
    return 0;
}

/* Address limits are not told apart. */
long sysctl_availheap(struct xen_sysctl *op)
{
    struct xen_sysctl_availheap *a = &op->u.availheap;

    a->avail_bytes = a->node <= 0 ? frames_free_count() << PAGE_SHIFT : 0;
    return 0;
}

long sysctl_cputopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
    guest_ptr_t array = guest_ptr_of(t->cputopo);
    uint32_t n = nr_cpu_ids(), threads = threads_per_core();

    if (guest_ptr_null(array)) {
        t->num_cpus = n;
        return 0;
    }
    n = MIN(t->num_cpus, n);
    for (uint32_t i = 0; i < n; i++) {
        bool online = cpumask_test(cpu_online_map, i);
        struct xen_sysctl_cputopo topo = {
            .core = online ? i / threads : XEN_INVALID_CORE_ID,
            .socket = online ? 0 : XEN_INVALID_SOCKET_ID,
            .node = online ? 0 : XEN_INVALID_NODE_ID,
        };
        if (copy_elem_to_guest(array, i, &topo, sizeof(topo)))
            return -EFAULT;
    }
    t->num_cpus = n;
    return 0;
}

long sysctl_numainfo(struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *n = &op->u.numainfo;
    guest_ptr_t mem = guest_ptr_of(n->meminfo), distance = guest_ptr_of(n->distance);
    struct xen_sysctl_meminfo info = {
        .memsize = frames_total_count() << PAGE_SHIFT,
        .memfree = frames_free_count() << PAGE_SHIFT,
    };
    uint32_t d = NODE_DISTANCE;

    if (guest_ptr_null(mem) && guest_ptr_null(distance)) {
        n->num_nodes = 1;
        return 0;
    }
    n->num_nodes = MIN(n->num_nodes, 1u);
    if (!n->num_nodes)
        return 0;
    if (!guest_ptr_null(mem) && copy_struct_to_guest(mem, &info))
        return -EFAULT;
    if (!guest_ptr_null(distance) && copy_struct_to_guest(distance, &d))
        return -EFAULT;
    return 0;
}

/*
 * The node of each device that the tools name: none is known here, but what is no device says so. Ends
 * early when others wait; num_devs then says how far it came, and the tools ask for the rest.
 */
long sysctl_pcitopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_pcitopoinfo *p = &op->u.pcitopoinfo;
    guest_ptr_t devs = guest_ptr_of(p->devs), nodes = guest_ptr_of(p->nodes);
    uint32_t n = p->num_devs, i;

    if (guest_ptr_null(devs) || guest_ptr_null(nodes))
        return -EINVAL;
    for (i = 0; i < n && (i == 0 || !preempt_check()); i++) {
        struct physdev_pci_device dev;
        if (copy_elem_from_guest(&dev, devs, i, sizeof(dev)))
            return -EFAULT;
        struct pci_address at = {dev.seg, dev.bus, dev.devfn};
        spin_lock(&pci_lock);
        uint32_t node = pci_device_find(at) ? XEN_INVALID_NODE_ID : XEN_INVALID_DEV;
        spin_unlock(&pci_lock);
        if (copy_elem_to_guest(nodes, i, &node, sizeof(node)))
            return -EFAULT;
    }
    p->num_devs = i;
    return 0;
}

/* CPUID of guests cannot be changed by machine registers. */
long sysctl_get_cpu_levelling_caps(struct xen_sysctl *op)
{
    op->u.cpu_levelling_caps.caps = 0;
    return 0;
}

long sysctl_get_cpu_featureset(struct xen_sysctl *op)
{
    static const enum cpu_policy_kind kinds[] = {
        [XEN_SYSCTL_cpu_featureset_raw] = CPU_POLICY_RAW,
        [XEN_SYSCTL_cpu_featureset_host] = CPU_POLICY_HOST,
        [XEN_SYSCTL_cpu_featureset_pv] = CPU_POLICY_PV_DEFAULT,
        [XEN_SYSCTL_cpu_featureset_hvm] = CPU_POLICY_HVM_DEFAULT,
        [XEN_SYSCTL_cpu_featureset_pv_max] = CPU_POLICY_PV_MAX,
        [XEN_SYSCTL_cpu_featureset_hvm_max] = CPU_POLICY_HVM_MAX,
    };
    struct xen_sysctl_cpu_featureset *f = &op->u.cpu_featureset;
    guest_ptr_t array = guest_ptr_of(f->features);
    uint32_t words[CPU_FEATURESET_WORDS], room = f->nr_features;
    const struct cpu_policy *p;

    if (f->index >= ARRAY_SIZE(kinds))
        return -EINVAL;
    if (guest_ptr_null(array)) {
        f->nr_features = CPU_FEATURESET_WORDS;
        return 0;
    }
    p = cpu_policy_system(kinds[index_nospec(f->index, ARRAY_SIZE(kinds))]);
    if (!p)
        return -EOPNOTSUPP;
    cpu_policy_featureset(p, words);
    f->nr_features = MIN(room, (uint32_t)CPU_FEATURESET_WORDS);
    if (copy_to_guest(array, words, f->nr_features * sizeof(words[0])))
        return -EFAULT;
    return room < CPU_FEATURESET_WORDS ? -ENOBUFS : 0;
}

long sysctl_get_cpu_policy(struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_policy *c = &op->u.cpu_policy;
    const struct cpu_policy *p;

    if (c->_rsvd || c->index >= NR_CPU_POLICIES)
        return -EINVAL;
    /* The system's kinds are numbered as in the ABI. */
    p = cpu_policy_system((unsigned int)index_nospec(c->index, NR_CPU_POLICIES));
    if (!p)
        return -EOPNOTSUPP;
    return cpu_policy_to_guest(p, guest_ptr_of(c->leaves), &c->nr_leaves, guest_ptr_of(c->msrs),
                               &c->nr_msrs);
}
