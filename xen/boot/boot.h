/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the boot loader told us, in one form for Multiboot 1 and 2. */
#ifndef XEN_BOOT_BOOT_H
#define XEN_BOOT_BOOT_H
#include "lib/types.h"

#define BOOT_MAX_MODULES 8
#define BOOT_MAX_E820    128
#define BOOT_MAX_RAM     GB(1024) /* RAM from here on is left alone: tables are made for less */

#define E820_RAM         1
#define E820_RESERVED    2
#define E820_ACPI        3
#define E820_NVS         4
#define E820_UNUSABLE    5

struct boot_module {
    paddr_t start;
    uint64_t size;
    char cmdline[1024];
};
struct boot_e820 {
    uint64_t addr, size;
    uint32_t type;
};
struct boot_info {
    char loader[64];
    unsigned int nr_modules;
    struct boot_module module[BOOT_MAX_MODULES];
    unsigned int nr_e820;
    struct boot_e820 e820[BOOT_MAX_E820]; /* sorted, not overlapping */
    paddr_t acpi_rsdp;                    /* 0: search low memory */
    uint8_t rsdp_copy[36];
    bool efi;
    uint64_t efi_systab;
    /* Framebuffer or text mode */
    struct {
        paddr_t addr;
        uint32_t pitch, width, height;
        uint8_t bpp, type; /* type 1: direct colour, 2: EGA text */
        uint8_t red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
    } fb;
};
extern struct boot_info boot_info;

#endif
