/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network of this process: libslirp answers as gateway (10.0.2.2), name server (10.0.2.3) and DHCP server, and turns the guest's
 * connections into sockets of ours. Nobody gets in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/net/port.h"

/* Packets that wait for the guest. More are lost, as on any network: TCP sends them again. */
#define MAX_WAITING 256u

struct timer {
    struct timer *next;
    SlirpTimerCb run;
    void *opaque;
    int64_t due; /* milliseconds; 0: not set */
};

struct waiting {
    struct waiting *next;
    size_t len;
    uint8_t packet[];
};

struct user {
    struct net_port port;
    Slirp *slirp;
    struct timer *timers;
    struct waiting *first, **last;
    unsigned int waiting;
    struct pollfd *fds; /* while slirp fills them in */
    const struct pollfd *results;
    unsigned int count, room;
};

static struct user *user_of(struct net_port *p)
{
    return (struct user *)(void *)p;
}

static int64_t now_ns(void *opaque)
{
    struct timespec t;

    (void)opaque;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- what slirp asks for ---- */

static ssize_t send_to_guest(const void *packet, size_t len, void *opaque)
{
    struct user *u = opaque;
    struct waiting *w;

    if (u->waiting == MAX_WAITING || len > NET_MAX_PACKET)
        return (ssize_t)len;
    w = malloc(sizeof(*w) + len);
    if (w == NULL)
        return (ssize_t)len;
    w->next = NULL;
    w->len = len;
    memcpy(w->packet, packet, len);
    *u->last = w;
    u->last = &w->next;
    u->waiting++;
    return (ssize_t)len;
}

static void guest_error(const char *message, void *opaque)
{
    /* The guest could fill the log. */
    (void)message;
    (void)opaque;
}

static void *timer_new(SlirpTimerCb run, void *timer_opaque, void *opaque)
{
    struct user *u = opaque;
    struct timer *t = calloc(1, sizeof(*t));

    if (t == NULL)
        abort(); /* slirp's own allocations do the same */
    *t = (struct timer){.next = u->timers, .run = run, .opaque = timer_opaque};
    u->timers = t;
    return t;
}

static void timer_free(void *timer, void *opaque)
{
    struct user *u = opaque;
    struct timer **link = &u->timers;

    while (*link != NULL && *link != timer)
        link = &(*link)->next;
    if (*link != NULL)
        *link = (*link)->next;
    free(timer);
}

static void timer_mod(void *timer, int64_t due, void *opaque)
{
    (void)opaque;
    ((struct timer *)timer)->due = due;
}

static void ignore_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void ignore_notice(void *opaque)
{
    (void)opaque;
}

static const SlirpCb callbacks = {
    .send_packet = send_to_guest,
    .guest_error = guest_error,
    .clock_get_ns = now_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = ignore_fd,
    .unregister_poll_fd = ignore_fd,
    .notify = ignore_notice,
};

/* ---- waiting ---- */

static const struct {
    int slirp;
    short poll;
} events[] = {
    {SLIRP_POLL_IN, POLLIN},   {SLIRP_POLL_OUT, POLLOUT}, {SLIRP_POLL_PRI, POLLPRI},
    {SLIRP_POLL_ERR, POLLERR}, {SLIRP_POLL_HUP, POLLHUP},
};

static int add_poll(int fd, int wanted, void *opaque)
{
    struct user *u = opaque;
    short poll = 0;

    /* Who finds no place waits for the next turn. */
    if (u->count == u->room)
        return -1;
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        poll |= wanted & events[i].slirp ? events[i].poll : 0;
    u->fds[u->count] = (struct pollfd){.fd = fd, .events = poll};
    return (int)u->count++;
}

static int get_revents(int index, void *opaque)
{
    const struct user *u = opaque;
    int found = 0;

    if (index < 0 || (unsigned int)index >= u->count)
        return 0;
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        found |= u->results[index].revents & events[i].poll ? events[i].slirp : 0;
    return found;
}

static unsigned int user_wait(struct net_port *p, struct pollfd *fds, unsigned int room, bool full,
                              int *timeout)
{
    struct user *u = user_of(p);
    uint32_t ms = *timeout < 0 ? UINT32_MAX : (uint32_t)*timeout;
    int64_t now = now_ns(NULL) / 1000000;

    (void)full;
    u->fds = fds;
    u->room = room;
    u->count = 0;
    slirp_pollfds_fill(u->slirp, &ms, add_poll, u);
    for (const struct timer *t = u->timers; t != NULL; t = t->next)
        if (t->due != 0 && (t->due <= now || t->due - now < ms))
            ms = t->due <= now ? 0 : (uint32_t)(t->due - now);
    *timeout = ms > 1000000 ? -1 : (int)ms;
    return u->count;
}

static void user_woken(struct net_port *p, const struct pollfd *fds)
{
    struct user *u = user_of(p);
    int64_t now = now_ns(NULL) / 1000000;

    u->results = fds;
    slirp_pollfds_poll(u->slirp, 0, get_revents, u);
    for (struct timer *t = u->timers, *next; t != NULL; t = next) {
        next = t->next;
        if (t->due != 0 && t->due <= now) {
            t->due = 0;
            t->run(t->opaque);
        }
    }
}

/* ---- packets ---- */

static void user_send(struct net_port *p, uint8_t *packet, size_t len, struct net_offload *o)
{
    net_packet_complete(packet, len, o);
    if (o->gso_type == XEN_NETIF_GSO_TYPE_NONE) /* the other was not offered */
        slirp_input(user_of(p)->slirp, packet, (int)len);
}

static ssize_t user_receive(struct net_port *p, uint8_t *packet, struct net_offload *o)
{
    struct user *u = user_of(p);
    struct waiting *w = u->first;
    size_t len;

    if (w == NULL)
        return 0;
    u->first = w->next;
    if (u->first == NULL)
        u->last = &u->first;
    u->waiting--;
    *o = (struct net_offload){.gso_type = XEN_NETIF_GSO_TYPE_NONE};
    len = w->len;
    memcpy(packet, w->packet, len);
    free(w);
    return (ssize_t)len;
}

static void user_close(struct net_port *p)
{
    struct user *u = user_of(p);

    slirp_cleanup(u->slirp);
    while (u->timers != NULL)
        timer_free(u->timers, u);
    while (u->first != NULL) {
        struct waiting *w = u->first;

        u->first = w->next;
        free(w);
    }
    free(u);
}

static const struct net_port_kind user_kind = {
    .offload = false,
    .send = user_send,
    .receive = user_receive,
    .wait = user_wait,
    .woken = user_woken,
    .close = user_close,
};

int user_open(struct net_port **p, struct hl_error *e)
{
    SlirpConfig config = {
        .version = 1,
        .in_enabled = true,
        /* Services that Domain 0 keeps to itself are not for guests. */
        .disable_host_loopback = true,
    };
    struct user *u = calloc(1, sizeof(*u));

    if (u == NULL)
        return hl_fail(e, ENOMEM, "make the guest's network", NULL, NULL);
    u->port.kind = &user_kind;
    u->last = &u->first;
    inet_pton(AF_INET, "10.0.2.0", &config.vnetwork);
    inet_pton(AF_INET, "255.255.255.0", &config.vnetmask);
    inet_pton(AF_INET, "10.0.2.2", &config.vhost);
    inet_pton(AF_INET, "10.0.2.3", &config.vnameserver);
    inet_pton(AF_INET, "10.0.2.15", &config.vdhcp_start);
    u->slirp = slirp_new(&config, &callbacks, u);
    if (u->slirp == NULL) {
        free(u);
        return hl_fail(e, ENOMEM, "make the guest's network", NULL, NULL);
    }
    *p = &u->port;
    return 0;
}
