/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reference counts and free clusters of a qcow2 image; the rules stand in qcow2.h. */
#include "pv-backends/block/qcow2.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"

#define HEADER_REFCOUNT_TABLE 48

/* Counts in a block, as power of two. */
static unsigned int block_bits(const struct qcow2 *q)
{
    return q->cluster_bits + 3 - q->refcount_order;
}

static uint64_t rt_entries(const struct qcow2 *q)
{
    return (uint64_t)q->rt_clusters << (q->cluster_bits - 3);
}

/* Where the block of counts is in the file; 0: there is none, all its counts are 0. */
static uint64_t block_offset(const struct qcow2 *q, uint64_t index)
{
    return index < rt_entries(q) ? be64toh(q->rt[index]) & ~511ull : 0;
}

int qcow2_sync(struct qcow2 *q)
{
    return fdatasync(q->f.fd) < 0 ? -errno : 0;
}

/* ---- counts ---- */

static int load_block(struct qcow2 *q, uint64_t index)
{
    if (q->block_index == index)
        return 0;
    q->block_index = ~0ull;
    int rc = file_read(&q->f, block_offset(q, index), q->block, q->cluster);
    if (rc == 0)
        q->block_index = index;
    return rc;
}

static uint64_t get(const struct qcow2 *q, uint64_t i)
{
    unsigned int bits = 1u << q->refcount_order;
    const uint8_t *p = q->block + (i << q->refcount_order) / 8;
    uint64_t value = 0;

    if (bits < 8)
        return *p >> (i * bits % 8) & ((1u << bits) - 1);
    for (unsigned int n = 0; n < bits / 8; n++)
        value = value << 8 | p[n];
    return value;
}

static void put(struct qcow2 *q, uint64_t i, uint64_t value)
{
    unsigned int bits = 1u << q->refcount_order;
    uint8_t *p = q->block + (i << q->refcount_order) / 8;

    if (bits < 8) {
        unsigned int shift = i * bits % 8, mask = ((1u << bits) - 1) << shift;
        *p = (uint8_t)((*p & ~mask) | value << shift);
        return;
    }
    for (unsigned int n = bits / 8; n-- != 0; value >>= 8)
        p[n] = (uint8_t)value;
}

static int count_of(struct qcow2 *q, uint64_t cluster, uint64_t *count)
{
    uint64_t index = cluster >> block_bits(q);

    *count = 0;
    if (block_offset(q, index) == 0)
        return 0;
    int rc = load_block(q, index);
    if (rc == 0)
        *count = get(q, cluster & ((1ull << block_bits(q)) - 1));
    return rc;
}

/* Changes a count that has a block, in the file. */
static int set_count(struct qcow2 *q, uint64_t cluster, uint64_t count)
{
    uint64_t index = cluster >> block_bits(q), i = cluster & ((1ull << block_bits(q)) - 1);
    int rc = load_block(q, index);

    if (rc < 0)
        return rc;
    put(q, i, count);
    uint64_t byte = (i << q->refcount_order) / 8,
             n = q->refcount_order > 3 ? 1u << (q->refcount_order - 3) : 1;
    rc = file_write(&q->f, block_offset(q, index) + byte, q->block + byte, n);
    if (rc < 0)
        q->block_index = ~0ull;
    return rc;
}

/* ---- blocks and their table ---- */

static bool beyond_device(const struct qcow2 *q, uint64_t cluster)
{
    return q->f.block && (cluster + 1) << q->cluster_bits > q->f.size;
}

static int write_rt_entry(struct qcow2 *q, uint64_t index, uint64_t offset)
{
    uint64_t entry = htobe64(offset);
    int rc = file_write(&q->f, q->rt_offset + index * 8, &entry, 8);

    if (rc == 0)
        q->rt[index] = entry;
    return rc;
}

/* A block for a region that had none: it takes the region's cluster `at`, and counts itself. */
static int new_block(struct qcow2 *q, uint64_t at)
{
    uint64_t index = at >> block_bits(q), offset = at << q->cluster_bits;

    if (beyond_device(q, at))
        return -ENOSPC;
    memset(q->block, 0, q->cluster);
    q->block_index = ~0ull;
    put(q, at & ((1ull << block_bits(q)) - 1), 1);
    int rc = file_write(&q->f, offset, q->block, q->cluster);
    if (rc == 0)
        rc = qcow2_sync(q);
    if (rc == 0)
        rc = write_rt_entry(q, index, offset);
    if (rc == 0)
        q->block_index = index;
    return rc;
}

/*
 * A longer table, for region `index`, which has no block: at the region's beginning stand the blocks that count it and
 * the table, then the table itself.
 */
