/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See device.h. */
#include "pv-backends/fb/device.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "pv-backends/fb/vnc.h"
#include "xenstore/client/xs_client.h"

static bool is_vfb(const struct fb_device *d, const struct fb_end *end)
{
    return end == &d->vfb;
}

/* ---- the screen --------------------------------------------------------------------------- */

static int connect_screen(struct fb_device *d, struct hl_error *e)
{
    return screen_connect(&d->screen, d->hv, &d->vfb.b, e);
}

static void disconnect_screen(struct fb_device *d)
{
    /* The viewers' library must not look at what goes. */
    if (d->vnc != NULL)
        vnc_show(d->vnc, NULL, 0, 0);
    screen_disconnect(&d->screen, &d->vfb.b);
}

/* ---- keyboard and pointer ----------------------------------------------------------------- */

static int map_input(struct fb_device *d, struct xenkbd_page **page, struct hl_error *e)
{
    struct backend *b = &d->vkbd.b;
    long long gref = backend_front_number(b, XENKBD_FIELD_RING_GREF, -1);
    long long ref = backend_front_number(b, XENKBD_FIELD_RING_REF, -1);
    uint32_t grant = (uint32_t)gref;
    uint64_t frame = (uint64_t)ref;

    d->input_granted = gref >= 0;
    if (gref < 0 && ref < 0)
        return hl_fail(e, EINVAL, "connect to the keyboard", b->frontend,
                       "it has no number in page-gref or page-ref");
    *page = gref >= 0 ? gntdev_map(b->grants, b->domid, &grant, 1, e)
                      : hv_map_frames(d->hv, b->domid, &frame, 1, true, NULL, e);
    return *page == NULL ? -EIO : 0;
}

static void unmap_input(struct fb_device *d, struct xenkbd_page *page)
{
    if (d->input_granted)
        gntdev_unmap(d->vkbd.b.grants, page, 1);
    else
        hv_unmap(page, 1);
}

static int connect_input(struct fb_device *d, struct hl_error *e)
{
    struct backend *b = &d->vkbd.b;
    long long port = backend_front_number(b, XENKBD_FIELD_EVT_CHANNEL, -1);
    struct xenkbd_page *page = NULL;
    int rc;

    if (port <= 0)
        return hl_fail(e, EINVAL, "connect to the keyboard", b->frontend,
                       "it has no number in event-channel");
    rc = map_input(d, &page, e);
    if (rc < 0)
        return rc;
    d->input_port = evtchn_bind_interdomain(b->ev, b->domid, (uint32_t)port, e);
    if (d->input_port < 0) {
        unmap_input(d, page);
        return d->input_port;
    }
    input_connect(&d->input, page, backend_front_number(b, XENKBD_FIELD_REQ_ABS_POINTER, 0) == 1);
    return 0;
}

static void disconnect_input(struct fb_device *d)
{
    struct xenkbd_page *page = d->input.page;

    if (d->input_port >= 0)
        evtchn_unbind(d->vkbd.b.ev, (uint32_t)d->input_port);
    d->input_port = -1;
    input_connect(&d->input, NULL, false);
    if (page != NULL)
        unmap_input(d, page);
}

/* ---- viewers --------------------------------------------------------------------------- */

/* Where `hl vncviewer` and others look. */
static void write_address(struct backend *b, void *opaque)
{
    const struct fb_device *d = opaque;
    char console[64], *listen;

    backend_write(b, "vnc-port", "%d", vnc_port(d->vnc));
    snprintf(console, sizeof(console), "/local/domain/%u/console", b->domid);
    if (strcmp(strrchr(b->path, '/'), "/0") != 0 || hs_exists(b->xs, b->tx, console) != 1)
        return;
    listen = backend_text(b, "vnclisten");
    hs_write_at(b->xs, b->tx, console, "vnc-port", "%d", vnc_port(d->vnc));
    hs_write_at(b->xs, b->tx, console, "vnc-listen", "%s", listen != NULL ? listen : "127.0.0.1");
    free(listen);
}

