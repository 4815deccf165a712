/* SPDX-License-Identifier: GPL-2.0-or-later */
/* platform_op: Domain 0 on behalf of the machine. What would switch it off is asked wrongly only. */
#include "conformance.h"
#include "kit/time.h"
#include "hypercalls/abi/platform.h"

static struct xen_platform_op op;

static long call(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XENPF_INTERFACE_VERSION;
    return hv_platform_op(&op);
}

static void clear(void)
{
    memset(&op, 0, sizeof(op));
}

static void clock(void)
{
    uint32_t seconds = kit_shared->wc_sec;

    clear();
    op.u.settime64 =
        (struct xenpf_settime64){.secs = 1700000000, .nsecs = 1000, .system_time = time_now()};
    ROW("settime64", 0, call(XENPF_settime64));
    ROW("settime64/effect", 1,
        kit_shared->wc_sec <= 1700000000 && kit_shared->wc_sec >= 1700000000 - 600);
    op.u.settime64.mbz = 1;
    ROW("settime64/padding", -XEN_EINVAL, call(XENPF_settime64));
    op.u.settime64.mbz = 0;
    op.u.settime64.nsecs = 1000000000;
    ROW("settime64/nsecs-10^9", -XEN_EINVAL, call(XENPF_settime64));
    op.u.settime64.nsecs = ~0U;
    ROW("settime64/nsecs-max", -XEN_EINVAL, call(XENPF_settime64));
    clear();
    op.u.settime32 = (struct xenpf_settime32){.secs = seconds, .nsecs = 0, .system_time = 0};
    ROW("settime32", 0, call(XENPF_settime32));
    op.u.settime32.nsecs = 1000000000;
    ROW("settime32/nsecs-10^9", -XEN_EINVAL, call(XENPF_settime32));
}

static long firmware(uint32_t type, uint32_t index)
{
    clear();
    op.u.firmware_info.type = type;
    op.u.firmware_info.index = index;
    return call(XENPF_firmware_info);
}

static long pcpu(uint32_t cpu)
{
    clear();
    op.u.pcpu_info.xen_cpuid = cpu;
    return call(XENPF_get_cpuinfo);
}

