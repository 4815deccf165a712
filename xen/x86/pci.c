/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI configuration space (PCI 3.0 ch. 3.2.2.3.2 for the ports; PCI Express Base 3.0 ch. 7.2.2
 * for the memory window, one page per function).
 *
 *   0xcf8: bit 31 enable, 23-16 bus, 15-8 device and function, 7-2 register; data at 0xcfc
 */
#include "x86/pci.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "x86/acpi.h"
#include "x86/cpu.h"
#include "x86/irq_desc.h"
#include "x86/msi.h"
#include "x86/page.h"

#define PCI_CONFIG_ADDRESS 0xcf8
#define PCI_CONFIG_DATA    0xcfc
#define CONFIG_ENABLE      0x80000000u
#define MMCFG_SLOTS        16 /* functions whose extended space was looked at */

static struct spinlock config_lock = SPINLOCK_INIT(LOCK_PCI_CONFIG);
struct spinlock pci_lock = SPINLOCK_INIT(LOCK_PCI);
static struct list pci_devices = LIST_INIT(pci_devices); /* pci_lock */

/* Pages of the memory window mapped so far; entries are only ever added (config_lock). */
static struct {
    struct pci_address at;
    char *page;
} window[MMCFG_SLOTS];
static unsigned int nr_windows;

static bool same(struct pci_address a, struct pci_address b)
{
    return a.segment == b.segment && a.bus == b.bus && a.devfn == b.devfn;
}

static paddr_t mmcfg_address(struct pci_address a)
{
    for (unsigned int i = 0; i < acpi.nr_mcfg; i++) {
        const struct acpi_mcfg *m = &acpi.mcfg[i];
        if (m->segment == a.segment && a.bus >= m->first_bus && a.bus <= m->last_bus)
            return m->base + ((paddr_t)a.bus << 20 | (paddr_t)a.devfn << 12);
    }
    return 0;
}

/* The function's page in the memory window; NULL if there is none or no room. */
static char *mmcfg_page(struct pci_address a)
{
    unsigned int n = atomic_load(&nr_windows);

    for (unsigned int i = 0; i < n; i++)
        if (same(window[i].at, a))
            return window[i].page;
    paddr_t at = mmcfg_address(a);
    char *page = at && n < MMCFG_SLOTS ? ioremap(at, PAGE_SIZE) : NULL;
    if (!page)
        return NULL;
    unsigned long flags = spin_lock_irqsave(&config_lock);
    if (nr_windows < MMCFG_SLOTS) {
        window[nr_windows].at = a;
        window[nr_windows].page = page;
        atomic_store(&nr_windows, nr_windows + 1);
    }
    spin_unlock_irqrestore(&config_lock, flags);
    return page;
}

static uint32_t data_in(uint16_t port, unsigned int bytes)
{
    switch (bytes) {
    case 1: return inb(port);
    case 2: return inw(port);
    default: return inl(port);
    }
}

static void data_out(uint16_t port, unsigned int bytes, uint32_t v)
{
    switch (bytes) {
    case 1: outb(port, (uint8_t)v); break;
    case 2: outw(port, (uint16_t)v); break;
    default: outl(port, v);
    }
}

static uint32_t port_read(uint32_t address, unsigned int low, unsigned int bytes)
{
    unsigned long flags = spin_lock_irqsave(&config_lock);
    outl(PCI_CONFIG_ADDRESS, address);
    uint32_t v = data_in((uint16_t)(PCI_CONFIG_DATA + low), bytes);
    spin_unlock_irqrestore(&config_lock, flags);
    return v;
}

static void port_write(uint32_t address, unsigned int low, unsigned int bytes, uint32_t v)
{
    unsigned long flags = spin_lock_irqsave(&config_lock);
    outl(PCI_CONFIG_ADDRESS, address);
    data_out((uint16_t)(PCI_CONFIG_DATA + low), bytes, v);
    spin_unlock_irqrestore(&config_lock, flags);
}

static uint32_t port_address(struct pci_address a, unsigned int reg)
{
    return CONFIG_ENABLE | (uint32_t)a.bus << 16 | (uint32_t)a.devfn << 8 | (reg & 0xfc);
}

uint32_t pci_read(struct pci_address a, unsigned int reg, unsigned int bytes)
{
    if (a.segment == 0 && reg < 256)
        return port_read(port_address(a, reg), reg & 3, bytes);
    char *page = mmcfg_page(a);
    if (!page || reg > PAGE_SIZE - bytes)
        return ~0u;
    switch (bytes) {
    case 1: return READ_ONCE(*(uint8_t *)(page + reg));
    case 2: return READ_ONCE(*(uint16_t *)(page + reg));
    default: return READ_ONCE(*(uint32_t *)(page + reg));
    }
}

