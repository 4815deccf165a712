/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps: where the machine-to-phys table is, E820 maps, and resources of a domain. */
#include "hypercalls/memory.h"
#include "boot/boot.h"
#include "domain/grant_table.h"
#include "mm/balloon.h"

/* The map of a guest is bounded: it is the hypervisor's memory. */
#define MAX_E820 1024

long memory_machphys_mfn_list(guest_ptr_t arg)
{
    struct xen_machphys_mfn_list list;
    mfn_t last = mfn_make(0), m;
    unsigned int i;

    if (copy_struct_from_guest(&list, arg))
        return -EFAULT;
    unsigned int n = (unsigned int)MIN((uint64_t)list.max_extents, M2P_CHUNKS);
    for (i = 0; i < n; i++) {
        /* A hole shows the chunk before it: what is there has no meaning. */
        if (!m2p_chunk_share(i, &m))
            last = m;
        xen_pfn_t v = mfn_x(last);
        if (copy_elem_to_guest(guest_ptr_of(list.extent_start), i, &v, sizeof(v)))
            return -EFAULT;
    }
    list.nr_extents = i;
    return copy_struct_to_guest(arg, &list);
}

long memory_machphys_mapping(guest_ptr_t arg)
{
    struct xen_machphys_mapping map = {
        .v_start = RO_M2P_START,
        .v_end = RO_M2P_START + (1ul << 38), /* the ABI's half of the slot */
        .max_mfn = (1ul << 38) / sizeof(uint64_t) - 1,
    };

    if (current->domain->privileged)
        map.max_mfn = max_mfn - 1;
    return copy_struct_to_guest(arg, &map);
}

/* ---- E820 ---------------------------------------------------------------------------------- */

_Static_assert(sizeof(struct xen_e820_entry) == sizeof(struct e820entry), "one layout");

long memory_get_map(guest_ptr_t arg)
{
    struct domain *d = current->domain;
    struct xen_memory_map map;
    long rc = 0;

    if (copy_struct_from_guest(&map, arg))
        return -EFAULT;
    spin_lock(&d->mem_lock);
    if (!d->pv.e820.count) {
        rc = -ENOSYS;
    } else {
        map.nr_entries = MIN(map.nr_entries, d->pv.e820.count);
        if (copy_to_guest(guest_ptr_of(map.buffer), d->pv.e820.map,
                          map.nr_entries * sizeof(struct e820entry)))
            rc = -EFAULT;
    }
    spin_unlock(&d->mem_lock);
    if (!rc && copy_struct_to_guest(arg, &map))
        rc = -EFAULT;
    return rc;
}

long memory_set_map(guest_ptr_t arg)
{
    struct xen_foreign_memory_map fmap;
    long rc = 0;

    if (copy_struct_from_guest(&fmap, arg))
        return -EFAULT;
    if (fmap.map.nr_entries > MAX_E820)
        return -EINVAL;
    struct domain *d = memory_get_domain(fmap.domid, &rc);
    if (!d)
        return rc;
    size_t size = fmap.map.nr_entries * sizeof(struct e820entry);
    struct xen_e820_entry *fresh = hv_zalloc(MAX(size, (size_t)1));
    if (!fresh) {
        rc = -ENOMEM;
    } else if (copy_from_guest(fresh, guest_ptr_of(fmap.map.buffer), size)) {
        rc = -EFAULT;
    } else {
        spin_lock(&d->mem_lock);
        struct xen_e820_entry *old = d->pv.e820.map;
        d->pv.e820.map = fresh;
        d->pv.e820.count = fmap.map.nr_entries;
        spin_unlock(&d->mem_lock);
        fresh = old;
    }
    hv_free(fresh);
    memory_put(d);
    return rc;
}

/* The host's map, put out entry by entry. */
struct map_out {
    guest_ptr_t buffer;
    unsigned int room, used;
};

static long put_entry(struct map_out *o, uint64_t addr, uint64_t size, uint32_t type)
{
    struct e820entry e = {.addr = addr, .size = size, .type = type};

    if (o->used == o->room)
        return -EINVAL;
    return copy_elem_to_guest(o->buffer, o->used++, &e, sizeof(e));
}

/* Parts of a gap of the map, in frames [from, to), that Domain 0 may not use: the hypervisor's
 * devices. Nothing else may be put there. */
