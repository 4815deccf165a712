/* SPDX-License-Identifier: MIT */
/*
 * memory_op(cmd, arg): a domain's frames. Commands that can be long count progress in bits 6 and up
 * of cmd.
 */
#ifndef HOSPES_ABI_MEMORY_H
#define HOSPES_ABI_MEMORY_H

#include "xen.h"
#include "physdev.h"

#define XENMEM_increase_reservation       0
#define XENMEM_decrease_reservation       1
#define XENMEM_maximum_ram_page           2 /* result: the host's highest MFN */
#define XENMEM_current_reservation        3 /* xen_memory_domain; result: pages */
#define XENMEM_maximum_reservation        4
#define XENMEM_machphys_mfn_list          5
#define XENMEM_populate_physmap           6
#define XENMEM_add_to_physmap             7
#define XENMEM_memory_map                 9
#define XENMEM_machine_memory_map         10
#define XENMEM_exchange                   11
#define XENMEM_machphys_mapping           12
#define XENMEM_set_memory_map             13
#define XENMEM_maximum_gpfn               14 /* xen_memory_domain; result: the highest PFN */
#define XENMEM_remove_from_physmap        15
#define XENMEM_set_pod_target             16
#define XENMEM_get_pod_target             17
#define XENMEM_get_sharing_freed_pages    18 /* result: pages */
#define XENMEM_get_sharing_shared_pages   19 /* result: pages */
#define XENMEM_paging_op                  20
#define XENMEM_access_op                  21
#define XENMEM_sharing_op                 22
#define XENMEM_add_to_physmap_batch       23
#define XENMEM_claim_pages                24
#define XENMEM_machphys_compat_mfn_list   25
#define XENMEM_get_vnumainfo              26
#define XENMEM_reserved_device_memory_map 27
#define XENMEM_acquire_resource           28

/* mem_flags of a reservation: width of the address, NUMA node plus one, flags */
#define XENMEMF_address_bits(x)     (x)
#define XENMEMF_get_address_bits(x) ((x)&0xffu)
#define XENMEMF_node(x)             (((x) + 1) << 8)
#define XENMEMF_get_node(x)         ((((x) >> 8) - 1) & 0xffu)
#define XENMEMF_populate_on_demand  (1 << 16)
#define XENMEMF_exact_node_request  (1 << 17)
#define XENMEMF_exact_node(n)       (XENMEMF_node(n) | XENMEMF_exact_node_request)
#define XENMEMF_vnode               (1 << 18) /* the node is a virtual one */

/* increase: OUT frames. decrease: IN frames to give back. populate: IN guest frames, OUT (PV) MFNs.
 * The result is the number of extents done. */
struct xen_memory_reservation {
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start;
    xen_ulong_t nr_extents;
    unsigned int extent_order;
    unsigned int mem_flags; /* XENMEMF_* */
    domid_t domid;
};
XEN_ABI_STRUCT(xen_memory_reservation);
XEN_ABI_SIZE(struct xen_memory_reservation, 32);

/*
 * Gives <in> and gets <out>: as many pages, perhaps of another order or below an address. All or
 * nothing, except that nr_exchanged counts what was done when the call stops.
 */
struct xen_memory_exchange {
    struct xen_memory_reservation in;
    struct xen_memory_reservation out;
    xen_ulong_t nr_exchanged; /* IN zero, OUT */
};
XEN_ABI_STRUCT(xen_memory_exchange);
XEN_ABI_SIZE(struct xen_memory_exchange, 72);

struct xen_memory_domain {
    domid_t domid;
};

/* The MFNs of the M2P table itself, one for each 2 MiB of it. */
struct xen_machphys_mfn_list {
    unsigned int max_extents;                 /* IN */
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start; /* OUT */
    unsigned int nr_extents;                  /* OUT */
};
XEN_ABI_STRUCT(xen_machphys_mfn_list);

/* Where a PV guest finds the M2P table. */
struct xen_machphys_mapping {
    xen_ulong_t v_start, v_end; /* OUT */
    xen_ulong_t max_mfn;        /* OUT */
};
XEN_ABI_STRUCT(xen_machphys_mapping);

/* What can be put into a guest's physical map */
#define XENMAPSPACE_shared_info      0
#define XENMAPSPACE_grant_table      1 /* idx: frame of the table */
#define XENMAPSPACE_gmfn             2 /* idx: a guest frame that moves */
#define XENMAPSPACE_gmfn_range       3
#define XENMAPSPACE_gmfn_foreign     4 /* batch only */
#define XENMAPSPACE_dev_mmio         5

#define XENMAPIDX_grant_table_status 0x80000000 /* in idx: the status frames */

