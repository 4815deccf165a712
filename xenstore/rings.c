/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings of all domains: which page and port each has, which of them have work, and what becomes
 * of them over a restart.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "hypercalls/abi/xen.h"
#include "xenstore/daemon.h"
#include "xenstore/perm.h"
#include "xenstore/watch.h"

static struct ring_peer *peer_of(const struct domain *dom)
{
    return dom->transport;
}

/* ---- lists of rings ------------------------------------------------------------------------ */

/* At the end, if it is not in already. */
static void append(struct ring_list *l, struct ring_link *link)
{
    if (link->in) {
        return;
    }
    link->in = true;
    link->next = NULL;
    *l->last = link;
    l->last = &link->next;
    l->count++;
}

/* If it is in. */
static void take_out(struct ring_list *l, struct ring_link *link)
{
    struct ring_link **slot = &l->first;

    if (!link->in) {
        return;
    }
    while (*slot != link) {
        slot = &(*slot)->next;
    }
    *slot = link->next;
    if (!link->next) {
        l->last = slot;
    }
    link->in = false;
    l->count--;
}

static struct ring_peer *take_first(struct ring_list *l)
{
    struct ring_link *link = l->first;

    if (!link) {
        return NULL;
    }
    take_out(l, link);
    return link->ring;
}

static void make_busy(struct daemon *d, struct ring_peer *p)
{
    append(&d->busy, &p->busy);
}

/* ---- those to be looked at once more -------------------------------------------- */

/*
 * Linux stores its index and then loads ours to decide about an event (xb_write() and xb_read() of
 * drivers/xen/xenbus/xenbus_comms.c), and has no barrier between. A processor may do the load first: Linux
 * sees our index of before, and sends no event, while we saw Linux's index of before, and go to sleep.
 * Nor does it send one for later requests, since this one was not taken. So a ring in which we changed
 * something is looked at again, when such a store must have arrived.
 */
#define AGAIN_MS 2

static void look_again(struct daemon *d, struct ring_peer *p)
{
    p->changed = daemon_now_ms();
    append(&d->again, &p->again);
}

/* Those whose time has come are busy. */
static void take_again(struct daemon *d)
{
    uint64_t now = d->again.count ? daemon_now_ms() : 0;

    for (unsigned int n = d->again.count; n; n--) {
        struct ring_peer *p = take_first(&d->again);

        if (now - p->changed > AGAIN_MS) { /* the clock's millisecond may just have ended */
            make_busy(d, p);
        } else {
            append(&d->again, &p->again);
        }
    }
}

static void notify(struct daemon *d, struct ring_peer *p)
{
    if (p->ring.notify && p->port.fd >= 0) {
        p->ring.notify = false;
        look_again(d, p);
        xenif_notify(&p->port);
    }
}

void rings_init(struct daemon *d)
{
    d->busy.last = &d->busy.first;
    d->again.last = &d->again.first;
}

void rings_run(struct daemon *d)
{
    struct ring_peer *p;

    take_again(d);
    /* Once around: those that stay busy go to the end of the list. A request may release another's ring. */
    for (unsigned int n = d->busy.count; n && (p = take_first(&d->busy)); n--) {
        if (ring_service(&p->ring, TURN)) {
            make_busy(d, p);
        }
        notify(d, p);
    }
}

int rings_wait(const struct daemon *d)
{
    return d->busy.count ? 0 : d->again.count ? AGAIN_MS : -1;
}

/* Output of somebody else's making: send it, and go on with requests if that had stopped them. */
static void flush_ring(struct daemon *d, struct peer *peer)
{
    struct ring_peer *p = (struct ring_peer *)peer;

    ring_flush(&p->ring);
    notify(d, p);
}

/* ---- ports -------------------------------------------------------------------------------- */

static void ring_fired(struct daemon *d, struct source *s, uint32_t events)
{
    struct ring_peer *p = (struct ring_peer *)((char *)s - offsetof(struct ring_peer, fired));

    (void)events;
    if (xenif_take(&p->port)) {
        make_busy(d, p);
    }
}

static void unbind_port(struct daemon *d, struct ring_peer *p)
{
    if (p->port.fd >= 0) {
        loop_remove(d, p->port.fd);
        xenif_unbind(&p->port);
    }
}

