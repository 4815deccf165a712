/* SPDX-License-Identifier: GPL-2.0-or-later */
/* event_channel_op, on the two-level words; fifo.c is about the other form. */
#include "conformance.h"
#include "kit/domains.h"
#include "kit/time.h"

static domid_t other; /* an empty domain */

static long unbound(domid_t dom, domid_t remote)
{
    return event_alloc_unbound(dom, remote);
}

static long status_of(domid_t dom, evtchn_port_t port, struct evtchn_status *s)
{
    *s = (struct evtchn_status){.dom = dom, .port = port};
    return hv_event_channel_op(EVTCHNOP_status, s);
}

static long state(evtchn_port_t port)
{
    struct evtchn_status s;
    long rc = status_of(DOMID_SELF, port, &s);

    return rc != 0 ? rc : (long)s.status;
}

static long pirq(uint32_t nr, uint32_t flags)
{
    struct evtchn_bind_pirq op = {.pirq = nr, .flags = flags};
    long rc = hv_event_channel_op(EVTCHNOP_bind_pirq, &op);

    return rc != 0 ? rc : (long)op.port;
}

static long bind_vcpu(evtchn_port_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu op = {.port = port, .vcpu = vcpu};

    return hv_event_channel_op(EVTCHNOP_bind_vcpu, &op);
}

static long unmask(evtchn_port_t port)
{
    struct evtchn_unmask op = {.port = port};

    return hv_event_channel_op(EVTCHNOP_unmask, &op);
}

static long reset(domid_t dom)
{
    struct evtchn_reset op = {.dom = dom};

    return hv_event_channel_op(EVTCHNOP_reset, &op);
}

static long priority(evtchn_port_t port, uint32_t value)
{
    struct evtchn_set_priority op = {.port = port, .priority = value};

    return hv_event_channel_op(EVTCHNOP_set_priority, &op);
}

/* 0 or the error of a call whose answer is a port, which is closed again. */
static long and_close(long port)
{
    return port < 0 ? port : event_close((evtchn_port_t)port);
}

static void interdomain(void)
{
    ROW("alloc_unbound/self", 0, and_close(unbound(DOMID_SELF, DOMID_SELF)));
    ROW("alloc_unbound/own-id", 0, and_close(unbound(0, 0)));
    ROW("alloc_unbound/remote-nobody", 0, and_close(unbound(DOMID_SELF, NOBODY)));
    ROW("alloc_unbound/remote-other", 0, and_close(unbound(DOMID_SELF, other)));
    ROW("alloc_unbound/remote-system", 0, and_close(unbound(DOMID_SELF, DOMID_XEN)));
    ROW("alloc_unbound/remote-invalid", 0, and_close(unbound(DOMID_SELF, DOMID_INVALID)));
    ROW("alloc_unbound/nobody", -XEN_ESRCH, unbound(NOBODY, 0));
    ROW("alloc_unbound/system", -XEN_ESRCH, unbound(DOMID_XEN, 0));
    ROW("alloc_unbound/io", -XEN_ESRCH, unbound(DOMID_IO, 0));
    ROW("alloc_unbound/invalid", -XEN_ESRCH, unbound(DOMID_INVALID, 0));
    evtchn_port_t a = (evtchn_port_t)unbound(DOMID_SELF, DOMID_SELF);
    ROW("status/unbound", EVTCHNSTAT_unbound, state(a));
    ROW("send/unbound", 0, event_send(a));
    long b = event_bind_interdomain(DOMID_SELF, a);
    ROW("bind_interdomain", 1, b > 0);
    ROW("bind_interdomain/again", -XEN_EINVAL, event_bind_interdomain(DOMID_SELF, a));
    ROW("bind_interdomain/its-own-end", -XEN_EINVAL,
        event_bind_interdomain(DOMID_SELF, (evtchn_port_t)b));
    ROW("status/interdomain", EVTCHNSTAT_interdomain, state(a));
    ROW("bind_interdomain/leaves-pending", 1, event_pending((evtchn_port_t)b));
    event_clear((evtchn_port_t)b);
    event_clear(a);
    ROW("send/interdomain", 0, event_send((evtchn_port_t)b));
    ROW("send/interdomain/other-end", 1, event_pending(a));
    ROW("send/interdomain/not-this-end", 0, event_pending((evtchn_port_t)b));
    event_clear(a);
    ROW("close/one-end", 0, event_close((evtchn_port_t)b));
    ROW("close/other-end-unbound", EVTCHNSTAT_unbound, state(a));
    ROW("close/other-end", 0, event_close(a));
    ROW("close/again", -XEN_EINVAL, event_close(a));
    ROW("send/closed", -XEN_EINVAL, event_send(a));
    ROW("bind_interdomain/closed", -XEN_EINVAL, event_bind_interdomain(DOMID_SELF, a));
    ROW("bind_interdomain/port-0", -XEN_EINVAL, event_bind_interdomain(DOMID_SELF, 0));
    ROW("bind_interdomain/port-max", -XEN_EINVAL, event_bind_interdomain(DOMID_SELF, ~0U));
    ROW("bind_interdomain/nobody", -XEN_ESRCH, event_bind_interdomain(NOBODY, 1));
    ROW("bind_interdomain/system", -XEN_ESRCH, event_bind_interdomain(DOMID_XEN, 1));
    a = (evtchn_port_t)unbound(DOMID_SELF, NOBODY);
    ROW("bind_interdomain/meant-for-another", -XEN_EINVAL, event_bind_interdomain(DOMID_SELF, a));
    event_close(a);
}

