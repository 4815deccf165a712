/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of hospes-block's ring: requests, indices and changes at any time, with the backend killed and followed by another
 * in between. Image, grants and event channels are stand-ins here; what reaches them must be in bounds, and each request that
 * was taken is answered once.
 *
 *   input: the ring's order, then steps of one byte each with what they need behind it
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pv-backends/block/data.h"
#include "pv-backends/block/image.h"
#include "pv-backends/block/queue.h"
#include "pv-backends/block/request.h"
#include "pv-backends/lib/backend.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"

#define DISK_BYTES (8u << 20)
#define MAX_RING   (4u * 4096)

static _Alignas(4096) uint8_t ring[MAX_RING];
static struct image_request *pending[600];
static unsigned int nr_pending;
static struct input *feed;
static struct image image = {.size = DISK_BYTES, .discard = true};
static struct image *image_pointer = &image;
static char record[64];

/* ---- stand-ins ---- */

void *guest_pages(const uint32_t *refs, size_t count)
{
    (void)refs;
    FUZZ_CHECK(count * 4096 <= MAX_RING);
    return ring;
}

static uint64_t bytes_of(const struct block_request *r)
{
    uint64_t bytes = 0;

    FUZZ_CHECK(r->segments >= 1 && r->segments <= BLOCK_MAX_SEGMENTS);
    for (unsigned int i = 0; i < r->segments; i++) {
        const struct blkif_request_segment *s = &r->segment[i];

        FUZZ_CHECK(s->first_sect <= s->last_sect && s->last_sect < 8);
        bytes += (s->last_sect - s->first_sect + 1u) * 512;
    }
    return bytes;
}

/* Every byte is touched: the sanitizer sees whether it is there. */
int data_from_guest(struct data *d, const struct block_request *r, char *buffer)
{
    (void)d;
    memset(buffer, 0x11, bytes_of(r));
    return in_u8(feed) % 8 ? 0 : -EIO;
}

int data_to_guest(struct data *d, const struct block_request *r, char *buffer)
{
    uint64_t bytes = bytes_of(r);
    volatile char sum = 0;

    (void)d;
    for (uint64_t i = 0; i < bytes; i++)
        sum = (char)(sum + buffer[i]);
    return in_u8(feed) % 8 ? 0 : -EIO;
}

int data_fetch_segments(struct data *d, struct block_request *r)
{
    (void)d;
    FUZZ_CHECK(r->segments >= 1 && r->segments <= BLOCK_MAX_SEGMENTS);
    FUZZ_CHECK(r->indirect_pages >= 1 && r->indirect_pages <= BLOCK_INDIRECT_PAGES);
    for (unsigned int i = 0; i < r->segments; i++) {
        uint8_t odd = in_u8(feed);

        r->segment[i] = (struct blkif_request_segment){
            .gref = odd, .first_sect = odd % 7 ? 0 : in_u8(feed), .last_sect = odd % 5 ? 7 : odd};
    }
    return in_u8(feed) % 8 ? 0 : -EIO;
}

void image_submit(struct image *img, struct image_request *r)
{
    FUZZ_CHECK(img == &image);
    FUZZ_CHECK(r->op == IMAGE_FLUSH || (r->offset % 512 == 0 && r->length % 512 == 0));
    if (r->op == IMAGE_READ || r->op == IMAGE_WRITE) {
        FUZZ_CHECK(r->iovcnt == 1 && r->iov->iov_len == r->length);
        FUZZ_CHECK(r->length != 0 && r->length <= BLOCK_MAX_SEGMENTS * 4096);
    }
    if (r->op != IMAGE_FLUSH && (r->offset > img->size || r->length > img->size - r->offset)) {
        r->done(r, -EINVAL);
        return;
    }
    FUZZ_CHECK(nr_pending < sizeof(pending) / sizeof(pending[0]));
    pending[nr_pending++] = r;
}

/* ---- the frontend, and the time that passes ---- */

static void complete(unsigned int which, int rc)
{
    struct image_request *r = pending[which];

    pending[which] = pending[--nr_pending];
    if (r->op == IMAGE_READ && rc == 0)
        memset(r->iov->iov_base, 0x22, r->length);
    r->done(r, rc);
}

