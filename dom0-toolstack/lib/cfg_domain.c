/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The meaning of xl.cfg's keys: one row of a table per supported key, each with a setter. Messages
 * name file, line, column and key.
 */
#include "dom0-toolstack/lib/bootloader.h"
#include "dom0-toolstack/lib/cfg_domain.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/cfg_keys.h"
#include "dom0-toolstack/lib/cfg_lex.h"
#include "dom0-toolstack/lib/cpumask.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"

/* What a guest gets without memory=; libxl's default. */
#define DEFAULT_MEMORY_MIB 32

struct job {
    const struct cfg *cfg;
    struct hl_domain_config *c;
    cfg_warn_fn *warn;
    void *opaque;
    struct cfg_error *err;
};

static void __attribute__((format(printf, 3, 4)))
warn_at(const struct job *job, const struct cfg_place *place, const char *fmt, ...)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s:%u:%u: warning: ", place->source, place->line,
                     place->column);
    va_list ap;

    if (!job->warn)
        return;
    va_start(ap, fmt);
    if (n >= 0 && (size_t)n < sizeof(text))
        vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    job->warn(job->opaque, text);
}

static int set_string(const struct job *job, const struct cfg_setting *s, char **field)
{
    char *copy = strdup(s->value->text);

    if (!copy)
        return cfg_fail_memory(job->err, s->place);
    free(*field);
    *field = copy;
    return 0;
}

/* As set_string(), but "" means none. */
static int set_optional(const struct job *job, const struct cfg_setting *s, char **field)
{
    return s->value->text[0] ? set_string(job, s, field) : 0;
}

static int number_in(const struct job *job, const struct cfg_setting *s, long long low,
                     long long high, long long *out)
{
    cfg_value_number(s->value, out);
    if (*out < low || *out > high)
        return cfg_fail(job->err, s->value->place, "%s must be from %lld to %lld, found %lld",
                        s->key, low, high, *out);
    return 0;
}

static int set_int(const struct job *job, const struct cfg_setting *s, long long low,
                   long long high, int *field)
{
    long long n;

    if (number_in(job, s, low, high, &n) < 0)
        return -1;
    *field = (int)n;
    return 0;
}

static int set_mib(const struct job *job, const struct cfg_setting *s, uint64_t *kib)
{
    long long n;

    /* 16 TiB is the most that a PV guest's frame numbers in the ABI reach. */
    if (number_in(job, s, 1, 16LL << 20, &n) < 0)
        return -1;
    *kib = (uint64_t)n << 10;
    return 0;
}

static int set_name(const struct job *job, const struct cfg_setting *s)
{
    if (!hl_domain_name_ok(s->value->text))
        return cfg_fail(
            job->err, s->value->place,
            "\"%.60s\" is no name for a domain: 1 to 255 characters, no '/', no control "
            "characters, not a number",
            s->value->text);
    return set_string(job, s, &job->c->name);
}

static int set_uuid(const struct job *job, const struct cfg_setting *s)
{
    if (hl_uuid_parse(s->value->text, job->c->uuid) < 0)
        return cfg_fail(
            job->err, s->value->place,
            "expected a UUID like 7b7fd581-735f-4bde-9fd9-44b8031f059b, found \"%.60s\"",
            s->value->text);
    return 0;
}

static int set_type(const struct job *job, const struct cfg_setting *s)
{
    enum hl_domain_type type;

    if (hl_domain_type_from_name(s->value->text, &type) < 0)
        return cfg_fail(job->err, s->value->place,
                        "type must be \"pv\", \"pvh\" or \"hvm\", found \"%.40s\"", s->value->text);
    if (type != HL_TYPE_PV)
        return cfg_fail(job->err, s->value->place,
                        "type=\"%s\" is not supported yet; only \"pv\" is", s->value->text);
    job->c->type = type;
    return 0;
}

static int set_builder(const struct job *job, const struct cfg_setting *s)
{
    const char *word = s->value->text;

    if (cfg_find(job->cfg, "type"))
        return 0; /* type= wins */
    if (strcmp(word, "generic") == 0 || strcmp(word, "linux") == 0 || strcmp(word, "pv") == 0)
        return 0;
    if (strcmp(word, "hvm") == 0)
        return cfg_fail(job->err, s->value->place,
                        "builder=\"hvm\" is not supported yet; only \"generic\" (a PV guest) is");
    return cfg_fail(job->err, s->value->place,
                    "builder must be \"generic\" or \"hvm\", found \"%.40s\"", word);
}

static int set_memory(const struct job *job, const struct cfg_setting *s)
{
    return set_mib(job, s, &job->c->memory_kib);
}

