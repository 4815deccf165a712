/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defaults, copies, checks and names of a domain's configuration; see domain_config.h. */
#include "dom0-toolstack/lib/domain_config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dom0-toolstack/lib/cpumask.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/text.h"
#include "dom0-toolstack/lib/xl_conf.h"

void hl_domain_config_init(struct hl_domain_config *c)
{
    *c = (struct hl_domain_config){
        .type = HL_TYPE_PV,
        .cpu_weight = HL_UNSET_INT,
        .cpu_cap = HL_UNSET_INT,
        .on_poweroff = HL_ACTION_DESTROY,
        .on_reboot = HL_ACTION_RESTART,
        .on_crash = HL_ACTION_DESTROY,
        .on_watchdog = HL_ACTION_DESTROY,
        .on_soft_reset = HL_ACTION_SOFT_RESET,
        .max_grant_frames = HL_UNSET_INT,
        .max_maptrack_frames = HL_UNSET_INT,
        .max_grant_version = HL_UNSET_INT,
        .max_event_channels = HL_UNSET_INT,
    };
}

static void free_affinity(struct hl_affinity *a)
{
    free(a->all);
    for (size_t i = 0; i < a->nr_each; i++)
        free(a->each[i]);
    free(a->each);
}

void hl_domain_config_free(struct hl_domain_config *c)
{
    free(c->name);
    free_affinity(&c->cpus);
    free_affinity(&c->cpus_soft);
    free(c->kernel);
    free(c->ramdisk);
    free(c->cmdline);
    free(c->bootloader);
    for (size_t i = 0; i < c->nr_bootloader_args; i++)
        free(c->bootloader_args[i]);
    free(c->bootloader_args);
    free(c->boot_entry);
    free(c->pool);
    free(c->config_file);
    hl_device_list_free(&c->devices);
    hl_domain_config_init(c);
}

/* ---- copies ---- */

static bool copy_text(char **to, const char *from)
{
    *to = from == NULL ? NULL : strdup(from);
    return from == NULL || *to != NULL;
}

static bool copy_affinity(struct hl_affinity *to, const struct hl_affinity *from)
{
    *to = (struct hl_affinity){NULL, NULL, 0};
    if (!copy_text(&to->all, from->all))
        return false;
    if (from->nr_each == 0)
        return true;
    to->each = calloc(from->nr_each, sizeof(*to->each));
    if (to->each == NULL)
        return false;
    for (; to->nr_each < from->nr_each; to->nr_each++)
        if (!copy_text(&to->each[to->nr_each], from->each[to->nr_each]))
            return false;
    return true;
}

static bool copy_bootloader(struct hl_domain_config *to, const struct hl_domain_config *from)
{
    if (!copy_text(&to->bootloader, from->bootloader) ||
        !copy_text(&to->boot_entry, from->boot_entry))
        return false;
    if (from->nr_bootloader_args == 0)
        return true;
    to->bootloader_args = calloc(from->nr_bootloader_args, sizeof(char *));
    if (to->bootloader_args == NULL)
        return false;
    for (; to->nr_bootloader_args < from->nr_bootloader_args; to->nr_bootloader_args++)
        if (!copy_text(&to->bootloader_args[to->nr_bootloader_args],
                       from->bootloader_args[to->nr_bootloader_args]))
            return false;
    return true;
}

int hl_domain_config_copy(struct hl_domain_config *to, const struct hl_domain_config *from)
{
    bool ok;

    *to = *from;
    to->name = to->kernel = to->ramdisk = to->cmdline = to->pool = to->config_file = NULL;
    to->cpus = to->cpus_soft = (struct hl_affinity){NULL, NULL, 0};
    to->bootloader = to->boot_entry = NULL;
    to->bootloader_args = NULL;
    to->nr_bootloader_args = 0;
    to->devices = (struct hl_device_list){NULL, 0};
    ok = copy_text(&to->name, from->name) && copy_affinity(&to->cpus, &from->cpus) &&
         copy_affinity(&to->cpus_soft, &from->cpus_soft) && copy_text(&to->kernel, from->kernel) &&
         copy_text(&to->ramdisk, from->ramdisk) && copy_text(&to->cmdline, from->cmdline) &&
         copy_text(&to->pool, from->pool) && copy_text(&to->config_file, from->config_file) &&
         copy_bootloader(to, from) && hl_device_list_copy(&to->devices, &from->devices) == 0;
    if (ok)
        return 0;
    hl_domain_config_free(to);
    return -ENOMEM;
}

char *hl_domain_config_compose_cmdline(const char *cmdline, const char *root, const char *extra)
{
    char *text;

    errno = 0;
    if (cmdline != NULL)
        return strdup(cmdline);
    if (root == NULL && extra == NULL)
        return NULL;
    if (root == NULL)
        return strdup(extra);
    if (asprintf(&text, "root=%s%s%s", root, extra == NULL ? "" : " ", extra == NULL ? "" : extra) <
        0) {
        errno = ENOMEM;
        return NULL;
    }
    return text;
}

/* ---- checks ---- */

