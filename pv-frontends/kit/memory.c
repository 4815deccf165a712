/* SPDX-License-Identifier: MIT */
/* The kit's page allocator and page-table helpers. */
#include "kit/memory.h"
#include "kit/hypercall.h"
#include "kit/console.h"
#include "kit/string.h"
#include "kit/io.h"

extern char kit_image_start[];

/* Free pages are chained through their first word. */
static void *free_list;
static unsigned long free_count;

/* First pfn that is not mapped at KIT_VIRT_BASE yet. */
static unsigned long mapped_end;

uint64_t *l4_kernel(void)
{
    return (uint64_t *)kit_start_info->pt_base;
}

uint64_t *pt_entry(uint64_t *l4, unsigned long va, unsigned int level)
{
    uint64_t *table = l4;

    for (unsigned int l = 4; l > level; l--) {
        uint64_t e = *(volatile uint64_t *)&table[pt_index(va, l)];

        if (!(e & PTE_P) || (e & PTE_PSE)) {
            return NULL;
        }
        table = mfn_to_virt((e & PTE_ADDR) >> 12);
    }
    return &table[pt_index(va, level)];
}

uint64_t pte_read(const void *va)
{
    uint64_t *e = pt_entry(l4_kernel(), (unsigned long)va, 1);

    return e != NULL ? *(volatile uint64_t *)e : 0;
}

long pte_write(const void *va, uint64_t pte)
{
    return hv_update_va_mapping((unsigned long)va & PAGE_MASK, pte, UVMF_INVLPG | UVMF_ALL);
}

long mmu_update_one(uint64_t ptr, uint64_t val)
{
    struct mmu_update req = {.ptr = ptr, .val = val};

    return hv_mmu_update(&req, 1, NULL, DOMID_SELF);
}

long mmuext_one(unsigned int cmd, unsigned long mfn)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn};

    return hv_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

void page_set_readonly(void *page)
{
    long rc = pte_write(page, (uint64_t)virt_to_mfn(page) << 12 | PTE_KERNEL_RO);

    if (rc != 0) {
        kit_panic("page %p cannot be made read only: %ld", page, rc);
    }
}

void page_set_writable(void *page)
{
    long rc = pte_write(page, (uint64_t)virt_to_mfn(page) << 12 | PTE_KERNEL);

    if (rc != 0) {
        kit_panic("page %p cannot be made writable: %ld", page, rc);
    }
}

static void push_free(void *page)
{
    *(void **)page = free_list;
    free_list = page;
    free_count++;
}

static void *pop_free(void)
{
    void *page = free_list;

    free_list = *(void **)page;
    free_count--;
    return page;
}

/* Maps the next 512 pages. The table for them comes from the last pages of the mapping before. */
static void extend_mapping(void)
{
    unsigned long va = (unsigned long)pfn_to_virt(mapped_end);
    unsigned long end = mapped_end + 512;
    uint64_t *l2e = pt_entry(l4_kernel(), va, 2);
    uint64_t *l1 = pop_free();

    if (end > kit_start_info->nr_pages || l2e == NULL || va + 0x200000 < va) {
        kit_panic("out of memory");
    }
    for (unsigned int i = 0; i < 512; i++) {
        l1[i] = (uint64_t)pfn_to_mfn(mapped_end + i) << 12 | PTE_KERNEL;
    }
    page_set_readonly(l1);
    long rc = mmu_update_one(virt_to_maddr(l2e), (uint64_t)virt_to_mfn(l1) << 12 | PTE_KERNEL);
    if (rc != 0) {
        kit_panic("cannot map more memory: %ld", rc);
    }
    for (unsigned long pfn = end; pfn-- > mapped_end;) {
        push_free(pfn_to_virt(pfn));
    }
    mapped_end = end;
}

void *page_alloc(void)
{
    if (free_count <= 1) {
        extend_mapping();
    }
    return pop_free();
}

void *page_alloc_zeroed(void)
{
    return memset(page_alloc(), 0, PAGE_SIZE);
}

void page_free(void *page)
{
    push_free(page);
}

unsigned long pages_free(void)
{
    return free_count;
}

static unsigned long first_unmapped_pfn(void)
{
    unsigned long pfn = virt_to_pfn(kit_image_start);

    while (pte_read(pfn_to_virt(pfn)) & PTE_P) {
        pfn++;
    }
    return pfn;
}

/*
 * The builder's layout: [0, image) unused but mapped, image, initrd, p2m, start_info and the rings,
 * page tables, one page of stack, then at least 512 KiB of mapped and unused pages.
 */
void memory_init(void)
{
    unsigned long used =
        virt_to_pfn((void *)kit_start_info->pt_base) + kit_start_info->nr_pt_frames + 1;
    unsigned long p2m_end = virt_to_pfn((void *)kit_start_info->mfn_list) +
                            (kit_start_info->nr_pages * sizeof(long) + PAGE_SIZE - 1) / PAGE_SIZE;

    if (kit_start_info->mfn_list >= KIT_VIRT_BASE && p2m_end > used) {
        used = p2m_end;
    }
    mapped_end = first_unmapped_pfn();
    for (unsigned long pfn = mapped_end; pfn-- > used;) {
        push_free(pfn_to_virt(pfn));
    }
}

uint64_t *table_alloc(void)
{
    uint64_t *table = page_alloc_zeroed();

    page_set_readonly(table);
    return table;
}

void table_free(uint64_t *table)
{
    page_set_writable(table);
    page_free(table);
}

/* Sets a table entry wherever the table is: through the hypervisor if it may not be written. */
static long entry_set(uint64_t *entry, uint64_t value)
{
    if (pte_read(entry) & PTE_RW) {
        *entry = value;
        return 0;
    }
    return mmu_update_one(virt_to_maddr(entry), value);
}

long map_page(uint64_t *l4, unsigned long va, uint64_t pte)
{
    for (unsigned int level = 4; level > 1; level--) {
        uint64_t *entry = pt_entry(l4, va, level);

        if (*entry & PTE_P) {
            continue;
        }
        uint64_t *table = table_alloc();
        long rc = entry_set(entry, (uint64_t)virt_to_mfn(table) << 12 | PTE_KERNEL);

        if (rc != 0) {
            table_free(table);
            return rc;
        }
    }
    return entry_set(pt_entry(l4, va, 1), pte);
}
