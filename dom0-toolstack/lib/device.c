/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configurations of devices, for all classes; see device.h. */
#include "dom0-toolstack/lib/device.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/text.h"

static const struct device_class *const classes[HL_DEVICE_KINDS] = {
    [HL_DEVICE_VBD] = &vbd_class,         [HL_DEVICE_VIF] = &vif_class,
    [HL_DEVICE_CONSOLE] = &console_class, [HL_DEVICE_P9] = &p9_class,
    [HL_DEVICE_VFB] = &vfb_class,         [HL_DEVICE_VKB] = &vkb_class,
};

const struct device_class *device_class(enum hl_device_kind kind)
{
    return (unsigned int)kind < HL_DEVICE_KINDS ? classes[kind] : NULL;
}

const char *hl_device_key(enum hl_device_kind kind)
{
    const struct device_class *c = device_class(kind);

    return c == NULL ? NULL : c->key;
}

/* ---- members by the table of fields ---- */

static void *member_of(struct hl_device *d, const struct device_field *f)
{
    return (char *)d + f->offset;
}

static const void *const_member_of(const struct hl_device *d, const struct device_field *f)
{
    return (const char *)d + f->offset;
}

int device_set_text(char **field, const char *text, size_t len, char *why, size_t size)
{
    *field = strndup(text, len);
    if (*field != NULL)
        return 0;
    snprintf(why, size, "out of memory");
    return -ENOMEM;
}

void device_init(struct hl_device *d, enum hl_device_kind kind)
{
    memset(d, 0, sizeof(*d));
    d->kind = kind;
    d->devid = HL_NO_DEVID;
    device_class(kind)->init(d);
}

const char *device_backend_domain(const struct hl_device *d)
{
    const struct device_field *f = device_class(d->kind)->fields;

    while (f->json != NULL && strcmp(f->json, "backend_domname") != 0)
        f++;
    return f->json == NULL ? NULL : *(char *const *)const_member_of(d, f);
}

void hl_device_free(struct hl_device *d)
{
    for (const struct device_field *f = device_class(d->kind)->fields; f->json != NULL; f++) {
        if (f->type == FIELD_TEXT) {
            char **text = member_of(d, f);

            free(*text);
            *text = NULL;
        }
    }
}

int hl_device_copy(struct hl_device *to, const struct hl_device *from)
{
    const struct device_field *fields = device_class(from->kind)->fields;
    bool ok = true;

    *to = *from;
    for (const struct device_field *f = fields; f->json != NULL; f++) {
        char **text = member_of(to, f);

        if (f->type != FIELD_TEXT || *text == NULL)
            continue;
        *text = strdup(*text);
        ok = ok && *text != NULL;
    }
    if (ok)
        return 0;
    hl_device_free(to);
    return -ENOMEM;
}

int hl_device_parse(enum hl_device_kind kind, const char *spec, struct hl_device *d, char *why,
                    size_t size)
{
    int rc;

    device_init(d, kind);
    *why = '\0';
    rc = device_class(kind)->parse(d, spec, why, size);
    if (rc < 0)
        hl_device_free(d);
    return rc;
}

static char *join(const char *const *parts, size_t count)
{
    size_t len = 1;
    char *text, *p;

    for (size_t i = 0; i < count; i++)
        len += strlen(parts[i]) + 1;
    p = text = calloc(1, len);
    for (size_t i = 0; text != NULL && i < count; i++)
        p += sprintf(p, "%s%s", i == 0 ? "" : ",", parts[i]);
    return text;
}

int hl_device_parse_parts(enum hl_device_kind kind, const char *const *parts, size_t count,
                          struct hl_device *d, char *why, size_t size)
{
    const struct device_class *class = device_class(kind);
    char *text = NULL;
    int rc;

    device_init(d, kind);
    *why = '\0';
    if (class->parse_parts != NULL) {
        rc = class->parse_parts(d, parts, count, why, size);
    } else {
        text = join(parts, count);
        if (text == NULL)
            snprintf(why, size, "out of memory");
        rc = text == NULL ? -ENOMEM : class->parse(d, text, why, size);
        free(text);
    }
    if (rc < 0)
        hl_device_free(d);
    return rc;
}

