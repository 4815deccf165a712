/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page tables: entries that nobody may make (self-maps, linear maps, superpages, reserved bits, foreign frames), by
 * every call that writes an entry; frames in two uses at once (XSA-148, 182, 213 to 217, 227, 242, 273, 286).
 */
#include "attack.h"

#define L4_SLOT 72 /* of WINDOW */

static uint64_t pte(unsigned long mfn, uint64_t flags)
{
    return (uint64_t)mfn << 12 | flags;
}

/* The entry must stay as it is, and the call must say no. */
static void refused_entry(uint64_t *entry, uint64_t value, const char *what)
{
    uint64_t before = *(volatile uint64_t *)entry;
    long rc = mmu_update_one(virt_to_maddr(entry), value);

    attempt(rc < 0 && *(volatile uint64_t *)entry == before, "%s: %ld", what, rc);
}

static uint64_t *own_table(unsigned int level)
{
    return mfn_to_virt((*pt_entry(l4_kernel(), KIT_VIRT_BASE + 0x100000, level + 1) & PTE_ADDR) >>
                       12);
}

/* Tables that map tables, writable or not, at each level. */
ATTACK(self_maps, 1)
{
    uint64_t *l4 = l4_kernel(), *l3 = own_table(3), *l2 = own_table(2), *l1 = own_table(1);
    unsigned long m4 = virt_to_mfn(l4), m3 = virt_to_mfn(l3), m2 = virt_to_mfn(l2),
                  m1 = virt_to_mfn(l1);

    window_map(0, 0);
    refused_entry(&l4[300], pte(m4, PTE_KERNEL), "an L4 in itself, writable");
    refused_entry(&l4[300], pte(m4, PTE_KERNEL_RO), "an L4 in itself, read only");
    refused_entry(&l4[300], pte(m2, PTE_KERNEL), "an L2 in an L4");
    refused_entry(&l4[300], pte(m1, PTE_KERNEL), "an L1 in an L4");
    refused_entry(&l3[0], pte(m3, PTE_KERNEL_RO), "an L3 in itself");
    refused_entry(&l3[0], pte(m4, PTE_KERNEL), "an L4 in an L3");
    refused_entry(&l3[0], pte(m1, PTE_KERNEL), "an L1 in an L3");
    refused_entry(&l2[400], pte(m2, PTE_KERNEL_RO), "an L2 in itself");
    refused_entry(&l2[400], pte(m3, PTE_KERNEL), "an L3 in an L2");
    refused_entry(window_entry(0), pte(m4, PTE_KERNEL), "an L4, mapped writable");
    refused_entry(window_entry(0), pte(m3, PTE_KERNEL), "an L3, mapped writable");
    refused_entry(window_entry(0), pte(m2, PTE_KERNEL), "an L2, mapped writable");
    refused_entry(window_entry(0), pte(m1, PTE_KERNEL), "an L1, mapped writable");
    REFUSED(window_map(0, pte(m1, PTE_KERNEL)), "the same by update_va_mapping");
    /* Read only is allowed: and stays so. (XSA-182: the flags of a self-map changed without a look.) */
    if (window_map(0, pte(m4, PTE_KERNEL_RO)) == 0) {
        refused_entry(window_entry(0), pte(m4, PTE_KERNEL),
                      "a read-only map of an L4 made writable");
        attempt(!try_store(window(0), ~0UL), "writing through it");
    }
    REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, m4), "an L4 pinned as L1");
    REFUSED(mmuext_one(MMUEXT_PIN_L3_TABLE, m1), "an L1 pinned as L3");
    REFUSED(mmuext_one(MMUEXT_PIN_L2_TABLE, m3), "an L3 pinned as L2");
    REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, m3), "an L3 as root");
    REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(page_alloc())), "a writable page as root");
    REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, 0), "no root");
    REFUSED(mmuext_one(MMUEXT_NEW_USER_BASEPTR, m1), "an L1 as the user's root");
}

