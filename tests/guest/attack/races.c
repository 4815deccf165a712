/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two vCPUs: what one checks the other one changes; what one took away the other one's TLB still has
 * (XSA-45, 109, 273, 286, 310, 401, 402).
 */
#include "attack.h"

static uint64_t pte(unsigned long mfn, uint64_t flags)
{
    return (uint64_t)mfn << 12 | flags;
}

static volatile unsigned long seen;

/* ---- stale TLB entries ------------------------------------------------------------------------ */

static uint64_t *volatile stale_at;

/* Keeps the translation warm; writes whatever it can. */
static void keep_writing(void *arg)
{
    (void)arg;
    while (!helper_stop) {
        uint64_t *at = stale_at;

        /* Neither a present entry nor a present descriptor: what is to be refused is the write. */
        if (at != NULL && try_store(&at[100], (seen + 1) << 12 & 0xfffff000UL)) {
            seen++;
        }
    }
    helper_ended();
}

ATTACK(stale_tlb, 2)
{
    uint64_t *page = page_alloc_zeroed();
    unsigned long mfn = virt_to_mfn(page);
    unsigned int written = 0, tried = 0;

    window_map(0, 0);
    if (!start_helper(keep_writing, NULL)) {
        attempt(false, "no second vCPU");
        return;
    }
    for (unsigned int i = 0; i < 200; i++) {
        unsigned int kind = i % 3;

        /* Mapped a second time, writable, and in the other vCPU's TLB. */
        pte_write(page, pte(mfn, PTE_KERNEL));
        memset(page, 0, PAGE_SIZE);
        window_map(0, pte(mfn, PTE_KERNEL));
        stale_at = window(0);
        unsigned long before = seen;
        for (unsigned int spin = 0; seen == before && spin < 100000000; spin++) {
            barrier();
        }
        /* Both mappings go, without a flush; then it is a table. */
        hv_update_va_mapping(WINDOW, kind == 0 ? 0 : pte(mfn, PTE_KERNEL_RO), UVMF_NONE);
        hv_update_va_mapping((unsigned long)page, pte(mfn, PTE_KERNEL_RO), UVMF_NONE);
        long rc = kind == 2 ? hv_set_gdt(&mfn, 512) : mmuext_one(MMUEXT_PIN_L1_TABLE, mfn);
        if (rc != 0) {
            continue;
        }
        tried++;
        uint64_t first = *(volatile uint64_t *)&page[100];
        for (unsigned int spin = 0; spin < 20000; spin++) {
            barrier();
        }
        written += *(volatile uint64_t *)&page[100] != first;
        if (kind == 2) {
            hv_set_gdt(NULL, 0);
        } else {
            mmuext_one(MMUEXT_UNPIN_TABLE, mfn);
        }
    }
    stale_at = NULL;
    stop_helper();
    attempt(written == 0, "%u of %u tables were written through an old translation", written,
            tried);
    attempt(seen != 0, "the other vCPU did write while it might");
}

/* ---- a table's contents while it is checked --------------------------------------------------- */

static uint64_t *volatile racing_table;
static uint64_t evil_entry, good_entry;

static void keep_changing(void *arg)
{
    uint64_t flip = 0;

    (void)arg;
    while (!helper_stop) {
        uint64_t *t = racing_table;

        for (unsigned int i = 0; i < 512; i += 64) {
            if (try_store(&t[i], flip & 1 ? evil_entry : good_entry)) {
                seen++;
            }
        }
        flip++;
    }
    helper_ended();
}

