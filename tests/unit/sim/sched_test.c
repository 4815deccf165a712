/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scheduler and the timers, in simulated time: shares, latency, affinity, caps, order. */
#include "sim.h"

static struct vcpu *hog(unsigned int n)
{
    struct domain *d = sim_domain(1);

    (void)n;
    sim_set_load(d->vcpu[0], 0, 0);
    domain_unpause_by_tools(d);
    return d->vcpu[0];
}
static struct vcpu *sleeper(s_time_t burst, s_time_t pause)
{
    struct domain *d = sim_domain(1);

    sim_set_load(d->vcpu[0], burst, pause);
    domain_unpause_by_tools(d);
    return d->vcpu[0];
}
static void pin(struct vcpu *v, unsigned int cpu)
{
    EXPECT_EQ(vcpu_set_hard_affinity(v, cpumask_of(cpu)), 0);
}
static void weigh(struct vcpu *v, uint16_t weight, uint16_t cap)
{
    EXPECT_EQ(sched_set_params(v->domain, weight, cap), 0);
}
/* Time that v had, in ms, during so many ms. */
static double ms_of(struct vcpu *v, s_time_t *since)
{
    s_time_t t = vcpu_cpu_time(v), got = t - *since;
    *since = t;
    return (double)got / SIM_MS;
}
static double used(struct vcpu *v)
{
    return (double)vcpu_cpu_time(v) / SIM_MS;
}

/* ---- shares ---- */

static void equal_shares(void)
{
    sim_start(1);
    struct vcpu *a = hog(0), *b = hog(1), *c = hog(2);
    sim_run(3 * SIM_S);
    EXPECT_NEAR(used(a), 1000, 15);
    EXPECT_NEAR(used(b), 1000, 15);
    EXPECT_NEAR(used(c), 1000, 15);
    EXPECT_NEAR((double)cpu_idle_time(0) / SIM_MS, 0, 1);
}

static void shares_follow_weights(void)
{
    sim_start(1);
    struct vcpu *a = hog(0), *b = hog(1), *c = hog(2);
    weigh(a, 1024, 0);
    weigh(b, 256, 0);
    weigh(c, 128, 0);
    sim_run(5500 * SIM_MS);
    EXPECT_NEAR(used(a), 4000, 60);
    EXPECT_NEAR(used(b), 1000, 30);
    EXPECT_NEAR(used(c), 500, 30);
    EXPECT_EQ(sched_set_params(a->domain, 0, 0), -EINVAL);
}

static void extreme_weights(void)
{
    sim_start(1);
    struct vcpu *a = hog(0), *b = hog(1);
    weigh(a, 65535, 0);
    weigh(b, 1, 0);
    sim_run(20 * SIM_S);
    /* It still gets something, but no more than a slice now and then. */
    EXPECT(used(b) >= 0.9 && used(b) < 100);
    EXPECT_NEAR(used(a) + used(b), 20000, 1);
}

static void three_on_two_cpus(void)
{
    sim_start(2);
    struct vcpu *v[3] = {hog(0), hog(1), hog(2)};
    sim_run(6 * SIM_S);
    for (int i = 0; i < 3; i++)
        EXPECT_NEAR(used(v[i]), 4000, 500);
    EXPECT_NEAR(used(v[0]) + used(v[1]) + used(v[2]), 12000, 10);
}

static void heavy_one_gets_a_cpu(void)
{
    sim_start(2);
    struct vcpu *a = hog(0), *b = hog(1), *c = hog(2);
    weigh(a, 512, 0);
    sim_run(100 * SIM_MS);
    s_time_t ta = 0, tb = 0, tc = 0;
    ms_of(a, &ta), ms_of(b, &tb), ms_of(c, &tc);
    sim_run(4 * SIM_S);
    EXPECT_NEAR(ms_of(a, &ta), 4000, 400);
    EXPECT_NEAR(ms_of(b, &tb), 2000, 400);
    EXPECT_NEAR(ms_of(c, &tc), 2000, 400);
}

