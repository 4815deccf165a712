/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileged instructions in the guest kernel: carried out in the hypervisor's way or refused with an
 * exception, never with the real effect. */
#include "test.h"

#define MSR_EFER           0xc0000080
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_APIC_BASE      0x1b
#define MSR_LSTAR          0xc0000082

struct msr {
    uint32_t index;
    uint64_t value;
};

static void read_msr(void *arg)
{
    struct msr *m = arg;

    m->value = rdmsr(m->index);
}

static void write_msr(void *arg)
{
    struct msr *m = arg;

    wrmsr(m->index, m->value);
}

/* The hypervisor's leaves say who it is; the processor's are filtered. */
TEST(cpuid_forced)
{
    struct cpuid_regs r = cpuid_forced(0x40000000, 0);
    char name[13] = {0};

    memcpy(name, &r.ebx, 4);
    memcpy(name + 4, &r.ecx, 4);
    memcpy(name + 8, &r.edx, 4);
    answer("signature", "%s", name);
    answer("leaves", "%#x", r.eax);
    r = cpuid_forced(0x40000001, 0);
    CHECK_EQ(r.eax, 4 << 16 | 17);
    r = cpuid_forced(0x40000002, 0);
    answer("page", "%u %#x %u %u", r.eax, r.ebx, r.ecx, r.edx);
    r = cpuid_forced(0, 0);
    CHECK(r.eax >= 7);
    CHECK(cpuid_forced(0x80000000, 0).eax >= 0x80000008);
}

/* Features a PV guest must not see: VMX, SVM, MONITOR; those it needs: SYSCALL, NX, FXSR, SSE2. */
TEST(cpuid_features)
{
    struct cpuid_regs one = cpuid_forced(1, 0), ext = cpuid_forced(0x80000001, 0);

    CHECK(!(one.ecx & 1u << 3));
    CHECK(!(one.ecx & 1u << 5));
    CHECK(!(ext.ecx & 1u << 2));
    CHECK(one.ecx & 1u << 31);
    CHECK(ext.edx & 1u << 11);
    CHECK(ext.edx & 1u << 20);
    CHECK(ext.edx & 1u << 29);
    CHECK(one.edx & 1u << 24);
    CHECK(one.edx & 1u << 26);
    /* The rest is each hypervisor's policy: shown, not compared. */
    kprintf("# 1: ecx %#x edx %#x, 0x80000001: ecx %#x edx %#x, 7: ebx %#x\n", one.ecx, one.edx,
            ext.ecx, ext.edx, cpuid_forced(7, 0).ebx);
}

TEST(msr_efer)
{
    uint64_t efer = rdmsr(MSR_EFER);

    answer("value", "%#lx", efer);
    CHECK(efer & 1u << 10);
}

/* MSRs by which a guest sets its own segment bases. */
TEST(msr_bases)
{
    struct msr m = {MSR_FS_BASE, 0x12345000};
    struct trap_frame trap;

    CHECK(!trap_catch(write_msr, &m, &trap));
    CHECK_EQ(rdmsr(MSR_FS_BASE), 0x12345000);
    m.index = MSR_KERNEL_GS_BASE;
    CHECK(!trap_catch(write_msr, &m, &trap));
    CHECK_EQ(rdmsr(MSR_KERNEL_GS_BASE), 0x12345000);
    m.index = MSR_GS_BASE;
    CHECK(!trap_catch(write_msr, &m, &trap));
    m.index = MSR_FS_BASE;
    m.value = 0x0000900000000000UL;
    bool faulted = trap_catch(write_msr, &m, &trap);
    answer("noncanonical", "%d %lu", faulted, faulted ? trap.vector : 0);
    CHECK(faulted);
    wrmsr(MSR_FS_BASE, 0);
}

/* MSRs that would give the machine away: reads are filtered, writes refused or dropped. */
TEST(msr_forbidden)
{
    static const uint32_t indexes[] = {MSR_LSTAR,  MSR_APIC_BASE, 0x174,      0xc0000081,
                                       0xc0010015, 0x10,          0x12345678, 0xffffffff};
    struct trap_frame trap;

    for (unsigned int i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
        struct msr m = {indexes[i], 0};
        char key[24];

        ksnprintf(key, sizeof(key), "read.%x", indexes[i]);
        answer(key, "%d", trap_catch(read_msr, &m, &trap));
        ksnprintf(key, sizeof(key), "write.%x", indexes[i]);
        m.value = 0xffff800012345678UL;
        answer(key, "%d", trap_catch(write_msr, &m, &trap));
    }
    /* Whatever was answered: the hypervisor's entry point is where it was, or this call dies. */
    CHECK_EQ(hv_xen_version(XENVER_version, NULL), 4 << 16 | 17);
}

