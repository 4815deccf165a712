/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler. Each CPU has a run queue, a list of runnable vCPUs in the order of their virtual
 * time: nanoseconds that a vCPU has run, times 256 / weight. The one with the least runs. So
 * everybody gets a share in proportion to the domain's weight.
 *
 *   wakes     A vCPU that slept resumes at most SLEEP_BONUS behind the queue's clock (min_vtime),
 *             so that it runs soon, and cannot save up time.
 *   slices    The running vCPU stays until it is GRANULARITY ahead of the next one; a woken one
 *             that is that far behind preempts, at once unless the other has just begun (ratelimit).
 *             Else two that work for each other take turns at every event, where one turn could
 *             have served many. Alone, a vCPU has no slice and no timer.
 *   placing   At a wake: the last CPU if it is idle, else an idle one, preferring soft affinity,
 *             else the least loaded one. A CPU out of work takes from the others (steal()).
 *   evenness  The clocks of CPUs run at different speeds, as their loads differ. So a CPU whose
 *             longest-waiting vCPU is BALANCE_LAG behind another CPU's clock gives it to that one
 *             (give_away()), where it catches up. This keeps the shares right across CPUs: three
 *             vCPUs on two CPUs take turns at having one for themselves.
 *   moving    A vCPU keeps its virtual time when it changes queues, but starts at most MOVE_LIMIT
 *             behind the new queue's clock, so that a waker need not wait for it, and no further
 *             ahead of it than it was of the old one's. For affinities drive clocks apart without
 *             end, and that of an idle CPU stands still: a queue that is FAR_BEHIND another is
 *             taken as having begun just now (set_forward(), bring_forward()).
 *   caps      A domain has a budget per CAP_PERIOD; vCPUs of one without budget are parked.
 *
 * Locking: rq.lock, interrupts off. v->processor says which; it changes only under the lock of
 * the queue that v leaves. v->is_running stays set until v's registers are saved: until then v may
 * be queued on the same CPU only.
 */
#include "sched/sched.h"
#include "sched/softirq.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "x86/cpu.h"
#include "x86/smp.h"
#include "x86/time.h"

#define US             1000ll
#define MS             1000000ll
#define SLEEP_BONUS    (8 * MS)
#define GRANULARITY    (1 * MS)
#define RATELIMIT_US   100 /* unless set otherwise */
#define SLICE_MIN      (1 * MS)
#define SLICE_MAX      (5 * MS)
#define BALANCE_EVERY  (4 * MS)
#define BALANCE_LAG    (4 * MS)
#define MOVE_LIMIT     SLEEP_BONUS
#define FAR_BEHIND     (20 * MS)
#define MAX_RAN        (1000 * MS) /* booked at once; keeps the arithmetic in range */
#define CAP_PERIOD     (10 * MS)
#define CAP_QUOTA_UNIT (CAP_PERIOD / 100) /* budget of 1 % */
#define DEFAULT_WEIGHT 256

struct rq {
    struct spinlock lock;
    unsigned int nr_queued;
    struct list queue; /* sched_vcpu.link, ascending vtime */
    struct vcpu *curr;
    int64_t min_vtime; /* the clock: never goes back */
    s_time_t clock_at; /* when it was brought up to date */
    uint32_t load;     /* weights of the queued ones and of curr */
    s_time_t slice_end /* when curr should be looked at again; 0: never */;
    s_time_t next_balance;
    struct timer slice_timer; /* fires at slice_end or earlier */
} __aligned(64);

static struct rq rqs[MAX_CPUS];
static uint32_t ratelimit_us = RATELIMIT_US; /* read without a lock */
static uint64_t idle_map; /* CPUs whose curr is the idle vCPU; atomic bits, a hint */
struct vcpu *idle_vcpu[MAX_CPUS];

static bool is_idle(const struct vcpu *v)
{
    return v->domain->is_idle;
}

bool vcpu_runnable(const struct vcpu *v)
{
    return !(READ_ONCE(v->pause_flags) | READ_ONCE(v->pause_count) |
             READ_ONCE(v->domain->pause_count));
}

static bool may_run_on(const struct vcpu *v, unsigned int cpu)
{
    return cpumask_test(v->hard_affinity, cpu);
}

static bool out_of_cap(const struct domain *d)
{
    return unlikely(d->sched.cap) && READ_ONCE(d->sched.cap_budget) <= 0;
}

