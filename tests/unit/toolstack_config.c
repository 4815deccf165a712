/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations and their JSON, error records, CPU sets. */
#include "tests/unit/toolstack_test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <yajl/yajl_tree.h>

#include "dom0-toolstack/lib/cpumask.h"
#include "dom0-toolstack/lib/creation.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "dom0-toolstack/lib/record.h"
#include "dom0-toolstack/lib/xl_conf.h"

/* ---- configurations ---- */

static void fill_config(struct hl_domain_config *c)
{
    hl_domain_config_init(c);
    c->name = strdup("web \"1\" \xc3\xa4");
    hl_uuid_parse("00112233-4455-6677-8899-aabbccddeeff", c->uuid);
    c->memory_kib = 524288;
    c->maxmem_kib = 1048576;
    c->vcpus = 2;
    c->maxvcpus = 4;
    c->cpus.each = calloc(3, sizeof(char *));
    c->cpus.each[0] = strdup("0");
    c->cpus.each[1] = strdup("1-2,^2");
    c->cpus.nr_each = 3; /* the last one is "all" */
    c->cpus_soft.all = strdup("0-1");
    c->cpu_weight = 512;
    c->cpu_cap = 150;
    c->kernel = strdup("/boot/vmlinuz");
    c->ramdisk = strdup("/boot/initrd.img");
    c->cmdline = strdup("root=/dev/xvda1 console=hvc0 \\ \n tab\t");
    c->bootloader = strdup("pygrub");
    c->bootloader_args = calloc(2, sizeof(char *));
    c->bootloader_args[0] = strdup("--entry=a b");
    c->bootloader_args[1] = strdup("-q");
    c->nr_bootloader_args = 2;
    c->on_poweroff = HL_ACTION_PRESERVE;
    c->on_reboot = HL_ACTION_RENAME_RESTART;
    c->on_crash = HL_ACTION_COREDUMP_DESTROY;
    c->on_watchdog = HL_ACTION_COREDUMP_RESTART;
    c->on_soft_reset = HL_ACTION_DESTROY;
    c->max_grant_frames = 128;
    c->max_maptrack_frames = 0;
    c->max_grant_version = 1;
    c->max_event_channels = 4095;
    c->pool = strdup("Pool-0");
    c->config_file = strdup("/etc/hospes/web.cfg");
}

static bool same_config(const struct hl_domain_config *a, const struct hl_domain_config *b)
{
    char *x = hl_domain_config_to_json(a, false), *y = hl_domain_config_to_json(b, false);
    bool same = x != NULL && y != NULL && strcmp(x, y) == 0;

    free(x);
    free(y);
    return same;
}

static void json_round_trip(void)
{
    struct hl_domain_config c, d;
    char *json;

    fill_config(&c);
    for (int pretty = 0; pretty < 2; pretty++) {
        json = hl_domain_config_to_json(&c, pretty != 0);
        CHECK(json != NULL);
        CHECK(hl_domain_config_from_json(&d, json, strlen(json), NULL) == 0);
        free(json);
        CHECK(same_config(&c, &d));
        CHECK_STR(d.name, c.name);
        CHECK_STR(d.cmdline, c.cmdline);
        CHECK(memcmp(d.uuid, c.uuid, 16) == 0);
        CHECK(d.vcpus == 2 && d.maxvcpus == 4 && d.memory_kib == 524288);
        CHECK(d.cpus.nr_each == 3);
        CHECK_STR(d.cpus.each[1], "1-2,^2");
        CHECK_STR(d.cpus.each[2], "all");
        CHECK_STR(d.cpus_soft.all, "0-1");
        CHECK(d.cpu_weight == 512 && d.cpu_cap == 150 && d.max_maptrack_frames == 0);
        CHECK(d.on_reboot == HL_ACTION_RENAME_RESTART && d.on_soft_reset == HL_ACTION_DESTROY);
        CHECK(d.max_event_channels == 4095 && d.max_grant_version == 1);
        CHECK_STR(d.bootloader, "pygrub");
        CHECK(d.nr_bootloader_args == 2);
        CHECK_STR(d.bootloader_args[0], "--entry=a b");
        hl_domain_config_free(&d);
    }
    hl_domain_config_free(&c);
}

