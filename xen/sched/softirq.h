/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that a CPU does before it goes back to a guest: bits in cpu_info.work. The exit path to the
 * guest tests the word once; do_softirq() runs with interrupts on, on the CPU's own stack.
 */
#ifndef XEN_SCHED_SOFTIRQ_H
#define XEN_SCHED_SOFTIRQ_H
#include "lib/types.h"

enum softirq {
    SOFTIRQ_CRASH,    /* current's domain was crashed: dump it, before anybody else is scheduled */
    SOFTIRQ_TIMER,    /* sched/timer.c */
    SOFTIRQ_SCHEDULE, /* sched/sched.c */
    SOFTIRQ_TASKLET,  /* deferred calls: scrubbing, quiescence */
    SOFTIRQ_TRAP,     /* an NMI for current (pv/nmi.c) */
    NR_SOFTIRQS
};
/* On this CPU / on another one (sends an IPI if that CPU is not this one). Any context. */
void softirq_raise(enum softirq nr);
void softirq_raise_cpu(unsigned int cpu, enum softirq nr);
void softirq_open(enum softirq nr, void (*fn)(void));
/* Run what is pending; may not return (a context switch resets the stack). Interrupts on. */
void do_softirq(void);
bool softirq_pending(void);

/*
 * Deferred calls: fn(data) runs once, in process context (SOFTIRQ_TASKLET) on the CPU that
 * scheduled it, with interrupts on and no locks held. Scheduling one that is queued already does
 * nothing. Any context.
 */
struct tasklet {
    struct tasklet *next;
    void (*fn)(void *data);
    void *data;
    uint32_t queued; /* atomic */
};
void tasklet_init(struct tasklet *t, void (*fn)(void *), void *data);
void tasklet_schedule(struct tasklet *t);

/* Boot, on each CPU itself, before it raises or is sent anything (sched_init_cpu does it). */
void softirq_init_cpu(void);

#endif
