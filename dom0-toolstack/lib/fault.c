/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Failures on purpose; see fault.h. */
#include "dom0-toolstack/lib/fault.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "dom0-toolstack/lib/error.h"

int hl_fault(const char *step, struct hl_error *e)
{
    static unsigned int steps;
    const char *at = getenv("HOSPES_FAIL_AT");

    if (at == NULL || ++steps != strtoul(at, NULL, 10))
        return 0;
    return hl_fail(e, EIO, step, NULL, "made to fail by HOSPES_FAIL_AT=%s", at);
}
