/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels; see hv_event.h. */
#include "dom0-toolstack/lib/hv_event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
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

struct port {
    int fd;
    uint32_t number; /* 0: not bound, no descriptor */
};

struct evtchn {
    int epoll; /* the data of an event is the index of the port */
    struct port *ports;
    uint32_t count;
};

static int open_driver(void)
{
    return open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

int evtchn_open(struct evtchn **out, struct hl_error *e)
{
    struct evtchn *ev;
    int err, fd = open_driver();

    *out = NULL;
    if (fd < 0) {
        err = hl_fail(e, errno, "open event channels", "/dev/xen/evtchn", NULL);
        hl_error_advise(e, "load the driver: modprobe xen-evtchn");
        return err;
    }
    close(fd); /* that there is one was the question */
    ev = calloc(1, sizeof(*ev));
    if (ev == NULL)
        return hl_fail(e, ENOMEM, "open event channels", NULL, NULL);
    ev->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (ev->epoll < 0) {
        err = hl_fail(e, errno, "open event channels", NULL, NULL);
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
    for (uint32_t i = 0; i < ev->count; i++)
        if (ev->ports[i].number != 0)
            close(ev->ports[i].fd);
    close(ev->epoll);
    free(ev->ports);
    free(ev);
}

int evtchn_fd(const struct evtchn *ev)
{
    return ev->epoll;
}

static struct port *find(const struct evtchn *ev, uint32_t number)
{
    for (uint32_t i = 0; i < ev->count; i++)
        if (ev->ports[i].number == number)
            return &ev->ports[i];
    return NULL;
}

/* NULL: not one of ours. */
static struct port *bound_port(const struct evtchn *ev, uint32_t number)
{
    return number == 0 ? NULL : find(ev, number);
}

/* An unused one. NULL: no memory. */
static struct port *new_port(struct evtchn *ev)
{
    struct port *p = find(ev, 0), *more;

    if (p != NULL)
        return p;
    more = realloc(ev->ports, (ev->count + 1) * sizeof(*more));
    if (more == NULL)
        return NULL;
    ev->ports = more;
    p = &more[ev->count++];
    p->number = 0;
    return p;
}

/* The port, or a negative errno. */
static int bind_port(struct evtchn *ev, unsigned long request, void *arg)
{
    struct port *p = new_port(ev);
    struct epoll_event event = {.events = EPOLLIN};
    int port = -1, err;

    if (p == NULL)
        return -ENOMEM;
    p->fd = open_driver();
    if (p->fd < 0)
        return -errno;
    event.data.u32 = (uint32_t)(p - ev->ports);
    if (epoll_ctl(ev->epoll, EPOLL_CTL_ADD, p->fd, &event) == 0)
        port = ioctl(p->fd, request, arg);
    if (port < 0) {
        err = -errno;
        close(p->fd);
        return err;
    }
    p->number = (uint32_t)port;
    return port;
}

int evtchn_bind_virq(struct evtchn *ev, unsigned int virq, struct hl_error *e)
{
    struct evtchn_ioctl_virq arg = {virq};
    int port = bind_port(ev, EVTCHN_BIND_VIRQ, &arg);

    return port < 0 ? hl_fail(e, -port, "bind a virtual interrupt", NULL, NULL) : port;
}

int evtchn_bind_interdomain(struct evtchn *ev, uint32_t domid, uint32_t remote_port,
                            struct hl_error *e)
{
    struct evtchn_ioctl_interdomain arg = {domid, remote_port};
    int port = bind_port(ev, EVTCHN_BIND_INTERDOMAIN, &arg);

    return port < 0 ? hl_fail_dom(e, -port, domid, "connect an event channel", NULL) : port;
}

int evtchn_bind_unbound(struct evtchn *ev, uint32_t domid, struct hl_error *e)
{
    struct evtchn_ioctl_unbound arg = {domid};
    int port = bind_port(ev, EVTCHN_BIND_UNBOUND, &arg);

    return port < 0 ? hl_fail_dom(e, -port, domid, "offer an event channel", NULL) : port;
}

int evtchn_unbind(struct evtchn *ev, uint32_t port)
{
    struct evtchn_ioctl_port arg = {port};
    struct port *p = bound_port(ev, port);

    if (p == NULL)
        return -ENOENT;
    /* A child that has not called exec() yet may hold the descriptor a little longer. */
    ioctl(p->fd, EVTCHN_UNBIND, &arg);
    epoll_ctl(ev->epoll, EPOLL_CTL_DEL, p->fd, NULL);
    close(p->fd);
    p->number = 0;
    return 0;
}

int evtchn_notify(struct evtchn *ev, uint32_t port)
{
    struct evtchn_ioctl_port arg = {port};
    const struct port *p = bound_port(ev, port);

    if (p == NULL)
        return -ENOENT;
    return ioctl(p->fd, EVTCHN_NOTIFY, &arg) < 0 ? -errno : 0;
}

int evtchn_pending(struct evtchn *ev)
{
    struct epoll_event event;
    uint32_t port;
    int n = epoll_wait(ev->epoll, &event, 1, 0);

    if (n <= 0)
        return n < 0 ? -errno : -EAGAIN;
    if (read(ev->ports[event.data.u32].fd, &port, sizeof(port)) != (ssize_t)sizeof(port))
        return -EAGAIN;
    return (int)port;
}

int evtchn_unmask(struct evtchn *ev, uint32_t port)
{
    const struct port *p = bound_port(ev, port);
    ssize_t n;

    if (p == NULL)
        return -ENOENT;
    n = write(p->fd, &port, sizeof(port));
    if (n < 0)
        return -errno;
    return n == (ssize_t)sizeof(port) ? 0 : -EIO;
}
