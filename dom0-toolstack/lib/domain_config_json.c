/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's configuration as JSON and back; see domain_config.h. The layout and the spelling of the
 * values follow what xl prints: c_info, b_info, the on_* actions, and "True" for true.
 */
#include "dom0-toolstack/lib/domain_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#include "dom0-toolstack/lib/error.h"

/* ---- writing ---- */

static void put_key(yajl_gen g, const char *text)
{
    yajl_gen_string(g, (const unsigned char *)text, strlen(text));
}

static void put_text(yajl_gen g, const char *key, const char *value)
{
    if (value == NULL)
        return;
    put_key(g, key);
    put_key(g, value);
}

static void put_texts(yajl_gen g, const char *key, char *const *values, size_t n)
{
    if (n == 0)
        return;
    put_key(g, key);
    yajl_gen_array_open(g);
    for (size_t i = 0; i < n; i++)
        put_key(g, values[i]);
    yajl_gen_array_close(g);
}

static void put_int(yajl_gen g, const char *key, long long value)
{
    put_key(g, key);
    yajl_gen_integer(g, value);
}

static void put_set_int(yajl_gen g, const char *key, int value)
{
    if (value != HL_UNSET_INT)
        put_int(g, key, value);
}

static void put_affinity(yajl_gen g, const char *key, const struct hl_affinity *a)
{
    if (a->all == NULL && a->nr_each == 0)
        return;
    put_key(g, key);
    if (a->all != NULL) {
        put_key(g, a->all);
        return;
    }
    yajl_gen_array_open(g);
    for (size_t i = 0; i < a->nr_each; i++)
        put_key(g, a->each[i] == NULL ? "all" : a->each[i]);
    yajl_gen_array_close(g);
}

static void put_c_info(yajl_gen g, const struct hl_domain_config *c)
{
    char uuid[37];

    hl_uuid_format(c->uuid, uuid);
    put_key(g, "c_info");
    yajl_gen_map_open(g);
    put_text(g, "type", hl_domain_type_name(c->type));
    put_text(g, "name", c->name);
    put_text(g, "uuid", uuid);
    put_text(g, "pool_name", c->pool);
    put_text(g, "driver_domain", c->driver_domain ? "True" : NULL);
    yajl_gen_map_close(g);
}

static void put_b_info(yajl_gen g, const struct hl_domain_config *c)
{
    put_key(g, "b_info");
    yajl_gen_map_open(g);
    put_int(g, "max_vcpus", c->maxvcpus == 0 ? c->vcpus : c->maxvcpus);
    put_key(g, "avail_vcpus");
    yajl_gen_array_open(g);
    for (uint32_t i = 0; i < c->vcpus; i++)
        yajl_gen_integer(g, i);
    yajl_gen_array_close(g);
    put_affinity(g, "vcpu_hard_affinity", &c->cpus);
    put_affinity(g, "vcpu_soft_affinity", &c->cpus_soft);
    put_int(g, "max_memkb", (long long)(c->maxmem_kib == 0 ? c->memory_kib : c->maxmem_kib));
    put_int(g, "target_memkb", (long long)c->memory_kib);
    put_key(g, "sched_params");
    yajl_gen_map_open(g);
    put_set_int(g, "weight", c->cpu_weight);
    put_set_int(g, "cap", c->cpu_cap);
    yajl_gen_map_close(g);
    put_text(g, "kernel", c->kernel);
    put_text(g, "ramdisk", c->ramdisk);
    put_text(g, "cmdline", c->cmdline);
    put_text(g, "bootloader", c->bootloader);
    put_texts(g, "bootloader_args", c->bootloader_args, c->nr_bootloader_args);
    put_set_int(g, "max_grant_frames", c->max_grant_frames);
    put_set_int(g, "max_maptrack_frames", c->max_maptrack_frames);
    put_set_int(g, "max_grant_version", c->max_grant_version);
    put_set_int(g, "event_channels", c->max_event_channels);
    put_key(g, c->type == HL_TYPE_PV    ? "type.pv"
               : c->type == HL_TYPE_PVH ? "type.pvh"
                                        : "type.hvm");
    yajl_gen_map_open(g);
    yajl_gen_map_close(g);
    yajl_gen_map_close(g);
}

int hl_domain_config_gen(const struct hl_domain_config *c, struct yajl_gen_t *g)
{
    yajl_gen_map_open(g);
    put_c_info(g, c);
    put_b_info(g, c);
    hl_device_list_gen(&c->devices, g);
    put_text(g, "on_poweroff", hl_action_name(c->on_poweroff));
    put_text(g, "on_reboot", hl_action_name(c->on_reboot));
    put_text(g, "on_watchdog", hl_action_name(c->on_watchdog));
    put_text(g, "on_crash", hl_action_name(c->on_crash));
    put_text(g, "on_soft_reset", hl_action_name(c->on_soft_reset));
    put_text(g, "config_file", c->config_file);
    put_text(g, "ignore_global_affinity_masks", c->ignore_host_cpus ? "True" : NULL);
    /* An earlier failure leaves the generator in its error state, so the last call tells. */
    return yajl_gen_map_close(g) == yajl_gen_status_ok ? 0 : -EIO;
}

