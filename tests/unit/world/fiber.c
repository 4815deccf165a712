/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fiber.h. */
#include "tests/unit/world/fiber.h"
#include <sanitizer/common_interface_defs.h>
#include <stdint.h>
#include <stdlib.h>

#define STACK_SIZE ((size_t)256 << 10)

static ucontext_t outside;
static void *outside_fake;
static const void *outside_stack;
static size_t outside_size;

static void begin(unsigned int low, unsigned int high)
{
    struct fiber *f = (struct fiber *)((uintptr_t)high << 32 | low);

    __sanitizer_finish_switch_fiber(NULL, &outside_stack, &outside_size);
    f->fn(f->arg);
    abort();
}

void fiber_make(struct fiber *f, void (*fn)(void *arg), void *arg)
{
    f->size = STACK_SIZE;
    f->stack = malloc(f->size);
    f->fn = fn;
    f->arg = arg;
    if (!f->stack || getcontext(&f->context))
        abort();
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = f->size;
    f->context.uc_link = NULL;
    makecontext(&f->context, (void (*)(void))begin, 2, (unsigned int)(uintptr_t)f,
                (unsigned int)((uintptr_t)f >> 32));
}

void fiber_enter(struct fiber *f)
{
    __sanitizer_start_switch_fiber(&outside_fake, f->stack, f->size);
    if (swapcontext(&outside, &f->context))
        abort();
    __sanitizer_finish_switch_fiber(outside_fake, NULL, NULL);
}

void fiber_leave(struct fiber *f)
{
    __sanitizer_start_switch_fiber(&f->fake_stack, outside_stack, outside_size);
    if (swapcontext(&f->context, &outside))
        abort();
    __sanitizer_finish_switch_fiber(f->fake_stack, &outside_stack, &outside_size);
}
