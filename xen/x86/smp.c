/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting the other CPUs and calling functions on them (Intel SDM vol. 3 ch. 9.4 and 11.6).
 *
 * CPUs start one after another: INIT, 10 ms by the book, which no CPU of this century needs (and
 * the manual's own example allows leaving out for them), two STARTUPs. Each CPU tells that it has
 * begun and that it is done; the boot CPU polls, so a healthy one costs well below a millisecond.
 */
#include "x86/smp.h"
#include "boot/boot.h"
#include "boot/cmdline.h"
#include "lib/lib.h"
#include "lib/spinlock.h"
#include "sched/sched.h"
#include "sched/timer.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/page.h"
#include "x86/time.h"

#define EFER_SCE      0x001u
#define EFER_LME      0x100u
#define EFER_NXE      0x800u
#define MSR_EFER      0xc0000080
#define INIT_WAIT_US  20
#define START_WAIT_US 200    /* before the second STARTUP */
#define BEGIN_WAIT_US 100000 /* until it is given up */
#define DONE_WAIT_US  5000000
#define XAPIC_MAX_ID  254u

struct trampoline_fixup {
    uint32_t gdt;
    uint32_t jump32;
    uint16_t cs32;
    uint32_t jump64;
    uint16_t cs64;
    uint32_t cr3, efer;
    uint64_t entry;
    uint32_t gdt_offset, start32_offset, start64_offset;
} __packed;

extern const char trampoline_start[], trampoline_end[], trampoline_fixup[];
extern char boot_l4[];
extern char *cpu_stacks[MAX_CPUS]; /* percpu.c */
void secondary_start(void);

/* Read by secondary_start. */
uint64_t trampoline_cr3, trampoline_stack;

cpumask_t cpu_online_map = {1};
unsigned int nr_cpus_present = 1;
uint32_t cpu_acpi_id[MAX_CPUS];
static enum { CPU_WAITING, CPU_BEGUN, CPU_DONE } start_state;

static unsigned int opt_maxcpus = MAX_CPUS;
static bool opt_smp = true;
OPT_UINT("maxcpus", opt_maxcpus);
OPT_BOOL("smp", opt_smp);

/* --- Starting --- */

void smp_secondary_entry(void)
{
    unsigned int cpu = cpu_id();

    atomic_store(&start_state, CPU_BEGUN);
    cpu_init_secondary(cpu);
    apic_init_cpu();
    timers_init_cpu(cpu);
    time_init_cpu();
    sched_init_cpu(cpu);
    atomic_or(&cpu_online_map.bits, 1ull << cpu);
    atomic_store(&start_state, CPU_DONE);
    idle_loop();
}

static bool wait_state(int state, unsigned int us)
{
    for (unsigned int i = 0; i < us / 5; i++) {
        if ((int)atomic_load(&start_state) >= state)
            return true;
        udelay(5);
    }
    return (int)atomic_load(&start_state) >= state;
}

static void __init place_trampoline(char *page)
{
    uint32_t base = (uint32_t)virt_to_maddr(page);
    struct trampoline_fixup *f = (void *)(page + (trampoline_fixup - trampoline_start));

    memcpy(page, trampoline_start, (size_t)(trampoline_end - trampoline_start));
    f->gdt = base + f->gdt_offset;
    f->jump32 = base + f->start32_offset;
    f->jump64 = base + f->start64_offset;
    f->cr3 = (uint32_t)virt_to_maddr(boot_l4);
    f->efer = (uint32_t)rdmsr(MSR_EFER) & (EFER_SCE | EFER_LME | EFER_NXE);
    f->entry = (uint64_t)secondary_start;
    trampoline_cr3 = read_cr3();
}

static int __init start_cpu(unsigned int cpu, uint8_t page)
{
    int rc = cpu_areas_alloc(cpu);
    if (rc)
        return rc;
    trampoline_stack = (uint64_t)(cpu_stacks[cpu] + STACK_SIZE - PAGE_SIZE);
    atomic_store(&start_state, CPU_WAITING);
    apic_send_init(cpu_apic_id[cpu]);
    udelay(INIT_WAIT_US);
    apic_send_startup(cpu_apic_id[cpu], page);
    if (!wait_state(CPU_BEGUN, START_WAIT_US))
        apic_send_startup(cpu_apic_id[cpu], page);
    if (!wait_state(CPU_BEGUN, BEGIN_WAIT_US))
        return -ETIMEDOUT;
    /* It uses our per-CPU areas now: no way back but a panic. */
    if (!wait_state(CPU_DONE, DONE_WAIT_US))
        panic("CPU %u (APIC id %u) began to start and did not end", cpu, cpu_apic_id[cpu]);
    return 0;
}

/* Numbers for the MADT's CPUs: the boot CPU is 0, the rest in the table's order. */
static unsigned int __init number_cpus(void)
{
    unsigned int limit = opt_smp ? MIN(MAX(opt_maxcpus, 1u), (unsigned int)MAX_CPUS) : 1;
    unsigned int n = 1;

    for (unsigned int i = 0; i < acpi.nr_cpus; i++) {
        uint32_t id = acpi.cpu[i].apic_id;
        if (id == cpu_apic_id[0]) {
            cpu_acpi_id[0] = acpi.cpu[i].acpi_id;
        } else if (id > XAPIC_MAX_ID) {
            printk(LOG_WARN "CPU with APIC id %u left out: interrupts reach ids up to 254 only\n",
                   id);
        } else if (n < limit) {
            cpu_apic_id[n] = id;
            cpu_acpi_id[n++] = acpi.cpu[i].acpi_id;
        }
    }
    return n;
}

/* The highest page of RAM below 640 KiB; the allocator leaves all of low memory alone. 0: none. */
static paddr_t __init trampoline_page(void)
{
    paddr_t best = 0;

    for (unsigned int i = 0; i < boot_info.nr_e820; i++) {
        const struct boot_e820 *e = &boot_info.e820[i];
        paddr_t end = ROUND_DOWN(MIN(e->addr + e->size, (uint64_t)KB(640)), PAGE_SIZE);
        if (e->type == E820_RAM && end > e->addr && end - e->addr >= PAGE_SIZE)
            best = MAX(best, end - PAGE_SIZE);
    }
    return best;
}

void __init smp_start_cpus(void)
{
    unsigned int n = number_cpus(), up = 1;
    paddr_t page = trampoline_page();

    nr_cpus_present = n;
    if (n > 1 && !page) {
        printk(LOG_ERR "No RAM below 640 KiB: only one CPU is used\n");
        nr_cpus_present = 1;
        return;
    }
    if (n > 1)
        place_trampoline(maddr_to_virt(page));
    for (unsigned int cpu = 1; cpu < n; cpu++) {
        int rc = start_cpu(cpu, (uint8_t)(page >> PAGE_SHIFT));
        if (rc)
            printk(LOG_ERR "CPU %u (APIC id %u) does not start: %s\n", cpu, cpu_apic_id[cpu],
                   rc == -ENOMEM ? "no memory" : "no answer");
        else
            up++;
    }
    printk(LOG_INFO "%u of %u CPUs are up\n", up, n);
}

/* --- Calls --- */

static struct spinlock call_lock = SPINLOCK_INIT(LOCK_TLB); /* one call at a time */
static void (*call_fn)(void *);
static void *call_data;
static uint64_t call_taken, call_running; /* CPUs that have not yet begun, not yet ended */

void smp_handle_call(void)
{
    uint64_t me = 1ull << cpu_id();
    void (*fn)(void *) = call_fn;
    void *data = call_data;

    if (!(atomic_load(&call_taken) & me))
        return;
    atomic_and(&call_taken, ~me); /* after this the sender may reuse fn and data if it waits not */
    fn(data);
    atomic_and(&call_running, ~me);
}

void smp_call(cpumask_t mask, void (*fn)(void *), void *data, bool wait)
{
    mask = cpumask_andnot(cpumask_and(mask, cpu_online_map), cpumask_of(cpu_id()));
    if (cpumask_empty(mask))
        return;
    ASSERT_DEBUG(irq_is_enabled());
    spin_lock(&call_lock);
    while (atomic_load(&call_running)) /* of an earlier call that nobody waited for */
        cpu_relax();
    call_fn = fn;
    call_data = data;
    atomic_store(&call_running, mask.bits);
    atomic_store(&call_taken, mask.bits);
    apic_send_ipi_mask(mask, VECTOR_CALL);
    while (atomic_load(&call_taken) || (wait && atomic_load(&call_running)))
        cpu_relax();
    spin_unlock(&call_lock);
}

void smp_kick(unsigned int cpu)
{
    apic_send_ipi(cpu, VECTOR_KICK);
}

void smp_handle_stop(void)
{
    atomic_and(&cpu_online_map.bits, ~(1ull << cpu_id()));
    for (;;)
        __asm__ volatile("cli; hlt");
}

void smp_stop_others(void)
{
    cpumask_t others = cpumask_andnot(cpu_online_map, cpumask_of(cpu_id()));

    if (cpumask_empty(others))
        return;
    apic_send_ipi_mask(others, VECTOR_STOP);
    for (unsigned int i = 0; i < 1000 && (atomic_load(&cpu_online_map.bits) & others.bits); i++)
        udelay(10);
}
