/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each allocation fails once. A scripted life of two domains, by hypercalls: made, filled, connected by
 * channels and grants, on FIFO, exchanging frames, ended. The n-th allocation of it fails, for every n:
 * what was asked for is refused for want of memory, or done in part; all books are right; and at the
 * end as many frames are free as if nothing had happened.
 */
#include "host/host.h"
#include "tests/unit/whole/whole.h"
#include "domain/grant_internal.h"
#include "mm/alloc.h"
#include "hypercalls/abi/event_channel.h"
#include "hypercalls/abi/grant_table.h"
#include "hypercalls/abi/memory.h"
#include "hypercalls/abi/vcpu.h"

#define FRAMES 24

static unsigned int refusals; /* of the run */
static const char *step;

static void audit(void)
{
    const char *violation = whole_audit();

    if (violation)
        unit_fail(__FILE__, __LINE__, "after %s: %s", step, violation);
}

/* An answer that is no error, or the one for no memory; whether it is the former. */
static bool answer(long rc, const char *what)
{
    step = what;
    if (rc < 0 && rc != -ENOMEM)
        unit_fail(__FILE__, __LINE__, "%s answers %ld", what, rc);
    refusals += rc < 0;
    audit();
    return rc >= 0;
}

static long domctl(uint32_t cmd, domid_t id, const struct xen_domctl *args)
{
    struct xen_domctl *op = whole_arena(0);

    *op = args ? *args : (struct xen_domctl){0};
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = id;
    return whole_hypercall(whole_dom0.d->vcpu[0], __HYPERVISOR_domctl, WHOLE_ARENA, 0, 0, 0, 0);
}

static long call(struct vcpu *v, unsigned int nr, unsigned long a1, unsigned long a2,
                 unsigned long a3)
{
    return whole_hypercall(v, nr, a1, a2, a3, 0, 0);
}

/* Created, vCPUs, memory: as the tools do it. */
static bool create(domid_t id)
{
    struct xen_domctl op = {0};
    struct xen_memory_reservation *r = whole_arena(0x1000);
    struct vcpu *v0 = whole_dom0.d->vcpu[0];

    op.u.createdomain = (struct xen_domctl_createdomain){.max_vcpus = 2,
                                                         .max_evtchn_port = 1023,
                                                         .max_grant_frames = 3,
                                                         .max_maptrack_frames = 2,
                                                         .grant_opts = 1};
    if (!answer(domctl(XEN_DOMCTL_createdomain, id, &op), "createdomain"))
        return false;
    op = (struct xen_domctl){.u.max_vcpus.max = 2};
    if (!answer(domctl(XEN_DOMCTL_max_vcpus, id, &op), "max_vcpus"))
        return false;
    op = (struct xen_domctl){.u.max_mem.max_memkb = (FRAMES + 16) * 4};
    answer(domctl(XEN_DOMCTL_max_mem, id, &op), "max_mem");
    for (unsigned int i = 0; i < 4; i++) {
        *r = (struct xen_memory_reservation){.extent_start.p = whole_arena(0x1100),
                                             .nr_extents = 2,
                                             .extent_order = i % 2,
                                             .domid = id};
        answer(call(v0, __HYPERVISOR_memory_op, XENMEM_populate_physmap, (uint64_t)r, 0),
               "populate_physmap");
    }
    return true;
}

static void destroy(domid_t id)
{
    long rc = domctl(XEN_DOMCTL_destroydomain, id, NULL);

    step = "destroydomain";
    if (rc && rc != -ESRCH)
        unit_fail(__FILE__, __LINE__, "destroydomain answers %ld", rc);
    whole_softirqs();
    audit();
}

/* FIFO channels of a, and one channel between both. */
static void channels(struct whole_guest *a, struct whole_guest *b)
{
    struct evtchn_init_control *control = whole_arena(0);
    struct evtchn_expand_array *array = whole_arena(0);
    struct evtchn_alloc_unbound *unbound = whole_arena(0);
    struct evtchn_bind_interdomain *bind = whole_arena(0);
    struct vcpu *va = a->d->vcpu[0], *vb = b->d->vcpu[0];
    evtchn_port_t port = 0;

    for (unsigned int i = 0; i < 70; i++) {
        *unbound = (struct evtchn_alloc_unbound){.dom = DOMID_SELF, .remote_dom = b->d->id};
        if (answer(call(va, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, WHOLE_ARENA, 0),
                   "alloc_unbound"))
            port = unbound->port;
    }
    *bind = (struct evtchn_bind_interdomain){.remote_dom = a->d->id, .remote_port = port};
    if (port)
        answer(call(vb, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, WHOLE_ARENA, 0),
               "bind_interdomain");
    *control = (struct evtchn_init_control){.control_gfn = mfn_x(a->frame[8]), .vcpu = 0};
    if (!answer(call(va, __HYPERVISOR_event_channel_op, EVTCHNOP_init_control, WHOLE_ARENA, 0),
                "init_control"))
        return;
    *array = (struct evtchn_expand_array){.array_gfn = mfn_x(a->frame[9])};
    answer(call(va, __HYPERVISOR_event_channel_op, EVTCHNOP_expand_array, WHOLE_ARENA, 0),
           "expand_array");
}

