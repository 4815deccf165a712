/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions: a guest's are bounced to its kernel (pv/bounce.c) unless they ask for emulation; the
 * hypervisor's own continue at a fix-up or stop the host. (Intel SDM vol. 3 ch. 6.15.)
 */
#include "x86/traps.h"
#include "x86/cpu_setup.h"
#include "x86/guest_access.h"
#include "x86/protect.h"
#include "x86/reboot.h"
#include "x86/smp.h"
#include "console/console.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "pv/descriptors.h"
#include "pv/trap.h"
#include "sched/softirq.h"

struct extable {
    uint64_t at, to;
};
extern const struct extable __extable_start[], __extable_end[];

static const char *const names[32] = {
    "divide error",
    "debug",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor overrun",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "reserved",
    "x87 error",
    "alignment check",
    "machine check",
    "SIMD error",
    "virtualization",
    "control protection",
};

void dump_registers(const struct cpu_user_regs *r)
{
    printk(LOG_ERR "CPU %u  vector %u error %#x\n", cpu_id(), r->entry_vector, r->error_code);
    printk(LOG_ERR "rip %04x:%016lx rflags %08lx rsp %04x:%016lx\n", r->cs, r->rip, r->rflags,
           r->ss, r->rsp);
    printk(LOG_ERR "rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
    printk(LOG_ERR "rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
    printk(LOG_ERR "r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
    printk(LOG_ERR "r13 %016lx r14 %016lx r15 %016lx\n", r->r13, r->r14, r->r15);
    printk(LOG_ERR "cr0 %016lx cr2 %016lx cr3 %016lx cr4 %016lx\n", read_cr0(), read_cr2(),
           read_cr3(), read_cr4());
}

void dump_backtrace(uint64_t rip, uint64_t rbp)
{
    uint64_t base = (uint64_t)cpu_info() & ~(STACK_SIZE - 1), off;

    for (unsigned int i = 0; i < 32; i++) {
        const char *name = symbol_lookup(rip, &off);
        if (name)
            printk(LOG_ERR "  [%016lx] %s+%#lx\n", rip, name, off);
        else
            printk(LOG_ERR "  [%016lx]\n", rip);
        if (rbp < base || rbp > base + STACK_SIZE - 16 || (rbp & 7) || in_guard_page(rbp))
            break;
        rip = ((uint64_t *)rbp)[1];
        rbp = ((uint64_t *)rbp)[0];
        if (!rip)
            break;
    }
}

void dump_guest_stack(const struct cpu_user_regs *regs)
{
    uint64_t w[4];

    printk(LOG_ERR "Guest stack:\n");
    for (unsigned int i = 0; i < 8; i++) {
        if (copy_from_guest(w, guest_ptr(regs->rsp + i * sizeof(w)), sizeof(w))) {
            printk(LOG_ERR "  (not readable)\n");
            return;
        }
        printk(LOG_ERR "  %016lx %016lx %016lx %016lx\n", w[0], w[1], w[2], w[3]);
    }
}

void panic(const char *fmt, ...)
{
    static bool in_panic;
    char buf[256];
    va_list ap;

    irq_disable();
    if (in_panic)
        machine_halt();
    in_panic = true;
    console_force();
    smp_stop_others();
    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    printk(LOG_ERR "****************************************\n");
    printk(LOG_ERR "Panic on CPU %u: %s\n", cpu_id(), buf);
    dump_backtrace((uint64_t)__builtin_return_address(0), *(uint64_t *)__builtin_frame_address(0));
    printk(LOG_ERR "****************************************\n");
    machine_restart();
}

static bool fix_up(struct cpu_user_regs *regs)
{
    for (const struct extable *e = __extable_start; e < __extable_end; e++)
        if (e->at == regs->rip) {
            regs->rip = e->to;
            return true;
        }
    return false;
}

static void __noreturn fatal(const struct cpu_user_regs *regs)
{
    unsigned int v = regs->entry_vector;
    uint64_t off = 0;
    const char *sym = symbol_lookup(regs->rip, &off);

    console_force();
    dump_registers(regs);
    dump_backtrace(regs->rip, regs->rbp);
    /* The stack was full: there was no place for the page fault. */
    if (v == 8 && in_guard_page(read_cr2()))
        panic("Stack overflow in the hypervisor at %s+%#lx, rsp %#lx", sym ? sym : "?", off,
              regs->rsp);
    panic("%s (vector %u, error %#x) in the hypervisor at %s+%#lx",
          v < 32 && names[v] ? names[v] : "exception", v, regs->error_code, sym ? sym : "?", off);
}

DEFINE_PER_CPU(struct iret_fault, iret_fault_info);

void do_hypervisor_exception(struct cpu_user_regs *regs)
{
    extern char iret_fault[];
    uint64_t cr2 = regs->entry_vector == 14 ? read_cr2() : 0, va = cr2;

    /* A hypercall that loads a selector of the LDT. (Elsewhere, where interrupts are off, it fails.) */
    if (regs->entry_vector == 14 && (regs->rflags & X86_EFLAGS_IF) && cr2 >= PERDOMAIN_START &&
        cr2 < RW_M2P_START) {
        irq_enable();
        if (!pv_ldt_fault(current, &va))
            return;
        irq_disable();
    }
    if (fix_up(regs)) {
        if (regs->rip == (uint64_t)iret_fault)
            this_cpu(iret_fault_info) =
                (struct iret_fault){regs->entry_vector, regs->error_code, cr2};
        return;
    }
    fatal(regs);
}

void do_ist_exception(struct cpu_user_regs *regs)
{
    extern char sysenter_entry[];

    switch (regs->entry_vector) {
    case 1: /* in the hypervisor: a guest's watchpoint or single step that leaked in */
        if (regs->rip == (uint64_t)sysenter_entry)
            regs->rflags &= ~(uint64_t)X86_EFLAGS_TF;
        __asm__ volatile("mov %0,%%db6" ::"r"(0xffff0ff0ul));
        return;
    case 2: printk(LOG_WARN "NMI on CPU %u, reason %#x\n", cpu_id(), inb(0x61)); return;
    default: fatal(regs);
    }
}

/* SOFTIRQ_CRASH: domain_crash() was called for the domain that this CPU runs. */
static void crash_dump(void)
{
    struct vcpu *v = current;

    if (v->domain->is_idle)
        return;
    printk(LOG_ERR "Domain %u vCPU %u crashed, %s mode:\n", v->domain->id, v->id,
           v->pv.in_kernel ? "kernel" : "user");
    dump_registers(guest_regs());
    dump_guest_stack(guest_regs());
    softirq_raise(SOFTIRQ_SCHEDULE);
}

void traps_init(void)
{
    softirq_open(SOFTIRQ_CRASH, crash_dump);
    pv_nmi_init();
}

static void guest_debug(struct cpu_user_regs *regs)
{
    uint64_t dr6;

    __asm__ volatile("mov %%db6,%0" : "=r"(dr6));
    __asm__ volatile("mov %0,%%db6" ::"r"(0xffff0ff0ul));
    current->pv.debugreg[6] = dr6;
    pv_bounce_exception(regs, 1, 0);
}

/* INT n through a gate that the guest may not use: #GP with the vector in the error code. The
 * instruction itself is the witness (QEMU 7.2 doubles the vector in the error code). */
static bool guest_software_interrupt(struct cpu_user_regs *regs)
{
    uint8_t insn[2];

    if (!(regs->error_code & 2) || copy_from_guest(insn, guest_ptr(regs->rip), 2) ||
        insn[0] != 0xcd)
        return false;
    return pv_software_interrupt(regs, insn[1], 2);
}

static void guest_gp(struct cpu_user_regs *regs)
{
    if (regs->error_code & 2) {
        if (guest_software_interrupt(regs))
            return;
    } else if (!regs->error_code && pv_emulate_privileged(regs)) {
        return;
    }
    pv_bounce_exception(regs, 13, regs->error_code);
}

void do_guest_exception(struct cpu_user_regs *regs)
{
    irq_enable();
    switch (regs->entry_vector) {
    case 1: guest_debug(regs); return;
    case 3:
        if (pv_software_interrupt(regs, 3, 0))
            return;
        break;
    case 6:
        if (pv_forced_cpuid(regs))
            return;
        break;
    case 7: /* the handler finds TS clear (ABI) */
        clts();
        current->pv.ctrl_cr0_ts = 0;
        break;
    case 13: guest_gp(regs); return;
    }
    pv_bounce_exception(regs, regs->entry_vector, regs->error_code);
}
