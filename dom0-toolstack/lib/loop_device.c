/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loop devices; see loop_device.h and Linux's include/uapi/linux/loop.h. */
#include "dom0-toolstack/lib/loop_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/script.h"

#define MAX_TRIES 100 /* others look for free loop devices, too */

static int configure(int file, const char *path, bool readonly, uint32_t number,
                     struct loop_device *l)
{
    struct loop_config config = {
        .fd = (uint32_t)file,
        .info = {.lo_flags =
                     LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO | (readonly ? LO_FLAGS_READ_ONLY : 0)},
    };
    char name[32];
    struct stat st;

    /* For losetup and /sys; a longer name is cut. */
    snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%.63s", path);
    snprintf(name, sizeof(name), "/dev/loop%u", number);
    l->fd = open(name, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (l->fd < 0)
        return -errno;
    if (ioctl(l->fd, LOOP_CONFIGURE, &config) < 0 || fstat(l->fd, &st) < 0) {
        int rc = -errno;

        close(l->fd);
        l->fd = -1;
        return rc;
    }
    l->number = number;
    l->major = major(st.st_rdev);
    l->minor = minor(st.st_rdev);
    return 0;
}

int loop_open(int fd, const char *path, bool readonly, struct loop_device *l, struct hl_error *e)
{
    static const char step[] = "set a loop device up";
    int control, rc = module_need("loop", "/dev/loop-control", step, e);

    l->fd = -1;
    if (rc < 0)
        return rc;
    control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return hl_fail(e, errno, step, "/dev/loop-control", NULL);
    rc = -EBUSY;
    for (int i = 0; i < MAX_TRIES && (rc == -EBUSY || rc == -ENXIO || rc == -ENOENT); i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);

        if (number < 0) {
            rc = -errno;
            break;
        }
        if (i > 0)
            usleep(2000); /* devtmpfs or a competitor */
        rc = configure(fd, path, readonly, (uint32_t)number, l);
    }
    close(control);
    return rc == 0 ? 0 : hl_fail(e, -rc, step, path, NULL);
}

bool loop_file(uint32_t number, struct loop_file *f)
{
    struct loop_info64 info;
    char name[32];
    int fd, rc;

    snprintf(name, sizeof(name), "/dev/loop%u", number);
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    rc = ioctl(fd, LOOP_GET_STATUS64, &info);
    close(fd);
    if (rc < 0)
        return false;
    f->dev = (dev_t)info.lo_device;
    f->ino = (ino_t)info.lo_inode;
    f->begin = info.lo_offset;
    f->end = info.lo_sizelimit == 0 || info.lo_sizelimit > UINT64_MAX - f->begin
                 ? UINT64_MAX
                 : f->begin + info.lo_sizelimit;
    f->readonly = (info.lo_flags & LO_FLAGS_READ_ONLY) != 0;
    return true;
}
