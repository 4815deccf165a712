/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * platform_op(op): the host's firmware, clock, power and CPUs, for Domain 0 alone (table.h says
 * so). The answer goes back over the request.
 */
#include "hypercalls/hypercall.h"
#include "hypercalls/abi/platform.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/efi_info.h"
#include "x86/reboot.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/traps.h"

#define NSEC_PER_SEC  1000000000u
#define ACPI_STATE_S5 5u
#define SECONDS_LIMIT (1ull << 33) /* the year 2242: what lies beyond is nonsense, not a date */

static long set_time(uint64_t sec, uint32_t nsec, uint64_t system_time)
{
    if (nsec >= NSEC_PER_SEC || sec >= SECONDS_LIMIT)
        return -EINVAL;
    wallclock_set(sec, nsec, system_time);
    return 0;
}

static long op_settime64(const struct xenpf_settime64 *t)
{
    return t->mbz ? -EINVAL : set_time(t->secs, t->nsecs, t->system_time);
}

/* --- Firmware --- */

static long efi_vendor(struct xenpf_firmware_info *fw, const struct efi_info *efi)
{
    uint32_t room = fw->u.efi_info.vendor.bufsz / 2;
    uint32_t n = 0;

    fw->u.efi_info.vendor.revision = efi->vendor_revision;
    while (n < ARRAY_SIZE(efi->vendor) - 1 && efi->vendor[n])
        n++;
    n = MIN(n + 1, room);
    return n ? copy_to_guest(guest_ptr_of(fw->u.efi_info.vendor.name), efi->vendor, n * 2) : 0;
}

static long efi_info(struct xenpf_firmware_info *fw)
{
    struct efi_info efi;

    if (!efi_info_get(&efi))
        return -ENOSYS;
    switch (fw->index) {
    case XEN_FW_EFI_VERSION: fw->u.efi_info.version = efi.version; return 0;
    case XEN_FW_EFI_RT_VERSION: return -EOPNOTSUPP; /* its services are not called */
    case XEN_FW_EFI_CONFIG_TABLE:
        fw->u.efi_info.cfg.addr = efi.config_table;
        fw->u.efi_info.cfg.nent = efi.nr_config;
        return 0;
    case XEN_FW_EFI_VENDOR: return efi_vendor(fw, &efi);
    case XEN_FW_EFI_MEM_INFO:
    case XEN_FW_EFI_PCI_ROM:
    case XEN_FW_EFI_APPLE_PROPERTIES: return -ESRCH;
    default: return -EINVAL;
    }
}

static long op_firmware_info(struct xenpf_firmware_info *fw)
{
    switch (fw->type) {
    case XEN_FW_DISK_INFO: /* the BIOS is not asked about disks and displays: the list is empty */
    case XEN_FW_DISK_MBR_SIGNATURE:
    case XEN_FW_VBEDDC_INFO: return -ESRCH;
    case XEN_FW_EFI_INFO: return efi_info(fw);
    case XEN_FW_KBD_SHIFT_FLAGS:
        if (fw->index)
            return -ESRCH;
        fw->u.kbd_shift_flags = bios_shift_flags();
        return 0;
    default: return -EINVAL;
    }
}

/* --- Power --- */

static long op_enter_acpi_sleep(const struct xenpf_enter_acpi_sleep *s)
{
    if (s->flags & ~XENPF_ACPI_SLEEP_EXTENDED)
        return -EINVAL;
    if (s->sleep_state != ACPI_STATE_S5 || (s->flags & XENPF_ACPI_SLEEP_EXTENDED))
        return -EOPNOTSUPP;
    return machine_power_off(s->val_a, s->val_b);
}

/* --- CPUs --- */

static long op_get_cpuinfo(struct xenpf_pcpuinfo *p)
{
    uint32_t cpu = p->xen_cpuid;

    p->max_present = nr_cpus_present - 1;
    if (cpu >= nr_cpus_present) {
        p->flags = XEN_PCPU_FLAGS_INVALID;
        p->apic_id = p->acpi_id = ~0u;
        return 0;
    }
    cpu = (uint32_t)index_nospec(cpu, MAX_CPUS);
    p->flags = cpumask_test(cpu_online_map, cpu) ? XEN_PCPU_FLAGS_ONLINE : 0;
    p->apic_id = cpu_apic_id[cpu];
    p->acpi_id = cpu_acpi_id[cpu];
    return 0;
}

/* CPUs neither come nor go while the host runs. */
static long op_cpu_online(const struct xenpf_cpu_ol *c, bool online)
{
    if (c->cpuid >= nr_cpus_present)
        return -EINVAL;
    bool is = cpumask_test(cpu_online_map, (unsigned int)index_nospec(c->cpuid, MAX_CPUS));
    return is == online ? 0 : -EOPNOTSUPP;
}

/* The hypervisor's symbols, one at a time, for /proc/xen/xensyms. */
static long op_get_symbol(struct xenpf_symdata *s)
{
    const char *name;

    if (!symbol_nth(s->symnum, &s->address, &name)) {
        s->namelen = 0; /* symnum unchanged: the end */
        return 0;
    }
    uint32_t room = s->namelen, len = (uint32_t)strlen(name);
    s->namelen = len;
    s->symnum++;
    s->type = 't';
    uint32_t n = MIN(len + 1, room);
    return n ? copy_to_guest(guest_ptr_of(s->name), name, n) : 0;
}

static long dispatch(struct xen_platform_op *op)
{
    switch (op->cmd) {
    case XENPF_settime32:
        return set_time(op->u.settime32.secs, op->u.settime32.nsecs, op->u.settime32.system_time);
    case XENPF_settime64: return op_settime64(&op->u.settime64);
    case XENPF_firmware_info: return op_firmware_info(&op->u.firmware_info);
    case XENPF_enter_acpi_sleep: return op_enter_acpi_sleep(&op->u.enter_acpi_sleep);
    case XENPF_get_cpuinfo: return op_get_cpuinfo(&op->u.pcpu_info);
    case XENPF_cpu_online: return op_cpu_online(&op->u.cpu_ol, true);
    case XENPF_cpu_offline: return op_cpu_online(&op->u.cpu_ol, false);
    case XENPF_get_symbol: return op_get_symbol(&op->u.symdata);
    case XENPF_efi_runtime_call:
    case XENPF_set_processor_pminfo:
    default: return hypercall_enosys("platform_op", op->cmd);
    }
}

HYPERCALL(hc_platform_op)
{
    guest_ptr_t arg = guest_ptr(a1);
    struct xen_platform_op op;

    if (copy_struct_from_guest(&op, arg))
        return -EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -EACCES;
    long rc = dispatch(&op);
    if (!rc && copy_struct_to_guest(arg, &op))
        rc = -EFAULT;
    return rc;
}
