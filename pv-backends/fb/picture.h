/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's frame buffer as memory, and what the guest says of it: form, events, parts that changed. Nothing here knows of
 * mappings or viewers, so all of it can be tried on any machine.
 *
 * The guest may change the memory and the shared page at any time. Numbers are copied out once and checked; pixels are
 * copied into a picture of ours before anybody looks at them.
 */
#ifndef PVB_PICTURE_H
#define PVB_PICTURE_H

#include <stddef.h>
#include <stdint.h>

struct xenfb_page;
union xenfb_out_event;

#define FB_MAX_SIDE  8192u        /* pixels */
#define FB_MAX_BYTES (64u << 20)  /* of a frame buffer, and of our picture of it */
#define FB_PD_FRAMES (4096u / 8u) /* numbers in a frame of the directory */

struct fb_form {
    uint32_t width, height; /* pixels */
    uint32_t stride;        /* bytes of a line */
    uint32_t depth;         /* bits of a pixel: 16, 24 or 32 */
    uint32_t offset;        /* of the first line */
};

struct fb_rect {
    uint32_t x, y, width, height;
};

/* 0, or -EINVAL: not within `bytes` of memory, or more than the limits above. */
int fb_form_check(const struct fb_form *f, uint32_t bytes);

/* What the page says; *bytes: the memory's size, *frames: its frames. -EINVAL with *why, a constant text. */
int fb_page_form(const struct xenfb_page *page, struct fb_form *f, uint32_t *bytes,
                 uint32_t *frames, const char **why);

/* Takes the next event, if there is one, from behind *cons (ours alone): 1, 0; -EPROTO: an index that cannot be. */
int fb_take_event(struct xenfb_page *page, uint32_t *cons, union xenfb_out_event *event);

/* What of the rectangle that a guest names is within the form. An empty one has no width or height. */
struct fb_rect fb_clip(const struct fb_form *f, int32_t x, int32_t y, int32_t width,
                       int32_t height);
struct fb_rect fb_join(struct fb_rect a, struct fb_rect b);

/* Copies a part of the guest's memory (of that checked form) into ours: 32 bits a pixel, red in the lowest byte, as
 * libvncserver has it. */
void fb_copy(const struct fb_form *f, const uint8_t *memory, struct fb_rect part,
             uint32_t *picture);

#endif
