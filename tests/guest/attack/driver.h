/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two other roles of the image of the attacks. */
#ifndef TESTS_GUEST_ATTACK_DRIVER_H
#define TESTS_GUEST_ATTACK_DRIVER_H

#define SECOND 1000000000UL

/* Domain 0: runs all attacks, or those of `only=NAME`, each in a domain of its own beside a victim. */
void drive(void);

/* Domain 0, behind the attack of that name: the hypervisor audits itself; `not ok NAME/audit: why` if it complains. */
void audit_after(const char *name);

/*
 * A guest that minds its own business: patterns in its pages, its page tables and its grant table are
 * what they were, its time goes on. It prints `beat N ROUNDS MS` now and then, `not ok victim: why` if something
 * is not as it should be. `busy` on its command line: without a rest, so that ROUNDS tell its share of the CPU.
 * Never returns.
 */
__attribute__((noreturn)) void victim(void);

/* In the page that a victim shares with its maker (kit/domains.h). */
struct victim_page {
    volatile uint64_t beats, rounds, faults;
};

#endif