/* ---- lists ---- */

int hl_device_list_add(struct hl_device_list *list, struct hl_device *d)
{
    struct hl_device *items = realloc(list->items, (list->count + 1) * sizeof(*items));

    if (items == NULL) {
        hl_device_free(d);
        return -ENOMEM;
    }
    list->items = items;
    items[list->count++] = *d;
    return 0;
}

void hl_device_list_free(struct hl_device_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        hl_device_free(&list->items[i]);
    free(list->items);
    *list = (struct hl_device_list){NULL, 0};
}

int hl_device_list_copy(struct hl_device_list *to, const struct hl_device_list *from)
{
    struct hl_device copy;
    int rc = 0;

    *to = (struct hl_device_list){NULL, 0};
    for (size_t i = 0; rc == 0 && i < from->count; i++) {
        rc = hl_device_copy(&copy, &from->items[i]);
        if (rc == 0)
            rc = hl_device_list_add(to, &copy);
    }
    if (rc != 0)
        hl_device_list_free(to);
    return rc;
}

static struct hl_device *find(const struct hl_device_list *list, enum hl_device_kind kind,
                              uint32_t devid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].kind == kind && list->items[i].devid == devid)
            return &list->items[i];
    return NULL;
}

void hl_device_list_remove(struct hl_device_list *list, enum hl_device_kind kind, uint32_t devid)
{
    struct hl_device *d = find(list, kind, devid);

    if (d == NULL)
        return;
    hl_device_free(d);
    list->count--;
    memmove(d, d + 1, (size_t)(list->items + list->count - d) * sizeof(*d));
}

static void number(const struct hl_device_list *list, struct hl_device *d)
{
    uint32_t id = device_class(d->kind)->first;

    while (find(list, d->kind, id) != NULL)
        id++;
    d->devid = id;
}

/* The domain's record is JSON; see hl_text_is_utf8(). */
static int check_texts(const struct hl_device *d, struct hl_error *e)
{
    const struct device_class *c = device_class(d->kind);

    for (const struct device_field *f = c->fields; f->json != NULL; f++) {
        const char *text = f->type == FIELD_TEXT ? *(char *const *)const_member_of(d, f) : NULL;

        if (text != NULL && !hl_text_is_utf8(text))
            return hl_fail(e, EINVAL, "check the configuration", c->key, "the %s's %s is not UTF-8",
                           c->noun, f->json);
    }
    return 0;
}

/* The first that has for its own what `d` has. */
static const struct hl_device *owner(const struct hl_device_list *list, const struct hl_device *d)
{
    const struct device_class *c = device_class(d->kind);
    const char *text = c->own == NULL ? NULL : c->own(d), *other;

    for (size_t i = 0; text != NULL && i < list->count; i++) {
        other = list->items[i].kind == d->kind ? c->own(&list->items[i]) : NULL;
        if (other != NULL && strcmp(other, text) == 0)
            return &list->items[i];
    }
    return d;
}

int hl_device_list_finish(struct hl_device_list *list, const char *name, struct hl_error *e)
{
    int rc = 0;

    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].devid == HL_NO_DEVID)
            number(list, &list->items[i]);
    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        struct hl_device *d = &list->items[i];
        const struct device_class *c = device_class(d->kind);

        if (find(list, d->kind, d->devid) != d)
            return hl_fail(e, EINVAL, "check the configuration", c->key,
                           "two %ss have the same number (%s%" PRIu32 ")", c->noun,
                           d->kind == HL_DEVICE_VBD ? "vdev of " : "", d->devid);
        if (owner(list, d) != d)
            return hl_fail(e, EINVAL, "check the configuration", c->key,
                           "two %ss have the same %s: %s", c->noun,
                           d->kind == HL_DEVICE_P9 ? "tag" : "path", c->own(d));
        rc = c->finish(d, name, e);
        if (rc == 0)
            rc = check_texts(d, e);
    }
    return rc;
}

/* ---- JSON ---- */

static void put_string(yajl_gen g, const char *text)
{
    yajl_gen_string(g, (const unsigned char *)text, strlen(text));
}

