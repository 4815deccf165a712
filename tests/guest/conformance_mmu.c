/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmu_update, update_va_mapping, update_va_mapping_otherdomain, mmuext_op. pagetables.c has the types of tables. */
#include "conformance.h"
#include "kit/domains.h"

#define WINDOW 0x0000260000000000UL

static domid_t other;
static uint64_t *page; /* a plain page of ours */
static unsigned int done;

/* One request on an entry of a table of ours, the frames being `dom`'s. */
static long update_for(domid_t dom, uint64_t ptr, uint64_t value)
{
    struct mmu_update req = {.ptr = ptr, .val = value};

    done = 99;
    long rc = hv_mmu_update(&req, 1, &done, dom);
    struct mmuext_op flush = {.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = WINDOW};
    hv_mmuext_op(&flush, 1, NULL, DOMID_SELF);
    return rc;
}

static long update(uint64_t ptr, uint64_t value)
{
    return update_for(DOMID_SELF, ptr, value);
}

static void updates(void)
{
    struct mmu_update reqs[3];
    uint64_t table = virt_to_maddr(l4_kernel()), mfn = virt_to_mfn(page), theirs;
    xen_pfn_t frame = 0;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = other};
    uint64_t slot, *entry;

    map_page(l4_kernel(), WINDOW, 0);
    entry = pt_entry(l4_kernel(), WINDOW, 1);
    slot = virt_to_maddr(entry);
    conform_family("mmu_update");
    ROW("map", 0, update(slot, mfn << 12 | PTE_KERNEL));
    ROW("map/done", 1, done);
    ROW("map/effect", 1, (*page = 0x1234, *(volatile uint64_t *)WINDOW == 0x1234));
    ROW("preserve-ad", 0,
        update(slot | MMU_PT_UPDATE_PRESERVE_AD, mfn << 12 | (PTE_KERNEL & ~(PTE_A | PTE_D))));
    ROW("preserve-ad/effect", PTE_A | PTE_D, *(volatile uint64_t *)entry & (PTE_A | PTE_D));
    ROW("no-translate", 0, update(slot | MMU_PT_UPDATE_NO_TRANSLATE, mfn << 12 | PTE_KERNEL_RO));
    ROW("not-present", 0, update(slot, 0xdeadbeef000));
    ROW("not-present/kept", 0xdeadbeef000, *(volatile uint64_t *)entry);
    ROW("bits-4-in-pointer", 0, update(slot | 4, 0));
    ROW("frame-max", -XEN_EINVAL, update(slot, PTE_ADDR | PTE_KERNEL));
    ROW("frame-max/done", 0, done);
    ROW("frame-of-the-hypervisor", -XEN_EBUSY,
        update(slot, conform_hypervisor_frame() << 12 | PTE_KERNEL));
    ROW("page-table-writable", -XEN_EBUSY, update(slot, table | PTE_KERNEL));
    ROW("page-table-to-read", 0, update(slot, table | PTE_KERNEL_RO));
    ROW("clear", 0, update(slot, 0));
    ROW("reserved-bit-51", -XEN_EPERM, update(slot, mfn << 12 | 1UL << 51 | PTE_KERNEL));
    ROW("supervisor", 0, update(slot, mfn << 12 | (PTE_KERNEL & ~PTE_US)));
    ROW("supervisor/user-bit-added", PTE_US, *(volatile uint64_t *)entry & PTE_US);
    ROW("global", 0, update(slot, mfn << 12 | PTE_KERNEL | PTE_G));
    ROW("software-bits", 0, update(slot, mfn << 12 | PTE_KERNEL | 0xe00));
    ROW("no-execute", 0, update(slot, mfn << 12 | PTE_KERNEL | PTE_NX));
    ROW("pat", 0, update(slot, mfn << 12 | PTE_KERNEL | PTE_PSE));
    update(slot, 0);
    ROW("table/hypervisor-slot", -XEN_EINVAL, update(table + 256 * 8, mfn << 12 | PTE_KERNEL_RO));
    ROW("table/last-hypervisor-slot", -XEN_EINVAL,
        update(table + 271 * 8, mfn << 12 | PTE_KERNEL_RO));
    ROW("table/frame-is-no-table", -XEN_EINVAL, update(table + 300 * 8, mfn << 12 | PTE_KERNEL));
    ROW("plain-page", 0, update(virt_to_maddr(page), 0x77));
    ROW("plain-page/written", 0x77, *(volatile uint64_t *)page);
    ROW("pointer-beyond", -XEN_EINVAL, update(1UL << 50, 0));
    ROW("pointer-max", -XEN_EINVAL, update(~7UL, 0));
    ROW("pointer-hypervisor", -XEN_EINVAL, update(conform_hypervisor_frame() << 12, 0));
    unsigned long pfn = virt_to_pfn(page);
    ROW("machphys", 0, update(mfn << 12 | MMU_MACHPHYS_UPDATE, 0x1234));
    ROW("machphys/effect", 0x1234, mfn_to_pfn(mfn));
    ROW("machphys/back", 0, update(mfn << 12 | MMU_MACHPHYS_UPDATE, pfn));
    ROW("machphys/frame-beyond", -XEN_EINVAL, update(1UL << 50 | MMU_MACHPHYS_UPDATE, 0));
    ROW("machphys/hypervisor's", -XEN_EINVAL,
        update(conform_hypervisor_frame() << 12 | MMU_MACHPHYS_UPDATE, 0));
    r.extent_start.p = &frame;
    hv_memory_op(XENMEM_populate_physmap, &r);
    theirs = frame;
    ROW("foreign", 0, update_for(other, slot, theirs << 12 | PTE_KERNEL));
    ROW("foreign/reachable", 1,
        (*(volatile uint64_t *)WINDOW = 5, *(volatile uint64_t *)WINDOW == 5));
    ROW("foreign/machphys", 0, update_for(other, theirs << 12 | MMU_MACHPHYS_UPDATE, 3));
    update(slot, 0);
    ROW("foreign/not-as-mine", -XEN_EBUSY, update(slot, theirs << 12 | PTE_KERNEL));
    ROW("foreign/mine-as-theirs", -XEN_EBUSY, update_for(other, slot, mfn << 12 | PTE_KERNEL));
    ROW("foreign/nobody", -XEN_ESRCH, update_for(NOBODY, slot, mfn << 12 | PTE_KERNEL));
    ROW("foreign/invalid", -XEN_ESRCH, update_for(DOMID_INVALID, slot, mfn << 12 | PTE_KERNEL));
    ROW("foreign/own-id", 0, update_for(0, slot, mfn << 12 | PTE_KERNEL));
    update(slot, 0);
    ROW("foreign/io-of-ram", -XEN_EBUSY, update_for(DOMID_IO, slot, mfn << 12 | PTE_KERNEL));
    ROW("foreign/io-of-vga", 0, update_for(DOMID_IO, slot, 0xb8UL << 12 | PTE_KERNEL));
    ROW("foreign/io-of-local-apic", -XEN_EPERM,
        update_for(DOMID_IO, slot, 0xfee00UL << 12 | PTE_KERNEL));
    ROW("foreign/system-of-m2p", -XEN_EBUSY,
        update_for(DOMID_XEN, slot, mfn << 12 | PTE_KERNEL_RO));
    hv_mmu_update(&(struct mmu_update){.ptr = slot, .val = 0}, 1, NULL, DOMID_SELF);
    ROW("none", 0, hv_mmu_update(reqs, 0, &done, DOMID_SELF));
    ROW("none/done", 0, done);
    for (unsigned int i = 0; i < 3; i++) {
        reqs[i] = (struct mmu_update){.ptr = slot, .val = 0};
    }
    reqs[1].ptr = 1UL << 50;
    ROW("stops-at-the-first-error", -XEN_EINVAL, hv_mmu_update(reqs, 3, &done, DOMID_SELF));
    ROW("stops-at-the-first-error/done", 1, done);
    struct mmu_update *tail = conform_tail(reqs, sizeof(reqs[0]));
    ROW("off-the-page", -XEN_EFAULT, hv_mmu_update(tail, 2, &done, DOMID_SELF));
    ROW("off-the-page/done", 1, done);
    ROW("done-unmapped", -XEN_EFAULT, hv_mmu_update(reqs, 1, (void *)NO_ADDRESS, DOMID_SELF));
    ROW("count-max", -XEN_EFAULT, hv_mmu_update((void *)NO_ADDRESS, 0x7fffffff, NULL, DOMID_SELF));
    POINTERS("list", -XEN_EFAULT, p, hv_mmu_update(p, 1, NULL, DOMID_SELF));
    READONLY("list", 0, p, reqs[0], hv_mmu_update(p, 1, NULL, DOMID_SELF));

    conform_family("update_va_mapping");
    ROW("map", 0, hv_update_va_mapping(WINDOW, mfn << 12 | PTE_KERNEL, UVMF_INVLPG | UVMF_LOCAL));
    ROW("map/effect", 0x1234, (*page = 0x1234, *(volatile uint64_t *)WINDOW));
    ROW("no-flush", 0, hv_update_va_mapping(WINDOW, mfn << 12 | PTE_KERNEL, UVMF_NONE));
    ROW("flush-all", 0,
        hv_update_va_mapping(WINDOW, mfn << 12 | PTE_KERNEL, UVMF_TLB_FLUSH | UVMF_ALL));
    ROW("flush-local", 0,
        hv_update_va_mapping(WINDOW, mfn << 12 | PTE_KERNEL, UVMF_TLB_FLUSH | UVMF_LOCAL));
    unsigned long mask = 1;
    ROW("flush-mask", 0,
        hv_update_va_mapping(WINDOW, mfn << 12 | PTE_KERNEL, UVMF_INVLPG | (unsigned long)&mask));
    ROW("flush-mask-unmapped", -XEN_EFAULT,
        hv_update_va_mapping(WINDOW, mfn << 12 | PTE_KERNEL, UVMF_INVLPG | NO_ADDRESS));
    ROW("flush-type-3", 0, hv_update_va_mapping(WINDOW, mfn << 12 | PTE_KERNEL, 3));
    ROW("clear", 0, hv_update_va_mapping(WINDOW, 0, UVMF_INVLPG | UVMF_ALL));
    ROW("no-table-there", -XEN_EINVAL,
        hv_update_va_mapping(0x0000340000000000UL, mfn << 12 | PTE_KERNEL, 0));
    ROW("non-canonical", -XEN_EINVAL,
        hv_update_va_mapping(0x0000900000000000UL, mfn << 12 | PTE_KERNEL, 0));
    ROW("hypervisor", -XEN_EINVAL,
        hv_update_va_mapping(0xffff830000000000UL, mfn << 12 | PTE_KERNEL, 0));
    ROW("machphys", -XEN_EINVAL,
        hv_update_va_mapping(MACH2PHYS_VIRT_START, mfn << 12 | PTE_KERNEL, 0));
    ROW("frame-max", -XEN_EINVAL, hv_update_va_mapping(WINDOW, PTE_ADDR | PTE_KERNEL, 0));
    ROW("page-table-writable", -XEN_EBUSY, hv_update_va_mapping(WINDOW, table | PTE_KERNEL, 0));
    ROW("unaligned", 0, hv_update_va_mapping(WINDOW + 5, mfn << 12 | PTE_KERNEL, UVMF_INVLPG));
    hv_update_va_mapping(WINDOW, 0, UVMF_INVLPG | UVMF_ALL);

    conform_family("update_va_mapping_otherdomain");
    const unsigned int nr = __HYPERVISOR_update_va_mapping_otherdomain;
    ROW("theirs", 0, HYPERCALL4(nr, WINDOW, theirs << 12 | PTE_KERNEL, UVMF_INVLPG, other));
    ROW("theirs/effect", 5, *(volatile uint64_t *)WINDOW);
    ROW("clear", 0, HYPERCALL4(nr, WINDOW, 0, UVMF_INVLPG, other));
    ROW("mine-as-theirs", -XEN_EBUSY, HYPERCALL4(nr, WINDOW, mfn << 12 | PTE_KERNEL, 0, other));
    ROW("self", 0, HYPERCALL4(nr, WINDOW, mfn << 12 | PTE_KERNEL, UVMF_INVLPG, DOMID_SELF));
    ROW("nobody", -XEN_ESRCH, HYPERCALL4(nr, WINDOW, mfn << 12 | PTE_KERNEL, 0, NOBODY));
    hv_update_va_mapping(WINDOW, 0, UVMF_INVLPG | UVMF_ALL);
    ROW("io-of-ram", -XEN_EBUSY, HYPERCALL4(nr, WINDOW, mfn << 12 | PTE_KERNEL, 0, DOMID_IO));
    hv_update_va_mapping(WINDOW, 0, UVMF_INVLPG | UVMF_ALL);
}

