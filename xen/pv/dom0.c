/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building Domain 0: its memory, its first page tables, start_info, and what it may touch.
 * The layout of the first mapping is the ABI's (hypercalls/abi/xen.h, start_info):
 *
 *   virt_base ... kernel ... [RAM disk] [p2m list] start_info, page tables, stack, slack
 *
 * The RAM disk and the p2m list lie outside it if the kernel's notes allow (as Linux's do): then
 * as plain frames, the p2m list mapped at the address of the INIT_P2M note.
 */
#include "pv/dom0.h"
#include "boot/boot.h"
#include "boot/cmdline.h"
#include "boot/decompress.h"
#include "console/console.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "pv/elf.h"
#include "sched/softirq.h"
#include "x86/acpi.h"
#include "x86/cpu_setup.h"
#include "x86/time.h"

static char opt_dom0_mem[64], opt_dom0_max_vcpus[16];
OPT_STRING("dom0_mem", opt_dom0_mem);
OPT_STRING("dom0_max_vcpus", opt_dom0_max_vcpus);

/* ---- memory: runs of machine frames, by rising PFN --------------------------------------------- */

#define MAX_RUNS 8192
struct run {
    uint64_t pfn, mfn, n;
};

struct builder {
    struct domain *d;
    struct vcpu *v;
    struct elf_kernel kernel;
    uint64_t nr_pages;
    struct run *runs;
    unsigned int nr_runs;
    /* Layout, PFNs (= offset from virt_base in pages, within the first mapping) */
    uint64_t initrd_pfn, initrd_pages, initrd_len;
    uint64_t p2m_pfn, p2m_pages, p2m_tables; /* list, then its page tables when outside */
    uint64_t info_pfn, info_pages, pt_pfn, pt_pages, stack_pfn, end_pfn;
    bool p2m_outside, initrd_outside;
    uint64_t next_pt; /* next free page-table page */
};

static mfn_t pfn_to_mfn(const struct builder *b, uint64_t pfn)
{
    unsigned int lo = 0, hi = b->nr_runs;

    while (hi - lo > 1) {
        unsigned int mid = (lo + hi) / 2;
        if (b->runs[mid].pfn <= pfn)
            lo = mid;
        else
            hi = mid;
    }
    ASSERT(pfn - b->runs[lo].pfn < b->runs[lo].n);
    return mfn_make(b->runs[lo].mfn + pfn - b->runs[lo].pfn);
}

static void *pfn_virt(const struct builder *b, uint64_t pfn)
{
    return mfn_to_virt(pfn_to_mfn(b, pfn));
}

/* dom0_mem=SIZE | min:SIZE,max:SIZE,SIZE; negative: all but so much. */
static void __init parse_dom0_mem(uint64_t avail, uint64_t *want, uint64_t *max)
{
    const char *s = opt_dom0_mem;
    uint64_t min = 0;

    *max = ~0ull >> PAGE_SHIFT;
    while (*s) {
        uint64_t *target = want;
        if (!strncmp(s, "min:", 4)) {
            target = &min;
            s += 4;
        } else if (!strncmp(s, "max:", 4)) {
            target = max;
            s += 4;
        }
        bool negative = *s == '-';
        const char *end;
        uint64_t n = hv_strtoull(s + negative, &end, 0);
        switch (*end | 0x20) {
        case 't':
            n <<= 40;
            end++;
            break;
        case 'g':
            n <<= 30;
            end++;
            break;
        case 'm':
            n <<= 20;
            end++;
            break;
        case 'k':
            n <<= 10;
            end++;
            break;
        case 'b': end++; break;
        default: n <<= 10; /* a bare number is KiB, as Xen has it */
        }
        n >>= PAGE_SHIFT;
        *target = negative ? (n < avail ? avail - n : 0) : n;
        if (*end != ',' && *end)
            panic("dom0_mem=%s: expected a size such as 512M, at \"%s\"", opt_dom0_mem, end);
        s = *end ? end + 1 : end;
    }
    *want = MAX(*want, min);
    *want = MIN(*want, *max);
}

