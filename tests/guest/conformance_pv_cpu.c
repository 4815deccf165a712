/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes a PV vCPU: trap table, descriptor tables, stack, segment bases, debug registers, callbacks. */
#include "conformance.h"
#include "hypercalls/abi/nmi.h"

#define NON_CANONICAL 0x0000900000000000UL
#define HYPERVISOR    0xffff830000000000UL

static void trap_table(void)
{
    struct trap_info t[2] = {{.vector = 0x81,
                              .flags = 3,
                              .cs = KERNEL_CS,
                              .address = (unsigned long)trap_syscall_entry}};

    conform_family("set_trap_table");
    ROW("one", 0, hv_set_trap_table(t));
    t[0].cs = 0;
    ROW("selector-0", 0, hv_set_trap_table(t));
    t[0].cs = 0xe008;
    ROW("selector-ring-0", 0, hv_set_trap_table(t));
    t[0].cs = KERNEL_CS;
    t[0].flags = 0xff;
    ROW("flags-all", 0, hv_set_trap_table(t));
    t[0].address = NON_CANONICAL;
    ROW("address-non-canonical", -XEN_EINVAL, hv_set_trap_table(t));
    t[0].address = HYPERVISOR;
    ROW("address-hypervisor", 0, hv_set_trap_table(t));
    t[0].address = 0;
    ROW("empty", 0, hv_set_trap_table(t));
    t[0] = (struct trap_info){.vector = 0x81, .cs = KERNEL_CS, .address = 1};
    ROW("list-off-its-page", -XEN_EFAULT, hv_set_trap_table(conform_tail(t, sizeof(t[0]))));
    for (unsigned int k = 1; k < CONFORM_POINTERS; k++) { /* NULL is: no table at all */
        conform_row("pointer", conform_pointer_name[k], -XEN_EFAULT,
                    hv_set_trap_table(conform_pointer(k)));
    }
    ROW("none", 0, hv_set_trap_table(NULL));
    ROW("the-kit's", 0, hv_set_trap_table(traps_table()));
}

