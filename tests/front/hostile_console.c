/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A console frontend that means ill, against hospesd, which serves all guests' consoles: on the second console, which
 * works after each wrong, and in the end on the first. Two vCPUs.
 */
#include "hostile.h"
#include "tests/guest/test.h"
#include "drivers/channel.h"
#include "kit/grants.h"
#include "kit/time.h"

static struct channel con;

static bool opens(void)
{
    grants_init();
    store_init();
    return front_open(&con.front, "console", 1) == 0 && hostile_begin(&con.front) &&
           channel_open(&con, 1) == 0;
}

static bool shut(void)
{
    if (!channel_close(&con)) {
        test_fail("the backend keeps the page");
        return false;
    }
    return true;
}

static bool drains(void)
{
    uint64_t deadline = time_now() + PATIENCE;

    while (!channel_drained(&con) && time_now() < deadline) {
        nap(5 * MS);
    }
    return channel_drained(&con);
}

/* Used well: what is written is taken. */
static bool works(void)
{
    static unsigned int count;
    char text[32];

    if (test_failed()) {
        return false;
    }
    if (!opens()) {
        test_fail("the console cannot be used again: state %d", front_backend_state(&con.front));
        return false;
    }
    channel_write(&con, text, (size_t)ksnprintf(text, sizeof(text), "works %u\n", ++count));
    if (!drains()) {
        test_fail("what is written is not taken");
    }
    return shut() && !test_failed();
}

TEST(used_well)
{
    CHECK(works());
}

/* ---- indices ---- */

static const XENCONS_RING_IDX steps[] = {2049,       4096,        0x10000,
                                         0x7fffffff, 0x80000000u, (XENCONS_RING_IDX)-1};

TEST(more_than_there_is_room_for)
{
    for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        CHECK(opens());
        con.page->out_prod += steps[i];
        event_send(con.port);
        nap(20 * MS);
        CHECK(shut());
    }
    CHECK(works());
}

TEST(room_that_is_none)
{
    for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        CHECK(opens());
        con.page->in_cons += steps[i];
        event_send(con.port);
        nap(20 * MS);
        CHECK(shut());
    }
    CHECK(works());
}

static void change_indices(unsigned int round)
{
    con.page->out_prod = round * 2654435761u;
    con.page->out_cons = round * 40503u;
    con.page->in_prod = round * 65599u;
    con.page->in_cons = round;
    if (round % 64 == 0) {
        event_send(con.port);
    }
}

TEST(changes_of_indices)
{
    CHECK(opens());
    if (!start_changing(change_indices)) {
        SKIP("one vCPU");
    }
    nap(300 * MS);
    stop_changing();
    CHECK(shut());
    CHECK(works());
}

/* Text without end: the backend must still hear that the console shall close. */
static void feed(unsigned int round)
{
    (void)round;
    con.page->out_prod = con.page->out_cons + sizeof(con.page->out);
    event_send(con.port);
}

TEST(text_without_end)
{
    CHECK(opens());
    memset(con.page->out, '~', sizeof(con.page->out));
    if (!start_changing(feed)) {
        SKIP("one vCPU");
    }
    nap(500 * MS);
    front_close(&con.front);
    stop_changing();
    CHECK(shut());
    CHECK(works());
}

TEST(events_without_end)
{
    CHECK(opens());
    for (unsigned int i = 0; i < 20000; i++) {
        event_send(con.port);
    }
    CHECK(shut());
    CHECK(works());
}

/* ---- what stands in the store ---- */

static const struct words {
    const char *node, *value; /* NULL: removed */
} rows[] = {
    {"ring-ref", NULL},
    {"ring-ref", "4000"},
    {"ring-ref", "4294967295"},
    {"ring-ref", "-1"},
    {"ring-ref", "9999999999999"},
    {"ring-ref", "a page\x1b[2J\n"},
    {"port", NULL},
    {"port", "0"},
    {"port", "1000"},
    {"port", "1"},
    {"port", "4294967295"},
    {"port", "18446744073709551615"},
    {"port", "a port\n"},
};

