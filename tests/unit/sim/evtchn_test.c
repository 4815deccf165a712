/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: each operation and its errors, delivery in both forms, polls, death, failing
 * allocations, and long random runs against a model and an independent check of the invariants.
 */
#include "sim.h"
#include "domain/event_internal.h"
#include "hypercalls/abi/sched.h"

static struct domain *a, *b;

/* Two running domains; the test executes as a's vCPU 0. */
static void start(void)
{
    sim_start(1);
    a = sim_domain(2);
    b = sim_domain(2);
    sim_as(a->vcpu[0]);
}
static bool pending(struct domain *d, evtchn_port_t port)
{
    return evtchn_port_pending(d, port) == 1;
}
static bool upcall(struct vcpu *v)
{
    return v->vcpu_info->evtchn_upcall_pending;
}
static void unmask_all(struct domain *d)
{
    struct vcpu *v;
    for_each_vcpu(d, v) v->vcpu_info->evtchn_upcall_mask = 0;
}
/* As the guest's handler would. */
static void take(struct domain *d)
{
    struct vcpu *v;
    for_each_vcpu(d, v)
    {
        v->vcpu_info->evtchn_upcall_pending = 0;
        v->vcpu_info->evtchn_pending_sel = 0;
    }
    memset(d->shared_info->evtchn_pending, 0, sizeof(d->shared_info->evtchn_pending));
}
static struct evtchn_status status(struct domain *d, evtchn_port_t port)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};
    struct vcpu *was = current;
    sim_as(d->vcpu[0]);
    EXPECT_EQ(evtchn_status(&s), 0);
    sim_as(was);
    return s;
}
/* A channel between a and b: *pa of a, *pb of b. */
static void channel(evtchn_port_t *pa, evtchn_port_t *pb)
{
    struct vcpu *was = current;
    EXPECT_EQ(evtchn_alloc_unbound(a, b->id, pa), 0);
    sim_as(b->vcpu[0]);
    EXPECT_EQ(evtchn_bind_interdomain(a->id, *pa, pb), 0);
    sim_as(was);
}

/* ---- binding ---- */

static void interdomain(void)
{
    evtchn_port_t pa, pb, other;
    start();
    channel(&pa, &pb);
    struct evtchn_status s = status(a, pa);
    EXPECT_EQ(s.status, EVTCHNSTAT_interdomain);
    EXPECT_EQ(s.u.interdomain.dom, b->id);
    EXPECT_EQ(s.u.interdomain.port, pb);
    /* Bound, the new side has an event at once. */
    EXPECT(pending(b, pb) && !pending(a, pa));
    take(b);
    EXPECT_EQ(evtchn_send(a, pa), 0);
    EXPECT(pending(b, pb) && !pending(a, pa) && upcall(b->vcpu[0]));
    EXPECT_EQ(evtchn_send(b, pb), 0);
    EXPECT(pending(a, pa));
    /* Bound once, it is nobody else's. */
    sim_as(b->vcpu[0]);
    EXPECT_EQ(evtchn_bind_interdomain(a->id, pa, &other), -EINVAL);
    /* One end closed: the other waits for the same domain again. */
    EXPECT_EQ(evtchn_close(b, pb), 0);
    EXPECT_EQ(evtchn_close(b, pb), -EINVAL);
    s = status(a, pa);
    EXPECT_EQ(s.status, EVTCHNSTAT_unbound);
    EXPECT_EQ(s.u.unbound.dom, b->id);
    EXPECT_EQ(evtchn_send(a, pa), 0);
    EXPECT(!pending(b, pb));
    EXPECT_EQ(evtchn_bind_interdomain(a->id, pa, &other), 0);
    EXPECT_EQ(other, pb);
}

static void bind_to_oneself(void)
{
    evtchn_port_t p, q;
    start();
    EXPECT_EQ(evtchn_alloc_unbound(a, a->id, &p), 0);
    EXPECT_EQ(evtchn_bind_interdomain(DOMID_SELF, p, &q), 0);
    EXPECT(p != q);
    take(a);
    EXPECT_EQ(evtchn_send(a, p), 0);
    EXPECT(pending(a, q) && !pending(a, p));
    EXPECT_EQ(evtchn_close(a, p), 0);
    EXPECT_EQ(status(a, q).status, EVTCHNSTAT_unbound);
}

/* The tools make a domain's channels before its vCPUs. */
static void to_a_domain_without_vcpus(void)
{
    struct xen_domctl_createdomain c = {
        .max_vcpus = 1, .max_evtchn_port = 1023, .max_grant_frames = 4, .max_maptrack_frames = 1};
    evtchn_port_t theirs, ours;
    struct domain *d;

    start();
    EXPECT_EQ(domain_create(77, &c, false, &d), 0);
    EXPECT_EQ(evtchn_alloc_unbound(d, 0, &theirs), 0);
    sim_as(dom0->vcpu[0]);
    EXPECT_EQ(evtchn_bind_interdomain(d->id, theirs, &ours), 0);
    EXPECT_EQ(evtchn_send(dom0, ours), 0);
    EXPECT_EQ(evtchn_port_pending(d, theirs), 1);
    sim_kill(d);
}

