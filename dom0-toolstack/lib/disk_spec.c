/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a disk, xl-disk-configuration(5):
 *
 *     [target,[format,[vdev,[access]]]] {key=value | flag}, ... [target=rest of the line]
 *     [prefix:...]target,vdev[:cdrom],access                     the old form
 *
 * Parameters by place and by name mix: one without a name is the first that was not given before it. Each may be given
 * once; an empty one is not given, but takes its place. A command may give the text in several parts (block-attach).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dom0-toolstack/lib/device_class.h"

struct spec {
    struct hl_disk *d;
    bool has_target, has_format, has_vdev, has_access, has_devtype, has_backendtype, has_script;
    bool has_backend, has_discard, has_trusted, has_specification;
    bool passed[4]; /* by place, be it an empty one */
    char *why;
    size_t size;
};

static int __attribute__((format(printf, 2, 3))) bad(const struct spec *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s->why, s->size, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

static bool is(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

/* Notes that a parameter was given; the second time is an error. */
static int once(const struct spec *s, bool *has, const char *name)
{
    if (*has)
        return bad(s, "%s is given twice", name);
    *has = true;
    return 0;
}

static const char *const formats[] = {"raw", "qcow", "qcow2", "vhd", "qed", NULL};

static int set_format(struct spec *s, const char *text, size_t len)
{
    if (once(s, &s->has_format, "format") < 0)
        return -EINVAL;
    for (int i = 0; formats[i]; i++) {
        if (is(text, len, formats[i])) {
            s->d->format = i;
            return 0;
        }
    }
    return bad(s, "format must be raw, qcow, qcow2, vhd or qed, found '%.*s'", (int)len, text);
}

static int set_access(struct spec *s, const char *text, size_t len)
{
    struct hl_disk *d = s->d;

    if (once(s, &s->has_access, "access") < 0)
        return -EINVAL;
    if (is(text, len, "w!") || is(text, len, "!")) {
        d->readwrite = d->shared = true;
        return 0;
    }
    d->readwrite = is(text, len, "rw") || is(text, len, "w");
    if (d->readwrite || is(text, len, "ro") || is(text, len, "r"))
        return 0;
    return bad(s, "access must be r, ro, w, rw or w! (shared), found '%.*s'", (int)len, text);
}

static int set_devtype(struct spec *s, const char *text, size_t len)
{
    if (once(s, &s->has_devtype, "devtype") < 0)
        return -EINVAL;
    if (is(text, len, "cdrom"))
        s->d->cdrom = true;
    else if (!is(text, len, "disk"))
        return bad(s, "devtype must be disk or cdrom, found '%.*s'", (int)len, text);
    return 0;
}

static int set_vdev(struct spec *s, const char *text, size_t len)
{
    uint32_t number;
    int rc;

    if (once(s, &s->has_vdev, "vdev") < 0)
        return -EINVAL;
    rc = device_set_text(&s->d->vdev, text, len, s->why, s->size);
    if (rc == 0 && hl_vdev_number(s->d->vdev, &number) < 0)
        rc = bad(s, "vdev must be like xvda, sda1 or hdc, found '%.*s'", (int)len, text);
    return rc;
}

/* In the old form the device's type follows the vdev, and "ioemu:" may stand before it. */
static int set_old_vdev(struct spec *s, const char *text, size_t len)
{
    const char *colon;

    if (len > 6 && strncasecmp(text, "ioemu:", 6) == 0) {
        text += 6;
        len -= 6;
    }
    colon = memchr(text, ':', len);
    if (colon && set_devtype(s, colon + 1, len - (size_t)(colon + 1 - text)) < 0)
        return -EINVAL;
    return set_vdev(s, text, colon ? (size_t)(colon - text) : len);
}

static bool looks_like_vdev(const char *text, size_t len)
{
    char copy[48];
    const char *colon;
    uint32_t number;

    if (len > 6 && strncasecmp(text, "ioemu:", 6) == 0)
        return true;
    colon = memchr(text, ':', len);
    if (colon)
        len = (size_t)(colon - text);
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    return hl_vdev_number(copy, &number) == 0;
}

static int set_script(struct spec *s, const char *text, size_t len, const char *prefix)
{
    char name[256];

    if (once(s, &s->has_script, "script") < 0)
        return -EINVAL;
    snprintf(name, sizeof(name), "%s%.*s", prefix, (int)len, text);
    return device_set_text(&s->d->script, name, strlen(name), s->why, s->size);
}

/* The prefixes of the old form; "script" runs block-NAME. */
static const struct {
    const char *text;
    enum { PREFIX_NOTHING, PREFIX_FORMAT, PREFIX_SCRIPT } meaning;
} prefixes[] = {
    {"phy:", PREFIX_NOTHING},   {"file:", PREFIX_NOTHING},    {"tap:", PREFIX_NOTHING},
    {"tap2:", PREFIX_NOTHING},  {"tapdisk:", PREFIX_NOTHING}, {"aio:", PREFIX_NOTHING},
    {"ioemu:", PREFIX_NOTHING}, {"raw:", PREFIX_FORMAT},      {"qcow:", PREFIX_FORMAT},
    {"qcow2:", PREFIX_FORMAT},  {"vhd:", PREFIX_FORMAT},      {"iscsi:", PREFIX_SCRIPT},
    {"nbd:", PREFIX_SCRIPT},    {"enbd:", PREFIX_SCRIPT},     {"drbd:", PREFIX_SCRIPT},
};

static int set_target(struct spec *s, const char *text, size_t len)
{
    if (once(s, &s->has_target, "target") < 0)
        return -EINVAL;
    return device_set_text(&s->d->target, text, len, s->why, s->size);
}

static int set_first(struct spec *s, const char *text, size_t len)
{
    bool again = true;
    int rc = 0;

    while (again && rc == 0) {
        again = false;
        for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]) && rc == 0; i++) {
            size_t n = strlen(prefixes[i].text);

            if (len < n || strncasecmp(text, prefixes[i].text, n) != 0)
                continue;
            /* nbd://HOST/NAME is an address, not the old form. */
            if (len > n + 1 && text[n] == '/' && text[n + 1] == '/' &&
                prefixes[i].meaning == PREFIX_SCRIPT)
                continue;
            if (prefixes[i].meaning == PREFIX_FORMAT)
                rc = set_format(s, text, n - 1);
            else if (prefixes[i].meaning == PREFIX_SCRIPT)
                rc = set_script(s, text, n - 1, "block-");
            text += n;
            len -= n;
            /* What a script gets is its own business. */
            again = prefixes[i].meaning != PREFIX_SCRIPT;
            break;
        }
    }
    if (rc == 0 && len)
        rc = set_target(s, text, len);
    return rc;
}

