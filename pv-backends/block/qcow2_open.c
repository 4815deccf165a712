/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a qcow2 image: its header is checked whole before anything is believed. */
#include "pv-backends/block/qcow2.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"

#define MAGIC                0x514649fbu
#define EXT_END              0u
#define EXT_BACKING          0xe2792acau /* the backing file's format */
#define MAX_L1               (32u << 20) / 8
#define MAX_RT               (64u << 20)

#define INCOMPAT_DIRTY       1u
#define INCOMPAT_CORRUPT     2u
#define INCOMPAT_COMPRESSION 8u

struct header {
    uint32_t magic, version;
    uint64_t backing_offset;
    uint32_t backing_size, cluster_bits;
    uint64_t size;
    uint32_t crypt, l1_size;
    uint64_t l1_offset, rt_offset;
    uint32_t rt_clusters, snapshots;
    uint64_t snapshots_offset;
    /* from version 3 on */
    uint64_t incompatible, compatible, autoclear;
    uint32_t refcount_order, length;
    uint8_t compression, pad[7];
} __attribute__((packed));
_Static_assert(sizeof(struct header) == 112, "the header of version 3 with compression type");
#define HEADER_V2 72

static void to_native(struct header *h)
{
    h->magic = be32toh(h->magic);
    h->version = be32toh(h->version);
    h->backing_offset = be64toh(h->backing_offset);
    h->backing_size = be32toh(h->backing_size);
    h->cluster_bits = be32toh(h->cluster_bits);
    h->size = be64toh(h->size);
    h->crypt = be32toh(h->crypt);
    h->l1_size = be32toh(h->l1_size);
    h->l1_offset = be64toh(h->l1_offset);
    h->rt_offset = be64toh(h->rt_offset);
    h->rt_clusters = be32toh(h->rt_clusters);
    h->snapshots = be32toh(h->snapshots);
    h->incompatible = be64toh(h->incompatible);
    h->autoclear = be64toh(h->autoclear);
    h->refcount_order = be32toh(h->refcount_order);
    h->length = be32toh(h->length);
}

#define REFUSE(...) return hl_fail(e, EINVAL, "open the image", img->target, __VA_ARGS__)

static int read_header(struct image *img, struct qcow2 *q, struct header *h, struct hl_error *e)
{
    uint64_t n = file_length(&q->f) < sizeof(*h) ? HEADER_V2 : sizeof(*h);

    memset(h, 0, sizeof(*h));
    int rc = file_read(&q->f, 0, h, n);
    if (rc < 0)
        return hl_fail(e, -rc, "read the image's header", img->target, NULL);
    to_native(h);
    if (h->magic != MAGIC)
        REFUSE("it is no qcow2 image");
    if (h->version != 2 && h->version != 3)
        REFUSE("qcow2 of version %u; there are 2 and 3", h->version);
    if (h->version == 2) {
        h->incompatible = h->autoclear = 0;
        h->refcount_order = 4;
        h->length = HEADER_V2;
    }
    if (h->length < 112)
        h->compression = 0;
    return 0;
}

static int check_features(const struct image *img, const struct header *h, struct hl_error *e)
{
    if (h->crypt != 0)
        REFUSE("it is encrypted, which is not supported");
    if (h->incompatible & ~(uint64_t)(INCOMPAT_DIRTY | INCOMPAT_CORRUPT | INCOMPAT_COMPRESSION))
        REFUSE("it needs features %#llx, which are not supported (external data file or extended "
               "L2 entries)",
               (unsigned long long)h->incompatible);
    if (h->incompatible & INCOMPAT_COMPRESSION && h->compression > 1)
        REFUSE("its clusters are compressed in an unknown way, %u", h->compression);
    if (h->incompatible & (INCOMPAT_DIRTY | INCOMPAT_CORRUPT) && !img->read_only) {
        hl_fail(e, EINVAL, "open the image", img->target, "it is marked %s",
                h->incompatible & INCOMPAT_CORRUPT ? "corrupt" : "dirty");
        hl_error_advise(e, "repair it: qemu-img check -r all %s", img->target);
        return -EINVAL;
    }
    return 0;
}

