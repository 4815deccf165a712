/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: one-bit messages between domains, from hardware interrupts (pirq), from the
 * hypervisor (virq) and between vCPUs (ipi). Two forms of guest-shared state: 2-level and FIFO.
 * No global lock on send: each channel has its own.
 */
#ifndef XEN_DOMAIN_EVENT_CHANNEL_H
#define XEN_DOMAIN_EVENT_CHANNEL_H
#include "lib/spinlock.h"
#include "hypercalls/abi/event_channel.h"
#include "hypercalls/abi/xen.h"

struct domain;
struct vcpu;

struct evtchn {
    struct spinlock lock; /* LOCK_EVTCHN: everything below. Never taken by interrupts */
    uint8_t state;        /* EVTCHNSTAT_* */
    uint8_t priority;     /* FIFO */
    bool pending_while_unready;
    uint16_t notify_vcpu;
    uint32_t port;
    union {
        domid_t remote_domid; /* unbound */
        struct {
            struct domain *dom;
            struct evtchn *channel;
        } remote; /* interdomain */
        uint32_t pirq;
        uint32_t virq;
    } u;
    uint16_t last_vcpu, last_priority; /* FIFO: queue it is linked on (that queue's lock) */
};

/*
 * Channels come in buckets. What was allocated stays until the domain is freed, so that a look-up
 * needs no lock.
 */
#define EVTCHNS_PER_BUCKET 64
struct evtchn_fifo_domain;
struct evtchn_domain {
    struct spinlock lock;   /* LOCK_EVTCHN_PORTS: port allocation, the bucket array */
    struct evtchn **bucket; /* as many as max_port may need */
    uint32_t nr_ports;      /* ports 0..nr_ports-1 have a struct */
    uint32_t max_port;      /* limit from createdomain, inclusive */
    uint32_t next_free_hint;
    uint32_t closed;                    /* evtchn_destroy(), evtchn_reset(): how far they are */
    struct evtchn_fifo_domain *fifo;    /* NULL: 2-level form */
    uint64_t poll_mask[MAX_VCPUS / 64]; /* vCPUs in SCHEDOP_poll; atomic bits */
};

int evtchn_init(struct domain *d, unsigned int max_port);
/* Closes all channels, preemptible: -ERESTART. Then evtchn_free() when the last reference went. */
int evtchn_destroy(struct domain *d);
void evtchn_free(struct domain *d);
/* The guest moved vcpu_info or went to FIFO; carry pending state over. */
void evtchn_vcpu_info_moved(struct vcpu *v);
/* Is anything deliverable pending (upcall pending and unmasked)? (hot: exit path does it inline) */
static inline bool vcpu_event_pending(const struct vcpu_info *vi)
{
    return READ_ONCE(vi->evtchn_upcall_pending) && !READ_ONCE(vi->evtchn_upcall_mask);
}

/* Raise. Any context incl. interrupts off. */
void send_guest_vcpu_virq(struct vcpu *v, uint32_t virq);
void send_guest_global_virq(struct domain *d, uint32_t virq);
void send_guest_pirq(struct domain *d, uint32_t pirq);
/* VIRQ_CONSOLE, VIRQ_DOM_EXC ... to whoever handles them (Dom0). */
void send_global_virq(uint32_t virq);
/* Mark v as having an upcall to take: set upcall_pending, wake or kick it. */
void vcpu_mark_events_pending(struct vcpu *v);

/* The operations behind the hypercalls; arguments are checked copies. 0 or -errno. */
long evtchn_alloc_unbound(struct domain *d, domid_t remote, evtchn_port_t *port);
long evtchn_bind_interdomain(domid_t remote_dom, evtchn_port_t remote_port, evtchn_port_t *local);
long evtchn_bind_virq(uint32_t virq, uint32_t vcpu, evtchn_port_t *port);
long evtchn_bind_ipi(uint32_t vcpu, evtchn_port_t *port);
long evtchn_bind_pirq(uint32_t pirq, uint32_t flags, evtchn_port_t *port);
long evtchn_close(struct domain *d, evtchn_port_t port);
long evtchn_send(struct domain *d, evtchn_port_t port);
long evtchn_status(struct evtchn_status *s);
long evtchn_bind_vcpu(evtchn_port_t port, uint32_t vcpu);
long evtchn_unmask(evtchn_port_t port);
long evtchn_reset(struct domain *d);
long evtchn_set_priority(evtchn_port_t port, uint32_t priority);
long evtchn_init_control(struct evtchn_init_control *ic);
long evtchn_expand_array(uint64_t array_gfn);
/* SCHEDOP_poll: v == current waits for this port, or (0) for any of several. begin marks v as polling
 * and must come before the ports are looked at; end, from anywhere, undoes it. */
void evtchn_poll_begin(struct vcpu *v, evtchn_port_t port);
void evtchn_poll_end(struct vcpu *v);
/* Is the port pending (masked or not)? -EINVAL for a bad port. */
int evtchn_port_pending(struct domain *d, evtchn_port_t port);

#endif
