/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fifo_guest.h. */
#include "tests/unit/world/fifo_guest.h"
#include "lib/lib.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED  (1u << EVTCHN_FIFO_MASKED)
#define LINKED  (1u << EVTCHN_FIFO_LINKED)
#define BUSY    (1u << EVTCHN_FIFO_BUSY)

struct guest guest;
void world_point(void); /* world/points: another CPU may execute, without an interrupt */

/* Accesses of a guest: a point, and one instruction. */
static uint32_t load(const uint32_t *p)
{
    guest_point();
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}
static uint32_t fetch_or(uint32_t *p, uint32_t v)
{
    guest_point();
    return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);
}
static uint32_t exchange(uint32_t *p, uint32_t v)
{
    guest_point();
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}
/* Answers what was there. */
static uint32_t compare_exchange(uint32_t *p, uint32_t old, uint32_t new)
{
    guest_point();
    __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return old;
}
static void lock(uint32_t *l)
{
    while (exchange(l, 1))
        guest_spin();
}
static void unlock(uint32_t *l)
{
    guest_point();
    __atomic_store_n(l, 0, __ATOMIC_RELEASE);
}

/* ---- upcalls on and off ------------------------------------------------------------------------ */

static bool irq_save_off(void)
{
    guest_point();
    bool on = !current->vcpu_info->evtchn_upcall_mask;
    current->vcpu_info->evtchn_upcall_mask = 1;
    return on;
}

/*
 * A store, then a load, and no barrier between: a processor may do the load first. That is the
 * order here, for the other one is tried wherever no switch comes between the two. An interrupt comes
 * before both or after both.
 */
void guest_irq_on(void)
{
    struct vcpu_info *vi = current->vcpu_info;

    guest_point();
    bool pending = vi->evtchn_upcall_pending;
    world_point();
    vi->evtchn_upcall_mask = 0;
    if (pending) /* force_evtchn_callback(): any hypercall */
        guest_exit();
}
void guest_irq_off(void)
{
    irq_save_off();
}
static void irq_restore_on(bool on)
{
    if (on)
        guest_irq_on();
}

/* ---- one port ---------------------------------------------------------------------------------- */

static event_word_t *word_of(const struct guest_port *p)
{
    return &guest.words[p->port];
}

static void clear_pending(struct guest_port *p)
{
    guest_point();
    __atomic_fetch_and(word_of(p), ~PENDING, __ATOMIC_SEQ_CST);
    p->wanted = false;
}

static bool masked_by_any(const struct guest_port *p)
{
    return p->mask_reason[0] || p->mask_reason[1] || p->mask_reason[2];
}

void guest_mask(struct guest_port *p, unsigned int reason)
{
    bool on = irq_save_off();

    lock(&p->lock);
    if (!masked_by_any(p))
        fetch_or(word_of(p), MASKED);
    p->mask_reason[reason] = true;
    unlock(&p->lock);
    irq_restore_on(on);
}

/* True: it is unmasked; false: it is pending, so the hypervisor must do it. */
static bool clear_masked_unless_pending(event_word_t *word)
{
    uint32_t w = load(word), old;

    do {
        if (!(w & MASKED))
            return true;
        if (w & PENDING)
            return false;
        old = w & ~BUSY; /* BUSY: waits here until the hypervisor takes it away */
        if (w & BUSY)
            guest_spin();
        w = compare_exchange(word, old, old & ~MASKED);
    } while (w != old);
    return true;
}

void guest_unmask(struct guest_port *p, unsigned int reason)
{
    bool on = irq_save_off();

    lock(&p->lock);
    p->mask_reason[reason] = false;
    if (!masked_by_any(p) && !clear_masked_unless_pending(word_of(p))) {
        guest_call(evtchn_unmask(p->port));
        guest_exit();
    }
    unlock(&p->lock);
    irq_restore_on(on);
}

void guest_eoi(struct guest_port *p)
{
    p->wants_eoi = false;
    guest_point();
    __atomic_store_n(&p->is_active, 0, __ATOMIC_RELEASE);
    guest_unmask(p, MASK_EOI);
}

void guest_move(struct guest_port *p, unsigned int vcpu)
{
    guest_mask(p, MASK_TEMPORARY);
    guest_call(evtchn_bind_vcpu(p->port, vcpu));
    guest_exit();
    guest_unmask(p, MASK_TEMPORARY);
}

/* ---- upcalls ----------------------------------------------------------------------------------- */

static void leave_handler(struct guest_port *p)
{
    guest_point();
    __atomic_store_n(&p->is_active, 0, __ATOMIC_RELEASE);
    clear_pending(p);
}

static void acknowledge(struct guest_port *p)
{
    if (p->late) {
        guest_mask(p, MASK_EOI);
        clear_pending(p);
    } else {
        leave_handler(p);
    }
}

/* As handle_edge_irq(): the other vCPU may be in the handler. */
static void handle_edge(struct guest_port *p)
{
    lock(&p->desc_lock);
    if (p->in_progress) {
        p->again = true;
        p->explicit_masked = true;
        guest_mask(p, MASK_EXPLICIT);
        leave_handler(p);
        unlock(&p->desc_lock);
        return;
    }
    acknowledge(p);
    do {
        if (p->again && p->explicit_masked) {
            p->explicit_masked = false;
            guest_unmask(p, MASK_EXPLICIT);
        }
        p->again = false;
        p->in_progress = true;
        unlock(&p->desc_lock);
        p->handled++;
        p->wants_eoi |= p->late;
        lock(&p->desc_lock);
        p->in_progress = false;
    } while (p->again);
    unlock(&p->desc_lock);
}

static void handle_port(evtchn_port_t port)
{
    for (unsigned int i = 0; i < guest.nr_ports; i++) {
        struct guest_port *p = &guest.port[i];

        if (p->port == port && !exchange(&p->is_active, 1))
            handle_edge(p);
    }
}

static void consume_one(unsigned int vcpu, unsigned int priority, uint32_t *ready)
{
    uint32_t *head = &guest.head[vcpu][priority];
    evtchn_port_t port = *head ? *head : load(&guest.cb[vcpu]->head[priority]);
    event_word_t *word = &guest.words[port];
    uint32_t w = load(word), old, next;

    do {
        old = w;
        w = compare_exchange(word, old, old & ~(LINKED | EVTCHN_FIFO_LINK_MASK));
    } while (w != old);
    next = w & EVTCHN_FIFO_LINK_MASK;
    if (!next)
        *ready &= ~(1u << priority);
    if ((load(word) & PENDING) && !(load(word) & MASKED))
        handle_port(port);
    *head = next;
}

void guest_upcall(void)
{
    struct vcpu *v = current;
    uint32_t *ready = &guest.cb[v->id]->ready;

    do {
        guest_point();
        v->vcpu_info->evtchn_upcall_pending = 0;
        uint32_t bits = exchange(ready, 0);
        while (bits) {
            consume_one(v->id, (unsigned int)__builtin_ctz(bits), &bits);
            bits |= exchange(ready, 0);
        }
        guest_point();
    } while (v->vcpu_info->evtchn_upcall_pending);
}
