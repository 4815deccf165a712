/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frontend of a shared folder that means ill. After each wrong, answered or not, the folder, used well, holds what it held;
 * nothing outside of it is reached: `outside` is a link that leads out. Two vCPUs.
 */
#include "hostile.h"
#include "tests/guest/test.h"
#include "drivers/p9.h"
#include "kit/grants.h"
#include "kit/time.h"

#define FILE 1u

static struct p9 share;
static char text[64];

static unsigned long device_id(void)
{
    static bool found;
    static unsigned long id;

    if (!found) {
        grants_init();
        store_init();
        id = (unsigned long)front_find("9pfs", 0);
        found = true;
    }
    return id;
}

static bool begins(void)
{
    return front_open(&share.front, "9pfs", device_id()) == 0 && hostile_begin(&share.front);
}

static bool opens(void)
{
    return begins() && p9_open(&share, device_id()) == 0;
}

static bool shut(void)
{
    if (!p9_close(&share)) {
        test_fail("the backend keeps pages");
        return false;
    }
    return true;
}

static bool reads(void)
{
    long rc = p9_file_open(&share, FILE, "hello", 0);

    if (rc == 0) {
        rc = p9_file_read(&share, FILE, 0, text, sizeof(text));
    }
    if (rc != 14 || memcmp(text, "from Domain 0\n", 14) != 0 || p9_file_close(&share, FILE) != 0) {
        test_fail("reading afterwards: %ld", rc);
    }
    return !test_failed();
}

static bool works(void)
{
    if (test_failed()) {
        return false;
    }
    if (!opens()) {
        test_fail("the folder cannot be used again: state %d", front_backend_state(&share.front));
        return false;
    }
    reads();
    return shut() && !test_failed();
}

TEST(used_well)
{
    CHECK(works());
}

/* ---- messages ---- */

/* Sends p->out as it stands, with that size in front. */
static void throw(uint32_t size, uint32_t bytes)
{
    RING_IDX at = xen_9pfs_mask(share.intf->out_prod, P9_RING);

    for (unsigned int i = 0; i < 4; i++) {
        share.out.bytes[i] = (uint8_t)(size >> 8 * i);
    }
    xen_9pfs_write_packet(share.data + P9_RING, share.out.bytes, bytes, &at, 0, P9_RING);
    xen_wmb();
    XEN_RING_ONCE_(share.intf->out_prod) += bytes;
    event_send(share.port);
}

TEST(sizes_of_messages)
{
    static const uint32_t sizes[] = {0, 1, 6, P9_RING + 1, 1u << 17, 0x7fffffff, 0x80000000u, ~0u};

    for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CHECK(opens());
        p9_begin(&share, P9_TCLUNK);
        p9_put(&share, P9_ROOT, 4);
        throw(sizes[i], share.out.length);
        if (!front_wait_backend(&share.front, FRONT_GONE, 0)) {
            test_fail("size %u: the device stays", sizes[i]);
        }
        CHECK(shut());
    }
    CHECK(works());
}

/* A message that never ends is waited for, and the device closes all the same. */
TEST(half_a_message)
{
    CHECK(opens());
    p9_begin(&share, P9_TWRITE);
    throw(4000, 20);
    nap(50 * MS);
    CHECK_EQ(front_backend_state(&share.front), XenbusStateConnected);
    CHECK(shut());
    CHECK(works());
}

/* Every type, with a body of nothing and one of numbers that are large. */
TEST(messages_of_no_sense)
{
    CHECK(opens());
    for (unsigned int fill = 0; fill < 3; fill++) {
        for (unsigned int type = 0; type < 256; type++) {
            p9_begin(&share, (enum p9_type)type);
            for (unsigned int i = 0; fill != 0 && i < 32; i++) {
                p9_put(&share, fill == 1 ? 0xff : i & 7 ? 0 : 0x7f, 1);
            }
            long rc = p9_call(&share);
            /* Those that need nothing, or nothing but what stands there. */
            if (rc == 0 && type != P9_TVERSION && type != P9_TATTACH && type != 108 &&
                type != P9_TWALK) {
                kprintf("# type %u of fill %u is answered well\n", type, fill);
            }
        }
    }
    CHECK(shut());
    CHECK(works());
}

