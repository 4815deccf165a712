/* SPDX-License-Identifier: MIT */
/* The domain's own grant table, version 1. */
#ifndef KIT_GRANTS_H
#define KIT_GRANTS_H

#include "kit/abi.h"

#define KIT_GRANT_FRAMES 1
#define KIT_NR_GRANTS    (KIT_GRANT_FRAMES * 4096 / sizeof(struct grant_entry_v1))

/* The table, mapped by grants_init(). */
extern struct grant_entry_v1 *kit_grants;

void grants_init(void);

/* Lets `dom` use the frame `mfn` through `ref` (GTF_readonly in flags: to read only). */
void grant_access(grant_ref_t ref, domid_t dom, unsigned long mfn, uint16_t flags);

/* Takes it back. False if it is still in use; it then stays granted. */
bool grant_end(grant_ref_t ref);

#endif
