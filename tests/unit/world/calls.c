/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See calls.h. */
#include "tests/unit/world/calls.h"
#include "domain/grant_internal.h"
#include "hypercalls/abi/callback.h"
#include "hypercalls/abi/domctl.h"
#include "hypercalls/abi/event_channel.h"
#include "hypercalls/abi/grant_table.h"
#include "hypercalls/abi/memory.h"
#include "hypercalls/abi/physdev.h"
#include "hypercalls/abi/platform.h"
#include "hypercalls/abi/sched.h"
#include "hypercalls/abi/sysctl.h"
#include "hypercalls/abi/vcpu.h"

/* ---- the table ---- */

static const struct {
    uint8_t nr, nargs;
    const char *name;
} calls[] = {
#define T(n, call, args, who, handler) {n, args, #call},
#include "hypercalls/table.h"
#undef T
};

const char *call_name(unsigned int nr)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++)
        if (calls[i].nr == nr)
            return calls[i].name;
    return "?";
}

/* ---- numbers ---- */

static domid_t id_of(const struct caller *me)
{
    return me->id;
}

static uint64_t own_table(const struct caller *me, unsigned int i)
{
    return mfn_x(me->guest->frame[i % GUEST_TABLES]);
}

/* One that was no table in the beginning. */
static uint64_t own_frame(const struct caller *me, unsigned int i)
{
    return mfn_x(me->guest->frame[GUEST_TABLES + i % (me->guest->nr - GUEST_TABLES)]);
}

static domid_t pick_domid(struct input *in, const struct caller *me)
{
    uint8_t b = in_u8(in);

    switch (b % 8) {
    case 0:
    case 1: return DOMID_SELF;
    case 2: return id_of(me);
    case 3:
    case 4:
    case 5: return (domid_t)(b / 8 % WORLD_GUESTS);
    case 6: return (domid_t)(DOMID_FIRST_RESERVED + b / 8 % 8);
    default: return (domid_t)(b / 8);
    }
}

/* The n-th frame of its list, among them those that it got later. */
static uint64_t listed_mfn(domid_t id, unsigned int n)
{
    struct domain *d = domain_get_by_id(id);
    uint32_t f;

    if (!d)
        return 0;
    f = d->frames_head;
    while (n-- && f != FRAME_LINK_END && frame_table[f].next != FRAME_LINK_END)
        f = frame_table[f].next;
    domain_put(d);
    return f == FRAME_LINK_END ? 0 : f;
}

static uint64_t special_mfn(struct input *in, const struct caller *me)
{
    struct domain *d = domain_get_by_id(id_of(me));
    uint8_t b = in_u8(in);
    uint64_t mfn = b;

    if (!d)
        return mfn;
    if (b % 4 == 0 && d->shared_info)
        mfn = mfn_x(virt_to_mfn(d->shared_info));
    else if (b % 4 == 1 && d->grant_table && d->grant_table->nr_frames)
        mfn = mfn_x(virt_to_mfn(d->grant_table->shared[b / 4 % d->grant_table->nr_frames]));
    else if (b % 4 == 2)
        mfn = max_mfn - 2 + b / 4 % 4;
    else if (b == 255)
        mfn = in_uint(in, 8);
    domain_put(d);
    return mfn;
}

static uint64_t pick_mfn(struct input *in, const struct world *w, const struct caller *me)
{
    uint8_t b = in_u8(in);
    domid_t other_id = b / 16 % WORLD_GUESTS;
    const struct whole_guest *other = &w->guest[other_id];

    switch (b % 16) {
    case 0:
    case 1:
    case 2: return own_table(me, b / 16 % GUEST_TABLES);
    case 3:
    case 4:
    case 5:
    case 6: return own_frame(me, in_u8(in));
    case 7:
    case 8: return own_frame(me, b / 16);
    case 9:
    case 10: return listed_mfn(id_of(me), b / 16);
    case 11: return mfn_x(other->frame[in_u8(in) % MAX(other->nr, 1u)]);
    case 12: return listed_mfn(other_id, in_u8(in) % 8);
    case 13:
    case 14: return own_frame(me, 16 + b / 16);
    default: return special_mfn(in, me);
    }
}

static uint64_t pick_pte(struct input *in, const struct world *w, const struct caller *me)
{
    static const uint64_t flags[] = {
        0,
        PTE_PRESENT | PTE_USER,
        PTE_PRESENT | PTE_USER | PTE_RW,
        PTE_PRESENT | PTE_USER | PTE_RW | PTE_ACCESSED | PTE_DIRTY,
        PTE_PRESENT | PTE_USER | PTE_ACCESSED,
        PTE_PRESENT | PTE_USER | PTE_NX,
        PTE_PRESENT | PTE_USER | PTE_RW | PTE_NX | PTE_PSE,
        PTE_PRESENT | PTE_RW,
        PTE_PRESENT | PTE_USER | PTE_RW | PTE_GLOBAL | 0x200,
        PTE_PRESENT | PTE_USER | PTE_RW | PTE_PCD | PTE_PWT,
        PTE_USER | PTE_RW,
        PTE_PRESENT | PTE_USER | PTE_GRANT,
    };
    uint8_t b = in_u8(in);
    uint64_t f = b == 255 ? in_uint(in, 8) & ~PTE_ADDR : flags[b % ARRAY_SIZE(flags)];

    return (pick_mfn(in, w, me) << PAGE_SHIFT & PTE_ADDR) | f;
}

