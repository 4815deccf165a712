/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions as a PV kernel sees them: the right vector, error code, address and registers, whether they
 * strike in the kernel or in user mode. A bounce that loses or invents state shows as a wrong register.
 */
#include "test.h"
#include "kit/user.h"

#define UNMAPPED 0x0000700000000000UL

static struct trap_frame seen;

static void int3_insn(void *arg)
{
    (void)arg;
    __asm__ volatile("int3");
}

static void ud2_insn(void *arg)
{
    (void)arg;
    __asm__ volatile("ud2");
}

static void divide_by_zero(void *arg)
{
    (void)arg;
    __asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; mov $1, %%eax; div %%ecx"
                     :
                     :
                     : "eax", "ecx", "edx");
}

static void read_at(void *va)
{
    (void)*(volatile uint64_t *)va;
}

static void write_at(void *va)
{
    *(volatile uint64_t *)va = 1;
}

static void call_at(void *va)
{
    ((void (*)(void))va)();
}

static void int_80(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x80");
}

static void x87_error(void *arg)
{
    (void)arg;
    /* Unmask divide-by-zero, divide, and wait for the pending exception. */
    uint16_t cw = 0x37b;
    __asm__ volatile("fninit; fldcw %0; fldz; fld1; fdivp; fwait" : : "m"(cw));
}

static void sse_error(void *arg)
{
    uint32_t mxcsr = 0x1f80 & ~0x80u; /* invalid operation unmasked: 0 / 0 raises it */

    (void)arg;
    __asm__ volatile("ldmxcsr %0; .byte 0x0f, 0x57, 0xc0; .byte 0x0f, 0x5e, 0xc0" : : "m"(mxcsr));
}

static void use_fpu(void *arg)
{
    (void)arg;
    __asm__ volatile("fnop");
}

static void load_ds(void *selector)
{
    __asm__ volatile("mov %0, %%ds" : : "r"(selector));
}

/* RIP is behind int3 (a trap) and at the instruction otherwise (a fault). */
TEST(breakpoint)
{
    CHECK(trap_catch(int3_insn, NULL, &seen));
    CHECK_EQ(seen.vector, 3);
    CHECK_EQ(*(uint8_t *)(seen.rip - 1), 0xcc);
    answer("cs", "%#lx", seen.cs);
    answer("ss", "%#lx", seen.ss);
}

TEST(invalid_opcode)
{
    CHECK(trap_catch(ud2_insn, NULL, &seen));
    CHECK_EQ(seen.vector, 6);
    CHECK_EQ(*(uint16_t *)seen.rip, 0x0b0f);
}

TEST(divide_error)
{
    CHECK(trap_catch(divide_by_zero, NULL, &seen));
    CHECK_EQ(seen.vector, 0);
}

/* #PF: cr2 and the error code's present, write and fetch bits; never the user bit for the kernel. */
TEST(page_fault)
{
    CHECK(trap_catch(read_at, (void *)UNMAPPED, &seen));
    CHECK_EQ(seen.vector, 14);
    CHECK_EQ(seen.error, 0);
    CHECK_EQ(last_cr2(), UNMAPPED);
    CHECK(trap_catch(write_at, (void *)(UNMAPPED + 0x18), &seen));
    CHECK_EQ(seen.error, 2);
    CHECK_EQ(last_cr2(), UNMAPPED + 0x18);
    CHECK(trap_catch(call_at, (void *)(UNMAPPED + 0x40), &seen));
    answer("fetch", "%#lx", seen.error);
    CHECK_EQ(seen.rip, UNMAPPED + 0x40);
}

/* No-execute is honoured in the guest's own entries. */
TEST(page_fault_nx)
{
    uint8_t *page = page_alloc();

    page[0] = 0xc3; /* ret */
    CHECK(!trap_catch(call_at, page, &seen));
    CHECK_EQ(pte_write(page, pte_read(page) | PTE_NX), 0);
    CHECK(trap_catch(call_at, page, &seen));
    CHECK_EQ(seen.vector, 14);
    answer("error", "%#lx", seen.error);
    page_set_writable(page);
    page_free(page);
}

