/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_op's sub-operations: memory_op.c lists them, the other memory_*.c hold them. */
#ifndef HYPERCALLS_MEMORY_H
#define HYPERCALLS_MEMORY_H
#include "hypercalls/hypercall.h"
#include "hypercalls/abi/memory.h"

/* Bits 0-5 of the command are the operation, the rest is how far a continued one has come. */
#define MEMOP_EXTENT_SHIFT 6
#define MEMOP_CMD_MASK     ((1ul << MEMOP_EXTENT_SHIFT) - 1)

/*
 * The largest extent is a superpage. For Domain 0, a little larger ones save calls; the bound is
 * there because an extent is not interrupted while it is scrubbed.
 */
#define MAX_EXTENT_ORDER      9
#define MAX_EXTENT_ORDER_PRIV 12

static inline unsigned int max_extent_order(void)
{
    return current->domain->privileged ? MAX_EXTENT_ORDER_PRIV : MAX_EXTENT_ORDER;
}

/*
 * The domain of an argument, if current may change or ask about it; NULL: *rc. memory_put() undoes
 * it. Current's own domain needs no reference: current keeps it.
 */
static inline struct domain *memory_get_domain(domid_t id, long *rc)
{
    struct domain *d = current->domain;

    if (likely(id == DOMID_SELF || id == d->id))
        return d;
    return domain_get_controlled(id, rc);
}
static inline void memory_put(struct domain *d)
{
    if (unlikely(d != current->domain))
        domain_put(d);
}

/* Each gets the argument's address; start: extents that an earlier call has done. */
long memory_reservation(unsigned int op, guest_ptr_t arg, unsigned long start);
long memory_exchange(guest_ptr_t arg);
long memory_claim(guest_ptr_t arg);
long memory_machphys_mfn_list(guest_ptr_t arg);
long memory_machphys_mapping(guest_ptr_t arg);
long memory_get_map(guest_ptr_t arg);
long memory_set_map(guest_ptr_t arg);
long memory_machine_map(guest_ptr_t arg);
long memory_acquire_resource(guest_ptr_t arg, unsigned long start);

#endif
