/* SPDX-License-Identifier: MIT */
/* hvm_op(cmd, arg): hardware guests about themselves, the tools about hardware guests. */
#ifndef HOSPES_ABI_HVM_OP_H
#define HOSPES_ABI_HVM_OP_H

#include "xen.h"
#include "event_channel.h"

#define HVMOP_set_param                0
#define HVMOP_get_param                1
#define HVMOP_flush_tlbs               5 /* no argument */
#define HVMOP_pagetable_dying          9
#define HVMOP_get_time                 10
#define HVMOP_xentrace                 11
#define HVMOP_set_mem_access           12 /* gone */
#define HVMOP_get_mem_access           13 /* gone */
#define HVMOP_get_mem_type             15
#define HVMOP_set_evtchn_upcall_vector 23
#define HVMOP_guest_request_vm_event   24 /* no argument */
#define HVMOP_altp2m                   25

/* --- Parameters --- */

#define HVM_PARAM_CALLBACK_IRQ             0 /* how events reach the guest: type << 56 | value */
#define HVM_PARAM_STORE_PFN                1
#define HVM_PARAM_STORE_EVTCHN             2
#define HVM_PARAM_PAE_ENABLED              4
#define HVM_PARAM_IOREQ_PFN                5
#define HVM_PARAM_BUFIOREQ_PFN             6
#define HVM_PARAM_VIRIDIAN                 9  /* HVMPV_* */
#define HVM_PARAM_TIMER_MODE               10 /* HVMPTM_* */
#define HVM_PARAM_HPET_ENABLED             11
#define HVM_PARAM_IDENT_PT                 12 /* identity page directory, for old VMX */
#define HVM_PARAM_DM_DOMAIN                13
#define HVM_PARAM_ACPI_S_STATE             14
#define HVM_PARAM_VM86_TSS                 15
#define HVM_PARAM_VPT_ALIGN                16
#define HVM_PARAM_CONSOLE_PFN              17
#define HVM_PARAM_CONSOLE_EVTCHN           18
#define HVM_PARAM_ACPI_IOPORTS_LOCATION    19 /* 0 or 1: see ioreq.h */
#define HVM_PARAM_MEMORY_EVENT_CR0         20
#define HVM_PARAM_MEMORY_EVENT_CR3         21
#define HVM_PARAM_MEMORY_EVENT_CR4         22
#define HVM_PARAM_MEMORY_EVENT_INT3        23
#define HVM_PARAM_NESTEDHVM                24
#define HVM_PARAM_MEMORY_EVENT_SINGLE_STEP 25
#define HVM_PARAM_BUFIOREQ_EVTCHN          26
#define HVM_PARAM_PAGING_RING_PFN          27
#define HVM_PARAM_MONITOR_RING_PFN         28
#define HVM_PARAM_SHARING_RING_PFN         29
#define HVM_PARAM_MEMORY_EVENT_MSR         30
#define HVM_PARAM_TRIPLE_FAULT_REASON      31 /* SHUTDOWN_* */
#define HVM_PARAM_IOREQ_SERVER_PFN         32
#define HVM_PARAM_NR_IOREQ_SERVER_PAGES    33
#define HVM_PARAM_VM_GENERATION_ID_ADDR    34
#define HVM_PARAM_ALTP2M                   35 /* XEN_ALTP2M_* */
#define HVM_PARAM_X87_FIP_WIDTH            36 /* 0, 4 or 8 */
#define HVM_PARAM_VM86_TSS_SIZED           37 /* size << 32 | address */
#define HVM_PARAM_MCA_CAP                  38 /* XEN_HVM_MCA_CAP_* */
#define HVM_NR_PARAMS                      39

#define HVM_PARAM_CALLBACK_IRQ_TYPE_MASK   xen_mk_ullong(0xFF00000000000000)
#define HVM_PARAM_CALLBACK_TYPE_GSI        0
#define HVM_PARAM_CALLBACK_TYPE_PCI_INTX   1 /* domain 32..47, bus 16..31, devfn 8..15, pin 0..1 */
#define HVM_PARAM_CALLBACK_TYPE_VECTOR     2

#define HVMPTM_delay_for_missed_ticks      0
#define HVMPTM_no_delay_for_missed_ticks   1
#define HVMPTM_no_missed_ticks_pending     2
#define HVMPTM_one_missed_tick_pending     3

