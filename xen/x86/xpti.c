/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page-table isolation from guests (XPTI), for CPUs with Meltdown (CVE-2017-5754): there, user code
 * can read whatever its page tables map, supervisor pages included. (Intel: "Rogue Data Cache Load",
 * IA32_ARCH_CAPABILITIES.RDCL_NO.)
 *
 * While such a guest runs, CR3 holds a bare root of this CPU: the entries of the guest's own L4, and
 * of the hypervisor's slots
 *
 *   256  the machine-to-phys table, which guests may read anyway
 *   260  the domain's GDT and LDT windows, where the CPU looks for descriptors
 *   and page by page: the text of entry.S, the SYSCALL stubs, the IDT, this CPU's stacks of NMI,
 *   #DF, #MC and #DB, and its entry page (x86/cpu.h: cpu_info and TSS).
 *
 * Entries go to the full tables, cpu_info.kernel_cr3, first of all; the exit takes care that the
 * bare root is up to date and loads it, last of all (xpti_* in x86/entry.S). Each CPU has two roots,
 * for the user and the kernel tables of a guest, so that a system call copies nothing.
 *
 * cpu_info.xpti_copied names the L4 that a root is a copy of. Whoever writes to an L4 sets it to 0 on
 * all CPUs afterwards (paging_root_changed); the exit then copies again. A guest that runs on an old
 * copy meanwhile is in the position of one with an old TLB entry: what it lacks, it faults on, and gets
 * (xpti_enter_pf); what is taken away, is gone once its CPU flushed its TLB, because that happens in
 * here. So the rule of mm/frame.h for reusing frames covers the copies, too.
 *
 * Translations of the hypervisor must not survive in the TLB: nothing is global while this is on.
 */
#include "x86/xpti.h"
#include "boot/cmdline.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "mm/audit.h"
#include "x86/cpu_setup.h"
#include "x86/paging.h"

#define MSR_ARCH_CAPABILITIES 0x10a
#define ARCH_CAPS_RDCL_NO     (1u << 0)
#define FEATURE_ARCH_CAPS     (1u << 29) /* CPUID 7, EDX */

extern char __entry_text_start[], __entry_text_end[], __stubs_start[];

void xpti_refresh(struct vcpu *v);

bool xpti_active;
static struct cpu_info *infos[MAX_CPUS];

/* ---- the option: xpti=LIST of default, BOOL, dom0=BOOL, domu=BOOL, as Xen's ------------------- */

static enum { AS_NEEDED, OFF, ON } opt_dom0, opt_domu;

static int parse_word(const char *word)
{
    bool v, dom0_only = !strncmp(word, "dom0=", 5), domu_only = !strncmp(word, "domu=", 5);

    if (!strcmp(word, "default")) {
        opt_dom0 = opt_domu = AS_NEEDED;
        return 0;
    }
    if (parse_bool(dom0_only || domu_only ? word + 5 : word, &v))
        return -EINVAL;
    if (!domu_only)
        opt_dom0 = v ? ON : OFF;
    if (!dom0_only)
        opt_domu = v ? ON : OFF;
    return 0;
}

static int parse_xpti(const char *value)
{
    char word[16];
    int rc = 0;

    for (;;) {
        size_t n = 0;
        while (value[n] && value[n] != ',')
            n++;
        if (n >= sizeof(word))
            return -EINVAL;
        memcpy(word, value, n);
        word[n] = 0;
        rc = parse_word(word) ?: rc;
        if (!value[n])
            return rc;
        value += n + 1;
    }
}
OPT_FN("xpti", parse_xpti);

static bool __init has_meltdown(void)
{
    uint64_t caps = 0;

    if (!strcmp(cpu_caps.vendor, "AuthenticAMD") || !strcmp(cpu_caps.vendor, "HygonGenuine"))
        return false;
    if (cpuid(0).a >= 7 && (cpuid_count(7, 0).d & FEATURE_ARCH_CAPS) &&
        rdmsr_safe(MSR_ARCH_CAPABILITIES, &caps))
        caps = 0;
    return !(caps & ARCH_CAPS_RDCL_NO);
}

void __init xpti_init(void)
{
    bool needed = has_meltdown();

    if (opt_dom0 == AS_NEEDED)
        opt_dom0 = needed ? ON : OFF;
    if (opt_domu == AS_NEEDED)
        opt_domu = needed ? ON : OFF;
    xpti_active = opt_dom0 == ON || opt_domu == ON;
    if (needed || xpti_active)
        printk(LOG_INFO "XPTI: Domain 0 %s, other domains %s%s\n", opt_dom0 == ON ? "on" : "off",
               opt_domu == ON ? "on" : "off",
               needed && (opt_dom0 == OFF || opt_domu == OFF) ? "; this CPU has Meltdown" : "");
}

bool xpti_for(const struct domain *d)
{
    return (d->privileged ? opt_dom0 : opt_domu) == ON;
}

/* ---- the tables of a CPU ------------------------------------------------------------------- */

/* Map the page of the hypervisor that is at va at the same place below this root. */
static int map_page(pte_t *root, const char *va, uint64_t flags)
{
    const unsigned int index[] = {L4_INDEX(va), L3_INDEX(va), L2_INDEX(va)};
    pte_t *table = root;

    for (unsigned int i = 0; i < ARRAY_SIZE(index); i++) {
        pte_t *e = &table[index[i]];
        if (!(*e & PTE_PRESENT)) {
            void *p = page_zalloc();
            if (!p)
                return -ENOMEM;
            *e = virt_to_maddr(p) | PTE_PRESENT | PTE_RW | PTE_ACCESSED;
        }
        table = mfn_to_virt(pte_mfn(*e));
    }
    table[L1_INDEX(va)] = virt_to_maddr(va) | PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | flags;
    return 0;
}

