/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local sockets: one for everything, one that only reads. Both are for root and count as Domain 0. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "xenstore/daemon.h"
#include "xenstore/request.h"

struct socket_conn {
    struct source source; /* first: the loop hands this back */
    struct peer peer;
    struct socket_conn *prev, *next;
    struct conn *conn;
    int fd;
    uint32_t events; /* what the loop waits for */
    /* Requests that were read and not handled yet, from `at` on; the last one may be there in part. */
    size_t at, end;
    char in[4 * sizeof(struct xsd_sockmsg) + 2 * XENSTORE_PAYLOAD_MAX];
};

/* A tool sends at once what belongs together: so many requests are handled before others have their turn. */
#define SOCKET_TURN  64u
#define SEND_AT_ONCE 64u

static const char *const names[2] = {"socket", "socket_ro"};

static void close_conn(struct daemon *d, struct socket_conn *s)
{
    struct peer **slot = &d->woken;

    while (*slot && *slot != &s->peer) {
        slot = &(*slot)->next_woken;
    }
    if (*slot) {
        *slot = s->peer.next_woken;
    }
    *(s->prev ? &s->prev->next : &d->sockets) = s->next;
    if (s->next) {
        s->next->prev = s->prev;
    }
    loop_remove(d, s->fd);
    close(s->fd);
    conn_free(s->conn);
    free(s);
}

/* The request at the head of what was read: 1 it is whole, 0 not yet, -1 it breaks the rules. */
static int next_request(const struct socket_conn *s, struct xsd_sockmsg *hdr)
{
    size_t have = s->end - s->at;

    if (have < sizeof(*hdr)) {
        return 0;
    }
    memcpy(hdr, s->in + s->at, sizeof(*hdr));
    if (hdr->len > XENSTORE_PAYLOAD_MAX) {
        return -1;
    }
    return have >= sizeof(*hdr) + hdr->len;
}

/* Waits for what can be used: requests only while the answers are read. Of requests that lie here already the socket says
 * nothing: that it takes output is the sign to go on. */
static void update_events(struct daemon *d, struct socket_conn *s)
{
    struct xsd_sockmsg hdr;
    bool more = next_request(s, &hdr) != 0;
    uint32_t events = (conn_may_request(s->conn) && !more ? EPOLLIN : 0u) |
                      (s->conn->out || more ? EPOLLOUT : 0u);

    if (events != s->events) {
        s->events = events;
        loop_change(d, s->fd, events, &s->source);
    }
}

