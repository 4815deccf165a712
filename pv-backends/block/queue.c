/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See queue.h. */
#include "pv-backends/block/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "pv-backends/block/data.h"
#include "pv-backends/block/image.h"
#include "pv-backends/lib/backend.h"

/* Memory for the data of one queue's requests: more of them wait in the ring. */
#define MAX_BYTES (16u << 20)

/*
 * The file. An entry is valid if its request was taken (index before req_cons) and its answer not shown (answer at or
 * behind rsp_prod). Whatever the moment at which the writer is killed, one or the other says so.
 */
enum entry_state { ENTRY_FREE, ENTRY_TAKEN, ENTRY_ANSWERED };
struct kept_entry {
    uint32_t state, index, answer;
    struct blkif_request request;
};
struct kept {
    uint32_t size; /* entries */
    uint32_t req_cons, rsp_prod;
    struct kept_entry entry[];
};

struct work {
    struct block_queue *q;
    unsigned int slot;
    struct image_request image;
    struct iovec iov;
    char *buffer;
    enum image_op step[3]; /* what is to be done, one after the other */
    unsigned int steps, at;
    uint64_t bytes; /* of the transfer */
    struct block_request r;
};

static void go_on(struct work *w);

static size_t kept_size(unsigned int entries)
{
    return sizeof(struct kept) + entries * sizeof(struct kept_entry);
}

/* ---- answers ---- */

static void answer(struct block_queue *q, unsigned int slot, uint64_t id, uint8_t operation, int rc)
{
    struct kept_entry *k = &q->kept->entry[slot];
    struct blkif_response rsp = {
        .id = id,
        .operation = operation,
        .status = rc == 0             ? BLKIF_RSP_OKAY
                  : rc == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP
                                      : BLKIF_RSP_ERROR,
    };

    k->answer = q->ring.rsp_prod_pvt;
    k->state = ENTRY_ANSWERED;
    *RING_GET_RESPONSE(&q->ring, q->ring.rsp_prod_pvt) = rsp;
    q->ring.rsp_prod_pvt++;
    q->in_flight--;
    q->answered = true;
}

void queue_publish(struct block_queue *q)
{
    int notify;

    if (!q->answered)
        return;
    q->answered = false;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&q->ring, notify);
    q->kept->rsp_prod = q->ring.rsp_prod_pvt;
    for (unsigned int i = 0; i < q->kept->size; i++)
        if (q->kept->entry[i].state == ENTRY_ANSWERED)
            q->kept->entry[i].state = ENTRY_FREE;
    if (notify)
        evtchn_notify(q->b->ev, (uint32_t)q->port);
}

/* ---- requests ---- */

static void finish(struct work *w, int rc)
{
    struct block_queue *q = w->q;

    if (rc == 0 && w->r.action == BLKIF_OP_READ)
        rc = data_to_guest(q->data, &w->r, w->buffer);
    if (w->buffer != NULL)
        q->bytes -= w->bytes;
    answer(q, w->slot, w->r.id, w->r.operation, rc);
    free(w->buffer);
    free(w);
}

static void image_done(struct image_request *r, int rc)
{
    struct work *w = r->opaque;

    if (rc < 0)
        finish(w, rc);
    else
        go_on(w);
}

/* The next step. */
static void go_on(struct work *w)
{
    if (w->at == w->steps) {
        finish(w, 0);
        return;
    }
    enum image_op op = w->step[w->at++];
    w->iov = (struct iovec){w->buffer, w->bytes};
    w->image = (struct image_request){
        .op = op,
        .offset = op == IMAGE_FLUSH ? 0 : w->r.sector * 512,
        .length = op == IMAGE_FLUSH ? 0 : w->bytes,
        .iov = &w->iov,
        .iovcnt = op == IMAGE_READ || op == IMAGE_WRITE ? 1 : 0,
        .done = image_done,
        .opaque = w,
    };
    if (*w->q->image == NULL)
        finish(w, -EIO); /* no medium */
    else
        image_submit(*w->q->image, &w->image);
}

