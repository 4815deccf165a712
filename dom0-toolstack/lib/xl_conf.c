/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's defaults; see xl_conf.h. */
#include "dom0-toolstack/lib/xl_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/cfg.h"
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
