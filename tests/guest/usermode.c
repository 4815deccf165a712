/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User mode of a PV guest: its own L4, entered by HYPERVISOR_iret with a selector of RPL 3, left by system
 * call, exception, INT 0x80 or event. The user side must not reach the kernel's pages or hypercalls.
 */
#include "test.h"
#include "kit/time.h"
#include "kit/user.h"

/* Pieces of user code; user_space_load() copies them to USER_CODE_VA, so they are position independent. */
#define USER_CODE(name, text)                             \
    extern const char user_##name[], user_##name##_end[]; \
    __asm__(".section .rodata\nuser_" #name ":\n" text "\nuser_" #name "_end:\n.previous\n")

USER_CODE(syscall, "mov $0x1234, %eax; mov $7, %edi; mov $8, %esi; syscall; ud2");
USER_CODE(int80, "mov $0x4321, %eax; int $0x80; ud2");
USER_CODE(read, "mov (%rdi), %rax; ud2");
USER_CODE(write, "mov %rax, (%rdi); ud2");
USER_CODE(ud2, "ud2");
USER_CODE(int3, "int3; ud2");
USER_CODE(int81, "int $0x81; ud2");
USER_CODE(int20, "int $0x20; ud2");
USER_CODE(spin, "1: incq (%rdi); jmp 1b");
USER_CODE(cli, "cli; ud2");
USER_CODE(rdmsr, "mov $0xc0000080, %ecx; rdmsr; ud2");
USER_CODE(hlt, "hlt; ud2");
USER_CODE(gs, "mov %gs:0, %rax; ud2");
USER_CODE(fs, "mov %fs:0, %rax; ud2");
USER_CODE(step, "pushf; orl $0x100, (%rsp); popf; nop; nop; ud2");
USER_CODE(ac, "pushf; orl $0x40000, (%rsp); popf; mov 1(%rdi), %rax; ud2");
USER_CODE(in, "in $0x80, %al; ud2");

static struct user_space space;
static bool made;

static struct trap_frame run(const char *from, const char *to, uint64_t rdi)
{
    struct trap_frame f = user_frame();

    if (!made) {
        user_space_create(&space);
        made = true;
    }
    user_space_load(&space, from, to);
    f.rdi = rdi;
    user_run(&f);
    return f;
}

#define RUN(name, rdi) run(user_##name, user_##name##_end, rdi)

/* SYSCALL in user mode reaches the registered callback with number, arguments and return address. */
TEST(syscall)
{
    struct trap_frame f = RUN(syscall, 0);

    CHECK_EQ(f.vector, TRAP_SYSCALL);
    CHECK_EQ(f.rax, 0x1234);
    CHECK_EQ(f.rdi, 7);
    CHECK_EQ(f.rsi, 8);
    CHECK_EQ(f.rip, USER_CODE_VA + 17);
    CHECK_EQ(f.cs & 3, 3);
    CHECK_EQ(f.rsp, USER_STACK_VA + PAGE_SIZE);
    answer("cs", "%#lx", f.cs);
    answer("ss", "%#lx", f.ss);
    answer("rcx_is_rip", "%d", f.rcx == f.rip);
    answer("rflags_if", "%d", !!(f.rflags & RFLAGS_IF));
}

/* The kernel goes back to user mode behind the system call, by both kinds of iret. */
TEST(syscall_return)
{
    struct trap_frame f = RUN(syscall, 0);

    f.rax = 0x99;
    user_run(&f);
    CHECK_EQ(f.vector, 6);
    CHECK_EQ(f.rax, 0x99);
    CHECK_EQ(f.rip, USER_CODE_VA + 17);
}

TEST(int80)
{
    struct trap_frame f = RUN(int80, 0);

    CHECK_EQ(f.vector, 128);
    CHECK_EQ(f.rax, 0x4321);
    CHECK_EQ(f.rip, USER_CODE_VA + 7);
}

/* User code has the gates of its ring alone: INT 3 and 0x80 and up are, the kernel's 0x20 is not. */
TEST(int_n)
{
    static xen_extraversion_t extra;

    CHECK_EQ(hv_xen_version(XENVER_extraversion, &extra), 0);
    if (strncmp(extra, ".0-hospes", 9) != 0) {
        SKIP("QEMU 7.2 gives Xen wrong vectors");
    }
    struct trap_frame f = RUN(int81, 0);
    CHECK_EQ(f.vector, 129);
    CHECK_EQ(f.rip, USER_CODE_VA + 2);
    f = RUN(int20, 0);
    CHECK_EQ(f.vector, 13);
    CHECK_EQ(f.rip, USER_CODE_VA);
}

/* Exceptions out of user mode carry RPL 3, and page faults the user bit. */
TEST(exceptions)
{
    struct trap_frame f = RUN(ud2, 0);

    CHECK_EQ(f.vector, 6);
    CHECK_EQ(f.cs & 3, 3);
    CHECK_EQ(f.rip, USER_CODE_VA);
    f = RUN(int3, 0);
    CHECK_EQ(f.vector, 3);
    CHECK_EQ(f.rip, USER_CODE_VA + 1);
    f = RUN(read, 0x123456789000UL);
    CHECK_EQ(f.vector, 14);
    CHECK_EQ(f.error, 4);
    CHECK_EQ(last_cr2(), 0x123456789000UL);
    f = RUN(write, USER_DATA_VA + PAGE_SIZE);
    CHECK_EQ(f.error, 6);
}

/* Data written in user mode is what the kernel sees in the same page. */
TEST(shared_data)
{
    *(uint64_t *)space.data = 0x5151;
    struct trap_frame f = RUN(read, USER_DATA_VA);

    CHECK_EQ(f.vector, 6);
    CHECK_EQ(f.rax, 0x5151);
}

/* The kernel's pages and the hypervisor's are out of reach from the user's tables. */
TEST(kernel_unreachable)
{
    struct trap_frame f = RUN(read, KIT_VIRT_BASE + 0x100000);

    CHECK_EQ(f.vector, 14);
    CHECK_EQ(f.error, 4);
    f = RUN(read, 0xffff82d040200000UL);
    CHECK_EQ(f.vector, 14);
    CHECK_EQ(f.error & ~1UL, 4);
}

/* Privileged instructions of user mode are #GP in the kernel, not emulated. */
TEST(privileged)
{
    struct trap_frame f = RUN(cli, 0);

    CHECK_EQ(f.vector, 13);
    CHECK_EQ(f.rip, USER_CODE_VA);
    f = RUN(rdmsr, 0);
    CHECK_EQ(f.vector, 13);
    f = RUN(hlt, 0);
    CHECK_EQ(f.vector, 13);
    f = RUN(in, 0);
    CHECK_EQ(f.vector, 13);
}

/* FS and GS of user mode have the bases that the kernel set for it, and the kernel's GS is another. */
TEST(segment_bases)
{
    uint64_t *data = space.data;

    data[0] = 0xf5;
    data[16] = 0x65;
    CHECK_EQ(hv_set_segment_base(SEGBASE_FS, USER_DATA_VA), 0);
    CHECK_EQ(hv_set_segment_base(SEGBASE_GS_USER, USER_DATA_VA + 128), 0);
    CHECK_EQ(hv_set_segment_base(SEGBASE_GS_KERNEL, (unsigned long)data), 0);
    struct trap_frame f = RUN(fs, 0);
    CHECK_EQ(f.vector, 6);
    CHECK_EQ(f.rax, 0xf5);
    f = RUN(gs, 0);
    CHECK_EQ(f.vector, 6);
    CHECK_EQ(f.rax, 0x65);
    uint64_t in_kernel;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(in_kernel));
    CHECK_EQ(in_kernel, 0xf5);
    answer("noncanonical", "%ld", hv_set_segment_base(SEGBASE_FS, 0x0000900000000000UL));
    answer("gs_sel", "%ld", hv_set_segment_base(SEGBASE_GS_USER_SEL, 0));
    answer("gs_sel_bad", "%ld", hv_set_segment_base(SEGBASE_GS_USER_SEL, 0x1003));
}

