/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stays in the guest for good, one vCPU in user mode and one in kernel mode, so that somebody outside can
 * look at the page tables that guests run on (tests/guest/isolation).
 */
#include "kit/console.h"
#include "kit/user.h"
#include "kit/vcpus.h"

extern const char user_loop[], user_loop_end[];
__asm__(".pushsection .rodata; user_loop: jmp user_loop; user_loop_end: .popsection");

static volatile unsigned int started;

static void in_kernel(void *arg)
{
    (void)arg;
    started = 1;
    for (;;) {
        __asm__ volatile("pause");
    }
}

void guest_main(void)
{
    static struct user_space space;
    struct trap_frame frame = user_frame();

    user_space_create(&space);
    user_space_load(&space, user_loop, user_loop_end);
    if (vcpu_start(1, in_kernel, NULL) != 0) {
        kprintf("# the second vCPU does not start\n");
        return;
    }
    while (started == 0) {
        __asm__ volatile("pause");
    }
    kprintf("# spinning\n");
    user_run(&frame);
}