static long put_gap(struct map_out *o, uint64_t from, uint64_t to)
{
    struct rangeset *caps = &current->domain->iomem_caps;
    long rc = 0;

    spin_lock(&caps->lock);
    if (!caps->count)
        from = to; /* nothing was said about devices */
    for (unsigned int i = 0; !rc && from < to && i < caps->count; i++) {
        const struct range *r = &caps->ranges[i];
        if (r->last < from)
            continue;
        if (r->first >= to)
            break;
        if (r->first > from)
            rc = put_entry(o, from << PAGE_SHIFT, (r->first - from) << PAGE_SHIFT, E820_RESERVED);
        from = MIN(r->last, to) + 1;
    }
    spin_unlock(&caps->lock);
    if (!rc && from < to)
        rc = put_entry(o, from << PAGE_SHIFT, (to - from) << PAGE_SHIFT, E820_RESERVED);
    return rc;
}

/*
 * RAM stays RAM, whoever has it: Domain 0 arranges its PFNs after this map and keeps them out of
 * the way of what is not RAM, while its frames may be any.
 */
long memory_machine_map(guest_ptr_t arg)
{
    struct xen_memory_map map;
    uint64_t at = MB(1) >> PAGE_SHIFT; /* below, the PC's layout is what everybody expects */
    long rc = 0;

    if (!current->domain->privileged)
        return -EPERM;
    if (copy_struct_from_guest(&map, arg))
        return -EFAULT;
    struct map_out o = {.buffer = guest_ptr_of(map.buffer), .room = map.nr_entries};
    for (unsigned int i = 0; !rc && i < boot_info.nr_e820; i++) {
        const struct boot_e820 *e = &boot_info.e820[i];
        uint64_t first = e->addr >> PAGE_SHIFT;
        if (first > at)
            rc = put_gap(&o, at, first);
        at = MAX(at, DIV_ROUND_UP(e->addr + e->size, PAGE_SIZE));
        if (!rc)
            rc = put_entry(&o, e->addr, e->size, e->type);
    }
    if (!rc && at < GB(4) >> PAGE_SHIFT)
        rc = put_gap(&o, at, GB(4) >> PAGE_SHIFT);
    if (rc)
        return rc;
    map.nr_entries = o.used;
    return copy_struct_to_guest(arg, &map);
}

/* ---- resources ----------------------------------------------------------------------------- */

#define RESOURCE_BATCH 32

/* How many frames the resource can have; negative: there is no such resource. */
static long resource_size(const struct domain *d, unsigned int type, unsigned int id)
{
    uint32_t nr, max;

    if (type != XENMEM_resource_grant_table)
        return -EOPNOTSUPP;
    /* Status frames belong to version 2, which we do not offer. */
    if (id != XENMEM_resource_grant_table_id_shared || !d->grant_table)
        return -EINVAL;
    grant_table_size(d, &nr, &max);
    return max;
}

long memory_acquire_resource(guest_ptr_t arg, unsigned long start)
{
    struct xen_mem_acquire_resource res;
    long rc = 0;

    if (copy_struct_from_guest(&res, arg))
        return -EFAULT;
    if (res.pad)
        return -EINVAL;
    guest_ptr_t list = guest_ptr_of(res.frame_list);
    /* One's own resources are not to be had this way. */
    if (res.domid == DOMID_SELF)
        return -ESRCH;
    if (res.domid == current->domain->id)
        return -EPERM;
    struct domain *d = domain_get_controlled(res.domid, &rc);
    if (!d)
        return rc;
    rc = resource_size(d, res.type, res.id);
    if (rc < 0)
        goto out;
    if (guest_ptr_null(list)) {
        if (res.nr_frames || start) {
            rc = -EINVAL;
            goto out;
        }
        res.nr_frames = (uint32_t)rc;
        rc = copy_to_guest(guest_ptr(arg.va + offsetof(struct xen_mem_acquire_resource, nr_frames)),
                           &res.nr_frames, sizeof(res.nr_frames));
        goto out;
    }
    if (!res.nr_frames || res.frame > (uint64_t)rc || res.nr_frames > (uint64_t)rc - res.frame ||
        start > res.nr_frames) {
        rc = -EINVAL;
        goto out;
    }
    rc = 0;
    for (unsigned long i = start; i < res.nr_frames; i++) {
        mfn_t m;
        if (i > start && i % RESOURCE_BATCH == 0 && preempt_check()) {
            rc = hypercall_continuation(12, 2, XENMEM_acquire_resource | i << MEMOP_EXTENT_SHIFT,
                                        arg.va);
            break;
        }
        rc = grant_table_frame(d, res.frame + i, &m);
        if (rc)
            break;
        xen_pfn_t v = mfn_x(m);
        rc = copy_elem_to_guest(list, i, &v, sizeof(v));
        if (rc)
            break;
    }
out:
    domain_put(d);
    return rc;
}
