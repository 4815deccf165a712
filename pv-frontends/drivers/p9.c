/* SPDX-License-Identifier: MIT */
/* The frontend of shared folders: connection first, then messages, then files. */
#include "drivers/p9.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/io.h"
#include "kit/string.h"
#include "hypercalls/abi/errno.h"

#define NO_GRANT 0
#define NO_FID   (~0u)
#define TAG      1u
#define VERSION  "9P2000.L"

/* Pages of a ring follow each other: they are not page_alloc()'s. */
static uint8_t ring_pages[PAGE_SIZE << P9_ORDER] __attribute__((aligned(4096)));

/* ---- connection ---- */

static void make_ring(struct p9 *p)
{
    memset(ring_pages, 0, sizeof(ring_pages));
    p->data = ring_pages;
    p->intf = page_alloc_zeroed();
    p->intf->ring_order = P9_ORDER;
    for (unsigned int i = 0; i < 1u << P9_ORDER; i++) {
        p->ref[i] = front_grant(&p->front, ring_pages + i * PAGE_SIZE);
        p->intf->ref[i] = p->ref[i];
    }
    p->intf_ref = front_grant(&p->front, p->intf);
}

static long publish(struct p9 *p)
{
    const struct {
        const char *name;
        unsigned int value;
    } nodes[] = {
        {"version", 1}, {"num-rings", 1}, {"ring-ref0", p->intf_ref}, {"event-channel-0", p->port}};
    long rc = 0;

    for (unsigned int i = 0; rc == 0 && i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        rc = front_write(&p->front, nodes[i].name, "%u", nodes[i].value);
    }
    return rc;
}

static long connect(struct p9 *p)
{
    make_ring(p);
    long port = front_channel(&p->front);
    if (port < 0) {
        return port;
    }
    p->port = (evtchn_port_t)port;
    long rc = publish(p);
    if (rc == 0) {
        rc = front_set_state(&p->front, XenbusStateInitialised);
    }
    if (rc == 0 && !front_wait_backend(&p->front, FRONT_STATE(XenbusStateConnected), FRONT_GONE)) {
        rc = -XEN_EIO;
    }
    return rc == 0 ? front_set_state(&p->front, XenbusStateConnected) : rc;
}

long p9_connect(struct p9 *p, unsigned long id)
{
    memset(p, 0, sizeof(*p));
    long rc = front_open(&p->front, "9pfs", id);
    if (rc < 0) {
        return rc;
    }
    if (!front_begin(&p->front)) {
        return -XEN_EIO;
    }
    rc = connect(p);
    if (rc < 0) {
        p9_close(p);
    }
    return rc;
}

bool p9_close(struct p9 *p)
{
    bool all = true;

    front_close(&p->front);
    if (p->port != 0) {
        event_close(p->port);
    }
    for (unsigned int i = 0; i < 1u << P9_ORDER; i++) {
        all &= p->ref[i] == NO_GRANT || grant_free(p->ref[i]);
        p->ref[i] = NO_GRANT;
    }
    if (p->intf != NULL && grant_free(p->intf_ref)) {
        page_free(p->intf);
    } else {
        all &= p->intf == NULL;
    }
    p->intf = NULL;
    p->port = 0;
    return all;
}

/* ---- bytes of messages ---- */

void p9_begin(struct p9 *p, enum p9_type type)
{
    p->out.length = 0;
    p->out.bad = false;
    p9_put(p, 0, 4); /* the size, later */
    p9_put(p, type, 1);
    p9_put(p, type == P9_TVERSION ? 0xffff : TAG, 2);
}

static uint8_t *room(struct p9 *p, size_t bytes)
{
    uint8_t *at = p->out.bytes + p->out.length;

    if (p->out.bad || bytes > sizeof(p->out.bytes) - p->out.length) {
        p->out.bad = true;
        return NULL;
    }
    p->out.length += (uint32_t)bytes;
    return at;
}

