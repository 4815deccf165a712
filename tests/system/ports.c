/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many event channels in one set (dom0-toolstack/lib/hv_event.h), fired by two threads at their own pace: whoever waits
 * for the set is told of each. ports ROUNDS; prints how many were taken, ends with 1 when a port is pending that nobody is
 * told of.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_event.h"

#define PORTS   24
#define SENDERS 2
#define WAIT_MS 60000 /* for an event that comes at once */

static struct evtchn *ours, *theirs;
static uint32_t our_port[PORTS], their_port[PORTS];
static atomic_uint sent[PORTS], taken[PORTS];
static atomic_bool stop;

static void *send_events(void *arg)
{
    unsigned int first = (unsigned int)(uintptr_t)arg, x = first + 1;

    while (!stop) {
        for (unsigned int i = first; i < PORTS; i += SENDERS) {
            if (sent[i] == taken[i]) {
                sent[i]++;
                evtchn_notify(theirs, their_port[i]);
            }
            /* Now and then a pause of any length. */
            x = x * 1103515245u + 12345u;
            if ((x >> 16) % 7 == 0)
                usleep((x >> 20) % 300);
        }
    }
    return NULL;
}

static int bind_ports(struct hl_error *e)
{
    for (unsigned int i = 0; i < PORTS; i++) {
        int port = evtchn_bind_unbound(ours, 0, e);

        if (port < 0)
            return port;
        our_port[i] = (uint32_t)port;
        port = evtchn_bind_interdomain(theirs, 0, our_port[i], e);
        if (port < 0)
            return port;
        their_port[i] = (uint32_t)port;
    }
    return 0;
}

static unsigned int take(void)
{
    unsigned int n = 0;
    int port;

    while ((port = evtchn_pending(ours)) >= 0) {
        for (unsigned int i = 0; i < PORTS; i++)
            if (our_port[i] == (uint32_t)port)
                taken[i] = sent[i];
        evtchn_unmask(ours, (uint32_t)port);
        n++;
    }
    return n;
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc == 2 ? strtoul(argv[1], NULL, 10) : 10000, events = 0;
    struct hl_error *e = hl_error_new();
    pthread_t sender[SENDERS];

    if (evtchn_open(&ours, e) < 0 || evtchn_open(&theirs, e) < 0 || bind_ports(e) < 0) {
        fprintf(stderr, "ports: %s\n", hl_error_sentence(e));
        return 2;
    }
    for (uintptr_t i = 0; i < SENDERS; i++)
        pthread_create(&sender[i], NULL, send_events, (void *)i);
    for (unsigned long round = 0; round < rounds; round++) {
        struct pollfd fd = {.fd = evtchn_fd(ours), .events = POLLIN};

        if (poll(&fd, 1, WAIT_MS) == 0) {
            printf("nobody was told of %u events after %lu\n", take(), events);
            return 1;
        }
        events += take();
    }
    stop = true;
    for (unsigned int i = 0; i < SENDERS; i++)
        pthread_join(sender[i], NULL);
    printf("%lu events taken in %lu rounds\n", events, rounds);
    evtchn_close(ours);
    evtchn_close(theirs);
    hl_error_free(e);
    return 0;
}
