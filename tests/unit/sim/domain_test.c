/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of domains: making, finding, stopping, ending; what vCPUs do; sets of ranges. */
#include "sim.h"
#include "hypercalls/abi/sched.h"

static struct xen_domctl_createdomain config(unsigned int vcpus)
{
    return (struct xen_domctl_createdomain){.max_vcpus = vcpus,
                                            .max_evtchn_port = 1023,
                                            .max_grant_frames = 4,
                                            .max_maptrack_frames = 4};
}

/* ---- making and finding ---- */

static void made_and_found(void)
{
    struct xen_domctl_createdomain c = config(2);
    struct domain *d, *e;
    sim_start(1);
    EXPECT(!domain_get_by_id(5));
    EXPECT_EQ(domain_create(5, &c, false, &d), 0);
    EXPECT_EQ(domain_create(5, &c, false, &e), -EEXIST);
    EXPECT(domain_get_by_id(5) == d);
    EXPECT_EQ(d->refs, 2);
    EXPECT(!domain_get_by_id(6) && !domain_get_by_id(0x7ff0) && !domain_get_by_id(0xffff));
    EXPECT_EQ(vcpu_create(d, 2), -EINVAL);
    EXPECT_EQ(vcpu_create(d, 1), 0);
    EXPECT_EQ(vcpu_create(d, 1), -EEXIST);
    EXPECT_EQ(d->tools_pause_count, 1);
    EXPECT(!vcpu_runnable(d->vcpu[1]));
    EXPECT_EQ(d->shared_info->vcpu_info[0].evtchn_upcall_mask, 1);
    domain_put(d);
    sim_kill(d);
    EXPECT(!domain_get_by_id(5));
}

/* DOMID_XEN and DOMID_IO own frames; whoever names them where a domain is meant gets none. */
static void special_ones_are_not_found(void)
{
    static const domid_t ids[] = {DOMID_XEN, DOMID_IO, DOMID_COW, DOMID_INVALID, DOMID_IDLE};
    struct sched_remote_shutdown down = {.reason = SHUTDOWN_crash};
    struct evtchn_alloc_unbound alloc = {.remote_dom = 0};
    struct xen_domctl op = {.cmd = XEN_DOMCTL_pausedomain,
                            .interface_version = XEN_DOMCTL_INTERFACE_VERSION};
    sim_start(1);
    sim_as(dom0->vcpu[0]);
    for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
        EXPECT(!domain_get_by_id(ids[i]));
        down.domain_id = alloc.dom = op.domain = ids[i];
        EXPECT_EQ(hc_sched_op(SCHEDOP_remote_shutdown, (unsigned long)&down, 0, 0, 0), -ESRCH);
        EXPECT_EQ(hc_event_channel_op(EVTCHNOP_alloc_unbound, (unsigned long)&alloc, 0, 0, 0),
                  -ESRCH);
        EXPECT_EQ(hc_domctl((unsigned long)&op, 0, 0, 0, 0), -ESRCH);
    }
    EXPECT(!dom_xen->is_shut_down);
}

static void walks_in_order(void)
{
    static const domid_t ids[] = {700, 3, 512, 513, 32751, 511, 64, 63};
    static const domid_t order[] = {0, 3, 63, 64, 511, 512, 513, 700, 32751};
    struct xen_domctl_createdomain c = config(1);
    struct domain *d;
    sim_start(1);
    for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++)
        EXPECT_EQ(domain_create(ids[i], &c, false, &d), 0);
    unsigned int id = 0;
    for (unsigned int i = 0; i < ARRAY_SIZE(order); i++) {
        d = domain_get_from(id);
        EXPECT(d && d->id == order[i]);
        id = d->id + 1u;
        domain_put(d);
    }
    EXPECT(!domain_get_from(id)); /* not the special ones */
    /* One goes, and its word of ids with it; its neighbours stay. */
    EXPECT((d = domain_get_by_id(700)) != NULL);
    sim_kill(d);
    domain_put(d);
    sim_settle();
    EXPECT((d = domain_get_from(514)) && d->id == 32751);
    domain_put(d);
    EXPECT((d = domain_get_from(64)) && d->id == 64);
    domain_put(d);
    unsigned int n = 0;
    for (d = domain_list; d; d = d->list_next, n++)
        EXPECT(!d->list_next || d->list_next->id > d->id);
    EXPECT_EQ(n, ARRAY_SIZE(order) - 1 + 2);
}

