/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host stand-in for what xen/mm asks of the machine and of domains. */
#include "host/host.h"
#include "hypercalls/hypercall.h"
#include "mm/alloc.h"
#include "x86/paging.h"
#include "x86/tlb.h"
#include <sys/mman.h>

/* ---- memory -------------------------------------------------------------------------------- */

struct frame *frame_table;
uint64_t *machine_to_phys;
uint64_t max_mfn, paddr_mask = PTE_ADDR;
static char *ram;

void *maddr_to_virt(paddr_t a)
{
    ASSERT(a >> PAGE_SHIFT < max_mfn);
    return ram + a;
}
paddr_t virt_to_maddr(const void *v)
{
    ASSERT((const char *)v >= ram && (uint64_t)((const char *)v - ram) >> PAGE_SHIFT < max_mfn);
    return (paddr_t)((const char *)v - ram);
}

static void *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    ASSERT(p != MAP_FAILED);
    return p;
}

void host_start(unsigned int low_frames, unsigned int high_frames)
{
    max_mfn = high_frames ? HOST_HIGH_FIRST + high_frames : HOST_LOW_FIRST + low_frames;
    ram = reserve(max_mfn << PAGE_SHIFT);
    frame_table = reserve(max_mfn * sizeof(struct frame));
    machine_to_phys = reserve(max_mfn * sizeof(uint64_t));
    for (uint64_t i = 0; i < max_mfn; i++)
        frame_table[i].owner = FRAME_NO_OWNER;
    frames_add(HOST_LOW_FIRST << PAGE_SHIFT, (HOST_LOW_FIRST + low_frames) << PAGE_SHIFT);
    if (high_frames)
        frames_add(HOST_HIGH_FIRST << PAGE_SHIFT, max_mfn << PAGE_SHIFT);
    dom_xen = calloc(1, sizeof(*dom_xen));
    dom_xen->id = DOMID_XEN;
    dom_xen->frames_head = dom_xen->pt_teardown = FRAME_LINK_END;
    dom_xen->refs = 1;
}

/* The hypervisor's slots: entries that are wrong for anybody who looks at them. */
static pte_t idle_table[512];
pte_t *idle_l4 = idle_table;

void paging_install_hv_slots(pte_t *l4, struct domain *d)
{
    for (unsigned int i = HV_FIRST_SLOT; i <= HV_LAST_SLOT; i++)
        l4[i] = idle_l4[i] = PTE_ADDR | PTE_PRESENT;
    l4[PERDOMAIN_SLOT] = virt_to_maddr(d->pv.perdomain_l3) | PTE_PRESENT;
}

void paging_root_changed(const pte_t *l4 __unused)
{
}

int m2p_chunk_mfn(unsigned int index __unused, mfn_t *first __unused)
{
    return -ENOENT;
}

/* ---- TLBs: one CPU, whose flushes are counted ---------------------------------------------- */

cpumask_t cpu_online_map = {1};
unsigned long host_flushes;
void (*host_flush_hook)(void);
static uint32_t tlb_clock = 1, flushed_at;

void (*host_stamp_hook)(void);

uint32_t tlb_stamp(void)
{
    uint32_t stamp = tlb_clock;
    void (*hook)(void) = host_stamp_hook;

    host_stamp_hook = NULL;
    if (hook)
        hook();
    return stamp;
}
cpumask_t tlb_need_flush(cpumask_t mask, uint32_t stamp)
{
    return flushed_at > stamp ? CPUMASK_NONE : mask;
}
void tlb_flush_mask(cpumask_t mask __unused, uint64_t va __unused)
{
    void (*hook)(void) = host_flush_hook;

    host_flush_hook = NULL;
    if (hook)
        hook();
    host_flushes++;
    flushed_at = ++tlb_clock;
}

/* ---- preemption ---------------------------------------------------------------------------- */

unsigned int host_preempt_at, host_preempt_odds;
unsigned long host_preempt_checks;

bool preempt_check(void)
{
    host_preempt_checks++;
    if (host_preempt_at && --host_preempt_at == 0)
        return true;
    return host_preempt_odds && host_random(host_preempt_odds) == 0;
}

/* ---- domains ------------------------------------------------------------------------------- */

struct vcpu *current;
struct domain *dom0, *dom_xen, *dom_io, *domain_list;
static struct domain *domains[HOST_MAX_DOMAINS];

struct domain *host_domain(domid_t id, uint32_t max_pages)
{
    static uint32_t generation;
    struct domain *d = calloc(1, sizeof(*d));

    d->id = id;
    d->refs = 1;
    d->pv.perdomain_l3 = maddr_to_virt((uint64_t)(id + 1) << PAGE_SHIFT); /* no RAM: nobody's */
    d->max_pages = max_pages;
    d->frames_head = d->pt_teardown = FRAME_LINK_END;
    d->generation = ++generation;
    d->dirty_cpus.bits = 1;
    spin_lock_init(&d->mem_lock, LOCK_MEM);
    spin_lock_init(&d->pt_lock, LOCK_PT);
    rangeset_init(&d->iomem_caps, 16);
    rangeset_init(&d->ioport_caps, 16);
    domains[id] = d;
    return d;
}
bool host_domain_gone(const struct domain *d)
{
    return d->refs == 0;
}

struct domain *domain_get_by_id(domid_t id)
{
    struct domain *d = id < HOST_MAX_DOMAINS ? domains[id] : NULL;

    if (!d || !d->refs)
        return NULL;
    d->refs++;
    return d;
}
void domain_put(struct domain *d)
{
    ASSERT(d->refs);
    d->refs--;
}
struct domain *domain_get_self_or(domid_t id)
{
    if (id != DOMID_SELF)
        return domain_get_by_id(id);
    domain_get(current->domain);
    return current->domain;
}
bool domain_controls(const struct domain *by, const struct domain *d)
{
    return by->privileged || by->target == d->generation;
}
