/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ext2, ext3 and ext4. libext2fs reads through a channel of ours, which reads the partition. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ext2fs/ext2fs.h>

#include "dom0-toolstack/bootloader/fs_kind.h"

#define PIECE (1u << 20)

struct ext {
    ext2_filsys lib;
    ext2_file_t file;
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
    struct fs *fs = c->private_data;
    uint64_t n =
        count < 0 ? (uint64_t) - (int64_t)count : (uint64_t)count * (unsigned int)c->block_size;
    uint64_t at;

    if (__builtin_mul_overflow(block, (uint64_t)c->block_size, &at) ||
        fs_read_part(fs, at, to, n) < 0)
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

/* ---- the file system ---- */

/* The library takes the size that the file system claims, and memory for that: it must fit where it is. */
static bool is_cut(struct fs *fs)
{
    struct ext2_super_block sb;

    if (fs_read_part(fs, SUPERBLOCK_OFFSET, &sb, sizeof(sb)) < 0 ||
        sb.s_magic != EXT2_SUPER_MAGIC || sb.s_log_block_size > EXT2_MAX_BLOCK_LOG_SIZE - 10)
        return false; /* the library finds that, too */
    return ext2fs_blocks_count(&sb) > fs->part.size >> (10 + sb.s_log_block_size);
}

static int ext_open(struct fs *fs, const char **why)
{
    struct ext *e = calloc(1, sizeof(*e));
    errcode_t err;

    if (e == NULL)
        return -ENOMEM;
    if (is_cut(fs)) {
        free(e);
        *why = "it is an ext2, ext3 or ext4 that is cut short";
        return -EINVAL;
    }
    opening = fs;
    err = ext2fs_open2("guest", NULL, EXT2_FLAG_64BITS, 0, 0, &manager, &e->lib);
    opening = NULL;
    if (err == 0) {
        fs->state = e;
        return 0;
    }
    free(e);
    if (err == EXT2_ET_BAD_MAGIC || err == EXT2_ET_SHORT_READ)
        return -ENODEV;
    if (err == EXT2_ET_NO_MEMORY)
        return -ENOMEM;
    if (err == EXT2_ET_UNSUPP_FEATURE || err == EXT2_ET_RO_UNSUPP_FEATURE)
        *why = "it is ext4 with features that libext2fs does not know";
    else
        *why = "it is a damaged ext2, ext3 or ext4";
    return -EINVAL;
}

static void ext_close(struct fs *fs)
{
    struct ext *e = fs->state;

    ext2fs_free(e->lib);
    free(e);
}

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

static int ext_open_file(struct fs *fs, const char *path, uint64_t *size)
{
    struct ext *e = fs->state;
    struct ext2_inode inode;
    ext2_ino_t ino;
    errcode_t err = ext2fs_namei_follow(e->lib, EXT2_ROOT_INO, EXT2_ROOT_INO, path, &ino);

    if (err == 0)
        err = ext2fs_read_inode(e->lib, ino, &inode);
    if (err != 0)
        return to_errno(err);
    if (LINUX_S_ISDIR(inode.i_mode))
        return -EISDIR;
    if (!LINUX_S_ISREG(inode.i_mode))
        return -EINVAL;
    *size = EXT2_I_SIZE(&inode);
    return to_errno(ext2fs_file_open(e->lib, ino, 0, &e->file));
}

static int ext_read(struct fs *fs, void *to, size_t n)
{
    struct ext *e = fs->state;
    unsigned int got;

    while (n > 0) {
        unsigned int piece = n > PIECE ? PIECE : (unsigned int)n;
        errcode_t err = ext2fs_file_read(e->file, to, piece, &got);

        if (err != 0 || got == 0)
            return err != 0 ? to_errno(err) : -EIO;
        to = (char *)to + got;
        n -= got;
    }
    return 0;
}

static void ext_close_file(struct fs *fs)
{
    struct ext *e = fs->state;

    ext2fs_file_close(e->file);
}

struct listing {
    fs_name *each;
    void *opaque;
    int rc;
};

static int list_entry(struct ext2_dir_entry *entry, int offset, int block_size, char *buf,
                      void *opaque)
{
    struct listing *l = opaque;
    int n = ext2fs_dirent_name_len(entry);
    char name[FS_MAX_NAME + 1];

    (void)offset, (void)block_size, (void)buf;
    memcpy(name, entry->name, (size_t)n);
    name[n] = '\0';
    l->rc = l->each(l->opaque, name);
    return l->rc < 0 ? DIRENT_ABORT : 0;
}

static int ext_list(struct fs *fs, const char *path, fs_name *each, void *opaque)
{
    struct ext *e = fs->state;
    struct listing l = {each, opaque, 0};
    ext2_ino_t ino;
    errcode_t err = ext2fs_namei_follow(e->lib, EXT2_ROOT_INO, EXT2_ROOT_INO, path, &ino);

    if (err == 0)
        err = ext2fs_dir_iterate(e->lib, ino, 0, NULL, list_entry, &l);
    return err != 0 ? to_errno(err) : l.rc;
}

const struct fs_kind fs_ext = {
    .open = ext_open,
    .close = ext_close,
    .open_file = ext_open_file,
    .read = ext_read,
    .close_file = ext_close_file,
    .list = ext_list,
};
