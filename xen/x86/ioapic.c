/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O APIC (82093AA data sheet). Two registers in memory reach all others:
 *
 *   0x00 IOREGSEL   0x10 IOWIN   index 0 id, 1 version and last pin, 0x10 + 2n the entry of pin n
 *   entry: 0-7 vector, 8-10 delivery, 11 logical, 13 active low, 14 remote IRR, 15 level,
 *          16 mask, 56-63 destination APIC id
 */
#include "x86/ioapic.h"
#include "lib/lib.h"
#include "lib/spinlock.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/irq_desc.h"
#include "x86/page.h"

#define IOREGSEL        0x00
#define IOWIN           0x10
#define IOAPIC_VERSION  1
#define IOAPIC_ENTRY(n) (0x10u + 2u * (n))
#define RTE_ACTIVE_LOW  (1u << 13)
#define RTE_LEVEL       (1u << 15)
#define RTE_MASKED      (1u << 16)

struct ioapic {
    char *registers;
    paddr_t address;
    unsigned int gsi_base, nr_pins;
};
static struct ioapic ioapics[ACPI_MAX_IOAPICS];
static unsigned int nr_ioapics;
static struct spinlock ioapic_lock = SPINLOCK_INIT(LOCK_IOAPIC);
unsigned int nr_gsis = 16;

static uint32_t reg_read(const struct ioapic *io, uint32_t reg)
{
    WRITE_ONCE(*(uint32_t *)(io->registers + IOREGSEL), reg);
    return READ_ONCE(*(uint32_t *)(io->registers + IOWIN));
}

static void reg_write(const struct ioapic *io, uint32_t reg, uint32_t v)
{
    WRITE_ONCE(*(uint32_t *)(io->registers + IOREGSEL), reg);
    WRITE_ONCE(*(uint32_t *)(io->registers + IOWIN), v);
}

static const struct ioapic *find(unsigned int gsi)
{
    for (unsigned int i = 0; i < nr_ioapics; i++)
        if (gsi - ioapics[i].gsi_base < ioapics[i].nr_pins)
            return &ioapics[i];
    return NULL;
}

void __init ioapic_init(void)
{
    for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
        struct ioapic *io = &ioapics[nr_ioapics];
        io->address = acpi.ioapic[i].address;
        io->gsi_base = acpi.ioapic[i].gsi_base;
        io->registers = ioremap(io->address, PAGE_SIZE);
        if (!io->registers)
            continue;
        io->nr_pins = (reg_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
        if (io->gsi_base + io->nr_pins > NR_IRQS / 2) {
            printk(LOG_WARN "I/O APIC at %llx: pins from %u on ignored\n",
                   (unsigned long long)io->address, io->gsi_base);
            continue;
        }
        for (unsigned int pin = 0; pin < io->nr_pins; pin++) {
            reg_write(io, IOAPIC_ENTRY(pin), RTE_MASKED);
            reg_write(io, IOAPIC_ENTRY(pin) + 1, 0);
            irq_desc(io->gsi_base + pin)->kind = IRQ_IOAPIC;
        }
        nr_gsis = MAX(nr_gsis, io->gsi_base + io->nr_pins);
        nr_ioapics++;
    }
}

static uint32_t entry_low(const struct irq_desc *desc)
{
    return desc->vector | (desc->active_low ? RTE_ACTIVE_LOW : 0) | (desc->level ? RTE_LEVEL : 0) |
           (desc->masked ? RTE_MASKED : 0);
}

void ioapic_program(const struct irq_desc *desc)
{
    const struct ioapic *io = find(desc->number);

    if (!io)
        return;
    unsigned long flags = spin_lock_irqsave(&ioapic_lock);
    unsigned int reg = IOAPIC_ENTRY(desc->number - io->gsi_base);
    /* Destination first, while masked: a half-changed entry must not fire. */
    reg_write(io, reg, entry_low(desc) | RTE_MASKED);
    reg_write(io, reg + 1, cpu_apic_id[desc->cpu] << 24);
    if (!desc->masked)
        reg_write(io, reg, entry_low(desc));
    spin_unlock_irqrestore(&ioapic_lock, flags);
}

void ioapic_set_mask(const struct irq_desc *desc)
{
    const struct ioapic *io = find(desc->number);

    if (!io)
        return;
    unsigned long flags = spin_lock_irqsave(&ioapic_lock);
    reg_write(io, IOAPIC_ENTRY(desc->number - io->gsi_base), entry_low(desc));
    spin_unlock_irqrestore(&ioapic_lock, flags);
}

int ioapic_guest_read(paddr_t address, uint32_t reg, uint32_t *value)
{
    for (unsigned int i = 0; i < nr_ioapics; i++) {
        if (ioapics[i].address != address)
            continue;
        if (reg >= IOAPIC_ENTRY(ioapics[i].nr_pins))
            return -EINVAL;
        unsigned long flags = spin_lock_irqsave(&ioapic_lock);
        *value = reg_read(&ioapics[i], reg);
        spin_unlock_irqrestore(&ioapic_lock, flags);
        return 0;
    }
    return -EINVAL;
}
