/* SPDX-License-Identifier: MIT */
/*
 * The part of the root that belongs to x86-64: selectors, the address hole, registers and vCPU
 * contexts. xen.h includes it at the right moment.
 */
#include "xen.h"
#ifndef HOSPES_ABI_ARCH_X86_64_H
#define HOSPES_ABI_ARCH_X86_64_H

#define XEN_HAVE_PV_GUEST_ENTRY 1
#define XEN_HAVE_PV_UPCALL_MASK 1
#define XEN_LEGACY_MAX_VCPUS    32 /* vCPUs whose vcpu_info is in shared_info */

/* A GDT has 16 frames; the last two are the hypervisor's. */
#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_BYTE  (FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY (FIRST_RESERVED_GDT_BYTE / 8)

/* Flat segments that every GDT holds. Kernel and user of a PV guest both run in ring 3. */
#define FLAT_RING3_CS32  0xe023
#define FLAT_RING3_CS64  0xe033
#define FLAT_RING3_DS32  0xe02b
#define FLAT_RING3_DS64  0x0000
#define FLAT_RING3_SS32  0xe02b
#define FLAT_RING3_SS64  0xe02b
#define FLAT_KERNEL_CS32 FLAT_RING3_CS32
#define FLAT_KERNEL_CS64 FLAT_RING3_CS64
#define FLAT_KERNEL_CS   FLAT_KERNEL_CS64
#define FLAT_KERNEL_DS32 FLAT_RING3_DS32
#define FLAT_KERNEL_DS64 FLAT_RING3_DS64
#define FLAT_KERNEL_DS   FLAT_KERNEL_DS64
#define FLAT_KERNEL_SS32 FLAT_RING3_SS32
#define FLAT_KERNEL_SS64 FLAT_RING3_SS64
#define FLAT_KERNEL_SS   FLAT_KERNEL_SS64
#define FLAT_USER_CS32   FLAT_RING3_CS32
#define FLAT_USER_CS64   FLAT_RING3_CS64
#define FLAT_USER_CS     FLAT_USER_CS64
#define FLAT_USER_DS32   FLAT_RING3_DS32
#define FLAT_USER_DS64   FLAT_RING3_DS64
#define FLAT_USER_DS     FLAT_USER_DS64
#define FLAT_USER_SS32   FLAT_RING3_SS32
#define FLAT_USER_SS64   FLAT_RING3_SS64
#define FLAT_USER_SS     FLAT_USER_SS64

/*
 * The hole in a PV guest's address space that belongs to the hypervisor. It starts with the M2P
 * table, which the guest may read: one 64-bit PFN per machine frame.
 */
#define __HYPERVISOR_VIRT_START 0xFFFF800000000000
#define __HYPERVISOR_VIRT_END   0xFFFF880000000000
#define __MACH2PHYS_VIRT_START  0xFFFF800000000000
#define __MACH2PHYS_VIRT_END    0xFFFF804000000000
#ifndef HYPERVISOR_VIRT_START
#define HYPERVISOR_VIRT_START xen_mk_ulong(__HYPERVISOR_VIRT_START)
#define HYPERVISOR_VIRT_END   xen_mk_ulong(__HYPERVISOR_VIRT_END)
#endif
#define MACH2PHYS_VIRT_START xen_mk_ulong(__MACH2PHYS_VIRT_START)
#define MACH2PHYS_VIRT_END   xen_mk_ulong(__MACH2PHYS_VIRT_END)
#define MACH2PHYS_NR_ENTRIES ((MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 3)
#ifndef machine_to_phys_mapping
#define machine_to_phys_mapping ((unsigned long *)HYPERVISOR_VIRT_START)
#endif

/* set_segment_base(which, base) */
#define SEGBASE_FS          0
#define SEGBASE_GS_USER     1
#define SEGBASE_GS_KERNEL   2
#define SEGBASE_GS_USER_SEL 3 /* a selector to load, not a base */

/* vcpu_guest_context.flags */
#define VGCF_I387_VALID                (1 << 0)
#define VGCF_IN_KERNEL                 (1 << 2)
#define _VGCF_i387_valid               0
#define VGCF_i387_valid                (1 << _VGCF_i387_valid)
#define _VGCF_in_kernel                2
#define VGCF_in_kernel                 (1 << _VGCF_in_kernel)
#define _VGCF_failsafe_disables_events 3
#define VGCF_failsafe_disables_events  (1 << _VGCF_failsafe_disables_events)
#define _VGCF_syscall_disables_events  4
#define VGCF_syscall_disables_events   (1 << _VGCF_syscall_disables_events)
#define _VGCF_online                   5
#define VGCF_online                    (1 << _VGCF_online)

/* iret_context.flags: rcx and r11 need not be restored, SYSRET may be used */
#define _VGCF_in_syscall 8
#define VGCF_in_syscall  (1 << _VGCF_in_syscall)
#define VGCF_IN_SYSCALL  VGCF_in_syscall

