/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All ways into and out of the hypervisor after boot. (Intel SDM vol. 3 ch. 6.12-6.14, vol. 2
 * SYSCALL; AMD APM vol. 2 ch. 6.1, 8.9.)
 *
 * Every entry builds a struct cpu_user_regs on the stack. From a guest it lies at the top of the
 * CPU's stack (cpu_info.regs), so that %rsp after SAVE_ALL is the address of the frame and
 * cpu_info's fields have fixed offsets from it (CPUINFO_*).
 *
 *   SYSCALL          per-CPU stub (x86/cpu_setup.c) -> syscall_entry
 *   exceptions       exc_N   -> do_exception(regs) or a direct handler
 *   interrupts       irq_N   -> do_irq(regs)
 *   out              exit_to_guest -> SYSRET or IRET, after a look at cpu_info.work and at the
 *                    vCPU's pending events
 *
 * With XPTI (x86/xpti.c) a guest leaves us on tables that map of the hypervisor this section and
 * the entry page alone: before xpti_enter, and after xpti_exit, nothing else is touched.
 */
#include "x86/asm.h"

        .section .text.entry, "ax", @progbits

/*
 * From the stub: stack at cpu_info.regs.es, %rax = guest %rsp, guest's %rax in cpu_info.scratch,
 * %rcx = guest %rip, %r11 = guest flags. Interrupts off (SFMASK).
 */
ENTRY syscall_entry
        push $0xe02b
        push %rax
        push %r11
        push $0xe033
        push %rcx
        push $-1 /* error_code; entry_vector: TRAP_SYSCALL */
        push %rdi
        push %rsi
        push %rdx
        push %rcx
        mov CPUINFO_scratch-REGS_rcx(%rsp), %rax
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
        SMAP_CLAC_XPTI xpti_enter
        mov CPUINFO_current(%rsp), %rbx
        cmpb $0, VCPU_in_kernel(%rbx)
        je guest_syscall
        sti
        /* What the handler does not take as an argument is cleared. */
        xor %r9d, %r9d
        xor %r11d, %r11d
        xor %ebp, %ebp
        xor %r12d, %r12d
        xor %r13d, %r13d
        xor %r14d, %r14d
        xor %r15d, %r15d
        cmp $NR_HYPERCALLS, %rax
        jae bad_hypercall
        and $(NR_HYPERCALLS - 1), %eax /* a mispredicted jae cannot index past the table */
        mov VCPU_hypercalls(%rbx), %rcx
        mov (%rcx, %rax, 8), %rax
        mov %r10, %rcx
        xor %r10d, %r10d
        call __x86_indirect_thunk_rax
        mov %rax, REGS_rax(%rsp)

/* %rsp = regs of the guest, %rbx = current. (Not aligned: the commonest way falls in.) */
exit_to_guest:
        cli
        cmpl $0, CPUINFO_work(%rsp)
        jne exit_work
        mov VCPU_vcpu_info(%rbx), %rcx
        movzwl (%rcx), %ecx
        dec %ecx
        cmp $0xff, %ecx /* pending (low byte) not 0 and mask (high byte) 0 */
        jb exit_event
exit_now:
        XPTI_JMP xpti_exit
        cmpl $TRAP_SYSCALL, REGS_entry_vector(%rsp)
exit_on_guest_tables:
        jne exit_iret
        mov REGS_rip(%rsp), %rcx
        /* SYSRET to a non-canonical address would fault here, on Intel, with the guest's stack. Who puts one of a
         * guest's own into a frame has it leave by IRET; a SYSCALL that ends at the limit gets the nearest. */
        shl $16, %rcx
        sar $16, %rcx
        pop %r15
        pop %r14
        pop %r13
        pop %r12
        pop %rbp
        pop %rbx
        mov REGS_rflags-REGS_r11(%rsp), %r11
        mov REGS_r10-REGS_r11(%rsp), %r10
        mov REGS_r9-REGS_r11(%rsp), %r9
        mov REGS_r8-REGS_r11(%rsp), %r8
        mov REGS_rax-REGS_r11(%rsp), %rax
        mov REGS_rdx-REGS_r11(%rsp), %rdx
        mov REGS_rsi-REGS_r11(%rsp), %rsi
        mov REGS_rdi-REGS_r11(%rsp), %rdi
        mov REGS_rsp-REGS_r11(%rsp), %rsp
        sysretq

