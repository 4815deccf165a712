/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parsers of single ACPI tables (ACPI 6.4 ch. 5.2; HPET: IA-PC HPET 1.0a ch. 3.2.4; MCFG: PCI
 * Firmware 3.0 ch. 4.1.2). Pure functions of bytes: firmware gets lengths wrong, so each field is
 * read only after a check that it lies within the table.
 */
#include "x86/acpi.h"
#include "lib/lib.h"

#define TABLE_HEADER 36

/* MADT */
#define MADT_LAPIC_ADDRESS      36
#define MADT_ENTRIES            44
#define MADT_TYPE_LAPIC         0
#define MADT_TYPE_IOAPIC        1
#define MADT_TYPE_OVERRIDE      2
#define MADT_TYPE_LAPIC_NMI     4
#define MADT_TYPE_LAPIC_ADDRESS 5
#define MADT_TYPE_X2APIC        9
#define MADT_TYPE_X2APIC_NMI    10
#define MADT_CPU_ENABLED        1u
#define MPS_POLARITY(f)         ((f)&3u)
#define MPS_TRIGGER(f)          (((f) >> 2) & 3u)
#define MPS_POLARITY_LOW        3u
#define MPS_TRIGGER_LEVEL       3u

/* FADT */
#define FADT_SCI_INT            46
#define FADT_PM1A_EVT           56
#define FADT_PM1B_EVT           60
#define FADT_PM1A_CNT           64
#define FADT_PM1B_CNT           68
#define FADT_PM_TMR             76
#define FADT_PM1_EVT_LEN        88
#define FADT_PM1_CNT_LEN        89
#define FADT_PM_TMR_LEN         91
#define FADT_FLAGS              112
#define FADT_RESET_REG          116
#define FADT_RESET_VALUE        128
#define FADT_X_PM1A_EVT         148
#define FADT_X_PM1B_EVT         160
#define FADT_X_PM1A_CNT         172
#define FADT_X_PM1B_CNT         184
#define FADT_X_PM_TMR           208
#define FADT_FLAG_TMR_VAL_EXT   (1u << 8)
#define FADT_FLAG_RESET_REG_SUP (1u << 10)
#define GAS_SIZE                12

struct table {
    const uint8_t *p;
    size_t len;
};

static bool has(const struct table *t, size_t off, size_t n)
{
    return off <= t->len && n <= t->len - off;
}

/* n bytes, little endian; 0 if they are not there. */
static uint64_t get(const struct table *t, size_t off, unsigned int n)
{
    uint64_t v = 0;
    if (has(t, off, n))
        for (unsigned int i = 0; i < n; i++)
            v |= (uint64_t)t->p[off + i] << (8 * i);
    return v;
}

void acpi_set_defaults(struct acpi_info *a)
{
    memset(a, 0, sizeof(*a));
    for (unsigned int i = 0; i < NR_ISA_IRQS; i++)
        a->isa[i].gsi = i;
    a->lapic_address = 0xfee00000;
    a->nmi_lint = 0xff;
    a->sci_irq = 9;
}

static void add_cpu(struct acpi_info *a, uint32_t apic_id, uint32_t acpi_id, uint32_t flags)
{
    if (!(flags & MADT_CPU_ENABLED) || apic_id == ~0u)
        return;
    for (unsigned int i = 0; i < a->nr_cpus; i++) /* some firmware lists a CPU in both forms */
        if (a->cpu[i].apic_id == apic_id)
            return;
    if (a->nr_cpus == MAX_CPUS) {
        a->nr_cpus_ignored++;
        return;
    }
    a->cpu[a->nr_cpus++] = (struct acpi_cpu){apic_id, acpi_id};
}

static void add_override(struct acpi_info *a, const struct table *e)
{
    uint64_t source = get(e, 3, 1), flags = get(e, 8, 2);

    if (!has(e, 0, 10) || get(e, 2, 1) != 0 || source >= NR_ISA_IRQS)
        return;
    a->isa[source] = (struct acpi_isa_irq){
        .gsi = (uint32_t)get(e, 4, 4),
        .level = MPS_TRIGGER(flags) == MPS_TRIGGER_LEVEL,
        .active_low = MPS_POLARITY(flags) == MPS_POLARITY_LOW,
    };
}

static void set_nmi(struct acpi_info *a, uint64_t flags, uint64_t lint)
{
    a->nmi_lint = lint & 1;
    a->nmi_active_low = MPS_POLARITY(flags) == MPS_POLARITY_LOW;
    a->nmi_level = MPS_TRIGGER(flags) == MPS_TRIGGER_LEVEL;
}

