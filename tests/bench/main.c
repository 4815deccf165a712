/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bench kernel: runs every group and prints one `bench NAME value` line per operation. */
#include "bench.h"
#include "hypercalls/abi/sysctl.h"

/* Reset to the first instruction; and the memory that is neither free nor ours. */
void bench_host(void)
{
    static struct xen_sysctl op;
    domid_t self = DOMID_SELF;

    report("boot_to_guest", kit_first_tsc, 1);
    op.cmd = XEN_SYSCTL_physinfo;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    TRY("hypervisor_memory_kib", HYPERCALL1(__HYPERVISOR_sysctl, &op));
    long own = hv_memory_op(XENMEM_current_reservation, &self);
    TRY("hypervisor_memory_kib", own);
    kprintf("# total %lu free %lu own %ld pages\n", op.u.physinfo.total_pages,
            op.u.physinfo.free_pages, own);
    report("hypervisor_memory_kib",
           (op.u.physinfo.total_pages - op.u.physinfo.free_pages - (uint64_t)own) * 4, 1);
}

/* A group that dies takes its remaining rows with it (they show as `-`), not the other groups. */
static void on_panic(const char *text)
{
    kprintf("# gave up: %s\n", text);
    __asm__ volatile("ud2");
}

static void call_group(void *run)
{
    ((void (*)(void))run)();
}

void guest_main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } groups[] = {
        {"host", bench_host},     {"calls", bench_calls},         {"timers", bench_timers},
        {"traps", bench_traps},   {"emulation", bench_emulation}, {"user", bench_user},
        {"mmu", bench_mmu},       {"pins", bench_pins},           {"switches", bench_switches},
        {"grants", bench_grants}, {"memory", bench_memory},       {"pingpong", bench_pingpong}};
    struct trap_frame trap;
    uint64_t start = rdtsc();

    rdtsc_cost = rdtsc() - start;
    kit_panic_hook = on_panic;
    for (unsigned int i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        const char *only = NULL;

        if (!kit_option("only", &only) ||
            strncmp(only, groups[i].name, strlen(groups[i].name)) == 0) {
            if (trap_catch(call_group, (void *)groups[i].run, &trap)) {
                kprintf("# group %s died: trap %lu at %#lx\n", groups[i].name, trap.vector,
                        trap.rip);
                hv_set_trap_table(traps_table());
                events_off();
            }
        }
    }
}
