/* SPDX-License-Identifier: MIT */
/*
 * A screen with keyboard and pointer (hypercalls/abi/io-fbif.h, io-kbdif.h): the devices vfb and vkbd. The backend reads the
 * pixels by the numbers of our frames, without grants.
 *
 * For one caller at a time, one screen at a time.
 */
#ifndef DRIVERS_SCREEN_H
#define DRIVERS_SCREEN_H

#include "drivers/front.h"
#include "hypercalls/abi/io-fbif.h"
#include "hypercalls/abi/io-kbdif.h"
#include "hypercalls/abi/ring.h"

#define SCREEN_WIDTH  320u
#define SCREEN_HEIGHT 200u
#define SCREEN_BYTES  (SCREEN_WIDTH * SCREEN_HEIGHT * 4u)

struct screen {
    struct front front;
    struct xenfb_page *page; /* NULL: not open */
    uint32_t *pixels;        /* of SCREEN_WIDTH a line: blue in the lowest byte, green, red */
    evtchn_port_t port;
};

/* Connects to vfb `id`. Undone by screen_close(). -XEN_ENOENT: no such device; -XEN_EIO: the backend did not connect. */
long screen_open(struct screen *s, unsigned long id);
void screen_close(struct screen *s);

/* Says that a part has other pixels now. -XEN_EAGAIN: no room in the ring. */
long screen_changed(struct screen *s, int x, int y, int width, int height);

struct keyboard {
    struct front front;
    struct xenkbd_page *page; /* NULL: not open */
    grant_ref_t ref;
    evtchn_port_t port;
};

/* Connects to vkbd `id`, for positions of the pointer, not motions. As screen_open(). */
long keyboard_open(struct keyboard *k, unsigned long id);
/* False: the backend keeps the page. */
bool keyboard_close(struct keyboard *k);

/* The next thing that was done. False: nothing until the deadline (system time, 0: never). */
bool keyboard_next(struct keyboard *k, union xenkbd_in_event *event, uint64_t deadline);

#endif
