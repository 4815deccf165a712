/* SPDX-License-Identifier: MIT */
/* Making domains; see domains.h. Images are the kit's own, so their headers are believed. */
#include "kit/domains.h"
#include "kit/console.h"
#include "kit/hypercall.h"
#include "kit/memory.h"
#include "kit/string.h"
#include "hypercalls/abi/errno.h"
#include "hypercalls/abi/io-console.h"

/* Addresses for frames of other domains: while one is filled; and two pages of each for good. */
#define FILL_WINDOW      0x0000230000000000UL
#define KEEP_WINDOW      0x0000231000000000UL
#define MAX_PAGES        2048 /* of one domain */
#define MAX_L1S          (MAX_PAGES / 512)
#define BATCH            128
#define DEFAULT_SPARE    32
#define NEVER_EMULATE    2 /* tsc_mode: RDTSC is the CPU's own */
#define SCHED_CREDIT2_ID XEN_SCHEDULER_CREDIT2

/* ELF-64, as far as it is needed (System V ABI, "Program Header" and "Note Section"). */
struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum;
};
struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
#define SEGMENT_LOAD 1

/* Where things are in the domain (pfn), and its machine frames. One domain is filled at a time. */
static struct {
    unsigned long image_end, p2m, start_info, store, console, tables, stack, end;
    unsigned int l1s;
} at;
static unsigned long mfns[MAX_PAGES];
static bool slot_used[KIT_MAX_DOMAINS];

long domain_control(struct xen_domctl *op, uint32_t cmd, domid_t id)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = id;
    return HYPERCALL1(__HYPERVISOR_domctl, op);
}

/* ---- windows ---------------------------------------------------------------------------------- */

/* Maps a frame of `dom`, or with `pte` 0 nothing, at an address for which map_page() made tables. */
static long window_set(unsigned long va, uint64_t pte, domid_t dom)
{
    struct mmu_update req = {
        .ptr = virt_to_maddr(pt_entry(l4_kernel(), va, 1)) | MMU_NORMAL_PT_UPDATE, .val = pte};

    return hv_mmu_update(&req, 1, NULL, dom);
}

static void *keep(unsigned int page, unsigned long mfn, domid_t dom, long *error)
{
    unsigned long va = KEEP_WINDOW + page * PAGE_SIZE;

    *error = map_page(l4_kernel(), va, 0);
    if (*error == 0) {
        *error = window_set(va, (uint64_t)mfn << 12 | PTE_KERNEL, dom);
    }
    return (void *)va;
}

/* All pages of the new domain at FILL_WINDOW, or none. */
static long fill_window_set(const struct domain *d, bool mapped)
{
    static struct mmu_update reqs[BATCH];
    long rc = 0;

    for (unsigned long pfn = 0; pfn < d->nr_pages && rc == 0;) {
        unsigned int n = 0;

        for (; n < BATCH && pfn < d->nr_pages; n++, pfn++) {
            unsigned long va = FILL_WINDOW + pfn * PAGE_SIZE;

            if (pt_entry(l4_kernel(), va, 1) == NULL) {
                map_page(l4_kernel(), va, 0);
            }
            reqs[n].ptr = virt_to_maddr(pt_entry(l4_kernel(), va, 1)) | MMU_NORMAL_PT_UPDATE;
            reqs[n].val = mapped ? (uint64_t)mfns[pfn] << 12 | PTE_KERNEL : 0;
        }
        rc = hv_mmu_update(reqs, n, NULL, mapped ? d->id : DOMID_SELF);
    }
    if (!mapped) {
        struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_LOCAL};

        hv_mmuext_op(&flush, 1, NULL, DOMID_SELF);
    }
    return rc;
}

static void *filled(unsigned long pfn)
{
    return (void *)(FILL_WINDOW + pfn * PAGE_SIZE);
}

/* ---- layout and contents ---------------------------------------------------------------------- */

static const struct elf_header *image_of(const struct domain_config *config)
{
    return config->elf != NULL ? config->elf : (const void *)kit_start_info->mod_start;
}

static const struct elf_segment *segment(const struct elf_header *elf, unsigned int i)
{
    return (const void *)((const char *)elf + elf->phoff + i * elf->phentsize);
}

