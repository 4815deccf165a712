/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All guests of the host: what hospesd knows of each, and what it does when one ends. */
#ifndef HL_HOSPESD_GUESTS_H
#define HL_HOSPESD_GUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "dom0-toolstack/hospesd/loop.h"

struct daemon;
struct console;
struct hl_error;
struct job;

enum guest_state {
    GUEST_RUNNING,    /* or paused */
    GUEST_ENDED,      /* it shut down and is kept */
    GUEST_DUMPING,    /* it shut down; its policy follows when its memory is in a file */
    GUEST_WAITING,    /* it will be restarted when its timer fires */
    GUEST_RESTARTING, /* the worker destroys or builds it */
    GUEST_DESTROYING,
};

struct guest {
    struct guest *next;
    struct daemon *d;
    uint32_t domid;
    uint8_t uuid[16];
    char *name;
    bool managed;  /* its end is ours to handle */
    bool watched;  /* a xenstore watch waits for its console to appear */
    bool unwanted; /* its restart was given up while the worker was at it */
    enum guest_state state;
    struct console *console;
    struct loop_timer timer;
    int pending;         /* enum job_kind for GUEST_WAITING, enum policy for GUEST_DUMPING */
    uint64_t lived;      /* seconds, at its end */
    unsigned int streak; /* short lives in a row */
    unsigned int tries;  /* failed builds in a row */
};

/*
 * Compares what is known with what the hypervisor has: new guests, ended ones, gone ones. Cheap
 * enough for every event. `startup`: guests found now were there before the daemon.
 */
void guests_scan(struct daemon *d, bool startup);

/* After the first scan: restarts that an earlier daemon did not finish. */
void guests_recover(struct daemon *d);

/* NULL: no such guest. */
struct guest *guest_by_domid(struct daemon *d, uint32_t domid);
struct guest *guest_by_uuid(struct daemon *d, const uint8_t uuid[16]);
/* One that is being restarted or waits between two tries: no domain has its name then. */
struct guest *guest_without_domain(struct daemon *d, const char *name);

/* "adopt": takes the console and the policies of a domain that was just built. */
int guest_adopt(struct daemon *d, uint32_t domid, struct hl_error *e);

/*
 * "give-up": a restart that waits, or is under way, ends without a domain; one that has a domain
 * still is left for the caller to destroy. -ENOENT: nothing of this name is to be restarted.
 */
int guest_give_up(struct daemon *d, const char *name, uint8_t uuid[16]);

/* The console, opened now if that is possible. NULL with the record filled. */
struct console *guest_console(struct guest *g, struct hl_error *e);

/* A console's node has changed. */
void guest_console_event(struct daemon *d, uint32_t domid);

/* The worker has finished a job. */
void guests_job_done(struct daemon *d, const struct job *j);

const char *guest_state_name(enum guest_state s);

/* Forgets all, for the daemon's end. The domains do not notice. */
void guests_free(struct daemon *d);

#endif
