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
/* Replace the LDT of current: ents descriptors from a page-aligned virtual address on. */
int pv_set_ldt(struct vcpu *v, uint64_t base, unsigned int ents);
/* Drop both; v does not run. */
void pv_drop_descriptors(struct vcpu *v);
/* Fill the GDT window with an empty page, so that no access in it faults. */
void pv_gdt_clear_window(struct vcpu *v);
/* One gate of the virtual IDT, as given by the guest. */
void pv_set_trap(struct vcpu *v, unsigned int nr, const struct trap_info *t);

#endif
