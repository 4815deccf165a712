/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configurations of living domains on disk: /var/lib/hospes/domains/UUID.json. hospesd makes a
 * rebooting domain again from it; `hl list -l` prints it. Environment HOSPES_STATE_DIR moves it.
 */
#ifndef HL_RECORD_H
#define HL_RECORD_H

#include <stdint.h>

struct hl_domain_config;
struct hl_error;

#define HL_STATE_DIR "/var/lib/hospes"

/* Written atomically (temporary name, fsync, rename). */
int hl_record_save(const struct hl_domain_config *c, struct hl_error *e);
/* Into an uninitialised config; -ENOENT when there is none (made by another toolstack). */
int hl_record_load(const uint8_t uuid[16], struct hl_domain_config *c, struct hl_error *e);
void hl_record_remove(const uint8_t uuid[16]);

#endif
