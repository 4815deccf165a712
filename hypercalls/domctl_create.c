/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl: making, stopping and ending domains. */
#include "hypercalls/domctl.h"
#include "domain/grant_table.h"

/* Whether this configuration is one that we can make; changes nothing. */
static long check_config(const struct xen_domctl_createdomain *c)
{
    uint32_t version = XEN_DOMCTL_GRANT_version(c->grant_opts);

    if (c->flags & ~(XEN_DOMCTL_CDF_xs_domain | XEN_DOMCTL_CDF_oos_off)) {
        if (c->flags & ~(XEN_DOMCTL_CDF_MAX | (XEN_DOMCTL_CDF_MAX - 1)))
            return -EINVAL; /* unknown */
        /* Hardware guests, IOMMU, vPMU: the host cannot, as far as we drive it. */
        return -EINVAL;
    }
    if (c->iommu_opts || c->vmtrace_size)
        return -EINVAL;
    if (c->max_vcpus < 1 || c->max_vcpus > MAX_VCPUS)
        return -EINVAL;
    if (c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask || version < 1 || version > 2)
        return -EINVAL;
    if (!grant_table_limits_ok(c->max_grant_frames, c->max_maptrack_frames))
        return -EINVAL;
    if (c->cpupool_id != 0)
        return -ESRCH;
    if (c->arch.emulation_flags)
        return c->arch.emulation_flags & ~XEN_X86_EMU_ALL ? -EINVAL : -EOPNOTSUPP;
    if (c->arch.misc_flags & ~XEN_X86_MISC_FLAGS_MAX)
        return -EINVAL;
    return 0;
}

static bool id_is_free(domid_t id)
{
    struct domain *d = domain_get_by_id(id);

    if (d)
        domain_put(d);
    return !d;
}

/* Ids go up and are used again as late as possible: tools may still hold an old one. */
static long pick_id(domid_t wanted, domid_t *id)
{
    static domid_t last; /* domctl lock */

    if (wanted > 0 && wanted < DOMID_FIRST_RESERVED) {
        *id = wanted;
        return id_is_free(wanted) ? 0 : -EEXIST;
    }
    for (unsigned int i = 1; i < DOMID_FIRST_RESERVED; i++) {
        domid_t next = (domid_t)((last + i - 1) % (DOMID_FIRST_RESERVED - 1) + 1);
        if (id_is_free(next)) {
            *id = last = next;
            return 0;
        }
    }
    return -ENOMEM;
}

long domctl_createdomain(struct domain *unused __unused, struct xen_domctl *op)
{
    long rc = check_config(&op->u.createdomain);
    struct domain *d;
    domid_t id;

    if (!rc)
        rc = pick_id(op->domain, &id);
    if (!rc)
        rc = domain_create(id, &op->u.createdomain, false, &d);
    if (!rc)
        op->domain = id;
    return rc;
}

long domctl_destroydomain(struct domain *d, struct xen_domctl *op __unused)
{
    if (d == current->domain || d == dom0)
        return -EINVAL;
    return domain_kill(d);
}

long domctl_pausedomain(struct domain *d, struct xen_domctl *op __unused)
{
    if (d == current->domain)
        return -EINVAL;
    return domain_pause_by_tools(d);
}

long domctl_unpausedomain(struct domain *d, struct xen_domctl *op __unused)
{
    return domain_unpause_by_tools(d);
}

long domctl_resumedomain(struct domain *d, struct xen_domctl *op __unused)
{
    if (d == current->domain)
        return -EINVAL;
    domain_resume(d);
    return 0;
}

/* The number is createdomain's; this call makes them. */
long domctl_max_vcpus(struct domain *d, struct xen_domctl *op)
{
    long rc = 0;

    if (d == current->domain || d->dying || op->u.max_vcpus.max != d->max_vcpus)
        return -EINVAL;
    domain_pause(d);
    for (unsigned int i = 0; i < d->max_vcpus && !rc; i++)
        if (!d->vcpu[i])
            rc = vcpu_create(d, i);
    domain_unpause(d);
    return rc;
}

long domctl_setdomainhandle(struct domain *d, struct xen_domctl *op)
{
    memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
    return 0;
}

long domctl_subscribe(struct domain *d, struct xen_domctl *op)
{
    d->suspend_evtchn = op->u.subscribe.port;
    return 0;
}

long domctl_set_target(struct domain *d, struct xen_domctl *op)
{
    struct domain *target = domain_get_by_id(op->u.set_target.target);
    long rc = 0;

    if (!target)
        return -ESRCH;
    if (target == d || target->privileged || d->target) {
        rc = -EINVAL;
    } else {
        /* First: from the next line on d may map its frames. */
        atomic_store(&target->controlled, true);
        d->target = target->generation; /* an id may be another's one day */
    }
    domain_put(target);
    return rc;
}
