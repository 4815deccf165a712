/* SPDX-License-Identifier: MIT */
/*
 * What the builder of an HVM guest leaves in low memory for the loader: a table, and the E820 map's
 * place.
 */
#ifndef HOSPES_ABI_HVM_INFO_TABLE_H
#define HOSPES_ABI_HVM_INFO_TABLE_H

#include "xen.h"

#define HVM_INFO_PFN    0x09F
#define HVM_INFO_OFFSET 0x800
#define HVM_INFO_PADDR  ((HVM_INFO_PFN << 12) + HVM_INFO_OFFSET)
#define HVM_MAX_VCPUS   128

struct hvm_info_table {
    char signature[8]; /* "HVM INFO" */
    uint32_t length;
    uint8_t checksum; /* all bytes add up to zero */
    uint8_t apic_mode;
    uint32_t nr_vcpus;
    uint32_t low_mem_pgend;        /* first frame past the RAM below 4 GiB */
    uint32_t reserved_mem_pgstart; /* first frame of the hypervisor's special pages */
    uint32_t high_mem_pgend;       /* first frame past the RAM above 4 GiB, or 0 */
    uint8_t vcpu_online[(HVM_MAX_VCPUS + 7) / 8];
};
XEN_ABI_SIZE(struct hvm_info_table, 48);

#define HVM_E820_PAGE            0x00090000
#define HVM_E820_NR_OFFSET       0x000001E8
#define HVM_E820_OFFSET          0x000002D0
#define HVM_BELOW_4G_RAM_END     0xF0000000
#define HVM_BELOW_4G_MMIO_START  HVM_BELOW_4G_RAM_END
#define HVM_BELOW_4G_MMIO_LENGTH ((xen_mk_ullong(1) << 32) - HVM_BELOW_4G_MMIO_START)

#endif
