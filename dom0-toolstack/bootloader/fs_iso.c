/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ISO 9660, with Rock Ridge's names and links, by libarchive. The library gives entries in the order in which they lie on
 * the disc: their names are read once, and a file is found by going to it again. Joliet's names would need tables of
 * characters from files that are out of reach here.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "dom0-toolstack/bootloader/fs_kind.h"

#define MARK        32769
#define MAX_ENTRIES 65536
#define MAX_PATH    4096
#define PIECE       ((size_t)64 << 10)

struct entry {
    char *path; /* without a slash at its ends, "" for the root */
    char *
        link; /* of a symbolic link: what it says; of a second name: the first's path, from the root */
    bool symbolic, folder;
    uint64_t size;
};

struct iso {
    struct entry *entries;
    unsigned int count;
    struct archive *a; /* while it is read */
    uint64_t pos;
    uint8_t piece[PIECE];
};

/* ---- the library's input ---- */

static la_ssize_t on_read(struct archive *a, void *opaque, const void **data)
{
    struct fs *fs = opaque;
    struct iso *iso = fs->state;
    uint64_t left = fs->part.size - iso->pos;
    size_t n = left < PIECE ? (size_t)left : PIECE;

    if (fs_read_part(fs, iso->pos, iso->piece, n) < 0) {
        archive_set_error(a, EIO, "the disk cannot be read");
        return -1;
    }
    *data = iso->piece;
    iso->pos += n;
    return (la_ssize_t)n;
}

static la_int64_t on_skip(struct archive *a, void *opaque, la_int64_t n)
{
    struct fs *fs = opaque;
    struct iso *iso = fs->state;
    uint64_t left = fs->part.size - iso->pos;

    (void)a;
    if (n < 0)
        return 0;
    if ((uint64_t)n > left)
        n = (la_int64_t)left;
    iso->pos += (uint64_t)n;
    return n;
}

static la_int64_t on_seek(struct archive *a, void *opaque, la_int64_t offset, int whence)
{
    struct fs *fs = opaque;
    struct iso *iso = fs->state;
    la_int64_t base = whence == SEEK_SET   ? 0
                      : whence == SEEK_CUR ? (la_int64_t)iso->pos
                                           : (la_int64_t)fs->part.size;

    (void)a;
    if (__builtin_add_overflow(base, offset, &base) || base < 0 || (uint64_t)base > fs->part.size)
        return ARCHIVE_FATAL;
    iso->pos = (uint64_t)base;
    return base;
}

static void end(struct iso *iso)
{
    archive_read_free(iso->a);
    iso->a = NULL;
}

/* From the start. Undone by end(). */
static int begin(struct fs *fs)
{
    struct iso *iso = fs->state;
    struct archive *a = archive_read_new();

    if (a == NULL)
        return -ENOMEM;
    iso->a = a;
    iso->pos = 0;
    if (archive_read_support_format_iso9660(a) == ARCHIVE_OK &&
        archive_read_set_option(a, "iso9660", "joliet", NULL) == ARCHIVE_OK &&
        archive_read_set_read_callback(a, on_read) == ARCHIVE_OK &&
        archive_read_set_skip_callback(a, on_skip) == ARCHIVE_OK &&
        archive_read_set_seek_callback(a, on_seek) == ARCHIVE_OK &&
        archive_read_set_callback_data(a, fs) == ARCHIVE_OK && archive_read_open1(a) == ARCHIVE_OK)
        return 0;
    end(iso);
    return -EIO;
}

/* ---- the names ---- */

/* A path without needless slashes and "."; "..", too, goes up. false: too long. */
static bool normalise(char out[MAX_PATH], const char *path)
{
    char name[FS_MAX_NAME + 2];
    size_t n = 0;

    while (fs_next_name(&path, name)) {
        size_t len = strlen(name);

        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            while (n > 0 && out[--n] != '/')
                ;
            continue;
        }
        if (n + 1 + len >= MAX_PATH)
            return false;
        if (n > 0)
            out[n++] = '/';
        memcpy(out + n, name, len);
        n += len;
    }
    out[n] = '\0';
    return true;
}

static int take_entry(struct iso *iso, struct archive_entry *ae)
{
    struct entry *e = &iso->entries[iso->count];
    const char *text = archive_entry_pathname(ae), *link = archive_entry_hardlink(ae);
    char path[MAX_PATH];

    *e = (struct entry){.folder = archive_entry_filetype(ae) == AE_IFDIR,
                        .symbolic = archive_entry_filetype(ae) == AE_IFLNK,
                        .size = (uint64_t)archive_entry_size(ae)};
    if (e->symbolic)
        link = archive_entry_symlink(ae);
    if (text == NULL || !normalise(path, text))
        path[0] = '\0';
    e->path = strdup(path);
    e->link = link != NULL ? strdup(link) : NULL;
    iso->count++;
    return e->path == NULL || (link != NULL && e->link == NULL) ? -ENOMEM : 0;
}

static void drop_entries(struct iso *iso)
{
    for (unsigned int i = 0; i < iso->count; i++) {
        free(iso->entries[i].path);
        free(iso->entries[i].link);
    }
    free(iso->entries);
    iso->entries = NULL;
    iso->count = 0;
}

static int read_names(struct fs *fs)
{
    struct iso *iso = fs->state;
    struct archive_entry *ae;
    int rc = begin(fs), status = ARCHIVE_OK;

    if (rc < 0)
        return rc;
    while (rc == 0 && (status = archive_read_next_header(iso->a, &ae)) >= ARCHIVE_WARN &&
           status != ARCHIVE_EOF)
        rc = iso->count == MAX_ENTRIES ? -EFBIG : take_entry(iso, ae);
    if (rc == 0 && status != ARCHIVE_EOF)
        rc = -EIO;
    end(iso);
    return rc;
}