struct xen_add_to_physmap {
    domid_t domid;
    uint16_t size; /* gmfn_range only: pages */
    unsigned int space;
    xen_ulong_t idx;
    xen_pfn_t gpfn;
};
XEN_ABI_STRUCT(xen_add_to_physmap);
XEN_ABI_SIZE(struct xen_add_to_physmap, 24);

struct xen_add_to_physmap_batch {
    domid_t domid;
    uint16_t space;
    uint16_t size; /* elements of each array */
    union xen_add_to_physmap_batch_extra {
        domid_t foreign_domid;
        uint16_t res0;
    } u;
    XEN_GUEST_HANDLE(xen_ulong_t) idxs; /* IN */
    XEN_GUEST_HANDLE(xen_pfn_t) gpfns;  /* IN */
    XEN_GUEST_HANDLE(int) errs;         /* OUT */
};
XEN_ABI_STRUCT(xen_add_to_physmap_batch);
XEN_ABI_SIZE(struct xen_add_to_physmap_batch, 32);

struct xen_remove_from_physmap {
    domid_t domid;
    xen_pfn_t gpfn;
};
XEN_ABI_STRUCT(xen_remove_from_physmap);

/* The buffer holds struct e820entry. */
struct xen_memory_map {
    unsigned int nr_entries;       /* IN room, OUT used */
    XEN_GUEST_HANDLE(void) buffer; /* OUT (set_memory_map: IN) */
};
XEN_ABI_STRUCT(xen_memory_map);
XEN_ABI_SIZE(struct xen_memory_map, 16);

struct xen_foreign_memory_map {
    domid_t domid;
    struct xen_memory_map map;
};
XEN_ABI_STRUCT(xen_foreign_memory_map);

/* Xen's public headers leave this to the reader; the names are those of its tools library. */
#define E820_RAM      1
#define E820_RESERVED 2
#define E820_ACPI     3
#define E820_NVS      4
#define E820_UNUSABLE 5
struct e820entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
} __attribute__((packed));
XEN_ABI_SIZE(struct e820entry, 20);

struct xen_pod_target {
    uint64_t target_pages;    /* IN */
    uint64_t tot_pages;       /* OUT */
    uint64_t pod_cache_pages; /* OUT */
    uint64_t pod_entries;     /* OUT */
    domid_t domid;            /* IN */
};
typedef struct xen_pod_target xen_pod_target_t;
XEN_ABI_SIZE(struct xen_pod_target, 40);

/*
 * Frames that belong to a domain but not to its address space, mapped by its device model or
 * builder.
 */
#define XENMEM_resource_ioreq_server                0
#define XENMEM_resource_grant_table                 1
#define XENMEM_resource_vmtrace_buf                 2

#define XENMEM_resource_grant_table_id_shared       0
#define XENMEM_resource_grant_table_id_status       1

#define XENMEM_resource_ioreq_server_frame_bufioreq 0
#define XENMEM_resource_ioreq_server_frame_ioreq(n) (1 + (n))

struct xen_mem_acquire_resource {
    domid_t domid;      /* IN */
    uint16_t type;      /* IN  XENMEM_resource_* */
    uint32_t id;        /* IN  by type */
    uint32_t nr_frames; /* IN; 0 with no list: OUT the size of the resource */
    uint32_t pad;
    uint64_t frame;                         /* IN  the first */
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* OUT MFNs (PV), IN guest frames (translated) */
};
XEN_ABI_STRUCT(xen_mem_acquire_resource);
XEN_ABI_SIZE(struct xen_mem_acquire_resource, 32);

/* Virtual NUMA */
struct xen_vmemrange {
    uint64_t start, end;
    unsigned int flags;
    unsigned int nid;
};
XEN_ABI_STRUCT(xen_vmemrange);

struct xen_vnuma_topology_info {
    domid_t domid; /* IN */
    uint16_t pad;
    unsigned int nr_vnodes; /* IN room, OUT, as the next two */
    unsigned int nr_vcpus;
    unsigned int nr_vmemranges;
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vdistance; /* OUT nr_vnodes squared */
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vcpu_to_vnode; /* OUT */
    union {
        XEN_GUEST_HANDLE(xen_vmemrange_t) h;
        uint64_t pad;
    } vmemrange; /* OUT */
};
XEN_ABI_STRUCT(xen_vnuma_topology_info);
XEN_ABI_SIZE(struct xen_vnuma_topology_info, 40);

/* --- Tools only --- */

#define XENMEM_paging_op_nominate 0
#define XENMEM_paging_op_evict    1
#define XENMEM_paging_op_prep     2
struct xen_mem_paging_op {
    uint8_t op;
    domid_t domain;
    XEN_GUEST_HANDLE_64(const_uint8) buffer; /* prep: IN the page's contents */
    uint64_aligned_t gfn;
};
XEN_ABI_STRUCT(xen_mem_paging_op);

