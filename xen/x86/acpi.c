/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding the ACPI tables (ACPI 6.4 ch. 5.2.5 ff.): the RSDP from the boot loader, or a scan of
 * the EBDA and of 0xe0000-0xfffff; from it the XSDT, or the RSDT; from there each table.
 */
#include "x86/acpi.h"
#include "boot/boot.h"
#include "boot/cmdline.h"
#include "lib/lib.h"
#include "x86/page.h"

#define RSDP_SIGNATURE "RSD PTR "
#define RSDP_V1_LENGTH 20
#define BDA_EBDA       0x40e /* segment of the EBDA */
#define TABLE_MAX      MB(1)
#define TABLE_HEADER   36
#define MAX_TABLES     256

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum, reserved[3];
} __packed;
_Static_assert(sizeof(struct rsdp) == 36, "RSDP 2.0");

struct table_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __packed;
_Static_assert(sizeof(struct table_header) == TABLE_HEADER, "ACPI table header");

struct acpi_info acpi;
static bool opt_acpi = true;
OPT_BOOL("acpi", opt_acpi);

static bool __init sum_is_zero(const void *p, size_t len)
{
    const uint8_t *b = p;
    uint8_t sum = 0;
    while (len--)
        sum = (uint8_t)(sum + *b++);
    return sum == 0;
}

/* A whole table, mapped; NULL if its length or checksum is wrong. */
static const struct table_header *__init map_table(paddr_t addr)
{
    if (!addr)
        return NULL;
    const struct table_header *h = ioremap(addr, TABLE_HEADER);
    if (!h)
        return NULL;
    uint32_t len = h->length;
    if (len < TABLE_HEADER || len > TABLE_MAX) {
        printk(LOG_WARN "ACPI: table at %llx has an impossible length\n", (unsigned long long)addr);
        return NULL;
    }
    if ((addr & (PAGE_SIZE - 1)) + len > PAGE_SIZE)
        h = ioremap(addr, len);
    if (h && !sum_is_zero(h, len)) {
        printk(LOG_WARN "ACPI: table %.4s has a bad checksum, ignored\n", h->signature);
        return NULL;
    }
    return h;
}

static const struct rsdp *__init scan(paddr_t start, size_t len)
{
    const uint8_t *p = ioremap(start, len);

    for (size_t off = 0; p && off + RSDP_V1_LENGTH <= len; off += 16)
        if (!memcmp(p + off, RSDP_SIGNATURE, 8) && sum_is_zero(p + off, RSDP_V1_LENGTH))
            return (const void *)(p + off);
    return NULL;
}

static const struct rsdp *__init find_rsdp(void)
{
    if (boot_info.acpi_rsdp)
        return ioremap(boot_info.acpi_rsdp, sizeof(struct rsdp));
    const uint16_t *bda = ioremap(0, PAGE_SIZE);
    paddr_t ebda = bda ? (paddr_t)bda[BDA_EBDA / 2] << 4 : 0;
    const struct rsdp *r = NULL;
    if (ebda >= 0x80000 && ebda < 0xa0000)
        r = scan(ebda, KB(1));
    return r ? r : scan(0xe0000, KB(128));
}

static void __init parse_one(paddr_t addr)
{
    static const struct {
        char signature[5];
        void (*parse)(struct acpi_info *, const uint8_t *, size_t);
    } parsers[] = {
        {"APIC", acpi_parse_madt},
        {"FACP", acpi_parse_fadt},
        {"HPET", acpi_parse_hpet},
        {"MCFG", acpi_parse_mcfg},
    };
    const struct table_header *h = map_table(addr);

    for (unsigned int i = 0; h && i < ARRAY_SIZE(parsers); i++)
        if (!memcmp(h->signature, parsers[i].signature, 4))
            parsers[i].parse(&acpi, (const uint8_t *)h, h->length);
}

static void __init parse_root(const struct table_header *root, size_t entry_size)
{
    size_t n = (root->length - TABLE_HEADER) / entry_size;
    const uint8_t *entries = (const uint8_t *)(root + 1);

    for (size_t i = 0; i < MIN(n, (size_t)MAX_TABLES); i++) {
        uint64_t addr = 0;
        memcpy(&addr, entries + i * entry_size, entry_size);
        parse_one(addr);
    }
}

void __init acpi_init(void)
{
    acpi_set_defaults(&acpi);
    const struct rsdp *r = opt_acpi ? find_rsdp() : NULL;
    if (!r) {
        printk(LOG_WARN "ACPI: no tables found; one CPU, PC defaults\n");
        return;
    }

    const struct table_header *root = NULL;
    size_t entry_size = 8;
    if (r->revision >= 2)
        root = map_table(r->xsdt);
    if (!root) {
        root = map_table(r->rsdt);
        entry_size = 4;
    }
    if (!root) {
        printk(LOG_WARN "ACPI: neither XSDT nor RSDT can be read\n");
        return;
    }
    acpi.present = true;
    parse_root(root, entry_size);
    printk(LOG_INFO "ACPI: %u CPUs, %u I/O APICs, PM timer at %llx, HPET at %llx\n", acpi.nr_cpus,
           acpi.nr_ioapics, (unsigned long long)acpi.pm_timer.address,
           (unsigned long long)acpi.hpet_address);
    if (acpi.nr_cpus_ignored)
        printk(LOG_WARN "ACPI: %u CPUs beyond the %u that can be used\n", acpi.nr_cpus_ignored,
               MAX_CPUS);
}