/* Enlightenments for Windows */
#define _HVMPV_base_freq              0
#define HVMPV_base_freq               (1 << _HVMPV_base_freq)
#define _HVMPV_no_freq                1
#define HVMPV_no_freq                 (1 << _HVMPV_no_freq)
#define _HVMPV_time_ref_count         2
#define HVMPV_time_ref_count          (1 << _HVMPV_time_ref_count)
#define _HVMPV_reference_tsc          3
#define HVMPV_reference_tsc           (1 << _HVMPV_reference_tsc)
#define _HVMPV_hcall_remote_tlb_flush 4
#define HVMPV_hcall_remote_tlb_flush  (1 << _HVMPV_hcall_remote_tlb_flush)
#define _HVMPV_apic_assist            5
#define HVMPV_apic_assist             (1 << _HVMPV_apic_assist)
#define _HVMPV_crash_ctl              6
#define HVMPV_crash_ctl               (1 << _HVMPV_crash_ctl)
#define _HVMPV_synic                  7
#define HVMPV_synic                   (1 << _HVMPV_synic)
#define _HVMPV_stimer                 8
#define HVMPV_stimer                  (1 << _HVMPV_stimer)
#define _HVMPV_hcall_ipi              9
#define HVMPV_hcall_ipi               (1 << _HVMPV_hcall_ipi)
#define _HVMPV_ex_processor_masks     10
#define HVMPV_ex_processor_masks      (1 << _HVMPV_ex_processor_masks)
#define _HVMPV_no_vp_limit            11
#define HVMPV_no_vp_limit             (1 << _HVMPV_no_vp_limit)
#define _HVMPV_cpu_hotplug            12
#define HVMPV_cpu_hotplug             (1 << _HVMPV_cpu_hotplug)
#define HVMPV_feature_mask            ((1 << (_HVMPV_cpu_hotplug + 1)) - 1)

#define XEN_ALTP2M_disabled           0
#define XEN_ALTP2M_mixed              1
#define XEN_ALTP2M_external           2
#define XEN_ALTP2M_limited            3

#define XEN_HVM_MCA_CAP_LMCE          (xen_mk_ullong(1) << 0)
#define XEN_HVM_MCA_CAP_MASK          XEN_HVM_MCA_CAP_LMCE

struct xen_hvm_param {
    domid_t domid; /* IN */
    uint16_t pad;
    uint32_t index; /* IN  HVM_PARAM_* */
    uint64_t value; /* IN or OUT */
};
XEN_ABI_STRUCT(xen_hvm_param);
XEN_ABI_SIZE(struct xen_hvm_param, 16);

/* --- The guest about itself --- */

struct xen_hvm_evtchn_upcall_vector {
    uint32_t vcpu;
    uint8_t vector;
};
XEN_ABI_STRUCT(xen_hvm_evtchn_upcall_vector);

struct xen_hvm_pagetable_dying { /* a hint: this page table will be freed soon */
    domid_t domid;
    uint16_t pad[3];
    uint64_t gpa;
};
XEN_ABI_STRUCT(xen_hvm_pagetable_dying);
XEN_ABI_SIZE(struct xen_hvm_pagetable_dying, 16);

struct xen_hvm_get_time {
    uint64_t now; /* OUT system time, ns */
};
XEN_ABI_STRUCT(xen_hvm_get_time);

#define TRACE_EXTRA_MAX 7 /* words a trace record may carry */
struct xen_hvm_xentrace {
    uint16_t event, extra_bytes;
    uint8_t extra[TRACE_EXTRA_MAX * sizeof(uint32_t)];
};
XEN_ABI_STRUCT(xen_hvm_xentrace);

/* --- Memory types, also of XEN_DMOP_set_mem_type --- */

typedef enum {
    HVMMEM_ram_rw,
    HVMMEM_ram_ro,
    HVMMEM_mmio_dm,
    HVMMEM_unused,
    HVMMEM_ioreq_server /* writes go to an I/O request server */
} hvmmem_type_t;

struct xen_hvm_get_mem_type {
    domid_t domid;
    uint16_t mem_type; /* OUT */
    uint16_t pad[2];
    uint64_t pfn;
};
XEN_ABI_STRUCT(xen_hvm_get_mem_type);

/* xen_dm_op_create_ioreq_server.handle_bufioreq */
#define HVM_IOREQSRV_BUFIOREQ_OFF    0
#define HVM_IOREQSRV_BUFIOREQ_LEGACY 1
#define HVM_IOREQSRV_BUFIOREQ_ATOMIC 2 /* both pointers of the ring are read and written as one */

/* --- Alternate physical maps --- */

#define HVMOP_ALTP2M_INTERFACE_VERSION     0x00000001