static void gdt(void)
{
    uint64_t *table = page_alloc_zeroed();
    unsigned long frame = virt_to_mfn(table), list[16];

    for (unsigned int i = 0; i < 16; i++) {
        list[i] = frame;
    }
    conform_family("set_gdt");
    page_set_readonly(table);
    ROW("one-frame", 0, hv_set_gdt(list, 512));
    ROW("same-frame-14-times", 0, hv_set_gdt(list, 7168));
    ROW("into-reserved", -XEN_EINVAL, hv_set_gdt(list, 7169));
    ROW("entries-max", -XEN_EINVAL, hv_set_gdt(list, ~0U));
    list[0] = 0;
    ROW("frame-0", -XEN_EINVAL, hv_set_gdt(list, 512));
    list[0] = ~0UL;
    ROW("frame-max", -XEN_EINVAL, hv_set_gdt(list, 512));
    list[0] = virt_to_mfn(l4_kernel());
    ROW("frame-is-table", -XEN_EINVAL, hv_set_gdt(list, 512));
    void *rw = page_alloc_zeroed();
    list[0] = virt_to_mfn(rw);
    ROW("frame-is-writable", -XEN_EINVAL, hv_set_gdt(list, 512));
    page_free(rw);
    list[0] = frame;
    POINTERS("frames", -XEN_EFAULT, p, hv_set_gdt(p, 512));
    ROW("none", 0, hv_set_gdt(NULL, 0));
    ROW("one-frame/again", 0, hv_set_gdt(list, 512));

    conform_family("update_descriptor");
    static const struct {
        const char *name;
        uint64_t d;
        long rc;
    } d[] = {{"zero", 0, 0},
             {"not-present", 0x00cf12000000ffff, 0},
             {"data-ring-3", 0x00cff2000000ffff, 0},
             {"data-ring-0", 0x00cf92000000ffff, 0},
             {"data-ring-1", 0x00cfb2000000ffff, 0},
             {"code-64-ring-3", 0x00affa000000ffff, 0},
             {"code-64-ring-0", 0x00af9a000000ffff, 0},
             {"code-32-ring-3", 0x00cffa000000ffff, 0},
             {"code-conforming", 0x00affe000000ffff, 0},
             {"code-long-and-default", 0x00effa000000ffff, -XEN_EINVAL},
             {"call-gate", 0x0000ec0000000000, -XEN_EINVAL},
             {"interrupt-gate", 0x0000ee0000000000, -XEN_EINVAL},
             {"trap-gate", 0x0000ef0000000000, -XEN_EINVAL},
             {"task-gate", 0x0000e50000000000, -XEN_EINVAL},
             {"tss", 0x0000e90000000067, -XEN_EINVAL},
             {"ldt", 0x0000e20000000067, -XEN_EINVAL}};
    uint64_t at = virt_to_maddr(table);
    for (unsigned int i = 0; i < sizeof(d) / sizeof(d[0]); i++) {
        conform_row("gdt", d[i].name, d[i].rc, hv_update_descriptor(at + 16, d[i].d));
    }
    hv_update_descriptor(at + 16, 0x00cffa000000ffff);
    ROW("gdt/written", 0x00cffa000000ffff, table[2] & ~(1UL << 40));
    ROW("unaligned", -XEN_EINVAL, hv_update_descriptor(at + 4, 0));
    ROW("beyond-memory", -XEN_EINVAL, hv_update_descriptor(1UL << 51, 0));
    ROW("hypervisor's-frame", -XEN_EINVAL,
        hv_update_descriptor(conform_hypervisor_frame() << 12, 0));
    ROW("page-table", -XEN_EINVAL, hv_update_descriptor(virt_to_maddr(l4_kernel()), 0));
    uint64_t *plain = page_alloc_zeroed();
    ROW("plain-page", 0, hv_update_descriptor(virt_to_maddr(plain), 0x00cff2000000ffff));
    ROW("plain-page/written", 0x00cff2000000ffff, *plain & ~(1UL << 40));
    page_free(plain);
    hv_set_gdt(NULL, 0);
    page_set_writable(table);
    page_free(table);
}