static uint64_t pick_va(struct input *in, const struct caller *me)
{
    static const uint64_t edges[] = {
        0,     HV_VIRT_START, HV_VIRT_END, HV_VIRT_END - 8, RO_M2P_START, 0x7ffffffff000,
        ~0ull, PAGE_SIZE,
    };
    uint8_t b = in_u8(in);

    if (b < 200)
        return WHOLE_VA(b % me->guest->nr) + (b >= 128 ? in_u8(in) * 8u : 0);
    if (b < 230) /* the same table, behind what it maps at first */
        return WHOLE_VA(me->guest->nr + b % 32u);
    if (b < 245)
        return edges[b % ARRAY_SIZE(edges)];
    return in_uint(in, 8);
}

static uint32_t pick_small(struct input *in)
{
    uint8_t b = in_u8(in);

    return b < 240 ? b % 16 : b < 250 ? b * 37u : (uint32_t)in_uint(in, 4);
}

static uint32_t pick_count(struct input *in)
{
    uint8_t b = in_u8(in);

    return b < 250 ? b % 6 : b == 250 ? ~0u : b == 251 ? 0x80000001 : b == 252 ? 1000 : 64;
}

/* ---- structures in the scratch frames ---- */

/* Of the call that is made. */
static size_t area_used;
static uint64_t area_va;

/* n zeroed bytes at a multiple of 8. *va: where the guest has them. */
static void *take(size_t n, uint64_t *va)
{
    if (area_used + n > AREA_SIZE)
        area_used = 0;
    *va = area_va + area_used;
    area_used += ROUND_UP(n, (size_t)8);
    return memset((void *)*va, 0, n);
}

void call_disturb(struct input *in, const struct world *w, const struct caller *me)
{
    size_t at = in_uint(in, 2) % AREA_SIZE & ~(size_t)7;
    uint64_t v = in_u8(in) & 1 ? pick_pte(in, w, me) : in_u8(in);

    /* Most structures lie in its beginning. */
    if (in_u8(in) & 3)
        at %= 256;
    memcpy(whole_arena(me->area * AREA_SIZE + at), &v, 8);
}

static void write_grant(struct input *in, const struct world *w, const struct caller *me,
                        const struct grant_table *gt)
{
    grant_entry_v1_t *e = shared_entry(gt, 8u + in_u8(in) % 8u);
    uint8_t how = in_u8(in);

    e->domid = pick_domid(in, me);
    e->frame = (uint32_t)(how & 1 ? own_frame(me, how / 8) : pick_mfn(in, w, me));
    e->flags = how > 240
                   ? (uint16_t)in_uint(in, 2)
                   : (uint16_t)(how & 2 ? 0 : GTF_permit_access | (how & 4 ? GTF_readonly : 0));
}

/* The upcall's flags of another vCPU: who sets those has to wake it too. */
static bool others_upcall(const struct caller *me, unsigned int word)
{
    const unsigned int per_vcpu = sizeof(struct vcpu_info) / sizeof(uint64_t);

    return word < XEN_LEGACY_MAX_VCPUS * per_vcpu && word % per_vcpu == 0 &&
           (int)(word / per_vcpu) != me->vcpu;
}

void guest_writes(struct input *in, const struct world *w, const struct caller *me)
{
    struct domain *d = domain_get_by_id(id_of(me));
    uint8_t how = in_u8(in);

    if (!d)
        return;
    if (d->dying) {
        /* It executes nothing. */
    } else if (how & 3 && d->grant_table && d->grant_table->nr_frames) {
        write_grant(in, w, me, d->grant_table);
    } else if (d->shared_info) {
        uint64_t *words = (uint64_t *)d->shared_info;

        unsigned int word = how & 4 ? in_u8(in) % 64 : 256 + in_u8(in) % 128;

        if (!others_upcall(me, word))
            words[word] = in_uint(in, 2);
    }
    domain_put(d);
}

/* An array of frame numbers. */
static uint64_t mfn_list(struct input *in, const struct world *w, const struct caller *me,
                         unsigned int n)
{
    uint64_t va, *list = take(8 * 8, &va);

    for (unsigned int i = 0; i < MIN(n, 8u); i++)
        list[i] = pick_mfn(in, w, me);
    return in_u8(in) > 250 ? pick_va(in, me) : va;
}

