/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stand-in machine: CPUs, memory, guests' memory, hypercalls. See whole.h. */
#include "whole.h"
#include "domain/internal.h"
#include "mm/alloc.h"
#include "pv/context.h"
#include "x86/apic.h"
#include "x86/cpu_setup.h"
#include "x86/cpuid_policy.h"
#include "x86/irq.h"
#include "x86/paging.h"
#include "x86/smp.h"
#include "x86/switch.h"
#include "x86/tlb.h"
#include <setjmp.h>
#include <sys/mman.h>

struct whole_hooks whole_hooks;

/* ---- memory -------------------------------------------------------------------------------- */

struct frame *frame_table;
uint64_t *machine_to_phys;
uint64_t max_mfn, paddr_mask = PTE_ADDR, host_ram_pages;
static char *ram;
/* Idle CPUs' tables: what each guest's L4 has in the hypervisor's slots. */
static pte_t idle_table[512] __aligned(4096);
pte_t *idle_l4 = idle_table;

#define IMAGE_MFN 1

void *whole_ram(void)
{
    return ram;
}
size_t whole_ram_size(void)
{
    return ROUND_UP(max_mfn * (PAGE_SIZE + sizeof(struct frame) + sizeof(uint64_t)), PAGE_SIZE);
}
void *maddr_to_virt(paddr_t a)
{
    ASSERT(a >> PAGE_SHIFT < max_mfn);
    return ram + a;
}
/* Whatever is not in RAM is the image, of which one frame is known. */
paddr_t virt_to_maddr(const void *v)
{
    uint64_t offset = (uint64_t)((const char *)v - ram);

    return offset >> PAGE_SHIFT < max_mfn ? offset
                                          : IMAGE_MFN << PAGE_SHIFT | ((uint64_t)v & ~PAGE_MASK);
}

static void *map_at(uint64_t address, size_t size)
{
    void *p = mmap((void *)address, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | (address ? MAP_FIXED_NOREPLACE : 0), -1, 0);
    ASSERT(p != MAP_FAILED);
    return p;
}

static void start_memory(unsigned int frames)
{
    ASSERT(frames <= WHOLE_MAX_FRAMES);
    max_mfn = WHOLE_FIRST_MFN + frames;
    host_ram_pages = frames;
    /* RAM, then the two tables: whole_ram_size() bytes. */
    ram = map_at(0, whole_ram_size());
    frame_table = (struct frame *)(ram + (max_mfn << PAGE_SHIFT));
    machine_to_phys = (uint64_t *)(frame_table + max_mfn);
    for (uint64_t i = 0; i < max_mfn; i++)
        frame_table[i].owner = FRAME_NO_OWNER;
    frames_add(WHOLE_FIRST_MFN << PAGE_SHIFT, max_mfn << PAGE_SHIFT);
    map_at(WHOLE_ARENA, WHOLE_ARENA_SIZE);
    for (unsigned int i = HV_FIRST_SLOT; i <= HV_LAST_SLOT; i++)
        idle_table[i] = pte_make(mfn_make(IMAGE_MFN), PTE_PRESENT | PTE_ACCESSED);
}

void paging_install_hv_slots(pte_t *l4, struct domain *d)
{
    memcpy(&l4[HV_FIRST_SLOT], &idle_l4[HV_FIRST_SLOT],
           (HV_LAST_SLOT - HV_FIRST_SLOT + 1) * sizeof(pte_t));
    l4[PERDOMAIN_SLOT] = virt_to_maddr(d->pv.perdomain_l3) | PTE_PRESENT | PTE_RW | PTE_ACCESSED;
}
void paging_root_changed(const pte_t *l4 __unused)
{
}
int m2p_chunk_mfn(unsigned int index __unused, mfn_t *first __unused)
{
    return -ENOENT;
}

/* ---- allocations that fail on demand (the linker's --wrap) ------------------------------------ */

unsigned int whole_fail_at;
unsigned long whole_allocs;