static long lay_out(struct domain *d, const struct domain_config *config)
{
    const struct elf_header *elf = image_of(config);
    unsigned int spare = config->spare_pages != 0 ? config->spare_pages : DEFAULT_SPARE;

    if (elf == NULL || memcmp(elf->ident, "\177ELF", 4) != 0) {
        return -XEN_ENOEXEC;
    }
    at.image_end = 0;
    for (unsigned int i = 0; i < elf->phnum; i++) {
        const struct elf_segment *s = segment(elf, i);
        unsigned long end = virt_to_pfn((void *)(s->vaddr + s->memsz + PAGE_SIZE - 1));

        if (s->type == SEGMENT_LOAD && end > at.image_end) {
            at.image_end = end;
        }
    }
    at.p2m = at.image_end;
    at.start_info = at.p2m + MAX_PAGES * sizeof(long) / PAGE_SIZE;
    at.store = at.start_info + 1;
    at.console = at.store + 1;
    at.tables = at.console + 1;
    /* Tables for as much as the domain could have at most, so that the number does not depend on itself. */
    at.l1s = (unsigned int)((at.tables + 3 + MAX_L1S + 1 + spare + 511) / 512);
    at.stack = at.tables + 3 + at.l1s;
    at.end = at.stack + 1 + spare;
    d->nr_pages = at.end;
    return at.end <= MAX_PAGES && at.l1s <= MAX_L1S ? 0 : -XEN_E2BIG;
}

static long populate(struct domain *d)
{
    struct xen_domctl op = {.u.max_mem.max_memkb = d->nr_pages * 4 + 1024};
    long rc = domain_control(&op, XEN_DOMCTL_max_mem, d->id);

    for (unsigned long i = 0; i < d->nr_pages; i++) {
        mfns[i] = i;
    }
    for (unsigned long done = 0; rc == 0 && done < d->nr_pages;) {
        struct xen_memory_reservation r = {.nr_extents = d->nr_pages - done, .domid = d->id};

        set_xen_guest_handle(r.extent_start, mfns + done);
        long n = hv_memory_op(XENMEM_populate_physmap, &r);
        if (n <= 0) {
            return n < 0 ? n : -XEN_ENOMEM;
        }
        done += (unsigned long)n;
    }
    return rc;
}

static void load_image(const struct elf_header *elf)
{
    memset(filled(0), 0, at.image_end * PAGE_SIZE);
    for (unsigned int i = 0; i < elf->phnum; i++) {
        const struct elf_segment *s = segment(elf, i);

        if (s->type == SEGMENT_LOAD) {
            memcpy((char *)filled(0) + (s->vaddr - KIT_VIRT_BASE), (const char *)elf + s->offset,
                   s->filesz);
        }
    }
}

static void write_tables(const struct domain *d)
{
    uint64_t *l4 = filled(at.tables), *l3 = filled(at.tables + 1), *l2 = filled(at.tables + 2);

    memset(l4, 0, (3 + at.l1s) * PAGE_SIZE);
    l4[pt_index(KIT_VIRT_BASE, 4)] = (uint64_t)mfns[at.tables + 1] << 12 | PTE_KERNEL;
    l3[pt_index(KIT_VIRT_BASE, 3)] = (uint64_t)mfns[at.tables + 2] << 12 | PTE_KERNEL;
    for (unsigned int i = 0; i < at.l1s; i++) {
        l2[pt_index(KIT_VIRT_BASE, 2) + i] = (uint64_t)mfns[at.tables + 3 + i] << 12 | PTE_KERNEL;
    }
    for (unsigned long pfn = 0; pfn < d->nr_pages; pfn++) {
        bool table = pfn >= at.tables && pfn < at.stack;

        ((uint64_t *)filled(at.tables + 3))[pfn] =
            (uint64_t)mfns[pfn] << 12 | (table ? PTE_KERNEL_RO : PTE_KERNEL);
    }
}