/* Sends what the socket takes; false when it is gone. */
static bool send_output(struct socket_conn *s)
{
    struct iovec parts[SEND_AT_ONCE];
    struct msghdr m = {.msg_iov = parts};

    while ((m.msg_iovlen = conn_out_gather(s->conn, parts, SEND_AT_ONCE))) {
        ssize_t n = sendmsg(s->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        conn_out_done(s->conn, (size_t)n);
    }
    return true;
}

static void flush_conn(struct daemon *d, struct peer *p)
{
    struct socket_conn *s = (struct socket_conn *)((char *)p - offsetof(struct socket_conn, peer));

    if (s->conn->broken || !send_output(s)) {
        close_conn(d, s);
        return;
    }
    update_events(d, s);
}

/* Reads what is there, as far as there is room; false when the client is gone. */
static bool read_input(struct socket_conn *s)
{
    ssize_t n;

    memmove(s->in, s->in + s->at, s->end - s->at);
    s->end -= s->at;
    s->at = 0;
    n = recv(s->fd, s->in + s->end, sizeof(s->in) - s->end, MSG_DONTWAIT);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    s->end += (size_t)n;
    return n > 0;
}

/* A turn of requests; false when the client breaks the rules. */
static bool handle_requests(struct socket_conn *s)
{
    unsigned int turn = SOCKET_TURN;
    struct xsd_sockmsg hdr;
    int got = 0;

    while (turn-- && conn_may_request(s->conn) && (got = next_request(s, &hdr)) > 0) {
        const char *payload = s->in + s->at + sizeof(hdr);

        s->at += sizeof(hdr) + hdr.len;
        request_handle(s->conn, &hdr, payload);
    }
    return got >= 0 && !s->conn->broken;
}

static void conn_ready(struct daemon *d, struct source *source, uint32_t events)
{
    struct socket_conn *s = (struct socket_conn *)source;
    struct xsd_sockmsg hdr;
    bool there = true;

    if (events & EPOLLOUT) {
        there = send_output(s);
    }
    /* Only with less than one request there is room for a whole one. */
    if (there && events & (EPOLLIN | EPOLLHUP | EPOLLERR) && next_request(s, &hdr) == 0) {
        there = read_input(s);
    }
    if (!there || !handle_requests(s) || events & EPOLLERR) {
        close_conn(d, s);
        return;
    }
    /* Who has answers is flushed before the loop waits again. */
    if (!s->peer.woken) {
        update_events(d, s);
    }
}

static void open_spare(struct daemon *d)
{
    if (d->spare_fd < 0) {
        d->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

/* A client that cannot be taken must not wait at the door: it would not hear of it, and we would be called again and again. */
static void refuse_client(struct daemon *d, int listener)
{
    int fd;

    if (d->spare_fd < 0) {
        return;
    }
    close(d->spare_fd);
    d->spare_fd = -1;
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        close(fd);
    }
    open_spare(d);
    if (log_is_due(&d->last_refusal, daemon_now_ms() / 1000)) {
        log_line(d, "a client is refused: all file descriptors are in use (limit LimitNOFILE=)");
    }
}

static void accept_conn(struct daemon *d, struct source *source, uint32_t events)
{
    int which = source == &d->listener[1];
    int fd = accept4(d->listen_fd[which], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct socket_conn *s;

    (void)events;
    if (fd < 0) {
        if (errno == EMFILE) {
            refuse_client(d, d->listen_fd[which]);
        }
        return;
    }
    open_spare(d);
    s = calloc(1, sizeof(*s));
    if (!s) {
        goto no_memory;
    }
    s->conn = conn_new(d->core, 0, NULL);
    if (!s->conn) {
        goto no_memory;
    }
    s->source.ready = conn_ready;
    s->peer.flush = flush_conn;
    s->conn->readonly = which;
    s->conn->transport = &s->peer;
    s->fd = fd;
    s->events = EPOLLIN;
    if (loop_add(d, fd, s->events, &s->source)) {
        conn_free(s->conn);
        goto no_memory;
    }
    s->next = d->sockets;
    if (s->next) {
        s->next->prev = s;
    }
    d->sockets = s;
    return;

no_memory:
    log_line(d, "no memory for another client");
    free(s);
    close(fd);
}

static int listen_at(struct daemon *d, int which)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", d->opt.rundir, names[which]), fd;
    mode_t mask;
    int err;

    if (n < 0 || (size_t)n >= sizeof(sa.sun_path)) {
        return ENAMETOOLONG;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return errno;
    }
    unlink(sa.sun_path);
    mask = umask(0177);
    err = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 128) ? errno : 0;
    umask(mask);
    if (!err) {
        d->listener[which].ready = accept_conn;
        err = loop_add(d, fd, EPOLLIN, &d->listener[which]);
    }
    if (err) {
        close(fd);
        return err;
    }
    d->listen_fd[which] = fd;
    return 0;
}

int sock_start(struct daemon *d)
{
    int err = listen_at(d, 0);

    open_spare(d);
    return err ? err : listen_at(d, 1);
}

void sock_stop(struct daemon *d)
{
    int i;

    while (d->sockets) {
        close_conn(d, d->sockets);
    }
    if (d->spare_fd >= 0) {
        close(d->spare_fd);
        d->spare_fd = -1;
    }
    for (i = 0; i < 2; i++) {
        if (d->listen_fd[i] >= 0) {
            close(d->listen_fd[i]);
            d->listen_fd[i] = -1;
        }
    }
}
