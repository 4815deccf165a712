/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loader's information, copied into boot_info before any memory is allocated: it may lie
 * anywhere. (Multiboot 0.6.96 ch. 3.3; Multiboot2 2.0 ch. 3.6.)
 */
#include "boot/multiboot.h"
#include "boot/boot.h"
#include "lib/lib.h"
#include "x86/page.h"

#define MB1_BOOT_MAGIC 0x2badb002
#define MB2_BOOT_MAGIC 0x36d76289

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
    uint32_t mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name;
} __packed;
struct mb1_module {
    uint32_t start, end, string, reserved;
};
struct mb1_mmap {
    uint32_t size;
    uint64_t addr, len;
    uint32_t type;
} __packed;
struct mb2_tag {
    uint32_t type, size;
};

struct boot_info boot_info;

/* As the loader tells them, in any order; tidied into boot_info.e820. */
static struct boot_e820 raw[BOOT_MAX_E820] __initdata;
static unsigned int nr_raw __initdata;

static void __init add_e820(uint64_t addr, uint64_t size, uint32_t type)
{
    if (!size || addr + size < addr)
        return;
    if (nr_raw == BOOT_MAX_E820)
        panic("The firmware's memory map has more than %u entries", BOOT_MAX_E820);
    raw[nr_raw++] = (struct boot_e820){addr, size, type};
}

static void __init add_module(paddr_t start, paddr_t end, const char *cmdline, size_t max)
{
    if (boot_info.nr_modules == BOOT_MAX_MODULES) {
        printk(LOG_WARN "More than %u boot modules: the rest is left out\n", BOOT_MAX_MODULES);
        return;
    }
    struct boot_module *m = &boot_info.module[boot_info.nr_modules++];
    m->start = start;
    m->size = end > start ? end - start : 0;
    hv_copy_text(m->cmdline, sizeof(m->cmdline), cmdline, max); /* still with the name, if any */
}

/* GRUB 2 passes arguments alone, other loaders the file's name before them. */
static const char *__init arguments(const char *line)
{
    if (strncmp(boot_info.loader, "GRUB ", 5) || !strncmp(boot_info.loader, "GRUB 0", 6)) {
        while (*line && *line != ' ')
            line++;
    }
    while (*line == ' ')
        line++;
    return line;
}

/* What boot/head.S has mapped, and all that a 32-bit loader can name. */
#define LOW_END GB(4)

/* A loader's string; not even its end can be trusted to be there. */
static const char *__init low_string(uint32_t addr, size_t *max)
{
    *max = addr ? LOW_END - addr : 0;
    return addr ? maddr_to_virt(addr) : "";
}

/* n bytes at addr, or a loader that cannot be believed. */
static const void *__init low_bytes(uint64_t addr, uint64_t n)
{
    if (addr + n > LOW_END)
        panic("The boot loader's information lies beyond 4 GiB");
    return maddr_to_virt(addr);
}

static void __init parse_mb1_memory(const struct mb1_info *mbi)
{
    uint64_t at = mbi->mmap_addr, end = at + mbi->mmap_length;

    /* The size in an entry does not count itself; one that is too small would not end. */
    while (at + sizeof(struct mb1_mmap) <= end) {
        struct mb1_mmap e;
        memcpy(&e, low_bytes(at, sizeof(e)), sizeof(e));
        if (e.size < sizeof(e) - sizeof(e.size))
            break;
        add_e820(e.addr, e.len, e.type);
        at += (uint64_t)e.size + sizeof(e.size);
    }
}

