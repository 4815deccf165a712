/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PV personality: state of a PV vCPU and domain. Guest kernel and user run in ring 3 on two
 * address spaces; exceptions and system calls bounce through the kernel's registered entries.
 */
#ifndef XEN_PV_PV_H
#define XEN_PV_PV_H
#include "lib/types.h"
#include "x86/page.h"
#include "hypercalls/abi/arch-x86_64.h"

struct domain;
struct vcpu;
struct frame;

#define PV_GDT_PAGES     14 /* guest's own, then the reserved one */
#define PV_VCPU_VA_SHIFT 18 /* per-domain window of a vCPU: 32 GDT pages, then 32 LDT pages */

struct pv_trap {
    uint64_t rip;
    uint16_t cs;
    uint8_t flags; /* bits 0-1: privilege that may INT n; bit 2: mask events on entry */
};

struct pv_vcpu {
    struct pv_trap *traps;         /* 256 */
    const void *hypercalls;        /* dispatch table: which calls this guest may make */
    uint64_t kernel_ss, kernel_sp; /* stack_switch */
    uint64_t event_cb, failsafe_cb, syscall_cb, syscall32_cb, sysenter_cb;
    uint16_t syscall32_cs, sysenter_cs;
    bool failsafe_masks, syscall_masks, syscall32_masks, sysenter_masks;
    bool in_kernel; /* mode: kernel address space, GS swapped accordingly */
    bool xpti;      /* runs on tables without the hypervisor (x86/xpti.c) */
    uint64_t xcr0;  /* XCR0_ALWAYS and what it has switched on */
    bool callbacks_set;
    uint8_t iopl;
    uint64_t iobmp_va; /* physdev set_iobitmap */
    uint32_t iobmp_limit;

    struct frame *kernel_table, *user_table; /* L4s, each with a type reference; user may be NULL */
    uint64_t cr3;                            /* machine address now in use */
    uint64_t fs_base, gs_base_kernel, gs_base_user; /* saved while not running */
    uint16_t ds, es, fs, gs;
    uint64_t ctrl_cr0_ts; /* guest's TS flag */
    uint64_t ctrl_cr4;
    uint64_t debugreg[8];
    uint32_t gdt_ents;
    struct frame *gdt_frames[PV_GDT_PAGES];
    uint32_t ldt_ents;
    uint64_t ldt_base; /* guest virtual */
    uint64_t trap_cr2;
    uint32_t trap_nr; /* 0..31 pending exception to bounce */
    uint32_t trap_error;
    bool nmi_pending; /* atomic */
    bool nmi_masked;  /* in its handler */
};

struct pv_domain {
    pte_t *perdomain_l3; /* what slot 260 of its L4s points to */
    pte_t **gdt_ldt_l1;  /* per vCPU: 64 entries within an L1 page */
    pte_t *m2p_unused;
    struct { /* XENMEM_set_memory_map */
        struct xen_e820_entry *map;
        uint32_t count;
    } e820;
    bool is_64bit;
};
struct xen_e820_entry {
    uint64_t addr, size;
    uint32_t type;
} __packed;

int pv_domain_init(struct domain *d);
void pv_domain_destroy(struct domain *d);
/* Fill a page with the 64-bit PV call stubs, 32 bytes for each number (ABI). */
void pv_hypercall_page(void *page);
int pv_vcpu_init(struct vcpu *v);
/* Start state as in the ABI; v does not run. -ERESTART: call again. (VCPUOP_initialise, domctl) */
int pv_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
void pv_vcpu_destroy(struct vcpu *v);
/* Drop page tables, GDT, LDT of all vCPUs, and see that no CPU has them loaded. (domain_kill) */
int pv_domain_unload(struct domain *d);
/* Then every pin, table and frame; -ERESTART. (domain_kill) */
int pv_domain_relinquish(struct domain *d);

/*
 * The page-table entry of a grant mapping in current's tables: at the virtual address host_addr, or
 * (contains_pte) at the machine address host_addr of the entry itself. The entry holds no
 * references: the caller (grant_table.c) does, until after the unmapping and the flush. flags:
 * PTE_PRESENT, PTE_USER, PTE_RW, the software bits. Unmap: -EINVAL unless the entry is a grant
 * mapping of this frame with this writability. Takes pt_lock. (pv/grant_pte.c)
 */
int pv_grant_map_pte(uint64_t host_addr, bool contains_pte, mfn_t mfn, uint64_t flags);
int pv_grant_unmap_pte(uint64_t host_addr, bool contains_pte, mfn_t mfn, bool writable);

/* Switch this CPU from prev to next; does not return (x86/switch.c). */
void context_switch(struct vcpu *prev, struct vcpu *next) __noreturn;

/* Current's exit to the guest: inject a pending event or trap if its kernel can take it now. */
void pv_deliver_pending(void);
/* Queue exception nr for current (bounced on the way out). */
void pv_inject_trap(unsigned int nr, uint32_t error, uint64_t cr2);

#endif
