/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One guest's console: its ring and event channel on one side; log file, history, pty and viewers
 * (connections of `hl console`) on the other. Viewers outlive the domain until they have read all.
 */
#ifndef HL_HOSPESD_CONSOLE_H
#define HL_HOSPESD_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;
struct console;
struct gntdev;
struct hl_error;

/* The page and the event channel of a domain's console, as they are in xenstore: the domain's frame, its port. */
struct console_place {
    uint64_t frame;
    uint32_t port;
};

/* -ENOENT while it is not there yet. */
int console_find(struct daemon *d, uint32_t domid, struct console_place *place);

/*
 * Connects to the domain's console. -EBUSY when another daemon serves it. `old_output`: begin with
 * the end of the log file, for a domain that was running before this daemon.
 */
int console_open(struct daemon *d, uint32_t domid, const struct console_place *place,
                 const uint8_t uuid[16], const char *name, bool old_output, struct console **out,
                 struct hl_error *e);

/*
 * Number 1 and above (channel.c): the console is there before the guest connects to it, and what is
 * typed waits. NULL: out of memory. No log file. Ends as the first does.
 */
struct console *console_new(struct daemon *d, uint32_t domid, unsigned int number,
                            const uint8_t uuid[16], const char *name);
/* The guest's page, mapped by `grants`, and our end of the port become the console's. */
void console_connect(struct console *c, void *page, uint32_t port, struct gntdev *grants);
/* Gives both back. The console may be connected again. */
void console_disconnect(struct console *c);

/* How programs of Domain 0 reach it. console_open_pty() answers the name, "" where there is none. */
const char *console_open_pty(struct console *c);
int console_open_socket(struct console *c, const char *path, struct hl_error *e);

/* The guest has stopped, and may be kept: takes what it wrote without telling (it may have closed its port). */
void console_guest_stopped(struct console *c);

/*
 * Takes the last output and lets go of the domain: its page and port are free afterwards. Viewers
 * that follow wait for the next console with the same uuid if `restarting`; the others are closed
 * when they have read all.
 */
void console_end(struct console *c, bool restarting);

/* The waiting viewers of a restart that failed leave. */
void console_drop_waiting(struct daemon *d, const uint8_t uuid[16]);

/*
 * A new viewer on socket `fd`, which becomes the console's. `again`: it saw what an earlier daemon printed, and gets what
 * came since.
 */
int console_attach(struct console *c, int fd, bool follow, bool again);

/* Puts typed bytes on their way to the guest (what a client sent with its request). */
void console_input(struct console *c, const char *data, size_t len);

/* Is this port a console's? Then serves it. */
bool console_event(struct daemon *d, uint32_t port);

/* SIGHUP. */
void console_reopen_logs(struct daemon *d);

/* At the end of the daemon: everything at once. */
void console_close_all(struct daemon *d);

/* The number of viewers, for "list". */
unsigned int console_viewers(const struct console *c);

#endif