void conform_mmu(void)
{
    struct domain d;
    struct xen_domctl op = {.u.max_mem.max_memkb = 64};

    if (domain_create_empty(&d, &(struct domain_config){.vcpus = 1}) != 0) {
        kit_panic("no domain");
    }
    other = d.id;
    domain_control(&op, XEN_DOMCTL_max_mem, other);
    page = page_alloc_zeroed();
    updates();
    domain_destroy(&d);
}

/* ---- mmuext_op -------------------------------------------------------------------------------- */

static long ext_for(domid_t dom, unsigned int cmd, uint64_t arg1, uint64_t arg2)
{
    struct mmuext_op op = {.cmd = cmd};

    op.arg1.mfn = arg1;
    op.arg2.src_mfn = arg2;
    done = 99;
    return hv_mmuext_op(&op, 1, &done, dom);
}

static long ext(unsigned int cmd, uint64_t arg1)
{
    return ext_for(DOMID_SELF, cmd, arg1, 0);
}

static void pins(void)
{
    static const char *const levels[] = {"PIN_L1", "PIN_L2", "PIN_L3", "PIN_L4"};
    char *plain = page_alloc_zeroed();

    for (unsigned int i = 0; i < 4; i++) {
        uint64_t *table = table_alloc();
        uint64_t mfn = virt_to_mfn(table);

        conform_row(levels[i], NULL, 0, ext(MMUEXT_PIN_L1_TABLE + i, mfn));
        conform_row(levels[i], "done", 1, done);
        conform_row(levels[i], "again", -XEN_EINVAL, ext(MMUEXT_PIN_L1_TABLE + i, mfn));
        conform_row(levels[i], "as-another-level", -XEN_EINVAL,
                    ext(MMUEXT_PIN_L1_TABLE + (i + 1) % 4, mfn));
        conform_row(levels[i], "unpin", 0, ext(MMUEXT_UNPIN_TABLE, mfn));
        conform_row(levels[i], "unpin-again", -XEN_EINVAL, ext(MMUEXT_UNPIN_TABLE, mfn));
        conform_row(levels[i], "frame-max", -XEN_EINVAL, ext(MMUEXT_PIN_L1_TABLE + i, ~0UL));
        conform_row(levels[i], "writable-page", -XEN_EINVAL,
                    ext(MMUEXT_PIN_L1_TABLE + i, virt_to_mfn(plain)));
        conform_row(levels[i], "hypervisor's-frame", -XEN_EINVAL,
                    ext(MMUEXT_PIN_L1_TABLE + i, conform_hypervisor_frame()));
        conform_row(levels[i], "nobody", -XEN_ESRCH,
                    ext_for(NOBODY, MMUEXT_PIN_L1_TABLE + i, mfn, 0));
        conform_row(levels[i], "mine-as-theirs", -XEN_EINVAL,
                    ext_for(other, MMUEXT_PIN_L1_TABLE + i, mfn, 0));
        table_free(table);
    }
    ROW("UNPIN/frame-max", -XEN_EINVAL, ext(MMUEXT_UNPIN_TABLE, ~0UL));
    ROW("UNPIN/plain-page", -XEN_EINVAL, ext(MMUEXT_UNPIN_TABLE, virt_to_mfn(plain)));
    ROW("UNPIN/hypervisor's-frame", -XEN_EINVAL,
        ext(MMUEXT_UNPIN_TABLE, conform_hypervisor_frame()));
    page_free(plain);
}

