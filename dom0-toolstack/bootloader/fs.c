/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fs.h. libext2fs reads through a channel of ours, which reads the partition. */
#include "dom0-toolstack/bootloader/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ext2fs/ext2fs.h>

#define PIECE ((size_t)256 << 10)

struct fs {
    struct disk *disk;
    struct partition part;
    ext2_filsys ext;
};

/* ---- the channel ---- */

static struct struct_io_manager manager;

/* The library knows a device by its name alone. */
static struct fs *opening;

static errcode_t channel_open(const char *name, int flags, io_channel *out)
{
    io_channel c = calloc(1, sizeof(*c));

    (void)flags;
    if (c == NULL || (c->name = strdup(name)) == NULL) {
        free(c);
        return EXT2_ET_NO_MEMORY;
    }
    c->magic = EXT2_ET_MAGIC_IO_CHANNEL;
    c->manager = &manager;
    c->block_size = 1024;
    c->refcount = 1;
    c->private_data = opening;
    *out = c;
    return 0;
}

static errcode_t channel_close(io_channel c)
{
    if (--c->refcount > 0)
        return 0;
    free(c->name);
    free(c);
    return 0;
}

static errcode_t channel_set_blksize(io_channel c, int size)
{
    c->block_size = size;
    return 0;
}

/* A negative count is one of bytes. */
static errcode_t channel_read64(io_channel c, unsigned long long block, int count, void *to)
{
    const struct fs *fs = c->private_data;
    uint64_t n =
        count < 0 ? (uint64_t) - (int64_t)count : (uint64_t)count * (unsigned int)c->block_size;
    uint64_t at;

    if (__builtin_mul_overflow(block, (uint64_t)c->block_size, &at) || at > fs->part.size ||
        n > fs->part.size - at || disk_read(fs->disk, fs->part.start + at, to, n) < 0)
        return EXT2_ET_SHORT_READ;
    return 0;
}

static errcode_t channel_read(io_channel c, unsigned long block, int count, void *to)
{
    return channel_read64(c, block, count, to);
}

static errcode_t channel_write(io_channel c, unsigned long block, int count, const void *from)
{
    (void)c, (void)block, (void)count, (void)from;
    return EXT2_ET_RO_FILSYS;
}

static errcode_t channel_write64(io_channel c, unsigned long long block, int count,
                                 const void *from)
{
    (void)c, (void)block, (void)count, (void)from;
    return EXT2_ET_RO_FILSYS;
}

static errcode_t channel_flush(io_channel c)
{
    (void)c;
    return 0;
}

static struct struct_io_manager manager = {
    .magic = EXT2_ET_MAGIC_IO_MANAGER,
    .name = "a guest's disk",
    .open = channel_open,
    .close = channel_close,
    .set_blksize = channel_set_blksize,
    .read_blk = channel_read,
    .write_blk = channel_write,
    .flush = channel_flush,
    .read_blk64 = channel_read64,
    .write_blk64 = channel_write64,
};

/* ---- which file system ---- */

/* What is there instead: marks at fixed places, for messages. */
static const char *other_kind(struct disk *d, const struct partition *p)
{
    static const struct mark {
        uint32_t offset;
        const char *bytes, *why;
    } marks[] = {
        {0, "XFSB", "it is XFS, which is not supported"},
        {65600, "_BHRfS_M", "it is btrfs, which is not supported"},
        {0, "LUKS\xba\xbe", "it is encrypted (LUKS)"},
        {536, "LVM2", "it belongs to LVM, which is not supported"},
        {32769, "CD001", "it is ISO 9660, which is not supported"},
        {54, "FAT", "it is FAT, which is not supported"},
        {82, "FAT32", "it is FAT, which is not supported"},
        {3, "NTFS", "it is NTFS, which is not supported"},
        {4086, "SWAPSPACE2", "it is swap space"},
    };
    char buf[16];

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        size_t n = strlen(marks[i].bytes);

        if (marks[i].offset + n <= p->size &&
            disk_read(d, p->start + marks[i].offset, buf, n) == 0 &&
            memcmp(buf, marks[i].bytes, n) == 0)
            return marks[i].why;
    }
    return "there is no file system that is known";
}

/* The library takes the size that the file system claims, and memory for that: it must fit where it is. */
static bool is_cut(struct disk *d, const struct partition *p)
{
    struct ext2_super_block sb;

    if (p->size < SUPERBLOCK_OFFSET + sizeof(sb) ||
        disk_read(d, p->start + SUPERBLOCK_OFFSET, &sb, sizeof(sb)) < 0 ||
        sb.s_magic != EXT2_SUPER_MAGIC || sb.s_log_block_size > EXT2_MAX_BLOCK_LOG_SIZE - 10)
        return false; /* the library finds that, too */
    return ext2fs_blocks_count(&sb) > p->size >> (10 + sb.s_log_block_size);
}