/* Somebody keeps a pointer after the end: the memory stays a struct domain, found as dead. */
static void a_reference_outlives(void)
{
    sim_start(1);
    struct domain *d = sim_domain(1), *e;
    domain_get(d);
    sim_kill(d);
    EXPECT_EQ(d->dying, DOMAIN_DEAD);
    EXPECT((e = domain_get_by_id(1)) == d);
    domain_put(e);
    domain_put(d);
    sim_settle();
    EXPECT(!domain_get_by_id(1));
    EXPECT_EQ(d->refs, 0);
    /* Its memory serves the next one; an old id does not find it. */
    e = sim_domain(1);
    EXPECT(e == d && e->id == 2 && !domain_get_by_id(1));
}

/* Each allocation on the way fails once: nothing is left behind, and the next try succeeds. */
static void failing_allocations(void)
{
    struct xen_domctl_createdomain c = config(3);
    struct domain *d;
    sim_start(1);
    /* What stays for good: the struct, and the table's page. */
    EXPECT_EQ(domain_create(600, &c, false, &d), 0);
    sim_kill(d);
    long before = sim_allocs;
    unsigned int n;
    for (n = 1;; n++) {
        sim_fail_alloc = n;
        int rc = domain_create(600, &c, false, &d);
        bool failed = !sim_fail_alloc;
        for (unsigned int i = 0; !rc && i < 3; i++)
            rc = vcpu_create(d, i);
        failed |= !sim_fail_alloc;
        sim_fail_alloc = 0;
        if (!failed)
            break;
        EXPECT_EQ(rc, -ENOMEM);
        d = domain_get_by_id(600);
        if (d) {
            domain_put(d);
            sim_kill(d);
        }
        EXPECT_EQ(sim_allocs, before);
    }
    EXPECT(n > 15);
    sim_kill(d);
    EXPECT_EQ(sim_allocs, before);
}

static void thousand_cycles(void)
{
    struct xen_domctl_createdomain c = config(2);
    struct domain *d;
    long before = 0;
    sim_start(2);
    for (unsigned int i = 0; i < 1000; i++) {
        evtchn_port_t p;
        EXPECT_EQ(domain_create((domid_t)(100 + i % 7), &c, false, &d), 0);
        for (unsigned int v = 0; v < 2; v++) {
            EXPECT_EQ(vcpu_create(d, v), 0);
            d->vcpu[v]->pause_flags = 0;
            sim_set_load(d->vcpu[v], 1000, 1000);
        }
        sim_frame(d);
        sim_frame(d);
        EXPECT_EQ(evtchn_alloc_unbound(d, 0, &p), 0);
        domain_unpause_by_tools(d);
        if (i % 50 == 0)
            sim_run(SIM_MS);
        sim_as(dom0->vcpu[0]);
        sim_preempt_every = i % 4;
        sim_kill(d);
        sim_forget_loads();
        if (i == 10)
            before = sim_allocs;
    }
    EXPECT_EQ(sim_allocs, before);
}

/* ---- stopping ---- */

static unsigned int dom_exc(void)
{
    unsigned int port = dom0->vcpu[0]->virq_to_evtchn[VIRQ_DOM_EXC];
    uint64_t bit = 1ull << port, was = dom0->shared_info->evtchn_pending[0] & bit;
    dom0->shared_info->evtchn_pending[0] &= ~bit;
    return was != 0;
}

static void shutdown_and_resume(void)
{
    evtchn_port_t port;
    sim_start(1);
    EXPECT_EQ(evtchn_bind_virq(VIRQ_DOM_EXC, 0, &port), 0);
    struct domain *d = sim_domain(1);
    sim_set_load(d->vcpu[0], 0, 0);
    domain_unpause_by_tools(d);
    sim_run(SIM_MS);
    EXPECT(!dom_exc());
    domain_shutdown(d, SHUTDOWN_suspend);
    EXPECT(dom_exc());
    EXPECT(d->is_shut_down && d->shutdown_code == SHUTDOWN_suspend);
    sim_run(SIM_MS);
    EXPECT(!d->vcpu[0]->is_running);
    domain_shutdown(d, SHUTDOWN_crash); /* the first reason counts */
    EXPECT(!dom_exc());
    EXPECT_EQ(d->shutdown_code, SHUTDOWN_suspend);
    domain_resume(d);
    domain_resume(d);
    EXPECT(!d->is_shut_down && d->shutdown_code == SHUTDOWN_CODE_NONE);
    sim_run(SIM_MS);
    EXPECT(d->vcpu[0]->is_running);
    EXPECT_EQ(d->pause_count, 0);
    sim_kill(d);
    EXPECT(dom_exc());
}

