/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grants: mapping, unmapping, copying, their errors, death on either side, and a long random run
 * against a model that counts what should be held.
 */
#include "sim.h"
#include "domain/grant_internal.h"

#define REF 20
#define AT  0x40000000ull

static struct domain *lender, *borrower;
static grant_entry_v1_t *table;

static grant_entry_v1_t *table_of(struct domain *d)
{
    mfn_t mfn;
    EXPECT_EQ(grant_table_frame(d, 0, &mfn), 0);
    return mfn_to_virt(mfn);
}
/* The test executes as the borrower. */
static void start(void)
{
    sim_start(1);
    lender = sim_domain(1);
    borrower = sim_domain(1);
    table = table_of(lender);
    sim_as(borrower->vcpu[0]);
}
static struct frame *lend(grant_ref_t ref, uint16_t flags)
{
    struct frame *f = sim_frame(lender);
    table[ref] = (grant_entry_v1_t){GTF_permit_access | flags, borrower->id,
                                    (uint32_t)mfn_x(frame_to_mfn(f))};
    return f;
}
static struct gnttab_map_grant_ref map(grant_ref_t ref, uint32_t flags, uint64_t at)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = at, .flags = flags, .ref = ref, .dom = lender->id};
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, (unsigned long)&op, 1, 0, 0), 0);
    return op;
}
static int16_t unmap(grant_handle_t handle, uint64_t at, uint64_t dev)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = at, .dev_bus_addr = dev, .handle = handle};
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_unmap_grant_ref, (unsigned long)&op, 1, 0, 0), 0);
    return op.status;
}
static unsigned int used_bits(grant_ref_t ref)
{
    return table[ref].flags & (GTF_reading | GTF_writing);
}

/* ---- mapping ---- */

static void map_and_unmap(void)
{
    bool writable;
    start();
    struct frame *f = lend(REF, 0);
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map, AT);
    EXPECT_EQ(m.status, GNTST_okay);
    EXPECT_EQ(m.dev_bus_addr, mfn_x(frame_to_mfn(f)) << PAGE_SHIFT);
    EXPECT_EQ(sim_pte(AT, &writable), mfn_x(frame_to_mfn(f)));
    EXPECT(writable);
    EXPECT_EQ(used_bits(REF), GTF_reading | GTF_writing);
    EXPECT_EQ(sim_frame_refs(f), 1);
    EXPECT_EQ(sim_frame_writers(f), 1);
    unsigned long flushes = sim_flushes;
    EXPECT_EQ(unmap(m.handle, AT, 0), GNTST_okay);
    EXPECT_EQ(sim_flushes, flushes + 1);
    EXPECT_EQ(sim_pte(AT, &writable), -1);
    EXPECT_EQ(used_bits(REF), 0);
    EXPECT_EQ(sim_frame_refs(f), 0);
    EXPECT_EQ(unmap(m.handle, AT, 0), GNTST_bad_handle);
}

static void read_only(void)
{
    bool writable;
    start();
    lend(REF, GTF_sub_page); /* of version 2 */
    EXPECT_EQ(map(REF, GNTMAP_host_map, AT).status, GNTST_general_error);
    struct frame *f = lend(REF, GTF_readonly);
    EXPECT_EQ(map(REF, GNTMAP_host_map, AT).status, GNTST_general_error);
    EXPECT_EQ(used_bits(REF), 0);
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map | GNTMAP_readonly, AT);
    EXPECT_EQ(m.status, GNTST_okay);
    EXPECT(sim_pte(AT, &writable) >= 0 && !writable);
    EXPECT_EQ(used_bits(REF), GTF_reading);
    EXPECT_EQ(sim_frame_writers(f), 0);
    /* A read-only mapping is not ended through a writable entry's address, and the other way round. */
    struct frame *g = lend(REF + 1, 0);
    struct gnttab_map_grant_ref w = map(REF + 1, GNTMAP_host_map, AT + PAGE_SIZE);
    EXPECT_EQ(unmap(m.handle, AT + PAGE_SIZE, 0), GNTST_general_error);
    EXPECT_EQ(unmap(w.handle, AT, 0), GNTST_general_error);
    EXPECT_EQ(unmap(m.handle, AT, 0), GNTST_okay);
    EXPECT_EQ(unmap(w.handle, AT + PAGE_SIZE, 0), GNTST_okay);
    EXPECT_EQ(sim_frame_refs(f) + sim_frame_refs(g), 0);
}

