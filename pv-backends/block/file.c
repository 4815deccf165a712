/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See file.h. */
#include "pv-backends/block/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"

#define MAX_SHARERS 64 /* whose locks are seen; who comes after them has none */

static int measure(struct file *f, const char *path, struct hl_error *e)
{
    struct stat st;

    if (fstat(f->fd, &st) < 0)
        return hl_fail(e, errno, "open the image", path, NULL);
    if (S_ISREG(st.st_mode)) {
        f->size = (uint64_t)st.st_size;
        f->discard = true;
        return 0;
    }
    if (!S_ISBLK(st.st_mode))
        return hl_fail(e, EINVAL, "open the image", path, "neither a file nor a block device");
    f->block = true;
    int sector = 512;
    if (ioctl(f->fd, BLKGETSIZE64, &f->size) < 0 || ioctl(f->fd, BLKSSZGET, &sector) < 0)
        return hl_fail(e, errno, "ask for the size of the disk", path, NULL);
    f->sector = (unsigned int)sector;
    f->discard = true;
    return 0;
}

/*
 * One byte of its own keeps those away who lock the whole, and none of its kind. Where somebody has the whole already,
 * its user said that this is well: then there is no lock.
 */
static void lock_shared(struct file *f)
{
    for (off_t i = 0; i < MAX_SHARERS; i++) {
        struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};

        if (fcntl(f->fd, F_OFD_SETLK, &byte) == 0)
            return;
    }
}

static int lock(struct file *f, const char *path, bool read_only, bool shared, struct hl_error *e)
{
    struct flock range = {.l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};

    if (shared && !read_only)
        lock_shared(f);
    if (shared || fcntl(f->fd, F_OFD_SETLK, &range) == 0)
        return 0;
    if (errno != EAGAIN && errno != EACCES)
        return hl_fail(e, errno, "lock the image", path, NULL);
    hl_fail(e, EBUSY, "open the image", path, "another disk is using it");
    hl_error_advise(e, "two systems that write to one disk destroy it; give each a copy, or an "
                       "image with this one as "
                       "backing file");
    return -EBUSY;
}

/*
 * Around the page cache; -1 where single sectors of 512 bytes, which guests ask for, cannot be had so: not from sectors
 * of 4 KiB, a file system's below it as well, nor from some file systems at all.
 */
static int open_direct(const char *path, int flags)
{
    static char buffer[1024] __attribute__((aligned(1024)));
    int fd = open(path, flags | O_CLOEXEC | O_DIRECT);

    if (fd < 0 || pread(fd, buffer + 512, 512, 512) >= 0)
        return fd;
    close(fd);
    return -1;
}

int file_open(struct file *f, const char *path, bool read_only, bool shared, bool direct,
              struct hl_error *e)
{
    *f = (struct file){.fd = -1, .sector = 512};
    if (direct)
        f->fd = open_direct(path, read_only ? O_RDONLY : O_RDWR);
    f->direct = f->fd >= 0;
    if (!f->direct)
        f->fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (f->fd < 0)
        return hl_fail(e, errno, "open the image", path, NULL);
    int rc = measure(f, path, e);
    if (rc == 0)
        rc = lock(f, path, read_only, shared, e);
    if (rc < 0)
        file_close(f);
    return rc;
}

void file_close(struct file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

int file_read(const struct file *f, uint64_t offset, void *to, uint64_t n)
{
    for (char *p = to; n != 0;) {
        ssize_t got = pread(f->fd, p, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -EIO;
        p += got;
        offset += (uint64_t)got;
        n -= (uint64_t)got;
    }
    return 0;
}

int file_write(const struct file *f, uint64_t offset, const void *from, uint64_t n)
{
    for (const char *p = from; n != 0;) {
        ssize_t put = pwrite(f->fd, p, n, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? -errno : -EIO;
        p += put;
        offset += (uint64_t)put;
        n -= (uint64_t)put;
    }
    return 0;
}

uint64_t file_length(const struct file *f)
{
    struct stat st;

    return f->block || fstat(f->fd, &st) < 0 ? f->size : (uint64_t)st.st_size;
}
