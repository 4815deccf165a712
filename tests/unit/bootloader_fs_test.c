/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems on a guest's disk, put together by hand where mkfs does not make what is wanted: an XFS file whose
 * extents are in a B+tree, with holes and what was never written, and its ways to be wrong.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/bootloader/fs.h"
#include "tests/unit/toolstack_test.h"

/* Version 4, blocks of 512 bytes, two groups of 64 of them; two inodes in a block. */
#define BLOCK  512u
#define GROUP  64u
#define INODE  256u
#define ROOT   (8u * 2)
#define FILE_  (8u * 2 + 1)
#define LINK   (9u * 2)
#define NODE   10u
#define LEAF_1 11u
#define LEAF_2 (64u + 5) /* in the second group */

static uint8_t bytes[2 * GROUP * BLOCK];

static int read_bytes(struct disk *d, uint64_t offset, void *to, size_t n)
{
    (void)d;
    memcpy(to, bytes + offset, n);
    return 0;
}

static struct disk disk = {.size = sizeof(bytes), .read = read_bytes};

static void put16(size_t at, uint16_t v)
{
    v = htobe16(v);
    memcpy(bytes + at, &v, sizeof(v));
}

static void put32(size_t at, uint32_t v)
{
    v = htobe32(v);
    memcpy(bytes + at, &v, sizeof(v));
}

static void put64(size_t at, uint64_t v)
{
    v = htobe64(v);
    memcpy(bytes + at, &v, sizeof(v));
}

static size_t put_inode(unsigned int ino, uint16_t mode, uint8_t format, uint64_t size,
                        uint32_t extents)
{
    size_t at = ino * INODE;

    put16(at, 0x494e);
    put16(at + 2, mode);
    bytes[at + 4] = 2;
    bytes[at + 5] = format;
    put64(at + 56, size);
    put32(at + 76, extents);
    return at + 100;
}

static void put_extent(size_t at, uint64_t pos, uint64_t block, uint32_t count, bool unwritten)
{
    put64(at, (uint64_t)unwritten << 63 | pos << 9 | block >> 43);
    put64(at + 8, block << 21 | count);
}

static void put_tree_block(unsigned int block, uint16_t level, uint16_t n, uint64_t right)
{
    size_t at = block * BLOCK;

    memcpy(bytes + at, "BMAP", 4);
    put16(at + 4, level);
    put16(at + 6, n);
    put64(at + 8, UINT64_MAX);
    put64(at + 16, right);
}

static size_t put_entry(size_t at, const char *name, uint32_t ino)
{
    size_t n = strlen(name);

    bytes[at] = (uint8_t)n;
    memcpy(bytes + at + 3, name, n);
    put32(at + 3 + n, ino);
    return at + 3 + n + 4;
}

/* Blocks 0 and 1 at block 20, 2 nowhere, 3 never written, 4 in the second group, 5 at block 30. */
static void make_xfs(void)
{
    size_t most = (BLOCK - 24) / 16, at;

    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, "XFSB", 4);
    put32(4, BLOCK);
    put64(56, ROOT);
    put32(84, GROUP);
    put32(88, 2);
    put16(100, 0x2004);
    put16(104, INODE);
    bytes[120] = 9;
    bytes[122] = 8;
    bytes[123] = 1;
    bytes[124] = 6;

    at = put_inode(ROOT, 0040755, 1, 0, 0);
    bytes[at] = 2;
    put32(at + 2, ROOT);
    at = put_entry(at + 6, "file", FILE_);
    put_entry(at, "link", LINK);
    at = put_inode(LINK, 0120777, 1, 7, 0);
    memcpy(bytes + at, "../file", 7);

    at = put_inode(FILE_, 0100644, 3, 5 * BLOCK + 100, 4);
    put16(at, 2);
    put16(at + 2, 1);
    put64(at + 4 + (INODE - 100 - 4) / 16 * 8, NODE);
    put_tree_block(NODE, 1, 2, UINT64_MAX);
    put64(NODE * BLOCK + 24 + most * 8, LEAF_1);
    put64(NODE * BLOCK + 24 + most * 8 + 8, LEAF_2);
    put_tree_block(LEAF_1, 0, 2, LEAF_2);
    put_extent(LEAF_1 * BLOCK + 24, 0, 20, 2, false);
    put_extent(LEAF_1 * BLOCK + 40, 3, 22, 1, true);
    put_tree_block(LEAF_2, 0, 2, UINT64_MAX);
    put_extent(LEAF_2 * BLOCK + 24, 4, 64 + 40, 1, false);
    put_extent(LEAF_2 * BLOCK + 40, 5, 30, 1, false);
    memset(bytes + 20 * BLOCK, 'a', 2 * BLOCK);
    memset(bytes + 22 * BLOCK, 'x', BLOCK);
    memset(bytes + (64 + 40) * BLOCK, 'b', BLOCK);
    memset(bytes + 30 * BLOCK, 'c', BLOCK);
}

static int read_path(const char *path, char **data, size_t *n)
{
    struct partition all = {.size = sizeof(bytes)};
    struct fs *fs;
    const char *why;
    int rc = fs_open(&disk, &all, &fs, &why);

    *data = NULL;
    if (rc < 0)
        return rc;
    rc = fs_read_file(fs, path, 1 << 20, data, n);
    fs_close(fs);
    return rc;
}