/* Readers and writers of one entry are counted apart. */
static void mapped_several_times(void)
{
    start();
    struct frame *f = lend(REF, 0);
    struct gnttab_map_grant_ref r = map(REF, GNTMAP_host_map | GNTMAP_readonly, AT);
    EXPECT_EQ(used_bits(REF), GTF_reading);
    struct gnttab_map_grant_ref w = map(REF, GNTMAP_host_map, AT + PAGE_SIZE);
    struct gnttab_map_grant_ref d = map(REF, GNTMAP_device_map | GNTMAP_host_map, AT + 0x2000);
    EXPECT_EQ(used_bits(REF), GTF_reading | GTF_writing);
    EXPECT_EQ(sim_frame_refs(f), 4);
    /* The lender's change of mind does not matter to what is in use. */
    table[REF].frame = 17;
    EXPECT_EQ(unmap(w.handle, AT + PAGE_SIZE, 0), GNTST_okay);
    EXPECT_EQ(used_bits(REF), GTF_reading | GTF_writing);
    /* The processor's part, then the device's. */
    EXPECT_EQ(unmap(d.handle, AT + 0x2000, 0), GNTST_okay);
    EXPECT_EQ(unmap(d.handle, AT + 0x2000, 0), GNTST_okay); /* nothing left of that part */
    EXPECT_EQ(used_bits(REF), GTF_reading | GTF_writing);
    EXPECT_EQ(unmap(d.handle, 0, 1ull << PAGE_SHIFT), GNTST_bad_dev_addr);
    EXPECT_EQ(unmap(d.handle, 0, d.dev_bus_addr), GNTST_okay);
    EXPECT_EQ(unmap(d.handle, 0, d.dev_bus_addr), GNTST_bad_handle);
    EXPECT_EQ(used_bits(REF), GTF_reading);
    EXPECT_EQ(unmap(r.handle, AT, 0), GNTST_okay);
    EXPECT_EQ(used_bits(REF), 0);
    EXPECT_EQ(sim_frame_refs(f), 0);
}