/* What each of n vCPUs gets within a window is within 10 % of its share of the CPUs, by weights. */
static void expect_shares(struct vcpu **v, unsigned int n, unsigned int cpus, s_time_t window)
{
    s_time_t before[32];
    unsigned int weights = 0;

    for (unsigned int i = 0; i < n; i++) {
        before[i] = vcpu_cpu_time(v[i]);
        weights += v[i]->domain->sched.weight;
    }
    sim_run(window);
    for (unsigned int i = 0; i < n; i++) {
        double fair = (double)window / SIM_MS * cpus * v[i]->domain->sched.weight / weights;
        EXPECT_NEAR(ms_of(v[i], &before[i]), fair, fair / 10);
    }
}

/* The odd one goes round soon: not only in the long run. */
static void odd_one_of(unsigned int cpus)
{
    struct vcpu *v[5];

    sim_start(cpus);
    for (unsigned int i = 0; i <= cpus; i++)
        v[i] = hog(i);
    sim_run(50 * SIM_MS);
    expect_shares(v, cpus + 1, cpus, 400 * SIM_MS);
}
static void odd_one_of_three(void)
{
    odd_one_of(2);
}
static void odd_one_of_five(void)
{
    odd_one_of(4);
}

static void shares_hold_across_cpus(void)
{
    sim_start(4);
    struct vcpu *v[24];
    for (unsigned int i = 0; i < 24; i++) {
        v[i] = hog(i);
        weigh(v[i], i % 2 ? 256 : 512, 0);
    }
    sim_run(50 * SIM_MS);
    expect_shares(v, 24, 4, 800 * SIM_MS);
}

/* Idling, a CPU's clock stood still: nobody there may count as far behind afterwards. */
static void shares_hold_after_idling(void)
{
    sim_start(2);
    struct vcpu *v[4] = {hog(0)};
    sim_run(5 * SIM_S);
    for (unsigned int i = 1; i < 4; i++)
        v[i] = hog(i);
    sim_run(50 * SIM_MS);
    expect_shares(v, 4, 2, 400 * SIM_MS);
}

/* The same, but nobody waits on the CPU that is behind: its vCPU must not have it alone until it is not. */
static void lone_one_behind(void)
{
    sim_start(2);
    struct vcpu *a = hog(0), *b = hog(1), *v[3];
    pin(a, 0);
    pin(b, 0);
    sim_run(2 * SIM_S);
    domain_pause_by_tools(a->domain);
    domain_pause_by_tools(b->domain);
    for (unsigned int i = 0; i < 3; i++) {
        v[i] = hog(2 + i);
        pin(v[i], i % 2);
    }
    for (unsigned int i = 0; i < 3; i++)
        EXPECT_EQ(vcpu_set_hard_affinity(v[i], CPUMASK_ALL), 0);
    sim_run(50 * SIM_MS);
    expect_shares(v, 3, 2, 400 * SIM_MS);
}

/* Pinned ones drive the clocks of two CPUs apart without end: who is free has a fair share all the same. */
static void clocks_far_apart(void)
{
    sim_start(2);
    for (unsigned int i = 0; i < 4; i++)
        pin(hog(i), 0);
    struct vcpu *lone = hog(4), *v[2] = {lone};
    pin(lone, 1);
    sim_run(5 * SIM_S);
    v[1] = hog(5);
    struct vcpu *s = sleeper(SIM_MS / 5, 3 * SIM_MS);
    sim_run(50 * SIM_MS);
    sim_load(s)->worst_latency = 0;
    s_time_t free_one = vcpu_cpu_time(v[1]);
    sim_run(SIM_S);
    EXPECT(sim_load(s)->worst_latency <= 10 * SIM_MS);
    EXPECT_NEAR(ms_of(v[1], &free_one), 470, 50); /* half of what the sleeper leaves of CPU 1 */
}

/* However many compete: who sleeps and wakes has its turn within a slice, on whichever CPU. */
static void waker_among_many(void)
{
    sim_start(4);
    for (unsigned int i = 0; i < 64; i++)
        hog(i);
    struct vcpu *s = sleeper(SIM_MS / 5, 3 * SIM_MS);
    sim_run(100 * SIM_MS);
    sim_load(s)->worst_latency = 0;
    sim_run(2 * SIM_S);
    EXPECT(sim_load(s)->worst_latency <= 10 * SIM_MS);
}