/* ---- the families: each sets arguments from arg[0] on ---- */

typedef void family(struct input *in, const struct world *w, const struct caller *me,
                    unsigned long *arg);

static void make_mmu_update(struct input *in, const struct world *w, const struct caller *me,
                            unsigned long *arg)
{
    unsigned int n = 1 + in_u8(in) % 4;
    uint64_t va;
    struct mmu_update *u = take(4 * sizeof(*u), &va);

    for (unsigned int i = 0; i < n; i++) {
        uint8_t how = in_u8(in);
        uint64_t of = how & 3 ? own_table(me, how / 4 % GUEST_TABLES) : pick_mfn(in, w, me);

        u[i].ptr = of << PAGE_SHIFT | (in_u8(in) % 96 * 8u) | (how > 200 ? how % 4 : 0);
        if (how > 240)
            u[i].ptr += 256 * 8 + (how % 16) * 8; /* the hypervisor's slots of an L4 */
        u[i].val = pick_pte(in, w, me);
    }
    arg[0] = va;
    arg[1] = in_u8(in) > 245 ? pick_count(in) : n;
    arg[2] = in_u8(in) & 1 ? 0 : va + 2048;
    uint8_t who = in_u8(in);
    arg[3] =
        who < 200 ? DOMID_SELF : pick_domid(in, me) | (who > 230 ? (pick_small(in) + 1) << 16 : 0);
}

static void make_mmuext_op(struct input *in, const struct world *w, const struct caller *me,
                           unsigned long *arg)
{
    unsigned int n = 1 + in_u8(in) % 3;
    uint64_t va, mask_va;
    struct mmuext_op *op = take(3 * sizeof(*op), &va);
    uint64_t *mask = take(8, &mask_va);

    *mask = in_u8(in);
    for (unsigned int i = 0; i < n; i++) {
        op[i].cmd = in_u8(in) % 22;
        switch (op[i].cmd) {
        case MMUEXT_INVLPG_LOCAL:
        case MMUEXT_INVLPG_ALL: op[i].arg1.linear_addr = pick_va(in, me); break;
        case MMUEXT_TLB_FLUSH_MULTI:
        case MMUEXT_INVLPG_MULTI:
            op[i].arg1.linear_addr = pick_va(in, me);
            op[i].arg2.vcpumask.p = (void *)(in_u8(in) > 240 ? pick_va(in, me) : mask_va);
            break;
        case MMUEXT_SET_LDT:
            op[i].arg1.linear_addr = pick_va(in, me) & PAGE_MASK;
            op[i].arg2.nr_ents = in_u8(in) > 240 ? pick_small(in) : in_u8(in);
            break;
        case MMUEXT_COPY_PAGE:
            op[i].arg1.mfn = pick_mfn(in, w, me);
            op[i].arg2.src_mfn = pick_mfn(in, w, me);
            break;
        default: op[i].arg1.mfn = pick_mfn(in, w, me);
        }
    }
    arg[0] = va;
    arg[1] = in_u8(in) > 245 ? pick_count(in) : n;
    arg[2] = in_u8(in) & 1 ? 0 : va + 2048;
    arg[3] = in_u8(in) < 220 ? DOMID_SELF : pick_domid(in, me);
}

static void make_update_va(struct input *in, const struct world *w, const struct caller *me,
                           unsigned long *arg)
{
    uint64_t mask_va, *mask = take(8, &mask_va);

    *mask = in_u8(in);
    arg[0] = pick_va(in, me);
    arg[1] = pick_pte(in, w, me);
    arg[2] = in_u8(in) % 8;
    if ((arg[2] & UVMF_FLUSHTYPE_MASK) && in_u8(in) & 1)
        arg[2] = mask_va | (arg[2] & UVMF_FLUSHTYPE_MASK);
    arg[3] = pick_domid(in, me);
}

static void reservation(struct input *in, const struct world *w, const struct caller *me,
                        struct xen_memory_reservation *r)
{
    unsigned int n = 1 + in_u8(in) % 4;

    r->extent_start.p = (void *)mfn_list(in, w, me, n);
    r->nr_extents = in_u8(in) > 245 ? pick_count(in) : n;
    r->extent_order = in_u8(in) < 200 ? 0 : in_u8(in) % 4;
    r->mem_flags = in_u8(in) < 230 ? 0 : (unsigned int)in_uint(in, 4);
    r->domid = in_u8(in) < 160 ? DOMID_SELF : pick_domid(in, me);
}

