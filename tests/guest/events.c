/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels, 2-level form: every way to bind a port, delivery and masking, and ports of every
 * illegal kind. A lost event, an upcall without cause, or a port that outlives its close fails here. */
#include "test.h"
#include "kit/time.h"

static volatile unsigned int upcalls;
static volatile evtchn_port_t last_port;

static void count(evtchn_port_t port)
{
    upcalls++;
    last_port = port;
}

static long status_of(evtchn_port_t port)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};
    long rc = hv_event_channel_op(EVTCHNOP_status, &s);

    return rc != 0 ? rc : (long)s.status;
}

/* Lets through what is pending, so that a test starts from nothing. */
static void drain(void)
{
    events_on();
    events_off();
    upcalls = 0;
}

/* alloc_unbound for oneself, status, close, and the number is free again. */
TEST(alloc_unbound)
{
    long port = event_alloc_unbound(DOMID_SELF, DOMID_SELF);

    CHECK(port > 0);
    CHECK_EQ(status_of(port), EVTCHNSTAT_unbound);
    CHECK_EQ(event_close(port), 0);
    CHECK_EQ(status_of(port), EVTCHNSTAT_closed);
    CHECK_EQ(event_alloc_unbound(DOMID_SELF, DOMID_SELF), port);
    CHECK_EQ(event_close(port), 0);
    CHECK(event_close(port) < 0);
    answer("close_twice", "%ld", event_close(port));
    answer("unknown_domain", "%ld", event_alloc_unbound(777, DOMID_SELF));
}

/* Both ends of a channel inside one domain: a send at one end arrives at the other. */
TEST(interdomain_loop)
{
    long a = event_alloc_unbound(DOMID_SELF, DOMID_SELF);
    long b = event_bind_interdomain(DOMID_SELF, a);

    drain();
    CHECK(a > 0);
    CHECK(b > 0);
    CHECK_EQ(status_of(a), EVTCHNSTAT_interdomain);
    CHECK_EQ(status_of(b), EVTCHNSTAT_interdomain);
    /* A fresh binding is pending at the binder, so that no event before it is lost. */
    answer("fresh_local", "%d", event_pending(b));
    answer("fresh_remote", "%d", event_pending(a));
    event_clear(a);
    event_clear(b);
    CHECK_EQ(event_send(a), 0);
    CHECK(event_pending(b));
    CHECK(!event_pending(a));
    event_clear(b);
    CHECK_EQ(event_send(b), 0);
    CHECK(event_pending(a));
    event_clear(a);
    struct evtchn_status s = {.dom = DOMID_SELF, .port = a};
    CHECK_EQ(hv_event_channel_op(EVTCHNOP_status, &s), 0);
    CHECK_EQ(s.u.interdomain.port, b);
    CHECK_EQ(event_close(a), 0);
    CHECK_EQ(status_of(b), EVTCHNSTAT_unbound);
    answer("send_after_peer_closed", "%ld", event_send(b));
    CHECK_EQ(event_close(b), 0);
}

/* Binding to what is not there or not meant for us. */
TEST(bind_interdomain_bad)
{
    long virq = event_bind_virq(VIRQ_DEBUG, 0);

    CHECK(virq > 0);
    answer("closed", "%ld", event_bind_interdomain(DOMID_SELF, 900));
    answer("virq_port", "%ld", event_bind_interdomain(DOMID_SELF, virq));
    answer("beyond", "%ld", event_bind_interdomain(DOMID_SELF, 0xffffffff));
    answer("zero", "%ld", event_bind_interdomain(DOMID_SELF, 0));
    answer("domain", "%ld", event_bind_interdomain(777, 1));
    CHECK(event_bind_interdomain(DOMID_SELF, 0xffffffff) < 0);
    long other = event_alloc_unbound(DOMID_SELF, 5);
    CHECK(other > 0);
    answer("for_another", "%ld", event_bind_interdomain(DOMID_SELF, other));
    CHECK_EQ(event_close(other), 0);
    CHECK_EQ(event_close(virq), 0);
}

/* A masked port collects without an upcall; unmasking delivers exactly once. */
TEST(mask_and_unmask)
{
    long port = event_bind_ipi(0);

    CHECK(port > 0);
    CHECK_EQ(status_of(port), EVTCHNSTAT_ipi);
    drain();
    event_handle(port, count);
    events_on();
    CHECK_EQ(upcalls, 0);
    CHECK_EQ(event_send(port), 0);
    CHECK_EQ(upcalls, 1);
    CHECK_EQ(last_port, port);
    event_mask(port);
    CHECK_EQ(event_send(port), 0);
    CHECK_EQ(event_send(port), 0);
    CHECK_EQ(upcalls, 1);
    CHECK(event_pending(port));
    CHECK_EQ(event_unmask(port), 0);
    CHECK_EQ(upcalls, 2);
    CHECK(!event_pending(port));
    events_off();
    CHECK_EQ(event_send(port), 0);
    CHECK_EQ(upcalls, 2);
    CHECK(this_vcpu_info()->evtchn_upcall_pending);
    events_on();
    CHECK_EQ(upcalls, 3);
    events_off();
    event_handle(port, NULL);
    CHECK_EQ(event_close(port), 0);
}

