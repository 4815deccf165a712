/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page-table types: validation of tables, writes to single entries, and taking tables apart.
 * The rules are in mm/frame.h. Everything here runs under pt_lock of the domain that owns the
 * tables; nothing here touches a guest pointer.
 */
#include "mm/internal.h"
#include "domain/domain.h"
#include "hypercalls/hypercall.h"
#include "lib/lib.h"
#include "x86/tlb.h"
#include "x86/paging.h"

/* Bits that a guest may not set: superpage and global, our grant mark, reserved address bits. */
#define TABLE_DISALLOW (PTE_PSE | PTE_GLOBAL | PTE_PWT | PTE_PCD | (PTE_ADDR & ~paddr_mask))
#define L1_DISALLOW    (PTE_GLOBAL | PTE_GRANT | (PTE_ADDR & ~paddr_mask))

/*
 * How memory is cached is for domains with devices to choose. A guest that writes to a frame past the
 * caches could show our checks, which read it through them, other contents than the page-table walker.
 */
#define L1_CACHING (PTE_PWT | PTE_PCD | PTE_PAT)

/* An L1 entry with none of these, that names a valid frame, has no bit that L1_DISALLOW or L1_CACHING mean: the
 * frame's number is too small for reserved bits. */
#define L1_UNCOMMON (PTE_GLOBAL | PTE_GRANT | L1_CACHING)

static bool may_choose_caching(const struct domain *d)
{
    return READ_ONCE(d->iomem_caps.count) || READ_ONCE(d->ioport_caps.count);
}

static bool slot_is_guests(enum frame_type level, unsigned int i)
{
    return level != FRAME_L4 || i < HV_FIRST_SLOT || i > HV_LAST_SLOT;
}

static inline __attribute__((always_inline)) bool l1e_get_frame(pte_t *e, struct domain *pg_owner,
                                                                mfn_t m)
{
    struct frame *f = &frame_table[index_nospec(mfn_x(m), max_mfn)];

    if (unlikely(!(*e & PTE_RW ? frame_get_writable_inline(f, pg_owner)
                               : frame_get_inline(f, pg_owner))))
        return false;
    *e |= PTE_USER; /* the guest's kernel runs in ring 3 */
    return true;
}

/* Not an entry or frame as they mostly are: device memory that it may map, or a refusal. */
static int l1e_get_other(pte_t *e, struct domain *d, struct domain *pg_owner, mfn_t m)
{
    if (*e & PTE_GRANT)
        return -EINVAL;
    if (*e & PTE_ADDR & ~paddr_mask) /* all ones: made of "no frame" */
        return (*e & PTE_ADDR) == PTE_ADDR ? -EINVAL : -EPERM;
    if (*e & PTE_GLOBAL) { /* a wish that is not granted: its translation would outlive flushes */
        *e &= ~PTE_GLOBAL;
        return l1e_get(e, d, pg_owner);
    }
    if (*e & L1_CACHING) {
        if (!may_choose_caching(d))
            return -EINVAL;
        if (mfn_valid(m) && l1e_get_frame(e, pg_owner, m))
            return 0;
    }
    uint64_t x = mfn_valid(m) ? READ_ONCE(mfn_to_frame(m)->info) : 0;
    if (!(x & FI_RAM)) {
        if (!rangeset_contains(&d->iomem_caps, mfn_x(m), mfn_x(m)))
            return -EPERM;
        *e |= PTE_USER;
        return 0;
    }
    return -EBUSY; /* not its own, or not to be written now */
}

/* The entry is present. */
static inline __attribute__((always_inline)) int l1e_get_present(pte_t *e, struct domain *d,
                                                                 struct domain *pg_owner)
{
    mfn_t m = pte_mfn(*e);

    if (likely(!(*e & L1_UNCOMMON) && mfn_valid(m) && l1e_get_frame(e, pg_owner, m)))
        return 0;
    return l1e_get_other(e, d, pg_owner, m);
}

int l1e_get(pte_t *e, struct domain *d, struct domain *pg_owner)
{
    return *e & PTE_PRESENT ? l1e_get_present(e, d, pg_owner) : 0;
}

/* The entry is present and no grant mapping. */
static inline __attribute__((always_inline)) void l1e_put_present(pte_t e)
{
    mfn_t m = pte_mfn(e);

    if (unlikely(!mfn_valid(m)))
        return;
    struct frame *f = mfn_to_frame(m);
    if (unlikely(!(READ_ONCE(f->info) & FI_RAM)))
        return;
    if (e & PTE_RW)
        frame_put_writable_inline(f);
    else
        frame_put_inline(f);
}

void l1e_put(pte_t e)
{
    if ((e & (PTE_PRESENT | PTE_GRANT)) == PTE_PRESENT)
        l1e_put_present(e);
}

