/* SPDX-License-Identifier: MIT */
/* The block frontend: connection first, then requests. */
#include "drivers/block.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/memory.h"
#include "kit/string.h"
#include "kit/time.h"
#include "hypercalls/abi/errno.h"

#define NO_GRANT      0
#define INDIRECT_SEGS (PAGE_SIZE / sizeof(struct blkif_request_segment))

/* Ring pages must follow each other: they are not page_alloc()'s. Each queue of any device takes a row. */
static bool row_taken[BLOCK_MAX_QUEUES];
static char ring_pages[BLOCK_MAX_QUEUES][PAGE_SIZE << BLOCK_MAX_RING_ORDER]
    __attribute__((aligned(4096)));
static struct block_slot slots[BLOCK_MAX_QUEUES][BLOCK_MAX_DEPTH];

/* ---- connection ---- */

/* "event-channel" of a single queue, "queue-N/event-channel" of several. */
static const char *queue_node(const struct block_device *b, unsigned int q, const char *name,
                              char *out, size_t size)
{
    if (b->nr_queues == 1) {
        ksnprintf(out, size, "%s", name);
    } else {
        ksnprintf(out, size, "queue-%u/%s", q, name);
    }
    return out;
}

static long publish_queue(struct block_device *b, unsigned int q)
{
    struct block_queue *queue = &b->queue[q];
    char node[48], name[24];
    long rc;

    for (unsigned int i = 0; i < 1u << b->ring_order; i++) {
        ksnprintf(name, sizeof(name), "ring-ref%u", i);
        rc = front_write(&b->front,
                         queue_node(b, q, b->ring_order ? name : "ring-ref", node, sizeof(node)),
                         "%u", queue->ring_refs[i]);
        if (rc < 0) {
            return rc;
        }
    }
    return front_write(&b->front, queue_node(b, q, "event-channel", node, sizeof(node)), "%u",
                       queue->port);
}

static long open_queue(struct block_device *b, unsigned int q)
{
    struct block_queue *queue = &b->queue[q];
    unsigned long size = PAGE_SIZE << b->ring_order;
    struct blkif_sring *shared;
    unsigned int row = 0;

    while (row < BLOCK_MAX_QUEUES && row_taken[row]) {
        row++;
    }
    if (row == BLOCK_MAX_QUEUES) {
        return -XEN_ENOMEM;
    }
    row_taken[row] = true;
    queue->row = row + 1;
    shared = (struct blkif_sring *)ring_pages[row];
    memset(shared, 0, size);
    XEN_FRONT_RING_INIT(&queue->ring, shared, size);
    queue->slots = slots[row];
    memset(queue->slots, 0, sizeof(slots[row]));
    queue->in_flight = 0;
    for (unsigned int i = 0; i < 1u << b->ring_order; i++) {
        queue->ring_refs[i] = front_grant(&b->front, ring_pages[row] + i * PAGE_SIZE);
    }
    long port = front_channel(&b->front);
    if (port < 0) {
        return port;
    }
    queue->port = (evtchn_port_t)port;
    return publish_queue(b, q);
}

static void negotiate(struct block_device *b, const struct block_options *options)
{
    unsigned long queues = front_backend_number(&b->front, "multi-queue-max-queues", 1);
    unsigned long order = front_backend_number(&b->front, "max-ring-page-order", 0);

    b->nr_queues = (unsigned int)(queues < options->queues ? queues : options->queues);
    b->ring_order = (unsigned int)(order < options->ring_order ? order : options->ring_order);
    if (b->nr_queues == 0) {
        b->nr_queues = 1;
    }
    if (b->nr_queues > BLOCK_MAX_QUEUES) {
        b->nr_queues = BLOCK_MAX_QUEUES;
    }
    if (b->ring_order > BLOCK_MAX_RING_ORDER) {
        b->ring_order = BLOCK_MAX_RING_ORDER;
    }
}

