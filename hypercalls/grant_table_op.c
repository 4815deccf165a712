/* SPDX-License-Identifier: GPL-2.0-or-later */
/* grant_table_op(cmd, array, count): loops over arrays of operations. */
#include "hypercalls/hypercall.h"
#include "domain/grant_table.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

/* Unmappings that share one TLB flush. */
#define UNMAP_BATCH 32

/* Operations between two looks at whether others shall run: each takes a microsecond at most. */
#define PREEMPT_EVERY 8

static bool shall_preempt(uint32_t i)
{
    return i % PREEMPT_EVERY == 0 && i && preempt_check();
}

/*
 * A status and the two bytes of padding behind it, in one piece: 32-bit copies are in line. The
 * padding goes back as it came.
 */
#define PUT_STATUS(elem, op) \
    copy_to_guest(guest_ptr((elem) + offsetof(typeof(op), status)), &(op).status, 4)

/* After done of count elements: come back for the rest. */
static long again(unsigned long cmd, guest_ptr_t array, size_t size, uint32_t done, uint32_t count)
{
    return hypercall_continuation(__HYPERVISOR_grant_table_op, 3, cmd,
                                  (unsigned long)(array.va + done * size),
                                  (unsigned long)(count - done));
}

static long do_map(guest_ptr_t array, uint32_t count)
{
    struct gnttab_map_grant_ref op;

    for (uint32_t i = 0; i < count; i++) {
        if (shall_preempt(i))
            return again(GNTTABOP_map_grant_ref, array, sizeof(op), i, count);
        guest_ptr_t elem = guest_ptr(array.va + (uint64_t)i * sizeof(op));
        if (unlikely(copy_struct_from_guest(&op, elem)))
            return -EFAULT;
        grant_map(&op);
        if (unlikely(copy_struct_to_guest(elem, &op)))
            return -EFAULT;
    }
    return 0;
}

/* One batch: take the entries away, flush once, let the frames go, tell the states. */
static long unmap_batch(guest_ptr_t array, uint32_t first, uint32_t n)
{
    struct grant_unmap u[UNMAP_BATCH];
    struct gnttab_unmap_grant_ref op;
    uint64_t elem = array.va + (uint64_t)first * sizeof(op);
    uint32_t begun, parts = 0;
    long rc = 0;

    for (begun = 0; begun < n; begun++) {
        if (unlikely(copy_struct_from_guest(&op, guest_ptr(elem + begun * sizeof(op))))) {
            rc = -EFAULT;
            break;
        }
        grant_unmap_begin(&u[begun], op.host_addr, op.dev_bus_addr, op.handle);
        parts |= u[begun].parts;
    }
    /* All of the TLB: a table that is in use twice shows the same entry at two addresses. */
    if (parts & GNTMAP_host_map)
        tlb_flush_mask(current->domain->dirty_cpus, 0);
    for (uint32_t i = 0; i < begun; i++, elem += sizeof(op)) {
        grant_unmap_end(&u[i]);
        op.status = u[i].status;
        if (unlikely(PUT_STATUS(elem, op)))
            rc = -EFAULT;
    }
    return rc;
}

static long do_unmap(guest_ptr_t array, uint32_t count)
{
    for (uint32_t i = 0; i < count;) {
        uint32_t n = MIN(count - i, (uint32_t)UNMAP_BATCH);
        long rc;
        if (i && preempt_check())
            return again(GNTTABOP_unmap_grant_ref, array, sizeof(struct gnttab_unmap_grant_ref), i,
                         count);
        rc = unmap_batch(array, i, n);
        if (rc)
            return rc;
        i += n;
    }
    return 0;
}

static long do_copy(guest_ptr_t array, uint32_t count)
{
    struct grant_copy_side source = {0}, dest = {0};
    struct gnttab_copy op;
    long rc = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t elem = array.va + (uint64_t)i * sizeof(op);
        if (shall_preempt(i)) {
            rc = again(GNTTABOP_copy, array, sizeof(op), i, count);
            break;
        }
        if (copy_struct_from_guest(&op, guest_ptr(elem))) {
            rc = -EFAULT;
            break;
        }
        op.status = grant_copy(&op, &source, &dest);
        if (unlikely(PUT_STATUS(elem, op))) {
            rc = -EFAULT;
            break;
        }
    }
    grant_copy_release(&source);
    grant_copy_release(&dest);
    return rc;
}

/* The domain of an operation on a whole table; NULL: *status says why. */
static struct domain *table_domain(domid_t id, int16_t *status)
{
    long rc;
    struct domain *d = domain_get_controlled(id, &rc);

    if (!d)
        *status = rc == -EPERM ? GNTST_permission_denied : GNTST_bad_domain;
    return d;
}

