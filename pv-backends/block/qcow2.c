/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to a qcow2 image; the format and its rules stand in qcow2.h. */
#include "pv-backends/block/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/block/io.h"

/* A request on its way through the clusters that it touches. */
struct qcow2_work {
    struct qcow2 *q;
    struct image_request *r;
    uint64_t at;          /* bytes of it that are begun */
    unsigned int pending; /* parts on their way, and one while parts are begun */
    int rc;
    struct qcow2_work *next; /* waiting for its turn to change tables */
    /* The cluster that is being allocated. */
    uint64_t host, part;
    char *cluster;
    struct qcow2_mapping old;
};

/* One part of it, to or from the file or the backing image. */
struct part {
    struct qcow2_work *w;
    struct io_transfer io;
    struct image_request backing;
    struct iovec iov[];
};

static void proceed(struct qcow2_work *w);

static void release(struct qcow2_work *w, int rc)
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

static struct part *new_part(struct qcow2_work *w)
{
    struct part *p = calloc(1, sizeof(*p) + (w->r->iovcnt + 1) * sizeof(struct iovec));

    if (p != NULL) {
        p->w = w;
        p->io.opaque = p;
        w->pending++;
    } else if (w->rc == 0)
        w->rc = -ENOMEM;
    return p;
}

/* Bytes of the request from w->at on that lie in one cluster. */
static uint64_t in_cluster(const struct qcow2_work *w, uint64_t at)
{
    uint64_t rest = w->q->cluster - ((w->r->offset + at) & (w->q->cluster - 1));

    return rest < w->r->length - at ? rest : w->r->length - at;
}

/* From `at`, how long what the tables say goes on in one piece: of data, behind each other in the file. */
static int extent(const struct qcow2_work *w, struct qcow2_mapping *m, uint64_t *n)
{
    struct qcow2 *q = w->q;
    struct qcow2_mapping next;
    int rc = qcow2_map(q, w->r->offset + w->at, m);

    *n = in_cluster(w, w->at);
    while (rc == 0 && m->kind != QCOW2_PACKED && w->at + *n < w->r->length) {
        uint64_t clusters = (((w->r->offset + w->at) & (q->cluster - 1)) + *n) >> q->cluster_bits;

        rc = qcow2_map(q, w->r->offset + w->at + *n, &next);
        if (rc < 0 || next.kind != m->kind || next.in_place != m->in_place ||
            (m->kind == QCOW2_DATA && next.host != m->host + (clusters << q->cluster_bits)))
            break;
        *n += in_cluster(w, w->at + *n);
    }
    return rc;
}

static uint64_t host_address(const struct qcow2_work *w, const struct qcow2_mapping *m)
{
    return m->host + ((w->r->offset + w->at) & (w->q->cluster - 1));
}

/* ---- compressed clusters ---- */

static int inflate_cluster(const struct qcow2 *q, size_t n)
{
    z_stream z = {.next_in = q->packed,
                  .avail_in = (uInt)n,
                  .next_out = q->scratch,
                  .avail_out = (uInt)q->cluster};

    if (q->compression == 1) {
        /* Behind the frame there may be bytes of the next one. */
        size_t frame = ZSTD_findFrameCompressedSize(q->packed, n);
        return !ZSTD_isError(frame) &&
                       ZSTD_decompress(q->scratch, q->cluster, q->packed, frame) == q->cluster
                   ? 0
                   : -EIO;
    }
    /* Raw deflate with a window of 4 KiB. */
    if (inflateInit2(&z, -12) != Z_OK)
        return -ENOMEM;
    int rc = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return (rc == Z_STREAM_END || rc == Z_BUF_ERROR || rc == Z_OK) && z.avail_out == 0 ? 0 : -EIO;
}

/* Where the compressed bytes are: an address in bytes, and a length in sectors of 512 from its sector's begin on. */
static void packed_range(const struct qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *n)
{
    unsigned int bits = 62 - (q->cluster_bits - 8);

    *offset = entry & ((1ull << bits) - 1);
    *n = (((entry & (QCOW2_COMPRESSED - 1)) >> bits) + 1) * 512 - (*offset & 511);
}

