/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's entries in xenstore, in the layout that libxl leaves (so that guests, back ends and other
 * toolstacks find what they look for). Internal to the library.
 */
#ifndef HL_DOMAIN_STORE_H
#define HL_DOMAIN_STORE_H

#include <stdint.h>

struct hl_build_result;
struct hl_ctx;
struct hl_domain_config;
struct hl_error;

/* Writes all entries in one transaction. */
int domain_store_write(struct hl_ctx *ctx, const struct hl_domain_config *c,
                       const struct hl_build_result *r, struct hl_error *e);

/* Removes all that was written for the domain, by us or by back ends; absent ones are fine. */
void domain_store_remove(struct hl_ctx *ctx, uint32_t domid, const uint8_t uuid[16]);

#endif
