/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a backend through the states (hypercalls/abi/io-xenbus.h), whatever it serves:
 *
 *   the frontend's           ours becomes
 *   Initialising             InitWait, after Closing and Closed: it comes (again), and gets an offer
 *   Initialised, Connected   Connected, after InitWait
 *   Closing                  Closing
 *   Closed, or gone          Closed, and the end where the toolstack does not want the device any more (online = 0)
 */
#ifndef PVB_STATES_H
#define PVB_STATES_H

#include <stdbool.h>

#include "pv-backends/lib/backend.h"

/* What a kind of device does at its turns; `device` is that of struct states. */
struct states_kind {
    /* Writes what it can do, inside backend_change(); seen with the state InitWait. */
    void (*offer)(struct backend *b, void *device);
    /* May it connect, apart from the states? NULL: always. */
    bool (*ready)(const struct backend *b);
    /* To the frontend's rings; `again`: an earlier backend, which was killed, was. Undoes itself when it fails. */
    int (*connect)(void *device, bool again, struct hl_error *e);
    /* What is to be seen with the state Connected. NULL: nothing more. */
    void (*tell)(struct backend *b, void *device);
    /* Undoes `connect`; may be called when there is nothing to undo. */
    void (*disconnect)(void *device);
    /* It has ended and does not come again: gives back what others may take as soon as they see Closed. NULL: nothing. */
    void (*over)(void *device);
    /* Other nodes of ours may have changed. NULL: they never do. */
    void (*changed)(void *device, struct hl_error *e);
};

struct states {
    const struct states_kind *kind;
    struct backend *b;
    void *device;
    bool connected;
};

/* Goes on from the states that an earlier backend, which was killed, left; else offers the device. */
int states_begin(struct states *s, struct hl_error *e);

/* Takes the watch events that have come, and a step if there is one to take. False: the device is gone, its end has come. */
bool states_changed(struct states *s);

/* Says why, and ends the connection; the frontend may come again. Clears the record. */
void states_give_up(struct states *s, struct hl_error *e);

#endif
