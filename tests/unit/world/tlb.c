/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tlb.h. */
#include "tests/unit/world/tlb.h"
#include "host/host.h"
#include "tests/unit/whole/whole.h"

#define ENTRIES 16

struct entry {
    bool valid, writable;
    uint64_t va, mfn;
    uint16_t owner;
    uint32_t generation; /* of the owner */
};
static struct entry tlb[MAX_CPUS][ENTRIES];
static unsigned int next_slot[MAX_CPUS];

void tlb_model_flush(uint64_t va)
{
    for (unsigned int i = 0; i < ENTRIES; i++)
        if (!va || tlb[whole_cpu][i].va == (va & PAGE_MASK))
            tlb[whole_cpu][i].valid = false;
}

static uint32_t generation_of(uint16_t id)
{
    struct domain *d = id < DOMID_FIRST_RESERVED ? domain_get_by_id(id) : NULL;
    uint32_t generation = d ? d->generation : 0;

    if (d)
        domain_put(d);
    return generation;
}

/* The L1 entry that the CPU's tables have for it, and what all levels allow; NULL: none. */
static pte_t *walk(uint64_t va, bool *writable)
{
    pte_t *table = maddr_to_virt(cpu_info()->cr3 & PTE_ADDR);

    *writable = true;
    for (unsigned int shift = 39;; shift -= 9) {
        pte_t *e = &table[va >> shift & 511], x = READ_ONCE(*e);

        if (!(x & PTE_PRESENT) || !(x & PTE_USER) || mfn_x(pte_mfn(x)) >= max_mfn)
            return NULL;
        *writable &= !!(x & PTE_RW);
        if (shift == 12)
            return e;
        if (x & PTE_PSE)
            return NULL;
        if (!(x & PTE_ACCESSED) && !atomic_cmpxchg(e, &x, x | PTE_ACCESSED))
            return NULL;
        table = mfn_to_virt(pte_mfn(x));
    }
}

static struct entry *find(uint64_t va, bool write)
{
    for (unsigned int i = 0; i < ENTRIES; i++) {
        struct entry *e = &tlb[whole_cpu][i];

        if (e->valid && e->va == va && (e->writable || !write))
            return e;
    }
    return NULL;
}

static struct entry *fill(uint64_t va, bool write)
{
    unsigned long flushes = whole_flushes[whole_cpu];
    bool writable;
    pte_t *pte = walk(va, &writable), x = pte ? READ_ONCE(*pte) : 0;
    struct entry *e;

    if (!(x & PTE_PRESENT) || (write && !writable))
        return NULL;
    if (!atomic_cmpxchg(pte, &x, x | PTE_ACCESSED | (write ? PTE_DIRTY : 0)))
        return NULL;
    /* A processor takes the interrupt that asks for a flush before an instruction or after it. */
    if (whole_flushes[whole_cpu] != flushes)
        return NULL;
    e = &tlb[whole_cpu][next_slot[whole_cpu]++ % ENTRIES];
    /* A processor sets the dirty bit before it lets a write through an entry. */
    *e = (struct entry){true, write, va, mfn_x(pte_mfn(x)), 0, 0};
    e->owner = frame_table[e->mfn].owner;
    e->generation = generation_of(e->owner);
    return e;
}

bool tlb_model_access(uint64_t va, bool write, uint64_t value)
{
    uint64_t page = va & PAGE_MASK;
    struct entry *e;

    if (va >= HV_VIRT_START && va < HV_VIRT_END)
        return false;
    e = find(page, write);
    if (!e)
        e = fill(page, write);
    if (!e || !e->valid) /* or a flush came meanwhile */
        return false;
    uint64_t *word =
        (uint64_t *)((char *)mfn_to_virt(mfn_make(e->mfn)) + (va & ~PAGE_MASK & ~7ull));
    /* The hypervisor's own structures in shared frames are for those that know them. */
    if (write && !(frame_table[e->mfn].info & FI_XENHEAP))
        __atomic_store_n(word, value, __ATOMIC_RELAXED); /* at once: no flush comes before it */
    return true;
}

static void check_entry(unsigned int cpu, const struct entry *e, bool quiet)
{
    const struct frame *f = &frame_table[e->mfn];
    uint64_t info = READ_ONCE(f->info);
    enum frame_type type = (info & FI_TYPE) >> FI_TYPE_SHIFT;
    bool owned = f->owner <= DOMID_MASK; /* free frames have other marks there */

    if (e->writable && !(info & FI_DIRTY) && type >= FRAME_L1 && type <= FRAME_SEG &&
        (info & FI_TCOUNT) && (info & FI_VALIDATED))
        unit_fail(__FILE__, __LINE__,
                  "CPU %u can write to frame %#lx, which is of type %u, at %#lx", cpu,
                  (unsigned long)e->mfn, type, (unsigned long)e->va);
    if (owned && (f->owner != e->owner || (e->generation && generation_of(f->owner) &&
                                           generation_of(f->owner) != e->generation)))
        unit_fail(__FILE__, __LINE__,
                  "CPU %u has an entry for frame %#lx, which is now d%u's, at %#lx", cpu,
                  (unsigned long)e->mfn, f->owner, (unsigned long)e->va);
    if (quiet && !owned && !(info & FI_DIRTY) && e->owner < DOMID_FIRST_RESERVED)
        unit_fail(__FILE__, __LINE__,
                  "CPU %u has an entry for frame %#lx of the hypervisor at %#lx", cpu,
                  (unsigned long)e->mfn, (unsigned long)e->va);
}

static void check(bool quiet)
{
    unsigned int cpu;

    cpumask_for_each(cpu, cpu_online_map)
    {
        for (unsigned int i = 0; i < ENTRIES; i++)
            if (tlb[cpu][i].valid)
                check_entry(cpu, &tlb[cpu][i], quiet);
    }
}

void tlb_model_check(void)
{
    check(false);
}

void tlb_model_check_quiet(void)
{
    check(true);
}
