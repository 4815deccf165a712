/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The viewers' side: RFB by libvncserver. */
#ifndef PVB_VNC_H
#define PVB_VNC_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "pv-backends/fb/picture.h"

struct hl_error;
struct input;
struct vnc;

#define VNC_MAX_VIEWERS 16

struct vnc_config {
    const char *listen;   /* an address or a host's name */
    const char *password; /* "": none is asked for */
    int display;          /* port 5900 + display */
    bool unused;          /* the first free one from there on */
    int earlier; /* the port that an earlier process had, which is the first choice; 0: none */
};

/* Listens. Keys and pointer go into `in`. NULL with the record filled. */
struct vnc *vnc_open(const struct vnc_config *c, struct input *in, struct hl_error *e);
void vnc_close(struct vnc *v);
int vnc_port(const struct vnc *v);

/* Another picture, which stays the caller's and must stay until the next one; NULL: a black one. */
void vnc_show(struct vnc *v, uint32_t *picture, uint32_t width, uint32_t height);
void vnc_changed(struct vnc *v, struct fb_rect part);

/* Descriptors to wait for, at most 1 + VNC_MAX_VIEWERS; how many. */
int vnc_poll(struct vnc *v, struct pollfd *fds);
/* Serves whoever has something to say; then, whether a viewer waits for something that is due soon. */
bool vnc_work(struct vnc *v);
bool vnc_has_viewers(const struct vnc *v);

#endif
