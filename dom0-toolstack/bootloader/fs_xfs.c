/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XFS, versions 4 and 5 ("XFS Algorithms & Data Structures", the chapters on the superblock, on-disk inodes, data forks,
 * directories and symbolic links). All numbers are big-endian.
 *
 *   number of a block   the allocation group above bit agblklog, the block in it below
 *   number of an inode  the same, with inopblog bits more below: which of the block's inodes
 *   inode               a core of 100 or (version 3) 176 bytes, then what its format says: the contents themselves
 *                       ("local": short folders and links), a list of extents, or the root of a B+tree of extents
 *   extent              128 bits: unwritten 1, block in the file 54, block on the disk 52, blocks 21
 *
 * Folders are read from end to end, the indices in them are not used. A realtime device is none of a boot disk's.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dom0-toolstack/bootloader/bytes.h"
#include "dom0-toolstack/bootloader/fs_kind.h"

#define SB_SIZE        264
#define SB_MAGIC       0x58465342 /* XFSB */
#define V4_DIRV2       0x2000
#define V4_MOREBITS    0x8000
#define V4_FTYPE       0x200
#define INCOMPAT_FTYPE 0x1
/* FTYPE, SPINODES, META_UUID, BIGTIME, NEEDSREPAIR, NREXT64, EXCHRANGE, PARENT: none of the others changes what is read */
#define INCOMPAT_KNOWN 0xff

#define INODE_MAGIC    0x494e
#define INODE_REALTIME 0x1
#define INODE_NREXT64  0x10 /* in flags2 */
#define FORMAT_LOCAL   1
#define FORMAT_EXTENTS 2
#define FORMAT_BTREE   3

#define BMAP_MAGIC     0x424d4150
#define BMA3_MAGIC     0x424d4133
#define DIR_BLOCK4     0x58443242 /* XD2B: entries and their index in one */
#define DIR_DATA4      0x58443244 /* XD2D */
#define DIR_BLOCK5     0x58444233 /* XDB3 */
#define DIR_DATA5      0x58444433 /* XDD3 */
#define LINK_MAGIC     0x58534c4d /* XSLM */
#define LINK_HEADER    56

#define MAX_EXTENTS    65536
#define MAX_DIR_BLOCKS 16384
#define MAX_LINK       1024
#define MAX_PATH_TEXT  4096

struct extent {
    uint64_t at, block; /* in blocks: in the file, on the disk */
    uint32_t count;
    bool unwritten;
};

struct inode {
    uint16_t mode;
    uint8_t format;
    uint64_t size;
    uint64_t nr_extents;
    size_t fork, fork_size; /* of the data, in raw[] */
    uint8_t raw[2048];
};

struct xfs {
    uint32_t block_size, dir_block_size, ag_blocks, ag_count, inode_size;
    uint64_t root;
    uint8_t block_log, ag_log, inodes_log; /* inodes_log: of inodes in a block */
    bool v5, ftype;
    /* What is open, a file or a folder. */
    struct inode inode;
    struct extent *extents;
    unsigned int nr_extents;
    uint64_t pos;
};

/* ---- the superblock ---- */

static bool is_sane(const struct xfs *x, const uint8_t *sb)
{
    uint8_t inode_log = sb[122], dir_log = sb[192];

    return x->block_log >= 9 && x->block_log <= 16 && x->block_size == 1u << x->block_log &&
           inode_log >= 8 && inode_log <= 11 && inode_log <= x->block_log &&
           x->inode_size == 1u << inode_log && x->inodes_log == x->block_log - inode_log &&
           x->ag_log >= 1 && x->ag_log <= 31 && x->ag_blocks != 0 &&
           x->ag_blocks <= 1u << x->ag_log && x->ag_count != 0 && dir_log + x->block_log <= 16;
}

