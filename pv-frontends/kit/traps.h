/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and callbacks. The hypervisor enters the guest at a registered address with rcx and r11
 * on top of the hardware's frame; the stubs of traps.S turn each entry into one call of C with a
 * full register frame, and return through HYPERVISOR_iret.
 */
#ifndef KIT_TRAPS_H
#define KIT_TRAPS_H

#include "kit/abi.h"

/* Vectors beyond 255 are the callbacks. */
#define TRAP_SYSCALL  256
#define TRAP_EVENT    257
#define TRAP_FAILSAFE 258
#define NR_TRAPS      259

/* A kernel's selectors as HYPERVISOR_iret expects them: RPL 0 means kernel mode. */
#define KERNEL_CS 0xe030
#define KERNEL_SS 0xe02b
#define USER_CS   0xe033
#define USER_SS   0xe02b

#define RFLAGS_IF 0x200UL

/* traps.S builds this on the stack; the order is its push order. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* May change the frame; returning from it resumes what the frame then says. */
typedef void (*trap_handler_t)(struct trap_frame *frame);

/* Registers all exception vectors, int 0x80 and the three callbacks for the calling vCPU's domain.
 * Every exception reaches the current trap_catch() or ends in a panic. */
void traps_init(void);

/* The kit's own table, e.g. for another vCPU's context. Ends with a zero entry. */
const struct trap_info *traps_table(void);
extern char trap_event_entry[], trap_failsafe_entry[], trap_syscall_entry[];

/* Routes a vector to `handler`, NULL for the default. Returns the handler before. */
trap_handler_t trap_set_handler(unsigned int vector, trap_handler_t handler);

/* Calls fn(arg). If an exception without a handler strikes inside, stores its frame in *caught and
 * returns true; else returns false. May be nested. For the boot vCPU only. */
bool trap_catch(void (*fn)(void *arg), void *arg, struct trap_frame *caught);

/*
 * Accesses that may fault, on any vCPU and without trap_catch(): false if they did. A fault is one by the
 * very instruction that is listed in .kit_fixups with the place to go on.
 */
static inline bool try_store(volatile void *at, uint64_t value)
{
    __asm__ goto("1: movq %1, (%0)\n\t"
                 ".pushsection .kit_fixups, \"a\"; .balign 8; .quad 1b, %l2; .popsection"
                 :
                 : "r"(at), "r"(value)
                 : "memory"
                 : fault);
    return true;
fault:
    return false;
}

static inline bool try_load(const volatile void *at, uint64_t *value)
{
    uint64_t v;

    __asm__ goto("1: movq %1, %0\n\t"
                 ".pushsection .kit_fixups, \"a\"; .balign 8; .quad 1b, %l2; .popsection"
                 : "=r"(v)
                 : "m"(*(const volatile uint64_t *)at)
                 : "memory"
                 : fault);
    *value = v;
    return true;
fault:
    return false;
}

/* Enters `frame` through HYPERVISOR_iret with the given VGCF_* flags. */
__attribute__((noreturn)) void trap_enter(const struct trap_frame *frame, uint64_t flags);

/* The ds, es, fs, gs values of the last failsafe entry. */
extern uint64_t trap_failsafe_segments[4];

#endif
