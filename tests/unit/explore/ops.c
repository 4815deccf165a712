/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations, each a hypercall (or what a guest does to memory that it shares), and their models. */
#include "explore.h"
#include "domain/grant_internal.h"
#include "hypercalls/abi/memory.h"
#include "hypercalls/abi/sched.h"
#include "pv/descriptors.h"
#include "x86/switch.h"

#define RO (PTE_PRESENT | PTE_USER)
#define RW (PTE_PRESENT | PTE_USER | PTE_RW)
#define A  0
#define B  1

/* ---- page tables ------------------------------------------------------------------------------------ */

static uint64_t flags_of(unsigned int c)
{
    return c == 2 ? RW : c == 1 ? RO : 0;
}
static pte_t entry_of(const struct op *op)
{
    return op->c ? pte_make(frame_of(op->by, op->b), flags_of(op->c)) : 0;
}

/* Entry (a % 16) of frame (a / 16) becomes frame b, c: 0 absent, 1 read-only, 2 writable. */
static void run_entry(const struct op *op)
{
    uint64_t table = mfn_x(frame_of(op->by, op->a / 16)) << PAGE_SHIFT;

    *(struct mmu_update *)whole_arena(0) = (struct mmu_update){
        .ptr = table + op->a % 16 * sizeof(pte_t) + MMU_NORMAL_PT_UPDATE, .val = entry_of(op)};
    do_call(op, __HYPERVISOR_mmu_update, WHOLE_ARENA, 1, 0, DOMID_SELF);
}
static void add_entry(unsigned int by, unsigned int table, unsigned int index, unsigned int frame,
                      unsigned int access)
{
    add_op((struct op){run_entry, "mmu_update, entry %u := frame %u, access %u", (uint16_t)by,
                       (uint16_t)(table * 16 + index), (uint16_t)frame, (uint16_t)access});
}

/* Two at once, which can be preempted between: entry 9 of the L1, then as above. */
static void run_entries(const struct op *op)
{
    uint64_t table = mfn_x(frame_of(op->by, op->a / 16)) << PAGE_SHIFT;
    struct mmu_update *u = whole_arena(0);

    u[0].ptr = (mfn_x(frame_of(op->by, 3)) << PAGE_SHIFT) + 9 * sizeof(pte_t);
    u[0].val = u[1].val = entry_of(op);
    u[1].ptr = table + op->a % 16 * sizeof(pte_t);
    do_call(op, __HYPERVISOR_mmu_update, WHOLE_ARENA, 2, 0, DOMID_SELF);
}

/* Page a of the first 2 MiB becomes frame b, c as above; with INVLPG here. */
static void run_va(const struct op *op)
{
    do_call(op, __HYPERVISOR_update_va_mapping, WHOLE_VA(op->a), entry_of(op),
            UVMF_INVLPG | UVMF_LOCAL, 0);
}
static void add_va(unsigned int by, unsigned int page, unsigned int frame, unsigned int access)
{
    add_op((struct op){run_va, "update_va_mapping, page %u := frame %u, access %u", (uint16_t)by,
                       (uint16_t)page, (uint16_t)frame, (uint16_t)access});
}

static void run_mmuext(const struct op *op)
{
    *(struct mmuext_op *)whole_arena(0) =
        (struct mmuext_op){.cmd = op->a, .arg1.mfn = op->c ? 0 : mfn_x(frame_of(op->by, op->b))};
    do_call(op, __HYPERVISOR_mmuext_op, WHOLE_ARENA, 1, 0, DOMID_SELF);
}
/* c: no frame. */
static void add_mmuext(unsigned int by, unsigned int cmd, unsigned int frame, bool none)
{
    add_op((struct op){run_mmuext, "mmuext_op %u, frame %u (none: %u)", (uint16_t)by, (uint16_t)cmd,
                       (uint16_t)frame, none});
}

