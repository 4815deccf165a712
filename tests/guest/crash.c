/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways for a guest to kill itself. Each must end with the domain crashed, its registers on the console and
 * the hypervisor alive; the runner reads its log. `case=NAME` on the command line chooses. A guest that
 * lives on prints `survived`.
 */
#include "kit/console.h"
#include "kit/hypercall.h"
#include "kit/memory.h"
#include "kit/start.h"
#include "kit/string.h"
#include "kit/traps.h"
#include "kit/events.h"
#include "hypervisor.h"

/* A fault with no trap table: nowhere to bounce to. */
static void no_trap_table(void)
{
    hv_set_trap_table(NULL);
    __asm__ volatile("ud2");
}

/* A fault on a stack that is not mapped: the frame cannot be written. */
static void bad_stack(void)
{
    __asm__ volatile("mov $0x700000000000, %rsp; ud2");
}

/* A stack in the hypervisor's own memory: the bounce must not write there. */
static void hypervisor_stack(void)
{
    __asm__ volatile("mov $0xffff82d040300000, %rsp; ud2");
}

/* A stack at a non-canonical address. */
static void noncanonical_stack(void)
{
    __asm__ volatile("mov $0x900000000000, %rsp; ud2");
}

/* HYPERVISOR_iret with its frame on an unmapped stack. */
static void iret_bad_stack(void)
{
    __asm__ volatile("mov $0x700000000000, %rsp; mov $23, %eax; syscall");
}

/* To user mode without a user address space. */
static void iret_no_user_space(void)
{
    struct trap_frame f = {
        .rip = 0x400000, .cs = USER_CS, .rflags = 0x202, .rsp = 0x800000, .ss = USER_SS};

    trap_enter(&f, 0);
}

/* Not the guest, the hypervisor: what it says when it falls. */
static void hv_panic(void)
{
    debug_key('C');
}

static void hv_overflow(void)
{
    debug_key('S');
}

/* The guest says so itself. */
static void shutdown_crash(void)
{
    kit_shutdown(SHUTDOWN_crash);
}

void guest_main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"no_trap_table", no_trap_table},
                 {"bad_stack", bad_stack},
                 {"hypervisor_stack", hypervisor_stack},
                 {"noncanonical_stack", noncanonical_stack},
                 {"iret_bad_stack", iret_bad_stack},
                 {"iret_no_user_space", iret_no_user_space},
                 {"shutdown_crash", shutdown_crash},
                 {"hv_panic", hv_panic},
                 {"hv_overflow", hv_overflow}};
    const char *name = "";

    kit_option("case", &name);
    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (strncmp(name, cases[i].name, strlen(cases[i].name)) == 0) {
            kprintf("# now %s\n", cases[i].name);
            cases[i].run();
            kprintf("survived %s\n", cases[i].name);
            return;
        }
    }
    kprintf("survived: no such case\n");
}
