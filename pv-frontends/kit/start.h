/* SPDX-License-Identifier: MIT */
/* What a guest program gets from the kit before and after its guest_main(). */
#ifndef KIT_START_H
#define KIT_START_H

#include "kit/abi.h"

#define KIT_VIRT_BASE  0xffffffff80000000UL
#define KIT_STACK_SIZE 0x8000UL
#define KIT_MAX_VCPUS  8

/* One stack per vCPU, aligned to its size; the lowest word is the vCPU's number (this_vcpu()). */
extern char kit_stacks[KIT_MAX_VCPUS][KIT_STACK_SIZE];

/* The page the domain builder filled; valid from the program's first instruction. */
extern struct start_info *kit_start_info;

/* The TSC at the guest's first instruction. */
extern uint64_t kit_first_tsc;

/* Written by the program. When it returns the kit prints `# end` and ends the domain. */
void guest_main(void);

/* True if `name` is a word of the command line, or `name=…` is; then *value (if wanted) points
 * behind the `=` (to an empty string if there is none). Words are separated by spaces. */
bool kit_option(const char *name, const char **value);

/* Ends the domain by SCHEDOP_shutdown with the given SHUTDOWN_* reason. */
__attribute__((noreturn)) void kit_shutdown(unsigned int reason);

/* Where kit_panic() goes first, if set; it must not return. */
extern void (*kit_panic_hook)(const char *text);

/* Prints `not ok panic: ` with the message and ends the domain. */
__attribute__((noreturn, format(printf, 1, 2))) void kit_panic(const char *format, ...);

#endif
