/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What operations cost while 1, 8 and 64 other guests live, what a guest costs in memory, and what making and
 * destroying one costs while 0, 50 and 200 live. Domain 0 makes the guests itself (kit/domains.h); they are blocked
 * meanwhile. Names are `operation/guests@CPUs`. On several CPUs the clock counts the instructions of all of them.
 */
#include "bench.h"
#include "kit/grants.h"
#include "kit/time.h"
#include "hypercalls/abi/sysctl.h"
#include "tests/guest/workers.h"

#define MAX_GUESTS 200
#define WINDOW     0x0000210000000000UL
#define BATCH      32

extern char bench_pf_iretq[];

static struct worker workers[MAX_GUESTS + 1];
static unsigned int alive, cpus;
static char name[80];

static const char *row(const char *operation)
{
    ksnprintf(name, sizeof(name), "%s/%u@%u", operation, alive, cpus);
    return name;
}

/* So many guests live afterwards. */
static bool populate(unsigned int n)
{
    while (alive < n) {
        long rc = worker_start(&workers[alive], 1);

        if (rc != 0) {
            kprintf("# guest %u: %ld\n", alive, rc);
            return false;
        }
        alive++;
    }
    while (alive > n) {
        worker_end(&workers[--alive]);
    }
    return true;
}

/* ---- operations ---- */

static void calls_and_events(void)
{
    struct worker *w = &workers[alive - 1];
    struct evtchn_send send = {.port = w->port};
    uint64_t far = time_now() + 1000000000UL;

    MEASURE(row("hypercall_null"), 1, STUB2(__HYPERVISOR_xen_version, XENVER_version, 0));
    MEASURE(row("set_timer_op_far"), 1, STUB2(__HYPERVISOR_set_timer_op, far, 0));
    STUB2(__HYPERVISOR_set_timer_op, 0, 0);
    MEASURE(row("sched_yield"), 1, STUB2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0));

    /* It is stopped: the event stays pending, nobody wakes. */
    domain_pause(&w->domain);
    MEASURE(row("evtchn_send_other"), 1,
            STUB2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send));
    domain_unpause(&w->domain);
    dom0_sleep(1000000);

    worker_order(w, WORKER_ECHO);
    worker_wait_answer(w);
    MEASURE(row("wake_block_switch_roundtrip"), 1, {
        STUB2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
        worker_wait_answer(w);
    });
    worker_order(w, WORKER_REST);
    dom0_sleep(1000000);
}

static void update_all(uint64_t l1, uint64_t value)
{
    static struct mmu_update reqs[BATCH];

    for (unsigned int n = 0; n < BATCH; n++) {
        reqs[n].ptr = l1 + 8 * n;
        reqs[n].val = value;
    }
    STUB(__HYPERVISOR_mmu_update, reqs, BATCH, 0, DOMID_SELF);
}

static void memory(void)
{
    static void *page[2];
    struct trap_info fault[2] = {
        {.vector = 14, .cs = 0xe033, .address = (unsigned long)bench_pf_iretq}};

    for (unsigned int i = 0; i < 2; i++) {
        page[i] = page[i] != NULL ? page[i] : page_alloc_zeroed();
    }
    map_page(l4_kernel(), WINDOW, 0);
    uint64_t a = (uint64_t)virt_to_mfn(page[0]) << 12 | PTE_KERNEL;
    uint64_t b = (uint64_t)virt_to_mfn(page[1]) << 12 | PTE_KERNEL;
    uint64_t l1 = virt_to_maddr(pt_entry(l4_kernel(), WINDOW, 1));

    MEASURE(row("update_va_mapping_noflush"), 1,
            STUB3(__HYPERVISOR_update_va_mapping, WINDOW, i & 1 ? a : b, UVMF_NONE));
    MEASURE(row("mmu_update_b32"), BATCH, update_all(l1, i & 1 ? a : b));
    for (unsigned int n = 0; n < BATCH; n++) {
        hv_update_va_mapping(WINDOW + n * PAGE_SIZE, 0, UVMF_INVLPG | UVMF_ALL);
    }
    hv_set_trap_table(fault);
    MEASURE(row("pf_bounce_iretq"), 1,
            __asm__ volatile("mov (%0), %%al"
                             :
                             : "D"(0x0000700000000000UL)
                             : "rax", "rcx", "r11", "memory"));
    hv_set_trap_table(traps_table());
}

