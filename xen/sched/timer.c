/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers: a pairing heap per CPU, ordered by expiry.
 *
 * The hardware is programmed lazily. Each CPU remembers for when it is programmed; arming a timer
 * that is not the next, stopping one, or moving one later leaves the hardware alone: it fires
 * early once, and the handler programs what is due then. Guests arm and stop far more timers than
 * ever fire.
 */
#include "sched/timer.h"
#include "sched/softirq.h"
#include "lib/lib.h"
#include "lib/spinlock.h"
#include "x86/cpu.h"
#include "x86/smp.h"
#include "x86/time.h"

struct timers {
    struct spinlock lock; /* LOCK_TIMER, interrupts off */
    struct timer *root;
    struct timer *running; /* whose callback this CPU is in */
    s_time_t programmed;   /* the hardware fires then; 0: not at all. Only its CPU writes it */
} __aligned(64);
static struct timers timers[MAX_CPUS];

/* Join two heaps (roots without siblings); the earlier root wins. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    struct timer *t;

    if (!a)
        return b;
    if (!b)
        return a;
    if (b->expires < a->expires) {
        t = a;
        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    b->prev = a;
    a->child = b;
    return a;
}

/* Make one heap of a list of siblings: meld in pairs, then the pairs from the last to the first.
 * Two passes with a list through next instead of recursion, which a guest could make deep. */
static struct timer *meld_siblings(struct timer *first)
{
    struct timer *pairs = NULL, *root = NULL;

    while (first) {
        struct timer *a = first, *b = a->next, *m;
        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        m = meld(a, b);
        m->next = pairs;
        pairs = m;
    }
    while (pairs) {
        struct timer *m = pairs;
        pairs = m->next;
        m->next = m->prev = NULL;
        root = meld(root, m);
    }
    return root;
}

static void heap_remove(struct timers *ts, struct timer *t)
{
    struct timer *rest = meld_siblings(t->child);

    if (t == ts->root) {
        ts->root = rest;
    } else {
        if (t->prev->child == t)
            t->prev->child = t->next;
        else
            t->prev->next = t->next;
        if (t->next)
            t->next->prev = t->prev;
        ts->root = meld(ts->root, rest);
    }
    t->child = t->next = t->prev = NULL;
    t->queued = false;
}

/* The heap that t belongs to, locked. t->cpu changes only under the lock of the old one. */
static struct timers *lock_timer(struct timer *t, unsigned long *flags)
{
    for (;;) {
        unsigned int cpu = READ_ONCE(t->cpu);
        struct timers *ts = &timers[cpu];
        *flags = spin_lock_irqsave(&ts->lock);
        if (likely(READ_ONCE(t->cpu) == cpu))
            return ts;
        spin_unlock_irqrestore(&ts->lock, *flags);
    }
}

/* The next expiry of this CPU's or another CPU's heap came nearer. Lock held, interrupts off. */
static void program(struct timers *ts, unsigned int cpu)
{
    s_time_t t = ts->root->expires;

    if (ts->programmed && ts->programmed <= t)
        return;
    if (cpu == cpu_id()) {
        ts->programmed = t;
        timer_hw_program(t);
    } else {
        softirq_raise_cpu(cpu, SOFTIRQ_TIMER);
    }
}

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu)
{
    *t = (struct timer){.fn = fn, .data = data, .cpu = (uint16_t)cpu};
}

void timer_set(struct timer *t, s_time_t expires)
{
    unsigned long flags;
    struct timers *ts = lock_timer(t, &flags);

    if (likely(!t->dead)) {
        if (t->queued)
            heap_remove(ts, t);
        /* 0 would mean "never" to the hardware. */
        t->expires = expires > 0 ? expires : 1;
        t->queued = true;
        ts->root = meld(ts->root, t);
        if (ts->root == t)
            program(ts, t->cpu);
    }
    spin_unlock_irqrestore(&ts->lock, flags);
}

void timer_stop(struct timer *t)
{
    unsigned long flags;
    struct timers *ts;

    if (!READ_ONCE(t->queued))
        return;
    ts = lock_timer(t, &flags);
    if (t->queued)
        heap_remove(ts, t);
    spin_unlock_irqrestore(&ts->lock, flags);
}

void timer_kill(struct timer *t)
{
    unsigned long flags;
    struct timers *ts;
    unsigned int cpu;

    if (!t->fn) /* never initialised */
        return;
    ts = lock_timer(t, &flags);
    if (t->queued)
        heap_remove(ts, t);
    t->dead = true;
    spin_unlock_irqrestore(&ts->lock, flags);

    /* It may run on any CPU that it has been on; our own would mean that its callback called us. */
    cpumask_for_each(cpu, cpu_online_map) while (
        cpu != cpu_id() && atomic_load(&timers[cpu].running) == t) cpu_relax();
}

void timer_migrate(struct timer *t, unsigned int cpu)
{
    unsigned long flags;
    struct timers *ts;
    bool queued;

    if (READ_ONCE(t->cpu) == cpu)
        return;
    ts = lock_timer(t, &flags);
    queued = t->queued;
    if (queued)
        heap_remove(ts, t);
    WRITE_ONCE(t->cpu, (uint16_t)cpu);
    spin_unlock_irqrestore(&ts->lock, flags);
    /* Somebody may have armed or stopped it since; then their time is as good as ours. */
    if (queued)
        timer_set(t, t->expires);
}

/* SOFTIRQ_TIMER: raised by the timer interrupt, or by another CPU that armed an earlier timer. */
static void run_timers(void)
{
    unsigned int cpu = cpu_id();
    struct timers *ts = &timers[cpu];
    s_time_t t = now(); /* what is due later has an interrupt to come, at once if need be */

    spin_lock_irq(&ts->lock);
    while (ts->root && ts->root->expires <= t) {
        struct timer *due = ts->root;
        void (*fn)(void *) = due->fn;
        void *data = due->data;
        heap_remove(ts, due);
        atomic_store(&ts->running, due);
        spin_unlock_irq(&ts->lock);
        fn(data);
        spin_lock_irq(&ts->lock);
        /* From here on timer_kill()'s caller may free it. */
        atomic_store(&ts->running, NULL);
    }
    /* Whether the hardware has fired is not known here: always told anew. */
    ts->programmed = ts->root ? ts->root->expires : 0;
    if (ts->root)
        timer_hw_program(ts->programmed);
    spin_unlock_irq(&ts->lock);
}

void timers_init_cpu(unsigned int cpu)
{
    spin_lock_init(&timers[cpu].lock, LOCK_TIMER);
}

void timers_init(void)
{
    for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
        timers_init_cpu(cpu);
    softirq_open(SOFTIRQ_TIMER, run_timers);
}
