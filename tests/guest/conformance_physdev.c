/* SPDX-License-Identifier: GPL-2.0-or-later */
/* physdev_op. */
#include "conformance.h"
#include "kit/domains.h"

static domid_t other;

static long eoi(uint32_t irq)
{
    struct physdev_eoi op = {.irq = irq};

    return hv_physdev_op(PHYSDEVOP_eoi, &op);
}

static struct physdev_irq_status_query query;

static long status(uint32_t irq)
{
    query = (struct physdev_irq_status_query){.irq = irq, .flags = ~0U};
    return hv_physdev_op(PHYSDEVOP_irq_status_query, &query);
}

static struct physdev_map_pirq m;

static long map(domid_t dom, int type, int index, int pirq)
{
    m = (struct physdev_map_pirq){.domid = dom, .type = type, .index = index, .pirq = pirq};
    return hv_physdev_op(PHYSDEVOP_map_pirq, &m);
}

static long unmap(domid_t dom, int pirq)
{
    struct physdev_unmap_pirq op = {.domid = dom, .pirq = pirq};

    return hv_physdev_op(PHYSDEVOP_unmap_pirq, &op);
}

static long gsi(int nr, uint8_t level, uint8_t low)
{
    struct physdev_setup_gsi op = {.gsi = nr, .triggering = level, .polarity = low};

    return hv_physdev_op(PHYSDEVOP_setup_gsi, &op);
}

