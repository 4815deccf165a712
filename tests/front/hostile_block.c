/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frontend that means ill, against a block backend. Each test does one wrong thing, or many of a kind, and wants the
 * backend to answer with an error or to close the device; afterwards the same device, used well, must work, and hold what
 * was on it.
 *
 * The disk must be writable, of 4 MiB or more; its first sectors are overwritten. Two vCPUs: the second changes memory
 * under the backend's eyes.
 *
 *   vbd=ID       the device [the first]
 *   kernel       the backend is the kernel's: after an unreadable state it leaves the device for good
 *   victim=PATH  the backend directory of somebody else's disk
 */
#include "hostile.h"
#include "tests/guest/test.h"
#include "drivers/block.h"
#include "kit/grants.h"
#include "kit/time.h"
#include "hypercalls/abi/io-xs_wire.h"

#define PLACE          16 /* the sector that holds the mark */
#define SECTORS        8
#define GRANTS_OF_MANY 2500

static struct block_device disk;
static char data[PAGE_SIZE * BLOCK_MAX_PAGES] __attribute__((aligned(4096)));
static char mark[PAGE_SIZE] __attribute__((aligned(4096)));

static const struct block_options plain = {.queues = 1};

/* ---- the device, used well ---- */

static unsigned long device_id(void)
{
    static unsigned long id;

    if (id == 0) {
        grants_init();
        store_init();
        id = option_number("vbd", 0);
        id = id != 0 ? id : (unsigned long)front_find("vbd", 0);
    }
    return id;
}

static void fill_mark(void)
{
    for (unsigned int i = 0; i < PAGE_SIZE; i++) {
        mark[i] = (char)(i * 7 + i / 512);
    }
}

/* From the beginning, whatever an earlier test has left. */
static bool opens(const struct block_options *options)
{
    return front_open(&disk.front, "vbd", device_id()) == 0 && hostile_begin(&disk.front) &&
           block_open(&disk, device_id(), options) == 0;
}

static void shut(void)
{
    block_close(&disk);
    if (!hostile_settle(&disk.front)) {
        test_fail("the backend does not close: state %d", front_backend_state(&disk.front));
    }
}

static bool reads_mark(void)
{
    memset(data, 0, PAGE_SIZE);
    long rc = block_do(&disk, BLKIF_OP_READ, PLACE, data, PAGE_SIZE);

    if (rc != 0 || memcmp(data, mark, PAGE_SIZE) != 0) {
        test_fail("reading afterwards: %ld, %s", rc, rc == 0 ? "other data" : "an error");
    }
    return !test_failed();
}

/* The verdict on requests that were answered: the same connection serves good ones. */
static bool serves(void)
{
    return !test_failed() && reads_mark();
}

/* The verdict of every other test. */
static bool works(void)
{
    if (test_failed()) {
        return false;
    }
    if (!opens(&plain)) {
        test_fail("the device cannot be used again: state %d", front_backend_state(&disk.front));
        return false;
    }
    reads_mark();
    shut();
    return !test_failed();
}

static void put_mark(void)
{
    CHECK(opens(&plain));
    memcpy(data, mark, PAGE_SIZE);
    CHECK_EQ(block_do(&disk, BLKIF_OP_WRITE, PLACE, data, PAGE_SIZE), 0);
    shut();
}

TEST(used_well)
{
    fill_mark();
    put_mark();
    CHECK(works());
}

/* ---- requests of all forms ---- */

/* Requests whose answers are waited for by the id: no more than one is on its way. */
static uint64_t next_id = 0x1111000000000001ull;

#define NO_ANSWER 1

