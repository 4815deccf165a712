/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl: the state of vCPUs, for building, saving and restoring. */
#include "hypercalls/domctl.h"
#include "pv/context.h"
#include "pv/trap.h"

long domctl_setvcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = domctl_vcpu(d, op->u.vcpucontext.vcpu);
    guest_ptr_t ctxt = guest_ptr_of(op->u.vcpucontext.ctxt);
    struct vcpu_guest_context *c;
    long rc;

    if (d == current->domain || !v || d->dying)
        return -EINVAL;
    if (guest_ptr_null(ctxt))
        return -EOPNOTSUPP; /* reset of a vCPU */
    c = hv_zalloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    rc = -EFAULT;
    if (!copy_struct_from_guest(c, ctxt)) {
        domain_pause(d);
        rc = pv_set_context(v, c);
        if (!rc) {
            if (c->flags & VGCF_online)
                atomic_and(&v->pause_flags, ~VPF_DOWN);
            else
                atomic_or(&v->pause_flags, VPF_DOWN);
            if (v->id == 0)
                d->vm_assist = c->vm_assist & PV_VM_ASSISTS;
        }
        domain_unpause(d);
    }
    hv_free(c);
    return rc;
}

long domctl_getvcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = domctl_vcpu(d, op->u.vcpucontext.vcpu);
    struct vcpu_guest_context *c;
    long rc;

    if (v == current || op->u.vcpucontext.vcpu >= d->max_vcpus)
        return -EINVAL;
    if (!v)
        return -ESRCH;
    if (!v->initialised)
        return -ENODATA;
    c = hv_zalloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    vcpu_pause(v);
    pv_get_context(v, c);
    vcpu_unpause(v);
    rc = copy_struct_to_guest(guest_ptr_of(op->u.vcpucontext.ctxt), c);
    hv_free(c);
    return rc;
}

long domctl_get_ext_vcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
    struct vcpu *v = domctl_vcpu(d, e->vcpu);
    uint32_t id = e->vcpu;

    if (!v || v == current)
        return -ESRCH;
    vcpu_pause(v);
    memset(e, 0, sizeof(*e));
    e->vcpu = id;
    e->size = sizeof(*e);
    e->syscall32_callback_eip = v->pv.syscall32_cb;
    e->syscall32_callback_cs = v->pv.syscall32_cs;
    e->syscall32_disables_events = v->pv.syscall32_masks;
    e->sysenter_callback_eip = v->pv.sysenter_cb;
    e->sysenter_callback_cs = v->pv.sysenter_cs;
    e->sysenter_disables_events = v->pv.sysenter_masks;
    vcpu_unpause(v);
    return 0;
}

long domctl_set_ext_vcpucontext(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
    struct vcpu *v = domctl_vcpu(d, e->vcpu);

    if (!v || d == current->domain)
        return v ? -EINVAL : -ESRCH;
    if (e->size < offsetof(struct xen_domctl_ext_vcpucontext, mcg_cap) ||
        !va_is_canonical(e->syscall32_callback_eip) || !va_is_canonical(e->sysenter_callback_eip))
        return -EINVAL;
    domain_pause(d);
    v->pv.syscall32_cb = e->syscall32_callback_eip;
    v->pv.syscall32_cs = (uint16_t)(e->syscall32_callback_cs | 3);
    v->pv.syscall32_masks = e->syscall32_disables_events;
    v->pv.sysenter_cb = e->sysenter_callback_eip;
    v->pv.sysenter_cs = (uint16_t)(e->sysenter_callback_cs | 3);
    v->pv.sysenter_masks = e->sysenter_disables_events;
    domain_unpause(d);
    return 0;
}

/* xcr0, xcr0 as accumulated, then the XSAVE image. */
#define EXTSTATE_HEADER (2 * sizeof(uint64_t))

long domctl_getvcpuextstate(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuextstate *e = &op->u.vcpuextstate;
    struct vcpu *v = domctl_vcpu(d, e->vcpu);
    guest_ptr_t buf = guest_ptr_of(e->buffer);
    uint64_t header[2], mask = pv_extstate_mask();
    long rc = 0;

    if (e->vcpu >= d->max_vcpus || !v || v == current)
        return v ? -EINVAL : -ESRCH;
    if (!mask) {
        e->size = 0;
        return 0;
    }
    if (e->size == 0 && e->xfeature_mask == 0) {
        e->xfeature_mask = mask;
        e->size = EXTSTATE_HEADER + xsave_size;
        return 0;
    }
    if (e->size != EXTSTATE_HEADER + xsave_size || e->xfeature_mask != mask)
        return -EINVAL;
    vcpu_pause(v);
    header[0] = header[1] = v->pv.xcr0;
    if (copy_to_guest(buf, header, sizeof(header)) ||
        copy_to_guest(guest_ptr(buf.va + sizeof(header)), v->xsave, xsave_size))
        rc = -EFAULT;
    vcpu_unpause(v);
    return rc;
}

long domctl_setvcpuextstate(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpuextstate *e = &op->u.vcpuextstate;
    struct vcpu *v = domctl_vcpu(d, e->vcpu);
    guest_ptr_t buf = guest_ptr_of(e->buffer);
    uint64_t header[2];
    void *image;
    long rc;

    if (d == current->domain || !v)
        return v ? -EINVAL : -ESRCH;
    if (e->size < EXTSTATE_HEADER || e->size > EXTSTATE_HEADER + xsave_size)
        return -EINVAL;
    if (copy_struct_from_guest(&header, buf))
        return -EFAULT;
    /* The image zero-extended to our size: what is missing is in its initial state. */
    image = hv_alloc_aligned(xsave_size, 64);
    if (!image)
        return -ENOMEM;
    memset(image, 0, xsave_size);
    if (copy_from_guest(image, guest_ptr(buf.va + EXTSTATE_HEADER), e->size - EXTSTATE_HEADER)) {
        rc = -EFAULT;
    } else {
        domain_pause(d);
        rc = pv_set_extstate(v, header[0], image, e->size - EXTSTATE_HEADER);
        domain_unpause(d);
    }
    hv_free(image);
    return rc;
}

/* A PV guest has no MSRs of its own that its context does not hold. */
long domctl_get_vcpu_msrs(struct domain *d, struct xen_domctl *op)
{
    if (!domctl_vcpu(d, op->u.vcpu_msrs.vcpu))
        return -ESRCH;
    op->u.vcpu_msrs.msr_count = 0;
    return 0;
}

long domctl_set_vcpu_msrs(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpu_msrs *m = &op->u.vcpu_msrs;

    if (!domctl_vcpu(d, m->vcpu))
        return -ESRCH;
    if (guest_ptr_null(guest_ptr_of(m->msrs)) || !m->msr_count) {
        m->msr_count = 0;
        return 0;
    }
    m->msr_count = 0; /* the first one already is none that we know */
    return -EINVAL;
}

long domctl_sendtrigger(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = domctl_vcpu(d, op->u.sendtrigger.vcpu);

    if (!v)
        return -ESRCH;
    switch (op->u.sendtrigger.trigger) {
    case XEN_DOMCTL_SENDTRIGGER_NMI: pv_send_nmi(v); return 0;
    /* Buttons, which only hardware guests have. */
    case XEN_DOMCTL_SENDTRIGGER_POWER:
    case XEN_DOMCTL_SENDTRIGGER_SLEEP: return -EINVAL;
    default: return -ENOSYS;
    }
}