static void interrupts(void)
{
    ROW("setup_gsi/edge", -XEN_EEXIST, gsi(4, 0, 0));
    ROW("setup_gsi/level", 0, gsi(20, 1, 1));
    ROW("setup_gsi/again", -XEN_EEXIST, gsi(20, 1, 1));
    ROW("setup_gsi/minus-1", -XEN_EINVAL, gsi(-1, 0, 0));
    ROW("setup_gsi/24", -XEN_EINVAL, gsi(24, 1, 1));
    ROW("setup_gsi/max", -XEN_EINVAL, gsi(0x7fffffff, 1, 1));
    ROW("map_pirq/gsi", 0, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 20, 20));
    ROW("map_pirq/gsi/pirq", 20, m.pirq);
    ROW("map_pirq/gsi/again", 0, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 20, 20));
    ROW("map_pirq/gsi/any", 0, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 20, -1));
    ROW("map_pirq/gsi/any/the-same", 20, m.pirq);
    ROW("map_pirq/gsi-24", -XEN_EINVAL, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 24, 24));
    ROW("map_pirq/gsi-minus-1", -XEN_EINVAL, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, -1, 5));
    ROW("map_pirq/gsi-max", -XEN_EINVAL, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 0x7fffffff, 5));
    ROW("map_pirq/pirq-beyond", -XEN_EINVAL, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 21, 0x7fffffff));
    ROW("map_pirq/unknown-type", -XEN_EINVAL, map(DOMID_SELF, MAP_PIRQ_TYPE_UNKNOWN, 21, 21));
    ROW("map_pirq/type-5", -XEN_EINVAL, map(DOMID_SELF, 5, 21, 21));
    ROW("map_pirq/type-minus-1", -XEN_EINVAL, map(DOMID_SELF, -1, 21, 21));
    ROW("map_pirq/nobody", -XEN_ESRCH, map(NOBODY, MAP_PIRQ_TYPE_GSI, 21, 21));
    ROW("map_pirq/system", -XEN_ESRCH, map(DOMID_XEN, MAP_PIRQ_TYPE_GSI, 21, 21));
    m.domid = DOMID_SELF;
    m.type = MAP_PIRQ_TYPE_MULTI_MSI;
    m.entry_nr = 0;
    ROW("map_pirq/multi-msi-of-0", -XEN_EDOM, hv_physdev_op(PHYSDEVOP_map_pirq, &m));
    m.entry_nr = 33;
    ROW("map_pirq/multi-msi-of-33", -XEN_EDOM, hv_physdev_op(PHYSDEVOP_map_pirq, &m));
    m.type = MAP_PIRQ_TYPE_MSI_SEG;
    m.bus = 0xffff << 16 | 0xff;
    m.devfn = 0xff;
    m.entry_nr = 0;
    m.pirq = -1;
    ROW("map_pirq/msi-of-no-device", -XEN_ENODEV, hv_physdev_op(PHYSDEVOP_map_pirq, &m));
    POINTERS("map_pirq", -XEN_EFAULT, p, hv_physdev_op(PHYSDEVOP_map_pirq, p));

    ROW("irq_status_query", 0, status(20));
    ROW("irq_status_query/needs-eoi", XENIRQSTAT_needs_eoi, query.flags & XENIRQSTAT_needs_eoi);
    ROW("irq_status_query/minus-1", -XEN_EINVAL, status(~0U));
    ROW("irq_status_query/beyond", -XEN_EINVAL, status(100000));
    POINTERS("irq_status_query", -XEN_EFAULT, p, hv_physdev_op(PHYSDEVOP_irq_status_query, p));
    query.irq = 20;
    READONLY("irq_status_query", -XEN_EFAULT, p, query,
             hv_physdev_op(PHYSDEVOP_irq_status_query, p));
    ROW("eoi", 0, eoi(20));
    ROW("eoi/not-bound", 0, eoi(21));
    ROW("eoi/beyond", -XEN_EINVAL, eoi(100000));
    ROW("eoi/max", -XEN_EINVAL, eoi(~0U));
    POINTERS("eoi", -XEN_EFAULT, p, hv_physdev_op(PHYSDEVOP_eoi, p));

    ROW("unmap_pirq", 0, unmap(DOMID_SELF, 20));
    ROW("unmap_pirq/again", -XEN_EINVAL, unmap(DOMID_SELF, 20));
    ROW("unmap_pirq/minus-1", -XEN_EINVAL, unmap(DOMID_SELF, -1));
    ROW("unmap_pirq/max", -XEN_EINVAL, unmap(DOMID_SELF, 0x7fffffff));
    ROW("unmap_pirq/nobody", -XEN_ESRCH, unmap(NOBODY, 20));
    ROW("unmap_pirq/other-has-none", -XEN_EINVAL, unmap(other, 20));
    POINTERS("unmap_pirq", -XEN_EFAULT, p, hv_physdev_op(PHYSDEVOP_unmap_pirq, p));

    struct physdev_get_free_pirq free = {.type = MAP_PIRQ_TYPE_MSI};
    ROW("get_free_pirq", 0, hv_physdev_op(PHYSDEVOP_get_free_pirq, &free));
    ROW("get_free_pirq/above-the-gsis", 1, free.pirq >= 16);
    POINTERS("get_free_pirq", -XEN_EFAULT, p, hv_physdev_op(PHYSDEVOP_get_free_pirq, p));

    struct physdev_irq irq = {.irq = 21};
    ROW("alloc_irq_vector", 0, hv_physdev_op(PHYSDEVOP_alloc_irq_vector, &irq));
    ROW("alloc_irq_vector/vector", 21, irq.vector);
    POINTERS("alloc_irq_vector", -XEN_EFAULT, p, hv_physdev_op(PHYSDEVOP_alloc_irq_vector, p));

    struct physdev_apic apic = {.apic_physbase = 0xfec00000, .reg = 1};
    ROW("apic_read", 0, hv_physdev_op(PHYSDEVOP_apic_read, &apic));
    ROW("apic_read/version", 0x170020, apic.value);
    apic.apic_physbase = 0xdead000;
    ROW("apic_read/no-such-apic", -XEN_EINVAL, hv_physdev_op(PHYSDEVOP_apic_read, &apic));
    ROW("apic_write/no-such-apic", -XEN_ENOSYS, hv_physdev_op(PHYSDEVOP_apic_write, &apic));
    POINTERS("apic_read", -XEN_EFAULT, p, hv_physdev_op(PHYSDEVOP_apic_read, p));
}

