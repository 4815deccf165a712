/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts: vectors, I/O APIC pins and MSIs, who handles an IRQ (the hypervisor or a guest's
 * pirq). Intel SDM vol. 3 ch. 11 (APIC); 82093AA data sheet (I/O APIC).
 *
 * Vectors: 0x20-0x2f spurious legacy; 0x30-0xef IRQs, the high nibble being the priority;
 * 0xf0-0xff the hypervisor's own (below).
 */
#ifndef XEN_X86_IRQ_H
#define XEN_X86_IRQ_H
#include "lib/cpumask.h"
#include "hypercalls/abi/arch-x86_64.h"

#define VECTOR_FIRST_IRQ 0x30
#define VECTOR_LAST_IRQ  0xef
#define VECTOR_TIMER     0xf9
#define VECTOR_CALL      0xfa /* smp_call */
#define VECTOR_KICK      0xfb /* look at the work word */
#define VECTOR_TLB       0xfc
#define VECTOR_STOP      0xfd
#define VECTOR_ERROR     0xfe
#define VECTOR_SPURIOUS  0xff

struct domain;
struct frame;
/* Called by the entry code for vectors 0x20..0xff with interrupts off, on the CPU's stack. */
void do_irq(struct cpu_user_regs *regs);

/* Guest side. Locks: d->irq_lock, then irq_desc.lock, inside. */
int pirq_init_domain(struct domain *d);
void pirq_destroy_domain(struct domain *d); /* unbind and unmap all; idempotent */
/* Event-channel side of a pirq: bind makes the IRQ deliver send_guest_pirq(). */
int pirq_bind_guest(struct domain *d, uint32_t pirq, bool shareable);
void pirq_unbind_guest(struct domain *d, uint32_t pirq);
void pirq_guest_eoi(struct domain *d, uint32_t pirq);
/* The event channel of this pirq was unmasked by its guest. */
void pirq_guest_unmask(struct domain *d, uint32_t pirq);
/* Port bound to a pirq (0 none): kept here so that send_guest_pirq finds it. */
uint32_t pirq_to_evtchn(struct domain *d, uint32_t pirq);
void pirq_set_evtchn(struct domain *d, uint32_t pirq, uint32_t port);
/* The page where the guest looks up which pirqs want an end of interrupt, or NULL. */
struct frame *pirq_eoi_frame(const struct domain *d);

/* The vCPU that this pirq notifies is on that CPU: deliver there. Any context. */
void pirq_set_cpu(struct domain *d, uint32_t pirq, unsigned int cpu);

/* The hypervisor's own IRQ (serial port). */
int irq_request_own(unsigned int gsi, void (*fn)(void *), void *data);
void irq_init(void);

#endif
