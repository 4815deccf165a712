/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switching between vCPUs. All vCPUs of a CPU share its one stack: what a vCPU leaves behind is the
 * frame of guest registers at the top, copied away here, and a few machine registers.
 */
#include "x86/switch.h"
#include "x86/cpu_setup.h"
#include "x86/paging.h"
#include "x86/tlb.h"
#include "x86/time.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "pv/trap.h"
#include "sched/softirq.h"

void reset_stack_and_resume(void *frame) __noreturn;
void reset_stack_and_jump(void *frame, void (*fn)(void)) __noreturn;
int load_seg_ds(uint16_t sel), load_seg_es(uint16_t sel), load_seg_fs(uint16_t sel),
    load_seg_gs(uint16_t sel);

static inline uint64_t rdfsbase(void)
{
    uint64_t v;
    __asm__ volatile("rdfsbase %0" : "=r"(v));
    return v;
}
static inline uint64_t rdgsbase(void)
{
    uint64_t v;
    __asm__ volatile("rdgsbase %0" : "=r"(v));
    return v;
}
static uint64_t get_fs_base(void)
{
    return cpu_caps.fsgsbase ? rdfsbase() : rdmsr(MSR_FS_BASE);
}
static uint64_t get_gs_base(void)
{
    return cpu_caps.fsgsbase ? rdgsbase() : rdmsr(MSR_GS_BASE);
}
static void set_fs_base(uint64_t v)
{
    if (cpu_caps.fsgsbase)
        __asm__ volatile("wrfsbase %0" ::"r"(v));
    else
        wrmsr(MSR_FS_BASE, v);
}
static void set_gs_base(uint64_t v)
{
    if (cpu_caps.fsgsbase)
        __asm__ volatile("wrgsbase %0" ::"r"(v));
    else
        wrmsr(MSR_GS_BASE, v);
}

/* ---- extended state ------------------------------------------------------------------------- */

static void xsetbv(uint64_t v)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

void fpu_save(struct vcpu *v)
{
    clts();
    if (!cpu_caps.xsave)
        __asm__ volatile("fxsave64 (%0)" ::"r"(v->xsave) : "memory");
    else if (cpu_caps.xsaveopt)
        __asm__ volatile("xsaveopt64 (%0)" ::"r"(v->xsave), "a"(~0u), "d"(~0u) : "memory");
    else
        __asm__ volatile("xsave64 (%0)" ::"r"(v->xsave), "a"(~0u), "d"(~0u) : "memory");
}

void fpu_restore(struct vcpu *v)
{
    clts();
    if (!cpu_caps.xsave)
        __asm__ volatile("fxrstor64 (%0)" ::"r"(v->xsave) : "memory");
    else
        __asm__ volatile("xrstor64 (%0)" ::"r"(v->xsave), "a"(~0u), "d"(~0u) : "memory");
}

int pv_set_xcr0(struct vcpu *v, uint64_t xcr0)
{
    uint64_t *in_image = (uint64_t *)((char *)v->xsave + 512); /* states that hold something */

    /* Intel SDM vol. 1 ch. 13.3: x87 always; AVX needs SSE; AVX-512 is three states at once. */
    if (!cpu_caps.xsave || !(xcr0 & 1) || (xcr0 & ~cpu_caps.xcr0) || ((xcr0 & 4) && !(xcr0 & 2)) ||
        ((xcr0 & 0xe0) && ((xcr0 & 0xe0) != 0xe0 || !(xcr0 & 4))))
        return -EINVAL;
    fpu_save(v);
    v->pv.xcr0 = xcr0 | XCR0_ALWAYS;
    *in_image &= v->pv.xcr0; /* XRSTOR faults on others */
    xsetbv(v->pv.xcr0);
    fpu_restore(v); /* states that became visible are initial in the image */
    if (v->pv.ctrl_cr0_ts)
        write_cr0(read_cr0() | CR0_TS);
    return 0;
}

/* ---- pieces of PV state ---------------------------------------------------------------------- */

uint64_t pv_get_base(struct vcpu *v, unsigned int which)
{
    switch (which) {
    case SEGBASE_FS: return get_fs_base();
    case SEGBASE_GS_USER: return v->pv.in_kernel ? rdmsr(MSR_SHADOW_GS) : get_gs_base();
    default: return v->pv.in_kernel ? get_gs_base() : rdmsr(MSR_SHADOW_GS);
    }
}

void pv_set_base(struct vcpu *v, unsigned int which, uint64_t base)
{
    if (which == SEGBASE_FS)
        set_fs_base(base);
    else if ((which == SEGBASE_GS_USER) == v->pv.in_kernel)
        wrmsr(MSR_SHADOW_GS, base);
    else
        set_gs_base(base);
}

void pv_load_gdt(struct vcpu *v)
{
    pte_t *slot = &v->domain->pv.gdt_ldt_l1[v->id][FIRST_RESERVED_GDT_PAGE];
    pte_t mine =
        pte_make(virt_to_mfn(this_cpu(gdt_page)),
                 PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_DIRTY | (cpu_caps.nx ? PTE_NX : 0));

    /* Only this CPU's TLB may hold another value for it, from before the last CR3 load. */
    if (*slot != mine) {
        *slot = mine;
        tlb_flush_page_local(PV_GDT_VA(v) + FIRST_RESERVED_GDT_BYTE);
    }
    cpu_load_gdt(PV_GDT_VA(v));
}

