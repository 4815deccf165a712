/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is the same for all formats; see image.h. */
#include "pv-backends/block/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"

static const struct image_ops *const formats[] = {&image_raw, &image_qcow2, &image_vhd, &image_nbd};

/* By what stands at the beginning, or, of a VHD of fixed size, at the end. */
static int probe(const char *target, const struct image_ops **ops, struct hl_error *e)
{
    char head[512] = {0};

    *ops = &image_raw;
    if (strncmp(target, "nbd:", 4) == 0 || strncmp(target, "nbd+", 4) == 0) {
        *ops = &image_nbd;
        return 0;
    }
    int fd = open(target, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return hl_fail(e, errno, "open the image", target, NULL);
    ssize_t n = pread(fd, head, sizeof(head), 0);
    if (n >= 4 && memcmp(head, "QFI\xfb", 4) == 0) {
        *ops = &image_qcow2;
    } else {
        off_t end = lseek(fd, 0, SEEK_END);
        if (end >= 512 && pread(fd, head, 8, end - 512) == 8 && memcmp(head, "conectix", 8) == 0)
            *ops = &image_vhd;
    }
    close(fd);
    return n < 0 ? hl_fail(e, errno, "read the image", target, NULL) : 0;
}

static int find_format(const char *format, const char *target, const struct image_ops **ops,
                       struct hl_error *e)
{
    if (format == NULL)
        return probe(target, ops, e);
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(formats[i]->name, format) == 0) {
            *ops = formats[i];
            return 0;
        }
    }
    return hl_fail(e, EINVAL, "open the image", target,
                   "no format is called %s; there are raw, qcow2, vhd and nbd", format);
}

int image_open(struct image **out, struct io *io, const char *format, const char *target,
               bool read_only, bool shared, bool direct, struct hl_error *e)
{
    const struct image_ops *ops;
    int rc = find_format(format, target, &ops, e);

    *out = NULL;
    if (rc < 0)
        return rc;
    struct image *img = calloc(1, sizeof(*img));
    if (img == NULL || (img->target = strdup(target)) == NULL) {
        free(img);
        return hl_fail(e, ENOMEM, "open the image", target, NULL);
    }
    img->ops = ops;
    img->io = io;
    img->read_only = read_only;
    img->shared = shared;
    img->direct = direct;
    img->sector = 512;
    rc = ops->open(img, target, e);
    if (rc < 0) {
        free(img->target);
        free(img);
        return rc;
    }
    *out = img;
    return 0;
}

void image_close(struct image *img)
{
    if (img == NULL)
        return;
    img->ops->close(img);
    free(img->target);
    free(img);
}

void image_submit(struct image *img, struct image_request *r)
{
    bool sized = r->op != IMAGE_FLUSH;

    if (sized && (r->offset % 512 || r->length % 512 || r->length == 0 || r->offset > img->size ||
                  r->length > img->size - r->offset))
        r->done(r, -EINVAL);
    else if (img->read_only && (r->op == IMAGE_WRITE || r->op == IMAGE_DISCARD))
        r->done(r, -EROFS);
    else if (r->op == IMAGE_DISCARD && !img->discard)
        r->done(r, -EOPNOTSUPP);
    else
        img->ops->submit(img, r);
}

/* ---- buffers ---- */

unsigned int image_slice_iov(const struct image_request *r, uint64_t at, size_t n,
                             struct iovec *out)
{
    unsigned int count = 0;

    for (unsigned int i = 0; i < r->iovcnt && n != 0; i++) {
        size_t len = r->iov[i].iov_len;

        if (at >= len) {
            at -= len;
            continue;
        }
        len -= at;
        if (len > n)
            len = n;
        out[count++] = (struct iovec){(char *)r->iov[i].iov_base + at, len};
        at = 0;
        n -= len;
    }
    return count;
}

enum direction { TO_IOV, FROM_IOV, ZERO_IOV };

static void walk(const struct image_request *r, uint64_t at, char *memory, size_t n,
                 enum direction direction)
{
    for (unsigned int i = 0; i < r->iovcnt && n != 0; i++) {
        size_t len = r->iov[i].iov_len;

        if (at >= len) {
            at -= len;
            continue;
        }
        char *p = (char *)r->iov[i].iov_base + at;
        len -= at;
        if (len > n)
            len = n;
        if (direction == TO_IOV)
            memcpy(p, memory, len);
        else if (direction == FROM_IOV)
            memcpy(memory, p, len);
        else
            memset(p, 0, len);
        at = 0;
        n -= len;
        if (memory != NULL)
            memory += len;
    }
}

void image_to_iov(const struct image_request *r, uint64_t at, const void *from, size_t n)
{
    walk(r, at, (char *)from, n, TO_IOV);
}

void image_from_iov(const struct image_request *r, uint64_t at, void *to, size_t n)
{
    walk(r, at, to, n, FROM_IOV);
}

void image_zero_iov(const struct image_request *r, uint64_t at, size_t n)
{
    walk(r, at, NULL, n, ZERO_IOV);
}
