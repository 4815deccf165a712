/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB flushes (Intel SDM vol. 3 ch. 4.10).
 *
 * The clock. A flush stores clock + 1 in its CPU's slot and notes that it did so; a stamp moves the
 * clock on if any flush did, and returns it. So a flush begun after a stamp s has a time above s,
 * one before it has not, and neither costs a locked operation while nothing changes. 32 bits wrap
 * after 2^32 stamps with a flush between each two; the comparison is by signed difference.
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

static uint32_t tlb_clock = 1;
static bool flushed_since; /* some flush since the clock last moved */
static uint32_t flush_time[MAX_CPUS];

static struct spinlock shootdown_lock = SPINLOCK_INIT(LOCK_TLB);
static uint64_t request_va; /* shootdown_lock */
static uint64_t waiting;    /* bits of CPUs that have still to flush */

void tlb_note_flushed(void)
{
    WRITE_ONCE(flush_time[cpu_id()], READ_ONCE(tlb_clock) + 1);
    if (!READ_ONCE(flushed_since))
        WRITE_ONCE(flushed_since, true);
}

void tlb_flush_local(void)
{
    unsigned long flags = irq_save();
    tlb_note_flushed();
    write_cr3(read_cr3());
    irq_restore(flags);
}

void tlb_flush_page_local(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
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
    if (READ_ONCE(flushed_since)) {
        WRITE_ONCE(flushed_since, false);
        atomic_add(&tlb_clock, 1u);
    }
    return READ_ONCE(tlb_clock);
}

cpumask_t tlb_need_flush(cpumask_t mask, uint32_t stamp)
{
    unsigned int cpu;
    cpumask_t need = CPUMASK_NONE;

    cpumask_for_each(cpu, mask) if ((int32_t)(READ_ONCE(flush_time[cpu]) - stamp) <= 0) need =
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