/* An event raised inside the handler is delivered after it, not lost and not nested without end. */
static unsigned int resend;

static void send_again(evtchn_port_t port)
{
    upcalls++;
    if (resend-- > 0) {
        event_send(port);
    }
}

TEST(event_in_handler)
{
    long port = event_bind_ipi(0);

    drain();
    resend = 10;
    event_handle(port, send_again);
    events_on();
    CHECK_EQ(event_send(port), 0);
    CHECK_EQ(upcalls, 11);
    events_off();
    event_handle(port, NULL);
    CHECK_EQ(event_close(port), 0);
}

/* Virtual interrupts: one binding each, on a vCPU that is there. */
TEST(bind_virq)
{
    long port = event_bind_virq(VIRQ_DEBUG, 0);

    CHECK(port > 0);
    CHECK_EQ(status_of(port), EVTCHNSTAT_virq);
    answer("twice", "%ld", event_bind_virq(VIRQ_DEBUG, 0));
    CHECK(event_bind_virq(VIRQ_DEBUG, 0) < 0);
    CHECK_EQ(event_close(port), 0);
    answer("number", "%ld", event_bind_virq(24, 0));
    answer("number_max", "%ld", event_bind_virq(0xffffffff, 0));
    answer("vcpu", "%ld", event_bind_virq(VIRQ_DEBUG, 100));
    answer("vcpu_max", "%ld", event_bind_virq(VIRQ_DEBUG, 0xffffffff));
    answer("global_on_vcpu1", "%ld", event_bind_virq(VIRQ_DOM_EXC, 1));
    answer("ipi_vcpu", "%ld", event_bind_ipi(100));
    answer("ipi_vcpu_max", "%ld", event_bind_ipi(0xffffffff));
    port = event_bind_virq(VIRQ_DOM_EXC, 0);
    CHECK(port > 0);
    CHECK_EQ(event_close(port), 0);
}

static long bind_pirq(uint32_t pirq, uint32_t flags)
{
    struct evtchn_bind_pirq op = {.pirq = pirq, .flags = flags};
    long rc = hv_event_channel_op(EVTCHNOP_bind_pirq, &op);

    return rc != 0 ? rc : (long)op.port;
}

/* Physical interrupts that do not exist or belong to the hypervisor. */
TEST(bind_pirq_bad)
{
    answer("beyond", "%ld", bind_pirq(0xffffffff, 0));
    answer("big", "%ld", bind_pirq(100000, 0));
    CHECK(bind_pirq(0xffffffff, 0) < 0);
    CHECK(bind_pirq(100000, 0) < 0);
}

/* Sends, closes, unmasks and status of ports of every illegal kind. */
TEST(bad_ports)
{
    static const evtchn_port_t ports[] = {0,      1000,   4095,       4096,
                                          131071, 131072, 0x80000000, 0xffffffff};

    for (unsigned int i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        char key[24];

        ksnprintf(key, sizeof(key), "send.%x", ports[i]);
        answer(key, "%ld", event_send(ports[i]));
        ksnprintf(key, sizeof(key), "close.%x", ports[i]);
        answer(key, "%ld", event_close(ports[i]));
        ksnprintf(key, sizeof(key), "unmask.%x", ports[i]);
        answer(key, "%ld", event_unmask(ports[i]));
        ksnprintf(key, sizeof(key), "status.%x", ports[i]);
        answer(key, "%ld", status_of(ports[i]));
        CHECK(event_send(ports[i]) < 0);
        CHECK(event_close(ports[i]) < 0);
    }
}

/* A port of a kind that is not for sending. */
TEST(send_wrong_kind)
{
    long virq = event_bind_virq(VIRQ_DEBUG, 0),
         unbound = event_alloc_unbound(DOMID_SELF, DOMID_SELF);

    answer("virq", "%ld", event_send(virq));
    answer("unbound", "%ld", event_send(unbound));
    CHECK_EQ(event_close(virq), 0);
    CHECK_EQ(event_close(unbound), 0);
}

