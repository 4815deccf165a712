/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Switching a CPU between vCPUs; a PV guest's two modes; its extended (FPU) state. */
#ifndef XEN_X86_SWITCH_H
#define XEN_X86_SWITCH_H
#include "domain/domain.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

void idle_loop(void) __noreturn;
/* current: load pv.cr3's tables. */
static inline void pv_load_cr3(struct vcpu *v)
{
    tlb_note_flushed(); /* first: see its contract */
    write_cr3(v->pv.cr3);
}
/* current: go to the other mode (kernel <-> user): page tables and GS. */
static inline void pv_toggle_mode(struct vcpu *v)
{
    v->pv.in_kernel = !v->pv.in_kernel;
    __asm__ volatile("swapgs" ::: "memory");
    struct frame *root = v->pv.in_kernel ? v->pv.kernel_table : v->pv.user_table;
    v->pv.cr3 = mfn_x(frame_to_mfn(root)) << PAGE_SHIFT;
    pv_load_cr3(v);
}
/* Segment bases of current, wherever they are now. which: SEGBASE_*. */
uint64_t pv_get_base(struct vcpu *v, unsigned int which);
void pv_set_base(struct vcpu *v, unsigned int which, uint64_t base);
/* current: load its GDT window / LDT / debug registers after a change. */
void pv_load_gdt(struct vcpu *v);
void pv_load_ldt(struct vcpu *v);
void pv_load_debugregs(struct vcpu *v);
/* Address of a vCPU's GDT and LDT windows in the per-domain slot. */
#define PV_GDT_VA(v) (PERDOMAIN_START + ((uint64_t)(v)->id << PV_VCPU_VA_SHIFT))
#define PV_LDT_VA(v) (PV_GDT_VA(v) + 32 * PAGE_SIZE)
/* XSETBV by current; -EINVAL for values it may not have. */
int pv_set_xcr0(struct vcpu *v, uint64_t xcr0);
/* current's extended state into v->xsave, or from it. */
void fpu_save(struct vcpu *v);
void fpu_restore(struct vcpu *v);

#endif
