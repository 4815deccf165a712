/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract is in descriptors.h. */
#include "pv/descriptors.h"
#include "hypercalls/hypercall.h"
#include "lib/lib.h"
#include "x86/cpu_setup.h"
#include "x86/switch.h"
#include "x86/tlb.h"

static uint64_t empty_page[512] __aligned(4096);

static pte_t window_pte(mfn_t m, uint64_t flags)
{
    return pte_make(m, PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | flags | (cpu_caps.nx ? PTE_NX : 0));
}

void pv_gdt_clear_window(struct vcpu *v)
{
    pte_t *l1 = v->domain->pv.gdt_ldt_l1[v->id];

    for (unsigned int i = 0; i < PV_GDT_PAGES; i++)
        l1[i] = window_pte(virt_to_mfn(empty_page), 0);
}

/* A type reference on a descriptor frame; pt_lock held. */
static int get_seg(struct domain *d, mfn_t m, struct frame **out)
{
    if (!mfn_valid(m))
        return -EINVAL;
    struct frame *f = mfn_to_frame(m);
    int rc = frame_get_type(f, d, FRAME_SEG);
    if (!rc)
        *out = f;
    return rc == -EAGAIN || rc == -ERESTART ? -EBUSY : rc;
}

int pv_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned int ents)
{
    struct domain *d = v->domain;
    struct frame *f[PV_GDT_PAGES] = {NULL};
    unsigned int n = DIV_ROUND_UP(ents, 512), i;
    unsigned int old_n = DIV_ROUND_UP(v->pv.gdt_ents, 512);
    int rc = 0;

    if (n > PV_GDT_PAGES)
        return -EINVAL;
    spin_lock(&d->pt_lock);
    for (i = 0; i < n && !rc; i++)
        rc = get_seg(d, mfn_make(mfns[i]), &f[i]);
    if (rc) {
        while (i-- > 0)
            if (f[i])
                frame_put_type(f[i], d);
        spin_unlock(&d->pt_lock);
        return rc;
    }
    for (i = 0; i < MAX(n, old_n); i++) {
        struct frame *old = v->pv.gdt_frames[i];
        /* Writable for the CPU alone: it sets accessed bits in descriptors. */
        d->pv.gdt_ldt_l1[v->id][i] =
            f[i] ? window_pte(frame_to_mfn(f[i]), PTE_RW) : window_pte(virt_to_mfn(empty_page), 0);
        v->pv.gdt_frames[i] = f[i];
        if (v == current && old != f[i])
            tlb_flush_page_local(PV_GDT_VA(v) + i * PAGE_SIZE);
        if (old)
            frame_put_type(old, d);
    }
    v->pv.gdt_ents = ents;
    spin_unlock(&d->pt_lock);
    return 0;
}

/* pt_lock held. */
static void drop_ldt(struct vcpu *v)
{
    struct domain *d = v->domain;
    pte_t *ldt = d->pv.gdt_ldt_l1[v->id] + 32;

    for (unsigned int i = 0; i < DIV_ROUND_UP(v->pv.ldt_ents, 512); i++) {
        if (ldt[i] & PTE_PRESENT) {
            struct frame *f = mfn_to_frame(pte_mfn(ldt[i]));
            ldt[i] = 0;
            if (v == current)
                tlb_flush_page_local(PV_LDT_VA(v) + i * PAGE_SIZE);
            frame_put_type(f, d);
        }
    }
    v->pv.ldt_ents = 0;
}

#define LDT_MAX_ENTS 8192

/* Canonical, all of it, and outside our range. */
static bool ldt_range_ok(uint64_t base, unsigned int ents)
{
    uint64_t last = base + ents * 8ull - 1;

    return va_is_canonical(base) && va_is_canonical(last) && last >= base &&
           (last < HV_VIRT_START || base >= HV_VIRT_END);
}

/* The pages come in when selectors are used: only then must the guest have made them fit. */
int pv_set_ldt(struct vcpu *v, uint64_t base, unsigned int ents)
{
    struct domain *d = v->domain;
    bool ok = ents <= LDT_MAX_ENTS && !(base & ~PAGE_MASK) && (!ents || ldt_range_ok(base, ents));

    spin_lock(&d->pt_lock);
    drop_ldt(v);
    if (ok) {
        v->pv.ldt_base = base;
        v->pv.ldt_ents = ents;
    }
    spin_unlock(&d->pt_lock);
    return ok ? 0 : -EINVAL;
}

int pv_ldt_fault(struct vcpu *v, uint64_t *va)
{
    struct domain *d = v->domain;
    uint64_t offset = *va - PV_LDT_VA(v);
    struct frame *f;
    int rc = -EFAULT;

    if (offset >= LDT_MAX_ENTS * 8)
        return -ENOENT;
    *va = v->pv.ldt_base + offset;
    if (offset >= v->pv.ldt_ents * 8ull)
        return -EFAULT;
    spin_lock(&d->pt_lock);
    pte_t *slot = &d->pv.gdt_ldt_l1[v->id][32 + offset / PAGE_SIZE];
    if (*slot & PTE_PRESENT) {
        rc = 0;
    } else if (pt_drain(d)) {
        rc = 0; /* preempted: it comes here again */
    } else {
        pte_t *e = v->pv.kernel_table ? pt_walk(v->pv.kernel_table, *va, NULL) : NULL;
        if (e && (*e & PTE_PRESENT) && !get_seg(d, pte_mfn(*e), &f)) {
            *slot = window_pte(frame_to_mfn(f), PTE_RW);
            rc = 0;
        }
    }
    spin_unlock(&d->pt_lock);
    return rc;
}

void pv_drop_descriptors(struct vcpu *v)
{
    if (!v->domain->pv.gdt_ldt_l1 || !v->domain->pv.gdt_ldt_l1[v->id])
        return;
    spin_lock(&v->domain->pt_lock);
    drop_ldt(v);
    spin_unlock(&v->domain->pt_lock);
    if (pv_set_gdt(v, NULL, 0))
        ASSERT(!"dropping a GDT cannot fail");
}

void pv_set_trap(struct vcpu *v, unsigned int nr, const struct trap_info *t)
{
    v->pv.traps[nr] = (struct pv_trap){
        .rip = va_is_canonical(t->address) ? t->address : 0,
        .cs = (uint16_t)(t->cs | 3),
        .flags = t->flags & 7,
    };
}