/* a's grants, mapped and unmapped by b; its table grows. */
static void grants(struct whole_guest *a, struct whole_guest *b)
{
    struct gnttab_setup_table *setup = whole_arena(0);
    struct gnttab_map_grant_ref *map = whole_arena(0);
    struct gnttab_unmap_grant_ref *unmap = whole_arena(0);
    struct vcpu *va = a->d->vcpu[0], *vb = b->d->vcpu[0];

    *setup = (struct gnttab_setup_table){
        .dom = DOMID_SELF, .nr_frames = 3, .frame_list.p = whole_arena(0x1000)};
    answer(call(va, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, WHOLE_ARENA, 1),
           "setup_table");
    for (unsigned int i = 0; i < 4; i++) {
        *shared_entry(a->d->grant_table, 8 + i) =
            (grant_entry_v1_t){.flags = GTF_permit_access,
                               .domid = b->d->id,
                               .frame = (uint32_t)mfn_x(a->frame[10 + i])};
        *map = (struct gnttab_map_grant_ref){
            .host_addr = WHOLE_VA(40 + i), .flags = GNTMAP_host_map, .ref = 8 + i, .dom = a->d->id};
        answer(call(vb, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, WHOLE_ARENA, 1),
               "map_grant_ref");
        if (map->status != GNTST_okay) {
            EXPECT_EQ(map->status, GNTST_no_space);
            refusals++;
            continue;
        }
        if (i & 1) /* the others stay mapped until both die */
            continue;
        *unmap =
            (struct gnttab_unmap_grant_ref){.host_addr = WHOLE_VA(40 + i), .handle = map->handle};
        answer(call(vb, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, WHOLE_ARENA, 1),
               "unmap_grant_ref");
        EXPECT_EQ(unmap->status, GNTST_okay);
    }
}

static void memory(struct whole_guest *a)
{
    struct xen_memory_exchange *ex = whole_arena(0);
    uint64_t *in = whole_arena(0x1000), *out = whole_arena(0x1100);
    struct vcpu *va = a->d->vcpu[0];
    struct vcpu_register_vcpu_info *info = whole_arena(0);

    /* Not mapped any more, so that they can be exchanged. */
    for (unsigned int i = 0; i < 4; i++) {
        answer(call(va, __HYPERVISOR_update_va_mapping, WHOLE_VA(16 + i), 0, UVMF_TLB_FLUSH),
               "update_va_mapping");
        in[i] = mfn_x(a->frame[16 + i]);
        out[i] = 200 + i;
    }
    *ex = (struct xen_memory_exchange){
        .in = {.extent_start.p = in, .nr_extents = 4, .domid = DOMID_SELF},
        .out = {.extent_start.p = out, .nr_extents = 4, .domid = DOMID_SELF}};
    answer(call(va, __HYPERVISOR_memory_op, XENMEM_exchange, WHOLE_ARENA, 0), "exchange");
    *info = (struct vcpu_register_vcpu_info){.mfn = mfn_x(a->frame[7]), .offset = 64};
    answer(call(va, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, WHOLE_ARENA),
           "register_vcpu_info");
}

static void life(void)
{
    struct whole_guest a, b;
    bool have_a, have_b;

    if (create(3))
        answer(domctl(XEN_DOMCTL_unpausedomain, 3, NULL), "unpausedomain");
    /* Two that execute, with tables; these come from a function, which gives all back. */
    have_a = whole_guest_create(&a, 1, 2, FRAMES);
    have_b = whole_guest_create(&b, 2, 2, FRAMES);
    refusals += !have_a + !have_b;
    step = "making guests";
    audit();
    if (have_a && have_b) {
        channels(&a, &b);
        grants(&a, &b);
        memory(&a);
    }
    /* The lender first: what is mapped of it outlives it. */
    destroy(1);
    destroy(2);
    destroy(3);
}

static void each_allocation(void)
{
    unsigned long allocations;
    unsigned int refused = 0;
    uint64_t free;

    whole_start(2, 1024);
    for (unsigned int i = 0; i < 2; i++) { /* what the first one leaves is kept for the next */
        life();
        EXPECT_EQ(refusals, 0);
    }
    free = frames_free_count();
    allocations = whole_allocs;
    life();
    allocations = whole_allocs - allocations;
    EXPECT(allocations > 100);
    EXPECT_EQ(frames_free_count(), free);
    for (unsigned long n = 1; n <= allocations; n++) {
        refusals = 0;
        whole_fail_at = (unsigned int)n;
        life();
        if (whole_fail_at)
            unit_fail(__FILE__, __LINE__, "allocation %lu was not asked for", n);
        refused += refusals != 0;
        if (frames_free_count() != free)
            unit_fail(__FILE__, __LINE__, "allocation %lu of %lu: %lu frames are free, not %lu", n,
                      allocations, frames_free_count(), free);
    }
    printf("# %lu allocations, of which %u were refused to who asked\n", allocations, refused);
    EXPECT(refused > 50);
}

static const struct unit_test tests[] = {
    {"no-memory-each-allocation", each_allocation},
};
int main(int argc, char **argv)
{
    return unit_main(tests, ARRAY_SIZE(tests), argc, argv);
}