/* The answer's status (0, -1, -2), NO_ANSWER when the backend closed the device. */
static long ask(struct blkif_request *req)
{
    struct block_queue *queue = &disk.queue[0];
    uint64_t deadline = time_now() + PATIENCE;
    struct blkif_response rsp;

    req->id = next_id++;
    *RING_GET_REQUEST(&queue->ring, queue->ring.req_prod_pvt) = *req;
    queue->ring.req_prod_pvt++;
    RING_PUSH_REQUESTS(&queue->ring);
    event_send(queue->port);
    while (!block_wait(&disk, 0, time_now() + 500 * MS)) {
        if (FRONT_STATE(front_backend_state(&disk.front)) & FRONT_GONE) {
            return NO_ANSWER;
        }
        if (time_now() > deadline) {
            test_fail("no answer to operation %u", req->operation);
            return NO_ANSWER;
        }
    }
    xen_rmb(); /* the index before the response */
    RING_COPY_RESPONSE(&queue->ring, queue->ring.rsp_cons, &rsp);
    queue->ring.rsp_cons++;
    if (rsp.id != req->id) {
        test_fail("an answer to %#lx, not %#lx", (unsigned long)rsp.id, (unsigned long)req->id);
    }
    return rsp.status;
}

static bool refused(struct blkif_request req, const char *what)
{
    long status = ask(&req);

    if (status == BLKIF_RSP_OKAY) {
        test_fail("%s: done", what);
    }
    return status != BLKIF_RSP_OKAY && !test_failed();
}

static grant_ref_t page_ref(const void *page, uint16_t flags)
{
    return grant_alloc(disk.front.backend_id, virt_to_mfn(page), flags);
}

static struct blkif_request transfer(uint8_t operation, unsigned int segments, grant_ref_t ref)
{
    struct blkif_request req = {.operation = operation,
                                .nr_segments = (uint8_t)segments,
                                .handle = (blkif_vdev_t)disk.id,
                                .sector_number = PLACE};

    for (unsigned int i = 0; i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++) {
        req.seg[i] = (struct blkif_request_segment){.gref = ref, .last_sect = SECTORS - 1};
    }
    return req;
}

TEST(numbers_of_segments)
{
    static const unsigned int counts[] = {0, 12, 13, 128, 255};

    CHECK(opens(&plain));
    grant_ref_t ref = page_ref(data, 0);
    for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        CHECK(refused(transfer(BLKIF_OP_READ, counts[i], ref), "read"));
        CHECK(refused(transfer(BLKIF_OP_WRITE, counts[i], ref), "write"));
    }
    CHECK(serves());
    shut();
    CHECK(grant_free(ref));
}

TEST(sectors_of_a_page)
{
    static const uint8_t pairs[][2] = {{1, 0}, {7, 6},     {0, 8},  {0, 255},
                                       {8, 8}, {255, 255}, {255, 0}};

    CHECK(opens(&plain));
    grant_ref_t ref = page_ref(data, 0);
    for (unsigned int i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct blkif_request req = transfer(BLKIF_OP_WRITE, 3, ref);

        req.seg[i % 3].first_sect = pairs[i][0];
        req.seg[i % 3].last_sect = pairs[i][1];
        CHECK(refused(req, "write"));
        req.operation = BLKIF_OP_READ;
        CHECK(refused(req, "read"));
    }
    CHECK(serves());
    shut();
    CHECK(grant_free(ref));
}

TEST(places_beyond_the_end)
{
    CHECK(opens(&plain));
    const uint64_t places[] = {disk.sectors,
                               disk.sectors - 1,
                               disk.sectors - SECTORS + 1,
                               1ull << 55,
                               (1ull << 55) - 1,
                               (1ull << 55) + PLACE,
                               1ull << 63,
                               ~0ull,
                               ~0ull - SECTORS + 1,
                               0x7fffffffffffffffull,
                               1ull << 32,
                               (1ull << 54) + PLACE};
    grant_ref_t ref = page_ref(data, 0);
    for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct blkif_request req = transfer(BLKIF_OP_WRITE, 1, ref);

        req.sector_number = places[i];
        CHECK(refused(req, "write"));
        req.operation = BLKIF_OP_READ;
        CHECK(refused(req, "read"));
    }
    CHECK(serves());
    shut();
    CHECK(grant_free(ref));
}

TEST(operations_of_none)
{
    static const uint8_t operations[] = {BLKIF_OP_RESERVED_1, 7, 8, 100, 128, 255};

    CHECK(opens(&plain));
    grant_ref_t ref = page_ref(data, 0);
    for (unsigned int i = 0; i < sizeof(operations); i++) {
        CHECK(refused(transfer(operations[i], 1, ref), "operation"));
    }
    CHECK(serves());
    shut();
    CHECK(grant_free(ref));
}

