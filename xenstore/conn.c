/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections and the queues of what they are to be sent. */
#include <stdlib.h>
#include <string.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/core.h"
#include "xenstore/txn.h"
#include "xenstore/watch.h"

/* How many answers a privileged connection may leave unread before it may ask again. */
#define PRIVILEGED_OUTSTANDING 256u

struct conn *conn_new(struct core *core, uint32_t domid, struct domain *domain)
{
    struct conn *c = mem_alloc(sizeof(*c));

    if (!c) {
        return NULL;
    }
    *c = (struct conn){.core = core, .domid = domid, .domain = domain, .id = ++core->last_conn};
    c->privileged = domid == 0;
    c->next = core->conns;
    if (c->next) {
        c->next->prev = c;
    }
    core->conns = c;
    return c;
}

void conn_reset(struct conn *c)
{
    while (c->watches) {
        watch_free(c->watches);
    }
    while (c->txns) {
        txn_free(c->txns);
    }
}

static void pop_message(struct conn *c)
{
    struct msg *m = c->out;

    c->out = m->next;
    if (!c->out) {
        c->out_last = NULL;
    }
    c->out_count--;
    c->out_bytes -= m->len - c->out_done;
    c->out_done = 0;
    conn_usage(c)->work_bytes -= sizeof(*m) + m->len;
    free(m);
}

void conn_drop_output(struct conn *c)
{
    while (c->out) {
        pop_message(c);
    }
}

void conn_free(struct conn *c)
{
    conn_reset(c);
    conn_drop_output(c);
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        c->core->conns = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
    free(c);
}

struct usage *conn_usage(struct conn *c)
{
    return c->domain ? &c->domain->use : &c->local;
}

const struct quota_set *conn_quota(const struct conn *c)
{
    return c->domain ? &c->domain->quota : &c->core->quota;
}

bool conn_may_request(const struct conn *c)
{
    uint32_t max = c->privileged ? PRIVILEGED_OUTSTANDING : quota_limit(c, QUOTA_OUTSTANDING);

    return !c->broken && c->out_count <= max;
}

/* FNV-1a: only to make the search for equal events cheap. */
static uint32_t hash_bytes(const unsigned char *p, size_t len)
{
    uint32_t h = 2166136261u;

    while (len--) {
        h = (h ^ *p++) * 16777619u;
    }
    return h;
}

static struct msg *make_message(uint32_t type, uint32_t req_id, uint32_t tx_id, size_t len)
{
    struct xsd_sockmsg hdr = {type, req_id, tx_id, (uint32_t)len};
    struct msg *m = mem_alloc(sizeof(*m) + sizeof(hdr) + len);

    if (m) {
        *m = (struct msg){.len = (uint32_t)(sizeof(hdr) + len)};
        memcpy(m->data, &hdr, sizeof(hdr));
    }
    return m;
}

void conn_queue(struct conn *c, struct msg *m)
{
    if (c->out_last) {
        c->out_last->next = m;
    } else {
        c->out = m;
    }
    c->out_last = m;
    c->out_count++;
    c->out_bytes += m->len;
    conn_usage(c)->work_bytes += sizeof(*m) + m->len;
    c->core->ops->wake(c->core->arg, c);
}

void conn_send(struct conn *c, uint32_t type, uint32_t req_id, uint32_t tx_id, const void *data,
               size_t len)
{
    struct msg *m = make_message(type, req_id, tx_id, len);

    if (!m) {
        core_log(c->core, "domain %u: no memory for an answer, closing connection %u", c->domid,
                 c->id);
        c->broken = true;
        c->core->ops->wake(c->core->arg, c);
        return;
    }
    if (len) {
        memcpy(m->data + sizeof(struct xsd_sockmsg), data, len);
    }
    conn_queue(c, m);
}

/* Only whole messages count: the first one may be on its way already. */
static bool is_pending(const struct conn *c, const struct msg *event)
{
    const struct msg *m = c->out;

    if (m && c->out_done) {
        m = m->next;
    }
    for (; m; m = m->next) {
        if (m->event && m->hash == event->hash && m->len == event->len &&
            !memcmp(m->data, event->data, event->len)) {
            return true;
        }
    }
    return false;
}

static bool floods(struct conn *c, const struct msg *event)
{
    if (c->privileged ||
        conn_usage(c)->work_bytes + event->len <= 2ull * quota_limit(c, QUOTA_MEMORY)) {
        return false;
    }
    core_log(c->core, "domain %u: reads no events, more than twice its memory quota waits; closed",
             c->domid);
    return true;
}

void conn_send_event(struct conn *c, const char *path, const char *token)
{
    size_t plen = strlen(path) + 1, tlen = strlen(token) + 1;
    struct msg *m;

    if (c->broken) {
        return;
    }
    m = make_message(XS_WATCH_EVENT, 0, 0, plen + tlen);
    if (!m || floods(c, m)) {
        free(m);
        c->broken = true;
        c->core->ops->wake(c->core->arg, c);
        return;
    }
    memcpy(m->data + sizeof(struct xsd_sockmsg), path, plen);
    memcpy(m->data + sizeof(struct xsd_sockmsg) + plen, token, tlen);
    m->event = true;
    m->hash = hash_bytes(m->data, m->len);
    if (is_pending(c, m)) {
        free(m);
        return;
    }
    conn_queue(c, m);
}

size_t conn_out_peek(struct conn *c, const void **data)
{
    if (!c->out) {
        return 0;
    }
    *data = c->out->data + c->out_done;
    return c->out->len - c->out_done;
}

unsigned int conn_out_gather(struct conn *c, struct iovec *parts, unsigned int max)
{
    size_t done = c->out_done;
    unsigned int n = 0;
    struct msg *m;

    for (m = c->out; m && n < max; m = m->next) {
        parts[n++] = (struct iovec){m->data + done, m->len - done};
        done = 0;
    }
    return n;
}

void conn_out_done(struct conn *c, size_t len)
{
    while (len) {
        size_t left = c->out->len - c->out_done, n = len < left ? len : left;

        c->out_done += (uint32_t)n;
        c->out_bytes -= (uint32_t)n;
        len -= n;
        if (n == left) {
            pop_message(c);
        }
    }
}