/* The hypervisor's memory: a fault for the guest, with the present bit hidden or not, never data. */
TEST(page_fault_hypervisor)
{
    CHECK(trap_catch(read_at, (void *)0xffff82d040200000UL, &seen));
    CHECK_EQ(seen.vector, 14);
    CHECK_EQ(seen.error & ~1UL, 0); /* whether it is mapped there is no guest's business */
    CHECK(trap_catch(read_at, (void *)0xffff830000001000UL, &seen));
    CHECK_EQ(seen.vector, 14);
    CHECK_EQ(seen.error & ~1UL, 0);
    CHECK(trap_catch(write_at, (void *)0xffff82d040200000UL, &seen));
    CHECK_EQ(seen.vector, 14);
}

/* Non-canonical addresses are #GP with error 0 (or #SS for the stack). */
TEST(general_protection)
{
    CHECK(trap_catch(read_at, (void *)0x0000900000000000UL, &seen));
    CHECK_EQ(seen.vector, 13);
    CHECK_EQ(seen.error, 0);
}

static void read_stack_noncanonical(void *arg)
{
    __asm__ volatile("mov %%rbp, %%rdx; mov %0, %%rbp; mov (%%rbp), %%rax; mov %%rdx, %%rbp"
                     :
                     : "r"(arg)
                     : "rax", "rdx");
}

TEST(stack_fault)
{
    CHECK(trap_catch(read_stack_noncanonical, (void *)0x0000900000000000UL, &seen));
    /* The manual says #SS; QEMU's TCG raises #GP. */
    CHECK(seen.vector == 12 || seen.vector == 13);
    CHECK_EQ(seen.error, 0);
}

/* A selector without a descriptor: #GP with the selector as error code. */
TEST(bad_selector)
{
    CHECK(trap_catch(load_ds, (void *)0x1003UL, &seen));
    CHECK_EQ(seen.vector, 13);
    CHECK_EQ(seen.error, 0x1000);
}

TEST(x87_exception)
{
    CHECK(trap_catch(x87_error, NULL, &seen));
    CHECK_EQ(seen.vector, 16);
    __asm__ volatile("fninit");
}

TEST(simd_exception)
{
    uint32_t mxcsr = 0x1f80;

    bool caught = trap_catch(sse_error, NULL, &seen);
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    if (!caught) {
        SKIP("this machine raises no SIMD exceptions (QEMU's TCG)");
    }
    CHECK_EQ(seen.vector, 19);
}

/* fpu_taskswitch sets the flag that makes the next x87 instruction raise #NM; the hypervisor clears it
 * before it delivers. */
TEST(device_not_available)
{
    CHECK_EQ(hv_fpu_taskswitch(1), 0);
    CHECK(trap_catch(use_fpu, NULL, &seen));
    CHECK_EQ(seen.vector, 7);
    CHECK(!trap_catch(use_fpu, NULL, &seen));
    CHECK_EQ(hv_fpu_taskswitch(1), 0);
    CHECK_EQ(hv_fpu_taskswitch(0), 0);
    CHECK(!trap_catch(use_fpu, NULL, &seen));
}

/* What a C library's string functions are made of, and what a kernel saves and loads their registers
 * with. */
#define INSN(id, text)                                                        \
    static void insn_##id(void *at)                                           \
    {                                                                         \
        __asm__ volatile(text : : "r"(at), "a"(7), "d"(0) : "memory", "ecx"); \
    }
INSN(movdqu_load, "movdqu (%0), %%xmm0")
INSN(movdqu_store, "movdqu %%xmm0, (%0)")
INSN(pxor, "pxor %%xmm0, %%xmm0")
INSN(pcmpeqb, "pcmpeqb (%0), %%xmm0")
INSN(pmovmskb, "pmovmskb %%xmm0, %%ecx")
INSN(pcmpistri, "pcmpistri $0, %%xmm0, %%xmm0")
INSN(fxsave, "fxsave64 (%0)")
INSN(vmovdqu_load, "vmovdqu (%0), %%ymm0")
INSN(vmovdqu_store, "vmovdqu %%ymm0, (%0)")
INSN(vpxor, "vpxor %%xmm0, %%xmm0, %%xmm0")
INSN(vpcmpeqb, "vpcmpeqb (%0), %%ymm0, %%ymm1")
INSN(vpmovmskb, "vpmovmskb %%ymm0, %%ecx")
INSN(vpbroadcastb, "vpbroadcastb %%xmm0, %%ymm0")
INSN(vzeroupper, "vzeroupper")
INSN(xsave, "xsave64 (%0)")
INSN(xsaveopt, "xsaveopt64 (%0)")
INSN(xrstor, "xrstor64 (%0)")

