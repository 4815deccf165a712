/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the TLBs of the CPUs may hold, in the worst case: between two hypercalls each CPU that runs a
 * guest looks up everything that the tables in its CR3 say, and forgets nothing but what it is told
 * to: one page's translations and all intermediate tables by INVLPG, all by a CR3 load (Intel SDM vol.
 * 3 ch. 4.10.4). Hence translations that are not in the tables any more; they are harmless only as
 * long as their frame is nobody else's and nothing else.
 */
#include "explore.h"
#include "mm/audit.h"
#include "domain/grant_internal.h"

struct tlb_state tlb_state;
static char text[200];

#define WORDS 4 /* frames up to 256 */

static void add(uint64_t *set, uint64_t m)
{
    if (m < WORDS * 64)
        set[m / 64] |= 1ull << (m % 64);
}

static void flushed(uint64_t va)
{
    if (whole_cpu > 1)
        return;
    memset(tlb_state.tables[whole_cpu], 0, sizeof(tlb_state.tables[0]));
    if (!va)
        memset(tlb_state.windows[whole_cpu], 0, sizeof(tlb_state.windows[0]));
    else if (va >= PERDOMAIN_START && va < PERDOMAIN_START + MB(1))
        memset(tlb_state.windows[whole_cpu][(va - PERDOMAIN_START) / (32 * PAGE_SIZE) % 2], 0,
               sizeof(tlb_state.windows[0][0]));
    if (!va) {
        memset(tlb_state.ro[whole_cpu], 0, sizeof(tlb_state.ro[0]));
        memset(tlb_state.rw[whole_cpu], 0, sizeof(tlb_state.rw[0]));
    } else if (va >> PAGE_SHIFT < TLB_PAGES) {
        memset(tlb_state.ro[whole_cpu][va >> PAGE_SHIFT], 0, WORDS * 8);
        memset(tlb_state.rw[whole_cpu][va >> PAGE_SHIFT], 0, WORDS * 8);
    }
}

void tlb_start(void)
{
    whole_hooks.flush = flushed;
}

/* All that a walk from this table meets. Only the first entries of upper tables are in use. */
static void walk(unsigned int cpu, uint64_t table, unsigned int level, unsigned int page)
{
    const pte_t *e = mfn_to_virt(mfn_make(table));

    add(tlb_state.tables[cpu], table);
    for (unsigned int i = 0; i < (level == 1 ? TLB_PAGES : 2); i++) {
        uint64_t m = (e[i] & PTE_ADDR) >> PAGE_SHIFT;
        if (!(e[i] & PTE_PRESENT) || m >= max_mfn)
            continue;
        if (level > 1)
            walk(cpu, m, level - 1,
                 i ? ~0u : page); /* others are aliases: TLB_PAGES is all we follow */
        else if (page == 0)
            add(e[i] & PTE_RW ? tlb_state.rw[cpu][i] : tlb_state.ro[cpu][i], m);
        else
            add(e[i] & PTE_RW ? tlb_state.rw[cpu][TLB_PAGES - 1] : tlb_state.ro[cpu][TLB_PAGES - 1],
                m);
    }
}

void tlb_fill(void)
{
    for (unsigned int cpu = 0; cpu < 2; cpu++) {
        const struct vcpu *v = whole_cpu_info[cpu].vcpu;
        if (v->domain->is_idle)
            continue;
        walk(cpu, whole_cpu_info[cpu].cr3 >> PAGE_SHIFT, 4, 0);
        for (unsigned int w = 0; w < 2; w++) {
            pte_t e = v->domain->pv.gdt_ldt_l1[v->id][w * 32];
            uint64_t m = (e & PTE_ADDR) >> PAGE_SHIFT;
            if ((e & PTE_PRESENT) && m >= WHOLE_FIRST_MFN)
                add(tlb_state.windows[cpu][w], m);
        }
    }
}

