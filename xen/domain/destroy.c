/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The death of a domain, in steps that can be interrupted: each either ends, or returns -ERESTART
 * and is called again. What others hold of the domain (mapped grants) keeps it, as a shadow of
 * itself, until they let go; its memory structures go with the last reference (domain_free()).
 */
#include "domain/domain.h"
#include "domain/grant_table.h"
#include "domain/internal.h"
#include "lib/lib.h"
#include "x86/irq.h"

static int kill_timers(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) vcpu_timers_kill(v);
    /* These look at the vCPUs, which domain_free() frees first. */
    watchdog_destroy(d);
    sched_destroy_domain(d);
    return 0;
}

static int kill_irqs(struct domain *d)
{
    pirq_destroy_domain(d);
    return 0;
}

static int kill_vcpu_info(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) vcpu_info_unregister(v);
    return 0;
}

static int (*const steps[])(struct domain *d) = {
    kill_timers,
    evtchn_destroy,         /* peers see their channels unbound; nothing is delivered any more */
    kill_irqs,              /* no interrupt arrives any more */
    kill_vcpu_info,         /* references on its own frames go before the frames */
    grant_release_mappings, /* what it had mapped is its lenders' again */
    pv_domain_unload,       /* no CPU uses its tables */
    pv_domain_relinquish,   /* page tables, then all memory */
};

/* Caller: LOCK_DOMCTL; not from within d. */
int domain_kill(struct domain *d)
{
    int rc;

    switch (d->dying) {
    case DOMAIN_ALIVE:
        domain_pause(d);
        spin_lock(&d->lock);
        d->dying = DOMAIN_DYING;
        spin_unlock(&d->lock);
        break;
    case DOMAIN_DYING: break;
    default: return 0;
    }
    while (d->relinquish_step < ARRAY_SIZE(steps)) {
        rc = steps[d->relinquish_step](d);
        if (rc)
            return rc;
        d->relinquish_step++;
    }
    d->dying = DOMAIN_DEAD;
    domain_put(d); /* the one of domain_create() */
    send_global_virq(VIRQ_DOM_EXC);
    return 0;
}