static long bind_vcpu(evtchn_port_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu op = {.port = port, .vcpu = vcpu};

    return hv_event_channel_op(EVTCHNOP_bind_vcpu, &op);
}

TEST(bind_vcpu)
{
    long loop = event_alloc_unbound(DOMID_SELF, DOMID_SELF), ipi = event_bind_ipi(0);
    long timer = event_bind_virq(VIRQ_TIMER, 0), global = event_bind_virq(VIRQ_DOM_EXC, 0);

    CHECK_EQ(bind_vcpu(loop, 0), 0);
    CHECK_EQ(bind_vcpu(global, 0), 0);
    answer("ipi", "%ld", bind_vcpu(ipi, 0));
    answer("timer", "%ld", bind_vcpu(timer, 0));
    answer("no_vcpu", "%ld", bind_vcpu(loop, 99));
    answer("vcpu_max", "%ld", bind_vcpu(loop, 0xffffffff));
    answer("port", "%ld", bind_vcpu(3000, 0));
    CHECK_EQ(event_close(loop), 0);
    CHECK_EQ(event_close(ipi), 0);
    CHECK_EQ(event_close(timer), 0);
    CHECK_EQ(event_close(global), 0);
}

/* The FIFO form's operations while the domain is in the 2-level form. */
TEST(fifo_ops_without_fifo)
{
    struct evtchn_expand_array expand = {.array_gfn = 1};
    struct evtchn_set_priority prio = {.port = 1, .priority = 3};

    answer("expand", "%ld", hv_event_channel_op(EVTCHNOP_expand_array, &expand));
    answer("priority", "%ld", hv_event_channel_op(EVTCHNOP_set_priority, &prio));
}

/* Poll returns at once when a port is pending, at its time-out when none is, and refuses bad lists. */
TEST(poll)
{
    evtchn_port_t port = event_bind_ipi(0), bad = 5000;
    struct sched_poll op = {.nr_ports = 1};

    set_xen_guest_handle(op.ports, &port);
    event_mask(port);
    CHECK_EQ(event_send(port), 0);
    CHECK_EQ(hv_sched_op(SCHEDOP_poll, &op), 0);
    event_clear(port);
    uint64_t before = time_now();
    op.timeout = before + 20000000;
    CHECK_EQ(hv_sched_op(SCHEDOP_poll, &op), 0);
    CHECK(time_now() >= before + 20000000);
    op.timeout = 1; /* long past */
    CHECK_EQ(hv_sched_op(SCHEDOP_poll, &op), 0);
    op.nr_ports = 129;
    answer("too_many", "%ld", hv_sched_op(SCHEDOP_poll, &op));
    op.nr_ports = 0xffffffff;
    answer("max", "%ld", hv_sched_op(SCHEDOP_poll, &op));
    op.nr_ports = 1;
    set_xen_guest_handle(op.ports, &bad);
    answer("bad_port", "%ld", hv_sched_op(SCHEDOP_poll, &op));
    op.ports.p = (void *)0x1000;
    answer("bad_list", "%ld", hv_sched_op(SCHEDOP_poll, &op));
    CHECK(hv_sched_op(SCHEDOP_poll, &op) < 0);
    CHECK_EQ(event_close(port), 0);
}

/* All ports can be used up, the error is clear, and all come back. */
TEST(exhaustion)
{
    long port, first = event_alloc_unbound(DOMID_SELF, DOMID_SELF), last = first;
    unsigned int n = 1;

    while ((port = event_alloc_unbound(DOMID_SELF, DOMID_SELF)) > 0) {
        last = port;
        n++;
    }
    answer("error", "%ld", port);
    answer("last", "%ld", last);
    for (evtchn_port_t p = (evtchn_port_t)first; p <= (evtchn_port_t)last; p++) {
        event_close(p);
    }
    CHECK(n > 4000);
    CHECK_EQ(event_alloc_unbound(DOMID_SELF, DOMID_SELF), first);
    CHECK_EQ(event_close(first), 0);
}

/* reset closes every port of the domain. */
TEST(reset)
{
    long a = event_alloc_unbound(DOMID_SELF, DOMID_SELF), b = event_bind_virq(VIRQ_DEBUG, 0);
    struct evtchn_reset op = {.dom = DOMID_SELF};

    CHECK(a > 0);
    CHECK(b > 0);
    CHECK_EQ(hv_event_channel_op(EVTCHNOP_reset, &op), 0);
    CHECK_EQ(status_of(a), EVTCHNSTAT_closed);
    CHECK_EQ(status_of(b), EVTCHNSTAT_closed);
    op.dom = 777;
    answer("unknown", "%ld", hv_event_channel_op(EVTCHNOP_reset, &op));
}
