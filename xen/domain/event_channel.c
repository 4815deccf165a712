/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: binding, sending, closing.
 *
 * d->evtchn.lock is for making and closing d's ports: a channel leaves the state closed, or goes
 * back to it, only under it. A channel's own lock is for the rest; a peer may make an interdomain
 * channel unbound with both channels' locks. Senders take the lock of their own channel alone:
 * while it is held, an interdomain channel stays bound, and so does the peer's; hence the peer's
 * domain cannot finish dying, and its state may be set without its lock.
 */
#include "domain/event_internal.h"
#include "hypercalls/hypercall.h"
#include "x86/cpu.h"
#include "x86/irq.h"

/* Ports closed between two looks at whether to let others run. */
#define CLOSE_BATCH 32

/* ---- delivery ------------------------------------------------------------------------------------- */

void vcpu_mark_events_pending(struct vcpu *v)
{
    struct vcpu_info *vi = READ_ONCE(v->vcpu_info);

    if (READ_ONCE(vi->evtchn_upcall_pending) || atomic_xchg(&vi->evtchn_upcall_pending, 1))
        return;
    /* Even if it masks upcalls: a guest unmasks with a plain store and then looks at pending, without a
     * barrier, so the processor may do its load first, and the mask that is seen here be an old one. */
    vcpu_kick(v);
}

void evtchn_vcpu_info_moved(struct vcpu *v)
{
    struct vcpu_info *vi = v->vcpu_info;

    /* What a sender put into the old place is lost: make the guest look at everything. */
    atomic_or((uint64_t *)&vi->evtchn_pending_sel, ~0ull);
    WRITE_ONCE(vi->evtchn_upcall_pending, 0);
    vcpu_mark_events_pending(v);
}

static void end_poll(struct vcpu *v)
{
    evtchn_poll_end(v);
    if (atomic_fetch_and(&v->pause_flags, ~VPF_POLL) & VPF_POLL)
        vcpu_wake(v);
}

void event_wake_pollers(struct domain *d, evtchn_port_t port)
{
    for (unsigned int w = 0; w < ARRAY_SIZE(d->evtchn.poll_mask); w++) {
        uint64_t bits = READ_ONCE(d->evtchn.poll_mask[w]);
        for (; bits; bits &= bits - 1) {
            struct vcpu *v = d->vcpu[w * 64 + (unsigned int)__builtin_ctzll(bits)];
            int polled = READ_ONCE(v->poll_port);
            if (polled <= 0 || (evtchn_port_t)polled == port)
                end_poll(v);
        }
    }
}

void evtchn_poll_begin(struct vcpu *v, evtchn_port_t port)
{
    v->poll_port = (int)port;
    atomic_or(&v->pause_flags, VPF_POLL);
    /* Locked, so that either a sender sees the bit, or the caller sees the port pending. */
    set_bit(v->domain->evtchn.poll_mask, v->id);
}

void evtchn_poll_end(struct vcpu *v)
{
    clear_bit(v->domain->evtchn.poll_mask, v->id);
}

long evtchn_send(struct domain *d, evtchn_port_t port)
{
    struct evtchn *c = port_lookup(d, port), *to = c;
    long rc = 0;

    if (unlikely(!c))
        return -EINVAL;
    spin_lock(&c->lock);
    if (c->state == EVTCHNSTAT_interdomain) {
        d = c->u.remote.dom;
        to = c->u.remote.channel;
    }
    if (likely(c->state == EVTCHNSTAT_interdomain || c->state == EVTCHNSTAT_ipi))
        event_set_pending(d, to);
    else if (c->state != EVTCHNSTAT_unbound) /* unbound: who binds will look */
        rc = -EINVAL;
    spin_unlock(&c->lock);
    return rc;
}

void send_guest_vcpu_virq(struct vcpu *v, uint32_t virq)
{
    unsigned long flags = spin_lock_irqsave(&v->virq_lock);
    evtchn_port_t port = v->virq_to_evtchn[virq];

    /* It cannot be closed while its number stands here. */
    if (port)
        event_set_pending(v->domain, port_lookup(v->domain, port));
    spin_unlock_irqrestore(&v->virq_lock, flags);
}

void send_guest_global_virq(struct domain *d, uint32_t virq)
{
    /* Wherever it is delivered, vCPU 0 has the number of its port. */
    if (d && d->max_vcpus && d->vcpu[0])
        send_guest_vcpu_virq(d->vcpu[0], virq);
}

void send_global_virq(uint32_t virq)
{
    send_guest_global_virq(dom0, virq);
}

