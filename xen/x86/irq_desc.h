/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt descriptors: one per I/O APIC pin (number = GSI) and per MSI (numbers after the pins).
 *
 *   kind     acknowledged            guest's EOI needed
 *   edge     EOI at once             no
 *   MSI      EOI at once             no
 *   level    mask the pin, then EOI  yes: the pin is unmasked when all guests gave it
 */
#ifndef XEN_X86_IRQ_DESC_H
#define XEN_X86_IRQ_DESC_H
#include "lib/spinlock.h"

#define NR_IRQS        1024
#define IRQ_MAX_GUESTS 4

struct domain;
struct msi;

enum irq_kind { IRQ_UNUSED, IRQ_IOAPIC, IRQ_MSI };

struct irq_desc {
    struct spinlock lock; /* LOCK_IRQ: everything here */
    uint8_t kind;
    uint8_t vector;  /* 0: none yet */
    uint16_t number; /* constant */
    bool level, active_low;
    bool configured;     /* trigger mode and polarity are known */
    bool shareable;      /* all guests agreed */
    bool masked;         /* at the pin */
    uint32_t in_handler; /* atomic: CPUs between taking it and having told the guests */
    unsigned int cpu;    /* destination */
    uint8_t nr_guests;
    uint8_t unanswered; /* level: guests whose EOI is awaited */
    struct irq_guest {
        struct domain *d;
        uint32_t pirq;
        bool unanswered;
    } guest[IRQ_MAX_GUESTS];
    void (*own_fn)(void *); /* the hypervisor's handler, instead of guests */
    void *own_data;
    struct msi *msi;
    unsigned int msi_index; /* of several vectors of one MSI */
    uint64_t count;
};
extern struct irq_desc irq_descs[NR_IRQS];
/* I/O APIC pins, over all controllers. */
extern unsigned int nr_gsis;

static inline struct irq_desc *irq_desc(unsigned int irq)
{
    return &irq_descs[irq];
}

/* count contiguous vectors, so aligned (a power of two); 0 if there are none. LOCK_VECTOR inside. */
uint8_t vectors_alloc(unsigned int count, unsigned int first_irq);
void vectors_free(uint8_t first, unsigned int count);

/* Physdev side. irq_lock of d inside; no locks held. pirq: wanted one, or negative. >= 0: pirq. */
int pirq_map_gsi(struct domain *d, int gsi, int pirq);
struct msi_request;
int pirq_map_msi(struct domain *d, const struct msi_request *req, int pirq);
int pirq_unmap(struct domain *d, int pirq);
int pirq_find_free(struct domain *d);
/* XENIRQSTAT_* or -EINVAL. */
int pirq_status(struct domain *d, uint32_t pirq);
/* The page in which the guest finds which pirqs need an EOI. */
int pirq_set_eoi_page(struct domain *d, uint64_t mfn);
/* Trigger and polarity of a pin: -EEXIST if known already. */
int irq_setup_gsi(unsigned int gsi, bool level, bool active_low);
/* d's image of the PCI address port. */
uint32_t *pirq_pci_address(struct domain *d);

#endif
