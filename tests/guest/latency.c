/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the hypervisor stays in a call before it looks whether somebody else shall have the CPU: for the calls
 * that a guest can make longest. QEMU's clock counts instructions here (tests/guest/suite: icount), so the numbers
 * are the same each time.
 *
 * The measure: an event is pending and not masked when the call begins, so that it is left at each point where it can
 * be. The callback counts the time since the call was (re)entered, makes the event pending again, and goes back by a
 * plain IRET, so that the next instruction is the continued call. The last stretch is that to the call's end.
 */
#include "test.h"
#include "kit/grants.h"
#include "kit/vcpus.h"

/* Instructions. The scheduler's slice is 10 ms: a hundredth of it, or less, on a CPU that does one or two a
 * nanosecond. A page that is scrubbed is 512 of them here. */
#define LIMIT 500000

volatile struct {
    uint64_t start, longest, stretches;
    uint8_t *pending_and_mask;
} latency;

extern char latency_event_entry[];
__asm__(".pushsection .text\n"
        "latency_event_entry:\n\t"
        "push %rax; push %rdx; push %rbx\n\t"
        "rdtsc\n\t"
        "shl $32, %rdx; or %rdx, %rax\n\t"
        "sub latency(%rip), %rax\n\t"
        "cmp latency+8(%rip), %rax\n\t"
        "jbe 1f\n\t"
        "mov %rax, latency+8(%rip)\n"
        "1:\tincq latency+16(%rip)\n\t"
        "mov latency+24(%rip), %rbx\n\t"
        "movw $1, (%rbx)\n\t" /* pending, not masked */
        "rdtsc\n\t"
        "shl $32, %rdx; or %rdx, %rax\n\t"
        "mov %rax, latency(%rip)\n\t"
        "pop %rbx; pop %rdx; pop %rax\n\t"
        "pop %rcx; pop %r11\n\t"
        "movq $0xe033, 8(%rsp)\n\t"
        "movq $0xe02b, 32(%rsp)\n\t"
        "iretq\n"
        ".popsection");

static void callback(char *entry)
{
    struct callback_register reg = {.type = CALLBACKTYPE_event, .address = (unsigned long)entry};

    hv_callback_op(CALLBACKOP_register, &reg);
}

static long measure(const char *what, unsigned long nr, unsigned long a1, unsigned long a2,
                    unsigned long a3, unsigned long a4)
{
    long rc;

    latency.longest = latency.stretches = 0;
    latency.pending_and_mask = (uint8_t *)this_vcpu_info();
    callback(latency_event_entry);
    latency.start = rdtsc();
    *(volatile uint16_t *)latency.pending_and_mask = 1;
    rc = hypercall(nr, a1, a2, a3, a4, 0);
    *(volatile uint16_t *)latency.pending_and_mask = 0x100;
    callback(trap_event_entry);
    kprintf("# latency %s: %lu in %lu stretches (%ld)\n", what, latency.longest, latency.stretches,
            rc);
    return rc;
}

#define MEASURE(what, limit, nr, a1, a2, a3, a4)                                     \
    do {                                                                             \
        long rc_ = measure(what, nr, (unsigned long)(a1), (unsigned long)(a2),       \
                           (unsigned long)(a3), (unsigned long)(a4));                \
        if (rc_ < 0) {                                                               \
            test_fail("%s: %ld", what, rc_);                                         \
            return;                                                                  \
        }                                                                            \
        if (latency.longest > (limit)) {                                             \
            test_fail("%s: %lu instructions without a look", what, latency.longest); \
            return;                                                                  \
        }                                                                            \
    } while (0)

#define NR_L1 64
static uint64_t *tables[NR_L1 + 3];

static void build_tree(void)
{
    uint64_t data = (uint64_t)virt_to_mfn(page_alloc_zeroed()) << 12 | PTE_KERNEL;

    for (unsigned int i = 0; i < NR_L1 + 3; i++) {
        tables[i] = page_alloc_zeroed();
    }
    for (unsigned int i = 0; i < NR_L1; i++) {
        for (unsigned int k = 0; k < 512; k++) {
            tables[i][k] = data;
        }
        tables[NR_L1][i] = (uint64_t)virt_to_mfn(tables[i]) << 12 | PTE_KERNEL;
    }
    tables[NR_L1 + 1][0] = (uint64_t)virt_to_mfn(tables[NR_L1]) << 12 | PTE_KERNEL;
    tables[NR_L1 + 2][0] = (uint64_t)virt_to_mfn(tables[NR_L1 + 1]) << 12 | PTE_KERNEL;
    for (unsigned int i = 0; i < NR_L1 + 3; i++) {
        page_set_readonly(tables[i]);
    }
}

