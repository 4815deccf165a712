/* SPDX-License-Identifier: MIT */
/*
 * How a 64-bit PV guest asks the hypervisor for something: SYSCALL with the number in rax and the
 * arguments in rdi, rsi, rdx, r10, r8. The result comes back in rax; rcx and r11 are lost. A debug
 * hypervisor may also scramble the argument registers, so all of them count as outputs.
 */
#ifndef KIT_HYPERCALL_H
#define KIT_HYPERCALL_H

#include "kit/abi.h"

/* Any hypercall with any five argument words. Returns what the hypervisor left in rax. */
static inline long hypercall(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3,
                             unsigned long a4, unsigned long a5)
{
    register unsigned long r10 __asm__("r10") = a4;
    register unsigned long r8 __asm__("r8") = a5;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     : "0"(nr)
                     : "rcx", "r11", "r9", "memory");
    return ret;
}

#define HYPERCALL0(nr)       hypercall(nr, 0, 0, 0, 0, 0)
#define HYPERCALL1(nr, a)    hypercall(nr, (unsigned long)(a), 0, 0, 0, 0)
#define HYPERCALL2(nr, a, b) hypercall(nr, (unsigned long)(a), (unsigned long)(b), 0, 0, 0)
#define HYPERCALL3(nr, a, b, c) \
    hypercall(nr, (unsigned long)(a), (unsigned long)(b), (unsigned long)(c), 0, 0)
#define HYPERCALL4(nr, a, b, c, d) \
    hypercall(nr, (unsigned long)(a), (unsigned long)(b), (unsigned long)(c), (unsigned long)(d), 0)

static inline long hv_set_trap_table(const struct trap_info *table)
{
    return HYPERCALL1(__HYPERVISOR_set_trap_table, table);
}

static inline long hv_mmu_update(struct mmu_update *req, unsigned int count, unsigned int *done,
                                 domid_t dom)
{
    return HYPERCALL4(__HYPERVISOR_mmu_update, req, count, done, dom);
}

static inline long hv_mmuext_op(struct mmuext_op *op, unsigned int count, unsigned int *done,
                                domid_t dom)
{
    return HYPERCALL4(__HYPERVISOR_mmuext_op, op, count, done, dom);
}

static inline long hv_set_gdt(unsigned long *frames, unsigned int entries)
{
    return HYPERCALL2(__HYPERVISOR_set_gdt, frames, entries);
}

static inline long hv_stack_switch(unsigned long ss, unsigned long sp)
{
    return HYPERCALL2(__HYPERVISOR_stack_switch, ss, sp);
}

static inline long hv_fpu_taskswitch(int set)
{
    return HYPERCALL1(__HYPERVISOR_fpu_taskswitch, set);
}

static inline long hv_set_debugreg(int reg, unsigned long value)
{
    return HYPERCALL2(__HYPERVISOR_set_debugreg, reg, value);
}

static inline long hv_get_debugreg(int reg)
{
    return HYPERCALL1(__HYPERVISOR_get_debugreg, reg);
}

static inline long hv_update_descriptor(uint64_t maddr, uint64_t descriptor)
{
    return HYPERCALL2(__HYPERVISOR_update_descriptor, maddr, descriptor);
}

static inline long hv_memory_op(unsigned int cmd, void *arg)
{
    return HYPERCALL2(__HYPERVISOR_memory_op, cmd, arg);
}

static inline long hv_multicall(struct multicall_entry *calls, unsigned int count)
{
    return HYPERCALL2(__HYPERVISOR_multicall, calls, count);
}

static inline long hv_update_va_mapping(unsigned long va, uint64_t pte, unsigned long flags)
{
    return HYPERCALL3(__HYPERVISOR_update_va_mapping, va, pte, flags);
}

static inline long hv_set_timer_op(uint64_t deadline)
{
    return HYPERCALL1(__HYPERVISOR_set_timer_op, deadline);
}

static inline long hv_xen_version(int cmd, void *arg)
{
    return HYPERCALL2(__HYPERVISOR_xen_version, cmd, arg);
}

static inline long hv_console_io(int cmd, unsigned int count, char *text)
{
    return HYPERCALL3(__HYPERVISOR_console_io, cmd, count, text);
}

static inline long hv_grant_table_op(unsigned int cmd, void *arg, unsigned int count)
{
    return HYPERCALL3(__HYPERVISOR_grant_table_op, cmd, arg, count);
}

static inline long hv_vm_assist(unsigned int cmd, unsigned int type)
{
    return HYPERCALL2(__HYPERVISOR_vm_assist, cmd, type);
}

static inline long hv_vcpu_op(int cmd, unsigned int vcpu, void *arg)
{
    return HYPERCALL3(__HYPERVISOR_vcpu_op, cmd, vcpu, arg);
}

static inline long hv_set_segment_base(unsigned int which, unsigned long base)
{
    return HYPERCALL2(__HYPERVISOR_set_segment_base, which, base);
}

static inline long hv_sched_op(int cmd, void *arg)
{
    return HYPERCALL2(__HYPERVISOR_sched_op, cmd, arg);
}

static inline long hv_callback_op(int cmd, void *arg)
{
    return HYPERCALL2(__HYPERVISOR_callback_op, cmd, arg);
}

static inline long hv_event_channel_op(int cmd, void *arg)
{
    return HYPERCALL2(__HYPERVISOR_event_channel_op, cmd, arg);
}

static inline long hv_physdev_op(int cmd, void *arg)
{
    return HYPERCALL2(__HYPERVISOR_physdev_op, cmd, arg);
}

static inline long hv_platform_op(void *op)
{
    return HYPERCALL1(__HYPERVISOR_platform_op, op);
}

#endif
