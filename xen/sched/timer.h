/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One-shot timers in system time, a heap per CPU; callbacks run in SOFTIRQ_TIMER context, with
 * interrupts on and no locks held. The heap is a pairing heap inside the timers themselves:
 * arming needs no memory and about a dozen instructions.
 */
#ifndef XEN_SCHED_TIMER_H
#define XEN_SCHED_TIMER_H
#include "lib/types.h"

struct timer {
    s_time_t expires;
    void (*fn)(void *data);
    void *data;
    uint16_t cpu; /* whose heap; all below: LOCK_TIMER of that CPU */
    bool queued, dead;
    struct timer *child, *next, *prev; /* prev: elder sibling, or parent of a first child */
};
void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu);
/* (Re)arm; a time in the past fires at once. Allowed from the timer's own callback. */
void timer_set(struct timer *t, s_time_t expires);
void timer_stop(struct timer *t);
/* Stop and wait until a callback running elsewhere has ended; no later timer_set has effect. */
void timer_kill(struct timer *t);
/* Move to another CPU's heap, armed or not. */
void timer_migrate(struct timer *t, unsigned int cpu);
void timers_init_cpu(unsigned int cpu);
/* Opens the softirq; boot CPU, first. */
void timers_init(void);

#endif
