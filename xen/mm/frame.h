/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame table: one descriptor per 4 KiB frame of the host, and the rules that isolate guests.
 *
 * The invariant, which every function here keeps and the audit (mm/audit.h) checks independently:
 *
 *   No frame that is a page table or descriptor page is mapped writable by its guest; no frame
 *   is reachable from a domain's tables unless that domain owns it, was granted it, or controls it.
 *
 * How: each frame has one 64-bit word `info`, changed only by compare-and-swap:
 *
 *   bits 0-27   reference count: who keeps the frame from being freed
 *   bit  28     ALLOCATED: belongs to a domain; holds one of the references itself
 *   bit  29     XENHEAP: shared by the hypervisor with the guest (shared info, grant frames, ...);
 *               never becomes a page table, never freed by the guest
 *   bit  30     RAM: a frame of RAM (clear: device memory or a hole)
 *   bit  31     DIRTY: free, contents not scrubbed since its last owner; bits 32-63 then hold that
 *               owner's generation, so that only the same domain may have it unscrubbed
 *   bits 32-53  type count: how many uses rely on the type
 *   bit  54     PARTIAL: a page table validated (or torn down) in part; holds one type reference.
 *               Of a writable frame: it was a table, and is being flushed from the TLBs
 *   bit  55     VALIDATED: a table whose entries have all been checked and referenced
 *   bit  56     PINNED: the guest asked that the type stay (holds one reference of each kind)
 *   bits 57-59  type
 *   bit  60     TEARDOWN: its last type reference was dropped; it is on its domain's teardown
 *               queue, which holds one reference of each kind
 *   bit  61     LAST_WRITER: the last writable reference is on its way out; whoever takes another clears it,
 *               so that the stamp of the one is not taken for that of the other
 *
 * The type changes only while the type count is zero. A writable mapping is a type reference of
 * FRAME_WRITABLE, a table's use one of its level. Type references on a frame as page table
 * (L1-L4, SEG) are taken and dropped only under pt_lock of the domain that owns it; writable
 * references are taken from anywhere. Each type reference also holds a count reference.
 */
#ifndef XEN_MM_FRAME_H
#define XEN_MM_FRAME_H
#include "lib/types.h"
#include "lib/atomic.h"
#include "x86/page.h"

struct domain;

enum frame_type {
    FRAME_NONE = 0,
    FRAME_L1 = 1,
    FRAME_L2 = 2,
    FRAME_L3 = 3,
    FRAME_L4 = 4,
    FRAME_SEG = 5, /* GDT or LDT page */
    FRAME_WRITABLE = 7,
};

#define FI_REF_ONE     1ull
#define FI_REF_MASK    0x0fffffffull
#define FI_ALLOCATED   (1ull << 28)
#define FI_XENHEAP     (1ull << 29)
#define FI_RAM         (1ull << 30)
#define FI_DIRTY       (1ull << 31)
#define FI_TEARDOWN    (1ull << 60)
#define FI_LAST_WRITER (1ull << 61)
#define FI_TYPE_ONE    (1ull << 32)
#define FI_TCOUNT      (0x3fffffull << 32)
#define FI_PARTIAL     (1ull << 54)
#define FI_VALIDATED   (1ull << 55)
#define FI_PINNED      (1ull << 56)
#define FI_TYPE_SHIFT  57
#define FI_TYPE        (7ull << FI_TYPE_SHIFT)
#define FI_TYPE_OF(t)  ((uint64_t)(t) << FI_TYPE_SHIFT)

#define FRAME_NO_OWNER 0xffff
#define FRAME_LINK_END 0xffffffffu

struct frame {
    uint64_t info;
    uint16_t owner;      /* domain id; stable while a reference is held */
    uint16_t validated;  /* tables, PARTIAL or TEARDOWN: entries 0..validated-1 are referenced
                          * (pt_lock); free: order of the block that starts here */
    uint32_t prev, next; /* domain's frame list (mem_lock) or free list (frames lock), indices */
    uint32_t stamp;      /* tlb_clock when the type count, or the references, last fell to zero;
                          * on the teardown queue: the next frame (pt_lock) */
};
_Static_assert(sizeof(struct frame) == 32 || sizeof(struct frame) == 24, "frame table size");

#ifdef __HYPERVISOR__
#define frame_table ((struct frame *)FRAME_TABLE_START)
#else
extern struct frame *frame_table;
#endif

