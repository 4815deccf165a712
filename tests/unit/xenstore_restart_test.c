/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What survives the process: the journal read at every point of its growth, damaged journals, and a
 * lack of memory at every allocation.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/xenstore_rig.h"
#include "tests/unit/xenstore_tests.h"

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static void expect_sound(struct core *core)
{
    struct buf why = {0};

    if (!core_check(core, &why)) {
        buf_u8(&why, 0);
        test_fail(__FILE__, __LINE__, "check: %s", (char *)why.data);
    }
    buf_free(&why);
}

/* The tree, and what there is of domains, watches and transactions. */
static char *describe(struct core *core)
{
    char *tree = rig_dump(core);
    struct buf b = {0};
    enum quota q;
    uint32_t id;

    buf_printf(&b, "%s", tree);
    free(tree);
    for (id = 0; id < 8; id++) {
        const struct domain *d = domain_find(core, id);

        if (d && d->introduced) {
            buf_printf(&b,
                       "domain %u gfn %llu port %u shutdown %d target %u: %u watches, %u txns\n",
                       id, (unsigned long long)d->gfn, d->port, d->shutdown, d->target,
                       d->use.watches, d->use.transactions);
        }
        for (q = 0; d && q < QUOTA_COUNT; q++) {
            if (d->quota.own[q]) {
                buf_printf(&b, "domain %u has %s %u\n", id, quota_info[q].name, d->quota.limit[q]);
            }
        }
    }
    buf_u8(&b, 0);
    return (char *)b.data;
}

/* ---- random work -------------------------------------------------------------------------- */

static const char *random_path(void)
{
    static const char *const paths[] = {"/a",
                                        "/a/b",
                                        "/a/b/c",
                                        "/x/y",
                                        "/x/z",
                                        "/10",
                                        "/2",
                                        "/local/domain/1",
                                        "/local/domain/2",
                                        "/a/b/d",
                                        "/x/y/1",
                                        "/local/domain/1/k"};

    return paths[random_below(sizeof(paths) / sizeof(paths[0]))];
}

static void random_request(struct rig *r, uint32_t *tx)
{
    struct domain *d = domain_find(r->core, 1 + random_below(3));
    struct conn *c = d && d->conn && random_below(2) ? d->conn : r->dom0;
    char text[128];
    uint32_t t = c == r->dom0 && random_below(2) ? *tx : 0;

    switch (random_below(13)) {
    case 0:
    case 1:
    case 2:
        snprintf(text, sizeof(text), "value %u", random_below(1000));
        rig_write(c, t, random_path(), text);
        break;
    case 3: rig_ask(c, XS_MKDIR, t, random_path()); break;
    case 4: rig_ask(c, XS_RM, t, random_path()); break;
    case 5:
        snprintf(text, sizeof(text), "%s|%c%u|%c%u", random_path(), "nrwb"[random_below(4)],
                 random_below(4), "nrwb"[random_below(4)], random_below(4));
        rig_ask(c, XS_SET_PERMS, t, text);
        break;
    case 6:
        snprintf(text, sizeof(text), "%u|%u|%u", 1 + random_below(3), random_below(100),
                 1 + random_below(9));
        rig_ask(r->dom0, XS_INTRODUCE, 0, text);
        break;
    case 7:
        snprintf(text, sizeof(text), "%u", 1 + random_below(3));
        rig_ask(r->dom0, random_below(2) ? XS_RESUME : XS_RELEASE, 0, text);
        break;
    case 8:
        snprintf(text, sizeof(text), "%s|%u", random_path(), random_below(3));
        rig_ask(c, random_below(3) ? XS_WATCH : XS_UNWATCH, 0, text);
        break;
    case 9:
        if (*tx) {
            rig_ask(r->dom0, XS_TRANSACTION_END, *tx, random_below(3) ? "T" : "F");
            *tx = 0;
        } else {
            *tx = (uint32_t)strtoul(rig_ask(r->dom0, XS_TRANSACTION_START, 0, ""), NULL, 10);
        }
        break;
    case 10:
        snprintf(text, sizeof(text), "quota|%u|set|%s|%u", 1 + random_below(3),
                 random_below(2) ? "watches" : "transactions", 5 + random_below(9));
        SAME(rig_ask(r->dom0, XS_CONTROL, 0, text), "OK");
        break;
    case 11: rig_ask(c, random_below(4) ? XS_TRANSACTION_START : XS_RESET_WATCHES, 0, ""); break;
    default:
        domain_observe(r->core, 1 + random_below(3), random_below(4), random_below(2));
        core_flush_journal(r->core);
        break;
    }
    rig_events(r->dom0);
}

