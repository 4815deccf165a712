/* SPDX-License-Identifier: MIT */
/*
 * Event channels (2-level) and the shared-info page. The upcall mask of a vCPU plays the part of the
 * interrupt flag: set on entry, and given back by HYPERVISOR_iret from the saved flags.
 */
#ifndef KIT_EVENTS_H
#define KIT_EVENTS_H

#include "kit/abi.h"
#include "kit/traps.h"

extern struct shared_info *kit_shared;

typedef void (*event_handler_t)(evtchn_port_t port);

/* Maps the shared-info page and takes over the event callback. Delivery stays off. */
void events_init(void);

/* The calling vCPU, from the stack it runs on, and its vcpu_info. */
unsigned int this_vcpu(void);
struct vcpu_info *this_vcpu_info(void);

/* Where vCPU `vcpu` has its vcpu_info now (after VCPUOP_register_vcpu_info). */
void events_set_vcpu_info(unsigned int vcpu, struct vcpu_info *info);

/* The address of the last page fault on this vCPU. */
unsigned long last_cr2(void);

/* Delivery on this vCPU on or off; events_on() delivers what is pending at once. */
void events_on(void);
void events_off(void);

/* Calls `handler` for `port` (below 4096) and unmasks it. NULL masks it again. */
void event_handle(evtchn_port_t port, event_handler_t handler);
/* The same for a port that is bound to another vCPU than 0: only that one handles it. All vCPUs share
 * the pending words, so without this two of them could take the same event. */
void event_handle_on(unsigned int vcpu, evtchn_port_t port, event_handler_t handler);

void event_mask(evtchn_port_t port);
/* Through the hypervisor, so that a pending event is delivered. */
long event_unmask(evtchn_port_t port);
bool event_pending(evtchn_port_t port);
bool event_masked(evtchn_port_t port);
void event_clear(evtchn_port_t port);

/* How each returns: the new port, or a negative error. */
long event_alloc_unbound(domid_t dom, domid_t remote);
long event_bind_interdomain(domid_t remote, evtchn_port_t remote_port);
long event_bind_virq(uint32_t virq, uint32_t vcpu);
long event_bind_ipi(uint32_t vcpu);
long event_send(evtchn_port_t port);
long event_close(evtchn_port_t port);

/* For programs without handlers: waits until one of `count` masked ports is pending, or system time
 * `deadline` (nanoseconds; 0: for ever) is past. True if one is; event_clear() is the caller's. */
bool event_wait(evtchn_port_t *ports, unsigned int count, uint64_t deadline);

#endif
