/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's configuration out of a .cfg file and the command line's key=value. */
#ifndef HL_HL_CONFIG_FILE_H
#define HL_HL_CONFIG_FILE_H

#include <stdbool.h>

struct app;
struct hl_domain_config;

struct config_input {
    const char *file; /* NULL: only the overrides */
    char **overrides; /* "key=value; key=value" each */
    int nr_overrides;
    bool quiet; /* no warnings */
};

/*
 * Reads, parses, checks. 0 with *c to be freed by hl_domain_config_free(); else an exit code after
 * the error was printed, and *c as after init.
 */
int config_load(struct app *app, const struct config_input *in, struct hl_domain_config *c);

#endif