#define HVMOP_altp2m_get_domain_state      1
#define HVMOP_altp2m_set_domain_state      2
#define HVMOP_altp2m_vcpu_enable_notify    3
#define HVMOP_altp2m_create_p2m            4
#define HVMOP_altp2m_destroy_p2m           5
#define HVMOP_altp2m_switch_p2m            6
#define HVMOP_altp2m_set_mem_access        7
#define HVMOP_altp2m_change_gfn            8
#define HVMOP_altp2m_set_mem_access_multi  9
#define HVMOP_altp2m_set_suppress_ve       10
#define HVMOP_altp2m_get_suppress_ve       11
#define HVMOP_altp2m_get_mem_access        12
#define HVMOP_altp2m_vcpu_disable_notify   13
#define HVMOP_altp2m_get_p2m_idx           14
#define HVMOP_altp2m_set_suppress_ve_multi 15
#define HVMOP_altp2m_set_visibility        16

struct xen_hvm_altp2m_domain_state {
    uint8_t state;
};
XEN_ABI_STRUCT(xen_hvm_altp2m_domain_state);

struct xen_hvm_altp2m_vcpu_enable_notify {
    uint32_t vcpu_id;
    uint32_t pad;
    uint64_t gfn;
};
XEN_ABI_STRUCT(xen_hvm_altp2m_vcpu_enable_notify);

struct xen_hvm_altp2m_vcpu_disable_notify {
    uint32_t vcpu_id;
};
XEN_ABI_STRUCT(xen_hvm_altp2m_vcpu_disable_notify);

struct xen_hvm_altp2m_view {
    uint16_t view;
    uint16_t hvmmem_default_access; /* xenmem_access_t */
};
XEN_ABI_STRUCT(xen_hvm_altp2m_view);

struct xen_hvm_altp2m_mem_access {
    uint16_t view;
    uint16_t access; /* xenmem_access_t */
    uint32_t pad;
    uint64_t gfn;
};
XEN_ABI_STRUCT(xen_hvm_altp2m_mem_access);

struct xen_hvm_altp2m_set_mem_access_multi {
    uint16_t view;
    uint16_t pad;
    uint32_t nr;
    uint64_t opaque; /* zero at the start, then the continuation's */
    XEN_GUEST_HANDLE(const_uint64) pfn_list;
    XEN_GUEST_HANDLE(const_uint8) access_list;
};

struct xen_hvm_altp2m_change_gfn {
    uint16_t view;
    uint16_t pad1;
    uint32_t pad2;
    uint64_t old_gfn;
    uint64_t new_gfn;
};
XEN_ABI_STRUCT(xen_hvm_altp2m_change_gfn);

struct xen_hvm_altp2m_get_vcpu_p2m_idx {
    uint32_t vcpu_id;
    uint16_t altp2m_idx;
};

struct xen_hvm_altp2m_set_visibility {
    uint16_t altp2m_idx;
    uint8_t visible;
    uint8_t pad;
};

struct xen_hvm_altp2m_suppress_ve {
    uint16_t view;
    uint8_t suppress_ve;
    uint8_t pad1;
    uint32_t pad2;
    uint64_t gfn;
};

struct xen_hvm_altp2m_suppress_ve_multi {
    uint16_t view;
    uint8_t suppress_ve;
    uint8_t pad1;
    int32_t first_error; /* OUT, zero if none */
    uint64_t first_gfn;
    uint64_t last_gfn;
    uint64_t first_error_gfn; /* OUT */
};

struct xen_hvm_altp2m_op {
    uint32_t version;
    uint32_t cmd;
    domid_t domain;
    uint16_t pad1;
    uint32_t pad2;
    union {
        struct xen_hvm_altp2m_domain_state domain_state;
        struct xen_hvm_altp2m_vcpu_enable_notify enable_notify;
        struct xen_hvm_altp2m_view view;
        struct xen_hvm_altp2m_mem_access mem_access;
        struct xen_hvm_altp2m_change_gfn change_gfn;
        struct xen_hvm_altp2m_set_mem_access_multi set_mem_access_multi;
        struct xen_hvm_altp2m_suppress_ve suppress_ve;
        struct xen_hvm_altp2m_suppress_ve_multi suppress_ve_multi;
        struct xen_hvm_altp2m_vcpu_disable_notify disable_notify;
        struct xen_hvm_altp2m_get_vcpu_p2m_idx get_vcpu_p2m_idx;
        struct xen_hvm_altp2m_set_visibility set_visibility;
        uint8_t pad[64];
    } u;
};
XEN_ABI_STRUCT(xen_hvm_altp2m_op);
XEN_ABI_SIZE(struct xen_hvm_altp2m_op, 80);

#endif
