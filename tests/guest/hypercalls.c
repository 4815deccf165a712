/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypercall mechanism itself: numbers, results, and pointers of every illegal kind. A hypervisor
 * that trusts a guest pointer dies here; one that forgets a check writes where the guest may not.
 */
#include "test.h"

/* An address in the hypervisor's hole that is no guest-readable table, and one that is not canonical. */
#define HOLE_VA         0xffff808000000000UL
#define NONCANONICAL_VA 0x0000900000000000UL
/* User half, nothing mapped. */
#define UNMAPPED_VA 0x0000000012345000UL

extern char kit_hypercall_page[];

/* The version decides which tools Debian runs, so the number itself is ABI here. */
TEST(version_is_4_17)
{
    long v = hv_xen_version(XENVER_version, NULL);

    CHECK_EQ(v, 4 << 16 | 17);
    answer("number", "%ld", v);
}

/* Every sub-operation of xen_version that a guest reads at boot gives a terminated string or number. */
TEST(version_strings)
{
    static xen_extraversion_t extra;
    static xen_capabilities_info_t caps;
    static xen_platform_parameters_t params;
    static xen_changeset_info_t change;

    CHECK_EQ(hv_xen_version(XENVER_extraversion, &extra), 0);
    CHECK(strlen((char *)extra) < sizeof(extra));
    CHECK_EQ(hv_xen_version(XENVER_capabilities, &caps), 0);
    CHECK(strlen((char *)caps) < sizeof(caps));
    CHECK(strncmp((char *)caps, "xen-3.0-x86_64 ", 15) == 0);
    CHECK_EQ(hv_xen_version(XENVER_changeset, &change), 0);
    CHECK_EQ(hv_xen_version(XENVER_platform_parameters, &params), 0);
    answer("virt_start", "%#lx", params.virt_start);
    CHECK_EQ(hv_xen_version(XENVER_pagesize, NULL), 4096);
}

/* The feature bits decide which code paths every PV kernel takes. */
TEST(version_features)
{
    struct xen_feature_info info = {.submap_idx = 0};

    CHECK_EQ(hv_xen_version(XENVER_get_features, &info), 0);
    CHECK(info.submap & (1U << XENFEAT_mmu_pt_update_preserve_ad));
    CHECK(info.submap & (1U << XENFEAT_dom0));
    CHECK(!(info.submap & (1U << XENFEAT_auto_translated_physmap)));
    CHECK(!(info.submap & (1U << XENFEAT_writable_page_tables)));
    answer("submap0", "%#x", info.submap);
    info.submap_idx = 1;
    answer("submap1_rc", "%ld", hv_xen_version(XENVER_get_features, &info));
    info.submap_idx = 0xffffffff;
    answer("submap_max_rc", "%ld", hv_xen_version(XENVER_get_features, &info));
}

/* A domain can read its own handle, and an unknown sub-operation is -ENOSYS, not a crash. */
TEST(version_rest)
{
    static uint8_t handle[16];
    static xen_commandline_t line;

    CHECK_EQ(hv_xen_version(XENVER_guest_handle, handle), 0);
    CHECK_EQ(hv_xen_version(XENVER_commandline, &line), 0);
    CHECK_EQ(hv_xen_version(1000, handle), -XEN_ENOSYS);
    CHECK_EQ(hv_xen_version(-1, handle), -XEN_ENOSYS);
}

/* Numbers without a call answer -ENOSYS, also far outside any table: the index is clamped. */
TEST(unknown_numbers)
{
    static const unsigned long numbers[] = {
        11, 38, 43, 47, 50, 55, 56, 63, 64, 255, 256, 0x7fffffff, 0xffffffffUL, 1UL << 32, ~0UL};

    for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        long rc = HYPERCALL0(numbers[i]);

        if (rc != -XEN_ENOSYS) {
            test_fail("number %#lx answers %ld", numbers[i], rc);
            return;
        }
    }
}

/* The hypercall page's stubs do the same as the inline instruction. */
TEST(hypercall_page)
{
    long ret;
    unsigned long nr_stub = (unsigned long)kit_hypercall_page + __HYPERVISOR_xen_version * 32;

    __asm__ volatile("call *%1"
                     : "=a"(ret)
                     : "r"(nr_stub), "D"(0), "S"(0)
                     : "rcx", "r11", "rdx", "r10", "r8", "r9", "memory");
    CHECK_EQ(ret, 4 << 16 | 17);
}

