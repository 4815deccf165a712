/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ACPI tables tell of the platform (ACPI 6.4 ch. 5): processors, interrupt controllers,
 * timers, sleep and reset registers, PCI configuration space. Read once at boot; constant after.
 */
#ifndef XEN_X86_ACPI_H
#define XEN_X86_ACPI_H
#include "lib/types.h"

#define ACPI_MAX_IOAPICS 16
#define ACPI_MAX_MCFG    8
#define NR_ISA_IRQS      16

/* Generic address structure, reduced: space 0 memory, 1 I/O ports, 2 PCI configuration */
struct acpi_register {
    uint8_t space, width, access;
    uint64_t address; /* 0: absent */
};
#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO     1
#define ACPI_SPACE_PCI    2

struct acpi_cpu {
    uint32_t apic_id, acpi_id;
};
struct acpi_ioapic {
    uint32_t id, gsi_base;
    paddr_t address;
};
struct acpi_isa_irq {
    uint32_t gsi;
    bool level, active_low;
};
struct acpi_mcfg {
    paddr_t base;
    uint16_t segment;
    uint8_t first_bus, last_bus;
};

struct acpi_info {
    bool present;
    unsigned int nr_cpus, nr_cpus_ignored;
    struct acpi_cpu cpu[MAX_CPUS]; /* usable ones; [0] need not be the boot CPU */
    paddr_t lapic_address;
    unsigned int nr_ioapics;
    struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
    struct acpi_isa_irq isa[NR_ISA_IRQS];
    uint8_t nmi_lint; /* LINT input that carries NMI on all CPUs; 0xff: none */
    bool nmi_active_low, nmi_level;

    uint16_t sci_irq;
    struct acpi_register pm_timer, pm1a_event, pm1b_event, pm1a_control, pm1b_control;
    bool pm_timer_32bit;
    struct acpi_register reset;
    uint8_t reset_value;
    paddr_t hpet_address; /* 0: none */
    unsigned int nr_mcfg;
    struct acpi_mcfg mcfg[ACPI_MAX_MCFG];
};
extern struct acpi_info acpi;

/* Find and read the tables. Boot CPU, once ioremap works. Without tables the PC's defaults hold. */
void acpi_init(void);

/*
 * The parsers, by table; they trust nothing but [table, table + len). For acpi_init and the tests.
 */
void acpi_parse_madt(struct acpi_info *a, const uint8_t *table, size_t len);
void acpi_parse_fadt(struct acpi_info *a, const uint8_t *table, size_t len);
void acpi_parse_hpet(struct acpi_info *a, const uint8_t *table, size_t len);
void acpi_parse_mcfg(struct acpi_info *a, const uint8_t *table, size_t len);
void acpi_set_defaults(struct acpi_info *a);

#endif
