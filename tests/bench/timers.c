/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arming timers, and how long after its deadline a timer's upcall begins. */
#include "bench.h"

extern void bench_timer_entry(void);
extern xen_ulong_t *bench_event_word;
extern xen_ulong_t bench_event_bits;
extern struct vcpu_info *bench_vcpu_info;
extern volatile uint64_t bench_upcall_tsc;

/* The TSC at a system time a little ahead, by the record that the hypervisor gives. */
static uint64_t tsc_after(uint64_t tsc, uint64_t nanoseconds)
{
    volatile struct vcpu_time_info *t = &this_vcpu_info()->time;
    uint64_t ticks, high = nanoseconds >> 32, low = nanoseconds << 32;

    /* ticks = nanoseconds * 2^32 / mul: a 128-bit dividend, which C would need a library for. */
    __asm__("divq %3" : "=a"(ticks), "+d"(high) : "0"(low), "r"((uint64_t)t->tsc_to_system_mul));
    return tsc + (t->tsc_shift < 0 ? ticks << -t->tsc_shift : ticks >> t->tsc_shift);
}

/* One timer, waited for by spinning or by SCHEDOP_block. Returns the ticks from deadline to upcall.
 * bench_timer_entry spoils rax, rbx and rdx. */
static uint64_t latency_once(bool block)
{
    volatile struct vcpu_time_info *t = &this_vcpu_info()->time;
    uint64_t deadline = time_now() + 300000;
    uint64_t deadline_tsc = tsc_after(t->tsc_timestamp, deadline - t->system_time);

    bench_upcall_tsc = 0;
    timer_set(deadline, 0);
    if (block) {
        STUB2(__HYPERVISOR_sched_op, SCHEDOP_block, 0);
        __asm__ volatile("" : : : "rax", "rbx", "rdx", "memory");
    }
    while (bench_upcall_tsc == 0) {
        __asm__ volatile("" : : : "rax", "rbx", "rcx", "rdx", "r11", "memory");
    }
    return bench_upcall_tsc - deadline_tsc;
}

static void latency(const char *name, bool block)
{
    uint64_t best = ~0UL;

    for (unsigned int i = 0; i < 9; i++) {
        uint64_t ticks = latency_once(block);

        best = ticks < best ? ticks : best;
    }
    report(name, best, 1);
}

void bench_timers(void)
{
    uint64_t far = time_now() + 1000000000UL;
    struct vcpu_set_singleshot_timer shot = {.timeout_abs_ns = far};
    struct callback_register reg = {.type = CALLBACKTYPE_event,
                                    .address = (unsigned long)bench_timer_entry};

    /* Far: behind all timers of the hypervisor. Near: before them, so that it must program its own. */
    MEASURE("set_timer_op_far", 1, STUB2(__HYPERVISOR_set_timer_op, far, 0));
    STUB2(__HYPERVISOR_set_timer_op, 0, 0);
    uint64_t near = time_now() + 2000000;
    MEASURE("set_timer_op_near", 1, STUB2(__HYPERVISOR_set_timer_op, near, 0));
    STUB2(__HYPERVISOR_set_timer_op, 0, 0);
    MEASURE_PAIR("vcpu_singleshot_arm", "vcpu_singleshot_stop", 1, 64,
                 STUB3(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, &shot),
                 STUB3(__HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0));

    long port = event_bind_virq(VIRQ_TIMER, 0);
    TRY("timer_latency_spin", port);
    bench_event_word = &kit_shared->evtchn_pending[port / 64];
    bench_event_bits = ~(1UL << port % 64);
    bench_vcpu_info = this_vcpu_info();
    events_on();
    event_unmask(port);
    hv_callback_op(CALLBACKOP_register, &reg);
    latency("timer_latency_spin", false);
    latency("timer_latency_block", true);
    events_off();
    reg.address = (unsigned long)trap_event_entry;
    hv_callback_op(CALLBACKOP_register, &reg);
    event_close(port);
}