/* ---- descriptors -------------------------------------------------------------------------------------- */

static void run_gdt(const struct op *op)
{
    *(uint64_t *)whole_arena(0) = mfn_x(frame_of(op->by, op->a));
    do_call(op, __HYPERVISOR_set_gdt, WHOLE_ARENA, op->b, 0, 0);
}
/* The LDT is page a (b: none), and its first descriptor is used. */
static void run_ldt(const struct op *op)
{
    struct vcpu *v = domain_of(op->by)->vcpu[0];
    uint64_t va = PV_LDT_VA(v);

    *(struct mmuext_op *)whole_arena(0) = (struct mmuext_op){.cmd = MMUEXT_SET_LDT,
                                                             .arg1.linear_addr = WHOLE_VA(op->a),
                                                             .arg2.nr_ents = op->b ? 0 : 512};
    do_call(op, __HYPERVISOR_mmuext_op, WHOLE_ARENA, 1, 0, DOMID_SELF);
    whole_enter(v);
    if (!op->b)
        pv_ldt_fault(v, &va);
}

/* ---- reservation ---------------------------------------------------------------------------------------- */

static struct xen_memory_reservation reservation(uint64_t list)
{
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    r.extent_start.p = (void *)list;
    return r;
}

static void run_decrease(const struct op *op)
{
    *(uint64_t *)whole_arena(0x100) = mfn_x(frame_of(op->by, op->a));
    *(struct xen_memory_reservation *)whole_arena(0) = reservation(WHOLE_ARENA + 0x100);
    do_call(op, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, WHOLE_ARENA, 0, 0);
}
/* What it gets is called frame a from now on. */
static void run_populate(const struct op *op)
{
    *(uint64_t *)whole_arena(0x100) = op->a;
    *(struct xen_memory_reservation *)whole_arena(0) = reservation(WHOLE_ARENA + 0x100);
    if (do_call(op, __HYPERVISOR_memory_op, XENMEM_populate_physmap, WHOLE_ARENA, 0, 0) == 1)
        world.g[op->by].frame[op->a] = mfn_make(*(uint64_t *)whole_arena(0x100));
}
static void run_exchange(const struct op *op)
{
    struct xen_memory_exchange *x = whole_arena(0);

    *(uint64_t *)whole_arena(0x100) = mfn_x(frame_of(op->by, op->a));
    *(uint64_t *)whole_arena(0x180) = op->a;
    *x = (struct xen_memory_exchange){.in = reservation(WHOLE_ARENA + 0x100),
                                      .out = reservation(WHOLE_ARENA + 0x180)};
    if (do_call(op, __HYPERVISOR_memory_op, XENMEM_exchange, WHOLE_ARENA, 0, 0) == 0)
        world.g[op->by].frame[op->a] = mfn_make(*(uint64_t *)whole_arena(0x180));
}
static void run_destroy(const struct op *op)
{
    *(struct xen_domctl *)whole_arena(0) =
        (struct xen_domctl){.cmd = XEN_DOMCTL_destroydomain,
                            .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                            .domain = (domid_t)(op->a + 1)};
    do_call(op, __HYPERVISOR_domctl, WHOLE_ARENA, 0, 0, 0);
}
/* VCPUOP_register_vcpu_info: kept until death. */
static void run_vcpu_info(const struct op *op)
{
    *(struct vcpu_register_vcpu_info *)whole_arena(0) =
        (struct vcpu_register_vcpu_info){.mfn = mfn_x(frame_of(op->by, op->a))};
    do_call(op, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, WHOLE_ARENA, 0);
}

/* ---- grants --------------------------------------------------------------------------------------------- */

#define REF 8

