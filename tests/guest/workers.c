/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domain 0's side of the workers; see workers.h. */
#include "workers.h"
#include "kit/console.h"
#include "kit/hypercall.h"
#include "kit/start.h"
#include "kit/string.h"
#include "kit/time.h"
#include "hypercalls/abi/sysctl.h"

#define MS       1000000UL
#define PATIENCE (100000 * MS)

static evtchn_port_t timer_port;

/* Blocks until `port`, whose event is masked, is pending, or a deadline has passed. */
static bool poll_port(evtchn_port_t port, uint64_t deadline)
{
    struct sched_poll poll = {.nr_ports = 1, .timeout = deadline};

    set_xen_guest_handle(poll.ports, &port);
    while (!event_pending(port)) {
        if (deadline != 0 && time_now() >= deadline) {
            return false;
        }
        hv_sched_op(SCHEDOP_poll, &poll);
    }
    event_clear(port);
    return true;
}

void dom0_sleep(uint64_t ns)
{
    uint64_t deadline = time_now() + ns;

    if (timer_port == 0) {
        hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
        timer_port = (evtchn_port_t)event_bind_virq(VIRQ_TIMER, 0);
    }
    poll_port(timer_port, deadline);
}

bool dom0_wait(volatile uint32_t *word, uint32_t value)
{
    uint64_t end = time_now() + PATIENCE;

    while (*word < value) {
        if (time_now() > end) {
            return false;
        }
        dom0_sleep(MS / 10);
    }
    return true;
}

static struct xen_sysctl *physinfo(void)
{
    static struct xen_sysctl op;

    op.cmd = XEN_SYSCTL_physinfo;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    if (HYPERCALL1(__HYPERVISOR_sysctl, &op) != 0) {
        kit_panic("no physinfo");
    }
    return &op;
}

uint64_t free_pages(void)
{
    return physinfo()->u.physinfo.free_pages;
}

unsigned int host_cpus(void)
{
    return physinfo()->u.physinfo.nr_cpus;
}

static long connect_dom0(struct worker *w)
{
    long port = event_alloc_unbound(w->domain.id, 0);

    if (port < 0) {
        return port;
    }
    w->page->dom0_port = (uint32_t)port;
    port = event_bind_interdomain(w->domain.id, (evtchn_port_t)port);
    if (port < 0) {
        return port;
    }
    w->port = (evtchn_port_t)port;
    event_mask(w->port);
    event_clear(w->port);
    return 0;
}

long worker_make(struct worker *w, unsigned int vcpus)
{
    struct domain_config config = {.vcpus = vcpus, .spare_pages = 64};
    long rc = domain_make(&w->domain, &config);

    if (rc != 0) {
        return rc;
    }
    w->page = w->domain.shared;
    w->page->vcpus = vcpus;
    w->port = 0;
    rc = connect_dom0(w);
    if (rc != 0) {
        worker_end(w);
    }
    return rc;
}

long worker_begin(struct worker *w)
{
    long rc = domain_unpause(&w->domain);

    if (rc == 0 && !dom0_wait(&w->page->ready, 1)) {
        domain_print(&w->domain, "# worker: ");
        rc = -1;
    }
    return rc;
}

long worker_start(struct worker *w, unsigned int vcpus)
{
    long rc = worker_make(w, vcpus);

    if (rc == 0) {
        rc = worker_begin(w);
        if (rc != 0) {
            worker_end(w);
        }
    }
    return rc;
}

long worker_end(struct worker *w)
{
    if (w->port != 0) {
        event_close(w->port);
    }
    return domain_destroy(&w->domain);
}

void worker_order(struct worker *w, enum worker_role role)
{
    w->page->done = 0;
    w->page->sum = w->page->max = 0;
    w->page->role = role;
    event_send(w->port);
}

long workers_connect(struct worker *from, struct worker *to)
{
    long port = event_alloc_unbound(to->domain.id, from->domain.id);

    if (port < 0) {
        return port;
    }
    from->page->peer_dom = to->domain.id;
    from->page->peer_port = to->page->peer_port = (uint32_t)port;
    return 0;
}

void worker_wait_answer(struct worker *w)
{
    poll_port(w->port, 0);
}
