/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op on the host: what it does and answers, interrupted anywhere, faulting anywhere, and
 * with any arguments at all. The checker of mm_check.c looks at the result.
 */
#include "mm_check.h"
#include "boot/boot.h"
#include "domain/grant_internal.h"
#include "host/guest.h"
#include "hypercalls/memory.h"

#define LIST    (GUEST_BASE + 0x4000)
#define OUTLIST (GUEST_BASE + 0x8000)
#define ARG     (GUEST_BASE + 0x100)

static struct domain *tools, *guest, *all[2];
static struct vcpu tools_vcpu, guest_vcpu;

/* ---- stand-ins for what only memory_map.c asks --------------------------------------------- */

struct boot_info boot_info;
int grant_table_frame(struct domain *d __unused, unsigned long idx, mfn_t *mfn)
{
    *mfn = mfn_make(0x9000 + idx);
    return 0;
}
void grant_table_size(const struct domain *d __unused, uint32_t *nr, uint32_t *max)
{
    *nr = 1;
    *max = 40;
}

/* ---- the machine --------------------------------------------------------------------------- */

static struct grant_table no_grants = {.maptrack_free = MAPTRACK_NONE};

static void start(void)
{
    host_start(0x1000, 0);
    tools = all[0] = host_domain(0, 0x1000);
    guest = all[1] = host_domain(1, 700);
    tools->privileged = true;
    guest->grant_table = &no_grants;
    tools_vcpu.domain = tools;
    guest_vcpu.domain = guest;
    current = &guest_vcpu;
}
static void check(void)
{
    mm_check(all, 2);
}

/* As a guest executes it: again and again, with the arguments it was left with. */
static long call(unsigned long cmd, uint64_t arg)
{
    long rc;

    for (;;) {
        guest_continuation.asked = false;
        rc = hc_memory_op(cmd, arg, 0, 0, 0);
        if (!guest_continuation.asked)
            return rc;
        EXPECT_EQ(guest_continuation.nr, 12);
        cmd = guest_continuation.args[0];
        arg = guest_continuation.args[1];
    }
}

static uint64_t *list(uint64_t va)
{
    return guest_at(va);
}

static long reservation(unsigned int op, domid_t domid, unsigned long n, unsigned int order,
                        unsigned int flags)
{
    struct xen_memory_reservation r = {
        .nr_extents = n, .extent_order = order, .mem_flags = flags, .domid = domid};

    r.extent_start.p = (xen_pfn_t *)LIST;
    memcpy(guest_at(ARG), &r, sizeof(r));
    return call(op, ARG);
}

static void fill(uint64_t va, unsigned long n, uint64_t first, uint64_t step)
{
    for (unsigned long i = 0; i < n; i++)
        list(va)[i] = first + i * step;
}

/* ---- reservations -------------------------------------------------------------------------- */

static void populate_and_decrease(void)
{
    start();
    for (unsigned int round = 0; round < 40; round++) {
        unsigned int n = 1 + host_random(500);
        host_preempt_odds = round % 4;
        fill(LIST, n, 5000, 3);
        EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, n, 0, 0), n);
        for (unsigned int i = 0; i < n; i++) {
            EXPECT(list(LIST)[i] < max_mfn && frame_table[list(LIST)[i]].owner == guest->id);
            EXPECT_EQ(machine_to_phys[list(LIST)[i]], 5000 + i * 3);
        }
        check();
        EXPECT_EQ(guest->tot_pages, n);
        EXPECT_EQ(reservation(XENMEM_decrease_reservation, DOMID_SELF, n, 0, 0), n);
        check();
        EXPECT_EQ(guest->tot_pages, 0);
    }
    host_preempt_odds = 0;
    EXPECT_EQ(frames_free_count(), 0x1000);
}

static void extents(void)
{
    start();
    for (unsigned int order = 1; order <= 9; order++) {
        unsigned long n = MIN(700ul >> order, 60ul);
        host_preempt_odds = 2;
        fill(LIST, n, 0x100, 1u << order);
        EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, n, order, 0), n);
        for (unsigned long i = 0; i < n; i++)
            for (unsigned long j = 0; j < 1ul << order; j++)
                EXPECT_EQ(machine_to_phys[list(LIST)[i] + j], 0x100 + (i << order) + j);
        check();
        EXPECT_EQ(reservation(XENMEM_decrease_reservation, DOMID_SELF, n, order, 0), n);
        EXPECT_EQ(guest->tot_pages, 0);
        EXPECT_EQ(reservation(XENMEM_increase_reservation, DOMID_SELF, n, order, 0), n);
        EXPECT_EQ(reservation(XENMEM_decrease_reservation, DOMID_SELF, n, order, 0), n);
        check();
    }
    EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, 1, 10, 0), 0);
    EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, 1, 0xffffffff, 0), 0);
    EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, ~0ul, 0, 0), 0);
    EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, 0, 0, 0), 0);
    EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, 1, 0, 5), 0); /* 5 address bits */
    EXPECT_EQ(guest->tot_pages, 0);
}

