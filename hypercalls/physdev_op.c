/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * physdev_op(cmd, arg): interrupts, I/O rights and PCI devices. What touches the machine is for
 * Domain 0; a guest may ask about, and answer, its own pirqs, and set its own I/O privilege.
 */
#include "hypercalls/hypercall.h"
#include "hypercalls/abi/physdev.h"
#include "x86/cpu.h"
#include "x86/ioapic.h"
#include "x86/irq.h"
#include "x86/irq_desc.h"
#include "x86/msi.h"
#include "x86/pci.h"

#define MAX_IOPORTS 65536u

/* Fetch the argument into a local of type t. */
#define FETCH(t, name)                      \
    struct t name;                          \
    if (copy_struct_from_guest(&name, arg)) \
    return -EFAULT

/* --- Interrupts --- */

static long op_eoi(guest_ptr_t arg)
{
    FETCH(physdev_eoi, eoi);
    if (eoi.irq >= current->domain->nr_pirqs)
        return -EINVAL;
    pirq_guest_eoi(current->domain, eoi.irq);
    return 0;
}

static long op_pirq_eoi_gmfn(guest_ptr_t arg)
{
    FETCH(physdev_pirq_eoi_gmfn, info);
    return pirq_set_eoi_page(current->domain, info.gmfn);
}

static long op_irq_status_query(guest_ptr_t arg)
{
    FETCH(physdev_irq_status_query, q);
    int flags = pirq_status(current->domain, q.irq);
    if (flags < 0)
        return flags;
    q.flags = (uint32_t)flags;
    return copy_struct_to_guest(arg, &q);
}

static long decode_msi(const struct physdev_map_pirq *map, struct msi_request *req)
{
    bool segment = map->type == MAP_PIRQ_TYPE_MSI_SEG || map->type == MAP_PIRQ_TYPE_MULTI_MSI;

    *req = (struct msi_request){
        .at = {segment ? (uint16_t)((uint32_t)map->bus >> 16) : 0, (uint8_t)map->bus,
               (uint8_t)map->devfn},
        .msix = map->table_base != 0,
        .vectors = 1,
        .table_bar = map->table_base,
    };
    if (map->type == MAP_PIRQ_TYPE_MULTI_MSI) {
        if (map->table_base || map->entry_nr < 1 || map->entry_nr > 32)
            return -EDOM;
        while (req->vectors < (unsigned int)map->entry_nr)
            req->vectors *= 2;
    } else if (req->msix) {
        if (map->entry_nr < 0)
            return -EINVAL;
        req->entry = (unsigned int)map->entry_nr;
    }
    return 0;
}

/* Not named after its owner: LINT-type IRQs of a domain that Dom0 sets up are Dom0's to map. */
static long map_one(struct domain *d, struct physdev_map_pirq *map)
{
    struct msi_request req;
    long rc;

    switch (map->type) {
    case MAP_PIRQ_TYPE_GSI: rc = pirq_map_gsi(d, map->index, map->pirq); break;
    case MAP_PIRQ_TYPE_MSI:
    case MAP_PIRQ_TYPE_MSI_SEG:
    case MAP_PIRQ_TYPE_MULTI_MSI:
        rc = decode_msi(map, &req);
        if (!rc)
            rc = pirq_map_msi(d, &req, map->pirq);
        if (rc >= 0 && map->type == MAP_PIRQ_TYPE_MULTI_MSI)
            map->entry_nr = (int)req.vectors;
        break;
    default: return -EINVAL;
    }
    if (rc < 0)
        return rc;
    map->pirq = (int)rc;
    return 0;
}