#define REQUESTS 400

/* After every request: what the journal gives back is what there is. */
static void test_journal_prefixes(void)
{
    struct rig r, copy;
    uint32_t tx = 0;
    char *now, *then;
    int i;

    random_state = 1;
    rig_start(&r);
    for (i = 0; i < REQUESTS; i++) {
        random_request(&r, &tx);
        CHECK(!r.journal_lost);
        rig_start(&copy);
        buf_add(&copy.journal, r.journal.data, r.journal.len);
        rig_restart(&copy);
        now = describe(r.core);
        then = describe(copy.core);
        SAME(then, now);
        expect_sound(copy.core);
        free(now);
        free(then);
        rig_stop(&copy);
    }
    expect_sound(r.core);
    rig_stop(&r);
}

/* A domain's own quotas die with it, be it introduced or not. */
static void test_quota_of_the_dead(void)
{
    struct rig r;
    uint32_t id;

    rig_start(&r);
    rig_domain(&r, 3);
    rig_ask(r.dom0, XS_CONTROL, 0, "quota|2|set|nodes|78");
    rig_ask(r.dom0, XS_CONTROL, 0, "quota|3|set|nodes|79");
    rig_restart(&r);
    for (id = 2; id <= 3; id++) {
        CHECK(domain_find(r.core, id) && domain_find(r.core, id)->quota.own[QUOTA_NODES]);
        domain_observe(r.core, id, false, false);
        CHECK(!domain_find(r.core, id));
    }
    core_flush_journal(r.core);
    rig_restart(&r);
    CHECK(!domain_find(r.core, 2) && !domain_find(r.core, 3));
    rig_stop(&r);
}

static void test_snapshot(void)
{
    struct rig r, copy;
    struct buf again = {0};
    uint32_t tx = 0;
    char *now, *then;
    int i;

    random_state = 2;
    rig_start(&r);
    for (i = 0; i < REQUESTS; i++) {
        random_request(&r, &tx);
    }
    rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|nodes|77");
    rig_ask(r.dom0, XS_CONTROL, 0, "quota|2|set|nodes|78");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "@releaseDomain|n0|r1");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "@releaseDomain/3|n0|r2");
    rig_start(&copy);
    journal_snapshot(r.core, &copy.journal);
    rig_restart(&copy);
    now = describe(r.core);
    then = describe(copy.core);
    SAME(then, now);
    expect_sound(copy.core);
    SAME(rig_ask(copy.dom0, XS_GET_PERMS, 0, "@releaseDomain/3"), "n0|r2");
    SAME(rig_ask(copy.dom0, XS_GET_PERMS, 0, "@releaseDomain/4"), "n0|r1");
    CHECK(copy.core->quota.limit[QUOTA_NODES] == 77);
    CHECK(domain_find(copy.core, 2) && domain_find(copy.core, 2)->quota.limit[QUOTA_NODES] == 78);
    journal_snapshot(copy.core, &again);
    CHECK(again.len == copy.journal.len);
    buf_free(&again);
    free(now);
    free(then);
    rig_stop(&copy);
    rig_stop(&r);
}