char *hl_domain_config_to_json(const struct hl_domain_config *c, bool pretty)
{
    yajl_gen g = yajl_gen_alloc(NULL);
    const unsigned char *buf;
    char *text = NULL;
    size_t len;

    if (g == NULL)
        return NULL;
    if (pretty) {
        yajl_gen_config(g, yajl_gen_beautify, 1);
        yajl_gen_config(g, yajl_gen_indent_string, "    ");
    }
    if (hl_domain_config_gen(c, g) == 0 && yajl_gen_get_buf(g, &buf, &len) == yajl_gen_status_ok)
        text = strndup((const char *)buf, len);
    yajl_gen_free(g);
    return text;
}

/* ---- reading ---- */

/* One pass over the tree; the first thing that does not fit is remembered. */
struct reader {
    const char *bad; /* the member of wrong type or value */
    bool no_memory;
};

static yajl_val member(yajl_val map, const char *key)
{
    const char *path[] = {key, NULL};

    return map == NULL ? NULL : yajl_tree_get(map, path, yajl_t_any);
}

static void get_text(struct reader *r, yajl_val map, const char *key, char **to)
{
    yajl_val v = member(map, key);

    if (v == NULL)
        return;
    if (!YAJL_IS_STRING(v)) {
        r->bad = key;
        return;
    }
    free(*to);
    *to = strdup(v->u.string);
    if (*to == NULL)
        r->no_memory = true;
}

static void get_texts(struct reader *r, yajl_val map, const char *key, char ***to, size_t *count)
{
    yajl_val v = member(map, key);
    size_t n;

    if (v == NULL)
        return;
    if (!YAJL_IS_ARRAY(v)) {
        r->bad = key;
        return;
    }
    n = YAJL_GET_ARRAY(v)->len;
    if (n == 0 || *to != NULL)
        return;
    *to = calloc(n, sizeof(**to));
    if (*to == NULL) {
        r->no_memory = true;
        return;
    }
    for (; *count < n; (*count)++) {
        const char *text = YAJL_GET_STRING(YAJL_GET_ARRAY(v)->values[*count]);

        if (text == NULL) {
            r->bad = key;
            return;
        }
        (*to)[*count] = strdup(text);
        if ((*to)[*count] == NULL) {
            r->no_memory = true;
            return;
        }
    }
}

static bool get_int(struct reader *r, yajl_val map, const char *key, long long max, long long *to)
{
    yajl_val v = member(map, key);

    if (v == NULL)
        return false;
    if (!YAJL_IS_INTEGER(v) || YAJL_GET_INTEGER(v) < 0 || YAJL_GET_INTEGER(v) > max) {
        r->bad = key;
        return false;
    }
    *to = YAJL_GET_INTEGER(v);
    return true;
}

static void get_set_int(struct reader *r, yajl_val map, const char *key, int *to)
{
    long long v;

    if (get_int(r, map, key, INT32_MAX, &v))
        *to = (int)v;
}

static void get_affinity(struct reader *r, yajl_val map, const char *key, struct hl_affinity *a)
{
    yajl_val v = member(map, key);
    size_t n;

    if (v == NULL)
        return;
    if (YAJL_IS_STRING(v)) {
        get_text(r, map, key, &a->all);
        return;
    }
    if (!YAJL_IS_ARRAY(v)) {
        r->bad = key;
        return;
    }
    n = YAJL_GET_ARRAY(v)->len;
    if (n == 0 || a->each != NULL)
        return;
    a->each = calloc(n, sizeof(*a->each));
    if (a->each == NULL) {
        r->no_memory = true;
        return;
    }
    for (; a->nr_each < n; a->nr_each++) {
        const char *text = YAJL_GET_STRING(YAJL_GET_ARRAY(v)->values[a->nr_each]);

        if (text == NULL) {
            r->bad = key;
            return;
        }
        a->each[a->nr_each] = strdup(text);
        if (a->each[a->nr_each] == NULL) {
            r->no_memory = true;
            return;
        }
    }
}

static void get_action(struct reader *r, yajl_val map, const char *key, enum hl_action *a)
{
    yajl_val v = member(map, key);

    if (v != NULL && (!YAJL_IS_STRING(v) || hl_action_from_name(YAJL_GET_STRING(v), a) != 0))
        r->bad = key;
}

