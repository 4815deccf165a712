/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process for a device: who comes second waits until the first has ended, and goes on with what it left. The lock is a
 * byte of the file /run/hospes/KIND.lock, held by the open file: it goes with the process, however that ends, and no file
 * of a device stays behind.
 */
#ifndef PVB_TURN_H
#define PVB_TURN_H

struct hl_error;

/*
 * `path`: the device's in xenstore, .../DOMID/DEVID. Once in a process, before it handles SIGTERM, which so ends one that
 * waits: a handler that is run just before the wait would not end it.
 */
int turn_wait(const char *kind, const char *path, struct hl_error *e);

#endif
