/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Free memory: a buddy allocator over all RAM, in two zones (below and above 4 GiB).
 *
 * Freed frames keep their contents until somebody else gets them (DIRTY, with the generation of
 * the last owner): a domain that balloons may have its own frame back as it was; anybody else gets
 * it scrubbed, and after every CPU that may hold a TLB entry of its former life has flushed.
 *
 * Scrubbing is for whoever has time: an idle CPU (frames_scrub()), or else he who wants the memory. So what needs no
 * scrubbing is taken first. In the list of an order clean blocks come before those with a dirty frame.
 */
#include "mm/alloc.h"
#include "mm/internal.h"
#include "lib/lib.h"
#include "x86/tlb.h"

/* In `validated` of a free block's first frame, beside the order: one of its frames may be DIRTY. */
#define BLOCK_DIRTY 0x100u

/* Chained through frame.next and prev. */
struct free_list {
    uint32_t head, tail;
};

struct spinlock frames_lock = SPINLOCK_INIT(LOCK_FRAMES);
uint64_t free_frames, claimed_frames;
static struct free_list free_list[ZONES][MAX_ORDER + 1] = {
    [0 ... ZONES - 1] = {[0 ... MAX_ORDER] = {FRAME_LINK_END, FRAME_LINK_END}}}; /* frames_lock */
static uint64_t dirty_blocks; /* frames_lock; also read without, as a hint */
/* frames_lock. Where scrubbing goes on in the block in which this is; what is before it there is clean. */
static uint64_t scrub_at;
#define SCRUB_PASS 512 /* clean frames that one step passes */
uint32_t loose_head[ZONES] = {FRAME_LINK_END, FRAME_LINK_END}, loose_count;

/* ---- lists of blocks; frames_lock held --------------------------------------------------------- */

unsigned int block_order(const struct frame *f)
{
    return f->validated & ~BLOCK_DIRTY;
}

bool block_dirty(const struct frame *f)
{
    return f->validated & BLOCK_DIRTY;
}

uint32_t free_list_head(unsigned int zone, unsigned int order)
{
    return free_list[zone][order].head;
}

static void list_push(uint64_t mfn, unsigned int order, bool dirty)
{
    struct free_list *l = &free_list[zone_of(mfn)][order];
    struct frame *f = &frame_table[mfn];

    f->owner = FRAME_FREE_HEAD;
    f->validated = (uint16_t)(order | (dirty ? BLOCK_DIRTY : 0));
    f->prev = dirty ? l->tail : FRAME_LINK_END;
    f->next = dirty ? FRAME_LINK_END : l->head;
    *(f->prev == FRAME_LINK_END ? &l->head : &frame_table[f->prev].next) = (uint32_t)mfn;
    *(f->next == FRAME_LINK_END ? &l->tail : &frame_table[f->next].prev) = (uint32_t)mfn;
    if (dirty) {
        dirty_blocks++;
        scrub_at = 0;
    }
}

/* Whether it was dirty. */
static bool list_remove(uint64_t mfn)
{
    struct frame *f = &frame_table[mfn];
    struct free_list *l = &free_list[zone_of(mfn)][block_order(f)];
    bool dirty = block_dirty(f);

    *(f->prev == FRAME_LINK_END ? &l->head : &frame_table[f->prev].next) = f->next;
    *(f->next == FRAME_LINK_END ? &l->tail : &frame_table[f->next].prev) = f->prev;
    f->owner = FRAME_NO_OWNER;
    dirty_blocks -= dirty;
    return dirty;
}

/* The buddy of a block, where it is free as a whole. */
static bool is_free_block(uint64_t mfn, unsigned int order)
{
    return mfn < max_mfn && frame_table[mfn].owner == FRAME_FREE_HEAD &&
           block_order(&frame_table[mfn]) == order;
}

/* Joins free buddies of one zone. */
void free_block(uint64_t mfn, unsigned int order)
{
    bool dirty = frame_table[mfn].info & FI_DIRTY;

    free_frames += 1ull << order;
    while (order < MAX_ORDER) {
        uint64_t buddy = mfn ^ (1ull << order);

        if (!is_free_block(buddy, order) || zone_of(buddy) != zone_of(mfn))
            break;
        dirty |= list_remove(buddy);
        mfn &= ~(1ull << order);
        order++;
    }
    list_push(mfn, order, dirty);
}

/* Joins the loose frames with their buddies. True if there were any. */
static bool join_loose(void)
{
    if (!loose_count)
        return false;
    free_frames -= loose_count;
    for (unsigned int z = 0; z < ZONES; z++)
        while (loose_head[z] != FRAME_LINK_END) {
            uint32_t m = loose_head[z];
            loose_head[z] = frame_table[m].next;
            free_block(m, 0);
        }
    loose_count = 0;
    return true;
}

