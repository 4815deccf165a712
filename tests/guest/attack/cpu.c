/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor: descriptor tables, returns to wherever, debug registers, ports, privileged instructions, vCPU
 * states (XSA-7, 88, 212, 260 and CVE-2018-8897, 156, 333, 339).
 */
#include "attack.h"
#include "kit/user.h"

static uint64_t pte(unsigned long mfn, uint64_t flags)
{
    return (uint64_t)mfn << 12 | flags;
}

/* ---- descriptors ---------------------------------------------------------------------------------- */

static void load_fs(void *selector)
{
    __asm__ volatile("mov %0, %%fs" : : "r"((uint32_t)(unsigned long)selector));
}
static void far_return(void *selector)
{
    __asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:"
                     :
                     : "r"(selector)
                     : "rax", "memory");
}
static void far_jump(void *selector)
{
    struct {
        uint32_t offset;
        uint16_t selector;
    } __attribute__((packed)) to = {0, (uint16_t)(unsigned long)selector};

    __asm__ volatile("ljmp *%0" : : "m"(to));
}
static void native_iret(void *selector)
{
    __asm__ volatile(
        "mov %%rsp, %%rcx; push $0xe02b; push %%rcx; pushf; push %0; lea 1f(%%rip), %%rax; "
        "push %%rax; iretq; 1:"
        :
        : "r"(selector)
        : "rax", "rcx", "memory");
}
static unsigned int privilege(void)
{
    uint16_t cs;

    __asm__ volatile("mov %%cs, %0" : "=r"(cs));
    return cs & 3;
}

static void on_failsafe(struct trap_frame *frame)
{
    (void)frame;
}

ATTACK(descriptors, 1)
{
    static const struct {
        const char *what;
        uint64_t descriptor;
    } bad[] = {
        {"a call gate", 0x0000ec00e0080000UL | 0x300000},
        {"a 64-bit TSS", 0x0000890000000067UL},
        {"an LDT", 0x0000e20000000fffUL},
        {"an interrupt gate", 0x0000ee00e0080000UL},
        {"a trap gate", 0x0000ef00e0080000UL},
        {"a task gate", 0x0000e50000000000UL},
        {"a busy TSS", 0x00008b0000000067UL},
    };
    unsigned long *gdt = page_alloc_zeroed(), mfn = virt_to_mfn(gdt);
    long rc;

    /* A switch to another vCPU and back finds segments that are gone. */
    trap_set_handler(TRAP_FAILSAFE, on_failsafe);
    page_set_readonly(gdt);
    rc = hv_set_gdt(&mfn, 512);
    attempt(rc == 0, "an empty GDT is taken: %ld", rc);
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        rc = hv_update_descriptor(virt_to_maddr(&gdt[2]), bad[i].descriptor);
        attempt(rc < 0 && gdt[2] == 0, "%s by update_descriptor: %ld", bad[i].what, rc);

        unsigned long *page = page_alloc_zeroed(), m = virt_to_mfn(page);
        page[511] = bad[i].descriptor;
        page_set_readonly(page);
        REFUSED(hv_set_gdt(&m, 512), "%s in a new GDT", bad[i].what);
    }
    /* Privileged code and data become ring 3's. */
    hv_update_descriptor(virt_to_maddr(&gdt[2]), 0x00af9b000000ffffUL);
    hv_update_descriptor(virt_to_maddr(&gdt[3]), 0x00cf93000000ffffUL);
    attempt((gdt[2] >> 45 & 3) == 3 || gdt[2] == 0, "a ring 0 code segment becomes %#lx", gdt[2]);
    attempt((gdt[3] >> 45 & 3) == 3 || gdt[3] == 0, "a ring 0 data segment becomes %#lx", gdt[3]);
    static const uint16_t ring0[] = {0xe008, 0xe010, 0xe040, 0xe048, 0xe060,
                                     0xe00b, 0xe043, 0x10,   0xfff8};
    for (unsigned int i = 0; i < sizeof(ring0) / sizeof(ring0[0]); i++) {
        void *s = (void *)(unsigned long)ring0[i];

        traps(far_return, s);
        traps(far_jump, s);
        traps(native_iret, s);
        traps(load_fs, s);
        attempt(privilege() == 3, "selector %#x by lret, ljmp, iret, mov", ring0[i]);
    }
    load_fs(NULL);
    /* Forbidden tables. */
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        struct mmuext_op op = {.cmd = MMUEXT_SET_LDT,
                               .arg1.linear_addr = bad_addresses[i] & PAGE_MASK,
                               .arg2.nr_ents = 8192};

        rc = hv_mmuext_op(&op, 1, NULL, DOMID_SELF);
        bool faulted = traps(load_fs, (void *)0x17UL);
        attempt(rc < 0 || faulted, "an LDT at %#lx", bad_addresses[i]);
        REFUSED(HYPERCALL2(__HYPERVISOR_set_gdt, bad_addresses[i] & ~7UL, 512),
                "a list of frames at %#lx", bad_addresses[i]);
    }
    struct mmuext_op op = {
        .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (unsigned long)gdt, .arg2.nr_ents = 8193};
    REFUSED(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), "an LDT of 8193 entries");
    op.arg2.nr_ents = 16;
    op.arg1.linear_addr += 8;
    REFUSED(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), "an LDT across pages");
    unsigned long many[16];
    for (unsigned int i = 0; i < 16; i++) {
        many[i] = mfn;
    }
    REFUSED(hv_set_gdt(many, 14 * 512 + 1), "a GDT over the hypervisor's entries");
    REFUSED(hv_set_gdt(many, ~0u), "a GDT of 2^32-1 entries");
    /* Our own segment in use, and changed under us. */
    hv_update_descriptor(virt_to_maddr(&gdt[3]), 0x00cff3000000ffffUL);
    load_fs((void *)0x1bUL);
    hv_update_descriptor(virt_to_maddr(&gdt[3]), 0);
    hv_sched_op(SCHEDOP_yield, NULL);
    attempt(true, "a segment that goes while it is in use");
    hv_set_gdt(NULL, 0);
    hv_sched_op(SCHEDOP_yield, NULL);
    attempt(true, "a GDT that goes while it is in use");
    load_fs(NULL);
}

