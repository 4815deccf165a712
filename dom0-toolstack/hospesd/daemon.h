/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of hospesd share: one struct, set up by main.c, used by its one thread. */
#ifndef HL_HOSPESD_DAEMON_H
#define HL_HOSPESD_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

#include "dom0-toolstack/hospesd/logfile.h"
#include "dom0-toolstack/hospesd/loop.h"
#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/domain_dump.h"

struct evtchn;
struct channel;
struct gntdev;
struct guest;
struct console;
struct worker;
struct hl_error;

#define DEFAULT_LOG_DIR  "/var/log/hospes"
#define DEFAULT_DUMP_DIR HL_DUMP_DIR
#define DEFAULT_LOG_SIZE ((size_t)4 << 20)

struct options {
    const char *log_dir; /* "": no log files */
    const char *dump_dir;
    const char *pid_file;
    size_t log_size;
    bool foreground, log_hv;
    bool driver_domain; /* we are in a guest that serves devices of others, and do that alone */
    unsigned int verbose;
};

struct daemon {
    struct options opt;
    int lock; /* on the file that makes us the only one */
    struct loop loop;
    struct hl_ctx ctx;
    struct evtchn *ev;
    struct loop_source xs_source, ev_source;
    struct guest *guests;
    struct console *consoles;
    struct channel *channels;
    struct gntdev *grants; /* NULL until there is a channel */
    struct worker *worker, *dumper;
    struct loop_timer held; /* consoles that printed too fast go on */
    int hv_port;            /* of the hypervisor's console, 0: not followed */
    uint32_t hv_index;
    struct logfile hv_log;
};

/* One line into the journal, or the daemon's own log file. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for a failure's record, which is emptied. */
void say_error(struct hl_error *e);

/* main.c: events of all ports arrive here. console.c's console_event() answers whose it is. */

/* control.c: the sockets. 0 or a negative errno with the record filled. */
int control_start(struct daemon *d, struct hl_error *e);
void control_stop(struct daemon *d);

#endif