exit_iret:
        RESTORE_ALL
        add $8, %rsp
iret_to_guest:
        iretq
        EXTABLE iret_to_guest, iret_fault

/* The guest's frame cannot be returned to: its kernel shall know. All general registers are the guest's
 * again; %rsp points at regs.rip. */
        .globl iret_fault
iret_fault:
        push $0
        SAVE_ALL
        CLEAR_ALL
        mov %rsp, %rdi
        call pv_iret_fault
        mov CPUINFO_current(%rsp), %rbx
        jmp exit_to_guest

exit_work:
        sti
        call do_softirq
        jmp exit_to_guest

exit_event:
        call pv_deliver_pending
        jmp exit_to_guest

bad_hypercall:
        mov %rax, %rdi
        call hypercall_bad_number
        mov %rax, REGS_rax(%rsp)
        jmp exit_to_guest

/* SYSCALL of the guest's user mode: its kernel gets it. */
guest_syscall:
        CLEAR_ALL_GUEST
        call pv_user_syscall
        jmp exit_to_guest

/* 32-bit system call instructions of user programs; SYSENTER (Intel) and SYSCALL from
 * compatibility mode (AMD). The stub did as for SYSCALL; SYSENTER's gives no return address. */
ENTRY cstar_entry
        push $0xe02b
        push %rax
        push %r11
        push $0xe023
        push %rcx
        push $0
        mov CPUINFO_scratch-REGS_error_code(%rsp), %rax
        SAVE_ALL
        SMAP_CLAC_XPTI xpti_enter
        CLEAR_ALL
        mov %rsp, %rdi
        call pv_user_syscall32
        mov CPUINFO_current(%rsp), %rbx
        jmp exit_to_guest
ENTRY sysenter_entry
        push $0xe02b
        push $0
        pushfq
        orl $0x200, (%rsp)
        push $2 /* SYSENTER leaves NT, TF and AC as the user had them */
        popfq
        push $0xe023
        push $0
        push $0
        SAVE_ALL
        SMAP_CLAC_XPTI xpti_enter
        CLEAR_ALL
        mov %rsp, %rdi
        call pv_user_sysenter
        mov CPUINFO_current(%rsp), %rbx
        jmp exit_to_guest

/* Where a context switch resumes: the stack is empty down to the guest's frame. */
ENTRY resume_guest
        mov CPUINFO_current(%rsp), %rbx
        jmp exit_to_guest

/* void reset_stack_and_resume(void *top_frame): context_switch's last step. */
ENTRY reset_stack_and_resume
        mov %rdi, %rsp
        jmp resume_guest
/* void reset_stack_and_jump(void *top_frame, void (*fn)(void)) */
ENTRY reset_stack_and_jump
        mov %rdi, %rsp
        mov %rsi, %rax
        xor %ebp, %ebp
        call __x86_indirect_thunk_rax
        ud2

/* ---- exceptions and interrupts ------------------------------------------------------------ */

        .macro EXC nr, has_error
        .balign 16
exc_\nr:
        .if \has_error == 0
        push $0
        .endif
        movl $\nr, 4(%rsp)
        jmp exception_common
        .endm

exception_common:
        SAVE_ALL
        testb $3, REGS_cs(%rsp)
        jz exception_from_hypervisor
        SMAP_CLAC_XPTI xpti_enter
        cld
        CLEAR_ALL_GUEST
        call do_guest_exception
        jmp exit_to_guest
