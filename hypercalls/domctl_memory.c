/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl: memory and rights. */
#include "hypercalls/domctl.h"
#include "mm/frame.h"

/* Frames that one getpageframeinfo3 may name. */
#define MAX_PAGEINFO 1024u

long domctl_max_mem(struct domain *d, struct xen_domctl *op)
{
    uint64_t pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

    spin_lock(&d->mem_lock);
    d->max_pages = (uint32_t)MIN(pages, (uint64_t)UINT32_MAX);
    spin_unlock(&d->mem_lock);
    return 0;
}

/* The caller can give, or take, only what it has itself. */
static long permission(struct rangeset *mine, struct rangeset *theirs, uint64_t first,
                       uint64_t last, bool allow)
{
    if (!rangeset_contains(mine, first, last))
        return -EPERM;
    return allow ? rangeset_add(theirs, first, last) : rangeset_remove(theirs, first, last);
}

long domctl_irq_permission(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_irq_permission *p = &op->u.irq_permission;

    if (p->pirq >= current->domain->nr_pirqs)
        return -EINVAL;
    return permission(&current->domain->irq_caps, &d->irq_caps, p->pirq, p->pirq, p->allow_access);
}

long domctl_iomem_permission(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_iomem_permission *p = &op->u.iomem_permission;

    if (!p->nr_mfns || p->first_mfn + p->nr_mfns - 1 < p->first_mfn)
        return -EINVAL;
    return permission(&current->domain->iomem_caps, &d->iomem_caps, p->first_mfn,
                      p->first_mfn + p->nr_mfns - 1, p->allow_access);
}

long domctl_ioport_permission(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_ioport_permission *p = &op->u.ioport_permission;

    if (!p->nr_ports || p->first_port > 0xffff || p->nr_ports > 0x10000 ||
        p->first_port + p->nr_ports > 0x10000)
        return -EINVAL;
    return permission(&current->domain->ioport_caps, &d->ioport_caps, p->first_port,
                      p->first_port + p->nr_ports - 1, p->allow_access);
}

long domctl_hypercall_init(struct domain *d, struct xen_domctl *op)
{
    uint64_t gmfn = op->u.hypercall_init.gmfn;
    struct frame *f;

    f = mfn_get(mfn_make(gmfn), d);
    if (!f)
        return -EINVAL;
    if (!frame_get_writable(f, d)) {
        frame_put(f);
        return -EPERM;
    }
    pv_hypercall_page(frame_to_virt(f));
    frame_put_writable(f);
    frame_put(f);
    return 0;
}

/* The type of a frame, as who saves the domain must restore it. */
static xen_pfn_t frame_kind(struct domain *d, uint64_t gfn)
{
    static const uint32_t kinds[] = {
        [FRAME_L1] = XEN_DOMCTL_PFINFO_L1TAB,
        [FRAME_L2] = XEN_DOMCTL_PFINFO_L2TAB,
        [FRAME_L3] = XEN_DOMCTL_PFINFO_L3TAB,
        [FRAME_L4] = XEN_DOMCTL_PFINFO_L4TAB,
    };
    struct frame *f = mfn_get(mfn_make(gfn), d);
    uint64_t info, type;
    xen_pfn_t kind = XEN_DOMCTL_PFINFO_NOTAB;

    if (!f)
        return XEN_DOMCTL_PFINFO_XTAB;
    info = READ_ONCE(f->info);
    type = (info & FI_TYPE) >> FI_TYPE_SHIFT;
    if ((info & FI_TCOUNT) && type < ARRAY_SIZE(kinds))
        kind = kinds[type];
    if (kind && (info & FI_PINNED))
        kind |= XEN_DOMCTL_PFINFO_LPINTAB;
    frame_put(f);
    return kind;
}

long domctl_getpageframeinfo3(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getpageframeinfo3 *p = &op->u.getpageframeinfo3;
    guest_ptr_t array = guest_ptr_of(p->array);

    if (p->num > MAX_PAGEINFO)
        return -E2BIG;
    for (uint32_t i = 0; i < p->num; i++) {
        xen_pfn_t gfn;
        if (copy_elem_from_guest(&gfn, array, i, sizeof(gfn)))
            return -EFAULT;
        gfn = frame_kind(d, gfn);
        if (copy_elem_to_guest(array, i, &gfn, sizeof(gfn)))
            return -EFAULT;
    }
    return 0;
}

/* There is nothing to shadow: a PV guest's tables are used as they are. */
long domctl_shadow_op(struct domain *d __unused, struct xen_domctl *op)
{
    struct xen_domctl_shadow_op *s = &op->u.shadow_op;

    switch (s->op) {
    case XEN_DOMCTL_SHADOW_OP_OFF:
    case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION: return 0;
    case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION: s->mb = 0; return 0;
    case XEN_DOMCTL_SHADOW_OP_ENABLE:
    case XEN_DOMCTL_SHADOW_OP_ENABLE_TEST:
    case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
    case XEN_DOMCTL_SHADOW_OP_CLEAN:
    case XEN_DOMCTL_SHADOW_OP_PEEK: return -EOPNOTSUPP;
    default: return -EINVAL;
    }
}
