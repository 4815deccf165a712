/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unix PATH [SECONDS [TEXT]]: joins its stdin and stdout with a Unix socket, until the other side closes, or nothing has come
 * for SECONDS (2) after stdin has ended. With TEXT that must have come by then, for which it waits for minutes. For scripts,
 * since busybox has no such program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 240000 /* for TEXT */

static char came[65536]; /* from the socket, what fits */
static size_t came_len;

static void keep(const char *data, size_t len)
{
    if (len > sizeof(came) - came_len)
        len = sizeof(came) - came_len;
    memcpy(came + came_len, data, len);
    came_len += len;
}

static int copy(int from, int to)
{
    char buf[4096];
    ssize_t n = read(from, buf, sizeof(buf)), done = 0;

    if (to == 1 && n > 0)
        keep(buf, (size_t)n);

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
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), seconds = argc > 2 ? atoi(argv[2]) : 2;
    const char *text = argc > 3 ? argv[3] : "";
    struct pollfd p[2] = {{0, POLLIN, 0}, {fd, POLLIN, 0}};

    if (argc < 2 || strlen(argv[1]) >= sizeof(addr.sun_path)) {
        fprintf(stderr, "usage: unix PATH [SECONDS [TEXT]]\n");
        return 2;
    }
    strcpy(addr.sun_path, argv[1]);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        fprintf(stderr, "unix: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    for (;;) {
        bool complete = memmem(came, came_len, text, strlen(text)) != NULL;
        int n = poll(p, 2, p[0].fd >= 0 ? -1 : complete ? seconds * 1000 : PATIENCE_MS);

        if (n <= 0)
            return n < 0;
        if (p[1].revents != 0 && copy(fd, 1) <= 0)
            return 0;
        if (p[0].revents != 0 && copy(0, fd) <= 0)
            p[0].fd = -1;
    }
}
