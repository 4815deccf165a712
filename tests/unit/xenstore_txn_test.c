/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions: what conflicts and what does not, and, exhaustively in a small scope, that whatever
 * two of them do in whatever order, the outcome is that of one after the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/xenstore_rig.h"
#include "tests/unit/xenstore_tests.h"

static uint32_t begin(struct conn *c)
{
    return (uint32_t)strtoul(rig_ask(c, XS_TRANSACTION_START, 0, ""), NULL, 10);
}

static const char *commit(struct conn *c, uint32_t tx)
{
    return rig_ask(c, XS_TRANSACTION_END, tx, "T");
}

static void test_basics(void)
{
    struct conn *other;
    struct rig r;
    uint32_t tx;

    rig_start(&r);
    other = conn_new(r.core, 0, NULL);
    tx = begin(r.dom0);
    CHECK(tx != 0);
    SAME(rig_write(r.dom0, tx, "/t/a", "1"), "OK");
    SAME(rig_ask(r.dom0, XS_READ, tx, "/t/a"), "1");
    SAME(rig_ask(r.dom0, XS_READ, 0, "/t/a"), "ENOENT");
    SAME(rig_ask(other, XS_READ, 0, "/t/a"), "ENOENT");
    SAME(rig_ask(other, XS_READ, tx, "/tool"), "ENOENT"); /* another one's number */
    SAME(rig_ask(r.dom0, XS_TRANSACTION_START, tx, ""), "EBUSY");
    SAME(rig_ask(r.dom0, XS_TRANSACTION_END, tx, "X"), "EINVAL");
    SAME(rig_ask(r.dom0, XS_TRANSACTION_END, 0, "T"), "ENOENT");
    SAME(rig_ask(r.dom0, XS_TRANSACTION_END, tx + 1, "T"), "ENOENT");
    SAME(commit(r.dom0, tx), "OK");
    SAME(commit(r.dom0, tx), "ENOENT");
    SAME(rig_ask(other, XS_READ, 0, "/t/a"), "1");
    tx = begin(r.dom0);
    rig_ask(r.dom0, XS_RM, tx, "/t");
    SAME(rig_ask(r.dom0, XS_TRANSACTION_END, tx, "F"), "OK");
    SAME(rig_ask(other, XS_READ, 0, "/t/a"), "1");
    rig_stop(&r);
}

/* Two transactions, one step each between their starts and commits: does the second one fail? */
static bool conflicts(uint32_t type1, const char *arg1, uint32_t type2, const char *arg2)
{
    struct conn *other;
    struct rig r;
    uint32_t tx1, tx2;
    bool conflict;

    rig_start(&r);
    other = conn_new(r.core, 0, NULL);
    rig_write(r.dom0, 0, "/d/x", "1");
    rig_write(r.dom0, 0, "/d/y/z", "1");
    tx1 = begin(r.dom0);
    tx2 = begin(other);
    rig_ask(r.dom0, type1, tx1, arg1);
    rig_ask(other, type2, tx2, arg2);
    rig_ask(other, XS_MKDIR, tx2, "/own/change"); /* even if it only read */
    SAME(commit(r.dom0, tx1), "OK");
    conflict = strcmp(commit(other, tx2), "OK");
    rig_stop(&r);
    return conflict;
}

