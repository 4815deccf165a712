/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit (mm/audit.h) of tests of xen/mm, which hold references themselves; and helpers. */
#include "mm_check.h"
#include "hypercalls/hypercall.h"
#include "mm/audit.h"

static struct held {
    uint32_t by_kind[8];
} * held;
static char first[300];

static struct held *held_of(const struct frame *f)
{
    if (!held)
        held = calloc(max_mfn, sizeof(*held));
    return &held[f - frame_table];
}
void mm_hold(struct frame *f, enum frame_type kind)
{
    held_of(f)->by_kind[kind]++;
}
void mm_unhold(struct frame *f, enum frame_type kind)
{
    held_of(f)->by_kind[kind]--;
}

static void count_held(struct audit *a)
{
    for (uint64_t m = 0; held && m < max_mfn; m++)
        for (unsigned int kind = 0; kind < 8; kind++)
            for (uint32_t i = 0; i < held[m].by_kind[kind]; i++)
                audit_count(a, m, (enum frame_type)kind);
}

static void say(const char *fmt, ...) __printf(1, 2);
static void say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (!first[0])
        vsnprintf(first, sizeof(first), fmt, ap);
    va_end(ap);
}

void mm_check(struct domain *const *domains, unsigned int n)
{
    struct audit a = {.say = say, .others = count_held};

    domain_list = dom_xen;
    for (unsigned int i = 0; i < n; i++) {
        domains[i]->list_next = domain_list;
        domain_list = domains[i];
    }
    a.frame = malloc(audit_memory_size());
    if (!audit_run(&a))
        unit_fail(__FILE__, __LINE__, "%.*s", (int)strcspn(first, "\n"), first);
    free(a.frame);
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