static int bind_port(struct daemon *d, struct ring_peer *p, uint32_t remote)
{
    int err = xenif_bind(p->domain->domid, remote, &p->port);

    if (err) {
        return err;
    }
    p->fired.ready = ring_fired;
    err = loop_add(d, p->port.fd, EPOLLIN, &p->fired);
    if (err) {
        xenif_unbind(&p->port);
        return err;
    }
    p->remote_port = remote;
    return 0;
}

/* ---- domains ------------------------------------------------------------------------------ */

/* Collects the numbers first: observing a domain may remove its record. */
static void check_domains(struct daemon *d)
{
    struct buf ids = {0};
    const struct domain *dom;
    size_t i;

    for (i = 0; i < CORE_HASH; i++) {
        for (dom = d->core->domains[i]; dom; dom = dom->next) {
            buf_u32(&ids, dom->domid);
        }
    }
    for (i = 0; i < ids.len; i += sizeof(uint32_t)) {
        bool alive, is_shutdown;
        uint32_t domid;
        int err;

        memcpy(&domid, ids.data + i, sizeof(domid));
        if (domid == 0) {
            continue;
        }
        err = xenif_domain_state(&d->xen, domid, &alive, &is_shutdown);
        if (err) {
            log_line(d, "cannot ask for the state of domain %u: %s", domid, strerror(err));
        } else {
            domain_observe(d->core, domid, alive, is_shutdown);
        }
    }
    core_flush_journal(d->core);
    buf_free(&ids);
}

static void virq_fired(struct daemon *d, struct source *s, uint32_t events)
{
    (void)s;
    (void)events;
    if (xenif_take(&d->virq)) {
        check_domains(d);
    }
}

static int map_page(struct daemon *d, const struct domain *dom, struct xenif_page *page)
{
    uint32_t ignored;

    return dom->domid == 0 ? xenif_map_own(page, &ignored)
                           : xenif_map(&d->xen, dom->domid, dom->gfn, page);
}

static struct ring_memory *memory_of(struct daemon *d, uint32_t domid)
{
    return d->memory && domid < DOMID_LIMIT ? &d->memory[domid] : NULL;
}

static int connect_ring(struct daemon *d, struct domain *dom, const struct ring_memory *memory)
{
    struct ring_peer *p = calloc(1, sizeof(*p));
    int err;

    if (!p) {
        return ENOMEM;
    }
    p->peer.flush = flush_ring;
    p->domain = dom;
    p->gfn = dom->gfn;
    p->port.fd = -1;
    p->busy.ring = p->again.ring = p;
    err = map_page(d, dom, &p->page);
    if (err) {
        log_line(d, "domain %u: cannot map its xenstore page (frame %#llx): %s", dom->domid,
                 (unsigned long long)dom->gfn, strerror(err));
        free(p);
        return err;
    }
    err = bind_port(d, p, dom->port);
    if (err) {
        log_line(d, "domain %u: cannot bind its xenstore event channel (port %u): %s", dom->domid,
                 dom->port, strerror(err));
        xenif_unmap(&d->xen, &p->page);
        free(p);
        return err;
    }
    dom->transport = p;
    dom->conn->transport = &p->peer;
    ring_attach(&p->ring, dom->conn, p->page.addr, memory);
    notify(d, p);
    make_busy(d, p);
    return 0;
}

/* The same domain, introduced again: with a new page or port perhaps, and always afresh. */
static int reconnect_ring(struct daemon *d, struct domain *dom, struct ring_peer *p)
{
    struct xenif_page page;
    int err = 0;

    if (dom->port != p->remote_port) {
        unbind_port(d, p);
        err = bind_port(d, p, dom->port);
    }
    if (err || dom->domid == 0) {
        return err;
    }
    if (dom->gfn != p->gfn) {
        err = map_page(d, dom, &page);
        if (err) {
            return err;
        }
        xenif_unmap(&d->xen, &p->page);
        p->page = page;
        p->ring.page = page.addr;
        p->gfn = dom->gfn;
    }
    conn_drop_output(dom->conn);
    dom->conn->broken = false;
    ring_attach(&p->ring, dom->conn, p->page.addr, NULL);
    notify(d, p);
    make_busy(d, p);
    return 0;
}

