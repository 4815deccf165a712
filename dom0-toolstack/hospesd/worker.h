/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow work of hospesd (destroying, building) in a thread of its own with its own connections,
 * one job after the other. Dumps have a second worker: other guests' restarts need not wait for
 * them. A restart leaves a mark in HOSPESD_RUN_DIR/restarting while it is under way, so that a
 * daemon that was killed in between can finish it.
 */
#ifndef HL_HOSPESD_WORKER_H
#define HL_HOSPESD_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "dom0-toolstack/lib/domain_dump.h"

struct hl_error;
struct worker;

#define NO_DOMID UINT32_MAX

enum job_kind {
    JOB_DESTROY, /* the domain and all its traces */
    JOB_RESTART, /* destroy, build */
    JOB_RENAME_RESTART,
    JOB_BUILD,     /* the domain is gone, or half gone, already */
    JOB_TIDY,      /* what an interrupted destroy left of a domain that is gone */
    JOB_ABANDONED, /* a half-made domain, if its creator is dead (lib/creation.h) */
    JOB_NETWORKS,  /* private networks: what others took away (lib/nat.h) */
    JOB_DUMP,      /* the memory of one that has ended, to a file */
};

struct job {
    struct job *next;
    enum job_kind kind;
    uint32_t domid; /* IN: the old domain or NO_DOMID; OUT: the new one, paused */
    uint8_t uuid[16];
    char *path;           /* of the file to make, else NULL */
    struct hl_dump dump;  /* OUT, of a dump */
    int rc;               /* OUT: 0 or a negative errno */
    struct hl_error *err; /* OUT */
};

/* Starts the thread; *fd is readable when worker_done() has something. NULL on failure. */
struct worker *worker_start(int *fd);

/* Waits for the job under way (a dump is given up), drops the others, ends the thread. */
void worker_stop(struct worker *w);

/* Queues a job; -ENOMEM or 0. */
int worker_queue(struct worker *w, enum job_kind kind, uint32_t domid, const uint8_t uuid[16]);
/* A JOB_DUMP; takes `path`, which is malloc'd, or NULL (-ENOMEM). */
int worker_queue_dump(struct worker *w, uint32_t domid, const uint8_t uuid[16], char *path);

/* The next finished job, or NULL. Freed by job_free(). */
struct job *worker_done(struct worker *w);
void job_free(struct job *j);

/* Removes the mark: the new domain runs, or the restart was given up. */
void restart_unmark(const uint8_t uuid[16]);

/* Calls `found` for each mark that an earlier daemon left. */
void restart_marks(void (*found)(void *opaque, const uint8_t uuid[16], uint32_t domid),
                   void *opaque);

#endif
