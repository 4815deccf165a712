/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More than one vCPU: bringing up, signalling, stopping, and what one does to the other's memory. */
#include "test.h"
#include "kit/time.h"
#include "kit/vcpus.h"

#define WINDOW 0x0000200000000000UL

static volatile unsigned int stage, order;
static volatile uint64_t counter;

/* Waits until *word is `value`, at most ten seconds. */
static bool becomes(volatile unsigned int *word, unsigned int value)
{
    uint64_t end = time_now() + 60000000000; /* far more than it takes, even on a busy machine */

    while (*word != value) {
        if (time_now() > end) {
            return false;
        }
        hv_sched_op(SCHEDOP_yield, NULL);
    }
    return true;
}

static bool is_down(unsigned int vcpu)
{
    uint64_t end = time_now() + 60000000000; /* far more than it takes, even on a busy machine */

    while (vcpu_is_up(vcpu) != 0) {
        if (time_now() > end) {
            return false;
        }
        hv_sched_op(SCHEDOP_yield, NULL);
    }
    return true;
}

TEST(is_up)
{
    CHECK_EQ(vcpu_is_up(0), 1);
    CHECK_EQ(vcpu_is_up(1), 0);
    CHECK_EQ(vcpu_is_up(64), -XEN_ENOENT);
    CHECK_EQ(vcpu_is_up(8191), -XEN_ENOENT);
    CHECK_EQ(vcpu_is_up(0xffffffff), -XEN_ENOENT);
}

TEST(up_before_initialise)
{
    answer("up", "%ld", hv_vcpu_op(VCPUOP_up, 1, NULL));
    CHECK(hv_vcpu_op(VCPUOP_up, 1, NULL) < 0);
    answer("down", "%ld", hv_vcpu_op(VCPUOP_down, 1, NULL));
    answer("initialise_none", "%ld", hv_vcpu_op(VCPUOP_initialise, 99, NULL));
    answer("initialise_null", "%ld", hv_vcpu_op(VCPUOP_initialise, 1, NULL));
}

static void unused(void *arg)
{
    (void)arg;
    for (;;) {
        vcpu_down_self();
    }
}

/* Start states with an address space or table that is not the guest's to use. */
TEST(initialise_bad)
{
    static struct vcpu_guest_context context;

    vcpu_context(&context, 1, unused, NULL);
    context.ctrlreg[3] = xen_pfn_to_cr3(1UL << 40);
    answer("cr3_beyond", "%ld", hv_vcpu_op(VCPUOP_initialise, 1, &context));
    void *page = page_alloc_zeroed();
    vcpu_context(&context, 1, unused, NULL);
    context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(page));
    answer("cr3_data", "%ld", hv_vcpu_op(VCPUOP_initialise, 1, &context));
    vcpu_context(&context, 1, unused, NULL);
    context.gdt_ents = 9000;
    answer("gdt_entries", "%ld", hv_vcpu_op(VCPUOP_initialise, 1, &context));
    vcpu_context(&context, 1, unused, NULL);
    context.gdt_ents = 512;
    context.gdt_frames[0] = virt_to_mfn(l4_kernel());
    answer("gdt_table", "%ld", hv_vcpu_op(VCPUOP_initialise, 1, &context));
    CHECK(hv_vcpu_op(VCPUOP_up, 1, NULL) < 0);
    vcpu_context(&context, 1, unused, NULL);
    context.event_callback_eip = 0x0000900000000000UL;
    answer("event_address", "%ld", hv_vcpu_op(VCPUOP_initialise, 1, &context));
    page_free(page);
}

static void (*volatile job)(void);

static uint64_t first_xmm;

static void first_life(void *arg)
{
    __asm__ volatile("movq %%xmm0, %0" : "=r"(first_xmm));
    stage = this_vcpu() == 1 ? (unsigned int)(uint64_t)arg : 99;
    while (order != 1) {
        counter++;
    }
    stage = 2;
    for (;;) {
        vcpu_down_self();
        stage = 3;
        if (job != NULL) {
            job();
        }
    }
}

