/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_op: reservations, the maps, and what only hardware guests have. */
#include "conformance.h"
#include "kit/domains.h"

static domid_t other;
static xen_pfn_t list[8];

static long reservation(unsigned int op, domid_t dom, unsigned long n, unsigned int order,
                        unsigned int flags)
{
    struct xen_memory_reservation r = {
        .nr_extents = n, .extent_order = order, .mem_flags = flags, .domid = dom};

    r.extent_start.p = list;
    return hv_memory_op(op, &r);
}

static long number(unsigned int op, domid_t dom)
{
    struct xen_memory_domain d = {.domid = dom};

    return hv_memory_op(op, &d);
}

static long has(domid_t dom)
{
    return number(XENMEM_current_reservation, dom);
}

static void limit(domid_t dom, uint64_t pages)
{
    struct xen_domctl op = {.u.max_mem.max_memkb = pages * 4};

    domain_control(&op, XEN_DOMCTL_max_mem, dom);
}

static void reservations(void)
{
    limit(other, 16);
    list[0] = 5;
    list[1] = 6;
    ROW("populate", 2, reservation(XENMEM_populate_physmap, other, 2, 0, 0));
    ROW("populate/effect", 2, has(other));
    ROW("populate/m2p", 5, mfn_to_pfn(list[0]));
    ROW("decrease", 2, reservation(XENMEM_decrease_reservation, other, 2, 0, 0));
    ROW("decrease/effect", 0, has(other));
    ROW("decrease/again", 0, reservation(XENMEM_decrease_reservation, other, 1, 0, 0));
    list[0] = ~0UL;
    ROW("decrease/frame-max", 0, reservation(XENMEM_decrease_reservation, other, 1, 0, 0));
    list[0] = virt_to_mfn(l4_kernel());
    ROW("decrease/frame-of-another", 0, reservation(XENMEM_decrease_reservation, other, 1, 0, 0));
    ROW("decrease/page-table", 0, reservation(XENMEM_decrease_reservation, DOMID_SELF, 1, 0, 0));
    ROW("increase", 1, reservation(XENMEM_increase_reservation, other, 1, 0, 0));
    ROW("increase/effect", 1, has(other));
    ROW("increase/give-back", 1, reservation(XENMEM_decrease_reservation, other, 1, 0, 0));
    list[0] = 8;
    ROW("populate/order-3", 1, reservation(XENMEM_populate_physmap, other, 1, 3, 0));
    ROW("populate/order-3/effect", 8, has(other));
    ROW("populate/order-3/aligned", 0, list[0] & 7);
    ROW("populate/beyond-the-limit", 0, reservation(XENMEM_populate_physmap, other, 1, 4, 0));
    ROW("increase/beyond-the-limit", 0, reservation(XENMEM_increase_reservation, other, 1, 4, 0));
    ROW("decrease/order-3", 1, reservation(XENMEM_decrease_reservation, other, 1, 3, 0));
    ROW("decrease/order-3/effect", 0, has(other));
    ROW("populate/order-19", 0, reservation(XENMEM_populate_physmap, other, 1, 19, 0));
    ROW("populate/order-64", 0, reservation(XENMEM_populate_physmap, other, 1, 64, 0));
    ROW("populate/order-max", 0, reservation(XENMEM_populate_physmap, other, 1, ~0U, 0));
    ROW("decrease/order-max", 0, reservation(XENMEM_decrease_reservation, other, 1, ~0U, 0));
    ROW("populate/none", 0, reservation(XENMEM_populate_physmap, other, 0, 0, 0));
    ROW("increase/none", 0, reservation(XENMEM_increase_reservation, other, 0, 0, 0));
    ROW("populate/extents-max", 0, reservation(XENMEM_populate_physmap, other, ~0UL, 0, 0));
    ROW("decrease/extents-max", 0, reservation(XENMEM_decrease_reservation, other, ~0UL, 0, 0));
    list[0] = 5;
    ROW("populate/address-bits-32", 1,
        reservation(XENMEM_populate_physmap, other, 1, 0, XENMEMF_address_bits(32)));
    ROW("populate/address-bits-32/give-back", 1,
        reservation(XENMEM_decrease_reservation, other, 1, 0, 0));
    ROW("populate/address-bits-1", 0,
        reservation(XENMEM_populate_physmap, other, 1, 0, XENMEMF_address_bits(1)));
    ROW("populate/exact-node-0", 1,
        reservation(XENMEM_populate_physmap, other, 1, 0, XENMEMF_exact_node(0)));
    reservation(XENMEM_decrease_reservation, other, 1, 0, 0);
    ROW("populate/node-9", 1, reservation(XENMEM_populate_physmap, other, 1, 0, XENMEMF_node(9)));
    reservation(XENMEM_decrease_reservation, other, 1, 0, 0);
    ROW("populate/node-9/now-has", 0, has(other));
    ROW("populate/nobody", 0, reservation(XENMEM_populate_physmap, NOBODY, 1, 0, 0));
    ROW("populate/system", 0, reservation(XENMEM_populate_physmap, DOMID_XEN, 1, 0, 0));
    ROW("populate/io", 0, reservation(XENMEM_populate_physmap, DOMID_IO, 1, 0, 0));
    ROW("decrease/nobody", 0, reservation(XENMEM_decrease_reservation, NOBODY, 1, 0, 0));
    ROW("increase/nobody", 0, reservation(XENMEM_increase_reservation, NOBODY, 1, 0, 0));
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = other};
    static const struct {
        const char *name;
        unsigned int op;
    } ops[] = {{"populate", XENMEM_populate_physmap},
               {"decrease", XENMEM_decrease_reservation},
               {"increase", XENMEM_increase_reservation}};
    for (unsigned int i = 0; i < 3; i++) {
        /* These say how many they have done. */
        POINTERS(ops[i].name, 0, p, hv_memory_op(ops[i].op, p));
        r.extent_start.p = (void *)NO_ADDRESS;
        conform_row(ops[i].name, "list-unmapped", 0, hv_memory_op(ops[i].op, &r));
        r.extent_start.p = (void *)0xffff830000000000UL;
        conform_row(ops[i].name, "list-hypervisor", 0, hv_memory_op(ops[i].op, &r));
        conform_row(ops[i].name, "start-beyond-count", 1, hv_memory_op(ops[i].op | 1U << 6, &r));
    }
    ROW("populate/list-unmapped/nothing-taken", 0, has(other));
}

