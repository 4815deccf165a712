/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of xen/mm on the host: the frame allocator, references, page types, and the reservations of
 * domains. After each step an independent checker recomputes all counts (mm_check.c).
 */
#include "mm_check.h"
#include "x86/tlb.h"
#include "hypercalls/mmu.h"
#include "mm/balloon.h"

static struct domain *d, *other, *all[2];

static void start_with(unsigned int high)
{
    host_start(0x400, high);
    d = all[0] = host_domain(1, 400);
    other = all[1] = host_domain(2, 400);
}
static void start(void)
{
    start_with(0);
}
static void check(void)
{
    mm_check(all, 2);
}
static struct frame *page(void)
{
    struct frame *f = dom_frames_alloc(d, 0, 0);
    EXPECT(f);
    memset(frame_to_virt(f), 0, PAGE_SIZE);
    return f;
}
static void put(struct frame *table, unsigned int i, const struct frame *target, uint64_t flags)
{
    entries_of(table)[i] = pte_to(target, flags);
}

/* ---- allocator ----------------------------------------------------------------------------- */

static void alloc_splits_and_joins(void)
{
    start_with(0x100);
    uint64_t free = frames_free_count();
    struct frame *f[64];
    EXPECT_EQ(free, 0x500);
    for (unsigned int i = 0; i < 64; i++) {
        f[i] = frames_alloc(i % 4, 0);
        EXPECT(f[i] && !(mfn_x(frame_to_mfn(f[i])) & ((1u << i % 4) - 1)));
        memset(frame_to_virt(f[i]), 0xee, PAGE_SIZE << i % 4);
    }
    check();
    for (unsigned int i = 0; i < 64; i++)
        frames_free(f[i], i % 4);
    EXPECT_EQ(frames_free_count(), free);
    /* All joined again: blocks as large as the RAM's alignment allows. */
    EXPECT(frames_alloc(8, 32) && frames_alloc(9, 32) && frames_alloc(8, 32) && frames_alloc(8, 0));
    EXPECT_EQ(frames_free_count(), 0);
    EXPECT(!frames_alloc(0, 0));
}

static void alloc_below(void)
{
    start_with(0x100);
    struct frame *f = frames_alloc(0, 0);
    EXPECT(mfn_x(frame_to_mfn(f)) >=
           HOST_HIGH_FIRST); /* low memory is kept for those who need it */
    f = frames_alloc(0, 32);
    EXPECT(mfn_x(frame_to_mfn(f)) < HOST_HIGH_FIRST);
    f = frames_alloc(3, 21);
    EXPECT(mfn_x(frame_to_mfn(f)) + 8 <= 0x200);
    EXPECT(!frames_alloc(0, 12));
    EXPECT(!frames_alloc(MAX_ORDER + 1, 0));
}

static void alloc_charges(void)
{
    start();
    d->max_pages = 5;
    EXPECT(dom_frames_alloc(d, 2, 0));
    EXPECT_EQ(d->tot_pages, 4);
    EXPECT_EQ(d->refs, 2); /* frames keep their domain */
    EXPECT(!dom_frames_alloc(d, 1, 0));
    EXPECT(dom_frames_alloc(d, 0, 0));
    EXPECT(!dom_frames_alloc(d, 0, 0));
    check();
    d->dying = DOMAIN_DYING;
    d->max_pages = 100;
    EXPECT(!dom_frames_alloc(d, 0, 0));
    mm_relinquish(d);
    check();
    EXPECT_EQ(d->refs, 1);
    EXPECT_EQ(frames_free_count(), 0x400);
}

static void alloc_scrubs(void)
{
    start();
    struct frame *f[2] = {page(), page()};
    uint64_t mfn[2], again[2];
    for (unsigned int i = 0; i < 2; i++) {
        mfn[i] = mfn_x(frame_to_mfn(f[i]));
        memset(frame_to_virt(f[i]), 0x5a, PAGE_SIZE);
    }
    EXPECT_EQ(dom_frames_give(d, mfn, 2), 2);
    EXPECT(machine_to_phys[mfn[0]] == INVALID_M2P_ENTRY);
    /* One's own comes back as it was. */
    EXPECT_EQ(dom_frames_take(d, 1, 0, again), 1);
    EXPECT_EQ(again[0], mfn[1]);
    EXPECT_EQ(*(uint8_t *)frame_to_virt(f[1]), 0x5a);
    /* Another's does not, whichever way it comes; and nobody has it in a TLB. */
    unsigned long flushes = host_flushes;
    EXPECT_EQ(dom_frames_take(other, 1, 0, again), 1);
    EXPECT_EQ(again[0], mfn[0]);
    EXPECT(host_flushes > flushes);
    for (unsigned int i = 0; i < PAGE_SIZE; i++)
        EXPECT_EQ(((uint8_t *)frame_to_virt(f[0]))[i], 0);
    check();
    /* Nor to the hypervisor, nor in a block. */
    memset(frame_to_virt(f[0]), 0x77, PAGE_SIZE);
    EXPECT(dom_frame_free(f[0], other));
    struct frame *g;
    while ((g = frames_alloc(0, 0)))
        EXPECT(g != f[0] || *(uint8_t *)frame_to_virt(g) == 0);
}