TEST(page_tables)
{
    static struct mmu_update updates[4096];
    static struct mmuext_op ops[512];
    unsigned long root;

    build_tree();
    root = virt_to_mfn(tables[NR_L1 + 2]);
    ops[0] = (struct mmuext_op){.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = root};
    MEASURE("pin of a full tree", LIMIT, __HYPERVISOR_mmuext_op, ops, 1, 0, DOMID_SELF);
    CHECK(latency.stretches > NR_L1 / 2); /* it is preempted where it can be */
    for (unsigned int i = 0; i < 4096; i++) {
        updates[i].ptr = (uint64_t)virt_to_mfn(tables[0]) << 12 | (i % 512) * 8;
        updates[i].val = i & 512 ? 0 : (uint64_t)virt_to_mfn(tables[1]) << 12 | PTE_KERNEL_RO;
    }
    MEASURE("mmu_update of 4096", LIMIT, __HYPERVISOR_mmu_update, updates, 4096, 0, DOMID_SELF);
    ops[0].cmd = MMUEXT_UNPIN_TABLE;
    MEASURE("unpin of it", LIMIT, __HYPERVISOR_mmuext_op, ops, 1, 0, DOMID_SELF);
    for (unsigned int i = 0; i < 512; i++) {
        ops[i].cmd = i & 1 ? MMUEXT_TLB_FLUSH_ALL : MMUEXT_CLEAR_PAGE;
        ops[i].arg1.mfn = virt_to_mfn(updates);
    }
    MEASURE("clearing and flushing 512 times", LIMIT, __HYPERVISOR_mmuext_op, ops, 512, 0,
            DOMID_SELF);
}

TEST(descriptor_tables)
{
    static unsigned long frames[2][14];
    static struct trap_info traps[257];

    for (unsigned int i = 0; i < 28; i++) {
        unsigned long *page = page_alloc_zeroed();

        page_set_readonly(page);
        frames[i / 14][i % 14] = virt_to_mfn(page);
    }
    MEASURE("a GDT of 14 pages", LIMIT, __HYPERVISOR_set_gdt, frames[0], 14 * 512, 0, 0);
    MEASURE("another one in its place", LIMIT, __HYPERVISOR_set_gdt, frames[1], 14 * 512, 0, 0);
    MEASURE("none in its place", LIMIT, __HYPERVISOR_set_gdt, 0, 0, 0, 0);
    for (unsigned int i = 0; i < 256; i++) {
        traps[i] = traps_table()[0];
        traps[i].vector = 200;
    }
    MEASURE("a full trap table", LIMIT, __HYPERVISOR_set_trap_table, traps, 0, 0, 0);
}

TEST(grants)
{
    static struct gnttab_map_grant_ref maps[256];
    static struct gnttab_unmap_grant_ref unmaps[256];
    static struct gnttab_copy copies[256];
    static struct gnttab_swap_grant_ref swaps[256];
    static xen_pfn_t frames[64];
    static struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 64};
    uint64_t *from = page_alloc_zeroed(), *to = page_alloc_zeroed();
    unsigned long window = 0x0000240000000000UL;

    set_xen_guest_handle(setup.frame_list, frames);
    MEASURE("a grant table of 64 frames", LIMIT, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table,
            &setup, 1, 0);
    grants_init();
    for (unsigned int i = 0; i < 256; i++) {
        map_page(l4_kernel(), window + i * PAGE_SIZE, 0);
        grant_access(8 + i, 0, virt_to_mfn(from), 0);
        maps[i] = (struct gnttab_map_grant_ref){
            .host_addr = window + i * PAGE_SIZE, .flags = GNTMAP_host_map, .ref = 8 + i};
        copies[i].source.u.ref = 8 + i;
        copies[i].source.domid = 0;
        copies[i].dest.domid = DOMID_SELF;
        copies[i].dest.u.gmfn = virt_to_mfn(to);
        copies[i].len = 4096;
        copies[i].flags = GNTCOPY_source_gref;
        swaps[i] = (struct gnttab_swap_grant_ref){300, 301, 0};
    }
    MEASURE("256 grants mapped", LIMIT, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, maps,
            256, 0);
    for (unsigned int i = 0; i < 256; i++) {
        unmaps[i].host_addr = maps[i].host_addr;
        unmaps[i].handle = maps[i].handle;
    }
    MEASURE("and unmapped", LIMIT, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, unmaps,
            256, 0);
    CHECK_EQ(unmaps[255].status, GNTST_okay);
    MEASURE("256 pages copied", LIMIT, __HYPERVISOR_grant_table_op, GNTTABOP_copy, copies, 256, 0);
    CHECK_EQ(copies[255].status, GNTST_okay);
    MEASURE("256 swaps", LIMIT, __HYPERVISOR_grant_table_op, GNTTABOP_swap_grant_ref, swaps, 256,
            0);
}