static domid_t other_id(const struct op *op)
{
    return (domid_t)(2 - op->by);
}
/* Not offered to PV guests any more: must be refused, changing nothing. */
static void run_transfer(const struct op *op)
{
    *(struct gnttab_transfer *)whole_arena(0) = (struct gnttab_transfer){
        .mfn = mfn_x(frame_of(op->by, op->a)), .domid = other_id(op), .ref = REF};
    do_call(op, __HYPERVISOR_grant_table_op, GNTTABOP_transfer, WHOLE_ARENA, 1, 0);
}
/* In its own table: entry REF + b lends frame a to the other; c: 0 no more, 1 read-only, 2 writable. */
static void run_lend(const struct op *op)
{
    grant_entry_v1_t *e = shared_entry(domain_of(op->by)->grant_table, REF + op->b);
    uint16_t in_use = e->flags & (GTF_reading | GTF_writing);

    *e = (grant_entry_v1_t){.flags = (uint16_t)(in_use | (op->c ? GTF_permit_access : 0) |
                                                (op->c == 1 ? GTF_readonly : 0)),
                            .domid = other_id(op),
                            .frame = (uint32_t)mfn_x(frame_of(op->by, op->a))};
}
/* The other's entry REF + a at page b, or (b >= 16) in the entry b - 16 of the L1 by its machine
 * address; c: flags. */
static void run_map(const struct op *op)
{
    struct gnttab_map_grant_ref *m = whole_arena(0);
    uint64_t entry = (mfn_x(frame_of(op->by, 3)) << PAGE_SHIFT) + op->b % 16 * sizeof(pte_t);

    *m = (struct gnttab_map_grant_ref){.host_addr = op->b >= 16 ? entry : WHOLE_VA(op->b),
                                       .flags = op->c,
                                       .ref = REF + op->a,
                                       .dom = other_id(op)};
    do_call(op, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, WHOLE_ARENA, 1, 0);
    if (m->status == GNTST_okay)
        world.handle[op->by] = m->handle;
}
/* Handle a (2: the last one), page or entry b as above, c: device part. */
static void run_unmap(const struct op *op)
{
    struct gnttab_unmap_grant_ref *u = whole_arena(0);
    uint64_t entry = (mfn_x(frame_of(op->by, 3)) << PAGE_SHIFT) + op->b % 16 * sizeof(pte_t);
    grant_handle_t h = op->a == 2 ? world.handle[op->by] : op->a;
    const struct grant_table *gt = domain_of(op->by)->grant_table;

    *u = (struct gnttab_unmap_grant_ref){.host_addr = op->b >= 16 ? entry : WHOLE_VA(op->b),
                                         .handle = h};
    if (op->c && h < gt->nr_maptrack)
        u->dev_bus_addr = (uint64_t)gt->maptrack[0][h].mfn << PAGE_SHIFT;
    do_call(op, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, WHOLE_ARENA, 1, 0);
}
/* From the other's entry REF + a to frame b (c: the other way). */
static void run_copy(const struct op *op)
{
    struct gnttab_copy *c = whole_arena(0);
    struct gnttab_copy_ptr granted = {.u.ref = REF + op->a, .domid = other_id(op)};
    struct gnttab_copy_ptr own = {.u.gmfn = mfn_x(frame_of(op->by, op->b)), .domid = DOMID_SELF};

    *c = (struct gnttab_copy){.source = op->c ? own : granted,
                              .dest = op->c ? granted : own,
                              .len = 8,
                              .flags = op->c ? GNTCOPY_dest_gref : GNTCOPY_source_gref};
    do_call(op, __HYPERVISOR_grant_table_op, GNTTABOP_copy, WHOLE_ARENA, 1, 0);
}
static void run_swap(const struct op *op)
{
    *(struct gnttab_swap_grant_ref *)whole_arena(0) =
        (struct gnttab_swap_grant_ref){.ref_a = REF, .ref_b = REF + 1};
    do_call(op, __HYPERVISOR_grant_table_op, GNTTABOP_swap_grant_ref, WHOLE_ARENA, 1, 0);
}

/* ---- event channels ------------------------------------------------------------------------------------- */

