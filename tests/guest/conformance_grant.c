/* SPDX-License-Identifier: GPL-2.0-or-later */
/* grant_table_op, version 1. Results of elements are GNTST_*, of the call errors. */
#include "conformance.h"
#include "kit/domains.h"
#include "kit/grants.h"

#define WINDOW 0x0000250000000000UL
#define FAILED 100 /* the call itself */

static char *page;
static domid_t other;

/* A batch of one. `status` is the element's. */
static long one(unsigned int cmd, void *op, const int16_t *status)
{
    return hv_grant_table_op(cmd, op, 1) != 0 ? FAILED : *status;
}

static struct gnttab_map_grant_ref mapped;

static long map(domid_t dom, grant_ref_t ref, uint32_t flags, uint64_t address)
{
    mapped =
        (struct gnttab_map_grant_ref){.host_addr = address, .flags = flags, .ref = ref, .dom = dom};
    return one(GNTTABOP_map_grant_ref, &mapped, &mapped.status);
}

static long unmap(grant_handle_t handle, uint64_t address)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = address, .handle = handle};

    return one(GNTTABOP_unmap_grant_ref, &op, &op.status);
}

static void maps(void)
{
    unsigned long mfn = virt_to_mfn(page);
    uint64_t slot;

    map_page(l4_kernel(), WINDOW, 0);
    map_page(l4_kernel(), WINDOW + PAGE_SIZE, 0);
    slot = virt_to_maddr(pt_entry(l4_kernel(), WINDOW, 1));
    grant_access(9, 0, mfn, 0);
    STATUS("map", GNTST_okay, map(0, 9, GNTMAP_host_map, WINDOW));
    ROW("map/effect", 1, (page[0] = 'x', *(volatile char *)WINDOW == 'x'));
    ROW("map/dev_bus_addr", 1, mapped.dev_bus_addr == virt_to_maddr(page));
    ROW("map/entry-in-use", GTF_permit_access | GTF_reading | GTF_writing, kit_grants[9].flags);
    grant_handle_t handle = mapped.handle;
    STATUS("map/twice", GNTST_okay, map(0, 9, GNTMAP_host_map, WINDOW + PAGE_SIZE));
    STATUS("unmap/second", GNTST_okay, unmap(mapped.handle, WINDOW + PAGE_SIZE));
    STATUS("unmap/wrong-address", GNTST_general_error, unmap(handle, WINDOW + PAGE_SIZE));
    ROW("unmap/still-mapped", 'x', *(volatile char *)WINDOW);
    STATUS("unmap", GNTST_okay, unmap(handle, WINDOW));
    ROW("unmap/entry-free", GTF_permit_access, kit_grants[9].flags);
    STATUS("unmap/again", GNTST_bad_handle, unmap(handle, WINDOW));
    STATUS("unmap/handle-beyond", GNTST_bad_handle, unmap(1000000, WINDOW));
    STATUS("unmap/handle-max", GNTST_bad_handle, unmap(~0U, WINDOW));
    STATUS("map/read-only", GNTST_okay, map(0, 9, GNTMAP_host_map | GNTMAP_readonly, WINDOW));
    ROW("map/read-only/entry", GTF_permit_access | GTF_reading, kit_grants[9].flags);
    ROW("map/read-only/pte", 0, pte_read((void *)WINDOW) & PTE_RW);
    unmap(mapped.handle, WINDOW);
    STATUS("map/contains-pte", GNTST_okay, map(0, 9, GNTMAP_host_map | GNTMAP_contains_pte, slot));
    ROW("map/contains-pte/effect", 'x', *(volatile char *)WINDOW);
    STATUS("unmap/contains-pte", GNTST_okay, unmap(mapped.handle, slot));
    STATUS("map/contains-pte-unaligned", GNTST_general_error,
           map(0, 9, GNTMAP_host_map | GNTMAP_contains_pte, slot + 4));
    STATUS("map/contains-pte-not-a-table", GNTST_general_error,
           map(0, 9, GNTMAP_host_map | GNTMAP_contains_pte, virt_to_maddr(page)));
    STATUS("map/contains-pte-beyond", GNTST_general_error,
           map(0, 9, GNTMAP_host_map | GNTMAP_contains_pte, 1UL << 50));
    STATUS("map/no-kind", GNTST_bad_gntref, map(0, 9, 0, WINDOW));
    STATUS("map/read-only-only", GNTST_bad_gntref, map(0, 9, GNTMAP_readonly, WINDOW));
    STATUS("map/device", GNTST_okay, map(0, 9, GNTMAP_device_map, 0));
    struct gnttab_unmap_grant_ref dev = {.dev_bus_addr = mapped.dev_bus_addr,
                                         .handle = mapped.handle};
    STATUS("unmap/device", GNTST_okay, one(GNTTABOP_unmap_grant_ref, &dev, &dev.status));
    STATUS("map/no-table-there", GNTST_general_error,
           map(0, 9, GNTMAP_host_map, 0x0000330000000000UL));
    STATUS("map/address-non-canonical", GNTST_general_error,
           map(0, 9, GNTMAP_host_map, 0x0000900000000000UL));
    STATUS("map/address-hypervisor", GNTST_general_error,
           map(0, 9, GNTMAP_host_map, 0xffff830000000000UL));
    STATUS("map/ref-free", GNTST_general_error, map(0, 10, GNTMAP_host_map, WINDOW));
    STATUS("map/ref-beyond", GNTST_bad_gntref, map(0, 1000000, GNTMAP_host_map, WINDOW));
    STATUS("map/ref-max", GNTST_bad_gntref, map(0, ~0U, GNTMAP_host_map, WINDOW));
    STATUS("map/nobody", GNTST_bad_domain, map(NOBODY, 9, GNTMAP_host_map, WINDOW));
    STATUS("map/DOMID_SELF", GNTST_bad_domain, map(DOMID_SELF, 9, GNTMAP_host_map, WINDOW));
    STATUS("map/system", GNTST_bad_domain, map(DOMID_XEN, 9, GNTMAP_host_map, WINDOW));
    STATUS("map/io", GNTST_bad_domain, map(DOMID_IO, 9, GNTMAP_host_map, WINDOW));
    grant_access(11, 0, mfn, GTF_readonly);
    STATUS("map/lent-read-only", GNTST_general_error, map(0, 11, GNTMAP_host_map, WINDOW));
    STATUS("map/lent-read-only/to-read", GNTST_okay,
           map(0, 11, GNTMAP_host_map | GNTMAP_readonly, WINDOW));
    unmap(mapped.handle, WINDOW);
    grant_access(12, NOBODY, mfn, 0);
    STATUS("map/lent-to-another", GNTST_general_error, map(0, 12, GNTMAP_host_map, WINDOW));
    grant_access(13, 0, virt_to_mfn(l4_kernel()), 0);
    STATUS("map/page-table", GNTST_general_error, map(0, 13, GNTMAP_host_map, WINDOW));
    STATUS("map/page-table/to-read", GNTST_okay,
           map(0, 13, GNTMAP_host_map | GNTMAP_readonly, WINDOW));
    unmap(mapped.handle, WINDOW);
    grant_access(14, 0, 0xffffffff, 0);
    STATUS("map/frame-max", GNTST_bad_page, map(0, 14, GNTMAP_host_map, WINDOW));
    grant_access(15, 0, conform_hypervisor_frame(), 0);
    STATUS("map/frame-of-the-hypervisor", GNTST_bad_page, map(0, 15, GNTMAP_host_map, WINDOW));
    kit_grants[16] =
        (struct grant_entry_v1){.flags = GTF_accept_transfer, .domid = 0, .frame = (uint32_t)mfn};
    STATUS("map/meant-for-transfer", GNTST_general_error, map(0, 16, GNTMAP_host_map, WINDOW));
    kit_grants[16].flags = GTF_transitive;
    STATUS("map/transitive", GNTST_general_error, map(0, 16, GNTMAP_host_map, WINDOW));
    kit_grants[16].flags = GTF_permit_access | GTF_sub_page;
    STATUS("map/sub-page", GNTST_general_error, map(0, 16, GNTMAP_host_map, WINDOW));
    kit_grants[16].flags = 0;
}

