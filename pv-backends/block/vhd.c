/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Microsoft's VHD (Virtual Hard Disk Image Format Specification 1.0), fixed and dynamic, read only. All numbers are
 * big-endian:
 *
 *   fixed     the disk, then a footer of 512 bytes
 *   dynamic   a copy of the footer, a header of 1024 bytes, a table with the sector of each block (or ~0), blocks (a
 *             bitmap of the sectors that were written, then the data), the footer
 *
 * Differencing disks (with a parent) are refused.
 */
#include "pv-backends/block/image.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/block/file.h"

#define TYPE_FIXED   2
#define TYPE_DYNAMIC 3
#define NO_BLOCK     0xffffffffu
#define MAX_BLOCKS   (1u << 22)

struct footer {
    char cookie[8]; /* "conectix" */
    uint32_t features, version;
    uint64_t data_offset;
    uint32_t time;
    char creator[4];
    uint32_t creator_version, creator_host;
    uint64_t original_size, current_size;
    uint32_t geometry, type, checksum;
    uint8_t rest[444];
} __attribute__((packed));
_Static_assert(sizeof(struct footer) == 512, "VHD footer");

struct dynamic {
    char cookie[8]; /* "cxsparse" */
    uint64_t data_offset, table_offset;
    uint32_t version, max_entries, block_size, checksum;
    uint8_t rest[984];
} __attribute__((packed));
_Static_assert(sizeof(struct dynamic) == 1024, "VHD dynamic header");

struct vhd {
    struct file f;
    uint32_t block,
        bitmap; /* bytes of a block's data, and of the bitmap before it; 0: a fixed disk */
    uint32_t entries, *table;
};

#define REFUSE(...) return hl_fail(e, EINVAL, "open the image", target, __VA_ARGS__)

/* The complement of the sum of all bytes but the sum's own. */
static uint32_t checksum(const void *from, size_t n, uint32_t stored)
{
    const uint8_t *p = from, *s = (const uint8_t *)&stored;
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += p[i];
    for (size_t i = 0; i < 4; i++)
        sum -= s[i];
    return ~sum;
}

static int read_dynamic(struct vhd *v, const struct footer *foot, const char *target,
                        struct hl_error *e)
{
    struct dynamic d;
    int rc = file_read(&v->f, be64toh(foot->data_offset), &d, sizeof(d));

    if (rc < 0)
        return hl_fail(e, -rc, "read the image's header", target, NULL);
    if (memcmp(d.cookie, "cxsparse", 8) != 0 ||
        checksum(&d, sizeof(d), d.checksum) != be32toh(d.checksum))
        REFUSE("its header of a dynamic disk is damaged");
    v->block = be32toh(d.block_size);
    v->entries = be32toh(d.max_entries);
    if (v->block < 512 || v->block & (v->block - 1) || v->block > 1u << 28 ||
        v->entries > MAX_BLOCKS || (uint64_t)v->entries * v->block < be64toh(foot->current_size))
        REFUSE("%u blocks of %u bytes are no disk of %llu", v->entries, v->block,
               (unsigned long long)be64toh(foot->current_size));
    v->bitmap = (v->block / 512 / 8 + 511) / 512 * 512;
    v->table = malloc((size_t)v->entries * 4 + 1);
    if (v->table == NULL)
        return hl_fail(e, ENOMEM, "open the image", target, NULL);
    rc = file_read(&v->f, be64toh(d.table_offset), v->table, (uint64_t)v->entries * 4);
    return rc < 0 ? hl_fail(e, -rc, "read the image's table", target, NULL) : 0;
}

static int read_footer(struct image *img, struct vhd *v, const char *target, struct hl_error *e)
{
    struct footer foot;
    int rc = v->f.size < sizeof(foot)
                 ? -EIO
                 : file_read(&v->f, v->f.size - sizeof(foot), &foot, sizeof(foot));

    if (rc < 0)
        return hl_fail(e, -rc, "read the image's footer", target, NULL);
    if (memcmp(foot.cookie, "conectix", 8) != 0)
        REFUSE("it is no VHD image");
    if (checksum(&foot, sizeof(foot), foot.checksum) != be32toh(foot.checksum))
        REFUSE("its footer is damaged");
    img->size = be64toh(foot.current_size) / 512 * 512;
    switch (be32toh(foot.type)) {
    case TYPE_FIXED:
        if (img->size > v->f.size - sizeof(foot))
            REFUSE("it is shorter than its disk");
        return 0;
    case TYPE_DYNAMIC: return read_dynamic(v, &foot, target, e);
    default: REFUSE("VHD disks with a parent are not supported");
    }
}

static void vhd_close(struct image *img)
{
    struct vhd *v = img->priv;

    free(v->table);
    file_close(&v->f);
    free(v);
}

static int vhd_open(struct image *img, const char *target, struct hl_error *e)
{
    struct vhd *v = calloc(1, sizeof(*v));

    if (v == NULL)
        return hl_fail(e, ENOMEM, "open the image", target, NULL);
    if (!img->read_only) {
        free(v);
        hl_fail(e, EROFS, "open the image", target, "VHD images can only be read");
        hl_error_advise(
            e, "attach it read-only (mode r), or convert it: qemu-img convert -O qcow2 %s NEW",
            target);
        return -EROFS;
    }
    img->priv = v;
    int rc = file_open(&v->f, target, true, img->shared, false, e);
    if (rc < 0) {
        free(v);
        return rc;
    }
    rc = read_footer(img, v, target, e);
    if (rc < 0)
        vhd_close(img);
    return rc;
}

/* Bytes [at, at + n) of the disk, within one block. Sectors that the bitmap calls unwritten hold zeros in the file: the
 * bitmap matters to disks with a parent only. */
static int read_block(const struct vhd *v, uint64_t at, void *to, uint64_t n)
{
    if (v->table == NULL)
        return file_read(&v->f, at, to, n);
    uint32_t sector = be32toh(v->table[at / v->block]);
    if (sector == NO_BLOCK) {
        memset(to, 0, n);
        return 0;
    }
    return file_read(&v->f, (uint64_t)sector * 512 + v->bitmap + at % v->block, to, n);
}

/* Reads wait: images of this kind are there to be read once. */
static void vhd_submit(struct image *img, struct image_request *r)
{
    const struct vhd *v = img->priv;
    uint64_t at = r->offset;
    int rc = 0;

    for (unsigned int i = 0; i < r->iovcnt && rc == 0; i++) {
        for (uint64_t done = 0; done < r->iov[i].iov_len && rc == 0;) {
            uint64_t n = r->iov[i].iov_len - done, rest = v->block ? v->block - at % v->block : n;

            n = n < rest ? n : rest;
            rc = read_block(v, at, (char *)r->iov[i].iov_base + done, n);
            at += n;
            done += n;
        }
    }
    r->done(r, rc);
}

const struct image_ops image_vhd = {"vhd", vhd_open, vhd_close, vhd_submit};