/* Marks a frame and gives it back; its number. */
static uint64_t soil(struct frame *f)
{
    memset(frame_to_virt(f), 0x5a, PAGE_SIZE);
    EXPECT(dom_frame_free(f, d));
    return mfn_x(frame_to_mfn(f));
}

static bool is_zero(const struct frame *f)
{
    const uint8_t *p = frame_to_virt(f);

    return !p[0] && !memcmp(p, p + 1, PAGE_SIZE - 1);
}

static unsigned int scrub_all(void)
{
    unsigned int steps = 0;

    while (frames_scrub())
        steps++;
    return steps;
}

/* What an idle CPU does: all that was freed is zero afterwards, clean for the books, and nobody has it in a TLB. */
static void idle_scrubs(void)
{
    start();
    struct frame *f[8];
    uint64_t free = frames_free_count(), mfn[8];
    EXPECT(!frames_scrub());
    for (unsigned int i = 0; i < 8; i++)
        f[i] = page();
    /* Every other one: single frames, that have no free buddies. */
    for (unsigned int i = 0; i < 8; i += 2)
        mfn[i] = soil(f[i]);
    check();
    unsigned long flushes = host_flushes;
    scrub_all();
    EXPECT(host_flushes > flushes);
    for (unsigned int i = 0; i < 8; i += 2)
        EXPECT(is_zero(f[i]) && frame_table[mfn[i]].info == FI_RAM);
    check();
    /* Joined with clean ones; one of them becomes dirty while the block is being scrubbed. */
    for (unsigned int i = 3; i < 8; i += 2)
        mfn[i] = soil(f[i]);
    EXPECT(frames_scrub());
    mfn[1] = soil(f[1]);
    scrub_all();
    for (unsigned int i = 1; i < 8; i += 2)
        EXPECT(is_zero(f[i]) && frame_table[mfn[i]].info == FI_RAM);
    EXPECT_EQ(frames_free_count(), free);
    EXPECT(!frames_scrub());
    check();
    /* What was scrubbed is not scrubbed again. */
    flushes = host_flushes;
    EXPECT(dom_frames_alloc(other, 3, 0));
    EXPECT_EQ(host_flushes, flushes);
}

/* Long blocks are passed in steps. */
static void idle_scrubs_in_steps(void)
{
    start();
    struct frame *f = frames_alloc(9, 0), *last = f + 511;
    memset(frame_to_virt(last), 0x5a, PAGE_SIZE);
    frames_free(f, 9);
    EXPECT(scrub_all() >= 512);
    EXPECT(is_zero(last));
    check();
    f = dom_frames_alloc(d, 0, 0);
    uint64_t mfn = soil(f);
    check();
    /* Two passes at least: the block is of 1024 frames. */
    EXPECT(scrub_all() >= 2);
    EXPECT(is_zero(&frame_table[mfn]));
    check();
}

/* Clean memory first, whatever is smaller or was freed later; dirty memory is there for those who need it. */
static void clean_memory_first(void)
{
    start();
    struct frame *f[2] = {page(), page()};
    uint64_t dirty = soil(f[0]);
    struct frame *g;
    unsigned int n = 0;
    while (frames_free_count() > 1) {
        g = frames_alloc(0, 0);
        EXPECT(g && mfn_x(frame_to_mfn(g)) != dirty);
        n++;
    }
    EXPECT(n > 0);
    g = frames_alloc(0, 0);
    EXPECT(g && mfn_x(frame_to_mfn(g)) == dirty && is_zero(g));
    check();
}

static void alloc_claims(void)
{
    start();
    uint64_t free = frames_free_count();
    EXPECT_EQ(dom_claim(d, 401), -EINVAL); /* above its limit */
    d->max_pages = 2000;
    EXPECT_EQ(dom_claim(d, free + 1), -ENOMEM);
    EXPECT_EQ(dom_claim(d, free - 10), 0);
    EXPECT_EQ(dom_claim(d, 5), -EINVAL); /* one at a time */
    EXPECT_EQ(frames_claimed_count(), free - 10);
    uint64_t mfns[16];
    EXPECT_EQ(dom_frames_take(other, 16, 0, mfns), 10); /* what is not promised */
    EXPECT(!dom_frames_alloc(other, 0, 0));
    EXPECT(!frames_alloc(0, 0));
    EXPECT_EQ(dom_frames_take(d, 16, 0, mfns), 16);
    EXPECT(dom_frames_alloc(d, 3, 0));
    EXPECT_EQ(frames_claimed_count(), free - 34);
    EXPECT_EQ(dom_claim(d, 0), 0);
    EXPECT_EQ(frames_claimed_count(), 0);
    EXPECT_EQ(dom_claim(d, 20), -EINVAL); /* it has more already */
    EXPECT_EQ(dom_claim(d, 40), 0);
    d->dying = DOMAIN_DYING;
    EXPECT_EQ(dom_claim(d, 50), -EINVAL);
    EXPECT_EQ(dom_claim(d, 0), 0);
    EXPECT_EQ(frames_claimed_count(), 0);
    check();
}

