/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains that are being made; see creation.h. */
#include "dom0-toolstack/lib/creation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/lock.h"

static const char step[] = "guard the domain's creation";

int creations_dir(char *path, size_t size)
{
    int rc = run_path(path, size, "creating");

    return rc < 0 ? rc : file_make_dirs(path, 0700);
}

static int creation_path(const uint8_t uuid[16], char *path, size_t size)
{
    char name[48] = "creating/";

    hl_uuid_format(uuid, name + strlen(name));
    return run_path(path, size, name);
}

/* Opens and locks. Whoever had the file before may have removed it in between: -ESTALE. */
static int open_locked(struct creation *c, const uint8_t uuid[16], const char *path, int flags)
{
    struct stat st;
    int rc = 0;

    memcpy(c->uuid, uuid, sizeof(c->uuid));
    c->fd = open(path, flags | O_CLOEXEC, 0600);
    if (c->fd < 0)
        return -errno;
    if (flock(c->fd, LOCK_EX | LOCK_NB) < 0)
        rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
    else if (fstat(c->fd, &st) < 0)
        rc = -errno;
    else if (st.st_nlink == 0)
        rc = -ESTALE;
    if (rc < 0)
        creation_leave(c);
    return rc;
}

int creation_begin(struct creation *c, const uint8_t uuid[16], struct hl_error *e)
{
    char path[PATH_MAX];
    int rc = creations_dir(path, sizeof(path));

    if (rc == 0)
        rc = creation_path(uuid, path, sizeof(path));
    if (rc < 0)
        return hl_fail(e, -rc, step, path, NULL);
    do {
        rc = open_locked(c, uuid, path, O_WRONLY | O_CREAT);
    } while (rc == -ESTALE);
    if (rc == -EBUSY)
        return hl_fail(e, EBUSY, step, path, "a domain of this uuid is just being made or removed");
    return rc < 0 ? hl_fail(e, -rc, step, path, NULL) : 0;
}

int creation_domid(struct creation *c, uint32_t domid, struct hl_error *e)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%" PRIu32 "\n", domid);

    if (pwrite(c->fd, text, (size_t)n, 0) == n)
        return 0;
    return hl_fail_dom(e, errno, domid, step, NULL);
}

void creation_leave(struct creation *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

void creation_end(struct creation *c)
{
    char path[PATH_MAX];

    /* Removed while it is locked, or it might be somebody else's file by then. */
    if (c->fd >= 0 && creation_path(c->uuid, path, sizeof(path)) == 0)
        unlink(path);
    creation_leave(c);
}

int creation_take_over(struct creation *c, const uint8_t uuid[16], uint32_t *domid)
{
    char path[PATH_MAX], text[16] = "", *end;
    int rc = creation_path(uuid, path, sizeof(path));
    ssize_t n;

    *domid = CREATION_NO_DOMID;
    c->fd = -1;
    if (rc == 0)
        rc = open_locked(c, uuid, path, O_RDONLY);
    if (rc < 0)
        return rc == -ESTALE ? -ENOENT : rc;
    n = pread(c->fd, text, sizeof(text) - 1, 0);
    if (n > 1 && text[n - 1] == '\n') {
        unsigned long v = strtoul(text, &end, 10);

        if (*end == '\n' && v < CREATION_NO_DOMID)
            *domid = (uint32_t)v;
    }
    return 0;
}