TEST(memory)
{
    static xen_pfn_t in[1024], out[512];
    static struct xen_memory_reservation r;
    static struct xen_memory_exchange x;

    for (unsigned int i = 0; i < 512; i++) {
        void *page = page_alloc();

        in[i] = virt_to_mfn(page);
        pte_write(page, 0);
    }
    r = (struct xen_memory_reservation){.nr_extents = 512, .domid = DOMID_SELF};
    set_xen_guest_handle(r.extent_start, in);
    MEASURE("512 pages given back", LIMIT, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r,
            0, 0);
    for (unsigned int i = 0; i < 512; i++) {
        in[i] = i;
    }
    MEASURE("and populated", LIMIT, __HYPERVISOR_memory_op, XENMEM_populate_physmap, &r, 0, 0);
    /* Exchanged frames are nobody's and dirty; so after some rounds scrubbing is in it. */
    x.in.domid = x.out.domid = DOMID_SELF;
    x.in.nr_extents = 512;
    x.out.nr_extents = 1;
    x.out.extent_order = 9;
    set_xen_guest_handle(x.in.extent_start, in);
    set_xen_guest_handle(x.out.extent_start, out);
    MEASURE("512 pages for an extent of order 9", LIMIT, __HYPERVISOR_memory_op, XENMEM_exchange,
            &x, 0, 0);
    for (unsigned int i = 0; i < 4; i++) {
        x.in.nr_extents = x.out.nr_extents = 1;
        x.in.extent_order = 9;
        x.nr_exchanged = 0;
        in[0] = out[0];
        out[0] = 0;
        MEASURE("and for another one", LIMIT, __HYPERVISOR_memory_op, XENMEM_exchange, &x, 0, 0);
    }

    r.nr_extents = 1;
    r.extent_order = 9;
    in[0] = out[0];
    MEASURE("an extent of order 9 given back", LIMIT, __HYPERVISOR_memory_op,
            XENMEM_decrease_reservation, &r, 0, 0);
    MEASURE("and populated", LIMIT, __HYPERVISOR_memory_op, XENMEM_populate_physmap, &r, 0, 0);
}

TEST(events)
{
    static struct evtchn_reset reset = {.dom = DOMID_SELF};
    static struct evtchn_init_control control;
    static struct evtchn_expand_array array;
    static struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    static evtchn_port_t list[128];
    static struct sched_poll poll = {.nr_ports = 128, .timeout = 1};
    long ports = 0;

    while (ports < 4000 && event_alloc_unbound(DOMID_SELF, DOMID_SELF) > 0) {
        ports++;
    }
    for (unsigned int i = 0; i < 128; i++) {
        list[i] = (evtchn_port_t)(ports - i);
    }
    set_xen_guest_handle(poll.ports, list);
    MEASURE("a poll of 128 ports", LIMIT, __HYPERVISOR_sched_op, SCHEDOP_poll, &poll, 0, 0);
    MEASURE("one port more than 4000", LIMIT, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
            &alloc, 0, 0);
    control.control_gfn = virt_to_mfn(page_alloc_zeroed());
    array.array_gfn = virt_to_mfn(page_alloc_zeroed());
    MEASURE("from two levels to FIFO", LIMIT, __HYPERVISOR_event_channel_op, EVTCHNOP_init_control,
            &control, 0, 0);
    MEASURE("a page of event words", LIMIT, __HYPERVISOR_event_channel_op, EVTCHNOP_expand_array,
            &array, 0, 0);
    MEASURE("all ports closed", LIMIT, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, &reset, 0, 0);
}

TEST(others)
{
    static struct multicall_entry calls[4096];
    static struct vcpu_guest_context context;
    static struct xen_machphys_mfn_list list;
    static xen_pfn_t extents[512];

    for (unsigned int i = 0; i < 4096; i++) {
        calls[i].op = __HYPERVISOR_xen_version;
    }
    MEASURE("a batch of 4096", LIMIT, __HYPERVISOR_multicall, calls, 4096, 0, 0);
    vcpu_context(&context, 1, NULL, NULL);
    MEASURE("a vCPU's state", LIMIT, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, &context, 0);
    list.max_extents = ~0u;
    set_xen_guest_handle(list.extent_start, extents);
    MEASURE("the frames of the M2P table", LIMIT, __HYPERVISOR_memory_op, XENMEM_machphys_mfn_list,
            &list, 0, 0);
}
