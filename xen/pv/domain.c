/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PV part of domains and vCPUs: creation, start state, and giving everything back. */
#include "pv/pv.h"
#include "domain/domain.h"
#include "hypercalls/hypercall.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "pv/descriptors.h"
#include "x86/cpu_setup.h"
#include "x86/paging.h"
#include "x86/smp.h"
#include "x86/switch.h"
#include "x86/xpti.h"

#define PTES_PER_VCPU (1u << (PV_VCPU_VA_SHIFT - PAGE_SHIFT))
#define VCPUS_PER_L1  (512 / PTES_PER_VCPU)

int pv_domain_init(struct domain *d)
{
    d->pt_teardown = FRAME_LINK_END;
    d->pv.is_64bit = true;
    d->pv.perdomain_l3 = page_zalloc();
    d->pv.gdt_ldt_l1 = hv_zalloc(sizeof(pte_t *) * MAX(d->max_vcpus, 1u));
    if (!d->pv.perdomain_l3 || !d->pv.gdt_ldt_l1) {
        pv_domain_destroy(d);
        return -ENOMEM;
    }
    return 0;
}

static pte_t *child(pte_t e)
{
    return e & PTE_PRESENT ? mfn_to_virt(pte_mfn(e)) : NULL;
}

void pv_domain_destroy(struct domain *d)
{
    if (d->pv.perdomain_l3) {
        pte_t *l2 = child(d->pv.perdomain_l3[0]);
        for (unsigned int i = 0; l2 && i < 512; i++)
            page_free(child(l2[i]));
        page_free(l2);
        page_free(d->pv.perdomain_l3);
    }
    hv_free(d->pv.gdt_ldt_l1);
    hv_free(d->pv.e820.map);
    memset(&d->pv, 0, sizeof(d->pv));
}

static pte_t *get_child(pte_t *e)
{
    if (!(*e & PTE_PRESENT)) {
        void *p = page_zalloc();
        if (!p)
            return NULL;
        *e = virt_to_maddr(p) | PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_DIRTY;
    }
    return child(*e);
}

int pv_vcpu_init(struct vcpu *v)
{
    struct domain *d = v->domain;
    pte_t *l2 = get_child(&d->pv.perdomain_l3[0]);
    pte_t *l1 = l2 ? get_child(&l2[v->id / VCPUS_PER_L1]) : NULL;

    v->pv.traps = hv_zalloc(256 * sizeof(struct pv_trap));
    if (!l1 || !v->pv.traps) {
        pv_vcpu_destroy(v);
        return -ENOMEM;
    }
    d->pv.gdt_ldt_l1[v->id] = l1 + (v->id % VCPUS_PER_L1) * PTES_PER_VCPU;
    pv_gdt_clear_window(v);
    v->pv.hypercalls = d->privileged ? hypercalls_pv_priv : hypercalls_pv;
    v->pv.in_kernel = true;
    v->pv.xpti = xpti_for(d);
    v->pv.xcr0 = XCR0_ALWAYS;
    /* Initial x87 control word and MXCSR; everything else in its initial state. */
    *(uint16_t *)v->xsave = 0x37f;
    *(uint32_t *)((char *)v->xsave + 24) = 0x1f80;
    return 0;
}

void pv_vcpu_destroy(struct vcpu *v)
{
    hv_free(v->pv.traps);
    v->pv.traps = NULL;
}

/* The L4 with this frame number, typed; a reference of each kind goes to the vCPU. */
static int get_root(struct domain *d, uint64_t mfn, struct frame **root)
{
    struct frame *f = mfn_get(mfn_make(mfn), d);
    int rc;

    if (!f)
        return -EINVAL;
    spin_lock(&d->pt_lock);
    do {
        rc = pt_drain(d);
        if (!rc)
            rc = frame_get_type(f, d, FRAME_L4);
    } while (rc == -EAGAIN);
    spin_unlock(&d->pt_lock);
    frame_put(f);
    if (!rc)
        *root = f;
    return rc;
}

