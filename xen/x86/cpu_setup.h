/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting a CPU into the state in which the hypervisor runs. (x86/cpu_setup.c) */
#ifndef XEN_X86_CPU_SETUP_H
#define XEN_X86_CPU_SETUP_H
#include "x86/cpu.h"

#define HV_CS  0xe008
#define HV_DS  0xe010
#define HV_TR  0xe040
#define HV_LDT 0xe050

/* What the hypervisor uses of the CPU, found once on the boot CPU. */
struct cpu_caps {
    bool smep, smap, umip, fsgsbase, xsave, xsaveopt, invpcid, nx;
    uint64_t xcr0; /* extended states that the CPU has and that we let guests use */
    char vendor[13];
    unsigned int family, model, stepping;
};
extern struct cpu_caps cpu_caps;
extern uint32_t xsave_size; /* bytes of a full extended-state image */

void cpu_init_boot(void);                  /* boot CPU, after paging_init() */
void cpu_init_secondary(unsigned int cpu); /* each other CPU, on its own stack */
/* GDT page with the reserved descriptors of this CPU (mapped in a vCPU's window at page 14). */
DECLARE_PER_CPU(uint64_t *, gdt_page);
/* Load the GDT whose page 14 is this CPU's: base is the window's address (or the CPU's own). */
void cpu_load_gdt(uint64_t base);
/* Set this CPU's LDT: ents 0 for none. */
void cpu_load_ldt(uint64_t base, unsigned int ents);

#define MSR_EFER         0xc0000080
#define MSR_STAR         0xc0000081
#define MSR_LSTAR        0xc0000082
#define MSR_CSTAR        0xc0000083
#define MSR_SFMASK       0xc0000084
#define MSR_FS_BASE      0xc0000100
#define MSR_GS_BASE      0xc0000101
#define MSR_SHADOW_GS    0xc0000102
#define MSR_TSC_AUX      0xc0000103
#define MSR_PAT          0x277
#define MSR_SYSENTER_CS  0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176

#define CR0_TS           0x8
#define CR4_PVI          (1u << 1)
#define CR4_TSD          (1u << 2)
#define CR4_DE           (1u << 3)
#define CR4_PAE          (1u << 5)
#define CR4_MCE          (1u << 6)
#define CR4_PGE          (1u << 7)
#define CR4_OSFXSR       (1u << 9)
#define CR4_OSXMMEXCPT   (1u << 10)
#define CR4_UMIP         (1u << 11)
#define CR4_FSGSBASE     (1u << 16)
#define CR4_OSXSAVE      (1u << 18)
#define CR4_SMEP         (1u << 20)
#define CR4_SMAP         (1u << 21)

/* The PAT that the Xen ABI promises to PV guests: WB WT UC- UC WC WP UC UC. */
#define XEN_PAT 0x0000050100070406ull
/* x87 and SSE. SSE works without its bit in XCR0, too, but then XSAVE and XRSTOR leave its registers
 * to the next vCPU: so every vCPU has both, whatever it asks for. */
#define XCR0_ALWAYS 0x3ull

#endif
