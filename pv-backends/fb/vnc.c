/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See vnc.h. We listen and accept; libvncserver speaks with who came. It never sees the guest's memory, only our picture
 * of it.
 */
#include "pv-backends/fb/vnc.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rfb/rfb.h>
#include <rfb/rfbregion.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/fb/input.h"
#include "pv-backends/fb/keys.h"

#define FIRST_PORT   5900
#define MAX_DISPLAYS 100

/* How long a viewer may keep all others waiting, by not reading or by half a message. */
#define PATIENCE_MS  1000

#define BLACK_WIDTH  640
#define BLACK_HEIGHT 480

struct vnc {
    rfbScreenInfoPtr screen;
    struct input *input;
    int listener, port, viewers;
    char *passwords[2]; /* ends with NULL */
    uint32_t *black;    /* while there is no picture */
};

/* ---- listening ---------------------------------------------------------------------------- */

static int listen_at(const struct addrinfo *a, int port)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_storage addr = {0};

    if (fd < 0)
        return -errno;
    memcpy(&addr, a->ai_addr, a->ai_addrlen);
    if (a->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)&addr)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)&addr)->sin_port = htons((uint16_t)port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&addr, a->ai_addrlen) < 0 || listen(fd, 8) < 0) {
        int rc = -errno;

        close(fd);
        return rc;
    }
    return fd;
}

/* A descriptor, or a negative errno. */
static int find_port(const struct vnc_config *c, const struct addrinfo *a, int *port)
{
    int fd = -EADDRINUSE, count = c->unused ? MAX_DISPLAYS : 1;

    *port = c->earlier;
    if (c->earlier > 0)
        fd = listen_at(a, c->earlier);
    for (int i = 0; fd == -EADDRINUSE && i < count; i++) {
        *port = FIRST_PORT + c->display + i;
        fd = listen_at(a, *port);
    }
    return fd;
}

static int start_listening(struct vnc *v, const struct vnc_config *c, struct hl_error *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    int rc = getaddrinfo(c->listen, NULL, &hints, &list);

    if (rc != 0)
        return hl_fail(e, EINVAL, "listen for viewers", c->listen, "%s", gai_strerror(rc));
    rc = find_port(c, list, &v->port);
    freeaddrinfo(list);
    v->listener = rc;
    if (rc >= 0)
        return 0;
    hl_fail(e, -rc, "listen for viewers", c->listen, "display %d (port %d): %s", c->display,
            FIRST_PORT + c->display, strerror(-rc));
    if (rc == -EADDRINUSE)
        hl_error_advise(e, "choose another vncdisplay, or vncunused=1");
    return rc;
}

/* ---- what viewers do ---------------------------------------------------------------------- */

static struct vnc *of_client(rfbClientPtr client)
{
    return client->screen->screenData;
}

static void on_key(rfbBool down, rfbKeySym symbol, rfbClientPtr client)
{
    input_key(of_client(client)->input, key_from_symbol(symbol), down);
}

static void on_pointer(int buttons, int x, int y, rfbClientPtr client)
{
    const rfbScreenInfo *s = client->screen;

    x = x < 0 ? 0 : x >= s->width ? s->width - 1 : x;
    y = y < 0 ? 0 : y >= s->height ? s->height - 1 : y;
    input_pointer(of_client(client)->input, x, y, (uint32_t)buttons & 31);
}

static void on_gone(rfbClientPtr client)
{
    struct vnc *v = of_client(client);

    if (--v->viewers == 0)
        input_release_all(v->input);
}

static void no_log(const char *format, ...)
{
    (void)format;
}

/* ---- opening ------------------------------------------------------------------------------ */

static rfbScreenInfoPtr make_screen(struct vnc *v)
{
    rfbScreenInfoPtr s =
        rfbGetScreen(NULL, NULL, BLACK_WIDTH, BLACK_HEIGHT, 8, 3, sizeof(*v->black));

    if (s == NULL)
        return NULL;
    s->screenData = v;
    s->desktopName = "Hospes";
    s->frameBuffer = (char *)v->black;
    /* Nothing of the library's own sockets: we listen. */
    s->port = s->ipv6port = 0;
    s->autoPort = FALSE;
    s->alwaysShared = TRUE;
    s->permitFileTransfer = FALSE;
    s->deferPtrUpdateTime = 0;
    s->kbdAddEvent = on_key;
    s->ptrAddEvent = on_pointer;
    rfbSetCursor(s, NULL);
    if (v->passwords[0][0] != '\0') {
        s->authPasswdData = v->passwords;
        s->passwordCheck = rfbCheckPasswordByList;
    }
    rfbInitServer(s);
    return s;
}

