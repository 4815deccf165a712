/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a backend may still ask of the kernel once it serves a guest: a list of system calls (seccomp). Any other ends the
 * process, with a line on stderr that names the call: hospesd then starts it again.
 */
#ifndef PVB_SANDBOX_H
#define PVB_SANDBOX_H

#include <stddef.h>

struct hl_error;

/* One call. With `only` set, only when its argument number `argument` (as 32 bits) is `value`; several rows of the same call
 * allow each of theirs. */
struct sandbox_call {
    int number; /* SYS_… */
    unsigned int only, argument, value;
};

/*
 * From here on this process and its children have the calls that every backend needs (memory, signals and time, reading and
 * writing what is open, xenstore by its socket, grants and event channels), and those of `more`. For good. 0 or a
 * negative errno; then nothing is changed.
 */
int sandbox_enter(const struct sandbox_call *more, size_t count, struct hl_error *e);

#endif
