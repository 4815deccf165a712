/* SPDX-License-Identifier: MIT */
/* vcpu_op(cmd, vcpu, arg): a domain's own vCPUs. */
#ifndef HOSPES_ABI_VCPU_H
#define HOSPES_ABI_VCPU_H

#include "xen.h"

#define VCPUOP_initialise                     0 /* vcpu_guest_context, or vcpu_hvm_context */
#define VCPUOP_up                             1
#define VCPUOP_down                           2
#define VCPUOP_is_up                          3 /* 1, 0, or -ENOENT for no such vCPU */
#define VCPUOP_get_runstate_info              4
#define VCPUOP_register_runstate_memory_area  5
#define VCPUOP_set_periodic_timer             6
#define VCPUOP_stop_periodic_timer            7
#define VCPUOP_set_singleshot_timer           8
#define VCPUOP_stop_singleshot_timer          9
#define VCPUOP_register_vcpu_info             10 /* once per vCPU */
#define VCPUOP_send_nmi                       11
#define VCPUOP_get_physid                     12
#define VCPUOP_register_vcpu_time_memory_area 13

#define RUNSTATE_running                      0
#define RUNSTATE_runnable                     1 /* ready, but no CPU: stolen time */
#define RUNSTATE_blocked                      2
#define RUNSTATE_offline                      3

/*
 * Set in state_entry_time during an update, if the guest asked for
 * VMASST_TYPE_runstate_update_flag.
 */
#define XEN_RUNSTATE_UPDATE (xen_mk_ullong(1) << 63)

struct vcpu_runstate_info {
    int state; /* RUNSTATE_* */
    uint64_t state_entry_time;
    uint64_t time[4]; /* ns spent in each state */
};
XEN_ABI_STRUCT(vcpu_runstate_info);
XEN_ABI_SIZE(struct vcpu_runstate_info, 48);

struct vcpu_register_runstate_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_runstate_info_t) h;
        struct vcpu_runstate_info *v;
        uint64_t p;
    } addr;
};
XEN_ABI_STRUCT(vcpu_register_runstate_memory_area);

DEFINE_XEN_GUEST_HANDLE(vcpu_time_info_t);
struct vcpu_register_time_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_time_info_t) h;
        struct vcpu_time_info *v;
        uint64_t p;
    } addr;
};
XEN_ABI_STRUCT(vcpu_register_time_memory_area);

struct vcpu_set_periodic_timer {
    uint64_t period_ns;
};
XEN_ABI_STRUCT(vcpu_set_periodic_timer);

#define _VCPU_SSHOTTMR_future (0)
#define VCPU_SSHOTTMR_future  (1U << _VCPU_SSHOTTMR_future) /* -ETIME if already past */
struct vcpu_set_singleshot_timer {
    uint64_t timeout_abs_ns; /* system time */
    uint32_t flags;
};
XEN_ABI_STRUCT(vcpu_set_singleshot_timer);
XEN_ABI_SIZE(struct vcpu_set_singleshot_timer, 16);

struct vcpu_register_vcpu_info {
    uint64_t mfn;
    uint32_t offset; /* the structure must not cross the page */
    uint32_t rsvd;
};
XEN_ABI_STRUCT(vcpu_register_vcpu_info);
XEN_ABI_SIZE(struct vcpu_register_vcpu_info, 16);

struct vcpu_get_physid {
    uint64_t phys_id; /* low half: APIC id; high half: ACPI id */
};
XEN_ABI_STRUCT(vcpu_get_physid);
#define xen_vcpu_physid_to_x86_apicid(physid) ((uint32_t)(physid))
#define xen_vcpu_physid_to_x86_acpiid(physid) ((uint32_t)((physid) >> 32))

#endif