static void test_conflicts(void)
{
    /* What others use and one does not change, or changes elsewhere. */
    CHECK(!conflicts(XS_READ, "/d/x", XS_READ, "/d/x"));
    CHECK(!conflicts(XS_WRITE, "/d/x|2", XS_READ, "/d/y/z"));
    CHECK(!conflicts(XS_WRITE, "/d/x|2", XS_WRITE, "/d/y/z|2"));
    CHECK(!conflicts(XS_WRITE, "/d/new1|2", XS_WRITE, "/d/new2|2"));
    CHECK(!conflicts(XS_WRITE, "/d/new1|2", XS_READ, "/d"));
    CHECK(!conflicts(XS_WRITE, "/d/x|2", XS_DIRECTORY, "/d"));
    CHECK(!conflicts(XS_RM, "/d/x", XS_WRITE, "/d/y/z|2"));
    CHECK(!conflicts(XS_WRITE, "/d/x|2", XS_RM, "/d/y"));
    CHECK(!conflicts(XS_MKDIR, "/d/x", XS_WRITE, "/d/x|3"));
    CHECK(!conflicts(XS_SET_PERMS, "/d/x|r0", XS_READ, "/d/y"));
    /* What meets. */
    CHECK(conflicts(XS_WRITE, "/d/x|2", XS_READ, "/d/x"));
    CHECK(conflicts(XS_WRITE, "/d/x|2", XS_WRITE, "/d/x|3"));
    CHECK(conflicts(XS_WRITE, "/d/new|2", XS_WRITE, "/d/new|3"));
    CHECK(conflicts(XS_WRITE, "/d/new|2", XS_READ, "/d/new"));
    CHECK(conflicts(XS_WRITE, "/d/new|2", XS_DIRECTORY, "/d"));
    CHECK(conflicts(XS_WRITE, "/d/new/a|2", XS_WRITE, "/d/new/b|3"));
    CHECK(conflicts(XS_RM, "/d/x", XS_DIRECTORY, "/d"));
    CHECK(conflicts(XS_RM, "/d/x", XS_READ, "/d/x"));
    CHECK(conflicts(XS_RM, "/d/x", XS_RM, "/d/x"));
    CHECK(conflicts(XS_RM, "/d", XS_WRITE, "/d/y/z|2"));
    CHECK(conflicts(XS_WRITE, "/d/y/z|2", XS_RM, "/d"));
    CHECK(conflicts(XS_WRITE, "/d/y/new|2", XS_RM, "/d"));
    CHECK(conflicts(XS_SET_PERMS, "/d/x|r0", XS_READ, "/d/x"));
    CHECK(conflicts(XS_SET_PERMS, "/d|r0", XS_WRITE, "/d/new|2"));
    CHECK(conflicts(XS_RM, "/d/x", XS_MKDIR, "/d/x"));
}

static void test_outside_writer(void)
{
    struct conn *other;
    struct rig r;
    uint32_t tx;

    rig_start(&r);
    other = conn_new(r.core, 0, NULL);
    rig_write(r.dom0, 0, "/a", "1");
    tx = begin(r.dom0);
    SAME(rig_ask(r.dom0, XS_READ, tx, "/a"), "1");
    rig_write(other, 0, "/a", "2");
    SAME(rig_ask(r.dom0, XS_READ, tx, "/a"), "1"); /* its own version */
    rig_write(r.dom0, tx, "/b", "from 1");
    SAME(commit(r.dom0, tx), "EAGAIN");
    SAME(rig_ask(r.dom0, XS_READ, 0, "/b"), "ENOENT");
    /* The same value written again is a change, too. */
    tx = begin(r.dom0);
    rig_ask(r.dom0, XS_READ, tx, "/a");
    rig_write(other, 0, "/a", "2");
    rig_write(r.dom0, tx, "/b", "x");
    SAME(commit(r.dom0, tx), "EAGAIN");
    /* Gone and come again is not the same node. */
    tx = begin(r.dom0);
    rig_ask(r.dom0, XS_READ, tx, "/a");
    rig_ask(other, XS_RM, 0, "/a");
    rig_write(other, 0, "/a", "2");
    rig_write(r.dom0, tx, "/b", "x");
    SAME(commit(r.dom0, tx), "EAGAIN");
    rig_stop(&r);
}

/* Everything that one transaction can do to one path, merged into a tree that changed elsewhere. */
static void test_merge(void)
{
    struct conn *other;
    struct rig r;
    uint32_t tx;
    char *text;

    rig_start(&r);
    other = conn_new(r.core, 0, NULL);
    rig_write(r.dom0, 0, "/m/keep", "k");
    rig_write(r.dom0, 0, "/m/gone/a/b", "g");
    rig_write(r.dom0, 0, "/m/again/old", "o");
    rig_write(r.dom0, 0, "/m/again/older/unused", "o");
    rig_write(r.dom0, 0, "/m/perm", "p");
    tx = begin(r.dom0);
    rig_write(r.dom0, tx, "/m/keep", "k2");
    rig_ask(r.dom0, XS_RM, tx, "/m/gone");
    rig_write(r.dom0, tx, "/m/again/old", "o2");
    rig_ask(r.dom0, XS_RM, tx, "/m/again");
    rig_write(r.dom0, tx, "/m/again/new", "n");
    rig_ask(r.dom0, XS_SET_PERMS, tx, "/m/perm|r3");
    rig_write(r.dom0, tx, "/m/brief/x", "b");
    rig_ask(r.dom0, XS_RM, tx, "/m/brief");
    rig_write(r.dom0, tx, "/m/fresh/deep/er", "f");
    rig_write(other, 0, "/elsewhere/x", "e");
    rig_write(other, 0, "/m/sibling", "s");
    SAME(commit(r.dom0, tx), "OK");
    text = rig_dump(r.core);
    SAME(text,
         "/ n0, \n/elsewhere n0, \n/elsewhere/x n0, e\n/m n0, \n/m/again n0, \n"
         "/m/again/new n0, n\n/m/fresh n0, \n/m/fresh/deep n0, \n/m/fresh/deep/er n0, f\n"
         "/m/keep n0, k2\n/m/perm r3, p\n/m/sibling n0, s\n/tool n0, \n/tool/xenstored n0, \n");
    free(text);
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "check"), "OK");
    rig_restart(&r); /* and the journal says the same */
    text = rig_dump(r.core);
    CHECK(strstr(text, "/m/again/new n0, n\n") && !strstr(text, "old") && strstr(text, "r3, p"));
    free(text);
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "check"), "OK");
    rig_stop(&r);
}

