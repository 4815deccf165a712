/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit for tests of xen/mm, and helpers. */
#ifndef TESTS_UNIT_MM_CHECK_H
#define TESTS_UNIT_MM_CHECK_H
#include "host/host.h"
#include "mm/alloc.h"

/*
 * References that the test itself holds: it tells the audit about each that it takes and drops.
 * kind: FRAME_NONE for a plain one, FRAME_WRITABLE, or a table's type.
 */
void mm_hold(struct frame *f, enum frame_type kind);
void mm_unhold(struct frame *f, enum frame_type kind);

/*
 * The audit (mm/audit.h): ends the test if anything is not as it ought to be. Domains: all that own frames.
 */
void mm_check(struct domain *const *domains, unsigned int n);

/* Drop all that a domain has, as its death does (pv_domain_relinquish). */
void mm_relinquish(struct domain *d);
/* Pin or get a type until it is done or refused, however often it is preempted. */
int mm_pin(struct frame *f, struct domain *d, enum frame_type level);
int mm_unpin(struct frame *f, struct domain *d);
int mm_drain(struct domain *d);

#define PTE_RO (PTE_PRESENT | PTE_USER)
static inline pte_t pte_to(const struct frame *f, uint64_t flags)
{
    return pte_make(frame_to_mfn(f), flags);
}
static inline pte_t *entries_of(struct frame *f)
{
    return frame_to_virt(f);
}

void mm_random_test(void);

#endif
