/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of the client library: opening, one request and its answer, reconnecting. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "xenstore/client/client.h"

#define RECONNECT_MS 10000
#define RETRY_MS     50

/* ---- opening ------------------------------------------------------------------------------ */

static void socket_path(unsigned int flags, char *out, size_t size)
{
    const char *dir = getenv("XENSTORED_RUNDIR"), *path = getenv("XENSTORED_PATH");
    const char *suffix = flags & HS_READONLY ? "_ro" : "";

    if (path) {
        snprintf(out, size, "%s%s", path, suffix);
    } else {
        snprintf(out, size, "%s/socket%s", dir ? dir : "/run/xenstored", suffix);
    }
}

static int connect_socket(unsigned int flags)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char path[sizeof(sa.sun_path) + 1];
    int fd, saved;

    socket_path(flags, path, sizeof(path));
    if (strlen(path) >= sizeof(sa.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(sa.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
        saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static bool in_domain_0(void)
{
    char text[64];
    int fd = open("/proc/xen/capabilities", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0) {
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, "control_d") != NULL;
}

/* Asks for what every daemon knows, and throws the answer away. */
static bool somebody_answers(int fd)
{
    struct {
        struct xsd_sockmsg head;
        char domid[2];
    } ask = {.head = {.type = XS_GET_DOMAIN_PATH, .len = 2}, .domid = "0"};
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t len = sizeof(ask.head) + sizeof(ask.domid), got = 0, want;
    union {
        struct xsd_sockmsg head;
        char bytes[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
    } reply;

    if (write(fd, &ask, len) != (ssize_t)len) {
        return false;
    }
    do {
        ssize_t n = poll(&p, 1, RECONNECT_MS) > 0
                        ? read(fd, reply.bytes + got, sizeof(reply.bytes) - got)
                        : 0;

        if (n <= 0) {
            return false;
        }
        got += (size_t)n;
        want = got < sizeof(reply.head) ? sizeof(reply.head) : sizeof(reply.head) + reply.head.len;
    } while (got < want && want <= sizeof(reply.bytes));
    return got == want;
}

/*
 * The kernel's way to the daemon. In Domain 0 it is one only where the daemon runs in another domain; where it does not run
 * at all, what is asked there would wait for it for ever.
 */
static int open_device(void)
{
    int fd = open("/dev/xen/xenbus", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        fd = open("/proc/xen/xenbus", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    if (fd >= 0 && in_domain_0() && !somebody_answers(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void pause_ms(long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&ts, NULL);
}

/* A socket that refuses is one of a daemon that just died: somebody is likely to start it again. If nobody does, there is no
 * other one behind the kernel's device. */
static int open_any(struct hs *h, bool wait)
{
    int left = RECONNECT_MS / RETRY_MS, saved;

    for (;;) {
        h->fd = connect_socket(h->flags);
        h->is_socket = true;
        if (h->fd >= 0) {
            return 0;
        }
        saved = errno;
        if ((wait ? saved == EACCES : saved != ECONNREFUSED) || left-- == 0) {
            break;
        }
        pause_ms(RETRY_MS);
    }
    if (!(h->flags & (HS_SOCKET | HS_READONLY)) && !wait && saved != ECONNREFUSED) {
        h->fd = open_device();
        h->is_socket = false;
        if (h->fd >= 0) {
            return 0;
        }
    }
    errno = saved;
    return -1;
}

int hs_connect(struct hs *h, bool wait)
{
    struct epoll_event ev = {.events = EPOLLIN};

    if (open_any(h, wait)) {
        return -1;
    }
    if (epoll_ctl(h->poll_fd, EPOLL_CTL_ADD, h->fd, &ev)) {
        close(h->fd);
        h->fd = -1;
        return -1;
    }
    h->generation++;
    return 0;
}

void hs_disconnect(struct hs *h)
{
    if (h->fd >= 0) {
        close(h->fd); /* leaves the epoll set by itself */
    }
    h->fd = -1;
    free(h->body);
    h->body = NULL;
    h->got = h->in_at = h->in_end = 0;
}

struct hs *hs_open(unsigned int flags)
{
    struct epoll_event ev = {.events = EPOLLIN};
    struct hs *h = calloc(1, sizeof(*h));
    int saved;

    if (!h) {
        return NULL;
    }
    h->fd = -1;
    h->flags = flags;
    h->last_event = &h->events;
    h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    h->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (h->wake_fd < 0 || h->poll_fd < 0 || epoll_ctl(h->poll_fd, EPOLL_CTL_ADD, h->wake_fd, &ev) ||
        hs_connect(h, flags & HS_WAIT)) {
        saved = errno;
        hs_close(h);
        errno = saved;
        return NULL;
    }
    return h;
}

void hs_close(struct hs *h)
{
    if (!h) {
        return;
    }
    hs_disconnect(h);
    while (h->events) {
        struct hs_pending *next = h->events->next;

        free(h->events);
        h->events = next;
    }
    while (h->watches) {
        struct hs_set_watch *next = h->watches->next;

        free(h->watches);
        h->watches = next;
    }
    if (h->wake_fd >= 0) {
        close(h->wake_fd);
    }
    if (h->poll_fd >= 0) {
        close(h->poll_fd);
    }
    free(h->txns);
    free(h);
}

/* ---- bytes -------------------------------------------------------------------------------- */

int hs_poll(struct hs *h, short events, int timeout_ms)
{
    struct pollfd p = {.fd = h->fd, .events = events};
    int n;

    do {
        n = poll(&p, 1, timeout_ms);
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

ssize_t hs_send_some(struct hs *h, const void *data, size_t len)
{
    ssize_t n;

    do {
        n = h->is_socket ? send(h->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT)
                         : write(h->fd, data, len);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        return 0;
    }
    return n > 0 ? n : -1;
}

static int send_bytes(struct hs *h, const void *data, size_t len)
{
    const char *p = data;

    while (len) {
        ssize_t n = hs_send_some(h, p, len);

        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            hs_poll(h, POLLOUT, -1);
        }
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

/* The socket itself waits; the device never does, since Linux's poll() needs it so. */
static ssize_t read_bytes(struct hs *h, bool wait, void *data, size_t len)
{
    for (;;) {
        ssize_t n =
            h->is_socket ? recv(h->fd, data, len, wait ? 0 : MSG_DONTWAIT) : read(h->fd, data, len);

        if (n > 0) {
            return n;
        }
        if (n == 0) {
            errno = EPIPE;
            return -1;
        }
        if (errno == EAGAIN && !wait) {
            return 0;
        }
        if (errno == EAGAIN) {
            hs_poll(h, POLLIN, -1);
        } else if (errno != EINTR) {
            return -1;
        }
    }
}

/* Takes up to len bytes: how many, 0 if none are there now, -1 if the connection is gone. */
static ssize_t take_bytes(struct hs *h, bool wait, void *data, size_t len)
{
    size_t have = h->in_end - h->in_at;

    if (!have && len >= sizeof(h->in)) {
        return read_bytes(h, wait, data, len);
    }
    if (!have) {
        ssize_t n = read_bytes(h, wait, h->in, sizeof(h->in));

        if (n <= 0) {
            return n;
        }
        h->in_at = 0;
        h->in_end = have = (size_t)n;
    }
    if (len > have) {
        len = have;
    }
    memcpy(data, h->in + h->in_at, len);
    h->in_at += len;
    return (ssize_t)len;
}

/* ---- messages ----------------------------------------------------------------------------- */

static int queue_event(struct hs *h)
{
    size_t len = h->hdr.len, plen = strnlen(h->body, len);
    struct hs_pending *e;
    char *text;
    uint64_t one = 1;

    if (plen + 1 >= len) {
        return 0; /* not two strings: nothing that a caller could use */
    }
    e = malloc(sizeof(*e) + len + 1);
    if (!e) {
        return -1;
    }
    text = (char *)(e + 1);
    memcpy(text, h->body, len);
    text[len] = '\0';
    *e = (struct hs_pending){.event = {text, text + plen + 1}};
    /* One is enough for any number of them: it is taken away with the last. */
    if (!h->events && write(h->wake_fd, &one, sizeof(one)) < 0) {
        /* The counter is full: the descriptor is readable anyway. */
    }
    *h->last_event = e;
    h->last_event = &e->next;
    return 0;
}

static int errno_of(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++) {
        if (!strcmp(xsd_errors[i].errstring, name)) {
            return xsd_errors[i].errnum;
        }
    }
    return EINVAL;
}

/* Goes on reading a message: 1 it is whole, 0 not yet, -1 gone. */
static int read_message(struct hs *h, bool wait)
{
    while (h->got < sizeof(h->hdr)) {
        ssize_t n = take_bytes(h, wait, (char *)&h->hdr + h->got, sizeof(h->hdr) - h->got);

        if (n <= 0) {
            return (int)n;
        }
        h->got += (size_t)n;
    }
    if (h->hdr.len > XENSTORE_PAYLOAD_MAX) {
        errno = EPROTO;
        return -1;
    }
    if (!h->body) {
        h->body = malloc(h->hdr.len + 1);
        if (!h->body) {
            return -1;
        }
    }
    while (h->got < sizeof(h->hdr) + h->hdr.len) {
        size_t have = h->got - sizeof(h->hdr);
        ssize_t n = take_bytes(h, wait, h->body + have, h->hdr.len - have);

        if (n <= 0) {
            return (int)n;
        }
        h->got += (size_t)n;
    }
    h->body[h->hdr.len] = '\0';
    return 1;
}

int hs_receive(struct hs *h, bool wait, char **reply, size_t *len, int *err)
{
    int got;

    for (;;) {
        got = read_message(h, wait);
        if (got <= 0) {
            return got;
        }
        h->got = 0;
        if (h->hdr.type != XS_WATCH_EVENT) {
            break;
        }
        got = queue_event(h);
        free(h->body);
        h->body = NULL;
        if (got) {
            return -1;
        }
    }
    *err = 0;
    *reply = h->body;
    *len = h->hdr.len;
    h->body = NULL;
    if (h->hdr.type == XS_ERROR) {
        *err = errno_of(*reply);
        free(*reply);
        *reply = NULL;
    }
    return 1;
}

void hs_take_rest(struct hs *h)
{
    uint64_t one = 1;
    char *reply;
    size_t len;
    int err, got = 1;

    while (got > 0 && h->in_at < h->in_end) {
        got = hs_receive(h, false, &reply, &len, &err);
        if (got > 0) {
            free(reply); /* nobody waits for it */
        }
    }
    if (got < 0) {
        hs_disconnect(h);
        if (write(h->wake_fd, &one, sizeof(one)) < 0) {
            /* The counter is full: whoever waits on hs_fd() wakes up and connects anew. */
        }
    }
}

static int send_request(struct hs *h, uint32_t type, uint32_t tx, const struct hs_part *parts,
                        unsigned int n)
{
    char message[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
    struct xsd_sockmsg hdr = {.type = type, .req_id = ++h->last_id, .tx_id = tx};
    size_t at = sizeof(hdr);
    unsigned int i;

    for (i = 0; i < n; i++) {
        if (parts[i].len > sizeof(message) - at) {
            errno = E2BIG;
            return -1;
        }
        if (parts[i].len) {
            memcpy(message + at, parts[i].data, parts[i].len);
        }
        at += parts[i].len;
    }
    hdr.len = (uint32_t)(at - sizeof(hdr));
    memcpy(message, &hdr, sizeof(hdr));
    return send_bytes(h, message, at);
}

/* One attempt. 0 with an answer or its error, -1 with errno when the connection is gone. */
static int exchange(struct hs *h, uint32_t type, uint32_t tx, const struct hs_part *parts,
                    unsigned int n, char **reply, size_t *len, int *err)
{
    int got;

    if (h->fd < 0) {
        errno = EPIPE;
        return -1;
    }
    if (send_request(h, type, tx, parts, n)) {
        if (errno == E2BIG) {
            *reply = NULL;
            *err = E2BIG;
            return 0;
        }
        return -1;
    }
    for (;;) {
        got = hs_receive(h, true, reply, len, err);
        if (got < 0) {
            return -1;
        }
        if (h->hdr.req_id == h->last_id) {
            hs_take_rest(h);
            return 0;
        }
        free(*reply); /* the answer to a request that was given up */
    }
}

static int set_watches(struct hs *h)
{
    struct hs_set_watch *w;
    size_t len;

    for (w = h->watches; w; w = w->next) {
        const struct hs_part parts[] = {{w->path, strlen(w->path) + 1},
                                        {w->token, strlen(w->token) + 1}};
        char *reply;
        int err;

        if (exchange(h, XS_WATCH, 0, parts, 2, &reply, &len, &err)) {
            return -1;
        }
        free(reply);
    }
    return 0;
}

/* Connects again and sets all watches again. A daemon that is just going may still take a connection
 * and drop it, hence more than one attempt. */
static int reconnect(struct hs *h)
{
    int left = RECONNECT_MS / RETRY_MS;

    if (!h->is_socket || h->flags & HS_NO_RECONNECT) {
        hs_disconnect(h);
        errno = EPIPE;
        return -1;
    }
    do {
        hs_disconnect(h);
        if (hs_connect(h, true)) {
            break;
        }
        if (!set_watches(h)) {
            return 0;
        }
        pause_ms(RETRY_MS);
    } while (left--);
    hs_disconnect(h);
    errno = EPIPE;
    return -1;
}

bool hs_wire_txn(const struct hs *h, hs_tx_t tx, uint32_t *wire, int *err)
{
    *wire = 0;
    if (tx == HS_TX_NONE) {
        return true;
    }
    if (tx > h->ntxns || !h->txns[tx - 1].wire) {
        *err = ENOENT;
        return false;
    }
    *wire = h->txns[tx - 1].wire;
    *err = EAGAIN;
    return h->txns[tx - 1].generation == h->generation;
}

char *hs_talk(struct hs *h, uint32_t type, hs_tx_t tx, const struct hs_part *parts, unsigned int n,
              size_t *len)
{
    char *reply = NULL;
    int err, failed = 0;
    uint32_t wire;
    size_t rlen;

    if (!hs_wire_txn(h, tx, &wire, &err)) {
        errno = err;
        return NULL;
    }
    while (exchange(h, type, wire, parts, n, &reply, &rlen, &err)) {
        int saved = errno;

        /* A daemon that takes connections and drops each: it has no descriptor for us, or does not like what we ask. */
        if (failed++) {
            pause_ms(RETRY_MS);
        }
        if (failed > RECONNECT_MS / RETRY_MS || reconnect(h)) {
            errno = saved;
            return NULL;
        }
        if (tx) {
            errno = EAGAIN;
            return NULL;
        }
    }
    if (!reply) {
        errno = err;
        return NULL;
    }
    if (len) {
        *len = rlen;
    }
    return reply;
}
