/* SPDX-License-Identifier: MIT */
/*
 * A client of xenstore over the guest's own ring (start_info's store page; the messages are those of
 * hypercalls/abi/io-xs_wire.h). One request at a time; watch events that arrive meanwhile are queued. Paths without a
 * leading slash are below the domain's own /local/domain/ID. For the boot vCPU only.
 *
 * All functions that return long give 0 or more, or a negative error (-XEN_ENOENT ...), which is what xenstored answered;
 * -XEN_EIO: its answer made no sense.
 */
#ifndef DRIVERS_STORE_H
#define DRIVERS_STORE_H

#include "kit/abi.h"
#include "hypercalls/abi/io-xs_wire.h"

#define STORE_PATH_MAX 256

/* Takes up the ring; its port stays masked, and is polled. */
void store_init(void);

/* Any request: `body` as it goes over the wire. Copies up to size-1 bytes of the answer to `reply`, NUL-terminated, and
 * returns the answer's whole length. tx: 0 or a transaction. */
long store_request(uint32_t type, uint32_t tx, const void *body, size_t length, char *reply,
                   size_t size);

long store_read(uint32_t tx, const char *path, char *value, size_t size);
/* A decimal number, 0x for hexadecimal. */
long store_read_number(uint32_t tx, const char *path, unsigned long *value);
/* Writes a value of at most 255 characters. */
__attribute__((format(printf, 3, 4))) long store_write(uint32_t tx, const char *path,
                                                       const char *format, ...);
long store_rm(uint32_t tx, const char *path);
long store_mkdir(uint32_t tx, const char *path);
/* The children's names, each with a NUL, an empty one after the last. Returns how many. */
long store_list(uint32_t tx, const char *path, char *names, size_t size);

long store_begin(uint32_t *tx);
/* -XEN_EAGAIN: somebody else wrote what was read: do all of it again. */
long store_end(uint32_t tx, bool commit);

long store_watch(const char *path, const char *token);
long store_unwatch(const char *path, const char *token);
/* The next event's token (one event fires at once for each new watch). False at the deadline: system time in
 * nanoseconds, 0: never. */
bool store_next_event(char *token, size_t size, uint64_t deadline);

/* Joins directory and name. */
const char *store_path(char *out, size_t size, const char *directory, const char *name);

#endif