static void limits(void)
{
    start();
    fill(LIST, 800, 0, 1);
    EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, 800, 0, 0), 700);
    EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, 1, 0, 0), 0);
    EXPECT_EQ(reservation(XENMEM_decrease_reservation, DOMID_SELF, 800, 0, 0), 700);
    check();
    /* A bad number in the middle of a batch. */
    fill(LIST, 100, 0, 1);
    EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, 100, 0, 0), 100);
    uint64_t keep = list(LIST)[70];
    list(LIST)[70] = list(LIST)[3];
    EXPECT_EQ(reservation(XENMEM_decrease_reservation, DOMID_SELF, 100, 0, 0), 70);
    list(LIST)[70] = keep;
    check();
    EXPECT_EQ(guest->tot_pages, 30);
}

static void rights(void)
{
    start();
    fill(LIST, 8, 0, 1);
    EXPECT_EQ(reservation(XENMEM_populate_physmap, 0, 8, 0, 0), -EPERM);
    EXPECT_EQ(reservation(XENMEM_decrease_reservation, 0, 8, 0, 0), -EPERM);
    EXPECT_EQ(reservation(XENMEM_populate_physmap, 5, 8, 0, 0), 0);
    EXPECT_EQ(reservation(XENMEM_claim_pages, 1, 8, 0, 0), -EPERM);
    current = &tools_vcpu;
    EXPECT_EQ(reservation(XENMEM_populate_physmap, 1, 8, 0, 0), 8);
    EXPECT_EQ(guest->tot_pages, 8);
    EXPECT_EQ(guest->refs, 2);
    EXPECT_EQ(reservation(XENMEM_decrease_reservation, DOMID_SELF, 8, 0, 0), 0); /* not its own */
    EXPECT_EQ(reservation(XENMEM_decrease_reservation, 1, 8, 0, 0), 8);
    EXPECT_EQ(guest->refs, 1);
    check();
}

/* The list faults at each page border in turn: as many as are reported are done. */
static void faults(void)
{
    start();
    for (unsigned int k = 0; k <= 600; k += 37) {
        fill(LIST, 600, 0, 1);
        guest_fault_from = LIST + k * 8;
        guest_fault_to = guest_fault_from + 4096;
        long n = reservation(XENMEM_populate_physmap, DOMID_SELF, 600, 0, 0);
        EXPECT(n >= 0 && n <= k && guest->tot_pages == n);
        check();
        n = reservation(XENMEM_increase_reservation, DOMID_SELF, 10, 3, 0);
        EXPECT(n >= 0 && n <= 10);
        guest_fault_from = guest_fault_to = ~0ull;
        mm_relinquish(guest);
        guest->dying = DOMAIN_ALIVE;
        check();
    }
    guest_fault_from = ARG;
    guest_fault_to = ARG + 1;
    for (unsigned int op = 0; op < 29; op++)
        EXPECT(hc_memory_op(op, ARG, 0, 0, 0) <= 0 || op == XENMEM_maximum_ram_page);
}

/* ---- exchange ------------------------------------------------------------------------------ */

static long exchange(unsigned long n_in, unsigned int order_in, unsigned long n_out,
                     unsigned int order_out, struct xen_memory_exchange *x)
{
    *x = (struct xen_memory_exchange){
        .in = {.nr_extents = n_in, .extent_order = order_in, .domid = DOMID_SELF},
        .out = {.nr_extents = n_out, .extent_order = order_out, .domid = DOMID_SELF}};
    x->in.extent_start.p = (xen_pfn_t *)LIST;
    x->out.extent_start.p = (xen_pfn_t *)OUTLIST;
    memcpy(guest_at(ARG), x, sizeof(*x));
    long rc = call(XENMEM_exchange, ARG);
    memcpy(x, guest_at(ARG), sizeof(*x));
    return rc;
}