static void test_events(void)
{
    struct conn *eye;
    struct rig r;
    uint32_t tx;

    rig_start(&r);
    eye = conn_new(r.core, 0, NULL);
    rig_write(r.dom0, 0, "/e/old/kid", "1");
    rig_ask(eye, XS_WATCH, 0, "/e|t");
    rig_ask(eye, XS_WATCH, 0, "/e/old/kid|kid");
    rig_events(eye);
    tx = begin(r.dom0);
    rig_write(r.dom0, tx, "/e/b", "1");
    rig_write(r.dom0, tx, "/e/a/x", "1");
    rig_write(r.dom0, tx, "/e/b", "2");
    rig_ask(r.dom0, XS_RM, tx, "/e/old");
    rig_ask(r.dom0, XS_READ, tx, "/e");
    SAME(rig_events(eye), "");
    SAME(commit(r.dom0, tx), "OK");
    SAME(rig_events(eye), "/e/b|t /e/a/x|t /e/old/kid|kid /e/old|t");
    tx = begin(r.dom0);
    rig_write(r.dom0, tx, "/e/b", "3");
    rig_ask(r.dom0, XS_TRANSACTION_END, tx, "F");
    SAME(rig_events(eye), "");
    rig_stop(&r);
}

static void test_quota(void)
{
    struct conn *d1, *other;
    struct rig r;
    uint32_t tx;
    char path[32];
    int i;

    rig_start(&r);
    other = conn_new(r.core, 0, NULL);
    d1 = rig_domain(&r, 1);
    rig_ask(r.dom0, XS_MKDIR, 0, "/local/domain/1");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/local/domain/1|n1");
    rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|nodes|5");
    tx = begin(d1);
    SAME(rig_write(d1, tx, "a/b/c", "x"), "OK");
    SAME(rig_write(d1, tx, "d/e", "x"), "ENOSPC");
    SAME(rig_write(d1, tx, "d", "x"), "OK");
    SAME(rig_write(d1, tx, "e", "x"), "ENOSPC");
    SAME(rig_ask(d1, XS_RM, tx, "a"), "OK");
    SAME(rig_write(d1, tx, "f/g/h", "x"), "OK");
    rig_write(other, 0, "/elsewhere", "x"); /* so that the commit has to merge */
    SAME(commit(d1, tx), "OK");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "check"), "OK");
    CHECK(domain_find(r.core, 1)->use.nodes == 5);
    /* Each alone would be within the quota, both together are not. */
    rig_ask(d1, XS_RM, 0, "f");
    rig_ask(d1, XS_RM, 0, "d");
    tx = begin(d1);
    SAME(rig_write(d1, tx, "a/b/c", "x"), "OK");
    SAME(rig_write(d1, 0, "x/y/z", "x"), "OK");
    SAME(commit(d1, tx), "ENOSPC");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "check"), "OK");
    rig_ask(r.dom0, XS_CONTROL, 0, "quota|set|transaction-nodes|20");
    tx = begin(d1);
    for (i = 0; i < 30; i++) {
        snprintf(path, sizeof(path), "none%d", i);
        if (!strcmp(rig_ask(d1, XS_READ, tx, path), "ENOSPC")) {
            break;
        }
    }
    CHECK(i > 10 && i <= 20);
    CHECK(rig_logged(&r, "quota \"transaction-nodes\" (20)"));
    SAME(rig_ask(d1, XS_TRANSACTION_END, tx, "F"), "OK");
    CHECK(domain_find(r.core, 1)->use.transactions == 0);
    rig_stop(&r);
}