static void refused(void)
{
    start();
    struct frame *f = lend(REF, 0);
    EXPECT_EQ(map(REF + 1, GNTMAP_host_map, AT).status, GNTST_general_error);
    EXPECT_EQ(map(512, GNTMAP_host_map, AT).status, GNTST_bad_gntref);
    EXPECT_EQ(map(~0u, GNTMAP_host_map, AT).status, GNTST_bad_gntref);
    EXPECT_EQ(map(REF, 0, AT).status, GNTST_bad_gntref);
    EXPECT_EQ(map(REF, GNTMAP_host_map | 1u << 9, AT).status, GNTST_bad_gntref);
    EXPECT_EQ(map(REF, GNTMAP_host_map, (uint64_t)SIM_BAD).status, GNTST_general_error);
    struct gnttab_map_grant_ref op = {.host_addr = AT, .flags = GNTMAP_host_map, .ref = REF};
    op.dom = 99;
    grant_map(&op);
    EXPECT_EQ(op.status, GNTST_bad_domain);
    op.dom = DOMID_IO;
    grant_map(&op);
    EXPECT_EQ(op.status, GNTST_bad_domain);
    table[REF].domid = 77;
    EXPECT_EQ(map(REF, GNTMAP_host_map, AT).status, GNTST_general_error);
    table[REF].domid = borrower->id;
    table[REF].flags = GTF_accept_transfer;
    EXPECT_EQ(map(REF, GNTMAP_host_map, AT).status, GNTST_general_error);
    table[REF].flags = GTF_permit_access;
    /* Frames that are not the lender's to lend. */
    struct frame *foreign = sim_frame(borrower);
    table[REF].frame = (uint32_t)mfn_x(frame_to_mfn(foreign));
    EXPECT_EQ(map(REF, GNTMAP_host_map, AT).status, GNTST_bad_page);
    table[REF].frame = SIM_FRAMES;
    EXPECT_EQ(map(REF, GNTMAP_host_map, AT).status, GNTST_bad_page);
    table[REF].frame = ~0u;
    EXPECT_EQ(map(REF, GNTMAP_host_map, AT).status, GNTST_bad_page);
    table[REF].frame = (uint32_t)mfn_x(virt_to_mfn(table));
    EXPECT_EQ(map(REF, GNTMAP_host_map, AT).status, GNTST_bad_page);
    table[REF].frame = (uint32_t)mfn_x(frame_to_mfn(f));
    f->info |= FI_TYPE_OF(FRAME_L1);
    EXPECT_EQ(map(REF, GNTMAP_host_map, AT).status, GNTST_general_error);
    EXPECT_EQ(used_bits(REF), 0);
    EXPECT_EQ(sim_frame_refs(f) + sim_frame_refs(foreign), 0);
    /* A page table may be lent for reading. */
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map | GNTMAP_readonly, AT);
    EXPECT_EQ(m.status, GNTST_okay);
    EXPECT_EQ(unmap(m.handle + 1, AT, 0), GNTST_bad_handle);
    EXPECT_EQ(unmap(~0u, AT, 0), GNTST_bad_handle);
    EXPECT_EQ(unmap(m.handle, AT + PAGE_SIZE, 0), GNTST_general_error);
    EXPECT_EQ(unmap(m.handle, 0, 0), GNTST_okay);
    EXPECT_EQ(used_bits(REF), GTF_reading);
    EXPECT_EQ(unmap(m.handle, AT, 0), GNTST_okay);
    EXPECT_EQ(used_bits(REF), 0);
}

/* Batches of 32 share a flush; one in a batch that fails does not spoil the others. */
static void batches(void)
{
    struct gnttab_map_grant_ref m[70];
    struct gnttab_unmap_grant_ref u[70];
    start();
    for (unsigned int i = 0; i < 70; i++) {
        lend(100 + i, 0);
        m[i] = (struct gnttab_map_grant_ref){.host_addr = AT + i * PAGE_SIZE,
                                             .flags = GNTMAP_host_map,
                                             .ref = i == 33 ? 5 : 100 + i,
                                             .dom = lender->id};
    }
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, (unsigned long)m, 70, 0, 0), 0);
    for (unsigned int i = 0; i < 70; i++) {
        EXPECT_EQ(m[i].status, i == 33 ? GNTST_general_error : GNTST_okay);
        u[i] = (struct gnttab_unmap_grant_ref){.host_addr = m[i].host_addr,
                                               .handle = i == 33 ? 4000 : m[i].handle};
    }
    unsigned long flushes = sim_flushes;
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_unmap_grant_ref, (unsigned long)u, 70, 0, 0), 0);
    EXPECT_EQ(sim_flushes, flushes + 3);
    for (unsigned int i = 0; i < 70; i++) {
        EXPECT_EQ(u[i].status, i == 33 ? GNTST_bad_handle : GNTST_okay);
        EXPECT_EQ(used_bits(100 + i), 0);
    }
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, (unsigned long)SIM_BAD, 2, 0, 0), -EFAULT);
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_unmap_grant_ref, (unsigned long)SIM_BAD, 2, 0, 0),
              -EFAULT);
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, (unsigned long)m, 0x80000000u, 0, 0),
              -EINVAL);
}

