/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection to a guest's frame buffer: its page, its memory, its port, and our picture of it. */
#ifndef PVB_SCREEN_H
#define PVB_SCREEN_H

#include "pv-backends/fb/picture.h"
#include "pv-backends/lib/backend.h"

struct hv;

struct screen {
    struct xenfb_page *page; /* NULL: not connected */
    uint8_t *memory;
    uint32_t bytes, frames;
    int port;
    uint32_t cons;
    struct fb_form form;
    uint32_t *picture;    /* width * height */
    struct fb_rect dirty; /* not copied into it yet */
    bool resized;         /* the picture is a new one; for the caller, who clears it */
};

/* Connects to what the front end offers in xenstore. All or nothing; undone by screen_disconnect(). */
int screen_connect(struct screen *s, struct hv *hv, struct backend *b, struct hl_error *e);
void screen_disconnect(struct screen *s, struct backend *b);

/* Takes what the guest says; -EPROTO when that cannot be. */
int screen_work(struct screen *s, struct backend *b);

/* Brings the picture up to date; answers which part is new. */
struct fb_rect screen_copy(struct screen *s);

#endif