static int set_maxmem(const struct job *job, const struct cfg_setting *s)
{
    return set_mib(job, s, &job->c->maxmem_kib);
}

/* The most vCPUs that the PV ABI's vcpu_guest_context can start: the hypervisor has the last word. */
#define MAX_VCPUS 8192

static int set_vcpus(const struct job *job, const struct cfg_setting *s)
{
    long long n;

    if (number_in(job, s, 1, MAX_VCPUS, &n) < 0)
        return -1;
    job->c->vcpus = (uint32_t)n;
    return 0;
}

static int set_maxvcpus(const struct job *job, const struct cfg_setting *s)
{
    long long n;

    if (number_in(job, s, 1, MAX_VCPUS, &n) < 0)
        return -1;
    job->c->maxvcpus = (uint32_t)n;
    return 0;
}

/* One CPU set; checks its grammar only, the host is not known here. */
static int copy_cpus(const struct job *job, const struct cfg_setting *s, const struct cfg_value *v,
                     char **out)
{
    struct hl_cpumask mask;
    struct hl_error *e;
    int rc;

    if (v->type == CFG_LIST)
        return cfg_fail(job->err, v->place, "expected a CPU set like \"0-3,^2\", found a list");
    e = hl_error_new();
    hl_cpumask_clear_all(&mask);
    rc = hl_cpumask_parse(v->text, NULL, &mask, e);
    if (rc < 0)
        cfg_fail(job->err, v->place, "%s=\"%.60s\" is no CPU set: %s", s->key, v->text,
                 e ? hl_error_cause(e) : "");
    hl_error_free(e);
    if (rc < 0)
        return -1;
    *out = strdup(v->text);
    return *out ? 0 : cfg_fail_memory(job->err, v->place);
}

static int set_affinity(const struct job *job, const struct cfg_setting *s, struct hl_affinity *a)
{
    const struct cfg_value *v = s->value;

    if (v->type != CFG_LIST)
        return v->text[0] ? copy_cpus(job, s, v, &a->all) : 0;
    if (v->nr_items == 0)
        return 0;
    a->each = calloc(v->nr_items, sizeof(*a->each));
    if (!a->each)
        return cfg_fail_memory(job->err, v->place);
    a->nr_each = v->nr_items;
    for (size_t i = 0; i < v->nr_items; i++) {
        if (copy_cpus(job, s, v->items[i], &a->each[i]) < 0)
            return -1;
    }
    return 0;
}

static int set_cpus(const struct job *job, const struct cfg_setting *s)
{
    return set_affinity(job, s, &job->c->cpus);
}

static int set_cpus_soft(const struct job *job, const struct cfg_setting *s)
{
    return set_affinity(job, s, &job->c->cpus_soft);
}

static int set_cpu_weight(const struct job *job, const struct cfg_setting *s)
{
    return set_int(job, s, 1, 65535, &job->c->cpu_weight);
}

static int set_cap(const struct job *job, const struct cfg_setting *s)
{
    return set_int(job, s, 0, 100 * MAX_VCPUS, &job->c->cpu_cap);
}

static int set_kernel(const struct job *job, const struct cfg_setting *s)
{
    return set_optional(job, s, &job->c->kernel);
}

static int set_ramdisk(const struct job *job, const struct cfg_setting *s)
{
    return set_optional(job, s, &job->c->ramdisk);
}

static int set_bootloader(const struct job *job, const struct cfg_setting *s)
{
    if (s->value->text[0] && !hl_bootloader_known(s->value->text))
        return cfg_fail(job->err, s->value->place,
                        "bootloader must be pygrub or hospes-bootloader, found \"%.100s\"",
                        s->value->text);
    return set_optional(job, s, &job->c->bootloader);
}

static int add_bootloader_arg(const struct job *job, const struct cfg_value *v, const char *arg,
                              size_t len)
{
    struct hl_domain_config *c = job->c;
    char **all = realloc(c->bootloader_args, (c->nr_bootloader_args + 1) * sizeof(*all));

    if (!all)
        return cfg_fail_memory(job->err, v->place);
    c->bootloader_args = all;
    all[c->nr_bootloader_args] = strndup(arg, len);
    if (!all[c->nr_bootloader_args])
        return cfg_fail_memory(job->err, v->place);
    c->nr_bootloader_args++;
    return 0;
}

