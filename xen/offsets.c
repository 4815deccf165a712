/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offsets for assembly: compiled to assembly, turned into build/hv/offsets.h by the build. */
#include "domain/domain.h"
#include "hypercalls/hypercall.h"
#include "x86/cpu.h"
#define DEF(sym, val)  __asm__ volatile("\n.ascii \"@" #sym " %c0\"" ::"i"(val))
#define OFF(sym, s, f) DEF(sym, offsetof(struct s, f))
void offsets(void);
void offsets(void)
{
    OFF(REGS_rdi, cpu_user_regs, rdi);
    OFF(REGS_rax, cpu_user_regs, rax);
    OFF(REGS_rcx, cpu_user_regs, rcx);
    OFF(REGS_rdx, cpu_user_regs, rdx);
    OFF(REGS_rsi, cpu_user_regs, rsi);
    OFF(REGS_r8, cpu_user_regs, r8);
    OFF(REGS_r9, cpu_user_regs, r9);
    OFF(REGS_r10, cpu_user_regs, r10);
    OFF(REGS_r11, cpu_user_regs, r11);
    OFF(REGS_error_code, cpu_user_regs, error_code);
    OFF(REGS_entry_vector, cpu_user_regs, entry_vector);
    OFF(REGS_rip, cpu_user_regs, rip);
    OFF(REGS_cs, cpu_user_regs, cs);
    OFF(REGS_rflags, cpu_user_regs, rflags);
    OFF(REGS_rsp, cpu_user_regs, rsp);
    OFF(REGS_ss, cpu_user_regs, ss);
    OFF(REGS_es, cpu_user_regs, es);
    /* Relative to regs, where the stack pointer is after SAVE_ALL on an entry from a guest. */
    DEF(CPUINFO_current, offsetof(struct cpu_info, vcpu) - offsetof(struct cpu_info, regs));
    DEF(CPUINFO_work, offsetof(struct cpu_info, work) - offsetof(struct cpu_info, regs));
    DEF(CPUINFO_scratch, offsetof(struct cpu_info, scratch) - offsetof(struct cpu_info, regs));
    DEF(CPUINFO_kernel_cr3,
        offsetof(struct cpu_info, kernel_cr3) - offsetof(struct cpu_info, regs));
    DEF(CPUINFO_xpti_root, offsetof(struct cpu_info, xpti_root) - offsetof(struct cpu_info, regs));
    DEF(CPUINFO_xpti_copied,
        offsetof(struct cpu_info, xpti_copied) - offsetof(struct cpu_info, regs));
    /* regs, from the last byte of the stack. */
    DEF(STACK_END_regs, 1 - PAGE_SIZE + offsetof(struct cpu_info, regs));
    OFF(VCPU_in_kernel, vcpu, pv.in_kernel);
    OFF(VCPU_xpti, vcpu, pv.xpti);
    OFF(VCPU_cr3, vcpu, pv.cr3);
    OFF(VCPU_vcpu_info, vcpu, vcpu_info);
    OFF(VCPU_hypercalls, vcpu, pv.hypercalls);
    DEF(NR_HYPERCALLS, HYPERCALL_SLOTS);
    DEF(CONST_STACK_SIZE, STACK_SIZE);
}