static void json_defaults(void)
{
    static const char text[] = "{\"c_info\":{\"name\":\"a\"},\"b_info\":{\"max_vcpus\":3}}";
    struct hl_domain_config c;

    CHECK(hl_domain_config_from_json(&c, text, strlen(text), NULL) == 0);
    CHECK(c.vcpus == 3 && c.maxvcpus == 3 && c.cpu_weight == HL_UNSET_INT);
    CHECK(c.on_reboot == HL_ACTION_RESTART && c.max_grant_frames == HL_UNSET_INT);
    hl_domain_config_free(&c);
}

static void json_has_xl_layout(void)
{
    static const char *name_path[] = {"c_info", "name", NULL};
    static const char *mem_path[] = {"b_info", "target_memkb", NULL};
    struct hl_domain_config c;
    yajl_val tree, v;
    char *json;

    fill_config(&c);
    json = hl_domain_config_to_json(&c, true);
    tree = yajl_tree_parse(json, NULL, 0);
    CHECK(tree != NULL);
    v = yajl_tree_get(tree, name_path, yajl_t_string);
    CHECK(v != NULL);
    CHECK_STR(YAJL_GET_STRING(v), c.name);
    v = yajl_tree_get(tree, mem_path, yajl_t_number);
    CHECK(v != NULL && YAJL_GET_INTEGER(v) == 524288);
    yajl_tree_free(tree);
    free(json);
    hl_domain_config_free(&c);
}

/* Every prefix of a good document, and documents of wrong kinds: refused, nothing leaked. */
static void json_bad(void)
{
    static const char *const bad[] = {
        "",
        "[]",
        "null",
        "7",
        "{}",
        "{\"c_info\":{},\"b_info\":7}",
        "{\"c_info\":{\"name\":7},\"b_info\":{}}",
        "{\"c_info\":{\"uuid\":\"xyz\"},\"b_info\":{}}",
        "{\"c_info\":{\"type\":\"vmx\"},\"b_info\":{}}",
        "{\"c_info\":{},\"b_info\":{\"max_vcpus\":-1}}",
        "{\"c_info\":{},\"b_info\":{\"max_vcpus\":1.5}}",
        "{\"c_info\":{},\"b_info\":{\"max_memkb\":99999999999999999999999}}",
        "{\"c_info\":{},\"b_info\":{\"vcpu_hard_affinity\":[1]}}",
        "{\"c_info\":{},\"b_info\":{\"vcpu_hard_affinity\":[\"1\",{}]}}",
        "{\"c_info\":{},\"b_info\":{\"avail_vcpus\":2}}",
        "{\"c_info\":{},\"b_info\":{},\"on_crash\":\"explode\"}",
        "{\"c_info\":{},\"b_info\":{}} trailing",
    };
    struct hl_error *e = hl_error_new();
    struct hl_domain_config c;
    char *json;
    size_t len;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        hl_error_clear(e);
        if (hl_domain_config_from_json(&c, bad[i], strlen(bad[i]), e) != -EINVAL) {
            fprintf(stderr, "accepted: %s\n", bad[i]);
            test_fail(__FILE__, __LINE__, "a bad document was accepted");
        }
        CHECK(hl_error_is_set(e) && c.name == NULL);
    }
    CHECK(hl_domain_config_from_json(&c, "{}\0{}", 5, e) == -EINVAL);
    fill_config(&c);
    json = hl_domain_config_to_json(&c, false);
    hl_domain_config_free(&c);
    len = strlen(json);
    for (size_t n = 0; n < len; n++)
        CHECK(hl_domain_config_from_json(&c, json, n, NULL) == -EINVAL);
    free(json);
    hl_error_free(e);
}

