/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a context switch is made of: address spaces, stacks, segments, descriptors. */
#include "bench.h"

static uint64_t *l4_copy(void)
{
    uint64_t *l4 = page_alloc_zeroed();

    for (unsigned int i = 0; i < 512; i++) {
        if (i < 256 || i > 271) {
            l4[i] = l4_kernel()[i];
        }
    }
    page_set_readonly(l4);
    return l4;
}

static void base_pointers(void)
{
    uint64_t *other = l4_copy(), *user = l4_copy();
    struct mmuext_op op[2][2];

    memset(op, 0, sizeof(op));
    TRY("new_baseptr", mmuext_one(MMUEXT_PIN_L4_TABLE, virt_to_mfn(other)));
    mmuext_one(MMUEXT_PIN_L4_TABLE, virt_to_mfn(user));
    for (unsigned int i = 0; i < 2; i++) {
        op[i][0].cmd = MMUEXT_NEW_BASEPTR;
        op[i][0].arg1.mfn = virt_to_mfn(i ? other : l4_kernel());
        op[i][1].cmd = MMUEXT_NEW_USER_BASEPTR;
        op[i][1].arg1.mfn = virt_to_mfn(user);
    }
    MEASURE("new_baseptr", 1, STUB(__HYPERVISOR_mmuext_op, op[i & 1], 1, 0, DOMID_SELF));
    MEASURE("new_baseptr_kernel_and_user", 1,
            STUB(__HYPERVISOR_mmuext_op, op[i & 1], 2, 0, DOMID_SELF));
    mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(l4_kernel()));
}

static void descriptors(void)
{
    static uint64_t *gdt;
    static unsigned long frames[1];
    static struct multicall_entry calls[3];
    const uint64_t flat = 0x00cff3000000ffffUL; /* ring 3, writable, 4 GiB */
    unsigned long top = (unsigned long)__builtin_frame_address(0) & ~15UL;

    gdt = page_alloc_zeroed();
    gdt[1] = flat;
    page_set_readonly(gdt);
    frames[0] = virt_to_mfn(gdt);
    TRY("set_gdt_1page", hv_set_gdt(frames, 512));
    uint64_t entry = virt_to_maddr(&gdt[1]);
    MEASURE("update_descriptor", 1, STUB2(__HYPERVISOR_update_descriptor, entry, flat));
    MEASURE("set_gdt_1page", 1, STUB2(__HYPERVISOR_set_gdt, frames, 512));
    MEASURE("multicall_task_switch", 1, {
        calls[0].op = __HYPERVISOR_fpu_taskswitch;
        calls[0].args[0] = 1;
        calls[1].op = __HYPERVISOR_stack_switch;
        calls[1].args[0] = KERNEL_SS;
        calls[1].args[1] = top;
        calls[2].op = __HYPERVISOR_update_descriptor;
        calls[2].args[0] = entry;
        calls[2].args[1] = flat;
        STUB2(__HYPERVISOR_multicall, calls, 3);
    });
    hv_fpu_taskswitch(0);
    hv_set_gdt(frames, 0);
    page_set_writable(gdt);
}

void bench_switches(void)
{
    unsigned long top = (unsigned long)__builtin_frame_address(0) & ~15UL;

    base_pointers();
    MEASURE("stack_switch", 1, STUB2(__HYPERVISOR_stack_switch, KERNEL_SS, top));
    MEASURE("set_segment_base_fs", 1, STUB2(__HYPERVISOR_set_segment_base, SEGBASE_FS, 0x1000));
    MEASURE("set_segment_base_gs_user", 1,
            STUB2(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER, 0x1000));
    MEASURE("fpu_taskswitch_set", 1, STUB2(__HYPERVISOR_fpu_taskswitch, 1, 0));
    hv_fpu_taskswitch(0);
    MEASURE("fpu_taskswitch_clear", 1, STUB2(__HYPERVISOR_fpu_taskswitch, 0, 0));
    descriptors();
}
