/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory operations on other domains (memory_op, mmu_update, mmuext_op), typed: what the domain
 * builder needs. 0 or a negative errno with the record filled, unless said otherwise.
 */
#ifndef HL_HV_MEMORY_H
#define HL_HV_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct hl_error;
struct hv;

/* Stakes out `pages` for the domain before they are allocated; 0 gives the claim back. */
int hv_memory_claim(struct hv *hv, uint32_t domid, uint64_t pages, struct hl_error *e);

/*
 * Allocates `count` extents of 2^order frames at the guest frame numbers in `extents` (in a hypercall
 * buffer), which come back as machine frames; the
 * hypervisor sets their machine-to-phys entries. Answers how many extents were done (may be fewer when
 * memory is fragmented or short), or a negative errno.
 */
long hv_memory_populate(struct hv *hv, uint32_t domid, uint64_t *extents, size_t count,
                        unsigned int order);

struct hv_e820 {
    uint64_t start, size;
    uint32_t type; /* 1 RAM */
} __attribute__((packed));
int hv_memory_set_map(struct hv *hv, uint32_t domid, const struct hv_e820 *map, size_t count,
                      struct hl_error *e);

int hv_memory_current(struct hv *hv, uint32_t domid, uint64_t *pages, struct hl_error *e);
int hv_memory_maximum(struct hv *hv, uint32_t domid, uint64_t *pages, struct hl_error *e);

/* Shared and freed frames of memory sharing, for `info`. */
int hv_memory_sharing(struct hv *hv, uint64_t *freed, uint64_t *used);

/* Pins the domain's top-level page table. */
int hv_memory_pin_l4(struct hv *hv, uint32_t domid, uint64_t mfn, struct hl_error *e);

#endif
