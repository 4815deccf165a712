/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct paging: what a guest may do to its page tables, and what it must be refused. The rule behind
 * every refusal: no table of the guest is writable to it, and no frame is reachable that it does not own.
 */
#include "test.h"

/* A region of its own L4 slot, far from everything the kit maps. */
#define WINDOW      0x0000200000000000UL
#define WINDOW_PAGE ((volatile uint64_t *)WINDOW)

static uint64_t pte_of(const void *page, uint64_t flags)
{
    return (uint64_t)virt_to_mfn(page) << 12 | flags;
}

/* Makes the tables that map WINDOW; later tests use them. */
static bool window_ready(void)
{
    return map_page(l4_kernel(), WINDOW, 0) == 0;
}

static long window_map(uint64_t pte)
{
    return pte_write((void *)WINDOW, pte);
}

static void touch(void *va)
{
    (void)*(volatile uint64_t *)va;
}

static void scribble(void *va)
{
    *(volatile uint64_t *)va = 0x5a5a;
}

/* A page mapped by update_va_mapping is reachable, a change of rights works at once, and after
 * unmapping a touch faults: stale TLB entries or lost flushes show here. */
TEST(update_va_mapping)
{
    uint64_t *page = page_alloc_zeroed();
    struct trap_frame trap;

    CHECK(window_ready());
    page[3] = 0x1234;
    CHECK_EQ(window_map(pte_of(page, PTE_KERNEL)), 0);
    CHECK_EQ(WINDOW_PAGE[3], 0x1234);
    WINDOW_PAGE[4] = 77;
    CHECK_EQ(page[4], 77);
    CHECK_EQ(window_map(pte_of(page, PTE_KERNEL_RO)), 0);
    CHECK(trap_catch(scribble, (void *)WINDOW, &trap));
    CHECK_EQ(trap.vector, 14);
    CHECK_EQ(trap.error, 3); /* no user bit: the guest's kernel is told a kernel's fault */
    CHECK_EQ(last_cr2(), WINDOW);
    CHECK_EQ(window_map(0), 0);
    CHECK(trap_catch(touch, (void *)WINDOW, &trap));
    CHECK_EQ(trap.error, 0);
    page_free(page);
}

/* The flags of update_va_mapping: every documented combination is accepted, a bad mask pointer is not
 * followed into a crash. */
TEST(update_va_mapping_flags)
{
    void *page = page_alloc();
    uint64_t mask = 1;

    CHECK(window_ready());
    CHECK_EQ(hv_update_va_mapping(WINDOW, pte_of(page, PTE_KERNEL), UVMF_NONE), 0);
    CHECK_EQ(hv_update_va_mapping(WINDOW, 0, UVMF_TLB_FLUSH | UVMF_LOCAL), 0);
    CHECK_EQ(hv_update_va_mapping(WINDOW, 0, UVMF_TLB_FLUSH | UVMF_ALL), 0);
    CHECK_EQ(hv_update_va_mapping(WINDOW, 0, UVMF_INVLPG | UVMF_LOCAL), 0);
    CHECK_EQ(hv_update_va_mapping(WINDOW, 0, UVMF_INVLPG | UVMF_ALL), 0);
    CHECK_EQ(hv_update_va_mapping(WINDOW, 0, UVMF_INVLPG | (unsigned long)&mask), 0);
    CHECK_EQ(hv_update_va_mapping(WINDOW, 0, UVMF_TLB_FLUSH | (unsigned long)&mask), 0);
    answer("bad_mask", "%ld", hv_update_va_mapping(WINDOW, 0, UVMF_TLB_FLUSH | 0x1000));
    answer("bad_type", "%ld", hv_update_va_mapping(WINDOW, 0, 3));
    page_free(page);
}

/* update_va_mapping where no L1 table is, in the hypervisor's hole, and outside the canonical range. */
TEST(update_va_mapping_bad_va)
{
    answer("no_table", "%ld", hv_update_va_mapping(0x0000300000000000UL, 0, UVMF_NONE));
    answer("hole", "%ld", hv_update_va_mapping(0xffff820000000000UL, 0, UVMF_NONE));
    answer("m2p", "%ld", hv_update_va_mapping(MACH2PHYS_VIRT_START, 0, UVMF_NONE));
    answer("noncanonical", "%ld", hv_update_va_mapping(0x0000900000000000UL, 0, UVMF_NONE));
    CHECK(hv_update_va_mapping(0x0000300000000000UL, 0, UVMF_NONE) < 0);
    CHECK(hv_update_va_mapping(0xffff820000000000UL, 0, UVMF_NONE) < 0);
    CHECK(hv_update_va_mapping(MACH2PHYS_VIRT_START, 0, UVMF_NONE) < 0);
}

