/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Screens (vfb) and their keyboards and pointers (vkb; the device is called vkbd). hospes-fb serves both of one number in
 * one process.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device_class.h"
#include "dom0-toolstack/lib/error.h"

/* Ports end at 65535. */
#define MAX_DISPLAY (65535 - 5900)

/* ---- the text of a screen ----------------------------------------------------------------- */

static const struct device_field vfb_fields[] = {
    DEVICE_FIELD("backend_domname", FIELD_TEXT, vfb.backend_domain, NULL, 0),
    DEVICE_FIELD("vnc/enable", FIELD_BOOL, vfb.vnc, NULL, 1),
    DEVICE_FIELD("vnc/listen", FIELD_TEXT, vfb.listen, NULL, 0),
    DEVICE_FIELD("vnc/passwd", FIELD_TEXT, vfb.passwd, NULL, 0),
    DEVICE_FIELD("vnc/display", FIELD_INT, vfb.display, NULL, 0),
    DEVICE_FIELD("vnc/findunused", FIELD_BOOL, vfb.unused, NULL, 1),
    DEVICE_FIELD("keymap", FIELD_TEXT, vfb.keymap, NULL, 0),
    {NULL, FIELD_TEXT, 0, NULL, 0},
};

static void vfb_init(struct hl_device *d)
{
    d->vfb.vnc = d->vfb.unused = true;
}

static int set_vnc(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_bool(&d->vfb.vnc, "vnc", value, why, size);
}

static int set_display(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_number(&d->vfb.display, "vncdisplay", value, 0, MAX_DISPLAY, why, size);
}

/* ADDRESS[:DISPLAY]; an address with colons stands in brackets where a display follows. */
static int set_listen(struct hl_device *d, const char *value, char *why, size_t size)
{
    const char *colon = strrchr(value, ':');
    size_t len = strlen(value);
    int rc = 0;

    for (const char *p = value; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && strchr(".-_:%[]", *p) == NULL)
            return spec_bad(why, size, "vnclisten must be an address, found '%s'", value);
    if (colon != NULL && (strchr(value, ':') == colon || colon[-1] == ']')) {
        len = (size_t)(colon - value);
        rc = set_display(d, colon + 1, why, size);
    }
    if (rc == 0 && len >= 2 && value[0] == '[' && value[len - 1] == ']') {
        value++;
        len -= 2;
    }
    free(d->vfb.listen);
    d->vfb.listen = NULL;
    return rc < 0 ? rc : device_set_text(&d->vfb.listen, value, len, why, size);
}

static int set_passwd(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_text(&d->vfb.passwd, value, why, size);
}

static int set_unused(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_bool(&d->vfb.unused, "vncunused", value, why, size);
}

static int set_keymap(struct hl_device *d, const char *value, char *why, size_t size)
{
    if (strcasecmp(value, "en-us") != 0 && *value != '\0')
        return spec_bad(why, size, "keymap %s is not supported: only en-us is", value);
    return spec_text(&d->vfb.keymap, value, why, size);
}

static int set_vfb_backend(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_text(&d->vfb.backend_domain, value, why, size);
}

static int refuse_window(struct hl_device *d, const char *value, char *why, size_t size)
{
    bool wanted = false;
    int rc = spec_bool(&wanted, "sdl and opengl", value, why, size);

    (void)d;
    return rc == 0 && wanted ? spec_bad(why, size, "sdl and opengl are not supported; use vnc=1")
                             : rc;
}

/* xm's word for which of the two it is; many an old file has it, and xl reads over it. */
static int set_window_type(struct hl_device *d, const char *value, char *why, size_t size)
{
    (void)d;
    return strcmp(value, "vnc") == 0
               ? 0
               : spec_bad(why, size, "type %s is not supported; use vnc=1", value);
}

static int ignore(struct hl_device *d, const char *value, char *why, size_t size)
{
    (void)d;
    (void)value;
    (void)why;
    (void)size;
    return 0;
}

