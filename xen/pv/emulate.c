/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Privileged instructions that a PV kernel executes as if it were in ring 0: control and debug
 * registers, MSRs, port I/O, CPUID. What the kernel may not do is bounced to it as #GP.
 */
#include "hypercalls/mmu.h"
#include "lib/lib.h"
#include "pv/emulate.h"
#include "pv/insn.h"
#include "pv/trap.h"
#include "x86/cpu_setup.h"
#include "x86/cpuid_policy.h"
#include "x86/pci.h"
#include "x86/switch.h"
#include "x86/tlb.h"

/* ---- port I/O --------------------------------------------------------------------------------- */

/* May the vCPU's present mode use these ports at all: I/O privilege level or bitmap (ABI). */
static bool io_allowed(struct vcpu *v, uint16_t port, unsigned int bytes)
{
    if (v->pv.iopl >= (v->pv.in_kernel ? 1 : 3))
        return true;
    if (v->pv.iobmp_limit > (uint32_t)port + bytes) {
        uint16_t word = 0xffff;
        if (copy_from_guest(&word, guest_ptr(v->pv.iobmp_va + (port >> 3)), sizeof(word)))
            return false;
        return !(word >> (port & 7) & ((1u << bytes) - 1));
    }
    return false;
}

static uint32_t port_read(struct domain *d, uint16_t port, unsigned int bytes)
{
    uint32_t v = ~0u;

    if (pci_cfg_port_access(d, port, bytes, false, &v))
        return v;
    if (!rangeset_contains(&d->ioport_caps, port, (uint64_t)port + bytes - 1))
        return ~0u;
    return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

static void port_write(struct domain *d, uint16_t port, unsigned int bytes, uint32_t v)
{
    if (pci_cfg_port_access(d, port, bytes, true, &v))
        return;
    if (!rangeset_contains(&d->ioport_caps, port, (uint64_t)port + bytes - 1))
        return;
    if (bytes == 1)
        outb(port, (uint8_t)v);
    else if (bytes == 2)
        outw(port, (uint16_t)v);
    else
        outl(port, v);
}

static bool simple_io(struct cpu_user_regs *regs, const struct insn *in)
{
    struct vcpu *v = current;
    bool out = in->opcode & 2, dx = in->opcode & 8;
    unsigned int bytes = in->opcode & 1 ? MIN(insn_opsize(in), 4u) : 1;
    uint16_t port = dx ? (uint16_t)regs->rdx : (uint8_t)in->imm;

    if (!io_allowed(v, port, bytes))
        return false;
    if (out)
        port_write(v->domain, port, bytes, (uint32_t)regs->rax);
    else
        insn_write_reg(regs, in, 0, bytes, port_read(v->domain, port, bytes));
    return true;
}

/* INS and OUTS, with or without REP: at most so many elements at a time, then the guest executes
 * the instruction again with what is left. */
#define STRING_IO_MAX 1024

static bool string_io(struct cpu_user_regs *regs, const struct insn *in, bool *finished)
{
    struct vcpu *v = current;
    bool out = in->opcode & 2;
    unsigned int bytes = in->opcode & 1 ? MIN(insn_opsize(in), 4u) : 1;
    uint16_t port = (uint16_t)regs->rdx;
    uint64_t n = in->rep ? MIN(regs->rcx, (uint64_t)STRING_IO_MAX) : 1;
    int64_t step = regs->rflags & X86_EFLAGS_DF ? -(int64_t)bytes : (int64_t)bytes;

    *finished = true;
    if (!io_allowed(v, port, bytes))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t value = 0;
        int rc;
        if (out) {
            rc = copy_from_guest(&value, guest_ptr(regs->rsi), bytes);
            if (!rc)
                port_write(v->domain, port, bytes, value);
        } else {
            /* Is there a place for it? A port must not be read for nothing. */
            rc = copy_from_guest(&value, guest_ptr(regs->rdi), bytes);
            if (!rc) {
                value = port_read(v->domain, port, bytes);
                rc = copy_to_guest(guest_ptr(regs->rdi), &value, bytes);
            }
        }
        if (rc) {
            pv_bounce_page_fault(regs, out ? 0 : 2, out ? regs->rsi : regs->rdi);
            *finished = false;
            return true;
        }
        *(out ? &regs->rsi : &regs->rdi) += (uint64_t)step;
        if (in->rep)
            regs->rcx--;
    }
    if (in->rep && regs->rcx)
        *finished = false;
    return true;
}

/* ---- control and debug registers -------------------------------------------------------------- */

#define CR0_GUEST 0x80050033ul /* PG AM WP NE ET MP PE: what a PV kernel sees */

