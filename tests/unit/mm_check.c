/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checker: what counts ought to be, from first principles. */
#include "mm_check.h"
#include "hypercalls/hypercall.h"

#define OWNER_FREE_HEAD 0xfffe /* as alloc.c marks free blocks */

struct counts {
    uint32_t refs, types; /* each type reference is a reference, too */
    uint32_t as[8];       /* uses by kind */
};
static struct counts *expect, *held;

static void count(struct counts *c, enum frame_type kind)
{
    c->refs++;
    if (kind != FRAME_NONE) {
        c->types++;
        c->as[kind]++;
    }
}

static struct counts *held_of(const struct frame *f)
{
    if (!held)
        held = calloc(max_mfn, sizeof(*held));
    return &held[f - frame_table];
}
void mm_hold(struct frame *f, enum frame_type kind)
{
    count(held_of(f), kind);
}
void mm_unhold(struct frame *f, enum frame_type kind)
{
    struct counts *c = held_of(f);

    c->refs--;
    if (kind != FRAME_NONE) {
        c->types--;
        c->as[kind]--;
    }
}

#define CHECK_FRAME(f, c)                                                                     \
    do {                                                                                      \
        if (!(c))                                                                             \
            unit_fail(__FILE__, __LINE__, "frame %#lx info %#lx owner %u validated %u: %s",   \
                      (unsigned long)((f)-frame_table), (unsigned long)(f)->info, (f)->owner, \
                      (f)->validated, #c);                                                    \
    } while (0)

static bool is_table(uint64_t x)
{
    uint64_t t = (x & FI_TYPE) >> FI_TYPE_SHIFT;
    return (x & FI_ALLOCATED || x & FI_REF_MASK) && (x & FI_TCOUNT) && t >= FRAME_L1 &&
           t <= FRAME_L4;
}

/* Entries of a table that hold references now. */
static unsigned int entries_in_effect(const struct frame *f)
{
    if (f->info & FI_VALIDATED)
        return 512;
    return f->info & (FI_PARTIAL | FI_TEARDOWN) ? f->validated : 0;
}

static void count_entry(struct frame *table, enum frame_type level, pte_t e)
{
    uint64_t m = (e & PTE_ADDR) >> PAGE_SHIFT;

    if (level > FRAME_L1) {
        CHECK_FRAME(table, m < max_mfn);
        struct frame *child = &frame_table[m];
        count(&expect[m], (enum frame_type)(level - 1));
        if (!(table->info & FI_TEARDOWN)) {
            CHECK_FRAME(child, child->info & FI_VALIDATED);
            CHECK_FRAME(child, child->owner == table->owner);
        }
        return;
    }
    if (e & PTE_GRANT || m >= max_mfn || !(frame_table[m].info & FI_RAM))
        return;
    /* What can be reached belongs to somebody: a free frame never. */
    CHECK_FRAME(&frame_table[m],
                frame_table[m].owner < HOST_MAX_DOMAINS || frame_table[m].owner == DOMID_XEN);
    count(&expect[m], e & PTE_RW ? FRAME_WRITABLE : FRAME_NONE);
}

static void count_table(struct frame *f)
{
    enum frame_type level = frame_type(f);
    pte_t *table = entries_of(f);

    for (unsigned int i = 0, n = entries_in_effect(f); i < n; i++)
        if ((table[i] & PTE_PRESENT) &&
            (level != FRAME_L4 || i < HV_FIRST_SLOT || i > HV_LAST_SLOT))
            count_entry(f, level, table[i]);
}

static void check_frame(const struct frame *f)
{
    const struct counts *e = &expect[f - frame_table];
    uint64_t x = f->info, type = (x & FI_TYPE) >> FI_TYPE_SHIFT;

    if (f->owner == FRAME_NO_OWNER || f->owner == OWNER_FREE_HEAD) {
        CHECK_FRAME(f, e->refs == 0);
        return;
    }
    CHECK_FRAME(f, (x & FI_REF_MASK) == e->refs);
    CHECK_FRAME(f, (x & FI_TCOUNT) >> 32 == e->types);
    CHECK_FRAME(f, e->refs > 0); /* nobody's, but not free */
    for (unsigned int t = FRAME_L1; t < 8; t++)
        CHECK_FRAME(f, !e->as[t] || type == t);
    if (x & (FI_PARTIAL | FI_TEARDOWN | FI_PINNED))
        CHECK_FRAME(f, is_table(x));
    CHECK_FRAME(f, !(x & FI_PARTIAL) || !(x & (FI_VALIDATED | FI_TEARDOWN)));
    CHECK_FRAME(f, !(x & FI_TEARDOWN) || !(x & (FI_VALIDATED | FI_PINNED)));
}

static void check_domain(struct domain *d)
{
    uint64_t listed = 0, owned = 0, queued = 0, marked = 0;
    uint32_t prev = FRAME_LINK_END;

    for (uint32_t i = d->frames_head; i != FRAME_LINK_END; i = frame_table[i].next) {
        struct frame *f = &frame_table[i];
        CHECK_FRAME(f, f->prev == prev && f->owner == d->id && !(f->info & FI_XENHEAP));
        prev = i;
        EXPECT(++listed <= max_mfn);
    }
    for (uint32_t i = d->pt_teardown; i != FRAME_LINK_END; i = frame_table[i].stamp) {
        CHECK_FRAME(&frame_table[i], frame_table[i].info & FI_TEARDOWN);
        EXPECT(++queued <= max_mfn);
    }
    for (uint64_t m = 0; m < max_mfn; m++) {
        const struct frame *f = &frame_table[m];
        if (f->owner != d->id || f->info & FI_XENHEAP)
            continue;
        owned++;
        marked += !!(f->info & FI_TEARDOWN);
    }
    EXPECT_EQ(listed, d->tot_pages);
    EXPECT_EQ(owned, d->tot_pages);
    EXPECT_EQ(queued, marked);
}

/* Free blocks and single loose frames: those with no owner, less what the hypervisor has. */
static void check_free(void)
{
    uint64_t blocks = 0;

    for (uint64_t m = 0; m < max_mfn; m++)
        if (frame_table[m].owner == OWNER_FREE_HEAD)
            blocks += 1ull << frame_table[m].validated;
    EXPECT(blocks <= frames_free_count());
}

void mm_check(struct domain *const *domains, unsigned int n)
{
    free(expect);
    expect = calloc(max_mfn, sizeof(*expect));
    for (uint64_t m = 0; m < max_mfn; m++) {
        struct frame *f = &frame_table[m];
        uint64_t x = f->info;
        struct counts *e = &expect[m];
        if (held) {
            e->refs += held[m].refs;
            e->types += held[m].types;
            for (unsigned int t = 0; t < 8; t++)
                e->as[t] += held[m].as[t];
        }
        if (f->owner == FRAME_NO_OWNER || f->owner == OWNER_FREE_HEAD)
            continue;
        if (x & FI_ALLOCATED)
            e->refs++;
        if (is_table(x)) {
            count_table(f);
            for (uint64_t flag = x & (FI_PINNED | FI_PARTIAL | FI_TEARDOWN); flag; flag &= flag - 1)
                count(e, frame_type(f));
        }
    }
    for (uint64_t m = 0; m < max_mfn; m++)
        check_frame(&frame_table[m]);
    for (unsigned int i = 0; i < n; i++)
        check_domain(domains[i]);
    check_free();
}

/* ---- what hypercalls do around the primitives ---------------------------------------------- */

int mm_drain(struct domain *d)
{
    int rc;

    do
        rc = pt_drain(d);
    while (rc == -ERESTART);
    return rc;
}

int mm_pin(struct frame *f, struct domain *d, enum frame_type level)
{
    int rc;

    do {
        rc = frame_pin(f, d, level);
        if (rc == -EAGAIN)
            EXPECT_EQ(mm_drain(d), 0);
    } while (rc == -EAGAIN || rc == -ERESTART);
    return rc;
}

int mm_unpin(struct frame *f, struct domain *d)
{
    int rc = frame_unpin(f, d);

    if (!rc)
        rc = mm_drain(d);
    return rc;
}

void mm_relinquish(struct domain *d)
{
    d->dying = DOMAIN_DYING;
    for (;;) {
        EXPECT_EQ(mm_drain(d), 0);
        uint32_t i = d->frames_head;
        while (i != FRAME_LINK_END && !(frame_table[i].info & FI_ALLOCATED))
            i = frame_table[i].next;
        if (i == FRAME_LINK_END)
            break;
        struct frame *f = &frame_table[i];
        if (f->info & FI_PINNED) {
            EXPECT_EQ(frame_unpin(f, d), 0);
        } else if (f->info & FI_PARTIAL) {
            atomic_and(&f->info, ~FI_PARTIAL);
            frame_put_type(f, d);
        } else {
            EXPECT(dom_frame_free(f, d));
        }
    }
}