/* A small cap is reached, whoever else is there. */
static void cap_among_many(void)
{
    sim_start(4);
    struct vcpu *c = hog(0);
    weigh(c, 256, 25);
    for (unsigned int i = 0; i < 8; i++)
        hog(i);
    sim_run(100 * SIM_MS);
    s_time_t t = vcpu_cpu_time(c);
    sim_run(SIM_S);
    EXPECT_NEAR(ms_of(c, &t), 250, 25);
}

/* Nobody waits while a CPU idles. */
static void work_conserving(void)
{
    sim_start(4);
    struct vcpu *v[4];
    for (unsigned int i = 0; i < 4; i++)
        v[i] = hog(i);
    sim_run(SIM_S);
    for (unsigned int i = 0; i < 4; i++)
        EXPECT_NEAR(used(v[i]), 1000, 1);
    domain_pause_by_tools(v[0]->domain);
    struct vcpu *w = hog(5), *x = hog(6);
    sim_run(SIM_S);
    double sum = used(v[1]) + used(v[2]) + used(v[3]) + used(w) + used(x);
    EXPECT_NEAR(sum, 7000, 5);
}

/* Who sleeps and wakes gets what it wants if that is below its share, soon after each wake. */
static void sleeper_is_prompt(void)
{
    sim_start(1);
    struct vcpu *h = hog(0), *s = sleeper(SIM_MS / 2, 9 * SIM_MS + SIM_MS / 2);
    hog(1);
    sim_run(2 * SIM_S);
    EXPECT_NEAR(used(s), 100, 8);
    EXPECT(sim_load(s)->worst_latency <= 1100000);
    EXPECT_NEAR(used(h), 950, 20);
}

/* Who was put on a CPU has it for a moment, whoever wakes; so one turn serves many wakes, which are not late for it. */
static void turns_are_worth_while(void)
{
    sim_start(1);
    struct vcpu *h = hog(0), *s = sleeper(5000, 10000);
    sim_run(50 * SIM_MS);
    s_time_t th = 0;
    ms_of(h, &th);
    sim_load(s)->worst_latency = 0;
    unsigned long switches = sim_switches;
    sim_run(100 * SIM_MS);
    /* 105 us a round, of which 100 are the other's. */
    EXPECT_NEAR(sim_switches - switches, 1905, 20);
    EXPECT_NEAR(ms_of(h, &th), 95.2, 0.5);
    EXPECT(sim_load(s)->worst_latency <= 100000);
    /* Nobody who has slept for longer than that waits at all. */
    sim_set_load(s, 5000, 200000);
    sim_run(10 * SIM_MS);
    sim_load(s)->worst_latency = 0;
    sim_run(100 * SIM_MS);
    EXPECT_EQ(sim_load(s)->worst_latency, 0);
    /* Nor anybody without a limit. */
    sched_set_ratelimit(0);
    sim_set_load(s, 5000, 10000);
    sim_run(10 * SIM_MS);
    sim_load(s)->worst_latency = 0;
    sim_run(100 * SIM_MS);
    EXPECT_EQ(sim_load(s)->worst_latency, 0);
}

/* A slice is as long as the one allows who waits now, not the one who waited when it began. */
static void slice_fits_who_waits(void)
{
    sim_start(1);
    hog(0);
    struct vcpu *x = sleeper(SIM_MS, 6 * SIM_S), *s = sleeper(SIM_MS / 10, 6 * SIM_S);
    sim_run(5 * SIM_S);
    /* It wakes far behind the other, and is to have the CPU for long. */
    sim_set_load(x, 0, 0);
    vcpu_mark_events_pending(x);
    sim_run(2 * SIM_MS);
    /* After half a millisecond it will be one ahead of this one. */
    s->sched.vtime = x->sched.vtime + 3 * SIM_MS / 2;
    s_time_t ran = vcpu_cpu_time(s);
    vcpu_mark_events_pending(s);
    sim_run(4 * SIM_MS / 10);
    EXPECT_NEAR(ms_of(s, &ran), 0, 0);
    sim_run(3 * SIM_MS / 10);
    EXPECT_NEAR(ms_of(s, &ran), 0.1, 0.001);
}