static void memory_structure(struct input *in, const struct world *w, const struct caller *me,
                             unsigned int op, void *p, uint64_t va)
{
    struct xen_memory_exchange *ex = p;
    struct xen_add_to_physmap *map = p;
    struct xen_mem_acquire_resource *res = p;
    struct xen_memory_map *e820 = p;

    switch (op) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
    case XENMEM_claim_pages: reservation(in, w, me, p); break;
    case XENMEM_exchange:
        reservation(in, w, me, &ex->in);
        reservation(in, w, me, &ex->out);
        if (in_u8(in) < 220) {
            ex->out.domid = ex->in.domid;
            ex->out.nr_extents = ex->in.nr_extents;
            ex->out.extent_order = ex->in.extent_order;
        }
        ex->nr_exchanged = in_u8(in) > 245 ? pick_small(in) : 0;
        break;
    case XENMEM_add_to_physmap:
    case XENMEM_remove_from_physmap:
        map->domid = pick_domid(in, me);
        map->space = in_u8(in) % 6;
        map->idx = pick_small(in);
        map->gpfn = pick_mfn(in, w, me);
        break;
    case XENMEM_acquire_resource:
        res->domid = pick_domid(in, me);
        res->type = in_u8(in) % 3;
        res->id = in_u8(in) % 2;
        res->frame = pick_small(in);
        res->nr_frames = pick_count(in);
        res->frame_list.p = (void *)mfn_list(in, w, me, 4);
        break;
    case XENMEM_memory_map:
    case XENMEM_machine_memory_map:
        e820->nr_entries = pick_count(in);
        e820->buffer.p = (void *)(va + 512);
        break;
    case XENMEM_set_memory_map:
        ((struct xen_foreign_memory_map *)p)->domid = pick_domid(in, me);
        ((struct xen_foreign_memory_map *)p)->map.nr_entries = pick_count(in);
        ((struct xen_foreign_memory_map *)p)->map.buffer.p = (void *)(va + 512);
        break;
    case XENMEM_machphys_mfn_list:
        ((struct xen_machphys_mfn_list *)p)->max_extents = pick_count(in);
        ((struct xen_machphys_mfn_list *)p)->extent_start.p = (void *)(va + 512);
        break;
    default:
        *(domid_t *)p = pick_domid(in, me);
        ((uint64_t *)p)[1] = pick_small(in);
        ((uint64_t *)p)[2] = va + 512;
    }
}

static void make_memory_op(struct input *in, const struct world *w, const struct caller *me,
                           unsigned long *arg)
{
    static const uint8_t favourites[] = {0, 1, 1, 6, 6, 11, 11, 24, 28};
    uint8_t b = in_u8(in);
    unsigned int op = b < 200 ? favourites[b % sizeof(favourites)] : b % 30;
    uint64_t va;
    void *p = take(1024, &va);

    memory_structure(in, w, me, op, p, va);
    /* What a continuation would have added, now and then. */
    arg[0] = op | (in_u8(in) > 245 ? (unsigned long)pick_small(in) << 6 : 0);
    arg[1] = va;
}

static void grant_structure(struct input *in, const struct world *w, const struct caller *me,
                            unsigned int op, void *p)
{
    struct gnttab_map_grant_ref *map = p;
    struct gnttab_unmap_grant_ref *unmap = p;
    struct gnttab_setup_table *setup = p;
    struct gnttab_copy *copy = p;
    uint8_t b = in_u8(in);

    switch (op) {
    case GNTTABOP_map_grant_ref:
        map->flags = GNTMAP_host_map | (b & 1 ? GNTMAP_readonly : 0) |
                     (b & 2 ? GNTMAP_contains_pte : 0) | (b > 240 ? in_u8(in) : 0);
        map->host_addr = b & 2 ? own_table(me, GUEST_TABLES - 1) << PAGE_SHIFT | in_u8(in) % 96 * 8u
                               : pick_va(in, me);
        map->ref = b & 4 ? 8u + in_u8(in) % 8u : pick_small(in);
        map->dom = pick_domid(in, me);
        break;
    case GNTTABOP_unmap_grant_ref:
    case GNTTABOP_unmap_and_replace:
        unmap->host_addr = b & 2
                               ? own_table(me, GUEST_TABLES - 1) << PAGE_SHIFT | in_u8(in) % 96 * 8u
                               : pick_va(in, me);
        unmap->dev_bus_addr = b > 230 ? pick_va(in, me) : 0;
        unmap->handle = pick_small(in);
        break;
    case GNTTABOP_setup_table:
        setup->dom = b < 200 ? DOMID_SELF : pick_domid(in, me);
        setup->nr_frames = pick_count(in);
        setup->frame_list.p = (void *)mfn_list(in, w, me, 4);
        break;
    case GNTTABOP_copy:
        copy->flags = b % 4;
        copy->source.domid = b & 1 ? pick_domid(in, me) : DOMID_SELF;
        copy->dest.domid = b & 2 ? pick_domid(in, me) : DOMID_SELF;
        copy->source.u.gmfn = b & 1 ? 8 + in_u8(in) % 8u : pick_mfn(in, w, me);
        copy->dest.u.gmfn = b & 2 ? 8 + in_u8(in) % 8u : pick_mfn(in, w, me);
        copy->source.offset = b > 200 ? (uint16_t)in_uint(in, 2) : in_u8(in);
        copy->dest.offset = b > 200 ? (uint16_t)in_uint(in, 2) : in_u8(in);
        copy->len = (uint16_t)(b > 220 ? in_uint(in, 2) : in_u8(in) * 8u);
        break;
    case GNTTABOP_swap_grant_ref:
        ((struct gnttab_swap_grant_ref *)p)->ref_a = 8u + in_u8(in) % 8u;
        ((struct gnttab_swap_grant_ref *)p)->ref_b = b & 1 ? 8u + in_u8(in) % 8u : pick_small(in);
        break;
    case GNTTABOP_transfer:
        ((struct gnttab_transfer *)p)->mfn = pick_mfn(in, w, me);
        ((struct gnttab_transfer *)p)->domid = pick_domid(in, me);
        break;
    default:
        *(domid_t *)p = pick_domid(in, me);
        ((uint32_t *)p)[1] = pick_small(in);
        ((uint32_t *)p)[2] = pick_small(in);
    }
}