/* Up to the frontend's state, well but for the row. */
static void prepare(const struct words *row, uint16_t flags)
{
    con.page = page_alloc_zeroed();
    con.ref = grant_alloc(con.front.backend_id, virt_to_mfn(con.page), flags);
    con.port = (evtchn_port_t)front_channel(&con.front);
    front_write(&con.front, "ring-ref", "%u", con.ref);
    front_write(&con.front, "port", "%u", con.port);
    if (row != NULL && row->value != NULL) {
        front_write(&con.front, row->node, "%s", row->value);
    } else if (row != NULL) {
        front_remove(&con.front, row->node);
    }
}

static bool refused(const char *what, const char *value)
{
    front_set_state(&con.front, XenbusStateInitialised);
    if (front_wait_backend(&con.front, FRONT_STATE(XenbusStateConnected), FRONT_GONE)) {
        test_fail("%s = %s: the backend connects", what, value == NULL ? "(none)" : value);
    }
    return shut() && !test_failed();
}

TEST(connections)
{
    CHECK(opens() && shut());
    for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(hostile_begin(&con.front));
        prepare(&rows[i], 0);
        if (!refused(rows[i].node, rows[i].value)) {
            return;
        }
    }
    CHECK(works());
}

TEST(page_to_read_only)
{
    CHECK(opens() && shut() && hostile_begin(&con.front));
    prepare(NULL, GTF_readonly);
    CHECK(refused("a page", "to read only"));
    CHECK(works());
}

/* The first console's page is that of the second, too. */
TEST(page_of_the_first)
{
    CHECK(opens() && shut() && hostile_begin(&con.front));
    prepare(NULL, 0);
    grant_ref_t mine = grant_alloc(con.front.backend_id, kit_start_info->console.domU.mfn, 0);
    front_write(&con.front, "ring-ref", "%u", mine);
    front_set_state(&con.front, XenbusStateInitialised);
    front_wait_backend(&con.front, FRONT_STATE(XenbusStateConnected), FRONT_GONE);
    for (unsigned int i = 0; i < 50; i++) {
        kprintf("# by two at once, line %u\n", i);
        event_send(con.port);
    }
    CHECK(shut());
    CHECK(grant_free(mine));
    CHECK(works());
}

/* ---- states ---- */

TEST(states_in_a_loop)
{
    static const enum xenbus_state states[] = {XenbusStateInitialised, XenbusStateClosed,
                                               XenbusStateInitialising, XenbusStateConnected,
                                               XenbusStateClosing};

    CHECK(opens() && shut() && hostile_begin(&con.front));
    prepare(NULL, 0);
    for (unsigned int i = 0; i < 150; i++) {
        CHECK_EQ(front_set_state(&con.front, states[i % 5]), 0);
    }
    CHECK(hostile_calm(&con.front) && shut());
    CHECK(works());
}

TEST(states_of_none)
{
    CHECK(opens());
    for (unsigned int i = 0; i < 100; i++) {
        CHECK_EQ(front_write(&con.front, "state", "%u", 7 + i * 39916801u % 1000), 0);
    }
    CHECK_EQ(front_write(&con.front, "state", "\x1b[2J\n"), 0);
    CHECK_EQ(front_remove(&con.front, "state"), 0);
    CHECK(hostile_calm(&con.front) && shut());
    CHECK(works());
}

/* What programs of Domain 0 believe is not ours to write. */
TEST(nodes_of_the_toolstack)
{
    static const char *const nodes[] = {"console/ring-ref",     "console/port",
                                        "console/tty",          "console/type",
                                        "device/console/1/tty", "device/console/1/output"};

    for (unsigned int i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        long rc = store_write(0, nodes[i], "1");

        if (rc != -XEN_EACCES) {
            test_fail("writing %s: %ld", nodes[i], rc);
            return;
        }
    }
}

/* The last: nothing is seen of us from here on. */
TEST(first_console)
{
    struct xencons_interface *first = mfn_to_virt(kit_start_info->console.domU.mfn);

    kprintf("ok first_console\n# end\n");
    while (XEN_RING_ONCE_(first->out_cons) != first->out_prod) {
        nap(MS);
    }
    for (unsigned int i = 0;; i++) {
        first->out_prod = first->out_cons + steps[i % 6];
        first->in_cons = first->in_prod + steps[i / 6 % 6];
        event_send(kit_start_info->console.domU.evtchn);
        nap(MS);
    }
}
