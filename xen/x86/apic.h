/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC: end of interrupt, interprocessor interrupts, the timer. */
#ifndef XEN_X86_APIC_H
#define XEN_X86_APIC_H
#include "lib/cpumask.h"

/* Boot CPU: choose xAPIC or x2APIC, silence the 8259s, map registers, set this CPU's up. */
void apic_init(void);
/* Any other CPU: bring its APIC into the mode chosen and set it up. */
void apic_init_cpu(void);
void apic_eoi(void);
/* This CPU's APIC id. */
uint32_t apic_read_id(void);
bool apic_x2apic(void);

/* Any context. The interrupt flag need not be off: each send is one or two register writes, and
 * the xAPIC form masks interrupts over them. */
void apic_send_ipi(unsigned int cpu, uint8_t vector);
void apic_send_ipi_mask(cpumask_t mask, uint8_t vector);
/* Starting another CPU, by APIC id. page: of the 4 KiB page where it starts. */
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint8_t page);

/* Current count of the timer while it counts down from ~0: for calibration. */
void apic_timer_start_counting(void);
uint32_t apic_timer_count(void);
/* Frequency in kHz of the count (divide by one), told after calibration; then set up the LVT. */
void apic_timer_set_khz(uint32_t khz);
bool apic_timer_uses_deadline(void);
void apic_timer_init_cpu(void);

/* APIC ids of our CPUs; written before a CPU is started. */
extern uint32_t cpu_apic_id[MAX_CPUS];

#endif
