/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's final page tables (the address map is in x86/page.h), and memory before the
 * frame allocator runs. (Intel SDM vol. 3 ch. 4.5.)
 */
#include "x86/paging.h"
#include "x86/cpu.h"
#include "boot/boot.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "mm/alloc.h"

extern char __image_start[], __text_end[], __rodata_end[], __image_end[], __stubs_start[];
extern char __load_end[];

pte_t *idle_l4;
uint64_t paddr_mask;
uint64_t max_mfn;
uint64_t host_ram_pages;
static bool use_1g, have_nx;

/* ---- memory before the allocator: from the top of each RAM region below 4 GiB down ----------- */

#define MAX_TAKEN (BOOT_MAX_MODULES + 8)
static struct {
    paddr_t start, end;
} taken[MAX_TAKEN] __initdata; /* modules, image: never handed out */
static unsigned int nr_taken __initdata;

static void __init take(paddr_t start, paddr_t end)
{
    if (nr_taken == MAX_TAKEN)
        panic("Too many boot modules");
    taken[nr_taken].start = ROUND_DOWN(start, PAGE_SIZE);
    taken[nr_taken].end = ROUND_UP(end, PAGE_SIZE);
    nr_taken++;
}

/* The highest free range of the size below limit. 0 if there is none. */
static paddr_t __init find_below(paddr_t limit, uint64_t bytes, uint64_t align)
{
    for (int r = (int)boot_info.nr_e820 - 1; r >= 0; r--) {
        const struct boot_e820 *e = &boot_info.e820[r];
        if (e->type != E820_RAM || e->addr >= limit)
            continue;
        paddr_t lo = ROUND_UP(MAX(e->addr, (paddr_t)MB(1)), PAGE_SIZE);
        paddr_t end = MIN(e->addr + e->size, limit);
        while (end > lo && end - lo >= bytes) {
            paddr_t start = ROUND_DOWN(end - bytes, align);
            if (start < lo)
                break;
            bool clash = false;
            for (unsigned int i = 0; i < nr_taken; i++)
                if (start < taken[i].end && taken[i].start < start + bytes) {
                    end = taken[i].start;
                    clash = true;
                }
            if (!clash)
                return start;
        }
    }
    return 0;
}

paddr_t __init boot_alloc(uint64_t bytes, uint64_t align)
{
    bytes = ROUND_UP(bytes, PAGE_SIZE);
    paddr_t p = find_below(GB(4), bytes, MAX(align, PAGE_SIZE));
    if (!p)
        panic("Not enough memory below 4 GiB: %lu KiB more are needed to start",
              (unsigned long)(bytes >> 10));
    /* Join with an earlier block where they touch, so that the table stays small. */
    for (unsigned int i = 0; i < nr_taken; i++)
        if (taken[i].start == p + bytes) {
            taken[i].start = p;
            goto zero;
        }
    take(p, p + bytes);
zero:
    memset(maddr_to_virt(p), 0, bytes);
    return p;
}

void __init boot_alloc_end(void)
{
    for (unsigned int r = 0; r < boot_info.nr_e820; r++) {
        const struct boot_e820 *e = &boot_info.e820[r];
        if (e->type != E820_RAM)
            continue;
        /* All of RAM is marked as such, then the free parts go to the allocator. */
        paddr_t pos = ROUND_UP(e->addr, PAGE_SIZE), end = ROUND_DOWN(e->addr + e->size, PAGE_SIZE);
        for (paddr_t p = pos; p < end; p += PAGE_SIZE) {
            frame_table[p >> PAGE_SHIFT].info = FI_RAM;
            frame_table[p >> PAGE_SHIFT].owner = FRAME_NO_OWNER;
        }
        pos = MAX(pos, (paddr_t)MB(1)); /* low memory: start-up code of other CPUs, firmware */
        while (pos < end) {
            paddr_t stop = end, resume = end;
            for (unsigned int i = 0; i < nr_taken; i++) {
                if (taken[i].start <= pos && pos < taken[i].end) {
                    pos = taken[i].end;
                    i = (unsigned int)-1; /* look again */
                    continue;
                }
                if (taken[i].start > pos && taken[i].start < stop) {
                    stop = taken[i].start;
                    resume = taken[i].end;
                }
            }
            if (pos >= end)
                break;
            stop = MIN(stop, end);
            frames_add(pos, stop);
            pos = resume;
        }
    }
}