static long iopl(uint32_t level)
{
    struct physdev_set_iopl op = {.iopl = level};

    return hv_physdev_op(PHYSDEVOP_set_iopl, &op);
}

static long bitmap(uint32_t ports)
{
    static uint8_t bits[8192];
    struct physdev_set_iobitmap op = {.nr_ports = ports};

    op.bitmap.p = bits;
    return hv_physdev_op(PHYSDEVOP_set_iobitmap, &op);
}

static void rights(void)
{
    for (uint32_t i = 0; i < 4; i++) {
        char key[16];
        ksnprintf(key, sizeof(key), "set_iopl/%u", i);
        ROW(key, 0, iopl(i));
    }
    ROW("set_iopl/4", -XEN_EINVAL, iopl(4));
    ROW("set_iopl/max", -XEN_EINVAL, iopl(~0U));
    iopl(1);
    POINTERS("set_iopl", -XEN_EFAULT, p, hv_physdev_op(PHYSDEVOP_set_iopl, p));
    ROW("set_iobitmap/all", 0, bitmap(65536));
    ROW("set_iobitmap/65537", -XEN_EINVAL, bitmap(65537));
    ROW("set_iobitmap/max", -XEN_EINVAL, bitmap(~0U));
    ROW("set_iobitmap/none", 0, bitmap(0));
    POINTERS("set_iobitmap", -XEN_EFAULT, p, hv_physdev_op(PHYSDEVOP_set_iobitmap, p));
}

