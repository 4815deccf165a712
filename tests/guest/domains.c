/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several domains: made, at work with each other, and destroyed without a page lost. */
#include "test.h"
#include "kit/grants.h"
#include "kit/time.h"
#include "workers.h"

#define MS     1000000UL
#define WINDOW 0x0000220000000000UL
#define MANY   24

static struct worker workers[MANY];

/* Frames of the dead come back a little later on some hypervisors. */
static bool free_again(uint64_t pages)
{
    uint64_t end = time_now() + 100000 * MS;

    while (free_pages() < pages) {
        if (time_now() > end) {
            return false;
        }
        dom0_sleep(MS);
    }
    return true;
}

static bool gone(domid_t id)
{
    struct xen_domctl_getdomaininfo info;
    uint64_t end = time_now() + 100000 * MS;

    while (domain_info(id, &info) == 0) {
        if (time_now() > end) {
            return false;
        }
        dom0_sleep(MS);
    }
    return true;
}

TEST(make_and_destroy)
{
    struct worker *w = &workers[0];
    uint64_t free = 0;

    for (unsigned int round = 0; round < 3; round++) {
        if (round == 1) {
            free = free_pages(); /* what the first one left is kept for the next */
        }
        CHECK_EQ(worker_start(w, 1 + round), 0);
        struct xen_domctl_getdomaininfo info;
        CHECK_EQ(domain_info(w->domain.id, &info), 0);
        CHECK_EQ(info.tot_pages, w->domain.nr_pages);
        CHECK_EQ(info.max_vcpu_id, round);
        CHECK_EQ(info.nr_online_vcpus, 1);
        CHECK_EQ(w->page->error, 0);
        domid_t id = w->domain.id;
        CHECK_EQ(worker_end(w), 0);
        CHECK(gone(id));
    }
    CHECK(free_again(free));
}

TEST(events)
{
    struct worker *w = &workers[0];

    CHECK_EQ(worker_start(w, 1), 0);
    worker_order(w, WORKER_ECHO);
    worker_wait_answer(w);
    for (unsigned int i = 0; i < 20; i++) {
        CHECK_EQ(event_send(w->port), 0);
        worker_wait_answer(w);
    }
    CHECK_EQ(w->page->done, 21);
    CHECK_EQ(w->page->error, 0);
    CHECK_EQ(worker_end(w), 0);
}

TEST(guest_to_guest)
{
    struct worker *a = &workers[0], *b = &workers[1];

    CHECK_EQ(worker_start(a, 1), 0);
    CHECK_EQ(worker_start(b, 1), 0);
    CHECK_EQ(workers_connect(a, b), 0);
    worker_order(b, WORKER_ECHO);
    worker_wait_answer(b);
    a->page->rounds = 50;
    a->page->gap = MS / 10;
    worker_order(a, WORKER_PING);
    CHECK(dom0_wait(&a->page->done, 50));
    CHECK_EQ(a->page->error, 0);
    CHECK_EQ(b->page->error, 0);
    CHECK_EQ(worker_end(a), 0);
    CHECK_EQ(worker_end(b), 0);
}

/* A lender dies while its page is mapped: the page stays until it is let go, then all of it is gone. */
static void lender_dies(void)
{
    struct worker *w = &workers[0];
    struct gnttab_map_grant_ref map = {
        .host_addr = WINDOW, .flags = GNTMAP_host_map, .ref = WORKER_REF + 3};
    struct gnttab_unmap_grant_ref unmap = {.host_addr = WINDOW};
    struct xen_domctl_getdomaininfo info;

    CHECK_EQ(worker_start(w, 1), 0);
    domid_t id = w->domain.id;
    map.dom = id;
    CHECK_EQ(hv_grant_table_op(GNTTABOP_map_grant_ref, &map, 1), 0);
    CHECK_EQ(map.status, GNTST_okay);
    unmap.handle = map.handle;
    CHECK_EQ(*(volatile uint32_t *)WINDOW, WORKER_MAGIC + 3);
    CHECK_EQ(worker_end(w), 0);
    CHECK_EQ(*(volatile uint32_t *)WINDOW, WORKER_MAGIC + 3);
    CHECK_EQ(domain_info(id, &info), 0);
    CHECK(info.flags & XEN_DOMINF_dying);
    CHECK_EQ(hv_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
    CHECK_EQ(unmap.status, GNTST_okay);
    CHECK(gone(id));
}

TEST(dying_lender)
{
    CHECK_EQ(map_page(l4_kernel(), WINDOW, 0), 0);
    lender_dies(); /* our own table of handles grows, for good */
    uint64_t free = free_pages();
    lender_dies();
    CHECK(free_again(free));
}

TEST(many)
{
    struct xen_domctl_getdomaininfo info;
    uint64_t free = 0;

    for (unsigned int round = 0; round < 2; round++) {
        for (unsigned int i = 0; i < MANY; i++) {
            CHECK_EQ(worker_start(&workers[i], 1), 0);
            CHECK_EQ(domain_info(workers[i].domain.id, &info), 0);
        }
        /* From the middle on, so that lists are cut in all ways. */
        for (unsigned int i = 0; i < MANY; i++) {
            struct worker *w = &workers[(i + MANY / 2) % MANY];
            domid_t id = w->domain.id;

            CHECK_EQ(worker_end(w), 0);
            CHECK(gone(id));
        }
        if (round == 0) {
            free = free_pages();
        }
    }
    CHECK(free_again(free));
}
