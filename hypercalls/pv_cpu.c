/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual CPU of a PV guest: trap table, stacks, callbacks, segments, debug registers. */
#include "hypercalls/hypercall.h"
#include "hypercalls/abi/callback.h"
#include "hypercalls/abi/nmi.h"
#include "hypercalls/abi/pmu.h"
#include "mm/alloc.h"
#include "pv/descriptors.h"
#include "pv/trap.h"
#include "x86/cpu_setup.h"
#include "x86/switch.h"

HYPERCALL(hc_set_trap_table)
{
    guest_ptr_t list = guest_ptr(a1);
    struct vcpu *v = current;
    struct trap_info t;

    if (guest_ptr_null(list)) {
        memset(v->pv.traps, 0, 256 * sizeof(*v->pv.traps));
        return 0;
    }
    /* Ends with an address of zero; longer than a table of all vectors makes no sense. */
    for (unsigned int i = 0; i < 257; i++) {
        if (unlikely(copy_struct_from_guest(&t, list)))
            return -EFAULT;
        if (!t.address)
            break;
        if (!va_is_canonical(t.address))
            return -EINVAL;
        pv_set_trap(v, t.vector, &t);
        list.va += sizeof(t);
    }
    return 0;
}

HYPERCALL(hc_set_gdt)
{
    unsigned int ents = (unsigned int)a2, n = DIV_ROUND_UP(ents, 512);
    uint64_t mfns[PV_GDT_PAGES];

    if (ents > FIRST_RESERVED_GDT_ENTRY)
        return -EINVAL;
    if (n && copy_from_guest(mfns, guest_ptr(a1), n * sizeof(mfns[0])))
        return -EFAULT;
    return pv_set_gdt(current, mfns, ents);
}

HYPERCALL(hc_stack_switch)
{
    struct vcpu *v = current;

    v->pv.kernel_ss = a1;
    v->pv.kernel_sp = a2;
    return 0;
}

HYPERCALL(hc_fpu_taskswitch)
{
    struct vcpu *v = current;

    v->pv.ctrl_cr0_ts = a1 != 0;
    if (a1)
        write_cr0(read_cr0() | CR0_TS);
    else
        clts();
    return 0;
}

/* The register of this number; 4 and 5 are 6 and 7 unless CR4.DE is set. Or -ENODEV. */
static int debugreg_number(const struct vcpu *v, unsigned long nr)
{
    if (nr > 7 || ((nr == 4 || nr == 5) && (v->pv.ctrl_cr4 & CR4_DE)))
        return -ENODEV;
    if (nr == 4 || nr == 5)
        nr += 2;
    return (int)index_nospec(nr, 8);
}

/* Which of DR0-DR7 may hold what (Intel SDM vol. 3 ch. 17.2). */
static int debugreg_fix(int reg, uint64_t *value)
{
    switch (reg) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (!va_is_canonical(*value) || (*value >= HV_VIRT_START && *value < HV_VIRT_END))
            return -EPERM; /* no breakpoints in the hypervisor */
        return 0;
    case 6: *value = (*value & 0xe00f) | 0xffff0ff0; return 0;
    case 7:
        if (*value >> 32)
            return -EINVAL;
        if (*value & (1u << 13))
            return -EPERM; /* general detect */
        *value = (*value & 0xffff23ff) | 0x400;
        for (unsigned int i = 0; i < 4; i++)
            if ((*value >> (2 * i) & 3) && (*value >> (16 + 4 * i) & 3) == 2)
                return -EPERM; /* I/O breakpoints */
        return 0;
    default: return -EINVAL;
    }
}

HYPERCALL(hc_set_debugreg)
{
    struct vcpu *v = current;
    uint64_t value = a2;
    int reg = debugreg_number(v, a1), rc = reg < 0 ? reg : debugreg_fix(reg, &value);

    if (rc)
        return rc;
    v->pv.debugreg[reg] = value;
    if (reg == 7 || (v->pv.debugreg[7] & 0xff))
        pv_load_debugregs(v);
    return 0;
}

HYPERCALL(hc_get_debugreg)
{
    int reg = debugreg_number(current, a1);

    return reg < 0 ? reg : (long)current->pv.debugreg[reg];
}

HYPERCALL(hc_update_descriptor)
{
    struct domain *d = current->domain;
    uint64_t desc = a2;
    long rc = -EINVAL;

    if ((a1 & 7) || !descriptor_valid(&desc))
        return -EINVAL;
    struct frame *f = mfn_get(mfn_make(a1 >> PAGE_SHIFT), d);
    if (!f)
        return -EINVAL;
    uint64_t *slot = (uint64_t *)frame_to_virt(f) + (a1 & ~PAGE_MASK) / 8;
    spin_lock(&d->pt_lock);
    uint64_t x = READ_ONCE(f->info);
    if ((x & FI_VALIDATED) && (x & FI_TYPE) == FI_TYPE_OF(FRAME_SEG) && (x & FI_TCOUNT)) {
        WRITE_ONCE(*slot, desc);
        rc = 0;
    } else if (frame_get_writable(f, d)) {
        WRITE_ONCE(*slot, desc);
        frame_put_writable(f);
        rc = 0;
    }
    spin_unlock(&d->pt_lock);
    frame_put(f);
    return rc;
}

