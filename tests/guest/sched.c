/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the scheduler promises, seen from guests on the real hypervisor: shares by weight, caps, a soon turn for who
 * wakes up. On a clock that counts instructions (tests/guest/run --icount) the figures are the same at each run, and a
 * loaded host changes nothing. Each is printed as well, for the comparison with Xen (tests/bench/scale).
 */
#include "test.h"
#include "kit/time.h"
#include "workers.h"

#define MS      1000000UL
#define US      1000UL
#define WARM_UP (40 * MS)
#define WINDOW  (400 * MS)
#define SLICE \
    (10 * MS) /* the longest time that one may keep a CPU from others of the same weight */
#define MAX 72

static struct worker workers[MAX];
static unsigned int nr;
static uint64_t time_before[MAX], ran[MAX]; /* ns of CPU, and within the window */

/* `bench NAME@CPUS value`, the value in hundredths. */
static void figure(const char *name, uint64_t hundredths)
{
    kprintf("bench %s@%u %lu.%02lu\n", name, host_cpus(), hundredths / 100, hundredths % 100);
}

static uint64_t cpu_time(const struct worker *w)
{
    struct xen_domctl_getdomaininfo info;

    return domain_info(w->domain.id, &info) == 0 ? info.cpu_time : 0;
}

/* A further worker, at rest. NULL: the test has failed. */
static struct worker *add(unsigned int vcpus, uint16_t weight, uint16_t cap)
{
    struct worker *w = &workers[nr];
    long rc = worker_start(w, vcpus);

    if (rc != 0) {
        test_fail("worker %u: %ld", nr, rc);
        return NULL;
    }
    nr++;
    rc = domain_set_weight_and_cap(&w->domain, weight, cap);
    if (rc != 0) {
        test_fail("weight and cap: %ld", rc);
    }
    return w;
}

static void remove_all(void)
{
    for (unsigned int i = 0; i < nr && test_failed(); i++) {
        kprintf("# %u ran %lu us\n", i, ran[i] / US);
    }
    while (nr > 0) {
        long rc = worker_end(&workers[--nr]);

        if (rc != 0) {
            test_fail("destroy: %ld", rc);
        }
    }
}

/* Lets all of them spin, and notes in ran[] what each got in a window. Returns how long that was. */
static uint64_t run_all(uint64_t window)
{
    for (unsigned int i = 0; i < nr; i++) {
        worker_order(&workers[i], WORKER_SPIN);
    }
    dom0_sleep(WARM_UP);
    uint64_t start = time_now();
    for (unsigned int i = 0; i < nr; i++) {
        time_before[i] = cpu_time(&workers[i]);
    }
    dom0_sleep(window);
    for (unsigned int i = 0; i < nr; i++) {
        ran[i] = cpu_time(&workers[i]) - time_before[i];
    }
    return time_now() - start;
}

static bool within(uint64_t value, uint64_t wanted, unsigned int percent)
{
    return value * 100 >= wanted * (100 - percent) && value * 100 <= wanted * (100 + percent);
}

/* One of weight 512 and one of 256 on the same CPU: 2 to 1. */
TEST(weights_of_two)
{
    if (add(1, 512, 0) != NULL && add(1, 256, 0) != NULL) {
        for (unsigned int i = 0; i < nr; i++) {
            domain_set_affinity(workers[i].domain.id, 0, 1);
        }
        run_all(WINDOW);
        figure("weights_2to1", ran[0] * 100 / (ran[1] + 1));
        if (!within(ran[0], 2 * ran[1], 10)) {
            test_fail("%lu us to %lu us", ran[0] / US, ran[1] / US);
        }
    }
    remove_all();
}

/* Half of 6 a CPU have twice the weight of the other half, free to run anywhere: each has its share. */
TEST(weights_of_many)
{
    unsigned int cpus = host_cpus(), n = 6 * cpus;
    uint64_t heavy = 0, light = 0, worst = 0;

    for (unsigned int i = 0; i < n && add(1, i % 2 ? 256 : 512, 0) != NULL; i++) {
    }
    if (!test_failed()) {
        /* All wake at once: what each may have saved by sleeping is spent first. */
        run_all(WINDOW);
        uint64_t took = run_all(2 * WINDOW);

        for (unsigned int i = 0; i < n; i++) {
            uint64_t fair = took * cpus * (i % 2 ? 1 : 2) / (n / 2 * 3);
            uint64_t off = (ran[i] > fair ? ran[i] - fair : fair - ran[i]) * 10000 / fair;

            *(i % 2 ? &light : &heavy) += ran[i];
            worst = off > worst ? off : worst;
        }
        figure("weights_2to1_of_many", heavy * 100 / (light + 1));
        figure("weights_worst_off_percent", worst);
        if (!within(heavy, 2 * light, 10)) {
            test_fail("%lu us to %lu us", heavy / US, light / US);
        }
        if (worst > 1000) {
            test_fail("one is %lu hundredths of a percent off its share", worst);
        }
    }
    remove_all();
}

