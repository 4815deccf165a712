/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI configuration space, and the devices that Domain 0 has announced. */
#ifndef XEN_X86_PCI_H
#define XEN_X86_PCI_H
#include "lib/list.h"
#include "lib/spinlock.h"

#define PCI_COMMAND         0x04
#define PCI_STATUS          0x06
#define PCI_STATUS_CAP_LIST 0x10
#define PCI_HEADER_TYPE     0x0e
#define PCI_BAR0            0x10
#define PCI_CAP_POINTER     0x34
#define PCI_CAP_MSI         0x05
#define PCI_CAP_MSIX        0x11

struct pci_address {
    uint16_t segment;
    uint8_t bus, devfn;
};
struct domain;
struct pci_dev {
    struct list link; /* pci_devices */
    struct pci_address at;
    bool virtual_function;
    struct pci_address physical; /* of a virtual function */
    struct list msis;            /* struct msi: pci_lock */
    bool msix_prepared;
};
#define PCI_FMT     "%04x:%02x:%02x.%u"
#define PCI_ARGS(a) (a).segment, (a).bus, (a).devfn >> 3, (a).devfn & 7u

/* LOCK_PCI: the list of devices and each device's MSIs. */
extern struct spinlock pci_lock;

/*
 * 1, 2 or 4 bytes, aligned. Segment 0 below offset 256 goes through the ports, the rest through
 * the memory window if there is one; reads of what cannot be reached give all ones. Any context.
 */
uint32_t pci_read(struct pci_address a, unsigned int reg, unsigned int bytes);
void pci_write(struct pci_address a, unsigned int reg, unsigned int bytes, uint32_t v);
/* Offset of a capability; 0 if the device has none. */
unsigned int pci_find_capability(struct pci_address a, uint8_t id);

/* Devices. 0, -ENOMEM; -ENODEV. Adding twice is harmless. No locks held. */
int pci_device_add(struct pci_address a, const struct pci_address *physical);
int pci_device_remove(struct pci_address a);
/* Lock held. */
struct pci_dev *pci_device_find(struct pci_address a);
/* Firmware says where a configuration window is. */
int pci_mmcfg_add(paddr_t base, uint16_t segment, uint8_t first_bus, uint8_t last_bus);

/*
 * A guest's access to ports 0xcf8 and 0xcfc-0xcff: false if it is not one (wrong size). The
 * address register is the domain's own; only Domain 0 reaches devices, others find none.
 */
bool pci_cfg_port_access(struct domain *d, uint16_t port, unsigned int bytes, bool write,
                         uint32_t *val);

#endif