struct vnc *vnc_open(const struct vnc_config *c, struct input *in, struct hl_error *e)
{
    struct vnc *v = calloc(1, sizeof(*v));

    if (v == NULL) {
        hl_fail(e, ENOMEM, "listen for viewers", NULL, NULL);
        return NULL;
    }
    rfbLog = rfbErr = no_log;
    rfbMaxClientWait = PATIENCE_MS;
    v->listener = -1;
    v->input = in;
    v->passwords[0] = strdup(c->password);
    v->black = calloc(BLACK_WIDTH * BLACK_HEIGHT, sizeof(*v->black));
    if (v->black != NULL && v->passwords[0] != NULL)
        v->screen = make_screen(v);
    if (v->screen == NULL)
        hl_fail(e, ENOMEM, "listen for viewers", NULL, NULL);
    else if (start_listening(v, c, e) == 0)
        return v;
    vnc_close(v);
    return NULL;
}

void vnc_close(struct vnc *v)
{
    if (v == NULL)
        return;
    if (v->screen != NULL) {
        rfbShutdownServer(v->screen, TRUE);
        rfbScreenCleanup(v->screen);
    }
    if (v->listener >= 0)
        close(v->listener);
    free(v->passwords[0]);
    free(v->black);
    free(v);
}

int vnc_port(const struct vnc *v)
{
    return v->port;
}

bool vnc_has_viewers(const struct vnc *v)
{
    return v->viewers > 0;
}

/* ---- pictures ----------------------------------------------------------------------------- */

void vnc_show(struct vnc *v, uint32_t *picture, uint32_t width, uint32_t height)
{
    if (picture == NULL)
        rfbNewFramebuffer(v->screen, (char *)v->black, BLACK_WIDTH, BLACK_HEIGHT, 8, 3, 4);
    else
        rfbNewFramebuffer(v->screen, (char *)picture, (int)width, (int)height, 8, 3, 4);
}

void vnc_changed(struct vnc *v, struct fb_rect part)
{
    rfbMarkRectAsModified(v->screen, (int)part.x, (int)part.y, (int)(part.x + part.width),
                          (int)(part.y + part.height));
}

/* ---- serving ------------------------------------------------------------------------------ */

static void accept_viewer(struct vnc *v)
{
    int fd = accept4(v->listener, NULL, NULL, SOCK_CLOEXEC);
    rfbClientPtr client;

    if (fd < 0)
        return;
    if (v->viewers >= VNC_MAX_VIEWERS) {
        close(fd);
        return;
    }
    client = rfbNewClient(v->screen, fd);
    if (client == NULL)
        return;
    v->viewers++;
    client->clientGoneHook = on_gone;
}

int vnc_poll(struct vnc *v, struct pollfd *fds)
{
    rfbClientIteratorPtr all = rfbGetClientIterator(v->screen);
    rfbClientPtr client;
    int n = 0;

    fds[n++] = (struct pollfd){v->listener, POLLIN, 0};
    while ((client = rfbClientIteratorNext(all)) != NULL)
        if (client->sock >= 0 && n <= VNC_MAX_VIEWERS)
            fds[n++] = (struct pollfd){client->sock, POLLIN, 0};
    rfbReleaseClientIterator(all);
    return n;
}

bool vnc_work(struct vnc *v)
{
    rfbClientIteratorPtr all;
    rfbClientPtr client;
    bool pending = false;

    accept_viewer(v);
    rfbProcessEvents(v->screen, 0);
    all = rfbGetClientIterator(v->screen);
    while ((client = rfbClientIteratorNext(all)) != NULL)
        pending |= client->sock < 0 || (client->state == RFB_NORMAL && FB_UPDATE_PENDING(client) &&
                                        !sraRgnEmpty(client->requestedRegion));
    rfbReleaseClientIterator(all);
    return pending;
}
