/* SPDX-License-Identifier: MIT */
/* Routing of exceptions and callbacks to C. */
#include "kit/traps.h"
#include "kit/asm.h"
#include "kit/events.h"
#include "kit/hypercall.h"
#include "kit/start.h"
#include "kit/string.h"

_Static_assert(HYPERVISOR_IRET == __HYPERVISOR_iret, "asm.h is out of step");
_Static_assert(STACK_SIZE == KIT_STACK_SIZE, "asm.h is out of step");
_Static_assert(sizeof(struct trap_frame) == 22 * 8, "traps.S builds 22 words");

struct trap_entry {
    uint64_t vector;
    char *address;
};
extern const struct trap_entry trap_entries[];

struct fixup {
    uint64_t at, to;
};
extern const struct fixup kit_fixups_start[], kit_fixups_end[];

/* Callee-saved state at a trap_catch(); catch_call stores the first eight words. */
struct catch
{
    uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
    uint64_t flags_if; /* event delivery as it was at the call */
    struct trap_frame *caught;
    struct catch *outer;
};
extern uint64_t catch_call(struct catch *c, void (*fn)(void *), void *arg);

void trap_dispatch(struct trap_frame *frame);

uint64_t trap_failsafe_segments[4];
static trap_handler_t handlers[NR_TRAPS];
static struct trap_info table[40];
static struct catch *catches[KIT_MAX_VCPUS]; /* the innermost of each vCPU */

const struct trap_info *traps_table(void)
{
    return table;
}

trap_handler_t trap_set_handler(unsigned int vector, trap_handler_t handler)
{
    trap_handler_t before = handlers[vector];

    handlers[vector] = handler;
    return before;
}

/* Its own vCPU's; on a stack that is none of the kit's, the first one's. */
static struct catch **innermost(void)
{
    size_t at = (size_t)__builtin_frame_address(0) - (size_t)kit_stacks;

    return &catches[at < sizeof(kit_stacks) ? at / KIT_STACK_SIZE : 0];
}

static void unwind(struct trap_frame *frame)
{
    struct catch **inner = innermost(), *c = *inner;

    *inner = c->outer;
    *c->caught = *frame;
    frame->rbx = c->rbx;
    frame->rbp = c->rbp;
    frame->r12 = c->r12;
    frame->r13 = c->r13;
    frame->r14 = c->r14;
    frame->r15 = c->r15;
    frame->rsp = c->rsp;
    frame->rip = c->rip;
    frame->rax = 1;
    frame->cs = KERNEL_CS;
    frame->ss = KERNEL_SS;
    frame->rflags &= ~0x50700UL; /* no TF, DF, RF or AC left over from what was cut off */
    frame->rflags |= c->flags_if;
}

/* An access of try_store() and the like. */
static bool fix_up(struct trap_frame *frame)
{
    for (const struct fixup *f = kit_fixups_start; f < kit_fixups_end; f++) {
        if (f->at == frame->rip) {
            frame->rip = f->to;
            return true;
        }
    }
    return false;
}

void trap_dispatch(struct trap_frame *frame)
{
    if (frame->vector < 32 && fix_up(frame)) {
        return;
    }
    if (frame->vector < NR_TRAPS && handlers[frame->vector] != NULL) {
        handlers[frame->vector](frame);
    } else if (*innermost() != NULL) {
        unwind(frame);
    } else {
        kit_panic("trap %lu error %#lx at %#lx sp %#lx cr2 %#lx", frame->vector, frame->error,
                  frame->rip, frame->rsp, kit_shared != NULL ? last_cr2() : 0);
    }
}

bool trap_catch(void (*fn)(void *arg), void *arg, struct trap_frame *caught)
{
    struct catch **inner = innermost(), c = {.caught = caught, .outer = *inner};

    if (kit_shared != NULL && !this_vcpu_info()->evtchn_upcall_mask) {
        c.flags_if = RFLAGS_IF;
    }

    *inner = &c;
    if (catch_call(&c, fn, arg) != 0) {
        return true;
    }
    *inner = c.outer;
    return false;
}

static void register_callback(uint16_t type, char *address)
{
    struct callback_register reg = {.type = type, .address = (unsigned long)address};
    long rc = hv_callback_op(CALLBACKOP_register, &reg);

    if (rc != 0) {
        kit_panic("callback %u refused: %ld", type, rc);
    }
}

void traps_init(void)
{
    unsigned int n = 0;

    for (const struct trap_entry *e = trap_entries; e->address != NULL; e++) {
        /* int3, into, bound and the gates meant for user mode may be raised by INT n there. */
        bool user = e->vector == 3 || e->vector == 4 || e->vector >= 128;

        table[n].vector = (uint8_t)e->vector;
        table[n].flags = user ? 3 : 0;
        table[n].cs = USER_CS;
        table[n].address = (unsigned long)e->address;
        n++;
    }
    memset(&table[n], 0, sizeof(table[n]));
    long rc = hv_set_trap_table(table);
    if (rc != 0) {
        kit_panic("set_trap_table refused: %ld", rc);
    }
    register_callback(CALLBACKTYPE_event, trap_event_entry);
    register_callback(CALLBACKTYPE_failsafe, trap_failsafe_entry);
    register_callback(CALLBACKTYPE_syscall, trap_syscall_entry);
}
