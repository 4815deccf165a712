/* SPDX-License-Identifier: MIT */
/*
 * xenpmu_op(cmd, params): performance counters for guests. -EOPNOTSUPP is an answer that Linux
 * takes.
 */
#ifndef HOSPES_ABI_PMU_H
#define HOSPES_ABI_PMU_H

#include "xen.h"

#define XENPMU_mode_get          0
#define XENPMU_mode_set          1
#define XENPMU_feature_get       2
#define XENPMU_feature_set       3
#define XENPMU_init              4
#define XENPMU_finish            5
#define XENPMU_lvtpc_set         6
#define XENPMU_flush             7

#define XENPMU_VER_MAJ           0
#define XENPMU_VER_MIN           1

#define XENPMU_MODE_OFF          0
#define XENPMU_MODE_SELF         (1 << 0)
#define XENPMU_MODE_HV           (1 << 1)
#define XENPMU_MODE_ALL          (1 << 2)

#define XENPMU_FEATURE_INTEL_BTS (1 << 0)
#define XENPMU_FEATURE_IPC_ONLY  (1 << 1)
#define XENPMU_FEATURE_ARCH_ONLY (1 << 2)

struct xen_pmu_params {
    struct { /* IN, OUT */
        uint32_t maj;
        uint32_t min;
    } version;
    uint64_t val;
    uint32_t vcpu;
    uint32_t pad;
};
XEN_ABI_STRUCT(xen_pmu_params);
XEN_ABI_SIZE(struct xen_pmu_params, 24);

/* --- The page that guest and hypervisor share --- */

struct xen_pmu_amd_ctxt {
    uint32_t counters; /* offsets from the start of this structure, in bytes */
    uint32_t ctrls;
    uint64_t regs[XEN_FLEX_ARRAY_DIM];
};
XEN_ABI_STRUCT(xen_pmu_amd_ctxt);

struct xen_pmu_cntr_pair {
    uint64_t counter;
    uint64_t control;
};
XEN_ABI_STRUCT(xen_pmu_cntr_pair);

struct xen_pmu_intel_ctxt {
    uint32_t fixed_counters; /* offsets, as above */
    uint32_t arch_counters;
    uint64_t global_ctrl;
    uint64_t global_ovf_ctrl;
    uint64_t global_status;
    uint64_t fixed_ctrl;
    uint64_t ds_area;
    uint64_t pebs_enable;
    uint64_t debugctl;
    uint64_t regs[XEN_FLEX_ARRAY_DIM];
};
XEN_ABI_STRUCT(xen_pmu_intel_ctxt);

struct xen_pmu_regs {
    uint64_t ip;
    uint64_t sp;
    uint64_t flags;
    uint16_t cs;
    uint16_t ss;
    uint8_t cpl;
    uint8_t pad[3];
};
XEN_ABI_STRUCT(xen_pmu_regs);

/* pmu_flags */
#define PMU_CACHED         (1 << 0) /* the guest's registers are in this page, not in the CPU */
#define PMU_SAMPLE_USER    (1 << 1)
#define PMU_SAMPLE_REAL    (1 << 2)
#define PMU_SAMPLE_PV      (1 << 3)

#define XENPMU_REGS_PAD_SZ 64
#define XENPMU_CTXT_PAD_SZ 128
struct xen_pmu_arch {
    union {
        xen_pmu_regs_t regs;
        uint8_t pad[XENPMU_REGS_PAD_SZ];
    } r;
    uint64_t pmu_flags;
    union {
        uint32_t lapic_lvtpc;
        uint64_t pad;
    } l;
    union {
        xen_pmu_amd_ctxt_t amd;
        xen_pmu_intel_ctxt_t intel;
        uint8_t pad[XENPMU_CTXT_PAD_SZ];
    } c;
};
XEN_ABI_STRUCT(xen_pmu_arch);

struct xen_pmu_data {
    uint32_t vcpu_id;
    uint32_t pcpu_id;
    domid_t domain_id;
    uint8_t pad[6];
    xen_pmu_arch_t pmu;
};
XEN_ABI_SIZE(struct xen_pmu_data, 224);

#endif
