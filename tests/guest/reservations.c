/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving memory back and asking for more. A frame given back and still reachable would be another
 * domain's; a count that wraps would be everything. */
#include "test.h"

#define WINDOW 0x0000200000000000UL
#define NR     32

static xen_pfn_t frames[NR];

/* pfns that the kit does not map: the end of the domain's memory. */
static unsigned long spare(unsigned int i)
{
    return kit_start_info->nr_pages - 4096 + i;
}

static long reserve(unsigned int cmd, unsigned long n, unsigned int order, void *list)
{
    struct xen_memory_reservation op = {
        .nr_extents = n, .extent_order = order, .domid = DOMID_SELF};

    op.extent_start.p = list;
    return hv_memory_op(cmd, &op);
}

static long owned(void)
{
    domid_t self = DOMID_SELF;

    return hv_memory_op(XENMEM_current_reservation, &self);
}

TEST(decrease_and_populate)
{
    long before = owned();

    CHECK(before > 0);
    for (unsigned int i = 0; i < NR; i++) {
        frames[i] = pfn_to_mfn(spare(i));
    }
    CHECK_EQ(reserve(XENMEM_decrease_reservation, NR, 0, frames), NR);
    CHECK_EQ(owned(), before - NR);
    for (unsigned int i = 0; i < NR; i++) {
        p2m()[spare(i)] = ~0UL;
        frames[i] = spare(i);
    }
    CHECK_EQ(reserve(XENMEM_populate_physmap, NR, 0, frames), NR);
    CHECK_EQ(owned(), before);
    for (unsigned int i = 0; i < NR; i++) {
        p2m()[spare(i)] = frames[i];
        CHECK_EQ(mfn_to_pfn(frames[i]), spare(i));
    }
}

static void read_window(void *arg)
{
    (void)arg;
    (void)*(volatile uint64_t *)WINDOW;
}

/* A frame given back while it is mapped stays reachable only until the mapping goes; then it cannot be
 * mapped again. (What it holds when it comes back to the same domain is not looked at.) */
TEST(given_back_is_gone)
{
    unsigned long pfn = spare(0), mfn = pfn_to_mfn(pfn);
    struct trap_frame trap;

    CHECK_EQ(map_page(l4_kernel(), WINDOW, (uint64_t)mfn << 12 | PTE_KERNEL), 0);
    *(volatile uint64_t *)WINDOW = 0x5ec4e7;
    frames[0] = mfn;
    long rc = reserve(XENMEM_decrease_reservation, 1, 0, frames);
    answer("while_mapped", "%ld", rc);
    CHECK_EQ(pte_write((void *)WINDOW, 0), 0);
    CHECK(trap_catch(read_window, NULL, &trap));
    if (rc == 1) {
        CHECK(pte_write((void *)WINDOW, (uint64_t)mfn << 12 | PTE_KERNEL) < 0);
        frames[0] = pfn;
        CHECK_EQ(reserve(XENMEM_populate_physmap, 1, 0, frames), 1);
        p2m()[pfn] = frames[0];
    }
    CHECK_EQ(pte_write((void *)WINDOW, (uint64_t)pfn_to_mfn(pfn) << 12 | PTE_KERNEL), 0);
    CHECK_EQ(pte_write((void *)WINDOW, 0), 0);
}

/* Frames that may not be given back: tables in use, somebody else's, none at all, twice the same. */
TEST(decrease_bad)
{
    frames[0] = 1UL << 40;
    answer("beyond", "%ld", reserve(XENMEM_decrease_reservation, 1, 0, frames));
    frames[0] = ~0UL;
    answer("max", "%ld", reserve(XENMEM_decrease_reservation, 1, 0, frames));
    frames[0] = (unsigned long)hv_memory_op(XENMEM_maximum_ram_page, NULL) - 1;
    if (mfn_to_pfn(frames[0]) >= kit_start_info->nr_pages) {
        answer("foreign", "%ld", reserve(XENMEM_decrease_reservation, 1, 0, frames));
    }
    frames[0] = frames[1] = pfn_to_mfn(spare(1));
    answer("twice", "%ld", reserve(XENMEM_decrease_reservation, 2, 0, frames));
    frames[0] = spare(1);
    CHECK_EQ(reserve(XENMEM_populate_physmap, 1, 0, frames), 1);
    p2m()[spare(1)] = frames[0];
}

/* Counts and orders without sense: nothing happens, and it does not take long. */
TEST(counts)
{
    long before = owned();

    frames[0] = spare(2);
    answer("decrease_order", "%ld", reserve(XENMEM_decrease_reservation, 1, 60, frames));
    answer("populate_order", "%ld", reserve(XENMEM_populate_physmap, 1, 60, frames));
    answer("order_max", "%ld", reserve(XENMEM_populate_physmap, 1, 0xffffffff, frames));
    answer("populate_zero", "%ld", reserve(XENMEM_populate_physmap, 0, 0, frames));
    answer("decrease_max", "%ld", reserve(XENMEM_decrease_reservation, ~0UL, 0, frames));
    answer("populate_max", "%ld", reserve(XENMEM_populate_physmap, ~0UL, 0, frames));
    answer("bad_list", "%ld", reserve(XENMEM_populate_physmap, 1, 0, (void *)0x1000));
    answer("hole_list", "%ld",
           reserve(XENMEM_populate_physmap, 1, 0, (void *)0xffff830000000000UL));
    answer("unknown_domain", "%ld",
           hv_memory_op(XENMEM_populate_physmap,
                        &(struct xen_memory_reservation){.nr_extents = 1, .domid = 777}));
    CHECK_EQ(owned(), before);
}

