/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The FIFO form: one 32-bit word a port in an array of guest pages; a queue for each vCPU and
 * priority, linked through the words; the heads of a vCPU's queues in its control block.
 *
 *   31 PENDING   30 MASKED   29 LINKED (on a queue)   28 BUSY   16..0 next port on the queue
 *
 * We append: the tail of each queue is ours alone (evtchn_fifo_vcpu.tail). The guest takes from
 * the head and clears LINKED as it does. So the tail we remember may have been consumed, which its
 * cleared LINKED bit tells: then the queue is empty, and the new event goes to the head.
 *
 * Who wins the LINKED bit of a word is the one who links it. A word that was last on another queue
 * may be that queue's remembered tail; it is forgotten there first, or else an event on that queue
 * would be appended to the new one.
 *
 * Locks: evtchn_fifo_vcpu.lock (LOCK_EVTCHN_QUEUE, interrupts off) for the vCPU's tails and
 * the last_* fields of channels that are, or were last, on its queues.
 */
#include "domain/event_internal.h"
#include "mm/frame.h"
#include "x86/cpu.h"

#define WORDS_PER_PAGE EVTCHN_FIFO_WORDS_PER_PAGE
#define PENDING        (1u << EVTCHN_FIFO_PENDING)
#define MASKED         (1u << EVTCHN_FIFO_MASKED)
#define LINKED         (1u << EVTCHN_FIFO_LINKED)
#define BUSY           (1u << EVTCHN_FIFO_BUSY)

static event_word_t *word_of(const struct domain *d, evtchn_port_t port)
{
    const struct evtchn_fifo_domain *f = d->evtchn.fifo;
    uint32_t nr = atomic_load(&f->nr_words);

    if (unlikely(port >= nr))
        return NULL;
    port = (evtchn_port_t)index_nospec(port, nr);
    return &f->page[port / WORDS_PER_PAGE][port % WORDS_PER_PAGE];
}

/*
 * Make the word of the tail point at port, if it is still on the queue. The guest may change the
 * word at any moment; after some tries BUSY asks it to keep still. One that does not obey only
 * loses its own events.
 */
static bool set_link(event_word_t *word, evtchn_port_t port)
{
    event_word_t w = READ_ONCE(*word);

    for (unsigned int tries = 0; tries < 1000; tries++) {
        if (!(w & LINKED)) {
            if (w & BUSY)
                atomic_and(word, ~BUSY);
            return false;
        }
        if (atomic_cmpxchg(word, &w, (w & ~(BUSY | EVTCHN_FIFO_LINK_MASK)) | port))
            return true;
        if (tries == 4) {
            atomic_or(word, BUSY);
            w = READ_ONCE(*word);
        }
    }
    atomic_and(word, ~BUSY);
    return false;
}

/* Append port, whose LINKED bit is set already. fv->lock held. */
static void append(struct vcpu *v, struct evtchn_fifo_vcpu *fv, evtchn_port_t port,
                   unsigned int priority)
{
    uint32_t tail = fv->tail[priority];
    bool linked = false;

    /* If port itself is the remembered tail, the queue is empty. */
    if (tail && tail != port)
        linked = set_link(word_of(v->domain, tail), port);
    if (!linked)
        WRITE_ONCE(fv->cb->head[priority], port);
    fv->tail[priority] = port;
    if (!linked && !(atomic_fetch_or(&fv->cb->ready, 1u << priority) & 1u << priority))
        vcpu_mark_events_pending(v);
}

/*
 * Win the LINKED bit; forget the port as the tail of the queue it was on before, if that is
 * another one. Returns with new_fv->lock held and true, or false with no lock: it was linked.
 */
static bool claim(struct domain *d, struct evtchn *c, event_word_t *word,
                  struct evtchn_fifo_vcpu *new_fv, unsigned int new_vcpu, unsigned int priority)
{
    struct evtchn_fifo_vcpu *old_fv;
    unsigned int old_vcpu;

