/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmu_update and update_va_mapping: single page-table entries of validated tables. */
#include "hypercalls/mmu.h"
#include "mm/alloc.h"
#include "x86/tlb.h"

struct domain *mmu_get_owner(domid_t id, long *rc)
{
    struct domain *d = current->domain;

    switch (id) {
    case DOMID_SELF: break;
    case DOMID_IO: d = dom_io; break;
    case DOMID_XEN:
        if (!d->privileged) {
            *rc = -EPERM;
            return NULL;
        }
        d = dom_xen;
        break;
    default:
        if (id == d->id)
            break;
        d = domain_get_by_id(id);
        if (!d) {
            *rc = -ESRCH;
            return NULL;
        }
        if (!domain_controls(current->domain, d)) {
            domain_put(d);
            *rc = -EPERM;
            return NULL;
        }
        return d;
    }
    domain_get(d);
    return d;
}

void mmu_put_owner(struct domain *d)
{
    domain_put(d);
}

/* A table's entry named by its machine address. pt_lock of d held: a validated table stays one. */
static int update_entry(struct domain *d, struct domain *pg_owner, uint64_t ptr, uint64_t val,
                        bool keep_ad)
{
    uint64_t mfn = ptr >> PAGE_SHIFT;
    unsigned int index = (ptr & ~PAGE_MASK) / sizeof(pte_t);
    int rc;

    if (unlikely(mfn >= max_mfn))
        return -EINVAL;
    struct frame *f = &frame_table[index_nospec(mfn, max_mfn)];
    uint64_t x = READ_ONCE(f->info);
    if (likely((x & (FI_VALIDATED | FI_TYPE)) == (FI_VALIDATED | FI_TYPE_OF(FRAME_L1)) &&
               f->owner == d->id))
        return pt_write_l1((pte_t *)mfn_to_virt(mfn_make(index_nospec(mfn, max_mfn))) + index, val,
                           d, pg_owner, keep_ad);
    unsigned int type = (unsigned int)((x & FI_TYPE) >> FI_TYPE_SHIFT);
    if (likely((x & FI_VALIDATED) && type - FRAME_L1 <= FRAME_L4 - FRAME_L1 && f->owner == d->id)) {
        MMU_RETRY(d, rc, pt_write_entry(f, index, val, d, pg_owner, keep_ad));
        return rc;
    }
    /* An ordinary page of the guest: an ordinary write. */
    if (!frame_get(f, d))
        return -EINVAL;
    if (frame_get_writable(f, d)) {
        WRITE_ONCE(((uint64_t *)frame_to_virt(f))[index], val);
        frame_put_writable(f);
        rc = 0;
    } else {
        rc = -EINVAL;
    }
    frame_put(f);
    return rc;
}

static int update_m2p(struct domain *pg_owner, uint64_t ptr, uint64_t pfn)
{
    struct frame *f = mfn_get(mfn_make(ptr >> PAGE_SHIFT), pg_owner);

    if (!f)
        return -EINVAL;
    m2p_set(frame_to_mfn(f), pfn);
    frame_put(f);
    return 0;
}

static int one_update(struct domain *pt_owner, struct domain *pg_owner, const struct mmu_update *u)
{
    uint64_t ptr = u->ptr & ~7ull;

    switch (u->ptr & 3) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_NO_TRANSLATE: return update_entry(pt_owner, pg_owner, ptr, u->val, false);
    case MMU_PT_UPDATE_PRESERVE_AD: return update_entry(pt_owner, pg_owner, ptr, u->val, true);
    default: return update_m2p(pg_owner, u->ptr & ~3ull, u->val);
    }
}

/* That current controls both is not enough: the tables' owner will reach the frames. */
static bool may_map_frames_of(const struct domain *pt_owner, const struct domain *pg_owner)
{
    return pt_owner == pg_owner || pg_owner == dom_io || domain_controls(pt_owner, pg_owner);
}

