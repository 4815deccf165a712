/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains that stop: by themselves, by the tools, or because they did what cannot be answered. */
#include "domain/domain.h"
#include "domain/internal.h"
#include "hypercalls/abi/sched.h"
#include "lib/lib.h"
#include "x86/cpu.h"
#include "x86/reboot.h"

/* Domain 0 is the host's only caretaker: when it ends, so does the host's run. */
static void host_shutdown(uint8_t reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        printk(LOG_ERR "Domain 0 halted: halting the machine\n");
        machine_halt();
    case SHUTDOWN_reboot: printk(LOG_ERR "Domain 0 wants a reboot\n"); machine_restart();
    case SHUTDOWN_crash: printk(LOG_ERR "Domain 0 crashed: rebooting\n"); machine_restart();
    case SHUTDOWN_watchdog: printk(LOG_ERR "Domain 0's watchdog fired: rebooting\n"); break;
    default: printk(LOG_ERR "Domain 0 shut down for reason %u: rebooting\n", reason); break;
    }
    machine_restart();
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    bool first;

    spin_lock(&d->shutdown_lock);
    if (d->shutdown_code == SHUTDOWN_CODE_NONE)
        d->shutdown_code = reason;
    reason = d->shutdown_code;
    first = !d->is_shutting_down;
    d->is_shutting_down = true;
    spin_unlock(&d->shutdown_lock);

    if (d == dom0)
        host_shutdown(reason);
    if (!first)
        return;
    /* Its vCPUs stop for good, or until domain_resume(). */
    domain_pause_nosync(d);
    WRITE_ONCE(d->is_shut_down, true);
    /* Who saves a suspended domain may have asked to be told on a channel of its own. */
    if (reason == SHUTDOWN_suspend && d->suspend_evtchn && !evtchn_send(d, d->suspend_evtchn))
        return;
    send_global_virq(VIRQ_DOM_EXC);
}

void domain_resume(struct domain *d)
{
    bool was;

    /* The vCPUs must have stopped before they may go on. */
    domain_pause(d);
    spin_lock(&d->shutdown_lock);
    was = d->is_shut_down;
    if (was) {
        d->is_shutting_down = false;
        d->is_shut_down = false;
        d->shutdown_code = SHUTDOWN_CODE_NONE;
        atomic_store(&d->crashed, 0u);
    }
    spin_unlock(&d->shutdown_lock);
    if (was)
        domain_unpause(d);
    domain_unpause(d);
}

void domain_crash_shutdown(void *domain)
{
    struct domain *d = domain;

    domain_shutdown(d, SHUTDOWN_crash);
    domain_unpause(d); /* the pause of domain_crash() */
    domain_put(d);
}

/*
 * Any locks may be held here: so this only logs, makes the domain's vCPUs not runnable, and leaves
 * the dump and the rest to softirqs. The vCPU at fault cannot return to its guest: the scheduler runs first.
 */
void domain_crash(struct domain *d, const char *fmt, ...)
{
    char text[160];
    va_list ap;

    if (d->is_idle)
        panic("The idle domain was to be crashed");
    /* Even if another vCPU was first: this one must not go on either. */
    if (current->domain == d)
        softirq_raise(SOFTIRQ_SCHEDULE);
    if (atomic_xchg(&d->crashed, 1u))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    printk(LOG_ERR "Domain %u crashed: %s\n", d->id, text);
    if (current->domain == d)
        softirq_raise(SOFTIRQ_CRASH);
    /* The pause and the reference are the tasklet's. */
    domain_get(d);
    atomic_add(&d->pause_count, 1u);
    tasklet_schedule(&d->crash_tasklet);
}