static void json_mutated(void)
{
    struct hl_domain_config c;
    char *json, *copy;
    size_t len;

    fill_config(&c);
    json = hl_domain_config_to_json(&c, false);
    hl_domain_config_free(&c);
    len = strlen(json);
    copy = malloc(len + 1);
    for (int i = 0; i < 5000; i++) {
        memcpy(copy, json, len + 1);
        for (unsigned int n = 1 + test_random() % 4; n > 0; n--)
            copy[test_random() % len] = (char)(test_random() % 256);
        if (hl_domain_config_from_json(&c, copy, len, NULL) == 0)
            hl_domain_config_free(&c);
    }
    free(copy);
    free(json);
}

static void copies_are_deep(void)
{
    struct hl_domain_config c, d;

    fill_config(&c);
    CHECK(hl_domain_config_copy(&d, &c) == 0);
    CHECK(same_config(&c, &d));
    CHECK(d.name != c.name && d.cpus.each != c.cpus.each && d.cpus.each[2] == NULL);
    hl_domain_config_free(&c);
    hl_domain_config_free(&c); /* twice is fine */
    CHECK_STR(d.kernel, "/boot/vmlinuz");
    hl_domain_config_free(&d);
}

static int finish_with(void (*change)(struct hl_domain_config *))
{
    struct hl_error *e = hl_error_new();
    struct hl_domain_config c;
    int rc;

    fill_config(&c);
    change(&c);
    rc = hl_domain_config_finish(&c, e);
    if (rc != 0 && (!hl_error_is_set(e) || *hl_error_cause(e) == '\0'))
        rc = 1;
    hl_domain_config_free(&c);
    hl_error_free(e);
    return rc;
}

static void no_change(struct hl_domain_config *c)
{
    (void)c;
}

static void no_name(struct hl_domain_config *c)
{
    free(c->name);
    c->name = NULL;
}

static void number_as_name(struct hl_domain_config *c)
{
    strcpy(c->name, "17");
}

static void slash_in_name(struct hl_domain_config *c)
{
    strcpy(c->name, "a/b");
}

static void no_kernel(struct hl_domain_config *c)
{
    free(c->bootloader);
    c->bootloader = NULL;
    free(c->kernel);
    c->kernel = NULL;
}

static void no_memory(struct hl_domain_config *c)
{
    c->memory_kib = 0;
}

static void huge_memory(struct hl_domain_config *c)
{
    c->memory_kib = c->maxmem_kib = UINT64_MAX - 8;
}

/* Rounded up, it would be nothing. */
static void memory_that_wraps(struct hl_domain_config *c)
{
    c->memory_kib = UINT64_MAX - 1;
    c->maxmem_kib = 0;
}

static void latin_name(struct hl_domain_config *c)
{
    strcpy(c->name, "\xfc"
                    "b");
}

static void cut_kernel(struct hl_domain_config *c)
{
    strcpy(c->kernel, "/k\xe2\x82");
}

static void surrogate_kernel(struct hl_domain_config *c)
{
    strcpy(c->kernel, "/\xed\xa0\x80");
}

static void euro_kernel(struct hl_domain_config *c)
{
    strcpy(c->kernel, "/\xe2\x82\xac\xf0\x9f\x90\xa7");
}

static void maxmem_below(struct hl_domain_config *c)
{
    c->maxmem_kib = 4096;
}

static void maxvcpus_below(struct hl_domain_config *c)
{
    c->maxvcpus = 1;
}

static void many_vcpus(struct hl_domain_config *c)
{
    c->maxvcpus = UINT32_MAX;
}

static void weight_zero(struct hl_domain_config *c)
{
    c->cpu_weight = 0;
}

static void cap_big(struct hl_domain_config *c)
{
    c->cpu_cap = 70000;
}

static void bad_cpus(struct hl_domain_config *c)
{
    strcpy(c->cpus.each[1], "1-");
}

static void bad_grants(struct hl_domain_config *c)
{
    c->max_grant_version = 3;
}

static void long_cmdline(struct hl_domain_config *c)
{
    free(c->cmdline);
    c->cmdline = malloc(1025);
    memset(c->cmdline, 'x', 1024);
    c->cmdline[1024] = '\0';
}