/* mmu_update writes entries in order and counts the ones done before the first failure. */
TEST(mmu_update_batch)
{
    void *page = page_alloc_zeroed();
    struct mmu_update req[3];
    unsigned int done = 99;

    CHECK(window_ready());
    uint64_t l1e = virt_to_maddr(pt_entry(l4_kernel(), WINDOW, 1));
    for (unsigned int i = 0; i < 3; i++) {
        req[i].ptr = l1e + 8 * i;
        req[i].val = pte_of(page, PTE_KERNEL);
    }
    CHECK_EQ(hv_mmu_update(req, 3, &done, DOMID_SELF), 0);
    CHECK_EQ(done, 3);
    *(volatile uint64_t *)(WINDOW + 0x2008) = 5;
    CHECK_EQ(((uint64_t *)page)[1], 5);
    req[0].val = req[2].val = 0;
    req[1].val = pte_of(l4_kernel(), PTE_KERNEL);
    long rc = hv_mmu_update(req, 3, &done, DOMID_SELF);
    CHECK(rc < 0);
    CHECK_EQ(done, 1);
    answer("rc", "%ld", rc);
    CHECK_EQ(*pt_entry(l4_kernel(), WINDOW, 1), 0);
    CHECK(*pt_entry(l4_kernel(), WINDOW + 0x2000, 1) & PTE_P);
    for (unsigned int i = 0; i < 3; i++) {
        req[i].val = 0;
    }
    CHECK_EQ(hv_mmu_update(req, 3, NULL, DOMID_SELF), 0);
    CHECK_EQ(hv_mmu_update(req, 0, &done, DOMID_SELF), 0);
    CHECK_EQ(done, 0);
    page_free(page);
}

/* PT_UPDATE_PRESERVE_AD keeps the accessed and dirty bits that the processor set. */
TEST(preserve_ad)
{
    void *page = page_alloc_zeroed();

    CHECK(window_ready());
    uint64_t *l1e = pt_entry(l4_kernel(), WINDOW, 1);
    CHECK_EQ(window_map(pte_of(page, PTE_P | PTE_RW | PTE_US)), 0);
    scribble((void *)WINDOW);
    CHECK(*l1e & PTE_D);
    CHECK_EQ(mmu_update_one(virt_to_maddr(l1e) | MMU_PT_UPDATE_PRESERVE_AD,
                            pte_of(page, PTE_P | PTE_US)),
             0);
    CHECK(*l1e & PTE_A);
    CHECK(*l1e & PTE_D);
    CHECK(!(*l1e & PTE_RW));
    CHECK_EQ(window_map(0), 0);
    page_free(page);
}

/* MACHPHYS_UPDATE sets the M2P entry of an own frame, and of no other. */
TEST(machphys_update)
{
    void *page = page_alloc();
    uint64_t maddr = (uint64_t)virt_to_mfn(page) << 12;
    unsigned long pfn = virt_to_pfn(page);

    CHECK_EQ(mmu_update_one(maddr | MMU_MACHPHYS_UPDATE, 0x4321), 0);
    CHECK_EQ(mfn_to_pfn(maddr >> 12), 0x4321);
    CHECK_EQ(mmu_update_one(maddr | MMU_MACHPHYS_UPDATE, pfn), 0);
    CHECK_EQ(mfn_to_pfn(maddr >> 12), pfn);
    answer("beyond", "%ld", mmu_update_one((1UL << 45) | MMU_MACHPHYS_UPDATE, 1));
    CHECK(mmu_update_one((1UL << 45) | MMU_MACHPHYS_UPDATE, 1) < 0);
    page_free(page);
}