static void __init allocate_memory(struct builder *b)
{
    uint64_t free = frames_free_count();
    /* For guests' grant tables, event channels, tables: a sixteenth, 16 to 128 MiB. */
    uint64_t reserve = MIN(MAX(free / 16, MB(16) >> PAGE_SHIFT), MB(128) >> PAGE_SHIFT);
    uint64_t avail = free > reserve ? free - reserve : 0, max;

    b->nr_pages = avail;
    parse_dom0_mem(avail, &b->nr_pages, &max);
    if (b->nr_pages > avail) {
        printk(LOG_WARN "dom0_mem=%s is more than there is: %lu MiB used\n", opt_dom0_mem,
               (unsigned long)(avail >> 8));
        b->nr_pages = avail;
    }
    b->d->max_pages = (uint32_t)MIN(max, (uint64_t)UINT32_MAX);
    b->runs = hv_zalloc(MAX_RUNS * sizeof(*b->runs));
    if (!b->runs)
        panic("No memory to describe Domain 0's memory");

    unsigned int order = MAX_ORDER;
    for (uint64_t pfn = 0; pfn < b->nr_pages;) {
        while (1ull << order > b->nr_pages - pfn)
            order--;
        struct frame *f = dom_frames_alloc(b->d, order, 0);
        if (!f) {
            if (!order || b->nr_runs == MAX_RUNS)
                panic("No memory for Domain 0: %lu of %lu MiB; a smaller dom0_mem= may help",
                      (unsigned long)(pfn >> 8), (unsigned long)(b->nr_pages >> 8));
            order--;
            continue;
        }
        uint64_t mfn = mfn_x(frame_to_mfn(f));
        struct run *last = b->nr_runs ? &b->runs[b->nr_runs - 1] : NULL;
        if (last && last->mfn + last->n == mfn) {
            last->n += 1ull << order;
        } else {
            if (b->nr_runs == MAX_RUNS)
                panic("Free memory is in too many pieces for Domain 0");
            b->runs[b->nr_runs++] = (struct run){pfn, mfn, 1ull << order};
        }
        for (uint64_t i = 0; i < 1ull << order; i++)
            m2p_set(mfn_make(mfn + i), pfn + i);
        pfn += 1ull << order;
    }
}

/* ---- layout ------------------------------------------------------------------------------------ */

/* Tables below L4 that map [va, va + pages). */
static uint64_t tables_for(uint64_t va, uint64_t pages)
{
    uint64_t end = va + (pages << PAGE_SHIFT) - 1, n = 0;

    for (unsigned int shift = 21; shift <= 39; shift += 9)
        n += (end >> shift) - (va >> shift) + 1;
    return n;
}

