/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounces: what a native CPU would do with an interrupt gate or SYSCALL, done for a PV kernel.
 *
 * The kernel gets control at its registered entry, on the stack that it was using, or, coming from
 * user mode, on the one of stack_switch. It finds there (lowest address first):
 *
 *   rcx  r11  [error code]  rip  cs + saved upcall mask << 32  rflags  rsp  ss
 *
 * cs has RPL 0 if the kernel itself was interrupted; rflags.IF shows the virtual interrupt flag,
 * which is the upcall mask in vcpu_info.
 */
#include "pv/trap.h"
#include "pv/descriptors.h"
#include "x86/asm.h"
#include "x86/cpu_setup.h"
#include "x86/guest_access.h"
#include "x86/switch.h"
#include "lib/lib.h"
#include "sched/softirq.h"
#include "hypercalls/hypercall.h"

unsigned long raw_copy_user(void *dst, const void *src, unsigned long n);

static inline bool upcalls_masked(const struct vcpu *v)
{
    return READ_ONCE(v->vcpu_info->evtchn_upcall_mask) != 0;
}

/* Flags that an entry into the kernel clears. */
#define ENTRY_CLEARS (X86_EFLAGS_AC | X86_EFLAGS_VM | X86_EFLAGS_RF | X86_EFLAGS_NT | X86_EFLAGS_TF)

/* The frame at sp (not aligned yet) and the registers for the handler at rip; v is in its kernel's mode. */
static inline __attribute__((always_inline)) bool write_frame(struct vcpu *v,
                                                              struct cpu_user_regs *regs,
                                                              uint64_t rip, bool mask,
                                                              bool has_error, uint32_t error,
                                                              uint64_t cs, uint64_t sp)
{
    struct vcpu_info *vi = v->vcpu_info;
    uint64_t masked = READ_ONCE(vi->evtchn_upcall_mask) != 0;
    uint64_t flags = regs->rflags & ~(uint64_t)(X86_EFLAGS_IF | X86_EFLAGS_IOPL);

    flags |= (masked ^ 1) << 9; /* IF */
    if (unlikely(v->domain->vm_assist & (1u << VMASST_TYPE_architectural_iopl)))
        flags |= (uint64_t)v->pv.iopl << 12;
    sp = (sp & ~15ull) - (has_error ? 8 : 7) * sizeof(uint64_t);
    uint64_t *p = (uint64_t *)guest_checked(sp);
    guest_access_begin();
    GUEST_STORE(&p[0], regs->rcx, fault);
    GUEST_STORE(&p[1], regs->r11, fault);
    if (has_error) {
        GUEST_STORE(&p[2], error, fault);
        p++;
    }
    GUEST_STORE(&p[2], regs->rip, fault);
    GUEST_STORE(&p[3], cs | masked << 32, fault);
    GUEST_STORE(&p[4], flags, fault);
    GUEST_STORE(&p[5], regs->rsp, fault);
    GUEST_STORE(&p[6], regs->ss, fault);
    guest_access_end();
    if (mask)
        vi->evtchn_upcall_mask = 1;
    regs->rip = rip;
    regs->cs = FLAT_KERNEL_CS64;
    regs->rflags &= ~(uint64_t)ENTRY_CLEARS;
    regs->rsp = sp;
    regs->ss = FLAT_KERNEL_SS64;
    regs->entry_vector = TRAP_SYSCALL; /* rcx and r11 are on the stack: SYSRET may be used */
    return true;
fault:
    guest_access_end();
    return false;
}

/* Not in line: what the other case needs then fits the registers that need no saving. */
static __attribute__((noinline)) bool enter_from_user(struct vcpu *v, struct cpu_user_regs *regs,
                                                      uint64_t rip, bool mask)
{
    pv_toggle_mode(v);
    return write_frame(v, regs, rip, mask, false, 0, regs->cs, v->pv.kernel_sp);
}

static __attribute__((noinline)) bool enter_from_user_error(struct vcpu *v,
                                                            struct cpu_user_regs *regs,
                                                            uint64_t rip, bool mask, uint32_t error)
{
    pv_toggle_mode(v);
    return write_frame(v, regs, rip, mask, true, error, regs->cs, v->pv.kernel_sp);
}

