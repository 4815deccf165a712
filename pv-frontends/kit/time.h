/* SPDX-License-Identifier: MIT */
/* System time: nanoseconds since boot, computed from the TSC by the record in vcpu_info. */
#ifndef KIT_TIME_H
#define KIT_TIME_H

#include "kit/abi.h"

/* Nanoseconds by one time record; retries while the hypervisor updates it. */
uint64_t time_from(const volatile struct vcpu_time_info *record);

/* Nanoseconds on the calling vCPU. */
uint64_t time_now(void);

/* Spins for that long. */
void time_spin(uint64_t nanoseconds);

/* Arms the calling vCPU's one-shot timer at an absolute time. Returns the hypervisor's answer. */
long timer_set(uint64_t deadline, uint32_t flags);
long timer_stop(void);

#endif
