/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of the stand-in machine: one I/O APIC with 24 pins, two PCI functions at 00:03.0 and 00:04.0, each
 * with MSI (four vectors, masks) and MSI-X (16 entries in BAR 0), reached through the configuration ports. So
 * interrupts from xen/x86 work here as on a PC; nothing raises any.
 */
#include "whole.h"
#include "console/console.h"
#include "hypercalls/hypercall.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/efi_info.h"
#include "x86/irq.h"
#include "x86/page.h"
#include "x86/reboot.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/traps.h"

#define IOAPIC_AT   0xfec00000ull
#define NR_PINS     24u
#define MSIX_BAR    0xfebf0000u
#define FUNCTIONS   2u
#define FIRST_SLOT  3u
#define CONFIG_SIZE 256u

struct acpi_info acpi;
static uint8_t config[FUNCTIONS][CONFIG_SIZE];
static uint32_t config_address;

/* ---- memory of devices ---- */

#define MAX_MAPPINGS 16
static struct {
    paddr_t at;
    char page[PAGE_SIZE] __aligned(PAGE_SIZE);
} mappings[MAX_MAPPINGS];
static unsigned int nr_mappings;

/* A page of plain memory: what is written is read back, which is all that MSI-X tables need. */
void *ioremap(paddr_t start, size_t len)
{
    ASSERT(len <= PAGE_SIZE);
    for (unsigned int i = 0; i < nr_mappings; i++)
        if (mappings[i].at == start)
            return mappings[i].page;
    if (nr_mappings == MAX_MAPPINGS)
        return NULL;
    mappings[nr_mappings].at = start;
    /* The first look at an I/O APIC is for its version, with the number of the last pin. */
    if (start == IOAPIC_AT)
        *(uint32_t *)(mappings[nr_mappings].page + 0x10) = (NR_PINS - 1) << 16;
    return mappings[nr_mappings++].page;
}

/* ---- PCI ---- */

static void put(uint8_t *c, unsigned int at, unsigned int bytes, uint32_t v)
{
    memcpy(c + at, &v, bytes);
}

static void make_function(uint8_t *c, unsigned int n)
{
    memset(c, 0, CONFIG_SIZE);
    put(c, 0x00, 4, 0x12340000u + n);
    put(c, 0x06, 2, 0x10); /* there are capabilities */
    put(c, 0x10, 4, MSIX_BAR + n * PAGE_SIZE);
    put(c, 0x34, 1, 0x50);
    put(c, 0x50, 4, 0x05 | 0x70 << 8 | (2u << 1 | 0x180u) << 16);
    put(c, 0x70, 4, 0x11 | 15u << 16);
}

static uint8_t *configured(void)
{
    unsigned int slot = config_address >> 11 & 31;

    if (!(config_address >> 31) || (config_address >> 16 & 255) || (config_address >> 8 & 7) ||
        slot - FIRST_SLOT >= FUNCTIONS)
        return NULL;
    return config[slot - FIRST_SLOT] + (config_address & 0xfc);
}

uint32_t whole_port_in(uint16_t port, unsigned int bytes)
{
    uint32_t v = ~0u;
    const uint8_t *c = configured();

    if (port == 0xcf8)
        return config_address;
    if (port >= 0xcfc && port + bytes <= 0xd00 && c) {
        v = 0;
        memcpy(&v, c + (port & 3), bytes);
    }
    return v;
}

void whole_port_out(uint16_t port, unsigned int bytes, uint32_t v)
{
    uint8_t *c = configured();

    if (port == 0xcf8)
        config_address = v;
    else if (port >= 0xcfc && port + bytes <= 0xd00 && c)
        memcpy(c + (port & 3), &v, bytes);
}

/* ---- interrupts ---- */

void apic_eoi(void)
{
}
void smp_handle_call(void)
{
}
void smp_handle_stop(void)
{
    panic("a CPU was told to stop");
}
void debug_key_register(char key __unused, void (*fn)(char) __unused, const char *help __unused)
{
}

void whole_machine_start(void)
{
    acpi = (struct acpi_info){.nr_ioapics = 1, .ioapic[0] = {.id = 0, .address = IOAPIC_AT}};
    for (unsigned int i = 0; i < NR_ISA_IRQS; i++)
        acpi.isa[i].gsi = i;
    for (unsigned int i = 0; i < MAX_CPUS; i++)
        cpu_apic_id[i] = cpu_acpi_id[i] = i;
    for (unsigned int i = 0; i < FUNCTIONS; i++)
        make_function(config[i], i);
    irq_init();
}

/* ---- the platform ---- */

bool efi_info_get(struct efi_info *info __unused)
{
    return false;
}
uint8_t bios_shift_flags(void)
{
    return 0x20;
}
int machine_power_off(uint16_t a __unused, uint16_t b __unused)
{
    return -EIO;
}
bool symbol_nth(uint32_t n, uint64_t *addr, const char **name)
{
    *addr = HV_VIRT_START + n;
    *name = "symbol";
    return n < 3;
}
void wallclock_set(uint64_t sec __unused, uint32_t nsec __unused, uint64_t system_time __unused)
{
}
