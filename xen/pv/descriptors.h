/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's descriptor tables: the guest's GDT and LDT frames appear in the vCPU's window of the
 * per-domain slot; each frame carries a type reference (FRAME_SEG), so that the guest cannot
 * write to it but through update_descriptor.
 */
#ifndef XEN_PV_DESCRIPTORS_H
#define XEN_PV_DESCRIPTORS_H
#include "domain/domain.h"

/* Replace the GDT: MFNs of DIV_ROUND_UP(ents, 512) frames. Takes pt_lock. 0 or -EINVAL. */
int pv_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned int ents);
/* Replace the LDT: ents descriptors from a page-aligned virtual address on. v is current or does not
 * run; the caller loads the register. -EINVAL: refused; there is none then. Takes pt_lock. */
int pv_set_ldt(struct vcpu *v, uint64_t base, unsigned int ents);
/*
 * A fault at this address, by current's use of a selector: if it is in the window of its LDT, the page
 * is brought in from the guest's tables. 0: try again; -EFAULT: the guest has none to be used there,
 * *va is the address that it knows it by; -ENOENT: not in the window. Process context of current.
 */
int pv_ldt_fault(struct vcpu *v, uint64_t *va);
/* Drop both; v does not run. */
void pv_drop_descriptors(struct vcpu *v);
/* Fill the GDT window with an empty page, so that no access in it faults. */
void pv_gdt_clear_window(struct vcpu *v);
/* One gate of the virtual IDT, as given by the guest. */
void pv_set_trap(struct vcpu *v, unsigned int nr, const struct trap_info *t);

#endif