static void numbers(void)
{
    static const struct {
        const char *name;
        unsigned int op;
    } ops[] = {{"current", XENMEM_current_reservation},
               {"maximum", XENMEM_maximum_reservation},
               {"maximum_gpfn", XENMEM_maximum_gpfn}};

    ROW("current/self-is-own-id", 1, has(DOMID_SELF) == has(0));
    ROW("current/other", 0, has(other));
    ROW("maximum/other", 16, number(XENMEM_maximum_reservation, other));
    for (unsigned int i = 0; i < 3; i++) {
        conform_row(ops[i].name, "nobody", -XEN_ESRCH, number(ops[i].op, NOBODY));
        conform_row(ops[i].name, "system", -XEN_ESRCH, number(ops[i].op, DOMID_XEN));
        conform_row(ops[i].name, "invalid", -XEN_ESRCH, number(ops[i].op, DOMID_INVALID));
        POINTERS(ops[i].name, -XEN_EFAULT, p, hv_memory_op(ops[i].op, p));
    }
    ROW("maximum_gpfn/empty", 0, number(XENMEM_maximum_gpfn, other));
    ROW("maximum_ram_page", 1, hv_memory_op(XENMEM_maximum_ram_page, NULL) >= 0x1ffe0);
    ROW("maximum_ram_page/start", -XEN_EINVAL,
        hv_memory_op(XENMEM_maximum_ram_page | 1U << 6, NULL));
    ROW("get_sharing_freed_pages", 0, hv_memory_op(XENMEM_get_sharing_freed_pages, NULL));
    ROW("get_sharing_shared_pages", 0, hv_memory_op(XENMEM_get_sharing_shared_pages, NULL));
}

static long machphys_list(unsigned int room, xen_pfn_t *to, unsigned int *n)
{
    struct xen_machphys_mfn_list op = {.max_extents = room};

    op.extent_start.p = to;
    long rc = hv_memory_op(XENMEM_machphys_mfn_list, &op);
    *n = op.nr_extents;
    return rc;
}

