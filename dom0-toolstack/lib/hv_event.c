/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels; see hv_event.h. */
#include "dom0-toolstack/lib/hv_event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "dom0-toolstack/lib/abi.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_private.h"
#include "dom0-toolstack/lib/linux_xen_ioctl.h"

int hv_event_alloc_unbound(struct hv *hv, uint32_t domid, uint32_t remote, uint32_t *port,
                           struct hl_error *e)
{
    struct evtchn_alloc_unbound op = {.dom = (domid_t)domid, .remote_dom = (domid_t)remote};
    long rc =
        hv_call_struct(hv, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &op, sizeof(op));

    if (rc < 0)
        return hl_fail_dom(e, (int)-rc, domid, "make an event channel", NULL);
    *port = op.port;
    return 0;
}

int hv_event_status(struct hv *hv, uint32_t domid, uint32_t port, struct hv_event_status *s,
                    struct hl_error *e)
{
    struct evtchn_status op = {.dom = (domid_t)domid, .port = port};
    long rc = hv_call_struct(hv, __HYPERVISOR_event_channel_op, EVTCHNOP_status, &op, sizeof(op));

    if (rc < 0)
        return hl_fail_dom(e, (int)-rc, domid, "read an event channel", NULL);
    *s = (struct hv_event_status){.status = op.status, .vcpu = op.vcpu};
    if (op.status == EVTCHNSTAT_interdomain) {
        s->remote_domid = op.u.interdomain.dom;
        s->remote_port = op.u.interdomain.port;
    } else if (op.status == EVTCHNSTAT_unbound) {
        s->remote_domid = op.u.unbound.dom;
    }
    return 0;
}

/* ---- our own ports ---- */

struct evtchn {
    int fd;
};

int evtchn_open(struct evtchn **out, struct hl_error *e)
{
    struct evtchn *ev = malloc(sizeof(*ev));
    int err;

    *out = NULL;
    if (ev == NULL)
        return hl_fail(e, ENOMEM, "open event channels", NULL, NULL);
    ev->fd = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC);
    if (ev->fd < 0) {
        err = hl_fail(e, errno, "open event channels", "/dev/xen/evtchn", NULL);
        hl_error_advise(e, "load the driver: modprobe xen-evtchn");
        free(ev);
        return err;
    }
    *out = ev;
    return 0;
}

void evtchn_close(struct evtchn *ev)
{
    if (ev == NULL)
        return;
    close(ev->fd);
    free(ev);
}

int evtchn_fd(const struct evtchn *ev)
{
    return ev->fd;
}

int evtchn_bind_virq(struct evtchn *ev, unsigned int virq, struct hl_error *e)
{
    struct evtchn_ioctl_virq arg = {virq};
    int port = ioctl(ev->fd, EVTCHN_BIND_VIRQ, &arg);

    return port < 0 ? hl_fail(e, errno, "bind a virtual interrupt", NULL, NULL) : port;
}

int evtchn_bind_interdomain(struct evtchn *ev, uint32_t domid, uint32_t remote_port,
                            struct hl_error *e)
{
    struct evtchn_ioctl_interdomain arg = {domid, remote_port};
    int port = ioctl(ev->fd, EVTCHN_BIND_INTERDOMAIN, &arg);

    return port < 0 ? hl_fail_dom(e, errno, domid, "connect an event channel", NULL) : port;
}

int evtchn_bind_unbound(struct evtchn *ev, uint32_t domid, struct hl_error *e)
{
    struct evtchn_ioctl_unbound arg = {domid};
    int port = ioctl(ev->fd, EVTCHN_BIND_UNBOUND, &arg);

    return port < 0 ? hl_fail_dom(e, errno, domid, "offer an event channel", NULL) : port;
}

int evtchn_unbind(struct evtchn *ev, uint32_t port)
{
    struct evtchn_ioctl_port arg = {port};

    return ioctl(ev->fd, EVTCHN_UNBIND, &arg) < 0 ? -errno : 0;
}

int evtchn_notify(struct evtchn *ev, uint32_t port)
{
    struct evtchn_ioctl_port arg = {port};

    return ioctl(ev->fd, EVTCHN_NOTIFY, &arg) < 0 ? -errno : 0;
}

int evtchn_pending(struct evtchn *ev)
{
    uint32_t port;
    ssize_t n = read(ev->fd, &port, sizeof(port));

    if (n < 0)
        return -errno;
    return n == (ssize_t)sizeof(port) ? (int)port : -EIO;
}

int evtchn_unmask(struct evtchn *ev, uint32_t port)
{
    ssize_t n = write(ev->fd, &port, sizeof(port));

    if (n < 0)
        return -errno;
    return n == (ssize_t)sizeof(port) ? 0 : -EIO;
}