int load_seg_gs(uint16_t sel);

/* Load the selector as user mode would see it: its base becomes the user's GS base. */
static __attribute__((noinline)) long set_gs_user_selector(struct vcpu *v, uint16_t selector)
{
    uint64_t kernel = pv_get_base(v, SEGBASE_GS_KERNEL);

    /* What cannot be loaded is as none: no error, as in Xen. */
    if (load_seg_gs(selector))
        load_seg_gs(0);
    uint64_t user = rdmsr(MSR_GS_BASE);
    pv_set_base(v, SEGBASE_GS_KERNEL, kernel);
    pv_set_base(v, SEGBASE_GS_USER, user);
    return 0;
}

HYPERCALL(hc_set_segment_base)
{
    switch (a1) {
    case SEGBASE_FS:
    case SEGBASE_GS_USER:
    case SEGBASE_GS_KERNEL:
        if (unlikely(!va_is_canonical(a2)))
            return -EINVAL;
        pv_set_base(current, (unsigned int)a1, a2);
        return 0;
    case SEGBASE_GS_USER_SEL: return set_gs_user_selector(current, (uint16_t)a2);
    default: return -EINVAL;
    }
}

static long callback_register(struct vcpu *v, const struct callback_register *r)
{
    bool mask = r->flags & CALLBACKF_mask_events;

    if (!va_is_canonical(r->address))
        return -EINVAL;
    switch (r->type) {
    case CALLBACKTYPE_event: v->pv.event_cb = r->address; return 0;
    case CALLBACKTYPE_failsafe:
        v->pv.failsafe_cb = r->address;
        v->pv.failsafe_masks = mask;
        return 0;
    case CALLBACKTYPE_syscall:
        v->pv.syscall_cb = r->address;
        v->pv.syscall_masks = mask;
        return 0;
    case CALLBACKTYPE_syscall32:
        v->pv.syscall32_cb = r->address;
        v->pv.syscall32_masks = mask;
        return 0;
    case CALLBACKTYPE_sysenter:
        v->pv.sysenter_cb = r->address;
        v->pv.sysenter_masks = mask;
        return 0;
    case CALLBACKTYPE_nmi: return pv_set_nmi_handler(v, r->address);
    default: return hypercall_enosys("callback_op type", r->type);
    }
}

/* The others a kernel cannot be without. */
static long callback_unregister(struct vcpu *v, unsigned int type)
{
    switch (type) {
    case CALLBACKTYPE_nmi: return pv_set_nmi_handler(v, 0);
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_syscall32:
    case CALLBACKTYPE_sysenter: return -EINVAL;
    default: return hypercall_enosys("callback_op type", type);
    }
}

HYPERCALL(hc_callback_op)
{
    struct vcpu *v = current;
    struct callback_register r;

    switch (a1) {
    case CALLBACKOP_register:
        if (copy_struct_from_guest(&r, guest_ptr(a2)))
            return -EFAULT;
        return callback_register(v, &r);
    case CALLBACKOP_unregister: {
        struct callback_unregister u;
        if (copy_struct_from_guest(&u, guest_ptr(a2)))
            return -EFAULT;
        return callback_unregister(v, u.type);
    }
    default: return hypercall_enosys("callback_op", a1);
    }
}

/* The first form of callback_op: three at once, none of which masks events. */
HYPERCALL(hc_set_callbacks)
{
    struct vcpu *v = current;

    if (!va_is_canonical(a1) || !va_is_canonical(a2) || !va_is_canonical(a3))
        return -EINVAL;
    v->pv.event_cb = a1;
    v->pv.failsafe_cb = a2;
    v->pv.syscall_cb = a3;
    v->pv.failsafe_masks = v->pv.syscall_masks = false;
    return 0;
}

HYPERCALL(hc_nmi_op)
{
    struct vcpu *v = current;
    struct xennmi_callback cb;

    switch (a1) {
    case XENNMI_register_callback:
        if (copy_struct_from_guest(&cb, guest_ptr(a2)))
            return -EFAULT;
        return v->id ? -EINVAL : pv_set_nmi_handler(v, cb.handler_address);
    case XENNMI_unregister_callback: return pv_set_nmi_handler(v, 0);
    default: return hypercall_enosys("nmi_op", a1);
    }
}

/* No virtual performance counters: what stock Xen answers by default. */
HYPERCALL(hc_xenpmu_op)
{
    return -EOPNOTSUPP;
}
