/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system calls that serving a disk takes, once its image is open. */
#ifndef PVB_BLOCK_SANDBOX_H
#define PVB_BLOCK_SANDBOX_H

#include <stdbool.h>

struct hl_error;

/* Gives up all others (lib/sandbox.h). `drive`: it may open another image later, which may be behind a server. */
int block_sandbox(bool drive, struct hl_error *e);

#endif
