/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of an image (pv-backends/block/file.h) around the page cache, where a disk has sectors of 4 KiB and where a
 * file system has no such way: the test plays both (the linker's --wrap).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/block/file.h"
#include "tests/unit/toolstack_test.h"

static uintptr_t
    sector; /* what reads around the page cache must be aligned to; 0: there is no such way */
static int direct_fd; /* the last file that was opened so; -1: it was another way */

int __real_open(const char *path, int flags, ...);
ssize_t __real_pread(int fd, void *to, size_t n, off_t at);
int __wrap_open(const char *path, int flags, ...);
ssize_t __wrap_pread(int fd, void *to, size_t n, off_t at);

int __wrap_open(const char *path, int flags, ...)
{
    int fd;

    if ((flags & O_DIRECT) && sector == 0) {
        errno = EINVAL;
        return -1;
    }
    fd = __real_open(path, flags & ~O_DIRECT);
    direct_fd = flags & O_DIRECT ? fd : -1;
    return fd;
}

ssize_t __wrap_pread(int fd, void *to, size_t n, off_t at)
{
    if (fd == direct_fd && ((uintptr_t)to | n | (uintptr_t)at) % sector != 0) {
        errno = EINVAL;
        return -1;
    }
    return __real_pread(fd, to, n, at);
}

static char path[] = "/tmp/image_file_test.XXXXXX";

/* Is it opened, and so that a guest can read its second sector? */
static bool readable(bool direct)
{
    static char to[1024] __attribute__((aligned(1024)));
    struct hl_error *e = hl_error_new();
    struct file f;
    bool good = file_open(&f, path, true, false, direct, e) == 0 &&
                file_read(&f, 512, to + 512, 512) == 0 && to[512] == 'x';

    good = good && f.direct == (f.fd == direct_fd);
    file_close(&f);
    hl_error_free(e);
    return good;
}

static void direct(void)
{
    struct file f;

    sector = 512;
    CHECK(readable(false) && direct_fd == -1);
    CHECK(readable(true) && direct_fd != -1);
    sector = 4096;
    CHECK(readable(true) && direct_fd == -1);
    sector = 0;
    CHECK(readable(true) && direct_fd == -1);
    CHECK(file_open(&f, "/nothere/image", true, false, true, NULL) == -ENOENT);
}

int main(void)
{
    static const struct test tests[] = {{"direct", direct}};
    char text[4096] = {0};
    int fd = mkstemp(path), rc;

    text[512] = 'x';
    if (fd < 0 || write(fd, text, sizeof(text)) != sizeof(text))
        return 1;
    close(fd);
    rc = test_run("image_file", tests, 1);
    unlink(path);
    return rc;
}