static void roots(void)
{
    uint64_t mfn = virt_to_mfn(l4_kernel());
    char *plain = page_alloc_zeroed();

    ROW("NEW_BASEPTR/same", 0, ext(MMUEXT_NEW_BASEPTR, mfn));
    ROW("NEW_BASEPTR/zero", -XEN_EINVAL, ext(MMUEXT_NEW_BASEPTR, 0));
    ROW("NEW_BASEPTR/frame-max", -XEN_EINVAL, ext(MMUEXT_NEW_BASEPTR, ~0UL));
    ROW("NEW_BASEPTR/plain-page", -XEN_EINVAL, ext(MMUEXT_NEW_BASEPTR, virt_to_mfn(plain)));
    ROW("NEW_BASEPTR/hypervisor's-frame", -XEN_EINVAL,
        ext(MMUEXT_NEW_BASEPTR, conform_hypervisor_frame()));
    ROW("NEW_BASEPTR/other", -XEN_EPERM, ext_for(other, MMUEXT_NEW_BASEPTR, mfn, 0));
    ROW("NEW_USER_BASEPTR", 0, ext(MMUEXT_NEW_USER_BASEPTR, mfn));
    ROW("NEW_USER_BASEPTR/plain-page", -XEN_EINVAL,
        ext(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(plain)));
    ROW("NEW_USER_BASEPTR/frame-max", -XEN_EINVAL, ext(MMUEXT_NEW_USER_BASEPTR, ~0UL));
    ROW("NEW_USER_BASEPTR/other", -XEN_EPERM, ext_for(other, MMUEXT_NEW_USER_BASEPTR, mfn, 0));
    ROW("NEW_USER_BASEPTR/none", 0, ext(MMUEXT_NEW_USER_BASEPTR, 0));
    page_free(plain);
}