static void plan(struct work *w)
{
    switch (w->r.action) {
    case BLKIF_OP_READ: w->step[w->steps++] = IMAGE_READ; return;
    case BLKIF_OP_WRITE: w->step[w->steps++] = IMAGE_WRITE; return;
    case BLKIF_OP_DISCARD: w->step[w->steps++] = IMAGE_DISCARD; return;
    default: break;
    }
    /* A flush may bring data, which is written behind it; a barrier is flushed behind that, too. */
    w->step[w->steps++] = IMAGE_FLUSH;
    if (w->bytes != 0) {
        w->step[w->steps++] = IMAGE_WRITE;
        if (w->r.action == BLKIF_OP_WRITE_BARRIER)
            w->step[w->steps++] = IMAGE_FLUSH;
    }
}

/* Fetches what the request needs from the guest. */
static int prepare(struct block_queue *q, struct work *w)
{
    int rc = 0;

    if (w->r.indirect_pages != 0) {
        rc = data_fetch_segments(q->data, &w->r);
        if (rc == 0)
            rc = request_segments(&w->r);
    }
    w->bytes = w->r.sectors * 512;
    if (rc < 0 || w->r.segments == 0)
        return rc;
    w->buffer = aligned_alloc(4096, (w->bytes + 4095) / 4096 * 4096);
    if (w->buffer == NULL)
        return -ENOMEM;
    q->bytes += w->bytes;
    return w->r.action == BLKIF_OP_READ ? 0 : data_from_guest(q->data, &w->r, w->buffer);
}

/* Does what is in the slot. */
static void start(struct block_queue *q, unsigned int slot)
{
    struct blkif_request copy = q->kept->entry[slot].request;
    struct work *w = calloc(1, sizeof(*w));

    q->in_flight++;
    if (w == NULL) {
        answer(q, slot, copy.id, copy.operation, -ENOMEM);
        return;
    }
    w->q = q;
    w->slot = slot;
    int rc = request_decode(&copy, &w->r);
    if (rc == 0)
        rc = prepare(q, w);
    if (rc < 0) {
        finish(w, rc);
        return;
    }
    plan(w);
    go_on(w);
}

static unsigned int free_slot(const struct block_queue *q)
{
    unsigned int i = 0;

    while (q->kept->entry[i].state != ENTRY_FREE)
        i++;
    return i;
}

/* Copies the entry at req_cons into the file, and only then steps over it. */
static unsigned int take_one(struct block_queue *q)
{
    unsigned int slot = free_slot(q);
    struct kept_entry *k = &q->kept->entry[slot];

    RING_COPY_REQUEST(&q->ring, q->ring.req_cons, &k->request);
    k->index = q->ring.req_cons;
    k->state = ENTRY_TAKEN;
    __atomic_store_n(&q->kept->req_cons, ++q->ring.req_cons, __ATOMIC_RELEASE);
    return slot;
}

/* Of a frontend that writes on while it is served, no more than a ring full is taken: it must not keep us from all else. */
int queue_take(struct block_queue *q)
{
    RING_IDX end = q->ring.req_cons + RING_SIZE(&q->ring);
    int more = 1;

    while (!q->broken && more && q->bytes < MAX_BYTES) {
        RING_IDX prod = XEN_RING_ONCE_(q->ring.sring->req_prod);

        if (RING_REQUEST_PROD_OVERFLOW(&q->ring, prod)) {
            q->broken = true;
            return -EPROTO;
        }
        xen_rmb(); /* the index before the entries */
        /* As many requests as the ring has entries are taken and not answered: not one more. */
        while (q->ring.req_cons != prod && q->ring.req_cons != end &&
               !RING_REQUEST_CONS_OVERFLOW(&q->ring, q->ring.req_cons) &&
               q->in_flight < q->kept->size && q->bytes < MAX_BYTES) {
            /* Answers not shown yet occupy places of the file. */
            if (q->answered)
                queue_publish(q);
            start(q, take_one(q));
        }
        if (q->ring.req_cons == end)
            return 1;
        if (q->in_flight == q->kept->size)
            break;
        RING_FINAL_CHECK_FOR_REQUESTS(&q->ring, more);
    }
    return 0;
}