static int open_vnc(struct fb_device *d, struct hl_error *e)
{
    struct backend *b = &d->vfb.b;
    char *listen = backend_text(b, "vnclisten"), *password = backend_text(b, "vncpasswd");
    struct vnc_config c = {
        .listen = listen != NULL && *listen != '\0' ? listen : "127.0.0.1",
        .password = password != NULL ? password : "",
        .display = (int)backend_number(b, "vncdisplay", 0),
        .unused = backend_number(b, "vncunused", 1) != 0,
        .earlier = (int)backend_number(b, "vnc-port", 0),
    };

    d->vnc = vnc_open(&c, &d->input, e);
    free(listen);
    if (password != NULL)
        explicit_bzero(password, strlen(password));
    free(password);
    if (d->vnc == NULL)
        return -EIO;
    return backend_change(b, write_address, d);
}

/* For viewers, unless nobody may look or they have it already. */
static int need_vnc(struct fb_device *d, struct hl_error *e)
{
    return d->vnc != NULL || backend_number(&d->vfb.b, "vnc", 1) == 0 ? 0 : open_vnc(d, e);
}

/* ---- states, of both ---------------------------------------------------------------------- */

static void disconnect(struct fb_device *d, struct fb_end *end)
{
    if (!end->connected)
        return;
    end->connected = false;
    if (is_vfb(d, end))
        disconnect_screen(d);
    else
        disconnect_input(d);
}

static void give_up(struct fb_device *d, struct fb_end *end, struct hl_error *e)
{
    backend_complain(&end->b, e);
    hl_error_clear(e);
    disconnect(d, end);
    backend_set_state(&end->b, XenbusStateClosed);
}

/* The guest broke a ring. */
static void broken(struct fb_device *d, struct fb_end *end)
{
    struct hl_error *e = hl_error_new();

    hl_fail(e, EPROTO, "serve the device", end->b.path,
            "the guest's page has an index or a size that cannot be");
    give_up(d, end, e);
    hl_error_free(e);
}

static void write_connected(struct backend *b, void *opaque)
{
    if (opaque != NULL) {
        backend_write(b, "request-update", "1");
        backend_write(b, "feature-resize", "1");
    }
    backend_set_state(b, XenbusStateConnected);
}

static void connect_end(struct fb_device *d, struct fb_end *end, struct hl_error *e)
{
    int rc = is_vfb(d, end) ? connect_screen(d, e) : connect_input(d, e);

    if (rc < 0) {
        give_up(d, end, e);
        return;
    }
    end->connected = true;
    backend_change(&end->b, write_connected, is_vfb(d, end) ? d : NULL);
}

static void write_offer(struct backend *b, void *opaque)
{
    if (opaque != NULL)
        backend_write(b, "feature-resize", "1");
    else if (backend_number(b, XENKBD_FIELD_FEAT_ABS_POINTER, -1) < 0)
        backend_write(b, XENKBD_FIELD_FEAT_ABS_POINTER, "1");
    backend_write(b, "hotplug-status", "connected");
    backend_set_state(b, XenbusStateInitWait);
}

static void offer(struct fb_device *d, struct fb_end *end)
{
    backend_change(&end->b, write_offer, is_vfb(d, end) ? d : NULL);
}

