/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of what the loader and the firmware tell the hypervisor: Multiboot 1 and 2 information,
 * memory maps, the command line, ACPI tables.
 *
 * The first 4 GiB of the machine are one mapping without memory behind it, as boot/head.S maps them:
 * whatever address the information has can be read, and what ends at 4 GiB ends at a fault.
 *
 *   input:  1 byte: which of the five; its arguments
 */
#include <setjmp.h>
#include <sys/mman.h>

#include "boot/boot.h"
#include "boot/cmdline.h"
#include "boot/multiboot.h"
#include "lib/lib.h"
#include "tests/fuzz/fuzz.h"
#include "x86/acpi.h"
#include "x86/page.h"

#define MB1_BOOT_MAGIC 0x2badb002
#define MB2_BOOT_MAGIC 0x36d76289

/* ---- the machine ---- */

static uint8_t *memory;
static struct {
    uint64_t at;
    size_t len;
} written[64];
static unsigned int nr_written;

static void put(uint64_t at, const void *data, size_t len)
{
    FUZZ_CHECK(at + len <= GB(4) && nr_written < ARRAY_SIZE(written));
    memcpy(memory + at, data, len);
    written[nr_written].at = at;
    written[nr_written++].len = len;
}

static void memory_clear(void)
{
    while (nr_written--)
        memset(memory + written[nr_written].at, 0, written[nr_written].len);
    nr_written = 0;
}

void *maddr_to_virt(paddr_t a)
{
    FUZZ_CHECK(a < GB(4));
    return memory + a;
}

paddr_t virt_to_maddr(const void *v)
{
    return (paddr_t)((const uint8_t *)v - memory);
}

/* What ioremap() gives ends with the last page that was asked for: one byte too far is seen. */
static void *mappings[1024];
static unsigned int nr_mappings;

void *ioremap(paddr_t start, size_t len)
{
    static uint8_t rsdp[sizeof(boot_info.rsdp_copy)];

    if (start == virt_to_maddr(boot_info.rsdp_copy)) {
        FUZZ_CHECK(len <= sizeof(rsdp));
        memcpy(rsdp, boot_info.rsdp_copy, sizeof(rsdp));
        return rsdp;
    }
    FUZZ_CHECK(len <= MB(1));
    if (start >= GB(4) || len > GB(4) - start || nr_mappings == ARRAY_SIZE(mappings))
        return NULL;
    len = ROUND_UP(start + len, PAGE_SIZE) - start;
    void *p = malloc(len);
    memcpy(p, memory + start, len);
    mappings[nr_mappings++] = p;
    return p;
}

static void unmap_all(void)
{
    while (nr_mappings)
        free(mappings[--nr_mappings]);
}

static jmp_buf stopped;

/* To refuse to start is an answer; a broken assertion is not. */
void panic(const char *fmt, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    FUZZ_CHECK(!strstr(line, "Assertion"));
    longjmp(stopped, 1);
}

void printk(const char *fmt, ...)
{
    char line[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
}

/* ---- Multiboot ---- */

static void check_boot_info(void)
{
    uint64_t end = 0;

    FUZZ_CHECK(boot_info.nr_modules <= BOOT_MAX_MODULES && boot_info.nr_e820 <= BOOT_MAX_E820);
    FUZZ_CHECK(memchr(boot_info.loader, 0, sizeof(boot_info.loader)));
    for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
        const struct boot_module *m = &boot_info.module[i];

        FUZZ_CHECK(memchr(m->cmdline, 0, sizeof(m->cmdline)) && m->start + m->size >= m->start);
    }
    for (unsigned int i = 0; i < boot_info.nr_e820; i++) {
        const struct boot_e820 *e = &boot_info.e820[i];

        FUZZ_CHECK(e->size && e->addr >= end && e->addr + e->size > e->addr);
        end = e->addr + e->size;
    }
}

static void multiboot(uint32_t magic, uint64_t at)
{
    char line[sizeof(saved_cmdline)];

    memset(&boot_info, 0, sizeof(boot_info));
    memset(line, 'x', sizeof(line));
    if (!setjmp(stopped)) {
        multiboot_parse(magic, (uint32_t)at, line, sizeof(line));
        FUZZ_CHECK(memchr(line, 0, sizeof(line)));
        check_boot_info();
        cmdline_parse(line);
    }
}

