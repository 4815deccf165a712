/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl(op): the toolstack's operations on domains. */
#include "hypercalls/hypercall.h"

HYPERCALL(hc_domctl)
{
    return hypercall_enosys("domctl", 0);
}
