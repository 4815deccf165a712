/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing a domain's reservation: many single frames at once, and exchanges. (balloon.c) */
#ifndef XEN_MM_BALLOON_H
#define XEN_MM_BALLOON_H
#include "mm/frame.h"

/*
 * Take up to n single frames for d, as dom_frames_alloc() does; their numbers go to mfns. Returns
 * how many there were: fewer than n if d is dying or at its limit, or memory ran out. Undone by
 * dom_frames_give(). Process context, no locks held.
 */
unsigned int dom_frames_take(struct domain *d, unsigned int n, unsigned int below_bits,
                             uint64_t *mfns);
/*
 * d gives these frames back. Stops at the first that is not d's own, or is a page table, a
 * descriptor page, pinned, or shared by the hypervisor; returns how many were done. A frame that
 * somebody has still mapped is freed when the last mapping goes. mfns: any numbers, not trusted.
 */
unsigned int dom_frames_give(struct domain *d, const uint64_t *mfns, unsigned int n);
/*
 * In one step d loses the n frames `in` and gets the n frames `out`, blocks from frames_alloc(),
 * with one allocation reference each. 0; or -EINVAL, nothing changed: a frame of `in` is not d's,
 * or is in use in any way, or is named twice; or d is dying. in: any numbers, not trusted.
 */
int dom_frames_exchange(struct domain *d, const uint64_t *in, const uint64_t *out, unsigned int n);

/*
 * Frame that holds the given 2 MiB of the machine-to-phys table; its 512 frames become mappable,
 * read-only, as DOMID_XEN's. -ENOENT: there is no RAM that these entries would describe; -ERANGE:
 * beyond the table. (m2p.c)
 */
int m2p_chunk_share(unsigned int index, mfn_t *first);
#define M2P_CHUNKS DIV_ROUND_UP(max_mfn * sizeof(uint64_t), MB(2))

#endif