static int64_t weighted(const struct domain *d, s_time_t ran)
{
    if (likely(d->sched.weight == DEFAULT_WEIGHT))
        return ran;
    return (MIN(ran, MAX_RAN) * d->sched.inv_weight) >> 16;
}

/* The queue that v is on or belongs to, locked, interrupts off. */
static struct rq *lock_rq_of(struct vcpu *v, unsigned long *flags)
{
    *flags = irq_save();
    for (;;) {
        unsigned int cpu = READ_ONCE(v->processor);
        struct rq *rq = &rqs[cpu];
        spin_lock(&rq->lock);
        if (likely(READ_ONCE(v->processor) == cpu))
            return rq;
        spin_unlock(&rq->lock);
    }
}

/* ---- the queue; its lock held ---------------------------------------------------------------- */

static void enqueue(struct rq *rq, struct vcpu *v)
{
    struct list *p;

    /* From the end: what stops running goes far back, and the queue is short. */
    for (p = rq->queue.prev; p != &rq->queue; p = p->prev)
        if (list_entry(p, struct vcpu, sched.link)->sched.vtime <= v->sched.vtime)
            break;
    list_add(&v->sched.link, p);
    v->sched.queued = true;
    rq->nr_queued++;
    rq->load += v->domain->sched.weight;
}

static void dequeue(struct rq *rq, struct vcpu *v)
{
    list_del(&v->sched.link);
    v->sched.queued = false;
    rq->nr_queued--;
    rq->load -= v->domain->sched.weight;
}

static struct vcpu *queue_head(struct rq *rq)
{
    return rq->nr_queued ? list_first(&rq->queue, struct vcpu, sched.link) : NULL;
}

/* Book the time that v, the running one, has used since it was booked last. */
static void account(struct vcpu *v, s_time_t t)
{
    s_time_t ran = t - v->sched.started;

    if (is_idle(v) || ran <= 0)
        return;
    v->sched.started = t;
    v->sched.vtime += weighted(v->domain, ran);
    if (unlikely(v->domain->sched.cap))
        atomic_sub(&v->domain->sched.cap_budget, ran);
}

/*
 * Bring the clock up to date: it follows the one that is furthest behind of those who want to
 * run. Before anybody is queued: alone, the running vCPU has no slice, and nobody looked.
 */
static void update_clock(struct rq *rq, s_time_t t)
{
    struct vcpu *curr = rq->curr, *head = queue_head(rq);
    int64_t clock;

    rq->clock_at = t;
    if (is_idle(curr))
        return;
    clock = curr->sched.vtime + weighted(curr->domain, MAX(t - curr->sched.started, 0));
    if (head && head->sched.vtime < clock)
        clock = head->sched.vtime;
    if (clock > rq->min_vtime)
        rq->min_vtime = clock;
}

/* v leaves its queue, whose lock is held, for another CPU's. Returns the clock that it left, for
 * arrive() with the other queue's lock. */
static int64_t change_processor(struct rq *rq, struct vcpu *v, unsigned int cpu, s_time_t t)
{
    update_clock(rq, t);
    atomic_store(&v->processor, cpu);
    return rq->min_vtime;
}

static void arrive(struct rq *rq, struct vcpu *v, int64_t left, s_time_t t)
{
    int64_t ahead = v->sched.vtime - left;

    update_clock(rq, t);
    /* An idle CPU's clock stood still. */
    if (is_idle(rq->curr) && !rq->nr_queued)
        rq->min_vtime = MAX(rq->min_vtime, left);
    /* A waker stands here as it stood there: how far this clock has come is no merit or fault of one that
     * slept. Who was waiting anyway must not win by moving. */
    if (v->sched.woken)
        v->sched.vtime = rq->min_vtime + ahead;
    else
        v->sched.vtime = MIN(v->sched.vtime, rq->min_vtime + MAX(ahead, MOVE_LIMIT));
    v->sched.vtime = MAX(v->sched.vtime, rq->min_vtime - MOVE_LIMIT);
}

/* curr shall be looked at again then; 0: never. */
static void end_slice_at(struct rq *rq, s_time_t end)
{
    rq->slice_end = end;
    /* Armed for an earlier time it serves as well: it looks at slice_end when it fires. */
    if (end && !(rq->slice_timer.queued && rq->slice_timer.expires <= end))
        timer_set(&rq->slice_timer, end);
}

