/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two levels of tables of a qcow2 image. */
#include "pv-backends/block/qcow2.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned int l2_bits(const struct qcow2 *q)
{
    return q->cluster_bits - 3;
}

static uint64_t l1_index(const struct qcow2 *q, uint64_t guest)
{
    return guest >> (q->cluster_bits + l2_bits(q));
}

static uint64_t l2_index(const struct qcow2 *q, uint64_t guest)
{
    return guest >> q->cluster_bits & ((1ull << l2_bits(q)) - 1);
}

/* The slot that holds the table, or the one to use for it. */
static struct qcow2_cached *slot_for(struct qcow2 *q, uint64_t offset)
{
    struct qcow2_cached *oldest = &q->cache[0];

    for (unsigned int i = 0; i < QCOW2_CACHE; i++) {
        if (q->cache[i].offset == offset)
            return &q->cache[i];
        if (q->cache[i].used < oldest->used)
            oldest = &q->cache[i];
    }
    oldest->offset = 0;
    return oldest;
}

static int load(struct qcow2 *q, uint64_t offset, struct qcow2_cached **out)
{
    struct qcow2_cached *c = slot_for(q, offset);
    int rc = 0;

    if (offset == 0 || offset & (q->cluster - 1))
        return -EIO;
    c->used = ++q->uses;
    if (c->offset != offset) {
        if (c->table == NULL && (c->table = malloc(q->cluster)) == NULL)
            return -ENOMEM;
        rc = file_read(&q->f, offset, c->table, q->cluster);
        c->offset = rc == 0 ? offset : 0;
    }
    *out = c;
    return rc;
}

static void decode(const struct qcow2 *q, uint64_t entry, struct qcow2_mapping *m)
{
    *m = (struct qcow2_mapping){.entry = entry, .host = entry & QCOW2_OFFSET};
    if (entry & QCOW2_COMPRESSED)
        m->kind = QCOW2_PACKED;
    else if (q->version >= 3 && (entry & QCOW2_ZERO))
        m->kind = QCOW2_ZEROS;
    else if (m->host != 0) {
        m->kind = QCOW2_DATA;
        m->in_place = entry & QCOW2_COPIED;
    }
}

int qcow2_map(struct qcow2 *q, uint64_t guest, struct qcow2_mapping *m)
{
    uint64_t l1 = be64toh(q->l1[l1_index(q, guest)]);
    struct qcow2_cached *c;

    *m = (struct qcow2_mapping){.kind = QCOW2_NONE};
    if ((l1 & QCOW2_OFFSET) == 0)
        return 0;
    int rc = load(q, l1 & QCOW2_OFFSET, &c);
    if (rc < 0)
        return rc;
    decode(q, be64toh(c->table[l2_index(q, guest)]), m);
    return m->kind == QCOW2_DATA && m->host & (q->cluster - 1) ? -EIO : 0;
}

static int write_l1_entry(struct qcow2 *q, uint64_t index, uint64_t entry)
{
    uint64_t raw = htobe64(entry);
    int rc = file_write(&q->f, q->l1_offset + index * 8, &raw, 8);

    if (rc == 0)
        q->l1[index] = raw;
    return rc;
}

/* An L2 table that is this image's alone: a new one, or a copy of one shared with a snapshot. */
static int make_table(struct qcow2 *q, uint64_t index, uint64_t old)
{
    uint64_t offset;
    int rc = qcow2_alloc(q, &offset);

    if (rc < 0)
        return rc;
    uint64_t *table = calloc(1, q->cluster);
    if (table == NULL)
        rc = -ENOMEM;
    if (rc == 0 && old != 0)
        rc = file_read(&q->f, old, table, q->cluster);
    if (rc == 0)
        rc = file_write(&q->f, offset, table, q->cluster);
    if (rc == 0)
        rc = qcow2_sync(q);
    free(table);
    /* From here on the cluster may be named: if the write failed, nobody knows whether it is. */
    if (rc < 0) {
        qcow2_unalloc(q, offset);
        return rc;
    }
    rc = write_l1_entry(q, index, offset | QCOW2_COPIED);
    return rc == 0 && old != 0 ? qcow2_free_later(q, old) : rc;
}

int qcow2_set(struct qcow2 *q, uint64_t guest, uint64_t entry)
{
    uint64_t index = l1_index(q, guest), l1 = be64toh(q->l1[index]), i = l2_index(q, guest);
    uint64_t raw = htobe64(entry);
    struct qcow2_cached *c;
    int rc = 0;

    if (!(l1 & QCOW2_COPIED) || (l1 & QCOW2_OFFSET) == 0)
        rc = make_table(q, index, l1 & QCOW2_OFFSET);
    if (rc == 0)
        rc = load(q, be64toh(q->l1[index]) & QCOW2_OFFSET, &c);
    if (rc == 0)
        rc = file_write(&q->f, c->offset + i * 8, &raw, 8);
    if (rc == 0)
        c->table[i] = raw;
    return rc;
}
