/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID policies (Intel SDM vol. 2 CPUID; AMD APM vol. 3 app. E).
 *
 *   raw      what the boot CPU says, as far as a policy stores it
 *   host     raw, without what the hypervisor does not let anybody use
 *   PV max, PV default   host, reduced to what works in ring 3 without help, by the masks below.
 *            What a PV kernel could not use (paging features, virtualization, MSRs of power and
 *            speculation control, TSC_AUX, which is not switched) is absent.
 *
 * A PV kernel asks by the forced form of CPUID, which ends in cpuid_guest().
 */
#include "x86/cpuid_policy.h"
#include "domain/domain.h"
#include "hypercalls/abi/cpuid.h"
#include "lib/lib.h"
#include "mm/frame.h"
#include "x86/cpu_setup.h"
#include "x86/time.h"

#define B(n) (1u << (n))

/* Leaf 1 ecx and leaf 0xd, in the answers that change with the vCPU */
#define OSXSAVE               B(27)
#define XSAVE                 B(26)
#define HYPERVISOR            B(31)

#define MSR_PLATFORM_INFO     0xce
#define MSR_ARCH_CAPABILITIES 0x10a

/* Features of PV guests, in the order of the ABI's featuresets. */
enum {
    FS_1D,
    FS_1C,
    FS_E1D,
    FS_E1C,
    FS_DA1,
    FS_7B0,
    FS_7C0,
    FS_E7D,
    FS_E8B,
    FS_7D0,
    FS_7A1,
    FS_E21A,
    FS_7B1,
    FS_7D2,
    FS_7C1,
    FS_7D1,
    FS_ARCH_CAPS_LOW,
    FS_ARCH_CAPS_HIGH
};
_Static_assert(FS_ARCH_CAPS_HIGH == CPU_FEATURESET_WORDS - 1, "one entry a word");

/* FPU DE TSC MSR PAE MCE CX8 APIC SEP MCA CMOV PAT CLFLUSH ACPI MMX FXSR SSE SSE2 SS HTT */
#define PV_1D                                                                                  \
    (B(0) | B(2) | B(4) | B(5) | B(6) | B(7) | B(8) | B(9) | B(11) | B(14) | B(15) | B(16) |   \
     B(19) | B(22) | B(23) | B(24) | B(2) | B(4) | B(5) | B(6) | B(8) | B(9) | B(11) | B(15) | \
     B(16) | B(19) | B(23) | B(24) | B(25) | B(26) | B(27) | B(28))
/* The half of leaf 0x80000001 edx that repeats leaf 1 edx on AMD */
#define AMD_COMMON 0x0183f3ffu
static const uint32_t pv_mask[CPU_FEATURESET_WORDS] = {
    [FS_1D] = PV_1D,
    /* SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND HYPERVISOR */
    [FS_1C] = B(0) | B(1) | B(9) | B(12) | B(13) | B(19) | B(20) | B(22) | B(23) | B(25) | B(26) |
              B(28) | B(29) | B(30) | B(31),
    /* SYSCALL NX MMXEXT FFXSR LM 3DNOWEXT 3DNOW */
    [FS_E1D] = B(11) | B(20) | B(22) | B(25) | B(29) | B(30) | B(31) | (PV_1D & AMD_COMMON),
    /* LAHF CMP_LEGACY ABM SSE4A MISALIGNSSE PREFETCHW XOP FMA4 TBM */
    [FS_E1C] = B(0) | B(1) | B(5) | B(6) | B(7) | B(8) | B(11) | B(16) | B(21),
    /* XSAVEOPT XSAVEC XGETBV1 */
    [FS_DA1] = B(0) | B(1) | B(2),
    /* FSGSBASE BMI1 AVX2 FDP_EXCPTN BMI2 ERMS NO_FPU_SEL AVX512{F,DQ} RDSEED ADX IFMA CLFLUSHOPT
     * CLWB AVX512{PF,ER,CD} SHA AVX512{BW,VL} */
    [FS_7B0] = B(0) | B(3) | B(5) | B(6) | B(8) | B(9) | B(13) | B(16) | B(17) | B(18) | B(19) |
               B(21) | B(23) | B(24) | B(26) | B(27) | B(28) | B(29) | B(30) | B(31),
    /* PREFETCHWT1 VBMI VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNTDQ CLDEMOTE MOVDIRI MOVDIR64B */
    [FS_7C0] =
        B(0) | B(1) | B(6) | B(8) | B(9) | B(10) | B(11) | B(12) | B(14) | B(25) | B(27) | B(28),
    [FS_E7D] = B(8), /* the TSC runs at one rate */
    /* CLZERO RSTR_FP_ERR_PTRS WBNOINVD */
    [FS_E8B] = B(0) | B(2) | B(9),
    /* 4VNNIW 4FMAPS FSRM VP2INTERSECT MD_CLEAR SERIALIZE */
    [FS_7D0] = B(2) | B(3) | B(4) | B(8) | B(10) | B(14),
    /* AVX_VNNI AVX512_BF16 FZRM FSRS FSRCS */
    [FS_7A1] = B(4) | B(5) | B(10) | B(11) | B(12),
};
/* Extended states of PV guests: x87 SSE AVX and AVX-512's three */
#define PV_XSTATES 0xe7ull