static void host(void)
{
    static char name[128];

    ROW("firmware_info/disk-past-the-last", -XEN_ESRCH, firmware(XEN_FW_DISK_INFO, 100));
    ROW("firmware_info/mbr-past-the-last", -XEN_ESRCH, firmware(XEN_FW_DISK_MBR_SIGNATURE, 100));
    ROW("firmware_info/vbe-past-the-last", -XEN_ESRCH, firmware(XEN_FW_VBEDDC_INFO, 1));
    ROW("firmware_info/kbd", 0, firmware(XEN_FW_KBD_SHIFT_FLAGS, 0));
    ROW("firmware_info/kbd-1", -XEN_ESRCH, firmware(XEN_FW_KBD_SHIFT_FLAGS, 1));
    ROW("firmware_info/efi-on-bios", -XEN_ENOSYS, firmware(XEN_FW_EFI_INFO, XEN_FW_EFI_VERSION));
    ROW("firmware_info/type-0", -XEN_EINVAL, firmware(0, 0));
    ROW("firmware_info/type-6", -XEN_EINVAL, firmware(6, 0));
    ROW("firmware_info/type-max", -XEN_EINVAL, firmware(~0U, 0));
    clear();
    op.u.efi_runtime_call.function = XEN_EFI_get_time;
    ROW("efi_runtime_call/on-bios", -XEN_ENOSYS, call(XENPF_efi_runtime_call));

    ROW("get_cpuinfo", 0, pcpu(0));
    ROW("get_cpuinfo/online", XEN_PCPU_FLAGS_ONLINE, op.u.pcpu_info.flags);
    ROW("get_cpuinfo/max_present", 1, op.u.pcpu_info.max_present);
    ROW("get_cpuinfo/1", 0, pcpu(1));
    ROW("get_cpuinfo/1/apic", 1, op.u.pcpu_info.apic_id);
    ROW("get_cpuinfo/1/acpi", 1, op.u.pcpu_info.acpi_id);
    ROW("get_cpuinfo/beyond", 0, pcpu(2));
    ROW("get_cpuinfo/beyond/invalid", XEN_PCPU_FLAGS_INVALID, op.u.pcpu_info.flags);
    ROW("get_cpuinfo/max", 0, pcpu(~0U));
    ROW("get_cpuinfo/max/invalid", XEN_PCPU_FLAGS_INVALID, op.u.pcpu_info.flags);
    clear();
    op.u.pcpu_version.xen_cpuid = 0;
    ROW("get_cpu_version", -XEN_ENOSYS, call(XENPF_get_cpu_version));
    op.u.pcpu_version.xen_cpuid = 2;
    ROW("get_cpu_version/beyond", -XEN_ENOSYS, call(XENPF_get_cpu_version));
    clear();
    op.u.cpu_ol.cpuid = 1;
    ROW("cpu_online/is-already", 0, call(XENPF_cpu_online));
    op.u.cpu_ol.cpuid = 2;
    ROW("cpu_online/beyond", -XEN_EINVAL, call(XENPF_cpu_online));
    ROW("cpu_offline/beyond", -XEN_EINVAL, call(XENPF_cpu_offline));
    op.u.cpu_ol.cpuid = 0;
    ROW("cpu_offline/boot-cpu", -XEN_EOPNOTSUPP, call(XENPF_cpu_offline));
    clear();
    op.u.enter_acpi_sleep.flags = 2;
    ROW("enter_acpi_sleep/flags", -XEN_EINVAL, call(XENPF_enter_acpi_sleep));
    clear();
    op.u.symdata.namelen = sizeof(name);
    op.u.symdata.name.p = name;
    ROW("get_symbol/first", 0, call(XENPF_get_symbol));
    ROW("get_symbol/first/next", 1, op.u.symdata.symnum);
    ROW("get_symbol/first/length", 1, op.u.symdata.namelen > 0 && op.u.symdata.namelen < 128);
    op.u.symdata.symnum = 1U << 30;
    ROW("get_symbol/beyond", 0, call(XENPF_get_symbol));
    clear();
    op.u.set_pminfo.type = 99;
    ROW("set_processor_pminfo/type-99", -XEN_ENOSYS, call(XENPF_set_processor_pminfo));
    clear();
    ROW("getidletime", -XEN_ENOSYS, call(XENPF_getidletime));
    clear();
    ROW("microcode_update/nothing", -XEN_ENOSYS, call(XENPF_microcode_update));
    clear();
    op.u.read_memtype.reg = 1000;
    ROW("read_memtype/beyond", -XEN_ENOSYS, call(XENPF_read_memtype));
    clear();
    op.u.platform_quirk.quirk_id = 99;
    ROW("platform_quirk/99", -XEN_ENOSYS, call(XENPF_platform_quirk));
    clear();
    op.u.core_parking.type = XEN_CORE_PARKING_GET;
    ROW("core_parking/get", -XEN_ENOSYS, call(XENPF_core_parking));
    op.u.core_parking.type = 99;
    ROW("core_parking/99", -XEN_ENOSYS, call(XENPF_core_parking));
    clear();
    ROW("resource_op/nothing", -XEN_ENOSYS, call(XENPF_resource_op));
    op.u.resource_op.nr_entries = 1000;
    ROW("resource_op/1000", -XEN_ENOSYS, call(XENPF_resource_op));
    clear();
    op.u.cpu_add.apic_id = 1000000;
    ROW("cpu_hotadd/apic-beyond", -XEN_ENOSYS, call(XENPF_cpu_hotadd));
    clear();
    op.u.mem_add.spfn = 1;
    ROW("mem_hotadd/empty", -XEN_ENOSYS, call(XENPF_mem_hotadd));
    clear();
    ROW("change_freq/nothing", -XEN_ENOSYS, call(XENPF_change_freq));
    static const uint32_t unknown[] = {0, 1, 16, 18, 64, 65, 66, 1000, ~0U};
    for (unsigned int i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        char key[16];
        clear();
        ksnprintf(key, sizeof(key), "%d", (int)unknown[i]);
        ROW(key, -XEN_ENOSYS, call(unknown[i]));
    }
}

void conform_platform(void)
{
    conform_family("platform_op");
    clear();
    op.cmd = XENPF_get_cpuinfo;
    ROW("version-0", -XEN_EACCES, hv_platform_op(&op));
    op.interface_version = XENPF_INTERFACE_VERSION - 1;
    ROW("version-older", -XEN_EACCES, hv_platform_op(&op));
    op.interface_version = XENPF_INTERFACE_VERSION + 1;
    ROW("version-newer", -XEN_EACCES, hv_platform_op(&op));
    POINTERS("any", -XEN_EFAULT, p, hv_platform_op(p));
    op.interface_version = XENPF_INTERFACE_VERSION;
    READONLY("get_cpuinfo", -XEN_EFAULT, p, op, hv_platform_op(p));
    clock();
    host();
}
