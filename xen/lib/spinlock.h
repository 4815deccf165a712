/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ticket spinlocks with levels. A CPU takes locks only at rising levels; debug builds check it
 * and say which locks are held, and taken where. The table of all locks is in docs/architecture.md; the levels below are
 * its order. Taking a lock costs one locked operation, giving it back none.
 */
#ifndef XEN_LIB_SPINLOCK_H
#define XEN_LIB_SPINLOCK_H
#include "lib/atomic.h"
#include "x86/cpu.h"

enum lock_level {
    LOCK_DOMCTL = 1,   /* domctl_lock: one domctl that changes a domain at a time */
    LOCK_SYSCTL,       /* sysctl_lock */
    LOCK_DOMAIN,       /* domain.lock: vCPU creation, life-cycle state */
    LOCK_GRANT_MAP,    /* grant_table.maptrack_lock (the mapper's side) */
    LOCK_PT,           /* domain.pt_lock: page-table type changes of one domain */
    LOCK_GRANT,        /* grant_table.lock (the granter's side) */
    LOCK_EVTCHN_PORTS, /* evtchn state of a domain: allocation of ports */
    LOCK_EVTCHN,       /* one channel (two are taken in address order) */
    LOCK_EVTCHN_QUEUE, /* FIFO queues of one vCPU; interrupts off */
    LOCK_DOMLIST,      /* domain list and hash, writers */
    LOCK_SHUTDOWN,     /* domain.shutdown_lock */
    LOCK_MEM,          /* domain.mem_lock: the list of a domain's frames and its counts */
    LOCK_PCI,          /* list of PCI devices and their MSIs */
    LOCK_IRQ_MAP,      /* domain.irq_lock: pirq <-> irq map */
    LOCK_IRQ,          /* irq_desc.lock; interrupts off */
    LOCK_VECTOR,       /* vector allocation; interrupts off */
    LOCK_IOAPIC,       /* I/O APIC registers; interrupts off */
    LOCK_PCI_CONFIG,   /* ports 0xcf8 and 0xcfc; interrupts off */
    LOCK_SCHED,        /* run queue of a CPU; interrupts off */
    LOCK_TIMER,        /* timers of a CPU; interrupts off */
    LOCK_RANGESET,
    LOCK_TIME,    /* wallclock and calibration */
    LOCK_HEAP,    /* small allocations */
    LOCK_FRAMES,  /* free frames */
    LOCK_TLB,     /* one TLB shoot-down at a time */
    LOCK_CONSOLE, /* console output and ring; interrupts off; any context */
};

struct spinlock {
    union {
        uint32_t word;
        struct {
            uint16_t head, tail; /* head: now serving; tail: next ticket */
        };
    };
    uint8_t level;
};
#define SPINLOCK_INIT(l) \
    {                    \
        .level = (l)     \
    }

static inline void spin_lock_init(struct spinlock *l, enum lock_level level)
{
    *l = (struct spinlock)SPINLOCK_INIT((uint8_t)level);
}

#ifdef DEBUG
void lock_check_take(const struct spinlock *l);
void lock_check_give(const struct spinlock *l);
/* Around an interrupt's handler: it starts with no lock held. */
unsigned int lock_check_irq_enter(void);
void lock_check_irq_exit(unsigned int old);
#else
static inline unsigned int lock_check_irq_enter(void)
{
    return 0;
}
static inline void lock_check_irq_exit(unsigned int old __unused)
{
}
static inline void lock_check_take(const struct spinlock *l __unused)
{
}
static inline void lock_check_give(const struct spinlock *l __unused)
{
}
#endif

static inline void spin_lock(struct spinlock *l)
{
    lock_check_take(l);
    uint16_t me = atomic_fetch_add(&l->tail, (uint16_t)1);
    while (atomic_load(&l->head) != me)
        cpu_relax();
}
static inline bool spin_trylock(struct spinlock *l)
{
    uint32_t old = atomic_load(&l->word);
    if ((uint16_t)old != (uint16_t)(old >> 16))
        return false;
    if (!atomic_cmpxchg(&l->word, &old, old + 0x10000))
        return false;
    lock_check_take(l);
    return true;
}
static inline void spin_unlock(struct spinlock *l)
{
    lock_check_give(l);
    atomic_store(&l->head, (uint16_t)(l->head + 1));
}
static inline bool spin_is_locked(const struct spinlock *l)
{
    uint32_t w = atomic_load(&l->word);
    return (uint16_t)w != (uint16_t)(w >> 16);
}
static inline void spin_lock_irq(struct spinlock *l)
{
    irq_disable();
    spin_lock(l);
}
static inline void spin_unlock_irq(struct spinlock *l)
{
    spin_unlock(l);
    irq_enable();
}
/* Interrupts off, lock taken; returns what spin_unlock_irqrestore() must be given. */
static inline unsigned long spin_lock_irqsave(struct spinlock *l)
{
    unsigned long flags = irq_save();
    spin_lock(l);
    return flags;
}
static inline void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
    spin_unlock(l);
    irq_restore(flags);
}

#endif
