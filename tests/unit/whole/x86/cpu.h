/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stand-in for xen/x86/cpu.h: simulated CPUs, of which one at a time executes. Which one is the
 * variable whole_cpu; everything that a CPU has of its own is indexed by it. Interrupts from other
 * CPUs arrive at once, or, where they are off, when they go on (whole.c).
 */
#ifndef XEN_X86_CPU_H
#define XEN_X86_CPU_H
#include "lib/types.h"
#include "hypercalls/abi/arch-x86_64.h"

#define X86_EFLAGS_CF   (1u << 0)
#define X86_EFLAGS_MBS  (1u << 1)
#define X86_EFLAGS_TF   (1u << 8)
#define X86_EFLAGS_IF   (1u << 9)
#define X86_EFLAGS_DF   (1u << 10)
#define X86_EFLAGS_IOPL (3u << 12)
#define X86_EFLAGS_NT   (1u << 14)
#define X86_EFLAGS_RF   (1u << 16)
#define X86_EFLAGS_VM   (1u << 17)
#define X86_EFLAGS_AC   (1u << 18)
#define X86_EFLAGS_VIF  (1u << 19)
#define X86_EFLAGS_VIP  (1u << 20)
#define X86_EFLAGS_ID   (1u << 21)

struct vcpu;
struct cpu_info {
    struct cpu_user_regs regs; /* of the guest that is in a hypercall */
    struct vcpu *vcpu;         /* current */
    uint32_t cpu;
    uint32_t work;     /* softirqs pending */
    uint64_t cr0, cr3; /* control registers */
    bool irq_on;       /* interrupt flag */
    bool tlb_ipi,
        in_irq; /* a flush was asked for while interrupts were off; handlers do not nest */
};
extern struct cpu_info whole_cpu_info[MAX_CPUS];
extern unsigned int whole_cpu;

static inline struct cpu_info *cpu_info(void)
{
    return &whole_cpu_info[whole_cpu];
}
static inline unsigned int cpu_id(void)
{
    return whole_cpu;
}
#define current      (cpu_info()->vcpu)
#define guest_regs() (&cpu_info()->regs)

/* Somebody waits for another CPU (whole_hooks.relax). */
void cpu_relax(void);
/* What came in while interrupts were off. */
void whole_take_interrupts(void);

static inline void irq_disable(void)
{
    cpu_info()->irq_on = false;
}
static inline void irq_enable(void)
{
    cpu_info()->irq_on = true;
    if (unlikely(cpu_info()->tlb_ipi))
        whole_take_interrupts();
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

/* The processor that the tests run on: what guests see of it comes from there. */
struct cpuid_regs {
    uint32_t a, b, c, d;
};
struct cpuid_regs cpuid_count(uint32_t leaf, uint32_t sub);
/* Another processor, where it is set. */
extern struct cpuid_regs (*whole_cpuid)(uint32_t leaf, uint32_t sub);
static inline struct cpuid_regs cpuid(uint32_t leaf)
{
    return cpuid_count(leaf, 0);
}
/* Model-specific registers: those that hold segment bases read as zero, of others the safe forms fault. */
static inline uint64_t rdmsr(uint32_t msr __unused)
{
    return 0;
}
static inline void wrmsr(uint32_t msr __unused, uint64_t v __unused)
{
}
int rdmsr_safe(uint32_t msr, uint64_t *v);
int wrmsr_safe(uint32_t msr, uint64_t v);
uint64_t rdtsc(void);
static inline uint64_t rdtsc_ordered(void)
{
    return rdtsc();
}
static inline unsigned long read_cr0(void)
{
    return cpu_info()->cr0;
}
static inline void write_cr0(unsigned long v)
{
    cpu_info()->cr0 = v;
}
static inline void clts(void)
{
    cpu_info()->cr0 &= ~8ul;
}
static inline unsigned long read_cr3(void)
{
    return cpu_info()->cr3;
}
/* Loads the tables, and drops all translations of the old ones (whole_tlb_*). */
void write_cr3(unsigned long v);
void invlpg(uint64_t va);
/* Ports of devices (machine.c). */
uint32_t whole_port_in(uint16_t port, unsigned int bytes);
void whole_port_out(uint16_t port, unsigned int bytes, uint32_t v);
static inline uint8_t inb(uint16_t port)
{
    return (uint8_t)whole_port_in(port, 1);
}
static inline uint16_t inw(uint16_t port)
{
    return (uint16_t)whole_port_in(port, 2);
}
static inline uint32_t inl(uint16_t port)
{
    return whole_port_in(port, 4);
}
static inline void outb(uint16_t port, uint8_t v)
{
    whole_port_out(port, 1, v);
}
static inline void outw(uint16_t port, uint16_t v)
{
    whole_port_out(port, 2, v);
}
static inline void outl(uint16_t port, uint32_t v)
{
    whole_port_out(port, 4, v);
}
static inline void spec_barrier(void)
{
}

#define DEFINE_PER_CPU(type, name)  type percpu_##name[MAX_CPUS]
#define DECLARE_PER_CPU(type, name) extern type percpu_##name[MAX_CPUS]
#define this_cpu(name)              percpu_##name[whole_cpu]
#define per_cpu(name, cpu)          percpu_##name[cpu]

#endif
