/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a domain out of its configuration, up to "paused, in xenstore, introduced". What fails
 * half-way is undone completely: no domain, no xenstore path and no file stays.
 */
#ifndef HL_BUILD_H
#define HL_BUILD_H

#include <stdbool.h>
#include <stdint.h>

struct creation;
struct hl_ctx;
struct hl_domain_config;
struct hl_error;

struct hl_build_result {
    uint32_t domid;
    uint8_t uuid[16];
    bool kernel_from_cache;
    uint32_t console_port, store_port; /* the guest's event channels */
    uint64_t console_mfn, store_mfn;
    /* How long each part took, for `create -v` and the bench. */
    uint64_t us_kernel, us_build, us_store;
};

/*
 * Builds the domain, writes its xenstore entries and keeps its configuration as
 * HL_STATE_DIR/domains/UUID.json (see record.h). The caller unpauses it. Refuses a name or a uuid
 * that another domain has (-EEXIST).
 *
 * `guard` (IN: CREATION_NONE) is begun when the domain is, and ended by the caller when it is
 * complete or when this failed (creation.h). NULL for a caller that sees to it otherwise that a
 * domain which it did not complete goes.
 */
int hl_domain_build(struct hl_ctx *ctx, const struct hl_domain_config *config,
                    struct creation *guard, struct hl_build_result *result, struct hl_error *e);

#endif