static bool all_are(const char *data, char c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (data[i] != c)
            return false;
    return true;
}

static void xfs_tree(void)
{
    static const char *const paths[] = {"/file", "link"};
    char *data;
    size_t n;

    make_xfs();
    for (unsigned int i = 0; i < 2; i++) {
        CHECK(read_path(paths[i], &data, &n) == 0);
        CHECK(n == 5 * BLOCK + 100);
        CHECK(all_are(data, 'a', 2 * BLOCK));
        CHECK(all_are(data + 2 * BLOCK, '\0', 2 * BLOCK));
        CHECK(all_are(data + 4 * BLOCK, 'b', BLOCK));
        CHECK(all_are(data + 5 * BLOCK, 'c', 100));
        free(data);
    }
    /* ".." of the way, not of the text. */
    CHECK(read_path("/link/../file", &data, &n) == 0);
    free(data);
    CHECK(read_path("/file/more", &data, &n) == -ENOENT);
    CHECK(read_path("/", &data, &n) == -EISDIR);
    CHECK(read_path("/none", &data, &n) == -ENOENT);
}

/* Changes `size` bytes at `at`; what reading says then. */
static int with(size_t at, uint64_t v, unsigned int size)
{
    char *data;
    size_t n;
    int rc;

    make_xfs();
    if (size == 1)
        bytes[at] = (uint8_t)v;
    else if (size == 2)
        put16(at, (uint16_t)v);
    else if (size == 4)
        put32(at, (uint32_t)v);
    else
        put64(at, v);
    rc = read_path("/link", &data, &n);
    free(data);
    return rc;
}

static void xfs_wrong_in_many_ways(void)
{
    size_t file = FILE_ * INODE, leaf = LEAF_1 * BLOCK, link = LINK * INODE;

    CHECK(with(LEAF_2 * BLOCK + 16, LEAF_1, 8) == -EIO); /* the leaves go round */
    CHECK(with(leaf + 16, LEAF_1, 8) == -EIO);
    CHECK(with(leaf + 6, 0, 2) == -EIO);
    CHECK(with(leaf + 6, 0xffff, 2) == -EIO);
    CHECK(with(leaf + 4, 1, 2) == -EIO);
    CHECK(with(leaf, 0, 4) == -EIO);
    CHECK(with(leaf + 24, UINT64_MAX, 8) == -EIO);
    CHECK(with(leaf + 32, UINT64_MAX, 8) == -EIO); /* more blocks than there are */
    CHECK(with(file + 76, 3, 4) == -EIO);          /* more extents than it says */
    CHECK(with(file + 76, UINT32_MAX, 4) == -EFBIG);
    CHECK(with(file + 56, UINT64_MAX, 8) == -EIO);
    CHECK(with(file + 56, (uint64_t)1 << 40, 8) == -EFBIG);
    CHECK(with(file + 5, 2, 1) == -EIO);
    CHECK(with(file + 5, 0, 1) == -EIO);
    CHECK(with(file + 100, 10, 2) == -EIO);
    CHECK(with(file + 100, 0, 2) == -EIO);
    CHECK(with(file, 0, 2) == -EIO);
    CHECK(with(file + 82, 255, 1) == -EIO);
    CHECK(with(file + 90, 1, 2) == -EIO);
    CHECK(with(link + 56, 5000, 8) == -EIO);
    CHECK(with(link + 56, 200, 8) == -EIO);
    CHECK(with(link + 100, 0x6c6f737400000000, 8) == -ENOENT); /* it leads to what is not there */
    CHECK(with(link + 102, 0x2f6c696e6b000000, 8) == -ELOOP);  /* to itself */
    CHECK(with(56, UINT64_MAX, 8) == -EIO);
    CHECK(with(ROOT * INODE + 100, 1, 1) == -ENOENT);
    CHECK(with(ROOT * INODE + 106, 200, 1) == -EIO); /* a name longer than the inode */
    CHECK(with(100, 0x2003, 2) == -EINVAL);
    CHECK(with(4, 1024, 4) == -EINVAL);
    CHECK(with(120, 30, 1) == -EINVAL);
    CHECK(with(124, 0, 1) == -EINVAL);
    CHECK(with(124, 200, 1) == -EINVAL);
    CHECK(with(192, 200, 1) == -EINVAL);
    CHECK(with(88, 0, 4) == -EINVAL);
}

/* One byte of all that there is, to each of some values: it ends, without harm. */
static void xfs_each_byte(void)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};

    for (size_t at = 0; at < (LEAF_1 + 1) * BLOCK; at++)
        for (size_t i = 0; i < sizeof(values); i++)
            CHECK(with(at, values[i], 1) <= 0);
}

int main(void)
{
    static const struct test tests[] = {
        {"xfs_tree", xfs_tree},
        {"xfs_wrong_in_many_ways", xfs_wrong_in_many_ways},
        {"xfs_each_byte", xfs_each_byte},
    };

    return test_run("bootloader_fs", tests, sizeof(tests) / sizeof(tests[0]));
}
