/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filling an empty PV domain; see pv_build.h. The state in which a kernel expects to start is laid
 * down in the ABI's xen.h (start of day); pv_layout.h says where things go.
 *
 * Frames are mapped into this process only while they are filled: a page table may be pinned only
 * when nobody has it mapped writable any more.
 */
#include "dom0-toolstack/lib/pv_build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/lib/abi.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_memory.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "dom0-toolstack/lib/kernel_image.h"
#include "dom0-toolstack/lib/pv_layout.h"

#define PTE_PRESENT  0x001ull
#define PTE_WRITE    0x002ull
#define PTE_USER     0x004ull
#define PTE_ACCESSED 0x020ull
#define PTE_DIRTY    0x040ull
#define PTE_TABLE    (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)
#define PTE_PAGE     (PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY)

#define EXTENTS      1024u /* a batch of allocations */

/* A run of the domain's frames, mapped here. */
struct window {
    uint8_t *p;
    uint64_t pfn, pages;
};

struct state {
    struct pv_build *b;
    struct pv_layout l;
    uint64_t *p2m;                /* nr_pages machine frames */
    struct window kernel, behind; /* used parts of the initial mapping, and behind it */
    struct hv_domain_info info;
};

/* ---- memory ---- */

static int short_of_memory(struct state *s, uint64_t done, long rc, struct hl_error *e)
{
    struct pv_build *b = s->b;

    if (rc < 0 && rc != -ENOMEM)
        return hl_fail_dom(e, (int)-rc, b->domid, "allocate memory", NULL);
    b->missing_pages = b->nr_pages - done;
    return hl_fail_dom(e, ENOMEM, b->domid, "allocate memory", "%llu MiB are missing",
                       (unsigned long long)(b->missing_pages + 255) / 256);
}

/* Allocates pfns [from, to) in extents of 2^order; answers how far it got. */
static long populate_run(struct state *s, uint64_t from, uint64_t to, unsigned int order,
                         uint64_t *extents)
{
    uint64_t size = 1ull << order, pfn = from;

    while (to - pfn >= size) {
        uint64_t n = (to - pfn) / size;
        long done;

        if (n > EXTENTS)
            n = EXTENTS;
        for (uint64_t i = 0; i < n; i++)
            extents[i] = pfn + i * size;
        done = hv_memory_populate(s->b->hv, s->b->domid, extents, n, order);
        if (done < 0)
            return done;
        for (uint64_t i = 0; i < (uint64_t)done; i++)
            for (uint64_t j = 0; j < size; j++)
                s->p2m[pfn + i * size + j] = extents[i] + j;
        pfn += (uint64_t)done * size;
        if ((uint64_t)done < n)
            break;
    }
    return (long)(pfn - from);
}

static int populate(struct state *s, struct hl_error *e)
{
    static const unsigned int orders[] = {9, 4, 0};
    const size_t size = EXTENTS * sizeof(uint64_t);
    uint64_t *extents = hv_buffer_alloc(s->b->hv, size);
    uint64_t pfn = 0, end = s->b->nr_pages;
    long got = 0;
    int rc;

    if (extents == NULL)
        return hl_fail(e, ENOMEM, "allocate memory", NULL, NULL);
    /* A claim makes a shortage show at once; a hypervisor without claims is fine as well. */
    rc = s->b->claim ? hv_memory_claim(s->b->hv, s->b->domid, end, NULL) : 0;
    hl_fault_kill();
    if (rc == -ENOMEM) {
        rc = short_of_memory(s, 0, rc, e);
        goto out;
    }
    rc = 0;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]) && pfn < end; i++) {
        got = populate_run(s, pfn, end, orders[i], extents);
        if (got > 0)
            pfn += (uint64_t)got;
        else if (got < 0 && got != -ENOMEM)
            break;
    }
    if (pfn < end)
        rc = short_of_memory(s, pfn, got, e);
    if (s->b->claim)
        (void)hv_memory_claim(s->b->hv, s->b->domid, 0, NULL);
