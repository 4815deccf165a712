/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading what a Multiboot 1 or 2 loader left. (boot/multiboot.c) */
#ifndef XEN_BOOT_MULTIBOOT_H
#define XEN_BOOT_MULTIBOOT_H
#include "lib/types.h"

/* Fill boot_info from the loader's registers; our command line goes to cmdline. */
void multiboot_parse(uint32_t magic, uint32_t mbi, char *cmdline, size_t size);

#endif