    for (;;) {
        old_vcpu = READ_ONCE(c->last_vcpu);
        old_fv = d->vcpu[old_vcpu]->fifo;
        spin_lock(&old_fv->lock);
        if (likely(READ_ONCE(c->last_vcpu) == old_vcpu))
            break;
        spin_unlock(&old_fv->lock);
    }
    if (atomic_fetch_or(word, LINKED) & LINKED) {
        spin_unlock(&old_fv->lock);
        return false;
    }
    if (likely(old_vcpu == new_vcpu && c->last_priority == priority))
        return true;
    if (old_fv->tail[c->last_priority] == c->port)
        old_fv->tail[c->last_priority] = 0;
    c->last_priority = (uint16_t)priority;
    WRITE_ONCE(c->last_vcpu, (uint16_t)new_vcpu);
    if (old_fv != new_fv) {
        /* On no queue for a moment; LINKED keeps others away from it. */
        spin_unlock(&old_fv->lock);
        spin_lock(&new_fv->lock);
    }
    return true;
}

/*
 * The array does not reach so far yet: expand_array will look. Or it has done so by now: marked by a
 * locked operation, either the mark was there when it looked, or its word is here now.
 */
static __attribute__((noinline)) event_word_t *mark_unready(struct domain *d, struct evtchn *c)
{
    (void)atomic_xchg(&c->pending_while_unready, true);
    return word_of(d, c->port);
}

void event_fifo_set_pending(struct domain *d, struct evtchn *c)
{
    event_word_t *word = word_of(d, c->port);
    unsigned int vcpu = READ_ONCE(c->notify_vcpu);
    struct vcpu *v = d->vcpu[vcpu];
    struct evtchn_fifo_vcpu *fv = v->fifo;
    bool was_pending;

    if (unlikely(!word)) {
        word = mark_unready(d, c);
        if (!word)
            return;
        fv = v->fifo;
    }
    was_pending = atomic_fetch_or(word, PENDING) & PENDING;
    if (!(READ_ONCE(*word) & (MASKED | LINKED)) && likely(fv && fv->cb)) {
        unsigned long flags = irq_save();
        unsigned int priority = READ_ONCE(c->priority);
        if (claim(d, c, word, fv, vcpu, priority)) {
            append(v, fv, c->port, priority);
            spin_unlock(&fv->lock);
        }
        irq_restore(flags);
    }
    if (!was_pending)
        event_check_pollers(d, c->port);
}

void event_fifo_clear_pending(struct domain *d, struct evtchn *c)
{
    event_word_t *word = word_of(d, c->port);

    c->pending_while_unready = false;
    if (word)
        atomic_and(word, ~PENDING);
}

void event_fifo_unmask(struct domain *d, struct evtchn *c)
{
    event_word_t *word = word_of(d, c->port);

    if (word && (atomic_fetch_and(word, ~MASKED) & PENDING))
        event_fifo_set_pending(d, c);
}

bool event_fifo_is_pending(const struct domain *d, evtchn_port_t port)
{
    event_word_t *word = word_of(d, port);
    return word && (READ_ONCE(*word) & PENDING);
}

bool event_fifo_is_masked(const struct domain *d, evtchn_port_t port)
{
    event_word_t *word = word_of(d, port);
    return word && (READ_ONCE(*word) & MASKED);
}

bool event_fifo_is_busy(const struct domain *d, evtchn_port_t port)
{
    event_word_t *word = word_of(d, port);
    return word && (READ_ONCE(*word) & LINKED);
}

/* ---- set-up; d->evtchn.lock held ----------------------------------------------------------------- */

/* A frame of the guest's for shared state, with references that forbid any other use than data. */
static struct frame *get_shared_frame(struct domain *d, uint64_t gfn)
{
    struct frame *f;

    if (!mfn_valid(mfn_make(gfn)))
        return NULL;
    f = mfn_to_frame(mfn_make(index_nospec(gfn, max_mfn)));
    return frame_get_writable(f, d) ? f : NULL;
}

static int alloc_vcpus(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
    {
        struct evtchn_fifo_vcpu *fv;
        if (v->fifo)
            continue;
        fv = hv_zalloc(sizeof(*fv));
        if (!fv)
            return -ENOMEM; /* what is there serves the next try, or goes with the vCPU */
        spin_lock_init(&fv->lock, LOCK_EVTCHN_QUEUE);
        v->fifo = fv;
    }
    return 0;
}