void send_guest_pirq(struct domain *d, uint32_t pirq)
{
    struct evtchn *c = port_lookup(d, pirq_to_evtchn(d, pirq));

    /* Without its lock, which interrupts must not take: closing waits until we are done
     * (pirq_unbind_guest). */
    if (c && READ_ONCE(c->state) == EVTCHNSTAT_pirq)
        event_set_pending(d, c);
}

/* ---- ports; d->evtchn.lock held -------------------------------------------------------------------- */

static int add_bucket(struct domain *d)
{
    struct evtchn_domain *e = &d->evtchn;
    struct evtchn *c = hv_zalloc(EVTCHNS_PER_BUCKET * sizeof(*c));

    if (!c)
        return -ENOMEM;
    for (uint32_t i = 0; i < EVTCHNS_PER_BUCKET; i++) {
        spin_lock_init(&c[i].lock, LOCK_EVTCHN);
        c[i].port = e->nr_ports + i;
    }
    e->bucket[e->nr_ports / EVTCHNS_PER_BUCKET] = c;
    atomic_store(&e->nr_ports, e->nr_ports + EVTCHNS_PER_BUCKET);
    return 0;
}

/* A closed port that may be used: lowest first. Its channel stays closed until the caller, still
 * under the lock, makes something of it. Negative: errno. */
static int alloc_port(struct domain *d, struct evtchn **out)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t limit = d->evtchn.fifo ? EVTCHN_FIFO_NR_CHANNELS : EVTCHN_2L_NR_CHANNELS;
    uint32_t skipped = 0;

    if (d->dying)
        return -ESRCH;
    for (uint32_t port = e->next_free_hint; port < limit && port <= e->max_port; port++) {
        struct evtchn *c;
        if (port >= e->nr_ports) {
            int rc = add_bucket(d);
            if (rc)
                return rc;
        }
        c = port_lookup(d, port);
        if (c->state != EVTCHNSTAT_closed)
            continue;
        if (d->evtchn.fifo && event_fifo_is_busy(d, port)) {
            /* Free as soon as the guest has read its queue. */
            if (!skipped)
                skipped = port;
            continue;
        }
        e->next_free_hint = skipped ? skipped : port + 1;
        c->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
        c->notify_vcpu = 0;
        c->pending_while_unready = false;
        *out = c;
        return 0;
    }
    return -ENOSPC;
}

static void set_state(struct evtchn *c, uint8_t state)
{
    spin_lock(&c->lock);
    c->state = state;
    spin_unlock(&c->lock);
}

/* Both locks, in the order of addresses. */
static void lock_pair(struct evtchn *a, struct evtchn *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    spin_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_pair(struct evtchn *a, struct evtchn *b)
{
    spin_unlock(&a->lock);
    spin_unlock(&b->lock);
}

/* The peer's channel becomes unbound, waiting for d again; c becomes unbound, too. */
static void disconnect(struct domain *d, struct evtchn *c)
{
    for (;;) {
        struct domain *rd;
        struct evtchn *rc;

        spin_lock(&c->lock);
        rd = c->u.remote.dom;
        rc = c->u.remote.channel;
        if (c->state != EVTCHNSTAT_interdomain) {
            spin_unlock(&c->lock);
            return; /* the peer was faster */
        }
        /* Bound, the peer lives; the reference keeps its channels when the lock is given back. */
        domain_get(rd);
        spin_unlock(&c->lock);
        lock_pair(c, rc);
        if (c->state == EVTCHNSTAT_interdomain && c->u.remote.channel == rc) {
            rc->state = EVTCHNSTAT_unbound;
            rc->u.remote_domid = d->id;
            c->state = EVTCHNSTAT_unbound;
            c->u.remote_domid = rd->id;
        }
        unlock_pair(c, rc);
        domain_put(rd);
    }
}

static void unbind_virq(struct domain *d, struct evtchn *c)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
    {
        unsigned long flags = spin_lock_irqsave(&v->virq_lock);
        if (v->virq_to_evtchn[c->u.virq] == c->port)
            v->virq_to_evtchn[c->u.virq] = 0;
        spin_unlock_irqrestore(&v->virq_lock, flags);
    }
}

/*
 * Closed, for good: a peer takes only the channels' locks when it connects to an unbound one, so that
 * must be ruled out in the same step.
 */
static void close_unbound(struct domain *d, struct evtchn *c)
{
    for (;;) {
        bool bound;

        spin_lock(&c->lock);
        bound = c->state == EVTCHNSTAT_interdomain;
        if (!bound)
            c->state = EVTCHNSTAT_closed;
        spin_unlock(&c->lock);
        if (!bound)
            return;
        disconnect(d, c);
    }
}

