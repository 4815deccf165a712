/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dispatch tables, batches (multicall), and continuing long calls. The entry code indexes
 * vcpu.pv.hypercalls, one of the tables here: what a guest may not call is not in its table.
 */
#include "hypercalls/hypercall.h"
#include "sched/softirq.h"

/* A batch in progress on this CPU: its current entry, which a continuation rewrites. */
struct batch {
    struct multicall_entry entry;
    bool preempted;
};
static DEFINE_PER_CPU(struct batch *, batch);

/* What of an entry moves: all but the sixth argument, which no call has. */
#define ENTRY_SIZE offsetof(struct multicall_entry, args[5])

static HYPERCALL(hc_denied)
{
    return -EPERM;
}
static HYPERCALL(hc_missing)
{
    return -ENOSYS;
}

/* The right to call, from the columns of table.h. */
#define PICK(who, priv, handler) ((((who)&HC_PRIV) && !(priv)) ? hc_denied : (handler))

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#endif
#define T(nr, name, nargs, who, handler) [nr] = PICK(who, false, handler),
const hypercall_fn hypercalls_pv[HYPERCALL_SLOTS] = {
    [0 ... HYPERCALL_SLOTS - 1] = hc_missing,
#include "hypercalls/table.h"
};
#undef T
#define T(nr, name, nargs, who, handler) [nr] = PICK(who, true, handler),
const hypercall_fn hypercalls_pv_priv[HYPERCALL_SLOTS] = {
    [0 ... HYPERCALL_SLOTS - 1] = hc_missing,
#include "hypercalls/table.h"
};
#undef T
#pragma GCC diagnostic pop

long hypercall_bad_number(unsigned long nr);
long hypercall_bad_number(unsigned long nr __unused)
{
    return -ENOSYS;
}

bool preempt_check(void)
{
    const struct cpu_info *ci = cpu_info();

    if (READ_ONCE(ci->work))
        return true;
    const struct vcpu *v = ci->vcpu;
    return v->vcpu_info && vcpu_event_pending(v->vcpu_info);
}

long hypercall_continuation(unsigned int nr, unsigned int nargs, ...)
{
    struct cpu_user_regs *regs = guest_regs();
    struct batch *b = this_cpu(batch);
    va_list ap;

    va_start(ap, nargs);
    if (b) {
        b->entry.op = nr;
        for (unsigned int i = 0; i < nargs && i < 5; i++)
            b->entry.args[i] = va_arg(ap, unsigned long);
        b->preempted = true;
    } else {
        /* The guest executes its SYSCALL (two bytes) again. */
        uint64_t *const arg[5] = {&regs->rdi, &regs->rsi, &regs->rdx, &regs->r10, &regs->r8};
        regs->rip -= 2;
        for (unsigned int i = 0; i < nargs && i < 5; i++)
            *arg[i] = va_arg(ap, unsigned long);
    }
    va_end(ap);
    return nr;
}

/*
 * Entries from *list on, *list and *nr advancing: 0 when all are done, -ERESTART when the batch shall go on later,
 * -EFAULT; *left if the guest is elsewhere now (IRET), perhaps on its user tables, which no other call may meet.
 */
static inline long run_batch(struct batch *b, guest_ptr_t *list, uint32_t *nr, bool *left)
{
    const hypercall_fn *table = current->pv.hypercalls;
    struct multicall_entry *mc = &b->entry;
    bool first = true;

    for (; *nr; (*nr)--, list->va += sizeof(*mc), first = false) {
        if (!first && unlikely(preempt_check()))
            return -ERESTART;
        if (unlikely(copy_from_guest(mc, *list, ENTRY_SIZE)))
            return -EFAULT;
        if (likely(mc->op < HYPERCALL_SLOTS)) {
            /* Masked: a mispredicted comparison cannot index past the table. */
            hypercall_fn fn = table[mc->op % HYPERCALL_SLOTS];
            mc->result =
                (unsigned long)fn(mc->args[0], mc->args[1], mc->args[2], mc->args[3], mc->args[4]);
            if (unlikely(fn == hc_iret)) {
                *left = true;
                return (long)mc->result;
            }
        } else {
            mc->result = (unsigned long)-ENOSYS;
        }
        if (unlikely(b->preempted)) /* come back to this entry, with its new arguments */
            return copy_to_guest(*list, mc, ENTRY_SIZE) ? -EFAULT : -ERESTART;
        if (unlikely(copy_to_guest(guest_ptr(list->va + offsetof(struct multicall_entry, result)),
                                   &mc->result, sizeof(mc->result))))
            return -EFAULT;
    }
    return 0;
}

HYPERCALL(hc_multicall)
{
    guest_ptr_t list = guest_ptr(a1);
    uint32_t nr = (uint32_t)a2;
    struct batch b;
    bool left = false;
    long rc;

    if (unlikely(this_cpu(batch)))
        return -EINVAL; /* no batches of batches */
    b.preempted = false;
    this_cpu(batch) = &b;
    rc = run_batch(&b, &list, &nr, &left);
    this_cpu(batch) = NULL;
    if (unlikely(rc == -ERESTART) && !left)
        return hypercall_continuation(13, 2, list.va, (unsigned long)nr);
    return rc;
}

void pv_hypercall_page(void *page)
{
    /* push %rcx; push %r11; mov $nr,%eax; syscall; pop %r11; pop %rcx; ret */
    static const uint8_t stub[] = {0x51, 0x41, 0x53, 0xb8, 0,    0,    0,
                                   0,    0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3};
    /* iret does not come back: push %rcx; push %r11; push %rax; mov $23,%eax; syscall */
    static const uint8_t iret[] = {0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret,
                                   0,    0,    0,    0x0f, 0x05};
    uint8_t *p = page;

    memset(p, 0xcc, PAGE_SIZE);
    for (unsigned int nr = 0; nr < PAGE_SIZE / 32; nr++) {
        memcpy(p + nr * 32, stub, sizeof(stub));
        p[nr * 32 + 4] = (uint8_t)nr;
    }
    memcpy(p + __HYPERVISOR_iret * 32, iret, sizeof(iret));
}