out:
    hv_buffer_free(s->b->hv, extents, size);
    return rc;
}

static int open_window(struct state *s, struct window *w, uint64_t pfn, uint64_t end,
                       struct hl_error *e)
{
    if (end <= pfn)
        return 0;
    w->p = hv_map_frames(s->b->hv, s->b->domid, s->p2m + pfn, end - pfn, true, NULL, e);
    if (w->p == NULL)
        return -hl_error_errnum(e) != 0 ? -hl_error_errnum(e) : -ENOMEM;
    w->pfn = pfn;
    w->pages = end - pfn;
    return 0;
}

static void close_window(struct window *w)
{
    hv_unmap(w->p, w->pages);
    w->p = NULL;
}

/* A frame of the domain as memory; it must be in a window. */
static void *page(struct state *s, uint64_t pfn)
{
    struct window *w = pfn - s->kernel.pfn < s->kernel.pages ? &s->kernel : &s->behind;

    return w->p + (pfn - w->pfn) * 4096;
}

/* ---- contents ---- */

static int load_kernel(struct state *s, struct hl_error *e)
{
    const struct kernel_image *img = s->b->image;
    uint8_t *to = page(s, s->l.kernel_pfn);
    size_t lead = img->virt_start % 4096;

    memset(to, 0, lead);
    return kernel_image_load(img, to + lead, s->l.kernel_pages * 4096 - lead, e);
}

static int load_ramdisk(struct state *s, struct hl_error *e)
{
    uint64_t size = s->b->ramdisk_bytes, done = 0;
    uint8_t *to;

    if (size == 0)
        return 0;
    to = page(s, s->l.ramdisk_pfn);
    while (done < size) {
        ssize_t n = pread(s->b->ramdisk_fd, to + done, size - done, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return hl_fail(e, errno, "read the ramdisk", s->b->ramdisk_name, NULL);
        if (n == 0)
            return hl_fail(e, EIO, "read the ramdisk", s->b->ramdisk_name,
                           "the file became shorter while it was read");
        done += (uint64_t)n;
    }
    memset(to + size, 0, s->l.ramdisk_pages * 4096 - size);
    return 0;
}

static void write_p2m(struct state *s)
{
    uint64_t *list = page(s, s->l.p2m_pfn);
    uint64_t n = s->l.nr_pages, room = s->l.p2m_pages * 512;

    memcpy(list, s->p2m, n * sizeof(*list));
    memset(list + n, 0xff, (room - n) * sizeof(*list)); /* "no frame" */
}

static void set_entry(struct state *s, unsigned int level, uint64_t va, uint64_t pfn,
                      uint64_t flags)
{
    uint64_t *table = page(s, pv_layout_table(&s->l, level, va));

    table[va >> (3 + 9 * level) & 511] = s->p2m[pfn] << 12 | flags;
}

/* Tables for `pages` pages from pfn at va; upper levels are written again for each page they hold. */
static void map_range(struct state *s, uint64_t va, uint64_t pfn, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++, va += 4096, pfn++) {
        bool table = pv_layout_is_table(&s->l, pfn);

        if (i == 0 || va % (2ull << 20) == 0) {
            for (unsigned int level = 4; level >= 2; level--)
                set_entry(s, level, va, pv_layout_table(&s->l, level - 1, va), PTE_TABLE);
        }
        set_entry(s, 1, va, pfn, table ? PTE_PAGE : PTE_PAGE | PTE_WRITE);
    }
}

static void write_tables(struct state *s)
{
    const struct pv_layout *l = &s->l;

    memset(page(s, l->tables_pfn), 0, l->nr_tables * 4096);
    if (l->p2m_table_pages != 0)
        memset(page(s, l->p2m_pfn + l->p2m_pages), 0, l->p2m_table_pages * 4096);
    map_range(s, l->virt_base, 0, l->mapped_end);
    if (l->p2m_apart)
        map_range(s, l->p2m_va, l->p2m_pfn, l->p2m_pages);
}

