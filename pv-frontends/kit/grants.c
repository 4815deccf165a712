/* SPDX-License-Identifier: MIT */
/* The domain's own grant table, version 1. */
#include "kit/grants.h"
#include "kit/hypercall.h"
#include "kit/io.h"
#include "kit/memory.h"

struct grant_entry_v1 *kit_grants;

/* Addresses at which the table's frames replace pages of ours. */
static char table_pages[KIT_MAX_GRANT_FRAMES][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned int frames_mapped;

/* References given back, chained by next_free; those from never_used on were not given out yet. */
static grant_ref_t next_free[KIT_MAX_GRANT_FRAMES * KIT_GRANTS_PER_FRAME];
static grant_ref_t first_free, never_used = KIT_RESERVED_GRANTS;

/* Maps the table up to `count` frames. */
static void map_frames(unsigned int count)
{
    static xen_pfn_t frames[KIT_MAX_GRANT_FRAMES];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = count};

    set_xen_guest_handle(op.frame_list, frames);
    long rc = hv_grant_table_op(GNTTABOP_setup_table, &op, 1);
    if (rc != 0 || op.status != GNTST_okay) {
        kit_panic("no grant table of %u frames: %ld, status %d", count, rc, op.status);
    }
    for (unsigned int i = frames_mapped; i < count; i++) {
        rc = pte_write(table_pages[i], (uint64_t)frames[i] << 12 | PTE_KERNEL);
        if (rc != 0) {
            kit_panic("cannot map the grant table: %ld", rc);
        }
    }
    frames_mapped = count;
}

void grants_init(void)
{
    if (frames_mapped == 0) {
        map_frames(KIT_GRANT_FRAMES);
    }
    kit_grants = (struct grant_entry_v1 *)table_pages;
}

void grant_access(grant_ref_t ref, domid_t dom, unsigned long mfn, uint16_t flags)
{
    volatile struct grant_entry_v1 *entry = &kit_grants[ref];

    entry->frame = (uint32_t)mfn;
    entry->domid = dom;
    barrier(); /* the flags make the entry valid: they come last */
    entry->flags = (uint16_t)(GTF_permit_access | flags);
}

bool grant_end(grant_ref_t ref)
{
    uint16_t flags = *(volatile uint16_t *)&kit_grants[ref].flags;

    do {
        if (flags & (GTF_reading | GTF_writing)) {
            return false;
        }
        /* The hypervisor may take the grant into use between the test and the store. */
    } while (!__atomic_compare_exchange_n(&kit_grants[ref].flags, &flags, 0, false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return true;
}

grant_ref_t grant_alloc(domid_t dom, unsigned long mfn, uint16_t flags)
{
    grant_ref_t ref = first_free;

    if (ref != 0) {
        first_free = next_free[ref];
    } else {
        ref = never_used++;
        if (ref >= KIT_MAX_GRANT_FRAMES * KIT_GRANTS_PER_FRAME) {
            kit_panic("all grants are in use");
        }
        if (ref >= frames_mapped * KIT_GRANTS_PER_FRAME) {
            map_frames(frames_mapped + 1);
        }
    }
    grant_access(ref, dom, mfn, flags);
    return ref;
}

bool grant_free(grant_ref_t ref)
{
    if (!grant_end(ref)) {
        return false;
    }
    next_free[ref] = first_free;
    first_free = ref;
    return true;
}
