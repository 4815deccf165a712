/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring protocol with a guest that behaves as Linux does, with hostile ones, and with a daemon
 * that is killed at every point at which it could have left a trace in memory that survives it.
 *
 * Such traces are the indices in the page and the journal, so it is enough to die before and after
 * each store of an index and each addition to the journal: what lies between is private. Dying is a
 * jump out of the daemon's code; only the struct survivor goes on into its next life.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CRASHED 42
static long crash_at = -1;
static jmp_buf crashed;

static void crash_point(void)
{
    if (crash_at >= 0 && crash_at-- == 0) {
        longjmp(crashed, 1);
    }
}

/* The ring's own source, with a crash point around each store of an index. */
#define __atomic_store_n(p, v, order) (crash_point(), __atomic_store_n(p, v, order), crash_point())
#include "xenstore/ring.c"
#undef __atomic_store_n

#include "tests/unit/xenstore_rig.h"
#include "tests/unit/xenstore_tests.h"

#define DOMID      1
#define MAX_STREAM 65536

/* The guest: what it will send, and what it got. */
struct guest {
    unsigned char send[MAX_STREAM], got[MAX_STREAM];
    uint32_t send_len, sent, got_len;
    uint32_t write_chunk, read_chunk;
    uint32_t answers_wanted;
    bool notified; /* its event to the daemon */
};

struct survivor {
    struct xenstore_domain_interface page;
    struct guest guest;
    uint32_t journal_len;
    unsigned char journal[4 * 1024 * 1024];
};

static struct survivor *sh;

/* ---- the guest ---------------------------------------------------------------------------- */

static void add_request(uint32_t type, uint32_t tx, const void *data, size_t len)
{
    struct guest *g = &sh->guest;
    struct xsd_sockmsg hdr = {type, ++g->answers_wanted, tx, (uint32_t)len};

    memcpy(g->send + g->send_len, &hdr, sizeof(hdr));
    memcpy(g->send + g->send_len + sizeof(hdr), data, len);
    g->send_len += (uint32_t)(sizeof(hdr) + len);
}

static void add_text(uint32_t type, const char *text)
{
    char raw[256];
    size_t i, len = strlen(text) + 1;

    for (i = 0; i < len; i++) {
        raw[i] = text[i] == '|' ? '\0' : text[i];
    }
    add_request(type, 0, raw, type == XS_WRITE ? len - 1 : len);
}

/* Sends some, and announces it only if all before was taken. */
static void guest_write(struct guest *g)
{
    struct xenstore_domain_interface *p = &sh->page;
    uint32_t prod = p->req_prod, room = XENSTORE_RING_SIZE - (prod - p->req_cons), n, i;

    n = g->send_len - g->sent;
    n = n < g->write_chunk ? n : g->write_chunk;
    n = n < room ? n : room;
    for (i = 0; i < n; i++) {
        p->req[MASK_XENSTORE_IDX(prod + i)] = (char)g->send[g->sent + i];
    }
    g->sent += n;
    p->req_prod = prod + n;
    if (n && (int32_t)(p->req_cons - prod) >= 0) {
        g->notified = true;
    }
}

/* Takes some, and announces it only if the ring was full. */
static void guest_read(struct guest *g)
{
    struct xenstore_domain_interface *p = &sh->page;
    uint32_t cons = p->rsp_cons, have = p->rsp_prod - cons, n, i;

    n = have < g->read_chunk ? have : g->read_chunk;
    for (i = 0; i < n && g->got_len < MAX_STREAM; i++) {
        g->got[g->got_len++] = (unsigned char)p->rsp[MASK_XENSTORE_IDX(cons + i)];
    }
    p->rsp_cons = cons + n;
    if (have >= XENSTORE_RING_SIZE) {
        g->notified = true;
    }
}

