/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address map and page-table entries (Intel SDM vol. 3 ch. 4; AMD APM vol. 2 ch. 5).
 *
 *   L4 slot  address              what
 *   256      0xffff800000000000   machine-to-phys table, readable by guests (ABI)
 *   257      0xffff808000000000   the hypervisor's image, then per-CPU areas and fixmap
 *   258      0xffff810000000000   frame table
 *   259      0xffff818000000000   device mappings (ioremap)
 *   260      0xffff820000000000   per-domain: GDT and LDT views of each vCPU
 *   261      0xffff828000000000   machine-to-phys table, writable, ours
 *   262-271  0xffff830000000000   map of all RAM (5 TiB)
 */
#ifndef XEN_X86_PAGE_H
#define XEN_X86_PAGE_H

#define HV_VIRT_START     0xffff800000000000
#define HV_VIRT_END       0xffff880000000000
#define HV_FIRST_SLOT     256
#define HV_LAST_SLOT      271
#define RO_M2P_START      0xffff800000000000
#define HV_IMAGE_START    0xffff808000000000
#define HV_LOAD_ADDR      0x200000
#define FRAME_TABLE_START 0xffff810000000000
#define IOREMAP_START     0xffff818000000000
#define PERDOMAIN_START   0xffff820000000000
#define PERDOMAIN_SLOT    260
#define RW_M2P_START      0xffff828000000000
#define DIRECTMAP_START   0xffff830000000000
#define DIRECTMAP_END     0xffff880000000000

#define PTE_PRESENT       0x001
#define PTE_RW            0x002
#define PTE_USER          0x004
#define PTE_PWT           0x008
#define PTE_PCD           0x010
#define PTE_ACCESSED      0x020
#define PTE_DIRTY         0x040
#define PTE_PSE           0x080 /* L2, L3 */
#define PTE_PAT           0x080 /* L1 */
#define PTE_GLOBAL        0x100
#define PTE_AVAIL         0xe00
#define PTE_NX            0x8000000000000000
#define PTE_ADDR          0x000ffffffffff000

#ifndef __ASSEMBLY__
#include "lib/types.h"

typedef uint64_t pte_t;

static inline mfn_t pte_mfn(pte_t e)
{
    return mfn_make((e & PTE_ADDR) >> PAGE_SHIFT);
}
static inline pte_t pte_make(mfn_t m, uint64_t flags)
{
    return mfn_x(m) << PAGE_SHIFT | flags;
}
#define L1_INDEX(va) (((uint64_t)(va) >> 12) & 511)
#define L2_INDEX(va) (((uint64_t)(va) >> 21) & 511)
#define L3_INDEX(va) (((uint64_t)(va) >> 30) & 511)
#define L4_INDEX(va) (((uint64_t)(va) >> 39) & 511)

/* RAM through the map of all RAM. Every frame below max_mfn that is RAM is mapped there. */
#ifdef __HYPERVISOR__
static inline void *maddr_to_virt(paddr_t a)
{
    return (void *)(DIRECTMAP_START + a);
}
static inline paddr_t virt_to_maddr(const void *v)
{
    uint64_t a = (uint64_t)v;
    /* Image addresses are the only others whose machine address anybody needs. */
    return a >= DIRECTMAP_START ? a - DIRECTMAP_START : a - HV_IMAGE_START;
}
#else
void *maddr_to_virt(paddr_t a);
paddr_t virt_to_maddr(const void *v);
#endif
static inline void *mfn_to_virt(mfn_t m)
{
    return maddr_to_virt(mfn_x(m) << PAGE_SHIFT);
}
static inline mfn_t virt_to_mfn(const void *v)
{
    return mfn_make(virt_to_maddr(v) >> PAGE_SHIFT);
}
/* Canonical (48-bit) address. */
static inline bool va_is_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}
/* One past the highest RAM frame. */
extern uint64_t max_mfn;

/*
 * Map device memory uncached; never unmapped (a handful at boot). NULL if out of space.
 * Context: boot or process context, no locks needed. (x86/ioremap in x86/paging.c)
 */
void *ioremap(paddr_t start, size_t len);
#endif
#endif