static int write_start_info(struct state *s, struct hl_error *e)
{
    const struct pv_layout *l = &s->l;
    struct start_info *si = page(s, l->start_info_pfn);
    unsigned int major, minor;
    int rc = hv_version_numbers(s->b->hv, &major, &minor, e);

    if (rc != 0)
        return rc;
    memset(si, 0, 4096);
    snprintf(si->magic, sizeof(si->magic), "xen-%u.%u-x86_64", major, minor);
    si->nr_pages = l->nr_pages;
    si->shared_info = s->info.shared_info_frame << 12;
    si->flags = SIF_VIRT_P2M_4TOOLS;
    si->store_mfn = s->p2m[l->store_pfn];
    si->store_evtchn = s->b->store_port;
    si->console.domU.mfn = s->p2m[l->console_pfn];
    si->console.domU.evtchn = s->b->console_port;
    si->pt_base = pv_layout_va(l, l->tables_pfn);
    si->nr_pt_frames = l->nr_tables;
    si->mfn_list = l->p2m_va;
    if (l->p2m_apart) {
        si->first_p2m_pfn = l->p2m_pfn;
        si->nr_p2m_frames = l->p2m_pages + l->p2m_table_pages;
    }
    if (s->b->ramdisk_bytes != 0) {
        si->mod_len = s->b->ramdisk_bytes;
        si->mod_start = l->ramdisk_mapped ? pv_layout_va(l, l->ramdisk_pfn) : l->ramdisk_pfn;
        if (!l->ramdisk_mapped)
            si->flags |= SIF_MOD_START_PFN;
    }
    if (s->b->cmdline != NULL)
        snprintf((char *)si->cmd_line, sizeof(si->cmd_line), "%s", s->b->cmdline);
    return 0;
}

static int fill(struct state *s, struct hl_error *e)
{
    const struct pv_layout *l = &s->l;
    int rc = open_window(s, &s->kernel, l->kernel_pfn, l->used_end, e);

    if (rc == 0)
        rc = open_window(s, &s->behind, l->mapped_end, l->end, e);
    if (rc == 0)
        rc = load_kernel(s, e);
    if (rc == 0)
        rc = load_ramdisk(s, e);
    if (rc == 0)
        rc = write_start_info(s, e);
    if (rc == 0) {
        memset(page(s, l->store_pfn), 0, 4096);
        memset(page(s, l->console_pfn), 0, 4096);
        memset(page(s, l->stack_pfn), 0, 4096);
        write_p2m(s);
        write_tables(s);
    }
    close_window(&s->kernel);
    close_window(&s->behind);
    return rc;
}

/* ---- pages that the hypervisor owns ---- */

/* No upcalls until the kernel asks for them. */
static int prepare_shared_info(struct state *s, struct hl_error *e)
{
    uint64_t frame = s->info.shared_info_frame;
    struct shared_info *si = hv_map_frames(s->b->hv, s->b->domid, &frame, 1, true, NULL, e);

    if (si == NULL)
        return -EIO;
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        si->vcpu_info[i].evtchn_upcall_mask = 1;
    hv_unmap(si, 1);
    return 0;
}

