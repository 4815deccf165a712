/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control: sends commands to the daemon itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xenstore/cmd/cmd.h"

enum { EXIT_USAGE = 1, EXIT_UNREACHABLE = 2, EXIT_REFUSED = 3 };

static int report(struct hs *h, const char *command)
{
    static const char *const help[] = {"help"};
    int err = errno;
    char *text;

    if (err != EINVAL && err != ENOSYS) {
        fprintf(stderr, "xenstore-control: %s: %s\n", command, strerror(err));
        return EXIT_REFUSED;
    }
    fprintf(stderr, "Command not supported. Valid commands are:\n");
    text = hs_control(h, help, 1);
    if (text) {
        fprintf(stderr, "%s\n", text);
        free(text);
    }
    return EXIT_REFUSED;
}

static int send_command(struct hs *h, const char *const *args, unsigned int n)
{
    char *reply = hs_control(h, args, n);

    if (!reply) {
        return report(h, args[0]);
    }
    if (strcmp(reply, "OK") || strcmp(args[0], "live-update")) {
        printf("%s\n", reply);
    }
    free(reply);
    return 0;
}

/* live-update [-c CMDLINE] [-F] [-t SECONDS] PROGRAM: name the program, then start it. */
static int live_update(struct hs *h, int argc, char **argv)
{
    const char *program[] = {"live-update", "-f", NULL};
    const char *start[6] = {"live-update", "-s"};
    unsigned int n = 2;
    int opt, ret;

    optind = 1;
    while ((opt = getopt(argc, argv, "c:Ft:")) >= 0) {
        switch (opt) {
        case 'F': start[n++] = "-F"; break;
        case 't':
            start[n++] = "-t";
            start[n++] = optarg;
            break;
        case 'c': break; /* the daemon keeps its command line */
        default: return EXIT_USAGE;
        }
        if (n > 4) {
            break;
        }
    }
    if (optind != argc - 1) {
        fprintf(stderr, "xenstore-control: live-update: missing the program\n");
        return EXIT_USAGE;
    }
    program[2] = argv[optind];
    ret = send_command(h, program, 3);
    return ret ? ret : send_command(h, start, n);
}

int control_main(int argc, char **argv)
{
    struct hs *h;
    int ret;

    if (argc < 2 || !strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
        fprintf(argc < 2 ? stderr : stdout, "Usage:\n%s <command> [<arg>...]\n", argv[0]);
        return argc < 2 ? EXIT_USAGE : 0;
    }
    h = hs_open(0);
    if (!h) {
        fprintf(stderr, "Failed to contact Xenstored.\n");
        return EXIT_UNREACHABLE;
    }
    if (!strcmp(argv[1], "live-update")) {
        ret = live_update(h, argc - 1, argv + 1);
    } else {
        ret = send_command(h, (const char *const *)argv + 1, (unsigned int)argc - 1);
    }
    hs_close(h);
    return ret;
}
