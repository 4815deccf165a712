/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions, register dumps, symbols. */
#ifndef XEN_X86_TRAPS_H
#define XEN_X86_TRAPS_H
#include "x86/cpu.h"

/* Called by entry.S. */
void do_guest_exception(struct cpu_user_regs *regs);
void do_hypervisor_exception(struct cpu_user_regs *regs);
void do_ist_exception(struct cpu_user_regs *regs);
/* Registers (and, for the hypervisor's own, a symbolised backtrace) to the console. */
void dump_registers(const struct cpu_user_regs *regs);
void dump_backtrace(uint64_t rip, uint64_t rbp);
/* The top of a guest's stack, as far as it can be read. Context of that guest. */
void dump_guest_stack(const struct cpu_user_regs *regs);
/* Name of the function at an address and the offset in it; NULL if unknown. */
const char *symbol_lookup(uint64_t addr, uint64_t *offset);
void traps_init(void);
/* The n-th symbol, for XENPF_get_symbol: false past the last. */
bool symbol_nth(uint32_t n, uint64_t *addr, const char **name);

#endif