/* An L2, L3 or L4 entry: its table gets the type of the level below. */
static int table_entry_get(pte_t *e, struct domain *d, enum frame_type level)
{
    mfn_t m = pte_mfn(*e);

    if (!(*e & PTE_PRESENT))
        return 0;
    if (unlikely(*e & TABLE_DISALLOW) || unlikely(!mfn_valid(m)))
        return -EINVAL;
    int rc = frame_get_type(&frame_table[index_nospec(mfn_x(m), max_mfn)], d,
                            (enum frame_type)(level - 1));
    if (!rc)
        *e |= PTE_USER;
    return rc;
}

/*
 * Code and data descriptors of ring 3 (the ABI forces DPL 3), and nothing with a gate or system
 * type. A descriptor that is not present may hold anything. (Intel SDM vol. 3 ch. 3.4.5.)
 */
bool descriptor_valid(uint64_t *desc)
{
    uint32_t hi = (uint32_t)(*desc >> 32);

    if (!(hi & (1u << 15))) /* not present */
        return true;
    if (!(hi & (1u << 12))) /* system segment: only the null-like type 0 is harmless */
        return !(hi & 0xf00);
    if (((hi >> 13) & 3) != 3) {
        hi |= 3u << 13; /* kernel segments of the guest run in ring 3 */
        *desc = (uint64_t)hi << 32 | (uint32_t)*desc;
    }
    if ((hi & (1u << 21)) && (hi & (1u << 22)) && (hi & (1u << 11)))
        return false; /* L and D both set: reserved */
    return true;
}

static int validate_descriptors(struct frame *f)
{
    uint64_t *desc = frame_to_virt(f);

    for (unsigned int i = 0; i < 512; i++) {
        uint64_t v = desc[i];
        if (!descriptor_valid(&v))
            return -EINVAL;
        desc[i] = v;
    }
    return 0;
}

/* Put f on the teardown queue; it keeps the references that its last user had. */
static void queue_teardown(struct frame *f, struct domain *d)
{
    atomic_and(&f->info, ~(FI_VALIDATED | FI_PARTIAL));
    atomic_or(&f->info, FI_TEARDOWN);
    f->stamp = d->pt_teardown;
    d->pt_teardown = (uint32_t)mfn_x(frame_to_mfn(f));
}

/* Tables are mostly empty: they are looked through by the cache line. */
#define LINE 8

