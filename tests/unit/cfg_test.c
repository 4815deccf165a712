/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xl.cfg parser and the meaning of its keys: the whole grammar, each kind of error with its
 * place, and bytes that no user would write.
 */
#include <string.h>

#include "dom0-toolstack/lib/cfg.h"
#include "dom0-toolstack/lib/cfg_domain.h"
#include "dom0-toolstack/lib/cfg_keys.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "tests/unit/toolstack_test.h"

static struct cfg *cfg;
static struct cfg_error err;

/* Parses a text in exactly as much memory as it has, so that ASan sees a step too far. */
static int parse_bytes(const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);
    int rc;

    memcpy(copy, text, len);
    cfg_free(cfg);
    cfg = cfg_new();
    memset(&err, 0, sizeof(err));
    rc = cfg_parse(cfg, "t.cfg", copy, len, &err);
    free(copy);
    return rc;
}

static int parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static const struct cfg_value *value(const char *key)
{
    static const struct cfg_value none = {.type = CFG_STRING, .text = (char *)"(not set)"};
    const struct cfg_setting *s = cfg_find(cfg, key);

    return s ? s->value : &none;
}

#define CHECK_VALUE(key, expected) CHECK_STR(value(key)->text, expected)

/* The text must be refused at this place, with these words in the message. */
static bool refused(const char *text, unsigned int line, unsigned int column, const char *words)
{
    if (parse(text) == 0) {
        fprintf(stderr, "accepted: %s\n", text);
        return false;
    }
    if (err.place.line == line && err.place.column == column && strstr(err.text, words))
        return true;
    fprintf(stderr, "%s: %u:%u: %s\n", text, err.place.line, err.place.column, err.text);
    return false;
}

static void empty_inputs(void)
{
    CHECK(parse("") == 0);
    CHECK(parse("\n\n") == 0);
    CHECK(parse(" ; ;;\n;") == 0);
    CHECK(parse("# only a comment") == 0);
    CHECK(parse("\t\r\n \v\f\n") == 0);
    CHECK(!cfg_first(cfg));
}

static void strings(void)
{
    CHECK(parse("a = \"x y\"\nb='it is \"quoted\"'\nc=\"\"\nd=\"it's # no comment; here\"") == 0);
    CHECK_VALUE("a", "x y");
    CHECK_VALUE("b", "it is \"quoted\"");
    CHECK_VALUE("c", "");
    CHECK_VALUE("d", "it's # no comment; here");
}

static void escapes(void)
{
    CHECK(parse("a=\"\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"\"") == 0);
    CHECK_VALUE("a", "\a\b\f\n\r\t\v\\'\"");
    CHECK(parse("a='\\x41\\x7e\\101\\7z\\0412'") == 0);
    CHECK_VALUE("a", "A~A\az!2");
    CHECK(refused("a=\"x\\q\"", 1, 5, "found a backslash before 'q'"));
    CHECK(refused("a=\"\\x4\"", 1, 4, "two hexadecimal digits"));
    CHECK(refused("a=\"\\x\"", 1, 4, "two hexadecimal digits"));
    CHECK(refused("a=\"\\x00\"", 1, 4, "zero byte"));
    CHECK(refused("a=\"\\0\"", 1, 4, "zero byte"));
    CHECK(refused("a=\"\\777\"", 1, 4, "octal"));
}

static void unterminated_strings(void)
{
    CHECK(refused("a=\"x", 1, 3, "expected a closing \""));
    CHECK(refused("a='x\nb=1", 1, 3, "expected a closing '"));
    CHECK(refused("a=\"x\\", 1, 3, "expected a closing \""));
    CHECK(refused("a=\"x\\\"", 1, 3, "expected a closing \""));
    CHECK(refused("a=\"", 1, 3, "expected a closing \""));
    CHECK(refused("a='x\\\nb'", 1, 3, "expected a closing '"));
}

