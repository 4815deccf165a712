/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory operations on other domains (memory_op, mmu_update, mmuext_op), typed: what the domain
 * builder needs. 0 or a negative errno with the record filled, unless said otherwise.
 */
#ifndef HL_HV_MEMORY_H
#define HL_HV_MEMORY_H

#include <stdbool.h>
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

/*
 * Where the machine-to-phys table lies, 2 MiB of it (HV_M2P_PIECE entries of 64 bits) a piece: the
 * first frame of each, to be mapped as DOMID_XEN's. A piece that says the same as the one before it,
 * or 0, is a hole. `frames` is a hypercall buffer. *host_frames: one more than the highest frame
 * number of the host.
 */
#define HV_M2P_PIECE (1u << 18)
int hv_memory_host_frames(struct hv *hv, uint64_t *host_frames, struct hl_error *e);
int hv_memory_m2p(struct hv *hv, uint64_t *frames, size_t max, size_t *count, struct hl_error *e);

/*
 * Which frames are the domain's: `frames`, a hypercall buffer of up to HV_MAX_FRAME_TYPES numbers,
 * comes back as their types; hv_frame_is_owned() reads one.
 */
#define HV_MAX_FRAME_TYPES 1024
int hv_memory_frame_types(struct hv *hv, uint32_t domid, uint64_t *frames, size_t count,
                          struct hl_error *e);
bool hv_frame_is_owned(uint64_t type);

/* Pins the domain's top-level page table. */
int hv_memory_pin_l4(struct hv *hv, uint32_t domid, uint64_t mfn, struct hl_error *e);

#endif
