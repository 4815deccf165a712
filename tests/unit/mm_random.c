/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long random lives of a domain: it writes its memory, pins, unpins and changes tables, balloons,
 * exchanges, is preempted anywhere and sometimes does not come back; others hold references on its
 * frames. The checker looks after every step. At the end the domain dies and all must be free.
 */
#include "mm_check.h"
#include "hypercalls/mmu.h"
#include "mm/balloon.h"

#define FRAMES   48
#define FOREIGN  4
#define MAX_HELD 24

static struct domain *d, *other, *both[2];
static struct frame *frame[FRAMES], *foreign[FOREIGN];
static struct {
    struct frame *f;
    enum frame_type kind;
} holds[MAX_HELD];
static unsigned int nr_holds, steps_done[16], steps_ok[16];

/* What the frame at this place is mostly used for. */
static enum frame_type role(unsigned int i)
{
    if (i < 3)
        return FRAME_L4;
    if (i < 7)
        return FRAME_L3;
    if (i < 13)
        return FRAME_L2;
    return i < 24 ? FRAME_L1 : FRAME_NONE;
}

static unsigned int place(enum frame_type r)
{
    unsigned int i;

    do
        i = host_random(FRAMES);
    while (role(i) != r);
    return i;
}

/* An entry for a table of the level: mostly sensible. */
static pte_t entry(enum frame_type level)
{
    uint64_t flags = PTE_RO;
    struct frame *f;

    if (host_random(5) == 0)
        return 0;
    if (level <= FRAME_L1) {
        f = frame[host_random(4) ? place(FRAME_NONE) : host_random(FRAMES)];
        if (host_random(2))
            flags |= PTE_RW;
    } else {
        f = frame[host_random(20) ? place((enum frame_type)(level - 1)) : host_random(FRAMES)];
        flags |= PTE_RW;
    }
    switch (host_random(120)) {
    case 0: flags |= PTE_PSE; break;
    case 1: flags |= PTE_GLOBAL; break;
    case 2: flags |= PTE_GRANT; break;
    case 3: f = foreign[host_random(FOREIGN)]; break;
    case 4: return pte_make(mfn_make(max_mfn + host_random(3)), flags);
    case 5: return pte_make(mfn_make(host_random(0x300)), flags);
    case 6: return (uint64_t)host_random(~0u) << 32 | host_random(~0u);
    default: break;
    }
    return pte_to(f, flags);
}

static unsigned int slot(void)
{
    switch (host_random(16)) {
    case 0: return 511;
    case 1: return HV_FIRST_SLOT + host_random(16);
    default: return host_random(6);
    }
}

/* The guest writes its own memory through a writable mapping. */
static bool step_write(void)
{
    unsigned int i = host_random(FRAMES);
    struct frame *f = frame[i];

    if (!frame_get_writable(f, d))
        return false;
    for (unsigned int n = 1 + host_random(4); n; n--)
        entries_of(f)[slot()] = role(i) ? entry(role(i)) : 0;
    if (host_random(8) == 0)
        memset(entries_of(f), 0, PAGE_SIZE);
    frame_put_writable(f);
    return true;
}

static bool step_pin(void)
{
    unsigned int i = host_random(24);
    enum frame_type level = host_random(10) ? role(i) : (enum frame_type)(1 + host_random(4));
    int rc;

    do
        MMU_RETRY(d, rc, frame_pin(frame[i], d, level));
    while (rc == -ERESTART && host_random(3)); /* or the guest never comes back */
    return rc == 0;
}

static bool step_unpin(void)
{
    return frame_unpin(frame[host_random(24)], d) == 0;
}

/* As mmu_update does it: only on validated tables of the caller's own. */
static bool step_entry(void)
{
    struct frame *f = frame[host_random(24)];
    enum frame_type level = frame_type(f);
    int rc;

    if (!(f->info & FI_VALIDATED) || level < FRAME_L1 || level > FRAME_L4 || f->owner != d->id)
        return false;
    pte_t e = entry(level);
    unsigned int at = slot();
    do
        MMU_RETRY(d, rc, pt_write_entry(f, at, e, d, d, host_random(2)));
    while (rc == -ERESTART && host_random(3));
    return rc == 0;
}

static bool step_drain(void)
{
    return pt_drain(d) == 0;
}

static bool step_hold(void)
{
    static const enum frame_type kinds[] = {FRAME_NONE, FRAME_WRITABLE, FRAME_SEG, FRAME_L4,
                                            FRAME_L1};
    enum frame_type kind = kinds[host_random(5)];
    struct frame *f = frame[kind == FRAME_L4 ? host_random(3) : host_random(FRAMES)];
    bool ok;
    int rc;

    if (nr_holds == MAX_HELD)
        return false;
    if (kind == FRAME_NONE) {
        ok = frame_get(f, d);
    } else if (kind == FRAME_WRITABLE) {
        ok = frame_get_writable(f, d);
    } else {
        MMU_RETRY(d, rc, frame_get_type(f, d, kind));
        ok = rc == 0;
    }
    if (!ok)
        return false;
    mm_hold(f, kind);
    holds[nr_holds].f = f;
    holds[nr_holds++].kind = kind;
    return true;
}

