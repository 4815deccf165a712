/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A journal in a shared mapping. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xenstore/jfile.h"

#define HEADER_SIZE 4096u
#define STEP        (256u * 1024)
#define VERSION     1u
/* A journal of this many bytes beside its snapshot is worth a new snapshot. */
#define SLACK (1024u * 1024)

static const char magic[8] = "HSXSJRNL";

static void read_boot_id(char id[40])
{
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

    memset(id, 0, 40);
    if (f) {
        if (!fgets(id, 40, f)) {
            id[0] = '\0';
        }
        fclose(f);
    }
}

static char *entries(const struct jfile *f)
{
    return (char *)f->map + HEADER_SIZE;
}

static bool is_valid(const struct jfile *f)
{
    char id[40];

    read_boot_id(id);
    return !memcmp(f->map->magic, magic, sizeof(magic)) && f->map->version == VERSION &&
           !memcmp(f->map->boot_id, id, sizeof(id)) && f->map->used <= f->size - HEADER_SIZE;
}

bool jfile_load(struct jfile *f, const char *path, const void **data, size_t *len, bool *clean)
{
    struct stat st;
    void *map;

    *f = (struct jfile){.fd = -1};
    f->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (f->fd < 0) {
        return false;
    }
    if (fstat(f->fd, &st) || st.st_size < (off_t)HEADER_SIZE) {
        jfile_close(f);
        return false;
    }
    f->size = (size_t)st.st_size;
    map = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    if (map == MAP_FAILED) {
        jfile_close(f);
        return false;
    }
    f->map = map;
    if (!is_valid(f)) {
        jfile_close(f);
        return false;
    }
    *data = entries(f);
    *len = f->map->used;
    *clean = f->map->clean;
    return true;
}

/* Room for that many bytes of entries, really there: a hole in a full file system would be a SIGBUS
 * later. */
static int grow(struct jfile *f, uint64_t need)
{
    size_t size = (size_t)((need + HEADER_SIZE + STEP - 1) / STEP * STEP);
    void *map;
    int err;

    if (size <= f->size) {
        return 0;
    }
    err = posix_fallocate(f->fd, 0, (off_t)size);
    if (err) {
        return err;
    }
    map = f->map ? mremap(f->map, f->size, size, MREMAP_MAYMOVE)
                 : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    if (map == MAP_FAILED) {
        return errno;
    }
    f->map = map;
    f->size = size;
    return 0;
}

static void append(struct jfile *f, const void *data, size_t len)
{
    uint64_t used = f->map->used;

    memcpy(entries(f) + used, data, len);
    /* The number last: entries count only when they are whole. */
    __atomic_store_n(&f->map->used, used + len, __ATOMIC_RELEASE);
}

static int write_new(struct jfile *f, const char *temp, const void *snapshot, size_t len)
{
    int err;

    *f = (struct jfile){.fd = -1};
    unlink(temp);
    f->fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->fd < 0) {
        return errno;
    }
    err = grow(f, len + STEP);
    if (err) {
        return err;
    }
    memcpy(f->map->magic, magic, sizeof(magic));
    f->map->version = VERSION;
    read_boot_id(f->map->boot_id);
    append(f, snapshot, len);
    f->base = len;
    return 0;
}

int jfile_start(struct jfile *f, const char *path, const void *snapshot, size_t len)
{
    struct jfile fresh;
    char temp[4096];
    int err;

    if ((size_t)snprintf(temp, sizeof(temp), "%s.new", path) >= sizeof(temp)) {
        return ENAMETOOLONG;
    }
    err = write_new(&fresh, temp, snapshot, len);
    if (!err) {
        fresh.path = strdup(path);
        err = fresh.path ? 0 : ENOMEM;
    }
    if (!err && rename(temp, path)) {
        err = errno;
    }
    if (err) {
        unlink(temp);
        jfile_close(&fresh);
        f->failed = true;
        return err;
    }
    jfile_close(f);
    *f = fresh;
    return 0;
}

void jfile_add(struct jfile *f, const void *data, size_t len)
{
    if (!f->map || f->failed) {
        return;
    }
    if (grow(f, f->map->used + len)) {
        f->failed = true;
        return;
    }
    append(f, data, len);
}

bool jfile_wants_snapshot(const struct jfile *f)
{
    return f->failed || (f->map && f->map->used > 2 * f->base + SLACK);
}

void jfile_set_clean(struct jfile *f, bool clean)
{
    if (f->map) {
        f->map->clean = clean;
    }
}

void jfile_close(struct jfile *f)
{
    if (f->map) {
        munmap(f->map, f->size);
    }
    if (f->fd >= 0) {
        close(f->fd);
    }
    free(f->path);
    *f = (struct jfile){.fd = -1};
}