static void write_start_info(const struct domain *d, const struct domain_config *config,
                             unsigned long shared_info_mfn)
{
    struct start_info *si = filled(at.start_info);

    memset(si, 0, 3 * PAGE_SIZE); /* the store and console pages, too */
    memcpy(si->magic, kit_start_info->magic, sizeof(si->magic));
    si->nr_pages = d->nr_pages;
    si->shared_info = shared_info_mfn << 12;
    si->store_mfn = mfns[at.store];
    si->console.domU.mfn = mfns[at.console];
    si->pt_base = (unsigned long)pfn_to_virt(at.tables);
    si->nr_pt_frames = 3 + at.l1s;
    si->mfn_list = (unsigned long)pfn_to_virt(at.p2m);
    if (config->cmdline != NULL) {
        size_t n = strlen(config->cmdline);

        memcpy(si->cmd_line, config->cmdline, n < MAX_GUEST_CMDLINE ? n : MAX_GUEST_CMDLINE - 1);
    }
    memset(filled(at.p2m), 0xff, MAX_PAGES * sizeof(long));
    memcpy(filled(at.p2m), mfns, d->nr_pages * sizeof(long));
}

/* ---- the hypervisor's part -------------------------------------------------------------------- */

static long start_vcpu(const struct domain *d, const struct elf_header *elf)
{
    static struct vcpu_guest_context c;
    struct xen_domctl op = {.u.vcpucontext.vcpu = 0};

    memset(&c, 0, sizeof(c));
    c.flags = VGCF_in_kernel | VGCF_online;
    c.user_regs.rip = elf->entry;
    c.user_regs.rsp = (unsigned long)pfn_to_virt(at.stack + 1);
    c.user_regs.rsi = (unsigned long)pfn_to_virt(at.start_info);
    c.user_regs.rflags = 0x200; /* IF */
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = FLAT_KERNEL_SS;
    c.kernel_ss = c.user_regs.ss;
    c.kernel_sp = c.user_regs.rsp;
    c.ctrlreg[3] = xen_pfn_to_cr3(mfns[at.tables]);
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &c);
    return domain_control(&op, XEN_DOMCTL_setvcpucontext, d->id);
}

static long pin(const struct domain *d)
{
    struct mmuext_op op = {.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = mfns[at.tables]};

    return hv_mmuext_op(&op, 1, NULL, d->id);
}

/* No upcalls until the kernel asks for them. Through the window's first page, which is free by then. */
static long mask_upcalls(const struct domain *d, unsigned long shared_info_mfn)
{
    long rc = window_set(FILL_WINDOW, (uint64_t)shared_info_mfn << 12 | PTE_KERNEL, d->id);

    if (rc == 0) {
        struct shared_info *si = (void *)FILL_WINDOW;

        for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) {
            si->vcpu_info[i].evtchn_upcall_mask = 1;
        }
        rc = hv_update_va_mapping(FILL_WINDOW, 0, UVMF_INVLPG | UVMF_LOCAL);
    }
    return rc;
}

static long take_slot(struct domain *d)
{
    for (d->slot = 0; d->slot < KIT_MAX_DOMAINS; d->slot++) {
        if (!slot_used[d->slot]) {
            slot_used[d->slot] = true;
            return 0;
        }
    }
    return -XEN_ENOSPC;
}

static long keep_pages(struct domain *d)
{
    long rc;

    d->shared = keep(2 * d->slot, mfns[at.store], d->id, &rc);
    if (rc == 0) {
        d->console = keep(2 * d->slot + 1, mfns[at.console], d->id, &rc);
    }
    d->shared_mfn = mfns[at.store];
    d->l4_mfn = mfns[at.tables];
    d->first_mfn = mfns[0];
    return rc;
}

long domain_create_empty(struct domain *d, const struct domain_config *config)
{
    unsigned int vcpus = config->vcpus != 0 ? config->vcpus : 1;
    struct xen_domctl op = {.u.createdomain = {.max_vcpus = vcpus,
                                               .max_evtchn_port = 1023,
                                               .max_grant_frames = -1,
                                               .max_maptrack_frames = -1,
                                               .grant_opts = 1}};
    long rc = domain_control(&op, XEN_DOMCTL_createdomain, 0);

    memset(d, 0, sizeof(*d));
    if (rc != 0) {
        return rc;
    }
    d->id = op.domain;
    d->slot = KIT_MAX_DOMAINS;
    memset(&op, 0, sizeof(op));
    op.u.max_vcpus.max = vcpus;
    rc = domain_control(&op, XEN_DOMCTL_max_vcpus, d->id);
    if (rc != 0) {
        domain_destroy(d);
    }
    return rc;
}