static void make_grant_table_op(struct input *in, const struct world *w, const struct caller *me,
                                unsigned long *arg)
{
    static const uint8_t favourites[] = {0, 0, 0, 1, 1, 1, 5, 7, 2, 11};
    static const uint8_t sizes[] = {32, 24, 24, 4, 24, 40, 16, 24, 4, 24, 8, 12, 24};
    uint8_t b = in_u8(in);
    unsigned int op = b < 220 ? favourites[b % sizeof(favourites)] : b % 14;
    unsigned int n = 1 + in_u8(in) % 3;
    uint64_t va;
    uint8_t *p = take(4 * 64, &va);

    for (unsigned int i = 0; i < n; i++) {
        uint64_t one[8] = {0};

        grant_structure(in, w, me, op, one);
        memcpy(p + i * (op < sizeof(sizes) ? sizes[op] : 8u), one,
               op < sizeof(sizes) ? sizes[op] : 8u);
    }
    arg[0] = op;
    arg[1] = va;
    arg[2] = in_u8(in) > 245 ? pick_count(in) : n;
}

static void make_event_channel_op(struct input *in, const struct world *w, const struct caller *me,
                                  unsigned long *arg)
{
    unsigned int op = in_u8(in) % 16;
    uint64_t va;
    uint32_t *p = take(64, &va);

    switch (op) {
    case EVTCHNOP_alloc_unbound:
        ((struct evtchn_alloc_unbound *)p)->dom = in_u8(in) < 160 ? DOMID_SELF : pick_domid(in, me);
        ((struct evtchn_alloc_unbound *)p)->remote_dom = pick_domid(in, me);
        break;
    case EVTCHNOP_bind_interdomain:
    case EVTCHNOP_status:
    case EVTCHNOP_reset:
        *(domid_t *)p = pick_domid(in, me);
        p[1] = pick_small(in);
        break;
    case EVTCHNOP_init_control:
    case EVTCHNOP_expand_array:
        *(uint64_t *)p = pick_mfn(in, w, me);
        p[2] = in_u8(in) > 200 ? pick_small(in) : 0;
        p[3] = in_u8(in) % 4;
        break;
    default: p[0] = pick_small(in); p[1] = in_u8(in) > 100 ? 0 : pick_small(in);
    }
    arg[0] = op;
    arg[1] = va;
}

static void make_sched_op(struct input *in, const struct world *w __unused, const struct caller *me,
                          unsigned long *arg)
{
    static const uint8_t favourites[] = {0, 0, 1, 3, 6};
    uint8_t b = in_u8(in);
    uint64_t va;
    uint64_t *p = take(128, &va);

    arg[0] = b < 240 ? favourites[b % sizeof(favourites)] : b % 9;
    if (me->id == 0 && arg[0] != SCHEDOP_block && arg[0] != SCHEDOP_poll)
        arg[0] = SCHEDOP_yield; /* the others would be the end */
    switch (arg[0]) {
    case SCHEDOP_poll:
        p[0] = va + 64;
        p[1] = in_u8(in) % 4;
        p[2] = in_u8(in) & 1 ? 1000 : 0;
        ((uint32_t *)p)[16] = pick_small(in);
        ((uint32_t *)p)[17] = pick_small(in);
        break;
    case SCHEDOP_remote_shutdown:
        ((struct sched_remote_shutdown *)p)->domain_id = pick_domid(in, me);
        ((struct sched_remote_shutdown *)p)->reason = in_u8(in) % 8;
        break;
    default: ((uint32_t *)p)[0] = in_u8(in) % 8; ((uint32_t *)p)[1] = pick_small(in);
    }
    arg[1] = va;
}

static void guest_context(struct input *in, const struct world *w, const struct caller *me,
                          struct vcpu_guest_context *c)
{
    uint8_t b = in_u8(in);