/* Bits that widen what an entry means, and the hypervisor's own slots. */
ATTACK(superpages, 1)
{
    uint64_t *l4 = l4_kernel(), *l3 = own_table(3), *l2 = own_table(2), *l1 = own_table(1);
    uint64_t *page = page_alloc_zeroed();
    unsigned long m = virt_to_mfn(page);

    window_map(0, 0);
    refused_entry(&l2[400], pte(m & ~511UL, PTE_KERNEL | PTE_PSE), "2 MiB, in an L2");
    refused_entry(&l2[400], pte(0, PTE_KERNEL | PTE_PSE), "2 MiB of frame 0");
    refused_entry(&l3[0], pte(0, PTE_KERNEL | PTE_PSE), "1 GiB, in an L3");
    refused_entry(&l4[300], pte(0, PTE_KERNEL | PTE_PSE), "PSE in an L4");
    refused_entry(&l2[400], pte(virt_to_mfn(l1), PTE_KERNEL | PTE_PSE), "PSE with an L1");
    refused_entry(&l2[400], pte(virt_to_mfn(l1), PTE_KERNEL | PTE_PCD), "an uncached table");
    refused_entry(window_entry(0), pte(m, PTE_KERNEL | PTE_PCD), "an uncached page");
    refused_entry(window_entry(0), pte(m, PTE_KERNEL | PTE_PSE), "a page with the PAT bit");
    refused_entry(window_entry(0), pte(m, PTE_KERNEL | 1UL << 62), "the mark of grants");
    refused_entry(window_entry(0), pte(m, PTE_KERNEL) | 1UL << 51, "an address bit beyond memory");
    /* XSA-148: a table that was made while the bits looked otherwise. */
    if (mmu_update_one(virt_to_maddr(&l2[400]), pte(m, PTE_PSE | PTE_RW)) == 0) {
        refused_entry(&l2[400], pte(m, PTE_KERNEL | PTE_PSE), "PSE first, then present");
        mmu_update_one(virt_to_maddr(&l2[400]), 0);
    }
    for (unsigned int slot = 256; slot < 272; slot++) {
        uint64_t before = *(volatile uint64_t *)&l4[slot];
        long rc = mmu_update_one(virt_to_maddr(&l4[slot]), 0);
        bool same = *(volatile uint64_t *)&l4[slot] == before;

        attempt(rc < 0 && same, "slot %u of the L4 cleared: %ld", slot, rc);
        rc = mmu_update_one(virt_to_maddr(&l4[slot]), pte(virt_to_mfn(l3), PTE_KERNEL));
        same = *(volatile uint64_t *)&l4[slot] == before;
        attempt(rc < 0 && same, "slot %u of the L4 set: %ld", slot, rc);
    }
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        REFUSED(hv_update_va_mapping(bad_addresses[i], pte(m, PTE_KERNEL), UVMF_INVLPG),
                "update_va_mapping of %#lx", bad_addresses[i]);
        attempt(hv_update_va_mapping(WINDOW, 0, UVMF_TLB_FLUSH | (bad_addresses[i] & ~7UL)) <= 0,
                "a bitmap of vCPUs at %#lx", bad_addresses[i]);
    }
    /* Its address at INVLPG is the guest's to choose (XSA-279). */
    for (unsigned int i = 0; i < NR_BAD_ADDRESSES; i++) {
        struct mmuext_op op = {.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = bad_addresses[i]};

        hv_mmuext_op(&op, 1, NULL, DOMID_SELF);
        op.cmd = MMUEXT_INVLPG_ALL;
        hv_mmuext_op(&op, 1, NULL, DOMID_SELF);
        attempt(true, "INVLPG of %#lx", bad_addresses[i]);
    }
    /* In a table that is validated as a whole. */
    static const uint64_t evil[] = {PTE_KERNEL | PTE_PSE, PTE_KERNEL | PTE_PCD,
                                    PTE_KERNEL | 1UL << 62};
    for (unsigned int i = 0; i < 3; i++) {
        uint64_t *t = page_alloc_zeroed();

        t[511] = pte(m, evil[i]);
        page_set_readonly(t);
        REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, virt_to_mfn(t)), "an L1 with bits %#lx", evil[i]);
    }
}