static void registers(void)
{
    conform_family("stack_switch");
    ROW("selector-0", 0, hv_stack_switch(0, (unsigned long)page_alloc() + PAGE_SIZE));
    ROW("selector-ring-0", 0, hv_stack_switch(0xe010, (unsigned long)page_alloc() + PAGE_SIZE));
    ROW("pointer-hypervisor", 0, hv_stack_switch(FLAT_KERNEL_SS, HYPERVISOR));
    ROW("good", 0, hv_stack_switch(FLAT_KERNEL_SS, (unsigned long)page_alloc() + PAGE_SIZE));

    conform_family("fpu_taskswitch");
    ROW("set", 0, hv_fpu_taskswitch(1));
    ROW("set-other-than-1", 0, hv_fpu_taskswitch(-2));
    ROW("clear", 0, hv_fpu_taskswitch(0));

    conform_family("set_segment_base");
    ROW("fs", 0, hv_set_segment_base(SEGBASE_FS, 0x1234000));
    ROW("fs/non-canonical", -XEN_EINVAL, hv_set_segment_base(SEGBASE_FS, NON_CANONICAL));
    ROW("fs/hypervisor", 0, hv_set_segment_base(SEGBASE_FS, HYPERVISOR));
    ROW("fs/zero", 0, hv_set_segment_base(SEGBASE_FS, 0));
    ROW("gs-user", 0, hv_set_segment_base(SEGBASE_GS_USER, 0x1234000));
    ROW("gs-user/non-canonical", -XEN_EINVAL, hv_set_segment_base(SEGBASE_GS_USER, NON_CANONICAL));
    ROW("gs-kernel/non-canonical", -XEN_EINVAL,
        hv_set_segment_base(SEGBASE_GS_KERNEL, NON_CANONICAL));
    ROW("gs-kernel", 0, hv_set_segment_base(SEGBASE_GS_KERNEL, 0));
    ROW("gs-user-selector", 0, hv_set_segment_base(SEGBASE_GS_USER_SEL, 0));
    ROW("gs-user-selector/flat", 0, hv_set_segment_base(SEGBASE_GS_USER_SEL, FLAT_KERNEL_SS));
    ROW("gs-user-selector/beyond-the-table", 0, hv_set_segment_base(SEGBASE_GS_USER_SEL, 0x1003));
    ROW("gs-user-selector/no-ldt", 0, hv_set_segment_base(SEGBASE_GS_USER_SEL, 0x7));
    ROW("4", -XEN_EINVAL, hv_set_segment_base(4, 0));
    ROW("max", -XEN_EINVAL, hv_set_segment_base(~0U, 0));
    hv_set_segment_base(SEGBASE_GS_USER_SEL, 0);

    conform_family("set_debugreg");
    ROW("0", 0, hv_set_debugreg(0, 0x123456));
    ROW("0/read-back", 0x123456, hv_get_debugreg(0));
    ROW("0/hypervisor", -XEN_EPERM, hv_set_debugreg(0, HYPERVISOR));
    ROW("0/unchanged", 0x123456, hv_get_debugreg(0));
    ROW("3/non-canonical", -XEN_EPERM, hv_set_debugreg(3, NON_CANONICAL));
    ROW("0/zero", 0, hv_set_debugreg(0, 0));
    ROW("4", 0, hv_set_debugreg(4, 0));
    ROW("5", 0, hv_set_debugreg(5, 0));
    ROW("6", 0, hv_set_debugreg(6, 0));
    ROW("6/fixed-bits", 0xffff0ff0, hv_get_debugreg(6));
    ROW("7", 0, hv_set_debugreg(7, 0));
    ROW("7/fixed-bits", 0x400, hv_get_debugreg(7));
    ROW("7/general-detect", -XEN_EPERM, hv_set_debugreg(7, 1UL << 13));
    ROW("7/high-half", -XEN_EINVAL, hv_set_debugreg(7, 1UL << 32));
    ROW("7/io-breakpoint", -XEN_EPERM, hv_set_debugreg(7, 2UL << 16 | 1));
    ROW("7/io-breakpoint-off", 0, hv_set_debugreg(7, 2UL << 16));
    ROW("7/zero", 0, hv_set_debugreg(7, 0));
    ROW("8", -XEN_ENODEV, hv_set_debugreg(8, 0));
    ROW("minus-1", -XEN_ENODEV, hv_set_debugreg(-1, 0));
    conform_family("get_debugreg");
    ROW("4", 0xffff0ff0, hv_get_debugreg(4));
    ROW("5", 0x400, hv_get_debugreg(5));
    ROW("8", -XEN_ENODEV, hv_get_debugreg(8));
    ROW("minus-1", -XEN_ENODEV, hv_get_debugreg(-1));
}

static long callback(unsigned int type, unsigned int flags, unsigned long address)
{
    struct callback_register r = {
        .type = (uint16_t)type, .flags = (uint16_t)flags, .address = address};

    return hv_callback_op(CALLBACKOP_register, &r);
}

static long callback_off(unsigned int type)
{
    struct callback_unregister u = {.type = (uint16_t)type};

    return hv_callback_op(CALLBACKOP_unregister, &u);
}