/* Sleeping does not save up time for later: afterwards it shares as all do. */
static void sleep_is_no_credit(void)
{
    sim_start(1);
    struct vcpu *h = hog(0), *s = sleeper(SIM_MS, 5 * SIM_S);
    sim_run(5 * SIM_S);
    sim_set_load(s, 0, 0);
    vcpu_mark_events_pending(s);
    s_time_t th = vcpu_cpu_time(h), ts = vcpu_cpu_time(s);
    sim_run(100 * SIM_MS);
    EXPECT_NEAR(ms_of(h, &th), 50, 5);
    EXPECT_NEAR(ms_of(s, &ts), 50, 5);
}

/* Long alone, then company: neither pays for the past. */
static void loner_is_not_punished(void)
{
    sim_start(1);
    struct vcpu *h = hog(0);
    sim_run(30 * SIM_S);
    struct vcpu *n = hog(1);
    s_time_t th = vcpu_cpu_time(h), tn = vcpu_cpu_time(n);
    sim_run(SIM_S);
    EXPECT_NEAR(ms_of(h, &th), 500, 10);
    EXPECT_NEAR(ms_of(n, &tn), 500, 10);
}

/* ---- caps ---- */

static void cap_holds(void)
{
    sim_start(1);
    struct vcpu *a = hog(0);
    weigh(a, 256, 30);
    sim_run(2 * SIM_S);
    EXPECT_NEAR(used(a), 600, 15);
    s_time_t ta = vcpu_cpu_time(a);
    weigh(a, 256, 0);
    sim_run(SIM_S);
    EXPECT_NEAR(ms_of(a, &ta), 1000, 1);
}

static void cap_of_several_vcpus(void)
{
    sim_start(4);
    struct domain *d = sim_domain(3);
    EXPECT_EQ(sched_set_params(d, 256, 150), 0);
    for (unsigned int i = 0; i < 3; i++)
        sim_set_load(d->vcpu[i], 0, 0);
    domain_unpause_by_tools(d);
    sim_run(2 * SIM_S);
    EXPECT_NEAR(used(d->vcpu[0]) + used(d->vcpu[1]) + used(d->vcpu[2]), 3000, 90);
}

static void capped_sleeper(void)
{
    sim_start(1);
    struct vcpu *s = sleeper(20 * SIM_MS, 10 * SIM_MS);
    weigh(s, 256, 10);
    sim_run(3 * SIM_S);
    EXPECT_NEAR(used(s), 300, 15);
    domain_pause_by_tools(s->domain);
    sim_kill(s->domain);
}

/* ---- affinity ---- */

static void hard_affinity_holds(void)
{
    sim_start(3);
    struct vcpu *a = hog(0), *b = hog(1), *c = hog(2);
    pin(a, 1), pin(b, 1), pin(c, 1);
    sim_run(900 * SIM_MS);
    EXPECT_NEAR(used(a) + used(b) + used(c), 900, 30);
    s_time_t ta = vcpu_cpu_time(a);
    EXPECT_EQ(vcpu_set_hard_affinity(a, (cpumask_t){5}), 0);
    EXPECT_EQ(vcpu_set_hard_affinity(b, (cpumask_t){1ull << 40}), -EINVAL);
    sim_run(SIM_S);
    EXPECT(a->processor != 1);
    EXPECT_NEAR(ms_of(a, &ta), 1000, 2);
}

/* The running one moves off at once when its CPU is forbidden. */
static void moved_while_running(void)
{
    sim_start(2);
    struct vcpu *a = hog(0);
    pin(a, 0);
    sim_run(10 * SIM_MS);
    EXPECT_EQ(a->processor, 0);
    for (unsigned int i = 0; i < 50; i++) {
        pin(a, (i + 1) % 2);
        sim_run(SIM_MS / 10);
        EXPECT_EQ(a->processor, (i + 1) % 2);
        EXPECT(a->is_running);
    }
    EXPECT_NEAR(used(a), 15, 1);
}