/* The machine checks that a guest sees: as many banks as it is told, empty, which may be enabled and cleared. */
TEST(msr_machine_check)
{
    struct trap_frame trap;
    struct msr m = {0x179, 0};

    CHECK(cpuid_forced(1, 0).edx & 1U << 7);
    CHECK(!trap_catch(read_msr, &m, &trap));
    unsigned int banks = m.value & 0xff;
    answer("banks", "%u", banks);
    m.index = 0x17a;
    CHECK(!trap_catch(read_msr, &m, &trap));
    CHECK_EQ(m.value, 0);
    CHECK(!trap_catch(write_msr, &m, &trap));
    m.index = 0x1a0; /* no branch trace, no sampling */
    CHECK(!trap_catch(read_msr, &m, &trap));
    answer("misc_enable", "%#lx", m.value);
    m.index = 0x8b;
    CHECK(!trap_catch(read_msr, &m, &trap));
    answer("microcode", "%#lx", m.value);
    CHECK(banks <= 32);
    for (m.index = 0x400; m.index < 0x400 + 4 * banks; m.index++) {
        CHECK(!trap_catch(read_msr, &m, &trap));
        CHECK_EQ(m.value, m.index % 4 == 0 ? ~0UL : 0);
        CHECK(!trap_catch(write_msr, &m, &trap));
    }
}

static void in_port(void *port)
{
    inb((uint16_t)(unsigned long)port);
}

static void out_port(void *port)
{
    outb((uint16_t)(unsigned long)port, 0);
}

static long set_iopl(uint32_t level)
{
    struct physdev_set_iopl op = {.iopl = level};

    return hv_physdev_op(PHYSDEVOP_set_iopl, &op);
}

/* Ports need IOPL 1 (the guest kernel's ring as the ABI counts); some are the hypervisor's even then. */
TEST(io_ports)
{
    struct trap_frame trap;

    CHECK_EQ(set_iopl(0), 0);
    bool faulted = trap_catch(in_port, (void *)0x80UL, &trap);
    answer("iopl0", "%d", faulted);
    CHECK_EQ(set_iopl(1), 0);
    CHECK(!trap_catch(in_port, (void *)0x80UL, &trap));
    CHECK(!trap_catch(out_port, (void *)0x80UL, &trap));
    answer("pic", "%d", trap_catch(in_port, (void *)0x21UL, &trap));
    answer("com1", "%d", trap_catch(in_port, (void *)0x3f8UL, &trap));
    answer("iopl4", "%ld", set_iopl(4));
    answer("iopl_max", "%ld", set_iopl(0xffffffff));
    CHECK(set_iopl(4) < 0);
}

TEST(io_bitmap)
{
    static uint8_t bitmap[8192];
    struct physdev_set_iobitmap op = {.nr_ports = 65537};

    op.bitmap.p = bitmap;
    answer("too_many", "%ld", hv_physdev_op(PHYSDEVOP_set_iobitmap, &op));
    op.nr_ports = 65536;
    CHECK_EQ(hv_physdev_op(PHYSDEVOP_set_iobitmap, &op), 0);
    op.nr_ports = 0;
    CHECK_EQ(hv_physdev_op(PHYSDEVOP_set_iobitmap, &op), 0);
}

/* Control registers read as the guest's own view. */
TEST(control_registers)
{
    uint64_t cr0, cr3, cr4;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    CHECK_EQ(cr3 >> 12, virt_to_mfn(l4_kernel()));
    CHECK(cr0 & 1);
    CHECK(cr0 & 1u << 31);
    CHECK(cr4 & 1u << 5);
    kprintf("# cr0 %#lx cr4 %#lx\n", cr0, cr4);
}

static void write_cr0(void *value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value));
}

static void write_cr3(void *value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value));
}

static void write_cr4(void *value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value));
}

static void clts(void *arg)
{
    (void)arg;
    __asm__ volatile("clts");
}

