/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making room for a new domain by shrinking Domain 0. */
#ifndef HL_HOST_MEMORY_H
#define HL_HOST_MEMORY_H

#include <stdint.h>

struct hl_ctx;
struct hl_error;

/*
 * Sees to it that the host has `kib` KiB free. Where it has not, Domain 0 is asked to give memory
 * back, unless its size was fixed by dom0_mem= on the hypervisor's command line (xl's autoballoon=
 * "auto"), and never below 128 MiB. -ENOMEM when the room cannot be made, and then Domain 0 has its
 * memory again.
 */
int hl_host_make_room(struct hl_ctx *ctx, uint64_t kib, struct hl_error *e);

#endif
