/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hl's tables against lines that xl 4.17 printed, the finding of verbs by prefixes, sizes, and the
 * reading of files with overrides.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/hl/boot_menu.h"
#include "dom0-toolstack/hl/config_file.h"
#include "dom0-toolstack/hl/format.h"
#include "dom0-toolstack/hl/hl.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "tests/unit/toolstack_test.h"

static char printed[4096];

/* Runs `what` with a stream whose text then is in `printed`. */
#define PRINT(f, what)                                         \
    do {                                                       \
        FILE *f = fmemopen(printed, sizeof(printed) - 1, "w"); \
        memset(printed, 0, sizeof(printed));                   \
        what;                                                  \
        fclose(f);                                             \
    } while (0)

static struct hv_domain_info domain(void)
{
    return (struct hv_domain_info){.domid = 1,
                                   .paused = true,
                                   .pages = 32768,
                                   .vcpus_online = 1,
                                   .uuid = {0x88, 0x89, 0x6f, 0x68, 0xa8, 0x66, 0x43, 0x18, 0xa7,
                                            0xf2, 0x74, 0x89, 0x1a, 0xc4, 0x8c, 0xa4}};
}

static void list_table(void)
{
    struct hv_domain_info d0 = {
        .running = true, .pages = 122880, .vcpus_online = 2, .cpu_time_ns = 10100000000};
    struct hv_domain_info d1 = domain();
    struct list_columns plain = {0};

    PRINT(f, list_header(f, &plain));
    CHECK_STR(printed,
              "Name                                        ID   Mem VCPUs\tState\tTime(s)\n");
    PRINT(f, list_row(f, &plain, "Domain-0", &d0, ""));
    CHECK_STR(printed,
              "Domain-0                                     0   480     2     r-----      10.1\n");
    PRINT(f, list_row(f, &plain, "g1", &d1, ""));
    CHECK_STR(printed,
              "g1                                           1   128     1     --p---       0.0\n");
}

static void list_extra_columns(void)
{
    struct hv_domain_info d1 = domain();
    struct list_columns v = {.verbose = true}, z = {.context = true}, c = {.cpupool = true};
    struct list_columns n = {.numa = true}, claims = {.claims = true};

    PRINT(f, list_header(f, &v));
    CHECK_STR(printed, "Name                                        ID   Mem VCPUs\tState\tTime(s)"
                       "   UUID                            Reason-Code\tSecurity Label\n");
    PRINT(f, list_row(f, &v, "g1", &d1, ""));
    CHECK_STR(printed,
              "g1                                           1   128     1     --p---       0.0 "
              "88896f68-a866-4318-a7f2-74891ac48ca4        -                -\n");
    PRINT(f, list_header(f, &z));
    CHECK(strstr(printed, "Time(s)   Security Label\n"));
    PRINT(f, list_row(f, &z, "g1", &d1, ""));
    CHECK(strstr(printed, "       0.0                -\n"));
    PRINT(f, list_header(f, &c));
    CHECK(strstr(printed, "Time(s)         Cpupool\n"));
    PRINT(f, list_row(f, &c, "g1", &d1, "Pool-0"));
    CHECK(strstr(printed, "       0.0          Pool-0\n"));
    PRINT(f, list_header(f, &n));
    CHECK(strstr(printed, "Time(s) NODE Affinity\n"));
    d1.outstanding_pages = 5 * 256;
    PRINT(f, list_header(f, &claims));
    CHECK(strstr(printed, "Time(s)  Claimed\n"));
    PRINT(f, list_row(f, &claims, "g1", &d1, ""));
    CHECK(strstr(printed, "       0.0     5\n"));
}

static void state_letters(void)
{
    struct hv_domain_info i = {0};
    static const char reasons[] = "-rscwS";
    char s[7];

    format_state(&i, s);
    CHECK_STR(s, "------");
    i.running = i.blocked = i.paused = i.dying = true;
    format_state(&i, s);
    CHECK_STR(s, "rbp--d");
    i = (struct hv_domain_info){.shutdown = true};
    for (unsigned int r = 0; r < 6; r++) {
        i.shutdown_reason = r;
        format_state(&i, s);
        CHECK(s[3] == 's' && s[4] == reasons[r] && s[5] == '-');
    }
    i.shutdown_reason = 200;
    format_state(&i, s);
    CHECK_STR(s, "---s?-");
}

