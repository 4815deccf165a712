/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's memory for a new domain: making room by shrinking Domain 0, and saying who has it all. */
#ifndef HL_HOST_MEMORY_H
#define HL_HOST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct hl_ctx;
struct hl_error;

/*
 * Sees to it that the host has `kib` KiB free. Where it has not, Domain 0 is asked to give memory
 * back, if xl.conf's autoballoon= allows it, and never below 128 MiB. -ENOMEM when the room cannot be
 * made, with hl_host_short_of()'s record, and then Domain 0 has its memory again.
 */
int hl_host_make_room(struct hl_ctx *ctx, uint64_t kib, struct hl_error *e);

/*
 * -ENOMEM, with a record of how much of `kib` is missing where `have` KiB are free, and who holds
 * the host's memory. `fixed`: Domain 0 is not shrunk by itself.
 */
int hl_host_short_of(struct hl_ctx *ctx, uint64_t kib, uint64_t have, bool fixed,
                     struct hl_error *e);

/* Does the hypervisor's command line say how much Domain 0 gets (dom0_mem=SIZE)? */
bool hl_dom0_mem_given(const char *commandline);

#endif
