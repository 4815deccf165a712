/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit of event channels: peers, the maps of VIRQs and pirqs, polls, pages of the FIFO form. */
#include "domain/event_internal.h"
#include "mm/audit.h"
#include "x86/irq.h"

static const struct evtchn *channel(const struct domain *d, uint32_t port)
{
    return port < d->evtchn.nr_ports
               ? &d->evtchn.bucket[port / EVTCHNS_PER_BUCKET][port % EVTCHNS_PER_BUCKET]
               : NULL;
}

static bool is_listed(const struct domain *wanted)
{
    const struct domain *d = domain_list;

    while (d && d != wanted)
        d = d->list_next;
    return d;
}

static void audit_peer(struct audit *a, const struct domain *d, const struct evtchn *c)
{
    const struct domain *rd = c->u.remote.dom;
    const struct evtchn *r = c->u.remote.channel;

    if (!AUDIT(a, is_listed(rd), "d%u: the peer of port %u is in no domain", d->id, c->port))
        return;
    for (uint32_t port = 0; port < rd->evtchn.nr_ports; port++) {
        if (channel(rd, port) != r)
            continue;
        AUDIT(a,
              r != c && r->state == EVTCHNSTAT_interdomain && r->u.remote.dom == d &&
                  r->u.remote.channel == c,
              "d%u: port %u is bound to d%u's %u, which is not to it", d->id, c->port, rd->id,
              port);
        return;
    }
    AUDIT(a, false, "d%u: port %u is bound to no port of d%u", d->id, c->port, rd->id);
}

static void audit_channel(struct audit *a, struct domain *d, const struct evtchn *c)
{
    unsigned int named = 0;
    struct vcpu *v;

    AUDIT(a, !spin_is_locked(&c->lock), "d%u: port %u is locked", d->id, c->port);
    if (c->state == EVTCHNSTAT_closed)
        return;
    a->channels++;
    /* Channels of a domain that has no vCPU yet are for the first one that it will have. */
    AUDIT(a, !c->notify_vcpu || (c->notify_vcpu < d->max_vcpus && d->vcpu[c->notify_vcpu]),
          "d%u: port %u is for vCPU %u", d->id, c->port, c->notify_vcpu);
    switch (c->state) {
    case EVTCHNSTAT_unbound:
    case EVTCHNSTAT_ipi: break;
    case EVTCHNSTAT_interdomain: audit_peer(a, d, c); break;
    case EVTCHNSTAT_pirq:
        AUDIT(a, pirq_to_evtchn(d, c->u.pirq) == c->port, "d%u: port %u is not that of pirq %u",
              d->id, c->port, c->u.pirq);
        break;
    case EVTCHNSTAT_virq:
        if (!AUDIT(a, c->u.virq < NR_VIRQS, "d%u: port %u has virq %u", d->id, c->port, c->u.virq))
            break;
        for_each_vcpu(d, v) named += v->virq_to_evtchn[c->u.virq] == c->port;
        AUDIT(a, named == 1, "d%u: port %u is virq %u of %u vCPUs", d->id, c->port, c->u.virq,
              named);
        break;
    default: AUDIT(a, false, "d%u: port %u has state %u", d->id, c->port, c->state);
    }
}

/* From the other side: each port that a map names is one of that. */
static void audit_maps(struct audit *a, struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
    {
        for (unsigned int virq = 0; virq < NR_VIRQS; virq++) {
            const struct evtchn *c = channel(d, v->virq_to_evtchn[virq]);
            AUDIT(a,
                  !v->virq_to_evtchn[virq] ||
                      (c && c->state == EVTCHNSTAT_virq && c->u.virq == virq),
                  "d%uv%u: virq %u is at port %u", d->id, v->id, virq, v->virq_to_evtchn[virq]);
        }
    }
    for (uint32_t pirq = 0; d->pirqs && pirq < d->nr_pirqs; pirq++) {
        uint32_t port = pirq_to_evtchn(d, pirq);
        const struct evtchn *c = channel(d, port);
        AUDIT(a, !port || (c && c->state == EVTCHNSTAT_pirq && c->u.pirq == pirq),
              "d%u: pirq %u is at port %u", d->id, pirq, port);
    }
}

/* Who polls is known to senders, or nobody would wake it. */
static void audit_polls(struct audit *a, struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) AUDIT(
        a, !(v->pause_flags & VPF_POLL) || (d->evtchn.poll_mask[v->id / 64] >> (v->id % 64) & 1),
        "d%uv%u polls, and no sender knows", d->id, v->id);
    for (unsigned int i = 0; i < MAX_VCPUS; i++)
        AUDIT(a, !(d->evtchn.poll_mask[i / 64] >> (i % 64) & 1) || (i < d->max_vcpus && d->vcpu[i]),
              "d%u: vCPU %u, which is not there, polls", d->id, i);
}

static void count_page(struct audit *a, const struct frame *f)
{
    if (f)
        audit_count(a, mfn_x(frame_to_mfn(f)), FRAME_WRITABLE);
}

static void count_pages(struct audit *a, struct domain *d)
{
    const struct evtchn_fifo_domain *fifo = d->evtchn.fifo;
    struct vcpu *v;

    for_each_vcpu(d, v) if (v->fifo) count_page(a, v->fifo->frame);
    for (unsigned int i = 0; fifo && i < EVTCHN_FIFO_MAX_PAGES; i++)
        count_page(a, fifo->frame[i]);
    count_page(a, pirq_eoi_frame(d));
}

void audit_events(struct audit *a, struct domain *d)
{
    for (uint32_t port = 0; port < d->evtchn.nr_ports; port++) {
        const struct evtchn *c = channel(d, port);
        AUDIT(a, c->port == port && (port || c->state == EVTCHNSTAT_closed),
              "d%u: port %u calls itself %u", d->id, port, c->port);
        audit_channel(a, d, c);
        AUDIT(a, !port || port >= d->evtchn.next_free_hint || c->state != EVTCHNSTAT_closed,
              "d%u: port %u is free, and cannot be had", d->id, port);
    }
    audit_maps(a, d);
    audit_polls(a, d);
    count_pages(a, d);
}