static void open_queue(struct block_queue *q, struct backend *b, unsigned int pages, bool again)
{
    uint32_t refs[4] = {0};

    *q = (struct block_queue){.b = b, .image = &image_pointer, .data = NULL, .port = -1};
    FUZZ_CHECK(queue_open(q, refs, pages, 5, strdup(record), again, NULL) == 0);
    FUZZ_CHECK(q->in_flight <= RING_SIZE(&q->ring));
}

/* The process dies in this moment: ring and record stay as they are, all else is gone. */
static void kill_and_follow(struct block_queue *q, struct backend *b, unsigned int pages)
{
    static uint8_t saved_ring[MAX_RING], saved_record[1u << 16];
    int fd = open(record, O_RDWR);
    ssize_t n = pread(fd, saved_record, sizeof(saved_record), 0);

    FUZZ_CHECK(n > 0 && n < (ssize_t)sizeof(saved_record));
    memcpy(saved_ring, ring, sizeof(ring));

    while (nr_pending != 0)
        complete(0, 0);

    FUZZ_CHECK(q->in_flight == 0 && q->bytes == 0);
    queue_close(q);
    memcpy(ring, saved_ring, sizeof(ring));
    FUZZ_CHECK(pwrite(fd, saved_record, (size_t)n, 0) == n);
    close(fd);
    /* And the guest does not stand still meanwhile. */
    if (in_u8(feed) % 4 == 0)
        ((struct blkif_sring *)ring)->rsp_prod = (uint32_t)in_uint(feed, 4);
    open_queue(q, b, pages, true);
}

/* A request that is nearly good. */
static void put_request(unsigned int size)
{
    struct blkif_sring *shared = (struct blkif_sring *)ring;
    struct blkif_request *req = &shared->ring[in_u8(feed) % size].req;
    uint8_t form = in_u8(feed);

    *req = (struct blkif_request){.operation = form % 8,
                                  .nr_segments = form >> 4,
                                  .id = in_u8(feed),
                                  .sector_number = in_uint(feed, 2)};
    for (unsigned int i = 0; i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++)
        req->seg[i] = (struct blkif_request_segment){.gref = i, .last_sect = 7};
    for (unsigned int n = form / 8 % 2 * 3; n != 0; n--)
        ((uint8_t *)req)[in_u8(feed) % sizeof(*req)] = in_u8(feed);
}

static void step(struct block_queue *q, struct backend *b, unsigned int pages)
{
    struct blkif_sring *shared = (struct blkif_sring *)ring;
    unsigned int size = RING_SIZE(&q->ring);
    int rc;

    switch (in_u8(feed) % 10) {
    case 0:
    case 1: put_request(size); break;
    case 2: shared->req_prod += in_u8(feed) % 40; break;
    case 3: shared->req_prod = q->ring.req_cons + in_u8(feed) % 4; break;
    case 4:
        if (nr_pending != 0)
            complete(in_u8(feed) % nr_pending, in_u8(feed) % 4 ? 0 : -EIO);
        break;
    case 5: ring[in_uint(feed, 2) % (pages * 4096)] = in_u8(feed); break;
    case 6: shared->rsp_prod = (uint32_t)in_uint(feed, 4); break;
    case 7: kill_and_follow(q, b, pages); break;
    default:
        rc = queue_take(q);
        FUZZ_CHECK(rc == 0 || rc == 1 || (rc == -EPROTO && q->broken));
        FUZZ_CHECK(q->in_flight <= size && nr_pending <= q->in_flight);
        queue_publish(q);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input in = {bytes, bytes + size};
    struct backend b = {.domid = 1};
    struct block_queue q;
    unsigned int pages = 1u << in_u8(&in) % 3;

    feed = &in;
    snprintf(record, sizeof(record), "/dev/shm/block_fuzz.%d", (int)getpid());
    memset(ring, 0, sizeof(ring));
    nr_pending = 0;
    open_queue(&q, &b, pages, false);
    while (in_left(&in) != 0 && !q.broken)
        step(&q, &b, pages);
    while (nr_pending != 0)
        complete(0, 0);
    FUZZ_CHECK(q.in_flight == 0 && q.bytes == 0);
    queue_publish(&q);
    /* All that was taken was answered, and what the guest says of answers does not count. */
    FUZZ_CHECK(q.ring.rsp_prod_pvt == q.ring.req_cons);
    queue_close(&q);
    unlink(record);
    return 0;
}
