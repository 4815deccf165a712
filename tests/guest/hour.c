/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An hour on several vCPUs at once (seconds=N for another time). The machine's time is QEMU's, which
 * jumps while all CPUs sleep: it takes a minute of ours. TEST(hour) lets it pass and notes; each of the
 * other tests judges one thing.
 *
 *   all vCPUs   wake by one-shot timers at intervals of many lengths; whoever reads system time or TSC
 *               must not see less than anybody saw before; the runstate's times must add up to it
 *   vCPU 1      sleeps by SCHEDOP_poll with a limit, every second time
 *   vCPU 2      has a periodic timer instead
 *   vCPU 0      holds system time against the ACPI PM timer (port pm=N), and the wallclock against the
 *               CMOS clock; half-way it sets the wallclock ahead, as Domain 0 may
 *
 * Where two clocks are read one after the other, each pair bounds their distance from below and above.
 * If they run alike some distance lies within all bounds: that finds a step or a drift of the size of one
 * reading, without any clock being right.
 */
#include "test.h"
#include "kit/time.h"
#include "kit/vcpus.h"
#include "hypercalls/abi/platform.h"

#define NR_VCPUS  4
#define US        1000L
#define MS        1000000L
#define SEC       1000000000L
#define PERIOD    (250 * MS)
#define PM_HZ     3579545L
#define PM_MASK   0xffffffL /* 24 bits wrap after 4.7 s: it must be read more often */
#define SET_AHEAD 1000L     /* seconds */
#define DRIFT_PPM 250L      /* what two ordinary crystals may differ, and a short calibration */
#define EXACT_PPM 1L  /* the same clock by way of the hypervisor's measurement of it: `exact` */
#define ROUNDING  16L /* ns: both ways from TSC ticks round */

/* Distances that were possible by all readings so far. */
struct bounds {
    long low, high;
};

struct watcher {
    evtchn_port_t port;
    volatile bool fired, done;
    uint64_t random;
    uint64_t last, last_tsc; /* what this vCPU saw last */
    uint64_t wakes, early;   /* early: before the deadline */
    long worst_late;         /* ns */
    struct bounds runstate;  /* sum of its times minus system time */
    uint64_t run_times[4];
    volatile uint64_t ticks; /* of the periodic timer */
    char fault[200];         /* the first */
} __attribute__((aligned(64)));

static struct watcher watchers[NR_VCPUS];
static volatile uint64_t latest, latest_tsc; /* the greatest that anybody saw */
static volatile bool stop;
static uint64_t started, ended;
static unsigned int nr_vcpus;
static uint16_t pm_port;

__attribute__((format(printf, 2, 3))) static void fault(struct watcher *w, const char *format, ...)
{
    va_list args;

    if (w->fault[0] != '\0') {
        return;
    }
    va_start(args, format);
    kvsnprintf(w->fault, sizeof(w->fault), format, args);
    va_end(args);
}

static const struct bounds anything = {-(1L << 61), 1L << 61};

static void narrow(struct bounds *b, long low, long high)
{
    if (low > b->low) {
        b->low = low;
    }
    if (high < b->high) {
        b->high = high;
    }
}

static void raise_to(volatile uint64_t *greatest, uint64_t value)
{
    uint64_t old = *greatest;

    while (old < value) {
        uint64_t was = __sync_val_compare_and_swap(greatest, old, value);

        if (was == old) {
            return;
        }
        old = was;
    }
}

/* One reading of both clocks, held against what everybody saw. */
static uint64_t look(struct watcher *w)
{
    unsigned int me = (unsigned int)(w - watchers);
    uint64_t seen = latest, seen_tsc = latest_tsc;

    barrier();
    uint64_t tsc = rdtsc(), now = time_now();
    if (now < w->last || tsc < w->last_tsc) {
        fault(w, "vCPU %u: time %lu after %lu, TSC %lu after %lu", me, now, w->last, tsc,
              w->last_tsc);
    } else if (now + ROUNDING < seen || tsc < seen_tsc) {
        fault(w, "vCPU %u: time %lu when another had seen %lu, TSC %lu and %lu", me, now, seen, tsc,
              seen_tsc);
    }
    w->last = now;
    w->last_tsc = tsc;
    raise_to(&latest, now);
    raise_to(&latest_tsc, tsc);
    return now;
}

