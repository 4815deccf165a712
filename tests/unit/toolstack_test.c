/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See toolstack_test.h. */
#include "tests/unit/toolstack_test.h"

#include <string.h>

unsigned int test_failures;
bool test_failed, test_skipped;

static char reason[256];

void test_fail(const char *file, int line, const char *what)
{
    const char *slash = strrchr(file, '/');

    test_failed = true;
    snprintf(reason, sizeof(reason), "%s:%d: %s", slash == NULL ? file : slash + 1, line, what);
}

void test_skip(const char *why)
{
    test_skipped = true;
    snprintf(reason, sizeof(reason), "%s", why);
}

int test_run(const char *group, const struct test *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        test_failed = test_skipped = false;
        tests[i].run();
        if (test_failed) {
            test_failures++;
            printf("not ok %s_%s: %s\n", group, tests[i].name, reason);
        } else if (test_skipped) {
            printf("skip %s_%s: %s\n", group, tests[i].name, reason);
        } else {
            printf("ok %s_%s\n", group, tests[i].name);
        }
        fflush(stdout);
    }
    return test_failures != 0;
}

uint32_t test_random(void)
{
    static uint64_t state = 0x243f6a8885a308d3ull;

    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state >> 33);
}
