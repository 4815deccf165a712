/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor's own page tables, and its slots in a guest's L4. (x86/paging.c) */
#ifndef XEN_X86_PAGING_H
#define XEN_X86_PAGING_H
#include "x86/page.h"

struct domain;
extern pte_t *idle_l4;      /* tables of idle CPUs: the hypervisor's slots only */
extern uint64_t paddr_mask; /* address bits that the CPU has, as PTE_ADDR bits */

/* Boot: build the final tables from boot_info's map; switch to them. Gives max_mfn. */
void paging_init(void);
/* Fill slots 256-271 of a guest's L4. */
void paging_install_hv_slots(pte_t *l4, struct domain *d);
/* An entry of this L4 was written, or all of it: CPUs with copies look at it again before they go
 * back to a guest. Before references of the old entry are dropped. (x86/xpti.c) */
void paging_root_changed(const pte_t *l4);
/* First frame of the given 2 MiB of the machine-to-phys table. -ENOENT: nothing is mapped there. */
int m2p_chunk_mfn(unsigned int index, mfn_t *first);
/* Allocate from RAM before the allocator runs: n frames, aligned to align bytes, zeroed. */
paddr_t boot_alloc(uint64_t bytes, uint64_t align);
/* Hand all RAM that is left to the frame allocator. Returns the number of frames. */
void boot_alloc_end(void);

#endif
