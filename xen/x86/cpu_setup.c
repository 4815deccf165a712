/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor tables, system-call registers and control registers of each CPU.
 * (Intel SDM vol. 3 ch. 2.5, 3.5, 5.8.8, 6.14, 7.7.)
 */
#include "x86/cpu_setup.h"
#include "x86/asm.h"
#include "x86/paging.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "x86/xpti.h"

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1, ist[7], reserved2;
    uint16_t reserved3, iomap_base;
} __packed;

struct idt_gate {
    uint16_t offset0, selector;
    uint8_t ist, type;
    uint16_t offset1;
    uint32_t offset2, reserved;
};

struct desc_ptr {
    uint16_t limit;
    uint64_t base;
} __packed;

/* A place in the code that depends on the CPU (x86/asm.h). */
struct patch_site {
    uint64_t addr, kind, target;
};

#define STUB_SIZE 64 /* per CPU, in section .stubs of the image */
_Static_assert(STUB_SIZE *MAX_CPUS <= 4096, "stubs fit their page");

struct cpu_caps cpu_caps;
uint32_t xsave_size;
DEFINE_PER_CPU(uint64_t *, gdt_page);
static struct idt_gate idt[256] __aligned(4096);

extern const uint64_t exception_entries[32];
extern char irq_entries[], syscall_entry[], cstar_entry[], sysenter_entry[], __stubs_start[];
extern const struct patch_site __patch_sites_start[], __patch_sites_end[];

static void set_gate(unsigned int nr, uint64_t entry, unsigned int ist, unsigned int dpl)
{
    idt[nr] = (struct idt_gate){.offset0 = (uint16_t)entry,
                                .selector = HV_CS,
                                .ist = (uint8_t)ist,
                                .type = (uint8_t)(0x8e | dpl << 5), /* present, interrupt gate */
                                .offset1 = (uint16_t)(entry >> 16),
                                .offset2 = (uint32_t)(entry >> 32)};
}

static void __init idt_init(void)
{
    for (unsigned int i = 0; i < 32; i++)
        set_gate(i, exception_entries[i], 0, 0);
    for (unsigned int i = 32; i < 256; i++)
        set_gate(i, (uint64_t)irq_entries + (i - 32) * 16, 0, 0);
    idt[8].ist = 1;
    idt[2].ist = 2;
    idt[18].ist = 3;
    idt[1].ist = 4;
    set_gate(3, exception_entries[3], 0, 3);
    set_gate(4, exception_entries[4], 0, 3);
    set_gate(0x80, (uint64_t)irq_entries + (0x80 - 32) * 16, 0, 3);
}

void cpu_load_gdt(uint64_t base)
{
    struct desc_ptr p = {.limit = 15 * PAGE_SIZE - 1, .base = base};
    __asm__ volatile("lgdt %0" ::"m"(p));
}

/* A 16-byte system descriptor (Intel SDM vol. 3 fig. 7-4). */
static void set_system_desc(uint64_t *slot, uint64_t base, uint32_t limit, unsigned int type)
{
    slot[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | (uint64_t)(0x80 | type) << 40 |
              (uint64_t)((limit >> 16) & 0xf) << 48 | ((base >> 24) & 0xff) << 56;
    slot[1] = base >> 32;
}

void cpu_load_ldt(uint64_t base, unsigned int ents)
{
    uint16_t sel = 0;

    if (ents) {
        set_system_desc(&this_cpu(gdt_page)[(HV_LDT & 0xfff) / 8], base, ents * 8 - 1, 0x2);
        sel = HV_LDT;
    }
    __asm__ volatile("lldt %0" ::"r"(sel));
}

static void tables_load(unsigned int cpu)
{
    uint64_t *gdt = this_cpu(gdt_page);
    struct tss *tss = (struct tss *)((char *)cpu_info() + CPU_TSS_OFFSET);
    char *stack = (char *)((uint64_t)cpu_info() & ~(STACK_SIZE - 1));
    struct desc_ptr idtr = {.limit = sizeof(idt) - 1, .base = (uint64_t)idt};

    tss->rsp[0] = (uint64_t)&cpu_info()->regs.es;
    for (unsigned int i = 0; i < 4; i++)
        tss->ist[i] = (uint64_t)stack + (STACK_SPECIAL(i) + 1) * PAGE_SIZE;
    tss->iomap_base = sizeof(*tss);
    gdt[1] = 0x00af9b000000ffff; /* 0xe008: our code */
    gdt[2] = 0x00cf93000000ffff; /* 0xe010: our data */
    gdt[4] = 0x00cffb000000ffff; /* 0xe023: guests' 32-bit code */
    gdt[5] = 0x00cff3000000ffff; /* 0xe02b: guests' data */
    gdt[6] = 0x00affb000000ffff; /* 0xe033: guests' 64-bit code */
    set_system_desc(&gdt[8], (uint64_t)tss, sizeof(*tss) - 1, 0x9);
    gdt[12] = cpu;
    cpu_load_gdt((uint64_t)gdt - FIRST_RESERVED_GDT_BYTE);
    __asm__ volatile("pushq %0; lea 1f(%%rip),%%rax; pushq %%rax; lretq; 1:\n\t"
                     "mov %w1,%%ss; ltr %w2" ::"i"(HV_CS),
                     "r"(HV_DS), "r"(HV_TR)
                     : "rax", "memory");
    cpu_load_ldt(0, 0);
    __asm__ volatile("lidt %0" ::"m"(idtr));
}

static uint8_t *emit64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, 8);
    return p + 8;
}

