/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB flushes (Intel SDM vol. 3 ch. 4.10).
 *
 * The clock. One word: bit 0 says whether any CPU flushed since the clock last moved, the rest is the
 * clock. A flush stores clock + 1 in its CPU's slot, before it flushes, and sets the bit; a stamp
 * moves the clock on if the bit is set, clearing it in the same exchange, and returns the clock. So a
 * flush begun after a stamp s has a time above s, one before it has not, and neither costs a locked
 * operation while nothing changes. Times are kept in 32 bits, which wrap after 2^32 stamps with a
 * flush between each two; the comparison is by signed difference.
 *
 * Shoot-downs. One at a time, described by `request`; each CPU asked clears its bit in `waiting`.
 * The sender waits with interrupts on, so that two senders cannot wait for one another.
 */
#include "x86/tlb.h"
#include "lib/lib.h"
#include "lib/spinlock.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/irq.h"

uint64_t tlb_flush_clock = 1 << 1; /* clock << 1 | flushed */
uint32_t tlb_flush_time[MAX_CPUS];

static struct spinlock shootdown_lock = SPINLOCK_INIT(LOCK_TLB);
static uint64_t request_va; /* shootdown_lock */
static uint64_t waiting;    /* bits of CPUs that have still to flush */

void tlb_flush_local(void)
{
    unsigned long flags = irq_save();
    tlb_note_flushed();
    write_cr3(read_cr3());
    irq_restore(flags);
}

void tlb_flush_page_local(uint64_t va)
{
    invlpg(va);
}

static void flush_here(uint64_t va)
{
    if (va)
        tlb_flush_page_local(va);
    else
        tlb_flush_local();
}

uint32_t tlb_stamp(void)
{
    uint64_t x = READ_ONCE(tlb_flush_clock);

    while (x & 1)
        if (atomic_cmpxchg(&tlb_flush_clock, &x, (x & ~1ull) + 2))
            return (uint32_t)(x >> 1) + 1;
    return (uint32_t)(x >> 1);
}

cpumask_t tlb_need_flush(cpumask_t mask, uint32_t stamp)
{
    unsigned int cpu;
    cpumask_t need = CPUMASK_NONE;

    cpumask_for_each(cpu, mask) if ((int32_t)(READ_ONCE(tlb_flush_time[cpu]) - stamp) <= 0) need =
        cpumask_or(need, cpumask_of(cpu));
    return need;
}

void tlb_handle_ipi(void)
{
    flush_here(READ_ONCE(request_va));
    atomic_and(&waiting, ~(1ull << cpu_id()));
}

void tlb_flush_mask(cpumask_t mask, uint64_t va)
{
    cpumask_t self = cpumask_of(cpu_id());

    mask = cpumask_and(mask, cpu_online_map);
    if (cpumask_test(mask, cpu_id()))
        flush_here(va);
    mask = cpumask_andnot(mask, self);
    if (cpumask_empty(mask))
        return;

    ASSERT_DEBUG(irq_is_enabled());
    spin_lock(&shootdown_lock);
    WRITE_ONCE(request_va, va);
    atomic_store(&waiting, mask.bits);
    apic_send_ipi_mask(mask, VECTOR_TLB);
    while (atomic_load(&waiting))
        cpu_relax();
    spin_unlock(&shootdown_lock);
}
