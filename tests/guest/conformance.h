/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ABI conformance table: (hypercall, operation, argument) -> error or effect, one row a line, one family a
 * file conformance_*.c. Each row prints
 *
 *   answer FAMILY/KEY GOT
 *
 * and, if that is not what the row expects, `unexpected FAMILY/KEY WANT`, which fails the run on Hospes. On
 * Debian's Xen the answers are compared with those of Hospes instead: what differs must be in `differences`.
 * Errors are printed by their names.
 */
#ifndef TESTS_GUEST_CONFORMANCE_H
#define TESTS_GUEST_CONFORMANCE_H

#include "test.h"

/* A domain id that nobody has, and an address of the user's half where nothing is mapped. */
#define NOBODY     777
#define NO_ADDRESS 0x0000000012345000UL

/* The family of the rows that follow. */
void conform_family(const char *name);

/* One row. `variant` may be NULL; else it is the last part of the key. */
void conform_row(const char *key, const char *variant, long want, long got);

/* `call` gives `want`: an error (negative) or an effect, any number. */
#define ROW(key, want, call) conform_row(key, NULL, (long)(want), (long)(call))

/* The same where it gives a GNTST_*, printed as such. */
void conform_status(const char *key, long want, long got);
#define STATUS(key, want, call) conform_status(key, (long)(want), (long)(call))

/* The pointers that no guest may give: a row for each, in which `p` is the pointer. */
#define CONFORM_POINTERS 6
extern const char *const conform_pointer_name[CONFORM_POINTERS];
void *conform_pointer(unsigned int kind);
#define POINTERS(key, want, p, call)                                               \
    for (unsigned int kind_ = 0; kind_ < CONFORM_POINTERS; kind_++) {              \
        void *p = conform_pointer(kind_);                                          \
        conform_row(key, conform_pointer_name[kind_], (long)(want), (long)(call)); \
    }

/* A copy of an object in a page that its guest may only read: `p` in the call. */
void *conform_readonly(const void *object, size_t size);
#define READONLY(key, want, p, object, call)                       \
    do {                                                           \
        void *p = conform_readonly(&(object), sizeof(object));     \
        conform_row(key, "read-only", (long)(want), (long)(call)); \
    } while (0)

/* A copy of an object that ends with its page; nothing is mapped behind. Good until the next one. */
void *conform_tail(const void *object, size_t size);

/* A frame of the hypervisor: the first of its machine-to-phys table. */
unsigned long conform_hypervisor_frame(void);

/* The families. They run in the order of conformance.c, on one machine. */
void conform_numbers(void);
void conform_version(void);
void conform_console(void);
void conform_pv_cpu(void);
void conform_multicall(void);
void conform_sched(void);
void conform_vcpu(void);
void conform_event(void);
void conform_grant(void);
void conform_memory(void);
void conform_mmu(void);
void conform_mmuext(void);
void conform_physdev(void);
void conform_platform(void);
void conform_sysctl(void);
void conform_domctl(void);
void conform_other(void);

#endif
