/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xen_version(cmd, arg) and vm_assist(cmd, type) */
#include "hypercalls/hypercall.h"
#include "hypercalls/abi/version.h"
#include "boot/cmdline.h"
#include "pv/context.h"

/* The version whose interfaces we speak: Debian's tools choose their directory by it. */
#define VERSION       (4u << 16 | 17)
#define EXTRAVERSION  ".0-hospes"
#define CAPABILITIES  "xen-3.0-x86_64 "
#define CHANGESET     "unavailable"
#define COMPILER_NAME "cc " __VERSION__

/* text into the caller's array, padded with zeros to its whole size. */
static long put_text(guest_ptr_t arg, const char *text, size_t size)
{
    size_t len = strnlen(text, size - 1);

    if (copy_to_guest(arg, text, len))
        return -EFAULT;
    return clear_guest(guest_ptr(arg.va + len), size - len);
}

static long do_compile_info(guest_ptr_t arg)
{
    struct xen_compile_info info;

    memset(&info, 0, sizeof(info));
    hv_strlcpy(info.compiler, COMPILER_NAME, sizeof(info.compiler));
    hv_strlcpy(info.compile_by, "hospes", sizeof(info.compile_by));
    hv_strlcpy(info.compile_domain, "localdomain", sizeof(info.compile_domain));
    /* Not the true date: equal sources shall give equal images. */
    hv_strlcpy(info.compile_date, "unknown", sizeof(info.compile_date));
    return copy_struct_to_guest(arg, &info);
}

static long do_get_features(guest_ptr_t arg)
{
    struct xen_feature_info fi;

    if (copy_struct_from_guest(&fi, arg))
        return -EFAULT;
    if (fi.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -EINVAL;
    fi.submap = 1u << XENFEAT_pae_pgdir_above_4gb | 1u << XENFEAT_mmu_pt_update_preserve_ad |
                1u << XENFEAT_highmem_assist | 1u << XENFEAT_gnttab_map_avail_bits |
                1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_direct_mapped;
    if (current->domain->privileged)
        fi.submap |= 1u << XENFEAT_dom0;
    return copy_struct_to_guest(arg, &fi);
}

static long do_platform_parameters(guest_ptr_t arg)
{
    struct xen_platform_parameters p = {.virt_start = HYPERVISOR_VIRT_START};

    return copy_struct_to_guest(arg, &p);
}

/* Apart, so that the one that guests call all day (it makes pending events come in) need not make room for the
 * variables of the others. */
static __attribute__((noinline)) long do_other(uint32_t cmd, guest_ptr_t arg)
{
    const struct domain *d = current->domain;

    switch (cmd) {
    case XENVER_extraversion: return put_text(arg, EXTRAVERSION, XEN_EXTRAVERSION_LEN);
    case XENVER_compile_info: return do_compile_info(arg);
    case XENVER_capabilities: return put_text(arg, CAPABILITIES, XEN_CAPABILITIES_INFO_LEN);
    case XENVER_changeset: return put_text(arg, CHANGESET, XEN_CHANGESET_INFO_LEN);
    case XENVER_platform_parameters: return do_platform_parameters(arg);
    case XENVER_get_features: return do_get_features(arg);
    case XENVER_pagesize: return guest_ptr_null(arg) ? (long)PAGE_SIZE : -EINVAL;
    case XENVER_guest_handle: return copy_to_guest(arg, d->handle, sizeof(d->handle));
    case XENVER_commandline:
        return put_text(arg, d->privileged ? saved_cmdline : "<denied>", sizeof(xen_commandline_t));
    /* The image carries no build id. */
    case XENVER_build_id: return d->privileged ? -ENODATA : -EPERM;
    default: return -ENOSYS;
    }
}

HYPERCALL(hc_xen_version)
{
    return (uint32_t)a1 == XENVER_version ? (long)VERSION : do_other((uint32_t)a1, guest_ptr(a2));
}

HYPERCALL(hc_vm_assist)
{
    struct domain *d = current->domain;
    uint64_t bit;

    if ((uint32_t)a2 >= 64 || !((PV_VM_ASSISTS >> (uint32_t)a2) & 1))
        return -EINVAL;
    bit = 1ull << (uint32_t)a2;
    switch ((uint32_t)a1) {
    case VMASST_CMD_enable: atomic_or(&d->vm_assist, bit); return 0;
    case VMASST_CMD_disable: atomic_and(&d->vm_assist, ~bit); return 0;
    default: return -ENOSYS;
    }
}