static void finish_checks(void)
{
    static void (*const wrong[])(struct hl_domain_config *) = {
        no_name,      number_as_name, slash_in_name,     no_kernel,   no_memory,  huge_memory,
        maxmem_below, maxvcpus_below, many_vcpus,        weight_zero, cap_big,    bad_cpus,
        bad_grants,   long_cmdline,   memory_that_wraps, latin_name,  cut_kernel, surrogate_kernel,
    };

    CHECK(finish_with(no_change) == 0);
    CHECK(finish_with(euro_kernel) == 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (finish_with(wrong[i]) != -EINVAL)
            fprintf(stderr, "case %zu was accepted\n", i);
        CHECK(finish_with(wrong[i]) == -EINVAL);
    }
}

static void finish_completes(void)
{
    struct hl_domain_config c;

    hl_domain_config_init(&c);
    c.name = strdup("a");
    c.kernel = strdup("k");
    c.memory_kib = 1025;
    CHECK(hl_domain_config_finish(&c, NULL) == 0);
    CHECK(c.memory_kib == 1028 && c.maxmem_kib == 1028 && c.vcpus == 1 && c.maxvcpus == 1);
    CHECK(!hl_uuid_is_nil(c.uuid) && (c.uuid[6] & 0xf0) == 0x40);
    hl_domain_config_free(&c);
}

static void cmdlines(void)
{
    static const struct {
        const char *cmdline, *root, *extra, *result;
    } t[] = {
        {NULL, "/dev/xvda1", "ro quiet", "root=/dev/xvda1 ro quiet"},
        {NULL, "/dev/xvda1", NULL, "root=/dev/xvda1"},
        {NULL, NULL, "quiet", "quiet"},
        {"a b", "/dev/xvda1", "quiet", "a b"},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char *text = hl_domain_config_compose_cmdline(t[i].cmdline, t[i].root, t[i].extra);

        CHECK_STR(text, t[i].result);
        free(text);
    }
    CHECK(hl_domain_config_compose_cmdline(NULL, NULL, NULL) == NULL && errno == 0);
}

static void uuids(void)
{
    uint8_t u[16];
    char text[37];

    CHECK(hl_uuid_parse("C0FFEE00-0000-4000-8000-00000000ABCD", u) == 0);
    hl_uuid_format(u, text);
    CHECK_STR(text, "c0ffee00-0000-4000-8000-00000000abcd");
    CHECK(hl_uuid_parse("c0ffee0000004000800000000000abcd", u) == 0);
    CHECK(hl_uuid_parse("c0ffee00-0000-4000-8000-00000000abc", u) == -EINVAL);
    CHECK(hl_uuid_parse("c0ffee00-0000-4000-8000-00000000abcde", u) == -EINVAL);
    CHECK(hl_uuid_parse("c0ff-ee0000004000800000000000abcd", u) == -EINVAL);
    CHECK(hl_uuid_parse("g0ffee00-0000-4000-8000-00000000abcd", u) == -EINVAL);
    CHECK(hl_uuid_parse("", u) == -EINVAL);
}

static void names_of_actions(void)
{
    enum hl_action a;

    for (int i = 0; i < HL_ACTION_COUNT; i++) {
        CHECK(hl_action_from_name(hl_action_name((enum hl_action)i), &a) == 0);
        CHECK((int)a == i);
    }
    CHECK(hl_action_from_name("Destroy", &a) == -EINVAL);
}

static void records(void)
{
    char dir[] = "/tmp/hospes-test-XXXXXX", path[128];
    struct hl_domain_config c, d;
    FILE *f;

    CHECK(mkdtemp(dir) != NULL);
    setenv("HOSPES_STATE_DIR", dir, 1);
    fill_config(&c);
    CHECK(hl_record_load(c.uuid, &d, NULL) == -ENOENT);
    CHECK(hl_record_save(&c, NULL) == 0);
    CHECK(hl_record_save(&c, NULL) == 0);
    CHECK(hl_record_load(c.uuid, &d, NULL) == 0);
    CHECK(same_config(&c, &d));
    hl_domain_config_free(&d);
    /* Cut short by a full disk of some other program. */
    snprintf(path, sizeof(path), "%s/domains/00112233-4455-6677-8899-aabbccddeeff.json", dir);
    f = fopen(path, "w");
    CHECK(f != NULL);
    fputs("{\"c_info\":", f);
    fclose(f);
    CHECK(hl_record_load(c.uuid, &d, NULL) == -EINVAL);
    hl_record_remove(c.uuid);
    hl_record_remove(c.uuid);
    CHECK(hl_record_load(c.uuid, &d, NULL) == -ENOENT);
    hl_domain_config_free(&c);
    snprintf(path, sizeof(path), "%s/domains", dir);
    CHECK(remove(path) == 0 && remove(dir) == 0);
    unsetenv("HOSPES_STATE_DIR");
}

