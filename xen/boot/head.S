/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First instructions: Multiboot headers, 32-bit entry, long mode, C.
 * The image is linked at HV_IMAGE_START + physical address and loaded at HV_LOAD_ADDR, its first
 * byte being this file's first. (Multiboot 0.6.96; Multiboot2 2.0; Intel SDM vol. 3 ch. 9.8.5.)
 *
 * Entry: EAX = loader's magic, EBX = its information, protected mode, paging off.
 * Tables made here (boot_l4) map the first 4 GiB one to one, at the image's address and in the
 * map of RAM; boot/setup.c replaces them. Other CPUs pass through boot_l4 on their way up.
 */
#include "x86/page.h"

#define PHYS(sym) ((sym) - HV_IMAGE_START)
#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00000003 /* page-aligned modules, memory map */
#define MB2_MAGIC 0xe85250d6

        .section .head.text, "ax", @progbits
        .code32
        .globl _start
_start:
        jmp start32

        .align 4
        .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

        .align 8
mb2_header:
        .long MB2_MAGIC, 0, mb2_end - mb2_header
        .long -(MB2_MAGIC + (mb2_end - mb2_header))
        /* information request: memory map, modules, command line, loader, ACPI, EFI, framebuffer */
        .align 8
        .short 1, 1
        .long 40
        .long 1, 2, 3, 6, 14, 15, 12, 8
        .align 8
        .short 6, 1 /* modules page-aligned */
        .long 8
        .align 8
        .short 5, 1 /* framebuffer: text if there is one, else what the firmware has */
        .long 20
        .long 0, 0, 0
        .align 8
        .short 0, 0
        .long 8
mb2_end:

start32:
        cli
        cld
        mov %eax, PHYS(boot_magic)
        mov %ebx, PHYS(boot_mbi)
        mov $PHYS(boot_stack_top), %esp

        /* Long mode? */
        mov $0x80000000, %eax
        cpuid
        cmp $0x80000001, %eax
        jb no_long_mode
        mov $0x80000001, %eax
        cpuid
        bt $29, %edx
        jnc no_long_mode

        /* Four L2 tables of 2 MiB pages: 0-4 GiB. */
        mov $PHYS(boot_l2), %edi
        xor %ecx, %ecx
1:      mov %ecx, %eax
        shl $21, %eax
        or $(PTE_PRESENT | PTE_RW | PTE_PSE | PTE_ACCESSED | PTE_DIRTY), %eax
        mov %eax, (%edi, %ecx, 8)
        movl $0, 4(%edi, %ecx, 8)
        inc %ecx
        cmp $2048, %ecx
        jne 1b
        /* L3 with four entries, shared by the three uses. */
        mov $PHYS(boot_l3), %edi
        mov $PHYS(boot_l2) + 3, %eax
        xor %ecx, %ecx
2:      mov %eax, (%edi, %ecx, 8)
        movl $0, 4(%edi, %ecx, 8)
        add $4096, %eax
        inc %ecx
        cmp $4, %ecx
        jne 2b
        mov $PHYS(boot_l3) + 3, %eax
        mov %eax, PHYS(boot_l4)
        mov %eax, PHYS(boot_l4) + 8 * 257
        mov %eax, PHYS(boot_l4) + 8 * 262

        mov %cr4, %eax
        or $0x6a0, %eax /* PAE, PGE, OSFXSR, OSXMMEXCPT */
        mov %eax, %cr4
        mov $PHYS(boot_l4), %eax
        mov %eax, %cr3
        mov $0xc0000080, %ecx /* EFER: LME, SCE, NXE if the CPU has it */
        rdmsr
        or $0x101, %eax
        bt $20, %edx
        mov %eax, %esi
        mov $0x80000001, %eax
        cpuid
        mov %esi, %eax
        bt $20, %edx
        jnc 3f
        or $0x800, %eax
3:      mov $0xc0000080, %ecx
        xor %edx, %edx
        wrmsr
        mov $0x80010033, %eax /* PG WP NE ET MP PE */
        mov %eax, %cr0
        lgdt PHYS(boot_gdt_desc)
        ljmp $8, $PHYS(start64)

no_long_mode:
        mov $PHYS(msg_no_lm), %esi
        mov $0xb8000, %edi
4:      lodsb
        test %al, %al
        jz 6f
        movb %al, (%edi)
        movb $0x4f, 1(%edi)
        add $2, %edi
        mov %al, %bl
        mov $0x3fd, %dx
5:      in %dx, %al
        test $0x20, %al
        jz 5b
        mov %bl, %al
        mov $0x3f8, %dx
        out %al, %dx
        jmp 4b
6:      hlt
        jmp 6b

        .code64
start64:
        movabs $1f, %rax
        jmp *%rax
1:      movabs $boot_stack_top, %rsp
        mov $16, %eax
        mov %eax, %ss
        xor %eax, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %fs
        mov %eax, %gs
        xor %ebp, %ebp
        mov boot_magic(%rip), %edi
        mov boot_mbi(%rip), %esi
        call boot_main
7:      hlt
        jmp 7b

        .section .rodata, "a", @progbits
msg_no_lm:
        .asciz "Hospes: this CPU has no 64-bit mode; a 64-bit x86 machine is needed."
        .align 8
boot_gdt:
        .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
boot_gdt_desc:
        .short 23
        .long PHYS(boot_gdt)

        .section .data, "aw", @progbits
        .align 4
boot_magic:
        .long 0
boot_mbi:
        .long 0

        .section .bss.page, "aw", @nobits
        .align 4096
        .globl boot_l4, boot_stack, boot_stack_top
boot_l4: .skip 4096
boot_l3: .skip 4096
boot_l2: .skip 4 * 4096
        .section .bss.stack, "aw", @nobits
        .align 65536
boot_stack: .skip 65536 - 4096
boot_stack_top: .skip 4096 /* cpu_info and TSS: x86/cpu.h */
