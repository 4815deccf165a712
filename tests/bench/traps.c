/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions bounced to the guest and back, and instructions emulated for it. */
#include "bench.h"
#include "kit/user.h"

extern char bench_pf_hypercall[], bench_pf_iretq[], bench_ud_hypercall[], bench_int80_hypercall[];
extern char bench_syscall_entry[];
extern char bench_user_syscalls[], bench_user_syscalls_end[];
extern char bench_user_faults[], bench_user_faults_end[];

static long set_entry(unsigned int vector, char *address, uint8_t flags)
{
    struct trap_info one[2];

    memset(one, 0, sizeof(one));
    one[0].vector = (uint8_t)vector;
    one[0].flags = flags;
    one[0].cs = USER_CS;
    one[0].address = (unsigned long)address;
    return hv_set_trap_table(one);
}

#define FAULT(va) __asm__ volatile("mov (%0), %%al" : : "D"(va) : "rax", "rcx", "r11", "memory")

void bench_traps(void)
{
    unsigned long unmapped = 0x0000700000000000UL;
    static struct trap_info one[2];

    TRY("pf_bounce_iret_hypercall", set_entry(14, bench_pf_hypercall, 0));
    MEASURE("pf_bounce_iret_hypercall", 1, FAULT(unmapped));
    set_entry(14, bench_pf_iretq, 0);
    MEASURE("pf_bounce_iretq", 1, FAULT(unmapped));
    set_entry(6, bench_ud_hypercall, 0);
    MEASURE("ud_bounce_iret_hypercall", 1, __asm__ volatile("ud2" : : : "rcx", "r11", "memory"));
    set_entry(128, bench_int80_hypercall, 3);
    MEASURE("int80_bounce_iret_hypercall", 1,
            __asm__ volatile("int $0x80"
                             :
                             :
                             : "rcx", "r11", "memory"));
    one[0].vector = 6;
    one[0].cs = USER_CS;
    one[0].address = (unsigned long)bench_ud_hypercall;
    MEASURE("set_trap_table_1", 1, STUB2(__HYPERVISOR_set_trap_table, one, 0));
    hv_set_trap_table(traps_table());
}

struct msr_access {
    uint32_t msr;
    uint64_t value;
};

static void do_wrmsr(void *access)
{
    wrmsr(((struct msr_access *)access)->msr, ((struct msr_access *)access)->value);
}

static void do_rdmsr(void *access)
{
    ((struct msr_access *)access)->value = rdmsr(((struct msr_access *)access)->msr);
}

static void do_inb(void *port)
{
    inb((uint16_t)(unsigned long)port);
}

static void do_outb(void *port)
{
    outb((uint16_t)(unsigned long)port, 0);
}

static void do_cr0(void *arg)
{
    unsigned long value;

    (void)arg;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
}

static void do_cr3(void *arg)
{
    unsigned long value;

    (void)arg;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
}

static void do_cpuid(void *leaf)
{
    cpuid_forced((uint32_t)(unsigned long)leaf, 0);
}

/* One try under a catch: an instruction that the hypervisor does not emulate is a failed row. */
static bool emulated(const char *name, void (*fn)(void *), void *arg)
{
    struct trap_frame trap;

    if (trap_catch(fn, arg, &trap)) {
        report_failure(name, -(long)trap.vector);
        return false;
    }
    return true;
}

void bench_emulation(void)
{
    struct msr_access efer = {0xc0000080, 0}, fsbase = {0xc0000100, 0x1000};
    struct physdev_set_iopl iopl = {.iopl = 1};
    unsigned long value;

    hv_physdev_op(PHYSDEVOP_set_iopl, &iopl);
    if (emulated("cpuid_forced_leaf0", do_cpuid, (void *)0)) {
        MEASURE("cpuid_forced_leaf0", 1, cpuid_forced(0, 0));
    }
    if (emulated("cpuid_forced_leaf_40000001", do_cpuid, (void *)0x40000001)) {
        MEASURE("cpuid_forced_leaf_40000001", 1, cpuid_forced(0x40000001, 0));
    }
    if (emulated("rdmsr_efer_emul", do_rdmsr, &efer)) {
        MEASURE("rdmsr_efer_emul", 1, rdmsr(0xc0000080));
    }
    if (emulated("wrmsr_fsbase_emul", do_wrmsr, &fsbase)) {
        MEASURE("wrmsr_fsbase_emul", 1, wrmsr(0xc0000100, 0x1000));
    }
    if (emulated("in_port80_emul", do_inb, (void *)0x80)) {
        MEASURE("in_port80_emul", 1, inb(0x80));
    }
    if (emulated("out_port80_emul", do_outb, (void *)0x80)) {
        MEASURE("out_port80_emul", 1, outb(0x80, 0));
    }
    if (emulated("mov_from_cr0_emul", do_cr0, NULL)) {
        MEASURE("mov_from_cr0_emul", 1, __asm__ volatile("mov %%cr0, %0" : "=r"(value)));
    }
    if (emulated("mov_from_cr3_emul", do_cr3, NULL)) {
        MEASURE("mov_from_cr3_emul", 1, __asm__ volatile("mov %%cr3, %0" : "=r"(value)));
    }
}

/* Runs timed user code; the ticks come back in rsi. */
static void user_rounds(const char *name, struct user_space *space, char *from, char *to)
{
    uint64_t best = ~0UL;

    user_space_load(space, from, to);
    for (unsigned int batch = 0; batch < BATCHES; batch++) {
        struct trap_frame f = user_frame();

        f.rbx = ROUNDS;
        f.rdi = USER_DATA_VA + 2 * PAGE_SIZE;
        user_run(&f);
        if (f.vector != 6 || f.rbx != 0) {
            report_failure(name, -(long)f.vector);
            return;
        }
        best = f.rsi < best ? f.rsi : best;
    }
    report(name, best - rdtsc_cost, ROUNDS);
    TRACE(name, struct trap_frame f = user_frame(); f.rbx = 2; f.rdi = USER_DATA_VA + 2 * PAGE_SIZE;
          user_run(&f));
}

void bench_user(void)
{
    struct user_space space;
    struct callback_register reg = {.type = CALLBACKTYPE_syscall,
                                    .address = (unsigned long)bench_syscall_entry};

    user_space_create(&space);
    hv_callback_op(CALLBACKOP_register, &reg);
    user_rounds("user_syscall_roundtrip", &space, bench_user_syscalls, bench_user_syscalls_end);
    reg.address = (unsigned long)trap_syscall_entry;
    hv_callback_op(CALLBACKOP_register, &reg);
    set_entry(14, bench_pf_hypercall, 0);
    user_rounds("user_pf_bounce", &space, bench_user_faults, bench_user_faults_end);
    hv_set_trap_table(traps_table());
    user_space_destroy(&space);
}
