/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking from the hypervisor's page tables what only start-up needed. */
#ifndef XEN_X86_PROTECT_H
#define XEN_X86_PROTECT_H
#include "lib/types.h"

/*
 * Once, when all CPUs run and nothing writes to text any more: the image's text and read-only data become
 * read only in the map of all RAM, too, and the guard pages of all stacks (x86/cpu.h) go. Process context,
 * interrupts on. Panics without memory for tables.
 */
void protect_hypervisor(void);
/* Registers the debug key that checks all of it. */
void protect_init(void);
/* Whether an address is in a guard page of this CPU's stacks. Any context. */
bool in_guard_page(uint64_t va);

#endif
