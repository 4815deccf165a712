/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of xenstored: messages of two sockets and of two guests, and the bytes of ring pages. After
 * each input the books must be right, and a core made from the journal must be the same as the one
 * that wrote it.
 *
 *   input:    steps until it ends
 *   step:     1 byte: what; its arguments
 *   message:  connection, type, transaction, length, payload, in which bytes from 0x80 on stand for
 *             words that messages are made of
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/xenstore_rig.h"

#define next in_u8

static const char *const words[] = {
    "/a",
    "/b",
    "/local/domain/1",
    "/local/domain/2",
    "/tool",
    "@releaseDomain",
    "@introduceDomain",
    "/",
    "n0",
    "r1",
    "b2",
    "w1",
    "n1",
    "n2",
    "T",
    "F",
    "0",
    "1",
    "2",
    "1000",
    "4095",
    "quota",
    "set",
    "nodes",
    "check",
    "help",
    "memreport",
    "log",
    "on",
    "memory",
    "print",
    "token",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

/* A payload of at most max bytes. */
static size_t make_payload(struct input *in, char *out, size_t max)
{
    size_t want = next(in), len = 0;

    while (want-- && in->p < in->end) {
        uint8_t b = next(in);

        if (b >= 0xf0) { /* something long */
            size_t n = (size_t)(b - 0xef) * 250;

            n = n < max - len ? n : max - len;
            memset(out + len, 'x', n);
            len += n;
        } else if (b >= 0x80) {
            size_t n = strlen(words[b % WORDS]);

            n = n < max - len ? n : max - len;
            memcpy(out + len, words[b % WORDS], n);
            len += n;
        } else if (len < max) {
            out[len++] = (char)(b == '|' ? 0 : b);
        }
    }
    return len;
}

static struct conn *second; /* another socket of Domain 0 */

static struct conn *pick(struct rig *r, uint8_t which)
{
    struct domain *d = domain_find(r->core, which % 4);

    if (which % 4 == 3)
        return second ? second : r->dom0;
    return which % 4 && d && d->conn ? d->conn : r->dom0;
}

/* The rings of domains 1 and 2. */
static struct xenstore_domain_interface pages[3];
static struct ring rings[3];

/* The ring of a domain that lives and has one; made where `wanted` says so. */
static struct ring *ring_of(struct rig *r, unsigned int id, bool wanted)
{
    struct domain *d = domain_find(r->core, id);

    if (!d || !d->conn) {
        r->ring[id] = NULL;
    } else if (r->ring[id] && rings[id].conn != d->conn) {
        r->ring[id] = NULL;
    }
    if (!r->ring[id] && wanted && d && d->conn) {
        memset(&pages[id], 0, sizeof(pages[id]));
        ring_attach(&rings[id], d->conn, &pages[id], NULL);
        r->ring[id] = &rings[id];
    }
    return r->ring[id];
}

/* The output of a connection is read by hand, or by the guest if it has a ring. */
static void read_output(struct rig *r, struct conn *c)
{
    struct answer a;

    for (unsigned int id = 1; id < 3; id++) {
        if (ring_of(r, id, false) && c == rings[id].conn) {
            pages[id].rsp_cons = pages[id].rsp_prod;
            ring_flush(&rings[id]);
            return;
        }
    }
    while (rig_next(c, &a)) {
    }
}

static void read_all(struct rig *r)
{
    for (uint8_t i = 0; i < 4; i++) {
        read_output(r, pick(r, i));
    }
}

static void message(struct rig *r, struct input *in)
{
    static char payload[XENSTORE_PAYLOAD_MAX];
    struct conn *c = pick(r, next(in));
    struct xsd_sockmsg hdr = {next(in) % 26, 7, next(in) % 12, 0};
    char *exact;

    hdr.len = (uint32_t)make_payload(in, payload, sizeof(payload));
    exact = malloc(hdr.len ? hdr.len : 1);
    memcpy(exact, payload, hdr.len);
    if (!c->broken && conn_may_request(c)) {
        request_handle(c, &hdr, exact);
    }
    free(exact);
    if (next(in) % 4) {
        read_all(r);
    }
}

/* A socket is closed, whatever it was in the middle of, and another one opened. */
static void reconnect(struct rig *r)
{
    if (second) {
        conn_free(second);
    }
    second = conn_new(r->core, 0, NULL);
}

/* Writes somewhere into the page of a domain, and lets the ring be served. */
static void scribble(struct rig *r, struct input *in)
{
    unsigned int id = 1 + next(in) % 2;
    struct xenstore_domain_interface *page = &pages[id];
    struct ring *ring = ring_of(r, id, true);
    uint32_t *const words32[] = {&page->req_cons,  &page->req_prod, &page->rsp_cons,
                                 &page->rsp_prod,  &page->error,    &page->server_features,
                                 &page->connection};
    size_t n = next(in), i;
    int turns = 0;

    if (!ring) {
        return;
    }
    if (n & 1) {
        *words32[n / 2 % 7] += (uint32_t)(int8_t)next(in) * (n & 128 ? 65537u : 1u);
    } else {
        for (i = 0; i < n / 2; i++) {
            page->req[MASK_XENSTORE_IDX(page->req_prod++)] = (char)next(in);
        }
        page->rsp_cons = page->rsp_prod;
    }
    while (ring_of(r, id, false) && ring_service(ring, 4)) {
        if (++turns > 2000) {
            abort();
        }
    }
}

/* A whole message into a ring, of which pieces may be served before the rest is there. */
static void ring_message(struct rig *r, struct input *in)
{
    static char bytes[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
    unsigned int id = 1 + next(in) % 2;
    struct xsd_sockmsg hdr = {next(in) % 26, next(in), next(in) % 12, 0};
    uint8_t lie = next(in);

    hdr.len = (uint32_t)make_payload(in, bytes + sizeof(hdr), XENSTORE_PAYLOAD_MAX);
    size_t len = sizeof(hdr) + hdr.len;
    if (lie >= 0xf8) {
        hdr.len += (uint32_t)(lie - 0xf8) * 1000;
    }
    memcpy(bytes, &hdr, sizeof(hdr));
    for (size_t at = 0; at < len && ring_of(r, id, true);) {
        struct xenstore_domain_interface *page = &pages[id];
        size_t n = 1 + (lie < 128 ? XENSTORE_RING_SIZE : lie % 64u);
        int turns = 0;

        while (n-- && at < len && page->req_prod - page->req_cons < XENSTORE_RING_SIZE) {
            page->req[MASK_XENSTORE_IDX(page->req_prod++)] = bytes[at++];
        }
        page->rsp_cons = page->rsp_prod;
        while (ring_of(r, id, false) && ring_service(&rings[id], 4)) {
            if (++turns > 2000) {
                abort();
            }
        }
        /* A ring that has been given up, or whose indices are nonsense, takes nothing. */
        if (page->req_prod - page->req_cons >= XENSTORE_RING_SIZE) {
            break;
        }
    }
}

static void check(struct rig *r)
{
    struct buf why = {0};
    char *before, *after;

    if (!core_check(r->core, &why)) {
        buf_u8(&why, 0);
        fprintf(stderr, "books: %s\n", (char *)why.data);
        abort();
    }
    before = rig_dump(r->core);
    rig_restart(r);
    after = rig_dump(r->core);
    if (strcmp(before, after)) {
        fprintf(stderr, "before a restart:\n%safter:\n%s", before, after);
        abort();
    }
    free(before);
    free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    struct rig r;

    rig_start(&r);
    rig_domain(&r, 1);
    rig_domain(&r, 2);
    rig_ask(r.dom0, XS_MKDIR, 0, "/local/domain/1");
    rig_ask(r.dom0, XS_SET_PERMS, 0, "/local/domain/1|n1|r2");
    memset(rings, 0, sizeof(rings));
    memset(pages, 0, sizeof(pages));
    second = NULL;
    while (in.p < in.end) {
        switch (next(&in) % 16) {
        case 0:
            domain_observe(r.core, next(&in) % 3, next(&in) & 1, next(&in) & 2);
            core_flush_journal(r.core);
            break;
        case 1:
        case 2: scribble(&r, &in); break;
        case 3:
        case 4:
        case 5:
        case 6: ring_message(&r, &in); break;
        case 7: reconnect(&r); break;
        case 8: /* time, which rates and timeouts hang on */
            r.now += (uint64_t)next(&in) * 100;
            read_all(&r);
            break;
        default: message(&r, &in); break;
        }
    }
    r.ring[1] = r.ring[2] = NULL;
    check(&r);
    rig_stop(&r);
    return 0;
}
