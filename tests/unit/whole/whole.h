/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole mechanism on the host: xen/mm, xen/domain, xen/sched, xen/pv (but bounces and emulation)
 * and the hypercalls, with real frames, page tables, grant tables, event channels and TLB clock. Only
 * the machine below is a stand-in: CPUs, guest access, context switch, time, interrupts of devices.
 *
 *   CPUs     One host thread. whole_cpu is the CPU that executes; whoever changes it (a test, a
 *            scheduler of fibers) makes another CPU execute. State of a CPU: whole_cpu_info[].
 *   IPIs     TLB flushes and smp_call() arrive at once if the other CPU has interrupts on, else when
 *            it switches them on. Kicks do nothing but call hooks.kick.
 *   Guests   Their hypercall arguments lie in one arena of host memory, whose addresses are the
 *            guests' addresses: the same for all guests. Any other address faults (-EFAULT). Page
 *            tables do not take part in that, but are as real as can be otherwise.
 *   State    All of it is in whole_ram() and in static variables of the mechanism and of this stand-in.
 *            Nothing is malloc()ed: a fork(), or a copy of both (tests/unit/explore), is a snapshot.
 *
 * A program that links this defines panic() and printk(): tests/unit/host/unit.c does.
 */
#ifndef TESTS_UNIT_WHOLE_H
#define TESTS_UNIT_WHOLE_H
#include "domain/domain.h"
#include "hypercalls/hypercall.h"
#include "lib/lib.h"

/* ---- the machine ---- */

#define WHOLE_FIRST_MFN  16 /* below: not RAM; frame 1 stands for the hypervisor's image */
#define WHOLE_MAX_FRAMES 8192
/*
 * This many CPUs (each idle) and frames of RAM; Domain 0, with one vCPU and a few frames
 * (whole_dom0). Once per process. A small domain needs about 20 frames besides its own.
 */
void whole_start(unsigned int cpus, unsigned int frames);
extern s_time_t whole_now; /* system time, ns: moves only when somebody moves it */
/* Its devices (machine.c): part of whole_start(). */
void whole_machine_start(void);
/* RAM, from frame 0 (WHOLE_FIRST_MFN frames of it are a hole), and behind it the tables of frames. */
void *whole_ram(void);
size_t whole_ram_size(void);

/* ---- domains ---- */

#define WHOLE_GUEST_FRAMES 64
struct whole_guest {
    struct domain *d;
    unsigned int nr; /* frames below */
    /* 0-3: its L4, L3, L2, L1, which map frame i at WHOLE_VA(i): the four read-only. */
    mfn_t frame[WHOLE_GUEST_FRAMES];
};
#define WHOLE_VA(i) ((uint64_t)(i) << PAGE_SHIFT)
extern struct whole_guest whole_dom0;
/*
 * A PV domain with that many vCPUs, initialised, on these tables, unpaused, and frames (4 or more;
 * machine_to_phys gives their index), through the functions behind domctl. *g is filled. False: no
 * memory; nothing is left of it.
 */
bool whole_guest_create(struct whole_guest *g, domid_t id, unsigned int vcpus, unsigned int frames);
/* Kill it as domctl_destroydomain does, until that is done, and free it if nobody holds it. */
void whole_guest_kill(struct domain *d);

/* ---- executing ---- */

/*
 * v gets the CPU that it was last on (v->processor), which executes from here on: its tables are
 * loaded as by a context switch. The scheduler is not asked: to it that CPU still runs whatever it ran,
 * until somebody waits for v to leave its CPU (then it does), or whole_leave(). For a vCPU that
 * really runs there (is_running), only whole_cpu changes.
 */
void whole_enter(struct vcpu *v);
/* That CPU goes back to what the scheduler has there. */
void whole_leave(unsigned int cpu);

/* Hypercalls by number. */
struct whole_call {
    unsigned int nr;
    uint64_t arg[5];
    long result; /* of the last issue, if it was no continuation */
    bool again;  /* the last issue asks for another; arg[] is what it asks to be called with */
    unsigned int issues;
};
/* Enter v, issue the call once through its dispatch table (rights!). Result: c->again. */
bool whole_issue(struct vcpu *v, struct whole_call *c);
/* Issue until done (softirqs served in between: whole_softirqs), answer the result. */
long whole_hypercall(struct vcpu *v, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
                     uint64_t a4, uint64_t a5);
/* Serve what is deferred on all CPUs (tasklets, timers that are due), but the schedulers. */
void whole_softirqs(void);
/*
 * One CPU's idle or exit loop, for simulations in which the scheduler decides: serves all softirqs
 * of whole_cpu, the scheduler's included, which may change its current. No vCPU may be entered there
 * against the scheduler (whole_enter). Returns when no work is left.
 */
void whole_cpu_step(void);

/* ---- guest memory: the arena ---- */

#define WHOLE_ARENA      0x20000000ull
#define WHOLE_ARENA_SIZE 0x10000ull
static inline void *whole_arena(uint64_t offset)
{
    return (void *)(WHOLE_ARENA + offset);
}
/* An address that always faults. */
#define WHOLE_BAD_VA 0xdead0000ull

/* ---- on demand ---- */

/* The n-th preempt_check() from now on is true (0: none); how many there were. */
extern unsigned int whole_preempt_at;
extern unsigned long whole_preempt_checks;
/* The n-th allocation (frames, heap) from now on fails (0: none); how many were asked for. */
extern unsigned int whole_fail_at;
extern unsigned long whole_allocs;
/* The n-th guest access from now on faults (0: none); how many there were. */
extern unsigned int whole_fault_at;
extern unsigned long whole_accesses;

/*
 * Called back if set. lock: before a lock is taken (also after a successful trylock); unlock: before
 * it is given back; relax: somebody waits for another CPU (without it: the test fails). These three,
 * and preempt, may make other CPUs execute, if they come back with whole_cpu as it was. preempt and
 * alloc_fails replace the counters above.
 */
struct whole_hooks {
    void (*lock)(const struct spinlock *l);
    void (*unlock)(const struct spinlock *l);
    void (*relax)(void);
    bool (*preempt)(void);
    bool (*alloc_fails)(void);
    void (*kick)(unsigned int cpu);
    /* The CPU drops a page's translation, or (0) all. */
    void (*flush)(uint64_t va);
    /* Before an access to guest memory. */
    void (*access)(void);
};
extern struct whole_hooks whole_hooks;
/* What preempt_check() is in the hypervisor: work for this CPU, or an event for current. */
bool whole_real_preempt_check(void);
/* TLB flushes (CR3 loads, single pages count, too) on each CPU. */
extern unsigned long whole_flushes[MAX_CPUS];

/* ---- the audit ---- */

struct audit;
/* Numbers of the last audit (mm/audit.h); `others` may be set. */
extern struct audit whole_auditor;
/* Audit everything, between two hypercalls: NULL, or the first violation. All go to printk(), too. */
const char *whole_audit(void);
/* Whether the last audit said something with this text in it. */
bool whole_audit_says(const char *text);

#endif