/*
 * A stub of this CPU, where SYSCALL lands with the guest's stack: rax to cpu_info.scratch, the
 * guest's rsp to rax, our stack to rsp, then to the common entry. Written through the map of RAM;
 * executed at its read-only address in the image.
 */
static uint64_t write_stub(unsigned int cpu, unsigned int half, const char *target)
{
    uint64_t va = (uint64_t)__stubs_start + cpu * STUB_SIZE + half * (STUB_SIZE / 2);
    uint8_t *start = maddr_to_virt(va - HV_IMAGE_START), *p = start;

    *p++ = 0x48; /* movabs %rax, scratch */
    *p++ = 0xa3;
    p = emit64(p, (uint64_t)&cpu_info()->scratch);
    *p++ = 0x48; /* mov %rsp, %rax */
    *p++ = 0x89;
    *p++ = 0xe0;
    *p++ = 0x48; /* movabs $stack, %rsp */
    *p++ = 0xbc;
    p = emit64(p, (uint64_t)&cpu_info()->regs.es);
    *p++ = 0xe9; /* jmp target */
    int32_t rel = (int32_t)((uint64_t)target - (va + (uint64_t)(p - start) + 4));
    memcpy(p, &rel, 4);
    return va;
}

static void syscall_msrs(unsigned int cpu)
{
    wrmsr(MSR_STAR, (uint64_t)(FLAT_RING3_CS32) << 48 | (uint64_t)HV_CS << 32);
    wrmsr(MSR_LSTAR, write_stub(cpu, 0, syscall_entry));
    wrmsr(MSR_CSTAR, write_stub(cpu, 1, cstar_entry));
    wrmsr(MSR_SFMASK, X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_IOPL |
                          X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_AC);
    wrmsr_safe(MSR_SYSENTER_CS, HV_CS);
    wrmsr_safe(MSR_SYSENTER_ESP, (uint64_t)&cpu_info()->regs.es);
    wrmsr_safe(MSR_SYSENTER_EIP, (uint64_t)sysenter_entry);
}

static void control_registers(void)
{
    uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_DE;

    if (!xpti_active) /* else our translations would outlive the change to a guest's tables */
        cr4 |= CR4_PGE;
    if (cpuid(1).d & (1u << 7))
        cr4 |= CR4_MCE;
    if (cpu_caps.smep)
        cr4 |= CR4_SMEP;
    if (cpu_caps.smap)
        cr4 |= CR4_SMAP;
    if (cpu_caps.umip)
        cr4 |= CR4_UMIP;
    if (cpu_caps.fsgsbase)
        cr4 |= CR4_FSGSBASE;
    if (cpu_caps.xsave)
        cr4 |= CR4_OSXSAVE;
    write_cr4(cr4);
    write_cr0(0x80010033); /* PG WP NE ET MP PE */
    if (cpu_caps.xsave)
        __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)cpu_caps.xcr0),
                         "d"((uint32_t)(cpu_caps.xcr0 >> 32)));
    wrmsr(MSR_PAT, XEN_PAT);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1); /* SCE */
    __asm__ volatile("fninit");
}

