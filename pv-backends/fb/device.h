/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's screen with its keyboard and pointer: two devices in xenstore, vfb and vkbd of the same number, and the
 * viewers of both. The keyboard may come later, and go.
 */
#ifndef PVB_FB_DEVICE_H
#define PVB_FB_DEVICE_H

#include <stdbool.h>

#include "pv-backends/fb/input.h"
#include "pv-backends/fb/screen.h"
#include "pv-backends/lib/backend.h"

struct hv;
struct hl_error;
struct pollfd;
struct vnc;

/* One of the two devices: the states are gone through alike. */
struct fb_end {
    struct backend b;
    bool there, connected;
};

struct fb_device {
    struct hv *hv;
    struct fb_end vfb, vkbd;
    char vkbd_path[128];
    struct screen screen;
    struct input input;
    int input_port;     /* -1: not connected */
    bool input_granted; /* its page is mapped by a grant */
    struct vnc *vnc;    /* NULL: nobody may look (vnc=0) */
};

/* `path`: …/backend/vfb/DOMID/DEVID. Undone by fb_device_close(), also after a failure. -ESRCH, without
 * a record: it is being removed. */
int fb_device_open(struct fb_device *d, const char *path, struct hl_error *e);
void fb_device_close(struct fb_device *d);
/* After a failure with d->vfb.there: says why in xenstore, and that both devices are closed. */
void fb_device_refuse(struct fb_device *d, const struct hl_error *e);

#define FB_MAX_POLL 32
/* Descriptors to wait for; how many. */
int fb_device_poll(struct fb_device *d, struct pollfd *fds);

/* Does what there is to do. *soon: there will be more in some milliseconds. False: the screen is gone. */
bool fb_device_work(struct fb_device *d, bool *soon);

#endif
