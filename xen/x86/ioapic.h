/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The I/O APICs: pins, by global system interrupt. */
#ifndef XEN_X86_IOAPIC_H
#define XEN_X86_IOAPIC_H
#include "lib/types.h"

struct irq_desc;
/* Map all I/O APICs of the MADT, mask every pin, set nr_gsis. Boot CPU. */
void ioapic_init(void);
/* Write the pin's entry as the descriptor says (vector, modes, CPU, masked). Descriptor locked. */
void ioapic_program(const struct irq_desc *desc);
/* Only the mask bit. */
void ioapic_set_mask(const struct irq_desc *desc);
/* A register as Domain 0 asks, by the chip's address: 0 or -ENODEV. */
int ioapic_guest_read(paddr_t address, uint32_t reg, uint32_t *value);

#endif
