/* SPDX-License-Identifier: MIT */
/*
 * First instruction and ELF notes of a PV guest. The hypervisor (or a domain builder) enters _start
 * in ring 3, 64-bit, events masked, rsi = start_info, on a page of stack behind the page tables.
 */
#include "kit/asm.h"

        .text
        .globl  _start
_start:
        cld
        rdtsc                           /* nothing may run before: `boot_to_guest` is read here */
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, kit_first_tsc(%rip)
        lea     kit_stacks + STACK_SIZE(%rip), %rsp
        mov     %rsi, %rdi
        xor     %ebp, %ebp
        call    kit_start
        ud2

/* Filled by the builder with 32-byte stubs, one per hypercall number. */
        .balign 4096
        .globl  kit_hypercall_page
kit_hypercall_page:
        .skip   4096, 0xcc

        .macro  NOTE_TEXT type, text
        .balign 4
        .long   4, 2f - 1f, \type
        .asciz  "Xen"
1:      .asciz  "\text"
2:      .balign 4
        .endm
        .macro  NOTE_QUAD type, value
        .balign 4
        .long   4, 8, \type
        .asciz  "Xen"
        .quad   \value
        .endm
        .macro  NOTE_LONG type, value
        .balign 4
        .long   4, 4, \type
        .asciz  "Xen"
        .long   \value
        .endm

        .section .note.Xen, "a", @note
        NOTE_TEXT 6, "hospes-kit"               /* GUEST_OS */
        NOTE_TEXT 7, "1"                        /* GUEST_VERSION */
        NOTE_TEXT 5, "xen-3.0"                  /* XEN_VERSION */
        NOTE_QUAD 3, 0xffffffff80000000         /* VIRT_BASE */
        NOTE_QUAD 4, 0                          /* PADDR_OFFSET */
        NOTE_QUAD 1, _start                     /* ENTRY */
        NOTE_QUAD 2, kit_hypercall_page         /* HYPERCALL_PAGE */
        NOTE_TEXT 10, "!writable_page_tables|pae_pgdir_above_4gb" /* FEATURES */
        NOTE_LONG 17, 0x801                     /* SUPPORTED_FEATURES: dom0, writable tables */
        NOTE_TEXT 9, "yes"                      /* PAE_MODE */
        NOTE_TEXT 8, "generic"                  /* LOADER */

        .section .note.GNU-stack, "", @progbits