/* How long curr, which was just chosen or has just got company, may go on. */
static void set_slice(struct rq *rq, struct vcpu *curr, s_time_t t)
{
    struct vcpu *head = queue_head(rq);
    s_time_t end = 0;

    if (is_idle(curr)) {
        rq->slice_end = 0;
        return;
    }
    if (head) {
        int64_t ahead = head->sched.vtime - curr->sched.vtime + GRANULARITY;
        end = t + MAX(MIN(ahead, SLICE_MAX), SLICE_MIN);
    }
    if (unlikely(curr->domain->sched.cap)) {
        s_time_t left = t + MAX(READ_ONCE(curr->domain->sched.cap_budget), 100 * US);
        if (!end || left < end)
            end = left;
    }
    end_slice_at(rq, end);
}

static void slice_timer_fn(void *data)
{
    struct rq *rq = data;
    s_time_t end;

    /* Locked: who sets slice_end and finds the timer armed relies on its being seen here. */
    spin_lock_irq(&rq->lock);
    end = rq->slice_end;
    if (end && now() >= end)
        softirq_raise(SOFTIRQ_SCHEDULE);
    else if (end)
        timer_set(&rq->slice_timer, end);
    spin_unlock_irq(&rq->lock);
}

/* Somebody shall run instead of curr, as soon as that one has had its least. */
static void preempt(struct rq *rq, unsigned int cpu, s_time_t t)
{
    s_time_t earliest = rq->curr->sched.since + READ_ONCE(ratelimit_us) * US;

    if (t >= earliest)
        softirq_raise_cpu(cpu, SOFTIRQ_SCHEDULE);
    else if (!rq->slice_end || rq->slice_end > earliest)
        end_slice_at(rq, earliest);
}

/* v was queued on rq of cpu: shall it run there at once? */
static void preempt_if_better(struct rq *rq, unsigned int cpu, struct vcpu *v, s_time_t t)
{
    struct vcpu *curr = rq->curr;
    int64_t curr_vtime;

    if (is_idle(curr)) {
        softirq_raise_cpu(cpu, SOFTIRQ_SCHEDULE);
        return;
    }
    curr_vtime = curr->sched.vtime + weighted(curr->domain, t - curr->sched.started);
    if (v->sched.vtime + GRANULARITY < curr_vtime) {
        preempt(rq, cpu, t);
    } else if (!rq->slice_end) {
        set_slice(rq, curr, t);
    } else if (queue_head(rq) == v) {
        /* The slice was measured by one that is further ahead. */
        s_time_t end = t + v->sched.vtime + GRANULARITY - curr_vtime;
        end = MAX(end, curr->sched.since + SLICE_MIN);
        if (end < rq->slice_end)
            end_slice_at(rq, end);
    }
}

/* ---- placing ---------------------------------------------------------------------------------- */

/* The least loaded of some CPUs, none of which needs to be locked: a guess is good enough. */
static unsigned int least_loaded(cpumask_t set, unsigned int prefer)
{
    unsigned int cpu, best = MAX_CPUS;
    uint32_t best_load = 0;

    cpumask_for_each(cpu, set)
    {
        uint32_t load = READ_ONCE(rqs[cpu].load);
        if (best == MAX_CPUS || load < best_load || (load == best_load && cpu == prefer)) {
            best = cpu;
            best_load = load;
        }
    }
    return best;
}

/* Where the runnable v shall wait or run. rq: its present queue, locked. */
static unsigned int place(struct rq *rq, const struct vcpu *v)
{
    unsigned int last = v->processor;
    cpumask_t hard, idle, set;

    /* The common cases first: the last CPU idles, or there is no choice. */
    if (likely(may_run_on(v, last)) &&
        ((is_idle(rq->curr) && !rq->nr_queued && cpumask_test(v->soft_affinity, last)) ||
         cpu_online_map.bits == 1))
        return last;
    hard = cpumask_and(v->hard_affinity, cpu_online_map);
    if (cpumask_empty(hard)) /* affinities are checked against CPUs that never go */
        return last;
    idle = cpumask_and(hard, (cpumask_t){READ_ONCE(idle_map)});
    set = cpumask_and(idle, v->soft_affinity);
    if (cpumask_empty(set))
        set = idle;
    if (!cpumask_empty(set))
        return cpumask_test(set, last) ? last : cpumask_first(set);
    set = cpumask_and(hard, v->soft_affinity);
    if (cpumask_empty(set))
        set = hard;
    return least_loaded(set, last);
}

