/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instruction decoder: prefixes, opcode, ModRM, immediate and length of the integer instructions
 * that are ever emulated. It fetches the bytes itself, once; no operand is touched.
 * (Intel SDM vol. 2 ch. 2 and app. A.)
 */
#ifndef XEN_PV_INSN_H
#define XEN_PV_INSN_H
#include "x86/cpu.h"

struct insn {
    uint8_t bytes[15];
    uint8_t have;   /* bytes fetched */
    uint8_t len;    /* of the whole instruction */
    uint8_t rex;    /* 0 if none */
    uint8_t opcode; /* last opcode byte */
    bool two_byte;  /* after 0x0f */
    bool opsize16, rep, lock;
    bool has_modrm, mem;  /* mem: the r/m operand is memory */
    uint8_t mod, reg, rm; /* with REX extensions */
    uint64_t imm;         /* sign-extended */
};

/* At regs->rip of current's 64-bit code. 0; -EFAULT: not readable; -EINVAL: not one we know. */
int insn_fetch(const struct cpu_user_regs *regs, struct insn *in);
/* Register n (0-15: rax rcx rdx rbx rsp rbp rsi rdi r8 ...). */
uint64_t *insn_reg(struct cpu_user_regs *regs, unsigned int n);
/* Operand size in bytes for a non-byte opcode: 2, 4 or 8. */
static inline unsigned int insn_opsize(const struct insn *in)
{
    return in->rex & 8 ? 8 : in->opsize16 ? 2 : 4;
}
/* Register n as source or destination of size bytes (AH-DH without REX included). */
uint64_t insn_read_reg(struct cpu_user_regs *regs, const struct insn *in, unsigned int n,
                       unsigned int size);
void insn_write_reg(struct cpu_user_regs *regs, const struct insn *in, unsigned int n,
                    unsigned int size, uint64_t v);

#endif
