/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time: the TSC scaled to nanoseconds is system time; the platform timer (HPET, ACPI PM, PIT)
 * calibrates it once, briefly; the CMOS clock gives the date. Intel SDM vol. 3 ch. 18.17.
 */
#ifndef XEN_X86_TIME_H
#define XEN_X86_TIME_H
#include "lib/types.h"

struct vcpu;
struct domain;
void time_init(void);     /* boot CPU: find, calibrate; no wait longer than ~2 ms */
void time_init_cpu(void); /* each CPU */
/* Boot CPU, once, before any domain runs: a better scale, without waiting. */
void time_refine(void);
s_time_t now(void); /* system time, ns; same on all CPUs; any context */
s_time_t tsc_to_ns(uint64_t tsc);
uint64_t ns_to_tsc(s_time_t ns); /* for TSC-deadline and emulation */
extern uint32_t tsc_khz;
extern uint32_t tsc_to_ns_mul; /* ABI's pvclock scale: ns = ((tsc << shift) * mul) >> 32 */
extern int8_t tsc_to_ns_shift;
/* Refresh v's vcpu_time_info (and secondary area); called when v gets onto a CPU or its area
 * moves. Versioned as the ABI says. (pv/pv_time.c) */
void vcpu_time_update(struct vcpu *v);
/* Wallclock in d's shared_info. settime: by Dom0 (platform_op). */
void wallclock_update(struct domain *d);
void wallclock_set(uint64_t sec, uint32_t nsec, uint64_t system_time_base);
uint64_t wallclock_seconds(uint32_t *nsec);
/* Program this CPU's timer interrupt for system time t (0: none). */
void timer_hw_program(s_time_t t);
void udelay(unsigned int us);

#endif