exception_from_hypervisor:
        SMAP_CLAC
        cld
        CLEAR_ALL
        XPTI_CALL xpti_enter_again
        mov %rsp, %rdi
        call do_hypervisor_exception
        RESTORE_ALL
        add $8, %rsp
        iretq

int80_entry: /* of guests alone; its gate is open to them */
        SAVE_ALL
        testb $3, REGS_cs(%rsp)
        jz exception_from_hypervisor
        SMAP_CLAC_XPTI xpti_enter
        cld
        CLEAR_ALL_GUEST
        call do_guest_int80
        jmp exit_to_guest

        .balign 16
exc_pf: /* #PF from a guest is the commonest: straight to its handler */
        movl $14, 4(%rsp)
        SAVE_ALL
        testb $3, REGS_cs(%rsp)
        jz exception_from_hypervisor
        SMAP_CLAC_XPTI xpti_enter_pf
        cld
        CLEAR_ALL_GUEST
        call do_guest_page_fault
        jmp exit_to_guest

/* NMI, #DF, #MC: on stacks of their own, never scheduling. */
        .macro EXC_IST nr, has_error
        .balign 16
exc_\nr:
        .if \has_error == 0
        push $0
        .endif
        movl $\nr, 4(%rsp)
        SAVE_ALL
        SMAP_CLAC
        cld
        CLEAR_ALL
        XPTI_CALL xpti_enter_ist
        mov %rsp, %rdi
        call do_ist_exception
        XPTI_CALL xpti_leave_ist
        RESTORE_ALL
        add $8, %rsp
        iretq
        .endm

/*
 * #DB has a stack of its own as well: MOV SS defers a debug trap to the first instruction after a
 * SYSCALL, where the stack pointer is still the guest's (CVE-2018-8897). From a guest, go on on the
 * normal stack.
 */
        .balign 16
exc_1:
        push $0
        movl $1, 4(%rsp)
        testb $3, 16(%rsp)
        jz 1f
        push %rax
        push %rcx
        mov %rsp, %rax
        or $(CONST_STACK_SIZE - 1), %rax
        lea (STACK_END_regs + REGS_es)(%rax), %rax
        .irp off, 8, 16, 24, 32, 40, 48 /* ss, rsp, rflags, cs, rip, error and vector */
        mov 64 - \off(%rsp), %rcx
        mov %rcx, -\off(%rax)
        .endr
        mov (%rsp), %rcx
        push 8(%rsp)
        pop -56(%rax) /* rax, below the new frame, whose push of rdi comes there next */
        lea -48(%rax), %rsp
        mov -8(%rsp), %rax
        jmp exception_common
1:      SAVE_ALL
        SMAP_CLAC
        cld
        CLEAR_ALL
        XPTI_CALL xpti_enter_ist
        mov %rsp, %rdi
        call do_ist_exception
        XPTI_CALL xpti_leave_ist
        RESTORE_ALL
        add $8, %rsp
        iretq

        EXC 0, 0
        EXC_IST 2, 0
        EXC 3, 0
        EXC 4, 0
        EXC 5, 0
        EXC 6, 0
        EXC 7, 0
        EXC_IST 8, 1
        EXC 9, 0
        EXC 10, 1
        EXC 11, 1
        EXC 12, 1
        EXC 13, 1
        EXC 15, 0
        EXC 16, 0
        EXC 17, 1
        EXC_IST 18, 0
        EXC 19, 0
        EXC 20, 0
        EXC 21, 1
        EXC 22, 0
        EXC 23, 0
        EXC 24, 0
        EXC 25, 0
        EXC 26, 0
        EXC 27, 0
        EXC 28, 0
        EXC 29, 1
        EXC 30, 1
        EXC 31, 0