/* A list of words, or one string of them with blanks between. */
static int set_bootloader_args(const struct job *job, const struct cfg_setting *s)
{
    const struct cfg_value *v = s->value;
    int rc = 0;

    for (size_t i = 0; v->type == CFG_LIST && i < v->nr_items && rc == 0; i++) {
        if (v->items[i]->type == CFG_LIST)
            return cfg_fail(job->err, v->items[i]->place, "an item of %s must be a string", s->key);
        rc = add_bootloader_arg(job, v->items[i], v->items[i]->text, strlen(v->items[i]->text));
    }
    if (v->type == CFG_LIST)
        return rc;
    for (const char *at = v->text; rc == 0; at += strcspn(at, " \t")) {
        at += strspn(at, " \t");
        if (*at == '\0')
            break;
        rc = add_bootloader_arg(job, v, at, strcspn(at, " \t"));
    }
    return rc;
}

static int set_action(const struct job *job, const struct cfg_setting *s, enum hl_action *action)
{
    if (hl_action_from_name(s->value->text, action) < 0)
        return cfg_fail(job->err, s->value->place,
                        "%s must be destroy, restart, rename-restart, preserve, coredump-destroy, "
                        "coredump-restart or soft-reset, found \"%.40s\"",
                        s->key, s->value->text);
    return 0;
}

/* Actions that need parts which do not exist yet are refused where they are asked for. */
static int set_supported_action(const struct job *job, const struct cfg_setting *s,
                                enum hl_action *action)
{
    if (set_action(job, s, action) < 0)
        return -1;
    if (*action == HL_ACTION_SOFT_RESET)
        return cfg_fail(job->err, s->value->place,
                        "%s=\"%s\" is not supported yet; use destroy, restart, rename-restart, "
                        "preserve, coredump-destroy or coredump-restart",
                        s->key, s->value->text);
    return 0;
}

static int set_on_poweroff(const struct job *job, const struct cfg_setting *s)
{
    return set_supported_action(job, s, &job->c->on_poweroff);
}

static int set_on_reboot(const struct job *job, const struct cfg_setting *s)
{
    return set_supported_action(job, s, &job->c->on_reboot);
}

static int set_on_crash(const struct job *job, const struct cfg_setting *s)
{
    return set_supported_action(job, s, &job->c->on_crash);
}

static int set_on_watchdog(const struct job *job, const struct cfg_setting *s)
{
    return set_supported_action(job, s, &job->c->on_watchdog);
}

/* Its default is soft-reset, which no PV guest can use: so naming the default is fine. */
static int set_on_soft_reset(const struct job *job, const struct cfg_setting *s)
{
    if (strcmp(s->value->text, "soft-reset") == 0 || strcmp(s->value->text, "soft_reset") == 0)
        return set_action(job, s, &job->c->on_soft_reset);
    return set_supported_action(job, s, &job->c->on_soft_reset);
}

static int set_max_grant_frames(const struct job *job, const struct cfg_setting *s)
{
    return set_int(job, s, 1, INT_MAX, &job->c->max_grant_frames);
}

static int set_max_maptrack_frames(const struct job *job, const struct cfg_setting *s)
{
    return set_int(job, s, 0, INT_MAX, &job->c->max_maptrack_frames);
}

static int set_max_grant_version(const struct job *job, const struct cfg_setting *s)
{
    return set_int(job, s, 1, 2, &job->c->max_grant_version);
}

static int set_max_event_channels(const struct job *job, const struct cfg_setting *s)
{
    /* FIFO event channels end at 2^17. */
    return set_int(job, s, 1, (1 << 17) - 1, &job->c->max_event_channels);
}

static int set_driver_domain(const struct job *job, const struct cfg_setting *s)
{
    long long n;

    if (!cfg_value_number(s->value, &n))
        return cfg_fail(job->err, s->value->place, "%s must be 0 or 1", s->key);
    job->c->driver_domain = n != 0;
    return 0;
}

static int set_pool(const struct job *job, const struct cfg_setting *s)
{
    return set_optional(job, s, &job->c->pool);
}

/* One list of devices, each a string. */
static int set_devices(const struct job *job, const struct cfg_setting *s, enum hl_device_kind kind)
{
    for (size_t i = 0; i < s->value->nr_items; i++) {
        const struct cfg_value *v = s->value->items[i];
        struct hl_device d;
        char why[192];

        if (v->type != CFG_STRING)
            return cfg_fail(job->err, v->place, "%s must be a list of strings, found a %s", s->key,
                            cfg_type_name(v->type));
        if (hl_device_parse(kind, v->text, &d, why, sizeof(why)) < 0)
            return cfg_fail(job->err, v->place, "%s: %s", s->key, why);
        if (hl_device_list_add(&job->c->devices, &d) < 0)
            return cfg_fail_memory(job->err, v->place);
    }
    return 0;
}

