/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl: what the tools list. */
#include "hypercalls/domctl.h"
#include "mm/frame.h"

void domain_info_fill(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    struct vcpu *v;
    uint32_t flags = XEN_DOMINF_blocked; /* until a vCPU is found that is not */

    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    info->gpaddr_bits = 48;
    memcpy(info->handle, d->handle, sizeof(info->handle));
    for_each_vcpu(d, v)
    {
        info->cpu_time += (uint64_t)vcpu_cpu_time(v);
        info->max_vcpu_id = v->id;
        if (READ_ONCE(v->pause_flags) & VPF_DOWN)
            continue;
        info->nr_online_vcpus++;
        if (!(READ_ONCE(v->pause_flags) & (VPF_BLOCKED | VPF_POLL)))
            flags &= ~XEN_DOMINF_blocked;
        if (READ_ONCE(v->is_running))
            flags |= XEN_DOMINF_running;
    }
    /* "Dying" means dead but for what others hold of it: then it stays listed. */
    if (d->dying == DOMAIN_DEAD)
        flags |= XEN_DOMINF_dying;
    if (READ_ONCE(d->is_shut_down))
        flags |= XEN_DOMINF_shutdown;
    if (READ_ONCE(d->tools_pause_count))
        flags |= XEN_DOMINF_paused;
    if (d->type == DOM_HVM)
        flags |= XEN_DOMINF_hvm_guest;
    if (d->options & XEN_DOMCTL_CDF_xs_domain)
        flags |= XEN_DOMINF_xs_domain;
    if (d->shutdown_code != SHUTDOWN_CODE_NONE)
        flags |= (uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift;
    info->flags = flags;
    info->tot_pages = d->tot_pages;
    info->max_pages = d->max_pages;
    info->outstanding_pages = d->claimed_pages;
    info->shared_info_frame = mfn_x(virt_to_mfn(d->shared_info));
    info->cpupool = d->sched.pool;
}

/* Of the first domain with this id or a higher one. */
long domctl_getdomaininfo(struct domain *unused __unused, struct xen_domctl *op)
{
    struct domain *d;

    if (op->domain >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    d = domain_get_from(op->domain);
    if (!d)
        return -ESRCH;
    domain_info_fill(d, &op->u.getdomaininfo);
    op->domain = d->id;
    domain_put(d);
    return 0;
}

long domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
    struct vcpu *v = domctl_vcpu(d, info->vcpu);
    uint32_t flags;

    if (info->vcpu >= d->max_vcpus)
        return -EINVAL;
    if (!v)
        return -ESRCH;
    flags = READ_ONCE(v->pause_flags);
    info->online = !(flags & VPF_DOWN);
    info->blocked = !!(flags & (VPF_BLOCKED | VPF_POLL));
    info->running = READ_ONCE(v->is_running);
    info->cpu_time = (uint64_t)vcpu_cpu_time(v);
    info->cpu = READ_ONCE(v->processor);
    return 0;
}
