/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler: weighted fair shares over one run queue a CPU, with caps, hard and soft affinity
 * and balancing; its control interface is that of Xen's credit2. It decides; the switch itself is
 * context_switch() of x86/.
 */
#ifndef XEN_SCHED_SCHED_H
#define XEN_SCHED_SCHED_H
#include "lib/cpumask.h"
#include "lib/list.h"
#include "sched/timer.h"

struct domain;
struct vcpu;
struct vcpu_runstate_info;

/* Per vCPU; fields belong to sched.c under the run-queue lock of v->processor. */
struct sched_vcpu {
    struct list link; /* run queue, by vtime */
    int64_t vtime;    /* weighted time used */
    s_time_t started; /* from when its time is to be booked */
    s_time_t since;   /* when it was last put on the CPU in another's place */
    bool queued, yielding, parked /* out of cap */;
    bool woken;  /* and has not run since */
    bool pinned; /* SCHEDOP_pin_override: then this is the hard affinity to return to */
    cpumask_t unpinned;
    bool
        move; /* runnable, but not on this CPU any more: placed anew once its registers are saved */
};
struct sched_domain {
    uint16_t weight, cap; /* weight 256 default; cap in % of one CPU, 0 none */
    uint32_t inv_weight;  /* 256 / weight in 16.16 fixed point */
    int64_t cap_budget;   /* ns left in this period */
    struct timer cap_timer;
    uint32_t pool;
};

void sched_init(void); /* boot CPU, before any vCPU exists */
/* On each CPU itself, once: creates its idle vCPU and makes it current. Boot CPU: right after
 * sched_init() and cpu_info are there; needs the heap. */
void sched_init_cpu(unsigned int cpu);
extern struct vcpu *idle_vcpu[MAX_CPUS];
int sched_init_domain(struct domain *d);
void sched_destroy_domain(struct domain *d);
int sched_init_vcpu(struct vcpu *v, unsigned int cpu);
void sched_destroy_vcpu(struct vcpu *v);

/* v may have become runnable: queue it, kick a CPU. Any context, interrupts on or off. */
void vcpu_wake(struct vcpu *v);
/* v may not be runnable any more (pause flags were set): take it off. nosync returns at once. */
void vcpu_sleep_nosync(struct vcpu *v);
/* As above and wait until its registers are saved and it is on no CPU. Not for current. */
void vcpu_sleep_sync(struct vcpu *v);
/* Counted pauses by the hypervisor. */
void vcpu_pause(struct vcpu *v);
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
void domain_pause(struct domain *d);
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);
/* Pauses by the toolstack: counted as well, but by one counter of the domain (domctl). */
int domain_pause_by_tools(struct domain *d);
int domain_unpause_by_tools(struct domain *d);

/* sched_op of current. block returns at once if an event is pending; else the CPU is given up on
 * the way back to the guest (SOFTIRQ_SCHEDULE). */
void vcpu_block(void);
long vcpu_yield(void);
bool vcpu_runnable(const struct vcpu *v);

/*
 * The scheduler proper, on SOFTIRQ_SCHEDULE. If another vCPU is chosen, it calls
 * context_switch(prev, next) with interrupts off, which must stay off until
 * sched_context_saved(prev), and does not return.
 */
void schedule(void);
/* After a switch: prev's registers are saved, it may run elsewhere now. Called by x86. */
void sched_context_saved(struct vcpu *prev);
/* v got something to look at (an event): unblock it, or make the CPU that runs it look. Any
 * context. The caller's store before must be ordered by a locked operation. */
void vcpu_kick(struct vcpu *v);

/* Affinities. -EINVAL if no online CPU would remain in the hard one. */
int vcpu_set_hard_affinity(struct vcpu *v, cpumask_t m);
/* SCHEDOP_pin_override: for v == current alone on this CPU until undone with a negative one; meanwhile
 * vcpu_set_hard_affinity() gives -EBUSY, unless force undoes it. */
int vcpu_pin_override(struct vcpu *v, int cpu);
void vcpu_pin_force_off(struct vcpu *v);
int vcpu_set_soft_affinity(struct vcpu *v, cpumask_t m);
/* domctl scheduler_op. */
int sched_set_params(struct domain *d, uint16_t weight, uint16_t cap);
void sched_get_params(const struct domain *d, uint16_t *weight, uint16_t *cap);
/* sysctl scheduler_op: for so many microseconds who was put on a CPU has it, whoever wakes. 0: not at all. */
uint32_t sched_get_ratelimit(void);
void sched_set_ratelimit(uint32_t us);
/* Nanoseconds that v has run, up to now. */
s_time_t vcpu_cpu_time(const struct vcpu *v);
s_time_t cpu_idle_time(unsigned int cpu);
/* Run states (ABI RUNSTATE_*): scheduler calls it at each change; copies to the guest's area on
 * the way back in (vcpu_runstate_copy). */
void vcpu_runstate_change(struct vcpu *v, int state, s_time_t now);
/* Copy current's run state to the area that it registered; a no-op without one. Process context
 * of v == current, with its address space; after v got onto a CPU and at registration. */
void vcpu_runstate_copy(struct vcpu *v);
/* The run state up to now, for VCPUOP_get_runstate_info. Any vCPU. */
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out);

#endif