/* The cluster's contents into q->scratch. */
static int unpack(struct qcow2 *q, uint64_t entry)
{
    uint64_t offset, n;

    packed_range(q, entry, &offset, &n);
    if (n > q->cluster)
        n = q->cluster;
    /* The last sector may be cut off by the file's end. */
    uint64_t end = file_length(&q->f);
    if (offset >= end)
        return -EIO;
    if (n > end - offset)
        n = end - offset;
    int rc = file_read(&q->f, offset, q->packed, n);
    return rc == 0 ? inflate_cluster(q, n) : rc;
}

/* ---- reading ---- */

static void part_done(struct io_transfer *t, long rc)
{
    struct part *p = t->opaque;
    struct qcow2_work *w = p->w;

    w->q->in_flight--;
    free(p);
    release(w, rc < 0 ? (int)rc : 0);
}

/* Between the request's buffers and clusters that may be read, or written, where they are. */
static void transfer(struct qcow2_work *w, const struct qcow2_mapping *m, uint64_t n)
{
    struct part *p = new_part(w);

    if (p == NULL)
        return;
    p->io.done = part_done;
    w->q->in_flight++;
    unsigned int iovcnt = image_slice_iov(w->r, w->at, n, p->iov);
    if (w->r->op == IMAGE_READ)
        io_readv(w->q->img->io, &p->io, w->q->f.fd, p->iov, iovcnt, host_address(w, m));
    else
        io_writev(w->q->img->io, &p->io, w->q->f.fd, p->iov, iovcnt, host_address(w, m));
}

static void backing_done(struct image_request *r, int rc)
{
    struct part *p = r->opaque;
    struct qcow2_work *w = p->w;

    free(p);
    release(w, rc);
}

/* What the image does not have: the backing image's, and zeros behind its end. */
static void read_backing(struct qcow2_work *w, uint64_t n)
{
    uint64_t from = w->r->offset + w->at, size = w->q->backing ? w->q->backing->size : 0;
    uint64_t has = from >= size ? 0 : size - from < n ? size - from : n;

    image_zero_iov(w->r, w->at + has, n - has);
    if (has == 0)
        return;
    struct part *p = new_part(w);
    if (p == NULL)
        return;
    p->backing = (struct image_request){.op = IMAGE_READ,
                                        .offset = from,
                                        .length = has,
                                        .iov = p->iov,
                                        .iovcnt = image_slice_iov(w->r, w->at, has, p->iov),
                                        .done = backing_done,
                                        .opaque = p};
    image_submit(w->q->backing, &p->backing);
}

static void read_parts(struct qcow2_work *w)
{
    struct qcow2_mapping m;
    uint64_t n;

    while (w->at < w->r->length && w->rc == 0) {
        int rc = extent(w, &m, &n);

        if (rc == 0 && m.kind == QCOW2_PACKED)
            rc = unpack(w->q, m.entry);
        if (rc < 0) {
            w->rc = rc;
            return;
        }
        switch (m.kind) {
        case QCOW2_DATA: transfer(w, &m, n); break;
        case QCOW2_ZEROS: image_zero_iov(w->r, w->at, n); break;
        case QCOW2_NONE: read_backing(w, n); break;
        default:
            image_to_iov(w->r, w->at,
                         (char *)w->q->scratch + ((w->r->offset + w->at) & (w->q->cluster - 1)), n);
            break;
        }
        w->at += n;
    }
}

/* ---- changing tables: one request at a time ---- */

static bool take_turn(struct qcow2_work *w)
{
    struct qcow2 *q = w->q;

    if (q->busy == NULL || q->busy == w) {
        q->busy = w;
        return true;
    }
    w->next = NULL;
    w->pending++; /* it must not end while it waits */
    *q->last_waiting = w;
    q->last_waiting = &w->next;
    return false;
}

static void end_turn(struct qcow2 *q)
{
    struct qcow2_work *w = q->waiting;

    q->busy = NULL;
    if (w == NULL)
        return;
    q->waiting = w->next;
    if (q->waiting == NULL)
        q->last_waiting = &q->waiting;
    q->busy = w;
    proceed(w);
    release(w, 0);
}