static void not_for_us(void)
{
    evtchn_port_t p, q;
    start();
    EXPECT_EQ(evtchn_alloc_unbound(a, 77, &p), 0);
    sim_as(b->vcpu[0]);
    EXPECT_EQ(evtchn_bind_interdomain(a->id, p, &q), -EINVAL);
    EXPECT_EQ(evtchn_bind_interdomain(a->id, p + 1, &q), -EINVAL);
    EXPECT_EQ(evtchn_bind_interdomain(a->id, ~0u, &q), -EINVAL);
    EXPECT_EQ(evtchn_bind_interdomain(99, p, &q), -ESRCH);
    /* What failed holds no port. */
    EXPECT_EQ(evtchn_bind_ipi(0, &q), 0);
    EXPECT_EQ(q, 1);
}

static void bad_ports(void)
{
    static const evtchn_port_t bad[] = {0, 5, 63, 64, 1023, 1024, 4096, 131071, 131072, ~0u};
    struct evtchn_status s;
    start();
    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        EXPECT_EQ(evtchn_send(a, bad[i]), -EINVAL);
        EXPECT_EQ(evtchn_close(a, bad[i]), -EINVAL);
        EXPECT_EQ(evtchn_bind_vcpu(bad[i], 1), -EINVAL);
        s = (struct evtchn_status){.dom = b->id, .port = bad[i]};
        EXPECT_EQ(evtchn_status(&s), -EPERM);
    }
    s = (struct evtchn_status){.dom = 4321, .port = 1};
    EXPECT_EQ(evtchn_status(&s), -ESRCH);
}

static void virqs(void)
{
    evtchn_port_t p, q, g;
    start();
    EXPECT_EQ(evtchn_bind_virq(VIRQ_TIMER, 0, &p), 0);
    EXPECT_EQ(evtchn_bind_virq(VIRQ_TIMER, 0, &q), -EEXIST);
    EXPECT_EQ(evtchn_bind_virq(VIRQ_TIMER, 1, &q), 0);
    EXPECT_EQ(evtchn_bind_virq(VIRQ_CONSOLE, 1, &g), -EINVAL);
    EXPECT_EQ(evtchn_bind_virq(VIRQ_CONSOLE, 0, &g), 0);
    EXPECT_EQ(evtchn_bind_virq(NR_VIRQS, 0, &g), -EINVAL);
    EXPECT_EQ(evtchn_bind_virq(~0u, 0, &g), -EINVAL);
    EXPECT_EQ(evtchn_bind_virq(VIRQ_DEBUG, 2, &g), -ENOENT);
    send_guest_vcpu_virq(a->vcpu[1], VIRQ_TIMER);
    EXPECT(pending(a, q) && !pending(a, p) && upcall(a->vcpu[1]) && !upcall(a->vcpu[0]));
    /* A guest cannot raise one itself; per-vCPU ones do not move, global ones do. */
    EXPECT_EQ(evtchn_send(a, p), -EINVAL);
    EXPECT_EQ(evtchn_bind_vcpu(p, 1), -EINVAL);
    EXPECT_EQ(evtchn_bind_vcpu(g, 1), 0);
    take(a);
    send_guest_global_virq(a, VIRQ_CONSOLE);
    EXPECT(pending(a, g) && upcall(a->vcpu[1]) && !upcall(a->vcpu[0]));
    EXPECT_EQ(evtchn_close(a, p), 0);
    take(a);
    send_guest_vcpu_virq(a->vcpu[0], VIRQ_TIMER);
    EXPECT(!upcall(a->vcpu[0]));
    EXPECT_EQ(evtchn_bind_virq(VIRQ_TIMER, 0, &p), 0);
}

static void ipis(void)
{
    evtchn_port_t p;
    start();
    EXPECT_EQ(evtchn_bind_ipi(1, &p), 0);
    EXPECT_EQ(evtchn_bind_ipi(2, &p), -ENOENT);
    EXPECT_EQ(evtchn_send(a, p), 0);
    EXPECT(pending(a, p) && upcall(a->vcpu[1]) && !upcall(a->vcpu[0]));
    EXPECT_EQ(evtchn_bind_vcpu(p, 0), -EINVAL);
}