static void numbers(void)
{
    CHECK(parse("a=0;b=10;c=0x1F;d=017;e=-3;f=9223372036854775807;g=-9223372036854775808") == 0);
    CHECK(value("a")->number == 0);
    CHECK(value("b")->number == 10);
    CHECK(value("c")->number == 31);
    CHECK(value("d")->number == 15);
    CHECK(value("e")->number == -3);
    CHECK(value("f")->number == INT64_MAX);
    CHECK(value("g")->number == INT64_MIN);
    CHECK_VALUE("d", "017");
    CHECK(refused("a=9223372036854775808", 1, 3, "number"));
    CHECK(refused("a=0x8000000000000000", 1, 3, "number"));
    CHECK(refused("a=08", 1, 3, "octal"));
    CHECK(refused("a=0x", 1, 3, "number"));
    CHECK(refused("a=12k", 1, 3, "'12k'"));
    CHECK(refused("a=1.5", 1, 4, "unexpected '.'"));
    CHECK(refused("a=-", 1, 3, "unexpected '-'"));
}

static void lists(void)
{
    CHECK(parse("a=[]\nb=[ 'x', 2, ]\nc=[\n# first\n'a'\n,\n\n'b' # "
                "second\n]\nd=[['p','q'],[],[[1]]]") == 0);
    CHECK(value("a")->type == CFG_LIST && value("a")->nr_items == 0);
    CHECK(value("b")->nr_items == 2);
    CHECK_STR(value("b")->items[0]->text, "x");
    CHECK(value("b")->items[1]->number == 2);
    CHECK(value("c")->nr_items == 2);
    CHECK_STR(value("c")->items[1]->text, "b");
    CHECK(value("d")->nr_items == 3);
    CHECK_STR(value("d")->items[0]->items[1]->text, "q");
    CHECK(value("d")->items[2]->items[0]->items[0]->number == 1);
    CHECK(refused("a=[1\n\"b\"]", 2, 1, "expected ',' or ']' in the list, found the string \"b\""));
    CHECK(refused("a=[,]", 1, 4, "expected a value"));
    CHECK(refused("a=[1,,2]", 1, 6, "expected a value"));
    CHECK(refused("a=[1;2]", 1, 5, "expected ',' or ']'"));
    CHECK(refused("a=[1,", 1, 6, "found the end of the input"));
    CHECK(refused("a=]", 1, 3, "expected a value"));
    CHECK(refused("a=[1]]", 1, 6, "end of the line or ';'"));
}

static void deep_lists(void)
{
    char text[4000];

    memset(text, '[', sizeof(text));
    memcpy(text, "a=", 2);
    CHECK(parse_bytes(text, sizeof(text)) < 0);
    CHECK(strstr(err.text, "nested deeper"));
    CHECK(parse("a=[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]") == 0);
}

static void separators(void)
{
    CHECK(parse("a=1;b=2 ; c=3\r\nd=4;\n;e=5") == 0);
    CHECK(value("c")->number == 3);
    CHECK(value("e")->number == 5);
    CHECK(refused("a=1 b=2", 1, 5,
                  "expected the end of the line or ';' after the value, found "
                  "the word b"));
    CHECK(refused("a=\n1", 1, 3, "found the end of the line"));
    CHECK(refused("a", 1, 2, "expected '=' or '+='"));
    CHECK(refused("\n  \"a\"=1", 2, 3, "expected a key"));
    CHECK(refused("a==1", 1, 3, "expected a value"));
    CHECK(refused("a=1\nb=@", 2, 3, "unexpected '@'"));
    CHECK(refused("a=foo", 1, 3, "a string needs quotes"));
    CHECK(refused("a+1", 1, 2, "unexpected '+'"));
}

static void appending(void)
{
    CHECK(parse("a='x'\na+=\"y\"\nb=[1]\nb+=[2,'3']\nb+=4\nc+='new'\nd+=[5]") == 0);
    CHECK_VALUE("a", "xy");
    CHECK(value("b")->nr_items == 4);
    CHECK_STR(value("b")->items[2]->text, "3");
    CHECK(value("b")->items[3]->number == 4);
    CHECK_VALUE("c", "new");
    CHECK(value("d")->nr_items == 1);
    CHECK(refused("a=1\na+=2", 2, 4, "cannot append a number to a"));
    CHECK(refused("a='x'\na+=2", 2, 4, "cannot append"));
    CHECK(refused("a='x'\na+=['y']", 2, 4, "cannot append a list"));
}

static void later_settings_win(void)
{
    CHECK(parse("a=1\nb=2\na='three'") == 0);
    CHECK_VALUE("a", "three");
    CHECK(cfg_parse(cfg, "override", "b=[7]; c=8", 10, &err) == 0);
    CHECK(value("b")->nr_items == 1);
    CHECK_STR(cfg_find(cfg, "b")->place.source, "override");
    CHECK(value("c")->number == 8);
}