void pv_load_ldt(struct vcpu *v)
{
    cpu_load_ldt(PV_LDT_VA(v), v->pv.ldt_ents);
}

static void write_dr(unsigned int nr, uint64_t v)
{
    switch (nr) {
    case 0: __asm__ volatile("mov %0,%%db0" ::"r"(v)); break;
    case 1: __asm__ volatile("mov %0,%%db1" ::"r"(v)); break;
    case 2: __asm__ volatile("mov %0,%%db2" ::"r"(v)); break;
    case 3: __asm__ volatile("mov %0,%%db3" ::"r"(v)); break;
    case 7: __asm__ volatile("mov %0,%%db7" ::"r"(v)); break;
    }
}

void pv_load_debugregs(struct vcpu *v)
{
    write_dr(7, 0);
    for (unsigned int i = 0; i < 4; i++)
        write_dr(i, v->pv.debugreg[i]);
    write_dr(7, v->pv.debugreg[7]);
}

static void save_segments(struct vcpu *v)
{
    struct pv_vcpu *p = &v->pv;

    __asm__ volatile("mov %%ds,%0; mov %%es,%1; mov %%fs,%2; mov %%gs,%3"
                     : "=m"(p->ds), "=m"(p->es), "=m"(p->fs), "=m"(p->gs));
    p->fs_base = get_fs_base();
    uint64_t active = get_gs_base(), shadow = rdmsr(MSR_SHADOW_GS);
    p->gs_base_kernel = p->in_kernel ? active : shadow;
    p->gs_base_user = p->in_kernel ? shadow : active;
}

/* The selectors may have become invalid (descriptor gone): then the null selector, and false. */
static bool load_segments(struct vcpu *v)
{
    struct pv_vcpu *p = &v->pv;
    int ds = load_seg_ds(p->ds), es = load_seg_es(p->es);
    int fs = load_seg_fs(p->fs), gs = load_seg_gs(p->gs);

    if (unlikely(ds))
        load_seg_ds(0);
    if (unlikely(es))
        load_seg_es(0);
    if (unlikely(fs))
        load_seg_fs(0);
    if (unlikely(gs))
        load_seg_gs(0);
    set_fs_base(p->fs_base);
    set_gs_base(p->in_kernel ? p->gs_base_kernel : p->gs_base_user);
    wrmsr(MSR_SHADOW_GS, p->in_kernel ? p->gs_base_user : p->gs_base_kernel);
    return !(ds | es | fs | gs);
}

/* ---- the switch ------------------------------------------------------------------------------ */

static void save_vcpu(struct vcpu *v)
{
    v->regs = cpu_info()->regs;
    save_segments(v);
    fpu_save(v);
    if (v->pv.debugreg[7] & 0xff)
        write_dr(7, 0);
}

/* False: not all of its segments. */
static bool load_vcpu(struct vcpu *v)
{
    bool segments;
    uint64_t bit = 1ull << cpu_id();

    if (!(READ_ONCE(v->domain->dirty_cpus.bits) & bit))
        atomic_or(&v->domain->dirty_cpus.bits, bit);
    cpu_info()->regs = v->regs;
    pv_load_cr3(v);
    pv_load_gdt(v);
    pv_load_ldt(v);
    segments = load_segments(v);
    if (cpu_caps.xsave)
        xsetbv(v->pv.xcr0);
    fpu_restore(v);
    if (v->pv.ctrl_cr0_ts)
        write_cr0(read_cr0() | CR0_TS);
    if (v->pv.debugreg[7] & 0xff)
        pv_load_debugregs(v);
    return segments;
}

void context_switch(struct vcpu *prev, struct vcpu *next)
{
    struct cpu_info *ci = cpu_info();
    bool segments = true;

    if (!prev->domain->is_idle)
        save_vcpu(prev);
    if (next->domain->is_idle) {
        clts();
        cpu_load_gdt((uint64_t)this_cpu(gdt_page) - FIRST_RESERVED_GDT_BYTE);
        cpu_load_ldt(0, 0);
        tlb_note_flushed();
        write_cr3(virt_to_maddr(idle_l4));
    } else {
        segments = load_vcpu(next);
    }
    if (!prev->domain->is_idle && prev->domain != next->domain)
        atomic_and(&prev->domain->dirty_cpus.bits, ~(1ull << ci->cpu));
    ci->vcpu = next;
    sched_context_saved(prev);

    if (next->domain->is_idle)
        reset_stack_and_jump(&ci->regs, idle_loop);
    /* The guest's address space is loaded: tell it the time and its run state. */
    vcpu_time_update(next);
    vcpu_runstate_copy(next);
    if (unlikely(READ_ONCE(next->pv.nmi_pending)))
        softirq_raise(SOFTIRQ_TRAP);
    if (unlikely(!segments))
        pv_segments_refused(next, &ci->regs);
    reset_stack_and_resume(&ci->regs);
}

void idle_loop(void)
{
    irq_enable();
    for (;;) {
        if (!softirq_pending() && frames_scrub())
            continue;
        irq_disable();
        if (!softirq_pending()) {
            /* STI takes effect after HLT: no wake-up is lost between. */
            __asm__ volatile("sti; hlt" ::: "memory");
            continue;
        }
        irq_enable();
        do_softirq();
    }
}
