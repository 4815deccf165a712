/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's memory and vCPUs as a file: `dump-core`, and what hospesd keeps of a crash. */
#ifndef HL_DOMAIN_DUMP_H
#define HL_DOMAIN_DUMP_H

#include <stdbool.h>
#include <stdint.h>

struct hl_error;
struct hv;

#define HL_DUMP_DIR "/var/lib/xen/dump" /* where xl has them */

struct hl_dump_options {
    bool pause; /* the domain stands still meanwhile: all of the dump is of one moment */
    bool crash; /* the same, and it goes on no more: it crashes when the dump is complete */
    bool (*stop)(void *opaque); /* asked now and then; true ends it, -EINTR. NULL: never */
    void *opaque;
};

struct hl_dump {
    uint64_t pages;    /* in the file */
    uint64_t left_out; /* the domain has them, but they could not be had */
};

/*
 * Writes the dump of a PV domain, alive or shut down, to `path` (see core_file.h), which has that
 * name only once it is complete: on failure nothing of it stays, and the domain is as it was. `out`
 * may be NULL.
 */
int hl_domain_dump(struct hv *hv, uint32_t domid, const char *path, const struct hl_dump_options *o,
                   struct hl_dump *out, struct hl_error *e);

#endif