static inline bool line_empty(const pte_t *e)
{
    return !((e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & PTE_PRESENT);
}

/* All of an L1 at once: *i is the entry that was refused. */
static int validate_l1(pte_t *table, struct domain *d, unsigned int *i)
{
    for (unsigned int line = 0; line < 512; line += LINE) {
        if (line_empty(&table[line]))
            continue;
        for (unsigned int k = line; k < line + LINE; k++) {
            pte_t e = table[k];
            if (!(e & PTE_PRESENT))
                continue;
            int rc = l1e_get_present(&e, d, d);
            if (unlikely(rc)) {
                *i = k;
                return rc;
            }
            table[k] = e;
        }
    }
    *i = 512;
    return 0;
}

/* The tables below, from entry *i on; *i: where it stopped. */
static int validate_upper(pte_t *table, struct domain *d, enum frame_type level, unsigned int *i)
{
    unsigned int done = 0;

    for (unsigned int k = *i; k < 512; k++) {
        pte_t e = table[k];
        if (!(e & PTE_PRESENT) || !slot_is_guests(level, k)) {
            if (k % LINE == 0 && line_empty(&table[k]))
                k += LINE - 1;
            continue;
        }
        /* At least one a call: whoever is always preempted gets on as well. */
        int rc = done++ && preempt_check() ? -ERESTART : table_entry_get(&e, d, level);
        if (rc) {
            *i = k;
            return rc;
        }
        table[k] = e;
    }
    *i = 512;
    return 0;
}

/* Check the entries from f->validated on, taking a reference for each. */
static int validate_table(struct frame *f, struct domain *d, enum frame_type level)
{
    pte_t *table = frame_to_virt(f);
    unsigned int i = f->validated;
    int rc = level == FRAME_L1 ? validate_l1(table, d, &i) : validate_upper(table, d, level, &i);

    f->validated = (uint16_t)i;
    if (!rc) {
        if (level == FRAME_L4)
            paging_install_hv_slots(table, d);
        atomic_or(&f->info, FI_VALIDATED);
        return 0;
    }
    if (rc == -ERESTART || rc == -EAGAIN)
        atomic_or(&f->info, FI_PARTIAL);
    else
        queue_teardown(f, d);
    return rc;
}

/* Drop the last type reference and a count reference. */
static void drop_last_type(struct frame *f)
{
    uint64_t x = READ_ONCE(f->info), y;

    f->stamp = tlb_stamp();
    do {
        y = (x - FI_REF_ONE - FI_TYPE_ONE) & ~(FI_VALIDATED | FI_TEARDOWN | FI_PARTIAL);
    } while (!atomic_cmpxchg(&f->info, &x, y));
    if (unlikely(!(y & FI_REF_MASK)))
        frame_release(f);
}

int frame_get_type(struct frame *f, struct domain *d, enum frame_type t)
{
    uint64_t x = READ_ONCE(f->info), y;

    for (;;) {
        if (unlikely(!(x & FI_ALLOCATED) || f->owner != d->id || (x & FI_XENHEAP)))
            return -EINVAL;
        if (x & FI_TCOUNT) {
            if (unlikely((x & FI_TYPE) != FI_TYPE_OF(t)))
                return -EINVAL;
            if (unlikely(x & FI_TEARDOWN))
                return -EAGAIN;
            if (unlikely((x & FI_REF_MASK) == FI_REF_MASK || (x & FI_TCOUNT) == FI_TCOUNT))
                return -EBUSY;
            /* PARTIAL: adopt the reference that the frame holds, and go on. */
            y = x & FI_PARTIAL ? x & ~FI_PARTIAL : x + FI_REF_ONE + FI_TYPE_ONE;
            if (unlikely(!(x & (FI_PARTIAL | FI_VALIDATED))))
                return -EINVAL; /* under validation right now: it contains itself */
        } else {
            y = (x & ~(FI_TYPE | FI_VALIDATED)) | FI_TYPE_OF(t);
            y += FI_REF_ONE + FI_TYPE_ONE;
        }
        if (likely(atomic_cmpxchg(&f->info, &x, y)))
            break;
    }
    /* As in frame_get(): freed, and somebody else's, between the look and the exchange? With a type
     * count it was d's all the time: types of its frames are given and taken under pt_lock. */
    if (unlikely(f->owner != d->id) && !(x & FI_TCOUNT)) {
        drop_last_type(f);
        return -EINVAL;
    }
    if (x & FI_VALIDATED && (x & FI_TCOUNT))
        return 0;

    if (!(x & FI_TCOUNT)) {
        /* Writers of its former life may have it in a TLB. */
        if ((x & FI_TYPE) != FI_TYPE_OF(t))
            frame_flush_stale(f, d);
        f->validated = 0;
    }
    if (t == FRAME_SEG) {
        int rc = validate_descriptors(f);
        if (rc)
            frame_put_type(f, d);
        else
            atomic_or(&f->info, FI_VALIDATED);
        return rc;
    }
    return validate_table(f, d, t);
}

void frame_put_type(struct frame *f, struct domain *d)
{
    uint64_t x = READ_ONCE(f->info);

    ASSERT_DEBUG(x & FI_TCOUNT);
    while ((x & FI_TCOUNT) > FI_TYPE_ONE) {
        /* Other type references remain, so a count reference remains as well. */
        if (atomic_cmpxchg(&f->info, &x, x - FI_TYPE_ONE - FI_REF_ONE))
            return;
    }
    if ((x & FI_TYPE) == FI_TYPE_OF(FRAME_SEG)) {
        drop_last_type(f);
        return;
    }
    if (x & FI_VALIDATED)
        f->validated = 512;
    queue_teardown(f, d);
}

/* Drop what entries 0..n-1 of a table refer to. Children whose last use that was go in front of the
 * queue; upper levels stop there (returns how many entries are left). */
static unsigned int drop_entries(pte_t *table, unsigned int n, enum frame_type level,
                                 struct domain *d)
{
    uint32_t first = d->pt_teardown;

    if (level == FRAME_L1) {
        for (unsigned int line = 0; line < n; line += LINE) {
            if (line_empty(&table[line]))
                continue;
            for (unsigned int k = line; k < MIN(line + LINE, n); k++)
                if ((table[k] & (PTE_PRESENT | PTE_GRANT)) == PTE_PRESENT)
                    l1e_put_present(table[k]);
        }
        return 0;
    }
    while (n > 0 && d->pt_teardown == first) {
        if (n % LINE == 0 && line_empty(&table[n - LINE])) {
            n -= LINE;
            continue;
        }
        pte_t e = table[--n];
        if ((e & PTE_PRESENT) && slot_is_guests(level, n))
            frame_put_type(mfn_to_frame(pte_mfn(e)), d);
    }
    return n;
}

int pt_drain(struct domain *d)
{
    unsigned int done = 0;

    while (d->pt_teardown != FRAME_LINK_END) {
        struct frame *f = &frame_table[d->pt_teardown];
        enum frame_type level = frame_type(f);
        pte_t *table = frame_to_virt(f);

        /* At least one table a call, so that a busy vCPU gets on as well. */
        if (done++ && preempt_check())
            return -ERESTART;
        f->validated = (uint16_t)drop_entries(table, f->validated, level, d);
        if (f->validated || d->pt_teardown != mfn_x(frame_to_mfn(f)))
            continue;
        if (level == FRAME_L4)
            memset(&table[HV_FIRST_SLOT], 0, (HV_LAST_SLOT - HV_FIRST_SLOT + 1) * sizeof(pte_t));
        d->pt_teardown = f->stamp;
        drop_last_type(f);
    }
    return 0;
}

int frame_pin(struct frame *f, struct domain *d, enum frame_type level)
{
    if (READ_ONCE(f->info) & FI_PINNED)
        return -EINVAL;
    int rc = frame_get_type(f, d, level);
    if (!rc)
        atomic_or(&f->info, FI_PINNED);
    return rc;
}

int frame_unpin(struct frame *f, struct domain *d)
{
    if (!(READ_ONCE(f->info) & FI_PINNED))
        return -EINVAL;
    atomic_and(&f->info, ~FI_PINNED);
    frame_put_type(f, d);
    return 0;
}

static inline void store_entry(pte_t *p, pte_t old, pte_t new_entry, bool keep_ad)
{
    if (unlikely(keep_ad)) {
        while (!atomic_cmpxchg(p, &old, new_entry | (old & (PTE_ACCESSED | PTE_DIRTY))))
            ;
    } else {
        WRITE_ONCE(*p, new_entry);
    }
}

int pt_write_l1(pte_t *p, pte_t new_entry, struct domain *d, struct domain *pg_owner, bool keep_ad)
{
    pte_t old = READ_ONCE(*p);

    /* Same frame, same access: no reference moves. (Nor is the old one a grant mapping.) */
    if ((new_entry & (PTE_PRESENT | L1_UNCOMMON)) == PTE_PRESENT &&
        !((new_entry ^ old) & (PTE_ADDR | PTE_RW | PTE_PRESENT | PTE_GRANT))) {
        store_entry(p, old, new_entry | PTE_USER, keep_ad);
        return 0;
    }
    if (new_entry & PTE_PRESENT) {
        int rc = l1e_get_present(&new_entry, d, pg_owner);
        if (unlikely(rc))
            return rc;
    }
    store_entry(p, old, new_entry, keep_ad);
    if ((old & (PTE_PRESENT | PTE_GRANT)) == PTE_PRESENT)
        l1e_put_present(old);
    return 0;
}

int pt_write_entry(struct frame *table, unsigned int index, pte_t new_entry, struct domain *d,
                   struct domain *pg_owner, bool keep_ad)
{
    enum frame_type level = frame_type(table);
    pte_t *p = (pte_t *)frame_to_virt(table) + index;
    pte_t old = READ_ONCE(*p);

    if (level == FRAME_L1)
        return pt_write_l1(p, new_entry, d, pg_owner, keep_ad);
    if (unlikely(!slot_is_guests(level, index)))
        return -EINVAL;
    bool same = (new_entry & old & PTE_PRESENT) && !((new_entry ^ old) & (PTE_ADDR | PTE_RW)) &&
                !(new_entry & TABLE_DISALLOW);
    if (same) {
        new_entry |= PTE_USER;
    } else {
        int rc = table_entry_get(&new_entry, d, level);
        if (unlikely(rc))
            return rc;
    }
    store_entry(p, old, new_entry, keep_ad);
    if (unlikely(level == FRAME_L4))
        paging_root_changed(frame_to_virt(table));
    if (!same && (old & PTE_PRESENT))
        frame_put_type(mfn_to_frame(pte_mfn(old)), d);
    return 0;
}

pte_t *pt_walk(struct frame *l4, uint64_t va, struct frame **table)
{
    unsigned int i4 = L4_INDEX(va);

    if (!slot_is_guests(FRAME_L4, i4))
        return NULL;
    pte_t e = ((pte_t *)frame_to_virt(l4))[i4];
    if (!(e & PTE_PRESENT))
        return NULL;
    e = ((pte_t *)mfn_to_virt(pte_mfn(e)))[L3_INDEX(va)];
    if (!(e & PTE_PRESENT))
        return NULL;
    e = ((pte_t *)mfn_to_virt(pte_mfn(e)))[L2_INDEX(va)];
    if (!(e & PTE_PRESENT))
        return NULL;
    if (table)
        *table = mfn_to_frame(pte_mfn(e));
    return (pte_t *)mfn_to_virt(pte_mfn(e)) + L1_INDEX(va);
}