static int xfs_open(struct fs *fs, const char **why)
{
    uint8_t sb[SB_SIZE];
    struct xfs *x;
    unsigned int version;

    if (fs_read_part(fs, 0, sb, sizeof(sb)) < 0 || get_be32(sb) != SB_MAGIC)
        return -ENODEV;
    version = get_be16(sb + 100);
    *why = "it is XFS of a version or with features that are not known";
    if (((version & 0xf) != 4 && (version & 0xf) != 5) || !(version & V4_DIRV2) ||
        ((version & 0xf) == 5 && get_be32(sb + 216) & ~INCOMPAT_KNOWN))
        return -EINVAL;
    x = calloc(1, sizeof(*x));
    if (x == NULL)
        return -ENOMEM;
    x->v5 = (version & 0xf) == 5;
    x->ftype = x->v5 ? get_be32(sb + 216) & INCOMPAT_FTYPE
                     : (version & V4_MOREBITS) && (get_be32(sb + 200) & V4_FTYPE);
    x->block_size = get_be32(sb + 4);
    x->root = get_be64(sb + 56);
    x->ag_blocks = get_be32(sb + 84);
    x->ag_count = get_be32(sb + 88);
    x->inode_size = get_be16(sb + 104);
    x->block_log = sb[120];
    x->inodes_log = sb[123];
    x->ag_log = sb[124];
    if (!is_sane(x, sb)) {
        free(x);
        *why = "it is a damaged XFS";
        return -EINVAL;
    }
    x->dir_block_size = x->block_size << sb[192];
    fs->state = x;
    return 0;
}

static void xfs_close(struct fs *fs)
{
    free(fs->state);
}

/* Within a block of the disk. */
static int read_block(struct fs *fs, uint64_t block, uint32_t offset, void *to, size_t n)
{
    const struct xfs *x = fs->state;
    uint64_t group = block >> x->ag_log, in = block & ((1ull << x->ag_log) - 1);

    if (group >= x->ag_count || in >= x->ag_blocks)
        return -EIO;
    return fs_read_part(fs, ((group * x->ag_blocks + in) << x->block_log) + offset, to, n);
}

/* ---- inodes ---- */

static int read_inode(struct fs *fs, uint64_t ino, struct inode *i)
{
    const struct xfs *x = fs->state;
    uint8_t *raw = i->raw;
    uint32_t nth = (uint32_t)ino & ((1u << x->inodes_log) - 1);
    size_t core;

    if (read_block(fs, ino >> x->inodes_log, nth * x->inode_size, raw, x->inode_size) < 0 ||
        get_be16(raw) != INODE_MAGIC || raw[4] < 1 || raw[4] > 3)
        return -EIO;
    core = raw[4] == 3 ? 176 : 100;
    i->mode = get_be16(raw + 2);
    i->format = raw[5];
    i->size = get_be64(raw + 56);
    i->nr_extents = raw[4] == 3 && get_be64(raw + 120) & INODE_NREXT64 ? get_be64(raw + 24)
                                                                       : get_be32(raw + 76);
    i->fork = core;
    i->fork_size = raw[82] != 0 ? raw[82] * 8u : x->inode_size - core;
    if (i->fork_size > x->inode_size - core || get_be16(raw + 90) & INODE_REALTIME)
        return -EIO;
    return 0;
}

/* ---- extents ---- */

static int add_extent(struct xfs *x, const uint8_t *record)
{
    uint64_t high = get_be64(record), low = get_be64(record + 8);
    struct extent e = {
        .at = high >> 9 & ((1ull << 54) - 1),
        .block = (high & 0x1ff) << 43 | low >> 21,
        .count = (uint32_t)low & ((1u << 21) - 1),
        .unwritten = high >> 63,
    };

    /* They come in the order of the file, which has less than 2^63 bytes. */
    if (x->nr_extents == x->inode.nr_extents || e.count == 0 || e.at >> (62 - x->block_log) != 0 ||
        (x->nr_extents > 0 &&
         e.at < x->extents[x->nr_extents - 1].at + x->extents[x->nr_extents - 1].count))
        return -EIO;
    x->extents[x->nr_extents++] = e;
    return 0;
}

static int add_extents(struct xfs *x, const uint8_t *records, unsigned int n)
{
    int rc = 0;

    for (unsigned int i = 0; i < n && rc == 0; i++)
        rc = add_extent(x, records + i * 16u);
    return rc;
}

/* The leaves of the B+tree stand in a row: down its left side, then from each to the next. */
static int walk_leaves(struct fs *fs, uint64_t block, unsigned int level)
{
    struct xfs *x = fs->state;
    size_t header = x->v5 ? 72 : 24, most = (x->block_size - header) / 16;
    uint8_t *b = malloc(x->block_size);
    int rc = b == NULL ? -ENOMEM : 0;

    /* Each leaf has an extent at least, so there are no more blocks than those, and the way down. */
    while (rc == 0) {
        unsigned int n;

        rc = read_block(fs, block, 0, b, x->block_size);
        if (rc < 0)
            break;
        n = get_be16(b + 6);
        if (get_be32(b) != (x->v5 ? BMA3_MAGIC : BMAP_MAGIC) || get_be16(b + 4) != level ||
            n == 0 || n > most) {
            rc = -EIO;
        } else if (level > 0) {
            block = get_be64(b + header + most * 8);
            level--;
        } else {
            rc = add_extents(x, b + header, n);
            block = get_be64(b + 16);
            if (block == UINT64_MAX)
                break;
        }
    }
    free(b);
    return rc;
}