static void __init lay_out(struct builder *b)
{
    struct elf_kernel *k = &b->kernel;
    uint64_t pfn = DIV_ROUND_UP(k->vend - k->virt_base, PAGE_SIZE);

    if (boot_info.nr_modules > 1) {
        b->initrd_len = boot_info.module[1].size;
        b->initrd_pages = DIV_ROUND_UP(b->initrd_len, PAGE_SIZE);
    }
    b->initrd_outside = k->mod_start_pfn != ELF_NO_VALUE && k->mod_start_pfn;
    if (!b->initrd_outside) {
        b->initrd_pfn = pfn;
        pfn += b->initrd_pages;
    }
    b->p2m_pages = DIV_ROUND_UP(b->nr_pages * sizeof(uint64_t), PAGE_SIZE);
    b->p2m_outside = k->init_p2m != ELF_NO_VALUE &&
                     (k->init_p2m < k->virt_base || k->init_p2m >= k->virt_base + GB(1));
    if (!b->p2m_outside) {
        b->p2m_pfn = pfn;
        pfn += b->p2m_pages;
    }
    b->info_pfn = pfn;
    b->info_pages =
        DIV_ROUND_UP(sizeof(struct start_info) + sizeof(struct dom0_vga_console_info), PAGE_SIZE);
    pfn += b->info_pages;
    b->pt_pfn = pfn;
    /* The tables map themselves: find the number that suffices. */
    for (b->pt_pages = 4;; b->pt_pages++) {
        b->stack_pfn = b->pt_pfn + b->pt_pages;
        /* Half a MiB behind the stack, then up to 4 MiB (ABI). */
        b->end_pfn = ROUND_UP(b->stack_pfn + 1 + (KB(512) >> PAGE_SHIFT), MB(4) >> PAGE_SHIFT);
        if (1 + tables_for(k->virt_base, b->end_pfn) <= b->pt_pages)
            break;
    }
    pfn = b->end_pfn;
    if (b->initrd_outside) {
        b->initrd_pfn = pfn;
        pfn += b->initrd_pages;
    }
    if (b->p2m_outside) {
        b->p2m_pfn = pfn;
        b->p2m_tables = tables_for(k->init_p2m, b->p2m_pages);
        pfn += b->p2m_pages + b->p2m_tables;
    }
    if (pfn > b->nr_pages)
        panic("Domain 0's memory of %lu MiB is too small: its kernel and RAM disk need %lu MiB; "
              "give it more with dom0_mem=",
              (unsigned long)(b->nr_pages >> 8), (unsigned long)(pfn >> 8));
}

/* ---- contents ---------------------------------------------------------------------------------- */

/* Copy n bytes to PFN-contiguous memory, then zeros up to total. */
static void put_bytes(struct builder *b, uint64_t offset, const uint8_t *src, uint64_t n,
                      uint64_t total)
{
    for (uint64_t done = 0; done < total;) {
        uint8_t *dst =
            (uint8_t *)pfn_virt(b, (offset + done) >> PAGE_SHIFT) + ((offset + done) & ~PAGE_MASK);
        uint64_t chunk = MIN(total - done, PAGE_SIZE - ((offset + done) & ~PAGE_MASK));
        uint64_t copy = done < n ? MIN(n - done, chunk) : 0;
        if (copy)
            memcpy(dst, src + done, copy);
        if (copy < chunk)
            memset(dst + copy, 0, chunk - copy);
        done += chunk;
    }
}

static int load_segment(void *arg, uint64_t vaddr, const void *src, size_t n, size_t total)
{
    struct builder *b = arg;

    put_bytes(b, vaddr - b->kernel.virt_base, src, n, total);
    return 0;
}

/* Stubs for kernels that call through a page of the hypervisor's filling. */
static void __init fill_hypercall_page(struct builder *b)
{
    uint64_t va = b->kernel.hypercall_page;

    if (va == ELF_NO_VALUE)
        return;
    if ((va & ~PAGE_MASK) || va < b->kernel.vstart || va >= b->kernel.vend)
        panic("Domain 0 kernel: its hypercall page %#lx lies outside it", va);
    pv_hypercall_page(pfn_virt(b, (va - b->kernel.virt_base) >> PAGE_SHIFT));
}

static void __init write_p2m(struct builder *b)
{
    uint64_t *page = NULL;

    for (unsigned int r = 0; r < b->nr_runs; r++)
        for (uint64_t i = 0; i < b->runs[r].n; i++) {
            uint64_t pfn = b->runs[r].pfn + i;
            if (!page || pfn % 512 == 0)
                page = pfn_virt(b, b->p2m_pfn + pfn / 512);
            page[pfn % 512] = b->runs[r].mfn + i;
        }
}

/* ---- page tables ------------------------------------------------------------------------------- */

