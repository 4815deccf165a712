/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What to do when a domain has shut down. Pure decisions; guests.c carries them out. */
#ifndef HL_HOSPESD_POLICY_H
#define HL_HOSPESD_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct hl_domain_config;

enum policy {
    POLICY_LEAVE,          /* not our business: a suspend, which some tool is waiting for */
    POLICY_PRESERVE,       /* keep it for inspection */
    POLICY_DESTROY,        /* */
    POLICY_RESTART,        /* destroy it and make it anew */
    POLICY_RENAME_RESTART, /* keep it under another name and make it anew */
};

/*
 * The policy for a shutdown reason (enum hv_shutdown). *dump: it is for when the domain's memory is
 * in a file. `substituted` gets a word on what the config asked for when that is not possible and
 * something near to it is done, else NULL.
 */
enum policy policy_for(const struct hl_domain_config *c, unsigned int reason, bool *dump,
                       const char **substituted);

/* "destroy", … for messages. */
const char *policy_name(enum policy p);

/*
 * Milliseconds to wait before a restart. A guest that lived for a while restarts at once; one that
 * dies soon each time waits 1, 2, 4 … up to 60 seconds. *streak counts its short lives.
 */
uint64_t policy_restart_delay(uint64_t lived_seconds, unsigned int *streak);

#endif
