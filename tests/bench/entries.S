/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's side of each measured bounce, as short as it can be: the figure is then nearly all the
 * hypervisor's. Stack on entry: rcx r11 [error] rip cs rflags rsp ss.
 */
#include "kit/asm.h"

        .text

/* Back by HYPERVISOR_iret; rsp at the rip word, rcx and r11 restored. */
        .macro  IRET_HYPERCALL flags=0
        push    $\flags
        push    %rcx
        push    %r11
        push    %rax
        mov     $HYPERVISOR_IRET, %eax
        syscall
        .endm

/* Event: take the vCPU's flag and selector and the port's bit back, and return. */
        .globl  bench_event_entry
        .align  16
bench_event_entry:
        pop     %rcx
        pop     %r11
        push    %rax
        mov     bench_vcpu_info(%rip), %rax
        movb    $0, (%rax)
        movq    $0, 8(%rax)
        mov     bench_event_word(%rip), %rax
        push    %rbx
        mov     bench_event_bits(%rip), %rbx
        lock and %rbx, (%rax)
        pop     %rbx
        pop     %rax
        IRET_HYPERCALL

/* The time of the first instruction, then as above. */
        .globl  bench_timer_entry
        .align  16
bench_timer_entry:
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, bench_upcall_tsc(%rip)
        pop     %rcx
        pop     %r11
        mov     bench_vcpu_info(%rip), %rax
        movb    $0, (%rax)
        movq    $0, 8(%rax)
        mov     bench_event_word(%rip), %rax
        mov     bench_event_bits(%rip), %rbx
        lock and %rbx, (%rax)
        IRET_HYPERCALL

/* #PF at a two-byte instruction: skip it. */
        .globl  bench_pf_hypercall
        .align  16
bench_pf_hypercall:
        pop     %rcx
        pop     %r11
        add     $8, %rsp
        addq    $2, (%rsp)
        IRET_HYPERCALL

/* The same by a native iretq: in ring 3 the kernel's selector must say so. */
        .globl  bench_pf_iretq
        .align  16
bench_pf_iretq:
        pop     %rcx
        pop     %r11
        add     $8, %rsp
        addq    $2, (%rsp)
        orb     $3, 8(%rsp)
        iretq

        .globl  bench_ud_hypercall
        .align  16
bench_ud_hypercall:
        pop     %rcx
        pop     %r11
        addq    $2, (%rsp)
        IRET_HYPERCALL

        .globl  bench_int80_hypercall
        .align  16
bench_int80_hypercall:
        pop     %rcx
        pop     %r11
        IRET_HYPERCALL

/* A system call out of user mode: straight back. */
        .globl  bench_syscall_entry
        .align  16
bench_syscall_entry:
        pop     %rcx
        pop     %r11
        IRET_HYPERCALL 256

/* User code: times rbx system calls; the ticks are in rsi at the ud2. */
        .section .rodata
        .globl  bench_user_syscalls, bench_user_syscalls_end
bench_user_syscalls:
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, %rsi
1:      syscall
        dec     %rbx
        jnz     1b
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        sub     %rsi, %rax
        mov     %rax, %rsi
        ud2
bench_user_syscalls_end:

        .globl  bench_user_faults, bench_user_faults_end
bench_user_faults:
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, %rsi
1:      mov     (%rdi), %al
        dec     %rbx
        jnz     1b
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        sub     %rsi, %rax
        mov     %rax, %rsi
        ud2
bench_user_faults_end:

        .data
        .balign 8
        .globl  bench_vcpu_info, bench_event_word, bench_event_bits, bench_upcall_tsc
bench_vcpu_info:  .quad 0
bench_event_word: .quad 0
bench_event_bits: .quad 0
bench_upcall_tsc: .quad 0

        .section .note.GNU-stack, "", @progbits
