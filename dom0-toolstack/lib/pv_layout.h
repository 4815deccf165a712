/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where everything goes in a new 64-bit PV domain, in pseudo-physical frames (pfn):
 *
 *   0 … mapped_end   the initial mapping, which begins at virt_base and is contiguous:
 *                    kernel, [ramdisk], [p2m list], start_info, xenstore ring, console ring,
 *                    page tables, stack, padding (at least 512 KiB, to a 4 MiB boundary)
 *   behind it        ramdisk where the kernel takes it unmapped, p2m list where the kernel names an
 *                    address for it (INIT_P2M), followed by the page tables for that address
 *   … nr_pages       free memory
 *
 * Pure arithmetic, without a hypervisor: the unit tests check it for many shapes.
 */
#ifndef HL_PV_LAYOUT_H
#define HL_PV_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

struct hl_error;
struct kernel_image;

/* The tables of one level that a range of addresses needs: table i maps the i-th span from `first`. */
struct pv_tables {
    uint64_t first; /* index of the first span: address >> shift of the level above the entries */
    uint64_t count;
    uint64_t pfn; /* of the first table; the others follow */
};

struct pv_layout {
    uint64_t virt_base, nr_pages;
    uint64_t kernel_pfn, kernel_pages;
    uint64_t ramdisk_pfn, ramdisk_pages;
    bool ramdisk_mapped;
    uint64_t p2m_pfn, p2m_pages; /* the list alone */
    uint64_t p2m_va;
    bool p2m_apart; /* at an address of its own, with its own tables */
    uint64_t p2m_table_pages;
    uint64_t start_info_pfn, store_pfn, console_pfn, stack_pfn;
    uint64_t tables_pfn, nr_tables; /* of the initial mapping: L4 first */
    uint64_t used_end;              /* of the initial mapping, without padding */
    uint64_t mapped_end;            /* with it */
    uint64_t end;                   /* first free pfn */

    /* Levels 1 to 3, at index 1 to 3; the one L4 is tables_pfn. */
    struct pv_tables initial[4], p2m[4];
};

/*
 * -ENOMEM with a record that says how much memory the kernel needs at least; -ENOEXEC for a kernel
 * whose wishes cannot be met.
 */
int pv_layout_make(struct pv_layout *l, const struct kernel_image *img, uint64_t ramdisk_bytes,
                   uint64_t nr_pages, struct hl_error *e);

/* Virtual address of a pfn in the initial mapping. */
static inline uint64_t pv_layout_va(const struct pv_layout *l, uint64_t pfn)
{
    return l->virt_base + (pfn << 12);
}

/* The table (pfn) of `level` (1 to 4) that maps `va`; the range of `va` must be one of the two. */
uint64_t pv_layout_table(const struct pv_layout *l, unsigned int level, uint64_t va);

/* True for a frame that is a page table, so that it must be mapped read-only. */
bool pv_layout_is_table(const struct pv_layout *l, uint64_t pfn);

#endif
