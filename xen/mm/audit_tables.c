/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit of what CPUs walk: page tables, the roots of vCPUs, their descriptor windows. */
#include "mm/audit.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "x86/paging.h"

static inline uint64_t target(pte_t e)
{
    return (e & PTE_ADDR) >> PAGE_SHIFT;
}

/* ---- page tables ---------------------------------------------------------------------------------- */

/* Whether d may map frames of the domain with that id, which are not granted. */
static bool may_map(const struct domain *d, const struct frame *f)
{
    const struct domain *owner;

    if (f->owner == d->id)
        return true;
    if (f->owner == DOMID_XEN)
        return d->privileged;
    /* What was shared and is not any more stays until its last mapping goes; its domain may not. */
    if ((f->info & FI_XENHEAP) && !(f->info & FI_ALLOCATED))
        return true;
    owner = audit_domain(f->owner);
    return owner && (d->privileged || d->target == owner->generation);
}

static void audit_leaf(struct audit *a, struct domain *d, uint64_t table, pte_t e)
{
    uint64_t m = target(e);

    if (e & PTE_GRANT)
        return; /* audit_grants() */
    if (m >= max_mfn || !(frame_table[m].info & FI_RAM)) {
        AUDIT(a, rangeset_contains(&d->iomem_caps, m, m),
              "table %#lx of d%u maps device memory %#lx, which it may not", table, d->id, m);
        return;
    }
    /* The invariant's second half. */
    AUDIT(a, audit_owned(&frame_table[m]) && may_map(d, &frame_table[m]),
          "table %#lx of d%u maps frame %#lx of %u", table, d->id, m, frame_table[m].owner);
    audit_count(a, m, e & PTE_RW ? FRAME_WRITABLE : FRAME_NONE);
}

static void audit_branch(struct audit *a, uint64_t table, unsigned int level, pte_t e)
{
    const struct frame *f = &frame_table[table], *child;
    uint64_t m = target(e);

    audit_count(a, m, (enum frame_type)(level - 1));
    if (m >= max_mfn)
        return;
    child = &frame_table[m];
    AUDIT(a, !(e & PTE_PSE), "table %#lx maps a superpage", table);
    AUDIT(a, audit_owned(child) && child->owner == f->owner,
          "table %#lx of d%u leads to d%u's %#lx", table, f->owner, child->owner, m);
    AUDIT(a, (f->info & FI_TEARDOWN) || (child->info & FI_VALIDATED),
          "table %#lx of d%u leads to %#lx, info %#lx", table, f->owner, m, child->info);
}

static void audit_hv_slots(struct audit *a, const struct domain *d, uint64_t table, const pte_t *l4)
{
    for (unsigned int i = HV_FIRST_SLOT; i <= HV_LAST_SLOT; i++)
        AUDIT(a,
              i == PERDOMAIN_SLOT
                  ? target(l4[i]) == mfn_x(virt_to_mfn(d->pv.perdomain_l3)) && !(l4[i] & PTE_USER)
                  : l4[i] == idle_l4[i],
              "L4 %#lx of d%u has %#lx in slot %u", table, d->id, l4[i], i);
}

static void audit_table(struct audit *a, uint64_t m)
{
    const struct frame *f = &frame_table[m];
    const pte_t *table = frame_to_virt(f);
    unsigned int level = (unsigned int)((f->info & FI_TYPE) >> FI_TYPE_SHIFT), n = 512;
    struct domain *d = audit_domain(f->owner);

    if (!AUDIT(a, d, "table %#lx belongs to %u, which is not there", m, f->owner))
        return;
    if (f->info & FI_VALIDATED)
        a->tables++;
    else
        n = MIN(f->validated, 512u); /* only these hold references */
    for (unsigned int i = 0; i < n; i++) {
        if (!(table[i] & PTE_PRESENT))
            continue;
        if (level == FRAME_L4 && i >= HV_FIRST_SLOT && i <= HV_LAST_SLOT)
            continue;
        if (level == FRAME_L1)
            audit_leaf(a, d, m, table[i]);
        else
            audit_branch(a, m, level, table[i]);
    }
    if (level == FRAME_L4 && (f->info & FI_VALIDATED))
        audit_hv_slots(a, d, m, table);
}

