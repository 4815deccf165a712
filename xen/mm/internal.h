/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of xen/mm share among themselves. */
#ifndef XEN_MM_INTERNAL_H
#define XEN_MM_INTERNAL_H
#include "mm/frame.h"

/* The last reference went: back to the allocator, uncharged. (alloc.c) */
void frame_release(struct frame *f);
/* Flush d's CPUs if they may hold TLB entries of the frame's former use. (frame.c) */
void frame_flush_stale(struct frame *f, const struct domain *d);

#endif
