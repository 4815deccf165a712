/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC (Intel SDM vol. 3 ch. 11; AMD APM vol. 2 ch. 16).
 *
 * Registers are 32 bits wide, at 16-byte steps: as memory at 0xfee00000 (xAPIC) or as MSRs 0x800 +
 * offset / 16 (x2APIC, where the two halves of the command register are one MSR). x2APIC is used
 * where it exists, because an MSR write costs less than an uncached store and needs no wait.
 * Destinations are physical ids throughout.
 */
#include "x86/apic.h"
#include "boot/cmdline.h"
#include "lib/atomic.h"
#include "lib/lib.h"
#include "x86/acpi.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/page.h"
#include "x86/time.h"

#define MSR_IA32_APIC_BASE       0x1b
#define APIC_BASE_EXTD           (1u << 10)
#define APIC_BASE_ENABLE         (1u << 11)
#define MSR_IA32_TSC_DEADLINE    0x6e0
#define MSR_X2APIC_FIRST         0x800

#define APIC_ID                  0x020
#define APIC_VERSION             0x030
#define APIC_TPR                 0x080
#define APIC_EOI                 0x0b0
#define APIC_LDR                 0x0d0
#define APIC_DFR                 0x0e0
#define APIC_SVR                 0x0f0
#define APIC_ISR                 0x100
#define APIC_ESR                 0x280
#define APIC_ICR_LOW             0x300
#define APIC_ICR_HIGH            0x310
#define APIC_LVT_TIMER           0x320
#define APIC_LVT_THERMAL         0x330
#define APIC_LVT_PERF            0x340
#define APIC_LVT_LINT0           0x350
#define APIC_LVT_LINT1           0x360
#define APIC_LVT_ERROR           0x370
#define APIC_TIMER_INITIAL       0x380
#define APIC_TIMER_CURRENT       0x390
#define APIC_TIMER_DIVIDE        0x3e0

#define APIC_SVR_ENABLE          0x100
#define APIC_ICR_FIXED           0x000
#define APIC_ICR_INIT            0x500
#define APIC_ICR_STARTUP         0x600
#define APIC_ICR_BUSY            0x1000
#define APIC_ICR_ASSERT          0x4000
#define APIC_LVT_NMI             0x400
#define APIC_LVT_ACTIVE_LOW      0x2000
#define APIC_LVT_LEVEL           0x8000
#define APIC_LVT_MASKED          0x10000
#define APIC_LVT_TSC_DEADLINE    0x40000
#define APIC_DIVIDE_BY_1         0xb

#define CPUID_1_ECX_X2APIC       (1u << 21)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)

/* 8259 programmable interrupt controllers (data sheet 231468) */
#define PIC1_COMMAND  0x20
#define PIC1_DATA     0x21
#define PIC2_COMMAND  0xa0
#define PIC2_DATA     0xa1
#define PIC_ICW1      0x11 /* edge, cascade, ICW4 follows */
#define PIC_ICW4_8086 0x01

uint32_t cpu_apic_id[MAX_CPUS];

static bool x2apic, tsc_deadline;
static char *registers; /* xAPIC */
static uint32_t timer_khz;
static bool opt_x2apic = true, opt_tsc_deadline = true;
OPT_BOOL("x2apic", opt_x2apic);
OPT_BOOL("tsc_deadline", opt_tsc_deadline);

static uint32_t reg_read(unsigned int reg)
{
    if (x2apic)
        return (uint32_t)rdmsr(MSR_X2APIC_FIRST + reg / 16);
    return READ_ONCE(*(uint32_t *)(registers + reg));
}

static void reg_write(unsigned int reg, uint32_t v)
{
    if (x2apic)
        wrmsr(MSR_X2APIC_FIRST + reg / 16, v);
    else
        WRITE_ONCE(*(uint32_t *)(registers + reg), v);
}

bool apic_x2apic(void)
{
    return x2apic;
}

uint32_t apic_read_id(void)
{
    uint32_t id = reg_read(APIC_ID);
    return x2apic ? id : id >> 24;
}

void apic_eoi(void)
{
    reg_write(APIC_EOI, 0);
}

/* Masked and moved off the exception vectors: even a masked 8259 may raise its spurious IRQ 7. */
static void pic_disable(void)
{
    outb(PIC1_DATA, 0xff);
    outb(PIC2_DATA, 0xff);
    outb(PIC1_COMMAND, PIC_ICW1);
    outb(PIC1_DATA, 0x20); /* vectors 0x20-0x27 */
    outb(PIC1_DATA, 1 << 2);
    outb(PIC1_DATA, PIC_ICW4_8086);
    outb(PIC2_COMMAND, PIC_ICW1);
    outb(PIC2_DATA, 0x28);
    outb(PIC2_DATA, 2);
    outb(PIC2_DATA, PIC_ICW4_8086);
    outb(PIC1_DATA, 0xff);
    outb(PIC2_DATA, 0xff);
}

static void enter_mode(void)
{
    uint64_t base = rdmsr(MSR_IA32_APIC_BASE) | APIC_BASE_ENABLE;
    if (x2apic)
        base |= APIC_BASE_EXTD;
    if (rdmsr(MSR_IA32_APIC_BASE) != base)
        wrmsr(MSR_IA32_APIC_BASE, base);
}

