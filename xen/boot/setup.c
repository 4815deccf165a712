/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order in which everything comes up, on the boot CPU. */
#include "boot/boot.h"
#include "boot/cmdline.h"
#include "boot/multiboot.h"
#include "console/console.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "pv/dom0.h"
#include "sched/softirq.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/cpu_setup.h"
#include "x86/cpuid_policy.h"
#include "x86/irq.h"
#include "x86/paging.h"
#include "x86/protect.h"
#include "x86/smp.h"
#include "x86/switch.h"
#include "x86/time.h"
#include "x86/traps.h"
#include "x86/xpti.h"

void boot_main(uint32_t magic, uint32_t mbi) __noreturn;
void reset_stack_and_jump(void *frame, void (*fn)(void)) __noreturn;

static void __init print_memory_map(void)
{
    static const char *const names[] = {"?",         "RAM",      "reserved",
                                        "ACPI data", "ACPI NVS", "unusable"};

    for (unsigned int i = 0; i < boot_info.nr_e820; i++) {
        const struct boot_e820 *e = &boot_info.e820[i];
        printk(LOG_INFO " %016lx-%016lx %s\n", e->addr, e->addr + e->size,
               names[e->type < ARRAY_SIZE(names) ? e->type : 0]);
    }
}

void __init boot_main(uint32_t magic, uint32_t mbi)
{
    static char cmdline[sizeof(saved_cmdline)] __initdata;

    console_init_early();
    multiboot_parse(magic, mbi, cmdline, sizeof(cmdline));
    cmdline_parse(cmdline);
    console_init_options();
    printk("Hospes, a type-1 hypervisor (Xen ABI 4.17)\n");
    printk(LOG_INFO "Loader: %s; command line: %s\n",
           boot_info.loader[0] ? boot_info.loader : "unknown", cmdline);
    print_memory_map();

    paging_init();
    cpu_init_boot();
    boot_alloc_end();
    printk(LOG_INFO "Memory: %lu MiB free of %lu MiB\n", (unsigned long)(frames_free_count() >> 8),
           (unsigned long)(max_mfn >> 8));

    acpi_init();
    apic_init();
    time_init();
    domains_init();
    sched_init();
    timers_init_cpu(0);
    sched_init_cpu(0);
    traps_init();
    irq_init();
    cpu_policy_init();
    console_init_irq();
    irq_enable();
    cpu_online_map = cpumask_of(0);
    if (xpti_init_cpu(cpu_info()))
        panic("No memory for the page tables of guests");
    smp_start_cpus();
    protect_hypervisor();
    protect_init();

    dom0_build();
    /* From here on this CPU is like any other: its idle loop finds Dom0's vCPU. */
    reset_stack_and_jump(&cpu_info()->regs, idle_loop);
}
