/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running the mechanism on the host: a machine of RAM below and above 4 GiB, domains without
 * vCPUs, and a runner that gives each test a process of its own (the mechanism keeps state in
 * statics).
 */
#ifndef TESTS_UNIT_HOST_H
#define TESTS_UNIT_HOST_H
#include "domain/domain.h"
#include "lib/lib.h"

struct unit_test {
    const char *name;
    void (*run)(void);
};
/* Run them all, or those whose names are given; a line for each; main()'s status. */
int unit_main(const struct unit_test *tests, unsigned int n, int argc, char **argv);
/* Ends the running test as failed. */
void unit_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4) __noreturn;

#define EXPECT(c)                                    \
    do {                                             \
        if (!(c))                                    \
            unit_fail(__FILE__, __LINE__, "%s", #c); \
    } while (0)
#define EXPECT_EQ(a, b)                                                        \
    do {                                                                       \
        long long a_ = (long long)(a), b_ = (long long)(b);                    \
        if (a_ != b_)                                                          \
            unit_fail(__FILE__, __LINE__, "%s is %lld, not %lld", #a, a_, b_); \
    } while (0)

/* The machine: low and high frames of RAM are given to the allocator. */
#define HOST_LOW_FIRST  0x100ull
#define HOST_HIGH_FIRST (GB(4) >> PAGE_SHIFT)
void host_start(unsigned int low_frames, unsigned int high_frames);
/* A PV domain with an id below HOST_MAX_DOMAINS; DOMID_XEN is there from the start. */
#define HOST_MAX_DOMAINS 8
struct domain *host_domain(domid_t id, uint32_t max_pages);
/* The mechanism put its last reference: it may not be found any more. */
bool host_domain_gone(const struct domain *d);

/* preempt_check() answers true at the calls that `host_preempt` names: counted down from n to 1, or
 * with probability 1/k. */
extern unsigned int host_preempt_at, host_preempt_odds;
extern unsigned long host_preempt_checks; /* calls so far */
/* Flushes that the mechanism asked for. */
extern unsigned long host_flushes;
/* Called once, before the next flush is done. */
extern void (*host_flush_hook)(void);
/* Called once, when a CPU has read the clock for a stamp and not yet done anything with it. */
extern void (*host_stamp_hook)(void);

/* A reproducible random number below n. */
extern uint64_t host_seed;
uint32_t host_random(uint32_t n);

#endif