static int sleeping_state(const struct vcpu *v)
{
    return READ_ONCE(v->pause_flags) & (VPF_BLOCKED | VPF_POLL) ? RUNSTATE_blocked
                                                                : RUNSTATE_offline;
}

void vcpu_wake(struct vcpu *v)
{
    unsigned long flags;
    struct rq *rq = lock_rq_of(v, &flags);
    int64_t left;
    s_time_t t;

    for (;;) {
        unsigned int cpu;
        /* As curr it either runs, or has not got as far as schedule(), which will see. */
        if (v->sched.queued || rq->curr == v)
            goto out;
        if (!vcpu_runnable(v)) {
            /* Its event came, but it is paused. */
            if (v->runstate.state == RUNSTATE_blocked && sleeping_state(v) != RUNSTATE_blocked)
                vcpu_runstate_change(v, RUNSTATE_offline, now());
            goto out;
        }
        if (out_of_cap(v->domain)) {
            v->sched.parked = true;
            goto out;
        }
        if (v->is_running) {
            /* Its last CPU is about to save its registers, with interrupts off. */
            if (likely(may_run_on(v, v->processor)))
                break;
            while (atomic_load(&v->is_running))
                cpu_relax();
        }
        cpu = place(rq, v);
        if (cpu == v->processor)
            break;
        t = now();
        v->sched.woken = true;
        left = change_processor(rq, v, cpu, t);
        spin_unlock(&rq->lock);
        rq = &rqs[cpu];
        spin_lock(&rq->lock);
        if (v->processor == cpu && !v->sched.queued && rq->curr != v) {
            arrive(rq, v, left, t);
            if (vcpu_runnable(v))
                break;
        }
        /* Somebody else was faster in between: look at all of it again. */
        spin_unlock(&rq->lock);
        irq_restore(flags);
        rq = lock_rq_of(v, &flags);
    }
    t = now();
    update_clock(rq, t);
    if (v->sched.vtime < rq->min_vtime - SLEEP_BONUS)
        v->sched.vtime = rq->min_vtime - SLEEP_BONUS;
    v->sched.woken = true;
    enqueue(rq, v);
    vcpu_runstate_change(v, RUNSTATE_runnable, t);
    preempt_if_better(rq, v->processor, v, t);
out:
    spin_unlock_irqrestore(&rq->lock, flags);
}

void vcpu_sleep_nosync(struct vcpu *v)
{
    unsigned long flags;
    struct rq *rq = lock_rq_of(v, &flags);

    if (!vcpu_runnable(v)) {
        if (rq->curr == v) {
            softirq_raise_cpu(v->processor, SOFTIRQ_SCHEDULE);
        } else {
            if (v->sched.queued)
                dequeue(rq, v);
            v->sched.parked = false;
            vcpu_runstate_change(v, sleeping_state(v), now());
        }
    }
    spin_unlock_irqrestore(&rq->lock, flags);
}

void vcpu_sleep_sync(struct vcpu *v)
{
    vcpu_sleep_nosync(v);
    while (!vcpu_runnable(v) && atomic_load(&v->is_running))
        cpu_relax();
}

void vcpu_kick(struct vcpu *v)
{
    uint32_t waits = READ_ONCE(v->pause_flags) & (VPF_BLOCKED | VPF_POLL);

    if (waits) {
        if (waits & VPF_POLL)
            evtchn_poll_end(v);
        if (atomic_fetch_and(&v->pause_flags, ~waits) & waits)
            vcpu_wake(v);
    } else if (READ_ONCE(v->is_running)) {
        unsigned int cpu = READ_ONCE(v->processor);
        if (cpu != cpu_id())
            smp_kick(cpu);
    }
}

/* ---- sched_op ---------------------------------------------------------------------------------- */

void vcpu_block(void)
{
    struct vcpu *v = current;

    WRITE_ONCE(v->vcpu_info->evtchn_upcall_mask, 0);
    if (vcpu_event_pending(v->vcpu_info))
        return;
    /* Locked, so that either the sender sees BLOCKED, or this sees its event. */
    atomic_or(&v->pause_flags, VPF_BLOCKED);
    if (vcpu_event_pending(v->vcpu_info))
        atomic_and(&v->pause_flags, ~VPF_BLOCKED);
    else
        softirq_raise(SOFTIRQ_SCHEDULE);
}

