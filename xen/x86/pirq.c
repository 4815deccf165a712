/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests' side of interrupts. A pirq is a guest's number for an IRQ; mapping it (physdev_op) names
 * the IRQ, binding it to an event channel switches the IRQ on. Domain 0's pirqs of pins are the GSI
 * numbers. A domain without interrupts of its own has no table.
 *
 * Lock: d->irq_lock guards the table; entries are read without it by the interrupt path, which
 * checks what it finds under the descriptor's lock.
 */
#include "domain/domain.h"
#include "hypercalls/abi/physdev.h"
#include "lib/lib.h"
#include "x86/acpi.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/irq_desc.h"
#include "x86/irq_line.h"
#include "x86/msi.h"

#define NO_IRQ      0xffff
#define EXTRA_PIRQS 256 /* for MSIs, beyond the pins */

struct pirq {
    uint16_t irq; /* NO_IRQ: not mapped */
    bool bound;
    uint32_t evtchn;
};
struct domain_pirqs {
    uint64_t *eoi_map; /* guest's page, bit per pirq; NULL if none was registered */
    struct frame *eoi_frame;
    uint32_t pci_address;
    struct pirq pirq[];
};

uint32_t *pirq_pci_address(struct domain *d)
{
    static uint32_t none; /* domains that reach no device: what they leave here is of no use */
    return d->pirqs ? &d->pirqs->pci_address : &none;
}

struct frame *pirq_eoi_frame(const struct domain *d)
{
    return d->pirqs ? d->pirqs->eoi_frame : NULL;
}

static int table_alloc(struct domain *d)
{
    struct domain_pirqs *t = hv_zalloc(sizeof(*t) + d->nr_pirqs * sizeof(t->pirq[0]));
    if (!t)
        return -ENOMEM;
    for (unsigned int i = 0; i < d->nr_pirqs; i++)
        t->pirq[i].irq = NO_IRQ;
    d->pirqs = t;
    return 0;
}

int pirq_init_domain(struct domain *d)
{
    spin_lock_init(&d->irq_lock, LOCK_IRQ_MAP);
    d->nr_pirqs = nr_gsis + EXTRA_PIRQS;
    return d->privileged ? table_alloc(d) : 0;
}

static struct irq_desc *mapped_desc(const struct domain *d, uint32_t pirq)
{
    if (!d->pirqs || pirq >= d->nr_pirqs)
        return NULL;
    uint16_t irq = READ_ONCE(d->pirqs->pirq[index_nospec(pirq, d->nr_pirqs)].irq);
    return irq == NO_IRQ ? NULL : irq_desc(irq);
}

static struct irq_guest *find_guest(struct irq_desc *desc, const struct domain *d)
{
    for (unsigned int i = 0; i < desc->nr_guests; i++)
        if (desc->guest[i].d == d)
            return &desc->guest[i];
    return NULL;
}

static bool needs_eoi(const struct irq_desc *desc)
{
    return desc && desc->kind == IRQ_IOAPIC && desc->level;
}

/* irq_lock held. */
static void eoi_map_update(struct domain *d, uint32_t pirq)
{
    if (!d->pirqs->eoi_map)
        return;
    if (needs_eoi(mapped_desc(d, pirq)))
        set_bit(d->pirqs->eoi_map, pirq);
    else
        clear_bit(d->pirqs->eoi_map, pirq);
}

/* --- Binding --- */

/* The CPU that shall take the IRQ: where the domain's first vCPU is. */
static unsigned int first_cpu(const struct domain *d)
{
    return d->max_vcpus && d->vcpu[0] ? d->vcpu[0]->processor : 0;
}

static int bind_locked(struct irq_desc *desc, struct domain *d, uint32_t pirq, bool shareable)
{
    if (desc->own_fn || desc->kind == IRQ_UNUSED || find_guest(desc, d))
        return -EBUSY;
    if (desc->nr_guests && (!shareable || !desc->shareable || desc->kind != IRQ_IOAPIC))
        return -EBUSY;
    if (desc->nr_guests == IRQ_MAX_GUESTS)
        return -EBUSY;
    int rc = irq_line_get_vector(desc);
    if (rc)
        return rc;
    desc->guest[desc->nr_guests] = (struct irq_guest){.d = d, .pirq = pirq};
    if (desc->nr_guests++ == 0) {
        desc->shareable = shareable;
        desc->unanswered = 0;
        desc->masked = false;
        if (!desc->msi_index)
            desc->cpu = first_cpu(d);
        irq_line_program(desc);
        irq_line_mask(desc, false);
    }
    return 0;
}