/* Registers that the ABI keeps are kept; a scheduler or scrubbing bug shows as a changed one. */
TEST(registers_kept)
{
    uint64_t rbx = 0x1111, r12 = 0x2222, r13 = 0x3333, r14 = 0x4444, r15 = 0x5555;
    long rax = __HYPERVISOR_xen_version;

    __asm__ volatile(
        "mov %[b], %%rbx\n mov %[c], %%r12\n mov %[d], %%r13\n mov %[e], %%r14\n"
        "mov %[f], %%r15\n xor %%edi, %%edi\n xor %%esi, %%esi\n syscall\n"
        "mov %%rbx, %[b]\n mov %%r12, %[c]\n mov %%r13, %[d]\n mov %%r14, %[e]\n"
        "mov %%r15, %[f]\n"
        : "+a"(rax), [b] "+m"(rbx), [c] "+m"(r12), [d] "+m"(r13), [e] "+m"(r14), [f] "+m"(r15)
        :
        : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
          "memory");
    CHECK_EQ(rax, 4 << 16 | 17);
    CHECK_EQ(rbx, 0x1111);
    CHECK_EQ(r12, 0x2222);
    CHECK_EQ(r13, 0x3333);
    CHECK_EQ(r14, 0x4444);
    CHECK_EQ(r15, 0x5555);
}

/* A struct that the hypervisor must read or write at an address it may not: -EFAULT, nothing else. */
TEST(bad_pointers)
{
    static const unsigned long bad[] = {UNMAPPED_VA,          HOLE_VA,
                                        NONCANONICAL_VA,      ~0UL - 7,
                                        0xffff830000000000UL, 0xffff82d040000000UL};

    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        void *p = (void *)bad[i];

        CHECK_EQ(hv_xen_version(XENVER_get_features, p), -XEN_EFAULT);
        CHECK_EQ(hv_xen_version(XENVER_capabilities, p), -XEN_EFAULT);
        CHECK_EQ(hv_event_channel_op(EVTCHNOP_send, p), -XEN_EFAULT);
        CHECK_EQ(hv_sched_op(SCHEDOP_poll, p), -XEN_EFAULT);
        CHECK_EQ(hv_callback_op(CALLBACKOP_register, p), -XEN_EFAULT);
        CHECK_EQ(hv_multicall(p, 1), -XEN_EFAULT);
        CHECK_EQ(hv_mmu_update(p, 1, NULL, DOMID_SELF), -XEN_EFAULT);
        CHECK_EQ(hv_mmuext_op(p, 1, NULL, DOMID_SELF), -XEN_EFAULT);
        CHECK_EQ(hv_set_trap_table(p), -XEN_EFAULT);
        CHECK_EQ(hv_grant_table_op(GNTTABOP_query_size, p, 1), -XEN_EFAULT);
    }
}

/* The hypervisor must not read its own memory for a guest that names it as source. */
TEST(hypervisor_not_readable)
{
    static const unsigned long own[] = {0xffff82d040200000UL, 0xffff830000001000UL, HOLE_VA};

    for (unsigned int i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        CHECK_EQ(hv_console_io(CONSOLEIO_write, 16, (char *)own[i]), -XEN_EFAULT);
    }
}

/* Writing through a pointer to a read-only page of the guest itself is -EFAULT too. */
TEST(read_only_target)
{
    struct xen_feature_info *page = page_alloc_zeroed();

    page_set_readonly(page);
    long rc = hv_xen_version(XENVER_get_features, page);
    page_set_writable(page);
    page_free(page);
    CHECK_EQ(rc, -XEN_EFAULT);
}

/* A structure that begins on a mapped page and ends on an unmapped one is -EFAULT. */
TEST(straddling_pointer)
{
    char *pages = (char *)page_alloc();

    /* The start of the kit's own mapping: the page below KIT_VIRT_BASE is not mapped. */
    (void)pages;
    void *below = (void *)(KIT_VIRT_BASE - 4);
    CHECK_EQ(hv_event_channel_op(EVTCHNOP_status, below), -XEN_EFAULT);
    page_free(pages);
}

/* A handle at the very top of the address space plus a count must not wrap to low memory. */
TEST(wrapping_handles)
{
    CHECK_EQ(hv_multicall((void *)(~0UL - 63), 0x10000000), -XEN_EFAULT);
    CHECK(hv_mmu_update((void *)0xfffffffffffffff0UL, 0x0fffffff, NULL, DOMID_SELF) < 0);
    CHECK(hv_grant_table_op(GNTTABOP_copy, (void *)0xfffffffffffffff8UL, 0x02000000) < 0);
    CHECK(hv_grant_table_op(GNTTABOP_query_size, (void *)0xffff87fffffffff8UL, 0x01000000) < 0);
}

