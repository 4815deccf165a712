/* SPDX-License-Identifier: MIT */
/*
 * A block frontend (hypercalls/abi/io-blkif.h): rings of several pages, several queues, indirect and persistent grants, flush and
 * discard, as far as the backend offers them and the caller asks.
 *
 * Requests are asynchronous: block_submit() puts one on a ring, block_complete() fetches one that is done. For one
 * caller at a time (the boot vCPU).
 */
#ifndef DRIVERS_BLOCK_H
#define DRIVERS_BLOCK_H

#include "drivers/front.h"
#include "hypercalls/abi/io-blkif.h"

#define BLOCK_SECTOR         512u
#define BLOCK_MAX_QUEUES     4
#define BLOCK_MAX_RING_ORDER 2
/* Pages of a request: more than eleven go by an indirect request. */
#define BLOCK_MAX_PAGES 64
#define BLOCK_MAX_DEPTH (32u << BLOCK_MAX_RING_ORDER)

/* What to ask for; what the backend does not offer is left out (block_device says what was agreed). */
struct block_options {
    unsigned int queues, ring_order;
    bool
        persistent; /* grants of the data stay with the backend: data is copied through pages of ours */
    bool no_indirect;
};

/* A request on its way. Pages are granted in front of it and taken back behind it. */
struct block_slot {
    bool busy;
    void *cookie;
    uint8_t operation;
    unsigned int pages;
    char *buffer; /* the caller's, for READ into bounce pages */
    unsigned int bytes;
    grant_ref_t refs[BLOCK_MAX_PAGES];
    char *bounce[BLOCK_MAX_PAGES]; /* persistent mode: pages of ours, granted for good */
    char *indirect;                /* a page of segments, and its grant */
    grant_ref_t indirect_ref;
};

struct block_queue {
    struct blkif_front_ring ring;
    evtchn_port_t port;
    grant_ref_t ring_refs[1 << BLOCK_MAX_RING_ORDER];
    struct block_slot *slots; /* as many as the ring has */
    unsigned int in_flight;
    unsigned int row; /* whose memory it uses, from 1; 0: none */
};

struct block_device {
    struct front front;
    unsigned long id;
    unsigned long sectors;          /* of 512 bytes */
    unsigned int sector_size, info; /* of the device; VDISK_* */
    unsigned int nr_queues, ring_order;
    unsigned int max_pages; /* of a request */
    bool persistent, flush, barrier, discard;
    struct block_queue queue[BLOCK_MAX_QUEUES];
};

/* Connects to vbd `id`. Undone by block_close(). -XEN_ENOENT: no such device; -XEN_EIO: the backend did not connect;
 * -XEN_ENOMEM: the devices that are open have BLOCK_MAX_QUEUES queues already. */
long block_open(struct block_device *b, unsigned long id, const struct block_options *options);
void block_close(struct block_device *b);

/*
 * READ or WRITE of whole sectors between the disk and `buffer`, which is page-aligned and the kit's own memory (not
 * read-only pages when reading), up to max_pages pages; FLUSH_DISKCACHE without any; DISCARD of `bytes`. The buffer is the backend's until
 * block_complete() has returned the cookie. -XEN_EAGAIN: the ring is full. -XEN_EINVAL: too long, or not offered.
 */
long block_submit(struct block_device *b, unsigned int queue, uint8_t operation, uint64_t sector,
                  void *buffer, unsigned long bytes, void *cookie);
/* Makes the requests visible to the backend. */
void block_kick(struct block_device *b, unsigned int queue);
/* A finished request of the queue: its cookie and status (0, -XEN_EIO, -XEN_EOPNOTSUPP). False: none is ready. */
bool block_complete(struct block_device *b, unsigned int queue, void **cookie, long *status);
/* Waits for one. False at the deadline (system time, 0: never), or when the backend left. */
bool block_wait(struct block_device *b, unsigned int queue, uint64_t deadline);

/* One request, alone: until it is done. Splits what is longer than a request. */
long block_do(struct block_device *b, uint8_t operation, uint64_t sector, void *buffer,
              unsigned long bytes);

#endif
