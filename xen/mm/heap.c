/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small allocations: size classes of powers of two from 32 to 2048 bytes, each carved from pages;
 * larger ones are whole frames. A page that holds small objects begins with a header; a large
 * allocation's order is kept in its frame descriptor. Everything handed out is zeroed.
 */
#include "mm/alloc.h"
#include "mm/fault.h"
#include "mm/internal.h"
#include "lib/lib.h"
#include "lib/spinlock.h"
#include "lib/list.h"

#define MIN_SHIFT  5
#define MAX_SHIFT  11
#define CLASSES    (MAX_SHIFT - MIN_SHIFT + 1)
#define SLAB_MAGIC 0x51abu

struct slab {
    struct list link; /* partial list of its class */
    uint16_t magic, shift, used, capacity;
    void *free; /* chain through the objects */
};

static struct spinlock heap_lock = SPINLOCK_INIT(LOCK_HEAP);
static struct list partial[CLASSES];
static bool heap_ready;

static struct slab *slab_of(void *p)
{
    return (struct slab *)((uintptr_t)p & PAGE_MASK);
}

static struct slab *slab_new(unsigned int shift)
{
    struct frame *f = frames_take(0, 0);

    if (!f)
        return NULL;
    struct slab *s = frame_to_virt(f);
    memset(s, 0, PAGE_SIZE);
    s->magic = SLAB_MAGIC;
    s->shift = (uint16_t)shift;
    size_t first = MAX(sizeof(*s), (size_t)1 << shift);
    for (size_t off = ROUND_UP(first, (size_t)1 << MIN(shift, 6u));
         off + (1ul << shift) <= PAGE_SIZE; off += 1ul << shift) {
        void **obj = (void **)((char *)s + off);
        *obj = s->free;
        s->free = obj;
        s->capacity++;
    }
    return s;
}

static void *alloc_small(unsigned int shift)
{
    struct list *head = &partial[shift - MIN_SHIFT];

    spin_lock(&heap_lock);
    if (!heap_ready) {
        for (unsigned int i = 0; i < CLASSES; i++)
            list_init(&partial[i]);
        heap_ready = true;
    }
    if (list_empty(head)) {
        spin_unlock(&heap_lock);
        struct slab *fresh = slab_new(shift);
        if (!fresh)
            return NULL;
        spin_lock(&heap_lock);
        list_add(&fresh->link, head);
    }
    struct slab *s = list_first(head, struct slab, link);
    void **obj = s->free;
    s->free = *obj;
    s->used++;
    if (!s->free)
        list_del(&s->link);
    spin_unlock(&heap_lock);
    memset(obj, 0, 1ul << shift);
    return obj;
}

static void *alloc_large(size_t size)
{
    unsigned int order = 0;

    while (PAGE_SIZE << order < size)
        order++;
    struct frame *f = frames_take(order, 0);
    if (!f)
        return NULL;
    f->validated = (uint16_t)order;
    void *p = frame_to_virt(f);
    memset(p, 0, PAGE_SIZE << order);
    return p;
}

static void *alloc(size_t size)
{
    unsigned int shift = MIN_SHIFT;

    if (size > 1ul << MAX_SHIFT)
        return alloc_large(size);
    while (1ul << shift < size)
        shift++;
    return alloc_small(shift);
}

void *hv_zalloc(size_t size)
{
    return alloc_fault() ? NULL : alloc(size);
}

void *hv_alloc_aligned(size_t size, size_t align)
{
    if (alloc_fault())
        return NULL;
    /* Objects of 64 bytes and less lie at multiples of their size; larger ones at 64. */
    if (align <= 64)
        return alloc(MAX(size, align));
    return alloc_large(MAX(size, align));
}

void hv_free(void *p)
{
    if (!p)
        return;
    if (!((uintptr_t)p & ~PAGE_MASK)) {
        struct frame *f = mfn_to_frame(virt_to_mfn(p));
        frames_free(f, f->validated);
        return;
    }
    struct slab *s = slab_of(p);
    ASSERT(s->magic == SLAB_MAGIC);
    bool empty = false;
    spin_lock(&heap_lock);
    if (!s->free)
        list_add(&s->link, &partial[s->shift - MIN_SHIFT]);
    *(void **)p = s->free;
    s->free = p;
    if (--s->used == 0) {
        list_del(&s->link);
        empty = true;
    }
    spin_unlock(&heap_lock);
    if (empty)
        page_free(s);
}
