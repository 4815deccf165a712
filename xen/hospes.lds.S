/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image: read-only text, read-only data, data; the part used only at boot comes last. */
#include "x86/page.h"
OUTPUT_FORMAT("elf64-x86-64")
ENTRY(_start)
SECTIONS
{
    . = HV_IMAGE_START + HV_LOAD_ADDR;
    __image_start = .;
    .text : AT(ADDR(.text) - HV_IMAGE_START) {
        *(.head.text)
        . = ALIGN(4096);
        __entry_text_start = .; /* mapped while guests run (x86/xpti.c) */
        *(.text.entry)
        . = ALIGN(4096);
        __entry_text_end = .;
        *(.text .text.*)
        . = ALIGN(4096);
        __stubs_start = .;
        . += 4096; /* per-CPU SYSCALL stubs: MAX_CPUS * 64 bytes */
        __stubs_end = .;
    }
    . = ALIGN(4096);
    __init_text_start = .;
    .init.text : AT(ADDR(.init.text) - HV_IMAGE_START) { *(.init.text .init.text.*) }
    . = ALIGN(4096);
    __init_text_end = .;
    __text_end = .;
    .rodata : AT(ADDR(.rodata) - HV_IMAGE_START) {
        *(.rodata .rodata.*)
        . = ALIGN(8);
        __boot_opts_start = .;
        KEEP(*(.boot_opts))
        __boot_opts_end = .;
        . = ALIGN(8);
        __extable_start = .;
        KEEP(*(.extable))
        __extable_end = .;
        . = ALIGN(8);
        __patch_sites_start = .;
        KEEP(*(.patch_sites))
        __patch_sites_end = .;
        *(.data.rel.ro .data.rel.ro.*)
        *(.got .got.*)
        . = ALIGN(8);
        __symtab_start = .;
        KEEP(*(.symtab_blob))
        __symtab_end = .;
    }
    . = ALIGN(4096);
    __rodata_end = .;
    .data : AT(ADDR(.data) - HV_IMAGE_START) {
        *(.data .data.*)
    }
    . = ALIGN(4096);
    __init_start = .;
    .init.data : AT(ADDR(.init.data) - HV_IMAGE_START) { *(.init.data .init.data.*) *(.init.rodata) }
    . = ALIGN(4096);
    __init_end = .;
    __load_end = .;
    .bss : AT(ADDR(.bss) - HV_IMAGE_START) {
        __bss_start = .;
        *(.bss.stack)
        *(.bss.page)
        . = ALIGN(4096);
        __percpu_start = .;
        *(.bss.percpu)
        . = ALIGN(64);
        __percpu_end = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(4096);
    }
    __image_end = .;
    .stab.info 0 : { *(.comment) }
    /DISCARD/ : { *(.note.*) *(.eh_frame*) }
}
