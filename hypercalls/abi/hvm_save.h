/* SPDX-License-Identifier: MIT */
/*
 * The stream of XEN_DOMCTL_{get,set}hvmcontext: records of a descriptor and a structure, first
 * HEADER, last END. DECLARE_HVM_SAVE_TYPE ties a structure to its code; HVM_SAVE_TYPE, _LENGTH and
 * _CODE ask.
 */
#ifndef HOSPES_ABI_HVM_SAVE_H
#define HOSPES_ABI_HVM_SAVE_H

#include "xen.h"

struct hvm_save_descriptor {
    uint16_t typecode;
    uint16_t instance; /* the vCPU, or which of several devices */
    uint32_t length;   /* of what follows */
};
XEN_ABI_SIZE(struct hvm_save_descriptor, 8);

/* The code is the length of c, the presence of an older form the length of cpt. */
#define DECLARE_HVM_SAVE_TYPE(_x, _code, _type) \
    struct __HVM_SAVE_TYPE_##_x {               \
        _type t;                                \
        char c[_code];                          \
        char cpt[1];                            \
    }
#define DECLARE_HVM_SAVE_TYPE_COMPAT(_x, _code, _type, _ctype, _fix) \
    struct __HVM_SAVE_TYPE_##_x {                                    \
        _type t;                                                     \
        char c[_code];                                               \
        char cpt[2];                                                 \
    }
#define HVM_SAVE_TYPE(_x)   __typeof__(((struct __HVM_SAVE_TYPE_##_x *)(0))->t)
#define HVM_SAVE_LENGTH(_x) (sizeof(HVM_SAVE_TYPE(_x)))
#define HVM_SAVE_CODE(_x)   (sizeof(((struct __HVM_SAVE_TYPE_##_x *)(0))->c))

/* Codes without a declaration, as their length varies */
#define CPU_XSAVE_CODE    16
#define CPU_MSR_CODE      20
#define HVM_SAVE_CODE_MAX 20

#define HVM_FILE_MAGIC    0x54381286
#define HVM_FILE_VERSION  0x00000001

struct hvm_save_end {
#ifdef __cplusplus
    char none[0]; /* no bytes here either */
#endif
};
DECLARE_HVM_SAVE_TYPE(END, 0, struct hvm_save_end);

struct hvm_save_header {
    uint32_t magic;
    uint32_t version;
    uint64_t changeset;
    uint32_t cpuid; /* leaf 1 EAX of the host */
    uint32_t gtsc_khz;
};
DECLARE_HVM_SAVE_TYPE(HEADER, 1, struct hvm_save_header);
XEN_ABI_SIZE(struct hvm_save_header, 24);

/* hvm_hw_cpu.flags */
#define _XEN_X86_FPU_INITIALISED 0
#define XEN_X86_FPU_INITIALISED  (1U << _XEN_X86_FPU_INITIALISED)

/* The start of the CPU record is the same in its old and its new form; only the end differs. */
#define XEN_ABI_HVM_CPU_COMMON                                                                   \
    uint8_t fpu_regs[512];                                                                       \
    uint64_t rax, rbx, rcx, rdx, rbp, rsi, rdi, rsp, r8, r9, r10, r11, r12, r13, r14, r15;       \
    uint64_t rip, rflags;                                                                        \
    uint64_t cr0, cr2, cr3, cr4, dr0, dr1, dr2, dr3, dr6, dr7;                                   \
    uint32_t cs_sel, ds_sel, es_sel, fs_sel, gs_sel, ss_sel, tr_sel, ldtr_sel;                   \
    uint32_t cs_limit, ds_limit, es_limit, fs_limit, gs_limit, ss_limit, tr_limit, ldtr_limit;   \
    uint32_t idtr_limit, gdtr_limit;                                                             \
    uint64_t cs_base, ds_base, es_base, fs_base, gs_base, ss_base, tr_base, ldtr_base;           \
    uint64_t idtr_base, gdtr_base;                                                               \
    uint32_t cs_arbytes, ds_arbytes, es_arbytes, fs_arbytes, gs_arbytes, ss_arbytes, tr_arbytes; \
    uint32_t ldtr_arbytes;                                                                       \
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;                                            \
    uint64_t shadow_gs, msr_flags, msr_lstar, msr_star, msr_cstar, msr_syscall_mask, msr_efer

