/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of xenstored: messages of Domain 0 and of two guests, and the bytes of a ring page. After
 * each input the books must be right, and a core made from the journal must be the same as the one
 * that wrote it.
 *
 *   input:    steps until it ends
 *   step:     1 byte: what; its arguments
 *   message:  connection, type, transaction, length, payload, in which bytes from 0x80 on stand for
 *             words that messages are made of
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/xenstore_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *p, *end;
};

static uint8_t next(struct input *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

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

static struct conn *pick(struct rig *r, uint8_t which)
{
    struct domain *d = domain_find(r->core, which % 3);

    return which % 3 && d && d->conn ? d->conn : r->dom0;
}

static struct xenstore_domain_interface page;
static struct ring ring;

/* The output of a connection is read by hand, or by the guest if it has a ring. */
static void read_output(struct rig *r, struct conn *c)
{
    struct answer a;

    if (r->ring[1] && c == ring.conn) {
        page.rsp_cons = page.rsp_prod;
        ring_flush(&ring);
        return;
    }
    while (rig_next(c, &a)) {
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
        read_output(r, r->dom0);
        read_output(r, pick(r, 1));
        read_output(r, pick(r, 2));
    }
}

/* Writes somewhere into the page of domain 1, and lets the ring be served. */
static void scribble(struct rig *r, struct input *in)
{
    struct domain *d = domain_find(r->core, 1);
    uint32_t *const words32[] = {&page.req_cons,  &page.req_prod, &page.rsp_cons,
                                 &page.rsp_prod,  &page.error,    &page.server_features,
                                 &page.connection};
    size_t n = next(in), i;
    int turns = 0;

    if (!d || !d->conn) {
        r->ring[1] = NULL;
        return;
    }
    if (r->ring[1] != &ring || ring.conn != d->conn) {
        memset(&page, 0, sizeof(page));
        ring_attach(&ring, d->conn, &page, NULL);
        r->ring[1] = &ring;
    }
    if (n & 1) {
        *words32[n / 2 % 7] += (uint32_t)(int8_t)next(in) * (n & 128 ? 65537u : 1u);
    } else {
        for (i = 0; i < n / 2; i++) {
            page.req[MASK_XENSTORE_IDX(page.req_prod++)] = (char)next(in);
        }
        page.rsp_cons = page.rsp_prod;
    }
    while (ring_service(&ring, 4)) {
        if (++turns > 2000) {
            abort();
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
    memset(&ring, 0, sizeof(ring));
    memset(&page, 0, sizeof(page));
    while (in.p < in.end) {
        switch (next(&in) % 8) {
        case 0:
            domain_observe(r.core, next(&in) % 3, next(&in) & 1, next(&in) & 2);
            core_flush_journal(r.core);
            break;
        case 1:
        case 2: scribble(&r, &in); break;
        default: message(&r, &in); break;
        }
    }
    r.ring[1] = NULL;
    check(&r);
    rig_stop(&r);
    return 0;
}
