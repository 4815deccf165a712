/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The people's side of a console: connections of `hl console`, and a pty for other programs. */
#include "dom0-toolstack/hospesd/console_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

/* ---- reading what is typed ------------------------------------------------------------------ */

uint32_t console_wanted(const struct console *c, bool more_output)
{
    /* No more is read than the guest takes: the typist waits, nothing is lost. */
    bool room = c->ended || c->input_len < sizeof(c->input);

    return (room ? (uint32_t)EPOLLIN : 0) | (more_output ? (uint32_t)EPOLLOUT : 0);
}

/* Answers false when the other side is gone. */
bool console_read(struct console *c, int fd)
{
    char buf[sizeof(c->input)];
    size_t room = c->ended ? sizeof(buf) : sizeof(c->input) - c->input_len;
    ssize_t n;

    if (!room)
        return true;
    n = read(fd, buf, room);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    if (n == 0)
        return false;
    if (c->page || c->waiting)
        console_input(c, buf, (size_t)n);
    return true;
}

/* ---- writing -------------------------------------------------------------------------------- */

enum pumped console_pump(struct console *c, int fd, uint64_t *pos)
{
    const char *data;
    size_t n;

    while ((n = history_peek(&c->history, pos, &data)) > 0) {
        ssize_t done = write(fd, data, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno == EAGAIN ? PUMPED_SOME : PUMPED_GONE;
        *pos += (uint64_t)done;
    }
    return PUMPED_ALL;
}

static void unlink_viewer(struct viewer *v)
{
    struct viewer **p = &v->c->viewers;

    while (*p != v)
        p = &(*p)->next;
    *p = v->next;
}

static void drop_viewer(struct viewer *v)
{
    int fd = v->source.fd;

    unlink_viewer(v);
    loop_remove(&v->c->d->loop, &v->source);
    close(fd);
    free(v);
}

static struct console *successor(const struct console *old)
{
    for (struct console *c = old->d->consoles; c; c = c->next) {
        if (!c->ended && c->number == old->number &&
            memcmp(c->uuid, old->uuid, sizeof(c->uuid)) == 0)
            return c;
    }
    return NULL;
}

static void move_viewer(struct viewer *v, struct console *to)
{
    unlink_viewer(v);
    v->c = to;
    v->pos = 0;
    v->next = to->viewers;
    to->viewers = v;
}

/* Serves one; it may be gone afterwards. */
static void pump_viewer(struct viewer *v)
{
    struct console *c = v->c;
    enum pumped result = console_pump(c, v->source.fd, &v->pos);

    if (result == PUMPED_GONE) {
        drop_viewer(v);
    } else if (result == PUMPED_SOME) {
        loop_want(&c->d->loop, &v->source, console_wanted(c, true));
    } else if (c->ended) {
        struct console *next = v->follow && c->restarting ? successor(c) : NULL;

        if (next) {
            move_viewer(v, next);
            pump_viewer(v);
        } else if (!v->follow || !c->restarting) {
            drop_viewer(v);
        } else {
            loop_want(&c->d->loop, &v->source, EPOLLIN); /* waits for the restart */
        }
    } else {
        loop_want(&c->d->loop, &v->source, console_wanted(c, false));
    }
}

static void viewer_ready(void *opaque, uint32_t events)
{
    struct viewer *v = opaque;
    struct console *c = v->c;

    /* Who is gone while the guest does not read would be reported for ever. */
    if (((events & (EPOLLHUP | EPOLLERR)) && !(console_wanted(c, false) & EPOLLIN)) ||
        ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !console_read(c, v->source.fd)))
        drop_viewer(v);
    else
        pump_viewer(v);
    console_free_if_idle(c);
}

static void pty_ready(void *opaque, uint32_t events)
{
    struct console *c = opaque;

    if (events & EPOLLIN)
        console_read(c, c->pty.fd);
    viewers_pump(c);
}

void viewers_pump(struct console *c)
{
    struct viewer *next;

    if (c->pty.fd >= 0)
        loop_want(&c->d->loop, &c->pty,
                  console_wanted(c, console_pump(c, c->pty.fd, &c->pty_pos) == PUMPED_SOME));
    socket_pump(c);
    for (struct viewer *v = c->viewers; v; v = next) {
        next = v->next;
        pump_viewer(v);
    }
}

int console_attach(struct console *c, int fd, bool follow, bool again)
{
    struct viewer *v = calloc(1, sizeof(*v));
    int rc;

    if (!v)
        return -ENOMEM;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    rc = loop_add(&c->d->loop, &v->source, fd, EPOLLIN, viewer_ready, v);
    if (rc < 0) {
        free(v);
        return rc;
    }
    v->c = c;
    v->follow = follow;
    v->pos = again ? c->old_output : history_start(&c->history);
    v->next = c->viewers;
    c->viewers = v;
    pump_viewer(v);
    return 0;
}

void viewers_adopt(struct console *c)
{
    struct console *next;

    for (struct console *old = c->d->consoles; old; old = next) {
        next = old->next;
        if (old == c || !old->ended || old->number != c->number ||
            memcmp(old->uuid, c->uuid, sizeof(c->uuid)) != 0)
            continue;
        viewers_pump(old);
        console_free_if_idle(old);
    }
}

void console_drop_waiting(struct daemon *d, const uint8_t uuid[16])
{
    struct console *next;

    for (struct console *c = d->consoles; c; c = next) {
        next = c->next;
        if (!c->ended || memcmp(c->uuid, uuid, sizeof(c->uuid)) != 0)
            continue;
        c->restarting = false;
        viewers_pump(c);
        console_free_if_idle(c);
    }
}

void viewers_close_all(struct console *c)
{
    viewers_pump(c);
    while (c->viewers)
        drop_viewer(c->viewers);
}

unsigned int console_viewers(const struct console *c)
{
    unsigned int n = 0;

    for (const struct viewer *v = c->viewers; v; v = v->next)
        n++;
    return n;
}

/* ---- the pty, for other programs --------------------------------------------------------------- */

const char *console_open_pty(struct console *c)
{
    struct termios modes;
    int master, rc;

    if (openpty(&master, &c->pty_slave, NULL, NULL, NULL) < 0) {
        say("no pty for the console of %s: %s", c->name, strerror(errno));
        c->pty_slave = -1;
        return "";
    }
    if (tcgetattr(c->pty_slave, &modes) == 0) {
        cfmakeraw(&modes);
        tcsetattr(c->pty_slave, TCSANOW, &modes);
    }
    fcntl(master, F_SETFD, FD_CLOEXEC);
    fcntl(c->pty_slave, F_SETFD, FD_CLOEXEC);
    fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK);
    rc = ttyname_r(c->pty_slave, c->tty, sizeof(c->tty));
    if (rc == 0)
        rc = -loop_add(&c->d->loop, &c->pty, master, EPOLLIN, pty_ready, c);
    if (rc != 0) {
        say("no pty for the console of %s: %s", c->name, strerror(rc));
        close(master);
        close(c->pty_slave);
        c->pty_slave = -1;
        return "";
    }
    return c->tty;
}

void pty_close(struct console *c)
{
    int master = c->pty.fd;

    if (master < 0)
        return;
    loop_remove(&c->d->loop, &c->pty);
    close(master);
    close(c->pty_slave);
    c->pty_slave = -1;
}