static bool discard_refused(uint64_t sector, uint64_t sectors, uint8_t flag)
{
    struct blkif_request req = {.operation = BLKIF_OP_DISCARD};
    struct blkif_request_discard *discard = (struct blkif_request_discard *)&req;

    discard->sector_number = sector;
    discard->nr_sectors = sectors;
    discard->flag = flag;
    return refused(req, "discard");
}

TEST(discards)
{
    CHECK(opens(&plain));
    CHECK(discard_refused(0, disk.sectors + 1, 0));
    CHECK(discard_refused(disk.sectors, 8, 0));
    CHECK(discard_refused(disk.sectors - 1, 2, 0));
    CHECK(discard_refused(PLACE, ~0ull, 0));
    CHECK(discard_refused(PLACE, 1ull << 55, 0));
    CHECK(discard_refused(PLACE, ~0ull - PLACE + 1, 0));
    CHECK(discard_refused(~0ull, 2, 0));
    CHECK(discard_refused(1ull << 63, 1ull << 63, 0));
    CHECK(serves());
    shut();
}

/* ---- grants ---- */

TEST(grants_of_nothing)
{
    static const grant_ref_t refs[] = {500, 4000, 65535, 1u << 20, 0x7fffffff, 0x80000000, ~0u};
    struct blkif_request req;

    CHECK(opens(&plain));
    grant_ref_t good = page_ref(data, 0);
    for (unsigned int i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
        req = transfer(BLKIF_OP_WRITE, 11, good);
        req.seg[10 - i].gref = refs[i];
        CHECK(refused(req, "write"));
        req.operation = BLKIF_OP_READ;
        CHECK(refused(req, "read"));
    }
    /* For somebody else, and of frames that are not ours. */
    grant_ref_t other = grant_alloc(0x7fef, virt_to_mfn(data), 0);
    grant_ref_t frame = grant_alloc(disk.front.backend_id, 0x200, 0);
    CHECK(refused(transfer(BLKIF_OP_READ, 1, other), "granted to another"));
    CHECK(refused(transfer(BLKIF_OP_READ, 1, frame), "a frame of the hypervisor's"));
    CHECK(refused(transfer(BLKIF_OP_WRITE, 1, frame), "a frame of the hypervisor's, to write"));
    CHECK(serves());
    shut();
    CHECK(grant_free(good) && grant_free(other) && grant_free(frame));
}

TEST(grants_to_read_only)
{
    CHECK(opens(&plain));
    grant_ref_t ref = page_ref(data, GTF_readonly);
    memset(data, 0x5a, PAGE_SIZE);
    CHECK(refused(transfer(BLKIF_OP_READ, 1, ref), "read"));
    for (unsigned int i = 0; i < PAGE_SIZE; i++) {
        CHECK_EQ(data[i], 0x5a);
    }
    CHECK(serves());
    shut();
    CHECK(grant_free(ref));
}

/* One page for all segments; two grants of one frame; whose data it is in the end is the guest's affair. */
TEST(grants_of_the_same)
{
    CHECK(opens(&plain));
    grant_ref_t one = page_ref(data, 0), two = page_ref(data, 0);
    struct blkif_request req = transfer(BLKIF_OP_READ, 11, one);
    req.sector_number = 1024;
    CHECK_EQ(ask(&req), 0);
    for (unsigned int i = 0; i < 11; i += 2) {
        req.seg[i].gref = two;
    }
    CHECK_EQ(ask(&req), 0);
    req.operation = BLKIF_OP_WRITE;
    CHECK_EQ(ask(&req), 0);
    CHECK(serves());
    shut();
    CHECK(grant_free(one) && grant_free(two));
}

