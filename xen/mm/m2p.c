/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of the machine-to-phys table itself. Tools that save a domain map them read-only as
 * frames of DOMID_XEN; a chunk becomes mappable when somebody first asks where it is.
 */
#include "mm/alloc.h"
#include "mm/balloon.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "x86/paging.h"

#define CHUNK_FRAMES (MB(2) >> PAGE_SHIFT)

int m2p_chunk_share(unsigned int index, mfn_t *first)
{
    static struct spinlock lock = SPINLOCK_INIT(LOCK_RANGESET); /* nothing is taken under it */

    if (index >= M2P_CHUNKS)
        return -ERANGE;
    int rc = m2p_chunk_mfn(index, first);
    if (rc)
        return rc;
    spin_lock(&lock);
    if (!(READ_ONCE(mfn_to_frame(*first)->info) & FI_ALLOCATED))
        for (unsigned int i = 0; i < CHUNK_FRAMES; i++)
            frame_share(mfn_to_frame(mfn_add(*first, i)), dom_xen, false);
    spin_unlock(&lock);
    return 0;
}
