/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of other domains, typed; see hv_memory.h. */
#include "dom0-toolstack/lib/hv_memory.h"

#include <errno.h>
#include <string.h>

#include "dom0-toolstack/lib/abi.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_private.h"

int hv_memory_claim(struct hv *hv, uint32_t domid, uint64_t pages, struct hl_error *e)
{
    struct xen_memory_reservation r = {.nr_extents = pages, .domid = (domid_t)domid};
    long rc = hv_call_struct(hv, __HYPERVISOR_memory_op, XENMEM_claim_pages, &r, sizeof(r));

    return rc < 0 ? hl_fail_dom(e, (int)-rc, domid, "claim memory", NULL) : 0;
}

long hv_memory_populate(struct hv *hv, uint32_t domid, uint64_t *extents, size_t count,
                        unsigned int order)
{
    struct xen_memory_reservation r = {
        .nr_extents = count, .extent_order = order, .domid = (domid_t)domid};

    HANDLE_SET(r.extent_start, extents);
    return hv_call_struct(hv, __HYPERVISOR_memory_op, XENMEM_populate_physmap, &r, sizeof(r));
}

int hv_memory_set_map(struct hv *hv, uint32_t domid, const struct hv_e820 *map, size_t count,
                      struct hl_error *e)
{
    struct xen_foreign_memory_map op = {.domid = (domid_t)domid};
    struct hv_e820 *buf = hv_buffer_alloc(hv, count * sizeof(*map));
    long rc;

    if (buf == NULL)
        return hl_fail_dom(e, ENOMEM, domid, "set the memory map", NULL);
    memcpy(buf, map, count * sizeof(*map));
    op.map.nr_entries = (unsigned int)count;
    HANDLE_SET(op.map.buffer, buf);
    rc = hv_call_struct(hv, __HYPERVISOR_memory_op, XENMEM_set_memory_map, &op, sizeof(op));
    hv_buffer_free(hv, buf, count * sizeof(*map));
    return rc < 0 ? hl_fail_dom(e, (int)-rc, domid, "set the memory map", NULL) : 0;
}

static int reservation(struct hv *hv, uint32_t domid, unsigned int cmd, uint64_t *pages,
                       struct hl_error *e)
{
    struct xen_memory_domain d = {.domid = (domid_t)domid};
    long rc = hv_call_struct(hv, __HYPERVISOR_memory_op, cmd, &d, sizeof(d));

    if (rc < 0)
        return hl_fail_dom(e, (int)-rc, domid, "read the domain's memory", NULL);
    *pages = (uint64_t)rc;
    return 0;
}

int hv_memory_current(struct hv *hv, uint32_t domid, uint64_t *pages, struct hl_error *e)
{
    return reservation(hv, domid, XENMEM_current_reservation, pages, e);
}

int hv_memory_maximum(struct hv *hv, uint32_t domid, uint64_t *pages, struct hl_error *e)
{
    return reservation(hv, domid, XENMEM_maximum_reservation, pages, e);
}

int hv_memory_sharing(struct hv *hv, uint64_t *freed, uint64_t *used)
{
    long f = hv_call(hv, __HYPERVISOR_memory_op, XENMEM_get_sharing_freed_pages, 0, 0, 0, 0);
    long u = hv_call(hv, __HYPERVISOR_memory_op, XENMEM_get_sharing_shared_pages, 0, 0, 0, 0);

    /* A hypervisor without memory sharing answers an error: nothing is shared. */
    *freed = f < 0 ? 0 : (uint64_t)f;
    *used = u < 0 ? 0 : (uint64_t)u;
    return 0;
}

int hv_memory_host_frames(struct hv *hv, uint64_t *host_frames, struct hl_error *e)
{
    long rc = hv_call(hv, __HYPERVISOR_memory_op, XENMEM_maximum_ram_page, 0, 0, 0, 0);

    if (rc < 0)
        return hl_fail(e, (int)-rc, "read the size of the host's memory", NULL, NULL);
    *host_frames = (uint64_t)rc + 1;
    return 0;
}

int hv_memory_m2p(struct hv *hv, uint64_t *frames, size_t max, size_t *count, struct hl_error *e)
{
    struct xen_machphys_mfn_list list = {.max_extents = (unsigned int)max};
    long rc;

    HANDLE_SET(list.extent_start, frames);
    rc = hv_call_struct(hv, __HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, &list, sizeof(list));
    if (rc < 0)
        return hl_fail(e, (int)-rc, "find the machine-to-phys table", NULL, NULL);
    *count = list.nr_extents < max ? list.nr_extents : max;
    return 0;
}

int hv_memory_frame_types(struct hv *hv, uint32_t domid, uint64_t *frames, size_t count,
                          struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_getpageframeinfo3, .domain = (domid_t)domid};
    long rc;

    op.u.getpageframeinfo3.num = count;
    HANDLE_SET(op.u.getpageframeinfo3.array, frames);
    rc = hv_domctl(hv, &op);
    return rc < 0 ? hv_domctl_fail(e, rc, domid, "ask which frames are the domain's") : 0;
}

bool hv_frame_is_owned(uint64_t type)
{
    uint64_t kind = type & XEN_DOMCTL_PFINFO_LTAB_MASK;

    return kind != XEN_DOMCTL_PFINFO_XTAB && kind != XEN_DOMCTL_PFINFO_XALLOC &&
           kind != XEN_DOMCTL_PFINFO_BROKEN;
}

int hv_memory_pin_l4(struct hv *hv, uint32_t domid, uint64_t mfn, struct hl_error *e)
{
    struct mmuext_op op = {.cmd = MMUEXT_PIN_L4_TABLE};
    long rc;

    op.arg1.mfn = mfn;
    memcpy(hv->args, &op, sizeof(op));
    rc = hv_call(hv, __HYPERVISOR_mmuext_op, (uintptr_t)hv->args, 1, 0, domid, 0);
    return rc < 0 ? hl_fail_dom(e, (int)-rc, domid, "pin the first page tables", NULL) : 0;
}