/* ---- by name ---- */

static int set_backendtype(struct spec *s, const char *text, size_t len)
{
    if (once(s, &s->has_backendtype, "backendtype") < 0)
        return -EINVAL;
    if (is(text, len, "phy"))
        s->d->backend = HL_DISK_PHY;
    else if (is(text, len, "qdisk"))
        s->d->backend = HL_DISK_QDISK;
    else if (is(text, len, "standalone"))
        s->d->backend = HL_DISK_STANDALONE;
    else
        return bad(s, "backendtype must be phy, qdisk or standalone, found '%.*s'", (int)len, text);
    return 0;
}

static int set_named_script(struct spec *s, const char *text, size_t len)
{
    return set_script(s, text, len, "");
}

static int set_backend(struct spec *s, const char *text, size_t len)
{
    if (once(s, &s->has_backend, "backend") < 0)
        return -EINVAL;
    return device_set_text(&s->d->backend_domain, text, len, s->why, s->size);
}

static int set_specification(struct spec *s, const char *text, size_t len)
{
    if (once(s, &s->has_specification, "specification") < 0)
        return -EINVAL;
    if (is(text, len, "xen"))
        return 0;
    return bad(s, "specification=%.*s is not supported; only xen is", (int)len, text);
}

static const struct {
    const char *name;
    int (*set)(struct spec *s, const char *text, size_t len);
} keys[] = {
    {"format", set_format},           {"vdev", set_vdev},
    {"access", set_access},           {"devtype", set_devtype},
    {"backendtype", set_backendtype}, {"script", set_named_script},
    {"backend", set_backend},         {"specification", set_specification},
};