irq_common:
        SAVE_ALL
        testb $3, REGS_cs(%rsp)
        jz irq_from_hypervisor
        SMAP_CLAC_XPTI xpti_enter
        cld
        CLEAR_ALL_GUEST
        call do_irq
        jmp exit_to_guest
irq_from_hypervisor:
        SMAP_CLAC
        cld
        CLEAR_ALL
        mov %rsp, %rdi
        call do_irq
        RESTORE_ALL
        add $8, %rsp
        iretq

/* Vectors 32-255, 16 bytes each. */
        .balign 16
        .globl irq_entries
irq_entries:
        .set vec, 32
        .rept 224
        .balign 16
        push $0
        movl $vec, 4(%rsp)
        .if vec == 0x80
        jmp int80_entry
        .else
        jmp irq_common
        .endif
        .set vec, vec + 1
        .endr

/*
 * ---- XPTI: the way from a guest's bare tables to its full ones and back (x86/xpti.c) -----------
 *
 * Called at the sites of asm.h only where it is on. These clobber %rax, %rcx and flags.
 */

/* From a guest: %rsp is 8 below regs. */
ENTRY xpti_enter
        mov 8+CPUINFO_kernel_cr3(%rsp), %rcx
        test %rcx, %rcx
        jz 1f
        mov %rcx, %cr3
1:      ret

/* A page fault from a guest: if its bare L4 was behind the true one, that may be all that was wrong.
 * It gets the true entries on the way out, and tries again. */
ENTRY xpti_enter_pf
        mov 8+CPUINFO_kernel_cr3(%rsp), %rcx
        test %rcx, %rcx
        jz 1f
        mov %rcx, %cr3
        mov 8+CPUINFO_current(%rsp), %rax
        movzbl VCPU_in_kernel(%rax), %eax
        cmp %rcx, 8+CPUINFO_xpti_copied(%rsp, %rax, 8)
        jne 2f
1:      ret
2:      add $8, %rsp
        cld /* as behind every other entry: the way out copies a root */
        CLEAR_ALL
        mov CPUINFO_current(%rsp), %rbx
        jmp exit_to_guest

/* %rax: the last byte of this stack; %rcx: the root in use. ZF: it is a bare one. */
        .macro XPTI_WHICH_ROOT
        mov %rsp, %rax
        or $(CONST_STACK_SIZE - 1), %rax
        mov %cr3, %rcx
        and $~0x1000, %rcx /* there are two, one after the other */
        cmp STACK_END_regs+CPUINFO_xpti_root(%rax), %rcx
        .endm

/* An exception in the hypervisor: that at IRET, after xpti_exit, has its fix-up on the full tables. */
ENTRY xpti_enter_again
        XPTI_WHICH_ROOT
        jne 1f
        mov STACK_END_regs+CPUINFO_kernel_cr3(%rax), %rcx
        mov %rcx, %cr3
1:      ret

/* NMI and the like, from anywhere: the root to go back to stays in %r12, or 0. */
ENTRY xpti_enter_ist
        XPTI_WHICH_ROOT
        jne 1f
        mov %cr3, %r12
        mov STACK_END_regs+CPUINFO_kernel_cr3(%rax), %rcx
        mov %rcx, %cr3
1:      ret
ENTRY xpti_leave_ist
        test %r12, %r12
        jz 1f
        mov %r12, %cr3
1:      ret

/* In place of exit_now's first instruction. Interrupts are off, %rbx = current. */
ENTRY xpti_exit
        xor %ecx, %ecx
        cmpb $0, VCPU_xpti(%rbx)
        je 1f
        movzbl VCPU_in_kernel(%rbx), %eax
        mov VCPU_cr3(%rbx), %rcx
        cmp %rcx, CPUINFO_xpti_copied(%rsp, %rax, 8)
        jne 2f
3:      mov %rcx, CPUINFO_kernel_cr3(%rsp)
        shl $12, %eax
        add CPUINFO_xpti_root(%rsp), %rax
        mov %rax, %cr3
        cmpl $TRAP_SYSCALL, REGS_entry_vector(%rsp)
        jmp exit_on_guest_tables