/* ---- mapping ------------------------------------------------------------------------------- */

static pte_t *next_table(pte_t *e)
{
    if (!(*e & PTE_PRESENT)) {
        paddr_t t;
        if (frames_total_count()) {
            void *p = page_zalloc();
            if (!p)
                return NULL;
            t = virt_to_maddr(p);
        } else {
            t = boot_alloc(PAGE_SIZE, PAGE_SIZE);
        }
        *e = t | PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED;
    }
    return maddr_to_virt(*e & PTE_ADDR);
}

/* Map [va, va+len) to pa with the largest pages that fit; nothing there may be mapped yet. */
static int map_range(uint64_t va, paddr_t pa, uint64_t len, uint64_t flags)
{
    flags |= PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY;
    if (!have_nx)
        flags &= ~PTE_NX;
    while (len) {
        pte_t *l3 = next_table(&idle_l4[L4_INDEX(va)]);
        if (!l3)
            return -ENOMEM;
        uint64_t step;
        pte_t *e = &l3[L3_INDEX(va)];
        if (use_1g && !(*e & PTE_PRESENT) && !((va | pa) & (GB(1) - 1)) && len >= GB(1)) {
            *e = pa | flags | PTE_PSE;
            step = GB(1);
        } else {
            pte_t *l2 = next_table(e);
            if (!l2)
                return -ENOMEM;
            e = &l2[L2_INDEX(va)];
            if (!(*e & PTE_PRESENT) && !((va | pa) & (MB(2) - 1)) && len >= MB(2)) {
                *e = pa | flags | PTE_PSE;
                step = MB(2);
            } else {
                pte_t *l1 = next_table(e);
                if (!l1)
                    return -ENOMEM;
                l1[L1_INDEX(va)] = pa | flags;
                step = PAGE_SIZE;
            }
        }
        va += step;
        pa += step;
        len -= MIN(step, len);
    }
    return 0;
}

static void __init map_boot(uint64_t va, paddr_t pa, uint64_t len, uint64_t flags)
{
    if (map_range(va, pa, len, flags))
        panic("No memory for page tables");
}

/* Is there RAM in this range of frames? */
static bool __init ram_in(uint64_t first, uint64_t end)
{
    for (unsigned int r = 0; r < boot_info.nr_e820; r++) {
        const struct boot_e820 *e = &boot_info.e820[r];
        if (e->type == E820_RAM && e->addr >> PAGE_SHIFT < end &&
            (e->addr + e->size) >> PAGE_SHIFT > first)
            return true;
    }
    return false;
}

/* A table indexed by frame number, in chunks of 2 MiB. Chunks for which there is no RAM share one that is not
 * writable (holes) or are not mapped. fill: byte to fill real chunks with. */
static void __init map_indexed(uint64_t va, size_t entry, bool holes, int fill, uint64_t ro_va)
{
    uint64_t bytes = ROUND_UP(max_mfn * entry, MB(2));
    paddr_t hole = 0;

    for (uint64_t off = 0; off < bytes; off += MB(2)) {
        paddr_t chunk = 0;
        uint64_t flags = PTE_NX | PTE_GLOBAL;
        if (ram_in(off / entry, (off + MB(2)) / entry + 1)) {
            chunk = boot_alloc(MB(2), MB(2));
            if (fill)
                memset(maddr_to_virt(chunk), fill, MB(2));
            flags |= PTE_RW;
        } else if (holes) {
            chunk = hole = hole ?: boot_alloc(MB(2), MB(2));
        }
        if (!chunk)
            continue;
        map_boot(va + off, chunk, MB(2), flags);
        if (ro_va)
            map_boot(ro_va + off, chunk, MB(2), PTE_NX | PTE_USER);
    }
}

static void __init map_image(void)
{
    uint64_t start = (uint64_t)__image_start, text = (uint64_t)__text_end;
    uint64_t ro = (uint64_t)__rodata_end, end = (uint64_t)__image_end;

    map_boot(start, start - HV_IMAGE_START, text - start, PTE_GLOBAL);
    map_boot(text, text - HV_IMAGE_START, ro - text, PTE_GLOBAL | PTE_NX);
    map_boot(ro, ro - HV_IMAGE_START, end - ro, PTE_GLOBAL | PTE_NX | PTE_RW);
}

