/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See turn.h. */
#include "pv-backends/lib/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/lock.h"

static const char step[] = "lock the device";

/* Where in the file a device has its byte; -EINVAL. Both numbers have fewer than 31 bits (xen/io/blkif.h, xen.h). */
static int place(const char *path, off_t *out)
{
    const char *devid = strrchr(path, '/'), *domid = devid;
    unsigned long long dom, dev;
    int end = 0;

    if (domid == NULL)
        return -EINVAL;
    while (domid > path && domid[-1] != '/')
        domid--;
    if (sscanf(domid, "%9llu/%10llu%n", &dom, &dev, &end) != 2 || domid[end] != '\0' ||
        dev > INT32_MAX)
        return -EINVAL;
    *out = (off_t)(dom << 31 | dev);
    return 0;
}

int turn_wait(const char *kind, const char *path, const volatile sig_atomic_t *stop,
              struct hl_error *e)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    char name[32], file[PATH_MAX];
    int fd, rc = place(path, &range.l_start);

    if (rc < 0)
        return hl_fail(e, -rc, step, path, "it is no device's path");
    snprintf(name, sizeof(name), "%s.lock", kind);
    rc = run_path(file, sizeof(file), name);
    if (rc < 0)
        return hl_fail(e, -rc, step, name, NULL);
    fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return hl_fail(e, errno, step, file, NULL);
    while (!*stop && fcntl(fd, F_OFD_SETLKW, &range) < 0)
        if (errno != EINTR)
            return hl_fail(e, errno, step, file, NULL);
    /* From now on the program outlives hospesd, which had it die with itself (backends.c). */
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    return *stop ? -EINTR : 0;
}
