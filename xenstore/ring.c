/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ring page. Positions are free-running 32-bit counters; a difference of two is a length.
 *
 * Journal entries:   o   domid, consumed up to, position, bytes      output, and what is consumed
 *                    i   domid, position, bytes                      input that left the ring
 */
#include <string.h>

#include "xenstore/core.h"
#include "xenstore/journal.h"
#include "xenstore/request.h"
#include "xenstore/ring.h"

/* The guest's side writes these at any time: read once, before the data they stand for. */
static uint32_t load(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

/* The data first, then the index that shows it. */
static void store(uint32_t *index, uint32_t v)
{
    __atomic_store_n(index, v, __ATOMIC_RELEASE);
}

static bool is_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static void copy_in(const struct ring *r, uint32_t pos, unsigned char *out, uint32_t len)
{
    uint32_t at = MASK_XENSTORE_IDX(pos), first = XENSTORE_RING_SIZE - at;

    first = first < len ? first : len;
    memcpy(out, r->page->req + at, first);
    memcpy(out + first, r->page->req, len - first);
}

static void copy_out(struct ring *r, uint32_t pos, const unsigned char *data, uint32_t len)
{
    uint32_t at = MASK_XENSTORE_IDX(pos), first = XENSTORE_RING_SIZE - at;

    first = first < len ? first : len;
    memcpy(r->page->rsp + at, data, first);
    memcpy(r->page->rsp, data + first, len - first);
}

static void fail(struct ring *r, uint32_t error, const char *why)
{
    struct core *core = r->conn->core;

    conn_log_end(r->conn, why);
    r->dead = true;
    r->conn->broken = true;
    r->in_got = 0;
    conn_reset(r->conn);
    conn_drop_output(r->conn);
    journal_reset(r->conn);
    core_flush_journal(core);
    store(&r->page->error, error);
    r->notify = true;
}

/* ---- output ------------------------------------------------------------------------------- */

static uint32_t queue_start(const struct ring *r)
{
    return r->rsp_prod - r->conn->out_done;
}

void ring_keep(struct ring *r, struct buf *b)
{
    const struct msg *m = r->conn->out;
    uint32_t pos = queue_start(r), start;
    size_t mark;

    if (is_before(r->kept_until, r->rsp_prod)) {
        r->kept_until = r->rsp_prod;
    }
    while (m && !is_before(r->kept_until, pos + m->len)) {
        pos += m->len;
        m = m->next;
    }
    start = is_before(pos, r->kept_until) ? r->kept_until : pos;
    mark = journal_begin(b, 'o');
    buf_u32(b, r->conn->domid);
    buf_u32(b, r->req_cons + r->in_need);
    buf_u32(b, start);
    for (; m; m = m->next) {
        uint32_t skip = is_before(pos, start) ? start - pos : 0;

        buf_add(b, m->data + skip, m->len - skip);
        pos += m->len;
        r->kept_until = pos;
    }
    journal_end(b, mark);
}

static void keep_now(struct ring *r)
{
    struct core *core = r->conn->core;

    ring_keep(r, &core->batch);
    core_flush_journal(core);
}

/* Puts one message into the ring, or as much of it as fits. False when the ring is full. */
static bool put_message(struct ring *r, uint32_t *prod, uint32_t *room)
{
    const void *data;
    uint32_t len = (uint32_t)conn_out_peek(r->conn, &data), n;

    n = len < *room ? len : *room;
    copy_out(r, *prod, data, n);
    *prod += n;
    *room -= n;
    conn_out_done(r->conn, n);
    return n == len;
}

/* The free room, or -1 if the guest's index is nonsense. */
static int32_t room_left(const struct ring *r)
{
    uint32_t used = r->rsp_prod - load(&r->page->rsp_cons);

    return used > XENSTORE_RING_SIZE ? -1 : (int32_t)(XENSTORE_RING_SIZE - used);
}

/* Sends until the ring is full or nothing is left. */
static void send_round(struct ring *r, uint32_t room)
{
    uint32_t prod = r->rsp_prod, total = r->conn->out_bytes;

    /* What does not go out whole and now must not be lost with us. */
    if (total > room && is_before(r->kept_until, r->rsp_prod + total)) {
        keep_now(r);
    }
    while (r->conn->out && room && put_message(r, &prod, &room)) {
    }
    r->rsp_prod = prod;
    store(&r->page->rsp_prod, prod);
    r->notify = true;
}

void ring_flush(struct ring *r)
{
    int32_t room;

    if (!r->dead && r->conn->broken) {
        fail(r, XENSTORE_ERROR_COMM, "cannot be served any more");
    }
    /* Again until it is full: the guest tells of room only if it found the ring full. */
    while (!r->dead && r->conn->out && (room = room_left(r)) != 0) {
        if (room < 0) {
            fail(r, XENSTORE_ERROR_RINGIDX, "bad response index");
            return;
        }
        send_round(r, (uint32_t)room);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    /* What must wait must not be lost, either. */
    if (!r->dead && r->conn->out && is_before(r->kept_until, r->rsp_prod + r->conn->out_bytes)) {
        keep_now(r);
    }
}

/* ---- input -------------------------------------------------------------------------------- */

static void consume(struct ring *r, uint32_t n)
{
    r->req_cons += n;
    store(&r->page->req_cons, r->req_cons);
    r->notify = true;
    /* What we look at next must be newer than this: the guest looks here to decide about an event. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Takes what there is of an incomplete request. It must not stay in the ring: Linux announces more
 * only if all that it wrote before was taken. */
static void take_part(struct ring *r, uint32_t avail)
{
    struct core *core = r->conn->core;
    size_t mark;

    copy_in(r, r->req_cons, r->in + r->in_got, avail);
    mark = journal_begin(&core->batch, 'i');
    buf_u32(&core->batch, r->conn->domid);
    buf_u32(&core->batch, r->req_cons);
    buf_add(&core->batch, r->in + r->in_got, avail);
    journal_end(&core->batch, mark);
    core_flush_journal(core);
    r->in_got += avail;
    consume(r, avail);
}

/* The header as it is in the copy, or in the ring if the copy does not have it yet. */
static bool peek_header(const struct ring *r, uint32_t avail, struct xsd_sockmsg *hdr)
{
    unsigned char raw[sizeof(*hdr)];

    if (r->in_got >= sizeof(*hdr)) {
        memcpy(hdr, r->in, sizeof(*hdr));
        return true;
    }
    if (r->in_got + avail < sizeof(*hdr)) {
        return false;
    }
    memcpy(raw, r->in, r->in_got);
    copy_in(r, r->req_cons, raw + r->in_got, (uint32_t)sizeof(raw) - r->in_got);
    memcpy(hdr, raw, sizeof(*hdr));
    return true;
}

static void handle(struct ring *r, const struct xsd_sockmsg *hdr, uint32_t missing)
{
    copy_in(r, r->req_cons, r->in + r->in_got, missing);
    /* The header that was checked counts, whatever the guest put in its place meanwhile. */
    memcpy(r->in, hdr, sizeof(*hdr));
    r->in_need = missing;
    request_handle(r->conn, hdr, r->in + sizeof(*hdr));
    ring_flush(r);
    r->in_need = 0;
    if (!r->dead) {
        r->in_got = 0;
        consume(r, missing);
    }
}

/* Handles the next request, or goes on reading it. False when there is none. */
static bool next_request(struct ring *r)
{
    uint32_t avail = load(&r->page->req_prod) - r->req_cons, missing;
    struct xsd_sockmsg hdr;

    if (avail > XENSTORE_RING_SIZE) {
        fail(r, XENSTORE_ERROR_RINGIDX, "bad request index");
        return false;
    }
    if (!avail) {
        return false;
    }
    if (!peek_header(r, avail, &hdr)) {
        take_part(r, avail);
        return true;
    }
    if (hdr.len > XENSTORE_PAYLOAD_MAX) {
        fail(r, XENSTORE_ERROR_PROTO, "message too long");
        return false;
    }
    missing = (uint32_t)sizeof(hdr) + hdr.len - r->in_got;
    if (avail >= missing) {
        handle(r, &hdr, missing);
    } else {
        take_part(r, avail);
    }
    return true;
}

static bool wants_reset(const struct ring *r)
{
    return load(&r->page->connection) == XENSTORE_RECONNECT;
}

void ring_reset(struct ring *r)
{
    conn_reset(r->conn);
    conn_drop_output(r->conn);
    r->conn->broken = false;
    r->dead = false;
    r->in_got = 0;
    r->req_cons = r->rsp_prod = r->kept_until = 0;
    journal_reset(r->conn);
    keep_now(r);
    store(&r->page->req_cons, 0);
    store(&r->page->req_prod, 0);
    store(&r->page->rsp_cons, 0);
    store(&r->page->rsp_prod, 0);
    store(&r->page->error, XENSTORE_ERROR_NONE);
    store(&r->page->connection, XENSTORE_CONNECTED);
    r->notify = true;
}

bool ring_service(struct ring *r, unsigned int budget)
{
    if (wants_reset(r)) {
        ring_reset(r);
    }
    ring_flush(r);
    while (!r->dead && conn_may_request(r->conn) && next_request(r)) {
        if (--budget == 0) {
            return !r->dead;
        }
    }
    return false;
}

/* ---- over a restart ----------------------------------------------------------------------- */

void ring_snapshot(struct ring *r, struct buf *b)
{
    size_t mark;

    r->kept_until = r->rsp_prod;
    ring_keep(r, b);
    if (r->in_got) {
        mark = journal_begin(b, 'i');
        buf_u32(b, r->conn->domid);
        buf_u32(b, r->req_cons - r->in_got);
        buf_add(b, r->in, r->in_got);
        journal_end(b, mark);
    }
}

static bool read_u32(const unsigned char **p, size_t *len, uint32_t *v)
{
    if (*len < sizeof(*v)) {
        return false;
    }
    memcpy(v, *p, sizeof(*v));
    *p += sizeof(*v);
    *len -= sizeof(*v);
    return true;
}

static void remember_output(struct ring_memory *m, uint32_t cons, uint32_t pos, const void *data,
                            size_t len)
{
    m->known = true;
    m->cons = cons;
    if (m->out_start + (uint32_t)m->out.len != pos) {
        buf_reset(&m->out);
        m->out_start = pos;
    }
    buf_add(&m->out, data, len);
    /* The request that was coming in is done with. */
    if (!m->in.len || is_before(m->in_end, cons) || !cons) {
        buf_reset(&m->in);
    }
}

static void remember_input(struct ring_memory *m, uint32_t pos, const void *data, size_t len)
{
    if (m->in.len && m->in_end != pos) {
        buf_reset(&m->in);
    }
    buf_add(&m->in, data, len);
    m->in_end = pos + (uint32_t)len;
}

bool ring_remember(struct ring_memory *m, uint8_t code, const void *data, size_t len)
{
    const unsigned char *p = data;
    uint32_t cons, pos;

    if (code == 'i') {
        if (!read_u32(&p, &len, &pos)) {
            return false;
        }
        remember_input(m, pos, p, len);
    } else {
        if (!read_u32(&p, &len, &cons) || !read_u32(&p, &len, &pos)) {
            return false;
        }
        remember_output(m, cons, pos, p, len);
    }
    return !m->in.failed && !m->out.failed;
}

void ring_forget(struct ring_memory *m)
{
    buf_free(&m->in);
    buf_free(&m->out);
    *m = (struct ring_memory){0};
}

/* Queues again what was on its way out and is not in the ring yet, as one piece. */
static void requeue(struct ring *r, const unsigned char *p, size_t len)
{
    struct msg *m = mem_alloc(sizeof(*m) + len);

    if (!m) {
        r->conn->broken = true;
        return;
    }
    *m = (struct msg){.len = (uint32_t)len};
    memcpy(m->data, p, len);
    conn_queue(r->conn, m);
}

/* Goes on where the journal and the page say that the last process was. */
static void resume(struct ring *r, const struct ring_memory *m)
{
    uint32_t sent = r->rsp_prod - m->out_start;

    if (m->known && is_before(r->req_cons, m->cons)) {
        r->req_cons = m->cons;
    }
    if (m->in.len && m->in.len <= sizeof(r->in) && !is_before(m->in_end, r->req_cons)) {
        memcpy(r->in, m->in.data, m->in.len);
        r->in_got = (uint32_t)m->in.len;
        r->req_cons = m->in_end;
    }
    if (m->known && sent < m->out.len) {
        requeue(r, m->out.data + sent, m->out.len - sent);
        r->kept_until = r->rsp_prod + (uint32_t)(m->out.len - sent);
    }
    r->dead = load(&r->page->error) != XENSTORE_ERROR_NONE;
    r->conn->broken = r->conn->broken || r->dead;
}

void ring_attach(struct ring *r, struct conn *c, struct xenstore_domain_interface *page,
                 const struct ring_memory *m)
{
    *r = (struct ring){.conn = c, .page = page};
    r->req_cons = load(&page->req_cons);
    r->rsp_prod = load(&page->rsp_prod);
    r->kept_until = r->rsp_prod;
    if (m) {
        resume(r, m);
    } else {
        store(&page->error, XENSTORE_ERROR_NONE);
    }
    store(&page->req_cons, r->req_cons);
    store(&page->server_features,
          XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR);
    r->notify = true;
}
