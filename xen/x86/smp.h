/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other CPUs: starting them, calling functions on them. */
#ifndef XEN_X86_SMP_H
#define XEN_X86_SMP_H
#include "lib/cpumask.h"

/* Set up GDT, IDT, TSS, control registers and MSRs of a CPU just started. (x86/cpu_setup.c) */
void cpu_init_secondary(unsigned int cpu);
/* Where a CPU stays that has nothing to run. (x86/switch.c) */
void idle_loop(void) __noreturn;
/* MADT: highest CPU number known, up or not; APIC and ACPI ids of each. */
extern unsigned int nr_cpus_present;
extern uint32_t cpu_acpi_id[MAX_CPUS];
/* Interrupt side of smp_call and smp_stop_others, for do_irq. */
void smp_handle_call(void);
void smp_handle_stop(void) __noreturn;
/* Start all CPUs of the MADT (up to maxcpus=). Boot CPU, after timers and sched_init. */
void smp_start_cpus(void);
/* First C code of another CPU, on its own stack, called by the trampoline. */
void smp_secondary_entry(void) __noreturn;
/* Allocate stack, per-CPU area, cpu_info of a CPU. x86/percpu.c. 0 or -ENOMEM. */
int cpu_areas_alloc(unsigned int cpu);
/* Call fn(data) on each CPU of the set but this one, in interrupt context; wait: until all ended.
 * Interrupts on (else two CPUs could wait for one another). */
void smp_call(cpumask_t mask, void (*fn)(void *), void *data, bool wait);
/* Make a CPU look at its work word (softirqs, events). */
void smp_kick(unsigned int cpu);
/* Stop all other CPUs (panic, reboot); from any context. */
void smp_stop_others(void);

#endif
