/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process for a device: who comes second waits until the first has ended, and goes on with what it left. The lock, a
 * file below /run/hospes/FOLDER, goes with the process.
 */
#ifndef PVB_TURN_H
#define PVB_TURN_H

#include <signal.h>

struct hl_error;

/* `path`: the device's in xenstore. -EINTR when *stop was set meanwhile. Once in a process. */
int turn_wait(const char *folder, const char *path, const volatile sig_atomic_t *stop,
              struct hl_error *e);

/* Removes the file: the device is gone, and nobody will wait for it any more. Nothing, before turn_wait(). */
void turn_forget(void);

#endif