static void __init find_caps(void)
{
    struct cpuid_regs r = cpuid(0);
    uint32_t max = r.a;

    memcpy(cpu_caps.vendor, &r.b, 4);
    memcpy(cpu_caps.vendor + 4, &r.d, 4);
    memcpy(cpu_caps.vendor + 8, &r.c, 4);
    r = cpuid(1);
    cpu_caps.family = (r.a >> 8) & 0xf;
    cpu_caps.model = (r.a >> 4) & 0xf;
    cpu_caps.stepping = r.a & 0xf;
    if (cpu_caps.family == 0xf)
        cpu_caps.family += (r.a >> 20) & 0xff;
    if (cpu_caps.family >= 6)
        cpu_caps.model |= (r.a >> 12) & 0xf0;
    cpu_caps.xsave = r.c & (1u << 26);
    if (max >= 7) {
        r = cpuid_count(7, 0);
        cpu_caps.fsgsbase = r.b & (1u << 0);
        cpu_caps.smep = r.b & (1u << 7);
        cpu_caps.invpcid = r.b & (1u << 10);
        cpu_caps.smap = r.b & (1u << 20);
        cpu_caps.umip = r.c & (1u << 2);
    }
    cpu_caps.nx = cpuid(0x80000001).d & (1u << 20);
    xsave_size = 512 + 64;
    if (cpu_caps.xsave && max >= 0xd) {
        r = cpuid_count(0xd, 0);
        /* x87, SSE, AVX, AVX-512: what we know how guests use. */
        cpu_caps.xcr0 = ((uint64_t)r.d << 32 | r.a) & 0xe7;
        xsave_size = r.c;
        cpu_caps.xsaveopt = cpuid_count(0xd, 1).a & 1;
    }
}

/* CALL (0xe8) or JMP (0xe9) at the address, in bytes that lie at p. */
static void __init put_branch(uint8_t *p, uint8_t opcode, uint64_t addr, uint64_t target)
{
    int32_t rel = (int32_t)(target - (addr + 5));

    *p++ = opcode;
    memcpy(p, &rel, sizeof(rel));
}

/* No other CPU runs yet, and this one comes by the sites only after serialising instructions. */
static void __init patch_sites(bool smap, bool xpti)
{
    static const uint8_t nop3[] = {0x0f, 0x1f, 0x00}, nop5[] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
    static const uint8_t clac[] = {0x0f, 0x01, 0xca}, stac[] = {0x0f, 0x01, 0xcb};

    for (const struct patch_site *s = __patch_sites_start; s < __patch_sites_end; s++) {
        uint8_t *p = maddr_to_virt(s->addr - HV_IMAGE_START);
        switch (s->kind) {
        case PATCH_STAC: memcpy(p, smap ? stac : nop3, 3); break;
        case PATCH_CLAC: memcpy(p, smap ? clac : nop3, 3); break;
        case PATCH_CLAC_CALL:
            memcpy(p, smap ? clac : nop3, 3);
            memcpy(p + 3, nop5, 5);
            if (xpti)
                put_branch(p + 3, 0xe8, s->addr + 3, s->target);
            break;
        case PATCH_CALL:
        case PATCH_JMP:
            if (xpti)
                put_branch(p, s->kind == PATCH_CALL ? 0xe8 : 0xe9, s->addr, s->target);
            break;
        default: panic("Patch site %#lx is of kind %lu", s->addr, s->kind);
        }
    }
}

void cpu_init_secondary(unsigned int cpu)
{
    write_cr3(virt_to_maddr(idle_l4));
    if (!this_cpu(gdt_page)) {
        this_cpu(gdt_page) = page_zalloc();
        if (!this_cpu(gdt_page))
            panic("No memory for the descriptor table of CPU %u", cpu);
    }
    control_registers();
    tables_load(cpu);
    syscall_msrs(cpu);
}

void __init cpu_init_boot(void)
{
    find_caps();
    idt_init();
    this_cpu(gdt_page) = maddr_to_virt(boot_alloc(PAGE_SIZE, PAGE_SIZE));
    xpti_init();
    control_registers();
    if (cpu_caps.smap || xpti_active)
        patch_sites(cpu_caps.smap, xpti_active);
    tables_load(0);
    syscall_msrs(0);
    printk(LOG_INFO "CPU: %s family %u model %#x stepping %u%s%s%s%s%s\n", cpu_caps.vendor,
           cpu_caps.family, cpu_caps.model, cpu_caps.stepping, cpu_caps.smep ? ", SMEP" : "",
           cpu_caps.smap ? ", SMAP" : "", cpu_caps.umip ? ", UMIP" : "",
           cpu_caps.fsgsbase ? ", FSGSBASE" : "", cpu_caps.xsave ? ", XSAVE" : "");
}