static void machphys(void)
{
    struct xen_machphys_mapping m = {0};
    unsigned int n;

    ROW("machphys_mapping", 0, hv_memory_op(XENMEM_machphys_mapping, &m));
    ROW("machphys_mapping/start", MACH2PHYS_VIRT_START, m.v_start);
    ROW("machphys_mapping/end", MACH2PHYS_VIRT_END, m.v_end);
    ROW("machphys_mapping/max_mfn", 1, m.max_mfn >= 0x1ffdf);
    POINTERS("machphys_mapping", -XEN_EFAULT, p, hv_memory_op(XENMEM_machphys_mapping, p));
    READONLY("machphys_mapping", -XEN_EFAULT, p, m, hv_memory_op(XENMEM_machphys_mapping, p));
    ROW("machphys_mfn_list", 0, machphys_list(8, list, &n));
    ROW("machphys_mfn_list/count", 1, n);
    ROW("machphys_mfn_list/none", 0, machphys_list(0, list, &n));
    ROW("machphys_mfn_list/none/count", 0, n);
    ROW("machphys_mfn_list/list-unmapped", -XEN_EFAULT, machphys_list(1, (void *)NO_ADDRESS, &n));
    POINTERS("machphys_mfn_list", -XEN_EFAULT, p, hv_memory_op(XENMEM_machphys_mfn_list, p));
}

static long memory_map(unsigned int op, unsigned int n, void *buffer, unsigned int *used)
{
    struct xen_memory_map m = {.nr_entries = n};

    m.buffer.p = buffer;
    long rc = hv_memory_op(op, &m);
    *used = m.nr_entries;
    return rc;
}

static long set_map(domid_t dom, unsigned int n, void *buffer)
{
    struct xen_foreign_memory_map m = {.domid = dom, .map.nr_entries = n};

    m.map.buffer.p = buffer;
    return hv_memory_op(XENMEM_set_memory_map, &m);
}

static void maps(void)
{
    static struct e820entry e[130];
    unsigned int used;

    ROW("memory_map/never-set", -XEN_ENOSYS, memory_map(XENMEM_memory_map, 8, e, &used));
    e[0] = (struct e820entry){.addr = 0, .size = 1 << 20, .type = E820_RAM};
    e[1] = (struct e820entry){.addr = 1 << 20, .size = 1 << 20, .type = E820_RESERVED};
    ROW("set_memory_map/other", 0, set_map(other, 2, e));
    ROW("set_memory_map/none", 0, set_map(other, 0, e));
    ROW("set_memory_map/129", 0, set_map(other, 129, e));
    ROW("set_memory_map/1025", -XEN_EINVAL, set_map(other, 1025, e));
    ROW("set_memory_map/max", -XEN_EINVAL, set_map(other, ~0U, e));
    ROW("set_memory_map/buffer-unmapped", -XEN_EFAULT, set_map(other, 1, (void *)NO_ADDRESS));
    ROW("set_memory_map/nobody", -XEN_ESRCH, set_map(NOBODY, 2, e));
    ROW("set_memory_map/system", -XEN_ESRCH, set_map(DOMID_XEN, 2, e));
    POINTERS("set_memory_map", -XEN_EFAULT, p, hv_memory_op(XENMEM_set_memory_map, p));
    ROW("set_memory_map/self", 0, set_map(DOMID_SELF, 2, e));
    memset(e, 0, sizeof(e));
    ROW("memory_map", 0, memory_map(XENMEM_memory_map, 8, e, &used));
    ROW("memory_map/count", 2, used);
    ROW("memory_map/effect", E820_RESERVED, e[1].type);
    ROW("memory_map/short", 0, memory_map(XENMEM_memory_map, 1, e, &used));
    ROW("memory_map/short/count", 1, used);
    ROW("memory_map/buffer-unmapped", -XEN_EFAULT,
        memory_map(XENMEM_memory_map, 8, (void *)NO_ADDRESS, &used));
    POINTERS("memory_map", -XEN_EFAULT, p, hv_memory_op(XENMEM_memory_map, p));
    ROW("machine_memory_map", 0, memory_map(XENMEM_machine_memory_map, 128, e, &used));
    ROW("machine_memory_map/has-ram", E820_RAM, e[0].type);
    ROW("machine_memory_map/short", -XEN_EINVAL,
        memory_map(XENMEM_machine_memory_map, 1, e, &used));
    ROW("machine_memory_map/buffer-unmapped", -XEN_EFAULT,
        memory_map(XENMEM_machine_memory_map, 128, (void *)NO_ADDRESS, &used));
    POINTERS("machine_memory_map", -XEN_EFAULT, p, hv_memory_op(XENMEM_machine_memory_map, p));
}