int pirq_bind_guest(struct domain *d, uint32_t pirq, bool shareable)
{
    int rc = -EINVAL;

    spin_lock(&d->irq_lock);
    struct irq_desc *desc = mapped_desc(d, pirq);
    if (desc) {
        unsigned long flags = spin_lock_irqsave(&desc->lock);
        rc = bind_locked(desc, d, pirq, shareable);
        spin_unlock_irqrestore(&desc->lock, flags);
    }
    if (!rc) {
        d->pirqs->pirq[pirq].bound = true;
        eoi_map_update(d, pirq);
    }
    spin_unlock(&d->irq_lock);
    return rc;
}

static void answer(struct irq_desc *desc, struct irq_guest *g)
{
    if (!g->unanswered)
        return;
    g->unanswered = false;
    if (--desc->unanswered == 0)
        irq_line_mask(desc, false);
}

static void unbind_locked(struct irq_desc *desc, struct domain *d)
{
    struct irq_guest *g = find_guest(desc, d);

    if (!g)
        return;
    if (desc->nr_guests == 1)
        irq_line_mask(desc, true);
    else
        answer(desc, g);
    *g = desc->guest[--desc->nr_guests];
    if (!desc->nr_guests)
        desc->unanswered = 0;
}

/* No interrupt of this IRQ is on its way to d's channels any more. */
static void wait_for_handlers(const struct irq_desc *desc)
{
    while (atomic_load(&desc->in_handler))
        cpu_relax();
}

/* irq_lock held. Afterwards nothing is sent for this pirq any more. */
static void unbind(struct domain *d, uint32_t pirq)
{
    struct irq_desc *desc = mapped_desc(d, pirq);

    if (!desc || !d->pirqs->pirq[pirq].bound)
        return;
    d->pirqs->pirq[pirq].bound = false;
    unsigned long flags = spin_lock_irqsave(&desc->lock);
    unbind_locked(desc, d);
    spin_unlock_irqrestore(&desc->lock, flags);
    wait_for_handlers(desc);
}

void pirq_unbind_guest(struct domain *d, uint32_t pirq)
{
    spin_lock(&d->irq_lock);
    unbind(d, pirq);
    spin_unlock(&d->irq_lock);
}

void pirq_guest_eoi(struct domain *d, uint32_t pirq)
{
    struct irq_desc *desc = mapped_desc(d, pirq);

    if (!needs_eoi(desc))
        return;
    unsigned long flags = spin_lock_irqsave(&desc->lock);
    struct irq_guest *g = find_guest(desc, d);
    if (g)
        answer(desc, g);
    spin_unlock_irqrestore(&desc->lock, flags);
}

void pirq_guest_unmask(struct domain *d, uint32_t pirq)
{
    /* A guest that masks its channel while it serves the device: unmasking ends the service. */
    pirq_guest_eoi(d, pirq);
}

uint32_t pirq_to_evtchn(struct domain *d, uint32_t pirq)
{
    if (!d->pirqs || pirq >= d->nr_pirqs)
        return 0;
    return READ_ONCE(d->pirqs->pirq[index_nospec(pirq, d->nr_pirqs)].evtchn);
}

void pirq_set_evtchn(struct domain *d, uint32_t pirq, uint32_t port)
{
    if (d->pirqs && pirq < d->nr_pirqs)
        WRITE_ONCE(d->pirqs->pirq[pirq].evtchn, port);
}

void pirq_set_cpu(struct domain *d, uint32_t pirq, unsigned int cpu)
{
    struct irq_desc *desc = mapped_desc(d, pirq);

    if (!desc)
        return;
    unsigned long flags = spin_lock_irqsave(&desc->lock);
    /* A shared line stays where it is. */
    if (desc->nr_guests == 1 && find_guest(desc, d))
        irq_line_move(desc, cpu);
    spin_unlock_irqrestore(&desc->lock, flags);
}

/* --- Mapping --- */

/* A free pirq above the pins' numbers, `count` in a row. irq_lock held. -ENOSPC. */
static int free_pirqs(const struct domain *d, unsigned int count)
{
    unsigned int run = 0;

    for (unsigned int i = d->nr_pirqs; i-- > nr_gsis;) {
        run = d->pirqs->pirq[i].irq == NO_IRQ && !d->pirqs->pirq[i].evtchn ? run + 1 : 0;
        if (run == count)
            return (int)i;
    }
    return -ENOSPC;
}

