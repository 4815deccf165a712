/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Failures on purpose; see fault.h. */
#include "dom0-toolstack/lib/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "dom0-toolstack/lib/error.h"

/* Does the variable name this step? */
static bool is_at(const char *variable, unsigned int step)
{
    const char *at = getenv(variable);

    return at != NULL && step == strtoul(at, NULL, 10);
}

void hl_fault_kill(void)
{
    static unsigned int steps;

    steps++;
    if (is_at("HOSPES_KILL_AT", steps))
        raise(SIGKILL);
    if (is_at("HOSPES_STOP_AT", steps))
        raise(SIGSTOP);
}

int hl_fault(const char *step, struct hl_error *e)
{
    static unsigned int steps;

    hl_fault_kill();
    steps++;
    if (!is_at("HOSPES_FAIL_AT", steps))
        return 0;
    return hl_fail(e, EIO, step, NULL, "made to fail by HOSPES_FAIL_AT=%u", steps);
}