static pte_t *table_below(struct builder *b, pte_t *e)
{
    if (!(*e & PTE_PRESENT)) {
        void *t = pfn_virt(b, b->next_pt);
        memset(t, 0, PAGE_SIZE);
        *e = pte_make(pfn_to_mfn(b, b->next_pt++),
                      PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY);
    }
    return mfn_to_virt(pte_mfn(*e));
}

static bool is_table_page(const struct builder *b, uint64_t pfn)
{
    return (pfn >= b->pt_pfn && pfn < b->pt_pfn + b->pt_pages) ||
           (b->p2m_outside && pfn >= b->p2m_pfn + b->p2m_pages &&
            pfn < b->p2m_pfn + b->p2m_pages + b->p2m_tables);
}

static void map_pages(struct builder *b, pte_t *l4, uint64_t va, uint64_t pfn, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++, va += PAGE_SIZE, pfn++) {
        pte_t *l3 = table_below(b, &l4[L4_INDEX(va)]);
        pte_t *l2 = table_below(b, &l3[L3_INDEX(va)]);
        pte_t *l1 = table_below(b, &l2[L2_INDEX(va)]);
        l1[L1_INDEX(va)] =
            pte_make(pfn_to_mfn(b, pfn), PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY |
                                             (is_table_page(b, pfn) ? 0 : PTE_RW));
    }
}

static void __init build_tables(struct builder *b)
{
    pte_t *l4 = pfn_virt(b, b->pt_pfn);

    memset(l4, 0, PAGE_SIZE);
    b->next_pt = b->pt_pfn + 1;
    map_pages(b, l4, b->kernel.virt_base, 0, b->end_pfn);
    /* What was reserved and not needed is mapped read-only, and must hold no rubbish. */
    for (uint64_t p = b->next_pt; p < b->pt_pfn + b->pt_pages; p++)
        memset(pfn_virt(b, p), 0, PAGE_SIZE);
    if (b->p2m_outside) {
        b->next_pt = b->p2m_pfn + b->p2m_pages;
        map_pages(b, l4, b->kernel.init_p2m, b->p2m_pfn, b->p2m_pages);
    }

    struct frame *root = mfn_to_frame(pfn_to_mfn(b, b->pt_pfn));
    int rc;
    do {
        spin_lock(&b->d->pt_lock);
        rc = frame_pin(root, b->d, FRAME_L4);
        if (!rc)
            rc = frame_get_type(root, b->d, FRAME_L4);
        spin_unlock(&b->d->pt_lock);
        if (rc == -ERESTART)
            do_softirq();
    } while (rc == -ERESTART);
    if (rc)
        panic("Domain 0's first page tables do not pass their own check: %d", rc);
    b->v->pv.kernel_table = root;
    b->v->pv.cr3 = mfn_x(frame_to_mfn(root)) << PAGE_SHIFT;
}

/* ---- start_info, registers, rights ------------------------------------------------------------- */

static void __init fill_vga(struct dom0_vga_console_info *vga)
{
    memset(vga, 0, sizeof(*vga));
    if (boot_info.fb.type == 1) {
        vga->video_type = boot_info.efi ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB;
        vga->u.vesa_lfb.width = (uint16_t)boot_info.fb.width;
        vga->u.vesa_lfb.height = (uint16_t)boot_info.fb.height;
        vga->u.vesa_lfb.bytes_per_line = (uint16_t)boot_info.fb.pitch;
        vga->u.vesa_lfb.bits_per_pixel = boot_info.fb.bpp;
        vga->u.vesa_lfb.lfb_base = (uint32_t)boot_info.fb.addr;
        vga->u.vesa_lfb.ext_lfb_base = (uint32_t)(boot_info.fb.addr >> 32);
        vga->u.vesa_lfb.lfb_size = (boot_info.fb.pitch * boot_info.fb.height + 0xffff) >> 16;
        vga->u.vesa_lfb.red_pos = boot_info.fb.red_pos;
        vga->u.vesa_lfb.red_size = boot_info.fb.red_size;
        vga->u.vesa_lfb.green_pos = boot_info.fb.green_pos;
        vga->u.vesa_lfb.green_size = boot_info.fb.green_size;
        vga->u.vesa_lfb.blue_pos = boot_info.fb.blue_pos;
        vga->u.vesa_lfb.blue_size = boot_info.fb.blue_size;
    } else if (!boot_info.efi) {
        vga->video_type = XEN_VGATYPE_TEXT_MODE_3;
        vga->u.text_mode_3.font_height = 16;
        vga->u.text_mode_3.rows = 25;
        vga->u.text_mode_3.columns = 80;
    }
}

