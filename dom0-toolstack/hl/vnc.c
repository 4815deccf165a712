/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A viewer, of whoever made it, for a domain's screen: the verb vncviewer, and create -V. */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xenstore/client/xs_client.h"

#define FIRST_PORT 5900

/* Where the viewer finds it: "127.0.0.1:0". NULL after saying why. */
static char *display_of(struct app *app, uint32_t domid)
{
    struct hs *xs = app->ctx.xs;
    long long port;
    char dir[64], *listen, *text;
    bool any;
    int n;

    snprintf(dir, sizeof(dir), "/local/domain/%" PRIu32 "/console", domid);
    port = hs_number_at(xs, HS_TX_NONE, dir, "vnc-port", -1);
    if (port < FIRST_PORT) {
        app_say(app,
                "domain %" PRIu32 " has no screen that can be looked at: give it one with "
                "vfb = [ 'vnc=1' ] in its configuration",
                domid);
        return NULL;
    }
    listen = hs_read_at(xs, HS_TX_NONE, dir, "vnc-listen");
    /* Who listens everywhere does so here, too. */
    any = !listen || strcmp(listen, "0.0.0.0") == 0 || strcmp(listen, "::") == 0;
    n = asprintf(&text, strchr(any ? "" : listen, ':') ? "[%s]:%lld" : "%s:%lld",
                 any ? "127.0.0.1" : listen, port - FIRST_PORT);
    free(listen);
    if (n >= 0)
        return text;
    app_say(app, "out of memory");
    return NULL;
}

/* The viewer reads the password from its stdin, so that no list of processes shows it. */
static bool hand_password(struct app *app, uint32_t domid)
{
    char *password = hs_readf(app->ctx.xs, HS_TX_NONE,
                              "/local/domain/0/backend/vfb/%" PRIu32 "/0/vncpasswd", domid);
    size_t len = password ? strlen(password) : 0;
    int ends[2];
    bool ok;

    /* It is short: a pipe holds it. */
    ok = pipe(ends) == 0 && (len == 0 || write(ends[1], password, len) == (ssize_t)len) &&
         write(ends[1], "\n", 1) == 1 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO;
    if (!ok)
        app_say(app, "the password cannot be handed to the viewer: %s", strerror(errno));
    else
        close(ends[1]);
    free(password);
    return ok;
}

static int view(struct app *app, uint32_t domid, bool autopass)
{
    char *display = display_of(app, domid);

    if (!display)
        return EXIT_FAILED;
    if (autopass && !hand_password(app, domid)) {
        free(display);
        return EXIT_FAILED;
    }
    execlp("vncviewer", "vncviewer", display, autopass ? "-autopass" : (char *)NULL, (char *)NULL);
    app_say(app, "vncviewer cannot be started (%s): install one, or point another viewer at %s",
            strerror(errno), display);
    free(display);
    return EXIT_FAILED;
}

void vnc_view_beside(struct app *app, uint32_t domid, bool autopass)
{
    pid_t pid;
    int none;

    fflush(stdout);
    pid = fork();
    if (pid < 0)
        app_say(app, "no viewer was started: %s", strerror(errno));
    if (pid != 0)
        return;
    /* What is typed is the console's. */
    none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (none >= 0)
        dup2(none, STDIN_FILENO);
    _exit(view(app, domid, autopass));
}

static int run_vncviewer(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {
        {"autopass", 0, 0, 'a'}, {"vncviewer-autopass", 0, 0, 'a'}, {"help", 0, 0, 'h'}, {0}};
    bool autopass = false;
    uint32_t domid;
    int opt;

    while ((opt = app_getopt(app, verb, argc, argv, "ah", longs)) >= 0)
        autopass |= opt == 'a';
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 1, 1))
        return EXIT_USAGE;
    if (!app_domain(app, argv[optind], &domid))
        return EXIT_FAILED;
    return view(app, domid, autopass);
}

const struct verb vnc_verbs[] = {
    {"vncviewer", run_vncviewer, "[--autopass] <Domain>", "Attach to the VNC display of a domain",
     "-a, --autopass          Pass the password to the viewer\n", VERB_READS},
    {0},
};