static void look_at_runstate(struct watcher *w)
{
    unsigned int me = (unsigned int)(w - watchers);
    struct vcpu_runstate_info info;
    uint64_t sum = 0;

    uint64_t before = look(w);
    long rc = hv_vcpu_op(VCPUOP_get_runstate_info, me, &info);
    uint64_t after = look(w);
    if (rc != 0 || info.state != RUNSTATE_running || info.state_entry_time > after) {
        fault(w, "vCPU %u: runstate %d since %lu at %lu, answer %ld", me, info.state,
              (uint64_t)info.state_entry_time, after, rc);
    }
    for (unsigned int i = 0; i < 4; i++) {
        if (info.time[i] < w->run_times[i]) {
            fault(w, "vCPU %u: the time in state %u went from %lu to %lu", me, i, w->run_times[i],
                  (uint64_t)info.time[i]);
        }
        w->run_times[i] = info.time[i];
        sum += info.time[i];
    }
    narrow(&w->runstate, (long)(sum - after), (long)(sum - before));
}

static void on_timer(evtchn_port_t port)
{
    for (unsigned int i = 0; i < nr_vcpus; i++) {
        if (watchers[i].port == port) {
            watchers[i].fired = true;
            watchers[i].ticks++;
        }
    }
}

/* An interval of any order of magnitude from 32 us to 2 s. */
static long some_interval(struct watcher *w)
{
    w->random = w->random * 6364136223846793005UL + 1442695040888963407UL;
    unsigned int shift = 15 + (w->random >> 60); /* 15 to 30 */
    return (1L << shift) + (long)(w->random >> 20 & ((1UL << shift) - 1));
}

static void woke(struct watcher *w, long deadline)
{
    long late = (long)look(w) - deadline;

    w->wakes++;
    w->early += late < 0;
    if (late > w->worst_late) {
        w->worst_late = late;
    }
    look_at_runstate(w);
}

static void sleep_by_timer(struct watcher *w)
{
    long deadline = (long)look(w) + some_interval(w);

    w->fired = false;
    long rc = timer_set((uint64_t)deadline, 0);
    if (rc != 0) {
        fault(w, "set_singleshot_timer answers %ld", rc);
        w->fired = true;
    }
    while (!w->fired) {
        hv_sched_op(SCHEDOP_block, NULL);
        events_off();
    }
    woke(w, deadline);
}

static void sleep_by_poll(struct watcher *w)
{
    static evtchn_port_t quiet; /* nothing is ever sent there */
    struct sched_poll poll;

    if (quiet == 0) {
        quiet = (evtchn_port_t)event_bind_ipi(1);
    }
    long deadline = (long)look(w) + some_interval(w);
    memset(&poll, 0, sizeof(poll));
    poll.ports.p = &quiet;
    poll.nr_ports = 1;
    poll.timeout = (uint64_t)deadline;
    long rc = hv_sched_op(SCHEDOP_poll, &poll);
    if (rc != 0) {
        fault(w, "SCHEDOP_poll answers %ld", rc);
    }
    woke(w, deadline);
}

static void watch(struct watcher *w)
{
    if (w == &watchers[1] && (w->wakes & 1)) {
        sleep_by_poll(w);
    } else {
        sleep_by_timer(w);
    }
    /* Now and then some work, so that they get into each other's way. */
    if (w->wakes % 16 == 0) {
        time_spin(300 * US);
    }
}

static void watch_period(struct watcher *w)
{
    struct vcpu_set_periodic_timer op = {.period_ns = PERIOD};
    long first = (long)look(w) + PERIOD;

    w->ticks = 0;
    hv_vcpu_op(VCPUOP_set_periodic_timer, 2, &op);
    long armed = (long)look(w) + PERIOD;
    for (uint64_t n = 0; !stop; n++) {
        w->fired = false;
        while (!w->fired) {
            hv_sched_op(SCHEDOP_block, NULL);
            events_off();
        }
        if (w->ticks != n + 1) {
            fault(w, "tick %lu of the periodic timer came as %lu", n + 1, w->ticks);
            break;
        }
        woke(w, first + (long)n * PERIOD);
        /* Late by more than a period means that a tick was lost, or that the phase slipped. */
        if ((long)w->last > armed + (long)(n + 1) * PERIOD) {
            fault(w, "tick %lu of the periodic timer came at %lu, armed at %ld", n + 1, w->last,
                  armed);
        }
    }
    hv_vcpu_op(VCPUOP_stop_periodic_timer, 2, NULL);
}

static void vcpu_main(void *arg)
{
    struct watcher *w = arg;
    unsigned int me = (unsigned int)(w - watchers);

    events_off();
    hv_vcpu_op(VCPUOP_stop_periodic_timer, me, NULL);
    if (me == 2) {
        watch_period(w);
    } else {
        while (!stop) {
            watch(w);
        }
    }
    w->done = true;
    for (;;) {
        vcpu_down_self();
    }
}

/* --- vCPU 0: the machine's clocks --- */

static uint64_t pm_ticks, pm_started; /* counted on, past the wraps */
static struct bounds pm_distance;     /* system time minus PM timer, over a stretch of time */
static struct bounds pm_first;        /* ... at the start */
static char pm_fault[200];
static struct bounds wall_distance; /* wallclock minus CMOS clock */
static long cmos_days, cmos_last, wall_set;
static uint64_t readings;