/* What the entry named is not named any more. */
static int free_old(struct qcow2 *q, const struct qcow2_mapping *m)
{
    uint64_t offset, n;
    int rc = 0;

    if (m->kind == QCOW2_PACKED) {
        packed_range(q, m->entry, &offset, &n);
        for (uint64_t at = offset & ~(q->cluster - 1); rc == 0 && at < offset + n; at += q->cluster)
            rc = qcow2_free_later(q, at);
    } else if (m->host != 0)
        rc = qcow2_free_later(q, m->host);
    return rc;
}

/* The data is in the file: now the table may say so. */
static void allocated(struct io_transfer *t, long rc)
{
    struct part *p = t->opaque;
    struct qcow2_work *w = p->w;
    struct qcow2 *q = w->q;

    q->in_flight--;
    free(p);
    if (rc < 0)
        qcow2_unalloc(q, w->host);
    else {
        rc = qcow2_set(q, w->r->offset + w->at, w->host | QCOW2_COPIED);
        if (rc == 0)
            rc = free_old(q, &w->old);
    }
    free(w->cluster);
    w->cluster = NULL;
    if (rc < 0 && w->rc == 0)
        w->rc = (int)rc;
    w->at += w->part;
    proceed(w);
    release(w, 0);
}

/* The whole cluster is in w->cluster but for what the request writes. */
static void write_cluster(struct qcow2_work *w)
{
    struct qcow2 *q = w->q;
    struct part *p = NULL;
    int rc = qcow2_alloc(q, &w->host);

    if (rc == 0) {
        p = new_part(w);
        if (p == NULL)
            qcow2_unalloc(q, w->host);
    }
    if (p == NULL) {
        free(w->cluster);
        w->cluster = NULL;
        w->rc = w->rc ? w->rc : rc;
        proceed(w);
        return;
    }
    p->io.done = allocated;
    q->in_flight++;
    if (w->cluster == NULL) {
        io_writev(q->img->io, &p->io, q->f.fd, p->iov,
                  image_slice_iov(w->r, w->at, w->part, p->iov), w->host);
        return;
    }
    image_from_iov(w->r, w->at, w->cluster + ((w->r->offset + w->at) & (q->cluster - 1)), w->part);
    p->iov[0] = (struct iovec){w->cluster, q->cluster};
    io_writev(q->img->io, &p->io, q->f.fd, p->iov, 1, w->host);
}

static void filled(struct image_request *r, int rc)
{
    struct part *p = r->opaque;
    struct qcow2_work *w = p->w;

    free(p);
    if (rc < 0) {
        free(w->cluster);
        w->cluster = NULL;
        w->rc = w->rc ? w->rc : rc;
        proceed(w);
    } else
        write_cluster(w);
    release(w, 0);
}

static void filled_from_file(struct io_transfer *t, long rc)
{
    struct part *p = t->opaque;

    p->w->q->in_flight--;
    filled(&p->backing, rc < 0 ? (int)rc : 0);
}

/* The cluster's old contents, to be written anew with the request's part in them. */
static void fill_cluster(struct qcow2_work *w)
{
    struct qcow2 *q = w->q;
    uint64_t from = (w->r->offset + w->at) & ~(q->cluster - 1),
             size = q->backing ? q->backing->size : 0;
    struct part *p;
    int rc = 0;

    w->cluster = calloc(1, q->cluster);
    if (w->cluster == NULL)
        rc = -ENOMEM;
    else if (w->old.kind == QCOW2_PACKED && (rc = unpack(q, w->old.entry)) == 0)
        memcpy(w->cluster, q->scratch, q->cluster);
    bool from_file = w->old.kind == QCOW2_DATA,
         from_backing = w->old.kind == QCOW2_NONE && from < size;
    if (rc == 0 && !from_file && !from_backing) {
        write_cluster(w);
        return;
    }
    p = rc == 0 ? new_part(w) : NULL;
    if (p == NULL) {
        free(w->cluster);
        w->cluster = NULL;
        w->rc = w->rc ? w->rc : rc;
        proceed(w);
        return;
    }
    p->backing.opaque = p;
    p->iov[0] = (struct iovec){w->cluster, q->cluster};
    if (from_file) {
        p->io.done = filled_from_file;
        q->in_flight++;
        io_readv(q->img->io, &p->io, q->f.fd, p->iov, 1, w->old.host);
        return;
    }
    uint64_t has = size - from < q->cluster ? size - from : q->cluster;
    p->iov[0].iov_len = has;
    p->backing = (struct image_request){.op = IMAGE_READ,
                                        .offset = from,
                                        .length = has,
                                        .iov = p->iov,
                                        .iovcnt = 1,
                                        .done = filled,
                                        .opaque = p};
    image_submit(q->backing, &p->backing);
}

