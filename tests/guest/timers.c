/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time and timers: the clock never runs backwards, a timer never fires early, and a stopped one never. */
#include "test.h"
#include "kit/time.h"

#define MS 1000000UL

static evtchn_port_t port;
static volatile unsigned int fired;
static volatile uint64_t fired_at;

static void on_timer(evtchn_port_t p)
{
    (void)p;
    fired++;
    fired_at = time_now();
}

static bool timer_ready(void)
{
    if (port == 0) {
        /* A PV vCPU starts with a periodic tick of 100 Hz. */
        hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
        port = (evtchn_port_t)event_bind_virq(VIRQ_TIMER, 0);
        event_handle(port, on_timer);
    }
    events_on();
    events_off();
    fired = 0;
    return port > 0;
}

static void wait_until(uint64_t end)
{
    events_on();
    while (time_now() < end) {
        __asm__ volatile("pause");
    }
    events_off();
}

/* Waits for the timer, as long as a busy host may need to raise its interrupt. */
static void wait_fired(void)
{
    uint64_t end = time_now() + 100000 * MS;

    events_on();
    while (fired == 0 && time_now() < end) {
        __asm__ volatile("pause");
    }
    events_off();
}

TEST(monotonic)
{
    uint64_t last = time_now(), first = last;

    for (unsigned int i = 0; i < 200000; i++) {
        uint64_t now = time_now();

        CHECK(now >= last);
        last = now;
    }
    CHECK(last > first);
    CHECK(this_vcpu_info()->time.version % 2 == 0);
    CHECK(this_vcpu_info()->time.tsc_to_system_mul != 0);
}

TEST(wallclock)
{
    CHECK_EQ(kit_shared->wc_version % 2, 0);
    /* The lab's clock is set to some time after 2020. */
    CHECK(kit_shared->wc_sec + ((uint64_t)kit_shared->wc_sec_hi << 32) > 1577836800);
}

TEST(singleshot)
{
    CHECK(timer_ready());
    uint64_t deadline = time_now() + 10 * MS;
    CHECK_EQ(timer_set(deadline, 0), 0);
    wait_fired();
    CHECK_EQ(fired, 1);
    CHECK(fired_at >= deadline);
}

/* A deadline in the past fires at once; with the FUTURE flag it may be refused instead. */
TEST(singleshot_past)
{
    CHECK(timer_ready());
    long rc = timer_set(1, VCPU_SSHOTTMR_future);
    answer("future", "%ld", rc);
    CHECK(rc == 0 || rc == -XEN_ETIME);
    if (rc == 0) {
        wait_fired();
    } else {
        wait_until(time_now() + 20 * MS);
    }
    CHECK_EQ(fired, rc == 0 ? 1 : 0);
    fired = 0;
    CHECK_EQ(timer_set(1, 0), 0);
    wait_fired();
    CHECK_EQ(fired, 1);
}

TEST(singleshot_stop)
{
    CHECK(timer_ready());
    uint64_t deadline = time_now() + 200 * MS;
    CHECK_EQ(timer_set(deadline, 0), 0);
    CHECK_EQ(timer_stop(), 0);
    CHECK_EQ(timer_stop(), 0);
    if (time_now() > deadline) {
        SKIP("the host is too slow for this");
    }
    wait_until(deadline + 60 * MS);
    CHECK_EQ(fired, 0);
}

/* Setting again replaces the deadline. The second one is far off, so that a slow host cannot reach it. */
TEST(singleshot_again)
{
    CHECK(timer_ready());
    uint64_t now = time_now();
    CHECK_EQ(timer_set(now + 10 * MS, 0), 0);
    CHECK_EQ(timer_set(now + 100000 * MS, 0), 0);
    if (time_now() > now + 9 * MS) {
        SKIP("the host is too slow for this");
    }
    wait_until(now + 50 * MS);
    CHECK_EQ(fired, 0);
    now = time_now();
    CHECK_EQ(timer_set(now + 10 * MS, 0), 0);
    wait_fired();
    CHECK_EQ(fired, 1);
    CHECK(fired_at >= now + 10 * MS);
}

TEST(set_timer_op)
{
    CHECK(timer_ready());
    uint64_t deadline = time_now() + 10 * MS;
    CHECK_EQ(hv_set_timer_op(deadline), 0);
    wait_fired();
    CHECK_EQ(fired, 1);
    CHECK_EQ(hv_set_timer_op(time_now() + 100000 * MS), 0);
    CHECK_EQ(hv_set_timer_op(0), 0);
    wait_until(time_now() + 50 * MS);
    CHECK_EQ(fired, 1);
    answer("far", "%ld", hv_set_timer_op(~0UL));
    hv_set_timer_op(0);
}

/* SCHEDOP_block sleeps until the timer, unmasks events, and does not return early for nothing. */
TEST(block)
{
    CHECK(timer_ready());
    uint64_t deadline = time_now() + 20 * MS;
    CHECK_EQ(timer_set(deadline, 0), 0);
    while (fired == 0) {
        CHECK_EQ(hv_sched_op(SCHEDOP_block, NULL), 0);
    }
    CHECK(!this_vcpu_info()->evtchn_upcall_mask);
    events_off();
    CHECK(time_now() >= deadline);
    CHECK_EQ(fired, 1);
}