/* Without Rock Ridge all letters are large, and who looks for a file does not know that. */
static int find_name(const struct iso *iso, const char *path)
{
    for (unsigned int i = 0; i < iso->count; i++)
        if (strcmp(iso->entries[i].path, path) == 0)
            return (int)i;
    for (unsigned int i = 0; i < iso->count; i++)
        if (strcasecmp(iso->entries[i].path, path) == 0)
            return (int)i;
    return -ENOENT;
}

/* What a link stands for, in `path`, with `rest` behind it. */
static int follow(char path[MAX_PATH], const struct entry *e, const char *rest)
{
    char text[3 * MAX_PATH];
    int n;

    if (e->symbolic && *e->link != '/')
        n = snprintf(text, sizeof(text), "%s/../%s/%s", e->path, e->link, rest);
    else
        n = snprintf(text, sizeof(text), "%s/%s", e->link, rest);
    return n < (int)sizeof(text) && normalise(path, text) ? 0 : -ENAMETOOLONG;
}

/* The first link on the way, also one that is the end. */
static int find_link(const struct iso *iso, const char *path, const char **rest)
{
    char part[MAX_PATH];

    for (size_t n = 0; path[n] != '\0'; n += path[n] != '\0') {
        int i;

        n += strcspn(path + n, "/");
        memcpy(part, path, n);
        part[n] = '\0';
        i = find_name(iso, part);
        if (i >= 0 && iso->entries[i].link != NULL) {
            *rest = path + n;
            return i;
        }
    }
    return -ENOENT;
}

/* The number of an entry, through links. */
static int find(const struct iso *iso, const char *wanted)
{
    char path[MAX_PATH];
    const char *rest;
    int i, rc;

    if (!normalise(path, wanted))
        return -ENAMETOOLONG;
    for (unsigned int links = 0; (i = find_link(iso, path, &rest)) >= 0; links++) {
        if (links == FS_MAX_LINKS)
            return -ELOOP;
        rc = follow(path, &iso->entries[i], rest);
        if (rc < 0)
            return rc;
    }
    return find_name(iso, path);
}

/* ---- what fs.c asks ---- */

static void iso_close(struct fs *fs)
{
    struct iso *iso = fs->state;

    drop_entries(iso);
    free(iso);
}

static int iso_open(struct fs *fs, const char **why)
{
    struct iso *iso;
    char mark[5];
    int rc;

    if (fs_read_part(fs, MARK, mark, sizeof(mark)) < 0 || memcmp(mark, "CD001", 5) != 0)
        return -ENODEV;
    iso = calloc(1, sizeof(*iso));
    if (iso == NULL)
        return -ENOMEM;
    fs->state = iso;
    iso->entries = calloc(MAX_ENTRIES, sizeof(*iso->entries));
    rc = iso->entries == NULL ? -ENOMEM : read_names(fs);
    if (rc == 0)
        return 0;
    iso_close(fs);
    *why =
        rc == -EFBIG ? "it is ISO 9660 with more files than are read" : "it is a damaged ISO 9660";
    return rc == -ENOMEM ? rc : -EINVAL;
}

/* The library goes to the entries again, up to this one. */
static int iso_open_file(struct fs *fs, const char *path, uint64_t *size)
{
    struct iso *iso = fs->state;
    struct archive_entry *ae;
    int i = find(iso, path), rc;

    if (i < 0)
        return i;
    if (iso->entries[i].folder)
        return -EISDIR;
    rc = begin(fs);
    if (rc < 0)
        return rc;
    for (int n = 0; n <= i && rc == 0; n++) {
        int status = archive_read_next_header(iso->a, &ae);

        if (status == ARCHIVE_EOF || status < ARCHIVE_WARN)
            rc = -EIO;
    }
    if (rc == 0 && archive_entry_filetype(ae) != AE_IFREG)
        rc = -EINVAL;
    if (rc < 0)
        end(iso);
    *size = iso->entries[i].size;
    return rc;
}

static int iso_read(struct fs *fs, void *to, size_t n)
{
    struct iso *iso = fs->state;

    while (n > 0) {
        la_ssize_t got = archive_read_data(iso->a, to, n);

        if (got <= 0)
            return -EIO;
        to = (char *)to + got;
        n -= (size_t)got;
    }
    return 0;
}

static void iso_close_file(struct fs *fs)
{
    end(fs->state);
}

static int iso_list(struct fs *fs, const char *path, fs_name *each, void *opaque)
{
    const struct iso *iso = fs->state;
    int i = find(iso, path), rc = 0;
    const char *folder = i >= 0 ? iso->entries[i].path : "";
    size_t n = strlen(folder);

    /* The root may have no entry of its own. */
    if (i < 0 && path[strspn(path, "/")] != '\0')
        return i;
    for (unsigned int k = 0; k < iso->count && rc == 0; k++) {
        const char *p = iso->entries[k].path;

        if (n > 0) {
            if (strncmp(p, folder, n) != 0 || p[n] != '/')
                continue;
            p += n + 1;
        }
        if (*p != '\0' && strchr(p, '/') == NULL)
            rc = each(opaque, p);
    }
    return rc;
}

const struct fs_kind fs_iso9660 = {
    .open = iso_open,
    .close = iso_close,
    .open_file = iso_open_file,
    .read = iso_read,
    .close_file = iso_close_file,
    .list = iso_list,
};