bool hl_domain_name_ok(const char *name)
{
    size_t len = strlen(name);
    bool number = true;

    if (len == 0 || len > 255)
        return false;
    for (const char *p = name; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '/' || c < ' ' || c == 0x7f)
            return false;
        if (!isdigit(c))
            number = false;
    }
    return !number;
}

static int bad_key(struct hl_error *e, const struct hl_domain_config *c, const char *cause,
                   const char *advice)
{
    hl_fail(e, EINVAL, "check the configuration", c->config_file != NULL ? c->config_file : c->name,
            "%s", cause);
    if (advice != NULL)
        hl_error_advise(e, "%s", advice);
    return -EINVAL;
}

/* The domain's record is JSON, which other texts cannot be put into so that they come out again. */
static int check_texts(const struct hl_domain_config *c, struct hl_error *e)
{
    const char *const texts[] = {c->name, c->kernel,      c->ramdisk,   c->cmdline,
                                 c->pool, c->config_file, c->bootloader};
    static const char *const causes[] = {
        "name is not UTF-8",       "kernel is not UTF-8", "ramdisk is not UTF-8",
        "cmdline is not UTF-8",    "pool is not UTF-8",   "the config file's name is not UTF-8",
        "bootloader is not UTF-8",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i] != NULL && !hl_text_is_utf8(texts[i]))
            return bad_key(e, c, causes[i], NULL);
    for (size_t i = 0; i < c->nr_bootloader_args; i++)
        if (!hl_text_is_utf8(c->bootloader_args[i]))
            return bad_key(e, c, "bootloader_args is not UTF-8", NULL);
    return 0;
}

static int check_affinity(const struct hl_affinity *a, struct hl_error *e)
{
    struct hl_cpumask m;
    int rc = a->all == NULL ? 0 : hl_cpumask_parse(a->all, NULL, &m, e);

    for (size_t i = 0; rc == 0 && i < a->nr_each; i++)
        if (a->each[i] != NULL)
            rc = hl_cpumask_parse(a->each[i], NULL, &m, e);
    return rc;
}

/* What the configuration leaves to the host, and the host to the hypervisor. */
static int default_limits(struct hl_domain_config *c, struct hl_error *e)
{
    int rc = 0;

    if (c->max_grant_frames == HL_UNSET_INT)
        rc = xl_conf_number("max_grant_frames", 1, INT_MAX, &c->max_grant_frames, e);
    if (rc == 0 && c->max_maptrack_frames == HL_UNSET_INT)
        rc = xl_conf_number("max_maptrack_frames", 0, INT_MAX, &c->max_maptrack_frames, e);
    if (rc == 0 && c->max_grant_version == HL_UNSET_INT)
        rc = xl_conf_number("max_grant_version", 1, 2, &c->max_grant_version, e);
    return rc;
}

/* Numbers that the hypervisor's interface bounds. */
static int check_limits(const struct hl_domain_config *c, struct hl_error *e)
{
    if (c->cpu_weight != HL_UNSET_INT && (c->cpu_weight < 1 || c->cpu_weight > 65535))
        return bad_key(e, c, "cpu_weight is not in 1 to 65535", NULL);
    if (c->cpu_cap != HL_UNSET_INT && (c->cpu_cap < 0 || c->cpu_cap > 65535))
        return bad_key(e, c, "cap is not in 0 to 65535", NULL);
    if (c->max_grant_frames < HL_UNSET_INT)
        return bad_key(e, c, "max_grant_frames is negative", NULL);
    if (c->max_maptrack_frames < HL_UNSET_INT)
        return bad_key(e, c, "max_maptrack_frames is negative", NULL);
    if (c->max_grant_version != HL_UNSET_INT && c->max_grant_version != 1 &&
        c->max_grant_version != 2)
        return bad_key(e, c, "max_grant_version is not 1 or 2", NULL);
    if (c->max_event_channels < HL_UNSET_INT || c->max_event_channels > 131071)
        return bad_key(e, c, "max_event_channels is not in 0 to 131071", NULL);
    return 0;
}

/* hospesd makes the domain again from another folder. With a boot loader they are the guest's paths. */
static int make_paths_absolute(struct hl_domain_config *c, struct hl_error *e)
{
    int rc = 0;

    if (c->bootloader != NULL)
        return 0;
    if (c->kernel != NULL)
        rc = file_make_absolute(&c->kernel);
    if (rc == 0 && c->ramdisk != NULL)
        rc = file_make_absolute(&c->ramdisk);
    return rc == 0 ? 0 : hl_fail(e, -rc, "find the folder that we are in", NULL, NULL);
}

