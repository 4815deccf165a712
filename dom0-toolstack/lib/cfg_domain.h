/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the settings of a .cfg file to a domain's configuration. */
#ifndef HL_CFG_DOMAIN_H
#define HL_CFG_DOMAIN_H

#include "dom0-toolstack/lib/cfg.h"

struct hl_domain_config;

/* Gets each warning as one line without a newline: "FILE:LINE:COLUMN: warning: …". */
typedef void cfg_warn_fn(void *opaque, const char *text);

/*
 * Fills an initialised config (hl_domain_config_init()) from all settings. Checks types and ranges,
 * refuses keys and values that are not supported yet, and warns of unknown keys. `source` names the
 * whole in messages without a line. 0, or -1 with *err filled; place.line is 0 where no single line
 * is to blame.
 */
int cfg_to_domain(const struct cfg *cfg, const char *source, struct hl_domain_config *c,
                  cfg_warn_fn *warn, void *opaque, struct cfg_error *err);

#endif