/* ---- opening ---- */

static int map_kept(struct block_queue *q, unsigned int entries, bool again, struct hl_error *e)
{
    int fd = open(q->kept_path, O_RDWR | O_CREAT | O_CLOEXEC | (again ? 0 : O_TRUNC), 0600);

    if (fd < 0 || ftruncate(fd, (off_t)kept_size(entries)) < 0) {
        int rc = hl_fail(e, errno, "keep a record of the requests", q->kept_path, NULL);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    q->kept = mmap(NULL, kept_size(entries), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (q->kept == MAP_FAILED) {
        q->kept = NULL;
        return hl_fail(e, errno, "keep a record of the requests", q->kept_path, NULL);
    }
    /* No record of this ring: then what was taken before is lost. */
    if (q->kept->size != entries) {
        memset(q->kept, 0, kept_size(entries));
        if (again)
            q->kept->req_cons = q->kept->rsp_prod = XEN_RING_ONCE_(q->ring.sring->rsp_prod);
    }
    q->kept->size = entries;
    return 0;
}

static bool was_taken(const struct block_queue *q, const struct kept_entry *k)
{
    return k->state != ENTRY_FREE && (int32_t)(k->index - q->kept->req_cons) < 0;
}

/* Answers that the record does not know to have been shown. */
static unsigned int answers_kept(const struct block_queue *q)
{
    unsigned int n = 0;

    for (unsigned int i = 0; i < q->kept->size; i++) {
        const struct kept_entry *k = &q->kept->entry[i];
        n += was_taken(q, k) && k->state == ENTRY_ANSWERED &&
             (int32_t)(k->answer - q->kept->rsp_prod) >= 0;
    }
    return n;
}

/* Where an earlier backend stopped. The ring's own index may be one push ahead of the record, or the guest's invention: no
 * more was shown than was answered. */
static void resume(struct block_queue *q)
{
    RING_IDX shown = XEN_RING_ONCE_(q->ring.sring->rsp_prod);

    if (shown - q->kept->rsp_prod > answers_kept(q))
        shown = q->kept->rsp_prod;
    for (unsigned int i = 0; i < q->kept->size; i++) {
        struct kept_entry *k = &q->kept->entry[i];
        bool seen = k->state == ENTRY_ANSWERED && (int32_t)(k->answer - shown) < 0;

        k->state = was_taken(q, k) && !seen ? ENTRY_TAKEN : ENTRY_FREE;
    }
    q->ring.req_cons = q->kept->req_cons;
    q->ring.rsp_prod_pvt = q->kept->rsp_prod = shown;
    for (unsigned int i = 0; i < q->kept->size; i++)
        if (q->kept->entry[i].state == ENTRY_TAKEN)
            start(q, i);
}

int queue_open(struct block_queue *q, const uint32_t *refs, unsigned int pages, uint32_t port,
               char *kept_path, bool again, struct hl_error *e)
{
    struct blkif_sring *shared;

    q->kept_path = kept_path;
    q->pages = pages;
    q->port = -1;
    shared = gntdev_map(q->b->grants, q->b->domid, refs, pages, e);
    if (shared == NULL)
        return -EIO;
    BACK_RING_INIT(&q->ring, shared, (size_t)pages * 4096);
    q->port = evtchn_bind_interdomain(q->b->ev, q->b->domid, port, e);
    if (q->port < 0)
        return q->port;
    int rc = map_kept(q, RING_SIZE(&q->ring), again, e);
    if (rc == 0 && again)
        resume(q);
    return rc;
}

void queue_close(struct block_queue *q)
{
    if (q->port >= 0)
        evtchn_unbind(q->b->ev, (uint32_t)q->port);
    if (q->ring.sring != NULL)
        gntdev_unmap(q->b->grants, q->ring.sring, q->pages);
    if (q->kept != NULL)
        munmap(q->kept, kept_size(RING_SIZE(&q->ring)));
    free(q->kept_path);
    *q = (struct block_queue){.port = -1};
}
