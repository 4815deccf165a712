/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Macros for the few assembly files: register frames, exception table, SMAP switches. */
#ifndef XEN_X86_ASM_H
#define XEN_X86_ASM_H

#define FLAT_KERNEL_CS_HV 0xe008
/* entry_vector of a frame that SYSCALL made, or that SYSRET may leave by: its rip is canonical unless SYSCALL
 * stored it, its rcx and r11 do not matter. (One push of -1 writes it.) */
#define TRAP_SYSCALL 0xffffffff

/* What a patch site is for (struct patch_site, x86/cpu_setup.c). */
#define PATCH_CLAC      0
#define PATCH_STAC      1
#define PATCH_CLAC_CALL 2
#define PATCH_CALL      3
#define PATCH_JMP       4

/* clang-format off */
#ifdef __ASSEMBLY__
#include "hv/offsets.h" /* generated: xen/offsets.c */

        .macro ENTRY name
        .globl \name
        .type \name, @function
        .balign 16
\name:
        .endm

/* A fault at \at continues at \to (x86/extable.c). */
        .macro EXTABLE at, to
        .pushsection .extable, "a"
        .balign 8
        .quad \at, \to
        .popsection
        .endm

        .macro PATCH_SITE at, kind, target=0
        .pushsection .patch_sites, "a"
        .balign 8
        .quad \at, \kind, \target
        .popsection
        .endm

/* Three-byte no-ops that become STAC and CLAC on CPUs with SMAP (x86/cpu_setup.c). */
        .macro SMAP_STAC
661:    .byte 0x0f, 0x1f, 0x00
        PATCH_SITE 661b, PATCH_STAC
        .endm
        .macro SMAP_CLAC
662:    .byte 0x0f, 0x1f, 0x00
        PATCH_SITE 662b, PATCH_CLAC
        .endm
/* A no-op; with SMAP a CLAC, with XPTI a call. On entry from a guest, the registers saved and %rsp
 * at cpu_info.regs; clobbers %rax, %rcx and flags only if \target does. */
        .macro SMAP_CLAC_XPTI target
663:    .byte 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0
        PATCH_SITE 663b, PATCH_CLAC_CALL, \target
        .endm
/* A no-op; with XPTI a call. */
        .macro XPTI_CALL target
664:    .byte 0x0f, 0x1f, 0x44, 0, 0
        PATCH_SITE 664b, PATCH_CALL, \target
        .endm
/* With XPTI the next instruction, of five bytes or more, becomes a jump to \target. */
        .macro XPTI_JMP target
665:
        PATCH_SITE 665b, PATCH_JMP, \target
        .endm

/* Push the general registers below what the CPU pushed, then clear them all: what a guest had
 * in them cannot steer speculation in the hypervisor. */
        .macro SAVE_ALL
        push %rdi
        push %rsi
        push %rdx
        push %rcx
        push %rax
        push %r8
        push %r9
        push %r10
        push %r11
        push %rbx
        push %rbp
        push %r12
        push %r13
        push %r14
        push %r15
        .endm
        .macro CLEAR_ALL
        xor %edi, %edi
        xor %ebx, %ebx
        CLEAR_MOST
        .endm
/* The same on entry from a guest to a C function, with its argument, the frame, in %rdi, and what
 * exit_to_guest wants, current, in %rbx. (The function returns with that vCPU or not at all.) */
        .macro CLEAR_ALL_GUEST
        mov %rsp, %rdi
        mov CPUINFO_current(%rsp), %rbx
        CLEAR_MOST
        .endm
        .macro CLEAR_MOST
        xor %esi, %esi
        xor %edx, %edx
        xor %ecx, %ecx
        xor %eax, %eax
        xor %r8d, %r8d
        xor %r9d, %r9d
        xor %r10d, %r10d
        xor %r11d, %r11d
        xor %ebp, %ebp
        xor %r12d, %r12d
        xor %r13d, %r13d
        xor %r14d, %r14d
        xor %r15d, %r15d
        .endm
        .macro RESTORE_ALL
        pop %r15
        pop %r14
        pop %r13
        pop %r12
        pop %rbp
        pop %rbx
        pop %r11
        pop %r10
        pop %r9
        pop %r8
        pop %rax
        pop %rcx
        pop %rdx
        pop %rsi
        pop %rdi
        .endm
#endif
#endif