/* ---- returns to places that SYSRET and IRET do not like ------------------------------------------------ */

static void enter(void *frame)
{
    trap_enter(frame, 0);
}
static void enter_in_syscall(void *frame)
{
    trap_enter(frame, VGCF_in_syscall);
}

static char spare_stack[4096] __attribute__((aligned(16)));

/* A hypercall as the last instruction of the lower half: it would return to the first non-canonical address. */
static void last_instruction(void *va)
{
    __asm__ volatile("call *%0"
                     :
                     : "r"(va), "a"(__HYPERVISOR_xen_version), "D"(0), "S"(0)
                     : "rcx", "r11", "memory");
}

ATTACK(returns, 1)
{
    uint8_t *page = page_alloc_zeroed();
    static const uint64_t rips[] = {0x800000000000UL, 0xffff7fffffffffffUL, 0x8000000000000000UL,
                                    HV_ADDRESS,       HV_DIRECTMAP,         0};
    static const uint64_t selectors[][2] = {{0xe008, 0xe010}, {0xe030, 0xe010}, {0xe040, 0xe02b},
                                            {0, 0},           {0xfff8, 0xfff8}, {0xe060, 0xe060}};

    memset(page, 0xc3, PAGE_SIZE);
    page[4094] = 0x0f;
    page[4095] = 0x05;
    map_page(l4_kernel(), 0x7ffffffff000UL, pte(virt_to_mfn(page), PTE_KERNEL));
    bool trapped = traps(last_instruction, (void *)0x7ffffffffffeUL);
    attempt(trapped && privilege() == 3, "a hypercall that returns to 2^47: trap %lu at %#lx",
            last_trap.vector, last_trap.rip);
    for (unsigned int i = 0; i < sizeof(rips) / sizeof(rips[0]); i++) {
        struct trap_frame f = {.rip = rips[i],
                               .cs = KERNEL_CS,
                               .rflags = 0x2,
                               .rsp = (unsigned long)spare_stack + sizeof(spare_stack),
                               .ss = KERNEL_SS};

        trapped = traps(enter, &f);
        attempt(trapped, "iret to %#lx: trap %lu", rips[i], last_trap.vector);
        trapped = traps(enter_in_syscall, &f);
        attempt(trapped, "the same as from a system call: trap %lu", last_trap.vector);
    }
    for (unsigned int i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
        struct trap_frame f = {.rip = NOBODYS_ADDRESS,
                               .cs = selectors[i][0],
                               .rflags = ~0x300UL & ~0x500UL,
                               .rsp = (unsigned long)spare_stack + sizeof(spare_stack),
                               .ss = selectors[i][1]};

        trapped = traps(enter, &f);
        attempt(trapped && privilege() == 3, "iret with cs %#lx ss %#lx: trap %lu", selectors[i][0],
                selectors[i][1], last_trap.vector);
    }
    /* All flags; those that are the hypervisor's must stay its own. */
    static const uint64_t flags[] = {0x3000, 0x20000, 0x180000,
                                     0x4000, 0x40000, 0xffffffffffc80000UL};
    for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        struct trap_frame f = {.rip = NOBODYS_ADDRESS,
                               .cs = KERNEL_CS,
                               .rflags = flags[i] | 2,
                               .rsp = (unsigned long)spare_stack + sizeof(spare_stack),
                               .ss = KERNEL_SS};

        traps(enter, &f);
        attempt((last_trap.rflags & 0x3a0000) == 0, "iret with flags %#lx: then %#lx", flags[i],
                last_trap.rflags);
    }
}