static void __init parse_mb1(uint32_t addr, char *line, size_t size)
{
    struct mb1_info mbi;
    size_t max;

    memcpy(&mbi, low_bytes(addr, sizeof(mbi)), sizeof(mbi));
    if (mbi.flags & (1u << 9)) {
        const char *name = low_string(mbi.loader_name, &max);
        hv_copy_text(boot_info.loader, sizeof(boot_info.loader), name, max);
    }
    for (uint32_t i = 0; (mbi.flags & (1u << 3)) && i < mbi.mods_count; i++) {
        struct mb1_module m;
        memcpy(&m, low_bytes(mbi.mods_addr + (uint64_t)i * sizeof(m), sizeof(m)), sizeof(m));
        const char *text = low_string(m.string, &max);
        add_module(m.start, m.end, text, max);
        if (i == BOOT_MAX_MODULES) /* that was reported */
            break;
    }
    if (!(mbi.flags & (1u << 6)))
        panic("The boot loader gave no memory map");
    parse_mb1_memory(&mbi);
    if (mbi.flags & (1u << 2)) {
        const char *text = low_string(mbi.cmdline, &max);
        hv_copy_text(line, size, text, max);
    }
}

static void __init parse_mb2_memory(const uint8_t *tag, uint32_t size)
{
    uint32_t entry;

    if (size < 16)
        return;
    memcpy(&entry, tag + 8, sizeof(entry));
    for (uint64_t e = 16; entry >= 24 && e + 24 <= size; e += entry) {
        struct boot_e820 x;
        memcpy(&x.addr, tag + e, 8);
        memcpy(&x.size, tag + e + 8, 8);
        memcpy(&x.type, tag + e + 16, 4);
        add_e820(x.addr, x.size, x.type);
    }
}

static void __init parse_mb2_framebuffer(const uint8_t *p, uint32_t len)
{
    uint32_t w[3];

    if (len < 22)
        return;
    memcpy(&boot_info.fb.addr, p, 8);
    memcpy(w, p + 8, sizeof(w));
    boot_info.fb.pitch = w[0];
    boot_info.fb.width = w[1];
    boot_info.fb.height = w[2];
    boot_info.fb.bpp = p[20];
    boot_info.fb.type = p[21];
    if (p[21] == 1 && len >= 30) {
        boot_info.fb.red_pos = p[24];
        boot_info.fb.red_size = p[25];
        boot_info.fb.green_pos = p[26];
        boot_info.fb.green_size = p[27];
        boot_info.fb.blue_pos = p[28];
        boot_info.fb.blue_size = p[29];
    }
}

/* One tag: its type, and the len bytes behind type and size. */
static void __init parse_mb2_tag(const uint8_t *tag, uint32_t type, uint32_t len, char *line,
                                 size_t size)
{
    const uint8_t *p = tag + sizeof(struct mb2_tag);
    uint32_t range[2];

    switch (type) {
    case 1: hv_copy_text(line, size, (const char *)p, len); break;
    case 2: hv_copy_text(boot_info.loader, sizeof(boot_info.loader), (const char *)p, len); break;
    case 3:
        if (len < sizeof(range))
            break;
        memcpy(range, p, sizeof(range));
        add_module(range[0], range[1], (const char *)p + sizeof(range), len - sizeof(range));
        break;
    case 6: parse_mb2_memory(tag, len + (uint32_t)sizeof(struct mb2_tag)); break;
    case 8: parse_mb2_framebuffer(p, len); break;
    case 12:
        if (len < sizeof(boot_info.efi_systab))
            break;
        boot_info.efi = true;
        memcpy(&boot_info.efi_systab, p, sizeof(boot_info.efi_systab));
        break;
    case 14: /* a copy of the RSDP, version 1 or 2; the original is found through it */
    case 15:
        /* The table's own address is not told: keep the copy. */
        memcpy(boot_info.rsdp_copy, p, MIN(len, (uint32_t)sizeof(boot_info.rsdp_copy)));
        boot_info.acpi_rsdp = virt_to_maddr(boot_info.rsdp_copy);
        break;
    }
}

static void __init parse_mb2(uint32_t addr, char *line, size_t size)
{
    uint32_t total;

    memcpy(&total, low_bytes(addr, 8), sizeof(total));
    const uint8_t *mbi = low_bytes(addr, MAX(total, 8u));
    for (uint64_t off = 8; off + sizeof(struct mb2_tag) <= total;) {
        struct mb2_tag t;
        memcpy(&t, mbi + off, sizeof(t));
        if (t.type == 0 || t.size < sizeof(t) || off + t.size > total)
            break;
        parse_mb2_tag(mbi + off, t.type, t.size - (uint32_t)sizeof(t), line, size);
        off += ROUND_UP((uint64_t)t.size, 8);
    }
}

