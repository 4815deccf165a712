/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grants, version 1, from the domain to itself: map, unmap, copy, and references of every illegal kind.
 * A grant that outlives its unmap, or maps more than was lent, is how a guest reaches another's memory. */
#include "test.h"
#include "kit/grants.h"

#define WINDOW 0x0000210000000000UL
#define REF    10

static uint64_t *page;
static bool started;

static void start(void)
{
    if (!started) {
        grants_init();
        started = true;
        map_page(l4_kernel(), WINDOW, 0);
        page = page_alloc_zeroed();
    }
}

static struct gnttab_map_grant_ref map(grant_ref_t ref, uint32_t flags, uint64_t address)
{
    struct gnttab_map_grant_ref op = {.host_addr = address, .flags = flags, .ref = ref, .dom = 0};

    if (hv_grant_table_op(GNTTABOP_map_grant_ref, &op, 1) != 0) {
        op.status = 100;
    }
    return op;
}

static int unmap(grant_handle_t handle, uint64_t address)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = address, .handle = handle};

    return hv_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1) != 0 ? 100 : op.status;
}

TEST(query_size)
{
    struct gnttab_query_size op = {.dom = DOMID_SELF};

    start();
    CHECK_EQ(hv_grant_table_op(GNTTABOP_query_size, &op, 1), 0);
    CHECK_EQ(op.status, GNTST_okay);
    CHECK(op.nr_frames >= 1);
    answer("max", "%u", op.max_nr_frames);
    op.dom = 777;
    CHECK_EQ(hv_grant_table_op(GNTTABOP_query_size, &op, 1), 0);
    answer("unknown", "%d", op.status);
}

TEST(version)
{
    struct gnttab_get_version get = {.dom = DOMID_SELF};
    struct gnttab_set_version set = {.version = 1};

    CHECK_EQ(hv_grant_table_op(GNTTABOP_get_version, &get, 1), 0);
    CHECK_EQ(get.version, 1);
    CHECK_EQ(hv_grant_table_op(GNTTABOP_set_version, &set, 1), 0);
    CHECK_EQ(set.version, 1);
    set.version = 3;
    answer("three", "%ld", hv_grant_table_op(GNTTABOP_set_version, &set, 1));
    set.version = 0;
    answer("zero", "%ld", hv_grant_table_op(GNTTABOP_set_version, &set, 1));
}

TEST(setup_table_bad)
{
    static xen_pfn_t frames[8];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 0xffffffff};

    set_xen_guest_handle(op.frame_list, frames);
    long rc = hv_grant_table_op(GNTTABOP_setup_table, &op, 1);
    answer("max_frames", "%ld %d", rc, op.status);
    op.nr_frames = 1;
    op.dom = 777;
    rc = hv_grant_table_op(GNTTABOP_setup_table, &op, 1);
    answer("unknown", "%ld %d", rc, op.status);
    op.dom = DOMID_SELF;
    op.frame_list.p = (void *)0x1000;
    rc = hv_grant_table_op(GNTTABOP_setup_table, &op, 1);
    answer("list", "%ld %d", rc, op.status);
}

/* Map, write through the mapping, unmap: the flags of the entry follow, the mapping is gone. */
TEST(map_and_unmap)
{
    start();
    grant_access(REF, 0, virt_to_mfn(page), 0);
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map, WINDOW);
    CHECK_EQ(m.status, GNTST_okay);
    CHECK_EQ(kit_grants[REF].flags & (GTF_reading | GTF_writing), GTF_reading | GTF_writing);
    CHECK(!grant_end(REF));
    *(volatile uint64_t *)WINDOW = 0x1357;
    CHECK_EQ(page[0], 0x1357);
    CHECK_EQ(unmap(m.handle, WINDOW), GNTST_okay);
    CHECK_EQ(pte_read((void *)WINDOW), 0);
    CHECK_EQ(kit_grants[REF].flags & (GTF_reading | GTF_writing), 0);
    answer("unmap_twice", "%d", unmap(m.handle, WINDOW));
    CHECK(grant_end(REF));
}

