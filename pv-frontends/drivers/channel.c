/* SPDX-License-Identifier: MIT */
/* The console frontend. */
#include "drivers/channel.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/io.h"
#include "kit/memory.h"
#include "kit/string.h"
#include "hypercalls/abi/errno.h"

static long connect(struct channel *c)
{
    c->page = page_alloc_zeroed();
    c->ref = front_grant(&c->front, c->page);
    long port = front_channel(&c->front);
    if (port < 0) {
        return port;
    }
    c->port = (evtchn_port_t)port;
    long rc = front_write(&c->front, "ring-ref", "%u", c->ref);
    if (rc == 0) {
        rc = front_write(&c->front, "port", "%u", c->port);
    }
    if (rc == 0) {
        rc = front_set_state(&c->front, XenbusStateInitialised);
    }
    if (rc == 0 && !front_wait_backend(&c->front, FRONT_STATE(XenbusStateConnected), FRONT_GONE)) {
        rc = -XEN_EIO;
    }
    return rc == 0 ? front_set_state(&c->front, XenbusStateConnected) : rc;
}

long channel_open(struct channel *c, unsigned long id)
{
    memset(c, 0, sizeof(*c));
    long rc = front_open(&c->front, "console", id);
    if (rc < 0) {
        return rc;
    }
    if (!front_begin(&c->front)) {
        return -XEN_EIO;
    }
    rc = connect(c);
    if (rc < 0) {
        channel_close(c);
    }
    return rc;
}

bool channel_close(struct channel *c)
{
    bool free = true;

    front_close(&c->front);
    if (c->port != 0) {
        event_close(c->port);
    }
    if (c->page != NULL) {
        free = grant_free(c->ref);
    }
    if (c->page != NULL && free) {
        page_free(c->page);
    }
    c->page = NULL;
    c->port = 0;
    return free;
}

/* ---- text ---- */

size_t channel_write(struct channel *c, const char *text, size_t length)
{
    XENCONS_RING_IDX prod = c->page->out_prod, cons = XEN_RING_ONCE_(c->page->out_cons);
    size_t n = 0;

    xen_mb(); /* the bytes are read before their room is used again */
    while (n < length && prod - cons < sizeof(c->page->out)) {
        c->page->out[MASK_XENCONS_IDX(prod++, c->page->out)] = text[n++];
    }
    xen_wmb(); /* the bytes before the index */
    XEN_RING_ONCE_(c->page->out_prod) = prod;
    if (n != 0) {
        event_send(c->port);
    }
    return n;
}

size_t channel_read(struct channel *c, char *text, size_t size)
{
    XENCONS_RING_IDX cons = c->page->in_cons, prod = XEN_RING_ONCE_(c->page->in_prod);
    size_t n = 0;

    if (prod - cons > sizeof(c->page->in)) {
        kit_panic("console: more has come than there is room for");
    }
    xen_rmb(); /* the index before the bytes */
    while (n < size && cons != prod) {
        text[n++] = c->page->in[MASK_XENCONS_IDX(cons++, c->page->in)];
    }
    xen_mb(); /* the bytes are read before their room is given back */
    XEN_RING_ONCE_(c->page->in_cons) = cons;
    if (n != 0) {
        event_send(c->port);
    }
    return n;
}

bool channel_drained(const struct channel *c)
{
    return XEN_RING_ONCE_(c->page->out_cons) == c->page->out_prod;
}