static struct cpu_policy policies[NR_CPU_POLICIES];
static bool is_amd;

static uint32_t *feature_word(struct cpu_policy *p, unsigned int i)
{
    switch (i) {
    case FS_1D: return &p->basic[1].d;
    case FS_1C: return &p->basic[1].c;
    case FS_E1D: return &p->ext[1].d;
    case FS_E1C: return &p->ext[1].c;
    case FS_DA1: return &p->xstate[1].a;
    case FS_7B0: return &p->feat[0].b;
    case FS_7C0: return &p->feat[0].c;
    case FS_E7D: return &p->ext[7].d;
    case FS_E8B: return &p->ext[8].b;
    case FS_7D0: return &p->feat[0].d;
    case FS_7A1: return &p->feat[1].a;
    case FS_E21A: return &p->ext[0x21].a;
    case FS_7B1: return &p->feat[1].b;
    case FS_7D2: return &p->feat[2].d;
    case FS_7C1: return &p->feat[1].c;
    case FS_7D1: return &p->feat[1].d;
    default: return NULL; /* MSR_ARCH_CAPABILITIES: nobody has it yet */
    }
}

void cpu_policy_featureset(const struct cpu_policy *p, uint32_t words[CPU_FEATURESET_WORDS])
{
    for (unsigned int i = 0; i < CPU_FEATURESET_WORDS; i++) {
        const uint32_t *w = feature_word((struct cpu_policy *)p, i);
        words[i] = w ? *w : 0;
    }
}

/* ---- making policies ----------------------------------------------------------------------------- */

static void read_raw(struct cpu_policy *p)
{
    uint32_t max = cpuid(0).a, max_ext = cpuid(0x80000000).a;

    for (uint32_t i = 0; i < CPU_POLICY_BASIC && i <= max; i++)
        if (i != 4 && i != 7 && i != 0xb && i != 0xd)
            p->basic[i] = cpuid(i);
    p->basic[0].a = MIN(max, CPU_POLICY_BASIC - 1u);
    for (uint32_t i = 0; max >= 4 && i < CPU_POLICY_CACHE; i++) {
        p->cache[i] = cpuid_count(4, i);
        if (!(p->cache[i].a & 0x1f))
            break;
    }
    for (uint32_t i = 0; max >= 7 && i < CPU_POLICY_FEAT && (i == 0 || i <= p->feat[0].a); i++)
        p->feat[i] = cpuid_count(7, i);
    p->feat[0].a = MIN(p->feat[0].a, CPU_POLICY_FEAT - 1u);
    for (uint32_t i = 0; max >= 0xb && i < CPU_POLICY_TOPO; i++)
        p->topo[i] = cpuid_count(0xb, i);
    if (max >= 0xd) {
        p->xstate[0] = cpuid_count(0xd, 0);
        p->xstate[1] = cpuid_count(0xd, 1);
        uint64_t states = p->xstate[0].a | (uint64_t)p->xstate[0].d << 32;
        for (uint32_t i = 2; i < CPU_POLICY_XSTATE; i++)
            if (states >> i & 1)
                p->xstate[i] = cpuid_count(0xd, i);
    }
    if (max_ext >> 16 != 0x8000)
        return;
    max_ext = MIN(max_ext, 0x80000000u + (is_amd ? CPU_POLICY_EXT - 1u : 8u));
    for (uint32_t i = 0; i <= (max_ext & 0xffff); i++)
        p->ext[i] = cpuid(0x80000000 + i);
    p->ext[0].a = max_ext;
}

