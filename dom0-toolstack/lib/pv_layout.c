/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layout of a new PV domain; see pv_layout.h. */
#include "dom0-toolstack/lib/pv_layout.h"

#include <errno.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/kernel_image.h"

#define PAGE         4096ull
#define PADDING      (512ull << 10)
#define ALIGNMENT    (4ull << 20)
#define HOLE_START   0xffff800000000000ull
#define HOLE_END     0xffff880000000000ull
#define CANONICAL_LO 0x0000800000000000ull

static const char step[] = "lay out the domain's memory";

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes + PAGE - 1) / PAGE;
}

static uint64_t take(uint64_t *next, uint64_t pages)
{
    uint64_t pfn = *next;

    *next += pages;
    return pfn;
}

/* Bits of an address below the index of a table of `level`: one L1 table spans 2 MiB. */
static unsigned int span_shift(unsigned int level)
{
    return 12 + 9 * level;
}

/* An address without its sign extension, so that indices do not depend on it. */
static uint64_t plain(uint64_t va)
{
    return va & 0x0000ffffffffffffull;
}

static void span_range(struct pv_tables *t, unsigned int level, uint64_t va, uint64_t bytes)
{
    t->first = plain(va) >> span_shift(level);
    t->count = (plain(va + bytes - 1) >> span_shift(level)) - t->first + 1;
}

static void number_tables(struct pv_tables t[4], uint64_t pfn)
{
    for (unsigned int level = 3; level >= 1; level--) {
        t[level].pfn = pfn;
        pfn += t[level].count;
    }
}

static uint64_t sum_tables(const struct pv_tables t[4])
{
    return t[1].count + t[2].count + t[3].count;
}

/*
 * The initial mapping must hold its own page tables, so their number is found by trying: more tables
 * make the mapping longer, which may need more tables.
 */