static int map_control_block(struct vcpu *v, uint64_t gfn, uint32_t offset)
{
    struct evtchn_fifo_vcpu *fv = v->fifo;

    if (fv->cb)
        return -EINVAL;
    fv->frame = get_shared_frame(v->domain, gfn);
    if (!fv->frame)
        return -EINVAL;
    memset(fv->tail, 0, sizeof(fv->tail));
    atomic_store(&fv->cb, (void *)((char *)frame_to_virt(fv->frame) + offset));
    return 0;
}

/* From 2-level to FIFO: what is pending now stays so until the array reaches its port. */
static void take_over_ports(struct domain *d)
{
    for (evtchn_port_t port = 1; port < d->evtchn.nr_ports; port++) {
        struct evtchn *c = port_lookup(d, port);
        if (c->state != EVTCHNSTAT_closed && event_2l_take_pending(d, port))
            c->pending_while_unready = true;
        c->last_vcpu = c->last_priority = 0;
    }
}

long evtchn_init_control(struct evtchn_init_control *ic)
{
    struct domain *d = current->domain;
    struct evtchn_fifo_domain *f = NULL;
    struct vcpu *v;
    long rc;

    if (ic->vcpu >= d->max_vcpus)
        return -ENOENT;
    v = d->vcpu[index_nospec(ic->vcpu, d->max_vcpus)];
    if (!v)
        return -ENOENT;
    if (ic->offset & 7 || ic->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block))
        return -EINVAL;
    ic->link_bits = EVTCHN_FIFO_LINK_BITS;

    spin_lock(&d->evtchn.lock);
    rc = alloc_vcpus(d);
    if (!rc && !d->evtchn.fifo) {
        f = hv_zalloc(sizeof(*f));
        if (!f)
            rc = -ENOMEM;
    }
    if (!rc)
        rc = map_control_block(v, ic->control_gfn, ic->offset);
    if (rc) {
        hv_free(f);
    } else if (f) {
        atomic_store(&d->evtchn.fifo, f);
        take_over_ports(d);
    }
    spin_unlock(&d->evtchn.lock);
    return rc;
}

long evtchn_expand_array(uint64_t gfn)
{
    struct domain *d = current->domain;
    struct evtchn_fifo_domain *f;
    struct frame *frame;
    uint32_t first;
    long rc = 0;

    spin_lock(&d->evtchn.lock);
    f = d->evtchn.fifo;
    if (!f) {
        rc = -EOPNOTSUPP;
        goto out;
    }
    first = f->nr_words;
    if (first >= EVTCHN_FIFO_NR_CHANNELS) {
        rc = -ENOSPC;
        goto out;
    }
    frame = get_shared_frame(d, gfn);
    if (!frame) {
        rc = -EINVAL;
        goto out;
    }
    f->frame[first / WORDS_PER_PAGE] = frame;
    f->page[first / WORDS_PER_PAGE] = frame_to_virt(frame);
    atomic_store(&f->nr_words, (uint32_t)(first + WORDS_PER_PAGE));

    for (evtchn_port_t port = first; port < first + WORDS_PER_PAGE; port++) {
        struct evtchn *c = port_lookup(d, port);
        if (!c)
            break;
        /* Also a bit of the 2-level form: a sender may have been on its way at the change. */
        spin_lock(&c->lock);
        if (c->state != EVTCHNSTAT_closed &&
            (event_2l_take_pending(d, port) || c->pending_while_unready)) {
            c->pending_while_unready = false;
            event_fifo_set_pending(d, c);
        }
        spin_unlock(&c->lock);
    }
out:
    spin_unlock(&d->evtchn.lock);
    return rc;
}

void event_fifo_teardown(struct domain *d)
{
    struct evtchn_fifo_domain *f = d->evtchn.fifo;
    struct vcpu *v;

    for_each_vcpu(d, v)
    {
        struct evtchn_fifo_vcpu *fv = v->fifo;
        if (!fv || !fv->frame)
            continue;
        fv->cb = NULL;
        frame_put_writable(fv->frame);
        fv->frame = NULL;
    }
    if (!f)
        return;
    atomic_store(&d->evtchn.fifo, NULL);
    for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_PAGES && f->frame[i]; i++)
        frame_put_writable(f->frame[i]);
    hv_free(f);
}
