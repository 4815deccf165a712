/* SPDX-License-Identifier: MIT */
/*
 * Shared folders: 9P messages in rings of bytes, "out" to the backend and "in" back. Nodes of the frontend: version (1),
 * num-rings, ring-refN (of the page with struct xen_9pfs_data_intf), event-channel-N, tag; of the backend: versions,
 * max-rings, max-ring-page-order.
 */
#ifndef HOSPES_ABI_IO_9PFS_H
#define HOSPES_ABI_IO_9PFS_H

#include "ring.h"

DEFINE_XEN_FLEX_RING_AND_INTF(xen_9pfs);

#endif