int fs_open(struct disk *d, const struct partition *p, struct fs **out, const char **why)
{
    struct fs *fs = calloc(1, sizeof(*fs));
    errcode_t err;

    *out = NULL;
    *why = "no memory";
    if (fs == NULL)
        return -ENOMEM;
    if (is_cut(d, p)) {
        free(fs);
        *why = "it is an ext2, ext3 or ext4 that is cut short";
        return -EINVAL;
    }
    fs->disk = d;
    fs->part = *p;
    opening = fs;
    err = ext2fs_open2("guest", NULL, EXT2_FLAG_64BITS, 0, 0, &manager, &fs->ext);
    opening = NULL;
    if (err == 0) {
        *out = fs;
        return 0;
    }
    free(fs);
    if (err == EXT2_ET_BAD_MAGIC || err == EXT2_ET_SHORT_READ)
        *why = other_kind(d, p);
    else if (err == EXT2_ET_UNSUPP_FEATURE || err == EXT2_ET_RO_UNSUPP_FEATURE)
        *why = "it is ext4 with features that libext2fs does not know";
    else if (err == EXT2_ET_NO_MEMORY)
        return -ENOMEM;
    else
        *why = "it is a damaged ext2, ext3 or ext4";
    return -EINVAL;
}

void fs_close(struct fs *fs)
{
    if (fs == NULL)
        return;
    ext2fs_free(fs->ext);
    free(fs);
}

/* ---- files ---- */

static int to_errno(errcode_t err)
{
    switch (err) {
    case 0: return 0;
    case EXT2_ET_NO_MEMORY: return -ENOMEM;
    case EXT2_ET_FILE_NOT_FOUND:
    case EXT2_ET_NO_DIRECTORY: return -ENOENT;
    case EXT2_ET_SYMLINK_LOOP: return -ELOOP;
    default: return -EIO;
    }
}

static int open_file(struct fs *fs, const char *path, ext2_file_t *file, uint64_t *size)
{
    struct ext2_inode inode;
    ext2_ino_t ino;
    errcode_t err = ext2fs_namei_follow(fs->ext, EXT2_ROOT_INO, EXT2_ROOT_INO, path, &ino);

    if (err == 0)
        err = ext2fs_read_inode(fs->ext, ino, &inode);
    if (err != 0)
        return to_errno(err);
    if (LINUX_S_ISDIR(inode.i_mode))
        return -EISDIR;
    if (!LINUX_S_ISREG(inode.i_mode))
        return -EINVAL;
    err = ext2fs_file_open(fs->ext, ino, 0, file);
    if (err != 0)
        return to_errno(err);
    *size = EXT2_I_SIZE(&inode);
    return 0;
}

int fs_read_file(struct fs *fs, const char *path, size_t max, char **data, size_t *size)
{
    ext2_file_t file;
    unsigned int got = 0;
    uint64_t length;
    int rc = open_file(fs, path, &file, &length);

    *data = NULL;
    if (rc < 0)
        return rc;
    if (length > max) {
        rc = -EFBIG;
        goto out;
    }
    *data = malloc(length + 1);
    if (*data == NULL) {
        rc = -ENOMEM;
        goto out;
    }
    rc = to_errno(ext2fs_file_read(file, *data, (unsigned int)length, &got));
    if (rc == 0 && got != length)
        rc = -EIO;
    if (rc == 0) {
        (*data)[length] = '\0';
        *size = length;
    } else {
        free(*data);
        *data = NULL;
    }
out:
    ext2fs_file_close(file);
    return rc;
}

int fs_copy(struct fs *fs, const char *path, uint64_t max, fs_sink *sink, void *opaque)
{
    void *piece = malloc(PIECE);
    ext2_file_t file;
    uint64_t length, done = 0;
    int rc = piece == NULL ? -ENOMEM : open_file(fs, path, &file, &length);

    if (rc < 0) {
        free(piece);
        return rc;
    }
    if (length > max)
        rc = -EFBIG;
    while (rc == 0 && done < length) {
        unsigned int got = 0;

        rc = to_errno(ext2fs_file_read(file, piece, PIECE, &got));
        if (rc == 0)
            rc = got == 0 ? -EIO : sink(opaque, piece, got);
        done += got;
    }
    ext2fs_file_close(file);
    free(piece);
    return rc;
}