HYPERCALL(hc_mmu_update)
{
    guest_ptr_t list = guest_ptr(a1), done_ptr = guest_ptr(a3);
    uint32_t count = (uint32_t)a2, done = 0, i;
    struct domain *d = current->domain, *pt_owner = d, *pg_owner = d;
    struct mmu_update u;
    long rc = 0;
    bool foreign = a4 != DOMID_SELF;

    if (unlikely(count & MMU_PREEMPTED)) {
        count &= ~MMU_PREEMPTED;
        if (!guest_ptr_null(done_ptr) && copy_struct_from_guest(&done, done_ptr))
            return -EFAULT;
    }
    if (unlikely(foreign)) {
        uint32_t pt_dom = (uint32_t)a4 >> 16;
        if (pt_dom) {
            pt_owner = mmu_get_owner((domid_t)(pt_dom - 1), &rc);
            if (!pt_owner)
                return rc;
        } else {
            domain_get(pt_owner);
        }
        pg_owner = mmu_get_owner((domid_t)(a4 & 0xffff), &rc);
        if (!pg_owner) {
            mmu_put_owner(pt_owner);
            return rc;
        }
        if (!may_map_frames_of(pt_owner, pg_owner)) {
            mmu_put_owner(pg_owner);
            mmu_put_owner(pt_owner);
            return -EPERM;
        }
    }

    rc = mmu_begin(pt_owner);
    for (i = 0; i < count && !rc; i++) {
        if (i && unlikely(preempt_check())) {
            rc = -ERESTART;
            break;
        }
        if (unlikely(copy_from_guest(&u, list, sizeof(u)))) {
            rc = -EFAULT;
            break;
        }
        rc = one_update(pt_owner, pg_owner, &u);
        if (unlikely(rc))
            break;
        list.va += sizeof(u);
    }
    rc = mmu_end(pt_owner, rc);
    if (unlikely(foreign)) {
        mmu_put_owner(pg_owner);
        mmu_put_owner(pt_owner);
    }
    done += i;
    if (!guest_ptr_null(done_ptr) && unlikely(copy_struct_to_guest(done_ptr, &done)))
        return -EFAULT;
    if (unlikely(rc == -ERESTART))
        return hypercall_continuation(1, 4, list.va, (unsigned long)((count - i) | MMU_PREEMPTED),
                                      a3, a4);
    return rc;
}

int mmu_vcpumask(guest_ptr_t bitmap, cpumask_t *out)
{
    struct domain *d = current->domain;
    uint64_t word = 0;

    *out = CPUMASK_NONE;
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        if (i % 64 == 0) {
            /* Only the bytes that hold a bit for an existing vCPU are the guest's to provide. */
            size_t bytes = MIN(8u, DIV_ROUND_UP(d->max_vcpus - i, 8));
            word = 0;
            if (copy_from_guest(&word, guest_ptr(bitmap.va + i / 8), bytes))
                return -EFAULT;
        }
        if ((word >> (i % 64) & 1) && d->vcpu[i])
            *out = cpumask_or(*out, cpumask_of(READ_ONCE(d->vcpu[i]->processor)));
    }
    *out = cpumask_and(*out, (cpumask_t){READ_ONCE(d->dirty_cpus.bits)});
    return 0;
}

/* The flush that update_va_mapping's flags ask for (UVMF_*). */
static long flush_for(uint64_t va, unsigned long flags)
{
    unsigned long kind = flags & UVMF_FLUSHTYPE_MASK, where = flags & ~UVMF_FLUSHTYPE_MASK;
    cpumask_t mask;

    if (kind != UVMF_TLB_FLUSH && kind != UVMF_INVLPG)
        return 0;
    if (where == UVMF_LOCAL) {
        if (kind == UVMF_INVLPG)
            tlb_flush_page_local(va);
        else
            tlb_flush_local();
        return 0;
    }
    if (where == UVMF_ALL) {
        mask = (cpumask_t){READ_ONCE(current->domain->dirty_cpus.bits)};
    } else if (mmu_vcpumask(guest_ptr(where), &mask)) {
        return -EFAULT;
    }
    tlb_flush_mask(mask, kind == UVMF_INVLPG ? va : 0);
    return 0;
}

static inline __attribute__((always_inline)) long update_va(uint64_t va, uint64_t val,
                                                            unsigned long flags,
                                                            struct domain *pg_owner)
{
    struct vcpu *v = current;
    struct domain *d = v->domain;
    long rc;

    rc = mmu_begin(d);
    if (likely(!rc)) {
        pte_t *p = pt_walk(v->pv.kernel_table, va, NULL);
        rc = likely(p) ? pt_write_l1(p, val, d, pg_owner, false) : -EINVAL;
    }
    rc = mmu_end(d, rc);
    if (unlikely(rc) || !(flags & UVMF_FLUSHTYPE_MASK))
        return rc;
    return flush_for(va, flags);
}

HYPERCALL(hc_update_va_mapping)
{
    long rc = update_va(a1, a2, a3, current->domain);

    return rc == -ERESTART ? hypercall_continuation(14, 3, a1, a2, a3) : rc;
}

HYPERCALL(hc_update_va_mapping_otherdomain)
{
    long rc = 0;
    struct domain *pg_owner = mmu_get_owner((domid_t)a4, &rc);

    if (!pg_owner)
        return rc;
    rc = update_va(a1, a2, a3, pg_owner);
    mmu_put_owner(pg_owner);
    return rc == -ERESTART ? hypercall_continuation(22, 4, a1, a2, a3, a4) : rc;
}