long vcpu_yield(void)
{
    /* With nobody waiting there is nobody to yield to. */
    if (READ_ONCE(rqs[cpu_id()].nr_queued)) {
        current->sched.yielding = true;
        softirq_raise(SOFTIRQ_SCHEDULE);
    }
    return 0;
}

/* ---- balancing: called by the CPU that it serves, interrupts off, no queue locked --------------- */

/* Out of work: take a vCPU that waits elsewhere. Those that prefer this CPU first. */
static void steal(unsigned int cpu, s_time_t t)
{
    unsigned int other;
    int64_t left = 0;

    for (int pass = 0; pass < 2; pass++) {
        cpumask_for_each(other, cpu_online_map)
        {
            struct rq *rq = &rqs[other];
            struct list *p;
            struct vcpu *found = NULL;

            if (other == cpu || !READ_ONCE(rq->nr_queued))
                continue;
            spin_lock(&rq->lock);
            LIST_FOR_EACH(p, &rq->queue)
            {
                struct vcpu *v = list_entry(p, struct vcpu, sched.link);
                if (!may_run_on(v, cpu) || v->is_running ||
                    (pass == 0 && !cpumask_test(v->soft_affinity, cpu)))
                    continue;
                found = v;
                dequeue(rq, v);
                left = change_processor(rq, v, cpu, t);
                break;
            }
            spin_unlock(&rq->lock);
            if (!found)
                continue;
            rq = &rqs[cpu];
            spin_lock(&rq->lock);
            /* Unlocked for a moment: paused or woken meanwhile? */
            if (found->processor == cpu && !found->sched.queued) {
                arrive(rq, found, left, t);
                if (vcpu_runnable(found))
                    enqueue(rq, found);
            }
            spin_unlock(&rq->lock);
            return;
        }
    }
}

/* About where the clock of a queue stands that is not locked: it runs as the weights there say. */
static int64_t clock_of(const struct rq *rq, s_time_t t)
{
    s_time_t since = MAX(MIN(t - READ_ONCE(rq->clock_at), MAX_RAN), 0);

    return READ_ONCE(rq->min_vtime) + since * DEFAULT_WEIGHT / MAX(READ_ONCE(rq->load), 1u);
}

/* The CPU of the set that gives most time to each: an idle one, or that with the latest clock. */
static unsigned int furthest_ahead(cpumask_t set, s_time_t t, int64_t *clock)
{
    unsigned int cpu, best = MAX_CPUS;

    *clock = INT64_MIN;
    cpumask_for_each(cpu, set)
    {
        int64_t c = READ_ONCE(idle_map) >> cpu & 1 ? INT64_MAX : clock_of(&rqs[cpu], t);
        if (c > *clock) {
            *clock = c;
            best = cpu;
        }
    }
    return best;
}

/* The clock and all who go by it, curr too; to each other they stand as before. Lock held. */
static void set_forward(struct rq *rq, int64_t by)
{
    struct list *p;

    LIST_FOR_EACH(p, &rq->queue)
    list_entry(p, struct vcpu, sched.link)->sched.vtime += by;
    rq->curr->sched.vtime += by;
    rq->min_vtime += by;
}

/* A CPU whose clock is far behind this one's, which shares its time among several: it was idle or otherwise
 * apart from the others. Else its vCPU would have it alone until it has caught up. Lock of rq held;
 * dropped and taken again. */
static bool bring_forward(struct rq *rq, unsigned int cpu, s_time_t t)
{
    int64_t clock = rq->min_vtime;
    unsigned int other;

    cpumask_for_each(other, cpu_online_map)
    {
        struct rq *o = &rqs[other];
        if (other == cpu || (READ_ONCE(idle_map) >> other & 1) ||
            clock - clock_of(o, t) <= FAR_BEHIND)
            continue;
        spin_unlock(&rq->lock);
        spin_lock(&o->lock);
        update_clock(o, t);
        if (!is_idle(o->curr) && clock - o->min_vtime > FAR_BEHIND)
            set_forward(o, clock - o->min_vtime);
        spin_unlock(&o->lock);
        spin_lock(&rq->lock);
        return true;
    }
    return false;
}

/* This CPU has a queue: give its longest-waiting vCPU to a CPU where those who wait get more.
 * Lock of rq held; dropped and taken again for the transfer. */
