/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hospes-fb: shows a guest's screen to viewers (VNC), and gives the guest their keys and pointer.
 *
 *   hospes-fb PATH      PATH: the screen's directory in xenstore, /local/domain/0/backend/vfb/DOMID/DEVID
 *
 * Ends when the screen is gone. May be killed at any time: the next one goes on.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/fb/device.h"
#include "pv-backends/fb/sandbox.h"
#include "pv-backends/lib/turn.h"

/* What viewers are to get is sent in pieces that far apart. */
#define SOON_MS 6

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

static void serve(struct fb_device *d)
{
    struct pollfd fds[FB_MAX_POLL];
    bool soon;

    while (!stop) {
        if (!fb_device_work(d, &soon))
            return;
        poll(fds, (nfds_t)fb_device_poll(d, fds), soon ? SOON_MS : -1);
    }
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct hl_error *e = hl_error_new();
    struct fb_device d = {.hv = NULL};
    int rc;

    if (argc != 2 || argv[1][0] != '/') {
        fprintf(stderr, "usage: hospes-fb PATH   (of the screen in xenstore)\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    rc = turn_wait("fb", argv[1], e);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (rc == 0)
        rc = fb_device_open(&d, argv[1], e);
    if (rc == 0)
        rc = fb_sandbox(e);
    if (rc == 0) {
        serve(&d);
    } else if (d.vfb.there) {
        if (rc != -ESRCH)
            fb_device_refuse(&d, e);
    } else if (rc != -ESRCH) {
        char *why = hl_error_sentence(e);

        fprintf(stderr, "hospes-fb: %s\n", why == NULL ? "out of memory" : why);
        free(why);
    }
    fb_device_close(&d);
    hl_error_free(e);
    return rc < 0;
}
