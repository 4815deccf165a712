/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl: affinities and the scheduler's parameters. Bitmaps of the caller may have any length. */
#include "hypercalls/domctl.h"

/* The caller's bitmap, as far as we have CPUs for it. */
static int cpumask_from_guest(cpumask_t *mask, const struct xenctl_bitmap *map)
{
    uint32_t bits = MIN(map->nr_bits, (uint32_t)MAX_CPUS);
    uint8_t bytes[MAX_CPUS / 8] = {0};

    if (copy_from_guest(bytes, guest_ptr_of(map->bitmap), DIV_ROUND_UP(bits, 8u)))
        return -EFAULT;
    memcpy(&mask->bits, bytes, sizeof(mask->bits));
    if (bits < 64)
        mask->bits &= (1ull << bits) - 1;
    return 0;
}

int cpumask_to_guest(const struct xenctl_bitmap *map, cpumask_t mask)
{
    uint64_t guest_bytes = DIV_ROUND_UP((uint64_t)map->nr_bits, 8u);
    uint64_t bytes = MIN(guest_bytes, (uint64_t)sizeof(mask.bits));

    if (copy_to_guest(guest_ptr_of(map->bitmap), &mask.bits, bytes))
        return -EFAULT;
    if (guest_bytes > bytes &&
        clear_guest(guest_ptr((uint64_t)map->bitmap.p + bytes), guest_bytes - bytes))
        return -EFAULT;
    return 0;
}

static bool affinity_args_ok(const struct xen_domctl_vcpuaffinity *a)
{
    return (a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) &&
           !((a->flags & XEN_VCPUAFFINITY_HARD) && !a->cpumap_hard.bitmap.p) &&
           !((a->flags & XEN_VCPUAFFINITY_SOFT) && !a->cpumap_soft.bitmap.p);
}

/* What holds of each mask goes back into the caller's bitmaps. */
long domctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    struct vcpu *v = domctl_vcpu(d, a->vcpu);
    cpumask_t mask, old_hard;
    long rc = 0;

    if (!v)
        return a->vcpu >= d->max_vcpus ? -EINVAL : -ESRCH;
    if (!affinity_args_ok(a))
        return -EINVAL;
    if (a->flags & XEN_VCPUAFFINITY_FORCE)
        vcpu_pin_force_off(v);
    old_hard = v->hard_affinity;
    if (a->flags & XEN_VCPUAFFINITY_HARD) {
        rc = cpumask_from_guest(&mask, &a->cpumap_hard);
        if (!rc)
            rc = vcpu_set_hard_affinity(v, mask);
        if (!rc)
            rc = cpumask_to_guest(&a->cpumap_hard, cpumask_and(mask, cpu_online_map));
        if (rc)
            return rc;
    }
    if (a->flags & XEN_VCPUAFFINITY_SOFT) {
        rc = cpumask_from_guest(&mask, &a->cpumap_soft);
        if (!rc)
            rc = vcpu_set_soft_affinity(v, mask);
        if (!rc)
            rc = cpumask_to_guest(&a->cpumap_soft,
                                  cpumask_and(cpumask_and(mask, v->hard_affinity), cpu_online_map));
        /* Both or none. */
        if (rc && (a->flags & XEN_VCPUAFFINITY_HARD))
            vcpu_set_hard_affinity(v, old_hard);
    }
    return rc;
}

long domctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    struct vcpu *v = domctl_vcpu(d, a->vcpu);
    long rc = 0;

    if (!v)
        return a->vcpu >= d->max_vcpus ? -EINVAL : -ESRCH;
    if (!affinity_args_ok(a))
        return -EINVAL;
    if (a->flags & XEN_VCPUAFFINITY_HARD)
        rc = cpumask_to_guest(&a->cpumap_hard, v->hard_affinity);
    if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
        rc = cpumask_to_guest(&a->cpumap_soft, v->soft_affinity);
    return rc;
}

/* There is one node. */
long domctl_setnodeaffinity(struct domain *d __unused, struct xen_domctl *op)
{
    cpumask_t nodes;
    int rc = cpumask_from_guest(&nodes, &op->u.nodeaffinity.nodemap);

    if (rc)
        return rc;
    return cpumask_test(nodes, 0) ? 0 : -EINVAL;
}

long domctl_getnodeaffinity(struct domain *d __unused, struct xen_domctl *op)
{
    return cpumask_to_guest(&op->u.nodeaffinity.nodemap, cpumask_of(0));
}

long domctl_scheduler_op(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;
    uint16_t weight, cap;

    if (s->sched_id != XEN_SCHEDULER_CREDIT2)
        return -EINVAL;
    sched_get_params(d, &weight, &cap);
    switch (s->cmd) {
    case XEN_DOMCTL_SCHEDOP_getinfo:
        s->u.credit2.weight = weight;
        s->u.credit2.cap = cap;
        return 0;
    case XEN_DOMCTL_SCHEDOP_putinfo:
        if (s->u.credit2.cap > 100u * d->max_vcpus)
            return -EINVAL;
        /* A weight of zero means: as it is. */
        return sched_set_params(d, s->u.credit2.weight ? s->u.credit2.weight : weight,
                                s->u.credit2.cap);
    default: return -EINVAL;
    }
}
