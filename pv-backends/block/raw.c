/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw images: byte for byte a file or a block device. */
#include "pv-backends/block/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/block/file.h"
#include "pv-backends/block/io.h"

struct raw_transfer {
    struct io_transfer io;
    struct image_request *r;
};

static int raw_open(struct image *img, const char *target, struct hl_error *e)
{
    struct file *f = malloc(sizeof(*f));

    if (f == NULL)
        return hl_fail(e, ENOMEM, "open the image", target, NULL);
    int rc = file_open(f, target, img->read_only, img->shared, img->direct, e);
    if (rc < 0) {
        free(f);
        return rc;
    }
    img->priv = f;
    /* A rest that is not a whole sector cannot be reached. */
    img->size = f->size / 512 * 512;
    img->sector = f->sector;
    img->discard = f->discard && !img->read_only;
    img->discard_granularity = f->block ? f->sector : 4096;
    return 0;
}

static void raw_close(struct image *img)
{
    file_close(img->priv);
    free(img->priv);
}

static void raw_done(struct io_transfer *t, long rc)
{
    struct raw_transfer *own = t->opaque;
    struct image_request *r = own->r;

    /* The file was as long as this when it was opened: a short read is one that somebody cut. */
    if (rc >= 0 && r->op == IMAGE_READ && (uint64_t)rc < r->length)
        image_zero_iov(r, (uint64_t)rc, r->length - (uint64_t)rc);
    free(own);
    r->done(r, rc < 0 ? (int)rc : 0);
}

static void raw_submit(struct image *img, struct image_request *r)
{
    const struct file *f = img->priv;
    /* The buffers' list is changed on the way: a copy behind the transfer. */
    struct raw_transfer *t = malloc(sizeof(*t) + r->iovcnt * sizeof(struct iovec));
    struct iovec *iov = t != NULL ? (struct iovec *)(t + 1) : NULL;

    if (t == NULL) {
        r->done(r, -ENOMEM);
        return;
    }
    *t = (struct raw_transfer){.io = {.done = raw_done, .opaque = t}, .r = r};
    switch (r->op) {
    case IMAGE_READ:
        io_readv(img->io, &t->io, f->fd, iov, image_slice_iov(r, 0, r->length, iov), r->offset);
        break;
    case IMAGE_WRITE:
        io_writev(img->io, &t->io, f->fd, iov, image_slice_iov(r, 0, r->length, iov), r->offset);
        break;
    case IMAGE_FLUSH: io_datasync(img->io, &t->io, f->fd); break;
    default:
        io_fallocate(img->io, &t->io, f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, r->offset,
                     r->length);
        break;
    }
}

const struct image_ops image_raw = {"raw", raw_open, raw_close, raw_submit};
