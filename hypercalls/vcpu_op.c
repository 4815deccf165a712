/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vcpu_op(cmd, vcpu, arg): what a domain does with its own vCPUs. */
#include "hypercalls/hypercall.h"
#include "pv/trap.h"
#include "x86/apic.h"
#include "x86/smp.h"
#include "x86/time.h"

#define PERIOD_MIN_NS 1000000ull
#define PERIOD_MAX_NS (1ull << 50)

static long do_initialise(struct vcpu *v, guest_ptr_t arg)
{
    struct domain *d = v->domain;
    struct vcpu_guest_context *c;
    long rc;

    /* Without a vcpu_info of its own it could not be told of events. */
    if (v->vcpu_info == &dummy_vcpu_info)
        return -EINVAL;
    if (v->initialised)
        return -EEXIST;
    c = hv_zalloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    if (copy_struct_from_guest(c, arg)) {
        rc = -EFAULT;
    } else {
        spin_lock(&d->lock);
        rc = v->initialised ? -EEXIST : pv_set_context(v, c);
        if (!rc && (c->flags & VGCF_online))
            atomic_and(&v->pause_flags, ~VPF_DOWN);
        spin_unlock(&d->lock);
        if (!rc)
            vcpu_wake(v);
    }
    hv_free(c);
    if (rc == -ERESTART)
        return hypercall_continuation(__HYPERVISOR_vcpu_op, 3, (unsigned long)VCPUOP_initialise,
                                      (unsigned long)v->id, arg.va);
    return rc;
}

static long do_up(struct vcpu *v)
{
    if (!v->initialised)
        return -EINVAL;
    if (atomic_fetch_and(&v->pause_flags, ~VPF_DOWN) & VPF_DOWN)
        vcpu_wake(v);
    return 0;
}

static long do_down(struct vcpu *v)
{
    struct vcpu *other;

    for_each_vcpu(v->domain, other)
    {
        if (other != v && !(READ_ONCE(other->pause_flags) & VPF_DOWN)) {
            if (!(atomic_fetch_or(&v->pause_flags, VPF_DOWN) & VPF_DOWN))
                vcpu_sleep_nosync(v);
            return 0;
        }
    }
    /* Nobody would be left to bring anybody up. */
    domain_shutdown(v->domain, 0 /* SHUTDOWN_poweroff */);
    return 0;
}

static long do_get_runstate(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_runstate_info r;

    vcpu_runstate_get(v, &r);
    return copy_struct_to_guest(arg, &r);
}

/* Whether a structure at this address can ever be the guest's: canonical, not in our range. */
static bool guest_may_have(uint64_t va)
{
    return va_is_canonical(va) && (va < HV_VIRT_START - PAGE_SIZE || va >= HV_VIRT_END) &&
           va <= ~0ull - PAGE_SIZE;
}

static long do_register_runstate(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_register_runstate_memory_area op;
    struct vcpu_runstate_info r;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.addr.p && !guest_may_have(op.addr.p))
        return -EFAULT;
    /* It need not be mapped now: what is told later may arrive. */
    vcpu_runstate_get(v, &r);
    if (op.addr.p && copy_struct_to_guest(guest_ptr(op.addr.p), &r))
        barrier();
    v->runstate_area = op.addr.p;
    return 0;
}

static long do_register_time(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_register_time_memory_area op;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.addr.p && !guest_may_have(op.addr.p))
        return -EFAULT;
    v->time_area = op.addr.p;
    if (v == current)
        vcpu_time_update(v);
    return 0;
}

static long do_set_periodic(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_set_periodic_timer op;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.period_ns < PERIOD_MIN_NS || op.period_ns > PERIOD_MAX_NS)
        return -EINVAL;
    vcpu_periodic_set(v, (s_time_t)op.period_ns);
    return 0;
}

static long do_set_singleshot(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_set_singleshot_timer op;

    if (v != current)
        return -EINVAL;
    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if ((op.flags & VCPU_SSHOTTMR_future) && (int64_t)op.timeout_abs_ns < now())
        return -ETIME;
    vcpu_singleshot_set(v, MAX((s_time_t)MIN(op.timeout_abs_ns, (uint64_t)INT64_MAX), 1));
    return 0;
}

static long do_register_vcpu_info(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_register_vcpu_info op;
    struct domain *d = v->domain;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    /* One page, and aligned, so that our locked operations on it stay cheap. */
    if (op.offset > PAGE_SIZE - sizeof(struct vcpu_info))
        return -ENXIO;
    if (op.offset & 7)
        return -ENXIO;
    if (v != current && !(READ_ONCE(v->pause_flags) & VPF_DOWN))
        return -EINVAL;
    spin_lock(&d->lock);
    rc = vcpu_info_register(v, mfn_make(op.mfn), op.offset);
    spin_unlock(&d->lock);
    return rc;
}

static long do_get_physid(struct vcpu *v, guest_ptr_t arg)
{
    struct vcpu_get_physid op;
    unsigned int cpu;

    /* Only if it cannot change. */
    if (!v->domain->privileged || cpumask_weight(v->hard_affinity) != 1)
        return -EINVAL;
    cpu = cpumask_first(v->hard_affinity);
    op.phys_id = (uint64_t)cpu_acpi_id[cpu] << 32 | cpu_apic_id[cpu];
    return copy_struct_to_guest(arg, &op);
}

/* Apart, so that the few calls that guests make all day need not make room for the variables of the others. */
static __attribute__((noinline)) long do_other(uint32_t cmd, struct vcpu *v, guest_ptr_t arg)
{
    switch (cmd) {
    case VCPUOP_initialise: return do_initialise(v, arg);
    case VCPUOP_up: return do_up(v);
    case VCPUOP_down: return do_down(v);
    case VCPUOP_register_runstate_memory_area: return do_register_runstate(v, arg);
    case VCPUOP_set_periodic_timer: return do_set_periodic(v, arg);
    case VCPUOP_stop_periodic_timer: vcpu_periodic_set(v, 0); return 0;
    case VCPUOP_register_vcpu_info: return do_register_vcpu_info(v, arg);
    case VCPUOP_send_nmi: pv_send_nmi(v); return 0;
    case VCPUOP_get_physid: return do_get_physid(v, arg);
    case VCPUOP_register_vcpu_time_memory_area: return do_register_time(v, arg);
    default: return -ENOSYS;
    }
}

HYPERCALL(hc_vcpu_op)
{
    struct domain *d = current->domain;
    guest_ptr_t arg = guest_ptr(a3);
    struct vcpu *v;

    /* Linux asks for thousands of vCPUs that aren't: the first test, and nothing before it. */
    if (a2 >= d->max_vcpus)
        return -ENOENT;
    v = d->vcpu[index_nospec(a2, d->max_vcpus)];
    if (!v)
        return -ENOENT;
    switch ((uint32_t)a1) {
    case VCPUOP_is_up: return !(READ_ONCE(v->pause_flags) & VPF_DOWN);
    case VCPUOP_get_runstate_info: return do_get_runstate(v, arg);
    case VCPUOP_set_singleshot_timer: return do_set_singleshot(v, arg);
    case VCPUOP_stop_singleshot_timer:
        if (v != current)
            return -EINVAL;
        vcpu_singleshot_set(v, 0);
        return 0;
    default: return do_other((uint32_t)a1, v, arg);
    }
}