/* 32-bit code of the kernel: its stack pointer is cut, and no trap of it finds a stack. */
LAST_ATTACK(compatibility_mode, 1)
{
    struct trap_frame f = {.rip = NOBODYS_ADDRESS,
                           .cs = 0xe020,
                           .rflags = 2,
                           .rsp = (unsigned long)spare_stack + sizeof(spare_stack),
                           .ss = KERNEL_SS};

    attempt(true, "into a 32-bit segment");
    traps(enter, &f);
    attempt(privilege() == 3, "and back: trap %lu", last_trap.vector);
}

/* ---- debug registers ---------------------------------------------------------------------------------- */

static uint64_t watched[4] __attribute__((aligned(64)));
static volatile unsigned long debug_traps;

static void on_debug(struct trap_frame *frame)
{
    debug_traps++;
    frame->rflags &= ~0x100UL;
}

static void write_dr0(void *v)
{
    __asm__ volatile("mov %0, %%db0" : : "r"(v));
}
static void write_dr7(void *v)
{
    __asm__ volatile("mov %0, %%db7" : : "r"(v));
}

/* MOV SS holds back the watchpoint's trap for one instruction, which enters the hypervisor. */
static void mov_ss_syscall(void *word)
{
    uint16_t ss = 0xe02b;

    (void)word;
    __asm__ volatile("mov %0, watched_ss(%%rip); mov watched_ss(%%rip), %%ss; syscall"
                     :
                     : "r"(ss), "a"(__HYPERVISOR_xen_version), "D"(0), "S"(0)
                     : "rcx", "r11", "memory");
}
static void mov_ss_int(void *word)
{
    (void)word;
    __asm__ volatile("mov watched_ss(%%rip), %%ss; int3" : : : "memory");
}
static void mov_ss_int80(void *word)
{
    (void)word;
    __asm__ volatile("mov watched_ss(%%rip), %%ss; int $0x80" : : : "memory");
}
static void mov_ss_ud(void *word)
{
    (void)word;
    __asm__ volatile("mov watched_ss(%%rip), %%ss; ud2" : : : "memory");
}
static void step_over_syscall(void *word)
{
    (void)word;
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf; syscall; nop"
                     :
                     : "a"(__HYPERVISOR_xen_version), "D"(0), "S"(0)
                     : "rcx", "r11", "memory");
}
static void step_over_sysenter(void *word)
{
    (void)word;
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf; sysenter; nop"
                     :
                     :
                     : "rcx", "r11", "rdx", "memory");
}
static void icebp(void *word)
{
    (void)word;
    __asm__ volatile(".byte 0xf1");
}
uint16_t watched_ss __attribute__((aligned(8))) = 0xe02b;