static long op_map_pirq(guest_ptr_t arg)
{
    FETCH(physdev_map_pirq, map);
    long rc;

    if (!current->domain->privileged)
        return -EPERM;
    struct domain *d = domain_get_controlled(map.domid, &rc);
    if (!d)
        return rc;
    rc = map_one(d, &map);
    if (!rc && copy_struct_to_guest(arg, &map)) {
        int count = map.type == MAP_PIRQ_TYPE_MULTI_MSI ? map.entry_nr : 1;
        for (int i = 0; i < count; i++)
            pirq_unmap(d, map.pirq + i);
        rc = -EFAULT;
    }
    domain_put(d);
    return rc;
}

static long op_unmap_pirq(guest_ptr_t arg)
{
    FETCH(physdev_unmap_pirq, unmap);
    long rc;

    if (!current->domain->privileged)
        return -EPERM;
    struct domain *d = domain_get_controlled(unmap.domid, &rc);
    if (!d)
        return rc;
    rc = pirq_unmap(d, unmap.pirq);
    domain_put(d);
    return rc;
}

static long op_setup_gsi(guest_ptr_t arg)
{
    FETCH(physdev_setup_gsi, gsi);
    if (gsi.gsi < 0)
        return -EINVAL;
    return irq_setup_gsi((unsigned int)gsi.gsi, gsi.triggering, gsi.polarity);
}

static long op_get_free_pirq(guest_ptr_t arg)
{
    FETCH(physdev_get_free_pirq, out);
    int pirq = pirq_find_free(current->domain);
    if (pirq < 0)
        return pirq;
    out.pirq = (uint32_t)pirq;
    return copy_struct_to_guest(arg, &out);
}

/* Vectors are ours alone, made when an IRQ is bound: any number will do, as in Xen. */
static long op_alloc_irq_vector(guest_ptr_t arg)
{
    FETCH(physdev_irq, irq);
    irq.vector = irq.irq;
    return copy_struct_to_guest(arg, &irq);
}

static long op_apic_read(guest_ptr_t arg)
{
    FETCH(physdev_apic, apic);
    int rc = ioapic_guest_read(apic.apic_physbase, apic.reg, &apic.value);
    return rc ? rc : copy_struct_to_guest(arg, &apic);
}

/* --- The caller's own I/O rights --- */

static long op_set_iopl(guest_ptr_t arg)
{
    FETCH(physdev_set_iopl, iopl);
    if (iopl.iopl > 3)
        return -EINVAL;
    current->pv.iopl = (uint8_t)iopl.iopl;
    return 0;
}

static long op_set_iobitmap(guest_ptr_t arg)
{
    FETCH(physdev_set_iobitmap, map);
    if (map.nr_ports > MAX_IOPORTS)
        return -EINVAL;
    current->pv.iobmp_va = guest_ptr_of(map.bitmap).va;
    current->pv.iobmp_limit = map.nr_ports;
    return 0;
}

/* --- PCI devices --- */

static long op_pci_device_add(guest_ptr_t arg)
{
    /* The optional array behind the fixed part holds the proximity, which is of no use here. */
    FETCH(physdev_pci_device_add, add);
    struct pci_address at = {add.seg, add.bus, add.devfn};
    struct pci_address physical = {add.seg, add.physfn.bus, add.physfn.devfn};
    return pci_device_add(at, add.flags & XEN_PCI_DEV_VIRTFN ? &physical : NULL);
}

static long op_manage_pci_add(guest_ptr_t arg)
{
    FETCH(physdev_manage_pci, dev);
    return pci_device_add((struct pci_address){0, dev.bus, dev.devfn}, NULL);
}

static long op_manage_pci_add_ext(guest_ptr_t arg)
{
    FETCH(physdev_manage_pci_ext, ext);
    struct pci_address physical = {0, ext.physfn.bus, ext.physfn.devfn};
    if (ext.is_extfn > 1 || ext.is_virtfn > 1)
        return -EINVAL;
    return pci_device_add((struct pci_address){0, ext.bus, ext.devfn},
                          ext.is_virtfn ? &physical : NULL);
}