static long pm_ns(uint64_t ticks)
{
    return (long)(ticks / PM_HZ * SEC + ticks % PM_HZ * SEC / PM_HZ);
}

/* System time minus PM timer, now. */
static struct bounds read_pm(void)
{
    struct bounds best = anything;

    for (unsigned int i = 0; i < 4; i++) {
        long before = (long)time_now();
        uint64_t ticks = inl(pm_port) & PM_MASK;
        long after = (long)time_now();

        pm_ticks += (ticks - pm_ticks) & PM_MASK;
        long since = pm_ns(pm_ticks - pm_started), tick = SEC / PM_HZ + 1;
        if (after - before + tick < best.high - best.low) {
            best = (struct bounds){before - since - tick, after - since};
        }
    }
    return best;
}

static void look_at_pm(void)
{
    static uint64_t last;
    struct bounds now = read_pm();
    /* Since the last reading, not even a drift can have moved it by more than this. */
    long drift = (long)(time_now() - last) / 1000000 * DRIFT_PPM + (long)DRIFT_PPM;

    if (readings > 0 &&
        (now.low > pm_distance.high + drift || now.high < pm_distance.low - drift) &&
        pm_fault[0] == '\0') {
        ksnprintf(pm_fault, sizeof(pm_fault), "a step at %lu: from %ld..%ld to %ld..%ld",
                  time_now(), pm_distance.low, pm_distance.high, now.low, now.high);
    }
    if (readings == 0) {
        pm_first = now;
    }
    pm_distance = now;
    last = time_now();
}

static uint8_t cmos(uint8_t reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

static long from_bcd(uint8_t v)
{
    return (v >> 4) * 10 + (v & 15);
}

/* Seconds of the CMOS clock, from midnight before the first reading. */
static long cmos_seconds(void)
{
    uint8_t sec, min, hour;

    do {
        sec = cmos(0);
        min = cmos(2);
        hour = cmos(4);
    } while (sec != cmos(0));
    long now = (from_bcd(hour) * 60 + from_bcd(min)) * 60 + from_bcd(sec);
    if (now < cmos_last) {
        cmos_days++;
    }
    cmos_last = now;
    return cmos_days * 86400 + now;
}

/* Nanoseconds from midnight before the start, by the wallclock record; without what we set it ahead. */
static long wallclock(void)
{
    static long midnight;
    long sec, nsec;
    uint32_t version;

    do {
        version = kit_shared->wc_version;
        barrier();
        sec = (long)(kit_shared->wc_sec + ((uint64_t)kit_shared->wc_sec_hi << 32));
        nsec = kit_shared->wc_nsec;
        barrier();
    } while ((version & 1) || version != kit_shared->wc_version);
    nsec += (long)time_now();
    sec += nsec / SEC - wall_set;
    if (midnight == 0) {
        midnight = sec / 86400 * 86400;
    }
    return (sec - midnight) * SEC + nsec % SEC;
}

static void look_at_wallclock(void)
{
    long before = wallclock(), seconds = cmos_seconds(), after = wallclock();

    /* The CMOS clock was somewhere within its second. */
    narrow(&wall_distance, before - (seconds + 1) * SEC, after - seconds * SEC);
}

static long set_ahead(void)
{
    struct xen_platform_op op;

    memset(&op, 0, sizeof(op));
    op.cmd = XENPF_settime64;
    op.interface_version = XENPF_INTERFACE_VERSION;
    long system = (long)time_now();
    long sec = (long)(kit_shared->wc_sec + ((uint64_t)kit_shared->wc_sec_hi << 32));
    long ns = kit_shared->wc_nsec + system;
    op.u.settime64.secs = (uint64_t)(sec + ns / SEC + SET_AHEAD);
    op.u.settime64.nsecs = (uint32_t)(ns % SEC);
    op.u.settime64.system_time = (uint64_t)system;
    return hv_platform_op(&op);
}

static long number(const char *text)
{
    long value = 0;

    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (*text - '0');
    }
    return value;
}