static void callbacks(void)
{
    unsigned long event = (unsigned long)trap_event_entry;
    unsigned long failsafe = (unsigned long)trap_failsafe_entry;
    unsigned long syscall = (unsigned long)trap_syscall_entry;
    struct callback_register r = {.type = CALLBACKTYPE_event, .address = event};

    conform_family("callback_op");
    ROW("event", 0, callback(CALLBACKTYPE_event, 0, event));
    ROW("event/flags-all", 0, callback(CALLBACKTYPE_event, 0xffff, event));
    ROW("event/non-canonical", -XEN_EINVAL, callback(CALLBACKTYPE_event, 0, NON_CANONICAL));
    ROW("failsafe/non-canonical", -XEN_EINVAL, callback(CALLBACKTYPE_failsafe, 0, NON_CANONICAL));
    ROW("failsafe", 0, callback(CALLBACKTYPE_failsafe, CALLBACKF_mask_events, failsafe));
    ROW("syscall/non-canonical", -XEN_EINVAL, callback(CALLBACKTYPE_syscall, 0, NON_CANONICAL));
    ROW("syscall", 0, callback(CALLBACKTYPE_syscall, CALLBACKF_mask_events, syscall));
    ROW("sysenter", 0, callback(CALLBACKTYPE_sysenter, 0, syscall));
    ROW("sysenter/zero", 0, callback(CALLBACKTYPE_sysenter, 0, 0));
    ROW("sysenter-deprecated", -XEN_ENOSYS, callback(CALLBACKTYPE_sysenter_deprecated, 0, syscall));
    ROW("syscall32", 0, callback(CALLBACKTYPE_syscall32, 0, syscall));
    ROW("syscall32/zero", 0, callback(CALLBACKTYPE_syscall32, 0, 0));
    ROW("nmi", 0, callback(CALLBACKTYPE_nmi, 0, failsafe));
    ROW("nmi/non-canonical", -XEN_EINVAL, callback(CALLBACKTYPE_nmi, 0, NON_CANONICAL));
    ROW("nmi/off", 0, callback_off(CALLBACKTYPE_nmi));
    ROW("nmi/off-again", 0, callback_off(CALLBACKTYPE_nmi));
    ROW("type-6", -XEN_ENOSYS, callback(6, 0, event));
    ROW("type-8", -XEN_ENOSYS, callback(8, 0, event));
    ROW("type-max", -XEN_ENOSYS, callback(0xffff, 0, event));
    ROW("unregister/event", -XEN_EINVAL, callback_off(CALLBACKTYPE_event));
    ROW("unregister/failsafe", -XEN_EINVAL, callback_off(CALLBACKTYPE_failsafe));
    ROW("unregister/syscall", -XEN_EINVAL, callback_off(CALLBACKTYPE_syscall));
    ROW("unregister/syscall32", -XEN_EINVAL, callback_off(CALLBACKTYPE_syscall32));
    ROW("unregister/type-8", -XEN_ENOSYS, callback_off(8));
    ROW("2", -XEN_ENOSYS, hv_callback_op(2, &r));
    ROW("minus-1", -XEN_ENOSYS, hv_callback_op(-1, &r));
    POINTERS("register", -XEN_EFAULT, p, hv_callback_op(CALLBACKOP_register, p));
    POINTERS("unregister", -XEN_EFAULT, p, hv_callback_op(CALLBACKOP_unregister, p));
    READONLY("register", 0, p, r, hv_callback_op(CALLBACKOP_register, p));

    conform_family("set_callbacks");
    ROW("the-kit's", 0, HYPERCALL3(__HYPERVISOR_set_callbacks, event, failsafe, syscall));
    ROW("event-non-canonical", -XEN_EINVAL,
        HYPERCALL3(__HYPERVISOR_set_callbacks, NON_CANONICAL, failsafe, syscall));
    ROW("syscall-non-canonical", -XEN_EINVAL,
        HYPERCALL3(__HYPERVISOR_set_callbacks, event, failsafe, NON_CANONICAL));

    struct xennmi_callback nmi = {.handler_address = failsafe};
    conform_family("nmi_op");
    ROW("register", 0, HYPERCALL2(__HYPERVISOR_nmi_op, XENNMI_register_callback, &nmi));
    nmi.handler_address = NON_CANONICAL;
    ROW("register/address-non-canonical", -XEN_EINVAL,
        HYPERCALL2(__HYPERVISOR_nmi_op, XENNMI_register_callback, &nmi));
    ROW("unregister", 0, HYPERCALL2(__HYPERVISOR_nmi_op, XENNMI_unregister_callback, NULL));
    ROW("2", -XEN_ENOSYS, HYPERCALL2(__HYPERVISOR_nmi_op, 2, &nmi));
    ROW("minus-1", -XEN_ENOSYS, HYPERCALL2(__HYPERVISOR_nmi_op, -1, &nmi));
    POINTERS("register", -XEN_EFAULT, p,
             HYPERCALL2(__HYPERVISOR_nmi_op, XENNMI_register_callback, p));
    callback(CALLBACKTYPE_event, 0, event);
    callback(CALLBACKTYPE_failsafe, CALLBACKF_mask_events, failsafe);
    callback(CALLBACKTYPE_syscall, CALLBACKF_mask_events, syscall);
}

