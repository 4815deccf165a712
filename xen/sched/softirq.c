/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deferred work of each CPU: bits in cpu_info.work, and the list of tasklets behind one of them.
 * Bits are served lowest first, so timers run before the scheduler that they may have woken.
 */
#include "sched/softirq.h"
#include "lib/atomic.h"
#include "lib/lib.h"
#include "lib/spinlock.h"
#include "x86/cpu.h"
#include "x86/smp.h"

static void (*handlers[NR_SOFTIRQS])(void);
static struct cpu_info *cpu_infos[MAX_CPUS];
/* Tasklets that wait on each CPU: a stack, pushed from any context, taken whole by its CPU. */
static struct tasklet *tasklets[MAX_CPUS];

void softirq_open(enum softirq nr, void (*fn)(void))
{
    handlers[nr] = fn;
}

void softirq_raise(enum softirq nr)
{
    atomic_or(&cpu_info()->work, 1u << nr);
}

void softirq_raise_cpu(unsigned int cpu, enum softirq nr)
{
    struct cpu_info *ci;

    if (cpu == cpu_id()) {
        softirq_raise(nr);
        return;
    }
    ci = atomic_load(&cpu_infos[cpu]);
    /* A bit that was set already had its kick. */
    if (ci && !(atomic_fetch_or(&ci->work, 1u << nr) & 1u << nr))
        smp_kick(cpu);
}

bool softirq_pending(void)
{
    return READ_ONCE(cpu_info()->work) != 0;
}

void do_softirq(void)
{
    struct cpu_info *ci = cpu_info();
    uint32_t work;

    while ((work = READ_ONCE(ci->work)) != 0) {
        unsigned int nr = (unsigned int)__builtin_ctz(work);
        /* Locked: other CPUs set bits at the same time. */
        atomic_and(&ci->work, ~(1u << nr));
        if (nr < NR_SOFTIRQS && handlers[nr])
            handlers[nr]();
    }
}

void tasklet_init(struct tasklet *t, void (*fn)(void *), void *data)
{
    *t = (struct tasklet){.fn = fn, .data = data};
}

void tasklet_schedule(struct tasklet *t)
{
    struct tasklet **head = &tasklets[cpu_id()];

    if (atomic_xchg(&t->queued, 1u))
        return;
    t->next = atomic_load(head);
    while (!atomic_cmpxchg(head, &t->next, t))
        ;
    softirq_raise(SOFTIRQ_TASKLET);
}

static void run_tasklets(void)
{
    struct tasklet *t = atomic_xchg(&tasklets[cpu_id()], NULL);

    while (t) {
        struct tasklet *next = t->next;
        /* Before the call: fn may schedule it again, or free it. */
        atomic_store(&t->queued, 0u);
        t->fn(t->data);
        t = next;
    }
}

void softirq_init_cpu(void)
{
    handlers[SOFTIRQ_TASKLET] = run_tasklets;
    atomic_store(&cpu_infos[cpu_id()], cpu_info());
}
