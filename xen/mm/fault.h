/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations that fail on purpose, so that tests see every path behind a failure: the n-th one from
 * now on fails, once, whoever asks. Every public function of mm/alloc.h, and hv_zalloc() and
 * hv_alloc_aligned(), is an allocation, counted once. (mm/fault.c; keys f and F with the boot option
 * alloc-faults; tests/simulate on the host)
 */
#ifndef XEN_MM_FAULT_H
#define XEN_MM_FAULT_H
#include "lib/types.h"

extern unsigned int alloc_fault_left; /* allocations until the one that fails; 0: none will */
bool alloc_fault_count(const void *where);

/* True: the allocation that is asked for fails. */
static inline bool alloc_fault(void)
{
    return unlikely(READ_ONCE(alloc_fault_left)) && alloc_fault_count(__builtin_return_address(0));
}

/* The n-th from now on; 0: none. */
void alloc_fault_arm(unsigned int n);
/* Disarm. True if an allocation failed since it was armed; *where: who asked for it. */
bool alloc_fault_disarm(const void **where);

#endif