/* Frames that came back one by one are joined when a block is wanted, and count as free. */
static void alloc_joins_loose(void)
{
    uint64_t mfns[256];

    start_with(0x100);
    EXPECT_EQ(dom_frames_take(d, 256, 0, mfns), 256); /* all high memory */
    while (frames_alloc(0, 32))
        ;
    EXPECT_EQ(frames_free_count(), 0);
    EXPECT_EQ(dom_frames_give(d, mfns, 256), 256);
    EXPECT_EQ(frames_free_count(), 256);
    check();
    EXPECT(!frames_alloc(0, 32));
    EXPECT(frames_alloc(8, 0));
    EXPECT_EQ(frames_free_count(), 0);
    check();
}

/* What held a boot module: whole frames of RAM that nobody has; and nobody sees what was in them. */
static void alloc_takes_used(void)
{
    start();
    uint64_t total = frames_total_count(), unused = frames_free_count();
    for (unsigned int m = 1; m < 6; m++)
        frame_table[m].info = FI_RAM;
    frame_table[3].owner = other->id;
    memset(maddr_to_virt(PAGE_SIZE), 0x5a, 5 * PAGE_SIZE);
    frames_add_used(PAGE_SIZE + 16, 6 * PAGE_SIZE - 1); /* 2 and 4; 3 is somebody's */
    EXPECT_EQ(frames_total_count(), total + 2);
    EXPECT_EQ(frames_free_count(), unused + 2);
    for (unsigned int i = 0; i < 2; i++) {
        struct frame *f = frames_alloc(0, 15);
        EXPECT(f == &frame_table[2] || f == &frame_table[4]);
        EXPECT_EQ(*(uint64_t *)frame_to_virt(f), 0);
    }
    EXPECT(!frames_alloc(0, 15));
    frame_table[3].owner = FRAME_NO_OWNER;
    frames_add_used(0x10 * PAGE_SIZE, 0x12 * PAGE_SIZE); /* no RAM */
    frames_add_used(max_mfn << PAGE_SHIFT, (max_mfn + 2) << PAGE_SHIFT);
    EXPECT_EQ(frames_total_count(), total + 2);
}

/* ---- giving and exchanging ----------------------------------------------------------------- */

static void give_refuses(void)
{
    start();
    struct frame *table = page(), *data = page(), *theirs = dom_frames_alloc(other, 0, 0);
    uint64_t ok = mfn_x(frame_to_mfn(data)), list[3];

    EXPECT_EQ(mm_pin(table, d, FRAME_L1), 0);
    const uint64_t bad[] = {
        mfn_x(frame_to_mfn(table)), mfn_x(frame_to_mfn(theirs)), max_mfn, ~0ull, 0,
        ok ^ (1ull << 63)};
    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        EXPECT_EQ(dom_frames_give(d, &bad[i], 1), 0);
        check();
    }
    list[0] = ok;
    list[1] = ok; /* the second time it is not d's any more */
    list[2] = ok;
    EXPECT_EQ(dom_frames_give(d, list, 3), 1);
    struct frame *shared = frames_alloc(0, 0);
    frame_share(shared, d, true);
    list[0] = mfn_x(frame_to_mfn(shared));
    EXPECT_EQ(dom_frames_give(d, list, 1), 0);
    frame_unshare(shared, d);
    check();
}

static void give_used_frame(void)
{
    start();
    struct frame *l1 = page(), *data = page(), *next = page();
    uint64_t list[2] = {mfn_x(frame_to_mfn(data)), mfn_x(frame_to_mfn(next))};
    uint64_t free = frames_free_count();

    put(l1, 3, data, PTE_RO | PTE_RW);
    EXPECT_EQ(mm_pin(l1, d, FRAME_L1), 0);
    EXPECT_EQ(dom_frames_give(d, list, 2), 2);
    check();
    EXPECT_EQ(frames_free_count(), free + 1); /* the mapped one stays, and stays charged */
    EXPECT_EQ(d->tot_pages, 2);
    EXPECT(!frame_get(data, d)); /* but there are no new uses of it */
    EXPECT_EQ(pt_write_entry(l1, 4, pte_to(data, PTE_RO), d, d, false), -EBUSY);
    EXPECT_EQ(pt_write_entry(l1, 3, 0, d, d, false), 0);
    EXPECT_EQ(frames_free_count(), free + 2);
    check();
}

static void exchange(void)
{
    start();
    uint64_t in[4], out[4];
    EXPECT_EQ(dom_frames_take(d, 4, 0, in), 4);
    struct frame *block = frames_alloc(2, 32);
    for (unsigned int i = 0; i < 4; i++)
        out[i] = mfn_x(frame_to_mfn(block)) + i;
    /* All or nothing: a frame in use, one named twice, one of somebody else's. */
    EXPECT(frame_get(mfn_to_frame(mfn_make(in[3])), d));
    EXPECT_EQ(dom_frames_exchange(d, in, out, 4), -EINVAL);
    frame_put(mfn_to_frame(mfn_make(in[3])));
    uint64_t last = in[3];
    in[3] = in[1];
    EXPECT_EQ(dom_frames_exchange(d, in, out, 4), -EINVAL);
    in[3] = ~0ull;
    EXPECT_EQ(dom_frames_exchange(d, in, out, 4), -EINVAL);
    in[3] = last;
    check();
    EXPECT_EQ(d->tot_pages, 4);
    uint64_t free = frames_free_count();
    EXPECT_EQ(dom_frames_exchange(d, in, out, 4), 0);
    EXPECT_EQ(frames_free_count(), free + 4);
    check();
    EXPECT(frame_get_writable(block, d));
    frame_put_writable(block);
    EXPECT(!frame_get(mfn_to_frame(mfn_make(in[0])), d));
}

