/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See hostile.h. */
#include "hostile.h"
#include "kit/events.h"
#include "kit/hypercall.h"
#include "kit/io.h"
#include "kit/start.h"
#include "kit/time.h"
#include "kit/vcpus.h"

#define TRIES 40
/* After this long a backend that has not begun is asked again. */
#define LOOKS 100
#define LOOK  (20 * MS)

void nap(uint64_t nanoseconds)
{
    event_wait(NULL, 0, time_now() + nanoseconds);
}

bool hostile_settle(struct front *f)
{
    for (unsigned int i = 0; i < 100; i++) {
        if (front_backend_state(f) == XenbusStateClosed) {
            return true;
        }
        front_close(f);
        nap(LOOK);
    }
    return false;
}

bool hostile_begin(struct front *f)
{
    for (unsigned int i = 0; i < TRIES; i++) {
        if (front_set_state(f, XenbusStateInitialising) < 0) {
            return false;
        }
        for (unsigned int look = 0; look < LOOKS; look++) {
            if (front_backend_state(f) == XenbusStateInitWait) {
                return true;
            }
            nap(LOOK);
        }
        front_close(f);
    }
    return false;
}

bool hostile_calm(struct front *f)
{
    return hostile_settle(f) && hostile_begin(f) && hostile_settle(f);
}

/* ---- memory that changes ---- */

static volatile bool wanted, runs;
static void (*change)(unsigned int round);

static void changer(void *arg)
{
    (void)arg;
    for (;;) {
        while (!wanted) {
            nap(MS);
        }
        runs = true;
        for (unsigned int round = 0; wanted; round++) {
            change(round);
        }
        runs = false;
    }
}

bool start_changing(void (*fn)(unsigned int round))
{
    static bool up;

    change = fn;
    barrier(); /* it looks when it is wanted */
    wanted = true;
    if (!up && vcpu_start(1, changer, NULL) != 0) {
        return false;
    }
    up = true;
    /* It may have slept through what comes next, and never be seen to end. */
    while (!runs) {
        hv_sched_op(SCHEDOP_yield, NULL);
    }
    return true;
}

void stop_changing(void)
{
    wanted = false;
    while (runs) {
        hv_sched_op(SCHEDOP_yield, NULL);
    }
}

unsigned long option_number(const char *name, unsigned long otherwise)
{
    unsigned long number = 0;
    const char *text;

    if (!kit_option(name, &text)) {
        return otherwise;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (unsigned long)(*text - '0');
    }
    return number;
}