/* Frames of others, the hypervisor's, and such as do not exist. */
ATTACK(foreign_frames, 1)
{
    uint64_t *l2 = own_table(2), *l3 = own_table(3), *l4 = l4_kernel();
    uint64_t *t = table_alloc();
    unsigned int bad = 0;

    window_map(0, 0);
    for (unsigned int i = 0; i < NR_FOREIGN; i++) {
        unsigned long m = foreign_frame(i);
        struct mmuext_op op = {.arg1.mfn = m};

        bad += window_map(0, pte(m, PTE_KERNEL)) == 0;
        bad += window_map(0, pte(m, PTE_KERNEL_RO)) == 0;
        bad += window_map(0, pte(m, PTE_P)) == 0;
        bad += mmu_update_one(virt_to_maddr(&l2[400]), pte(m, PTE_KERNEL)) == 0;
        bad += mmu_update_one(virt_to_maddr(&l3[0]), pte(m, PTE_KERNEL)) == 0;
        bad += mmu_update_one(virt_to_maddr(&l4[300]), pte(m, PTE_KERNEL)) == 0;
        bad += mmu_update_one(pte(m, 8), 0) == 0;
        bad += mmu_update_one(pte(m, MMU_MACHPHYS_UPDATE), 0) == 0;
        bad += mmu_update_one(pte(m, MMU_PT_UPDATE_PRESERVE_AD), 0) == 0;
        for (op.cmd = MMUEXT_PIN_L1_TABLE; op.cmd <= MMUEXT_NEW_BASEPTR; op.cmd++) {
            bad += hv_mmuext_op(&op, 1, NULL, DOMID_SELF) == 0;
        }
        op.cmd = MMUEXT_CLEAR_PAGE;
        bad += hv_mmuext_op(&op, 1, NULL, DOMID_SELF) == 0;
        op.cmd = MMUEXT_COPY_PAGE;
        op.arg2.src_mfn = virt_to_mfn(l2);
        bad += hv_mmuext_op(&op, 1, NULL, DOMID_SELF) == 0;
        op.arg1.mfn = virt_to_mfn(l2);
        op.arg2.src_mfn = m;
        bad += hv_mmuext_op(&op, 1, NULL, DOMID_SELF) == 0;
        attempt(bad == 0, "frame %#lx, by all ways", m);
        bad = 0;
    }
    attempt(*(volatile uint64_t *)window_entry(0) == 0, "nothing of that is mapped");
    /* As the owner of tables, or of frames, each domain that there can be. */
    static const domid_t ids[] = {0,     1, 2, 3, 4, DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID,
                                  0x7fff};
    for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct mmu_update u = {.ptr = virt_to_maddr(window_entry(0)),
                               .val = pte(foreign_frame(5 + i), PTE_KERNEL)};
        struct mmuext_op op = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = foreign_frame(5 + i)};

        bad = hv_mmu_update(&u, 1, NULL, ids[i]) == 0;
        bad +=
            HYPERCALL4(__HYPERVISOR_mmu_update, &u, 1, NULL, ((ids[i] + 1UL) << 16) | ids[i]) == 0;
        bad += HYPERCALL4(__HYPERVISOR_mmu_update, &u, 1, NULL,
                          ((ids[i] + 1UL) << 16) | DOMID_SELF) == 0;
        bad += HYPERCALL4(__HYPERVISOR_update_va_mapping_otherdomain, WINDOW, u.val, UVMF_INVLPG,
                          ids[i]) == 0;
        bad += hv_mmuext_op(&op, 1, NULL, ids[i]) == 0;
        op.cmd = MMUEXT_UNPIN_TABLE;
        bad += hv_mmuext_op(&op, 1, NULL, ids[i]) == 0;
        op.cmd = MMUEXT_NEW_BASEPTR;
        bad += hv_mmuext_op(&op, 1, NULL, ids[i]) == 0;
        op.cmd = MMUEXT_SET_LDT;
        op.arg1.linear_addr = WINDOW;
        op.arg2.nr_ents = 1;
        bad += hv_mmuext_op(&op, 1, NULL, ids[i]) == 0;
        op.cmd = MMUEXT_TLB_FLUSH_LOCAL; /* harmless, whoever is named */
        hv_mmuext_op(&op, 1, NULL, ids[i]);
        attempt(bad == 0, "in the name of domain %#x", ids[i]);
    }
    table_free(t);
}

static void retype(unsigned long m, const char *what, bool may_be_data)
{
    struct mmuext_op op = {.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = m};
    xen_pfn_t frame = m;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, &frame);
    REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, m), "%s pinned as L1", what);
    REFUSED(mmuext_one(MMUEXT_PIN_L4_TABLE, m), "%s pinned as L4", what);
    REFUSED(mmu_update_one(virt_to_maddr(&own_table(2)[400]), pte(m, PTE_KERNEL)), "%s as an L1",
            what);
    if (!may_be_data) {
        REFUSED(window_map(0, pte(m, PTE_KERNEL)), "%s mapped writable", what);
        REFUSED(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), "%s cleared", what);
        op.cmd = MMUEXT_COPY_PAGE;
        op.arg2.src_mfn = m;
        REFUSED(hv_mmuext_op(&op, 1, NULL, DOMID_SELF), "%s copied to", what);
        REFUSED(mmu_update_one(pte(m, 0), 1), "%s written by mmu_update", what);
        attempt(hv_memory_op(XENMEM_decrease_reservation, &r) != 1, "%s given back", what);
    }
}