/* Whether somebody granted the frame to d, which still has it mapped. */
static bool is_borrowed(const struct domain *d, uint64_t m, bool write)
{
    const struct grant_table *gt = d->grant_table;

    for (uint32_t h = 0; gt && h < gt->nr_maptrack; h++) {
        const struct maptrack *t = &gt->maptrack[h / MAPTRACK_PER_PAGE][h % MAPTRACK_PER_PAGE];
        if (t->lender && t->mfn == m && (!write || !(t->state & GNTMAP_readonly)))
            return true;
    }
    return false;
}

/* A free frame, that is one that nobody has: it may be in TLBs until somebody gets it. */
static bool is_free(const struct frame *f)
{
    return !audit_owned(f) && (f->info & FI_DIRTY);
}
static bool is_writable(uint64_t x)
{
    return (x & FI_TCOUNT) && (x & FI_TYPE) == FI_TYPE_OF(FRAME_WRITABLE);
}
static bool is_special(uint64_t x)
{
    return (x & FI_TCOUNT) && !is_writable(x);
}

static bool may_be_cached(const struct domain *d, uint64_t m, bool write)
{
    const struct frame *f = &frame_table[m];

    if (is_free(f))
        return true;
    if (!audit_owned(f))
        return false;
    if (write && is_special(f->info))
        return false;
    if (f->owner == d->id || is_borrowed(d, m, write) || d->privileged)
        return true;
    const struct domain *owner = audit_domain(f->owner);
    return owner && d->target == owner->generation;
}

static const char *check_set(unsigned int cpu, const uint64_t *set, bool write)
{
    const struct domain *d = whole_cpu_info[cpu].vcpu->domain;

    for (unsigned int w = 0; w < WORDS; w++) {
        for (uint64_t bits = set[w]; bits; bits &= bits - 1) {
            uint64_t m = w * 64 + (uint64_t)__builtin_ctzll(bits);
            if (may_be_cached(d, m, write))
                continue;
            snprintf(
                text, sizeof(text),
                "tlb: CPU %u, which runs d%u, may hold a %s translation to frame %#lx, owner %u, "
                "info %#lx",
                cpu, d->id, write ? "writable" : "read-only", m, frame_table[m].owner,
                frame_table[m].info);
            return text;
        }
    }
    return NULL;
}

/* Frames that the CPU itself believes: they must not be what the guest writes. */
static const char *check_trusted(unsigned int cpu, const uint64_t *set, const char *what)
{
    const struct domain *d = whole_cpu_info[cpu].vcpu->domain;

    for (unsigned int w = 0; w < WORDS; w++) {
        for (uint64_t bits = set[w]; bits; bits &= bits - 1) {
            uint64_t m = w * 64 + (uint64_t)__builtin_ctzll(bits);
            const struct frame *f = &frame_table[m];
            if (is_free(f) || (audit_owned(f) && f->owner == d->id && !is_writable(f->info)))
                continue;
            snprintf(text, sizeof(text),
                     "tlb: CPU %u, which runs d%u, may %s frame %#lx, owner %u, info %#lx", cpu,
                     d->id, what, m, f->owner, f->info);
            return text;
        }
    }
    return NULL;
}

const char *tlb_check(void)
{
    const char *found = NULL;

    for (unsigned int cpu = 0; cpu < 2 && !found; cpu++) {
        if (whole_cpu_info[cpu].vcpu->domain->is_idle)
            continue;
        found = check_trusted(cpu, tlb_state.tables[cpu], "walk");
        for (unsigned int w = 0; w < 2 && !found; w++)
            found = check_trusted(cpu, tlb_state.windows[cpu][w], "load descriptors of");
        for (unsigned int i = 0; i < TLB_PAGES && !found; i++) {
            found = check_set(cpu, tlb_state.ro[cpu][i], false);
            found = found ?: check_set(cpu, tlb_state.rw[cpu][i], true);
        }
    }
    return found;
}