static void flushes(void)
{
    unsigned long mask = 3;
    struct mmuext_op op = {.cmd = MMUEXT_TLB_FLUSH_MULTI};

    ROW("TLB_FLUSH_LOCAL", 0, ext(MMUEXT_TLB_FLUSH_LOCAL, 0));
    ROW("INVLPG_LOCAL", 0, ext(MMUEXT_INVLPG_LOCAL, WINDOW));
    ROW("INVLPG_LOCAL/non-canonical", 0, ext(MMUEXT_INVLPG_LOCAL, 0x0000900000000000UL));
    ROW("INVLPG_LOCAL/hypervisor", 0, ext(MMUEXT_INVLPG_LOCAL, 0xffff830000000000UL));
    ROW("TLB_FLUSH_ALL", 0, ext(MMUEXT_TLB_FLUSH_ALL, 0));
    ROW("INVLPG_ALL", 0, ext(MMUEXT_INVLPG_ALL, WINDOW));
    ROW("TLB_FLUSH_MULTI", 0, ext_for(DOMID_SELF, MMUEXT_TLB_FLUSH_MULTI, 0, (uint64_t)&mask));
    ROW("INVLPG_MULTI", 0, ext_for(DOMID_SELF, MMUEXT_INVLPG_MULTI, WINDOW, (uint64_t)&mask));
    mask = ~0UL;
    ROW("TLB_FLUSH_MULTI/absent-vcpus", 0,
        ext_for(DOMID_SELF, MMUEXT_TLB_FLUSH_MULTI, 0, (uint64_t)&mask));
    ROW("TLB_FLUSH_MULTI/mask-unmapped", -XEN_EINVAL,
        ext_for(DOMID_SELF, MMUEXT_TLB_FLUSH_MULTI, 0, NO_ADDRESS));
    ROW("INVLPG_MULTI/mask-unmapped", -XEN_EINVAL,
        ext_for(DOMID_SELF, MMUEXT_INVLPG_MULTI, 0, NO_ADDRESS));
    ROW("TLB_FLUSH_MULTI/mask-hypervisor", -XEN_EINVAL,
        ext_for(DOMID_SELF, MMUEXT_TLB_FLUSH_MULTI, 0, 0xffff830000000000UL));
    ROW("FLUSH_CACHE", 0, ext(MMUEXT_FLUSH_CACHE, 0));
    ROW("FLUSH_CACHE_GLOBAL", 0, ext(MMUEXT_FLUSH_CACHE_GLOBAL, 0));
    ROW("SET_LDT/none", 0, ext_for(DOMID_SELF, MMUEXT_SET_LDT, 0, 0));
    ROW("SET_LDT/unaligned", -XEN_EINVAL, ext_for(DOMID_SELF, MMUEXT_SET_LDT, 0x1001, 1));
    ROW("SET_LDT/8193", -XEN_EINVAL, ext_for(DOMID_SELF, MMUEXT_SET_LDT, 0x1000, 8193));
    ROW("SET_LDT/hypervisor", -XEN_EINVAL,
        ext_for(DOMID_SELF, MMUEXT_SET_LDT, 0xffff830000000000UL, 1));
    ROW("SET_LDT/other", -XEN_EPERM, ext_for(other, MMUEXT_SET_LDT, 0x1000, 1));
    ROW("MARK_SUPER", -XEN_EOPNOTSUPP, ext(MMUEXT_MARK_SUPER, 0));
    ROW("UNMARK_SUPER", -XEN_EOPNOTSUPP, ext(MMUEXT_UNMARK_SUPER, 0));
    ROW("14", -XEN_ENOSYS, ext(14, 0));
    ROW("21", -XEN_ENOSYS, ext(21, 0));
    ROW("max", -XEN_ENOSYS, ext(~0U, 0));
    POINTERS("list", -XEN_EFAULT, p, hv_mmuext_op(p, 1, NULL, DOMID_SELF));
    op.cmd = MMUEXT_TLB_FLUSH_LOCAL;
    READONLY("list", 0, p, op, hv_mmuext_op(p, 1, NULL, DOMID_SELF));
    ROW("none", 0, hv_mmuext_op(&op, 0, &done, DOMID_SELF));
    ROW("none/done", 0, done);
    struct mmuext_op *tail = conform_tail(&op, sizeof(op));
    ROW("off-the-page", -XEN_EFAULT, hv_mmuext_op(tail, 2, &done, DOMID_SELF));
    ROW("off-the-page/done", 1, done);
    ROW("done-unmapped", -XEN_EFAULT, hv_mmuext_op(&op, 1, (void *)NO_ADDRESS, DOMID_SELF));
    ROW("count-max", -XEN_EFAULT, hv_mmuext_op((void *)NO_ADDRESS, 0x7fffffff, NULL, DOMID_SELF));
    ROW("nobody", -XEN_ESRCH, hv_mmuext_op(&op, 1, NULL, NOBODY));
    ROW("invalid", -XEN_ESRCH, hv_mmuext_op(&op, 1, NULL, DOMID_INVALID));
    ROW("own-id", 0, hv_mmuext_op(&op, 1, NULL, 0));
}

