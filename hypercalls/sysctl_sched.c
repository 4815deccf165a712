/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl: domains in lists, the scheduler, and pools of CPUs, of which there is one. */
#include "hypercalls/sysctl.h"
#include "hypercalls/domctl.h"

#define POOL0 0

long sysctl_sched_id(struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
    return 0;
}

long sysctl_getdomaininfolist(struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *g = &op->u.getdomaininfolist;
    unsigned int id = g->first_domain;
    uint32_t n = 0;
    long rc = 0;

    while (n < g->max_domains && !rc) {
        struct xen_domctl_getdomaininfo info;
        struct domain *d = domain_get_from(id);
        if (!d)
            break;
        domain_info_fill(d, &info);
        id = d->id + 1u;
        domain_put(d);
        rc = copy_elem_to_guest(guest_ptr_of(g->buffer), n++, &info, sizeof(info));
    }
    g->num_domains = n;
    return rc;
}

static uint32_t count_domains(void)
{
    struct domain *d;
    uint32_t n = 0;

    for (unsigned int id = 0; (d = domain_get_from(id)) != NULL; n++) {
        id = d->id + 1u;
        domain_put(d);
    }
    return n;
}

static long pool_info(struct xen_sysctl_cpupool_op *p)
{
    if (p->cpupool_id != POOL0)
        return -ENOENT;
    p->sched_id = XEN_SCHEDULER_CREDIT2;
    p->n_dom = count_domains();
    return cpumask_to_guest(&p->cpumap, cpu_online_map);
}

long sysctl_cpupool_op(struct xen_sysctl *op)
{
    struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;

    switch (p->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO: return pool_info(p);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO: return cpumask_to_guest(&p->cpumap, CPUMASK_NONE);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN: return p->cpupool_id == POOL0 ? 0 : -ENOENT;
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU: return -EOPNOTSUPP;
    default: return -ENOSYS;
    }
}

static long set_ratelimit(uint32_t us)
{
    if (us && (us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || us > XEN_SYSCTL_SCHED_RATELIMIT_MAX))
        return -EINVAL;
    sched_set_ratelimit(us);
    return 0;
}

long sysctl_scheduler_op(struct xen_sysctl *op)
{
    struct xen_sysctl_scheduler_op *s = &op->u.scheduler_op;

    if (s->cpupool_id != POOL0)
        return -ESRCH;
    if (s->sched_id != XEN_SCHEDULER_CREDIT2)
        return -EINVAL;
    switch (s->cmd) {
    case XEN_SYSCTL_SCHEDOP_getinfo:
        s->u.sched_credit2.ratelimit_us = sched_get_ratelimit();
        return 0;
    case XEN_SYSCTL_SCHEDOP_putinfo: return set_ratelimit(s->u.sched_credit2.ratelimit_us);
    default: return -EINVAL;
    }
}