static int read_tree(struct fs *fs)
{
    struct xfs *x = fs->state;
    const uint8_t *root = x->inode.raw + x->inode.fork;
    size_t most = (x->inode.fork_size - 4) / 16;
    unsigned int level, n;

    if (x->inode.fork_size < 20)
        return -EIO;
    level = get_be16(root);
    n = get_be16(root + 2);
    if (level == 0 || level > 9 || n == 0 || n > most)
        return -EIO;
    return walk_leaves(fs, get_be64(root + 4 + most * 8), level - 1);
}

/* Those of the inode that is open, into extents[]. */
static int read_extents(struct fs *fs)
{
    struct xfs *x = fs->state;
    const struct inode *i = &x->inode;

    x->nr_extents = 0;
    if (i->nr_extents > MAX_EXTENTS)
        return -EFBIG;
    x->extents = calloc(i->nr_extents + 1, sizeof(*x->extents));
    if (x->extents == NULL)
        return -ENOMEM;
    if (i->format == FORMAT_BTREE)
        return read_tree(fs);
    if (i->format != FORMAT_EXTENTS || i->nr_extents > i->fork_size / 16)
        return -EIO;
    return add_extents(x, i->raw + i->fork, (unsigned int)i->nr_extents);
}

static void drop_extents(struct xfs *x)
{
    free(x->extents);
    x->extents = NULL;
    x->nr_extents = 0;
}

/* The extent that a block of the file is in, or the next; NULL: all behind it is a hole. */
static const struct extent *find_extent(const struct xfs *x, uint64_t block)
{
    unsigned int low = 0, high = x->nr_extents;

    while (low < high) {
        unsigned int mid = (low + high) / 2;

        if (x->extents[mid].at + x->extents[mid].count <= block)
            low = mid + 1;
        else
            high = mid;
    }
    return low < x->nr_extents ? &x->extents[low] : NULL;
}

/* Bytes of the open inode; holes and what was never written are zeros. */
static int read_data(struct fs *fs, uint64_t pos, void *to, size_t n)
{
    const struct xfs *x = fs->state;

    while (n > 0) {
        const struct extent *e = find_extent(x, pos >> x->block_log);
        uint64_t start = e != NULL ? e->at << x->block_log : UINT64_MAX, piece, in;

        if (pos < start) {
            piece = start - pos < n ? start - pos : n;
            memset(to, 0, piece);
        } else {
            in = pos - start;
            piece = ((uint64_t)e->count << x->block_log) - in;
            piece = piece < n ? piece : n;
            if (e->unwritten)
                memset(to, 0, piece);
            else if (read_block(fs, e->block + (in >> x->block_log),
                                (uint32_t)in & (x->block_size - 1), to, piece) < 0)
                return -EIO;
        }
        to = (char *)to + piece;
        pos += piece;
        n -= piece;
    }
    return 0;
}

/* ---- folders ---- */

/* One entry; a positive answer ends the walk well. */
typedef int entry_fn(void *opaque, const char *name, uint64_t ino);

static int give_entry(entry_fn *each, void *opaque, const uint8_t *text, size_t n, uint64_t ino)
{
    char name[FS_MAX_NAME + 1];

    memcpy(name, text, n);
    name[n] = '\0';
    return each(opaque, name, ino);
}

/* In the inode itself: a count of entries, one of long inode numbers, the parent, the entries. */
static int walk_short(struct xfs *x, entry_fn *each, void *opaque)
{
    const uint8_t *p = x->inode.raw + x->inode.fork, *end = p + x->inode.fork_size;
    size_t wide = x->inode.fork_size > 1 && p[1] != 0 ? 8 : 4;
    unsigned int count = x->inode.fork_size > 0 ? p[0] : 0;
    int rc = 0;

    p += 2 + wide;
    for (; count > 0 && rc == 0; count--) {
        size_t n, all;

        if (p >= end)
            return -EIO;
        n = p[0];
        all = 3 + n + x->ftype + wide;
        if (n == 0 || all > (size_t)(end - p))
            return -EIO;
        rc = give_entry(each, opaque, p + 3, n,
                        wide == 8 ? get_be64(p + all - 8) : get_be32(p + all - 4));
        p += all;
    }
    return rc;
}