static int set_disk(const struct job *job, const struct cfg_setting *s)
{
    return set_devices(job, s, HL_DEVICE_VBD);
}

static int set_vif(const struct job *job, const struct cfg_setting *s)
{
    return set_devices(job, s, HL_DEVICE_VIF);
}

static int set_channel(const struct job *job, const struct cfg_setting *s)
{
    return set_devices(job, s, HL_DEVICE_CONSOLE);
}

static int set_p9(const struct job *job, const struct cfg_setting *s)
{
    return set_devices(job, s, HL_DEVICE_P9);
}

/* Each screen brings a keyboard and a pointer. */
static int add_keyboard(const struct job *job, struct cfg_place place)
{
    struct hl_device d;
    char why[64];

    if (hl_device_parse(HL_DEVICE_VKB, "", &d, why, sizeof(why)) < 0 ||
        hl_device_list_add(&job->c->devices, &d) < 0)
        return cfg_fail_memory(job->err, place);
    return 0;
}

static int set_vfb(const struct job *job, const struct cfg_setting *s)
{
    int rc = set_devices(job, s, HL_DEVICE_VFB);

    for (size_t i = 0; rc == 0 && i < s->value->nr_items; i++)
        rc = add_keyboard(job, s->place);
    return rc;
}

static int set_vkb(const struct job *job, const struct cfg_setting *s)
{
    return set_devices(job, s, HL_DEVICE_VKB);
}

/* kernel command line, screen: put together at the end from several keys */
static int set_later(const struct job *job, const struct cfg_setting *s)
{
    (void)job;
    (void)s;
    return 0;
}

static const struct {
    const char *key;
    int (*set)(const struct job *job, const struct cfg_setting *s);
} setters[] = {
    {"bootloader", set_bootloader},
    {"bootloader_args", set_bootloader_args},
    {"builder", set_builder},
    {"cap", set_cap},
    {"channel", set_channel},
    {"cmdline", set_later},
    {"cpu_weight", set_cpu_weight},
    {"cpus", set_cpus},
    {"cpus_soft", set_cpus_soft},
    {"disk", set_disk},
    {"driver_domain", set_driver_domain},
    {"extra", set_later},
    {"kernel", set_kernel},
    {"keymap", set_later},
    {"max_event_channels", set_max_event_channels},
    {"max_grant_frames", set_max_grant_frames},
    {"max_grant_version", set_max_grant_version},
    {"max_maptrack_frames", set_max_maptrack_frames},
    {"maxmem", set_maxmem},
    {"maxvcpus", set_maxvcpus},
    {"memory", set_memory},
    {"name", set_name},
    {"on_crash", set_on_crash},
    {"on_poweroff", set_on_poweroff},
    {"on_reboot", set_on_reboot},
    {"on_soft_reset", set_on_soft_reset},
    {"on_watchdog", set_on_watchdog},
    {"p9", set_p9},
    {"pool", set_pool},
    {"ramdisk", set_ramdisk},
    {"root", set_later},
    {"type", set_type},
    {"uuid", set_uuid},
    {"vcpus", set_vcpus},
    {"vfb", set_vfb},
    {"vif", set_vif},
    {"vkb", set_vkb},
    {"vnc", set_later},
    {"vncdisplay", set_later},
    {"vnclisten", set_later},
    {"vncpasswd", set_later},
    {"vncunused", set_later},
};

static int apply_supported(const struct job *job, const struct cfg_setting *s)
{
    for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
        if (strcmp(setters[i].key, s->key) == 0)
            return setters[i].set(job, s);
    }
    return cfg_fail(job->err, s->place, "%s is not supported yet", s->key);
}

static int apply(const struct job *job, const struct cfg_setting *s)
{
    const struct cfg_key *key = cfg_key_find(s->key);
    const char *wanted;

    if (!key) {
        warn_at(job, &s->place, "unknown key '%.60s' is ignored; the nearest known key is '%s'",
                s->key, cfg_key_nearest(s->key)->name);
        return 0;
    }
    if (!cfg_key_type_ok(key, s->value, &wanted))
        return cfg_fail(job->err, s->value->place, "%s must be %s, found a %s%s%.40s%s", s->key,
                        wanted, cfg_type_name(s->value->type), s->value->text ? " (" : "",
                        s->value->text ? s->value->text : "", s->value->text ? ")" : "");
    switch (key->state) {
    case KEY_SUPPORTED: return apply_supported(job, s);
    case KEY_IGNORED:
        warn_at(job, &s->place, "the key '%s' is obsolete and ignored", s->key);
        return 0;
    case KEY_ARM:
    case KEY_NOT_YET: break;
    }
    if (cfg_key_neutral(key, s->value))
        return 0;
    if (key->state == KEY_ARM)
        return cfg_fail(job->err, s->place, "the key '%s' is for ARM hosts only", s->key);
    return cfg_fail(job->err, s->place, "the key '%s' is not supported yet; remove the line",
                    s->key);
}