/* ---- references ---------------------------------------------------------------------------- */

static void references(void)
{
    start();
    struct frame *f = page();
    EXPECT(!frame_get(f, other) && !frame_get_writable(f, other));
    EXPECT(!mfn_get(mfn_make(max_mfn), d) && !mfn_get(mfn_make(~0ull), d));
    EXPECT(frame_get(f, d));
    EXPECT(frame_get_writable(f, d));
    mm_hold(f, FRAME_NONE);
    mm_hold(f, FRAME_WRITABLE);
    check();
    /* Not a table while it can be written. */
    EXPECT_EQ(frame_get_type(f, d, FRAME_L1), -EINVAL);
    EXPECT(dom_frame_free(f, d));
    EXPECT(!dom_frame_free(f, d));
    check();
    mm_unhold(f, FRAME_WRITABLE);
    frame_put_writable(f);
    mm_unhold(f, FRAME_NONE);
    frame_put(f);
    check();
    EXPECT_EQ(d->tot_pages, 0);
    /* The count cannot be made to wrap. */
    f = page();
    f->info |= FI_REF_MASK;
    EXPECT(!frame_get(f, d) && !frame_get_writable(f, d));
    f->info = (f->info & ~FI_REF_MASK) | FI_REF_ONE | FI_TCOUNT | FI_TYPE_OF(FRAME_WRITABLE);
    EXPECT(!frame_get_writable(f, d));
}

static void shared_frames(void)
{
    start();
    struct frame *f = frames_alloc(0, 0), *ro = frames_alloc(0, 0), *l1 = page();
    frame_share(f, d, true);
    frame_share(ro, dom_xen, false);
    put(l1, 0, f, PTE_RO | PTE_RW);
    EXPECT_EQ(mm_pin(l1, d, FRAME_L1), 0);
    EXPECT_EQ(frame_get_type(f, d, FRAME_L1), -EINVAL);
    EXPECT_EQ(frame_get_type(f, d, FRAME_SEG), -EINVAL);
    EXPECT(!dom_frame_free(f, d));
    /* The hypervisor's read-only frames: readable as DOMID_XEN's, never writable, nobody else's. */
    EXPECT_EQ(pt_write_entry(l1, 1, pte_to(ro, PTE_RO | PTE_RW), d, dom_xen, false), -EBUSY);
    EXPECT_EQ(pt_write_entry(l1, 1, pte_to(ro, PTE_RO), d, d, false), -EBUSY);
    EXPECT_EQ(pt_write_entry(l1, 1, pte_to(ro, PTE_RO), d, dom_xen, false), 0);
    EXPECT_EQ(pt_write_entry(l1, 1, pte_to(ro, PTE_RO | PTE_RW), d, dom_xen, false), -EBUSY);
    /* Taken back while mapped: gone with the last mapping. */
    uint64_t free = frames_free_count();
    frame_unshare(f, d);
    EXPECT_EQ(frames_free_count(), free);
    EXPECT_EQ(pt_write_entry(l1, 5, pte_to(f, PTE_RO), d, d, false), -EBUSY);
    EXPECT_EQ(pt_write_entry(l1, 0, 0, d, d, false), 0);
    EXPECT_EQ(frames_free_count(), free + 1);
}

/* ---- page types ---------------------------------------------------------------------------- */

/* A small address space: one L4, two L3s, three L2s, four L1s, and pages. */
static struct frame *l4, *l3[2], *l2[3], *l1[4], *data[6];

static void build(void)
{
    l4 = page();
    for (unsigned int i = 0; i < 2; i++)
        l3[i] = page();
    for (unsigned int i = 0; i < 3; i++)
        l2[i] = page();
    for (unsigned int i = 0; i < 4; i++)
        l1[i] = page();
    for (unsigned int i = 0; i < 6; i++)
        data[i] = page();
    put(l4, 0, l3[0], PTE_RO | PTE_RW);
    put(l4, 511, l3[1], PTE_RO | PTE_RW);
    put(l4, 300, l3[0], PTE_RO | PTE_RW);
    put(l3[0], 0, l2[0], PTE_RO | PTE_RW);
    put(l3[0], 511, l2[1], PTE_RO | PTE_RW);
    put(l3[1], 7, l2[2], PTE_RO | PTE_RW);
    put(l3[1], 8, l2[1], PTE_RO | PTE_RW);
    for (unsigned int i = 0; i < 4; i++) {
        put(l2[i % 3], i, l1[i], PTE_RO | PTE_RW);
        put(l1[i], 0, data[i], PTE_RO | PTE_RW);
        put(l1[i], 511, data[i + 1], PTE_RO | PTE_RW);
        put(l1[i], 100, data[5], PTE_RO);
        put(l1[i], 101, l1[i], PTE_RO); /* its own tables, read-only */
        put(l1[i], 102, l4, PTE_RO);
    }
    put(l2[1], 200, l1[0], PTE_RO | PTE_RW);
}

