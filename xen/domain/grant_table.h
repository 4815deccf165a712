/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables: a domain (the lender) lets another (the borrower) map, or copy to and from, single
 * frames of its own. Version 1 entries; version 2 is refused by set_version.
 *
 * A mapping holds, until it is ended: a pin on the entry (the GTF_reading and GTF_writing bits
 * that the lender sees), a reference of the right kind on the frame, one on the lender, and a
 * handle in the borrower's map track.
 */
#ifndef XEN_DOMAIN_GRANT_TABLE_H
#define XEN_DOMAIN_GRANT_TABLE_H
#include "domain/domain.h"
#include "hypercalls/abi/grant_table.h"

/* Limits in frames, as in createdomain; negative: the default. */
/* Whether a domain may have these; negative ones are the defaults. */
bool grant_table_limits_ok(int max_frames, int max_maptrack);
int grant_table_init(struct domain *d, int max_frames, int max_maptrack, unsigned int max_version);
/* Release d's mappings of others' grants (preemptible: -ERESTART), at death. */
int grant_release_mappings(struct domain *d);
void grant_table_free(struct domain *d);

/* Map for current; fills status, handle and dev_bus_addr of the checked copy. */
void grant_map(struct gnttab_map_grant_ref *op);

/*
 * End mappings of current, in two steps, so that one TLB flush between them serves many: begin takes
 * the page-table entry away; end must follow, after the flush, which is needed if a host part ends.
 */
struct grant_unmap {
    int16_t status;
    bool writable;
    bool last;     /* the handle is free afterwards */
    uint8_t parts; /* GNTMAP_host_map, GNTMAP_device_map: what is being ended */
    grant_handle_t handle;
    struct domain *lender;
    grant_ref_t ref;
    uint32_t mfn;
};
void grant_unmap_begin(struct grant_unmap *u, uint64_t host_addr, uint64_t dev_bus_addr,
                       grant_handle_t handle);
void grant_unmap_end(struct grant_unmap *u);

/*
 * One side of copies: a frame in use, kept between operations that name the same one. Starts
 * as zeros; grant_copy_release() at the end of a batch.
 */
struct grant_copy_side {
    struct domain *d;    /* referenced, or NULL */
    struct frame *frame; /* in use, or NULL */
    bool is_ref, writable;
    domid_t domid;
    uint64_t number; /* reference or frame, as named by the guest */
};
int16_t grant_copy(const struct gnttab_copy *op, struct grant_copy_side *source,
                   struct grant_copy_side *dest);
void grant_copy_release(struct grant_copy_side *side);

/* MFN of frame idx of the table, growing it: for add_to_physmap, setup_table, acquire_resource.
 * -EINVAL beyond the limit, -ENOMEM. */
int grant_table_frame(struct domain *d, unsigned long idx, mfn_t *mfn);
/* Frames that the table has and may have. */
void grant_table_size(const struct domain *d, uint32_t *nr, uint32_t *max);
/* Exchange two of current's entries, neither in use. GNTST_* */
int16_t grant_swap(grant_ref_t a, grant_ref_t b);

#endif