static void soft_affinity_preferred(void)
{
    sim_start(4);
    struct vcpu *s = sleeper(SIM_MS, SIM_MS);
    EXPECT_EQ(vcpu_set_soft_affinity(s, cpumask_of(2)), 0);
    sim_run(20 * SIM_MS);
    for (unsigned int i = 0; i < 50; i++) {
        sim_run(SIM_MS / 2);
        EXPECT_EQ(s->processor, 2);
    }
    /* But not at the price of waiting. */
    struct vcpu *h = hog(0);
    pin(h, 2);
    s_time_t ts = vcpu_cpu_time(s);
    sim_run(200 * SIM_MS);
    EXPECT_NEAR(ms_of(s, &ts), 100, 10);
}

static void pin_override(void)
{
    sim_start(2);
    struct vcpu *a = hog(0);
    EXPECT_EQ(vcpu_pin_override(a, 1), 0);
    EXPECT_EQ(vcpu_pin_override(a, 0), -EBUSY);
    EXPECT_EQ(vcpu_set_hard_affinity(a, CPUMASK_ALL), -EBUSY);
    sim_run(SIM_MS);
    EXPECT_EQ(a->processor, 1);
    EXPECT_EQ(vcpu_pin_override(a, -1), 0);
    EXPECT_EQ(a->hard_affinity.bits, ~0ull);
    EXPECT_EQ(vcpu_pin_override(a, -1), -EINVAL);
    EXPECT_EQ(vcpu_pin_override(a, 2), -EINVAL);
}

/* ---- pauses, yields, run states ---- */

static void pauses_count(void)
{
    sim_start(1);
    struct vcpu *a = hog(0);
    sim_run(SIM_MS);
    EXPECT_EQ(domain_pause_by_tools(a->domain), 0);
    vcpu_pause_nosync(a);
    sim_run(10 * SIM_MS);
    EXPECT_NEAR(used(a), 1, 0.01);
    EXPECT_EQ(domain_unpause_by_tools(a->domain), 0);
    EXPECT_EQ(domain_unpause_by_tools(a->domain), -EINVAL);
    sim_run(10 * SIM_MS);
    EXPECT_NEAR(used(a), 1, 0.01);
    vcpu_unpause(a);
    sim_run(10 * SIM_MS);
    EXPECT_NEAR(used(a), 11, 0.01);
    for (unsigned int i = 0; i < 255; i++) {
        EXPECT_EQ(domain_pause_by_tools(a->domain), 0);
        sim_run(1);
    }
    EXPECT_EQ(domain_pause_by_tools(a->domain), -EOVERFLOW);
}

static void runstates_add_up(void)
{
    sim_start(1);
    struct vcpu *s = sleeper(2 * SIM_MS, 3 * SIM_MS);
    hog(0);
    sim_run(SIM_S);
    domain_pause_by_tools(s->domain);
    sim_run(SIM_S);
    struct vcpu_runstate_info r;
    vcpu_runstate_get(s, &r);
    EXPECT(r.state == RUNSTATE_offline || r.state == RUNSTATE_blocked);
    EXPECT_EQ(r.time[0] + r.time[1] + r.time[2] + r.time[3], 2 * SIM_S);
    EXPECT((double)(r.time[RUNSTATE_offline] + r.time[RUNSTATE_blocked]) / SIM_MS > 1000);
    EXPECT_NEAR((double)r.time[RUNSTATE_running] / SIM_MS, 400, 60);
    EXPECT((double)r.time[RUNSTATE_blocked] / SIM_MS > 300);
}

static void yield_lets_others_run(void)
{
    sim_start(1);
    struct vcpu *a = hog(0), *b = hog(1);
    sim_run(5 * SIM_MS);
    struct vcpu *first = sim_cpu_info[0].vcpu;
    unsigned long before = sim_switches;
    EXPECT_EQ(vcpu_yield(), 0);
    sim_run(1);
    EXPECT(sim_cpu_info[0].vcpu == (first == a ? b : a));
    EXPECT_EQ(sim_switches, before + 1);
    /* With nobody else it is nothing. */
    domain_pause_by_tools(a->domain);
    sim_run(SIM_MS);
    before = sim_switches;
    EXPECT_EQ(vcpu_yield(), 0);
    EXPECT(!softirq_pending());
    sim_run(1);
    EXPECT_EQ(sim_switches, before);
}

/* A single vCPU needs no scheduler and no timer. */
static void alone_there_is_no_tick(void)
{
    sim_start(1);
    hog(0);
    sim_run(SIM_S);
    unsigned long before = sim_switches;
    sim_run(10 * SIM_S);
    EXPECT_EQ(sim_switches, before);
}