ATTACK(debug_registers, 1)
{
    uint64_t text[8];

    trap_set_handler(1, on_debug);
    for (unsigned int i = 0; i < 4; i++) {
        unsigned long a = bad_addresses[i];

        for (int reg = 0; reg < 4; reg++) {
            REFUSED(hv_set_debugreg(reg, a), "DR%d at %#lx", reg, a);
        }
        traps(write_dr0, (void *)a);
        attempt(hv_get_debugreg(0) != (long)a, "the same by MOV");
    }
    for (int reg = 8; reg < 20; reg += 3) {
        attempt(hv_set_debugreg(reg, 0) < 0 && hv_get_debugreg(reg) < 0, "DR%d", reg);
    }
    static const uint64_t dr7[] = {0x2000, 0x20002, 0x200020, 0x100000000UL, ~0UL};
    for (unsigned int i = 0; i < sizeof(dr7) / sizeof(dr7[0]); i++) {
        hv_set_debugreg(7, dr7[i]);
        attempt(!(hv_get_debugreg(7) & 0x2000) && (hv_get_debugreg(7) & 0x30003) != 0x20002,
                "DR7 = %#lx", dr7[i]);
        traps(write_dr7, (void *)dr7[i]);
        attempt(!(hv_get_debugreg(7) & 0x2000), "the same by MOV");
        hv_set_debugreg(7, 0x400);
    }
    /* What the hypervisor reads and writes for us is watched. */
    hv_set_debugreg(0, (unsigned long)&watched_ss);
    hv_set_debugreg(1, (unsigned long)text);
    hv_set_debugreg(2, (unsigned long)watched);
    hv_set_debugreg(7, 0xddd0400UL | 0x2a); /* global, 8 or 4 bytes, reads and writes */
    for (unsigned int i = 0; i < 50; i++) {
        hv_xen_version(XENVER_extraversion, text);
        hv_memory_op(XENMEM_machphys_mapping, watched);
        hv_multicall((void *)text, 1);
    }
    attempt(true, "50 calls on watched arguments: %lu debug traps", debug_traps);
    hv_set_debugreg(7, 0x000f0400UL | 0x2); /* DR0 alone */
    static const struct {
        const char *name;
        void (*fn)(void *);
    } shadowed[] = {{"SYSCALL", mov_ss_syscall},
                    {"INT3", mov_ss_int},
                    {"INT 0x80", mov_ss_int80},
                    {"UD2", mov_ss_ud}};
    for (unsigned int i = 0; i < 4; i++) {
        traps(shadowed[i].fn, NULL);
        attempt(privilege() == 3, "a watched MOV SS before %s", shadowed[i].name);
    }
    hv_set_debugreg(7, 0x400);
    traps(step_over_syscall, NULL);
    attempt(privilege() == 3, "SYSCALL, single-stepped");
    traps(icebp, NULL);
    attempt(privilege() == 3, "ICEBP");
    trap_set_handler(1, NULL);
}

static uint64_t *own_l1(void)
{
    return (uint64_t *)((unsigned long)pt_entry(l4_kernel(), KIT_VIRT_BASE, 1) & PAGE_MASK);
}

/* It leaves no stack: where it exists, a kernel that executes it is lost. */
LAST_ATTACK(sysenter, 1)
{
    attempt(true, "SYSENTER, single-stepped");
    traps(step_over_sysenter, NULL);
    attempt(privilege() == 3, "it does not exist");
}

/* ---- ports and privileged instructions ------------------------------------------------------------------- */

