/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xen_version, vm_assist, console_io. */
#include "conformance.h"

static union {
    xen_extraversion_t extra;
    xen_compile_info_t compile;
    xen_capabilities_info_t caps;
    xen_changeset_info_t change;
    xen_platform_parameters_t params;
    struct xen_feature_info features;
    xen_commandline_t line;
    xen_build_id_t id;
    xen_domain_handle_t handle;
    char bytes[2048];
} u;

/* Number of the last byte that a call wrote into `u`, plus one. */
static size_t written(void)
{
    size_t n = sizeof(u);

    while (n > 0 && u.bytes[n - 1] == 0x55) {
        n--;
    }
    return n;
}

static long version(int cmd)
{
    memset(&u, 0x55, sizeof(u));
    return hv_xen_version(cmd, &u);
}

static long features(unsigned int index)
{
    u.features.submap_idx = index;
    return hv_xen_version(XENVER_get_features, &u);
}

void conform_version(void)
{
    conform_family("xen_version");
    ROW("version", 4 << 16 | 17, hv_xen_version(XENVER_version, NULL));
    ROW("version/argument-ignored", 4 << 16 | 17,
        hv_xen_version(XENVER_version, (void *)NO_ADDRESS));
    ROW("extraversion", 0, version(XENVER_extraversion));
    ROW("extraversion/size", 16, written());
    ROW("extraversion/ends-with-0", 0, u.extra[15]);
    ROW("compile_info", 0, version(XENVER_compile_info));
    ROW("compile_info/size", 144, written());
    ROW("capabilities", 0, version(XENVER_capabilities));
    ROW("capabilities/size", 1024, written());
    ROW("capabilities/pv64", 0, strncmp(u.caps, "xen-3.0-x86_64 ", 15));
    ROW("changeset", 0, version(XENVER_changeset));
    ROW("changeset/size", 64, written());
    ROW("platform_parameters", 0, version(XENVER_platform_parameters));
    ROW("platform_parameters/size", 8, written());
    ROW("platform_parameters/virt_start", 0xffff800000000000UL, u.params.virt_start);
    ROW("get_features", 0, features(0));
    ROW("get_features/writable_page_tables", 0,
        u.features.submap >> XENFEAT_writable_page_tables & 1);
    ROW("get_features/auto_translated", 0,
        u.features.submap >> XENFEAT_auto_translated_physmap & 1);
    ROW("get_features/preserve_ad", 1, u.features.submap >> XENFEAT_mmu_pt_update_preserve_ad & 1);
    ROW("get_features/gnttab_map_avail_bits", 1,
        u.features.submap >> XENFEAT_gnttab_map_avail_bits & 1);
    ROW("get_features/dom0", 1, u.features.submap >> XENFEAT_dom0 & 1);
    ROW("get_features/memory_op_vnode", 1,
        u.features.submap >> XENFEAT_memory_op_vnode_supported & 1);
    ROW("get_features/all", 0x228f0, features(0) ? 0 : u.features.submap);
    ROW("get_features/submap-1", -XEN_EINVAL, features(1));
    ROW("get_features/submap-max", -XEN_EINVAL, features(~0U));
    ROW("pagesize", 4096, hv_xen_version(XENVER_pagesize, NULL));
    ROW("pagesize/argument", -XEN_EINVAL, hv_xen_version(XENVER_pagesize, &u));
    ROW("guest_handle", 0, version(XENVER_guest_handle));
    ROW("guest_handle/size", 16, written());
    ROW("commandline", 0, version(XENVER_commandline));
    ROW("commandline/size", 1024, written());
    ROW("commandline/has-console", 1,
        strncmp(u.line, "console=com1 ", 13) == 0 || strncmp(u.line, "placeholder", 11) == 0);
    ROW("build_id/length-only", -XEN_ENODATA, hv_xen_version(XENVER_build_id, NULL));
    u.id.len = 64;
    ROW("build_id", -XEN_ENODATA, hv_xen_version(XENVER_build_id, &u));
    u.id.len = 4;
    ROW("build_id/short", -XEN_ENODATA, hv_xen_version(XENVER_build_id, &u));
    u.id.len = 0;
    ROW("build_id/zero", -XEN_ENODATA, hv_xen_version(XENVER_build_id, &u));
    ROW("11", -XEN_ENOSYS, version(11));
    ROW("1000", -XEN_ENOSYS, version(1000));
    ROW("minus-1", -XEN_ENOSYS, version(-1));
    POINTERS("extraversion", -XEN_EFAULT, p, hv_xen_version(XENVER_extraversion, p));
    POINTERS("compile_info", -XEN_EFAULT, p, hv_xen_version(XENVER_compile_info, p));
    POINTERS("capabilities", -XEN_EFAULT, p, hv_xen_version(XENVER_capabilities, p));
    POINTERS("changeset", -XEN_EFAULT, p, hv_xen_version(XENVER_changeset, p));
    POINTERS("platform_parameters", -XEN_EFAULT, p, hv_xen_version(XENVER_platform_parameters, p));
    POINTERS("get_features", -XEN_EFAULT, p, hv_xen_version(XENVER_get_features, p));
    POINTERS("guest_handle", -XEN_EFAULT, p, hv_xen_version(XENVER_guest_handle, p));
    POINTERS("commandline", -XEN_EFAULT, p, hv_xen_version(XENVER_commandline, p));
    memset(&u, 0, sizeof(u));
    READONLY("extraversion", -XEN_EFAULT, p, u, hv_xen_version(XENVER_extraversion, p));
    READONLY("capabilities", -XEN_EFAULT, p, u, hv_xen_version(XENVER_capabilities, p));
    READONLY("get_features", -XEN_EFAULT, p, u, hv_xen_version(XENVER_get_features, p));
    READONLY("commandline", -XEN_EFAULT, p, u, hv_xen_version(XENVER_commandline, p));

    conform_family("vm_assist");
    static const struct {
        const char *name;
        unsigned int type;
        long rc;
    } types[] = {
        {"4gb_segments", 0, 0},     {"4gb_segments_notify", 1, 0}, {"writable_pagetables", 2, 0},
        {"pae_extended_cr3", 3, 0}, {"architectural_iopl", 4, 0},  {"runstate_update_flag", 5, 0},
        {"6", 6, -XEN_EINVAL},      {"31", 31, -XEN_EINVAL},       {"m2p_strict", 32, 0},
        {"33", 33, -XEN_EINVAL},    {"63", 63, -XEN_EINVAL},       {"64", 64, -XEN_EINVAL},
        {"max", ~0U, -XEN_EINVAL}};
    for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        conform_row("enable", types[i].name, types[i].rc,
                    hv_vm_assist(VMASST_CMD_enable, types[i].type));
        conform_row("disable", types[i].name, types[i].rc,
                    hv_vm_assist(VMASST_CMD_disable, types[i].type));
    }
    ROW("command-2", -XEN_ENOSYS, hv_vm_assist(2, 2));
    ROW("command-max", -XEN_ENOSYS, hv_vm_assist(~0U, 2));
}

