/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_op: which operation, and those that only ask a number or that PV guests cannot have. */
#include "hypercalls/memory.h"
#include "mm/alloc.h"

/* current_reservation, maximum_reservation, maximum_gpfn. */
static long domain_number(unsigned int op, guest_ptr_t arg)
{
    struct xen_memory_domain md;
    long rc = 0;

    if (copy_struct_from_guest(&md, arg))
        return -EFAULT;
    struct domain *d = memory_get_domain(md.domid, &rc);
    if (!d)
        return rc;
    switch (op) {
    case XENMEM_current_reservation: rc = READ_ONCE(d->tot_pages); break;
    case XENMEM_maximum_reservation: rc = READ_ONCE(d->max_pages); break;
    default:
        if (d->shared_info) {
            /* The guest's own word: how many PFNs it has, the highest being one less. */
            uint64_t pfns = READ_ONCE(d->shared_info->arch.max_pfn);
            rc = (long)(MIN(pfns, (uint64_t)INT64_MAX) - !!pfns);
        }
    }
    memory_put(d);
    return rc;
}

/* Nothing is populated on demand for PV guests: any target that the limit allows is met. */
static long pod_target(unsigned int op, guest_ptr_t arg)
{
    struct xen_pod_target t;
    long rc = 0;

    if (copy_struct_from_guest(&t, arg))
        return -EFAULT;
    if (!current->domain->privileged)
        return -EPERM;
    struct domain *d = memory_get_domain(t.domid, &rc);
    if (!d)
        return rc;
    if (op == XENMEM_set_pod_target && t.target_pages > READ_ONCE(d->max_pages))
        rc = -EINVAL;
    t.tot_pages = READ_ONCE(d->tot_pages);
    t.pod_cache_pages = t.pod_entries = 0;
    memory_put(d);
    if (!rc && copy_struct_to_guest(arg, &t))
        rc = -EFAULT;
    return rc;
}

/* A PV guest keeps its physical map itself. */
static long add_to_physmap(guest_ptr_t arg)
{
    struct xen_add_to_physmap a;
    long rc = 0;

    if (copy_struct_from_guest(&a, arg))
        return -EFAULT;
    struct domain *d = memory_get_domain(a.domid, &rc);
    if (!d)
        return rc;
    memory_put(d);
    return d->type == DOM_PV ? -EACCES : hypercall_enosys("memory_op", XENMEM_add_to_physmap);
}

static long add_to_physmap_batch(guest_ptr_t arg)
{
    struct xen_add_to_physmap_batch a;
    long rc = 0;

    if (copy_struct_from_guest(&a, arg))
        return -EFAULT;
    struct domain *d = memory_get_domain(a.domid, &rc);
    if (!d)
        return rc;
    memory_put(d);
    return d->type == DOM_PV ? -EACCES : hypercall_enosys("memory_op", XENMEM_add_to_physmap_batch);
}

static long remove_from_physmap(guest_ptr_t arg)
{
    struct xen_remove_from_physmap a;
    long rc = 0;

    if (copy_struct_from_guest(&a, arg))
        return -EFAULT;
    struct domain *d = memory_get_domain(a.domid, &rc);
    if (!d)
        return rc;
    memory_put(d);
    return d->type == DOM_PV ? -EACCES : hypercall_enosys("memory_op", XENMEM_remove_from_physmap);
}

static long vnuma_info(guest_ptr_t arg)
{
    struct xen_vnuma_topology_info info;
    long rc = 0;

    if (copy_struct_from_guest(&info, arg))
        return -EFAULT;
    if (info.pad)
        return -EINVAL;
    struct domain *d = memory_get_domain(info.domid, &rc);
    if (!d)
        return rc;
    memory_put(d);
    return -EOPNOTSUPP; /* no domain has virtual nodes */
}

/* No device has memory reserved by the firmware as long as there is no IOMMU. */
static long reserved_device_memory(guest_ptr_t arg)
{
    struct xen_reserved_device_memory_map map;

    if (copy_struct_from_guest(&map, arg))
        return -EFAULT;
    if (map.flags & ~XENMEM_RDM_ALL)
        return -EINVAL;
    map.nr_entries = 0;
    return copy_struct_to_guest(arg, &map);
}

static __attribute__((noinline)) long other_op(unsigned int op, guest_ptr_t arg)
{
    switch (op) {
    case XENMEM_exchange: return memory_exchange(arg);
    case XENMEM_maximum_ram_page: return (long)max_mfn;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn: return domain_number(op, arg);
    case XENMEM_machphys_mfn_list: return memory_machphys_mfn_list(arg);
    case XENMEM_machphys_mapping: return memory_machphys_mapping(arg);
    case XENMEM_memory_map: return memory_get_map(arg);
    case XENMEM_set_memory_map: return memory_set_map(arg);
    case XENMEM_machine_memory_map: return memory_machine_map(arg);
    case XENMEM_claim_pages: return memory_claim(arg);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages: return 0;
    case XENMEM_set_pod_target:
    case XENMEM_get_pod_target: return pod_target(op, arg);
    case XENMEM_add_to_physmap: return add_to_physmap(arg);
    case XENMEM_add_to_physmap_batch: return add_to_physmap_batch(arg);
    case XENMEM_remove_from_physmap: return remove_from_physmap(arg);
    case XENMEM_get_vnumainfo: return vnuma_info(arg);
    case XENMEM_reserved_device_memory_map: return reserved_device_memory(arg);
    default: return hypercall_enosys("memory_op", op);
    }
}

HYPERCALL(hc_memory_op)
{
    unsigned int op = a1 & MEMOP_CMD_MASK;
    unsigned long start = a1 >> MEMOP_EXTENT_SHIFT;
    guest_ptr_t arg = guest_ptr(a2);

    if (likely(op == XENMEM_decrease_reservation || op == XENMEM_populate_physmap ||
               op == XENMEM_increase_reservation))
        return memory_reservation(op, arg, start);
    if (op == XENMEM_acquire_resource)
        return memory_acquire_resource(arg, start);
    /* Only those above go on where they stopped. */
    return start && op <= XENMEM_acquire_resource ? -EINVAL : other_op(op, arg);
}
