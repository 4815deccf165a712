/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory, grants and event channels: wild arguments, others' things, and what is shared filled with garbage (XSA-29,
 * 45, 212, 224, 226 to 236, 255, 268, 295, 338, 343, 344, 382, 384).
 */
#include "attack.h"

static uint64_t pte(unsigned long mfn, uint64_t flags)
{
    return (uint64_t)mfn << 12 | flags;
}

/* ---- memory ----------------------------------------------------------------------------------------- */

ATTACK(memory, 1)
{
    static xen_pfn_t in[16], out[16];
    struct xen_memory_reservation r;
    struct xen_memory_exchange x;
    uint64_t *l4 = l4_kernel(), sentinel = 0x1122334455667788UL;
    long rc;

    /* XSA-212: the answers of an exchange written where its caller may not. */
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        for (unsigned int k = 0; k < 4; k++) {
            memset(&x, 0, sizeof(x));
            in[0] = virt_to_mfn(page_alloc());
            x.in.domid = x.out.domid = DOMID_SELF;
            x.in.nr_extents = x.out.nr_extents = 1;
            set_xen_guest_handle(x.in.extent_start, in);
            set_xen_guest_handle(x.out.extent_start, (xen_pfn_t *)(bad_addresses[i] & ~7UL));
            if (k & 1) { /* so that the sum is what counts */
                x.nr_exchanged = 1UL << 40;
                x.in.nr_extents = x.out.nr_extents = (1UL << 40) + 1;
                set_xen_guest_handle(x.out.extent_start,
                                     (xen_pfn_t *)((bad_addresses[i] & ~7UL) - (8UL << 40)));
                set_xen_guest_handle(x.in.extent_start,
                                     (xen_pfn_t *)((unsigned long)in - (8UL << 40)));
            }
            if (k & 2) {
                set_xen_guest_handle(x.in.extent_start, (xen_pfn_t *)(bad_addresses[i] & ~7UL));
            }
            rc = hv_memory_op(XENMEM_exchange, &x);
            REFUSED(rc, "exchange, lists at %#lx (%u): %ld", bad_addresses[i], k, rc);
            REFUSED(hv_memory_op(XENMEM_exchange, (void *)(bad_addresses[i] & ~7UL)),
                    "its arguments there");
        }
    }
    static const struct {
        const char *what;
        unsigned int in_order, out_order;
        unsigned long in_n, out_n, done;
    } wild[] = {{"an order of 63", 63, 0, 1, 1UL << 62, 0},
                {"orders of 64", 64, 64, 1, 1, 0},
                {"an order of 2^32-1", ~0u, ~0u, 1, 1, 0},
                {"2^64-1 extents", 0, 0, ~0UL, ~0UL, 0},
                {"2^61 extents", 0, 0, 1UL << 61, 1UL << 61, 0},
                {"more done than asked for", 0, 0, 1, 1, 2},
                {"2^64-1 done", 0, 0, 4, 4, ~0UL},
                {"unequal sums", 0, 3, 4, 1, 0},
                {"order 10", 10, 10, 1, 1, 0}};
    for (unsigned int i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        memset(&x, 0, sizeof(x));
        x.in.domid = x.out.domid = DOMID_SELF;
        x.in.extent_order = wild[i].in_order;
        x.out.extent_order = wild[i].out_order;
        x.in.nr_extents = wild[i].in_n;
        x.out.nr_extents = wild[i].out_n;
        x.nr_exchanged = wild[i].done;
        set_xen_guest_handle(x.in.extent_start, in);
        set_xen_guest_handle(x.out.extent_start, out);
        rc = hv_memory_op(XENMEM_exchange, &x);
        REFUSED(rc, "exchange with %s: %ld", wild[i].what, rc);
    }
    /* Frames that cannot go: in use, not ours, named twice. */
    const unsigned long stuck[] = {virt_to_mfn(l4),   kit_start_info->shared_info >> 12,
                                   foreign_frame(1),  foreign_frame(3),
                                   foreign_frame(8),  foreign_frame(20),
                                   foreign_frame(40), ~0UL};
    for (unsigned int i = 0; i < sizeof(stuck) / sizeof(stuck[0]); i++) {
        memset(&x, 0, sizeof(x));
        x.in.domid = x.out.domid = DOMID_SELF;
        x.in.nr_extents = x.out.nr_extents = 1;
        in[0] = stuck[i];
        set_xen_guest_handle(x.in.extent_start, in);
        set_xen_guest_handle(x.out.extent_start, out);
        rc = hv_memory_op(XENMEM_exchange, &x);
        attempt(rc < 0 && x.nr_exchanged == 0, "exchange of frame %#lx: %ld", stuck[i], rc);

        memset(&r, 0, sizeof(r));
        r.domid = DOMID_SELF;
        r.nr_extents = 1;
        in[0] = stuck[i];
        set_xen_guest_handle(r.extent_start, in);
        rc = hv_memory_op(XENMEM_decrease_reservation, &r);
        attempt(rc <= 0, "frame %#lx given back: %ld", stuck[i], rc);
        r.extent_order = 9;
        rc = hv_memory_op(XENMEM_decrease_reservation, &r);
        attempt(rc <= 0, "with its 511 neighbours: %ld", rc);
    }
    in[0] = in[1] = virt_to_mfn(page_alloc());
    window_map(3, 0);
    x.nr_exchanged = 0;
    x.in.nr_extents = 2;
    x.out.nr_extents = 1;
    x.out.extent_order = 1;
    rc = hv_memory_op(XENMEM_exchange, &x);
    attempt(rc < 0 && frame_is_ours(in[0]), "one frame exchanged twice: %ld", rc);
    /* More than the limit; impossible addresses. */
    memset(&r, 0, sizeof(r));
    r.domid = DOMID_SELF;
    r.nr_extents = ~0UL;
    set_xen_guest_handle(r.extent_start, in);
    attempt(hv_memory_op(XENMEM_increase_reservation, &r) <= 0, "2^64-1 more frames");
    r.nr_extents = 1UL << 57;
    attempt(hv_memory_op(XENMEM_populate_physmap, &r) <= 0, "2^57 more frames");
    r.nr_extents = 1;
    for (unsigned int order = 10; order != 0 && order <= 64; order += 18) {
        r.extent_order = order;
        attempt(hv_memory_op(XENMEM_increase_reservation, &r) <= 0, "an extent of order %u", order);
    }
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        memset(&r, 0, sizeof(r));
        r.domid = DOMID_SELF;
        r.nr_extents = 1;
        set_xen_guest_handle(r.extent_start, (xen_pfn_t *)(bad_addresses[i] & ~7UL));
        attempt(hv_memory_op(XENMEM_populate_physmap, &r) <= 0, "a frame told to %#lx",
                bad_addresses[i]);
        attempt(hv_memory_op(XENMEM_increase_reservation, &r) <= 0, "the same by increase");
        attempt(hv_memory_op(XENMEM_decrease_reservation, &r) <= 0, "frames read from there");
    }
    /* Continuations that nobody began. */
    for (unsigned int shift = 6; shift < 64; shift += 9) {
        memset(&r, 0, sizeof(r));
        r.domid = DOMID_SELF;
        r.nr_extents = 1;
        set_xen_guest_handle(r.extent_start, in);
        for (unsigned int op = 0; op < 32; op++) {
            if (op == XENMEM_exchange) {
                continue;
            }
            HYPERCALL2(__HYPERVISOR_memory_op, op | 1UL << shift, &r);
        }
        attempt(sentinel == 0x1122334455667788UL, "operations continued at 2^%u", shift - 6);
    }
    /* Others' memory. */
    const domid_t ids[] = {
        0, (domid_t)option_number("victim", 1), DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID};
    for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        unsigned int bad = 0;

        memset(&r, 0, sizeof(r));
        r.domid = ids[i];
        r.nr_extents = 1;
        in[0] = foreign_frame(20 + i);
        set_xen_guest_handle(r.extent_start, in);
        bad += hv_memory_op(XENMEM_decrease_reservation, &r) > 0;
        bad += hv_memory_op(XENMEM_increase_reservation, &r) > 0;
        bad += hv_memory_op(XENMEM_populate_physmap, &r) > 0;
        bad += hv_memory_op(XENMEM_claim_pages, &r) >= 0;
        memset(&x, 0, sizeof(x));
        x.in = x.out = r;
        bad += hv_memory_op(XENMEM_exchange, &x) >= 0;
        struct xen_foreign_memory_map map = {.domid = ids[i]};
        bad += hv_memory_op(XENMEM_set_memory_map, &map) >= 0;
        struct xen_memory_domain md = {.domid = ids[i]};
        bad += hv_memory_op(XENMEM_current_reservation, &md) >= 0;
        bad += hv_memory_op(XENMEM_maximum_gpfn, &md) >= 0;
        struct xen_remove_from_physmap gone = {.domid = ids[i], .gpfn = in[0]};
        bad += hv_memory_op(XENMEM_remove_from_physmap, &gone) >= 0;
        struct xen_mem_acquire_resource res = {
            .domid = ids[i], .type = XENMEM_resource_grant_table, .nr_frames = 1};
        set_xen_guest_handle(res.frame_list, out);
        bad += hv_memory_op(XENMEM_acquire_resource, &res) >= 0;
        attempt(bad == 0, "memory of domain %#x, by ten operations", ids[i]);
    }
    struct xen_memory_map map = {.nr_entries = 128};
    set_xen_guest_handle(map.buffer, out);
    REFUSED(hv_memory_op(XENMEM_machine_memory_map, &map), "the host's memory map");
}