/* A page-table entry's address in a frame that is no page table, or that does not exist. */
TEST(mmu_update_bad_ptr)
{
    uint64_t *page = page_alloc_zeroed();

    answer("beyond", "%ld", mmu_update_one(1UL << 45, 0));
    CHECK(mmu_update_one(1UL << 45, 0) < 0);
    CHECK(mmu_update_one(0xfffffffffffff000UL, 0) < 0);
    /* In an ordinary writable frame the request is a plain store. */
    long rc = mmu_update_one(virt_to_maddr(page), 0x1111);
    answer("data_page", "%ld", rc);
    answer("data_value", "%#lx", page[0]);
    page_free(page);
}

/* A table of each level mapped writable: refused. This is the hole all direct-paging escapes start from. */
TEST(no_writable_tables)
{
    CHECK(window_ready());
    for (unsigned int level = 1; level <= 4; level++) {
        uint64_t *table = level == 4 ? l4_kernel() : pt_entry(l4_kernel(), WINDOW, level);
        unsigned long mfn = virt_to_mfn(table);
        long rc = window_map((uint64_t)mfn << 12 | PTE_KERNEL);
        char key[8];

        ksnprintf(key, sizeof(key), "l%u", level);
        answer(key, "%ld", rc);
        CHECK(rc < 0);
        CHECK_EQ(pte_read((void *)WINDOW), 0);
        CHECK_EQ(window_map((uint64_t)mfn << 12 | PTE_KERNEL_RO), 0);
        CHECK_EQ(*(volatile uint64_t *)(WINDOW + ((unsigned long)table & 0xfff)),
                 *(volatile uint64_t *)table);
        CHECK_EQ(window_map(0), 0);
    }
}

/* A writable page becomes a table only when the last writable mapping is gone. */
TEST(pin_needs_readonly)
{
    static const unsigned int cmds[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
                                        MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE};
    void *page = page_alloc_zeroed();
    unsigned long mfn = virt_to_mfn(page);

    CHECK(window_ready());
    for (unsigned int i = 0; i < 4; i++) {
        char key[16];
        long rc = mmuext_one(cmds[i], mfn);

        ksnprintf(key, sizeof(key), "writable_l%u", i + 1);
        answer(key, "%ld", rc);
        CHECK(rc < 0);
    }
    CHECK_EQ(window_map(pte_of(page, PTE_KERNEL)), 0);
    page_set_readonly(page);
    CHECK(mmuext_one(MMUEXT_PIN_L1_TABLE, mfn) < 0); /* still writable through the window */
    CHECK_EQ(window_map(0), 0);
    for (unsigned int i = 0; i < 4; i++) {
        CHECK_EQ(mmuext_one(cmds[i], mfn), 0);
        CHECK(pte_write(page, pte_of(page, PTE_KERNEL)) < 0);
        CHECK_EQ(mmuext_one(MMUEXT_UNPIN_TABLE, mfn), 0);
        page_set_writable(page);
        page_set_readonly(page);
    }
    table_free(page);
}

/* Pinning twice, pinning as another level, unpinning what is not pinned. */
TEST(pin_misuse)
{
    uint64_t *table = table_alloc();
    unsigned long mfn = virt_to_mfn(table);

    CHECK_EQ(mmuext_one(MMUEXT_PIN_L1_TABLE, mfn), 0);
    answer("twice", "%ld", mmuext_one(MMUEXT_PIN_L1_TABLE, mfn));
    answer("other_level", "%ld", mmuext_one(MMUEXT_PIN_L2_TABLE, mfn));
    CHECK(mmuext_one(MMUEXT_PIN_L2_TABLE, mfn) < 0);
    CHECK_EQ(mmuext_one(MMUEXT_UNPIN_TABLE, mfn), 0);
    answer("unpin_twice", "%ld", mmuext_one(MMUEXT_UNPIN_TABLE, mfn));
    CHECK(mmuext_one(MMUEXT_UNPIN_TABLE, mfn) < 0);
    answer("beyond", "%ld", mmuext_one(MMUEXT_PIN_L1_TABLE, 1UL << 40));
    answer("max", "%ld", mmuext_one(MMUEXT_PIN_L4_TABLE, ~0UL));
    CHECK(mmuext_one(MMUEXT_PIN_L4_TABLE, ~0UL) < 0);
    table_free(table);
}