static void grants(void)
{
    static struct gnttab_map_grant_ref map;
    static struct gnttab_unmap_grant_ref unmap;
    static struct gnttab_copy copy;
    static void *to;
    domid_t dom = workers[alive - 1].domain.id;
    uint64_t best_map = ~0UL, best_unmap = ~0UL;

    to = to != NULL ? to : page_alloc_zeroed();
    for (unsigned int round = 0; round < 16; round++) {
        map = (struct gnttab_map_grant_ref){
            .host_addr = WINDOW, .flags = GNTMAP_host_map, .ref = WORKER_REF, .dom = dom};
        uint64_t t0 = rdtsc();
        STUB3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &map, 1);
        uint64_t t1 = rdtsc();
        unmap = (struct gnttab_unmap_grant_ref){.host_addr = WINDOW, .handle = map.handle};
        uint64_t t2 = rdtsc();
        STUB3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &unmap, 1);
        uint64_t t3 = rdtsc();
        TRY(row("grant_map"), map.status);
        best_map = t1 - t0 < best_map ? t1 - t0 : best_map;
        best_unmap = t3 - t2 < best_unmap ? t3 - t2 : best_unmap;
    }
    report(row("grant_map"), best_map - rdtsc_cost, 1);
    report(row("grant_unmap"), best_unmap - rdtsc_cost, 1);
    copy = (struct gnttab_copy){.source = {.u.ref = WORKER_REF, .domid = dom},
                                .dest = {.u.gmfn = virt_to_mfn(to), .domid = DOMID_SELF},
                                .len = 64,
                                .flags = GNTCOPY_source_gref};
    MEASURE(row("grant_copy64B"), 1, STUB3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &copy, 1));
}

static void lists(void)
{
    static struct xen_domctl_getdomaininfo all[MAX_GUESTS + 8];
    static struct xen_sysctl list;
    static struct xen_domctl one;
    uint64_t best = ~0UL;

    for (unsigned int i = 0; i < 3; i++) {
        list.cmd = XEN_SYSCTL_getdomaininfolist;
        list.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
        list.u.getdomaininfolist.first_domain = 0;
        list.u.getdomaininfolist.max_domains = MAX_GUESTS + 8;
        set_xen_guest_handle(list.u.getdomaininfolist.buffer, all);
        uint64_t start = rdtsc();
        TRY(row("getdomaininfolist_per_guest"), HYPERCALL1(__HYPERVISOR_sysctl, &list));
        uint64_t took = rdtsc() - start - rdtsc_cost;
        best = took < best ? took : best;
    }
    report(row("getdomaininfolist_per_guest"), best, list.u.getdomaininfolist.num_domains);
    MEASURE(row("getdomaininfo_last"), 1,
            domain_control(&one, XEN_DOMCTL_getdomaininfo, workers[alive - 1].domain.id));
}

/* ---- a guest more ---- */

/* Instructions of the hypervisor and of the builder here, which is the same on each hypervisor. */
static void creation(unsigned int vcpus)
{
    struct domain_config config = {.vcpus = vcpus, .spare_pages = 64};
    uint64_t empty = ~0UL, fill = ~0UL, destroy = ~0UL;

    for (unsigned int i = 0; i < 3; i++) {
        struct domain d;
        uint64_t t0 = rdtsc();
        TRY(row("domain_create_empty"), domain_create_empty(&d, &config));
        uint64_t t1 = rdtsc();
        TRY(row("domain_fill"), domain_fill(&d, &config));
        uint64_t t2 = rdtsc();
        TRY(row("domain_destroy"), domain_destroy(&d));
        uint64_t t3 = rdtsc();
        empty = t1 - t0 < empty ? t1 - t0 : empty;
        fill = t2 - t1 < fill ? t2 - t1 : fill;
        destroy = t3 - t2 < destroy ? t3 - t2 : destroy;
        dom0_sleep(10000000);
    }
    report(row("domain_create_empty"), empty, 1);
    report(row("domain_fill"), fill, 1);
    report(row("domain_destroy"), destroy, 1);
}

/* What of the hypervisor's memory a guest takes beyond its own pages, on the average of some. */
static void memory_of_guest(unsigned int vcpus)
{
    enum { SOME = 16 };
    uint64_t before, after, own = 0;
    unsigned int base = alive;

    populate(alive + 1); /* what the first one leaves for good */
    populate(base);
    dom0_sleep(50000000);
    before = free_pages();
    while (alive < base + SOME && worker_start(&workers[alive], vcpus) == 0) {
        own += workers[alive++].domain.nr_pages;
    }
    after = free_pages();
    ksnprintf(name, sizeof(name), "guest_memory_kib_%uvcpu@%u", vcpus, cpus);
    report(name, (before - after - own) * 4, SOME);
    populate(base);
    dom0_sleep(50000000);
}

void guest_main(void)
{
    static const unsigned int guests[] = {1, 8, 64};
    static const unsigned int living[] = {0, 50, 200};
    uint64_t start = rdtsc();

    rdtsc_cost = rdtsc() - start;
    cpus = host_cpus();
    grants_init();
    dom0_sleep(1000000);
    for (unsigned int i = 0; i < 3 && populate(guests[i]); i++) {
        calls_and_events();
        memory();
        grants();
        lists();
    }
    populate(0);
    memory_of_guest(1);
    memory_of_guest(4);
    for (unsigned int i = 0; i < 3 && cpus == 1 && populate(living[i]); i++) {
        creation(1);
    }
}