/* Enter the kernel at rip with a frame as above. mask: upcalls masked on entry. False: its stack
 * cannot be written. has_error is a constant in each caller. */
static inline __attribute__((always_inline)) bool enter_kernel(struct vcpu *v,
                                                               struct cpu_user_regs *regs,
                                                               uint64_t rip, bool mask,
                                                               bool has_error, uint32_t error)
{
    if (!v->pv.in_kernel)
        return has_error ? enter_from_user_error(v, regs, rip, mask, error)
                         : enter_from_user(v, regs, rip, mask);
    return write_frame(v, regs, rip, mask, has_error, error, regs->cs & ~3ull, regs->rsp);
}

static void bounce_failed(const struct cpu_user_regs *regs, const char *what)
{
    domain_crash(current->domain,
                 "%s at rip %#lx cannot be delivered: its kernel's stack %#lx is "
                 "not writable",
                 what, regs->rip, current->pv.in_kernel ? regs->rsp : current->pv.kernel_sp);
}

/* Exceptions that push an error code: 8, 10-14, 17, 21, 29, 30 (Intel SDM vol. 3 table 6-1). */
#define HAS_ERROR_MASK ((1u << 8) | (0x1fu << 10) | (1u << 17) | (1u << 21) | (3u << 29))

void pv_bounce_exception(struct cpu_user_regs *regs, unsigned int nr, uint32_t error)
{
    struct vcpu *v = current;
    const struct pv_trap *t = &v->pv.traps[nr & 0xff];

    if (unlikely(!t->rip)) {
        domain_crash(v->domain, "exception %u, error %#x at rip %#lx: no handler registered", nr,
                     error, regs->rip);
        return;
    }
    bool ok = nr < 32 && (HAS_ERROR_MASK >> nr & 1)
                  ? enter_kernel(v, regs, t->rip, t->flags & 4, true, error)
                  : enter_kernel(v, regs, t->rip, t->flags & 4, false, 0);
    if (unlikely(!ok))
        bounce_failed(regs, "an exception");
}

void pv_bounce_page_fault(struct cpu_user_regs *regs, uint32_t error, uint64_t cr2)
{
    struct vcpu *v = current;

    /* The U bit as a native kernel would see it. */
    error &= ~4u;
    if (!v->pv.in_kernel)
        error |= 4u;
    v->pv.trap_cr2 = cr2;
    v->vcpu_info->arch.cr2 = cr2;
    const struct pv_trap *t = &v->pv.traps[14];
    if (unlikely(!t->rip))
        pv_bounce_exception(regs, 14, error); /* says what is missing */
    else if (unlikely(!enter_kernel(v, regs, t->rip, t->flags & 4, true, error)))
        bounce_failed(regs, "a page fault");
}

/* May the guest's present mode use this gate? The kernel counts as ring 1. */
static inline bool gate_open(const struct vcpu *v, const struct pv_trap *t)
{
    return t->rip && (t->flags & 3) >= (v->pv.in_kernel ? 1 : 3);
}

bool pv_software_interrupt(struct cpu_user_regs *regs, unsigned int nr, unsigned int len)
{
    struct vcpu *v = current;
    const struct pv_trap *t = &v->pv.traps[nr];

    if (!gate_open(v, t))
        return false;
    regs->rip += len;
    if (!enter_kernel(v, regs, t->rip, t->flags & 4, false, 0))
        bounce_failed(regs, "a software interrupt");
    return true;
}

void do_guest_int80(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;
    const struct pv_trap *t = &v->pv.traps[0x80];

    irq_enable();
    if (unlikely(!gate_open(v, t))) {
        regs->rip -= 2;
        pv_bounce_exception(regs, 13, 0x80 << 3 | 2);
    } else if (unlikely(!enter_kernel(v, regs, t->rip, t->flags & 4, false, 0))) {
        bounce_failed(regs, "a software interrupt");
    }
}

void pv_inject_trap(unsigned int nr, uint32_t error, uint64_t cr2)
{
    if (nr == 14)
        pv_bounce_page_fault(guest_regs(), error, cr2);
    else
        pv_bounce_exception(guest_regs(), nr, error);
}