/* Takes grants back while their requests are on the way: what could be taken back is not written any more. */
TEST(grants_taken_back)
{
    struct block_queue *queue = &disk.queue[0];
    static grant_ref_t refs[32];
    static bool back[32];
    struct blkif_response rsp;
    unsigned int taken = 0, answers = 0;

    CHECK(opens(&plain));
    for (unsigned int round = 0; round < 8; round++) {
        for (unsigned int i = 0; i < 32; i++) {
            refs[i] = page_ref(data + i * PAGE_SIZE, 0);
            *RING_GET_REQUEST(&queue->ring, queue->ring.req_prod_pvt) =
                transfer(BLKIF_OP_READ, 11, refs[i]);
            queue->ring.req_prod_pvt++;
        }
        RING_PUSH_REQUESTS(&queue->ring);
        event_send(queue->port);
        nap(round * MS / 2);
        for (unsigned int i = 0; i < 32; i++) {
            back[i] = grant_end(refs[31 - i]);
            taken += back[i];
            if (back[i]) {
                memset(data + (31 - i) * PAGE_SIZE, 0x33, PAGE_SIZE);
            }
        }
        for (unsigned int n = 0; n < 32; n++) {
            CHECK(block_wait(&disk, 0, time_now() + PATIENCE));
            RING_COPY_RESPONSE(&queue->ring, queue->ring.rsp_cons, &rsp);
            queue->ring.rsp_cons++;
            answers++;
        }
        for (unsigned int i = 0; i < 32; i++) {
            for (unsigned int at = 0; back[i] && at < PAGE_SIZE; at++) {
                CHECK_EQ(data[(31 - i) * PAGE_SIZE + at], 0x33);
            }
            CHECK(back[i] || grant_end(refs[31 - i]));
        }
    }
    kprintf("# %u answers, %u grants taken back before\n", answers, taken);
    CHECK(serves());
    shut();
}

/* A frontend that says that its grants stay, and never uses one twice. */
TEST(grants_that_stay)
{
    static grant_ref_t refs[GRANTS_OF_MANY];
    unsigned int at = 0;

    CHECK(opens(&(struct block_options){.queues = 1, .persistent = true}));
    for (unsigned int i = 0; i < GRANTS_OF_MANY; i++) {
        refs[i] = page_ref(data, 0);
    }
    while (at + 11 <= GRANTS_OF_MANY) {
        struct blkif_request req = transfer(BLKIF_OP_READ, 11, 0);

        for (unsigned int i = 0; i < 11; i++) {
            req.seg[i].gref = refs[at++];
        }
        CHECK_EQ(ask(&req), 0);
    }
    /* Bad ones among them. */
    struct blkif_request req = transfer(BLKIF_OP_READ, 11, refs[0]);
    req.seg[5].gref = 4095;
    CHECK(refused(req, "a bad grant among good ones"));
    grant_ref_t ro = page_ref(data, GTF_readonly);
    CHECK(refused(transfer(BLKIF_OP_READ, 1, ro), "read to a page that is granted for reading"));
    CHECK(serves());
    shut();
    CHECK(grant_free(ro));
    for (unsigned int i = 0; i < GRANTS_OF_MANY; i++) {
        if (!grant_free(refs[i])) {
            test_fail("grant %u of %u is kept", i, GRANTS_OF_MANY);
            return;
        }
    }
}

/* ---- indirect requests ---- */

static struct blkif_request_segment segments[512] __attribute__((aligned(4096)));

static struct blkif_request indirect(uint8_t operation, unsigned int count, grant_ref_t page)
{
    struct blkif_request req = {.operation = BLKIF_OP_INDIRECT};
    struct blkif_request_indirect *ind = (struct blkif_request_indirect *)&req;

    ind->indirect_op = operation;
    ind->nr_segments = (uint16_t)count;
    ind->sector_number = PLACE;
    ind->handle = (blkif_vdev_t)disk.id;
    for (unsigned int i = 0; i < BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST; i++) {
        ind->indirect_grefs[i] = page;
    }
    return req;
}

static void fill_segments(grant_ref_t ref)
{
    for (unsigned int i = 0; i < 512; i++) {
        segments[i] = (struct blkif_request_segment){.gref = ref, .last_sect = SECTORS - 1};
    }
}

