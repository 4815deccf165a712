/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grants (to the domain itself), giving memory back and taking it, and two vCPUs on one CPU. */
#include "bench.h"
#include "kit/grants.h"
#include "kit/vcpus.h"

#define WINDOW 0x0000210000000000UL
#define NR     32
#define REF    8

static struct gnttab_map_grant_ref maps[NR];
static struct gnttab_unmap_grant_ref unmaps[NR];
static struct gnttab_copy copies[NR];
static void *lent[NR], *target[NR];

#define GNTTAB(cmd, array, n) STUB3(__HYPERVISOR_grant_table_op, cmd, array, n)

static void prepare_maps(unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        maps[i] = (struct gnttab_map_grant_ref){
            .host_addr = WINDOW + i * PAGE_SIZE, .flags = GNTMAP_host_map, .ref = REF + i};
    }
}

static void prepare_unmaps(unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        unmaps[i] = (struct gnttab_unmap_grant_ref){.host_addr = WINDOW + i * PAGE_SIZE,
                                                    .handle = maps[i].handle};
    }
}

static void map_and_unmap(const char *map_name, const char *unmap_name, unsigned int n)
{
    uint64_t best_map = ~0UL, best_unmap = ~0UL;

    for (unsigned int round = 0; round < 16; round++) {
        prepare_maps(n);
        uint64_t t0 = rdtsc();
        GNTTAB(GNTTABOP_map_grant_ref, maps, n);
        uint64_t t1 = rdtsc();
        for (unsigned int i = 0; i < n; i++) {
            if (maps[i].status != GNTST_okay) {
                report_failure(map_name, maps[i].status);
                report_failure(unmap_name, maps[i].status);
                return;
            }
        }
        prepare_unmaps(n);
        uint64_t t2 = rdtsc();
        GNTTAB(GNTTABOP_unmap_grant_ref, unmaps, n);
        uint64_t t3 = rdtsc();
        best_map = t1 - t0 < best_map ? t1 - t0 : best_map;
        best_unmap = t3 - t2 < best_unmap ? t3 - t2 : best_unmap;
    }
    report(map_name, best_map - rdtsc_cost, n);
    report(unmap_name, best_unmap - rdtsc_cost, n);
    TRACE_PAIR(map_name, unmap_name, prepare_maps(n);
               GNTTAB(GNTTABOP_map_grant_ref, maps, n), prepare_unmaps(n);
               GNTTAB(GNTTABOP_unmap_grant_ref, unmaps, n));
}

static void copy(const char *name, unsigned int n, uint16_t length)
{
    for (unsigned int i = 0; i < n; i++) {
        copies[i] =
            (struct gnttab_copy){.source = {.u.ref = REF + i, .domid = DOMID_SELF},
                                 .dest = {.u.gmfn = virt_to_mfn(target[i]), .domid = DOMID_SELF},
                                 .len = length,
                                 .flags = GNTCOPY_source_gref};
        copies[i].source.domid = 0;
    }
    GNTTAB(GNTTABOP_copy, copies, n);
    if (copies[n - 1].status != GNTST_okay) {
        report_failure(name, copies[n - 1].status);
        return;
    }
    MEASURE(name, n, GNTTAB(GNTTABOP_copy, copies, n));
}

void bench_grants(void)
{
    grants_init();
    for (unsigned int i = 0; i < NR; i++) {
        lent[i] = page_alloc_zeroed();
        target[i] = page_alloc_zeroed();
        map_page(l4_kernel(), WINDOW + i * PAGE_SIZE, 0);
        grant_access(REF + i, 0, virt_to_mfn(lent[i]), 0);
    }
    map_and_unmap("grant_map_b1", "grant_unmap_b1", 1);
    map_and_unmap("grant_map_b32", "grant_unmap_b32", NR);
    copy("grant_copy4k_b1", 1, 4096);
    copy("grant_copy4k_b32", NR, 4096);
    copy("grant_copy64B_b32", NR, 64);
}

static xen_pfn_t frames[64];

static void reservation(const char *decrease, const char *populate, unsigned int n)
{
    /* pfns that the kit never maps */
    unsigned long first = kit_start_info->nr_pages - 50000;
    struct xen_memory_reservation op = {.nr_extents = n, .domid = DOMID_SELF};
    uint64_t best1 = ~0UL, best2 = ~0UL;

    set_xen_guest_handle(op.extent_start, frames);
    for (unsigned int round = 0; round < 16; round++) {
        for (unsigned int i = 0; i < n; i++) {
            frames[i] = pfn_to_mfn(first + i);
            /* Used once: a page that was mapped must be flushed before it has another owner. */
            hv_update_va_mapping(WINDOW, (uint64_t)frames[i] << 12 | PTE_KERNEL, UVMF_NONE);
        }
        hv_update_va_mapping(WINDOW, 0, UVMF_INVLPG);
        uint64_t t0 = rdtsc();
        long rc1 = STUB2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &op);
        uint64_t t1 = rdtsc();
        for (unsigned int i = 0; i < n; i++) {
            frames[i] = first + i;
        }
        uint64_t t2 = rdtsc();
        long rc2 = STUB2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &op);
        uint64_t t3 = rdtsc();
        if (rc1 != (long)n || rc2 != (long)n) {
            report_failure(decrease, rc1);
            report_failure(populate, rc2);
            return;
        }
        for (unsigned int i = 0; i < n; i++) {
            p2m()[first + i] = frames[i];
        }
        if (round == 0) {
            continue; /* the pages of the first round were never mapped */
        }
        best1 = t1 - t0 < best1 ? t1 - t0 : best1;
        best2 = t3 - t2 < best2 ? t3 - t2 : best2;
    }
    report(decrease, best1 - rdtsc_cost, n);
    report(populate, best2 - rdtsc_cost, n);
}

void bench_memory(void)
{
    map_page(l4_kernel(), WINDOW, 0);
    reservation("memory_decrease_b1", "memory_populate_b1", 1);
    reservation("memory_decrease_b64", "memory_populate_b64", 64);
}

/* Two vCPUs, one CPU: each sends to the other and polls for the answer. */
static evtchn_port_t ping, pong;

static inline void take(evtchn_port_t port)
{
    kit_shared->evtchn_pending[port / 64] &= ~(1UL << port % 64);
}

static void wait_for(evtchn_port_t *port)
{
    struct sched_poll poll = {.nr_ports = 1};

    set_xen_guest_handle(poll.ports, port);
    while (!event_pending(*port)) {
        STUB2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
    }
    take(*port);
    this_vcpu_info()->evtchn_pending_sel = 0;
    this_vcpu_info()->evtchn_upcall_pending = 0;
}

static void partner(void *arg)
{
    struct evtchn_send send = {.port = pong};

    (void)arg;
    for (;;) {
        wait_for(&ping);
        STUB2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
    }
}

void bench_pingpong(void)
{
    struct evtchn_send send;
    long p = event_bind_ipi(1), q = event_bind_ipi(0);

    TRY("vcpu_pingpong_roundtrip", p);
    TRY("vcpu_pingpong_roundtrip", q);
    ping = (evtchn_port_t)p;
    pong = (evtchn_port_t)q;
    event_unmask(ping);
    event_unmask(pong);
    send.port = ping;
    TRY("vcpu_pingpong_roundtrip", vcpu_start(1, partner, NULL));
    MEASURE("vcpu_pingpong_roundtrip", 1, {
        STUB2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
        wait_for(&pong);
    });
}