static void pin_and_unpin(void)
{
    start();
    build();
    uint64_t before = l4->info;
    check();
    EXPECT_EQ(mm_pin(l4, d, FRAME_L4), 0);
    check();
    EXPECT(entries_of(l4)[HV_FIRST_SLOT] == (PTE_ADDR | PTE_PRESENT)); /* the hypervisor's slots */
    EXPECT_EQ(frame_pin(l4, d, FRAME_L4), -EINVAL);
    EXPECT_EQ(frame_pin(l2[0], d, FRAME_L2), 0); /* a second reason to stay */
    EXPECT(!frame_get_writable(l1[0], d));
    check();
    EXPECT_EQ(mm_unpin(l4, d), 0);
    check();
    EXPECT(entries_of(l4)[HV_FIRST_SLOT] == 0); /* and they are not the guest's to read */
    EXPECT(frame_get_writable(l4, d));
    frame_put_writable(l4);
    EXPECT(!frame_get_writable(l2[0], d) && !frame_get_writable(l1[0], d));
    EXPECT_EQ(mm_unpin(l2[0], d), 0);
    EXPECT_EQ(frame_unpin(l2[0], d), -EINVAL);
    check();
    EXPECT(frame_get_writable(l1[0], d));
    frame_put_writable(l1[0]);
    EXPECT((l4->info & ~FI_TYPE) == (before & ~FI_TYPE));
}

/* Each must be refused, and leave nothing behind. */
static void illegal_tables(void)
{
    struct frame *theirs;

    start();
    build();
    theirs = dom_frames_alloc(other, 0, 0);
    struct {
        struct frame *table;
        unsigned int slot;
        pte_t entry;
    } bad[] = {
        {l1[1], 9, pte_to(l1[1], PTE_RO | PTE_RW)}, /* a table writable through itself */
        {l1[1], 9, pte_to(l4, PTE_RO | PTE_RW)},    /* the root, which is being validated */
        {l1[1], 9, pte_to(l1[0], PTE_RO | PTE_RW)}, /* another table */
        {l1[1], 9, pte_to(theirs, PTE_RO)},         /* somebody else's */
        {l1[1], 9, pte_to(data[0], PTE_RO | PTE_GRANT)},
        {l1[1], 9, pte_make(mfn_make(max_mfn + 5), PTE_RO)}, /* device memory, not permitted */
        {l1[1], 9, pte_make(mfn_make(0x90), PTE_RO)},        /* a hole below RAM */
        {l2[1], 9, pte_to(l1[0], PTE_RO | PTE_PSE)},         /* a superpage */
        {l2[1], 9, pte_to(l2[0], PTE_RO)},                   /* wrong levels */
        {l2[1], 9, pte_to(l2[1], PTE_RO)},
        {l2[1], 9, pte_to(l4, PTE_RO)},
        {l2[1], 9, pte_make(mfn_make(max_mfn), PTE_RO)},
        {l3[1], 9, pte_to(l1[0], PTE_RO)},
        {l3[1], 9, pte_to(data[0], PTE_RO)}, /* already mapped writable below */
        {l4, 9, pte_to(l4, PTE_RO)},         /* a linear page table */
        {l4, 9, pte_to(theirs, PTE_RO)},
    };
    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        pte_t *e = &entries_of(bad[i].table)[bad[i].slot], old = *e;
        *e = bad[i].entry;
        int rc = mm_pin(l4, d, FRAME_L4);
        if (rc != -EINVAL && rc != -EPERM && rc != -EBUSY)
            unit_fail(__FILE__, __LINE__, "table %u gives %d", i, rc);
        check();
        EXPECT_EQ(mm_drain(d), 0);
        check();
        for (unsigned int t = 0; t < 4; t++) {
            EXPECT(frame_get_writable(l1[t], d)); /* none of them is a table any more */
            frame_put_writable(l1[t]);
        }
        *e = old;
    }
    EXPECT_EQ(mm_pin(l4, d, FRAME_L4), 0);
    /* And the same entries, one by one, in tables that are valid. */
    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        int rc = pt_write_entry(bad[i].table, bad[i].slot, bad[i].entry, d, d, i % 2);
        if (rc != -EINVAL && rc != -EPERM && rc != -EBUSY)
            unit_fail(__FILE__, __LINE__, "entry %u gives %d", i, rc);
        EXPECT_EQ(mm_drain(d), 0);
        check();
    }
    for (unsigned int s = HV_FIRST_SLOT; s <= HV_LAST_SLOT; s++)
        EXPECT_EQ(pt_write_entry(l4, s, 0, d, d, false), -EINVAL);
    EXPECT_EQ(frame_get_type(data[0], d, FRAME_L1), -EINVAL);
    EXPECT_EQ(frame_get_type(theirs, d, FRAME_L1), -EINVAL);
    EXPECT_EQ(frame_get_type(l1[0], d, FRAME_L2), -EINVAL);
}

