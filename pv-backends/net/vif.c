/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See vif.h. */
#include "pv-backends/net/vif.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-toolstack/lib/error.h"

/* Packets moved before the other direction, and xenstore, have their turn. */
#define BATCH 64u

/* What a rate lets through at once, after silence; at least a packet of the greatest size. */
#define BURST 131072

static const char connecting[] = "connect to the frontend";

/* ---- the offer ---- */

/* The toolstack has done the host's half: the interface is there. (What we complain of, an error, comes after it.) */
static bool plugged(const struct backend *b)
{
    char *status = backend_text(b, "hotplug-status");
    bool yes = status != NULL;

    free(status);
    return yes;
}

static void offer(struct backend *b, void *opaque)
{
    const struct vif *v = opaque;
    int offload = !v->user;

    /* Whatever ended the last connection. */
    if (plugged(b))
        backend_write(b, "hotplug-status", "connected");

    backend_write(b, "feature-sg", "1");
    backend_write(b, "feature-gso-tcpv4", "%d", offload);
    backend_write(b, "feature-gso-tcpv6", "%d", offload);
    backend_write(b, "feature-ipv6-csum-offload", "1");
    backend_write(b, "feature-rx-copy", "1");
    backend_write(b, "feature-rx-flip", "0");
    backend_write(b, "feature-multicast-control", "0");
    backend_write(b, "feature-split-event-channels", "1");
    backend_write(b, "multi-queue-max-queues", "%u", NET_MAX_QUEUES);
}

/* ---- the connection ---- */

static int front_number(struct vif *v, const char *node, uint32_t *value, struct hl_error *e)
{
    long long n = backend_front_number(&v->b, node, -1);

    *value = (uint32_t)n;
    return n >= 0 ? 0
                  : hl_fail(e, EINVAL, connecting, v->b.frontend, "it has no number in %s", node);
}

static int open_queue(struct vif *v, unsigned int q, struct hl_error *e)
{
    struct net_queue_nodes n = {0};
    char dir[32] = "", node[64];
    int rc;

    if (v->queues > 1)
        snprintf(dir, sizeof(dir), "queue-%u/", q);
    snprintf(node, sizeof(node), "%stx-ring-ref", dir);
    rc = front_number(v, node, &n.tx_ref, e);
    snprintf(node, sizeof(node), "%srx-ring-ref", dir);
    if (rc == 0)
        rc = front_number(v, node, &n.rx_ref, e);
    snprintf(node, sizeof(node), "%sevent-channel-rx", dir);
    if (rc == 0 && backend_front_number(&v->b, node, -1) >= 0) {
        rc = front_number(v, node, &n.rx_port, e);
        snprintf(node, sizeof(node), "%sevent-channel-tx", dir);
        if (rc == 0)
            rc = front_number(v, node, &n.tx_port, e);
    } else if (rc == 0) {
        snprintf(node, sizeof(node), "%sevent-channel", dir);
        rc = front_number(v, node, &n.tx_port, e);
        n.rx_port = n.tx_port;
    }
    return rc < 0 ? rc : net_queue_open(&v->queue[q], &v->b, &n, e);
}

static int open_port(struct vif *v, struct hl_error *e)
{
    bool sg = backend_front_number(&v->b, "feature-sg", 0) == 1;
    struct net_abilities can = {
        .checksum = backend_front_number(&v->b, "feature-no-csum-offload", 0) == 0,
        .segments4 = sg && backend_front_number(&v->b, "feature-gso-tcpv4", 0) == 1,
        .segments6 = sg && backend_front_number(&v->b, "feature-gso-tcpv6", 0) == 1,
    };

    /* Linux knows one switch for the checksums of both. */
    if (backend_front_number(&v->b, "feature-ipv6-csum-offload", 0) != 1)
        can.segments6 = false;
    v->sg = sg;
    v->checksum6 = backend_front_number(&v->b, "feature-ipv6-csum-offload", 0) == 1;
    return v->user ? user_open(&v->port, e) : tap_open(&v->port, v->name, can, e);
}

static void disconnect(void *opaque)
{
    struct vif *v = opaque;

    for (unsigned int q = 0; q < v->queues; q++)
        net_queue_close(&v->queue[q]);
    v->queues = 0;
    v->held = 0;
    if (v->port != NULL)
        v->port->kind->close(v->port);
    v->port = NULL;
}

static int open_all(struct vif *v, struct hl_error *e)
{
    long long queues = backend_front_number(&v->b, "multi-queue-num-queues", 1);
    int rc = 0;

    if (queues < 1 || queues > NET_MAX_QUEUES)
        return hl_fail(e, EINVAL, connecting, v->b.frontend, "%lld queues", queues);
    if (backend_front_number(&v->b, "request-rx-copy", 0) != 1)
        return hl_fail(e, EINVAL, connecting, v->b.frontend,
                       "it wants packets in pages of ours, not copied to its own");
    v->queues = (unsigned int)queues;
    for (unsigned int q = 0; q < v->queues; q++)
        v->queue[q] = (struct net_queue){.tx_port = -1, .rx_port = -1};
    for (unsigned int q = 0; rc == 0 && q < v->queues; q++)
        rc = open_queue(v, q, e);
    return rc == 0 ? open_port(v, e) : rc;
}