static long op_manage_pci_remove(guest_ptr_t arg)
{
    FETCH(physdev_manage_pci, dev);
    return pci_device_remove((struct pci_address){0, dev.bus, dev.devfn});
}

static long op_restore_msi(guest_ptr_t arg)
{
    FETCH(physdev_restore_msi, dev);
    return msi_restore((struct pci_address){0, dev.bus, dev.devfn});
}

static long op_mmcfg_reserved(guest_ptr_t arg)
{
    FETCH(physdev_pci_mmcfg_reserved, info);
    if (!(info.flags & XEN_PCI_MMCFG_RESERVED))
        return 0; /* not reserved by the firmware: not to be used */
    return pci_mmcfg_add(info.address, info.segment, info.start_bus, info.end_bus);
}

static long op_pci_device(unsigned long cmd, guest_ptr_t arg)
{
    FETCH(physdev_pci_device, dev);
    struct pci_address at = {dev.seg, dev.bus, dev.devfn};

    switch (cmd) {
    case PHYSDEVOP_pci_device_remove: return pci_device_remove(at);
    case PHYSDEVOP_restore_msi_ext: return msi_restore(at);
    case PHYSDEVOP_prepare_msix: return msix_prepare(at, true);
    default: return msix_prepare(at, false);
    }
}

static long op_dbgp(guest_ptr_t arg)
{
    FETCH(physdev_dbgp_op, op);
    if (op.op != PHYSDEVOP_DBGP_RESET_PREPARE && op.op != PHYSDEVOP_DBGP_RESET_DONE)
        return -ENOSYS;
    return 0; /* our console is on no USB debug port: a reset disturbs nothing */
}

/* Sub-operations that reach the machine. */
static long privileged_op(unsigned long cmd, guest_ptr_t arg)
{
    if (!current->domain->privileged)
        return -EPERM;
    switch (cmd) {
    case PHYSDEVOP_apic_read: return op_apic_read(arg);
    case PHYSDEVOP_alloc_irq_vector: return op_alloc_irq_vector(arg);
    case PHYSDEVOP_setup_gsi: return op_setup_gsi(arg);
    case PHYSDEVOP_manage_pci_add: return op_manage_pci_add(arg);
    case PHYSDEVOP_manage_pci_add_ext: return op_manage_pci_add_ext(arg);
    case PHYSDEVOP_manage_pci_remove: return op_manage_pci_remove(arg);
    case PHYSDEVOP_pci_device_add: return op_pci_device_add(arg);
    case PHYSDEVOP_pci_device_remove:
    case PHYSDEVOP_restore_msi_ext:
    case PHYSDEVOP_prepare_msix:
    case PHYSDEVOP_release_msix: return op_pci_device(cmd, arg);
    case PHYSDEVOP_restore_msi: return op_restore_msi(arg);
    case PHYSDEVOP_pci_mmcfg_reserved: return op_mmcfg_reserved(arg);
    case PHYSDEVOP_dbgp_op: return op_dbgp(arg);
    default: return hypercall_enosys("physdev_op", cmd);
    }
}

HYPERCALL(hc_physdev_op)
{
    guest_ptr_t arg = guest_ptr(a2);

    switch ((int)a1) {
    case PHYSDEVOP_eoi: return op_eoi(arg);
    case PHYSDEVOP_pirq_eoi_gmfn_v2: return op_pirq_eoi_gmfn(arg);
    case PHYSDEVOP_irq_status_query: return op_irq_status_query(arg);
    case PHYSDEVOP_set_iopl: return op_set_iopl(arg);
    case PHYSDEVOP_set_iobitmap: return op_set_iobitmap(arg);
    case PHYSDEVOP_map_pirq: return op_map_pirq(arg);
    case PHYSDEVOP_unmap_pirq: return op_unmap_pirq(arg);
    case PHYSDEVOP_get_free_pirq: return op_get_free_pirq(arg);
    default: return privileged_op((unsigned int)a1, arg);
    }
}