static const char *text_of(const struct cfg *cfg, const char *key)
{
    const struct cfg_setting *s = cfg_find(cfg, key);

    return s && s->value->text[0] ? s->value->text : NULL;
}

static int compose_cmdline(const struct job *job)
{
    const char *cmdline = text_of(job->cfg, "cmdline");
    const char *root = text_of(job->cfg, "root"), *extra = text_of(job->cfg, "extra");

    if (cmdline && (root || extra))
        warn_at(job, &cfg_find(job->cfg, "cmdline")->place,
                "cmdline= is set, so root= and extra= are ignored");
    errno = 0;
    job->c->cmdline = hl_domain_config_compose_cmdline(cmdline, root, extra);
    if (!job->c->cmdline && errno == ENOMEM)
        return cfg_fail_memory(job->err, (struct cfg_place){"", 0, 0});
    return 0;
}

/* vnc=1 and the keys beside it are a screen, as one string of vfb= is. */
static int compose_screen(const struct job *job)
{
    static const char *const keys[] = {"vnclisten", "vncdisplay", "vncunused", "vncpasswd",
                                       "keymap"};
    const struct cfg_setting *vnc = cfg_find(job->cfg, "vnc");
    char spec[512] = "vnc=1", why[192];
    size_t len = strlen(spec);
    struct hl_device d;
    long long on;

    if (!vnc || !cfg_value_number(vnc->value, &on) || on == 0)
        return 0;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *value = text_of(job->cfg, keys[i]);

        if (!value)
            continue;
        if (strlen(value) + strlen(keys[i]) + 3 > sizeof(spec) - len || strchr(value, ','))
            return cfg_fail(job->err, cfg_find(job->cfg, keys[i])->value->place,
                            "%s is too long or has a comma", keys[i]);
        len += (size_t)snprintf(spec + len, sizeof(spec) - len, ",%s=%s", keys[i], value);
    }
    if (hl_device_parse(HL_DEVICE_VFB, spec, &d, why, sizeof(why)) < 0)
        return cfg_fail(job->err, vnc->place, "%s", why);
    if (hl_device_list_add(&job->c->devices, &d) < 0)
        return cfg_fail_memory(job->err, vnc->place);
    return add_keyboard(job, vnc->place);
}

/* What concerns more than one key. */
static int check_whole(const struct job *job, struct cfg_place whole)
{
    struct hl_domain_config *c = job->c;

    if (!c->name)
        return cfg_fail(job->err, whole, "name= is missing: every domain needs one");
    if (!c->kernel && !c->bootloader)
        return cfg_fail(job->err, whole,
                        "kernel= is missing: the file of the guest's kernel (or bootloader=)");
    if (c->maxvcpus && c->vcpus > c->maxvcpus)
        return cfg_fail(job->err, cfg_find(job->cfg, "maxvcpus")->value->place,
                        "maxvcpus (%u) is less than vcpus (%u)", c->maxvcpus, c->vcpus);
    if (!c->memory_kib && c->maxmem_kib)
        c->memory_kib = c->maxmem_kib;
    if (!c->memory_kib)
        c->memory_kib = DEFAULT_MEMORY_MIB << 10;
    if (c->maxmem_kib && c->maxmem_kib < c->memory_kib)
        return cfg_fail(job->err, cfg_find(job->cfg, "maxmem")->value->place,
                        "maxmem (%llu) is less than memory (%llu)",
                        (unsigned long long)(c->maxmem_kib >> 10),
                        (unsigned long long)(c->memory_kib >> 10));
    return 0;
}

int cfg_to_domain(const struct cfg *cfg, const char *source, struct hl_domain_config *c,
                  cfg_warn_fn *warn, void *opaque, struct cfg_error *err)
{
    struct job job = {cfg, c, warn, opaque, err};

    for (const struct cfg_setting *s = cfg_first(cfg); s; s = s->next) {
        if (apply(&job, s) < 0)
            return -1;
    }
    if (compose_cmdline(&job) < 0 || compose_screen(&job) < 0)
        return -1;
    return check_whole(&job, (struct cfg_place){source, 0, 0});
}