static void __init fill_start_info(struct builder *b)
{
    const struct elf_kernel *k = &b->kernel;
    uint64_t base = k->virt_base;
    struct start_info *si = pfn_virt(b, b->info_pfn);

    for (uint64_t i = 0; i < b->info_pages; i++)
        memset(pfn_virt(b, b->info_pfn + i), 0, PAGE_SIZE);
    hv_strlcpy(si->magic, "xen-3.0-x86_64", sizeof(si->magic));
    si->nr_pages = b->nr_pages;
    si->shared_info = virt_to_maddr(b->d->shared_info);
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    si->pt_base = base + (b->pt_pfn << PAGE_SHIFT);
    si->nr_pt_frames = b->pt_pages;
    if (b->p2m_outside) {
        si->mfn_list = k->init_p2m;
        si->first_p2m_pfn = b->p2m_pfn;
        si->nr_p2m_frames = b->p2m_pages + b->p2m_tables;
    } else {
        si->mfn_list = base + (b->p2m_pfn << PAGE_SHIFT);
    }
    if (b->initrd_len) {
        si->mod_start = b->initrd_outside ? b->initrd_pfn : base + (b->initrd_pfn << PAGE_SHIFT);
        si->mod_len = b->initrd_len;
        if (b->initrd_outside)
            si->flags |= SIF_MOD_START_PFN;
    }
    hv_strlcpy((char *)si->cmd_line, boot_info.module[0].cmdline, sizeof(si->cmd_line));
    si->console.dom0.info_off = sizeof(*si);
    si->console.dom0.info_size = sizeof(struct dom0_vga_console_info);
    fill_vga((struct dom0_vga_console_info *)(si + 1));
}

static void __init fill_registers(struct builder *b)
{
    struct vcpu *v = b->v;
    struct cpu_user_regs *r = &v->regs;

    r->rip = b->kernel.entry;
    r->cs = FLAT_KERNEL_CS64;
    r->ss = FLAT_KERNEL_SS64;
    r->rsp = b->kernel.virt_base + ((b->stack_pfn + 1) << PAGE_SHIFT);
    r->rsi = b->kernel.virt_base + (b->info_pfn << PAGE_SHIFT);
    r->rflags = X86_EFLAGS_IF | X86_EFLAGS_MBS;
    v->pv.in_kernel = true;
    v->vcpu_info->evtchn_upcall_mask = 1;
    v->initialised = true;
}

/* Everything but what is the hypervisor's: its interrupt controllers, timers and serial port. */
static void __init give_rights(struct domain *d)
{
    int rc = rangeset_add(&d->iomem_caps, 0, (1ull << (52 - PAGE_SHIFT)) - 1);

    rc = rc ?: rangeset_remove(&d->iomem_caps, 0xfee00, 0xfeeff); /* local APICs, MSI */
    for (unsigned int i = 0; i < acpi.nr_ioapics; i++)
        rc = rc
                 ?: rangeset_remove(&d->iomem_caps, acpi.ioapic[i].address >> PAGE_SHIFT,
                                    acpi.ioapic[i].address >> PAGE_SHIFT);
    rc = rc ?: rangeset_add(&d->ioport_caps, 0, 0xffff);
    static const uint16_t kept[][2] = {{0x20, 0x21}, {0xa0, 0xa1},   {0x40, 0x43},
                                       {0x61, 0x61}, {0xcf8, 0xcff}, {0x3f8, 0x3ff}};
    for (unsigned int i = 0; i < ARRAY_SIZE(kept); i++)
        rc = rc ?: rangeset_remove(&d->ioport_caps, kept[i][0], kept[i][1]);
    rc = rc ?: rangeset_add(&d->irq_caps, 0, d->nr_pirqs ? d->nr_pirqs - 1 : 255);
    if (rc)
        panic("Cannot give Domain 0 its rights: %d", rc);
}