/* As the input has it, at the end of memory or somewhere in it. Small addresses are offsets. */
static void raw_mb1(struct input *in)
{
    static const unsigned int pointers[] = {4, 6, 12, 16}; /* words of the information */
    uint8_t image[4096] = {0};
    uint32_t words[22];
    size_t len = MIN(in_left(in), sizeof(image));
    bool high = in_u8(in) & 1;
    uint64_t at = high ? GB(4) - sizeof(image) : KB(36);

    memcpy(image, in->p, MIN(len, in_left(in)));
    memcpy(words, image, sizeof(words));
    for (unsigned int i = 0; i < ARRAY_SIZE(pointers); i++)
        if (words[pointers[i]] < sizeof(image))
            words[pointers[i]] += (uint32_t)at;
    memcpy(image, words, sizeof(words));
    put(at, image, sizeof(image));
    multiboot(MB1_BOOT_MAGIC, at);
}

static void raw_mb2(struct input *in)
{
    uint8_t image[4096] = {0};
    bool high = in_u8(in) & 1;
    size_t len = MIN(in_left(in) + 8, sizeof(image)) & ~(size_t)7;
    uint64_t at = high ? GB(4) - len : KB(36);
    uint32_t total = (uint32_t)len;

    memcpy(image, &total, 4);
    memcpy(image + 8, in->p, len - 8);
    put(at, image, len);
    multiboot(MB2_BOOT_MAGIC, at);
}

/* ---- memory maps: what comes out against what went in ---- */

struct region {
    uint64_t addr, size;
    uint32_t type;
};

static bool covered(const struct region *r, unsigned int n, uint64_t a, bool ram)
{
    for (unsigned int i = 0; i < n; i++)
        if ((r[i].type == E820_RAM) == ram && a >= r[i].addr && a - r[i].addr < r[i].size &&
            r[i].addr + r[i].size >= r[i].addr)
            return true;
    return false;
}

static bool is_ram(uint64_t a)
{
    for (unsigned int i = 0; i < boot_info.nr_e820; i++)
        if (boot_info.e820[i].type == E820_RAM && a >= boot_info.e820[i].addr &&
            a - boot_info.e820[i].addr < boot_info.e820[i].size)
            return true;
    return false;
}

static void memory_map(struct input *in)
{
    struct {
        uint32_t total, reserved, type, size, entry_size, version;
        struct {
            uint64_t addr, size;
            uint32_t type, zero;
        } e[BOOT_MAX_E820 + 2];
    } mbi = {.type = 6, .entry_size = 24};
    struct region r[BOOT_MAX_E820 + 2];
    unsigned int n = 0;

    while (in_left(in) && n < ARRAY_SIZE(r)) {
        uint8_t how = in_u8(in);
        unsigned int shift = how & 8 ? 12 : how & 16 ? 37 : 2;

        r[n].type = how & 7;
        r[n].addr = how & 32 ? in_uint(in, 8) : in_uint(in, 1) << shift;
        r[n].size = how & 64 ? in_uint(in, 8) : in_uint(in, 1) << shift;
        if (how & 128)
            r[n].addr = -r[n].addr;
        mbi.e[n].addr = r[n].addr;
        mbi.e[n].size = r[n].size;
        mbi.e[n].type = r[n].type;
        n++;
    }
    mbi.size = 16 + n * 24;
    mbi.total = 8 + mbi.size;
    put(KB(36), &mbi, sizeof(mbi));
    boot_info.nr_e820 = 0;
    multiboot(MB2_BOOT_MAGIC, KB(36));
    if (n > BOOT_MAX_E820 / 2)
        return; /* it may have stopped, or left memory out */
    /* Each place where something can change: RAM is what is called RAM and nothing else. */
    for (unsigned int i = 0; i < 2 * n; i++) {
        uint64_t a = r[i / 2].addr + (i & 1 ? r[i / 2].size : 0);

        for (int d = -1; d <= 1; d++) {
            uint64_t b = a + (uint64_t)(int64_t)d;
            bool ram = covered(r, n, b, true) && !covered(r, n, b, false) && b < BOOT_MAX_RAM;

            FUZZ_CHECK(is_ram(b) == ram);
        }
    }
}

/* ---- the command line ---- */

static bool option_a, option_b;
static unsigned int option_n;
static uint64_t option_size;
static char option_text[8];

static int option_fn(const char *value)
{
    return *value == 'x' ? -EINVAL : 0;
}

