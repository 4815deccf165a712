/* SPDX-License-Identifier: MIT */
/* The domain's own grant table, version 1. */
#ifndef KIT_GRANTS_H
#define KIT_GRANTS_H

#include "kit/abi.h"

#define KIT_GRANTS_PER_FRAME (4096 / sizeof(struct grant_entry_v1))
#define KIT_GRANT_FRAMES     1
#define KIT_NR_GRANTS        (KIT_GRANT_FRAMES * KIT_GRANTS_PER_FRAME)
#define KIT_MAX_GRANT_FRAMES 8
/* The first references are the toolstack's: console and xenstore. */
#define KIT_RESERVED_GRANTS 8

/* The table, mapped by grants_init(). */
extern struct grant_entry_v1 *kit_grants;

/* Maps the first KIT_GRANT_FRAMES frames of the table, once; grant_alloc() adds more when it needs them. */
void grants_init(void);

/* Lets `dom` use the frame `mfn` through `ref` (GTF_readonly in flags: to read only). */
void grant_access(grant_ref_t ref, domid_t dom, unsigned long mfn, uint16_t flags);

/* Takes it back. False if it is still in use; it then stays granted. */
bool grant_end(grant_ref_t ref);

/* As grant_access() with a reference that nobody uses; panics when there is none. */
grant_ref_t grant_alloc(domid_t dom, unsigned long mfn, uint16_t flags);

/* Ends what grant_alloc() gave. False if the other domain still has it: the reference stays taken, and
 * the frame must not be used for anything else. */
bool grant_free(grant_ref_t ref);

#endif
