/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See turn.h. */
#include "pv-backends/lib/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"

static char name[256];

int turn_wait(const char *folder, const char *path, const volatile sig_atomic_t *stop,
              struct hl_error *e)
{
    size_t at;
    int fd;

    mkdir("/run/hospes", 0700);
    at = (size_t)snprintf(name, sizeof(name), "/run/hospes/%s", folder);
    mkdir(name, 0700);
    name[at++] = '/';
    for (const char *p = path + 1; *p != '\0' && at < sizeof(name) - 6; p++)
        name[at++] = *p == '/' ? '-' : *p;
    strcpy(name + at, ".lock");
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    while (fd >= 0 && !*stop && flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return hl_fail(e, errno, "lock the device", name, NULL);
    if (fd < 0)
        return hl_fail(e, errno, "lock the device", name, NULL);
    /* From now on the program outlives hospesd, which had it die with itself (backends.c). */
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    return *stop ? -EINTR : 0;
}

void turn_forget(void)
{
    if (name[0] != '\0')
        unlink(name);
}
