/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The platform layer's pure parts on the host, under the sanitizers: formatting, range sets, boot
 * options, and the ACPI parsers with tables cut short, lying about lengths, or random.
 */
#include "boot/cmdline.h"
#include "lib/format.h"
#include "lib/lib.h"
#include "lib/rangeset.h"
#include "x86/acpi.h"

static unsigned int failures;
static const char *current_test, *why;

#define CHECK(c)          \
    do {                  \
        if (!(c) && !why) \
            why = #c;     \
    } while (0)

static void begin(const char *name)
{
    current_test = name;
    why = NULL;
}

static void end(void)
{
    if (why) {
        failures++;
        printf("not ok %s: %s\n", current_test, why);
    } else {
        printf("ok %s\n", current_test);
    }
}

/* --- Formatting: ours against the C library's --- */

static int __printf(3, 4) ours(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = hv_vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

#define SAME(...)                                                             \
    do {                                                                      \
        char a[128], b[128];                                                  \
        int na = ours(a, sizeof(a), __VA_ARGS__);                             \
        int nb = snprintf(b, sizeof(b), __VA_ARGS__);                         \
        if (na != nb || strcmp(a, b)) {                                       \
            printf("# ours \"%s\" (%d), theirs \"%s\" (%d)\n", a, na, b, nb); \
            CHECK(!#__VA_ARGS__);                                             \
        }                                                                     \
    } while (0)

static void test_format(void)
{
    begin("format-as-libc");
    SAME("plain %% text");
    SAME("%d %d %d", 0, -1, 2147483647);
    SAME("%d", -2147483647 - 1);
    SAME("[%5d] [%-5d] [%05d] [%+d]", 42, 42, -42, 42);
    SAME("%u %x %X %#x %#x %o", 4000000000u, 0xdeadbeef, 0xabc, 0x1f, 0, 8);
    SAME("%lld %llu %llx", -1234567890123ll, 18446744073709551615ull, 0x123456789abcdefull);
    SAME("%ld %lu %lx %zu %zd", -5l, 5ul, 0xffffffff0ul, (size_t)9, (ssize_t)-9);
    SAME("[%8x] [%08x] [%-8x] [%#010x]", 0xbeef, 0xbeef, 0xbeef, 0xbeef);
    SAME("[%.3d] [%6.3d] [%-6.3d] [%.0d]", 7, 7, 7, 0);
    SAME("[%s] [%10s] [%-10s] [%.2s] [%*s] [%-*s] [%.*s]", "abc", "abc", "abc", "abc", 6, "abc", 6,
         "abc", 1, "abc");
    SAME("%c%c%c [%3c]", 'a', 'b', 'c', 'd');
    SAME("%hhx %hx %hhd %hd", (unsigned char)0xff, (unsigned short)0xffff, (signed char)-7,
         (short)-3);
    end();

    begin("format-truncates");
    char buf[8];
    CHECK(ours(buf, sizeof(buf), "%s", "0123456789") == 10);
    CHECK(!strcmp(buf, "0123456"));
    CHECK(ours(NULL, 0, "%d", 12345) == 5);
    end();
}

static void test_strings(void)
{
    const char *stop;
    char buf[4];

    begin("strtoull");
    CHECK(hv_strtoull("123abc", &stop, 0) == 123 && !strcmp(stop, "abc"));
    CHECK(hv_strtoull("0x1fG", &stop, 0) == 31 && !strcmp(stop, "G"));
    CHECK(hv_strtoull("0xg", &stop, 0) == 0 && !strcmp(stop, "xg"));
    CHECK(hv_strtoull("", &stop, 0) == 0 && !*stop);
    CHECK(hv_strtoull("99999999999999999999999", &stop, 10) == ~0ull && !*stop);
    CHECK(hv_strlcpy(buf, "abcdef", sizeof(buf)) == 6 && !strcmp(buf, "abc"));
    end();
}

/* --- Range sets against a bitmap --- */

static bool model_all(const bool *model, unsigned int a, unsigned int b)
{
    for (unsigned int i = a; i <= b; i++)
        if (!model[i])
            return false;
    return true;
}

static bool model_any(const bool *model, unsigned int a, unsigned int b)
{
    for (unsigned int i = a; i <= b; i++)
        if (model[i])
            return true;
    return false;
}

static void test_rangeset(void)
{
    struct rangeset r;

    begin("rangeset-random");
    srand(1);
    for (unsigned int round = 0; round < 50; round++) {
        bool model[64] = {0};
        rangeset_init(&r, 0);
        for (unsigned int step = 0; step < 200; step++) {
            unsigned int a = (unsigned int)rand() % 64, b = (unsigned int)rand() % 64;
            unsigned int lo = a < b ? a : b, hi = a < b ? b : a;
            bool add = rand() % 2;
            a = lo + (unsigned int)rand() % 8;
            hi = a < hi ? a : hi;
            CHECK((add ? rangeset_add(&r, lo, hi) : rangeset_remove(&r, lo, hi)) == 0);
            for (unsigned int i = lo; i <= hi; i++)
                model[i] = add;
            a = (unsigned int)rand() % 64;
            b = a + (unsigned int)rand() % 6;
            b = b < 63 ? b : 63;
            CHECK(rangeset_contains(&r, a, b) == model_all(model, a, b));
            CHECK(rangeset_overlaps(&r, a, b) == model_any(model, a, b));
            for (unsigned int i = 1; i < r.count; i++)
                CHECK(r.ranges[i - 1].last + 1 < r.ranges[i].first);
        }
        rangeset_destroy(&r);
        rangeset_destroy(&r);
    }
    end();

    begin("rangeset-limits");
    rangeset_init(&r, 2);
    CHECK(rangeset_add(&r, 5, 4) == -EINVAL);
    CHECK(rangeset_add(&r, 0, ~0ull) == 0);
    CHECK(rangeset_contains(&r, 0, ~0ull));
    CHECK(rangeset_remove(&r, 10, 10) == 0 && r.count == 2);
    CHECK(rangeset_remove(&r, 20, 20) == -ENOSPC); /* would need a third range */
    CHECK(rangeset_contains(&r, 11, ~0ull) && !rangeset_contains(&r, 10, 10));
    CHECK(rangeset_remove(&r, 0, ~0ull) == 0 && r.count == 0);
    rangeset_destroy(&r);
    end();
}

/* --- Boot options --- */

static bool bool_a, bool_b = true, bool_c;
static unsigned int number = 7;
static uint64_t size_value;
static char text[8];
static char fn_value[32];
static int fn_result;

static int on_fn(const char *value)
{
    hv_strlcpy(fn_value, value, sizeof(fn_value));
    return fn_result;
}

/* What the linker collects in the hypervisor; platform.mk names start and end of this section. */
__attribute__((section("boot_opts_test"), used, aligned(8))) static const struct boot_opt opts[] = {
    {.name = "ba", .type = OPT_T_BOOL, .var = &bool_a},
    {.name = "bb", .type = OPT_T_BOOL, .var = &bool_b},
    {.name = "no-bc", .type = OPT_T_BOOL, .var = &bool_c},
    {.name = "num", .type = OPT_T_UINT, .var = &number},
    {.name = "size", .type = OPT_T_SIZE, .var = &size_value},
    {.name = "text", .type = OPT_T_STRING, .len = sizeof(text), .var = text},
    {.name = "fn", .type = OPT_T_FN, .fn = on_fn},
};

static char log_text[4096];

void printk(const char *fmt, ...)
{
    size_t n = strlen(log_text);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(log_text + n, sizeof(log_text) - n, fmt, ap);
    va_end(ap);
}

void panic(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    abort();
}

void *hv_zalloc(size_t size)
{
    return calloc(1, size);
}

void hv_free(void *p)
{
    free(p);
}

static void parse(const char *line)
{
    log_text[0] = 0;
    cmdline_parse(line);
}

static void test_cmdline(void)
{
    begin("cmdline-values");
    parse("/boot/hospes ba no-bb no-bc num=0x10 size=2M text=abc fn=x,y:z");
    CHECK(bool_a && !bool_b && bool_c && number == 16 && size_value == 2u << 20);
    CHECK(!strcmp(text, "abc") && !strcmp(fn_value, "x,y:z"));
    CHECK(!log_text[0]);
    CHECK(!strncmp(saved_cmdline, "/boot/hospes ba", 15));
    parse("ba=off bb=yes num=3 size=512 text=\"a b\"");
    CHECK(!bool_a && bool_b && number == 3 && size_value == 512 << 10 && !strcmp(text, "a b"));
    end();

    begin("cmdline-reports");
    parse("ba frobnicate=7");
    CHECK(strstr(log_text, "frobnicate"));
    parse("num=zzz");
    CHECK(strstr(log_text, "bad value") && number == 3);
    parse("num=99999999999");
    CHECK(strstr(log_text, "bad value") && number == 3);
    parse("ba=perhaps");
    CHECK(strstr(log_text, "bad value"));
    parse("text=muchtoolong");
    CHECK(strstr(log_text, "bad value"));
    parse("size=99999999T");
    CHECK(strstr(log_text, "bad value"));
    fn_result = -EINVAL;
    parse("fn=1");
    CHECK(strstr(log_text, "bad value"));
    fn_result = 0;
    parse("");
    parse("   \t ");
    parse("\"unterminated ba");
    parse("= =x no- no-=1 -- ==");
    end();

    begin("cmdline-long");
    char longline[5000];
    memset(longline, 'x', sizeof(longline) - 1);
    longline[sizeof(longline) - 1] = 0;
    parse(longline);
    CHECK(strlen(saved_cmdline) == sizeof(saved_cmdline) - 1);
    end();
}

/* --- ACPI --- */

/* A table in a block of its exact size, so that one byte too far is seen. */
static void with_exact(const uint8_t *bytes, size_t len,
                       void (*parser)(struct acpi_info *, const uint8_t *, size_t),
                       struct acpi_info *a)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    parser(a, copy, len);
    free(copy);
}

static const uint8_t madt_entries[] = {
    0,   8,  1,    0,  1,    0, 0,    0,                               /* CPU, APIC id 0 */
    0,   8,  2,    2,  1,    0, 0,    0,                               /* APIC id 2 */
    0,   8,  3,    3,  0,    0, 0,    0,                               /* disabled */
    9,   16, 0,    0,  0x2c, 1, 0,    0,    1,    0, 0, 0, 4, 0, 0, 0, /* x2APIC id 300 */
    9,   16, 0,    0,  2,    0, 0,    0,    1,    0, 0, 0, 4, 0, 0, 0, /* id 2 again */
    1,   12, 9,    0,  0,    0, 0xc0, 0xfe, 0,    0, 0, 0,             /* I/O APIC */
    2,   10, 0,    0,  2,    0, 0,    0,    0,    0,                   /* IRQ 0 is GSI 2 */
    2,   10, 0,    9,  9,    0, 0,    0,    0x0f, 0,                   /* IRQ 9 level, low */
    2,   10, 0,    77, 9,    0, 0,    0,    0x0f, 0,                   /* no such ISA IRQ */
    4,   6,  0xff, 0,  0,    1,                                        /* NMI on LINT1 */
    200, 4,  0,    0,                                                  /* unknown */
    5,   12, 0,    0,  0,    0, 0xe0, 0xfe, 1,    0, 0, 0, /* APIC address above 4 GiB */
};

static void test_madt(void)
{
    uint8_t table[44 + sizeof(madt_entries)] = {0};
    struct acpi_info a;

    begin("acpi-madt");
    table[38] = 0xe0;
    table[39] = 0xfe;
    memcpy(table + 44, madt_entries, sizeof(madt_entries));
    acpi_set_defaults(&a);
    with_exact(table, sizeof(table), acpi_parse_madt, &a);
    CHECK(a.nr_cpus == 3 && a.cpu[0].apic_id == 0 && a.cpu[1].apic_id == 2);
    CHECK(a.cpu[2].apic_id == 300 && a.cpu[2].acpi_id == 4);
    CHECK(a.nr_ioapics == 1 && a.ioapic[0].address == 0xfec00000 && a.ioapic[0].id == 9);
    CHECK(a.isa[0].gsi == 2 && !a.isa[0].level && a.isa[9].level && a.isa[9].active_low);
    CHECK(a.isa[4].gsi == 4 && a.nmi_lint == 1);
    CHECK(a.lapic_address == 0x1fee00000);
    end();

    begin("acpi-madt-cut");
    for (size_t len = 0; len <= sizeof(table); len++) {
        acpi_set_defaults(&a);
        with_exact(table, len, acpi_parse_madt, &a);
        CHECK(a.nr_cpus <= 3);
    }
    table[45] = 0; /* entry of length 0: must not loop for ever */
    acpi_set_defaults(&a);
    with_exact(table, sizeof(table), acpi_parse_madt, &a);
    CHECK(a.nr_cpus == 0);
    end();

    begin("acpi-madt-many-cpus");
    static uint8_t big[44 + 300 * 8];
    for (unsigned int i = 0; i < 300; i++)
        memcpy(big + 44 + i * 8, (uint8_t[]){0, 8, (uint8_t)i, (uint8_t)i, 1, 0, 0, 0}, 8);
    acpi_set_defaults(&a);
    with_exact(big, sizeof(big), acpi_parse_madt, &a);
    CHECK(a.nr_cpus == MAX_CPUS && a.nr_cpus_ignored > 0);
    end();
}

static void test_fadt(void)
{
    uint8_t table[244] = {0};
    struct acpi_info a;

    begin("acpi-fadt");
    table[46] = 9;
    table[65] = 6;                /* PM1a control at 0x600 */
    table[76] = 8, table[77] = 6; /* PM timer at 0x608 */
    table[89] = 2, table[91] = 4;
    table[112] = 0, table[113] = 0x05; /* TMR_VAL_EXT, RESET_REG_SUP */
    table[116] = 1, table[117] = 8, table[120] = 0xf9, table[121] = 0x0c, table[128] = 0x0f;
    acpi_set_defaults(&a);
    with_exact(table, 116, acpi_parse_fadt, &a); /* revision 1: no reset register */
    CHECK(a.sci_irq == 9 && a.pm_timer.address == 0x608 && a.pm_timer.width == 32);
    CHECK(a.pm1a_control.address == 0x600 && a.pm1a_control.space == ACPI_SPACE_IO);
    CHECK(!a.reset.address && a.pm_timer_32bit);
    acpi_set_defaults(&a);
    with_exact(table, sizeof(table), acpi_parse_fadt, &a);
    CHECK(a.reset.address == 0xcf9 && a.reset_value == 0x0f);
    table[208] = 1, table[209] = 32, table[213] = 0x12; /* extended address wins */
    acpi_set_defaults(&a);
    with_exact(table, sizeof(table), acpi_parse_fadt, &a);
    CHECK(a.pm_timer.address == 0x1200);
    end();
}

static void test_random(void)
{
    static void (*const parsers[])(struct acpi_info *, const uint8_t *, size_t) = {
        acpi_parse_madt, acpi_parse_fadt, acpi_parse_hpet, acpi_parse_mcfg};
    struct acpi_info a;

    begin("acpi-random");
    srand(2);
    for (unsigned int round = 0; round < 40000; round++) {
        uint8_t bytes[300];
        size_t len = (size_t)rand() % sizeof(bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)(rand() % 4 ? rand() % 20 : rand());
        acpi_set_defaults(&a);
        with_exact(bytes, len, parsers[round % ARRAY_SIZE(parsers)], &a);
        CHECK(a.nr_cpus <= MAX_CPUS && a.nr_ioapics <= ACPI_MAX_IOAPICS);
        CHECK(a.nr_mcfg <= ACPI_MAX_MCFG);
    }
    end();
}

int main(void)
{
    test_format();
    test_strings();
    test_rangeset();
    test_cmdline();
    test_madt();
    test_fadt();
    test_random();
    return failures ? 1 : 0;
}