/* A call that must be refused. */
static void refuse(const char *what)
{
    long rc = p9_call(&share);

    if (rc >= 0) {
        test_fail("%s: done", what);
    }
}

static void put_walk(uint32_t from, uint32_t to, unsigned int names)
{
    p9_begin(&share, P9_TWALK);
    p9_put(&share, from, 4);
    p9_put(&share, to, 4);
    p9_put(&share, names, 2);
}

TEST(names)
{
    static const char *const bad[] = {"/", "../outside", "hello/..", "", "/etc"};

    CHECK(opens());
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put_walk(P9_ROOT, FILE, 1);
        p9_put_text(&share, bad[i], strlen(bad[i]));
        refuse(bad[i]);
    }
    put_walk(P9_ROOT, FILE, 1);
    p9_put_text(&share, "hello\0x", 7);
    refuse("a name with a NUL");
    put_walk(P9_ROOT, FILE, 65535);
    refuse("many names");
    put_walk(P9_ROOT, FILE, 3);
    p9_put_text(&share, "hello", 5);
    refuse("names that are not there");
    put_walk(P9_ROOT, FILE, 1);
    p9_put(&share, 65535, 2);
    refuse("a name beyond the message");
    for (unsigned int i = 0; i < 3; i++) {
        static const char *const made[] = {"../made", ".", ".."};

        CHECK(p9_file_create(&share, FILE, "", made[i], 0666) < 0);
    }
    CHECK(reads());
    CHECK(shut());
    CHECK(works());
}

TEST(ways_out)
{
    CHECK(opens());
    /* Up from the root is the root. */
    CHECK_EQ(p9_file_open(&share, FILE, "../../../hello", 0), 0);
    CHECK_EQ(p9_file_close(&share, FILE), 0);
    CHECK(p9_file_open(&share, FILE, "outside", 0) < 0);
    CHECK(p9_file_open(&share, FILE, "outside", 2) < 0);
    CHECK(p9_file_create(&share, FILE, "", "outside", 0666) < 0);
    CHECK(reads());
    CHECK(shut());
    CHECK(works());
}

/* Many files at once, and their numbers used twice. (How many there may be is for check-9p.) */
TEST(fids_of_all_kinds)
{
    static const uint32_t fids[] = {1, 2, 0x7fffffff, 0x80000000u, ~0u - 1};

    CHECK(opens());
    for (unsigned int round = 0; round < 2; round++) {
        for (unsigned int i = 0; i < 40; i++) {
            put_walk(P9_ROOT, i < 5 ? fids[i] : 1000 + i, 0);
            CHECK_EQ(p9_call(&share), round == 0 ? 0 : -XEN_EBADF);
        }
    }
    for (unsigned int i = 0; i < 5; i++) {
        CHECK_EQ(p9_file_close(&share, fids[i]), 0);
        CHECK_EQ(p9_file_close(&share, fids[i]), -XEN_EBADF);
    }
    CHECK(reads());
    CHECK(shut());
    CHECK(works());
}

TEST(places_beyond_the_end)
{
    static const uint64_t places[] = {1ull << 40, INT64_MAX, 1ull << 63, ~0ull, ~0ull - 10};

    CHECK(opens());
    CHECK_EQ(p9_file_open(&share, FILE, "hello", 0), 0);
    for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        CHECK(p9_file_read(&share, FILE, places[i], text, sizeof(text)) <= 0);
        CHECK(p9_file_write(&share, FILE, places[i], text, sizeof(text)) < 0);
    }
    CHECK_EQ(p9_file_close(&share, FILE), 0);
    CHECK(shut());
    CHECK(works());
}

/* ---- indices ---- */

static const RING_IDX steps[] = {P9_RING + 1, 0x10000, 0x7fffffff, 0x80000000u, (RING_IDX)-1};

TEST(producer)
{
    for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        CHECK(opens());
        share.intf->out_prod += steps[i];
        event_send(share.port);
        CHECK(front_wait_backend(&share.front, FRONT_GONE, 0));
        CHECK(shut());
    }
    CHECK(works());
}

