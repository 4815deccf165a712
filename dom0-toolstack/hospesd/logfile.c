/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See logfile.h. */
#include "dom0-toolstack/hospesd/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(struct logfile *l)
{
    struct stat st;

    l->fd = open(l->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->fd < 0)
        return -errno;
    l->size = fstat(l->fd, &st) == 0 ? (size_t)st.st_size : 0;
    return 0;
}

int logfile_open(struct logfile *l, const char *path, size_t max)
{
    *l = (struct logfile){.fd = -1, .max = max, .path = strdup(path)};
    return l->path ? open_file(l) : -ENOMEM;
}

void logfile_close(struct logfile *l)
{
    if (l->fd >= 0)
        close(l->fd);
    free(l->path);
    *l = (struct logfile){.fd = -1};
}

void logfile_reopen(struct logfile *l)
{
    if (!l->path)
        return;
    if (l->fd >= 0)
        close(l->fd);
    open_file(l);
}

static void rotate(struct logfile *l)
{
    char *first = NULL, *second = NULL;

    if (asprintf(&first, "%s.1", l->path) >= 0 && asprintf(&second, "%s.2", l->path) >= 0) {
        rename(first, second);
        rename(l->path, first);
    }
    free(first);
    free(second);
    logfile_reopen(l);
}

void logfile_write(struct logfile *l, const char *data, size_t len)
{
    if (!l->path)
        return;
    if (l->size >= l->max)
        rotate(l);
    while (len && l->fd >= 0) {
        ssize_t n = write(l->fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        l->size += (size_t)n;
        data += n;
        len -= (size_t)n;
    }
}

char *logfile_tail(const struct logfile *l, size_t max, size_t *len)
{
    size_t want = l->size < max ? l->size : max;
    char *buf = l->fd >= 0 && want ? malloc(want) : NULL;
    ssize_t n;

    if (!buf)
        return NULL;
    n = pread(l->fd, buf, want, (off_t)(l->size - want));
    if (n <= 0) {
        free(buf);
        return NULL;
    }
    *len = (size_t)n;
    return buf;
}