    c->flags = (b & 1 ? VGCF_in_kernel : 0) | (b & 2 ? VGCF_online : 0) | (b > 240 ? ~0u : 0);
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->user_regs.rip = pick_va(in, me);
    c->user_regs.rsp = pick_va(in, me);
    c->user_regs.rflags = b > 230 ? in_uint(in, 4) : 0x202;
    c->ctrlreg[3] = (b & 4 ? own_table(me, 0) : pick_mfn(in, w, me)) << PAGE_SHIFT;
    c->ctrlreg[1] = b & 8 ? pick_mfn(in, w, me) << PAGE_SHIFT | 1 : 0;
    c->gdt_ents = b & 16 ? in_u8(in) * 4u : 0;
    for (unsigned int i = 0; i < 4; i++)
        c->gdt_frames[i] = pick_mfn(in, w, me);
    c->ldt_ents = b & 32 ? in_u8(in) : 0;
    c->ldt_base = pick_va(in, me) & PAGE_MASK;
    c->kernel_sp = pick_va(in, me);
    c->event_callback_eip = pick_va(in, me);
    c->failsafe_callback_eip = pick_va(in, me);
    for (unsigned int i = 0; i < 8; i++)
        c->debugreg[i] = b & 64 ? pick_va(in, me) : 0;
    c->fs_base = pick_va(in, me);
}

static void make_vcpu_op(struct input *in, const struct world *w, const struct caller *me,
                         unsigned long *arg)
{
    unsigned int op = in_u8(in) % 15;
    uint64_t va;

    if (me->id == 0 && op == VCPUOP_down)
        op = VCPUOP_up; /* as above */
    uint64_t *p = take(op == VCPUOP_initialise ? sizeof(struct vcpu_guest_context) : 128, &va);

    arg[0] = op;
    arg[1] = in_u8(in) > 240 ? pick_small(in) : in_u8(in) % 2;
    arg[2] = va;
    if (op == VCPUOP_initialise) {
        guest_context(in, w, me, (void *)p);
    } else if (op == VCPUOP_register_vcpu_info) {
        p[0] = pick_mfn(in, w, me);
        p[1] = in_u8(in) > 200 ? in_uint(in, 2) : in_u8(in) * 64u % PAGE_SIZE;
    } else if (op == VCPUOP_register_runstate_memory_area ||
               op == VCPUOP_register_vcpu_time_memory_area) {
        p[0] = pick_va(in, me);
    } else {
        p[0] = in_u8(in) & 1 ? 1000000 : in_uint(in, 4);
        p[1] = in_u8(in) % 4;
    }
}

/* Bytes that are small numbers most often, in 32-bit words. */
static void noise(struct input *in, void *p, size_t len)
{
    uint32_t *w = p;

    for (size_t i = 0; i < len / 4; i++)
        w[i] = pick_small(in);
}

static void make_domctl(struct input *in, const struct world *w, const struct caller *me,
                        unsigned long *arg)
{
    static const uint8_t favourites[] = {1, 2, 3, 4, 4, 4, 5, 11, 12, 13, 15, 9, 16, 61, 27, 46};
    uint8_t b = in_u8(in);
    uint64_t va, context_va;
    struct xen_domctl *op = take(sizeof(*op), &va);

    op->cmd = b < 230 ? favourites[b % sizeof(favourites)] : in_u8(in) % 90;
    op->interface_version = b == 255 ? 1 : XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = in_u8(in) < 200 ? (domid_t)(1 + b % (WORLD_GUESTS - 1)) : pick_domid(in, me);
    switch (op->cmd) {
    case XEN_DOMCTL_createdomain:
        op->domain = in_u8(in) & 1 ? 0 : (domid_t)(b % 8);
        op->u.createdomain.max_vcpus = 1 + in_u8(in) % 3;
        op->u.createdomain.max_evtchn_port = 1023;
        op->u.createdomain.max_grant_frames = in_u8(in) % 4;
        op->u.createdomain.max_maptrack_frames = in_u8(in) % 4;
        op->u.createdomain.grant_opts = 1;
        if (in_u8(in) > 240)
            noise(in, &op->u.createdomain, sizeof(op->u.createdomain));
        break;
    case XEN_DOMCTL_max_mem: op->u.max_mem.max_memkb = in_u8(in) * 8u; break;
    case XEN_DOMCTL_max_vcpus: op->u.max_vcpus.max = in_u8(in) % 4; break;
    case XEN_DOMCTL_setvcpucontext:
    case XEN_DOMCTL_getvcpucontext:
        op->u.vcpucontext.vcpu = in_u8(in) % 3;
        op->u.vcpucontext.ctxt.p = take(sizeof(struct vcpu_guest_context), &context_va);
        guest_context(in, w,
                      &(struct caller){&w->guest[b % WORLD_GUESTS], b % WORLD_GUESTS, me->area, -1},
                      op->u.vcpucontext.ctxt.p);
        op->u.vcpucontext.ctxt.p = (void *)context_va;
        break;
    case XEN_DOMCTL_getpageframeinfo3:
        op->u.getpageframeinfo3.num = in_u8(in) % 8;
        op->u.getpageframeinfo3.array.p = (void *)mfn_list(in, w, me, 8);
        break;
    default:
        noise(in, &op->u, 32);
        if (in_u8(in) & 1)
            ((uint64_t *)&op->u)[1] = va + 512;
    }
    arg[0] = va;
}

