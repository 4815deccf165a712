/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stand-in for xen/x86/cpu.h: several simulated CPUs, of which one at a time executes (sim_cpu).
 * Interrupts are what the simulation calls between two steps, so the flag only needs to be kept.
 */
#ifndef XEN_X86_CPU_H
#define XEN_X86_CPU_H
#include "lib/types.h"
#include "hypercalls/abi/arch-x86_64.h"

#define X86_EFLAGS_IF (1u << 9)

struct vcpu;
struct cpu_info {
    struct vcpu *vcpu;
    uint32_t cpu;
    uint32_t work;
    bool irq_on;
};
extern struct cpu_info sim_cpu_info[MAX_CPUS];
extern unsigned int sim_cpu;
struct cpuid_regs {
    uint32_t a, b, c, d;
};
/* The CPU that the test runs on. */
struct cpuid_regs cpuid_count(uint32_t leaf, uint32_t sub);
static inline struct cpuid_regs cpuid(uint32_t leaf)
{
    return cpuid_count(leaf, 0);
}

/* Somebody waits for another CPU that cannot run meanwhile: the simulation ends such a test. */
void cpu_relax(void);
static inline struct cpu_info *cpu_info(void)
{
    return &sim_cpu_info[sim_cpu];
}
static inline unsigned int cpu_id(void)
{
    return sim_cpu;
}
#define current (cpu_info()->vcpu)
static inline void irq_disable(void)
{
    cpu_info()->irq_on = false;
}
static inline void irq_enable(void)
{
    cpu_info()->irq_on = true;
}
static inline unsigned long irq_save(void)
{
    bool on = cpu_info()->irq_on;
    cpu_info()->irq_on = false;
    return on ? X86_EFLAGS_IF : 0;
}
static inline bool irq_is_enabled(void)
{
    return cpu_info()->irq_on;
}
static inline void irq_restore(unsigned long f)
{
    if (f & X86_EFLAGS_IF)
        irq_enable();
}

#define DEFINE_PER_CPU(type, name)  type percpu_##name[MAX_CPUS]
#define DECLARE_PER_CPU(type, name) extern type percpu_##name[MAX_CPUS]
#define this_cpu(name)              percpu_##name[sim_cpu]
#define per_cpu(name, cpu)          percpu_##name[cpu]

#endif