/* One more than there are CPUs, of the same weight: none of them may have a CPU for itself. */
TEST(odd_one)
{
    unsigned int cpus = host_cpus();
    uint64_t least = ~0UL, most = 0;

    for (unsigned int i = 0; i <= cpus && add(1, 256, 0) != NULL; i++) {
    }
    if (!test_failed()) {
        run_all(WINDOW);
        for (unsigned int i = 0; i < nr; i++) {
            least = ran[i] < least ? ran[i] : least;
            most = ran[i] > most ? ran[i] : most;
        }
        figure("odd_one_most_to_least", most * 100 / (least + 1));
        if (!within(most, least, 20)) {
            test_fail("%lu us to %lu us", most / US, least / US);
        }
    }
    remove_all();
}

static void capped(const char *name, unsigned int vcpus, uint16_t cap, unsigned int others)
{
    if (add(vcpus, 256, cap) != NULL) {
        for (unsigned int i = 0; i < others && add(1, 256, 0) != NULL; i++) {
        }
    }
    if (!test_failed()) {
        uint64_t took = run_all(WINDOW);

        figure(name, ran[0] * 10000 / took);
        if (!within(ran[0] * 100, took * cap, 10)) {
            test_fail("%lu us of %lu us", ran[0] / US, took / US);
        }
    }
    remove_all();
}

TEST(cap_alone)
{
    capped("cap_40_alone", 1, 40, 0);
}

TEST(cap_with_others)
{
    capped("cap_25_with_others", 1, 25, 2 * host_cpus());
}

TEST(cap_of_several_vcpus)
{
    if (host_cpus() < 2) {
        SKIP("one CPU");
    }
    capped("cap_150_of_3_vcpus", 3, 150, 0);
}

/* A cap small enough that a single turn uses up several periods. */
TEST(cap_small)
{
    capped("cap_5_alone", 1, 5, 0);
}

/* Two spinners a CPU; who sleeps between them is on time when it wakes. */
TEST(waker_among_spinners)
{
    struct worker *sleeper = add(1, 256, 0);

    for (unsigned int i = 0; i < 2 * host_cpus() && add(1, 256, 0) != NULL; i++) {
    }
    if (sleeper != NULL && !test_failed()) {
        for (unsigned int i = 1; i < nr; i++) {
            worker_order(&workers[i], WORKER_SPIN);
        }
        dom0_sleep(WARM_UP);
        sleeper->page->rounds = 100;
        sleeper->page->gap = 3300 * US;
        worker_order(sleeper, WORKER_SLEEP);
        if (!dom0_wait(&sleeper->page->done, 100)) {
            test_fail("it does not come to its end");
        } else {
            figure("waker_late_mean_us", sleeper->page->sum / 1000);
            figure("waker_late_worst_us", sleeper->page->max / 10);
            if (sleeper->page->max > SLICE) {
                test_fail("%lu us late", sleeper->page->max / US);
            }
        }
    }
    remove_all();
}

/* An event from guest to guest and back, the CPUs busy with `spinners` others. */
static void latency(const char *name, unsigned int spinners)
{
    struct worker *a = add(1, 256, 0), *b = a != NULL ? add(1, 256, 0) : NULL;
    char text[64];

    for (unsigned int i = 0; i < spinners && !test_failed(); i++) {
        add(1, 256, 0);
    }
    if (!test_failed() && workers_connect(a, b) == 0) {
        for (unsigned int i = 2; i < nr; i++) {
            worker_order(&workers[i], WORKER_SPIN);
        }
        dom0_sleep(WARM_UP);
        worker_order(b, WORKER_ECHO);
        worker_wait_answer(b);
        a->page->rounds = 60;
        a->page->gap = 2700 * US;
        worker_order(a, WORKER_PING);
        if (!dom0_wait(&a->page->done, 60)) {
            test_fail("it does not come to its end: %u rounds", a->page->done);
        } else {
            ksnprintf(text, sizeof(text), "event_roundtrip_mean_us/%s", name);
            figure(text, a->page->sum / 600);
            ksnprintf(text, sizeof(text), "event_roundtrip_worst_us/%s", name);
            figure(text, a->page->max / 10);
            if (a->page->max > 2 * SLICE) {
                test_fail("%lu us, in the mean %lu us", a->page->max / US, a->page->sum / 60 / US);
            }
        }
    }
    remove_all();
}

TEST(latency_1)
{
    latency("1", 1);
}

TEST(latency_8)
{
    latency("8", 8);
}

TEST(latency_64)
{
    latency("64", 64);
}
