/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB flushes. tlb_flush_clock counts full flushes in the system; a frame whose type count fell to
 * zero at stamp s may be in the TLB of a CPU only if that CPU's last full flush is not after s.
 */
#ifndef XEN_X86_TLB_H
#define XEN_X86_TLB_H
#include "lib/atomic.h"
#include "lib/cpumask.h"
#include "x86/cpu.h"

/* The clock, and when each CPU flushed (tlb.c). */
extern uint64_t tlb_flush_clock;
extern uint32_t tlb_flush_time[MAX_CPUS];

/* This CPU: all non-global entries / one page. */
void tlb_flush_local(void);
void tlb_flush_page_local(uint64_t va);
/* These CPUs (may include this one), returning when done. va: one page, or 0 for all. Interrupts
 * on unless the set is this CPU alone. */
void tlb_flush_mask(cpumask_t mask, uint64_t va);
/* For type changes: stamp now; which of the CPUs have not flushed since the stamp. */
uint32_t tlb_stamp(void);
cpumask_t tlb_need_flush(cpumask_t mask, uint32_t stamp);
/*
 * This CPU is about to write CR3, which drops all its non-global entries. To be called before the
 * write, interrupts off and no access to guest memory in between: a stamp taken between the two
 * must not count as older than the flush.
 */
static inline void tlb_note_flushed(void)
{
    uint64_t t = READ_ONCE(tlb_flush_clock);

    WRITE_ONCE(tlb_flush_time[cpu_id()], (uint32_t)(t >> 1) + 1);
    if (unlikely(!(t & 1)))
        atomic_or(&tlb_flush_clock, 1ull);
}
/* VECTOR_TLB came in. */
void tlb_handle_ipi(void);

#endif