static void crash_stops_it_alone(void)
{
    sim_start(1);
    struct domain *d = sim_domain(1), *e = sim_domain(1);
    sim_set_load(d->vcpu[0], 0, 0);
    sim_set_load(e->vcpu[0], 0, 0);
    domain_unpause_by_tools(d);
    domain_unpause_by_tools(e);
    sim_run(5 * SIM_MS);
    while (sim_cpu_info[0].vcpu != d->vcpu[0])
        sim_run(SIM_MS);
    /* Twice, by the vCPU that runs: its CPU must not go back to it. */
    domain_crash(d, "test %d", 1);
    domain_crash(d, "test %d", 2);
    EXPECT(sim_cpu_info[0].work & 1u << SOFTIRQ_SCHEDULE);
    sim_run(1);
    EXPECT(sim_cpu_info[0].vcpu == e->vcpu[0]);
    EXPECT(d->is_shut_down && d->shutdown_code == SHUTDOWN_crash);
    EXPECT_EQ(d->pause_count, 1);
    EXPECT_EQ(d->refs, 1);
    sim_as(dom0->vcpu[0]);
    /* Another's. */
    domain_crash(e, "from outside");
    sim_settle();
    EXPECT(e->is_shut_down);
    sim_kill(d);
    sim_kill(e);
}

static void watchdogs(void)
{
    sim_start(1);
    struct domain *d = sim_domain(1);
    EXPECT_EQ(watchdog_set(d, 0, 0), -EINVAL);
    EXPECT_EQ(watchdog_set(d, 1, 5), -EINVAL);
    EXPECT_EQ(watchdog_set(d, 3, 5), -EINVAL);
    EXPECT_EQ(watchdog_set(d, 0, 5), 1);
    EXPECT_EQ(watchdog_set(d, 0, 50), 2);
    EXPECT_EQ(watchdog_set(d, 0, 5), -ENOSPC);
    for (unsigned int i = 0; i < 5; i++) {
        sim_run(4 * SIM_S);
        EXPECT_EQ(watchdog_set(d, 1, 5), 0);
    }
    EXPECT_EQ(watchdog_set(d, 1, 0), 0);
    sim_run(20 * SIM_S);
    EXPECT(!d->is_shut_down);
    sim_run(20 * SIM_S);
    EXPECT(d->is_shut_down && d->shutdown_code == SHUTDOWN_watchdog);
}

/* A domain that died, and is kept by somebody's reference, has no timer that could still fire: its vCPUs
 * are freed before the rest of it. */
static void death_stops_timers(void)
{
    sim_start(1);
    struct domain *d = sim_domain(2);
    EXPECT_EQ(watchdog_set(d, 0, 5), 1);
    EXPECT_EQ(sched_set_params(d, 256, 50), 0);
    domain_get(d);
    sim_kill(d);
    EXPECT(!d->watchdog.timer[0].queued && !d->sched.cap_timer.queued);
    EXPECT_EQ(sched_set_params(d, 256, 60), 0);
    EXPECT_EQ(watchdog_set(d, 1, 5), 0);
    EXPECT(!d->watchdog.timer[0].queued && !d->sched.cap_timer.queued);
    domain_put(d);
    sim_settle();
    sim_run(20 * SIM_S);
}

/* A device model controls its target, not who gets the target's id after it. */
static void target_dies(void)
{
    struct xen_domctl_createdomain c = {
        .max_vcpus = 1, .max_evtchn_port = 1023, .max_grant_frames = 4, .max_maptrack_frames = 1};
    struct domain *d;

    sim_start(1);
    struct domain *stub = sim_domain(1), *other = sim_domain(1);
    EXPECT_EQ(domain_create(77, &c, false, &d), 0);
    EXPECT(!domain_controls(stub, d) && domain_controls(dom0, d));
    stub->target = d->generation;
    EXPECT(domain_controls(stub, d) && !domain_controls(stub, other) &&
           !domain_controls(stub, dom0));
    EXPECT(!domain_controls(stub, dom_io) && !domain_controls(d, stub));
    sim_kill(d);
    EXPECT(!domain_get_by_id(77));
    EXPECT_EQ(domain_create(77, &c, false, &d), 0);
    EXPECT(!domain_controls(stub, d));
    sim_kill(d);
}

/* ---- vCPU operations, through the gate ---- */

