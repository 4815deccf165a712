/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hospes-block: serves one disk to a guest, from an image file, a block device or a server.
 *
 *   hospes-block PATH      PATH: the device's directory in xenstore, /local/domain/0/backend/qdisk/DOMID/DEVID
 *
 * Ends when the device is gone. May be killed at any time: the next one goes on where it stopped.
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
#include "pv-backends/block/io.h"
#include "pv-backends/block/sandbox.h"
#include "pv-backends/block/vbd.h"
#include "pv-backends/lib/turn.h"
#include "xenstore/client/xs_client.h"

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

static void rung(void *opaque)
{
    struct vbd *v = opaque;
    int port;

    while ((port = evtchn_pending(v->b.ev)) >= 0)
        evtchn_unmask(v->b.ev, (uint32_t)port);
}

static void stored(void *opaque)
{
    if (!vbd_changed(opaque))
        stop = 1;
}

static int serve(struct vbd *v)
{
    int rc = 0;

    if (io_watch(v->io, evtchn_fd(v->b.ev), POLLIN, false, rung, v) == NULL ||
        io_watch(v->io, hs_fd(v->b.xs), POLLIN, false, stored, v) == NULL)
        return -ENOMEM;
    while (!stop && rc == 0) {
        bool more = vbd_work(v);

        rc = io_turn(v->io, !more);
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct hl_error *e = hl_error_new();
    struct vbd v = {.io = NULL};
    struct io *io = NULL;

    if (argc != 2 || argv[1][0] != '/') {
        fprintf(stderr, "usage: hospes-block PATH   (of the device in xenstore)\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int rc = turn_wait("block", argv[1], e);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (rc == 0)
        rc = io_open(&io, 256, e);
    if (rc == 0)
        rc = vbd_open(&v, io, argv[1], e);
    if (rc == 0)
        rc = block_sandbox(v.cdrom, e);
    if (rc < 0 && v.b.xs != NULL) {
        backend_complain(&v.b, e);
        backend_set_state(&v.b, XenbusStateClosed);
    } else if (rc < 0)
        fprintf(stderr, "hospes-block: %s\n", hl_error_sentence(e));
    if (rc == 0) {
        rc = serve(&v);
        if (rc < 0)
            fprintf(stderr, "hospes-block: %s: %s\n", argv[1], strerror(-rc));
    }
    if (io != NULL && v.b.path != NULL)
        vbd_close(&v);
    io_close(io);
    hl_error_free(e);
    return rc < 0;
}