static void make_sysctl(struct input *in, const struct world *w __unused,
                        const struct caller *me __unused, unsigned long *arg)
{
    uint64_t va;
    struct xen_sysctl *op = take(sizeof(*op), &va);

    op->cmd = in_u8(in) % 32;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    noise(in, &op->u, 32);
    if (in_u8(in) & 1)
        ((uint64_t *)&op->u)[in_u8(in) % 4] = va + 512;
    if (op->cmd == XEN_SYSCTL_debug_keys)
        op->u.debug_keys.nr_keys = 0;
    arg[0] = va;
}

static void make_any(struct input *in, const struct world *w, const struct caller *me,
                     unsigned long *arg)
{
    uint64_t va;
    uint64_t *p = take(256, &va);

    for (unsigned int i = 0; i < 6; i++)
        p[i] = in_u8(in) & 1 ? pick_small(in) : pick_mfn(in, w, me);
    for (unsigned int i = 0; i < 4; i++) {
        uint8_t b = in_u8(in);

        arg[i] = b % 4 == 0 ? va : b % 4 == 1 ? pick_va(in, me) : pick_small(in);
    }
}

/* The two PCI functions of the stand-in machine, or another. */
static void pick_device(struct input *in, int *bus, int *devfn)
{
    uint8_t b = in_u8(in);

    *bus = b < 240 ? 0 : b;
    *devfn = b % 4 == 3 ? b : (3 + (b & 1)) << 3;
}

static void make_physdev_op(struct input *in, const struct world *w, const struct caller *me,
                            unsigned long *arg)
{
    static const uint8_t cmds[] = {
        PHYSDEVOP_map_pirq,           PHYSDEVOP_map_pirq,
        PHYSDEVOP_unmap_pirq,         PHYSDEVOP_eoi,
        PHYSDEVOP_irq_status_query,   PHYSDEVOP_pirq_eoi_gmfn_v2,
        PHYSDEVOP_setup_gsi,          PHYSDEVOP_get_free_pirq,
        PHYSDEVOP_pci_device_add,     PHYSDEVOP_manage_pci_add,
        PHYSDEVOP_pci_device_remove,  PHYSDEVOP_restore_msi,
        PHYSDEVOP_prepare_msix,       PHYSDEVOP_set_iobitmap,
        PHYSDEVOP_pci_mmcfg_reserved, PHYSDEVOP_apic_read,
    };
    uint64_t va;
    int bus, devfn;

    make_any(in, w, me, arg);
    arg[0] = in_u8(in) > 240 ? pick_small(in) : cmds[in_u8(in) % sizeof(cmds)];
    if (arg[0] == PHYSDEVOP_map_pirq) {
        struct physdev_map_pirq *map = take(sizeof(*map), &va);

        map->domid = pick_domid(in, me);
        map->type = in_u8(in) % 6;
        map->index = (int)pick_small(in);
        map->pirq = in_u8(in) & 1 ? -1 : (int)pick_small(in);
        pick_device(in, &map->bus, &map->devfn);
        map->entry_nr = (int)pick_count(in);
        map->table_base = in_u8(in) & 1 ? 0xfebf0000 : 0;
    } else if (arg[0] == PHYSDEVOP_unmap_pirq) {
        struct physdev_unmap_pirq *unmap = take(sizeof(*unmap), &va);

        unmap->domid = pick_domid(in, me);
        unmap->pirq = in_u8(in) & 1 ? 24 + in_u8(in) % 8 : (int)pick_small(in);
    } else if (arg[0] == PHYSDEVOP_pci_device_add || arg[0] == PHYSDEVOP_pci_device_remove ||
               arg[0] == PHYSDEVOP_prepare_msix) {
        struct physdev_pci_device_add *add = take(sizeof(*add), &va);

        pick_device(in, &bus, &devfn);
        add->bus = (uint8_t)bus;
        add->devfn = (uint8_t)devfn;
        add->flags = in_u8(in) % 4;
    } else if (arg[0] == PHYSDEVOP_manage_pci_add || arg[0] == PHYSDEVOP_restore_msi) {
        struct physdev_manage_pci *dev = take(sizeof(*dev), &va);

        pick_device(in, &bus, &devfn);
        dev->bus = (uint8_t)bus;
        dev->devfn = (uint8_t)devfn;
    } else
        va = area_va + area_used - 256;
    arg[1] = va;
}