/* Addresses that a CPU would refuse later are refused now. */
static bool addresses_ok(const struct vcpu_guest_context *c)
{
    if (!va_is_canonical(c->user_regs.rip) || !va_is_canonical(c->user_regs.rsp) ||
        !va_is_canonical(c->kernel_sp) || !va_is_canonical(c->event_callback_eip) ||
        !va_is_canonical(c->failsafe_callback_eip) || !va_is_canonical(c->syscall_callback_eip))
        return false;
    if (c->ldt_ents && (!va_is_canonical(c->ldt_base) || (c->ldt_base & ~PAGE_MASK)))
        return false;
    for (unsigned int i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++)
        if (!va_is_canonical(c->trap_ctxt[i].address))
            return false;
    return true;
}

static void put_root(struct domain *d, struct frame **root)
{
    if (*root) {
        spin_lock(&d->pt_lock);
        frame_put_type(*root, d);
        spin_unlock(&d->pt_lock);
        *root = NULL;
    }
}

int pv_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct domain *d = v->domain;
    int rc;

    if (v->is_running && v == current)
        return -EINVAL;
    if (c->ldt_ents > 8192 || c->gdt_ents > FIRST_RESERVED_GDT_ENTRY || !addresses_ok(c))
        return -EINVAL;

    /* Tables first: they can fail or be preempted; the rest cannot. */
    struct frame *kernel = NULL, *user = NULL;
    rc = get_root(d, c->ctrlreg[3] >> PAGE_SHIFT, &kernel);
    if (rc)
        return rc;
    if (c->ctrlreg[1]) {
        rc = get_root(d, c->ctrlreg[1] >> PAGE_SHIFT, &user);
        if (rc)
            goto put_kernel;
    }
    rc = pv_set_gdt(v, c->gdt_frames, c->gdt_ents);
    if (rc)
        goto put_user;
    put_root(d, &v->pv.kernel_table);
    put_root(d, &v->pv.user_table);
    v->pv.kernel_table = kernel;
    v->pv.user_table = user;
    if (pv_set_ldt(v, c->ldt_base,
                   c->ldt_ents)) /* it leaves none, and without one most guests live */
        printk(LOG_G_WARN "d%uv%u: its LDT at %#lx is not taken\n", d->id, v->id, c->ldt_base);

    v->regs = c->user_regs;
    v->regs.cs = (uint16_t)(c->user_regs.cs | 3);
    v->regs.ss = (uint16_t)(c->user_regs.ss | 3);
    v->regs.rflags = (c->user_regs.rflags & 0x40dd5) | X86_EFLAGS_IF | X86_EFLAGS_MBS;
    v->pv.iopl =
        (uint8_t)((c->user_regs.rflags >> 12) & 3); /* Linux starts CPUs with its IOPL there */
    v->regs.entry_vector = 0;                       /* leave by IRET */
    v->regs.error_code = 0;
    v->pv.in_kernel = (c->flags & VGCF_in_kernel) || !user;
    struct frame *root = v->pv.in_kernel ? kernel : user;
    v->pv.cr3 = mfn_x(frame_to_mfn(root)) << PAGE_SHIFT;
    for (unsigned int i = 0; i < 256; i++)
        pv_set_trap(v, i, &c->trap_ctxt[i]);
    v->pv.kernel_ss = c->kernel_ss;
    v->pv.kernel_sp = c->kernel_sp;
    v->pv.event_cb = c->event_callback_eip;
    v->pv.failsafe_cb = c->failsafe_callback_eip;
    v->pv.syscall_cb = c->syscall_callback_eip;
    v->pv.failsafe_masks = c->flags & VGCF_failsafe_disables_events;
    v->pv.syscall_masks = c->flags & VGCF_syscall_disables_events;
    v->pv.ds = c->user_regs.ds;
    v->pv.es = c->user_regs.es;
    v->pv.fs = c->user_regs.fs;
    v->pv.gs = c->user_regs.gs;
    v->pv.fs_base = va_is_canonical(c->fs_base) ? c->fs_base : 0;
    v->pv.gs_base_kernel = va_is_canonical(c->gs_base_kernel) ? c->gs_base_kernel : 0;
    v->pv.gs_base_user = va_is_canonical(c->gs_base_user) ? c->gs_base_user : 0;
    v->pv.ctrl_cr0_ts = !!(c->ctrlreg[0] & CR0_TS);
    v->pv.ctrl_cr4 = c->ctrlreg[4];
    for (unsigned int i = 0; i < 4; i++)
        v->pv.debugreg[i] = 0;
    v->pv.debugreg[7] = 0;
    if (c->flags & VGCF_I387_VALID)
        memcpy(v->xsave, &c->fpu_ctxt, 512);
    /* Only bits that FXRSTOR accepts (Intel SDM vol. 1 ch. 10.5.1.2). */
    *(uint32_t *)((char *)v->xsave + 24) &= 0xffff;
    if (cpu_caps.xsave) {
        uint64_t *header = (uint64_t *)((char *)v->xsave + 512);
        memset(header, 0, 64);
        header[0] = c->flags & VGCF_I387_VALID ? 3 : 0;
    }
    v->initialised = true;
    return 0;

