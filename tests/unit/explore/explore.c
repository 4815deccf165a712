/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search: breadth first, so that what is found is found by the shortest way. A state is kept as
 * the way to it, from the start; to go there is to go that way again, which is quicker than to keep
 * its memory. (All is deterministic.) Seen states are kept as hashes of 64 bits.
 */
#include "explore.h"
#include "domain/event_internal.h"
#include "domain/grant_internal.h"
#include "mm/alloc.h"
#include "mm/audit.h"
#include "mm/internal.h"
#include <time.h>
#include <unistd.h>

#define MAX_OPS   256
#define MAX_DEPTH 16
/* What goes wrong in a step: nothing; preempted at look 1, 2, 3: continued, or given up; allocation 1, 2 or 3
 * fails; access 1 to 4 to the guest's memory faults. */
#define VARIANTS 14
#define V_ALLOC  7
#define V_FAULT  10
#define RAM      224

struct world world;

static struct op ops[MAX_OPS];
static unsigned int nr_ops;
static unsigned long transitions, states, pruned, disturbed, deaths;
static const struct model *model;

void add_op(struct op op)
{
    if (nr_ops == MAX_OPS)
        panic("too many operations");
    ops[nr_ops++] = op;
}

mfn_t frame_of(unsigned int domain, unsigned int i)
{
    return i < FRAMES ? world.g[domain].frame[i] : world.g[1 - domain].frame[i - FRAMES];
}
struct domain *domain_of(unsigned int domain)
{
    return domain == DOMAINS ? whole_dom0.d : world.g[domain].d;
}
bool is_alive(unsigned int domain)
{
    const struct domain *d = domain_of(domain);

    return d && !d->dying && !d->vcpu[0]->pause_flags;
}

/* ---- one step ------------------------------------------------------------------------------------- */

static unsigned int preempt_at; /* of the next step's first call; 0: not */
static bool give_up;
static unsigned long looks, allocs, accesses; /* of the step */

long do_call(const struct op *op, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
             uint64_t a4)
{
    struct whole_call c = {.nr = nr, .arg = {a1, a2, a3, a4}};
    struct vcpu *v = domain_of(op->by)->vcpu[0];
    unsigned long before = whole_preempt_checks;

    whole_preempt_at = preempt_at;
    while (whole_issue(v, &c)) {
        if (c.issues > 10000)
            panic("a call that does not end");
        if (give_up)
            break;
    }
    whole_preempt_at = 0;
    looks += whole_preempt_checks - before;
    return c.again ? -ERESTART : c.result;
}

/* Ids whose domain was freed. */
static void note_deaths(void)
{
    for (unsigned int i = 0; i < DOMAINS; i++)
        if (world.g[i].d && !audit_domain((domid_t)(i + 1)))
            world.g[i].d = NULL;
}

/* A dying domain's vCPUs run nowhere, and a CPU has nothing of it. */
static void step(unsigned int op, unsigned int variant)
{
    const struct op *o = &ops[op];

    preempt_at = variant < V_ALLOC ? (variant + 1) / 2 : 0;
    give_up = preempt_at && variant % 2 == 0;
    looks = 0;
    allocs = whole_allocs;
    accesses = whole_accesses;
    whole_fail_at = variant >= V_ALLOC && variant < V_FAULT ? variant - V_ALLOC + 1 : 0;
    whole_fault_at = variant >= V_FAULT ? variant - V_FAULT + 1 : 0;
    if (is_alive(o->by))
        o->run(o);
    whole_fail_at = whole_fault_at = 0;
    allocs = whole_allocs - allocs;
    accesses = whole_accesses - accesses;
    whole_softirqs();
    note_deaths();
    tlb_fill();
}

/* ---- snapshots ---------------------------------------------------------------------------------- */

/* Everything that a step changes: RAM and its tables; the mechanism's variables (build.mk puts them
 * into sections of their own); ours. */
extern char __start_whole_data[], __stop_whole_data[], __start_whole_bss[], __stop_whole_bss[];
#define PARTS 5
static struct part {
    char *start;
    size_t size;
} parts[PARTS];

static void find_parts(void)
{
    parts[0] = (struct part){whole_ram(), whole_ram_size()};
    parts[1] = (struct part){__start_whole_data, (size_t)(__stop_whole_data - __start_whole_data)};
    parts[2] = (struct part){__start_whole_bss, (size_t)(__stop_whole_bss - __start_whole_bss)};
    parts[3] = (struct part){(char *)&world, sizeof(world)};
    parts[4] = (struct part){(char *)&tlb_state, sizeof(tlb_state)};
}