/* Single step of user code. */
TEST(single_step)
{
    struct trap_frame f = RUN(step, 0);

    CHECK_EQ(f.vector, 1);
    CHECK_EQ(f.cs & 3, 3);
}

/* Alignment checks stay a user-mode affair of the guest. */
TEST(alignment_check)
{
    struct trap_frame f = RUN(ac, USER_DATA_VA);

    answer("vector", "%lu", f.vector);
}

/* An event interrupts a user-mode loop and the loop goes on behind it. */
static evtchn_port_t timer_port;
static unsigned int ticks;

static void on_timer(evtchn_port_t port)
{
    (void)port;
    ticks++;
}

TEST(event_in_user_mode)
{
    *(uint64_t *)space.data = 0;
    ticks = 0;
    long port = event_bind_virq(VIRQ_TIMER, 0);
    CHECK(port > 0);
    timer_port = (evtchn_port_t)port;
    event_handle(timer_port, on_timer);
    events_on();
    events_off();
    /* A busy machine may be late with the first user instruction: then once more, with more time. */
    for (uint64_t wait = 50000000; wait <= 50000000UL << 8; wait *= 2) {
        ticks = 0;
        CHECK_EQ(timer_set(time_now() + wait, 0), 0);
        trap_handler_t before = trap_set_handler(TRAP_EVENT, NULL);
        struct trap_frame f = RUN(spin, USER_DATA_VA);
        trap_set_handler(TRAP_EVENT, before);
        CHECK_EQ(f.vector, TRAP_EVENT);
        CHECK_EQ(f.cs & 3, 3);
        CHECK(f.rflags & RFLAGS_IF);
        CHECK(event_pending(timer_port));
        events_on();
        CHECK_EQ(ticks, 1);
        events_off();
        if (*(uint64_t *)space.data > 0)
            break;
    }
    CHECK(*(uint64_t *)space.data > 0);
    CHECK_EQ(event_close(timer_port), 0);
}