static void setup_this_cpu(void)
{
    unsigned int max_lvt = (reg_read(APIC_VERSION) >> 16) & 0xff;

    reg_write(APIC_TPR, 0);
    if (!x2apic) {
        /* Flat model; logical destinations are not used, but must not be all zero on some chips. */
        reg_write(APIC_DFR, ~0u);
        reg_write(APIC_LDR, 1u << 24);
    }
    reg_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
    if (max_lvt >= 4)
        reg_write(APIC_LVT_PERF, APIC_LVT_MASKED);
    if (max_lvt >= 5)
        reg_write(APIC_LVT_THERMAL, APIC_LVT_MASKED);
    for (unsigned int lint = 0; lint < 2; lint++) {
        uint32_t lvt = APIC_LVT_MASKED;
        if (acpi.nmi_lint == lint)
            lvt = APIC_LVT_NMI | (acpi.nmi_active_low ? APIC_LVT_ACTIVE_LOW : 0) |
                  (acpi.nmi_level ? APIC_LVT_LEVEL : 0);
        reg_write(lint ? APIC_LVT_LINT1 : APIC_LVT_LINT0, lvt);
    }
    reg_write(APIC_LVT_ERROR, VECTOR_ERROR);
    reg_write(APIC_ESR, 0);
    reg_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
    /* What the firmware left in service would block everything of its priority or lower. */
    for (unsigned int i = 0; i < 256; i++) {
        uint32_t isr = 0;
        for (unsigned int r = 0; r < 8; r++)
            isr |= reg_read(APIC_ISR + r * 16);
        if (!isr)
            break;
        apic_eoi();
    }
}

void apic_init(void)
{
    uint32_t features = cpuid(1).c;
    bool on_already = rdmsr(MSR_IA32_APIC_BASE) & APIC_BASE_EXTD;

    /* Once on, x2APIC cannot be left but through a reset of the APIC. */
    x2apic = (features & CPUID_1_ECX_X2APIC) && (opt_x2apic || on_already);
    tsc_deadline = (features & CPUID_1_ECX_TSC_DEADLINE) && opt_tsc_deadline;
    pic_disable();
    if (!x2apic) {
        registers = ioremap(acpi.lapic_address, PAGE_SIZE);
        if (!registers)
            panic("No room to map the local APIC");
    }
    enter_mode();
    setup_this_cpu();
    cpu_apic_id[0] = apic_read_id();
    printk(LOG_INFO "APIC: %s mode, boot CPU has id %u\n", x2apic ? "x2APIC" : "xAPIC",
           cpu_apic_id[0]);
}

void apic_init_cpu(void)
{
    enter_mode();
    setup_this_cpu();
}

static void send(uint32_t apic_id, uint32_t command)
{
    if (x2apic) {
        /* The MSR write does not wait for earlier stores; what the other CPU shall see must be
         * visible before the interrupt is (SDM vol. 3 ch. 11.12.3). */
        smp_mb();
        wrmsr(MSR_X2APIC_FIRST + APIC_ICR_LOW / 16, (uint64_t)apic_id << 32 | command);
        return;
    }
    unsigned long flags = irq_save();
    while (reg_read(APIC_ICR_LOW) & APIC_ICR_BUSY)
        cpu_relax();
    reg_write(APIC_ICR_HIGH, apic_id << 24);
    reg_write(APIC_ICR_LOW, command);
    irq_restore(flags);
}

void apic_send_ipi(unsigned int cpu, uint8_t vector)
{
    send(cpu_apic_id[cpu], APIC_ICR_FIXED | APIC_ICR_ASSERT | vector);
}

void apic_send_ipi_mask(cpumask_t mask, uint8_t vector)
{
    unsigned int cpu;
    cpumask_for_each(cpu, mask) apic_send_ipi(cpu, vector);
}

void apic_send_init(uint32_t apic_id)
{
    send(apic_id, APIC_ICR_INIT | APIC_ICR_ASSERT);
}

void apic_send_startup(uint32_t apic_id, uint8_t page)
{
    send(apic_id, APIC_ICR_STARTUP | APIC_ICR_ASSERT | page);
}

void apic_timer_start_counting(void)
{
    reg_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
    reg_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_TIMER);
    reg_write(APIC_TIMER_INITIAL, ~0u);
}

uint32_t apic_timer_count(void)
{
    return reg_read(APIC_TIMER_CURRENT);
}

void apic_timer_set_khz(uint32_t khz)
{
    timer_khz = khz;
}

bool apic_timer_uses_deadline(void)
{
    return tsc_deadline;
}

void apic_timer_init_cpu(void)
{
    reg_write(APIC_TIMER_INITIAL, 0);
    reg_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
    reg_write(APIC_LVT_TIMER, VECTOR_TIMER | (tsc_deadline ? APIC_LVT_TSC_DEADLINE : 0));
    smp_mb(); /* xAPIC: the store above must be done before the first deadline (11.5.4.1) */
}

void timer_hw_program(s_time_t t)
{
    if (tsc_deadline) {
        /* Zero disarms; a deadline in the past fires at once. */
        wrmsr(MSR_IA32_TSC_DEADLINE, t ? ns_to_tsc(MAX(t, (s_time_t)1)) : 0);
        return;
    }
    uint32_t count = 0;
    if (t) {
        s_time_t delta = t - now();
        /* Far deadlines fire early; the timer code then asks again. */
        if (delta >= 1000000000)
            delta = 1000000000;
        count = delta > 0 ? (uint32_t)MIN((uint64_t)delta * timer_khz / 1000000, ~0ull >> 32) : 0;
        if (!count)
            count = 1;
    }
    reg_write(APIC_TIMER_INITIAL, count);
}