/* Truncated anywhere, or with a byte changed anywhere: refused or not, but nothing bad happens. */
static void test_damaged_journal(void)
{
    struct rig r, copy;
    uint32_t tx = 0;
    int i;

    random_state = 3;
    rig_start(&r);
    for (i = 0; i < 120; i++) {
        random_request(&r, &tx);
    }
    for (i = 0; i < 1500; i++) {
        size_t len = i % 3 ? r.journal.len : random_below((uint32_t)r.journal.len);
        unsigned char *data = malloc(len ? len : 1);

        memcpy(data, r.journal.data, len);
        if (len && i % 3) {
            data[random_below((uint32_t)len)] = (unsigned char)random_below(256);
        }
        rig_start(&copy);
        journal_replay(copy.core, data, len);
        expect_sound(copy.core);
        rig_stop(&copy);
        free(data);
    }
    rig_stop(&r);
}

/* A transaction of a domain from before the restart: it goes on and must be repeated at its end. */
static void test_doomed_transaction(void)
{
    struct conn *d1;
    struct rig r;
    uint32_t tx, next;

    rig_start(&r);
    d1 = rig_domain(&r, 1);
    rig_ask(r.dom0, XS_MKDIR, 0, "/local/domain/1");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/local/domain/1|n1");
    tx = (uint32_t)strtoul(rig_ask(d1, XS_TRANSACTION_START, 0, ""), NULL, 10);
    rig_write(d1, tx, "a", "1");
    rig_restart(&r);
    d1 = domain_find(r.core, 1)->conn;
    SAME(rig_write(d1, tx, "b", "1"), "OK");
    SAME(rig_ask(d1, XS_READ, tx, "b"), "1");
    next = (uint32_t)strtoul(rig_ask(d1, XS_TRANSACTION_START, 0, ""), NULL, 10);
    CHECK(next != tx);
    SAME(rig_ask(d1, XS_TRANSACTION_END, tx, "T"), "EAGAIN");
    SAME(rig_ask(d1, XS_TRANSACTION_END, tx, "T"), "ENOENT");
    SAME(rig_write(d1, next, "b", "1"), "OK");
    SAME(rig_ask(d1, XS_TRANSACTION_END, next, "T"), "OK");
    SAME(rig_ask(d1, XS_READ, 0, "b"), "1");
    rig_stop(&r);
}

/* ---- no memory ---------------------------------------------------------------------------- */

struct attempt {
    uint32_t type;
    bool in_txn;
    const char *arg;
};

/* Repeats one request with 0, 1, 2 ... allocations until it succeeds; after each failure everything
 * must be as before. */
static void starve(const struct attempt *a)
{
    long budget;

    for (budget = 0; budget < 200; budget++) {
        struct rig r;
        struct conn *c;
        uint32_t tx = 0;
        char *before, *after;
        const char *said;
        bool done, broken;

        rig_start(&r);
        rig_write(r.dom0, 0, "/a/b/c", "old");
        rig_write(r.dom0, 0, "/a/d", "old");
        rig_domain(&r, 1);
        rig_write(r.dom0, 0, "/own/1", "x");
        rig_ask(r.dom0, XS_SET_PERMS, 0, "/own/1|n1|r2");
        rig_ask(r.dom0, XS_WATCH, 0, "/|w");
        c = conn_new(r.core, 0, NULL);
        if (a->in_txn) {
            tx = (uint32_t)strtoul(rig_ask(c, XS_TRANSACTION_START, 0, ""), NULL, 10);
            rig_write(c, tx, "/t/new", "1");
            rig_write(c, tx, "/a/b/c", "2");
            rig_ask(c, XS_RM, tx, "/a/d");
            rig_write(r.dom0, 0, "/other", "so that there is something to merge");
        }
        rig_events(r.dom0);
        before = describe(r.core);
        mem_budget = budget;
        said = rig_ask(c, a->type, tx, a->arg);
        mem_budget = -1;
        after = describe(r.core);
        broken = c->broken || r.dom0->broken || r.journal_lost;
        done = !broken && strcmp(said, "ENOMEM");
        if (!strcmp(said, "ENOMEM")) {
            SAME(after, before);
        }
        expect_sound(r.core);
        free(before);
        free(after);
        rig_stop(&r);
        if (done) {
            if (!strcmp(said, "no answer") || (said[0] == 'E' && strcmp(said, "EAGAIN"))) {
                test_fail(__FILE__, __LINE__, "%s: %s", request_name(a->type), said);
            }
            CHECK(budget > 0);
            return;
        }
    }
    test_fail(__FILE__, __LINE__, "%s never succeeded", request_name(a->type));
}