/* Which type a piece of memory has that several entries claim: the one that forbids most. */
static unsigned int __init rank(uint32_t type)
{
    static const uint8_t ranks[] = {
        [E820_RAM] = 1, [E820_ACPI] = 2, [E820_NVS] = 3, [E820_RESERVED] = 4, [E820_UNUSABLE] = 5};

    return type < ARRAY_SIZE(ranks) && ranks[type] ? ranks[type] : ranks[E820_RESERVED];
}

/* The entry that decides what is at this address; NULL: none covers it. */
static const struct boot_e820 *__init deciding(uint64_t addr)
{
    const struct boot_e820 *best = NULL;

    for (unsigned int i = 0; i < nr_raw; i++)
        if (addr >= raw[i].addr && addr - raw[i].addr < raw[i].size &&
            (!best || rank(raw[i].type) > rank(best->type)))
            best = &raw[i];
    return best;
}

/* Append [from, to) of a type to boot_info's map. */
static void __init append_e820(uint64_t from, uint64_t to, uint32_t type)
{
    struct boot_e820 *last = boot_info.nr_e820 ? &boot_info.e820[boot_info.nr_e820 - 1] : NULL;

    if (last && last->type == type && last->addr + last->size == from) {
        last->size += to - from;
        return;
    }
    if (boot_info.nr_e820 == BOOT_MAX_E820)
        panic("The firmware's memory map has more than %u pieces", BOOT_MAX_E820);
    boot_info.e820[boot_info.nr_e820++] = (struct boot_e820){from, to - from, type};
}

/*
 * From entries in any order, which may overlap, to a map that ascends and does not. Between two
 * neighbouring bounds of entries memory is of one type. RAM beyond what we have tables for is given
 * as unusable.
 */
static void __init tidy_e820(void)
{
    static uint64_t bound[2 * BOOT_MAX_E820 + 1] __initdata;
    unsigned int n = 0;

    bound[n++] = BOOT_MAX_RAM;
    for (unsigned int i = 0; i < nr_raw; i++) {
        bound[n++] = raw[i].addr;
        bound[n++] = raw[i].addr + raw[i].size;
    }
    for (unsigned int i = 1; i < n; i++)
        for (unsigned int j = i; j > 0 && bound[j] < bound[j - 1]; j--) {
            uint64_t t = bound[j];
            bound[j] = bound[j - 1];
            bound[j - 1] = t;
        }
    for (unsigned int i = 0; i + 1 < n; i++) {
        const struct boot_e820 *e = bound[i] < bound[i + 1] ? deciding(bound[i]) : NULL;
        if (!e)
            continue;
        bool too_high = e->type == E820_RAM && bound[i] >= BOOT_MAX_RAM;
        if (too_high)
            printk(LOG_WARN "RAM at %#lx is not used: it lies beyond %u GiB\n",
                   (unsigned long)bound[i], (unsigned int)(BOOT_MAX_RAM >> 30));
        append_e820(bound[i], bound[i + 1], too_high ? E820_UNUSABLE : e->type);
    }
}

void __init multiboot_parse(uint32_t magic, uint32_t mbi, char *cmdline, size_t size)
{
    static char line[2048] __initdata; /* a loader may put a long name before our options */

    nr_raw = 0;
    line[0] = 0;
    if (magic == MB1_BOOT_MAGIC)
        parse_mb1(mbi, line, sizeof(line));
    else if (magic == MB2_BOOT_MAGIC)
        parse_mb2(mbi, line, sizeof(line));
    else
        panic("Not started by a Multiboot loader (magic %#x); use GRUB's multiboot2", magic);
    hv_strlcpy(cmdline, arguments(line), size);
    for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
        char *m = boot_info.module[i].cmdline;
        const char *args = arguments(m);
        memmove(m, args, strlen(args) + 1);
    }
    tidy_e820();
}