static uint16_t port;
static unsigned long string_address, string_count;

static void in_al(void *into)
{
    *(uint8_t *)into = inb(port);
}
static void out_al(void *value)
{
    outb(port, (uint8_t)(unsigned long)value);
}
static void rep_outs(void *unused)
{
    unsigned long at = string_address, n = string_count;

    (void)unused;
    __asm__ volatile("rep outsb" : "+S"(at), "+c"(n) : "d"(port) : "memory");
}
static void rep_ins(void *unused)
{
    unsigned long at = string_address, n = string_count;

    (void)unused;
    __asm__ volatile("rep insl" : "+D"(at), "+c"(n) : "d"(port) : "memory");
}

ATTACK(ports, 1)
{
    static const uint16_t ports[] = {0x20,  0x21,  0x40,  0x43,  0x60,   0x64,
                                     0x70,  0x71,  0x92,  0xa1,  0xcf8,  0xcf9,
                                     0xcfc, 0x3f8, 0x1f0, 0x604, 0xb004, 0xffff};
    struct physdev_set_iopl iopl = {.iopl = 3};
    struct physdev_set_iobitmap bitmap = {.nr_ports = 65536};
    uint64_t *table = own_l1();

    for (unsigned int way = 0; way < 2; way++) {
        if (way == 1) {
            hv_physdev_op(PHYSDEVOP_set_iopl, &iopl);
        }
        for (unsigned int i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
            uint8_t v = 0xff;

            port = ports[i];
            bool trapped = traps(in_al, &v);
            attempt(trapped || v == 0xff, "IN %#x with %s", port, way ? "IOPL 3" : "no rights");
            traps(out_al, (void *)0xfeUL);
        }
        attempt(true, "OUT to each");
    }
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        port = 0x80;
        string_address = bad_addresses[i];
        string_count = ~0UL;
        attempt(traps(rep_outs, NULL), "REP OUTS from %#lx: trap %lu", bad_addresses[i],
                last_trap.vector);
        attempt(traps(rep_ins, NULL), "REP INS to %#lx: trap %lu", bad_addresses[i],
                last_trap.vector);
    }
    string_address = (unsigned long)table;
    string_count = 512;
    uint64_t before = table[0];
    traps(rep_ins, NULL);
    attempt(*(volatile uint64_t *)table == before, "REP INS to a page table");
    string_address = WINDOW - 2;
    traps(rep_ins, NULL);
    attempt(true, "REP INS across a hole");
    iopl.iopl = 0;
    hv_physdev_op(PHYSDEVOP_set_iopl, &iopl);
    iopl.iopl = 4;
    REFUSED(hv_physdev_op(PHYSDEVOP_set_iopl, &iopl), "IOPL 4");
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        uint8_t v = 0xff;

        set_xen_guest_handle(bitmap.bitmap, (uint8_t *)bad_addresses[i]);
        long rc = hv_physdev_op(PHYSDEVOP_set_iobitmap, &bitmap);
        port = 0x71;
        attempt(rc < 0 || traps(in_al, &v) || v == 0xff, "an I/O bitmap at %#lx", bad_addresses[i]);
    }
    bitmap.nr_ports = 65537;
    REFUSED(hv_physdev_op(PHYSDEVOP_set_iobitmap, &bitmap), "an I/O bitmap of 65537 ports");
}

static uint32_t msr;
static uint64_t msr_value;

static void write_msr(void *unused)
{
    (void)unused;
    wrmsr(msr, msr_value);
}

#define INSTRUCTION(name, text, ...)                       \
    static void name(void *arg)                            \
    {                                                      \
        (void)arg;                                         \
        __asm__ volatile(text : : __VA_ARGS__ : "memory"); \
    }