static void to_other(void)
{
    struct evtchn_status s;

    long theirs = unbound(other, 0);
    ROW("alloc_unbound/other", 1, theirs > 0);
    ROW("status/other", 0, status_of(other, (evtchn_port_t)theirs, &s));
    ROW("status/other/state", EVTCHNSTAT_unbound, s.status);
    ROW("status/other/for-whom", 0, s.u.unbound.dom);
    long mine = event_bind_interdomain(other, (evtchn_port_t)theirs);
    ROW("bind_interdomain/other", 1, mine > 0);
    ROW("status/other/bound", 0, status_of(other, (evtchn_port_t)theirs, &s));
    ROW("status/other/bound/peer", mine, s.u.interdomain.port);
    ROW("send/other", 0, event_send((evtchn_port_t)mine));
    ROW("reset/other-runs", -XEN_EINVAL,
        (domain_unpause(&(struct domain){.id = other}), reset(other)));
    domain_pause(&(struct domain){.id = other});
    ROW("reset/other", 0, reset(other));
    ROW("reset/other/mine-unbound", EVTCHNSTAT_unbound, state((evtchn_port_t)mine));
    event_close((evtchn_port_t)mine);
    long for_nobody = unbound(other, NOBODY);
    ROW("bind_interdomain/other-for-another", -XEN_EINVAL,
        event_bind_interdomain(other, (evtchn_port_t)for_nobody));
}

static void virqs(void)
{
    long v = event_bind_virq(VIRQ_DEBUG, 0);

    ROW("bind_virq/debug", 1, v > 0);
    ROW("bind_virq/again", -XEN_EEXIST, event_bind_virq(VIRQ_DEBUG, 0));
    ROW("status/virq", EVTCHNSTAT_virq, state((evtchn_port_t)v));
    ROW("send/virq", -XEN_EINVAL, event_send((evtchn_port_t)v));
    ROW("bind_vcpu/virq-of-a-vcpu", -XEN_EINVAL, bind_vcpu((evtchn_port_t)v, 0));
    ROW("bind_virq/other-vcpu", 0, and_close(event_bind_virq(VIRQ_DEBUG, 1)));
    event_close((evtchn_port_t)v);
    v = event_bind_virq(VIRQ_DOM_EXC, 0);
    ROW("bind_virq/dom_exc", 1, v > 0);
    ROW("bind_virq/dom_exc-again", -XEN_EEXIST, event_bind_virq(VIRQ_DOM_EXC, 0));
    ROW("bind_vcpu/global-virq", 0, bind_vcpu((evtchn_port_t)v, 1));
    ROW("bind_vcpu/back", 0, bind_vcpu((evtchn_port_t)v, 0));
    event_close((evtchn_port_t)v);
    ROW("bind_virq/global-on-vcpu-1", -XEN_EINVAL, event_bind_virq(VIRQ_DOM_EXC, 1));
    ROW("bind_virq/vcpu-absent", -XEN_ENOENT, event_bind_virq(VIRQ_TIMER, 2));
    ROW("bind_virq/vcpu-max", -XEN_ENOENT, event_bind_virq(VIRQ_TIMER, ~0U));
    ROW("bind_virq/23", 0, and_close(event_bind_virq(23, 0)));
    ROW("bind_virq/24", -XEN_EINVAL, event_bind_virq(24, 0));
    ROW("bind_virq/max", -XEN_EINVAL, event_bind_virq(~0U, 0));
    static const struct {
        const char *name;
        uint32_t nr;
    } all[] = {{"timer", 0},    {"console", 2},  {"tbuf", 4},       {"debugger", 6},
               {"xenoprof", 7}, {"con_ring", 8}, {"pcpu_state", 9}, {"mem_event", 10},
               {"argo", 11},    {"enomem", 12},  {"xenpmu", 13},    {"arch_0", 16}};
    for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        conform_row("bind_virq", all[i].name, 0, and_close(event_bind_virq(all[i].nr, 0)));
    }

    v = event_bind_ipi(0);
    ROW("bind_ipi", 1, v > 0);
    ROW("status/ipi", EVTCHNSTAT_ipi, state((evtchn_port_t)v));
    event_clear((evtchn_port_t)v);
    ROW("send/ipi", 0, event_send((evtchn_port_t)v));
    ROW("send/ipi/pending", 1, event_pending((evtchn_port_t)v));
    ROW("bind_vcpu/ipi", -XEN_EINVAL, bind_vcpu((evtchn_port_t)v, 1));
    ROW("set_priority/two-level", -XEN_ENOSYS, priority((evtchn_port_t)v, 3));
    ROW("unmask", 0, unmask((evtchn_port_t)v));
    ROW("unmask/effect", 0, event_masked((evtchn_port_t)v));
    event_close((evtchn_port_t)v);
    ROW("bind_ipi/other-vcpu", 0, and_close(event_bind_ipi(1)));
    ROW("bind_ipi/vcpu-absent", -XEN_ENOENT, event_bind_ipi(2));
    ROW("bind_ipi/vcpu-max", -XEN_ENOENT, event_bind_ipi(~0U));
}

