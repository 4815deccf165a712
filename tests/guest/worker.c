/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest of many domains; see worker.h. */
#include "worker.h"
#include "kit/console.h"
#include "kit/domains.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/hypercall.h"
#include "kit/memory.h"
#include "kit/start.h"
#include "kit/time.h"
#include "kit/vcpus.h"

static struct worker_page *page;
static evtchn_port_t timer_port, peer_port;
static volatile uint32_t by_dom0, by_peer, by_timer; /* events that were not looked at yet */

static void on_event(evtchn_port_t port)
{
    if (port == page->dom0_port) {
        by_dom0++;
    } else if (port == timer_port) {
        by_timer++;
    } else {
        by_peer++;
    }
}

static bool failed(long rc)
{
    if (rc < 0 && page->error == 0) {
        page->error = rc;
    }
    return rc < 0;
}

/* Blocks until one of the counters is set, which it takes; also when Domain 0 has something new to say. */
static bool wait_for(volatile uint32_t *events)
{
    events_off();
    while (*events == 0 && by_dom0 == 0) {
        hv_sched_op(SCHEDOP_block, NULL); /* lets events in */
        events_off();
    }
    bool came = *events != 0;

    *events = 0;
    events_on();
    return came;
}

static void count(void *vcpu)
{
    unsigned int n = (unsigned int)(unsigned long)vcpu;

    while (page->role == WORKER_SPIN) {
        for (unsigned int i = 0; i < 200; i++) {
            page->counter[n]++;
        }
        __asm__ volatile("pause"); /* QEMU lets the next CPU have a turn */
    }
    if (n != 0) {
        vcpu_down_self();
    }
}

static void spin(void)
{
    for (unsigned int i = 1; i < page->vcpus && i < WORKER_VCPUS; i++) {
        failed(vcpu_start(i, count, (void *)(unsigned long)i));
    }
    count(NULL);
}

static void bind_peer(void)
{
    long port = page->peer_port;

    if (peer_port != 0) {
        return;
    }
    if (page->role == WORKER_PING) {
        port = event_bind_interdomain((domid_t)page->peer_dom, page->peer_port);
    }
    if (!failed(port)) {
        peer_port = (evtchn_port_t)port;
        event_handle(peer_port, on_event);
    }
}

static void answer(evtchn_port_t port)
{
    page->done++;
    failed(event_send(port));
}

static void echo(void)
{
    answer(page->dom0_port); /* the order itself */
    while (page->role == WORKER_ECHO) {
        evtchn_port_t to = 0;

        wait_for(&by_peer);
        /* wait_for() took the peer's; Domain 0's are counted still. */
        if (by_dom0 != 0) {
            by_dom0 = 0;
            to = page->dom0_port;
        } else {
            to = peer_port;
        }
        if (page->role == WORKER_ECHO && to != 0) {
            answer(to);
        }
    }
}

static void note(uint64_t ns)
{
    page->sum += ns;
    page->max = ns > page->max ? ns : page->max;
    page->done++;
}

/* Sleeps; how late it was, in ns. */
static uint64_t sleep_for(uint64_t ns)
{
    uint64_t deadline = time_now() + ns, now;

    by_timer = 0;
    failed(timer_set(deadline, 0));
    while (!wait_for(&by_timer) && by_dom0 == 0) {
    }
    now = time_now();
    return now > deadline ? now - deadline : 0;
}

static void ping(void)
{
    /* Binding sends an event to both sides, which is no answer: let that pass. */
    sleep_for(page->gap);
    by_peer = 0;
    for (uint32_t i = 0; i < page->rounds && page->role == WORKER_PING; i++) {
        uint64_t start = time_now();

        failed(event_send(peer_port));
        if (wait_for(&by_peer)) {
            note(time_now() - start);
        }
        sleep_for(page->gap);
    }
}

static void nap(void)
{
    for (uint32_t i = 0; i < page->rounds && page->role == WORKER_SLEEP; i++) {
        note(sleep_for(page->gap));
    }
}

/* The role is played to its end; then rest, until Domain 0 sends an event. */
static void play(void)
{
    by_dom0 = 0;
    switch (page->role) {
    case WORKER_SPIN: spin(); break;
    case WORKER_ECHO:
        bind_peer();
        echo();
        return; /* the event that ended it was the next order */
    case WORKER_PING:
        bind_peer();
        ping();
        break;
    case WORKER_SLEEP: nap(); break;
    default: break;
    }
    wait_for(&by_dom0);
}

void guest_main(void)
{
    static uint32_t *lent[WORKER_GRANTS];

    page = domain_shared();
    hv_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL); /* a PV vCPU starts with a tick of 100 Hz */
    grants_init();
    for (unsigned int i = 0; i < WORKER_GRANTS; i++) {
        lent[i] = page_alloc_zeroed();
        *lent[i] = WORKER_MAGIC + i;
        grant_access(WORKER_REF + i, 0, virt_to_mfn(lent[i]), 0);
    }
    timer_port = (evtchn_port_t)event_bind_virq(VIRQ_TIMER, 0);
    event_handle(timer_port, on_event);
    event_handle(page->dom0_port, on_event);
    events_on();
    kprintf("worker: up\n");
    page->ready = 1;
    for (;;) {
        play();
    }
}