/* exchange: as many pages out as in, all or nothing. */
TEST(exchange)
{
    static xen_pfn_t in[4], out[1];
    struct xen_memory_exchange op;
    long before = owned();

    for (unsigned int i = 0; i < 4; i++) {
        in[i] = pfn_to_mfn(spare(8 + i));
    }
    out[0] = spare(8);
    memset(&op, 0, sizeof(op));
    op.in.nr_extents = 4;
    op.in.domid = op.out.domid = DOMID_SELF;
    set_xen_guest_handle(op.in.extent_start, in);
    op.out.nr_extents = 1;
    op.out.extent_order = 2;
    set_xen_guest_handle(op.out.extent_start, out);
    long rc = hv_memory_op(XENMEM_exchange, &op);
    answer("rc", "%ld %lu", rc, op.nr_exchanged);
    CHECK_EQ(owned(), before);
    if (rc == 0) {
        CHECK_EQ(out[0] % 4, 0);
        for (unsigned int i = 0; i < 4; i++) {
            CHECK_EQ(mfn_to_pfn(out[0] + i), spare(8) + i);
            p2m()[spare(8 + i)] = out[0] + i;
        }
    }
    op.nr_exchanged = 0;
    op.out.nr_extents = 2; /* eight pages for four */
    answer("unequal", "%ld", hv_memory_op(XENMEM_exchange, &op));
    op.out.nr_extents = 1;
    op.nr_exchanged = 5;
    answer("progress_beyond", "%ld", hv_memory_op(XENMEM_exchange, &op));
    op.nr_exchanged = 0;
    op.in.domid = 777;
    answer("unknown_domain", "%ld", hv_memory_op(XENMEM_exchange, &op));
    CHECK_EQ(owned(), before);
}

TEST(machphys_mapping)
{
    struct xen_machphys_mapping op;

    CHECK_EQ(hv_memory_op(XENMEM_machphys_mapping, &op), 0);
    CHECK_EQ(op.v_start, MACH2PHYS_VIRT_START);
    CHECK(op.v_end > op.v_start);
    CHECK(op.max_mfn > 0);
    answer("v_end", "%#lx", op.v_end);
}

TEST(memory_map)
{
    static struct {
        uint64_t addr, size;
        uint32_t type;
    } __attribute__((packed)) entries[64];
    struct xen_memory_map op = {.nr_entries = 64};

    op.buffer.p = (void *)entries;
    long rc = hv_memory_op(XENMEM_machine_memory_map, &op);
    CHECK_EQ(rc, 0);
    CHECK(op.nr_entries > 2);
    CHECK_EQ(entries[0].addr, 0);
    op.nr_entries = 1;
    answer("too_short", "%ld", hv_memory_op(XENMEM_machine_memory_map, &op));
    op.nr_entries = 64;
    op.buffer.p = (void *)0x1000;
    answer("bad_buffer", "%ld", hv_memory_op(XENMEM_machine_memory_map, &op));
}

TEST(sizes)
{
    domid_t self = DOMID_SELF, none = 777;

    CHECK(hv_memory_op(XENMEM_maximum_reservation, &self) >= owned());
    CHECK(hv_memory_op(XENMEM_maximum_ram_page, NULL) > 0);
    answer("unknown_current", "%ld", hv_memory_op(XENMEM_current_reservation, &none));
    answer("unknown_maximum", "%ld", hv_memory_op(XENMEM_maximum_reservation, &none));
    answer("unknown_gpfn", "%ld", hv_memory_op(XENMEM_maximum_gpfn, &none));
    answer("pod_target", "%ld", hv_memory_op(XENMEM_get_pod_target, (void *)0x1000));
    answer("sharing_freed", "%ld", hv_memory_op(XENMEM_get_sharing_freed_pages, NULL));
}

/* As much as the limit allows can be asked for, the rest is refused, and it can all be given back. */
TEST(limit)
{
    long before = owned(), got = 0;
    unsigned long pfn = spare(100);

    while (got < 64) {
        frames[0] = pfn; /* the same pfn again: only the frame's number is of interest */
        if (reserve(XENMEM_increase_reservation, 1, 0, frames) != 1) {
            break;
        }
        got++;
        xen_pfn_t back = frames[0];
        CHECK_EQ(reserve(XENMEM_decrease_reservation, 1, 0, &back), 1);
    }
    answer("increases", "%s", got > 0 ? "some" : "none");
    CHECK_EQ(owned(), before);
}