/* ---- errors ---- */

static void error_sentence(void)
{
    struct hl_error *e = hl_error_new(), *f = hl_error_new();
    char *text;

    CHECK(!hl_error_is_set(e) && hl_error_sentence(e) == NULL && hl_error_json(e) == NULL);
    CHECK(hl_fail(e, ENOENT, "read the kernel", "/boot/x", NULL) == -ENOENT);
    hl_error_advise(e, "check %s=", "kernel");
    hl_error_within(e, "create %s", "web1");
    text = hl_error_sentence(e);
    CHECK_STR(text,
              "create web1: read the kernel (/boot/x): No such file or directory; check kernel=");
    free(text);
    hl_error_copy(f, e);
    hl_error_clear(e);
    CHECK(!hl_error_is_set(e));
    CHECK_STR(hl_error_object(f), "/boot/x");
    CHECK(hl_error_errnum(f) == ENOENT);
    CHECK(hl_fail_dom(e, ESRCH, 7, "look", NULL) == -ESRCH);
    text = hl_error_sentence(e);
    CHECK_STR(text, "look (domain 7): no such domain");
    free(text);
    /* Texts of the old record may be used for the new one. */
    CHECK(hl_fail(e, EIO, hl_error_step(e), hl_error_object(e), "was: %s", hl_error_cause(e)) ==
          -EIO);
    text = hl_error_sentence(e);
    CHECK_STR(text, "look (domain 7): was: no such domain");
    free(text);
    /* One line, whatever a library says or a file is called. */
    hl_fail(e, EIO, "read", "a\nb\x1b[2J", "line 1\n  ^\n");
    text = hl_error_sentence(e);
    CHECK_STR(text, "read (a b [2J): line 1   ^ ");
    free(text);
    /* One line, whatever a library says or a file is called. */
    hl_fail(e, EIO, "read", "a\nb\x1b[2J", "line 1\n  ^\n");
    text = hl_error_sentence(e);
    CHECK_STR(text, "read (a b [2J): line 1   ^ ");
    free(text);
    hl_error_free(e);
    hl_error_free(f);
}

static void error_json(void)
{
    static const char *errno_path[] = {"errno", NULL}, *cause_path[] = {"cause", NULL};
    static const char *name_path[] = {"error", NULL}, *within_path[] = {"within", NULL};
    struct hl_error *e = hl_error_new();
    yajl_val tree, within;
    char *text;

    hl_fail(e, ENOMEM, "allocate", NULL, "a \"quoted\" \\ text\nof two lines");
    hl_error_within(e, "build");
    hl_error_within(e, "create x");
    text = hl_error_json(e);
    CHECK(text != NULL && strchr(text, '\n') == NULL);
    tree = yajl_tree_parse(text, NULL, 0);
    CHECK(tree != NULL);
    CHECK(YAJL_GET_INTEGER(yajl_tree_get(tree, errno_path, yajl_t_number)) == ENOMEM);
    CHECK_STR(YAJL_GET_STRING(yajl_tree_get(tree, name_path, yajl_t_string)), "ENOMEM");
    CHECK_STR(YAJL_GET_STRING(yajl_tree_get(tree, cause_path, yajl_t_string)),
              "a \"quoted\" \\ text\nof two lines");
    within = yajl_tree_get(tree, within_path, yajl_t_array);
    CHECK(within != NULL && YAJL_GET_ARRAY(within)->len == 2);
    CHECK_STR(YAJL_GET_STRING(YAJL_GET_ARRAY(within)->values[1]), "create x");
    yajl_tree_free(tree);
    free(text);
    hl_error_free(e);
}