void p9_put(struct p9 *p, uint64_t value, unsigned int bytes)
{
    uint8_t *at = room(p, bytes);

    for (unsigned int i = 0; at != NULL && i < bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static void put_bytes(struct p9 *p, const void *data, size_t length)
{
    uint8_t *at = room(p, length);

    if (at != NULL) {
        memcpy(at, data, length);
    }
}

void p9_put_text(struct p9 *p, const char *text, size_t length)
{
    p9_put(p, length, 2);
    put_bytes(p, text, length);
}

uint64_t p9_get(struct p9 *p, unsigned int bytes)
{
    uint64_t value = 0;

    if (p->in.bad || bytes > p->in.length - p->in.at) {
        p->in.bad = true;
        return 0;
    }
    for (unsigned int i = 0; i < bytes; i++) {
        value |= (uint64_t)p->in.bytes[p->in.at++] << 8 * i;
    }
    return value;
}

/* ---- messages ---- */

static void send(struct p9 *p)
{
    RING_IDX at = xen_9pfs_mask(p->intf->out_prod, P9_RING);

    p->out.bytes[0] = (uint8_t)p->out.length;
    p->out.bytes[1] = (uint8_t)(p->out.length >> 8);
    xen_9pfs_write_packet(p->data + P9_RING, p->out.bytes, p->out.length, &at, 0, P9_RING);
    xen_wmb(); /* the bytes before the index */
    XEN_RING_ONCE_(p->intf->out_prod) += p->out.length;
    event_send(p->port);
}

static uint32_t waiting(const struct p9 *p)
{
    return XEN_RING_ONCE_(p->intf->in_prod) - p->intf->in_cons;
}

static void take(struct p9 *p, void *to, uint32_t bytes)
{
    RING_IDX at = xen_9pfs_mask(p->intf->in_cons, P9_RING);

    while (waiting(p) < bytes) {
        event_wait(&p->port, 1, 0);
        event_clear(p->port);
    }
    xen_rmb(); /* the index before the bytes */
    xen_9pfs_read_packet(to, p->data, bytes, 0, &at, P9_RING);
    xen_mb(); /* the bytes are read before their room is given back */
    XEN_RING_ONCE_(p->intf->in_cons) += bytes;
}

/* One whole answer; its type, negative if it cannot be. */
static long receive(struct p9 *p)
{
    take(p, p->in.bytes, P9_HEADER);
    p->in.bad = false;
    p->in.at = 0;
    p->in.length = P9_HEADER;
    uint64_t size = p9_get(p, 4), type = p9_get(p, 1);
    p9_get(p, 2);
    if (size < P9_HEADER || size > sizeof(p->in.bytes)) {
        return -XEN_EIO;
    }
    take(p, p->in.bytes + P9_HEADER, (uint32_t)size - P9_HEADER);
    p->in.length = (uint32_t)size;
    return (long)type;
}

long p9_call(struct p9 *p)
{
    unsigned int type = p->out.bytes[4];

    if (p->out.bad) {
        return -XEN_EINVAL;
    }
    send(p);
    long answer = receive(p);
    if (answer == P9_RLERROR) {
        long error = (long)p9_get(p, 4);

        return p->in.bad || error == 0 ? -XEN_EIO : -error;
    }
    return answer == (long)type + 1 ? 0 : -XEN_EIO;
}

/* A call whose answer's first number matters. */
static long call_for_number(struct p9 *p, unsigned int bytes)
{
    long rc = p9_call(p);
    long number = rc == 0 ? (long)p9_get(p, bytes) : rc;

    return rc == 0 && p->in.bad ? -XEN_EIO : number;
}

/* ---- the session ---- */

long p9_open(struct p9 *p, unsigned long id)
{
    long rc = p9_connect(p, id);

    if (rc < 0) {
        return rc;
    }
    p9_begin(p, P9_TVERSION);
    p9_put(p, P9_RING, 4);
    p9_put_text(p, VERSION, strlen(VERSION));
    rc = call_for_number(p, 4);
    if (rc >= 0 && rc != P9_RING) {
        rc = -XEN_EIO;
    }
    if (rc >= 0) {
        p9_begin(p, P9_TATTACH);
        p9_put(p, P9_ROOT, 4);
        p9_put(p, NO_FID, 4);
        p9_put_text(p, "", 0);
        p9_put_text(p, "", 0);
        p9_put(p, 0, 4); /* the user: root */
        rc = p9_call(p);
    }
    if (rc < 0) {
        p9_close(p);
    }
    return rc;
}

/* ---- files ---- */

static size_t name_length(const char *path)
{
    size_t n = 0;

    while (path[n] != '\0' && path[n] != '/') {
        n++;
    }
    return n;
}

/* Where a walk's number of names stands. */
#define COUNT_AT (P9_HEADER + 8)

/* `fid` becomes what `path` leads to. An answer with fewer names says that there is no such file. */
static long walk(struct p9 *p, uint32_t fid, const char *path)
{
    uint8_t names = 0;

    p9_begin(p, P9_TWALK);
    p9_put(p, P9_ROOT, 4);
    p9_put(p, fid, 4);
    p9_put(p, 0, 2); /* COUNT_AT */
    while (*path != '\0') {
        size_t n = name_length(path);

        p9_put_text(p, path, n);
        path += n + (path[n] == '/');
        names++;
    }
    p->out.bytes[COUNT_AT] = names;
    long done = call_for_number(p, 2);
    return done < 0 || done == names ? done : -XEN_ENOENT;
}

long p9_file_open(struct p9 *p, uint32_t fid, const char *path, uint32_t flags)
{
    long rc = walk(p, fid, path);

    if (rc < 0) {
        return rc;
    }
    p9_begin(p, P9_TLOPEN);
    p9_put(p, fid, 4);
    p9_put(p, flags, 4);
    rc = p9_call(p);
    if (rc < 0) {
        p9_file_close(p, fid);
    }
    return rc;
}

long p9_file_create(struct p9 *p, uint32_t fid, const char *folder, const char *name, uint32_t mode)
{
    long rc = walk(p, fid, folder);

    if (rc < 0) {
        return rc;
    }
    p9_begin(p, P9_TLCREATE);
    p9_put(p, fid, 4);
    p9_put_text(p, name, strlen(name));
    p9_put(p, 2, 4); /* O_RDWR */
    p9_put(p, mode, 4);
    p9_put(p, 0, 4); /* the group */
    rc = p9_call(p);
    if (rc < 0) {
        p9_file_close(p, fid);
    }
    return rc;
}

long p9_file_read(struct p9 *p, uint32_t fid, uint64_t offset, void *data, uint32_t size)
{
    p9_begin(p, P9_TREAD);
    p9_put(p, fid, 4);
    p9_put(p, offset, 8);
    p9_put(p, size < P9_MAX_DATA ? size : P9_MAX_DATA, 4);
    long n = call_for_number(p, 4);
    if (n > (long)size || n > (long)(p->in.length - p->in.at)) {
        return -XEN_EIO;
    }
    if (n > 0) {
        memcpy(data, p->in.bytes + p->in.at, (size_t)n);
    }
    return n;
}

long p9_file_write(struct p9 *p, uint32_t fid, uint64_t offset, const void *data, uint32_t size)
{
    uint32_t part = size < P9_MAX_DATA ? size : P9_MAX_DATA;

    p9_begin(p, P9_TWRITE);
    p9_put(p, fid, 4);
    p9_put(p, offset, 8);
    p9_put(p, part, 4);
    put_bytes(p, data, part);
    long n = call_for_number(p, 4);
    return n > (long)part ? -XEN_EIO : n;
}

long p9_file_close(struct p9 *p, uint32_t fid)
{
    p9_begin(p, P9_TCLUNK);
    p9_put(p, fid, 4);
    return p9_call(p);
}
