/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The measuring frame. Under `-icount shift=0` one TSC tick is one executed instruction, hypervisor and
 * guest alike, so a figure is a count and not a time. Each operation runs in a few batches and the best
 * batch counts: the others may have met a timer of the hypervisor.
 *
 * Hypercalls go through the hypercall page, as the figures of the reference do; the guest's own side is
 * part of every figure (13 for a call with two arguments in its loop).
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "kit/console.h"
#include "kit/events.h"
#include "kit/hypercall.h"
#include "kit/io.h"
#include "kit/memory.h"
#include "kit/start.h"
#include "kit/string.h"
#include "kit/time.h"
#include "kit/traps.h"

#define BATCHES 7
#define ROUNDS  64

/* `bench NAME value`, value = total / count with two decimals. */
void report(const char *name, uint64_t total, uint64_t count);
/* `bench NAME -`: the operation failed, and why. */
void report_failure(const char *name, long error);

/* Ticks between two adjacent rdtsc(). */
extern uint64_t rdtsc_cost;

/*
 * For tests/bench/trace: with `trace=NAME` on the command line, `stmt` runs twice between two marks; elsewhere,
 * not at all. Never within what is timed.
 */
bool bench_traced(const char *name);
void bench_trace_begin(void);
void bench_trace_mark(void);
void bench_trace_end(void);
#define TRACE(name, stmt)                                            \
    for (unsigned int i = bench_traced(name) ? 2 : 0; i != 0; i--) { \
        bench_trace_begin();                                         \
        stmt;                                                        \
        bench_trace_end();                                           \
    }

/* Measures `stmt` in a loop; `per` operations each. */
#define MEASURE(name, per, stmt)                                    \
    do {                                                            \
        uint64_t best_ = ~0UL;                                      \
        for (unsigned int batch_ = 0; batch_ < BATCHES; batch_++) { \
            uint64_t start_ = rdtsc();                              \
            for (unsigned int i = ROUNDS; i != 0; i--) {            \
                stmt;                                               \
            }                                                       \
            uint64_t took_ = rdtsc() - start_;                      \
            best_ = took_ < best_ ? took_ : best_;                  \
        }                                                           \
        report(name, best_ - rdtsc_cost, (uint64_t)ROUNDS * (per)); \
        TRACE(name, stmt)                                           \
    } while (0)

#define TRACE_PAIR(name1, name2, stmt1, stmt2)                                               \
    for (unsigned int i = bench_traced(name1) || bench_traced(name2) ? 2 : 0; i != 0; i--) { \
        if (bench_traced(name1)) {                                                           \
            bench_trace_begin();                                                             \
        }                                                                                    \
        stmt1;                                                                               \
        bench_trace_end();                                                                   \
        if (bench_traced(name2)) {                                                           \
            bench_trace_begin();                                                             \
        }                                                                                    \
        stmt2;                                                                               \
        bench_trace_end();                                                                   \
    }

/* Measures two statements that undo each other, `rounds` times alternating; the best of each counts. */
#define MEASURE_PAIR(name1, name2, per, rounds, stmt1, stmt2) \
    do {                                                      \
        uint64_t best1_ = ~0UL, best2_ = ~0UL;                \
        for (unsigned int i = 0; i < (rounds); i++) {         \
            uint64_t t0_ = rdtsc();                           \
            stmt1;                                            \
            uint64_t t1_ = rdtsc();                           \
            stmt2;                                            \
            uint64_t t2_ = rdtsc();                           \
            best1_ = t1_ - t0_ < best1_ ? t1_ - t0_ : best1_; \
            best2_ = t2_ - t1_ < best2_ ? t2_ - t1_ : best2_; \
        }                                                     \
        report(name1, best1_ - rdtsc_cost, per);              \
        report(name2, best2_ - rdtsc_cost, per);              \
        TRACE_PAIR(name1, name2, stmt1, stmt2)                \
    } while (0)

/* Runs `stmt` once as a trial; on an error reports `-` for the name and leaves the function. */
#define TRY(name, stmt)                \
    do {                               \
        long rc_ = (stmt);             \
        if (rc_ < 0) {                 \
            report_failure(name, rc_); \
            return;                    \
        }                              \
    } while (0)

/* A hypercall through the page; `nr` must be a constant. */
#define STUB(nr, a1, a2, a3, a4)                                                \
    ({                                                                          \
        unsigned long d_ = (unsigned long)(a1), s_ = (unsigned long)(a2);       \
        unsigned long x_ = (unsigned long)(a3);                                 \
        register unsigned long r10_ __asm__("r10") = (unsigned long)(a4);       \
        long ret_;                                                              \
        __asm__ volatile("call kit_hypercall_page + %c[off]"                    \
                         : "=a"(ret_), "+D"(d_), "+S"(s_), "+d"(x_), "+r"(r10_) \
                         : [off] "i"((nr)*32)                                   \
                         : "rcx", "r11", "r8", "r9", "memory");                 \
        ret_;                                                                   \
    })
#define STUB2(nr, a1, a2)                                                     \
    ({                                                                        \
        unsigned long d_ = (unsigned long)(a1), s_ = (unsigned long)(a2);     \
        long ret_;                                                            \
        __asm__ volatile("call kit_hypercall_page + %c[off]"                  \
                         : "=a"(ret_), "+D"(d_), "+S"(s_)                     \
                         : [off] "i"((nr)*32)                                 \
                         : "rcx", "rdx", "r11", "r8", "r9", "r10", "memory"); \
        ret_;                                                                 \
    })
#define STUB3(nr, a1, a2, a3)                                             \
    ({                                                                    \
        unsigned long d_ = (unsigned long)(a1), s_ = (unsigned long)(a2); \
        unsigned long x_ = (unsigned long)(a3);                           \
        long ret_;                                                        \
        __asm__ volatile("call kit_hypercall_page + %c[off]"              \
                         : "=a"(ret_), "+D"(d_), "+S"(s_), "+d"(x_)       \
                         : [off] "i"((nr)*32)                             \
                         : "rcx", "r11", "r8", "r9", "r10", "memory");    \
        ret_;                                                             \
    })

/* The groups, in the order they run. */
void bench_host(void);
void bench_calls(void);
void bench_timers(void);
void bench_traps(void);
void bench_emulation(void);
void bench_user(void);
void bench_mmu(void);
void bench_pins(void);
void bench_switches(void);
void bench_grants(void);
void bench_memory(void);
void bench_pingpong(void);

#endif