/* A vCPU starts with the context it was given, runs, goes down by itself and comes up where it was. */
TEST(start_and_stop)
{
    static struct vcpu_guest_context context;

    stage = order = 0;
    vcpu_context(&context, 1, first_life, (void *)1UL);
    /* With an FPU image, as a restored vCPU has one: control words, and a number in XMM0. */
    context.flags |= VGCF_I387_VALID;
    *(uint16_t *)context.fpu_ctxt.x = 0x37f;
    *(uint32_t *)(context.fpu_ctxt.x + 24) = 0x1f80;
    *(uint64_t *)(context.fpu_ctxt.x + 160) = 0xabcdef;
    CHECK_EQ(hv_vcpu_op(VCPUOP_initialise, 1, &context), 0);
    CHECK_EQ(hv_vcpu_op(VCPUOP_up, 1, NULL), 0);
    CHECK(becomes(&stage, 1));
    CHECK_EQ(first_xmm, 0xabcdef);
    CHECK_EQ(vcpu_is_up(1), 1);
    uint64_t before = counter;
    /* Both run at once, as soon as the machine below lets them. */
    uint64_t end = time_now() + 60000000000;
    while (counter == before && time_now() < end) {
    }
    CHECK(counter > before);
    order = 1;
    CHECK(becomes(&stage, 2));
    CHECK(is_down(1));
    CHECK_EQ(hv_vcpu_op(VCPUOP_up, 1, NULL), 0);
    CHECK(becomes(&stage, 3));
    CHECK(is_down(1));
    vcpu_context(&context, 1, unused, NULL);
    answer("initialise_twice", "%ld", hv_vcpu_op(VCPUOP_initialise, 1, &context));
    answer("up_of_up", "%ld", hv_vcpu_op(VCPUOP_up, 0, NULL));
}

/* The tests below give vCPU 1 jobs: VCPUOP_up lets first_life() run one and go down again. */
static long run_on_vcpu1(void (*fn)(void))
{
    job = fn;
    barrier(); /* the job is there before the vCPU runs */
    return hv_vcpu_op(VCPUOP_up, 1, NULL);
}

static evtchn_port_t to1, to0;
static volatile unsigned int got0, got1;

static void on_to0(evtchn_port_t port)
{
    (void)port;
    got0++;
}

static void on_to1(evtchn_port_t port)
{
    (void)port;
    got1++;
    event_send(to0);
}

static void answer_ipis(void)
{
    events_on();
    stage = 10;
    for (;;) {
        events_off(); /* no event may come between the test and the sleep, which turns them on again */
        if (got1 >= 100) {
            break;
        }
        hv_sched_op(SCHEDOP_block, NULL);
    }
}

/* A hundred IPIs each way; each vCPU sleeps between them. A lost wake-up hangs here. */
TEST(ipis)
{
    long a = event_bind_ipi(1), b = event_bind_ipi(0);

    CHECK(a > 0);
    CHECK(b > 0);
    to1 = (evtchn_port_t)a;
    to0 = (evtchn_port_t)b;
    got0 = got1 = 0;
    event_handle_on(1, to1, on_to1);
    event_handle(to0, on_to0);
    CHECK_EQ(run_on_vcpu1(answer_ipis), 0);
    CHECK(becomes(&stage, 10));
    events_on();
    for (unsigned int i = 1; i <= 100; i++) {
        CHECK_EQ(event_send(to1), 0);
        CHECK(becomes(&got0, i));
    }
    events_off();
    CHECK_EQ(got1, 100);
    CHECK(is_down(1));
    event_handle_on(0, to1, NULL);
    event_handle(to0, NULL);
    CHECK_EQ(event_close(to1), 0);
    CHECK_EQ(event_close(to0), 0);
}

static volatile unsigned int faults;