static const char *idt_address(void)
{
    struct {
        uint16_t limit;
        const char *base;
    } __packed idtr;

    __asm__("sidt %0" : "=m"(idtr));
    return idtr.base;
}

static int map_entry(pte_t *root, const char *stack)
{
    uint64_t nx = cpu_caps.nx ? PTE_NX : 0;
    int rc = 0;

    for (const char *p = __entry_text_start; p < __entry_text_end && !rc; p += PAGE_SIZE)
        rc = map_page(root, p, 0);
    rc = rc ?: map_page(root, __stubs_start, 0);
    rc = rc ?: map_page(root, idt_address(), nx);
    for (unsigned int i = 0; i < 4 && !rc; i++) /* of NMI, #DF, #MC, #DB */
        rc = map_page(root, stack + STACK_SPECIAL(i) * PAGE_SIZE, nx | PTE_RW);
    return rc ?: map_page(root, stack + STACK_SIZE - PAGE_SIZE, nx | PTE_RW);
}

/* A host without the few pages that fail here does not come up; what was taken is not given back. */
int xpti_init_cpu(struct cpu_info *ci)
{
    const char *stack = (const char *)((uint64_t)ci & ~(STACK_SIZE - 1));
    struct frame *f;
    pte_t *user, *kernel;
    int rc;

    if (!xpti_active)
        return 0;
    f = frames_alloc(1, 0); /* two, aligned to both: entry.S tells them by the address */
    if (!f)
        return -ENOMEM;
    user = frame_to_virt(f);
    kernel = user + 512;
    memset(user, 0, 2 * PAGE_SIZE);
    rc = map_entry(user, stack);
    if (rc)
        return rc;
    user[L4_INDEX(RO_M2P_START)] = idle_l4[L4_INDEX(RO_M2P_START)];
    memcpy(kernel, user, PAGE_SIZE);
    ci->xpti_root = virt_to_maddr(user);
    infos[ci->cpu] = ci;
    return 0;
}

/* ---- copies of guests' roots ----------------------------------------------------------------- */

/* Called by entry.S, interrupts off: v is current and about to run on pv.cr3. */
void xpti_refresh(struct vcpu *v)
{
    struct cpu_info *ci = cpu_info();
    unsigned int which = v->pv.in_kernel;
    const pte_t *from = maddr_to_virt(v->pv.cr3);
    pte_t *to = (pte_t *)maddr_to_virt(ci->xpti_root) + which * 512;

    /* First the name: who changes an entry after we have read it must see it, to take it away. */
    WRITE_ONCE(ci->xpti_copied[which], v->pv.cr3);
    smp_mb();
    /* The guest's slots and, of ours, the domain's. (Entries are copied whole: eight bytes at a step, at least.) */
    memcpy(to, from, HV_FIRST_SLOT * sizeof(pte_t));
    memcpy(&to[HV_LAST_SLOT + 1], &from[HV_LAST_SLOT + 1], (511 - HV_LAST_SLOT) * sizeof(pte_t));
    to[PERDOMAIN_SLOT] = from[PERDOMAIN_SLOT];
}

void paging_root_changed(const pte_t *l4)
{
    uint64_t root = virt_to_maddr(l4);

    if (likely(!xpti_active))
        return;
    smp_mb(); /* the entry before the looks: see xpti_refresh() */
    for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
        struct cpu_info *ci = infos[cpu];
        for (unsigned int i = 0; ci && i < 2; i++)
            if (READ_ONCE(ci->xpti_copied[i]) == root)
                WRITE_ONCE(ci->xpti_copied[i], 0);
    }
    smp_mb(); /* the marks before the stamps of what is let go: see mm/frame.h */
}

/* ---- the audit: the copies -------------------------------------------------------------------- */

static bool slot_is_copied(unsigned int slot)
{
    return slot < HV_FIRST_SLOT || slot > HV_LAST_SLOT || slot == PERDOMAIN_SLOT;
}

static void audit_copy(struct audit *a, unsigned int cpu, unsigned int which)
{
    uint64_t root = READ_ONCE(infos[cpu]->xpti_copied[which]);
    const pte_t *copy = (pte_t *)maddr_to_virt(infos[cpu]->xpti_root) + which * 512;
    const struct frame *f;

    /* What it was a copy of may be gone, or be something else by now; nobody runs on it then. */
    if (!root || !AUDIT(a, root >> PAGE_SHIFT < max_mfn, "CPU %u copied root %#lx", cpu, root))
        return;
    f = &frame_table[root >> PAGE_SHIFT];
    if (!(f->info & FI_VALIDATED) || (f->info & FI_TYPE) >> FI_TYPE_SHIFT != FRAME_L4)
        return;
    for (unsigned int i = 0; i < 512; i++) {
        /* The CPU marks the copy as accessed, not the original. */
        pte_t entry = ((const pte_t *)frame_to_virt(f))[i];
        AUDIT(a, !slot_is_copied(i) || !((entry ^ copy[i]) & ~PTE_ACCESSED),
              "CPU %u has %#lx in slot %u of its copy of root %#lx, which has %#lx", cpu, copy[i],
              i, root, entry);
    }
}

void xpti_audit(struct audit *a)
{
    unsigned int cpu;

    if (!xpti_active)
        return;
    cpumask_for_each(cpu, a->cpus) for (unsigned int which = 0; infos[cpu] && which < 2; which++)
        audit_copy(a, cpu, which);
}
