/* SPDX-License-Identifier: MIT */
/*
 * Entry stubs. What the hypervisor leaves on the stack, top first:
 *
 *   exception, event, system call:  rcx r11 [error] rip cs rflags rsp ss
 *   failsafe:                       rcx r11 ds es fs gs rip cs rflags rsp ss
 *
 * and what HYPERVISOR_iret wants there:
 *
 *   rax r11 rcx flags rip cs rflags rsp ss
 */
#include "kit/asm.h"

        .text

trap_common:
        push    %rdi
        push    %rsi
        push    %rdx
        push    %rcx
        push    %rax
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        cld
        mov     %rsp, %rdi
        call    trap_dispatch
        xor     %eax, %eax              /* no flags: restore rcx and r11 too */

/* rsp = a struct trap_frame, rax = flags for HYPERVISOR_iret. */
trap_resume:
        mov     %rax, 16*8(%rsp)        /* over the error code, which is no longer needed */
        mov     11*8(%rsp), %rcx
        mov     %rcx, 15*8(%rsp)        /* rcx over the vector */
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rax
        pop     %rcx
        pop     %rdx
        pop     %rsi
        pop     %rdi
        push    %r11
        push    %rax
        mov     $HYPERVISOR_IRET, %eax
        syscall
        ud2

        .macro  STUB vector, error=0
        .align  16
trap_entry_\vector:
        pop     %rcx
        pop     %r11
        .if     !\error
        push    $0
        .endif
        push    $\vector
        jmp     trap_common
        .endm

        STUB    0
        STUB    1
        STUB    2
        STUB    3
        STUB    4
        STUB    5
        STUB    6
        STUB    7
        STUB    8, error=1
        STUB    9
        STUB    10, error=1
        STUB    11, error=1
        STUB    12, error=1
        STUB    13, error=1
        STUB    14, error=1
        STUB    16
        STUB    17, error=1
        STUB    18
        STUB    19
        STUB    20
        STUB    21, error=1
        STUB    32
        STUB    128
        STUB    129

        .globl  trap_syscall_entry, trap_event_entry, trap_failsafe_entry
        .align  16
trap_syscall_entry:
        pop     %rcx
        pop     %r11
        push    $0
        push    $256
        jmp     trap_common

        .align  16
trap_event_entry:
        pop     %rcx
        pop     %r11
        push    $0
        push    $257
        jmp     trap_common

        .align  16
trap_failsafe_entry:
        pop     %rcx
        pop     %r11
        popq    trap_failsafe_segments(%rip)
        popq    trap_failsafe_segments + 8(%rip)
        popq    trap_failsafe_segments + 16(%rip)
        popq    trap_failsafe_segments + 24(%rip)
        push    $0
        push    $258
        jmp     trap_common

/* void trap_enter(const struct trap_frame *frame, uint64_t flags) */
        .globl  trap_enter
trap_enter:
        mov     %rsi, %rax
        sub     $22*8, %rsp
        mov     %rdi, %rsi
        mov     %rsp, %rdi
        mov     $22, %ecx
        cld
        rep movsq
        jmp     trap_resume

/*
 * uint64_t catch_call(struct catch *c, fn, arg): 0 when fn returned; 1 when a trap came back here
 * (trap_dispatch loads the registers saved in *c). Order of struct catch: rbx rbp r12-r15 rsp rip.
 */
        .globl  catch_call
catch_call:
        mov     %rbx, (%rdi)
        mov     %rbp, 8(%rdi)
        mov     %r12, 16(%rdi)
        mov     %r13, 24(%rdi)
        mov     %r14, 32(%rdi)
        mov     %r15, 40(%rdi)
        mov     %rsp, 48(%rdi)
        lea     1f(%rip), %rax
        mov     %rax, 56(%rdi)
        mov     %rsi, %rax
        mov     %rdx, %rdi
        call    *%rax
        xor     %eax, %eax
1:      ret

/* Vector and address pairs for traps.c; closed by a zero address. */
        .macro  ENTRY vector
        .quad   \vector, trap_entry_\vector
        .endm

        .section .rodata
        .balign 8
        .globl  trap_entries
trap_entries:
        .irp    v, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,16,17,18,19,20,21,32,128,129
        ENTRY   \v
        .endr
        .quad   0, 0

        .section .note.GNU-stack, "", @progbits