static uint64_t pseudo_descriptor[2] = {0xffff, 0};
INSTRUCTION(do_lgdt, "lgdt %0", "m"(pseudo_descriptor))
INSTRUCTION(do_lidt, "lidt %0", "m"(pseudo_descriptor))
INSTRUCTION(do_lldt, "lldt %w0", "r"(0xe048))
INSTRUCTION(do_ltr, "ltr %w0", "r"(0xe040))
INSTRUCTION(do_lmsw, "lmsw %w0", "r"(0))
INSTRUCTION(do_hlt, "hlt", "r"(0))
INSTRUCTION(do_cli, "cli", "r"(0))
INSTRUCTION(do_invlpg, "invlpg (%0)", "r"(HV_ADDRESS))
INSTRUCTION(do_invd, "invd", "r"(0))
INSTRUCTION(do_wbinvd, "wbinvd", "r"(0))
INSTRUCTION(do_swapgs, "swapgs", "r"(0))
INSTRUCTION(do_sysret, "sysretq", "c"(HV_ADDRESS), "r"(0))
INSTRUCTION(do_vmcall, "vmcall", "a"(0))
INSTRUCTION(do_vmmcall, "vmmcall", "a"(0))
INSTRUCTION(do_vmrun, ".byte 0x0f, 0x01, 0xd8", "a"(0))
INSTRUCTION(do_vmxon, ".byte 0xf3, 0x0f, 0xc7, 0x30", "a"(pseudo_descriptor))
INSTRUCTION(do_rsm, "rsm", "r"(0))
INSTRUCTION(do_monitor, "monitor", "a"(HV_ADDRESS), "c"(0), "d"(0))
INSTRUCTION(do_mwait, "mwait", "a"(0), "c"(0))
INSTRUCTION(do_stac, "stac", "r"(0))
INSTRUCTION(do_cr0, "mov %0, %%cr0", "r"(0x10UL))
INSTRUCTION(do_cr0_wp, "mov %0, %%cr0", "r"(0x80000033UL))
INSTRUCTION(do_cr3, "mov %0, %%cr3", "r"(0x1000UL))
INSTRUCTION(do_cr3_wild, "mov %0, %%cr3", "r"(~0UL))
INSTRUCTION(do_cr8, "mov %0, %%cr8", "r"(15UL))
INSTRUCTION(do_xsetbv, "xsetbv", "a"(0xffffffff), "d"(0xffffffff), "c"(0))
INSTRUCTION(do_xsetbv1, "xsetbv", "a"(1), "d"(0), "c"(1))
INSTRUCTION(do_invpcid, "invpcid %0, %1", "m"(pseudo_descriptor), "r"(2UL))