static void run_alloc_unbound(const struct op *op)
{
    struct evtchn_alloc_unbound *e = whole_arena(0);

    *e = (struct evtchn_alloc_unbound){.dom = DOMID_SELF, .remote_dom = op->a};
    if (do_call(op, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, WHOLE_ARENA, 0, 0) == 0)
        world.port[op->by] = e->port;
}
/* To port b of domain a. */
static void run_bind(const struct op *op)
{
    *(struct evtchn_bind_interdomain *)whole_arena(0) =
        (struct evtchn_bind_interdomain){.remote_dom = op->a, .remote_port = op->b};
    do_call(op, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, WHOLE_ARENA, 0, 0);
}
static void run_virq(const struct op *op)
{
    *(struct evtchn_bind_virq *)whole_arena(0) = (struct evtchn_bind_virq){.virq = op->a};
    do_call(op, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, WHOLE_ARENA, 0, 0);
}
/* close, send, unmask (a) of port b. */
static void run_port(const struct op *op)
{
    *(evtchn_port_t *)whole_arena(0) = op->b;
    do_call(op, __HYPERVISOR_event_channel_op, op->a, WHOLE_ARENA, 0, 0);
}
static void run_reset(const struct op *op)
{
    *(struct evtchn_reset *)whole_arena(0) = (struct evtchn_reset){.dom = DOMID_SELF};
    do_call(op, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, WHOLE_ARENA, 0, 0);
}
/* Waits for port a; until an event comes it can do no more. */
static void run_poll(const struct op *op)
{
    *(evtchn_port_t *)whole_arena(0x100) = op->a;
    struct sched_poll *poll = whole_arena(0);
    *poll = (struct sched_poll){.nr_ports = 1};
    poll->ports.p = whole_arena(0x100);
    do_call(op, __HYPERVISOR_sched_op, SCHEDOP_poll, WHOLE_ARENA, 0, 0);
}
/* The FIFO form, its control block in frame a; then its array in frame b. */
static void run_fifo(const struct op *op)
{
    *(struct evtchn_init_control *)whole_arena(0) =
        (struct evtchn_init_control){.control_gfn = mfn_x(frame_of(op->by, op->a))};
    do_call(op, __HYPERVISOR_event_channel_op, EVTCHNOP_init_control, WHOLE_ARENA, 0, 0);
    *(struct evtchn_expand_array *)whole_arena(0) =
        (struct evtchn_expand_array){.array_gfn = mfn_x(frame_of(op->by, op->b))};
    do_call(op, __HYPERVISOR_event_channel_op, EVTCHNOP_expand_array, WHOLE_ARENA, 0, 0);
}

/* ---- models ------------------------------------------------------------------------------------------------ */

static void add(void (*run)(const struct op *op), const char *name, unsigned int by, unsigned int a,
                unsigned int b, unsigned int c)
{
    add_op((struct op){run, name, (uint16_t)by, (uint16_t)a, (uint16_t)b, (uint16_t)c});
}
static void add_destroy(unsigned int a)
{
    add(run_destroy, "destroy domain %u", DOMAINS, a, 0, 0);
}