/* What is in one use must not get another one. */
ATTACK(type_confusion, 1)
{
    unsigned long *gdt = page_alloc_zeroed(), *ldt = page_alloc_zeroed();
    uint64_t *l1 = page_alloc_zeroed();
    unsigned long mfn = virt_to_mfn(gdt);
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg2.nr_ents = 512};

    window_map(0, 0);
    retype(virt_to_mfn(page_alloc_zeroed()), "a writable page", true);
    retype(kit_start_info->shared_info >> 12, "shared info", true);
    grants_init();
    retype((pte_read(kit_grants) & PTE_ADDR) >> 12, "the grant table", true);

    REFUSED(hv_set_gdt(&mfn, 512), "a writable page as GDT");
    page_set_readonly(gdt);
    if (hv_set_gdt(&mfn, 512) == 0) {
        retype(mfn, "the GDT", false);
    }
    gdt = page_alloc_zeroed();
    mfn = virt_to_mfn(l4_kernel());
    REFUSED(hv_set_gdt(&mfn, 512), "an L4 as GDT");
    mfn = kit_start_info->shared_info >> 12;
    REFUSED(hv_set_gdt(&mfn, 512), "shared info as GDT");
    mfn = foreign_frame(20);
    REFUSED(hv_set_gdt(&mfn, 512), "a foreign frame as GDT");
    hv_set_gdt(NULL, 0);

    /* An LDT page gets its type when a selector is used. */
    ldt[1] = 0x00cff3000000ffffUL;
    page_set_readonly(ldt);
    op.arg1.linear_addr = (unsigned long)ldt;
    if (hv_mmuext_op(&op, 1, NULL, DOMID_SELF) == 0) {
        __asm__ volatile("mov %0, %%fs" : : "r"(0xf));
        retype(virt_to_mfn(ldt), "the LDT", false);
        __asm__ volatile("mov %0, %%fs" : : "r"(0));
    }
    op.arg2.nr_ents = 0;
    hv_mmuext_op(&op, 1, NULL, DOMID_SELF);
    page_set_writable(ldt);
    attempt(true, "the page is free again when the LDT is gone");

    page_set_readonly(l1);
    if (mmuext_one(MMUEXT_PIN_L1_TABLE, virt_to_mfn(l1)) == 0) {
        struct vcpu_register_vcpu_info info = {.mfn = virt_to_mfn(l1)};
        struct evtchn_init_control control = {.control_gfn = virt_to_mfn(l1)};
        struct evtchn_expand_array array = {.array_gfn = virt_to_mfn(l1)};

        mfn = virt_to_mfn(l1);
        REFUSED(hv_set_gdt(&mfn, 512), "an L1 as GDT");
        REFUSED(window_map(0, pte(mfn, PTE_KERNEL)), "an L1 mapped writable");
        REFUSED(hv_vcpu_op(VCPUOP_register_vcpu_info, 0, &info), "an L1 as vcpu_info");
        REFUSED(hv_event_channel_op(EVTCHNOP_init_control, &control), "an L1 as control block");
        REFUSED(hv_event_channel_op(EVTCHNOP_expand_array, &array), "an L1 as event array");
        REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, mfn), "pinned twice");
        REFUSED(mmuext_one(MMUEXT_PIN_L2_TABLE, mfn), "pinned as two");
        attempt(mmuext_one(MMUEXT_UNPIN_TABLE, mfn) == 0, "unpinned");
        REFUSED(mmuext_one(MMUEXT_UNPIN_TABLE, mfn), "unpinned twice");
        attempt(pte_write(l1, pte(mfn, PTE_KERNEL)) == 0, "writable again");
    }
}

/* ---- the hypervisor's own hand: writes by ordinary instructions that it carries out --------------------- */

/* A store to an entry of a table, in each form that there is; whatever it does, no foreign frame. */
static bool reaches(uint64_t *entry, uint64_t evil)
{
    uint64_t now = *(volatile uint64_t *)entry;

    return (now & PTE_P) && ((now ^ evil) & PTE_ADDR) == 0;
}

static void *target;
static uint64_t evil_value;