/* The prefix that makes the hypervisor emulate the next instruction: ud2, then "xen". */
#ifdef __ASSEMBLY__
#define XEN_EMULATE_PREFIX .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e;
#define XEN_CPUID          XEN_EMULATE_PREFIX cpuid
#else
#define XEN_EMULATE_PREFIX ".byte 0x0f,0x0b,0x78,0x65,0x6e ; "
#define XEN_CPUID          XEN_EMULATE_PREFIX "cpuid"
#endif

#define XEN_HVM_DEBUGCONS_IOPORT 0xe9 /* a byte written here is logged */

/*
 * xen_arch_domainconfig.emulation_flags: devices that the hypervisor emulates for a hardware guest
 */
#define _XEN_X86_EMU_LAPIC    0
#define _XEN_X86_EMU_HPET     1
#define _XEN_X86_EMU_PM       2
#define _XEN_X86_EMU_RTC      3
#define _XEN_X86_EMU_IOAPIC   4
#define _XEN_X86_EMU_PIC      5
#define _XEN_X86_EMU_VGA      6
#define _XEN_X86_EMU_IOMMU    7
#define _XEN_X86_EMU_PIT      8
#define _XEN_X86_EMU_USE_PIRQ 9
#define _XEN_X86_EMU_VPCI     10
#define XEN_X86_EMU_LAPIC     (1U << _XEN_X86_EMU_LAPIC)
#define XEN_X86_EMU_HPET      (1U << _XEN_X86_EMU_HPET)
#define XEN_X86_EMU_PM        (1U << _XEN_X86_EMU_PM)
#define XEN_X86_EMU_RTC       (1U << _XEN_X86_EMU_RTC)
#define XEN_X86_EMU_IOAPIC    (1U << _XEN_X86_EMU_IOAPIC)
#define XEN_X86_EMU_PIC       (1U << _XEN_X86_EMU_PIC)
#define XEN_X86_EMU_VGA       (1U << _XEN_X86_EMU_VGA)
#define XEN_X86_EMU_IOMMU     (1U << _XEN_X86_EMU_IOMMU)
#define XEN_X86_EMU_PIT       (1U << _XEN_X86_EMU_PIT)
#define XEN_X86_EMU_USE_PIRQ  (1U << _XEN_X86_EMU_USE_PIRQ)
#define XEN_X86_EMU_VPCI      (1U << _XEN_X86_EMU_VPCI)
#define XEN_X86_EMU_ALL       ((1U << (_XEN_X86_EMU_VPCI + 1)) - 1)

/* xen_arch_domainconfig.misc_flags */
#define XEN_X86_MSR_RELAXED    (1u << 0) /* unknown MSRs read as zero instead of faulting */
#define XEN_X86_MISC_FLAGS_MAX XEN_X86_MSR_RELAXED

#define XEN_CPUID_NO_SUBLEAF   0xffffffffu

#ifndef __ASSEMBLY__

/* CR3 as the guest sees it and the machine frame in it */
#define xen_pfn_to_cr3(pfn) ((unsigned long)(pfn) << 12)
#define xen_cr3_to_pfn(cr3) ((unsigned long)(cr3) >> 12)

typedef uint64_t tsc_timestamp_t;

/* The frame that a PV kernel puts on its stack for HYPERVISOR_iret. */
struct iret_context {
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};
XEN_ABI_SIZE(struct iret_context, 72);

/* Every name that a general register, or a part of it, goes by. */
#define XEN_ABI_REG_HI(n) \
    union {               \
        uint64_t r##n;    \
        uint32_t r##n##d; \
        uint16_t r##n##w; \
        uint8_t r##n##b;  \
    }
#define XEN_ABI_REG_X(n)  \
    union {               \
        uint64_t r##n##x; \
        uint32_t e##n##x; \
        uint16_t n##x;    \
        struct {          \
            uint8_t n##l; \
            uint8_t n##h; \
        };                \
    }
#define XEN_ABI_REG_P(n) \
    union {              \
        uint64_t r##n;   \
        uint32_t e##n;   \
        uint16_t n;      \
        uint8_t n##l;    \
    }
#define XEN_ABI_REG_16(n) \
    union {               \
        uint64_t r##n;    \
        uint32_t e##n;    \
        uint16_t n;       \
    }