int hl_domain_config_finish(struct hl_domain_config *c, struct hl_error *e)
{
    int rc;

    if (c->name == NULL)
        return bad_key(e, c, "name is missing", "give the domain a name");
    if (!hl_domain_name_ok(c->name))
        return bad_key(e, c, "name is not usable",
                       "1 to 255 characters, not a number, without / and control characters");
    rc = make_paths_absolute(c, e);
    if (rc == 0)
        rc = check_texts(c, e);
    if (rc != 0)
        return rc;
    if (c->type == HL_TYPE_PV && c->kernel == NULL && c->bootloader == NULL)
        return bad_key(e, c, "kernel is missing", "a PV domain needs kernel= or a boot loader");
    if (c->memory_kib == 0)
        return bad_key(e, c, "memory is missing or 0", "say how many MiB: memory=512");
    if (c->memory_kib > (uint64_t)1 << 34 || c->maxmem_kib > (uint64_t)1 << 34)
        return bad_key(e, c, "memory is above 16 TiB", "the unit is MiB");
    c->memory_kib = (c->memory_kib + 3) & ~(uint64_t)3;
    if (c->maxmem_kib == 0)
        c->maxmem_kib = c->memory_kib;
    c->maxmem_kib = (c->maxmem_kib + 3) & ~(uint64_t)3;
    if (c->maxmem_kib < c->memory_kib)
        return bad_key(e, c, "maxmem is below memory", NULL);
    if (c->vcpus == 0)
        c->vcpus = 1;
    if (c->maxvcpus == 0)
        c->maxvcpus = c->vcpus;
    if (c->maxvcpus < c->vcpus)
        return bad_key(e, c, "maxvcpus is below vcpus", NULL);
    if (c->maxvcpus > 8192)
        return bad_key(e, c, "maxvcpus is above 8192", NULL);
    if (c->cmdline != NULL && strlen(c->cmdline) > 1023)
        return bad_key(e, c, "the kernel's command line is longer than 1023 bytes", NULL);
    rc = default_limits(c, e);
    if (rc == 0)
        rc = check_limits(c, e);
    if (rc == 0)
        rc = check_affinity(&c->cpus, e);
    if (rc == 0)
        rc = check_affinity(&c->cpus_soft, e);
    if (rc == 0) {
        rc = hl_device_list_finish(&c->devices, c->name, e);
        if (rc != 0)
            hl_error_within(e, "%s", c->config_file != NULL ? c->config_file : c->name);
    }
    if (rc == 0 && hl_uuid_is_nil(c->uuid))
        hl_uuid_random(c->uuid);
    return rc;
}

/* ---- names ---- */

static const char *const action_names[HL_ACTION_COUNT] = {
    [HL_ACTION_DESTROY] = "destroy",
    [HL_ACTION_RESTART] = "restart",
    [HL_ACTION_RENAME_RESTART] = "rename-restart",
    [HL_ACTION_PRESERVE] = "preserve",
    [HL_ACTION_COREDUMP_DESTROY] = "coredump-destroy",
    [HL_ACTION_COREDUMP_RESTART] = "coredump-restart",
    [HL_ACTION_SOFT_RESET] = "soft-reset",
};

const char *hl_action_name(enum hl_action a)
{
    return (unsigned int)a < HL_ACTION_COUNT ? action_names[a] : "unknown";
}

int hl_action_from_name(const char *name, enum hl_action *a)
{
    for (unsigned int i = 0; i < HL_ACTION_COUNT; i++) {
        if (strcmp(name, action_names[i]) == 0) {
            *a = (enum hl_action)i;
            return 0;
        }
    }
    return -EINVAL;
}

static const char *const type_names[] = {"pv", "pvh", "hvm"};

const char *hl_domain_type_name(enum hl_domain_type t)
{
    return (unsigned int)t < 3 ? type_names[t] : "invalid";
}

int hl_domain_type_from_name(const char *name, enum hl_domain_type *t)
{
    for (unsigned int i = 0; i < 3; i++) {
        if (strcmp(name, type_names[i]) == 0) {
            *t = (enum hl_domain_type)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* ---- UUIDs ---- */

void hl_uuid_format(const uint8_t uuid[16], char out[37])
{
    char *p = out;

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        p += sprintf(p, "%02x", uuid[i]);
    }
}

int hl_uuid_parse(const char *text, uint8_t uuid[16])
{
    uint8_t out[16];
    unsigned int digits = 0;

    for (const char *p = text; *p != '\0'; p++) {
        unsigned int v;

        if (*p == '-') {
            if (digits != 8 && digits != 12 && digits != 16 && digits != 20)
                return -EINVAL;
            continue;
        }
        if (!isxdigit((unsigned char)*p) || digits == 32)
            return -EINVAL;
        v = isdigit((unsigned char)*p) ? (unsigned int)(*p - '0')
                                       : (unsigned int)(tolower((unsigned char)*p) - 'a' + 10);
        out[digits / 2] = (uint8_t)(digits % 2 == 0 ? v << 4 : out[digits / 2] | v);
        digits++;
    }
    if (digits != 32)
        return -EINVAL;
    memcpy(uuid, out, sizeof(out));
    return 0;
}

void hl_uuid_random(uint8_t uuid[16])
{
    size_t have = 0;

    while (have < 16) {
        ssize_t n = getrandom(uuid + have, 16 - have, 0);

        if (n > 0)
            have += (size_t)n;
    }
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40); /* version 4: random */
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

bool hl_uuid_is_nil(const uint8_t uuid[16])
{
    for (int i = 0; i < 16; i++)
        if (uuid[i] != 0)
            return false;
    return true;
}
