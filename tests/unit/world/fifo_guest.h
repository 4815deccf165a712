/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that takes events by FIFO, for fifo_race.c: what Linux 6.1 does in
 * drivers/xen/events/events_fifo.c (queues, masks) and events_base.c (upcalls, reasons to mask, late
 * EOI), step by step, each access to shared memory after guest_point(). Its vCPU is `current`.
 */
#ifndef HOSPES_TESTS_FIFO_GUEST_H
#define HOSPES_TESTS_FIFO_GUEST_H
#include "domain/domain.h"

#define GUEST_VCPUS 2
#define GUEST_PORTS 8

/* A port, as struct irq_info and irq_desc have it. */
struct guest_port {
    evtchn_port_t port;
    bool late; /* EOI by a thread, later */
    /* State of a run. */
    uint32_t is_active, lock, desc_lock;
    bool mask_reason[3]; /* by MASK_* */
    bool in_progress, again, explicit_masked;
    bool wants_eoi;
    bool wanted; /* somebody sent, and it was not handled since */
    unsigned long handled;
};
enum { MASK_EXPLICIT, MASK_TEMPORARY, MASK_EOI };

struct guest {
    struct domain *d;
    struct evtchn_fifo_control_block *cb[GUEST_VCPUS];
    event_word_t *words;
    uint32_t head[GUEST_VCPUS][EVTCHN_FIFO_MAX_QUEUES];
    unsigned int nr_ports;
    struct guest_port port[GUEST_PORTS];
};
extern struct guest guest;

/* fifo_race.c: another CPU may execute; an interrupt may come. */
void guest_point(void);
/* Back from a hypercall or an interrupt: what exit_to_guest of xen/x86/entry.S does. */
void guest_exit(void);
/* A hypercall's answer: 0, or the test fails. */
void guest_call(long rc);
/* A lock of the guest's is another vCPU's. */
void guest_spin(void);

/* xen_evtchn_do_upcall(): with upcalls masked. */
void guest_upcall(void);
/* Of threads: upcalls are masked inside. */
void guest_mask(struct guest_port *p, unsigned int reason);
void guest_unmask(struct guest_port *p, unsigned int reason);
void guest_eoi(struct guest_port *p);
void guest_move(struct guest_port *p, unsigned int vcpu);
/* local_irq_disable(), local_irq_enable(). */
void guest_irq_off(void);
void guest_irq_on(void);

#endif
