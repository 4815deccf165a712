/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is taken away from the hypervisor's page tables when start-up is over, and a walk through them that
 * says whether it is so (debug key 'w'). The contract is in protect.h.
 */
#include "x86/protect.h"
#include "console/console.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "x86/cpu_setup.h"
#include "x86/paging.h"
#include "x86/smp.h"

extern char __image_start[], __text_end[], __rodata_end[];
extern char boot_stack[];
extern char *cpu_stacks[MAX_CPUS];

/* ---- single pages -------------------------------------------------------------------------- */

/* A table of 512 smaller mappings in place of a large one. */
static pte_t *split(pte_t *e, uint64_t step, uint64_t pse)
{
    pte_t *table, old = *e;

    if (!(old & PTE_PRESENT))
        return NULL;
    if (old & PTE_PSE) {
        table = page_zalloc();
        if (!table)
            panic("No memory for page tables");
        for (unsigned int i = 0; i < 512; i++)
            table[i] = (old & ~(uint64_t)PTE_PSE) + i * step + pse;
        WRITE_ONCE(*e, virt_to_maddr(table) | PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED);
    }
    return mfn_to_virt(pte_mfn(*e));
}

/* The L1 entry of an address of ours, after splitting what is larger; NULL: nothing is mapped. */
static pte_t *l1_entry(uint64_t va)
{
    pte_t *l3, *l2, *l1;

    if (!(idle_l4[L4_INDEX(va)] & PTE_PRESENT))
        return NULL;
    l3 = mfn_to_virt(pte_mfn(idle_l4[L4_INDEX(va)]));
    l2 = split(&l3[L3_INDEX(va)], MB(2), PTE_PSE);
    l1 = l2 ? split(&l2[L2_INDEX(va)], PAGE_SIZE, 0) : NULL;
    return l1 ? &l1[L1_INDEX(va)] : NULL;
}

/* Everything, global entries as well, on this CPU. */
static void flush_all(void *unused __unused)
{
    unsigned long flags = irq_save(), cr4 = read_cr4();

    write_cr4(cr4 & ~(unsigned long)CR4_PGE);
    write_cr4(cr4);
    write_cr3(read_cr3());
    irq_restore(flags);
}

static const char *stack_of(unsigned int cpu)
{
    return cpu ? cpu_stacks[cpu] : boot_stack;
}

static void take_guard_pages(const char *stack)
{
    for (unsigned int i = 0; i < STACK_SIZE / PAGE_SIZE; i++) {
        pte_t *e = STACK_GUARD(i) ? l1_entry((uint64_t)stack + i * PAGE_SIZE) : NULL;
        if (e)
            WRITE_ONCE(*e, 0);
    }
}

void protect_hypervisor(void)
{
    unsigned int cpu;

    /* The image's second mapping, in that of all RAM: stubs and patch sites were written through it. */
    for (const char *p = __image_start; p < __rodata_end; p += PAGE_SIZE) {
        pte_t *e = l1_entry((uint64_t)maddr_to_virt(virt_to_maddr(p)));
        if (e)
            WRITE_ONCE(*e, *e & ~(uint64_t)PTE_RW);
    }
    cpumask_for_each(cpu, cpu_online_map) take_guard_pages(stack_of(cpu));
    smp_call(cpu_online_map, flush_all, NULL, true);
    flush_all(NULL);
}

static bool in_guard_page_of(const char *stack, uint64_t va)
{
    uint64_t offset = va - (uint64_t)stack;

    return offset < STACK_SIZE && STACK_GUARD(offset / PAGE_SIZE);
}

bool in_guard_page(uint64_t va)
{
    return in_guard_page_of((char *)((uint64_t)cpu_info() & ~(STACK_SIZE - 1)), va);
}

/* ---- the check ------------------------------------------------------------------------------ */

/* What a mapping lets one do: bits that all levels have, NX if any has it. */
struct mapping {
    uint64_t va, pa, size, flags;
};

struct walk {
    void (*fn)(struct walk *w, const struct mapping *m);
    unsigned int mappings, faults;
};

#define EVERY_LEVEL (PTE_RW | PTE_USER)

static uint64_t inherit(uint64_t above, pte_t e)
{
    return (above & e & EVERY_LEVEL) | ((above | e) & PTE_NX);
}

static void walk_table(struct walk *w, const pte_t *table, unsigned int level, uint64_t va,
                       uint64_t flags)
{
    uint64_t size = PAGE_SIZE << (9 * (level - 1));

    for (unsigned int i = 0; i < 512; i++, va += size) {
        pte_t e = READ_ONCE(table[i]);
        if (!(e & PTE_PRESENT))
            continue;
        if (level > 1 && !(e & PTE_PSE)) {
            walk_table(w, mfn_to_virt(pte_mfn(e)), level - 1, va, inherit(flags, e));
            continue;
        }
        struct mapping m = {va, e & PTE_ADDR & ~(size - 1), size, inherit(flags, e)};
        w->fn(w, &m);
    }
}

/* The hypervisor's slots, and the windows of each domain in their place. */
static void walk_all(struct walk *w)
{
    struct domain *d;

    for (unsigned int i = HV_FIRST_SLOT; i <= HV_LAST_SLOT; i++)
        if (idle_l4[i] & PTE_PRESENT)
            walk_table(w, mfn_to_virt(pte_mfn(idle_l4[i])), 3,
                       HV_VIRT_START + (i - HV_FIRST_SLOT) * GB(512),
                       inherit(EVERY_LEVEL, idle_l4[i]));
    for (unsigned int id = 0; (d = domain_get_from(id)) != NULL; domain_put(d)) {
        id = d->id + 1u;
        if (d->pv.perdomain_l3)
            walk_table(w, d->pv.perdomain_l3, 3, PERDOMAIN_START, PTE_RW);
    }
}

static void complain(struct walk *w, const struct mapping *m, const char *what)
{
    if (w->faults++ < 8)
        printk(LOG_ERR "Page tables: %016lx -> %012lx (%lu KiB) is %s\n", m->va, m->pa,
               (unsigned long)(m->size >> 10), what);
}

static bool in_image(uint64_t va, const char *start, const char *end)
{
    return va >= (uint64_t)start && va < (uint64_t)end;
}

/* Code is the image's text and nothing else, as large as that is, so its aliases are those of the image. */
static void check_mapping(struct walk *w, const struct mapping *m)
{
    uint64_t text = virt_to_maddr(__image_start), end = virt_to_maddr(__text_end);
    unsigned int cpu;

    w->mappings++;
    if (!(m->flags & PTE_NX) && (m->flags & PTE_RW))
        complain(w, m, "writable and executable");
    if (cpu_caps.nx && !(m->flags & PTE_NX) && !in_image(m->va, __image_start, __text_end))
        complain(w, m, "executable");
    if ((m->flags & PTE_USER) && (m->va >= HV_IMAGE_START || (m->flags & PTE_RW)))
        complain(w, m, "the user's");
    if ((m->flags & PTE_RW) && m->pa < end && m->pa + m->size > text)
        complain(w, m, "the hypervisor's text, writable");
    cpumask_for_each(cpu, cpu_online_map) if (in_guard_page_of(stack_of(cpu), m->va))
        complain(w, m, "a guard page, mapped");
}

static void key_check(char key __unused)
{
    struct walk w = {.fn = check_mapping};

    walk_all(&w);
    printk(LOG_ERR "Page tables of the hypervisor: %u mappings, %u faults\n", w.mappings, w.faults);
}

void protect_init(void)
{
    debug_key_register('w', key_check, "check the hypervisor's page tables");
}
