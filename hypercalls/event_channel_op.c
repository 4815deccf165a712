/* SPDX-License-Identifier: GPL-2.0-or-later */
/* event_channel_op(cmd, arg) */
#include "hypercalls/hypercall.h"

static long do_alloc_unbound(guest_ptr_t arg)
{
    struct evtchn_alloc_unbound op;
    struct domain *d;
    domid_t remote;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    d = domain_get_controlled(op.dom, &rc);
    if (!d)
        return rc;
    remote = op.remote_dom == DOMID_SELF ? current->domain->id : op.remote_dom;
    rc = evtchn_alloc_unbound(d, remote, &op.port);
    if (!rc && copy_struct_to_guest(arg, &op)) {
        evtchn_close(d, op.port);
        rc = -EFAULT;
    }
    domain_put(d);
    return rc;
}

/* The answer of a bind did not arrive: the guest cannot know the port, so there shall be none. */
static long answer(long rc, guest_ptr_t arg, const void *op, size_t size, evtchn_port_t port)
{
    if (!rc && copy_to_guest(arg, op, size)) {
        evtchn_close(current->domain, port);
        return -EFAULT;
    }
    return rc;
}

static long do_bind_interdomain(guest_ptr_t arg)
{
    struct evtchn_bind_interdomain op;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    rc = evtchn_bind_interdomain(op.remote_dom, op.remote_port, &op.local_port);
    return answer(rc, arg, &op, sizeof(op), op.local_port);
}

static long do_bind_virq(guest_ptr_t arg)
{
    struct evtchn_bind_virq op;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    rc = evtchn_bind_virq(op.virq, op.vcpu, &op.port);
    return answer(rc, arg, &op, sizeof(op), op.port);
}

static long do_bind_ipi(guest_ptr_t arg)
{
    struct evtchn_bind_ipi op;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    rc = evtchn_bind_ipi(op.vcpu, &op.port);
    return answer(rc, arg, &op, sizeof(op), op.port);
}

static long do_bind_pirq(guest_ptr_t arg)
{
    struct evtchn_bind_pirq op;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    rc = evtchn_bind_pirq(op.pirq, op.flags, &op.port);
    return answer(rc, arg, &op, sizeof(op), op.port);
}

static long do_status(guest_ptr_t arg)
{
    struct evtchn_status op;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    rc = evtchn_status(&op);
    return rc ? rc : copy_struct_to_guest(arg, &op);
}

static long do_bind_vcpu(guest_ptr_t arg)
{
    struct evtchn_bind_vcpu op;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    return evtchn_bind_vcpu(op.port, op.vcpu);
}

static long do_reset(unsigned long cmd, guest_ptr_t arg)
{
    struct evtchn_reset op;
    struct domain *d;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    d = domain_get_controlled(op.dom, &rc);
    if (!d)
        return rc;
    /* Another domain must not be running: it would open ports while we close them. */
    if (d != current->domain && !d->tools_pause_count)
        rc = -EINVAL;
    else
        rc = evtchn_reset(d);
    domain_put(d);
    if (rc == -ERESTART)
        return hypercall_continuation(__HYPERVISOR_event_channel_op, 2, cmd, arg.va);
    return rc;
}

static long do_init_control(guest_ptr_t arg)
{
    struct evtchn_init_control op;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    rc = evtchn_init_control(&op);
    return rc ? rc : copy_struct_to_guest(arg, &op);
}

static long do_expand_array(guest_ptr_t arg)
{
    struct evtchn_expand_array op;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    return evtchn_expand_array(op.array_gfn);
}

static long do_set_priority(guest_ptr_t arg)
{
    struct evtchn_set_priority op;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    return evtchn_set_priority(op.port, op.priority);
}

/* Apart, so that the few calls that guests make all day need not make room for its variables. */
static __attribute__((noinline)) long do_other(unsigned long cmd, guest_ptr_t arg)
{
    switch ((uint32_t)cmd) {
    case EVTCHNOP_alloc_unbound: return do_alloc_unbound(arg);
    case EVTCHNOP_bind_interdomain: return do_bind_interdomain(arg);
    case EVTCHNOP_bind_virq: return do_bind_virq(arg);
    case EVTCHNOP_bind_ipi: return do_bind_ipi(arg);
    case EVTCHNOP_bind_pirq: return do_bind_pirq(arg);
    case EVTCHNOP_status: return do_status(arg);
    case EVTCHNOP_bind_vcpu: return do_bind_vcpu(arg);
    case EVTCHNOP_reset:
    case EVTCHNOP_reset_cont: return do_reset(cmd, arg);
    case EVTCHNOP_init_control: return do_init_control(arg);
    case EVTCHNOP_expand_array: return do_expand_array(arg);
    case EVTCHNOP_set_priority: return do_set_priority(arg);
    default: return -ENOSYS;
    }
}

HYPERCALL(hc_event_channel_op)
{
    guest_ptr_t arg = guest_ptr(a2);
    uint32_t cmd = (uint32_t)a1;
    evtchn_port_t port;

    if (cmd != EVTCHNOP_send && cmd != EVTCHNOP_unmask && cmd != EVTCHNOP_close)
        return do_other(a1, arg);
    /* Their argument is a port alone. */
    if (unlikely(copy_struct_from_guest(&port, arg)))
        return -EFAULT;
    switch (cmd) {
    case EVTCHNOP_send: return evtchn_send(current->domain, port);
    case EVTCHNOP_unmask: return evtchn_unmask(port);
    default: return evtchn_close(current->domain, port);
    }
}
