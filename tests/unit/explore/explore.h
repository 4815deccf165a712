/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every sequence of a set of operations, up to a depth, on a small world: two domains with a handful
 * of frames, on a CPU each, on the whole mechanism (tests/unit/whole). After each operation the audit
 * runs, and the model of TLBs is asked. Each operation is also disturbed: preempted at its first looks at
 * the preemption flag, then continued at once, or never; its first allocations fail; its first accesses to
 * the memory of the guest fault. A state that was seen is not explored again.
 *
 *   explore.c    the search: snapshots, hashes of states, counting, telling
 *   ops.c        the operations: what a domain may do, in sets ("models") small enough to go deep
 *   tlb_model.c  what each CPU's TLB may hold
 */
#ifndef TESTS_UNIT_EXPLORE_H
#define TESTS_UNIT_EXPLORE_H
#include "whole.h"

#define DOMAINS 2
#define FRAMES  8 /* of each: L4, L3, L2, L1, and data */
#define DATA    4 /* the first of those */

struct world {
    struct whole_guest g[DOMAINS];
    grant_handle_t handle[DOMAINS]; /* of the last grant that it mapped */
    evtchn_port_t port[DOMAINS];
};
extern struct world world; /* part of the state */

struct op {
    /* What it did is in world and in the hypervisor. a, b, c are its own. */
    void (*run)(const struct op *op);
    const char *name; /* with up to three %u: a, b, c */
    uint16_t by;      /* index of the domain that acts; DOMAINS: Domain 0 */
    uint16_t a, b, c;
};

struct model {
    const char *name;
    unsigned int depth;    /* as part of make check */
    void (*make)(void);    /* calls add_op() for each */
    void (*prepare)(void); /* the world, beforehand; or NULL */
    const char *finds;     /* of a model that is wrong on purpose: what must be said of it */
};
void add_op(struct op op);
extern const struct model models[];
extern const unsigned int nr_models;

/* For operations: a hypercall of the domain that acts, preempted as the search wants it. */
long do_call(const struct op *op, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
             uint64_t a4);
/* Frame i of a domain, by what it is now; FRAMES + i: of the other domain. */
mfn_t frame_of(unsigned int domain, unsigned int i);
struct domain *domain_of(unsigned int domain);
/* It is there and its vCPUs can run. */
bool is_alive(unsigned int domain);

/* tlb_model.c. tlb_state is part of the state. */
extern struct tlb_state {
    /* By CPU and page below WHOLE_VA(TLB_PAGES): frames that it may be translated to (bit: frame's
     * number - tlb_base), read-only and writable. */
#define TLB_PAGES 16
    uint64_t ro[2][TLB_PAGES][4], rw[2][TLB_PAGES][4];
    uint64_t tables[2][4]; /* frames that the walker may go on with as tables */
    uint64_t windows[2][2]
                    [4]; /* frames that descriptors may come from: of the first GDT, LDT page */
} tlb_state;
void tlb_start(void);
/* A guest ran: whatever its tables say may be in the TLB now. */
void tlb_fill(void);
/* NULL, or what a TLB may hold that it must not. */
const char *tlb_check(void);
uint64_t tlb_hash(void);

#endif