/* The answers among what was received; -1 if the stream is not a sequence of messages. */
static int count_answers(const struct guest *g, bool *complete)
{
    struct xsd_sockmsg hdr;
    uint32_t at = 0, last = 0;
    int n = 0;

    while (at + sizeof(hdr) <= g->got_len) {
        memcpy(&hdr, g->got + at, sizeof(hdr));
        if (hdr.len > XENSTORE_PAYLOAD_MAX || hdr.type >= XS_TYPE_COUNT) {
            return -1;
        }
        if (at + sizeof(hdr) + hdr.len > g->got_len) {
            break;
        }
        at += (uint32_t)sizeof(hdr) + hdr.len;
        if (hdr.type != XS_WATCH_EVENT && hdr.req_id != last) {
            last = hdr.req_id;
            n++;
        }
    }
    *complete = at == g->got_len;
    return n;
}

static bool guest_done(const struct guest *g)
{
    bool complete;
    int n = count_answers(g, &complete);

    return n < 0 ||
           (n >= (int)g->answers_wanted && complete && sh->page.rsp_prod == sh->page.rsp_cons);
}

/* ---- the daemon --------------------------------------------------------------------------- */

static void keep_journal(struct rig *r)
{
    crash_point();
    if (r->journal.len > sizeof(sh->journal)) {
        abort();
    }
    memcpy(sh->journal, r->journal.data, r->journal.len);
    sh->journal_len = (uint32_t)r->journal.len;
    crash_point();
}

static void daemon_start(struct rig *r, struct ring *ring)
{
    bool fresh = sh->journal_len == 0;

    rig_start(r);
    if (fresh) {
        rig_domain(r, DOMID);
        rig_ask(r->dom0, XS_MKDIR, 0, "/local/domain/1");
        rig_ask(r->dom0, XS_SET_PERMS, 0, "/local/domain/1|n1");
        keep_journal(r);
    } else {
        buf_add(&r->journal, sh->journal, sh->journal_len);
        rig_restart(r);
    }
    ring_attach(ring, domain_find(r->core, DOMID)->conn, &sh->page,
                fresh ? NULL : &r->memory[DOMID]);
    r->ring[DOMID] = ring;
    r->on_journal = keep_journal;
    sh->guest.notified = true; /* a start looks at all rings */
}

/* Everything until the guest has all answers. The daemon only does something when it is told to. */
static bool session(struct rig *r, struct ring *ring)
{
    struct guest *g = &sh->guest;
    int idle = 0;

    (void)r;
    while (!guest_done(g)) {
        uint32_t sent = g->sent, got = g->got_len;

        guest_write(g);
        if (g->notified) {
            g->notified = false;
            while (ring_service(ring, 3)) {
            }
        }
        guest_read(g);
        idle = sent == g->sent && got == g->got_len && !g->notified ? idle + 1 : 0;
        if (idle > 3) {
            return false;
        }
    }
    return true;
}

/* What a request at hand holds is lost at a jump: the only leak here that is meant. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static void allow_leaks(bool allow)
{
    void (*set)(void) = allow ? __lsan_disable : __lsan_enable;

    if (set) {
        set();
    }
}

/* A life of the daemon from its start to the end of the session (0; 1 if it got stuck) or to its
 * crash. */
static int run_daemon(long crash)
{
    static struct rig r;
    static struct ring ring;
    static int ret;

    daemon_start(&r, &ring);
    allow_leaks(true);
    ret = CRASHED;
    if (!setjmp(crashed)) {
        crash_at = crash;
        ret = !session(&r, &ring);
    }
    crash_at = -1;
    allow_leaks(false);
    rig_stop(&r);
    return ret;
}

/* ---- scripts ------------------------------------------------------------------------------ */

static void add_large_write(const char *path, size_t len)
{
    char raw[XENSTORE_PAYLOAD_MAX];
    size_t plen = strlen(path) + 1, i;

    memcpy(raw, path, plen);
    for (i = 0; i < len; i++) {
        raw[plen + i] = (char)('a' + i % 23);
    }
    add_request(XS_WRITE, 0, raw, plen + len);
}