static void pirqs(void)
{
    evtchn_port_t p, q;
    start();
    EXPECT_EQ(evtchn_bind_pirq(5, 0, &p), -EPERM);
    rangeset_add(&a->irq_caps, 0, 20);
    EXPECT_EQ(evtchn_bind_pirq(64, 0, &p), -EINVAL);
    EXPECT_EQ(evtchn_bind_pirq(5, 0, &p), 0);
    EXPECT_EQ(evtchn_bind_pirq(5, 0, &q), -EEXIST);
    EXPECT_EQ(evtchn_bind_pirq(13, 0, &q), -EBUSY);
    EXPECT_EQ(evtchn_bind_ipi(0, &q), 0);
    EXPECT_EQ(q, p + 1);
    send_guest_pirq(a, 5);
    EXPECT(pending(a, p));
    EXPECT_EQ(evtchn_send(a, p), -EINVAL);
    EXPECT_EQ(evtchn_close(a, p), 0);
    take(a);
    send_guest_pirq(a, 5);
    EXPECT(!upcall(a->vcpu[0]));
}

static void ports_are_limited_and_reused(void)
{
    evtchn_port_t p;
    sim_start(1);
    a = sim_domain_ports(1, 99);
    sim_as(a->vcpu[0]);
    for (evtchn_port_t want = 1; want <= 99; want++) {
        EXPECT_EQ(evtchn_bind_ipi(0, &p), 0);
        EXPECT_EQ(p, want);
    }
    EXPECT_EQ(evtchn_bind_ipi(0, &p), -ENOSPC);
    EXPECT_EQ(evtchn_close(a, 50), 0);
    EXPECT_EQ(evtchn_close(a, 7), 0);
    EXPECT_EQ(evtchn_bind_ipi(0, &p), 0);
    EXPECT_EQ(p, 7);
    EXPECT_EQ(evtchn_bind_ipi(0, &p), 0);
    EXPECT_EQ(p, 50);
}

static void two_level_ends_at_4096(void)
{
    evtchn_port_t p = 0;
    sim_start(1);
    a = sim_domain_ports(1, ~0u);
    sim_as(a->vcpu[0]);
    for (unsigned int i = 1; i < 4096; i++)
        EXPECT_EQ(evtchn_bind_ipi(0, &p), 0);
    EXPECT_EQ(p, 4095);
    EXPECT_EQ(evtchn_bind_ipi(0, &p), -ENOSPC);
    EXPECT_EQ(evtchn_send(a, 4095), 0);
    EXPECT(pending(a, 4095));
}

/* ---- delivery ---- */

static void masks(void)
{
    evtchn_port_t pa, pb;
    start();
    unmask_all(b);
    channel(&pa, &pb);
    take(b);
    b->shared_info->evtchn_mask[0] |= 1ul << pb;
    EXPECT_EQ(evtchn_send(a, pa), 0);
    EXPECT(pending(b, pb) && !upcall(b->vcpu[0]));
    sim_as(b->vcpu[0]);
    EXPECT_EQ(evtchn_unmask(pb), 0);
    EXPECT(upcall(b->vcpu[0]));
    EXPECT_EQ(b->vcpu[0]->vcpu_info->evtchn_pending_sel, 1);
    EXPECT(!(b->shared_info->evtchn_mask[0] & 1ul << pb));
    EXPECT_EQ(evtchn_unmask(999999), -EINVAL);
}

static void goes_to_the_bound_vcpu(void)
{
    evtchn_port_t pa, pb;
    start();
    channel(&pa, &pb);
    sim_as(b->vcpu[0]);
    EXPECT_EQ(evtchn_bind_vcpu(pb, 2), -ENOENT);
    EXPECT_EQ(evtchn_bind_vcpu(pb, 1), 0);
    take(b);
    EXPECT_EQ(evtchn_send(a, pa), 0);
    EXPECT(upcall(b->vcpu[1]) && !upcall(b->vcpu[0]));
    EXPECT_EQ(status(b, pb).vcpu, 1);
}

/* A blocked vCPU wakes; a masked one that runs is left alone. */
static void wakes(void)
{
    evtchn_port_t pa, pb;
    start();
    unmask_all(b);
    channel(&pa, &pb);
    take(b);
    domain_unpause_by_tools(b);
    sim_set_load(b->vcpu[0], 1, SIM_S * 1000);
    sim_run(SIM_MS);
    EXPECT(b->vcpu[0]->pause_flags & VPF_BLOCKED);
    EXPECT_EQ(evtchn_send(a, pa), 0);
    EXPECT(!(b->vcpu[0]->pause_flags & VPF_BLOCKED));
    EXPECT(b->vcpu[0]->sched.queued);
}

static void vcpu_info_moves(void)
{
    evtchn_port_t p;
    start();
    EXPECT_EQ(evtchn_bind_ipi(0, &p), 0);
    struct frame *f = sim_frame(a), *table = sim_frame(a), *foreign = sim_frame(b);
    table->info |= FI_TYPE_OF(FRAME_L1);
    struct vcpu *v = a->vcpu[0];
    EXPECT_EQ(vcpu_info_register(v, frame_to_mfn(table), 0), -EINVAL);
    EXPECT_EQ(vcpu_info_register(v, frame_to_mfn(foreign), 0), -EINVAL);
    EXPECT_EQ(vcpu_info_register(v, mfn_make(SIM_FRAMES), 0), -EINVAL);
    EXPECT_EQ(vcpu_info_register(v, mfn_make(~0ull), 0), -EINVAL);
    EXPECT_EQ(vcpu_info_register(v, frame_to_mfn(f), 64), 0);
    EXPECT_EQ((char *)v->vcpu_info - (char *)frame_to_virt(f), 64);
    EXPECT(upcall(v) && v->vcpu_info->evtchn_pending_sel == ~0ul);
    EXPECT_EQ(vcpu_info_register(v, frame_to_mfn(f), 128), -EINVAL);
    take(a);
    EXPECT_EQ(evtchn_send(a, p), 0);
    EXPECT(upcall(v));
    EXPECT_EQ(sim_frame_writers(f), 1);
    sim_as(dom0->vcpu[0]);
    sim_kill(a);
    EXPECT(!domain_get_by_id(1));
}