static char *snapshot_new(void)
{
    size_t size = 0;

    for (unsigned int i = 0; i < PARTS; i++)
        size += parts[i].size;
    return malloc(size);
}
static void snapshot_take(char *to)
{
    for (unsigned int i = 0; i < PARTS; to += parts[i++].size)
        memcpy(to, parts[i].start, parts[i].size);
}
/* Most of it is the same: reading is quicker than writing. */
static void snapshot_restore(const char *from)
{
    for (unsigned int i = 0; i < PARTS; from += parts[i++].size) {
        for (size_t at = 0; at < parts[i].size; at += 4096) {
            size_t n = MIN(parts[i].size - at, (size_t)4096);
            if (memcmp(parts[i].start + at, from + at, n))
                memcpy(parts[i].start + at, from + at, n);
        }
    }
}

/* ---- states ---------------------------------------------------------------------------------------- */

static uint64_t hash;
static void mix(uint64_t x)
{
    hash = (hash ^ x) * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 29;
}
static void mix_page(const void *page)
{
    const uint64_t *p = page;
    uint64_t h = 0;

    for (unsigned int i = 0; i < 512; i++)
        if (p[i]) /* hardly any */
            h = (h ^ (p[i] + i)) * 0xff51afd7ed558ccdull, h ^= h >> 31;
    mix(h);
}

/* Frames that are, or were lately, a domain's: what they are, and what is in them. */
static void mix_frames(void)
{
    for (uint64_t m = WHOLE_FIRST_MFN; m < max_mfn; m++) {
        const struct frame *f = &frame_table[m];
        bool owned = audit_owned(f) && (f->owner == 1 || f->owner == 2);
        if (!owned && !((f->info & FI_DIRTY) && f->info >> 32))
            continue;
        mix(m);
        mix(f->info);
        if (!owned)
            continue;
        mix(f->owner | (uint64_t)f->validated << 16);
        if (f->info & FI_TEARDOWN)
            mix(f->stamp);
        if (!(f->info & FI_XENHEAP))
            mix_page(frame_to_virt(f));
    }
}

static void mix_grants(const struct domain *d)
{
    const struct grant_table *gt = d->grant_table;

    for (unsigned int ref = 8; ref < 12; ref++) {
        const struct grant_active *e = &gt->active[0][ref];
        mix(*(const uint64_t *)&gt->shared[0][ref]);
        mix(e->readers | (uint64_t)e->writers << 32);
        mix(e->readers | e->writers ? e->mfn | (uint64_t)e->domid << 32 : 0);
    }
    for (uint32_t h = 0; h < MIN(gt->nr_maptrack, 16u); h++) {
        const struct maptrack *t = &gt->maptrack[0][h];
        mix(t->lender ? t->lender->id | (uint64_t)t->ref << 32 : 0);
        mix(t->lender ? t->mfn | (t->state & TRACK_FLAGS) << 32 : 0);
    }
    mix(gt->maptrack_free);
}

static void mix_events(const struct domain *d)
{
    for (uint32_t port = 1; port < 8; port++) {
        const struct evtchn *c = port_lookup(d, port);
        if (!c)
            break;
        mix(c->state | (uint64_t)c->notify_vcpu << 8);
        if (c->state == EVTCHNSTAT_interdomain)
            mix(c->u.remote.dom->id | (uint64_t)c->u.remote.channel->port << 16);
        else if (c->state != EVTCHNSTAT_closed)
            mix(c->u.virq);
    }
    mix(d->evtchn.next_free_hint);
    mix(!!d->evtchn.fifo);
}

static void mix_domain(const struct domain *d)
{
    const struct vcpu *v = d->vcpu[0];

    mix(d->dying | d->relinquish_step << 8 | (uint64_t)d->refs << 32);
    mix(d->tot_pages | (uint64_t)d->pt_teardown << 32);
    if (v) {
        mix(v->pause_flags | d->evtchn.poll_mask[0] << 32);
        mix((uint64_t)v->pv.kernel_table);
        mix((uint64_t)v->pv.user_table);
        mix((uint64_t)v->pv.gdt_frames[0] | v->pv.ldt_ents);
        mix((uint64_t)v->vcpu_info_frame);
        if (d->pv.gdt_ldt_l1)
            mix(d->pv.gdt_ldt_l1[0][32]);
    }
    if (d->grant_table)
        mix_grants(d);
    mix_events(d);
}

