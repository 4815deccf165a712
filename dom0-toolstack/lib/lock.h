/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks between the programs of the toolstack: byte ranges of one file in HOSPES_RUN_DIR, so that
 * nothing is left when their owner dies. Taken in the order name, domain, disks, network.
 */
#ifndef HL_LOCK_H
#define HL_LOCK_H

#include <stddef.h>
#include <stdint.h>

struct hl_error;

#define LOCK_DOMAIN(domid) ((uint64_t)(domid)) /* a domain's devices change */
#define LOCK_DISKS         ((uint64_t)1 << 32) /* who uses which disk is looked at */
#define LOCK_NETWORK       ((uint64_t)2 << 32) /* bridges of our own come and go */
#define LOCK_NAMES         ((uint64_t)3 << 32) /* and those above: lock_take_name() */

/* Waits for the lock. A descriptor for lock_drop(), or a negative errno. */
int lock_take(uint64_t what, struct hl_error *e);
/* The same in a file of its own, /run/hospes/NAME. */
int lock_take_in(const char *name, uint64_t what, struct hl_error *e);
/* As lock_take(), for a name that a domain is to have: from when one sees that it is free until it stands in xenstore. Names of
 * the same hash wait for each other, too. */
int lock_take_name(const char *name, struct hl_error *e);
/* -1 is fine. */
void lock_drop(int fd);

/* "HOSPES_RUN_DIR/NAME", the default being /run/hospes; makes the folder. */
int run_path(char *out, size_t size, const char *name);

#endif
