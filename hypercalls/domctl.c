/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl(op): the toolstack's operations on domains. One table; the handlers are in domctl_*.c. */
#include "hypercalls/domctl.h"

/* Columns */
#define NO_DOMAIN 1u /* op->domain does not name an existing domain, or the handler looks it up */
#define ANSWER    2u /* the operation has OUT fields; also written on errors that have them set */

#define OP(name, flags)                           \
    {                                             \
        XEN_DOMCTL_##name, (flags), domctl_##name \
    }
static const struct domctl {
    uint16_t cmd;
    uint8_t flags;
    domctl_fn fn;
} table[] = {
    OP(createdomain, NO_DOMAIN | ANSWER),
    OP(destroydomain, 0),
    OP(pausedomain, 0),
    OP(unpausedomain, 0),
    OP(getdomaininfo, NO_DOMAIN | ANSWER),
    OP(setvcpuaffinity, 0),
    OP(shadow_op, ANSWER),
    OP(max_mem, 0),
    OP(setvcpucontext, 0),
    OP(getvcpucontext, 0),
    OP(getvcpuinfo, ANSWER),
    OP(max_vcpus, 0),
    OP(scheduler_op, ANSWER),
    OP(setdomainhandle, 0),
    OP(irq_permission, 0),
    OP(iomem_permission, 0),
    OP(ioport_permission, 0),
    OP(hypercall_init, 0),
    OP(settimeoffset, 0),
    OP(getvcpuaffinity, 0),
    OP(resumedomain, 0),
    OP(sendtrigger, 0),
    OP(subscribe, 0),
    OP(set_address_size, 0),
    OP(get_address_size, ANSWER),
    OP(set_ext_vcpucontext, 0),
    OP(get_ext_vcpucontext, ANSWER),
    OP(set_target, 0),
    OP(gettscinfo, ANSWER),
    OP(settscinfo, 0),
    OP(getpageframeinfo3, ANSWER),
    OP(setvcpuextstate, 0),
    OP(getvcpuextstate, ANSWER),
    OP(setnodeaffinity, 0),
    OP(getnodeaffinity, 0),
    OP(get_vcpu_msrs, ANSWER),
    OP(set_vcpu_msrs, ANSWER),
    OP(get_cpu_policy, ANSWER),
    OP(set_cpu_policy, ANSWER),
};

/* Operations of hardware guests and of hosts with an IOMMU: the tools ask, and take no for an answer. */
static const uint16_t unsupported[] = {
    XEN_DOMCTL_gethvmcontext,
    XEN_DOMCTL_sethvmcontext,
    XEN_DOMCTL_assign_device,
    XEN_DOMCTL_test_assign_device,
    XEN_DOMCTL_deassign_device,
    XEN_DOMCTL_get_device_group,
    XEN_DOMCTL_bind_pt_irq,
    XEN_DOMCTL_unbind_pt_irq,
    XEN_DOMCTL_memory_mapping,
    XEN_DOMCTL_ioport_mapping,
    XEN_DOMCTL_debug_op,
    XEN_DOMCTL_gethvmcontext_partial,
    XEN_DOMCTL_vm_event_op,
    XEN_DOMCTL_mem_sharing_op,
    XEN_DOMCTL_setvnumainfo,
    XEN_DOMCTL_psr_cmt_op,
    XEN_DOMCTL_monitor_op,
    XEN_DOMCTL_psr_alloc,
    XEN_DOMCTL_soft_reset,
    XEN_DOMCTL_vmtrace_op,
    XEN_DOMCTL_get_paging_mempool_size,
    XEN_DOMCTL_set_paging_mempool_size,
};

static struct spinlock domctl_lock = SPINLOCK_INIT(LOCK_DOMCTL);

static const struct domctl *find(uint32_t cmd)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(table); i++)
        if (table[i].cmd == cmd)
            return &table[i];
    return NULL;
}

static long missing(uint32_t cmd)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(unsupported); i++)
        if (unsupported[i] == cmd)
            return -EOPNOTSUPP;
    return hypercall_enosys("domctl", cmd);
}

HYPERCALL(hc_domctl)
{
    guest_ptr_t arg = guest_ptr(a1);
    const struct domctl *entry;
    struct domain *d = NULL;
    struct xen_domctl op;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -EACCES;
    entry = find(op.cmd);
    if (!entry)
        return missing(op.cmd);
    if (!(entry->flags & NO_DOMAIN)) {
        d = domain_get_by_id(op.domain == DOMID_SELF ? current->domain->id : op.domain);
        if (!d)
            return -ESRCH;
    }
    /* Not waited for: the holder may wait for this very vCPU to leave its CPU. */
    if (!spin_trylock(&domctl_lock)) {
        rc = -ERESTART;
    } else {
        rc = entry->fn(d, &op);
        spin_unlock(&domctl_lock);
    }
    if (d)
        domain_put(d);
    if (rc == -ERESTART)
        return hypercall_continuation(__HYPERVISOR_domctl, 1, arg.va);
    if ((entry->flags & ANSWER) && copy_struct_to_guest(arg, &op))
        return -EFAULT;
    return rc;
}
