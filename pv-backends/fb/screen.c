/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See screen.h. A front end gives the number of a frame, the shared page; there stand the numbers of frames that hold the
 * numbers of the memory's frames. The hypervisor lets us map only what is the guest's.
 */
#include "pv-backends/fb/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "hypercalls/abi/io-fbif.h"
#include "hypercalls/abi/io-protocols.h"

#define STEP "connect to the frame buffer"

/* Events of one turn: more than two rings full can wait. */
#define MAX_EVENTS (2 * XENFB_OUT_RING_LEN)

static int check_protocol(const struct backend *b, struct hl_error *e)
{
    char *protocol = backend_front_text(b, "protocol");
    int rc = 0;

    if (protocol != NULL && strcmp(protocol, XEN_IO_PROTO_ABI_X86_64) != 0)
        rc = hl_fail(e, EINVAL, STEP, b->frontend, "its page is of the form %s", protocol);
    free(protocol);
    return rc;
}

static int map_page(struct screen *s, struct hv *hv, const struct backend *b, struct hl_error *e)
{
    long long ref = backend_front_number(b, "page-ref", -1);
    uint64_t frame = (uint64_t)ref;

    if (ref < 0)
        return hl_fail(e, EINVAL, STEP, b->frontend, "it has no number in page-ref");
    s->page = hv_map_frames(hv, b->domid, &frame, 1, true, NULL, e);
    return s->page == NULL ? -EIO : 0;
}

/* Copies the directory's numbers: `s->frames` of them, from that many frames as they need. */
static int read_directory(const struct screen *s, struct hv *hv, uint32_t domid, uint64_t *numbers,
                          struct hl_error *e)
{
    uint64_t pd[FB_MAX_BYTES / 4096 / FB_PD_FRAMES];
    size_t count = (s->frames + FB_PD_FRAMES - 1) / FB_PD_FRAMES;
    void *directory;

    for (size_t i = 0; i < count; i++)
        pd[i] = __atomic_load_n(&s->page->pd[i], __ATOMIC_RELAXED);
    directory = hv_map_frames(hv, domid, pd, count, false, NULL, e);
    if (directory == NULL)
        return -EIO;
    memcpy(numbers, directory, s->frames * sizeof(*numbers));
    hv_unmap(directory, count);
    return 0;
}

static int map_memory(struct screen *s, struct hv *hv, const struct backend *b, struct hl_error *e)
{
    const char *why;
    uint64_t *numbers;
    int rc;

    if (fb_page_form(s->page, &s->form, &s->bytes, &s->frames, &why) < 0)
        return hl_fail(e, EINVAL, STEP, b->frontend, "%s", why);
    numbers = calloc(s->frames, sizeof(*numbers));
    if (numbers == NULL)
        return hl_fail(e, ENOMEM, STEP, b->frontend, NULL);
    rc = read_directory(s, hv, b->domid, numbers, e);
    if (rc == 0) {
        s->memory = hv_map_frames(hv, b->domid, numbers, s->frames, false, NULL, e);
        rc = s->memory == NULL ? -EIO : 0;
    }
    free(numbers);
    return rc;
}

static int bind_port(struct screen *s, const struct backend *b, struct hl_error *e)
{
    long long port = backend_front_number(b, "event-channel", -1);

    if (port <= 0)
        return hl_fail(e, EINVAL, STEP, b->frontend, "it has no number in event-channel");
    s->port = evtchn_bind_interdomain(b->ev, b->domid, (uint32_t)port, e);
    return s->port < 0 ? s->port : 0;
}

/* A new picture for the form; the old one goes. */
static int make_picture(struct screen *s)
{
    uint32_t *picture = calloc((size_t)s->form.width * s->form.height, sizeof(*picture));

    if (picture == NULL)
        return -ENOMEM;
    free(s->picture);
    s->picture = picture;
    s->dirty = (struct fb_rect){0, 0, s->form.width, s->form.height};
    s->resized = true;
    return 0;
}

int screen_connect(struct screen *s, struct hv *hv, struct backend *b, struct hl_error *e)
{
    int rc = check_protocol(b, e);

    *s = (struct screen){.port = -1};
    if (rc == 0)
        rc = map_page(s, hv, b, e);
    if (rc == 0)
        rc = map_memory(s, hv, b, e);
    if (rc == 0)
        rc = bind_port(s, b, e);
    if (rc == 0 && make_picture(s) < 0)
        rc = hl_fail(e, ENOMEM, STEP, b->frontend, NULL);
    if (rc < 0) {
        screen_disconnect(s, b);
        return rc;
    }
    /* What was said before is in the memory, which is copied as a whole. */
    s->cons = __atomic_load_n(&s->page->out_prod, __ATOMIC_ACQUIRE);
    __atomic_store_n(&s->page->out_cons, s->cons, __ATOMIC_RELEASE);
    evtchn_notify(b->ev, (uint32_t)s->port);
    return 0;
}

void screen_disconnect(struct screen *s, struct backend *b)
{
    if (s->port >= 0)
        evtchn_unbind(b->ev, (uint32_t)s->port);
    if (s->memory != NULL)
        hv_unmap(s->memory, s->frames);
    if (s->page != NULL)
        hv_unmap(s->page, 1);
    free(s->picture);
    *s = (struct screen){.port = -1};
}

static int resize(struct screen *s, const struct xenfb_resize *r)
{
    struct fb_form form = {
        .width = r->width < 0 ? 0 : (uint32_t)r->width,
        .height = r->height < 0 ? 0 : (uint32_t)r->height,
        .stride = r->stride < 0 ? 0 : (uint32_t)r->stride,
        .depth = r->depth < 0 ? 0 : (uint32_t)r->depth,
        .offset = r->offset < 0 ? UINT32_MAX : (uint32_t)r->offset,
    };

    if (fb_form_check(&form, s->bytes) < 0)
        return -EPROTO;
    if (memcmp(&form, &s->form, sizeof(form)) == 0)
        return 0;
    s->form = form;
    return make_picture(s);
}

int screen_work(struct screen *s, struct backend *b)
{
    union xenfb_out_event event;
    int rc = 0, taken = 0;

    while (s->page != NULL && taken < (int)MAX_EVENTS &&
           (rc = fb_take_event(s->page, &s->cons, &event)) > 0) {
        taken++;
        if (event.type == XENFB_TYPE_UPDATE)
            s->dirty = fb_join(s->dirty, fb_clip(&s->form, event.update.x, event.update.y,
                                                 event.update.width, event.update.height));
        else if (event.type == XENFB_TYPE_RESIZE)
            rc = resize(s, &event.resize);
        if (rc < 0)
            break;
    }
    /* The guest holds back what found no place in the ring. */
    if (taken > 0)
        evtchn_notify(b->ev, (uint32_t)s->port);
    return rc < 0 ? rc : 0;
}

struct fb_rect screen_copy(struct screen *s)
{
    struct fb_rect part = s->dirty;

    if (s->page == NULL || part.width == 0 || part.height == 0)
        return (struct fb_rect){0, 0, 0, 0};
    fb_copy(&s->form, s->memory, part, s->picture);
    s->dirty = (struct fb_rect){0, 0, 0, 0};
    return part;
}