static void handles_are_limited(void)
{
    start();
    lend(REF, 0);
    unsigned int n = 0;
    struct gnttab_map_grant_ref m;
    for (;; n++) {
        m = map(REF, GNTMAP_device_map, 0);
        if (m.status != GNTST_okay)
            break;
    }
    EXPECT_EQ(m.status, GNTST_no_space);
    EXPECT_EQ(n, 512);
    EXPECT_EQ(unmap(100, 0, m.dev_bus_addr ? m.dev_bus_addr : (uint64_t)table[REF].frame << 12), 0);
    EXPECT_EQ(map(REF, GNTMAP_device_map, 0).status, GNTST_okay);
    sim_as(dom0->vcpu[0]);
    sim_kill(borrower);
    EXPECT_EQ(used_bits(REF), 0);
}

/* ---- tables ---- */

static void tables_grow_to_their_limit(void)
{
    xen_pfn_t list[8] = {0};
    start();
    sim_as(lender->vcpu[0]);
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 3};
    set_xen_guest_handle(op.frame_list, list);
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_setup_table, (unsigned long)&op, 1, 0, 0), 0);
    EXPECT_EQ(op.status, GNTST_okay);
    EXPECT(list[0] == mfn_x(virt_to_mfn(table)) && list[1] && list[2] && !list[3]);
    op.nr_frames = 5;
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_setup_table, (unsigned long)&op, 1, 0, 0), 0);
    EXPECT_EQ(op.status, GNTST_general_error);
    op.dom = borrower->id;
    op.nr_frames = 1;
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_setup_table, (unsigned long)&op, 1, 0, 0), 0);
    EXPECT_EQ(op.status, GNTST_permission_denied);
    struct gnttab_query_size q = {.dom = DOMID_SELF};
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_query_size, (unsigned long)&q, 1, 0, 0), 0);
    EXPECT(q.status == GNTST_okay && q.nr_frames == 3 && q.max_nr_frames == 4);
    struct gnttab_set_version v = {.version = 2};
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_set_version, (unsigned long)&v, 1, 0, 0), -ENOSYS);
    EXPECT_EQ(v.version, 1);
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_set_version, (unsigned long)&v, 1, 0, 0), 0);
    v.version = 3;
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_set_version, (unsigned long)&v, 1, 0, 0), -EINVAL);
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_cache_flush, 0, 1, 0, 0), -EOPNOTSUPP);
}

static void swaps(void)
{
    start();
    struct frame *f = lend(REF, GTF_readonly);
    table[REF + 1] = (grant_entry_v1_t){0};
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map | GNTMAP_readonly, AT);
    sim_as(lender->vcpu[0]);
    EXPECT_EQ(grant_swap(REF, REF + 1), GNTST_eagain);
    EXPECT_EQ(grant_swap(REF, 512), GNTST_bad_gntref);
    sim_as(borrower->vcpu[0]);
    EXPECT_EQ(unmap(m.handle, AT, 0), GNTST_okay);
    sim_as(lender->vcpu[0]);
    EXPECT_EQ(grant_swap(REF, REF + 1), GNTST_okay);
    EXPECT_EQ(table[REF].flags, 0);
    EXPECT_EQ(table[REF + 1].frame, mfn_x(frame_to_mfn(f)));
    EXPECT_EQ(grant_swap(REF, REF), GNTST_okay);
}

/* ---- copies ---- */

static int16_t copy(struct gnttab_copy *op)
{
    op->status = 77;
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_copy, (unsigned long)op, 1, 0, 0), 0);
    return op->status;
}

