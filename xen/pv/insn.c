/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract is in insn.h. */
#include "pv/insn.h"
#include "x86/guest_access.h"
#include "x86/page.h"

/* Immediate bytes of an opcode; -1: not an instruction that is ever emulated. z: size of Iz. */
static int imm_bytes(const struct insn *in, int z)
{
    uint8_t op = in->opcode;

    if (in->two_byte)
        return op == 0xba ? 1 : 0;
    if (op < 0x40) /* arithmetic: columns 4 and 5 of each group take immediates */
        return (op & 7) < 4 ? 0 : (op & 7) == 4 ? 1 : (op & 7) == 5 ? z : -1;
    switch (op) {
    case 0x80:
    case 0x83:
    case 0xc6:
    case 0xe4:
    case 0xe5:
    case 0xe6:
    case 0xe7: return 1;
    case 0x81:
    case 0xc7: return z;
    case 0x6c:
    case 0x6d:
    case 0x6e:
    case 0x6f:
    case 0x86:
    case 0x87:
    case 0x88:
    case 0x89:
    case 0x8a:
    case 0x8b:
    case 0x90:
    case 0xaa:
    case 0xab:
    case 0xec:
    case 0xed:
    case 0xee:
    case 0xef:
    case 0xf4:
    case 0xfa:
    case 0xfb:
    case 0xfe:
    case 0xff: return 0;
    default: return -1;
    }
}

static bool takes_modrm(const struct insn *in)
{
    uint8_t op = in->opcode;

    if (in->two_byte) {
        switch (op) {
        case 0x05:
        case 0x06:
        case 0x07:
        case 0x08:
        case 0x09:
        case 0x30:
        case 0x31:
        case 0x32:
        case 0x33:
        case 0xa2: return false;
        default: return true;
        }
    }
    return (op < 0x40 && (op & 7) < 4) || (op >= 0x80 && op <= 0x8b) || op == 0xc6 || op == 0xc7 ||
           op == 0xfe || op == 0xff;
}

int insn_fetch(const struct cpu_user_regs *regs, struct insn *in)
{
    unsigned int i = 0;

    *in = (struct insn){.have = 0};
    /* Fifteen bytes, or as many as lie in this page if the next cannot be read. */
    in->have = sizeof(in->bytes);
    if (copy_from_guest(in->bytes, guest_ptr(regs->rip), sizeof(in->bytes))) {
        in->have = (uint8_t)MIN(sizeof(in->bytes), PAGE_SIZE - (regs->rip & ~PAGE_MASK));
        if (copy_from_guest(in->bytes, guest_ptr(regs->rip), in->have))
            return -EFAULT;
    }

#define NEXT()                                                        \
    ({                                                                \
        if (i >= in->have)                                            \
            return in->have == sizeof(in->bytes) ? -EINVAL : -EFAULT; \
        in->bytes[i++];                                               \
    })
    uint8_t b;
    for (;;) {
        b = NEXT();
        if (b == 0x66)
            in->opsize16 = true;
        else if (b == 0xf2 || b == 0xf3)
            in->rep = true;
        else if (b == 0xf0)
            in->lock = true;
        else if (b != 0x2e && b != 0x36 && b != 0x3e && b != 0x26 && b != 0x64 && b != 0x65)
            break;
    }
    if ((b & 0xf0) == 0x40) {
        in->rex = b;
        b = NEXT();
    }
    if (b == 0x0f) {
        in->two_byte = true;
        b = NEXT();
    }
    in->opcode = b;
    if (takes_modrm(in)) {
        uint8_t m = NEXT();
        in->has_modrm = true;
        in->mod = m >> 6;
        in->reg = (uint8_t)(((m >> 3) & 7) | (in->rex & 4) << 1);
        in->rm = (uint8_t)((m & 7) | (in->rex & 1) << 3);
        in->mem = in->mod != 3;
        if (in->mem) {
            unsigned int disp = in->mod == 1 ? 1 : in->mod == 2 ? 4 : 0;
            if ((m & 7) == 4) {
                uint8_t sib = NEXT();
                if (in->mod == 0 && (sib & 7) == 5)
                    disp = 4;
            } else if (in->mod == 0 && (m & 7) == 5) {
                disp = 4; /* rip-relative */
            }
            while (disp--)
                (void)NEXT();
        }
    }
    int n = imm_bytes(in, in->opsize16 ? 2 : 4);
    if (n < 0)
        return -EINVAL;
    uint64_t imm = 0;
    for (int k = 0; k < n; k++)
        imm |= (uint64_t)NEXT() << (8 * k);
#undef NEXT
    in->imm = n ? (uint64_t)((int64_t)(imm << (64 - 8 * n)) >> (64 - 8 * n)) : 0;
    in->len = (uint8_t)i;
    return 0;
}

uint64_t *insn_reg(struct cpu_user_regs *r, unsigned int n)
{
    uint64_t *const map[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
                               &r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
                               &r->r12, &r->r13, &r->r14, &r->r15};
    return map[n & 15];
}

static uint64_t size_mask(unsigned int size)
{
    return size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

uint64_t insn_read_reg(struct cpu_user_regs *regs, const struct insn *in, unsigned int n,
                       unsigned int size)
{
    if (size == 1 && !in->rex && n >= 4 && n < 8)
        return (*insn_reg(regs, n - 4) >> 8) & 0xff;
    return *insn_reg(regs, n) & size_mask(size);
}

void insn_write_reg(struct cpu_user_regs *regs, const struct insn *in, unsigned int n,
                    unsigned int size, uint64_t v)
{
    uint64_t *r = insn_reg(regs, n);

    if (size == 1 && !in->rex && n >= 4 && n < 8) {
        r = insn_reg(regs, n - 4);
        *r = (*r & ~0xff00ull) | (v & 0xff) << 8;
    } else if (size == 4) {
        *r = (uint32_t)v; /* clears the upper half */
    } else {
        *r = (*r & ~size_mask(size)) | (v & size_mask(size));
    }
}
