/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See request.h. */
#include "pv-backends/block/request.h"

#include <errno.h>
#include <string.h>

#define SECTORS_PER_PAGE 8

int request_segments(struct block_request *r)
{
    r->sectors = 0;
    for (unsigned int i = 0; i < r->segments; i++) {
        const struct blkif_request_segment *s = &r->segment[i];

        if (s->first_sect > s->last_sect || s->last_sect >= SECTORS_PER_PAGE)
            return -EINVAL;
        r->sectors += s->last_sect - s->first_sect + 1u;
    }
    return 0;
}

static int decode_indirect(const struct blkif_request *from, struct block_request *r)
{
    struct blkif_request_indirect ind;

    memcpy(&ind, from, sizeof(ind));
    r->id = ind.id;
    r->operation = r->action = ind.indirect_op; /* as Linux expects it in the answer */
    r->segments = ind.nr_segments;
    r->sector = ind.sector_number;
    if (r->action != BLKIF_OP_READ && r->action != BLKIF_OP_WRITE)
        return -EINVAL;
    if (r->segments == 0 || r->segments > BLOCK_MAX_SEGMENTS || r->sector > UINT64_MAX / 512)
        return -EINVAL;
    r->indirect_pages =
        (unsigned int)((r->segments * sizeof(struct blkif_request_segment) + 4095) / 4096);
    memcpy(r->indirect, ind.indirect_grefs, r->indirect_pages * sizeof(r->indirect[0]));
    return 0;
}

static int decode_discard(const struct blkif_request *from, struct block_request *r)
{
    struct blkif_request_discard discard;

    memcpy(&discard, from, sizeof(discard));
    r->id = discard.id;
    r->sector = discard.sector_number;
    r->sectors = discard.nr_sectors;
    if (discard.flag & BLKIF_DISCARD_SECURE)
        return -EOPNOTSUPP;
    /* In bytes it must still be a number. */
    return r->sectors == 0 || r->sectors > UINT64_MAX / 512 || r->sector > UINT64_MAX / 512
               ? -EINVAL
               : 0;
}

int request_decode(const struct blkif_request *from, struct block_request *r)
{
    r->id = from->id;
    r->operation = r->action = from->operation;
    r->segments = r->indirect_pages = 0;
    r->sector = r->sectors = 0;
    switch (from->operation) {
    case BLKIF_OP_READ:
    case BLKIF_OP_WRITE:
    case BLKIF_OP_WRITE_BARRIER:
    case BLKIF_OP_FLUSH_DISKCACHE:
        r->segments = from->nr_segments;
        r->sector = from->sector_number;
        if (r->segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
            return -EINVAL;
        if (r->segments == 0 && from->operation <= BLKIF_OP_WRITE)
            return -EINVAL;
        memcpy(r->segment, from->seg, r->segments * sizeof(r->segment[0]));
        if (r->sector > UINT64_MAX / 512)
            return -EINVAL;
        return request_segments(r);
    case BLKIF_OP_DISCARD: return decode_discard(from, r);
    case BLKIF_OP_INDIRECT: return decode_indirect(from, r);
    default: return -EOPNOTSUPP;
    }
}