#define XEN_ABI_HVM_CPU_EVENT                \
    union {                                  \
        uint32_t pending_event;              \
        struct {                             \
            uint8_t pending_vector : 8;      \
            uint8_t pending_type : 3;        \
            uint8_t pending_error_valid : 1; \
            uint32_t pending_reserved : 19;  \
            uint8_t pending_valid : 1;       \
        };                                   \
    };                                       \
    uint32_t error_code

struct hvm_hw_cpu {
    XEN_ABI_HVM_CPU_COMMON;
    uint64_t msr_tsc_aux;
    uint64_t tsc;
    XEN_ABI_HVM_CPU_EVENT;
    uint32_t flags;
    uint32_t pad0;
};
XEN_ABI_OFFSET(struct hvm_hw_cpu, rip, 640);
XEN_ABI_OFFSET(struct hvm_hw_cpu, cs_base, 808);
XEN_ABI_SIZE(struct hvm_hw_cpu, 1032);

struct hvm_hw_cpu_compat { /* what Xen before 4.0 wrote */
    XEN_ABI_HVM_CPU_COMMON;
    uint64_t tsc;
    XEN_ABI_HVM_CPU_EVENT;
};
DECLARE_HVM_SAVE_TYPE_COMPAT(CPU, 2, struct hvm_hw_cpu, struct hvm_hw_cpu_compat, );

struct hvm_hw_vpic {
    uint8_t irr, imr, isr;
    uint8_t irq_base;
    uint8_t init_state : 4; /* bits 0-1: the ICW awaited; bit 2: ICW4 follows */
    uint8_t priority_add : 4;
    uint8_t readsel_isr : 1;
    uint8_t poll : 1;
    uint8_t auto_eoi : 1;
    uint8_t rotate_on_auto_eoi : 1;
    uint8_t special_fully_nested_mode : 1;
    uint8_t special_mask_mode : 1;
    uint8_t is_master : 1;
    uint8_t elcr;
    uint8_t int_output;
};
DECLARE_HVM_SAVE_TYPE(PIC, 3, struct hvm_hw_vpic);

union vioapic_redir_entry {
    uint64_t bits;
    struct {
        uint8_t vector;
        uint8_t delivery_mode : 3;
        uint8_t dest_mode : 1;
        uint8_t delivery_status : 1;
        uint8_t polarity : 1;
        uint8_t remote_irr : 1;
        uint8_t trig_mode : 1;
        uint8_t mask : 1;
        uint8_t reserve : 7;
        uint8_t reserved[4];
        uint8_t dest_id;
    } fields;
};

#define VIOAPIC_NUM_PINS 48
struct hvm_hw_vioapic {
    uint64_t base_address;
    uint32_t ioregsel;
    uint32_t id;
    union vioapic_redir_entry redirtbl[VIOAPIC_NUM_PINS];
};
DECLARE_HVM_SAVE_TYPE(IOAPIC, 4, struct hvm_hw_vioapic);

struct hvm_hw_lapic {
    uint64_t apic_base_msr;
    uint32_t disabled;
    uint32_t timer_divisor;
    uint64_t tdt_msr; /* TSC deadline */
};
DECLARE_HVM_SAVE_TYPE(LAPIC, 5, struct hvm_hw_lapic);

struct hvm_hw_lapic_regs {
    uint8_t data[1024];
};
DECLARE_HVM_SAVE_TYPE(LAPIC_REGS, 6, struct hvm_hw_lapic_regs);

struct hvm_hw_pci_irqs { /* INTx lines: bit 4 * device + pin */
    union {
        unsigned long i[16 / sizeof(unsigned long)];
        uint64_t pad[2];
    };
};
DECLARE_HVM_SAVE_TYPE(PCI_IRQ, 7, struct hvm_hw_pci_irqs);

struct hvm_hw_isa_irqs {
    union {
        unsigned long i[1];
        uint64_t pad[1];
    };
};
DECLARE_HVM_SAVE_TYPE(ISA_IRQ, 8, struct hvm_hw_isa_irqs);

struct hvm_hw_pci_link {
    uint8_t route[4]; /* ISA IRQ of each link, 0 for none */
    uint8_t pad0[4];
};
DECLARE_HVM_SAVE_TYPE(PCI_LINK, 9, struct hvm_hw_pci_link);