/* ---- polls ---- */

static long poll(evtchn_port_t *ports, unsigned int n, uint64_t timeout)
{
    struct sched_poll op = {.nr_ports = n, .timeout = timeout};
    set_xen_guest_handle(op.ports, ports);
    return hc_sched_op(SCHEDOP_poll, (unsigned long)&op, 0, 0, 0);
}

static void polls(void)
{
    evtchn_port_t p[3], none = 4000;
    start();
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(evtchn_bind_ipi(0, &p[i]), 0);
    struct vcpu *v = a->vcpu[0];
    /* Pending already: no wait. */
    EXPECT_EQ(evtchn_send(a, p[1]), 0);
    take(a);
    a->shared_info->evtchn_pending[0] |= 1ul << p[1];
    EXPECT_EQ(poll(p, 3, 0), 0);
    EXPECT(!(v->pause_flags & VPF_POLL) && !a->evtchn.poll_mask[0]);
    take(a);
    EXPECT_EQ(poll(&none, 1, 0), -EINVAL);
    EXPECT_EQ(poll(SIM_BAD, 1, 0), -EFAULT);
    EXPECT_EQ(poll(p, 129, 0), -EINVAL);
    EXPECT_EQ(poll(p, ~0u, 0), -EINVAL);
    EXPECT(!(v->pause_flags & VPF_POLL) && !a->evtchn.poll_mask[0]);
    /* One port: others do not end it, masked or not. */
    v->vcpu_info->evtchn_upcall_mask = 1;
    memset(a->shared_info->evtchn_mask, 0xff, sizeof(a->shared_info->evtchn_mask));
    EXPECT_EQ(poll(&p[0], 1, 0), 0);
    EXPECT(v->pause_flags & VPF_POLL);
    EXPECT_EQ(evtchn_send(a, p[2]), 0);
    EXPECT(v->pause_flags & VPF_POLL);
    EXPECT_EQ(evtchn_send(a, p[0]), 0);
    EXPECT(!(v->pause_flags & VPF_POLL) && !a->evtchn.poll_mask[0]);
    /* Several. */
    memset(a->shared_info->evtchn_pending, 0, 8);
    EXPECT_EQ(poll(p, 3, 0), 0);
    EXPECT(v->pause_flags & VPF_POLL);
    EXPECT_EQ(evtchn_send(a, p[1]), 0);
    EXPECT(!(v->pause_flags & VPF_POLL));
    /* Time runs out. */
    memset(a->shared_info->evtchn_pending, 0, 8);
    EXPECT_EQ(poll(p, 1, (uint64_t)sim_now + 3 * SIM_MS), 0);
    sim_run(2 * SIM_MS);
    EXPECT(v->pause_flags & VPF_POLL);
    sim_run(2 * SIM_MS);
    EXPECT(!(v->pause_flags & VPF_POLL) && !a->evtchn.poll_mask[0]);
}

/* ---- FIFO ---- */

static struct frame *control[2], *array[4];
static event_word_t *word(evtchn_port_t port)
{
    return (event_word_t *)frame_to_virt(array[port / 1024]) + port % 1024;
}
static struct evtchn_fifo_control_block *block(unsigned int vcpu)
{
    return (void *)((char *)frame_to_virt(control[vcpu]) + 128 * vcpu);
}
static void fifo_on(struct domain *d)
{
    struct vcpu *was = current;
    sim_as(d->vcpu[0]);
    for (unsigned int i = 0; i < 2; i++) {
        control[i] = sim_frame(d);
        struct evtchn_init_control ic = {mfn_x(frame_to_mfn(control[i])), 128 * i, i, 0, {0}};
        EXPECT_EQ(evtchn_init_control(&ic), 0);
        EXPECT_EQ(ic.link_bits, 17);
    }
    array[0] = sim_frame(d);
    EXPECT_EQ(evtchn_expand_array(mfn_x(frame_to_mfn(array[0]))), 0);
    sim_as(was);
}
/* What a guest does in its upcall: take the head of the highest queue. 0: none. */
static evtchn_port_t heads[2][16];
static evtchn_port_t consume(unsigned int vcpu)
{
    struct evtchn_fifo_control_block *c = block(vcpu);
    static uint32_t ready[2];

    for (;;) {
        ready[vcpu] |= __atomic_exchange_n(&c->ready, 0, __ATOMIC_SEQ_CST);
        if (!ready[vcpu])
            return 0;
        unsigned int q = (unsigned int)__builtin_ctz(ready[vcpu]);
        evtchn_port_t port = heads[vcpu][q] ? heads[vcpu][q] : c->head[q];
        event_word_t w = *word(port);
        EXPECT(w & 1u << EVTCHN_FIFO_LINKED);
        EXPECT(!(w & 1u << EVTCHN_FIFO_BUSY));
        *word(port) = w & ~(1u << EVTCHN_FIFO_LINKED | (uint32_t)EVTCHN_FIFO_LINK_MASK);
        heads[vcpu][q] = w & (uint32_t)EVTCHN_FIFO_LINK_MASK;
        if (!heads[vcpu][q])
            ready[vcpu] &= ~(1u << q);
        if ((w & 1u << EVTCHN_FIFO_PENDING) && !(w & 1u << EVTCHN_FIFO_MASKED)) {
            *word(port) &= ~(1u << EVTCHN_FIFO_PENDING);
            return port;
        }
    }
}