static void copies(void)
{
    start();
    struct frame *src = lend(REF, GTF_readonly), *dst = lend(REF + 1, 0),
                 *own = sim_frame(borrower);
    memset(frame_to_virt(src), 0x5a, PAGE_SIZE);
    uint8_t *to = frame_to_virt(own);
    struct gnttab_copy op = {
        .source = {.u.ref = REF, .domid = lender->id, .offset = 16},
        .dest = {.u.gmfn = mfn_x(frame_to_mfn(own)), .domid = DOMID_SELF, .offset = 100},
        .len = 64,
        .flags = GNTCOPY_source_gref};
    EXPECT_EQ(copy(&op), GNTST_okay);
    EXPECT(to[99] == 0 && to[100] == 0x5a && to[163] == 0x5a && to[164] == 0);
    op.len = PAGE_SIZE;
    EXPECT_EQ(copy(&op), GNTST_bad_copy_arg);
    op.source.offset = op.dest.offset = 0;
    EXPECT_EQ(copy(&op), GNTST_okay);
    op.len = 0xffff;
    EXPECT_EQ(copy(&op), GNTST_bad_copy_arg);
    op.len = 8;
    op.source.offset = 0xfff9;
    EXPECT_EQ(copy(&op), GNTST_bad_copy_arg);
    op.source.offset = 0;
    op.flags = 4;
    EXPECT_EQ(copy(&op), GNTST_general_error);
    /* Not into what is lent for reading; into the other one. */
    op.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
    op.dest.domid = lender->id;
    op.dest.u.ref = REF;
    EXPECT_EQ(copy(&op), GNTST_general_error);
    op.dest.u.ref = REF + 1;
    EXPECT_EQ(copy(&op), GNTST_okay);
    EXPECT_EQ(*(uint8_t *)frame_to_virt(dst), 0x5a);
    /* By its number only one's own frame, and that as DOMID_SELF. */
    op.flags = 0;
    op.source.domid = lender->id;
    op.source.u.gmfn = mfn_x(frame_to_mfn(src));
    EXPECT_EQ(copy(&op), GNTST_permission_denied);
    op.source.domid = borrower->id;
    op.source.u.gmfn = mfn_x(frame_to_mfn(own));
    EXPECT_EQ(copy(&op), GNTST_permission_denied);
    op.source.u.gmfn = mfn_x(frame_to_mfn(src));
    op.source.domid = DOMID_SELF;
    EXPECT_EQ(copy(&op), GNTST_bad_page);
    op.source.u.gmfn = ~0ul;
    EXPECT_EQ(copy(&op), GNTST_bad_page);
    op.source.domid = 1234;
    EXPECT_EQ(copy(&op), GNTST_bad_domain);
    EXPECT_EQ(used_bits(REF) | used_bits(REF + 1), 0);
    EXPECT_EQ(sim_frame_refs(src) + sim_frame_refs(dst) + sim_frame_refs(own), 0);
}

/* A batch keeps frames in use from one operation to the next; in the end all is given back. */
static void copy_batches(void)
{
    struct gnttab_copy op[60];
    start();
    struct frame *own[3], *lent[3];
    for (unsigned int i = 0; i < 3; i++) {
        lent[i] = lend(30 + i, 0);
        own[i] = sim_frame(borrower);
    }
    for (unsigned int i = 0; i < 60; i++) {
        bool out = i % 7 == 3;
        op[i] = (struct gnttab_copy){.len = 16, .flags = GNTCOPY_source_gref};
        op[i].source.u.ref = 30 + i / 4 % 3;
        op[i].source.domid = lender->id;
        op[i].source.offset = (uint16_t)(i * 16);
        op[i].dest.u.gmfn = mfn_x(frame_to_mfn(own[i / 9 % 3]));
        op[i].dest.domid = DOMID_SELF;
        op[i].dest.offset = (uint16_t)(i * 16);
        if (out) {
            op[i].dest = op[i].source;
            op[i].source.u.gmfn = mfn_x(frame_to_mfn(own[0]));
            op[i].source.domid = DOMID_SELF;
            op[i].flags = GNTCOPY_dest_gref;
        }
        if (i == 22)
            op[i].source.u.ref = 9999;
    }
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_copy, (unsigned long)op, 60, 0, 0), 0);
    for (unsigned int i = 0; i < 60; i++)
        EXPECT_EQ(op[i].status, i == 22 ? GNTST_bad_gntref : GNTST_okay);
    for (unsigned int i = 0; i < 3; i++) {
        EXPECT_EQ(used_bits(30 + i), 0);
        EXPECT_EQ(sim_frame_refs(lent[i]) + sim_frame_refs(own[i]), 0);
    }
}