static void give_away(struct rq *rq, unsigned int cpu, s_time_t t)
{
    struct list *p;
    unsigned int tries = 8; /* of a long queue the first few will do */

    if (t < rq->next_balance || cpu_online_map.bits == 1)
        return;
    rq->next_balance = t + BALANCE_EVERY;
    if (bring_forward(rq, cpu, t))
        return;
    LIST_FOR_EACH(p, &rq->queue)
    {
        struct vcpu *v = list_entry(p, struct vcpu, sched.link);
        cpumask_t set = cpumask_and(v->hard_affinity, cpu_online_map);
        unsigned int other;
        int64_t clock, left;

        if (!tries--)
            return;
        if (v->is_running)
            continue;
        if (!cpumask_empty(cpumask_and(set, v->soft_affinity)))
            set = cpumask_and(set, v->soft_affinity);
        other = furthest_ahead(cpumask_andnot(set, cpumask_of(cpu)), t, &clock);
        if (other == MAX_CPUS || clock - BALANCE_LAG <= v->sched.vtime)
            continue;
        if (clock != INT64_MAX && clock - FAR_BEHIND > rq->min_vtime) {
            set_forward(rq, clock - rq->min_vtime);
            return;
        }
        dequeue(rq, v);
        left = change_processor(rq, v, other, t);
        spin_unlock(&rq->lock);
        spin_lock(&rqs[other].lock);
        if (v->processor == other && !v->sched.queued && rqs[other].curr != v) {
            arrive(&rqs[other], v, left, t);
            if (vcpu_runnable(v)) {
                enqueue(&rqs[other], v);
                preempt_if_better(&rqs[other], other, v, t);
            }
        }
        spin_unlock(&rqs[other].lock);
        spin_lock(&rq->lock);
        return;
    }
}

/* ---- the choice -------------------------------------------------------------------------------- */

/* Whether prev could go on here. Marks it if it could run, but not here or not now. */
static bool can_stay(struct vcpu *prev, unsigned int cpu)
{
    prev->sched.move = prev->sched.parked = false;
    if (is_idle(prev) || !vcpu_runnable(prev))
        return false;
    if (out_of_cap(prev->domain)) {
        prev->sched.parked = true;
        return false;
    }
    if (unlikely(!may_run_on(prev, cpu))) {
        prev->sched.move = true;
        return false;
    }
    return true;
}

/* prev goes off the CPU, next (not prev) comes on. Lock held. */
static void switch_in_queue(struct rq *rq, unsigned int cpu, struct vcpu *prev, bool stays,
                            struct vcpu *next, s_time_t t)
{
    if (is_idle(prev)) {
        atomic_and(&idle_map, ~(1ull << cpu));
    } else {
        rq->load -= prev->domain->sched.weight;
        if (stays)
            enqueue(rq, prev);
    }
    vcpu_runstate_change(prev,
                         stays || is_idle(prev) || vcpu_runnable(prev) ? RUNSTATE_runnable
                                                                       : sleeping_state(prev),
                         t);
    if (is_idle(next)) {
        atomic_or(&idle_map, 1ull << cpu);
    } else {
        dequeue(rq, next);
        rq->load += next->domain->sched.weight;
        if (rq->min_vtime < next->sched.vtime)
            rq->min_vtime = next->sched.vtime;
    }
    next->is_running = true;
    next->sched.woken = false;
    next->sched.started = next->sched.since = t;
    vcpu_runstate_change(next, RUNSTATE_running, t);
    rq->curr = next;
}

void schedule(void)
{
    unsigned int cpu = cpu_id();
    struct rq *rq = &rqs[cpu];
    struct vcpu *prev = current, *next;
    bool stays;
    s_time_t t;

    spin_lock_irq(&rq->lock);
    t = now();
    account(prev, t);
    update_clock(rq, t);
    if (unlikely(rq->nr_queued) && !is_idle(prev))
        give_away(rq, cpu, t);
    stays = can_stay(prev, cpu);
    if (!stays && !rq->nr_queued && cpu_online_map.bits != 1) {
        spin_unlock(&rq->lock);
        steal(cpu, t);
        spin_lock(&rq->lock);
        stays = can_stay(prev, cpu);
    }
    next = queue_head(rq);
    if (stays && next && prev->sched.yielding && prev->sched.vtime <= next->sched.vtime)
        prev->sched.vtime = next->sched.vtime + 1;
    prev->sched.yielding = false;
    if (stays && (!next || prev->sched.vtime <= next->sched.vtime))
        next = prev;
    else if (!next)
        next = idle_vcpu[cpu];
    if (next != prev)
        switch_in_queue(rq, cpu, prev, stays, next, t);
    set_slice(rq, next, t);
    spin_unlock(&rq->lock);
    if (next != prev)
        context_switch(prev, next);
    irq_enable();
}

