/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl(op): the toolstack's operations on the host. */
#include "hypercalls/hypercall.h"

HYPERCALL(hc_sysctl)
{
    return hypercall_enosys("sysctl", 0);
}