TEST(indirect)
{
    static const unsigned int counts[] = {0, 513, 4096, 4097, 65535};
    static const uint8_t operations[] = {BLKIF_OP_INDIRECT, BLKIF_OP_DISCARD, BLKIF_OP_RESERVED_1,
                                         7, 255};

    CHECK(opens(&plain));
    grant_ref_t ref = page_ref(data, 0), list = page_ref(segments, GTF_readonly);
    fill_segments(ref);
    struct blkif_request good = indirect(BLKIF_OP_READ, 16, list);
    CHECK_EQ(ask(&good), 0);
    for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        CHECK(refused(indirect(BLKIF_OP_WRITE, counts[i], list), "number of segments"));
    }
    for (unsigned int i = 0; i < sizeof(operations); i++) {
        CHECK(refused(indirect(operations[i], 16, list), "operation inside"));
    }
    CHECK(refused(indirect(BLKIF_OP_READ, 16, 4000), "no list"));
    CHECK(refused(indirect(BLKIF_OP_READ, 16, ~0u), "no list"));
    segments[9].last_sect = 8;
    CHECK(refused(indirect(BLKIF_OP_READ, 16, list), "sectors"));
    segments[9].first_sect = 7;
    segments[9].last_sect = 3;
    CHECK(refused(indirect(BLKIF_OP_WRITE, 16, list), "sectors"));
    fill_segments(ref);
    segments[15].gref = 4000;
    CHECK(refused(indirect(BLKIF_OP_READ, 16, list), "grant"));
    CHECK(serves());
    shut();
    CHECK(grant_free(ref) && grant_free(list));
}

/* ---- memory that changes ---- */

static void change_segments(unsigned int round)
{
    segments[round % 16].last_sect = round & 1 ? 255 : 7;
    segments[round % 16].first_sect = round & 2 ? 200 : 0;
    segments[round % 7].gref ^= round & 4 ? 0x80000000u : 0;
    barrier();
    segments[round % 7].gref &= 0x7fffffffu;
}

TEST(changes_of_segments)
{
    unsigned int done = 0;

    CHECK(opens(&plain));
    grant_ref_t ref = page_ref(data, 0), list = page_ref(segments, GTF_readonly);
    fill_segments(ref);
    if (!start_changing(change_segments)) {
        SKIP("one vCPU");
    }
    for (unsigned int i = 0; i < 100 && !test_failed(); i++) {
        struct blkif_request req = indirect(BLKIF_OP_READ, 16, list);

        done += ask(&req) == BLKIF_RSP_OKAY;
    }
    stop_changing();
    kprintf("# %u of 100 were done\n", done);
    CHECK(serves());
    shut();
    CHECK(grant_free(ref) && grant_free(list));
}

/* The entries of the ring, and what the backend wrote into it. The index stays right. */
static void change_entries(unsigned int round)
{
    volatile uint8_t *ring = (volatile uint8_t *)&disk.queue[0].ring.sring->ring[0];

    ring[(round * 2654435761u >> 8) % (32 * sizeof(struct blkif_request))] = (uint8_t)(round >> 3);
    disk.queue[0].ring.sring->rsp_event = round;
    disk.queue[0].ring.sring->req_event = round;
}

TEST(changes_of_entries)
{
    struct block_queue *queue = &disk.queue[0];

    CHECK(opens(&plain));
    /* Random bytes read well as references: those of the first pages are the console's and the store's. */
    grant_ref_t ref = page_ref(data, 0);
    if (!start_changing(change_entries)) {
        SKIP("one vCPU");
    }
    for (unsigned int i = 0; i < 30; i++) {
        for (unsigned int n = 0; n < 16; n++) {
            struct blkif_request req = transfer(BLKIF_OP_READ, 1 + n % 11, ref);

            /* Beyond the disk: what becomes a write destroys nothing that is looked at later. */
            req.sector_number = disk.sectors;
            *RING_GET_REQUEST(&queue->ring, queue->ring.req_prod_pvt) = req;
            queue->ring.req_prod_pvt++;
        }
        RING_PUSH_REQUESTS(&queue->ring);
        event_send(queue->port);
        uint64_t end = time_now() + PATIENCE;
        while (XEN_RING_ONCE_(queue->ring.sring->rsp_prod) != queue->ring.req_prod_pvt &&
               time_now() < end) {
            hv_sched_op(SCHEDOP_yield, NULL);
        }
        if (XEN_RING_ONCE_(queue->ring.sring->rsp_prod) != queue->ring.req_prod_pvt) {
            test_fail("round %u: answers are missing", i);
            break;
        }
    }
    stop_changing();
    shut();
    CHECK(grant_free(ref));
    /* One of them may have become a write to the mark. */
    put_mark();
    CHECK(works());
}