/* The length of the name of the map that a field is in, or opens; 0: it is the device's own. */
static size_t map_of(const struct device_field *f)
{
    const char *slash = strchr(f->json, '/');

    if (slash != NULL)
        return (size_t)(slash - f->json);
    return f->type == FIELD_UNION ? strlen(f->json) : 0;
}

/* The name of that map: "vnc", or with a union's word, "connection.pty". */
static void map_name(const struct hl_device *d, const struct device_field *f, char out[64])
{
    size_t len = map_of(f);

    snprintf(out, 64, "%.*s", (int)len, f->json);
    for (f = device_class(d->kind)->fields; f->json != NULL; f++) {
        int n = f->type == FIELD_UNION ? *(const int *)const_member_of(d, f) : -1;

        if (n >= 0 && strcmp(f->json, out) == 0)
            snprintf(out + len, 64 - len, ".%s", f->words[n]);
    }
}

static void gen_field(const struct hl_device *d, const struct device_field *f, yajl_gen g)
{
    const void *m = const_member_of(d, f);
    const char *text = NULL;
    long long n = 0;

    switch (f->type) {
    case FIELD_TEXT: text = *(char *const *)m; break;
    case FIELD_INT: n = *(const int *)m; break;
    case FIELD_LONG: n = *(const long long *)m; break;
    case FIELD_FLAG: n = *(const bool *)m; break;
    case FIELD_BOOL:
        n = *(const bool *)m;
        text = n != 0 ? "True" : "False";
        break;
    case FIELD_WORD:
        n = *(const int *)m;
        text = n == f->unset ? NULL : f->words[n];
        break;
    case FIELD_UNION: return;
    }
    if (f->type == FIELD_TEXT ? text == NULL : n == f->unset)
        return;
    put_string(g, f->json + (map_of(f) == 0 ? 0 : map_of(f) + 1));
    if (text != NULL)
        put_string(g, text);
    else
        yajl_gen_integer(g, n);
}

static void gen_device(const struct hl_device *d, yajl_gen g)
{
    const char *map = NULL;
    size_t open = 0;
    char name[64];

    yajl_gen_map_open(g);
    /* A disk's number is its vdev. libxl counts channels from 0, though their consoles come after the domain's own. */
    if (d->kind != HL_DEVICE_VBD && d->devid != HL_NO_DEVID) {
        put_string(g, "devid");
        yajl_gen_integer(g, (long long)d->devid - device_class(d->kind)->first);
    }
    for (const struct device_field *f = device_class(d->kind)->fields; f->json != NULL; f++) {
        size_t len = map_of(f);

        if (open != 0 && (len != open || strncmp(f->json, map, open) != 0)) {
            yajl_gen_map_close(g);
            open = 0;
        }
        if (len != 0 && open == 0) {
            map_name(d, f, name);
            put_string(g, name);
            yajl_gen_map_open(g);
            map = f->json;
            open = len;
        }
        gen_field(d, f, g);
    }
    if (open != 0)
        yajl_gen_map_close(g);
    yajl_gen_map_close(g);
}

void hl_device_list_gen(const struct hl_device_list *list, struct yajl_gen_t *g)
{
    for (int k = 0; k < HL_DEVICE_KINDS; k++) {
        bool open = false;

        for (size_t i = 0; i < list->count; i++) {
            if (list->items[i].kind != (enum hl_device_kind)k)
                continue;
            if (!open) {
                put_string(g, classes[k]->json);
                yajl_gen_array_open(g);
                open = true;
            }
            gen_device(&list->items[i], g);
        }
        if (open)
            yajl_gen_array_close(g);
    }
}

static yajl_val json_member(yajl_val map, const char *key)
{
    const char *path[] = {key, NULL};

    return yajl_tree_get(map, path, yajl_t_any);
}

/* NULL where there is none. The union that a field belongs to is read before. */
static yajl_val field_member(const struct hl_device *d, const struct device_field *f, yajl_val map)
{
    size_t len = map_of(f);
    char name[64];

    if (len == 0)
        return json_member(map, f->json);
    map_name(d, f, name);
    map = json_member(map, name);
    return YAJL_IS_OBJECT(map) ? json_member(map, f->json + len + 1) : NULL;
}