static uint64_t state_hash(void)
{
    hash = 0x243f6a8885a308d3ull;
    mix_frames();
    for (unsigned int i = 0; i < DOMAINS; i++) {
        mix(i);
        if (world.g[i].d)
            mix_domain(world.g[i].d);
        for (unsigned int k = 0; k < FRAMES; k++)
            mix(mfn_x(world.g[i].frame[k]));
        mix(world.handle[i]);
        mix(world.port[i]);
    }
    /* The frames that come next. */
    for (uint32_t m = loose_head[0], n = 0; m != FRAME_LINK_END && n < 3;
         m = frame_table[m].next, n++)
        mix(m);
    for (size_t i = 0; i < sizeof(tlb_state) / 8; i++)
        if (((uint64_t *)&tlb_state)[i])
            mix(((uint64_t *)&tlb_state)[i] + i);
    for (unsigned int cpu = 0; cpu < 2; cpu++)
        mix(whole_cpu_info[cpu].cr3);
    return hash ?: 1;
}

/* Hashes of what was seen: open addressing. */
static uint64_t *seen;
static size_t seen_size;

static bool first_time(uint64_t h)
{
    if (states * 2 >= seen_size) {
        size_t old_size = seen_size;
        uint64_t *old = seen;
        seen_size = seen_size ? seen_size * 2 : 1u << 16;
        seen = calloc(seen_size, sizeof(*seen));
        for (size_t i = 0; i < old_size; i++) {
            size_t at = old[i] & (seen_size - 1);
            if (!old[i])
                continue;
            while (seen[at])
                at = (at + 1) & (seen_size - 1);
            seen[at] = old[i];
        }
        free(old);
    }
    size_t at = h & (seen_size - 1);
    while (seen[at] && seen[at] != h)
        at = (at + 1) & (seen_size - 1);
    if (seen[at])
        return false;
    seen[at] = h;
    states++;
    return true;
}

/* ---- the search -------------------------------------------------------------------------------------- */

struct node {
    uint16_t step[MAX_DEPTH]; /* op * VARIANTS + variant */
};
static struct node *layer, *next_layer;
static size_t layer_n, next_n, next_max;
static char *start_state, *here_state;
static uint64_t free_at_end;

static void tell(const struct node *way, unsigned int n, const char *what)
{
    printf("%s\nafter:\n", what);
    for (unsigned int i = 0; i < n; i++) {
        const struct op *o = &ops[way->step[i] / VARIANTS];
        unsigned int variant = way->step[i] % VARIANTS;
        printf("  %s: ", o->by == DOMAINS ? "d0" : o->by ? "d2" : "d1");
        printf(o->name, o->a, o->b, o->c);
        if (variant >= V_FAULT)
            printf(", access %u to its memory faults", variant - V_FAULT + 1);
        else if (variant >= V_ALLOC)
            printf(", allocation %u fails", variant - V_ALLOC + 1);
        else if (variant)
            printf(", preempted at look %u%s", (variant + 1) / 2,
                   variant % 2 ? "" : ", never continued");
        printf("\n");
    }
    fflush(stdout);
}