static void get_c_info(struct reader *r, yajl_val map, struct hl_domain_config *c)
{
    yajl_val v;

    get_text(r, map, "name", &c->name);
    get_text(r, map, "pool_name", &c->pool);
    v = member(map, "driver_domain");
    if (v != NULL && !YAJL_IS_STRING(v))
        r->bad = "driver_domain";
    else if (v != NULL)
        c->driver_domain = strcmp(v->u.string, "True") == 0;
    v = member(map, "type");
    if (v != NULL &&
        (!YAJL_IS_STRING(v) || hl_domain_type_from_name(YAJL_GET_STRING(v), &c->type) != 0))
        r->bad = "type";
    v = member(map, "uuid");
    if (v != NULL && (!YAJL_IS_STRING(v) || hl_uuid_parse(YAJL_GET_STRING(v), c->uuid) != 0))
        r->bad = "uuid";
}

static void get_b_info(struct reader *r, yajl_val map, struct hl_domain_config *c)
{
    yajl_val v = member(map, "avail_vcpus"), sched = member(map, "sched_params");
    long long n;

    if (get_int(r, map, "max_vcpus", 65536, &n))
        c->maxvcpus = (uint32_t)n;
    c->vcpus = c->maxvcpus;
    if (v != NULL && YAJL_IS_ARRAY(v))
        c->vcpus = (uint32_t)YAJL_GET_ARRAY(v)->len;
    else if (v != NULL)
        r->bad = "avail_vcpus";
    get_affinity(r, map, "vcpu_hard_affinity", &c->cpus);
    get_affinity(r, map, "vcpu_soft_affinity", &c->cpus_soft);
    if (get_int(r, map, "max_memkb", 1ll << 40, &n))
        c->maxmem_kib = (uint64_t)n;
    if (get_int(r, map, "target_memkb", 1ll << 40, &n))
        c->memory_kib = (uint64_t)n;
    get_set_int(r, sched, "weight", &c->cpu_weight);
    get_set_int(r, sched, "cap", &c->cpu_cap);
    get_text(r, map, "kernel", &c->kernel);
    get_text(r, map, "ramdisk", &c->ramdisk);
    get_text(r, map, "cmdline", &c->cmdline);
    get_text(r, map, "bootloader", &c->bootloader);
    get_texts(r, map, "bootloader_args", &c->bootloader_args, &c->nr_bootloader_args);
    get_set_int(r, map, "max_grant_frames", &c->max_grant_frames);
    get_set_int(r, map, "max_maptrack_frames", &c->max_maptrack_frames);
    get_set_int(r, map, "max_grant_version", &c->max_grant_version);
    get_set_int(r, map, "event_channels", &c->max_event_channels);
}

static void get_devices(struct reader *r, yajl_val tree, struct hl_domain_config *c)
{
    const char *bad = NULL;
    int rc = hl_device_list_read(&c->devices, tree, &bad);

    if (rc == -ENOMEM)
        r->no_memory = true;
    else if (rc != 0)
        r->bad = bad;
}

int hl_domain_config_from_json(struct hl_domain_config *c, const char *json, size_t len,
                               struct hl_error *e)
{
    static const char step[] = "read a domain's saved configuration";
    struct reader r = {NULL, false};
    char why[256] = "";
    char *text;
    yajl_val tree;

    hl_domain_config_init(c);
    /* The parser stops at a NUL; a document with one inside is not ours. */
    if (memchr(json, '\0', len) != NULL)
        return hl_fail(e, EINVAL, step, NULL, "it holds a zero byte");
    text = strndup(json, len);
    if (text == NULL)
        return hl_fail(e, ENOMEM, step, NULL, NULL);
    tree = yajl_tree_parse(text, why, sizeof(why));
    free(text);
    if (tree == NULL)
        return hl_fail(e, EINVAL, step, NULL, "not JSON: %s", why[0] == '\0' ? "empty" : why);
    if (!YAJL_IS_OBJECT(tree) || !YAJL_IS_OBJECT(member(tree, "c_info")) ||
        !YAJL_IS_OBJECT(member(tree, "b_info"))) {
        r.bad = "c_info or b_info";
    } else {
        get_c_info(&r, member(tree, "c_info"), c);
        get_b_info(&r, member(tree, "b_info"), c);
        get_action(&r, tree, "on_poweroff", &c->on_poweroff);
        get_action(&r, tree, "on_reboot", &c->on_reboot);
        get_action(&r, tree, "on_watchdog", &c->on_watchdog);
        get_action(&r, tree, "on_crash", &c->on_crash);
        get_action(&r, tree, "on_soft_reset", &c->on_soft_reset);
        get_text(&r, tree, "config_file", &c->config_file);
        c->ignore_host_cpus = member(tree, "ignore_global_affinity_masks") != NULL;
        get_devices(&r, tree, c);
    }
    yajl_tree_free(tree);
    if (r.bad == NULL && !r.no_memory)
        return 0;
    hl_domain_config_free(c);
    if (r.no_memory)
        return hl_fail(e, ENOMEM, step, NULL, NULL);
    return hl_fail(e, EINVAL, step, NULL, "the member \"%s\" is missing or of the wrong kind",
                   r.bad);
}