TEST(periodic)
{
    struct vcpu_set_periodic_timer op = {.period_ns = 10 * MS};

    CHECK(timer_ready());
    uint64_t start = time_now();
    CHECK_EQ(hv_vcpu_op(VCPUOP_set_periodic_timer, 0, &op), 0);
    events_on();
    while (fired < 10 && time_now() < start + 100000 * MS) {
        __asm__ volatile("pause");
    }
    events_off();
    CHECK_EQ(hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    CHECK(fired >= 10);
    CHECK(time_now() >= start + 85 * MS); /* not faster than asked for */
    events_on();
    events_off();
    fired = 0;
    wait_until(time_now() + 40 * MS);
    CHECK_EQ(fired, 0);
    op.period_ns = 1000;
    answer("too_short", "%ld", hv_vcpu_op(VCPUOP_set_periodic_timer, 0, &op));
    op.period_ns = ~0UL;
    answer("too_long", "%ld", hv_vcpu_op(VCPUOP_set_periodic_timer, 0, &op));
    hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
}

/* Timers of another vCPU, or of none, are not ours to set. */
TEST(wrong_vcpu)
{
    struct vcpu_set_singleshot_timer op = {.timeout_abs_ns = 1};

    answer("single_none", "%ld", hv_vcpu_op(VCPUOP_set_singleshot_timer, 77, &op));
    answer("stop_none", "%ld", hv_vcpu_op(VCPUOP_stop_singleshot_timer, 0xffffffff, NULL));
    CHECK(hv_vcpu_op(VCPUOP_set_singleshot_timer, 77, &op) < 0);
    CHECK_EQ(hv_vcpu_op(VCPUOP_set_singleshot_timer, 0, (void *)0x1000), -XEN_EFAULT);
}

static struct vcpu_runstate_info area;

TEST(runstate)
{
    struct vcpu_runstate_info info;
    uint64_t sum = 0;

    CHECK(timer_ready());
    CHECK_EQ(hv_vcpu_op(VCPUOP_get_runstate_info, 0, &info), 0);
    CHECK_EQ(info.state, RUNSTATE_running);
    for (unsigned int i = 0; i < 4; i++) {
        sum += info.time[i];
    }
    CHECK(sum > 0);
    CHECK(sum <= time_now());
    /* Where the machine itself stands still between arming and blocking, the wait is short: once more. */
    uint64_t blocked, waited = 0;
    for (unsigned int tries = 0; tries < 50 && waited < 15 * MS; tries++) {
        blocked = info.time[RUNSTATE_blocked];
        fired = 0;
        CHECK_EQ(timer_set(time_now() + 20 * MS, 0), 0);
        while (fired == 0) {
            hv_sched_op(SCHEDOP_block, NULL);
            events_off(); /* none comes between the next look and its sleep */
        }
        CHECK_EQ(hv_vcpu_op(VCPUOP_get_runstate_info, 0, &info), 0);
        waited = info.time[RUNSTATE_blocked] - blocked;
    }
    CHECK(waited >= 15 * MS);
    CHECK_EQ(hv_vcpu_op(VCPUOP_get_runstate_info, 55, &info), -XEN_ENOENT);
}

/* The registered area follows the vCPU's state by itself. */
TEST(runstate_area)
{
    struct vcpu_register_runstate_memory_area op;

    CHECK(timer_ready());
    memset(&op, 0, sizeof(op));
    op.addr.v = &area;
    CHECK_EQ(hv_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op), 0);
    CHECK_EQ(area.state, RUNSTATE_running);
    uint64_t blocked, waited = 0;
    for (unsigned int tries = 0; tries < 50 && waited < 15 * MS; tries++) { /* as above */
        blocked = area.time[RUNSTATE_blocked];
        fired = 0;
        CHECK_EQ(timer_set(time_now() + 20 * MS, 0), 0);
        while (fired == 0) {
            hv_sched_op(SCHEDOP_block, NULL);
            events_off();
        }
        waited = area.time[RUNSTATE_blocked] - blocked;
    }
    CHECK_EQ(area.state, RUNSTATE_running);
    CHECK(waited >= 15 * MS);
    CHECK(!(area.state_entry_time & XEN_RUNSTATE_UPDATE));
    op.addr.v = (void *)0xffff830000000000UL;
    answer("hole", "%ld", hv_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op));
    op.addr.v = (void *)0x1000;
    answer("unmapped", "%ld", hv_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op));
    op.addr.v = NULL;
    hv_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op);
}

static struct vcpu_time_info time_area;

TEST(time_area)
{
    struct vcpu_register_time_memory_area op;

    memset(&op, 0, sizeof(op));
    op.addr.v = &time_area;
    CHECK_EQ(hv_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &op), 0);
    CHECK(time_area.tsc_to_system_mul != 0);
    uint64_t a = time_now(), b = time_from(&time_area), c = time_now();
    CHECK(a <= b + 10000);
    CHECK(b <= c + 10000);
    op.addr.v = (void *)0xffff830000000000UL;
    answer("hole", "%ld", hv_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &op));
    op.addr.v = NULL;
    hv_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &op);
}