static long claim(domid_t dom, unsigned long pages, unsigned int order, unsigned int flags)
{
    struct xen_memory_reservation r = {
        .nr_extents = pages, .extent_order = order, .mem_flags = flags, .domid = dom};

    return hv_memory_op(XENMEM_claim_pages, &r);
}

static long pod(unsigned int op, domid_t dom, uint64_t target, struct xen_pod_target *t)
{
    *t = (struct xen_pod_target){.target_pages = target, .domid = dom};
    return hv_memory_op(op, t);
}

static void tools(void)
{
    struct xen_pod_target t;

    ROW("claim", 0, claim(other, 4, 0, 0));
    ROW("claim/again", -XEN_EINVAL, claim(other, 8, 0, 0));
    ROW("claim/cancel", 0, claim(other, 0, 0, 0));
    ROW("claim/beyond-the-limit", -XEN_EINVAL, claim(other, 17, 0, 0));
    ROW("claim/beyond-memory", -XEN_ENOMEM,
        (limit(other, 1UL << 28), claim(other, 1UL << 27, 0, 0)));
    limit(other, 16);
    ROW("claim/order-1", -XEN_EINVAL, claim(other, 4, 1, 0));
    ROW("claim/flags", -XEN_EINVAL, claim(other, 4, 0, 1));
    ROW("claim/max", -XEN_EINVAL, claim(other, ~0UL, 0, 0));
    ROW("claim/nobody", -XEN_EINVAL, claim(NOBODY, 4, 0, 0));
    ROW("claim/system", -XEN_EINVAL, claim(DOMID_XEN, 4, 0, 0));
    struct xen_memory_reservation r = {.nr_extents = 4, .domid = other};
    r.extent_start.p = list;
    ROW("claim/list-given", -XEN_EINVAL, hv_memory_op(XENMEM_claim_pages, &r));
    POINTERS("claim", -XEN_EFAULT, p, hv_memory_op(XENMEM_claim_pages, p));

    ROW("get_pod_target/pv", 0, pod(XENMEM_get_pod_target, other, 0, &t));
    ROW("set_pod_target/pv", 0, pod(XENMEM_set_pod_target, other, 4, &t));
    ROW("get_pod_target/nobody", -XEN_ESRCH, pod(XENMEM_get_pod_target, NOBODY, 0, &t));
    ROW("set_pod_target/nobody", -XEN_ESRCH, pod(XENMEM_set_pod_target, NOBODY, 4, &t));
    POINTERS("get_pod_target", -XEN_EFAULT, p, hv_memory_op(XENMEM_get_pod_target, p));
    POINTERS("set_pod_target", -XEN_EFAULT, p, hv_memory_op(XENMEM_set_pod_target, p));
}

static long acquire(domid_t dom, uint16_t type, uint32_t id, uint64_t frame, uint32_t n,
                    uint32_t pad)
{
    struct xen_mem_acquire_resource r = {
        .domid = dom, .type = type, .id = id, .nr_frames = n, .pad = pad, .frame = frame};

    r.frame_list.p = list;
    return hv_memory_op(XENMEM_acquire_resource, &r);
}