static uint64_t fit_tables(struct pv_layout *l, uint64_t next)
{
    uint64_t bytes, tables = 4;

    for (;;) {
        bytes = (next + tables + 1) * PAGE + PADDING; /* one page of stack */
        bytes = (l->virt_base + bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - l->virt_base;
        for (unsigned int level = 1; level <= 3; level++)
            span_range(&l->initial[level], level, l->virt_base, bytes);
        if (1 + sum_tables(l->initial) <= tables)
            break;
        tables = 1 + sum_tables(l->initial);
    }
    l->tables_pfn = next;
    l->nr_tables = 1 + sum_tables(l->initial);
    number_tables(l->initial, next + 1);
    return bytes;
}

/* Drops from `t` what the initial mapping has already; false where it would fall in two parts. */
static bool without_initial(struct pv_tables *t, const struct pv_tables *initial)
{
    uint64_t end = t->first + t->count, initial_end = initial->first + initial->count;

    if (end <= initial->first || initial_end <= t->first)
        return true;
    if (t->first < initial->first && end > initial_end)
        return false;
    if (t->first >= initial->first) {
        t->count = end > initial_end ? end - initial_end : 0;
        t->first = initial_end;
    } else {
        t->count = initial->first - t->first;
    }
    return true;
}

static int place_p2m_apart(struct pv_layout *l, uint64_t va, uint64_t *next, struct hl_error *e)
{
    uint64_t bytes = l->p2m_pages * PAGE, end = va + bytes;
    uint64_t mapped_end_va = pv_layout_va(l, l->mapped_end);

    if (end < va || (va < HOLE_END && end > HOLE_START) ||
        (va >= CANONICAL_LO && va < HOLE_START) || (va < CANONICAL_LO && end > CANONICAL_LO))
        return hl_fail(e, ENOEXEC, step, NULL,
                       "the kernel wants its p2m list at an address that it cannot have (%#llx)",
                       (unsigned long long)va);
    if (va <= mapped_end_va - 1 && end > l->virt_base)
        return hl_fail(e, ENOEXEC, step, NULL,
                       "the kernel wants its p2m list inside of its own mapping (%#llx)",
                       (unsigned long long)va);
    for (unsigned int level = 1; level <= 3; level++) {
        span_range(&l->p2m[level], level, va, bytes);
        if (!without_initial(&l->p2m[level], &l->initial[level]))
            return hl_fail(e, ENOEXEC, step, NULL, "the kernel wants its p2m list around itself");
    }
    l->p2m_va = va;
    l->p2m_pfn = take(next, l->p2m_pages);
    l->p2m_table_pages = sum_tables(l->p2m);
    number_tables(l->p2m, take(next, l->p2m_table_pages));
    return 0;
}

int pv_layout_make(struct pv_layout *l, const struct kernel_image *img, uint64_t ramdisk_bytes,
                   uint64_t nr_pages, struct hl_error *e)
{
    uint64_t next, bytes;
    int rc;

    memset(l, 0, sizeof(*l));
    if (ramdisk_bytes > (uint64_t)1 << 40 || nr_pages > (uint64_t)1 << 36)
        return hl_fail(e, EINVAL, step, NULL, "a size is absurd");
    l->virt_base = img->virt_base;
    l->nr_pages = nr_pages;
    l->kernel_pfn = (img->virt_start - img->virt_base) / PAGE;
    next = pages_of(img->virt_end - img->virt_base);
    l->kernel_pages = next - l->kernel_pfn;
    l->ramdisk_pages = pages_of(ramdisk_bytes);
    l->ramdisk_mapped = ramdisk_bytes != 0 && !img->mod_start_pfn;
    l->p2m_pages = pages_of(nr_pages * sizeof(uint64_t));
    l->p2m_apart = img->init_p2m != KERNEL_UNSET;

    if (l->ramdisk_mapped)
        l->ramdisk_pfn = take(&next, l->ramdisk_pages);
    if (!l->p2m_apart) {
        l->p2m_pfn = take(&next, l->p2m_pages);
        l->p2m_va = pv_layout_va(l, l->p2m_pfn);
    }
    l->start_info_pfn = take(&next, 1);
    l->store_pfn = take(&next, 1);
    l->console_pfn = take(&next, 1);
    bytes = fit_tables(l, next);
    next += l->nr_tables;
    l->stack_pfn = take(&next, 1);
    l->used_end = next;
    l->mapped_end = bytes / PAGE;
    if (l->virt_base + bytes - 1 < l->virt_base ||
        (l->virt_base < HOLE_END && l->virt_base + bytes > HOLE_START))
        return hl_fail(e, ENOEXEC, step, NULL,
                       "kernel and ramdisk do not fit between VIRT_BASE and the next barrier");

    next = l->mapped_end;
    if (!l->ramdisk_mapped)
        l->ramdisk_pfn = take(&next, l->ramdisk_pages);
    if (l->p2m_apart) {
        rc = place_p2m_apart(l, img->init_p2m, &next, e);
        if (rc != 0)
            return rc;
    }
    l->end = next;
    if (next > nr_pages) {
        hl_fail(e, ENOMEM, step, NULL,
                "kernel and ramdisk alone need %llu MiB, and the domain gets %llu MiB",
                (unsigned long long)(next + 255) / 256, (unsigned long long)nr_pages / 256);
        hl_error_advise(e, "set memory= to more than %llu", (unsigned long long)(next + 255) / 256);
        return -ENOMEM;
    }
    return 0;
}

uint64_t pv_layout_table(const struct pv_layout *l, unsigned int level, uint64_t va)
{
    uint64_t i;

    if (level == 4)
        return l->tables_pfn;
    i = plain(va) >> span_shift(level);
    if (i - l->initial[level].first < l->initial[level].count)
        return l->initial[level].pfn + (i - l->initial[level].first);
    return l->p2m[level].pfn + (i - l->p2m[level].first);
}

bool pv_layout_is_table(const struct pv_layout *l, uint64_t pfn)
{
    uint64_t p2m_tables = l->p2m_pfn + l->p2m_pages;

    if (pfn - l->tables_pfn < l->nr_tables)
        return true;
    return l->p2m_apart && pfn - p2m_tables < l->p2m_table_pages;
}
