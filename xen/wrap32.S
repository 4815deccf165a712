/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flat 64-bit image inside an ELF32; its memory size includes the image's BSS. */
#include "x86/page.h"
        .text
        .globl _start
_start:
        .incbin BIN
        .section .bss, "aw", @nobits
        .skip IMAGE_END - HV_LOAD_ADDR - BIN_SIZE
