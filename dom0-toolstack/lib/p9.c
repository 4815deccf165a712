/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared folders: the class 9pfs, "p9" to configurations. hospes-9p serves them; a guest mounts one by its tag. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/error.h"

/* Linux finds the folder by comparing what mount was given. */
#define TAG_MAX 255u

static const struct device_field fields[] = {
    DEVICE_FIELD("backend_domname", FIELD_TEXT, p9.backend_domain, NULL, 0),
    DEVICE_FIELD("tag", FIELD_TEXT, p9.tag, NULL, 0),
    DEVICE_FIELD("path", FIELD_TEXT, p9.path, NULL, 0),
    DEVICE_FIELD("security_model", FIELD_TEXT, p9.security_model, NULL, 0),
    {NULL, FIELD_TEXT, 0, NULL, 0},
};

static void init(struct hl_device *d)
{
    (void)d;
}

/* ---- the text ----------------------------------------------------------------------------- */

static int set_tag(struct hl_device *d, const char *value, char *why, size_t size)
{
    if (strlen(value) > TAG_MAX)
        return spec_bad(why, size, "tag is longer than %u characters", TAG_MAX);
    return spec_text(&d->p9.tag, value, why, size);
}

static int set_path(struct hl_device *d, const char *value, char *why, size_t size)
{
    if (*value != '/')
        return spec_bad(why, size, "path must begin with a slash, found '%s'", value);
    return spec_text(&d->p9.path, value, why, size);
}

static int set_model(struct hl_device *d, const char *value, char *why, size_t size)
{
    if (strcmp(value, "none") != 0)
        return spec_bad(why, size, "security_model must be none, found '%s'", value);
    return spec_text(&d->p9.security_model, value, why, size);
}

static int set_backend(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_text(&d->p9.backend_domain, value, why, size);
}

static const struct spec_key keys[] = {
    {"backend", set_backend}, {"path", set_path}, {"security_model", set_model},
    {"tag", set_tag},         {NULL, NULL},
};

static int parse(struct hl_device *d, const char *spec, char *why, size_t size)
{
    int rc = spec_parse(d, spec, keys, why, size);

    if (rc < 0)
        return rc;
    if (d->p9.tag == NULL || *d->p9.tag == '\0')
        return spec_bad(why, size, "tag= is missing");
    if (d->p9.path == NULL)
        return spec_bad(why, size, "path= is missing");
    if (d->p9.security_model == NULL)
        return spec_bad(why, size, "security_model= is missing: none");
    return 0;
}

static int finish(struct hl_device *d, const char *domain, struct hl_error *e)
{
    const struct hl_p9 *p = &d->p9;

    (void)domain;
    if (p->tag == NULL || p->path == NULL || p->security_model == NULL ||
        strcmp(p->security_model, "none") != 0)
        return hl_fail(e, EINVAL, "check the configuration", "p9",
                       "the shared folder's tag, path or security_model is missing or unknown");
    return 0;
}

/* A guest mounts the first of that name, and would never see the other. */
static const char *own(const struct hl_device *d)
{
    return d->p9.tag;
}

/* ---- the device --------------------------------------------------------------------------- */

static const struct device_backend *backend(const struct hl_device *d, struct hl_error *e)
{
    (void)d;
    (void)e;
    return device_backend_find(HL_DEVICE_P9, "9pfs");
}

static int prepare(struct device_job *j, struct hl_error *e)
{
    const char *path = j->dev->p9.path;
    struct stat st;

    if (stat(path, &st) < 0)
        return hl_fail(e, errno, "share the folder", path, NULL);
    if (!S_ISDIR(st.st_mode))
        return hl_fail(e, ENOTDIR, "share the folder", path, NULL);
    return 0;
}

static void nodes(struct device_job *j, struct store_writer *w)
{
    const struct hl_p9 *p = &j->dev->p9;

    device_put(j, w, "path", "%s", p->path);
    device_put(j, w, "security_model", "%s", p->security_model);
    store_put(w, j->copy, "tag", "%s", p->tag);
    store_put(w, j->front, "tag", "%s", p->tag);
}

static int from_nodes(struct device_job *j, struct hl_device *d, struct hl_error *e)
{
    d->p9.path = hs_read_at(j->ctx->xs, HS_TX_NONE, j->back, "path");
    if (d->p9.path == NULL)
        return hl_fail(e, EINVAL, "read the shared folder's nodes", j->back, "path is missing");
    return 0;
}

const struct device_class p9_class = {
    .name = "9pfs",
    .key = "p9",
    .json = "p9s",
    .noun = "shared folder",
    .fields = fields,
    .init = init,
    .parse = parse,
    .finish = finish,
    .own = own,
    .backend = backend,
    .prepare = prepare,
    .nodes = nodes,
    .from_nodes = from_nodes,
};