static void write_window(void *arg)
{
    (void)arg;
    *(volatile uint64_t *)WINDOW = 1;
}

/* A read-only grant cannot be mapped for writing, and its mapping cannot be written. */
TEST(readonly)
{
    struct trap_frame trap;

    start();
    grant_access(REF, 0, virt_to_mfn(page), GTF_readonly);
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map, WINDOW);
    answer("writable", "%d", m.status);
    CHECK(m.status != GNTST_okay);
    m = map(REF, GNTMAP_host_map | GNTMAP_readonly, WINDOW);
    CHECK_EQ(m.status, GNTST_okay);
    CHECK_EQ(kit_grants[REF].flags & (GTF_reading | GTF_writing), GTF_reading);
    CHECK(trap_catch(write_window, NULL, &trap));
    CHECK_EQ(trap.vector, 14);
    /* Making the entry writable by hand is refused as well, or drops the guest's right. */
    answer("remap_writable", "%ld",
           pte_write((void *)WINDOW, (uint64_t)virt_to_mfn(l4_kernel()) << 12 | PTE_KERNEL));
    CHECK_EQ(unmap(m.handle, WINDOW), GNTST_okay);
    CHECK(grant_end(REF));
}

/* The same grant mapped twice needs two unmaps. */
TEST(mapped_twice)
{
    start();
    CHECK_EQ(map_page(l4_kernel(), WINDOW + PAGE_SIZE, 0), 0);
    grant_access(REF, 0, virt_to_mfn(page), 0);
    struct gnttab_map_grant_ref a = map(REF, GNTMAP_host_map, WINDOW);
    struct gnttab_map_grant_ref b = map(REF, GNTMAP_host_map, WINDOW + PAGE_SIZE);
    CHECK_EQ(a.status, GNTST_okay);
    CHECK_EQ(b.status, GNTST_okay);
    CHECK(a.handle != b.handle);
    CHECK_EQ(unmap(a.handle, WINDOW), GNTST_okay);
    CHECK(!grant_end(REF));
    CHECK_EQ(unmap(b.handle, WINDOW + PAGE_SIZE), GNTST_okay);
    CHECK(grant_end(REF));
}

TEST(map_bad)
{
    start();
    grant_access(REF, 0, virt_to_mfn(page), 0);
    answer("free_ref", "%d", map(REF + 1, GNTMAP_host_map, WINDOW).status);
    answer("ref_beyond", "%d", map(1000000, GNTMAP_host_map, WINDOW).status);
    answer("ref_max", "%d", map(0xffffffff, GNTMAP_host_map, WINDOW).status);
    answer("no_flags", "%d", map(REF, 0, WINDOW).status);
    answer("unmapped_va", "%d", map(REF, GNTMAP_host_map, 0x0000300000000000UL).status);
    answer("hole_va", "%d", map(REF, GNTMAP_host_map, 0xffff830000000000UL).status);
    answer("noncanonical", "%d", map(REF, GNTMAP_host_map, 0x0000900000000000UL).status);
    CHECK(map(REF, GNTMAP_host_map, 0xffff830000000000UL).status != GNTST_okay);
    struct gnttab_map_grant_ref op = {.host_addr = WINDOW, .flags = GNTMAP_host_map, .ref = REF};
    op.dom = 777;
    CHECK_EQ(hv_grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0);
    answer("unknown_domain", "%d", op.status);
    grant_access(REF, 5, virt_to_mfn(page), 0);
    answer("for_another", "%d", map(REF, GNTMAP_host_map, WINDOW).status);
    grant_access(REF, 0, 0x7fffffff, 0);
    answer("frame_beyond", "%d", map(REF, GNTMAP_host_map, WINDOW).status);
    grant_access(REF, 0, virt_to_mfn(l4_kernel()), 0);
    answer("page_table", "%d", map(REF, GNTMAP_host_map, WINDOW).status);
    CHECK(map(REF, GNTMAP_host_map, WINDOW).status != GNTST_okay);
    CHECK_EQ(kit_grants[REF].flags & (GTF_reading | GTF_writing), 0);
    CHECK(grant_end(REF));
}

