/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log file of bounded size: when it is full it becomes FILE.1 (and that FILE.2), and a new one
 * begins. What cannot be written is dropped: a full disk must not stop a guest. */
#ifndef HL_HOSPESD_LOGFILE_H
#define HL_HOSPESD_LOGFILE_H

#include <stddef.h>

struct logfile {
    int fd; /* -1: none */
    size_t size, max;
    char *path;
};

/* Opens for appending, mode 0600; 0 or a negative errno (then writes do nothing). */
int logfile_open(struct logfile *l, const char *path, size_t max);
void logfile_close(struct logfile *l);
void logfile_write(struct logfile *l, const char *data, size_t len);
/* After an outside program has moved the file away (SIGHUP). */
void logfile_reopen(struct logfile *l);

/* The last bytes of the file, at most `max`; malloc'd, *len of them. NULL when there are none. */
char *logfile_tail(const struct logfile *l, size_t max, size_t *len);

#endif
