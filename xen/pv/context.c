/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the state of a PV vCPU out, and its extended state in. v is paused in all of it. */
#include "pv/context.h"
#include "lib/lib.h"
#include "mm/frame.h"
#include "x86/cpu_setup.h"

#define CR0_PE_MP_ET_NE_WP_PG 0x80010033ul

static unsigned long root_cr3(const struct frame *root)
{
    return root ? xen_pfn_to_cr3(mfn_x(frame_to_mfn(root))) : 0;
}

void pv_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
    const struct pv_vcpu *p = &v->pv;

    memcpy(&c->fpu_ctxt, v->xsave, sizeof(c->fpu_ctxt));
    c->flags = VGCF_I387_VALID;
    if (p->in_kernel)
        c->flags |= VGCF_in_kernel;
    if (!(READ_ONCE(v->pause_flags) & VPF_DOWN))
        c->flags |= VGCF_online;
    if (p->failsafe_masks)
        c->flags |= VGCF_failsafe_disables_events;
    if (p->syscall_masks)
        c->flags |= VGCF_syscall_disables_events;
    c->user_regs = v->regs;
    c->user_regs.ds = p->ds;
    c->user_regs.es = p->es;
    c->user_regs.fs = p->fs;
    c->user_regs.gs = p->gs;
    c->user_regs.rflags |= (uint64_t)p->iopl << 12;
    c->user_regs.entry_vector = 0;
    c->user_regs.error_code = 0;
    for (unsigned int i = 0; i < 256; i++) {
        c->trap_ctxt[i].vector = (uint8_t)i;
        c->trap_ctxt[i].flags = p->traps[i].flags;
        c->trap_ctxt[i].cs = p->traps[i].cs;
        c->trap_ctxt[i].address = p->traps[i].rip;
    }
    c->ldt_base = p->ldt_base;
    c->ldt_ents = p->ldt_ents;
    for (unsigned int i = 0; i < PV_GDT_PAGES; i++)
        c->gdt_frames[i] = p->gdt_frames[i] ? mfn_x(frame_to_mfn(p->gdt_frames[i])) : 0;
    c->gdt_ents = p->gdt_ents;
    c->kernel_ss = p->kernel_ss;
    c->kernel_sp = p->kernel_sp;
    c->ctrlreg[0] = CR0_PE_MP_ET_NE_WP_PG | (p->ctrl_cr0_ts ? CR0_TS : 0);
    c->ctrlreg[1] = root_cr3(p->user_table);
    c->ctrlreg[3] = root_cr3(p->kernel_table);
    c->ctrlreg[4] = p->ctrl_cr4;
    for (unsigned int i = 0; i < 8; i++)
        c->debugreg[i] = p->debugreg[i];
    c->event_callback_eip = p->event_cb;
    c->failsafe_callback_eip = p->failsafe_cb;
    c->syscall_callback_eip = p->syscall_cb;
    c->vm_assist = v->domain->vm_assist;
    c->fs_base = p->fs_base;
    c->gs_base_kernel = p->gs_base_kernel;
    c->gs_base_user = p->gs_base_user;
}

uint64_t pv_extstate_mask(void)
{
    return cpu_caps.xsave ? cpu_caps.xcr0 : 0;
}

int pv_set_extstate(struct vcpu *v, uint64_t xcr0, void *image, uint64_t size)
{
    uint64_t *header = (uint64_t *)((char *)image + 512);
    uint64_t mask = pv_extstate_mask();

    if (!mask)
        return -EOPNOTSUPP;
    /* Intel SDM vol. 1 ch. 13.3: x87 always; AVX needs SSE; AVX-512 is three states at once. */
    if (!(xcr0 & 1) || (xcr0 & ~mask) || ((xcr0 & 4) && !(xcr0 & 2)) ||
        ((xcr0 & 0xe0) && ((xcr0 & 0xe0) != 0xe0 || !(xcr0 & 4))))
        return -EINVAL;
    xcr0 |= XCR0_ALWAYS;
    if (size == 0) { /* only the register: the vCPU never used its FPU */
        ((uint64_t *)((char *)v->xsave + 512))[0] &= xcr0;
        v->pv.xcr0 = xcr0;
        return 0;
    }
    /* What XRSTOR would fault on (ch. 13.8.1): states that are off, the compacted form, reserved
     * bytes, reserved bits of MXCSR. */
    if (size < 576 || (header[0] & ~xcr0))
        return -EINVAL;
    for (unsigned int i = 1; i < 8; i++)
        if (header[i])
            return -EINVAL;
    *(uint32_t *)((char *)image + 24) &= 0xffff;
    memcpy(v->xsave, image, xsave_size);
    v->pv.xcr0 = xcr0;
    return 0;
}
