/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmuext_op: pinning, page-table roots, TLB flushes, the LDT. */
#include "hypercalls/mmu.h"
#include "mm/alloc.h"
#include "pv/descriptors.h"
#include "x86/switch.h"
#include "x86/tlb.h"

/* pt_lock of owner held for pin, unpin and roots. */
static int pin(struct domain *owner, uint64_t mfn, enum frame_type level)
{
    struct frame *f = mfn_get(mfn_make(mfn), owner);
    int rc;

    if (!f)
        return -EINVAL;
    MMU_RETRY(owner, rc, frame_pin(f, owner, level));
    frame_put(f);
    return rc;
}

static int unpin(struct domain *owner, uint64_t mfn)
{
    struct frame *f = mfn_get(mfn_make(mfn), owner);

    if (!f)
        return -EINVAL;
    int rc = frame_unpin(f, owner);
    frame_put(f);
    return rc;
}

/* An L4 for the kernel's or the user's root: typed, the old one let go. */
static int new_root(uint64_t mfn, bool user)
{
    struct vcpu *v = current;
    struct domain *d = v->domain;
    struct frame *f = NULL, **slot = user ? &v->pv.user_table : &v->pv.kernel_table;
    struct frame *old = *slot;
    int rc;

    if (mfn || !user) {
        if (mfn >= max_mfn)
            return -EINVAL;
        f = &frame_table[index_nospec(mfn, max_mfn)];
        if (f != old) {
            MMU_RETRY(d, rc, frame_get_type(f, d, FRAME_L4));
            if (rc)
                return rc;
        }
    }
    *slot = f;
    if (!user) {
        v->pv.cr3 = mfn << PAGE_SHIFT;
        pv_load_cr3(v);
    }
    if (old && old != f)
        frame_put_type(old, d);
    return 0;
}

static long flush_mask_op(const struct mmuext_op *op, bool page)
{
    cpumask_t mask;

    if (mmu_vcpumask(guest_ptr((uint64_t)op->arg2.vcpumask.p), &mask))
        return -EINVAL;
    tlb_flush_mask(mask, page ? op->arg1.linear_addr : 0);
    return 0;
}

static long page_op(const struct mmuext_op *op, struct domain *owner)
{
    struct frame *dst = mfn_get(mfn_make(op->arg1.mfn), owner), *src = NULL;
    long rc = -EINVAL;

    if (!dst)
        return -EINVAL;
    if (!frame_get_writable(dst, owner))
        goto put_dst;
    if (op->cmd == MMUEXT_CLEAR_PAGE) {
        memset(frame_to_virt(dst), 0, PAGE_SIZE);
        rc = 0;
    } else {
        src = mfn_get(mfn_make(op->arg2.src_mfn), owner);
        if (src) {
            memcpy(frame_to_virt(dst), frame_to_virt(src), PAGE_SIZE);
            frame_put(src);
            rc = 0;
        }
    }
    frame_put_writable(dst);
put_dst:
    frame_put(dst);
    return rc;
}

static long set_ldt(struct vcpu *v, uint64_t base, unsigned int ents)
{
    long rc = pv_set_ldt(v, base, ents);

    pv_load_ldt(v); /* on failure: none */
    return rc;
}

/* Pins, under pt_lock of the tables' owner. */
static long table_op(const struct mmuext_op *op, struct domain *owner)
{
    long rc;

    rc = mmu_begin(owner);
    if (!rc) {
        switch (op->cmd) {
        case MMUEXT_PIN_L1_TABLE: rc = pin(owner, op->arg1.mfn, FRAME_L1); break;
        case MMUEXT_PIN_L2_TABLE: rc = pin(owner, op->arg1.mfn, FRAME_L2); break;
        case MMUEXT_PIN_L3_TABLE: rc = pin(owner, op->arg1.mfn, FRAME_L3); break;
        case MMUEXT_PIN_L4_TABLE: rc = pin(owner, op->arg1.mfn, FRAME_L4); break;
        default: rc = unpin(owner, op->arg1.mfn); break;
        }
    }
    /* The operation is done and cannot be repeated; what is left to drain, hc_mmuext_op() does. */
    mmu_end(owner, rc);
    return rc;
}