static long vcpu_op(unsigned int cmd, unsigned int vcpu, void *arg)
{
    return hc_vcpu_op(cmd, vcpu, (unsigned long)arg, 0, 0);
}

static void vcpus_come_and_go(void)
{
    sim_start(1);
    struct domain *d = sim_domain(2);
    struct vcpu_guest_context *ctx = calloc(1, sizeof(*ctx));
    struct vcpu *v = d->vcpu[1];
    v->initialised = false;
    v->pause_flags = VPF_DOWN;
    sim_as(d->vcpu[0]);
    EXPECT_EQ(vcpu_op(VCPUOP_is_up, 0, NULL), 1);
    EXPECT_EQ(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    EXPECT_EQ(vcpu_op(VCPUOP_is_up, 2, NULL), -ENOENT);
    EXPECT_EQ(vcpu_op(VCPUOP_is_up, ~0u, NULL), -ENOENT);
    EXPECT_EQ(vcpu_op(VCPUOP_up, 1, NULL), -EINVAL);
    EXPECT_EQ(vcpu_op(VCPUOP_initialise, 1, SIM_BAD), -EFAULT);
    ctx->ldt_ents = 9000;
    EXPECT_EQ(vcpu_op(VCPUOP_initialise, 1, ctx), -EINVAL);
    ctx->ldt_ents = 0;
    EXPECT_EQ(vcpu_op(VCPUOP_initialise, 1, ctx), 0);
    EXPECT_EQ(vcpu_op(VCPUOP_initialise, 1, ctx), -EEXIST);
    EXPECT_EQ(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    EXPECT_EQ(vcpu_op(VCPUOP_up, 1, NULL), 0);
    EXPECT_EQ(vcpu_op(VCPUOP_is_up, 1, NULL), 1);
    EXPECT_EQ(vcpu_op(VCPUOP_down, 1, NULL), 0);
    EXPECT_EQ(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    /* The last one off ends the domain. */
    EXPECT_EQ(vcpu_op(VCPUOP_down, 0, NULL), 0);
    EXPECT(d->is_shut_down && d->shutdown_code == SHUTDOWN_poweroff);
    EXPECT_EQ(vcpu_op(99, 0, NULL), -ENOSYS);
    free(ctx);
}

static void vcpu_timers(void)
{
    evtchn_port_t port;
    sim_start(1);
    struct domain *d = sim_domain(2);
    struct vcpu *v = d->vcpu[0];
    struct vcpu_set_singleshot_timer s = {(uint64_t)sim_now + 5 * SIM_MS, VCPU_SSHOTTMR_future};
    sim_as(v);
    EXPECT_EQ(evtchn_bind_virq(VIRQ_TIMER, 0, &port), 0);
    EXPECT_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 1, &s), -EINVAL);
    EXPECT_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &s), 0);
    sim_run(4 * SIM_MS);
    EXPECT_EQ(evtchn_port_pending(d, port), 0);
    sim_run(2 * SIM_MS);
    EXPECT_EQ(evtchn_port_pending(d, port), 1);
    d->shared_info->evtchn_pending[0] = 0;
    sim_as(v);
    EXPECT_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &s), -ETIME);
    s.flags = 0;
    EXPECT_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &s), 0);
    sim_run(1);
    EXPECT_EQ(evtchn_port_pending(d, port), 1);
    d->shared_info->evtchn_pending[0] = 0;
    sim_as(v);
    s.timeout_abs_ns = (uint64_t)sim_now + SIM_MS;
    EXPECT_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &s), 0);
    EXPECT_EQ(vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
    s.timeout_abs_ns = ~0ull;
    EXPECT_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &s), 0);
    sim_run(SIM_S);
    EXPECT_EQ(evtchn_port_pending(d, port), 0);
    /* Periodic */
    struct vcpu_set_periodic_timer p = {999999};
    sim_as(v);
    EXPECT_EQ(vcpu_op(VCPUOP_set_periodic_timer, 0, &p), -EINVAL);
    p.period_ns = ~0ull;
    EXPECT_EQ(vcpu_op(VCPUOP_set_periodic_timer, 0, &p), -EINVAL);
    p.period_ns = 10 * SIM_MS;
    EXPECT_EQ(vcpu_op(VCPUOP_set_periodic_timer, 0, &p), 0);
    unsigned int ticks = 0;
    for (unsigned int i = 0; i < 100; i++) {
        sim_run(SIM_MS);
        ticks += evtchn_port_pending(d, port) == 1;
        d->shared_info->evtchn_pending[0] = 0;
    }
    EXPECT_NEAR(ticks, 10, 1);
    sim_as(v);
    EXPECT_EQ(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    sim_run(SIM_S);
    EXPECT_EQ(evtchn_port_pending(d, port), 0);
    /* The old timer call: absurd times mean soon. */
    sim_as(v);
    EXPECT_EQ(hc_set_timer_op(1ull << 62, 0, 0, 0, 0), 0);
    sim_run(SIM_S / 5);
    EXPECT_EQ(evtchn_port_pending(d, port), 1);
}