void __init paging_init(void)
{
    struct cpuid_regs r = cpuid(0x80000001);
    use_1g = r.d & (1u << 26);
    have_nx = r.d & (1u << 20);
    r = cpuid(0x80000000);
    unsigned int bits = r.a >= 0x80000008 ? cpuid(0x80000008).a & 0xff : 36;
    paddr_mask = ((1ull << MIN(bits, 52u)) - 1) & PTE_ADDR;

    take(0, MB(1));
    take((uint64_t)__image_start - HV_IMAGE_START, (uint64_t)__image_end - HV_IMAGE_START);
    for (unsigned int i = 0; i < boot_info.nr_modules; i++)
        take(boot_info.module[i].start, boot_info.module[i].start + boot_info.module[i].size);

    for (unsigned int i = 0; i < boot_info.nr_e820; i++) {
        const struct boot_e820 *e = &boot_info.e820[i];
        if (e->type != E820_RAM)
            continue;
        host_ram_pages += e->size >> PAGE_SHIFT;
        max_mfn = MAX(max_mfn, (e->addr + e->size) >> PAGE_SHIFT);
    }
    idle_l4 = maddr_to_virt(boot_alloc(PAGE_SIZE, PAGE_SIZE));

    /* RAM and what the firmware keeps in it; page-sized at the edges of regions. */
    map_boot(DIRECTMAP_START, 0, MB(1), PTE_NX | PTE_RW | PTE_GLOBAL);
    paddr_t mapped = MB(1);
    for (unsigned int i = 0; i < boot_info.nr_e820; i++) {
        const struct boot_e820 *e = &boot_info.e820[i];
        if (e->type != E820_RAM && e->type != E820_ACPI && e->type != E820_NVS)
            continue;
        /* Regions may share a page at their edges: it is mapped once. */
        paddr_t s = MAX(ROUND_DOWN(e->addr, PAGE_SIZE), mapped);
        paddr_t t = ROUND_UP(MIN(e->addr + e->size, BOOT_MAX_RAM), PAGE_SIZE);
        if (s >= t)
            continue;
        map_boot(DIRECTMAP_START + s, s, t - s, PTE_NX | PTE_RW | PTE_GLOBAL);
        mapped = t;
    }
    map_image();
    map_indexed(FRAME_TABLE_START, sizeof(struct frame), true, 0, 0);
    map_indexed(RW_M2P_START, sizeof(uint64_t), false, 0xff, RO_M2P_START);
    /* Later users of slot 259 find an L3 there, so that every guest's L4 shares it. */
    next_table(&idle_l4[L4_INDEX(IOREMAP_START)]);
    write_cr3(virt_to_maddr(idle_l4));
}

int m2p_chunk_mfn(unsigned int index, mfn_t *first)
{
    uint64_t va = RW_M2P_START + (uint64_t)index * MB(2);
    pte_t e = idle_l4[L4_INDEX(va)];

    if (e & PTE_PRESENT)
        e = ((pte_t *)mfn_to_virt(pte_mfn(e)))[L3_INDEX(va)];
    if (e & PTE_PRESENT)
        e = ((pte_t *)mfn_to_virt(pte_mfn(e)))[L2_INDEX(va)];
    if (!(e & PTE_PRESENT))
        return -ENOENT;
    ASSERT(e & PTE_PSE);
    *first = pte_mfn(e);
    return 0;
}

void *ioremap(paddr_t start, size_t len)
{
    static uint64_t next = IOREMAP_START;
    paddr_t s = ROUND_DOWN(start, PAGE_SIZE), e = ROUND_UP(start + len, PAGE_SIZE);
    uint64_t va = next;

    if (next + (e - s) > PERDOMAIN_START ||
        map_range(va, s, e - s, PTE_NX | PTE_RW | PTE_GLOBAL | PTE_PCD | PTE_PWT))
        return NULL;
    next += (e - s) + PAGE_SIZE;
    return (void *)(va + (start - s));
}

void paging_install_hv_slots(pte_t *l4, struct domain *d)
{
    for (unsigned int i = HV_FIRST_SLOT; i <= HV_LAST_SLOT; i++)
        l4[i] = idle_l4[i];
    l4[PERDOMAIN_SLOT] =
        virt_to_maddr(d->pv.perdomain_l3) | PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_DIRTY;
    paging_root_changed(l4);
}