ATTACK(instructions, 1)
{
    static const struct {
        const char *name;
        void (*fn)(void *);
        bool may_do; /* it need not trap: it is emulated, or does nothing */
    } list[] = {{"LGDT", do_lgdt, false},
                {"LIDT", do_lidt, false},
                {"LLDT", do_lldt, false},
                {"LTR", do_ltr, false},
                {"LMSW", do_lmsw, false},
                {"HLT", do_hlt, false},
                {"CLI", do_cli, true},
                {"INVLPG", do_invlpg, true},
                {"INVD", do_invd, true},
                {"WBINVD", do_wbinvd, true},
                {"SWAPGS", do_swapgs, false},
                {"SYSRET", do_sysret, false},
                {"VMCALL", do_vmcall, false},
                {"VMMCALL", do_vmmcall, false},
                {"VMRUN", do_vmrun, false},
                {"VMXON", do_vmxon, false},
                {"RSM", do_rsm, false},
                {"MONITOR", do_monitor, false},
                {"MWAIT", do_mwait, false},
                {"STAC", do_stac, false},
                {"CR0 = ET", do_cr0, false},
                {"CR0 without WP", do_cr0_wp, false},
                {"CR3 = frame 1", do_cr3, false},
                {"CR3 = ~0", do_cr3_wild, false},
                {"CR8", do_cr8, false},
                {"XCR0 = ~0", do_xsetbv, false},
                {"XCR1", do_xsetbv1, false},
                {"INVPCID", do_invpcid, false}};
    static const uint32_t msrs[] = {0x1b,       0x10,       0x174,      0x175,      0x176,
                                    0x1a0,      0x1d9,      0x277,      0x2ff,      0x6e0,
                                    0x808,      0x79,       0xc0000080, 0xc0000081, 0xc0000082,
                                    0xc0000083, 0xc0000084, 0xc0000103, 0xc0010015, 0xc0010117,
                                    0xc0010114, 0x48,       0x49,       0xda0};

    for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        bool trapped = traps(list[i].fn, NULL);

        attempt((trapped || list[i].may_do) && privilege() == 3, "%s: %s", list[i].name,
                trapped ? "a trap" : "nothing");
    }
    for (unsigned int i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
        msr = msrs[i];
        for (unsigned int bit = 0; bit < 64; bit += 7) {
            msr_value = 1UL << bit | HV_ADDRESS;
            traps(write_msr, NULL);
        }
        /* SYSCALL, paging and traps still work. */
        attempt(hv_xen_version(XENVER_version, NULL) > 0 && privilege() == 3, "MSR %#x", msr);
    }
    static const uint32_t bases[] = {0xc0000100, 0xc0000101, 0xc0000102};
    for (unsigned int i = 0; i < 3; i++) {
        msr = bases[i];
        msr_value = NON_CANONICAL;
        attempt(traps(write_msr, NULL), "MSR %#x, not canonical", msr);
        REFUSED(hv_set_segment_base(i, NON_CANONICAL), "segment base %u, not canonical", i);
    }
    REFUSED(hv_set_segment_base(4, 0), "segment base 4");
    for (unsigned int s = 0; s < 0x10000; s += 0x777) {
        hv_set_segment_base(SEGBASE_GS_USER_SEL, s);
    }
    attempt(true, "any selector for the user's GS");
    hv_set_segment_base(SEGBASE_GS_USER_SEL, 0);
}

/* ---- states of vCPUs ---------------------------------------------------------------------------------- */

static struct vcpu_guest_context context;

static void fresh(void)
{
    vcpu_context(&context, 1, NULL, NULL);
    context.user_regs.rip = NOBODYS_ADDRESS;
}

static void initialise(const char *what)
{
    long rc = hv_vcpu_op(VCPUOP_initialise, 1, &context);

    REFUSED(rc, "a vCPU with %s: %ld", what, rc);
}