/* One domain, and what it can make of one frame (4) and of its tables. */
static void make_tables(void)
{
    add_va(A, 4, 4, 0);
    add_va(A, 4, 4, 2);
    add_entry(A, 3, 8, 4, 1);
    add_entry(A, 3, 8, 4, 2);
    add_entry(A, 3, 8, 3, 2); /* refused: a table */
    add_entry(A, 3, 8, 0, 0);
    /* Contents of frame 4 while it is data, or its entries while it is a table. */
    add_entry(A, 4, 0, 5, 2);
    add_entry(A, 4, 0, 3, 2);
    add_entry(A, 4, 0, 4, 2);          /* itself */
    add_entry(A, 4, 1, FRAMES + 5, 1); /* the other domain's */
    add_entry(A, 4, 0, 0, 0);
    /* As a table of each level. */
    add_entry(A, 2, 1, 4, 2);
    add_entry(A, 2, 1, 0, 0);
    add_entry(A, 1, 1, 4, 2);
    add_entry(A, 0, 1, 4, 2);
    add_entry(A, 2, 0, 0, 0); /* its first 2 MiB go */
    add_entry(A, 1, 0, 0, 0); /* its first 1 GiB goes */
    add_mmuext(A, MMUEXT_PIN_L1_TABLE, 4, false);
    add_mmuext(A, MMUEXT_PIN_L2_TABLE, 4, false);
    add_mmuext(A, MMUEXT_PIN_L4_TABLE, 4, false);
    add_mmuext(A, MMUEXT_UNPIN_TABLE, 4, false);
    add_mmuext(A, MMUEXT_PIN_L4_TABLE, 0, false);
    add_mmuext(A, MMUEXT_UNPIN_TABLE, 0, false);
    add_mmuext(A, MMUEXT_NEW_BASEPTR, 4, false);
    add_mmuext(A, MMUEXT_NEW_BASEPTR, 0, false);
    add_mmuext(A, MMUEXT_NEW_USER_BASEPTR, 4, false);
    add_mmuext(A, MMUEXT_NEW_USER_BASEPTR, 0, true);
    add(run_entries, "mmu_update of two, entry %u := frame %u, access %u", A, 4 * 16, 5, 1);
}

/* One domain: descriptor tables, balloon, exchange, vcpu_info, with frame 4 and its mappings. */
static void make_frames(void)
{
    add_va(A, 4, 4, 0);
    add_va(A, 4, 4, 2);
    add_va(A, 5, 4, 1);
    add_entry(A, 3, 4, 0, 0); /* without INVLPG */
    add(run_gdt, "set_gdt, frame %u, %u entries", A, 4, 512, 0);
    add(run_gdt, "set_gdt, frame %u, %u entries", A, 4, 0, 0);
    add(run_ldt, "set_ldt, page %u (none: %u), used", A, 5, 0, 0);
    add(run_ldt, "set_ldt, page %u (none: %u), used", A, 5, 1, 0);
    add_mmuext(A, MMUEXT_PIN_L1_TABLE, 4, false);
    add_mmuext(A, MMUEXT_UNPIN_TABLE, 4, false);
    add_entry(A, 4, 0, 6, 2);
    add(run_decrease, "decrease_reservation, frame %u", A, 4, 0, 0);
    add(run_decrease, "decrease_reservation, frame %u", A, 6, 0, 0);
    add(run_populate, "populate_physmap, frame %u", A, 4, 0, 0);
    add(run_populate, "populate_physmap, frame %u", B, 6, 0, 0);
    add(run_exchange, "exchange, frame %u", A, 4, 0, 0);
    add(run_vcpu_info, "register_vcpu_info, frame %u", A, 4, 0, 0);
    add(run_fifo, "FIFO events, frames %u, %u", A, 4, 6, 0);
    add(run_reset, "EVTCHNOP_reset", A, 0, 0, 0);
    add_mmuext(A, MMUEXT_CLEAR_PAGE, 4, false);
    add_destroy(A);
}