static void test_no_memory(void)
{
    static const struct attempt attempts[] = {
        {XS_READ, false, "/a/b/c"},
        {XS_DIRECTORY, false, "/a"},
        {XS_DIRECTORY_PART, false, "/a|0"},
        {XS_GET_PERMS, false, "/a"},
        {XS_WRITE, false, "/n/e/w"},
        {XS_WRITE, false, "/a/b/c"},
        {XS_WRITE, true, "/n/e/w"},
        {XS_WRITE, true, "/a/b/c"},
        {XS_MKDIR, false, "/a/b/c/d/e"},
        {XS_MKDIR, true, "/a/b/c/d/e"},
        {XS_RM, false, "/a"},
        {XS_RM, true, "/a"},
        {XS_SET_PERMS, false, "/a/b|r1|w2"},
        {XS_SET_PERMS, true, "/a/b|r1|w2"},
        {XS_SET_PERMS, false, "@releaseDomain/7|r1|w2"},
        {XS_WATCH, false, "relative|token"},
        {XS_TRANSACTION_START, false, ""},
        {XS_TRANSACTION_END, true, "T"},
        {XS_TRANSACTION_END, true, "F"},
        {XS_INTRODUCE, false, "2|1|1"},
        {XS_INTRODUCE, false, "1|1|1"},
        {XS_GET_DOMAIN_PATH, false, "1"},
        {XS_IS_DOMAIN_INTRODUCED, false, "1"},
        {XS_CONTROL, false, "quota"},
        {XS_CONTROL, false, "quota|2|set|nodes|3"},
        {XS_CONTROL, false, "memreport"},
    };
    size_t i;

    for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        starve(&attempts[i]);
    }
}

/* A domain's death cannot be refused: it may leave nodes, with a line in the log, but sound books. */
static void test_death_without_memory(void)
{
    long budget;

    for (budget = 0; budget < 60; budget++) {
        struct rig r;

        rig_start(&r);
        rig_domain(&r, 1);
        rig_write(r.dom0, 0, "/own/1/x", "x");
        rig_ask(r.dom0, XS_SET_PERMS, 0, "/own/1|n1|r2");
        rig_write(r.dom0, 0, "/shared", "x");
        rig_ask(r.dom0, XS_SET_PERMS, 0, "/shared|n0|r1");
        mem_budget = budget;
        domain_observe(r.core, 1, false, false);
        mem_budget = -1;
        CHECK(!domain_find(r.core, 1) || !domain_find(r.core, 1)->introduced);
        expect_sound(r.core);
        if (tree_find(r.core->root, "/own/1")) {
            CHECK(rig_logged(&r, "no memory"));
        }
        rig_stop(&r);
    }
}

static void test_start_without_memory(void)
{
    struct rig r;
    long budget;

    rig_start(&r);
    for (budget = 0; budget < 100; budget++) {
        struct core *core;

        mem_budget = budget;
        core = core_new(r.core->ops, r.core->arg);
        mem_budget = -1;
        if (core) {
            core_free(core);
            break;
        }
    }
    CHECK(budget > 3 && budget < 100);
    rig_stop(&r);
}

void restart_tests(void)
{
    test_run("xenstore_journal_at_every_change", test_journal_prefixes);
    test_run("xenstore_quota_of_the_dead", test_quota_of_the_dead);
    test_run("xenstore_snapshot", test_snapshot);
    test_run("xenstore_damaged_journal", test_damaged_journal);
    test_run("xenstore_doomed_transaction", test_doomed_transaction);
    test_run("xenstore_no_memory", test_no_memory);
    test_run("xenstore_death_without_memory", test_death_without_memory);
    test_run("xenstore_start_without_memory", test_start_without_memory);
}