static bool start_watchers(void)
{
    for (unsigned int i = 0; i < nr_vcpus; i++) {
        struct watcher *w = &watchers[i];

        w->random = 12345 + i;
        w->runstate = anything;
        w->port = (evtchn_port_t)event_bind_virq(VIRQ_TIMER, i);
        event_handle_on(i, w->port, on_timer);
    }
    hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    events_off();
    for (unsigned int i = 1; i < nr_vcpus; i++) {
        if (vcpu_start(i, vcpu_main, &watchers[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool all_done(void)
{
    for (unsigned int i = 1; i < nr_vcpus; i++) {
        if (!watchers[i].done) {
            return false;
        }
    }
    return true;
}

TEST(hour)
{
    const char *text;
    struct physdev_set_iopl iopl = {.iopl = 1};
    long length = (kit_option("seconds", &text) ? number(text) : 3600) * SEC;

    pm_port = (uint16_t)(kit_option("pm", &text) ? number(text) : 0);
    for (nr_vcpus = 0; nr_vcpus < NR_VCPUS && vcpu_is_up(nr_vcpus) >= 0; nr_vcpus++) {
    }
    CHECK_EQ(nr_vcpus, NR_VCPUS);
    CHECK_EQ(hv_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    CHECK(start_watchers());
    wall_distance = anything;
    if (pm_port != 0) {
        pm_ticks = pm_started = inl(pm_port) & PM_MASK;
    }
    started = look(&watchers[0]);
    for (; latest < started + (uint64_t)length; readings++) {
        sleep_by_timer(&watchers[0]);
        if (pm_port != 0) {
            look_at_pm();
        }
        look_at_wallclock();
        if (wall_set == 0 && latest > started + (uint64_t)length / 2) {
            CHECK_EQ(set_ahead(), 0);
            wall_set = SET_AHEAD;
        }
    }
    ended = look(&watchers[0]);
    stop = true;
    while (!all_done()) {
        sleep_by_timer(&watchers[0]);
    }
    kprintf("# %lu s; readings by vCPU: %lu %lu %lu %lu\n", (ended - started) / SEC,
            watchers[0].wakes, watchers[1].wakes, watchers[2].wakes, watchers[3].wakes);
    CHECK(ended - started >= (uint64_t)length);
}

/* Neither clock ran backwards, on any vCPU or from one to another; no answer was an error. */
TEST(monotonic)
{
    for (unsigned int i = 0; i < nr_vcpus; i++) {
        if (watchers[i].fault[0] != '\0') {
            test_fail("%s", watchers[i].fault);
            return;
        }
        CHECK(watchers[i].wakes > 3 * (ended - started) / SEC);
    }
}

/* No sleep ended before its time, and none much after (which only a machine with a time of its own can
 * tell: `exact`). */
TEST(timers)
{
    for (unsigned int i = 0; i < nr_vcpus; i++) {
        kprintf("# vCPU %u: %ld us late at the most\n", i, watchers[i].worst_late / US);
        CHECK_EQ(watchers[i].early, 0);
        if (kit_option("exact", NULL)) {
            CHECK(watchers[i].worst_late < 30 * MS);
        }
    }
}

/* The periodic timer ticked once a period, to the end. */
TEST(periodic)
{
    long expected = (long)(ended - started) / PERIOD;

    CHECK((long)watchers[2].wakes >= expected - 2);
    CHECK((long)watchers[2].wakes <= expected + 4);
}

/* All the time is accounted for, as one state or another. */
TEST(runstate)
{
    for (unsigned int i = 0; i < nr_vcpus; i++) {
        const struct bounds *b = &watchers[i].runstate;

        kprintf("# vCPU %u: the runstate's times lack %ld to %ld ns\n", i, -b->high, -b->low);
        CHECK(b->low <= b->high + ROUNDING);
        CHECK(b->high - b->low < MS);
        CHECK(watchers[i].run_times[RUNSTATE_blocked] > (ended - started) / 2);
        CHECK(watchers[i].run_times[RUNSTATE_running] > 0);
    }
}

/* By how much two of the machine's clocks may drift from each other. */
static long drift_ppm(void)
{
    return kit_option("exact", NULL) ? EXACT_PPM : DRIFT_PPM;
}

TEST(pm_timer)
{
    if (pm_port == 0) {
        SKIP("no PM timer was named");
    }
    if (pm_fault[0] != '\0') {
        test_fail("%s", pm_fault);
        return;
    }
    long moved = (pm_distance.low + pm_distance.high - pm_first.low - pm_first.high) / 2;
    long ppb = moved * 1000 / ((long)(ended - started) / 1000000);
    kprintf("# drift against the PM timer: %ld us, %ld ppb\n", moved / US, ppb);
    CHECK(pm_distance.high - pm_distance.low < MS);
    CHECK(ppb < drift_ppm() * 1000);
    CHECK(ppb > -drift_ppm() * 1000);
}

TEST(wallclock)
{
    long drift = (long)(ended - started) / 1000000 * drift_ppm();

    kprintf("# the wallclock is %ld to %ld us ahead of the CMOS clock\n", wall_distance.low / US,
            wall_distance.high / US);
    CHECK(wall_distance.low <= wall_distance.high + drift);
    CHECK(wall_distance.high - wall_distance.low < 100 * MS);
    /* It was read from there, at some moment of a second. */
    CHECK(wall_distance.low > -SEC - drift - 100 * MS);
    CHECK(wall_distance.high < drift + 100 * MS);
}