/* What panic() and a violation say at the end. */
static const struct node *way_now;
static unsigned int way_n;
void panic(const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    tell(way_now, way_n, text);
    bool meant = model->finds && strstr(text, model->finds);
    if (meant)
        printf("ok explore-%s: it is found\n", model->name);
    else
        printf("not ok explore-%s: %s\n", model->name, text);
    fflush(stdout);
    _exit(!meant);
}
void printk(const char *fmt, ...)
{
    va_list ap;

    if (!getenv("UNIT_LOG"))
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

static void check(void)
{
    const char *found = whole_audit();

    found = found ?: tlb_check();
    if (found)
        panic("%s", found);
}

/* From here both domains can be killed, and all their memory comes back. */
static void check_death(void)
{
    whole_preempt_at = 0;
    for (unsigned int i = 0; i < DOMAINS; i++)
        if (world.g[i].d) {
            whole_guest_kill(world.g[i].d);
            note_deaths();
        }
    check();
    deaths++;
    if (world.g[0].d || world.g[1].d || (free_at_end && frames_free_count() != free_at_end))
        panic("%lu frames free after the death of all, not %lu", frames_free_count(), free_at_end);
    if (!free_at_end)
        free_at_end = frames_free_count();
}

static void note_state(const struct node *from, unsigned int depth, uint16_t last, bool expand)
{
    if (!first_time(state_hash())) {
        pruned++;
        return;
    }
    if (!expand)
        return;
    if (next_n == next_max) {
        next_max = next_max ? next_max * 2 : 1024;
        next_layer = realloc(next_layer, next_max * sizeof(*next_layer));
    }
    next_layer[next_n] = *from;
    next_layer[next_n++].step[depth] = last;
}

/* Whether that can go wrong in a step that, undisturbed, has so many looks, allocations and accesses. */
static bool possible(unsigned int v, const unsigned long *can)
{
    if (v < V_ALLOC)
        return (v + 1) / 2 <= can[0];
    return v < V_FAULT ? v - V_ALLOC < can[1] : v - V_FAULT < can[2];
}

/* All that can be done from the state at the end of a way of `depth` steps. */
static void expand(const struct node *way, unsigned int depth, bool more)
{
    struct node to = *way;

    way_now = &to;
    way_n = depth;
    snapshot_restore(start_state);
    for (unsigned int i = 0; i < depth; i++)
        step(way->step[i] / VARIANTS, way->step[i] % VARIANTS);
    snapshot_take(here_state);
    check_death();
    way_n = depth + 1;
    for (unsigned int op = 0; op < nr_ops; op++) {
        unsigned long can[3] = {0};
        for (unsigned int v = 0; v < VARIANTS; v++) {
            if (!possible(v, can))
                continue;
            snapshot_restore(here_state);
            to.step[depth] = (uint16_t)(op * VARIANTS + v);
            step(op, v);
            if (v == 0)
                can[0] = looks, can[1] = allocs, can[2] = accesses;
            transitions++;
            disturbed += v != 0;
            check();
            note_state(&to, depth, to.step[depth], more);
        }
    }
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void explore(unsigned int depth)
{
    double began = seconds();

    layer = calloc(1, sizeof(*layer));
    layer_n = 1;
    first_time(state_hash());
    for (unsigned int k = 0; k < depth && layer_n; k++) {
        next_n = next_max = 0;
        next_layer = NULL;
        for (size_t i = 0; i < layer_n; i++)
            expand(&layer[i], k, k + 1 < depth);
        free(layer);
        layer = next_layer;
        layer_n = next_n;
        printf("# %s: depth %u: %lu states, %lu transitions (%lu disturbed), %.1f s\n", model->name,
               k + 1, states, transitions, disturbed, seconds() - began);
        fflush(stdout);
    }
    if (model->finds)
        panic("found nothing");
    printf("ok explore-%s: %u operations to depth %u\n", model->name, nr_ops, depth);
}

static void start(void)
{
    whole_start(2, RAM);
    tlb_start();
    for (unsigned int i = 0; i < DOMAINS; i++) {
        if (!whole_guest_create(&world.g[i], (domid_t)(i + 1), 1, FRAMES))
            panic("no memory for the world");
        world.handle[i] = ~0u;
    }
    find_parts();
    start_state = snapshot_new();
    here_state = snapshot_new();
    if (model->prepare)
        model->prepare();
    for (unsigned int i = 0; i < DOMAINS; i++)
        whole_enter(world.g[i].d->vcpu[0]);
    tlb_fill();
    check();
    snapshot_take(start_state);
}

int main(int argc, char **argv)
{
    unsigned int depth = argc > 2 ? (unsigned int)atoi(argv[2]) : 0;

    for (unsigned int i = 0; i < nr_models; i++)
        if (argc > 1 && !strcmp(argv[1], models[i].name))
            model = &models[i];
    if (!model) {
        fprintf(stderr, "usage: explore MODEL [DEPTH], of which models are:");
        for (unsigned int i = 0; i < nr_models; i++)
            fprintf(stderr, " %s (%u)", models[i].name, models[i].depth);
        fprintf(stderr, "\n");
        return 2;
    }
    model->make();
    start();
    explore(MIN(depth ? depth : model->depth, (unsigned int)MAX_DEPTH));
    return 0;
}