ATTACK(vcpu_states, 2)
{
    struct vcpu_register_vcpu_info info = {.mfn = foreign_frame(20)};
    struct vcpu_register_runstate_memory_area area;
    struct vcpu_register_time_memory_area time_area;
    evtchn_port_t timer_port = (evtchn_port_t)event_bind_virq(VIRQ_TIMER, 0);

    for (unsigned int i = 0; i < NR_FOREIGN; i += 5) {
        fresh();
        context.ctrlreg[3] = xen_pfn_to_cr3(foreign_frame(i));
        initialise("a foreign root");
        fresh();
        context.ctrlreg[1] = xen_pfn_to_cr3(foreign_frame(i)) | 1;
        initialise("a foreign user root");
        fresh();
        context.gdt_ents = 512;
        context.gdt_frames[0] = foreign_frame(i);
        initialise("a foreign GDT");
        info.mfn = foreign_frame(i);
        REFUSED(hv_vcpu_op(VCPUOP_register_vcpu_info, 1, &info), "vcpu_info in frame %#lx",
                foreign_frame(i));
    }
    fresh();
    context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(page_alloc()));
    initialise("data as root");
    fresh();
    context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(own_l1()));
    initialise("an L1 as root");
    fresh();
    context.gdt_ents = 14 * 512 + 1;
    initialise("a GDT over the hypervisor's");
    fresh();
    context.ldt_ents = 8193;
    initialise("an LDT of 8193 entries");
    for (unsigned int i = 4; i < 6; i += 1) {
        fresh();
        context.event_callback_eip = NON_CANONICAL;
        initialise("a callback that is not canonical");
    }
    REFUSED(hv_vcpu_op(VCPUOP_up, 1, NULL), "a vCPU without a state started");
    REFUSED(hv_vcpu_op(VCPUOP_initialise, 2, &context), "a vCPU that is not there");
    REFUSED(hv_vcpu_op(VCPUOP_initialise, ~0u, &context), "vCPU 2^32-1");
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        REFUSED(hv_vcpu_op(VCPUOP_initialise, 1, (void *)(bad_addresses[i] & ~7UL)),
                "a state at %#lx", bad_addresses[i]);
    }
    info.mfn = virt_to_mfn(page_alloc_zeroed());
    static const uint32_t offsets[] = {4096 - 63, 4095, 4096, 0x80000000, ~0u, 1, 4};
    for (unsigned int i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        info.offset = offsets[i];
        REFUSED(hv_vcpu_op(VCPUOP_register_vcpu_info, 1, &info), "vcpu_info at offset %#x",
                offsets[i]);
    }
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        area.addr.p = bad_addresses[i] & ~7UL;
        time_area.addr.p = bad_addresses[i] & ~7UL;
        hv_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area);
        hv_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &time_area);
        for (unsigned int k = 0; k < 20; k++) {
            hv_sched_op(SCHEDOP_yield, NULL);
        }
        attempt(true, "run state and time at %#lx", bad_addresses[i]);
    }
    /* Records that the hypervisor writes by itself, where a table is. */
    uint64_t *l1 = own_l1(), before = l1[1];
    area.addr.p = (unsigned long)l1;
    hv_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area);
    time_area.addr.p = (unsigned long)l1;
    hv_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &time_area);
    for (unsigned int k = 0; k < 20; k++) {
        struct sched_poll poll = {.nr_ports = 1, .timeout = time_now() + 1000000};

        set_xen_guest_handle(poll.ports, &timer_port);
        hv_sched_op(SCHEDOP_poll, &poll);
    }
    attempt(((*(volatile uint64_t *)&l1[1] ^ before) & ~(PTE_A | PTE_D)) == 0,
            "run state and time in a page table");
    area.addr.p = 0;
    hv_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area);
}

/* A state that is accepted, and good for nothing: whatever it does, it does to its own domain. */
LAST_ATTACK(wild_vcpu, 2)
{
    fresh();
    context.user_regs.rip = HV_ADDRESS;
    context.user_regs.rsp = HV_DIRECTMAP;
    context.user_regs.cs = 0xe008;
    context.user_regs.ss = 0xe010;
    context.user_regs.ds = context.user_regs.es = context.user_regs.fs = context.user_regs.gs =
        0xe040;
    context.user_regs.rflags = ~0UL;
    context.kernel_sp = HV_DIRECTMAP;
    context.fs_base = context.gs_base_kernel = context.gs_base_user = NON_CANONICAL;
    context.ctrlreg[4] = ~0UL;
    context.ldt_base = HV_ADDRESS & PAGE_MASK;
    context.ldt_ents = 8192;
    context.flags = ~0UL & ~(unsigned long)VGCF_online;
    memset(&context.fpu_ctxt, 0xff, sizeof(context.fpu_ctxt));
    for (unsigned int i = 0; i < 8; i++) {
        context.debugreg[i] = i == 7 ? 0xffffffff : HV_ADDRESS;
    }
    for (unsigned int i = 0; i < 256; i++) {
        context.trap_ctxt[i].address = i & 1 ? NON_CANONICAL : HV_ADDRESS;
        context.trap_ctxt[i].cs = 0xe008;
        context.trap_ctxt[i].vector = (uint8_t)(255 - i);
    }
    context.event_callback_eip = context.syscall_callback_eip = context.failsafe_callback_eip =
        HV_ADDRESS;
    long rc = hv_vcpu_op(VCPUOP_initialise, 1, &context);
    attempt(true, "a wild state: %ld", rc);
    hv_vcpu_op(VCPUOP_up, 1, NULL);
    hv_vcpu_op(VCPUOP_send_nmi, 1, NULL);
    time_spin(50000000);
    attempt(true, "it ran for a while");
}
