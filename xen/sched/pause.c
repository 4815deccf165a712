/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pauses: counted reasons of the hypervisor why a vCPU or a whole domain must not run, and the
 * toolstack's pause, which is one of them.
 */
#include "sched/sched.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "x86/cpu.h"

/* The toolstack can nest pauses without end otherwise. */
#define MAX_TOOLS_PAUSES 255

void vcpu_pause_nosync(struct vcpu *v)
{
    atomic_add(&v->pause_count, 1u);
    vcpu_sleep_nosync(v);
}

void vcpu_pause(struct vcpu *v)
{
    atomic_add(&v->pause_count, 1u);
    if (v == current)
        vcpu_sleep_nosync(v);
    else
        vcpu_sleep_sync(v);
}

void vcpu_unpause(struct vcpu *v)
{
    if (atomic_sub_fetch(&v->pause_count, 1u) == 0)
        vcpu_wake(v);
}

static void sleep_all(struct domain *d, bool sync)
{
    struct vcpu *v;

    /* All are told before any is waited for. */
    for_each_vcpu(d, v) vcpu_sleep_nosync(v);
    if (!sync)
        return;
    for_each_vcpu(d, v) if (v != current) vcpu_sleep_sync(v);
}

void domain_pause_nosync(struct domain *d)
{
    atomic_add(&d->pause_count, 1u);
    sleep_all(d, false);
}

void domain_pause(struct domain *d)
{
    atomic_add(&d->pause_count, 1u);
    sleep_all(d, true);
}

void domain_unpause(struct domain *d)
{
    struct vcpu *v;

    if (atomic_sub_fetch(&d->pause_count, 1u) != 0)
        return;
    for_each_vcpu(d, v) vcpu_wake(v);
}

int domain_pause_by_tools(struct domain *d)
{
    int rc = 0;

    spin_lock(&d->lock);
    if (d->tools_pause_count >= MAX_TOOLS_PAUSES)
        rc = -EOVERFLOW;
    else if (d->tools_pause_count++ == 0)
        domain_pause_nosync(d);
    spin_unlock(&d->lock);
    /* Not under the lock: a vCPU that is waited for may be waiting for it. */
    if (!rc)
        sleep_all(d, true);
    return rc;
}

int domain_unpause_by_tools(struct domain *d)
{
    int rc = 0;

    spin_lock(&d->lock);
    if (d->tools_pause_count == 0)
        rc = -EINVAL;
    else if (--d->tools_pause_count == 0)
        domain_unpause(d);
    spin_unlock(&d->lock);
    return rc;
}
