/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the frontends that mean ill have in common. For the boot vCPU. */
#ifndef TESTS_FRONT_HOSTILE_H
#define TESTS_FRONT_HOSTILE_H

#include "drivers/front.h"

#define MS       1000000ull
#define PATIENCE (60000 * MS) /* more than the slowest answer of a busy machine takes */

void nap(uint64_t nanoseconds);

/* Closes until the backend is closed: its word on how it ended may come in two parts, an error, then the end. False: it does
 * not close. */
bool hostile_settle(struct front *f);

/*
 * From the beginning until the backend waits for details, as front_begin(), also after states that changed faster than the
 * backend looked: it may answer an old one after its last end, and then hears of no beginning.
 */
bool hostile_begin(struct front *f);

/*
 * The same for after such states: what the backend is still doing is over, and nothing is mapped. It reads our state when it
 * looks, so only the look that was under way can have seen an old one; once it has begun anew, that is behind it.
 */
bool hostile_calm(struct front *f);

/* Calls `change` over and over on vCPU 1, the round counted, from now until stop_changing(). False: there is one vCPU only. */
bool start_changing(void (*change)(unsigned int round));
void stop_changing(void);

/* A word of the command line, NAME=NUMBER; `otherwise` if it is not there. */
unsigned long option_number(const char *name, unsigned long otherwise);

#endif
