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

int xl_conf_string(const char *key, char **value, struct hl_error *e)
{
    const char *path = getenv("HOSPES_XL_CONF");
    const struct cfg_setting *s;
    struct cfg_error err = {0};
    struct cfg *cfg;
    void *text;
    size_t len;
    int rc;

    *value = NULL;
    if (path == NULL)
        path = XL_CONF;
    rc = file_read_all(path, (size_t)1 << 20, &text, &len);
    if (rc == -ENOENT)
        return 0;
    if (rc != 0)
        return hl_fail(e, -rc, "read the host's defaults", path, NULL);
    cfg = cfg_new();
    if (cfg == NULL || cfg_parse(cfg, path, text, len, &err) < 0) {
        char *why = cfg == NULL ? NULL : cfg_error_string(&err);

        rc = hl_fail(e, why == NULL ? ENOMEM : EINVAL, "read the host's defaults", path, "%s",
                     why == NULL ? "out of memory" : why);
        free(why);
    } else if ((s = cfg_find(cfg, key)) != NULL && s->value->text != NULL &&
               s->value->text[0] != '\0') {
        *value = strdup(s->value->text);
        if (*value == NULL)
            rc = hl_fail(e, ENOMEM, "read the host's defaults", path, NULL);
    }
    cfg_free(cfg);
    free(text);
    return rc;
}

int xl_conf_number(const char *key, int low, int high, int *value, struct hl_error *e)
{
    char *text;
    long long number;
    int rc = xl_conf_string(key, &text, e);

    if (rc != 0 || text == NULL)
        return rc;
    if (!cfg_number_parse(text, strlen(text), &number) || number < low || number > high)
        rc = hl_fail(e, EINVAL, "read the host's defaults", XL_CONF,
                     "%s is '%s', not a number from %d to %d", key, text, low, high);
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
        rc = hl_fail(e, EINVAL, "read the host's defaults", XL_CONF, "%s is '%s', not one of %s",
                     key, text, wanted);
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

int xl_conf_claim_mode(bool *claim, struct hl_error *e)
{
    static const char *const words[] = {"1", "0", NULL};
    int i = choice("claim_mode", words, e);

    if (i < 0)
        return i;
    *claim = i == 0;
    return 0;
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
