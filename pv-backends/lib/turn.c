/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See turn.h. */
#include "pv-backends/lib/turn.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/lock.h"

/* Where in the file a device has its byte; -EINVAL. Both numbers have fewer than 31 bits (xen/io/blkif.h, xen.h). */
static int place(const char *path, uint64_t *out)
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
    *out = dom << 31 | dev;
    return 0;
}

int turn_wait(const char *kind, const char *path, struct hl_error *e)
{
    char name[32];
    uint64_t at = 0;
    int rc = place(path, &at);

    if (rc < 0)
        return hl_fail(e, -rc, "lock the device", path, "it is no device's path");
    snprintf(name, sizeof(name), "%s.lock", kind);
    rc = lock_take_in(name, at, e);
    if (rc < 0)
        return rc;
    /* From now on the program outlives hospesd, which had it die with itself (backends.c). */
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    return 0;
}
