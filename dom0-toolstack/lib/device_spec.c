/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of devices that are lists of key=value; see device_class.h. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/driver_domain.h"
#include "dom0-toolstack/lib/error.h"

int spec_bad(char *why, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, size, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

int spec_text(char **field, const char *value, char *why, size_t size)
{
    free(*field);
    return device_set_text(field, value, strlen(value), why, size);
}

int spec_bool(bool *field, const char *key, const char *value, char *why, size_t size)
{
    static const char *const words[] = {"0", "1", "no", "yes", "off", "on", "false", "true"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(value, words[i]) == 0) {
            *field = i & 1;
            return 0;
        }
    }
    return spec_bad(why, size, "%s must be 0 or 1, found '%s'", key, value);
}

int spec_number(int *field, const char *key, const char *value, int low, int high, char *why,
                size_t size)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end != '\0' || errno != 0 || n < low || n > high)
        return spec_bad(why, size, "%s must be a number from %d to %d, found '%s'", key, low, high,
                        value);
    *field = (int)n;
    return 0;
}

/* Blanks at both ends go; the text is changed. */
static char *trim(char *text)
{
    size_t len;

    while (isspace((unsigned char)*text))
        text++;
    len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

static int set_pair(struct hl_device *d, char *pair, const struct spec_key *keys, char *why,
                    size_t size)
{
    char *equals = strchr(pair, '='), *name, *value;

    if (equals == NULL)
        return *trim(pair) == '\0' ? 0
                                   : spec_bad(why, size, "expected key=value, found '%s'", pair);
    *equals = '\0';
    name = trim(pair);
    value = trim(equals + 1);
    for (; keys->name != NULL; keys++)
        if (strcasecmp(keys->name, name) == 0)
            return keys->set(d, value, why, size);
    return spec_bad(why, size, "the parameter '%s' is not known", name);
}

int spec_parse(struct hl_device *d, const char *text, const struct spec_key *keys, char *why,
               size_t size)
{
    char *copy = strdup(text), *rest = copy, *pair;
    int rc = 0;

    if (copy == NULL) {
        snprintf(why, size, "out of memory");
        return -ENOMEM;
    }
    while (rc == 0 && (pair = strsep(&rest, ",")) != NULL)
        rc = set_pair(d, pair, keys, why, size);
    free(copy);
    return rc;
}

int device_own_backend(const char *name, const struct device_class *c, struct hl_error *e)
{
    if (driver_domain_is_none(name))
        return 0;
    return hl_fail(e, EOPNOTSUPP, "check the configuration", c->key,
                   "backend=%s: a %s can be served by Domain 0 alone", name, c->noun);
}
