/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Acting on one interrupt line, whatever it is made of. Descriptor locked, interrupts off. */
#ifndef XEN_X86_IRQ_LINE_H
#define XEN_X86_IRQ_LINE_H
#include "x86/irq_desc.h"

/* Write vector, destination and mask to the hardware. */
void irq_line_program(struct irq_desc *desc);
void irq_line_mask(struct irq_desc *desc, bool masked);
/* Pins get their vector here, MSIs have theirs. 0 or -ENOSPC. */
int irq_line_get_vector(struct irq_desc *desc);
/* Deliver to this CPU from now on, if it is online. */
void irq_line_move(struct irq_desc *desc, unsigned int cpu);

#endif