static void runstate_area(void)
{
    struct vcpu_runstate_info area = {0}, now_info;
    struct vcpu_register_runstate_memory_area op = {.addr.v = &area};
    sim_start(1);
    struct domain *d = sim_domain(1);
    struct vcpu *v = d->vcpu[0];
    sim_as(v);
    EXPECT_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, SIM_BAD), -EFAULT);
    EXPECT_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op), 0);
    EXPECT_EQ(vcpu_op(VCPUOP_get_runstate_info, 0, &now_info), 0);
    EXPECT_EQ(area.state, now_info.state);
    d->vm_assist |= 1ull << VMASST_TYPE_runstate_update_flag;
    area.state_entry_time = 77;
    vcpu_runstate_copy(v);
    EXPECT(!(area.state_entry_time & XEN_RUNSTATE_UPDATE) && area.state_entry_time != 77);
    op.addr.p = 0xffff800000001000;
    EXPECT_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op), -EFAULT);
    op.addr.p = (uint64_t)SIM_BAD; /* not mapped now */
    EXPECT_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op), 0);
    vcpu_runstate_copy(v);
}

/* ---- ranges ---- */

static void ranges_against_bits(void)
{
    struct rangeset r;
    bool bits[200] = {false};
    sim_start(1);
    rangeset_init(&r, 64);
    for (unsigned int step = 0; step < 30000; step++) {
        uint64_t first = sim_random(200), last = first + sim_random(200 - (uint32_t)first);
        bool add = sim_random(2), all = true, any = false;
        int rc = add ? rangeset_add(&r, first, last) : rangeset_remove(&r, first, last);
        EXPECT_EQ(rc, 0);
        for (uint64_t i = first; i <= last; i++)
            bits[i] = add;
        first = sim_random(200);
        last = first + sim_random(200 - (uint32_t)first);
        for (uint64_t i = first; i <= last; i++) {
            all &= bits[i];
            any |= bits[i];
        }
        EXPECT_EQ(rangeset_contains(&r, first, last), all);
        EXPECT_EQ(rangeset_overlaps(&r, first, last), any);
        for (unsigned int i = 1; i < r.count; i++)
            EXPECT(r.ranges[i - 1].last + 1 < r.ranges[i].first);
    }
    rangeset_remove(&r, 0, ~0ull);
    EXPECT_EQ(r.count, 0);
    for (uint64_t i = 0; i < 64; i++)
        EXPECT_EQ(rangeset_add(&r, i * 10, i * 10), 0);
    EXPECT_EQ(rangeset_add(&r, 5, 5), -ENOSPC);
    EXPECT_EQ(rangeset_add(&r, 1, 9), 0);
    EXPECT_EQ(rangeset_add(&r, ~0ull - 1, ~0ull), 0);
    EXPECT(rangeset_contains(&r, ~0ull, ~0ull));
    rangeset_destroy(&r);
}

static const struct sim_test tests[] = {
    {"domain/made_and_found", made_and_found},
    {"domain/walks_in_order", walks_in_order},
    {"domain/special_ones_are_not_found", special_ones_are_not_found},
    {"domain/a_reference_outlives", a_reference_outlives},
    {"domain/failing_allocations", failing_allocations},
    {"domain/thousand_cycles", thousand_cycles},
    {"domain/shutdown_and_resume", shutdown_and_resume},
    {"domain/crash_stops_it_alone", crash_stops_it_alone},
    {"domain/watchdogs", watchdogs},
    {"domain/death_stops_timers", death_stops_timers},
    {"domain/target_dies", target_dies},
    {"vcpu/come_and_go", vcpus_come_and_go},
    {"vcpu/timers", vcpu_timers},
    {"vcpu/runstate_area", runstate_area},
    {"rangeset/against_bits", ranges_against_bits},
};

int main(int argc, char **argv)
{
    return sim_main(tests, ARRAY_SIZE(tests), argc, argv);
}