/* A frame given back while others of our own uses hold it; then nobody's but for them. */
ATTACK(ballooning, 1)
{
    uint64_t *page = page_alloc_zeroed(), *l1 = page_alloc_zeroed();
    xen_pfn_t frame = virt_to_mfn(page);
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    struct vcpu_register_vcpu_info info;

    set_xen_guest_handle(r.extent_start, &frame);
    window_map(0, pte(frame, PTE_KERNEL));
    hv_memory_op(XENMEM_decrease_reservation, &r);
    *page = 1; /* still mapped, so still ours to write */
    REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, frame), "a frame on its way out pinned");
    REFUSED(window_map(1, pte(frame, PTE_KERNEL)), "mapped once more");
    attempt(hv_memory_op(XENMEM_decrease_reservation, &r) <= 0, "given back twice");
    window_map(0, 0);
    pte_write(page, 0);
    REFUSED(window_map(1, pte(frame, PTE_KERNEL_RO)), "mapped when it is gone");
    REFUSED(mmu_update_one(pte(frame, 0), 1), "written by mmu_update when it is gone");

    /* vcpu_info in a frame that is given back. */
    page = page_alloc_zeroed();
    frame = virt_to_mfn(page);
    info = (struct vcpu_register_vcpu_info){.mfn = frame};
    if (hv_vcpu_op(VCPUOP_register_vcpu_info, 0, &info) == 0) {
        events_set_vcpu_info(0, (void *)page);
        hv_memory_op(XENMEM_decrease_reservation, &r);
        for (unsigned int i = 0; i < 20; i++) {
            hv_sched_op(SCHEDOP_yield, NULL);
        }
        attempt(!try_store(page, *page) || this_vcpu_info()->time.version != 0,
                "vcpu_info given back");
    }
    /* A table given back while it is one. */
    page_set_readonly(l1);
    frame = virt_to_mfn(l1);
    mmuext_one(MMUEXT_PIN_L1_TABLE, frame);
    attempt(hv_memory_op(XENMEM_decrease_reservation, &r) <= 0, "a pinned table given back");
    mmuext_one(MMUEXT_UNPIN_TABLE, frame);
    /* Our code's tables say so as well. */
    frame = virt_to_mfn(l4_kernel());
    attempt(hv_memory_op(XENMEM_decrease_reservation, &r) <= 0, "the root given back");
}

