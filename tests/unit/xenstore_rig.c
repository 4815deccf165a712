/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See xenstore_rig.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/xenstore_rig.h"

/* ---- hooks -------------------------------------------------------------------------------- */

static int hook_introduce(void *arg, struct domain *d)
{
    struct rig *r = arg;

    (void)d;
    r->introduced++;
    return r->introduce_error;
}

static void hook_release(void *arg, struct domain *d)
{
    struct rig *r = arg;

    (void)d;
    r->released++;
}

static void hook_journal(void *arg, struct buf *b)
{
    struct rig *r = arg;
    const struct conn *c = r->core->current;
    long budget = mem_budget;

    if (c && c->domain && c->domid < 8 && r->ring[c->domid]) {
        ring_keep(r->ring[c->domid], b);
    }
    if (r->on_journal) {
        r->on_journal(r);
    }
    if (b->failed) {
        r->journal_lost = true;
        return;
    }
    mem_budget = -1;
    buf_add(&r->journal, b->data, b->len);
    mem_budget = budget;
    if (r->on_journal) {
        r->on_journal(r);
    }
}

static void hook_wake(void *arg, struct conn *c)
{
    (void)arg;
    (void)c;
}

static void hook_log(void *arg, const char *line)
{
    struct rig *r = arg;

    snprintf(r->log[r->nlog++ % MAX_LOG], sizeof(r->log[0]), "%s", line);
}

static int hook_control(void *arg, const char *const *args, unsigned int n, struct buf *reply)
{
    (void)arg;
    (void)args;
    (void)n;
    (void)reply;
    return ENOSYS;
}

static void hook_replay(void *arg, uint8_t code, const void *data, size_t len)
{
    struct rig *r = arg;
    uint32_t domid;

    if (len < sizeof(domid)) {
        return;
    }
    memcpy(&domid, data, sizeof(domid));
    if (domid < 8) {
        ring_remember(&r->memory[domid], code, (const char *)data + 4, len - 4);
    }
}

static uint64_t hook_now(void *arg)
{
    return ((struct rig *)arg)->now;
}

static const struct core_ops ops = {
    .introduce = hook_introduce,
    .release = hook_release,
    .journal = hook_journal,
    .wake = hook_wake,
    .log = hook_log,
    .control = hook_control,
    .replay = hook_replay,
    .now = hook_now,
};

/* ---- life --------------------------------------------------------------------------------- */

void rig_start(struct rig *r)
{
    *r = (struct rig){.now = 1000};
    r->core = core_new(&ops, r);
    r->dom0 = r->core ? conn_new(r->core, 0, NULL) : NULL;
    if (!r->dom0) {
        abort();
    }
}

static void forget_memory(struct rig *r)
{
    size_t i;

    for (i = 0; i < 8; i++) {
        ring_forget(&r->memory[i]);
    }
}

void rig_stop(struct rig *r)
{
    core_free(r->core);
    buf_free(&r->journal);
    forget_memory(r);
}

void rig_restart(struct rig *r)
{
    core_free(r->core);
    forget_memory(r);
    r->core = core_new(&ops, r);
    CHECK(journal_replay(r->core, r->journal.data, r->journal.len));
    r->dom0 = conn_new(r->core, 0, NULL);
}

struct conn *rig_domain(struct rig *r, uint32_t domid)
{
    char payload[64];

    snprintf(payload, sizeof(payload), "%u|%u|%u", domid, 1000 + domid, 1 + domid);
    SAME(rig_ask(r->dom0, XS_INTRODUCE, 0, payload), "OK");
    return domain_find(r->core, domid)->conn;
}

/* ---- messages ----------------------------------------------------------------------------- */

static void pull(struct conn *c, void *to, size_t len)
{
    const void *p;
    size_t n;

    while (len) {
        n = conn_out_peek(c, &p);
        if (!n) {
            abort();
        }
        n = n < len ? n : len;
        memcpy(to, p, n);
        conn_out_done(c, n);
        to = (char *)to + n;
        len -= n;
    }
}

bool rig_next(struct conn *c, struct answer *a)
{
    const void *p;
    struct xsd_sockmsg hdr;

    if (!conn_out_peek(c, &p)) {
        return false;
    }
    pull(c, &hdr, sizeof(hdr));
    *a = (struct answer){hdr.type, hdr.req_id, hdr.tx_id, hdr.len, ""};
    if (hdr.len > XENSTORE_PAYLOAD_MAX) {
        test_fail(__FILE__, __LINE__, "message of %u bytes", hdr.len);
        abort();
    }
    pull(c, a->data, hdr.len);
    a->data[hdr.len] = '\0';
    return true;
}