struct insn {
    const char *name;
    void (*run)(void *at);
};

static const struct insn sse_insns[] = {
    {"movdqu from memory", insn_movdqu_load},
    {"movdqu to memory", insn_movdqu_store},
    {"pxor", insn_pxor},
    {"pcmpeqb", insn_pcmpeqb},
    {"pmovmskb", insn_pmovmskb},
    {"pcmpistri", insn_pcmpistri},
    {"fxsave", insn_fxsave},
};

static const struct insn avx_insns[] = {
    {"vmovdqu from memory", insn_vmovdqu_load},
    {"vmovdqu to memory", insn_vmovdqu_store},
    {"vpxor", insn_vpxor},
    {"vpcmpeqb", insn_vpcmpeqb},
    {"vpmovmskb", insn_vpmovmskb},
    {"vpbroadcastb", insn_vpbroadcastb},
    {"vzeroupper", insn_vzeroupper},
};

static const struct insn xsave_insns[] = {
    {"xsave", insn_xsave},
    {"xsaveopt", insn_xsaveopt},
    {"xrstor", insn_xrstor}, /* what xsave stored */
};

#define CR4_OSXSAVE 0x40000UL

static void set_xcr0(void *value)
{
    uint64_t cr4;

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_OSXSAVE));
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)(uint64_t)value), "d"(0));
}

/* The first of N instructions that does not raise #NM while the flag is set; or NULL. */
static const char *without_nm(const struct insn *insns, size_t n)
{
    static uint8_t memory[4096] __attribute__((aligned(64))); /* more than any XSAVE area here */

    for (size_t i = 0; i < n; i++) {
        hv_fpu_taskswitch(1);
        bool caught = trap_catch(insns[i].run, memory, &seen);
        hv_fpu_taskswitch(0);
        if (!caught || seen.vector != 7) {
            return insns[i].name;
        }
    }
    return NULL;
}

#define WITHOUT_NM(insns) without_nm(insns, sizeof(insns) / sizeof((insns)[0]))

/* Each instruction on these registers raises #NM. One that did not would see, on a hypervisor that switches
 * them when they are first used, the registers of another domain. */
TEST(device_not_available_vectors)
{
    const char *name = WITHOUT_NM(sse_insns);

    if (name == NULL) {
        if (trap_catch(set_xcr0, (void *)7, &seen)) {
            SKIP("no AVX");
        }
        name = WITHOUT_NM(avx_insns);
    }
    if (name != NULL) {
        test_fail("%s does not raise #NM", name);
        return;
    }
    name = WITHOUT_NM(xsave_insns);
    if (name != NULL) {
        SKIP("on this machine %s does not raise #NM (QEMU's TCG)", name);
    }
}

static unsigned int steps;

static void count_step(struct trap_frame *frame)
{
    if (++steps == 5) {
        frame->rflags &= ~0x100UL;
    }
}

/* Single stepping by the trap flag reaches the guest's #DB handler once per instruction. */
TEST(single_step)
{
    steps = 0;
    trap_set_handler(1, count_step);
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf; nop; nop; nop; nop; nop; nop; nop"
                     :
                     :
                     : "memory");
    trap_set_handler(1, NULL);
    CHECK_EQ(steps, 5);
}

TEST(int_80_from_kernel)
{
    CHECK(trap_catch(int_80, NULL, &seen));
    CHECK_EQ(seen.vector, 128);
    CHECK_EQ(*(uint16_t *)(seen.rip - 2), 0x80cd);
}

static void int_81(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x81");
}

static void int_20(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x20");
}

static void int_ff(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0xff");
}