static void write_entries(void)
{
    start();
    build();
    EXPECT_EQ(mm_pin(l4, d, FRAME_L4), 0);
    pte_t *e = &entries_of(l1[0])[0];
    /* The kernel's pages are user pages to the CPU. */
    EXPECT_EQ(pt_write_entry(l1[0], 0, pte_to(data[0], PTE_PRESENT | PTE_RW), d, d, false), 0);
    EXPECT(*e & PTE_USER);
    *e |= PTE_ACCESSED | PTE_DIRTY;
    EXPECT_EQ(pt_write_entry(l1[0], 0, pte_to(data[0], PTE_RO), d, d, true), 0);
    EXPECT(*e == pte_to(data[0], PTE_RO | PTE_ACCESSED | PTE_DIRTY));
    check();
    EXPECT_EQ(pt_write_entry(l1[0], 0, pte_to(data[4], PTE_RO), d, d, false), 0);
    EXPECT(*e == pte_to(data[4], PTE_RO));
    check();
    /* No page is global. */
    EXPECT_EQ(pt_write_entry(l1[0], 0, pte_to(data[4], PTE_RO | PTE_GLOBAL), d, d, false), 0);
    EXPECT(*e == pte_to(data[4], PTE_RO));
    check();
    /* Without a present entry anything may stand there. */
    EXPECT_EQ(pt_write_entry(l1[0], 0, 0xfffffffffffffffe, d, d, false), 0);
    check();
    /* A subtree goes and comes. */
    EXPECT_EQ(pt_write_entry(l3[0], 0, 0, d, d, false), 0);
    check();
    EXPECT_EQ(mm_drain(d), 0);
    check();
    put(l1[3], 9, l1[0], PTE_RO | PTE_RW); /* l1[3] is ordinary memory now, l1[0] still a table */
    EXPECT_EQ(pt_write_entry(l3[0], 0, pte_to(l2[0], PTE_RO | PTE_RW), d, d, false), -EBUSY);
    EXPECT_EQ(mm_drain(d), 0);
    check();
    entries_of(l1[3])[9] = 0;
    EXPECT_EQ(pt_write_entry(l3[0], 0, pte_to(l2[0], PTE_RO | PTE_RW), d, d, false), 0);
    check();
    struct frame *table;
    EXPECT(pt_walk(l4, 0, &table) == &entries_of(l1[0])[0] && table == l1[0]);
    EXPECT(!pt_walk(l4, 1ull << 38, NULL));
    EXPECT(!pt_walk(l4, HV_VIRT_START, NULL));
}

static void device_memory(void)
{
    start();
    struct frame *t = page();
    uint64_t hole = 0x95, far = max_mfn + 0x1000;

    EXPECT_EQ(rangeset_add(&d->iomem_caps, hole, hole), 0);
    EXPECT_EQ(rangeset_add(&d->iomem_caps, far, far), 0);
    EXPECT_EQ(mm_pin(t, d, FRAME_L1), 0);
    EXPECT_EQ(pt_write_entry(t, 0, pte_make(mfn_make(hole), PTE_RO | PTE_RW), d, d, false), 0);
    EXPECT_EQ(pt_write_entry(t, 1, pte_make(mfn_make(far), PTE_RO | PTE_RW), d, d, false), 0);
    EXPECT_EQ(pt_write_entry(t, 2, pte_make(mfn_make(far + 1), PTE_RO), d, d, false), -EPERM);
    check();
    EXPECT_EQ(mm_unpin(t, d), 0);
    check();
}

/* Only who has devices may map memory uncached, and nobody a table. */
static void caching(void)
{
    start();
    struct frame *t = page(), *f = page(), *bad = page(), *up = page();
    static const uint64_t bits[] = {PTE_PWT, PTE_PCD, PTE_PAT, PTE_PCD | PTE_PWT};

    EXPECT_EQ(mm_pin(t, d, FRAME_L1), 0);
    EXPECT_EQ(pt_write_entry(t, 0, pte_to(f, PTE_RO | PTE_RW), d, d, false), 0);
    for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++) {
        EXPECT_EQ(pt_write_entry(t, 0, pte_to(f, PTE_RO | PTE_RW | bits[i]), d, d, false), -EINVAL);
        EXPECT_EQ(pt_write_entry(t, 1, pte_to(f, PTE_RO | bits[i]), d, d, false), -EINVAL);
        put(bad, 5, f, PTE_RO | PTE_RW | bits[i]);
        EXPECT_EQ(mm_pin(bad, d, FRAME_L1), -EINVAL);
        EXPECT_EQ(mm_drain(d), 0);
        check();
    }
    EXPECT_EQ(rangeset_add(&d->iomem_caps, 0x95, 0x95), 0);
    EXPECT_EQ(pt_write_entry(t, 0, pte_to(f, PTE_RO | PTE_RW | PTE_PCD), d, d, false), 0);
    EXPECT_EQ(pt_write_entry(t, 1, pte_to(t, PTE_RO | PTE_RW | PTE_PCD), d, d, false), -EBUSY);
    EXPECT_EQ(pt_write_entry(t, 1, pte_to(f, PTE_RO | PTE_PAT), d, d, false), 0);
    check();
    EXPECT_EQ(pt_write_entry(t, 1, 0, d, d, false), 0);
    EXPECT_EQ(pt_write_entry(t, 0, 0, d, d, false), 0);
    put(up, 3, t, PTE_RO | PTE_RW | PTE_PCD);
    EXPECT_EQ(mm_pin(up, d, FRAME_L2), -EINVAL);
    EXPECT_EQ(mm_drain(d), 0);
    check();
}