static bool read_cr(struct cpu_user_regs *regs, const struct insn *in)
{
    struct vcpu *v = current;
    uint64_t value;

    switch (in->reg) {
    case 0: value = CR0_GUEST | (v->pv.ctrl_cr0_ts ? CR0_TS : 0); break;
    case 2: value = v->pv.trap_cr2; break;
    case 3: value = mfn_x(frame_to_mfn(v->pv.kernel_table)) << PAGE_SHIFT; break;
    case 4: value = pv_guest_cr4(v); break;
    default: return false;
    }
    *insn_reg(regs, in->rm) = value;
    return true;
}

uint64_t pv_guest_cr4(const struct vcpu *v)
{
    /* What is on in the machine and concerns the guest, plus what it set itself. */
    uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (cpu_caps.fsgsbase)
        cr4 |= CR4_FSGSBASE;
    return cr4 | (v->pv.ctrl_cr4 & (CR4_DE | (cpu_caps.xsave ? CR4_OSXSAVE : 0)));
}

static bool write_cr(struct cpu_user_regs *regs, const struct insn *in, bool *again)
{
    struct vcpu *v = current;
    uint64_t value = *insn_reg(regs, in->rm);

    switch (in->reg) {
    case 0:
        if ((value ^ read_cr0()) & ~(uint64_t)(CR0_TS | 0x40000)) /* only TS and AM may differ */
            return false;
        v->pv.ctrl_cr0_ts = !!(value & CR0_TS);
        if (v->pv.ctrl_cr0_ts)
            write_cr0(read_cr0() | CR0_TS);
        else
            clts();
        return true;
    case 2:
        v->pv.trap_cr2 = value;
        v->vcpu_info->arch.cr2 = value;
        return true;
    case 3: {
        long rc = mmu_new_kernel_root(value >> PAGE_SHIFT);
        *again = rc == -ERESTART;
        return !rc || *again;
    }
    case 4:
        /* Features are the hypervisor's; a kernel may say that it uses XSAVE. */
        v->pv.ctrl_cr4 = value;
        return true;
    default: return false;
    }
}

static bool debug_register(struct cpu_user_regs *regs, const struct insn *in, bool write)
{
    if (write)
        return hc_set_debugreg(in->reg, *insn_reg(regs, in->rm), 0, 0, 0) == 0;
    unsigned int reg = in->reg;
    if (reg == 4 || reg == 5) {
        if (current->pv.ctrl_cr4 & CR4_DE)
            return false;
        reg += 2; /* the old names of DR6 and DR7 */
    }
    if (reg > 7)
        return false;
    *insn_reg(regs, in->rm) = current->pv.debugreg[reg];
    return true;
}

/* ---- MSRs (Intel SDM vol. 4; AMD APM vol. 2 app. A) -------------------------------------------- */

#define MSR_APIC_BASE   0x1b
#define MSR_UCODE_REV   0x8b
#define MSR_PLATFORM    0xce
#define MSR_MISC_ENABLE 0x1a0
#define MSR_TSC         0x10
#define MSR_K8_HWCR     0xc0010015
/* Machine checks: two banks in which nothing is ever found. */
#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MCG_CTL    0x17b
#define MSR_MC0_CTL    0x400
#define MSR_MC1_MISC   0x407
#define MC_BANKS       2

static bool is_amd(void)
{
    return !strcmp(cpu_caps.vendor, "AuthenticAMD") || !strcmp(cpu_caps.vendor, "HygonGenuine");
}

bool pv_read_msr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    switch (msr) {
    case MSR_FS_BASE: *value = pv_get_base(v, SEGBASE_FS); return true;
    case MSR_GS_BASE:
        *value = pv_get_base(v, v->pv.in_kernel ? SEGBASE_GS_KERNEL : SEGBASE_GS_USER);
        return true;
    case MSR_SHADOW_GS:
        *value = pv_get_base(v, v->pv.in_kernel ? SEGBASE_GS_USER : SEGBASE_GS_KERNEL);
        return true;
    case MSR_EFER: *value = 0x501 | (cpu_caps.nx ? 0x800 : 0); return true; /* SCE LME LMA NXE */
    case MSR_PAT: *value = XEN_PAT; return true;
    case MSR_APIC_BASE: *value = 0xfee00800 | (v->id == 0 ? 0x100 : 0); return true;
    /* Fast strings; no branch trace store, no sampling of events, no xTPR messages. */
    case MSR_MISC_ENABLE: *value = 0x801801; return true;
    case MSR_UCODE_REV:
        /* Kernels look there for which errata have been mended. */
        if (rdmsr_safe(msr, value))
            *value = 0;
        return true;
    case MSR_PLATFORM: *value = 0; return true;
    case MSR_TSC: *value = rdtsc(); return true;
    case MSR_K8_HWCR: *value = 0; return is_amd();
    case MSR_MCG_CAP: *value = MC_BANKS; return true;
    case MSR_MCG_STATUS:
    case MSR_MCG_CTL: *value = 0; return true;
    case MSR_MC0_CTL ... MSR_MC1_MISC:
        *value = msr % 4 ? 0 : ~0ull;
        return true; /* CTL is all ones */
    default: return false;
    }
}