/* Room for answers that is none. (One byte less is some.) */
TEST(consumer)
{
    for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]) - 1; i++) {
        CHECK(opens());
        share.intf->in_cons += steps[i];
        p9_begin(&share, P9_TCLUNK);
        p9_put(&share, 77, 4);
        throw(share.out.length, share.out.length);
        CHECK(front_wait_backend(&share.front, FRONT_GONE, 0));
        CHECK(shut());
    }
    CHECK(works());
}

/* Questions whose answers nobody takes: the device closes all the same. */
TEST(answers_that_nobody_takes)
{
    CHECK(opens());
    CHECK_EQ(p9_file_open(&share, FILE, "hello", 0), 0);
    while (share.intf->out_prod - XEN_RING_ONCE_(share.intf->out_cons) < P9_RING - 64) {
        p9_begin(&share, P9_TREAD);
        p9_put(&share, FILE, 4);
        p9_put(&share, 0, 8);
        p9_put(&share, 1000, 4);
        throw(share.out.length, share.out.length);
    }
    nap(50 * MS);
    CHECK(shut());
    CHECK(works());
}

static void change_indices(unsigned int round)
{
    share.intf->out_prod = round * 2654435761u;
    share.intf->out_cons = round * 40503u;
    share.intf->in_prod = round * 65599u;
    share.intf->in_cons = round;
    share.intf->ring_order = round;
    if (round % 64 == 0) {
        event_send(share.port);
    }
}

/* What stands in the ring while it is read: sizes, types, all. */
static void change_bytes(unsigned int round)
{
    share.data[P9_RING + round * 2654435761u % P9_RING] = (uint8_t)round;
    share.data[P9_RING + round * 7 % 64] = (uint8_t)(round & 15);
    XEN_RING_ONCE_(share.intf->out_prod) = XEN_RING_ONCE_(share.intf->out_cons) + P9_RING;
    XEN_RING_ONCE_(share.intf->in_cons) = XEN_RING_ONCE_(share.intf->in_prod);
    if (round % 16 == 0) {
        event_send(share.port);
    }
}

TEST(changes)
{
    static void (*const changes[])(unsigned int) = {change_indices, change_bytes};

    for (unsigned int i = 0; i < 8; i++) {
        CHECK(opens());
        if (!start_changing(changes[i % 2])) {
            SKIP("one vCPU");
        }
        nap(60 * MS);
        stop_changing();
        CHECK(shut());
    }
    CHECK(works());
}

/* Questions without end, each answered at once. */
static void feed(unsigned int round)
{
    (void)round;
    XEN_RING_ONCE_(share.intf->out_prod) = XEN_RING_ONCE_(share.intf->out_cons) + P9_RING / 16 * 16;
    XEN_RING_ONCE_(share.intf->in_cons) = XEN_RING_ONCE_(share.intf->in_prod);
    event_send(share.port);
}

TEST(questions_without_end)
{
    CHECK(opens());
    /* From the ring's beginning, and its size is a multiple of a message's. */
    CHECK(shut());
    CHECK(begins() && p9_connect(&share, device_id()) == 0);
    for (unsigned int i = 0; i < P9_RING; i += 16) {
        static const uint8_t message[16] = {16, 0, 0, 0, P9_TCLUNK, 1, 0, 77};

        memcpy(share.data + P9_RING + i, message, 16);
    }
    if (!start_changing(feed)) {
        SKIP("one vCPU");
    }
    nap(200 * MS);
    front_close(&share.front);
    stop_changing();
    CHECK(shut());
    CHECK(works());
}

/* ---- connections ---- */

/* The ring's page and its grants, made well, then changed by `spoil`. */
static long connect_with(void (*spoil)(void))
{
    static const char *const nodes[] = {"version", "num-rings", "ring-ref0", "event-channel-0"};

    share.intf = page_alloc_zeroed();
    share.intf->ring_order = P9_ORDER;
    for (unsigned int i = 0; i < 1u << P9_ORDER; i++) {
        share.ref[i] = front_grant(&share.front, share.data + i * PAGE_SIZE);
        share.intf->ref[i] = share.ref[i];
    }
    share.intf_ref = front_grant(&share.front, share.intf);
    share.port = (evtchn_port_t)front_channel(&share.front);
    const unsigned int values[] = {1, 1, share.intf_ref, share.port};
    for (unsigned int i = 0; i < 4; i++) {
        front_write(&share.front, nodes[i], "%u", values[i]);
    }
    spoil();
    front_set_state(&share.front, XenbusStateInitialised);
    return front_wait_backend(&share.front, FRONT_STATE(XenbusStateConnected), FRONT_GONE);
}

