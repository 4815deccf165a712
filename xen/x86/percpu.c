/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each CPU has of its own: the stack block (layout in cpu.h) and a copy of the section of
 * per-CPU variables. The boot CPU uses the linker's copies; its offset is zero.
 */
#include "lib/lib.h"
#include "mm/alloc.h"
#include "x86/cpu.h"
#include "x86/smp.h"
#include "x86/xpti.h"

extern char __percpu_start[], __percpu_end[];

uint64_t percpu_offsets[MAX_CPUS];
char *cpu_stacks[MAX_CPUS];

int cpu_areas_alloc(unsigned int cpu)
{
    size_t size = (size_t)(__percpu_end - __percpu_start);
    struct frame *f = frames_alloc(STACK_ORDER, 0);
    char *area = hv_alloc_aligned(MAX(size, (size_t)1), 64);

    if (!f || !area) {
        if (f)
            frames_free(f, STACK_ORDER);
        hv_free(area);
        return -ENOMEM;
    }
    char *stack = frame_to_virt(f);
    memset(stack, 0, STACK_SIZE);
    memset(area, 0, size); /* the section is zero-initialised */
    percpu_offsets[cpu] = (uint64_t)(area - __percpu_start);
    cpu_stacks[cpu] = stack;
    struct cpu_info *info = (struct cpu_info *)(stack + STACK_SIZE - PAGE_SIZE);
    info->cpu = cpu;
    info->percpu_offset = percpu_offsets[cpu];
    return xpti_init_cpu(info);
}
