/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Message-signalled interrupts: MSI and MSI-X of a device, programmed by the hypervisor. */
#ifndef XEN_X86_MSI_H
#define XEN_X86_MSI_H
#include "lib/list.h"
#include "x86/pci.h"

struct msi_request {
    struct pci_address at;
    bool msix;
    unsigned int entry;   /* MSI-X: index into the table */
    unsigned int vectors; /* MSI: 1, 2, 4 ... 32 */
    paddr_t table_bar;    /* MSI-X of a virtual function: the BAR with the table */
};

struct msi {
    struct list link; /* of the device: pci_lock */
    struct pci_dev *dev;
    bool msix, wide /* 64-bit address */, maskable;
    unsigned int entry, vectors, cap;
    char *table_entry;      /* MSI-X: mapped */
    unsigned int first_irq; /* of `vectors` in a row */
    uint32_t mask;          /* MSI: bits written to the mask register; irq_desc.lock of first_irq */
    uint32_t mapped;        /* pirqs still mapped (pci_lock) */
};

/*
 * Find the capability, check that the entry exists and is free, link it to its device; masked.
 * Nothing is written to the address and data registers yet. NULL: *rc says why. Undone by msi_free.
 */
struct msi *msi_create(const struct msi_request *req, int *rc);
void msi_free(struct msi *m);
/* Address and data for a vector on a CPU. Descriptor locked. */
void msi_program(struct msi *m, unsigned int cpu, uint8_t first_vector);
void msi_set_mask(struct msi *m, unsigned int index, bool masked);
/* The device lost its registers (reset, sleep): write all again. */
int msi_restore(struct pci_address at);
/* Domain 0 promises that the device's BARs stay (prepare), or may move again. */
int msix_prepare(struct pci_address at, bool prepare);

#endif
