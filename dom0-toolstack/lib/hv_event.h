/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels: operations for other domains, and our own ports by /dev/xen/evtchn. */
#ifndef HL_HV_EVENT_H
#define HL_HV_EVENT_H

#include <stdint.h>

struct hl_error;
struct hv;

/* A new port in `domid` that `remote` may bind. */
int hv_event_alloc_unbound(struct hv *hv, uint32_t domid, uint32_t remote, uint32_t *port,
                           struct hl_error *e);

struct evtchn_status_info;
struct hv_event_status {
    uint32_t status; /* EVTCHNSTAT_* */
    uint32_t vcpu;
    uint32_t remote_domid, remote_port;
};
int hv_event_status(struct hv *hv, uint32_t domid, uint32_t port, struct hv_event_status *s,
                    struct hl_error *e);

/*
 * Our own ports: a set of them, and one descriptor to wait for all. evtchn_fd() is readable when a port is pending.
 * Within, each has a descriptor of /dev/xen/evtchn to itself: with several ports on one, Linux 6.1 loses the wake-up of
 * who waits for it. Its interrupt handler looks whether the ring of fired ports was empty before it puts a port in
 * (drivers/xen/evtchn.c); when the reader takes what else is in there between the two, nobody is told of the new port,
 * nor of any after it. With one port nothing fires before it was read.
 */
struct evtchn;
int evtchn_open(struct evtchn **ev, struct hl_error *e);
/* Closes the ports, too. */
void evtchn_close(struct evtchn *ev);
int evtchn_fd(const struct evtchn *ev);
/* Each answers the local port (> 0) or a negative errno. Undone by evtchn_unbind(). */
int evtchn_bind_virq(struct evtchn *ev, unsigned int virq, struct hl_error *e);
int evtchn_bind_interdomain(struct evtchn *ev, uint32_t domid, uint32_t remote_port,
                            struct hl_error *e);
int evtchn_bind_unbound(struct evtchn *ev, uint32_t domid, struct hl_error *e);
/* 0, or -ENOENT for a port that is not ours (these three), or another negative errno. */
int evtchn_unbind(struct evtchn *ev, uint32_t port);
int evtchn_notify(struct evtchn *ev, uint32_t port);
int evtchn_unmask(struct evtchn *ev, uint32_t port);
/* The next pending port, masked until evtchn_unmask(); -EAGAIN if there is none. */
int evtchn_pending(struct evtchn *ev);

#endif