void conform_pv_cpu(void)
{
    trap_table();
    gdt();
    registers();
    callbacks();
}

static struct multicall_entry entry(unsigned long nr, unsigned long a1, unsigned long a2)
{
    return (struct multicall_entry){.op = nr, .result = 0x55, .args = {a1, a2}};
}

void conform_multicall(void)
{
    struct multicall_entry calls[3] = {entry(__HYPERVISOR_xen_version, XENVER_version, 0),
                                       entry(11, 0, 0),
                                       entry(__HYPERVISOR_xen_version, XENVER_pagesize, 0)};

    conform_family("multicall");
    ROW("none", 0, hv_multicall(calls, 0));
    ROW("none-nowhere", 0, hv_multicall((void *)NO_ADDRESS, 0));
    ROW("three", 0, hv_multicall(calls, 3));
    ROW("three/first", 4 << 16 | 17, calls[0].result);
    ROW("three/unknown-number", -XEN_ENOSYS, calls[1].result);
    ROW("three/goes-on", 4096, calls[2].result);
    calls[0] = entry(__HYPERVISOR_multicall, (unsigned long)&calls[1], 1);
    ROW("nested", 0, hv_multicall(calls, 1));
    ROW("nested/refused", -XEN_EINVAL, calls[0].result);
    calls[0] = entry(~0UL, 0, 0);
    ROW("number-max", 0, hv_multicall(calls, 1));
    ROW("number-max/refused", -XEN_ENOSYS, calls[0].result);
    calls[0] = entry(64, 0, 0);
    ROW("number-64", 0, hv_multicall(calls, 1));
    ROW("number-64/refused", -XEN_ENOSYS, calls[0].result);
    calls[0] = entry(1UL << 32 | __HYPERVISOR_xen_version, 0, 0);
    ROW("number-2^32", 0, hv_multicall(calls, 1));
    ROW("number-2^32/refused", -XEN_ENOSYS, calls[0].result);
    calls[0] = entry(__HYPERVISOR_event_channel_op, EVTCHNOP_send, NO_ADDRESS);
    ROW("bad-pointer-inside", 0, hv_multicall(calls, 1));
    ROW("bad-pointer-inside/result", -XEN_EFAULT, calls[0].result);
    calls[0] = entry(__HYPERVISOR_xen_version, XENVER_version, 0);
    struct multicall_entry *tail = conform_tail(calls, sizeof(calls[0]));
    ROW("off-the-page", -XEN_EFAULT, hv_multicall(tail, 2));
    ROW("off-the-page/first-done", 4 << 16 | 17, tail->result);
    ROW("count-max", -XEN_EFAULT, hv_multicall((void *)NO_ADDRESS, ~0U));
    POINTERS("list", -XEN_EFAULT, p, hv_multicall(p, 1));
    READONLY("list", -XEN_EFAULT, p, calls, hv_multicall(p, 1));
}