static void script(uint32_t write_chunk, uint32_t read_chunk)
{
    int i;
    char text[64];

    memset(&sh->page, 0, sizeof(sh->page));
    memset(&sh->guest, 0, sizeof(sh->guest));
    sh->journal_len = 0;
    sh->guest.write_chunk = write_chunk;
    sh->guest.read_chunk = read_chunk;
    /* Start somewhere near the wrap of the indices. */
    sh->page.req_cons = sh->page.req_prod = 0xfffff800u;
    sh->page.rsp_cons = sh->page.rsp_prod = 0xfffffc10u;
    add_text(XS_WRITE, "a|1");
    add_text(XS_READ, "a");
    add_text(XS_WATCH, "b|token");
    add_text(XS_WRITE, "b|2");
    add_large_write("big", 1900);
    add_text(XS_READ, "big");
    add_text(XS_READ, "missing");
    for (i = 0; i < 6; i++) {
        snprintf(text, sizeof(text), "b/kid%d|%d", i, i);
        add_text(XS_WRITE, text);
    }
    add_text(XS_DIRECTORY, "b");
    add_text(XS_UNWATCH, "b|token");
    add_text(XS_RM, "b");
    add_text(XS_DIRECTORY, "");
    add_large_write("big2", 1000);
    add_text(XS_SET_PERMS, "big2|n1|r2");
    add_text(XS_GET_PERMS, "big2");
}

/* The messages of a stream, each as an offset. */
static int parse(const struct guest *g, uint32_t *offsets, int max)
{
    struct xsd_sockmsg hdr;
    uint32_t at = 0;
    int n = 0;

    while (at < g->got_len && n < max) {
        offsets[n++] = at;
        memcpy(&hdr, g->got + at, sizeof(hdr));
        at += (uint32_t)sizeof(hdr) + hdr.len;
    }
    return n;
}

static bool same_message(const struct guest *a, uint32_t ao, const struct guest *b, uint32_t bo)
{
    struct xsd_sockmsg ha, hb;

    memcpy(&ha, a->got + ao, sizeof(ha));
    memcpy(&hb, b->got + bo, sizeof(hb));
    return ha.len == hb.len && !memcmp(a->got + ao, b->got + bo, sizeof(ha) + ha.len);
}

/* All messages that a run without a crash has, in that order. One may come twice in a row: between
 * the store that shows an answer and the one that takes the request out, a request that changes
 * nothing is in no journal. */
static const char *compare_streams(const struct guest *g, const struct guest *expected)
{
    static uint32_t o[512], e[512];
    int n = parse(g, o, 512), m = parse(expected, e, 512), i, j = 0, repeats = 0;

    for (i = 0; i < n; i++) {
        if (j < m && same_message(g, o[i], expected, e[j])) {
            j++;
        } else if (i && same_message(g, o[i], g, o[i - 1]) && !repeats) {
            repeats++;
        } else {
            return "an answer is wrong";
        }
    }
    return j == m ? NULL : "an answer is missing";
}

/* Dies once at every possible point; then another process goes on. */
static void die_everywhere(uint32_t write_chunk, uint32_t read_chunk)
{
    static struct guest expected;
    long crash;
    int ret;

    script(write_chunk, read_chunk);
    ret = run_daemon(-1);
    if (ret) {
        test_fail(__FILE__, __LINE__, "chunks %u/%u: session ends with %d, %u of %u bytes sent",
                  write_chunk, read_chunk, ret, sh->guest.sent, sh->guest.send_len);
        return;
    }
    expected = sh->guest;
    for (crash = 0; crash < 10000; crash++) {
        const char *why;

        script(write_chunk, read_chunk);
        ret = run_daemon(crash);
        if (ret == 0) {
            break;
        }
        if (ret == CRASHED) {
            ret = run_daemon(-1);
        }
        why = ret ? "the session does not end" : compare_streams(&sh->guest, &expected);
        if (why) {
            test_fail(__FILE__, __LINE__, "chunks %u/%u, crash %ld: %s (%d)", write_chunk,
                      read_chunk, crash, why, ret);
        }
    }
    CHECK(crash > 100);
}

static void test_crashes(void)
{
    die_everywhere(1024, 1024);
    die_everywhere(16, 1024);
    die_everywhere(300, 37);
}

