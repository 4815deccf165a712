/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See picture.h. */
#include "pv-backends/fb/picture.h"

#include <errno.h>

#include "hypercalls/abi/io-fbif.h"

int fb_form_check(const struct fb_form *f, uint32_t bytes)
{
    uint64_t line = (uint64_t)f->width * (f->depth / 8);

    if (f->depth != 16 && f->depth != 24 && f->depth != 32)
        return -EINVAL;
    if (f->width == 0 || f->height == 0 || f->width > FB_MAX_SIDE || f->height > FB_MAX_SIDE)
        return -EINVAL;
    if ((uint64_t)f->width * f->height * 4 > FB_MAX_BYTES || bytes > FB_MAX_BYTES)
        return -EINVAL;
    if (f->stride < line || f->stride % (f->depth == 24 ? 1 : f->depth / 8) != 0 ||
        f->offset % 4 != 0)
        return -EINVAL;
    /* The last line may end before its stride does. */
    return f->offset + (uint64_t)f->stride * (f->height - 1) + line <= bytes ? 0 : -EINVAL;
}

int fb_page_form(const struct xenfb_page *page, struct fb_form *f, uint32_t *bytes,
                 uint32_t *frames, const char **why)
{
    int32_t width = __atomic_load_n(&page->width, __ATOMIC_RELAXED);
    int32_t height = __atomic_load_n(&page->height, __ATOMIC_RELAXED);

    *f = (struct fb_form){
        .width = width < 0 ? 0 : (uint32_t)width,
        .height = height < 0 ? 0 : (uint32_t)height,
        .stride = __atomic_load_n(&page->line_length, __ATOMIC_RELAXED),
        .depth = __atomic_load_n(&page->depth, __ATOMIC_RELAXED),
    };
    *bytes = __atomic_load_n(&page->mem_length, __ATOMIC_RELAXED);
    *why = "its memory is empty or more than 64 MiB";
    if (*bytes == 0 || *bytes > FB_MAX_BYTES)
        return -EINVAL;
    *frames = (*bytes + 4095) / 4096;
    *why = "its size, line length and depth do not fit its memory, or are not supported";
    return fb_form_check(f, *bytes);
}

int fb_take_event(struct xenfb_page *page, uint32_t *cons, union xenfb_out_event *event)
{
    uint32_t prod = __atomic_load_n(&page->out_prod, __ATOMIC_ACQUIRE);

    if (prod - *cons > XENFB_OUT_RING_LEN)
        return -EPROTO;
    if (prod == *cons)
        return 0;
    *event = *(volatile union xenfb_out_event *)&XENFB_OUT_RING_REF(page, *cons);
    ++*cons;
    __atomic_store_n(&page->out_cons, *cons, __ATOMIC_RELEASE);
    return 1;
}

/* The part of start .. start + length that lies within 0 .. limit. */
static void clip_side(int64_t start, int64_t length, uint32_t limit, uint32_t *at, uint32_t *size)
{
    int64_t end = start + length;

    if (start < 0)
        start = 0;
    if (end > limit)
        end = limit;
    *at = start < end ? (uint32_t)start : 0;
    *size = start < end ? (uint32_t)(end - start) : 0;
}

struct fb_rect fb_clip(const struct fb_form *f, int32_t x, int32_t y, int32_t width, int32_t height)
{
    struct fb_rect r;

    clip_side(x, width, f->width, &r.x, &r.width);
    clip_side(y, height, f->height, &r.y, &r.height);
    return r;
}

struct fb_rect fb_join(struct fb_rect a, struct fb_rect b)
{
    struct fb_rect r;

    if (a.width == 0 || a.height == 0)
        return b;
    if (b.width == 0 || b.height == 0)
        return a;
    r.x = a.x < b.x ? a.x : b.x;
    r.y = a.y < b.y ? a.y : b.y;
    r.width = (a.x + a.width > b.x + b.width ? a.x + a.width : b.x + b.width) - r.x;
    r.height = (a.y + a.height > b.y + b.height ? a.y + a.height : b.y + b.height) - r.y;
    return r;
}

/* Five or six bits to eight, full to full. */
static uint32_t widen(uint32_t v, unsigned int bits)
{
    return v << (8 - bits) | v >> (2 * bits - 8);
}

static uint32_t pixel(uint32_t red, uint32_t green, uint32_t blue)
{
    return red | green << 8 | blue << 16;
}

static void copy_line(const struct fb_form *f, const uint8_t *from, uint32_t *to, uint32_t count)
{
    const uint32_t *wide = (const void *)from;
    const uint16_t *narrow = (const void *)from;

    for (uint32_t i = 0; i < count; i++) {
        if (f->depth == 32) {
            uint32_t v = wide[i];

            to[i] = pixel(v >> 16 & 255, v >> 8 & 255, v & 255);
        } else if (f->depth == 24) {
            to[i] = pixel(from[3 * i + 2], from[3 * i + 1], from[3 * i]);
        } else {
            uint32_t v = narrow[i];

            to[i] = pixel(widen(v >> 11, 5), widen(v >> 5 & 63, 6), widen(v & 31, 5));
        }
    }
}

void fb_copy(const struct fb_form *f, const uint8_t *memory, struct fb_rect part, uint32_t *picture)
{
    uint32_t bytes = f->depth / 8;

    for (uint32_t y = part.y; y < part.y + part.height; y++)
        copy_line(f, memory + f->offset + (size_t)y * f->stride + (size_t)part.x * bytes,
                  picture + (size_t)y * f->width + part.x, part.width);
}