static void resources(void)
{
    const uint16_t table = XENMEM_resource_grant_table;
    struct xen_mem_acquire_resource r = {.domid = other, .type = table};

    ROW("acquire_resource/size", 0, hv_memory_op(XENMEM_acquire_resource, &r));
    ROW("acquire_resource/size/frames", 64, r.nr_frames);
    r.nr_frames = 1;
    ROW("acquire_resource/no-list", -XEN_EINVAL, hv_memory_op(XENMEM_acquire_resource, &r));
    ROW("acquire_resource", 0, acquire(other, table, 0, 0, 1, 0));
    ROW("acquire_resource/second-frame", 0, acquire(other, table, 0, 1, 1, 0));
    ROW("acquire_resource/none", -XEN_EINVAL, acquire(other, table, 0, 0, 0, 0));
    ROW("acquire_resource/beyond", -XEN_EINVAL, acquire(other, table, 0, 64, 1, 0));
    ROW("acquire_resource/frame-max", -XEN_EINVAL, acquire(other, table, 0, ~0UL, 1, 0));
    ROW("acquire_resource/count-max", -XEN_EINVAL, acquire(other, table, 0, 0, ~0U, 0));
    ROW("acquire_resource/padding", -XEN_EINVAL, acquire(other, table, 0, 0, 1, 1));
    ROW("acquire_resource/status-of-version-1", -XEN_EINVAL, acquire(other, table, 1, 0, 1, 0));
    ROW("acquire_resource/id-2", -XEN_EINVAL, acquire(other, table, 2, 0, 1, 0));
    ROW("acquire_resource/type-3", -XEN_EOPNOTSUPP, acquire(other, 3, 0, 0, 1, 0));
    ROW("acquire_resource/type-max", -XEN_EOPNOTSUPP, acquire(other, 0xffff, 0, 0, 1, 0));
    ROW("acquire_resource/ioreq-server-of-pv", -XEN_EOPNOTSUPP, acquire(other, 0, 0, 0, 1, 0));
    ROW("acquire_resource/self", -XEN_ESRCH, acquire(DOMID_SELF, table, 0, 0, 1, 0));
    ROW("acquire_resource/nobody", -XEN_ESRCH, acquire(NOBODY, table, 0, 0, 1, 0));
    ROW("acquire_resource/system", -XEN_ESRCH, acquire(DOMID_XEN, table, 0, 0, 1, 0));
    POINTERS("acquire_resource", -XEN_EFAULT, p, hv_memory_op(XENMEM_acquire_resource, p));
}

static void translated(void)
{
    struct xen_add_to_physmap add = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info};
    struct xen_add_to_physmap_batch batch = {.domid = DOMID_SELF, .size = 1};
    struct xen_remove_from_physmap gone = {.domid = DOMID_SELF, .gpfn = ~0UL};
    struct xen_vnuma_topology_info numa = {.domid = DOMID_SELF};
    struct xen_reserved_device_memory_map rdm = {.flags = XENMEM_RDM_ALL, .nr_entries = 0};
    static uint64_t arg[16];

    ROW("add_to_physmap/pv", -XEN_EACCES, hv_memory_op(XENMEM_add_to_physmap, &add));
    add.domid = NOBODY;
    ROW("add_to_physmap/nobody", -XEN_ESRCH, hv_memory_op(XENMEM_add_to_physmap, &add));
    ROW("add_to_physmap_batch/pv", -XEN_EACCES, hv_memory_op(XENMEM_add_to_physmap_batch, &batch));
    batch.domid = NOBODY;
    ROW("add_to_physmap_batch/nobody", -XEN_ESRCH,
        hv_memory_op(XENMEM_add_to_physmap_batch, &batch));
    ROW("remove_from_physmap/frame-max", -XEN_EACCES,
        hv_memory_op(XENMEM_remove_from_physmap, &gone));
    gone.domid = NOBODY;
    ROW("remove_from_physmap/nobody", -XEN_ESRCH, hv_memory_op(XENMEM_remove_from_physmap, &gone));
    ROW("get_vnumainfo/none-set", -XEN_EOPNOTSUPP, hv_memory_op(XENMEM_get_vnumainfo, &numa));
    numa.pad = 1;
    ROW("get_vnumainfo/padding", -XEN_EINVAL, hv_memory_op(XENMEM_get_vnumainfo, &numa));
    numa.pad = 0;
    numa.domid = NOBODY;
    ROW("get_vnumainfo/nobody", -XEN_ESRCH, hv_memory_op(XENMEM_get_vnumainfo, &numa));
    ROW("reserved_device_memory_map", 0, hv_memory_op(XENMEM_reserved_device_memory_map, &rdm));
    ROW("reserved_device_memory_map/none", 0, rdm.nr_entries);
    rdm.flags = ~0U;
    ROW("reserved_device_memory_map/flags", -XEN_EINVAL,
        hv_memory_op(XENMEM_reserved_device_memory_map, &rdm));
    static const struct {
        const char *name;
        unsigned int op;
    } ops[] = {{"add_to_physmap", XENMEM_add_to_physmap},
               {"add_to_physmap_batch", XENMEM_add_to_physmap_batch},
               {"remove_from_physmap", XENMEM_remove_from_physmap},
               {"get_vnumainfo", XENMEM_get_vnumainfo},
               {"reserved_device_memory_map", XENMEM_reserved_device_memory_map},
               {"exchange", XENMEM_exchange}};
    for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        POINTERS(ops[i].name, -XEN_EFAULT, p, hv_memory_op(ops[i].op, p));
    }
    ROW("machphys_compat_mfn_list", -XEN_ENOSYS,
        hv_memory_op(XENMEM_machphys_compat_mfn_list, arg));
    ROW("paging_op", -XEN_ENOSYS, hv_memory_op(XENMEM_paging_op, arg));
    ROW("access_op", -XEN_ENOSYS, hv_memory_op(XENMEM_access_op, arg));
    ROW("sharing_op", -XEN_ENOSYS, hv_memory_op(XENMEM_sharing_op, arg));
    ROW("8", -XEN_ENOSYS, hv_memory_op(8, arg));
    ROW("29", -XEN_ENOSYS, hv_memory_op(29, arg));
    ROW("63", -XEN_ENOSYS, hv_memory_op(63, arg));
}