static int check_layout(const struct image *img, const struct header *h, struct hl_error *e)
{
    if (h->cluster_bits < 9 || h->cluster_bits > 21)
        REFUSE("clusters of 2^%u bytes", h->cluster_bits);
    if (h->refcount_order > 6)
        REFUSE("reference counts of 2^%u bits", h->refcount_order);
    uint64_t cluster = 1ull << h->cluster_bits, per_l1 = cluster * (cluster / 8);
    if (h->size > 1ull << 62 || h->l1_size > MAX_L1 || (h->size + per_l1 - 1) / per_l1 > h->l1_size)
        REFUSE("a table of %u entries does not fit a disk of %llu bytes", h->l1_size,
               (unsigned long long)h->size);
    if (h->l1_offset & (cluster - 1) || h->rt_offset & (cluster - 1) || h->rt_offset == 0)
        REFUSE("its tables are misplaced");
    if (h->rt_clusters == 0 || (uint64_t)h->rt_clusters << h->cluster_bits > MAX_RT)
        REFUSE("a table of reference counts of %u clusters", h->rt_clusters);
    if (h->backing_offset != 0 && (h->backing_size > 1023 || h->backing_offset > cluster ||
                                   h->backing_offset + h->backing_size > cluster))
        REFUSE("the name of its backing file is misplaced");
    return 0;
}

/* The format that an extension names, or "". */
static int backing_format(struct qcow2 *q, const struct header *h, char *format, size_t size)
{
    uint64_t at = h->length;
    uint32_t ext[2];

    format[0] = '\0';
    while (at + 8 <= (h->backing_offset ? h->backing_offset : q->cluster)) {
        int rc = file_read(&q->f, at, ext, sizeof(ext));
        uint32_t kind = be32toh(ext[0]), n = be32toh(ext[1]);

        if (rc < 0 || kind == EXT_END)
            return rc;
        if (kind == EXT_BACKING && n < size) {
            rc = file_read(&q->f, at + 8, format, n);
            format[rc == 0 ? n : 0] = '\0';
            return rc;
        }
        at += 8 + ((uint64_t)n + 7) / 8 * 8;
    }
    return 0;
}

/* Its name is as seen from the folder of this image. */
static char *beside(const char *image, const char *name)
{
    const char *slash = strrchr(image, '/');
    char *path = NULL;

    if (name[0] == '/' || slash == NULL || strstr(name, "://") != NULL)
        return strdup(name);
    return asprintf(&path, "%.*s/%s", (int)(slash - image), image, name) < 0 ? NULL : path;
}

static int open_backing(struct image *img, struct qcow2 *q, const struct header *h,
                        struct hl_error *e)
{
    static unsigned int depth;
    char name[1024], format[32];

    if (h->backing_offset == 0 || h->backing_size == 0)
        return 0;
    int rc = file_read(&q->f, h->backing_offset, name, h->backing_size);
    name[h->backing_size] = '\0';
    if (rc == 0)
        rc = backing_format(q, h, format, sizeof(format));
    if (rc < 0)
        return hl_fail(e, -rc, "read the image's header", img->target, NULL);
    if (depth >= 64)
        REFUSE("its backing files go round in a circle");
    char *path = beside(img->target, name);
    if (path == NULL)
        return hl_fail(e, ENOMEM, "open the image", img->target, NULL);
    depth++;
    rc = image_open(&q->backing, img->io, format[0] ? format : NULL, path, true,
                    img->shared && img->read_only, false, e);
    depth--;
    if (rc < 0)
        hl_error_within(e, "open the backing file of %s", img->target);
    free(path);
    return rc;
}