ATTACK(pin_races, 2)
{
    uint64_t *t = page_alloc_zeroed(), *data = page_alloc_zeroed();
    unsigned long mfn = virt_to_mfn(t);
    unsigned int pinned = 0, evil = 0;

    racing_table = t;
    good_entry = pte(virt_to_mfn(data), PTE_KERNEL);
    evil_entry = pte(foreign_frame(5), PTE_KERNEL);
    if (!start_helper(keep_changing, NULL)) {
        attempt(false, "no second vCPU");
        return;
    }
    for (unsigned int i = 0; i < 1500; i++) {
        /* No flush: the other vCPU's translation is writable until the hypervisor sees to it. */
        hv_update_va_mapping((unsigned long)t, pte(mfn, PTE_KERNEL_RO), UVMF_NONE);
        if (mmuext_one(MMUEXT_PIN_L1_TABLE, mfn) == 0) {
            pinned++;
            for (unsigned int k = 0; k < 512; k++) {
                evil += ((*(volatile uint64_t *)&t[k] ^ evil_entry) & PTE_ADDR) == 0;
            }
            mmuext_one(MMUEXT_UNPIN_TABLE, mfn);
        }
        hv_update_va_mapping((unsigned long)t, pte(mfn, PTE_KERNEL), UVMF_INVLPG | UVMF_ALL);
        for (unsigned int spin = 0; spin < i % 200; spin++) {
            barrier();
        }
    }
    stop_helper();
    attempt(evil == 0, "%u evil entries in %u validated tables; %lu stores", evil, pinned, seen);
}

/* ---- validation, preempted ------------------------------------------------------------------------ */

#define NR_L2 3
#define NR_L1 24
static uint64_t *tree4, *tree3, *tree2[NR_L2], *tree1[NR_L1];
static volatile unsigned long disturbed;

/* An event is always pending on vCPU 0, so that each of its calls is preempted where it can be; and what its
 * calls are in the middle of is asked for by other calls. */
static void disturb(void *arg)
{
    volatile struct vcpu_info *other = &kit_shared->vcpu_info[0];
    static const unsigned int ops[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
                                       MMUEXT_PIN_L3_TABLE, MMUEXT_UNPIN_TABLE,
                                       MMUEXT_PIN_L4_TABLE};

    (void)arg;
    for (unsigned long i = 0; !helper_stop; i++) {
        uint64_t *t = i % 4 == 0 ? tree2[i / 4 % NR_L2] : i % 4 == 1 ? tree3 : tree1[i % NR_L1];
        unsigned long m = virt_to_mfn(t);
        struct mmuext_op op = {.cmd = ops[i % 5], .arg1.mfn = m};
        struct mmu_update u = {.ptr = (uint64_t)m << 12 | (i % 512) * 8, .val = 0};
        unsigned long frame = m;

        other->evtchn_upcall_pending = 1;
        switch (i % 7) {
        case 0:
        case 1:
        case 2: disturbed += hv_mmuext_op(&op, 1, NULL, DOMID_SELF) == 0; break;
        case 3:
            u.val = pte(virt_to_mfn(tree1[(i / 7) % NR_L1]), PTE_KERNEL);
            u.ptr = (uint64_t)virt_to_mfn(tree2[0]) << 12 | (500 + i % 8) * 8;
            hv_mmu_update(&u, 1, NULL, DOMID_SELF);
            u.val = 0;
            hv_mmu_update(&u, 1, NULL, DOMID_SELF);
            break;
        case 4:
            hv_set_gdt(&frame, 512);
            hv_set_gdt(NULL, 0);
            break;
        case 5:
            op.cmd = MMUEXT_CLEAR_PAGE;
            op.arg1.mfn = virt_to_mfn(tree1[NR_L1 - 1]);
            hv_mmuext_op(&op, 1, NULL, DOMID_SELF);
            break;
        default:
            hv_update_va_mapping((unsigned long)t, pte(m, PTE_KERNEL), UVMF_NONE);
            hv_update_va_mapping((unsigned long)t, pte(m, PTE_KERNEL_RO), UVMF_NONE);
        }
    }
    helper_ended();
}