/* A block of one list, clean or else dirty, that ends below the limit. */
static uint32_t find_block(const struct free_list *l, bool dirty, uint64_t size, uint64_t limit)
{
    uint32_t m = dirty ? l->tail : l->head;

    while (m != FRAME_LINK_END && block_dirty(&frame_table[m]) == dirty) {
        if (m + size <= limit)
            return m;
        m = dirty ? frame_table[m].prev : frame_table[m].next;
    }
    return FRAME_LINK_END;
}

static mfn_t take_joined_block(unsigned int order, uint64_t limit, bool dirty)
{
    for (int z = ZONES - 1; z >= 0; z--) {
        if (z == 1 && limit <= ZONE_BOUNDARY)
            continue;
        for (unsigned int o = order; o <= MAX_ORDER; o++) {
            uint32_t m = find_block(&free_list[z][o], dirty, 1ull << order, limit);

            if (m == FRAME_LINK_END)
                continue;
            list_remove(m);
            while (o > order) {
                o--;
                list_push(m + (1ull << o), o, dirty);
            }
            free_frames -= 1ull << order;
            return mfn_make(m);
        }
    }
    return INVALID_MFN;
}

mfn_t take_block(unsigned int order, unsigned int below_bits)
{
    uint64_t limit = below_bits ? (1ull << below_bits) >> PAGE_SHIFT : ~0ull;
    mfn_t m;

    do {
        m = take_joined_block(order, limit, false);
        if (mfn_eq(m, INVALID_MFN))
            m = take_joined_block(order, limit, true);
    } while (unlikely(mfn_eq(m, INVALID_MFN)) && join_loose());
    return m;
}

/* ---- scrubbing --------------------------------------------------------------------------------- */

/* CPUs that may have an entry of the frame's former life in their TLB. */
static cpumask_t may_remember(const struct frame *f)
{
    return tlb_need_flush(cpu_online_map, f->stamp);
}

void prepare_block(mfn_t m, unsigned int order, uint32_t generation)
{
    for (uint64_t i = 0; i < 1ull << order; i++) {
        struct frame *f = mfn_to_frame(mfn_add(m, i));
        if (f->info & FI_DIRTY && (!generation || f->info >> 32 != generation)) {
            cpumask_t need = may_remember(f);
            if (!cpumask_empty(need))
                tlb_flush_mask(need, 0);
            memset(frame_to_virt(f), 0, PAGE_SIZE);
        }
        f->info = FI_RAM;
        f->owner = FRAME_NO_OWNER;
    }
}

/* The dirty block that was freed last, of the largest order; frames_lock held. */
static uint32_t find_dirty(void)
{
    for (int o = MAX_ORDER; o >= 0; o--)
        for (unsigned int z = 0; z < ZONES; z++) {
            uint32_t m = free_list[z][o].tail;

            if (m != FRAME_LINK_END && block_dirty(&frame_table[m]))
                return m;
        }
    return FRAME_LINK_END;
}

/*
 * One step in the dirty block `first`: a frame is scrubbed, or some clean ones are passed; at its end the block is put
 * among the clean ones. frames_lock held. Not empty: these CPUs have to flush first, nothing was done.
 */
static cpumask_t scrub_step(uint32_t first)
{
    unsigned int order = block_order(&frame_table[first]);
    uint64_t end = first + (1ull << order);
    cpumask_t need = {0};

    if (scrub_at < first || scrub_at >= end)
        scrub_at = first;
    for (unsigned int n = 0; n < SCRUB_PASS && scrub_at < end; n++, scrub_at++) {
        struct frame *f = &frame_table[scrub_at];

        if (!(f->info & FI_DIRTY))
            continue;
        need = may_remember(f);
        if (!cpumask_empty(need))
            return need;
        memset(frame_to_virt(f), 0, PAGE_SIZE);
        f->info = FI_RAM;
        n = SCRUB_PASS;
    }
    if (scrub_at == end) {
        list_remove(first);
        list_push(first, order, false);
    }
    return need;
}

bool frames_scrub(void)
{
    cpumask_t need = {0};
    uint32_t block;

    /* Where others are at it, or want memory, this CPU may rest. */
    if (!READ_ONCE(dirty_blocks) || !spin_trylock(&frames_lock))
        return false;
    block = find_dirty();
    if (block != FRAME_LINK_END)
        need = scrub_step(block);
    spin_unlock(&frames_lock);
    if (!cpumask_empty(need))
        tlb_flush_mask(need, 0);
    return block != FRAME_LINK_END;
}