/* Entries and gaps fill the block from its header to its end, or to the index that stands there. */
static int walk_block(struct xfs *x, const uint8_t *b, entry_fn *each, void *opaque)
{
    uint32_t magic = get_be32(b), at = x->v5 ? 64 : 16, end = x->dir_block_size;
    int rc = 0;

    if (magic == (x->v5 ? DIR_BLOCK5 : DIR_BLOCK4)) {
        uint32_t count = get_be32(b + end - 8);

        if (count > (end - 8 - at) / 8)
            return -EIO;
        end -= 8 + count * 8;
    } else if (magic != (x->v5 ? DIR_DATA5 : DIR_DATA4)) {
        return -EIO;
    }
    while (at + 12 <= end && rc == 0) {
        uint32_t n = b[at + 8], all = (8 + 1 + n + x->ftype + 2 + 7) & ~7u;

        if (get_be16(b + at) == 0xffff) {
            all = get_be16(b + at + 2);
            if (all == 0 || all % 8 != 0)
                return -EIO;
        } else if (n == 0 || all > end - at) {
            return -EIO;
        } else {
            rc = give_entry(each, opaque, b + at + 9, n, get_be64(b + at));
        }
        at += all;
    }
    return rc;
}

/* The entries are in the first 32 GiB of the folder's own room, its size says how far. */
static int walk_blocks(struct fs *fs, entry_fn *each, void *opaque)
{
    struct xfs *x = fs->state;
    uint64_t blocks = x->inode.size / x->dir_block_size;
    uint8_t *b = NULL;
    int rc = read_extents(fs);

    if (rc == 0 && blocks > MAX_DIR_BLOCKS)
        rc = -EFBIG;
    if (rc == 0 && (b = malloc(x->dir_block_size)) == NULL)
        rc = -ENOMEM;
    for (uint64_t i = 0; i < blocks && rc == 0; i++) {
        uint64_t pos = i * x->dir_block_size;
        const struct extent *e = find_extent(x, pos >> x->block_log);

        if (e == NULL || e->at << x->block_log > pos)
            continue;
        rc = read_data(fs, pos, b, x->dir_block_size);
        if (rc == 0)
            rc = walk_block(x, b, each, opaque);
    }
    free(b);
    drop_extents(x);
    return rc;
}

/* Of the folder that is open. */
static int walk(struct fs *fs, entry_fn *each, void *opaque)
{
    struct xfs *x = fs->state;

    return x->inode.format == FORMAT_LOCAL ? walk_short(x, each, opaque)
                                           : walk_blocks(fs, each, opaque);
}

/* ---- paths ---- */

/* Its text, into `text`. Version 5 has a header in each block of it. */
static int read_link(struct fs *fs, char text[MAX_LINK + 1])
{
    struct xfs *x = fs->state;
    uint64_t n = x->inode.size, at = 0;
    uint32_t skip = x->v5 ? LINK_HEADER : 0;
    int rc;

    if (n == 0 || n > MAX_LINK)
        return -EIO;
    text[n] = '\0';
    if (x->inode.format == FORMAT_LOCAL) {
        if (n > x->inode.fork_size)
            return -EIO;
        memcpy(text, x->inode.raw + x->inode.fork, n);
        return 0;
    }
    rc = read_extents(fs);
    for (uint64_t block = 0; rc == 0 && at < n; block++) {
        uint64_t pos = block * x->block_size, piece = x->block_size - skip;
        uint8_t magic[4];

        piece = piece < n - at ? piece : n - at;
        if (x->v5 && (rc = read_data(fs, pos, magic, 4)) == 0 && get_be32(magic) != LINK_MAGIC)
            rc = -EIO;
        if (rc == 0)
            rc = read_data(fs, pos + skip, text + at, piece);
        at += piece;
    }
    drop_extents(x);
    return rc;
}

struct wanted {
    const char *name;
    uint64_t ino;
};

static int is_wanted(void *opaque, const char *name, uint64_t ino)
{
    struct wanted *w = opaque;

    if (strcmp(name, w->name) != 0)
        return 0;
    w->ino = ino;
    return 1;
}