/* The two rings are offered by grants, so that their back ends need no right to map any memory. */
static int seed_grants(struct state *s, struct hl_error *e)
{
    struct grant_entry_v1 *t = hv_map_resource(s->b->hv, s->b->domid, XENMEM_resource_grant_table,
                                               XENMEM_resource_grant_table_id_shared, 0, 1, e);

    if (t == NULL)
        return -EIO;
    t[GNTTAB_RESERVED_CONSOLE].domid = (domid_t)s->b->console_domid;
    t[GNTTAB_RESERVED_CONSOLE].frame = (uint32_t)s->p2m[s->l.console_pfn];
    t[GNTTAB_RESERVED_XENSTORE].domid = (domid_t)s->b->store_domid;
    t[GNTTAB_RESERVED_XENSTORE].frame = (uint32_t)s->p2m[s->l.store_pfn];
    __atomic_thread_fence(__ATOMIC_RELEASE); /* an entry is valid from its flags on */
    t[GNTTAB_RESERVED_CONSOLE].flags = GTF_permit_access;
    t[GNTTAB_RESERVED_XENSTORE].flags = GTF_permit_access;
    hv_unmap(t, 1);
    return 0;
}

static int start_vcpu(struct state *s, struct hl_error *e)
{
    const struct pv_layout *l = &s->l;
    struct vcpu_guest_context *c = calloc(1, sizeof(*c));
    int rc;

    if (c == NULL)
        return hl_fail(e, ENOMEM, "set the first vCPU's state", NULL, NULL);
    c->flags = VGCF_in_kernel | VGCF_online;
    c->user_regs.rip = s->b->image->entry;
    c->user_regs.rsp = pv_layout_va(l, l->stack_pfn + 1);
    c->user_regs.rsi = pv_layout_va(l, l->start_info_pfn);
    c->user_regs.rflags = 1 << 9; /* IF */
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->kernel_ss = c->user_regs.ss;
    c->kernel_sp = c->user_regs.rsp;
    c->ctrlreg[3] = xen_pfn_to_cr3(s->p2m[l->tables_pfn]);
    rc = hv_vcpu_set_context(s->b->hv, s->b->domid, 0, c, e);
    free(c);
    return rc;
}

static int finish(struct state *s, struct hl_error *e)
{
    struct pv_build *b = s->b;
    const struct kernel_image *img = b->image;
    int rc = prepare_shared_info(s, e);

    if (rc == 0)
        rc = seed_grants(s, e);
    if (rc == 0 && img->hypercall_page != KERNEL_UNSET)
        rc = hv_domain_init_hypercall_page(
            b->hv, b->domid, s->p2m[(img->hypercall_page - img->virt_base) / 4096], e);
    if (rc == 0)
        rc = hv_memory_pin_l4(b->hv, b->domid, s->p2m[s->l.tables_pfn], e);
    if (rc == 0)
        rc = start_vcpu(s, e);
    return rc;
}

static int check_features(const struct kernel_image *img, struct hl_error *e)
{
    const uint64_t impossible = 1ull << XENFEAT_auto_translated_physmap |
                                1ull << XENFEAT_supervisor_mode_kernel |
                                1ull << XENFEAT_hvm_callback_vector;

    if ((img->features_required & impossible) == 0)
        return 0;
    return hl_fail(e, ENOEXEC, "read the kernel", NULL,
                   "it requires features that no PV domain has (%#llx)",
                   (unsigned long long)(img->features_required & impossible));
}

int pv_build(struct pv_build *b, struct hl_error *e)
{
    struct state s = {.b = b};
    int rc = check_features(b->image, e);

    if (rc == 0)
        rc = pv_layout_make(&s.l, b->image, b->ramdisk_bytes, b->nr_pages, e);
    if (rc == 0)
        rc = hv_domain_info(b->hv, b->domid, &s.info, e);
    if (rc != 0)
        return rc;
    s.p2m = malloc(b->nr_pages * sizeof(*s.p2m));
    if (s.p2m == NULL)
        return hl_fail(e, ENOMEM, "build the domain", NULL, NULL);
    rc = populate(&s, e);
    if (rc == 0)
        rc = fill(&s, e);
    if (rc == 0)
        rc = finish(&s, e);
    if (rc == 0) {
        b->store_mfn = s.p2m[s.l.store_pfn];
        b->console_mfn = s.p2m[s.l.console_pfn];
    }
    free(s.p2m);
    return rc;
}