void rig_raw(struct conn *c, uint32_t type, uint32_t tx, const void *data, size_t len,
             struct answer *a)
{
    static uint32_t req_id;
    struct xsd_sockmsg hdr = {type, ++req_id, tx, (uint32_t)len};
    /* Exactly as large as the message, so that ASan sees every byte beyond. */
    void *copy = malloc(len ? len : 1);

    memcpy(copy, data, len);
    request_handle(c, &hdr, copy);
    free(copy);
    do {
        if (!rig_next(c, a)) {
            *a = (struct answer){.type = XS_INVALID};
            return;
        }
    } while (a->type == XS_WATCH_EVENT);
    CHECK(a->req_id == req_id);
    CHECK(a->tx_id == tx);
    CHECK(a->type == XS_ERROR || a->type == type);
}

/* NULs as '|', except one at the very end. */
static const char *as_text(struct answer *a)
{
    uint32_t i;

    if (a->type == XS_INVALID) {
        return "no answer";
    }
    for (i = 0; i + 1 < a->len; i++) {
        if (!a->data[i]) {
            a->data[i] = '|';
        }
    }
    return a->data;
}

const char *rig_ask(struct conn *c, uint32_t type, uint32_t tx, const char *payload)
{
    static struct answer a;
    size_t i, len = strlen(payload) + 1;
    char *raw = malloc(len);

    for (i = 0; i < len; i++) {
        raw[i] = payload[i] == '|' ? '\0' : payload[i];
    }
    rig_raw(c, type, tx, raw, len, &a);
    free(raw);
    return as_text(&a);
}

const char *rig_write(struct conn *c, uint32_t tx, const char *path, const char *value)
{
    static struct answer a;
    size_t plen = strlen(path) + 1, vlen = strlen(value);
    char *raw = malloc(plen + vlen);

    memcpy(raw, path, plen);
    memcpy(raw + plen, value, vlen);
    rig_raw(c, XS_WRITE, tx, raw, plen + vlen, &a);
    free(raw);
    return as_text(&a);
}

const char *rig_events(struct conn *c)
{
    static char text[65536];
    struct answer a;
    size_t len = 0;

    text[0] = '\0';
    while (rig_next(c, &a)) {
        if (a.type == XS_WATCH_EVENT) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? " " : "",
                                    as_text(&a));
        }
    }
    return text;
}

bool rig_logged(const struct rig *r, const char *text)
{
    unsigned int i;

    for (i = 0; i < MAX_LOG; i++) {
        if (strstr(r->log[i], text)) {
            return true;
        }
    }
    return false;
}

static void dump(struct buf *b, const struct node *n, const char *path)
{
    char text[12], kid[XENSTORE_ABS_PATH_MAX + 2];
    uint32_t i;

    buf_printf(b, "%s ", *path ? path : "/");
    for (i = 0; i < n->acl->n; i++) {
        perm_format(&n->acl->e[i], text);
        buf_printf(b, "%s,", text);
    }
    buf_printf(b, " ");
    if (n->value) {
        buf_add(b, n->value->data, n->value->len);
    }
    buf_printf(b, "\n");
    for (i = 0; i < n->nkids; i++) {
        snprintf(kid, sizeof(kid), "%s/%s", path, n->kids[i]->name);
        dump(b, n->kids[i], kid);
    }
}

char *rig_dump(struct core *core)
{
    struct buf b = {0};

    dump(&b, core->root, "");
    buf_u8(&b, 0);
    return (char *)b.data;
}

/* ---- verdicts ----------------------------------------------------------------------------- */

const char *test_name;
int test_failures;
static int failures_of_test;
static char first_failure[1024];

void test_fail(const char *file, int line, const char *fmt, ...)
{
    char text[800];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (failures_of_test++ == 0) {
        snprintf(first_failure, sizeof(first_failure), "%s:%d: %s", file, line, text);
    }
}

void test_same(const char *file, int line, const char *actual, const char *expected)
{
    if (strcmp(actual, expected)) {
        test_fail(file, line, "expected \"%s\", got \"%s\"", expected, actual);
    }
}

void test_run(const char *name, void (*test)(void))
{
    test_name = name;
    failures_of_test = 0;
    test();
    if (failures_of_test) {
        printf("not ok %s: %s (%d in all)\n", name, first_failure, failures_of_test);
        test_failures++;
    } else {
        printf("ok %s\n", name);
    }
    fflush(stdout);
}
