/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What event_channel.c shares with the two forms of guest-visible state. */
#ifndef XEN_DOMAIN_EVENT_INTERNAL_H
#define XEN_DOMAIN_EVENT_INTERNAL_H
#include "domain/domain.h"
#include "lib/lib.h"

/* The channel of a port that has a struct, NULL for others. No lock: they stay until the end. */
static inline struct evtchn *port_lookup(const struct domain *d, evtchn_port_t port)
{
    uint32_t nr = atomic_load(&d->evtchn.nr_ports);

    if (unlikely(port >= nr))
        return NULL;
    port = (evtchn_port_t)index_nospec(port, nr);
    return &d->evtchn.bucket[port / EVTCHNS_PER_BUCKET][port % EVTCHNS_PER_BUCKET];
}

/*
 * Each pair below: c is a channel of d. Callers of set_pending and unmask hold c's lock, or what
 * keeps c bound (the peer's lock, the virq_lock, the IRQ's handler), so that FIFO pages cannot go meanwhile.
 */
void event_2l_set_pending(struct domain *d, struct evtchn *c);
void event_2l_clear_pending(struct domain *d, struct evtchn *c);
void event_2l_unmask(struct domain *d, struct evtchn *c);
bool event_2l_is_pending(const struct domain *d, evtchn_port_t port);
bool event_2l_is_masked(const struct domain *d, evtchn_port_t port);
/* Take the bit away: true if it was set. For the change to FIFO. */
bool event_2l_take_pending(struct domain *d, evtchn_port_t port);

void event_fifo_set_pending(struct domain *d, struct evtchn *c);
void event_fifo_clear_pending(struct domain *d, struct evtchn *c);
void event_fifo_unmask(struct domain *d, struct evtchn *c);
bool event_fifo_is_pending(const struct domain *d, evtchn_port_t port);
bool event_fifo_is_masked(const struct domain *d, evtchn_port_t port);
/* Still on a queue that the guest has not read: the port cannot be used anew. */
bool event_fifo_is_busy(const struct domain *d, evtchn_port_t port);
/* Back to 2-level; all channels are closed. d->evtchn.lock held, or d dies. */
void event_fifo_teardown(struct domain *d);

/* The FIFO form's state (event_fifo.c). */
#define EVTCHN_FIFO_WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define EVTCHN_FIFO_MAX_PAGES      (EVTCHN_FIFO_NR_CHANNELS / EVTCHN_FIFO_WORDS_PER_PAGE)
struct evtchn_fifo_vcpu {
    struct spinlock lock;
    struct evtchn_fifo_control_block *cb; /* in frame, guest-writable; NULL until registered */
    struct frame *frame;
    uint32_t tail[EVTCHN_FIFO_MAX_QUEUES];
};
struct evtchn_fifo_domain {
    uint32_t nr_words;
    event_word_t *page[EVTCHN_FIFO_MAX_PAGES]; /* guest-writable */
    struct frame *frame[EVTCHN_FIFO_MAX_PAGES];
};

static inline void event_set_pending(struct domain *d, struct evtchn *c)
{
    if (likely(d->evtchn.fifo))
        event_fifo_set_pending(d, c);
    else
        event_2l_set_pending(d, c);
}
static inline bool event_is_pending(const struct domain *d, evtchn_port_t port)
{
    return d->evtchn.fifo ? event_fifo_is_pending(d, port) : event_2l_is_pending(d, port);
}
static inline bool event_is_masked(const struct domain *d, evtchn_port_t port)
{
    return d->evtchn.fifo ? event_fifo_is_masked(d, port) : event_2l_is_masked(d, port);
}

/* The port of d became pending: end the polls for it. */
void event_wake_pollers(struct domain *d, evtchn_port_t port);
static inline void event_check_pollers(struct domain *d, evtchn_port_t port)
{
    _Static_assert(MAX_VCPUS == 128, "two words");
    if (unlikely(READ_ONCE(d->evtchn.poll_mask[0]) | READ_ONCE(d->evtchn.poll_mask[1])))
        event_wake_pollers(d, port);
}
static inline struct vcpu *event_notify_vcpu(const struct domain *d, const struct evtchn *c)
{
    return d->vcpu[READ_ONCE(c->notify_vcpu)];
}

#endif
