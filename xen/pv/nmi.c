/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NMIs of a PV vCPU: sent by the tools or by the domain itself, delivered as exception 2 of the trap
 * table whatever the event mask says, not again until the kernel's IRET.
 *
 * nmi_pending is set from anywhere. Whoever sets it raises SOFTIRQ_TRAP where the vCPU runs; if it does
 * not run just then, the context switch to it does.
 */
#include "pv/trap.h"
#include "lib/lib.h"
#include "sched/softirq.h"

void pv_send_nmi(struct vcpu *v)
{
    if (atomic_xchg(&v->pv.nmi_pending, true))
        return;
    vcpu_kick(v);
    softirq_raise_cpu(READ_ONCE(v->processor), SOFTIRQ_TRAP);
}

int pv_set_nmi_handler(struct vcpu *v, uint64_t rip)
{
    struct pv_trap *t = &v->pv.traps[2];

    if (!va_is_canonical(rip))
        return -EINVAL;
    *t = (struct pv_trap){.rip = rip, .cs = FLAT_KERNEL_CS64, .flags = 4 /* masks events */};
    if (rip && READ_ONCE(v->pv.nmi_pending))
        softirq_raise(SOFTIRQ_TRAP);
    return 0;
}

/* On the way to the guest: current's frame is complete. */
static void deliver(void)
{
    struct vcpu *v = current;

    if (v->domain->is_idle || !READ_ONCE(v->pv.nmi_pending) || v->pv.nmi_masked ||
        !v->pv.traps[2].rip)
        return;
    atomic_store(&v->pv.nmi_pending, false);
    v->pv.nmi_masked = true;
    pv_bounce_exception(guest_regs(), 2, 0);
}

void pv_nmi_init(void)
{
    softirq_open(SOFTIRQ_TRAP, deliver);
}