static void vcpu_table(void)
{
    struct hv_vcpu_info on = {
        .vcpu = 0, .online = true, .running = true, .cpu_time_ns = 3300000000};
    struct hv_vcpu_info off = {.vcpu = 1};

    PRINT(f, vcpu_header(f));
    CHECK_STR(printed, "Name                                ID  VCPU   CPU State   Time(s) "
                       "Affinity (Hard / Soft)\n");
    PRINT(f, vcpu_row(f, "Domain-0", 0, &on, "all", "all"));
    CHECK_STR(printed, "Domain-0                             0     0    0   r--       3.3  all / "
                       "all\n");
    PRINT(f, vcpu_row(f, "g1", 1, &off, "all", "all"));
    CHECK_STR(printed, "g1                                   1     1    -   --p       0.0  all / "
                       "all\n");
}

static void uptimes(void)
{
    char s[64];

    format_uptime(21, false, s, sizeof(s));
    CHECK_STR(s, " 0:00:21");
    format_uptime(21, true, s, sizeof(s));
    CHECK_STR(s, " 0:00");
    format_uptime(86400 + 3723, false, s, sizeof(s));
    CHECK_STR(s, "1 day,  1:02:03");
    format_uptime(10 * 86400 + 23 * 3600, true, s, sizeof(s));
    CHECK_STR(s, "10 days, 23:00");
}

static void memory_sizes(void)
{
    static const struct {
        const char *text;
        uint64_t kib;
    } good[] = {{"100", 102400},    {"1g", 1048576},   {"1G", 1048576},    {"512m", 524288},
                {"4096k", 4096},    {"4096b", 4},      {"1t", 1ull << 30}, {"0", 0},
                {"0x10", 16 << 10}, {"0x1b", 27 << 10}};
    static const char *const bad[] = {"",
                                      "abc",
                                      "12q",
                                      "m",
                                      "-5",
                                      "1.5g",
                                      "12mm",
                                      " 12",
                                      "99999999999999999999",
                                      "9223372036854775807t"};
    uint64_t kib;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK(parse_memory(good[i].text, &kib));
        CHECK(kib == good[i].kib);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!parse_memory(bad[i], &kib));
}

/* What "make check" relies on, and what callers of xl type. */
static void verb_prefixes(void)
{
    static const struct {
        const char *typed, *found;
    } cases[] = {{"list", "list"},     {"li", "list"},
                 {"l", "list"},        {"debug", "debug-keys"},
                 {"cr", "create"},     {"dest", "destroy"},
                 {"shut", "shutdown"}, {"unp", "unpause"},
                 {"mem-s", "mem-set"}, {"sched-credit2", "sched-credit2"},
                 {"vm", "vm-list"}};
    static const char *const none[] = {"", "x", "lists", "mem", "dom", "vcpu-", "re", "create2"};
    size_t matches;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct verb *v = verb_find(cases[i].typed, &matches);

        CHECK(v);
        CHECK_STR(v->name, cases[i].found);
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        CHECK(!verb_find(none[i], &matches));
}

static void verb_table(void)
{
    static const char *const wanted[] = {
        "create",     "list",         "destroy",  "shutdown", "reboot",        "pause",
        "unpause",    "console",      "domid",    "domname",  "rename",        "info",
        "dmesg",      "vcpu-list",    "vcpu-pin", "vcpu-set", "mem-set",       "mem-max",
        "uptime",     "sysrq",        "vm-list",  "help",     "sched-credit2", "debug-keys",
        "getenforce", "cpupool-list", "claims",   "trigger",  "vncviewer"};
    const struct verb *v;
    size_t matches;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        v = verb_find(wanted[i], &matches);
        CHECK(v);
        CHECK_STR(v->name, wanted[i]);
    }
    for (size_t i = 0; (v = verb_at(i)) != NULL; i++) {
        CHECK(v->run && v->usage && v->summary);
        CHECK(verb_find(v->name, &matches) == v);
    }
}

/* ---- files ---------------------------------------------------------------------------------- */

static struct app app;

static bool write_file(char *path, const char *text)
{
    int fd;

    strcpy(path, "/tmp/hl_test.XXXXXX");
    fd = mkstemp(path);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        return false;
    close(fd);
    return true;
}

static void overrides(void)
{
    static char *over[] = {(char *)"name=\"b\"; vcpus=3", (char *)"extra+=' more'"};
    struct config_input in = {.overrides = over, .nr_overrides = 2, .quiet = true};
    struct hl_domain_config c;
    char path[32];

    CHECK(write_file(path, "name='a'\nkernel='/k'\nmemory=64\nextra='some'\nvcpus=1"));
    in.file = path;
    CHECK(config_load(&app, &in, &c) == 0);
    unlink(path);
    CHECK_STR(c.name, "b");
    CHECK(c.vcpus == 3);
    CHECK_STR(c.cmdline, "some more");
    CHECK_STR(c.config_file, path);
    hl_domain_config_free(&c);
}