static void use_fpu(void *arg)
{
    (void)arg;
    __asm__ volatile("fnop");
}

/* TS can be set and cleared; paging and protection cannot be switched off. */
TEST(write_cr0)
{
    uint64_t cr0;
    struct trap_frame trap;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    CHECK(!trap_catch(write_cr0, (void *)(cr0 | 8), &trap));
    CHECK(trap_catch(use_fpu, NULL, &trap));
    CHECK_EQ(trap.vector, 7);
    CHECK(!trap_catch(write_cr0, (void *)(cr0 | 8), &trap));
    CHECK(!trap_catch(clts, NULL, &trap));
    CHECK(!trap_catch(use_fpu, NULL, &trap));
    bool faulted = trap_catch(write_cr0, (void *)(cr0 & ~(1UL << 31)), &trap);
    answer("paging_off", "%d", faulted);
    faulted = trap_catch(write_cr0, (void *)(cr0 & ~(1UL << 16)), &trap);
    answer("wp_off", "%d", faulted);
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    CHECK(cr0 & 1u << 31);
    CHECK(cr0 & 1u << 16);
}

TEST(write_cr3)
{
    struct trap_frame trap;
    void *page = page_alloc_zeroed();

    CHECK(!trap_catch(write_cr3, (void *)((uint64_t)virt_to_mfn(l4_kernel()) << 12), &trap));
    bool faulted = trap_catch(write_cr3, (void *)((uint64_t)virt_to_mfn(page) << 12), &trap);
    answer("data_page", "%d", faulted);
    uint64_t cr3;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    CHECK_EQ(cr3 >> 12, virt_to_mfn(l4_kernel()));
    page_free(page);
}

TEST(write_cr4)
{
    struct trap_frame trap;
    uint64_t cr4;

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    CHECK(!trap_catch(write_cr4, (void *)cr4, &trap));
    bool faulted = trap_catch(write_cr4, (void *)(cr4 & ~0x20UL), &trap);
    answer("pae_off", "%d", faulted);
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    CHECK(cr4 & 0x20);
}

/* sti and cli do not touch the machine's flag, whatever they answer; events go by the upcall mask. */
static void cli(void *arg)
{
    (void)arg;
    __asm__ volatile("cli");
}

static void sti(void *arg)
{
    (void)arg;
    __asm__ volatile("sti");
}

TEST(cli_and_sti)
{
    struct trap_frame trap;

    CHECK_EQ(set_iopl(1), 0);
    answer("cli", "%d", trap_catch(cli, NULL, &trap));
    answer("sti", "%d", trap_catch(sti, NULL, &trap));
    uint64_t flags;
    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    CHECK(flags & RFLAGS_IF); /* the machine's interrupts stay on in the guest */
    answer("mask", "%d", this_vcpu_info()->evtchn_upcall_mask);
    events_off();
}

#define INSN(name, text)                                                     \
    static void name(void *arg)                                              \
    {                                                                        \
        __asm__ volatile(text : : "D"(arg) : "rax", "rcx", "rdx", "memory"); \
    }

INSN(do_invlpg, "invlpg (%%rdi)")
INSN(do_invd, "invd")
INSN(do_wbinvd, "wbinvd")
INSN(do_lgdt, "lgdt (%%rdi)")
INSN(do_lidt, "lidt (%%rdi)")
INSN(do_ltr, "xor %%eax, %%eax; ltr %%ax")
INSN(do_lldt, "xor %%eax, %%eax; lldt %%ax")
INSN(do_lmsw, "mov $1, %%eax; lmsw %%ax")
INSN(do_swapgs, "swapgs")
INSN(do_sysret, "sysretq")
INSN(do_rdpmc, "xor %%ecx, %%ecx; rdpmc")
INSN(do_vmmcall, "vmmcall")
INSN(do_cr2, "mov %%cr2, %%rax")
INSN(do_cr8, "mov %%cr8, %%rax")
INSN(do_xsetbv, "xor %%ecx, %%ecx; mov $3, %%eax; xor %%edx, %%edx; xsetbv")