/* A frame that nobody lends: one that belongs to the hypervisor. */
TEST(map_foreign_frame)
{
    unsigned long max = (unsigned long)hv_memory_op(XENMEM_maximum_ram_page, NULL);

    start();
    for (unsigned long mfn = max - 64; mfn < max; mfn++) {
        unsigned long pfn = mfn_to_pfn(mfn);

        if (pfn < kit_start_info->nr_pages && pfn_to_mfn(pfn) == mfn) {
            continue;
        }
        grant_access(REF, 0, mfn, 0);
        CHECK(map(REF, GNTMAP_host_map, WINDOW).status != GNTST_okay);
        CHECK(grant_end(REF));
    }
}

TEST(unmap_bad)
{
    start();
    answer("handle", "%d", unmap(9999, WINDOW));
    answer("handle_max", "%d", unmap(0xffffffff, WINDOW));
    grant_access(REF, 0, virt_to_mfn(page), 0);
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map, WINDOW);
    CHECK_EQ(m.status, GNTST_okay);
    answer("other_address", "%d", unmap(m.handle, WINDOW + 5 * PAGE_SIZE));
    CHECK_EQ(unmap(m.handle, WINDOW), GNTST_okay);
    CHECK(grant_end(REF));
}

/* Mapping by the address of a page-table entry. */
TEST(contains_pte)
{
    start();
    grant_access(REF, 0, virt_to_mfn(page), 0);
    uint64_t entry = virt_to_maddr(pt_entry(l4_kernel(), WINDOW, 1));
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map | GNTMAP_contains_pte, entry);
    CHECK_EQ(m.status, GNTST_okay);
    *(volatile uint64_t *)WINDOW = 0x2468;
    CHECK_EQ(page[0], 0x2468);
    CHECK_EQ(unmap(m.handle, entry), GNTST_okay);
    CHECK_EQ(pte_read((void *)WINDOW), 0);
    answer("not_a_table", "%d",
           map(REF, GNTMAP_host_map | GNTMAP_contains_pte, virt_to_maddr(page)).status);
    CHECK(grant_end(REF));
}

static int copy(struct gnttab_copy op)
{
    return hv_grant_table_op(GNTTABOP_copy, &op, 1) != 0 ? 100 : op.status;
}

TEST(copy)
{
    uint8_t *target = page_alloc_zeroed();
    struct gnttab_copy op = {.source.u.ref = REF,
                             .source.offset = 16,
                             .dest.u.gmfn = virt_to_mfn(target),
                             .dest.domid = DOMID_SELF,
                             .dest.offset = 100,
                             .len = 64,
                             .flags = GNTCOPY_source_gref};

    start();
    memset(page, 0x5a, PAGE_SIZE);
    grant_access(REF, 0, virt_to_mfn(page), GTF_readonly);
    CHECK_EQ(copy(op), GNTST_okay);
    CHECK_EQ(target[99], 0);
    CHECK_EQ(target[100], 0x5a);
    CHECK_EQ(target[163], 0x5a);
    CHECK_EQ(target[164], 0);
    op.len = 0;
    CHECK_EQ(copy(op), GNTST_okay);
    op.source.offset = 4000;
    op.len = 97;
    answer("source_crosses", "%d", copy(op));
    op.source.offset = 0;
    op.dest.offset = 4095;
    op.len = 2;
    answer("dest_crosses", "%d", copy(op));
    op.len = 65535;
    answer("length_max", "%d", copy(op));
    op.len = 8;
    op.dest.offset = 0;
    op.source.u.ref = REF + 1;
    answer("free_ref", "%d", copy(op));
    op.source.u.ref = 0xffffffff;
    answer("ref_max", "%d", copy(op));
    op.source.u.ref = REF;
    op.dest.u.gmfn = virt_to_mfn(l4_kernel());
    answer("to_table", "%d", copy(op));
    CHECK(copy(op) != GNTST_okay);
    op.dest.u.gmfn = 1UL << 40;
    answer("to_beyond", "%d", copy(op));
    op.dest.u.ref = REF; /* read only */
    op.dest.domid = 0;
    op.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
    answer("to_readonly_grant", "%d", copy(op));
    CHECK(copy(op) != GNTST_okay);
    op.dest.domid = 777;
    answer("unknown_domain", "%d", copy(op));
    CHECK(grant_end(REF));
    page_free(target);
}

