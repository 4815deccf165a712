/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl: the CPU model and the clock that a domain sees. */
#include "hypercalls/domctl.h"
#include "x86/cpuid_policy.h"
#include "x86/time.h"

#define TSC_MODE_NATIVE 2
#define TSC_MODE_MAX    2 /* default, always emulated, never emulated */

long domctl_settimeoffset(struct domain *d, struct xen_domctl *op)
{
    d->time_offset_seconds = op->u.settimeoffset.time_offset_seconds;
    wallclock_update(d);
    return 0;
}

long domctl_set_address_size(struct domain *d, struct xen_domctl *op)
{
    if (d->type != DOM_PV)
        return -EOPNOTSUPP;
    switch (op->u.address_size.size) {
    case 64: return 0;
    case 32: return -EOPNOTSUPP;
    default: return -EINVAL;
    }
}

long domctl_get_address_size(struct domain *d __unused, struct xen_domctl *op)
{
    op->u.address_size.size = 64;
    return 0;
}

/* The TSC is the host's in every mode; the tools' wish is remembered for saving. */
long domctl_settscinfo(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_tsc_info *t = &op->u.tsc_info;

    if (d == current->domain || t->tsc_mode > TSC_MODE_MAX)
        return -EINVAL;
    d->tsc_mode = t->tsc_mode;
    d->tsc_incarnation = t->incarnation + 1;
    return 0;
}

long domctl_gettscinfo(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_tsc_info *t = &op->u.tsc_info;

    bool native = d->tsc_mode == TSC_MODE_NATIVE; /* nothing to go on with elsewhere */

    *t = (struct xen_domctl_tsc_info){
        .tsc_mode = d->tsc_mode,
        .gtsc_khz = native ? 0 : tsc_khz,
        .incarnation = d->tsc_incarnation,
        .elapsed_nsec = native ? 0 : (uint64_t)now(),
    };
    return 0;
}

static int leaves_to_guest(const struct cpu_policy *p, guest_ptr_t leaves, uint32_t *nr)
{
    unsigned int iterator = 0;
    xen_cpuid_leaf_t leaf;
    uint32_t n = 0;

    while (cpu_policy_leaf(p, &iterator, &leaf)) {
        if (n == *nr)
            return -ENOBUFS;
        if (copy_elem_to_guest(leaves, n++, &leaf, sizeof(leaf)))
            return -EFAULT;
    }
    *nr = n;
    return 0;
}

static int msrs_to_guest(const struct cpu_policy *p, guest_ptr_t msrs, uint32_t *nr)
{
    xen_msr_entry_t msr;
    uint32_t n;

    for (n = 0; cpu_policy_msr(p, n, &msr); n++) {
        if (n == *nr)
            return -ENOBUFS;
        if (copy_elem_to_guest(msrs, n, &msr, sizeof(msr)))
            return -EFAULT;
    }
    *nr = n;
    return 0;
}

/* An array that is missing is not wanted; its count says how much there can be. */
int cpu_policy_to_guest(const struct cpu_policy *p, guest_ptr_t leaves, uint32_t *nr_leaves,
                        guest_ptr_t msrs, uint32_t *nr_msrs)
{
    int rc = 0;

    if (guest_ptr_null(leaves))
        *nr_leaves = CPU_POLICY_MAX_LEAVES;
    else
        rc = leaves_to_guest(p, leaves, nr_leaves);
    if (guest_ptr_null(msrs))
        *nr_msrs = CPU_POLICY_MAX_MSRS;
    else if (!rc)
        rc = msrs_to_guest(p, msrs, nr_msrs);
    return rc;
}

long domctl_get_cpu_policy(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_cpu_policy *c = &op->u.cpu_policy;

    return cpu_policy_to_guest(d->policy, guest_ptr_of(c->leaves), &c->nr_leaves,
                               guest_ptr_of(c->msrs), &c->nr_msrs);
}

/* The caller's leaves over the present policy; says which one is no good. */
static long read_policy(struct cpu_policy *p, struct xen_domctl_cpu_policy *c)
{
    long rc;

    if (c->nr_leaves > CPU_POLICY_MAX_LEAVES || c->nr_msrs > CPU_POLICY_MAX_MSRS)
        return -E2BIG;
    for (uint32_t i = 0; i < c->nr_leaves; i++) {
        xen_cpuid_leaf_t leaf;
        if (copy_elem_from_guest(&leaf, guest_ptr_of(c->leaves), i, sizeof(leaf)))
            return -EFAULT;
        rc = cpu_policy_set_leaf(p, &leaf);
        if (rc) {
            c->err_leaf = leaf.leaf;
            c->err_subleaf = leaf.subleaf;
            return rc;
        }
    }
    for (uint32_t i = 0; i < c->nr_msrs; i++) {
        xen_msr_entry_t msr;
        if (copy_elem_from_guest(&msr, guest_ptr_of(c->msrs), i, sizeof(msr)))
            return -EFAULT;
        rc = cpu_policy_set_msr(p, &msr);
        if (rc) {
            c->err_msr = msr.idx;
            return rc;
        }
    }
    return 0;
}

long domctl_set_cpu_policy(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_cpu_policy *c = &op->u.cpu_policy;
    struct cpu_policy *p;
    long rc;

    c->err_leaf = c->err_subleaf = c->err_msr = ~0u;
    if (d == current->domain)
        return -EINVAL;
    if ((d->max_vcpus && d->vcpu[0] && d->vcpu[0]->initialised))
        return -EEXIST; /* its kernel has looked already */
    p = hv_zalloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    *p = *d->policy;
    rc = read_policy(p, c);
    if (!rc) {
        cpu_policy_sanitise(p, d);
        *d->policy = *p;
    }
    hv_free(p);
    return rc;
}