static void odd_bytes(void)
{
    CHECK(parse_bytes("a=1\0b=2", 7) < 0);
    CHECK(strstr(err.text, "byte 0x00"));
    CHECK(parse_bytes("a='x\0y'", 7) < 0);
    CHECK(strstr(err.text, "zero byte"));
    CHECK(parse("a='\xc3\xa4\xff'") == 0);
    CHECK(refused("\xef\xbb\xbf"
                  "a=1",
                  1, 1, "byte 0xef"));
}

/* Every prefix of a text with everything in it, and many damaged copies. */
static void damaged_inputs(void)
{
    static const char whole[] = "name='x' ; memory=0x40\n# c\nvif=[ 'a',[\"b\\x41\\n\",],\n 3 ]\n"
                                "extra+=\"\\\"\"\nvif+=['z']\nk=-077\n";
    char text[sizeof(whole)];
    size_t len = sizeof(whole) - 1;

    for (size_t n = 0; n <= len; n++)
        parse_bytes(whole, n);
    for (unsigned int i = 0; i < 20000; i++) {
        memcpy(text, whole, len);
        for (unsigned int k = test_random() % 4; k < 4; k++)
            text[test_random() % len] = (char)test_random();
        if (parse_bytes(text, len) < 0) {
            CHECK(err.place.line >= 1 && err.place.column >= 1 && err.text[0]);
        }
    }
}

/* ---- keys ----------------------------------------------------------------------------------- */

static struct hl_domain_config config;
static char warnings[2048];

static void warn(void *opaque, const char *text)
{
    size_t len = strlen(warnings);

    (void)opaque;
    snprintf(warnings + len, sizeof(warnings) - len, "%s\n", text);
}

static int domain(const char *text)
{
    hl_domain_config_free(&config);
    hl_domain_config_init(&config);
    warnings[0] = 0;
    if (parse(text) < 0)
        return -1;
    return cfg_to_domain(cfg, "t.cfg", &config, warn, NULL, &err);
}

#define BASE "name='g';kernel='/k';memory=64\n"

static bool rejected(const char *text, unsigned int line, const char *words)
{
    if (domain(text) == 0) {
        fprintf(stderr, "accepted: %s\n", text);
        return false;
    }
    if (err.place.line == line && strstr(err.text, words))
        return true;
    fprintf(stderr, "%s: line %u: %s\n", text, err.place.line, err.text);
    return false;
}

static void all_supported_keys(void)
{
    CHECK(domain("name=\"web1\"; type='pv'; uuid='7b7fd581-735f-4bde-9fd9-44b8031f059b'\n"
                 "memory=256; maxmem=\"512\"; vcpus=2; maxvcpus=4\n"
                 "cpus=['0','1-2']; cpus_soft='all,^1'; cpu_weight=512; cap=50\n"
                 "kernel='/boot/k'; ramdisk='/boot/r'; root='/dev/xvda1 ro'; extra='quiet'\n"
                 "on_poweroff='preserve'; on_reboot='restart'; on_crash='rename-restart'\n"
                 "on_watchdog='destroy'; on_soft_reset='soft-reset'; pool='Pool-0'\n"
                 "max_grant_frames=10; max_maptrack_frames=20; max_event_channels=100\n"
                 "max_grant_version=1\n") == 0);
    CHECK_STR(config.name, "web1");
    CHECK(config.uuid[0] == 0x7b && config.uuid[15] == 0x9b);
    CHECK(config.memory_kib == 256 << 10 && config.maxmem_kib == 512 << 10);
    CHECK(config.vcpus == 2 && config.maxvcpus == 4);
    CHECK(config.cpus.nr_each == 2 && !config.cpus.all);
    CHECK_STR(config.cpus.each[1], "1-2");
    CHECK_STR(config.cpus_soft.all, "all,^1");
    CHECK(config.cpu_weight == 512 && config.cpu_cap == 50);
    CHECK_STR(config.kernel, "/boot/k");
    CHECK_STR(config.ramdisk, "/boot/r");
    CHECK_STR(config.cmdline, "root=/dev/xvda1 ro quiet");
    CHECK(config.on_poweroff == HL_ACTION_PRESERVE && config.on_reboot == HL_ACTION_RESTART);
    CHECK(config.on_crash == HL_ACTION_RENAME_RESTART);
    CHECK(config.max_grant_frames == 10 && config.max_maptrack_frames == 20);
    CHECK(config.max_event_channels == 100 && config.max_grant_version == 1);
    CHECK_STR(config.pool, "Pool-0");
    CHECK_STR(warnings, "");
}

