/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding domains. A two-level table by id; looking up takes no lock: struct domain is
 * type-stable memory (free ones are kept for reuse as domains), so a reader may take a reference
 * on what it found and check afterwards whether it is still the domain that it wanted.
 */
#include "domain/domain.h"
#include "domain/internal.h"
#include "lib/lib.h"
#include "x86/cpu.h"

#define GROUP_SIZE (PAGE_SIZE / sizeof(struct domain *))
#define NR_GROUPS  ((DOMID_MASK + 1) / GROUP_SIZE)

/* Writers: domlist_lock. A group stays once it is there. */
static struct spinlock domlist_lock = SPINLOCK_INIT(LOCK_DOMLIST);
static struct domain **groups[NR_GROUPS];
static struct domain *free_domains; /* through hash_next; domlist_lock */
static uint32_t generations;
/*
 * A bit for each id that is listed, and one for each word of those that has any, so that a walk skips the
 * holes: ids go up and are seldom reused. Changed under domlist_lock, read without.
 */
static uint64_t used_ids[(DOMID_MASK + 1) / 64];
static uint64_t used_words[ARRAY_SIZE(used_ids) / 64];

struct domain *domain_list;
struct domain *dom0, *dom_xen, *dom_io;

static struct domain *slot_read(domid_t id)
{
    struct domain **group = atomic_load(&groups[id / GROUP_SIZE % NR_GROUPS]);
    return group ? atomic_load(&group[id % GROUP_SIZE]) : NULL;
}

struct domain *domain_get_by_id(domid_t id)
{
    struct domain *d = slot_read(id);
    uint32_t refs;

    /* The special ones have no vCPUs, ports or tables: what is meant for domains would fall over them. */
    if (!d || unlikely(id >= DOMID_FIRST_RESERVED))
        return NULL;
    refs = READ_ONCE(d->refs);
    do {
        if (!refs)
            return NULL;
    } while (!atomic_cmpxchg(&d->refs, &refs, refs + 1));
    if (likely(d->id == id))
        return d;
    /* Reused for another one in between. */
    domain_put(d);
    return NULL;
}

struct domain *domain_get_self_or(domid_t id)
{
    if (id == DOMID_SELF) {
        domain_get(current->domain);
        return current->domain;
    }
    /* The special domains have no event channels, grant tables and the like. */
    return id < DOMID_FIRST_RESERVED ? domain_get_by_id(id) : NULL;
}

/* The first bit from `from` on that is set in the nr words of map; nr * 64 or more: none is. */
static unsigned int first_bit(const uint64_t *map, unsigned int nr, unsigned int from)
{
    for (; from < nr * 64; from = (from | 63) + 1) {
        uint64_t word = READ_ONCE(map[from / 64]) >> from % 64;
        if (word)
            return from + (unsigned int)__builtin_ctzll(word);
    }
    return from;
}

/* The first id from `id` on that is listed; DOMID_FIRST_RESERVED or more: none is. */
static unsigned int first_used(unsigned int id)
{
    unsigned int word = id / 64, end = (word + 1) * 64;

    id = first_bit(used_ids, word + 1, id);
    while (id >= end && end < DOMID_FIRST_RESERVED) {
        word = first_bit(used_words, ARRAY_SIZE(used_words), end / 64);
        if (word >= ARRAY_SIZE(used_ids))
            return DOMID_FIRST_RESERVED;
        end = (word + 1) * 64;
        id = first_bit(used_ids, word + 1, word * 64);
    }
    return id;
}

struct domain *domain_get_from(unsigned int id)
{
    for (; id < DOMID_FIRST_RESERVED; id++) {
        struct domain *d;
        id = first_used(id);
        d = id < DOMID_FIRST_RESERVED ? domain_get_by_id((domid_t)id) : NULL;
        if (d)
            return d;
    }
    return NULL;
}

bool domain_controls(const struct domain *by, const struct domain *d)
{
    return by->privileged || by->target == d->generation;
}

/* The last reference may go anywhere, even under locks: freeing is left to a tasklet. */
void domain_put(struct domain *d)
{
    if (atomic_sub_fetch(&d->refs, 1u) == 0)
        tasklet_schedule(&d->free_tasklet);
}

struct domain *domain_struct_alloc(domid_t id)
{
    struct domain *d;
    uint32_t generation;

    spin_lock(&domlist_lock);
    d = free_domains;
    if (d)
        free_domains = d->hash_next;
    generation = ++generations;
    spin_unlock(&domlist_lock);
    if (!d)
        d = hv_alloc_aligned(sizeof(*d), 64);
    if (!d)
        return NULL;
    /* All but refs, which a look-up may be reading: it stays zero until the domain is listed. */
    memset(d, 0, offsetof(struct domain, refs));
    memset(&d->refs + 1, 0, sizeof(*d) - offsetof(struct domain, refs) - sizeof(d->refs));
    d->id = id;
    d->generation = generation;
    return d;
}

void domain_struct_free(struct domain *d)
{
    spin_lock(&domlist_lock);
    d->hash_next = free_domains;
    free_domains = d;
    spin_unlock(&domlist_lock);
}

/* Only one creator at a time (LOCK_DOMCTL, boot): the allocation may be outside the lock. */
int domain_id_reserve(domid_t id)
{
    struct domain **group;

    if (id > DOMID_MASK)
        return -EINVAL;
    if (groups[id / GROUP_SIZE])
        return slot_read(id) ? -EEXIST : 0;
    group = hv_zalloc(PAGE_SIZE);
    if (!group)
        return -ENOMEM;
    atomic_store(&groups[id / GROUP_SIZE], group);
    return 0;
}

static void set_used(domid_t id, bool used)
{
    uint64_t ids = used_ids[id / 64] & ~(1ull << id % 64);
    unsigned int word = id / 64;

    if (used)
        ids |= 1ull << id % 64;
    WRITE_ONCE(used_ids[word], ids);
    WRITE_ONCE(used_words[word / 64],
               (used_words[word / 64] & ~(1ull << word % 64)) | (uint64_t)(ids != 0) << word % 64);
}

void domain_list_insert(struct domain *d)
{
    struct domain **p = &domain_list;

    spin_lock(&domlist_lock);
    while (*p && (*p)->id < d->id)
        p = &(*p)->list_next;
    d->list_next = *p;
    atomic_store(p, d);
    atomic_store(&groups[d->id / GROUP_SIZE][d->id % GROUP_SIZE], d);
    atomic_store(&d->refs, 1u);
    set_used(d->id, true);
    spin_unlock(&domlist_lock);
}

void domain_list_remove(struct domain *d)
{
    struct domain **p = &domain_list;

    spin_lock(&domlist_lock);
    while (*p && *p != d)
        p = &(*p)->list_next;
    if (*p)
        *p = d->list_next;
    atomic_store(&groups[d->id / GROUP_SIZE][d->id % GROUP_SIZE], NULL);
    set_used(d->id, false);
    spin_unlock(&domlist_lock);
}
