/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text tables of hl, column by column as xl prints them: programs read these. Pure functions of
 * their arguments, so that the tests can compare with xl's own output.
 */
#ifndef HL_HL_FORMAT_H
#define HL_HL_FORMAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dom0-toolstack/lib/hv_domain.h"

/* Which extra columns `list` shows. */
struct list_columns {
    bool verbose, context, cpupool, numa, claims;
};

/* "r-----": running, blocked, paused, shut down, its reason as one of "-rscwS", dying. */
void format_state(const struct hv_domain_info *info, char out[7]);

/* The same in words for JSON: "running", "shutdown", … */
const char *state_word(const struct hv_domain_info *info);
const char *reason_word(unsigned int reason);

/* Memory that a domain has or has claimed, in MiB. */
uint64_t domain_mib(const struct hv_domain_info *info);

void list_header(FILE *f, const struct list_columns *c);
void list_row(FILE *f, const struct list_columns *c, const char *name,
              const struct hv_domain_info *info, const char *pool);

void vcpu_header(FILE *f);
void vcpu_row(FILE *f, const char *name, uint32_t domid, const struct hv_vcpu_info *v,
              const char *hard, const char *soft);

/* "3 days, 4:05:06" or "0:00:21"; the short form is " 0:21" without seconds. */
void format_uptime(uint64_t seconds, bool short_form, char *out, size_t size);

/* "2048m" → KiB; a bare number counts MiB, as in xl; units b k m g t. False if it is none. */
bool parse_memory(const char *text, uint64_t *kib);

#endif