/* ---- death ---- */

static void borrower_dies(void)
{
    start();
    struct frame *f[200];
    for (unsigned int i = 0; i < 200; i++) {
        f[i] = lend(i, 0);
        EXPECT_EQ(
            map(i, GNTMAP_host_map | (i % 2 ? GNTMAP_readonly : 0), AT + i * PAGE_SIZE).status,
            GNTST_okay);
    }
    sim_as(dom0->vcpu[0]);
    sim_preempt_every = 2;
    sim_kill(borrower);
    for (unsigned int i = 0; i < 200; i++) {
        EXPECT_EQ(used_bits(i), 0);
        EXPECT_EQ(sim_frame_refs(f[i]), 0);
    }
    EXPECT(!domain_get_by_id(2));
    sim_kill(lender);
    EXPECT(!domain_get_by_id(1));
}

/* The lender stays, a shadow of itself, until the last mapping of its frames ends. */
static void lender_dies(void)
{
    start();
    struct frame *f = lend(REF, 0), *g = lend(REF + 1, 0);
    *(uint64_t *)frame_to_virt(f) = 0x1234;
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map, AT);
    struct gnttab_map_grant_ref n = map(REF + 1, GNTMAP_device_map, 0);
    sim_as(dom0->vcpu[0]);
    sim_kill(lender);
    struct domain *d = domain_get_by_id(1);
    EXPECT(d == lender && d->dying == DOMAIN_DEAD);
    domain_put(d);
    EXPECT_EQ(*(uint64_t *)frame_to_virt(f), 0x1234);
    sim_as(borrower->vcpu[0]);
    EXPECT_EQ(map(REF, GNTMAP_host_map, AT + PAGE_SIZE).status, GNTST_bad_domain);
    struct frame *own = sim_frame(borrower);
    struct gnttab_copy op = {.source = {.u.ref = REF, .domid = lender->id},
                             .dest = {.u.gmfn = mfn_x(frame_to_mfn(own)), .domid = DOMID_SELF},
                             .len = 8,
                             .flags = GNTCOPY_source_gref};
    EXPECT_EQ(copy(&op), GNTST_bad_domain);
    op = (struct gnttab_copy){.source = {.u.gmfn = mfn_x(frame_to_mfn(own)), .domid = DOMID_SELF},
                              .dest = {.u.ref = REF + 1, .domid = lender->id},
                              .len = 8,
                              .flags = GNTCOPY_dest_gref};
    EXPECT_EQ(copy(&op), GNTST_bad_domain);
    EXPECT_EQ(sim_frame_refs(own), 0);
    /* Nor does its table grow, for Domain 0. */
    sim_as(dom0->vcpu[0]);
    uint64_t frames[2];
    uint32_t nr, max;
    grant_table_size(lender, &nr, &max);
    EXPECT(nr == 1 && max >= 2);
    struct gnttab_setup_table setup = {
        .dom = lender->id, .nr_frames = 2, .frame_list.p = (void *)frames};
    EXPECT_EQ(hc_grant_table_op(GNTTABOP_setup_table, (unsigned long)&setup, 1, 0, 0), 0);
    EXPECT_EQ(setup.status, GNTST_general_error);
    EXPECT_EQ(lender->grant_table->nr_frames, 1);
    sim_as(borrower->vcpu[0]);
    EXPECT_EQ(unmap(m.handle, AT, 0), GNTST_okay);
    sim_settle();
    EXPECT((d = domain_get_by_id(1)) != NULL);
    domain_put(d);
    EXPECT_EQ(unmap(n.handle, 0, mfn_x(frame_to_mfn(g)) << PAGE_SHIFT), GNTST_okay);
    sim_settle();
    EXPECT(!domain_get_by_id(1));
}

/* ---- the long run ---- */

