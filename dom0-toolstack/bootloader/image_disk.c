/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See image_disk.h. */
#include "dom0-toolstack/bootloader/image_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/block/image.h"
#include "pv-backends/block/io.h"

#define SECTOR 512u

struct image_disk {
    struct io *io;
    struct image *image;
};

struct wait {
    bool done;
    int rc;
};

static void request_done(struct image_request *r, int rc)
{
    struct wait *w = r->opaque;

    w->done = true;
    w->rc = rc;
}

static int read_sectors(struct image_disk *id, uint64_t offset, void *to, size_t n)
{
    struct wait w = {false, 0};
    struct iovec iov = {to, n};
    struct image_request r = {.op = IMAGE_READ,
                              .offset = offset,
                              .length = n,
                              .iov = &iov,
                              .iovcnt = 1,
                              .done = request_done,
                              .opaque = &w};

    image_submit(id->image, &r);
    while (!w.done) {
        int rc = io_turn(id->io, true);

        if (rc < 0)
            return rc;
    }
    return w.rc;
}

/* Images are read in whole sectors. */
static int image_disk_read(struct disk *d, uint64_t offset, void *to, size_t n)
{
    uint64_t first = offset / SECTOR * SECTOR;
    size_t whole = (size_t)((offset - first + n + SECTOR - 1) / SECTOR * SECTOR);
    uint8_t *buffer;
    int rc;

    if (n == 0)
        return 0;
    buffer = aligned_alloc(4096, (whole + 4095) / 4096 * 4096);
    if (buffer == NULL)
        return -ENOMEM;
    rc = read_sectors(d->opaque, first, buffer, whole);
    if (rc == 0)
        memcpy(to, buffer + (offset - first), n);
    free(buffer);
    return rc;
}

int image_disk_open(struct disk *d, const char *format, const char *target, struct hl_error *e)
{
    struct image_disk *id = calloc(1, sizeof(*id));
    int rc;

    if (id == NULL)
        return hl_fail(e, ENOMEM, "open the image", target, NULL);
    rc = io_open(&id->io, 16, e);
    if (rc == 0)
        /* A look; whether the guest may have it, is found out when its disks are made. */
        rc = image_open(&id->image, id->io, format, target, true, true, false, e);
    if (rc < 0) {
        io_close(id->io);
        free(id);
        return rc;
    }
    *d = (struct disk){
        .size = id->image->size / SECTOR * SECTOR, .read = image_disk_read, .opaque = id};
    return 0;
}

void image_disk_close(struct disk *d)
{
    struct image_disk *id = d->opaque;

    image_close(id->image);
    io_close(id->io);
    free(id);
}
