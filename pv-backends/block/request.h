/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests as a frontend wrote them, checked and in one form. No input or output: a fuzzer can call it. */
#ifndef PVB_REQUEST_H
#define PVB_REQUEST_H

#include <stdint.h>

#include "hypercalls/abi/io-blkif.h"

/* What we offer as feature-max-indirect-segments. */
#define BLOCK_MAX_SEGMENTS   256u
#define BLOCK_INDIRECT_PAGES (BLOCK_MAX_SEGMENTS * sizeof(struct blkif_request_segment) / 4096 + 1)

/* A request of which nothing is left to be checked but its place on the disk, which is the image's to check. */
struct block_request {
    uint64_t id;
    uint8_t operation; /* as answered: for INDIRECT what it does */
    uint8_t action;    /* READ, WRITE, FLUSH_DISKCACHE, WRITE_BARRIER, DISCARD */
    unsigned int segments, indirect_pages;
    uint64_t sector, sectors; /* of 512 bytes */
    struct blkif_request_segment segment[BLOCK_MAX_SEGMENTS];
    grant_ref_t indirect[BLOCK_INDIRECT_PAGES];
};

/*
 * Decodes a copy of a ring entry. 0; -EINVAL, -EOPNOTSUPP: to be answered as an error (id and operation are set). With
 * indirect_pages set, the segments are still to be fetched, and go through request_segments().
 */
int request_decode(const struct blkif_request *from, struct block_request *r);

/* Checks the r->segments that are in r->segment, and adds up their sectors. 0 or -EINVAL. */
int request_segments(struct block_request *r);

#endif