1:      mov %rcx, CPUINFO_kernel_cr3(%rsp)
        cmpl $TRAP_SYSCALL, REGS_entry_vector(%rsp)
        jmp exit_on_guest_tables
/* Copied once and no more: who changes the L4 again meanwhile, and needs that to be seen, has sent an IPI
 * that is pending here. Another vCPU that does so without end must not keep us from leaving. */
2:      mov %rbx, %rdi
        call xpti_refresh
        movzbl VCPU_in_kernel(%rbx), %eax
        mov VCPU_cr3(%rbx), %rcx
        jmp 3b

/* ---- copies to and from guests -------------------------------------------------------------- */

/*
 * unsigned long raw_copy_user(void *dst, const void *src, unsigned long n): bytes not copied.
 * One side is guest memory, the caller has checked the range. %rcx tells what is left on a fault.
 */
ENTRY raw_copy_user
        SMAP_STAC
        mov %rdx, %rcx
        shr $3, %rcx
        and $7, %edx
1:      rep movsq
        mov %edx, %ecx
2:      rep movsb
        xor %eax, %eax
        SMAP_CLAC
        ret
3:      lea (%rdx, %rcx, 8), %rax
        SMAP_CLAC
        ret
4:      mov %rcx, %rax
        SMAP_CLAC
        ret
        EXTABLE 1b, 3b
        EXTABLE 2b, 4b

/* unsigned long raw_clear_user(void *dst, unsigned long n): bytes not cleared. */
ENTRY raw_clear_user
        SMAP_STAC
        mov %rsi, %rcx
        xor %eax, %eax
5:      rep stosb
        SMAP_CLAC
        ret
6:      mov %rcx, %rax
        SMAP_CLAC
        ret
        EXTABLE 5b, 6b

/* int raw_rdmsr_safe(uint32_t msr, uint64_t *v); int raw_wrmsr_safe(uint32_t msr, uint64_t v) */
ENTRY rdmsr_safe
        mov %edi, %ecx
7:      rdmsr
        shl $32, %rdx
        mov %eax, %eax
        or %rdx, %rax
        mov %rax, (%rsi)
        xor %eax, %eax
        ret
ENTRY wrmsr_safe
        mov %edi, %ecx
        mov %esi, %eax
        mov %rsi, %rdx
        shr $32, %rdx
8:      wrmsr
        xor %eax, %eax
        ret
9:      mov $-14, %eax
        ret
        EXTABLE 7b, 9b
        EXTABLE 8b, 9b

/* int load_seg_{ds,es,fs,gs}(uint16_t sel): -EFAULT if the descriptor refuses. */
        .macro LOADSEG seg
ENTRY load_seg_\seg
10:     mov %edi, %\seg
        xor %eax, %eax
        ret
        EXTABLE 10b, 9b
        .endm
        LOADSEG ds
        LOADSEG es
        LOADSEG fs
        LOADSEG gs

/* ---- retpolines ------------------------------------------------------------------------------ */
        .macro THUNK reg
ENTRY __x86_indirect_thunk_\reg
        call 2f
1:      pause
        lfence
        jmp 1b
2:      mov %\reg, (%rsp)
        ret
        .endm
        .irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
        THUNK \reg
        .endr
/* clang's name for its only one */
ENTRY __llvm_retpoline_r11
        jmp __x86_indirect_thunk_r11
ENTRY __x86_indirect_branch_unused
        ud2

        .section .rodata, "a", @progbits
        .balign 8
        .globl exception_entries
exception_entries:
        .irp nr, 0,1,2,3,4,5,6,7,8,9,10,11,12,13
        .quad exc_\nr
        .endr
        .quad exc_pf
        .irp nr, 15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        .quad exc_\nr
        .endr
