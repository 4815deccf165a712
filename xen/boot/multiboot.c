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

static void __init add_e820(uint64_t addr, uint64_t size, uint32_t type)
{
    if (!size || addr + size < addr)
        return;
    if (boot_info.nr_e820 == BOOT_MAX_E820)
        panic("The firmware's memory map has more than %u entries", BOOT_MAX_E820);
    boot_info.e820[boot_info.nr_e820++] = (struct boot_e820){addr, size, type};
}

static void __init add_module(paddr_t start, paddr_t end, const char *cmdline)
{
    if (boot_info.nr_modules == BOOT_MAX_MODULES) {
        printk(LOG_WARN "More than %u boot modules: the rest is left out\n", BOOT_MAX_MODULES);
        return;
    }
    struct boot_module *m = &boot_info.module[boot_info.nr_modules++];
    m->start = start;
    m->size = end > start ? end - start : 0;
    hv_strlcpy(m->cmdline, cmdline, sizeof(m->cmdline)); /* still with the name, if any */
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

static const char *__init low_string(uint32_t addr)
{
    return addr ? maddr_to_virt(addr) : "";
}

static const char *__init parse_mb1(const struct mb1_info *mbi)
{
    if (mbi->flags & (1u << 9))
        hv_strlcpy(boot_info.loader, low_string(mbi->loader_name), sizeof(boot_info.loader));
    if (mbi->flags & (1u << 3)) {
        const struct mb1_module *m = maddr_to_virt(mbi->mods_addr);
        for (uint32_t i = 0; i < mbi->mods_count; i++)
            add_module(m[i].start, m[i].end, low_string(m[i].string));
    }
    if (!(mbi->flags & (1u << 6)))
        panic("The boot loader gave no memory map");
    for (uint32_t off = 0; off + sizeof(struct mb1_mmap) <= mbi->mmap_length;) {
        const struct mb1_mmap *e = maddr_to_virt(mbi->mmap_addr + off);
        add_e820(e->addr, e->len, e->type);
        off += e->size + 4;
    }
    return mbi->flags & (1u << 2) ? low_string(mbi->cmdline) : "";
}

static const char *__init parse_mb2(const uint8_t *mbi)
{
    uint32_t total = *(const uint32_t *)mbi;
    const char *cmdline = "";

    for (uint32_t off = 8; off + 8 <= total;) {
        const struct mb2_tag *t = (const void *)(mbi + off);
        const uint8_t *p = (const uint8_t *)(t + 1);
        const uint32_t *w = (const uint32_t *)p;
        if (t->type == 0 || t->size < 8 || off + t->size > total)
            break;
        switch (t->type) {
        case 1: cmdline = (const char *)p; break;
        case 2: hv_strlcpy(boot_info.loader, (const char *)p, sizeof(boot_info.loader)); break;
        case 3: add_module(w[0], w[1], (const char *)(w + 2)); break;
        case 6:
            for (uint32_t e = 16; w[0] >= 24 && e + 24 <= t->size; e += w[0]) {
                const struct boot_e820 *x = (const void *)((const uint8_t *)t + e);
                add_e820(x->addr, x->size, x->type);
            }
            break;
        case 8:
            boot_info.fb.addr = *(const uint64_t *)p;
            boot_info.fb.pitch = w[2];
            boot_info.fb.width = w[3];
            boot_info.fb.height = w[4];
            boot_info.fb.bpp = p[20];
            boot_info.fb.type = p[21];
            if (p[21] == 1) {
                boot_info.fb.red_pos = p[24];
                boot_info.fb.red_size = p[25];
                boot_info.fb.green_pos = p[26];
                boot_info.fb.green_size = p[27];
                boot_info.fb.blue_pos = p[28];
                boot_info.fb.blue_size = p[29];
            }
            break;
        case 12:
            boot_info.efi = true;
            boot_info.efi_systab = *(const uint64_t *)p;
            break;
        case 14: /* a copy of the RSDP, version 1 or 2; the original is found through it */
        case 15:
            /* The table's own address is not told: keep the copy. */
            memcpy(boot_info.rsdp_copy, p, MIN(t->size - 8, (uint32_t)sizeof(boot_info.rsdp_copy)));
            boot_info.acpi_rsdp = virt_to_maddr(boot_info.rsdp_copy);
            break;
        }
        off += ROUND_UP(t->size, 8u);
    }
    return cmdline;
}

/* Sort by address; where entries overlap, the one that is not RAM wins. */
static void __init tidy_e820(void)
{
    struct boot_e820 *e = boot_info.e820;
    unsigned int n = boot_info.nr_e820;

    for (unsigned int i = 1; i < n; i++)
        for (unsigned int j = i; j > 0 && e[j].addr < e[j - 1].addr; j--) {
            struct boot_e820 t = e[j];
            e[j] = e[j - 1];
            e[j - 1] = t;
        }
    for (unsigned int i = 0; i + 1 < n; i++) {
        if (e[i].addr + e[i].size <= e[i + 1].addr)
            continue;
        if (e[i].type == E820_RAM) {
            e[i].size = e[i + 1].addr - e[i].addr;
        } else {
            uint64_t cut = e[i].addr + e[i].size - e[i + 1].addr;
            cut = MIN(cut, e[i + 1].size);
            e[i + 1].addr += cut;
            e[i + 1].size -= cut;
        }
    }
}

void __init multiboot_parse(uint32_t magic, uint32_t mbi, char *cmdline, size_t size)
{
    const char *line;

    if (magic == MB1_BOOT_MAGIC)
        line = parse_mb1(maddr_to_virt(mbi));
    else if (magic == MB2_BOOT_MAGIC)
        line = parse_mb2(maddr_to_virt(mbi));
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