int rings_introduce(struct daemon *d, struct domain *dom)
{
    if (!d->have_xen) {
        return 0; /* without a hypervisor there are only names */
    }
    return dom->transport ? reconnect_ring(d, dom, peer_of(dom)) : connect_ring(d, dom, NULL);
}

void rings_release(struct daemon *d, struct domain *dom)
{
    struct ring_peer *p = peer_of(dom);
    struct peer **slot = &d->woken;

    if (!p) {
        return;
    }
    while (*slot && *slot != &p->peer) {
        slot = &(*slot)->next_woken;
    }
    if (*slot) {
        *slot = p->peer.next_woken;
    }
    take_out(&d->busy, &p->busy);
    take_out(&d->again, &p->again);
    unbind_port(d, p);
    xenif_unmap(&d->xen, &p->page);
    dom->transport = NULL;
    dom->conn->transport = NULL;
    free(p);
}

/* ---- over a restart ----------------------------------------------------------------------- */

void rings_replay(struct daemon *d, uint8_t code, const void *data, size_t len)
{
    uint32_t domid;

    if ((code != 'i' && code != 'o') || len < sizeof(domid)) {
        return;
    }
    memcpy(&domid, data, sizeof(domid));
    if (memory_of(d, domid) &&
        !ring_remember(memory_of(d, domid), code, (const char *)data + sizeof(domid),
                       len - sizeof(domid))) {
        log_line(d, "domain %u: the journal of its ring is damaged", domid);
    }
}

void rings_snapshot(struct daemon *d, struct buf *b)
{
    const struct domain *dom;
    size_t i;

    for (i = 0; i < CORE_HASH; i++) {
        for (dom = d->core->domains[i]; dom; dom = dom->next) {
            if (dom->transport) {
                ring_snapshot(&peer_of(dom)->ring, b);
            }
        }
    }
}

static void resume_domain(struct daemon *d, struct domain *dom, bool clean)
{
    int err = connect_ring(d, dom, memory_of(d, dom->domid));

    if (err) {
        /* Most likely it died meanwhile; if so, check_domains() removes the rest of it. */
        log_line(d, "domain %u: not reachable after the restart", dom->domid);
        return;
    }
    if (!clean) {
        watch_refire(dom->conn);
    }
}

void rings_resume(struct daemon *d, bool clean)
{
    struct domain *dom;
    size_t i;

    for (i = 0; i < CORE_HASH && d->have_xen; i++) {
        for (dom = d->core->domains[i]; dom; dom = dom->next) {
            if (dom->introduced) {
                resume_domain(d, dom, clean);
            }
        }
    }
    for (i = 0; d->memory && i < DOMID_LIMIT; i++) {
        ring_forget(&d->memory[i]);
    }
    free(d->memory);
    d->memory = NULL;
    if (d->have_xen) {
        check_domains(d);
    }
}

/* ---- start and end ------------------------------------------------------------------------ */

int rings_start(struct daemon *d)
{
    int err = xenif_open(&d->xen);

    if (err) {
        log_line(d, "cannot open /dev/xen/evtchn: %s (not Domain 0? module xen-evtchn?)",
                 strerror(err));
        return err;
    }
    d->have_xen = true;
    err = xenif_bind_virq(VIRQ_DOM_EXC, &d->virq);
    if (!err) {
        d->virq_fired.ready = virq_fired;
        err = loop_add(d, d->virq.fd, EPOLLIN, &d->virq_fired);
    }
    if (err) {
        log_line(d, "cannot bind the interrupt for changes of domains: %s", strerror(err));
    }
    return err;
}

void rings_stop(struct daemon *d)
{
    if (d->have_xen) {
        xenif_unbind(&d->virq);
        xenif_close(&d->xen);
        d->have_xen = false;
    }
}

int rings_introduce_own(struct daemon *d)
{
    struct domain *dom = domain_find(d->core, 0);
    struct xenif_page page;
    uint32_t port;
    int err;

    if (dom && dom->introduced) {
        return 0;
    }
    err = xenif_map_own(&page, &port);
    if (err) {
        log_line(d, "cannot find the kernel's xenstore page (/proc/xen/xsd_kva, xsd_port): %s",
                 strerror(err));
        return err;
    }
    xenif_unmap(&d->xen, &page);
    err = domain_introduce(d->core, 0, 0, port);
    core_flush_journal(d->core);
    return err;
}