/* A tree with a bad leaf (a table mapped writable) cannot be pinned, and is left as it was. */
TEST(pin_bad_tree)
{
    uint64_t *l1 = page_alloc_zeroed(), *l2 = page_alloc_zeroed();

    l1[5] = pte_of(l2, PTE_KERNEL); /* the L2 itself, writable */
    page_set_readonly(l1);
    l2[0] = pte_of(l1, PTE_KERNEL);
    page_set_readonly(l2);
    long rc = mmuext_one(MMUEXT_PIN_L2_TABLE, virt_to_mfn(l2));
    answer("rc", "%ld", rc);
    CHECK(rc < 0);
    page_set_writable(l1);
    page_set_writable(l2);
    l1[5] = 0;
    page_set_readonly(l1);
    page_set_readonly(l2);
    CHECK_EQ(mmuext_one(MMUEXT_PIN_L2_TABLE, virt_to_mfn(l2)), 0);
    CHECK_EQ(mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(l2)), 0);
    table_free(l2);
    table_free(l1);
}

/* An L1 that maps itself writable. */
TEST(pin_self_writable)
{
    uint64_t *l1 = page_alloc_zeroed();

    l1[7] = pte_of(l1, PTE_KERNEL);
    page_set_readonly(l1);
    long rc = mmuext_one(MMUEXT_PIN_L1_TABLE, virt_to_mfn(l1));
    answer("rc", "%ld", rc);
    CHECK(rc < 0);
    table_free(l1);
}

/* Linear page tables: an L4 entry naming the L4 itself. Read only is an old and safe trick that some
 * kernels use; writable would give the guest its own tables. */
TEST(self_map_l4)
{
    uint64_t *l4 = table_alloc();
    unsigned long mfn = virt_to_mfn(l4);

    CHECK_EQ(mmuext_one(MMUEXT_PIN_L4_TABLE, mfn), 0);
    uint64_t slot = ((uint64_t)mfn << 12) + 100 * 8;
    long rw = mmu_update_one(slot, (uint64_t)mfn << 12 | PTE_KERNEL);
    answer("writable", "%ld", rw);
    CHECK(rw < 0);
    long ro = mmu_update_one(slot, (uint64_t)mfn << 12 | PTE_KERNEL_RO);
    answer("readonly", "%ld", ro);
    if (ro == 0) {
        CHECK_EQ(mmu_update_one(slot, 0), 0);
    }
    CHECK_EQ(mmuext_one(MMUEXT_UNPIN_TABLE, mfn), 0);
    table_free(l4);
}

/* Entries of the hypervisor's own slots (256 to 271) are not the guest's to write. */
TEST(hypervisor_slots)
{
    uint64_t l4 = virt_to_maddr(l4_kernel());
    static const unsigned int slots[] = {256, 257, 258, 260, 265, 271};

    for (unsigned int i = 0; i < 6; i++) {
        uint64_t before = l4_kernel()[slots[i]];
        long rc = mmu_update_one(l4 + slots[i] * 8, 0);
        char key[16];

        ksnprintf(key, sizeof(key), "slot%u", slots[i]);
        answer(key, "%ld", rc);
        CHECK_EQ(l4_kernel()[slots[i]], before);
        CHECK(rc < 0);
    }
}

/* Entries with bits that the guest may not choose. */
TEST(forbidden_bits)
{
    void *page = page_alloc_zeroed();
    static const struct {
        const char *key;
        uint64_t bits;
    } cases[] = {{"pat", 0x80},          {"global", 0x100},    {"pcd", PTE_PCD},
                 {"pwt", PTE_PWT},       {"avail9", 1UL << 9}, {"avail10", 1UL << 10},
                 {"avail11", 1UL << 11}, {"bit52", 1UL << 52}, {"bit58", 1UL << 58},
                 {"bit59", 1UL << 59},   {"bit62", 1UL << 62}, {"nx", PTE_NX},
                 {"addr51", 1UL << 51},  {"addr46", 1UL << 46}};

    CHECK(window_ready());
    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        long rc = window_map(pte_of(page, PTE_KERNEL) | cases[i].bits);

        answer(cases[i].key, "%ld", rc);
        if (rc == 0) {
            CHECK_EQ(window_map(0), 0);
        }
        CHECK_EQ(pte_read((void *)WINDOW), 0);
    }
    CHECK(window_map(pte_of(page, PTE_KERNEL) | 1UL << 51) < 0);
    page_free(page);
}