void conform_console(void)
{
    static char text[] = "# console_io row\n";
    char back[8] = {0};

    conform_family("console_io");
    ROW("write", 0, hv_console_io(CONSOLEIO_write, sizeof(text) - 1, text));
    ROW("write/nothing", 0, hv_console_io(CONSOLEIO_write, 0, text));
    ROW("write/nothing-nowhere", 0, hv_console_io(CONSOLEIO_write, 0, (char *)NO_ADDRESS));
    ROW("write/count-max", -XEN_EFAULT, hv_console_io(CONSOLEIO_write, ~0U, (char *)NO_ADDRESS));
    ROW("read", 0, hv_console_io(CONSOLEIO_read, sizeof(back), back));
    ROW("read/nothing", 0, hv_console_io(CONSOLEIO_read, 0, back));
    ROW("read/nowhere-without-input", 0, hv_console_io(CONSOLEIO_read, 1, (char *)NO_ADDRESS));
    ROW("read/count-negative", -XEN_E2BIG, hv_console_io(CONSOLEIO_read, 1U << 31, back));
    ROW("2", -XEN_ENOSYS, hv_console_io(2, 0, back));
    ROW("minus-1", -XEN_ENOSYS, hv_console_io(-1, 0, back));
    POINTERS("write", -XEN_EFAULT, p, hv_console_io(CONSOLEIO_write, 8, p));
}
