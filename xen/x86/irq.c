/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts from vector to handler (Intel SDM vol. 3 ch. 11.8).
 *
 * A vector means the same IRQ on every CPU, so that an IRQ moves to another CPU by its destination
 * alone. A guest's events are sent after the descriptor's lock was given back: sending takes the
 * channel's lock, which comes before it in the order. `in_handler` lets a domain's end wait for that.
 */
#include "x86/irq.h"
#include "console/console.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "sched/softirq.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/ioapic.h"
#include "x86/irq_desc.h"
#include "x86/irq_line.h"
#include "x86/msi.h"
#include "x86/smp.h"
#include "x86/tlb.h"

struct irq_desc irq_descs[NR_IRQS];
static uint16_t vector_irq[256]; /* IRQ + 1; 0: free. vector_lock to write */
static struct spinlock vector_lock = SPINLOCK_INIT(LOCK_VECTOR);
static unsigned int vector_hint = VECTOR_FIRST_IRQ;
static uint64_t spurious_count;

uint8_t vectors_alloc(unsigned int count, unsigned int first_irq)
{
    unsigned long flags = spin_lock_irqsave(&vector_lock);
    unsigned int v = ROUND_UP(vector_hint, count), found = 0;

    /* Twice around: from the hint to the end, then from the start. */
    for (unsigned int tries = 0; tries < 2 * 256 && !found; tries++, v += count) {
        if (v + count > VECTOR_LAST_IRQ + 1u)
            v = ROUND_UP((unsigned int)VECTOR_FIRST_IRQ, count);
        unsigned int n = 0;
        while (n < count && !vector_irq[v + n])
            n++;
        if (n == count)
            found = v;
    }
    for (unsigned int i = 0; found && i < count; i++)
        vector_irq[found + i] = (uint16_t)(first_irq + i + 1);
    if (found)
        vector_hint = found + count;
    spin_unlock_irqrestore(&vector_lock, flags);
    return (uint8_t)found;
}

void vectors_free(uint8_t first, unsigned int count)
{
    unsigned long flags = spin_lock_irqsave(&vector_lock);
    for (unsigned int i = 0; i < count; i++)
        vector_irq[first + i] = 0;
    spin_unlock_irqrestore(&vector_lock, flags);
}

/* --- Lines: what both the hypervisor's and guests' side do to one. Descriptor locked. --- */

void irq_line_program(struct irq_desc *desc)
{
    if (desc->kind == IRQ_IOAPIC)
        ioapic_program(desc);
    else if (desc->kind == IRQ_MSI && desc->msi_index == 0)
        msi_program(desc->msi, desc->cpu, desc->vector);
}

void irq_line_mask(struct irq_desc *desc, bool masked)
{
    desc->masked = masked;
    if (desc->kind == IRQ_IOAPIC)
        ioapic_set_mask(desc);
    else if (desc->kind == IRQ_MSI)
        msi_set_mask(desc->msi, desc->msi_index, masked);
}

int irq_line_get_vector(struct irq_desc *desc)
{
    if (!desc->vector && desc->kind == IRQ_IOAPIC)
        desc->vector = vectors_alloc(1, desc->number);
    return desc->vector ? 0 : -ENOSPC;
}

void irq_line_move(struct irq_desc *desc, unsigned int cpu)
{
    /* Several vectors of one MSI share its address: the first one leads. */
    if (desc->cpu == cpu || !cpumask_test(cpu_online_map, cpu) || desc->msi_index)
        return;
    desc->cpu = cpu;
    if (desc->vector)
        irq_line_program(desc);
}

/* --- Delivery --- */

/* Level: quiet until answered; then, or at once for the others, the APIC's EOI. */
static void acknowledge(struct irq_desc *desc)
{
    if (desc->level)
        irq_line_mask(desc, true);
    apic_eoi();
}

static void deliver_to_guests(struct irq_desc *desc)
{
    struct irq_guest to[IRQ_MAX_GUESTS];
    unsigned int n = desc->nr_guests;

    if (desc->level)
        for (unsigned int i = 0; i < n; i++)
            if (!desc->guest[i].unanswered) {
                desc->guest[i].unanswered = true;
                desc->unanswered++;
            }
    memcpy(to, desc->guest, n * sizeof(to[0]));
    atomic_add(&desc->in_handler, 1u);
    spin_unlock(&desc->lock);
    for (unsigned int i = 0; i < n; i++)
        send_guest_pirq(to[i].d, to[i].pirq);
    atomic_sub(&desc->in_handler, 1u);
}