/* 2 MiB and 1 GiB entries: not for PV guests. */
TEST(superpages)
{
    CHECK(window_ready());
    uint64_t *l2e = pt_entry(l4_kernel(), WINDOW + 0x200000, 2);
    uint64_t *l3e = pt_entry(l4_kernel(), WINDOW + (1UL << 30), 3);
    uint64_t frame = (uint64_t)(pfn_to_mfn(1024) & ~511UL) << 12;
    long rc = mmu_update_one(virt_to_maddr(l2e), frame | PTE_KERNEL | PTE_PSE);

    answer("l2", "%ld", rc);
    CHECK(rc < 0);
    rc = mmu_update_one(virt_to_maddr(l3e), PTE_KERNEL | PTE_PSE);
    answer("l3", "%ld", rc);
    CHECK(rc < 0);
    rc = mmu_update_one(virt_to_maddr(l4_kernel()) + 101 * 8, PTE_KERNEL | PTE_PSE);
    CHECK(rc < 0);
}

/* A table used at the wrong height. */
TEST(wrong_level)
{
    CHECK(window_ready());
    uint64_t l1e = virt_to_maddr(pt_entry(l4_kernel(), WINDOW, 1)) & PTE_ADDR;
    uint64_t l2e = virt_to_maddr(pt_entry(l4_kernel(), WINDOW, 2)) & PTE_ADDR;
    long rc = mmu_update_one(virt_to_maddr(pt_entry(l4_kernel(), WINDOW + (1UL << 30), 3)),
                             l1e | PTE_KERNEL);

    answer("l1_in_l3", "%ld", rc);
    CHECK(rc < 0);
    rc = mmu_update_one(virt_to_maddr(l4_kernel()) + 101 * 8, l2e | PTE_KERNEL);
    answer("l2_in_l4", "%ld", rc);
    CHECK(rc < 0);
    rc = mmu_update_one(virt_to_maddr(pt_entry(l4_kernel(), WINDOW + 0x200000, 2)),
                        l2e | PTE_KERNEL);
    answer("l2_in_itself", "%ld", rc);
    CHECK(rc < 0);
}

/* One L1 table under two L2 entries is legal; both views see the same page. */
TEST(shared_l1)
{
    uint64_t *page = page_alloc_zeroed();

    CHECK(window_ready());
    uint64_t l1 = *pt_entry(l4_kernel(), WINDOW, 2);
    uint64_t second = virt_to_maddr(pt_entry(l4_kernel(), WINDOW + 0x200000, 2));
    CHECK_EQ(mmu_update_one(second, l1), 0);
    CHECK_EQ(window_map(pte_of(page, PTE_KERNEL)), 0);
    *(volatile uint64_t *)(WINDOW + 0x200000) = 0x77;
    CHECK_EQ(page[0], 0x77);
    CHECK_EQ(window_map(0), 0);
    CHECK_EQ(mmu_update_one(second, 0), 0);
    page_free(page);
}

/* Scans machine memory: no frame that is not ours may be mapped writable, save the pages that the
 * hypervisor shares on purpose. The scan leaves out low memory, which Domain 0 may map as device space. */
TEST(foreign_frames)
{
    unsigned long max = (unsigned long)hv_memory_op(2 /* XENMEM_maximum_ram_page */, NULL);
    unsigned long tried = 0, mapped = 0;
    static xen_pfn_t grant_frames[8];
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};

    set_xen_guest_handle(setup.frame_list, grant_frames);
    CHECK_EQ(hv_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    CHECK_EQ(setup.status, 0);

    CHECK(window_ready());
    for (unsigned long mfn = 0x100; mfn < max; mfn++) {
        unsigned long pfn = mfn_to_pfn(mfn);

        if ((pfn < kit_start_info->nr_pages && pfn_to_mfn(pfn) == mfn) ||
            mfn == kit_start_info->shared_info >> 12 || mfn == grant_frames[0]) {
            continue;
        }
        tried++;
        if (window_map((uint64_t)mfn << 12 | PTE_KERNEL) == 0) {
            mapped++;
            kprintf("# frame %#lx can be mapped writable, m2p says %#lx\n", mfn, pfn);
            window_map(0);
        }
    }
    kprintf("# %lu foreign frames tried, %lu mapped writable\n", tried, mapped);
    CHECK(tried > 100);
    CHECK_EQ(mapped, 0);
}

