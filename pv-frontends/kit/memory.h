/* SPDX-License-Identifier: MIT */
/*
 * Memory of a PV guest: pseudo-physical frames (pfn, 0 to nr_pages-1) lie on machine frames (mfn).
 *
 *   KIT_VIRT_BASE + pfn * 4096   every page the kit manages, mapped once, growing upwards
 *   MACH2PHYS_VIRT_START         the hypervisor's machine-to-phys table (read only)
 *   start_info->mfn_list         phys-to-machine, ours to keep up to date
 *
 * The one-mapping rule matters: a page that becomes a page table must not be writable anywhere.
 */
#ifndef KIT_MEMORY_H
#define KIT_MEMORY_H

#include "kit/abi.h"
#include "kit/start.h"

#define PAGE_SIZE     4096UL
#define PAGE_MASK     (~(PAGE_SIZE - 1))

#define PTE_P         0x001UL
#define PTE_RW        0x002UL
#define PTE_US        0x004UL
#define PTE_PWT       0x008UL
#define PTE_PCD       0x010UL
#define PTE_A         0x020UL
#define PTE_D         0x040UL
#define PTE_PSE       0x080UL
#define PTE_G         0x100UL
#define PTE_NX        (1UL << 63)
#define PTE_ADDR      0x000ffffffffff000UL

#define PTE_KERNEL    (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_KERNEL_RO (PTE_P | PTE_US | PTE_A | PTE_D)

void memory_init(void);

/* One page, mapped writable, contents undefined. Panics when memory is used up. */
void *page_alloc(void);
/* As page_alloc(), zeroed. */
void *page_alloc_zeroed(void);
/* Takes a page of page_alloc() back; it must be mapped writable and be no table any more. */
void page_free(void *page);

/* Number of pages page_alloc() can still give without extending the mapping. */
unsigned long pages_free(void);

static inline unsigned long *p2m(void)
{
    return (unsigned long *)kit_start_info->mfn_list;
}

static inline unsigned long pfn_to_mfn(unsigned long pfn)
{
    return p2m()[pfn];
}

static inline unsigned long mfn_to_pfn(unsigned long mfn)
{
    return ((volatile unsigned long *)MACH2PHYS_VIRT_START)[mfn];
}

static inline void *pfn_to_virt(unsigned long pfn)
{
    return (void *)(KIT_VIRT_BASE + (pfn << 12));
}

static inline unsigned long virt_to_pfn(const void *va)
{
    return ((unsigned long)va - KIT_VIRT_BASE) >> 12;
}

static inline unsigned long virt_to_mfn(const void *va)
{
    return pfn_to_mfn(virt_to_pfn(va));
}

static inline uint64_t virt_to_maddr(const void *va)
{
    return (uint64_t)virt_to_mfn(va) << 12 | ((unsigned long)va & ~PAGE_MASK);
}

static inline void *mfn_to_virt(unsigned long mfn)
{
    return pfn_to_virt(mfn_to_pfn(mfn));
}

/* The running L4 table, mapped read only. */
uint64_t *l4_kernel(void);

/* Index of `va` in a table of `level` (1 to 4). */
static inline unsigned int pt_index(unsigned long va, unsigned int level)
{
    return va >> (12 + 9 * (level - 1)) & 511;
}

/* The entry that maps `va` at `level` (1 to 4) under table `l4`, readable; NULL if a table on the
 * way is missing. */
uint64_t *pt_entry(uint64_t *l4, unsigned long va, unsigned int level);

/* The L1 entry for `va` in the running tables, 0 if there is none. */
uint64_t pte_read(const void *va);

/* Sets the L1 entry for `va` of the running tables and flushes it. The tables must exist.
 * Returns the hypervisor's answer. */
long pte_write(const void *va, uint64_t pte);

/* One mmu_update request: ptr (with its command bits) and val. */
long mmu_update_one(uint64_t ptr, uint64_t val);

/* One mmuext_op on one frame. */
long mmuext_one(unsigned int cmd, unsigned long mfn);

/* Changes how the kit's own mapping of `page` may be used. Panic if refused. */
void page_set_readonly(void *page);
void page_set_writable(void *page);

/* A zeroed page that is already mapped read only, fit to become a page table; and back. */
uint64_t *table_alloc(void);
void table_free(uint64_t *table);

/* Maps `va` (page aligned, outside the hypervisor's hole) under `l4` to `pte`, making the tables on
 * the way (of present, writable, user entries). Works on pinned and unpinned trees alike: entries
 * are set by mmu_update in a validated table, by hand in a private, still writable page.
 * Returns 0 or the hypervisor's error. */
long map_page(uint64_t *l4, unsigned long va, uint64_t pte);

#endif
