/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every backend has: a directory in xenstore (/local/domain/B/backend/KIND/DOMID/DEVID, B being 0 or a driver domain), a frontend in another domain,
 * grants and event channels. The states that both ends go through are in hypercalls/abi/io-xenbus.h.
 *
 * One process serves one device, one thread. Functions that can fail give 0 or a negative errno and fill the record.
 */
#ifndef PVB_BACKEND_H
#define PVB_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "hypercalls/abi/io-xenbus.h"

struct evtchn;
struct gntdev;
struct hl_error;
struct hs;

struct backend {
    struct hs *xs;
    struct evtchn *ev;
    struct gntdev *grants;
    char *path, *frontend; /* the two directories */
    uint32_t domid;        /* the frontend's */
    uint32_t tx;           /* inside backend_change(): its transaction */
};

/* Opens the devices and watches our directory and the frontend's state. -ENOENT: there is no such device. Undone by
 * backend_close(), which leaves the nodes as they are. */
int backend_open(struct backend *b, const char *path, struct hl_error *e);
void backend_close(struct backend *b);

/* Nodes of our directory and of the frontend's. Text is to be freed, NULL when missing; a number that is missing or none
 * is `otherwise`. A frontend writes what it likes: numbers are within 0 to UINT32_MAX, everything else is for the caller. */
char *backend_text(const struct backend *b, const char *key);
long long backend_number(const struct backend *b, const char *key, long long otherwise);
long long backend_front_number(const struct backend *b, const char *key, long long otherwise);
char *backend_front_text(const struct backend *b, const char *key);

/* Writes a node of our directory. Only while the toolstack's nodes stand there: what it removed never comes back by a
 * late word of ours (-ENOENT). Inside backend_change() part of that change. */
int backend_write(struct backend *b, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for several nodes: what `write` writes is seen at once, or never. It may be called more than once. */
int backend_change(struct backend *b, void (*write)(struct backend *b, void *opaque), void *opaque);

enum xenbus_state backend_state(const struct backend *b);
enum xenbus_state backend_front_state(const struct backend *b);
int backend_set_state(struct backend *b, enum xenbus_state state);

/* Says why the device does not work where hl and people look: hotplug-error, and the store's error directory. */
void backend_complain(struct backend *b, const struct hl_error *e);

/* Reads all watch events that have come; false when there was none. */
bool backend_events(struct backend *b);

#endif
