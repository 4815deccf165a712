/* SPDX-License-Identifier: MIT */
/* The domain's own grant table, version 1. */
#include "kit/grants.h"
#include "kit/hypercall.h"
#include "kit/io.h"
#include "kit/memory.h"

struct grant_entry_v1 *kit_grants;

/* Addresses at which the table's frames replace pages of ours. */
static char table_pages[KIT_GRANT_FRAMES][PAGE_SIZE] __attribute__((aligned(4096)));

void grants_init(void)
{
    static xen_pfn_t frames[KIT_GRANT_FRAMES];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = KIT_GRANT_FRAMES};

    set_xen_guest_handle(op.frame_list, frames);
    long rc = hv_grant_table_op(GNTTABOP_setup_table, &op, 1);
    if (rc != 0 || op.status != GNTST_okay) {
        kit_panic("no grant table: %ld, status %d", rc, op.status);
    }
    for (unsigned int i = 0; i < KIT_GRANT_FRAMES; i++) {
        rc = pte_write(table_pages[i], (uint64_t)frames[i] << 12 | PTE_KERNEL);
        if (rc != 0) {
            kit_panic("cannot map the grant table: %ld", rc);
        }
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