static void contents(void)
{
    char *a = page_alloc_zeroed(), *b = page_alloc_zeroed();
    uint64_t table = virt_to_mfn(l4_kernel());

    a[7] = 'x';
    ROW("COPY_PAGE", 0, ext_for(DOMID_SELF, MMUEXT_COPY_PAGE, virt_to_mfn(b), virt_to_mfn(a)));
    ROW("COPY_PAGE/effect", 'x', b[7]);
    ROW("COPY_PAGE/to-table", -XEN_EINVAL,
        ext_for(DOMID_SELF, MMUEXT_COPY_PAGE, table, virt_to_mfn(a)));
    ROW("COPY_PAGE/from-table", 0, ext_for(DOMID_SELF, MMUEXT_COPY_PAGE, virt_to_mfn(b), table));
    ROW("COPY_PAGE/from-frame-max", -XEN_EINVAL,
        ext_for(DOMID_SELF, MMUEXT_COPY_PAGE, virt_to_mfn(b), ~0UL));
    ROW("COPY_PAGE/to-frame-max", -XEN_EINVAL,
        ext_for(DOMID_SELF, MMUEXT_COPY_PAGE, ~0UL, virt_to_mfn(b)));
    ROW("CLEAR_PAGE", 0, ext(MMUEXT_CLEAR_PAGE, virt_to_mfn(a)));
    ROW("CLEAR_PAGE/effect", 0, a[7]);
    ROW("CLEAR_PAGE/table", -XEN_EINVAL, ext(MMUEXT_CLEAR_PAGE, table));
    ROW("CLEAR_PAGE/frame-max", -XEN_EINVAL, ext(MMUEXT_CLEAR_PAGE, ~0UL));
    ROW("CLEAR_PAGE/hypervisor's-frame", -XEN_EINVAL,
        ext(MMUEXT_CLEAR_PAGE, conform_hypervisor_frame()));
    page_free(a);
    page_free(b);
}

void conform_mmuext(void)
{
    struct domain d;

    conform_family("mmuext_op");
    if (domain_create_empty(&d, &(struct domain_config){.vcpus = 1}) != 0) {
        kit_panic("no domain");
    }
    other = d.id;
    pins();
    roots();
    flushes();
    contents();
    domain_destroy(&d);
}