static const struct spec_key vfb_keys[] = {
    {"vnc", set_vnc},
    {"type", set_window_type},
    {"vnclisten", set_listen},
    {"vncdisplay", set_display},
    {"vncunused", set_unused},
    {"vncpasswd", set_passwd},
    {"keymap", set_keymap},
    {"backend", set_vfb_backend},
    {"sdl", refuse_window},
    {"opengl", refuse_window},
    /* They say where the window would be. */
    {"display", ignore},
    {"xauthority", ignore},
    {NULL, NULL},
};

static int vfb_parse(struct hl_device *d, const char *spec, char *why, size_t size)
{
    return spec_parse(d, spec, vfb_keys, why, size);
}

static int vfb_finish(struct hl_device *d, const char *domain, struct hl_error *e)
{
    (void)domain;
    return device_own_backend(d->vfb.backend_domain, &vfb_class, e);
}

/* ---- the screen --------------------------------------------------------------------------- */

static const struct device_backend *vfb_backend(const struct hl_device *d, struct hl_error *e)
{
    (void)d;
    (void)e;
    return device_backend_find(HL_DEVICE_VFB, "vfb");
}

static void vfb_nodes(struct device_job *j, struct store_writer *w)
{
    const struct hl_vfb *v = &j->dev->vfb;

    device_put(j, w, "vnc", "%d", v->vnc);
    device_put(j, w, "vnclisten", "%s", v->listen == NULL ? "127.0.0.1" : v->listen);
    device_put(j, w, "vncdisplay", "%d", v->display);
    device_put(j, w, "vncunused", "%d", v->unused);
    device_put(j, w, "sdl", "0");
    device_put(j, w, "opengl", "0");
    if (v->keymap != NULL)
        device_put(j, w, "keymap", "%s", v->keymap);
    /* Not for the guest's eyes. */
    if (v->passwd != NULL)
        store_put_private(w, j->back, "vncpasswd", v->passwd);
}

static void vfb_info(struct hl_ctx *ctx, struct hl_device_info *i)
{
    i->ring_ref[0] = hs_number_at(ctx->xs, HS_TX_NONE, i->frontend, "page-ref", -1);
}

const struct device_class vfb_class = {
    .name = "vfb",
    .key = "vfb",
    .json = "vfbs",
    .noun = "screen",
    .fields = vfb_fields,
    .init = vfb_init,
    .parse = vfb_parse,
    .finish = vfb_finish,
    .backend = vfb_backend,
    .nodes = vfb_nodes,
    .info = vfb_info,
};

/* ---- keyboard and pointer ----------------------------------------------------------------- */

static const struct device_field vkb_fields[] = {
    DEVICE_FIELD("backend_domname", FIELD_TEXT, vkb.backend_domain, NULL, 0),
    DEVICE_FIELD("unique_id", FIELD_TEXT, vkb.unique_id, NULL, 0),
    DEVICE_FIELD("feature_disable_keyboard", FIELD_BOOL, vkb.no_keyboard, NULL, 0),
    DEVICE_FIELD("feature_disable_pointer", FIELD_BOOL, vkb.no_pointer, NULL, 0),
    DEVICE_FIELD("feature_abs_pointer", FIELD_BOOL, vkb.absolute, NULL, 1),
    DEVICE_FIELD("width", FIELD_INT, vkb.width, NULL, 0),
    DEVICE_FIELD("height", FIELD_INT, vkb.height, NULL, 0),
    {NULL, FIELD_TEXT, 0, NULL, 0},
};

static void vkb_init(struct hl_device *d)
{
    d->vkb.absolute = true;
}

static int set_unique_id(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_text(&d->vkb.unique_id, value, why, size);
}

static int set_vkb_backend(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_text(&d->vkb.backend_domain, value, why, size);
}

static int set_backend_type(struct hl_device *d, const char *value, char *why, size_t size)
{
    (void)d;
    return strcmp(value, "qemu") == 0
               ? 0
               : spec_bad(why, size, "backend-type %s is not supported: leave it out", value);
}

