/* SPDX-License-Identifier: MIT */
/* The pages over which the hypervisor hands a guest's I/O to a device model. */
#ifndef HOSPES_ABI_IOREQ_H
#define HOSPES_ABI_IOREQ_H

#include "xen.h"

#define IOREQ_READ            1 /* dir */
#define IOREQ_WRITE           0

#define STATE_IOREQ_NONE      0 /* the hypervisor's turn */
#define STATE_IOREQ_READY     1 /* the device model's turn */
#define STATE_IOREQ_INPROCESS 2
#define STATE_IORESP_READY    3 /* answered */

#define IOREQ_TYPE_PIO        0
#define IOREQ_TYPE_COPY       1 /* memory-mapped */
#define IOREQ_TYPE_PCI_CONFIG 2 /* addr: sbdf << 32 | register */
#define IOREQ_TYPE_TIMEOFFSET 7
#define IOREQ_TYPE_INVALIDATE 8 /* drop cached mappings of the guest */

struct ioreq {
    uint64_t addr;
    uint64_t data; /* the value, or the guest-physical address of <count> values */
    uint32_t count;
    uint32_t size;
    uint32_t vp_eport; /* the device model's port for this vCPU */
    uint16_t _pad0;
    uint8_t state : 4;
    uint8_t data_is_ptr : 1;
    uint8_t dir : 1;
    uint8_t df : 1; /* go downwards */
    uint8_t _pad1 : 1;
    uint8_t type;
};
typedef struct ioreq ioreq_t;
XEN_ABI_SIZE(struct ioreq, 32);

struct shared_iopage { /* one slot per vCPU */
    struct ioreq vcpu_ioreq[1];
};
typedef struct shared_iopage shared_iopage_t;

struct buf_ioreq {
    uint8_t type;
    uint8_t pad : 1;
    uint8_t dir : 1;
    uint8_t size : 2; /* log2; 8 bytes take two slots */
    uint32_t addr : 20;
    uint32_t data;
};
typedef struct buf_ioreq buf_ioreq_t;
XEN_ABI_SIZE(struct buf_ioreq, 8);

#define IOREQ_BUFFER_SLOT_NUM 511
struct buffered_iopage { /* writes that nobody waits for */
    uint32_t read_pointer;
    uint32_t write_pointer;
    buf_ioreq_t buf_ioreq[IOREQ_BUFFER_SLOT_NUM];
};
typedef struct buffered_iopage buffered_iopage_t;
XEN_ABI_SIZE(struct buffered_iopage, 4096);

/* ACPI registers of a hardware guest, by HVM_PARAM_ACPI_IOPORTS_LOCATION */
#define ACPI_PM1A_EVT_BLK_ADDRESS_V0 0x1f40
#define ACPI_PM1A_CNT_BLK_ADDRESS_V0 0x1f44
#define ACPI_PM_TMR_BLK_ADDRESS_V0   0x1f48
#define ACPI_GPE0_BLK_ADDRESS_V0     0x1f68
#define ACPI_GPE0_BLK_LEN_V0         0x08
#define ACPI_PM1A_EVT_BLK_ADDRESS_V1 0xb000
#define ACPI_PM1A_CNT_BLK_ADDRESS_V1 0xb004
#define ACPI_PM_TMR_BLK_ADDRESS_V1   0xb008
#define ACPI_GPE0_BLK_ADDRESS_V1     0xafe0
#define ACPI_GPE0_BLK_LEN_V1         0x04

#define ACPI_PM1A_EVT_BLK_ADDRESS    ACPI_PM1A_EVT_BLK_ADDRESS_V0
#define ACPI_PM1A_CNT_BLK_ADDRESS    ACPI_PM1A_CNT_BLK_ADDRESS_V0
#define ACPI_PM_TMR_BLK_ADDRESS      ACPI_PM_TMR_BLK_ADDRESS_V0
#define ACPI_GPE0_BLK_ADDRESS        ACPI_GPE0_BLK_ADDRESS_V0
#define ACPI_GPE0_BLK_LEN            ACPI_GPE0_BLK_LEN_V0

#endif