static uint64_t xstates_of(const struct cpu_policy *p)
{
    uint64_t s = 0;

    if (!(p->basic[1].c & XSAVE))
        return 0;
    s = 3;
    if (p->basic[1].c & B(28))
        s |= 4;
    if (p->feat[0].b & B(16))
        s |= 0xe0;
    return s & PV_XSTATES & cpu_caps.xcr0;
}

/* Features without the ones that they build on would be lies. */
static void drop_dependents(struct cpu_policy *p)
{
    if (!cpu_caps.xsave || !(p->basic[1].c & XSAVE)) {
        p->basic[1].c &= ~(XSAVE | B(28) | B(29) | B(12));
        p->xstate[1].a = 0;
        p->ext[1].c &= ~(B(11) | B(16));
    }
    if (!(p->basic[1].c & B(28)) || !(cpu_caps.xcr0 & 4)) { /* no AVX */
        p->basic[1].c &= ~(B(28) | B(29) | B(12));
        p->feat[0].b &= ~(B(5) | B(16));
        p->feat[0].c &= ~(B(9) | B(10));
        p->feat[1].a &= ~B(4);
        p->ext[1].c &= ~(B(11) | B(16));
    }
    if (!(p->feat[0].b & B(16)) || (cpu_caps.xcr0 & 0xe0) != 0xe0) { /* no AVX-512 */
        p->feat[0].b &= ~(B(16) | B(17) | B(21) | B(26) | B(27) | B(28) | B(30) | B(31));
        p->feat[0].c &= ~(B(1) | B(6) | B(11) | B(12) | B(14));
        p->feat[0].d &= ~(B(2) | B(3) | B(8));
        p->feat[1].a &= ~B(5);
    }
}

/* The size of the XSAVE image for a set of states (SDM vol. 1 ch. 13.4, the standard form). */
static uint32_t xsave_bytes(const struct cpu_policy *p, uint64_t states)
{
    uint32_t size = 576;

    for (unsigned int i = 2; i < CPU_POLICY_XSTATE; i++)
        if (states >> i & 1)
            size = MAX(size, p->xstate[i].a + p->xstate[i].b);
    return size;
}

/* The same in the compacted form: one after the other, some at a multiple of 64. */
static uint32_t xsave_compacted_bytes(const struct cpu_policy *p, uint64_t states)
{
    uint32_t size = 576;

    for (unsigned int i = 2; i < CPU_POLICY_XSTATE; i++)
        if (states >> i & 1)
            size = (p->xstate[i].c & B(1) ? ROUND_UP(size, 64u) : size) + p->xstate[i].a;
    return size;
}

/* Leaf 0xd follows from the features. */
static void derive_xstate(struct cpu_policy *p)
{
    const struct cpu_policy *host = &policies[CPU_POLICY_HOST];
    uint64_t states = xstates_of(p);
    uint32_t features = p->xstate[1].a;

    memset(p->xstate, 0, sizeof(p->xstate));
    if (!states)
        return;
    for (unsigned int i = 2; i < CPU_POLICY_XSTATE; i++)
        if (states >> i & 1) {
            p->xstate[i] = host->xstate[i];
            p->xstate[i].c &= ~1u; /* not a supervisor state */
        }
    p->xstate[0].a = (uint32_t)states;
    p->xstate[0].d = (uint32_t)(states >> 32);
    p->xstate[0].b = p->xstate[0].c = xsave_bytes(p, states);
    p->xstate[1].a = features;
}

/* What is not features: leaves that a PV guest has no use for, or that would mislead it. */
static void drop_leaves(struct cpu_policy *p)
{
    static const uint8_t basic[] = {3, 4, 5, 6, 7, 8, 9, 0xa, 0xb, 0xc, 0xd};

    for (unsigned int i = 0; i < ARRAY_SIZE(basic); i++)
        p->basic[basic[i]] = (struct cpuid_regs){0, 0, 0, 0};
    p->basic[1].b &= 0x00ffffff; /* the APIC id */
    memset(p->topo, 0, sizeof(p->topo));
    for (unsigned int i = 9; i < CPU_POLICY_EXT; i++)
        if (i != 0x19) /* TLBs */
            p->ext[i] = (struct cpuid_regs){0, 0, 0, 0};
    p->ext[7] = (struct cpuid_regs){0, 0, 0, p->ext[7].d};
    p->ext[8].c = p->ext[8].d = 0;
    /* Four levels of tables: 48 bits, also where the processor could do 57. */
    p->ext[8].a = (p->ext[8].a & ~0xff00u) | 48u << 8;
    p->platform_info = 0;
}