static void read_union(struct hl_device *d, const struct device_field *f, yajl_val map)
{
    char name[64];

    for (int i = 0; f->words[i] != NULL; i++) {
        snprintf(name, sizeof(name), "%s.%s", f->json, f->words[i]);
        if (YAJL_IS_OBJECT(json_member(map, name)))
            *(int *)member_of(d, f) = i;
    }
}

static bool read_number(yajl_val v, long long low, long long high, long long *out)
{
    if (!YAJL_IS_INTEGER(v) || YAJL_GET_INTEGER(v) < low || YAJL_GET_INTEGER(v) > high)
        return false;
    *out = YAJL_GET_INTEGER(v);
    return true;
}

/* 0, -EINVAL or -ENOMEM. */
static int read_field(struct hl_device *d, const struct device_field *f, yajl_val v)
{
    void *m = member_of(d, f);
    const char *text = YAJL_GET_STRING(v);
    long long n;

    switch (f->type) {
    case FIELD_TEXT:
        if (text == NULL)
            return -EINVAL;
        free(*(char **)m);
        *(char **)m = strdup(text);
        return *(char **)m == NULL ? -ENOMEM : 0;
    case FIELD_INT:
        if (!read_number(v, 0, INT32_MAX, &n))
            return -EINVAL;
        *(int *)m = (int)n;
        return 0;
    case FIELD_LONG: return read_number(v, 0, INT64_MAX, (long long *)m) ? 0 : -EINVAL;
    case FIELD_FLAG:
        if (!read_number(v, 0, 1, &n))
            return -EINVAL;
        *(bool *)m = n != 0;
        return 0;
    case FIELD_BOOL:
        if (text == NULL)
            return -EINVAL;
        *(bool *)m = strcmp(text, "True") == 0;
        return 0;
    case FIELD_UNION: break;
    case FIELD_WORD:
        for (int i = 0; text != NULL && f->words[i] != NULL; i++) {
            if (strcmp(text, f->words[i]) == 0) {
                *(int *)m = i;
                return 0;
            }
        }
        return -EINVAL;
    }
    return -EINVAL;
}

static int read_device(struct hl_device *d, yajl_val map)
{
    const struct device_class *c = device_class(d->kind);
    yajl_val v = json_member(map, "devid");
    long long n;
    int rc = 0;

    if (!YAJL_IS_OBJECT(map))
        return -EINVAL;
    if (v != NULL) {
        if (!read_number(v, 0, INT32_MAX, &n))
            return -EINVAL;
        d->devid = (uint32_t)n + c->first;
    }
    for (const struct device_field *f = c->fields; rc == 0 && f->json != NULL; f++) {
        if (f->type == FIELD_UNION) {
            read_union(d, f, map);
            continue;
        }
        v = field_member(d, f, map);
        if (v != NULL)
            rc = read_field(d, f, v);
    }
    if (rc == 0 && d->kind == HL_DEVICE_VBD)
        rc = d->disk.vdev == NULL ? -EINVAL : hl_vdev_number(d->disk.vdev, &d->devid);
    return rc;
}

int hl_device_list_read(struct hl_device_list *list, struct yajl_val_s *root, const char **bad)
{
    for (int k = 0; k < HL_DEVICE_KINDS; k++) {
        yajl_val v = json_member(root, classes[k]->json);

        if (v == NULL)
            continue;
        *bad = classes[k]->json;
        if (!YAJL_IS_ARRAY(v))
            return -EINVAL;
        for (size_t i = 0; i < YAJL_GET_ARRAY(v)->len; i++) {
            struct hl_device d;
            int rc;

            device_init(&d, (enum hl_device_kind)k);
            rc = read_device(&d, YAJL_GET_ARRAY(v)->values[i]);
            if (rc < 0)
                hl_device_free(&d);
            else
                rc = hl_device_list_add(list, &d);
            if (rc < 0)
                return rc;
        }
    }
    *bad = NULL;
    return 0;
}

/* ---- virtual devices of disks, xen-vbd-interface(7) ---- */

#define MAX_DISK      ((1u << 20) - 1)
#define MAX_PARTITION 255

