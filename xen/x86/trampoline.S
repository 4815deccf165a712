/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First instructions of every CPU but the boot one (Intel SDM vol. 3 ch. 9.4, 9.8.5).
 *
 * smp.c copies [trampoline_start, trampoline_end) to a page below 1 MiB; a STARTUP interrupt makes
 * the CPU begin there in real mode with CS = page << 8, IP = 0. On the way up it uses boot_l4, which
 * maps the first 4 GiB one to one and the image at its address; then it goes to its own stack
 * (trampoline_stack) and the hypervisor's tables (trampoline_cr3).
 *
 *   real mode -> protected mode, paging off -> long mode at the low address -> the image's address
 */
#include "x86/page.h"
#define LOW(sym) ((sym) - trampoline_start)
#define PHYS(sym) ((sym) - HV_IMAGE_START)
#define MSR_EFER 0xc0000080

        .section .rodata, "a", @progbits
        .globl trampoline_start, trampoline_end, trampoline_fixup
        .hidden trampoline_start, trampoline_end, trampoline_fixup
        .align 16
        .code16
trampoline_start:
        cli
        cld
        mov %cs, %ax
        mov %ax, %ds
        movzwl %ax, %ebx
        shl $4, %ebx            /* ebx: linear address of this page */
        lgdtl LOW(t_gdt_desc)
        mov %cr0, %eax
        or $1, %eax
        mov %eax, %cr0
        ljmpl *LOW(t_jump32)

        .code32
t_start32:
        mov $24, %eax
        mov %eax, %ds
        mov %eax, %ss
        mov $0x6a0, %eax        /* CR4: PAE, PGE, OSFXSR, OSXMMEXCPT */
        mov %eax, %cr4
        mov LOW(t_boot_cr3)(%ebx), %eax
        mov %eax, %cr3
        mov LOW(t_efer)(%ebx), %eax
        xor %edx, %edx
        mov $MSR_EFER, %ecx
        wrmsr
        mov $0x80010033, %eax   /* CR0: PG WP NE ET MP PE */
        mov %eax, %cr0
        ljmpl *LOW(t_jump64)(%ebx)

        .code64
t_start64:
        mov LOW(t_entry)(%rbx), %rax
        jmp *%rax

        .align 8
t_gdt:
        .quad 0
        .quad 0x00af9a000000ffff /* 8: 64-bit code */
        .quad 0x00cf9a000000ffff /* 16: 32-bit code */
        .quad 0x00cf92000000ffff /* 24: data */
t_gdt_desc:
        .short 31
/* Values that smp.c writes into the copy, in this order (struct trampoline_fixup). */
trampoline_fixup:
        .long 0                 /* linear address of t_gdt */
t_jump32:
        .long 0                 /* linear address of t_start32 */
        .short 16
t_jump64:
        .long 0                 /* linear address of t_start64 */
        .short 8
t_boot_cr3:
        .long 0
t_efer:
        .long 0
t_entry:
        .quad 0                 /* secondary_start */
        .long LOW(t_gdt)        /* where the above are, for smp.c */
        .long LOW(t_start32)
        .long LOW(t_start64)
trampoline_end:

/* At the image's address, long mode, interrupts off. */
        .section .text, "ax", @progbits
        .globl secondary_start
        .hidden secondary_start
secondary_start:
        mov trampoline_cr3(%rip), %rax
        mov %rax, %cr3
        mov trampoline_stack(%rip), %rsp
        xor %eax, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %fs
        mov %eax, %gs
        mov %eax, %ss
        xor %ebp, %ebp
        push $2
        popfq
        call smp_secondary_entry
        ud2
        .section .note.GNU-stack, "", @progbits