/* ---- grants ------------------------------------------------------------------------------------------ */

static int16_t map_grant(domid_t dom, grant_ref_t ref, uint64_t at, uint32_t flags,
                         grant_handle_t *handle)
{
    struct gnttab_map_grant_ref op = {.host_addr = at, .flags = flags, .ref = ref, .dom = dom};
    long rc = hv_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);

    if (handle != NULL) {
        *handle = op.handle;
    }
    return rc != 0 ? (int16_t)rc : op.status;
}

static int16_t unmap_grant(grant_handle_t handle, uint64_t at, uint64_t device)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = at, .dev_bus_addr = device, .handle = handle};
    long rc = hv_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);

    return rc != 0 ? (int16_t)rc : op.status;
}

static int16_t copy_grant(struct gnttab_copy op)
{
    long rc = hv_grant_table_op(GNTTABOP_copy, &op, 1);

    return rc != 0 ? (int16_t)rc : op.status;
}

ATTACK(grants, 1)
{
    domid_t self = (domid_t)option_number("self", 0), victim = (domid_t)option_number("victim", 1);
    uint64_t *page = page_alloc_zeroed(), *l1 = page_alloc_zeroed();
    const domid_t others[] = {0, victim, DOMID_IO, DOMID_XEN, DOMID_INVALID, 0x7fff};
    unsigned int n = 0;
    grant_handle_t handle, second;
    int16_t status;

    grants_init();
    if (self == 0) { /* who are we? Only our own number may grant to itself in our name. */
        for (domid_t id = 1; id < 100 && self == 0; id++) {
            grant_access(500, id, virt_to_mfn(page), 0);
            window_map(0, 0);
            if (map_grant(id, 500, WINDOW, GNTMAP_host_map, &handle) == GNTST_okay) {
                self = id;
                unmap_grant(handle, WINDOW, 0);
            }
        }
        grant_end(500);
    }
    attempt(self != 0, "our own number is %u", self);
    for (unsigned int i = 0; i < 64; i++) {
        window_map(i, 0);
    }
    for (unsigned int k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
        for (grant_ref_t ref = 0; ref < 520; ref++) {
            n += map_grant(others[k], ref, WINDOW, GNTMAP_host_map, NULL) == GNTST_okay;
            n += map_grant(others[k], ref, WINDOW, GNTMAP_host_map | GNTMAP_readonly, NULL) ==
                 GNTST_okay;
            n += map_grant(others[k], ref, 0, GNTMAP_device_map, NULL) == GNTST_okay;
        }
        for (unsigned int shift = 10; shift < 32; shift++) {
            n += map_grant(others[k], 1u << shift, WINDOW, GNTMAP_host_map, NULL) == GNTST_okay;
        }
        struct gnttab_copy c = {.flags = GNTCOPY_source_gref, .len = 8};
        c.source.domid = others[k];
        c.dest.domid = DOMID_SELF;
        c.dest.u.gmfn = virt_to_mfn(page);
        for (grant_ref_t ref = 0; ref < 520; ref++) {
            c.source.u.ref = ref;
            n += copy_grant(c) == GNTST_okay;
        }
        c.flags = 0;
        c.source.u.gmfn = foreign_frame(20);
        n += copy_grant(c) == GNTST_okay;
        c.dest.domid = others[k];
        c.dest.u.gmfn = foreign_frame(21);
        c.source.domid = DOMID_SELF;
        c.source.u.gmfn = virt_to_mfn(page);
        n += copy_grant(c) == GNTST_okay;
        attempt(n == 0, "grants and frames of domain %#x", others[k]);
        n = 0;
    }
    /* A loan of what is a table, and of what is the hypervisor's. */
    page_set_readonly(l1);
    mmuext_one(MMUEXT_PIN_L1_TABLE, virt_to_mfn(l1));
    const struct {
        const char *what;
        unsigned long mfn;
        bool readable;
    } loans[] = {{"an L1", virt_to_mfn(l1), true},
                 {"the root", virt_to_mfn(l4_kernel()), true},
                 {"the grant table", (pte_read(kit_grants) & PTE_ADDR) >> 12, false},
                 {"shared info", kit_start_info->shared_info >> 12, false},
                 {"the hypervisor's image", foreign_frame(3), false},
                 {"another's frame", foreign_frame(30), false},
                 {"the local APIC", foreign_frame(5), false},
                 {"frame 2^32-1", 0xffffffff, false}};
    for (unsigned int i = 0; i < sizeof(loans) / sizeof(loans[0]); i++) {
        grant_access(10, self, loans[i].mfn, 0);
        status = map_grant(self, 10, WINDOW, GNTMAP_host_map, &handle);
        attempt(status != GNTST_okay, "%s lent to ourselves, to write: %d", loans[i].what, status);
        status = map_grant(self, 10, WINDOW, GNTMAP_host_map | GNTMAP_readonly, &handle);
        attempt(status != GNTST_okay || loans[i].readable, "to read: %d", status);
        if (status == GNTST_okay) {
            attempt(!try_store(window(0), 1), "and it is read only");
            attempt(unmap_grant(handle, WINDOW, 0) == GNTST_okay, "and given back");
        }
        struct gnttab_copy c = {.flags = GNTCOPY_dest_gref, .len = 8};
        c.source.domid = DOMID_SELF;
        c.source.u.gmfn = virt_to_mfn(page);
        c.dest.domid = self;
        c.dest.u.ref = 10;
        attempt(copy_grant(c) != GNTST_okay, "and not copied to");
        grant_end(10);
    }
    struct gnttab_copy to_table = {.len = 8};
    to_table.source.domid = to_table.dest.domid = DOMID_SELF;
    to_table.source.u.gmfn = virt_to_mfn(page);
    to_table.dest.u.gmfn = virt_to_mfn(l1);
    attempt(copy_grant(to_table) != GNTST_okay, "a copy to our own L1");
    static const uint16_t sizes[][3] = {{4095, 0, 2},   {0, 4095, 2}, {4096, 0, 1},
                                        {0xffff, 0, 1}, {0, 0, 4097}, {0xffff, 0xffff, 0xffff},
                                        {1, 1, 0xffff}};
    for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct gnttab_copy c = to_table;

        c.dest.u.gmfn = virt_to_mfn(page);
        c.source.offset = sizes[i][0];
        c.dest.offset = sizes[i][1];
        c.len = sizes[i][2];
        attempt(copy_grant(c) != GNTST_okay, "a copy of %u bytes from %u to %u", c.len, sizes[i][0],
                sizes[i][1]);
    }
    /* Where a mapping may be put. */
    grant_access(11, self, virt_to_mfn(page), 0);
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        attempt(map_grant(self, 11, bad_addresses[i] & PAGE_MASK, GNTMAP_host_map, NULL) !=
                    GNTST_okay,
                "mapped at %#lx", bad_addresses[i]);
        attempt(hv_grant_table_op(GNTTABOP_map_grant_ref, (void *)(bad_addresses[i] & ~7UL), 1) !=
                    0,
                "operations at %#lx", bad_addresses[i]);
    }
    const uint64_t entries[] = {
        virt_to_maddr(l4_kernel()) + 300 * 8, virt_to_maddr(page),
        virt_to_maddr(window_entry(0)) + 4,   (uint64_t)foreign_frame(20) << 12,
        (uint64_t)foreign_frame(3) << 12,     ~7UL,
        kit_start_info->shared_info};
    for (unsigned int i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        status = map_grant(self, 11, entries[i], GNTMAP_host_map | GNTMAP_contains_pte, NULL);
        attempt(status != GNTST_okay, "an entry at machine address %#lx: %d", entries[i], status);
    }
    /* Handles: wrong, stale, of another's mapping; entries that changed since. */
    status = map_grant(self, 11, WINDOW, GNTMAP_host_map, &handle);
    attempt(status == GNTST_okay, "a good mapping: %d", status);
    status = map_grant(self, 11, WINDOW + PAGE_SIZE, GNTMAP_host_map | GNTMAP_readonly, &second);
    attempt(status == GNTST_okay, "another one, to read: %d", status);
    attempt(unmap_grant(second, WINDOW, 0) != GNTST_okay,
            "the second's handle, the first's address");
    attempt(unmap_grant(handle, WINDOW + PAGE_SIZE, 0) != GNTST_okay,
            "the first's handle, the second's address");
    attempt(unmap_grant(handle, WINDOW + 2 * PAGE_SIZE, 0) != GNTST_okay,
            "an address where nothing is");
    attempt(unmap_grant(handle, (unsigned long)page, 0) != GNTST_okay,
            "our own mapping of the frame");
    attempt(unmap_grant(handle, 0, (uint64_t)foreign_frame(20) << 12) <= 0, "a device address");
    for (unsigned int shift = 0; shift < 32; shift++) {
        grant_handle_t h = 1u << shift;

        n += h != handle && h != second && unmap_grant(h, WINDOW, 0) == GNTST_okay;
    }
    attempt(n == 0, "handles that are none");
    attempt(!grant_end(11), "the lender sees that it is in use");
    /* The entry overwritten by other means: the loan stays. */
    hv_update_va_mapping(WINDOW, 0, UVMF_INVLPG | UVMF_ALL);
    attempt(unmap_grant(handle, WINDOW, 0) != GNTST_okay,
            "unmapped after its entry was overwritten");
    attempt(!grant_end(11), "and it is in use still");
    REFUSED(window_map(2, *(volatile uint64_t *)window_entry(1)), "the other's entry copied");
    REFUSED(window_map(2, pte(virt_to_mfn(page), PTE_KERNEL | 1UL << 62)),
            "an entry that looks like a loan");
    attempt(unmap_grant(second, WINDOW + PAGE_SIZE, 0) == GNTST_okay, "the second unmapped");
    attempt(unmap_grant(second, WINDOW + PAGE_SIZE, 0) != GNTST_okay, "and once more");
    attempt(!try_store(window(1), 1), "and it is gone");
    /* Its frame given back while it is lent. */
    uint64_t *lent = page_alloc_zeroed();
    xen_pfn_t frame = virt_to_mfn(lent);
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    set_xen_guest_handle(r.extent_start, &frame);
    grant_access(12, self, frame, 0);
    map_grant(self, 12, WINDOW + 4 * PAGE_SIZE, GNTMAP_host_map, &handle);
    pte_write(lent, 0);
    hv_memory_op(XENMEM_decrease_reservation, &r);
    attempt(try_store(window(4), 7),
            "a lent frame that was given back is ours as long as it is mapped");
    attempt(unmap_grant(handle, WINDOW + 4 * PAGE_SIZE, 0) == GNTST_okay, "then it goes");
    attempt(!try_store(window(4), 7), "for good");
    /* Rest of the interface. */
    static xen_pfn_t frames[64];
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = ~0u};
    set_xen_guest_handle(setup.frame_list, frames);
    hv_grant_table_op(GNTTABOP_setup_table, &setup, 1);
    attempt(setup.status != GNTST_okay, "a table of 2^32-1 frames: %d", setup.status);
    setup = (struct gnttab_setup_table){.dom = victim, .nr_frames = 1};
    set_xen_guest_handle(setup.frame_list, frames);
    hv_grant_table_op(GNTTABOP_setup_table, &setup, 1);
    attempt(setup.status != GNTST_okay, "the victim's table: %d", setup.status);
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        setup = (struct gnttab_setup_table){.dom = DOMID_SELF, .nr_frames = 1};
        set_xen_guest_handle(setup.frame_list, (xen_pfn_t *)(bad_addresses[i] & ~7UL));
        hv_grant_table_op(GNTTABOP_setup_table, &setup, 1);
        attempt(setup.status != GNTST_okay, "a list of frames at %#lx", bad_addresses[i]);
    }
    struct gnttab_swap_grant_ref swap = {.ref_a = 13, .ref_b = ~0u};
    hv_grant_table_op(GNTTABOP_swap_grant_ref, &swap, 1);
    attempt(swap.status != GNTST_okay, "swapped with reference 2^32-1");
    struct gnttab_transfer transfer = {.mfn = virt_to_mfn(page), .domid = victim, .ref = 8};
    hv_grant_table_op(GNTTABOP_transfer, &transfer, 1);
    attempt(transfer.status != GNTST_okay, "a transfer to the victim: %d", transfer.status);
    REFUSED(hv_grant_table_op(GNTTABOP_copy, &swap, 0x80000000u), "2^31 operations");
    REFUSED(hv_grant_table_op(99, &swap, 1), "operation 99");
}

