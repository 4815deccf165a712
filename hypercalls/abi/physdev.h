/* SPDX-License-Identifier: MIT */
/* physdev_op(cmd, arg): physical interrupts, ports and PCI devices; mostly Domain 0's. */
#ifndef HOSPES_ABI_PHYSDEV_H
#define HOSPES_ABI_PHYSDEV_H

#include "xen.h"

#define PHYSDEVOP_IRQ_UNMASK_NOTIFY  4
#define PHYSDEVOP_irq_status_query   5
#define PHYSDEVOP_set_iopl           6
#define PHYSDEVOP_set_iobitmap       7
#define PHYSDEVOP_apic_read          8
#define PHYSDEVOP_apic_write         9
#define PHYSDEVOP_alloc_irq_vector   10
#define PHYSDEVOP_free_irq_vector    11
#define PHYSDEVOP_eoi                12
#define PHYSDEVOP_map_pirq           13
#define PHYSDEVOP_unmap_pirq         14
#define PHYSDEVOP_manage_pci_add     15
#define PHYSDEVOP_manage_pci_remove  16
#define PHYSDEVOP_pirq_eoi_gmfn_v1   17
#define PHYSDEVOP_restore_msi        19
#define PHYSDEVOP_manage_pci_add_ext 20
#define PHYSDEVOP_setup_gsi          21
#define PHYSDEVOP_get_free_pirq      23
#define PHYSDEVOP_pci_mmcfg_reserved 24
#define PHYSDEVOP_pci_device_add     25
#define PHYSDEVOP_pci_device_remove  26
#define PHYSDEVOP_restore_msi_ext    27
#define PHYSDEVOP_pirq_eoi_gmfn_v2   28
#define PHYSDEVOP_dbgp_op            29
#define PHYSDEVOP_prepare_msix       30
#define PHYSDEVOP_release_msix       31
#define PHYSDEVOP_pirq_eoi_gmfn      PHYSDEVOP_pirq_eoi_gmfn_v2

/* --- Interrupts --- */

struct physdev_eoi {
    uint32_t irq; /* IN  a pirq */
};
XEN_ABI_STRUCT(physdev_eoi);

/*
 * Registers a page with a bit per pirq that needs an EOI. v1 also turns unmask into EOI; v2 does
 * not.
 */
struct physdev_pirq_eoi_gmfn {
    xen_pfn_t gmfn; /* IN */
};
XEN_ABI_STRUCT(physdev_pirq_eoi_gmfn);

#define _XENIRQSTAT_needs_eoi (0)
#define XENIRQSTAT_needs_eoi  (1U << _XENIRQSTAT_needs_eoi)
#define _XENIRQSTAT_shared    (1)
#define XENIRQSTAT_shared     (1U << _XENIRQSTAT_shared)
struct physdev_irq_status_query {
    uint32_t irq;   /* IN */
    uint32_t flags; /* OUT XENIRQSTAT_* */
};
XEN_ABI_STRUCT(physdev_irq_status_query);

/* apic_read, apic_write: registers of an I/O APIC */
struct physdev_apic {
    unsigned long apic_physbase; /* IN */
    uint32_t reg;                /* IN */
    uint32_t value;              /* IN or OUT */
};
XEN_ABI_STRUCT(physdev_apic);

/* alloc_irq_vector, free_irq_vector */
struct physdev_irq {
    uint32_t irq;    /* IN */
    uint32_t vector; /* IN or OUT */
};
XEN_ABI_STRUCT(physdev_irq);

#define MAP_PIRQ_TYPE_MSI       0x0
#define MAP_PIRQ_TYPE_GSI       0x1
#define MAP_PIRQ_TYPE_UNKNOWN   0x2
#define MAP_PIRQ_TYPE_MSI_SEG   0x3 /* the segment is in bits 16 and up of bus */
#define MAP_PIRQ_TYPE_MULTI_MSI 0x4 /* entry_nr vectors in a row */
struct physdev_map_pirq {
    domid_t domid;       /* IN */
    int type;            /* IN  MAP_PIRQ_TYPE_* */
    int index;           /* IN  GSI; OUT for MSI */
    int pirq;            /* IN, negative for any; OUT */
    int bus;             /* IN  MSI */
    int devfn;           /* IN  MSI */
    int entry_nr;        /* IN  MSI-X: the entry; MULTI_MSI: the count, also OUT */
    uint64_t table_base; /* IN  MSI-X: machine address of the BAR with the table, else 0 */
};
XEN_ABI_STRUCT(physdev_map_pirq);
XEN_ABI_SIZE(struct physdev_map_pirq, 40);

