/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fs.h: which kind of file system there is, and what all of them share. */
#include "dom0-toolstack/bootloader/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-toolstack/bootloader/fs_kind.h"

#define PIECE ((size_t)256 << 10)

/* A FAT's first sector says little by itself: it comes last. */
static const struct fs_kind *const kinds[] = {&fs_ext, &fs_xfs, &fs_iso9660, &fs_fat};

/* The time zone, by which libarchive tells a disc's times: a fixed one is not looked up again (tzset(3)). */
void fs_prepare(void)
{
    setenv("TZ", "UTC0", 1);
    tzset();
}

int fs_read_part(struct fs *fs, uint64_t offset, void *to, size_t n)
{
    if (offset > fs->part.size || n > fs->part.size - offset)
        return -EIO;
    return disk_read(fs->disk, fs->part.start + offset, to, n);
}

bool fs_next_name(const char **path, char name[FS_MAX_NAME + 2])
{
    size_t n;

    *path += strspn(*path, "/");
    n = strcspn(*path, "/");
    memcpy(name, *path, n <= FS_MAX_NAME ? n : FS_MAX_NAME + 1);
    name[n <= FS_MAX_NAME ? n : FS_MAX_NAME + 1] = '\0';
    *path += n;
    return n > 0;
}

/* What is there instead: marks at fixed places, for messages. */
static const char *other_kind(struct fs *fs)
{
    static const struct mark {
        uint32_t offset;
        const char *bytes, *why;
    } marks[] = {
        {65600, "_BHRfS_M", "it is btrfs, which is not supported"},
        {0, "LUKS\xba\xbe", "it is encrypted (LUKS)"},
        {536, "LVM2", "it belongs to LVM, which is not supported"},
        {3, "NTFS", "it is NTFS, which is not supported"},
        {4086, "SWAPSPACE2", "it is swap space"},
    };
    char buf[16];

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        size_t n = strlen(marks[i].bytes);

        if (fs_read_part(fs, marks[i].offset, buf, n) == 0 && memcmp(buf, marks[i].bytes, n) == 0)
            return marks[i].why;
    }
    return "there is no file system that is known";
}

int fs_open(struct disk *d, const struct partition *p, struct fs **out, const char **why)
{
    struct fs *fs = calloc(1, sizeof(*fs));
    int rc = -ENODEV;

    *out = NULL;
    *why = "no memory";
    if (fs == NULL)
        return -ENOMEM;
    fs->disk = d;
    fs->part = *p;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && rc == -ENODEV; i++) {
        fs->kind = kinds[i];
        rc = fs->kind->open(fs, why);
    }
    if (rc == 0) {
        *out = fs;
        return 0;
    }
    if (rc == -ENODEV) {
        *why = other_kind(fs);
        rc = -EINVAL;
    }
    free(fs);
    return rc;
}

void fs_close(struct fs *fs)
{
    if (fs == NULL)
        return;
    fs->kind->close(fs);
    free(fs);
}

int fs_read_file(struct fs *fs, const char *path, size_t max, char **data, size_t *size)
{
    uint64_t length;
    int rc = fs->kind->open_file(fs, path, &length);

    *data = NULL;
    if (rc < 0)
        return rc;
    if (length > max)
        rc = -EFBIG;
    else if ((*data = malloc(length + 1)) == NULL)
        rc = -ENOMEM;
    else
        rc = fs->kind->read(fs, *data, length);
    if (rc == 0) {
        (*data)[length] = '\0';
        *size = length;
    } else {
        free(*data);
        *data = NULL;
    }
    fs->kind->close_file(fs);
    return rc;
}

int fs_copy(struct fs *fs, const char *path, uint64_t max, fs_sink *sink, void *opaque)
{
    void *piece = malloc(PIECE);
    uint64_t left;
    int rc = piece == NULL ? -ENOMEM : fs->kind->open_file(fs, path, &left);

    if (rc < 0) {
        free(piece);
        return rc;
    }
    if (left > max)
        rc = -EFBIG;
    while (rc == 0 && left > 0) {
        size_t n = left < PIECE ? (size_t)left : PIECE;

        rc = fs->kind->read(fs, piece, n);
        if (rc == 0)
            rc = sink(opaque, piece, n);
        left -= n;
    }
    fs->kind->close_file(fs);
    free(piece);
    return rc;
}

int fs_list(struct fs *fs, const char *path, fs_name *each, void *opaque)
{
    return fs->kind->list(fs, path, each, opaque);
}