static void madt_entry(struct acpi_info *a, const struct table *e)
{
    switch (e->p[0]) {
    case MADT_TYPE_LAPIC:
        if (has(e, 0, 8))
            add_cpu(a, e->p[3], e->p[2], (uint32_t)get(e, 4, 4));
        break;
    case MADT_TYPE_X2APIC:
        if (has(e, 0, 16))
            add_cpu(a, (uint32_t)get(e, 4, 4), (uint32_t)get(e, 12, 4), (uint32_t)get(e, 8, 4));
        break;
    case MADT_TYPE_IOAPIC:
        if (has(e, 0, 12) && a->nr_ioapics < ACPI_MAX_IOAPICS)
            a->ioapic[a->nr_ioapics++] = (struct acpi_ioapic){
                .id = e->p[2], .address = get(e, 4, 4), .gsi_base = (uint32_t)get(e, 8, 4)};
        break;
    case MADT_TYPE_OVERRIDE: add_override(a, e); break;
    case MADT_TYPE_LAPIC_NMI:
        if (has(e, 0, 6))
            set_nmi(a, get(e, 3, 2), e->p[5]);
        break;
    case MADT_TYPE_X2APIC_NMI:
        if (has(e, 0, 9))
            set_nmi(a, get(e, 2, 2), e->p[8]);
        break;
    case MADT_TYPE_LAPIC_ADDRESS:
        if (has(e, 0, 12))
            a->lapic_address = get(e, 4, 8);
        break;
    }
}

void acpi_parse_madt(struct acpi_info *a, const uint8_t *table, size_t len)
{
    struct table t = {table, len};

    if (!has(&t, 0, MADT_ENTRIES))
        return;
    a->lapic_address = get(&t, MADT_LAPIC_ADDRESS, 4);
    for (size_t off = MADT_ENTRIES; has(&t, off, 2);) {
        struct table e = {table + off, table[off + 1]};
        if (e.len < 2 || !has(&t, off, e.len))
            break;
        madt_entry(a, &e);
        off += e.len;
    }
}

/* The extended form if it is there and says something, else the old port number. */
static struct acpi_register fadt_register(const struct table *t, size_t gas, size_t port,
                                          size_t len_off)
{
    struct acpi_register r = {0};

    if (has(t, gas, GAS_SIZE) && get(t, gas + 4, 8)) {
        r.space = t->p[gas];
        r.width = t->p[gas + 1];
        r.access = t->p[gas + 3];
        r.address = get(t, gas + 4, 8);
    } else if (port && get(t, port, 4)) {
        r.space = ACPI_SPACE_IO;
        r.width = (uint8_t)(get(t, len_off, 1) * 8);
        r.address = get(t, port, 4);
    }
    return r;
}

void acpi_parse_fadt(struct acpi_info *a, const uint8_t *table, size_t len)
{
    struct table t = {table, len};

    if (!has(&t, 0, FADT_FLAGS))
        return;
    uint64_t flags = get(&t, FADT_FLAGS, 4);
    a->sci_irq = (uint16_t)get(&t, FADT_SCI_INT, 2);
    a->pm1a_event = fadt_register(&t, FADT_X_PM1A_EVT, FADT_PM1A_EVT, FADT_PM1_EVT_LEN);
    a->pm1b_event = fadt_register(&t, FADT_X_PM1B_EVT, FADT_PM1B_EVT, FADT_PM1_EVT_LEN);
    a->pm1a_control = fadt_register(&t, FADT_X_PM1A_CNT, FADT_PM1A_CNT, FADT_PM1_CNT_LEN);
    a->pm1b_control = fadt_register(&t, FADT_X_PM1B_CNT, FADT_PM1B_CNT, FADT_PM1_CNT_LEN);
    a->pm_timer = fadt_register(&t, FADT_X_PM_TMR, FADT_PM_TMR, FADT_PM_TMR_LEN);
    a->pm_timer_32bit = flags & FADT_FLAG_TMR_VAL_EXT;
    if ((flags & FADT_FLAG_RESET_REG_SUP) && has(&t, FADT_RESET_REG, GAS_SIZE + 1)) {
        a->reset = fadt_register(&t, FADT_RESET_REG, 0, 0);
        a->reset_value = t.p[FADT_RESET_VALUE];
    }
}

void acpi_parse_hpet(struct acpi_info *a, const uint8_t *table, size_t len)
{
    struct table t = {table, len};

    if (has(&t, 40, GAS_SIZE) && table[40] == ACPI_SPACE_MEMORY)
        a->hpet_address = get(&t, 44, 8);
}

void acpi_parse_mcfg(struct acpi_info *a, const uint8_t *table, size_t len)
{
    struct table t = {table, len};

    for (size_t off = TABLE_HEADER + 8; has(&t, off, 16) && a->nr_mcfg < ACPI_MAX_MCFG; off += 16) {
        if (table[off + 10] > table[off + 11])
            continue;
        a->mcfg[a->nr_mcfg++] = (struct acpi_mcfg){
            .base = get(&t, off, 8),
            .segment = (uint16_t)get(&t, off + 8, 2),
            .first_bus = table[off + 10],
            .last_bus = table[off + 11],
        };
    }
}