static void fifo_bad_setup(void)
{
    start();
    struct frame *f = sim_frame(a), *foreign = sim_frame(b);
    struct evtchn_init_control ic = {.control_gfn = mfn_x(frame_to_mfn(f))};
    EXPECT_EQ(evtchn_expand_array(ic.control_gfn), -EOPNOTSUPP);
    ic.vcpu = 2;
    EXPECT_EQ(evtchn_init_control(&ic), -ENOENT);
    ic.vcpu = 0;
    ic.offset = 4;
    EXPECT_EQ(evtchn_init_control(&ic), -EINVAL);
    ic.offset = 4096 - 64;
    EXPECT_EQ(evtchn_init_control(&ic), -EINVAL);
    ic.offset = ~7u;
    EXPECT_EQ(evtchn_init_control(&ic), -EINVAL);
    ic.offset = 0;
    ic.control_gfn = mfn_x(frame_to_mfn(foreign));
    EXPECT_EQ(evtchn_init_control(&ic), -EINVAL);
    ic.control_gfn = ~0ull;
    EXPECT_EQ(evtchn_init_control(&ic), -EINVAL);
    EXPECT(!a->evtchn.fifo);
    ic.control_gfn = mfn_x(frame_to_mfn(f));
    EXPECT_EQ(evtchn_init_control(&ic), 0);
    EXPECT_EQ(evtchn_init_control(&ic), -EINVAL);
    EXPECT_EQ(evtchn_expand_array(mfn_x(frame_to_mfn(foreign))), -EINVAL);
    EXPECT_EQ(evtchn_expand_array(~0ull), -EINVAL);
    EXPECT_EQ(sim_frame_writers(f), 1);
    EXPECT_EQ(sim_frame_refs(foreign), 0);
}

static void fifo_order_and_priority(void)
{
    evtchn_port_t p[8];
    start();
    fifo_on(a);
    for (int i = 0; i < 8; i++)
        EXPECT_EQ(evtchn_bind_ipi(0, &p[i]), 0);
    EXPECT_EQ(evtchn_set_priority(p[6], EVTCHN_FIFO_PRIORITY_MAX), 0);
    EXPECT_EQ(evtchn_set_priority(p[7], EVTCHN_FIFO_PRIORITY_MIN), 0);
    EXPECT_EQ(evtchn_set_priority(p[7], EVTCHN_FIFO_PRIORITY_MIN + 1), -EINVAL);
    static const int order[] = {3, 7, 1, 6, 5, 3, 0};
    for (unsigned int i = 0; i < ARRAY_SIZE(order); i++)
        EXPECT_EQ(evtchn_send(a, p[order[i]]), 0);
    EXPECT(upcall(a->vcpu[0]));
    EXPECT_EQ(consume(0), p[6]);
    EXPECT_EQ(consume(0), p[3]);
    EXPECT_EQ(consume(0), p[1]);
    /* While the queue is being read. */
    EXPECT_EQ(evtchn_send(a, p[3]), 0);
    EXPECT_EQ(consume(0), p[5]);
    EXPECT_EQ(consume(0), p[0]);
    EXPECT_EQ(consume(0), p[3]);
    EXPECT_EQ(consume(0), p[7]);
    EXPECT_EQ(consume(0), 0);
}

