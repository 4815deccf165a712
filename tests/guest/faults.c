/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation fails once. A domain is made, with a channel and a page of it mapped, and ended; each time
 * the hypervisor lets another allocation of it fail (keys f and F, with the boot option alloc-faults). The answer
 * is "no memory", and what was made until then is given back.
 */
#include "test.h"
#include "hypervisor.h"
#include "kit/time.h"
#include "workers.h"

#define MS 1000000UL

static struct worker victim;
static char text[4096];

/* What the hypervisor has put on its console since the last call, as text. */
static const char *console_text(void)
{
    long n;

    do {
        n = hypervisor_text(text, sizeof(text));
    } while (n == sizeof(text) - 1); /* older text than ours */
    return n < 0 ? NULL : text;
}

static bool says(const char *words)
{
    size_t n = strlen(words);

    for (const char *p = text; *p != '\0'; p++) {
        if (strncmp(p, words, n) == 0) {
            return true;
        }
    }
    return false;
}

static bool free_again(uint64_t pages)
{
    uint64_t end = time_now() + 100000 * MS;

    while (free_pages() != pages) {
        if (time_now() > end) {
            return false;
        }
        dom0_sleep(MS);
    }
    return true;
}

static long make_and_end(void)
{
    long rc = worker_make(&victim, 2);

    return rc != 0 ? rc : worker_end(&victim);
}

TEST(create_with_faults)
{
    unsigned int failed = 0, tolerated = 0;
    uint64_t free;

    if (debug_key('f') != 0 || debug_key('F') != 0 || console_text() == NULL ||
        !says("Allocation fault 1: not reached")) {
        SKIP("the hypervisor has no such keys, or was started without alloc-faults");
    }
    for (unsigned int i = 0; i < 2; i++) {
        CHECK_EQ(make_and_end(), 0); /* what the first ones leave is kept for the next */
    }
    dom0_sleep(10 * MS);
    free = free_pages();
    for (;;) {
        CHECK_EQ(debug_key('f'), 0);
        long rc = make_and_end();
        CHECK_EQ(debug_key('F'), 0);
        CHECK(console_text() != NULL);
        CHECK(free_again(free));
        if (says("not reached")) {
            CHECK_EQ(rc, 0);
            break;
        }
        CHECK(says("Allocation fault"));
        CHECK(rc == 0 || rc == -XEN_ENOMEM);
        failed += rc != 0;
        tolerated += rc == 0;
    }
    kprintf("# %u allocations failed, %u more without harm\n", failed, tolerated);
    CHECK(failed > 15);
}