/* The lender's entry changes while it is read. */
static volatile struct grant_entry_v1 *changing;
static unsigned long changing_frames[2];

static void change_entry(void *arg)
{
    (void)arg;
    for (unsigned long i = 0; !helper_stop; i++) {
        changing->frame = (uint32_t)changing_frames[i & 1];
        changing->flags = i % 5 ? GTF_permit_access : GTF_permit_access | GTF_readonly;
    }
    helper_ended();
}

ATTACK(grant_races, 2)
{
    uint64_t *page = page_alloc_zeroed(), *l1 = page_alloc_zeroed();
    unsigned int mapped = 0, evil = 0;
    domid_t self = 0;
    grant_handle_t handle;

    grants_init();
    window_map(0, 0);
    for (domid_t id = 1; id < 100 && self == 0; id++) {
        grant_access(500, id, virt_to_mfn(page), 0);
        if (map_grant(id, 500, WINDOW, GNTMAP_host_map, &handle) == GNTST_okay) {
            self = id;
            unmap_grant(handle, WINDOW, 0);
        }
    }
    page_set_readonly(l1);
    mmuext_one(MMUEXT_PIN_L1_TABLE, virt_to_mfn(l1));
    changing_frames[0] = virt_to_mfn(page);
    changing_frames[1] = virt_to_mfn(l1);
    changing = &kit_grants[20];
    grant_access(20, self, virt_to_mfn(page), 0);
    if (!start_helper(change_entry, NULL)) {
        attempt(false, "no second vCPU");
        return;
    }
    for (unsigned int i = 0; i < 4000; i++) {
        if (map_grant(self, 20, WINDOW, GNTMAP_host_map, &handle) == GNTST_okay) {
            uint64_t e = *(volatile uint64_t *)window_entry(0);

            mapped++;
            evil += ((e ^ pte(virt_to_mfn(l1), 0)) & PTE_ADDR) == 0 && (e & PTE_RW);
            if (unmap_grant(handle, WINDOW, 0) != GNTST_okay) {
                evil++;
                break;
            }
        }
    }
    stop_helper();
    attempt(evil == 0, "%u of %u mappings are writable ones of a table", evil, mapped);
    attempt(mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(l1)) == 0 &&
                pte_write(l1, pte(virt_to_mfn(l1), PTE_KERNEL)) == 0,
            "all counts are down again");
}

