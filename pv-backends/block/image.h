/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk images: what a block device's contents are kept in. One interface, a file for each format (raw.c, qcow2.c, vhd.c,
 * nbd.c); the formats put their input and output through io.h, and never wait where the answer may take long.
 *
 * One thread. Every function that can fail gives 0 or a negative errno, and fills the record.
 */
#ifndef PVB_IMAGE_H
#define PVB_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct hl_error;
struct io;
struct image;

enum image_op { IMAGE_READ, IMAGE_WRITE, IMAGE_FLUSH, IMAGE_DISCARD };

/* One request. The caller's until image_submit(), and again from done() on; its buffers, too. */
struct image_request {
    enum image_op op;
    uint64_t offset, length; /* bytes, whole sectors of 512 */
    struct iovec *iov;       /* READ, WRITE: `length` bytes altogether */
    unsigned int iovcnt;
    /* Called exactly once, perhaps from within image_submit(). 0 or a negative errno. */
    void (*done)(struct image_request *r, int rc);
    void *opaque; /* the caller's */
};

struct image_ops {
    const char *name;
    int (*open)(struct image *img, const char *target, struct hl_error *e);
    void (*close)(struct image *img);
    void (*submit)(struct image *img, struct image_request *r);
};

struct image {
    const struct image_ops *ops;
    struct io *io;
    char *target;        /* the path or address, for messages */
    uint64_t size;       /* bytes */
    unsigned int sector; /* bytes of the device's own sector: 512 or 4096 */
    bool read_only;      /* in: wanted so; out: so in fact */
    bool shared;         /* in: others may have it open, as in file_open() */
    bool direct;         /* in: go around the page cache where that works */
    bool discard;        /* out: IMAGE_DISCARD works */
    unsigned int discard_granularity;
    struct image *backing; /* out: what it is based on, the format's to close; NULL: nothing */
    void *priv;            /* the format's */
};

/*
 * Opens `target` as `format` ("raw", "qcow2", "vhd", "nbd"; NULL looks at the contents: only for images that are not a
 * guest's to write, who could make a raw image look like something else). -EBUSY: another process has it for writing. `shared`: that is
 * meant so; a qcow2 image has one writer nevertheless. Undone by image_close().
 */
int image_open(struct image **img, struct io *io, const char *format, const char *target,
               bool read_only, bool shared, bool direct, struct hl_error *e);
void image_close(struct image *img);

/* Starts a request; refuses (done() with -EINVAL, -EROFS or -EOPNOTSUPP) what is out of range or not for this image. */
void image_submit(struct image *img, struct image_request *r);

/* ---- for the formats ---- */

extern const struct image_ops image_raw, image_qcow2, image_vhd, image_nbd;

/* Copies between a request's buffers, from their byte `at` on, and memory; or zeroes them. */
void image_to_iov(const struct image_request *r, uint64_t at, const void *from, size_t n);
void image_from_iov(const struct image_request *r, uint64_t at, void *to, size_t n);
void image_zero_iov(const struct image_request *r, uint64_t at, size_t n);
/* The part of the buffers from `at`, n bytes: fills out[], at most r->iovcnt entries; returns how many. */
unsigned int image_slice_iov(const struct image_request *r, uint64_t at, size_t n,
                             struct iovec *out);

#endif