static void handle_irq(struct irq_desc *desc)
{
    spin_lock(&desc->lock);
    desc->count++;
    if (desc->own_fn) {
        void (*fn)(void *) = desc->own_fn;
        void *data = desc->own_data;
        bool level = desc->level;
        spin_unlock(&desc->lock);
        if (!level)
            apic_eoi();
        fn(data);
        if (level)
            apic_eoi();
        return;
    }
    acknowledge(desc);
    deliver_to_guests(desc);
}

static void handle_error(void)
{
    apic_eoi();
    printk(LOG_WARN "APIC error interrupt on CPU %u\n", cpu_id());
}

static void dispatch(unsigned int vector)
{
    switch (vector) {
    case VECTOR_TIMER:
        apic_eoi();
        softirq_raise(SOFTIRQ_TIMER);
        return;
    case VECTOR_KICK: apic_eoi(); return; /* the way out looks at the work word */
    case VECTOR_TLB:
        apic_eoi();
        tlb_handle_ipi();
        return;
    case VECTOR_CALL:
        apic_eoi();
        smp_handle_call();
        return;
    case VECTOR_STOP: smp_handle_stop();
    case VECTOR_ERROR: handle_error(); return;
    case VECTOR_SPURIOUS: spurious_count++; return; /* no EOI: nothing is in service (11.9) */
    }
    unsigned int irq = READ_ONCE(vector_irq[vector]);
    if (irq) {
        handle_irq(irq_desc(irq - 1));
    } else if (vector >= VECTOR_FIRST_IRQ) {
        apic_eoi(); /* of an IRQ just torn down */
        spurious_count++;
    }
    /* 0x20-0x2f: a masked 8259's spurious IRQ, without an EOI to any APIC */
}

void do_irq(struct cpu_user_regs *regs)
{
    unsigned int held = lock_check_irq_enter();
    dispatch(regs->entry_vector & 0xff);
    lock_check_irq_exit(held);
}

/* --- The hypervisor's own, and set-up --- */

int irq_request_own(unsigned int gsi, void (*fn)(void *), void *data)
{
    struct irq_desc *desc;
    int rc = -ENODEV;

    if (gsi < NR_ISA_IRQS)
        gsi = acpi.isa[gsi].gsi;
    if (gsi >= nr_gsis)
        return -ENODEV;
    desc = irq_desc(gsi);
    unsigned long flags = spin_lock_irqsave(&desc->lock);
    if (desc->kind != IRQ_IOAPIC)
        goto out;
    rc = -EBUSY;
    if (desc->own_fn || desc->nr_guests)
        goto out;
    rc = irq_line_get_vector(desc);
    if (rc)
        goto out;
    desc->own_fn = fn;
    desc->own_data = data;
    desc->masked = false;
    irq_line_program(desc);
out:
    spin_unlock_irqrestore(&desc->lock, flags);
    return rc;
}

static void dump_irqs(char key __unused)
{
    static const char *const kinds[] = {"-", "pin", "MSI"};

    for (unsigned int i = 0; i < NR_IRQS; i++) {
        const struct irq_desc *d = irq_desc(i);
        if (!d->vector)
            continue;
        printk(LOG_ERR "IRQ %3u vector %02x CPU %2u %s %s%s%s %8llu", i, d->vector, d->cpu,
               kinds[d->kind], d->level ? "level" : "edge", d->active_low ? "-low" : "",
               d->masked ? " masked" : "", (unsigned long long)d->count);
        for (unsigned int g = 0; g < d->nr_guests; g++)
            printk(LOG_ERR " d%u:%u%s", d->guest[g].d->id, d->guest[g].pirq,
                   d->guest[g].unanswered ? "(unanswered)" : "");
        printk(LOG_ERR "%s\n", d->own_fn ? " hypervisor" : "");
    }
    printk(LOG_ERR "%llu spurious\n", (unsigned long long)spurious_count);
}

void __init irq_init(void)
{
    for (unsigned int i = 0; i < NR_IRQS; i++) {
        struct irq_desc *d = irq_desc(i);
        spin_lock_init(&d->lock, LOCK_IRQ);
        d->number = (uint16_t)i;
        d->masked = true;
        d->level = d->active_low = true; /* PCI, unless told otherwise */
    }
    for (unsigned int i = 0; i < NR_ISA_IRQS; i++) {
        irq_desc(i)->level = irq_desc(i)->active_low = false;
    }
    for (unsigned int i = 0; i < NR_ISA_IRQS; i++) {
        const struct acpi_isa_irq *isa = &acpi.isa[i];
        if (isa->gsi >= NR_IRQS)
            continue;
        irq_desc(isa->gsi)->level = isa->level;
        irq_desc(isa->gsi)->active_low = isa->active_low;
    }
    ioapic_init();
    debug_key_register('i', dump_irqs, "dump interrupts");
}