/* Letters to a disk: a = 0, z = 25, aa = 26. False where there is none or it is too big. */
static bool letters(const char **text, uint32_t *disk)
{
    uint64_t n = 0;
    const char *p = *text;

    for (; *p >= 'a' && *p <= 'z'; p++) {
        n = n * 26 + (uint64_t)(*p - 'a') + 1;
        if (n > MAX_DISK + 1u)
            return false;
    }
    if (p == *text)
        return false;
    *text = p;
    *disk = (uint32_t)n - 1;
    return true;
}

static bool digits(const char **text, uint32_t max, uint32_t *out)
{
    uint64_t n = 0;
    const char *p = *text;

    for (; isdigit((unsigned char)*p); p++) {
        n = n * 10 + (uint64_t)(*p - '0');
        if (n > max)
            return false;
    }
    if (p == *text)
        return false;
    *text = p;
    *out = (uint32_t)n;
    return true;
}

static uint32_t xvd_number(uint32_t disk, uint32_t part)
{
    return disk < 16 && part < 16 ? 202u << 8 | disk << 4 | part : 1u << 28 | disk << 8 | part;
}

int hl_vdev_number(const char *vdev, uint32_t *number_out)
{
    uint32_t disk, part = 0;
    const char *p = vdev;

    if (*p == 'd' && digits((p++, &p), MAX_DISK, &disk)) {
        if (*p == 'p' && (p++, !digits(&p, MAX_PARTITION, &part)))
            return -EINVAL;
        *number_out = xvd_number(disk, part);
        return *p == '\0' ? 0 : -EINVAL;
    }
    p = vdev;
    if (isdigit((unsigned char)*p)) {
        char *end;
        unsigned long n = strtoul(p, &end, 0);

        *number_out = (uint32_t)n;
        return *end == '\0' && n <= INT32_MAX ? 0 : -EINVAL;
    }
    p = vdev + (strncmp(vdev, "xvd", 3) == 0 ? 3 : 2);
    if ((strncmp(vdev, "xvd", 3) != 0 && strncmp(vdev, "hd", 2) != 0 &&
         strncmp(vdev, "sd", 2) != 0) ||
        !letters(&p, &disk))
        return -EINVAL;
    if (*p != '\0' && (*p == '0' || !digits(&p, MAX_PARTITION, &part) || *p != '\0'))
        return -EINVAL;
    if (*vdev == 'x')
        *number_out = xvd_number(disk, part);
    else if (*vdev == 'h' && disk < 4 && part < 64)
        *number_out = (disk < 2 ? 3u : 22u) << 8 | (disk & 1) << 6 | part;
    else if (*vdev == 's' && disk < 16 && part < 16)
        *number_out = 8u << 8 | disk << 4 | part;
    else
        return -EINVAL;
    return 0;
}

/* The letters of a disk's number, from behind. */
static void put_letters(uint32_t disk, const char *prefix, uint32_t part, char out[32])
{
    char text[8], *p = text + sizeof(text);
    uint64_t n = (uint64_t)disk + 1;

    *--p = '\0';
    for (; n != 0; n = (n - 1) / 26)
        *--p = (char)('a' + (n - 1) % 26);
    if (part != 0)
        snprintf(out, 32, "%s%s%u", prefix, p, (unsigned int)(part & MAX_PARTITION));
    else
        snprintf(out, 32, "%s%s", prefix, p);
}

void hl_vdev_name(uint32_t n, char out[32])
{
    if (n >> 28 == 1)
        put_letters((n >> 8) & MAX_DISK, "xvd", n & 255, out);
    else if (n >> 8 == 202)
        put_letters((n >> 4) & 15, "xvd", n & 15, out);
    else if (n >> 8 == 8)
        put_letters((n >> 4) & 15, "sd", n & 15, out);
    else if (n >> 8 == 3 || n >> 8 == 22)
        put_letters((n >> 8 == 22 ? 2 : 0) + ((n >> 6) & 1), "hd", n & 63, out);
    else
        snprintf(out, 32, "%" PRIu32, n);
}

const char *hl_device_state_name(int state)
{
    static const char *const names[] = {"Unknown",     "Initialising",  "InitWait",
                                        "Initialised", "Connected",     "Closing",
                                        "Closed",      "Reconfiguring", "Reconfigured"};

    return state >= 0 && state < 9 ? names[state] : "invalid";
}
