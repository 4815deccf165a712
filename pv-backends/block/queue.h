/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ring of a block device. Everything in it is the guest's to write at any time: an entry is copied once, decoded from the
 * copy; indices that cannot be stop this device, and nothing else.
 *
 * What was taken from the ring and not answered yet is kept in a file of /run (struct kept): a backend that was killed is
 * followed by one that does these requests again (reads and writes may be done twice) and goes on. So the guest
 * notices nothing but a pause.
 */
#ifndef PVB_QUEUE_H
#define PVB_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "hypercalls/abi/io-blkif.h"

#define BLOCK_MAX_RING_ORDER 4u
#define BLOCK_MAX_RING_PAGES (1u << BLOCK_MAX_RING_ORDER)

struct backend;
struct data;
struct hl_error;
struct image;
struct kept;

struct block_queue {
    struct backend *b;
    struct image **image; /* the device's, NULL while it has no medium */
    struct data *data;
    struct blkif_back_ring ring;
    unsigned int pages, in_flight;
    uint64_t bytes; /* of buffers in use */
    int port;
    bool broken, answered;
    struct kept *kept;
    char *kept_path;
};

/* Maps the ring and binds the channel. `again`: the frontend is connected already; the ring goes on where an earlier
 * backend left it. kept_path: the queue takes it over. Undone by queue_close(). */
int queue_open(struct block_queue *q, const uint32_t *refs, unsigned int pages, uint32_t port,
               char *kept_path, bool again, struct hl_error *e);
/* Nothing may be in flight. The file stays. */
void queue_close(struct block_queue *q);

/* Takes requests, as many as memory allows. 1: there may be more, call again. -EPROTO: the ring is broken, and is not
 * looked at again. */
int queue_take(struct block_queue *q);
/* Shows the frontend the answers that came since. */
void queue_publish(struct block_queue *q);

#endif
