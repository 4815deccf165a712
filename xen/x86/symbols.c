/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of our own functions, from the table that the build links in (xen/symtab.awk). */
#include "x86/traps.h"
#include "x86/page.h"

struct symbol {
    uint32_t offset; /* from HV_IMAGE_START */
    uint32_t name;   /* from the end of the table */
};
extern const char __symtab_start[], __symtab_end[];

static uint32_t count(void)
{
    return __symtab_end - __symtab_start < 8 ? 0 : *(const uint32_t *)__symtab_start;
}
static const struct symbol *table(void)
{
    return (const struct symbol *)(__symtab_start + 8);
}

bool symbol_nth(uint32_t n, uint64_t *addr, const char **name)
{
    if (n >= count())
        return false;
    *addr = HV_IMAGE_START + table()[n].offset;
    *name = (const char *)(table() + count()) + table()[n].name;
    return true;
}

const char *symbol_lookup(uint64_t addr, uint64_t *offset)
{
    uint32_t lo = 0, hi = count();
    uint64_t at;
    const char *name;

    while (lo < hi) { /* first symbol above addr */
        uint32_t mid = (lo + hi) / 2;
        if (HV_IMAGE_START + table()[mid].offset <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (!lo || !symbol_nth(lo - 1, &at, &name) || addr - at > 0x10000)
        return NULL;
    *offset = addr - at;
    return name;
}