ATTACK(preempted, 2)
{
    uint64_t *data = page_alloc_zeroed();
    unsigned int ok = 0, locked = 0;

    for (unsigned int i = 0; i < NR_L1; i++) {
        tree1[i] = page_alloc_zeroed();
        for (unsigned int k = 0; k < 256; k++) {
            tree1[i][k] = pte(virt_to_mfn(data), k & 1 ? PTE_KERNEL : PTE_KERNEL_RO);
        }
        page_set_readonly(tree1[i]);
    }
    for (unsigned int i = 0; i < NR_L2; i++) {
        tree2[i] = page_alloc_zeroed();
        for (unsigned int k = 0; k < NR_L1; k++) {
            tree2[i][k * 9] = pte(virt_to_mfn(tree1[(k + i) % NR_L1]), PTE_KERNEL);
        }
        page_set_readonly(tree2[i]);
    }
    tree3 = page_alloc_zeroed();
    tree4 = page_alloc_zeroed();
    for (unsigned int i = 0; i < NR_L2; i++) {
        tree3[i * 100] = pte(virt_to_mfn(tree2[i]), PTE_KERNEL);
    }
    page_set_readonly(tree3);
    tree4[5] = tree4[300] = pte(virt_to_mfn(tree3), PTE_KERNEL);
    page_set_readonly(tree4);
    make_preemptible();
    if (!start_helper(disturb, NULL)) {
        attempt(false, "no second vCPU");
        return;
    }
    for (unsigned int i = 0; i < 400; i++) {
        if (mmuext_one(MMUEXT_PIN_L4_TABLE, virt_to_mfn(tree4)) == 0) {
            ok++;
            mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(tree4));
        }
    }
    stop_helper();
    hv_set_gdt(NULL, 0);
    /* All counts must be down again: whatever was pinned is unpinned, and each page is data again. */
    mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(tree4));
    mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(tree3));
    for (unsigned int i = 0; i < NR_L2; i++) {
        mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(tree2[i]));
    }
    for (unsigned int i = 0; i < NR_L1; i++) {
        mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(tree1[i]));
    }
    locked += pte_write(tree4, pte(virt_to_mfn(tree4), PTE_KERNEL)) != 0;
    locked += pte_write(tree3, pte(virt_to_mfn(tree3), PTE_KERNEL)) != 0;
    for (unsigned int i = 0; i < NR_L2; i++) {
        locked += pte_write(tree2[i], pte(virt_to_mfn(tree2[i]), PTE_KERNEL)) != 0;
    }
    for (unsigned int i = 0; i < NR_L1; i++) {
        locked += pte_write(tree1[i], pte(virt_to_mfn(tree1[i]), PTE_KERNEL)) != 0;
    }
    attempt(locked == 0, "%u tables in use for good; %u pins, %lu disturbances", locked, ok,
            disturbed);
}

/* ---- arguments that change under way --------------------------------------------------------------- */

#define NR_REQS 64
static struct mmu_update reqs[NR_REQS];
static struct multicall_entry calls[NR_REQS];
static unsigned int done_count;

static void change_arguments(void *arg)
{
    volatile struct vcpu_info *other = &kit_shared->vcpu_info[0];

    (void)arg;
    for (unsigned long i = 0; !helper_stop; i++) {
        unsigned int k = (unsigned int)(i % NR_REQS);

        other->evtchn_upcall_pending = 1;
        *(volatile uint64_t *)&reqs[k].val = i & 1 ? evil_entry : good_entry;
        *(volatile uint64_t *)&reqs[k].ptr =
            i & 2 ? virt_to_maddr(window_entry(k)) : (uint64_t)foreign_frame(i % NR_FOREIGN) << 12;
        *(volatile unsigned int *)&done_count = (unsigned int)i * 0x10001u;
        *(volatile unsigned long *)&calls[k].op = i % 5 == 0   ? __HYPERVISOR_multicall
                                                  : i % 5 == 1 ? ~0UL
                                                               : __HYPERVISOR_mmu_update;
        *(volatile unsigned long *)&calls[k].args[1] = i % 3 ? 0x80000004UL : ~0UL;
    }
    helper_ended();
}