int pirq_find_free(struct domain *d)
{
    spin_lock(&d->irq_lock);
    int rc = d->pirqs || !table_alloc(d) ? free_pirqs(d, 1) : -ENOMEM;
    spin_unlock(&d->irq_lock);
    return rc;
}

/* Enter `count` IRQs at the pirq asked for, or a free one. irq_lock held. */
static int enter(struct domain *d, int pirq, unsigned int irq, unsigned int count)
{
    if (pirq < 0)
        pirq = free_pirqs(d, count);
    if (pirq < 0)
        return pirq;
    if ((unsigned int)pirq >= d->nr_pirqs || count > d->nr_pirqs - (unsigned int)pirq)
        return -EINVAL;
    for (unsigned int i = 0; i < count; i++)
        if (d->pirqs->pirq[(unsigned int)pirq + i].irq != NO_IRQ)
            return -EEXIST;
    for (unsigned int i = 0; i < count; i++) {
        d->pirqs->pirq[(unsigned int)pirq + i].irq = (uint16_t)(irq + i);
        eoi_map_update(d, (unsigned int)pirq + i);
    }
    return pirq;
}

int pirq_map_gsi(struct domain *d, int gsi, int pirq)
{
    int rc;

    if (gsi < 0 || (unsigned int)gsi >= nr_gsis)
        return -EINVAL;
    unsigned int irq = (unsigned int)gsi < NR_ISA_IRQS ? acpi.isa[gsi].gsi : (unsigned int)gsi;
    if (irq >= nr_gsis || irq_desc(irq)->kind != IRQ_IOAPIC)
        return -EINVAL;
    spin_lock(&d->irq_lock);
    if (pirq < 0)
        pirq = gsi;
    rc = d->pirqs ? 0 : table_alloc(d);
    if (!rc && (unsigned int)pirq < d->nr_pirqs && d->pirqs->pirq[pirq].irq == irq)
        rc = pirq; /* mapped so already */
    else if (!rc)
        rc = enter(d, pirq, irq, 1);
    spin_unlock(&d->irq_lock);
    return rc;
}

/* IRQ numbers for MSIs: `count` in a row. vector and kind say whether one is taken. */
static struct spinlock msi_irqs_lock = SPINLOCK_INIT(LOCK_PCI);

static int claim_msi_irqs(struct msi *m)
{
    unsigned int run = 0;

    spin_lock(&msi_irqs_lock);
    for (unsigned int i = nr_gsis; i < NR_IRQS; i++) {
        run = irq_desc(i)->kind == IRQ_UNUSED ? run + 1 : 0;
        if (run < m->vectors)
            continue;
        unsigned int first = i + 1 - m->vectors;
        uint8_t vector = vectors_alloc(m->vectors, first);
        if (!vector)
            break;
        for (unsigned int n = 0; n < m->vectors; n++) {
            struct irq_desc *desc = irq_desc(first + n);
            unsigned long flags = spin_lock_irqsave(&desc->lock);
            desc->kind = IRQ_MSI;
            desc->level = desc->active_low = false;
            desc->masked = true;
            desc->msi = m;
            desc->msi_index = n;
            desc->vector = (uint8_t)(vector + n);
            desc->cpu = cpu_id();
            desc->count = 0;
            spin_unlock_irqrestore(&desc->lock, flags);
        }
        m->first_irq = first;
        spin_unlock(&msi_irqs_lock);
        return 0;
    }
    spin_unlock(&msi_irqs_lock);
    return -ENOSPC;
}

static void release_msi_irqs(struct msi *m)
{
    uint8_t vector = irq_desc(m->first_irq)->vector;

    for (unsigned int n = 0; n < m->vectors; n++) {
        struct irq_desc *desc = irq_desc(m->first_irq + n);
        unsigned long flags = spin_lock_irqsave(&desc->lock);
        irq_line_mask(desc, true);
        desc->msi = NULL;
        desc->vector = 0;
        desc->kind = IRQ_UNUSED;
        spin_unlock_irqrestore(&desc->lock, flags);
    }
    vectors_free(vector, m->vectors);
    msi_free(m);
}

