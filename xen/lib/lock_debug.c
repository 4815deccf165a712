/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug builds: each CPU remembers the locks that it holds; taking one below the highest held is
 * reported. An interrupt handler starts afresh: what the interrupted code holds is hidden from it
 * (lock_check_irq_enter), because locks that handlers take are held with interrupts off only.
 */
#include "lib/lib.h"
#include "lib/spinlock.h"

#ifdef DEBUG
#define MAX_HELD 16

struct held_locks {
    unsigned int count, base;
    const struct spinlock *lock[MAX_HELD];
    const void *taken_at[MAX_HELD];
    bool reporting;
};
static DEFINE_PER_CPU(struct held_locks, held);

/* Classes of which a CPU may hold two: channels in address order, run queues in CPU order, a
 * domain's ports with a vCPU's virq map, grant entries in the order of references. */
static bool may_nest(unsigned int level)
{
    return level == LOCK_EVTCHN || level == LOCK_SCHED || level == LOCK_EVTCHN_PORTS ||
           level == LOCK_GRANT;
}

static void report(struct held_locks *h, const struct spinlock *l, const void *at)
{
    if (h->reporting)
        return;
    h->reporting = true;
    printk(LOG_ERR "Lock order: level %u (%p) taken at %p, while held:\n", l->level, l, at);
    for (unsigned int i = 0; i < h->count; i++)
        printk(LOG_ERR "  level %u (%p) taken at %p\n", h->lock[i]->level, h->lock[i],
               h->taken_at[i]);
    panic("A lock was taken out of order");
}

void lock_check_take(const struct spinlock *l)
{
    struct held_locks *h = &this_cpu(held);
    const void *at = __builtin_return_address(0);

    for (unsigned int i = h->base; i < h->count; i++) {
        unsigned int level = h->lock[i]->level;
        if (level > l->level || (level == l->level && !may_nest(level)))
            report(h, l, at);
    }
    if (h->count < MAX_HELD) {
        h->lock[h->count] = l;
        h->taken_at[h->count++] = at;
    }
}

void lock_check_give(const struct spinlock *l)
{
    struct held_locks *h = &this_cpu(held);

    for (unsigned int i = h->count; i-- > 0;) {
        if (h->lock[i] != l)
            continue;
        for (; i + 1 < h->count; i++) {
            h->lock[i] = h->lock[i + 1];
            h->taken_at[i] = h->taken_at[i + 1];
        }
        h->count--;
        return;
    }
}

unsigned int lock_check_irq_enter(void)
{
    struct held_locks *h = &this_cpu(held);
    unsigned int old = h->base;
    h->base = h->count;
    return old;
}

void lock_check_irq_exit(unsigned int old)
{
    this_cpu(held).base = old;
}
#endif