static void pci(void)
{
    static union {
        struct physdev_pci_device_add add;
        struct physdev_pci_device dev;
        struct physdev_manage_pci old;
        struct physdev_manage_pci_ext ext;
        struct physdev_pci_mmcfg_reserved mmcfg;
        struct physdev_dbgp_op dbgp;
        struct physdev_pirq_eoi_gmfn gmfn;
    } u;

    u.add = (struct physdev_pci_device_add){.bus = 0, .devfn = 8};
    ROW("pci_device_add", 0, hv_physdev_op(PHYSDEVOP_pci_device_add, &u));
    ROW("pci_device_add/again", 0, hv_physdev_op(PHYSDEVOP_pci_device_add, &u));
    u.dev = (struct physdev_pci_device){.bus = 0, .devfn = 8};
    ROW("pci_device_remove", 0, hv_physdev_op(PHYSDEVOP_pci_device_remove, &u));
    ROW("pci_device_remove/again", -XEN_ENODEV, hv_physdev_op(PHYSDEVOP_pci_device_remove, &u));
    ROW("restore_msi_ext/unknown", -XEN_ENODEV, hv_physdev_op(PHYSDEVOP_restore_msi_ext, &u));
    ROW("prepare_msix/unknown", -XEN_ENODEV, hv_physdev_op(PHYSDEVOP_prepare_msix, &u));
    ROW("release_msix/unknown", -XEN_ENODEV, hv_physdev_op(PHYSDEVOP_release_msix, &u));
    u.old = (struct physdev_manage_pci){.bus = 0, .devfn = 8};
    ROW("manage_pci_add", 0, hv_physdev_op(PHYSDEVOP_manage_pci_add, &u));
    ROW("restore_msi/no-msi", 0, hv_physdev_op(PHYSDEVOP_restore_msi, &u));
    ROW("manage_pci_remove", 0, hv_physdev_op(PHYSDEVOP_manage_pci_remove, &u));
    ROW("manage_pci_remove/again", -XEN_ENODEV, hv_physdev_op(PHYSDEVOP_manage_pci_remove, &u));
    ROW("restore_msi/unknown", -XEN_ENODEV, hv_physdev_op(PHYSDEVOP_restore_msi, &u));
    u.ext = (struct physdev_manage_pci_ext){.bus = 0, .devfn = 8};
    ROW("manage_pci_add_ext", 0, hv_physdev_op(PHYSDEVOP_manage_pci_add_ext, &u));
    u.ext.is_extfn = 2;
    ROW("manage_pci_add_ext/extfn-2", -XEN_EINVAL, hv_physdev_op(PHYSDEVOP_manage_pci_add_ext, &u));
    u.ext.is_extfn = 0;
    u.ext.is_virtfn = 2;
    ROW("manage_pci_add_ext/virtfn-2", -XEN_EINVAL,
        hv_physdev_op(PHYSDEVOP_manage_pci_add_ext, &u));
    u.mmcfg =
        (struct physdev_pci_mmcfg_reserved){.address = 0xb0000000, .end_bus = 255, .flags = 0};
    ROW("pci_mmcfg_reserved/unknown-area", 0, hv_physdev_op(PHYSDEVOP_pci_mmcfg_reserved, &u));
    u.dbgp = (struct physdev_dbgp_op){.op = PHYSDEVOP_DBGP_RESET_PREPARE};
    ROW("dbgp_op/no-debug-port", 0, hv_physdev_op(PHYSDEVOP_dbgp_op, &u));
    u.dbgp.op = 3;
    ROW("dbgp_op/3", -XEN_ENOSYS, hv_physdev_op(PHYSDEVOP_dbgp_op, &u));
    u.gmfn.gmfn = ~0UL;
    ROW("pirq_eoi_gmfn_v2/frame-max", -XEN_EINVAL, hv_physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v2, &u));
    u.gmfn.gmfn = virt_to_mfn(l4_kernel());
    ROW("pirq_eoi_gmfn_v2/page-table", -XEN_EINVAL, hv_physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v2, &u));
    u.gmfn.gmfn = virt_to_mfn(page_alloc_zeroed());
    ROW("pirq_eoi_gmfn_v2", 0, hv_physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v2, &u));
    u.gmfn.gmfn = virt_to_mfn(page_alloc_zeroed());
    ROW("pirq_eoi_gmfn_v2/again", -XEN_EBUSY, hv_physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v2, &u));
    ROW("pirq_eoi_gmfn_v1/after-v2", -XEN_ENOSYS, hv_physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v1, &u));
    static const struct {
        const char *name;
        int op;
    } ops[] = {{"manage_pci_add", PHYSDEVOP_manage_pci_add},
               {"manage_pci_remove", PHYSDEVOP_manage_pci_remove},
               {"manage_pci_add_ext", PHYSDEVOP_manage_pci_add_ext},
               {"restore_msi", PHYSDEVOP_restore_msi},
               {"setup_gsi", PHYSDEVOP_setup_gsi},
               {"pci_mmcfg_reserved", PHYSDEVOP_pci_mmcfg_reserved},
               {"pci_device_add", PHYSDEVOP_pci_device_add},
               {"pci_device_remove", PHYSDEVOP_pci_device_remove},
               {"restore_msi_ext", PHYSDEVOP_restore_msi_ext},
               {"pirq_eoi_gmfn_v2", PHYSDEVOP_pirq_eoi_gmfn_v2},
               {"dbgp_op", PHYSDEVOP_dbgp_op},
               {"prepare_msix", PHYSDEVOP_prepare_msix},
               {"release_msix", PHYSDEVOP_release_msix}};
    for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        POINTERS(ops[i].name, -XEN_EFAULT, p, hv_physdev_op(ops[i].op, p));
    }
    static const int unknown[] = {0, 1, 2, 3, 4, 11, 18, 22, 32, 33, 1000, -1};
    for (unsigned int i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        char key[16];
        ksnprintf(key, sizeof(key), "%d", unknown[i]);
        ROW(key, -XEN_ENOSYS, hv_physdev_op(unknown[i], &u));
    }
}

void conform_physdev(void)
{
    struct domain d;

    conform_family("physdev_op");
    if (domain_create_empty(&d, &(struct domain_config){.vcpus = 1}) != 0) {
        kit_panic("no domain");
    }
    other = d.id;
    interrupts();
    rights();
    pci();
    domain_destroy(&d);
}
