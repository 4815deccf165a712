/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor itself: interrupt flag, pause, CPUID, MSRs, control registers, and which CPU and
 * vCPU we are. (Intel SDM vol. 2 and 3, AMD APM vol. 2 and 3.) The mechanism includes only what
 * the host stand-in (tests/unit/x86/cpu.h) has too: cpu_relax, irq_*, cpu_id, current, per-CPU.
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

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}
static inline void irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}
static inline void irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}
static inline unsigned long irq_save(void)
{
    unsigned long f;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(f)::"memory");
    return f;
}
static inline bool irq_is_enabled(void)
{
    unsigned long f;
    __asm__ volatile("pushfq; popq %0" : "=r"(f)::"memory");
    return f & X86_EFLAGS_IF;
}
static inline void irq_restore(unsigned long f)
{
    if (f & X86_EFLAGS_IF)
        irq_enable();
}

struct cpuid_regs {
    uint32_t a, b, c, d;
};
static inline struct cpuid_regs cpuid_count(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r;
    __asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(sub));
    return r;
}
static inline struct cpuid_regs cpuid(uint32_t leaf)
{
    return cpuid_count(leaf, 0);
}
static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}
/* As above, but a #GP gives -EFAULT instead of a panic (x86/extable.c). */
int rdmsr_safe(uint32_t msr, uint64_t *v);
int wrmsr_safe(uint32_t msr, uint64_t v);
static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}
/* rdtsc that does not run ahead of earlier loads. */
static inline uint64_t rdtsc_ordered(void)
{
    __asm__ volatile("lfence" ::: "memory");
    return rdtsc();
}
#define DEFINE_CR(n)                                               \
    static inline unsigned long read_cr##n(void)                   \
    {                                                              \
        unsigned long v;                                           \
        __asm__ volatile("mov %%cr" #n ",%0" : "=r"(v)::"memory"); \
        return v;                                                  \
    }                                                              \
    static inline void write_cr##n(unsigned long v)                \
    {                                                              \
        __asm__ volatile("mov %0,%%cr" #n ::"r"(v) : "memory");    \
    }
DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)
#undef DEFINE_CR
static inline void clts(void)
{
    __asm__ volatile("clts" ::: "memory");
}
static inline void invlpg(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0,%1" ::"a"(v), "Nd"(port));
}
static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0,%1" ::"a"(v), "Nd"(port));
}
static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0,%1" ::"a"(v), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1,%0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint16_t inw(uint16_t port)
{
    uint16_t v;
    __asm__ volatile("inw %1,%0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t v;
    __asm__ volatile("inl %1,%0" : "=a"(v) : "Nd"(port));
    return v;
}
/* A load or branch after this does not run ahead of what was checked before it (Spectre v1). */
static inline void spec_barrier(void)
{
    __asm__ volatile("lfence" ::: "memory");
}

/*
 * Each CPU has one stack, STACK_SIZE bytes, so aligned. At its top lies struct cpu_info: the
 * frame of the guest's registers and what a CPU must find fast. No segment register is needed:
 * FS and GS belong to the guest at all times.
 *
 *   page 1  #DF stack   page 3  NMI stack   page 5  #MC stack   page 7  #DB stack
 *   pages 9-14  the stack   page 15  the entry page: cpu_info, and the TSS at CPU_TSS_OFFSET
 *   pages 0, 2, 4, 6, 8  guard pages, not mapped (x86/protect.c): who overflows a stack ends on that of #DF
 *
 * Entries from guests write to the entry page alone before they are on the full page tables
 * (x86/xpti.c), and little else ever does: a guest on a CPU with Meltdown can read it.
 */
#define STACK_ORDER 4
#define STACK_SIZE  (PAGE_SIZE << STACK_ORDER)
/* Guard pages; and the page of the stack of #DF, NMI, #MC, #DB: n from 0 on. */
#define STACK_GUARD(page) ((page) <= 8 && !((page)&1))
#define STACK_SPECIAL(n)  (2 * (n) + 1)
#define CPU_TSS_OFFSET    2048

struct vcpu;
struct cpu_info {
    /* For the frame of a fault at IRET, which begins within regs, and so that &regs.es, the stack
     * pointer of entries, is a multiple of 16. */
    uint64_t room[9];
    struct cpu_user_regs regs; /* guest registers while this CPU is in the hypervisor */
    struct vcpu *vcpu;         /* current */
    uint64_t percpu_offset;
    uint32_t cpu;
    uint32_t work;    /* SOFTIRQ_* bits pending on this CPU; set atomically from anywhere */
    uint64_t scratch; /* entry stub: guest's rax */
    /* x86/xpti.c. The full tables to go to on entry, 0: the guest has them; the two bare L4s, of user
     * and kernel mode, one after the other; and what each was copied from, 0: is to be copied anew. */
    uint64_t kernel_cr3, xpti_root, xpti_copied[2];
} __aligned(16);
_Static_assert(sizeof(struct cpu_info) <= CPU_TSS_OFFSET, "the TSS lies behind it");

static inline struct cpu_info *cpu_info(void)
{
    unsigned long sp;
    __asm__("mov %%rsp,%0" : "=r"(sp));
    return (struct cpu_info *)((sp | (STACK_SIZE - 1)) + 1 - PAGE_SIZE);
}
static inline unsigned int cpu_id(void)
{
    return cpu_info()->cpu;
}
/* The vCPU that this CPU runs; the idle vCPU when there is none. */
#define current      (cpu_info()->vcpu)
#define guest_regs() (&cpu_info()->regs)

/*
 * Per-CPU variables: DEFINE_PER_CPU(type, name) in one .c file, DECLARE_PER_CPU elsewhere.
 * They start as zero on every CPU (no initialisers). this_cpu(name) needs no migration care: the hypervisor never moves between CPUs.
 */
#define DEFINE_PER_CPU(type, name)  __section(".bss.percpu") type percpu_##name
#define DECLARE_PER_CPU(type, name) extern type percpu_##name
extern uint64_t percpu_offsets[MAX_CPUS];
#define per_cpu_at(name, off) (*(typeof(percpu_##name) *)((char *)&percpu_##name + (off)))
#define this_cpu(name)        per_cpu_at(name, cpu_info()->percpu_offset)
#define per_cpu(name, cpu)    per_cpu_at(name, percpu_offsets[cpu])

#endif