/* What the backend says once it is connected. */
static void read_features(struct block_device *b, const struct block_options *options)
{
    unsigned long segments = front_backend_number(&b->front, "feature-max-indirect-segments", 0);

    b->sectors = front_backend_number(&b->front, "sectors", 0);
    b->sector_size = (unsigned int)front_backend_number(&b->front, "sector-size", BLOCK_SECTOR);
    b->info = (unsigned int)front_backend_number(&b->front, "info", 0);
    b->flush = front_backend_number(&b->front, "feature-flush-cache", 0);
    b->barrier = front_backend_number(&b->front, "feature-barrier", 0);
    b->discard = front_backend_number(&b->front, "feature-discard", 0);
    b->persistent = options->persistent && front_backend_number(&b->front, "feature-persistent", 0);
    b->max_pages = BLKIF_MAX_SEGMENTS_PER_REQUEST;
    if (!options->no_indirect && segments > b->max_pages) {
        b->max_pages = (unsigned int)(segments < BLOCK_MAX_PAGES ? segments : BLOCK_MAX_PAGES);
    }
}

static long publish(struct block_device *b, const struct block_options *options)
{
    long rc = front_write(&b->front, "protocol", "x86_64-abi");

    if (rc == 0) {
        rc = front_write(&b->front, "feature-persistent", "%u", options->persistent);
    }
    if (rc == 0 && b->nr_queues > 1) {
        rc = front_write(&b->front, "multi-queue-num-queues", "%u", b->nr_queues);
    }
    if (rc == 0 && b->ring_order > 0) {
        rc = front_write(&b->front, "ring-page-order", "%u", b->ring_order);
    }
    for (unsigned int q = 0; rc == 0 && q < b->nr_queues; q++) {
        rc = open_queue(b, q);
    }
    return rc;
}

long block_open(struct block_device *b, unsigned long id, const struct block_options *options)
{
    memset(b, 0, sizeof(*b));
    b->id = id;
    long rc = front_open(&b->front, "vbd", id);
    if (rc < 0) {
        return rc;
    }
    if (!front_begin(&b->front)) {
        return -XEN_EIO;
    }
    negotiate(b, options);
    rc = publish(b, options);
    if (rc == 0) {
        rc = front_set_state(&b->front, XenbusStateInitialised);
    }
    if (rc == 0 && !front_wait_backend(&b->front, FRONT_STATE(XenbusStateConnected), FRONT_GONE)) {
        rc = -XEN_EIO;
    }
    if (rc < 0) {
        block_close(b);
        return rc;
    }
    read_features(b, options);
    return front_set_state(&b->front, XenbusStateConnected);
}

static void release_slot(struct block_slot *slot)
{
    for (unsigned int i = 0; i < BLOCK_MAX_PAGES; i++) {
        if (slot->bounce[i] != NULL && grant_free(slot->refs[i])) {
            page_free(slot->bounce[i]);
        }
    }
    if (slot->indirect != NULL && grant_free(slot->indirect_ref)) {
        page_free(slot->indirect);
    }
}

void block_close(struct block_device *b)
{
    char node[48];

    front_close(&b->front);
    for (unsigned int q = 0; q < b->nr_queues; q++) {
        struct block_queue *queue = &b->queue[q];

        if (queue->port != 0) {
            event_close(queue->port);
        }
        for (unsigned int i = 0; i < 1u << b->ring_order; i++) {
            if (queue->ring_refs[i] != NO_GRANT && !grant_free(queue->ring_refs[i])) {
                kprintf("block: the backend keeps a page of the ring\n");
            }
        }
        for (unsigned int i = 0; queue->slots != NULL && i < RING_SIZE(&queue->ring); i++) {
            release_slot(&queue->slots[i]);
        }
        if (queue->row != 0) {
            row_taken[queue->row - 1] = false;
            queue->row = 0;
        }
        front_remove(&b->front, queue_node(b, q, "event-channel", node, sizeof(node)));
    }
    /* What the next connection does not write must not be read. */
    front_remove(&b->front, "multi-queue-num-queues");
    front_remove(&b->front, "ring-page-order");
    b->nr_queues = 0;
}

/* ---- requests ---- */

static unsigned int free_slot(const struct block_queue *queue)
{
    unsigned int i = 0;

    while (queue->slots[i].busy) {
        i++;
    }
    return i;
}

/* Grants the pages of the buffer, or fills the slot's own pages from it. */
static void grant_pages(struct block_device *b, struct block_slot *slot)
{
    for (unsigned int i = 0; i < slot->pages; i++) {
        char *page = slot->buffer + i * PAGE_SIZE;
        unsigned int part = slot->bytes - i * PAGE_SIZE < PAGE_SIZE
                                ? slot->bytes - i * (unsigned int)PAGE_SIZE
                                : (unsigned int)PAGE_SIZE;
        if (!b->persistent) {
            slot->refs[i] = grant_alloc(b->front.backend_id, virt_to_mfn(page),
                                        slot->operation == BLKIF_OP_WRITE ? GTF_readonly : 0);
            continue;
        }
        if (slot->bounce[i] == NULL) {
            slot->bounce[i] = page_alloc();
            slot->refs[i] = front_grant(&b->front, slot->bounce[i]);
        }
        if (slot->operation == BLKIF_OP_WRITE) {
            memcpy(slot->bounce[i], page, part);
        }
    }
}