static void exchange_orders(void)
{
    struct xen_memory_exchange x;

    start();
    host_preempt_odds = 3;
    for (unsigned int order = 0; order <= 6; order++) {
        unsigned long n = 320 >> order;
        fill(LIST, 320, 0, 1);
        EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, 320, 0, 0), 320);
        fill(OUTLIST, n, 0x1000, 1u << order);
        EXPECT_EQ(exchange(320, 0, n, order, &x), 0);
        EXPECT_EQ(x.nr_exchanged, 320);
        check();
        for (unsigned long i = 0; i < 320; i++)
            EXPECT_EQ(machine_to_phys[list(OUTLIST)[i >> order] + (i & ((1u << order) - 1))],
                      0x1000 + i);
        /* And back, from blocks to single frames. */
        memcpy(list(LIST), list(OUTLIST), n * 8);
        fill(OUTLIST, 320, 0x2000, 1);
        EXPECT_EQ(exchange(n, order, 320, 0, &x), 0);
        EXPECT_EQ(x.nr_exchanged, n);
        check();
        memcpy(list(LIST), list(OUTLIST), 320 * 8);
        EXPECT_EQ(reservation(XENMEM_decrease_reservation, DOMID_SELF, 320, 0, 0), 320);
        EXPECT_EQ(guest->tot_pages, 0);
    }
    host_preempt_odds = 0;
    EXPECT_EQ(frames_free_count(), 0x1000);
}

static void exchange_refusals(void)
{
    struct xen_memory_exchange x;

    start();
    fill(LIST, 64, 0, 1);
    EXPECT_EQ(reservation(XENMEM_populate_physmap, DOMID_SELF, 64, 0, 0), 64);
    fill(OUTLIST, 64, 0, 1);
    EXPECT_EQ(exchange(64, 0, 63, 0, &x), -EINVAL);
    EXPECT_EQ(exchange(10, 0, 5, 1, &x), 0);
    EXPECT_EQ(exchange(3, 0, 0, 1, &x), -EINVAL);
    EXPECT_EQ(exchange(1, 10, 1, 10, &x), -EPERM);
    EXPECT_EQ(exchange(~0ul, 0, ~0ul, 0, &x), -EINVAL);
    /* The first ten are not its own any more. Sixteen at a time, none of a piece is done. */
    EXPECT_EQ(exchange(64, 0, 4, 4, &x), -EINVAL);
    EXPECT_EQ(x.nr_exchanged, 0);
    check();
    EXPECT_EQ(guest->tot_pages, 64);
    /* Those after them are; the third piece has a frame in use. */
    uint64_t *l = list(LIST);
    memmove(l, l + 10, 48 * 8);
    struct frame *used = &frame_table[l[40]];
    EXPECT(frame_get(used, guest));
    mm_hold(used, FRAME_NONE);
    EXPECT_EQ(exchange(48, 0, 3, 4, &x), -EINVAL);
    EXPECT_EQ(x.nr_exchanged, 32);
    check();
    EXPECT_EQ(guest->tot_pages, 64);
    mm_unhold(used, FRAME_NONE);
    frame_put(used);
}

/* ---- maps ---------------------------------------------------------------------------------- */

static void maps(void)
{
    struct xen_foreign_memory_map set = {.domid = 1, .map = {.nr_entries = 3}};
    struct xen_memory_map get = {.nr_entries = 10};
    struct e820entry *e = guest_at(LIST);

    start();
    get.buffer.p = (void *)OUTLIST;
    memcpy(guest_at(ARG), &get, sizeof(get));
    EXPECT_EQ(call(XENMEM_memory_map, ARG), -ENOSYS);
    EXPECT_EQ(call(XENMEM_machine_memory_map, ARG), -EPERM);
    for (unsigned int i = 0; i < 3; i++)
        e[i] = (struct e820entry){i * MB(1), MB(1), i + 1};
    set.map.buffer.p = (void *)LIST;
    current = &tools_vcpu;
    memcpy(guest_at(ARG), &set, sizeof(set));
    EXPECT_EQ(call(XENMEM_set_memory_map, ARG), 0);
    set.map.nr_entries = 1025;
    memcpy(guest_at(ARG), &set, sizeof(set));
    EXPECT_EQ(call(XENMEM_set_memory_map, ARG), -EINVAL);
    current = &guest_vcpu;
    memcpy(guest_at(ARG), &get, sizeof(get));
    EXPECT_EQ(call(XENMEM_memory_map, ARG), 0);
    memcpy(&get, guest_at(ARG), sizeof(get));
    EXPECT_EQ(get.nr_entries, 3);
    EXPECT(!memcmp(guest_at(OUTLIST), e, 3 * sizeof(*e)));
    /* The host's, with what Domain 0 may not use between its entries. */
    current = &tools_vcpu;
    boot_info.nr_e820 = 2;
    boot_info.e820[0] = (struct boot_e820){MB(1), MB(63), E820_RAM};
    boot_info.e820[1] = (struct boot_e820){GB(4) - MB(1), MB(1), E820_RESERVED};
    EXPECT_EQ(rangeset_add(&tools->iomem_caps, 0, 0xfebff), 0);
    EXPECT_EQ(rangeset_add(&tools->iomem_caps, 0xfec01, ~0ull >> 12), 0);
    get.nr_entries = 2;
    memcpy(guest_at(ARG), &get, sizeof(get));
    EXPECT_EQ(call(XENMEM_machine_memory_map, ARG), -EINVAL);
    get.nr_entries = 3;
    memcpy(guest_at(ARG), &get, sizeof(get));
    EXPECT_EQ(call(XENMEM_machine_memory_map, ARG), 0);
    e = guest_at(OUTLIST);
    EXPECT(e[0].size == MB(63) && e[0].type == E820_RAM);
    EXPECT(e[1].addr == 0xfec00000 && e[1].size == PAGE_SIZE && e[1].type == E820_RESERVED);
    EXPECT(e[2].addr == GB(4) - MB(1));
}

