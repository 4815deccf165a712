/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See guest.h. */
#include "tests/fuzz/guest.h"

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "tests/fuzz/fuzz.h"

size_t guest_mapped;

void *gntdev_map(struct gntdev *g, uint32_t domid, const uint32_t *refs, size_t count,
                 struct hl_error *e)
{
    (void)g, (void)domid, (void)e;
    guest_mapped += count;
    return guest_pages(refs, count);
}

int gntdev_unmap(struct gntdev *g, void *p, size_t count)
{
    (void)g, (void)p;
    FUZZ_CHECK(count <= guest_mapped);
    guest_mapped -= count;
    return 0;
}

int evtchn_bind_interdomain(struct evtchn *ev, uint32_t domid, uint32_t remote_port,
                            struct hl_error *e)
{
    (void)ev, (void)domid, (void)e;
    return (int)remote_port;
}

int evtchn_unbind(struct evtchn *ev, uint32_t port)
{
    (void)ev, (void)port;
    return 0;
}

int evtchn_notify(struct evtchn *ev, uint32_t port)
{
    (void)ev, (void)port;
    return 0;
}

int hl_fail(struct hl_error *e, int errnum, const char *step, const char *object, const char *cause,
            ...)
{
    (void)e, (void)step, (void)object, (void)cause;
    return -errnum;
}