static void random_run(void)
{
    enum { REFS = 12, SLOTS = 24 };
    struct slot {
        bool used, writable, host, dev;
        grant_ref_t ref;
        grant_handle_t handle;
    } slot[SLOTS] = {0};
    struct frame *f[REFS];
    start();
    for (unsigned int i = 0; i < REFS; i++)
        f[i] = lend(i, 0);
    for (unsigned int step = 0; step < 60000; step++) {
        unsigned int i = sim_random(REFS), s = sim_random(SLOTS);
        uint64_t at = AT + s * PAGE_SIZE, dev = mfn_x(frame_to_mfn(f[slot[s].ref])) << PAGE_SHIFT;
        if (sim_random(100) == 0)
            sim_fail_alloc = 1;
        switch (sim_random(6)) {
        case 0:
            if (slot[s].used)
                break;
            uint32_t flags = sim_random(8) & ~1u;
            flags |= sim_random(4) == 0 ? GNTMAP_device_map : 0;
            struct gnttab_map_grant_ref m = map(i, flags & 7, at);
            if (m.status == GNTST_okay)
                slot[s] = (struct slot){true,
                                        !(flags & GNTMAP_readonly),
                                        flags & GNTMAP_host_map,
                                        flags & GNTMAP_device_map,
                                        i,
                                        m.handle};
            break;
        case 1:
            if (slot[s].used && slot[s].host) {
                EXPECT_EQ(unmap(slot[s].handle, at, 0), GNTST_okay);
                slot[s].host = false;
            }
            break;
        case 2:
            if (slot[s].used && slot[s].dev) {
                EXPECT_EQ(unmap(slot[s].handle, 0, dev), GNTST_okay);
                slot[s].dev = false;
            }
            break;
        case 3: unmap(sim_random(600), AT + sim_random(2000) * PAGE_SIZE + 0x100000000, 0); break;
        case 4:
            /* The lender changes its mind about entries; only free ones lose anything. */
            if (sim_random(2))
                table[i].flags ^= GTF_readonly;
            break;
        case 5: {
            struct gnttab_copy op = {.source = {.u.ref = i, .domid = lender->id},
                                     .dest = {.u.ref = (i + 1) % REFS, .domid = lender->id},
                                     .len = 8,
                                     .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref};
            copy(&op);
            break;
        }
        }
        sim_fail_alloc = 0;
        slot[s].used = slot[s].host || slot[s].dev;
        for (unsigned int r = 0; r < REFS; r++) {
            uint32_t all = 0, writers = 0;
            for (unsigned int k = 0; k < SLOTS; k++) {
                if (!slot[k].used || slot[k].ref != r)
                    continue;
                all += slot[k].host + slot[k].dev;
                writers += slot[k].writable ? slot[k].host + slot[k].dev : 0;
            }
            EXPECT_EQ(sim_frame_refs(f[r]), all);
            EXPECT_EQ(sim_frame_writers(f[r]), writers);
            EXPECT_EQ(used_bits(r), (all ? GTF_reading : 0) | (writers ? GTF_writing : 0));
        }
    }
    sim_as(dom0->vcpu[0]);
    sim_kill(borrower);
    for (unsigned int r = 0; r < REFS; r++)
        EXPECT_EQ(sim_frame_refs(f[r]) + used_bits(r), 0);
}

static const struct sim_test tests[] = {
    {"grant/map_and_unmap", map_and_unmap},
    {"grant/read_only", read_only},
    {"grant/mapped_several_times", mapped_several_times},
    {"grant/refused", refused},
    {"grant/batches", batches},
    {"grant/handles_are_limited", handles_are_limited},
    {"grant/tables_grow_to_their_limit", tables_grow_to_their_limit},
    {"grant/swaps", swaps},
    {"grant/copies", copies},
    {"grant/copy_batches", copy_batches},
    {"grant/borrower_dies", borrower_dies},
    {"grant/lender_dies", lender_dies},
    {"grant/random_run", random_run},
};

int main(int argc, char **argv)
{
    return sim_main(tests, ARRAY_SIZE(tests), argc, argv);
}