/* In front of what is left of the path, which is in the same buffer. */
static int put_link(char path[MAX_PATH_TEXT], const char *rest, const char *link)
{
    size_t n = strlen(link), left = strlen(rest);

    if (n + 1 + left >= MAX_PATH_TEXT)
        return -ENAMETOOLONG;
    memmove(path + n + 1, rest, left + 1);
    memcpy(path, link, n);
    path[n] = '/';
    return 0;
}

/* The folders on the way down: ".." of a short folder is not among its entries. */
struct way {
    uint64_t inodes[64];
    unsigned int depth;
};

static int step(struct fs *fs, struct way *w, const char *name)
{
    struct xfs *x = fs->state;
    struct wanted wanted = {.name = name};
    int rc;

    if (strcmp(name, ".") == 0)
        return 0;
    if (strcmp(name, "..") == 0) {
        if (w->depth > 1)
            w->depth--;
        return 0;
    }
    if (!S_ISDIR(x->inode.mode))
        return -ENOENT;
    rc = walk(fs, is_wanted, &wanted);
    if (rc <= 0)
        return rc < 0 ? rc : -ENOENT;
    if (w->depth == sizeof(w->inodes) / sizeof(w->inodes[0]))
        return -ELOOP;
    w->inodes[w->depth++] = wanted.ino;
    return 0;
}

/* Opens the inode that a path leads to, through links. */
static int find(struct fs *fs, const char *path)
{
    struct xfs *x = fs->state;
    struct way w = {.inodes = {x->root}, .depth = 1};
    char text[MAX_PATH_TEXT], name[FS_MAX_NAME + 2], link[MAX_LINK + 1];
    const char *rest = text;
    unsigned int links = 0;
    int rc;

    if (strlen(path) >= sizeof(text))
        return -ENAMETOOLONG;
    strcpy(text, path);
    rc = read_inode(fs, x->root, &x->inode);
    while (rc == 0 && fs_next_name(&rest, name)) {
        rc = step(fs, &w, name);
        if (rc == 0)
            rc = read_inode(fs, w.inodes[w.depth - 1], &x->inode);
        if (rc < 0 || !S_ISLNK(x->inode.mode))
            continue;
        rc = ++links > FS_MAX_LINKS ? -ELOOP : read_link(fs, link);
        if (rc == 0)
            rc = put_link(text, rest, link);
        rest = text;
        /* It is read from where the link stands, or from the root. */
        w.depth = *link == '/' ? 1 : w.depth - 1;
        if (rc == 0)
            rc = read_inode(fs, w.inodes[w.depth - 1], &x->inode);
    }
    return rc;
}

/* ---- what fs.c asks ---- */

static int xfs_open_file(struct fs *fs, const char *path, uint64_t *size)
{
    struct xfs *x = fs->state;
    int rc = find(fs, path);

    if (rc < 0)
        return rc;
    if (!S_ISREG(x->inode.mode))
        return S_ISDIR(x->inode.mode) ? -EISDIR : -EINVAL;
    if (x->inode.size > INT64_MAX)
        return -EIO;
    rc = read_extents(fs);
    if (rc < 0)
        drop_extents(x);
    *size = x->inode.size;
    x->pos = 0;
    return rc;
}

static int xfs_read(struct fs *fs, void *to, size_t n)
{
    struct xfs *x = fs->state;
    int rc = read_data(fs, x->pos, to, n);

    x->pos += n;
    return rc;
}

static void xfs_close_file(struct fs *fs)
{
    drop_extents(fs->state);
}

struct listing {
    fs_name *each;
    void *opaque;
};

static int list_entry(void *opaque, const char *name, uint64_t ino)
{
    struct listing *l = opaque;

    (void)ino;
    return l->each(l->opaque, name);
}

static int xfs_list(struct fs *fs, const char *path, fs_name *each, void *opaque)
{
    struct xfs *x = fs->state;
    struct listing l = {each, opaque};
    int rc = find(fs, path);

    if (rc < 0)
        return rc;
    return S_ISDIR(x->inode.mode) ? walk(fs, list_entry, &l) : -ENOENT;
}

const struct fs_kind fs_xfs = {
    .open = xfs_open,
    .close = xfs_close,
    .open_file = xfs_open_file,
    .read = xfs_read,
    .close_file = xfs_close_file,
    .list = xfs_list,
};
