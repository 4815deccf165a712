/* SPDX-License-Identifier: GPL-2.0-or-later */
/* devd: in a driver domain, the daemon that looks after the devices which this domain serves. It is hospesd. */
#include "dom0-toolstack/hl/hl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "hospesd"

/* Beside our own program, or where the system has it. Comes back only where there is none. */
static void exec_daemon(char *const *args)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - sizeof(PROGRAM) - 1);
    char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;

    if (slash != NULL) {
        strcpy(slash + 1, PROGRAM);
        execv(self, args);
    }
    execvp(PROGRAM, args);
}

static int run_devd(struct app *app, const struct verb *verb, int argc, char **argv)
{
    static const struct option longs[] = {{"help", 0, 0, 'h'}, {"pidfile", 1, 0, 'p'}, {0}};
    char *args[5] = {(char *)PROGRAM, (char *)"--driver-domain"}, *pid_file = NULL;
    size_t n = 2;
    int opt;

    while ((opt = app_getopt(app, verb, argc, argv, "hFp:", longs)) >= 0) {
        if (opt == 'F' && n < 3)
            args[n++] = (char *)"--foreground";
        else if (opt == 'p')
            pid_file = optarg;
    }
    if (opt == APP_OPT_STOP)
        return app->exit_code;
    if (!app_args(app, verb, argc, 0, 0))
        return EXIT_USAGE;
    if (pid_file != NULL && asprintf(&args[n], "--pid-file=%s", pid_file) < 0) {
        app_say(app, "out of memory");
        return EXIT_FAILED;
    }
    exec_daemon(args);
    app_say(app, PROGRAM " cannot be started: %s", strerror(errno));
    if (pid_file != NULL)
        free(args[n]);
    return EXIT_FAILED;
}

const struct verb devd_verbs[] = {
    {"devd", run_devd, "[-F] [-p <PidFile>]",
     "Daemon of a driver domain: looks after the devices that it serves",
     "-F                      Run in the foreground\n"
     "-p, --pidfile=FILE      Write the daemon's process id there\n",
     0},
    {0},
};
