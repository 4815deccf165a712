/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI and MSI-X (PCI 3.0 ch. 6.8; Intel SDM vol. 3 ch. 11.11 for the message's form).
 *
 *   address 0xfee00000 | APIC id << 12, physical destination     data = vector, edge, fixed
 *   MSI capability: +0 id, +2 control, +4 address, [+8 upper], +8/+12 data, +12/+16 mask bits
 *   MSI-X capability: +2 control (0-10 entries - 1), +4 table: BAR in 0-2, offset
 *   MSI-X table entry: +0 address, +4 upper, +8 data, +12 vector control (bit 0 mask)
 *
 * A device's driver in Domain 0 switches the capability on itself; here only messages and mask
 * bits are written.
 */
#include "x86/msi.h"
#include "lib/lib.h"
#include "x86/apic.h"
#include "mm/frame.h"
#include "x86/irq_desc.h"
#include "x86/page.h"

#define MSI_ADDRESS_BASE     0xfee00000u
#define MSI_CONTROL          2
#define MSI_CONTROL_MMC(c)   (((c) >> 1) & 7u) /* vectors it can ask for, log2 */
#define MSI_CONTROL_MME(n)   ((n) << 4)        /* enabled, log2 */
#define MSI_CONTROL_MME_MASK 0x70u
#define MSI_CONTROL_64BIT    0x80u
#define MSI_CONTROL_MASKBITS 0x100u
#define MSIX_CONTROL         2
#define MSIX_CONTROL_SIZE    0x7ffu
#define MSIX_TABLE           4
#define MSIX_ENTRY_SIZE      16
#define MSIX_ENTRY_ADDRESS   0
#define MSIX_ENTRY_UPPER     4
#define MSIX_ENTRY_DATA      8
#define MSIX_ENTRY_CONTROL   12
#define PCI_BAR_IO           1u
#define PCI_BAR_TYPE_64      4u

/* Table pages mapped so far, because mappings are never undone: devices come and go. */
#define MAX_TABLES 256
static struct {
    paddr_t address;
    char *page;
} tables[MAX_TABLES]; /* pci_lock */
static unsigned int nr_tables;

static char *map_table_entry(paddr_t address)
{
    paddr_t page = ROUND_DOWN(address, PAGE_SIZE);

    for (unsigned int i = 0; i < nr_tables; i++)
        if (tables[i].address == page)
            return tables[i].page + (address - page);
    if (nr_tables == MAX_TABLES)
        return NULL;
    char *p = ioremap(page, PAGE_SIZE);
    if (!p)
        return NULL;
    tables[nr_tables].address = page;
    tables[nr_tables++].page = p;
    return p + (address - page);
}

/* Machine address of a memory BAR; 0 if it is not one. */
static paddr_t read_bar(struct pci_address at, unsigned int bar)
{
    unsigned int last = (pci_read(at, PCI_HEADER_TYPE, 1) & 0x7f) == 1 ? 1 : 5;
    if (bar > last)
        return 0;
    uint32_t low = pci_read(at, PCI_BAR0 + bar * 4, 4);
    if (low & PCI_BAR_IO)
        return 0;
    paddr_t base = low & ~15u;
    if ((low & 6) == PCI_BAR_TYPE_64 && bar < last)
        base |= (paddr_t)pci_read(at, PCI_BAR0 + bar * 4 + 4, 4) << 32;
    return base;
}

static int setup_msix(struct msi *m, const struct msi_request *req)
{
    uint32_t control = pci_read(req->at, m->cap + MSIX_CONTROL, 2);
    uint32_t table = pci_read(req->at, m->cap + MSIX_TABLE, 4);
    paddr_t base = m->dev->virtual_function ? req->table_bar : read_bar(req->at, table & 7);

    if (req->entry > (control & MSIX_CONTROL_SIZE))
        return -EINVAL;
    if (!base)
        return -ENXIO;
    base += (table & ~7u) + (paddr_t)req->entry * MSIX_ENTRY_SIZE;
    if (mfn_valid(mfn_make(base >> PAGE_SHIFT)) &&
        mfn_to_frame(mfn_make(base >> PAGE_SHIFT))->info & FI_REF_MASK)
        return -EINVAL; /* RAM in use: the BAR lies */
    m->table_entry = map_table_entry(base);
    if (!m->table_entry)
        return -ENOMEM;
    m->maskable = true;
    return 0;
}

static int setup_msi(struct msi *m, const struct msi_request *req)
{
    uint32_t control = pci_read(req->at, m->cap + MSI_CONTROL, 2);

    if (req->vectors > 1u << MSI_CONTROL_MMC(control) || req->vectors > 32)
        return -EINVAL;
    m->wide = control & MSI_CONTROL_64BIT;
    m->maskable = control & MSI_CONTROL_MASKBITS;
    unsigned int log2 = (unsigned int)__builtin_ctz(req->vectors);
    pci_write(req->at, m->cap + MSI_CONTROL, 2,
              (control & ~MSI_CONTROL_MME_MASK) | MSI_CONTROL_MME(log2));
    m->mask = req->vectors == 32 ? ~0u : (1u << req->vectors) - 1;
    return 0;
}

static bool in_use(const struct pci_dev *dev, const struct msi_request *req)
{
    struct list *l;

    LIST_FOR_EACH(l, &dev->msis)
    {
        const struct msi *m = list_entry(l, struct msi, link);
        if (m->msix != req->msix || !m->msix || m->entry == req->entry)
            return true;
    }
    return false;
}

struct msi *msi_create(const struct msi_request *req, int *rc)
{
    struct msi *m = hv_zalloc(sizeof(*m));

    *rc = -ENOMEM;
    if (!m)
        return NULL;
    spin_lock(&pci_lock);
    struct pci_dev *dev = pci_device_find(req->at);
    *rc = -ENODEV;
    if (!dev)
        goto fail;
    *rc = -EEXIST;
    if (in_use(dev, req))
        goto fail;
    m->dev = dev;
    m->msix = req->msix;
    m->entry = req->entry;
    m->vectors = req->vectors;
    m->cap = pci_find_capability(req->at, req->msix ? PCI_CAP_MSIX : PCI_CAP_MSI);
    *rc = -ENODEV;
    if (!m->cap)
        goto fail;
    *rc = req->msix ? setup_msix(m, req) : setup_msi(m, req);
    if (*rc)
        goto fail;
    list_add_tail(&m->link, &dev->msis);
    spin_unlock(&pci_lock);
    for (unsigned int i = 0; i < m->vectors; i++)
        msi_set_mask(m, i, true);
    return m;

fail:
    spin_unlock(&pci_lock);
    hv_free(m);
    return NULL;
}

void msi_free(struct msi *m)
{
    spin_lock(&pci_lock);
    list_del(&m->link);
    spin_unlock(&pci_lock);
    hv_free(m);
}

void msi_program(struct msi *m, unsigned int cpu, uint8_t first_vector)
{
    uint32_t address = MSI_ADDRESS_BASE | (cpu_apic_id[cpu] & 0xff) << 12;

    if (m->msix) {
        WRITE_ONCE(*(uint32_t *)(m->table_entry + MSIX_ENTRY_ADDRESS), address);
        WRITE_ONCE(*(uint32_t *)(m->table_entry + MSIX_ENTRY_UPPER), 0);
        WRITE_ONCE(*(uint32_t *)(m->table_entry + MSIX_ENTRY_DATA), first_vector);
        return;
    }
    pci_write(m->dev->at, m->cap + 4, 4, address);
    if (m->wide)
        pci_write(m->dev->at, m->cap + 8, 4, 0);
    pci_write(m->dev->at, m->cap + (m->wide ? 12 : 8), 2, first_vector);
}

void msi_set_mask(struct msi *m, unsigned int index, bool masked)
{
    if (!m->maskable)
        return;
    if (m->msix) {
        uint32_t *control = (uint32_t *)(m->table_entry + MSIX_ENTRY_CONTROL);
        WRITE_ONCE(*control, (READ_ONCE(*control) & ~1u) | masked);
        return;
    }
    /* Vectors of one device share the register: the bits are changed atomically, then written. */
    uint32_t now_masked;
    if (masked)
        now_masked = atomic_fetch_or(&m->mask, 1u << index) | 1u << index;
    else
        now_masked = atomic_fetch_and(&m->mask, ~(1u << index)) & ~(1u << index);
    pci_write(m->dev->at, m->cap + (m->wide ? 16 : 12), 4, now_masked);
}

static void restore_one(struct msi *m)
{
    for (unsigned int i = 0; i < m->vectors; i++) {
        struct irq_desc *desc = irq_desc(m->first_irq + i);
        unsigned long flags = spin_lock_irqsave(&desc->lock);
        if (desc->msi == m) {
            if (i == 0 && desc->vector)
                msi_program(m, desc->cpu, desc->vector);
            msi_set_mask(m, i, desc->masked);
        }
        spin_unlock_irqrestore(&desc->lock, flags);
    }
}

int msi_restore(struct pci_address at)
{
    struct list *l;

    spin_lock(&pci_lock);
    struct pci_dev *dev = pci_device_find(at);
    if (dev)
        LIST_FOR_EACH(l, &dev->msis)
    restore_one(list_entry(l, struct msi, link));
    spin_unlock(&pci_lock);
    return dev ? 0 : -ENODEV;
}

int msix_prepare(struct pci_address at, bool prepare)
{
    int rc = -ENODEV;

    spin_lock(&pci_lock);
    struct pci_dev *dev = pci_device_find(at);
    if (dev) {
        rc = prepare && dev->msix_prepared ? -EBUSY : 0;
        if (!rc)
            dev->msix_prepared = prepare;
    }
    spin_unlock(&pci_lock);
    return rc;
}