__attribute__((section("boot_opts_fuzz"), used, aligned(8))) static const struct boot_opt opts[] = {
    {.name = "ba", .type = OPT_T_BOOL, .var = &option_a},
    {.name = "no-bb", .type = OPT_T_BOOL, .var = &option_b},
    {.name = "n", .type = OPT_T_UINT, .var = &option_n},
    {.name = "size", .type = OPT_T_SIZE, .var = &option_size},
    {.name = "text", .type = OPT_T_STRING, .len = sizeof(option_text), .var = option_text},
    {.name = "fn", .type = OPT_T_FN, .fn = option_fn},
};

static void command_line(struct input *in)
{
    size_t n = in_left(in);
    char *line = malloc(n + 1);

    memcpy(line, in->p, n);
    line[n] = 0;
    cmdline_parse(line);
    FUZZ_CHECK(memchr(option_text, 0, sizeof(option_text)));
    FUZZ_CHECK(memchr(saved_cmdline, 0, sizeof(saved_cmdline)));
    free(line);
}

/* ---- ACPI ---- */

static void fix_sum(uint8_t *p, size_t len, size_t at)
{
    uint8_t sum = 0;

    p[at] = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + p[i]);
    p[at] = (uint8_t)-sum;
}

/* RSDP, root and up to four tables at places of their own; lengths and sums mostly right. */
static void acpi_tables(struct input *in)
{
    static const char names[][5] = {"APIC", "FACP", "HPET", "MCFG", "SSDT"};
    uint8_t how = in_u8(in), rsdp[36] = "RSD PTR ", root[36 + 8 * 5 + 8] = {0};
    bool wide = how & 1;
    unsigned int n = how / 4 % 5;
    uint64_t rsdp_at = how & 2 ? 0xe0000 + in_uint(in, 1) * 16 : 0, root_at = MB(1);

    memset(&boot_info, 0, sizeof(boot_info));
    memset(&acpi, 0, sizeof(acpi));
    memcpy(root, wide ? "XSDT" : "RSDT", 4);
    root[4] = (uint8_t)(36 + n * (wide ? 8 : 4) + (how & 64 ? in_u8(in) : 0));
    for (unsigned int i = 0; i < n; i++) {
        uint8_t table[512] = {0}, which = in_u8(in);
        size_t len = 36 + in_uint(in, 2) % (sizeof(table) - 35);
        uint64_t at = which & 64 ? GB(4) - len : MB(2) + i * KB(4) + (which & 32 ? KB(4) - 8 : 0);

        memcpy(table, names[which % 5], 4);
        table[4] = (uint8_t)len;
        table[5] = (uint8_t)(len >> 8);
        for (size_t j = 36; j < len; j++)
            table[j] = in_u8(in);
        if (which & 128)
            table[4 + in_u8(in) % 4] = in_u8(in);
        fix_sum(table, len, 9);
        put(at, table, len);
        memcpy(root + 36 + i * (wide ? 8 : 4), &at, wide ? 8 : 4);
    }
    fix_sum(root, MIN(root[4], sizeof(root)), 9);
    put(root_at, root, sizeof(root));
    memcpy(rsdp + (wide ? 24 : 16), &root_at, wide ? 8 : 4);
    rsdp[15] = wide ? 2 : 0;
    if (how & 128)
        rsdp[in_u8(in) % 36] = in_u8(in);
    fix_sum(rsdp, 20, 8);
    if (rsdp_at) {
        put(rsdp_at, rsdp, sizeof(rsdp));
    } else {
        memcpy(boot_info.rsdp_copy, rsdp, sizeof(rsdp));
        boot_info.acpi_rsdp = virt_to_maddr(boot_info.rsdp_copy);
    }
    if (!setjmp(stopped))
        acpi_init();
    FUZZ_CHECK(acpi.nr_cpus <= MAX_CPUS && acpi.nr_ioapics <= ACPI_MAX_IOAPICS);
    FUZZ_CHECK(acpi.nr_mcfg <= ACPI_MAX_MCFG);
    unmap_all();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};

    if (!memory)
        memory = mmap(NULL, GB(4), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    FUZZ_CHECK(memory != MAP_FAILED);
    switch (in_u8(&in) % 5) {
    case 0: raw_mb1(&in); break;
    case 1: raw_mb2(&in); break;
    case 2: memory_map(&in); break;
    case 3: command_line(&in); break;
    case 4: acpi_tables(&in); break;
    }
    memory_clear();
    return 0;
}
