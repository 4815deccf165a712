/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct writes to L1 tables: the kernel maps its page tables read-only, but may use ordinary
 * instructions on entries (VMASST_TYPE_writable_pagetables); the fault is resolved here by doing the
 * instruction's write as a checked update. Moves, exchanges and the read-modify-write instructions
 * that kernels use on entries; anything else is bounced as the page fault that it is.
 */
#include "hypercalls/mmu.h"
#include "lib/lib.h"
#include "mm/frame.h"
#include "pv/insn.h"
#include "pv/trap.h"

struct write {
    unsigned int size; /* bytes of the memory operand */
    uint64_t old, new; /* its value before and after */
    bool store;        /* false: the instruction leaves memory as it is */
};

#define F_CF X86_EFLAGS_CF
#define F_PF (1u << 2)
#define F_ZF (1u << 6)
#define F_SF (1u << 7)
#define F_OF (1u << 11)

/* Flags after AND, OR, XOR. */
static void logic_flags(struct cpu_user_regs *regs, uint64_t v, unsigned int size)
{
    uint64_t f = regs->rflags & ~(uint64_t)(F_CF | F_PF | F_ZF | F_SF | F_OF);

    if (!v)
        f |= F_ZF;
    if (v >> (8 * size - 1) & 1)
        f |= F_SF;
    if (!(__builtin_popcount(v & 0xff) & 1))
        f |= F_PF;
    regs->rflags = f;
}

static bool logic(struct cpu_user_regs *regs, struct write *w, unsigned int group, uint64_t src)
{
    switch (group) {
    case 1: w->new = w->old | src; break;
    case 4: w->new = w->old &src; break;
    case 6: w->new = w->old ^ src; break;
    default: return false;
    }
    logic_flags(regs, w->new, w->size);
    return true;
}

static bool bit_op(struct cpu_user_regs *regs, struct write *w, unsigned int which, uint64_t bit)
{
    uint64_t m = 1ull << (bit & (8 * w->size - 1));

    regs->rflags = (regs->rflags & ~(uint64_t)F_CF) | (w->old & m ? F_CF : 0);
    switch (which) {
    case 5: w->new = w->old | m; return true;
    case 6: w->new = w->old & ~m; return true;
    case 7: w->new = w->old ^ m; return true;
    default: return false;
    }
}

/* What the instruction makes of w->old, and its effect on registers. False: not done here. */
static bool compute(struct cpu_user_regs *regs, const struct insn *in, struct write *w)
{
    unsigned int op = in->opcode;
    uint64_t mask = w->size == 8 ? ~0ull : (1ull << (8 * w->size)) - 1;
    uint64_t reg = insn_read_reg(regs, in, in->reg, w->size);

    w->store = true;
    if (in->two_byte) {
        switch (op) {
        case 0xb0:
        case 0xb1: {
            uint64_t acc = regs->rax & mask;
            if (acc == w->old) {
                w->new = reg;
                regs->rflags |= F_ZF;
            } else {
                w->store = false;
                regs->rflags &= ~(uint64_t)F_ZF;
                insn_write_reg(regs, in, 0, w->size, w->old);
            }
            return true;
        }
        case 0xba: return bit_op(regs, w, in->reg & 7, in->imm);
        case 0xab: return reg < 8 * w->size && bit_op(regs, w, 5, reg);
        case 0xb3: return reg < 8 * w->size && bit_op(regs, w, 6, reg);
        case 0xbb: return reg < 8 * w->size && bit_op(regs, w, 7, reg);
        default: return false;
        }
    }
    switch (op) {
    case 0x88:
    case 0x89: w->new = reg; return true;
    case 0xc6:
    case 0xc7: w->new = in->imm &mask; return true;
    case 0x86:
    case 0x87:
        w->new = reg;
        insn_write_reg(regs, in, in->reg, w->size, w->old);
        return true;
    case 0x08:
    case 0x09: return logic(regs, w, 1, reg);
    case 0x20:
    case 0x21: return logic(regs, w, 4, reg);
    case 0x30:
    case 0x31: return logic(regs, w, 6, reg);
    case 0x80:
    case 0x81:
    case 0x83: return logic(regs, w, in->reg & 7, in->imm & mask);
    default: return false;
    }
}

static bool byte_sized(const struct insn *in)
{
    return in->two_byte ? in->opcode == 0xb0 : !(in->opcode & 1) && in->opcode != 0xba;
}

/* Carry out the write on the table. pt_lock held. 0 or an error of pt_write_l1. */
static int write_entry(struct cpu_user_regs *regs, const struct insn *in, struct frame *table,
                       uint64_t offset, struct domain *d)
{
    unsigned int index = (unsigned int)(offset / sizeof(pte_t)), shift = (offset & 7) * 8;
    pte_t *p = (pte_t *)frame_to_virt(table) + index, entry = READ_ONCE(*p);
    struct write w = {.size = byte_sized(in) ? 1 : insn_opsize(in)};
    uint64_t mask = w.size == 8 ? ~0ull : (1ull << (8 * w.size)) - 1;
    struct cpu_user_regs after = *regs;
    int rc = 0;

    if (shift + 8 * w.size > 64)
        return -EINVAL;
    w.old = (entry >> shift) & mask;
    if (!compute(&after, in, &w))
        return -EINVAL;
    if (w.store) {
        pte_t value = (entry & ~(mask << shift)) | w.new << shift;
        rc = pt_write_l1(p, value, d, d, false);
    }
    if (!rc) {
        after.rip += in->len;
        *regs = after;
    }
    return rc;
}

bool pv_pt_write_fault(struct cpu_user_regs *regs, uint64_t va)
{
    struct vcpu *v = current;
    struct domain *d = v->domain;
    struct insn in;
    bool done = false;

    spin_lock(&d->pt_lock);
    pte_t *e = pt_walk(v->pv.kernel_table, va, NULL);
    if (!e || (*e & (PTE_PRESENT | PTE_RW)) != PTE_PRESENT || !mfn_valid(pte_mfn(*e)))
        goto out;
    struct frame *f = mfn_to_frame(pte_mfn(*e));
    uint64_t x = READ_ONCE(f->info);
    if (!(x & FI_VALIDATED) || (x & FI_TYPE) != FI_TYPE_OF(FRAME_L1) || f->owner != d->id)
        goto out;
    if (insn_fetch(regs, &in) || !in.mem)
        goto out;
    done = !write_entry(regs, &in, f, va & ~PAGE_MASK, d);
out:
    spin_unlock(&d->pt_lock);
    return done;
}
