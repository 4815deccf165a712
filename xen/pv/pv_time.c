/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time as a guest sees it: a record per vCPU that turns TSC readings into system time, and the
 * wallclock. Both are versioned: odd while being written. (hypercalls/abi/xen.h)
 */
#include "x86/time.h"
#include "x86/guest_access.h"
#include "domain/domain.h"
#include "lib/lib.h"

void vcpu_time_update(struct vcpu *v)
{
    struct vcpu_info *vi = v->vcpu_info;
    struct vcpu_time_info *t = &vi->time;
    uint64_t tsc = rdtsc();

    if (!vi)
        return;
    uint32_t version = (t->version | 1) + 2; /* odd */
    WRITE_ONCE(t->version, version);
    smp_wmb();
    t->tsc_timestamp = tsc;
    t->system_time = (uint64_t)tsc_to_ns(tsc);
    t->tsc_to_system_mul = tsc_to_ns_mul;
    t->tsc_shift = tsc_to_ns_shift;
    t->flags = 1; /* XEN_PVCLOCK_TSC_STABLE_BIT: one TSC, the same on all CPUs */
    smp_wmb();
    WRITE_ONCE(t->version, version + 1);

    if (v->time_area && v == current) {
        struct vcpu_time_info copy = *t;
        /* The guest's own mapping of the area may be gone; that is its affair. */
        if (copy_to_guest(guest_ptr(v->time_area), &copy, sizeof(copy)))
            return;
    }
}