static bool alloc_fails(void)
{
    whole_allocs++;
    if (whole_hooks.alloc_fails)
        return whole_hooks.alloc_fails();
    return whole_fail_at && --whole_fail_at == 0;
}

#define WRAP_ALLOC(type, name, params, args)              \
    type __real_##name params;                            \
    type __wrap_##name params;                            \
    type __wrap_##name params                             \
    {                                                     \
        return alloc_fails() ? NULL : __real_##name args; \
    }
WRAP_ALLOC(void *, hv_zalloc, (size_t size), (size))
WRAP_ALLOC(void *, hv_alloc_aligned, (size_t size, size_t align), (size, align))
WRAP_ALLOC(void *, page_zalloc, (void), ())
WRAP_ALLOC(struct frame *, frames_alloc, (unsigned int order, unsigned int bits), (order, bits))
WRAP_ALLOC(struct frame *, dom_frames_alloc,
           (struct domain * d, unsigned int order, unsigned int bits), (d, order, bits))

unsigned int __real_dom_frames_take(struct domain *d, unsigned int n, unsigned int bits,
                                    uint64_t *mfns);
unsigned int __wrap_dom_frames_take(struct domain *d, unsigned int n, unsigned int bits,
                                    uint64_t *mfns);
/* Memory runs out after half of them. */
unsigned int __wrap_dom_frames_take(struct domain *d, unsigned int n, unsigned int bits,
                                    uint64_t *mfns)
{
    return __real_dom_frames_take(d, alloc_fails() ? n / 2 : n, bits, mfns);
}

/* ---- CPUs ------------------------------------------------------------------------------------- */

struct cpu_info whole_cpu_info[MAX_CPUS];
unsigned int whole_cpu;
cpumask_t cpu_online_map;
unsigned int nr_cpus_present = 1;
uint32_t cpu_acpi_id[MAX_CPUS], cpu_apic_id[MAX_CPUS];
unsigned long whole_flushes[MAX_CPUS];
unsigned int whole_preempt_at;
unsigned long whole_preempt_checks;

bool preempt_check(void)
{
    whole_preempt_checks++;
    if (whole_hooks.preempt)
        return whole_hooks.preempt();
    return whole_preempt_at && --whole_preempt_at == 0;
}

void __real_lock_check_take(const struct spinlock *l);
void __wrap_lock_check_take(const struct spinlock *l);
void __real_lock_check_give(const struct spinlock *l);
void __wrap_lock_check_give(const struct spinlock *l);
void __wrap_lock_check_take(const struct spinlock *l)
{
    if (whole_hooks.lock)
        whole_hooks.lock(l);
    __real_lock_check_take(l);
}
void __wrap_lock_check_give(const struct spinlock *l)
{
    __real_lock_check_give(l);
    if (whole_hooks.unlock)
        whole_hooks.unlock(l);
}

void cpu_relax(void)
{
    if (!whole_hooks.relax)
        panic("CPU %u waits, and no other executes", whole_cpu);
    whole_hooks.relax();
}

void write_cr3(unsigned long v)
{
    cpu_info()->cr3 = v;
    whole_flushes[whole_cpu]++;
    if (whole_hooks.flush)
        whole_hooks.flush(0);
}
void invlpg(uint64_t va)
{
    whole_flushes[whole_cpu]++;
    if (whole_hooks.flush)
        whole_hooks.flush(va);
}

/* On that CPU, as its interrupt handler would. */
static void interrupt(unsigned int cpu, void (*fn)(void *), void *data)
{
    unsigned int was = whole_cpu, locks;

    whole_cpu = cpu;
    cpu_info()->irq_on = false;
    locks = lock_check_irq_enter();
    fn(data);
    lock_check_irq_exit(locks);
    cpu_info()->irq_on = true;
    whole_cpu = was;
}