static void error_null(void)
{
    CHECK(hl_fail(NULL, EBUSY, "x", "y", "z %d", 1) == -EBUSY);
    CHECK(hl_fail_dom(NULL, EBUSY, 1, "x", NULL) == -EBUSY);
    hl_error_advise(NULL, "x");
    hl_error_within(NULL, "x");
    hl_error_clear(NULL);
    hl_error_free(NULL);
    hl_error_copy(NULL, NULL);
    CHECK(!hl_error_is_set(NULL) && hl_error_errnum(NULL) == 0);
    CHECK_STR(hl_error_cause(NULL), "");
    CHECK(hl_error_json(NULL) == NULL && hl_error_sentence(NULL) == NULL);
}

/* ---- CPU sets ---- */

static struct hv_cpu_topo cpus[8] = {
    {0, 0, 0}, {0, 0, 0}, {1, 0, 0}, {1, 0, 0}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {1, 1, 1},
};
static const struct hv_topology topo = {.nr_cpus = 8, .nr_nodes = 2, .cpus = cpus};

/* NULL: refused. */
static char *allowed_cpus(bool hvm, const char *conf, bool *given)
{
    static const char path[] = "/tmp/toolstack_config.xl.conf";
    struct hl_cpumask m;
    char *text = NULL;

    setenv("HOSPES_XL_CONF", path, 1);
    if (file_write_atomic(path, conf, strlen(conf), 0600) == 0 &&
        xl_conf_cpumask(hvm, &topo, &m, given, NULL) == 0)
        text = hl_cpumask_format(&m, 8);
    unlink(path);
    unsetenv("HOSPES_XL_CONF");
    return text;
}

static void cpus_of_the_host(void)
{
    static const struct {
        const char *conf, *pv, *hvm;
        bool given;
    } t[] = {
        {"", "all", "all", false},
        {"vm.cpumask=\"2-7\"\n", "2-7", "2-7", true},
        {"vm.cpumask='all,^0'\nvm.pv.cpumask='node:0'\n", "1-3", "1-7", true},
        {"vm.hvm.cpumask='5'\nvm.cpumask='4-6'\n", "4-6", "5", true},
        {"vm.cpumask='0'\nvm.pv.cpumask='1'\n", NULL, "0", true},
    };
    struct hl_cpumask m, some;

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        for (int hvm = 0; hvm < 2; hvm++) {
            const char *want = hvm ? t[i].hvm : t[i].pv;
            bool given = !t[i].given;
            char *text = allowed_cpus(hvm, t[i].conf, &given);

            CHECK((text == NULL) == (want == NULL));
            if (text != NULL && want != NULL)
                CHECK_STR(text, want);
            CHECK(given == t[i].given);
            free(text);
        }
    }
    CHECK(hl_cpumask_parse("0-3", &topo, &m, NULL) == 0);
    CHECK(hl_cpumask_parse("2-5", &topo, &some, NULL) == 0);
    CHECK(hl_cpumask_confine(&m, &some, NULL) == 0 && hl_cpumask_count(&m) == 2);
    CHECK(hl_cpumask_parse("6", &topo, &some, NULL) == 0);
    CHECK(hl_cpumask_confine(&m, &some, NULL) == -EINVAL);
}

static void cpumask_good(void)
{
    static const struct {
        const char *in, *out;
    } t[] = {
        {"0", "0"},
        {"all", "all"},
        {"0-7", "all"},
        {"0-3,^2", "0-1,3"},
        {"0-3, ^2 ,7", "0-1,3,7"},
        {"node:1", "4-7"},
        {"nodes:0-1", "all"},
        {"nodes:0-1,^5", "0-4,6-7"},
        {"all,^node:0", "4-7"},
        {"all,^nodes:0,^0", "4-7"},
        {"^0,0", "0"},
        {"6-100", "6-7"},
        {"0,^0", "none"},
    };
    struct hl_cpumask m;

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char *text;

        CHECK(hl_cpumask_parse(t[i].in, &topo, &m, NULL) == 0);
        text = hl_cpumask_format(&m, 8);
        CHECK_STR(text, t[i].out);
        free(text);
    }
}