long domain_fill(struct domain *d, const struct domain_config *config)
{
    const struct elf_header *elf = image_of(config);
    struct xen_domctl op = {.u.tsc_info.tsc_mode = NEVER_EMULATE};
    struct xen_domctl_getdomaininfo info;
    long rc = lay_out(d, config);

    if (rc == 0) {
        rc = domain_control(&op, XEN_DOMCTL_settscinfo, d->id);
    }
    if (rc == 0) {
        rc = domain_info(d->id, &info);
    }
    if (rc == 0) {
        rc = populate(d);
    }
    if (rc == 0) {
        rc = fill_window_set(d, true);
    }
    if (rc != 0) {
        return rc;
    }
    load_image(elf);
    write_start_info(d, config, info.shared_info_frame);
    write_tables(d);
    rc = fill_window_set(d, false);
    if (rc == 0) {
        rc = mask_upcalls(d, info.shared_info_frame);
    }
    if (rc == 0) {
        rc = pin(d);
    }
    if (rc == 0) {
        rc = start_vcpu(d, elf);
    }
    if (rc == 0) {
        rc = take_slot(d);
    }
    return rc != 0 ? rc : keep_pages(d);
}

long domain_make(struct domain *d, const struct domain_config *config)
{
    long rc = domain_create_empty(d, config);

    if (rc != 0) {
        return rc;
    }
    rc = domain_fill(d, config);
    if (rc != 0) {
        domain_destroy(d);
    }
    return rc;
}

long domain_destroy(struct domain *d)
{
    struct xen_domctl op = {0};

    if (d->slot < KIT_MAX_DOMAINS) {
        hv_update_va_mapping((unsigned long)d->shared, 0, UVMF_INVLPG | UVMF_ALL);
        hv_update_va_mapping((unsigned long)d->console, 0, UVMF_INVLPG | UVMF_ALL);
        slot_used[d->slot] = false;
        d->slot = KIT_MAX_DOMAINS;
    }
    return domain_control(&op, XEN_DOMCTL_destroydomain, d->id);
}

/* ---- afterwards ------------------------------------------------------------------------------- */

long domain_unpause(const struct domain *d)
{
    struct xen_domctl op = {0};

    return domain_control(&op, XEN_DOMCTL_unpausedomain, d->id);
}

long domain_pause(const struct domain *d)
{
    struct xen_domctl op = {0};

    return domain_control(&op, XEN_DOMCTL_pausedomain, d->id);
}

long domain_info(domid_t id, struct xen_domctl_getdomaininfo *info)
{
    struct xen_domctl op = {0};
    long rc = domain_control(&op, XEN_DOMCTL_getdomaininfo, id);

    if (rc == 0 && op.u.getdomaininfo.domain != id) {
        rc = -XEN_ESRCH; /* the next one */
    }
    *info = op.u.getdomaininfo;
    return rc;
}

long domain_set_weight_and_cap(const struct domain *d, uint16_t weight, uint16_t cap)
{
    struct xen_domctl op = {
        .u.scheduler_op = {.sched_id = SCHED_CREDIT2_ID, .cmd = XEN_DOMCTL_SCHEDOP_putinfo}};

    op.u.scheduler_op.u.credit2.weight = weight;
    op.u.scheduler_op.u.credit2.cap = cap;
    return domain_control(&op, XEN_DOMCTL_scheduler_op, d->id);
}

long domain_set_affinity(domid_t id, unsigned int vcpu, uint64_t cpus)
{
    struct xen_domctl op = {.u.vcpuaffinity = {.vcpu = vcpu, .flags = XEN_VCPUAFFINITY_HARD}};

    op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)&cpus);
    return domain_control(&op, XEN_DOMCTL_setvcpuaffinity, id);
}

void domain_print(struct domain *d, const char *prefix)
{
    static char line[256];
    volatile struct xencons_interface *ring = d->console;
    XENCONS_RING_IDX cons = ring->out_cons, prod = ring->out_prod;

    if (prod - cons > sizeof(ring->out)) { /* a hostile one */
        cons = prod;
    }
    while (cons != prod) {
        size_t n = 0;

        while (cons != prod && n < sizeof(line) - 1) {
            char c = ring->out[MASK_XENCONS_IDX(cons, ring->out)];

            cons++;
            if (c == '\n') {
                break;
            }
            line[n++] = c;
        }
        line[n] = '\0';
        kprintf("%s%s\n", prefix, line);
    }
    ring->out_cons = cons;
}

void *domain_shared(void)
{
    return mfn_to_virt(kit_start_info->store_mfn);
}