static void cmdline_wins(void)
{
    CHECK(domain(BASE "cmdline='a b'; root='/r'; extra='e'") == 0);
    CHECK_STR(config.cmdline, "a b");
    CHECK(strstr(warnings, "t.cfg:2:1: warning: cmdline="));
}

static void unknown_keys(void)
{
    CHECK(domain(BASE "cpu_cap=5\nbootargs='x'; vpcus=2") == 0);
    CHECK(strstr(warnings, "t.cfg:2:1: warning: unknown key 'cpu_cap'"));
    CHECK(strstr(warnings, "t.cfg:3:1: warning: unknown key 'bootargs'"));
    CHECK(strstr(warnings, "'vpcus' is ignored; the nearest known key is 'vcpus'"));
    CHECK(domain(BASE "device_model='qemu'") == 0);
    CHECK(strstr(warnings, "obsolete"));
}

static void boot_loaders(void)
{
    CHECK(domain("name='g';memory=64;bootloader='pygrub'\nroot='/dev/xvda1'\n"
                 "bootloader_args='  --entry=1\t-q '") == 0);
    CHECK_STR(config.bootloader, "pygrub");
    CHECK(config.kernel == NULL && config.nr_bootloader_args == 2);
    CHECK_STR(config.bootloader_args[0], "--entry=1");
    CHECK_STR(config.bootloader_args[1], "-q");
    CHECK_STR(config.cmdline, "root=/dev/xvda1");
    CHECK(domain(BASE "bootloader='/usr/lib/xen-4.17/bin/pygrub'\n"
                      "bootloader_args=['--entry=One or two','-n']") == 0);
    CHECK_STR(config.bootloader_args[0], "--entry=One or two");
    CHECK(config.nr_bootloader_args == 2);
    CHECK(rejected(BASE "bootloader='/bin/sh'", 2, "pygrub or hospes-bootloader"));
    CHECK(rejected(BASE "bootloader='pygrub.old'", 2, "pygrub or hospes-bootloader"));
    CHECK(rejected(BASE "bootloader_args=[['x']]", 2, "string"));
}

static void unsupported_keys(void)
{
    CHECK(rejected(BASE "\nvtpm=['backend=x']", 3, "'vtpm' is not supported yet"));
    CHECK(rejected(BASE "vtpm=['']", 2, "'vtpm' is not supported yet"));
    CHECK(rejected(BASE "sdl=1", 2, "'sdl' is not supported yet"));
    CHECK(rejected(BASE "nestedhvm=1", 2, "'nestedhvm' is not supported yet"));
    CHECK(rejected(BASE "type='hvm'", 2, "type=\"hvm\" is not supported yet"));
    CHECK(rejected(BASE "type='pvh'", 2, "type=\"pvh\" is not supported yet"));
    CHECK(rejected(BASE "builder='hvm'", 2, "builder=\"hvm\""));
    CHECK(rejected(BASE "on_crash='soft-reset'", 2, "use destroy, restart,"));
    CHECK(domain(BASE "on_crash='coredump-restart'; on_poweroff='coredump-destroy'\n"
                      "on_reboot='coredump-destroy'; on_watchdog='coredump-restart'") == 0);
    CHECK(config.on_crash == HL_ACTION_COREDUMP_RESTART);
    CHECK(config.on_watchdog == HL_ACTION_COREDUMP_RESTART);
    CHECK(rejected(BASE "device_tree='x'", 2, "ARM"));
    CHECK(domain(BASE
                 "disk=[]; vif=[]; vnc=0; sdl=0; bootloader=''; serial=''; acpi=1; pae=1\n"
                 "hap=1; usbdevice=[]; pci=[]; vfb=[]; builder='generic'; tsc_mode='default'") ==
          0);
    CHECK_STR(warnings, "");
}