/* The sectors of page i that the request is about. */
static struct blkif_request_segment segment(const struct block_slot *slot, unsigned int i)
{
    unsigned int rest = slot->bytes - i * (unsigned int)PAGE_SIZE;

    return (struct blkif_request_segment){
        .gref = slot->refs[i],
        .last_sect = (uint8_t)((rest < PAGE_SIZE ? rest : PAGE_SIZE) / BLOCK_SECTOR - 1),
    };
}

static void fill_direct(struct blkif_request *req, const struct block_slot *slot)
{
    req->operation = slot->operation;
    req->nr_segments = (uint8_t)slot->pages;
    for (unsigned int i = 0; i < slot->pages; i++) {
        req->seg[i] = segment(slot, i);
    }
}

static void fill_indirect(struct block_device *b, struct blkif_request *req,
                          struct block_slot *slot)
{
    struct blkif_request_indirect *ind = (struct blkif_request_indirect *)req;
    struct blkif_request_segment *segments;
    uint64_t id = req->id, sector = req->sector_number;
    blkif_vdev_t handle = req->handle;

    _Static_assert(BLOCK_MAX_PAGES <= INDIRECT_SEGS, "one page of segments is enough");
    if (slot->indirect == NULL) {
        slot->indirect = page_alloc();
        slot->indirect_ref = front_grant(&b->front, slot->indirect);
    }
    segments = (struct blkif_request_segment *)slot->indirect;
    for (unsigned int i = 0; i < slot->pages; i++) {
        segments[i] = segment(slot, i);
    }
    memset(ind, 0, sizeof(*ind));
    ind->operation = BLKIF_OP_INDIRECT;
    ind->indirect_op = slot->operation;
    ind->nr_segments = (uint16_t)slot->pages;
    ind->id = id;
    ind->sector_number = sector;
    ind->handle = handle;
    ind->indirect_grefs[0] = slot->indirect_ref;
}

static void fill_discard(struct blkif_request *req, uint64_t sectors)
{
    struct blkif_request_discard *discard = (struct blkif_request_discard *)req;

    discard->operation = BLKIF_OP_DISCARD;
    discard->flag = 0;
    discard->nr_sectors = sectors;
}

static bool acceptable(const struct block_device *b, uint8_t operation, const void *buffer,
                       unsigned long bytes)
{
    switch (operation) {
    case BLKIF_OP_READ:
    case BLKIF_OP_WRITE:
        return bytes != 0 && bytes <= b->max_pages * PAGE_SIZE && bytes % BLOCK_SECTOR == 0 &&
               (unsigned long)buffer % PAGE_SIZE == 0;
    case BLKIF_OP_FLUSH_DISKCACHE: return b->flush && bytes == 0;
    case BLKIF_OP_DISCARD: return b->discard && bytes % BLOCK_SECTOR == 0;
    default: return false;
    }
}

long block_submit(struct block_device *b, unsigned int q, uint8_t operation, uint64_t sector,
                  void *buffer, unsigned long bytes, void *cookie)
{
    struct block_queue *queue = &b->queue[q];

    if (q >= b->nr_queues || !acceptable(b, operation, buffer, bytes)) {
        return -XEN_EINVAL;
    }
    if (RING_FULL(&queue->ring) || queue->in_flight == RING_SIZE(&queue->ring)) {
        return -XEN_EAGAIN;
    }
    unsigned int at = free_slot(queue);
    struct block_slot *slot = &queue->slots[at];
    struct blkif_request *req = RING_GET_REQUEST(&queue->ring, queue->ring.req_prod_pvt);

    slot->busy = true;
    slot->cookie = cookie;
    slot->operation = operation;
    slot->buffer = buffer;
    slot->bytes = operation <= BLKIF_OP_WRITE ? (unsigned int)bytes : 0;
    slot->pages = (unsigned int)((slot->bytes + PAGE_SIZE - 1) / PAGE_SIZE);
    grant_pages(b, slot);
    *req = (struct blkif_request){
        .operation = operation, .handle = (blkif_vdev_t)b->id, .id = at, .sector_number = sector};
    if (operation == BLKIF_OP_DISCARD) {
        fill_discard(req, bytes / BLOCK_SECTOR);
    } else if (slot->pages > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
        fill_indirect(b, req, slot);
    } else {
        fill_direct(req, slot);
    }
    queue->ring.req_prod_pvt++;
    queue->in_flight++;
    return 0;
}

