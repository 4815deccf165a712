/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a PV domain: which pseudo-physical frame (pfn) lies on which machine frame (mfn).
 *
 * Nothing that the guest built is read for this: neither its p2m list nor its page tables, which a
 * guest that crashed early has not got, and one that means ill makes up. The hypervisor's own
 * machine-to-phys table says it (hv_memory_m2p()), and the hypervisor says which frames are the
 * domain's. A guest may set the entries of its own frames; a number that is too high for it, or
 * given to two frames, costs it that frame in the list.
 */
#ifndef HL_GUEST_FRAMES_H
#define HL_GUEST_FRAMES_H

#include <stddef.h>
#include <stdint.h>

struct guest_frames;
struct hl_error;
struct hv;

struct guest_frame {
    uint64_t pfn, mfn;
};

/*
 * Begins a list of the domain's frames. However large the domain, it takes no more than 16 MiB.
 * Undone by guest_frames_close(). 0 or a negative errno with the record filled. Debian's Xen prints
 * a line for each frame it is asked about that is another domain's, if guest_loglvl is `all`.
 */
int guest_frames_open(struct hv *hv, uint32_t domid, struct guest_frames **list,
                      struct hl_error *e);
void guest_frames_close(struct guest_frames *list);

/*
 * The next ones, at most `max`, in ascending order of pfn, each once. Answers how many, 0 at the
 * end, or a negative errno. The domain may be running; it may have given a frame away when the
 * caller looks at it.
 */
long guest_frames_next(struct guest_frames *list, struct guest_frame *frames, size_t max,
                       struct hl_error *e);

#endif
