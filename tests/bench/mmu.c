/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page-table work: single updates, batches, emulated writes, pinning whole trees. */
#include "bench.h"

#define WINDOW 0x0000200000000000UL
#define BATCH  512

static struct mmu_update reqs[BATCH];
static uint64_t *pages[2];

static uint64_t pte(unsigned int which, uint64_t flags)
{
    return (uint64_t)virt_to_mfn(pages[which]) << 12 | flags;
}

static long update_va(uint64_t value, unsigned long flags)
{
    return STUB3(__HYPERVISOR_update_va_mapping, WINDOW, value, flags);
}

static void single_updates(void)
{
    uint64_t a = pte(0, PTE_KERNEL), b = pte(1, PTE_KERNEL);

    TRY("update_va_mapping_invlpg", update_va(a, UVMF_INVLPG | UVMF_LOCAL));
    MEASURE("update_va_mapping_invlpg", 1, update_va(i & 1 ? a : b, UVMF_INVLPG | UVMF_LOCAL));
    MEASURE("update_va_mapping_noflush", 1, update_va(i & 1 ? a : b, UVMF_NONE));
    MEASURE_PAIR("update_va_unmap_invlpg", "update_va_map", 1, 64,
                 update_va(0, UVMF_INVLPG | UVMF_LOCAL), update_va(a, UVMF_NONE));
    update_va(0, UVMF_TLB_FLUSH | UVMF_LOCAL);
}

/* Fills the first n requests for n entries of the window; round decides between two values. */
static void fill(unsigned int n, uint64_t value)
{
    uint64_t l1 = virt_to_maddr(pt_entry(l4_kernel(), WINDOW, 1));

    for (unsigned int i = 0; i < n; i++) {
        reqs[i].ptr = l1 + 8 * i;
        reqs[i].val = value;
    }
}

static long submit(unsigned int n)
{
    return STUB(__HYPERVISOR_mmu_update, reqs, n, 0, DOMID_SELF);
}

/* Batches of n that change every entry from one value to the other; only the calls are timed. */
static void batches(const char *name, unsigned int n, uint64_t from, uint64_t to)
{
    uint64_t best = ~0UL;

    fill(n, from);
    TRY(name, submit(n));
    for (unsigned int batch = 0; batch < BATCHES; batch++) {
        uint64_t total = 0;

        for (unsigned int round = 0; round < 8; round++) {
            fill(n, round & 1 ? from : to);
            uint64_t start = rdtsc();
            submit(n);
            total += rdtsc() - start - rdtsc_cost;
        }
        best = total < best ? total : best;
    }
    report(name, best, 8 * n);
    for (unsigned int round = bench_traced(name) ? 0 : 2; round < 2; round++) {
        fill(n, round & 1 ? from : to);
        bench_trace_begin();
        submit(n);
        bench_trace_end();
    }
    fill(n, 0);
    submit(n);
}

static void emulated_writes(void)
{
    volatile uint64_t *entry = pt_entry(l4_kernel(), WINDOW, 1);
    uint64_t a = pte(0, PTE_KERNEL), b = pte(1, PTE_KERNEL);

    TRY("pte_write_emul", hv_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
    *entry = a;
    if ((*entry ^ a) & PTE_ADDR) {
        report_failure("pte_write_emul", -1);
        return;
    }
    MEASURE("pte_write_emul", 1,
            __asm__ volatile("mov %1, (%0)"
                             :
                             : "D"(entry), "a"(i & 1 ? a : b)
                             : "memory"));
    *entry = 0;
}

static void flushes(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = WINDOW};

    MEASURE("mmuext_invlpg_local", 1, STUB(__HYPERVISOR_mmuext_op, &op, 1, 0, DOMID_SELF));
    op.cmd = MMUEXT_TLB_FLUSH_LOCAL;
    MEASURE("mmuext_tlb_flush_local", 1, STUB(__HYPERVISOR_mmuext_op, &op, 1, 0, DOMID_SELF));
}

void bench_mmu(void)
{
    pages[0] = page_alloc_zeroed();
    pages[1] = page_alloc_zeroed();
    map_page(l4_kernel(), WINDOW, 0);
    single_updates();
    batches("mmu_update_b1", 1, pte(0, PTE_KERNEL), pte(1, PTE_KERNEL));
    batches("mmu_update_b32", 32, pte(0, PTE_KERNEL), pte(1, PTE_KERNEL));
    batches("mmu_update_b512", 512, pte(0, PTE_KERNEL), pte(1, PTE_KERNEL));
    batches("mmu_update_b512_mapunmap", 512, pte(0, PTE_KERNEL), 0);
    batches("mmu_update_b512_protect", 512, pte(0, PTE_KERNEL), pte(0, PTE_KERNEL_RO));
    emulated_writes();
    flushes();
}

/* A tree of 1 L4, 1 L3, 1 L2 and 64 L1 whose L1 entries (per_l1 in each) map an ordinary page. */
#define TREE_L1S 64
static uint64_t *tree_l4, *tree_l3, *tree_l2, *tree_l1[TREE_L1S];

static uint64_t table_pte(uint64_t *table)
{
    return (uint64_t)virt_to_mfn(table) << 12 | PTE_KERNEL;
}

static void tree_build(unsigned int per_l1)
{
    for (unsigned int t = 0; t < TREE_L1S; t++) {
        for (unsigned int i = 0; i < 512; i++) {
            /* A page that is mapped elsewhere, too: its type does not change. */
            tree_l1[t][i] = i < per_l1 ? pte(0, PTE_KERNEL) : 0;
        }
        page_set_readonly(tree_l1[t]);
        tree_l2[t] = table_pte(tree_l1[t]);
    }
    tree_l3[0] = table_pte(tree_l2);
    tree_l4[0] = table_pte(tree_l3);
    page_set_readonly(tree_l2);
    page_set_readonly(tree_l3);
    page_set_readonly(tree_l4);
}

static void tree_writable(void)
{
    for (unsigned int t = 0; t < TREE_L1S; t++) {
        page_set_writable(tree_l1[t]);
    }
    page_set_writable(tree_l2);
    page_set_writable(tree_l3);
    page_set_writable(tree_l4);
}

static void pin_tree(const char *pin_name, const char *unpin_name, unsigned int per_l1)
{
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L4_TABLE}, unpin = {.cmd = MMUEXT_UNPIN_TABLE};

    tree_build(per_l1);
    pin.arg1.mfn = unpin.arg1.mfn = virt_to_mfn(tree_l4);
    long rc = hv_mmuext_op(&pin, 1, NULL, DOMID_SELF);
    if (rc != 0) {
        report_failure(pin_name, rc);
        report_failure(unpin_name, rc);
        return;
    }
    hv_mmuext_op(&unpin, 1, NULL, DOMID_SELF);
    MEASURE_PAIR(pin_name, unpin_name, TREE_L1S + 3, 5,
                 STUB(__HYPERVISOR_mmuext_op, &pin, 1, 0, DOMID_SELF),
                 STUB(__HYPERVISOR_mmuext_op, &unpin, 1, 0, DOMID_SELF));
    tree_writable();
}

void bench_pins(void)
{
    tree_l4 = page_alloc_zeroed();
    tree_l3 = page_alloc_zeroed();
    tree_l2 = page_alloc_zeroed();
    for (unsigned int t = 0; t < TREE_L1S; t++) {
        tree_l1[t] = page_alloc_zeroed();
    }
    pin_tree("pin_l4_full_per_page", "unpin_l4_full_per_page", 512);
    pin_tree("pin_l4_sparse16_per_page", "unpin_l4_sparse16_per_page", 16);
}