static void tlb_ipi(void *unused __unused)
{
    cpu_info()->tlb_ipi = false;
    tlb_handle_ipi();
}
void whole_take_interrupts(void)
{
    if (cpu_info()->tlb_ipi)
        interrupt(whole_cpu, tlb_ipi, NULL);
}
void apic_send_ipi_mask(cpumask_t mask, uint8_t vector)
{
    unsigned int cpu;

    ASSERT(vector == VECTOR_TLB);
    cpumask_for_each(cpu, mask)
    {
        if (whole_cpu_info[cpu].irq_on)
            interrupt(cpu, tlb_ipi, NULL);
        else
            whole_cpu_info[cpu].tlb_ipi = true;
    }
}
/* Calls do not wait for interrupts to go on: what they do here needs no such care. */
void smp_call(cpumask_t mask, void (*fn)(void *), void *data, bool wait __unused)
{
    unsigned int cpu;

    mask = cpumask_andnot(cpumask_and(mask, cpu_online_map), cpumask_of(whole_cpu));
    cpumask_for_each(cpu, mask)
    {
        bool on = whole_cpu_info[cpu].irq_on;
        interrupt(cpu, fn, data);
        whole_cpu_info[cpu].irq_on = on;
    }
}
void smp_kick(unsigned int cpu)
{
    if (whole_hooks.kick)
        whole_hooks.kick(cpu);
}

/* ---- switching ------------------------------------------------------------------------------------ */

static jmp_buf *resume[MAX_CPUS];        /* where whole_cpu_step() goes on */
static struct vcpu *scheduled[MAX_CPUS]; /* while another is entered: who really has the CPU */

/* What xen/x86/switch.c does with tables and the masks of CPUs. */
static void load_tables(struct vcpu *prev, struct vcpu *next)
{
    uint64_t bit = 1ull << whole_cpu;

    if (next->domain->is_idle) {
        tlb_note_flushed();
        write_cr3(virt_to_maddr(idle_l4));
    } else {
        atomic_or(&next->domain->dirty_cpus.bits, bit);
        pv_load_cr3(next);
    }
    if (!prev->domain->is_idle && prev->domain != next->domain)
        atomic_and(&prev->domain->dirty_cpus.bits, ~bit);
    current = next;
}

void context_switch(struct vcpu *prev, struct vcpu *next)
{
    ASSERT(resume[whole_cpu] && !irq_is_enabled() && prev == current);
    prev->regs = cpu_info()->regs;
    cpu_info()->regs = next->regs;
    load_tables(prev, next);
    sched_context_saved(prev);
    irq_enable();
    longjmp(*resume[whole_cpu], 1);
}

void whole_enter(struct vcpu *v)
{
    whole_cpu = v->processor;
    if (current == v)
        return;
    if (!scheduled[whole_cpu])
        scheduled[whole_cpu] = current;
    load_tables(current, v);
}
void whole_leave(unsigned int cpu)
{
    unsigned int was = whole_cpu;

    if (scheduled[cpu]) {
        whole_cpu = cpu;
        load_tables(current, scheduled[cpu]);
        scheduled[cpu] = NULL;
        whole_cpu = was;
    }
}

void __real_vcpu_sleep_sync(struct vcpu *v);
void __wrap_vcpu_sleep_sync(struct vcpu *v);
void __wrap_vcpu_sleep_sync(struct vcpu *v)
{
    if (scheduled[v->processor] && whole_cpu_info[v->processor].vcpu == v && v != current)
        whole_leave(v->processor);
    __real_vcpu_sleep_sync(v);
}

static bool wants_schedule;
static void note_schedule(void)
{
    wants_schedule = true;
}
static bool serve_others(unsigned int cpu)
{
    if (!whole_cpu_info[cpu].work)
        return false;
    whole_cpu = cpu;
    wants_schedule = false;
    do_softirq();
    return true;
}