void cpu_policy_sanitise(struct cpu_policy *p, const struct domain *d __unused)
{
    const struct cpu_policy *max = &policies[CPU_POLICY_PV_MAX];

    p->basic[0].a = MIN(p->basic[0].a, max->basic[0].a);
    p->ext[0].a = MIN(p->ext[0].a, max->ext[0].a);
    p->feat[0].a = MIN(p->feat[0].a, max->feat[0].a);
    for (unsigned int i = 0; i < CPU_FEATURESET_WORDS; i++) {
        uint32_t *w = feature_word(p, i);
        if (w)
            *w &= *feature_word((struct cpu_policy *)max, i);
    }
    p->basic[1].c |= HYPERVISOR;
    drop_dependents(p);
    derive_xstate(p);
    drop_leaves(p);
    p->ext[8].a = max->ext[8].a;
}

static void make_pv(struct cpu_policy *p)
{
    *p = policies[CPU_POLICY_HOST];
    for (unsigned int i = 0; i < CPU_FEATURESET_WORDS; i++) {
        uint32_t *w = feature_word(p, i);
        if (w)
            *w &= pv_mask[i];
    }
    p->basic[1].c |= HYPERVISOR;
    if (is_amd) {
        p->basic[1].d &= ~B(11); /* AMD's SYSENTER does not work in long mode */
        p->ext[1].d = (p->ext[1].d & ~AMD_COMMON) | (p->basic[1].d & AMD_COMMON);
        p->ext[0].a = MIN(p->ext[0].a, 0x8000001cu);
    } else {
        p->ext[1].d &= ~AMD_COMMON | B(11);
    }
    drop_dependents(p);
    derive_xstate(p);
    drop_leaves(p);
}

void __init cpu_policy_init(void)
{
    struct cpu_policy *raw = &policies[CPU_POLICY_RAW], *host = &policies[CPU_POLICY_HOST];

    is_amd = !strcmp(cpu_caps.vendor, "AuthenticAMD") || !strcmp(cpu_caps.vendor, "HygonGenuine");
    read_raw(raw);
    *host = *raw;
    /* The boot CPU says what it is set to now: as features, these bits have no meaning. */
    host->basic[1].c &= ~OSXSAVE;
    if (!cpu_caps.xsave)
        host->basic[1].c &= ~XSAVE;
    make_pv(&policies[CPU_POLICY_PV_MAX]);
    policies[CPU_POLICY_PV_DEFAULT] = policies[CPU_POLICY_PV_MAX];
    /* A guest that may move to another host should not rely on this one's rate. */
    policies[CPU_POLICY_PV_DEFAULT].ext[7].d &= ~B(8);
}

const struct cpu_policy *cpu_policy_system(unsigned int kind)
{
    if (kind >= NR_CPU_POLICIES || kind == CPU_POLICY_HVM_MAX || kind == CPU_POLICY_HVM_DEFAULT)
        return NULL;
    return &policies[kind];
}

int cpu_policy_init_domain(struct domain *d)
{
    d->policy = hv_zalloc(sizeof(*d->policy));
    if (!d->policy)
        return -ENOMEM;
    *d->policy = policies[d->privileged ? CPU_POLICY_PV_MAX : CPU_POLICY_PV_DEFAULT];
    return 0;
}

void cpu_policy_destroy_domain(struct domain *d)
{
    hv_free(d->policy);
    d->policy = NULL;
}

/* ---- answering ------------------------------------------------------------------------------------- */

/* How many leaves beyond the first: all, or what a restored guest has known; two at least. */
static uint32_t hypervisor_limit(const struct cpu_policy *p)
{
    if (!p->hv_limit)
        return XEN_CPUID_MAX_NUM_LEAVES;
    return MIN(MAX(p->hv_limit, 2u), (uint32_t)XEN_CPUID_MAX_NUM_LEAVES);
}