static int set_key(struct spec *s, const char *name, size_t name_len, const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (is(name, name_len, keys[i].name))
            return len ? keys[i].set(s, text, len) : 0;
    }
    if (strncasecmp(name, "colo-", 5) == 0 || is(name, name_len, "active-disk") ||
        is(name, name_len, "hidden-disk"))
        return bad(s, "%.*s is not supported: there is no COLO", (int)name_len, name);
    return bad(s, "the parameter '%.*s' is not known", (int)name_len, name);
}

/* 1 where the word is a flag. */
static int set_flag(struct spec *s, const char *text, size_t len)
{
    struct hl_disk *d = s->d;

    if (is(text, len, "cdrom")) {
        d->cdrom = true;
    } else if (is(text, len, "discard") || is(text, len, "no-discard")) {
        if (once(s, &s->has_discard, "discard") < 0)
            return -EINVAL;
        d->discard = is(text, len, "discard");
    } else if (is(text, len, "trusted") || is(text, len, "untrusted")) {
        if (once(s, &s->has_trusted, "trusted") < 0)
            return -EINVAL;
        d->trusted = is(text, len, "trusted");
    } else if (is(text, len, "direct-io-safe")) {
        d->direct_io_safe = true;
    } else if (is(text, len, "colo")) {
        return bad(s, "colo is not supported");
    } else {
        return 0;
    }
    return 1;
}

/* The first parameter that was not given yet. */
static unsigned int next_place(const struct spec *s)
{
    const bool has[] = {s->has_target, s->has_format, s->has_vdev, s->has_access};
    unsigned int place = 0;

    while (place < 4 && (has[place] || s->passed[place]))
        place++;
    return place;
}

/* One parameter by its place. */
static int set_place(struct spec *s, const char *text, size_t len)
{
    unsigned int place = next_place(s);

    if (place == 4)
        return bad(s, "'%.*s' is one parameter too many", (int)len, text);
    s->passed[place] = true;
    if (len == 0)
        return 0;
    switch (place) {
    case 0: return set_first(s, text, len);
    case 1:
        /* The old form has no format here. */
        return looks_like_vdev(text, len) ? set_old_vdev(s, text, len) : set_format(s, text, len);
    case 2: return set_old_vdev(s, text, len);
    default: return set_access(s, text, len);
    }
}

static int parse_part(struct spec *s, const char *text)
{
    const char *end;
    int rc = 0;

    for (; rc == 0; text = end + 1) {
        const char *equals;
        size_t len;

        text += strspn(text, " \t\n");
        end = text + strcspn(text, ",");
        len = (size_t)(end - text);
        equals = memchr(text, '=', len);
        if (len == 0 && *end == 0)
            break; /* behind the last comma */
        if (equals && is(text, (size_t)(equals - text), "target")) {
            /* It takes the whole rest, commas and all. */
            return equals[1] ? set_target(s, equals + 1, strlen(equals + 1)) : 0;
        }
        if (equals && strcspn(text, "/:") > (size_t)(equals - text)) {
            rc = set_key(s, text, (size_t)(equals - text), equals + 1,
                         len - (size_t)(equals + 1 - text));
        } else {
            rc = len ? set_flag(s, text, len) : 0;
            if (rc == 0)
                rc = set_place(s, text, len);
            else if (rc > 0)
                rc = 0;
        }
        if (*end == 0)
            break;
    }
    return rc;
}

int disk_spec_parse(struct hl_device *dev, const char *const *parts, size_t count, char *why,
                    size_t size)
{
    struct spec s = {.d = &dev->disk, .why = why, .size = size};
    struct hl_disk *d = &dev->disk;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = parse_part(&s, parts[i]);
    if (rc < 0)
        return rc;
    if (!s.has_vdev)
        return bad(&s, "vdev is missing: how the guest calls it, as xvda");
    hl_vdev_number(d->vdev, &dev->devid);
    if (!s.has_target && !d->cdrom)
        return bad(&s, "target is missing: the file or device that the disk is");
    /* As xl has it: whatever was said of it. */
    if (d->cdrom)
        d->readwrite = d->shared = false;
    if (!s.has_target)
        d->format = HL_DISK_EMPTY;
    return 0;
}