static int set_no_keyboard(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_bool(&d->vkb.no_keyboard, "feature-disable-keyboard", value, why, size);
}

static int set_no_pointer(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_bool(&d->vkb.no_pointer, "feature-disable-pointer", value, why, size);
}

static int set_absolute(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_bool(&d->vkb.absolute, "feature-abs-pointer", value, why, size);
}

static int set_width(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_number(&d->vkb.width, "width", value, 1, 32767, why, size);
}

static int set_height(struct hl_device *d, const char *value, char *why, size_t size)
{
    return spec_number(&d->vkb.height, "height", value, 1, 32767, why, size);
}

static const struct spec_key vkb_keys[] = {
    {"unique-id", set_unique_id},
    {"backend", set_vkb_backend},
    {"backend-type", set_backend_type},
    {"feature-disable-keyboard", set_no_keyboard},
    {"feature-disable-pointer", set_no_pointer},
    {"feature-abs-pointer", set_absolute},
    {"width", set_width},
    {"height", set_height},
    {NULL, NULL},
};

static int vkb_parse(struct hl_device *d, const char *spec, char *why, size_t size)
{
    return spec_parse(d, spec, vkb_keys, why, size);
}

static int vkb_finish(struct hl_device *d, const char *domain, struct hl_error *e)
{
    (void)domain;
    return device_own_backend(d->vkb.backend_domain, &vkb_class, e);
}

static const struct device_backend *vkb_backend(const struct hl_device *d, struct hl_error *e)
{
    (void)d;
    (void)e;
    return device_backend_find(HL_DEVICE_VKB, "vkbd");
}

/* Nobody would press a key where there is no screen to look at. */
static int vkb_prepare(struct device_job *j, struct hl_error *e)
{
    char path[STORE_PATH_SIZE];

    for (size_t i = 0; i < j->with->count; i++)
        if (j->with->items[i].kind == HL_DEVICE_VFB && j->with->items[i].devid == j->devid)
            return 0;
    snprintf(path, sizeof(path), "/local/domain/0/backend/vfb/%" PRIu32 "/%" PRIu32 "/frontend",
             j->domid, j->devid);
    if (hs_exists(j->ctx->xs, HS_TX_NONE, path) == 1)
        return 0;
    return hl_fail_dom(e, ENOENT, j->domid, "add a keyboard",
                       "it has no screen (vfb) %" PRIu32 " that the keyboard would belong to",
                       j->devid);
}

static void vkb_nodes(struct device_job *j, struct store_writer *w)
{
    const struct hl_vkb *v = &j->dev->vkb;

    device_put(j, w, "backend-type", "qemu");
    if (v->no_keyboard)
        device_put(j, w, "feature-disable-keyboard", "1");
    if (v->no_pointer)
        device_put(j, w, "feature-disable-pointer", "1");
    device_put(j, w, "feature-abs-pointer", "%d", v->absolute);
    if (v->width != 0)
        device_put(j, w, "width", "%d", v->width);
    if (v->height != 0)
        device_put(j, w, "height", "%d", v->height);
    if (v->unique_id != NULL)
        device_put(j, w, "unique-id", "%s", v->unique_id);
}

static void vkb_info(struct hl_ctx *ctx, struct hl_device_info *i)
{
    i->ring_ref[0] = hs_number_at(ctx->xs, HS_TX_NONE, i->frontend, "page-gref", -1);
    if (i->backend != NULL)
        i->name = hs_read_at(ctx->xs, HS_TX_NONE, i->backend, "unique-id");
}

const struct device_class vkb_class = {
    .name = "vkbd",
    .key = "vkb",
    .json = "vkbs",
    .noun = "keyboard",
    .fields = vkb_fields,
    .init = vkb_init,
    .parse = vkb_parse,
    .finish = vkb_finish,
    .backend = vkb_backend,
    .prepare = vkb_prepare,
    .nodes = vkb_nodes,
    .info = vkb_info,
};