/* The rest of the privileged set: what happens is compared, that the hypervisor lives is the test. */
TEST(privileged_instructions)
{
    static const struct {
        const char *key;
        void (*run)(void *);
    } cases[] = {{"invlpg", do_invlpg}, {"invd", do_invd},   {"wbinvd", do_wbinvd},
                 {"lgdt", do_lgdt},     {"lidt", do_lidt},   {"ltr", do_ltr},
                 {"lldt", do_lldt},     {"lmsw", do_lmsw},   {"swapgs", do_swapgs},
                 {"sysret", do_sysret}, {"rdpmc", do_rdpmc}, {"vmmcall", do_vmmcall},
                 {"cr2", do_cr2},       {"cr8", do_cr8},     {"xsetbv", do_xsetbv}};
    struct trap_frame trap;
    void *page = page_alloc_zeroed();

    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool faulted = trap_catch(cases[i].run, page, &trap);

        answer(cases[i].key, "%d %ld", faulted, faulted ? (long)trap.vector : -1);
    }
    page_free(page);
    CHECK_EQ(hv_xen_version(XENVER_version, NULL), 4 << 16 | 17);
}

static void set_xcr0(void *arg)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"(*(uint32_t *)arg), "d"(0));
}

/* Extended states can be switched on and off while they hold something. The register is put back to
 * what Linux sets. */
TEST(xsetbv_values)
{
    static const uint32_t values[] = {3, 1, 3, 7, 3, 1, 7, 1, 0, 2, 5, 0x80000001, 3};
    struct trap_frame trap;
    uint64_t before = 0x1122334455667788, after, cr4;

    if (!(cpuid_forced(1, 0).ecx & 1u << 26)) {
        SKIP("the processor has no XSAVE");
    }
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    cr4 |= 1u << 18; /* OSXSAVE */
    CHECK(!trap_catch(write_cr4, (void *)cr4, &trap));
    for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint32_t value = values[i];

        __asm__ volatile("movq %0, %%xmm5" ::"r"(before));
        if (value == 7 && !(cpuid_forced(0xd, 0).eax & 4)) {
            continue;
        }
        bool faulted = trap_catch(set_xcr0, &value, &trap);
        if ((value & 1) && !(value & ~7u) && value != 5) {
            CHECK(!faulted);
        } else {
            CHECK(faulted);
            CHECK_EQ(trap.vector, 13);
        }
        if (!faulted && (value & 4)) {
            /* something in the upper halves */
            __asm__ volatile("vcmpps $15, %ymm6, %ymm6, %ymm6");
        }
    }
    __asm__ volatile("movq %%xmm5, %0" : "=r"(after));
    CHECK_EQ(after, before);
}

/* Debug registers: a data watchpoint in the guest works, one in the hypervisor is refused. */
static volatile uint64_t watched;

static void touch_watched(void *arg)
{
    (void)arg;
    watched = 1;
}

TEST(debug_registers)
{
    struct trap_frame trap;

    CHECK_EQ(hv_set_debugreg(0, (unsigned long)&watched), 0);
    CHECK_EQ(hv_get_debugreg(0), (long)&watched);
    CHECK_EQ(hv_set_debugreg(7, 0x90001), 0); /* L0, write, 4 bytes, in slot 0 */
    bool hit = trap_catch(touch_watched, NULL, &trap);
    answer("hit", "%d %lu", hit, hit ? trap.vector : 0);
    answer("dr6", "%#lx", hv_get_debugreg(6) & 0xf);
    CHECK_EQ(hv_set_debugreg(7, 0), 0);
    CHECK(!trap_catch(touch_watched, NULL, &trap));
    answer("hole", "%ld", hv_set_debugreg(0, 0xffff830000000000UL));
    CHECK(hv_set_debugreg(0, 0xffff830000000000UL) < 0);
    answer("noncanonical", "%ld", hv_set_debugreg(1, 0x0000900000000000UL));
    answer("dr4", "%ld", hv_set_debugreg(4, 0));
    answer("dr8", "%ld", hv_set_debugreg(8, 0));
    answer("negative", "%ld", hv_set_debugreg(-1, 0));
    answer("get_dr8", "%ld", hv_get_debugreg(8));
    answer("general_detect", "%ld", hv_set_debugreg(7, 0x2000));
    answer("dr7_high", "%ld", hv_set_debugreg(7, 1UL << 32));
    answer("io_watch", "%ld", hv_set_debugreg(7, 0x20001));
    hv_set_debugreg(7, 0);
}
