/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unix PATH [SECONDS]: joins its stdin and stdout with a Unix socket, until the other side closes, or SECONDS (2) after
 * stdin has ended. For scripts, since busybox has no such program.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int copy(int from, int to)
{
    char buf[4096];
    ssize_t n = read(from, buf, sizeof(buf)), done = 0;

    while (done < n) {
        ssize_t wrote = write(to, buf + done, (size_t)(n - done));

        if (wrote < 0)
            return -1;
        done += wrote;
    }
    return n > 0 ? 1 : (int)n;
}

int main(int argc, char **argv)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), patience = argc > 2 ? atoi(argv[2]) * 1000 : 2000;
    struct pollfd p[2] = {{0, POLLIN, 0}, {fd, POLLIN, 0}};

    if (argc < 2 || strlen(argv[1]) >= sizeof(addr.sun_path)) {
        fprintf(stderr, "usage: unix PATH [SECONDS]\n");
        return 2;
    }
    strcpy(addr.sun_path, argv[1]);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        fprintf(stderr, "unix: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    for (;;) {
        int n = poll(p, 2, p[0].fd < 0 ? patience : -1);

        if (n <= 0)
            return n < 0;
        if (p[1].revents != 0 && copy(fd, 1) <= 0)
            return 0;
        if (p[0].revents != 0 && copy(0, fd) <= 0)
            p[0].fd = -1;
    }
}
