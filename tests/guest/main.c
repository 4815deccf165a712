/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs every TEST() that is linked in, or those named by `only=NAME` on the command line. */
#include "test.h"

extern const struct guest_test guest_tests_start[], guest_tests_end[];

static const char *running;
static char failure[256], skipped[256];

void test_fail(const char *format, ...)
{
    va_list args;

    if (failure[0] != '\0') {
        return;
    }
    va_start(args, format);
    kvsnprintf(failure, sizeof(failure), format, args);
    va_end(args);
}

void test_skip(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    kvsnprintf(skipped, sizeof(skipped), format, args);
    va_end(args);
}

bool test_failed(void)
{
    return failure[0] != '\0';
}

void answer(const char *key, const char *format, ...)
{
    char value[256];
    va_list args;

    va_start(args, format);
    kvsnprintf(value, sizeof(value), format, args);
    va_end(args);
    kprintf("answer %s.%s %s\n", running, key, value);
}

static void call_test(void *test)
{
    ((const struct guest_test *)test)->run();
}

static void run_test(const struct guest_test *test)
{
    struct trap_frame trap;

    running = test->name;
    failure[0] = skipped[0] = '\0';
    if (trap_catch(call_test, (void *)test, &trap)) {
        test_fail("trap %lu error %#lx at %#lx cr2 %#lx", trap.vector, trap.error, trap.rip,
                  last_cr2());
    }
    if (failure[0] != '\0') {
        kprintf("not ok %s: %s\n", running, failure);
    } else if (skipped[0] != '\0') {
        kprintf("skip %s: %s\n", running, skipped);
    } else {
        kprintf("ok %s\n", running);
    }
    running = NULL;
}

/* A helper of the kit that gives up fails the running test only: leave by a trap, which run_test() or
 * the test itself catches. */
static void on_panic(const char *text)
{
    if (this_vcpu() == 0 && running != NULL) {
        test_fail("%s", text);
        __asm__ volatile("ud2");
    }
}

static bool word_is(const char *word, const char *name)
{
    size_t n = strlen(name);

    return strncmp(word, name, n) == 0 && (word[n] == '\0' || word[n] == ' ');
}

void guest_main(void)
{
    const char *only = NULL;

    kit_panic_hook = on_panic;
    kit_option("only", &only);
    for (const struct guest_test *t = guest_tests_start; t < guest_tests_end; t++) {
        if (only == NULL || word_is(only, t->name)) {
            run_test(t);
        }
    }
}
