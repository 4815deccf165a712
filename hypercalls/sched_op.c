/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched_op(cmd, arg) and set_timer_op(timeout) */
#include "hypercalls/hypercall.h"
#include "hypercalls/abi/sched.h"
#include "x86/time.h"

/* Ports that one SCHEDOP_poll may name. */
#define MAX_POLL_PORTS 128
/* A set_timer_op further away than this is somebody's miscalculation (see do_set_timer). */
#define FAR_AWAY (1ll << 50)

static long do_shutdown(guest_ptr_t arg)
{
    struct sched_shutdown op;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.reason > SHUTDOWN_MAX)
        return -EINVAL;
    domain_shutdown(current->domain, (uint8_t)op.reason);
    return 0;
}

static long do_shutdown_code(guest_ptr_t arg)
{
    struct domain *d = current->domain;
    struct sched_shutdown op;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.reason > SHUTDOWN_MAX)
        return -EINVAL;
    spin_lock(&d->shutdown_lock);
    if (d->shutdown_code == SHUTDOWN_CODE_NONE)
        d->shutdown_code = (uint8_t)op.reason;
    spin_unlock(&d->shutdown_lock);
    return 0;
}

static long do_remote_shutdown(guest_ptr_t arg)
{
    struct sched_remote_shutdown op;
    struct domain *d;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.reason > SHUTDOWN_MAX)
        return -EINVAL;
    d = domain_get_controlled(op.domain_id, &rc);
    if (!d)
        return rc;
    domain_shutdown(d, (uint8_t)op.reason);
    domain_put(d);
    return 0;
}

/* 1: a port of the list is pending; 0: none; or an error. */
static __attribute__((noinline)) long any_of_list_pending(const struct sched_poll *op)
{
    guest_ptr_t ports = guest_ptr_of(op->ports);

    for (unsigned int i = 0; i < op->nr_ports; i++) {
        evtchn_port_t port;
        long rc;
        if (copy_elem_from_guest(&port, ports, i, sizeof(port)))
            return -EFAULT;
        rc = evtchn_port_pending(current->domain, port);
        if (rc)
            return rc;
    }
    return 0;
}

/* The same; only: the port, if there is but one. */
static inline long any_pending(const struct sched_poll *op, evtchn_port_t only)
{
    return likely(op->nr_ports == 1) ? evtchn_port_pending(current->domain, only)
                                     : any_of_list_pending(op);
}

static long do_poll(guest_ptr_t arg)
{
    struct vcpu *v = current;
    evtchn_port_t only = 0;
    struct sched_poll op;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.nr_ports > MAX_POLL_PORTS)
        return -EINVAL;
    if (op.nr_ports == 1 && copy_struct_from_guest(&only, guest_ptr_of(op.ports)))
        return -EFAULT;
    /* Looked at before, because mostly one is pending already or the list is wrong; and again after
     * the senders can see that we wait. */
    rc = any_pending(&op, only);
    if (rc)
        return MIN(rc, 0);
    timer_stop(&v->poll_timer);
    evtchn_poll_begin(v, only);
    rc = vcpu_event_pending(v->vcpu_info) ? 1 : any_pending(&op, only);
    if (rc) {
        evtchn_poll_end(v);
        atomic_and(&v->pause_flags, ~VPF_POLL);
        return MIN(rc, 0);
    }
    if (op.timeout) {
        timer_migrate(&v->poll_timer, cpu_id());
        timer_set(&v->poll_timer, (s_time_t)MIN(op.timeout, (uint64_t)INT64_MAX));
    }
    softirq_raise(SOFTIRQ_SCHEDULE);
    return 0;
}

static long do_pin_override(guest_ptr_t arg)
{
    struct sched_pin_override op;

    if (!current->domain->privileged)
        return -EPERM;
    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.pcpu >= MAX_CPUS)
        return -EINVAL;
    return vcpu_pin_override(current, op.pcpu);
}

static long do_watchdog(guest_ptr_t arg)
{
    struct sched_watchdog op;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    return watchdog_set(current->domain, op.id, op.timeout);
}

HYPERCALL(hc_sched_op)
{
    guest_ptr_t arg = guest_ptr(a2);

    switch ((uint32_t)a1) {
    case SCHEDOP_yield: return vcpu_yield();
    case SCHEDOP_block: vcpu_block(); return 0;
    case SCHEDOP_shutdown: return do_shutdown(arg);
    case SCHEDOP_poll: return do_poll(arg);
    case SCHEDOP_remote_shutdown: return do_remote_shutdown(arg);
    case SCHEDOP_shutdown_code: return do_shutdown_code(arg);
    case SCHEDOP_watchdog: return do_watchdog(arg);
    case SCHEDOP_pin_override: return do_pin_override(arg);
    default: return -ENOSYS;
    }
}

/* The first form of sched_op: three commands, a shutdown's reason in the register itself. */
HYPERCALL(hc_sched_op_compat)
{
    switch ((uint32_t)a1) {
    case SCHEDOP_yield: return vcpu_yield();
    case SCHEDOP_block: vcpu_block(); return 0;
    case SCHEDOP_shutdown:
        if (a2 > SHUTDOWN_MAX)
            return -EINVAL;
        domain_shutdown(current->domain, (uint8_t)a2);
        return 0;
    default: return -ENOSYS;
    }
}

/*
 * set_timer_op: VIRQ_TIMER at this system time; 0: never. Old kernels ask for absurd times when
 * they mean "soon": a time that lies very far away, or below zero, becomes a tenth of a second.
 */
HYPERCALL(hc_set_timer_op)
{
    s_time_t t = (s_time_t)a1, far;

    if (t == 0) {
        vcpu_singleshot_set(current, 0);
        return 0;
    }
    /* Without a look at the clock in most cases: it was above zero already. */
    if (unlikely((uint64_t)t > FAR_AWAY)) {
        far = now();
        if (t < 0 || t - far > FAR_AWAY)
            t = far + 100000000;
    }
    vcpu_singleshot_set(current, t);
    return 0;
}