/* ---- event channels ---------------------------------------------------------------------------------- */

ATTACK(events, 1)
{
    domid_t victim = (domid_t)option_number("victim", 1);
    const domid_t others[] = {0, victim, DOMID_IO, DOMID_XEN, DOMID_INVALID};
    unsigned int bad = 0;

    for (unsigned int k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
        for (evtchn_port_t p = 0; p < 300; p++) {
            struct evtchn_status status = {.dom = others[k], .port = p};

            bad += event_bind_interdomain(others[k], p) >= 0;
            bad += hv_event_channel_op(EVTCHNOP_status, &status) >= 0;
        }
        bad += event_bind_interdomain(others[k], ~0u) >= 0;
        bad += event_alloc_unbound(others[k], DOMID_SELF) >= 0;
        struct evtchn_reset reset = {.dom = others[k]};
        bad += hv_event_channel_op(EVTCHNOP_reset, &reset) >= 0;
        struct sched_remote_shutdown shutdown = {.domain_id = others[k], .reason = SHUTDOWN_crash};
        bad += hv_sched_op(SCHEDOP_remote_shutdown, &shutdown) >= 0;
        attempt(bad == 0, "ports of domain %#x", others[k]);
        bad = 0;
    }
    for (unsigned int shift = 0; shift < 32; shift++) {
        evtchn_port_t p = shift < 12 ? 900 + shift : 1u << shift;
        struct evtchn_bind_vcpu bind = {.port = p, .vcpu = 0};
        struct evtchn_set_priority priority = {.port = p, .priority = 1u << shift};
        struct evtchn_status status = {.dom = DOMID_SELF, .port = p};

        bad += event_send(p) == 0;
        bad += event_close(p) == 0;
        bad += hv_event_channel_op(EVTCHNOP_bind_vcpu, &bind) == 0;
        bad += hv_event_channel_op(EVTCHNOP_set_priority, &priority) == 0;
        event_unmask(p);
        hv_event_channel_op(EVTCHNOP_status, &status);
        bad += event_bind_virq(24 + shift, 0) >= 0;
        bad += event_bind_ipi(1u << shift) >= 0 && shift > 0;
        struct evtchn_bind_pirq pirq = {.pirq = p, .flags = 1};
        bad += hv_event_channel_op(EVTCHNOP_bind_pirq, &pirq) == 0;
        attempt(bad == 0, "port %#x", p);
        bad = 0;
    }
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        void *at = (void *)(bad_addresses[i] & ~7UL);
        struct sched_poll poll = {.nr_ports = 128, .timeout = 1};

        for (int op = 0; op < 15; op++) {
            bad += hv_event_channel_op(op, at) == 0;
        }
        set_xen_guest_handle(poll.ports, (evtchn_port_t *)at);
        bad += hv_sched_op(SCHEDOP_poll, &poll) == 0;
        bad += hv_sched_op(SCHEDOP_shutdown, at) == 0;
        attempt(bad == 0, "arguments at %p", at);
        bad = 0;
    }
    struct sched_poll poll = {.nr_ports = 129};
    REFUSED(hv_sched_op(SCHEDOP_poll, &poll), "a poll of 129 ports");
    poll.nr_ports = ~0u;
    REFUSED(hv_sched_op(SCHEDOP_poll, &poll), "a poll of 2^32-1 ports");
    /* All ports that there are; then none. */
    long last = 0;
    for (unsigned int i = 0; i < 200000; i++) {
        long p = event_alloc_unbound(DOMID_SELF, DOMID_SELF);

        if (p < 0) {
            break;
        }
        last = p;
    }
    attempt(last > 0 && last < 0x20000, "ports end at %ld", last);
    /* Garbage in shared info. */
    for (unsigned int i = 0; i < 4000; i++) {
        kit_shared->evtchn_pending[i % 64] = random_word();
        kit_shared->evtchn_mask[i % 64] = random_word() | (i % 64 == 0 ? ~0UL : 0);
        kit_shared->vcpu_info[0].evtchn_pending_sel = random_word();
        event_send((evtchn_port_t)random_below((uint64_t)last + 1));
    }
    memset(kit_shared->evtchn_mask, 0xff, sizeof(kit_shared->evtchn_mask));
    attempt(true, "garbage in the pending and mask bits");
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    hv_event_channel_op(EVTCHNOP_reset, &reset);
    attempt(true, "all closed at once");
}

