/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ending the host's run: reboot, halt, power-off. */
#ifndef XEN_X86_REBOOT_H
#define XEN_X86_REBOOT_H
#include "lib/types.h"

/* Reboot by whatever works, as reboot= says first. From any context. */
void machine_restart(void) __noreturn;
/* Stop all CPUs for good. */
void machine_halt(void) __noreturn;
/*
 * ACPI S5 (Dom0's XENPF_enter_acpi_sleep): values for the PM1 control registers; the sleep type
 * counts, the enable bit is added. Returns only if the machine cannot: -EOPNOTSUPP or -EIO.
 */
int machine_power_off(uint16_t pm1a_control, uint16_t pm1b_control);

#endif