/* Frames beyond the machine's memory, and the local APIC's page, which even Domain 0 may not have. */
TEST(frames_beyond)
{
    CHECK(window_ready());
    long apic = window_map(0xfee00000UL | PTE_KERNEL | PTE_PCD);

    answer("local_apic", "%ld", apic);
    CHECK(apic < 0);
    answer("max_frame", "%ld", window_map(0x000ffffffffff000UL | PTE_KERNEL));
    window_map(0);
}

/* A whole new address space: pin, run on it, go back, unpin. */
TEST(new_baseptr)
{
    uint64_t *l4 = page_alloc_zeroed();

    for (unsigned int i = 0; i < 512; i++) {
        if (i < 256 || i > 271) {
            l4[i] = l4_kernel()[i];
        }
    }
    page_set_readonly(l4);
    CHECK_EQ(mmuext_one(MMUEXT_PIN_L4_TABLE, virt_to_mfn(l4)), 0);
    CHECK_EQ(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(l4)), 0);
    uint64_t cr3;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    CHECK_EQ(cr3 >> 12, virt_to_mfn(l4));
    CHECK(pte_write(l4, pte_of(l4, PTE_KERNEL)) < 0);
    /* In use and unpinned is still in use. */
    CHECK_EQ(mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(l4)), 0);
    CHECK(pte_write(l4, pte_of(l4, PTE_KERNEL)) < 0);
    CHECK_EQ(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(l4_kernel())), 0);
    table_free(l4);
}

/* NEW_BASEPTR to frames that are no L4 table: refused, and the old one still runs. */
TEST(new_baseptr_bad)
{
    void *page = page_alloc_zeroed();

    CHECK(window_ready());
    answer("data", "%ld", mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(page)));
    answer("l1", "%ld",
           mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(pt_entry(l4_kernel(), WINDOW, 1))));
    answer("beyond", "%ld", mmuext_one(MMUEXT_NEW_BASEPTR, 1UL << 40));
    answer("user_data", "%ld", mmuext_one(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(page)));
    CHECK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(page)) < 0);
    CHECK(mmuext_one(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(page)) < 0);
    page_free(page);
}

