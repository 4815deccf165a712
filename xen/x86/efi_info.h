/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be told of UEFI from its system table alone, without calling it. */
#ifndef XEN_X86_EFI_INFO_H
#define XEN_X86_EFI_INFO_H
#include "lib/types.h"

struct efi_info {
    uint32_t version; /* of the specification: major << 16 | minor * 10 */
    uint64_t config_table;
    uint32_t nr_config;
    uint32_t vendor_revision;
    uint16_t vendor[64]; /* UCS-2, terminated */
};
/* False: not booted by UEFI, or its table is not where the loader said. */
bool efi_info_get(struct efi_info *info);
/* Keyboard shift flags that a BIOS left (BIOS data area 0x417). */
uint8_t bios_shift_flags(void);

#endif
