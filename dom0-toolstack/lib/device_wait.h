/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for the two ends of a device. Internal to the library. */
#ifndef HL_DEVICE_WAIT_H
#define HL_DEVICE_WAIT_H

#include <stdbool.h>

struct device_job;
struct hl_ctx;
struct hl_error;

/* What both ends write to their node "state". */
enum device_state {
    DEVICE_UNKNOWN,
    DEVICE_INITIALISING,
    DEVICE_INIT_WAIT,
    DEVICE_INITIALISED,
    DEVICE_CONNECTED,
    DEVICE_CLOSING,
    DEVICE_CLOSED,
};

/* How long a back end may take for its first answer, a guest to let go, a back end to let go. */
#define DEVICE_READY_SECONDS 60
#define DEVICE_CLOSE_SECONDS 20
#define DEVICE_GONE_SECONDS  20

/* The state below a path; DEVICE_UNKNOWN where there is none. */
int device_state(struct hl_ctx *ctx, const char *dir);

/*
 * Until the back end has the state (or is further), or says what is wrong: then its words, or a
 * script's, are the cause.
 */
int device_wait_backend(struct device_job *j, int state, struct hl_error *e);
/* Until the driver domain that serves the device has done the host's half ("hotplug-status"), or says why not, or is gone. */
int device_wait_plugged(struct device_job *j, struct hl_error *e);
/* Until class->ready(), which asks the kernel alone, and is cheap. */
int device_wait_ready(struct device_job *j, struct hl_error *e);
/* Until `there`, which does so as well, answers true. */
int device_wait_until(struct device_job *j, bool (*there)(struct device_job *j), const char *step,
                      struct hl_error *e);

/* Until a driver in the guest has taken the device up: its end has answered, and is not closed. 0, -ETIMEDOUT, or
 * -ESRCH when the guest has ended or is paused. */
int device_wait_taken_up(struct device_job *j, unsigned int seconds);

/*
 * Until no driver in the guest is setting the device up any more. One that goes before its driver has said that it is ready
 * leaves that half made: if it comes again before Linux has seen it away, blkfront sets it up a second time and stops with a
 * BUG (negotiate_mq() in drivers/block/xen-blkfront.c; xenbus_switch_state() does nothing where the state is gone). 0,
 * -ETIMEDOUT (there is no driver), or -ESRCH as above.
 */
int device_wait_settled(struct device_job *j, unsigned int seconds);

/*
 * Until the back end has let go. In a driver domain: until its folder is gone, or nobody there has anything to undo,
 * or the domain is dead. 0, or -ETIMEDOUT.
 */
int device_wait_gone(struct device_job *j, unsigned int seconds);

#endif
