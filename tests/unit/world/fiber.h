/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fibers: functions with stacks of their own in one thread, one of which executes. ASan knows of them. */
#ifndef HOSPES_TESTS_WORLD_FIBER_H
#define HOSPES_TESTS_WORLD_FIBER_H
#include <stddef.h>
#include <ucontext.h>

struct fiber {
    ucontext_t context;
    char *stack;
    size_t size;
    void *fake_stack; /* ASan's */
    void (*fn)(void *arg);
    void *arg;
};

/* It executes fn(arg), which must not return, when it is first entered. */
void fiber_make(struct fiber *f, void (*fn)(void *arg), void *arg);
/* From the thread's own stack to f, until that calls fiber_leave(). */
void fiber_enter(struct fiber *f);
/* Back to who entered. */
void fiber_leave(struct fiber *f);

#endif
