/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A console by a Unix socket: one program at a time speaks with the guest, the next goes on where it
 * stopped. What the guest says meanwhile is kept as far as the history goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dom0-toolstack/hospesd/console_private.h"
#include "dom0-toolstack/lib/error.h"

static void peer_gone(struct console *c)
{
    int fd = c->socket.peer.fd;

    loop_remove(&c->d->loop, &c->socket.peer);
    close(fd);
    c->socket.peer.fd = -1;
    loop_want(&c->d->loop, &c->socket.listener, EPOLLIN);
}

/* The rest of what a peer wrote before it left; then the next one may come. */
static void read_parked(struct console *c)
{
    while (c->socket.parked >= 0 && (console_wanted(c, false) & EPOLLIN)) {
        if (console_read(c, c->socket.parked))
            continue;
        close(c->socket.parked);
        c->socket.parked = -1;
        loop_want(&c->d->loop, &c->socket.listener, EPOLLIN);
    }
}

void socket_pump(struct console *c)
{
    enum pumped result;

    read_parked(c);
    if (c->socket.peer.fd < 0)
        return;
    result = console_pump(c, c->socket.peer.fd, &c->socket.pos);
    if (result == PUMPED_GONE)
        peer_gone(c);
    else
        loop_want(&c->d->loop, &c->socket.peer, console_wanted(c, result == PUMPED_SOME));
}

static void peer_ready(void *opaque, uint32_t events)
{
    struct console *c = opaque;

    if ((events & (EPOLLHUP | EPOLLERR)) && !(console_wanted(c, false) & EPOLLIN)) {
        /* It would be reported for ever, until the guest reads. */
        c->socket.parked = c->socket.peer.fd;
        loop_remove(&c->d->loop, &c->socket.peer);
    } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !console_read(c, c->socket.peer.fd))
        peer_gone(c);
    else
        socket_pump(c);
}

static void listener_ready(void *opaque, uint32_t events)
{
    struct console *c = opaque;
    int fd = accept4(c->socket.listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)events;
    if (fd < 0)
        return;
    if (loop_add(&c->d->loop, &c->socket.peer, fd, EPOLLIN, peer_ready, c) < 0) {
        c->socket.peer.fd = -1;
        close(fd);
        return;
    }
    loop_want(&c->d->loop, &c->socket.listener, 0);
    socket_pump(c);
}

/* What an earlier daemon left goes; what somebody else uses stays. */
static int make_way(const struct sockaddr_un *addr)
{
    struct stat st;
    int fd, rc;

    if (lstat(addr->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? 0 : -errno;
    close(fd);
    if (rc != -ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(addr->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int listen_at(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    int rc = fd < 0 || bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? -errno : 0;

    umask(mask);
    if (rc == 0 && listen(fd, 8) < 0)
        rc = -errno;
    if (rc == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return rc;
}

int console_open_socket(struct console *c, const char *path, struct hl_error *e)
{
    static const char step[] = "make the channel's socket";
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd, rc;

    if (strlen(path) >= sizeof(addr.sun_path))
        return hl_fail(e, ENAMETOOLONG, step, path, NULL);
    strcpy(addr.sun_path, path);
    rc = make_way(&addr);
    fd = rc == 0 ? listen_at(&addr) : rc;
    if (fd < 0)
        return hl_fail(e, -fd, step, path, NULL);
    c->socket.path = strdup(path);
    rc = c->socket.path ? loop_add(&c->d->loop, &c->socket.listener, fd, EPOLLIN, listener_ready, c)
                        : -ENOMEM;
    if (rc == 0)
        return 0;
    unlink(path);
    close(fd);
    free(c->socket.path);
    c->socket.path = NULL;
    c->socket.listener.fd = -1;
    return hl_fail(e, -rc, step, path, NULL);
}

void socket_close(struct console *c)
{
    int fd = c->socket.listener.fd;

    if (!c->socket.path)
        return;
    socket_pump(c);
    if (c->socket.peer.fd >= 0)
        peer_gone(c);
    if (c->socket.parked >= 0)
        close(c->socket.parked);
    c->socket.parked = -1;
    loop_remove(&c->d->loop, &c->socket.listener);
    close(fd);
    c->socket.listener.fd = -1;
    unlink(c->socket.path);
    free(c->socket.path);
    c->socket.path = NULL;
}