/* A guest cannot hold old versions of the tree for ever. */
static void test_expiry(void)
{
    struct conn *d1;
    struct rig r;
    uint32_t tx, young, other;

    rig_start(&r);
    d1 = rig_domain(&r, 1);
    rig_ask(r.dom0, XS_MKDIR, 0, "/local/domain/1");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/local/domain/1|n1");
    rig_write(r.dom0, 0, "/big", "value");
    tx = begin(d1);
    other = begin(r.dom0);
    rig_write(d1, tx, "x", "1");
    rig_ask(r.dom0, XS_RM, 0, "/big");
    r.now += TXN_MAX_AGE;
    young = begin(d1);
    txn_expire(r.core);
    SAME(rig_ask(d1, XS_READ, tx, "x"), "1");
    r.now++;
    txn_expire(r.core);
    CHECK(!tree_find(txn_find(d1, tx)->base, "/big"));
    CHECK(tree_find(txn_find(r.dom0, other)->base, "/big"));
    SAME(rig_write(d1, tx, "y", "1"), "OK");
    rig_write(d1, young, "z", "1");
    SAME(commit(d1, tx), "EAGAIN");
    SAME(commit(d1, young), "OK");
    SAME(rig_ask(d1, XS_DIRECTORY, 0, "/local/domain/1"), "z");
    SAME(rig_ask(r.dom0, XS_CONTROL, 0, "check"), "OK");
    rig_stop(&r);
}

/* ---- all interleavings -------------------------------------------------------------------- */

struct op {
    uint32_t type;
    const char *arg;
};

static const struct op ops[] = {
    {XS_READ, "/a"},      {XS_WRITE, "/a"},   {XS_READ, "/a/x"}, {XS_WRITE, "/a/x"},
    {XS_DIRECTORY, "/a"}, {XS_MKDIR, "/a/y"}, {XS_RM, "/a/x"},   {XS_RM, "/a"},
};
#define OPS   (sizeof(ops) / sizeof(ops[0]))
#define STEPS 2 /* operations of each transaction */
#define ALL   (STEPS + 2)

struct player {
    struct conn *conn;
    size_t op[STEPS];
    char mark; /* the value that it writes */
    uint32_t tx;
    int step;
    char seen[256]; /* what its operations answered */
    char result[16];
};

static void advance(struct player *p)
{
    char value[2] = {p->mark, '\0'};
    const struct op *op;
    const char *said;

    if (p->step == 0) {
        p->tx = begin(p->conn);
    } else if (p->step == ALL - 1) {
        snprintf(p->result, sizeof(p->result), "%s", commit(p->conn, p->tx));
    } else {
        op = &ops[p->op[p->step - 1]];
        said = op->type == XS_WRITE ? rig_write(p->conn, p->tx, op->arg, value)
                                    : rig_ask(p->conn, op->type, p->tx, op->arg);
        snprintf(p->seen + strlen(p->seen), sizeof(p->seen) - strlen(p->seen), "%s;", said);
    }
    p->step++;
}

/* The end of one run, to compare. */
struct outcome {
    char *tree;
    struct player p[2];
};

/* Runs both; bit i of order says whose the i-th step is. */
static void play(unsigned int order, const size_t op0[STEPS], const size_t op1[STEPS],
                 struct outcome *o)
{
    struct rig r;
    int i;

    rig_start(&r);
    rig_write(r.dom0, 0, "/a/x", "0");
    memset(o, 0, sizeof(*o));
    for (i = 0; i < 2; i++) {
        o->p[i].conn = conn_new(r.core, 0, NULL);
        o->p[i].mark = (char)('1' + i);
        memcpy(o->p[i].op, i ? op1 : op0, sizeof(o->p[i].op));
    }
    for (i = 0; i < 2 * ALL; i++) {
        advance(&o->p[order >> i & 1]);
    }
    o->tree = rig_dump(r.core);
    if (strcmp(rig_ask(r.dom0, XS_CONTROL, 0, "check"), "OK")) {
        test_fail(__FILE__, __LINE__, "books are wrong after order %x", order);
    }
    rig_stop(&r);
}

static bool committed(const struct player *p)
{
    return !strcmp(p->result, "OK");
}