void whole_softirqs(void)
{
    unsigned int was = whole_cpu, cpu;
    uint64_t schedulers = 0;
    bool again;

    softirq_open(SOFTIRQ_SCHEDULE, note_schedule);
    do {
        again = false;
        cpumask_for_each(cpu, cpu_online_map)
        {
            again |= serve_others(cpu);
            schedulers |= (uint64_t)wants_schedule << cpu;
            wants_schedule = false;
        }
    } while (again);
    softirq_open(SOFTIRQ_SCHEDULE, schedule);
    cpumask_for_each(cpu, (cpumask_t){schedulers})
    {
        whole_cpu = cpu;
        softirq_raise(SOFTIRQ_SCHEDULE);
    }
    whole_cpu = was;
}

void whole_cpu_step(void)
{
    unsigned int cpu = whole_cpu;
    jmp_buf here;

    ASSERT(!scheduled[cpu]);
    resume[cpu] = &here;
    while (softirq_pending()) {
        if (setjmp(here) == 0)
            do_softirq();
        whole_cpu = cpu;
    }
    resume[cpu] = NULL;
}

/* ---- guest memory ----------------------------------------------------------------------------------- */

unsigned int whole_fault_at;
unsigned long whole_accesses;

static bool faults(uint64_t va, size_t len)
{
    uint64_t offset = va - WHOLE_ARENA;

    whole_accesses++;
    if (whole_hooks.access)
        whole_hooks.access();
    if (whole_fault_at && --whole_fault_at == 0)
        return true;
    return offset > WHOLE_ARENA_SIZE || len > WHOLE_ARENA_SIZE - offset;
}
int copy_from_guest(void *dst, guest_ptr_t src, size_t len)
{
    if (len && faults(src.va, len))
        return -EFAULT;
    if (len)
        memcpy(dst, (const void *)src.va, len);
    return 0;
}
int copy_to_guest(guest_ptr_t dst, const void *src, size_t len)
{
    if (len && faults(dst.va, len))
        return -EFAULT;
    if (len)
        memcpy((void *)dst.va, src, len);
    return 0;
}
int clear_guest(guest_ptr_t dst, size_t len)
{
    if (len && faults(dst.va, len))
        return -EFAULT;
    if (len)
        memset((void *)dst.va, 0, len);
    return 0;
}

/* ---- hypercalls -------------------------------------------------------------------------------------- */

#define CALL_RIP 0x1002ull /* behind the guest's SYSCALL, of two bytes */

bool whole_issue(struct vcpu *v, struct whole_call *c)
{
    struct cpu_user_regs *regs;
    const hypercall_fn *table;
    unsigned int cpu;

    whole_enter(v);
    cpu = whole_cpu;
    regs = guest_regs();
    *regs = (struct cpu_user_regs){.rip = CALL_RIP,
                                   .rax = c->nr,
                                   .rdi = c->arg[0],
                                   .rsi = c->arg[1],
                                   .rdx = c->arg[2],
                                   .r10 = c->arg[3],
                                   .r8 = c->arg[4]};
    table = v->pv.hypercalls;
    c->issues++;
    c->result = c->nr < HYPERCALL_SLOTS
                    ? table[c->nr](c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4])
                    : -ENOSYS;
    ASSERT(whole_cpu == cpu && irq_is_enabled());
    c->again = regs->rip == CALL_RIP - 2;
    if (c->again) {
        c->nr = (unsigned int)c->result;
        c->arg[0] = regs->rdi;
        c->arg[1] = regs->rsi;
        c->arg[2] = regs->rdx;
        c->arg[3] = regs->r10;
        c->arg[4] = regs->r8;
    }
    return c->again;
}

long whole_hypercall(struct vcpu *v, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
                     uint64_t a4, uint64_t a5)
{
    struct whole_call c = {.nr = nr, .arg = {a1, a2, a3, a4, a5}};

    while (whole_issue(v, &c)) {
        if (c.issues > 100000)
            panic("Hypercall %u does not end", nr);
        whole_softirqs();
    }
    return c.result;
}

/* ---- domains ------------------------------------------------------------------------------------------- */

struct whole_guest whole_dom0;