/* A lends frames 4 and 5 to B. */
static void make_grants(void)
{
    add(run_lend, "lends frame %u by entry 8 + %u, access %u", A, 4, 0, 2);
    add(run_lend, "lends frame %u by entry 8 + %u, access %u", A, 4, 1, 1);
    add(run_lend, "lends frame %u by entry 8 + %u, access %u", A, 5, 0, 1);
    add(run_lend, "lends frame %u by entry 8 + %u, access %u", A, 4, 0, 0);
    add(run_map, "maps entry 8 + %u at page %u, flags %u", B, 0, 8, GNTMAP_host_map);
    add(run_map, "maps entry 8 + %u at page %u, flags %u", B, 0, 8 + 16,
        GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly);
    add(run_map, "maps entry 8 + %u at page %u, flags %u", B, 1, 9,
        GNTMAP_host_map | GNTMAP_readonly);
    add(run_map, "maps entry 8 + %u at page %u, flags %u", B, 0, 9,
        GNTMAP_host_map | GNTMAP_device_map);
    add(run_unmap, "unmaps handle %u at page %u (device: %u)", B, 0, 8, 0);
    add(run_unmap, "unmaps handle %u at page %u (device: %u)", B, 1, 9, 0);
    add(run_unmap, "unmaps handle %u at page %u (device: %u)", B, 2, 9, 1);
    add(run_unmap, "unmaps handle %u at page %u (device: %u)", B, 2, 8 + 16, 0);
    add_va(B, 8, 5, 2);
    add_va(B, 8, 0, 0);
    add_va(B, 8, FRAMES + 4, 2); /* as it may be mapped there by a grant */
    add(run_copy, "copies entry 8 + %u, frame %u (to it: %u)", B, 0, 5, 0);
    add(run_copy, "copies entry 8 + %u, frame %u (to it: %u)", B, 0, 5, 1);
    add(run_swap, "swaps entries 8 and 9", A, 0, 0, 0);
    add(run_transfer, "transfers frame %u", A, 4, 0, 0);
    add_va(A, 4, 4, 0);
    add_mmuext(A, MMUEXT_PIN_L1_TABLE, 4, false);
    add_mmuext(A, MMUEXT_UNPIN_TABLE, 4, false);
    add(run_decrease, "decrease_reservation, frame %u", A, 4, 0, 0);
    add(run_populate, "populate_physmap, frame %u", A, 4, 0, 0);
    add(run_exchange, "exchange, frame %u", A, 4, 0, 0);
    add_entry(B, 2, 0, 0, 0); /* the table with the grants goes */
    add_destroy(A);
    add_destroy(B);
}

static void make_events(void)
{
    add(run_alloc_unbound, "alloc_unbound for domain %u", A, 2, 0, 0);
    add(run_alloc_unbound, "alloc_unbound for domain %u", B, 1, 0, 0);
    add(run_alloc_unbound, "alloc_unbound for domain %u", A, 1, 0, 0);
    add(run_bind, "bind_interdomain to domain %u, port %u", B, 1, 1, 0);
    add(run_bind, "bind_interdomain to domain %u, port %u", B, 1, 2, 0);
    add(run_bind, "bind_interdomain to domain %u, port %u", A, 2, 1, 0);
    add(run_bind, "bind_interdomain to domain %u, port %u", A, 1, 1, 0);
    add(run_virq, "bind_virq %u", A, VIRQ_TIMER, 0, 0);
    add(run_virq, "bind_virq %u", A, VIRQ_CONSOLE, 0, 0);
    for (unsigned int port = 1; port <= 2; port++) {
        add(run_port, "EVTCHNOP %u, port %u", A, EVTCHNOP_close, port, 0);
        add(run_port, "EVTCHNOP %u, port %u", B, EVTCHNOP_close, port, 0);
        add(run_port, "EVTCHNOP %u, port %u", A, EVTCHNOP_send, port, 0);
    }
    add(run_poll, "SCHEDOP_poll, port %u", B, 1, 0, 0);
    add(run_reset, "EVTCHNOP_reset", A, 0, 0, 0);
    add(run_fifo, "FIFO events, frames %u, %u", A, 4, 5, 0);
    add(run_fifo, "FIFO events, frames %u, %u", B, 4, 5, 0);
    add_destroy(A);
    add_destroy(B);
}

/*
 * Frame 6 is made for an L2 whose first two entries are the L1s 4 and 5: its validation and its end can be
 * interrupted in the middle. None of them is mapped writable.
 */