/* No known key may end as "unknown", and each refuses or takes its values for a reason. */
static void every_known_key(void)
{
    size_t count;
    const struct cfg_key *keys = cfg_key_table(&count);

    CHECK(count >= 150);
    for (size_t i = 0; i < count; i++) {
        char text[128];

        CHECK(i == 0 || strcmp(keys[i - 1].name, keys[i].name) < 0);
        CHECK(cfg_key_find(keys[i].name) == &keys[i]);
        CHECK(cfg_key_nearest(keys[i].name) == &keys[i]);
        snprintf(text, sizeof(text), BASE "%s=%s", keys[i].name,
                 keys[i].kind == KEY_LIST ? "['q']" : "'7'");
        if (keys[i].state == KEY_NOT_YET || keys[i].state == KEY_ARM) {
            CHECK(domain(text) < 0);
            CHECK(err.place.line == 2 && strstr(err.text, keys[i].name));
        } else {
            domain(text);
            CHECK(!strstr(warnings, "unknown key"));
        }
    }
}

static void wrong_types(void)
{
    CHECK(rejected("name=['x']", 1, "name must be a string, found a list"));
    CHECK(rejected(BASE "vcpus=[1]", 2, "vcpus must be a number, found a list"));
    CHECK(rejected(BASE "memory='lots'", 2, "memory must be a number, found a string (lots)"));
    CHECK(rejected(BASE "vif='bridge=x'", 2, "vif must be a list"));
    CHECK(rejected(BASE "hap='yes'", 2, "hap must be 0 or 1"));
    CHECK(rejected(BASE "cpus=[['1']]", 2, "found a list"));
}

static void wrong_values(void)
{
    CHECK(rejected("kernel='k';memory=1", 0, "name= is missing"));
    CHECK(rejected("name='k';memory=1", 0, "kernel= is missing"));
    CHECK(rejected(BASE "name='a/b'", 2, "no name for a domain"));
    CHECK(rejected(BASE "name=''", 2, "no name for a domain"));
    CHECK(rejected(BASE "uuid='zzz'", 2, "UUID"));
    CHECK(rejected(BASE "vcpus=0", 2, "vcpus must be from 1"));
    CHECK(rejected(BASE "vcpus=4;maxvcpus=2", 2, "maxvcpus (2) is less than vcpus (4)"));
    CHECK(rejected(BASE "maxmem=32", 2, "maxmem (32) is less than memory (64)"));
    CHECK(rejected(BASE "memory=0", 2, "memory must be from 1"));
    CHECK(rejected(BASE "memory=-5", 2, "memory must be from 1"));
    CHECK(rejected(BASE "memory=9223372036854775807", 2, "memory must be from 1"));
    CHECK(rejected(BASE "cpus='1-'", 2, "is no CPU set"));
    CHECK(rejected(BASE "cpu_weight=65536", 2, "cpu_weight must be from 1 to 65535"));
    CHECK(rejected(BASE "on_crash='explode'", 2, "on_crash must be destroy"));
    CHECK(rejected(BASE "type='vm'", 2, "type must be"));
    CHECK(rejected(BASE "max_grant_version=3", 2, "from 1 to 2"));
}

static void default_memory(void)
{
    CHECK(domain("name='g';kernel='/k'") == 0);
    CHECK(config.memory_kib == 32 << 10);
    CHECK(domain("name='g';kernel='/k';maxmem=100") == 0);
    CHECK(config.memory_kib == 100 << 10);
}

static const struct test tests[] = {
    {"empty_inputs", empty_inputs},
    {"strings", strings},
    {"escapes", escapes},
    {"unterminated_strings", unterminated_strings},
    {"numbers", numbers},
    {"lists", lists},
    {"deep_lists", deep_lists},
    {"separators", separators},
    {"appending", appending},
    {"later_settings_win", later_settings_win},
    {"odd_bytes", odd_bytes},
    {"damaged_inputs", damaged_inputs},
    {"all_supported_keys", all_supported_keys},
    {"cmdline_wins", cmdline_wins},
    {"unknown_keys", unknown_keys},
    {"boot_loaders", boot_loaders},
    {"unsupported_keys", unsupported_keys},
    {"every_known_key", every_known_key},
    {"wrong_types", wrong_types},
    {"wrong_values", wrong_values},
    {"default_memory", default_memory},
};

int main(void)
{
    int rc = test_run("cfg", tests, sizeof(tests) / sizeof(tests[0]));

    cfg_free(cfg);
    hl_domain_config_free(&config);
    return rc;
}