/* ---- indices ---- */

TEST(producer)
{
    static const RING_IDX steps[] = {33, 0x10000, 0x7fffffff, 0x80000000, (RING_IDX)-1};

    for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        CHECK(opens(&plain));
        CHECK_EQ(block_do(&disk, BLKIF_OP_READ, PLACE, data, PAGE_SIZE), 0);
        disk.queue[0].ring.sring->req_prod += steps[i];
        event_send(disk.queue[0].port);
        nap(20 * MS);
        shut();
        if (test_failed()) {
            kprintf("# after a step of %#x\n", steps[i]);
            return;
        }
    }
    CHECK(works());
}

static void change_indices(unsigned int round)
{
    struct blkif_sring *shared = disk.queue[0].ring.sring;

    shared->req_prod = round * 2654435761u;
    shared->rsp_prod = round * 40503u;
    shared->req_event = round;
    if (round % 64 == 0) {
        event_send(disk.queue[0].port);
    }
}

TEST(changes_of_indices)
{
    CHECK(opens(&plain));
    if (!start_changing(change_indices)) {
        SKIP("one vCPU");
    }
    nap(300 * MS);
    stop_changing();
    shut();
    CHECK(works());
}

/* Requests without end, each refused at once: the backend must still hear that the device shall close. */
static void feed(unsigned int round)
{
    struct blkif_sring *shared = disk.queue[0].ring.sring;

    (void)round;
    shared->req_prod = shared->rsp_prod + 31;
    event_send(disk.queue[0].port);
}

TEST(requests_without_end)
{
    CHECK(opens(&plain));
    for (unsigned int i = 0; i < 32; i++) {
        *RING_GET_REQUEST(&disk.queue[0].ring, i) = transfer(7, 255, ~0u);
    }
    if (!start_changing(feed)) {
        SKIP("one vCPU");
    }
    nap(200 * MS);
    shut();
    stop_changing();
    CHECK(works());
}

/* ---- what stands in the store ---- */

struct words {
    const char *node, *value; /* NULL: removed */
};

struct connection {
    const char *what;
    enum xenbus_state state; /* that the frontend claims */
    bool may_connect;
    struct words words[6];
};

static const char long_text[] = "\x1b[2J\x07 a line that ends\n and begins again";

static const struct connection connections[] = {
    {"no ring", XenbusStateInitialised, false, {{"ring-ref", NULL}}},
    {"no ring, connected", XenbusStateConnected, false, {{"ring-ref", NULL}}},
    {"no channel", XenbusStateInitialised, false, {{"event-channel", NULL}}},
    {"ring of nothing", XenbusStateInitialised, false, {{"ring-ref", "4000"}}},
    {"ring far out", XenbusStateInitialised, false, {{"ring-ref", "4294967295"}}},
    {"ring beyond numbers",
     XenbusStateInitialised,
     true,
     {{"ring-ref", "99999999999999999999999"}}},
    {"ring below numbers", XenbusStateInitialised, false, {{"ring-ref", "-1"}}},
    {"ring of text", XenbusStateInitialised, false, {{"ring-ref", long_text}}},
    {"channel 0", XenbusStateInitialised, false, {{"event-channel", "0"}}},
    {"channel far out", XenbusStateInitialised, false, {{"event-channel", "4294967295"}}},
    {"channel of nobody", XenbusStateInitialised, false, {{"event-channel", "1000"}}},
    {"channel of the store", XenbusStateInitialised, false, {{"event-channel", "1"}}},
    {"channel of text", XenbusStateInitialised, false, {{"event-channel", "seven"}}},
    {"order 5", XenbusStateInitialised, false, {{"ring-page-order", "5"}}},
    {"order 255", XenbusStateInitialised, false, {{"ring-page-order", "255"}}},
    {"order 4294967295", XenbusStateInitialised, false, {{"ring-page-order", "4294967295"}}},
    {"order 2, one page", XenbusStateInitialised, false, {{"ring-page-order", "2"}}},
    {"queues 0", XenbusStateInitialised, true, {{"multi-queue-num-queues", "0"}}},
    {"queues 100", XenbusStateInitialised, false, {{"multi-queue-num-queues", "100"}}},
    {"queues 4294967295",
     XenbusStateInitialised,
     false,
     {{"multi-queue-num-queues", "4294967295"}}},
    {"queues 2, of one", XenbusStateInitialised, false, {{"multi-queue-num-queues", "2"}}},
    {"protocol of none", XenbusStateInitialised, false, {{"protocol", long_text}}},
    {"persistent of text", XenbusStateInitialised, true, {{"feature-persistent", long_text}}},
};