void do_guest_page_fault(struct cpu_user_regs *regs)
{
    uint64_t cr2 = read_cr2();
    struct vcpu *v = current;

    irq_enable();
    /* A write to a present page by the kernel: perhaps to one of its page tables. */
    if ((regs->error_code & 0x1b) == 3 && v->pv.in_kernel &&
        (v->domain->vm_assist & (1u << VMASST_TYPE_writable_pagetables)) &&
        (cr2 < HV_VIRT_START || cr2 >= HV_VIRT_END) && pv_pt_write_fault(regs, cr2))
        return;
    /* Not by the guest's own access, but by the CPU's to a descriptor: in the LDT? */
    if (unlikely(!(regs->error_code & 4)) && !pv_ldt_fault(v, &cr2))
        return;
    pv_bounce_page_fault(regs, regs->error_code, cr2);
}

/* ---- system calls of user mode ---------------------------------------------------------------- */

void pv_user_syscall(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    irq_enable();
    /* What a native SYSCALL leaves in the registers. */
    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
    if (unlikely(!v->pv.syscall_cb)) {
        regs->rip -= 2;
        pv_bounce_exception(regs, 6, 0);
        return;
    }
    pv_toggle_mode(v);
    if (unlikely(!write_frame(v, regs, v->pv.syscall_cb, v->pv.syscall_masks, false, 0, regs->cs,
                              v->pv.kernel_sp)))
        bounce_failed(regs, "a system call");
}

void pv_user_syscall32(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    irq_enable();
    if (v->pv.in_kernel || !v->pv.syscall32_cb) {
        regs->rip -= 2;
        pv_bounce_exception(regs, v->pv.in_kernel ? 13 : 6, 0);
        return;
    }
    if (!enter_kernel(v, regs, v->pv.syscall32_cb, v->pv.syscall32_masks, false, 0))
        bounce_failed(regs, "a system call");
}

void pv_user_sysenter(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    irq_enable();
    if (v->pv.in_kernel || !v->pv.sysenter_cb) {
        pv_bounce_exception(regs, v->pv.in_kernel ? 6 : 13, 0);
        return;
    }
    if (!enter_kernel(v, regs, v->pv.sysenter_cb, v->pv.sysenter_masks, false, 0))
        bounce_failed(regs, "a system call");
}

/* ---- events ------------------------------------------------------------------------------------ */

void pv_deliver_pending(void)
{
    struct vcpu *v = current;
    struct cpu_user_regs *regs = guest_regs();

    if (unlikely(!v->pv.event_cb)) {
        domain_crash(v->domain, "an event is pending but no event callback is registered");
        return;
    }
    if (unlikely(!enter_kernel(v, regs, v->pv.event_cb, true, false, 0)))
        bounce_failed(regs, "an event");
}

/* ---- way back ---------------------------------------------------------------------------------- */

/* The last step of an IRET to user mode: the frame was on a stack that only the kernel's tables map. */
static __attribute__((noinline)) long to_user(long rax)
{
    struct vcpu *v = current;

    if (likely(v->pv.user_table))
        pv_toggle_mode(v);
    else
        domain_crash(v->domain, "IRET to user mode without a user page table");
    return rax;
}

/*
 * The words go from the guest's frame to the registers one by one: held all at once, they would not fit the
 * processor's. If one cannot be read the domain is crashed, so what its registers are then does not matter.
 */