bool pv_write_msr(struct vcpu *v, uint32_t msr, uint64_t value)
{
    uint64_t now;

    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_SHADOW_GS:
        if (!va_is_canonical(value))
            return false;
        if (msr == MSR_FS_BASE)
            pv_set_base(v, SEGBASE_FS, value);
        else
            pv_set_base(
                v, (msr == MSR_GS_BASE) == v->pv.in_kernel ? SEGBASE_GS_KERNEL : SEGBASE_GS_USER,
                value);
        return true;
    case MSR_UCODE_REV: return true;   /* written before it is read */
    case MSR_K8_HWCR: return is_amd(); /* kernels try to set this and that in it */
    case MSR_MCG_STATUS:
    case MSR_MCG_CTL:
    case MSR_MC0_CTL ... MSR_MC1_MISC: return true; /* enabling and clearing of what never comes */
    default:
        /* Writing back what is read does no harm. */
        return pv_read_msr(v, msr, &now) && now == value;
    }
}

/* ---- the instructions --------------------------------------------------------------------------- */

static void do_cpuid(struct cpu_user_regs *regs)
{
    struct cpuid_regs out;

    cpuid_guest(current, (uint32_t)regs->rax, (uint32_t)regs->rcx, &out);
    regs->rax = out.a;
    regs->rbx = out.b;
    regs->rcx = out.c;
    regs->rdx = out.d;
}

bool pv_forced_cpuid(struct cpu_user_regs *regs)
{
    /* ud2 'x' 'e'; then, from the fourth byte on: 'e' 'n' and CPUID itself. Most #UD are something else. */
    const uint32_t first = 0x65780b0f, second = 0xa20f6e65;
    uint32_t code;

    if (copy_struct_from_guest(&code, guest_ptr(regs->rip)) || code != first)
        return false;
    if (copy_struct_from_guest(&code, guest_ptr(regs->rip + 3)) || code != second)
        return false;
    do_cpuid(regs);
    regs->rip += 7;
    return true;
}

static bool xsetbv(struct cpu_user_regs *regs, bool *again)
{
    struct vcpu *v = current;

    if (!(v->pv.ctrl_cr4 & CR4_OSXSAVE)) {
        pv_bounce_exception(regs, 6, 0);
        *again = true;
        return true;
    }
    return (uint32_t)regs->rcx == 0 && !pv_set_xcr0(v, regs->rdx << 32 | (uint32_t)regs->rax);
}

/* *again: nothing more to do, rip is where the guest goes on: at the instruction itself, done in part, or
 * in a handler. */
static bool two_byte(struct cpu_user_regs *regs, const struct insn *in, bool *again)
{
    struct vcpu *v = current;
    uint64_t value;

    switch (in->opcode) {
    case 0xa2: do_cpuid(regs); return true; /* CPUID faulting */
    case 0x01:
        if (in->mod == 3 && (in->reg & 7) == 2 && (in->rm & 7) == 1) /* XSETBV */
            return xsetbv(regs, again);
        return false;
    case 0x06: return hc_fpu_taskswitch(0, 0, 0, 0, 0) == 0; /* CLTS */
    case 0x09: return true; /* WBINVD: memory is coherent for all that a guest can reach */
    case 0x20: return read_cr(regs, in);
    case 0x22: return write_cr(regs, in, again);
    case 0x21: return debug_register(regs, in, false);
    case 0x23: return debug_register(regs, in, true);
    case 0x30: return pv_write_msr(v, (uint32_t)regs->rcx, regs->rdx << 32 | (uint32_t)regs->rax);
    case 0x32:
        if (!pv_read_msr(v, (uint32_t)regs->rcx, &value))
            return false;
        regs->rax = (uint32_t)value;
        regs->rdx = value >> 32;
        return true;
    default: return false;
    }
}

bool pv_emulate_privileged(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;
    struct insn in;
    bool ok, finished = true;

    if (insn_fetch(regs, &in))
        return false;
    if (in.two_byte) {
        bool again = false;
        ok = (v->pv.in_kernel || in.opcode == 0xa2) && two_byte(regs, &in, &again);
        finished = !again;
    } else {
        switch (in.opcode) {
        case 0x6c ... 0x6f: ok = string_io(regs, &in, &finished); break;
        case 0xe4 ... 0xe7:
        case 0xec ... 0xef: ok = simple_io(regs, &in); break;
        case 0xfa: /* CLI and STI: the virtual flag is the upcall mask, which they do not touch */
        case 0xfb: ok = v->pv.iopl >= (v->pv.in_kernel ? 1 : 3); break;
        default: ok = false;
        }
    }
    if (ok && finished)
        regs->rip += in.len;
    return ok;
}
