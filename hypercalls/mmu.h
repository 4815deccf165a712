/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the page-table calls share: whose tables, whose frames, and leaving with a clean queue. */
#ifndef HYPERCALLS_MMU_H
#define HYPERCALLS_MMU_H
#include "hypercalls/hypercall.h"
#include "mm/frame.h"

/* Bit of a count argument: the call is a continuation (internal; harmless if a guest sets it). */
#define MMU_PREEMPTED 0x80000000u

/*
 * Owner of frames named by a foreign domain id: DOMID_SELF, DOMID_IO, DOMID_XEN or a domain that
 * current controls. Referenced; mmu_put_owner() undoes. NULL: *rc.
 */
struct domain *mmu_get_owner(domid_t id, long *rc);
void mmu_put_owner(struct domain *d);

/* Run one page-table operation that may meet the teardown queue (-EAGAIN): drain and retry. */
#define MMU_RETRY(d, rc, expr)       \
    do {                             \
        (rc) = (expr);               \
        if (likely((rc) != -EAGAIN)) \
            break;                   \
        (rc) = pt_drain(d);          \
    } while (!(rc))

/*
 * Around each page-table call: pt_lock taken, with the teardown queue empty; -ERESTART (lock held
 * all the same) if that takes longer. At the end it is drained again; if the call failed, what
 * cannot be drained at once is left to the next call.
 */
static inline long mmu_begin(struct domain *d)
{
    spin_lock(&d->pt_lock);
    return unlikely(d->pt_teardown != FRAME_LINK_END) ? pt_drain(d) : 0;
}
static inline long mmu_end(struct domain *d, long rc)
{
    if (unlikely(d->pt_teardown != FRAME_LINK_END) && rc != -ERESTART) {
        long drained = pt_drain(d);
        rc = rc ?: drained;
    }
    spin_unlock(&d->pt_lock);
    return rc;
}

/* MOV to CR3 of current's kernel: a new kernel root. -ERESTART: execute it again. */
long mmu_new_kernel_root(uint64_t mfn);
/* CPUs on which vCPUs of a guest's bitmap (at a guest address) may have left TLB entries. */
int mmu_vcpumask(guest_ptr_t bitmap, cpumask_t *out);

#endif