/* Small pieces both ways, without crashes: every split of every message. */
static void test_chunks(void)
{
    uint32_t w, r;

    for (w = 1; w <= 1024; w = w * 2 + 1) {
        for (r = 1; r <= 1024; r = r * 3 + 1) {
            script(w, r);
            if (run_daemon(-1)) {
                test_fail(__FILE__, __LINE__, "chunks %u/%u: %u of %u bytes sent, %u got", w, r,
                          sh->guest.sent, sh->guest.send_len, sh->guest.got_len);
            }
        }
    }
}

/* A transaction over a crash is committed or must be repeated, and its nodes say which. */
static void test_crash_in_transaction(void)
{
    long crash;
    int ret, again = 0;

    for (crash = 0; crash < 1000; crash++) {
        struct xsd_sockmsg hdr;
        uint32_t o[64];
        int n;

        script(1024, 1024);
        sh->guest.send_len = sh->guest.answers_wanted = 0;
        add_text(XS_TRANSACTION_START, "");
        add_request(XS_WRITE, 1, "t/a\0x", 5);
        add_request(XS_TRANSACTION_END, 1, "T", 2);
        add_text(XS_READ, "t/a");
        ret = run_daemon(crash);
        if (ret == 0) {
            break;
        }
        ret = run_daemon(-1);
        n = parse(&sh->guest, o, 64);
        CHECK(ret == 0 && n >= 4);
        if (ret || n < 4) {
            continue;
        }
        memcpy(&hdr, sh->guest.got + o[n - 1], sizeof(hdr));
        if (hdr.type == XS_ERROR) {
            again++;
        }
        CHECK(hdr.req_id == 4);
        /* The commit's answer and the reading agree. */
        memcpy(&hdr, sh->guest.got + o[n - 2], sizeof(hdr));
        if (hdr.req_id == 3) {
            CHECK((hdr.type == XS_ERROR) == !memcmp(sh->guest.got + o[n - 1] + 16, "ENOENT", 6));
            if (hdr.type == XS_ERROR) {
                CHECK(!memcmp(sh->guest.got + o[n - 2] + 16, "EAGAIN", 6));
            }
        }
    }
    CHECK(crash > 15);
    CHECK(again > 0 && again < crash);
}

/* ---- hostile guests ----------------------------------------------------------------------- */

static void test_bad_rings(void)
{
    static struct ring ring;
    struct rig r;
    int i;

    script(1024, 1024);
    daemon_start(&r, &ring);
    srand(1);
    for (i = 0; i < 3000; i++) {
        struct xenstore_domain_interface *p = &sh->page;
        struct xsd_sockmsg hdr = {(uint32_t)rand() % 30, 1, (uint32_t)rand() % 3,
                                  (uint32_t)rand() % 5000};
        int turns = 0;

        switch (rand() % 8) {
        case 0: p->req_prod = (uint32_t)rand(); break;
        case 1: p->rsp_cons = (uint32_t)rand(); break;
        case 2: p->req_cons = (uint32_t)rand(); break; /* ours, but he can write it */
        case 3: p->rsp_prod = (uint32_t)rand(); break;
        case 4: p->connection = (uint32_t)rand() % 3; break;
        case 5: p->error = (uint32_t)rand() % 4; break;
        case 6: p->req[rand() % XENSTORE_RING_SIZE] = (char)rand(); break;
        default:
            for (uint32_t b = 0; b < sizeof(hdr); b++) {
                p->req[MASK_XENSTORE_IDX(p->req_prod + b)] = ((char *)&hdr)[b];
            }
            p->req_prod += (uint32_t)sizeof(hdr) + (uint32_t)rand() % 64;
            p->rsp_cons = p->rsp_prod;
            break;
        }
        while (ring_service(&ring, 8) && turns++ < 1000) {
        }
        CHECK(turns < 1000);
        if (ring.dead) {
            p->connection = XENSTORE_RECONNECT;
            ring_service(&ring, 8);
            CHECK(!ring.dead && p->connection == XENSTORE_CONNECTED && !p->error);
        }
    }
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "check"), "OK");
    rig_stop(&r);
}

static void expect_error(uint32_t error, const char *why)
{
    if (sh->page.error != error) {
        test_fail(__FILE__, __LINE__, "%s: error field is %u", why, sh->page.error);
    }
}