static long copy_op(domid_t from, uint64_t source, uint16_t source_at, domid_t to, uint64_t dest,
                    uint16_t dest_at, uint16_t len, uint16_t flags)
{
    struct gnttab_copy op = {.len = len, .flags = flags};

    op.source.domid = from;
    op.source.offset = source_at;
    if (flags & GNTCOPY_source_gref) {
        op.source.u.ref = (grant_ref_t)source;
    } else {
        op.source.u.gmfn = source;
    }
    op.dest.domid = to;
    op.dest.offset = dest_at;
    if (flags & GNTCOPY_dest_gref) {
        op.dest.u.ref = (grant_ref_t)dest;
    } else {
        op.dest.u.gmfn = dest;
    }
    return one(GNTTABOP_copy, &op, &op.status);
}

static void copies(void)
{
    char *to = page_alloc_zeroed();
    unsigned long s = virt_to_mfn(page), d = virt_to_mfn(to), table = virt_to_mfn(l4_kernel());

    memcpy(page, "conformance", 12);
    STATUS("copy", GNTST_okay, copy_op(DOMID_SELF, s, 0, DOMID_SELF, d, 100, 12, 0));
    ROW("copy/effect", 0, memcmp(to + 100, "conformance", 12));
    STATUS("copy/from-grant", GNTST_okay,
           copy_op(0, 9, 3, DOMID_SELF, d, 0, 8, GNTCOPY_source_gref));
    ROW("copy/from-grant/effect", 0, memcmp(to, "formance", 8));
    ROW("copy/from-grant/entry-free", GTF_permit_access, kit_grants[9].flags);
    STATUS("copy/to-grant", GNTST_okay, copy_op(DOMID_SELF, d, 0, 0, 9, 64, 8, GNTCOPY_dest_gref));
    ROW("copy/to-grant/effect", 0, memcmp(page + 64, "formance", 8));
    STATUS("copy/grant-DOMID_SELF", GNTST_okay,
           copy_op(DOMID_SELF, 9, 0, DOMID_SELF, d, 0, 8, GNTCOPY_source_gref));
    STATUS("copy/both-grants", GNTST_okay,
           copy_op(0, 9, 0, 0, 9, 128, 8, GNTCOPY_source_gref | GNTCOPY_dest_gref));
    STATUS("copy/nothing", GNTST_okay, copy_op(DOMID_SELF, s, 0, DOMID_SELF, d, 0, 0, 0));
    STATUS("copy/whole-page", GNTST_okay, copy_op(DOMID_SELF, s, 0, DOMID_SELF, d, 0, 4096, 0));
    STATUS("copy/len-4097", GNTST_bad_copy_arg,
           copy_op(DOMID_SELF, s, 0, DOMID_SELF, d, 0, 4097, 0));
    STATUS("copy/source-crosses", GNTST_bad_copy_arg,
           copy_op(DOMID_SELF, s, 4000, DOMID_SELF, d, 0, 97, 0));
    STATUS("copy/dest-crosses", GNTST_bad_copy_arg,
           copy_op(DOMID_SELF, s, 0, DOMID_SELF, d, 4095, 2, 0));
    STATUS("copy/offset-4096", GNTST_bad_copy_arg,
           copy_op(DOMID_SELF, s, 4096, DOMID_SELF, d, 0, 1, 0));
    STATUS("copy/offset-max", GNTST_bad_copy_arg,
           copy_op(DOMID_SELF, s, 0xffff, DOMID_SELF, d, 0, 1, 0));
    STATUS("copy/flags-unknown", GNTST_general_error,
           copy_op(DOMID_SELF, s, 0, DOMID_SELF, d, 0, 1, 0x8000));
    STATUS("copy/frame-of-another", GNTST_permission_denied,
           copy_op(other, s, 0, DOMID_SELF, d, 0, 1, 0));
    STATUS("copy/own-id-by-frame", GNTST_permission_denied,
           copy_op(0, s, 0, DOMID_SELF, d, 0, 1, 0));
    STATUS("copy/nobody", GNTST_bad_domain,
           copy_op(NOBODY, 9, 0, DOMID_SELF, d, 0, 1, GNTCOPY_source_gref));
    STATUS("copy/system", GNTST_bad_domain,
           copy_op(DOMID_XEN, 9, 0, DOMID_SELF, d, 0, 1, GNTCOPY_source_gref));
    STATUS("copy/ref-free", GNTST_general_error,
           copy_op(0, 10, 0, DOMID_SELF, d, 0, 1, GNTCOPY_source_gref));
    STATUS("copy/ref-max", GNTST_bad_gntref,
           copy_op(0, ~0U, 0, DOMID_SELF, d, 0, 1, GNTCOPY_source_gref));
    STATUS("copy/to-read-only", GNTST_general_error,
           copy_op(DOMID_SELF, d, 0, 0, 11, 0, 1, GNTCOPY_dest_gref));
    STATUS("copy/to-page-table", GNTST_general_error,
           copy_op(DOMID_SELF, s, 0, DOMID_SELF, table, 0, 8, 0));
    STATUS("copy/from-page-table", GNTST_okay,
           copy_op(DOMID_SELF, table, 0, DOMID_SELF, d, 0, 8, 0));
    STATUS("copy/frame-max", GNTST_bad_page, copy_op(DOMID_SELF, ~0UL, 0, DOMID_SELF, d, 0, 1, 0));
    STATUS("copy/frame-of-the-hypervisor", GNTST_bad_page,
           copy_op(DOMID_SELF, conform_hypervisor_frame(), 0, DOMID_SELF, d, 0, 1, 0));
    page_free(to);
}

