/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache of unpacked kernels; see kernel_cache.h. In the folder:
 *
 *   SHA256.elf      the unpacked kernel, then a trailer: magic, size, checksum
 *   f-DEV-INO-SIZE-MTIME-CTIME -> SHA256.elf
 *                   a file that was hashed before: as long as its status is the same, so is its hash
 *                   (every change of a file moves its ctime, which no program can set)
 *
 * The folder is root's alone, so the checksum guards against accidents, not against attacks.
 */
#include "dom0-toolstack/lib/kernel_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/kernel_image.h"

#define DEFAULT_DIR "/var/cache/hospes/kernels"
#define DEFAULT_MAX ((size_t)512 << 20)
#define MAX_PACKED  ((size_t)1 << 30)
#define MAX_LINKS   64u

static char *configured_dir;
static size_t max_bytes = DEFAULT_MAX;

struct trailer {
    char magic[8];
    uint64_t size;
    uint64_t checksum;
    uint64_t reserved;
};
static const char trailer_magic[8] = "HOSPKRN1";

void kernel_cache_configure(const char *dir, size_t max)
{
    free(configured_dir);
    configured_dir = dir == NULL ? NULL : strdup(dir);
    max_bytes = max == 0 ? DEFAULT_MAX : max;
}

static const char *cache_dir(void)
{
    const char *dir = configured_dir != NULL ? configured_dir : getenv("HOSPES_KERNEL_CACHE");

    return dir != NULL && *dir != '\0' ? dir : DEFAULT_DIR;
}

/* Fast and good against accidents: four lanes of multiply and fold over 64-bit words. */
static uint64_t checksum(const void *data, size_t size)
{
    const uint64_t prime = 0x9e3779b97f4a7c15ull;
    uint64_t lane[4] = {1, 2, 3, 4}, tail[4] = {0, 0, 0, 0}, w[4], sum = size;
    const uint8_t *p = data;
    size_t n;

    for (n = size; n >= sizeof(w); n -= sizeof(w), p += sizeof(w)) {
        memcpy(w, p, sizeof(w));
        for (int i = 0; i < 4; i++)
            lane[i] = (lane[i] ^ w[i]) * prime;
    }
    memcpy(tail, p, n);
    for (int i = 0; i < 4; i++) {
        lane[i] = (lane[i] ^ tail[i]) * prime;
        sum = (sum ^ lane[i] ^ lane[i] >> 29) * prime;
    }
    return sum;
}

/* ---- names ---- */

#define NAME_SIZE (64 + 4 + 1)

static void hash_name(const void *data, size_t size, char name[NAME_SIZE])
{
    unsigned char digest[32];

    if (!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
        gcry_check_version(NULL);
        gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
        gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    }
    gcry_md_hash_buffer(GCRY_MD_SHA256, digest, data, size);
    for (int i = 0; i < 32; i++)
        sprintf(name + 2 * i, "%02x", digest[i]);
    strcpy(name + 64, ".elf");
}