static void resources(void)
{
    struct xen_mem_acquire_resource r = {.domid = 1, .type = XENMEM_resource_grant_table};

    start();
    current = &tools_vcpu;
    memcpy(guest_at(ARG), &r, sizeof(r));
    EXPECT_EQ(call(XENMEM_acquire_resource, ARG), 0);
    memcpy(&r, guest_at(ARG), sizeof(r));
    EXPECT_EQ(r.nr_frames, 40);
    r.frame_list.p = (xen_pfn_t *)LIST;
    host_preempt_odds = 2;
    memcpy(guest_at(ARG), &r, sizeof(r));
    EXPECT_EQ(call(XENMEM_acquire_resource, ARG), 0);
    for (unsigned int i = 0; i < 40; i++)
        EXPECT_EQ(list(LIST)[i], 0x9000 + i);
    r.frame = 1;
    memcpy(guest_at(ARG), &r, sizeof(r));
    EXPECT_EQ(call(XENMEM_acquire_resource, ARG), -EINVAL);
    r.domid = DOMID_SELF;
    memcpy(guest_at(ARG), &r, sizeof(r));
    EXPECT_EQ(call(XENMEM_acquire_resource, ARG), -ESRCH);
    EXPECT_EQ(guest->refs, 1);
}

/* ---- anything at all ----------------------------------------------------------------------- */

static uint64_t strange(void)
{
    switch (host_random(9)) {
    case 0: return host_random(4);
    case 1: return LIST + host_random(64) * 8;
    case 2: return OUTLIST;
    case 3: return DOMID_SELF;
    case 4: return host_random(70);
    case 5: return 1ull << host_random(64);
    case 6: return ~0ull - host_random(3);
    case 7: return (uint64_t)host_random(~0u) << 32 | host_random(~0u);
    default: return 0;
    }
}

static void anything(void)
{
    long answered = 0;

    start();
    host_preempt_odds = 10;
    for (unsigned int i = 0; i < 60000; i++) {
        uint32_t *arg = guest_at(ARG);
        for (unsigned int w = 0; w < 20; w += 2) {
            uint64_t v = strange();
            memcpy(arg + w, &v, 8);
        }
        if (host_random(3))
            ((uint16_t *)arg)[12] = host_random(2) ? DOMID_SELF : 1;
        for (unsigned int w = 0; w < 8; w++)
            list(LIST)[host_random(64)] = host_random(2) ? host_random(0x1100) : strange();
        current = host_random(2) ? &tools_vcpu : &guest_vcpu;
        guest_continuation.asked = false;
        long rc = hc_memory_op(host_random(4) ? host_random(29) : strange(), ARG, 0, 0, 0);
        answered += rc > 0;
        if (i % 64 == 0)
            check();
        EXPECT(tools->refs == 1u + !!tools->tot_pages && guest->refs == 1u + !!guest->tot_pages);
    }
    host_preempt_odds = 0;
    EXPECT(answered > 100);
    for (unsigned int i = 0; i < 2; i++)
        mm_relinquish(all[i]);
    check();
    dom_claim(tools, 0);
    dom_claim(guest, 0);
    hv_free(tools->pv.e820.map);
    hv_free(guest->pv.e820.map);
    EXPECT_EQ(frames_claimed_count(), 0);
}

#define TEST(name)               \
    {                            \
        "memory_op/" #name, name \
    }
static const struct unit_test tests[] = {
    TEST(populate_and_decrease),
    TEST(extents),
    TEST(limits),
    TEST(rights),
    TEST(faults),
    TEST(exchange_orders),
    TEST(maps),
    TEST(resources),
    TEST(exchange_refusals),
    TEST(anything),
};

int main(int argc, char **argv)
{
    return unit_main(tests, ARRAY_SIZE(tests), argc, argv);
}