/* False: it is over. */
static bool follow(struct fb_device *d, struct fb_end *end, struct hl_error *e)
{
    enum xenbus_state ours = backend_state(&end->b), theirs = backend_front_state(&end->b);

    if (ours == XenbusStateUnknown)
        return false; /* our directory was removed */
    switch (theirs) {
    case XenbusStateInitialising:
        /* It begins anew, or is another one at the old one's place. */
        disconnect(d, end);
        if (ours == XenbusStateInitWait)
            break;
        if (is_vfb(d, end) && need_vnc(d, e) < 0) {
            backend_complain(&end->b, e);
            hl_error_clear(e);
        }
        offer(d, end);
        break;
    case XenbusStateInitialised:
    case XenbusStateConnected:
        /* Linux says Connected as soon as it sees InitWait. */
        if (!end->connected && ours == XenbusStateInitWait)
            connect_end(d, end, e);
        break;
    case XenbusStateClosing:
        if (ours != XenbusStateClosed)
            backend_set_state(&end->b, XenbusStateClosing);
        break;
    case XenbusStateUnknown:
    case XenbusStateClosed:
        /* Whoever waits for Closed may want the port for another. */
        if (theirs == XenbusStateUnknown && is_vfb(d, end)) {
            vnc_close(d->vnc);
            d->vnc = NULL;
        }
        if (end->connected || ours != XenbusStateClosed) {
            disconnect(d, end);
            backend_set_state(&end->b, XenbusStateClosed);
        }
        /* A frontend that is gone may come again, as long as the toolstack wants the device. */
        return backend_number(&end->b, "online", 0);
    default: break;
    }
    return true;
}

/* Goes on from the states that an earlier process, which was killed, left; else begins. */
static void take_up(struct fb_device *d, struct fb_end *end, struct hl_error *e)
{
    enum xenbus_state ours = backend_state(&end->b), theirs = backend_front_state(&end->b);

    if (ours == XenbusStateConnected &&
        (theirs == XenbusStateConnected || theirs == XenbusStateInitialised))
        connect_end(d, end, e);
    else if (ours <= XenbusStateInitWait)
        offer(d, end);
}

/* ---- opening ------------------------------------------------------------------------------ */

static int open_end(struct fb_end *end, const char *path, struct hl_error *e)
{
    int rc = backend_open(&end->b, path, e);

    if (rc < 0)
        return rc;
    end->there = true;
    return 0;
}

static void close_end(struct fb_device *d, struct fb_end *end)
{
    disconnect(d, end);
    if (end->b.xs != NULL || end->b.path != NULL)
        backend_close(&end->b);
    end->there = false;
}

/* The keyboard's directory may be there by now. */
static void look_for_vkbd(struct fb_device *d, struct hl_error *e)
{
    char node[160];

    snprintf(node, sizeof(node), "%s/frontend", d->vkbd_path);
    if (d->vkbd.there || hs_exists(d->vfb.b.xs, HS_TX_NONE, node) != 1)
        return;
    if (open_end(&d->vkbd, d->vkbd_path, e) < 0) {
        char *why = hl_error_sentence(e);

        fprintf(stderr, "hospes-fb: %s\n", why == NULL ? "out of memory" : why);
        free(why);
        hl_error_clear(e);
        close_end(d, &d->vkbd);
        return;
    }
    take_up(d, &d->vkbd, e);
}

static int set_vkbd_path(struct fb_device *d, const char *path, struct hl_error *e)
{
    const char *kind = strstr(path, "/vfb/");

    if (kind == NULL || strlen(path) >= sizeof(d->vkbd_path) - 1)
        return hl_fail(e, EINVAL, "look up the device", path, "it is no vfb");
    snprintf(d->vkbd_path, sizeof(d->vkbd_path), "%.*s/vkbd/%s", (int)(kind - path), path,
             kind + strlen("/vfb/"));
    return 0;
}

int fb_device_open(struct fb_device *d, const char *path, struct hl_error *e)
{
    int rc;

    *d = (struct fb_device){.input_port = -1, .screen.port = -1};
    rc = set_vkbd_path(d, path, e);
    if (rc == 0)
        rc = hv_open(&d->hv, e);
    if (rc == 0)
        rc = open_end(&d->vfb, path, e);
    if (rc == 0 && hs_watch(d->vfb.b.xs, d->vkbd_path, "vkbd") < 0)
        rc = hl_fail(e, errno, "watch for the keyboard", d->vkbd_path, NULL);
    if (rc == 0 && backend_front_state(&d->vfb.b) == XenbusStateUnknown)
        return -ESRCH;
    if (rc == 0)
        rc = need_vnc(d, e);
    if (rc < 0)
        return rc;
    take_up(d, &d->vfb, e);
    look_for_vkbd(d, e);
    return 0;
}

