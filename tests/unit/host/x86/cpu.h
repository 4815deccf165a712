/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stand-in for xen/x86/cpu.h in programs on the host: one CPU, no interrupts, and a `current` that
 * the test sets.
 */
#ifndef XEN_X86_CPU_H
#define XEN_X86_CPU_H
#include "lib/types.h"
#include "hypercalls/abi/arch-x86_64.h"

#define X86_EFLAGS_CF  (1u << 0)
#define X86_EFLAGS_MBS (1u << 1)
#define X86_EFLAGS_IF  (1u << 9)

static inline void cpu_relax(void)
{
}
static inline void irq_disable(void)
{
}
static inline void irq_enable(void)
{
}
static inline unsigned long irq_save(void)
{
    return 0;
}
static inline bool irq_is_enabled(void)
{
    return true;
}
static inline void irq_restore(unsigned long f)
{
    (void)f;
}
static inline unsigned int cpu_id(void)
{
    return 0;
}

struct vcpu;
extern struct vcpu *current;

#define DEFINE_PER_CPU(type, name)  type percpu_##name
#define DECLARE_PER_CPU(type, name) extern type percpu_##name
#define this_cpu(name)              percpu_##name
#define per_cpu(name, cpu)          (*((void)(cpu), &percpu_##name))

#endif