static void by_mov(void *arg)
{
    *(volatile uint64_t *)arg = evil_value;
}
static void by_xchg(void *arg)
{
    uint64_t v = evil_value;
    __asm__ volatile("xchg %0, (%1)" : "+r"(v) : "r"(arg) : "memory");
}
static void by_cmpxchg(void *arg)
{
    uint64_t old = *(volatile uint64_t *)arg;
    __asm__ volatile("lock cmpxchg %2, (%1)" : "+a"(old) : "r"(arg), "r"(evil_value) : "memory");
}
static void by_or(void *arg)
{
    __asm__ volatile("lock or %1, (%0)" : : "r"(arg), "r"(evil_value) : "memory");
}
static void by_low_half(void *arg)
{
    *(volatile uint32_t *)arg = (uint32_t)evil_value;
    *((volatile uint32_t *)arg + 1) = (uint32_t)(evil_value >> 32);
}
static void by_high_half(void *arg)
{
    *((volatile uint32_t *)arg + 1) = (uint32_t)(evil_value >> 32);
    *(volatile uint32_t *)arg = (uint32_t)evil_value;
}
static void by_bytes(void *arg)
{
    for (unsigned int i = 8; i-- > 0;) {
        ((volatile uint8_t *)arg)[i] = (uint8_t)(evil_value >> (8 * i));
    }
}
static void straddling(void *arg)
{
    *(volatile uint64_t *)((char *)arg - 4) = evil_value << 32;
    *(volatile uint64_t *)((char *)arg + 4) = evil_value >> 32;
}
static void by_stos(void *arg)
{
    unsigned long n = 1;
    __asm__ volatile("rep stosq" : "+D"(arg), "+c"(n) : "a"(evil_value) : "memory");
}
static void by_movs(void *arg)
{
    unsigned long n = 1;
    const void *from = &evil_value;
    __asm__ volatile("rep movsq" : "+D"(arg), "+c"(n), "+S"(from) : : "memory");
}
/* The page fault finds no stack to report it on. */
static void by_push(void *arg)
{
    __asm__ volatile("mov %%rsp, %%rcx; lea 8(%0), %%rsp; push %1; mov %%rcx, %%rsp"
                     :
                     : "r"(arg), "r"(evil_value)
                     : "rcx", "memory");
}
static void by_segment(void *arg)
{
    hv_set_segment_base(SEGBASE_FS, (unsigned long)arg - 0x1000);
    __asm__ volatile("movq %0, %%fs:0x1000" : : "r"(evil_value) : "memory");
    hv_set_segment_base(SEGBASE_FS, 0);
}
static void by_cmpxchg16b(void *arg)
{
    void *at = (void *)((unsigned long)arg & ~15UL);
    uint64_t a = ((volatile uint64_t *)at)[0], d = ((volatile uint64_t *)at)[1];
    __asm__ volatile("lock cmpxchg16b (%2)"
                     : "+a"(a), "+d"(d)
                     : "r"(at), "b"(evil_value), "c"(evil_value)
                     : "memory");
}
static void by_bts(void *arg)
{
    for (unsigned int bit = 0; bit < 64; bit++) {
        if (evil_value >> bit & 1) {
            __asm__ volatile("lock bts %1, (%0)" : : "r"(arg), "r"((uint64_t)bit) : "memory");
        }
    }
}

ATTACK(emulated_writes, 1)
{
    static const struct {
        const char *name;
        void (*fn)(void *);
    } forms[] = {{"mov", by_mov},
                 {"xchg", by_xchg},
                 {"cmpxchg", by_cmpxchg},
                 {"or", by_or},
                 {"halves, low first", by_low_half},
                 {"halves, high first", by_high_half},
                 {"bytes", by_bytes},
                 {"across two entries", straddling},
                 {"rep stos", by_stos},
                 {"rep movs", by_movs},
                 {"a segment with a base", by_segment},
                 {"cmpxchg16b", by_cmpxchg16b},
                 {"bts", by_bts}};

    hv_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    window_map(0, 0);
    for (unsigned int i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        bool reached = false;

        for (unsigned int k = 0; k < NR_FOREIGN && !reached; k += 7) {
            target = window_entry(8);
            window_map(8, 0);
            evil_value = pte(foreign_frame(k), PTE_KERNEL);
            traps(forms[i].fn, target);
            reached = reaches(target, evil_value);
        }
        attempt(!reached, "foreign frames, by %s", forms[i].name);
        evil_value = pte(virt_to_mfn(own_table(1)), PTE_KERNEL);
        window_map(8, 0);
        traps(forms[i].fn, target);
        attempt(!reaches(target, evil_value) || !(*(volatile uint64_t *)target & PTE_RW),
                "an L1, writable, by %s", forms[i].name);
        window_map(8, 0);
        window_map(9, 0);
        window_map(7, 0);
        traps(forms[i].fn, &own_table(2)[400]);
        attempt(*(volatile uint64_t *)&own_table(2)[400] == 0, "an L2's entry, by %s",
                forms[i].name);
    }
}

LAST_ATTACK(table_as_stack, 1)
{
    hv_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    window_map(8, 0);
    evil_value = pte(foreign_frame(5), PTE_KERNEL);
    attempt(true, "a page table is the stack from here on");
    by_push(window_entry(8));
    attempt(!reaches(window_entry(8), evil_value), "a push to it");
}