/* One that was killed left nothing that this one would have to know: packets on their way are lost. */
static int connect_front(void *opaque, bool again, struct hl_error *e)
{
    struct vif *v = opaque;
    int rc = open_all(v, e);

    (void)again;
    if (rc < 0)
        disconnect(v);
    return rc;
}

static const struct states_kind kind = {
    .offer = offer,
    .ready = plugged,
    .connect = connect_front,
    .disconnect = disconnect,
};

bool vif_changed(struct vif *v)
{
    return states_changed(&v->states);
}

/* ---- packets ---- */

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* May the guest send? Else *ms says when. A packet may overdraw the credit; the next waits the longer. */
static bool may_send(struct vif *v, int *ms)
{
    uint64_t now = now_us(), steps;
    int64_t most = v->rate > BURST ? v->rate : BURST;

    if (v->rate == 0)
        return true;
    steps = (now - v->filled) / v->interval;
    v->filled += steps * v->interval;
    if (steps > (uint64_t)most)
        steps = (uint64_t)most; /* full in any case */
    v->credit += (int64_t)steps * v->rate;
    if (v->credit > most)
        v->credit = most;
    if (v->credit > 0)
        return true;
    *ms = (int)((v->filled + v->interval - now) / 1000) + 1;
    return false;
}

/* The number of packets moved; -EPROTO. */
static int from_guest(struct vif *v, int *ms)
{
    static uint8_t packet[NET_MAX_PACKET];
    struct net_offload o;
    int moved = 0;

    for (unsigned int q = 0; q < v->queues; q++) {
        for (unsigned int i = 0; i < BATCH && may_send(v, ms); i++) {
            ssize_t n = net_queue_take(&v->queue[q], packet, &o);

            if (n < 0 && n != -EAGAIN)
                return (int)n;
            moved += n != 0;
            if (n <= 0)
                break;
            v->credit -= n;
            v->port->kind->send(v->port, packet, (size_t)n, &o);
        }
    }
    return moved;
}

/* The next one, unless one is held already. */
static bool hold(struct vif *v)
{
    ssize_t n;

    if (v->held != 0)
        return true;
    n = v->port->kind->receive(v->port, v->held_packet, &v->held_offload);
    if (n <= 0)
        return false;
    v->held = (size_t)n;
    return true;
}

static int to_guest(struct vif *v)
{
    int moved = 0;

    while (moved < (int)BATCH && hold(v)) {
        unsigned int q = v->queues == 1 ? 0 : net_packet_flow(v->held_packet, v->held) % v->queues;

        /* Of IPv6 it may want the sums done. */
        if (!v->checksum6 && v->held_packet[12] == 0x86 && v->held_packet[13] == 0xdd)
            net_packet_complete(v->held_packet, v->held, &v->held_offload);
        int rc = 0;

        /* What the frontend cannot take is lost. */
        if (v->sg || v->held <= 4096)
            rc = net_queue_give(&v->queue[q], v->held_packet, v->held, &v->held_offload);
        if (rc == -EAGAIN)
            return moved;
        if (rc < 0)
            return rc;
        v->held = 0;
        moved++;
    }
    return moved;
}

int vif_work(struct vif *v)
{
    int ms = -1, in, out;

    if (!v->states.connected)
        return -1;
    in = from_guest(v, &ms);
    out = in < 0 ? in : to_guest(v);
    if (out < 0) {
        struct hl_error *e = hl_error_new();

        hl_fail(e, EPROTO, "serve the interface", v->b.path,
                "the guest's ring has an index that cannot be");
        states_give_up(&v->states, e);
        hl_error_free(e);
        return -1;
    }
    return in > 0 || out > 0 ? 0 : ms;
}

/* ---- opening ---- */

static void read_rate(struct vif *v)
{
    char *text = backend_text(&v->b, "rate");
    unsigned int bytes, us;

    if (text != NULL && sscanf(text, "%u,%u", &bytes, &us) == 2 && bytes != 0 && us != 0) {
        v->rate = bytes;
        v->interval = us;
        v->filled = now_us();
    }
    free(text);
}

static void read_name(struct vif *v)
{
    char *name = backend_text(&v->b, "vifname");
    const char *devid = strrchr(v->b.path, '/');

    if (name != NULL)
        snprintf(v->name, sizeof(v->name), "%.15s", name);
    else
        snprintf(v->name, sizeof(v->name), "vif%u.%.5s", v->b.domid, devid ? devid + 1 : "0");
    free(name);
}

int vif_open(struct vif *v, const char *path, struct hl_error *e)
{
    char *mode;
    int rc = backend_open(&v->b, path, e);

    v->states = (struct states){.kind = &kind, .b = &v->b, .device = v};
    if (rc < 0)
        return rc;
    mode = backend_text(&v->b, "mode");
    v->user = mode != NULL && strcmp(mode, "user") == 0;
    free(mode);
    read_name(v);
    read_rate(v);
    return states_begin(&v->states, e);
}

void vif_close(struct vif *v)
{
    disconnect(v);
    backend_close(&v->b);
}
