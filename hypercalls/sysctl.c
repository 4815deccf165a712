/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl(op): the toolstack's operations on the host. One table; the handlers are in sysctl_*.c. */
#include "hypercalls/sysctl.h"

#define OP(name)                         \
    {                                    \
        XEN_SYSCTL_##name, sysctl_##name \
    }
static const struct {
    uint32_t cmd;
    sysctl_fn fn;
} table[] = {
    OP(readconsole),        OP(physinfo),       OP(sched_id),     OP(getdomaininfolist),
    OP(debug_keys),         OP(getcpuinfo),     OP(availheap),    OP(cputopoinfo),
    OP(numainfo),           OP(cpupool_op),     OP(scheduler_op), OP(get_cpu_levelling_caps),
    OP(get_cpu_featureset), OP(get_cpu_policy), OP(pcitopoinfo),
};

static struct spinlock sysctl_lock = SPINLOCK_INIT(LOCK_SYSCTL);

static sysctl_fn find(uint32_t cmd)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(table); i++)
        if (table[i].cmd == cmd)
            return table[i].fn;
    return NULL;
}

HYPERCALL(hc_sysctl)
{
    guest_ptr_t arg = guest_ptr(a1);
    struct xen_sysctl op;
    sysctl_fn fn;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -EACCES;
    fn = find(op.cmd);
    if (!fn)
        return hypercall_enosys("sysctl", op.cmd);
    /* As with domctl: not waited for. */
    if (!spin_trylock(&sysctl_lock))
        return hypercall_continuation(__HYPERVISOR_sysctl, 1, arg.va);
    rc = fn(&op);
    spin_unlock(&sysctl_lock);
    if (copy_struct_to_guest(arg, &op))
        return -EFAULT;
    return rc;
}