static volatile uint32_t *words;
static volatile uint64_t *control;

static void scribble(void *arg)
{
    uint64_t x = 88172645463325252UL;

    (void)arg;
    while (!helper_stop) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        words[x >> 20 & 1023] = (uint32_t)x;
        control[x >> 40 & 15] = x;
    }
    helper_ended();
}

ATTACK(fifo, 2)
{
    uint64_t *block = page_alloc_zeroed();
    struct evtchn_init_control init = {.control_gfn = virt_to_mfn(block)};
    struct evtchn_expand_array expand;
    evtchn_port_t ports[100];
    unsigned int n = 0, refused = 0;

    for (unsigned int i = 0; i < NR_FOREIGN; i++) {
        init.control_gfn = foreign_frame(i);
        expand.array_gfn = foreign_frame(i);
        refused += hv_event_channel_op(EVTCHNOP_init_control, &init) != 0;
        refused += hv_event_channel_op(EVTCHNOP_expand_array, &expand) != 0;
    }
    attempt(refused == 2 * NR_FOREIGN, "control blocks and arrays in foreign frames");
    static const uint32_t offsets[] = {4, 4096 - 71, 4095, 4096, 0x80000000u, ~0u};
    refused = 0;
    for (unsigned int i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        init =
            (struct evtchn_init_control){.control_gfn = virt_to_mfn(block), .offset = offsets[i]};
        refused += hv_event_channel_op(EVTCHNOP_init_control, &init) != 0;
    }
    attempt(refused == sizeof(offsets) / sizeof(offsets[0]), "control blocks at bad offsets");
    for (unsigned int v = 2; v < 40; v += 7) {
        init = (struct evtchn_init_control){.control_gfn = virt_to_mfn(block), .vcpu = v};
        REFUSED(hv_event_channel_op(EVTCHNOP_init_control, &init), "a control block for vCPU %u",
                v);
    }
    init = (struct evtchn_init_control){.control_gfn = virt_to_mfn(block)};
    long rc = hv_event_channel_op(EVTCHNOP_init_control, &init);
    attempt(rc == 0, "a good one: %ld", rc);
    REFUSED(hv_event_channel_op(EVTCHNOP_init_control, &init), "once more");
    init.vcpu = 1;
    init.offset = 128;
    hv_event_channel_op(EVTCHNOP_init_control, &init);
    words = page_alloc_zeroed();
    expand.array_gfn = virt_to_mfn((void *)words);
    rc = hv_event_channel_op(EVTCHNOP_expand_array, &expand);
    attempt(rc == 0, "a page of words: %ld", rc);
    control = block;
    for (; n < 100; n++) {
        long p = event_bind_ipi(n & 1);

        if (p < 0) {
            break;
        }
        ports[n] = (evtchn_port_t)p;
    }
    if (!start_helper(scribble, NULL)) {
        attempt(false, "no second vCPU");
        return;
    }
    for (unsigned int i = 0; i < 60000; i++) {
        evtchn_port_t p = ports[random_below(n)];
        struct evtchn_set_priority priority = {.port = p, .priority = (uint32_t)random_below(16)};

        event_send(p);
        if (i % 16 == 0) {
            hv_event_channel_op(EVTCHNOP_set_priority, &priority);
            event_unmask(p);
        }
        if (i % 512 == 0) {
            event_close(p);
            long again = event_bind_ipi(i & 1);
            ports[random_below(n)] = again > 0 ? (evtchn_port_t)again : ports[0];
        }
    }
    stop_helper();
    attempt(true, "60000 events over links that change at random");
    /* Queues that are loops, and ports that seem to be on one for ever. */
    for (unsigned int i = 0; i < 1024; i++) {
        words[i] = 1u << EVTCHN_FIFO_LINKED | 1u << EVTCHN_FIFO_PENDING | (i * 7 & 1023);
    }
    for (unsigned int i = 0; i < 1000; i++) {
        event_send(ports[random_below(n)]);
        event_bind_ipi(0);
    }
    attempt(true, "queues that are loops");
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    rc = hv_event_channel_op(EVTCHNOP_reset, &reset);
    /* The console's port has gone with the others: what is said from here on is taken when this has stopped. */
    for (uint64_t begin = time_now(); time_now() - begin < 500000000;)
        continue;
    attempt(rc == 0, "back to two levels: %ld", rc);
    attempt(pte_write((void *)words, pte(virt_to_mfn((void *)words), PTE_KERNEL_RO)) == 0 &&
                mmuext_one(MMUEXT_PIN_L1_TABLE, virt_to_mfn((void *)words)) <= 0,
            "its page is the guest's again");
}