/* INT n goes through gates that the table opens for the kernel; others are #GP with the number. */
TEST(int_n)
{
    static xen_extraversion_t extra;

    /* QEMU 7.2 doubles the vector in the error code, from which Xen takes it. */
    CHECK_EQ(hv_xen_version(XENVER_extraversion, &extra), 0);
    if (strncmp(extra, ".0-hospes", 9) != 0) {
        SKIP("this machine gives Xen wrong vectors");
    }
    CHECK(trap_catch(int_81, NULL, &seen));
    CHECK_EQ(seen.vector, 129);
    CHECK_EQ(*(uint16_t *)(seen.rip - 2), 0x81cd);
    CHECK(trap_catch(int_20, NULL, &seen)); /* a gate, but not for INT */
    CHECK_EQ(seen.vector, 13);
    CHECK_EQ(*(uint16_t *)seen.rip, 0x20cd);
    CHECK(trap_catch(int_ff, NULL, &seen)); /* no gate */
    CHECK_EQ(seen.vector, 13);
    CHECK_EQ(*(uint16_t *)seen.rip, 0xffcd);
}

static volatile unsigned int nmis, nmi_depth, nmi_deepest;

static void on_nmi(struct trap_frame *frame)
{
    (void)frame;
    nmi_depth++;
    if (nmi_depth > nmi_deepest) {
        nmi_deepest = nmi_depth;
    }
    if (++nmis == 3) {
        hv_vcpu_op(VCPUOP_send_nmi, 0, NULL); /* waits for the end of this one */
        hv_vcpu_op(VCPUOP_send_nmi, 0, NULL); /* and is one with that */
    }
    nmi_depth--;
}

/* An NMI is exception 2: masked by nothing but another one. */
TEST(nmi)
{
    struct callback_register reg = {.type = CALLBACKTYPE_nmi};

    for (const struct trap_info *t = traps_table(); t->address != 0; t++) {
        if (t->vector == 2) {
            reg.address = t->address;
        }
    }
    CHECK_EQ(hv_callback_op(CALLBACKOP_register, &reg), 0);
    trap_set_handler(2, on_nmi);
    nmis = nmi_deepest = 0;
    events_off();
    CHECK_EQ(hv_vcpu_op(VCPUOP_send_nmi, 0, NULL), 0);
    CHECK_EQ(nmis, 1);
    events_on();
    CHECK_EQ(hv_vcpu_op(VCPUOP_send_nmi, 0, NULL), 0);
    CHECK_EQ(nmis, 2);
    CHECK(!this_vcpu_info()->evtchn_upcall_mask);
    events_off();
    CHECK_EQ(hv_vcpu_op(VCPUOP_send_nmi, 0, NULL), 0);
    CHECK_EQ(nmis, 4);
    CHECK_EQ(nmi_deepest, 1);
    answer("absent", "%ld", hv_vcpu_op(VCPUOP_send_nmi, 77, NULL));
    trap_set_handler(2, NULL);
    CHECK_EQ(hv_callback_op(CALLBACKOP_unregister, &reg), 0);
    CHECK_EQ(hv_set_trap_table(traps_table()), 0);
}

static volatile unsigned int depth;

static void nest(struct trap_frame *frame)
{
    if (depth++ < 20) {
        __asm__ volatile("ud2");
    }
    depth--;
    frame->rip += 2;
}

/* A handler that faults itself, twenty deep, and unwinds. */
TEST(nested_faults)
{
    depth = 0;
    trap_set_handler(6, nest);
    __asm__ volatile("ud2");
    trap_set_handler(6, NULL);
    CHECK_EQ(depth, 0);
}

static void skip_ud2(struct trap_frame *frame)
{
    seen = *frame;
    frame->rip += 2;
    frame->rbx++;
}