struct cpu_user_regs {
    XEN_ABI_REG_HI(15);
    XEN_ABI_REG_HI(14);
    XEN_ABI_REG_HI(13);
    XEN_ABI_REG_HI(12);
    XEN_ABI_REG_P(bp);
    XEN_ABI_REG_X(b);
    XEN_ABI_REG_HI(11);
    XEN_ABI_REG_HI(10);
    XEN_ABI_REG_HI(9);
    XEN_ABI_REG_HI(8);
    XEN_ABI_REG_X(a);
    XEN_ABI_REG_X(c);
    XEN_ABI_REG_X(d);
    XEN_ABI_REG_P(si);
    XEN_ABI_REG_P(di);
    uint32_t error_code;   /* private to the hypervisor */
    uint32_t entry_vector; /* private to the hypervisor */
    XEN_ABI_REG_16(ip);
    uint16_t cs, _pad0[1];
    uint8_t saved_upcall_mask; /* evtchn_upcall_mask at the time of the entry */
    uint8_t _pad1[3];
    XEN_ABI_REG_16(flags);
    XEN_ABI_REG_P(sp);
    uint16_t ss, _pad2[3];
    uint16_t es, _pad3[3];
    uint16_t ds, _pad4[3];
    uint16_t fs, _pad5[3];
    uint16_t gs, _pad6[3];
};
XEN_ABI_STRUCT(cpu_user_regs);
XEN_ABI_OFFSET(struct cpu_user_regs, rax, 80);
XEN_ABI_OFFSET(struct cpu_user_regs, rip, 128);
XEN_ABI_OFFSET(struct cpu_user_regs, saved_upcall_mask, 140);
XEN_ABI_OFFSET(struct cpu_user_regs, rsp, 152);
XEN_ABI_SIZE(struct cpu_user_regs, 200);

/* One gate of a virtual IDT; the table for set_trap_table ends with an address of zero. */
struct trap_info {
    uint8_t vector;
    uint8_t flags; /* bits 0-1: DPL; bit 2: mask event upcalls on entry */
    uint16_t cs;
    unsigned long address;
};
XEN_ABI_STRUCT(trap_info);
XEN_ABI_SIZE(struct trap_info, 16);
#define TI_GET_DPL(_ti)       ((_ti)->flags & 3)
#define TI_GET_IF(_ti)        ((_ti)->flags & 4)
#define TI_SET_DPL(_ti, _dpl) ((_ti)->flags |= (_dpl))
#define TI_SET_IF(_ti, _if)   ((_ti)->flags |= ((_if) ? 4 : 0))

/* A PV vCPU's whole state: VCPUOP_initialise, XEN_DOMCTL_{get,set}vcpucontext. */
struct vcpu_guest_context {
    struct {
        char x[512]; /* FXSAVE image */
    } fpu_ctxt;
    unsigned long flags; /* VGCF_* */
    struct cpu_user_regs user_regs;
    struct trap_info trap_ctxt[256];
    unsigned long ldt_base, ldt_ents;
    unsigned long gdt_frames[16], gdt_ents;
    unsigned long kernel_ss, kernel_sp;
    unsigned long ctrlreg[8]; /* cr3 and cr1 (the user root) as xen_pfn_to_cr3() values */
    unsigned long debugreg[8];
    unsigned long event_callback_eip;
    unsigned long failsafe_callback_eip;
    unsigned long syscall_callback_eip;
    unsigned long vm_assist; /* bitmap of VMASST_TYPE_* */
    uint64_t fs_base;
    uint64_t gs_base_kernel;
    uint64_t gs_base_user;
};
XEN_ABI_STRUCT(vcpu_guest_context);
XEN_ABI_OFFSET(struct vcpu_guest_context, trap_ctxt, 720);
XEN_ABI_OFFSET(struct vcpu_guest_context, ctrlreg, 4984);
XEN_ABI_OFFSET(struct vcpu_guest_context, event_callback_eip, 5112);
XEN_ABI_SIZE(struct vcpu_guest_context, 5168);

struct arch_vcpu_info {
    unsigned long cr2; /* address of the last page fault bounced to the guest */
    unsigned long pad;
};
typedef struct arch_vcpu_info arch_vcpu_info_t;

/* What a guest tells the tools about its p2m map (save and dump read it). */
struct arch_shared_info {
    unsigned long max_pfn;
    xen_pfn_t pfn_to_mfn_frame_list_list; /* root of the old three-level list */
    unsigned long nmi_reason;
    unsigned long p2m_cr3; /* address space in which p2m_vaddr holds; 0: use the list */
    unsigned long p2m_vaddr;
    unsigned long p2m_generation; /* odd while the guest changes the map's own tables */
};
typedef struct arch_shared_info arch_shared_info_t;
XEN_ABI_SIZE(struct arch_shared_info, 48);

struct xen_arch_domainconfig {
    uint32_t emulation_flags; /* XEN_X86_EMU_* */
    uint32_t misc_flags;      /* XEN_X86_MSR_RELAXED */
};

/* One element of a CPU policy; see XEN_DOMCTL_get_cpu_policy. */
typedef struct xen_cpuid_leaf {
    uint32_t leaf, subleaf; /* subleaf XEN_CPUID_NO_SUBLEAF where the leaf has none */
    uint32_t a, b, c, d;
} xen_cpuid_leaf_t;
DEFINE_XEN_GUEST_HANDLE(xen_cpuid_leaf_t);
XEN_ABI_SIZE(struct xen_cpuid_leaf, 24);

typedef struct xen_msr_entry {
    uint32_t idx;
    uint32_t flags; /* zero */
    uint64_t val;
} xen_msr_entry_t;
DEFINE_XEN_GUEST_HANDLE(xen_msr_entry_t);
XEN_ABI_SIZE(struct xen_msr_entry, 16);

#endif /* __ASSEMBLY__ */
#endif
