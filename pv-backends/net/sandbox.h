/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hospes-net may still ask of the kernel while it serves; see pv-backends/lib/sandbox.h. */
#ifndef PVB_NET_SANDBOX_H
#define PVB_NET_SANDBOX_H

#include <stdbool.h>

struct hl_error;

/* `user`: its port is a network of its own, by sockets; else a TAP interface. 0 or a negative errno. */
int net_sandbox(bool user, struct hl_error *e);

#endif