static void rest(void)
{
    struct evtchn_status s;
    evtchn_port_t a = (evtchn_port_t)unbound(DOMID_SELF, DOMID_SELF);

    ROW("bind_vcpu/unbound", 0, bind_vcpu(a, 1));
    ROW("bind_vcpu/vcpu-absent", -XEN_ENOENT, bind_vcpu(a, 2));
    ROW("bind_vcpu/vcpu-max", -XEN_ENOENT, bind_vcpu(a, ~0U));
    ROW("status/vcpu", 1, status_of(DOMID_SELF, a, &s) == 0 && s.vcpu == 1);
    ROW("bind_vcpu/port-free", -XEN_EINVAL, bind_vcpu(1000, 0));
    ROW("bind_vcpu/port-max", -XEN_EINVAL, bind_vcpu(~0U, 0));
    ROW("close/unbound", 0, event_close(a));
    ROW("status/closed", EVTCHNSTAT_closed, state(a));
    ROW("status/port-0", EVTCHNSTAT_closed, state(0));
    ROW("status/port-4096", -XEN_EINVAL, state(4096));
    ROW("status/port-max", -XEN_EINVAL, state(~0U));
    ROW("status/nobody", -XEN_ESRCH, status_of(NOBODY, 1, &s));
    ROW("status/system", -XEN_ESRCH, status_of(DOMID_XEN, 1, &s));
    ROW("close/port-0", -XEN_EINVAL, event_close(0));
    ROW("close/port-4096", -XEN_EINVAL, event_close(4096));
    ROW("close/port-max", -XEN_EINVAL, event_close(~0U));
    ROW("send/port-0", -XEN_EINVAL, event_send(0));
    ROW("send/port-4096", -XEN_EINVAL, event_send(4096));
    ROW("send/port-max", -XEN_EINVAL, event_send(~0U));
    ROW("unmask/port-free", -XEN_EINVAL, unmask(1000));
    ROW("unmask/port-4096", -XEN_EINVAL, unmask(4096));
    ROW("unmask/port-max", -XEN_EINVAL, unmask(~0U));
    ROW("set_priority/port-max", -XEN_EINVAL, priority(~0U, 3));
    ROW("reset/nobody", -XEN_ESRCH, reset(NOBODY));
    ROW("reset/system", -XEN_ESRCH, reset(DOMID_XEN));
    ROW("bind_pirq/not-mapped", -XEN_EINVAL, pirq(300, 0));
    ROW("bind_pirq/max", -XEN_EINVAL, pirq(~0U, 0));
    ROW("15", -XEN_ENOSYS, hv_event_channel_op(15, &s));
    ROW("1000", -XEN_ENOSYS, hv_event_channel_op(1000, &s));
    ROW("minus-1", -XEN_ENOSYS, hv_event_channel_op(-1, &s));
}

