/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other CPUs: starting them, calling functions on them. */
#ifndef XEN_X86_SMP_H
#define XEN_X86_SMP_H
#include "lib/cpumask.h"

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
