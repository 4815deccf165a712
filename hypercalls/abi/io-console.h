/* SPDX-License-Identifier: MIT */
/* The page of a PV console: "in" flows to the guest, "out" from it. */
#ifndef HOSPES_ABI_IO_CONSOLE_H
#define HOSPES_ABI_IO_CONSOLE_H

#include "xen.h"

typedef uint32_t XENCONS_RING_IDX;

#define MASK_XENCONS_IDX(idx, ring) ((idx) & (sizeof(ring) - 1))

struct xencons_interface {
    char in[1024];
    char out[2048];
    XENCONS_RING_IDX in_cons, in_prod;
    XENCONS_RING_IDX out_cons, out_prod;
};
XEN_ABI_OFFSET(struct xencons_interface, in_cons, 3072);
XEN_ABI_SIZE(struct xencons_interface, 3088);

#ifdef XEN_WANT_FLEX_CONSOLE_RING
#include "ring.h"
DEFINE_XEN_FLEX_RING(xencons);
#endif

#endif
