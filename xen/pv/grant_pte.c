/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page-table entries of grant mappings. They bear PTE_GRANT, so that overwriting one by other means
 * moves no references: those are the grant's, until it is unmapped.
 */
#include "pv/pv.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "mm/frame.h"
#include "x86/cpu.h"

/* The entry that host_addr names, in a validated L1 table of d. pt_lock held. If *table is set, the
 * caller drops a reference on it. */
static pte_t *find_entry(struct vcpu *v, uint64_t host_addr, bool contains_pte,
                         struct frame **table)
{
    struct frame *f;
    uint64_t info;

    *table = NULL;
    if (!contains_pte) {
        if (!va_is_canonical(host_addr) || !v->pv.kernel_table)
            return NULL;
        return pt_walk(v->pv.kernel_table, host_addr, NULL);
    }
    if (host_addr & (sizeof(pte_t) - 1))
        return NULL;
    f = mfn_get(mfn_make(host_addr >> PAGE_SHIFT), v->domain);
    if (!f)
        return NULL;
    info = READ_ONCE(f->info);
    if ((info & (FI_TYPE | FI_VALIDATED)) != (FI_TYPE_OF(FRAME_L1) | FI_VALIDATED) ||
        !(info & FI_TCOUNT)) {
        frame_put(f);
        return NULL;
    }
    *table = f;
    return (pte_t *)frame_to_virt(f) + (host_addr & ~PAGE_MASK) / sizeof(pte_t);
}

int pv_grant_map_pte(uint64_t host_addr, bool contains_pte, mfn_t mfn, uint64_t flags)
{
    struct vcpu *v = current;
    struct frame *table;
    pte_t *p;

    spin_lock(&v->domain->pt_lock);
    p = find_entry(v, host_addr, contains_pte, &table);
    /* The CPU may set accessed and dirty at any time: exchanged, so that old is what went. */
    if (p)
        l1e_put(atomic_xchg(p, pte_make(mfn, flags | PTE_GRANT)));
    spin_unlock(&v->domain->pt_lock);
    if (table)
        frame_put(table);
    return p ? 0 : -EINVAL;
}

int pv_grant_unmap_pte(uint64_t host_addr, bool contains_pte, mfn_t mfn, bool writable)
{
    struct vcpu *v = current;
    struct frame *table;
    int rc = -EINVAL;
    pte_t *p, old;

    spin_lock(&v->domain->pt_lock);
    p = find_entry(v, host_addr, contains_pte, &table);
    if (p) {
        old = READ_ONCE(*p);
        /* Under the lock only the CPU changes it: accessed and dirty. */
        if ((old & PTE_PRESENT) && (old & PTE_GRANT) && mfn_eq(pte_mfn(old), mfn) &&
            !!(old & PTE_RW) == writable) {
            atomic_store(p, (pte_t)0);
            rc = 0;
        }
    }
    spin_unlock(&v->domain->pt_lock);
    if (table)
        frame_put(table);
    return rc;
}