/* Frames that are not there yet are made one by one: whoever is preempted finds those the next time. */
static long do_setup_table(guest_ptr_t arg)
{
    struct gnttab_setup_table op;
    uint32_t nr, max;
    bool preempted = false;
    struct domain *d;
    mfn_t mfn;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    op.status = GNTST_okay;
    d = table_domain(op.dom, &op.status);
    if (d) {
        grant_table_size(d, &nr, &max);
        if (op.nr_frames > max)
            op.status = GNTST_general_error;
        for (uint32_t i = 0; i < op.nr_frames && op.status == GNTST_okay; i++) {
            xen_pfn_t frame;
            if (i > nr && preempt_check()) { /* one is made in any case */
                preempted = true;
                break;
            }
            if (grant_table_frame(d, i, &mfn)) {
                op.status = GNTST_general_error;
                break;
            }
            frame = mfn_x(mfn);
            if (copy_elem_to_guest(guest_ptr_of(op.frame_list), i, &frame, sizeof(frame)))
                op.status = GNTST_bad_virt_addr;
        }
        domain_put(d);
    }
    if (preempted)
        return hypercall_continuation(__HYPERVISOR_grant_table_op, 3, (long)GNTTABOP_setup_table,
                                      arg.va, 1l);
    return copy_struct_to_guest(arg, &op);
}

static long do_query_size(guest_ptr_t arg)
{
    struct gnttab_query_size op;
    struct domain *d;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    op.status = GNTST_okay;
    d = table_domain(op.dom, &op.status);
    if (d) {
        grant_table_size(d, &op.nr_frames, &op.max_nr_frames);
        domain_put(d);
    }
    return copy_struct_to_guest(arg, &op);
}

static long do_set_version(guest_ptr_t arg)
{
    struct gnttab_set_version op;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.version != 1 && op.version != 2)
        return -EINVAL;
    rc = op.version == 1 ? 0 : -ENOSYS;
    op.version = 1; /* the one in force */
    return copy_struct_to_guest(arg, &op) ? -EFAULT : rc;
}

static long do_get_version(guest_ptr_t arg)
{
    struct gnttab_get_version op;
    struct domain *d;
    long rc;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    d = domain_get_controlled(op.dom, &rc);
    if (!d)
        return rc;
    domain_put(d);
    op.version = 1;
    return copy_struct_to_guest(arg, &op);
}

/* Only version 2 has them. */
static long do_get_status_frames(guest_ptr_t arg)
{
    struct gnttab_get_status_frames op;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    op.status = GNTST_general_error;
    return copy_struct_to_guest(arg, &op);
}

static long do_swap(guest_ptr_t array, uint32_t count)
{
    struct gnttab_swap_grant_ref op;

    for (uint32_t i = 0; i < count; i++) {
        if (i && preempt_check())
            return again(GNTTABOP_swap_grant_ref, array, sizeof(op), i, count);
        if (copy_elem_from_guest(&op, array, i, sizeof(op)))
            return -EFAULT;
        op.status = grant_swap(op.ref_a, op.ref_b);
        if (copy_elem_to_guest(array, i, &op, sizeof(op)))
            return -EFAULT;
    }
    return 0;
}

/* Transfers, and replacing a mapping by another: no kernel that we know needs them. Each element gets
 * its refusal. */
static long refuse(unsigned long cmd, guest_ptr_t array, uint32_t count, size_t size,
                   size_t status_offset)
{
    const int16_t status = GNTST_general_error;

    for (uint32_t i = 0; i < count; i++) {
        if (i && preempt_check())
            return again(cmd, array, size, i, count);
        if (copy_to_guest(guest_ptr(array.va + (uint64_t)i * size + status_offset), &status,
                          sizeof(status)))
            return -EFAULT;
    }
    return 0;
}

HYPERCALL(hc_grant_table_op)
{
    guest_ptr_t arg = guest_ptr(a2);
    uint32_t count = (uint32_t)a3;

    if ((int32_t)count < 0)
        return -EINVAL;
    switch ((uint32_t)a1) {
    case GNTTABOP_map_grant_ref: return do_map(arg, count);
    case GNTTABOP_unmap_grant_ref: return do_unmap(arg, count);
    case GNTTABOP_copy: return do_copy(arg, count);
    case GNTTABOP_setup_table: return count == 1 ? do_setup_table(arg) : -EINVAL;
    case GNTTABOP_query_size: return count == 1 ? do_query_size(arg) : -EINVAL;
    case GNTTABOP_set_version: return count == 1 ? do_set_version(arg) : -EINVAL;
    case GNTTABOP_get_version: return count == 1 ? do_get_version(arg) : -EINVAL;
    case GNTTABOP_get_status_frames: return count == 1 ? do_get_status_frames(arg) : -EINVAL;
    case GNTTABOP_swap_grant_ref: return do_swap(arg, count);
    case GNTTABOP_transfer:
        return refuse(a1, arg, count, sizeof(struct gnttab_transfer),
                      offsetof(struct gnttab_transfer, status));
    case GNTTABOP_unmap_and_replace:
        return refuse(a1, arg, count, sizeof(struct gnttab_unmap_and_replace),
                      offsetof(struct gnttab_unmap_and_replace, status));
    case GNTTABOP_cache_flush: return -EOPNOTSUPP;
    default: return hypercall_enosys("grant_table_op", a1);
    }
}