/* Everything at once, and a look at the totals. */
static void storm(void)
{
    sim_start(4);
    struct vcpu *v[24];
    for (unsigned int i = 0; i < ARRAY_SIZE(v); i++)
        v[i] = sim_random(2) ? hog(i) : sleeper(1 + sim_random(5000000), 1 + sim_random(20000000));
    for (unsigned int step = 0; step < 3000; step++) {
        struct vcpu *x = v[sim_random(ARRAY_SIZE(v))];
        switch (sim_random(7)) {
        case 0: vcpu_set_hard_affinity(x, (cpumask_t){1 + sim_random(15)}); break;
        case 1: vcpu_set_soft_affinity(x, (cpumask_t){1 + sim_random(15)}); break;
        case 2: domain_pause_by_tools(x->domain); break;
        case 3: domain_unpause_by_tools(x->domain); break;
        case 4: weigh(x, (uint16_t)(1 + sim_random(2000)), (uint16_t)sim_random(200)); break;
        case 5: vcpu_mark_events_pending(x); break;
        case 6: vcpu_wake(x); break;
        }
        sim_run(sim_random(3000000));
        unsigned int running = 0, cpu;
        for (unsigned int i = 0; i < ARRAY_SIZE(v); i++) {
            EXPECT(!v[i]->is_running || cpumask_test(v[i]->hard_affinity, v[i]->processor));
            EXPECT(!(v[i]->is_running && v[i]->sched.queued));
            EXPECT(!v[i]->is_running || vcpu_runnable(v[i]));
            running += v[i]->is_running;
        }
        cpumask_for_each(cpu, cpu_online_map)
        {
            struct vcpu *c = sim_cpu_info[cpu].vcpu;
            if (!c->domain->is_idle)
                running--;
            /* Idle although somebody waits who may run here: not for long, and not now. */
            for (unsigned int i = 0; c->domain->is_idle && i < ARRAY_SIZE(v); i++)
                if (v[i]->sched.queued && cpumask_test(v[i]->hard_affinity, cpu))
                    sim_fail(__FILE__, __LINE__, "step %u: CPU %u idles, %u waits on CPU %u", step,
                             cpu, i, v[i]->processor);
        }
        EXPECT_EQ(running, 0);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(v); i++)
        sim_kill(v[i]->domain);
}

/* ---- timers ---- */

static unsigned int fired[64], order[64], nr_fired;
static struct timer timers[64];
static void note(void *data)
{
    unsigned int i = (unsigned int)(uintptr_t)data;
    fired[i]++;
    order[nr_fired++ % 64] = i;
}

static void timers_fire_in_order(void)
{
    static const int at[] = {50, 10, 40, 20, 30, 10};
    sim_start(2);
    for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
        timer_init(&timers[i], note, (void *)(uintptr_t)i, i % 2);
        timer_set(&timers[i], sim_now + at[i] * SIM_MS);
    }
    timer_stop(&timers[4]);
    timer_set(&timers[1], sim_now + 45 * SIM_MS);
    sim_run(9 * SIM_MS);
    EXPECT_EQ(nr_fired, 0);
    sim_run(100 * SIM_MS);
    EXPECT_EQ(nr_fired, 5);
    EXPECT_EQ(order[0], 5);
    EXPECT_EQ(order[1], 3);
    EXPECT_EQ(order[2], 2);
    EXPECT_EQ(order[3], 1);
    EXPECT_EQ(order[4], 0);
}

static void rearm_fn(void *data)
{
    struct timer *t = data;
    if (nr_fired++ < 9)
        timer_set(t, sim_now + SIM_MS);
    else
        timer_kill(t);
}

static void timer_rearms_and_kills_itself(void)
{
    sim_start(1);
    timer_init(&timers[0], rearm_fn, &timers[0], 0);
    timer_set(&timers[0], 0); /* in the past: at once */
    sim_run(1);
    EXPECT_EQ(nr_fired, 1);
    sim_run(SIM_S);
    EXPECT_EQ(nr_fired, 10);
    timer_set(&timers[0], sim_now);
    sim_run(SIM_S);
    EXPECT_EQ(nr_fired, 10);
}