static long close_port(struct domain *d, struct evtchn *c)
{
    switch (c->state) {
    case EVTCHNSTAT_closed: return -EINVAL;
    case EVTCHNSTAT_unbound:
    case EVTCHNSTAT_interdomain: close_unbound(d, c); break;
    case EVTCHNSTAT_pirq:
        pirq_unbind_guest(d, c->u.pirq);
        pirq_set_evtchn(d, c->u.pirq, 0);
        set_state(c, EVTCHNSTAT_closed);
        break;
    case EVTCHNSTAT_virq:
        unbind_virq(d, c);
        set_state(c, EVTCHNSTAT_closed);
        break;
    default: set_state(c, EVTCHNSTAT_closed); break;
    }
    if (d->evtchn.fifo)
        event_fifo_clear_pending(d, c);
    else
        event_2l_clear_pending(d, c);
    if (c->port < d->evtchn.next_free_hint)
        d->evtchn.next_free_hint = c->port;
    return 0;
}

/* ---- operations ------------------------------------------------------------------------------------ */

long evtchn_alloc_unbound(struct domain *d, domid_t remote, evtchn_port_t *port)
{
    struct evtchn *c;
    long rc;

    spin_lock(&d->evtchn.lock);
    rc = alloc_port(d, &c);
    if (!rc) {
        c->u.remote_domid = remote;
        set_state(c, EVTCHNSTAT_unbound);
        *port = c->port;
    }
    spin_unlock(&d->evtchn.lock);
    return rc;
}

/* Connect c, fresh, with r, if that is meant for us. c is pending from the start: what r's side sent
 * while nobody was bound went nowhere. */
static long connect(struct domain *ld, struct evtchn *c, struct domain *rd, struct evtchn *r)
{
    long rc = -EINVAL;

    if (c == r)
        return -EINVAL;
    lock_pair(c, r);
    if (r->state == EVTCHNSTAT_unbound && r->u.remote_domid == ld->id) {
        c->u.remote.dom = rd;
        c->u.remote.channel = r;
        c->state = EVTCHNSTAT_interdomain;
        r->u.remote.dom = ld;
        r->u.remote.channel = c;
        r->state = EVTCHNSTAT_interdomain;
        rc = 0;
    }
    spin_unlock(&r->lock);
    if (!rc)
        event_set_pending(ld, c);
    spin_unlock(&c->lock);
    return rc;
}

long evtchn_bind_interdomain(domid_t remote_dom, evtchn_port_t remote_port, evtchn_port_t *local)
{
    struct domain *ld = current->domain, *rd = domain_get_self_or(remote_dom);
    struct evtchn *c = NULL, *r;
    long rc;

    if (!rd)
        return -ESRCH;
    spin_lock(&ld->evtchn.lock);
    rc = alloc_port(ld, &c);
    if (!rc) {
        r = port_lookup(rd, remote_port);
        rc = r ? connect(ld, c, rd, r) : -EINVAL;
        if (!rc)
            *local = c->port;
        else if (c->port < ld->evtchn.next_free_hint)
            ld->evtchn.next_free_hint = c->port;
    }
    spin_unlock(&ld->evtchn.lock);
    domain_put(rd);
    return rc;
}