static void fifo_masked_and_moved(void)
{
    evtchn_port_t pa, pb;
    start();
    channel(&pb, &pa); /* pa belongs to b here */
    fifo_on(b);
    EXPECT(pending(b, pa)); /* carried over from the 2-level form */
    EXPECT_EQ(consume(0), pa);
    sim_as(b->vcpu[0]);
    *word(pa) |= 1u << EVTCHN_FIFO_MASKED;
    EXPECT_EQ(evtchn_send(a, pb), 0);
    EXPECT(pending(b, pa));
    EXPECT_EQ(consume(0), 0);
    EXPECT_EQ(evtchn_bind_vcpu(pa, 1), 0);
    EXPECT_EQ(evtchn_unmask(pa), 0);
    EXPECT_EQ(consume(0), 0);
    EXPECT_EQ(consume(1), pa);
    /* Closed while linked: the port is not used again until the guest has read it off. */
    EXPECT_EQ(evtchn_send(a, pb), 0);
    EXPECT_EQ(evtchn_close(b, pa), 0);
    evtchn_port_t q;
    EXPECT_EQ(evtchn_bind_ipi(0, &q), 0);
    EXPECT(q != pa);
    EXPECT_EQ(consume(1), 0);
    EXPECT_EQ(evtchn_bind_ipi(0, &q), 0);
    EXPECT_EQ(q, pa);
}

static void fifo_grows(void)
{
    evtchn_port_t p = 0;
    sim_start(1);
    a = sim_domain_ports(2, ~0u);
    b = sim_domain(1);
    sim_as(a->vcpu[0]);
    fifo_on(a);
    while (p < 3000)
        EXPECT_EQ(evtchn_bind_ipi(0, &p), 0);
    /* Beyond the array: remembered, and delivered when it reaches so far. */
    EXPECT_EQ(evtchn_send(a, 2500), 0);
    EXPECT_EQ(consume(0), 0);
    array[1] = sim_frame(a);
    EXPECT_EQ(evtchn_expand_array(mfn_x(frame_to_mfn(array[1]))), 0);
    EXPECT_EQ(consume(0), 0);
    array[2] = sim_frame(a);
    EXPECT_EQ(evtchn_expand_array(mfn_x(frame_to_mfn(array[2]))), 0);
    EXPECT_EQ(consume(0), 2500);
    sim_as(dom0->vcpu[0]);
    sim_kill(a);
    EXPECT_EQ(sim_frame_refs(array[0]) + sim_frame_refs(array[2]) + sim_frame_refs(control[1]), 0);
}

/* A full machine of events and a guest that reads them: every event arrives, in its queue's order,
 * whatever moves. */