static int grow_table(struct qcow2 *q, uint64_t index)
{
    uint64_t start = index << block_bits(q), per_block = 1ull << block_bits(q);
    uint64_t entries = rt_entries(q) * 2 > index + 8 ? rt_entries(q) * 2 : index + 8;
    uint64_t clusters = (entries * 8 + q->cluster - 1) >> q->cluster_bits, blocks = 1;

    while (blocks + clusters > blocks * per_block)
        blocks++;
    entries = clusters << (q->cluster_bits - 3);
    if (beyond_device(q, start + blocks + clusters) || index + blocks > entries)
        return -ENOSPC;
    uint64_t *table = calloc(entries, 8);
    if (table == NULL)
        return -ENOMEM;
    memcpy(table, q->rt, rt_entries(q) * 8);
    int rc = 0;
    for (uint64_t b = 0; rc == 0 && b < blocks; b++) {
        uint64_t used = blocks + clusters - b * per_block;

        memset(q->block, 0, q->cluster);
        q->block_index = ~0ull;
        for (uint64_t i = 0; i < used && i < per_block; i++)
            put(q, i, 1);
        table[index + b] = htobe64((start + b) << q->cluster_bits);
        rc = file_write(&q->f, (start + b) << q->cluster_bits, q->block, q->cluster);
    }
    uint64_t offset = (start + blocks) << q->cluster_bits;
    if (rc == 0)
        rc = file_write(&q->f, offset, table, entries * 8);
    if (rc == 0)
        rc = qcow2_sync(q);
    if (rc == 0) {
        struct {
            uint64_t offset;
            uint32_t clusters;
        } __attribute__((packed)) head = {htobe64(offset), htobe32((uint32_t)clusters)};
        rc = file_write(&q->f, HEADER_REFCOUNT_TABLE, &head, sizeof(head));
    }
    if (rc < 0) {
        free(table);
        return rc;
    }
    for (uint32_t i = 0; rc == 0 && i < q->rt_clusters; i++)
        rc = qcow2_free_later(q, q->rt_offset + ((uint64_t)i << q->cluster_bits));
    free(q->rt);
    q->rt = table;
    q->rt_offset = offset;
    q->rt_clusters = (uint32_t)clusters;
    return rc;
}

/* Makes sure that `cluster` can be counted. */
static int prepare(struct qcow2 *q, uint64_t cluster)
{
    uint64_t index = cluster >> block_bits(q);

    if (index >= rt_entries(q))
        return grow_table(q, index);
    return block_offset(q, index) == 0 ? new_block(q, cluster) : 0;
}

/* ---- allocation ---- */

static int fill_batch(struct qcow2 *q)
{
    uint64_t count;
    int rc = 0;

    /* The search ends: behind the last cluster in use all are free. */
    while (q->batched < QCOW2_BATCH && rc == 0) {
        uint64_t at = q->next;

        if (beyond_device(q, at))
            break;
        rc = prepare(q, at);
        if (rc == 0)
            rc = count_of(q, at, &count);
        if (rc < 0)
            break;
        q->next++;
        if (count == 0 && (rc = set_count(q, at, 1)) == 0)
            q->batch[q->batched++] = at << q->cluster_bits;
    }
    if (q->batched == 0)
        return rc < 0 ? rc : -ENOSPC;
    /* Taken from the end: the lowest one first. */
    for (unsigned int i = 0; i < q->batched / 2; i++) {
        uint64_t swap = q->batch[i];
        q->batch[i] = q->batch[q->batched - 1 - i];
        q->batch[q->batched - 1 - i] = swap;
    }
    return qcow2_sync(q);
}

int qcow2_alloc(struct qcow2 *q, uint64_t *offset)
{
    if (q->batched == 0) {
        int rc = fill_batch(q);
        if (rc < 0)
            return rc;
    }
    *offset = q->batch[--q->batched];
    return 0;
}

void qcow2_unalloc(struct qcow2 *q, uint64_t offset)
{
    /* There is room: it came from here, and nothing fills the batch before it is empty. */
    if (q->batched < QCOW2_BATCH)
        q->batch[q->batched++] = offset;
}

void qcow2_end_batch(struct qcow2 *q)
{
    while (q->batched != 0)
        set_count(q, q->batch[--q->batched] >> q->cluster_bits, 0);
}

int qcow2_free_later(struct qcow2 *q, uint64_t offset)
{
    if (q->nfreed == q->room_freed) {
        unsigned int room = q->room_freed ? q->room_freed * 2 : 64;
        uint64_t *more = realloc(q->freed, room * sizeof(*more));

        if (more == NULL)
            return -ENOMEM;
        q->freed = more;
        q->room_freed = room;
    }
    q->freed[q->nfreed++] = offset & ~(q->cluster - 1);
    return 0;
}

int qcow2_free_now(struct qcow2 *q)
{
    uint64_t count;
    int rc = 0;

    for (unsigned int i = 0; i < q->nfreed && rc == 0; i++) {
        uint64_t cluster = q->freed[i] >> q->cluster_bits;

        rc = count_of(q, cluster, &count);
        if (rc < 0 || count == 0)
            continue;
        rc = set_count(q, cluster, count - 1);
        if (rc == 0 && count == 1) {
            if (cluster < q->next)
                q->next = cluster;
            fallocate(q->f.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)q->freed[i],
                      (off_t)q->cluster);
        }
    }
    q->nfreed = 0;
    return rc;
}

int qcow2_check_counts(struct qcow2 *q, struct hl_error *e)
{
    for (uint64_t i = 0; i < rt_entries(q); i++)
        if (be64toh(q->rt[i]) & (q->cluster - 1))
            return hl_fail(e, EINVAL, "open the image", q->img->target,
                           "a block of reference counts is misplaced");
    return 0;
}