/* Up to the frontend's state, all of it well but for the row. */
static bool prepare(const struct connection *c)
{
    char *ring = data;

    memset(&disk, 0, sizeof(disk));
    disk.id = device_id();
    if (front_open(&disk.front, "vbd", disk.id) < 0 || !hostile_begin(&disk.front)) {
        return false;
    }
    memset(ring, 0, PAGE_SIZE);
    disk.queue[0].ring_refs[0] = front_grant(&disk.front, ring);
    disk.queue[0].port = (evtchn_port_t)front_channel(&disk.front);
    front_write(&disk.front, "ring-ref", "%u", disk.queue[0].ring_refs[0]);
    front_write(&disk.front, "event-channel", "%u", disk.queue[0].port);
    front_write(&disk.front, "protocol", "x86_64-abi");
    for (const struct words *w = c->words; w->node != NULL; w++) {
        if (w->value == NULL) {
            front_remove(&disk.front, w->node);
        } else {
            front_write(&disk.front, w->node, "%s", w->value);
        }
    }
    return true;
}

/* Nothing of a row may be left for the next. */
static bool undo(const struct connection *c)
{
    bool free;

    front_close(&disk.front);
    free = hostile_settle(&disk.front);
    for (const struct words *w = c->words; w->node != NULL; w++) {
        front_remove(&disk.front, w->node);
    }
    front_remove(&disk.front, "feature-persistent");
    event_close(disk.queue[0].port);
    return free && grant_free(disk.queue[0].ring_refs[0]);
}

TEST(connections)
{
    for (unsigned int i = 0; i < sizeof(connections) / sizeof(connections[0]); i++) {
        const struct connection *c = &connections[i];

        if (!prepare(c)) {
            test_fail("%s: the backend does not begin", c->what);
            return;
        }
        front_set_state(&disk.front, c->state);
        bool connected =
            front_wait_backend(&disk.front, FRONT_STATE(XenbusStateConnected), FRONT_GONE);
        if (connected && !c->may_connect) {
            test_fail("%s: the backend connects", c->what);
        } else if (!connected && !(FRONT_STATE(front_backend_state(&disk.front)) & FRONT_GONE)) {
            test_fail("%s: the backend says nothing, state %d", c->what,
                      front_backend_state(&disk.front));
        } else if (!undo(c)) {
            test_fail("%s: the backend keeps something, state %d", c->what,
                      front_backend_state(&disk.front));
        }
        if (test_failed()) {
            return;
        }
    }
    CHECK(works());
}

