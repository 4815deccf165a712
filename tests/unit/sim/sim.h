/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated machine for xen/sched, xen/domain and the hypercalls in front of them: CPUs with
 * timers and kicks in simulated time, vCPUs that compute, sleep and wake by a script, frames with
 * plain counts, and guest memory that is host memory.
 */
#ifndef TESTS_UNIT_SIM_H
#define TESTS_UNIT_SIM_H
#include "hypercalls/hypercall.h"
#include "domain/grant_table.h"
#include "lib/lib.h"

/* ---- the runner: each test in a process of its own, a line for each ---- */
struct sim_test {
    const char *name;
    void (*run)(void);
};
int sim_main(const struct sim_test *tests, unsigned int n, int argc, char **argv);
void sim_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4) __noreturn;
#define EXPECT(c)                                   \
    do {                                            \
        if (!(c))                                   \
            sim_fail(__FILE__, __LINE__, "%s", #c); \
    } while (0)
#define EXPECT_EQ(a, b)                                                                   \
    do {                                                                                  \
        long long a_ = (long long)(a), b_ = (long long)(b);                               \
        if (a_ != b_)                                                                     \
            sim_fail(__FILE__, __LINE__, "%s is %lld (%#llx), not %lld", #a, a_, a_, b_); \
    } while (0)
#define EXPECT_NEAR(a, b, tolerance)                                           \
    do {                                                                       \
        double a_ = (double)(a), b_ = (double)(b);                             \
        if (a_ < b_ - (tolerance) || a_ > b_ + (tolerance))                    \
            sim_fail(__FILE__, __LINE__, "%s is %g, not %g +- %g", #a, a_, b_, \
                     (double)(tolerance));                                     \
    } while (0)

/* ---- the machine ---- */
#define SIM_MS     1000000ll
#define SIM_S      1000000000ll
#define SIM_FRAMES 4096
/* This many CPUs up, idle; Dom0 with one vCPU, not running. The test executes on CPU 0, as Dom0's
 * vCPU 0 as far as `current` is concerned, until it lets time pass. */
void sim_start(unsigned int cpus);
struct domain *sim_domain(unsigned int vcpus);
struct domain *sim_domain_ports(unsigned int vcpus, uint32_t max_port);
/* Execute as this vCPU what follows, until sim_run(). */
void sim_as(struct vcpu *v);
/* Called once, when somebody next waits for another CPU: what that one does. */
extern void (*sim_on_wait)(void);
/* What was deferred on the CPU that executes: softirqs but the scheduler's. */
void sim_settle(void);
/* Whatever is given back: frees what died. */
void sim_kill(struct domain *d);

/* What a vCPU does when it has a CPU: computes for `burst` ns (0: without end), then blocks and is
 * woken `pause` ns after that by an event. */
struct sim_load {
    s_time_t burst, pause;
    s_time_t left, wake_at; /* kept by the simulation */
    s_time_t woken_at, worst_latency, runs;
};
void sim_set_load(struct vcpu *v, s_time_t burst, s_time_t pause);
struct sim_load *sim_load(struct vcpu *v);
/* For vCPUs that are gone. */
void sim_forget_loads(void);
void sim_run(s_time_t duration);
extern s_time_t sim_now;
extern unsigned long sim_switches, sim_kicks;

/* ---- memory ---- */
/* A frame of d's, as from its allocation. */
struct frame *sim_frame(struct domain *d);
void sim_frame_give_back(struct frame *f, struct domain *d);
/* References held on it beyond the allocation's: all, writable. */
uint32_t sim_frame_refs(const struct frame *f);
uint32_t sim_frame_writers(const struct frame *f);
/* Allocations that are live; the n-th from now on fails (0: none). */
extern long sim_allocs;
extern unsigned int sim_fail_alloc;
/* Grant entries in the (only) address space: what is mapped at an address; -1: nothing. */
long sim_pte(uint64_t address, bool *writable);
extern unsigned long sim_flushes;
/* preempt_check() answers true once in so many calls; 0: never. */
extern unsigned int sim_preempt_every;
/* An address that faults. */
#define SIM_BAD ((void *)0xdead0000)

extern uint64_t sim_seed;
uint32_t sim_random(uint32_t n);

#endif
