/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl: the table's columns and the handlers, by file. A handler gets the caller's copy of the
 * operation, under the domctl lock; what it changes goes back to the caller if the table says so.
 */
#ifndef HYPERCALLS_DOMCTL_H
#define HYPERCALLS_DOMCTL_H
#include "hypercalls/hypercall.h"
#include "hypercalls/abi/domctl.h"

/* d: the domain that op->domain names, referenced; NULL for createdomain and getdomaininfo.
 * -ERESTART: call again with the caller's operation as it was. */
typedef long (*domctl_fn)(struct domain *d, struct xen_domctl *op);

/* domctl_create.c */
long domctl_createdomain(struct domain *d, struct xen_domctl *op);
long domctl_destroydomain(struct domain *d, struct xen_domctl *op);
long domctl_pausedomain(struct domain *d, struct xen_domctl *op);
long domctl_unpausedomain(struct domain *d, struct xen_domctl *op);
long domctl_resumedomain(struct domain *d, struct xen_domctl *op);
long domctl_max_vcpus(struct domain *d, struct xen_domctl *op);
long domctl_setdomainhandle(struct domain *d, struct xen_domctl *op);
long domctl_subscribe(struct domain *d, struct xen_domctl *op);
long domctl_set_target(struct domain *d, struct xen_domctl *op);
/* domctl_info.c */
long domctl_getdomaininfo(struct domain *d, struct xen_domctl *op);
long domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op);
void domain_info_fill(struct domain *d, struct xen_domctl_getdomaininfo *info); /* sysctl, too */
/* domctl_sched.c */
long domctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op);
long domctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op);
long domctl_setnodeaffinity(struct domain *d, struct xen_domctl *op);
long domctl_getnodeaffinity(struct domain *d, struct xen_domctl *op);
long domctl_scheduler_op(struct domain *d, struct xen_domctl *op);
int cpumask_to_guest(const struct xenctl_bitmap *map, cpumask_t mask);
/* domctl_context.c */
long domctl_setvcpucontext(struct domain *d, struct xen_domctl *op);
long domctl_getvcpucontext(struct domain *d, struct xen_domctl *op);
long domctl_set_ext_vcpucontext(struct domain *d, struct xen_domctl *op);
long domctl_get_ext_vcpucontext(struct domain *d, struct xen_domctl *op);
long domctl_setvcpuextstate(struct domain *d, struct xen_domctl *op);
long domctl_getvcpuextstate(struct domain *d, struct xen_domctl *op);
long domctl_set_vcpu_msrs(struct domain *d, struct xen_domctl *op);
long domctl_get_vcpu_msrs(struct domain *d, struct xen_domctl *op);
long domctl_sendtrigger(struct domain *d, struct xen_domctl *op);
/* domctl_memory.c */
long domctl_max_mem(struct domain *d, struct xen_domctl *op);
long domctl_irq_permission(struct domain *d, struct xen_domctl *op);
long domctl_iomem_permission(struct domain *d, struct xen_domctl *op);
long domctl_ioport_permission(struct domain *d, struct xen_domctl *op);
long domctl_hypercall_init(struct domain *d, struct xen_domctl *op);
long domctl_getpageframeinfo3(struct domain *d, struct xen_domctl *op);
long domctl_shadow_op(struct domain *d, struct xen_domctl *op);
/* domctl_cpu.c */
long domctl_settimeoffset(struct domain *d, struct xen_domctl *op);
long domctl_set_address_size(struct domain *d, struct xen_domctl *op);
long domctl_get_address_size(struct domain *d, struct xen_domctl *op);
long domctl_settscinfo(struct domain *d, struct xen_domctl *op);
long domctl_gettscinfo(struct domain *d, struct xen_domctl *op);
long domctl_get_cpu_policy(struct domain *d, struct xen_domctl *op);
long domctl_set_cpu_policy(struct domain *d, struct xen_domctl *op);
/* Copies of a policy to the caller's arrays; counts are room, then what there is. */
struct cpu_policy;
int cpu_policy_to_guest(const struct cpu_policy *p, guest_ptr_t leaves, uint32_t *nr_leaves,
                        guest_ptr_t msrs, uint32_t *nr_msrs);

/* A vCPU of d by number, NULL if there is none. */
static inline struct vcpu *domctl_vcpu(struct domain *d, uint32_t id)
{
    return id < d->max_vcpus ? d->vcpu[index_nospec(id, d->max_vcpus)] : NULL;
}

#endif