static void descriptors(void)
{
    start();
    struct frame *f = page();
    uint64_t *desc = frame_to_virt(f);

    desc[1] = 0x00af9b000000ffff; /* 64-bit code, DPL 0: becomes 3 */
    desc[2] = 0x00cf93000000ffff;
    desc[3] = 0x00000000deadbeef; /* not present */
    EXPECT_EQ(frame_get_type(f, d, FRAME_SEG), 0);
    mm_hold(f, FRAME_SEG);
    EXPECT_EQ((desc[1] >> 45) & 3, 3);
    EXPECT(!frame_get_writable(f, d));
    check();
    mm_unhold(f, FRAME_SEG);
    frame_put_type(f, d);
    check();
    static const uint64_t bad[] = {
        0x0000e90000000000, /* TSS */
        0x0000ec0000080000, /* call gate */
        0x0000820000000000, /* LDT */
        0x0000ee0000080000, /* interrupt gate */
        0x00effb000000ffff, /* L and D */
    };
    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        desc[511] = bad[i];
        if (frame_get_type(f, d, FRAME_SEG) != -EINVAL)
            unit_fail(__FILE__, __LINE__, "descriptor %#lx was taken", (unsigned long)bad[i]);
        check();
    }
}

/* ---- preemption ---------------------------------------------------------------------------- */

/* At every point of pinning, and of taking apart: counts are right while it is suspended, the same
 * result comes out, and a write to a table meanwhile is still refused. */
static void preempt_everywhere(void)
{
    start();
    build();
    unsigned int k, stopped = 0;
    int rc;

    for (k = 1;; k++) {
        host_preempt_at = k;
        while ((rc = frame_pin(l4, d, FRAME_L4)) == -ERESTART) {
            stopped++;
            check();
            EXPECT(!frame_get_writable(l4, d));
        }
        EXPECT_EQ(rc, 0);
        bool during_pin = !host_preempt_at;
        check();
        host_preempt_at = k;
        EXPECT_EQ(frame_unpin(l4, d), 0);
        while ((rc = pt_drain(d)) == -ERESTART) {
            stopped++;
            check();
            /* Somebody asks for what waits to be taken apart. */
            if (l3[0]->info & FI_TEARDOWN)
                EXPECT_EQ(frame_get_type(l3[0], d, FRAME_L3), -EAGAIN);
        }
        EXPECT_EQ(rc, 0);
        check();
        EXPECT(!(l4->info & FI_TCOUNT) && !(l1[3]->info & FI_TCOUNT));
        if (!during_pin && host_preempt_at)
            break;
        host_preempt_at = 0;
    }
    EXPECT(k > 10 && stopped > 10);
}

/* Preempted at every point, never resumed, and the domain dies. */
static void abandon_everywhere(void)
{
    start();
    uint64_t free = frames_free_count();

    for (unsigned int k = 1;; k++) {
        d = all[0] = host_domain(1, 400);
        build();
        host_preempt_at = k;
        int rc = frame_pin(l4, d, FRAME_L4);
        check();
        bool over = host_preempt_at;
        host_preempt_at = 0;
        EXPECT_EQ(rc, over ? 0 : -ERESTART);
        mm_relinquish(d);
        check();
        EXPECT_EQ(d->refs, 1);
        EXPECT_EQ(frames_free_count(), free);
        if (over)
            return;
    }
}

/* Preempted at every point, then the guest goes on with a part of the tree only. */
static void resume_elsewhere(void)
{
    start();
    for (unsigned int k = 1;; k++) {
        d = all[0] = host_domain(1, 400);
        build();
        host_preempt_at = k;
        int rc = frame_pin(l4, d, FRAME_L4);
        bool over = host_preempt_at;
        host_preempt_at = 0;
        EXPECT_EQ(rc, over ? 0 : -ERESTART);
        for (unsigned int i = 0; i < 3; i++) {
            EXPECT_EQ(mm_pin(l2[i], d, FRAME_L2), 0);
            check();
        }
        EXPECT_EQ(frame_get_type(l3[1], d, FRAME_L3), 0);
        mm_hold(l3[1], FRAME_L3);
        check();
        mm_unhold(l3[1], FRAME_L3);
        frame_put_type(l3[1], d);
        EXPECT_EQ(mm_drain(d), 0);
        for (unsigned int i = 0; i < 3; i++)
            EXPECT_EQ(mm_unpin(l2[i], d), 0);
        check();
        mm_relinquish(d);
        check();
        EXPECT_EQ(d->refs, 1);
        if (over)
            return;
    }
}