static void count_fault(struct trap_frame *frame)
{
    (void)frame;
    if (this_vcpu() == 1) {
        faults++;
        while (faults != 0) {
            __asm__ volatile("pause"); /* the page comes back before vCPU 0 sets it to zero */
        }
    }
}

static void read_window(void)
{
    stage = 20;
    while (order != 20) {
        (void)*(volatile uint64_t *)WINDOW;
    }
}

/* Unmapping with UVMF_ALL reaches the other vCPU's TLB: it must fault, not read on. */
TEST(remote_flush)
{
    void *page = page_alloc_zeroed();
    uint64_t pte = (uint64_t)virt_to_mfn(page) << 12 | PTE_KERNEL;

    CHECK_EQ(map_page(l4_kernel(), WINDOW, pte), 0);
    trap_handler_t before = trap_set_handler(14, count_fault);
    CHECK_EQ(run_on_vcpu1(read_window), 0);
    bool seen = becomes(&stage, 20);
    for (unsigned int i = 0; i < 20 && seen; i++) {
        faults = 0;
        pte_write((void *)WINDOW, 0);
        seen = becomes(&faults, 1);
        pte_write((void *)WINDOW, pte);
        faults = 0;
    }
    order = 20;
    bool down = is_down(1);
    trap_set_handler(14, before);
    pte_write((void *)WINDOW, 0);
    page_free(page);
    CHECK(seen);
    CHECK(down);
}

#define FAR_SLOT 0x0000300000000000UL /* an L4 entry of its own */

static volatile unsigned int turn, reads;

/* Reads once a turn; between turns it does not leave the guest. */
static void read_far(void)
{
    stage = 25;
    for (unsigned int done = 0; order != 25;) {
        if (turn != done) {
            (void)*(volatile uint64_t *)FAR_SLOT;
            reads++;
            done = turn;
        }
        __asm__ volatile("pause");
    }
}

/* An entry of the root that both vCPUs run on: gone after a flush, and there as soon as it is written,
 * without any. */
TEST(remote_root_entry)
{
    void *page = page_alloc_zeroed();
    uint64_t l4e, place = virt_to_maddr(l4_kernel()) + pt_index(FAR_SLOT, 4) * 8;

    CHECK_EQ(map_page(l4_kernel(), FAR_SLOT, (uint64_t)virt_to_mfn(page) << 12 | PTE_KERNEL), 0);
    l4e = l4_kernel()[pt_index(FAR_SLOT, 4)];
    trap_handler_t before = trap_set_handler(14, count_fault);
    turn = reads = faults = 0;
    CHECK_EQ(run_on_vcpu1(read_far), 0);
    bool ok = becomes(&stage, 25);
    for (unsigned int i = 1; i <= 20 && ok; i++) {
        /* The table is pinned, so that it keeps its type without the entry. */
        if (i == 1) {
            ok = mmuext_one(MMUEXT_PIN_L3_TABLE, (l4e & PTE_ADDR) >> 12) == 0;
        }
        ok = ok && mmu_update_one(place, 0) == 0 && mmuext_one(MMUEXT_TLB_FLUSH_ALL, 0) == 0;
        if (i % 2 == 0) { /* not there */
            turn++;
            ok = ok && becomes(&faults, 1) && mmu_update_one(place, l4e) == 0;
            faults = 0;
        } else { /* there again, before it is looked at */
            ok = ok && mmu_update_one(place, l4e) == 0;
            turn++;
        }
        ok = ok && becomes(&reads, i) && faults == 0;
    }
    order = 25;
    bool down = is_down(1);
    trap_set_handler(14, before);
    CHECK(ok);
    CHECK(down);
    CHECK_EQ(mmuext_one(MMUEXT_UNPIN_TABLE, (l4e & PTE_ADDR) >> 12), 0);
    pte_write((void *)FAR_SLOT, 0);
    page_free(page);
}

static volatile unsigned int nmis;

static void on_nmi(struct trap_frame *frame)
{
    (void)frame;
    if (this_vcpu() == 1) {
        nmis++;
    }
}