static void overrides_alone(void)
{
    static char *over[] = {(char *)"name='n'", (char *)"kernel='/k'", (char *)"memory=10"};
    struct config_input in = {.overrides = over, .nr_overrides = 3, .quiet = true};
    struct hl_domain_config c;

    CHECK(config_load(&app, &in, &c) == 0);
    CHECK(c.memory_kib == 10 << 10);
    hl_domain_config_free(&c);
}

static void bad_files(void)
{
    struct config_input in = {.file = "/nonexistent/x.cfg", .quiet = true};
    struct hl_domain_config c;
    char path[32];

    CHECK(config_load(&app, &in, &c) == EXIT_NO_FILE);
    in.file = "/tmp";
    CHECK(config_load(&app, &in, &c) == EXIT_NO_FILE);
    CHECK(write_file(path, "name='a' memory=4"));
    in.file = path;
    CHECK(config_load(&app, &in, &c) == EXIT_FAILED);
    unlink(path);
}

static void dry_run_json(void)
{
    struct hl_domain_config c;
    char *json;

    hl_domain_config_init(&c);
    c.name = strdup("web1");
    c.kernel = strdup("/k");
    c.memory_kib = 64 << 10;
    c.vcpus = 2;
    CHECK(hl_domain_config_finish(&c, NULL) == 0);
    json = hl_domain_config_to_json(&c, true);
    CHECK(json);
    CHECK(strstr(json, "\"c_info\": {"));
    CHECK(strstr(json, "\"name\": \"web1\""));
    CHECK(strstr(json, "\"max_memkb\": 65536"));
    CHECK(strstr(json, "\"kernel\": \"/k\""));
    free(json);
    hl_domain_config_free(&c);
}

/* ---- the boot menu ---- */

static struct boot_menu menu_of(const char *text)
{
    struct boot_menu m;

    if (boot_menu_read(&m, strdup(text)) < 0)
        m.count = 1000;
    return m;
}

static void boot_menus(void)
{
    struct boot_menu m = menu_of("default 1\ntimeout 9\nentry One\nentry Two words\n");

    CHECK(m.count == 2 && m.marked == 1 && m.timeout == 9);
    CHECK_STR(m.titles[0], "One");
    CHECK_STR(m.titles[1], "Two words");
    boot_menu_free(&m);
    m = menu_of("");
    CHECK(m.count == 0 && m.timeout == BOOT_MENU_SECONDS);
    boot_menu_free(&m);
    /* Not as hospes-bootloader prints it. */
    m = menu_of("default 4000000000\n\ntimeout 99999999999\nmore\nentry \nentry");
    CHECK(m.count == 1 && m.marked == 0 && m.timeout == 3600);
    CHECK_STR(m.titles[0], "");
    boot_menu_free(&m);
    m = menu_of("default -1\ntimeout -3\nentry a\n");
    CHECK(m.marked == 0 && m.timeout == -1);
    boot_menu_free(&m);
}