void block_kick(struct block_device *b, unsigned int q)
{
    struct block_queue *queue = &b->queue[q];
    int notify;

    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&queue->ring, notify);
    if (notify) {
        event_send(queue->port);
    }
}

/* Takes the data and the grants back. */
static void finish_slot(struct block_device *b, struct block_slot *slot)
{
    for (unsigned int i = 0; i < slot->pages; i++) {
        unsigned int rest = slot->bytes - i * (unsigned int)PAGE_SIZE;

        if (b->persistent) {
            if (slot->operation == BLKIF_OP_READ) {
                memcpy(slot->buffer + i * PAGE_SIZE, slot->bounce[i],
                       rest < PAGE_SIZE ? rest : PAGE_SIZE);
            }
        } else if (!grant_free(slot->refs[i])) {
            kit_panic("block: the backend keeps a page of a finished request");
        }
    }
    slot->busy = false;
}

bool block_complete(struct block_device *b, unsigned int q, void **cookie, long *status)
{
    struct block_queue *queue = &b->queue[q];
    struct blkif_response rsp;
    int more;

    if (!RING_HAS_UNCONSUMED_RESPONSES(&queue->ring)) {
        RING_FINAL_CHECK_FOR_RESPONSES(&queue->ring, more);
        if (!more) {
            return false;
        }
    }
    xen_rmb(); /* the index before the response */
    RING_COPY_RESPONSE(&queue->ring, queue->ring.rsp_cons, &rsp);
    queue->ring.rsp_cons++;
    if (rsp.id >= RING_SIZE(&queue->ring) || !queue->slots[rsp.id].busy) {
        kit_panic("block: an answer to nothing, id %lu", (unsigned long)rsp.id);
    }
    if (rsp.operation != queue->slots[rsp.id].operation) {
        kit_panic("block: an answer to operation %u, not %u", rsp.operation,
                  queue->slots[rsp.id].operation);
    }
    struct block_slot *slot = &queue->slots[rsp.id];
    *cookie = slot->cookie;
    *status = rsp.status == BLKIF_RSP_OKAY         ? 0
              : rsp.status == BLKIF_RSP_EOPNOTSUPP ? -XEN_EOPNOTSUPP
                                                   : -XEN_EIO;
    finish_slot(b, slot);
    queue->in_flight--;
    return true;
}

bool block_wait(struct block_device *b, unsigned int q, uint64_t deadline)
{
    struct block_queue *queue = &b->queue[q];
    int more;

    for (;;) {
        RING_FINAL_CHECK_FOR_RESPONSES(&queue->ring, more);
        if (more) {
            return true;
        }
        if (!event_wait(&queue->port, 1, deadline)) {
            return false;
        }
        event_clear(queue->port);
    }
}

static long do_one(struct block_device *b, uint8_t operation, uint64_t sector, char *buffer,
                   unsigned long bytes)
{
    void *cookie;
    long status;
    long rc = block_submit(b, 0, operation, sector, buffer, bytes, buffer);

    if (rc < 0) {
        return rc;
    }
    block_kick(b, 0);
    do {
        if (!block_wait(b, 0, time_now() + FRONT_WAIT)) {
            return -XEN_ETIMEDOUT;
        }
    } while (!block_complete(b, 0, &cookie, &status));
    return status;
}

long block_do(struct block_device *b, uint8_t operation, uint64_t sector, void *buffer,
              unsigned long bytes)
{
    unsigned long most = operation <= BLKIF_OP_WRITE ? b->max_pages * PAGE_SIZE : bytes;
    char *at = buffer;
    long rc;

    do {
        unsigned long part = bytes < most ? bytes : most;

        rc = do_one(b, operation, sector, at, part);
        sector += part / BLOCK_SECTOR;
        at += operation <= BLKIF_OP_WRITE ? part : 0;
        bytes -= part;
    } while (rc == 0 && bytes != 0);
    return rc;
}
