/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two-level form: a pending and a mask bit per port in shared_info, and a word of selector
 * bits in vcpu_info, one for each word of pending bits. The guest clears; we set: each with locked
 * operations, because all vCPUs share them.
 */
#include "domain/event_internal.h"

/* The pages are the guest's to write at any time: nothing read from them is trusted. */
static uint64_t *pending_bits(const struct domain *d)
{
    return (uint64_t *)d->shared_info->evtchn_pending;
}
static uint64_t *mask_bits(const struct domain *d)
{
    return (uint64_t *)d->shared_info->evtchn_mask;
}

static void select_word(struct vcpu *v, evtchn_port_t port)
{
    /* Domain 0 may send to a domain that has no vCPU yet. The port's own bit stays for it to find. */
    if (unlikely(!v))
        return;
    uint64_t *sel = (uint64_t *)&v->vcpu_info->evtchn_pending_sel;

    if (!test_and_set_bit(sel, port / 64))
        vcpu_mark_events_pending(v);
}

void event_2l_set_pending(struct domain *d, struct evtchn *c)
{
    evtchn_port_t port = c->port;

    if (test_and_set_bit(pending_bits(d), port))
        return;
    if (!test_bit(mask_bits(d), port))
        select_word(event_notify_vcpu(d, c), port);
    event_check_pollers(d, port);
    /* The guest may have gone to FIFO meanwhile, where nobody looks at this bit: then whoever takes it away,
     * expand_array or this, passes the event on. */
    if (unlikely(READ_ONCE(d->evtchn.fifo)) && event_2l_take_pending(d, port))
        event_fifo_set_pending(d, c);
}

void event_2l_clear_pending(struct domain *d, struct evtchn *c)
{
    clear_bit(pending_bits(d), c->port);
}

void event_2l_unmask(struct domain *d, struct evtchn *c)
{
    if (test_and_clear_bit(mask_bits(d), c->port) && test_bit(pending_bits(d), c->port))
        select_word(event_notify_vcpu(d, c), c->port);
}

bool event_2l_is_pending(const struct domain *d, evtchn_port_t port)
{
    return port < EVTCHN_2L_NR_CHANNELS && test_bit(pending_bits(d), port);
}

bool event_2l_is_masked(const struct domain *d, evtchn_port_t port)
{
    return port < EVTCHN_2L_NR_CHANNELS && test_bit(mask_bits(d), port);
}

bool event_2l_take_pending(struct domain *d, evtchn_port_t port)
{
    return port < EVTCHN_2L_NR_CHANNELS && test_and_clear_bit(pending_bits(d), port);
}