/* A batch goes on behind a bad element. */
TEST(batch)
{
    static struct gnttab_map_grant_ref ops[3];

    start();
    grant_access(REF, 0, virt_to_mfn(page), 0);
    CHECK_EQ(map_page(l4_kernel(), WINDOW + PAGE_SIZE, 0), 0);
    for (unsigned int i = 0; i < 3; i++) {
        ops[i] = (struct gnttab_map_grant_ref){
            .host_addr = WINDOW + (i / 2) * PAGE_SIZE, .flags = GNTMAP_host_map, .ref = REF};
    }
    ops[1].ref = 0xffffff;
    CHECK_EQ(hv_grant_table_op(GNTTABOP_map_grant_ref, ops, 3), 0);
    CHECK_EQ(ops[0].status, GNTST_okay);
    CHECK(ops[1].status != GNTST_okay);
    CHECK_EQ(ops[2].status, GNTST_okay);
    CHECK_EQ(unmap(ops[0].handle, WINDOW), GNTST_okay);
    CHECK_EQ(unmap(ops[2].handle, WINDOW + PAGE_SIZE), GNTST_okay);
    CHECK_EQ(hv_grant_table_op(GNTTABOP_map_grant_ref, ops, 0), 0);
    CHECK(grant_end(REF));
}

/* An ordinary update over a granted mapping, then the unmap: the reference must not leak. */
TEST(overwritten_mapping)
{
    uint64_t *other = page_alloc_zeroed();

    start();
    grant_access(REF, 0, virt_to_mfn(page), 0);
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map, WINDOW);
    CHECK_EQ(m.status, GNTST_okay);
    answer("overwrite", "%ld",
           pte_write((void *)WINDOW, (uint64_t)virt_to_mfn(other) << 12 | PTE_KERNEL));
    int status = unmap(m.handle, WINDOW);
    answer("unmap", "%d", status);
    pte_write((void *)WINDOW, 0);
    answer("flags", "%#x", kit_grants[REF].flags & (GTF_reading | GTF_writing));
    page_free(other);
}

/* The entry of a grant may be reached by two addresses, its table being in use twice: the end of the
 * mapping is the end of both. */
#define ALIAS (WINDOW + (8UL << 21))

static void read_alias(void *arg)
{
    *(uint64_t *)arg = *(volatile uint64_t *)ALIAS;
}

TEST(unmap_alias)
{
    struct trap_frame trap;
    uint64_t seen = 0;

    start();
    /* Tables for the alias, the last of which then is the window's. */
    CHECK_EQ(map_page(l4_kernel(), ALIAS, 0), 0);
    uint64_t *l2 = mfn_to_virt((*pt_entry(l4_kernel(), ALIAS, 3) & PTE_ADDR) >> 12);
    uint64_t table = *pt_entry(l4_kernel(), WINDOW, 2);
    uint64_t at = virt_to_maddr(&l2[pt_index(ALIAS, 2)]), old = l2[pt_index(ALIAS, 2)];
    CHECK_EQ(mmu_update_one(at, table), 0);
    grant_access(REF, 0, virt_to_mfn(page), 0);
    page[0] = 0x2468;
    struct gnttab_map_grant_ref m = map(REF, GNTMAP_host_map, WINDOW);
    CHECK_EQ(m.status, GNTST_okay);
    CHECK(!trap_catch(read_alias, &seen, &trap));
    CHECK_EQ(seen, 0x2468);
    CHECK_EQ(unmap(m.handle, WINDOW), GNTST_okay);
    CHECK(trap_catch(read_alias, &seen, &trap));
    CHECK_EQ(trap.vector, 14);
    CHECK(grant_end(REF));
    CHECK_EQ(mmu_update_one(at, old), 0);
}