ATTACK(arguments_change, 2)
{
    uint64_t *data = page_alloc_zeroed();
    unsigned int reached = 0, left = 0;

    good_entry = pte(virt_to_mfn(data), PTE_KERNEL);
    evil_entry = pte(foreign_frame(5), PTE_KERNEL);
    for (unsigned int i = 0; i < NR_REQS; i++) {
        window_map(i, 0);
        reqs[i].ptr = virt_to_maddr(window_entry(i));
        reqs[i].val = good_entry;
    }
    make_preemptible();
    if (!start_helper(change_arguments, NULL)) {
        attempt(false, "no second vCPU");
        return;
    }
    for (unsigned int round = 0; round < 1500; round++) {
        if (round % 2 == 0) {
            hv_mmu_update(reqs, NR_REQS, &done_count, DOMID_SELF);
        } else {
            for (unsigned int i = 0; i < NR_REQS; i++) {
                calls[i].op = __HYPERVISOR_mmu_update;
                calls[i].args[0] = (unsigned long)&reqs[i];
                calls[i].args[1] = 1;
                calls[i].args[2] = (unsigned long)&done_count;
                calls[i].args[3] = DOMID_SELF;
            }
            hv_multicall(calls, NR_REQS);
        }
        for (unsigned int i = 0; i < NR_REQS; i++) {
            uint64_t e = *(volatile uint64_t *)window_entry(i);

            reached += (e & PTE_P) && ((e ^ good_entry) & PTE_ADDR) != 0;
        }
    }
    stop_helper();
    for (unsigned int i = 0; i < NR_REQS; i++) {
        left += window_map(i, 0) != 0;
    }
    attempt(reached == 0, "%u entries that nobody may make", reached);
    attempt(left == 0, "%u entries that cannot be taken back", left);
}

/* ---- code that changes while the hypervisor emulates it -------------------------------------------- */

static volatile uint8_t *code;

static void change_code(void *arg)
{
    static const uint8_t bytes[] = {0x89, 0x87, 0x31, 0xc7, 0x0f, 0xf0,
                                    0x48, 0xa5, 0xcd, 0x8f, 0xf3, 0x6f};

    (void)arg;
    for (unsigned long i = 0; !helper_stop; i++) {
        code[i % 3] = bytes[i / 3 % sizeof(bytes)];
        code[0] = 0x48; /* mov %rax, (%rdi) */
        code[1] = 0x89;
        code[2] = 0x07;
    }
    helper_ended();
}

static void run_code(void *entry)
{
    __asm__ volatile("call *%1"
                     :
                     : "D"(entry), "r"(code), "a"(evil_entry), "c"(1), "d"(0x70)
                     : "memory", "rsi");
}

ATTACK(code_changes, 2)
{
    unsigned int reached = 0, left;

    hv_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    code = page_alloc_zeroed();
    memset((void *)code, 0xc3, PAGE_SIZE);
    window_map(8, 0);
    evil_entry = pte(foreign_frame(5), PTE_KERNEL);
    if (!start_helper(change_code, NULL)) {
        attempt(false, "no second vCPU");
        return;
    }
    for (unsigned int i = 0; i < 3000; i++) {
        uint64_t *entry = window_entry(8);

        traps(run_code, entry);
        uint64_t e = *(volatile uint64_t *)entry;
        reached += (e & PTE_P) && ((e ^ evil_entry) & PTE_ADDR) == 0;
    }
    stop_helper();
    left = window_map(8, 0) != 0;
    attempt(reached == 0 && left == 0, "%u foreign frames by emulated writes", reached);
}

/* ---- a CPU kept busy by another vCPU's changes (with XPTI, roots are copied) --------------------------- */

static void change_root(void *arg)
{
    static struct mmu_update flips[64];
    uint64_t *l4 = l4_kernel();

    (void)arg;
    while (!helper_stop) {
        for (unsigned int i = 0; i < 64; i++) {
            flips[i].ptr = virt_to_maddr(&l4[300]);
            flips[i].val = i & 1 ? 0 : PTE_RW; /* not present: nothing to check */
        }
        hv_mmu_update(flips, 64, NULL, DOMID_SELF);
        seen++;
    }
    helper_ended();
}

ATTACK(root_changes, 2)
{
    uint64_t end = time_now() + 300000000UL;
    unsigned long calls_made = 0;

    if (!start_helper(change_root, NULL)) {
        attempt(false, "no second vCPU");
        return;
    }
    while (time_now() < end) {
        hv_xen_version(XENVER_version, NULL);
        calls_made++;
    }
    stop_helper();
    attempt(calls_made > 100, "%lu hypercalls while the root changes (%lu times 64)", calls_made,
            seen);
}