static void test_ring_errors(void)
{
    static struct ring ring;
    struct xenstore_domain_interface *p = &sh->page;
    struct xsd_sockmsg hdr = {XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};
    struct rig r;

    script(1024, 1024);
    memset(p, 0, sizeof(*p));
    daemon_start(&r, &ring);
    CHECK(p->server_features == 3);
    p->req_prod = 1025;
    ring_service(&ring, 8);
    expect_error(XENSTORE_ERROR_RINGIDX, "request index");
    CHECK(ring.dead && rig_logged(&r, "domain 1: bad request index"));
    p->req_prod = 0;
    ring_service(&ring, 8);
    CHECK(ring.dead);
    p->connection = XENSTORE_RECONNECT;
    ring_service(&ring, 8);
    CHECK(!ring.dead && p->error == 0 && p->connection == 0);
    memcpy(p->req, &hdr, sizeof(hdr));
    p->req_prod = sizeof(hdr);
    ring_service(&ring, 8);
    expect_error(XENSTORE_ERROR_PROTO, "too long");
    p->connection = XENSTORE_RECONNECT;
    ring_service(&ring, 8);
    p->rsp_cons = 5000;
    conn_send_event(ring.conn, "/a", "t");
    ring_flush(&ring);
    expect_error(XENSTORE_ERROR_RINGIDX, "response index");
    /* A dead ring collects nothing, and stays dead over a restart. */
    conn_send_event(ring.conn, "/a", "t");
    CHECK(!ring.conn->out);
    rig_restart(&r);
    ring_attach(&ring, domain_find(r.core, DOMID)->conn, p, &r.memory[DOMID]);
    CHECK(ring.dead);
    p->connection = XENSTORE_RECONNECT;
    ring_service(&ring, 8);
    CHECK(!ring.dead);
    rig_stop(&r);
}

/* A guest that breaks its ring again and again does not fill the log. */
static void test_bad_ring_log_rate(void)
{
    static struct ring ring;
    struct xenstore_domain_interface *p = &sh->page;
    unsigned int i, before;
    struct rig r;

    script(1024, 1024);
    memset(p, 0, sizeof(*p));
    daemon_start(&r, &ring);
    before = r.nlog;
    for (i = 0; i < 20; i++) {
        p->req_prod = 1025;
        ring_service(&ring, 8);
        CHECK(ring.dead);
        p->connection = XENSTORE_RECONNECT;
        ring_service(&ring, 8);
        CHECK(!ring.dead);
    }
    CHECK(r.nlog == before + 1);
    r.now += 10;
    p->req_prod = 1025;
    ring_service(&ring, 8);
    CHECK(r.nlog == before + 2);
    rig_stop(&r);
}

/* Nobody is served who does not read. */
static void test_back_pressure(void)
{
    static struct ring ring;
    struct rig r;
    int i;

    script(1024, 0);
    sh->guest.send_len = sh->guest.answers_wanted = 0;
    for (i = 0; i < 500; i++) {
        add_text(XS_READ, "/nope");
    }
    daemon_start(&r, &ring);
    for (i = 0; i < 2000; i++) {
        guest_write(&sh->guest);
        ring_service(&ring, 8);
    }
    CHECK(ring.conn->out_count <= 21);
    CHECK(sh->guest.sent < sh->guest.send_len);
    sh->guest.read_chunk = 1024;
    CHECK(session(&r, &ring));
    rig_stop(&r);
}

void ring_tests(void)
{
    sh = calloc(1, sizeof(*sh));
    if (!sh) {
        abort();
    }
    test_run("xenstore_ring_errors", test_ring_errors);
    test_run("xenstore_ring_bad_log_rate", test_bad_ring_log_rate);
    test_run("xenstore_ring_hostile", test_bad_rings);
    test_run("xenstore_ring_back_pressure", test_back_pressure);
    test_run("xenstore_ring_chunks", test_chunks);
    test_run("xenstore_ring_killed_everywhere", test_crashes);
    test_run("xenstore_ring_killed_in_transaction", test_crash_in_transaction);
    free(sh);
}
