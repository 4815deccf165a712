/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run states: how long each vCPU ran, waited for a CPU, was blocked or offline. The guest reads
 * its own from memory that it registered (VCPUOP_register_runstate_memory_area).
 */
#include "sched/sched.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "x86/guest_access.h"
#include "x86/time.h"

/* Under the run-queue lock of v's CPU. */
void vcpu_runstate_change(struct vcpu *v, int state, s_time_t t)
{
    struct vcpu_runstate_info *r = &v->runstate;
    int64_t delta = t - (int64_t)r->state_entry_time;

    /* Another CPU's clock may be a tick behind that of the last change. */
    if (delta > 0) {
        r->time[r->state] += (uint64_t)delta;
        r->state_entry_time = (uint64_t)t;
    }
    r->state = state;
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out)
{
    s_time_t t;

    /* Others change it while they schedule v. Reading without its lock can tear; taken again until
     * nothing moved, which needs as many schedulings as tries to go on. */
    do {
        *out = v->runstate;
        barrier();
    } while (READ_ONCE(v->runstate.state_entry_time) != out->state_entry_time);
    t = now();
    if (t > (s_time_t)out->state_entry_time)
        out->time[out->state] += (uint64_t)t - out->state_entry_time;
}

void vcpu_runstate_copy(struct vcpu *v)
{
    struct vcpu_runstate_info r = v->runstate;
    guest_ptr_t area = guest_ptr(v->runstate_area);
    guest_ptr_t entry_time =
        guest_ptr(v->runstate_area + offsetof(struct vcpu_runstate_info, state_entry_time));
    bool flag = v->domain->vm_assist & (1ull << VMASST_TYPE_runstate_update_flag);

    if (!v->runstate_area)
        return;
    /* A guest that took its area away gets no news; nothing else depends on it. */
    if (flag) {
        r.state_entry_time |= XEN_RUNSTATE_UPDATE;
        if (copy_struct_to_guest(entry_time, &r.state_entry_time))
            return;
        smp_wmb();
    }
    if (copy_struct_to_guest(area, &r) || !flag)
        return;
    smp_wmb();
    r.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
    if (copy_struct_to_guest(entry_time, &r.state_entry_time))
        return;
}

s_time_t vcpu_cpu_time(const struct vcpu *v)
{
    s_time_t ran = (s_time_t)READ_ONCE(v->runstate.time[RUNSTATE_running]);

    if (READ_ONCE(v->runstate.state) == RUNSTATE_running) {
        s_time_t d = now() - (s_time_t)READ_ONCE(v->runstate.state_entry_time);
        if (d > 0)
            ran += d;
    }
    return ran;
}

s_time_t cpu_idle_time(unsigned int cpu)
{
    return cpu < MAX_CPUS && idle_vcpu[cpu] ? vcpu_cpu_time(idle_vcpu[cpu]) : 0;
}