static void order_0(void)
{
    share.intf->ring_order = 0;
}

static void order_8(void)
{
    share.intf->ring_order = 8;
}

static void order_of_bits(void)
{
    share.intf->ring_order = ~0u;
}

static void pages_that_are_none(void)
{
    share.intf->ref[2] = 4000;
}

static void ring_that_is_none(void)
{
    front_write(&share.front, "ring-ref0", "4000");
}

static void ring_of_text(void)
{
    front_write(&share.front, "ring-ref0", "\x1b[2J\n");
}

static void channel_that_is_none(void)
{
    front_write(&share.front, "event-channel-0", "1000");
}

static void rings_none(void)
{
    front_write(&share.front, "num-rings", "0");
}

static void rings_many(void)
{
    front_write(&share.front, "num-rings", "4294967295");
}

static void rings_not_there(void)
{
    front_write(&share.front, "num-rings", "2");
}

static void version_of_none(void)
{
    front_write(&share.front, "version", "2");
}

static const struct {
    const char *what;
    void (*spoil)(void);
} spoils[] = {
    {"order 0", order_0},
    {"order 8", order_8},
    {"order of bits", order_of_bits},
    {"pages that are none", pages_that_are_none},
    {"ring that is none", ring_that_is_none},
    {"ring of text", ring_of_text},
    {"channel that is none", channel_that_is_none},
    {"no rings", rings_none},
    {"many rings", rings_many},
    {"rings that are not there", rings_not_there},
    {"version of none", version_of_none},
};

TEST(connections)
{
    CHECK(opens() && shut());
    for (unsigned int i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
        CHECK(begins());
        if (connect_with(spoils[i].spoil)) {
            test_fail("%s: the backend connects", spoils[i].what);
        }
        if (!shut()) {
            kprintf("# after %s\n", spoils[i].what);
            return;
        }
    }
    CHECK(works());
}

/* Both rings, and the page with their indices, are one page. */
static void one_page(void)
{
    for (unsigned int i = 0; i < 1u << P9_ORDER; i++) {
        share.intf->ref[i] = share.intf_ref;
    }
}

TEST(pages_that_overlap)
{
    CHECK(opens() && shut());
    for (unsigned int round = 0; round < 3; round++) {
        CHECK(begins());
        if (connect_with(one_page)) {
            /* An answer falls upon indices and messages. */
            share.intf->out_prod = 16 << round;
            event_send(share.port);
            nap(20 * MS);
        }
        CHECK(shut());
    }
    CHECK(works());
}

/* Granted to read only: an answer cannot be written. */
static void read_only(void)
{
    grant_free(share.ref[0]);
    share.ref[0] = grant_alloc(share.front.backend_id, virt_to_mfn(share.data), GTF_readonly);
    share.intf->ref[0] = share.ref[0];
}

TEST(pages_to_read_only)
{
    CHECK(opens() && shut() && begins());
    CHECK(!connect_with(read_only));
    CHECK(shut());
    CHECK(works());
}

/* ---- states ---- */

static void nothing(void)
{
}

TEST(states_in_a_loop)
{
    static const enum xenbus_state states[] = {XenbusStateInitialised, XenbusStateClosed,
                                               XenbusStateInitialising, XenbusStateConnected,
                                               XenbusStateClosing};

    CHECK(opens() && shut() && begins());
    connect_with(nothing);
    for (unsigned int i = 0; i < 150; i++) {
        CHECK_EQ(front_set_state(&share.front, states[i % 5]), 0);
    }
    CHECK(hostile_calm(&share.front) && shut());
    CHECK(works());
}

TEST(states_of_none)
{
    CHECK(opens());
    for (unsigned int i = 0; i < 100; i++) {
        CHECK_EQ(front_write(&share.front, "state", "%u", 7 + i * 39916801u % 1000), 0);
    }
    CHECK_EQ(front_write(&share.front, "state", "\x1b[2J\n"), 0);
    CHECK_EQ(front_remove(&share.front, "state"), 0);
    nap(50 * MS);
    CHECK(hostile_calm(&share.front) && shut());
    CHECK(works());
}
