/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames: a buddy allocator over all RAM. What is freed by a domain is scrubbed before it can
 * belong to anybody else.
 */
#ifndef XEN_MM_ALLOC_H
#define XEN_MM_ALLOC_H
#include "mm/frame.h"

#define MAX_ORDER 18 /* 1 GiB */

/* Boot: give RAM [start, end) to the allocator (page aligned inwards). */
void frames_add(paddr_t start, paddr_t end);
/* The same, at the end of start-up, with what held a boot module until now: its contents go before anybody gets
 * it. */
void frames_add_used(paddr_t start, paddr_t end);

/*
 * 2^order frames, naturally aligned, for the hypervisor's own use, scrubbed of guests' data but
 * not zeroed. below_bits: 0, or the number of address bits the frames must fit in (32 for DMA).
 * NULL if there are none. Undone by frames_free(). Any process context; takes LOCK_FRAMES.
 */
struct frame *frames_alloc(unsigned int order, unsigned int below_bits);
void frames_free(struct frame *f, unsigned int order);
/* One zeroed page in the map of RAM, for tables and the like; undone by page_free(). */
void *page_zalloc(void);
void page_free(void *page);

/*
 * Frames for a domain, charged to it (tot_pages, max_pages, claims): owner set, ALLOCATED with
 * one reference, on d's list. dom_frames_alloc zeroes only what was freed and not scrubbed since.
 * NULL if d is dying, at its limit or out of memory. Undone by dropping the allocation
 * reference: dom_frame_free() per frame (each frame of a block is freed by itself).
 */
struct frame *dom_frames_alloc(struct domain *d, unsigned int order, unsigned int below_bits);
/* Clears ALLOCATED and drops its reference; true if this call did it (false: was gone). */
bool dom_frame_free(struct frame *f, struct domain *d);
/* Hand a frame of the hypervisor to d as shared page (FI_XENHEAP): owner d, mappable by d. */
void frame_share(struct frame *f, struct domain *d, bool writable);
/* Take it back: no new mapping possible; the frame is freed when the last mapping goes. */
void frame_unshare(struct frame *f, struct domain *d);
/* Move a frame with only its allocation reference from its owner to nobody (true) – for exchange
 * and steal; caller then owns it as from frames_alloc(). */
bool dom_frame_steal(struct frame *f, struct domain *d);
/* Give a hypervisor frame (from frames_alloc or steal) to d. -ENOMEM at its limit. */
int dom_frame_assign(struct frame *f, struct domain *d);

/*
 * What an idle CPU does: scrubs a frame that was freed, which takes about as long as a hypercall, or looks for one. False:
 * nothing is left to do, or another CPU is at it. Process context, no locks held; takes LOCK_FRAMES and may wait for CPUs
 * to flush their TLBs.
 */
bool frames_scrub(void);

/* Counts of frames: free, all RAM given to the allocator, promised by claims, to be scrubbed. */
uint64_t frames_free_count(void);
/* All RAM of the host, with what the firmware's map gives and we keep for ourselves, in frames. */
extern uint64_t host_ram_pages;
uint64_t frames_total_count(void);
uint64_t frames_claimed_count(void);
/* Promise frames to d (XENMEM_claim_pages); 0 cancels. -ENOMEM if they aren't there. */
int dom_claim(struct domain *d, uint64_t pages);

#endif