static void fifo_random(void)
{
    evtchn_port_t p[40];
    bool sent[131072] = {false};
    start();
    fifo_on(a);
    for (unsigned int i = 0; i < ARRAY_SIZE(p); i++) {
        if (i % 2) {
            EXPECT_EQ(evtchn_bind_ipi(i / 2 % 2, &p[i]), 0);
            continue;
        }
        evtchn_port_t q;
        EXPECT_EQ(evtchn_alloc_unbound(a, a->id, &q), 0);
        EXPECT_EQ(evtchn_bind_interdomain(a->id, q, &p[i]), 0);
    }
    while (consume(0) || consume(1))
        ;
    for (unsigned int step = 0; step < 100000; step++) {
        evtchn_port_t x = p[sim_random(ARRAY_SIZE(p))], got;
        struct evtchn *c = port_lookup(a, x);
        switch (sim_random(6)) {
        case 0:
        case 1:
            EXPECT_EQ(evtchn_send(a, c->state == EVTCHNSTAT_ipi ? x : c->u.remote.channel->port),
                      0);
            sent[x] = true;
            break;
        case 2: EXPECT_EQ(evtchn_set_priority(x, sim_random(16)), 0); break;
        case 3: evtchn_bind_vcpu(x, sim_random(2)); break;
        case 4:
            if (sim_random(2))
                *word(x) |= 1u << EVTCHN_FIFO_MASKED;
            else
                EXPECT_EQ(evtchn_unmask(x), 0);
            break;
        case 5:
            got = consume(sim_random(2));
            EXPECT(!got || sent[got]);
            sent[got] = false;
            break;
        }
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
        EXPECT_EQ(evtchn_unmask(p[i]), 0);
    for (unsigned int v = 0; v < 2; v++) {
        evtchn_port_t got;
        while ((got = consume(v)) != 0) {
            EXPECT(sent[got]);
            sent[got] = false;
        }
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
        EXPECT(!sent[p[i]]);
}

/* A guest that scribbles over everything it can: it only hurts itself. */
static void fifo_hostile(void)
{
    evtchn_port_t p[20];
    start();
    fifo_on(a);
    for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
        EXPECT_EQ(evtchn_bind_ipi(i % 2, &p[i]), 0);
    for (unsigned int step = 0; step < 50000; step++) {
        evtchn_port_t x = p[sim_random(ARRAY_SIZE(p))], q;
        switch (sim_random(8)) {
        case 0: *word(sim_random(1024)) = (uint32_t)sim_random(1u << 31) << 1; break;
        case 1: block(sim_random(2))->head[sim_random(16)] = sim_random(1u << 31); break;
        case 2: block(sim_random(2))->ready = sim_random(1u << 31); break;
        case 3: evtchn_set_priority(x, sim_random(20)); break;
        case 4: evtchn_unmask(x); break;
        case 5:
            if (evtchn_close(a, x) == 0)
                evtchn_bind_ipi(sim_random(2), &q);
            break;
        default: evtchn_send(a, x); break;
        }
    }
    sim_as(dom0->vcpu[0]);
    sim_kill(a);
    sim_kill(b);
}

/* b connects to a's unbound channel while a is about to close it, waiting for the channel's lock. */
static struct evtchn *closing, *connecting;

static void connect_now(void)
{
    closing->u.remote.dom = b;
    closing->u.remote.channel = connecting;
    closing->state = EVTCHNSTAT_interdomain;
    connecting->u.remote.dom = a;
    connecting->u.remote.channel = closing;
    connecting->state = EVTCHNSTAT_interdomain;
    spin_unlock(&closing->lock);
}

static void close_against_bind(void)
{
    evtchn_port_t pa, pb;
    start();
    EXPECT_EQ(evtchn_alloc_unbound(a, b->id, &pa), 0);
    EXPECT_EQ(evtchn_alloc_unbound(b, a->id, &pb), 0);
    closing = port_lookup(a, pa);
    connecting = port_lookup(b, pb);
    spin_lock(&closing->lock);
    sim_on_wait = connect_now;
    EXPECT_EQ(evtchn_close(a, pa), 0);
    EXPECT(!sim_on_wait);
    EXPECT_EQ(status(a, pa).status, EVTCHNSTAT_closed);
    EXPECT_EQ(status(b, pb).status, EVTCHNSTAT_unbound);
    EXPECT_EQ(evtchn_send(b, pb), 0);
}

/* ---- life and death ---- */

static void death_unbinds_peers(void)
{
    evtchn_port_t pa[100], pb[100];
    start();
    long before = sim_allocs;
    (void)before;
    for (unsigned int i = 0; i < 100; i++)
        channel(&pa[i], &pb[i]);
    sim_as(dom0->vcpu[0]);
    sim_preempt_every = 2;
    sim_kill(b);
    for (unsigned int i = 0; i < 100; i++) {
        EXPECT_EQ(status(a, pa[i]).status, EVTCHNSTAT_unbound);
        EXPECT_EQ(evtchn_send(a, pa[i]), 0);
    }
    sim_kill(a);
    EXPECT(!domain_get_by_id(1) && !domain_get_by_id(2));
}

static void reset_goes_back_to_two_level(void)
{
    evtchn_port_t p, pa, pb;
    start();
    fifo_on(a);
    channel(&pa, &pb);
    EXPECT_EQ(evtchn_bind_virq(VIRQ_TIMER, 0, &p), 0);
    sim_preempt_every = 2;
    long rc;
    while ((rc = evtchn_reset(a)) == -ERESTART)
        ;
    EXPECT_EQ(rc, 0);
    EXPECT(!a->evtchn.fifo && !a->vcpu[0]->virq_to_evtchn[VIRQ_TIMER]);
    EXPECT_EQ(sim_frame_refs(control[0]) + sim_frame_refs(array[0]), 0);
    EXPECT_EQ(status(b, pb).status, EVTCHNSTAT_unbound);
    /* And all over again. */
    fifo_on(a);
    EXPECT_EQ(evtchn_bind_virq(VIRQ_TIMER, 0, &p), 0);
    send_guest_vcpu_virq(a->vcpu[0], VIRQ_TIMER);
    memset(heads, 0, sizeof(heads));
    EXPECT_EQ(consume(0), p);
}

/* ---- the gate ---- */

static long op(unsigned int cmd, void *arg)
{
    return hc_event_channel_op(cmd, (unsigned long)arg, 0, 0, 0);
}
static void through_the_gate(void)
{
    start();
    struct evtchn_alloc_unbound alloc = {DOMID_SELF, DOMID_SELF, 0};
    for (unsigned int cmd = 0; cmd <= 14; cmd++)
        EXPECT_EQ(op(cmd, SIM_BAD), -EFAULT);
    EXPECT_EQ(op(15, &alloc), -ENOSYS);
    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), 0);
    EXPECT_EQ(status(a, alloc.port).u.unbound.dom, a->id);
    struct evtchn_bind_interdomain bind = {DOMID_SELF, alloc.port, 0};
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &bind), 0);
    EXPECT_EQ(op(EVTCHNOP_send, &bind.local_port), 0);
    EXPECT(pending(a, alloc.port));
    alloc.dom = b->id;
    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), -EPERM);
    alloc.dom = 500;
    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), -ESRCH);
    struct evtchn_reset reset = {b->id};
    EXPECT_EQ(op(EVTCHNOP_reset, &reset), -EPERM);
    sim_as(dom0->vcpu[0]);
    alloc.dom = b->id;
    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), 0);
    EXPECT_EQ(op(EVTCHNOP_reset, &reset), 0);
    domain_unpause_by_tools(b);
    EXPECT_EQ(op(EVTCHNOP_reset, &reset), -EINVAL);
    domain_pause_by_tools(b);
}