static void spin_then_block(void)
{
    stage = 27;
    while (nmis == 0) {
        __asm__ volatile("pause");
    }
    stage = 28;
    while (nmis == 1) {
        hv_sched_op(SCHEDOP_block, NULL);
    }
}

static bool falls_asleep(unsigned int vcpu)
{
    struct vcpu_runstate_info info;
    uint64_t end = time_now() + 60000000000; /* as above */

    do {
        if (hv_vcpu_op(VCPUOP_get_runstate_info, vcpu, &info) != 0 || time_now() > end) {
            return false;
        }
    } while (info.state != RUNSTATE_blocked);
    return true;
}

/* An NMI reaches a vCPU that runs, and one that sleeps. */
TEST(nmi_to_other)
{
    trap_handler_t before = trap_set_handler(2, on_nmi);

    nmis = 0;
    CHECK_EQ(run_on_vcpu1(spin_then_block), 0);
    bool ok = becomes(&stage, 27) && hv_vcpu_op(VCPUOP_send_nmi, 1, NULL) == 0 &&
              becomes(&nmis, 1) && becomes(&stage, 28);
    ok = ok && falls_asleep(1) && hv_vcpu_op(VCPUOP_send_nmi, 1, NULL) == 0 && becomes(&nmis, 2);
    bool down = is_down(1);
    trap_set_handler(2, before);
    CHECK(ok);
    CHECK(down);
}

static volatile unsigned int errors;

static void map_many(unsigned long va, void *page)
{
    uint64_t pte = (uint64_t)virt_to_mfn(page) << 12 | PTE_KERNEL;

    for (unsigned int i = 0; i < 2000; i++) {
        if (hv_update_va_mapping(va, i & 1 ? pte : pte & ~PTE_RW, UVMF_INVLPG) != 0) {
            errors++;
        }
    }
    hv_update_va_mapping(va, 0, UVMF_INVLPG);
}

static void *shared_page;

static void map_from_1(void)
{
    map_many(WINDOW + PAGE_SIZE, shared_page);
    stage = 30;
}

/* Both vCPUs change mappings of one frame under one table at once: counts must come out even. */
TEST(concurrent_updates)
{
    shared_page = page_alloc_zeroed();
    CHECK_EQ(map_page(l4_kernel(), WINDOW, 0), 0);
    errors = 0;
    CHECK_EQ(run_on_vcpu1(map_from_1), 0);
    map_many(WINDOW, shared_page);
    CHECK(becomes(&stage, 30));
    CHECK(is_down(1));
    CHECK_EQ(errors, 0);
    /* No writable reference may be left, or this pin fails. */
    page_set_readonly(shared_page);
    CHECK_EQ(mmuext_one(MMUEXT_PIN_L1_TABLE, virt_to_mfn(shared_page)), 0);
    CHECK_EQ(mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(shared_page)), 0);
    page_set_writable(shared_page);
    page_free(shared_page);
}

static void pin_many(void)
{
    for (unsigned int i = 0; i < 500; i++) {
        mmuext_one(MMUEXT_PIN_L1_TABLE, virt_to_mfn(shared_page));
        mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(shared_page));
    }
    stage = 40;
}

/* One pins and unpins a page while the other maps it writable: never both. */
TEST(pin_against_map)
{
    uint64_t pte;

    shared_page = page_alloc_zeroed();
    page_set_readonly(shared_page);
    pte = (uint64_t)virt_to_mfn(shared_page) << 12 | PTE_KERNEL;
    CHECK_EQ(run_on_vcpu1(pin_many), 0);
    for (unsigned int i = 0; i < 500; i++) {
        hv_update_va_mapping(WINDOW, pte, UVMF_INVLPG);
        hv_update_va_mapping(WINDOW, 0, UVMF_INVLPG);
    }
    CHECK(becomes(&stage, 40));
    CHECK(is_down(1));
    mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(shared_page));
    CHECK_EQ(pte_write((void *)WINDOW, pte), 0);
    CHECK_EQ(pte_write((void *)WINDOW, 0), 0);
    page_set_writable(shared_page);
    page_free(shared_page);
}