/*
 * An IRET within a multicall ends the batch: what would follow, would run with the user's tables loaded,
 * and could take them away from under the CPU.
 */
#define BATCH_VA (USER_DATA_VA + 256)

static void enter_by_batch(void *frame)
{
    static struct iret_context c;
    const struct trap_frame *f = frame;
    struct multicall_entry *calls = (struct multicall_entry *)BATCH_VA;

    c = (struct iret_context){
        .rax = f->rax, .rip = f->rip, .cs = f->cs, .rflags = f->rflags, .rsp = f->rsp, .ss = f->ss};
    __asm__ volatile("mov %0, %%rsp; syscall; ud2" ::"r"(&c), "a"(__HYPERVISOR_multicall),
                     "D"(calls), "S"(2UL)
                     : "memory");
    __builtin_unreachable();
}

TEST(iret_in_multicall)
{
    struct multicall_entry *calls = (struct multicall_entry *)BATCH_VA;
    struct mmuext_op *op = (struct mmuext_op *)(USER_DATA_VA + 512);
    struct trap_frame f = user_frame();

    /* The list lies at the same address for kernel and user. */
    CHECK_EQ(
        map_page(l4_kernel(), USER_DATA_VA, (uint64_t)virt_to_mfn(space.data) << 12 | PTE_KERNEL),
        0);
    memset(calls, 0, 2 * sizeof(*calls));
    calls[0].op = __HYPERVISOR_iret;
    calls[1].op = __HYPERVISOR_mmuext_op;
    calls[1].args[0] = (unsigned long)op;
    calls[1].args[1] = 1;
    calls[1].args[3] = DOMID_SELF;
    calls[1].result = 0x5a5a;
    memset(op, 0, sizeof(*op));
    op->cmd = MMUEXT_NEW_USER_BASEPTR;
    user_space_load(&space, user_ud2, user_ud2_end);
    f.rax = 0x77;
    hv_stack_switch(KERNEL_SS, ((unsigned long)__builtin_frame_address(0) - 4096) & ~15UL);
    struct trap_frame start = f;
    trap_catch(enter_by_batch, &start, &f);
    CHECK_EQ(f.vector, 6);
    CHECK_EQ(f.cs & 3, 3);
    CHECK_EQ(f.rip, USER_CODE_VA);
    CHECK_EQ(f.rax, 0x77);
    CHECK_EQ(calls[1].result, 0x5a5a);
    CHECK_EQ(pte_write((void *)USER_DATA_VA, 0), 0);
}

/* Leaving: the address space can be unpinned and its pages used as data again. */
TEST(destroy)
{
    user_space_destroy(&space);
}