void sched_context_saved(struct vcpu *prev)
{
    cpumask_t idle;

    atomic_store(&prev->is_running, false);
    /* Preempted by one that may run only here, perhaps: an idle CPU can take it from now on. */
    if (READ_ONCE(prev->sched.queued)) {
        idle = cpumask_and(prev->hard_affinity, (cpumask_t){READ_ONCE(idle_map)});
        if (unlikely(!cpumask_empty(idle)))
            softirq_raise_cpu(cpumask_first(idle), SOFTIRQ_SCHEDULE);
    }
    /* Set by schedule() on this CPU, in the same stretch with interrupts off. */
    if (unlikely(prev->sched.move)) {
        prev->sched.move = false;
        vcpu_wake(prev);
    }
}

/* ---- parameters -------------------------------------------------------------------------------- */

uint32_t sched_get_ratelimit(void)
{
    return READ_ONCE(ratelimit_us);
}

void sched_set_ratelimit(uint32_t us)
{
    WRITE_ONCE(ratelimit_us, us);
}

/* With the lock of rq, v's queue, which it gives back. */
static void set_hard(struct vcpu *v, struct rq *rq, unsigned long flags, cpumask_t m)
{
    bool requeue = v->sched.queued;

    v->hard_affinity = m;
    if (requeue)
        dequeue(rq, v); /* and place it anew: it may wait where it must not, or need not wait */
    else if (rq->curr == v && !may_run_on(v, v->processor))
        softirq_raise_cpu(v->processor, SOFTIRQ_SCHEDULE);
    spin_unlock_irqrestore(&rq->lock, flags);
    if (requeue)
        vcpu_wake(v);
}

int vcpu_set_hard_affinity(struct vcpu *v, cpumask_t m)
{
    unsigned long flags;
    struct rq *rq;

    if (cpumask_empty(cpumask_and(m, cpu_online_map)))
        return -EINVAL;
    rq = lock_rq_of(v, &flags);
    if (v->sched.pinned) {
        spin_unlock_irqrestore(&rq->lock, flags);
        return -EBUSY;
    }
    set_hard(v, rq, flags, m);
    return 0;
}

int vcpu_pin_override(struct vcpu *v, int cpu)
{
    unsigned long flags;
    struct rq *rq = lock_rq_of(v, &flags);
    int rc = -EINVAL;

    if (cpu < 0 && v->sched.pinned) {
        v->sched.pinned = false;
        set_hard(v, rq, flags, v->sched.unpinned);
        return 0;
    }
    if (cpu >= 0 && v->sched.pinned) {
        rc = -EBUSY;
    } else if (cpu >= 0 && cpumask_test(cpu_online_map, (unsigned int)cpu)) {
        v->sched.pinned = true;
        v->sched.unpinned = v->hard_affinity;
        set_hard(v, rq, flags, cpumask_of((unsigned int)cpu));
        return 0;
    }
    spin_unlock_irqrestore(&rq->lock, flags);
    return rc;
}

void vcpu_pin_force_off(struct vcpu *v)
{
    vcpu_pin_override(v, -1);
}

int vcpu_set_soft_affinity(struct vcpu *v, cpumask_t m)
{
    unsigned long flags;
    struct rq *rq;

    if (cpumask_empty(cpumask_and(m, cpu_online_map)))
        return -EINVAL;
    rq = lock_rq_of(v, &flags);
    v->soft_affinity = m;
    spin_unlock_irqrestore(&rq->lock, flags);
    return 0;
}

static void cap_timer_fn(void *data)
{
    struct domain *d = data;
    int64_t quota = d->sched.cap * CAP_QUOTA_UNIT;
    struct vcpu *v;
    int64_t old;

    if (!d->sched.cap)
        return;
    /* Who runs has not been booked since it got its CPU. */
    for_each_vcpu(d, v)
    {
        unsigned long flags;
        struct rq *rq = lock_rq_of(v, &flags);
        if (rq->curr == v)
            account(v, now());
        spin_unlock_irqrestore(&rq->lock, flags);
    }
    old = READ_ONCE(d->sched.cap_budget);
    /* What was used beyond the budget is paid back; what was not used is lost. */
    while (!atomic_cmpxchg(&d->sched.cap_budget, &old, MIN(old + quota, quota)))
        ;
    if (READ_ONCE(d->sched.cap_budget) > 0) {
        for_each_vcpu(d, v)
        {
            if (READ_ONCE(v->sched.parked)) {
                v->sched.parked = false;
                vcpu_wake(v);
            }
        }
    }
    timer_set(&d->sched.cap_timer, now() + CAP_PERIOD);
}