static long pin_to_cpu(int cpu)
{
    struct sched_pin_override pin = {.pcpu = cpu};

    return hv_sched_op(SCHEDOP_pin_override, &pin);
}

static void other_sse(void)
{
    if (pin_to_cpu(0) == 0) {
        __asm__ volatile("movq %0, %%xmm7" ::"r"(0x2222222222222222UL));
        stage = 51;
        pin_to_cpu(-1);
    } else {
        stage = 52;
    }
}

/* SSE registers are each vCPU's own, also while XCR0 does not name them: SSE needs only CR4.OSFXSR. */
TEST(sse_registers)
{
    uint64_t mine = 0x1111111111111111, seen;

    if (pin_to_cpu(0) != 0) {
        SKIP("cannot be pinned");
    }
    stage = 50;
    __asm__ volatile("movq %0, %%xmm7" ::"r"(mine));
    long rc = run_on_vcpu1(other_sse);
    bool done = rc == 0 && becomes(&stage, 51);
    __asm__ volatile("movq %%xmm7, %0" : "=r"(seen));
    CHECK_EQ(pin_to_cpu(-1), 0);
    CHECK(done);
    CHECK_EQ(seen, mine);
    CHECK(is_down(1));
}

/* Fifty times up and down. */
static void nothing(void)
{
}

TEST(up_down_cycles)
{
    for (unsigned int i = 0; i < 50; i++) {
        CHECK_EQ(run_on_vcpu1(nothing), 0);
        CHECK(is_down(1));
    }
}

/* One vCPU takes another down. */
static void spin_forever(void)
{
    for (;;) {
        counter++;
    }
}

TEST(down_by_other)
{
    CHECK_EQ(run_on_vcpu1(spin_forever), 0);
    time_spin(5000000);
    CHECK_EQ(hv_vcpu_op(VCPUOP_down, 1, NULL), 0);
    CHECK(is_down(1));
    /* Its processor may take a moment to hear of it: it must stand still at last. */
    uint64_t before;
    unsigned int tries = 0;
    do {
        before = counter;
        time_spin(20000000);
    } while (counter != before && ++tries < 20);
    CHECK_EQ(counter, before);
}

/* register_vcpu_info moves the record once; then the new place is live. */
TEST(register_vcpu_info)
{
    struct vcpu_info *page = page_alloc_zeroed();
    struct vcpu_register_vcpu_info op = {.mfn = virt_to_mfn(page), .offset = 4096 - 32};

    answer("crossing", "%ld", hv_vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    CHECK(hv_vcpu_op(VCPUOP_register_vcpu_info, 0, &op) < 0);
    op.offset = 0xffffffc0;
    answer("offset_max", "%ld", hv_vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    op.offset = 0;
    op.mfn = virt_to_mfn(l4_kernel());
    answer("table", "%ld", hv_vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    CHECK(hv_vcpu_op(VCPUOP_register_vcpu_info, 0, &op) < 0);
    op.mfn = 1UL << 40;
    answer("beyond", "%ld", hv_vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    op.mfn = virt_to_mfn(page);
    op.offset = 128;
    CHECK_EQ(hv_vcpu_op(VCPUOP_register_vcpu_info, 0, &op), 0);
    events_set_vcpu_info(0, (struct vcpu_info *)((char *)page + 128));
    answer("twice", "%ld", hv_vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    uint64_t a = time_now();
    CHECK(time_now() >= a);
    CHECK(this_vcpu_info()->time.tsc_to_system_mul != 0);
    long port = event_bind_ipi(0);
    got0 = 0;
    event_handle(port, on_to0);
    events_on();
    CHECK_EQ(event_send(port), 0);
    CHECK_EQ(got0, 1);
    events_off();
    CHECK_EQ(event_close(port), 0);
}