/* Values as long as the store takes. */
TEST(values_of_a_page)
{
    static const char *const nodes[] = {
        "ring-ref",        "event-channel",          "protocol",
        "ring-page-order", "multi-queue-num-queues", "feature-persistent"};
    static char body[1500];
    static const struct connection none = {.what = "long"};

    for (unsigned int i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        const struct connection row = {.words = {{nodes[i], NULL}}};

        CHECK(prepare(&none));
        ksnprintf(body, sizeof(body), "%s/%s", disk.front.path, nodes[i]);
        size_t at = strlen(body) + 1;
        memset(body + at, '1', sizeof(body) - at);
        CHECK_EQ(store_request(XS_WRITE, 0, body, sizeof(body), NULL, 0) >= 0, 1);
        front_set_state(&disk.front, XenbusStateInitialised);
        front_wait_backend(&disk.front, FRONT_STATE(XenbusStateConnected), FRONT_GONE);
        CHECK(undo(&row));
    }
    CHECK(works());
}

/* ---- states ---- */

TEST(states_in_a_loop)
{
    static const struct connection none = {.what = "loop"};
    static const enum xenbus_state states[] = {XenbusStateInitialised, XenbusStateClosed,
                                               XenbusStateInitialising, XenbusStateConnected,
                                               XenbusStateClosing};

    CHECK(prepare(&none));
    for (unsigned int i = 0; i < 150; i++) {
        CHECK_EQ(front_set_state(&disk.front, states[i % 5]), 0);
    }
    CHECK(hostile_calm(&disk.front) && undo(&none));
    CHECK(prepare(&none));
    for (unsigned int i = 0; i < 150; i++) {
        CHECK_EQ(front_set_state(&disk.front, i & 1 ? XenbusStateClosed : XenbusStateInitialised),
                 0);
    }
    CHECK(hostile_calm(&disk.front) && undo(&none));
    CHECK(works());
}

TEST(states_of_none)
{
    static const struct connection none = {.what = "none"};

    CHECK(prepare(&none));
    for (unsigned int i = 0; i < 100; i++) {
        CHECK_EQ(front_write(&disk.front, "state", "%u", 7 + i * 39916801u % 1000), 0);
    }
    CHECK(hostile_calm(&disk.front) && undo(&none));
    CHECK(works());
}

/* Back to the beginning while connected, and connected twice. */
TEST(states_that_jump)
{
    CHECK(opens(&plain));
    front_set_state(&disk.front, XenbusStateInitialising);
    nap(50 * MS);
    front_set_state(&disk.front, XenbusStateInitialised);
    nap(50 * MS);
    front_set_state(&disk.front, XenbusStateConnected);
    nap(50 * MS);
    shut();
    CHECK(works());
    /* The end of the device while requests are on the way. */
    CHECK(opens(&plain));
    for (unsigned int i = 0; i < 32; i++) {
        CHECK_EQ(block_submit(&disk, 0, BLKIF_OP_READ, 1024, data + i * PAGE_SIZE, PAGE_SIZE, data),
                 0);
    }
    block_kick(&disk, 0);
    front_set_state(&disk.front, XenbusStateClosed);
    shut();
    CHECK(works());
}

/* The end: the backend leads to somebody else's device. The script looks at what the tools make of it. */
TEST(backend_of_another)
{
    const char *path;
    char name[STORE_PATH_MAX];
    unsigned int n = 0;

    if (!kit_option("victim", &path)) {
        SKIP("nobody else");
    }
    while (path[n] != ' ' && path[n] != '\0' && n < sizeof(name) - 1) {
        name[n] = path[n];
        n++;
    }
    name[n] = '\0';
    CHECK(opens(&plain));
    CHECK_EQ(front_write(&disk.front, "backend", "%s", name), 0);
    CHECK_EQ(front_write(&disk.front, "backend-id", "0"), 0);
    /* Nothing of it is ours to write. */
    CHECK_EQ(store_write(0, name, "x"), -XEN_EACCES);
    char node[STORE_PATH_MAX];
    CHECK_EQ(store_write(0, store_path(node, sizeof(node), name, "state"), "6"), -XEN_EACCES);
    CHECK(store_rm(0, name) < 0);
}

TEST(state_unreadable)
{
    CHECK_EQ(front_write(&disk.front, "state", "%s", long_text), 0);
    nap(100 * MS);
    CHECK_EQ(front_remove(&disk.front, "state"), 0);
    nap(100 * MS);
    /* The kernel's leaves the device for good. */
    if (!kit_option("kernel", NULL)) {
        CHECK(works());
    }
}
