/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watchdogs: timers that a guest must set again and again, or else it is shut down. */
#include "domain/domain.h"
#include "hypercalls/abi/sched.h"
#include "lib/lib.h"
#include "x86/cpu.h"
#include "x86/time.h"

static void watchdog_fn(void *data)
{
    struct domain *d = data;

    printk(LOG_G_WARN "Domain %u: a watchdog ran out\n", d->id);
    domain_shutdown(d, SHUTDOWN_watchdog);
}

int watchdog_init(struct domain *d)
{
    for (unsigned int i = 0; i < DOMAIN_WATCHDOGS; i++)
        timer_init(&d->watchdog.timer[i], watchdog_fn, d, cpu_id());
    return 0;
}

void watchdog_destroy(struct domain *d)
{
    for (unsigned int i = 0; i < DOMAIN_WATCHDOGS; i++)
        timer_kill(&d->watchdog.timer[i]);
}

static long arm(struct domain *d, unsigned int i, uint32_t timeout_s)
{
    timer_set(&d->watchdog.timer[i], now() + timeout_s * 1000000000ll);
    return (long)i + 1;
}

static long set_locked(struct domain *d, uint32_t id, uint32_t timeout_s)
{
    unsigned int i;

    if (id > DOMAIN_WATCHDOGS)
        return -EINVAL;
    if (id == 0) {
        if (!timeout_s)
            return -EINVAL;
        for (i = 0; i < DOMAIN_WATCHDOGS; i++) {
            if (d->watchdog.in_use & 1u << i)
                continue;
            d->watchdog.in_use |= 1u << i;
            return arm(d, i, timeout_s);
        }
        return -ENOSPC;
    }
    i = (unsigned int)index_nospec(id - 1, DOMAIN_WATCHDOGS);
    if (!(d->watchdog.in_use & 1u << i))
        return -EINVAL;
    if (timeout_s) {
        arm(d, i, timeout_s);
    } else {
        timer_stop(&d->watchdog.timer[i]);
        d->watchdog.in_use &= ~(1u << i);
    }
    return 0;
}

long watchdog_set(struct domain *d, uint32_t id, uint32_t timeout_s)
{
    long rc;

    spin_lock(&d->lock);
    rc = set_locked(d, id, timeout_s);
    spin_unlock(&d->lock);
    return rc;
}
