/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Granted pages; see gntdev.h. */
#include "dom0-toolstack/lib/gntdev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/linux_xen_ioctl.h"

struct gntdev {
    int fd;
};

int gntdev_open(struct gntdev **out, struct hl_error *e)
{
    struct gntdev *g = malloc(sizeof(*g));
    int err;

    *out = NULL;
    if (g == NULL)
        return hl_fail(e, ENOMEM, "open grants", NULL, NULL);
    g->fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
    if (g->fd < 0) {
        err = hl_fail(e, errno, "open grants", "/dev/xen/gntdev", NULL);
        hl_error_advise(e, "load the driver: modprobe xen-gntdev");
        free(g);
        return err;
    }
    *out = g;
    return 0;
}

void gntdev_close(struct gntdev *g)
{
    if (g == NULL)
        return;
    close(g->fd);
    free(g);
}

static int release(struct gntdev *g, uint64_t index, size_t count)
{
    struct gntdev_ioctl_unmap arg = {.index = index, .count = (uint32_t)count};

    return ioctl(g->fd, GNTDEV_UNMAP, &arg) < 0 ? -errno : 0;
}

void *gntdev_map(struct gntdev *g, uint32_t domid, const uint32_t *refs, size_t count,
                 struct hl_error *e)
{
    struct gntdev_ioctl_map *arg;
    uint64_t index;
    void *p;

    if (count == 0 || count > 1u << 16) {
        hl_fail_dom(e, EINVAL, domid, "map granted pages", NULL);
        return NULL;
    }
    arg = calloc(1, sizeof(*arg) + (count - 1) * sizeof(arg->refs[0]));
    if (arg == NULL) {
        hl_fail_dom(e, ENOMEM, domid, "map granted pages", NULL);
        return NULL;
    }
    arg->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        arg->refs[i] = (struct gntdev_ref){domid, refs[i]};
    if (ioctl(g->fd, GNTDEV_MAP, arg) < 0) {
        hl_fail_dom(e, errno, domid, "map granted pages", NULL);
        free(arg);
        return NULL;
    }
    index = arg->index;
    free(arg);
    p = mmap(NULL, count * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, g->fd, (off_t)index);
    if (p == MAP_FAILED) {
        hl_fail_dom(e, errno, domid, "map granted pages", NULL);
        release(g, index, count);
        return NULL;
    }
    return p;
}

int gntdev_unmap(struct gntdev *g, void *p, size_t count)
{
    struct gntdev_ioctl_offset arg = {.address = (uintptr_t)p};

    if (ioctl(g->fd, GNTDEV_GET_OFFSET, &arg) < 0)
        return -errno;
    if (arg.count != count)
        return -EINVAL;
    if (munmap(p, count * 4096) < 0)
        return -errno;
    return release(g, arg.offset, count);
}

int gntdev_copy(struct gntdev *g, struct gntdev_copy_segment *segments, unsigned int count)
{
    struct gntdev_ioctl_copy arg = {.count = count, .segments = segments};

    if (ioctl(g->fd, GNTDEV_COPY, &arg) < 0)
        return -errno;
    for (unsigned int i = 0; i < count; i++)
        if (segments[i].status != 0)
            return -EIO;
    return 0;
}
