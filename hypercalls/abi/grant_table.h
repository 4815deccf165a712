/* SPDX-License-Identifier: MIT */
/* grant_table_op(cmd, array, count): one domain lends pages to another. */
#ifndef HOSPES_ABI_GRANT_TABLE_H
#define HOSPES_ABI_GRANT_TABLE_H

#include "xen.h"

/*
 * Each takes an array of its structure; the call's result is 0 if the array was read, and each
 * element has its own status.
 */
#define GNTTABOP_map_grant_ref     0
#define GNTTABOP_unmap_grant_ref   1
#define GNTTABOP_setup_table       2
#define GNTTABOP_dump_table        3
#define GNTTABOP_transfer          4
#define GNTTABOP_copy              5
#define GNTTABOP_query_size        6
#define GNTTABOP_unmap_and_replace 7
#define GNTTABOP_set_version       8
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version       10
#define GNTTABOP_swap_grant_ref    11
#define GNTTABOP_cache_flush       12

/* The status of an element */
#define GNTST_okay              (0)
#define GNTST_general_error     (-1)
#define GNTST_bad_domain        (-2)
#define GNTST_bad_gntref        (-3)
#define GNTST_bad_handle        (-4)
#define GNTST_bad_virt_addr     (-5)
#define GNTST_bad_dev_addr      (-6)
#define GNTST_no_device_space   (-7)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page          (-9)
#define GNTST_bad_copy_arg      (-10)
#define GNTST_address_too_big   (-11)
#define GNTST_eagain            (-12)
#define GNTST_no_space          (-13)
/* Texts for them: status s is element -s. */
#define GNTTABOP_error_msgs                                                                       \
    {                                                                                             \
        "no error", "error", "no such domain", "no such grant", "no such mapping",                \
            "bad virtual address", "bad device address", "IOMMU has no free slot", "not allowed", \
            "unusable page", "copy leaves the page", "address too large for the table's version", \
            "busy, try again", "no space",                                                        \
    }

/* --- The table that the lender writes --- */

typedef uint32_t grant_ref_t;

#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

/* flags of an entry: two bits of type, then rights and states */
#define GTF_invalid             (0U << 0)
#define GTF_permit_access       (1U << 0)
#define GTF_accept_transfer     (2U << 0)
#define GTF_transitive          (3U << 0)
#define GTF_type_mask           (3U << 0)
#define _GTF_readonly           (2)
#define GTF_readonly            (1U << _GTF_readonly)
#define _GTF_reading            (3) /* set by the hypervisor: mapped */
#define GTF_reading             (1U << _GTF_reading)
#define _GTF_writing            (4) /* set by the hypervisor: mapped writable */
#define GTF_writing             (1U << _GTF_writing)
#define _GTF_PWT                (5)
#define GTF_PWT                 (1U << _GTF_PWT)
#define _GTF_PCD                (6)
#define GTF_PCD                 (1U << _GTF_PCD)
#define _GTF_PAT                (7)
#define GTF_PAT                 (1U << _GTF_PAT)
#define _GTF_sub_page           (8) /* version 2: only a part of the page */
#define GTF_sub_page            (1U << _GTF_sub_page)
#define _GTF_transfer_committed (2) /* of accept_transfer */
#define GTF_transfer_committed  (1U << _GTF_transfer_committed)
#define _GTF_transfer_completed (3)
#define GTF_transfer_completed  (1U << _GTF_transfer_completed)

struct grant_entry_v1 {
    uint16_t flags;
    domid_t domid; /* who may use it */
    uint32_t frame;
};
typedef struct grant_entry_v1 grant_entry_v1_t;
XEN_ABI_SIZE(struct grant_entry_v1, 8);

struct grant_entry_header {
    uint16_t flags;
    domid_t domid;
};
typedef struct grant_entry_header grant_entry_header_t;

union grant_entry_v2 {
    grant_entry_header_t hdr;
    struct {
        grant_entry_header_t hdr;
        uint32_t pad0;
        uint64_t frame;
    } full_page;
    struct { /* copy only */
        grant_entry_header_t hdr;
        uint16_t page_off;
        uint16_t length;
        uint64_t frame;
    } sub_page;
    struct { /* passes on a grant of <trans_domid>; copy only */
        grant_entry_header_t hdr;
        domid_t trans_domid;
        uint16_t pad0;
        grant_ref_t gref;
    } transitive;
    uint32_t __spacer[4];
};
typedef union grant_entry_v2 grant_entry_v2_t;
XEN_ABI_SIZE(union grant_entry_v2, 16);

typedef uint16_t
    grant_status_t; /* version 2: GTF_reading and GTF_writing, in a table of their own */

/* --- Operations --- */

typedef uint32_t grant_handle_t; /* names a mapping, to its holder */

