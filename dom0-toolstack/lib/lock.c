/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks between programs; see lock.h. */
#include "dom0-toolstack/lib/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"

static const char step[] = "lock what others change, too";

int run_path(char *out, size_t size, const char *name)
{
    const char *dir = getenv("HOSPES_RUN_DIR");
    int n;

    if (dir == NULL || *dir == '\0')
        dir = "/run/hospes";
    (void)file_make_dirs(dir, 0700);
    n = snprintf(out, size, "%s/%s", dir, name);
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int lock_take_in(const char *name, uint64_t what, struct hl_error *e)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    char path[PATH_MAX];
    int fd, rc = run_path(path, sizeof(path), name);

    if (rc < 0)
        return hl_fail(e, -rc, step, path, NULL);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return hl_fail(e, errno, step, path, NULL);
    range.l_start = (off_t)what;
    /* The lock is the open file's, so it works between threads, too. */
    while (fcntl(fd, F_OFD_SETLKW, &range) < 0) {
        if (errno == EINTR)
            continue;
        rc = hl_fail(e, errno, step, path, NULL);
        close(fd);
        return rc;
    }
    return fd;
}

int lock_take(uint64_t what, struct hl_error *e)
{
    return lock_take_in("devices.lock", what, e);
}

int lock_take_name(const char *name, struct hl_error *e)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return lock_take(LOCK_NAMES + hash, e);
}

void lock_drop(int fd)
{
    if (fd >= 0)
        close(fd);
}
