/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's defaults; see xl_conf.h. */
#include "dom0-toolstack/lib/xl_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/cfg.h"
#include "dom0-toolstack/lib/cpumask.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"

#define XL_CONF "/etc/xen/xl.conf"

static const char step[] = "read the host's defaults";

/* The keys that are heeded, here and by whoever asks for them. */
static const char *const known[] = {
    "autoballoon",         "claim_mode",
    "defaultbridge",       "domid_policy",
    "max_grant_frames",    "max_grant_version",
    "max_maptrack_frames", "vif.default.backend",
    "vif.default.bridge",  "vif.default.gatewaydev",
    "vif.default.script",  "vif.nat.address",
    "vif.nat.bridge",      "vifscript",
    "vm.cpumask",          "vm.hvm.cpumask",
    "vm.pv.cpumask",
};

/* xl's keys for which there is nothing to do here, but where they say what holds anyway. */
static const struct {
    const char *key, *holds, *why;
} idle[] = {
    {"blkdev_start", "xvda", "no disk of a guest is ever attached to Domain 0 here"},
    {"colo.default.proxyscript", NULL, "COLO is not supported"},
    {"lockfile", "/var/lock/xl", "the locks here are of single domains and disks, in /run/hospes"},
    {"output_format", "json", "what is for programs is printed as JSON alone"},
    {"remus.default.netbufscript", NULL, "Remus is not supported"},
    {"run_hotplug_scripts", "1", "hotplug scripts are never left to udev here"},
};

/* *cfg is NULL where there is no file. */
static int load(struct cfg **cfg, const char **path, struct hl_error *e)
{
    struct cfg_error err = {0};
    void *text;
    size_t len;
    int rc;

    *cfg = NULL;
    *path = getenv("HOSPES_XL_CONF");
    if (*path == NULL)
        *path = XL_CONF;
    rc = file_read_all(*path, (size_t)1 << 20, &text, &len);
    if (rc == -ENOENT)
        return 0;
    if (rc != 0)
        return hl_fail(e, -rc, step, *path, NULL);
    *cfg = cfg_new();
    if (*cfg == NULL || cfg_parse(*cfg, *path, text, len, &err) < 0) {
        char *why = *cfg == NULL ? NULL : cfg_error_string(&err);

        rc = hl_fail(e, why == NULL ? ENOMEM : EINVAL, step, *path, "%s",
                     why == NULL ? "out of memory" : why);
        free(why);
        cfg_free(*cfg);
        *cfg = NULL;
    }
    free(text);
    return rc;
}

int xl_conf_string(const char *key, char **value, struct hl_error *e)
{
    const struct cfg_setting *s;
    const char *path;
    struct cfg *cfg;
    int rc = load(&cfg, &path, e);

    *value = NULL;
    if (cfg == NULL)
        return rc;
    s = cfg_find(cfg, key);
    if (s != NULL && s->value->text != NULL && s->value->text[0] != '\0') {
        *value = strdup(s->value->text);
        if (*value == NULL)
            rc = hl_fail(e, ENOMEM, step, path, NULL);
    }
    cfg_free(cfg);
    return rc;
}

/* Why the setting does nothing, or NULL. */
static const char *is_idle(const struct cfg_setting *s)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i], s->key) == 0)
            return NULL;
    }
    for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
        if (strcmp(idle[i].key, s->key) != 0)
            continue;
        return idle[i].holds != NULL && s->value->text != NULL &&
                       strcmp(idle[i].holds, s->value->text) == 0
                   ? NULL
                   : idle[i].why;
    }
    return "there is no such key";
}

void xl_conf_check(void (*warn)(void *opaque, const char *text), void *opaque)
{
    const char *path;
    struct cfg *cfg;

    if (load(&cfg, &path, NULL) < 0 || cfg == NULL)
        return;
    for (const struct cfg_setting *s = cfg_first(cfg); s != NULL; s = s->next) {
        const char *why = is_idle(s);
        char text[512];

        if (why == NULL)
            continue;
        snprintf(text, sizeof(text), "%.200s:%u:%u: warning: '%.60s' is ignored: %s", path,
                 s->place.line, s->place.column, s->key, why);
        warn(opaque, text);
    }
    cfg_free(cfg);
}

int xl_conf_number(const char *key, int low, int high, int *value, struct hl_error *e)
{
    char *text;
    long long number;
    int rc = xl_conf_string(key, &text, e);

    if (rc != 0 || text == NULL)
        return rc;
    if (!cfg_number_parse(text, strlen(text), &number) || number < low || number > high)
        rc = hl_fail(e, EINVAL, step, XL_CONF, "%s is '%s', not a number from %d to %d", key, text,
                     low, high);
    else
        *value = (int)number;
    free(text);
    return rc;
}

/* One of `words`; a key that is not set is the first. Its place, or a negative errno. */
static int choice(const char *key, const char *const *words, struct hl_error *e)
{
    char *text, wanted[64] = "";
    int rc = xl_conf_string(key, &text, e), found = -1;

    if (rc != 0 || text == NULL)
        return rc;
    for (int i = 0; words[i] != NULL; i++) {
        size_t used = strlen(wanted);

        if (strcmp(words[i], text) == 0)
            found = i;
        snprintf(wanted + used, sizeof(wanted) - used, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    if (found < 0)
        rc = hl_fail(e, EINVAL, step, XL_CONF, "%s is '%s', not one of %s", key, text, wanted);
    free(text);
    return rc != 0 ? rc : found;
}

int xl_conf_autoballoon(enum xl_autoballoon *mode, struct hl_error *e)
{
    static const char *const words[] = {"auto", "on", "1", "off", "0", NULL};
    int i = choice("autoballoon", words, e);

    if (i < 0)
        return i;
    *mode = i == 0 ? XL_AUTOBALLOON_AUTO : i <= 2 ? XL_AUTOBALLOON_ON : XL_AUTOBALLOON_OFF;
    return 0;
}

/* Of two words, the first of which holds without the key: is it the second? */
static int is_other(const char *key, const char *const words[3], bool *is, struct hl_error *e)
{
    int i = choice(key, words, e);

    if (i < 0)
        return i;
    *is = i == 1;
    return 0;
}

int xl_conf_random_domid(bool *random, struct hl_error *e)
{
    static const char *const words[] = {"xen", "random", NULL};

    return is_other("domid_policy", words, random, e);
}

int xl_conf_claim_mode(bool *claim, struct hl_error *e)
{
    static const char *const words[] = {"1", "0", NULL};
    bool off;
    int rc = is_other("claim_mode", words, &off, e);

    if (rc == 0)
        *claim = !off;
    return rc;
}

int xl_conf_cpumask(bool hvm, const struct hv_topology *topo, struct hl_cpumask *allowed,
                    bool *given, struct hl_error *e)
{
    const char *const keys[] = {"vm.cpumask", hvm ? "vm.hvm.cpumask" : "vm.pv.cpumask"};
    int rc = 0;

    *given = false;
    hl_cpumask_set_all(allowed);
    for (int i = 0; i < 2 && rc == 0; i++) {
        struct hl_cpumask mask;
        char *text;

        rc = xl_conf_string(keys[i], &text, e);
        if (rc != 0 || text == NULL)
            continue;
        *given = true;
        rc = hl_cpumask_parse(text, topo, &mask, e);
        if (rc == 0)
            rc = hl_cpumask_confine(allowed, &mask, e);
        if (rc < 0)
            hl_error_within(e, "%s of " XL_CONF, keys[i]);
        free(text);
    }
    return rc;
}