#define _GNTMAP_device_map      (0) /* for DMA: dev_bus_addr */
#define GNTMAP_device_map       (1 << _GNTMAP_device_map)
#define _GNTMAP_host_map        (1) /* for the CPU: at host_addr */
#define GNTMAP_host_map         (1 << _GNTMAP_host_map)
#define _GNTMAP_readonly        (2)
#define GNTMAP_readonly         (1 << _GNTMAP_readonly)
#define _GNTMAP_application_map (3) /* user space may use it too */
#define GNTMAP_application_map  (1 << _GNTMAP_application_map)
#define _GNTMAP_contains_pte    (4) /* host_addr is the machine address of a page-table entry */
#define GNTMAP_contains_pte     (1 << _GNTMAP_contains_pte)
#define _GNTMAP_guest_avail0    (16) /* bits for the entry's software bits, see XENFEAT */
#define GNTMAP_guest_avail_mask ((uint32_t)~0 << _GNTMAP_guest_avail0)

struct gnttab_map_grant_ref {
    uint64_t host_addr;    /* IN */
    uint32_t flags;        /* IN  GNTMAP_* */
    grant_ref_t ref;       /* IN */
    domid_t dom;           /* IN  the lender */
    int16_t status;        /* OUT GNTST_* */
    grant_handle_t handle; /* OUT */
    uint64_t dev_bus_addr; /* OUT */
};
XEN_ABI_STRUCT(gnttab_map_grant_ref);
XEN_ABI_SIZE(struct gnttab_map_grant_ref, 32);

struct gnttab_unmap_grant_ref {
    uint64_t host_addr;    /* IN  zero: leave the CPU's mapping */
    uint64_t dev_bus_addr; /* IN  zero: leave the device's mapping */
    grant_handle_t handle; /* IN */
    int16_t status;        /* OUT */
};
XEN_ABI_STRUCT(gnttab_unmap_grant_ref);
XEN_ABI_SIZE(struct gnttab_unmap_grant_ref, 24);

/* Unmaps, and moves the mapping at <new_addr> into the place. */
struct gnttab_unmap_and_replace {
    uint64_t host_addr;    /* IN */
    uint64_t new_addr;     /* IN */
    grant_handle_t handle; /* IN */
    int16_t status;        /* OUT */
};
XEN_ABI_STRUCT(gnttab_unmap_and_replace);

struct gnttab_setup_table {
    domid_t dom;                            /* IN */
    uint32_t nr_frames;                     /* IN  the table grows to this */
    int16_t status;                         /* OUT */
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* OUT <nr_frames> frames */
};
XEN_ABI_STRUCT(gnttab_setup_table);
XEN_ABI_SIZE(struct gnttab_setup_table, 24);

struct gnttab_dump_table {
    domid_t dom;    /* IN */
    int16_t status; /* OUT */
};
XEN_ABI_STRUCT(gnttab_dump_table);

struct gnttab_transfer {
    xen_pfn_t mfn;   /* IN */
    domid_t domid;   /* IN */
    grant_ref_t ref; /* IN */
    int16_t status;  /* OUT */
};
XEN_ABI_STRUCT(gnttab_transfer);

#define _GNTCOPY_source_gref (0)
#define GNTCOPY_source_gref  (1 << _GNTCOPY_source_gref)
#define _GNTCOPY_dest_gref   (1)
#define GNTCOPY_dest_gref    (1 << _GNTCOPY_dest_gref)
struct gnttab_copy {
    struct gnttab_copy_ptr { /* IN */
        union {
            grant_ref_t ref;
            xen_pfn_t gmfn;
        } u;
        domid_t domid;
        uint16_t offset;
    } source, dest;
    uint16_t len;   /* IN */
    uint16_t flags; /* IN  GNTCOPY_* */
    int16_t status; /* OUT */
};
XEN_ABI_STRUCT(gnttab_copy);
XEN_ABI_SIZE(struct gnttab_copy, 40);

struct gnttab_query_size {
    domid_t dom;            /* IN */
    uint32_t nr_frames;     /* OUT */
    uint32_t max_nr_frames; /* OUT */
    int16_t status;         /* OUT */
};
XEN_ABI_STRUCT(gnttab_query_size);

struct gnttab_set_version {
    uint32_t version; /* IN, OUT the version now in force */
};
XEN_ABI_STRUCT(gnttab_set_version);

struct gnttab_get_status_frames {
    uint32_t nr_frames;                    /* IN */
    domid_t dom;                           /* IN */
    int16_t status;                        /* OUT */
    XEN_GUEST_HANDLE(uint64_t) frame_list; /* OUT */
};
XEN_ABI_STRUCT(gnttab_get_status_frames);

struct gnttab_get_version {
    domid_t dom; /* IN */
    uint16_t pad;
    uint32_t version; /* OUT */
};
XEN_ABI_STRUCT(gnttab_get_version);

struct gnttab_swap_grant_ref {
    grant_ref_t ref_a; /* IN */
    grant_ref_t ref_b; /* IN */
    int16_t status;    /* OUT */
};
XEN_ABI_STRUCT(gnttab_swap_grant_ref);

#define GNTTAB_CACHE_CLEAN       (1u << 0)
#define GNTTAB_CACHE_INVAL       (1u << 1)
#define GNTTAB_CACHE_SOURCE_GREF (1u << 31)
struct gnttab_cache_flush {
    union {
        uint64_t dev_bus_addr;
        grant_ref_t ref; /* with GNTTAB_CACHE_SOURCE_GREF */
    } a;
    uint16_t offset;
    uint16_t length;
    uint32_t op; /* GNTTAB_CACHE_* */
};
XEN_ABI_STRUCT(gnttab_cache_flush);

#endif