/* CLEAR_PAGE and COPY_PAGE act on ordinary frames and never on tables. */
TEST(clear_and_copy_page)
{
    uint64_t *a = page_alloc(), *b = page_alloc();
    struct mmuext_op op = {.cmd = MMUEXT_COPY_PAGE};

    a[0] = 1;
    a[511] = 2;
    op.arg1.mfn = virt_to_mfn(b);
    op.arg2.src_mfn = virt_to_mfn(a);
    CHECK_EQ(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    CHECK_EQ(b[0], 1);
    CHECK_EQ(b[511], 2);
    CHECK_EQ(mmuext_one(MMUEXT_CLEAR_PAGE, virt_to_mfn(b)), 0);
    CHECK_EQ(b[511], 0);
    answer("clear_l4", "%ld", mmuext_one(MMUEXT_CLEAR_PAGE, virt_to_mfn(l4_kernel())));
    CHECK(mmuext_one(MMUEXT_CLEAR_PAGE, virt_to_mfn(l4_kernel())) < 0);
    op.arg1.mfn = virt_to_mfn(l4_kernel());
    CHECK(hv_mmuext_op(&op, 1, NULL, DOMID_SELF) < 0);
    op.arg1.mfn = virt_to_mfn(b);
    op.arg2.src_mfn = 1UL << 40;
    answer("copy_beyond", "%ld", hv_mmuext_op(&op, 1, NULL, DOMID_SELF));
    page_free(a);
    page_free(b);
}

/* Flush operations: local, by mask, all. A bad mask pointer is an error. */
TEST(flushes)
{
    struct mmuext_op op;
    uint64_t mask = 1;

    memset(&op, 0, sizeof(op));
    op.cmd = MMUEXT_TLB_FLUSH_LOCAL;
    CHECK_EQ(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    op.cmd = MMUEXT_INVLPG_LOCAL;
    op.arg1.linear_addr = WINDOW;
    CHECK_EQ(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    op.arg1.linear_addr = 0xffff830000000000UL;
    answer("invlpg_hole", "%ld", hv_mmuext_op(&op, 1, NULL, DOMID_SELF));
    op.cmd = MMUEXT_INVLPG_ALL;
    op.arg1.linear_addr = WINDOW;
    CHECK_EQ(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    op.cmd = MMUEXT_TLB_FLUSH_ALL;
    CHECK_EQ(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    op.cmd = MMUEXT_TLB_FLUSH_MULTI;
    op.arg2.vcpumask.p = &mask;
    CHECK_EQ(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    op.cmd = MMUEXT_INVLPG_MULTI;
    CHECK_EQ(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    op.arg2.vcpumask.p = (void *)0x1000;
    answer("bad_mask", "%ld", hv_mmuext_op(&op, 1, NULL, DOMID_SELF));
    op.cmd = MMUEXT_FLUSH_CACHE;
    CHECK_EQ(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
}

/* A write to a read-only L1 table page, with writable page tables on: carried out by the hypervisor,
 * with the same checks as an update. */
TEST(pte_write_emulation)
{
    uint64_t *page = page_alloc_zeroed();
    struct trap_frame trap;

    CHECK(window_ready());
    CHECK_EQ(hv_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    volatile uint64_t *l1e = pt_entry(l4_kernel(), WINDOW, 1);
    *l1e = pte_of(page, PTE_KERNEL);
    WINDOW_PAGE[9] = 0x99;
    CHECK_EQ(page[9], 0x99);
    uint64_t old = *l1e;
    CHECK(__sync_bool_compare_and_swap(l1e, old, pte_of(page, PTE_KERNEL_RO)));
    CHECK(!(*l1e & PTE_RW));
    old = __sync_lock_test_and_set(l1e, 0);
    CHECK(old & PTE_P);
    CHECK_EQ(*l1e, 0);
    /* A bad value is not written: the guest sees its own page fault. */
    CHECK(trap_catch(scribble, (void *)l1e, &trap) == false || trap.vector == 14);
    window_map(0);
    CHECK_EQ(hv_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), 0);
    page_free(page);
}

static void write_table_entry(void *l1e)
{
    *(volatile uint64_t *)l1e = (uint64_t)virt_to_mfn(l4_kernel()) << 12 | PTE_KERNEL;
}

/* The emulation refuses what an update would refuse, and upper-level tables altogether. */
TEST(pte_write_emulation_bad)
{
    struct trap_frame trap;

    CHECK(window_ready());
    CHECK_EQ(hv_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    uint64_t *l1e = pt_entry(l4_kernel(), WINDOW, 1);
    bool faulted = trap_catch(write_table_entry, l1e, &trap);
    answer("l1", "%d %lu", faulted, faulted ? trap.vector : 0);
    CHECK_EQ(*(volatile uint64_t *)l1e, 0);
    faulted = trap_catch(scribble, &l4_kernel()[101], &trap);
    answer("l4", "%d %lu", faulted, faulted ? trap.vector : 0);
    CHECK(faulted);
    CHECK_EQ(hv_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), 0);
    faulted = trap_catch(scribble, l1e, &trap);
    answer("off", "%d %lu", faulted, faulted ? trap.vector : 0);
}

/* The M2P table can be read and never written. */
TEST(m2p_readonly)
{
    struct trap_frame trap;

    CHECK_EQ(mfn_to_pfn(pfn_to_mfn(300)), 300);
    CHECK(trap_catch(scribble, (void *)MACH2PHYS_VIRT_START, &trap));
    CHECK_EQ(trap.vector, 14);
    answer("error", "%#lx", trap.error);
}

/* Other domains' tables through mmu_update's domid: unknown domains and DOMID_XEN. */
TEST(foreign_domids)
{
    struct mmu_update req = {.ptr = virt_to_maddr(pt_entry(l4_kernel(), KIT_VIRT_BASE, 1)),
                             .val = *pt_entry(l4_kernel(), KIT_VIRT_BASE, 1)};

    answer("unknown", "%ld", hv_mmu_update(&req, 1, NULL, 777));
    answer("bad_pt_dom", "%ld", hv_mmu_update(&req, 1, NULL, 778u << 0));
    answer("idle", "%ld", hv_mmu_update(&req, 1, NULL, 0x7fff));
    CHECK(hv_mmu_update(&req, 1, NULL, 777) < 0);
}
