/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hospes-net: serves one network interface to a guest, to a TAP interface of Domain 0 or to a network of its own.
 *
 *   hospes-net PATH      PATH: the device's directory in xenstore, /local/domain/0/backend/qnic/DOMID/DEVID
 *
 * Ends when the device is gone. May be killed at any time: the next one goes on, as if some packets had been lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "pv-backends/lib/turn.h"
#include "pv-backends/net/sandbox.h"
#include "pv-backends/net/vif.h"
#include "xenstore/client/xs_client.h"

static volatile sig_atomic_t stop;
static struct vif vif;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

static void clear_events(struct vif *v)
{
    int port;

    while ((port = evtchn_pending(v->b.ev)) >= 0)
        evtchn_unmask(v->b.ev, (uint32_t)port);
}

/* Waits until there is something to do, at most `timeout` ms. */
static int wait_for_work(struct vif *v, int timeout)
{
    static struct pollfd fds[2 + NET_MAX_POLL];
    unsigned int n = 2;

    fds[0] = (struct pollfd){.fd = evtchn_fd(v->b.ev), .events = POLLIN};
    fds[1] = (struct pollfd){.fd = hs_fd(v->b.xs), .events = POLLIN};
    if (v->port != NULL)
        n += v->port->kind->wait(v->port, fds + 2, NET_MAX_POLL, v->held != 0, &timeout);
    if (poll(fds, n, timeout) < 0) {
        if (errno != EINTR)
            return -errno;
        for (unsigned int i = 0; i < n; i++)
            fds[i].revents = 0;
    }
    if (v->port != NULL)
        v->port->kind->woken(v->port, fds + 2);
    if (fds[0].revents != 0)
        clear_events(v);
    return 0;
}

static int serve(struct vif *v)
{
    int rc = 0;

    while (!stop && rc == 0) {
        /* Answers of xenstored may have brought events along: its file need not become readable for them. */
        if (!vif_changed(v))
            break;
        rc = wait_for_work(v, vif_work(v));
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct hl_error *e = hl_error_new();

    if (argc != 2 || argv[1][0] != '/') {
        fprintf(stderr, "usage: hospes-net PATH   (of the device in xenstore)\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int rc = turn_wait("net", argv[1], e);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (rc == 0)
        rc = vif_open(&vif, argv[1], e);
    if (rc == 0)
        rc = net_sandbox(vif.user, e);
    if (rc < 0 && vif.b.xs != NULL) {
        backend_complain(&vif.b, e);
        backend_set_state(&vif.b, XenbusStateClosed);
    } else if (rc < 0)
        fprintf(stderr, "hospes-net: %s\n", hl_error_sentence(e));
    if (rc == 0) {
        rc = serve(&vif);
        if (rc < 0)
            fprintf(stderr, "hospes-net: %s: %s\n", argv[1], strerror(-rc));
    }
    if (vif.b.path != NULL)
        vif_close(&vif);
    hl_error_free(e);
    return rc < 0;
}