static inline __attribute__((always_inline)) long root_op(uint64_t mfn, bool user)
{
    struct domain *d = current->domain;
    long rc = mmu_begin(d);

    if (!rc)
        rc = new_root(mfn, user);
    mmu_end(d, rc); /* as above */
    return rc;
}

long mmu_new_kernel_root(uint64_t mfn)
{
    return root_op(mfn, false);
}

static long one_op(const struct mmuext_op *op, struct domain *owner)
{
    struct vcpu *v = current;
    bool self = owner == v->domain;

    switch (op->cmd) {
    case MMUEXT_NEW_BASEPTR: return self ? root_op(op->arg1.mfn, false) : -EPERM;
    case MMUEXT_NEW_USER_BASEPTR: return self ? root_op(op->arg1.mfn, true) : -EPERM;
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
    case MMUEXT_UNPIN_TABLE: return table_op(op, owner);
    case MMUEXT_TLB_FLUSH_LOCAL: tlb_flush_local(); return 0;
    case MMUEXT_INVLPG_LOCAL: tlb_flush_page_local(op->arg1.linear_addr); return 0;
    case MMUEXT_TLB_FLUSH_MULTI: return flush_mask_op(op, false);
    case MMUEXT_INVLPG_MULTI: return flush_mask_op(op, true);
    case MMUEXT_TLB_FLUSH_ALL:
        tlb_flush_mask((cpumask_t){READ_ONCE(v->domain->dirty_cpus.bits)}, 0);
        return 0;
    case MMUEXT_INVLPG_ALL:
        tlb_flush_mask((cpumask_t){READ_ONCE(v->domain->dirty_cpus.bits)}, op->arg1.linear_addr);
        return 0;
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        /* Only with uncached device memory can a guest tell the difference. */
        return v->domain->privileged ? 0 : -EACCES;
    case MMUEXT_SET_LDT: return self ? set_ldt(v, op->arg1.linear_addr, op->arg2.nr_ents) : -EPERM;
    case MMUEXT_CLEAR_PAGE:
    case MMUEXT_COPY_PAGE: return page_op(op, owner);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER: return -EOPNOTSUPP;
    default: return hypercall_enosys("mmuext_op", op->cmd);
    }
}

HYPERCALL(hc_mmuext_op)
{
    guest_ptr_t list = guest_ptr(a1), done_ptr = guest_ptr(a3);
    uint32_t count = (uint32_t)a2, done = 0, i;
    struct mmuext_op op;
    struct domain *owner = current->domain;
    long rc = 0;

    if (unlikely(count & MMU_PREEMPTED)) {
        count &= ~MMU_PREEMPTED;
        if (!guest_ptr_null(done_ptr) && copy_struct_from_guest(&done, done_ptr))
            return -EFAULT;
    }
    if (unlikely(a4 != DOMID_SELF)) {
        owner = mmu_get_owner((domid_t)a4, &rc);
        if (!owner)
            return rc;
    }
    for (i = 0; i < count && !rc; i++) {
        if (i && unlikely(preempt_check())) {
            rc = -ERESTART;
            break;
        }
        if (unlikely(copy_struct_from_guest(&op, list))) {
            rc = -EFAULT;
            break;
        }
        rc = one_op(&op, owner);
        if (unlikely(rc))
            break;
        list.va += sizeof(op);
    }
    if (!rc && unlikely(owner->pt_teardown != FRAME_LINK_END))
        rc = mmu_end(owner, mmu_begin(owner));
    if (unlikely(a4 != DOMID_SELF))
        mmu_put_owner(owner);
    done += i;
    if (!guest_ptr_null(done_ptr) && unlikely(copy_struct_to_guest(done_ptr, &done)))
        return -EFAULT;
    if (unlikely(rc == -ERESTART))
        return hypercall_continuation(26, 4, list.va, (unsigned long)((count - i) | MMU_PREEMPTED),
                                      a3, a4);
    return rc;
}
