/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables: a domain lets another map, or copy to and from, single frames of its own.
 * v1 entries (v2 is refused with -ENOSYS-like answer as the ABI allows: set_version).
 */
#ifndef XEN_DOMAIN_GRANT_TABLE_H
#define XEN_DOMAIN_GRANT_TABLE_H
#include "domain/domain.h"
#include "hypercalls/abi/grant_table.h"

int grant_table_init(struct domain *d, int max_frames, int max_maptrack, unsigned int max_version);
/* Release d's mappings of others' grants (preemptible: -ERESTART), at death. */
int grant_release_mappings(struct domain *d);
void grant_table_free(struct domain *d);

/* Per-entry operations behind grant_table_op; each fills op->status (GNTST_*). Callers (the gate)
 * loop, preempt and flush; map/unmap tell by *flush whether TLBs must be flushed at the end. */
void grant_map(struct gnttab_map_grant_ref *op);
void grant_unmap(struct gnttab_unmap_grant_ref *op, bool *flush);
void grant_copy(struct gnttab_copy *op);
/* MFN of frame idx of the table, growing it: for add_to_physmap, setup_table, acquire_resource. */
int grant_table_frame(struct domain *d, unsigned long idx, mfn_t *mfn);

#endif
