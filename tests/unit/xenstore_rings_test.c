/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rings of xenstored's event loop, on devices that are only noted here. */
#include <errno.h>
#include <string.h>

#include "tests/unit/xenstore_rig.h"
#include "tests/unit/xenstore_tests.h"
#include "xenstore/daemon.h"

#define DOMID 1
#define PORT  5

static struct xenstore_domain_interface page;
static unsigned int notified;
static int bind_error;
static uint64_t now_ms;

/* ---- what rings.c asks for ---- */

int xenif_open(struct xenif *x __attribute__((unused)))
{
    return 0;
}
void xenif_close(struct xenif *x __attribute__((unused)))
{
}
int xenif_map(struct xenif *x __attribute__((unused)), uint32_t domid __attribute__((unused)),
              uint64_t gfn __attribute__((unused)), struct xenif_page *p)
{
    p->addr = &page;
    return 0;
}
void xenif_unmap(struct xenif *x __attribute__((unused)), struct xenif_page *p)
{
    p->addr = NULL;
}
int xenif_map_own(struct xenif_page *p, uint32_t *port)
{
    p->addr = &page;
    *port = PORT;
    return 0;
}
int xenif_bind(uint32_t domid __attribute__((unused)), uint32_t remote __attribute__((unused)),
               struct xenif_port *port)
{
    *port = (struct xenif_port){.fd = bind_error ? -1 : 0, .number = PORT};
    return bind_error;
}
int xenif_bind_virq(uint32_t virq __attribute__((unused)), struct xenif_port *port)
{
    *port = (struct xenif_port){.fd = 0, .number = PORT + 1};
    return 0;
}
void xenif_unbind(struct xenif_port *port)
{
    port->fd = -1;
}
void xenif_notify(const struct xenif_port *port __attribute__((unused)))
{
    notified++;
}
bool xenif_take(struct xenif_port *port __attribute__((unused)))
{
    return false;
}
int xenif_domain_state(struct xenif *x __attribute__((unused)),
                       uint32_t domid __attribute__((unused)), bool *alive, bool *is_shutdown)
{
    *alive = true;
    *is_shutdown = false;
    return 0;
}
void log_line(struct daemon *d __attribute__((unused)), const char *fmt __attribute__((unused)),
              ...)
{
}
int loop_add(struct daemon *d __attribute__((unused)), int fd __attribute__((unused)),
             uint32_t events __attribute__((unused)), struct source *s __attribute__((unused)))
{
    return 0;
}
void loop_remove(struct daemon *d __attribute__((unused)), int fd __attribute__((unused)))
{
}
uint64_t daemon_now_ms(void)
{
    return now_ms;
}

/* ---- the tests ---- */

/* A request of the guest's, of which no event tells. */
static void write_silently(void)
{
    struct xsd_sockmsg hdr = {.type = XS_READ, .req_id = 1, .len = 2};
    char raw[sizeof(hdr) + 2];

    memcpy(raw, &hdr, sizeof(hdr));
    memcpy(raw + sizeof(hdr), "/", 2);
    for (size_t i = 0; i < sizeof(raw); i++) {
        page.req[MASK_XENSTORE_IDX(page.req_prod + i)] = raw[i];
    }
    page.req_prod += sizeof(raw);
}

static bool all_taken(void)
{
    bool taken = page.req_cons == page.req_prod;

    page.rsp_cons = page.rsp_prod;
    return taken;
}

/* A store with the domain in it, and no ring yet. end() undoes it. */
static void begin(struct rig *r, struct daemon *d)
{
    rig_start(r);
    rig_domain(r, DOMID);
    memset(&page, 0, sizeof(page));
    *d = (struct daemon){.have_xen = true, .core = r->core};
    rings_init(d);
}

static void end(struct rig *r, struct daemon *d)
{
    rings_stop(d);
    rig_stop(r);
}

static int turn(struct daemon *d)
{
    rings_run(d);
    return rings_wait(d);
}

/*
 * Linux looked at our index before its own could be seen: no event comes, and we saw no request. After
 * a while we look again, and again while there is something, and then not any more.
 */
static void test_looks_again(void)
{
    struct daemon d;
    struct conn *conn;
    struct peer *peer;
    struct rig r;

    begin(&r, &d);
    CHECK(turn(&d) == -1);
    CHECK(rings_introduce(&d, domain_find(r.core, DOMID)) == 0);
    write_silently();
    CHECK(turn(&d) > 0);
    CHECK(all_taken());
    for (unsigned int i = 0; i < 3; i++) {
        write_silently();
        now_ms++; /* too early to be sure */
        CHECK(turn(&d) > 0);
        now_ms += 10;
        CHECK(turn(&d) > 0);
        CHECK(all_taken());
    }
    now_ms += 10;
    CHECK(turn(&d) == -1);
    CHECK(notified > 3);
    /* Output of another's making, after the turn. */
    conn = domain_find(r.core, DOMID)->conn;
    conn_send_event(conn, "/path", "token");
    peer = conn->transport;
    peer->flush(&d, peer);
    CHECK(rings_wait(&d) > 0);
    now_ms += 10;
    CHECK(turn(&d) == -1);
    /* It goes while it waits for that. */
    write_silently();
    CHECK(turn(&d) == -1);
    CHECK(!all_taken());
    CHECK(rings_introduce(&d, domain_find(r.core, DOMID)) == 0);
    CHECK(turn(&d) > 0);
    rings_release(&d, domain_find(r.core, DOMID));
    now_ms += 10;
    CHECK(turn(&d) == -1);
    end(&r, &d);
}

/* A ring whose new port cannot be bound: nobody is told, and nobody looks for ever. */
static void test_without_port(void)
{
    struct daemon d;
    struct domain *dom;
    struct rig r;

    begin(&r, &d);
    dom = domain_find(r.core, DOMID);
    CHECK(rings_introduce(&d, dom) == 0);
    CHECK(turn(&d) > 0);
    dom->port = PORT + 2;
    bind_error = ENOMEM;
    CHECK(rings_introduce(&d, dom) == ENOMEM);
    bind_error = 0;
    write_silently();
    now_ms += 10;
    turn(&d);
    now_ms += 10;
    CHECK(turn(&d) == -1);
    /* It has one again. */
    notified = 0;
    CHECK(rings_introduce(&d, dom) == 0);
    CHECK(notified == 1);
    rings_release(&d, dom);
    end(&r, &d);
}

void rings_tests(void)
{
    test_run("xenstore_rings_without_port", test_without_port);
    test_run("xenstore_rings_look_again", test_looks_again);
}
