/* SPDX-License-Identifier: MIT */
/* Start and stop of further vCPUs. */
#include "kit/vcpus.h"
#include "kit/events.h"
#include "kit/hypercall.h"
#include "kit/memory.h"
#include "kit/string.h"
#include "kit/traps.h"

extern char kit_stacks[KIT_MAX_VCPUS][KIT_STACK_SIZE];

void vcpu_context(struct vcpu_guest_context *context, unsigned int vcpu, void (*fn)(void *),
                  void *arg)
{
    unsigned long top = (unsigned long)kit_stacks[vcpu] + KIT_STACK_SIZE;

    memset(context, 0, sizeof(*context));
    context->flags = VGCF_IN_KERNEL;
    context->user_regs.rip = (unsigned long)fn;
    context->user_regs.rdi = (unsigned long)arg;
    context->user_regs.rsp = top - 8; /* aligned as after a call */
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    context->user_regs.rflags = 0x202;
    for (const struct trap_info *t = traps_table(); t->address != 0; t++) {
        context->trap_ctxt[t->vector] = *t;
    }
    context->kernel_ss = FLAT_KERNEL_SS;
    context->kernel_sp = top;
    context->ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(l4_kernel()));
    context->event_callback_eip = (unsigned long)trap_event_entry;
    context->failsafe_callback_eip = (unsigned long)trap_failsafe_entry;
    context->syscall_callback_eip = (unsigned long)trap_syscall_entry;
}

long vcpu_start(unsigned int vcpu, void (*fn)(void *), void *arg)
{
    static struct vcpu_guest_context context;

    vcpu_context(&context, vcpu, fn, arg);
    long rc = hv_vcpu_op(VCPUOP_initialise, vcpu, &context);
    return rc != 0 ? rc : hv_vcpu_op(VCPUOP_up, vcpu, NULL);
}

long vcpu_is_up(unsigned int vcpu)
{
    return hv_vcpu_op(VCPUOP_is_up, vcpu, NULL);
}

void vcpu_down_self(void)
{
    hv_vcpu_op(VCPUOP_down, this_vcpu(), NULL);
}