struct physdev_unmap_pirq {
    domid_t domid; /* IN */
    int pirq;      /* IN */
};
XEN_ABI_STRUCT(physdev_unmap_pirq);

struct physdev_setup_gsi {
    int gsi;            /* IN */
    uint8_t triggering; /* IN  0 edge, 1 level */
    uint8_t polarity;   /* IN  0 high, 1 low */
};
XEN_ABI_STRUCT(physdev_setup_gsi);

struct physdev_get_free_pirq {
    int type;      /* IN  MAP_PIRQ_TYPE_* */
    uint32_t pirq; /* OUT */
};
XEN_ABI_STRUCT(physdev_get_free_pirq);

/* --- Ports --- */

struct physdev_set_iopl {
    uint32_t iopl; /* IN  the lowest ring that may use ports */
};
XEN_ABI_STRUCT(physdev_set_iopl);

struct physdev_set_iobitmap {
    XEN_GUEST_HANDLE(uint8) bitmap; /* IN */
    uint32_t nr_ports;              /* IN */
};
XEN_ABI_STRUCT(physdev_set_iobitmap);

/* The argument of the old physdev_op_compat. */
struct physdev_op {
    uint32_t cmd;
    union {
        physdev_irq_status_query_t irq_status_query;
        physdev_set_iopl_t set_iopl;
        physdev_set_iobitmap_t set_iobitmap;
        physdev_apic_t apic_op;
        physdev_irq_t irq_op;
    } u;
};
XEN_ABI_STRUCT(physdev_op);

/* --- PCI devices --- */

/* pci_device_remove, restore_msi_ext, prepare_msix, release_msix */
struct physdev_pci_device {
    uint16_t seg; /* IN */
    uint8_t bus;  /* IN */
    uint8_t devfn;
};
XEN_ABI_STRUCT(physdev_pci_device);

#define XEN_PCI_DEV_EXTFN  0x1
#define XEN_PCI_DEV_VIRTFN 0x2 /* physfn says of which function */
#define XEN_PCI_DEV_PXM    0x4 /* optarr[0] is the ACPI proximity */
struct physdev_pci_device_add {
    uint16_t seg; /* IN */
    uint8_t bus;
    uint8_t devfn;
    uint32_t flags; /* XEN_PCI_DEV_* */
    struct {
        uint8_t bus;
        uint8_t devfn;
    } physfn;
    uint32_t optarr[XEN_FLEX_ARRAY_DIM];
};
XEN_ABI_STRUCT(physdev_pci_device_add);
XEN_ABI_SIZE(struct physdev_pci_device_add, 12);

#define XEN_PCI_MMCFG_RESERVED 0x1 /* firmware has reserved the area */
struct physdev_pci_mmcfg_reserved {
    uint64_t address; /* IN */
    uint16_t segment;
    uint8_t start_bus;
    uint8_t end_bus;
    uint32_t flags;
};
XEN_ABI_STRUCT(physdev_pci_mmcfg_reserved);

/* The older forms, segment 0 only */
struct physdev_manage_pci {
    uint8_t bus; /* IN */
    uint8_t devfn;
};
XEN_ABI_STRUCT(physdev_manage_pci);

struct physdev_restore_msi {
    uint8_t bus; /* IN */
    uint8_t devfn;
};
XEN_ABI_STRUCT(physdev_restore_msi);

struct physdev_manage_pci_ext {
    uint8_t bus; /* IN */
    uint8_t devfn;
    uint32_t is_extfn;
    uint32_t is_virtfn;
    struct {
        uint8_t bus;
        uint8_t devfn;
    } physfn;
};
XEN_ABI_STRUCT(physdev_manage_pci_ext);

/* A debug port (EHCI) that the hypervisor's console may be on is about to be, or was, reset. */
#define PHYSDEVOP_DBGP_RESET_PREPARE 1
#define PHYSDEVOP_DBGP_RESET_DONE    2
#define PHYSDEVOP_DBGP_BUS_UNKNOWN   0
#define PHYSDEVOP_DBGP_BUS_PCI       1
struct physdev_dbgp_op {
    uint8_t op; /* IN */
    uint8_t bus;
    union {
        physdev_pci_device_t pci;
    } u;
};
XEN_ABI_STRUCT(physdev_dbgp_op);

#endif
