/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memcpy, memmove, memset by the string instructions (Intel SDM vol. 2, MOVS and STOS): eight bytes
 * at a step and the rest by single ones. Direction flag clear, as the calling convention says.
 *
 *   rdi destination (also returned in rax)   rsi source or byte   rdx length
 */
    .text
    .globl memcpy, memmove, memset
    .hidden memcpy, memmove, memset
    .type memcpy, @function
    .type memmove, @function
    .type memset, @function

    .p2align 4
memcpy:
    mov %rdi, %rax
    mov %rdx, %rcx
    and $7, %edx
    shr $3, %rcx
    rep movsq
    mov %edx, %ecx
    rep movsb
    ret
    .size memcpy, . - memcpy

    .p2align 4
memmove:
    mov %rdi, %rcx
    sub %rsi, %rcx
    cmp %rdx, %rcx          /* destination inside [source, source + length)? */
    jae memcpy
    mov %rdi, %rax
    mov %rdx, %rcx
    lea -1(%rdi,%rdx), %rdi /* yes: from the end downwards */
    lea -1(%rsi,%rdx), %rsi
    std
    rep movsb
    cld
    ret
    .size memmove, . - memmove

    .p2align 4
memset:
    mov %rdi, %r8
    movzbl %sil, %eax
    mov $0x0101010101010101, %rcx
    imul %rcx, %rax
    mov %rdx, %rcx
    and $7, %edx
    shr $3, %rcx
    rep stosq
    mov %edx, %ecx
    rep stosb
    mov %r8, %rax
    ret
    .size memset, . - memset
    .section .note.GNU-stack, "", @progbits
