/* SPDX-License-Identifier: MIT */
/* The block device's ring. A sector is 512 bytes in every field. */
#ifndef HOSPES_ABI_IO_BLKIF_H
#define HOSPES_ABI_IO_BLKIF_H

#include "ring.h"
#include "grant_table.h"

#ifndef blkif_vdev_t
#define blkif_vdev_t uint16_t
#endif
#define blkif_sector_t uint64_t

/* An operation past WRITE may be used if the backend announced the node in brackets. */
#define BLKIF_OP_READ                        0
#define BLKIF_OP_WRITE                       1
#define BLKIF_OP_WRITE_BARRIER               2 /* [feature-barrier] */
#define BLKIF_OP_FLUSH_DISKCACHE             3 /* [feature-flush-cache] */
#define BLKIF_OP_RESERVED_1                  4
#define BLKIF_OP_DISCARD                     5 /* [feature-discard] */
#define BLKIF_OP_INDIRECT                    6 /* [feature-max-indirect-segments] */

#define BLKIF_RSP_OKAY                       0
#define BLKIF_RSP_ERROR                      -1
#define BLKIF_RSP_EOPNOTSUPP                 -2

#define BLKIF_MAX_SEGMENTS_PER_REQUEST       11
#define BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST 8

/* Also the entry of an indirect page, 512 to a page */
struct blkif_request_segment {
    grant_ref_t gref;
    uint8_t first_sect, last_sect; /* in the page, both included */
};
XEN_ABI_SIZE(struct blkif_request_segment, 8);

struct blkif_request {
    uint8_t operation;
    uint8_t nr_segments;
    blkif_vdev_t handle;
    uint64_t id; /* repeated in the response */
    blkif_sector_t sector_number;
    struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};
typedef struct blkif_request blkif_request_t;
XEN_ABI_SIZE(struct blkif_request, 112);

#define BLKIF_DISCARD_SECURE (1 << 0)
struct blkif_request_discard {
    uint8_t operation;
    uint8_t flag;
    blkif_vdev_t handle;
    uint64_t id;
    blkif_sector_t sector_number;
    uint64_t nr_sectors;
};
typedef struct blkif_request_discard blkif_request_discard_t;

struct blkif_request_indirect {
    uint8_t operation;
    uint8_t indirect_op; /* READ or WRITE */
    uint16_t nr_segments;
    uint64_t id;
    blkif_sector_t sector_number;
    blkif_vdev_t handle;
    grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
};
typedef struct blkif_request_indirect blkif_request_indirect_t;
XEN_ABI_SIZE(struct blkif_request_indirect, 64);

struct blkif_response {
    uint64_t id;
    uint8_t operation;
    int16_t status; /* BLKIF_RSP_* */
};
typedef struct blkif_response blkif_response_t;
XEN_ABI_SIZE(struct blkif_response, 16);

DEFINE_RING_TYPES(blkif, struct blkif_request, struct blkif_response);
XEN_ABI_ASSERT(__CONST_RING_SIZE(blkif, 4096) == 32);

/* The node "info" of the backend */
#define VDISK_CDROM     0x1
#define VDISK_REMOVABLE 0x2
#define VDISK_READONLY  0x4

#endif
