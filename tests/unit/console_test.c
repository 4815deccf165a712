/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A console that hospesd opens (dom0-toolstack/hospesd/console.c), and what it leaves in xenstore. The hypervisor is played,
 * xenstored is real.
 *
 *   console_test XENSTORED
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dom0-toolstack/hospesd/console.h"
#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "hypercalls/abi/io-console.h"
#include "tests/unit/device_rig.h"

#define HOME "/local/domain/7"

static struct daemon d;
static struct xencons_interface page;
static bool destroyed; /* somebody destroys the domain while its console is opened */
static unsigned int mapped, bound;

/* ---- the hypervisor ---- */

void *__wrap_hv_map_frames(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t n,
                           bool writable, int *errors, struct hl_error *e);
void *__wrap_hv_map_frames(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t n,
                           bool writable, int *errors, struct hl_error *e)
{
    (void)hv;
    (void)frames;
    (void)errors;
    (void)e;
    mapped += domid == 7 && n == 1 && writable;
    return &page;
}

void __wrap_hv_unmap(void *addr, size_t n);
void __wrap_hv_unmap(void *addr, size_t n)
{
    mapped -= addr == &page && n == 1;
}

int __wrap_evtchn_bind_interdomain(struct evtchn *ev, uint32_t domid, uint32_t remote,
                                   struct hl_error *e);
int __wrap_evtchn_bind_interdomain(struct evtchn *ev, uint32_t domid, uint32_t remote,
                                   struct hl_error *e)
{
    (void)ev;
    (void)domid;
    (void)e;
    bound++;
    if (destroyed)
        hs_rm(rig_xs, HS_TX_NONE, HOME);
    return (int)remote + 100;
}

int __wrap_evtchn_unbind(struct evtchn *ev, uint32_t port);
int __wrap_evtchn_unbind(struct evtchn *ev, uint32_t port)
{
    (void)ev;
    bound -= port == 103;
    return 0;
}

int __wrap_evtchn_notify(struct evtchn *ev, uint32_t port);
int __wrap_evtchn_notify(struct evtchn *ev, uint32_t port)
{
    (void)ev;
    (void)port;
    return 0;
}

int __wrap_evtchn_unmask(struct evtchn *ev, uint32_t port);
int __wrap_evtchn_unmask(struct evtchn *ev, uint32_t port)
{
    (void)ev;
    (void)port;
    return 0;
}

/* ---- the tests ---- */

/* Opens and ends it: what stands in xenstore in between. */
static void open_and_end(char tty[256])
{
    static const uint8_t uuid[16] = {1};
    struct console_place place;
    struct console *c = NULL;

    put(HOME "/console/ring-ref", "77");
    put(HOME "/console/port", "3");
    put(HOME "/console/tty", "");
    CHECK(console_find(&d, 7, &place) == 0 && place.frame == 77 && place.port == 3);
    CHECK(console_open(&d, 7, &place, uuid, "guest", false, &c, NULL) == 0);
    CHECK(mapped == 1 && bound == 1);
    snprintf(tty, 256, "%s", value(HOME "/console/tty"));
    console_end(c, false);
    CHECK(mapped == 0 && bound == 0 && d.consoles == NULL);
}

static void published(void)
{
    char tty[256];

    open_and_end(tty);
    CHECK(strncmp(tty, "/dev/pts/", 9) == 0);
    hs_rm(rig_xs, HS_TX_NONE, HOME);
}

static void destroyed_meanwhile(void)
{
    char tty[256];

    destroyed = true;
    open_and_end(tty);
    destroyed = false;
    CHECK(!there(HOME));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"published", published},
        {"destroyed_meanwhile", destroyed_meanwhile},
    };
    int rc;

    if (argc != 2)
        return 2;
    if (!rig_start(argv[1])) {
        printf("not ok console: xenstored does not start; see %s\n", rig_dir);
        return 1;
    }
    d.opt.log_dir = "";
    d.ctx.xs = rig_xs;
    if (loop_init(&d.loop) < 0)
        return 1;
    rc = test_run("console", tests, sizeof(tests) / sizeof(tests[0]));
    rig_stop();
    return rc;
}
