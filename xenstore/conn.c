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

/* ---- the index of events that wait --------------------------------------------------------- */

/* So few are searched without one. */
#define INDEX_MIN 32u

static struct msg **chain_of(const struct conn *c, uint32_t hash)
{
    return &c->index[hash & (c->index_size - 1)];
}

static void index_add(struct conn *c, struct msg *m)
{
    struct msg **chain = chain_of(c, m->hash);

    m->chain = *chain;
    *chain = m;
}

/* Makes it with so many chains. Without memory all stays as it is: only the search is slower. */
static void index_build(struct conn *c, uint32_t size)
{
    struct msg **chains = mem_alloc(size * sizeof(*chains)), *m;

    if (!chains) {
        return;
    }
    memset(chains, 0, size * sizeof(*chains));
    free(c->index);
    c->index = chains;
    c->index_size = size;
    for (m = c->out; m; m = m->next) {
        if (m->event) {
            index_add(c, m);
        }
    }
}

/* A new event is in the queue. */
static void index_queued(struct conn *c, struct msg *m)
{
    uint32_t size = c->index ? 2 * c->index_size : INDEX_MIN;

    c->out_events++;
    if (c->out_events > size) {
        index_build(c, 2 * size);
    } else if (c->index) {
        index_add(c, m);
    }
}

/* An event leaves the queue. */
static void index_popped(struct conn *c, const struct msg *m)
{
    struct msg **slot = c->index ? chain_of(c, m->hash) : NULL;

    while (slot && *slot != m) {
        slot = &(*slot)->chain;
    }
    if (slot) {
        *slot = m->chain;
    }
    if (--c->out_events == 0) {
        free(c->index);
        c->index = NULL;
        c->index_size = 0;
    }
}

/* ---- output ------------------------------------------------------------------------------- */

static void pop_message(struct conn *c)
{
    struct msg *m = c->out;

    if (m->event) {
        index_popped(c, m);
    }
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

/* FNV-1a from a start that nobody knows: to make the search for equal events cheap. */
static uint32_t hash_bytes(const struct core *core, const unsigned char *p, size_t len)
{
    uint32_t h = 2166136261u ^ core->hash_key;

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
    const struct msg *m = c->index ? *chain_of(c, event->hash) : c->out;

    for (; m; m = c->index ? m->chain : m->next) {
        if (m->event && m->hash == event->hash && m->len == event->len &&
            !memcmp(m->data, event->data, event->len) && !(m == c->out && c->out_done)) {
            return true;
        }
    }
    return false;
}

void conn_log_end(struct conn *c, const char *why)
{
    if (log_is_due(&conn_usage(c)->ended, c->core->ops->now(c->core->arg))) {
        core_log(c->core, "domain %u: %s; its xenstore connection is closed", c->domid, why);
    }
}

static bool floods(struct conn *c, const struct msg *event)
{
    uint64_t wanted = conn_usage(c)->work_bytes + event->len;

    if (c->privileged) {
        /* Domain 0's kernel must not lose its connection. */
        if (c->domain || wanted <= SOCKET_MAX_OUT) {
            return false;
        }
        conn_log_end(c, "a client reads no events, too many wait");
        return true;
    }
    if (wanted <= 2ull * quota_limit(c, QUOTA_MEMORY)) {
        return false;
    }
    conn_log_end(c, "reads no events, more than twice its memory quota waits");
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
    m->hash = hash_bytes(c->core, m->data, m->len);
    if (is_pending(c, m)) {
        free(m);
        return;
    }
    conn_queue(c, m);
    index_queued(c, m);
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
