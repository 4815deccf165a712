/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes that go to the daemon together. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/client/client.h"

struct hs_batch {
    struct hs *h;
    hs_tx_t tx;
    char *data; /* messages, one behind the other; their numbers are set when they are sent */
    size_t len, size;
    unsigned int count;
};

struct hs_batch *hs_batch_new(struct hs *h, hs_tx_t tx)
{
    struct hs_batch *b = calloc(1, sizeof(*b));

    if (b) {
        b->h = h;
        b->tx = tx;
    }
    return b;
}

void hs_batch_free(struct hs_batch *b)
{
    if (b) {
        free(b->data);
        free(b);
    }
}

static int make_room(struct hs_batch *b, size_t more)
{
    size_t size = b->size ? b->size : 4096;
    char *data;

    while (size - b->len < more) {
        size *= 2;
    }
    if (size == b->size) {
        return 0;
    }
    data = realloc(b->data, size);
    if (!data) {
        return -1;
    }
    b->data = data;
    b->size = size;
    return 0;
}

/* `path` and its NUL, and what follows it. */
static int add(struct hs_batch *b, uint32_t type, const char *path, const void *data, size_t len)
{
    size_t plen = strlen(path) + 1;
    struct xsd_sockmsg hdr = {.type = type};
    char *to;

    if (plen > XENSTORE_PAYLOAD_MAX || len > XENSTORE_PAYLOAD_MAX - plen) {
        errno = E2BIG;
        return -1;
    }
    hdr.len = (uint32_t)(plen + len);
    if (make_room(b, sizeof(hdr) + hdr.len)) {
        return -1;
    }
    to = b->data + b->len;
    memcpy(to, &hdr, sizeof(hdr));
    memcpy(to + sizeof(hdr), path, plen);
    if (len) {
        memcpy(to + sizeof(hdr) + plen, data, len);
    }
    b->len += sizeof(hdr) + hdr.len;
    b->count++;
    return 0;
}

int hs_batch_write(struct hs_batch *b, const char *path, const void *data, size_t len)
{
    return add(b, XS_WRITE, path, data, len);
}

int hs_batch_mkdir(struct hs_batch *b, const char *path)
{
    return add(b, XS_MKDIR, path, NULL, 0);
}

int hs_batch_set_perms(struct hs_batch *b, const char *path, const struct hs_perm *perms,
                       unsigned int n)
{
    char text[XENSTORE_PAYLOAD_MAX];
    size_t len;

    return hs_perms_format(perms, n, text, &len) ? -1 : add(b, XS_SET_PERMS, path, text, len);
}

/* ---- running ------------------------------------------------------------------------------ */

static size_t header_at(const struct hs_batch *b, size_t at, struct xsd_sockmsg *hdr)
{
    memcpy(hdr, b->data + at, sizeof(*hdr));
    return at + sizeof(*hdr) + hdr->len;
}

/* The path of the request with that number. */
static const char *path_of(const struct hs_batch *b, unsigned int index)
{
    struct xsd_sockmsg hdr;
    size_t at = 0;

    while (index--) {
        at = header_at(b, at, &hdr);
    }
    return b->data + at + sizeof(hdr);
}

static void number(struct hs_batch *b, uint32_t tx)
{
    struct xsd_sockmsg hdr;
    size_t at = 0, next;

    for (; at < b->len; at = next) {
        next = header_at(b, at, &hdr);
        hdr.tx_id = tx;
        hdr.req_id = ++b->h->last_id;
        memcpy(b->data + at, &hdr, sizeof(hdr));
    }
}

/*
 * Sends all and takes all answers, meanwhile too: a daemon whose answers nobody reads reads no requests.
 * -1 when the connection is gone; else *err is the error of request *failed, the first that had one, or 0.
 */
static int exchange_all(struct hs_batch *b, unsigned int *failed, int *err)
{
    struct hs *h = b->h;
    uint32_t first = h->last_id - b->count + 1;
    unsigned int answered = 0;
    size_t sent = 0;

    *err = 0;
    while (answered < b->count) {
        size_t left = b->len - sent, len;
        ssize_t n = left ? hs_send_some(h, b->data + sent, left) : 0;
        int got, error;
        char *reply;

        if (n < 0) {
            return -1;
        }
        sent += (size_t)n;
        got = hs_receive(h, sent == b->len, &reply, &len, &error);
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            hs_poll(h, POLLIN | POLLOUT, -1);
            continue;
        }
        free(reply);
        if (h->hdr.req_id != first + answered) {
            continue; /* the answer to a request that was given up */
        }
        if (error && !*err) {
            *err = error;
            *failed = answered;
        }
        answered++;
    }
    hs_take_rest(h);
    return 0;
}

/* Linux's device takes one message at a time. */
static int run_singly(struct hs_batch *b, unsigned int *failed)
{
    unsigned int i = 0;
    size_t at = 0;

    for (; at < b->len; i++) {
        struct xsd_sockmsg hdr;
        size_t next = header_at(b, at, &hdr);
        const struct hs_part part = {b->data + at + sizeof(hdr), hdr.len};

        if (hs_tell(b->h, hdr.type, b->tx, &part, 1)) {
            *failed = i;
            return errno;
        }
        at = next;
    }
    return 0;
}

/* 0, or the errno of request *failed. */
static int run_all(struct hs_batch *b, unsigned int *failed)
{
    uint32_t wire;
    int err;

    *failed = 0;
    if (!hs_wire_txn(b->h, b->tx, &wire, &err)) {
        return err;
    }
    if (!b->h->is_socket) {
        return run_singly(b, failed);
    }
    number(b, wire);
    if (b->h->fd >= 0 && exchange_all(b, failed, &err) == 0) {
        return err;
    }
    /* The transaction went with the connection; the next request makes a new one. */
    hs_disconnect(b->h);
    *failed = 0;
    return EAGAIN;
}

int hs_batch_run(struct hs_batch *b, const char **path)
{
    unsigned int failed;
    int err;

    if (b->tx == HS_TX_NONE) {
        errno = EINVAL;
        return -1;
    }
    if (b->count == 0) {
        return 0;
    }
    err = run_all(b, &failed);
    if (err && path) {
        *path = path_of(b, failed);
    }
    b->len = 0;
    b->count = 0;
    errno = err;
    return err ? -1 : 0;
}