/* Loads every register with its number, traps, and stores all of them at regs[]. */
void registers_probe(uint64_t *regs);
__asm__(".text\nregisters_probe:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n"
        "mov $1, %eax; mov $2, %ebx; mov $3, %ecx; mov $4, %edx; mov $5, %esi; mov $6, %edi\n"
        "mov $7, %ebp; mov $8, %r8d; mov $9, %r9d; mov $10, %r10d; mov $11, %r11d\n"
        "mov $12, %r12d; mov $13, %r13d; mov $14, %r14d; mov $15, %r15d\n"
        "ud2\n"
        "xchg %rax, (%rsp)\n"
        "mov %rbx, 8(%rax); mov %rcx, 16(%rax); mov %rdx, 24(%rax); mov %rsi, 32(%rax)\n"
        "mov %rdi, 40(%rax); mov %rbp, 48(%rax); mov %r8, 56(%rax); mov %r9, 64(%rax)\n"
        "mov %r10, 72(%rax); mov %r11, 80(%rax); mov %r12, 88(%rax); mov %r13, 96(%rax)\n"
        "mov %r14, 104(%rax); mov %r15, 112(%rax)\n"
        "pop (%rax)\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

/* Every register survives a bounce and an iret, except what the handler changed. */
TEST(registers_through_bounce)
{
    uint64_t regs[15];

    trap_set_handler(6, skip_ud2);
    registers_probe(regs);
    trap_set_handler(6, NULL);
    CHECK_EQ(seen.rcx, 3);
    CHECK_EQ(seen.r11, 11);
    CHECK_EQ(regs[0], 1);
    CHECK_EQ(regs[1], 3); /* rbx: 2, plus the handler's one */
    for (unsigned int i = 2; i < 15; i++) {
        CHECK_EQ(regs[i], i + 1);
    }
}

/* The saved flags' IF tells whether events were on; iret gives that state back. */
TEST(interrupt_flag)
{
    volatile struct vcpu_info *info = this_vcpu_info();

    trap_set_handler(6, skip_ud2);
    events_on();
    __asm__ volatile("ud2" : : : "rbx");
    bool on = seen.rflags & RFLAGS_IF;
    bool mask_on = info->evtchn_upcall_mask;
    events_off();
    __asm__ volatile("ud2" : : : "rbx");
    bool off = seen.rflags & RFLAGS_IF;
    bool mask_off = info->evtchn_upcall_mask;
    trap_set_handler(6, NULL);
    CHECK(on);
    CHECK(!mask_on);
    CHECK(!off);
    CHECK(mask_off);
}

/* set_trap_table: NULL takes all handlers away, a bad address is refused, an entry's vector is kept. */
TEST(trap_table)
{
    static struct trap_info bad[2];

    bad[0].vector = 6;
    bad[0].cs = USER_CS;
    bad[0].address = 0x0000900000000000UL;
    answer("noncanonical", "%ld", hv_set_trap_table(bad));
    bad[0].address = 0xffff830000000000UL;
    answer("hole", "%ld", hv_set_trap_table(bad));
    bad[0].address = (unsigned long)trap_event_entry;
    bad[0].cs = 0xe008; /* the hypervisor's own code selector */
    answer("hypervisor_cs", "%ld", hv_set_trap_table(bad));
    CHECK_EQ(hv_set_trap_table(NULL), 0);
    CHECK_EQ(hv_set_trap_table(traps_table()), 0);
    CHECK(trap_catch(ud2_insn, NULL, &seen));
    CHECK_EQ(seen.vector, 6);
}

/* Callback registration refuses what is no address, and unknown types. */
TEST(callbacks)
{
    struct callback_register reg = {.type = CALLBACKTYPE_event, .address = 0x0000900000000000UL};

    answer("noncanonical", "%ld", hv_callback_op(CALLBACKOP_register, &reg));
    reg.type = 99;
    answer("unknown", "%ld", hv_callback_op(CALLBACKOP_register, &reg));
    reg.type = CALLBACKTYPE_event;
    reg.address = (unsigned long)trap_event_entry;
    CHECK_EQ(hv_callback_op(CALLBACKOP_register, &reg), 0);
    reg.type = CALLBACKTYPE_nmi;
    answer("nmi", "%ld", hv_callback_op(CALLBACKOP_register, &reg));
    answer("nmi_unregister", "%ld", hv_callback_op(CALLBACKOP_unregister, &reg));
    reg.type = CALLBACKTYPE_event;
    answer("event_unregister", "%ld", hv_callback_op(CALLBACKOP_unregister, &reg));
}

static void native_iret(uint64_t cs, uint64_t ss)
{
    __asm__ volatile("mov %%rsp, %%rcx\n push %1\n push %%rcx\n pushf\n push %0\n"
                     "lea 1f(%%rip), %%rcx\n push %%rcx\n iretq\n1:\n"
                     :
                     : "r"(cs), "r"(ss)
                     : "rcx", "memory");
}

/* A native iretq within ring 3 works without the hypervisor. */
TEST(native_iretq)
{
    native_iret(USER_CS, USER_SS);
}

static void bad_native_iret(void *cs)
{
    native_iret((uint64_t)cs, USER_SS);
}

/* … and to a selector that is not there it is an ordinary #GP in the guest. */
TEST(native_iretq_bad)
{
    CHECK(trap_catch(bad_native_iret, (void *)0x1003UL, &seen));
    CHECK_EQ(seen.vector, 13);
    CHECK_EQ(seen.error, 0x1000);
}

static void enter_frame(void *frame)
{
    trap_enter(frame, 0);
}

static void here(void)
{
    __asm__ volatile("ud2");
}

static struct trap_frame kernel_frame(void)
{
    return (struct trap_frame){
        .rip = (uint64_t)here,
        .cs = KERNEL_CS,
        .rflags = 2,
        .rsp = ((uint64_t)__builtin_frame_address(0) - 2048) & ~15UL,
        .ss = KERNEL_SS,
        .rcx = 0xcccc,
        .r11 = 0x1111,
        .rax = 0xaaaa,
    };
}

static void enter_in_syscall(void *frame)
{
    trap_enter(frame, VGCF_in_syscall);
}

/* HYPERVISOR_iret to the kernel, with and without VGCF_in_syscall: rcx and r11 are restored only
 * without it. */
TEST(iret_hypercall)
{
    struct trap_frame f = kernel_frame();

    CHECK(trap_catch(enter_frame, &f, &seen));
    CHECK_EQ(seen.vector, 6);
    CHECK_EQ(seen.rax, 0xaaaa);
    CHECK_EQ(seen.rcx, 0xcccc);
    CHECK_EQ(seen.r11, 0x1111);
    CHECK(trap_catch(enter_in_syscall, &f, &seen));
    CHECK_EQ(seen.vector, 6);
    CHECK_EQ(seen.rax, 0xaaaa);
}

/* IOPL and VM in the frame's flags are not the guest's to set by iret. */
TEST(iret_flags)
{
    struct trap_frame f = kernel_frame();

    f.rflags = 0x3000 | 2;
    CHECK(trap_catch(enter_frame, &f, &seen));
    CHECK_EQ(seen.vector, 6);
    answer("iopl", "%#lx", seen.rflags & 0x3000);
    f.rflags = 0x20000 | 2;
    CHECK(trap_catch(enter_frame, &f, &seen));
    answer("vm", "%#lx", seen.rflags & 0x20000);
    f.rflags = 0x4000 | 2; /* NT */
    CHECK(trap_catch(enter_frame, &f, &seen));
    answer("nt", "%#lx", seen.rflags & 0x4000);
}

/* A return that the processor refuses comes back as an exception at the place it should have gone to:
 * the hypervisor itself must survive its faulting iretq. */
static void check_refused(const char *what, struct trap_frame *f, void (*enter)(void *))
{
    char key[32];

    if (!trap_catch(enter, f, &seen)) {
        test_fail("%s: not refused", what);
        return;
    }
    ksnprintf(key, sizeof(key), "%s.vector", what);
    answer(key, "%lu", seen.vector);
    ksnprintf(key, sizeof(key), "%s.error", what);
    answer(key, "%#lx", seen.error);
    ksnprintf(key, sizeof(key), "%s.at_target", what);
    answer(key, "%d", seen.rip == f->rip);
}

TEST(refused_iret)
{
    struct trap_frame f = kernel_frame();

    f.cs = 0x1000;
    check_refused("bad_cs", &f, enter_frame);
    f = kernel_frame();
    f.rip = 0x0000900000000000UL;
    check_refused("bad_rip", &f, enter_frame);
    check_refused("bad_rip_in_syscall", &f, enter_in_syscall);
    f.rip = 0x0000800000000000UL;
    check_refused("edge_rip_in_syscall", &f, enter_in_syscall);
    f = kernel_frame();
    f.ss = 0x1003;
    check_refused("bad_ss", &f, enter_frame);
    f = kernel_frame();
    f.cs = 0xe008; /* the hypervisor's code segment */
    check_refused("hypervisor_cs", &f, enter_frame);
}