static void boot_menu_keys(void)
{
    static const struct {
        const char *keys;
        unsigned int marked;
        enum boot_menu_step step;
    } cases[] = {
        {"", 1, BOOT_MENU_WAITS},
        {"\033[B", 2, BOOT_MENU_WAITS},
        {"\033OB\033OA\033OA", 0, BOOT_MENU_WAITS},
        {"\033[B\033[B\033[B\033[B\033[B", 3, BOOT_MENU_WAITS},
        {"\033[A\033[A\033[A\r", 0, BOOT_MENU_CHOSEN},
        {"jj\n", 3, BOOT_MENU_CHOSEN},
        {"\016\020\020\r", 0, BOOT_MENU_CHOSEN},
        {"\033[F", 3, BOOT_MENU_WAITS},
        {"\033[H\033[C", 0, BOOT_MENU_CHOSEN},
        {"\033[1;5B", 2, BOOT_MENU_WAITS},
        /* Not ours, and no letter of them is taken for a key. */
        {"\033[15~\033[Z\033q\033\033[q\t x", 1, BOOT_MENU_WAITS},
        {"j\003k", 2, BOOT_MENU_LEFT},
        {"q", 1, BOOT_MENU_LEFT},
        {"\035", 1, BOOT_MENU_LEFT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct boot_menu m = menu_of("default 1\nentry a\nentry b\nentry c\nentry d\n");
        struct boot_menu slow = menu_of("default 1\nentry a\nentry b\nentry c\nentry d\n");
        enum boot_menu_step step = BOOT_MENU_WAITS;

        CHECK(boot_menu_type(&m, cases[i].keys, strlen(cases[i].keys)) == cases[i].step);
        CHECK(m.marked == cases[i].marked);
        for (const char *k = cases[i].keys; *k != '\0' && step == BOOT_MENU_WAITS; k++)
            step = boot_menu_type(&slow, k, 1);
        CHECK(step == cases[i].step && slow.marked == cases[i].marked);
        boot_menu_free(&m);
        boot_menu_free(&slow);
    }
}

static void boot_menu_picture(void)
{
    struct boot_menu m = menu_of("default 1\nentry One\nentry Two\n");
    unsigned int lines = 0;
    char *text = boot_menu_draw(&m, "web", 24, 80, 5, &lines);

    CHECK_STR(text, "\r\033[KWhat shall web boot? (2 of 2)\r\n"
                    "\r\033[K  One\r\n"
                    "\r\033[K\033[7m> Two\033[0m\r\n"
                    "\r\033[KIt boots in 5 s. Up, Down: another; Enter: boot; q: give up");
    CHECK(lines == 4);
    free(text);
    CHECK(boot_menu_type(&m, "k", 1) == BOOT_MENU_WAITS);
    text = boot_menu_draw(&m, "web", 24, 80, -1, &lines);
    CHECK_STR(text, "\033[3A\r\033[KWhat shall web boot? (1 of 2)\r\n"
                    "\r\033[K\033[7m> One\033[0m\r\n"
                    "\r\033[K  Two\r\n"
                    "\r\033[KUp, Down: another; Enter: boot; q: give up");
    CHECK(lines == 4);
    free(text);
    boot_menu_free(&m);
}

/* How wide the longest line is, in bytes, without what begins with an ESC. */
static size_t widest(const char *text)
{
    size_t best = 0, n = 0;

    for (; *text != '\0'; text++) {
        if (*text == '\033')
            text += strcspn(text, "KAmh");
        else
            n = *text == '\r' || *text == '\n' ? 0 : n + 1;
        best = n > best ? n : best;
    }
    return best;
}

/* More entries than lines, titles wider than the terminal: the marked one is always there, and nothing wraps. */
static void boot_menu_fits(void)
{
    char all[64 * 120] = "default 63\n", number[16];
    struct boot_menu m;

    for (unsigned int i = 0; i < 64; i++)
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "entry %u%.*s\n", i, i % 2 ? 90 : 3,
                 "................................................................................."
                 "........");
    m = menu_of(all);
    for (unsigned int i = 0; i < 64; i++) {
        unsigned int lines = 0;
        char *text = boot_menu_draw(&m, "web", 10, 40, -1, &lines);

        snprintf(number, sizeof(number), "> %u.", m.marked);
        CHECK(m.marked == 63 - i && lines == 9 && strstr(text, number) != NULL);
        CHECK(widest(text) < 40);
        free(text);
        CHECK(boot_menu_type(&m, "k", 1) == BOOT_MENU_WAITS);
    }
    boot_menu_free(&m);
    /* Three bytes, two columns: as many as fit, none cut. */
    m = menu_of("entry \344\270\255\344\270\255\344\270\255\344\270\255\344\270\255\nentry b\n");
    for (unsigned int columns = 8; columns < 14; columns++) {
        unsigned int lines = 0;
        char *text = boot_menu_draw(&m, "web", 10, columns, -1, &lines), *end;

        end = strstr(text, "\033[0m");
        CHECK((size_t)(end - strstr(text, "> ")) == 2 + 3 * ((columns - 3) / 2));
        free(text);
    }
    boot_menu_free(&m);
}

static const struct test tests[] = {
    {"list_table", list_table},
    {"list_extra_columns", list_extra_columns},
    {"state_letters", state_letters},
    {"vcpu_table", vcpu_table},
    {"uptimes", uptimes},
    {"memory_sizes", memory_sizes},
    {"verb_prefixes", verb_prefixes},
    {"verb_table", verb_table},
    {"overrides", overrides},
    {"overrides_alone", overrides_alone},
    {"bad_files", bad_files},
    {"dry_run_json", dry_run_json},
    {"boot_menus", boot_menus},
    {"boot_menu_keys", boot_menu_keys},
    {"boot_menu_picture", boot_menu_picture},
    {"boot_menu_fits", boot_menu_fits},
};

int main(void)
{
    int rc;

    app = (struct app){.program = "hl", .err = hl_error_new()};
    rc = test_run("hl", tests, sizeof(tests) / sizeof(tests[0]));
    hl_error_free(app.err);
    return rc;
}