static inline bool mfn_valid(mfn_t m)
{
    return mfn_x(m) < max_mfn;
}
static inline struct frame *mfn_to_frame(mfn_t m)
{
    return &frame_table[mfn_x(m)];
}
static inline mfn_t frame_to_mfn(const struct frame *f)
{
    return mfn_make((uint64_t)(f - frame_table));
}
static inline void *frame_to_virt(const struct frame *f)
{
    return mfn_to_virt(frame_to_mfn(f));
}
static inline enum frame_type frame_type(const struct frame *f)
{
    return (enum frame_type)((READ_ONCE(f->info) & FI_TYPE) >> FI_TYPE_SHIFT);
}

/*
 * Take a reference on a frame of domain d. False if the frame is not d's (or not RAM, or free,
 * or the count would overflow). Undone by frame_put(). Any context, no locks needed.
 */
bool __must_check frame_get(struct frame *f, const struct domain *d);
/* As above for the frame number of a guest: checks mfn_valid too. NULL if refused. */
struct frame *__must_check mfn_get(mfn_t m, const struct domain *d);
/* Drop a reference; the last one frees the frame. Not under LOCK_MEM or LOCK_FRAMES. */
void frame_put(struct frame *f);

/*
 * Take a count and a writable-type reference at once (one locked operation). False if the frame
 * is not d's or is in use as another type. Undone by frame_put_writable().
 */
bool __must_check frame_get_writable(struct frame *f, const struct domain *d);
void frame_put_writable(struct frame *f);

/*
 * Page-table types. d's pt_lock is held; d owns the frame.
 *
 * frame_get_type takes a count and a type reference as a table of the level or as descriptor page,
 * validating the contents if the frame was not of that type yet. 0; -EINVAL and the like: contents
 * or present use refuse; -ERESTART: preempted; the work done is kept in the frame (PARTIAL),
 * whoever asks again continues it; -EAGAIN: the frame waits on the teardown queue: call pt_drain().
 *
 * frame_put_type drops both. A table whose last reference goes is put on the domain's teardown
 * queue; pt_drain() takes it apart, -ERESTART when preempted. The queue is drained before a
 * hypercall that filled it returns to the guest.
 */
int __must_check frame_get_type(struct frame *f, struct domain *d, enum frame_type t);
void frame_put_type(struct frame *f, struct domain *d);
int __must_check pt_drain(struct domain *d);

/* Pin and unpin as the guest asks (mmuext_op). pt_lock held. */
int __must_check frame_pin(struct frame *f, struct domain *d, enum frame_type level);
int __must_check frame_unpin(struct frame *f, struct domain *d);

/*
 * Write one entry of a validated table, moving references. table: the frame, of type level, owned
 * by d; index below 512; pg_owner: whose frames an L1 entry may name (else d). keep_ad: keep the
 * old accessed and dirty bits. pt_lock of d held. Errors as frame_get_type.
 */
int __must_check pt_write_entry(struct frame *table, unsigned int index, pte_t new_entry,
                                struct domain *d, struct domain *pg_owner, bool keep_ad);
/* The same for an entry *p of a validated L1 table of d: never -EAGAIN or -ERESTART. */
int __must_check pt_write_l1(pte_t *p, pte_t new_entry, struct domain *d, struct domain *pg_owner,
                             bool keep_ad);
/* References of one L1 entry (also used by the grant and ballooning paths). get adjusts *e. */
int __must_check l1e_get(pte_t *e, struct domain *d, struct domain *pg_owner);
void l1e_put(pte_t e);
/* The L1 entry that maps va in these tables, as pointer into the L1 table, whose frame goes to
 * *table; NULL if a level is missing. pt_lock held while it is used. */
pte_t *pt_walk(struct frame *l4, uint64_t va, struct frame **table);
/* Whether a descriptor may stand in a guest's GDT or LDT (fixes RPL where the ABI does). */
bool descriptor_valid(uint64_t *desc);

/* Software bit in an L1 entry: made by a grant mapping, whose references the grant holds. Guests
 * may not set it. */
#define PTE_GRANT (1ull << 62)

/* Machine-to-physical table: the ABI's array at 0xffff800000000000, index MFN. */
#define INVALID_M2P_ENTRY (~0ull)
#define SHARED_M2P_ENTRY  (~0ull - 1)
#ifdef __HYPERVISOR__
#define machine_to_phys ((uint64_t *)RW_M2P_START)
#else
extern uint64_t *machine_to_phys;
#endif
static inline void m2p_set(mfn_t m, uint64_t pfn)
{
    machine_to_phys[mfn_x(m)] = pfn;
}

#endif
