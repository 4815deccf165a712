/* SPDX-License-Identifier: MIT */
/* Numbers that the kit's assembly needs; traps.c checks them against the ABI headers. */
#ifndef KIT_ASM_H
#define KIT_ASM_H

#define HYPERVISOR_IRET 23
#define STACK_SIZE      0x8000

#endif
