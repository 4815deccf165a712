/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's log. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "xenstore/daemon.h"

int log_open(struct daemon *d)
{
    int fd;

    if (!d->opt.trace_file) {
        return 0;
    }
    fd = open(d->opt.trace_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    if (d->trace_fd >= 0) {
        close(d->trace_fd);
    }
    d->trace_fd = fd;
    return 0;
}

void log_line(struct daemon *d, const char *fmt, ...)
{
    char line[640];
    struct timespec now;
    struct tm tm;
    size_t len;
    va_list ap;

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    len = strftime(line, 64, "%Y%m%d %H:%M:%S", &tm);
    len += (size_t)snprintf(line + len, 16, ".%03ld ", now.tv_nsec / 1000000);
    va_start(ap, fmt);
    vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
    va_end(ap);
    if (!d->opt.no_fork) {
        syslog(LOG_NOTICE, "%s", line + len);
    }
    len = strlen(line);
    line[len++] = '\n';
    /* A log that cannot be written must not stop the daemon. */
    if (d->trace_fd >= 0 && write(d->trace_fd, line, len) < 0) {
        return;
    }
    if (d->opt.no_fork && write(STDERR_FILENO, line, len) < 0) {
        return;
    }
}
