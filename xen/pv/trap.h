/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bouncing exceptions, system calls and events to a PV kernel, and emulating what it may not do
 * itself. All for current, whose registers are *regs (the frame that the exit path returns to).
 */
#ifndef XEN_PV_TRAP_H
#define XEN_PV_TRAP_H
#include "domain/domain.h"

/* Exception nr to the kernel's handler (crashes the domain if it cannot be). */
void pv_bounce_exception(struct cpu_user_regs *regs, unsigned int nr, uint32_t error);
/* #PF with its address. */
void pv_bounce_page_fault(struct cpu_user_regs *regs, uint32_t error, uint64_t cr2);
/* INT n: if the guest's gate permits the caller, bounce (rip advanced by len); else false. */
bool pv_software_interrupt(struct cpu_user_regs *regs, unsigned int nr, unsigned int len);
/* #GP: emulate the privileged instruction at rip. True: done (or bounced). */
bool pv_emulate_privileged(struct cpu_user_regs *regs);
/* #UD: the forced CPUID sequence of the ABI? */
bool pv_forced_cpuid(struct cpu_user_regs *regs);
/* #PF: write to a page table that is mapped read-only? True: done. (ptwr.c) */
bool pv_pt_write_fault(struct cpu_user_regs *regs, uint64_t va);
/* The IRET hypercall's and the bounce's common rule for flags that a guest may have. */
#define PV_RFLAGS_FIX(f)                                                                   \
    (((f) & ~(uint64_t)(X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_VM | X86_EFLAGS_VIF | \
                        X86_EFLAGS_VIP)) |                                                 \
     X86_EFLAGS_IF | X86_EFLAGS_MBS)

/* Called by entry.S. */
void pv_user_syscall(struct cpu_user_regs *regs);
void pv_user_syscall32(struct cpu_user_regs *regs);
void pv_user_sysenter(struct cpu_user_regs *regs);
void pv_iret_fault(struct cpu_user_regs *regs);
/* What refused the last IRET of this CPU; interrupts off. (x86/traps.c) */
struct iret_fault {
    uint32_t vector, error;
    uint64_t cr2;
};
DECLARE_PER_CPU(struct iret_fault, iret_fault_info);
/*
 * NMIs (pv/nmi.c). Send one: any context, v any PV vCPU. The handler of current, 0: none; -EINVAL.
 */
void pv_nmi_init(void);
void pv_send_nmi(struct vcpu *v);
int pv_set_nmi_handler(struct vcpu *v, uint64_t rip);
/* v, now current, could not have its data segments (v->pv.ds to gs) back: tell its kernel. */
void pv_segments_refused(struct vcpu *v, struct cpu_user_regs *regs);
/* INT 0x80, the system call of 32-bit programs. */
void do_guest_int80(struct cpu_user_regs *regs);
void do_guest_page_fault(struct cpu_user_regs *regs);

#endif
