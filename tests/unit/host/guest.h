/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest as hypercall handlers see it. (guest.c) */
#ifndef TESTS_UNIT_HOST_GUEST_H
#define TESTS_UNIT_HOST_GUEST_H
#include "host/host.h"
#include "hypercalls/hypercall.h"

#define GUEST_BASE 0x100000ull
#define GUEST_SIZE 0x20000ull
extern char guest_memory[GUEST_SIZE];
/* Accesses to [from, to) fault. */
extern uint64_t guest_fault_from, guest_fault_to;

/* What the last handler asked to be called again with; the caller clears `asked`. */
struct guest_continuation {
    bool asked;
    unsigned int nr;
    unsigned long args[5];
};
extern struct guest_continuation guest_continuation;

static inline void *guest_at(uint64_t va)
{
    return guest_memory + (va - GUEST_BASE);
}

#endif