put_user:
    put_root(d, &user);
put_kernel:
    put_root(d, &kernel);
    return rc;
}

static void unload_l4(void *unused __unused)
{
}

/* Frames given back between two looks at the preemption flag: some progress in any case, since a busy
 * host may have other work for this CPU each time it looks. */
#define RELINQUISH_BATCH 256

/* The vCPUs run nowhere. */
int pv_domain_unload(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
    {
        pv_drop_descriptors(v);
        put_root(d, &v->pv.kernel_table);
        put_root(d, &v->pv.user_table);
    }
    /* No CPU has the domain's tables loaded any more: an idle CPU uses its own. A CPU that is still
     * on its way out of the last vCPU has taken its leave when the call has run there. */
    smp_call(cpu_online_map, unload_l4, NULL, true);

    dom_claim(d, 0); /* what it was promised and never had */
    spin_lock(&d->mem_lock);
    d->frames_left = d->frames_head; /* the list only shrinks from here on */
    spin_unlock(&d->mem_lock);
    return 0;
}

/* All pins, tables and frames of a dying domain. */
int pv_domain_relinquish(struct domain *d)
{
    unsigned int done = 0;
    int rc;

    spin_lock(&d->pt_lock);
    for (;;) {
        rc = pt_drain(d);
        if (rc)
            break;
        /* Frames leave the list when they are freed; those that others have mapped stay, with
         * ALLOCATED clear, until the last mapping goes: they are not looked at again. */
        struct frame *f = NULL;
        spin_lock(&d->mem_lock);
        while (!f && d->frames_left != FRAME_LINK_END) {
            f = &frame_table[d->frames_left];
            if (!(READ_ONCE(f->info) & FI_ALLOCATED)) {
                d->frames_left = f->next;
                f = NULL;
            }
        }
        spin_unlock(&d->mem_lock);
        if (!f)
            break;
        uint64_t x = READ_ONCE(f->info);
        if (x & FI_PINNED) {
            rc = frame_unpin(f, d);
        } else if ((x & FI_PARTIAL) && frame_type(f) != FRAME_WRITABLE) {
            /* Validation that nobody came back to: take apart what was done. */
            atomic_and(&f->info, ~FI_PARTIAL);
            frame_put_type(f, d);
        } else {
            dom_frame_free(f, d);
        }
        if (++done % RELINQUISH_BATCH == 0 && preempt_check()) {
            rc = -ERESTART;
            break;
        }
    }
    spin_unlock(&d->pt_lock);
    return rc;
}