/* ---- writing ---- */

/* Until all is begun, or until it has to wait (then what it waits for calls this again). */
static void write_parts(struct qcow2_work *w)
{
    struct qcow2_mapping m;
    uint64_t n;

    while (w->at < w->r->length && w->rc == 0) {
        int rc = extent(w, &m, &n);

        if (rc < 0) {
            w->rc = rc;
            break;
        }
        if (m.kind == QCOW2_DATA && m.in_place) {
            transfer(w, &m, n);
            w->at += n;
            continue;
        }
        if (!take_turn(w))
            return;
        /* While it waited, another may have allocated this cluster. */
        if (qcow2_map(w->q, w->r->offset + w->at, &m) == 0 && m.kind == QCOW2_DATA && m.in_place)
            continue;
        w->old = m;
        w->part = in_cluster(w, w->at);
        if (w->part == w->q->cluster)
            write_cluster(w);
        else
            fill_cluster(w);
        return;
    }
    if (w->q->busy == w)
        end_turn(w->q);
}

/* Whole clusters only; parts of one are left as they are, which a discard may do. */
static void discard_parts(struct qcow2_work *w)
{
    struct qcow2 *q = w->q;
    uint64_t at = (w->r->offset + q->cluster - 1) & ~(q->cluster - 1),
             end = w->r->offset + w->r->length;
    struct qcow2_mapping m;

    if (end != q->img->size)
        end &= ~(q->cluster - 1);
    if (!take_turn(w))
        return;
    for (; at < end && w->rc == 0; at += q->cluster) {
        int rc = qcow2_map(q, at, &m);

        if (rc == 0 && m.kind != QCOW2_NONE && (m.kind != QCOW2_ZEROS || m.host != 0)) {
            /* Behind a hole the backing image would show. */
            rc = qcow2_set(q, at, q->version >= 3 ? QCOW2_ZERO : 0);
            if (rc == 0)
                rc = free_old(q, &m);
        } else if (rc == 0 && m.kind == QCOW2_NONE && q->backing != NULL && at < q->backing->size)
            rc = qcow2_set(q, at, QCOW2_ZERO);
        if (rc < 0)
            w->rc = rc;
    }
    end_turn(q);
}

/* ---- flushing ---- */

static void flushed(struct io_transfer *t, long rc)
{
    struct part *p = t->opaque;
    struct qcow2_work *w = p->w;
    struct qcow2 *q = w->q;

    free(p);
    /* Transfers that began before may still go to clusters that were freed meanwhile. */
    if (rc == 0 && q->in_flight == 0 && q->busy == NULL)
        rc = qcow2_free_now(q);
    release(w, (int)rc);
}

static void flush(struct qcow2_work *w)
{
    struct part *p = new_part(w);

    if (p == NULL)
        return;
    p->io.done = flushed;
    io_datasync(w->q->img->io, &p->io, w->q->f.fd);
}

static void proceed(struct qcow2_work *w)
{
    switch (w->r->op) {
    case IMAGE_READ: read_parts(w); break;
    case IMAGE_WRITE: write_parts(w); break;
    case IMAGE_DISCARD: discard_parts(w); break;
    default: flush(w); break;
    }
}

static void qcow2_submit(struct image *img, struct image_request *r)
{
    struct qcow2_work *w = calloc(1, sizeof(*w));

    if (w == NULL) {
        r->done(r, -ENOMEM);
        return;
    }
    *w = (struct qcow2_work){.q = img->priv, .r = r, .pending = 1};
    proceed(w);
    release(w, 0);
}

const struct image_ops image_qcow2 = {"qcow2", qcow2_open, qcow2_close, qcow2_submit};