static void prepare_partial(void)
{
    struct op op = {.by = A, .c = 1};
    pte_t *l2 = mfn_to_virt(frame_of(A, 6));

    for (unsigned int i = 4; i < 7; i++) {
        op.a = op.b = (uint16_t)i;
        run_va(&op);
    }
    l2[0] = pte_make(frame_of(A, 4), RW);
    l2[1] = pte_make(frame_of(A, 5), RW);
}
static void make_partial(void)
{
    add_mmuext(A, MMUEXT_PIN_L2_TABLE, 6, false);
    add_mmuext(A, MMUEXT_PIN_L3_TABLE, 6, false);
    add_mmuext(A, MMUEXT_UNPIN_TABLE, 6, false);
    add_mmuext(A, MMUEXT_PIN_L1_TABLE, 5, false);
    add_mmuext(A, MMUEXT_UNPIN_TABLE, 5, false);
    add_entry(A, 1, 1, 6, 2);
    add_entry(A, 1, 1, 0, 0);
    add_entry(A, 1, 0, 6, 2);
    add_entry(A, 6, 1, 0, 0);
    add_entry(A, 6, 1, 4, 2);
    add_entry(A, 6, 2, 6, 2); /* itself */
    add_entry(A, 5, 0, 7, 2);
    add_entry(A, 5, 0, 6, 2); /* a table, or refused */
    add_va(A, 5, 5, 2);
    add_va(A, 5, 5, 0);
    add_va(A, 6, 6, 0);
    add(run_decrease, "decrease_reservation, frame %u", A, 5, 0, 0);
    add(run_exchange, "exchange, frame %u", A, 6, 0, 0);
    add_destroy(A);
}

/* A (1) is controlled by B, its device model, which maps its frames and writes its tables. */
static void prepare_control(void)
{
    struct xen_domctl *op = whole_arena(0);

    *op = (struct xen_domctl){.cmd = XEN_DOMCTL_set_target,
                              .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                              .domain = B + 1};
    op->u.set_target.target = A + 1;
    if (whole_hypercall(whole_dom0.d->vcpu[0], __HYPERVISOR_domctl, WHOLE_ARENA, 0, 0, 0, 0))
        panic("no device model");
}
/* Page a becomes frame b of the other domain, c: access; no flush. */
static void run_foreign_va(const struct op *op)
{
    pte_t e = pte_make(frame_of(op->by, FRAMES + op->b), flags_of(op->c));

    do_call(op, __HYPERVISOR_update_va_mapping_otherdomain, WHOLE_VA(op->a), e, 0, other_id(op));
}
/* Entry (a % 16) of the other's frame (a / 16) becomes its frame b (FRAMES + b: ours), c: access. */
static void run_foreign_entry(const struct op *op)
{
    uint64_t table = mfn_x(frame_of(op->by, FRAMES + op->a / 16)) << PAGE_SHIFT, id = other_id(op);
    bool ours = op->b >= FRAMES;

    *(struct mmu_update *)whole_arena(0) = (struct mmu_update){
        .ptr = table + op->a % 16 * sizeof(pte_t) + MMU_NORMAL_PT_UPDATE,
        .val = op->c ? pte_make(frame_of(1u - op->by, op->b), flags_of(op->c)) : 0};
    do_call(op, __HYPERVISOR_mmu_update, WHOLE_ARENA, 1, 0,
            (id + 1) << 16 | (ours ? DOMID_SELF : id));
}
static void run_foreign_mmuext(const struct op *op)
{
    *(struct mmuext_op *)whole_arena(0) =
        (struct mmuext_op){.cmd = op->a, .arg1.mfn = mfn_x(frame_of(op->by, FRAMES + op->b))};
    do_call(op, __HYPERVISOR_mmuext_op, WHOLE_ARENA, 1, 0, other_id(op));
}