/* Its tables: frames 0-3 are one of each level, which map them all. */
static void fill_tables(const struct whole_guest *g)
{
    const uint64_t flags = PTE_PRESENT | PTE_USER | PTE_RW;
    pte_t *table[4];

    for (unsigned int i = 0; i < 4; i++)
        table[i] = mfn_to_virt(g->frame[i]);
    for (unsigned int i = 0; i < 3; i++)
        table[i][0] = pte_make(g->frame[i + 1], flags);
    for (unsigned int i = 0; i < g->nr; i++)
        table[3][i] = pte_make(g->frame[i], i < 4 ? flags & ~(uint64_t)PTE_RW : flags);
}

static bool fill_domain(struct whole_guest *g, unsigned int vcpus, unsigned int frames)
{
    static struct vcpu_guest_context context;
    struct domain *d = g->d;

    d->max_pages = frames + 16;
    for (g->nr = 0; g->nr < frames; g->nr++) {
        struct frame *f = dom_frames_alloc(d, 0, 0);
        if (!f)
            return false;
        g->frame[g->nr] = frame_to_mfn(f);
        memset(frame_to_virt(f), 0, PAGE_SIZE);
        m2p_set(frame_to_mfn(f), g->nr);
    }
    fill_tables(g);
    context.ctrlreg[3] = mfn_x(g->frame[0]) << PAGE_SHIFT;
    context.flags = VGCF_in_kernel;
    for (unsigned int i = 0; i < vcpus; i++) {
        if (vcpu_create(d, i) || pv_set_context(d->vcpu[i], &context))
            return false;
        atomic_and(&d->vcpu[i]->pause_flags, ~VPF_DOWN);
    }
    return true;
}

static bool guest_create(struct whole_guest *g, domid_t id, unsigned int vcpus, unsigned int frames,
                         bool privileged)
{
    struct xen_domctl_createdomain c = {.max_vcpus = vcpus,
                                        .max_evtchn_port = 127,
                                        .max_grant_frames = 2,
                                        .max_maptrack_frames = 1,
                                        .grant_opts = 1};

    ASSERT(frames >= 4 && frames <= WHOLE_GUEST_FRAMES);
    if (domain_create(id, &c, privileged, &g->d))
        return false;
    if (!fill_domain(g, vcpus, frames)) {
        whole_guest_kill(g->d);
        return false;
    }
    domain_unpause_by_tools(g->d);
    return true;
}

bool whole_guest_create(struct whole_guest *g, domid_t id, unsigned int vcpus, unsigned int frames)
{
    return guest_create(g, id, vcpus, frames, false);
}

void whole_guest_kill(struct domain *d)
{
    unsigned int cpu;
    int rc;

    cpumask_for_each(cpu, cpu_online_map) if (whole_cpu_info[cpu].vcpu->domain == d)
        whole_leave(cpu);
    do
        rc = domain_kill(d);
    while (rc == -ERESTART);
    ASSERT(!rc);
    whole_softirqs();
}

void whole_start(unsigned int cpus, unsigned int frames)
{
    start_memory(frames);
    for (unsigned int cpu = 0; cpu < cpus; cpu++)
        whole_cpu_info[cpu] = (struct cpu_info){.cpu = cpu, .irq_on = true};
    nr_cpus_present = cpus;
    cpu_caps = (struct cpu_caps){.vendor = "GenuineIntel", .nx = true};
    cpu_policy_init();
    whole_machine_start();
    domains_init();
    sched_init();
    for (whole_cpu = 0; whole_cpu < cpus; whole_cpu++) {
        sched_init_cpu(whole_cpu);
        write_cr3(virt_to_maddr(idle_l4));
        cpu_online_map.bits |= 1ull << whole_cpu;
    }
    whole_cpu = 0;
    if (!guest_create(&whole_dom0, 0, 1, 8, true))
        panic("No memory for Domain 0");
    dom0 = whole_dom0.d;
    rangeset_add(&dom0->irq_caps, 0, dom0->nr_pirqs - 1);
    whole_softirqs();
}
