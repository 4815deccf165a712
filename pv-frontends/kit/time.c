/* SPDX-License-Identifier: MIT */
/* System time and the one-shot timer. */
#include "kit/time.h"
#include "kit/events.h"
#include "kit/hypercall.h"
#include "kit/io.h"

uint64_t time_from(const volatile struct vcpu_time_info *record)
{
    uint32_t version;
    uint64_t now;

    do {
        version = record->version;
        barrier(); /* an odd version, or one that changed, means a torn record */
        uint64_t delta = rdtsc() - record->tsc_timestamp;

        delta = record->tsc_shift < 0 ? delta >> -record->tsc_shift : delta << record->tsc_shift;
        now = record->system_time +
              (uint64_t)((unsigned __int128)delta * record->tsc_to_system_mul >> 32);
        barrier();
    } while ((version & 1) || version != record->version);
    return now;
}

uint64_t time_now(void)
{
    return time_from(&this_vcpu_info()->time);
}

void time_spin(uint64_t nanoseconds)
{
    uint64_t end = time_now() + nanoseconds;

    while (time_now() < end) {
        __asm__ volatile("pause");
    }
}

long timer_set(uint64_t deadline, uint32_t flags)
{
    struct vcpu_set_singleshot_timer op = {.timeout_abs_ns = deadline, .flags = flags};

    return hv_vcpu_op(VCPUOP_set_singleshot_timer, this_vcpu(), &op);
}

long timer_stop(void)
{
    return hv_vcpu_op(VCPUOP_stop_singleshot_timer, this_vcpu(), NULL);
}
