/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See terminal.h. */
#include "dom0-toolstack/hl/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "dom0-toolstack/hl/hl.h"

/* How often hospesd is looked for. */
#define REJOIN_MS 300

static struct termios saved_modes;
static volatile sig_atomic_t modes_are_saved;

static void restore_terminal(void)
{
    if (modes_are_saved) {
        modes_are_saved = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &saved_modes);
    }
}

/* tcsetattr() may be called in a handler. */
static void ended_by_signal(int signal_number)
{
    restore_terminal();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void make_raw(void)
{
    static const int fatal[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    struct termios raw;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved_modes) < 0)
        return;
    modes_are_saved = 1;
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        signal(fatal[i], ended_by_signal);
    raw = saved_modes;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

/* All of it; -1 with errno. */
static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};

            poll(&p, 1, -1);
            continue;
        }
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

bool terminal_raw(void)
{
    if (isatty(STDOUT_FILENO))
        make_raw();
    return modes_are_saved;
}

void terminal_cook(void)
{
    restore_terminal();
}

int terminal_write(const char *data, size_t len)
{
    return write_all(STDOUT_FILENO, data, len);
}

enum step {
    GO_ON,
    USER_LEFT,
    INPUT_ENDED,
    GUEST_ENDED,
    BROKEN,
};

static enum step from_user(int fd)
{
    char buf[1024];
    ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
    char *escape;

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return GO_ON;
    if (n <= 0)
        return INPUT_ENDED;
    escape = modes_are_saved ? memchr(buf, CONSOLE_ESCAPE, (size_t)n) : NULL;
    if (escape)
        n = escape - buf;
    if (write_all(fd, buf, (size_t)n) < 0)
        return GUEST_ENDED;
    return escape ? USER_LEFT : GO_ON;
}

static enum step from_guest(int fd)
{
    char buf[4096];
    ssize_t n = read(fd, buf, sizeof(buf));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return GO_ON;
    /* A pty whose other side is gone answers EIO. */
    if (n <= 0)
        return GUEST_ENDED;
    return write_all(STDOUT_FILENO, buf, (size_t)n) < 0 ? BROKEN : GO_ON;
}

/* What is typed while there is no console, for the next one. */
struct typed {
    char buf[1024];
    size_t len;
};

/* The user may leave meanwhile. */
static enum step pause_for_user(struct typed *t)
{
    size_t room = sizeof(t->buf) - t->len;
    struct pollfd p = {.fd = modes_are_saved && room ? STDIN_FILENO : -1, .events = POLLIN};
    ssize_t n;

    if (poll(&p, 1, REJOIN_MS) <= 0)
        return GO_ON;
    n = read(STDIN_FILENO, t->buf + t->len, room);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return GO_ON;
    if (n <= 0 || memchr(t->buf + t->len, CONSOLE_ESCAPE, (size_t)n))
        return USER_LEFT;
    t->len += (size_t)n;
    return GO_ON;
}

/* The other side ended: GO_ON with another one in *fd, if it was hospesd alone. */
static enum step rejoin(struct app *app, struct console_link *link, int *fd)
{
    struct typed typed = {.len = 0};
    enum step step = GO_ON;
    bool told = false;
    int next = -EAGAIN;

    while (step == GO_ON && (next = console_again(app, link)) == -EAGAIN) {
        if (!told)
            fprintf(stderr,
                    "\r\n[%s: hospesd has ended; waiting for the next one, Ctrl-] leaves]\r\n",
                    app->program);
        told = true;
        step = pause_for_user(&typed);
    }
    if (step != GO_ON || next < 0)
        return step != GO_ON ? step : GUEST_ENDED;
    close(*fd);
    *fd = next;
    /* If that one has gone, too, it is seen by the next reading. */
    (void)write_all(next, typed.buf, typed.len);
    return GO_ON;
}

static enum step join(struct app *app, struct console_link *link, int *fd)
{
    struct pollfd p[2] = {{.fd = *fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    enum step step = GO_ON;

    while (step == GO_ON) {
        if (poll(p, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return BROKEN;
        }
        if (p[0].revents)
            step = from_guest(*fd);
        if (step == GO_ON && p[1].revents)
            step = from_user(*fd);
        if (step == GUEST_ENDED) {
            step = rejoin(app, link, fd);
            p[0].fd = *fd;
        }
        if (step == INPUT_ENDED && !modes_are_saved) {
            p[1].fd = -1;
            step = GO_ON;
        }
    }
    return step;
}

int terminal_join(struct app *app, int fd, struct console_link *link)
{
    enum step step;
    int saved;

    fflush(stdout);
    make_raw();
    step = join(app, link, &fd);
    saved = errno;
    restore_terminal();
    close(fd);
    if (step == USER_LEFT && isatty(STDOUT_FILENO))
        printf("\n");
    if (step != BROKEN)
        return 0;
    app_say(app, "the console was left: %s", strerror(saved));
    return EXIT_FAILED;
}