void pci_write(struct pci_address a, unsigned int reg, unsigned int bytes, uint32_t v)
{
    if (a.segment == 0 && reg < 256) {
        port_write(port_address(a, reg), reg & 3, bytes, v);
        return;
    }
    char *page = mmcfg_page(a);
    if (!page || reg > PAGE_SIZE - bytes)
        return;
    switch (bytes) {
    case 1: WRITE_ONCE(*(uint8_t *)(page + reg), (uint8_t)v); break;
    case 2: WRITE_ONCE(*(uint16_t *)(page + reg), (uint16_t)v); break;
    default: WRITE_ONCE(*(uint32_t *)(page + reg), v);
    }
}

unsigned int pci_find_capability(struct pci_address a, uint8_t id)
{
    if (!(pci_read(a, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
        return 0;
    unsigned int pos = pci_read(a, PCI_CAP_POINTER, 1) & 0xfc;
    for (unsigned int i = 0; i < 48 && pos >= 0x40; i++) { /* a broken list may be circular */
        uint32_t head = pci_read(a, pos, 2);
        if ((head & 0xff) == id)
            return pos;
        pos = head >> 8 & 0xfc;
    }
    return 0;
}

struct pci_dev *pci_device_find(struct pci_address a)
{
    struct list *l;

    LIST_FOR_EACH(l, &pci_devices)
    if (same(list_entry(l, struct pci_dev, link)->at, a))
        return list_entry(l, struct pci_dev, link);
    return NULL;
}

int pci_device_add(struct pci_address a, const struct pci_address *physical)
{
    struct pci_dev *dev = hv_zalloc(sizeof(*dev));

    if (!dev)
        return -ENOMEM;
    dev->at = a;
    list_init(&dev->msis);
    if (physical) {
        dev->virtual_function = true;
        dev->physical = *physical;
    }
    spin_lock(&pci_lock);
    bool known = pci_device_find(a);
    if (!known)
        list_add_tail(&dev->link, &pci_devices);
    spin_unlock(&pci_lock);
    if (known)
        hv_free(dev);
    return 0;
}

int pci_device_remove(struct pci_address a)
{
    spin_lock(&pci_lock);
    struct pci_dev *dev = pci_device_find(a);
    int rc = !dev ? -ENODEV : list_empty(&dev->msis) ? 0 : -EBUSY;
    if (!rc)
        list_del(&dev->link);
    spin_unlock(&pci_lock);
    if (!rc)
        hv_free(dev);
    return rc;
}

int pci_mmcfg_add(paddr_t base, uint16_t segment, uint8_t first_bus, uint8_t last_bus)
{
    if (first_bus > last_bus || base & (MB(1) - 1))
        return -EINVAL;
    /* Readers take no lock: an entry is whole before it is counted. */
    unsigned long flags = spin_lock_irqsave(&config_lock);
    int rc = acpi.nr_mcfg < ACPI_MAX_MCFG ? 0 : -ENOSPC;
    bool known = false;
    for (unsigned int i = 0; i < acpi.nr_mcfg && !known; i++) {
        const struct acpi_mcfg *m = &acpi.mcfg[i];
        known = m->segment == segment && m->first_bus == first_bus;
        if (known)
            rc = m->base == base ? 0 : -EEXIST;
    }
    if (!rc && !known) {
        acpi.mcfg[acpi.nr_mcfg] = (struct acpi_mcfg){base, segment, first_bus, last_bus};
        atomic_store(&acpi.nr_mcfg, acpi.nr_mcfg + 1);
    }
    spin_unlock_irqrestore(&config_lock, flags);
    return rc;
}

bool pci_cfg_port_access(struct domain *d, uint16_t port, unsigned int bytes, bool write,
                         uint32_t *val)
{
    uint32_t *address = pirq_pci_address(d);

    if (port == PCI_CONFIG_ADDRESS && bytes == 4) {
        if (write)
            *address = *val;
        else
            *val = *address;
        return true;
    }
    unsigned int low = port - PCI_CONFIG_DATA;
    if (port < PCI_CONFIG_DATA || low + bytes > 4 || (bytes != 1 && bytes != 2 && bytes != 4))
        return false;
    if (!d->privileged || !(*address & CONFIG_ENABLE)) {
        if (!write)
            *val = ~0u;
        return true;
    }
    /* Bits 27-24 are the upper bits of the register on AMD's chips: passed on. */
    if (write)
        port_write(*address & ~3u, low, bytes, *val);
    else
        *val = port_read(*address & ~3u, low, bytes);
    return true;
}