/* A type change flushes TLBs that may hold the frame as it was, and only then. */
static void flush_on_type_change(void)
{
    start();
    struct frame *f = page();

    EXPECT(frame_get_writable(f, d));
    frame_put_writable(f);
    unsigned long flushes = host_flushes;
    EXPECT_EQ(mm_pin(f, d, FRAME_L1), 0);
    EXPECT_EQ(host_flushes, flushes + 1);
    EXPECT_EQ(mm_unpin(f, d), 0);
    EXPECT(frame_get_writable(f, d));
    EXPECT_EQ(host_flushes, flushes + 2);
    frame_put_writable(f);
    EXPECT(frame_get_writable(f, d)); /* the same use again */
    frame_put_writable(f);
    EXPECT_EQ(host_flushes, flushes + 2);
    d->dirty_cpus = CPUMASK_NONE; /* it never ran */
    EXPECT_EQ(mm_pin(f, d, FRAME_L1), 0);
    EXPECT_EQ(host_flushes, flushes + 2);
}

/* What was a table: paging caches lead to it, and none of its uses as data may begin before they are
 * flushed, not even one that finds another under way. */
static struct frame *becoming;
static unsigned long flushes_of_second;

static void second_writer(void)
{
    unsigned long before = host_flushes;

    EXPECT(frame_get_writable(becoming, d));
    flushes_of_second = host_flushes - before;
    frame_put_writable(becoming);
}

static void table_becomes_data(void)
{
    start();
    struct frame *f = becoming = page();

    EXPECT_EQ(mm_pin(f, d, FRAME_L1), 0);
    EXPECT_EQ(mm_unpin(f, d), 0);
    host_flush_hook = second_writer;
    EXPECT(frame_get_writable(f, d));
    EXPECT(!host_flush_hook);
    EXPECT_EQ(flushes_of_second, 1);
    unsigned long flushes = host_flushes;
    EXPECT(frame_get_writable(f, d)); /* from now on nobody waits */
    EXPECT_EQ(host_flushes, flushes);
    frame_put_writable(f);
    frame_put_writable(f);
    check();
}

/* Another CPU flushes, maps the frame writable, uses it and unmaps it while the last writer leaves with an older stamp. */
static void writer_in_between(void)
{
    tlb_flush_mask(cpu_online_map, 0);
    EXPECT(frame_get_writable(becoming, d));
    frame_put_writable(becoming);
}

static void stamp_of_last_writer(void)
{
    start();
    struct frame *f = becoming = page();

    EXPECT(frame_get_writable(f, d));
    host_stamp_hook = writer_in_between;
    frame_put_writable(f);
    EXPECT(!host_stamp_hook);
    unsigned long flushes = host_flushes;
    EXPECT_EQ(mm_pin(f, d, FRAME_L1), 0);
    EXPECT_EQ(host_flushes, flushes + 1);
    EXPECT_EQ(mm_unpin(f, d), 0);
    check();
}

/* The same by way of the allocator, which gives a domain its own frames back as they were. */
static void table_comes_back_as_data(void)
{
    static const enum frame_type types[] = {FRAME_L1, FRAME_SEG};

    start();
    struct frame *f = page();
    uint64_t mfn = mfn_x(frame_to_mfn(f)), again;
    /* There is no other: what needs no scrubbing would be taken first. */
    while (frames_alloc(0, 0))
        ;
    for (unsigned int used = 0; used < 2; used++)
        for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
            memset(frame_to_virt(f), 0, PAGE_SIZE);
            EXPECT_EQ(frame_get_type(f, d, types[i]), 0);
            frame_put_type(f, d);
            EXPECT_EQ(pt_drain(d), 0);
            if (used)
                EXPECT(frame_get(f, d)); /* freed by its last user */
            EXPECT_EQ(dom_frames_give(d, &mfn, 1), 1);
            if (used)
                frame_put(f);
            unsigned long flushes = host_flushes;
            EXPECT_EQ(dom_frames_take(d, 1, 0, &again), 1);
            EXPECT_EQ(again, mfn);
            EXPECT(frame_get_writable(f, d));
            EXPECT(host_flushes > flushes);
            frame_put_writable(f);
            check();
        }
}

#define TEST(name)        \
    {                     \
        "mm/" #name, name \
    }
static const struct unit_test tests[] = {
    TEST(alloc_splits_and_joins),
    TEST(alloc_below),
    TEST(alloc_charges),
    TEST(alloc_scrubs),
    TEST(idle_scrubs),
    TEST(idle_scrubs_in_steps),
    TEST(clean_memory_first),
    TEST(alloc_claims),
    TEST(alloc_joins_loose),
    TEST(alloc_takes_used),
    TEST(give_refuses),
    TEST(give_used_frame),
    TEST(exchange),
    TEST(references),
    TEST(shared_frames),
    TEST(pin_and_unpin),
    TEST(illegal_tables),
    TEST(write_entries),
    TEST(device_memory),
    TEST(caching),
    TEST(descriptors),
    TEST(preempt_everywhere),
    TEST(abandon_everywhere),
    TEST(resume_elsewhere),
    TEST(flush_on_type_change),
    TEST(table_becomes_data),
    TEST(table_comes_back_as_data),
    TEST(stamp_of_last_writer),
    {"mm/random", mm_random_test},
};

int main(int argc, char **argv)
{
    return unit_main(tests, ARRAY_SIZE(tests), argc, argv);
}