static void let_go(unsigned int i)
{
    struct frame *f = holds[i].f;
    enum frame_type kind = holds[i].kind;

    holds[i] = holds[--nr_holds];
    mm_unhold(f, kind);
    if (kind == FRAME_NONE)
        frame_put(f);
    else if (kind == FRAME_WRITABLE)
        frame_put_writable(f);
    else
        frame_put_type(f, d);
}

static bool step_let_go(void)
{
    if (!nr_holds)
        return false;
    let_go(host_random(nr_holds));
    return true;
}

/* Balloon: some go, as many come. */
static bool step_balloon(void)
{
    uint64_t mfns[6];
    unsigned int n = 1 + host_random(5), at[6], gone;

    for (unsigned int i = 0; i < n; i++) {
        at[i] = host_random(FRAMES);
        mfns[i] = mfn_x(frame_to_mfn(frame[at[i]]));
    }
    if (host_random(10) == 0)
        mfns[host_random(n)] = host_random(2) ? ~0ull : mfn_x(frame_to_mfn(foreign[0]));
    gone = dom_frames_give(d, mfns, n);
    EXPECT(gone <= n);
    uint64_t fresh[6];
    EXPECT_EQ(dom_frames_take(d, gone, 0, fresh), gone);
    for (unsigned int i = 0; i < gone; i++)
        frame[at[i]] = mfn_to_frame(mfn_make(fresh[i]));
    return gone > 0;
}

static bool step_exchange(void)
{
    uint64_t in[2], out[2];
    unsigned int a = host_random(FRAMES), b = host_random(FRAMES);
    struct frame *block = frames_alloc(1, 0);

    EXPECT(block);
    out[0] = mfn_x(frame_to_mfn(block));
    out[1] = out[0] + 1;
    in[0] = mfn_x(frame_to_mfn(frame[a]));
    in[1] = mfn_x(frame_to_mfn(frame[b]));
    if (dom_frames_exchange(d, in, out, 2)) {
        frames_free(block, 1);
        return false;
    }
    EXPECT(a != b);
    frame[a] = block;
    frame[b] = block + 1;
    return true;
}

static bool step_steal(void)
{
    unsigned int i = host_random(FRAMES);

    if (!dom_frame_steal(frame[i], d))
        return false;
    EXPECT_EQ(dom_frame_assign(frame[i], d), 0);
    return true;
}

static bool step_scrub(void)
{
    return frames_scrub();
}

static bool (*const steps[])(void) = {
    step_write,   step_write,    step_write, step_write, step_pin,  step_pin,
    step_unpin,   step_entry,    step_entry, step_drain, step_hold, step_let_go,
    step_balloon, step_exchange, step_steal, step_scrub,
};

static void life(unsigned int length)
{
    uint64_t free_before = frames_free_count();

    d = host_domain(1, 400); /* some that it gave stay for as long as they are used */
    other = host_domain(2, 16);
    both[0] = d;
    both[1] = other;
    for (unsigned int i = 0; i < FRAMES; i++)
        frame[i] = dom_frames_alloc(d, 0, 0);
    for (unsigned int i = 0; i < FOREIGN; i++)
        foreign[i] = dom_frames_alloc(other, 0, 0);
    for (unsigned int i = 0; i < length; i++) {
        unsigned int s = host_random(ARRAY_SIZE(steps));
        steps_done[s]++;
        steps_ok[s] += steps[s]();
        /* Most calls leave with an empty queue; some are preempted there, too. */
        if (host_random(4))
            EXPECT(pt_drain(d) == 0 || host_preempt_odds);
        mm_check(both, 2);
    }
    while (nr_holds)
        let_go(0);
    mm_relinquish(d);
    mm_relinquish(other);
    mm_check(both, 2);
    EXPECT_EQ(d->tot_pages, 0);
    EXPECT_EQ(d->refs, 1);
    EXPECT_EQ(frames_free_count(), free_before);
}

void mm_random_test(void)
{
    host_start(0x200, 0);
    for (unsigned int seed = 1; seed <= 12; seed++) {
        host_seed = seed * 7919;
        host_preempt_odds = seed % 3 == 0 ? 0 : 20;
        life(1500);
    }
    /* A test that does nothing would pass: each kind of step must have succeeded often. */
    host_preempt_odds = 0;
    for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++)
        if (steps_ok[i] < 20)
            unit_fail(__FILE__, __LINE__, "step %u succeeded %u times of %u", i, steps_ok[i],
                      steps_done[i]);
}