static void make_platform_op(struct input *in, const struct world *w, const struct caller *me,
                             unsigned long *arg)
{
    uint64_t va;
    struct xen_platform_op *op = take(sizeof(*op), &va);

    (void)w;
    (void)me;
    op->cmd = in_u8(in) % 72;
    op->interface_version = in_u8(in) > 250 ? 0 : XENPF_INTERFACE_VERSION;
    for (unsigned int i = 0; i < 6; i++)
        ((uint32_t *)&op->u)[i] = pick_small(in);
    if (op->cmd == XENPF_get_symbol)
        set_xen_guest_handle(op->u.symdata.name, (char *)(va + 512));
    arg[0] = va;
}

/* First argument a number, second a structure: most of the rest. */
static void make_op(struct input *in, const struct world *w, const struct caller *me,
                    unsigned long *arg)
{
    make_any(in, w, me, arg);
    arg[1] = area_va + area_used - 256;
    arg[0] = in_u8(in) % 32;
}

static void make_set_gdt(struct input *in, const struct world *w, const struct caller *me,
                         unsigned long *arg)
{
    arg[0] = mfn_list(in, w, me, 3);
    arg[1] = in_u8(in) > 240 ? pick_small(in) : in_u8(in) * 6u;
}

static void make_update_descriptor(struct input *in, const struct world *w, const struct caller *me,
                                   unsigned long *arg)
{
    arg[0] = pick_mfn(in, w, me) << PAGE_SHIFT | in_u8(in) * 8u;
    arg[1] = in_u8(in) & 1 ? 0x00affb000000ffff : in_uint(in, 8);
}

static family *family_of(unsigned int nr)
{
    switch (nr) {
    case __HYPERVISOR_mmu_update: return make_mmu_update;
    case __HYPERVISOR_mmuext_op: return make_mmuext_op;
    case __HYPERVISOR_update_va_mapping:
    case __HYPERVISOR_update_va_mapping_otherdomain: return make_update_va;
    case __HYPERVISOR_memory_op: return make_memory_op;
    case __HYPERVISOR_grant_table_op: return make_grant_table_op;
    case __HYPERVISOR_event_channel_op: return make_event_channel_op;
    case __HYPERVISOR_sched_op: return make_sched_op;
    case __HYPERVISOR_vcpu_op: return make_vcpu_op;
    case __HYPERVISOR_domctl: return make_domctl;
    case __HYPERVISOR_sysctl: return make_sysctl;
    case __HYPERVISOR_set_gdt: return make_set_gdt;
    case __HYPERVISOR_update_descriptor: return make_update_descriptor;
    case __HYPERVISOR_physdev_op: return make_physdev_op;
    case __HYPERVISOR_platform_op: return make_platform_op;
    case __HYPERVISOR_xen_version:
    case __HYPERVISOR_nmi_op:
    case __HYPERVISOR_callback_op: return make_op;
    default: return make_any;
    }
}

/* Half of the calls are of the families in which isolation is decided. */
static unsigned int pick_number(struct input *in)
{
    static const uint8_t deep[] = {
        __HYPERVISOR_mmu_update,     __HYPERVISOR_mmu_update,        __HYPERVISOR_mmuext_op,
        __HYPERVISOR_mmuext_op,      __HYPERVISOR_memory_op,         __HYPERVISOR_grant_table_op,
        __HYPERVISOR_grant_table_op, __HYPERVISOR_update_va_mapping, __HYPERVISOR_event_channel_op,
        __HYPERVISOR_domctl,
    };
    uint8_t b = in_u8(in);

    if (b < 170)
        return deep[b % sizeof(deep)];
    if (b == 255)
        return in_u8(in) % 64;
    return calls[b % ARRAY_SIZE(calls)].nr;
}

static void make_one(struct input *in, const struct world *w, const struct caller *me,
                     struct call *c)
{
    c->nr = pick_number(in);
    family_of(c->nr)(in, w, me, c->arg);
}

void call_make(struct input *in, const struct world *w, const struct caller *me, struct call *c)
{
    memset(c, 0, sizeof(*c));
    area_used = 0;
    area_va = WHOLE_ARENA + me->area * AREA_SIZE;
    make_one(in, w, me, c);
    if (c->nr == __HYPERVISOR_multicall) {
        uint64_t va;
        unsigned int n = 1 + in_u8(in) % 4;
        struct multicall_entry *mc = take(4 * sizeof(*mc), &va);

        for (unsigned int i = 0; i < n; i++) {
            struct call one = {0};

            make_one(in, w, me, &one);
            mc[i].op = one.nr;
            memcpy(mc[i].args, one.arg, sizeof(one.arg));
        }
        c->arg[0] = va;
        c->arg[1] = in_u8(in) > 245 ? pick_count(in) : n;
    }
}
