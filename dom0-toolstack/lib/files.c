/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole-file reading and crash-safe writing; see files.h. */
#include "dom0-toolstack/lib/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_make_dirs(const char *path, mode_t mode)
{
    char *copy;
    int rc = 0;

    /* Mostly it is there, or its parent is. */
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return 0;
    copy = strdup(path);
    if (copy == NULL)
        return -ENOMEM;
    for (char *p = copy + 1; rc == 0; p++) {
        char was = *p;

        if (was != '/' && was != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            rc = -errno;
        *p = was;
        if (was == '\0')
            break;
    }
    free(copy);
    return rc;
}

static int read_fd(int fd, char *to, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = read(fd, to + *got, size - *got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return 0;
}

int file_make_absolute(char **path)
{
    char *here, *full;
    int rc;

    if ((*path)[0] == '/')
        return 0;
    here = getcwd(NULL, 0);
    if (here == NULL)
        return -errno;
    rc = asprintf(&full, "%s/%s", strcmp(here, "/") == 0 ? "" : here, *path);
    free(here);
    if (rc < 0)
        return -ENOMEM;
    free(*path);
    *path = full;
    return 0;
}

int file_read_all(const char *path, size_t max, void **data, size_t *size)
{
    struct stat st;
    char *buf = NULL;
    int rc, fd;

    *data = NULL;
    *size = 0;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0) {
        rc = -errno;
        goto out;
    }
    rc = S_ISREG(st.st_mode) ? 0 : S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    if (rc != 0)
        goto out;
    if ((uintmax_t)st.st_size > max) {
        rc = -EFBIG;
        goto out;
    }
    buf = malloc((size_t)st.st_size + 1);
    if (buf == NULL) {
        rc = -ENOMEM;
        goto out;
    }
    rc = read_fd(fd, buf, (size_t)st.st_size, size);
    if (rc != 0)
        goto out;
    buf[*size] = '\0';
    *data = buf;
    buf = NULL;

out:
    free(buf);
    close(fd);
    return rc;
}

int file_write_fd(int fd, const void *data, size_t size)
{
    const char *p = data;

    while (size > 0) {
        ssize_t n = write(fd, p, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

/* ---- files that have no name before they are complete ---- */

static int open_unnamed(const char *path)
{
    char *copy = strdup(path);
    int fd;

    if (copy == NULL)
        return -ENOMEM;
    fd = open(dirname(copy), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    fd = fd < 0 ? -errno : fd;
    free(copy);
    return fd;
}

static int open_named(struct new_file *f)
{
    int fd;

    if (asprintf(&f->temporary, "%s.XXXXXX", f->path) < 0) {
        f->temporary = NULL;
        return -ENOMEM;
    }
    fd = mkostemp(f->temporary, O_CLOEXEC);
    if (fd >= 0)
        return fd;
    fd = -errno;
    free(f->temporary);
    f->temporary = NULL;
    return fd;
}

int new_file_open(struct new_file *f, const char *path)
{
    struct stat st;

    *f = (struct new_file){.fd = -1};
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return -EEXIST;
    f->path = strdup(path);
    if (f->path == NULL)
        return -ENOMEM;
    f->fd = open_unnamed(path);
    /* What a kernel or a file system says that does not know the flag. */
    if (f->fd == -EOPNOTSUPP || f->fd == -EISDIR || f->fd == -EINVAL)
        f->fd = open_named(f);
    if (f->fd >= 0)
        return 0;
    free(f->path);
    return f->fd;
}

/* A link cannot replace what is there, so the file gets a name beside it first. */
static int name_temporarily(struct new_file *f)
{
    char link[32];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", f->fd);
    for (unsigned int i = 0; i < 1000; i++) {
        if (asprintf(&f->temporary, "%s.%u.new", f->path, i) < 0) {
            f->temporary = NULL;
            return -ENOMEM;
        }
        if (linkat(AT_FDCWD, link, AT_FDCWD, f->temporary, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        free(f->temporary);
        f->temporary = NULL;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

int new_file_keep(struct new_file *f)
{
    int rc = fsync(f->fd) < 0 ? -errno : 0;

    if (rc == 0 && f->temporary == NULL)
        rc = name_temporarily(f);
    if (rc == 0 && rename(f->temporary, f->path) < 0)
        rc = -errno;
    if (rc == 0) {
        free(f->temporary);
        f->temporary = NULL;
    }
    new_file_drop(f);
    return rc;
}

void new_file_drop(struct new_file *f)
{
    if (f->temporary != NULL)
        unlink(f->temporary);
    free(f->temporary);
    free(f->path);
    if (f->fd >= 0)
        close(f->fd);
    *f = (struct new_file){.fd = -1};
}

int file_write_atomic(const char *path, const void *data, size_t size, mode_t mode)
{
    struct new_file f;
    int rc = new_file_open(&f, path);

    if (rc != 0)
        return rc;
    rc = file_write_fd(f.fd, data, size);
    if (rc == 0 && fchmod(f.fd, mode) < 0)
        rc = -errno;
    if (rc == 0)
        return new_file_keep(&f);
    new_file_drop(&f);
    return rc;
}
