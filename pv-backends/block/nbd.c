/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that another host (or qemu-nbd, nbdkit) serves by NBD: nbd://HOST[:PORT]/NAME, nbd+unix:///NAME?socket=PATH,
 * nbds:// with TLS; libnbd speaks the protocol. A lost connection fails what is on its way, and is made again for the
 * next request, at most once a second.
 */
#include "pv-backends/block/image.h"

#include <errno.h>
#include <libnbd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/block/io.h"

struct nbd {
    struct image *img;
    struct nbd_handle *h; /* NULL: not connected */
    struct io_watch *input, *output;
    time_t tried;
};

/* A request, which may be several commands. */
struct nbd_work {
    struct image_request *r;
    unsigned int pending;
    int rc;
};

static void release(struct nbd_work *w, int rc)
{
    if (rc < 0 && w->rc == 0)
        w->rc = rc;
    if (--w->pending != 0)
        return;
    struct image_request *r = w->r;
    rc = w->rc;
    free(w);
    r->done(r, rc);
}

static int completed(void *opaque, int *error)
{
    release(opaque, *error ? -EIO : 0);
    return 1; /* the command is done with */
}

/* ---- the connection ---- */

static void unwatch(struct nbd *n)
{
    io_unwatch(n->img->io, n->input);
    io_unwatch(n->img->io, n->output);
    n->input = n->output = NULL;
}

static void want_output(struct nbd *n);

static void turn(struct nbd *n, bool output)
{
    unsigned int direction = nbd_aio_get_direction(n->h);
    int rc = 0;

    if (output && direction & LIBNBD_AIO_DIRECTION_WRITE)
        rc = nbd_aio_notify_write(n->h);
    else if (!output && direction & LIBNBD_AIO_DIRECTION_READ)
        rc = nbd_aio_notify_read(n->h);
    (void)rc; /* a dead connection shows below, and its commands have failed by then */
    want_output(n);
}

static void readable(void *opaque)
{
    turn(opaque, false);
}

static void writable(void *opaque)
{
    ((struct nbd *)opaque)->output = NULL;
    turn(opaque, true);
}

static void want_output(struct nbd *n)
{
    if (nbd_aio_is_dead(n->h) || nbd_aio_is_closed(n->h))
        unwatch(n); /* its descriptor would be readable for ever */
    else if (nbd_aio_get_direction(n->h) & LIBNBD_AIO_DIRECTION_WRITE && n->output == NULL)
        n->output = io_watch(n->img->io, nbd_aio_get_fd(n->h), POLLOUT, true, writable, n);
}

static void disconnect(struct nbd *n)
{
    unwatch(n);
    nbd_close(n->h);
    n->h = NULL;
}

static int connect_to(struct nbd *n, const char *target, struct hl_error *e)
{
    n->h = nbd_create();
    n->tried = time(NULL);
    if (n->h == NULL)
        return hl_fail(e, ENOMEM, "connect to the NBD server", target, NULL);
    if (nbd_connect_uri(n->h, target) < 0) {
        int err = nbd_get_errno() ? nbd_get_errno() : EIO;

        hl_fail(e, err, "connect to the NBD server", target, "%s", nbd_get_error());
        nbd_close(n->h);
        n->h = NULL;
        return -err;
    }
    n->input = io_watch(n->img->io, nbd_aio_get_fd(n->h), POLLIN, false, readable, n);
    if (n->input != NULL)
        return 0;
    nbd_close(n->h);
    n->h = NULL;
    return hl_fail(e, ENOMEM, "connect to the NBD server", target, NULL);
}

static bool connected(struct nbd *n)
{
    if (n->h != NULL && (nbd_aio_is_dead(n->h) || nbd_aio_is_closed(n->h)))
        disconnect(n);
    return n->h != NULL || (time(NULL) != n->tried && connect_to(n, n->img->target, NULL) == 0);
}

/* ---- the image ---- */

static int nbd_image_open(struct image *img, const char *target, struct hl_error *e)
{
    struct nbd *n = calloc(1, sizeof(*n));

    if (n == NULL)
        return hl_fail(e, ENOMEM, "open the image", target, NULL);
    n->img = img;
    int rc = connect_to(n, target, e);
    if (rc < 0) {
        free(n);
        return rc;
    }
    img->priv = n;
    int64_t size = nbd_get_size(n->h);
    img->size = size > 0 ? (uint64_t)size / 512 * 512 : 0;
    if (nbd_is_read_only(n->h) == 1)
        img->read_only = true;
    img->discard = !img->read_only && nbd_can_trim(n->h) == 1;
    img->discard_granularity = 4096;
    return 0;
}

static void nbd_image_close(struct image *img)
{
    struct nbd *n = img->priv;

    if (n->h != NULL) {
        unwatch(n);
        nbd_shutdown(n->h, 0);
        disconnect(n);
    }
    free(n);
}

static int64_t start(struct nbd *n, struct nbd_work *w, void *buffer, uint64_t length,
                     uint64_t offset)
{
    nbd_completion_callback then = {.callback = completed, .user_data = w};

    w->pending++;
    switch (w->r->op) {
    case IMAGE_READ: return nbd_aio_pread(n->h, buffer, length, offset, then, 0);
    case IMAGE_WRITE: return nbd_aio_pwrite(n->h, buffer, length, offset, then, 0);
    case IMAGE_FLUSH:
        return nbd_can_flush(n->h) == 1 ? nbd_aio_flush(n->h, then, 0) : (release(w, 0), 0);
    default: return nbd_aio_trim(n->h, length, offset, then, 0);
    }
}

static void nbd_submit(struct image *img, struct image_request *r)
{
    struct nbd *n = img->priv;
    struct nbd_work *w = connected(n) ? calloc(1, sizeof(*w)) : NULL;
    uint64_t at = r->offset;

    if (w == NULL) {
        r->done(r, -EIO);
        return;
    }
    *w = (struct nbd_work){.r = r, .pending = 1};
    if (r->op == IMAGE_READ || r->op == IMAGE_WRITE) {
        for (unsigned int i = 0; i < r->iovcnt; i++) {
            if (start(n, w, r->iov[i].iov_base, r->iov[i].iov_len, at) < 0) {
                release(w, -EIO);
                break;
            }
            at += r->iov[i].iov_len;
        }
    } else if (start(n, w, NULL, r->length, r->offset) < 0)
        release(w, -EIO);
    want_output(n);
    release(w, 0);
}

const struct image_ops image_nbd = {"nbd", nbd_image_open, nbd_image_close, nbd_submit};
