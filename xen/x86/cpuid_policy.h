/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUID (and the few MSRs that describe the CPU) say to whom: the policies of the system,
 * from which the tools make those of domains, and each domain's own.
 */
#ifndef XEN_X86_CPUID_POLICY_H
#define XEN_X86_CPUID_POLICY_H
#include "lib/types.h"
#include "x86/cpu.h"
#include "hypercalls/abi/arch-x86_64.h"

struct domain;
struct vcpu;

/* Leaves that a policy stores; all others read as zero. */
#define CPU_POLICY_BASIC  0xe  /* 0 .. 0xd */
#define CPU_POLICY_CACHE  6    /* sub-leaves of 4 */
#define CPU_POLICY_FEAT   3    /* sub-leaves of 7 */
#define CPU_POLICY_TOPO   2    /* sub-leaves of 0xb */
#define CPU_POLICY_XSTATE 63   /* sub-leaves of 0xd */
#define CPU_POLICY_EXT    0x22 /* 0x80000000 .. 0x80000021 */

struct cpu_policy {
    struct cpuid_regs basic[CPU_POLICY_BASIC];
    struct cpuid_regs cache[CPU_POLICY_CACHE];
    struct cpuid_regs feat[CPU_POLICY_FEAT];
    struct cpuid_regs topo[CPU_POLICY_TOPO];
    struct cpuid_regs xstate[CPU_POLICY_XSTATE];
    struct cpuid_regs ext[CPU_POLICY_EXT];
    /* How many of the hypervisor's leaves at 0x40000000 and 0x40000100 follow the first; 0: all */
    uint32_t hv_limit, hv2_limit;
    uint64_t platform_info; /* MSR 0xce: only its CPUID faulting bit, clear */
};

/* XEN_SYSCTL_cpu_policy_* */
enum cpu_policy_kind {
    CPU_POLICY_RAW,
    CPU_POLICY_HOST,
    CPU_POLICY_PV_MAX,
    CPU_POLICY_HVM_MAX,
    CPU_POLICY_PV_DEFAULT,
    CPU_POLICY_HVM_DEFAULT,
    NR_CPU_POLICIES
};

/* Boot CPU, after its features are set up, before the first domain. */
void cpu_policy_init(void);
/* NULL for those that the host cannot have (HVM without hardware). */
const struct cpu_policy *cpu_policy_system(unsigned int kind);
/* d's own policy, a copy of the default of its type; Dom0's also shows what only it may use. */
int cpu_policy_init_domain(struct domain *d);
void cpu_policy_destroy_domain(struct domain *d);
/* Bring a policy that the tools wrote down to what d's type may have: never fails. */
void cpu_policy_sanitise(struct cpu_policy *p, const struct domain *d);
/*
 * The answer to CPUID in v: the policy, and what changes with v (APIC id, OSXSAVE, area sizes,
 * the hypervisor's own leaves). v is current, or does not run.
 */
void cpuid_guest(struct vcpu *v, uint32_t leaf, uint32_t sub, struct cpuid_regs *out);

/* As arrays, the tools' form. The number of elements that a policy can have at most. */
#define CPU_POLICY_MAX_LEAVES                                                                      \
    (CPU_POLICY_BASIC + CPU_POLICY_CACHE + CPU_POLICY_FEAT + CPU_POLICY_TOPO + CPU_POLICY_XSTATE + \
     CPU_POLICY_EXT + 2)
/* The tools' own form has two, and takes its size from this. */
#define CPU_POLICY_MAX_MSRS 2
/* The element that *iterator (0 at first) stands for; advances it. False past the end. */
bool cpu_policy_leaf(const struct cpu_policy *p, unsigned int *iterator, xen_cpuid_leaf_t *out);
bool cpu_policy_msr(const struct cpu_policy *p, unsigned int i, xen_msr_entry_t *out);
/* Set one leaf or MSR in p: -ERANGE: no such; -EINVAL: unusable contents. */
int cpu_policy_set_leaf(struct cpu_policy *p, const xen_cpuid_leaf_t *in);
int cpu_policy_set_msr(struct cpu_policy *p, const xen_msr_entry_t *in);
/* Feature words in the order of Xen's featuresets (XEN_SYSCTL_get_cpu_featureset). */
#define CPU_FEATURESET_WORDS 18
void cpu_policy_featureset(const struct cpu_policy *p, uint32_t words[CPU_FEATURESET_WORDS]);

#endif