/* Does the outcome look as if only those who committed had run, one after the other as in serial? */
static bool matches(const struct outcome *o, const struct outcome *serial)
{
    int i;

    if (strcmp(o->tree, serial->tree)) {
        return false;
    }
    for (i = 0; i < 2; i++) {
        if (committed(&o->p[i]) && strcmp(o->p[i].seen, serial->p[i].seen)) {
            return false;
        }
    }
    return true;
}

/* What the tree is after only one of them. */
static void play_alone(int who, const size_t op[STEPS], struct outcome *o)
{
    struct rig r;
    int i;

    rig_start(&r);
    rig_write(r.dom0, 0, "/a/x", "0");
    memset(o, 0, sizeof(*o));
    o->p[who].conn = r.dom0;
    o->p[who].mark = (char)('1' + who);
    memcpy(o->p[who].op, op, sizeof(o->p[who].op));
    for (i = 0; i < ALL; i++) {
        advance(&o->p[who]);
    }
    o->tree = rig_dump(r.core);
    rig_stop(&r);
}

static int bits(unsigned int v)
{
    int n = 0;

    for (; v; v &= v - 1) {
        n++;
    }
    return n;
}

#define FIRST_0 0xf0u /* all steps of player 0, then all of player 1 */
#define FIRST_1 0x0fu

static void check_pair(const size_t op0[STEPS], const size_t op1[STEPS], unsigned long *runs,
                       unsigned long *conflict_runs)
{
    struct outcome serial[2], alone[2], o;
    unsigned int order;
    int i;

    play(FIRST_0, op0, op1, &serial[0]);
    play(FIRST_1, op0, op1, &serial[1]);
    play_alone(0, op0, &alone[0]);
    play_alone(1, op1, &alone[1]);
    for (i = 0; i < 2; i++) {
        if (!committed(&serial[i].p[0]) || !committed(&serial[i].p[1])) {
            test_fail(__FILE__, __LINE__, "a conflict although one ran after the other");
        }
    }
    /* Player 0 begins: the other half is the same with the names changed. */
    for (order = 0; order < 1u << 2 * ALL; order += 2) {
        bool ok, both;

        if (bits(order) != ALL) {
            continue;
        }
        play(order, op0, op1, &o);
        both = committed(&o.p[0]) && committed(&o.p[1]);
        if (both) {
            ok = matches(&o, &serial[0]) || matches(&o, &serial[1]);
        } else if (committed(&o.p[0])) {
            ok = matches(&o, &alone[0]);
        } else {
            ok = committed(&o.p[1]) && matches(&o, &alone[1]);
        }
        if (!ok) {
            test_fail(
                __FILE__, __LINE__,
                "operations %zu,%zu and %zu,%zu in order %02x: saw %s and %s, ended %s and %s, "
                "left %s",
                op0[0], op0[1], op1[0], op1[1], order, o.p[0].seen, o.p[1].seen, o.p[0].result,
                o.p[1].result, o.tree);
        }
        (*runs)++;
        *conflict_runs += !both;
        free(o.tree);
    }
    for (i = 0; i < 2; i++) {
        free(serial[i].tree);
        free(alone[i].tree);
    }
}

static void test_interleavings(void)
{
    unsigned long runs = 0, conflict_runs = 0;
    size_t i;

    for (i = 0; i < OPS * OPS * OPS * OPS; i++) {
        size_t op0[STEPS] = {i % OPS, i / OPS % OPS};
        size_t op1[STEPS] = {i / OPS / OPS % OPS, i / OPS / OPS / OPS};

        check_pair(op0, op1, &runs, &conflict_runs);
    }
    /* Both kinds of outcome must have been there, or this tests nothing. */
    CHECK(runs == 35ul * OPS * OPS * OPS * OPS);
    CHECK(conflict_runs > runs / 10 && conflict_runs < runs * 9 / 10);
}

void transaction_tests(void)
{
    test_run("xenstore_transaction", test_basics);
    test_run("xenstore_transaction_conflicts", test_conflicts);
    test_run("xenstore_transaction_outside_writer", test_outside_writer);
    test_run("xenstore_transaction_merge", test_merge);
    test_run("xenstore_transaction_events", test_events);
    test_run("xenstore_transaction_quota", test_quota);
    test_run("xenstore_transaction_expiry", test_expiry);
    test_run("xenstore_transaction_interleavings", test_interleavings);
}