/* Multicall runs entries in order, stores each result, and carries on after a failing one. */
TEST(multicall)
{
    static struct multicall_entry calls[4];

    memset(calls, 0, sizeof(calls));
    calls[0].op = __HYPERVISOR_xen_version;
    calls[1].op = 11;
    calls[2].op = __HYPERVISOR_xen_version;
    calls[2].args[0] = XENVER_pagesize;
    calls[3].op = ~0UL;
    CHECK_EQ(hv_multicall(calls, 4), 0);
    CHECK_EQ(calls[0].result, 4 << 16 | 17);
    CHECK_EQ(calls[1].result, -XEN_ENOSYS);
    CHECK_EQ(calls[2].result, 4096);
    CHECK_EQ(calls[3].result, -XEN_ENOSYS);
    CHECK_EQ(hv_multicall(calls, 0), 0);
}

/* A multicall inside a multicall is refused: it could nest without bound. */
TEST(multicall_nested)
{
    static struct multicall_entry inner, outer;

    inner.op = __HYPERVISOR_xen_version;
    outer.op = __HYPERVISOR_multicall;
    outer.args[0] = (unsigned long)&inner;
    outer.args[1] = 1;
    CHECK_EQ(hv_multicall(&outer, 1), 0);
    answer("nested", "%ld", (long)outer.result);
    CHECK((long)outer.result < 0);
}

/* A multicall whose list runs off the mapped page faults, with the entries before it done. */
TEST(multicall_off_the_end)
{
    static struct multicall_entry calls[2];

    memset(calls, 0, sizeof(calls));
    calls[0].op = __HYPERVISOR_xen_version;
    CHECK_EQ(hv_multicall((struct multicall_entry *)UNMAPPED_VA, 2), -XEN_EFAULT);
    CHECK_EQ(hv_multicall(calls, 1), 0);
    CHECK_EQ(calls[0].result, 4 << 16 | 17);
}

/* Counts of 2^32-1 for each counted call: an error or a bounded walk, never a hang or a wrap. */
TEST(huge_counts)
{
    CHECK(hv_multicall((void *)UNMAPPED_VA, 0xffffffffU) < 0);
    CHECK(hv_mmu_update((void *)UNMAPPED_VA, 0x7fffffffU, NULL, DOMID_SELF) < 0);
    CHECK(hv_mmuext_op((void *)UNMAPPED_VA, 0x7fffffffU, NULL, DOMID_SELF) < 0);
    answer("mmu_update", "%ld", hv_mmu_update((void *)UNMAPPED_VA, 0xffffffffU, NULL, DOMID_SELF));
    answer("mmuext_op", "%ld", hv_mmuext_op((void *)UNMAPPED_VA, 0xffffffffU, NULL, DOMID_SELF));
    answer("grant_map", "%ld",
           hv_grant_table_op(GNTTABOP_map_grant_ref, (void *)UNMAPPED_VA, 0xffffffffU));
    answer("grant_copy", "%ld", hv_grant_table_op(GNTTABOP_copy, (void *)UNMAPPED_VA, 0xffffffffU));
    answer("set_gdt", "%ld", hv_set_gdt((void *)UNMAPPED_VA, 0xffffffffU));
    answer("console", "%ld", hv_console_io(CONSOLEIO_write, 0xffffffffU, (char *)UNMAPPED_VA));
}

/* Every multiplexed call answers an unknown sub-operation with an error. */
TEST(unknown_sub_operations)
{
    static char arg[512];

    answer("memory_op", "%ld", hv_memory_op(63, arg));
    answer("sched_op", "%ld", hv_sched_op(1000, arg));
    answer("event_channel_op", "%ld", hv_event_channel_op(1000, arg));
    answer("grant_table_op", "%ld", hv_grant_table_op(1000, arg, 1));
    answer("vcpu_op", "%ld", hv_vcpu_op(1000, 0, arg));
    answer("physdev_op", "%ld", hv_physdev_op(1000, arg));
    answer("console_io", "%ld", hv_console_io(1000, 0, arg));
    answer("callback_op", "%ld", hv_callback_op(1000, arg));
    answer("vm_assist_cmd", "%ld", hv_vm_assist(7, 0));
    answer("vm_assist_type", "%ld", hv_vm_assist(0, 40));
    answer("vm_assist_type_max", "%ld", hv_vm_assist(0, 0xffffffffU));
    answer("set_segment_base", "%ld", hv_set_segment_base(9, 0));
    answer("xsm_op", "%ld", HYPERCALL1(__HYPERVISOR_xsm_op, arg));
    answer("mmuext", "%ld", mmuext_one(1000, 0));
    answer("xenpmu", "%ld", HYPERCALL2(__HYPERVISOR_xenpmu_op, 4, arg));
}

/* vm_assist bits that Linux enables are all accepted, and can be taken back. */
TEST(vm_assist)
{
    static const unsigned int types[] = {0, 2, 3, 5};

    for (unsigned int i = 0; i < 4; i++) {
        CHECK_EQ(hv_vm_assist(VMASST_CMD_enable, types[i]), 0);
        CHECK_EQ(hv_vm_assist(VMASST_CMD_disable, types[i]), 0);
    }
}
