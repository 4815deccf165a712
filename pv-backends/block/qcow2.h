/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's copy-on-write format, versions 2 and 3 (specification: QEMU's docs/interop/qcow2). A guest's address is looked
 * up in two levels of tables:
 *
 *   address ─ L1 table (in memory) ─► L2 table (one cluster, cached) ─► entry: a cluster of data, of zeros, compressed,
 *                                                                       or none: the backing file's
 *
 * and each cluster of the file has a reference count, in blocks that the refcount table lists.
 *
 * Whatever happens, the file stays consistent but for clusters that are counted and not used ("leaks", which
 * qemu-img check -r leaks gives back):
 *   - counts are raised for a batch of clusters, and are on the disk, before any of these is used;
 *   - a new L2 table is on the disk before the L1 table names it;
 *   - an acknowledged write is in the file with all that leads to it: the death of this process loses nothing;
 *   - a cluster that is not used any more keeps its count until the guest's next flush is done.
 *
 * Refused: encryption, extended L2 entries, external data files; for writing also images that are marked dirty or corrupt.
 */
#ifndef PVB_QCOW2_H
#define PVB_QCOW2_H

#include "pv-backends/block/file.h"
#include "pv-backends/block/image.h"

#define QCOW2_CACHE      64 /* L2 tables kept */
#define QCOW2_BATCH      64 /* clusters whose counts are raised at once */

#define QCOW2_OFFSET     0x00fffffffffffe00ull
#define QCOW2_COPIED     (1ull << 63) /* the count is exactly one: may be written in place */
#define QCOW2_COMPRESSED (1ull << 62)
#define QCOW2_ZERO       1ull

struct qcow2_cached {
    uint64_t offset; /* of the table in the file, 0: unused */
    uint64_t *table; /* as in the file: big-endian */
    uint64_t used;   /* for LRU */
};

struct qcow2_work;
struct qcow2 {
    struct file f;
    struct image *img, *backing;
    unsigned int version, cluster_bits, refcount_order, compression;
    uint64_t cluster; /* bytes */
    /* L1: as in the file. */
    uint64_t *l1, l1_offset;
    uint32_t l1_size;
    struct qcow2_cached cache[QCOW2_CACHE];
    uint64_t uses;
    /* Counts. The table's entries as in the file; one block is in memory. */
    uint64_t *rt, rt_offset;
    uint32_t rt_clusters;
    uint64_t block_index; /* of the block in memory, ~0: none */
    uint8_t *block;
    uint64_t next; /* cluster at which the search for free ones goes on */
    uint64_t batch[QCOW2_BATCH];
    unsigned int batched;
    /* Clusters to be released at the next flush. */
    uint64_t *freed;
    unsigned int nfreed, room_freed;
    /* Requests that change tables do so one after the other. */
    struct qcow2_work *busy, *waiting, **last_waiting;
    unsigned int in_flight; /* transfers of data */
    void *scratch, *packed; /* one cluster each; for compressed ones */
};

enum qcow2_kind { QCOW2_NONE, QCOW2_ZEROS, QCOW2_DATA, QCOW2_PACKED };
struct qcow2_mapping {
    enum qcow2_kind kind;
    uint64_t entry; /* of the L2 table, native order */
    uint64_t host;  /* DATA: where the cluster begins */
    bool in_place;  /* DATA: may be written */
};

/* qcow2_table.c: where a guest's address is; making its entry say something else (the table before it, too). */
int qcow2_map(struct qcow2 *q, uint64_t guest, struct qcow2_mapping *m);
int qcow2_set(struct qcow2 *q, uint64_t guest, uint64_t entry);

/* qcow2_alloc.c: a cluster of count one; giving one back that was never used; one reference less, at the next flush. */
int qcow2_alloc(struct qcow2 *q, uint64_t *offset);
void qcow2_unalloc(struct qcow2 *q, uint64_t offset);
int qcow2_free_later(struct qcow2 *q, uint64_t offset);
/* After everything is on the disk: what was freed may be used again. */
int qcow2_free_now(struct qcow2 *q);
/* Gives back what was allocated in advance. */
void qcow2_end_batch(struct qcow2 *q);
int qcow2_check_counts(struct qcow2 *q, struct hl_error *e);

int qcow2_sync(struct qcow2 *q);

/* qcow2_open.c: the header. */
int qcow2_open(struct image *img, const char *target, struct hl_error *e);
void qcow2_close(struct image *img);

#endif