static void hypervisor_leaf(const struct vcpu *v, uint32_t i, uint32_t sub, struct cpuid_regs *out)
{
    switch (i) {
    case 0:
        out->a = XEN_CPUID_LEAF(hypervisor_limit(v->domain->policy));
        out->b = XEN_CPUID_SIGNATURE_EBX;
        out->c = XEN_CPUID_SIGNATURE_ECX;
        out->d = XEN_CPUID_SIGNATURE_EDX;
        break;
    case 1: out->a = 4u << 16 | 17; break;
    case 2:
        out->a = 1; /* one hypercall page */
        out->b = 0x40000000;
        out->c = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
        break;
    case 3:
        if (sub == 0) {
            out->a = B(1); /* the TSC can be trusted */
            out->c = tsc_khz;
        } else if (sub == 1) {
            out->c = tsc_to_ns_mul;
            out->d = (uint32_t)(int32_t)tsc_to_ns_shift;
        } else if (sub == 2) {
            out->a = tsc_khz;
        }
        break;
    case 5:
        if (sub == 0 && v->domain->type == DOM_PV) {
            uint64_t max = max_mfn ? max_mfn - 1 : 0;
            out->b = max ? 64u - (unsigned int)__builtin_clzll(max) + PAGE_SHIFT : PAGE_SHIFT;
        }
        break;
    default: break;
    }
}

void cpuid_guest(struct vcpu *v, uint32_t leaf, uint32_t sub, struct cpuid_regs *out)
{
    const struct cpu_policy *p = v->domain->policy;

    *out = (struct cpuid_regs){0, 0, 0, 0};
    if (leaf < CPU_POLICY_BASIC) {
        if (leaf > p->basic[0].a)
            return;
        switch (leaf) {
        case 4:
            if (sub < CPU_POLICY_CACHE)
                *out = p->cache[index_nospec(sub, CPU_POLICY_CACHE)];
            return;
        case 7:
            if (sub < CPU_POLICY_FEAT)
                *out = p->feat[index_nospec(sub, CPU_POLICY_FEAT)];
            return;
        case 0xb:
            if (sub < CPU_POLICY_TOPO)
                *out = p->topo[index_nospec(sub, CPU_POLICY_TOPO)];
            return;
        case 0xd:
            if (sub < CPU_POLICY_XSTATE)
                *out = p->xstate[index_nospec(sub, CPU_POLICY_XSTATE)];
            if (sub == 0)
                out->b = p->xstate[0].a ? xsave_bytes(p, v->pv.xcr0) : 0;
            /* Linux gives up all of XSAVE if this is not what it reckons, while its programs go on using AVX. */
            if (sub == 1 && (out->a & B(1)))
                out->b = xsave_compacted_bytes(p, v->pv.xcr0);
            return;
        case 1:
            *out = p->basic[1];
            /* CR4.OSXSAVE is the hypervisor's in PV: set for all. */
            if (out->c & XSAVE)
                out->c |= OSXSAVE;
            return;
        default: *out = p->basic[index_nospec(leaf, CPU_POLICY_BASIC)]; return;
        }
    }
    if (leaf - 0x80000000u < CPU_POLICY_EXT) {
        if (leaf <= p->ext[0].a)
            *out = p->ext[index_nospec(leaf - 0x80000000u, CPU_POLICY_EXT)];
        return;
    }
    if (leaf - XEN_CPUID_FIRST_LEAF <= hypervisor_limit(p))
        hypervisor_leaf(v, leaf - XEN_CPUID_FIRST_LEAF, sub, out);
}

/* ---- the tools' form ------------------------------------------------------------------------------- */

/* The storage of a leaf; *has_sub: it has sub-leaves. NULL: not stored. */
static struct cpuid_regs *leaf_storage(struct cpu_policy *p, uint32_t leaf, uint32_t sub)
{
    bool none = sub == XEN_CPUID_NO_SUBLEAF;

