/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a PV vCPU that does not run, as the tools save and restore it. (pv/context.c) */
#ifndef XEN_PV_CONTEXT_H
#define XEN_PV_CONTEXT_H
#include "domain/domain.h"

#define PV_VM_ASSIST(t) (1ull << VMASST_TYPE_##t)
/* What a 64-bit PV kernel may ask for; some have no meaning there, but kernels set them. */
#define PV_VM_ASSISTS                                                        \
    (PV_VM_ASSIST(4gb_segments) | PV_VM_ASSIST(4gb_segments_notify) |        \
     PV_VM_ASSIST(writable_pagetables) | PV_VM_ASSIST(pae_extended_cr3) |    \
     PV_VM_ASSIST(architectural_iopl) | PV_VM_ASSIST(runstate_update_flag) | \
     PV_VM_ASSIST(m2p_strict))

/* *c is zeroed by the caller; undone, so to say, by pv_set_context(). */
void pv_get_context(struct vcpu *v, struct vcpu_guest_context *c);
/* The extended states that guests may use; 0: the host has no XSAVE. */
uint64_t pv_extstate_mask(void);
/*
 * Replace v's extended state. image: xsave_size bytes of which size came from outside, checked here.
 * -EINVAL, -EOPNOTSUPP.
 */
int pv_set_extstate(struct vcpu *v, uint64_t xcr0, void *image, uint64_t size);

#endif