struct hvm_hw_pit {
    struct hvm_hw_pit_channel {
        uint32_t count;
        uint16_t latched_count;
        uint8_t count_latched, status_latched;
        uint8_t status;
        uint8_t read_state, write_state, write_latch;
        uint8_t rw_mode, mode;
        uint8_t bcd, gate;
    } channels[3];
    uint32_t speaker_data_on;
    uint32_t pad0;
};
DECLARE_HVM_SAVE_TYPE(PIT, 10, struct hvm_hw_pit);

#define RTC_CMOS_SIZE 14
struct hvm_hw_rtc {
    uint8_t cmos_data[RTC_CMOS_SIZE];
    uint8_t cmos_index;
    uint8_t pad0;
    int64_t rtc_offset;
};
DECLARE_HVM_SAVE_TYPE(RTC, 11, struct hvm_hw_rtc);

#define HPET_TIMER_NUM 3
struct hvm_hw_hpet { /* the registers as in the device, then the periods */
    uint64_t capability, res0;
    uint64_t config, res1;
    uint64_t isr, res2[25];
    uint64_t mc64, res3;
    struct {
        uint64_t config, cmp, fsb, res4;
    } timers[HPET_TIMER_NUM];
    uint64_t res5[4 * (24 - HPET_TIMER_NUM)];
    uint64_t period[HPET_TIMER_NUM];
};
DECLARE_HVM_SAVE_TYPE(HPET, 12, struct hvm_hw_hpet);

struct hvm_hw_pmtimer {
    uint32_t tmr_val;
    uint16_t pm1a_sts;
    uint16_t pm1a_en;
};
DECLARE_HVM_SAVE_TYPE(PMTIMER, 13, struct hvm_hw_pmtimer);

#define MTRR_VCNT     8
#define NUM_FIXED_MSR 11
struct hvm_hw_mtrr {
    uint64_t msr_pat_cr;
    uint64_t msr_mtrr_var[MTRR_VCNT * 2]; /* base and mask by turns */
    uint64_t msr_mtrr_fixed[NUM_FIXED_MSR];
    uint64_t msr_mtrr_cap;
    uint64_t msr_mtrr_def_type;
};
DECLARE_HVM_SAVE_TYPE(MTRR, 14, struct hvm_hw_mtrr);
XEN_ABI_SIZE(struct hvm_hw_mtrr, 240);

struct hvm_viridian_domain_context {
    uint64_t hypercall_gpa, guest_os_id, time_ref_count, reference_tsc;
};
DECLARE_HVM_SAVE_TYPE(VIRIDIAN_DOMAIN, 15, struct hvm_viridian_domain_context);

/* Code 16: the XSAVE area goes on after the header as far as xfeature_mask demands. */
struct hvm_hw_cpu_xsave {
    uint64_t xfeature_mask;
    uint64_t xcr0;
    uint64_t xcr0_accum; /* every feature that was ever on */
    struct {
        struct {
            char x[512];
        } fpu_sse;
        struct hvm_hw_cpu_xsave_hdr {
            uint64_t xstate_bv;
            uint64_t xcomp_bv;
            uint64_t reserved[6];
        } xsave_hdr;
    } save_area;
};
XEN_ABI_SIZE(struct hvm_hw_cpu_xsave, 600);

struct hvm_viridian_vcpu_context {
    uint64_t vp_assist_msr;
    uint8_t apic_assist_pending;
    uint8_t _pad[7];
    uint64_t simp_msr;
    uint64_t sint_msr[16];
    uint64_t stimer_config_msr[4];
    uint64_t stimer_count_msr[4];
};
DECLARE_HVM_SAVE_TYPE(VIRIDIAN_VCPU, 17, struct hvm_viridian_vcpu_context);

struct hvm_vmce_vcpu {
    uint64_t caps;
    uint64_t mci_ctl2_bank0;
    uint64_t mci_ctl2_bank1;
    uint64_t mcg_ext_ctl;
};
DECLARE_HVM_SAVE_TYPE(VMCE_VCPU, 18, struct hvm_vmce_vcpu);

struct hvm_tsc_adjust {
    uint64_t tsc_adjust;
};
DECLARE_HVM_SAVE_TYPE(TSC_ADJUST, 19, struct hvm_tsc_adjust);

struct hvm_msr { /* code 20 */
    uint32_t count;
    struct hvm_one_msr {
        uint32_t index;
        uint32_t _rsvd;
        uint64_t val;
    } msr[XEN_FLEX_ARRAY_DIM];
};

#endif