static unsigned int __init dom0_vcpus(void)
{
    unsigned int n = cpumask_weight(cpu_online_map);

    if (opt_dom0_max_vcpus[0]) {
        const char *end;
        uint64_t max = hv_strtoull(opt_dom0_max_vcpus, &end, 0);
        if (*end == '-') /* MIN-MAX */
            max = hv_strtoull(end + 1, &end, 0);
        if (!max || *end)
            panic("dom0_max_vcpus=%s: expected a number or MIN-MAX", opt_dom0_max_vcpus);
        n = (unsigned int)MIN(max, (uint64_t)MAX_VCPUS);
    }
    return n;
}

static void __init create_domain(struct builder *b)
{
    struct xen_domctl_createdomain config = {
        .max_vcpus = dom0_vcpus(),
        .max_evtchn_port = -1,
        .max_grant_frames = 64,
        .max_maptrack_frames = 1024,
        .grant_opts = 1,
    };
    int rc = domain_create(0, &config, true, &b->d);

    for (unsigned int i = 0; !rc && i < config.max_vcpus; i++)
        rc = vcpu_create(b->d, i);
    if (rc)
        panic("Cannot create Domain 0: %d", rc);
    b->v = b->d->vcpu[0];
    dom0 = b->d;
}

void __init dom0_build(void)
{
    static struct builder b __initdata;
    void *elf;
    size_t elf_len;

    if (!boot_info.nr_modules)
        panic("No kernel for Domain 0: load one as the first module (module2 in GRUB, -initrd in "
              "QEMU)");
    if (kernel_unpack(maddr_to_virt(boot_info.module[0].start), boot_info.module[0].size, &elf,
                      &elf_len) ||
        elf_parse(&b.kernel, elf, elf_len))
        panic("The first boot module is no kernel for Domain 0; see the message above");

    create_domain(&b);
    allocate_memory(&b);
    lay_out(&b);
    elf_load(&b.kernel, load_segment, &b);
    fill_hypercall_page(&b);
    kernel_unpack_free(elf, elf_len);
    if (b.initrd_len)
        put_bytes(&b, b.initrd_pfn << PAGE_SHIFT, maddr_to_virt(boot_info.module[1].start),
                  b.initrd_len, b.initrd_pages << PAGE_SHIFT);
    write_p2m(&b);
    build_tables(&b);
    fill_start_info(&b);
    fill_registers(&b);
    give_rights(b.d);
    wallclock_update(b.d);
    printk(LOG_INFO "Domain 0: %s, %lu MiB, %u vCPUs; entry %#lx, first mapping %#lx-%#lx\n",
           b.kernel.guest_os[0] ? b.kernel.guest_os : "kernel", (unsigned long)(b.nr_pages >> 8),
           b.d->max_vcpus, b.kernel.entry, b.kernel.virt_base,
           b.kernel.virt_base + (b.end_pfn << PAGE_SHIFT));
    hv_free(b.runs);
    for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
        const struct boot_module *m = &boot_info.module[i];
        if (m->start >= MB(1)) /* below, nothing is ever given to the allocator */
            frames_add_used(m->start, m->start + m->size);
    }

    time_refine();
    b.d->creation_finished = true;
    atomic_and(&b.v->pause_flags, ~VPF_DOWN);
    domain_unpause_by_tools(b.d);
}