/* The weight of a vCPU that is queued or runs is part of its queue's load. */
static void change_weight(struct domain *d, uint16_t weight)
{
    uint16_t old = d->sched.weight;
    struct vcpu *v;

    if (old == weight)
        return;
    domain_pause(d);
    d->sched.weight = weight;
    d->sched.inv_weight = (DEFAULT_WEIGHT << 16) / weight;
    /* If the caller is in d, its own vCPU still runs. */
    for_each_vcpu(d, v)
    {
        unsigned long flags;
        struct rq *rq = lock_rq_of(v, &flags);
        if (rq->curr == v)
            rq->load += (uint32_t)weight - old;
        spin_unlock_irqrestore(&rq->lock, flags);
    }
    domain_unpause(d);
}

/* Caller: LOCK_DOMCTL. */
int sched_set_params(struct domain *d, uint16_t weight, uint16_t cap)
{
    if (weight == 0)
        return -EINVAL;
    change_weight(d, weight);
    WRITE_ONCE(d->sched.cap, cap);
    if (cap) {
        WRITE_ONCE(d->sched.cap_budget, cap * CAP_QUOTA_UNIT);
        timer_set(&d->sched.cap_timer, now() + CAP_PERIOD);
    } else {
        struct vcpu *v;
        timer_stop(&d->sched.cap_timer);
        for_each_vcpu(d, v)
        {
            v->sched.parked = false;
            vcpu_wake(v);
        }
    }
    return 0;
}

void sched_get_params(const struct domain *d, uint16_t *weight, uint16_t *cap)
{
    *weight = d->sched.weight;
    *cap = d->sched.cap;
}

/* ---- life cycle -------------------------------------------------------------------------------- */

int sched_init_domain(struct domain *d)
{
    d->sched.weight = DEFAULT_WEIGHT;
    d->sched.inv_weight = 1u << 16;
    timer_init(&d->sched.cap_timer, cap_timer_fn, d, cpumask_first(cpu_online_map) % MAX_CPUS);
    return 0;
}

void sched_destroy_domain(struct domain *d)
{
    timer_kill(&d->sched.cap_timer);
}

int sched_init_vcpu(struct vcpu *v, unsigned int cpu)
{
    list_init(&v->sched.link);
    v->processor = cpu;
    v->hard_affinity = v->soft_affinity = CPUMASK_ALL;
    v->sched.vtime = rqs[cpu].min_vtime;
    v->runstate.state = is_idle(v) ? RUNSTATE_running : RUNSTATE_offline;
    v->runstate.state_entry_time = (uint64_t)now();
    return 0;
}

/* v's domain is paused for good, or v was never started. */
void sched_destroy_vcpu(struct vcpu *v)
{
    unsigned long flags;
    struct rq *rq = lock_rq_of(v, &flags);

    if (v->sched.queued)
        dequeue(rq, v);
    spin_unlock_irqrestore(&rq->lock, flags);
}

void sched_init(void)
{
    for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
        spin_lock_init(&rqs[cpu].lock, LOCK_SCHED);
        list_init(&rqs[cpu].queue);
        timer_init(&rqs[cpu].slice_timer, slice_timer_fn, &rqs[cpu], cpu);
    }
    timers_init();
    softirq_open(SOFTIRQ_SCHEDULE, schedule);
}

void sched_init_cpu(unsigned int cpu)
{
    struct rq *rq = &rqs[cpu];
    struct vcpu *v;

    softirq_init_cpu();
    if (idle_vcpu_create(cpu, &v))
        panic("No memory for the idle vCPU of CPU %u", cpu);
    v->hard_affinity = v->soft_affinity = cpumask_of(cpu);
    v->is_running = true;
    idle_vcpu[cpu] = v;
    rq->curr = v;
    atomic_or(&idle_map, 1ull << cpu);
    current = v;
}