static struct gnttab_setup_table table_op;
static xen_pfn_t frames[128];

static long setup(domid_t dom, uint32_t nr)
{
    table_op = (struct gnttab_setup_table){.dom = dom, .nr_frames = nr};
    table_op.frame_list.p = frames;
    return one(GNTTABOP_setup_table, &table_op, &table_op.status);
}

static long size(domid_t dom, struct gnttab_query_size *op)
{
    *op = (struct gnttab_query_size){.dom = dom};
    return one(GNTTABOP_query_size, op, &op->status);
}

static long set_version(uint32_t version)
{
    struct gnttab_set_version op = {.version = version};

    return hv_grant_table_op(GNTTABOP_set_version, &op, 1);
}

static long get_version(domid_t dom)
{
    struct gnttab_get_version op = {.dom = dom};
    long rc = hv_grant_table_op(GNTTABOP_get_version, &op, 1);

    return rc != 0 ? rc : (long)op.version;
}

static void tables(void)
{
    struct gnttab_query_size q;

    STATUS("setup", GNTST_okay, setup(DOMID_SELF, 1));
    STATUS("setup/own-id", GNTST_okay, setup(0, 1));
    STATUS("setup/none", GNTST_okay, setup(DOMID_SELF, 0));
    STATUS("setup/other", GNTST_okay, setup(other, 1));
    STATUS("setup/nobody", GNTST_bad_domain, setup(NOBODY, 1));
    STATUS("setup/system", GNTST_bad_domain, setup(DOMID_XEN, 1));
    STATUS("setup/grow", GNTST_okay, setup(DOMID_SELF, 3));
    STATUS("query_size", GNTST_okay, size(DOMID_SELF, &q));
    ROW("query_size/frames", 3, q.nr_frames);
    ROW("query_size/max", 64, q.max_nr_frames);
    STATUS("setup/beyond", GNTST_general_error, setup(DOMID_SELF, 65));
    STATUS("setup/max", GNTST_general_error, setup(DOMID_SELF, ~0U));
    table_op = (struct gnttab_setup_table){.dom = DOMID_SELF, .nr_frames = 1};
    table_op.frame_list.p = (void *)NO_ADDRESS;
    STATUS("setup/list-unmapped", GNTST_bad_virt_addr,
           one(GNTTABOP_setup_table, &table_op, &table_op.status));
    ROW("setup/two", -XEN_EINVAL, hv_grant_table_op(GNTTABOP_setup_table, &table_op, 2));
    ROW("setup/zero", -XEN_EINVAL, hv_grant_table_op(GNTTABOP_setup_table, &table_op, 0));
    STATUS("query_size/other", GNTST_okay, size(other, &q));
    STATUS("query_size/nobody", GNTST_bad_domain, size(NOBODY, &q));
    STATUS("query_size/system", GNTST_bad_domain, size(DOMID_XEN, &q));
    ROW("query_size/two", -XEN_EINVAL, hv_grant_table_op(GNTTABOP_query_size, &q, 2));
    ROW("set_version/1", 0, set_version(1));
    ROW("set_version/0", -XEN_EINVAL, set_version(0));
    ROW("set_version/3", -XEN_EINVAL, set_version(3));
    ROW("set_version/max", -XEN_EINVAL, set_version(~0U));
    ROW("get_version", 1, get_version(DOMID_SELF));
    ROW("get_version/other", 1, get_version(other));
    ROW("get_version/nobody", -XEN_ESRCH, get_version(NOBODY));
    ROW("get_version/system", -XEN_ESRCH, get_version(DOMID_XEN));
    struct gnttab_get_status_frames st = {.dom = DOMID_SELF, .nr_frames = 1};
    st.frame_list.p = frames;
    STATUS("get_status_frames/version-1", GNTST_general_error,
           one(GNTTABOP_get_status_frames, &st, &st.status));
    struct gnttab_dump_table dump = {.dom = NOBODY};
    ROW("dump_table", -XEN_ENOSYS, hv_grant_table_op(GNTTABOP_dump_table, &dump, 1));

    struct gnttab_swap_grant_ref swap = {.ref_a = 9, .ref_b = 20};
    STATUS("swap", GNTST_okay, one(GNTTABOP_swap_grant_ref, &swap, &swap.status));
    ROW("swap/effect", GTF_permit_access, kit_grants[20].flags);
    STATUS("swap/back", GNTST_okay, one(GNTTABOP_swap_grant_ref, &swap, &swap.status));
    swap.ref_b = 9;
    STATUS("swap/itself", GNTST_okay, one(GNTTABOP_swap_grant_ref, &swap, &swap.status));
    swap.ref_b = ~0U;
    STATUS("swap/beyond", GNTST_bad_gntref, one(GNTTABOP_swap_grant_ref, &swap, &swap.status));
    map(0, 9, GNTMAP_host_map, WINDOW);
    swap.ref_b = 20;
    STATUS("swap/mapped", GNTST_eagain, one(GNTTABOP_swap_grant_ref, &swap, &swap.status));
    unmap(mapped.handle, WINDOW);

    struct gnttab_transfer transfer = {.mfn = virt_to_mfn(page), .domid = NOBODY, .ref = 9};
    STATUS("transfer/nobody", GNTST_general_error,
           one(GNTTABOP_transfer, &transfer, &transfer.status));
    struct gnttab_unmap_and_replace replace = {.handle = ~0U};
    STATUS("unmap_and_replace/handle-max", GNTST_general_error,
           one(GNTTABOP_unmap_and_replace, &replace, &replace.status));
    struct gnttab_cache_flush flush = {.op = GNTTAB_CACHE_CLEAN};
    ROW("cache_flush/nothing", -XEN_EOPNOTSUPP, hv_grant_table_op(GNTTABOP_cache_flush, &flush, 1));
}