/* Against a plain array of expiry times. */
static void timers_random(void)
{
    s_time_t expect[64] = {0};
    sim_start(2);
    for (unsigned int i = 0; i < 64; i++)
        timer_init(&timers[i], note, (void *)(uintptr_t)i, i % 2);
    for (unsigned int step = 0; step < 20000; step++) {
        unsigned int i = sim_random(64);
        switch (sim_random(5)) {
        case 0:
        case 1:
            expect[i] = sim_now + 1 + sim_random(1000);
            timer_set(&timers[i], expect[i]);
            break;
        case 2:
            expect[i] = 0;
            timer_stop(&timers[i]);
            break;
        case 3: timer_migrate(&timers[i], sim_random(2)); break;
        case 4:
            memset(fired, 0, sizeof(fired));
            sim_run(sim_random(300));
            for (unsigned int n = 0; n < 64; n++) {
                bool due = expect[n] && expect[n] <= sim_now;
                EXPECT_EQ(fired[n], due);
                if (due)
                    expect[n] = 0;
                EXPECT_EQ(timers[n].queued, expect[n] != 0);
            }
            break;
        }
    }
}

/* ---- softirqs and tasklets ---- */

static void count(void *data)
{
    ++*(int *)data;
}
static void tasklets_run_once(void)
{
    static struct tasklet a, b;
    int na = 0, nb = 0;
    sim_start(1);
    tasklet_init(&a, count, &na);
    tasklet_init(&b, count, &nb);
    tasklet_schedule(&a);
    tasklet_schedule(&b);
    tasklet_schedule(&a);
    sim_settle();
    EXPECT_EQ(na, 1);
    EXPECT_EQ(nb, 1);
    tasklet_schedule(&a);
    sim_settle();
    EXPECT_EQ(na, 2);
}

static const struct sim_test tests[] = {
    {"sched/equal_shares", equal_shares},
    {"sched/shares_follow_weights", shares_follow_weights},
    {"sched/extreme_weights", extreme_weights},
    {"sched/three_on_two_cpus", three_on_two_cpus},
    {"sched/heavy_one_gets_a_cpu", heavy_one_gets_a_cpu},
    {"sched/odd_one_of_three", odd_one_of_three},
    {"sched/odd_one_of_five", odd_one_of_five},
    {"sched/shares_hold_across_cpus", shares_hold_across_cpus},
    {"sched/shares_hold_after_idling", shares_hold_after_idling},
    {"sched/lone_one_behind", lone_one_behind},
    {"sched/clocks_far_apart", clocks_far_apart},
    {"sched/waker_among_many", waker_among_many},
    {"sched/cap_among_many", cap_among_many},
    {"sched/work_conserving", work_conserving},
    {"sched/sleeper_is_prompt", sleeper_is_prompt},
    {"sched/turns_are_worth_while", turns_are_worth_while},
    {"sched/slice_fits_who_waits", slice_fits_who_waits},
    {"sched/sleep_is_no_credit", sleep_is_no_credit},
    {"sched/loner_is_not_punished", loner_is_not_punished},
    {"sched/cap_holds", cap_holds},
    {"sched/cap_of_several_vcpus", cap_of_several_vcpus},
    {"sched/capped_sleeper", capped_sleeper},
    {"sched/hard_affinity_holds", hard_affinity_holds},
    {"sched/moved_while_running", moved_while_running},
    {"sched/soft_affinity_preferred", soft_affinity_preferred},
    {"sched/pin_override", pin_override},
    {"sched/pauses_count", pauses_count},
    {"sched/runstates_add_up", runstates_add_up},
    {"sched/yield_lets_others_run", yield_lets_others_run},
    {"sched/alone_there_is_no_tick", alone_there_is_no_tick},
    {"sched/storm", storm},
    {"timer/timers_fire_in_order", timers_fire_in_order},
    {"timer/rearms_and_kills_itself", timer_rearms_and_kills_itself},
    {"timer/timers_random", timers_random},
    {"softirq/tasklets_run_once", tasklets_run_once},
};

int main(int argc, char **argv)
{
    return sim_main(tests, ARRAY_SIZE(tests), argc, argv);
}