int pirq_map_msi(struct domain *d, const struct msi_request *req, int pirq)
{
    int rc;
    struct msi *m = msi_create(req, &rc);

    if (!m)
        return rc;
    rc = claim_msi_irqs(m);
    if (rc) {
        msi_free(m);
        return rc;
    }
    struct irq_desc *desc = irq_desc(m->first_irq);
    unsigned long flags = spin_lock_irqsave(&desc->lock);
    irq_line_program(desc);
    spin_unlock_irqrestore(&desc->lock, flags);

    /* Before others can find it, and unmap it again. */
    atomic_store(&m->mapped, m->vectors);
    spin_lock(&d->irq_lock);
    rc = d->pirqs ? 0 : table_alloc(d);
    if (!rc)
        rc = enter(d, pirq, m->first_irq, m->vectors);
    spin_unlock(&d->irq_lock);
    if (rc < 0)
        release_msi_irqs(m);
    return rc;
}

/* Take the mapping out; *m is an MSI that has lost its last one. irq_lock held. */
static int unmap_locked(struct domain *d, uint32_t pirq, struct msi **m)
{
    struct irq_desc *desc = mapped_desc(d, pirq);

    *m = NULL;
    if (!desc)
        return -EINVAL;
    unbind(d, pirq);
    d->pirqs->pirq[pirq].irq = NO_IRQ;
    eoi_map_update(d, pirq);
    if (desc->kind == IRQ_MSI && atomic_sub_fetch(&desc->msi->mapped, 1u) == 0)
        *m = desc->msi;
    return 0;
}

int pirq_unmap(struct domain *d, int pirq)
{
    struct msi *m;

    if (pirq < 0)
        return -EINVAL;
    spin_lock(&d->irq_lock);
    int rc = unmap_locked(d, (uint32_t)pirq, &m);
    spin_unlock(&d->irq_lock);
    if (m)
        release_msi_irqs(m);
    return rc;
}

int pirq_status(struct domain *d, uint32_t pirq)
{
    if (pirq >= d->nr_pirqs)
        return -EINVAL;
    return needs_eoi(mapped_desc(d, pirq)) ? XENIRQSTAT_needs_eoi : 0;
}

int pirq_set_eoi_page(struct domain *d, uint64_t mfn)
{
    int rc = -EBUSY;

    if (d->nr_pirqs > PAGE_SIZE * 8)
        return -ENOSYS;
    struct frame *f = mfn_valid(mfn_make(mfn)) ? mfn_to_frame(mfn_make(mfn)) : NULL;
    if (!f || !frame_get_writable(f, d))
        return -EINVAL;
    spin_lock(&d->irq_lock);
    if (!d->pirqs && table_alloc(d)) {
        rc = -ENOMEM;
    } else if (!d->pirqs->eoi_map) {
        d->pirqs->eoi_frame = f;
        d->pirqs->eoi_map = frame_to_virt(f);
        for (unsigned int i = 0; i < d->nr_pirqs; i++)
            eoi_map_update(d, i);
        rc = 0;
    }
    spin_unlock(&d->irq_lock);
    if (rc)
        frame_put_writable(f);
    return rc;
}

/* --- Pins --- */

int irq_setup_gsi(unsigned int gsi, bool level, bool active_low)
{
    int rc = -EEXIST;

    if (gsi >= nr_gsis || irq_desc(gsi)->kind != IRQ_IOAPIC)
        return -EINVAL;
    struct irq_desc *desc = irq_desc(gsi);
    unsigned long flags = spin_lock_irqsave(&desc->lock);
    if (!desc->configured && !desc->nr_guests && !desc->own_fn) {
        desc->configured = true;
        desc->level = level;
        desc->active_low = active_low;
        rc = 0;
    }
    spin_unlock_irqrestore(&desc->lock, flags);
    return rc;
}

/* --- The end --- */

void pirq_destroy_domain(struct domain *d)
{
    struct domain_pirqs *t = d->pirqs;

    if (!t)
        return;
    for (unsigned int i = 0; i < d->nr_pirqs; i++) {
        struct irq_desc *desc = mapped_desc(d, i);
        if (!desc)
            continue;
        struct msi *m;
        spin_lock(&d->irq_lock);
        unmap_locked(d, i, &m);
        spin_unlock(&d->irq_lock);
        wait_for_handlers(desc);
        if (m)
            release_msi_irqs(m);
    }
    d->pirqs = NULL;
    if (t->eoi_frame)
        frame_put_writable(t->eoi_frame);
    hv_free(t);
}