static void batches(void)
{
    static const struct {
        const char *name;
        unsigned int cmd;
    } ops[] = {{"map", 0},
               {"unmap", 1},
               {"setup", 2},
               {"transfer", 4},
               {"copy", 5},
               {"query_size", 6},
               {"unmap_and_replace", 7},
               {"set_version", 8},
               {"get_status_frames", 9},
               {"get_version", 10},
               {"swap", 11}};
    struct gnttab_copy op = {.source.domid = DOMID_SELF, .dest.domid = DOMID_SELF};
    struct gnttab_query_size q = {.dom = DOMID_SELF};

    for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        POINTERS(ops[i].name, -XEN_EFAULT, p, hv_grant_table_op(ops[i].cmd, p, 1));
        conform_row(ops[i].name, "count-2^31", -XEN_EINVAL,
                    hv_grant_table_op(ops[i].cmd, (void *)NO_ADDRESS, 1U << 31));
        conform_row(ops[i].name, "count-max", -XEN_EINVAL,
                    hv_grant_table_op(ops[i].cmd, (void *)NO_ADDRESS, ~0U));
    }
    static const unsigned int lists[] = {0, 1, 4, 5, 7, 11};
    for (unsigned int i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        char key[16];
        ksnprintf(key, sizeof(key), "%u/none", lists[i]);
        ROW(key, 0, hv_grant_table_op(lists[i], &op, 0));
    }
    op.source.u.gmfn = op.dest.u.gmfn = virt_to_mfn(page);
    op.status = 99;
    struct gnttab_copy *tail = conform_tail(&op, sizeof(op));
    ROW("copy/off-the-page", -XEN_EFAULT, hv_grant_table_op(GNTTABOP_copy, tail, 2));
    ROW("copy/off-the-page/first-done", 0, tail->status);
    READONLY("copy", -XEN_EFAULT, p, op, hv_grant_table_op(GNTTABOP_copy, p, 1));
    READONLY("query_size", -XEN_EFAULT, p, q, hv_grant_table_op(GNTTABOP_query_size, p, 1));
    ROW("13", -XEN_ENOSYS, hv_grant_table_op(13, &op, 1));
    ROW("1000", -XEN_ENOSYS, hv_grant_table_op(1000, &op, 1));
    ROW("max", -XEN_ENOSYS, hv_grant_table_op(~0U, &op, 1));
}

void conform_grant(void)
{
    struct domain d;

    conform_family("grant_table_op");
    grants_init();
    page = page_alloc_zeroed();
    if (domain_create_empty(&d, &(struct domain_config){.vcpus = 1}) != 0) {
        kit_panic("no domain");
    }
    other = d.id;
    maps();
    copies();
    tables();
    batches();
    domain_destroy(&d);
}