void fb_device_refuse(struct fb_device *d, const struct hl_error *e)
{
    struct backend vkbd = d->vfb.b;

    backend_complain(&d->vfb.b, e);
    backend_set_state(&d->vfb.b, XenbusStateClosed);
    /* Nobody else would say so of the keyboard, for which somebody waits, too. */
    vkbd.path = d->vkbd_path;
    backend_set_state(&vkbd, XenbusStateClosed);
}

void fb_device_close(struct fb_device *d)
{
    close_end(d, &d->vkbd);
    close_end(d, &d->vfb);
    vnc_close(d->vnc);
    if (d->hv != NULL)
        hv_close(d->hv);
}

/* ---- serving ------------------------------------------------------------------------------ */

int fb_device_poll(struct fb_device *d, struct pollfd *fds)
{
    const struct fb_end *ends[] = {&d->vfb, &d->vkbd};
    int n = 0;

    for (int i = 0; i < 2; i++) {
        if (!ends[i]->there)
            continue;
        fds[n++] = (struct pollfd){hs_fd(ends[i]->b.xs), POLLIN, 0};
        fds[n++] = (struct pollfd){evtchn_fd(ends[i]->b.ev), POLLIN, 0};
    }
    return d->vnc == NULL ? n : n + vnc_poll(d->vnc, fds + n);
}

static void take_events(struct fb_end *end)
{
    int port;

    while (end->there && (port = evtchn_pending(end->b.ev)) >= 0)
        evtchn_unmask(end->b.ev, (uint32_t)port);
}

/* False: the screen is gone. */
static bool look_at_store(struct fb_device *d)
{
    struct hl_error *e = hl_error_new();
    bool alive = true;

    if (d->vkbd.there && backend_events(&d->vkbd.b) && !follow(d, &d->vkbd, e))
        close_end(d, &d->vkbd);
    if (backend_events(&d->vfb.b)) {
        alive = follow(d, &d->vfb, e);
        /* They go together; the keyboard's own event may be on its way yet. */
        if (alive)
            look_for_vkbd(d, e);
        else if (d->vkbd.there)
            follow(d, &d->vkbd, e);
    }
    hl_error_free(e);
    return alive;
}

/* What the guest drew, to the viewers. */
static void show(struct fb_device *d)
{
    struct fb_rect part;

    if (screen_work(&d->screen, &d->vfb.b) < 0) {
        broken(d, &d->vfb);
        return;
    }
    if (d->vnc == NULL || d->screen.picture == NULL)
        return;
    if (d->screen.resized) {
        vnc_show(d->vnc, d->screen.picture, d->screen.form.width, d->screen.form.height);
        d->screen.resized = false;
    }
    /* While nobody looks, nothing is copied. */
    if (!vnc_has_viewers(d->vnc))
        return;
    part = screen_copy(&d->screen);
    if (part.width != 0)
        vnc_changed(d->vnc, part);
}

static void hand_input_on(struct fb_device *d)
{
    int n = input_flush(&d->input);

    if (n < 0)
        broken(d, &d->vkbd);
    else if (n > 0)
        evtchn_notify(d->vkbd.b.ev, (uint32_t)d->input_port);
}

bool fb_device_work(struct fb_device *d, bool *soon)
{
    *soon = false;
    take_events(&d->vfb);
    take_events(&d->vkbd);
    if (!look_at_store(d))
        return false;
    show(d);
    if (d->vnc != NULL)
        *soon = vnc_work(d->vnc);
    hand_input_on(d);
    return true;
}
