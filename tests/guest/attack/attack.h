/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile PV kernels, one idea each, in one image: build/guest/attack.elf. As an unprivileged domain it runs
 * the attack of `case=NAME` on its command line (`case=list` prints all names) and prints a line for
 * each attempt:
 *
 *   held NAME: what           it was refused, contained or harmless
 *   not ok NAME: what         it was not
 *
 * and `done NAME` at the end. As Domain 0 (driver.c) it makes a domain of each attack from its initrd, the same
 * image, beside a victim (victim.c). tests/system/attacks.sh does the same from Linux.
 */
#ifndef TESTS_GUEST_ATTACK_H
#define TESTS_GUEST_ATTACK_H

#include "kit/console.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/hypercall.h"
#include "kit/io.h"
#include "kit/memory.h"
#include "kit/start.h"
#include "kit/string.h"
#include "kit/time.h"
#include "kit/traps.h"
#include "kit/vcpus.h"
#include "hypercalls/abi/errno.h"

struct attack {
    const char *name;
    void (*run)(void);
    unsigned int vcpus;
    bool may_crash; /* the domain may, or must, be crashed by it: then there is no `done` */
};

#define ATTACK_STRING2(x) #x
#define ATTACK_STRING(x)  ATTACK_STRING2(x)
#define ATTACK_ENTRY(id, n, crash)                                                              \
    static void attack_##id(void);                                                              \
    static const struct attack entry_##id                                                       \
        __attribute__((section(".guest_tests." ATTACK_STRING(__LINE__)), aligned(8), used)) = { \
            #id, attack_##id, n, crash};                                                        \
    static void attack_##id(void)
#define ATTACK(id, vcpus)      ATTACK_ENTRY(id, vcpus, false)
#define LAST_ATTACK(id, vcpus) ATTACK_ENTRY(id, vcpus, true)

extern const struct attack attacks_start[] __asm__("guest_tests_start");
extern const struct attack attacks_end[] __asm__("guest_tests_end");

/* One line about an attempt. */
__attribute__((format(printf, 2, 3))) void attempt(bool contained, const char *format, ...);
/* The hypervisor must answer with an error. */
#define REFUSED(rc, ...) attempt((long)(rc) < 0, __VA_ARGS__)

/* Addresses that a guest must not reach, or that do not exist. */
#define HV_ADDRESS      0xffff808000300000UL
#define HV_DIRECTMAP    0xffff830000200000UL
#define NON_CANONICAL   0x0000900000000000UL
#define NOBODYS_ADDRESS 0x0000700000000000UL /* canonical, not mapped */
extern const unsigned long bad_addresses[];
#define NR_BAD_ADDRESSES 7

/* Whether a frame is ours, by our list and the M2P table; and frames that are not: n counts from 0 on, below
 * NR_FOREIGN. Some are the hypervisor's, some the victim's, some do not exist. */
#define NR_FOREIGN 48
bool frame_is_ours(unsigned long mfn);
unsigned long foreign_frame(unsigned int n);

/* An address with tables of its own below it, to map things at. */
#define WINDOW 0x0000240000000000UL
/* update_va_mapping at WINDOW + n pages; makes the tables at first. */
long window_map(unsigned int n, uint64_t pte);
uint64_t *window_entry(unsigned int n);
static inline void *window(unsigned int n)
{
    return (void *)(WINDOW + n * PAGE_SIZE);
}

/* Whether an instruction sequence ended in an exception; which one is in last_trap. */
extern struct trap_frame last_trap;
bool traps(void (*fn)(void *), void *arg);

/* The number of a command-line option, or `otherwise`. */
unsigned long option_number(const char *name, unsigned long otherwise);

/* A reproducible random number below n (n > 0). */
uint64_t random_below(uint64_t n);
uint64_t random_word(void);

/* Starts `fn` on vCPU 1, which runs until *stop; false if there is none. stop_helper() ends it. */
bool start_helper(void (*fn)(void *), void *arg);
extern volatile bool helper_stop;
void stop_helper(void);
/* The last thing that fn does. */
__attribute__((noreturn)) void helper_ended(void);

/* Makes the next preemption points of hypercalls preempt: an event is pending and not masked. */
void make_preemptible(void);

#endif
