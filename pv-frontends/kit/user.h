/* SPDX-License-Identifier: MIT */
/* A user address space: an L4 of its own, on which the kernel runs user-mode code one stretch at a
 * time. Kernel and user never see each other's pages; the hypervisor switches between both. */
#ifndef KIT_USER_H
#define KIT_USER_H

#include "kit/memory.h"
#include "kit/traps.h"

#define USER_CODE_VA  0x0000000000400000UL
#define USER_DATA_VA  0x0000000000600000UL
#define USER_STACK_VA 0x0000000000800000UL

struct user_space {
    uint64_t *l4;              /* pinned, mapped read only */
    void *code, *data, *stack; /* the pages at the three addresses above, in the kernel's view */
};

/* Builds and pins an address space with one page each of code, data and stack, and makes it the
 * current user space. Panics when refused. */
void user_space_create(struct user_space *space);

/* Copies [from, to) to the start of the code page. */
void user_space_load(struct user_space *space, const char *from, const char *to);

/* Unpins and frees it; user space is none afterwards. */
void user_space_destroy(struct user_space *space);

/* A frame at the code page's start with a fresh stack, interrupts on. */
struct trap_frame user_frame(void);

/* Runs user code from *frame until the first trap that has no handler; *frame is then the state at
 * that trap, vector and error included. */
void user_run(struct trap_frame *frame);

#endif