static void link_name(const struct stat *st, char *name, size_t size)
{
    snprintf(name, size, "f-%llx-%llx-%llx-%llx.%lx-%llx.%lx", (unsigned long long)st->st_dev,
             (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
             (unsigned long long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec,
             (unsigned long long)st->st_ctim.tv_sec, (unsigned long)st->st_ctim.tv_nsec);
}

/* ---- reading ---- */

/* Maps an entry and checks it; removes it when it is bad. */
static bool open_entry(int dir, const char *name, struct kernel_file *k)
{
    struct trailer t;
    struct stat st;
    uint8_t *map;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return false;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size <= sizeof(t) ||
        (size_t)st.st_size > KERNEL_MAX_SIZE + sizeof(t))
        goto bad;
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (map == MAP_FAILED)
        goto bad;
    memcpy(&t, map + st.st_size - sizeof(t), sizeof(t));
    if (memcmp(t.magic, trailer_magic, sizeof(t.magic)) != 0 ||
        t.size != (size_t)st.st_size - sizeof(t) || t.checksum != checksum(map, t.size)) {
        munmap(map, (size_t)st.st_size);
        goto bad;
    }
    (void)futimens(fd, NULL); /* just used: goes last */
    close(fd);
    *k = (struct kernel_file){.data = map,
                              .size = t.size,
                              .map = map,
                              .map_size = (size_t)st.st_size,
                              .from_cache = true};
    return true;

bad:
    close(fd);
    unlinkat(dir, name, 0);
    return false;
}

static bool open_by_status(int dir, const struct stat *st, struct kernel_file *k)
{
    char link[160], name[NAME_SIZE + 8];
    ssize_t n;

    link_name(st, link, sizeof(link));
    n = readlinkat(dir, link, name, sizeof(name) - 1);
    if (n != NAME_SIZE - 1)
        return false;
    name[n] = '\0';
    if (strchr(name, '/') != NULL)
        return false;
    return open_entry(dir, name, k);
}

/* ---- bounding ---- */

struct entry {
    char name[NAME_SIZE];
    size_t size;
    struct timespec used;
};

static int by_age(const void *a, const void *b)
{
    const struct timespec *x = &((const struct entry *)a)->used;
    const struct timespec *y = &((const struct entry *)b)->used;

    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* Drops links to nothing, temporary files of crashed writers, and links past a fair number. */
static void prune_link(int dir, const char *name, unsigned int *links)
{
    struct stat st;

    if (fstatat(dir, name, &st, 0) < 0 || ++*links > MAX_LINKS)
        unlinkat(dir, name, 0);
}

static void prune_temporary(int dir, const char *name)
{
    struct timespec now;
    struct stat st;

    clock_gettime(CLOCK_REALTIME, &now);
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && now.tv_sec - st.st_mtim.tv_sec > 3600)
        unlinkat(dir, name, 0);
}

/* Removes the least recently used entries until `room` more bytes fit below the bound. */
static void prune(int dir, size_t room)
{
    struct entry *list = NULL, *grown;
    size_t n = 0, total = room;
    unsigned int links = 0;
    struct dirent *d;
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);

    if (stream == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((d = readdir(stream)) != NULL) {
        struct stat st;

        if (strncmp(d->d_name, "tmp-", 4) == 0)
            prune_temporary(dir, d->d_name);
        else if (strncmp(d->d_name, "f-", 2) == 0)
            prune_link(dir, d->d_name, &links);
        if (strlen(d->d_name) != NAME_SIZE - 1 || fstatat(dir, d->d_name, &st, 0) < 0 ||
            strcmp(d->d_name + NAME_SIZE - 5, ".elf") != 0)
            continue;
        grown = realloc(list, (n + 1) * sizeof(*list));
        if (grown == NULL)
            break;
        list = grown;
        list[n] = (struct entry){.size = (size_t)st.st_size, .used = st.st_mtim};
        memcpy(list[n].name, d->d_name, NAME_SIZE);
        total += list[n].size;
        n++;
    }
    closedir(stream);
    if (n > 0)
        qsort(list, n, sizeof(*list), by_age);
    for (size_t i = 0; i < n && total > max_bytes; i++) {
        if (unlinkat(dir, list[i].name, 0) == 0)
            total -= list[i].size;
    }
    free(list);
}

/* ---- writing ---- */

static bool room_on_disk(int dir, size_t size)
{
    struct statvfs v;

    if (size > max_bytes || fstatvfs(dir, &v) < 0)
        return false;
    /* A cache must not be what fills a disk (or the memory behind a RAM disk). */
    return (uint64_t)v.f_bavail * v.f_frsize / 2 > size || v.f_blocks == 0;
}

static void store(int dir, const char *name, const void *data, size_t size)
{
    struct trailer t = {.size = size, .checksum = checksum(data, size)};
    char tmp[NAME_SIZE + 40];
    int fd, rc;

    if (!room_on_disk(dir, size))
        return;
    memcpy(t.magic, trailer_magic, sizeof(t.magic));
    prune(dir, size + sizeof(t));
    snprintf(tmp, sizeof(tmp), "tmp-%ld-%.64s", (long)getpid(), name);
    fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    rc = file_write_fd(fd, data, size);
    if (rc == 0)
        rc = file_write_fd(fd, &t, sizeof(t));
    if (rc == 0 && fdatasync(fd) < 0)
        rc = -errno;
    if (close(fd) < 0 || rc != 0 || renameat(dir, tmp, dir, name) < 0)
        unlinkat(dir, tmp, 0);
}

static void remember(int dir, const struct stat *st, const char *name)
{
    char link[160];

    link_name(st, link, sizeof(link));
    unlinkat(dir, link, 0);
    if (symlinkat(name, dir, link) < 0)
        return; /* only slower the next time */
}

/* ---- public ---- */

static int explain_read(struct hl_error *e, const char *path, int rc)
{
    hl_fail(e, -rc, "read the kernel", path, NULL);
    if (rc == -ENOENT)
        hl_error_advise(e, "check kernel= in the configuration");
    return rc;
}

/* Unpacks a file that is in memory; `dir` may be -1. A file that is not packed becomes *k's as it is: *packed is NULL. */
static int unpack_into_cache(int dir, const struct stat *st, void **packed, size_t size,
                             struct kernel_file *k, struct hl_error *e)
{
    struct kernel_payload payload;
    char name[NAME_SIZE];
    void *data;
    size_t len;
    int rc = kernel_find_payload(*packed, size, &payload, e);

    if (rc != 0)
        return rc;
    if (payload.compression == KERNEL_PLAIN && payload.data == *packed && size <= KERNEL_MAX_SIZE) {
        *k = (struct kernel_file){.data = *packed, .size = size};
        *packed = NULL;
        return 0;
    }
    if (dir >= 0 && payload.compression != KERNEL_PLAIN) {
        hash_name(*packed, size, name);
        if (open_entry(dir, name, k)) {
            remember(dir, st, name);
            return 0;
        }
    }
    rc = kernel_unpack(&payload, &data, &len, e);
    if (rc != 0)
        return rc;
    if (dir >= 0 && payload.compression != KERNEL_PLAIN) {
        store(dir, name, data, len);
        remember(dir, st, name);
    }
    *k = (struct kernel_file){.data = data, .size = len};
    return 0;
}

int kernel_file_open(const char *path, struct kernel_file *k, struct hl_error *e)
{
    struct stat before, after;
    void *packed = NULL;
    size_t size;
    int dir, rc;

    memset(k, 0, sizeof(*k));
    if (stat(path, &before) < 0)
        return explain_read(e, path, -errno);
    if (file_make_dirs(cache_dir(), 0700) != 0)
        dir = -1;
    else
        dir = open(cache_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* A file without a name is a new one each time. */
    if (dir >= 0 && before.st_nlink > 0 && open_by_status(dir, &before, k)) {
        close(dir);
        return 0;
    }
    rc = file_read_all(path, MAX_PACKED, &packed, &size);
    if (rc != 0) {
        explain_read(e, path, rc);
        goto out;
    }
    /* A file that is being replaced must not be remembered under its old status. */
    if (dir >= 0 && (stat(path, &after) < 0 || after.st_ino != before.st_ino ||
                     after.st_ctim.tv_sec != before.st_ctim.tv_sec ||
                     after.st_ctim.tv_nsec != before.st_ctim.tv_nsec)) {
        close(dir);
        dir = -1;
    }
    rc = unpack_into_cache(dir, &before, &packed, size, k, e);
    if (rc != 0)
        hl_error_within(e, "%s", path);

out:
    free(packed);
    if (dir >= 0)
        close(dir);
    return rc;
}

void kernel_file_close(struct kernel_file *k)
{
    if (k->map != NULL)
        munmap(k->map, k->map_size);
    else
        free((void *)(uintptr_t)k->data);
    memset(k, 0, sizeof(*k));
}
