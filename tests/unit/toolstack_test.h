/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The little that the tests of the toolstack library share: verdict lines and a failing check. */
#ifndef TOOLSTACK_TEST_H
#define TOOLSTACK_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern unsigned int test_failures;     /* of the program */
extern bool test_failed, test_skipped; /* in the running test */

/* A test goes on after a failed check only where the check returns. */
#define CHECK(condition)                               \
    do {                                               \
        if (!(condition)) {                            \
            test_fail(__FILE__, __LINE__, #condition); \
            return;                                    \
        }                                              \
    } while (0)

#define CHECK_STR(a, b)                                                                    \
    do {                                                                                   \
        const char *a_ = (a), *b_ = (b);                                                   \
        if (a_ == NULL || b_ == NULL || strcmp(a_, b_) != 0) {                             \
            fprintf(stderr, "'%s' is not '%s'\n", a_ ? a_ : "(null)", b_ ? b_ : "(null)"); \
            test_fail(__FILE__, __LINE__, #a " is not " #b);                               \
            return;                                                                        \
        }                                                                                  \
    } while (0)

struct test {
    const char *name;
    void (*run)(void);
};

void test_fail(const char *file, int line, const char *what);
void test_skip(const char *why);
/* Runs them all, prints a line for each; answers main()'s status. */
int test_run(const char *group, const struct test *tests, size_t count);

/* Pseudo-random, the same in every run. */
uint32_t test_random(void);

#endif
