/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One side of the comparison: -DABI_SIDE_XEN takes libxen-dev's headers, otherwise ours. */
#ifdef ABI_SIDE_XEN
#include "abi-xen.h"
#else
#define XEN_WANT_FLEX_CONSOLE_RING
#include "hypercalls/abi/all.h"
#endif