    switch (leaf) {
    case 4: return sub < CPU_POLICY_CACHE ? &p->cache[index_nospec(sub, CPU_POLICY_CACHE)] : NULL;
    case 7: return sub < CPU_POLICY_FEAT ? &p->feat[index_nospec(sub, CPU_POLICY_FEAT)] : NULL;
    case 0xb: return sub < CPU_POLICY_TOPO ? &p->topo[index_nospec(sub, CPU_POLICY_TOPO)] : NULL;
    case 0xd:
        return sub < CPU_POLICY_XSTATE ? &p->xstate[index_nospec(sub, CPU_POLICY_XSTATE)] : NULL;
    default: break;
    }
    if (!none)
        return NULL;
    if (leaf < CPU_POLICY_BASIC)
        return &p->basic[index_nospec(leaf, CPU_POLICY_BASIC)];
    if (leaf - 0x80000000u < CPU_POLICY_EXT)
        return &p->ext[index_nospec(leaf - 0x80000000u, CPU_POLICY_EXT)];
    return NULL;
}

int cpu_policy_set_leaf(struct cpu_policy *p, const xen_cpuid_leaf_t *in)
{
    struct cpuid_regs *r;

    if (in->leaf == XEN_CPUID_FIRST_LEAF || in->leaf == XEN_CPUID_FIRST_LEAF + 0x100) {
        if (in->subleaf != XEN_CPUID_NO_SUBLEAF)
            return -EINVAL;
        *(in->leaf == XEN_CPUID_FIRST_LEAF ? &p->hv_limit : &p->hv2_limit) = in->a;
        return 0;
    }
    r = leaf_storage(p, in->leaf, in->subleaf);
    if (!r)
        return -ERANGE;
    *r = (struct cpuid_regs){in->a, in->b, in->c, in->d};
    return 0;
}

int cpu_policy_set_msr(struct cpu_policy *p, const xen_msr_entry_t *in)
{
    if (in->flags)
        return -EINVAL;
    switch (in->idx) {
    case MSR_PLATFORM_INFO: p->platform_info = in->val; return 0;
    case MSR_ARCH_CAPABILITIES: return 0; /* nobody has it: what it says is not kept */
    default: return -ERANGE;
    }
}

/* Number of sub-leaves that are worth telling, 0: a leaf without. */
static uint32_t nr_subleaves(const struct cpu_policy *p, uint32_t leaf)
{
    uint32_t n;

    switch (leaf) {
    case 4:
        for (n = 0; n < CPU_POLICY_CACHE && (p->cache[n].a & 0x1f); n++)
            ;
        return MIN(n + 1, (uint32_t)CPU_POLICY_CACHE);
    case 7: return MIN(p->feat[0].a + 1, (uint32_t)CPU_POLICY_FEAT);
    case 0xb: return CPU_POLICY_TOPO;
    case 0xd: return CPU_POLICY_XSTATE;
    default: return 0;
    }
}

/* Iterator: leaf number in the order basic, hypervisor's two limits, extended; sub-leaf below. */
bool cpu_policy_leaf(const struct cpu_policy *p, unsigned int *iterator, xen_cpuid_leaf_t *out)
{
    enum { HV = CPU_POLICY_BASIC, EXT = HV + 2 };
    uint32_t i = *iterator >> 8, sub = *iterator & 0xff, n;
    const struct cpuid_regs *r;

    memset(out, 0, sizeof(*out));
    out->subleaf = XEN_CPUID_NO_SUBLEAF;
    if (i < HV && i > p->basic[0].a)
        i = HV;
    if (i >= HV && i < EXT) {
        out->leaf = XEN_CPUID_FIRST_LEAF + (i - HV) * 0x100;
        out->a = i == HV ? p->hv_limit : p->hv2_limit;
        *iterator = (i + 1) << 8;
        return true;
    }
    out->leaf = i < HV ? i : 0x80000000u + (i - EXT);
    if (i >= EXT && (i - EXT >= CPU_POLICY_EXT || out->leaf > p->ext[0].a))
        return false;
    n = nr_subleaves(p, out->leaf);
    if (n)
        out->subleaf = sub;
    r = leaf_storage((struct cpu_policy *)p, out->leaf, out->subleaf);
    out->a = r->a;
    out->b = r->b;
    out->c = r->c;
    out->d = r->d;
    *iterator = sub + 1 < n ? i << 8 | (sub + 1) : (i + 1) << 8;
    return true;
}

bool cpu_policy_msr(const struct cpu_policy *p, unsigned int i, xen_msr_entry_t *out)
{
    if (i > 0)
        return false;
    *out = (xen_msr_entry_t){.idx = MSR_PLATFORM_INFO, .val = p->platform_info};
    return true;
}