void audit_tables(struct audit *a)
{
    for (uint64_t m = 0; m < max_mfn; m++)
        if (audit_owned(&frame_table[m]) && audit_is_table(frame_table[m].info))
            audit_table(a, m);
}

/* ---- vCPUs ------------------------------------------------------------------------------------------- */

#define WINDOW_PTES 64 /* of a vCPU: its GDT, from 32 on its LDT */

/* A page of the window that is not the guest's: the hypervisor's, or none. */
static bool is_hypervisors(pte_t e)
{
    uint64_t m = target(e);

    return !(e & PTE_PRESENT) || m >= max_mfn || !audit_owned(&frame_table[m]);
}

static void audit_window(struct audit *a, const struct vcpu *v)
{
    const struct domain *d = v->domain;
    const pte_t *window = d->pv.gdt_ldt_l1 ? d->pv.gdt_ldt_l1[v->id] : NULL;

    if (!window)
        return;
    for (unsigned int i = 0; i < WINDOW_PTES; i++) {
        const struct frame *f = i < PV_GDT_PAGES ? v->pv.gdt_frames[i] : NULL;
        pte_t e = window[i];
        if (f) {
            audit_count(a, (uint64_t)(f - frame_table), FRAME_SEG);
            AUDIT(a, (e & PTE_PRESENT) && target(e) == (uint64_t)(f - frame_table),
                  "d%uv%u: page %u of its GDT is %#lx", d->id, v->id, i, e);
        } else if (i >= 32 && (e & PTE_PRESENT)) {
            audit_count(a, target(e), FRAME_SEG);
            AUDIT(a, target(e) < max_mfn && frame_table[target(e)].owner == d->id,
                  "d%uv%u: page %u of its LDT is %#lx", d->id, v->id, i - 32, e);
            AUDIT(a, (i - 32) * 512 < v->pv.ldt_ents, "d%uv%u: page %u of an LDT of %u entries",
                  d->id, v->id, i - 32, v->pv.ldt_ents);
        } else {
            AUDIT(a, is_hypervisors(e), "d%uv%u: page %u of its GDT is %#lx, of a domain", d->id,
                  v->id, i, e);
        }
    }
}

static void audit_root(struct audit *a, const struct vcpu *v, const struct frame *f)
{
    if (!f)
        return;
    audit_count(a, (uint64_t)(f - frame_table), FRAME_L4);
    AUDIT(a, f->owner == v->domain->id && (f->info & FI_VALIDATED), "d%uv%u: its root is %#lx",
          v->domain->id, v->id, (uint64_t)(f - frame_table));
}

void audit_vcpus(struct audit *a, struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
    {
        const struct frame *root = v->pv.in_kernel ? v->pv.kernel_table : v->pv.user_table;
        audit_root(a, v, v->pv.kernel_table);
        audit_root(a, v, v->pv.user_table);
        AUDIT(a, !root || v->pv.cr3 == (uint64_t)(root - frame_table) << PAGE_SHIFT,
              "d%uv%u: its CR3 is %#lx", d->id, v->id, v->pv.cr3);
        audit_window(a, v);
        if (v->vcpu_info_frame)
            audit_count(a, mfn_x(frame_to_mfn(v->vcpu_info_frame)), FRAME_WRITABLE);
    }
}

/* What the CPUs have loaded now. */
void audit_cpus(struct audit *a)
{
    unsigned int cpu;

    cpumask_for_each(cpu, a->cpus)
    {
        const struct vcpu *v = a->running[cpu];
        if (v->domain->is_idle) {
            AUDIT(a, a->cr3[cpu] == virt_to_maddr(idle_l4), "CPU %u, idle, has CR3 %#lx", cpu,
                  a->cr3[cpu]);
        } else {
            AUDIT(a, a->cr3[cpu] == v->pv.cr3, "CPU %u has CR3 %#lx, d%uv%u %#lx", cpu, a->cr3[cpu],
                  v->domain->id, v->id, v->pv.cr3);
            AUDIT(a, cpumask_test(v->domain->dirty_cpus, cpu),
                  "CPU %u runs d%u, which does not know it", cpu, v->domain->id);
        }
    }
}