static bool virq_is_per_vcpu(uint32_t virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

static struct vcpu *vcpu_of(struct domain *d, uint32_t id)
{
    return id < d->max_vcpus ? d->vcpu[index_nospec(id, d->max_vcpus)] : NULL;
}

long evtchn_bind_virq(uint32_t virq, uint32_t vcpu, evtchn_port_t *port)
{
    struct domain *d = current->domain;
    struct vcpu *v = vcpu_of(d, vcpu);
    struct evtchn *c;
    unsigned long flags;
    long rc;

    if (virq >= NR_VIRQS)
        return -EINVAL;
    virq = (uint32_t)index_nospec(virq, NR_VIRQS);
    if (!virq_is_per_vcpu(virq) && vcpu != 0)
        return -EINVAL;
    if (!v)
        return -ENOENT;
    spin_lock(&d->evtchn.lock);
    rc = v->virq_to_evtchn[virq] ? -EEXIST : alloc_port(d, &c);
    if (!rc) {
        c->u.virq = virq;
        c->notify_vcpu = (uint16_t)v->id;
        set_state(c, EVTCHNSTAT_virq);
        flags = spin_lock_irqsave(&v->virq_lock);
        v->virq_to_evtchn[virq] = c->port;
        spin_unlock_irqrestore(&v->virq_lock, flags);
        *port = c->port;
    }
    spin_unlock(&d->evtchn.lock);
    return rc;
}

long evtchn_bind_ipi(uint32_t vcpu, evtchn_port_t *port)
{
    struct domain *d = current->domain;
    struct vcpu *v = vcpu_of(d, vcpu);
    struct evtchn *c;
    long rc;

    if (!v)
        return -ENOENT;
    spin_lock(&d->evtchn.lock);
    rc = alloc_port(d, &c);
    if (!rc) {
        c->notify_vcpu = (uint16_t)v->id;
        set_state(c, EVTCHNSTAT_ipi);
        *port = c->port;
    }
    spin_unlock(&d->evtchn.lock);
    return rc;
}

long evtchn_bind_pirq(uint32_t pirq, uint32_t flags, evtchn_port_t *port)
{
    struct domain *d = current->domain;
    struct evtchn *c;
    long rc;

    if (pirq >= d->nr_pirqs)
        return -EINVAL;
    pirq = (uint32_t)index_nospec(pirq, d->nr_pirqs);
    if (!rangeset_contains(&d->irq_caps, pirq, pirq))
        return -EPERM;
    spin_lock(&d->evtchn.lock);
    rc = pirq_to_evtchn(d, pirq) ? -EEXIST : alloc_port(d, &c);
    if (!rc) {
        /* Ready before the first interrupt can come. */
        c->u.pirq = pirq;
        set_state(c, EVTCHNSTAT_pirq);
        pirq_set_evtchn(d, pirq, c->port);
        rc = pirq_bind_guest(d, pirq, flags & BIND_PIRQ__WILL_SHARE);
        if (rc) {
            pirq_set_evtchn(d, pirq, 0);
            set_state(c, EVTCHNSTAT_closed);
            d->evtchn.next_free_hint = MIN(d->evtchn.next_free_hint, c->port);
        } else {
            *port = c->port;
        }
    }
    spin_unlock(&d->evtchn.lock);
    return rc;
}

long evtchn_close(struct domain *d, evtchn_port_t port)
{
    struct evtchn *c = port_lookup(d, port);
    long rc;

    if (!c)
        return -EINVAL;
    spin_lock(&d->evtchn.lock);
    rc = close_port(d, c);
    spin_unlock(&d->evtchn.lock);
    return rc;
}

long evtchn_status(struct evtchn_status *s)
{
    struct domain *d = domain_get_self_or(s->dom);
    struct evtchn *c;

    if (!d)
        return -ESRCH;
    if (d != current->domain && !domain_controls(current->domain, d)) {
        domain_put(d);
        return -EPERM;
    }
    c = port_lookup(d, s->port);
    if (!c) {
        domain_put(d);
        return -EINVAL;
    }
    spin_lock(&c->lock);
    s->status = c->state;
    s->vcpu = c->notify_vcpu;
    switch (c->state) {
    case EVTCHNSTAT_unbound: s->u.unbound.dom = c->u.remote_domid; break;
    case EVTCHNSTAT_interdomain:
        s->u.interdomain.dom = c->u.remote.dom->id;
        s->u.interdomain.port = c->u.remote.channel->port;
        break;
    case EVTCHNSTAT_pirq: s->u.pirq = c->u.pirq; break;
    case EVTCHNSTAT_virq: s->u.virq = c->u.virq; break;
    default: break;
    }
    spin_unlock(&c->lock);
    domain_put(d);
    return 0;
}

long evtchn_bind_vcpu(evtchn_port_t port, uint32_t vcpu)
{
    struct domain *d = current->domain;
    struct vcpu *v = vcpu_of(d, vcpu);
    struct evtchn *c = port_lookup(d, port);
    long rc = -EINVAL;

    if (!v)
        return -ENOENT;
    if (!c)
        return -EINVAL;
    spin_lock(&c->lock);
    switch (c->state) {
    case EVTCHNSTAT_virq: rc = virq_is_per_vcpu(c->u.virq) ? -EINVAL : 0; break;
    case EVTCHNSTAT_pirq:
        pirq_set_cpu(d, c->u.pirq, v->processor);
        rc = 0;
        break;
    case EVTCHNSTAT_unbound:
    case EVTCHNSTAT_interdomain: rc = 0; break;
    default: break; /* an IPI is its vCPU's */
    }
    if (!rc)
        WRITE_ONCE(c->notify_vcpu, (uint16_t)v->id);
    spin_unlock(&c->lock);
    return rc;
}

long evtchn_unmask(evtchn_port_t port)
{
    struct domain *d = current->domain;
    struct evtchn *c = port_lookup(d, port);
    uint32_t pirq = ~0u;

    if (!c)
        return -EINVAL;
    spin_lock(&c->lock);
    if (c->state == EVTCHNSTAT_pirq)
        pirq = c->u.pirq;
    /* Of a closed channel nothing is pending, and its FIFO page may be about to go. */
    if (c->state != EVTCHNSTAT_closed) {
        if (d->evtchn.fifo)
            event_fifo_unmask(d, c);
        else
            event_2l_unmask(d, c);
    }
    spin_unlock(&c->lock);
    if (pirq != ~0u)
        pirq_guest_unmask(d, pirq);
    return 0;
}

long evtchn_set_priority(evtchn_port_t port, uint32_t priority)
{
    struct domain *d = current->domain;
    struct evtchn *c = port_lookup(d, port);

    if (!c)
        return -EINVAL;
    if (!d->evtchn.fifo)
        return -ENOSYS;
    if (priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -EINVAL;
    if (READ_ONCE(c->state) == EVTCHNSTAT_closed)
        return -EACCES;
    /* From the next time that it is queued. */
    WRITE_ONCE(c->priority, (uint8_t)index_nospec(priority, EVTCHN_FIFO_MAX_QUEUES));
    return 0;
}

int evtchn_port_pending(struct domain *d, evtchn_port_t port)
{
    struct evtchn *c = port_lookup(d, port);
    int pending = 0;

    if (!c)
        return -EINVAL;
    spin_lock(&c->lock);
    if (c->state != EVTCHNSTAT_closed)
        pending = event_is_pending(d, port);
    spin_unlock(&c->lock);
    return pending;
}

/* ---- life cycle ------------------------------------------------------------------------------------- */

/* Close what is open, from where an earlier call stopped. -ERESTART: preempted. */
static int close_all(struct domain *d)
{
    while (d->evtchn.closed < d->evtchn.nr_ports) {
        spin_lock(&d->evtchn.lock);
        for (unsigned int i = 0; i < CLOSE_BATCH && d->evtchn.closed < d->evtchn.nr_ports; i++)
            close_port(d, port_lookup(d, d->evtchn.closed++));
        spin_unlock(&d->evtchn.lock);
        if (d->evtchn.closed < d->evtchn.nr_ports && preempt_check())
            return -ERESTART;
    }
    d->evtchn.closed = 0;
    return 0;
}

long evtchn_reset(struct domain *d)
{
    int rc = close_all(d);

    if (rc)
        return rc;
    spin_lock(&d->evtchn.lock);
    /* Ports that were opened behind our back keep the form as it is. */
    for (evtchn_port_t port = 1; port < d->evtchn.nr_ports; port++)
        if (port_lookup(d, port)->state != EVTCHNSTAT_closed)
            rc = -EBUSY;
    if (!rc)
        event_fifo_teardown(d);
    spin_unlock(&d->evtchn.lock);
    return rc;
}

int evtchn_destroy(struct domain *d)
{
    /* d is dying: no port is opened any more. */
    int rc = close_all(d);

    if (!rc)
        event_fifo_teardown(d);
    return rc;
}

int evtchn_init(struct domain *d, unsigned int max_port)
{
    int rc;

    spin_lock_init(&d->evtchn.lock, LOCK_EVTCHN_PORTS);
    d->evtchn.max_port = MIN(max_port, EVTCHN_FIFO_NR_CHANNELS - 1u);
    d->evtchn.next_free_hint = 1; /* port 0 is nobody's */
    d->evtchn.bucket =
        hv_zalloc((d->evtchn.max_port / EVTCHNS_PER_BUCKET + 1) * sizeof(*d->evtchn.bucket));
    if (!d->evtchn.bucket)
        return -ENOMEM;
    spin_lock(&d->evtchn.lock);
    rc = add_bucket(d);
    spin_unlock(&d->evtchn.lock);
    if (rc)
        evtchn_free(d);
    return rc;
}

void evtchn_free(struct domain *d)
{
    struct evtchn_domain *e = &d->evtchn;

    for (uint32_t b = 0; b < e->nr_ports / EVTCHNS_PER_BUCKET; b++)
        hv_free(e->bucket[b]);
    e->nr_ports = 0;
    hv_free(e->bucket);
    e->bucket = NULL;
}