static void cpumask_bad(void)
{
    static const char *const t[] = {
        "",       ",",     "0,",   "a",        "0-",
        "-1",     "3-1",   "0 1",  "node",     "node:",
        "node:9", "8",     "^",    "all-3",    "99999999999999999999",
        "0,,1",   "0-1-2", "allx", "nodes:0-", "0x1",
        "4096",   "1.5",
    };
    struct hl_error *e = hl_error_new();
    struct hl_cpumask m;

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        hl_error_clear(e);
        if (hl_cpumask_parse(t[i], &topo, &m, e) != -EINVAL)
            fprintf(stderr, "accepted: '%s'\n", t[i]);
        CHECK(hl_cpumask_parse(t[i], &topo, &m, e) == -EINVAL);
        CHECK(hl_error_is_set(e));
    }
    /* Without a host only the syntax counts. */
    CHECK(hl_cpumask_parse("node:9,500", NULL, &m, NULL) == 0);
    hl_error_free(e);
}

/* Who holds a creation, and who may have it when its holder is gone. */
static void creations(void)
{
    static const uint8_t uuid[16] = {1, 2, 3}, other[16] = {4};
    struct creation a = CREATION_NONE, b = CREATION_NONE;
    char dir[] = "/tmp/creation_test.XXXXXX", path[128];
    uint32_t domid;
    pid_t child;
    int status;

    CHECK(mkdtemp(dir) != NULL);
    setenv("HOSPES_RUN_DIR", dir, 1);
    CHECK(creation_take_over(&b, uuid, &domid) == -ENOENT);
    CHECK(creation_begin(&a, uuid, NULL) == 0);
    CHECK(creation_begin(&b, uuid, NULL) == -EBUSY && b.fd == -1);
    CHECK(creation_take_over(&b, uuid, &domid) == -EBUSY && b.fd == -1);
    CHECK(creation_begin(&b, other, NULL) == 0);
    creation_end(&b);
    creation_end(&a);
    CHECK(creation_take_over(&b, uuid, &domid) == -ENOENT);

    /* Killed before it had a domain, and after. */
    for (int with_domain = 0; with_domain < 2; with_domain++) {
        child = fork();
        if (child == 0) {
            if (creation_begin(&a, uuid, NULL) == 0 &&
                (!with_domain || creation_domid(&a, 17, NULL) == 0))
                raise(SIGKILL);
            _exit(0);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        CHECK(creation_take_over(&b, uuid, &domid) == 0);
        CHECK(domid == (with_domain ? 17 : CREATION_NO_DOMID));
        CHECK(creation_begin(&a, uuid, NULL) == -EBUSY);
        if (with_domain)
            creation_end(&b);
        else
            creation_leave(&b); /* it could not be removed: the next one finds it */
    }
    CHECK(creation_take_over(&b, uuid, &domid) == -ENOENT);
    snprintf(path, sizeof(path), "%s/creating", dir);
    CHECK(rmdir(path) == 0 && rmdir(dir) == 0);
    unsetenv("HOSPES_RUN_DIR");
}

int main(void)
{
    static const struct test tests[] = {
        {"json_round_trip", json_round_trip},
        {"json_defaults", json_defaults},
        {"json_has_xl_layout", json_has_xl_layout},
        {"json_bad", json_bad},
        {"json_mutated", json_mutated},
        {"copies_are_deep", copies_are_deep},
        {"finish_checks", finish_checks},
        {"finish_completes", finish_completes},
        {"cmdlines", cmdlines},
        {"uuids", uuids},
        {"names_of_actions", names_of_actions},
        {"records", records},
        {"creations", creations},
        {"error_sentence", error_sentence},
        {"error_json", error_json},
        {"error_null", error_null},
        {"cpus_of_the_host", cpus_of_the_host},
        {"cpumask_good", cpumask_good},
        {"cpumask_bad", cpumask_bad},
    };

    return test_run("toolstack_config", tests, sizeof(tests) / sizeof(tests[0]));
}