HYPERCALL(hc_iret)
{
    struct vcpu *v = current;
    struct cpu_user_regs *regs = guest_regs();
    const struct iret_context *frame = (const struct iret_context *)guest_checked(regs->rsp);
    uint64_t w, cs, rflags, flags, rax;

    guest_access_begin();
    GUEST_LOAD(rflags, &frame->rflags, fault);
    GUEST_LOAD(cs, &frame->cs, fault);
    GUEST_LOAD(w, &frame->rip, fault);
    regs->rip = w;
    GUEST_LOAD(flags, &frame->flags, fault);
    if (flags & VGCF_in_syscall) {
        /* rcx and r11 may be lost: SYSRET, if it goes where SYSRET can. */
        regs->rcx = w;
        regs->r11 = rflags;
        if ((uint16_t)(cs | 3) != FLAT_USER_CS64 || !va_is_canonical(w) ||
            (rflags & (X86_EFLAGS_RF | X86_EFLAGS_TF)))
            regs->entry_vector = 0;
    } else {
        GUEST_LOAD(w, &frame->r11, fault);
        regs->r11 = w;
        GUEST_LOAD(w, &frame->rcx, fault);
        regs->rcx = w;
        regs->entry_vector = 0; /* full IRET */
    }
    GUEST_LOAD(w, &frame->rsp, fault);
    regs->rsp = w;
    GUEST_LOAD(w, &frame->ss, fault);
    GUEST_LOAD(rax, &frame->rax, fault);
    guest_access_end();
    regs->ss = (uint16_t)w | 3;
    if (regs->ss != FLAT_USER_SS64)
        regs->entry_vector = 0;
    regs->cs = (uint16_t)cs | 3;
    regs->rflags = PV_RFLAGS_FIX(rflags);
    if (unlikely(v->domain->vm_assist & (1u << VMASST_TYPE_architectural_iopl)))
        v->pv.iopl = (uint8_t)((rflags >> 12) & 3);
    v->vcpu_info->evtchn_upcall_mask = !(rflags & X86_EFLAGS_IF);
    if (unlikely(v->pv.nmi_masked)) {
        v->pv.nmi_masked = false;
        softirq_raise(SOFTIRQ_TRAP); /* is there another one? */
    }
    return (cs & 3) == 3 ? to_user((long)rax) : (long)rax;
fault:
    guest_access_end();
    domain_crash(v->domain, "its IRET frame at %#lx is not readable", (uint64_t)frame);
    return 0;
}

/*
 * IRET to what the guest asked for faulted: bad selectors or addresses. Its kernel gets the exception as
 * if the first instruction there had made it.
 */
void pv_iret_fault(struct cpu_user_regs *regs)
{
    struct iret_fault f = this_cpu(iret_fault_info);

    irq_enable();
    if (f.vector != 14)
        pv_bounce_exception(regs, f.vector, f.error);
    else if (pv_ldt_fault(current, &f.cr2))
        pv_bounce_page_fault(regs, f.error, f.cr2);
}

/*
 * The failsafe callback's frame: rcx r11 ds es fs gs rip cs rflags rsp ss (64-bit ABI). The segment
 * registers hold null selectors by now; the kernel reads what they should hold.
 */
void pv_segments_refused(struct vcpu *v, struct cpu_user_regs *regs)
{
    const struct pv_vcpu *saved = &v->pv;
    uint64_t frame[11], *p = frame;

    if (!v->pv.failsafe_cb)
        return; /* then it need not know */
    bool masked = upcalls_masked(v);
    *p++ = regs->rcx;
    *p++ = regs->r11;
    *p++ = saved->ds;
    *p++ = saved->es;
    *p++ = saved->fs;
    *p++ = saved->gs;
    *p++ = regs->rip;
    *p++ = (regs->cs & (v->pv.in_kernel ? ~3u : ~0u)) | (uint64_t)masked << 32;
    *p++ = (regs->rflags & ~(uint64_t)X86_EFLAGS_IF) | (masked ? 0 : X86_EFLAGS_IF);
    *p++ = regs->rsp;
    *p++ = regs->ss;
    uint64_t sp = ((v->pv.in_kernel ? regs->rsp : v->pv.kernel_sp) & ~15ull) - sizeof(frame);
    if (!v->pv.in_kernel)
        pv_toggle_mode(v);
    if (copy_to_guest(guest_ptr(sp), frame, sizeof(frame))) {
        bounce_failed(regs, "word of refused segments");
        return;
    }
    if (v->pv.failsafe_masks)
        v->vcpu_info->evtchn_upcall_mask = 1;
    regs->rip = v->pv.failsafe_cb;
    regs->cs = FLAT_KERNEL_CS64;
    regs->ss = FLAT_KERNEL_SS64;
    regs->rsp = sp;
    regs->rflags = X86_EFLAGS_IF | X86_EFLAGS_MBS;
    regs->entry_vector = TRAP_SYSCALL;
}
