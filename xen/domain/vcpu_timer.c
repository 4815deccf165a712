/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers of a vCPU: one-shot, periodic, and the time limit of SCHEDOP_poll. */
#include "domain/domain.h"
#include "lib/lib.h"
#include "x86/cpu.h"
#include "x86/time.h"

static void singleshot_fn(void *data)
{
    send_guest_vcpu_virq(data, VIRQ_TIMER);
}

static void periodic_fn(void *data)
{
    struct vcpu *v = data;
    s_time_t period = READ_ONCE(v->periodic_period), t = now();

    if (!period)
        return;
    send_guest_vcpu_virq(v, VIRQ_TIMER);
    /* Ticks that were missed are gone; the phase stays. */
    v->periodic_last += period;
    if (v->periodic_last + period <= t)
        v->periodic_last = t - (t - v->periodic_last) % period;
    timer_set(&v->periodic_timer, v->periodic_last + period);
}

static void poll_fn(void *data)
{
    struct vcpu *v = data;

    evtchn_poll_end(v);
    if (atomic_fetch_and(&v->pause_flags, ~VPF_POLL) & VPF_POLL)
        vcpu_wake(v);
}

void vcpu_timers_init(struct vcpu *v)
{
    unsigned int cpu = cpu_id();

    timer_init(&v->singleshot_timer, singleshot_fn, v, cpu);
    timer_init(&v->periodic_timer, periodic_fn, v, cpu);
    timer_init(&v->poll_timer, poll_fn, v, cpu);
}

void vcpu_timers_kill(struct vcpu *v)
{
    v->periodic_period = 0;
    timer_kill(&v->singleshot_timer);
    timer_kill(&v->periodic_timer);
    timer_kill(&v->poll_timer);
}

void vcpu_singleshot_set(struct vcpu *v, s_time_t t)
{
    if (!t) {
        timer_stop(&v->singleshot_timer);
        return;
    }
    /* To where the vCPU is now: there its timer needs no interrupt to another CPU. */
    timer_migrate(&v->singleshot_timer, cpu_id());
    timer_set(&v->singleshot_timer, t);
}

void vcpu_periodic_set(struct vcpu *v, s_time_t period)
{
    timer_stop(&v->periodic_timer);
    WRITE_ONCE(v->periodic_period, period);
    if (!period)
        return;
    v->periodic_last = now();
    timer_migrate(&v->periodic_timer, cpu_id());
    timer_set(&v->periodic_timer, v->periodic_last + period);
}
