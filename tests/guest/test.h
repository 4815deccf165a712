/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of every test kernel. A kernel is one or more files of TEST()s; they run in the order of
 * the files and each prints one line:
 *
 *   ok NAME | not ok NAME: why | skip NAME: why
 *
 * and, where the hypervisor's answer is a fact worth comparing between hypervisors, lines
 * `answer NAME.key value`. An exception that a test does not catch fails that test alone.
 */
#ifndef TESTS_GUEST_TEST_H
#define TESTS_GUEST_TEST_H

#include "kit/console.h"
#include "kit/events.h"
#include "kit/hypercall.h"
#include "kit/io.h"
#include "kit/memory.h"
#include "kit/start.h"
#include "kit/string.h"
#include "kit/traps.h"
#include "hypercalls/abi/errno.h"

struct guest_test {
    const char *name;
    void (*run)(void);
};

#define TEST_STRING2(x) #x
#define TEST_STRING(x)  TEST_STRING2(x)
#define TEST(id)                                                                                  \
    static void test_##id(void);                                                                  \
    static const struct guest_test entry_##id                                                     \
        __attribute__((section(".guest_tests." TEST_STRING(__LINE__)), used)) = {#id, test_##id}; \
    static void test_##id(void)

/* Record the first failure, or a skip, of the running test; the macros also leave it. */
__attribute__((format(printf, 1, 2))) void test_fail(const char *format, ...);
__attribute__((format(printf, 1, 2))) void test_skip(const char *format, ...);
bool test_failed(void);

/* `answer TEST.key value`. */
__attribute__((format(printf, 2, 3))) void answer(const char *key, const char *format, ...);

#define CHECK(cond)                                              \
    do {                                                         \
        if (!(cond)) {                                           \
            test_fail("line %d: not true: %s", __LINE__, #cond); \
            return;                                              \
        }                                                        \
    } while (0)

#define CHECK_EQ(got, want)                                                              \
    do {                                                                                 \
        long got_ = (long)(got), want_ = (long)(want);                                   \
        if (got_ != want_) {                                                             \
            test_fail("line %d: %s is %ld (%#lx), not %ld (%#lx)", __LINE__, #got, got_, \
                      (unsigned long)got_, want_, (unsigned long)want_);                 \
            return;                                                                      \
        }                                                                                \
    } while (0)

#define SKIP(...)               \
    do {                        \
        test_skip(__VA_ARGS__); \
        return;                 \
    } while (0)

#endif