static int read_tables(struct image *img, struct qcow2 *q, const struct header *h,
                       struct hl_error *e)
{
    q->l1 = calloc((size_t)h->l1_size + 1, 8);
    q->rt = malloc((size_t)h->rt_clusters << h->cluster_bits);
    q->block = malloc(q->cluster);
    q->scratch = malloc(q->cluster);
    q->packed = malloc(q->cluster);
    if (!q->l1 || !q->rt || !q->block || !q->scratch || !q->packed)
        return hl_fail(e, ENOMEM, "open the image", img->target, NULL);
    int rc = file_read(&q->f, h->l1_offset, q->l1, (uint64_t)h->l1_size * 8);
    if (rc == 0)
        rc = file_read(&q->f, h->rt_offset, q->rt, (uint64_t)h->rt_clusters << h->cluster_bits);
    if (rc < 0)
        return hl_fail(e, -rc, "read the image's tables", img->target, "the file ends before them");
    return qcow2_check_counts(q, e);
}

/* Features of which we do not know whether they still hold once we have written. */
static int clear_auto(struct image *img, struct qcow2 *q, const struct header *h,
                      struct hl_error *e)
{
    const uint64_t none = 0;

    if (h->autoclear == 0)
        return 0;
    int rc = file_write(&q->f, offsetof(struct header, autoclear), &none, sizeof(none));
    return rc < 0 ? hl_fail(e, -rc, "write the image's header", img->target, NULL) : 0;
}

static void release(struct qcow2 *q)
{
    image_close(q->backing);
    for (unsigned int i = 0; i < QCOW2_CACHE; i++)
        free(q->cache[i].table);
    free(q->l1);
    free(q->rt);
    free(q->block);
    free(q->scratch);
    free(q->packed);
    free(q->freed);
    file_close(&q->f);
    free(q);
}

int qcow2_open(struct image *img, const char *target, struct hl_error *e)
{
    struct qcow2 *q = calloc(1, sizeof(*q));
    struct header h;

    if (q == NULL)
        return hl_fail(e, ENOMEM, "open the image", target, NULL);
    q->img = img;
    q->block_index = ~0ull;
    q->last_waiting = &q->waiting;
    /* Not around the page cache: tables are read and written in small pieces. */
    int rc = file_open(&q->f, target, img->read_only, img->shared && img->read_only, false, e);
    if (rc == -EBUSY && img->shared) {
        hl_fail(e, EBUSY, "open the image", target,
                "another disk is using it, and a qcow2 image has one writer, with access w!, too");
        hl_error_advise(e, "each writer has the image's tables in its memory and would destroy "
                           "the other's; share a raw image or a block device");
    }
    if (rc < 0) {
        free(q);
        return rc;
    }
    rc = read_header(img, q, &h, e);
    if (rc == 0)
        rc = check_features(img, &h, e);
    if (rc == 0)
        rc = check_layout(img, &h, e);
    if (rc == 0) {
        q->version = h.version;
        q->cluster_bits = h.cluster_bits;
        q->cluster = 1ull << h.cluster_bits;
        q->refcount_order = h.refcount_order;
        q->compression = h.compression;
        q->l1_offset = h.l1_offset;
        q->l1_size = h.l1_size;
        q->rt_offset = h.rt_offset;
        q->rt_clusters = h.rt_clusters;
        rc = read_tables(img, q, &h, e);
    }
    if (rc == 0)
        rc = open_backing(img, q, &h, e);
    if (rc == 0 && !img->read_only)
        rc = clear_auto(img, q, &h, e);
    if (rc < 0) {
        release(q);
        return rc;
    }
    img->priv = q;
    img->backing = q->backing;
    img->size = h.size / 512 * 512;
    img->discard = !img->read_only && (q->version >= 3 || q->backing == NULL);
    img->discard_granularity = (unsigned int)q->cluster;
    return 0;
}

void qcow2_close(struct image *img)
{
    struct qcow2 *q = img->priv;

    if (!img->read_only && qcow2_sync(q) == 0) {
        qcow2_free_now(q);
        qcow2_end_batch(q);
        qcow2_sync(q);
    }
    release(q);
}