#define XENMEM_access_op_set_access       0
#define XENMEM_access_op_get_access       1
#define XENMEM_access_op_set_access_multi 4
typedef enum {
    XENMEM_access_n,
    XENMEM_access_r,
    XENMEM_access_w,
    XENMEM_access_rw,
    XENMEM_access_x,
    XENMEM_access_rx,
    XENMEM_access_wx,
    XENMEM_access_rwx,
    XENMEM_access_rx2rw, /* rx until the first write, then rw */
    XENMEM_access_n2rwx, /* nothing until the first use, then rwx */
    XENMEM_access_default
} xenmem_access_t;
struct xen_mem_access_op {
    uint8_t op;
    uint8_t access; /* xenmem_access_t */
    domid_t domid;
    uint32_t nr;
    uint64_aligned_t pfn; /* ~0: set the default */
    XEN_GUEST_HANDLE(const_uint64) pfn_list;
    XEN_GUEST_HANDLE(const_uint8) access_list;
};
XEN_ABI_STRUCT(xen_mem_access_op);
XEN_ABI_SIZE(struct xen_mem_access_op, 32);

#define XENMEM_sharing_op_nominate_gfn     0
#define XENMEM_sharing_op_nominate_gref    1
#define XENMEM_sharing_op_share            2
#define XENMEM_sharing_op_debug_gfn        3
#define XENMEM_sharing_op_debug_mfn        4
#define XENMEM_sharing_op_debug_gref       5
#define XENMEM_sharing_op_add_physmap      6
#define XENMEM_sharing_op_audit            7
#define XENMEM_sharing_op_range_share      8
#define XENMEM_sharing_op_fork             9
#define XENMEM_sharing_op_fork_reset       10

#define XENMEM_SHARING_OP_S_HANDLE_INVALID (-10)
#define XENMEM_SHARING_OP_C_HANDLE_INVALID (-9)

/* A frame field may hold a grant reference instead. */
#define XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG    (xen_mk_ullong(1) << 62)
#define XENMEM_SHARING_OP_FIELD_IS_GREF(field)  ((field)&XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG)
#define XENMEM_SHARING_OP_FIELD_GET_GREF(field) ((field) & ~XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG)
#define XENMEM_SHARING_OP_FIELD_MAKE_GREF(field, val) \
    ((field) = (val) | XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG)

#define XENMEM_FORK_WITH_IOMMU_ALLOWED (1u << 0)
#define XENMEM_FORK_BLOCK_INTERRUPTS   (1u << 1)
#define XENMEM_FORK_RESET_STATE        (1u << 2)
#define XENMEM_FORK_RESET_MEMORY       (1u << 3)

struct xen_mem_sharing_op {
    uint8_t op;
    domid_t domain;
    union {
        struct mem_sharing_op_nominate {
            union {
                uint64_aligned_t gfn;
                uint32_t grant_ref;
            } u;
            uint64_aligned_t handle; /* OUT */
        } nominate;
        struct mem_sharing_op_share { /* share, add_physmap */
            uint64_aligned_t source_gfn;
            uint64_aligned_t source_handle;
            uint64_aligned_t client_gfn;
            uint64_aligned_t client_handle;
            domid_t client_domain;
        } share;
        struct mem_sharing_op_range {
            uint64_aligned_t first_gfn;
            uint64_aligned_t last_gfn;
            uint64_aligned_t opaque; /* zero at the start, then the continuation's */
            domid_t client_domain;
            uint16_t _pad[3];
        } range;
        struct mem_sharing_op_debug {
            union {
                uint64_aligned_t gfn;
                uint64_aligned_t mfn;
                uint32_t gref;
            } u;
        } debug;
        struct mem_sharing_op_fork { /* fork, fork_reset */
            domid_t parent_domain;
            uint16_t flags; /* XENMEM_FORK_* */
            uint32_t pad;
        } fork;
    } u;
};
XEN_ABI_STRUCT(xen_mem_sharing_op);
XEN_ABI_SIZE(struct xen_mem_sharing_op, 48);

/* Memory that firmware reserved for a device (RMRR). */
#define XENMEM_RDM_ALL 1 /* for all devices, not the one in dev */
struct xen_reserved_device_memory {
    xen_pfn_t start_pfn;
    xen_ulong_t nr_pages;
};
XEN_ABI_STRUCT(xen_reserved_device_memory);

struct xen_reserved_device_memory_map {
    uint32_t flags;          /* IN */
    unsigned int nr_entries; /* IN room, OUT needed (-ENOBUFS if more than room) */
    XEN_GUEST_HANDLE(xen_reserved_device_memory_t) buffer; /* OUT */
    union {
        physdev_pci_device_t pci;
    } dev; /* IN */
};
XEN_ABI_STRUCT(xen_reserved_device_memory_map);

#endif