static void make_control(void)
{
    add(run_foreign_va, "maps at page %u the other's frame %u, access %u", B, 8, 4, 2);
    add(run_foreign_va, "maps at page %u the other's frame %u, access %u", B, 8, 4, 1);
    add(run_foreign_va, "maps at page %u the other's frame %u, access %u", B, 9, 3,
        2); /* a table */
    add_entry(B, 3, 8, 0, 0);
    add_va(B, 8, 5, 2);
    add(run_foreign_entry, "the other's entry %u := its frame %u, access %u", B, 3 * 16 + 4, 0, 0);
    add(run_foreign_entry, "the other's entry %u := its frame %u, access %u", B, 2 * 16 + 1, 4, 2);
    add(run_foreign_entry, "the other's entry %u := its frame %u, access %u", B, 4 * 16, 5, 2);
    add(run_foreign_entry, "the other's entry %u := its frame %u, access %u", B, 3 * 16 + 8,
        FRAMES + 4, 2);
    add(run_foreign_mmuext, "mmuext_op %u, the other's frame %u", B, MMUEXT_PIN_L1_TABLE, 4, 0);
    add(run_foreign_mmuext, "mmuext_op %u, the other's frame %u", B, MMUEXT_UNPIN_TABLE, 4, 0);
    add_va(A, 4, 4, 0);
    add_va(A, 4, 4, 2);
    add_entry(A, 2, 1, 4, 2);
    add_entry(A, 2, 1, 0, 0);
    add(run_gdt, "set_gdt, frame %u, %u entries", A, 4, 512, 0);
    add(run_decrease, "decrease_reservation, frame %u", A, 4, 0, 0);
    add(run_populate, "populate_physmap, frame %u", A, 4, 0, 0);
    add(run_populate, "populate_physmap, frame %u", B, 6, 0, 0);
    add(run_exchange, "exchange, frame %u", A, 4, 0, 0);
    add_destroy(A);
    add_destroy(B);
}

/* All of it at once, not so deep. */
static void make_all(void)
{
    make_tables();
    make_frames();
    make_grants();
    make_events();
}

/* Two that the search must find: a mapping that nobody granted, a change of type without a flush. */
static void run_steal(const struct op *op)
{
    ((pte_t *)mfn_to_virt(frame_of(op->by, 3)))[8] = pte_make(frame_of(op->by, FRAMES + 4), RO);
    mfn_to_frame(frame_of(op->by, FRAMES + 4))->info += FI_REF_ONE;
}
static void make_stolen(void)
{
    add_va(A, 4, 4, 0);
    add(run_steal, "maps what is not its own", A, 0, 0, 0);
}
static void run_forget(const struct op *op)
{
    pte_t *e = (pte_t *)mfn_to_virt(frame_of(op->by, 3)) + 4;

    if (*e)
        mfn_to_frame(frame_of(op->by, 4))->info = FI_RAM | FI_ALLOCATED | FI_REF_ONE;
    *e = 0;
}
static void make_unflushed(void)
{
    add(run_forget, "page 4 goes, and no time is noted", A, 0, 0, 0);
    add_mmuext(A, MMUEXT_PIN_L1_TABLE, 4, false);
}

const struct model models[] = {
    {.name = "tables", .depth = 5, .make = make_tables},
    {.name = "partial", .depth = 4, .make = make_partial, .prepare = prepare_partial},
    {.name = "frames", .depth = 4, .make = make_frames},
    {.name = "grants", .depth = 4, .make = make_grants},
    {.name = "events", .depth = 4, .make = make_events},
    {.name = "control", .depth = 4, .make = make_control, .prepare = prepare_control},
    {.name = "all", .depth = 2, .make = make_all},
    {.name = "stolen", .depth = 3, .make = make_stolen, .finds = "maps frame"},
    {.name = "unflushed", .depth = 3, .make = make_unflushed, .finds = "tlb:"},
};
const unsigned int nr_models = ARRAY_SIZE(models);