static void pointers(void)
{
    static const struct {
        const char *name;
        int cmd;
    } ops[] = {{"bind_interdomain", 0},
               {"bind_virq", 1},
               {"bind_pirq", 2},
               {"close", 3},
               {"send", 4},
               {"status", 5},
               {"alloc_unbound", 6},
               {"bind_ipi", 7},
               {"bind_vcpu", 8},
               {"unmask", 9},
               {"reset", 10},
               {"init_control", 11},
               {"expand_array", 12},
               {"set_priority", 13}};

    for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        POINTERS(ops[i].name, -XEN_EFAULT, p, hv_event_channel_op(ops[i].cmd, p));
    }
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_bind_virq virq = {.virq = VIRQ_CONSOLE};
    struct evtchn_bind_ipi ipi = {0};
    struct evtchn_status status = {.dom = DOMID_SELF, .port = 1};
    READONLY("alloc_unbound", -XEN_EFAULT, p, alloc,
             hv_event_channel_op(EVTCHNOP_alloc_unbound, p));
    READONLY("bind_virq", -XEN_EFAULT, p, virq, hv_event_channel_op(EVTCHNOP_bind_virq, p));
    READONLY("bind_ipi", -XEN_EFAULT, p, ipi, hv_event_channel_op(EVTCHNOP_bind_ipi, p));
    READONLY("status", -XEN_EFAULT, p, status, hv_event_channel_op(EVTCHNOP_status, p));
    /* What could not be told must not be kept. */
    ROW("bind_virq/read-only/not-kept", 0, and_close(event_bind_virq(VIRQ_CONSOLE, 0)));
}

static long init_control(uint64_t frame, uint32_t offset, uint32_t vcpu)
{
    struct evtchn_init_control op = {.control_gfn = frame, .offset = offset, .vcpu = vcpu};

    return hv_event_channel_op(EVTCHNOP_init_control, &op);
}

static long expand(uint64_t frame)
{
    struct evtchn_expand_array op = {.array_gfn = frame};

    return hv_event_channel_op(EVTCHNOP_expand_array, &op);
}

/* The last thing: from here on events go by queues. reset() brings the two levels back. */
static void fifo(void)
{
    void *control = page_alloc_zeroed(), *array = page_alloc_zeroed();
    unsigned long mfn = virt_to_mfn(control);

    ROW("expand_array/two-level", -XEN_EOPNOTSUPP, expand(virt_to_mfn(array)));
    ROW("init_control/vcpu-absent", -XEN_ENOENT, init_control(mfn, 0, 2));
    ROW("init_control/vcpu-max", -XEN_ENOENT, init_control(mfn, 0, ~0U));
    ROW("init_control/unaligned", -XEN_EINVAL, init_control(mfn, 4, 0));
    ROW("init_control/off-the-page", -XEN_EINVAL, init_control(mfn, 4096 - 64, 0));
    ROW("init_control/offset-max", -XEN_EINVAL, init_control(mfn, ~7U, 0));
    ROW("init_control/frame-max", -XEN_EINVAL, init_control(~0UL, 0, 0));
    ROW("init_control/page-table", -XEN_EINVAL, init_control(virt_to_mfn(l4_kernel()), 0, 0));
    ROW("init_control", 0, init_control(mfn, 0, 0));
    ROW("init_control/again", -XEN_EINVAL, init_control(mfn, 0, 0));
    ROW("expand_array/frame-max", -XEN_EINVAL, expand(~0UL));
    ROW("expand_array/page-table", -XEN_EINVAL, expand(virt_to_mfn(l4_kernel())));
    ROW("expand_array", 0, expand(virt_to_mfn(array)));
    evtchn_port_t a = (evtchn_port_t)event_bind_ipi(0);
    ROW("set_priority", 0, priority(a, 3));
    ROW("set_priority/lowest", 0, priority(a, EVTCHN_FIFO_PRIORITY_MIN));
    ROW("set_priority/16", -XEN_EINVAL, priority(a, 16));
    ROW("set_priority/max", -XEN_EINVAL, priority(a, ~0U));
    ROW("set_priority/free", -XEN_EINVAL, priority(1000, 3));
    ROW("reset/self", 0, reset(DOMID_SELF));
    ROW("reset/self/closes", EVTCHNSTAT_closed, state(a));
    ROW("reset/two-level-again", -XEN_EOPNOTSUPP, expand(virt_to_mfn(array)));
}

void conform_event(void)
{
    struct domain d;

    conform_family("event_channel_op");
    if (domain_create_empty(&d, &(struct domain_config){.vcpus = 1}) != 0) {
        kit_panic("no domain");
    }
    other = d.id;
    interdomain();
    to_other();
    virqs();
    rest();
    pointers();
    fifo();
    domain_destroy(&d);
}