static struct xen_memory_exchange x;

static long exchange(unsigned long in, unsigned int in_order, unsigned long out,
                     unsigned int out_order)
{
    x.in.nr_extents = in;
    x.in.extent_order = in_order;
    x.out.nr_extents = out;
    x.out.extent_order = out_order;
    return hv_memory_op(XENMEM_exchange, &x);
}

static void exchanges(void)
{
    static xen_pfn_t in[4], out[4];
    char *page = page_alloc();

    x.in.domid = x.out.domid = DOMID_SELF;
    x.in.extent_start.p = in;
    x.out.extent_start.p = out;
    ROW("exchange/nothing", 0, exchange(0, 0, 0, 0));
    ROW("exchange/sizes-differ", -XEN_EINVAL, exchange(2, 0, 1, 0));
    ROW("exchange/orders-differ-but-fit", 0, exchange(0, 1, 0, 3));
    ROW("exchange/order-max", -XEN_EPERM, exchange(1, ~0U, 1, ~0U));
    ROW("exchange/count-max", -XEN_EINVAL, exchange(~0UL, 0, ~0UL, 0));
    x.nr_exchanged = 2;
    ROW("exchange/already-done", -XEN_EINVAL, exchange(1, 0, 1, 0));
    x.nr_exchanged = 0;
    x.in.domid = x.out.domid = NOBODY;
    ROW("exchange/nobody", -XEN_ESRCH, exchange(1, 0, 1, 0));
    x.in.domid = DOMID_SELF;
    ROW("exchange/domains-differ", -XEN_EINVAL, exchange(1, 0, 1, 0));
    x.out.domid = DOMID_SELF;
    in[0] = virt_to_mfn(l4_kernel());
    out[0] = 1;
    ROW("exchange/page-table", -XEN_EINVAL, exchange(1, 0, 1, 0));
    in[0] = ~0UL;
    ROW("exchange/frame-max", -XEN_EINVAL, exchange(1, 0, 1, 0));
    page_free(page);
}

void conform_memory(void)
{
    struct domain d;

    conform_family("memory_op");
    if (domain_create_empty(&d, &(struct domain_config){.vcpus = 1}) != 0) {
        kit_panic("no domain");
    }
    other = d.id;
    reservations();
    numbers();
    machphys();
    maps();
    tools();
    resources();
    translated();
    exchanges();
    domain_destroy(&d);
}
