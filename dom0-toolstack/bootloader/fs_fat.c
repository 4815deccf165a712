/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FAT12, FAT16 and FAT32 (Microsoft's "FAT: General Overview of On-Disk Format", 1.03, and ECMA-107), with long names.
 * Names are compared without regard to the case of ASCII letters, as FAT does. Numbers are little-endian.
 *
 *   reserved sectors | tables (a number a cluster: the next one) | root folder, of FAT12 and 16 | clusters, from number 2
 *   entry of a folder, 32 bytes: name 11, attributes at 11, case at 12, first cluster at 20 and 26, size at 28; before
 *   it, the last part first, 13 characters of a long name each, with a sum of the short one
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dom0-toolstack/bootloader/bytes.h"
#include "dom0-toolstack/bootloader/fs_kind.h"

#define ENTRY         32
#define ATTR_VOLUME   0x08
#define ATTR_FOLDER   0x10
#define ATTR_LONG     0x0f
#define CASE_BASE     0x08
#define CASE_EXT      0x10
#define LONG_LAST     0x40
#define LONG_PART     13
#define MAX_LONG      20 /* parts */
#define MAX_DIR_BYTES (65536u * ENTRY)

struct fat {
    unsigned int bits; /* of an entry of the table: 12, 16, 32 */
    uint32_t cluster_size, clusters, root_cluster;
    uint64_t table, root, data; /* bytes from the start; root: of FAT12 and 16 */
    uint32_t root_size;
    /* What is open, and where reading is. */
    uint32_t cluster, in; /* in: bytes of the cluster that are behind us */
};

/* ---- the first sector ---- */

static bool is_power(uint32_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static bool looks_like_fat(const uint8_t *b)
{
    uint16_t sector = get_le16(b + 11);

    return get_le16(b + 510) == 0xaa55 && (b[0] == 0xeb || b[0] == 0xe9) && sector >= 512 &&
           sector <= 4096 && is_power(sector) && is_power(b[13]) && get_le16(b + 14) != 0 &&
           (b[16] == 1 || b[16] == 2) && b[21] >= 0xf0;
}

static int fat_open(struct fs *fs, const char **why)
{
    uint8_t b[512];
    struct fat *f;
    uint32_t sector, tables, sectors;
    uint64_t before;

    if (fs_read_part(fs, 0, b, sizeof(b)) < 0 || !looks_like_fat(b))
        return -ENODEV;
    sector = get_le16(b + 11);
    tables = get_le16(b + 22) != 0 ? get_le16(b + 22) : get_le32(b + 36);
    sectors = get_le16(b + 19) != 0 ? get_le16(b + 19) : get_le32(b + 32);
    f = calloc(1, sizeof(*f));
    if (f == NULL)
        return -ENOMEM;
    f->cluster_size = sector * b[13];
    f->table = (uint64_t)get_le16(b + 14) * sector;
    f->root = f->table + (uint64_t)b[16] * tables * sector;
    f->root_size = get_le16(b + 17) * ENTRY;
    f->data = f->root + (f->root_size + sector - 1) / sector * sector;
    before = f->data / sector;
    if (tables != 0 && before < sectors)
        f->clusters = (uint32_t)(sectors - before) / b[13];
    f->bits = f->clusters < 4085 ? 12 : f->clusters < 65525 ? 16 : 32;
    f->root_cluster = f->bits == 32 ? get_le32(b + 44) : 0;
    if (f->clusters == 0 || (f->bits == 32) != (f->root_size == 0)) {
        free(f);
        *why = "it is a damaged FAT";
        return -EINVAL;
    }
    fs->state = f;
    return 0;
}

static void fat_close(struct fs *fs)
{
    free(fs->state);
}

/* ---- clusters ---- */

/* The one behind a cluster; -EIO where the chain ends, too: who asks expects more. */
static int next_cluster(struct fs *fs, uint32_t *cluster)
{
    const struct fat *f = fs->state;
    uint64_t bit = (uint64_t)*cluster * f->bits;
    uint8_t b[4] = {0};
    uint32_t v;

    if (fs_read_part(fs, f->table + bit / 8, b, f->bits == 32 ? 4 : 2) < 0)
        return -EIO;
    v = get_le32(b) >> bit % 8;
    v &= f->bits == 32 ? 0x0fffffff : (1u << f->bits) - 1;
    if (v < 2 || v - 2 >= f->clusters)
        return -EIO;
    *cluster = v;
    return 0;
}

/* The next bytes of the chain that is open. */
static int read_chain(struct fs *fs, void *to, size_t n)
{
    struct fat *f = fs->state;
    int rc = 0;

    while (n > 0 && rc == 0) {
        uint32_t piece = f->cluster_size - f->in;

        if (piece == 0) {
            rc = next_cluster(fs, &f->cluster);
            f->in = 0;
            continue;
        }
        if (f->cluster < 2 || f->cluster - 2 >= f->clusters)
            return -EIO;
        piece = piece < n ? piece : (uint32_t)n;
        rc = fs_read_part(fs, f->data + (uint64_t)(f->cluster - 2) * f->cluster_size + f->in, to,
                          piece);
        to = (char *)to + piece;
        f->in += piece;
        n -= piece;
    }
    return rc;
}

/* ---- names ---- */

/* A name of several entries, as it is put together. */
struct long_name {
    uint16_t text[MAX_LONG * LONG_PART];
    unsigned int missing; /* parts that are still to come; 0 with `valid`: whole */
    unsigned int parts;
    uint8_t sum;
    bool valid;
};

static void take_part(struct long_name *l, const uint8_t *e)
{
    static const uint8_t places[LONG_PART] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    unsigned int nth = e[0] & ~LONG_LAST;

    if (e[0] & LONG_LAST) {
        l->valid = nth >= 1 && nth <= MAX_LONG;
        l->parts = l->missing = nth;
        l->sum = e[13];
    }
    if (!l->valid || nth == 0 || nth != l->missing || e[13] != l->sum) {
        l->valid = false;
        return;
    }
    l->missing--;
    for (unsigned int i = 0; i < LONG_PART; i++)
        l->text[l->missing * LONG_PART + i] = get_le16(e + places[i]);
}

static uint8_t sum_of(const uint8_t *e)
{
    uint8_t sum = 0;

    for (unsigned int i = 0; i < 11; i++)
        sum = (uint8_t)((sum >> 1 | sum << 7) + e[i]);
    return sum;
}

/* In UTF-8 (pairs of surrogates as two characters: they are in no name that is looked for). */
static void put_long(char name[FS_MAX_NAME + 1], const struct long_name *l)
{
    size_t n = 0;

    for (unsigned int i = 0; i < l->parts * LONG_PART && l->text[i] != 0; i++) {
        unsigned int c = l->text[i];

        if (n + 3 > FS_MAX_NAME)
            break;
        if (c < 0x80) {
            name[n++] = (char)c;
        } else if (c < 0x800) {
            name[n++] = (char)(0xc0 | c >> 6);
            name[n++] = (char)(0x80 | (c & 0x3f));
        } else {
            name[n++] = (char)(0xe0 | c >> 12);
            name[n++] = (char)(0x80 | (c >> 6 & 0x3f));
            name[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    name[n] = '\0';
}

static size_t put_letters(char *to, const uint8_t *from, size_t n, bool lower)
{
    while (n > 0 && from[n - 1] == ' ')
        n--;
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(lower && from[i] >= 'A' && from[i] <= 'Z' ? from[i] + 32 : from[i]);
    return n;
}

static void put_short(char name[FS_MAX_NAME + 1], const uint8_t *e)
{
    size_t n = put_letters(name, e, 8, e[12] & CASE_BASE), ext;

    ext = put_letters(name + n + 1, e + 8, 3, e[12] & CASE_EXT);
    if (ext > 0) {
        name[n] = '.';
        n += 1 + ext;
    }
    name[n] = '\0';
}

/* ---- folders ---- */

struct entry {
    char name[FS_MAX_NAME + 1];
    uint32_t cluster, size;
    bool folder;
};

/* Reads the folder on: its entry number `nth`, by bytes. 0: there is no more. */
static int read_entry(struct fs *fs, bool fixed_root, uint32_t nth, uint8_t raw[ENTRY])
{
    const struct fat *f = fs->state;
    uint32_t at = nth * ENTRY;
    int rc;

    if (fixed_root) {
        if (at >= f->root_size)
            return 0;
        rc = fs_read_part(fs, f->root + at, raw, ENTRY);
    } else {
        /* A folder has no size: its chain may end where the last entry does. */
        rc = read_chain(fs, raw, ENTRY);
        if (rc == -EIO && at != 0 && at % f->cluster_size == 0)
            return 0;
    }
    return rc < 0 ? rc : raw[0] != 0;
}

/* One entry; a positive answer ends the walk well. */
typedef int entry_fn(void *opaque, const struct entry *e);

/* Of the folder that begins at `cluster`, 0: the root. */
static int walk(struct fs *fs, uint32_t cluster, entry_fn *each, void *opaque)
{
    struct fat *f = fs->state;
    bool fixed = cluster == 0 && f->bits != 32;
    struct long_name l = {.valid = false};
    uint8_t raw[ENTRY];
    int rc;

    f->cluster = cluster == 0 ? f->root_cluster : cluster;
    f->in = 0;
    for (uint32_t nth = 0; nth < MAX_DIR_BYTES / ENTRY; nth++) {
        struct entry e;

        rc = read_entry(fs, fixed, nth, raw);
        if (rc <= 0)
            return rc;
        if (raw[0] != 0xe5 && (raw[11] & 0x3f) == ATTR_LONG) {
            take_part(&l, raw);
            continue;
        }
        if (raw[0] != 0xe5 && !(raw[11] & ATTR_VOLUME)) {
            if (l.valid && l.missing == 0 && l.sum == sum_of(raw))
                put_long(e.name, &l);
            else
                put_short(e.name, raw);
            e.cluster =
                (f->bits == 32 ? (uint32_t)get_le16(raw + 20) << 16 : 0) | get_le16(raw + 26);
            e.size = get_le32(raw + 28);
            e.folder = raw[11] & ATTR_FOLDER;
            rc = each(opaque, &e);
            if (rc != 0)
                return rc;
        }
        l.valid = false;
    }
    return -EFBIG;
}

struct wanted {
    const char *name;
    struct entry found;
};

static int is_wanted(void *opaque, const struct entry *e)
{
    struct wanted *w = opaque;

    if (strcasecmp(e->name, w->name) != 0)
        return 0;
    w->found = *e;
    return 1;
}

static int find(struct fs *fs, const char *path, struct entry *e)
{
    char name[FS_MAX_NAME + 2];
    struct wanted w = {.name = name};
    int rc;

    *e = (struct entry){.folder = true};
    while (fs_next_name(&path, name)) {
        if (strcmp(name, ".") == 0)
            continue;
        if (!e->folder)
            return -ENOENT;
        rc = walk(fs, e->cluster, is_wanted, &w);
        if (rc <= 0)
            return rc < 0 ? rc : -ENOENT;
        *e = w.found;
    }
    return 0;
}

/* ---- what fs.c asks ---- */

static int fat_open_file(struct fs *fs, const char *path, uint64_t *size)
{
    struct fat *f = fs->state;
    struct entry e;
    int rc = find(fs, path, &e);

    if (rc < 0)
        return rc;
    if (e.folder)
        return -EISDIR;
    f->cluster = e.cluster;
    f->in = 0;
    *size = e.size;
    return 0;
}

static void fat_close_file(struct fs *fs)
{
    (void)fs;
}

struct listing {
    fs_name *each;
    void *opaque;
};

static int list_entry(void *opaque, const struct entry *e)
{
    struct listing *l = opaque;

    return l->each(l->opaque, e->name);
}

static int fat_list(struct fs *fs, const char *path, fs_name *each, void *opaque)
{
    struct listing l = {each, opaque};
    struct entry e;
    int rc = find(fs, path, &e);

    if (rc < 0)
        return rc;
    return e.folder ? walk(fs, e.cluster, list_entry, &l) : -ENOENT;
}

const struct fs_kind fs_fat = {
    .open = fat_open,
    .close = fat_close,
    .open_file = fat_open_file,
    .read = read_chain,
    .close_file = fat_close_file,
    .list = fat_list,
};
