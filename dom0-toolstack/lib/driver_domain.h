/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains that serve devices of others, as Domain 0 sees them (backend= in the devices' configuration). What they do
 * themselves is in hotplug.h. Internal to the library.
 */
#ifndef HL_DRIVER_DOMAIN_H
#define HL_DRIVER_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

struct hl_ctx;
struct hl_error;

/* "0", "Domain-0" or NULL: no other domain is meant. */
bool driver_domain_is_none(const char *name);

/* By name or number; it must live, and be another than `guest`, whose device it is to serve. -errno with a record. */
int driver_domain_find(struct hl_ctx *ctx, const char *name, uint32_t guest, uint32_t *domid,
                       struct hl_error *e);

/* Is there anybody to answer? Not where it has ended, or has shut down and waits to be destroyed. */
bool driver_domain_lives(struct hl_ctx *ctx, uint32_t domid);

#endif
