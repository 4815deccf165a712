/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb console. */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "dom0-toolstack/hl/terminal.h"
#include "dom0-toolstack/hospesd/client.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "xenstore/client/xs_client.h"

/* xenconsoled, or hospesd itself, offers each console as a pty as well. */
static int open_pty(struct app *app, unsigned int domid)
{
    char *tty = hs_readf(app->ctx.xs, HS_TX_NONE, "/local/domain/%u/console/tty", domid);
    struct termios modes;
    int fd;

    if (!tty || !tty[0]) {
        free(tty);
        return -ENOENT;
    }
    fd = open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        fd = -errno;
    free(tty);
    if (fd >= 0 && tcgetattr(fd, &modes) == 0) {
        cfmakeraw(&modes);
        tcsetattr(fd, TCSANOW, &modes);
    }
    return fd;
}

int console_open(struct app *app, uint32_t domid, unsigned int number, bool follow,
                 struct console_link *link)
{
    struct hv_domain_info info = {0};
    int fd;

    (void)hv_domain_info(app->ctx.hv, domid, &info, NULL);
    *link = (struct console_link){.domid = domid, .number = number, .follow = follow};
    memcpy(link->uuid, info.uuid, sizeof(link->uuid));
    fd = hospesd_console(domid, number, follow, &link->daemon, app->err);
    /* The others' ptys are hospesd's as well. */
    if (number == 0 && (fd == -ENOENT || fd == -ECONNREFUSED)) {
        int pty = open_pty(app, domid);

        if (pty >= 0) {
            link->daemon = 0;
            hl_error_clear(app->err);
            return pty;
        }
    }
    if (fd < 0) {
        hl_error_within(app->err, "open the console of domain %" PRIu32, domid);
        app_failed(app);
        return -1;
    }
    return fd;
}

/* It may have been restarted meanwhile. */
static bool lives(struct app *app, struct console_link *link)
{
    struct hv_domain_info *list;
    bool found = false;
    size_t n;

    if (hv_domain_list(app->ctx.hv, &list, &n, NULL) < 0)
        return false;
    for (size_t i = 0; i < n && !found; i++) {
        found = !list[i].shutdown && !list[i].dying &&
                memcmp(list[i].uuid, link->uuid, sizeof(link->uuid)) == 0;
        if (found)
            link->domid = list[i].domid;
    }
    free(list);
    return found;
}

int console_again(struct app *app, struct console_link *link)
{
    pid_t daemon = link->daemon;
    int fd;

    if (daemon == 0 || !lives(app, link))
        return -ESRCH;
    fd = hospesd_console(link->domid, link->number, link->follow, &daemon, NULL);
    if (fd >= 0)
        link->daemon = daemon;
    /* ENOENT: also a new daemon that has not come to this console yet. */
    return fd == -ENOENT || fd == -ECONNREFUSED || fd == -ECONNRESET || fd == -EPIPE ? -EAGAIN : fd;
}

static int run_console(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {
        {"type", 1, 0, 't'}, {"num", 1, 0, 'n'}, {"help", 0, 0, 'h'}, {0}};
    struct console_link link;
    long long number = 0;
    uint32_t domid;
    int opt, fd;

    while ((opt = app_getopt(app, verb, argc, argv, "t:n:h", longs)) >= 0) {
        if (opt == 't' && strcmp(optarg, "pv") != 0) {
            if (strcmp(optarg, "serial") == 0 || strcmp(optarg, "vuart") == 0)
                app_say(app,
                        "there is no %s console: only PV guests are supported yet, and they "
                        "have a pv console",
                        optarg);
            else
                app_say(app, "console type '%s' is not known: pv or serial", optarg);
            return EXIT_USAGE;
        }
        if (opt == 'n' && !app_number(app, "the console's number", optarg, 0, 255, &number))
            return EXIT_USAGE;
    }
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 1, 1))
        return EXIT_USAGE;
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    if (domid == 0) {
        app_say(app, "domain 0's console is the machine's own");
        return EXIT_FAILED;
    }
    fd = console_open(app, domid, (unsigned int)number, false, &link);
    return fd < 0 ? EXIT_FAILED : terminal_join(app, fd, &link);
}

const struct verb console_verbs[] = {
    {"console", run_console, "[options] <Domain>", "Attach to domain's console (Ctrl-] leaves it)",
     "-t <type>               Console type: pv. Default is pv.\n"
     "-n <number>             Console number, default 0; the others are channels (channel-list)\n",
     VERB_COMMON},
    {0},
};