/* Peers name each other, virqs their channels; what is closed is nobody's. */
static void check(struct domain *d)
{
    for (evtchn_port_t p = 0; p < d->evtchn.nr_ports; p++) {
        struct evtchn *c = port_lookup(d, p);
        EXPECT_EQ(c->port, p);
        if (c->state == EVTCHNSTAT_interdomain) {
            struct evtchn *r = c->u.remote.channel;
            EXPECT(r->state == EVTCHNSTAT_interdomain && r->u.remote.dom == d &&
                   r->u.remote.channel == c && port_lookup(c->u.remote.dom, r->port) == r);
        }
        if (c->state == EVTCHNSTAT_virq)
            EXPECT(d->vcpu[0]->virq_to_evtchn[c->u.virq] == p ||
                   d->vcpu[1]->virq_to_evtchn[c->u.virq] == p);
    }
    for (unsigned int v = 0; v < 2; v++)
        for (unsigned int i = 0; i < NR_VIRQS; i++) {
            evtchn_port_t p = d->vcpu[v]->virq_to_evtchn[i];
            EXPECT(!p || port_lookup(d, p)->state == EVTCHNSTAT_virq);
        }
    EXPECT_EQ(port_lookup(d, 0)->state, EVTCHNSTAT_closed);
}

/* Random binding of three domains; now and then one dies and another comes. */
static void random_bindings(void)
{
    struct domain *d[3];
    sim_start(1);
    long allocs = sim_allocs;
    for (unsigned int i = 0; i < 3; i++)
        d[i] = sim_domain(2);
    for (unsigned int step = 0; step < 60000; step++) {
        unsigned int i = sim_random(3), j = sim_random(3);
        evtchn_port_t p = sim_random(100), q;
        sim_as(d[i]->vcpu[sim_random(2)]);
        if (sim_random(50) == 0)
            sim_fail_alloc = 1 + sim_random(2);
        switch (sim_random(9)) {
        case 0: evtchn_alloc_unbound(d[i], d[j]->id, &q); break;
        case 1:
        case 2: evtchn_bind_interdomain(d[j]->id, p, &q); break;
        case 3: evtchn_bind_virq(sim_random(4), sim_random(2), &q); break;
        case 4: evtchn_bind_ipi(sim_random(3), &q); break;
        case 5:
        case 6: evtchn_close(d[i], p); break;
        case 7: evtchn_send(d[i], p); break;
        case 8: evtchn_bind_vcpu(p, sim_random(2)); break;
        }
        sim_fail_alloc = 0;
        if (step % 5000 == 4999) {
            sim_as(dom0->vcpu[0]);
            sim_kill(d[i]);
            d[i] = sim_domain(2);
        }
        if (step % 64 == 0)
            for (unsigned int k = 0; k < 3; k++)
                check(d[k]);
    }
    sim_as(dom0->vcpu[0]);
    for (unsigned int i = 0; i < 3; i++)
        sim_kill(d[i]);
    EXPECT(sim_allocs <= allocs + 3 + 1); /* struct domains are kept, and a group of the table */
}

static const struct sim_test tests[] = {
    {"evtchn/interdomain", interdomain},
    {"evtchn/bind_to_oneself", bind_to_oneself},
    {"evtchn/to_a_domain_without_vcpus", to_a_domain_without_vcpus},
    {"evtchn/not_for_us", not_for_us},
    {"evtchn/bad_ports", bad_ports},
    {"evtchn/virqs", virqs},
    {"evtchn/ipis", ipis},
    {"evtchn/pirqs", pirqs},
    {"evtchn/ports_are_limited_and_reused", ports_are_limited_and_reused},
    {"evtchn/two_level_ends_at_4096", two_level_ends_at_4096},
    {"evtchn/masks", masks},
    {"evtchn/goes_to_the_bound_vcpu", goes_to_the_bound_vcpu},
    {"evtchn/wakes", wakes},
    {"evtchn/vcpu_info_moves", vcpu_info_moves},
    {"evtchn/polls", polls},
    {"evtchn/fifo_bad_setup", fifo_bad_setup},
    {"evtchn/fifo_order_and_priority", fifo_order_and_priority},
    {"evtchn/fifo_masked_and_moved", fifo_masked_and_moved},
    {"evtchn/fifo_grows", fifo_grows},
    {"evtchn/fifo_random", fifo_random},
    {"evtchn/fifo_hostile", fifo_hostile},
    {"evtchn/close_against_bind", close_against_bind},
    {"evtchn/death_unbinds_peers", death_unbinds_peers},
    {"evtchn/reset_goes_back_to_two_level", reset_goes_back_to_two_level},
    {"evtchn/through_the_gate", through_the_gate},
    {"evtchn/random_bindings", random_bindings},
};

int main(int argc, char **argv)
{
    return sim_main(tests, ARRAY_SIZE(tests), argc, argv);
}
