/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Failures on purpose; see fault.h. */
#include "dom0-toolstack/lib/fault.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "dom0-toolstack/lib/error.h"

void hl_fault_kill(void)
{
    static unsigned int steps;
    const char *at = getenv("HOSPES_KILL_AT");

    steps++;
    if (at != NULL && steps == strtoul(at, NULL, 10))
        raise(SIGKILL);
}

int hl_fault(const char *step, struct hl_error *e)
{
    static unsigned int steps;
    const char *at = getenv("HOSPES_FAIL_AT");

    hl_fault_kill();
    steps++;
    if (at == NULL || steps != strtoul(at, NULL, 10))
        return 0;
    return hl_fail(e, EIO, step, NULL, "made to fail by HOSPES_FAIL_AT=%s", at);
}
